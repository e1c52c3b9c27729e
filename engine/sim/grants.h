/* engine/sim/grants.h - what a principal may do, by the role assignments it has itself or
 * through its groups, and by the deny assignments that keep it from it.
 *
 * What was found out about a principal is kept until any assignment, membership or role
 * changes, or until a change that takes its time comes into effect: a request costs a look
 * at each scope above its own. Conditions of role assignments are not evaluated. */
#ifndef MOONGATE_SIM_GRANTS_H
#define MOONGATE_SIM_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct world;

/* The principal that stands for all of them in a deny assignment. */
#define EVERYONE "00000000-0000-0000-0000-000000000000"

/* Whether `action` ("Microsoft.ApiManagement/service/read") is allowed at the scope. */
bool grants_allow(struct world *world, const char *principal, const char *scope_key,
                  const char *action);

/* The body of the deny assignment that alone keeps the principal from an action which it
 * has a role for, or NULL. Borrowed until the next question. */
const cJSON *grants_find_denial(struct world *world, const char *principal,
                                const char *scope_key, const char *action);

/* Whether the principal has any role at the scope, above or below it. */
bool grants_reach(struct world *world, const char *principal, const char *scope_key);

/* The same as Azure lists it: for each assignment that counts at the scope an object with
 * `actions`, `notActions`, `dataActions` and `notDataActions`. An array, owned by the
 * caller. */
cJSON *grants_describe(struct world *world, const char *principal, const char *scope_key);

/* Role assignments or memberships have changed. */
void grants_forget(struct world *world);

/* When the next assignment begins or ceases to count (UTC), or INT64_MAX. */
int64_t grants_next_event(struct world *world, int64_t now_ms);

/* The scope that a key stands for: "" is the top, also called "/" or the tenant's root
 * management group. Borrowed from `key`. */
const char *grants_find_scope(const struct world *world, const char *key);

/* The keys of a scope and of all above it as a JSON array, for the database. Owned by the
 * caller. */
char *grants_list_above(const struct world *world, const char *key);

bool grants_is_at_or_above(const char *scope_key, const char *key);

#endif
