/* engine/net/clock_steps.c - notices when the machine's wall clock is set. */
#include "net/clock_steps.h"

#include <stddef.h>

#ifdef __linux__

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/memory.h"
#include "net/loop.h"

struct clock_steps {
    int fd;
    struct event *event;
    void (*stepped)(void *context);
    void *context;
};

/* Only a timer that is armed, for a moment on the wall clock, is cancelled by a step; this one
 * would fire in some hundred years. */
static bool arm(int fd)
{
    const struct itimerspec never = {
        .it_value.tv_sec = (time_t)((uint64_t)1 << (sizeof(time_t) > 4 ? 33 : 31)) - 1};

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
                           NULL) == 0;
}

/* Armed anew before it is told: a step in the meantime is told as well. */
static void on_ready(evutil_socket_t fd, short events, void *context)
{
    struct clock_steps *steps = context;
    uint64_t count;

    (void)events;
    if (read((int)fd, &count, sizeof count) < 0 && errno == EAGAIN)
        return;
    if (!arm((int)fd))
        event_del(steps->event); /* it would be ready for ever */
    steps->stepped(steps->context);
}

struct clock_steps *clock_steps_open(struct loop *loop, void (*stepped)(void *context),
                                     void *context)
{
    const int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    struct clock_steps *steps;

    if (fd < 0)
        return NULL;
    steps = memory_new(sizeof *steps);
    *steps = (struct clock_steps){.fd = fd, .stepped = stepped, .context = context};
    steps->event =
        event_new(loop_event_base(loop), fd, EV_READ | EV_PERSIST, on_ready, steps);
    if (steps->event != NULL && arm(fd) && event_add(steps->event, NULL) == 0)
        return steps;
    clock_steps_close(steps);
    return NULL;
}

void clock_steps_close(struct clock_steps *steps)
{
    if (steps == NULL)
        return;
    if (steps->event != NULL)
        event_free(steps->event);
    close(steps->fd);
    free(steps);
}

#else /* nobody tells */

struct clock_steps *clock_steps_open(struct loop *loop, void (*stepped)(void *context),
                                     void *context)
{
    (void)loop, (void)stepped, (void)context;
    return NULL;
}

void clock_steps_close(struct clock_steps *steps)
{
    (void)steps;
}

#endif
