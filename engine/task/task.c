/* engine/task/task.c - the scheduler of Lua coroutines. */
#include "task/task.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "net/loop.h"

const char task_metatable[] = "task";
const char task_group_metatable[] = "task group";
const char *const task_state_names[] = {"ready", "running", "waiting",
                                        "done",  "failed",  "canceled"};

enum { USER_THREAD = 1, USER_ERROR = 2 }; /* user values of a task's userdata */

struct task {
    struct waitable waitable;
    struct waiter waiter; /* on what it waits for; its link is on the ready list else */
    struct scheduler *scheduler;
    struct task_group *group; /* or NULL */
    lua_State *thread;        /* the userdata's first user value */
    struct list in_all;       /* of the scheduler's tasks that are not over */
    struct list in_group;     /* of its group's `alive` or `ended` */
    struct list in_unjoined;
    const void *mark;
    char *traceback;
    char *
        inner_traceback; /* of the task whose error (user value 2) was raised again here */
    int argument_count;  /* to be passed to the next resume */
    enum task_state state;
    bool is_cancel_asked;
};

struct scheduler {
    struct loop *loop;
    lua_State *L;
    void *host;
    void (*report)(void *host, const struct task *task);
    void (*failing)(void *host, const struct task *task);
    struct list ready, all, unjoined;
    struct deferred run_ready;
    struct task *running, *main;
    /* The coroutine that runs or is closed, of a task or made inside it. */
    lua_State *innermost;
    unsigned closing;                           /* coroutines being closed right now */
    const volatile sig_atomic_t *is_stop_asked; /* or NULL */
    lua_Hook stop;
    int stop_every;
    bool is_stressed, has_keyboard;
};

/* --- keeping tasks alive -------------------------------------------------------------- */

/* A task that is not over, or whose end is still to be told, is referred to from the
 * registry under its address. */
static void anchor(lua_State *L, struct task *task, int index)
{
    lua_pushvalue(L, index);
    lua_rawsetp(L, LUA_REGISTRYINDEX, task);
}

static void release_anchor(struct task *task)
{
    lua_State *L = task->scheduler->L;

    if (list_is_linked(&task->in_group) || list_is_linked(&task->in_unjoined))
        return;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, task);
}

/* --- the end of a task ---------------------------------------------------------------- */

static void tell_group(struct task *task)
{
    struct task_group *group = task->group;

    if (group == NULL)
        return;
    list_remove(&task->in_group);
    list_append(&group->ended, &task->in_group);
    if (!group->waitable.is_done)
        waitable_finish(&group->waitable);
}

static void end(struct task *task, enum task_state state)
{
    struct scheduler *scheduler = task->scheduler;
    const bool is_awaited = !list_is_empty(&task->waitable.waiters) ||
                            task->group != NULL || task == scheduler->main;

    task->state = state;
    list_remove(&task->in_all);
    if (state == TASK_FAILED && task->group == NULL)
        list_append(&scheduler->unjoined, &task->in_unjoined);
    if (state == TASK_FAILED && !is_awaited && scheduler->report != NULL)
        scheduler->report(scheduler->host, task);
    waitable_finish(&task->waitable);
    tell_group(task);
    release_anchor(task);
    if (task == scheduler->main && state != TASK_DONE)
        scheduler_cancel_all(scheduler);
}

/* Runs the pending <close> variables. The error object, if any, is left alone on the
 * stack. */
static int close_thread(struct scheduler *scheduler, lua_State *thread)
{
    lua_State *outer = scheduler->innermost;

    scheduler->closing++;
    scheduler->innermost = thread;
    const int status = lua_resetthread(thread);

    scheduler->innermost = outer;
    scheduler->closing--;
    return status;
}

/* Whether the error on the thread's top is the one that a join brought. */
static bool is_raised_again(const struct task *task)
{
    lua_State *thread = task->thread;

    if (task->inner_traceback == NULL)
        return false;
    lua_rawgetp(thread, LUA_REGISTRYINDEX, task);
    lua_getiuservalue(thread, -1, USER_ERROR);

    const bool is_same = lua_rawequal(thread, -1, -3);

    lua_pop(thread, 2);
    return is_same;
}

