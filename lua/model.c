/* lua/model.c - core.model: the rows of the model as tables, for help and for checks. */
#include <stdlib.h>

#include "lua/bind.h"
#include "lua/modules.h"
#include "model/kind.h"
#include "model/role.h"
#include "run/source.h"
#include "task/modules.h"

static void set_string(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static void push_fields(lua_State *L, const struct field *fields);

static void push_field(lua_State *L, const struct field *field)
{
    static const char *const types[] = {
        [FIELD_STRING] = "string",     [FIELD_INTEGER] = "integer",
        [FIELD_BOOLEAN] = "boolean",   [FIELD_CHOICE] = "choice",
        [FIELD_ID] = "resource or id", [FIELD_LOCATION] = "region",
        [FIELD_TIME] = "time",         [FIELD_STRINGS] = "list of strings",
        [FIELD_IDS] = "list of ids",   [FIELD_TAGS] = "tags",
        [FIELD_LIST] = "list",         [FIELD_NUMBER] = "number",
        [FIELD_DURATION] = "duration", [FIELD_OBJECT] = "object",
        [FIELD_MAP] = "map",           [FIELD_ANY] = "any"};
    lua_Integer count = 0;

    lua_newtable(L);
    set_string(L, "name", field->name);
    set_string(L, "path", field->path);
    set_string(L, "type", types[field->type]);
    if (field->type == FIELD_MAP)
        set_string(L, "values", types[field->values]);
    set_string(L, "help", field->help);
    set_string(L, "unit", field->unit);
    set_string(L, "pattern", field->pattern);
    set_flag(L, "required", (field->flags & FIELD_REQUIRED) != 0);
    set_flag(L, "read_only", (field->flags & FIELD_READ_ONLY) != 0);
    set_flag(L, "immutable", (field->flags & FIELD_IMMUTABLE) != 0);
    set_flag(L, "secret", (field->flags & FIELD_SECRET) != 0);
    set_flag(L, "write_only", (field->flags & FIELD_WRITE_ONLY) != 0);
    set_flag(L, "choices_are_open", field->choices_are_open);
    if (field->item_max > 0) {
        lua_pushinteger(L, field->item_max);
        lua_setfield(L, -2, "item_max");
    }
    if (field->max > 0) {
        lua_pushinteger(L, field->min);
        lua_setfield(L, -2, "min");
        lua_pushinteger(L, field->max);
        lua_setfield(L, -2, "max");
    }
    if (field->choices != NULL) {
        lua_newtable(L);
        for (const struct choice *choice = field->choices; choice->name != NULL;
             choice++) {
            lua_pushstring(L, choice->name);
            lua_rawseti(L, -2, ++count);
        }
        lua_setfield(L, -2, "choices");
    }
    if (field->items != NULL) {
        push_fields(L, field->items);
        lua_setfield(L, -2, "items");
    }
}

static void push_fields(lua_State *L, const struct field *fields)
{
    lua_Integer count = 0;

    lua_newtable(L);
    for (const struct field *field = fields; field->name != NULL; field++) {
        push_field(L, field);
        lua_rawseti(L, -2, ++count);
    }
}

/* Sets `operations` of the table on top: which requests the service takes. */
static void set_operations(lua_State *L, const struct kind *kind)
{
    static const struct {
        unsigned flag;
        const char *name;
    } rows[] = {{KIND_GET, "get"},     {KIND_HEAD, "head"},     {KIND_PUT, "put"},
                {KIND_PATCH, "patch"}, {KIND_DELETE, "delete"}, {KIND_LIST, "list"}};

    lua_newtable(L);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        set_flag(L, rows[i].name, (kind->operations & rows[i].flag) != 0);
    lua_setfield(L, -2, "operations");
}

/* Sets `actions` of the table on top. */
static void set_actions(lua_State *L, const struct kind *kind)
{
    lua_Integer count = 0;

    lua_newtable(L);
    for (const struct action *action = kind->actions;
         action != NULL && action->name != NULL; action++) {
        lua_newtable(L);
        set_string(L, "name", action->name);
        set_string(L, "help", action->help);
        lua_rawseti(L, -2, ++count);
    }
    lua_setfield(L, -2, "actions");
}

/* Sets `if_match` of the table on top: for which requests the service looks at the etag. */
static void set_if_match(lua_State *L, const struct kind *kind)
{
    const unsigned matches = kind->if_match | kind->may_match;

    lua_createtable(L, 0, 2);
    set_flag(L, "write", (matches & (KIND_PUT | KIND_PATCH)) != 0);
    set_flag(L, "delete", (matches & KIND_DELETE) != 0);
    lua_setfield(L, -2, "if_match");
}

static void push_kind(lua_State *L, const struct kind *kind)
{
    lua_newtable(L);
    set_string(L, "name", kind->name);
    set_string(L, "arm_type", kind->arm_type);
    set_string(L, "api_version", kind->api_version);
    set_string(L, "help", kind->help);
    set_string(L, "name_pattern", kind->name_pattern);
    set_string(L, "parent", kind->parent != NULL ? kind->parent->name : NULL);
    set_string(L, "member", kind->member);
    set_string(L, "only_name", kind->only_name);
    set_string(L, "columns", kind->columns);
    set_operations(L, kind);
    set_if_match(L, kind);
    set_actions(L, kind);
    lua_pushinteger(L, kind->name_min);
    lua_setfield(L, -2, "name_min");
    lua_pushinteger(L, kind->name_max);
    lua_setfield(L, -2, "name_max");
    push_fields(L, kind->fields);
    lua_setfield(L, -2, "fields");
}

/* kinds() -> list of {name=, arm_type=, api_version=, help=, name_min=, name_max=,
 * name_pattern=, parent=, member=, only_name=, operations=, if_match=, actions=, fields=,
 * columns=} */
static int model_kinds(lua_State *L)
{
    lua_Integer count = 0;

    lua_newtable(L);
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        push_kind(L, *kind);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* kind(name) -> one of them, or nil */
static int model_kind(lua_State *L)
{
    const struct kind *kind = kind_find(luaL_checkstring(L, 1));

    if (kind == NULL)
        return 0;
    push_kind(L, kind);
    return 1;
}

/* roles() -> list of {name=, id=, scope="service"|"workspace"|"any", description=} */
static int model_roles(lua_State *L)
{
    static const char *const scopes[] = {[ROLE_SCOPE_ANY] = "any",
                                         [ROLE_SCOPE_SERVICE] = "service",
                                         [ROLE_SCOPE_WORKSPACE] = "workspace"};
    lua_Integer count = 0;

    lua_newtable(L);
    for (const struct role *role = roles; role->name != NULL; role++) {
        lua_newtable(L);
        set_string(L, "name", role->name);
        set_string(L, "id", role->id);
        set_string(L, "scope", scopes[role->scope]);
        set_string(L, "description", role->description);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

static void set_patterns(lua_State *L, const char *name, const char *const *patterns)
{
    lua_newtable(L);
    for (lua_Integer i = 0; patterns != NULL && patterns[i] != NULL; i++) {
        lua_pushstring(L, patterns[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, name);
}

/* role(name or id) -> {name=, id=, description=, permissions=}, or nil when it is no built-in
 * role that we know; permissions: a list of {actions=, not_actions=, data_actions=,
 * not_data_actions=} */
static int model_role(lua_State *L)
{
    const struct role *role = role_find(luaL_checkstring(L, 1));

    if (role == NULL)
        return 0;
    lua_createtable(L, 0, 4);
    set_string(L, "name", role->name);
    set_string(L, "id", role->id);
    set_string(L, "description", role->description);
    lua_createtable(L, 1, 0);
    lua_createtable(L, 0, 4);
    set_patterns(L, "actions", role->permission.actions);
    set_patterns(L, "not_actions", role->permission.not_actions);
    set_patterns(L, "data_actions", role->permission.data_actions);
    set_patterns(L, "not_data_actions", role->permission.not_data_actions);
    lua_rawseti(L, -2, 1);
    lua_setfield(L, -2, "permissions");
    return 1;
}

/* check_name(kind, name) -> what is wrong with it, or nil */
static int model_check_name(lua_State *L)
{
    const struct kind *kind = kind_find(luaL_checkstring(L, 1));

    luaL_argcheck(L, kind != NULL, 1, "kind expected");

    char *wrong = kind_check_name(kind, luaL_checkstring(L, 2));

    lua_pushstring(L, wrong);
    free(wrong);
    return 1;
}

/* format_id(kind, parent, name) -> id */
static int model_format_id(lua_State *L)
{
    const struct kind *kind = kind_find(luaL_checkstring(L, 1));

    luaL_argcheck(L, kind != NULL, 1, "kind expected");

    char *id = kind_format_id(kind, luaL_checkstring(L, 2), luaL_checkstring(L, 3));

    lua_pushstring(L, id);
    free(id);
    return 1;
}

/* source(path) -> text of one of moongate's own files, such as "stdlib/tasks.lua", or nil */
static int model_source(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    char *chunk_name = NULL;
    size_t length = 0;
    char *text = source_read_own(path, &length, &chunk_name);

    if (text == NULL)
        return 0;
    lua_pushlstring(L, text, length);
    free(text);
    free(chunk_name);
    return 1;
}

/* files() -> the paths of moongate's own files */
static int model_files(lua_State *L)
{
    lua_Integer count = 0;

    lua_newtable(L);
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        lua_pushstring(L, file->path);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

/* natives() -> the names of the native modules */
static int model_natives(lua_State *L)
{
    lua_Integer count = 0;

    lua_newtable(L);
    for (const struct native_module *module = native_modules; module->name != NULL;
         module++) {
        lua_pushstring(L, module->name);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

int open_model(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"kinds", model_kinds},           {"kind", model_kind},
        {"roles", model_roles},           {"role", model_role},
        {"check_name", model_check_name}, {"format_id", model_format_id},
        {"source", model_source},         {"files", model_files},
        {"natives", model_natives},       {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
