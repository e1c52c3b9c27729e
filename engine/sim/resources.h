/* engine/sim/resources.h - the resources of a scope, whatever their type. */
#ifndef MOONGATE_SIM_RESOURCES_H
#define MOONGATE_SIM_RESOURCES_H

struct answer;
struct call;
struct target;
struct world;

/* Lists what lies directly in a resource group, or in all of them: with $filter, $top,
 * $expand (createdTime, changedTime, provisioningState). */
void resources_list(struct world *world, const struct call *call,
                    const struct target *target, struct answer *answer);

#endif
