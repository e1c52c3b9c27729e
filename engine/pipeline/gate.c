/* engine/pipeline/gate.c - a place where requests wait until they may go on. */
#include "pipeline/gate.h"

#include <assert.h>

enum {
    SHARERS = 15, /* all principals together may send so many times what one may */
    STUCK = BUCKET_STUCK,
    LONG_MS = 60000, /* what a poll waits before it takes turns with the calls */
    FIRST_CLOSURE_MS = 1000,
    LONGEST_CLOSURE_MS = 60000
};

static int64_t now_ms(const struct gate *gate)
{
    return clock_now_ms(loop_clock(gate->loop));
}

static struct exchange *first_of(const struct gate *gate, enum rank rank)
{
    const struct list *waiting = &gate->waiting[rank];

    return list_is_empty(waiting)
               ? NULL
               : LIST_ENTRY(waiting->next, struct exchange, budget.link);
}

/* Whose turn it is of those who wait, or NULL. */
static struct exchange *next_of(const struct gate *gate)
{
    struct exchange *call = first_of(gate, RANK_CALL);
    struct exchange *poll = first_of(gate, RANK_POLL);

    if (call == NULL || poll == NULL)
        return call != NULL ? call : poll;
    return gate->is_turn_of_polls && now_ms(gate) - poll->budget.since_ms >= LONG_MS
               ? poll
               : call;
}

/* How long until this one may go on; STUCK when somebody has to leave first. */
static int64_t wait_ms(struct gate *gate, const struct exchange *exchange)
{
    if (gate->slots > 0)
        return gate->inside < gate->slots ? 0 : STUCK;

    const unsigned cost = exchange->budget.cost;
    const int64_t own_ms = bucket_wait_ms(&gate->bucket, cost, now_ms(gate));
    const int64_t shared_ms =
        gate->has_shared ? bucket_wait_ms(&gate->shared, cost, now_ms(gate)) : 0;

    if (own_ms == STUCK || shared_ms == STUCK)
        return STUCK;
    return own_ms > shared_ms ? own_ms : shared_ms;
}

static void let_in(struct gate *gate, const struct exchange *exchange)
{
    gate->inside++;
    if (gate->slots > 0)
        return;
    bucket_take(&gate->bucket, exchange->budget.cost, now_ms(gate));
    if (gate->has_shared)
        bucket_take(&gate->shared, exchange->budget.cost, now_ms(gate));
}

static bool is_idle(const struct gate *gate)
{
    return gate->inside == 0 && next_of(gate) == NULL;
}

/* Sees to it that somebody looks when the next one may go on. */
static void schedule(struct gate *gate)
{
    const struct exchange *next = next_of(gate);
    const int64_t pause_ms = next != NULL ? wait_ms(gate, next) : STUCK;

    if (pause_ms == 0 || (gate->idle != NULL && is_idle(gate)))
        loop_defer(gate->loop, &gate->look);
    else if (pause_ms > 0 &&
             (gate->timer.place == 0 || gate->timer.due_ms != now_ms(gate) + pause_ms))
        timer_start(gate->loop, &gate->timer, pause_ms);
}

/* Lets go on who may. What that brings about (an answer at once, a new request) comes back
 * here through the loop, so nothing is torn away below us and no stack grows. */
static void look(struct gate *gate)
{
    struct exchange *next;

    while ((next = next_of(gate)) != NULL && wait_ms(gate, next) == 0) {
        list_remove(&next->budget.link);
        gate->is_turn_of_polls = next->rank == RANK_CALL;
        let_in(gate, next);
        gate->passed(gate, next);
    }
    if (next == NULL && gate->idle != NULL && gate->inside == 0)
        gate->idle(gate); /* may free it */
    else
        schedule(gate);
}

static void look_deferred(struct deferred *deferred)
{
    look(LIST_ENTRY(deferred, struct gate, look));
}

static void look_at_time(struct timer *timer)
{
    look(LIST_ENTRY(timer, struct gate, timer));
}

