/* engine/sim/monitor.c - long operations, which go on with time whether anybody looks or
 * not.
 *
 * Nothing here waits: what should have happened by now is done before the next call is
 * looked at, in the order in which it was due. */
#include "sim/monitor.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/faults.h"
#include "sim/rules.h"
#include "sim/world.h"

#define STATE  "properties.provisioningState"
#define TARGET "properties.targetProvisioningState"

enum {
    KEPT_MS =
        24 * 3600 * 1000, /* how long a monitor can be asked after its operation ended */
    FIRST_STATE_MS =
        60 * 1000, /* how long a new resource stays in its first state, at most */
    DEFAULT_RETRY_S = 10
};

static bool is_of(const struct kind *kind, const char *namespace)
{
    return text_has_prefix_nocase(kind->arm_type, namespace);
}

/* The key of what the operation keeps busy: itself, or its parent with all its children.
 */
static char *format_holds(const struct kind *kind, const char *key)
{
    size_t length = strlen(key);

    if (kind->serial == SERIAL_PARENT) { /* off with "/subnets/name" */
        for (int slashes = 0; length > 0 && slashes < 2; slashes += key[length] == '/')
            length--;
    }
    return memory_copy_text(key, length);
}

/* Appends an id as a URL's path. */
static void append_id(struct buffer *url, const char *id)
{
    char *rest = memory_copy_string(id), *segment = rest;

    while (*segment != '\0') {
        const size_t length = strcspn(segment, "/");
        const bool has_more = segment[length] == '/';

        segment[length] = '\0';
        buffer_append_escaped(url, segment);
        if (has_more)
            buffer_append_char(url, '/');
        segment += length + (has_more ? 1 : 0);
    }
    free(rest);
}

static void append_location_name(struct buffer *url, const struct world *world)
{
    for (const char *c = world->location; *c != '\0'; c++) {
        if (*c != ' ')
            buffer_append_char(url, *c);
    }
}

/* Where the monitor is asked, in the form of a namespace of its own. Owned by the caller.
 */
static char *format_url(const struct world *world, const struct call *call,
                        const struct kind *kind, const char *resource, const char *id,
                        bool is_async)
{
    const char *version = call_parameter(call, "api-version");
    struct buffer url = {0};

    buffer_append_string(&url, call->base);
    if (is_of(kind, "Microsoft.ApiManagement/")) {
        append_id(&url, resource);
        buffer_append_string(&url, "/operationresults/");
    } else if (is_of(kind, "Microsoft.Network/")) {
        buffer_append_string(&url, world->subscription_id);
        buffer_append_string(&url, "/providers/Microsoft.Network/locations/");
        append_location_name(&url, world);
        buffer_append_string(&url, is_async ? "/operations/" : "/operationResults/");
    } else {
        buffer_append_string(&url, world->subscription_id);
        buffer_append_string(&url, "/operationresults/");
    }
    buffer_printf(&url, "%s?api-version=", id);
    buffer_append_escaped(&url, version != NULL ? version : kind->api_version);
    if (is_async && is_of(kind, "Microsoft.ApiManagement/"))
        buffer_append_string(&url, "&asyncResponse");
    return buffer_take(&url);
}

static int retry_after(const struct world *world, const struct kind *kind)
{
    const int seconds = rules_find(kind)->retry_after_s;

    return world_retry_after(world, seconds > 0 ? seconds : DEFAULT_RETRY_S);
}

static void set_headers(const struct world *world, const struct call *call,
                        struct answer *answer, const struct kind *kind,
                        const char *resource, const char *id)
{
    const bool has_async = !rules_find(kind)->has_no_async_operation;

    if (has_async)
        answer->async_operation = format_url(world, call, kind, resource, id, true);
    if (!has_async || call->method != CALL_PUT || is_of(kind, "Microsoft.ApiManagement/"))
        answer->location = format_url(world, call, kind, resource, id, false);
    answer->retry_after_s = retry_after(world, kind);
}

static void set_states(cJSON *body, const char *state, const char *target)
{
    if (state != NULL)
        json_set_at(body, STATE, cJSON_CreateString(state));
    if (target != NULL)
        json_set_at(body, TARGET, cJSON_CreateString(target));
}

static void set_final_state(struct world *world, const struct kind *kind, cJSON *body)
{
    const struct rules *rules = rules_find(kind);

    if (rules->delete_state != NULL) /* else it has no states */
        set_states(body, "Succeeded", rules->new_target != NULL ? "" : NULL);
    if (rules->finish != NULL)
        rules->finish(world, body);
}

