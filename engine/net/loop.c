/* engine/net/loop.c - the one event loop, and timers on moongate's clock. */
#include "net/loop.h"

#include <assert.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/memory.h"

struct loop {
    struct event_base *base;
    struct clock *clock;
    struct timer **heap; /* the earliest first */
    size_t heap_count, heap_capacity;
    uint64_t next_order;
    struct list deferred, idle;
    unsigned held;
    unsigned lent;               /* of those */
    struct event *alarm;         /* wakes libevent for the earliest timer */
    void (*look)(void *context); /* or NULL */
    void *look_context;
    int64_t looked_ms; /* on the machine's clock */
};

enum { LOOK_MS = 4 };

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void place(struct loop *loop, size_t index, struct timer *timer)
{
    loop->heap[index] = timer;
    timer->place = index + 1;
}

static void sift_up(struct loop *loop, size_t index)
{
    struct timer *timer = loop->heap[index];

    while (index > 0 && is_before(timer, loop->heap[(index - 1) / 2])) {
        place(loop, index, loop->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    place(loop, index, timer);
}

static void sift_down(struct loop *loop, size_t index)
{
    struct timer *timer = loop->heap[index];

    for (;;) {
        size_t child = index * 2 + 1;

        if (child >= loop->heap_count)
            break;
        if (child + 1 < loop->heap_count &&
            is_before(loop->heap[child + 1], loop->heap[child]))
            child++;
        if (!is_before(loop->heap[child], timer))
            break;
        place(loop, index, loop->heap[child]);
        index = child;
    }
    place(loop, index, timer);
}

static void on_alarm(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context; /* it only ends the wait */
}

struct loop *loop_new(struct clock *clock)
{
    struct loop *loop = memory_new(sizeof *loop);

    loop->clock = clock;
    list_init(&loop->deferred);
    list_init(&loop->idle);
    loop->base = event_base_new();
    if (loop->base != NULL && event_base_priority_init(loop->base, 2) == 0)
        loop->alarm = evtimer_new(loop->base, on_alarm, NULL);
    if (loop->alarm == NULL) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->alarm != NULL)
        event_free(loop->alarm);
    if (loop->base != NULL)
        event_base_free(loop->base);
    free(loop->heap);
    free(loop);
}

struct event_base *loop_event_base(struct loop *loop)
{
    return loop->base;
}

struct clock *loop_clock(struct loop *loop)
{
    return loop->clock;
}

void timer_start(struct loop *loop, struct timer *timer, int64_t delay_ms)
{
    assert(timer->fire != NULL && delay_ms >= 0);
    timer_stop(loop, timer);
    timer->due_ms = clock_now_ms(loop->clock) + delay_ms;
    timer->order = loop->next_order++;
    if (loop->heap_count == loop->heap_capacity) {
        loop->heap_capacity = loop->heap_capacity > 0 ? loop->heap_capacity * 2 : 64;
        loop->heap =
            memory_resize(loop->heap, loop->heap_capacity * sizeof(struct timer *));
    }
    place(loop, loop->heap_count++, timer);
    sift_up(loop, loop->heap_count - 1);
}

void timer_stop(struct loop *loop, struct timer *timer)
{
    if (timer->place == 0)
        return;

    const size_t index = timer->place - 1;
    struct timer *last = loop->heap[--loop->heap_count];

    timer->place = 0;
    if (last == timer)
        return;
    place(loop, index, last);
    if (index > 0 && is_before(last, loop->heap[(index - 1) / 2]))
        sift_up(loop, index);
    else
        sift_down(loop, index);
}

void loop_defer(struct loop *loop, struct deferred *deferred)
{
    if (!list_is_linked(&deferred->link))
        list_append(&loop->deferred, &deferred->link);
}

void loop_defer_idle(struct loop *loop, struct deferred *deferred)
{
    if (loop->clock->mode != CLOCK_VIRTUAL)
        loop_defer(loop, deferred);
    else if (!list_is_linked(&deferred->link))
        list_append(&loop->idle, &deferred->link);
}

void deferred_cancel(struct deferred *deferred)
{
    list_remove(&deferred->link);
}

void loop_hold(struct loop *loop)
{
    loop->held++;
}

void loop_release(struct loop *loop)
{
    assert(loop->held > 0);
    loop->held--;
}

/* Whether somebody waited for this time to be used up. */
static bool wake_idle(struct loop *loop)
{
    struct list *link = list_take_first(&loop->idle);

    if (link != NULL)
        list_append(&loop->deferred, link);
    return link != NULL;
}

void loop_lend(struct loop *loop)
{
    loop->lent++;
}

void loop_reclaim(struct loop *loop)
{
    assert(loop->lent > 0);
    loop->lent--;
}

/* Whether somebody waits for the outside world. A holder may be gone before what it waited
 * for knows: then more are lent than held. */
static bool is_held(const struct loop *loop)
{
    return loop->held > loop->lent;
}

void loop_set_look(struct loop *loop, void (*look)(void *context), void *context)
{
    loop->look = look;
    loop->look_context = context;
    loop->looked_ms = clock_machine_ms();
}

void loop_look(struct loop *loop)
{
    if (loop->look == NULL)
        return;

    const int64_t now_ms = clock_machine_ms();

    if (now_ms - loop->looked_ms < LOOK_MS)
        return;
    loop->looked_ms = now_ms;
    loop->look(loop->look_context);
}

static void run_deferred(struct loop *loop)
{
    struct list *link;

    while ((link = list_take_first(&loop->deferred)) != NULL) {
        struct deferred *deferred = LIST_ENTRY(link, struct deferred, link);

        deferred->run(deferred);
        loop_look(loop);
    }
}

/* Fires what is due; what a timer starts anew for now waits for the next turn. */
static void fire_due(struct loop *loop)
{
    const int64_t now_ms = clock_now_ms(loop->clock);
    const uint64_t order_end = loop->next_order;

    while (loop->heap_count > 0 && loop->heap[0]->due_ms <= now_ms &&
           loop->heap[0]->order < order_end) {
        struct timer *timer = loop->heap[0];

        timer_stop(loop, timer);
        timer->fire(timer);
        loop_look(loop);
    }
}

/* Waits for sockets and signals, and on a clock that moves by itself for the next timer. */
static void wait_for_events(struct loop *loop)
{
    if (loop->heap_count > 0 && loop->clock->mode != CLOCK_VIRTUAL) {
        const int64_t left_ms = loop->heap[0]->due_ms - clock_now_ms(loop->clock);
        /* one more, so that a clock read in whole milliseconds is past the time */
        const int64_t wait_ms =
            left_ms > 0 ? clock_machine_span_ms(loop->clock, left_ms) + 1 : 0;
        const struct timeval wait = {.tv_sec = (time_t)(wait_ms / 1000),
                                     .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};

        event_add(loop->alarm, &wait);
    }
    event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    event_del(loop->alarm);
}

bool loop_run(struct loop *loop, bool (*is_over)(void *context), void *context,
              bool keep_alive)
{
    for (;;) {
        run_deferred(loop);
        fire_due(loop);
        run_deferred(loop);
        if (is_over(context))
            return true;
        if (loop->clock->mode == CLOCK_VIRTUAL && !is_held(loop)) {
            event_base_loop(loop->base, EVLOOP_NONBLOCK);
            if (!list_is_empty(&loop->deferred) || is_held(loop) || is_over(context))
                continue;
            if (wake_idle(loop))
                continue;
            if (loop->heap_count > 0) {
                clock_advance_to(loop->clock, loop->heap[0]->due_ms);
                continue;
            }
        }
        if (loop->heap_count == 0 && loop->held == 0 && !keep_alive)
            return false;
        wait_for_events(loop);
    }
}
