/* engine/run/run.h - one execution of a script, from its source to an exit code. */
#ifndef MOONGATE_RUN_RUN_H
#define MOONGATE_RUN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "base/waitable.h"
#include "net/loop.h"

struct failure;
struct record;
struct run;
struct session;
struct settings;
struct task;

/* What the process ends with. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_SCRIPT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_RIGHTS = 4,
    EXIT_GUARD_REFUSED = 5,
    EXIT_INTERRUPTED = 6,
    EXIT_HELD = 7 /* another process carries the run */
};

/* What is kept of it in the store; see run/record.h. */
enum run_keep {
    RUN_NOT_KEPT,
    RUN_KEPT_WHEN_IT_WRITES,
    RUN_KEPT /* from its first line on */
};

/* Somebody sits at it, whose Ctrl-C is not for the run. */
struct run_keyboard {
    bool (*interrupted)(void *context); /* Ctrl-C; false: it is for the run after all */
    void (*dying)(void); /* before a signal ends the process; async-signal-safe */
    void *context;
};

struct run_request {
    const char *script; /* a path, or a ready script's name; NULL when `code` is given */
    const char *code;   /* a line of Lua, or NULL; `script` is its label then, or NULL */
    char *const *arguments;
    int argument_count;

    enum run_keep keep;
    const char *id;        /* NULL: one is made up */
    int64_t max_wall_ms;   /* of the machine's time, then it hands over; 0: no limit */
    int64_t slot_ms;       /* the time that it is for, UTC; 0: none */
    struct record *record; /* that is carried on (taken), or NULL: it begins now */
    bool has_new_script;   /* a record's own script is not to be run, but `script` */
    void (*kept)(void *context,
                 const char *id); /* told once it is in the store; or NULL */
    void *context;
    const struct run_keyboard *keyboard; /* or NULL */
};

/* Runs it to its end and reports that end as the last event. Returns an exit code. */
int run_script(struct session *session, const struct run_request *request);

/* The run that a session works for ends, and another begins under other settings, with the same
 * state of Lua. */
struct run_renewal {
    struct waitable waitable; /* done when that is over */
    struct failure
        *failure; /* then: why nothing was changed, or NULL; owned by the caller */
    const struct settings *settings;
    struct session *session;
    struct deferred deferred;
};

/* Begins it, outside of the task that asks for it. A session without a run is only switched.
 * `settings` as of session_switch(), borrowed until it is over; `renewal` is the caller's memory
 * until then or run_cancel_renewal(). */
void run_renew(struct session *session, const struct settings *settings,
               struct run_renewal *renewal);
void run_cancel_renewal(struct run_renewal *renewal);

/* Makes up an id: "20260131-120000-1f3a" sorts by time, and two of one second differ. With `name`
 * (or NULL) the same time and name give the same id. */
enum { RUN_ID_SIZE = 64 };
void run_make_id(int64_t wall_ms, const char *name, char id[RUN_ID_SIZE]);

/* Whether the text can be the id of a run: 1 to 63 letters, digits and -._, the first of them no
 * dot. */
bool run_id_is_valid(const char *id);

/* What a failed task ended in, with its traceback through the files of scripts; owned by the
 * caller. L is any thread of its state. */
char *run_describe_failed(lua_State *L, const struct task *task);

#endif
