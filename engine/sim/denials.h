/* engine/sim/denials.h - deny assignments of a world file. Users cannot make them; in Azure
 * they come with managed applications and deployment stacks.
 *
 *   "deny_assignments": [{"name": "locked", "scope": "/subscriptions/..",
 *                         "actions": ["Microsoft.Network/virtualNetworks/delete"],
 *                         "principals": ["everyone"]}]
 *
 *   name                 required; with the scope it makes the id
 *   scope                an id; the subscription when it is not there
 *   actions, not_actions, data_actions, not_data_actions   patterns
 *   principals           required: "everyone", or object ids, names of groups and
 *                        applications, names with which users sign in
 *   exclude_principals   the same, without "everyone"
 *   do_not_apply_to_child_scopes, system_protected   false, true
 *   description */
#ifndef MOONGATE_SIM_DENIALS_H
#define MOONGATE_SIM_DENIALS_H

#include <cjson/cJSON.h>

struct failure;
struct world;

/* Says what is wrong with the value of that key, in a message owned by the caller, or
 * NULL. */
char *denials_check(const char *name, const cJSON *value);

/* Makes those of the world's file in a new world; NULL, or why not (owned by the caller).
 */
struct failure *denials_populate(struct world *world);

#endif
