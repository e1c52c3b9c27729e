/* lua/fields.h - a kind's fields between Lua tables and bodies. */
#ifndef MOONGATE_LUA_FIELDS_H
#define MOONGATE_LUA_FIELDS_H

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <lua.h>

struct field;
struct kind;

/* The body that the table at `index` asks for, put into `body` as it grows, so that its
 * owner can free it whatever is raised. Raises, naming field, value and limit, what is
 * wrong: unknown or read-only fields, types, limits. The key "wait" is left to the caller. */
void fields_check(lua_State *L, int index, const struct kind *kind, cJSON *body);

/* Pushes a field of a body as scripts see it; nil when the body does not have it. */
void fields_push(lua_State *L, const struct field *field, const cJSON *body);

#endif
