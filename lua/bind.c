/* lua/bind.c - waiting and raising: the one place in the program that yields. */
#include "lua/bind.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/paging.h"
#include "base/duration.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/interpreter.h"
#include "run/past.h"
#include "run/session.h"
#include "task/task.h"

static const char held_metatable[] = "held", failure_metatable[] = "failure";

/* --- session -------------------------------------------------------------------------- */

struct session *bind_session(lua_State *L)
{
    return interpreter_session(L);
}

/* Whether nothing that the running task does is part of the run that is stepped into. */
static bool is_aside(lua_State *L)
{
    const struct past *past = session_past(bind_session(L));

    return past != NULL && !past_is_of(past, scheduler_running_task(scheduler_of(L)));
}

struct client *bind_client(lua_State *L)
{
    struct failure *failure = NULL;
    struct client *client = is_aside(L) ? session_client_aside(bind_session(L), &failure)
                                        : session_client(bind_session(L), &failure);

    if (client == NULL)
        bind_raise_owned(L, failure);
    return client;
}

/* --- waiting -------------------------------------------------------------------------- */

void bind_check_task(lua_State *L)
{
    if (!task_may_wait(L))
        bind_error(
            L, "cannot wait here: this runs inside a C function that cannot be left "
               "(such as a comparison of table.sort) or while a task is being closed");
}

static int release_held(lua_State *L)
{
    struct held *held = lua_touserdata(L, 1);

    if (held->object != NULL)
        held->release(held->object);
    held->object = NULL;
    held->waitable = NULL;
    return 0;
}

struct held *bind_new_held(lua_State *L, bool is_closed_on_leave)
{
    struct held *held = lua_newuserdatauv(L, sizeof *held, 1);

    memset(held, 0, sizeof *held);
    luaL_setmetatable(L, held_metatable);
    if (is_closed_on_leave)
        lua_toclose(L, -1);
    return held;
}

struct held *bind_held(lua_State *L, int slot)
{
    return lua_touserdata(L, slot);
}

int bind_wait_on(lua_State *L, int slot, struct waitable *waitable, lua_KFunction finish,
                 lua_KContext context)
{
    lua_settop(L, slot); /* drop what the last resume brought */
    lua_pushlightuserdata(L, waitable);
    return lua_yieldk(L, 1, context, finish);
}

int bind_wait(lua_State *L, int slot, lua_KFunction finish, lua_KContext context)
{
    return bind_wait_on(L, slot, bind_held(L, slot)->waitable, finish, context);
}

/* --- raising -------------------------------------------------------------------------- */

static void set_string(lua_State *L, const char *name, const char *value)
{
    if (value != NULL) {
        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
    }
}

void bind_push_failure(lua_State *L, const struct failure *failure)
{
    lua_createtable(L, 0, 9);
    if (failure->details != NULL) {
        cJSON *details = json_parse(failure->details, strlen(failure->details), NULL);

        bind_push_json(L, details); /* raises nothing but for want of memory */
        cJSON_Delete(details);
        lua_setfield(L, -2, "details");
    }
    set_string(L, "code", failure->code);
    set_string(L, "message", failure->message);
    set_string(L, "target", failure->target);
    set_string(L, "operation", failure->operation);
    set_string(L, "request_id", failure->request_id);
    set_string(L, "correlation_id", failure->correlation_id);
    set_string(L, "cure", failure->cure);
    if (failure->status != 0) {
        lua_pushinteger(L, failure->status);
        lua_setfield(L, -2, "status");
    }
    lua_pushboolean(L, failure->retryable);
    lua_setfield(L, -2, "retryable");
    luaL_traceback(L, L, NULL, 1);
    lua_setfield(L, -2, "traceback");
    luaL_setmetatable(L, failure_metatable);
}

int bind_raise_failure(lua_State *L, const struct failure *failure)
{
    bind_push_failure(L, failure);
    return lua_error(L);
}

int bind_raise_owned(lua_State *L, struct failure *failure)
{
    bind_push_failure(L, failure);
    failure_free(failure);
    return lua_error(L);
}

int bind_raise(lua_State *L, const char *code, const char *format, ...)
{
    va_list arguments;
    char message[1024];

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);

    return bind_raise_owned(L, failure_new(code, "%s", message));
}

int bind_push_next_url(lua_State *L, const char *url, const char *link,
                       bool replaces_version)
{
    struct failure *failure = NULL;
    char *next = paging_resolve(url, link, replaces_version, &failure);
    char key[TEXT_KEY_SIZE];

    if (next == NULL)
        return bind_raise_owned(L, failure);
    text_format_key(next, key);
    lua_pushstring(L, next);
    free(next);
    lua_pushstring(L, key);
    return 2;
}

