/* engine/sim/deleted_service.h - API Management services that were deleted: for 48 hours
 * nobody else can have the name, and the service can be brought back. */
#ifndef MOONGATE_SIM_DELETED_SERVICE_H
#define MOONGATE_SIM_DELETED_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/rules.h"

/* Keeps the service with this key and what is below it: it will be removed next. Role
 * assignments and locks are not kept. */
void deleted_service_keep(struct world *world, const char *key);

/* Whether the name is kept for a deleted service. */
bool deleted_service_holds(struct world *world, const char *name);

/* Puts the kept service in place of the body that is given when that says
 * properties.restore. */
void deleted_service_take(struct change *change);

/* Whether a new service may have its name; has answered when not. */
bool deleted_service_check(const struct change *change);

/* A new service has been written: what was below a restored one comes back. */
void deleted_service_restore(struct change *change);

/* The list, one of them, the purge of one, and how that goes. */
void deleted_service_answer(struct world *world, const struct call *call,
                            const struct target *target, struct answer *answer);

/* When the next purge that somebody asked for is over, or INT64_MAX. */
int64_t deleted_service_next_purge(struct world *world, int64_t now_ms);

#endif
