/* engine/sim/rules_limits.c - how many resources of a kind there may be beside each other.
 *
 * Documented: the numbers, those of a workspace in the Premium tier and of a private zone.
 * Assumed: the code. */
#include "sim/rules.h"

#include "model/kind.h"
#include "sim/entity.h"
#include "sim/world.h"

static const struct {
    const struct kind *kind;
    int most; /* below one parent */
} limits[] = {{&named_value_kind, 200},
              {&policy_fragment_kind, 50},
              {&product_kind, 100},
              {&product_api_link_kind, 200},
              {&product_group_link_kind, 200},
              {&schema_kind, 500},
              {&subscription_kind, 5000},
              {&tag_kind, 200},
              {&backend_kind, 200},
              {&certificate_kind, 200},
              {&group_kind, 50},
              {&logger_kind, 50},
              {&api_version_set_kind, 50},
              {&api_operation_kind, 100},
              {&api_release_kind, 100},
              {&api_schema_kind, 100},
              {&dns_a_record_kind, 24999},
              {&virtual_network_link_kind, 1000}};

bool rules_check_limit(const struct change *change)
{
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (limits[i].kind == change->kind && change->old == NULL &&
            entity_count(change->world, change->kind, change->parent) >= limits[i].most)
            return answer_refuse(change->answer, REFUSE_LIMIT,
                                 "There are %d resources of type '%s' here, which is as "
                                 "many as there may be.",
                                 limits[i].most, change->kind->arm_type);
    }
    return true;
}
