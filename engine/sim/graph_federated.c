/* engine/sim/graph_federated.c - federated identity credentials of a registration.
 *
 * Limits, and that issuer and subject together are one credential's: documented. Texts:
 * assumed. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/app_credentials.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/graph_model.h"
#include "sim/world.h"

#define FEDERATED "federatedIdentityCredentials"

enum { CREDENTIALS_LIMIT = 20 };

/* Lengths in bytes; none has to be of ASCII. */
static const struct {
    const char *name;
    size_t limit;
    bool is_required;
} texts[] = {{"name", 120, true},
             {"issuer", 600, true},
             {"subject", 600, true},
             {"description", 600, false}};

/* ---- showing ---- */

static const char query[] =
    "SELECT json_object('id', id, 'name', name, 'issuer', issuer, 'subject', subject,"
    " 'description', description, 'audiences', json_array(audience)) FROM app_federated"
    " WHERE object = ?1";

static char *format_context(const struct graph_request *request, const char *suffix)
{
    return memory_format("%s/v1.0/$metadata#applications('%s')/" FEDERATED "%s",
                         request->call->base, request->id, suffix);
}

void graph_list_federated(struct graph_request *request)
{
    struct database *database = request->world->database;
    char *text = memory_format("%s ORDER BY name, id", query), *context;
    cJSON *answer = cJSON_CreateObject(), *list;
    sqlite3_stmt *row;

    if (graph_check_object(request)) {
        context = format_context(request, "");
        cJSON_AddStringToObject(answer, "@odata.context", context);
        list = cJSON_AddArrayToObject(answer, "value");
        row = database_query(database, text, "t", request->id);
        while (database_step(database, row)) {
            const char *one = database_column(row, 0);

            cJSON_AddItemToArray(list, json_parse(one, strlen(one), NULL));
        }
        answer_set_json(request->answer, 200, answer);
        free(context);
    }
    cJSON_Delete(answer);
    free(text);
}

/* The one that the path names by its id or name, owned by the caller; NULL when it has
 * refused. */
static cJSON *load(const struct graph_request *request)
{
    char *text = memory_format("%s AND (id = ?2 OR lower(name) = ?2)", query), *found;
    cJSON *body = NULL;

    if (graph_check_object(request)) {
        found = database_text(request->world->database, text, "tt", request->id,
                              request->other);
        body = found != NULL ? json_parse(found, strlen(found), NULL) : NULL;
        if (body == NULL)
            graph_refuse_missing(request, request->other);
        free(found);
    }
    free(text);
    return body;
}

static void show(struct graph_request *request, const cJSON *body, int status)
{
    cJSON *answer = cJSON_CreateObject();
    const cJSON *member;
    char *context = format_context(request, "/$entity");

    cJSON_AddStringToObject(answer, "@odata.context", context);
    cJSON_ArrayForEach (member, body)
        cJSON_AddItemToObject(answer, member->string, cJSON_Duplicate(member, true));
    answer_set_json(request->answer, status, answer);
    cJSON_Delete(answer);
    free(context);
}

void graph_get_federated(struct graph_request *request)
{
    cJSON *body = load(request);

    if (body != NULL)
        show(request, body, 200);
    cJSON_Delete(body);
}

/* ---- checking ---- */

static bool refuse(const struct graph_request *request, const char *property)
{
    return graph_refuse(request, 400, "Request_BadRequest",
                        "Invalid value specified for property '%s' of resource "
                        "'FederatedIdentityCredential'.",
                        property);
}

static bool check_texts(const struct graph_request *request, const cJSON *body)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const cJSON *value = json_at(body, texts[i].name);
        const char *text = cJSON_GetStringValue(value);
        const bool is_absent = value == NULL || cJSON_IsNull(value);

        if (is_absent && !texts[i].is_required)
            continue;
        if (text == NULL || strlen(text) > texts[i].limit ||
            (texts[i].is_required && *text == '\0'))
            return refuse(request, texts[i].name);
    }
    return true;
}

