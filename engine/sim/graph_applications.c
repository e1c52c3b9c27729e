/* engine/sim/graph_applications.c - applications, their service principals and secrets.
 *
 * Texts of refusals: observed, as az waits for some of them. A secret's life without an end
 * date, two years: documented. */
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/graph_model.h"
#include "sim/world.h"

enum { SECRET_BYTES = 30, HINT_LENGTH = 3, CREDENTIAL_YEARS = 2 };

static const int64_t YEAR_MS = INT64_C(365) * 24 * 3600 * 1000;

/* ---- applications ---- */

static bool check_name(const struct graph_request *request, const cJSON *body)
{
    const char *name = json_string_at(body, "displayName");

    return (name != NULL && *name != '\0') ||
           graph_refuse_required(request, "displayName");
}

/* No two applications answer to one identifier. */
static bool check_identifiers(const struct graph_request *request, const cJSON *body,
                              const cJSON *given)
{
    const cJSON *uri;

    cJSON_ArrayForEach (uri, json_at(given, "identifierUris")) {
        char *other = database_text(
            request->world->database,
            "SELECT object.id FROM object, json_each(body, '$.identifierUris') AS uri"
            " WHERE object.type = 'Application' AND uri.value = ? AND object.id <> ?",
            "tt", uri->valuestring, json_string_at(body, "id"));

        if (other != NULL) {
            free(other);
            return graph_refuse_conflict(request, "identifierUris");
        }
    }
    return true;
}

static void complete_application(cJSON *body)
{
    static const char *const objects[] = {
        "info", "parentalControlSettings", "publicClient", "spa", "web",
        "api",  "verifiedPublisher"};

    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        if (json_at(body, objects[i]) == NULL)
            cJSON_AddItemToObject(body, objects[i], cJSON_CreateObject());
    }
    if (json_string_at(body, "signInAudience") == NULL)
        json_set_at(body, "signInAudience", cJSON_CreateString("AzureADMyOrg"));
}

void graph_create_application(struct graph_request *request)
{
    struct world *world = request->world;
    const cJSON *given = call_json(request->call);
    char id[UUID_TEXT_SIZE], app_id[UUID_TEXT_SIZE], *now;
    cJSON *body;

    if (given == NULL) {
        graph_refuse_body(request);
        return;
    }
    world_make_id(request->world, id);
    world_make_id(request->world, app_id);
    now = world_format_now(world);
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "appId", app_id);
    cJSON_AddStringToObject(body, "createdDateTime", now);
    cJSON_AddStringToObject(body, "publisherDomain", request->world->domain);
    graph_merge_body(body, given);
    if (graph_check_body(request, request->type, given, true) &&
        check_name(request, body) && check_identifiers(request, body, given) &&
        graph_check_keys(request, body, NULL)) {
        complete_application(body);
        database_begin(world->database);
        graph_save_keys(request, body);
        directory_save(world, "Application", body, world->now_ms, NULL);
        graph_log(request, GRAPH_CREATED, request->type, id, NULL, NULL);
        graph_show_created(request, id);
        graph_commit(request);
    }
    cJSON_Delete(body);
    free(now);
}

/* ---- service principals ---- */

/* The registration with this appId, owned by the caller, or NULL. */
static cJSON *find_application(struct world *world, const char *app_id)
{
    char *id = database_text(world->database,
                             "SELECT id FROM object WHERE client_key = ?", "t", app_id);
    cJSON *body = id != NULL ? directory_load(world, "Application", id) : NULL;

    free(id);
    return body;
}

static bool check_principal(const struct graph_request *request, const char *app_id,
                            const cJSON *application)
{
    if (application == NULL)
        return graph_refuse(
            request, 400, "Request_BadRequest",
            "The appId '%.100s' of the service principal does not reference "
            "a valid application object.",
            app_id);
    return database_number(request->world->database, 0,
                           "SELECT 1 FROM object WHERE app_id = ?", "t", app_id) == 0 ||
           graph_refuse(request, 409, "Request_MultipleObjectsWithSameKeyValue",
                        "The service principal cannot be created, updated, or restored "
                        "because the service principal name %s is already in use.",
                        app_id);
}

/* What the application answers to: its id and its identifiers. */
static cJSON *list_names(const cJSON *application)
{
    cJSON *names = cJSON_CreateArray();
    const cJSON *uri;

    cJSON_AddItemToArray(names, cJSON_CreateString(json_string_at(application, "appId")));
    cJSON_ArrayForEach (uri, json_at(application, "identifierUris"))
        cJSON_AddItemToArray(names, cJSON_CreateString(uri->valuestring));
    return names;
}

