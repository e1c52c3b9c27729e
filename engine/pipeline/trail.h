/* engine/pipeline/trail.h - the latest requests of a run, for people who look at what it sends.
 *
 * It keeps nothing until it is started. From then on each attempt that reaches the wire is an
 * entry, without its secrets from the beginning (see mask.h); the oldest go when there are too
 * many. */
#ifndef MOONGATE_PIPELINE_TRAIL_H
#define MOONGATE_PIPELINE_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"

struct stage;
struct trail;

enum {
    TRAIL_REQUESTS = 1000,  /* as many are kept at most, */
    TRAIL_BYTES = 1 << 20,  /* and no more than this in all */
    TRAIL_PART_BYTES = 4096 /* of a head or a body */
};

/* One attempt. All strings are borrowed until the next request is sent or answered. */
struct trail_entry {
    uint64_t number; /* from 1 on, in the order they were sent */
    char *method, *url;
    bool is_over;
    int status;          /* 0: no answer, or none yet */
    char *error;         /* why there was none, or the code of a refusal; or NULL */
    int64_t wall_ms;     /* when it was sent, on the run's clock */
    int64_t machine_ms;  /* when it was sent, and once it is over how long it took: */
    int64_t duration_ms; /* from the transport's queue to the answer, in machine time */
    size_t sent_bytes, received_bytes; /* of the bodies, unpacked */
    unsigned attempt;                  /* the how-manieth of its exchange, from 1 on */
    char *request_id, *correlation_id; /* the service's, or NULL */
    char *request, *answer;            /* heads and bodies, or NULL */
    size_t size;                       /* of all of it */
};

/* `clock` is borrowed. */
struct trail *trail_new(const struct clock *clock);

/* Accepts NULL. */
void trail_free(struct trail *trail);

/* Requests are kept from now on; nothing happens when they are already. */
void trail_start(struct trail *trail);

/* `origin` is told as `name`; see mask_set_alias(). Before trail_start() or after. */
void trail_set_alias(struct trail *trail, const char *origin, const char *name);

/* The number of the latest entry; 0 when there was none. */
uint64_t trail_last(const struct trail *trail);

/* The number of the oldest that is still there; one more than the last when there is none. */
uint64_t trail_oldest(const struct trail *trail);

/* Borrowed; NULL when it was never there or is not kept any more. */
const struct trail_entry *trail_find(const struct trail *trail, uint64_t number);

/* The stage that keeps them: right above the wire, so that it sees each attempt as it is sent.
 * `trail` is borrowed. */
struct stage *stage_new_trail(struct trail *trail);

#endif
