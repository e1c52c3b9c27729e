/* engine/sim/rules_network.h - what the rules of subnets and of virtual networks share: a
 * network's PUT carries its subnets inside. */
#ifndef MOONGATE_SIM_RULES_NETWORK_H
#define MOONGATE_SIM_RULES_NETWORK_H

#include "sim/block.h"
#include "sim/rules.h"

/* False when it is no proper address prefix; it has answered. */
bool network_parse_prefix(struct answer *answer, const char *id, const char *prefix,
                          struct block *block);

/* The subnet's (first) address prefix, or NULL. Borrowed. */
const char *network_find_prefix(const cJSON *subnet);

/* Parts of a subnet's rules; those that return bool have answered when they return false.
 */
void network_complete_subnet(struct change *change);
bool network_check_block(const struct change *change, const cJSON *network,
                         struct block *block);
bool network_check_references(const struct change *change, const cJSON *network);
bool network_check_use(const struct change *change);
void network_save_block(struct change *change);

#endif
