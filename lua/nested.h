/* lua/nested.h - collections of resources within a resource: `ws.apis`, `api.policy`. */
#ifndef MOONGATE_LUA_NESTED_H
#define MOONGATE_LUA_NESTED_H

#include <lua.h>

struct kind;

/* Pushes what the resource `id` has of `kind`: a collection, or one that is alone of its kind.
 * It costs its id; the verbs are shared by all of a kind and are made when the first of them is
 * asked for. */
void nested_push(lua_State *L, const struct kind *kind, const char *id);

/* Pushes the table of methods that resources of this kind have, loading it when it is first
 * asked for. */
void nested_push_methods(lua_State *L, const struct kind *kind);

/* Makes the tables. */
void nested_set_up(lua_State *L);

/* resources.methods(kind) -> the same table, as it is now: the caller fills it */
int nested_methods(lua_State *L);

/* resources.nested(kind, parent) -> what nested_push() pushes */
int nested_new(lua_State *L);

/* resources.parent(nested, kind, verb) -> the id that it is nested in; raises when it is none of
 * that kind */
int nested_parent(lua_State *L);

/* resources.identify(value) -> kind and parent's id when it is a collection, else nothing */
int nested_identify(lua_State *L);

/* resources.set_loader(load): `load(kind, what)` is called once for each kind and `what`,
 * "methods" or "verbs", when the first of them is needed; of verbs it gives the table */
int nested_set_loader(lua_State *L);

/* resources.describe(kind) -> {arm_type=, api_version=, member=, parent=, only_name=, reveals=,
 * get=, head=, put=, patch=, delete=, list=, writes={field = true}}: what the row says of the kind
 * and of what the service does; nil when there is no such kind */
int nested_describe(lua_State *L);

#endif
