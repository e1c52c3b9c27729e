/* engine/sim/world_lua.h - world files in Lua.
 *
 * The chunk returns a table, or sets globals, which are the world's keys then. It runs in
 * an environment of its own with `string`, `table`, `math`, `utf8` and the plain functions
 * of the language; it reaches no file, no other module and no clock. */
#ifndef MOONGATE_SIM_WORLD_LUA_H
#define MOONGATE_SIM_WORLD_LUA_H

#include <stddef.h>

#include <cjson/cJSON.h>

/* Runs the text and makes its table JSON: a table whose keys are 1, 2, .. a list, one
 * whose keys are names an object, an empty one a list. NULL on failure; then `*wrong` says
 * in which line and why (owned by the caller). Owned by the caller. */
cJSON *world_lua_read(const char *text, size_t length, char **wrong);

#endif
