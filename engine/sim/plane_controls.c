/* engine/sim/plane_controls.c - /_sim/: what tests and curious people ask the simulator
 * itself. */
#include "sim/plane.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entra_device.h"
#include "sim/faults.h"
#include "sim/monitor.h"
#include "sim/request_log.h"
#include "sim/traffic.h"
#include "sim/world.h"
#include "sim/world_dump.h"

static const int64_t LONGEST_SPAN_MS = INT64_C(3652) * 24 * 3600 * 1000;

enum { LOG_PAGE = 1000 };

static void answer_ledger(struct world *world, struct answer *answer)
{
    sqlite3_stmt *row = database_query(
        world->database, "SELECT id, created, changed, deleted FROM ledger ORDER BY key",
        "");
    const char *comma = "";

    answer_set_text(answer, 200, "{\"resources\":[");
    while (database_step(world->database, row)) {
        const char *id = database_column(row, 0);

        buffer_printf(&answer->body, "%s{\"id\":", comma);
        buffer_append_json_string(&answer->body, id, strlen(id));
        buffer_printf(
            &answer->body,
            ",\"created\":%" PRId64 ",\"changed\":%" PRId64 ",\"deleted\":%" PRId64 "}",
            (int64_t)sqlite3_column_int64(row, 1), (int64_t)sqlite3_column_int64(row, 2),
            (int64_t)sqlite3_column_int64(row, 3));
        comma = ",";
    }
    buffer_append_string(&answer->body, "]}");
}

static void answer_clock(const struct world *world, struct answer *answer)
{
    static const char *const modes[] = {
        [CLOCK_REAL] = "real", [CLOCK_SCALED] = "scaled", [CLOCK_VIRTUAL] = "virtual"};
    char now[CLOCK_TEXT_SIZE];

    clock_format_utc(world->now_ms, now);
    answer_set_text(answer, 200, "");
    buffer_printf(&answer->body, "{\"now\":\"%s\",\"mode\":\"%s\",\"factor\":%g}", now,
                  modes[world->clock->mode], world->clock->factor);
}

static void answer_faults(const struct world *world, struct answer *answer)
{
    answer_set_text(answer, 200, "");
    faults_describe(world->faults, &answer->body);
}

static void set_faults(struct world *world, const char *text, struct answer *answer)
{
    char *wrong = faults_set(world->faults, text);

    if (wrong == NULL) {
        monitor_release_hung(world);
        answer_faults(world, answer);
    } else {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT, "%s", wrong);
    }
    free(wrong);
}

/* ---- one function for each path and method ---- */

static void get_ledger(struct world *world, struct call *call, struct answer *answer)
{
    (void)call;
    answer_ledger(world, answer);
}

static void get_clock(struct world *world, struct call *call, struct answer *answer)
{
    (void)call;
    answer_clock(world, answer);
}

/* How far the body wants time to go, or -1; then it has answered. */
static int64_t read_span(const struct world *world, struct call *call,
                         struct answer *answer)
{
    const cJSON *body = call_json(call);
    const char *advance = json_string_at(body, "advance"),
               *to = json_string_at(body, "to");
    int64_t span_ms = 0, to_ms = 0;

    if ((advance == NULL) == (to == NULL)) {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "Say either {\"advance\": \"3h\"} or {\"to\": "
                      "\"2026-01-05T11:00:00Z\"}.");
        return -1;
    }
    if (advance != NULL && duration_parse(advance, &span_ms) != 0) {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "advance: '%s' is not a duration such as 3h, up to 10 years.",
                      advance);
        return -1;
    }
    if (to != NULL && clock_parse_utc(to, &to_ms) != 0) {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "to: '%s' is not a time such as 2026-01-05T11:00:00Z.", to);
        return -1;
    }
    if (to != NULL)
        span_ms = to_ms - world->now_ms;
    if (span_ms < 0 || span_ms > LONGEST_SPAN_MS) {
        answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                      "%s: '%s' is %s; time goes forward, by up to 10 years.",
                      to != NULL ? "to" : "advance", to != NULL ? to : advance,
                      span_ms < 0 ? "past" : "too far ahead");
        return -1;
    }
    return span_ms;
}

