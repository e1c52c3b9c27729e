/* engine/sim/rules_network.h - what the rules of Microsoft.Network share: the PUT of a network
 * carries its subnets inside, that of a network security group its security rules. */
#ifndef MOONGATE_SIM_RULES_NETWORK_H
#define MOONGATE_SIM_RULES_NETWORK_H

#include "sim/block.h"
#include "sim/rules.h"

/* False when it is no proper address prefix; it has answered. */
bool network_parse_prefix(struct answer *answer, const char *id, const char *prefix,
                          struct block *block);

/* The subnet's (first) address prefix, or NULL. Borrowed. */
const char *network_find_prefix(const cJSON *subnet);

/* Gives a resource the GUID that Azure knows it by besides. */
void network_set_guid(struct change *change);

/* Whether what a subnet or a network names is of the right type, there or not; it has
 * answered when it returns false. */
bool network_check_types(const struct change *change);

/* Parts of a subnet's rules; those that return bool have answered when they return false.
 */
void network_complete_subnet(struct change *change);
bool network_check_block(const struct change *change, const cJSON *network,
                         struct block *block);
bool network_check_references(const struct change *change, const cJSON *network);
bool network_check_use(const struct change *change);
void network_save_block(struct change *change);

/* Whether the rules of a network security group's body get along; it has answered when it
 * returns false. */
bool network_check_rules(struct change *change);

#endif
