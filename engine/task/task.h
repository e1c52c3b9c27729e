/* engine/task/task.h - tasks: Lua coroutines that wait on operations, and their scheduler.
 *
 * A task is a Lua userdata with a coroutine of its own. It waits by yielding a light
 * userdata, the waitable (see lua/bind.c, which does it), and is resumed when that is done;
 * nobody else resumes it. A resume only says that something happened. Ready tasks run first
 * come first served, on the loop's deferred work. */
#ifndef MOONGATE_TASK_TASK_H
#define MOONGATE_TASK_TASK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "base/list.h"
#include "base/waitable.h"

struct loop;
struct scheduler;
struct task;

/* The metatables of the two userdata; whoever makes the `tasks` module fills them. */
extern const char task_metatable[], task_group_metatable[];

enum task_state {
    TASK_READY,
    TASK_RUNNING,
    TASK_WAITING,
    TASK_DONE,
    TASK_FAILED,
    TASK_CANCELED
};

/* "ready", "running", "waiting", "done", "failed", "canceled". */
extern const char *const task_state_names[];

/* Children of one parent, and which of them ended and were not asked for yet. A userdata;
 * its memory is Lua's. `waitable` is finished anew for each child that ends. */
struct task_group {
    struct waitable waitable; /* done while `ended` is not empty or nothing is alive */
    struct list alive, ended;
    struct scheduler *scheduler;
};

/* One for a Lua state; threads of that state find it by scheduler_of(). `host` is whatever
 * the bindings need, borrowed. */
struct scheduler *scheduler_new(struct loop *loop, lua_State *L, void *host);

/* After lua_close(), and no task may have lived then. Accepts NULL. */
void scheduler_free(struct scheduler *scheduler);

struct scheduler *scheduler_of(lua_State *L);
void *scheduler_host(const struct scheduler *scheduler);
struct loop *scheduler_loop(const struct scheduler *scheduler);

/* The task whose failure or cancellation cancels all others. */
void scheduler_set_main(struct scheduler *scheduler, struct task *task);

/* Collects all garbage after each resume: for tests that look for lost references. */
void scheduler_set_stress(struct scheduler *scheduler, bool is_on);

/* Calls `report` when a task ends in an error that nobody waits for at that moment. */
void scheduler_set_report(struct scheduler *scheduler,
                          void (*report)(void *host, const struct task *task));

/* Calls `failing` when a task is about to end in an error of its own (not one that it was told by a
 * join), while its coroutine still stands where that was raised; it must leave the coroutine's
 * stack as it was. */
void scheduler_set_failing(struct scheduler *scheduler,
                           void (*failing)(void *host, const struct task *task));

/* The coroutine that runs now, or NULL: for a signal handler. NULL, too, for that of the main task
 * beside a keyboard, which nothing stops. */
lua_State *scheduler_running(const struct scheduler *scheduler);

/* While `*is_asked` is not 0, whoever is resumed gets the hook, called every so many steps; but for
 * the main task beside a keyboard. */
void scheduler_set_stop(struct scheduler *scheduler,
                        const volatile sig_atomic_t *is_asked, lua_Hook hook, int every);

/* The task that runs now, or NULL. */
struct task *scheduler_running_task(const struct scheduler *scheduler);

/* Turns the loop until no task lives. Returns false when those left wait for each other; never with
 * a keyboard, from which anything may come. */
bool scheduler_run(struct scheduler *scheduler, bool has_keyboard);

/* How many tasks are not over. */
size_t scheduler_count(const struct scheduler *scheduler);

/* Cancels all tasks. */
void scheduler_cancel_all(struct scheduler *scheduler);

/* The first task that failed without anybody asking for it, or NULL. Borrowed. */
struct task *scheduler_first_unjoined(struct scheduler *scheduler);

/* Makes a task of the function and its `argument_count` arguments on top of L's stack, and
 * leaves its userdata there instead. `group` may be NULL. */
struct task *task_spawn(struct scheduler *scheduler, lua_State *L, int argument_count,
                        struct task_group *group);

enum task_state task_state(const struct task *task);
struct waitable *task_waitable(struct task *task);

/* Its coroutine; once it is over its results, or its error alone, are on the stack. */
lua_State *task_thread(const struct task *task);

/* What a task belongs to, NULL at first; a task that it spawns begins with the same. */
void task_set_mark(struct task *task, const void *mark);
const void *task_mark(const struct task *task);

/* Cancels all tasks with this mark but the one that runs. */
void scheduler_cancel_marked(struct scheduler *scheduler, const void *mark);

/* Where a failed task was when it failed. Borrowed, or NULL. */
const char *task_traceback(const struct task *task);

/* Somebody has seen how it ended. */
void task_mark_joined(struct task *task);

/* The running task is about to raise the error of `failed` again: if that ends it, its own
 * traceback begins with where the error came from. */
void task_note_raise(const struct task *failed);

/* Closes its coroutine: what it waits for is released, its <close> variables run. One that
 * is over stays as it is; one that runs ends at its next wait. */
void task_cancel(struct task *task);

/* For the userdata's __gc. */
void task_deinit(struct task *task);

/* Whether the code running on L may wait: it is in a task, not below a C function that
 * cannot be left (a sort's comparison, a gsub's replacement), and not being closed. */
bool task_may_wait(lua_State *L);

/* Whether L is the coroutine of the task that runs, not one that a script made inside it. */
bool task_runs_on(lua_State *L);

/* Resumes a coroutine that a script made for itself, with the `argument_count` values on
 * its top, as lua_resume(). */
int task_resume_inner(lua_State *inner, lua_State *from, int argument_count,
                      int *result_count);

/* Makes an empty group of the memory of a new userdata. */
void task_group_init(struct scheduler *scheduler, struct task_group *group);

/* Takes the first child that ended and pushes its userdata; false, pushing nothing, when no
 * ended child is left. Marks it joined. */
bool task_group_push_ended(struct task_group *group, lua_State *L);

/* Cancels the children that live and forgets those that ended. */
void task_group_cancel(struct task_group *group);

#endif
