/* engine/run/past.h - a run of the past that is stepped into: moongate repl --run ID.
 *
 * Its record is read from the store, without the lease: whoever carries the run at this moment is
 * not disturbed, and nothing is ever written there. The script runs again in a session with the
 * simulator. A write that the journal has as done is answered from it, and its resource is put into
 * the simulated world, so that what reads later finds it; one that was refused is refused as it was;
 * all else goes to the simulator. At a chosen step the script stops: from then on whatever it wants
 * to write waits until it is let go. */
#ifndef MOONGATE_RUN_PAST_H
#define MOONGATE_RUN_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/list.h"
#include "base/waitable.h"
#include "journal/journal.h"
#include "run/settings.h"

struct failure;
struct lua_State;
struct past;
struct scheduler;
struct session;
struct task;

/* What the journal says of a write. Strings are NULL where it says nothing. */
struct past_step {
    uint64_t number; /* from 1 on, in the order they began, as `runs show` tells it */
    uint64_t line;   /* of the journal, that it begins with */
    char *verb, *kind, *target;
    unsigned nth; /* of its like */
    enum step_state state;
    char *outcome;                           /* once done */
    char *code, *message, *cause_request_id; /* once failed */
    int status;                              /* of the refusal */
    char *made;                              /* the id of what a POST made */
    bool is_latest;                          /* nothing is said of another one after it */
    bool is_begun;                           /* the script has come to it */
    struct past_step *next_alike, *last_alike, *begun_alike;
};

/* Reads the run `id` from the store that `settings` name. Turns a loop of its own. NULL on failure,
 * with the reason in `*failure` (owned by the caller). */
struct past *past_open(const struct settings *settings, const char *id,
                       struct failure **failure);

/* After the session was closed. Accepts NULL. */
void past_close(struct past *past);

/* Sets what a session with it needs (strings are borrowed from the past): the simulator in memory,
 * no way to anywhere else, and the target of the run as far as `settings` name none. */
void past_fill_settings(const struct past *past, struct settings *settings);

/* The session, which has such settings, steps into it from now on, in the folder that the run began
 * in when that is here. The session is to be closed first. */
void past_attach(struct past *past, struct session *session);

/* What was asked for by whoever opened it: the step to stop at ("12", "failed", "last"; NULL: as
 * "failed"), and a script to be run instead of the run's own (a path, or NULL). Borrowed. */
void past_choose(struct past *past, const char *step, const char *script);
const char *past_chosen_step(const struct past *past);
const char *past_chosen_script(const struct past *past);

const char *past_id(const struct past *past);
const cJSON *past_manifest(const struct past *past);
const char *past_store(const struct past *past); /* "folder /home/x/..." */
const char *
past_damage(const struct past *past); /* what of the journal is lost, or NULL */
unsigned past_attempts(const struct past *past);

/* All steps, in the order they began. */
const struct past_step *const *past_steps(const struct past *past, size_t *count);

/* The code that was kept with the run, as session_find_code(); and the names of all code that was
 * asked for since the beginning, "modules/teams.lua", ended by NULL. */
const char *past_find_code(const struct past *past, const char *name, size_t *length);
void past_note_code(struct past *past, const char *name);
const char *const *past_code_names(const struct past *past);

/* Begins, or begins again: a new world, no step has been come to, and nothing waits; no operation of
 * the script may be alive. It is to stop at the step with the number `target`; 0: nowhere. NULL, or
 * why there is no such world; owned by the caller. */
struct failure *past_begin(struct past *past, uint64_t target);

/* The session is about to be closed, and no operation is alive. */
void past_leave(struct past *past);

/* The task, and what it spawns, is the script: what others write is none of its steps. */
void past_mark(struct past *past, struct task *task);
bool past_is_of(const struct past *past, const struct task *task); /* or NULL: no task */

/* --- a write that the script is about to begin -------------------------------------------- */

/* Borrowed for the call. */
struct past_write {
    struct step_content content;
    const cJSON *defaults; /* what else a new resource would have, or NULL */
};

enum past_verdict {
    PAST_GOES_ON, /* as it does in any run; if it is known, its resource is there by now */
    PAST_HOLDS,   /* it is to wait: past_hold() */
    PAST_FAILS    /* it failed, as `*failure` says (owned by the caller) */
};

/* With `is_let_go` it has waited for its turn. */
enum past_verdict past_ask(struct past *past, const struct past_write *write,
                           bool is_let_go, struct failure **failure);

/* Why a write that was known could not be put into the world, the last one since this was asked, and
 * how many there were; owned by the caller, or NULL. */
char *past_take_unput(struct past *past, unsigned *count);

/* --- what waits ----------------------------------------------------------------------------- */

enum past_release {
    PAST_WAITS,
    PAST_ASKS_AGAIN, /* asks whether it may go on now */
    PAST_IS_SENT,    /* goes on whatever comes */
    PAST_IS_REFUSED, /* fails as it did in the run */
    PAST_RETURNS     /* has values to be given instead of an answer */
};

struct past_hold {
    struct waitable waitable; /* done when it is let go */
    struct list link;
    struct past *past;
    uint64_t number; /* of those that ever waited, from 1 on */
    char *verb, *kind, *target;
    const struct past_step *step; /* of the journal, or NULL: it knows none like it */
    struct task *task;            /* whose it is */
    struct lua_State *thread; /* the coroutine that waits: the task's, or one inside it */
    int subject; /* the index, on the thread's stack, of the table of what is asked for; 0: none */
    enum past_release release;
};

/* Stands in the line from now on. The caller's until past_hold_free(), which lets nobody go. */
struct past_hold *past_hold(struct past *past, const struct past_write *write,
                            struct task *task, struct lua_State *thread);
void past_hold_free(struct past_hold *hold);

/* The first that waits, or the next after `hold`; NULL: none. Borrowed. */
struct past_hold *past_next_hold(const struct past *past, const struct past_hold *hold);

void past_let_go(struct past_hold *hold, enum past_release how);

/* What its refusal in the run was, or NULL; owned by the caller. */
struct failure *past_refusal(const struct past_step *step);

/* The script stops at the next write (`target` 0), at this step, or (UINT64_MAX) nowhere. */
void past_stop_at(struct past *past, uint64_t target);

/* Finished anew whenever something waits, when the watched task is over, and by past_tell(). */
struct waitable *past_news(struct past *past);
void past_tell(struct past *past);

/* Watches this task instead of the one before. */
void past_watch(struct past *past, struct task *task);

#endif
