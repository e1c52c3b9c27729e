/* lua/bind.h - what all bindings share: waiting, raising, and arguments.
 *
 * The form of a call that waits: check all arguments, check that we may wait, make the held
 * userdata, start the operation straight into it, then ask whether it is over:
 *
 *     static int get_finish(lua_State *L, int status, lua_KContext context)
 *     {
 *         struct held *held = bind_held(L, SLOT);
 *         if (!held->waitable->is_done)
 *             return bind_wait(L, SLOT, get_finish, context);
 *         ...
 *     }
 */
#ifndef MOONGATE_LUA_BIND_H
#define MOONGATE_LUA_BIND_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <lauxlib.h>
#include <lua.h>

#include "base/waitable.h"

struct client;
struct failure;
struct field;
struct scope;
struct session;

/* Something the engine owns for us, in a userdata. Released by closing or collecting it. */
struct held {
    struct waitable *waitable; /* borrowed from the object; NULL while there is none */
    void *object;
    void (*release)(void *object);
};

/* Makes the metatables of this file. */
void bind_set_up(lua_State *L);

struct session *bind_session(lua_State *L);

/* The way to the service; raises the failure that keeps us from it. */
struct client *bind_client(lua_State *L);

/* Raises where nobody could wake us: outside of a task, below a C function that cannot be
 * left, while a task is being closed. */
void bind_check_task(lua_State *L);

/* Pushes an empty one. With `is_closed_on_leave` it is released as soon as the C function
 * is left, in whatever way. */
struct held *bind_new_held(lua_State *L, bool is_closed_on_leave);
struct held *bind_held(lua_State *L, int slot);

/* Drops what is above `slot` and waits for what it holds; then `finish` goes on. A resume
 * only says that something happened: `finish` asks. */
int bind_wait(lua_State *L, int slot, lua_KFunction finish, lua_KContext context);

/* The same for a waitable that something at or below `slot` keeps alive. */
int bind_wait_on(lua_State *L, int slot, struct waitable *waitable, lua_KFunction finish,
                 lua_KContext context);

/* Pushes a failure as scripts see it, with the traceback of where they are. */
void bind_push_failure(lua_State *L, const struct failure *failure);

/* Raises it. Does not return. */
int bind_raise_failure(lua_State *L, const struct failure *failure);

/* The same, and takes it. Does not return. */
int bind_raise_owned(lua_State *L, struct failure *failure);

/* Raises a failure of our own making: "code: message". Does not return. */
int bind_raise(lua_State *L, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Raises a message that blames the line of the script that called, however many functions
 * of the library lie between. Does not return. */
int bind_error(lua_State *L, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with a message that it frees. */
int bind_error_owned(lua_State *L, char *message);

/* A duration: seconds, or text such as "90s". Raises with `what` as its name. */
int64_t bind_check_duration(lua_State *L, int index, const char *what);

/* Raises unless every key of the table at `index` is one of the `count` names; suggests the
 * near one, or names them when they are one or two. `what` is such as "option". */
void bind_check_keys(lua_State *L, int index, const char *what, const char *const *names,
                     size_t count);

/* Pushes JSON as a Lua value: objects and arrays are tables, null is json.null. */
void bind_push_json(lua_State *L, const cJSON *value);

/* The value at `index` as JSON, owned by the caller. NULL when it cannot be: then a message
 * was pushed. Raises nothing. */
cJSON *bind_to_json(lua_State *L, int index);

bool bind_is_null(lua_State *L, int index);

/* Pushes the value that stands for null inside tables. */
void bind_push_null(lua_State *L);

/* Pushes the absolute URL of the page that `link` in an answer from `url` means, and a short key
 * that stands for it; see paging_resolve(). Raises a failure when it leads elsewhere. Returns
 * 2. */
int bind_push_next_url(lua_State *L, const char *url, const char *link,
                       bool replaces_version);

/* Keeps scripts from the metatable on top: they must not call its __gc. */
void bind_seal_metatable(lua_State *L);

/* Lets waits pass through the coroutines that scripts make: replaces coroutine.resume and
 * coroutine.wrap. */
void bind_set_up_coroutines(lua_State *L);

#endif