static void set_first_state(const struct rules *rules, cJSON *body, const char *verb)
{
    if (strcmp(verb, "create") == 0)
        set_states(body, rules->new_state, rules->new_target);
    else if (strcmp(verb, "delete") == 0)
        set_states(body, rules->delete_state, rules->delete_target);
    else
        set_states(body, rules->update_state, rules->update_target);
}

static void insert(struct world *world, const struct kind *kind, const char *resource,
                   const char *verb, int result, const char *id, int64_t duration_ms)
{
    const bool has_phases =
        strcmp(verb, "create") == 0 && rules_find(kind)->active_state != NULL;
    const int64_t phase_ms =
        duration_ms / 10 < FIRST_STATE_MS ? duration_ms / 10 : FIRST_STATE_MS;
    const int64_t next_ms = world->now_ms + (has_phases ? phase_ms : duration_ms);
    char *key = entity_make_key(resource), *holds = format_holds(kind, key);

    database_run(world->database,
                 "DELETE FROM monitor WHERE due_ms < ? AND next_ms IS NULL", "i",
                 world->now_ms - KEPT_MS);
    database_run(
        world->database,
        "INSERT INTO monitor VALUES (?, ?, ?, ?, ?, ?, 'InProgress', ?, ?, ?, ?, NULL)",
        "ttttttiiii", id, key, resource, kind->arm_type, verb, holds, (int64_t)result,
        world->now_ms, world->now_ms + duration_ms, next_ms);
    if (next_ms < world->next_ms)
        world->next_ms = next_ms;
    free(key);
    free(holds);
}

bool monitor_start(struct world *world, const struct call *call, struct answer *answer,
                   const struct kind *kind, cJSON *body, const char *verb, int result)
{
    const char *resource = json_string_at(body, "id");
    char *key = entity_make_key(resource), id[UUID_TEXT_SIZE];
    const int64_t duration_ms = (kind->long_operations & call->method) != 0
                                    ? world_duration(world, kind, verb, key)
                                    : 0;

    free(key);
    if (duration_ms == 0) {
        set_final_state(world, kind, body);
        return false;
    }
    world_make_id(world, id);
    set_first_state(rules_find(kind), body, verb);
    set_headers(world, call, answer, kind, resource, id);
    insert(world, kind, resource, verb, result, id, duration_ms);
    return true;
}

bool monitor_is_busy(struct world *world, const struct kind *kind, const char *key)
{
    char *holds = format_holds(kind, key);
    const bool is_busy =
        database_number(world->database, 0,
                        "SELECT 1 FROM monitor WHERE holds = ? AND next_ms IS NOT NULL",
                        "t", holds) != 0;

    free(holds);
    return is_busy;
}

bool monitor_join_delete(struct world *world, const struct call *call,
                         struct answer *answer, const char *key)
{
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT id, type, resource FROM monitor"
                       " WHERE key = ? AND next_ms IS NOT NULL AND verb = 'delete'",
                       "t", key);

    if (!database_step(world->database, row))
        return false;
    set_headers(world, call, answer, world_find_kind(world, database_column(row, 1)),
                database_column(row, 2), database_column(row, 0));
    database_done(row);
    answer->status = 202;
    return true;
}

bool monitor_was_creation(struct world *world, const char *key)
{
    return database_number(world->database, 0,
                           "SELECT verb = 'create' FROM monitor WHERE key = ?"
                           " ORDER BY due_ms DESC LIMIT 1",
                           "t", key) != 0;
}

char *monitor_find_resource(struct world *world, const char *id, const struct kind **kind)
{
    sqlite3_stmt *row = database_query(
        world->database, "SELECT key, type FROM monitor WHERE id = ? AND due_ms >= ?",
        "ti", id, world->now_ms - KEPT_MS);

    if (!database_step(world->database, row))
        return NULL;

    char *key = memory_copy_string(database_column(row, 0));

    *kind = world_find_kind(world, database_column(row, 1));
    database_done(row);
    return key;
}

/* One row of the table, copied. */
struct monitor {
    char *key, *resource, *verb, *status, *error;
    const struct kind *kind;
    int result;
    int64_t started_ms, due_ms;
};

