/* engine/run/event_json.c - events as lines of JSON, and back. */
#include "run/event_json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "run/terminal.h"

static const char *const event_names[] = {[EVENT_RUN_STARTED] = "run.started",
                                          [EVENT_OPERATION_STARTED] = "operation.started",
                                          [EVENT_OPERATION_STATE] = "operation.state",
                                          [EVENT_OPERATION_FINISHED] =
                                              "operation.finished",
                                          [EVENT_TASK_FAILED] = "task.failed",
                                          [EVENT_OUTPUT] = "output",
                                          [EVENT_LOG] = "log",
                                          [EVENT_RUN_FINISHED] = "run.finished",
                                          NULL};

/* What a summary's line counts, in its order. */
static const enum event_outcome summarized[] = {
    OUTCOME_CREATED, OUTCOME_CHANGED, OUTCOME_UNCHANGED, OUTCOME_DELETED, OUTCOME_FAILED};

enum { SUMMARIZED_COUNT = sizeof summarized / sizeof summarized[0] };

/* Beyond these a double does not hold every whole number. */
static const double MOST_COUNT = 9007199254740992.0;
static const double MOST_SECONDS = 1e12;

enum { MOST_STATUS = 999 }; /* of HTTP */

/* Appends `"name":`, after a comma unless it is the object's first member. */
static void add_name(struct buffer *line, const char *name)
{
    if (line->data[line->length - 1] != '{')
        buffer_append_char(line, ',');
    buffer_printf(line, "\"%s\":", name);
}

/* Appends a member unless the text is NULL. */
static void add_text(struct buffer *line, const char *name, const char *text)
{
    struct buffer repaired = {0};

    if (text == NULL)
        return;
    add_name(line, name);
    if (!text_is_utf8(text, strlen(text))) {
        terminal_append_utf8(&repaired, text);
        text = repaired.data;
    }
    buffer_append_json_string(line, text, strlen(text));
    buffer_deinit(&repaired);
}

static void add_count(struct buffer *line, const char *name, uint64_t count)
{
    add_name(line, name);
    buffer_printf(line, "%" PRIu64, count);
}

/* Appends seconds with as many decimals as they need, whatever the locale. */
static void append_seconds(struct buffer *line, int64_t ms)
{
    const uint64_t size = ms < 0 ? (uint64_t)-ms : (uint64_t)ms;
    unsigned fraction = (unsigned)(size % 1000);
    int digits = 3;

    buffer_printf(line, "%s%" PRIu64, ms < 0 ? "-" : "", size / 1000);
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    buffer_printf(line, ".%0*u", digits, fraction);
}

static void add_seconds(struct buffer *line, const char *name, int64_t ms)
{
    add_name(line, name);
    append_seconds(line, ms);
}

static int64_t to_ms(double seconds)
{
    return isfinite(seconds) ? (int64_t)(seconds * 1000.0 + 0.5) : 0;
}

static void add_failure(struct buffer *line, const struct failure *failure)
{
    if (failure == NULL)
        return;
    add_name(line, "failure");
    buffer_append_char(line, '{');
    add_text(line, "code", failure->code);
    add_text(line, "message", failure->message);
    if (failure->status != 0)
        add_count(line, "status", (uint64_t)failure->status);
    add_text(line, "target", failure->target);
    add_text(line, "operation", failure->operation);
    add_text(line, "request_id", failure->request_id);
    add_name(line, "retryable");
    buffer_append_string(line, failure->retryable ? "true" : "false");
    add_text(line, "cure", failure->cure);
    buffer_append_char(line, '}');
}

static void add_forecast(struct buffer *line, const struct forecast *forecast)
{
    if (forecast == NULL)
        return;
    if (forecast->samples > 0) {
        add_name(line, "typical_seconds");
        buffer_append_char(line, '[');
        append_seconds(line, forecast->p50_ms);
        buffer_append_char(line, ',');
        append_seconds(line, forecast->p90_ms);
        buffer_append_char(line, ']');
    }
    add_count(line, "samples", forecast->samples);
    if (forecast->unusual_among > 0)
        add_count(line, "unusual_among", forecast->unusual_among);
}