/* A service principal takes over what its application says. */
static cJSON *make_principal(const struct graph_request *request, const cJSON *given,
                             const cJSON *application, const char *id)
{
    cJSON *body = cJSON_CreateObject();
    const char *name = json_string_at(application, "displayName");
    const char *app_id = json_string_at(application, "appId");

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "displayName", name);
    cJSON_AddStringToObject(body, "appDisplayName", name);
    cJSON_AddStringToObject(body, "appOwnerOrganizationId",
                            request->world->profile.tenant_id);
    cJSON_AddStringToObject(body, "signInAudience",
                            json_string_at(application, "signInAudience"));
    cJSON_AddStringToObject(body, "servicePrincipalType", "Application");
    cJSON_AddTrueToObject(body, "accountEnabled");
    cJSON_AddFalseToObject(body, "appRoleAssignmentRequired");
    cJSON_AddObjectToObject(body, "info");
    cJSON_AddObjectToObject(body, "verifiedPublisher");
    graph_merge_body(body, given);
    json_set_at(body, "appId", cJSON_CreateString(app_id));
    json_set_at(body, "servicePrincipalNames", list_names(application));
    return body;
}

static void save_principal(struct graph_request *request, cJSON *body)
{
    struct world *world = request->world;
    const char *id = json_string_at(body, "id");

    database_begin(world->database);
    graph_save_keys(request, body);
    directory_save(world, "ServicePrincipal", body, world->now_ms + world->replication_ms,
                   &(struct directory_secret){.app_id = json_string_at(body, "appId")});
    graph_log(request, GRAPH_CREATED, request->type, id, NULL, NULL);
    graph_show_created(request, id);
    graph_commit(request);
}

void graph_create_principal(struct graph_request *request)
{
    const cJSON *given = call_json(request->call);
    const char *given_id = json_string_at(given, "appId");
    char id[UUID_TEXT_SIZE], *app_id;
    cJSON *application, *body;

    if (given == NULL) {
        graph_refuse_body(request);
        return;
    }
    if (!graph_check_body(request, request->type, given, true))
        return;
    if (given_id == NULL) {
        graph_refuse_required(request, "appId");
        return;
    }
    app_id = text_lower(memory_copy_string(given_id));
    application = find_application(request->world, app_id);
    if (check_principal(request, app_id, application)) {
        world_make_id(request->world, id);
        body = make_principal(request, given, application, id);
        if (graph_check_keys(request, body, NULL))
            save_principal(request, body);
        cJSON_Delete(body);
    }
    cJSON_Delete(application);
    free(app_id);
}

/* ---- changes ---- */

/* The service principal takes over what has changed. */
static void update_principal(struct world *world, const cJSON *application)
{
    char *app_id = text_lower(memory_copy_string(json_string_at(application, "appId")));
    char *id = database_text(world->database, "SELECT id FROM object WHERE app_id = ?",
                             "t", app_id);
    cJSON *body = id != NULL ? directory_load(world, "ServicePrincipal", id) : NULL;
    const char *name = json_string_at(application, "displayName");

    if (body != NULL) {
        json_set_at(body, "displayName", cJSON_CreateString(name));
        json_set_at(body, "appDisplayName", cJSON_CreateString(name));
        json_set_at(body, "servicePrincipalNames", list_names(application));
        directory_save(world, "ServicePrincipal", body, world->now_ms, NULL);
    }
    cJSON_Delete(body);
    free(app_id);
    free(id);
}

void graph_update_application(struct graph_request *request)
{
    struct world *world = request->world;
    const cJSON *given = call_json(request->call);
    cJSON *body = directory_load(world, request->type->name, request->id);
    cJSON *before = cJSON_Duplicate(json_at(body, "keyCredentials"), true);

    if (body == NULL) {
        graph_refuse_missing(request, request->id);
    } else if (given == NULL) {
        graph_refuse_body(request);
    } else {
        graph_merge_body(body, given);
        if (graph_check_body(request, request->type, given, false) &&
            check_name(request, body) && check_identifiers(request, body, given) &&
            graph_check_keys(request, body, before)) {
            database_begin(world->database);
            graph_save_keys(request, body);
            directory_save(world, request->type->name, body, world->now_ms, NULL);
            if (strcmp(request->type->name, "Application") == 0)
                update_principal(world, body);
            graph_log(request, GRAPH_CHANGED, request->type, request->id, NULL, NULL);
            request->answer->status = 204;
            graph_commit(request);
        }
    }
    cJSON_Delete(before);
    cJSON_Delete(body);
}

/* ---- secrets ---- */

/* "abc8Q~...": 40 characters, as Entra makes them. Owned by the caller. */
static char *make_secret(void)
{
    unsigned char bytes[SECRET_BYTES];
    struct buffer text = {0};

    RAND_bytes(bytes, sizeof bytes);
    base64_append_url(&text, bytes, sizeof bytes);
    memcpy(text.data + HINT_LENGTH, "8Q~", 3);
    if (text.data[0] == '-')
        text.data[0] = 'x'; /* on a command line it would be an option */
    return buffer_take(&text);
}

bool graph_read_time(const cJSON *credential, const char *name, int64_t otherwise_ms,
                     int64_t *ms)
{
    const cJSON *value = json_at(credential, name);

    *ms = otherwise_ms;
    if (value == NULL || cJSON_IsNull(value))
        return true;
    return cJSON_IsString(value) && clock_parse_utc(value->valuestring, ms) == 0;
}

