/* tests/check_history.c - how long operations took, and what is said of those under way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/log.h"
#include "memory_store.h"
#include "net/loop.h"
#include "run/event_json.h"
#include "run/face_stream.h"
#include "run/history.h"
#include "run/run.h"
#include "run/session.h"
#include "suite.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, MOST_BYTES = 1 << 20 };

#define LOG_NAME "durations.jsonl"

static const int64_t WALL_MS = 1769860987123; /* 2026-01-31T12:03:07.123Z */

static const struct history_key gateway = {
    .kind = "gateway", .verb = "create", .region = "westeurope", .units = 1};

static struct {
    struct clock clock;
    struct loop *loop;
    struct memory_store memory;
    struct history *history;
    struct buffer logged;
} h;

static bool never(void *context)
{
    (void)context;
    return false;
}

/* Turns the loop until nothing is under way any more. */
static void settle(void)
{
    ck_assert(!loop_run(h.loop, never, NULL, false));
    ck_assert_uint_eq(h.memory.under_way, 0);
}

static void take_log(void *context, enum log_level level, const char *text)
{
    (void)context;
    buffer_printf(&h.logged, "%s: %s\n", log_level_names[level], text);
}

static void setup(void)
{
    memset(&h, 0, sizeof h);
    clock_init(&h.clock, CLOCK_VIRTUAL, 1.0);
    h.loop = loop_new(&h.clock);
    memory_store_open(&h.memory, h.loop);
    h.history = history_new(h.loop, &h.memory.store, "durations.jsonl");
    log_set_sink(take_log, NULL);
}

static void teardown(void)
{
    log_set_sink(NULL, NULL);
    history_free(h.history);
    memory_store_close(&h.memory);
    loop_free(h.loop);
    buffer_deinit(&h.logged);
}

static void write_text(const char *text)
{
    buffer_append_string(memory_store_log(&h.memory, LOG_NAME), text);
}

static void write_line(const struct history_key *key, double seconds)
{
    buffer_printf(memory_store_log(&h.memory, LOG_NAME),
                  "{\"kind\":\"%s\",\"verb\":\"%s\",\"region\":\"%s\",\"units\":%d,"
                  "\"seconds\":%.3f,\"at\":\"2026-01-31T12:00:00.000Z\"}\n",
                  key->kind, key->verb, key->region, key->units, seconds);
}

/* Of 100 s, 200 s, ... */
static void write_lines(const struct history_key *key, int count)
{
    for (int i = 1; i <= count; i++)
        write_line(key, 100.0 * i);
}

static void assert_log(const char *expected)
{
    const struct buffer *log = map_find(&h.memory.logs, LOG_NAME);

    ck_assert_ptr_nonnull(log);
    ck_assert_str_eq(log->data, expected);
}

/* Asks once it is loaded. */
static bool ask(const struct history_key *key, int64_t age_s, struct forecast *forecast)
{
    *forecast = (struct forecast){0};
    history_forecast(h.history, key, MINUTE_MS, forecast);
    settle();
    *forecast = (struct forecast){.samples = 12345};
    return history_forecast(h.history, key, age_s * SECOND_MS, forecast);
}

static void assert_forecast(const struct history_key *key, int64_t age_s,
                            struct forecast expected)
{
    struct forecast forecast;

    ck_assert(ask(key, age_s, &forecast));
    ck_assert_int_eq(forecast.samples, expected.samples);
    ck_assert_int_eq(forecast.p50_ms, expected.p50_ms);
    ck_assert_int_eq(forecast.p90_ms, expected.p90_ms);
    ck_assert_int_eq(forecast.unusual_among, expected.unusual_among);
}

static void note_drained(void *context)
{
    *(bool *)context = true;
}

/* --- what is said --- */