static void add_operation(struct buffer *line, const struct event *event)
{
    if (event->operation != 0)
        add_count(line, "operation", event->operation);
    add_text(line, "verb", event->verb);
    add_text(line, "kind", event->kind);
    add_text(line, "name", event->name);
    add_text(line, "target", event->target);
    if (event->type == EVENT_OPERATION_FINISHED)
        add_text(line, "outcome", outcome_names[event->outcome]);
    add_text(line, "state", event->state);
    if (event->type == EVENT_OPERATION_STATE && event->percent >= 0)
        add_seconds(line, "percent", to_ms(event->percent));
    add_seconds(line, "age", event->age_ms);
    add_forecast(line, event->forecast);
    add_failure(line, event->failure);
}

static void add_moment(struct buffer *line, const struct event *event)
{
    char time[CLOCK_TEXT_SIZE];

    clock_format_utc(event->wall_ms, time);
    add_text(line, "time", time);
    add_seconds(line, "elapsed", event->elapsed_ms);
}

/* The last line: programs match it member by member, so it has these and no others. */
static void add_summary(struct buffer *line, const struct event *event)
{
    const struct run_summary *summary = event->summary;

    add_text(line, "run", summary->run != NULL ? summary->run : "");
    add_text(line, "status", run_status_names[summary->status]);
    for (size_t i = 0; i < SUMMARIZED_COUNT; i++)
        add_count(line, outcome_names[summarized[i]], summary->outcomes[summarized[i]]);
    add_count(line, "requests", summary->requests);
    add_count(line, "writes", summary->writes);
    add_seconds(
        line, "wall_seconds",
        to_ms(summary->is_repeatable ? summary->virtual_seconds : summary->wall_seconds));
    add_seconds(line, "virtual_seconds", to_ms(summary->virtual_seconds));
    if (summary->status == RUN_FAILED)
        add_text(line, "error", event->text);
}

static void add_members(struct buffer *line, const struct event *event)
{
    if (event->type == EVENT_RUN_FINISHED) {
        add_summary(line, event);
        return;
    }
    add_moment(line, event);
    switch (event->type) {
    case EVENT_OPERATION_STARTED:
    case EVENT_OPERATION_STATE:
    case EVENT_OPERATION_FINISHED:
        add_operation(line, event);
        break;
    case EVENT_RUN_STARTED:
        add_text(line, "script", event->text);
        break;
    case EVENT_LOG:
        add_text(line, "level", log_level_names[event->level]);
        add_text(line, "text", event->text);
        break;
    default:
        add_text(line, "text", event->text);
        break;
    }
}

void event_format(struct buffer *line, const struct event *event)
{
    buffer_append_char(line, '{');
    add_text(line, "event", event_names[event->type]);
    add_members(line, event);
    buffer_append_string(line, "}\n");
}

/* --- reading -------------------------------------------------------------------------- */

/* Where the member's text stands in a table that NULL ends, or -1. */
static int find_name(const cJSON *line, const char *member, const char *const *names)
{
    const char *text = json_string_at(line, member);

    for (int i = 0; text != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0)
            return i;
    }
    return -1;
}

static uint64_t read_count(const cJSON *line, const char *member)
{
    const double count = json_number_at(line, member, 0.0);

    return count >= 0.0 && count <= MOST_COUNT ? (uint64_t)count : 0;
}

/* Numbers that are no time and no share of something become `otherwise`. */
static double read_number(const cJSON *line, const char *member, double otherwise)
{
    const double number = json_number_at(line, member, otherwise);

    return number >= 0.0 && number <= MOST_SECONDS ? number : otherwise;
}

static int64_t ms_of(const cJSON *seconds)
{
    const double ms = cJSON_IsNumber(seconds) ? seconds->valuedouble * 1000.0 : 0.0;

    return fabs(ms) <= MOST_SECONDS * 1000.0 ? llround(ms) : 0;
}

static int64_t read_seconds(const cJSON *line, const char *member)
{
    return ms_of(cJSON_GetObjectItemCaseSensitive(line, member));
}

static char *read_text(const cJSON *line, const char *member)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, member));
}

/* Whether the object tells of a failure that can be shown. */
static bool read_failure(struct failure *failure, const cJSON *object)
{
    const uint64_t status = read_count(object, "status");

    *failure = (struct failure){
        .code = read_text(object, "code"),
        .message = read_text(object, "message"),
        .status = status <= MOST_STATUS ? (int)status : 0,
        .target = read_text(object, "target"),
        .operation = read_text(object, "operation"),
        .request_id = read_text(object, "request_id"),
        .retryable = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "retryable")),
        .cure = read_text(object, "cure")};
    return failure->code != NULL && failure->message != NULL;
}

