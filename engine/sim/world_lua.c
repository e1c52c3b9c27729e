/* engine/sim/world_lua.c - world files in Lua. */
#include "sim/world_lua.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/limited_lua.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    MEMORY_LIMIT = 256 << 20,
    INSTRUCTION_LIMIT = 500000000, /* some seconds */
    CPU_LIMIT_MS = 60000,
    VALUE_LIMIT = 10000000,
    DEPTH_LIMIT = 32
};

struct limits {
    struct limited_lua lua; /* first: the context of the state's allocator */
    int values;
};

/* ---- the environment ---- */

/* Leaves the environment on the stack: an empty table that falls back on what is safe. */
static void push_environment(lua_State *L)
{
    static const luaL_Reg libraries[] = {{LUA_STRLIBNAME, luaopen_string},
                                         {LUA_TABLIBNAME, luaopen_table},
                                         {LUA_MATHLIBNAME, luaopen_math},
                                         {LUA_UTF8LIBNAME, luaopen_utf8}};
    static const char *const functions[] = {"assert",   "error",    "ipairs",
                                            "next",     "pairs",    "select",
                                            "tonumber", "tostring", "type"};

    lua_newtable(L); /* the environment */
    lua_newtable(L); /* its metatable */
    lua_newtable(L); /* what is safe */
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 0);
        lua_setfield(L, -2, libraries[i].name);
    }
    lua_getfield(L, -1, LUA_STRLIBNAME);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_pop(L, 1);
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        lua_getfield(L, -1, functions[i]);
        lua_setfield(L, -3, functions[i]);
    }
    lua_pop(L, 1);
    lua_getfield(L, -1, LUA_MATHLIBNAME); /* the same file is the same world */
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, 0);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

/* ---- from tables to JSON ---- */

/* Where a value is: "groups[3].members". */
struct spot {
    const struct spot *up; /* NULL: the whole */
    const char *name;      /* NULL: `index` counts */
    lua_Integer index;
    int depth;
};

static void push_spot(lua_State *L, const struct spot *spot)
{
    if (spot->up == NULL) {
        lua_pushliteral(L, "");
        return;
    }
    push_spot(L, spot->up);
    if (spot->name != NULL)
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), spot->up->up != NULL ? "." : "",
                        spot->name);
    else
        lua_pushfstring(L, "%s[%I]", lua_tostring(L, -1), (LUAI_UACINT)spot->index);
    lua_remove(L, -2);
}

static int refuse(lua_State *L, const struct spot *spot, const char *what)
{
    push_spot(L, spot);

    const char *where = lua_tostring(L, -1);

    lua_pushfstring(L, "%s%s%s", *where != '\0' ? where : "the world", " ", what);
    return lua_error(L);
}

/* Values hang in a tree that is already held somewhere, as an error jumps over all. */
static void read_value(lua_State *L, const struct spot *spot, cJSON *parent,
                       const char *name);

static void hang(cJSON *parent, const char *name, cJSON *value)
{
    if (name != NULL)
        cJSON_AddItemToObject(parent, name, value);
    else
        cJSON_AddItemToArray(parent, value);
}

static void read_list(lua_State *L, const struct spot *spot, cJSON *list)
{
    const lua_Integer count = (lua_Integer)lua_rawlen(L, -1);

    for (lua_Integer i = 1; i <= count; i++) {
        const struct spot element = {spot, NULL, i, spot->depth + 1};

        lua_rawgeti(L, -1, i);
        read_value(L, &element, list, NULL);
        lua_pop(L, 1);
    }
}

/* Leaves the sorted names of the table at the top above it: the order of a table's own is
 * another one in each process. Returns how many, or -1 when not all keys are names. */
static lua_Integer push_names(lua_State *L)
{
    lua_Integer count = 0;

    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, -3) != 0) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            lua_pop(L, 1);
            return -1;
        }
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, ++count);
    }
    lua_getglobal(L, "sort_names");
    lua_pushvalue(L, -2);
    lua_call(L, 1, 0);
    return count;
}

static void read_object(lua_State *L, const struct spot *spot, cJSON *object)
{
    const lua_Integer count = push_names(L);

    if (count < 0)
        refuse(L, spot, "has keys that are neither all names nor 1, 2, ..");
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);

        const char *name = lua_tostring(L, -1);
        const struct spot member = {spot, name, 0, spot->depth + 1};

        lua_pushvalue(L, -1);
        lua_rawget(L, -4);
        read_value(L, &member, object, name);
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
}

/* Whether all keys of the table at the top are 1, 2, .. */
static bool is_list(lua_State *L)
{
    lua_Unsigned count = 0;

    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pop(L, 1);
        count++;
    }
    return count == lua_rawlen(L, -1);
}