static bool check(const struct graph_request *request, const cJSON *body)
{
    const cJSON *audiences = json_at(body, "audiences");
    const char *audience = cJSON_GetStringValue(cJSON_GetArrayItem(audiences, 0));
    const char *name;

    if (!check_texts(request, body))
        return false;
    name = json_string_at(body, "name");
    if (strspn(name,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
        strlen(name))
        return refuse(request, "name"); /* it is part of URLs */
    return (cJSON_GetArraySize(audiences) == 1 && audience != NULL && *audience != '\0' &&
            strlen(audience) <= 600) ||
           refuse(request, "audiences");
}

/* Whether it can be one more, or stay one, of the registration's. */
static bool check_others(const struct graph_request *request, const cJSON *body)
{
    struct database *database = request->world->database;
    const char *id = json_string_at(body, "id");

    if (database_number(database, 0,
                        "SELECT COUNT(*) FROM app_federated WHERE object = ? AND id <> ?",
                        "tt", request->id, id) >= CREDENTIALS_LIMIT)
        return graph_refuse(request, 400, "Request_BadRequest",
                            "An application can have at most %d federated identity "
                            "credentials.",
                            CREDENTIALS_LIMIT);
    return database_number(
               database, 0,
               "SELECT 1 FROM app_federated WHERE object = ?1 AND id <> ?2"
               " AND (lower(name) = lower(?3) OR (issuer = ?4 AND subject = ?5))",
               "ttttt", request->id, id, json_string_at(body, "name"),
               json_string_at(body, "issuer"), json_string_at(body, "subject")) == 0 ||
           graph_refuse(request, 409, "Request_MultipleObjectsWithSameKeyValue",
                        "FederatedIdentityCredential with this name, or with this issuer "
                        "and subject, exists already on the application.");
}

/* ---- changing ---- */

/* Keeps it as it is in `body`, with the issuer's keys that a world file gave. */
static void save(struct graph_request *request, const cJSON *body)
{
    struct world *world = request->world;
    cJSON *application = directory_load(world, "Application", request->id);
    char *app_id = text_lower(memory_copy_string(json_string_at(application, "appId")));
    char *keys = database_text(world->database,
                               "SELECT keys FROM app_federated WHERE object = ?"
                               " AND id = ? AND issuer = ? AND keys IS NOT NULL",
                               "ttt", request->id, json_string_at(body, "id"),
                               json_string_at(body, "issuer"));
    const struct app_federated federated = {
        .object = request->id,
        .id = json_string_at(body, "id"),
        .app_id = app_id,
        .name = json_string_at(body, "name"),
        .description = json_string_at(body, "description"),
        .issuer = json_string_at(body, "issuer"),
        .subject = json_string_at(body, "subject"),
        .audience = cJSON_GetArrayItem(json_at(body, "audiences"), 0)->valuestring,
        .keys = keys};

    app_credentials_add_federated(world, &federated);
    free(keys);
    free(app_id);
    cJSON_Delete(application);
}

static bool check_names(const struct graph_request *request, const cJSON *given,
                        bool is_new)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, given) {
        bool is_known = strcmp(member->string, "audiences") == 0;

        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            is_known = is_known || strcmp(member->string, texts[i].name) == 0;
        if (!is_known && strchr(member->string, '@') == NULL)
            return refuse(request, member->string);
        if (!is_new && strcmp(member->string, "name") == 0)
            return refuse(request, "name"); /* it stays */
    }
    return true;
}

void graph_create_federated(struct graph_request *request)
{
    const cJSON *given = call_json(request->call);
    char id[UUID_TEXT_SIZE];
    cJSON *body = cJSON_CreateObject();

    world_make_id(request->world, id);
    cJSON_AddStringToObject(body, "id", id);
    graph_merge_body(body, given);
    if (!cJSON_IsObject(given)) {
        graph_refuse_body(request);
    } else if (graph_check_object(request) && check_names(request, given, true) &&
               check(request, body) && check_others(request, body)) {
        database_begin(request->world->database);
        save(request, body);
        graph_log(request, GRAPH_CREATED, request->type, request->id, FEDERATED, id);
        show(request, body, 201);
        graph_commit(request);
    }
    cJSON_Delete(body);
}

void graph_update_federated(struct graph_request *request)
{
    const cJSON *given = call_json(request->call);
    cJSON *body = load(request);

    if (body != NULL && !cJSON_IsObject(given)) {
        graph_refuse_body(request);
    } else if (body != NULL && check_names(request, given, false)) {
        graph_merge_body(body, given);
        if (check(request, body) && check_others(request, body)) {
            database_begin(request->world->database);
            save(request, body);
            graph_log(request, GRAPH_CHANGED, request->type, request->id, FEDERATED,
                      json_string_at(body, "id"));
            request->answer->status = 204;
            graph_commit(request);
        }
    }
    cJSON_Delete(body);
}

void graph_delete_federated(struct graph_request *request)
{
    struct database *database = request->world->database;
    cJSON *body = load(request);

    if (body != NULL) {
        database_begin(database);
        database_run(database, "DELETE FROM app_federated WHERE object = ? AND id = ?",
                     "tt", request->id, json_string_at(body, "id"));
        graph_log(request, GRAPH_DELETED, request->type, request->id, FEDERATED,
                  json_string_at(body, "id"));
        request->answer->status = 204;
        graph_commit(request);
    }
    cJSON_Delete(body);
}
