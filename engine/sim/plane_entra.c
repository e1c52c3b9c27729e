/* engine/sim/plane_entra.c - Microsoft Entra's token endpoint, and the reading of its
 * tokens.
 *
 * A token is a JWT that the world's own key signs, so that one from before a restart is
 * still known; what was verified once is kept with its text. */
#include "sim/plane.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/cloud.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/faults.h"
#include "sim/world.h"

enum { REMEMBERED_TOKENS = 1000, DIGEST_SIZE = 32 };

const char plane_revoked_message[] =
    "Continuous access evaluation resulted in challenge with result: InteractionRequired "
    "and code: TokenIssuedBeforeRevocationTimestamp";

/* A claim of the simulator's own. */
#define PROVEN "sim_proven"

struct token {
    struct caller caller;
    unsigned audiences;
    int64_t expires_s;
    bool is_proven; /* it was given for a challenge's claims */
    bool is_revoked;
};

/* ---- tokens ---- */

static void append_signature(const struct world *world, struct buffer *token)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = sizeof digest;

    HMAC(EVP_sha256(), world->token_key, (int)sizeof world->token_key,
         (const unsigned char *)token->data, token->length, digest, &size);
    buffer_append_char(token, '.');
    base64_append_url(token, digest, DIGEST_SIZE);
}

/* Owned by the caller. */
static char *make_token(const struct world *world, const struct caller *caller,
                        const char *audience, double life_s, bool is_proven)
{
    static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"HS256\"}";
    const double now_s = (double)(world->now_ms / 1000);
    cJSON *claims = cJSON_CreateObject();
    struct buffer token = {0};

    cJSON_AddStringToObject(claims, "aud", audience);
    cJSON_AddStringToObject(claims, "tid", world->profile.tenant_id);
    cJSON_AddStringToObject(claims, "oid", caller->object_id);
    cJSON_AddStringToObject(claims, "sub", caller->object_id);
    cJSON_AddStringToObject(claims, "appid", caller->application_id);
    cJSON_AddStringToObject(claims, "idtyp", "app");
    cJSON_AddNumberToObject(claims, "iat", now_s);
    cJSON_AddNumberToObject(claims, "nbf", now_s);
    cJSON_AddNumberToObject(claims, "exp", now_s + life_s);
    cJSON_AddStringToObject(claims, "ver", "1.0");
    if (is_proven)
        cJSON_AddTrueToObject(claims, PROVEN);

    char *text = json_print(claims);

    base64_append_url(&token, header, strlen(header));
    buffer_append_char(&token, '.');
    base64_append_url(&token, text, strlen(text));
    append_signature(world, &token);
    free(text);
    cJSON_Delete(claims);
    return buffer_take(&token);
}

/* Whether `url` begins with `host` and says no more than a slash. */
static bool is_host(const char *url, const char *host)
{
    const size_t length = strlen(host);

    return text_has_prefix_nocase(url, host) &&
           strspn(url + length, "/") == strlen(url + length);
}

/* Which services take a token for this audience; 0 when nobody has heard of it. The
 * simulator has one address for all, so a token for that address is good for all. */
static unsigned find_audiences(const char *audience)
{
    if (text_has_prefix_nocase(audience, "http://") ||
        text_has_prefix_nocase(audience, "https://127.") ||
        text_has_prefix_nocase(audience, "https://localhost"))
        return AUDIENCE_ARM | AUDIENCE_GRAPH;
    if (text_has_prefix_nocase(audience, "https://management.core."))
        return AUDIENCE_ARM;
    for (const struct cloud *cloud = clouds; cloud->name != NULL; cloud++) {
        if (is_host(audience, cloud->arm))
            return AUDIENCE_ARM;
        if (is_host(audience, cloud->graph))
            return AUDIENCE_GRAPH;
    }
    return 0;
}

/* Reads a token that nobody has seen yet. NULL when it is not one of ours. */
static struct token *read_token(struct world *world, const char *text)
{
    const char *payload = strchr(text, '.');
    const char *end = payload != NULL ? strchr(payload + 1, '.') : NULL;
    struct buffer expected = {0};

