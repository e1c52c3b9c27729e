/* engine/net/loop.h - the one event loop, and timers on moongate's clock.
 *
 * Sockets and signals are libevent's; timers are ours, because a virtual clock must know the
 * next one. While nobody holds the loop (no request is under way) and nothing else is ready,
 * a virtual clock jumps to the next timer. Not thread-safe: one thread, one loop. */
#ifndef MOONGATE_NET_LOOP_H
#define MOONGATE_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"

struct event_base;
struct loop;

/* A moment to be woken at. Zero it before its first use; it is the owner's memory and must
 * be stopped before that goes away. */
struct timer {
    void (*fire)(struct timer *timer); /* may start it again or free it */
    int64_t due_ms;                    /* on the loop's clock */
    uint64_t order; /* equal times fire in the order they were started */
    size_t place;   /* 1 + its index in the heap; 0 when it is not started */
};

/* Work to be done at the next turn, outside of the caller's stack. Zero it before use. */
struct deferred {
    struct list link;
    void (*run)(struct deferred *deferred);
};

/* `clock` is borrowed for the life of the loop. NULL when the system gives no event base. */
struct loop *loop_new(struct clock *clock);
void loop_free(struct loop *loop);

struct event_base *loop_event_base(struct loop *loop);
struct clock *loop_clock(struct loop *loop);

/* Starts or restarts it, `delay_ms` (0 or more) from now. */
void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms);

/* Nothing happens when it is not started. */
void timer_stop(struct loop *loop, struct timer *timer);

/* Queues it, once, however often it is called before it runs. */
void loop_defer(struct loop *loop, struct deferred *deferred);
void deferred_cancel(struct deferred *deferred);

/* While work goes on without a break, `look` is called every few milliseconds: for a keyboard,
 * which must not wait. NULL: no more. */
void loop_set_look(struct loop *loop, void (*look)(void *context), void *context);

/* For those who do many things in one go, between two of them. */
void loop_look(struct loop *loop);

/* Queues it for the moment when nothing is left to do at this time: a virtual clock is about
 * to jump. The other clocks know no such moment; there it is as loop_defer(). */
void loop_defer_idle(struct loop *loop, struct deferred *deferred);

/* While held, a virtual clock stands still: somebody waits for the outside world. */
void loop_hold(struct loop *loop);
void loop_release(struct loop *loop);

/* For one of those who hold it: what they wait for is only a timer of this loop. While this is
 * so of all, a virtual clock jumps on. */
void loop_lend(struct loop *loop);
void loop_reclaim(struct loop *loop);

/* Turns until `is_over` says so. Returns false when nothing can happen any more: no timer,
 * no held loop, no deferred work, and no `keep_alive`. */
bool loop_run(struct loop *loop, bool (*is_over)(void *context), void *context,
              bool keep_alive);

#endif