static void fail(struct task *task)
{
    struct scheduler *scheduler = task->scheduler;
    const bool is_again = is_raised_again(task);

    if (scheduler->failing != NULL && !is_again)
        scheduler->failing(scheduler->host, task);
    luaL_traceback(scheduler->L, task->thread, NULL, 0);
    task->traceback = is_again
                          ? memory_format("%s\nwaited for by%s", task->inner_traceback,
                                          strchr(lua_tostring(scheduler->L, -1), '\n'))
                          : memory_copy_string(lua_tostring(scheduler->L, -1));
    lua_pop(scheduler->L, 1);
    close_thread(scheduler, task->thread);
    end(task, TASK_FAILED);
}

static void cancel(struct task *task)
{
    waiter_remove(&task->waiter);
    if (close_thread(task->scheduler, task->thread) != LUA_OK) {
        const char *message = lua_tostring(task->thread, -1);

        log_line(LOG_WARNING, "while a task was canceled: %s",
                 message != NULL ? message : "a <close> variable failed");
    }
    lua_settop(task->thread, 0);
    end(task, TASK_CANCELED);
}

/* --- running -------------------------------------------------------------------------- */

static void make_ready(struct task *task)
{
    struct scheduler *scheduler = task->scheduler;

    task->state = TASK_READY;
    list_append(&scheduler->ready, &task->waiter.link);
    loop_defer(scheduler->loop, &scheduler->run_ready);
}

static void on_wake(struct waiter *waiter)
{
    make_ready(LIST_ENTRY(waiter, struct task, waiter));
}

/* The task has yielded. What it yielded says on what it waits; a plain coroutine.yield() of
 * a script lets the others run. */
static void wait_on_yielded(struct task *task, int count)
{
    struct waitable *waitable = NULL;

    if (count == 1 && lua_islightuserdata(task->thread, -1))
        waitable = lua_touserdata(task->thread, -1);
    lua_pop(task->thread, count);
    if (task->is_cancel_asked) {
        cancel(task);
    } else if (waitable == NULL || waitable->is_done) {
        make_ready(task);
    } else {
        task->state = TASK_WAITING;
        waitable_add(waitable, &task->waiter);
    }
}

/* Whether nothing may stop it: it reads the keyboard. */
static bool is_spared(const struct task *task)
{
    return task->scheduler->has_keyboard && task == task->scheduler->main;
}

static void hook_when_asked(const struct task *task)
{
    const struct scheduler *scheduler = task->scheduler;

    if (scheduler->is_stop_asked != NULL && *scheduler->is_stop_asked != 0 &&
        !is_spared(task))
        lua_sethook(task->thread, scheduler->stop, LUA_MASKCOUNT, scheduler->stop_every);
}

static void resume(struct task *task)
{
    struct scheduler *scheduler = task->scheduler;
    int count = 0;

    scheduler->running = task;
    scheduler->innermost = task->thread;
    task->state = TASK_RUNNING;
    hook_when_asked(task);
    const int status =
        lua_resume(task->thread, scheduler->L, task->argument_count, &count);

    scheduler->running = NULL;
    scheduler->innermost = NULL;
    task->argument_count = 0;
    if (status == LUA_YIELD)
        wait_on_yielded(task, count);
    else if (status == LUA_OK)
        end(task, TASK_DONE);
    else
        fail(task);
    if (scheduler->is_stressed)
        lua_gc(scheduler->L, LUA_GCCOLLECT);
}

static void run_ready(struct deferred *deferred)
{
    struct scheduler *scheduler = LIST_ENTRY(deferred, struct scheduler, run_ready);
    struct list *link;

    while ((link = list_take_first(&scheduler->ready)) != NULL) {
        resume(LIST_ENTRY(link, struct task, waiter.link));
        loop_look(scheduler->loop);
    }
}

static bool nothing_lives(void *context)
{
    const struct scheduler *scheduler = context;

    return list_is_empty(&scheduler->all);
}

bool scheduler_run(struct scheduler *scheduler, bool has_keyboard)
{
    scheduler->has_keyboard = has_keyboard;
    return loop_run(scheduler->loop, nothing_lives, scheduler, has_keyboard);
}

/* --- the scheduler -------------------------------------------------------------------- */

struct scheduler *scheduler_new(struct loop *loop, lua_State *L, void *host)
{
    struct scheduler *scheduler = memory_new(sizeof *scheduler);

