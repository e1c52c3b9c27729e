/* engine/sim/rules.c - which rules a kind has. */
#include "sim/rules.h"

#include <stddef.h>

static const struct rules *const all_rules[] = {&resource_group_rules,
                                                &service_rules,
                                                &workspace_rules,
                                                &workspace_link_rules,
                                                &gateway_rules,
                                                &config_connection_rules,
                                                &virtual_network_rules,
                                                &subnet_rules,
                                                &network_security_group_rules,
                                                &security_rule_rules,
                                                &default_security_rule_rules,
                                                &role_definition_rules,
                                                &role_assignment_rules,
                                                &deny_assignment_rules,
                                                &lock_rules,
                                                &api_rules,
                                                &api_release_rules,
                                                &api_revision_rules};

const struct rules *rules_find(const struct kind *kind)
{
    static const struct rules none;

    for (size_t i = 0; i < sizeof all_rules / sizeof all_rules[0]; i++) {
        if (all_rules[i]->kind == kind)
            return all_rules[i];
    }
    return &none;
}
