/* engine/arm/operation.c - one request to the service, followed until it is really over. */
#include "arm/operation_parts.h"

#include <stdlib.h>
#include <string.h>

#include "arm/steps.h"
#include "base/duration.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "base/uuid.h"
#include "journal/journal.h"
#include "pipeline/retry_after.h"

enum { DEFAULT_LIMIT_MS = 86400000 }; /* monitors are kept for a day */

/* --- the end -------------------------------------------------------------------------- */

void operation_drop_standby(struct operation *operation)
{
    if (operation->standby == NULL)
        return;
    reply_drop(operation->standby);
    free(operation->standby);
    operation->standby = NULL;
}

void operation_finish(struct operation *operation)
{
    if (operation->failure != NULL) {
        if (operation->failure->operation == NULL)
            operation->failure->operation = memory_copy_string(operation->request.label);
        if (operation->failure->target == NULL)
            operation->failure->target = memory_copy_text(
                operation->request.url, strcspn(operation->request.url, "?"));
    }
    if (operation->owns_step && !operation->was_dropped)
        steps_conclude(operation->client, operation->request.step, "done",
                       operation->failure, operation->is_refused);
    timer_stop(operation->client->loop, &operation->timer);
    operation_drop_standby(operation);
    cookies_deinit(&operation->cookies);
    serial_give_back(&operation->turn);
    operation->client->open_count--;
    waitable_finish(&operation->waitable);
}

void operation_fail(struct operation *operation, struct failure *failure)
{
    operation->failure = failure;
    operation_finish(operation);
}

void operation_fail_waiting(struct operation *operation, struct failure *failure)
{
    if (operation->standby == NULL) {
        operation_fail(operation, failure);
        return;
    }
    log_line(LOG_INFO, "%s: done by its first answer; its monitor cannot be asked: %s",
             operation->request.label, failure->message);
    failure_free(failure);
    reply_drop(&operation->reply);
    operation->reply = *operation->standby;
    *operation->standby = (struct reply){0};
    operation_finish(operation);
}

/* --- time ----------------------------------------------------------------------------- */

int64_t operation_now_ms(const struct operation *operation)
{
    return clock_now_ms(loop_clock(operation->client->loop));
}

static void time_out(struct operation *operation)
{
    const char *rest = operation_is_accepted(operation) ? "; it goes on at the service, "
                                                          "nobody waits any more"
                       : operation_may_go_on(operation) ? "; it may go on at the service"
                                                        : "";
    char limit[DURATION_TEXT_SIZE];

    duration_format(operation->request.time_limit_ms, limit);

    struct failure *failure = failure_new("Timeout", "not over within %s%s", limit, rest);

    failure->retryable = true;
    exchange_free(operation->exchange);
    operation->exchange = NULL;
    operation_fail(operation, failure);
}

void operation_pause(struct operation *operation, int64_t pause_ms,
                     void (*fire)(struct timer *timer))
{
    const int64_t left_ms = operation->deadline_ms - operation_now_ms(operation);

    reply_drop(&operation->reply);
    operation->timer.fire = fire;
    timer_start(operation->client->loop, &operation->timer,
                pause_ms < left_ms ? pause_ms
                : left_ms > 0      ? left_ms
                                   : 0);
}

struct operation *operation_of_timer(struct timer *timer)
{
    struct operation *operation = LIST_ENTRY(timer, struct operation, timer);

    if (operation_now_ms(operation) < operation->deadline_ms)
        return operation;
    time_out(operation);
    return NULL;
}

/* Whatever it waits for is not waited for any longer. */
static void fire_limit(struct timer *timer)
{
    struct operation *operation = LIST_ENTRY(timer, struct operation, timer);

    registration_leave(&operation->registration);
    time_out(operation);
}

void operation_start_limit(struct operation *operation)
{
    const int64_t left_ms = operation->deadline_ms - operation_now_ms(operation);

    operation->timer.fire = fire_limit;
    timer_start(operation->client->loop, &operation->timer, left_ms > 0 ? left_ms : 0);
}

