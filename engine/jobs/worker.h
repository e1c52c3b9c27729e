/* engine/jobs/worker.h - a process of its own for the run of a job, with limits.
 *
 * It is this very program under other words. What it writes to stderr goes to a file that has no
 * name, so that it never waits for us, even when we are stopped, and it goes on when we die: the
 * run's lease says who carries it, not who is whose parent. The file is cut again and again, so
 * that one who writes for weeks fills no disk. */
#ifndef MOONGATE_JOBS_WORKER_H
#define MOONGATE_JOBS_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct worker;

enum {
    WORKER_SAID_BYTES = 16384,     /* of the end of stderr that are told */
    WORKER_SAID_MOST = 1 << 20,    /* in its file, before that is cut */
    WORKER_CUT_S = 2,              /* how often that is looked at */
    WORKER_WRITTEN_BYTES = 8 << 20 /* of stdout, where that is kept */
};

struct worker_request {
    char *const *words;        /* behind the program's name; ended by NULL */
    const char *folder;        /* it works there; NULL: here */
    uint64_t max_memory_bytes; /* of its address space; 0: no limit */
    int64_t max_cpu_ms; /* rounded up to seconds, then SIGXCPU ends it; 0: no limit */
    bool keeps_stdout;  /* to be told at the end; more than WORKER_WRITTEN_BYTES fail */
    /* It has our stdout and stderr, and our process group, so that Ctrl-C reaches it. Else stdout
     * is nowhere. */
    bool is_in_foreground;
};

/* How it ended; borrowed for the call. */
struct worker_end {
    int exit_code;    /* 128 and the signal's number when one ended it */
    int signal;       /* or 0 */
    const char *said; /* the end of what it wrote to stderr */
    size_t said_length;
    const char *written; /* what it wrote to stdout, where that is kept; or NULL */
    size_t written_length;
};

/* Starts it. `done` is called once, never from inside this call, and the worker is freed then. NULL
 * when it cannot be started, with the reason in `*wrong` (owned by the caller). A virtual clock
 * stands still until it ends. */
struct worker *worker_start(struct loop *loop, const struct worker_request *request,
                            void (*done)(void *owner, const struct worker_end *end),
                            void *owner, char **wrong);

/* Sends a signal to it and what it has started; in the foreground to it alone. */
void worker_signal(struct worker *worker, int number);

int worker_pid(const struct worker *worker);

/* Forgets it without calling `done`; it goes on. */
void worker_leave(struct worker *worker);

#endif
