/* lua/run.c - the module run: where the run stands, and how it ends. */
#include <string.h>

#include "arm/client.h"
#include "lua/bind.h"
#include "lua/modules.h"
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

int open_run(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"exit", run_exit}, {"scope", run_scope}, {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