/* --- states --------------------------------------------------------------------------- */

void operation_set_text(char **to, const char *text)
{
    free(*to);
    *to = memory_copy_string(text);
}

void operation_report(struct operation *operation)
{
    if (operation->progress != NULL)
        operation->progress(operation->progress_context, operation);
}

/* Words of a monitor that tell less than the resource's own, which came with the answer. */
static bool is_plain(const char *state)
{
    return text_equal_nocase(state, "InProgress") ||
           text_equal_nocase(state, "Running") || text_equal_nocase(state, "Started");
}

const char *operation_told_state(const cJSON *body)
{
    const char *target = json_string_at(body, "properties.targetProvisioningState");

    return target != NULL && target[0] != '\0' ? target : poll_resource_state(body);
}

void operation_note_state(struct operation *operation, const char *state)
{
    if (state != NULL && operation->state != NULL && is_plain(state))
        state = NULL;

    const double percent = json_number_at(operation->reply.body, "percentComplete", -1.0);
    const bool is_new = state != NULL && (operation->state == NULL ||
                                          strcmp(operation->state, state) != 0);

    if (is_new) {
        operation_set_text(&operation->state, state);
        if (operation->request.step != NULL)
            journal_note_state(operation->client->journal, operation->request.step, state,
                               percent);
    }
    if (is_new || percent != operation->percent) {
        operation->percent = percent;
        operation_report(operation);
    }
}

/* --- requests ------------------------------------------------------------------------- */

char *operation_resolve(const struct operation *operation, const char *url)
{
    const struct operation_request *request = &operation->request;
    const char *own = request->audience != AUDIENCE_NONE
                          ? operation->client->origins.by_audience[request->audience]
                          : request->url;
    char *absolute = url_resolve(request->url, url);

    if (absolute != NULL && url_is_within(absolute, own))
        return absolute;
    free(absolute);
    return NULL;
}

static struct exchange *new_exchange(struct operation *operation, const char *method,
                                     const char *url, void (*done)(struct exchange *))
{
    struct exchange *exchange = exchange_new(operation->client->pipeline, method, url,
                                             operation->request.audience, done);

    exchange_set_client_request_id(exchange, operation->client_request_id);
    exchange->cookies = &operation->cookies;
    exchange->deadline_ms = operation->deadline_ms;
    exchange->owner = operation;
    operation->exchange = exchange;
    operation_start_limit(operation);
    return exchange;
}

void operation_start_get(struct operation *operation, const char *url,
                         void (*done)(struct exchange *))
{
    struct exchange *exchange = new_exchange(operation, "GET", url, done);

    exchange->rank = RANK_POLL;
    exchange_start(exchange);
}

int64_t operation_end_exchange(struct operation *operation, struct failure **failure)
{
    struct transfer *transfer = &operation->exchange->transfer;
    const int64_t asked_ms = retry_after_ms(transfer);

    timer_stop(operation->client->loop, &operation->timer);
    *failure = transfer->failure;
    transfer->failure = NULL;
    reply_take(&operation->reply, transfer);
    exchange_free(operation->exchange);
    operation->exchange = NULL;
    return asked_ms;
}

/* --- the first answer ----------------------------------------------------------------- */

/* A GET that watches a resource begins to poll it when its state is not final. */
static void judge_watched(struct operation *operation)
{
    const char *state = poll_resource_state(operation->reply.body);

    if (!operation->request.watches || poll_judge_state(state) != POLL_RUNNING) {
        operation_finish(operation);
        return;
    }
    operation->method = POLL_SELF;
    operation->accepted_ms = operation_now_ms(operation);
    operation_note_state(operation, state);
    operation_schedule_poll(operation, poll_pause_ms(-1, 0, 0));
}

/* An answer of some other type is kept as it came, but not where it shall say that a write is
 * done: a proxy's page says nothing of the service. */
