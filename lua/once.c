/* lua/once.c - run.once: an effect that is no request, kept in the journal like a write. */
#include "lua/once.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "journal/journal.h"
#include "lua/bind.h"
#include "lua/gate.h"

enum { ARG_NAME = 1, ARG_FUNCTION = 2, ARG_OPTIONS = 3, SLOT_ONCE = 4, SLOT_VALUE = 5 };

enum { LONGEST_NAME = 200, MOST_VALUE_BYTES = 64 << 10 };

/* One that is under way, and a wait for the journal. */
struct once {
    struct waitable waitable;
    struct journal_wait wait;
    struct journal *journal;
    struct step *step;
    struct failure *failure;
};

static void release_once(void *object)
{
    struct once *once = object;

    journal_wait_cancel(&once->wait);
    failure_free(once->failure);
    free(once);
}

static void on_safe(struct journal_wait *wait, const struct failure *failure)
{
    struct once *once = LIST_ENTRY(wait, struct once, wait);

    once->failure = failure != NULL ? failure_copy(failure) : NULL;
    waitable_finish(&once->waitable);
}

/* Lets `finish` go on when all that was noted is safe. */
static void begin_sync(struct once *once)
{
    waitable_init(&once->waitable);
    once->wait = (struct journal_wait){.safe = on_safe};
    journal_sync(once->journal, &once->wait);
}

/* --- after the function ------------------------------------------------------------------ */

static int value_finish(lua_State *L, int status, lua_KContext context)
{
    const struct once *once = bind_held(L, SLOT_ONCE)->object;

    (void)status, (void)context;
    if (!once->waitable.is_done) {
        lua_settop(L, SLOT_VALUE);
        return bind_wait_on(L, SLOT_VALUE, (struct waitable *)&once->waitable,
                            value_finish, 0);
    }
    if (once->failure != NULL)
        return bind_raise_failure(L, once->failure);
    lua_settop(L, SLOT_VALUE);
    return 1;
}

/* The value at SLOT_VALUE as it is kept, or NULL; raises when it cannot be. Whatever it is, the
 * effect is there, and is noted first. */
static void note_value(lua_State *L, struct once *once)
{
    cJSON *value = lua_isnil(L, SLOT_VALUE) ? NULL : bind_to_json(L, SLOT_VALUE);
    const bool is_bad = value == NULL && !lua_isnil(L, SLOT_VALUE);
    char *printed = value != NULL ? json_print(value) : NULL;
    const size_t length = printed != NULL ? strlen(printed) : 0;

    free(printed);
    journal_done(once->journal, once->step, "done",
                 length <= MOST_VALUE_BYTES ? value : NULL);
    cJSON_Delete(value);
    if (is_bad)
        bind_error(L, "run.once '%s': it was done, but its value cannot be kept: %s",
                   lua_tostring(L, ARG_NAME), lua_tostring(L, -1));
    if (length > MOST_VALUE_BYTES)
        bind_error(L, "run.once '%s': it was done, but its value is longer than %d KiB",
                   lua_tostring(L, ARG_NAME), MOST_VALUE_BYTES >> 10);
}

static int called(lua_State *L, int status, lua_KContext context)
{
    struct once *once = bind_held(L, SLOT_ONCE)->object;

    (void)context;
    if (status != LUA_OK && status != LUA_YIELD) {
        struct failure *failure =
            failure_new("ScriptError", "%s", luaL_tolstring(L, SLOT_VALUE, NULL));

        lua_pop(L, 1);
        journal_failed(once->journal, once->step, failure);
        failure_free(failure);
        lua_settop(L, SLOT_VALUE);
        return lua_error(L);
    }
    note_value(L, once);
    begin_sync(once);
    return value_finish(L, LUA_OK, 0);
}

/* --- before ------------------------------------------------------------------------------- */

static int intent_finish(lua_State *L, int status, lua_KContext context)
{
    const struct once *once = bind_held(L, SLOT_ONCE)->object;

    (void)status, (void)context;
    if (!once->waitable.is_done)
        return bind_wait_on(L, SLOT_ONCE, (struct waitable *)&once->waitable,
                            intent_finish, 0);
    if (once->failure != NULL)
        return bind_raise_failure(L, once->failure);
    lua_settop(L, SLOT_ONCE);
    lua_pushvalue(L, ARG_FUNCTION);
    return called(L, lua_pcallk(L, 0, 1, 0, 0, called), 0);
}