static const struct {
    int count;
    int64_t age_s;
    struct forecast expected;
} forecasts[] = {
    {10, 60, {440000, 840000, 10, 0}}, /* of 100 to 1000 s: 500 and 900 */
    {10, 99, {401000, 801000, 10, 0}},
    {10, 100, {500000, 900000, 9, 0}}, /* of 200 to 1000 s: 600 and 1000 */
    {10, 899, {1000, 101000, 2, 0}},
    {10, 900, {100000, 100000, 1, 0}},
    {5, 751, {0, 0, 0, 5}},
    {19, 2851, {0, 0, 0, 19}},
    {20, 1999, {1000, 1000, 1, 0}},
    {20, 2001, {0, 0, 0, 20}},
    {4, 399, {1000, 1000, 1, 0}},
    {1, 60, {40000, 40000, 1, 0}},
    {214, 21200, {100000, 200000, 2, 0}}, /* the 212th of 214 is the 99th percentile */
    {214, 21201, {99000, 199000, 2, 214}},
    {100, 9901, {99000, 99000, 1, 100}},
    {0, 60, {0, 0, 0, 0}},
};

START_TEST(a_forecast_is_of_those_that_lasted_as_long)
{
    write_lines(&gateway, forecasts[_i].count);
    assert_forecast(&gateway, forecasts[_i].age_s, forecasts[_i].expected);
}
END_TEST

START_TEST(nothing_is_said_of_what_may_be_over_in_a_moment)
{
    struct forecast forecast;

    write_lines(&gateway, 10);
    ck_assert(!history_forecast(h.history, &gateway, MINUTE_MS - 1, &forecast));
    settle();
    ck_assert_uint_eq(h.memory.gets, 0); /* and nothing is read for it */
}
END_TEST

static const struct {
    int count;
    int64_t age_s;
} outlasted[] = {{1, 100}, {4, 100000}, {5, 501}, {5, 750}, {19, 2850}, {20, 2000}};

START_TEST(nothing_is_said_when_all_of_a_few_were_shorter)
{
    struct forecast forecast;

    write_lines(&gateway, outlasted[_i].count);
    ck_assert(!ask(&gateway, outlasted[_i].age_s, &forecast));
}
END_TEST

START_TEST(samples_are_sorted_whatever_their_order)
{
    for (int i = 0; i < 101; i++)
        write_line(&gateway, 100.0 + (i * 37) % 101);
    assert_forecast(&gateway, 60, (struct forecast){90000, 130000, 101, 0});
}
END_TEST

static const struct history_key relatives[] = {
    {.kind = "gateway", .verb = "create", .region = "westeurope", .units = 2},
    {.kind = "gateway", .verb = "create", .region = "northeurope", .units = 1},
    {.kind = "gateway", .verb = "delete", .region = "westeurope", .units = 1},
    {.kind = "service", .verb = "create", .region = "westeurope", .units = 1},
};

START_TEST(few_samples_are_joined_by_those_of_other_units_then_regions)
{
    for (int i = 0; i < 4; i++)
        write_line(&gateway, 100.0);
    write_lines(&relatives[2], 10);
    write_lines(&relatives[3], 10);
    assert_forecast(&gateway, 60, (struct forecast){40000, 40000, 4, 0});

    history_free(h.history);
    h.history = history_new(h.loop, &h.memory.store, "durations.jsonl");
    for (int i = 0; i < 4; i++)
        write_line(&relatives[1], 300.0);
    assert_forecast(&gateway, 60, (struct forecast){40000, 240000, 8, 0});

    history_free(h.history);
    h.history = history_new(h.loop, &h.memory.store, "durations.jsonl");
    write_line(&relatives[0], 200.0);
    assert_forecast(&gateway, 60, (struct forecast){40000, 140000, 5, 0});

    history_free(h.history);
    h.history = history_new(h.loop, &h.memory.store, "durations.jsonl");
    write_line(&gateway, 110.0);
    assert_forecast(&gateway, 60, (struct forecast){40000, 50000, 5, 0});
}
END_TEST

