/* engine/sim/rules_network.c - what Microsoft.Network knows about subnets and network
 * security groups beyond the rows. */
#include "sim/rules_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/rules_security.h"
#include "sim/shape.h"
#include "sim/world.h"

bool network_parse_prefix(struct answer *answer, const char *id, const char *prefix,
                          struct block *block)
{
    char text[BLOCK_TEXT_SIZE];

    switch (block_parse(prefix, block)) {
    case BLOCK_OK:
        return true;
    case BLOCK_MALFORMED:
        return answer_refuse(
            answer, REFUSE_PREFIX_FORMAT,
            "Address prefix string for resource %s cannot be null or empty or is "
            "malformed: '%s'.",
            id, prefix);
    case BLOCK_UNALIGNED:
        break;
    }
    block_format(block, text);
    return answer_refuse(
        answer, REFUSE_PREFIX_NOTATION,
        "The address prefix %s in resource %s has an invalid CIDR notation. For "
        "the given prefix length, the address prefix should be %s.",
        prefix, id, text);
}

const char *network_find_prefix(const cJSON *subnet)
{
    const char *prefix = json_string_at(subnet, "properties.addressPrefix");

    if (prefix != NULL)
        return prefix;
    return cJSON_GetStringValue(
        cJSON_GetArrayItem(json_at(subnet, "properties.addressPrefixes"), 0));
}

static bool contains(const cJSON *network, const struct block *block)
{
    const cJSON *prefix;
    struct block outer;

    cJSON_ArrayForEach (prefix,
                        json_at(network, "properties.addressSpace.addressPrefixes")) {
        if (cJSON_IsString(prefix) &&
            block_parse(prefix->valuestring, &outer) == BLOCK_OK &&
            block_contains(&outer, block))
            return true;
    }
    return false;
}

void network_set_guid(struct change *change)
{
    char guid[UUID_TEXT_SIZE];

    if (json_at(change->body, "properties.resourceGuid") != NULL)
        return;
    uuid_from_name(change->key, guid);
    json_set_at(change->body, "properties.resourceGuid", cJSON_CreateString(guid));
}

/* ---- subnet ---- */

/* Delegations are resources of their own in Azure, with what that brings. */
void network_complete_subnet(struct change *change)
{
    cJSON *delegation;

    cJSON_ArrayForEach (delegation, json_at(change->body, "properties.delegations")) {
        const char *name = json_string_at(delegation, "name");
        char *id =
            memory_format("%s/delegations/%s", change->id, name != NULL ? name : "");

        json_set_at(delegation, "id", cJSON_CreateString(id));
        json_set_at(delegation, "properties.provisioningState",
                    cJSON_CreateString("Succeeded"));
        free(id);
    }
    if (json_at(change->body, "properties.delegations") == NULL)
        json_set_at(change->body, "properties.delegations", cJSON_CreateArray());
    if (json_at(change->body, "properties.privateEndpointNetworkPolicies") == NULL)
        json_set_at(change->body, "properties.privateEndpointNetworkPolicies",
                    cJSON_CreateString("Disabled"));
}

bool network_check_types(const struct change *change)
{
    static const struct {
        const struct kind *holder;
        const char *path;
        struct kind kind;
    } references[] = {{&subnet_kind,
                       "properties.networkSecurityGroup.id",
                       {.arm_type = "Microsoft.Network/networkSecurityGroups"}},
                      {&subnet_kind,
                       "properties.routeTable.id",
                       {.arm_type = "Microsoft.Network/routeTables"}},
                      {&subnet_kind,
                       "properties.natGateway.id",
                       {.arm_type = "Microsoft.Network/natGateways"}},
                      {&virtual_network_kind,
                       "properties.ddosProtectionPlan.id",
                       {.arm_type = "Microsoft.Network/ddosProtectionPlans"}}};

    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        const char *id = references[i].holder == change->kind
                             ? json_string_at(change->body, references[i].path)
                             : NULL;

        if (id != NULL && !kind_has_id(&references[i].kind, id))
            return answer_refuse(
                change->answer, REFUSE_REFERENCE,
                "Resource %s referenced by resource %s is not of type %s.", id,
                change->id, references[i].kind.arm_type);
    }
    return true;
}