static bool find(struct world *world, const char *id, struct monitor *monitor)
{
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT key, resource, type, verb, status, result,"
                       " started_ms, due_ms, error FROM monitor WHERE id = ?",
                       "t", id);

    if (!database_step(world->database, row))
        return false;
    *monitor = (struct monitor){.key = memory_copy_string(database_column(row, 0)),
                                .resource = memory_copy_string(database_column(row, 1)),
                                .kind = world_find_kind(world, database_column(row, 2)),
                                .verb = memory_copy_string(database_column(row, 3)),
                                .status = memory_copy_string(database_column(row, 4)),
                                .result = (int)sqlite3_column_int64(row, 5),
                                .started_ms = sqlite3_column_int64(row, 6),
                                .due_ms = sqlite3_column_int64(row, 7),
                                .error = memory_copy_string(database_column(row, 8))};
    database_done(row);
    return true;
}

static void release(struct monitor *monitor)
{
    free(monitor->key);
    free(monitor->resource);
    free(monitor->verb);
    free(monitor->status);
    free(monitor->error);
}

static bool is_running(const struct monitor *monitor)
{
    return strcmp(monitor->status, "InProgress") == 0;
}

/* What Azure-AsyncOperation points to: always 200, and a body that says how it goes. */
static void answer_status(struct world *world, const struct call *call,
                          struct answer *answer, const char *id,
                          const struct monitor *monitor)
{
    char started[CLOCK_TEXT_SIZE], ended[CLOCK_TEXT_SIZE];
    cJSON *body = cJSON_CreateObject();

    clock_format_utc(monitor->started_ms, started);
    clock_format_utc(monitor->due_ms, ended);
    cJSON_AddStringToObject(body, "id", call->path);
    cJSON_AddStringToObject(body, "name", id);
    cJSON_AddStringToObject(body, "status", monitor->status);
    cJSON_AddStringToObject(body, "startTime", started);
    if (is_running(monitor)) {
        const int64_t whole_ms = monitor->due_ms - monitor->started_ms;

        cJSON_AddNumberToObject(
            body, "percentComplete",
            (double)((world->now_ms - monitor->started_ms) * 100 / whole_ms));
        answer->retry_after_s = retry_after(world, monitor->kind);
    } else {
        cJSON_AddStringToObject(body, "endTime", ended);
        cJSON_AddNumberToObject(body, "percentComplete", 100);
    }
    if (monitor->error[0] != '\0')
        cJSON_AddItemToObject(body, "error", cJSON_CreateRaw(monitor->error));
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static const char failed_message[] = "The operation failed because of an internal error.";
static const char canceled_message[] = "The operation was canceled.";

/* What Location points to: 202 until it is over, then what the call would have answered.
 */
static void answer_result(struct world *world, const struct call *call,
                          struct answer *answer, const char *id,
                          const struct monitor *monitor)
{
    if (is_running(monitor)) {
        answer->status = 202;
        answer->retry_after_s = retry_after(world, monitor->kind);
        answer->location =
            format_url(world, call, monitor->kind, monitor->resource, id, false);
        return;
    }

    if (strcmp(monitor->status, "Succeeded") != 0) {
        const bool is_failure = strcmp(monitor->status, "Failed") == 0;

        answer_refuse(answer, is_failure ? REFUSE_INTERNAL : REFUSE_CANCELED, "%s",
                      is_failure ? failed_message : canceled_message);
        return;
    }

    struct entity *entity =
        strcmp(monitor->verb, "delete") != 0 ? entity_find(world, monitor->key) : NULL;

    if (entity != NULL) {
        answer_set_text(answer, monitor->result, entity->body);
        if (is_of(entity->kind, "Microsoft.ApiManagement/"))
            answer->etag = entity_format_etag(entity->kind, entity->version);
    } else if (strcmp(monitor->verb, "delete") == 0) {
        answer->status = monitor->result;
    } else {
        answer_refuse(answer, REFUSE_RESOURCE, "The Resource '%s' was not found.",
                      monitor->resource);
    }
    entity_free(entity);
}

void monitor_answer(struct world *world, const struct call *call, struct answer *answer,
                    const char *id)
{
    struct monitor monitor = {0};
    const bool is_async = call_parameter(call, "asyncResponse") != NULL ||
                          call_segment_is(call, call->segment_count - 2, "operations");

    if (!find(world, id, &monitor) || monitor.due_ms < world->now_ms - KEPT_MS)
        answer_refuse(answer, REFUSE_MONITOR, "The operation '%s' could not be found.",
                      id);
    else if (is_async)
        answer_status(world, call, answer, id, &monitor);
    else
        answer_result(world, call, answer, id, &monitor);
    release(&monitor);
}

/* The next state but the last: "Created" becomes "Activating". */
static void enter_active_state(struct world *world, const char *id,
                               const struct monitor *monitor)
{
    cJSON *body = entity_body(world, monitor->key);
    char *parent = database_text(
        world->database, "SELECT parent FROM entity WHERE key = ?", "t", monitor->key);

    if (body != NULL) {
        set_states(body, rules_find(monitor->kind)->active_state, NULL);
        entity_save(world, monitor->kind, parent, body);
    }
    database_run(world->database, "UPDATE monitor SET next_ms = due_ms WHERE id = ?", "t",
                 id);
    cJSON_Delete(body);
    free(parent);
}

/* An operation that leaves the resource as it was asked to be, but for its state. */
static void finish_badly(struct world *world, const char *id,
                         const struct monitor *monitor, const char *status)
{
    const bool is_failure = strcmp(status, "Failed") == 0;
    const struct rules *rules = rules_find(monitor->kind);
    cJSON *body = entity_body(world, monitor->key);
    char *error = memory_format("{\"code\":\"%s\",\"message\":\"%s\"}",
                                is_failure ? "InternalServerError" : "OperationCanceled",
                                is_failure ? failed_message : canceled_message);

    database_run(world->database,
                 "UPDATE monitor SET next_ms = NULL, status = ?, error = ? WHERE id = ?",
                 "ttt", status, error, id);
    if (body != NULL && rules->delete_state != NULL) { /* else it has no states */
        char *parent =
            database_text(world->database, "SELECT parent FROM entity WHERE key = ?", "t",
                          monitor->key);

        set_states(body, status, rules->new_target != NULL ? "" : NULL);
        entity_save(world, monitor->kind, parent, body);
        free(parent);
    }
    cJSON_Delete(body);
    free(error);
}

static void finish(struct world *world, const char *id, const struct monitor *monitor)
{
    cJSON *body = entity_body(world, monitor->key);
    char *parent = database_text(
        world->database, "SELECT parent FROM entity WHERE key = ?", "t", monitor->key);

    database_run(world->database,
                 "UPDATE monitor SET next_ms = NULL, status = 'Succeeded' WHERE id = ?",
                 "t", id);
    if (strcmp(monitor->verb, "delete") == 0) {
        entity_remove(world, monitor->key);
    } else if (body != NULL) {
        set_final_state(world, monitor->kind, body);
        entity_save(world, monitor->kind, parent, body);
    }
    cJSON_Delete(body);
    free(parent);
}

/* Well, unless a fault has been waiting for it. */
static void end(struct world *world, const char *id, const struct monitor *monitor)
{
    const char *name = strrchr(monitor->resource, '/') + 1;

    if (faults_strike_operation(world->faults, FAULT_LRO_FAIL, name))
        finish_badly(world, id, monitor, "Failed");
    else if (faults_strike_operation(world->faults, FAULT_LRO_CANCEL, name))
        finish_badly(world, id, monitor, "Canceled");
    else
        finish(world, id, monitor);
}

void monitor_settle(struct world *world)
{
    const int64_t now_ms = world->now_ms;
    char *id;

    while ((id = database_text(world->database,
                               "SELECT id FROM monitor WHERE next_ms <= ?"
                               " ORDER BY next_ms LIMIT 1",
                               "i", now_ms)) != NULL) {
        struct monitor monitor;
        int64_t next_ms = database_number(
            world->database, now_ms, "SELECT next_ms FROM monitor WHERE id = ?", "t", id);

        if (!find(world, id, &monitor)) {
            free(id);
            break; /* the database has failed */
        }
        world->now_ms = next_ms; /* it happens when it was due, not when somebody looks */
        if (next_ms < monitor.due_ms)
            enter_active_state(world, id, &monitor);
        else
            end(world, id, &monitor);
        release(&monitor);
        free(id);
    }
    world->now_ms = now_ms;
}

int64_t monitor_next(struct world *world)
{
    /* said with the condition of the index, or all monitors would be read */
    return database_number(world->database, INT64_MAX,
                           "SELECT MIN(next_ms) FROM monitor WHERE next_ms IS NOT NULL",
                           "");
}