START_TEST(a_region_is_the_same_however_it_is_written)
{
    struct history_key west = gateway;

    write_lines(&gateway, 5);
    for (int i = 0; i < 5; i++)
        write_line(&relatives[1], 1000.0);
    west.region = "West Europe";
    assert_forecast(&west, 60, (struct forecast){240000, 440000, 5, 0});
    west.region = NULL;
    assert_forecast(&west, 60, (struct forecast){440000, 940000, 10, 0});
}
END_TEST

START_TEST(without_a_store_nothing_is_known_and_nothing_kept)
{
    struct history *none = history_new(h.loop, NULL, "durations.jsonl");
    struct forecast forecast;
    bool is_drained = false;

    history_add(none, &gateway, 90 * SECOND_MS, WALL_MS);
    ck_assert(!history_forecast(none, &gateway, MINUTE_MS, &forecast));
    history_drain(none, note_drained, &is_drained);
    ck_assert(is_drained);
    history_free(none);
    history_free(NULL);
}
END_TEST

/* --- reading --- */

START_TEST(it_is_read_once_and_only_when_asked)
{
    struct forecast forecast;

    write_lines(&gateway, 5);
    settle();
    ck_assert_uint_eq(h.memory.gets, 0);
    ck_assert(!history_forecast(h.history, &gateway, MINUTE_MS, &forecast));
    ck_assert(!history_forecast(h.history, &gateway, MINUTE_MS, &forecast));
    settle();
    for (int i = 0; i < 10; i++)
        ck_assert(history_forecast(h.history, &gateway, MINUTE_MS, &forecast));
    settle();
    ck_assert_uint_eq(h.memory.gets, 1);
    ck_assert_uint_eq(forecast.samples, 5);
}
END_TEST

static const char *const damaged[] = {
    "\n",
    "{\n",
    "{}\n",
    "[1,2]\n",
    "\xff\xfe\n",
    "{\"kind\":\"gateway\",\"verb\":\"create\",\"region\":\"westeurope\",\"units\":1}\n",
    "{\"kind\":\"gateway\",\"verb\":\"create\",\"seconds\":\"200\"}\n",
    "{\"kind\":\"gateway\",\"verb\":\"create\",\"seconds\":-200}\n",
    "{\"kind\":\"gateway\",\"verb\":\"create\",\"seconds\":60}\n",
    "{\"kind\":\"gateway\",\"verb\":\"create\",\"seconds\":1e30}\n",
    "{\"kind\":\"gateway\",\"verb\":\"create\",\"seconds\":1e999}\n",
    "{\"kind\":7,\"verb\":\"create\",\"seconds\":200}\n",
    "{\"kind\":\"gateway\",\"seconds\":200}\n",
    "{\"kind\":\"gateway\",\"verb\":\"create\",\"seconds\":200}x\n",
    "00}\n{\"kind\":\"gateway\",\"verb\":\"cre\n",
};

START_TEST(a_damaged_line_is_passed_over)
{
    write_lines(&gateway, 2);
    write_text(damaged[_i]);
    write_lines(&gateway, 3);
    write_text("{\"kind\":\"gateway\",\"verb\":\"create\",\"secon");
    assert_forecast(&gateway, 60, (struct forecast){140000, 240000, 5, 0});
    ck_assert_uint_eq(h.logged.length, 0);
}
END_TEST

static const char *const odd_members[] = {
    "\"units\":-1", "\"units\":1e300", "\"units\":\"many\"", "\"region\":7", "\"x\":{}",
};

START_TEST(odd_members_leave_a_sample_of_the_kind)
{
    for (int i = 0; i < 5; i++) {
        write_text("{\"kind\":\"gateway\",\"verb\":\"create\",\"seconds\":200,");
        write_text(odd_members[_i]);
        write_text("}\n");
    }
    assert_forecast(&gateway, 60, (struct forecast){140000, 140000, 5, 0});
}
END_TEST