static bool wants_again(lua_State *L)
{
    static const char *const names[] = {"again"};
    bool again;

    if (lua_isnoneornil(L, ARG_OPTIONS))
        return false;
    luaL_checktype(L, ARG_OPTIONS, LUA_TTABLE);
    bind_check_keys(L, ARG_OPTIONS, "option", names, 1);
    lua_getfield(L, ARG_OPTIONS, "again");
    again = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return again;
}

static void check_name(lua_State *L)
{
    size_t length;
    const char *name = luaL_checklstring(L, ARG_NAME, &length);

    luaL_argcheck(L, length > 0 && length <= LONGEST_NAME && strlen(name) == length,
                  ARG_NAME, "a name of 1 to 200 bytes expected");
}

/* Raises unless it is to be done now. */
static void check_open(lua_State *L, const struct step *step, bool again)
{
    const char *name = lua_tostring(L, ARG_NAME);

    if (step_state(step) != STEP_INTENDED)
        return;
    if (step_is_open(step))
        bind_error(L, "run.once '%s' is being done by another task of this run", name);
    if (!again)
        bind_raise(
            L, "AnswerLost",
            "run.once '%s' was begun by an earlier attempt of the run and did not "
            "come to its end; nobody knows whether it was done. {again = true} does "
            "it again",
            name);
}

static int return_value(lua_State *L, int status, lua_KContext context)
{
    (void)L, (void)status, (void)context;
    return 1;
}

static int run_once_again(lua_State *L, int status, lua_KContext context);

/* With `is_let_go` it has waited for its turn. */
static int begin_once(lua_State *L, bool is_let_go)
{
    struct journal *journal = gate_journal(L);
    const bool again = wants_again(L);
    const struct past_write write = {.content = {.verb = "once",
                                                 .target = lua_tostring(L, ARG_NAME),
                                                 .is_single = true}};
    struct failure *failure = NULL;
    struct once *once;
    struct held *held;

    lua_settop(L, ARG_OPTIONS);
    if (journal == NULL) { /* nothing is kept: it is done, and that is all */
        lua_pushvalue(L, ARG_FUNCTION);
        lua_callk(L, 0, 1, 0, return_value);
        return return_value(L, LUA_OK, 0);
    }
    held = bind_new_held(L, true);
    switch (gate_ask(L, held, &write, 0, is_let_go, &failure)) {
    case PAST_HOLDS:
        return bind_wait(L, SLOT_ONCE, run_once_again, 0);
    case PAST_FAILS:
        return bind_raise_owned(L, failure);
    case PAST_GOES_ON:
        break;
    }
    once = memory_new(sizeof *once);
    held->object = once;
    held->release = release_once;
    once->journal = journal;
    once->step = journal_begin(journal, &write.content);
    if (step_state(once->step) == STEP_DONE) {
        if (step_value(once->step) != NULL)
            bind_push_json(L, step_value(once->step));
        else
            lua_pushnil(L);
        return 1;
    }
    check_open(L, once->step, again);
    journal_intend(once->journal, once->step, "once", NULL, NULL);
    begin_sync(once);
    return intent_finish(L, LUA_OK, 0);
}

static int run_once_again(lua_State *L, int status, lua_KContext context)
{
    int count = 0;
    const enum past_release how = gate_take_turn(L, SLOT_ONCE, &count);

    (void)status, (void)context;
    if (how == PAST_WAITS)
        return bind_wait(L, SLOT_ONCE, run_once_again, 0);
    return how == PAST_RETURNS ? count : begin_once(L, how == PAST_IS_SENT);
}

/* run.once(name, fn, options) -> value that the function gave: does something in the world that is
 * no request of this program, such as a mail or a ticket, once in the life of a run, however often
 * it is resumed. The value is nil or what JSON can hold, at most 64 KiB, and no secret: it is kept
 * in the journal. Raises `AnswerLost` when an earlier attempt began it and did not come to its end,
 * unless `{again = true}` allows to do it again; what the function raises, it raises, and the
 * next attempt calls it anew. */
int run_once(lua_State *L)
{
    check_name(L);
    luaL_checktype(L, ARG_FUNCTION, LUA_TFUNCTION);
    wants_again(L);
    bind_check_task(L);
    lua_settop(L, ARG_OPTIONS);
    return begin_once(L, false);
}
