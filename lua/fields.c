/* lua/fields.c - a kind's fields between Lua tables and bodies, by the model's rows. */
#include "lua/fields.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "lua/bind.h"
#include "lua/resource.h"
#include "model/kind.h"

enum { MAX_FIELDS = 32 };

/* --- from Lua ------------------------------------------------------------------------- */

static cJSON *value_to_json(lua_State *L, int index, const struct field *field);

static void refuse_choice(lua_State *L, const struct field *field, const char *value)
{
    luaL_Buffer names;

    luaL_buffinit(L, &names);
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        luaL_addstring(&names, choice == field->choices ? "" : ", ");
        luaL_addstring(&names, choice->name);
    }
    luaL_pushresult(&names);
    bind_error(L, "%s '%s' is not one of %s", field->name, value, lua_tostring(L, -1));
}

static cJSON *choice_to_json(lua_State *L, int index, const struct field *field)
{
    const char *name = lua_tostring(L, index);
    const struct choice *choice = choice_by_name(field, name);

    if (choice == NULL)
        choice = choice_by_json(field, name);
    if (choice == NULL && !field->choices_are_open)
        refuse_choice(L, field, name);
    return cJSON_CreateString(choice != NULL ? choice->json : name);
}

/* An id as text, or a resource. */
static cJSON *id_to_json(lua_State *L, int index, const struct field *field)
{
    const char *id = resource_id_at(L, index);

    if (id == NULL && lua_type(L, index) == LUA_TSTRING)
        id = lua_tostring(L, index);
    if (id == NULL || id[0] != '/')
        bind_error(L, "%s: a resource or its id expected, got %s", field->name,
                   lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index)
                                                     : luaL_typename(L, index));
    return cJSON_CreateString(id);
}

/* Elements of a list of objects; each is a table with the names of `items`. */
static cJSON *item_to_json(lua_State *L, int index, const struct field *field)
{
    const char *names[MAX_FIELDS];
    size_t count = 0;

    if (lua_type(L, index) != LUA_TTABLE)
        bind_error(L, "%s: a list of tables expected", field->name);
    for (const struct field *item = field->items; item->name != NULL; item++)
        names[count++] = item->name;
    bind_check_keys(L, index, field->name, names, count);

    cJSON *object = cJSON_CreateObject();
    struct held *held = bind_new_held(L, false); /* frees it if a check below raises */

    held->object = object;
    held->release = (void (*)(void *))cJSON_Delete;
    for (const struct field *item = field->items; item->name != NULL; item++) {
        if (lua_getfield(L, index, item->name) != LUA_TNIL)
            json_set_at(object, item->path, value_to_json(L, lua_gettop(L), item));
        lua_pop(L, 1);
    }
    held->object = NULL;
    lua_pop(L, 1);
    return object;
}

static cJSON *list_to_json(lua_State *L, int index, const struct field *field)
{
    if (lua_type(L, index) != LUA_TTABLE)
        bind_error(L, "%s: a list expected, got %s", field->name,
                   luaL_typename(L, index));

    cJSON *list = cJSON_CreateArray();
    const lua_Integer count = luaL_len(L, index);
    struct held *held = bind_new_held(L, false);

    held->object = list;
    held->release = (void (*)(void *))cJSON_Delete;
    for (lua_Integer i = 1; i <= count; i++) {
        lua_geti(L, index, i);
        if (field->type == FIELD_LIST)
            cJSON_AddItemToArray(list, item_to_json(L, lua_gettop(L), field));
        else if (lua_type(L, -1) != LUA_TSTRING)
            bind_error(L, "%s: a list of strings expected", field->name);
        else
            cJSON_AddItemToArray(list, cJSON_CreateString(lua_tostring(L, -1)));
        lua_pop(L, 1);
    }
    held->object = NULL;
    lua_pop(L, 1);
    return list;
}

/* What a script may mean by the value, before its limits are checked. */
static cJSON *convert(lua_State *L, int index, const struct field *field)
{
    switch (field->type) {
    case FIELD_CHOICE:
        if (lua_type(L, index) != LUA_TSTRING)
            bind_error(L, "%s: a string expected, got %s", field->name,
                       luaL_typename(L, index));
        return choice_to_json(L, index, field);
    case FIELD_ID:
        return id_to_json(L, index, field);
    case FIELD_LIST:
    case FIELD_STRINGS:
        return list_to_json(L, index, field);
    default:
        break;
    }

    cJSON *value = bind_to_json(L, index);

    if (value == NULL)
        bind_error(L, "%s: %s", field->name, lua_tostring(L, -1));
    return value;
}

static cJSON *value_to_json(lua_State *L, int index, const struct field *field)
{
    cJSON *value = convert(L, index, field);
    char *wrong = field_check_value(field, field->name, value);

    if (wrong != NULL) {
        cJSON_Delete(value);
        bind_error_owned(L, wrong);
    }
    return value;
}

static void check_names(lua_State *L, int index, const struct kind *kind)
{
    const char *names[MAX_FIELDS];
    size_t count = 0;

    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_READ_ONLY) == 0)
            names[count++] = field->name;
        else if (lua_getfield(L, index, field->name) != LUA_TNIL)
            bind_error(L, "%s of a %s is set by the service", field->name, kind->name);
        else
            lua_pop(L, 1);
    }
    names[count++] = "wait";
    bind_check_keys(L, index, "option", names, count);
}

void fields_check(lua_State *L, int index, const struct kind *kind, cJSON *body)
{
    index = lua_absindex(L, index);
    check_names(L, index, kind);
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_READ_ONLY) != 0)
            continue;
        if (lua_getfield(L, index, field->name) != LUA_TNIL)
            json_set_at(body, field->path, value_to_json(L, lua_gettop(L), field));
        lua_pop(L, 1);
    }
}

/* --- to Lua --------------------------------------------------------------------------- */

static void push_item(lua_State *L, const struct field *items, const cJSON *object)
{
    lua_newtable(L);
    for (const struct field *item = items; item->name != NULL; item++) {
        fields_push(L, item, object);
        lua_setfield(L, -2, item->name);
    }
}

void fields_push(lua_State *L, const struct field *field, const cJSON *body)
{
    const cJSON *value = json_at(body, field->path), *element;
    const struct choice *choice = NULL;
    int count = 0;

    if (value == NULL || cJSON_IsNull(value)) {
        lua_pushnil(L);
        return;
    }
    switch (field->type) {
    case FIELD_CHOICE:
        if (cJSON_IsString(value))
            choice = choice_by_json(field, value->valuestring);
        if (choice != NULL)
            lua_pushstring(L, choice->name);
        else
            bind_push_json(L, value);
        break;
    case FIELD_IDS:
        lua_createtable(L, cJSON_GetArraySize(value), 0);
        cJSON_ArrayForEach (element, value) {
            lua_pushstring(L, json_string_at(element, "id"));
            lua_rawseti(L, -2, ++count);
        }
        break;
    case FIELD_LIST:
        lua_createtable(L, cJSON_GetArraySize(value), 0);
        cJSON_ArrayForEach (element, value) {
            push_item(L, field->items, element);
            lua_rawseti(L, -2, ++count);
        }
        break;
    default:
        bind_push_json(L, value);
        break;
    }
}
