/* tests/store.h - a store in a folder of its own, calls that end before the next line, and other
 * processes. */
#ifndef MOONGATE_TESTS_STORE_H
#define MOONGATE_TESTS_STORE_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/failure.h"
#include "base/memory.h"
#include "net/loop.h"
#include "store/store.h"

static struct clock the_clock;
static struct loop *loop;
static struct store *store;
static char base[64]; /* of the test's own folder; the store is in it */

static inline char *path_of(const char *name)
{
    return memory_format("%s/state/%s", base, name);
}

static inline void open_store_by(enum clock_mode mode)
{
    char *path = path_of("store");

    clock_init(&the_clock, mode, 1.0);
    loop = loop_new(&the_clock);
    ck_assert_ptr_nonnull(loop);
    store = store_new_folder(loop, path);
    free(path);
}

static inline void set_up_in(const char *folder)
{
    snprintf(base, sizeof base, "%s/moongate-store-XXXXXX", folder);
    ck_assert_ptr_nonnull(mkdtemp(base));
    open_store_by(CLOCK_REAL);
}

static inline void set_up(void)
{
    set_up_in("/tmp");
}

static inline void close_store(void)
{
    store->free(store);
    loop_free(loop);
}

static inline void tear_down(void)
{
    char *command = memory_format("rm -rf '%s'", base);

    close_store();
    ck_assert_int_eq(system(command), 0);
    free(command);
}

/* --- calls that end before the next line --------------------------------------------------- */

static struct store_call call; /* the last one */
static bool is_done;

static inline void note_done(struct store_call *done)
{
    (void)done;
    is_done = true;
}

static inline bool is_over(void *context)
{
    (void)context;
    return is_done;
}

static inline struct store_call *start_call(void)
{
    store_call_deinit(&call);
    call.done = note_done;
    is_done = false;
    return &call;
}

/* Turns the loop until the call is over. Returns the code of its failure, "" when there is none. */
static inline const char *finish(void)
{
    ck_assert(!is_done); /* never from inside the call */
    ck_assert(loop_run(loop, is_over, NULL, false));
    return call.failure != NULL ? call.failure->code : "";
}

static inline const char *put(enum store_put how, const char *name, const char *text)
{
    store->put(store, start_call(), how, name, text, strlen(text));
    return finish();
}

static inline const char *get(const char *name, uint64_t offset, size_t most)
{
    store->get(store, start_call(), name, offset, most);
    return finish();
}

static inline const char *list(const char *folder)
{
    store->list(store, start_call(), folder);
    return finish();
}

static inline const char *remove_name(const char *name)
{
    store->remove(store, start_call(), name);
    return finish();
}

static inline const char *append(struct store_lease *lease, uint64_t position,
                                 const char *text)
{
    store->append(store, start_call(), "runs/1/log", lease, position, text, strlen(text),
                  true);
    return finish();
}

static inline const char *cut(struct store_lease *lease, uint64_t length)
{
    store->cut(store, start_call(), "runs/1/log", lease, length);
    return finish();
}

/* The lease, or NULL when it is held or failed. */
static inline struct store_lease *acquire_for(const char *holder, int64_t duration_ms)
{
    store->acquire(store, start_call(), "runs/1/log", holder, duration_ms);
    finish();
    return call.lease;
}

static inline struct store_lease *acquire(const char *holder)
{
    struct store_lease *lease = acquire_for(holder, 30000);

    ck_assert_msg(lease != NULL, "%s",
                  call.failure != NULL ? call.failure->message : "held");
    return lease;
}

static inline const char *look(void)
{
    store->look(store, start_call(), "runs/1/log");
    return finish();
}

static inline const char *renew(struct store_lease *lease)
{
    store->renew(store, start_call(), lease);
    return finish();
}

static inline const char *release(struct store_lease *lease)
{
    store->release(store, start_call(), lease);
    return finish();
}

static inline void assert_log(const char *text)
{
    ck_assert_str_eq(get("runs/1/log", 0, SIZE_MAX), "");
    ck_assert(!call.is_absent);
    ck_assert_str_eq(call.bytes.data, text);
}

static inline void assert_message_has(const char *part)
{
    ck_assert_ptr_nonnull(call.failure);
    ck_assert_msg(strstr(call.failure->message, part) != NULL, "'%s' does not say '%s'",
                  call.failure->message, part);
}

/* --- other processes ------------------------------------------------------------------------- */

/* Runs `body` in a process with a store of its own in the same folder; it tells by `say`. */
static int to_parent; /* in the child */

static inline void say(uint64_t value)
{
    if (write(to_parent, &value, sizeof value) != (ssize_t)sizeof value)
        _exit(1);
}

static inline uint64_t hear(int from_child)
{
    uint64_t value = UINT64_MAX;

    ck_assert_int_eq(read(from_child, &value, sizeof value), (ssize_t)sizeof value);
    return value;
}

static inline pid_t start_process(void (*body)(void), int *from_child)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);

    const pid_t pid = fork();

    if (pid == 0) {
        close(ends[0]);
        to_parent = ends[1];
        open_store_by(CLOCK_REAL);
        body();
        _exit(0);
    }
    ck_assert_int_gt(pid, 0);
    close(ends[1]);
    *from_child = ends[0];
    return pid;
}

/* Waits for its end and returns the signal or 0. */
static inline int await_process(pid_t pid, int from_child)
{
    int status = 0;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    close(from_child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
