/* engine/run/face_tally.h - what a text face remembers of a run.
 *
 * What waits, by kind; how many resources ended how; the distinct failures; and what the
 * run has stopped waiting for, so that it may still go on at the service. Times are on
 * the run's clock since the run began; what is older than the run has begun before 0. */
#ifndef MOONGATE_RUN_FACE_TALLY_H
#define MOONGATE_RUN_FACE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/text.h"
#include "run/event.h"

struct tally_operation {
    struct list link;       /* in its group, or among what is left */
    struct list fresh_link; /* for the face's own use */
    char *verb, *kind, *name;
    char key[TEXT_KEY_SIZE]; /* of its id */
    char *state;             /* or NULL */
    double percent;
    struct forecast forecast; /* of `forecast_ms`, when it is not negative */
    int64_t forecast_ms;
    bool was_warned_of; /* for the face's own use */
    int64_t seen_ms;    /* when the run began to wait for it */
    int64_t began_ms;   /* when it began at the service */
    int64_t seen_wall_ms;
};

/* What waits of one kind; stays when it is empty. */
struct tally_group {
    struct list link;
    struct list operations;
    size_t count;
    size_t shown;     /* for the face's own use, as the next */
    bool was_unknown; /* it was said that there is no history of it */
    bool is_sorted;
    char *kind;
};

struct tally_failure {
    struct list link;
    char *code, *message;
    char *cure;  /* or NULL */
    char *first; /* what it befell first: "gateway 'gw-a'" */
    unsigned count;
};

struct tally {
    struct map by_number;
    struct list groups; /* in the order in which kinds came */
    size_t waiting;
    struct list left; /* the longest given up first */
    struct map left_by_key;
    unsigned outcomes[OUTCOME_COUNT];
    struct list failures; /* distinct ones, the first few */
    unsigned failure_count;
    unsigned untold; /* failures beyond those */
};

void tally_init(struct tally *tally);
void tally_deinit(struct tally *tally);

/* The operation that waits under the event's number, or NULL. Borrowed: valid until it
 * has finished. */
struct tally_operation *tally_find(const struct tally *tally, const struct event *event);

/* Takes in a start, or the state of one whose start was not seen. Borrowed, as above. */
struct tally_operation *tally_begin(struct tally *tally, const struct event *event);

/* Counts the outcome; it waits no longer. */
void tally_finish(struct tally *tally, const struct event *event);

/* Sorts the group's operations, the oldest first; costs nothing when they are sorted. */
void tally_sort(struct tally_group *group);

#endif