START_TEST(of_a_long_log_only_the_last_bytes_are_read)
{
    const struct buffer *log = memory_store_log(&h.memory, LOG_NAME);

    write_line(&gateway, 100.0);

    const size_t line_bytes = log->length;
    const unsigned count = (unsigned)(MOST_BYTES / line_bytes);

    ck_assert_uint_ne(MOST_BYTES % line_bytes, 0); /* they begin within an old line */
    for (unsigned i = 0; i < count / 2; i++)
        write_line(&gateway, 100.0);
    for (unsigned i = 0; i < count; i++)
        write_line(&gateway, 200.0);
    assert_forecast(&gateway, 60, (struct forecast){140000, 140000, count, 0});
    ck_assert_uint_eq(h.memory.gets, 2);
}
END_TEST

START_TEST(what_cannot_be_read_is_told_once_and_nothing_is_said)
{
    struct forecast forecast;

    write_lines(&gateway, 5);
    h.memory.failure_code = "AccessDenied";
    for (int i = 0; i < 3; i++) {
        ck_assert(!history_forecast(h.history, &gateway, MINUTE_MS, &forecast));
        settle();
    }
    ck_assert_str_eq(h.logged.data, "warning: the history of durations cannot be used: "
                                    "AccessDenied: as the test says\n");
}
END_TEST

/* --- keeping --- */

#define LINE(seconds)                                                                    \
    "{\"kind\":\"gateway\",\"verb\":\"create\",\"region\":\"westeurope\",\"units\":1,"   \
    "\"seconds\":" seconds ",\"at\":\"2026-01-31T12:03:07.123Z\"}\n"

START_TEST(what_took_long_is_kept_in_groups)
{
    history_add(h.history, &gateway, 60000, WALL_MS);
    history_add(h.history, &gateway, 60001, WALL_MS);
    history_add(h.history, &gateway, 5400250, WALL_MS);
    history_add(h.history, &(struct history_key){.kind = "api", .verb = "delete"}, 61000,
                WALL_MS);
    settle();
    assert_log(LINE("60.001") LINE(
        "5400.250") "{\"kind\":\"api\",\"verb\":\"delete\",\"seconds\":61.000,"
                    "\"at\":\"2026-01-31T12:03:07.123Z\"}\n");
    ck_assert_uint_eq(h.memory.appends, 1);
    history_add(h.history, &gateway, 90000, WALL_MS);
    settle();
    ck_assert_uint_eq(h.memory.appends, 2);
    ck_assert_uint_eq(h.memory.gets, 1); /* nobody else has appended */
}
END_TEST

START_TEST(what_is_kept_is_known_at_once_and_to_the_next_run)
{
    for (int i = 5; i > 0; i--)
        history_add(h.history, &gateway, i * 100 * SECOND_MS, WALL_MS);
    assert_forecast(&gateway, 60, (struct forecast){240000, 440000, 5, 0});
    history_add(h.history, &gateway, 450 * SECOND_MS, WALL_MS);
    settle();
    assert_forecast(&gateway, 60, (struct forecast){240000, 440000, 6, 0});
    history_free(h.history);
    h.history = history_new(h.loop, &h.memory.store, "durations.jsonl");
    assert_forecast(&gateway, 60, (struct forecast){240000, 440000, 6, 0});
}
END_TEST