static void init(struct gate *gate, struct loop *loop)
{
    gate->loop = loop;
    gate->closed_ms = -1;
    gate->timer.fire = look_at_time;
    gate->look.run = look_deferred;
    for (size_t rank = 0; rank < RANK_COUNT; rank++)
        list_init(&gate->waiting[rank]);
}

void gate_init_slots(struct gate *gate, struct loop *loop, unsigned slots)
{
    init(gate, loop);
    gate->slots = slots;
}

void gate_init_tokens(struct gate *gate, struct loop *loop,
                      const struct request_limit *limit)
{
    init(gate, loop);
    gate->limit = limit;
    bucket_init(&gate->bucket, limit, 1, now_ms(gate));
}

void gate_deinit(struct gate *gate)
{
    assert(is_idle(gate));
    timer_stop(gate->loop, &gate->timer);
    deferred_cancel(&gate->look);
}

bool gate_enter(struct gate *gate, struct exchange *exchange)
{
    if (next_of(gate) == NULL && wait_ms(gate, exchange) == 0) {
        let_in(gate, exchange);
        return true;
    }
    exchange->budget.since_ms = now_ms(gate);
    list_append(&gate->waiting[exchange->rank], &exchange->budget.link);
    schedule(gate);
    return false;
}

void gate_give_up(struct gate *gate, struct exchange *exchange)
{
    list_remove(&exchange->budget.link);
    schedule(gate);
}

void gate_note_sent(const struct gate *gate, struct exchange *exchange)
{
    exchange->budget.since_ms = now_ms(gate);
    exchange->budget.over = gate->bucket.over;
}

void gate_leave(struct gate *gate, const struct exchange *exchange, bool was_sent)
{
    void (*const settle)(struct bucket *, unsigned, int64_t) =
        was_sent ? bucket_settle : bucket_refund;

    gate->inside--;
    if (gate->slots == 0) {
        settle(&gate->bucket, exchange->budget.cost, now_ms(gate));
        if (gate->has_shared)
            settle(&gate->shared, exchange->budget.cost, now_ms(gate));
    }
    schedule(gate);
}

void gate_close(struct gate *gate, const struct exchange *exchange, int64_t asked_ms)
{
    int64_t pause_ms = FIRST_CLOSURE_MS;

    /* those that were under way when the first one came back are of the same refusal */
    if (exchange->budget.since_ms > gate->closed_ms)
        gate->refusals++;
    gate->closed_ms = now_ms(gate);
    for (unsigned i = 1; i < gate->refusals && pause_ms < LONGEST_CLOSURE_MS; i++)
        pause_ms *= 2;
    if (pause_ms > LONGEST_CLOSURE_MS)
        pause_ms = LONGEST_CLOSURE_MS;
    bucket_close(&gate->bucket, now_ms(gate) + (asked_ms > 0 ? asked_ms : pause_ms));
    schedule(gate);
}

void gate_note_served(struct gate *gate, const struct exchange *exchange)
{
    if (exchange->budget.since_ms > gate->closed_ms)
        gate->refusals = 0;
}

/* What has been under way beside it: what was when it was sent, and all that went out since. */
static int64_t others_of(const struct gate *gate, const struct exchange *exchange)
{
    return gate->bucket.sent - exchange->budget.over - exchange->budget.cost;
}

void gate_correct(struct gate *gate, const struct exchange *exchange, int64_t remaining)
{
    bucket_correct(&gate->bucket, remaining, others_of(gate, exchange),
                   exchange->budget.since_ms, now_ms(gate));
}

void gate_correct_shared(struct gate *gate, const struct exchange *exchange,
                         int64_t remaining)
{
    if (!gate->has_shared) {
        gate->has_shared = true;
        bucket_init(&gate->shared, gate->limit, SHARERS, now_ms(gate));
        gate->shared.sent = gate->bucket.sent;
        gate->shared.over = gate->bucket.over;
    }
    bucket_correct(&gate->shared, remaining, others_of(gate, exchange),
                   exchange->budget.since_ms, now_ms(gate));
}