    if (end == NULL)
        return NULL;
    buffer_append(&expected, text, (size_t)(end - text));
    append_signature(world, &expected);

    const bool is_ours = strlen(text) == expected.length &&
                         CRYPTO_memcmp(text, expected.data, expected.length) == 0;

    buffer_deinit(&expected);
    if (!is_ours)
        return NULL;

    struct buffer json = {0};

    base64_decode(&json, payload + 1, (size_t)(end - payload - 1));

    cJSON *claims = json_parse(json.data, json.length, NULL);
    struct token *token = memory_new(sizeof *token);
    const char *object = json_string_at(claims, "oid");

    strncpy(token->caller.object_id, object, sizeof token->caller.object_id - 1);
    strncpy(token->caller.application_id, json_string_at(claims, "appid"),
            sizeof token->caller.application_id - 1);
    token->caller.is_admin =
        database_number(world->database, 0, "SELECT is_admin FROM object WHERE id = ?",
                        "t", object) != 0;
    token->audiences = find_audiences(json_string_at(claims, "aud"));
    token->expires_s = (int64_t)json_number_at(claims, "exp", 0);
    token->is_proven = cJSON_IsTrue(json_at(claims, PROVEN));
    cJSON_Delete(claims);
    buffer_deinit(&json);
    return token;
}

static struct token *find_token(struct world *world, const char *text)
{
    struct token *token = map_find(&world->tokens, text);

    if (token != NULL)
        return token;
    token = read_token(world, text);
    if (token == NULL)
        return NULL;
    if (world->tokens.count >= REMEMBERED_TOKENS) {
        map_deinit(&world->tokens, free);
        world->tokens = (struct map){0};
    }
    map_set(&world->tokens, text, token);
    return token;
}

/* Revokes it, perhaps, and all that its owner has. */
static bool check_revoked(struct world *world, struct token *token)
{
    const char *owner = token->caller.object_id;

    if (token->is_proven)
        return false;
    if (!token->is_revoked && map_find(&world->challenged, owner) == NULL) {
        if (!faults_strike(world->faults, FAULT_REVOKE, NULL))
            return false;
        map_set(&world->challenged, owner, world); /* any value will do */
    }
    token->is_revoked = true;
    return true;
}

bool plane_authenticate(struct world *world, const struct call *call,
                        enum audience audience, struct caller *caller,
                        enum token_fault *wrong)
{
    const char *text = call->authorization;
    struct token *token;

    *wrong = TOKEN_ABSENT;
    if (text == NULL)
        return false;
    *wrong = TOKEN_INVALID;
    if (!text_has_prefix_nocase(text, "Bearer ") ||
        (token = find_token(world, text + strlen("Bearer "))) == NULL)
        return false;
    *wrong = TOKEN_EXPIRED;
    if (token->expires_s * 1000 <= world->now_ms)
        return false;
    *wrong = TOKEN_AUDIENCE;
    if ((token->audiences & audience) == 0)
        return false;
    *wrong = TOKEN_REVOKED;
    if (check_revoked(world, token))
        return false;
    *caller = token->caller;
    memcpy(world->principal, caller->object_id, sizeof world->principal - 1);
    return true;
}

char *plane_format_challenge(const struct world *world, const struct call *call)
{
    char *claims = memory_format("{\"access_token\":{\"nbf\":{\"essential\":true,"
                                 "\"value\":\"%" PRId64 "\"}}}",
                                 world->now_ms / 1000);
    unsigned char *text = memory_new(strlen(claims) / 3 * 4 + 8);

    EVP_EncodeBlock(text, (const unsigned char *)claims, (int)strlen(claims));

    char *challenge = memory_format(
        "Bearer realm=\"\", authorization_uri=\"%s/common/oauth2/authorize\", "
        "client_id=\"00000003-0000-0000-c000-000000000000\", "
        "error=\"insufficient_claims\", claims=\"%s\"",
        call->base, (const char *)text);

    free(text);
    free(claims);
    return challenge;
}

