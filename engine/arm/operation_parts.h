/* engine/arm/operation_parts.h - what the files of an operation share, and nobody else:
 * operation.c (its life, sending, the first answer), operation_poll.c (following a
 * long-running operation), operation_heal.c (waiting out refusals that pass) and
 * operation_replay.c (carrying on what an earlier attempt of the run began). */
#ifndef MOONGATE_ARM_OPERATION_PARTS_H
#define MOONGATE_ARM_OPERATION_PARTS_H

#include "arm/client.h"
#include "arm/operation.h"
#include "arm/poll.h"
#include "arm/reply.h"
#include "net/loop.h"
#include "pipeline/cookies.h"

enum {
    LOST_POLL_PAUSE_MS = 30000
}; /* a poll that got no answer is asked again after this */

struct operation {
    struct waitable waitable;
    struct client *client;
    struct operation_request request;
    struct serial_turn turn;
    struct exchange *exchange; /* the request that is under way, or NULL */
    struct timer timer;        /* until the next one; while one is under way, its limit */
    struct registration_wait registration;
    operation_progress *progress;
    void *progress_context;

    enum poll_method method; /* POLL_NOTHING until the first answer asks for more */
    char *poll_url, *location, *state;
    char client_request_id[UUID_TEXT_SIZE];
    struct cookies cookies;
    double percent;
    int64_t accepted_ms; /* when the first answer came, on the loop's clock */
    int64_t refused_ms;  /* when it was first refused for a passing reason */
    int64_t last_refused_ms;
    int64_t deadline_ms; /* 0 until it is sent */
    unsigned polls;      /* answered or not */
    unsigned misses, refusals;
    bool is_final_get, was_known, has_lost_monitor, was_dropped, was_registered, was_sent;
    bool
        is_adopted; /* an earlier attempt of the run sent it; what it sent is not known */
    bool owns_step; /* no verb of a resource stands behind it */
    bool repeats_delete; /* an earlier attempt sent it, and its answer was lost */
    bool is_refused;     /* see operation_is_refused() */

    struct reply reply;
    struct reply *standby; /* a first answer that is a result by itself, or NULL */
    struct failure *failure;
};

/* --- operation.c ---------------------------------------------------------------------- */

/* It is over. */
void operation_finish(struct operation *operation);
void operation_fail(struct operation *operation, struct failure *failure); /* taken */

/* Forgets the first answer that was kept in case of need. */
void operation_drop_standby(struct operation *operation);

/* The waiting fails (`failure` is taken). When the first answer said that all was done, its
 * monitor was only a courtesy: the answer stands. */
void operation_fail_waiting(struct operation *operation, struct failure *failure);

/* On the loop's clock. */
int64_t operation_now_ms(const struct operation *operation);

/* Calls `fire` after a pause, or at the deadline if that is earlier. While it waits, maybe for
 * hours, an operation keeps no answer. */
void operation_pause(struct operation *operation, int64_t pause_ms,
                     void (*fire)(struct timer *timer));

/* Whose timer it is; NULL when its time is over, and then it has ended. */
struct operation *operation_of_timer(struct timer *timer);

/* Ends it at the deadline, whatever is under way or waited for then. */
void operation_start_limit(struct operation *operation);

/* Replaces an owned text by a copy. */
void operation_set_text(char **to, const char *text);

/* Tells the watcher, if there is one. */
void operation_report(struct operation *operation);

/* What a resource is becoming, or else what it is; borrowed from `body`, or NULL. */
const char *operation_told_state(const cJSON *body);

/* Keeps a state and the percentage of the last answer, and reports what is new. */
void operation_note_state(struct operation *operation, const char *state);

/* An answer's URL, made absolute, or NULL when it is none or leads where this operation has
 * nothing to ask. Owned by the caller. */
char *operation_resolve(const struct operation *operation, const char *url);

/* Sends a GET of the lowest rank. */
void operation_start_get(struct operation *operation, const char *url,
                         void (*done)(struct exchange *));

/* Takes the answer out of the exchange, which is over. Returns what the answer says about
 * coming again, in milliseconds, or a negative number. When there is no answer, `*failure`
 * says why (owned by the caller), else it is NULL. */
int64_t operation_end_exchange(struct operation *operation, struct failure **failure);

/* Sends the request itself, whatever the journal knows. */
void operation_send(struct operation *operation);

/* It goes on, and nobody says where to ask about it: it fails. */
void operation_fail_unknown(struct operation *operation);

/* Judges the answer that the operation holds as the first one to its request. */
void operation_judge_first(struct operation *operation, int64_t asked_ms);

/* --- operation_poll.c ----------------------------------------------------------------- */

/* The first answer says that it goes on; `url` is where to ask (borrowed from the answer), or
 * NULL for the resource itself. */
void operation_begin_polling(struct operation *operation, const char *url,
                             int64_t asked_ms);

/* Asks now, or after a pause, how it goes. */
void operation_poll(struct operation *operation);
void operation_schedule_poll(struct operation *operation, int64_t pause_ms);

/* The first answer was taken in an earlier attempt: asks at once. */
void operation_adopt_polling(struct operation *operation, const char *url,
                             int64_t age_ms);

/* --- operation_replay.c --------------------------------------------------------------- */

/* Carries on a write that an earlier attempt of the run may have sent. False when it is to be
 * sent as if there had been none. */
bool operation_replay(struct operation *operation);

/* Whether the answer to a repeated DELETE says that the lost one was done; then it is an answer
 * of 204. */
bool operation_was_deleted(struct operation *operation);

/* When what an earlier attempt began is gone, as the last answer says, sends it again. False when
 * that is not for the operation to decide. */
bool operation_begins_anew(struct operation *operation);

/* --- operation_heal.c ----------------------------------------------------------------- */

/* Sends the request again later when its refusal is of the passing kind; else it fails. The
 * failure is taken. */
void operation_heal_or_fail(struct operation *operation, struct failure *failure);

#endif
