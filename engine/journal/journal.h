/* engine/journal/journal.h - what a run did to the world, so that it can be carried on.
 *
 * A journal is a log of JSON lines, one record each, with a version, a number and a checksum;
 * format.h has the form. Every write of a run is a *step*: its intent is in the journal before it
 * is sent, its answer before the script sees it. When a run is carried on, its script runs
 * again from the top, and each step is told what the journal knows of it.
 *
 * A step is known by its content: verb, target, what is asked for, and the how-manieth of its
 * like in the run; so the order of tasks does not matter. Bodies are kept as a hash; what else is kept
 * of answers holds no secrets.
 *
 * Records that are appended in one turn of the loop are written together. */
#ifndef MOONGATE_JOURNAL_JOURNAL_H
#define MOONGATE_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/list.h"
#include "net/loop.h"

struct failure;
struct journal;
struct step;

enum step_state {
    STEP_NEW,      /* no attempt of this run has sent it */
    STEP_INTENDED, /* it may have been sent; no answer is known */
    STEP_ANSWERED, /* the service has answered; it may go on there */
    STEP_DONE,     /* it is over, and was done */
    STEP_FAILED,   /* it is over, and was refused: it is done anew, after those alike
                    * that were not */
    STEP_STATE_COUNT
};

/* "new", "intended", "answered", "done", "failed". */
extern const char *const step_state_names[];

/* What is kept of an answer. Strings are NULL where the answer has none. */
struct step_answer {
    int status;
    char *url;      /* Azure-AsyncOperation or Operation-Location: where to ask */
    char *location; /* Location */
    char *state;    /* the provisioning state that it told */
    char *told;     /* the word for people: how it was doing when that was last heard */
    char *etag;
    char *id;         /* of what was made, where the request does not say it */
    char *request_id; /* the service's, for a support ticket */
};

/* Where the bytes go. `append` takes all of them, one call at a time, and says how it went by
 * journal_appended(), not from inside the call. */
struct journal_output {
    void (*append)(struct journal_output *output, const char *bytes, size_t length);
    /* Why nothing may be sent any more although the journal is fine: the lease is about to
     * end, or may have ended. NULL when it may. Owned by the caller. */
    struct failure *(*check_lease)(struct journal_output *output);
};

/* An empty journal of the run `run` (copied). `output` is borrowed. What is added stays in
 * memory until somebody waits for it or it is much. */
struct journal *journal_new(struct loop *loop, const char *run,
                            struct journal_output *output);

/* Nobody may wait. Accepts NULL. */
void journal_free(struct journal *journal);

/* The output has taken what it was given, or failed for good (`failure` is taken): then all
 * that waits, now and later, fails with a copy. */
void journal_appended(struct journal *journal, struct failure *failure);

/* --- what earlier attempts did ---------------------------------------------------------- */

/* Takes in a record of the log; see reader.h. */
void journal_load(struct journal *journal, const cJSON *record);

/* --- steps ------------------------------------------------------------------------------- */

/* What a step is known by. Borrowed for the call. */
struct step_content {
    const char *verb;   /* "create", "ensure", "update", "delete", or a method: "POST" */
    const char *kind;   /* "gateway", or NULL */
    const char *target; /* an ARM id, a URL's path, a name; it is kept */
    const char *query;  /* what more says what it is about, and is not kept; or NULL */
    const cJSON *body;  /* what is asked for; order of members does not matter. Or NULL */
    const char *text;   /* what is asked for as text, or NULL */
    size_t text_length;
    bool is_single; /* however often it begins it is the same step */
};

/* The next step with this content. Borrowed from the journal. */
struct step *journal_begin(struct journal *journal, const struct step_content *content);

/* The one that journal_begin() would give, without beginning it; NULL when it would be new. */
struct step *journal_peek(struct journal *journal, const struct step_content *content);

/* What is known of it: from earlier attempts when it begins, then what was added. */
enum step_state step_state(const struct step *step);
/* Once it is answered, or NULL. One that failed has it when the service had accepted it first. */
const struct step_answer *step_answer(const struct step *step);
const char *step_action(const struct step *step);  /* of its intent, or NULL */
const char *step_outcome(const struct step *step); /* once done, or NULL */
const cJSON *
step_value(const struct step *step); /* that was kept when it was done, or NULL */

/* Since its first intent, by the wall clock. */
int64_t step_age_ms(const struct journal *journal, const struct step *step);

/* Whether this attempt has begun it, and not come to its end. */
bool step_is_open(const struct step *step);

/* Whether an earlier attempt of the run knew it. */
bool step_is_replayed(const struct step *step);

/* Whether the run has sent, after this step, a deletion of its `target` or of what that is below,
 * and it was not refused: then it is no wonder when it is not there any more. */
bool journal_deletes_later(const struct journal *journal, const struct step *step,
                           const char *target);

/* --- adding; each record is on its way when the call returns, and there when journal_sync()
 * says so ---------------------------------------------------------------------------------- */

/* It is about to be sent, or sent again after an answer. `action` is what it will have done ("create", "change", "delete");
 * `client_request_id` may be NULL. */
void journal_intend(struct journal *journal, struct step *step, const char *action,
                    const char *method, const char *client_request_id);

/* The first answer; copied. */
void journal_answer(struct journal *journal, struct step *step,
                    const struct step_answer *answer);

/* It goes on: for the timeline, nobody waits for it. `percent` may be negative. */
void journal_note_state(struct journal *journal, struct step *step, const char *state,
                        double percent);

/* It is over. `outcome` is such as "created"; `value` (borrowed) may be NULL. One that was
 * never intended had nothing to write. */
void journal_done(struct journal *journal, struct step *step, const char *outcome,
                  const cJSON *value);
void journal_failed(struct journal *journal, struct step *step,
                    const struct failure *failure);

/* Anything else that is worth a line: {"do": what, ...members}. `members` is taken. "begin" is the
 * beginning of an attempt; "cut" says that lines of earlier ones are lost: what begins from then
 * on and is not known may have been sent. */
void journal_note(struct journal *journal, const char *what, cJSON *members);

/* --- waiting ------------------------------------------------------------------------------ */

/* A wait for what was added so far to be safe. Zero it before use. */
struct journal_wait {
    void (*safe)(struct journal_wait *wait, const struct failure *failure);
    struct list link; /* the journal's own */
    uint64_t position;
};

/* Calls `safe` when all of it is safe or cannot be made so; from inside this call when it is so
 * already. `failure` is NULL or borrowed. */
void journal_sync(struct journal *journal, struct journal_wait *wait);
void journal_wait_cancel(struct journal_wait *wait);

/* Why no write may be sent now, or NULL. Owned by the caller. */
struct failure *journal_check(const struct journal *journal);

/* --- the whole ----------------------------------------------------------------------------- */

struct journal_counts {
    uint64_t records;                    /* in the log, those of this attempt included */
    unsigned attempts;                   /* that have begun */
    uint64_t by_state[STEP_STATE_COUNT]; /* steps */
    uint64_t writes, deletes;            /* answered by the service in earlier attempts */
    uint64_t replayed; /* steps of this attempt that the journal knew as done */
};

void journal_count(const struct journal *journal, struct journal_counts *counts);

/* The first step of earlier attempts that this one has not come to, as "create workspace 'x'",
 * and how many there are, those that were refused aside; NULL when there is none. Owned by the
 * caller. */
char *journal_find_skipped(const struct journal *journal, uint64_t *count);

/* The first step of this attempt that no earlier one knew, in the same form, or NULL. */
char *journal_find_new(const struct journal *journal);

#endif