START_TEST(several_processes_append_to_one_log)
{
    enum { PROCESSES = 10, ROUNDS = 3 };

    struct history *others[PROCESSES];
    struct buffer expected = {0};

    for (int i = 0; i < PROCESSES; i++)
        others[i] = history_new(h.loop, &h.memory.store, "durations.jsonl");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PROCESSES; i++)
            history_add(others[i], &gateway, (100 + i) * SECOND_MS, WALL_MS);
        settle();
    }
    for (int i = 0; i < PROCESSES; i++)
        history_free(others[i]);
    ck_assert_uint_gt(h.memory.appends, PROCESSES * ROUNDS); /* some came too late */

    const struct buffer *log = memory_store_log(&h.memory, LOG_NAME);

    for (int i = 0; i < PROCESSES; i++) {
        int found = 0;

        buffer_clear(&expected);
        buffer_printf(&expected, "\"seconds\":%d.000,", 100 + i);
        for (const char *at = log->data; (at = strstr(at, expected.data)) != NULL; at++)
            found++;
        ck_assert_int_eq(found, ROUNDS);
    }
    buffer_deinit(&expected);
    assert_forecast(&gateway, 60, (struct forecast){44000, 48000, PROCESSES * ROUNDS, 0});
    ck_assert_uint_eq(h.logged.length, 0);
}
END_TEST

/* The life of another process: each of its operations ends after the one before was kept. */
static int keep_in_folder(const char *path, int count)
{
    struct store *store = store_new_folder(h.loop, path);
    struct history *history = history_new(h.loop, store, "durations.jsonl");

    for (int i = 0; i < count; i++) {
        history_add(history, &gateway, (100 + i) * SECOND_MS, WALL_MS);
        settle();
    }
    history_free(history);
    store->free(store);
    return h.logged.length == 0 ? 0 : 1;
}

START_TEST(several_processes_append_to_one_file)
{
    enum { PROCESSES = 4, OPERATIONS = 20 };

    char path[] = "/tmp/check_history.XXXXXX", file[sizeof path + sizeof LOG_NAME];
    pid_t children[PROCESSES];
    int status;

    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(file, sizeof file, "%s/%s", path, LOG_NAME);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) { /* an event base is not for two processes */
            h.loop = loop_new(&h.clock);
            _exit(keep_in_folder(path, OPERATIONS));
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }

    struct store *store = store_new_folder(h.loop, path);

    history_free(h.history);
    h.history = history_new(h.loop, store, "durations.jsonl");
    assert_forecast(&gateway, 60,
                    (struct forecast){49000, 57000, PROCESSES * OPERATIONS, 0});
    history_free(h.history);
    h.history = NULL;
    store->free(store);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(a_torn_line_does_not_damage_the_next)
{
    write_text(LINE("100"));
    write_text("{\"kind\":\"gat");
    history_add(h.history, &gateway, 90000, WALL_MS);
    settle();
    history_add(h.history, &gateway, 91000, WALL_MS);
    settle();
    assert_log(LINE("100") "{\"kind\":\"gat\n" LINE("90.000") LINE("91.000"));
}
END_TEST

START_TEST(a_log_that_somebody_removed_begins_anew)
{
    write_lines(&gateway, 5);
    history_add(h.history, &gateway, 90000, WALL_MS);
    settle();
    buffer_clear(memory_store_log(&h.memory, LOG_NAME));
    history_add(h.history, &gateway, 91000, WALL_MS);
    settle();
    assert_log(LINE("91.000"));
    ck_assert_uint_eq(h.logged.length, 0);
}
END_TEST

START_TEST(a_store_that_refuses_is_told_of_once_and_tried_again)
{
    h.memory.failure_code = "IOError";
    for (int i = 0; i < 3; i++) {
        history_add(h.history, &gateway, 90000, WALL_MS);
        settle();
    }
    ck_assert_str_eq(h.logged.data, "warning: the history of durations cannot be used: "
                                    "IOError: as the test says\n");
    h.memory.failure_code = NULL;
    history_add(h.history, &gateway, 91000, WALL_MS);
    settle();
    assert_log(LINE("91.000"));
}
END_TEST

static void fail_from_now_on(struct deferred *deferred)
{
    (void)deferred;
    h.memory.failure_code = "StorePositionMismatch";
}