static void read_table(lua_State *L, const struct spot *spot, cJSON *parent,
                       const char *name)
{
    const bool is_array = is_list(L);
    cJSON *tree = is_array ? cJSON_CreateArray() : cJSON_CreateObject();

    hang(parent, name, tree);
    if (spot->depth > DEPTH_LIMIT)
        refuse(L, spot, "lies too deep (limit 32)");
    luaL_checkstack(L, 8, "the world is too deep");
    if (is_array)
        read_list(L, spot, tree);
    else
        read_object(L, spot, tree);
}

static void read_value(lua_State *L, const struct spot *spot, cJSON *parent,
                       const char *name)
{
    size_t length;
    const char *text;
    void *limits;

    lua_getallocf(L, &limits);
    if (++((struct limits *)limits)->values > VALUE_LIMIT)
        refuse(L, spot, "is one too many of the world's values (limit 10000000)");
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN:
        hang(parent, name, cJSON_CreateBool(lua_toboolean(L, -1)));
        break;
    case LUA_TNUMBER:
        if (!isfinite(lua_tonumber(L, -1)))
            refuse(L, spot, "is no finite number");
        hang(parent, name, cJSON_CreateNumber(lua_tonumber(L, -1)));
        break;
    case LUA_TSTRING:
        text = lua_tolstring(L, -1, &length);
        if (strlen(text) != length || !text_is_utf8(text, length))
            refuse(L, spot, "is no UTF-8 text");
        hang(parent, name, cJSON_CreateString(text));
        break;
    case LUA_TTABLE:
        read_table(L, spot, parent, name);
        break;
    default:
        lua_pushfstring(L,
                        "is a %s; a world holds tables, texts, numbers, true and false",
                        luaL_typename(L, -1));
        refuse(L, spot, lua_tostring(L, -1));
    }
}

/* ---- running ---- */

struct chunk {
    const char *text, *name;
    size_t length;
    cJSON *holder; /* an array that gets the world */
};

static int run(lua_State *L)
{
    const struct chunk *chunk = lua_touserdata(L, 1);
    const struct spot whole = {0};

    push_environment(L);
    lua_getmetatable(L, -1);
    lua_getfield(L, -1, "__index");
    lua_getfield(L, -1, LUA_TABLIBNAME);
    lua_getfield(L, -1, "sort");
    lua_setglobal(L, "sort_names"); /* out of the chunk's reach */
    lua_pop(L, 3);
    if (luaL_loadbufferx(L, chunk->text, chunk->length, chunk->name, "t") != LUA_OK)
        return lua_error(L);
    lua_pushvalue(L, -2);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1); /* the globals that it has set are the world */
        lua_pushnil(L);
        lua_setmetatable(L, -2);
    } else if (!lua_istable(L, -1)) {
        return luaL_error(L, "the world file must return a table, not a %s",
                          luaL_typename(L, -1));
    }
    if (is_list(L) && lua_rawlen(L, -1) == 0)
        cJSON_AddItemToArray(chunk->holder, cJSON_CreateObject());
    else
        read_value(L, &whole, chunk->holder, NULL);
    return 0;
}

/* Takes what the run has raised. Owned by the caller. */
static char *describe_error(lua_State *L, int status)
{
    const char *text = lua_tostring(L, -1);
    static const char place[] = "world:"; /* and the line */

    if (status == LUA_ERRMEM)
        return memory_format("it needs more than %d MiB of memory", MEMORY_LIMIT >> 20);
    if (text == NULL)
        return memory_copy_string("it has raised what is no text");
    if (strncmp(text, place, sizeof place - 1) == 0)
        return memory_format("line %s", text + sizeof place - 1);
    return memory_copy_string(text);
}

cJSON *world_lua_read(const char *text, size_t length, char **wrong)
{
    struct limits limits = {.lua = {.most_bytes = MEMORY_LIMIT,
                                    .most_instructions = INSTRUCTION_LIMIT,
                                    .most_cpu_ms = CPU_LIMIT_MS,
                                    .endless = "the world file does not come to an end"}};
    cJSON *holder = cJSON_CreateArray(), *tree;
    struct chunk chunk = {text, "=world", length, holder};
    lua_State *L = limited_lua_open(&limits.lua);

    if (L == NULL) {
        cJSON_Delete(holder);
        *wrong = memory_copy_string("no memory for a Lua state");
        return NULL;
    }
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, &chunk);

    const int status = lua_pcall(L, 1, 0, 0);

    if (status != LUA_OK)
        *wrong = describe_error(L, status);
    lua_close(L);
    tree = status == LUA_OK ? cJSON_DetachItemFromArray(holder, 0) : NULL;
    cJSON_Delete(holder);
    return tree;
}
