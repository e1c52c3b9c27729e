/* engine/net/machine_timer.h - timers on the machine's own time, whatever clock is in use.
 *
 * For what other machines go by, such as leases: a clock that jumps or runs fast is no good
 * there. One that is started keeps no loop turning and holds no virtual clock: who needs that
 * holds the loop. */
#ifndef MOONGATE_NET_MACHINE_TIMER_H
#define MOONGATE_NET_MACHINE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct event;
struct loop;

/* Zero it before its first use; it is the owner's memory and must be stopped before that goes
 * away. */
struct machine_timer {
    void (*fire)(struct machine_timer *timer); /* may start it again or free it */
    bool goes_first;     /* before all else that is due in the same turn of the loop */
    struct event *event; /* NULL: it is not started */
};

/* Starts or restarts it, `delay_ms` (0 or more) from now. */
void machine_timer_start(struct loop *loop, struct machine_timer *timer,
                         int64_t delay_ms);

/* Nothing happens when it is not started. */
void machine_timer_stop(struct machine_timer *timer);

#endif
