/* lua/resource.h - resources as scripts hold them. */
#ifndef MOONGATE_LUA_RESOURCE_H
#define MOONGATE_LUA_RESOURCE_H

#include <cjson/cJSON.h>
#include <lua.h>

struct kind;

/* Makes the metatable. */
void resource_set_up(lua_State *L);

/* Pushes a resource that owns `body`; `etag` is copied and may be NULL. The id is the one in
 * the body, or else `id`. */
void resource_push(lua_State *L, const struct kind *kind, const char *id, cJSON *body,
                   const char *etag);

/* The id of the resource at `index`, or NULL when there is none. Borrowed from it. */
const char *resource_id_at(lua_State *L, int index);

/* resource.replace(old, new): `old` becomes what `new` is. */
int resource_replace(lua_State *L);

#endif