/* ---- the endpoint ---- */

static void refuse(const struct world *world, struct answer *answer, int status,
                   const char *error, int code, const char *message)
{
    char now[CLOCK_TEXT_SIZE];

    clock_format_utc(world->now_ms, now);
    now[10] = ' ';
    memcpy(now + 19, "Z", 2); /* "2026-01-01 00:00:00Z" */

    cJSON *body = cJSON_CreateObject();
    char *text =
        memory_format("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", code,
                      message, answer->request_id, answer->request_id, now);
    char *url = memory_format("https://login.microsoftonline.com/error?code=%d", code);

    cJSON_AddStringToObject(body, "error", error);
    cJSON_AddStringToObject(body, "error_description", text);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "error_codes"),
                         cJSON_CreateNumber(code));
    cJSON_AddStringToObject(body, "timestamp", now);
    cJSON_AddStringToObject(body, "trace_id", answer->request_id);
    cJSON_AddStringToObject(body, "correlation_id", answer->request_id);
    cJSON_AddStringToObject(body, "error_uri", url);
    answer_set_json(answer, status, body);
    cJSON_Delete(body);
    free(text);
    free(url);
}

/* Whether the form carries what a challenge asked for. */
static bool has_challenge_claims(const struct call *call)
{
    char *text = call_form_field(call, "claims");
    cJSON *claims = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;
    const bool has_them = json_string_at(claims, "access_token.nbf.value") != NULL;

    cJSON_Delete(claims);
    free(text);
    return has_them;
}

static void answer_token(struct world *world, const struct call *call,
                         struct answer *answer, const struct caller *caller,
                         const char *audience)
{
    const double life_s =
        (double)(faults_token_life_ms(world->faults, world->token_life_ms) / 1000);
    const bool is_proven = has_challenge_claims(call);
    cJSON *body = cJSON_CreateObject();
    char *token = make_token(world, caller, audience, life_s, is_proven);

    if (is_proven)
        map_remove(&world->challenged, caller->object_id);
    world->sign_ins++;
    cJSON_AddStringToObject(body, "token_type", "Bearer");
    cJSON_AddNumberToObject(body, "expires_in", life_s);
    cJSON_AddNumberToObject(body, "ext_expires_in", life_s);
    cJSON_AddStringToObject(body, "access_token", token);
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
    free(token);
}

/* Looks the application up and compares its secret. */
static bool check_secret(struct world *world, const char *id, const char *secret,
                         struct caller *caller, struct answer *answer)
{
    char *key = text_lower(memory_copy_string(id));
    sqlite3_stmt *row = database_query(
        world->database, "SELECT id, app_id, secret FROM object WHERE app_id = ?", "t",
        key);
    const bool is_known = database_step(world->database, row);
    bool is_good = false;

    if (is_known) {
        const char *expected = database_column(row, 2);

        strncpy(caller->object_id, database_column(row, 0), sizeof caller->object_id - 1);
        strncpy(caller->application_id, database_column(row, 1),
                sizeof caller->application_id - 1);
        is_good = *expected != '\0' && strlen(expected) == strlen(secret) &&
                  CRYPTO_memcmp(expected, secret, strlen(secret)) == 0;
        database_done(row);
    }
    free(key);
    if (!is_known)
        refuse(world, answer, 400, "unauthorized_client", 700016,
               "Application was not found in the directory. This can happen if the "
               "application "
               "has not been installed by the administrator of the tenant.");
    else if (!is_good)
        refuse(world, answer, 401, "invalid_client", 7000215,
               "Invalid client secret provided. Ensure the secret being sent in the "
               "request is "
               "the client secret value, not the client secret ID.");
    return is_good;
}

/* "https://management.azure.com/.default" -> "https://management.azure.com", or NULL;
 * owned by the caller. */
