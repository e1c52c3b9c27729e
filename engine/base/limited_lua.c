/* engine/base/limited_lua.c - a Lua state with an end to its memory and to its time. */
#include "base/limited_lua.h"

#include <stdlib.h>

#include <lauxlib.h>

static void *allocate(void *context, void *old, size_t old_size, size_t size)
{
    struct limited_lua *limits = context;
    const size_t had = old != NULL ? old_size : 0;

    if (size == 0) {
        limits->used_bytes -= had;
        free(old);
        return NULL;
    }
    if (size > had && limits->used_bytes + (size - had) > limits->most_bytes)
        return NULL;

    void *memory = realloc(old, size);

    if (memory != NULL)
        limits->used_bytes = limits->used_bytes - had + size;
    return memory;
}

static void count_step(lua_State *L, lua_Debug *debug)
{
    struct limited_lua *limits;
    void *context;

    (void)debug;
    lua_getallocf(L, &context);
    limits = context;
    if (++limits->used_steps <= limits->most_steps)
        return;
    luaL_where(L, 0); /* a hook is no function: what runs is the innermost one */
    lua_pushstring(L, limits->endless);
    lua_concat(L, 2);
    lua_error(L);
}

lua_State *limited_lua_open(struct limited_lua *limits)
{
    lua_State *L = lua_newstate(allocate, limits);

    if (L != NULL)
        lua_sethook(L, count_step, LUA_MASKCOUNT, LIMITED_LUA_STEP);
    return L;
}
