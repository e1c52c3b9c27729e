/* tests/check_faces.c - what people and programs see of a run.
 *
 * Text is captured in files, pictures on a pseudo-terminal whose screen is compared as a
 * whole. The clocks of run and machine are moved by hand. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "faces.h"
#include "net/loop.h"
#include "run/event.h"
#include "run/event_json.h"
#include "run/face.h"
#include "run/summary.h"
#include "run/terminal.h"

/* Each event becomes a line on its way to the face, and an event again. */
static void setup_from_lines(void)
{
    static struct event_reader reader;

    setup();
    memset(&reader, 0, sizeof reader);
    h.reader_of_lines = &reader;
}

static void open_live(int columns, int rows, bool with_output)
{
    open_terminal(columns, rows, with_output);
    h.face = face_new_live(h.loop);
}

static struct failure quota = {.code = "QuotaExceeded",
                               .message = "the region has no room for gateways",
                               .cure = "ask for quota, or choose another region",
                               .status = 409};

/* --- JSON --- */

START_TEST(json_is_one_object_a_line)
{
    struct failure refused = {.code = "Conflict",
                              .message = "in use",
                              .status = 409,
                              .target = "/subscriptions/s",
                              .operation = "PUT gateway 'gw-a'",
                              .request_id = "r-1",
                              .retryable = true,
                              .cure = "wait"};

    h.face = face_new_json();
    feed_text(EVENT_RUN_STARTED, "onboard.lua");
    feed((struct event){.type = EVENT_OPERATION_STARTED,
                        .operation = 7,
                        .verb = "create",
                        .kind = "gateway",
                        .name = "gw-a",
                        .target = "/subscriptions/s"});
    pass(1250);
    progress(7, "Activating", 12.5);
    progress(7, "Activating", -1);
    pass(3 * HOUR_MS);
    end(7, "gateway", "gw-a", OUTCOME_CREATED, 3 * HOUR_MS + 1250);
    end_badly(8, "gateway", "gw-b", &refused);
    end_badly(9, "gateway", "gw-c",
              &(struct failure){.code = "Timeout", .message = "no answer"});
    feed_text(EVENT_TASK_FAILED, "boom");
    feed_text(EVENT_OUTPUT, "hello \"you\"\n");
    feed((struct event){.type = EVENT_LOG, .level = LOG_WARNING, .text = "slow"});
    assert_file(
        h.out_file,
        "{\"event\":\"run.started\",\"time\":\"2026-01-31T12:03:07.000Z\",\"elapsed\":0,"
        "\"script\":\"onboard.lua\"}\n"
        "{\"event\":\"operation.started\",\"time\":\"2026-01-31T12:03:07.000Z\","
        "\"elapsed\":0,"
        "\"operation\":7,\"verb\":\"create\",\"kind\":\"gateway\",\"name\":\"gw-a\","
        "\"target\":\"/subscriptions/s\",\"age\":0}\n"
        "{\"event\":\"operation.state\",\"time\":\"2026-01-31T12:03:08.250Z\","
        "\"elapsed\":1.25,"
        "\"operation\":7,\"state\":\"Activating\",\"percent\":12.5,\"age\":0}\n"
        "{\"event\":\"operation.state\",\"time\":\"2026-01-31T12:03:08.250Z\","
        "\"elapsed\":1.25,"
        "\"operation\":7,\"state\":\"Activating\",\"age\":0}\n"
        "{\"event\":\"operation.finished\",\"time\":\"2026-01-31T15:03:08.250Z\","
        "\"elapsed\":10801.25,\"operation\":7,\"kind\":\"gateway\",\"name\":\"gw-a\","
        "\"outcome\":\"created\",\"age\":10801.25}\n"
        "{\"event\":\"operation.finished\",\"time\":\"2026-01-31T15:03:08.250Z\","
        "\"elapsed\":10801.25,\"operation\":8,\"kind\":\"gateway\",\"name\":\"gw-b\","
        "\"outcome\":\"failed\",\"age\":12,\"failure\":{\"code\":\"Conflict\","
        "\"message\":\"in use\",\"status\":409,\"target\":\"/subscriptions/s\","
        "\"operation\":\"PUT gateway 'gw-a'\",\"request_id\":\"r-1\",\"retryable\":true,"
        "\"cure\":\"wait\"}}\n"
        "{\"event\":\"operation.finished\",\"time\":\"2026-01-31T15:03:08.250Z\","
        "\"elapsed\":10801.25,\"operation\":9,\"kind\":\"gateway\",\"name\":\"gw-c\","
        "\"outcome\":\"failed\",\"age\":12,\"failure\":{\"code\":\"Timeout\","
        "\"message\":\"no answer\",\"retryable\":false}}\n"
        "{\"event\":\"task.failed\",\"time\":\"2026-01-31T15:03:08.250Z\","
        "\"elapsed\":10801.25,\"text\":\"boom\"}\n"
        "{\"event\":\"output\",\"time\":\"2026-01-31T15:03:08.250Z\",\"elapsed\":10801."
        "25,"
        "\"text\":\"hello \\\"you\\\"\\n\"}\n"
        "{\"event\":\"log\",\"time\":\"2026-01-31T15:03:08.250Z\",\"elapsed\":10801.25,"
        "\"level\":\"warning\",\"text\":\"slow\"}\n");
}
END_TEST

START_TEST(json_ends_with_the_summary_and_nothing_else)
{
    h.face = face_new_json();
    end_run((struct run_summary){.outcomes = {84, 3, 12, 1, 5, 2, 6},
                                 .requests = 412,
                                 .writes = 87,
                                 .wall_seconds = 1.25,
                                 .virtual_seconds = 10800.001},
            NULL);
    end_run((struct run_summary){.status = RUN_FAILED}, "x.lua:1: boom");
    end_run((struct run_summary){.status = RUN_INTERRUPTED}, "by a signal");
    assert_file(h.out_file,
                "{\"event\":\"run.finished\",\"run\":\"20260131-120307-ab12\","
                "\"status\":\"succeeded\",\"created\":84,\"changed\":3,\"unchanged\":12,"
                "\"deleted\":1,\"failed\":2,\"requests\":412,\"writes\":87,"
                "\"wall_seconds\":1.25,\"virtual_seconds\":10800.001}\n"
                "{\"event\":\"run.finished\",\"run\":\"20260131-120307-ab12\","
                "\"status\":\"failed\",\"created\":0,\"changed\":0,\"unchanged\":0,"
                "\"deleted\":0,\"failed\":0,\"requests\":0,\"writes\":0,"
                "\"wall_seconds\":0,\"virtual_seconds\":0,\"error\":\"x.lua:1: boom\"}\n"
                "{\"event\":\"run.finished\",\"run\":\"20260131-120307-ab12\","
                "\"status\":\"interrupted\",\"created\":0,\"changed\":0,\"unchanged\":0,"
                "\"deleted\":0,\"failed\":0,\"requests\":0,\"writes\":0,"
                "\"wall_seconds\":0,\"virtual_seconds\":0}\n");
}
END_TEST

