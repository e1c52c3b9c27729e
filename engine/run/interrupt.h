/* engine/run/interrupt.h - Ctrl-C, SIGTERM and SIGHUP as events of the loop.
 *
 * Once: `asked` is called with the signal's number and 1. Again: with 2. A third time has the
 * signal's usual effect.
 * A script that computes without ever waiting is stopped by a hook. */
#ifndef MOONGATE_RUN_INTERRUPT_H
#define MOONGATE_RUN_INTERRUPT_H

#include <stdbool.h>

#include <lua.h>

struct loop;
struct scheduler;

/* Starts to listen; one at a time in a process. `scheduler` is borrowed. */
void interrupt_open(struct loop *loop, struct scheduler *scheduler,
                    void (*asked)(void *context, int number, int times), void *context);

/* Whether a task was stopped in the middle of computing since the first signal. */
bool interrupt_has_stopped(void);

/* What was asked for has been done: the next signal counts as the first. */
void interrupt_forget(void);

/* Calls `dying` before a signal ends the process; async-signal-safe. There is a keyboard then, and
 * Ctrl-C ends the process only when it is pressed a third time a second after the first or later. */
void interrupt_set_dying(void (*dying)(void));

/* Calls `stopping` with the same context once, in front of the error that stops a script that
 * computes: it may look where that is. Ends with interrupt_close(). */
void interrupt_set_stopping(void (*stopping)(void *context, lua_State *L));

/* Signals have their usual effect again. Returns how often one came, told of or not. */
int interrupt_close(void);

#endif
