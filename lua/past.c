/* lua/past.c - core.past: stepping into a run of the past, for `moongate repl --run` alone.
 *
 * Frames and locals are those of the script's coroutines, which stand still meanwhile; scripts have
 * no such look at each other. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "lua/bind.h"
#include "lua/gate.h"
#include "lua/modules.h"
#include "run/interpreter.h"
#include "run/past.h"
#include "run/session.h"
#include "task/task.h"

enum { MOST_FRAMES = 200 };

static const char failure_key; /* its address is the key in the registry */

static struct past *check_past(lua_State *L)
{
    struct past *past = session_past(bind_session(L));

    if (past == NULL)
        bind_error(L,
                   "no run is stepped into: that is what `moongate repl --run ID` does");
    return past;
}

/* is_open() -> whether a run is stepped into */
static int past_is_open(lua_State *L)
{
    lua_pushboolean(L, session_past(bind_session(L)) != NULL);
    return 1;
}

/* --- what the record says ----------------------------------------------------------- */

static void set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value); /* nil for NULL */
    lua_setfield(L, -2, name);
}

/* info() -> {id=, store=, damage=, attempts=, manifest=, step=, script=, world=}: the run; what
 * was asked for when it was opened; the world file, if one is used */
static int past_info(lua_State *L)
{
    const struct past *past = check_past(L);

    lua_createtable(L, 0, 8);
    set_text(L, "id", past_id(past));
    set_text(L, "store", past_store(past));
    set_text(L, "damage", past_damage(past));
    set_text(L, "step", past_chosen_step(past));
    set_text(L, "script", past_chosen_script(past));
    set_text(L, "world", session_settings(bind_session(L))->sim_world);
    lua_pushinteger(L, past_attempts(past));
    lua_setfield(L, -2, "attempts");
    bind_push_json(L, past_manifest(past));
    lua_setfield(L, -2, "manifest");
    return 1;
}

static void push_step(lua_State *L, const struct past_step *step)
{
    lua_createtable(L, 0, 12);
    lua_pushinteger(L, (lua_Integer)step->number);
    lua_setfield(L, -2, "number");
    lua_pushinteger(L, step->nth);
    lua_setfield(L, -2, "nth");
    set_text(L, "verb", step->verb);
    set_text(L, "kind", step->kind);
    set_text(L, "id", step->target);
    set_text(L, "state", step_state_names[step->state]);
    set_text(L, "outcome", step->outcome);
    set_text(L, "code", step->code);
    set_text(L, "message", step->message);
    lua_pushboolean(L, step->is_latest);
    lua_setfield(L, -2, "is_latest");
    lua_pushboolean(L, step->is_begun);
    lua_setfield(L, -2, "is_begun");
}

/* steps() -> {{number=, nth=, verb=, kind=, id=, state=, outcome=, code=, message=, is_latest=,
 * is_begun=}, ...} */
