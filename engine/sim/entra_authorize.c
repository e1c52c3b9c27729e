/* engine/sim/entra_authorize.c - a person signs in with a browser, and the application gets a
 * code for that (RFC 6749, 4.1, and RFC 7636).
 *
 * Applications are told at an address of this machine alone, whatever they registered: that is
 * where native ones listen. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/url.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entra.h"
#include "sim/entra_page.h"
#include "sim/world.h"

/* A code lives ten minutes at most (documented). */
enum { LIFE_S = 600, CODE_BYTES = 48 };

/* ---- what the application asks for ---- */

/* What the page hands on from the first request to the second. */
static const char *const handed_on[] = {
    "client_id", "response_type",  "response_mode",         "redirect_uri", "scope",
    "resource",  "code_challenge", "code_challenge_method", "state",        "nonce"};

static const char *field(const struct entra_request *request, const char *name)
{
    return request->call->method == CALL_POST ? entra_field(request, name)
                                              : call_parameter(request->call, name);
}

static bool is_field(const struct entra_request *request, const char *name,
                     const char *value)
{
    const char *text = field(request, name);

    return text != NULL && strcmp(text, value) == 0;
}

/* The page's URL holds the fields: they are the form for those who read one. */
static cJSON *gather(const struct entra_request *request)
{
    cJSON *form = cJSON_CreateObject();

    for (size_t i = 0; i < sizeof handed_on / sizeof handed_on[0]; i++) {
        const char *value = field(request, handed_on[i]);

        if (value != NULL)
            cJSON_AddStringToObject(form, handed_on[i], value);
    }
    return form;
}

static bool check_redirect(const struct entra_request *request)
{
    const char *redirect = entra_field(request, "redirect_uri");

    return (redirect != NULL && url_is_loopback(redirect) && url_is_clean(redirect)) ||
           entra_refuse(request, ENTRA_REDIRECT,
                        "The redirect URI '%s' specified in the request does not match "
                        "the redirect URIs configured for the application: it has to be "
                        "of this machine, such as http://localhost.",
                        redirect != NULL ? redirect : "");
}

static bool check_challenge(const struct entra_request *request)
{
    const char *method = entra_field(request, "code_challenge_method");

    return method == NULL || strcmp(method, "S256") == 0 ||
           strcmp(method, "plain") == 0 ||
           entra_refuse(request, ENTRA_CHALLENGE,
                        "The 'code_challenge_method' must be 'S256' or 'plain'.");
}

/* Errors that the application must not be told, as nobody knows whether it is one. */
static bool check_request(const struct entra_request *request,
                          struct entra_client *client, struct entra_scope *scope)
{
    char *text = entra_scope_text(request);
    const char *type = entra_field(request, "response_type");
    const bool is_good =
        entra_client_open(request, false, client) && check_redirect(request) &&
        ((type != NULL && strcmp(type, "code") == 0) ||
         entra_refuse(request, ENTRA_RESPONSE_TYPE,
                      "The response_type '%s' is not supported for the application; "
                      "'code' is.",
                      type != NULL ? type : "")) &&
        check_challenge(request) && entra_scope_open(request, text, OWNER_USER, scope);

    free(text);
    return is_good;
}

/* ---- the page ---- */

static void show_page(const struct entra_request *request, int status,
                      const char *message, const struct entra_client *client,
                      const char *hint)
{
    struct buffer *page = &request->answer->body;
    const cJSON *one;

    entra_page_begin(request->answer, status, "Sign in", message);
    buffer_append_string(page, "<p>to ");
    entra_page_append_text(page, client->name);
    buffer_append_string(page, "</p><form method=\"post\" action=\"");
    entra_page_append_text(page, request->call->path);
    buffer_append_string(page, "\">");
    cJSON_ArrayForEach (one, request->form)
        entra_page_append_hidden(page, one->string, one->valuestring);
    entra_page_append_user(page, request->world, hint);
    buffer_append_string(
        page, "<p><button name=\"decision\" value=\"approve\">Sign in</button> "
              "<button name=\"decision\" value=\"decline\">Cancel</button></p></form>");
    entra_page_end(request->answer);
}

