/* tests/store.h - a store in a folder of its own, and other processes. */
#ifndef MOONGATE_TESTS_STORE_H
#define MOONGATE_TESTS_STORE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/memory.h"
#include "store_calls.h"

static struct clock the_clock;
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

static inline const char *cut(struct store_lease *lease, uint64_t length)
{
    store->cut(store, start_call(), LOG, lease, length);
    return finish();
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
