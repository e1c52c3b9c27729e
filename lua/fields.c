/* lua/fields.c - a kind's fields between Lua tables and bodies, by the model's rows. */
#include "lua/fields.h"

#include <string.h>

#include "base/duration.h"
#include "base/json.h"
#include "base/memory.h"
#include "lua/bind.h"
#include "lua/resource.h"
#include "model/kind.h"

enum { MAX_FIELDS = 64 };

/* --- from Lua ------------------------------------------------------------------------- */

/* What stands at the top of the stack may be used by a message: `way` is the property with
 * its way from the outside in, such as "rules[2].name". */
struct place {
    const struct field *field;
    const char *way;
};

static cJSON *any_to_json(lua_State *L, int index, const struct place *place);

static cJSON *hold(lua_State *L, cJSON *tree)
{
    struct held *held = bind_new_held(L, false); /* frees it if a check raises */

    held->object = tree;
    held->release = (void (*)(void *))cJSON_Delete;
    return tree;
}

/* Takes back what hold() has put on top of the stack. */
static cJSON *let_go(lua_State *L, cJSON *tree)
{
    bind_held(L, -1)->object = NULL;
    lua_pop(L, 1);
    return tree;
}

static void refuse_type(lua_State *L, int index, const struct place *place,
                        const char *expected)
{
    bind_error(L, "%s: %s expected, got %s", place->way, expected,
               luaL_typename(L, index));
}

static void refuse_choice(lua_State *L, const struct place *place, const char *value)
{
    luaL_Buffer names;

    luaL_buffinit(L, &names);
    for (const struct choice *choice = place->field->choices; choice->name != NULL;
         choice++) {
        luaL_addstring(&names, choice == place->field->choices ? "" : ", ");
        luaL_addstring(&names, choice->name);
    }
    luaL_pushresult(&names);
    bind_error(L, "%s '%s' is not one of %s", place->way, value, lua_tostring(L, -1));
}

static cJSON *choice_to_json(lua_State *L, int index, const struct place *place)
{
    const struct field *field = place->field;
    const char *name;
    const struct choice *choice;

    if (lua_type(L, index) != LUA_TSTRING)
        refuse_type(L, index, place, "a string");
    name = lua_tostring(L, index);
    choice = choice_by_name(field, name);
    if (choice == NULL)
        choice = choice_by_json(field, name);
    if (choice == NULL && !field->choices_are_open)
        refuse_choice(L, place, name);
    return cJSON_CreateString(choice != NULL ? choice->json : name);
}

/* An id as text, or a resource. */
static cJSON *id_to_json(lua_State *L, int index, const struct place *place)
{
    const char *id = resource_id_at(L, index);

    if (id == NULL && lua_type(L, index) == LUA_TSTRING)
        id = lua_tostring(L, index);
    if (id == NULL || id[0] != '/')
        bind_error(L, "%s: a resource or its id expected, got %s", place->way,
                   lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index)
                                                     : luaL_typename(L, index));
    return cJSON_CreateString(id);
}

/* A duration as scripts write it; that of ISO 8601 is understood as well. */
static cJSON *duration_to_json(lua_State *L, int index, const struct place *place)
{
    char text[DURATION_ISO_SIZE];
    int64_t duration_ms = 0;
    bool is_good = false;

    if (lua_type(L, index) == LUA_TNUMBER && lua_tonumber(L, index) >= 0.0) {
        duration_ms = (int64_t)(lua_tonumber(L, index) * 1000.0 + 0.5);
        is_good = true;
    } else if (lua_type(L, index) == LUA_TSTRING) {
        is_good = duration_parse(lua_tostring(L, index), &duration_ms) == 0 ||
                  duration_parse_iso(lua_tostring(L, index), &duration_ms) == 0;
    }
    if (!is_good)
        bind_error(L, "%s: seconds or a duration such as \"90s\" expected, got %s",
                   place->way, luaL_tolstring(L, index, NULL));
    duration_format_iso(duration_ms, text);
    return cJSON_CreateString(text);
}

