/* engine/sim/graph_objects.c - one object of Microsoft Graph: shown, checked, deleted,
 * restored.
 *
 * That security groups go to the recycle bin too, and that deleting an application deletes
 * its service principal: assumed. Texts on properties that are unknown or cannot be written:
 * observed. */
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
#include "sim/graph_query.h"
#include "sim/ledger.h"
#include "sim/world.h"

enum { IDS_LIMIT = 1000 };

/* ---- showing ---- */

/* Answers with an object; `is_mixed`: as one of the directoryObjects. */
static void show(struct graph_request *request, const struct graph_query *query,
                 const struct graph_type *type, bool is_mixed, int status, const char *id,
                 const char *body, const char *hidden)
{
    struct buffer object = {0};
    struct buffer *to = &request->answer->body;

    graph_append_expanded(&object, query, request, type, is_mixed, id, body, hidden);
    answer_set_text(request->answer, status, "{");
    graph_append_context(to, request, is_mixed ? "directoryObjects" : type->collection,
                         "/$entity");
    if (object.data[1] != '}')
        buffer_append_char(to, ',');
    buffer_append(to, object.data + 1, object.length - 1);
    buffer_deinit(&object);
}

static void show_row(struct graph_request *request, sqlite3_stmt *row, int status)
{
    const struct graph_type *type = graph_type_find(database_column(row, 0));
    struct graph_query query;

    if (graph_query_read_item(&query, request, type))
        show(request, &query, type, request->type == NULL, status,
             database_column(row, 3), database_column(row, 1), database_column(row, 2));
    graph_query_release(&query);
}

void graph_get(struct graph_request *request)
{
    struct world *world = request->world;
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT type, body, hidden, id FROM object WHERE id = ?1 AND"
                       " (?2 IS NULL OR type = ?2) AND visible_ms <= ?3",
                       "tti", request->id,
                       request->type != NULL ? request->type->name : NULL, world->now_ms);

    if (database_step(world->database, row)) {
        show_row(request, row, 200);
        database_done(row);
    } else {
        graph_refuse_missing(request, request->id);
    }
}

void graph_show_created(struct graph_request *request, const char *id)
{
    struct world *world = request->world;
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT type, body, hidden, id FROM object WHERE id = ?", "t", id);

    if (database_step(world->database, row)) {
        show_row(request, row, 201);
        request->answer->location = memory_format(
            "%s/v2/%s/directoryObjects/%s/Microsoft.DirectoryServices.%s",
            request->call->base, world->profile.tenant_id, id, database_column(row, 0));
        database_done(row);
    }
}

/* Whether the body's "types" lists it, or nothing. */
static bool is_wanted(const cJSON *types, const struct graph_type *type)
{
    const cJSON *name;

    if (cJSON_GetArraySize(types) == 0)
        return true;
    cJSON_ArrayForEach (name, types) {
        if (cJSON_IsString(name) &&
            (graph_type_find_odata(name->valuestring) == type ||
             text_equal_nocase(name->valuestring, "directoryObject")))
            return true;
    }
    return false;
}

static void append_by_id(struct graph_request *request, struct buffer *list,
                         const struct graph_query *query, const cJSON *types,
                         const char *id)
{
    struct world *world = request->world;
    char *key = text_lower(memory_copy_string(id));
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT type, body, hidden FROM object WHERE id = ? AND visible_ms <= ?", "ti",
        key, world->now_ms);

    if (database_step(world->database, row)) {
        const struct graph_type *type = graph_type_find(database_column(row, 0));

        if (is_wanted(types, type)) {
            if (list->length > 0)
                buffer_append_char(list, ',');
            graph_append_object(list, &query->selection, type, true,
                                database_column(row, 1), database_column(row, 2));
        }
        database_done(row);
    }
    free(key);
}

void graph_get_by_ids(struct graph_request *request)
{
    const cJSON *body = call_json(request->call), *ids = json_at(body, "ids"), *id;
    struct buffer list = {0};
    struct graph_query query;

    if (!graph_query_read_item(&query, request, NULL)) {
        graph_query_release(&query);
        return;
    }
    if (!cJSON_IsArray(ids) || cJSON_GetArraySize(ids) > IDS_LIMIT) {
        graph_refuse(request, 400, "Request_BadRequest",
                     "'ids' must be a list of at most %d ids.", IDS_LIMIT);
    } else {
        cJSON_ArrayForEach (id, ids) {
            if (cJSON_IsString(id))
                append_by_id(request, &list, &query, json_at(body, "types"),
                             id->valuestring);
        }
        answer_set_text(request->answer, 200, "{");
        graph_append_context(&request->answer->body, request, "directoryObjects", "");
        buffer_printf(&request->answer->body, ",\"value\":[%s]}",
                      list.data != NULL ? list.data : "");
    }
    buffer_deinit(&list);
    graph_query_release(&query);
}