    scheduler->loop = loop;
    scheduler->L = L;
    scheduler->host = host;
    scheduler->run_ready.run = run_ready;
    list_init(&scheduler->ready);
    list_init(&scheduler->all);
    list_init(&scheduler->unjoined);
    /* a new thread gets a copy of the main thread's extra space */
    memcpy(lua_getextraspace(L), &scheduler, sizeof scheduler);
    return scheduler;
}

void scheduler_free(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    assert(list_is_empty(&scheduler->all));
    deferred_cancel(&scheduler->run_ready);
    free(scheduler);
}

struct scheduler *scheduler_of(lua_State *L)
{
    struct scheduler *scheduler;

    memcpy(&scheduler, lua_getextraspace(L), sizeof scheduler);
    return scheduler;
}

void *scheduler_host(const struct scheduler *scheduler)
{
    return scheduler->host;
}

struct loop *scheduler_loop(const struct scheduler *scheduler)
{
    return scheduler->loop;
}

void scheduler_set_stress(struct scheduler *scheduler, bool is_on)
{
    scheduler->is_stressed = is_on;
}

void scheduler_set_main(struct scheduler *scheduler, struct task *task)
{
    scheduler->main = task;
}

void scheduler_set_report(struct scheduler *scheduler,
                          void (*report)(void *host, const struct task *task))
{
    scheduler->report = report;
}

void scheduler_set_failing(struct scheduler *scheduler,
                           void (*failing)(void *host, const struct task *task))
{
    scheduler->failing = failing;
}

lua_State *scheduler_running(const struct scheduler *scheduler)
{
    return scheduler->running != NULL && is_spared(scheduler->running) &&
                   scheduler->closing == 0
               ? NULL
               : scheduler->innermost;
}

void scheduler_set_stop(struct scheduler *scheduler,
                        const volatile sig_atomic_t *is_asked, lua_Hook hook, int every)
{
    scheduler->is_stop_asked = is_asked;
    scheduler->stop = hook;
    scheduler->stop_every = every;
}

struct task *scheduler_running_task(const struct scheduler *scheduler)
{
    return scheduler->running;
}

size_t scheduler_count(const struct scheduler *scheduler)
{
    size_t count = 0;

    for (const struct list *link = scheduler->all.next; link != &scheduler->all;
         link = link->next)
        count++;
    return count;
}

void scheduler_cancel_all(struct scheduler *scheduler)
{
    struct list *link;

    while ((link = scheduler->all.next) != &scheduler->all) {
        struct task *task = LIST_ENTRY(link, struct task, in_all);

        if (task == scheduler->running) {
            task->is_cancel_asked = true;
            list_remove(&task->in_all); /* the others first, then it goes back */
            scheduler_cancel_all(scheduler);
            list_append(&scheduler->all, &task->in_all);
            return;
        }
        cancel(task);
    }
}

static struct task *find_marked(const struct scheduler *scheduler, const void *mark)
{
    for (struct list *link = scheduler->all.next; link != &scheduler->all;
         link = link->next) {
        struct task *task = LIST_ENTRY(link, struct task, in_all);

        if (task->mark == mark && task != scheduler->running)
            return task;
    }
    return NULL;
}

void scheduler_cancel_marked(struct scheduler *scheduler, const void *mark)
{
    struct task *task;

    while ((task = find_marked(scheduler, mark)) != NULL)
        cancel(task);
}

struct task *scheduler_first_unjoined(struct scheduler *scheduler)
{
    return list_is_empty(&scheduler->unjoined)
               ? NULL
               : LIST_ENTRY(scheduler->unjoined.next, struct task, in_unjoined);
}

/* --- tasks ---------------------------------------------------------------------------- */

struct task *task_spawn(struct scheduler *scheduler, lua_State *L, int argument_count,
                        struct task_group *group)
{
    struct task *task = lua_newuserdatauv(L, sizeof *task, 2);

    memset(task, 0, sizeof *task);
    waitable_init(&task->waitable);
    task->scheduler = scheduler;
    task->waiter.wake = on_wake;
    task->argument_count = argument_count;
    task->mark = scheduler->running != NULL ? scheduler->running->mark : NULL;
    task->thread = lua_newthread(L);
    lua_setiuservalue(L, -2, USER_THREAD);
    luaL_setmetatable(L, task_metatable);
    anchor(L, task, -1);
    lua_insert(L, -argument_count - 2); /* below the function */
    lua_xmove(L, task->thread, argument_count + 1);
    list_append(&scheduler->all, &task->in_all);
    if (group != NULL) {
        task->group = group;
        list_append(&group->alive, &task->in_group);
        if (group->waitable.is_done && list_is_empty(&group->ended))
            waitable_init(&group->waitable); /* there is somebody to wait for again */
    }
    make_ready(task);
    return task;
}

