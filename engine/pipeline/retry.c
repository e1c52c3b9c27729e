/* engine/pipeline/retry.c - the stage that sends again. */
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "pipeline/pipeline.h"
#include "pipeline/retry_after.h"

enum {
    MAX_ATTEMPTS = 3,
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 60000,
    LONGEST_THROTTLE_MS =
        3600000 /* in all: who is told to wait waits, but not for ever */
};

struct retry_stage {
    struct stage stage;
    struct loop *loop;
};

/* The same request twice has the effect of one (RFC 9110, 9.2.2; PATCH on ARM sets values,
 * so it counts). */
static bool is_idempotent(const struct exchange *exchange)
{
    return strcmp(exchange->transfer.method, "POST") != 0 || exchange->is_repeatable;
}

/* The server did not run it, and says when to come again. */
static bool is_throttled(const struct transfer *transfer)
{
    return transfer->status == 429 ||
           (transfer->status == 503 && retry_after_ms(transfer) >= 0);
}

static bool may_repeat(const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;

    if (exchange->is_refused || exchange->is_sent_once)
        return false;
    if (transfer->failure != NULL)
        return transfer->failure->retryable &&
               (!transfer->was_sent || is_idempotent(exchange)) &&
               exchange->retry.attempts < MAX_ATTEMPTS;
    if (is_throttled(transfer))
        return exchange->retry.waited_ms < LONGEST_THROTTLE_MS;
    switch (transfer->status) {
    case 408:
    case 500:
    case 502:
    case 503:
    case 504:
        return is_idempotent(exchange) && exchange->retry.attempts < MAX_ATTEMPTS;
    default:
        return false;
    }
}

/* What the server asks for, else doubling pauses with the upper half left to chance. */
static int64_t choose_pause_ms(const struct exchange *exchange)
{
    const int64_t asked_ms = retry_after_ms(&exchange->transfer);
    int64_t pause_ms = FIRST_PAUSE_MS;

    for (unsigned i = 1; i < exchange->retry.attempts && pause_ms < LONGEST_PAUSE_MS; i++)
        pause_ms *= 2;
    if (pause_ms > LONGEST_PAUSE_MS)
        pause_ms = LONGEST_PAUSE_MS;
    pause_ms = pause_ms / 2 + random() % (pause_ms / 2);
    return asked_ms > pause_ms ? asked_ms : pause_ms;
}

static void fire(struct timer *timer)
{
    struct exchange *exchange = LIST_ENTRY(timer, struct exchange, retry.timer);

    exchange->retry.attempts++;
    exchange_forward(exchange);
}

static void send(struct stage *stage, struct exchange *exchange)
{
    (void)stage;
    exchange->retry.attempts = 1;
    exchange_forward(exchange);
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    struct retry_stage *own = (struct retry_stage *)stage;

    if (!may_repeat(exchange)) {
        exchange_backward(exchange);
        return;
    }

    const struct transfer *transfer = &exchange->transfer;
    const int64_t pause_ms = choose_pause_ms(exchange);

    if (transfer->failure != NULL)
        log_line(LOG_INFO, "%s %s: %s; again in %.1f s", transfer->method, transfer->url,
                 transfer->failure->message, (double)pause_ms / 1000.0);
    else
        log_line(LOG_INFO, "%s %s: HTTP %d; again in %.1f s", transfer->method,
                 transfer->url, transfer->status, (double)pause_ms / 1000.0);
    if (is_throttled(transfer))
        exchange->retry.attempts--; /* being told to wait is no failed attempt */
    exchange->retry.waited_ms += pause_ms;
    exchange->retry.timer.fire = fire;
    timer_start(own->loop, &exchange->retry.timer, pause_ms);
}

static void cancel(struct stage *stage, struct exchange *exchange)
{
    struct retry_stage *own = (struct retry_stage *)stage;

    timer_stop(own->loop, &exchange->retry.timer);
}

static void release(struct stage *stage)
{
    free(stage);
}

struct stage *stage_new_retry(struct loop *loop)
{
    struct retry_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){.name = "retry",
                                .send = send,
                                .answered = answered,
                                .cancel = cancel,
                                .free = release};
    own->loop = loop;
    return &own->stage;
}
