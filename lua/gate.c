/* lua/gate.c - writes of a script whose run is stepped into. */
#include "lua/gate.h"

#include <lauxlib.h>

#include "lua/bind.h"
#include "run/session.h"
#include "task/task.h"

static struct task *running(lua_State *L)
{
    return scheduler_running_task(scheduler_of(L));
}

/* The run that the running task's script belongs to, or NULL: it belongs to none. */
static struct past *past_of(lua_State *L)
{
    struct past *past = session_past(bind_session(L));

    return past != NULL && past_is_of(past, running(L)) ? past : NULL;
}

static void release_hold(void *hold)
{
    past_hold_free(hold);
}

enum past_verdict gate_ask(lua_State *L, struct held *held,
                           const struct past_write *write, int subject, bool is_let_go,
                           struct failure **failure)
{
    struct past *past = past_of(L);
    struct past_hold *hold;
    enum past_verdict verdict;

    if (past == NULL)
        return PAST_GOES_ON;
    /* where nobody could wake it, it cannot wait */
    verdict = past_ask(past, write, is_let_go || !task_may_wait(L), failure);
    if (verdict != PAST_HOLDS)
        return verdict;
    hold = past_hold(past, write, running(L), L);
    hold->subject = subject;
    if (held->object != NULL)
        held->release(held->object);
    held->object = hold;
    held->release = release_hold;
    held->waitable = &hold->waitable;
    return PAST_HOLDS;
}

/* Pushes the values that core.past.let_go() has left for it. */
static int push_values(lua_State *L, const struct past_hold *hold)
{
    int count;

    lua_rawgetp(L, LUA_REGISTRYINDEX, hold);
    lua_getfield(L, -1, "n");
    count = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    luaL_checkstack(L, count, "too many values");
    for (int i = 1; i <= count; i++)
        lua_rawgeti(L, -i, i);
    lua_remove(L, -count - 1);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, hold);
    return count;
}

enum past_release gate_take_turn(lua_State *L, int slot, int *count)
{
    const struct past_hold *hold = bind_held(L, slot)->object;
    const enum past_release how = hold->release;
    const struct past_step *step = hold->step; /* outlives the hold */
    struct failure *failure;

    if (!hold->waitable.is_done)
        return PAST_WAITS;
    if (how == PAST_RETURNS) {
        *count = push_values(L, hold);
        return how;
    }
    lua_settop(L, slot - 1);
    failure = how == PAST_IS_REFUSED ? past_refusal(step) : NULL;
    if (failure != NULL)
        bind_raise_owned(L, failure);
    return how;
}

struct journal *gate_journal(lua_State *L)
{
    struct session *session = bind_session(L);

    return session_past(session) == NULL || past_of(L) != NULL ? session_journal(session)
                                                               : NULL;
}
