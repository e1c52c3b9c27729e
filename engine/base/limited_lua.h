/* engine/base/limited_lua.h - a Lua state with an end to its memory and to its time, for text that
 * somebody else wrote. It has no libraries. */
#ifndef MOONGATE_BASE_LIMITED_LUA_H
#define MOONGATE_BASE_LIMITED_LUA_H

#include <stddef.h>

#include <lua.h>

enum { LIMITED_LUA_STEP = 1000000 }; /* instructions; some milliseconds */

struct limited_lua {
    size_t most_bytes;   /* more is LUA_ERRMEM */
    unsigned most_steps; /* more raises `endless` */
    const char *endless; /* "the file does not come to an end" */

    size_t used_bytes;
    unsigned used_steps;
};

/* A new state, to be closed with lua_close(); `limits` with its limits filled in is borrowed until
 * then, and is what lua_getallocf() has as its context. NULL when there is no memory. */
lua_State *limited_lua_open(struct limited_lua *limits);

#endif
