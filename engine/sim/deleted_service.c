/* engine/sim/deleted_service.c - API Management services that were deleted.
 *
 * The 48 hours and `restore` are documented; that a restore of what is not there is refused
 * is observed, its code assumed, as is how long a purge takes. */
#include "sim/deleted_service.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/item.h"
#include "sim/region.h"
#include "sim/shape.h"
#include "sim/target.h"
#include "sim/world.h"

enum {
    KEPT_MS = 48 * 3600 * 1000,
    PURGE_MS = 150 * 1000,
    MONITOR_MS = 24 * 3600 * 1000, /* how long a purge can be asked after its end */
    RETRY_S = 60
};

/* ---- keeping ---- */

/* {"parent", "type", "body"} of each resource that is not an extension, parents before
 * children. Owned by the caller. */
static char *describe_all(struct world *world, const char *key)
{
    char *first = memory_format("%s/", key), *end = memory_format("%s0", key);
    cJSON *list = cJSON_CreateArray();
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT parent, type, body FROM entity WHERE key = ?1 UNION ALL"
                       " SELECT parent, type, body FROM entity WHERE key >= ?2 AND"
                       " key < ?3",
                       "ttt", key, first, end);

    while (database_step(world->database, row)) {
        const struct kind *kind = world_find_kind(world, database_column(row, 1));

        if (kind == NULL || kind->is_extension)
            continue;

        cJSON *one = cJSON_CreateObject();

        cJSON_AddStringToObject(one, "parent", database_column(row, 0));
        cJSON_AddStringToObject(one, "type", database_column(row, 1));
        cJSON_AddItemToObject(one, "body", cJSON_CreateRaw(database_column(row, 2)));
        cJSON_AddItemToArray(list, one);
    }

    char *text = json_print(list);

    cJSON_Delete(list);
    free(first);
    free(end);
    return text;
}

void deleted_service_keep(struct world *world, const char *key)
{
    cJSON *body = entity_body(world, key);
    const char *location = json_string_at(body, "location");
    char *all = describe_all(world, key);

    database_run(world->database, "DELETE FROM deleted_service WHERE purge_ms < ?", "i",
                 world->now_ms - MONITOR_MS);
    database_run(
        world->database, "REPLACE INTO deleted_service VALUES (?, ?, ?, ?, ?, '', ?)",
        "tttiit", strrchr(key, '/') + 1, json_string_at(body, "id"),
        location != NULL ? location : "", world->now_ms, world->now_ms + KEPT_MS, all);
    free(all);
    cJSON_Delete(body);
}

bool deleted_service_holds(struct world *world, const char *name)
{
    return database_number(world->database, 0,
                           "SELECT 1 FROM deleted_service WHERE name = lower(?) AND"
                           " purge_ms > ?",
                           "ti", name, world->now_ms) != 0;
}

int64_t deleted_service_next_purge(struct world *world, int64_t now_ms)
{
    return database_number(world->database, INT64_MAX,
                           "SELECT MIN(purge_ms) FROM deleted_service WHERE purge_ms > ?"
                           " AND operation <> ''",
                           "i", now_ms);
}

/* ---- bringing back ---- */

/* What was kept of the service with this id, owned by the caller, or NULL. */
static cJSON *find_kept(struct world *world, const char *id)
{
    char *text =
        database_text(world->database,
                      "SELECT body FROM deleted_service WHERE name = lower(?) AND"
                      " lower(id) = lower(?) AND purge_ms > ?",
                      "tti", strrchr(id, '/') + 1, id, world->now_ms);
    cJSON *kept = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;

    free(text);
    return kept;
}

static bool wants_restore(const cJSON *body)
{
    return cJSON_IsTrue(json_at(body, "properties.restore"));
}

void deleted_service_take(struct change *change)
{
    cJSON *kept = change->old == NULL && wants_restore(change->body)
                      ? find_kept(change->world, change->id)
                      : NULL;
    cJSON *service = cJSON_DetachItemFromObject(cJSON_GetArrayItem(kept, 0), "body");

    if (service != NULL) {
        shape_drop_read_only(&service_kind, service);
        while (change->body->child != NULL)
            cJSON_Delete(cJSON_DetachItemViaPointer(change->body, change->body->child));
        while (service->child != NULL) {
            cJSON *member = cJSON_DetachItemViaPointer(service, service->child);

            cJSON_AddItemToObject(change->body, member->string, member);
        }
        change->aside = cJSON_Duplicate(kept, true);
    }
    cJSON_Delete(service);
    cJSON_Delete(kept);
}

bool deleted_service_check(const struct change *change)
{
    if (change->old != NULL || change->aside != NULL)
        return true;
    if (wants_restore(change->body))
        return answer_refuse(
            change->answer, REFUSE_DELETED_SERVICE,
            "Api service %s was not soft-deleted and cannot be restored.", change->name);
    return !deleted_service_holds(change->world, change->name) ||
           answer_refuse(
               change->answer, REFUSE_SERVICE_DELETED,
               "Api service %s was soft-deleted. In order to create the new service with "
               "the same name, you have to either undelete the service or purge it. See "
               "https://aka.ms/apimsoftdelete.",
               change->name);
}

void deleted_service_restore(struct change *change)
{
    struct world *world = change->world;
    const cJSON *one;

    if (change->old != NULL || change->aside == NULL)
        return;
    cJSON_ArrayForEach (one, change->aside) {
        const struct kind *kind = world_find_kind(world, json_string_at(one, "type"));
        const cJSON *body = json_at(one, "body");

        if (kind == NULL || kind == &service_kind || body == NULL)
            continue;

        cJSON *copy = cJSON_Duplicate(body, true);

        entity_save(world, kind, json_string_at(one, "parent"), copy);
        cJSON_Delete(copy);
    }
    database_run(world->database, "DELETE FROM deleted_service WHERE name = lower(?)",
                 "t", change->name);
}

