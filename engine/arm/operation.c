/* engine/arm/operation.c - one request to the service, followed until it is really over. */
#include "arm/operation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/poll.h"
#include "arm/refusal.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "pipeline/retry_after.h"

enum {
    LOST_POLL_PAUSE_MS = 30000, /* a poll that got no answer is asked again after this */
    MISSING_POLL_LIMIT = 5,     /* a monitor may take a moment to be known everywhere */
    WAIT_FOR_SELF_MS = 120000   /* and a new resource longer */
};

struct operation {
    struct waitable waitable;
    struct client *client;
    struct operation_request request;
    struct serial_turn turn;
    struct exchange *exchange; /* the request that is under way, or NULL */
    struct timer timer;        /* until the next one */
    operation_progress *progress;
    void *progress_context;

    enum poll_method method; /* POLL_NOTHING until the first answer asks for more */
    char *poll_url, *location, *state;
    double percent;
    int64_t accepted_ms; /* when the first answer came, on the loop's clock */
    int64_t refused_ms;  /* when it was first refused for a passing reason; or 0 */
    unsigned polls, missed, refusals;
    bool is_final_get, was_dropped;

    int status;
    struct buffer fields, text;
    cJSON *body;
    bool body_is_parsed;
    struct failure *failure;
};

static void send(struct operation *operation);
static void poll(struct operation *operation);

/* --- the end -------------------------------------------------------------------------- */

static void finish(struct operation *operation)
{
    if (operation->failure != NULL) {
        if (operation->failure->operation == NULL)
            operation->failure->operation = memory_copy_string(operation->request.label);
        if (operation->failure->target == NULL)
            operation->failure->target = memory_copy_string(operation->request.url);
    }
    serial_give_back(&operation->turn);
    waitable_finish(&operation->waitable);
}

static void fail(struct operation *operation, struct failure *failure)
{
    operation->failure = failure;
    finish(operation);
}

/* While it waits, maybe for hours, an operation keeps no answer. */
static void drop_answer(struct operation *operation)
{
    buffer_deinit(&operation->fields);
    buffer_deinit(&operation->text);
    cJSON_Delete(operation->body);
    operation->body = NULL;
    operation->body_is_parsed = false;
}

/* Takes the answer out of the exchange, which is over. */
static void keep_answer(struct operation *operation)
{
    struct transfer *transfer = &operation->exchange->transfer;

    drop_answer(operation);
    operation->status = transfer->status;
    operation->fields = transfer->fields;
    operation->text = transfer->answer;
    transfer->fields = transfer->answer = (struct buffer){0};
    exchange_free(operation->exchange);
    operation->exchange = NULL;
}

/* Parses the body once; false when there is text that is no JSON. */
static bool parse_body(struct operation *operation)
{
    if (!operation->body_is_parsed && operation->text.length > 0)
        operation->body = json_parse(operation->text.data, operation->text.length, NULL);
    operation->body_is_parsed = true;
    return operation->body != NULL || operation->text.length == 0;
}

static struct failure *refusal_of_answer(struct operation *operation)
{
    parse_body(operation);
    return refusal_from_answer(operation->status, operation->body, operation->text.data,
                               operation_field(operation, "x-ms-request-id"));
}

static struct failure *malformed(const struct operation *operation, const char *what)
{
    struct failure *failure =
        failure_new("ProtocolError", "%s (HTTP %d, %zu bytes)", what, operation->status,
                    operation->text.length);

    failure->request_id =
        memory_copy_string(operation_field(operation, "x-ms-request-id"));
    return failure;
}

/* --- polling -------------------------------------------------------------------------- */

static int64_t now_ms(const struct operation *operation)
{
    return clock_now_ms(loop_clock(operation->client->loop));
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = memory_copy_string(text);
}

static void fire_poll(struct timer *timer)
{
    poll(LIST_ENTRY(timer, struct operation, timer));
}

static void schedule_poll(struct operation *operation, int64_t pause_ms)
{
    drop_answer(operation);
    operation->timer.fire = fire_poll;
    timer_start(operation->client->loop, &operation->timer, pause_ms);
}

static void report(struct operation *operation)
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

/* What the resource is becoming, or else what it is. */
static const char *told_state(const cJSON *body)
{
    const char *target = json_string_at(body, "properties.targetProvisioningState");

    return target != NULL && target[0] != '\0' ? target : poll_resource_state(body);
}

