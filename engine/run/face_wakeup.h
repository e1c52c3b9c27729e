/* engine/run/face_wakeup.h - machine time and signals for the faces.
 *
 * Pictures move by the machine's time, whatever clock a run goes by, so they use
 * libevent's timers and not the loop's. Only this module sees libevent: its `struct
 * event` and ours bear the same name. */
#ifndef MOONGATE_RUN_FACE_WAKEUP_H
#define MOONGATE_RUN_FACE_WAKEUP_H

#include <stdint.h>

struct face_wakeup;
struct loop;

typedef void face_wake(void *context);

/* A timer that is not started yet. `loop` is borrowed for its life; NULL when the system
 * has no room for it, which the other calls accept. */
struct face_wakeup *face_wakeup_new_timer(struct loop *loop, face_wake *wake,
                                          void *context);

/* Watches for a signal from now on. */
struct face_wakeup *face_wakeup_new_signal(struct loop *loop, int signal_number,
                                           face_wake *wake, void *context);

/* Wakes once, so many milliseconds of machine time from now; a start before that is
 * forgotten. */
void face_wakeup_start(struct face_wakeup *timer, int64_t delay_ms);

/* Watches again after a stop. */
void face_wakeup_watch(struct face_wakeup *signal);

/* A signal has the effect again that it had before it was watched. */
void face_wakeup_stop(struct face_wakeup *wakeup);

void face_wakeup_free(struct face_wakeup *wakeup);

#endif