static const struct {
    const char *printed, *told;
} odd_texts[] = {
    {"a\xff"
     "b\xc3",
     "a\ufffdb\ufffd"},
    {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"}, /* a surrogate */
    {"\xc0\xaf", "\ufffd\ufffd"},           /* longer than it must be */
    {"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
    {"\xf0\x9f\x8c\x95 \xe7\xb6\xb2", "\U0001f315 \u7db2"},
    {"\x1b[31m\x01\b\f\r\n\t\"\\\x7f", "\x1b[31m\x01\b\f\r\n\t\"\\\x7f"},
    {"", ""},
};

START_TEST(json_is_valid_whatever_a_script_prints)
{
    h.face = face_new_json();
    feed_text(EVENT_OUTPUT, odd_texts[_i].printed);

    char *line = read_file(h.out_file);
    cJSON *tree = json_parse(line, strlen(line), NULL);

    ck_assert_ptr_nonnull(tree);
    ck_assert_str_eq(json_string_at(tree, "text"), odd_texts[_i].told);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    cJSON_Delete(tree);
    free(line);
}
END_TEST

/* --- lines that become events again --- */

static const struct failure whole_failure = {.code = "Conflict",
                                             .message = "in \"use\"",
                                             .status = 409,
                                             .target = "/subscriptions/s",
                                             .operation = "PUT gateway 'gw-a'",
                                             .request_id = "r-1",
                                             .retryable = true,
                                             .cure = "wait"};

static const struct run_summary whole_summary = {.run = "20260131-120307-ab12",
                                                 .status = RUN_FAILED,
                                                 .outcomes = {84, 3, 12, 1, 0, 2},
                                                 .requests = 412,
                                                 .writes = 87,
                                                 .wall_seconds = 1.25,
                                                 .virtual_seconds = 10800.001};

static const struct forecast whole_forecasts[] = {
    {.p50_ms = 1800001, .p90_ms = 4200000, .samples = 14},
    {.p50_ms = 1000, .p90_ms = 1500, .samples = 3, .unusual_among = 214},
    {.unusual_among = 14},
    {.samples = 0},
};

static const struct event whole_events[] = {
    {.type = EVENT_RUN_STARTED, .text = "onboard.lua", .percent = -1},
    {.type = EVENT_OPERATION_STARTED,
     .operation = 7,
     .verb = "wait for",
     .kind = "gateway",
     .name = "gw-\u7db2",
     .target = "/subscriptions/s",
     .state = "Activating",
     .percent = -1,
     .age_ms = 3600001},
    {.type = EVENT_OPERATION_STATE, .operation = 7, .state = "Busy", .percent = 0},
    {.type = EVENT_OPERATION_STATE, .operation = 7, .percent = 12.345, .age_ms = 12},
    {.type = EVENT_OPERATION_STATE, .percent = -1, .forecast = &whole_forecasts[0]},
    {.type = EVENT_OPERATION_STATE, .percent = -1, .forecast = &whole_forecasts[1]},
    {.type = EVENT_OPERATION_STATE, .percent = -1, .forecast = &whole_forecasts[2]},
    {.type = EVENT_OPERATION_STATE, .percent = -1, .forecast = &whole_forecasts[3]},
    {.type = EVENT_OPERATION_FINISHED,
     .operation = 9007199254740992U,
     .kind = "api",
     .outcome = OUTCOME_FAILED,
     .failure = &whole_failure,
     .percent = -1},
    {.type = EVENT_OPERATION_FINISHED, .outcome = OUTCOME_NOT_BEGUN, .percent = -1},
    {.type = EVENT_TASK_FAILED, .text = "boom\n\ttraceback", .percent = -1},
    {.type = EVENT_OUTPUT, .text = "", .percent = -1},
    {.type = EVENT_LOG, .level = LOG_DEBUG, .text = "a \x1b[31m", .percent = -1},
    {.type = EVENT_RUN_FINISHED, .summary = &whole_summary, .text = "why", .percent = -1},
};

static void assert_same_text(const char *read, const char *told)
{
    ck_assert_pstr_eq(read, told);
}

static void assert_same_failure(const struct failure *read, const struct failure *told)
{
    ck_assert_int_eq(read != NULL, told != NULL);
    if (told == NULL)
        return;
    assert_same_text(read->code, told->code);
    assert_same_text(read->message, told->message);
    assert_same_text(read->target, told->target);
    assert_same_text(read->operation, told->operation);
    assert_same_text(read->request_id, told->request_id);
    assert_same_text(read->cure, told->cure);
    ck_assert_int_eq(read->status, told->status);
    ck_assert_int_eq(read->retryable, told->retryable);
}

static void assert_same_forecast(const struct forecast *read, const struct forecast *told)
{
    ck_assert_int_eq(read != NULL, told != NULL);
    if (told == NULL)
        return;
    ck_assert_int_eq(read->p50_ms, told->p50_ms);
    ck_assert_int_eq(read->p90_ms, told->p90_ms);
    ck_assert_uint_eq(read->samples, told->samples);
    ck_assert_uint_eq(read->unusual_among, told->unusual_among);
}

static void assert_same_summary(const struct run_summary *read,
                                const struct run_summary *told)
{
    ck_assert_int_eq(read != NULL, told != NULL);
    if (told == NULL)
        return;
    assert_same_text(read->run, told->run);
    ck_assert_int_eq(read->status, told->status);
    ck_assert_mem_eq(read->outcomes, told->outcomes, sizeof told->outcomes);
    ck_assert_uint_eq(read->requests, told->requests);
    ck_assert_uint_eq(read->writes, told->writes);
    ck_assert_double_eq(read->wall_seconds, told->wall_seconds);
    ck_assert_double_eq(read->virtual_seconds, told->virtual_seconds);
}

START_TEST(a_line_becomes_the_event_again)
{
    const bool has_moment = whole_events[_i].type != EVENT_RUN_FINISHED;
    struct event_reader reader = {0};
    struct event told = whole_events[_i];

    told.elapsed_ms = 10800001;
    told.wall_ms = START_WALL_MS + 1001; /* 8.001 is a little less in binary */

    cJSON *tree = pass_through_line(&reader, &told);
    const struct event *read = &reader.event;

    ck_assert_int_eq(read->type, told.type);
    ck_assert_int_eq(read->elapsed_ms, told.elapsed_ms);
    ck_assert_int_eq(read->wall_ms, has_moment ? told.wall_ms : 0);
    ck_assert_uint_eq(read->operation, told.operation);
    assert_same_text(read->verb, told.verb);
    assert_same_text(read->kind, told.kind);
    assert_same_text(read->name, told.name);
    assert_same_text(read->target, told.target);
    assert_same_text(read->state, told.state);
    assert_same_text(read->text, told.text);
    ck_assert_double_eq(read->percent, told.percent);
    ck_assert_int_eq(read->age_ms, told.age_ms);
    ck_assert_int_eq(read->outcome, told.outcome);
    ck_assert_int_eq(read->level, told.level);
    assert_same_failure(read->failure, told.failure);
    assert_same_forecast(read->forecast, told.forecast);
    assert_same_summary(read->summary, told.summary);
    cJSON_Delete(tree);
}
END_TEST

START_TEST(json_tells_what_is_foreseen)
{
    h.face = face_new_json();
    for (size_t i = 0; i < sizeof whole_forecasts / sizeof whole_forecasts[0]; i++)
        foresee(7, "Busy", -1, HOUR_MS, whole_forecasts[i]);

#define STATE                                                                            \
    "{\"event\":\"operation.state\",\"time\":\"2026-01-31T12:03:07.000Z\","              \
    "\"elapsed\":0,\"operation\":7,\"state\":\"Busy\",\"age\":3600,"
    assert_file(h.out_file, STATE
                "\"typical_seconds\":[1800.001,4200],\"samples\":14}\n" STATE
                "\"typical_seconds\":[1,1.5],\"samples\":3,\"unusual_among\":214}\n" STATE
                "\"samples\":0,\"unusual_among\":14}\n" STATE "\"samples\":0}\n");
#undef STATE
}
END_TEST

static const char *const odd_forecasts[] = {
    "",
    "\"typical_seconds\":[1,2]",
    "\"typical_seconds\":[1],\"samples\":3",
    "\"typical_seconds\":7,\"samples\":3",
    "\"samples\":3",
    "\"samples\":0,\"typical_seconds\":[1,2]",
};

START_TEST(half_a_forecast_is_none)
{
    struct event_reader reader = {0};
    char *line = memory_format("{\"event\":\"operation.state\"%s%s}",
                               *odd_forecasts[_i] != '\0' ? "," : "", odd_forecasts[_i]);
    cJSON *tree = json_parse(line, strlen(line), NULL);

    ck_assert(event_read(&reader, tree));
    ck_assert_ptr_null(reader.event.forecast);
    cJSON_Delete(tree);
    free(line);
}
END_TEST

/* Hands the reader one line. Returns whether it took it. */
static bool read_line(struct event_reader *reader, const char *line)
{
    cJSON *tree = json_parse(line, strlen(line), NULL);

    ck_assert_ptr_nonnull(tree);

    const bool is_taken = event_read(reader, tree);

    cJSON_Delete(tree);
    return is_taken;
}

START_TEST(a_summary_gets_the_counts_that_its_line_does_not_hold)
{
    static const char finished[] =
        "{\"event\":\"operation.finished\",\"outcome\":\"%s\"}";
    static const char *const outcomes[] = {"absent", "canceled", "canceled", "not begun",
                                           "created"};
    static const char summary[] =
        "{\"event\":\"run.finished\",\"status\":\"interrupted\",\"created\":4}";
    struct event_reader reader = {0};
    char line[100];

    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        snprintf(line, sizeof line, finished, outcomes[i]);
        ck_assert(read_line(&reader, line));
    }
    ck_assert(read_line(&reader, summary));
    ck_assert_uint_eq(reader.summary.outcomes[OUTCOME_CREATED], 4);
    ck_assert_uint_eq(reader.summary.outcomes[OUTCOME_ABSENT], 1);
    ck_assert_uint_eq(reader.summary.outcomes[OUTCOME_CANCELED], 2);
    ck_assert_uint_eq(reader.summary.outcomes[OUTCOME_NOT_BEGUN], 1);
    ck_assert(read_line(&reader, "{\"event\":\"run.started\"}")); /* it was resumed */
    ck_assert(read_line(&reader, summary));
    ck_assert_uint_eq(reader.summary.outcomes[OUTCOME_CANCELED], 0);
}
END_TEST

static const char *const foreign_lines[] = {
    "{\"event\":\"run.paused\"}",
    "{\"event\":7}",
    "{}",
    "[]",
    "null",
    "{\"event\":\"log\",\"level\":\"trace\",\"text\":\"x\"}",
    "{\"event\":\"operation.finished\",\"outcome\":\"lost\"}",
    "{\"event\":\"operation.finished\"}",
    "{\"event\":\"run.finished\",\"status\":\"paused\"}",
    "{\"event\":\"output\",\"time\":\"yesterday\",\"text\":\"x\"}",
};

START_TEST(a_line_that_is_no_event_is_refused)
{
    ck_assert(!read_line(&(struct event_reader){0}, foreign_lines[_i]));
}
END_TEST

START_TEST(members_of_other_versions_and_types_are_passed_over)
{
    static const char line[] =
        "{\"event\":\"operation.state\",\"time\":\"2026-01-31T12:03:07Z\",\"elapsed\":"
        "1e999,\"weather\":{\"sun\":1},\"operation\":-3,\"kind\":\"gateway\",\"name\":[],"
        "\"state\":\"Busy\",\"percent\":\"all\",\"age\":null,\"failure\":{\"code\":1}}";
    struct event_reader reader = {0};
    cJSON *tree = json_parse(line, strlen(line), NULL);

    ck_assert(event_read(&reader, tree));
    ck_assert_int_eq(reader.event.wall_ms, START_WALL_MS);
    ck_assert_int_eq(reader.event.elapsed_ms, 0);
    ck_assert_uint_eq(reader.event.operation, 0);
    ck_assert_str_eq(reader.event.kind, "gateway");
    ck_assert_ptr_null(reader.event.name);
    ck_assert_str_eq(reader.event.state, "Busy");
    ck_assert_double_eq(reader.event.percent, -1.0);
    ck_assert_int_eq(reader.event.age_ms, 0);
    ck_assert_ptr_null(reader.event.failure);
    cJSON_Delete(tree);
}
END_TEST

/* Leads stdout to a pipe that nobody reads any more. */
static void close_reader(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
}

static struct face *new_json(void)
{
    return face_new_json();
}

static struct face *new_plain(void)
{
    return face_new_plain(h.loop, false);
}

static struct face *new_live(void)
{
    return face_new_live(h.loop);
}

static struct face *(*const makers[])(void) = {new_json, new_plain, new_live};

enum { MAKER_COUNT = sizeof makers / sizeof makers[0] };

START_TEST(a_reader_that_goes_away_is_told_once_and_is_no_failure)
{
    close_reader();
    h.face = makers[_i]();
    for (int i = 0; i < 1000; i++)
        feed_text(EVENT_OUTPUT, "line\n");
    ck_assert(!face_output_failed(h.face));
    free_face();
    assert_file(h.err_file, "moongate: standard output is closed; the run goes on\n");
}
END_TEST

START_TEST(a_full_disk_is_told_once_and_is_a_failure)
{
    const int full = open("/dev/full", O_WRONLY);

    if (full < 0)
        return; /* not every system has one */
    dup2(full, STDOUT_FILENO);
    close(full);
    h.face = makers[_i]();
    ck_assert(!face_output_failed(h.face));
    for (int i = 0; i < 1000; i++)
        feed_text(EVENT_OUTPUT, "line\n");
    ck_assert(face_output_failed(h.face));
    free_face();
    assert_file(h.err_file, "moongate: cannot write to standard output: No space left on "
                            "device; the run goes on, what it prints is lost\n");
}
END_TEST

START_TEST(a_non_blocking_reader_gets_all)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);

    const pid_t reader = fork();

    if (reader == 0) {
        char piece[1000];
        size_t total = 0;
        ssize_t length;

        close(ends[1]);
        dup2(h.saved_out, STDOUT_FILENO);
        while ((length = read(ends[0], piece, sizeof piece)) > 0)
            total += (size_t)length;
        _exit(total == 500000 ? 0 : 1);
    }
    close(ends[0]);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    h.face = new_plain();
    for (int i = 0; i < 10000; i++)
        feed_text(EVENT_OUTPUT, "fifty bytes a line are printed ten thousand times\n");
    dup2(h.out_file, STDOUT_FILENO);

    int status;

    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* --- plain --- */

