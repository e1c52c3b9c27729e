/* engine/sim/entra_token.c - the token endpoint: from a form to an answer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/entra.h"
#include "sim/faults.h"
#include "sim/plane.h"
#include "sim/world.h"

/* Longer lives come with a hint when to refresh: at half of them (documented). */
enum { REFRESH_HINT_FROM_S = 2 * 3600 };

static const struct {
    const char *name;
    entra_grant_answer *answer;
} grants[] = {
    {"client_credentials", entra_grant_client},
    {"refresh_token", entra_grant_refresh},
    {"password", entra_grant_password},
    {"authorization_code", entra_grant_code},
    {"urn:ietf:params:oauth:grant-type:device_code", entra_grant_device},
    {"device_code", entra_grant_device}, /* as JavaScript's MSAL says it */
};

const char *entra_field(const struct entra_request *request, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request->form, name));
}

void entra_answer_token_request(const struct entra_request *request)
{
    const char *type = entra_field(request, "grant_type");

    if (type == NULL) {
        entra_refuse(request, ENTRA_FIELD_MISSING,
                     "The request body must contain the following parameter: "
                     "'grant_type'.");
        return;
    }
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++) {
        if (strcmp(grants[i].name, type) == 0) {
            grants[i].answer(request);
            return;
        }
    }
    entra_refuse(request, ENTRA_GRANT_TYPE,
                 "The app requested an unsupported grant type '%s'.", type);
}

/* ---- the answer ---- */

/* A number, which the older endpoint gives as text. */
static void add_number(cJSON *body, const struct entra_request *request, const char *name,
                       int64_t value)
{
    char text[24];

    if (!request->is_v1) {
        cJSON_AddNumberToObject(body, name, (double)value);
        return;
    }
    snprintf(text, sizeof text, "%" PRId64, value);
    cJSON_AddStringToObject(body, name, text);
}

static void add_taken(cJSON *body, const char *name, char *text)
{
    if (text != NULL)
        cJSON_AddStringToObject(body, name, text);
    free(text);
}

static void add_times(cJSON *body, const struct entra_request *request,
                      const struct entra_grant *grant, const struct entra_times *times)
{
    const int64_t life_s = times->expires_s - times->now_s;

    add_number(body, request, "expires_in", life_s);
    add_number(body, request, "ext_expires_in", life_s);
    if (life_s >= REFRESH_HINT_FROM_S)
        add_number(body, request, "refresh_in", life_s / 2);
    if (!request->is_v1)
        return;
    add_number(body, request, "expires_on", times->expires_s);
    add_number(body, request, "not_before", times->now_s);
    cJSON_AddStringToObject(body, "resource", grant->scope->audience);
}

/* What a user has let the application do. */
static void add_scope(cJSON *body, const struct entra_request *request,
                      const struct entra_grant *grant)
{
    const char *audience = grant->scope->audience;

    if (request->is_v1)
        cJSON_AddStringToObject(body, "scope", "user_impersonation");
    else if (grant->scope->audiences == AUDIENCE_GRAPH)
        add_taken(body, "scope",
                  memory_format("%s/Directory.AccessAsUser.All %s/User.Read %s/.default",
                                audience, audience, audience));
    else
        add_taken(body, "scope",
                  memory_format("%s/user_impersonation %s/.default", audience, audience));
}

/* Who has signed in, for MSAL to name the account by. */
static char *make_client_info(const struct entra_request *request, const cJSON *user)
{
    char *json =
        memory_format("{\"uid\":\"%s\",\"utid\":\"%s\"}", json_string_at(user, "id"),
                      request->world->profile.tenant_id);
    struct buffer text = {0};

    base64_append_url(&text, json, strlen(json));
    free(json);
    return buffer_take(&text);
}

static void add_user(cJSON *body, const struct entra_request *request,
                     const struct entra_grant *grant, const struct entra_times *times)
{
    const char *wants_info = entra_field(request, "client_info");

    add_scope(body, request, grant);
    if (grant->scope->has_offline_access)
        add_taken(body, "refresh_token", entra_new_refresh_token(request->world, grant));
    if (grant->scope->has_offline_access && grant->client->is_family)
        cJSON_AddStringToObject(body, "foci", "1");
    if (grant->scope->has_openid)
        add_taken(body, "id_token", entra_id_token(request, grant, times));
    if (wants_info != NULL && strcmp(wants_info, "1") == 0)
        add_taken(body, "client_info", make_client_info(request, grant->user));
}

/* Whether the form carries what a challenge asked for. */
static bool has_challenge_claims(const struct entra_request *request)
{
    cJSON *claims = entra_wanted_claims(request);
    const bool has_them = json_string_at(claims, "access_token.nbf.value") != NULL;

    cJSON_Delete(claims);
    return has_them;
}

void entra_answer_tokens(const struct entra_request *request,
                         const struct entra_grant *grant)
{
    struct world *world = request->world;
    const int64_t now_s = world_client_ms(world) / 1000;
    const int64_t life_ms =
        faults_duration_ms(world->faults, FAULT_TOKEN_LIFE, world->token_life_ms);
    const struct entra_times times = {now_s, now_s + life_ms / 1000};
    const bool is_proven = has_challenge_claims(request);
    cJSON *body = cJSON_CreateObject();

    if (is_proven)
        map_remove(&world->challenged, grant->user != NULL
                                           ? json_string_at(grant->user, "id")
                                           : grant->client->object_id);
    cJSON_AddStringToObject(body, "token_type", "Bearer");
    add_times(body, request, grant, &times);
    add_taken(body, "access_token",
              entra_access_token(request, grant, &times, is_proven));
    if (grant->user != NULL)
        add_user(body, request, grant, &times);
    answer_set_json(request->answer, 200, body);
    cJSON_Delete(body);
}