static bool must_be_json(const struct operation *operation)
{
    const char *method = operation->request.method;

    if (operation->request.is_text)
        return false;
    return reply_claims_json(&operation->reply) ||
           (operation->request.waits &&
            (strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0 ||
             strcmp(method, "DELETE") == 0));
}

void operation_fail_unknown(struct operation *operation)
{
    operation_fail(
        operation,
        reply_malformed(&operation->reply, "it goes on, but there is no URL to ask at"));
}

void operation_judge_first(struct operation *operation, int64_t asked_ms)
{
    struct reply *reply = &operation->reply;
    const char *url;
    /* as poll_choose() reads header fields from a transfer; nothing is copied */
    const struct transfer answer = {.status = reply->status, .fields = reply->fields};

    if (!reply_parse(reply) && must_be_json(operation)) {
        operation_fail(operation, reply_malformed(reply, "the answer is not JSON"));
        return;
    }
    if (!operation->request.waits) {
        judge_watched(operation);
        return;
    }
    operation->method =
        poll_choose(operation->request.method, &answer, reply->body, &url);
    if (operation->method == POLL_NOTHING)
        operation_finish(operation);
    else if (operation->method == POLL_IMPOSSIBLE)
        operation_fail_unknown(operation);
    else
        operation_begin_polling(operation, url, asked_ms);
}

/* Whether the answer, or that there is none, says for certain that nothing was done. */
static bool is_refusal(const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;

    if (transfer->failure != NULL)
        return exchange->is_refused ||
               (strcmp(transfer->method, "POST") == 0 && !transfer->was_sent);
    return transfer->status >= 400 && transfer->status <= 499 && transfer->status != 408;
}

static void on_answer(struct exchange *exchange)
{
    struct operation *operation = exchange->owner;
    struct failure *failure;

    operation->is_refused = is_refusal(exchange);

    const int64_t asked_ms = operation_end_exchange(operation, &failure);

    if (failure != NULL)
        operation_fail(operation, failure);
    else if (operation_was_deleted(operation))
        operation_finish(operation);
    else if (operation->reply.status >= 300)
        operation_heal_or_fail(operation, reply_refusal(&operation->reply));
    else
        operation_judge_first(operation, asked_ms);
}

/* --- starting and the rest ------------------------------------------------------------ */

static void add_headers(struct exchange *exchange,
                        const struct operation_request *request)
{
    static const char type[] = "Content-Type: ";
    bool has_type = request->body == NULL;

    for (size_t i = 0; i < OPERATION_HEADERS && request->headers[i] != NULL; i++) {
        has_type = has_type || text_has_prefix_nocase(request->headers[i], type);
        exchange_add_header(exchange, memory_copy_string(request->headers[i]));
    }
    if (!has_type)
        exchange_add_header(exchange, memory_format("%sapplication/json", type));
}

static void on_sent(struct exchange *exchange)
{
    struct operation *operation = exchange->owner;

    operation->was_sent = true;
    operation_report(operation);
}

void operation_send(struct operation *operation)
{
    const struct operation_request *request = &operation->request;

    if (operation->deadline_ms == 0)
        operation->deadline_ms = operation_now_ms(operation) + request->time_limit_ms;

    struct exchange *exchange =
        new_exchange(operation, request->method, request->url, on_answer);

    add_headers(exchange, request);
    exchange->transfer.body = request->body;
    exchange->transfer.body_length = request->body_length;
    exchange->is_repeatable = request->is_repeatable;
    exchange->step = request->step;
    exchange->action = request->action;
    exchange->sent = on_sent;
    exchange_start(exchange);
}

static void send_if_wanted(struct operation *operation)
{
    const struct operation_request *request = &operation->request;

    if (request->is_still_wanted != NULL &&
        !request->is_still_wanted(request->wanted_context)) {
        operation->was_dropped = true;
        operation_finish(operation);
    } else if (!operation_replay(operation)) {
        operation_send(operation);
    }
}

static void on_turn(struct serial_turn *turn)
{
    send_if_wanted(LIST_ENTRY(turn, struct operation, turn));
}