/* The string field of the table at 1, or NULL. Leaves it on the stack. */
static const char *text_field(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    return lua_tostring(L, -1);
}

/* One line with all of it. */
static int failure_tostring(lua_State *L)
{
    const struct failure failure = {
        .code = (char *)text_field(L, "code"),
        .message = (char *)text_field(L, "message"),
        .target = (char *)text_field(L, "target"),
        .operation = (char *)text_field(L, "operation"),
        .request_id = (char *)text_field(L, "request_id"),
        .cure = (char *)text_field(L, "cure"),
        .status = (lua_getfield(L, 1, "status"), (int)lua_tointeger(L, -1))};
    struct failure whole = failure;

    if (whole.code == NULL)
        whole.code = (char *)"Failure";
    if (whole.message == NULL)
        whole.message = (char *)"";

    char *text = failure_describe(&whole);

    lua_pushstring(L, text);
    free(text);
    return 1;
}

/* Pushes "file:line: " of the innermost function that is not the library's. */
static void push_where(lua_State *L)
{
    lua_Debug where;

    for (int level = 1; lua_getstack(L, level, &where) == 1; level++) {
        lua_getinfo(L, "Sl", &where);
        if (where.currentline > 0 && strncmp(where.source, "@stdlib/", 8) != 0) {
            lua_pushfstring(L, "%s:%d: ", where.short_src, where.currentline);
            return;
        }
    }
    lua_pushliteral(L, "");
}

int bind_error_owned(lua_State *L, char *message)
{
    push_where(L);
    lua_pushstring(L, message);
    free(message);
    lua_concat(L, 2);
    return lua_error(L);
}

int bind_error(lua_State *L, const char *format, ...)
{
    va_list arguments;
    char message[1024];

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    push_where(L);
    lua_pushstring(L, message);
    lua_concat(L, 2);
    return lua_error(L);
}

/* --- arguments ------------------------------------------------------------------------ */

int64_t bind_check_duration(lua_State *L, int index, const char *what)
{
    int64_t duration_ms;

    if (lua_type(L, index) == LUA_TNUMBER) {
        const lua_Number seconds = lua_tonumber(L, index);

        if (!(seconds >= 0 && seconds <= 315360000.0))
            bind_error(L, "%s %f is outside 0 to 315360000 seconds", what, seconds);
        return (int64_t)(seconds * 1000.0 + 0.5);
    }
    if (lua_type(L, index) != LUA_TSTRING)
        bind_error(L, "%s: a duration expected, seconds or text such as \"90s\", got %s",
                   what, luaL_typename(L, index));
    if (duration_parse(lua_tostring(L, index), &duration_ms) != 0)
        bind_error(
            L,
            "%s '%s' is not a duration: seconds, or text such as \"90s\", \"45m\", "
            "\"3h\", \"2d\"",
            what, lua_tostring(L, index));
    return duration_ms;
}

/* Pushes "there is a" or "there are a, b and c". */
static const char *push_names(lua_State *L, const char *const *names, size_t count)
{
    luaL_Buffer buffer;

    luaL_buffinit(L, &buffer);
    luaL_addstring(&buffer, count > 1 ? "there are " : "there is ");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            luaL_addstring(&buffer, i + 1 < count ? ", " : " and ");
        luaL_addstring(&buffer, names[i]);
    }
    luaL_pushresult(&buffer);
    return lua_tostring(L, -1);
}

void bind_check_keys(lua_State *L, int index, const char *what, const char *const *names,
                     size_t count)
{
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            bind_error(L, "%s names are strings, got %s", what, luaL_typename(L, -1));

        const char *key = lua_tostring(L, -1);
        size_t i = 0;

        while (i < count && strcmp(names[i], key) != 0)
            i++;
        if (i < count)
            continue;

        const char *near = text_nearest(key, names, count);

        if (near != NULL)
            bind_error(L, "unknown %s '%s'; did you mean '%s'?", what, key, near);
        bind_error(L, "unknown %s '%s'; %s", what, key, push_names(L, names, count));
    }
}

void bind_seal_metatable(lua_State *L)
{
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
}

void bind_set_up(lua_State *L)
{
    luaL_newmetatable(L, held_metatable);
    lua_pushcfunction(L, release_held);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, release_held);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
    luaL_newmetatable(L, failure_metatable);
    lua_pushcfunction(L, failure_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}