static char *find_audience(const char *scope)
{
    const char *end = strstr(scope, "/.default");

    return end != NULL && end[strlen("/.default")] == '\0'
               ? memory_copy_text(scope, (size_t)(end - scope))
               : NULL;
}

static void sign_in(struct world *world, const struct call *call, struct answer *answer)
{
    char *grant = call_form_field(call, "grant_type"),
         *id = call_form_field(call, "client_id");
    char *secret = call_form_field(call, "client_secret");
    char *scope = call_form_field(call, "scope");
    char *audience = scope != NULL ? find_audience(scope) : NULL;
    struct caller caller = {0};

    if (grant == NULL || id == NULL || scope == NULL)
        refuse(
            world, answer, 400, "invalid_request", 900144,
            "The request body must contain the parameters 'grant_type', 'client_id' and "
            "'scope'.");
    else if (strcmp(grant, "client_credentials") != 0)
        refuse(world, answer, 400, "unsupported_grant_type", 70003,
               "The app requested an unsupported grant type.");
    else if (audience == NULL)
        refuse(world, answer, 400, "invalid_scope", 1002012,
               "The provided value for scope is not valid. Client credential flows must "
               "have a "
               "scope value with /.default suffixed to the resource identifier.");
    else if (find_audiences(audience) == 0)
        refuse(world, answer, 400, "invalid_resource", 500011,
               "The resource principal of the scope was not found in the tenant.");
    else if (secret == NULL)
        refuse(world, answer, 401, "invalid_client", 7000218,
               "The request body must contain the following parameter: "
               "'client_assertion' or "
               "'client_secret'.");
    else if (check_secret(world, id, secret, &caller, answer))
        answer_token(world, call, answer, &caller, audience);
    free(grant);
    free(id);
    free(secret);
    free(scope);
    free(audience);
}

static void set_url(cJSON *body, const char *name, const struct call *call,
                    const char *path)
{
    char *url = memory_format("%s/%s/%s", call->base, call->segments[0], path);

    cJSON_AddStringToObject(body, name, url);
    free(url);
}

static void answer_configuration(const struct call *call, struct answer *answer)
{
    cJSON *body = cJSON_CreateObject();

    set_url(body, "issuer", call, "v2.0");
    set_url(body, "authorization_endpoint", call, "oauth2/v2.0/authorize");
    set_url(body, "token_endpoint", call, "oauth2/v2.0/token");
    set_url(body, "device_authorization_endpoint", call, "oauth2/v2.0/devicecode");
    set_url(body, "end_session_endpoint", call, "oauth2/v2.0/logout");
    set_url(body, "jwks_uri", call, "discovery/v2.0/keys");
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static bool is_token_path(const struct call *call)
{
    const size_t count = call->segment_count;

    return (count == 4 && call_segment_is(call, 1, "oauth2") &&
            call_segment_is(call, 2, "v2.0") && call_segment_is(call, 3, "token")) ||
           (count == 3 && call_segment_is(call, 1, "oauth2") &&
            call_segment_is(call, 2, "token"));
}

bool plane_entra(struct world *world, const struct call *call, struct answer *answer)
{
    const size_t count = call->segment_count;
    const bool is_configuration =
        count >= 3 && call_segment_is(call, count - 1, "openid-configuration") &&
        call_segment_is(call, count - 2, ".well-known");

    if (!is_configuration && !is_token_path(call))
        return false;
    /* az names its authority so when it is not to ask the public one about it */
    if (!call_segment_is(call, 0, world->profile.tenant_id) &&
        !call_segment_is(call, 0, world->domain) && !call_segment_is(call, 0, "adfs"))
        refuse(
            world, answer, 400, "invalid_request", 90002,
            "Tenant not found. Check to make sure you have the correct tenant ID and are "
            "signing into the correct cloud.");
    else if (is_configuration)
        answer_configuration(call, answer);
    else if (call->method != CALL_POST)
        refuse(world, answer, 400, "invalid_request", 900561,
               "The endpoint only accepts POST requests.");
    else
        sign_in(world, call, answer);
    return true;
}
