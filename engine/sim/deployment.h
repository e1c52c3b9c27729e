/* engine/sim/deployment.h - Microsoft.Resources/deployments: resources that a template
 * asks for, made in their order, in time.
 *
 * Deployments live at a resource group or at the subscription. Their resources are made
 * as if the caller had sent a PUT for each, with the caller's rights. */
#ifndef MOONGATE_SIM_DEPLOYMENT_H
#define MOONGATE_SIM_DEPLOYMENT_H

#include <stdint.h>

struct answer;
struct call;
struct caller;
struct target;
struct world;

/* Answers what is asked of a TARGET_DEPLOYMENT. */
void deployment_answer(struct world *world, struct call *call,
                       const struct caller *caller, const struct target *target,
                       struct answer *answer);

/* The right that a call needs, owned by the caller. */
char *deployment_format_action(const struct call *call, const struct target *target);

/* Carries on with the deployments that are due at the world's time, outside a transaction.
 */
void deployment_settle(struct world *world);

/* When the next one has to be looked at, or INT64_MAX. */
int64_t deployment_next(struct world *world);

/* The scope with this key is gone, and its deployments with it. */
void deployment_remove_scope(struct world *world, const char *scope);

#endif
