/* engine/sim/linked.c - rights on the resources that a request only names. */
#include "sim/linked.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/plane.h"
#include "sim/target.h"
#include "sim/world.h"

#define NETWORK "Microsoft.Network/"

/* A path as of base/json.h; "[]" stands for each element of a list. The joins of networks
 * are observed; that API Management asks for the one of subnets is documented; where
 * Azure looks for the right to write a role is documented, the code is assumed. */
static const struct {
    const struct kind *kind;
    const char *path, *action;
} links[] = {
    {&gateway_kind, "properties.backend.subnet.id",
     NETWORK "virtualNetworks/subnets/join/action"},
    {&subnet_kind, "properties.networkSecurityGroup.id",
     NETWORK "networkSecurityGroups/join/action"},
    {&subnet_kind, "properties.routeTable.id", NETWORK "routeTables/join/action"},
    {&subnet_kind, "properties.natGateway.id", NETWORK "natGateways/join/action"},
    {&virtual_network_kind, "properties.subnets.[].properties.networkSecurityGroup.id",
     NETWORK "networkSecurityGroups/join/action"},
    {&virtual_network_kind, "properties.subnets.[].properties.routeTable.id",
     NETWORK "routeTables/join/action"},
    {&virtual_network_kind, "properties.subnets.[].properties.natGateway.id",
     NETWORK "natGateways/join/action"},
    {&role_definition_kind, "properties.assignableScopes.[]",
     "Microsoft.Authorization/roleDefinitions/write"}};

struct check {
    struct world *world;
    const struct caller *caller;
    const struct target *target;
    const char *action, *link_action;
    struct answer *answer;
};

/* What lies outside the tenant is for the kind's own rules to refuse. */
static bool is_ours(const struct world *world, const char *key)
{
    return grants_is_at_or_above(world->subscription_key, key) ||
           (*grants_find_scope(world, key) == '\0' && strcmp(key, "/") != 0);
}

static bool check_id(const struct check *check, const char *id)
{
    char *key = entity_make_key(id);
    const bool is_allowed =
        !is_ours(check->world, key) ||
        grants_allow(check->world, check->caller->object_id, key, check->link_action);

    free(key);
    if (is_allowed)
        return true;
    return answer_refuse(
        check->answer, REFUSE_LINKED_AUTHORIZATION,
        "The client '%s' with object id '%s' has permission to perform action '%s' on "
        "scope '%s'; however, it does not have permission to perform action '%s' on the "
        "linked scope(s) '%s' or the linked scope(s) are invalid.",
        check->caller->application_id, check->caller->object_id, check->action,
        check->target->id, check->link_action, id);
}

/* All ids at the path below `value`. */
static bool check_at(const struct check *check, const cJSON *value, const char *path)
{
    const size_t length = strcspn(path, ".");
    const char *rest = path[length] == '.' ? path + length + 1 : path + length;
    const cJSON *element;

    if (*path == '\0')
        return !cJSON_IsString(value) || value->valuestring[0] != '/' ||
               check_id(check, value->valuestring);
    if (strncmp(path, "[]", length) == 0) {
        cJSON_ArrayForEach (element, value) {
            if (!check_at(check, element, rest))
                return false;
        }
        return true;
    }

    char *name = memory_copy_text(path, length);

    element = cJSON_GetObjectItemCaseSensitive(value, name);
    free(name);
    return element == NULL || check_at(check, element, rest);
}

bool linked_check(struct world *world, struct call *call, const struct caller *caller,
                  const struct target *target, const char *action, struct answer *answer)
{
    struct check check = {world, caller, target, action, NULL, answer};

    if (target->form != TARGET_ITEM ||
        (call->method != CALL_PUT && call->method != CALL_PATCH))
        return true;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        check.link_action = links[i].action;
        if (links[i].kind == target->kind &&
            !check_at(&check, call_json(call), links[i].path))
            return false;
    }
    return true;
}