static void add_time(cJSON *object, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_utc(ms, text);
    cJSON_AddStringToObject(object, name, text);
}

/* As it is listed: without the secret. */
static cJSON *make_credential(const cJSON *given, const char *key_id, const char *secret,
                              int64_t start_ms, int64_t end_ms)
{
    cJSON *credential = cJSON_CreateObject();
    const char *name = json_string_at(given, "displayName");
    char hint[HINT_LENGTH + 1] = "";

    memcpy(hint, secret, HINT_LENGTH);
    cJSON_AddNullToObject(credential, "customKeyIdentifier");
    if (name != NULL)
        cJSON_AddStringToObject(credential, "displayName", name);
    else
        cJSON_AddNullToObject(credential, "displayName");
    add_time(credential, "endDateTime", end_ms);
    cJSON_AddStringToObject(credential, "hint", hint);
    cJSON_AddStringToObject(credential, "keyId", key_id);
    cJSON_AddNullToObject(credential, "secretText");
    add_time(credential, "startDateTime", start_ms);
    return credential;
}

static cJSON *find_list(cJSON *body)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "passwordCredentials");

    if (cJSON_IsArray(list))
        return list;
    cJSON_DeleteItemFromObjectCaseSensitive(body, "passwordCredentials");
    return cJSON_AddArrayToObject(body, "passwordCredentials");
}

static void save_secrets(struct graph_request *request, const cJSON *body)
{
    directory_save(request->world, request->type->name, body, request->world->now_ms,
                   NULL);
    graph_log(request, GRAPH_CHANGED, request->type, request->id, NULL, NULL);
}

/* The one answer that shows a secret. */
static void answer_secret(struct graph_request *request, const cJSON *credential,
                          const char *secret)
{
    cJSON *shown = cJSON_CreateObject();
    const cJSON *member;
    char *context = memory_format("%s/v1.0/$metadata#microsoft.graph.passwordCredential",
                                  request->call->base);

    cJSON_AddStringToObject(shown, "@odata.context", context);
    cJSON_ArrayForEach (member, credential)
        cJSON_AddItemToObject(shown, member->string,
                              strcmp(member->string, "secretText") == 0
                                  ? cJSON_CreateString(secret)
                                  : cJSON_Duplicate(member, true));
    answer_set_json(request->answer, 200, shown);
    cJSON_Delete(shown);
    free(context);
}

static void add_password(struct graph_request *request, cJSON *body, const cJSON *given,
                         int64_t start_ms, int64_t end_ms)
{
    struct world *world = request->world;
    char key_id[UUID_TEXT_SIZE], *secret = make_secret();
    cJSON *credential;

    world_make_id(request->world, key_id);
    credential = make_credential(given, key_id, secret, start_ms, end_ms);
    database_begin(world->database);
    directory_add_credential(world, key_id, request->id, json_string_at(body, "appId"),
                             secret, start_ms, end_ms);
    cJSON_AddItemToArray(find_list(body), cJSON_Duplicate(credential, true));
    save_secrets(request, body);
    answer_secret(request, credential, secret);
    graph_commit(request);
    cJSON_Delete(credential);
    free(secret);
}

void graph_add_password(struct graph_request *request)
{
    struct world *world = request->world;
    const cJSON *given = json_at(call_json(request->call), "passwordCredential");
    cJSON *body = directory_load(world, request->type->name, request->id);
    int64_t start_ms, end_ms;

    if (body == NULL)
        graph_refuse_missing(request, request->id);
    else if (!graph_read_time(given, "startDateTime", world->now_ms, &start_ms) ||
             !graph_read_time(given, "endDateTime", start_ms + CREDENTIAL_YEARS * YEAR_MS,
                              &end_ms) ||
             end_ms <= start_ms)
        graph_refuse(
            request, 400, "Request_BadRequest",
            "The credential's start and end are no dates, or not in this order.");
    else
        add_password(request, body, given, start_ms, end_ms);
    cJSON_Delete(body);
}

/* Takes the credential out of the list. False when it is not there. */
static bool drop_credential(cJSON *list, const char *key_id)
{
    cJSON *credential;

    cJSON_ArrayForEach (credential, list) {
        if (text_equal_nocase(json_string_at(credential, "keyId"), key_id)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(list, credential));
            return true;
        }
    }
    return false;
}

void graph_remove_password(struct graph_request *request)
{
    struct world *world = request->world;
    const char *given = json_string_at(call_json(request->call), "keyId");
    cJSON *body = directory_load(world, request->type->name, request->id);

    if (body == NULL) {
        graph_refuse_missing(request, request->id);
    } else if (given == NULL || !drop_credential(find_list(body), given)) {
        graph_refuse(request, 400, "Request_BadRequest",
                     "No password credential found with keyId.");
    } else {
        char *key_id = text_lower(memory_copy_string(given));

        database_begin(world->database);
        directory_remove_credential(world, key_id);
        save_secrets(request, body);
        request->answer->status = 204;
        graph_commit(request);
        free(key_id);
    }
    cJSON_Delete(body);
}