START_TEST(plain_tells_starts_of_what_lasts_and_ends)
{
    h.face = new_plain();
    feed_text(EVENT_RUN_STARTED, "onboard.lua");
    begin(1, "create", "gateway", "gw-a");
    begin(2, "create", "gateway", "gw-b");
    begin(3, "create", "workspace", "payments");
    end(3, "workspace", "payments", OUTCOME_CREATED, 0);
    end(0, "workspace", "orders", OUTCOME_UNCHANGED, 0);
    end(0, "workspace", "gone", OUTCOME_ABSENT, 0);
    pass(2 * HOUR_MS + 58 * MINUTE_MS + 10000);
    end(1, "gateway", "gw-a", OUTCOME_CREATED, 2 * HOUR_MS + 58 * MINUTE_MS + 10000);
    pass(1500);
    end(2, "gateway", "gw-b", OUTCOME_CREATED, 2 * HOUR_MS + 58 * MINUTE_MS + 11500);
    begin(4, "delete", "subnet", "snet-1");
    pass(4200);
    end(4, "subnet", "snet-1", OUTCOME_DELETED, 4200);
    end_run((struct run_summary){.outcomes = {84, 3, 12, 1, 1},
                                 .requests = 412,
                                 .writes = 87,
                                 .wall_seconds = 1.23,
                                 .virtual_seconds = 11052},
            NULL);
    assert_file(h.err_file,
                "12:03:07 workspace 'payments' created\n"
                "12:03:07 create gateway 'gw-b' started\n"
                "15:01:17 gateway 'gw-a' created in 2:58:10\n"
                "15:01:18 gateway 'gw-b' created in 2:58:11\n"
                "15:01:22 subnet 'snet-1' deleted in 4.2 s\n"
                "succeeded in 3:04:12 (1.2 s here): 84 created, 3 changed, 12 unchanged, "
                "1 deleted, 1 absent; 412 requests, 87 writes\n");
    assert_file(h.out_file, "");
}
END_TEST

START_TEST(plain_reminds_of_what_waits)
{
    h.face = new_plain();
    begin(1, "create", "gateway", "gw-a");
    begin(2, "create", "gateway", "gw-b");
    begin(3, "update", "policy", "p");
    begin(4, "delete", "policy", "q");
    progress(3, "Updating", -1);
    progress(4, "Deleting", 50);
    feed((struct event){.type = EVENT_OPERATION_STARTED,
                        .operation = 5,
                        .verb = "wait for",
                        .kind = "subnet",
                        .name = "s",
                        .age_ms = HOUR_MS});
    pass(72 * MINUTE_MS);
    progress(1, "Activating", -1);
    progress(2, "Activating", -1);
    pass_machine(30000);
    pass(MINUTE_MS);
    pass_machine(29000);
    pass_machine(1000);
    for (uint64_t i = 1; i <= 5; i++)
        end(i, "x", "y", OUTCOME_UNCHANGED, 0);
    pass_machine(30000);
    pass_machine(30000);
    assert_file(h.err_file,
                "12:03:07 create gateway 'gw-a' started\n"
                "12:03:07 create gateway 'gw-b' started\n"
                "12:03:07 update policy 'p' started\n"
                "12:03:07 delete policy 'q' started\n"
                "12:03:07 waiting for subnet 's', begun 1:00:00 ago\n"
                "13:15:07 waiting: 2 gateways (Activating, oldest 1:12:00), 2 policies "
                "(1 Updating, 1 Deleting, oldest 1:12:00), subnet 's' (2:12:00)\n"
                "13:16:07 waiting: 2 gateways (Activating, oldest 1:13:00), 2 policies "
                "(1 Updating, 1 Deleting, oldest 1:13:00), subnet 's' (2:13:00)\n"
                "13:16:07 x 'y' unchanged\n13:16:07 x 'y' unchanged\n"
                "13:16:07 x 'y' unchanged\n13:16:07 x 'y' unchanged\n"
                "13:16:07 x 'y' unchanged\n");
}
END_TEST

/* What an hour-old gateway is said to need. */
static const struct forecast usual = {
    .p50_ms = 30 * MINUTE_MS, .p90_ms = 70 * MINUTE_MS, .samples = 14};

START_TEST(plain_says_how_much_longer_it_takes)
{
    h.face = new_plain();
    begin(1, "create", "gateway", "gw-payments");
    begin(2, "update", "policy", "p");
    begin(3, "update", "policy", "q");
    begin(4, "delete", "subnet", "s");
    pass(HOUR_MS);
    foresee(1, "Activating", -1, HOUR_MS, usual);
    foresee(2, "Updating", -1, HOUR_MS,
            (struct forecast){.p50_ms = 1000, .p90_ms = 1000, .samples = 1});
    pass_machine(30000);
    pass(2000);
    pass_machine(30000);
    pass(30 * MINUTE_MS);
    pass_machine(30000);
    pass(HOUR_MS);
    progress(2, "Updating", -1);
    pass_machine(30000);
    assert_file(
        h.err_file,
        "12:03:07 create gateway 'gw-payments' started\n"
        "12:03:07 update policy 'p' started\n"
        "12:03:07 update policy 'q' started\n"
        "12:03:07 delete subnet 's' started\n"
        "13:03:07 waiting: gateway 'gw-payments' (Activating, 1:00:00), usually done in "
        "30:00-1:10:00 more (from 14 like it), 2 policies (1 Updating, oldest 1:00:00), "
        "the oldest usually done in 1 s more (from 1 like it), subnet 's' (1:00:00)\n"
        "13:03:09 waiting: gateway 'gw-payments' (Activating, 1:00:02), usually done in "
        "29:58-1:09:58 more (from 14 like it), 2 policies (1 Updating, oldest 1:00:02), "
        "the oldest usually done by now (from 1 like it), subnet 's' (1:00:02)\n"
        "13:33:09 waiting: gateway 'gw-payments' (Activating, 1:30:02), usually done in "
        "0 s-39:58 more (from 14 like it), 2 policies (1 Updating, oldest 1:30:02), "
        "the oldest usually done by now (from 1 like it), subnet 's' (1:30:02)\n"
        "14:33:09 waiting: gateway 'gw-payments' (Activating, 2:30:02), usually done by "
        "now (from 14 like it), 2 policies (1 Updating, oldest 2:30:02), subnet 's' "
        "(2:30:02)\n");
}
END_TEST

