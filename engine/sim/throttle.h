/* engine/sim/throttle.h - Azure Resource Manager's token buckets.
 *
 * One for each principal and kind of request (reads, writes, deletes), in the subscription
 * and in the tenant, larger ones for all principals of the subscription together, and
 * those that a world file gives to resource providers. They begin full, each request takes a token out, and they fill again with the world's time.
 * They are not kept in the state file. */
#ifndef MOONGATE_SIM_THROTTLE_H
#define MOONGATE_SIM_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct answer;
struct call;
struct caller;
struct throttle;
struct world;

/* How many resource providers may have limits of their own. */
enum { THROTTLE_PROVIDER_LIMIT = 16 };

/* `limits` is that object of the world file, borrowed, or NULL. Owned by the caller. */
struct throttle *throttle_new(const cJSON *limits);

/* Accepts NULL. */
void throttle_free(struct throttle *throttle);

/* Takes a token for the call and notes in the answer's headers what is left. False when
 * there is none; then it has answered 429. */
bool throttle_admit(struct world *world, const struct call *call,
                    const struct caller *caller, struct answer *answer);

/* UTC when whoever was refused last may come again, or INT64_MAX when that is not ahead. */
int64_t throttle_next_event(const struct throttle *throttle, int64_t now_ms);

#endif
