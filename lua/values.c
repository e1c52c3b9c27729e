/* lua/values.c - the modules json, env, log, clock and core.check: values in and out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "run/session.h"
#include "schedule/zone.h"

/* --- json ----------------------------------------------------------------------------- */

/* json.decode(text) -> value; raises where the text is not JSON */
static int json_decode(lua_State *L)
{
    size_t length, at = 0;
    const char *text = luaL_checklstring(L, 1, &length);
    cJSON *tree = json_parse(text, length, &at);

    if (tree == NULL)
        return bind_error(L, "not JSON from byte %d on: %.20s", (int)at + 1,
                          at < length ? text + at : "(the end)");
    /* a tree that outlives an error in here is lost; there is memory for a table, or none
     * for anything */
    bind_push_json(L, tree);
    cJSON_Delete(tree);
    return 1;
}

/* json.encode(value, pretty) -> text */
static int json_encode(lua_State *L)
{
    luaL_checkany(L, 1);

    const bool is_pretty = lua_toboolean(L, 2);
    cJSON *tree = bind_to_json(L, 1);

    if (tree == NULL)
        return bind_error(L, "%s", lua_tostring(L, -1));

    char *text = is_pretty ? cJSON_Print(tree) : cJSON_PrintUnformatted(tree);

    cJSON_Delete(tree);
    lua_pushstring(L, text);
    free(text);
    return 1;
}

/* json.array(t) -> t, which is an array from now on, even when it is empty */
static int json_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "__json_array");
    lua_setmetatable(L, 1);
    return 1;
}

int open_json(lua_State *L)
{
    static const luaL_Reg functions[] = {{"decode", json_decode},
                                         {"encode", json_encode},
                                         {"array", json_array},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    bind_push_null(L);
    lua_setfield(L, -2, "null");
    return 1;
}

/* --- env ------------------------------------------------------------------------------ */

/* env.get(name, otherwise) -> text, or otherwise */
static int env_get(lua_State *L)
{
    const char *value = getenv(luaL_checkstring(L, 1));

    lua_settop(L, 2);
    if (value != NULL)
        lua_pushstring(L, value);
    return 1;
}

/* env.require(name) -> text; raises when it is not set */
static int env_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *value = getenv(name);

    if (value == NULL)
        return bind_raise(L, "NotFound", "the environment variable %s is not set", name);
    lua_pushstring(L, value);
    return 1;
}

int open_env(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"get", env_get}, {"require", env_require}, {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}

/* --- log ------------------------------------------------------------------------------ */

static int write_log(lua_State *L, enum log_level level)
{
    const int count = lua_gettop(L);
    luaL_Buffer text;

    if (!log_is_on(level))
        return 0;
    luaL_buffinit(L, &text);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&text, ' ');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    log_line(level, "%s", lua_tostring(L, -1));
    return 0;
}

/* log.error(...): a line for whoever runs the script: what failed */
static int log_error(lua_State *L)
{
    return write_log(L, LOG_ERROR);
}

/* log.warning(...): the same: what may be wrong */
static int log_warning(lua_State *L)
{
    return write_log(L, LOG_WARNING);
}

/* log.info(...): the same: what is done */
static int log_info(lua_State *L)
{
    return write_log(L, LOG_INFO);
}

/* log.debug(...): the same: for who looks for a fault */
static int log_debug(lua_State *L)
{
    return write_log(L, LOG_DEBUG);
}

int open_log(lua_State *L)
{
    static const luaL_Reg functions[] = {{"error", log_error},
                                         {"warning", log_warning},
                                         {"info", log_info},
                                         {"debug", log_debug},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}

static const lua_Number LATEST_TIME_S = 253402300800.0; /* the year 10000 */

/* --- clock ---------------------------------------------------------------------------- */

/* clock.now() -> seconds since 1970 on the run's clock */
static int clock_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_wall_ms(session_clock(bind_session(L))) / 1000.0);
    return 1;
}

/* clock.elapsed() -> seconds since the run began, on the run's clock */
static int clock_elapsed(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock_now_ms(session_clock(bind_session(L))) / 1000.0);
    return 1;
}

/* clock.utc(seconds) -> "2026-01-31T12:00:00.000Z"; now without an argument */
static int clock_utc(lua_State *L)
{
    char text[CLOCK_TEXT_SIZE];
    const lua_Number seconds = luaL_optnumber(
        L, 1, (lua_Number)clock_wall_ms(session_clock(bind_session(L))) / 1000.0);

    luaL_argcheck(L, seconds >= 0 && seconds < LATEST_TIME_S, 1,
                  "a time from 1970 to 9999");
    clock_format_utc((int64_t)(seconds * 1000.0), text);
    lua_pushstring(L, text);
    return 1;
}

/* clock.parse(text) -> seconds since 1970, or nil when it is not an ISO 8601 UTC time */
static int clock_parse_text(lua_State *L)
{
    int64_t wall_ms;

    if (clock_parse_utc(luaL_checkstring(L, 1), &wall_ms) == 0)
        lua_pushnumber(L, (lua_Number)wall_ms / 1000.0);
    else
        lua_pushnil(L);
    return 1;
}

/* clock.duration(duration) -> seconds; raises when it is not a duration */
static int clock_duration(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)bind_check_duration(L, 1, "duration") / 1000.0);
    return 1;
}

/* clock.format(duration) -> "2:59:12", for people */
static int clock_format(lua_State *L)
{
    char text[DURATION_TEXT_SIZE];

    duration_format(bind_check_duration(L, 1, "duration"), text);
    lua_pushstring(L, text);
    return 1;
}