START_TEST(an_append_that_is_always_late_is_given_up)
{
    struct deferred later = {.run = fail_from_now_on};
    struct forecast forecast;

    ck_assert(ask(&gateway, 60, &forecast)); /* reading works */
    loop_defer(h.loop, &later);
    history_add(h.history, &gateway, 90000, WALL_MS);
    settle();
    ck_assert_str_eq(h.logged.data, "warning: the history of durations cannot be used: "
                                    "StorePositionMismatch: as the test says\n");
}
END_TEST

START_TEST(a_drain_ends_after_what_was_added)
{
    bool is_drained = false;

    history_add(h.history, &gateway, 90000, WALL_MS);
    history_drain(h.history, note_drained, &is_drained);
    ck_assert(!is_drained);
    settle();
    ck_assert(is_drained);
    assert_log(LINE("90.000"));
}
END_TEST

START_TEST(a_drain_waits_for_what_is_being_read)
{
    struct forecast forecast;
    bool is_drained = false;

    history_forecast(h.history, &gateway, MINUTE_MS, &forecast);
    history_drain(h.history, note_drained, &is_drained);
    ck_assert(!is_drained);
    settle();
    ck_assert(is_drained);
}
END_TEST

/* --- in a run --- */

/* Six gateways, one after another, and what a run does with them besides. */
static const char script[] =
    "local gateways, workspaces = require 'gateways', require 'workspaces'\n"
    "for i = 1, 6 do\n"
    "  gateways.create('gw-' .. i, {units = 2})\n"
    "end\n"
    "gateways.update('gw-1', {units = 3})\n"
    "gateways.delete('gw-1')\n"
    "workspaces.create('payments', {display_name = 'Payments'})\n";

struct listening_face {
    struct face_head head; /* first */
    struct buffer lines;
};

static void take_event(struct face *face, const struct event *event)
{
    event_format(&((struct listening_face *)face)->lines, event);
}

static void free_listening(struct face *face)
{
    buffer_deinit(&((struct listening_face *)face)->lines);
}

