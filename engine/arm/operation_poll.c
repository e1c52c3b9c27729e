/* engine/arm/operation_poll.c - following a long-running operation to its end. */
#include "arm/operation_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "arm/refusal.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

enum {
    LONGEST_SOON_MS = 16000
}; /* for what is not known yet: after 1, 2, 4 ... seconds */

/* Whether both URLs have the same path, letters without regard to case. */
static bool is_same_path(const char *a, const char *b)
{
    const size_t length = strcspn(a, "?#");

    return strcspn(b, "?#") == length && strncasecmp(a, b, length) == 0;
}

static void fire_poll(struct timer *timer)
{
    struct operation *operation = operation_of_timer(timer);

    if (operation != NULL)
        operation_poll(operation);
}

void operation_schedule_poll(struct operation *operation, int64_t pause_ms)
{
    operation_pause(operation, pause_ms, fire_poll);
}

/* An answer to a poll may name another URL for the next one. */
static void follow(struct operation *operation)
{
    const struct reply *reply = &operation->reply;
    const bool is_monitor = operation->method == POLL_MONITOR;
    const char *url =
        reply_field(reply, is_monitor ? "azure-asyncoperation" : "location");
    char *absolute;

    if (!is_monitor && operation->method != POLL_LOCATION)
        return;
    if (url == NULL && is_monitor)
        url = reply_field(reply, "operation-location");
    absolute = url != NULL ? operation_resolve(operation, url) : NULL;
    if (absolute != NULL) {
        free(operation->poll_url);
        operation->poll_url = absolute;
    }
}

/* A query may hold a signature. */
static struct failure *foreign_url(const char *what, const char *url)
{
    return failure_new("ProtocolError", "%s is at '%.*s', which is not ours to ask", what,
                       (int)strcspn(url, "?"), url);
}

/* It has succeeded; the result may be elsewhere. */
static void fetch_result(struct operation *operation)
{
    const struct operation_request *request = &operation->request;
    const char *elsewhere = json_string_at(operation->reply.body, "resourceLocation");
    char *url = NULL;

    switch (poll_find_result(operation->method, request->method, request->final_state_via,
                             operation->reply.body, operation->location != NULL)) {
    case POLL_RESULT_HERE:
        operation_finish(operation);
        return;
    case POLL_RESULT_SELF:
        url = memory_copy_string(request->url);
        break;
    case POLL_RESULT_LOCATION:
        url = operation_resolve(operation, operation->location);
        elsewhere = operation->location;
        break;
    case POLL_RESULT_ELSEWHERE:
        url = operation_resolve(operation, elsewhere);
        break;
    }
    if (url == NULL) {
        operation_fail_waiting(operation,
                               foreign_url("it was done, but its result", elsewhere));
        return;
    }
    operation->is_final_get = true;
    operation->misses = 0;
    free(operation->poll_url);
    operation->poll_url = url;
    operation_poll(operation);
}

static struct failure *failure_of_monitor(struct operation *operation,
                                          enum poll_verdict verdict)
{
    const cJSON *error = json_at(operation->reply.body, "error");
    const char *code = verdict == POLL_CANCELED ? "Canceled" : "OperationFailed";
    struct failure *failure;

    if (error == NULL)
        error = json_at(operation->reply.body, "properties.error");
    if (cJSON_IsObject(error))
        failure = refusal_from_error(error, code);
    else
        failure = failure_new(code, "the operation ended as '%s' without an explanation",
                              operation->state != NULL ? operation->state : "failed");
    reply_add_ids(&operation->reply, failure);
    return failure;
}

static void judge_poll(struct operation *operation, int64_t asked_ms)
{
    struct reply *reply = &operation->reply;
    const char *state;

    if (!reply_parse(reply)) {
        operation_fail_waiting(
            operation, reply_malformed(reply, "the answer to a poll is not JSON"));
        return;
    }

    const enum poll_verdict verdict =
        poll_judge(operation->method, operation->request.method, reply->status,
                   reply->body, reply->text.length > 0, &state);

    operation->misses = 0;
    operation->was_known = true;
    operation_note_state(operation, state);
    switch (verdict) {
    case POLL_RUNNING:
        operation_schedule_poll(
            operation,
            poll_pause_ms(asked_ms, operation_now_ms(operation) - operation->accepted_ms,
                          operation->polls));
        break;
    case POLL_SUCCEEDED:
        fetch_result(operation);
        break;
    case POLL_FAILED:
    case POLL_CANCELED:
        operation->is_refused = true;
        operation_heal_or_fail(operation, failure_of_monitor(operation, verdict));
        break;
    case POLL_MALFORMED:
        operation_fail_waiting(
            operation, reply_malformed(reply, "the answer to a poll tells no state"));
        break;
    }
}

/* Nobody knows the monitor any more; the resource itself says how it stands. */
static void read_self(struct operation *operation)
{
    const bool is_delete = strcmp(operation->request.method, "DELETE") == 0;

    log_line(LOG_INFO, "%s: its monitor is gone; looking at the resource instead",
             operation->request.label);
    operation->has_lost_monitor = true;
    operation->misses = 0;
    operation->method = is_delete ? POLL_ABSENCE : POLL_SELF;
    free(operation->poll_url);
    operation->poll_url = NULL;
    operation_poll(operation);
}

