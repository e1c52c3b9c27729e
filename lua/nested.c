/* lua/nested.c - collections of resources within a resource.
 *
 * One is an id and a metatable, which all of its kind share. The verbs come from stdlib, by a
 * loader that it has set: so no kind costs anything before a script touches it. */
#include "lua/nested.h"

#include <string.h>

#include <lauxlib.h>

#include "lua/bind.h"
#include "model/kind.h"

struct nested {
    const struct kind *kind;
    char id[];
};

/* Of the registry: tables from kinds to methods and to metatables, and the loader. */
static const char methods_key, metatables_key, loader_key;

static const struct kind *check_kind(lua_State *L, int index)
{
    const struct kind *kind = kind_find(luaL_checkstring(L, index));

    if (kind == NULL)
        luaL_argerror(L, index, "kind expected");
    return kind;
}

/* Pushes what the loader gives for a kind. */
static void load(lua_State *L, const struct kind *kind, const char *what)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &loader_key);
    lua_pushstring(L, kind->name);
    lua_pushstring(L, what);
    lua_call(L, 2, 1);
}

/* --- methods -------------------------------------------------------------------------- */

int nested_methods(lua_State *L)
{
    const struct kind *kind = check_kind(L, 1);

    lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
    if (lua_rawgetp(L, -1, kind) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, kind);
    }
    return 1;
}

void nested_push_methods(lua_State *L, const struct kind *kind)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
    if (lua_rawgetp(L, -1, kind) == LUA_TNIL) {
        load(L, kind, "methods");
        lua_pop(L, 2);
        lua_rawgetp(L, -1, kind);
    }
    lua_remove(L, -2);
}

/* --- collections ---------------------------------------------------------------------- */

/* The collection at `index`, or NULL when it is none. */
static const struct nested *test_nested(lua_State *L, int index)
{
    const struct nested *own = lua_touserdata(L, index);
    bool is_one = false;

    if (own != NULL && lua_getmetatable(L, index)) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &metatables_key);
        lua_pushvalue(L, -2);
        is_one = lua_rawget(L, -2) != LUA_TNIL; /* metatables are keys there, too */
        lua_pop(L, 3);
    }
    return is_one ? own : NULL;
}

/* Metamethods are sealed in, so their first argument is a collection. */
static const struct nested *own_nested(lua_State *L)
{
    return lua_touserdata(L, 1);
}

/* apis of workspace 'payments' */
static int nested_tostring(lua_State *L)
{
    const struct nested *own = own_nested(L);
    const char *slash = strrchr(own->id, '/');
    const struct kind *parent = own->kind->parent;

    lua_pushfstring(L, "%s of %s '%s'",
                    own->kind->member != NULL ? own->kind->member : own->kind->name,
                    parent != NULL ? parent->name : "resource",
                    slash != NULL ? slash + 1 : own->id);
    return 1;
}

/* The verb called `key`; what is none is refused by the function that the loader gives for it,
 * which knows the names. */
static int index_nested(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    lua_pushliteral(L, "refuse");
    lua_rawget(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    luaL_tolstring(L, 2, NULL);
    lua_call(L, 2, 1);
    return 1;
}

static int refuse_assignment(lua_State *L)
{
    nested_tostring(L);
    return bind_error(L,
                      "%s: resources are made with create or ensure, not by assignment",
                      lua_tostring(L, -1));
}

static int refuse_walk(lua_State *L)
{
    nested_tostring(L);
    if (own_nested(L)->kind->only_name != NULL)
        return bind_error(L, "%s: it is one resource; read it with :get()",
                          lua_tostring(L, -1));
    return bind_error(L, "%s: go through it with :each(), or read all of it with :list()",
                      lua_tostring(L, -1));
}

static int equal_nested(lua_State *L)
{
    const struct nested *a = test_nested(L, 1), *b = test_nested(L, 2);

    lua_pushboolean(L, a != NULL && b != NULL && a->kind == b->kind &&
                           strcmp(a->id, b->id) == 0);
    return 1;
}

static void push_metatable(lua_State *L, const struct kind *kind)
{
    static const luaL_Reg metamethods[] = {{"__newindex", refuse_assignment},
                                           {"__pairs", refuse_walk},
                                           {"__len", refuse_walk},
                                           {"__tostring", nested_tostring},
                                           {"__eq", equal_nested},
                                           {NULL, NULL}};

    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatables_key);
    if (lua_rawgetp(L, -1, kind) == LUA_TNIL) {
        lua_pop(L, 1);
        luaL_newlib(L, metamethods);
        load(L, kind, "verbs");
        lua_pushcclosure(L, index_nested, 1);
        lua_setfield(L, -2, "__index");
        lua_pushstring(L, kind->only_name != NULL ? "only resource" : "collection");
        lua_setfield(L, -2, "__name");
        bind_seal_metatable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, kind);
        lua_pushvalue(L, -1);
        lua_pushboolean(L, true);
        lua_rawset(L, -4);
    }
    lua_remove(L, -2);
}

void nested_push(lua_State *L, const struct kind *kind, const char *id)
{
    const size_t size = strlen(id) + 1;
    struct nested *own = lua_newuserdatauv(L, sizeof *own + size, 0);

    own->kind = kind;
    memcpy(own->id, id, size);
    push_metatable(L, kind);
    lua_setmetatable(L, -2);
}

/* --- for stdlib ----------------------------------------------------------------------- */

int nested_new(lua_State *L)
{
    nested_push(L, check_kind(L, 1), luaL_checkstring(L, 2));
    return 1;
}

int nested_parent(lua_State *L)
{
    const struct nested *own = test_nested(L, 1);

    if (own == NULL || own->kind != check_kind(L, 2))
        return bind_error(L, "call %s with ':', not with '.'", luaL_checkstring(L, 3));
    lua_pushstring(L, own->id);
    return 1;
}

int nested_identify(lua_State *L)
{
    const struct nested *own = test_nested(L, 1);

    if (own == NULL)
        return 0;
    lua_pushstring(L, own->kind->name);
    lua_pushstring(L, own->id);
    return 2;
}

int nested_set_loader(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loader_key);
    return 0;
}

static void set_string(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

int nested_describe(lua_State *L)
{
    static const struct {
        const char *name;
        enum kind_operation operation;
    } operations[] = {{"get", KIND_GET},       {"head", KIND_HEAD},
                      {"put", KIND_PUT},       {"patch", KIND_PATCH},
                      {"delete", KIND_DELETE}, {"list", KIND_LIST}};
    const struct kind *kind = kind_find(luaL_checkstring(L, 1));

    if (kind == NULL)
        return 0;
    lua_newtable(L);
    set_string(L, "arm_type", kind->arm_type);
    set_string(L, "api_version", kind->api_version);
    set_string(L, "member", kind->member);
    set_string(L, "parent", kind->parent != NULL ? kind->parent->name : NULL);
    set_string(L, "only_name", kind->only_name);
    set_string(L, "reveals", kind->reveal);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        lua_pushboolean(L, (kind->operations & (unsigned)operations[i].operation) != 0);
        lua_setfield(L, -2, operations[i].name);
    }
    lua_newtable(L);
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_READ_ONLY) == 0) {
            lua_pushboolean(L, true);
            lua_setfield(L, -2, field->name);
        }
    }
    lua_setfield(L, -2, "writes");
    return 1;
}

/* Until stdlib has set its own. */
static int load_nothing(lua_State *L)
{
    nested_methods(L);
    return 1;
}

void nested_set_up(lua_State *L)
{
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &methods_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatables_key);
    lua_pushcfunction(L, load_nothing);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &loader_key);
}