/* Whether the line holds one. */
static bool read_forecast(struct forecast *forecast, const cJSON *line)
{
    const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(line, "typical_seconds");

    *forecast =
        (struct forecast){.p50_ms = ms_of(cJSON_GetArrayItem(seconds, 0)),
                          .p90_ms = ms_of(cJSON_GetArrayItem(seconds, 1)),
                          .samples = (unsigned)read_count(line, "samples"),
                          .unusual_among = (unsigned)read_count(line, "unusual_among")};
    return cJSON_GetObjectItemCaseSensitive(line, "samples") != NULL &&
           cJSON_GetArraySize(seconds) == (forecast->samples > 0 ? 2 : 0);
}

static bool read_operation(struct event_reader *reader, const cJSON *line)
{
    struct event *event = &reader->event;

    event->operation = read_count(line, "operation");
    event->verb = read_text(line, "verb");
    event->kind = read_text(line, "kind");
    event->name = read_text(line, "name");
    event->target = read_text(line, "target");
    event->state = read_text(line, "state");
    event->percent = read_number(line, "percent", -1.0);
    event->age_ms = read_seconds(line, "age");
    if (read_failure(&reader->failure, cJSON_GetObjectItemCaseSensitive(line, "failure")))
        event->failure = &reader->failure;
    if (read_forecast(&reader->forecast, line))
        event->forecast = &reader->forecast;
    if (event->type != EVENT_OPERATION_FINISHED)
        return true;

    const int outcome = find_name(line, "outcome", outcome_names);

    if (outcome < 0)
        return false;
    event->outcome = (enum event_outcome)outcome;
    reader->outcomes[outcome]++;
    return true;
}

static bool read_summary(struct event_reader *reader, const cJSON *line)
{
    struct run_summary *summary = &reader->summary;
    const int status = find_name(line, "status", run_status_names);

    if (status < 0)
        return false;
    *summary = (struct run_summary){
        .run = read_text(line, "run"),
        .status = (enum run_status)status,
        .requests = read_count(line, "requests"),
        .writes = read_count(line, "writes"),
        .wall_seconds = read_number(line, "wall_seconds", 0.0),
        .virtual_seconds = read_number(line, "virtual_seconds", 0.0)};
    memcpy(summary->outcomes, reader->outcomes, sizeof summary->outcomes);
    for (size_t i = 0; i < SUMMARIZED_COUNT; i++)
        summary->outcomes[summarized[i]] =
            (unsigned)read_count(line, outcome_names[summarized[i]]);
    reader->event.summary = summary;
    reader->event.text = read_text(line, "error");
    /* its line has no moment of its own */
    reader->event.elapsed_ms = read_seconds(line, "virtual_seconds");
    return true;
}

static bool read_log(struct event *event, const cJSON *line)
{
    const int level = find_name(line, "level", log_level_names);

    event->level = level >= 0 ? (enum log_level)level : LOG_ERROR;
    event->text = read_text(line, "text");
    return level >= 0;
}

bool event_read(struct event_reader *reader, const cJSON *line)
{
    const int type = find_name(line, "event", event_names);
    const char *time = json_string_at(line, "time");
    struct event *event = &reader->event;

    *event = (struct event){.percent = -1.0};
    if (type < 0)
        return false;
    event->type = (enum event_type)type;
    event->elapsed_ms = read_seconds(line, "elapsed");
    if (time != NULL &&
        (clock_parse_utc(time, &event->wall_ms) != 0 || event->wall_ms < 0))
        return false;
    switch (event->type) {
    case EVENT_OPERATION_STARTED:
    case EVENT_OPERATION_STATE:
    case EVENT_OPERATION_FINISHED:
        return read_operation(reader, line);
    case EVENT_RUN_STARTED:
        memset(reader->outcomes, 0, sizeof reader->outcomes);
        event->text = read_text(line, "script");
        return true;
    case EVENT_LOG:
        return read_log(event, line);
    case EVENT_RUN_FINISHED:
        return read_summary(reader, line);
    case EVENT_TASK_FAILED:
    case EVENT_OUTPUT:
        break;
    }
    event->text = read_text(line, "text");
    return true;
}
