/* engine/sim/traffic.h - what came in and what was said to it: for those who measure a
 * client. It counts since the simulator was started. */
#ifndef MOONGATE_SIM_TRAFFIC_H
#define MOONGATE_SIM_TRAFFIC_H

#include <stdint.h>

#include "sim/call.h"
#include "sim/plane.h"

struct answer;
struct buffer;
struct world;

enum { TRAFFIC_STATUS_LIMIT = 600 };

/* A zeroed struct has counted nothing. */
struct traffic {
    int64_t by_plane[PLANE_COUNT];      /* requests */
    int64_t by_class[CALL_CLASS_COUNT]; /* those to ARM */
    int64_t by_status[TRAFFIC_STATUS_LIMIT];
    int64_t lost; /* answers that were not sent */
    int64_t writes;
    int64_t first_write_ms, last_write_ms; /* UTC */
};

/* A request has come. */
void traffic_receive(struct traffic *traffic, enum plane plane, const struct call *call);

/* It has its answer. */
void traffic_answer(struct traffic *traffic, const struct answer *answer);

/* A request to ARM was let in; writes and deletes are noted, with the time. */
void traffic_admit(struct traffic *traffic, const struct call *call, int64_t now_ms);

/* Appends it all as JSON:
 *
 *   requests               since the world was made, those to /_sim/ too
 *   by_class               arm_reads, arm_writes, arm_deletes, graph, sign_in, controls
 *   by_status              {"200": 12, ..}; answers that were not sent, or not whole, are `lost`
 *   throttled, faults      answers with 429; faults that struck
 *   writes                 to ARM that no bucket and no fault kept out, deletes too
 *   first_write, last_write   when they came, or null */
void traffic_describe(const struct world *world, struct buffer *to);

#endif
