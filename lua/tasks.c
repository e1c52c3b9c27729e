/* lua/tasks.c - core.tasks: spawn, sleep and groups; stdlib/tasks.lua makes the rest. */
#include <string.h>

#include "lua/bind.h"
#include "lua/modules.h"
#include "net/loop.h"
#include "task/task.h"

/* --- sleeping ------------------------------------------------------------------------- */

struct sleep {
    struct waitable waitable;
    struct timer timer;
    struct loop *loop;
};

static const char sleep_metatable[] = "sleep";

static void wake(struct timer *timer)
{
    waitable_finish(&LIST_ENTRY(timer, struct sleep, timer)->waitable);
}

static int close_sleep(lua_State *L)
{
    struct sleep *own = lua_touserdata(L, 1);

    timer_stop(own->loop, &own->timer);
    return 0;
}

static int sleep_finish(lua_State *L, int status, lua_KContext context)
{
    struct sleep *own = lua_touserdata(L, 2);

    (void)status, (void)context;
    if (!own->waitable.is_done)
        return bind_wait_on(L, 2, &own->waitable, sleep_finish, 0);
    return 0;
}

/* sleep(duration) */
static int tasks_sleep(lua_State *L)
{
    const int64_t duration_ms = bind_check_duration(L, 1, "duration");
    struct loop *loop = scheduler_loop(scheduler_of(L));

    bind_check_task(L);
    lua_settop(L, 1);

    struct sleep *own = lua_newuserdatauv(L, sizeof *own, 0);

    memset(own, 0, sizeof *own);
    waitable_init(&own->waitable);
    own->loop = loop;
    own->timer.fire = wake;
    luaL_setmetatable(L, sleep_metatable);
    lua_toclose(L, 2);
    timer_start(loop, &own->timer, duration_ms);
    return sleep_finish(L, LUA_OK, 0);
}

/* --- tasks ---------------------------------------------------------------------------- */

static struct task *check_task(lua_State *L, int index)
{
    return luaL_checkudata(L, index, task_metatable);
}

/* spawn(f, ...) -> task */
static int tasks_spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    task_spawn(scheduler_of(L), L, lua_gettop(L) - 1, NULL);
    return 1;
}

/* Pushes what the task returned; raises what it raised. */
static int push_results(lua_State *L, struct task *task)
{
    lua_State *thread = task_thread(task);
    const int count = lua_gettop(thread);

    task_mark_joined(task);
    switch (task_state(task)) {
    case TASK_DONE:
        luaL_checkstack(L, count, "too many results");
        luaL_checkstack(thread, count, "too many results");
        for (int i = 1; i <= count; i++)
            lua_pushvalue(thread, i);
        lua_xmove(thread, L, count);
        return count;
    case TASK_CANCELED:
        return bind_raise(L, "Canceled", "the task was canceled");
    default:
        task_note_raise(task);
        lua_pushvalue(thread, -1);
        lua_xmove(thread, L, 1);
        return lua_error(L);
    }
}

static int join_finish(lua_State *L, int status, lua_KContext context)
{
    struct task *task = lua_touserdata(L, 1);

    (void)status, (void)context;
    if (!task_waitable(task)->is_done)
        return bind_wait_on(L, 1, task_waitable(task), join_finish, 0);
    return push_results(L, task);
}

/* task:join() -> what its function returned; raises what it raised */
static int task_join(lua_State *L)
{
    struct task *task = check_task(L, 1);

    bind_check_task(L);
    if (task_state(task) == TASK_RUNNING)
        bind_error(L, "a task cannot wait for itself");
    lua_settop(L, 1);
    return join_finish(L, LUA_OK, 0);
}

/* task:cancel() */
static int task_cancel_method(lua_State *L)
{
    task_cancel(check_task(L, 1));
    return 0;
}

/* task:status() -> "ready", "running", "waiting", "done", "failed" or "canceled" */
static int task_status_method(lua_State *L)
{
    lua_pushstring(L, task_state_names[task_state(check_task(L, 1))]);
    return 1;
}

static int task_tostring(lua_State *L)
{
    const struct task *task = check_task(L, 1);

    lua_pushfstring(L, "task (%s): %p", task_state_names[task_state(task)],
                    (const void *)task);
    return 1;
}

static int task_collect(lua_State *L)
{
    task_deinit(check_task(L, 1));
    return 0;
}

/* --- groups --------------------------------------------------------------------------- */

static struct task_group *check_group(lua_State *L, int index)
{
    return luaL_checkudata(L, index, task_group_metatable);
}

/* group() -> a group of tasks: to be closed, which cancels those that live */
static int tasks_group(lua_State *L)
{
    struct task_group *group = lua_newuserdatauv(L, sizeof *group, 0);

    task_group_init(scheduler_of(L), group);
    luaL_setmetatable(L, task_group_metatable);
    return 1;
}

/* group:spawn(f, ...) -> task */
static int group_spawn(lua_State *L)
{
    struct task_group *group = check_group(L, 1);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    task_spawn(scheduler_of(L), L, lua_gettop(L) - 2, group);
    return 1;
}

static int next_finish(lua_State *L, int status, lua_KContext context)
{
    struct task_group *group = lua_touserdata(L, 1);

    (void)status, (void)context;
    if (!group->waitable.is_done)
        return bind_wait_on(L, 1, &group->waitable, next_finish, 0);
    return task_group_push_ended(group, L) ? 1 : 0;
}

/* group:next() -> the first child that ended, or nothing when none is left. Waits. */
static int group_next(lua_State *L)
{
    check_group(L, 1);
    bind_check_task(L);
    lua_settop(L, 1);
    return next_finish(L, LUA_OK, 0);
}

/* group:cancel() */
static int group_cancel(lua_State *L)
{
    task_group_cancel(check_group(L, 1));
    return 0;
}

static void make_metatable(lua_State *L, const char *name, const luaL_Reg *methods,
                           const luaL_Reg *metamethods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, metamethods, 0);
    if (methods != NULL) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    bind_seal_metatable(L);
    lua_pop(L, 1);
}

/* Before the first task is made: a userdata is finalized only if its metatable says so when
 * it gets it. */
void tasks_set_up(lua_State *L)
{
    static const luaL_Reg task_methods[] = {{"join", task_join},
                                            {"cancel", task_cancel_method},
                                            {"status", task_status_method},
                                            {NULL, NULL}};
    static const luaL_Reg task_metamethods[] = {
        {"__tostring", task_tostring}, {"__gc", task_collect}, {NULL, NULL}};
    static const luaL_Reg group_methods[] = {{"spawn", group_spawn},
                                             {"next", group_next},
                                             {"cancel", group_cancel},
                                             {NULL, NULL}};
    static const luaL_Reg group_metamethods[] = {
        {"__close", group_cancel}, {"__gc", group_cancel}, {NULL, NULL}};
    static const luaL_Reg sleep_metamethods[] = {
        {"__close", close_sleep}, {"__gc", close_sleep}, {NULL, NULL}};

    make_metatable(L, task_metatable, task_methods, task_metamethods);
    make_metatable(L, task_group_metatable, group_methods, group_metamethods);
    make_metatable(L, sleep_metatable, NULL, sleep_metamethods);
}

int open_tasks(lua_State *L)
{
    static const luaL_Reg functions[] = {{"spawn", tasks_spawn},
                                         {"sleep", tasks_sleep},
                                         {"group", tasks_group},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}
