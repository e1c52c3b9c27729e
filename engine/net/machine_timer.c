/* engine/net/machine_timer.c - timers on the machine's own time. */
#include "net/machine_timer.h"

#include <assert.h>
#include <stddef.h>

#include <event2/event.h>

#include "net/loop.h"

static void on_time(evutil_socket_t fd, short events, void *context)
{
    struct machine_timer *timer = context;

    (void)fd, (void)events;
    machine_timer_stop(timer);
    timer->fire(timer);
}

void machine_timer_start(struct loop *loop, struct machine_timer *timer, int64_t delay_ms)
{
    const struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                                  .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};

    assert(timer->fire != NULL && delay_ms >= 0);
    machine_timer_stop(timer);
    timer->event = evtimer_new(loop_event_base(loop), on_time, timer);
    assert(timer->event != NULL);
    if (timer->goes_first)
        event_priority_set(timer->event, 0);
    event_add(timer->event, &delay);
}

void machine_timer_stop(struct machine_timer *timer)
{
    if (timer->event != NULL)
        event_free(timer->event);
    timer->event = NULL;
}
