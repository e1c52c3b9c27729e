/* lua/access.c - core.access: actions and the patterns of them in roles. */
#include <stdlib.h>

#include "lua/bind.h"
#include "lua/modules.h"
#include "model/action.h"
#include "model/inclusion.h"

/* The strings of a list, ended by NULL, in a userdata that is pushed; nil is an empty list.
 * They are borrowed from the list. */
static const char *const *push_patterns(lua_State *L, int list, int argument)
{
    const bool is_list = lua_istable(L, list);

    if (!is_list && !lua_isnil(L, list))
        luaL_typeerror(L, argument, "list of patterns");

    const lua_Integer count = is_list ? luaL_len(L, list) : 0;
    const char **patterns =
        lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *patterns, 0);

    for (lua_Integer i = 0; i < count; i++) {
        if (lua_rawgeti(L, list, i + 1) != LUA_TSTRING)
            luaL_argerror(L, argument, "a list of patterns has something else in it");
        patterns[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    patterns[count] = NULL;
    return patterns;
}

/* judge(patterns, exceptions, action) -> whether the action is in it, the pattern that fits
 * or nil, the exception that fits or nil. Either list may be nil. */
static int access_judge(lua_State *L)
{
    const char *action = luaL_checkstring(L, 3);
    const char *const *patterns = push_patterns(L, 1, 1);
    const char *const *exceptions = push_patterns(L, 2, 2);
    const struct action_set set = {patterns, exceptions};

    lua_pushboolean(L, action_is_in(&set, action));
    lua_pushstring(L, action_find_match(patterns, action));
    lua_pushstring(L, action_find_match(exceptions, action));
    return 3;
}

/* is_pattern(text) -> whether a role may hold it */
static int access_is_pattern(lua_State *L)
{
    lua_pushboolean(L, action_is_pattern(luaL_checkstring(L, 1)));
    return 1;
}

/* Pushes the sets of a list of {patterns=, exceptions=}, and what they borrow from. */
static const struct action_set *push_sets(lua_State *L, int list, size_t *count)
{
    luaL_checktype(L, list, LUA_TTABLE);
    *count = (size_t)luaL_len(L, list);

    struct action_set *sets = lua_newuserdatauv(L, (*count + 1) * sizeof *sets, 0);

    luaL_checkstack(L, (int)(*count * 5) + 8, "too many permissions");
    for (size_t i = 0; i < *count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        luaL_argcheck(L, lua_istable(L, -1), list, "list of sets expected");

        const int set = lua_gettop(L);

        lua_getfield(L, set, "patterns");
        lua_getfield(L, set, "exceptions");
        sets[i].patterns = push_patterns(L, set + 1, list);
        sets[i].exceptions = push_patterns(L, set + 2, list);
    }
    return sets;
}

/* find_missing(pattern, exceptions, sets) -> nil when all that the pattern fits and no
 * exception does is in one of the sets, a list of {patterns=, exceptions=}; else an action
 * that is not, or false when it cannot be decided */
static int access_find_missing(lua_State *L)
{
    const char *pattern = luaL_checkstring(L, 1);
    size_t count;
    char *example = NULL;

    lua_settop(L, 3);

    const char *const *exceptions = push_patterns(L, 2, 2);
    const struct action_set *sets = push_sets(L, 3, &count);

    switch (inclusion_decide(pattern, exceptions, sets, count, &example)) {
    case INCLUSION_WHOLE:
        lua_pushnil(L);
        break;
    case INCLUSION_UNDECIDED:
        lua_pushboolean(L, false);
        break;
    case INCLUSION_LACKS:
        lua_pushstring(L, example);
        free(example);
        break;
    }
    return 1;
}

int open_access(lua_State *L)
{
    static const luaL_Reg functions[] = {{"judge", access_judge},
                                         {"is_pattern", access_is_pattern},
                                         {"find_missing", access_find_missing},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