static int count_of(const char *text, const char *part)
{
    int count = 0;

    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

/* The log with a sample of each operation that the script does, all of which take hours. */
static void assert_kept(const char *log)
{
    ck_assert_int_eq(count_of(log, "\n"), 8);
    ck_assert_int_eq(count_of(log, "{\"kind\":\"gateway\",\"verb\":\"create\",\"region\":"
                                   "\"westeurope\",\"units\":2,\"seconds\":"),
                     6);
    ck_assert_int_eq(count_of(log,
                              "\"verb\":\"update\",\"region\":\"westeurope\",\"units\":"
                              "3,\"seconds\":"),
                     1);
    ck_assert_int_eq(count_of(log, "\"verb\":\"delete\",\"seconds\":"), 1);
}

/* Whether there is a line with both parts, one behind the other. */
static bool has_line(const char *lines, const char *first, const char *second)
{
    bool is_found = false;

    while (!is_found && (lines = strstr(lines, first)) != NULL) {
        char *rest = memory_copy_text(lines, strcspn(lines, "\n"));

        is_found = strstr(rest, second) != NULL;
        lines += strlen(rest);
        free(rest);
    }
    return is_found;
}

#define NAME(name) "\"name\":\"" name "\""

/* Each gateway profits from those before it. */
static void assert_said(const char *lines)
{
    ck_assert(has_line(lines, NAME("gw-1"), "\"samples\":0}"));
    ck_assert(!has_line(lines, NAME("gw-1"), "typical_seconds"));
    ck_assert(has_line(lines, NAME("gw-2"), "\"samples\":1}"));
    ck_assert(has_line(lines, NAME("gw-6"), "\"typical_seconds\":["));
    ck_assert(has_line(lines, NAME("gw-6"), "\"samples\":5}"));
    ck_assert(!has_line(lines, NAME("gw-6"), "\"samples\":6}"));
    ck_assert(has_line(lines, NAME("payments"), "created"));
    ck_assert(has_line(lines, "\"state\":\"Succeeded\"", "\"percent\":100"));
    ck_assert(!has_line(lines, "\"state\":\"Succeeded\"", "samples")); /* it is over */
    ck_assert_ptr_null(strstr(lines, "unusual_among"));
    ck_assert(!has_line(lines, NAME("payments"), "samples")); /* it was over at once */
}

START_TEST(a_run_keeps_what_took_long_and_says_what_it_knows)
{
    const struct settings settings = {
        .sim = true, .sim_seed = 1, .clock_mode = CLOCK_VIRTUAL, .clock_factor = 1.0};
    struct failure *failure = NULL;
    struct session *session = session_open(&settings, &failure);
    struct listening_face face = {.head.face = {take_event, free_listening}};
    struct memory_store memory;

    ck_assert_ptr_nonnull(session);
    memory_store_open(&memory, session_loop(session));

    struct history *history =
        history_new(session_loop(session), &memory.store, "durations.jsonl");
    bool is_drained = false;

    session_set_face(session, &face.head.face);
    session_set_history(session, history);
    ck_assert_int_eq(run_script(session, &(struct run_request){.code = script}),
                     EXIT_DONE);
    history_drain(history, note_drained, &is_drained);
    ck_assert(is_drained || memory.under_way > 0);
    while (memory.under_way > 0)
        loop_run(session_loop(session), never, NULL, false);
    assert_kept(memory_store_log(&memory, LOG_NAME)->data);
    assert_said(face.lines.data);
    session_close(session);
    history_free(history);
    memory_store_close(&memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *topic = add_case(suite, "forecast", setup, teardown);

    tcase_add_loop_test(topic, a_forecast_is_of_those_that_lasted_as_long, 0,
                        COUNT_OF(forecasts));
    tcase_add_test(topic, nothing_is_said_of_what_may_be_over_in_a_moment);
    tcase_add_loop_test(topic, nothing_is_said_when_all_of_a_few_were_shorter, 0,
                        COUNT_OF(outlasted));
    tcase_add_test(topic, samples_are_sorted_whatever_their_order);
    tcase_add_test(topic, few_samples_are_joined_by_those_of_other_units_then_regions);
    tcase_add_test(topic, a_region_is_the_same_however_it_is_written);
    tcase_add_test(topic, without_a_store_nothing_is_known_and_nothing_kept);

    topic = add_case(suite, "reading", setup, teardown);
    tcase_add_test(topic, it_is_read_once_and_only_when_asked);
    tcase_add_loop_test(topic, a_damaged_line_is_passed_over, 0, COUNT_OF(damaged));
    tcase_add_loop_test(topic, odd_members_leave_a_sample_of_the_kind, 0,
                        COUNT_OF(odd_members));
    tcase_add_test(topic, of_a_long_log_only_the_last_bytes_are_read);
    tcase_add_test(topic, what_cannot_be_read_is_told_once_and_nothing_is_said);

    topic = add_case(suite, "keeping", setup, teardown);
    tcase_add_test(topic, what_took_long_is_kept_in_groups);
    tcase_add_test(topic, what_is_kept_is_known_at_once_and_to_the_next_run);
    tcase_add_test(topic, several_processes_append_to_one_log);
    tcase_add_test(topic, several_processes_append_to_one_file);
    tcase_add_test(topic, a_torn_line_does_not_damage_the_next);
    tcase_add_test(topic, a_log_that_somebody_removed_begins_anew);
    tcase_add_test(topic, a_store_that_refuses_is_told_of_once_and_tried_again);
    tcase_add_test(topic, an_append_that_is_always_late_is_given_up);
    tcase_add_test(topic, a_drain_ends_after_what_was_added);
    tcase_add_test(topic, a_drain_waits_for_what_is_being_read);

    topic = add_case(suite, "in a run", setup, teardown);
    tcase_add_test(topic, a_run_keeps_what_took_long_and_says_what_it_knows);
    return run_suite(suite);
}