/* ---- bodies ---- */

static size_t count_characters(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

static bool is_list_of(const cJSON *value, bool of_texts)
{
    const cJSON *element;

    if (!cJSON_IsArray(value))
        return false;
    cJSON_ArrayForEach (element, value) {
        if (of_texts ? !cJSON_IsString(element) : !cJSON_IsObject(element))
            return false;
    }
    return true;
}

static bool has_shape(const struct graph_property *property, const cJSON *value)
{
    switch (property->shape) {
    case GRAPH_TEXT:
    case GRAPH_DATE:
        return cJSON_IsString(value) || cJSON_IsNull(value);
    case GRAPH_FLAG:
        return cJSON_IsBool(value) || cJSON_IsNull(value);
    case GRAPH_OBJECT:
        return cJSON_IsObject(value) || cJSON_IsNull(value);
    case GRAPH_TEXTS:
        return is_list_of(value, true);
    case GRAPH_OBJECTS:
        break;
    }
    return is_list_of(value, false);
}

static bool check_property(const struct graph_request *request,
                           const struct graph_property *property, const cJSON *value,
                           bool is_new)
{
    const unsigned needed = is_new ? GRAPH_WRITABLE | GRAPH_CREATABLE : GRAPH_WRITABLE;

    if ((property->flags & needed) == 0)
        return graph_refuse(request, 400, "Request_BadRequest",
                            "Property '%s' is read-only and cannot be set.",
                            property->name);
    if (!has_shape(property, value))
        return graph_refuse(request, 400, "Request_BadRequest",
                            "A value of another type was expected for property '%s'.",
                            property->name);
    return property->limit == 0 || !cJSON_IsString(value) ||
           count_characters(value->valuestring) <= (size_t)property->limit ||
           graph_refuse(
               request, 400, "Request_BadRequest",
               "Invalid value specified for property '%s' of resource '%s': it is "
               "longer than %d characters.",
               property->name, request->type->name, property->limit);
}

bool graph_check_body(const struct graph_request *request, const struct graph_type *type,
                      const cJSON *given, bool is_new)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, given) {
        const struct graph_property *property;

        if (strchr(member->string, '@') != NULL)
            continue; /* an annotation */
        property = graph_property_find(type, member->string, strlen(member->string));
        if (property == NULL)
            return graph_refuse(
                request, 400, "Request_BadRequest",
                "Property '%.100s' does not exist as a declared property or "
                "extension property.",
                member->string);
        if (!check_property(request, property, member, is_new))
            return false;
    }
    return true;
}

void graph_merge_body(cJSON *body, const cJSON *given)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, given) {
        if (strchr(member->string, '@') != NULL)
            continue;
        cJSON_DeleteItemFromObject(body, member->string);
        cJSON_AddItemToObject(body, member->string, cJSON_Duplicate(member, true));
    }
}

void graph_log(const struct graph_request *request, enum graph_change change,
               const struct graph_type *type, const char *id, const char *relation,
               const char *other)
{
    static void (*const logs[])(struct world *,
                                const char *) = {[GRAPH_CREATED] = ledger_created,
                                                 [GRAPH_CHANGED] = ledger_changed,
                                                 [GRAPH_DELETED] = ledger_deleted};
    char *path = relation == NULL ? memory_format("/%s/%s", type->collection, id)
                                  : memory_format("/%s/%s/%s/%s", type->collection, id,
                                                  relation, other);

    logs[change](request->world, path);
    free(path);
}

/* ---- going and coming back ---- */

bool graph_check_object(const struct graph_request *request)
{
    char *text = directory_find(
        request->world, request->type != NULL ? request->type->name : NULL, request->id);
    const bool exists = text != NULL;

    free(text);
    return exists || graph_refuse_missing(request, request->id);
}

static void remove_object(struct graph_request *request, const struct graph_type *type,
                          const char *id)
{
    directory_remove(request->world, id);
    graph_log(request, GRAPH_DELETED, type, id, NULL, NULL);
}

void graph_delete(struct graph_request *request)
{
    char *type;

    if (!graph_check_object(request))
        return;
    type = directory_find_type(request->world, request->id);
    database_begin(request->world->database);
    remove_object(request, graph_type_find(type), request->id);
    request->answer->status = 204;
    graph_commit(request);
    free(type);
}

