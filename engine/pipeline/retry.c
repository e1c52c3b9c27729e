/* engine/pipeline/retry.c - the stage that sends again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/machine_timer.h"
#include "pipeline/pipeline.h"
#include "pipeline/retry_after.h"

enum {
    FIRST_ATTEMPTS =
        3, /* while nothing has ever been answered: it may be a wrong address */
    MAX_ATTEMPTS = 7, /* about a minute of pauses */
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 60000,
    LONGEST_OUTAGE_MS = 900000, /* of a network that was there before: nothing was sent */
    DEFAULT_LIMIT_MS = 3600000  /* of an exchange that has no deadline */
};

struct retry_stage {
    struct stage stage;
    struct loop *loop;
    bool is_on_machine_time;
    int64_t first_pause_ms;
    bool has_answered; /* anybody, ever */
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

static int64_t now_ms(const struct retry_stage *own)
{
    return own->is_on_machine_time ? clock_machine_ms()
                                   : clock_now_ms(loop_clock(own->loop));
}

/* A request that got no answer. */
static bool may_repeat_unanswered(const struct retry_stage *own,
                                  const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;
    const unsigned attempts = exchange->retry.attempts;

    if (!transfer->failure->retryable || (transfer->was_sent && !is_idempotent(exchange)))
        return false;
    if (!own->has_answered)
        return attempts < FIRST_ATTEMPTS;
    return attempts < MAX_ATTEMPTS ||
           (!transfer->was_sent &&
            now_ms(own) - exchange->retry.started_ms < LONGEST_OUTAGE_MS);
}

static bool may_repeat(const struct retry_stage *own, const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;

    if (exchange->is_refused || exchange->is_sent_once)
        return false;
    if (transfer->failure != NULL)
        return may_repeat_unanswered(own, exchange);
    if (is_throttled(transfer))
        return true; /* whoever is told to wait waits */
    switch (transfer->status) {
    case 501:
    case 505:
        return false;
    case 408:
        break;
    default:
        if (transfer->status < 500)
            return false;
    }
    return is_idempotent(exchange) && exchange->retry.attempts < MAX_ATTEMPTS;
}

/* What the server asks for, else doubling pauses with the upper half left to chance. */
static int64_t choose_pause_ms(const struct retry_stage *own,
                               const struct exchange *exchange)
{
    const int64_t asked_ms = retry_after_ms(&exchange->transfer);
    int64_t pause_ms = own->first_pause_ms;

    for (unsigned i = 1; i < exchange->retry.attempts && pause_ms < LONGEST_PAUSE_MS; i++)
        pause_ms *= 2;
    if (pause_ms > LONGEST_PAUSE_MS)
        pause_ms = LONGEST_PAUSE_MS;
    pause_ms = pause_ms / 2 + random() % (pause_ms / 2);
    return asked_ms > pause_ms ? asked_ms : pause_ms;
}

static void send_again(struct exchange *exchange)
{
    exchange->retry.attempts++;
    exchange_forward(exchange);
}

static void fire(struct timer *timer)
{
    send_again(LIST_ENTRY(timer, struct exchange, retry.timer));
}

static void fire_machine(struct machine_timer *timer)
{
    send_again(LIST_ENTRY(timer, struct exchange, retry.machine_timer));
}

static void start_pause(struct retry_stage *own, struct exchange *exchange,
                        int64_t pause_ms)
{
    exchange->retry.timer.fire = fire;
    exchange->retry.machine_timer.fire = fire_machine;
    if (own->is_on_machine_time)
        machine_timer_start(own->loop, &exchange->retry.machine_timer, pause_ms);
    else
        timer_start(own->loop, &exchange->retry.timer, pause_ms);
}

static void send(struct stage *stage, struct exchange *exchange)
{
    exchange->retry.attempts = 1;
    exchange->retry.started_ms = now_ms((const struct retry_stage *)stage);
    exchange_forward(exchange);
}

static void tell(const struct transfer *transfer, int64_t pause_ms)
{
    const double pause_s = (double)pause_ms / 1000.0;
    const int length =
        (int)strcspn(transfer->url, "?"); /* a query may hold a signature */

    if (transfer->failure != NULL)
        log_line(LOG_INFO, "%s %.*s: %s; again in %.1f s", transfer->method, length,
                 transfer->url, transfer->failure->message, pause_s);
    else
        log_line(LOG_INFO, "%s %.*s: HTTP %d; again in %.1f s", transfer->method, length,
                 transfer->url, transfer->status, pause_s);
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    struct retry_stage *own = (struct retry_stage *)stage;
    const struct transfer *transfer = &exchange->transfer;

    if (transfer->status != 0)
        own->has_answered = true;
    if (!may_repeat(own, exchange)) {
        exchange_backward(exchange);
        return;
    }

    const int64_t pause_ms = choose_pause_ms(own, exchange);

    const int64_t deadline_ms = exchange->deadline_ms != 0
                                    ? exchange->deadline_ms
                                    : exchange->retry.started_ms + DEFAULT_LIMIT_MS;

    if (now_ms(own) + pause_ms > deadline_ms) {
        exchange_backward(exchange);
        return;
    }
    tell(transfer, pause_ms);
    if (is_throttled(transfer))
        exchange->retry.attempts--; /* being told to wait is no failed attempt */
    start_pause(own, exchange, pause_ms);
}

static void cancel(struct stage *stage, struct exchange *exchange)
{
    struct retry_stage *own = (struct retry_stage *)stage;

    timer_stop(own->loop, &exchange->retry.timer);
    machine_timer_stop(&exchange->retry.machine_timer);
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
    own->first_pause_ms = FIRST_PAUSE_MS;
    return &own->stage;
}

struct stage *stage_new_retry_on_machine_time(struct loop *loop, int64_t first_pause_ms)
{
    struct stage *stage = stage_new_retry(loop);
    struct retry_stage *own = (struct retry_stage *)stage;

    assert(first_pause_ms >= 2); /* half of it is left to chance */
    own->is_on_machine_time = true;
    own->first_pause_ms = first_pause_ms;
    return stage;
}
