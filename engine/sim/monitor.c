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
#include "sim/form.h"
#include "sim/item.h"
#include "sim/rules.h"
#include "sim/strike.h"
#include "sim/world.h"

#define STATE  "properties.provisioningState"
#define TARGET "properties.targetProvisioningState"

enum {
    FIRST_STATE_MS =
        60 * 1000, /* how long a new resource stays in its first state, at most */
    DEFAULT_RETRY_S = 10
};

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

static int retry_after(const struct world *world, const struct kind *kind)
{
    const int seconds = rules_find(kind)->retry_after_s;

    return world_retry_after(world, seconds > 0 ? seconds : DEFAULT_RETRY_S);
}

/* Names the monitor of an operation that goes on. */
static void set_headers(const struct world *world, const struct call *call,
                        struct answer *answer, const struct kind *kind, const char *verb,
                        const cJSON *body, const char *id, int result)
{
    const struct form *form = form_find(world, kind, verb, body);

    if (form->has_async)
        answer->async_operation =
            form_monitor_url(world, call, kind, verb, body, id, true);
    if (form->is_self)
        answer->location = form_self_url(call, kind, body, id, result);
    else if (form->has_location)
        answer->location = form_monitor_url(world, call, kind, verb, body, id, false);
    if ((form->has_async || form->has_location) && !form->is_self)
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
                 world->now_ms - world->monitor_life_ms);
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
    set_headers(world, call, answer, kind, verb, body, id, result);
    insert(world, kind, resource, verb, result, id, duration_ms);
    return true;
}

void monitor_accept(const struct world *world, const struct call *call,
                    struct answer *answer, const struct kind *kind, const char *verb,
                    const cJSON *body)
{
    const struct form *form = form_find(world, kind, verb, body);
    const bool is_told = form->has_async || form->has_location;

    if (form->is_bare || call->method == CALL_DELETE ||
        (call->method == CALL_PATCH && is_told))
        answer->status = 202;
    if (!form->is_bare)
        return;
    buffer_clear(&answer->body);
    free(answer->etag);
    answer->etag = NULL;
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
                       "SELECT monitor.id, monitor.type, result, body FROM monitor"
                       " JOIN entity USING (key)"
                       " WHERE key = ? AND next_ms IS NOT NULL AND verb = 'delete'",
                       "t", key);

    if (!database_step(world->database, row))
        return false;

    const char *text = database_column(row, 3);
    cJSON *body = json_parse(text, strlen(text), NULL);

    set_headers(world, call, answer, world_find_kind(world, database_column(row, 1)),
                "delete", body, database_column(row, 0),
                (int)sqlite3_column_int64(row, 2));
    database_done(row);
    cJSON_Delete(body);
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
    sqlite3_stmt *row = database_query(world->database,
                                       "SELECT key, type FROM monitor WHERE id = ? AND "
                                       "(due_ms >= ? OR next_ms NOT NULL)",
                                       "ti", id, world->now_ms - world->monitor_life_ms);

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

/* Where it was asked is where to ask again. Owned by the caller. */
static char *format_own_url(const struct call *call)
{
    return memory_format("%s%s?%s", call->base, call->path,
                         call->query != NULL ? call->query : "");
}

static void add_progress(const struct world *world, const struct call *call,
                         const struct monitor *monitor, cJSON *body)
{
    const int64_t whole_ms = monitor->due_ms - monitor->started_ms;
    const int64_t done_ms = world->now_ms - monitor->started_ms;
    const bool is_over = !is_running(monitor);
    char time[CLOCK_TEXT_SIZE];

    clock_format_utc(world_told_ms(world, monitor->started_ms), time);
    cJSON_AddStringToObject(body, "id", call->path);
    cJSON_AddStringToObject(body, "name", call->segments[call->segment_count - 1]);
    cJSON_AddStringToObject(body, "startTime", time);
    cJSON_AddNumberToObject(body, "percentComplete",
                            is_over               ? 100.0
                            : done_ms >= whole_ms ? 99.0
                                                  : (double)(done_ms * 100 / whole_ms));
    if (!is_over)
        return;
    clock_format_utc(world_told_ms(world, monitor->due_ms), time);
    cJSON_AddStringToObject(body, "endTime", time);
}

/* What Azure-AsyncOperation points to: always 200, and a body that says how it goes. */
static void answer_status(struct world *world, const struct call *call,
                          struct answer *answer, const struct monitor *monitor)
{
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "status", monitor->status);
    if (form_has_progress(monitor->kind))
        add_progress(world, call, monitor, body);
    if (is_running(monitor))
        answer->retry_after_s = retry_after(world, monitor->kind);
    if (monitor->error[0] != '\0')
        cJSON_AddItemToObject(body, "error", cJSON_CreateRaw(monitor->error));
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

/* What the call would have been refused with. */
static void answer_failure(struct answer *answer, const struct monitor *monitor)
{
    char *text = memory_format("{\"error\":%s}", monitor->error);
    const bool is_internal = strstr(monitor->error, "\"InternalServerError\"") != NULL;

    answer_fail(answer, is_internal ? 500 : 409, NULL, text);
    free(text);
}

/* What Location points to: 202 until it is over, then what the call would have answered.
 */
