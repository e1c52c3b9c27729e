/* engine/sim/tags.h - the tags of a scope: {scope}/providers/Microsoft.Resources/tags/
 * default. */
#ifndef MOONGATE_SIM_TAGS_H
#define MOONGATE_SIM_TAGS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct answer;
struct call;
struct target;
struct world;

/* Whether tags are within Azure's limits (50 of them, names up to 512 characters without
 * <>%&\?/, values up to 256); has answered when not. NULL is fine. */
bool tags_check(const cJSON *tags, struct answer *answer);

/* The subscription's own, owned by the caller, or NULL when it has none. */
cJSON *tags_of_subscription(struct world *world);

/* GET, PUT, PATCH and DELETE of a TARGET_TAGS. */
void tags_answer(struct world *world, struct call *call, const struct target *target,
                 struct answer *answer);

#endif