static void note_state(struct operation *operation, const char *state)
{
    if (state != NULL && operation->state != NULL && is_plain(state))
        state = NULL;

    const double percent = json_number_at(operation->body, "percentComplete", -1.0);
    const bool is_new = state != NULL && (operation->state == NULL ||
                                          strcmp(operation->state, state) != 0);

    if (is_new)
        set_text(&operation->state, state);
    if (is_new || percent != operation->percent) {
        operation->percent = percent;
        report(operation);
    }
}

/* A URL that an answer gave, made absolute: relative ones belong to the request's origin
 * (RFC 3986, 5.2; only the path-absolute form is met). */
static char *resolve(const struct operation *operation, const char *url)
{
    if (url == NULL)
        return memory_copy_string(operation->request.url);
    if (url[0] != '/')
        return memory_copy_string(url);

    const char *host = strstr(operation->request.url, "://");
    const size_t origin =
        (size_t)(host - operation->request.url) + 3 + strcspn(host + 3, "/?#");

    return memory_format("%.*s%s", (int)origin, operation->request.url, url);
}

static void follow(struct operation *operation, const struct transfer *answer)
{
    const char *field =
        operation->method == POLL_LOCATION ? "location" : "azure-asyncoperation";
    const char *url = transfer_field(answer, field);

    if (operation->method != POLL_MONITOR && operation->method != POLL_LOCATION)
        return;
    if (url == NULL && operation->method == POLL_MONITOR)
        url = transfer_field(answer, "operation-location");
    if (url != NULL) {
        free(operation->poll_url);
        operation->poll_url = resolve(operation, url);
    }
}

static void start_get(struct operation *operation, const char *url);

static bool has_result(const struct operation *operation)
{
    return operation->method == POLL_LOCATION || operation->method == POLL_SELF ||
           operation->method == POLL_ABSENCE ||
           strcmp(operation->request.method, "DELETE") == 0;
}

/* A monitor said "Succeeded"; the result is elsewhere. */
static void fetch_result(struct operation *operation)
{
    const char *via = operation->request.final_state_via;
    const bool is_post = strcmp(operation->request.method, "POST") == 0;
    const char *elsewhere = json_string_at(operation->body, "resourceLocation");
    char *url = NULL;

    if (elsewhere != NULL)
        url = resolve(operation, elsewhere);
    else if (!is_post)
        url = memory_copy_string(operation->request.url);
    else if (via != NULL && strcmp(via, "original-uri") == 0)
        url = memory_copy_string(operation->request.url);
    else if (operation->location != NULL && (via == NULL || strcmp(via, "location") == 0))
        url = memory_copy_string(operation->location);
    if (url == NULL) {
        finish(operation); /* the monitor's own body is the result */
        return;
    }
    operation->is_final_get = true;
    free(operation->poll_url);
    operation->poll_url = url;
    start_get(operation, operation->poll_url);
}

static struct failure *failure_of_monitor(struct operation *operation,
                                          enum poll_verdict verdict)
{
    const cJSON *error = json_at(operation->body, "error");
    const char *code = verdict == POLL_CANCELED ? "Canceled" : "OperationFailed";
    struct failure *failure;

    if (error == NULL)
        error = json_at(operation->body, "properties.error");
    if (cJSON_IsObject(error))
        failure = refusal_from_error(error, code);
    else
        failure = failure_new(code, "the operation ended as '%s' without an explanation",
                              operation->state != NULL ? operation->state : "failed");
    failure->request_id =
        memory_copy_string(operation_field(operation, "x-ms-request-id"));
    return failure;
}

static void fire_send(struct timer *timer)
{
    send(LIST_ENTRY(timer, struct operation, timer));
}

/* Sends the write again later when its refusal is of the passing kind; takes the failure. */
static void heal_or_fail(struct operation *operation, struct failure *failure)
{
    int64_t pause_ms, longest_ms;

    if (operation->refusals == 0)
        operation->refused_ms = now_ms(operation);
    if (strcmp(operation->request.method, "GET") == 0 ||
        strcmp(operation->request.method, "HEAD") == 0 ||
        !refusal_heals(failure, operation->refusals + 1, &pause_ms, &longest_ms) ||
        now_ms(operation) - operation->refused_ms > longest_ms) {
        fail(operation, failure);
        return;
    }
    operation->refusals++;
    log_line(LOG_INFO, "%s: %s; again in %.0f s", operation->request.label, failure->code,
             (double)pause_ms / 1000.0);
    set_text(&operation->state, failure->code);
    failure_free(failure);
    report(operation);
    operation->method = POLL_NOTHING;
    operation->timer.fire = fire_send;
    timer_start(operation->client->loop, &operation->timer, pause_ms);
}