START_TEST(plain_says_once_of_a_kind_that_there_is_no_history)
{
    h.face = new_plain();
    begin(1, "create", "gateway", "gw-a");
    begin(2, "create", "gateway", "gw-b");
    begin(3, "create", "subnet", "s");
    pass(HOUR_MS);
    for (uint64_t i = 1; i <= 3; i++)
        foresee(i, "Busy", -1, HOUR_MS, (struct forecast){0});
    pass_machine(30000);
    pass_machine(30000);
    assert_file(h.err_file,
                "12:03:07 create gateway 'gw-a' started\n"
                "12:03:07 create gateway 'gw-b' started\n"
                "12:03:07 create subnet 's' started\n"
                "13:03:07 waiting: 2 gateways (Busy, oldest 1:00:00), no history yet, "
                "subnet 's' (Busy, 1:00:00), no history yet\n"
                "13:03:07 waiting: 2 gateways (Busy, oldest 1:00:00), subnet 's' (Busy, "
                "1:00:00)\n");
}
END_TEST

/* An operation that becomes unusual, and one that nobody knows the state of. */
static void begin_unusual(void)
{
    const struct forecast late = {.unusual_among = 214};

    begin(1, "create", "gateway", "gw-payments");
    begin(2, "update", "gateway", "gw-\x1b[2J");
    pass(4 * HOUR_MS);
    foresee(1, "Activating", -1, 4 * HOUR_MS, usual);
    foresee(1, "Activating", -1, 4 * HOUR_MS + 600000, late);
    foresee(1, "Activating", -1, 4 * HOUR_MS + 660000, late);
    foresee(2, NULL, -1, 4 * HOUR_MS, (struct forecast){.unusual_among = 14});
}

START_TEST(plain_warns_once_of_what_lasts_longer_than_usual)
{
    h.face = new_plain();
    begin_unusual();
    pass_machine(30000);
    assert_file(
        h.err_file,
        "12:03:07 create gateway 'gw-payments' started\n"
        "12:03:07 update gateway 'gw-\\x1b[2J' started\n"
        "16:03:07 warning: gw-payments: Activating for 4:10:00, longer than 99 of "
        "100 like it (from 214); the portal's activity log may say why\n"
        "16:03:07 warning: gw-\\x1b[2J: under way for 4:00:00, longer than all 14 "
        "like it; the portal's activity log may say why\n"
        "16:03:07 waiting: 2 gateways (1 Activating, oldest 4:00:00), the oldest "
        "longer than usual\n");
}
END_TEST

START_TEST(plain_tells_a_start_that_nothing_follows)
{
    h.face = new_plain();
    begin(1, "create", "gateway", "gw-a");
    pass_machine(1000);
    assert_file(h.err_file, "");
    pass(1000);
    pass_machine(1000);
    assert_file(h.err_file, "12:03:07 create gateway 'gw-a' started\n");
}
END_TEST

START_TEST(plain_tells_failures_with_their_cure)
{
    h.face = new_plain();
    begin(1, "create", "gateway", "gw-a");
    end_badly(1, "gateway", "gw-a", &quota);
    end_badly(2, "gateway", "gw-b", &quota);
    feed_text(EVENT_TASK_FAILED, "x.lua:3: boom\n\tx.lua:9: in main");
    feed((struct event){.type = EVENT_LOG, .level = LOG_INFO, .text = "note\x1b[2J"});
    end_run((struct run_summary){.status = RUN_FAILED,
                                 .outcomes = {[OUTCOME_FAILED] = 2},
                                 .requests = 1,
                                 .writes = 1,
                                 .wall_seconds = 12.2,
                                 .virtual_seconds = 12},
            "x.lua:3: 2 of 2 teams failed");
    assert_file(
        h.err_file,
        "12:03:07 gateway 'gw-a' failed after 12 s: QuotaExceeded: the region has no "
        "room for gateways\n"
        "12:03:07 gateway 'gw-b' failed after 12 s: QuotaExceeded: the region has no "
        "room for gateways\n"
        "12:03:07 task failed: x.lua:3: boom\n\tx.lua:9: in main\n"
        "12:03:07 info: note\\x1b[2J\n"
        "failed after 12 s: 2 failed; 1 request, 1 write\n"
        "x.lua:3: 2 of 2 teams failed\n"
        "  QuotaExceeded: the region has no room for gateways (2 times, first gateway "
        "'gw-a')\n"
        "    ask for quota, or choose another region\n");
}
END_TEST

START_TEST(many_distinct_failures_are_counted_and_a_cure_is_told_once)
{
    struct buffer expected = {0};

    h.face = face_new_plain(h.loop, true);
    dup2(h.out_file, STDERR_FILENO);
    for (int i = 0; i < 1000; i++) {
        struct failure *failure = failure_new("Busy", "no %d", i);

        end_badly((uint64_t)i, "gateway", "gw", failure_set_cure(failure, "try later"));
        failure_free(failure);
    }
    dup2(h.err_file, STDERR_FILENO);
    end_run((struct run_summary){.status = RUN_FAILED}, NULL);
    buffer_append_string(&expected, "failed after 0 ms\n");
    for (int i = 0; i < 10; i++)
        buffer_printf(&expected, "  Busy: no %d\n", i);
    buffer_append_string(&expected, "    try later\n  ... and 990 other failures\n");
    assert_file(h.err_file, expected.data);
    buffer_deinit(&expected);
}
END_TEST

START_TEST(plain_says_what_goes_on_after_an_interrupt)
{
    h.face = new_plain();
    begin(1, "create", "gateway", "gw-a");
    begin(2, "create", "subnet", "snet-1");
    begin(3, "create", "gateway", "gw-gone");
    begin(4, "create", "gateway", "gw-again");
    progress(1, "Activating", 20);
    end(3, "gateway", "gw-gone", OUTCOME_CANCELED, 1);
    end(4, "gateway", "gw-again", OUTCOME_CANCELED, 1);
    end(0, "gateway", "gw-again", OUTCOME_UNCHANGED, 0);
    pass(72 * MINUTE_MS);
    end(1, "gateway", "gw-a", OUTCOME_CANCELED, 72 * MINUTE_MS);
    end_run((struct run_summary){.status = RUN_INTERRUPTED,
                                 .outcomes = {[OUTCOME_CANCELED] = 3},
                                 .wall_seconds = 4320,
                                 .virtual_seconds = 4320},
            NULL);
    assert_file(
        h.err_file,
        "12:03:07 gateway 'gw-gone' no longer waited for after 1 ms\n"
        "12:03:07 gateway 'gw-again' no longer waited for after 1 ms\n"
        "12:03:07 create subnet 'snet-1' started\n"
        "13:15:07 gateway 'gw-a' no longer waited for after 1:12:00\n"
        "interrupted after 1:12:00: 3 canceled\n"
        "still going on at the service: gateway 'gw-gone' (since 1:12:00), gateway "
        "'gw-a' (Activating since 1:12:00), subnet 'snet-1' (since 1:12:00); run the "
        "same script again: it finds and waits for them\n");
}
END_TEST

START_TEST(a_long_list_of_what_goes_on_is_cut)
{
    char name[16];

    h.face = face_new_plain(h.loop, true);
    for (uint64_t i = 1; i <= 42; i++) {
        snprintf(name, sizeof name, "gw-%d", (int)i);
        begin(i, "create", "gateway", name);
    }
    end_run((struct run_summary){.status = RUN_INTERRUPTED}, NULL);
    assert_file(
        h.err_file,
        "interrupted after 0 ms\n"
        "still going on at the service: gateway 'gw-1' (since 0 ms), gateway 'gw-2' "
        "(since 0 ms), gateway 'gw-3' (since 0 ms), gateway 'gw-4' (since 0 ms), "
        "gateway 'gw-5' (since 0 ms) and 37 more; run the same script again: it finds "
        "and waits for them\n");
}
END_TEST

START_TEST(quiet_says_nothing_of_a_run_that_succeeds)
{
    h.face = face_new_plain(h.loop, true);
    begin(1, "create", "gateway", "gw-a");
    feed_text(EVENT_OUTPUT, "result\n");
    feed((struct event){.type = EVENT_LOG, .level = LOG_WARNING, .text = "hm"});
    pass(HOUR_MS);
    pass_machine(MINUTE_MS);
    end(1, "gateway", "gw-a", OUTCOME_CREATED, HOUR_MS);
    end_run((struct run_summary){.outcomes = {1}}, NULL);
    assert_file(h.err_file, "");
    assert_file(h.out_file, "result\n");
}
END_TEST

