/* engine/sim/rules_security.h - parts of the rules of network security groups that concern
 * their security rules. */
#ifndef MOONGATE_SIM_RULES_SECURITY_H
#define MOONGATE_SIM_RULES_SECURITY_H

#include "sim/rules.h"

/* Whether each rule of the group's body has a name that it can have and that no other has;
 * it has answered when it returns false. */
bool security_check_names(const struct change *group);

/* Makes the resources those that the group's body lists. */
void security_save_rules(struct change *group);

/* Empties the list of a group that goes, so that it is not written for each of its rules. */
void security_forget_rules(struct world *world, const char *key);

/* Writes a group with Azure's own rules and the subnets that use it. */
void security_present_group(struct world *world, const struct entity *entity,
                            struct buffer *to);

#endif