bool network_check_references(const struct change *change, const cJSON *network)
{
    if (!network_check_types(change))
        return false;

    const char *id = json_string_at(change->body, "properties.networkSecurityGroup.id");
    char *key = id != NULL ? entity_make_key(id) : NULL;
    cJSON *group = key != NULL ? entity_body(change->world, key) : NULL;
    const char *region = json_string_at(group, "location");
    const char *own = json_string_at(network, "location");
    const bool is_good = id == NULL || (region != NULL && own != NULL &&
                                        shape_is_same_location(region, own));

    if (!is_good)
        answer_refuse(
            change->answer, REFUSE_REFERENCE,
            "Resource %s referenced by resource %s was not found. Please make sure that "
            "the referenced resource exists, and that both resources are in the same "
            "region.",
            id, change->id);
    cJSON_Delete(group);
    free(key);
    return is_good;
}

static bool is_same_at(const struct change *change, const char *path)
{
    const cJSON *before = json_at(change->old_body, path),
                *after = json_at(change->body, path);

    return before == after || cJSON_Compare(before, after, true);
}

bool network_check_use(const struct change *change)
{
    const char *before = network_find_prefix(change->old_body);
    const char *after = network_find_prefix(change->body);
    char *gateway = change->old != NULL ? entity_find_link(change->world, change->key,
                                                           &gateway_kind, NULL)
                                        : NULL;
    bool is_good = true;

    if (gateway == NULL)
        return true;
    if (before != NULL && (after == NULL || strcmp(before, after) != 0))
        is_good = answer_refuse(
            change->answer, REFUSE_SUBNET_PREFIX_CHANGE,
            "IP prefix %s of subnet %s is in use by %s and cannot be deleted.", before,
            change->id, gateway);
    else if (!is_same_at(change, "properties.delegations") ||
             json_at(change->body, "properties.networkSecurityGroup.id") == NULL)
        is_good = answer_refuse(
            change->answer, REFUSE_SUBNET_CHANGE,
            "Subnet %s is in use by %s: its delegation cannot be changed and "
            "its network security group cannot be removed.",
            change->id, gateway);
    free(gateway);
    return is_good;
}

static bool check_free(const struct change *change, const struct block *block)
{
    sqlite3_stmt *row = database_query(
        change->world->database,
        "SELECT subnet, last FROM block WHERE network = ? AND first <= ? AND"
        " subnet <> ? ORDER BY first DESC LIMIT 1",
        "tit", change->parent, (int64_t)block->last, change->key);
    bool is_free = true;

    if (!database_step(change->world->database, row))
        return true;
    if (sqlite3_column_int64(row, 1) >= (int64_t)block->first)
        is_free = answer_refuse(
            change->answer, REFUSE_PREFIX_OVERLAP,
            "Subnet '%s' is not valid because its IP address range overlaps "
            "with that of an existing subnet '%s' in the virtual network.",
            change->name, strrchr(database_column(row, 0), '/') + 1);
    database_done(row);
    return is_free;
}

bool network_check_block(const struct change *change, const cJSON *network,
                         struct block *block)
{
    const char *prefix = network_find_prefix(change->body);

    if (!network_parse_prefix(change->answer, change->id, prefix != NULL ? prefix : "",
                              block))
        return false;
    return contains(network, block) ||
           answer_refuse(
               change->answer, REFUSE_PREFIX_OUTSIDE,
               "Subnet '%s' is not valid because its IP address range is outside the IP "
               "address range of virtual network '%s'.",
               change->name, json_string_at(network, "name"));
}

static bool check_subnet(struct change *change)
{
    cJSON *network = entity_body(change->world, change->parent);
    struct block block;
    const bool is_good = network_check_block(change, network, &block) &&
                         check_free(change, &block) && network_check_use(change) &&
                         network_check_references(change, network);

    cJSON_Delete(network);
    return is_good;
}