void graph_delete_application(struct graph_request *request)
{
    struct world *world = request->world;
    char *principal;

    if (!graph_check_object(request))
        return;
    principal =
        database_text(world->database,
                      "SELECT principal.id FROM object CROSS JOIN object AS principal"
                      " ON principal.app_id = object.client_key WHERE object.id = ?",
                      "t", request->id);
    database_begin(world->database);
    if (principal != NULL)
        remove_object(request, graph_type_find("ServicePrincipal"), principal);
    remove_object(request, request->type, request->id);
    request->answer->status = 204;
    graph_commit(request);
    free(principal);
}

void graph_get_deleted(struct graph_request *request)
{
    struct database *database = request->world->database;
    sqlite3_stmt *row = database_query(
        database, "SELECT type, body, '', id FROM bin WHERE id = ?", "t", request->id);

    if (database_step(database, row)) {
        show_row(request, row, 200);
        database_done(row);
    } else {
        graph_refuse_missing(request, request->id);
    }
}

/* Whether a living object has taken the name by which users are known. */
static bool is_name_taken(struct graph_request *request)
{
    return database_number(request->world->database, 0,
                           "SELECT 1 FROM bin CROSS JOIN object ON object.upn_key ="
                           " bin.object ->> 4 OR object.app_id = bin.object ->> 5"
                           " WHERE bin.id = ?",
                           "t", request->id) != 0;
}

void graph_restore(struct graph_request *request)
{
    struct database *database = request->world->database;
    char *type =
        database_text(database, "SELECT type FROM bin WHERE id = ?", "t", request->id);

    if (type == NULL) {
        graph_refuse_missing(request, request->id);
    } else if (is_name_taken(request)) {
        graph_refuse_conflict(request,
                              strcmp(type, "User") == 0 ? "userPrincipalName" : "appId");
    } else {
        database_begin(database);
        directory_restore(request->world, request->id);
        graph_log(request, GRAPH_CREATED, graph_type_find(type), request->id, NULL, NULL);
        graph_get(request);
        graph_commit(request);
    }
    free(type);
}

void graph_purge(struct graph_request *request)
{
    struct database *database = request->world->database;

    if (database_number(database, 0, "SELECT 1 FROM bin WHERE id = ?", "t",
                        request->id) == 0) {
        graph_refuse_missing(request, request->id);
        return;
    }
    database_begin(database);
    app_credentials_forget(request->world, request->id);
    database_run(database, "DELETE FROM bin WHERE id = ?", "t", request->id);
    request->answer->status = 204;
    graph_commit(request);
}

/* ---- the tenant ---- */

static cJSON *make_domain(const struct world *world, bool is_verbose)
{
    cJSON *domain = cJSON_CreateObject();

    cJSON_AddStringToObject(domain, is_verbose ? "id" : "name", world->domain);
    cJSON_AddBoolToObject(domain, "isDefault", true);
    cJSON_AddBoolToObject(domain, "isInitial", true);
    if (!is_verbose) {
        cJSON_AddStringToObject(domain, "capabilities",
                                "Email, OfficeCommunicationsOnline");
        cJSON_AddStringToObject(domain, "type", "Managed");
        return domain;
    }
    cJSON_AddStringToObject(domain, "authenticationType", "Managed");
    cJSON_AddBoolToObject(domain, "isAdminManaged", true);
    cJSON_AddBoolToObject(domain, "isRoot", true);
    cJSON_AddBoolToObject(domain, "isVerified", true);
    return domain;
}

/* Takes `item`. */
static void answer_one(struct graph_request *request, const char *collection, cJSON *item)
{
    struct buffer *to = &request->answer->body;
    char *text = json_print(item);

    answer_set_text(request->answer, 200, "{");
    graph_append_context(to, request, collection, "");
    buffer_printf(to, ",\"value\":[%s]}", text);
    free(text);
    cJSON_Delete(item);
}

void graph_get_organization(struct graph_request *request)
{
    cJSON *organization = cJSON_CreateObject();

    cJSON_AddStringToObject(organization, "id", request->world->profile.tenant_id);
    cJSON_AddStringToObject(organization, "displayName",
                            world_option(request->world, "tenant.name", "Contoso"));
    cJSON_AddStringToObject(organization, "tenantType", "AAD");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(organization, "verifiedDomains"),
                         make_domain(request->world, false));
    answer_one(request, "organization", organization);
}

void graph_get_domains(struct graph_request *request)
{
    answer_one(request, "domains", make_domain(request->world, true));
}
