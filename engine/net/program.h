/* engine/net/program.h - another program, run on the event loop.
 *
 * It gets no shell, nothing to read, and a process group of its own, so that stopping it stops
 * what it started, too. It is machine time that it may take, whatever the loop's clock. */
#ifndef MOONGATE_NET_PROGRAM_H
#define MOONGATE_NET_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct loop;
struct program;

/* How it ended; all borrowed for the call. */
struct program_end {
    int exit_code;       /* 128 and the signal's number when one ended it */
    bool was_late;       /* it took too long and was killed */
    bool was_too_chatty; /* it wrote too much and was killed */
    const struct buffer *out, *err;
};

/* The full name of the first executable `name` in the folders of `search_path` (as in PATH,
 * but empty entries do not count), owned by the caller; NULL when there is none. */
char *program_find(const char *name, const char *search_path);

/* Starts it; words[0] is its full name, NULL ends them. `done` is called once, never from inside
 * this call, and the program is over then. NULL when it cannot be started, with the reason in
 * `*why` (borrowed). */
struct program *program_start(struct loop *loop, char *const *words, int64_t timeout_ms,
                              void (*done)(void *owner, const struct program_end *end),
                              void *owner, const char **why);

/* The same with an environment of its own, "NAME=value" ended by NULL, borrowed for the call. */
struct program *program_start_with(struct loop *loop, char *const *words,
                                   char *const *environment, int64_t timeout_ms,
                                   void (*done)(void *owner,
                                                const struct program_end *end),
                                   void *owner, const char **why);

/* Kills it without calling `done`. */
void program_cancel(struct program *program);

#endif