static void fail_refused_poll(struct operation *operation)
{
    struct failure *failure;

    if (operation_begins_anew(operation))
        return;
    failure = reply_refusal(&operation->reply);
    if (operation->is_final_get) {
        char *message = memory_format("it was done, but the result cannot be read: %s",
                                      failure->message);

        free(failure->message);
        failure->message = message;
    }
    if (operation->method != POLL_LOCATION || operation->standby != NULL) {
        operation_fail_waiting(operation, failure);
    } else { /* a Location tells how the operation itself went */
        operation->is_refused = failure->status < 500;
        operation_heal_or_fail(operation, failure);
    }
}

/* A poll that was not answered as it should be may say nothing of the operation itself. */
static void judge_refused_poll(struct operation *operation, int64_t asked_ms)
{
    const char *url = operation->poll_url != NULL ? operation->poll_url : "";
    const struct poll_trouble trouble = {
        .method = operation->method,
        .first_method = operation->request.method,
        .status = operation->reply.status,
        .misses = operation->misses,
        .age_ms = operation_now_ms(operation) - operation->accepted_ms,
        .asks_self =
            operation->poll_url == NULL || is_same_path(url, operation->request.url),
        .was_known = operation->was_known,
        .is_result = operation->is_final_get || operation->has_lost_monitor};
    const int64_t soon_ms = INT64_C(1000)
                            << (operation->misses < 4 ? operation->misses : 4);

    switch (poll_judge_refusal(&trouble)) {
    case POLL_AGAIN_SOON:
        operation->misses++;
        operation_schedule_poll(operation,
                                soon_ms < LONGEST_SOON_MS ? soon_ms : LONGEST_SOON_MS);
        break;
    case POLL_AGAIN_LATER:
        operation_schedule_poll(
            operation, asked_ms > LOST_POLL_PAUSE_MS ? asked_ms : LOST_POLL_PAUSE_MS);
        break;
    case POLL_GONE:
        operation_finish(operation);
        break;
    case POLL_READ_SELF:
        if (operation->standby != NULL)
            fail_refused_poll(operation);
        else
            read_self(operation);
        break;
    case POLL_REFUSED:
        fail_refused_poll(operation);
        break;
    }
}

/* A poll that got no answer: the service goes on, and so does the wait. */
static void judge_lost_poll(struct operation *operation, struct failure *failure)
{
    if (!failure->retryable || operation->standby != NULL) {
        operation_fail_waiting(operation, failure);
        return;
    }
    log_line(LOG_INFO, "%s: a poll got no answer: %s", operation->request.label,
             failure->message);
    failure_free(failure);
    operation_schedule_poll(operation, LOST_POLL_PAUSE_MS);
}

static void on_poll(struct exchange *exchange)
{
    struct operation *operation = exchange->owner;
    struct failure *failure;
    const int64_t asked_ms = operation_end_exchange(operation, &failure);

    operation->polls++;
    if (failure != NULL) {
        judge_lost_poll(operation, failure);
    } else if (operation->reply.status >= 300) {
        judge_refused_poll(operation, asked_ms);
    } else if (operation->is_final_get && !reply_parse(&operation->reply)) {
        operation_fail_waiting(
            operation, reply_malformed(&operation->reply,
                                       "it was done, but the result is not JSON"));
    } else if (operation->is_final_get) {
        operation_finish(operation);
    } else {
        follow(operation);
        judge_poll(operation, asked_ms);
    }
}

void operation_poll(struct operation *operation)
{
    operation_start_get(operation,
                        operation->poll_url != NULL ? operation->poll_url
                                                    : operation->request.url,
                        on_poll);
}

/* --- the beginning -------------------------------------------------------------------- */

/* An answer to a PUT or PATCH that says by itself that all is done. */
static bool is_complete(const struct operation *operation)
{
    const int status = operation->reply.status;
    const char *state = poll_resource_state(operation->reply.body);

    return (status == 200 || status == 201) && operation->reply.body != NULL &&
           strcmp(operation->request.method, "POST") != 0 &&
           strcmp(operation->request.method, "DELETE") != 0 && state != NULL &&
           poll_judge_state(state) == POLL_SUCCEEDED;
}

/* Takes from the first answer where to ask. */
static struct failure *take_monitor(struct operation *operation, const char *url)
{
    const char *location = reply_field(&operation->reply, "location");

    operation->misses = 0;
    free(operation->poll_url);
    operation->poll_url = url != NULL ? operation_resolve(operation, url) : NULL;
    operation_set_text(&operation->location, location);
    operation_note_state(operation, operation_told_state(operation->reply.body));
    operation_report(operation);
    operation_drop_standby(operation);
    return url != NULL && operation->poll_url == NULL
               ? foreign_url("it goes on, but its monitor", url)
               : NULL;
}

void operation_begin_polling(struct operation *operation, const char *url,
                             int64_t asked_ms)
{
    operation->accepted_ms = operation_now_ms(operation);

    struct failure *failure = take_monitor(operation, url);

    if (url != NULL && is_complete(operation)) {
        operation->standby = memory_new(sizeof *operation->standby);
        *operation->standby = operation->reply;
        operation->reply = (struct reply){0};
    }
    if (failure != NULL)
        operation_fail_waiting(operation, failure);
    else
        operation_schedule_poll(operation, poll_pause_ms(asked_ms, 0, 0));
}

void operation_adopt_polling(struct operation *operation, const char *url, int64_t age_ms)
{
    operation->accepted_ms = operation_now_ms(operation) - age_ms;

    struct failure *failure = take_monitor(operation, url);

    if (failure != NULL) { /* the run has another endpoint now */
        failure_free(failure);
        read_self(operation);
    } else {
        operation_poll(operation);
    }
}