START_TEST(quiet_says_nothing_of_what_is_foreseen)
{
    h.face = face_new_plain(h.loop, true);
    begin_unusual();
    pass_machine(30000);
    assert_file(h.err_file, "");
}
END_TEST

START_TEST(quiet_tells_failures)
{
    h.face = face_new_plain(h.loop, true);
    end_badly(1, "gateway", "gw-a", &quota);
    feed((struct event){.type = EVENT_LOG, .level = LOG_ERROR, .text = "bad"});
    end_run(
        (struct run_summary){.status = RUN_FAILED, .outcomes = {[OUTCOME_FAILED] = 1}},
        "QuotaExceeded: the region has no room for gateways");
    assert_file(
        h.err_file,
        "12:03:07 gateway 'gw-a' failed after 12 s: QuotaExceeded: the region has no "
        "room for gateways\n"
        "12:03:07 error: bad\n"
        "failed after 0 ms: 1 failed\n"
        "QuotaExceeded: the region has no room for gateways\n"
        "    ask for quota, or choose another region\n");
}
END_TEST

START_TEST(plain_shows_controls_in_names_and_leaves_output_alone)
{
    h.face = new_plain();
    end(1, "gateway", "a\x1b[2J\nb\u202e\x9b\xc2\x9b\xff", OUTCOME_CREATED, 0);
    feed_text(EVENT_OUTPUT, "\x1b[31mred\xff\r");
    assert_file(h.err_file,
                "12:03:07 gateway 'a\\x1b[2J\\nb\\u{202e}\ufffd\\u{9b}\ufffd' "
                "created\n");
    assert_file(h.out_file, "\x1b[31mred\xff\r");
}
END_TEST

/* --- words --- */

static const struct {
    uint64_t count;
    const char *noun, *text;
} counts[] = {
    {1, "gateway", "1 gateway"},
    {0, "gateway", "0 gateways"},
    {2, "policy", "2 policies"},
    {12, "address", "12 addresses"},
    {3, "role assignment", "3 role assignments"},
    {2, "api", "2 apis"},
};

START_TEST(counted_nouns_have_their_plural)
{
    struct buffer text = {0};

    summary_append_count(&text, counts[_i].count, counts[_i].noun);
    ck_assert_str_eq(text.data, counts[_i].text);
    buffer_deinit(&text);
}
END_TEST

static const struct {
    struct run_summary summary;
    const char *text;
} summaries[] = {
    {{.wall_seconds = 0.003, .virtual_seconds = 0.004}, "succeeded in 4 ms\n"},
    {{.wall_seconds = 0.02, .requests = 1},
     "succeeded in 0 ms (20 ms here): 1 request\n"},
    {{.wall_seconds = 100, .virtual_seconds = 109, .outcomes = {1}},
     "succeeded in 01:49: 1 created\n"},
    {{.wall_seconds = 100,
      .virtual_seconds = 120,
      .outcomes = {1},
      .writes = 1,
      .requests = 2},
     "succeeded in 02:00 (01:40 here): 1 created; 2 requests, 1 write\n"},
    {{.outcomes = {1, 2, 3, 4, 5, 6, 7}},
     "succeeded in 0 ms: 1 created, 2 changed, 3 unchanged, 4 deleted, 5 absent, 6 "
     "failed, "
     "7 canceled\n"},
};

START_TEST(a_summary_says_what_is_not_zero)
{
    h.face = new_plain();
    end_run(summaries[_i].summary, NULL);
    assert_file(h.err_file, summaries[_i].text);
}
END_TEST

static const struct {
    const char *text;
    int columns;
    const char *cut, *start;
} cuts[] = {
    {"gw-payments", 11, "gw-payments", "gw-payments"},
    {"gw-payments", 10, "gw-pa\u2026ents", "gw-paymen\u2026"},
    {"gw-payments", 2, "g\u2026", "g\u2026"},
    {"gw-payments", 1, "g", "g"},
    {"gw-payments", 0, "", ""},
    {"\u7db2\u95dc\u4e00\u4e8c\u4e09", 10, "\u7db2\u95dc\u4e00\u4e8c\u4e09",
     "\u7db2\u95dc\u4e00\u4e8c\u4e09"},
    {"\u7db2\u95dc\u4e00\u4e8c\u4e09", 8, "\u7db2\u95dc\u2026\u4e09",
     "\u7db2\u95dc\u4e00\u2026"},
    {"ae\u0301b", 3, "ae\u0301b", "ae\u0301b"},
};

START_TEST(text_is_cut_by_its_width)
{
    struct buffer cut = {0}, start = {0};

    buffer_append_string(&cut, "");
    buffer_append_string(&start, "");
    terminal_append_cut(&cut, cuts[_i].text, cuts[_i].columns);
    terminal_append_start(&start, cuts[_i].text, cuts[_i].columns);
    ck_assert_str_eq(cut.data, cuts[_i].cut);
    ck_assert_str_eq(start.data, cuts[_i].start);
    ck_assert_int_le(terminal_width(cut.data), cuts[_i].columns);
    buffer_deinit(&cut);
    buffer_deinit(&start);
}
END_TEST

START_TEST(a_picture_needs_a_terminal_that_is_not_dumb)
{
    ck_assert(!terminal_can_draw(STDERR_FILENO));
    open_terminal(80, 24, false);
    ck_assert(terminal_can_draw(STDERR_FILENO));
    ck_assert(!terminal_is_same(STDOUT_FILENO, STDERR_FILENO));
    dup2(h.terminal, STDOUT_FILENO);
    ck_assert(terminal_is_same(STDOUT_FILENO, STDERR_FILENO));
    setenv("TERM", "dumb", 1);
    ck_assert(!terminal_can_draw(STDERR_FILENO));
    unsetenv("TERM");
    ck_assert(!terminal_can_draw(STDERR_FILENO));
}
END_TEST

/* --- live --- */

/* A run in the middle of its work. */
static void begin_onboarding(void)
{
    feed_text(EVENT_RUN_STARTED, "scripts/onboard.lua");
    end(0, "workspace", "orders", OUTCOME_UNCHANGED, 0);
    begin(1, "create", "gateway", "gw-payments");
    begin(2, "create", "subnet", "snet-a-name-that-is-long-and-gets-cut");
    pass(60 * MINUTE_MS);
    begin(3, "create", "gateway", "gw-orders");
    begin(4, "delete", "role assignment", "7f3c");
    feed((struct event){.type = EVENT_OPERATION_STARTED,
                        .operation = 5,
                        .verb = "wait for",
                        .kind = "gateway",
                        .name = "gw-older",
                        .age_ms = 2 * HOUR_MS,
                        .percent = -1});
    pass(12 * MINUTE_MS + 4000);
    progress(1, "Activating", 60);
    progress(3, "Activating", -1);
    for (uint64_t i = 10; i < 94; i++)
        end(i, "api", "a", OUTCOME_CREATED, 900);
}

#define SIXTY_PERCENT "\u2588\u2588\u2588\u2588\u2588\u2588\u2591\u2591\u2591\u2591"

static const struct {
    int columns;
    const char *screen;
} screens[] = {
    {200,
     "scripts/onboard.lua  1:12:04  84 created, 1 unchanged; 5 waiting\n"
     "* gateway         gw-older                               waiting     2:12:04\n"
     "* gateway         gw-payments                            Activating  1:12:04 "
     " " SIXTY_PERCENT "  60%\n"
     "* gateway         gw-orders                              Activating    12:04\n"
     "* subnet          snet-a-name-that-is-long-and-gets-cut  creating    1:12:04\n"
     "* role assignment 7f3c                                   deleting      12:04\n"},
    {80, "scripts/onboard.lua  1:12:04  84 created, 1 unchanged; 5 waiting\n"
         "* gateway         gw-older                 waiting     2:12:04\n"
         "* gateway         gw-payments              Activating  1:12:04  " SIXTY_PERCENT
         "  60%\n"
         "* gateway         gw-orders                Activating    12:04\n"
         "* subnet          snet-a-name\u2026nd-gets-cut  creating    1:12:04\n"
         "* role assignment 7f3c                     deleting      12:04\n"},
    {60, "scripts\u2026rd.lua  1:12:04  84 created, 1 unchanged; 5 waiting\n"
         "* gateway         gw-older        waiting     2:12:04\n"
         "* gateway         gw-payments     Activating  1:12:04   60%\n"
         "* gateway         gw-orders       Activating    12:04\n"
         "* subnet          snet-a-\u2026ts-cut  creating    1:12:04\n"
         "* role assignment 7f3c            deleting      12:04\n"},
    {20, "scr\u2026ua  1:12:04  8\u2026\n"
         "* gw-older  2:12:04\n"
         "* gw-p\u2026nts  1:12:04\n"
         "* gw-o\u2026ers    12:04\n"
         "* snet\u2026cut  1:12:04\n"
         "* 7f3c        12:04\n"},
};

START_TEST(a_picture_shows_what_waits)
{
    open_live(screens[_i].columns, 24, true);
    begin_onboarding();
    draw();
    assert_screen(screens[_i].screen);
    ck_assert_uint_eq(h.screen.wraps, 0);
    ck_assert(h.screen.is_cursor_hidden);
}
END_TEST

