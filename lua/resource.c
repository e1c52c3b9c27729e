/* lua/resource.c - resources as scripts hold them: the body as it came, and the model's row
 * that says what its members are called. Fields are converted when they are read. */
#include "lua/resource.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "lua/bind.h"
#include "lua/fields.h"
#include "lua/nested.h"
#include "model/kind.h"

struct resource {
    const struct kind *kind;
    char *id, *etag;
    cJSON *body;
};

static const char resource_metatable[] = "resource";

static struct resource *check_resource(lua_State *L, int index)
{
    return luaL_checkudata(L, index, resource_metatable);
}

/* The members that every resource has. */
static bool push_member(lua_State *L, const struct resource *own, const char *key)
{
    if (strcmp(key, "id") == 0)
        lua_pushstring(L, own->id);
    else if (strcmp(key, "name") == 0)
        lua_pushstring(L, strrchr(own->id, '/') + 1);
    else if (strcmp(key, "etag") == 0)
        lua_pushstring(L, own->etag);
    else if (strcmp(key, "kind") == 0)
        lua_pushstring(L, own->kind->name);
    else if (strcmp(key, "raw") == 0)
        bind_push_json(L, own->body);
    else
        return false;
    return true;
}

/* What a module of stdlib makes of the resource for that key, or nil; the methods are on top. */
static void push_view(lua_State *L, const char *key)
{
    lua_pop(L, 1);
    lua_pushfstring(L, "view:%s", key);
    if (lua_rawget(L, -2) == LUA_TFUNCTION) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
    }
}

static int index_resource(lua_State *L)
{
    const struct resource *own = check_resource(L, 1);
    const char *key = luaL_checkstring(L, 2);
    const struct field *field = field_find(own->kind->fields, key);

    if (field != NULL) {
        fields_push(L, field, own->body);
        return 1;
    }
    if (push_member(L, own, key))
        return 1;
    nested_push_methods(L, own->kind);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;

    const struct kind *child = kind_find_member(own->kind, key);

    if (child != NULL)
        nested_push(L, child, own->id);
    else
        push_view(L, key);
    return 1;
}

static int refuse_assignment(lua_State *L)
{
    const struct resource *own = check_resource(L, 1);

    return bind_error(L, "fields of a %s are changed with update, not by assignment",
                      own->kind->name);
}

static int next_field(lua_State *L)
{
    const struct resource *own = check_resource(L, 1);
    const char *last = lua_tostring(L, 2);
    const struct field *field = own->kind->fields;

    if (last != NULL) {
        field = field_find(own->kind->fields, last);
        luaL_argcheck(L, field != NULL, 2, "not a field");
        field++;
    }
    for (; field->name != NULL; field++) {
        if ((field->flags & FIELD_SECRET) != 0)
            continue; /* whoever goes through the fields may print them */
        fields_push(L, field, own->body);
        if (!lua_isnil(L, -1)) {
            lua_pushstring(L, field->name);
            lua_insert(L, -2);
            return 2;
        }
        lua_pop(L, 1);
    }
    return 0;
}

static int pairs_of_resource(lua_State *L)
{
    check_resource(L, 1);
    lua_pushcfunction(L, next_field);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* workspace 'payments' (display_name = Payments, description = ...) */
static int resource_tostring(lua_State *L)
{
    const struct resource *own = check_resource(L, 1);
    const char *separator = " (";
    luaL_Buffer text;

    luaL_buffinit(L, &text);
    lua_pushfstring(L, "%s '%s'", own->kind->name, strrchr(own->id, '/') + 1);
    luaL_addvalue(&text);
    for (const struct field *field = own->kind->fields; field->name != NULL; field++) {
        const cJSON *value = json_at(own->body, field->path);

        if ((field->flags & FIELD_SECRET) != 0 ||
            (!cJSON_IsString(value) && !cJSON_IsNumber(value) && !cJSON_IsBool(value)) ||
            (cJSON_IsString(value) && value->valuestring[0] == '\0'))
            continue;
        lua_pushfstring(L, "%s%s = ", separator, field->name);
        luaL_addvalue(&text);
        fields_push(L, field, own->body);
        luaL_tolstring(L, -1, NULL);
        lua_remove(L, -2);
        luaL_addvalue(&text);
        separator = ", ";
    }
    if (separator[0] == ',')
        luaL_addchar(&text, ')');
    luaL_pushresult(&text);
    return 1;
}

static int equal_resources(lua_State *L)
{
    const struct resource *a = check_resource(L, 1), *b = check_resource(L, 2);

    lua_pushboolean(L,
                    strcmp(a->id, b->id) == 0 && cJSON_Compare(a->body, b->body, true));
    return 1;
}

static int collect(lua_State *L)
{
    struct resource *own = check_resource(L, 1);

    free(own->id);
    free(own->etag);
    cJSON_Delete(own->body);
    *own = (struct resource){.kind = own->kind};
    return 0;
}

void resource_set_up(lua_State *L)
{
    static const luaL_Reg metamethods[] = {{"__index", index_resource},
                                           {"__newindex", refuse_assignment},
                                           {"__pairs", pairs_of_resource},
                                           {"__tostring", resource_tostring},
                                           {"__eq", equal_resources},
                                           {"__gc", collect},
                                           {NULL, NULL}};

    luaL_newmetatable(L, resource_metatable);
    luaL_setfuncs(L, metamethods, 0);
    bind_seal_metatable(L);
    lua_pop(L, 1);
}

void resource_push(lua_State *L, const struct kind *kind, const char *id, cJSON *body,
                   const char *etag)
{
    const char *own_id = json_string_at(body, "id");
    struct resource *own = lua_newuserdatauv(L, sizeof *own, 0);

    if (own_id == NULL || own_id[0] != '/')
        own_id = id;
    *own = (struct resource){.kind = kind,
                             .id = memory_copy_string(own_id),
                             .etag = memory_copy_string(etag),
                             .body = body};
    luaL_setmetatable(L, resource_metatable);
}

const char *resource_id_at(lua_State *L, int index)
{
    const struct resource *own = luaL_testudata(L, index, resource_metatable);

    return own != NULL ? own->id : NULL;
}

int resource_replace(lua_State *L)
{
    struct resource *old = check_resource(L, 1), *new = check_resource(L, 2);
    const struct resource kept = *old;

    luaL_argcheck(L, old->kind == new->kind, 2, "a resource of the same kind expected");
    *old = *new;
    *new = kept;
    lua_settop(L, 1);
    return 1;
}