static void judge_poll(struct operation *operation, int64_t asked_ms)
{
    const char *state;

    if (!parse_body(operation)) {
        fail(operation, malformed(operation, "the answer to a poll is not JSON"));
        return;
    }

    const enum poll_verdict verdict =
        poll_judge(operation->method, operation->request.method, operation->status,
                   operation->body, operation->text.length > 0, &state);

    note_state(operation, state);
    switch (verdict) {
    case POLL_RUNNING:
        schedule_poll(operation,
                      poll_pause_ms(asked_ms, now_ms(operation) - operation->accepted_ms,
                                    operation->polls));
        break;
    case POLL_SUCCEEDED:
        if (has_result(operation))
            finish(operation);
        else
            fetch_result(operation);
        break;
    case POLL_FAILED:
    case POLL_CANCELED:
        heal_or_fail(operation, failure_of_monitor(operation, verdict));
        break;
    case POLL_MALFORMED:
        fail(operation, malformed(operation, "the answer to a poll tells no state"));
        break;
    }
}

/* A poll that was not answered as it should be says nothing of the operation itself. */
static void judge_refused_poll(struct operation *operation)
{
    const bool is_deletion = strcmp(operation->request.method, "DELETE") == 0;
    const int64_t age_ms = now_ms(operation) - operation->accepted_ms;
    const bool may_appear = operation->method == POLL_SELF
                                ? age_ms < WAIT_FOR_SELF_MS
                                : operation->missed < MISSING_POLL_LIMIT;

    operation->missed++;
    if (operation->status == 404 && is_deletion && operation->method != POLL_MONITOR) {
        finish(operation); /* what was to be deleted is gone */
    } else if (operation->status == 404 && may_appear && !operation->is_final_get &&
               !operation->request.watches) {
        schedule_poll(operation, 10000);
    } else if (operation->status == 408 || operation->status == 429 ||
               operation->status >= 500) {
        schedule_poll(operation, LOST_POLL_PAUSE_MS);
    } else {
        struct failure *failure = refusal_of_answer(operation);

        if (operation->is_final_get) {
            char *message = memory_format(
                "it was done, but the result cannot be read: %s", failure->message);

            free(failure->message);
            failure->message = message;
        }
        fail(operation, failure);
    }
}

static void on_poll(struct exchange *exchange)
{
    struct operation *operation = exchange->owner;
    const int64_t asked_ms = retry_after_ms(&exchange->transfer);

    operation->polls++;
    if (exchange->transfer.failure != NULL) {
        struct failure *failure = failure_copy(exchange->transfer.failure);
        const bool is_passing = failure->retryable;

        exchange_free(exchange);
        operation->exchange = NULL;
        if (is_passing) { /* the service goes on; so does the wait */
            log_line(LOG_INFO, "%s: a poll got no answer: %s", operation->request.label,
                     failure->message);
            failure_free(failure);
            schedule_poll(operation, LOST_POLL_PAUSE_MS);
        } else {
            fail(operation, failure);
        }
        return;
    }
    if (exchange->transfer.status < 300)
        follow(operation, &exchange->transfer);
    keep_answer(operation);
    if (operation->status >= 300)
        judge_refused_poll(operation);
    else if (operation->is_final_get)
        finish(operation);
    else
        judge_poll(operation, asked_ms);
}

static void start_get(struct operation *operation, const char *url)
{
    operation->exchange = exchange_new(operation->client->pipeline, "GET", url,
                                       operation->request.audience, on_poll);
    operation->exchange->owner = operation;
    exchange_start(operation->exchange);
}

static void poll(struct operation *operation)
{
    start_get(operation,
              operation->poll_url != NULL ? operation->poll_url : operation->request.url);
}

/* --- the first answer ----------------------------------------------------------------- */

static void begin_polling(struct operation *operation, const struct transfer *answer,
                          const char *url, int64_t asked_ms)
{
    const char *location = transfer_field(answer, "location");

    operation->accepted_ms = now_ms(operation);
    free(operation->poll_url);
    operation->poll_url = url != NULL ? resolve(operation, url) : NULL;
    free(operation->location);
    /* only a POST has its result there */
    operation->location =
        location != NULL && strcmp(operation->request.method, "POST") == 0
            ? resolve(operation, location)
            : NULL;
    note_state(operation, told_state(operation->body));
    report(operation);
    schedule_poll(operation, poll_pause_ms(asked_ms, 0, 0));
}

