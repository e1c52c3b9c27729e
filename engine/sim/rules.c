/* engine/sim/rules.c - which rules a kind has. */
#include "sim/rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
                                                &api_revision_rules,
                                                &named_value_rules,
                                                &certificate_rules,
                                                &authorization_server_rules,
                                                &subscription_rules,
                                                &service_subscription_rules,
                                                &product_rules,
                                                &service_product_rules,
                                                &workspace_policy_rules,
                                                &api_policy_rules,
                                                &api_operation_policy_rules,
                                                &product_policy_rules,
                                                &policy_fragment_rules,
                                                &group_rules,
                                                &service_group_rules,
                                                &group_user_rules,
                                                &service_group_user_rules,
                                                &notification_email_rules,
                                                &notification_user_rules,
                                                &notification_rules,
                                                &service_user_rules,
                                                &product_api_link_rules,
                                                &product_group_link_rules,
                                                &tag_api_link_rules,
                                                &tag_operation_link_rules,
                                                &tag_product_link_rules,
                                                &service_product_api_link_rules,
                                                &service_product_group_link_rules,
                                                &service_tag_api_link_rules,
                                                &service_tag_operation_link_rules,
                                                &service_tag_product_link_rules,
                                                &api_operation_rules,
                                                &diagnostic_rules,
                                                &api_diagnostic_rules,
                                                &logger_rules,
                                                &api_version_set_rules,
                                                &schema_rules,
                                                &api_schema_rules,
                                                &route_table_rules,
                                                &route_rules,
                                                &nat_gateway_rules,
                                                &private_dns_zone_rules,
                                                &virtual_network_link_rules,
                                                &backend_rules,
                                                &dns_a_record_rules};

enum { RULES_COUNT = sizeof all_rules / sizeof all_rules[0] };

static int compare_addresses(const void *a, const void *b)
{
    const uintptr_t one = (uintptr_t)a, other = (uintptr_t)b;

    return (one > other) - (one < other);
}

static int compare_rules(const void *a, const void *b)
{
    return compare_addresses((*(const struct rules *const *)a)->kind,
                             (*(const struct rules *const *)b)->kind);
}

static int compare_kind(const void *kind, const void *rules)
{
    return compare_addresses(kind, (*(const struct rules *const *)rules)->kind);
}

const struct rules *rules_find(const struct kind *kind)
{
    static const struct rules none, *sorted[RULES_COUNT];
    const struct rules *const *found;

    if (sorted[0] == NULL) {
        memcpy(sorted, all_rules, sizeof sorted);
        qsort(sorted, RULES_COUNT, sizeof sorted[0], compare_rules);
    }
    found = bsearch(kind, sorted, RULES_COUNT, sizeof sorted[0], compare_kind);
    return found != NULL ? *found : &none;
}
