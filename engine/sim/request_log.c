/* engine/sim/request_log.c - the latest requests to a world one by one. */
#include "sim/request_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/directory.h"
#include "sim/world.h"

enum { TARGET_LIMIT = 2048 };

struct logged {
    char *target; /* path and query */
    const char *method, *fault;
    int64_t number, now_ms;
    int status; /* 0: no answer was sent */
    char principal[UUID_TEXT_SIZE], request_id[UUID_TEXT_SIZE];
};

static const char *name_method(enum call_method method)
{
    static const struct {
        enum call_method method;
        const char *name;
    } rows[] = {{CALL_GET, "GET"},     {CALL_HEAD, "HEAD"},     {CALL_PUT, "PUT"},
                {CALL_PATCH, "PATCH"}, {CALL_DELETE, "DELETE"}, {CALL_POST, "POST"}};
    size_t i = 0;

    while (rows[i].method != method)
        i++;
    return rows[i].name;
}

/* The place of the next entry: a new one, or that of the oldest. */
static struct logged *take_entry(struct request_log *log)
{
    if (log->count == REQUEST_LOG_LIMIT) {
        struct logged *oldest = &log->entries[log->last % REQUEST_LOG_LIMIT];

        free(oldest->target);
        return oldest;
    }
    if (log->count == log->capacity) {
        log->capacity = log->capacity > 0 ? log->capacity * 2 : 64;
        if (log->capacity > REQUEST_LOG_LIMIT)
            log->capacity = REQUEST_LOG_LIMIT;
        log->entries = memory_resize(log->entries, log->capacity * sizeof *log->entries);
    }
    return &log->entries[log->count++];
}

static char *format_target(const struct call *call, bool with_query)
{
    const bool has_query = with_query && call->query != NULL;
    char *target = memory_format("%s%s%s", call->path, has_query ? "?" : "",
                                 has_query ? call->query : "");

    if (strlen(target) > TARGET_LIMIT)
        target[TARGET_LIMIT] = '\0';
    return target;
}

void request_log_add(struct world *world, const struct call *call,
                     const struct answer *answer, const char *fault, bool with_query)
{
    struct request_log *log = &world->log;
    struct logged *entry = take_entry(log);

    *entry = (struct logged){.target = format_target(call, with_query),
                             .method = name_method(call->method),
                             .fault = fault,
                             .number = ++log->last,
                             .now_ms = world->now_ms,
                             .status = answer->fate == ANSWER_SENT ? answer->status : 0};
    memcpy(entry->principal, world->principal, sizeof entry->principal);
    memcpy(entry->request_id, answer->request_id, sizeof entry->request_id);
}

static void append_text(struct buffer *to, const char *name, const char *text)
{
    buffer_printf(to, ",\"%s\":", name);
    if (text != NULL)
        buffer_append_json_string(to, text, strlen(text));
    else
        buffer_append_string(to, "null");
}

/* What a principal is called, or its id when it is gone; null for nobody. */
static void append_principal(struct world *world, struct buffer *to, const char *id)
{
    char *text = id[0] != '\0' ? directory_find(world, NULL, id) : NULL;
    cJSON *body = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;
    const char *name = json_string_at(body, "displayName");

    append_text(to, "principal", name != NULL ? name : id[0] != '\0' ? id : NULL);
    cJSON_Delete(body);
    free(text);
}

static void append_entry(struct world *world, struct buffer *to,
                         const struct logged *entry)
{
    char time[CLOCK_TEXT_SIZE];

    clock_format_utc(entry->now_ms, time);
    buffer_printf(to, "{\"number\":%" PRId64, entry->number);
    append_text(to, "time", time);
    append_principal(world, to, entry->principal);
    append_text(to, "method", entry->method);
    append_text(to, "target", entry->target);
    if (entry->status != 0)
        buffer_printf(to, ",\"status\":%d", entry->status);
    else
        buffer_append_string(to, ",\"status\":null");
    append_text(to, "fault", entry->fault);
    append_text(to, "request_id", entry->request_id);
    buffer_append_char(to, '}');
}

void request_log_describe(struct world *world, struct buffer *to, int64_t since,
                          int64_t limit)
{
    const struct request_log *log = &world->log;
    const int64_t oldest = log->last - (int64_t)log->count + 1;
    const int64_t first = since + 1 > oldest ? since + 1 : oldest;

    buffer_printf(to, "{\"last\":%" PRId64 ",\"oldest\":%" PRId64 ",\"requests\":[",
                  log->last, oldest);
    for (int64_t number = first; number <= log->last && number < first + limit;
         number++) {
        if (number > first)
            buffer_append_char(to, ',');
        append_entry(world, to, &log->entries[(number - 1) % REQUEST_LOG_LIMIT]);
    }
    buffer_append_string(to, "]}");
}

void request_log_clear(struct request_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->entries[i].target);
    free(log->entries);
    *log = (struct request_log){0};
}
