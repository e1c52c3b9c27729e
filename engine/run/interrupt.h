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

/* From now on `taken` is told of each signal, from the loop, and nobody is `asked`; no script is
 * stopped. A third SIGINT or SIGTERM has its usual effect. False when nobody listens or somebody has
 * taken them already. Ends with interrupt_close(). */
bool interrupt_take(void (*taken)(void *taker, int number), void *taker);

/* Nothing happens when it has not taken them, or does not have them any more. */
void interrupt_give_back(const void *taker);

/* Signals have their usual effect again. Returns how often one came, told of or not, that nobody
 * had taken. */
int interrupt_close(void);

#endif