/* ---- back to the application ---- */

static void append_parameter(struct buffer *to, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buffer_printf(to, "%s%s=", to->length > 0 ? "&" : "", name);
    buffer_append_escaped(to, value);
}

/* By a form that sends itself: the application listens for a POST. */
static void post_back(const struct entra_request *request, const char *name,
                      const char *value)
{
    struct buffer *page = &request->answer->body;
    const char *state = entra_field(request, "state");

    entra_page_begin(request->answer, 200, "Sign in", NULL);
    buffer_append_string(page, "<form id=\"back\" method=\"post\" action=\"");
    entra_page_append_text(page, entra_field(request, "redirect_uri"));
    buffer_append_string(page, "\">");
    entra_page_append_hidden(page, name, value);
    if (state != NULL)
        entra_page_append_hidden(page, "state", state);
    buffer_append_string(page, "<button>Go on</button></form><script>document."
                               "getElementById(\"back\").submit()</script>");
    entra_page_end(request->answer);
}

static void redirect_back(const struct entra_request *request, const char *name,
                          const char *value)
{
    const char *redirect = entra_field(request, "redirect_uri");
    const char mark = is_field(request, "response_mode", "fragment") ? '#'
                      : strchr(redirect, '?') != NULL                ? '&'
                                                                     : '?';
    struct buffer parameters = {0};

    append_parameter(&parameters, name, value);
    append_parameter(&parameters, "state", entra_field(request, "state"));
    answer_set_text(request->answer, 302, "");
    request->answer->location = memory_format("%s%c%s", redirect, mark, parameters.data);
    buffer_deinit(&parameters);
}

static void go_back(const struct entra_request *request, const char *name,
                    const char *value)
{
    if (is_field(request, "response_mode", "form_post"))
        post_back(request, name, value);
    else
        redirect_back(request, name, value);
}

static void give_code(const struct entra_request *request,
                      const struct entra_client *client, const cJSON *user)
{
    struct world *world = request->world;
    unsigned char bytes[CODE_BYTES];
    struct buffer code = {0};
    char *scope = entra_scope_text(request);

    RAND_bytes(bytes, sizeof bytes);
    buffer_append_string(&code, "1.");
    base64_append_url(&code, bytes, sizeof bytes);
    database_run(world->database, "DELETE FROM login_code WHERE expires_ms < ?", "i",
                 world->now_ms - LIFE_S * INT64_C(1000));
    database_run(
        world->database, "INSERT INTO login_code VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "ttttttiti", code.data, client->app_id, json_string_at(user, "id"), scope,
        entra_field(request, "redirect_uri"), entra_field(request, "code_challenge"),
        (int64_t)is_field(request, "code_challenge_method", "S256"),
        entra_field(request, "nonce"), world->now_ms + LIFE_S * INT64_C(1000));
    go_back(request, "code", code.data);
    free(scope);
    buffer_deinit(&code);
}

static void take_decision(const struct entra_request *request,
                          const struct entra_client *client, const char *name)
{
    cJSON *user = entra_find_user(request->world, name);

    if (user == NULL)
        show_page(request, 400, "There is no such user in this tenant.", client, name);
    else
        give_code(request, client, user);
    cJSON_Delete(user);
}

void entra_answer_authorize(const struct entra_request *request)
{
    const char *hint = field(request, "login_hint"), *user = field(request, "user");
    cJSON *form = gather(request);
    struct entra_request own = *request;
    struct entra_client client;
    struct entra_scope scope = {0};

    own.form = form;
    if (check_request(&own, &client, &scope)) {
        if (request->call->method != CALL_POST)
            show_page(&own, 200, NULL, &client, hint != NULL ? hint : "");
        else if (is_field(request, "decision", "approve"))
            take_decision(&own, &client, user != NULL ? user : "");
        else
            go_back(&own, "error", "access_denied");
    }
    entra_scope_close(&scope);
    cJSON_Delete(form);
}