enum task_state task_state(const struct task *task)
{
    return task->state;
}

struct waitable *task_waitable(struct task *task)
{
    return &task->waitable;
}

lua_State *task_thread(const struct task *task)
{
    return task->thread;
}

void task_set_mark(struct task *task, const void *mark)
{
    task->mark = mark;
}

const void *task_mark(const struct task *task)
{
    return task->mark;
}

const char *task_traceback(const struct task *task)
{
    return task->traceback;
}

void task_mark_joined(struct task *task)
{
    if (list_is_linked(&task->in_unjoined)) {
        list_remove(&task->in_unjoined);
        release_anchor(task);
    }
}

void task_note_raise(const struct task *failed)
{
    struct task *running = failed->scheduler->running;
    lua_State *L = failed->scheduler->L;

    if (running == NULL || failed->traceback == NULL)
        return;
    free(running->inner_traceback);
    running->inner_traceback = memory_copy_string(failed->traceback);
    lua_rawgetp(L, LUA_REGISTRYINDEX, running);
    lua_pushvalue(failed->thread, -1);
    lua_xmove(failed->thread, L, 1);
    lua_setiuservalue(L, -2, USER_ERROR);
    lua_pop(L, 1);
}

void task_cancel(struct task *task)
{
    if (task->waitable.is_done)
        return;
    if (task->state == TASK_RUNNING)
        task->is_cancel_asked = true;
    else
        cancel(task);
}

void task_deinit(struct task *task)
{
    free(task->traceback);
    free(task->inner_traceback);
    task->traceback = task->inner_traceback = NULL;
}

bool task_may_wait(lua_State *L)
{
    const struct scheduler *scheduler = scheduler_of(L);

    return scheduler->running != NULL && scheduler->closing == 0 && lua_isyieldable(L);
}

bool task_runs_on(lua_State *L)
{
    const struct scheduler *scheduler = scheduler_of(L);

    return scheduler->running != NULL && scheduler->running->thread == L;
}

/* What stops a task stops all of its coroutines. */
static void copy_hook(lua_State *to, lua_State *from)
{
    if (lua_gethook(from) != NULL)
        lua_sethook(to, lua_gethook(from), lua_gethookmask(from), lua_gethookcount(from));
}

int task_resume_inner(lua_State *inner, lua_State *from, int argument_count,
                      int *result_count)
{
    struct scheduler *scheduler = scheduler_of(from);
    lua_State *outer = scheduler->innermost;

    copy_hook(inner, from);
    scheduler->innermost = inner;

    const int status = lua_resume(inner, from, argument_count, result_count);

    scheduler->innermost = outer;
    copy_hook(from, inner);
    return status;
}

/* --- groups --------------------------------------------------------------------------- */

void task_group_init(struct scheduler *scheduler, struct task_group *group)
{
    waitable_init(&group->waitable);
    group->waitable.is_done = true; /* nobody is alive */
    list_init(&group->alive);
    list_init(&group->ended);
    group->scheduler = scheduler;
}

bool task_group_push_ended(struct task_group *group, lua_State *L)
{
    struct list *link = list_take_first(&group->ended);

    if (link == NULL)
        return false;

    struct task *task = LIST_ENTRY(link, struct task, in_group);

    lua_rawgetp(L, LUA_REGISTRYINDEX, task);
    task->group = NULL;
    task_mark_joined(task);
    release_anchor(task);
    if (list_is_empty(&group->ended) && !list_is_empty(&group->alive))
        waitable_init(&group->waitable);
    return true;
}

void task_group_cancel(struct task_group *group)
{
    struct list *link;

    while ((link = list_take_first(&group->alive)) != NULL) {
        struct task *task = LIST_ENTRY(link, struct task, in_group);

        task->group = NULL;
        if (task->state == TASK_RUNNING)
            task->is_cancel_asked = true;
        else
            cancel(task);
    }
    while ((link = list_take_first(&group->ended)) != NULL) {
        struct task *task = LIST_ENTRY(link, struct task, in_group);

        task->group = NULL;
        release_anchor(task);
    }
    if (!group->waitable.is_done)
        waitable_finish(&group->waitable);
}
