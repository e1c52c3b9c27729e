/* engine/run/face_json.c - the face for programs: one JSON object a line on stdout.
 *
 * Written without a tree, one write a line: a line is there when its event is over, and a
 * hundred thousand of them are cheap. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/event.h"
#include "run/face_stream.h"
#include "run/terminal.h"

struct json_face {
    struct face_head head;
    struct buffer line, scratch;
};

static const char *const event_names[] = {[EVENT_RUN_STARTED] = "run.started",
                                          [EVENT_OPERATION_STARTED] = "operation.started",
                                          [EVENT_OPERATION_STATE] = "operation.state",
                                          [EVENT_OPERATION_FINISHED] =
                                              "operation.finished",
                                          [EVENT_TASK_FAILED] = "task.failed",
                                          [EVENT_OUTPUT] = "output",
                                          [EVENT_LOG] = "log",
                                          [EVENT_RUN_FINISHED] = "run.finished"};

/* Appends `"name":`, after a comma unless it is the object's first member. */
static void add_name(struct json_face *json, const char *name)
{
    if (json->line.data[json->line.length - 1] != '{')
        buffer_append_char(&json->line, ',');
    buffer_printf(&json->line, "\"%s\":", name);
}

/* Appends a member unless the text is NULL. */
static void add_text(struct json_face *json, const char *name, const char *text)
{
    if (text == NULL)
        return;
    add_name(json, name);
    if (!text_is_utf8(text, strlen(text))) {
        buffer_clear(&json->scratch);
        terminal_append_utf8(&json->scratch, text);
        text = json->scratch.data;
    }
    buffer_append_json_string(&json->line, text, strlen(text));
}

static void add_count(struct json_face *json, const char *name, uint64_t count)
{
    add_name(json, name);
    buffer_printf(&json->line, "%" PRIu64, count);
}

/* Appends seconds with as many decimals as they need, whatever the locale. */
static void add_seconds(struct json_face *json, const char *name, int64_t ms)
{
    const uint64_t size = ms < 0 ? (uint64_t)-ms : (uint64_t)ms;
    unsigned fraction = (unsigned)(size % 1000);
    int digits = 3;

    add_name(json, name);
    buffer_printf(&json->line, "%s%" PRIu64, ms < 0 ? "-" : "", size / 1000);
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    buffer_printf(&json->line, ".%0*u", digits, fraction);
}

static int64_t to_ms(double seconds)
{
    return isfinite(seconds) ? (int64_t)(seconds * 1000.0 + 0.5) : 0;
}

static void add_failure(struct json_face *json, const struct failure *failure)
{
    if (failure == NULL)
        return;
    add_name(json, "failure");
    buffer_append_char(&json->line, '{');
    add_text(json, "code", failure->code);
    add_text(json, "message", failure->message);
    if (failure->status != 0)
        add_count(json, "status", (uint64_t)failure->status);
    add_text(json, "target", failure->target);
    add_text(json, "operation", failure->operation);
    add_text(json, "request_id", failure->request_id);
    add_name(json, "retryable");
    buffer_append_string(&json->line, failure->retryable ? "true" : "false");
    add_text(json, "cure", failure->cure);
    buffer_append_char(&json->line, '}');
}

static void add_operation(struct json_face *json, const struct event *event)
{
    if (event->operation != 0)
        add_count(json, "operation", event->operation);
    add_text(json, "verb", event->verb);
    add_text(json, "kind", event->kind);
    add_text(json, "name", event->name);
    add_text(json, "target", event->target);
    if (event->type == EVENT_OPERATION_FINISHED)
        add_text(json, "outcome", outcome_names[event->outcome]);
    add_text(json, "state", event->state);
    if (event->type == EVENT_OPERATION_STATE && event->percent >= 0)
        add_seconds(json, "percent", to_ms(event->percent));
    add_seconds(json, "age", event->age_ms);
    add_failure(json, event->failure);
}

static void add_moment(struct json_face *json, const struct event *event)
{
    char time[CLOCK_TEXT_SIZE];

    clock_format_utc(event->wall_ms, time);
    add_text(json, "time", time);
    add_seconds(json, "elapsed", event->elapsed_ms);
}

/* The last line: programs match it member by member, so it has these and no others. */
static void add_summary(struct json_face *json, const struct event *event)
{
    const struct run_summary *summary = event->summary;

    add_text(json, "run", summary->run != NULL ? summary->run : "");
    add_text(json, "status", run_status_names[summary->status]);
    add_count(json, "created", summary->outcomes[OUTCOME_CREATED]);
    add_count(json, "changed", summary->outcomes[OUTCOME_CHANGED]);
    add_count(json, "unchanged", summary->outcomes[OUTCOME_UNCHANGED]);
    add_count(json, "deleted", summary->outcomes[OUTCOME_DELETED]);
    add_count(json, "failed", summary->outcomes[OUTCOME_FAILED]);
    add_count(json, "requests", summary->requests);
    add_count(json, "writes", summary->writes);
    add_seconds(
        json, "wall_seconds",
        to_ms(summary->is_repeatable ? summary->virtual_seconds : summary->wall_seconds));
    add_seconds(json, "virtual_seconds", to_ms(summary->virtual_seconds));
    if (summary->status == RUN_FAILED)
        add_text(json, "error", event->text);
}

static void add_members(struct json_face *json, const struct event *event)
{
    if (event->type == EVENT_RUN_FINISHED) {
        add_summary(json, event);
        return;
    }
    add_moment(json, event);
    switch (event->type) {
    case EVENT_OPERATION_STARTED:
    case EVENT_OPERATION_STATE:
    case EVENT_OPERATION_FINISHED:
        add_operation(json, event);
        break;
    case EVENT_RUN_STARTED:
        add_text(json, "script", event->text);
        break;
    case EVENT_LOG:
        add_text(json, "level", log_level_names[event->level]);
        add_text(json, "text", event->text);
        break;
    default:
        add_text(json, "text", event->text);
        break;
    }
}

static void complain(const struct json_face *json)
{
    struct face_stream err = {.fd = STDERR_FILENO};
    struct buffer text = {0};

    face_stream_append_complaint(&text, &json->head.out);
    face_stream_write(&err, text.data, text.length);
    buffer_deinit(&text);
}

static void handle(struct face *face, const struct event *event)
{
    struct json_face *json = (struct json_face *)face;

    if (json->head.out.error != 0)
        return;
    buffer_clear(&json->line);
    buffer_append_char(&json->line, '{');
    add_text(json, "event", event_names[event->type]);
    add_members(json, event);
    buffer_append_string(&json->line, "}\n");
    if (!face_stream_write(&json->head.out, json->line.data, json->line.length))
        complain(json);
}

static void free_face(struct face *face)
{
    struct json_face *json = (struct json_face *)face;

    buffer_deinit(&json->line);
    buffer_deinit(&json->scratch);
    free(json);
}

struct face *face_new_json(void)
{
    struct json_face *json = memory_new(sizeof *json);

    json->head.face = (struct face){.handle = handle, .free = free_face};
    json->head.out.fd = STDOUT_FILENO;
    return &json->head.face;
}
