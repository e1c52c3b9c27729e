/* lua/bind_coroutine.c - the functions of coroutine that let waits pass.
 *
 * When a script's own coroutine waits for the engine, what it yields is not for the script:
 * it is handed on to the coroutine outside, up to the task, and when that is resumed the
 * inner one goes on. The script sees only what it yields itself. */
#include "lua/bind.h"

#include "task/task.h"

/* Coroutines that wait for the engine or are a task's own, weakly; scripts may not resume or
 * close them. */
static const char waiting_key;

enum { SLOT_COROUTINE = 1, SLOT_GUARD = 2 };

static void set_waiting(lua_State *L, bool is_waiting)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
    lua_pushvalue(L, SLOT_COROUTINE);
    if (is_waiting)
        lua_pushboolean(L, true);
    else
        lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

static bool is_waiting(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &waiting_key);
    lua_pushvalue(L, SLOT_COROUTINE);
    lua_rawget(L, -2);

    const bool result = lua_toboolean(L, -1);

    lua_pop(L, 2);
    return result;
}

/* Closing the coroutine outside closes the one inside. */
static int close_inner(lua_State *L)
{
    lua_getiuservalue(L, 1, 1);

    lua_State *inner = lua_tothread(L, -1);

    if (inner != NULL && lua_status(inner) == LUA_YIELD)
        lua_resetthread(inner);
    return 0;
}

static const char guard_metatable[] = "coroutine guard";

static void guard(lua_State *L)
{
    lua_newuserdatauv(L, 0, 1);
    lua_pushvalue(L, SLOT_COROUTINE);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, guard_metatable);
    lua_toclose(L, -1);
}

static void disarm(lua_State *L)
{
    lua_pushnil(L);
    lua_setiuservalue(L, SLOT_GUARD, 1);
}

static int go_on(lua_State *L, int status, lua_KContext is_wrap);

/* Resumes with the `count` values on the inner top; hands results or errors to the script. */
static int resume(lua_State *L, int count, lua_KContext is_wrap)
{
    lua_State *inner = lua_tothread(L, SLOT_COROUTINE);
    int result_count = 0;
    const int status = task_resume_inner(inner, L, count, &result_count);

    if (status == LUA_YIELD && result_count == 1 && lua_islightuserdata(inner, -1)) {
        struct waitable *waitable = lua_touserdata(inner, -1);

        lua_pop(inner, 1);
        if (lua_gettop(L) < SLOT_GUARD)
            guard(L);
        set_waiting(L, true);
        return bind_wait_on(L, SLOT_GUARD, waitable, go_on, is_wrap);
    }
    if (lua_gettop(L) >= SLOT_GUARD)
        disarm(L);
    if (status == LUA_OK || status == LUA_YIELD) {
        luaL_checkstack(L, result_count + 1, "too many results");
        if (!is_wrap)
            lua_pushboolean(L, true);
        lua_xmove(inner, L, result_count);
        return result_count + (is_wrap ? 0 : 1);
    }
    lua_xmove(inner, L, 1);
    if (!is_wrap) {
        lua_pushboolean(L, false);
        lua_insert(L, -2);
        return 2;
    }
    lua_resetthread(inner);
    lua_settop(inner, 0);
    if (lua_type(L, -1) == LUA_TSTRING) { /* as wrap of lcorolib.c: add where it was */
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int go_on(lua_State *L, int status, lua_KContext is_wrap)
{
    (void)status;
    set_waiting(L, false);
    return resume(L, 0, is_wrap);
}

/* The coroutine is at SLOT_COROUTINE, its arguments above. */
static int start(lua_State *L, bool is_wrap)
{
    lua_State *inner = lua_tothread(L, SLOT_COROUTINE);
    const int count = lua_gettop(L) - 1;
    const char *refusal = NULL;

    if (is_waiting(L))
        refusal = "cannot resume a coroutine that waits for an operation or is a task";
    else if (lua_status(inner) == LUA_OK && lua_gettop(inner) == 0)
        refusal = "cannot resume dead coroutine";
    else if (lua_status(inner) > LUA_YIELD)
        refusal = "cannot resume dead coroutine";
    else if (!lua_checkstack(inner, count))
        refusal = "too many arguments to resume";
    if (refusal != NULL) {
        if (is_wrap)
            return luaL_error(L, "%s", refusal);
        lua_pushboolean(L, false);
        lua_pushstring(L, refusal);
        return 2;
    }
    lua_xmove(L, inner, count);
    return resume(L, count, is_wrap);
}

static int coroutine_resume(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTHREAD);
    return start(L, false);
}

static int call_wrapped(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, SLOT_COROUTINE);
    return start(L, true);
}

static int coroutine_wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);

    lua_State *inner = lua_newthread(L);

    lua_pushvalue(L, 1);
    lua_xmove(L, inner, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

/* What waits for the engine must not vanish under it. */
static int coroutine_close(lua_State *L)
{
    luaL_checktype(L, SLOT_COROUTINE, LUA_TTHREAD);
    if (is_waiting(L))
        return luaL_error(
            L, "cannot close a coroutine that waits for an operation or is a task");
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* A script gets hold of a task's coroutine only here. */
static int coroutine_running(lua_State *L)
{
    lua_settop(L, 0);

    const bool is_main = lua_pushthread(L) == 1;

    if (task_runs_on(L))
        set_waiting(L, true);
    lua_pushboolean(L, is_main);
    return 2;
}

void bind_set_up_coroutines(lua_State *L)
{
    static const luaL_Reg functions[] = {{"resume", coroutine_resume},
                                         {"running", coroutine_running},
                                         {"wrap", coroutine_wrap},
                                         {NULL, NULL}};

    lua_getglobal(L, "coroutine");
    luaL_setfuncs(L, functions, 0);
    lua_getfield(L, -1, "close");
    lua_pushcclosure(L, coroutine_close, 1);
    lua_setfield(L, -2, "close");
    lua_pop(L, 1);
    luaL_newmetatable(L, guard_metatable);
    lua_pushcfunction(L, close_inner);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &waiting_key);
}
