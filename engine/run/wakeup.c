/* engine/run/wakeup.c - machine time, signals and keys, whatever clock a run goes by. */
#include "run/wakeup.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/memory.h"
#include "net/loop.h"

struct wakeup {
    struct event *event;
    wakeup_wake *wake;
    void *context;
};

static void on_event(evutil_socket_t fd, short events, void *context)
{
    struct wakeup *wakeup = context;

    (void)fd, (void)events;
    wakeup->wake(wakeup->context);
}

static struct wakeup *new_wakeup(struct loop *loop, int signal_number, short events,
                                 wakeup_wake *wake, void *context)
{
    struct wakeup *wakeup = memory_new(sizeof *wakeup);

    wakeup->wake = wake;
    wakeup->context = context;
    wakeup->event =
        event_new(loop_event_base(loop), signal_number, events, on_event, wakeup);
    if (wakeup->event != NULL)
        return wakeup;
    free(wakeup);
    return NULL;
}

struct wakeup *wakeup_new_timer(struct loop *loop, wakeup_wake *wake, void *context)
{
    return new_wakeup(loop, -1, 0, wake, context);
}

struct wakeup *wakeup_new_signal(struct loop *loop, int signal_number, wakeup_wake *wake,
                                 void *context)
{
    struct wakeup *wakeup =
        new_wakeup(loop, signal_number, EV_SIGNAL | EV_PERSIST, wake, context);

    wakeup_watch(wakeup);
    return wakeup;
}

static bool can_be_watched(int fd)
{
    struct stat about;

    return fstat(fd, &about) == 0 &&
           (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode) || isatty(fd));
}

struct wakeup *wakeup_new_reader(struct loop *loop, int fd, wakeup_wake *wake,
                                 void *context)
{
    if (!can_be_watched(fd))
        return NULL;

    struct wakeup *wakeup = new_wakeup(loop, fd, EV_READ | EV_PERSIST, wake, context);

    if (wakeup == NULL)
        return NULL;
    event_priority_set(wakeup->event, 0);
    if (event_add(wakeup->event, NULL) == 0)
        return wakeup;
    wakeup_free(wakeup);
    return NULL;
}

void wakeup_start(struct wakeup *timer, int64_t delay_ms)
{
    const struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                                  .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};

    if (timer != NULL)
        event_add(timer->event, &delay);
}

void wakeup_watch(struct wakeup *wakeup)
{
    if (wakeup != NULL)
        event_add(wakeup->event, NULL);
}

void wakeup_stop(struct wakeup *wakeup)
{
    if (wakeup != NULL)
        event_del(wakeup->event);
}

void wakeup_free(struct wakeup *wakeup)
{
    if (wakeup == NULL)
        return;
    event_free(wakeup->event);
    free(wakeup);
}
