/* engine/sim/subscription.h - what Azure Resource Manager says of the tenant and its one
 * subscription. */
#ifndef MOONGATE_SIM_SUBSCRIPTION_H
#define MOONGATE_SIM_SUBSCRIPTION_H

struct answer;
struct call;
struct caller;
struct target;
struct world;

/* Answers a GET of TARGET_SUBSCRIPTIONS, TARGET_TENANTS, TARGET_SUBSCRIPTION or
 * TARGET_LOCATIONS. */
void subscription_answer(struct world *world, const struct caller *caller,
                         const struct target *target, struct answer *answer);

/* Whether an API Management service can have the name that the body asks for. */
void subscription_check_name(struct world *world, struct call *call,
                             struct answer *answer);

#endif