/* A table with the names of `items`. */
static cJSON *object_to_json(lua_State *L, int index, const struct place *place)
{
    const char *names[MAX_FIELDS];
    size_t count = 0;
    cJSON *object;

    if (lua_type(L, index) != LUA_TTABLE)
        refuse_type(L, index, place, "a table");
    for (const struct field *item = place->field->items; item->name != NULL; item++)
        names[count++] = item->name;
    bind_check_keys(L, index, place->way, names, count);
    object = hold(L, cJSON_CreateObject());
    for (const struct field *item = place->field->items; item->name != NULL; item++) {
        if (lua_getfield(L, index, item->name) != LUA_TNIL) {
            const struct place inner = {
                item, lua_pushfstring(L, "%s.%s", place->way, item->name)};

            json_set_at(object, item->path, any_to_json(L, lua_absindex(L, -2), &inner));
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return let_go(L, object);
}

static cJSON *text_to_json(lua_State *L, int index, const struct place *place)
{
    cJSON *text;

    if (lua_type(L, index) != LUA_TSTRING)
        refuse_type(L, index, place, "a string");
    if (place->field->choices != NULL)
        return choice_to_json(L, index, place);
    text = bind_to_json(L, index);
    if (text == NULL)
        bind_error(L, "%s: %s", place->way, lua_tostring(L, -1));
    return text;
}

static cJSON *element_to_json(lua_State *L, int index, const struct place *place)
{
    cJSON *object;

    switch (place->field->type) {
    case FIELD_LIST:
        return object_to_json(L, index, place);
    case FIELD_IDS:
        object = hold(L, cJSON_CreateObject());
        cJSON_AddItemToObject(object, "id", id_to_json(L, index, place));
        return let_go(L, object);
    default:
        return text_to_json(L, index, place);
    }
}

static cJSON *list_to_json(lua_State *L, int index, const struct place *place)
{
    cJSON *list;
    lua_Integer count;

    if (lua_type(L, index) != LUA_TTABLE)
        refuse_type(L, index, place, "a list");
    count = luaL_len(L, index);
    list = hold(L, cJSON_CreateArray());
    for (lua_Integer i = 1; i <= count; i++) {
        struct place inner = {.field = place->field};

        lua_geti(L, index, i);
        inner.way = lua_pushfstring(L, "%s[%I]", place->way, (LUAI_UACINT)i);

        const int element = lua_absindex(L, -2);

        cJSON_AddItemToArray(list, element_to_json(L, element, &inner));
        lua_pop(L, 2);
    }
    return let_go(L, list);
}

static cJSON *map_to_json(lua_State *L, int index, const struct place *place)
{
    struct field value = *place->field;
    cJSON *map;

    if (lua_type(L, index) != LUA_TTABLE)
        refuse_type(L, index, place, "a map");
    value.type = place->field->values;
    map = hold(L, cJSON_CreateObject());
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        struct place inner = {.field = &value};

        if (lua_type(L, -2) != LUA_TSTRING)
            bind_error(L, "%s: names expected, got %s", place->way, luaL_typename(L, -2));
        inner.way = lua_pushfstring(L, "%s['%s']", place->way, lua_tostring(L, -2));
        cJSON_AddItemToObject(map, lua_tostring(L, -3),
                              any_to_json(L, lua_absindex(L, -2), &inner));
        lua_pop(L, 2);
    }
    return let_go(L, map);
}

/* What a script may mean by the value, before its limits are checked. json.null asks for
 * absence. */
static cJSON *any_to_json(lua_State *L, int index, const struct place *place)
{
    cJSON *value;

    if (bind_is_null(L, index))
        return cJSON_CreateNull();
    luaL_checkstack(L, 16, "nested too deep");
    switch (place->field->type) {
    case FIELD_CHOICE:
        return choice_to_json(L, index, place);
    case FIELD_ID:
        return id_to_json(L, index, place);
    case FIELD_DURATION:
        return duration_to_json(L, index, place);
    case FIELD_OBJECT:
        return object_to_json(L, index, place);
    case FIELD_LIST:
    case FIELD_IDS:
    case FIELD_STRINGS:
        return list_to_json(L, index, place);
    case FIELD_MAP:
        return map_to_json(L, index, place);
    default:
        break;
    }
    value = bind_to_json(L, index);
    if (value == NULL)
        bind_error(L, "%s: %s", place->way, lua_tostring(L, -1));
    return value;
}

static cJSON *value_to_json(lua_State *L, int index, const struct field *field)
{
    const struct place place = {field, field->name};
    cJSON *value = any_to_json(L, index, &place);
    char *wrong =
        cJSON_IsNull(value) ? NULL : field_check_value(field, field->name, value);

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
    names[count++] = "if_match";
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

    char *wrong = kind->check != NULL ? kind->check(body) : NULL;

    if (wrong != NULL)
        bind_error_owned(L, wrong);
}

/* --- to Lua --------------------------------------------------------------------------- */

static void push_value(lua_State *L, const struct field *field, const cJSON *value);

static void push_item(lua_State *L, const struct field *items, const cJSON *object)
{
    lua_newtable(L);
    for (const struct field *item = items; item->name != NULL; item++) {
        fields_push(L, item, object);
        lua_setfield(L, -2, item->name);
    }
}

/* Each value as a field of its own, whose path is its name. */
static void push_map(lua_State *L, const struct field *field, const cJSON *map)
{
    struct field value = *field;
    const cJSON *member;

    value.type = field->values;
    lua_newtable(L);
    cJSON_ArrayForEach (member, map) {
        push_value(L, &value, member);
        lua_setfield(L, -2, member->string);
    }
}

/* In seconds; what is no duration is given as it is. */
static void push_duration(lua_State *L, const cJSON *value)
{
    int64_t duration_ms;

    if (!cJSON_IsString(value) ||
        duration_parse_iso(value->valuestring, &duration_ms) != 0)
        bind_push_json(L, value);
    else if (duration_ms % 1000 == 0)
        lua_pushinteger(L, (lua_Integer)(duration_ms / 1000));
    else
        lua_pushnumber(L, (lua_Number)duration_ms / 1000.0);
}

void fields_push(lua_State *L, const struct field *field, const cJSON *body)
{
    push_value(L, field, json_at(body, field->path));
}

static void push_value(lua_State *L, const struct field *field, const cJSON *value)
{
    const cJSON *element;
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
    case FIELD_OBJECT:
        push_item(L, field->items, value);
        break;
    case FIELD_MAP:
        push_map(L, field, value);
        break;
    case FIELD_DURATION:
        push_duration(L, value);
        break;
    default:
        bind_push_json(L, value);
        break;
    }
}