/* ---- answers ---- */

static void set_time(cJSON *body, const char *path, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_utc(ms, text);
    json_set_at(body, path, cJSON_CreateString(text));
}

enum { COLUMN_NAME, COLUMN_ID, COLUMN_LOCATION, COLUMN_DELETED, COLUMN_PURGE };

#define COLUMNS "name, id, location, deleted_ms, purge_ms"

/* A row of COLUMNS as it is shown; owned by the caller. */
static cJSON *describe(const struct world *world, sqlite3_stmt *row)
{
    const char *id = database_column(row, COLUMN_ID);
    char *location = region_format_name(database_column(row, COLUMN_LOCATION));
    char *own_id =
        memory_format("%s/providers/Microsoft.ApiManagement/locations/%s/deletedservices/"
                      "%s",
                      world->subscription_id, location, strrchr(id, '/') + 1);
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "id", own_id);
    cJSON_AddStringToObject(body, "name", strrchr(id, '/') + 1);
    cJSON_AddStringToObject(body, "type", "Microsoft.ApiManagement/deletedservices");
    cJSON_AddStringToObject(body, "location", database_column(row, COLUMN_LOCATION));
    json_set_at(body, "properties.serviceId", cJSON_CreateString(id));
    set_time(body, "properties.scheduledPurgeDate",
             sqlite3_column_int64(row, COLUMN_PURGE));
    set_time(body, "properties.deletionDate", sqlite3_column_int64(row, COLUMN_DELETED));
    free(location);
    free(own_id);
    return body;
}

static void list(struct world *world, const struct call *call, struct answer *answer)
{
    struct page page = {0};
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT " COLUMNS " FROM deleted_service WHERE purge_ms > ? ORDER BY name", "i",
        world->now_ms);

    while (database_step(world->database, row)) {
        cJSON *body = describe(world, row);
        char *text = json_print(body);

        page_add(&page, text);
        free(text);
        cJSON_Delete(body);
    }
    page_close(&page, call, answer, -1, NULL);
}

/* As it is shown, owned by the caller, or NULL when there is none in that region. */
static cJSON *find(struct world *world, const struct target *target)
{
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT " COLUMNS " FROM deleted_service WHERE name = lower(?) AND"
                       " purge_ms > ?",
                       "ti", target->name, world->now_ms);
    cJSON *body = NULL;

    if (database_step(world->database, row)) {
        body = describe(world, row);
        database_done(row);
    }
    if (body != NULL &&
        !shape_is_same_location(json_string_at(body, "location"), target->action)) {
        cJSON_Delete(body);
        body = NULL;
    }
    return body;
}

static void set_monitor(const struct world *world, const struct call *call,
                        const char *id, const char *operation, struct answer *answer)
{
    struct buffer url = {0};

    buffer_printf(&url, "%s%s/operationresults/%s?api-version=", call->base, id,
                  operation);
    buffer_append_escaped(&url, call_parameter(call, "api-version"));
    answer->location = buffer_take(&url);
    answer->retry_after_s = world_retry_after(world, RETRY_S);
}

static void purge(struct world *world, const struct call *call,
                  const struct target *target, struct answer *answer)
{
    cJSON *body = find(world, target);
    char operation[UUID_TEXT_SIZE];

    if (body == NULL) {
        answer->status = 204;
        return;
    }
    uuid_random(operation);
    database_begin(world->database);
    database_run(world->database,
                 "UPDATE deleted_service SET operation = ?, purge_ms = MIN(purge_ms, ?)"
                 " WHERE name = lower(?)",
                 "tit", operation, world->now_ms + PURGE_MS, target->name);
    world_save_time(world);
    if (database_commit(world->database)) {
        set_time(body, "properties.scheduledPurgeDate", world->now_ms + PURGE_MS);
        answer_set_json(answer, 202, body);
        set_monitor(world, call, json_string_at(body, "id"), operation, answer);
    }
    cJSON_Delete(body);
}

static void answer_monitor(struct world *world, const struct call *call,
                           const struct target *target, struct answer *answer)
{
    const int64_t purge_ms = database_number(
        world->database, -1,
        "SELECT purge_ms FROM deleted_service WHERE name = lower(?) AND operation = ?",
        "tt", target->name, target->detail);

    if (purge_ms < 0) {
        answer_refuse(answer, REFUSE_MONITOR, "The operation '%s' could not be found.",
                      target->detail);
    } else if (purge_ms <= world->now_ms) {
        answer->status = 200;
    } else {
        cJSON *body = find(world, target);

        answer->status = 202;
        if (body != NULL)
            set_monitor(world, call, json_string_at(body, "id"), target->detail, answer);
        cJSON_Delete(body);
    }
}

void deleted_service_answer(struct world *world, const struct call *call,
                            const struct target *target, struct answer *answer)
{
    if (target->name == NULL) {
        list(world, call, answer);
    } else if (target->detail != NULL) {
        answer_monitor(world, call, target, answer);
    } else if (call->method == CALL_DELETE) {
        purge(world, call, target, answer);
    } else {
        cJSON *body = find(world, target);

        if (body != NULL)
            answer_set_json(answer, 200, body);
        else
            answer_refuse(answer, REFUSE_DELETED_SERVICE,
                          "There is no soft-deleted service '%s' in '%s'.", target->name,
                          target->action);
        cJSON_Delete(body);
    }
}
