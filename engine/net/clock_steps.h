/* engine/net/clock_steps.h - notices when the machine's wall clock is set.
 *
 * Linux tells it at once, also after a sleep of the machine: timerfd_create(2),
 * TFD_TIMER_CANCEL_ON_SET. Elsewhere nobody tells, and who depends on the wall clock has to look
 * at it from time to time; that is no worse than late. */
#ifndef MOONGATE_NET_CLOCK_STEPS_H
#define MOONGATE_NET_CLOCK_STEPS_H

struct clock_steps;
struct loop;

/* Calls `stepped` after each step, from the loop; it must not close this. It keeps no loop
 * turning. NULL where the system tells nothing. */
struct clock_steps *clock_steps_open(struct loop *loop, void (*stepped)(void *context),
                                     void *context);

/* Accepts NULL. */
void clock_steps_close(struct clock_steps *steps);

#endif