struct operation *operation_start(struct client *client,
                                  const struct operation_request *request)
{
    struct operation *operation = memory_new(sizeof *operation);

    waitable_init(&operation->waitable);
    operation->client = client;
    client->open_count++;
    operation->request = *request;
    if (operation->request.time_limit_ms == 0)
        operation->request.time_limit_ms = DEFAULT_LIMIT_MS;
    if (request->body != NULL && request->body_length == 0)
        operation->request.body_length = strlen(request->body);
    if (request->step == NULL) {
        operation->request.step = steps_begin(client, request);
        operation->owns_step = operation->request.step != NULL;
    }
    operation->cookies.origin = operation->request.url;
    operation->percent = -1.0;
    operation->turn.granted = on_turn;
    if (request->client_request_id[0] != '\0')
        strcpy(operation->client_request_id, request->client_request_id);
    else
        uuid_random(operation->client_request_id);

    const bool is_its_turn =
        request->serial_key == NULL ||
        serial_take(&client->serial, request->serial_key, &operation->turn);

    free(operation->request.serial_key); /* the turn has its own */
    operation->request.serial_key = NULL;
    if (is_its_turn)
        send_if_wanted(operation);
    return operation;
}

void operation_watch(struct operation *operation, operation_progress *progress,
                     void *context)
{
    operation->progress = progress;
    operation->progress_context = context;
}

struct waitable *operation_waitable(struct operation *operation)
{
    return &operation->waitable;
}

const struct failure *operation_failure(const struct operation *operation)
{
    return operation->failure;
}

bool operation_was_dropped(const struct operation *operation)
{
    return operation->was_dropped;
}

int operation_status(const struct operation *operation)
{
    return operation->reply.status;
}

const char *operation_field(const struct operation *operation, const char *name)
{
    return reply_field(&operation->reply, name);
}

const struct buffer *operation_fields(const struct operation *operation)
{
    return &operation->reply.fields;
}

const struct buffer *operation_text(const struct operation *operation)
{
    return &operation->reply.text;
}

const char *operation_url(const struct operation *operation)
{
    return operation->poll_url != NULL ? operation->poll_url : operation->request.url;
}

const cJSON *operation_body(struct operation *operation)
{
    reply_parse(&operation->reply);
    return operation->reply.body;
}

cJSON *operation_take_body(struct operation *operation)
{
    cJSON *body;

    reply_parse(&operation->reply);
    body = operation->reply.body;
    operation->reply.body = NULL;
    return body;
}

const char *operation_state(const struct operation *operation)
{
    return operation->state;
}

double operation_percent(const struct operation *operation)
{
    return operation->percent;
}

bool operation_is_accepted(const struct operation *operation)
{
    return operation->method != POLL_NOTHING;
}

bool operation_was_sent(const struct operation *operation)
{
    return operation->was_sent;
}

bool operation_may_go_on(const struct operation *operation)
{
    return operation_is_accepted(operation) ||
           (operation->exchange != NULL && exchange_may_have_effect(operation->exchange));
}

bool operation_is_refused(const struct operation *operation)
{
    return operation->is_refused;
}

void operation_release(struct operation *operation)
{
    if (operation == NULL)
        return;
    if (!operation->waitable.is_done)
        operation->client->open_count--;
    exchange_free(operation->exchange);
    timer_stop(operation->client->loop, &operation->timer);
    registration_leave(&operation->registration);
    serial_give_back(&operation->turn);
    free(operation->request.url);
    free(operation->request.body);
    for (size_t i = 0; i < OPERATION_HEADERS && operation->request.headers[i] != NULL;
         i++)
        free(operation->request.headers[i]);
    free(operation->request.label);
    free(operation->poll_url);
    free(operation->location);
    free(operation->state);
    reply_drop(&operation->reply);
    operation_drop_standby(operation);
    cookies_deinit(&operation->cookies);
    failure_free(operation->failure);
    free(operation);
}
