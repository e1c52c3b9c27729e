/* lua/run.c - the module run: where the run stands, and how it ends.
 *
 * Besides functions it has `id` (nil where there is no run, as in tests), `attempt` (1 at first,
 * one more each time the run is resumed) and `deadline`: when this attempt hands over, in seconds
 * as os.time() gives them; nil without --max-wall. `slot` is the time that the run is for, in the
 * same seconds: of a scheduled job when it was due, however late it runs; nil without one. */
#include <string.h>

#include "arm/client.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "lua/once.h"
#include "run/interpreter.h"
#include "run/session.h"

/* run.exit(code): ends the script here; 0 is success */
static int run_exit(lua_State *L)
{
    const lua_Integer code = luaL_optinteger(L, 1, 0);

    luaL_argcheck(L, code >= 0 && code <= 125, 1, "an exit code from 0 to 125 expected");
    *(int *)lua_newuserdatauv(L, sizeof(int), 0) = (int)code;
    luaL_setmetatable(L, interpreter_exit_metatable);
    return lua_error(L);
}

/* run.scope() -> {subscription=, resource_group=, service=}: where plain names are looked
 * up; a field is nil when nothing says it */
static int run_scope(lua_State *L)
{
    bind_client(L); /* a simulator's names are known once it is reached */

    const struct scope *scope = session_scope(bind_session(L));

    lua_createtable(L, 0, 3);
    lua_pushstring(L, scope->subscription);
    lua_setfield(L, -2, "subscription");
    lua_pushstring(L, scope->resource_group);
    lua_setfield(L, -2, "resource_group");
    lua_pushstring(L, scope->service);
    lua_setfield(L, -2, "service");
    return 1;
}

/* report(outcome, kind, name): counts and shows what became of something that has no row in
 * the model; outcome is one of the closing summary's words */
static int check_report(lua_State *L)
{
    const int outcome = luaL_checkoption(L, 1, NULL, outcome_names);

    session_report(bind_session(L), (enum event_outcome)outcome, luaL_checkstring(L, 2),
                   luaL_checkstring(L, 3));
    return 0;
}

int open_report(lua_State *L)
{
    lua_pushcfunction(L, check_report);
    return 1;
}

int open_run(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"exit", run_exit}, {"once", run_once}, {"scope", run_scope}, {NULL, NULL}};
    const struct run_facts *facts = session_facts(bind_session(L));

    luaL_newlib(L, functions);
    lua_pushstring(L, facts->id);
    lua_setfield(L, -2, "id");
    lua_pushinteger(L, facts->attempt);
    lua_setfield(L, -2, "attempt");
    if (facts->deadline_wall_ms != 0) {
        lua_pushinteger(L, facts->deadline_wall_ms / 1000);
        lua_setfield(L, -2, "deadline");
    }
    if (facts->slot_ms != 0) {
        lua_pushinteger(L, facts->slot_ms / 1000);
        lua_setfield(L, -2, "slot");
    }
    return 1;
}
