/* engine/sim/entra_grants.c - what a token is given for: to the application itself, to the
 * holder of a refresh token, to who knows a user's password, to whom a person has let in. */
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/entra.h"
#include "sim/world.h"

/* Refresh tokens of native clients live so long (documented). */
enum { REFRESH_LIFE_DAYS = 90, TOKEN_BYTES = 48 };

static const int64_t day_ms = INT64_C(24) * 3600 * 1000;

/* ---- users ---- */

cJSON *entra_find_user(struct world *world, const char *name_or_id)
{
    char *key = text_lower(memory_copy_string(name_or_id));
    char *text = database_text(world->database,
                               "SELECT json_patch(body, ifnull(hidden, '{}')) FROM object"
                               " WHERE (upn_key = ?1 OR id = ?1) AND type = 'User'",
                               "t", key);

    cJSON *user = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;

    free(key);
    free(text);
    return user;
}

/* Answers with tokens for the user (NULL: there is none) and all that `scope_text` says. */
static void give_to_user(const struct entra_request *request,
                         const struct entra_client *client, const cJSON *user,
                         const char *scope_text)
{
    struct entra_scope scope = {0};

    if (user == NULL)
        entra_refuse(request, ENTRA_USER_UNKNOWN,
                     "The user account does not exist in the %s directory. To sign into "
                     "this application, the account must be added to the directory.",
                     request->world->profile.tenant_id);
    else if (cJSON_IsFalse(json_at(user, "accountEnabled")))
        entra_refuse(request, ENTRA_USER_DISABLED, "The user account is disabled.");
    else if (entra_scope_open(request, scope_text, OWNER_USER, &scope))
        entra_answer_tokens(request, &(struct entra_grant){client, user, &scope});
    entra_scope_close(&scope);
}

void entra_give_to_user(const struct entra_request *request,
                        const struct entra_client *client, const char *user_id,
                        const char *scope_text)
{
    cJSON *user = entra_find_user(request->world, user_id);

    give_to_user(request, client, user, scope_text);
    cJSON_Delete(user);
}

/* ---- the application itself ---- */

void entra_grant_client(const struct entra_request *request)
{
    char *text = entra_scope_text(request);
    struct entra_scope scope = {0};
    struct entra_client client;

    if (entra_is_any_tenant(request->call))
        entra_refuse(request, ENTRA_TENANT_UNSAID,
                     "No tenant-identifying information found in either the request or "
                     "implied by any provided credentials.");
    else if (entra_client_open(request, true, &client) &&
             entra_scope_open(request, text, OWNER_APPLICATION, &scope))
        entra_answer_tokens(request, &(struct entra_grant){&client, NULL, &scope});
    entra_scope_close(&scope);
    free(text);
}

/* ---- a password ---- */

static void check_password(const struct entra_request *request,
                           const struct entra_client *client, const char *name,
                           const char *password)
{
    cJSON *user = entra_find_user(request->world, name);
    char *scope = entra_scope_text(request);

    if (user != NULL &&
        !directory_check_password(request->world, json_string_at(user, "id"), password))
        entra_refuse(request, ENTRA_PASSWORD,
                     "Error validating credentials due to invalid username or password.");
    else
        give_to_user(request, client, user, scope);
    free(scope);
    cJSON_Delete(user);
}

void entra_grant_password(const struct entra_request *request)
{
    const char *name = entra_field(request, "username");
    const char *password = entra_field(request, "password");
    struct entra_client client;

    if (!entra_client_open(request, false, &client))
        return;
    if (name == NULL || password == NULL)
        entra_refuse(request, ENTRA_FIELD_MISSING,
                     "The request body must contain the following parameter: '%s'.",
                     name == NULL ? "username" : "password");
    else
        check_password(request, &client, name, password);
}

/* ---- refresh tokens ---- */

char *entra_new_refresh_token(struct world *world, const struct entra_grant *grant)
{
    unsigned char bytes[TOKEN_BYTES];
    struct buffer token = {0};
    char *scope = memory_format("%s/.default offline_access%s", grant->scope->audience,
                                grant->scope->has_openid ? " openid" : "");

    RAND_bytes(bytes, sizeof bytes);
    buffer_append_string(&token, "1.");
    base64_append_url(&token, bytes, sizeof bytes);
    database_run(world->database, "DELETE FROM refresh_token WHERE expires_ms < ?", "i",
                 world_client_ms(world) - REFRESH_LIFE_DAYS * day_ms);
    database_run(world->database, "INSERT INTO refresh_token VALUES (?, ?, ?, ?, ?, ?)",
                 "tttiti", token.data, grant->client->app_id,
                 json_string_at(grant->user, "id"), (int64_t)grant->client->is_family,
                 scope, world_client_ms(world) + REFRESH_LIFE_DAYS * day_ms);
    free(scope);
    return buffer_take(&token);
}

/* What is known of a refresh token. */
struct refresh {
    char *app_id, *user, *scope;
    bool is_family;
    int64_t expires_ms;
};

static bool find_refresh(struct world *world, const char *token, struct refresh *refresh)
{
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT app_id, user, scope, is_family, expires_ms FROM refresh_token"
        " WHERE token = ?",
        "t", token);

    if (!database_step(world->database, row))
        return false;
    *refresh = (struct refresh){.app_id = memory_copy_string(database_column(row, 0)),
                                .user = memory_copy_string(database_column(row, 1)),
                                .scope = memory_copy_string(database_column(row, 2)),
                                .is_family = sqlite3_column_int64(row, 3) != 0,
                                .expires_ms = sqlite3_column_int64(row, 4)};
    database_done(row);
    return true;
}

static bool check_refresh(const struct entra_request *request,
                          const struct entra_client *client,
                          const struct refresh *refresh)
{
    if (refresh->app_id == NULL)
        return entra_refuse(request, ENTRA_REFRESH_TOKEN,
                            "Invalid request. Request is malformed or invalid: the "
                            "refresh token is not known.");
    if (refresh->expires_ms <= world_client_ms(request->world))
        return entra_refuse(request, ENTRA_REFRESH_TOKEN_EXPIRED,
                            "The refresh token has expired due to inactivity. It was "
                            "inactive for %d.00:00:00.",
                            REFRESH_LIFE_DAYS);
    return strcmp(refresh->app_id, client->app_id) == 0 ||
           (refresh->is_family && client->is_family) ||
           entra_refuse(request, ENTRA_REFRESH_TOKEN_CLIENT,
                        "Provided grant is invalid or malformed: the refresh token was "
                        "issued to another application.");
}

static void redeem(const struct entra_request *request, const struct entra_client *client,
                   const struct refresh *refresh)
{
    char *scope = entra_scope_text(request);

    entra_give_to_user(request, client, refresh->user,
                       scope != NULL ? scope : refresh->scope);
    free(scope);
}

void entra_grant_refresh(const struct entra_request *request)
{
    const char *token = entra_field(request, "refresh_token");
    struct refresh refresh = {0};
    struct entra_client client;

    if (!entra_client_open(request, false, &client))
        return;
    if (token == NULL) {
        entra_refuse(request, ENTRA_FIELD_MISSING,
                     "The request body must contain the following parameter: "
                     "'refresh_token'.");
        return;
    }
    find_refresh(request->world, token, &refresh);
    if (check_refresh(request, &client, &refresh))
        redeem(request, &client, &refresh);
    free(refresh.app_id);
    free(refresh.user);
    free(refresh.scope);
}