void network_save_block(struct change *change)
{
    struct block block;

    if (block_parse(network_find_prefix(change->body), &block) == BLOCK_OK)
        database_run(change->world->database, "REPLACE INTO block VALUES (?, ?, ?, ?)",
                     "ttii", change->key, change->parent, (int64_t)block.first,
                     (int64_t)block.last);
}

static void remove_block(struct world *world, const char *key)
{
    database_run(world->database, "DELETE FROM block WHERE subnet = ?", "t", key);
}

static bool check_subnet_delete(struct world *world, const struct call *call,
                                struct answer *answer, const struct entity *entity)
{
    (void)call;
    char *gateway = entity_find_link(world, entity->key, &gateway_kind, NULL);

    if (gateway == NULL)
        return true;
    answer_refuse(
        answer, REFUSE_SUBNET_DELETE,
        "Subnet %s is in use by %s and cannot be deleted. In order to delete the subnet, "
        "delete all the resources within the subnet.",
        strrchr(entity->id, '/') + 1, gateway);
    free(gateway);
    return false;
}

const struct rules subnet_rules = {.kind = &subnet_kind,
                                   .new_state = "Updating",
                                   .update_state = "Updating",
                                   .delete_state = "Deleting",
                                   .has_etag_in_body = true,
                                   .retry_after_s = 3,
                                   .complete = network_complete_subnet,
                                   .check = check_subnet,
                                   .saved = network_save_block,
                                   .check_delete = check_subnet_delete,
                                   .removed = remove_block};

/* ---- network security group ---- */

enum { LOWEST_PRIORITY = 4096 };

static void complete_group(struct change *change)
{
    cJSON *rule;

    cJSON_ArrayForEach (rule, json_at(change->body, "properties.securityRules")) {
        const char *name = json_string_at(rule, "name");
        char *id =
            memory_format("%s/securityRules/%s", change->id, name != NULL ? name : "");

        json_set_at(rule, "id", cJSON_CreateString(id));
        json_set_at(rule, "properties.provisioningState",
                    cJSON_CreateString("Succeeded"));
        free(id);
    }
    if (json_at(change->body, "properties.securityRules") == NULL)
        json_set_at(change->body, "properties.securityRules", cJSON_CreateArray());
    network_set_guid(change);
}

bool network_check_rules(struct change *change)
{
    const char *taken[2][LOWEST_PRIORITY + 1] = {{NULL}};
    const cJSON *rule;

    cJSON_ArrayForEach (rule, json_at(change->body, "properties.securityRules")) {
        const int priority = (int)json_number_at(rule, "properties.priority", 0);
        const bool is_inbound =
            text_equal_nocase(json_string_at(rule, "properties.direction"), "Inbound");
        const char **holder = &taken[is_inbound][priority];

        if (*holder != NULL)
            return answer_refuse(
                change->answer, REFUSE_SECURITY_RULE,
                "Security rule %s conflicts with rule %s. Rules cannot have the "
                "same Priority and Direction.",
                json_string_at(rule, "name"), *holder);
        *holder = json_string_at(rule, "name");
    }
    return true;
}

static bool check_group(struct change *change)
{
    return security_check_names(change) && network_check_rules(change);
}

static bool check_group_delete(struct world *world, const struct call *call,
                               struct answer *answer, const struct entity *entity)
{
    (void)call;
    char *subnet = entity_find_link(world, entity->key, &subnet_kind, NULL);

    if (subnet == NULL)
        return true;
    answer_refuse(
        answer, REFUSE_SECURITY_GROUP_IN_USE,
        "Network security group %s cannot be deleted because it is in use by the "
        "following resources: %s.",
        entity->id, subnet);
    free(subnet);
    return false;
}

const struct rules network_security_group_rules = {.kind = &network_security_group_kind,
                                                   .new_state = "Updating",
                                                   .update_state = "Updating",
                                                   .delete_state = "Deleting",
                                                   .has_etag_in_body = true,
                                                   .retry_after_s = 3,
                                                   .complete = complete_group,
                                                   .check = check_group,
                                                   .check_delete = check_group_delete,
                                                   .saved = security_save_rules,
                                                   .removing = security_forget_rules,
                                                   .present = security_present_group};