static void answer_result(struct world *world, const struct call *call,
                          struct answer *answer, const struct monitor *monitor)
{
    if (is_running(monitor)) {
        answer->status = 202;
        answer->retry_after_s = retry_after(world, monitor->kind);
        answer->location = format_own_url(call);
        return;
    }

    if (strcmp(monitor->status, "Succeeded") != 0) {
        answer_failure(answer, monitor);
        return;
    }

    struct entity *entity =
        strcmp(monitor->verb, "delete") != 0 ? entity_find(world, monitor->key) : NULL;

    if (entity != NULL) {
        answer->status = monitor->result;
        buffer_clear(&answer->body);
        item_present(world, entity, &answer->body);
        if (text_has_prefix_nocase(entity->kind->arm_type, "Microsoft.ApiManagement/"))
            answer->etag = entity_format_etag(entity->kind, entity->version);
    } else if (strcmp(monitor->verb, "delete") == 0) {
        answer->status = monitor->result;
    } else {
        answer_refuse(answer, REFUSE_RESOURCE, "The Resource '%s' was not found.",
                      monitor->resource);
    }
    entity_free(entity);
}

/* Whether a monitor is asked where its resource is, or outside of all groups. */
static bool is_in_place(const struct call *call, const struct monitor *monitor)
{
    const char *rest = monitor->key;

    if (!call_segment_is(call, 2, "resourceGroups"))
        return true;
    for (size_t i = 0; *rest == '/'; i++) {
        const size_t length = strcspn(++rest, "/");
        char *segment = memory_copy_text(rest, length);
        const bool is_same = call_segment_is(call, i, segment);

        free(segment);
        if (!is_same)
            return false;
        rest += length;
    }
    return true;
}

static bool is_status_url(const struct call *call)
{
    static const char *const names[] = {"operations", "operationStatuses",
                                        "operationsStatuses"};
    bool is_one = call_parameter(call, "asyncResponse") != NULL;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        is_one = is_one || call_segment_is(call, call->segment_count - 2, names[i]);
    return is_one;
}

void monitor_answer(struct world *world, const struct call *call, struct answer *answer,
                    const char *id)
{
    struct monitor monitor = {0};

    if (!find(world, id, &monitor) || !is_in_place(call, &monitor) ||
        (!is_running(&monitor) &&
         monitor.due_ms < world->now_ms - world->monitor_life_ms))
        answer_refuse(answer, REFUSE_MONITOR, "The operation '%s' could not be found.",
                      id);
    else if (is_status_url(call))
        answer_status(world, call, answer, &monitor);
    else
        answer_result(world, call, answer, &monitor);
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

/* How an operation can end that leaves the resource as it was asked to be, but for its state.
 * The codes of the first and last are documented, but not of these operations; that of the
 * second is assumed. */
static const struct bad_end {
    const char *status, *code, *message;
} bad_ends[] = {
    [ENDING_FAILED] = {"Failed", "InternalServerError",
                       "The operation failed because of an internal error."},
    [ENDING_CANCELED] = {"Canceled", "OperationCanceled", "The operation was canceled."},
    [ENDING_NO_CAPACITY] = {"Failed", "SkuNotAvailable",
                            "The region currently does not have enough resources "
                            "available. Try another region."}};

static void finish_badly(struct world *world, const char *id,
                         const struct monitor *monitor, const struct bad_end *how)
{
    const struct rules *rules = rules_find(monitor->kind);
    cJSON *body = entity_body(world, monitor->key);
    char *error =
        memory_format("{\"code\":\"%s\",\"message\":\"%s\"}", how->code, how->message);

    database_run(world->database,
                 "UPDATE monitor SET next_ms = NULL, status = ?, error = ? WHERE id = ?",
                 "ttt", how->status, error, id);
    if (body != NULL && rules->delete_state != NULL) { /* else it has no states */
        char *parent =
            database_text(world->database, "SELECT parent FROM entity WHERE key = ?", "t",
                          monitor->key);

        set_states(body, how->status, rules->new_target != NULL ? "" : NULL);
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

/* It goes on until monitor_release_hung(). */
static void hang(struct world *world, const char *id)
{
    database_run(world->database, "UPDATE monitor SET next_ms = ? WHERE id = ?", "it",
                 INT64_MAX, id);
}

static void end(struct world *world, const char *id, const struct monitor *monitor)
{
    cJSON *body = entity_body(world, monitor->key);
    const enum ending ending =
        strike_end(world, monitor->kind, monitor->verb, monitor->resource,
                   json_string_at(body, "location"));

    cJSON_Delete(body);
    switch (ending) {
    case ENDING_HUNG:
        hang(world, id);
        return;
    case ENDING_FAILED:
    case ENDING_CANCELED:
    case ENDING_NO_CAPACITY:
        finish_badly(world, id, monitor, &bad_ends[ending]);
        return;
    case ENDING_GOOD:
    case ENDING_VANISHED:
        finish(world, id, monitor);
        break;
    }
    if (ending == ENDING_VANISHED)
        entity_remove(world, monitor->key);
}

void monitor_release_hung(struct world *world)
{
    database_begin(world->database);
    database_run(world->database,
                 "UPDATE monitor SET next_ms = MAX(due_ms, ?1), due_ms = MAX(due_ms, ?1)"
                 " WHERE next_ms = ?2",
                 "ii", world->now_ms, INT64_MAX);
    database_commit(world->database);
    world_plan(world);
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