/* The same run, of which some is known. */
static void begin_foreseen(void)
{
    begin_onboarding();
    foresee(1, "Activating", 60, 72 * MINUTE_MS + 4000, usual);
    foresee(3, "Activating", -1, 12 * MINUTE_MS + 4000, usual);
    foresee(2, "Creating", -1, 72 * MINUTE_MS + 4000, (struct forecast){0});
    foresee(4, "Deleting", -1, 12 * MINUTE_MS + 4000,
            (struct forecast){.p50_ms = 5000, .p90_ms = 9000, .samples = 2});
    pass(2000);
}

static const struct {
    int columns;
    const char *screen;
} foreseen_screens[] = {
    {200,
     "scripts/onboard.lua  1:12:06  84 created, 1 unchanged; 5 waiting\n"
     "* gateway         gw-older                               waiting     2:12:06\n"
     "* gateway         gw-payments                            Activating  1:12:06 "
     " " SIXTY_PERCENT "  60%  usually done in 29:58-1:09:58 more (from 14 like it)\n"
     "* gateway         gw-orders                              Activating    12:06      "
     "             usually done in 29:58-1:09:58 more (from 14 like it)\n"
     "* subnet          snet-a-name-that-is-long-and-gets-cut  Creating    1:12:06      "
     "             no history yet\n"
     "* role assignment 7f3c                                   Deleting      12:06      "
     "             usually done in 3 s-7 s more (from 2 like it)\n"},
    {120,
     "scripts/onboard.lua  1:12:06  84 created, 1 unchanged; 5 waiting\n"
     "* gateway         gw-older                     waiting     2:12:06\n"
     "* gateway         gw-payments                  Activating  1:12:06  " SIXTY_PERCENT
     "  60%  usually done in 29:58-1:09:58 more\n"
     "* gateway         gw-orders                    Activating    12:06        "
     "           usually done in 29:58-1:09:58 more\n"
     "* subnet          snet-a-name-t\u2026-and-gets-cut  Creating    1:12:06        "
     "           no history yet\n"
     "* role assignment 7f3c                         Deleting      12:06        "
     "           usually done in 3 s-7 s more\n"},
    {80,
     "scripts/onboard.lua  1:12:06  84 created, 1 unchanged; 5 waiting\n"
     "* gateway         gw-older        waiting     2:12:06\n"
     "* gateway         gw-payments     Activating  1:12:06   60%  29:58-1:09:58 "
     "more\n"
     "* gateway         gw-orders       Activating    12:06        29:58-1:09:58 "
     "more\n"
     "* subnet          snet-a-\u2026ts-cut  Creating    1:12:06        no history yet\n"
     "* role assignment 7f3c            Deleting      12:06        3 s-7 s more\n"},
    {60, "scripts\u2026rd.lua  1:12:06  84 created, 1 unchanged; 5 waiting\n"
         "* gw-older          waiting     2:12:06\n"
         "* gw-payments       Activating  1:12:06  29:58-1:09:58 more\n"
         "* gw-orders         Activating    12:06  29:58-1:09:58 more\n"
         "* snet-a-n\u2026ets-cut  Creating    1:12:06  no history yet\n"
         "* 7f3c              Deleting      12:06  3 s-7 s more\n"},
    {40, "scri\u2026.lua  1:12:06  84 created, 1 unch\u2026\n"
         "* gw-older          waiting     2:12:06\n"
         "* gw-payments       Activating  1:12:06\n"
         "* gw-orders         Activating    12:06\n"
         "* snet-a-n\u2026ets-cut  Creating    1:12:06\n"
         "* 7f3c              Deleting      12:06\n"},
};

START_TEST(a_picture_shows_how_much_longer_it_takes)
{
    open_live(foreseen_screens[_i].columns, 24, true);
    begin_foreseen();
    draw();
    assert_screen(foreseen_screens[_i].screen);
    ck_assert_uint_eq(h.screen.wraps, 0);
}
END_TEST

START_TEST(that_there_is_no_history_is_shown_where_there_is_room)
{
    open_live(60, 24, true);
    begin(1, "create", "gateway", "gw-payments-in-west");
    pass(HOUR_MS);
    foresee(1, "Activating", -1, HOUR_MS, (struct forecast){0});
    draw();
    assert_screen("moongate  1:00:00  1 waiting\n"
                  "* gateway gw-payments-in-west  Activating  1:00:00\n");
    set_terminal_size(67, 24);
    draw();
    pass_machine(1000);
    assert_screen("moongate  1:00:00  1 waiting\n"
                  "* gateway gw-payments-in-west  Activating  1:00:00  no history yet\n");
}
END_TEST

START_TEST(what_lasts_longer_than_usual_is_warned_of_above_the_picture)
{
    open_live(60, 24, true);
    begin_unusual();
    draw();
    assert_screen("16:03:07 warning: gw-payments: Activating for 4:10:00, longe\n"
                  "r than 99 of 100 like it (from 214); the portal's activity l\n"
                  "og may say why\n"
                  "16:03:07 warning: gw-\\x1b[2J: under way for 4:00:00, longer\n"
                  "than all 14 like it; the portal's activity log may say why\n"
                  "moongate  4:00:00  2 waiting\n"
                  "* gw-payments  Activating  4:00:00  longer than usual\n"
                  "* gw-\\x1b[2J   changing    4:00:00  longer than usual\n");
}
END_TEST

START_TEST(a_picture_never_wraps)
{
    open_live(_i, 10, true);
    begin_foreseen();
    begin(1000, "create", "gateway",
          "\u7db2\u95dc\u4e00\u4e8c\u4e09\u56db\U0001f315\U0001f315");
    begin(1001, "create", "\u7db2\u95dc", "\x1b[2J\n\n\n\n\n");
    feed_text(EVENT_OUTPUT, "a line that does not end and is longer than most terminals");
    draw();
    show();
    ck_assert_uint_eq(h.screen.wraps, 0);
    ck_assert_uint_eq(h.screen.frames, 1);
}
END_TEST

START_TEST(a_picture_is_drawn_in_place)
{
    open_live(80, 24, true);
    feed_text(EVENT_RUN_STARTED, "a.lua");
    begin(1, "create", "gateway", "gw-a");
    draw();
    assert_screen("a.lua  0 s  1 waiting\n"
                  "* gateway gw-a  creating  0 s\n");
    pass(90000);
    progress(1, "Activating", 50);
    draw();
    assert_screen(
        "a.lua  01:30  1 waiting\n"
        "* gateway gw-a  Activating  01:30  \u2588\u2588\u2588\u2588\u2588\u2591\u2591"
        "\u2591\u2591\u2591  50%\n");
    pass(1000);
    end(1, "gateway", "gw-a", OUTCOME_CREATED, 60000);
    draw();
    assert_screen("a.lua  01:31  1 created\n");
    end_run(
        (struct run_summary){.outcomes = {1}, .wall_seconds = 91, .virtual_seconds = 91},
        NULL);
    assert_screen("succeeded in 01:31: 1 created\n");
    ck_assert(!h.screen.is_cursor_hidden);
    draw();
    pass_machine(MINUTE_MS);
    assert_screen("succeeded in 01:31: 1 created\n");
}
END_TEST

START_TEST(a_run_that_is_over_at_once_shows_no_picture)
{
    open_live(80, 24, true);
    feed_text(EVENT_RUN_STARTED, "a.lua");
    feed_text(EVENT_OUTPUT, "hello\n");
    draw();
    end_run((struct run_summary){.requests = 1}, NULL);
    assert_screen("hello\nsucceeded in 0 ms: 1 request\n");
    ck_assert_uint_eq(h.screen.frames, 0);
}
END_TEST

START_TEST(a_run_that_lasts_shows_its_line)
{
    open_live(80, 24, true);
    feed_text(EVENT_RUN_STARTED, "a.lua");
    pass(5000);
    pass_machine(500);
    pass_machine(500);
    assert_screen("a.lua  5 s\n");
}
END_TEST

START_TEST(the_clock_moves_once_a_second)
{
    open_live(80, 24, true);
    begin(1, "create", "gateway", "gw-a");
    draw();
    show();
    for (int i = 0; i < 100; i++) {
        pass(100);
        pass_machine(100);
    }
    assert_screen("moongate  10 s  1 waiting\n"
                  "* gateway gw-a  creating  10 s\n");
    ck_assert_uint_eq(h.screen.frames, 1 + 10);
}
END_TEST

START_TEST(no_more_than_ten_frames_a_second_are_drawn)
{
    open_live(80, 24, true);
    begin(1, "create", "gateway", "gw-a");
    for (int i = 0; i < 2000; i++) {
        progress(1, i % 2 ? "Odd" : "Even", -1);
        pass_machine(1);
    }
    show();
    ck_assert_uint_ge(h.screen.frames, 19);
    ck_assert_uint_le(h.screen.frames, 21);
}
END_TEST