/* A GET that watches a resource begins to poll it when its state is not final. */
static void judge_watched(struct operation *operation)
{
    const char *state = poll_resource_state(operation->body);

    if (!operation->request.watches || poll_judge_state(state) != POLL_RUNNING) {
        finish(operation);
        return;
    }
    operation->method = POLL_SELF;
    operation->accepted_ms = now_ms(operation);
    note_state(operation, state);
    schedule_poll(operation, poll_pause_ms(-1, 0, 0));
}

static void judge_first(struct operation *operation, int64_t asked_ms)
{
    const char *url;
    /* as poll_choose() reads header fields from a transfer; nothing is copied */
    const struct transfer answer = {.status = operation->status,
                                    .fields = operation->fields};

    if (!parse_body(operation)) {
        fail(operation, malformed(operation, "the answer is not JSON"));
        return;
    }
    if (!operation->request.waits) {
        judge_watched(operation);
        return;
    }
    operation->method =
        poll_choose(operation->request.method, &answer, operation->body, &url);
    if (operation->method == POLL_NOTHING)
        finish(operation);
    else if (operation->method == POLL_IMPOSSIBLE)
        fail(operation,
             malformed(operation, "it goes on, but there is no URL to ask at"));
    else
        begin_polling(operation, &answer, url, asked_ms);
}

static void on_answer(struct exchange *exchange)
{
    struct operation *operation = exchange->owner;
    const int64_t asked_ms = retry_after_ms(&exchange->transfer);

    if (exchange->transfer.failure != NULL) {
        struct failure *failure = failure_copy(exchange->transfer.failure);

        exchange_free(exchange);
        operation->exchange = NULL;
        fail(operation, failure);
        return;
    }
    keep_answer(operation);
    if (operation->status >= 300)
        heal_or_fail(operation, refusal_of_answer(operation));
    else
        judge_first(operation, asked_ms);
}

/* --- starting and the rest ------------------------------------------------------------ */

static void send(struct operation *operation)
{
    const struct operation_request *request = &operation->request;
    struct exchange *exchange = exchange_new(operation->client->pipeline, request->method,
                                             request->url, request->audience, on_answer);

    for (size_t i = 0; i < OPERATION_HEADERS && request->headers[i] != NULL; i++)
        exchange_add_header(exchange, memory_copy_string(request->headers[i]));
    if (request->body != NULL) {
        exchange_add_header(
            exchange, memory_format("Content-Type: %s", request->content_type != NULL
                                                            ? request->content_type
                                                            : "application/json"));
        exchange->transfer.body = request->body;
        exchange->transfer.body_length = strlen(request->body);
    }
    exchange->is_repeatable = request->is_repeatable;
    exchange->owner = operation;
    operation->exchange = exchange;
    exchange_start(exchange);
}

static void send_if_wanted(struct operation *operation)
{
    const struct operation_request *request = &operation->request;

    if (request->is_still_wanted != NULL &&
        !request->is_still_wanted(request->wanted_context)) {
        operation->was_dropped = true;
        finish(operation);
    } else {
        send(operation);
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
    operation->request = *request;
    operation->percent = -1.0;
    operation->turn.granted = on_turn;

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
    return operation->status;
}

const char *operation_field(const struct operation *operation, const char *name)
{
    const struct transfer answer = {.fields = operation->fields};

    return transfer_field(&answer, name);
}

const struct buffer *operation_fields(const struct operation *operation)
{
    return &operation->fields;
}

const struct buffer *operation_text(const struct operation *operation)
{
    return &operation->text;
}

const cJSON *operation_body(struct operation *operation)
{
    parse_body(operation);
    return operation->body;
}

cJSON *operation_take_body(struct operation *operation)
{
    cJSON *body;

    parse_body(operation);
    body = operation->body;
    operation->body = NULL;
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

void operation_release(struct operation *operation)
{
    if (operation == NULL)
        return;
    exchange_free(operation->exchange);
    timer_stop(operation->client->loop, &operation->timer);
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
    buffer_deinit(&operation->fields);
    buffer_deinit(&operation->text);
    cJSON_Delete(operation->body);
    failure_free(operation->failure);
    free(operation);
}
