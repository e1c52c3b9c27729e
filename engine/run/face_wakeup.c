/* engine/run/face_wakeup.c - machine time and signals for the faces. */
#include "run/face_wakeup.h"

#include <stdlib.h>

#include <event2/event.h>

#include "base/memory.h"
#include "net/loop.h"

struct face_wakeup {
    struct event *event;
    face_wake *wake;
    void *context;
};

static void on_event(evutil_socket_t fd, short events, void *context)
{
    struct face_wakeup *wakeup = context;

    (void)fd, (void)events;
    wakeup->wake(wakeup->context);
}

static struct face_wakeup *new_wakeup(struct loop *loop, int signal_number, short events,
                                      face_wake *wake, void *context)
{
    struct face_wakeup *wakeup = memory_new(sizeof *wakeup);

    wakeup->wake = wake;
    wakeup->context = context;
    wakeup->event =
        event_new(loop_event_base(loop), signal_number, events, on_event, wakeup);
    if (wakeup->event != NULL)
        return wakeup;
    free(wakeup);
    return NULL;
}

struct face_wakeup *face_wakeup_new_timer(struct loop *loop, face_wake *wake,
                                          void *context)
{
    return new_wakeup(loop, -1, 0, wake, context);
}

struct face_wakeup *face_wakeup_new_signal(struct loop *loop, int signal_number,
                                           face_wake *wake, void *context)
{
    struct face_wakeup *wakeup =
        new_wakeup(loop, signal_number, EV_SIGNAL | EV_PERSIST, wake, context);

    face_wakeup_watch(wakeup);
    return wakeup;
}

void face_wakeup_start(struct face_wakeup *timer, int64_t delay_ms)
{
    const struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                                  .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};

    if (timer != NULL)
        event_add(timer->event, &delay);
}

void face_wakeup_watch(struct face_wakeup *signal)
{
    if (signal != NULL)
        event_add(signal->event, NULL);
}

void face_wakeup_stop(struct face_wakeup *wakeup)
{
    if (wakeup != NULL)
        event_del(wakeup->event);
}

void face_wakeup_free(struct face_wakeup *wakeup)
{
    if (wakeup == NULL)
        return;
    event_free(wakeup->event);
    free(wakeup);
}
