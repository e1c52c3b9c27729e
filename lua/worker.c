/* lua/worker.c - core.worker: processes for the runs of jobs. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "jobs/worker.h"
#include "lua/bind.h"
#include "lua/modules.h"
#include "run/session.h"

enum { ARG_WORKER = 1, ARG_OPTIONS = 1, MOST_WORDS = 1024 };

static const char worker_metatable[] = "worker";

/* What a script holds. It stays as long as somebody holds it or the process goes on. */
struct handle {
    struct waitable waitable; /* done when the process has ended */
    struct worker *worker;    /* or NULL: it has */
    int exit_code, signal;
    char *said, *written; /* the latter NULL when it is not kept */
    size_t said_length, written_length;
};

static void on_end(void *owner, const struct worker_end *end)
{
    struct handle *handle = owner;

    handle->worker = NULL;
    handle->exit_code = end->exit_code;
    handle->signal = end->signal;
    handle->said = memory_copy_text(end->said, end->said_length);
    handle->said_length = end->said_length;
    if (end->written != NULL)
        handle->written = memory_copy_text(end->written, end->written_length);
    handle->written_length = end->written_length;
    waitable_finish(&handle->waitable);
}

/* --- starting --------------------------------------------------------------------------- */

/* The words at the top, ended by NULL, in a userdata that replaces nothing: it is pushed. */
static char **push_words(lua_State *L, int index)
{
    const lua_Integer count = (lua_Integer)lua_rawlen(L, index);
    const char **words;

    luaL_argcheck(L, count >= 1 && count <= MOST_WORDS, ARG_OPTIONS,
                  "words: 1 to 1024 texts expected");
    words = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *words, 0);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, index, i + 1);
        luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, ARG_OPTIONS,
                      "words: texts expected");
        words[i] = lua_tostring(L, -1); /* the table keeps it */
        lua_pop(L, 1);
    }
    words[count] = NULL;
    return (char **)(void *)words;
}

/* A number of the options, 0 where it is not said. */
static lua_Number field_number(lua_State *L, const char *name)
{
    lua_Number number;

    lua_getfield(L, ARG_OPTIONS, name);
    number = luaL_optnumber(L, -1, 0.0);
    lua_pop(L, 1);
    luaL_argcheck(L, number >= 0.0 && number < 1e15, ARG_OPTIONS, name);
    return number;
}

static struct handle *push_handle(lua_State *L)
{
    struct handle *handle = lua_newuserdatauv(L, sizeof *handle, 0);

    *handle = (struct handle){0};
    waitable_init(&handle->waitable);
    luaL_setmetatable(L, worker_metatable);
    return handle;
}

/* start{words=, folder=, max_memory=, max_cpu=, in_foreground=, keeps_output=} -> a worker: this
 * program under these words, in that folder, with at most so many bytes of memory and seconds of
 * CPU; what it writes to stderr is kept unless it is in the foreground, and what it writes to
 * stdout, up to 8 MiB, only when that is asked for. Raises a failure `WorkerNotStarted` */
static int worker_start_here(lua_State *L)
{
    struct worker_request request = {0};
    struct handle *handle;
    char *wrong = NULL;

    luaL_checktype(L, ARG_OPTIONS, LUA_TTABLE);
    lua_settop(L, ARG_OPTIONS);
    request.max_memory_bytes = (uint64_t)field_number(L, "max_memory");
    request.max_cpu_ms = (int64_t)(field_number(L, "max_cpu") * 1000.0);
    lua_getfield(L, ARG_OPTIONS, "in_foreground");
    request.is_in_foreground = lua_toboolean(L, -1);
    lua_getfield(L, ARG_OPTIONS, "keeps_output");
    request.keeps_stdout = lua_toboolean(L, -1);
    lua_getfield(L, ARG_OPTIONS, "folder");
    request.folder = luaL_optstring(L, -1, NULL);
    lua_getfield(L, ARG_OPTIONS, "words");
    luaL_checktype(L, -1, LUA_TTABLE);
    request.words = push_words(L, lua_gettop(L));
    handle = push_handle(L);
    handle->worker =
        worker_start(session_loop(bind_session(L)), &request, on_end, handle, &wrong);
    if (handle->worker != NULL)
        return 1;
    lua_pushstring(L, wrong);
    free(wrong);
    return bind_raise(L, "WorkerNotStarted", "%s", lua_tostring(L, -1));
}

/* --- its methods ------------------------------------------------------------------------ */

static struct handle *check_handle(lua_State *L)
{
    return luaL_checkudata(L, ARG_WORKER, worker_metatable);
}

static int wait_finish(lua_State *L, int status, lua_KContext context)
{
    struct handle *handle = check_handle(L);

    (void)status, (void)context;
    if (!handle->waitable.is_done)
        return bind_wait_on(L, ARG_WORKER, &handle->waitable, wait_finish, 0);
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, handle->exit_code);
    lua_setfield(L, -2, "exit_code");
    if (handle->signal != 0) {
        lua_pushinteger(L, handle->signal);
        lua_setfield(L, -2, "signal");
    }
    if (handle->signal == SIGXCPU) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "took_too_much_cpu");
    }
    lua_pushlstring(L, handle->said, handle->said_length);
    lua_setfield(L, -2, "said");
    if (handle->written != NULL) {
        lua_pushlstring(L, handle->written, handle->written_length);
        lua_setfield(L, -2, "output");
    }
    return 1;
}

/* worker:wait() -> {exit_code=, signal=, took_too_much_cpu=, said=, output=} once it has ended: 128
 * and the number of the signal that ended it, that number or nil, true when that came of max_cpu, the
 * end of what it wrote to stderr, and what it wrote to stdout, where that is kept. Waits */
static int worker_wait(lua_State *L)
{
    const struct handle *handle = check_handle(L);

    if (!handle->waitable.is_done)
        bind_check_task(L);
    lua_settop(L, ARG_WORKER);
    return wait_finish(L, LUA_OK, 0);
}

/* worker:signal("interrupt" | "terminate" | "kill"); one that has ended gets none */
static int worker_signal_it(lua_State *L)
{
    static const char *const names[] = {"interrupt", "terminate", "kill", NULL};
    static const int numbers[] = {SIGINT, SIGTERM, SIGKILL};
    const struct handle *handle = check_handle(L);
    const int index = luaL_checkoption(L, 2, NULL, names);

    if (handle->worker != NULL)
        worker_signal(handle->worker, numbers[index]);
    return 0;
}

/* worker:pid() -> its number, or nil when it has ended */
static int worker_number(lua_State *L)
{
    const struct handle *handle = check_handle(L);

    if (handle->worker == NULL)
        return 0;
    lua_pushinteger(L, worker_pid(handle->worker));
    return 1;
}

/* Whoever forgets it leaves it to itself. */
static int worker_collect(lua_State *L)
{
    struct handle *handle = check_handle(L);

    if (handle->worker != NULL)
        worker_leave(handle->worker);
    handle->worker = NULL;
    free(handle->said);
    free(handle->written);
    handle->said = NULL;
    return 0;
}

int open_worker(lua_State *L)
{
    static const luaL_Reg functions[] = {{"start", worker_start_here}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"pid", worker_number},
                                       {"signal", worker_signal_it},
                                       {"wait", worker_wait},
                                       {NULL, NULL}};

    if (!session_settings(bind_session(L))->manages_runs)
        return luaL_error(L, "core.worker is for `moongate jobs` alone");
    luaL_newmetatable(L, worker_metatable);
    lua_pushcfunction(L, worker_collect);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    bind_seal_metatable(L);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
