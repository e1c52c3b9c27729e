/* engine/run/run.h - one execution of a script, from its source to an exit code. */
#ifndef MOONGATE_RUN_RUN_H
#define MOONGATE_RUN_RUN_H

#include <lua.h>

struct session;
struct task;

/* What the process ends with. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_SCRIPT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_RIGHTS = 4,
    EXIT_GUARD_REFUSED = 5,
    EXIT_INTERRUPTED = 6
};

struct run_request {
    const char *script; /* a path, or a ready script's name; NULL when `code` is given */
    const char *code;   /* a line of Lua, or NULL */
    char *const *arguments;
    int argument_count;
};

/* Runs it to its end and reports that end as the last event. Returns an exit code. */
int run_script(struct session *session, const struct run_request *request);

/* What a failed task ended in, with its traceback through the files of scripts; owned by the
 * caller. L is any thread of its state. */
char *run_describe_failed(lua_State *L, const struct task *task);

#endif
