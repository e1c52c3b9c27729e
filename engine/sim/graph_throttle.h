/* engine/sim/graph_throttle.h - token buckets of Microsoft Graph.
 *
 * Each application has one of resource units, of which a request takes what it costs, and one
 * of writes. They begin full and fill again with the world's time. They are not kept in the
 * state file. */
#ifndef MOONGATE_SIM_GRAPH_THROTTLE_H
#define MOONGATE_SIM_GRAPH_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct graph_request;
struct graph_throttle;

/* `limits` is that object of the world file, or NULL: its "graph_units" and "graph_writes" are
 * [size, refill a second], or null for no limit. Owned by the caller. */
struct graph_throttle *graph_throttle_new(const cJSON *limits);

/* Accepts NULL. */
void graph_throttle_free(struct graph_throttle *throttle);

/* Takes what the request costs and notes it in the answer's headers. False when there is not
 * enough left; then it has answered 429. `cost` is that of the path alone, in units. */
bool graph_throttle_admit(struct graph_request *request, int cost);

/* UTC when whoever was refused last may come again, or INT64_MAX when that is not ahead. */
int64_t graph_throttle_next_event(const struct graph_throttle *throttle, int64_t now_ms);

#endif
