/* engine/run/config_values.c - values of the configuration, from Lua. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/duration.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/config_parts.h"

enum { LONGEST_TEXT = 4096 };

char *config_check_text(const char *text, size_t length)
{
    if (length == 0)
        return memory_copy_string("the text is empty");
    if (length > LONGEST_TEXT)
        return memory_format("the text is longer than %d bytes", LONGEST_TEXT);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return memory_copy_string("the text has a control character");
    }
    return text_is_utf8(text, length) ? NULL : memory_copy_string("the text is no UTF-8");
}

char *config_complain_type(const char *expected, lua_State *L)
{
    return memory_format("%s expected, got a %s", expected, luaL_typename(L, -1));
}

const char *config_look_at_text(lua_State *L, char **wrong)
{
    size_t length = 0;
    const char *text =
        lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;

    *wrong = text != NULL ? config_check_text(text, length)
                          : config_complain_type("a text", L);
    return *wrong == NULL ? text : NULL;
}

char *config_take_flag(lua_State *L, bool *to)
{
    if (!lua_isboolean(L, -1))
        return config_complain_type("true or false", L);
    *to = lua_toboolean(L, -1) != 0;
    return NULL;
}

char *config_take_whole(lua_State *L, uint64_t least, uint64_t most, uint64_t *to)
{
    int is_whole = 0;
    const lua_Integer number =
        lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_whole) : 0;

    if (is_whole && number >= (lua_Integer)least && number <= (lua_Integer)most) {
        *to = (uint64_t)number;
        return NULL;
    }

    char *expected = memory_format("a whole number from %llu to %llu",
                                   (unsigned long long)least, (unsigned long long)most);
    char *wrong = lua_type(L, -1) == LUA_TNUMBER ? memory_format("%s expected", expected)
                                                 : config_complain_type(expected, L);

    free(expected);
    return wrong;
}

static char *complain_duration(int64_t least_ms, int64_t most_ms)
{
    char least[DURATION_TEXT_SIZE], most[DURATION_TEXT_SIZE];

    duration_format_parts(least_ms, least);
    duration_format_parts(most_ms, most);
    return memory_format("a duration from %s to %s expected", least, most);
}

char *config_take_duration(lua_State *L, int64_t least_ms, int64_t most_ms, int64_t *to)
{
    int64_t duration_ms = -1;

    if (lua_type(L, -1) == LUA_TNUMBER) {
        const lua_Number seconds = lua_tonumber(L, -1);

        if (seconds >= 0 && seconds <= (lua_Number)most_ms / 1000)
            duration_ms = (int64_t)(seconds * 1000 + 0.5);
    } else {
        char *wrong;
        const char *text = config_look_at_text(L, &wrong);

        if (text == NULL)
            return wrong;
        if (duration_parse(text, &duration_ms) != 0)
            return memory_format("'%s' is not a duration such as 30s, 15m or 1h30m",
                                 text);
    }
    if (duration_ms < least_ms || duration_ms > most_ms)
        return complain_duration(least_ms, most_ms);
    *to = duration_ms;
    return NULL;
}

/* The same file for whoever has another working folder. */
char *config_take_path(const char *text, struct config *config, const char **to)
{
    if (text[0] == '~')
        return memory_format(
            "'%s': nobody expands '~'; a path begins with '/', or at the "
            "folder of this file",
            text);
    *to = config_keep(config, text[0] == '/'
                                  ? memory_copy_string(text)
                                  : memory_format("%s/%s", config->folder, text));
    return NULL;
}

bool config_is_list(lua_State *L, lua_Integer *count)
{
    lua_Integer keys = 0;

    *count = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
    if (!lua_istable(L, -1))
        return false;
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1))
        keys++;
    return keys == *count;
}

bool config_is_secret(const char *key)
{
    return text_matches(
        key, "[Ss][Ee][Cc][Rr][Ee][Tt]|[Pp][Aa][Ss][Ss]|[Tt][Oo][Kk][Ee][Nn]|"
             "[Kk][Ee][Yy]|^[Ss][Aa][Ss]|[Cc][Oo][Nn][Nn][Ee][Cc][Tt][Ii][Oo][Nn]");
}

char *config_suggest(const char *word, const char *const *names, size_t count)
{
    const char *near = text_nearest(word, names, count);

    return near != NULL ? memory_format("; did you mean '%s'?", near)
                        : memory_copy_string("");
}
