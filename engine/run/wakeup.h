/* engine/run/wakeup.h - machine time, signals and keys, whatever clock a run goes by.
 *
 * Pictures move by the machine's time even under a virtual clock. Only this module sees libevent:
 * its `struct event` and ours bear the same name. */
#ifndef MOONGATE_RUN_WAKEUP_H
#define MOONGATE_RUN_WAKEUP_H

#include <stdint.h>

struct wakeup;
struct loop;

typedef void wakeup_wake(void *context);

/* A timer that is not started yet. `loop` is borrowed for its life; NULL when the system
 * has no room for it, which the other calls accept. */
struct wakeup *wakeup_new_timer(struct loop *loop, wakeup_wake *wake, void *context);

/* Watches for a signal from now on; NULL as above. */
struct wakeup *wakeup_new_signal(struct loop *loop, int signal_number, wakeup_wake *wake,
                                 void *context);

/* Watches for something to read from now on, ahead of other events. NULL also when the descriptor
 * cannot be watched: that of a file is always ready. */
struct wakeup *wakeup_new_reader(struct loop *loop, int fd, wakeup_wake *wake,
                                 void *context);

/* Wakes once, so many milliseconds of machine time from now; a start before that is
 * forgotten. */
void wakeup_start(struct wakeup *timer, int64_t delay_ms);

/* Watches again after a stop. */
void wakeup_watch(struct wakeup *wakeup);

/* It wakes nobody any more; a signal has the effect again that it had before it was watched. */
void wakeup_stop(struct wakeup *wakeup);

/* Stops it first. Accepts NULL. */
void wakeup_free(struct wakeup *wakeup);

#endif