/* ---- the code for the tokens ---- */

struct login {
    char *app_id, *user, *scope, *redirect, *challenge, *nonce;
    bool is_digest;
    int64_t expires_ms;
};

/* A code is good once: it is taken out. */
static bool take_login(struct world *world, const char *code, struct login *login)
{
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT app_id, user, scope, redirect_uri, challenge, is_digest, nonce,"
        " expires_ms FROM login_code WHERE code = ?",
        "t", code);

    if (!database_step(world->database, row))
        return false;
    *login = (struct login){.app_id = memory_copy_string(database_column(row, 0)),
                            .user = memory_copy_string(database_column(row, 1)),
                            .scope = memory_copy_string(database_column(row, 2)),
                            .redirect = memory_copy_string(database_column(row, 3)),
                            .challenge = memory_copy_string(database_column(row, 4)),
                            .is_digest = sqlite3_column_int64(row, 5) != 0,
                            .nonce = memory_copy_string(database_column(row, 6)),
                            .expires_ms = sqlite3_column_int64(row, 7)};
    database_done(row);
    database_run(world->database, "DELETE FROM login_code WHERE code = ?", "t", code);
    return true;
}

/* What the verifier's challenge would be, owned by the caller. */
static char *make_challenge(const char *verifier, bool is_digest)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct buffer text = {0};

    if (!is_digest)
        return memory_copy_string(verifier);
    EVP_Digest(verifier, strlen(verifier), digest, &length, EVP_sha256(), NULL);
    base64_append_url(&text, digest, length);
    return buffer_take(&text);
}

static bool check_verifier(const struct entra_request *request, const struct login *login)
{
    const char *verifier = entra_field(request, "code_verifier");
    char *challenge = make_challenge(verifier != NULL ? verifier : "", login->is_digest);
    const size_t length = strlen(login->challenge);
    const bool is_good =
        length == 0 || (verifier != NULL && length == strlen(challenge) &&
                        CRYPTO_memcmp(challenge, login->challenge, length) == 0);

    free(challenge);
    return is_good || entra_refuse(request, ENTRA_VERIFIER,
                                   "The Code_Verifier does not match the code_challenge "
                                   "supplied in the authorization request.");
}

static bool check_login(const struct entra_request *request,
                        const struct entra_client *client, const struct login *login)
{
    const char *redirect = entra_field(request, "redirect_uri");

    if (login->app_id == NULL || strcmp(login->app_id, client->app_id) != 0)
        return entra_refuse(request, ENTRA_LOGIN_CODE,
                            "Invalid request. Request is malformed or invalid: the code "
                            "is not known, or was redeemed already.");
    if (login->expires_ms <= request->world->now_ms)
        return entra_refuse(request, ENTRA_LOGIN_CODE_EXPIRED,
                            "The provided authorization code or refresh token has "
                            "expired due to inactivity.");
    if (redirect == NULL || strcmp(redirect, login->redirect) != 0)
        return entra_refuse(request, ENTRA_LOGIN_REDIRECT,
                            "The reply address '%s' does not match the reply address "
                            "'%s' provided when requesting Authorization code.",
                            redirect != NULL ? redirect : "", login->redirect);
    return check_verifier(request, login);
}

static void free_login(struct login *login)
{
    free(login->app_id);
    free(login->user);
    free(login->scope);
    free(login->redirect);
    free(login->challenge);
    free(login->nonce);
}

void entra_grant_code(const struct entra_request *request)
{
    const char *code = entra_field(request, "code");
    struct login login = {0};
    struct entra_client client;

    if (!entra_client_open(request, false, &client))
        return;
    if (code == NULL) {
        entra_refuse(request, ENTRA_FIELD_MISSING,
                     "The request body must contain the following parameter: 'code'.");
        return;
    }
    take_login(request->world, code, &login);
    if (check_login(request, &client, &login)) {
        struct entra_request own = *request;

        own.nonce = login.nonce;
        entra_give_to_user(&own, &client, login.user, login.scope);
    }
    free_login(&login);
}
