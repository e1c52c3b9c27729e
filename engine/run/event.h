/* engine/run/event.h - what happens in a run, as one stream with several faces.
 *
 * A run hands each event to its face: a live picture on a terminal, plain lines elsewhere,
 * JSON lines for programs. Everything an event points to is borrowed for the call. */
#ifndef MOONGATE_RUN_EVENT_H
#define MOONGATE_RUN_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct clock;
struct failure;
struct loop;

enum event_type {
    EVENT_RUN_STARTED,       /* text: the script */
    EVENT_OPERATION_STARTED, /* a write was sent, or somebody's running write is waited for */
    EVENT_OPERATION_STATE,    /* state, percent: it is still going on */
    EVENT_OPERATION_FINISHED, /* outcome, failure */
    EVENT_TASK_FAILED,        /* text: message and traceback of a task nobody joined */
    EVENT_OUTPUT,             /* text: what the script printed, with its line end */
    EVENT_LOG,                /* level, text */
    EVENT_RUN_FINISHED        /* summary; text: why it failed, or NULL */
};

enum event_outcome {
    OUTCOME_CREATED,
    OUTCOME_CHANGED,
    OUTCOME_UNCHANGED, /* nothing had to be written; comes without a start */
    OUTCOME_DELETED,
    OUTCOME_ABSENT, /* to be deleted, but it was not there; comes without a start */
    OUTCOME_FAILED,
    OUTCOME_CANCELED,  /* nobody waits any more; the service may go on */
    OUTCOME_NOT_BEGUN, /* the same, but it was never sent: it waited for its turn */
    OUTCOME_COUNT
};

/* "created", "changed", "unchanged", "deleted", "absent", "failed", "canceled", "not begun". */
extern const char *const outcome_names[];

enum run_status { RUN_SUCCEEDED, RUN_FAILED, RUN_INTERRUPTED };

/* "succeeded", "failed", "interrupted". */
extern const char *const run_status_names[];

struct run_summary {
    const char *run; /* the run's id */
    enum run_status status;
    unsigned outcomes[OUTCOME_COUNT]; /* resources by what became of them */
    uint64_t requests;                /* HTTP requests sent, sign-in included */
    uint64_t writes;        /* of them PUT, PATCH, POST, DELETE to ARM and Graph */
    double wall_seconds;    /* on the machine */
    double virtual_seconds; /* on the run's clock */
    bool is_repeatable;     /* what the machine's time says stays out of the log */
    uint64_t replayed;      /* writes that earlier attempts of the run had done */
    const char *hint;       /* how to carry it on, or NULL */
};

/* How much longer it will take, judging by those like it that had lasted as long: half of them
 * took so much longer at most, and nine of ten, on the run's clock. `samples` is how many they
 * are; without, the two say nothing. `unusual_among` is 0, or worth a warning: it lasts longer
 * than 99 of 100 of so many like it, and than all when they are fewer than 100. */
struct forecast {
    int64_t p50_ms, p90_ms;
    unsigned samples, unusual_among;
};

struct event {
    enum event_type type;
    int64_t wall_ms;    /* UTC on the run's clock */
    int64_t elapsed_ms; /* on the run's clock since the run began */

    /* of operations */
    uint64_t operation; /* its number in the run */
    const char *verb;   /* "create", "update", "delete", "wait for" */
    const char *kind;   /* "gateway" */
    const char *name;   /* "gw-payments" */
    const char *target; /* the resource id */
    const char *state;  /* the service's word, "Activating", or NULL */
    double percent;     /* 0 to 100, or negative when the service does not say */
    int64_t age_ms;     /* since it started, on the run's clock */
    enum event_outcome outcome;
    const struct failure *failure;
    const struct forecast
        *forecast; /* of EVENT_OPERATION_STATE; NULL: nothing is known */

    enum log_level level;
    const char *text;
    const struct run_summary *summary;
};

/* A way to show events. The first member of each face's own struct. */
struct face {
    void (*handle)(struct face *face, const struct event *event);
    void (*free)(struct face *face);
};

/* One JSON object a line on stdout, what the script prints included. */
struct face *face_new_json(void);

/* Lines on stderr: starts, now and then what still waits, ends, a summary. What the script
 * prints goes to stdout. With `quiet` only failures and the summary of a failed run. */
struct face *face_new_plain(struct loop *loop, bool quiet);

/* A picture on the terminal at stderr, drawn anew as things change, at most ten times a
 * second: what waits, in which state, since when; a summary at the end. Needs a terminal. */
struct face *face_new_live(struct loop *loop);

#endif
