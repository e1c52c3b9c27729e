/* engine/base/limited_lua.c - a Lua state with an end to its memory and to its time. */
#include "base/limited_lua.h"

#include <stdlib.h>
#include <time.h>

#include <lauxlib.h>

enum { STEP = 1000 }; /* instructions between two looks */

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

static int64_t cpu_ms(void)
{
    struct timespec time;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0)
        return 0;
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void look(lua_State *L, lua_Debug *debug)
{
    struct limited_lua *limits;
    void *context;

    (void)debug;
    lua_getallocf(L, &context);
    limits = context;
    limits->used_instructions += STEP;
    if (limits->used_instructions <= limits->most_instructions &&
        cpu_ms() - limits->start_ms <= limits->most_cpu_ms)
        return;
    luaL_where(L, 0); /* a hook is no function: what runs is the innermost one */
    lua_pushstring(L, limits->endless);
    lua_concat(L, 2);
    lua_error(L);
}

lua_State *limited_lua_open(struct limited_lua *limits)
{
    lua_State *L = lua_newstate(allocate, limits);

    limits->start_ms = cpu_ms();
    if (L != NULL)
        lua_sethook(L, look, LUA_MASKCOUNT, STEP);
    return L;
}