START_TEST(a_script_that_never_waits_is_seen_too)
{
    open_live(80, 24, true);
    for (int i = 0; i < 4; i++) {
        feed_text(EVENT_OUTPUT, "step\n");
        machine_ms += 200; /* and the loop does not turn */
    }
    assert_screen("step\nstep\nstep\nstep\n");
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
    char name[16];

    open_live(60, 12, true);
    for (uint64_t i = 1; i <= 50; i++) {
        snprintf(name, sizeof name, "%s-%d", i <= 40 ? "gw" : "snet", (int)i);
        begin(i, "create", i <= 40 ? "gateway" : "subnet", name);
    }
    draw();
    assert_screen("moongate  0 s  50 waiting\n"
                  "* gateway gw-1     creating  0 s\n"
                  "* gateway gw-2     creating  0 s\n"
                  "* gateway gw-3     creating  0 s\n"
                  "* gateway gw-4     creating  0 s\n"
                  "* gateway gw-5     creating  0 s\n"
                  "* gateway gw-6     creating  0 s\n"
                  "* gateway gw-7     creating  0 s\n"
                  "* gateway gw-8     creating  0 s\n"
                  "* subnet  snet-41  creating  0 s\n"
                  "  ... and 41 more (32 gateways, 9 subnets)\n");
}
END_TEST

START_TEST(a_low_terminal_gets_no_picture_or_a_small_one)
{
    open_live(60, 2, true);
    begin(1, "create", "gateway", "gw-a");
    begin(2, "create", "gateway", "gw-b");
    draw();
    assert_screen("");
    set_terminal_size(60, 3);
    draw();
    pass_machine(1000);
    assert_screen("moongate  0 s  2 waiting\n"
                  "  ... and 2 more (2 gateways)\n");
}
END_TEST

START_TEST(failures_and_long_ends_scroll_up_above)
{
    open_live(60, 6, true);
    begin(1, "create", "gateway", "gw-a");
    begin(2, "create", "subnet", "s");
    draw();
    for (uint64_t i = 10; i < 14; i++)
        end(i, "gateway", "gw", OUTCOME_CREATED, HOUR_MS);
    end(2, "subnet", "s", OUTCOME_CREATED, 60000);
    draw();
    end_badly(20, "api", "b",
              &(struct failure){.code = "Conflict", .message = "it is\nin use now"});
    draw();
    assert_screen("12:03:07 gateway 'gw' created in 1:00:00\n"
                  "12:03:07 gateway 'gw' created in 1:00:00\n"
                  "12:03:07 gateway 'gw' created in 1:00:00\n"
                  "12:03:07 gateway 'gw' created in 1:00:00\n"
                  "12:03:07 api 'b' failed after 12 s: Conflict: it is\\nin use\n"
                  "now\n"
                  "moongate  0 s  5 created, 1 failed; 1 waiting\n"
                  "* gateway gw-a  creating  0 s\n");
}
END_TEST

START_TEST(output_and_log_appear_above)
{
    open_live(60, 24, true);
    begin(1, "create", "gateway", "gw-a");
    draw();
    feed_text(EVENT_OUTPUT, "one\ntwo\n");
    feed_text(EVENT_OUTPUT, "to be ");
    draw();
    assert_screen("one\ntwo\nto be\n"
                  "moongate  0 s  1 waiting\n"
                  "* gateway gw-a  creating  0 s\n");
    feed((struct event){.type = EVENT_LOG, .level = LOG_WARNING, .text = "slow"});
    feed_text(EVENT_TASK_FAILED, "boom\n  traceback\n");
    feed_text(EVENT_OUTPUT, "continued\nand ");
    draw();
    assert_screen("one\ntwo\n"
                  "12:03:07 warning: slow\n"
                  "12:03:07 task failed: boom\n  traceback\n"
                  "to be continued\nand\n"
                  "moongate  0 s  1 waiting\n"
                  "* gateway gw-a  creating  0 s\n");
    end_run((struct run_summary){0}, NULL);
    assert_screen("one\ntwo\n"
                  "12:03:07 warning: slow\n"
                  "12:03:07 task failed: boom\n  traceback\n"
                  "to be continued\nand\n"
                  "succeeded in 0 ms\n"
                  "still going on at the service: gateway 'gw-a' (since 0 ms)\n");
}
END_TEST

START_TEST(output_cannot_harm_the_picture)
{
    open_live(60, 24, true);
    begin(1, "create", "gateway", "a\x1b[5A\rb");
    draw();
    feed_text(EVENT_OUTPUT, "\x1b[31mred\x1b[0m\x1b[2J\x1b[H\r\n\x1b]0;title\r\b\n");
    draw();
    assert_screen("red\\x1b[2J\\x1b[H\n\\x1b]0;title\\r\\x08\n"
                  "moongate  0 s  1 waiting\n"
                  "* gateway a\\x1b[5A\\rb  creating  0 s\n");
}
END_TEST

START_TEST(output_elsewhere_is_left_alone)
{
    open_live(60, 24, false);
    begin(1, "create", "gateway", "gw-a");
    feed_text(EVENT_OUTPUT, "\x1b[31mred\x1b[2J");
    draw();
    assert_file(h.out_file, "\x1b[31mred\x1b[2J");
    assert_screen("moongate  0 s  1 waiting\n"
                  "* gateway gw-a  creating  0 s\n");
}
END_TEST

START_TEST(much_output_is_not_kept_back)
{
    open_live(60, 24, true);
    for (int i = 0; i < 3000; i++)
        feed_text(EVENT_OUTPUT, "fifty bytes a line are printed three thousand times\n");
    draw();
    show();

    char *text = screen_text(&h.screen);

    ck_assert_uint_gt(strlen(text), 3000 * 50);
    free(text);
}
END_TEST

START_TEST(a_resize_draws_at_the_new_width)
{
    open_live(80, 24, true);
    begin(1, "create", "gateway", "gw-a-name-that-needs-some-columns");
    draw();
    show();
    set_terminal_size(30, 24);
    raise(SIGWINCH);
    turn();
    draw();
    assert_screen("moongate  0 s  1 waiting\n"
                  "* gw-a-n\u2026lumns  creating  0 s\n");
    set_terminal_size(80, 24);
    raise(SIGWINCH);
    turn();
    draw();
    assert_screen("moongate  0 s  1 waiting\n"
                  "* gateway gw-a-name-that-needs-some-columns  creating  0 s\n");
    ck_assert_uint_eq(h.screen.wraps, 0);
}
END_TEST

START_TEST(going_on_after_a_stop_draws_the_whole)
{
    open_live(60, 24, true);
    begin(1, "create", "gateway", "gw-a");
    draw();
    show();
    screen_write(&h.screen, "[1]+ Stopped\r\n$ fg\r\n");
    raise(SIGCONT);
    turn();
    assert_screen("moongate  0 s  1 waiting\n"
                  "* gateway gw-a  creating  0 s\n"
                  "[1]+ Stopped\n$ fg\n"
                  "moongate  0 s  1 waiting\n"
                  "* gateway gw-a  creating  0 s\n");
    ck_assert(h.screen.is_cursor_hidden);
}
END_TEST

START_TEST(a_stop_leaves_the_terminal_in_order)
{
    int status;

    make_terminal(60, 24, true);

    const pid_t child = fork();

    if (child == 0) {
        setpgid(0, 0); /* a group that has a parent outside, or it could not be stopped */
        loop_free(h.loop);
        h.loop = loop_new(&h.clock);
        h.face = face_new_live(h.loop);
        begin(1, "create", "gateway", "gw-a");
        draw();
        raise(SIGTSTP);
        turn();
        _exit(0);
    }
    start_reader();
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    assert_screen("");
    ck_assert(!h.screen.is_cursor_hidden);
    kill(child, SIGCONT);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_screen("moongate  0 s  1 waiting\n"
                  "* gateway gw-a  creating  0 s\n");
    ck_assert(h.screen.is_cursor_hidden);
}
END_TEST

START_TEST(freeing_a_face_takes_the_picture_away)
{
    open_live(60, 24, true);
    begin(1, "create", "gateway", "gw-a");
    feed_text(EVENT_OUTPUT, "partial");
    draw();
    free_face();
    assert_screen("partial\n");
    ck_assert(!h.screen.is_cursor_hidden);
}
END_TEST

START_TEST(a_fatal_signal_can_show_the_cursor)
{
    open_live(60, 24, true);
    face_restore_terminal();
    show();
    ck_assert_uint_eq(h.screen.colors, 0);
    begin(1, "create", "gateway", "gw-a");
    draw();
    show();
    ck_assert(h.screen.is_cursor_hidden);
    h.screen.is_in_frame = true; /* it may come in the middle of one */
    face_restore_terminal();
    show();
    ck_assert(!h.screen.is_cursor_hidden);
}
END_TEST

START_TEST(colors_are_used_unless_no_color_is_set)
{
    open_live(60, 24, true);
    begin(1, "create", "gateway", "gw-a");
    draw();
    show();
    ck_assert_uint_eq(h.screen.colors, 0);
    free_face();
    setenv("NO_COLOR", "", 1);
    h.face = face_new_live(h.loop);
    begin(1, "create", "gateway", "gw-a");
    draw();
    assert_screen("moongate  0 s  1 waiting\n"
                  "* gateway gw-a  creating  0 s\n");
    ck_assert_uint_gt(h.screen.colors, 0);
    ck_assert_uint_eq(h.screen.wraps, 0);
}
END_TEST

