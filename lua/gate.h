/* lua/gate.h - writes of a script whose run is stepped into (run/past.h): they may have to wait for
 * their turn. In any other run the gate is open.
 *
 *     switch (gate_ask(L, held, &write, subject, is_let_go, &failure)) {
 *     case PAST_HOLDS:
 *         return bind_wait(L, SLOT, let_go, context);
 *     case PAST_FAILS:
 *         return bind_raise_owned(L, failure);
 *     case PAST_GOES_ON:
 *         break;
 *     }
 */
#ifndef MOONGATE_LUA_GATE_H
#define MOONGATE_LUA_GATE_H

#include <stdbool.h>

#include <lua.h>

#include "run/past.h"

struct failure;
struct held;
struct journal;

/* Asks right before a write is begun. When it is to wait, `held` has what it waits for, instead of
 * what was in it. The table of what is asked for is at the index `subject` (0: there is none), and
 * may be another after the wait. */
enum past_verdict gate_ask(lua_State *L, struct held *held,
                           const struct past_write *write, int subject, bool is_let_go,
                           struct failure **failure);

/* After the wait: how what is in `slot` was let go; PAST_WAITS: it was not. Else the slot is
 * dropped, with all above it. With PAST_RETURNS `*count` values are pushed that are to be returned;
 * a refusal is raised. */
enum past_release gate_take_turn(lua_State *L, int slot, int *count);

/* The journal that has what the running task does, or NULL. */
struct journal *gate_journal(lua_State *L);

#endif
