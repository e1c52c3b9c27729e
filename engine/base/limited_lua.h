/* engine/base/limited_lua.h - a Lua state with an end to its memory and to its time, for text that
 * somebody else wrote. It has no libraries. */
#ifndef MOONGATE_BASE_LIMITED_LUA_H
#define MOONGATE_BASE_LIMITED_LUA_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

struct limited_lua {
    size_t most_bytes;          /* more is LUA_ERRMEM */
    uint64_t most_instructions; /* more raises `endless` */
    /* The same, of this thread's processor: one instruction may copy or compare megabytes. It is
     * looked at every thousand of them. */
    int64_t most_cpu_ms;
    const char *endless; /* "the file does not come to an end" */

    /* its own */
    size_t used_bytes;
    uint64_t used_instructions;
    int64_t start_ms;
};

/* A new state, to be closed with lua_close(); `limits` with its limits filled in is borrowed until
 * then, and is what lua_getallocf() has as its context. NULL when there is no memory. */
lua_State *limited_lua_open(struct limited_lua *limits);

#endif
