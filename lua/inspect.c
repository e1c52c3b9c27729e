/* lua/inspect.c - core.inspect: what a value is, whoever made its metatable. Metatables
 * themselves are given to nobody: some are sealed. */
#include "lua/bind.h"
#include "lua/modules.h"

/* type_name(value) -> what the metatable calls it (__name), or nil */
static int type_name(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__name") != LUA_TSTRING)
        lua_pushnil(L);
    return 1;
}

/* has(value, name) -> whether the metatable has that member */
static int has(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, luaL_getmetafield(L, 1, luaL_checkstring(L, 2)) != LUA_TNIL);
    return 1;
}

/* count(table) -> how many members it has itself, and how many of them are of its list: have
 * keys from 1 to its raw length */
static int count(lua_State *L)
{
    lua_Integer members = 0, listed = 0;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);

    const lua_Integer length = (lua_Integer)lua_rawlen(L, 1);

    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        const lua_Integer key = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;

        members++;
        listed += key >= 1 && key <= length;
    }
    lua_pushinteger(L, members);
    lua_pushinteger(L, listed);
    return 2;
}

/* call(f, ...) -> true and its results, or false and what it raised. Whatever would wait in
 * it raises instead: there is no way to go on below this call. */
static int call(lua_State *L)
{
    luaL_checkany(L, 1);

    lua_pushboolean(L, true); /* before: the results may leave no room for it */
    lua_insert(L, 1);
    if (lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0) != LUA_OK) {
        lua_pushboolean(L, false);
        lua_replace(L, 1);
    }
    return lua_gettop(L);
}

int open_inspect(lua_State *L)
{
    static const luaL_Reg functions[] = {{"type_name", type_name},
                                         {"has", has},
                                         {"count", count},
                                         {"call", call},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