static void set_integer(lua_State *L, const char *key, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

/* clock.date(seconds, zone) -> table: what the clocks of a time zone ("UTC" by default) show then:
 * year, month, day, hour, min, sec, wday (1 is Sunday), yday and isdst as of os.date "*t", offset
 * (seconds east of UTC) and zone (its abbreviation, such as "CEST"); now without a time. Raises
 * when there is no such zone. */
static int clock_date(lua_State *L)
{
    const lua_Number seconds = luaL_optnumber(
        L, 1, (lua_Number)clock_wall_ms(session_clock(bind_session(L))) / 1000.0);
    const char *name = luaL_optstring(L, 2, "UTC");
    char *wrong = NULL;
    struct tm parts;

    luaL_argcheck(L, seconds >= 0 && seconds < LATEST_TIME_S, 1,
                  "a time from 1970 to 9999");

    struct zone *zone = zone_open(name, &wrong);

    if (zone == NULL)
        return bind_error_owned(L, wrong);

    const struct zone_offset offset = zone_at(zone, (int64_t)seconds);
    const time_t shown = (time_t)((int64_t)seconds + offset.offset_s);
    char abbreviation[32];

    snprintf(abbreviation, sizeof abbreviation, "%s", offset.abbreviation);
    zone_close(zone); /* before anything that may raise */
    gmtime_r(&shown, &parts);
    lua_createtable(L, 0, 11);
    set_integer(L, "year", parts.tm_year + 1900);
    set_integer(L, "month", parts.tm_mon + 1);
    set_integer(L, "day", parts.tm_mday);
    set_integer(L, "hour", parts.tm_hour);
    set_integer(L, "min", parts.tm_min);
    set_integer(L, "sec", parts.tm_sec);
    set_integer(L, "wday", parts.tm_wday + 1);
    set_integer(L, "yday", parts.tm_yday + 1);
    set_integer(L, "offset", offset.offset_s);
    lua_pushboolean(L, offset.is_dst);
    lua_setfield(L, -2, "isdst");
    lua_pushstring(L, abbreviation);
    lua_setfield(L, -2, "zone");
    return 1;
}

int open_clock(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"now", clock_now},          {"elapsed", clock_elapsed},
        {"utc", clock_utc},          {"date", clock_date},
        {"parse", clock_parse_text}, {"duration", clock_duration},
        {"format", clock_format},    {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}

/* --- core.check ----------------------------------------------------------------------- */

/* fail(message): raises it with the position of the script's line */
static int check_fail(lua_State *L)
{
    return bind_error(L, "%s", luaL_checkstring(L, 1));
}

enum { MOST_NAMES = 64 };

/* The list of strings at `index`, which keeps them. */
static size_t read_names(lua_State *L, int index, const char *names[MOST_NAMES])
{
    size_t count = 0;

    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_Integer i = 1; i <= luaL_len(L, index) && count < MOST_NAMES; i++) {
        lua_geti(L, index, i);
        names[count++] = luaL_checkstring(L, -1);
        lua_pop(L, 1);
    }
    return count;
}

/* nearest(word, names) -> the name that was probably meant, or nil */
static int check_nearest(lua_State *L)
{
    const char *names[MOST_NAMES];
    const char *word = luaL_checkstring(L, 1);

    lua_pushstring(L, text_nearest(word, names, read_names(L, 2, names)));
    return 1;
}

/* options(given, names) -> given, or an empty table for nil; raises unless it is a table
 * whose keys are all among the names */
static int check_options(lua_State *L)
{
    const char *names[MOST_NAMES];
    const size_t count = read_names(L, 2, names);

    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        return 1;
    }
    if (lua_type(L, 1) != LUA_TTABLE)
        bind_error(L, "a table of options expected, got %s", luaL_typename(L, 1));
    bind_check_keys(L, 1, "option", names, count);
    return 1;
}

/* failure(fields) -> a failure object */
static int check_failure(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_traceback(L, L, NULL, 1);
    lua_setfield(L, 1, "traceback");
    luaL_setmetatable(L, "failure");
    return 1;
}

/* is_failure(value) -> boolean */
static int check_is_failure(lua_State *L)
{
    const bool has_metatable = lua_getmetatable(L, 1);

    luaL_getmetatable(L, "failure");
    lua_pushboolean(L, has_metatable && lua_rawequal(L, -1, -2));
    return 1;
}

/* uuid(name) -> the UUID that stands for a name (version 5) */
static int check_uuid(lua_State *L)
{
    char text[UUID_TEXT_SIZE];

    uuid_from_name(luaL_checkstring(L, 1), text);
    lua_pushstring(L, text);
    return 1;
}

/* is_uuid(text) -> boolean */
static int check_is_uuid(lua_State *L)
{
    lua_pushboolean(L, uuid_is_valid(luaL_checkstring(L, 1)));
    return 1;
}

/* escape(text) -> the same percent-encoded, for a part of a URL */
static int check_escape(lua_State *L)
{
    struct buffer text = {0};

    buffer_append_escaped(&text, luaL_checkstring(L, 1));
    lua_pushlstring(L, text.data != NULL ? text.data : "", text.length);
    buffer_deinit(&text);
    return 1;
}

int open_check(lua_State *L)
{
    static const luaL_Reg functions[] = {{"fail", check_fail},
                                         {"nearest", check_nearest},
                                         {"escape", check_escape},
                                         {"options", check_options},
                                         {"failure", check_failure},
                                         {"is_failure", check_is_failure},
                                         {"uuid", check_uuid},
                                         {"is_uuid", check_is_uuid},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
