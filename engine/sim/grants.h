/* engine/sim/grants.h - what a principal may do, by the role assignments it has itself or
 * through its groups. */
#ifndef MOONGATE_SIM_GRANTS_H
#define MOONGATE_SIM_GRANTS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct world;

/* Whether `action` ("Microsoft.ApiManagement/service/read") is allowed at the scope. */
bool grants_allow(struct world *world, const char *principal, const char *scope_key,
                  const char *action);

/* The same as Azure lists it: for each assignment that counts at the scope an object with
 * `actions`, `notActions`, `dataActions` and `notDataActions`. An array, owned by the
 * caller. */
cJSON *grants_describe(struct world *world, const char *principal, const char *scope_key);

/* Role assignments or memberships have changed. */
void grants_forget(struct world *world);

#endif