static void post_clock(struct world *world, struct call *call, struct answer *answer)
{
    const int64_t span_ms = read_span(world, call, answer);

    if (span_ms < 0)
        return;
    world_advance(world, span_ms);
    answer_clock(world, answer);
}

static void get_faults(struct world *world, struct call *call, struct answer *answer)
{
    (void)call;
    answer_faults(world, answer);
}

/* The body is a text as of --sim-faults; an empty one ends all faults. */
static void post_faults(struct world *world, struct call *call, struct answer *answer)
{
    char *text =
        memory_copy_text(call->body != NULL ? call->body : "", call->body_length);

    set_faults(world, text, answer);
    free(text);
}

static void delete_faults(struct world *world, struct call *call, struct answer *answer)
{
    (void)call;
    set_faults(world, "", answer);
}

static void get_requests(struct world *world, struct call *call, struct answer *answer)
{
    (void)call;
    answer_set_text(answer, 200, "");
    traffic_describe(world, &answer->body);
}

/* A whole number in the query, or `otherwise`. False when it is none from 0 to `most`; it
 * has answered. */
static bool read_number(const struct call *call, const char *name, int64_t most,
                        int64_t *number, struct answer *answer)
{
    const char *text = call_parameter(call, name);

    if (text == NULL)
        return true;
    if (*text != '\0' && strlen(text) < 16 &&
        strspn(text, "0123456789") == strlen(text) && strtoll(text, NULL, 10) <= most) {
        *number = strtoll(text, NULL, 10);
        return true;
    }
    return answer_refuse(answer, REFUSE_REQUEST_URI,
                         "%s: '%s' is not a whole number from 0 to %" PRId64 ".", name,
                         text, most);
}

static void get_log(struct world *world, struct call *call, struct answer *answer)
{
    int64_t since = 0, limit = LOG_PAGE;

    if (!read_number(call, "since", INT64_C(1) << 53, &since, answer) ||
        !read_number(call, "limit", REQUEST_LOG_LIMIT, &limit, answer))
        return;
    answer_set_text(answer, 200, "");
    request_log_describe(world, &answer->body, since, limit);
}

/* Answers with the clock of a world that was just replaced, or with why not. */
static void answer_replaced(struct world *world, char *wrong, struct answer *answer)
{
    if (wrong == NULL)
        answer_clock(world, answer);
    else
        answer_refuse(answer, REFUSE_REQUEST_CONTENT, "%s", wrong);
    free(wrong);
}

static void post_reset(struct world *world, struct call *call, struct answer *answer)
{
    (void)call;
    answer_replaced(world, world_reset(world), answer);
}

static void get_world(struct world *world, struct call *call, struct answer *answer)
{
    (void)call;
    answer_set_text(answer, 200, "");
    world_dump_write(world, &answer->body);
}

static void put_world(struct world *world, struct call *call, struct answer *answer)
{
    answer_replaced(
        world, world_load(world, call->body != NULL ? call->body : "", call->body_length),
        answer);
}

static void post_device_code(struct world *world, struct call *call,
                             struct answer *answer)
{
    entra_device_control(world, call, answer);
}

static const struct control {
    const char *name;
    enum call_method method;
    void (*serve)(struct world *world, struct call *call, struct answer *answer);
} controls[] = {
    {"ledger", CALL_GET, get_ledger},     {"clock", CALL_GET, get_clock},
    {"clock", CALL_POST, post_clock},     {"faults", CALL_GET, get_faults},
    {"faults", CALL_POST, post_faults},   {"faults", CALL_DELETE, delete_faults},
    {"requests", CALL_GET, get_requests}, {"log", CALL_GET, get_log},
    {"reset", CALL_POST, post_reset},     {"world", CALL_GET, get_world},
    {"world", CALL_PUT, put_world},       {"devicecode", CALL_POST, post_device_code}};

void plane_controls(struct world *world, struct call *call, struct answer *answer)
{
    bool is_known = false;

    for (size_t i = 0; i < sizeof controls / sizeof controls[0]; i++) {
        if (call->segment_count != 2 || !call_segment_is(call, 1, controls[i].name))
            continue;
        is_known = true;
        if (controls[i].method == call->method) {
            controls[i].serve(world, call, answer);
            return;
        }
    }
    if (is_known)
        answer_refuse(answer, REFUSE_METHOD, "'%s' has no such method.", call->path);
    else
        answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.", call->path);
}