static int past_list_steps(lua_State *L)
{
    size_t count;
    const struct past_step *const *steps = past_steps(check_past(L), &count);

    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        push_step(L, steps[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* code(name) -> the text that was kept with the run ("script.lua"), or nil */
static int past_code(lua_State *L)
{
    size_t length = 0;
    const char *text = past_find_code(check_past(L), luaL_checkstring(L, 1), &length);

    if (text == NULL)
        return 0;
    lua_pushlstring(L, text, length);
    return 1;
}

/* modules() -> the names of the script's own modules that were asked for */
static int past_modules(lua_State *L)
{
    static const char folder[] = "modules/";
    const size_t prefix = sizeof folder - 1;
    int count = 0;

    lua_newtable(L);
    for (const char *const *name = past_code_names(check_past(L)); *name != NULL;
         name++) {
        if (strncmp(*name, folder, prefix) != 0)
            continue;
        lua_pushlstring(L, *name + prefix, strlen(*name) - prefix - strlen(".lua"));
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* unput() -> why a known write could not be put into the world, the last since this was asked, and
 * how many there were; nothing when there was none */
static int past_unput(lua_State *L)
{
    unsigned count = 0;
    char *text = past_take_unput(check_past(L), &count);

    if (text == NULL)
        return 0;
    lua_pushstring(L, text);
    free(text);
    lua_pushinteger(L, count);
    return 2;
}

/* --- frames ------------------------------------------------------------------------- */

/* The frame with this number among those of Lua functions, from 1 on: of the coroutine that waits,
 * then of the task that has resumed it. */
static bool find_frame(const struct past_hold *hold, lua_Integer number,
                       lua_State **thread, lua_Debug *where)
{
    lua_State *threads[] = {hold->thread, task_thread(hold->task)};

    for (int i = 0; i < 2 && (i == 0 || threads[1] != threads[0]); i++) {
        for (int level = 0; lua_getstack(threads[i], level, where) != 0; level++) {
            lua_getinfo(threads[i], "S", where);
            if (*where->what != 'C' && --number == 0) {
                *thread = threads[i];
                return true;
            }
        }
    }
    return false;
}

/* Room on the stack of a coroutine that does not run, and so cannot raise that there is none. */
static void check_room(lua_State *L, lua_State *thread, int count)
{
    if (!lua_checkstack(thread, count))
        luaL_error(L, "the coroutine has no room on its stack");
}

/* Moves what was pushed to the coroutine. */
static void take_value(lua_State *L, lua_State *thread)
{
    if (thread != L)
        lua_xmove(thread, L, 1);
}

static void push_frame(lua_State *L, lua_State *thread, lua_Debug *where)
{
    lua_getinfo(thread, "Sln", where);
    lua_createtable(L, 0, 5);
    set_text(L, "chunk", where->source);
    set_text(L, "source", where->short_src);
    set_text(L, "what", where->what);
    set_text(L, "name", where->name);
    lua_pushinteger(L, where->currentline);
    lua_setfield(L, -2, "line");
}

/* Adds the value on top, which is dropped, to the list below it. */
static void add_variable(lua_State *L, const char *kind, const char *name, int slot)
{
    lua_createtable(L, 0, 4);
    lua_insert(L, -2);
    lua_setfield(L, -2, "value");
    set_text(L, "name", name);
    set_text(L, "kind", kind);
    lua_pushinteger(L, slot);
    lua_setfield(L, -2, "slot");
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static void push_function(lua_State *L, lua_State *thread, lua_Debug *where)
{
    lua_getinfo(thread, "f", where);
    take_value(L, thread);
}

/* Pushes the list of the frame's variables. Names that Lua makes up are left out. */
static void push_variables(lua_State *L, lua_State *thread, lua_Debug *where)
{
    const char *name;

    lua_newtable(L);
    check_room(L, thread, 2);
    for (int i = 1; (name = lua_getlocal(thread, where, i)) != NULL; i++) {
        take_value(L, thread);
        if (name[0] == '(')
            lua_pop(L, 1);
        else
            add_variable(L, "local", name, i);
    }
    for (int i = 1; lua_getlocal(thread, where, -i) != NULL; i++) {
        char text[24];

        snprintf(text, sizeof text, "...%d", i);
        take_value(L, thread);
        add_variable(L, "vararg", text, -i);
    }
    push_function(L, thread, where);
    for (int i = 1; (name = lua_getupvalue(L, -1, i)) != NULL; i++) {
        lua_pushvalue(L, -3);
        lua_insert(L, -2);
        if (strcmp(name, "_ENV") == 0)
            lua_pop(L, 1);
        else
            add_variable(L, "upvalue", name, i);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static struct past_hold *find_hold(const struct past *past, lua_Integer number)
{
    struct past_hold *hold = past_next_hold(past, NULL);

    while (hold != NULL && hold->number != (uint64_t)number)
        hold = past_next_hold(past, hold);
    return hold;
}

static struct past_hold *check_hold(lua_State *L)
{
    struct past_hold *hold = find_hold(check_past(L), luaL_checkinteger(L, 1));

    luaL_argcheck(L, hold != NULL, 1, "nothing waits with this number");
    return hold;
}

/* frames(number of what waits) -> {{chunk=, source=, line=, name=, what=}, ...}: of Lua functions,
 * the innermost first */
static int past_frames(lua_State *L)
{
    const struct past_hold *hold = check_hold(L);
    lua_State *thread;
    lua_Debug where;

    lua_newtable(L);
    for (int i = 1; i <= MOST_FRAMES && find_frame(hold, i, &thread, &where); i++) {
        push_frame(L, thread, &where);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

static lua_State *check_frame(lua_State *L, lua_Debug *where)
{
    lua_State *thread = NULL;

    if (!find_frame(check_hold(L), luaL_checkinteger(L, 2), &thread, where))
        luaL_argerror(L, 2, "there is no such frame");
    return thread;
}

/* variables(number of what waits, frame) -> {{name=, value=, kind="local", "vararg" or "upvalue",
 * slot=}, ...} */
static int past_variables(lua_State *L)
{
    lua_Debug where;
    lua_State *thread = check_frame(L, &where);

    push_variables(L, thread, &where);
    return 1;
}

/* assign(number of what waits, frame, kind, slot, value) */
static int past_assign(lua_State *L)
{
    lua_Debug where;
    lua_State *thread = check_frame(L, &where);
    const char *kind = luaL_checkstring(L, 3);
    const int slot = (int)luaL_checkinteger(L, 4);
    bool is_set;

    luaL_checkany(L, 5);
    lua_settop(L, 5);
    if (strcmp(kind, "upvalue") == 0) {
        check_room(L, thread, 1);
        push_function(L, thread, &where);
        lua_insert(L, 5);
        is_set = lua_setupvalue(L, 5, slot) != NULL;
    } else {
        check_room(L, thread, 1);
        lua_xmove(L, thread, 1);
        is_set = lua_setlocal(thread, &where, slot) != NULL;
    }
    luaL_argcheck(L, is_set, 4, "there is no such variable");
    return 0;
}

/* subject(number of what waits) -> the table of what its write asks for, which is read anew when it
 * is let go; or nil */
static int past_subject(lua_State *L)
{
    const struct past_hold *hold = check_hold(L);
    lua_State *thread = hold->thread;
    lua_Debug where;

    /* it waits in the C function that has asked */
    if (hold->subject == 0 || lua_getstack(thread, 0, &where) == 0 ||
        !lua_checkstack(thread, 1) || lua_getlocal(thread, &where, hold->subject) == NULL)
        return 0;
    take_value(L, thread);
    return lua_istable(L, -1) ? 1 : 0;
}

/* --- failures ----------------------------------------------------------------------- */

/* The error is on top of the task's coroutine. */
static void keep_failing(void *host, const struct task *task)
{
    lua_State *thread = task_thread(task), *L;
    lua_Debug where;
    int count = 0;

    if (!past_is_of(session_past(host), task) || !lua_checkstack(thread, 8))
        return;
    L = lua_newthread(thread); /* works on a stack of its own, kept by the failed one's */
    lua_createtable(L, 0, 2);
    lua_pushvalue(thread, -2);
    lua_xmove(thread, L, 1);
    lua_setfield(L, -2, "error");
    lua_newtable(L);
    for (int level = 0; count < MOST_FRAMES && lua_getstack(thread, level, &where) != 0;
         level++) {
        lua_getinfo(thread, "S", &where);
        if (*where.what == 'C')
            continue;
        push_frame(L, thread, &where);
        push_variables(L, thread, &where);
        lua_setfield(L, -2, "variables");
        lua_rawseti(L, -2, ++count);
    }
    lua_setfield(L, -2, "frames");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
    lua_pop(thread, 1);
}

/* failure() -> {error=, frames=}: of the task of the script that failed last, or nil; its frames are
 * those of frames(), with `variables` as of variables() */
static int past_failure(lua_State *L)
{
    check_past(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key);
    return 1;
}

static void forget_failure(lua_State *L)
{
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
}

/* --- running ------------------------------------------------------------------------ */

static void set_module_folder(lua_State *L, const char *script)
{
    const char *slash = strrchr(script, '/');

    lua_pushlstring(L, slash != NULL ? script : ".",
                    slash == script ? 1
                    : slash != NULL ? (size_t)(slash - script)
                                    : 1);
    interpreter_set_folder(L, lua_tostring(L, -1));
    lua_pop(L, 1);
}

/* begin(target, script): ends the script that runs; then there is a new world and no step was come
 * to. It is to stop at the step `target`, or nowhere (nil); its modules are beside `script`. Raises a
 * failure. */
static int past_begin_anew(lua_State *L)
{
    struct past *past = check_past(L);
    const lua_Integer target = luaL_optinteger(L, 1, 0);
    const char *script = luaL_checkstring(L, 2);
    struct failure *failure;

    luaL_argcheck(L, target >= 0, 1, "the number of a step expected");
    scheduler_cancel_marked(scheduler_of(L), past);
    bind_client(L); /* there is one from now on, and a journal can be set */
    failure = past_begin(past, (uint64_t)target);
    if (failure != NULL)
        bind_raise_owned(L, failure);
    forget_failure(L);
    scheduler_set_failing(scheduler_of(L), keep_failing);
    set_module_folder(L, script);
    return 0;
}

/* spawn(f, ...) -> task: the script, that is, the function */
static int past_spawn(lua_State *L)
{
    struct past *past = check_past(L);

    luaL_checktype(L, 1, LUA_TFUNCTION);
    past_mark(past, task_spawn(scheduler_of(L), L, lua_gettop(L) - 1, NULL));
    return 1;
}

/* cancel(): ends the script and all its tasks */
static int past_cancel(lua_State *L)
{
    scheduler_cancel_marked(scheduler_of(L), check_past(L));
    return 0;
}

static void push_hold(lua_State *L, const struct past_hold *hold)
{
    lua_createtable(L, 0, 6);
    lua_pushinteger(L, (lua_Integer)hold->number);
    lua_setfield(L, -2, "number");
    set_text(L, "verb", hold->verb);
    set_text(L, "kind", hold->kind);
    set_text(L, "id", hold->target);
    lua_rawgetp(L, LUA_REGISTRYINDEX, hold->task); /* where live tasks are kept */
    lua_setfield(L, -2, "task");
    if (hold->step != NULL) {
        push_step(L, hold->step);
        lua_setfield(L, -2, "step");
    }
}

/* waiting() -> {{number=, verb=, kind=, id=, task=, step= (as of steps(), or nil)}, ...}: the writes
 * that wait for their turn, in the order they came */
static int past_waiting(lua_State *L)
{
    const struct past *past = check_past(L);
    int count = 0;

    lua_newtable(L);
    for (struct past_hold *hold = past_next_hold(past, NULL); hold != NULL;
         hold = past_next_hold(past, hold)) {
        push_hold(L, hold);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* let_go(number, how, ...): the write that waits with this number is sent ("send"), asks again
 * whether it may ("ask"), fails as it did in the run ("fail"), or gives the values that follow
 * ("return"). Its task is watched from then on. */
static int past_let_go_on(lua_State *L)
{
    static const char *const names[] = {"send", "ask", "fail", "return", NULL};
    static const enum past_release ways[] = {PAST_IS_SENT, PAST_ASKS_AGAIN,
                                             PAST_IS_REFUSED, PAST_RETURNS};
    struct past_hold *hold = check_hold(L);
    const enum past_release how = ways[luaL_checkoption(L, 2, NULL, names)];

    if (how == PAST_IS_REFUSED &&
        (hold->step == NULL || hold->step->state != STEP_FAILED))
        bind_error(L, "it did not fail in the run");
    if (how == PAST_RETURNS) {
        const int count = lua_gettop(L) - 2;

        lua_createtable(L, count, 1);
        lua_insert(L, 3);
        for (int i = count; i >= 1; i--)
            lua_rawseti(L, 3, i);
        lua_pushinteger(L, count);
        lua_setfield(L, 3, "n");
        lua_rawsetp(L, LUA_REGISTRYINDEX, hold);
    }
    forget_failure(L);
    past_watch(hold->past, hold->task);
    past_let_go(hold, how);
    return 0;
}

/* stop_at(step): the script stops at the step with this number; "next": at the next write; nil:
 * nowhere */
static int past_set_stop(lua_State *L)
{
    struct past *past = check_past(L);

    if (lua_isnoneornil(L, 1))
        past_stop_at(past, UINT64_MAX);
    else if (lua_type(L, 1) == LUA_TSTRING)
        past_stop_at(past, 0);
    else
        past_stop_at(past, (uint64_t)luaL_checkinteger(L, 1));
    return 0;
}

static int news_finish(lua_State *L, int status, lua_KContext context)
{
    (void)L, (void)status, (void)context;
    return 0;
}

/* news(): waits until something waits for its turn, the watched task is over, or tell() is
 * called */
static int past_wait_for_news(lua_State *L)
{
    struct past *past = check_past(L);

    bind_check_task(L);
    return bind_wait_on(L, 0, past_news(past), news_finish, 0);
}

/* tell(): ends the waits of news() */
static int past_tell_all(lua_State *L)
{
    past_tell(check_past(L));
    return 0;
}

int open_past(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"is_open", past_is_open},    {"info", past_info},
        {"steps", past_list_steps},   {"code", past_code},
        {"modules", past_modules},    {"unput", past_unput},
        {"begin", past_begin_anew},   {"spawn", past_spawn},
        {"cancel", past_cancel},      {"waiting", past_waiting},
        {"let_go", past_let_go_on},   {"stop_at", past_set_stop},
        {"news", past_wait_for_news}, {"tell", past_tell_all},
        {"frames", past_frames},      {"variables", past_variables},
        {"assign", past_assign},      {"subject", past_subject},
        {"failure", past_failure},    {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
