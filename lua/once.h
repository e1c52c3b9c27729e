/* lua/once.h - run.once. */
#ifndef MOONGATE_LUA_ONCE_H
#define MOONGATE_LUA_ONCE_H

#include <lua.h>

/* See the comment above its definition: the reference is made of that. */
int run_once(lua_State *L);

#endif
