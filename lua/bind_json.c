/* lua/bind_json.c - between cJSON trees and Lua values. */
#include "lua/bind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char null_key; /* its address as a light userdata is null */

enum { DEEPEST = 100 };

static const double EXACT_INTEGERS =
    9007199254740992.0; /* 2^53: cJSON has doubles only */

void bind_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&null_key);
}

bool bind_is_null(lua_State *L, int index)
{
    return lua_touserdata(L, index) == &null_key;
}

void bind_push_json(lua_State *L, const cJSON *value)
{
    const cJSON *member;
    int count = 0;

    luaL_checkstack(L, 4, "JSON too deep");
    switch (value != NULL ? value->type & 0xff : cJSON_NULL) {
    case cJSON_False:
    case cJSON_True:
        lua_pushboolean(L, cJSON_IsTrue(value));
        break;
    case cJSON_Number:
        if (value->valuedouble == floor(value->valuedouble) &&
            fabs(value->valuedouble) <= EXACT_INTEGERS)
            lua_pushinteger(L, (lua_Integer)value->valuedouble);
        else
            lua_pushnumber(L, value->valuedouble);
        break;
    case cJSON_String:
        lua_pushstring(L, value->valuestring);
        break;
    case cJSON_Array:
        lua_createtable(L, cJSON_GetArraySize(value), 0);
        cJSON_ArrayForEach (member, value) {
            bind_push_json(L, member);
            lua_rawseti(L, -2, ++count);
        }
        break;
    case cJSON_Object:
        lua_createtable(L, 0, cJSON_GetArraySize(value));
        cJSON_ArrayForEach (member, value) {
            lua_pushstring(L, member->string);
            bind_push_json(L, member);
            lua_rawset(L, -3);
        }
        break;
    default:
        bind_push_null(L);
        break;
    }
}

static cJSON *to_json(lua_State *L, int index, int depth);

/* The length of a sequence 1..n, or -1 when the table has other keys. An empty table is an
 * object unless json.array() has marked it. */
static lua_Integer sequence_length(lua_State *L, int index)
{
    lua_Integer count = 0;
    const lua_Integer length = (lua_Integer)lua_rawlen(L, index);
    bool is_marked = false;

    if (luaL_getmetafield(L, index, "__json_array") != LUA_TNIL) {
        is_marked = true;
        lua_pop(L, 1);
    }
    if (length == 0 && !is_marked)
        return -1;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        count++;
        if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 ||
            lua_tointeger(L, -1) > length) {
            lua_pop(L, 1);
            return -1;
        }
    }
    return count == length ? length : -1;
}

static cJSON *array_to_json(lua_State *L, int index, lua_Integer length, int depth)
{
    cJSON *array = cJSON_CreateArray();

    for (lua_Integer i = 1; i <= length; i++) {
        lua_rawgeti(L, index, i);

        cJSON *element = to_json(L, lua_gettop(L), depth + 1);

        if (element == NULL) {
            lua_remove(L, -2);
            cJSON_Delete(array);
            return NULL;
        }
        lua_pop(L, 1);
        cJSON_AddItemToArray(array, element);
    }
    return array;
}

static cJSON *object_to_json(lua_State *L, int index, int depth)
{
    cJSON *object = cJSON_CreateObject();

    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        cJSON *member = NULL;

        if (lua_type(L, -2) != LUA_TSTRING)
            lua_pushfstring(L, "a JSON object has string keys, got a %s key",
                            luaL_typename(L, -2));
        else
            member = to_json(L, lua_gettop(L), depth + 1);
        if (member == NULL) { /* the message is on top, then value and key */
            lua_insert(L, -3);
            lua_pop(L, 2);
            cJSON_Delete(object);
            return NULL;
        }
        cJSON_AddItemToObject(object, lua_tostring(L, -2), member);
        lua_pop(L, 1);
    }
    return object;
}

static cJSON *number_to_json(lua_State *L, int index)
{
    const lua_Number number = lua_tonumber(L, index);

    if (lua_isinteger(L, index) &&
        (number > EXACT_INTEGERS || number < -EXACT_INTEGERS)) {
        char digits[32];

        snprintf(digits, sizeof digits, LUA_INTEGER_FMT, lua_tointeger(L, index));
        return cJSON_CreateRaw(digits);
    }
    if (!isfinite(number)) {
        lua_pushliteral(L, "JSON has no infinity and no NaN");
        return NULL;
    }
    return cJSON_CreateNumber(number);
}

static cJSON *to_json(lua_State *L, int index, int depth)
{
    lua_Integer length;

    if (depth > DEEPEST || !lua_checkstack(L, 6)) {
        lua_pushfstring(L, "nested deeper than %d (or a table inside itself)", DEEPEST);
        return NULL;
    }
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return cJSON_CreateNull();
    case LUA_TBOOLEAN:
        return cJSON_CreateBool(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return number_to_json(L, index);
    case LUA_TSTRING:
        if (strlen(lua_tostring(L, index)) != lua_rawlen(L, index)) {
            lua_pushliteral(L, "a string with a NUL byte in it");
            return NULL;
        }
        return cJSON_CreateString(lua_tostring(L, index));
    case LUA_TTABLE:
        length = sequence_length(L, index);
        return length >= 0 ? array_to_json(L, index, length, depth)
                           : object_to_json(L, index, depth);
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index) == (const void *)&null_key)
            return cJSON_CreateNull();
        break;
    default:
        break;
    }
    lua_pushfstring(L, "a %s cannot be JSON", luaL_typename(L, index));
    return NULL;
}

cJSON *bind_to_json(lua_State *L, int index)
{
    return to_json(L, lua_absindex(L, index), 0);
}