START_TEST(other_locales_get_ascii)
{
    setenv("LC_ALL", "C", 1);
    open_live(30, 24, true);
    begin(1, "create", "gateway", "gw-a-name-that-needs-some-columns");
    progress(1, "Activating", 50);
    draw();
    assert_screen("moongate  0 s  1 waiting\n"
                  "| gw-a...mns  Activating  0 s\n");
}
END_TEST

START_TEST(wide_names_keep_columns_in_line)
{
    open_live(60, 24, true);
    begin(1, "create", "gateway", "\u7db2\u95dc");
    begin(2, "create", "gateway", "moon\U0001f315");
    begin(3, "create", "gateway", "e\u0301te\u0301");
    draw();
    assert_screen("moongate  0 s  3 waiting\n"
                  "* gateway \u7db2\u95dc    creating  0 s\n"
                  "* gateway moon\U0001f315  creating  0 s\n"
                  "* gateway e\u0301te\u0301     creating  0 s\n");
}
END_TEST

/* --- many --- */

START_TEST(a_hundred_thousand_operations_are_no_burden)
{
    const int nothing = open("/dev/null", O_WRONLY);
    char name[16];
    const clock_t before = clock();

    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    close(nothing);
    h.face = makers[_i]();
    feed_text(EVENT_RUN_STARTED, "many.lua");
    for (uint64_t i = 1; i <= 100000; i++) {
        snprintf(name, sizeof name, "gw-%d", (int)i);
        begin(i, "create", "gateway", name);
    }
    for (uint64_t i = 1; i <= 100000; i++)
        progress(i, "Activating", -1);
    turn();
    pass(HOUR_MS);
    for (uint64_t i = 100000; i > 0; i--)
        end(i, "gateway", "gw", OUTCOME_CREATED, i % 2 ? HOUR_MS : 1000);
    end_run((struct run_summary){.outcomes = {100000}}, NULL);

    const double seconds = (double)(clock() - before) / CLOCKS_PER_SEC;

    if (getenv("MOONGATE_TEST_TIMES") != NULL)
        dprintf(h.saved_err, "face %d: %.3f s\n", _i, seconds);
    ck_assert_double_lt(seconds, 20.0); /* a square would take minutes */
}
END_TEST

static TCase *add_case_of(Suite *suite, const char *name, void (*prepare)(void))
{
    TCase *topic = tcase_create(name);

    tcase_add_checked_fixture(topic, prepare, teardown);
    tcase_set_timeout(topic, 60);
    suite_add_tcase(suite, topic);
    return topic;
}

static TCase *add_case(Suite *suite, const char *name)
{
    return add_case_of(suite, name, setup);
}

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* What a plain face says of the events, and of their lines. */
static void add_plain_tests(TCase *topic)
{
    tcase_add_test(topic, plain_tells_starts_of_what_lasts_and_ends);
    tcase_add_test(topic, plain_reminds_of_what_waits);
    tcase_add_test(topic, plain_says_how_much_longer_it_takes);
    tcase_add_test(topic, plain_says_once_of_a_kind_that_there_is_no_history);
    tcase_add_test(topic, plain_warns_once_of_what_lasts_longer_than_usual);
    tcase_add_test(topic, plain_tells_a_start_that_nothing_follows);
    tcase_add_test(topic, plain_tells_failures_with_their_cure);
    tcase_add_test(topic, many_distinct_failures_are_counted_and_a_cure_is_told_once);
    tcase_add_test(topic, plain_says_what_goes_on_after_an_interrupt);
    tcase_add_test(topic, a_long_list_of_what_goes_on_is_cut);
    tcase_add_test(topic, quiet_says_nothing_of_a_run_that_succeeds);
    tcase_add_test(topic, quiet_says_nothing_of_what_is_foreseen);
    tcase_add_test(topic, quiet_tells_failures);
}

static void add_text_cases(Suite *suite)
{
    TCase *topic = add_case(suite, "json");

    tcase_add_test(topic, json_is_one_object_a_line);
    tcase_add_test(topic, json_ends_with_the_summary_and_nothing_else);
    tcase_add_loop_test(topic, json_is_valid_whatever_a_script_prints, 0,
                        COUNT(odd_texts));

    topic = add_case(suite, "lines");
    tcase_add_loop_test(topic, a_line_becomes_the_event_again, 0, COUNT(whole_events));
    tcase_add_test(topic, a_summary_gets_the_counts_that_its_line_does_not_hold);
    tcase_add_loop_test(topic, a_line_that_is_no_event_is_refused, 0,
                        COUNT(foreign_lines));
    tcase_add_test(topic, members_of_other_versions_and_types_are_passed_over);

    tcase_add_test(topic, json_tells_what_is_foreseen);
    tcase_add_loop_test(topic, half_a_forecast_is_none, 0, COUNT(odd_forecasts));

    topic = add_case(suite, "stdout");
    tcase_add_loop_test(topic, a_reader_that_goes_away_is_told_once_and_is_no_failure, 0,
                        MAKER_COUNT);
    tcase_add_loop_test(topic, a_full_disk_is_told_once_and_is_a_failure, 0, MAKER_COUNT);
    tcase_add_test(topic, a_non_blocking_reader_gets_all);

    topic = add_case(suite, "plain");
    add_plain_tests(topic);
    tcase_add_test(topic, plain_shows_controls_in_names_and_leaves_output_alone);

    add_plain_tests(add_case_of(suite, "plain, from lines", setup_from_lines));

    topic = add_case(suite, "words");
    tcase_add_loop_test(topic, counted_nouns_have_their_plural, 0, COUNT(counts));
    tcase_add_loop_test(topic, a_summary_says_what_is_not_zero, 0, COUNT(summaries));
    tcase_add_loop_test(topic, text_is_cut_by_its_width, 0, COUNT(cuts));

    topic = add_case(suite, "many");
    tcase_add_loop_test(topic, a_hundred_thousand_operations_are_no_burden, 0,
                        MAKER_COUNT);
}

static void add_live_cases(Suite *suite)
{
    TCase *topic = add_case(suite, "picture");

    tcase_add_loop_test(topic, a_picture_shows_what_waits, 0, COUNT(screens));
    tcase_add_loop_test(topic, a_picture_shows_how_much_longer_it_takes, 0,
                        COUNT(foreseen_screens));
    tcase_add_test(topic, that_there_is_no_history_is_shown_where_there_is_room);
    tcase_add_test(topic, what_lasts_longer_than_usual_is_warned_of_above_the_picture);
    tcase_add_loop_test(topic, a_picture_never_wraps, 1, 120);
    tcase_add_test(topic, a_picture_is_drawn_in_place);
    tcase_add_test(topic, a_run_that_is_over_at_once_shows_no_picture);
    tcase_add_test(topic, a_run_that_lasts_shows_its_line);
    tcase_add_test(topic, the_clock_moves_once_a_second);
    tcase_add_test(topic, no_more_than_ten_frames_a_second_are_drawn);
    tcase_add_test(topic, what_does_not_fit_is_counted);
    tcase_add_test(topic, a_low_terminal_gets_no_picture_or_a_small_one);
    tcase_add_test(topic, other_locales_get_ascii);
    tcase_add_test(topic, wide_names_keep_columns_in_line);
    tcase_add_test(topic, colors_are_used_unless_no_color_is_set);

    topic = add_case_of(suite, "picture, from lines", setup_from_lines);
    tcase_add_loop_test(topic, a_picture_shows_what_waits, 0, COUNT(screens));
    tcase_add_loop_test(topic, a_picture_shows_how_much_longer_it_takes, 0,
                        COUNT(foreseen_screens));
    tcase_add_test(topic, what_lasts_longer_than_usual_is_warned_of_above_the_picture);
    tcase_add_test(topic, a_picture_is_drawn_in_place);
    tcase_add_test(topic, failures_and_long_ends_scroll_up_above);
    tcase_add_test(topic, output_and_log_appear_above);

    topic = add_case(suite, "above the picture");
    tcase_add_test(topic, a_script_that_never_waits_is_seen_too);
    tcase_add_test(topic, failures_and_long_ends_scroll_up_above);
    tcase_add_test(topic, output_and_log_appear_above);
    tcase_add_test(topic, output_cannot_harm_the_picture);
    tcase_add_test(topic, output_elsewhere_is_left_alone);
    tcase_add_test(topic, much_output_is_not_kept_back);

    topic = add_case(suite, "terminal");
    tcase_add_test(topic, a_resize_draws_at_the_new_width);
    tcase_add_test(topic, going_on_after_a_stop_draws_the_whole);
    tcase_add_test(topic, a_stop_leaves_the_terminal_in_order);
    tcase_add_test(topic, freeing_a_face_takes_the_picture_away);
    tcase_add_test(topic, a_fatal_signal_can_show_the_cursor);
    tcase_add_test(topic, a_picture_needs_a_terminal_that_is_not_dumb);
}

int main(void)
{
    Suite *suite = suite_create("faces");

    add_text_cases(suite);
    if (has_terminals())
        add_live_cases(suite);
    else
        puts("skipped: the pictures, as there are no pseudo-terminals here (/dev/pts)");

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);

    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
