/* engine/sim/rules_security.c - the rules of network security groups as resources of their
 * own, and those that Azure gives each group.
 *
 * The body of a group holds its rules, and each is stored as a resource besides: a write to
 * either is one to both. */
#include "sim/rules_security.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/item.h"
#include "sim/rules_network.h"
#include "sim/shape.h"
#include "sim/target.h"
#include "sim/world.h"

#define RULES "properties.securityRules"
#define STATE "properties.provisioningState"

/* ---- within the body of a group ---- */

/* The list of a group's rules, made if there is none. */
static cJSON *rules_of(cJSON *group)
{
    if (!cJSON_IsArray(json_at(group, RULES)))
        json_set_at(group, RULES, cJSON_CreateArray());
    /* json_at() takes and gives const; the tree is ours */
    return (cJSON *)(uintptr_t)json_at(group, RULES);
}

/* The place of a rule in the list, or -1. */
static int find_rule(const cJSON *rules, const char *name)
{
    const cJSON *rule;
    int place = 0;

    cJSON_ArrayForEach (rule, rules) {
        if (text_equal_nocase(json_string_at(rule, "name"), name))
            return place;
        place++;
    }
    return -1;
}

/* Puts the rule of a change into the list, as one that is in force. */
static void put_rule(const struct change *change, cJSON *rules)
{
    const int place = find_rule(rules, change->name);
    cJSON *item = cJSON_CreateObject();

    cJSON_AddStringToObject(item, "name", change->name);
    cJSON_AddStringToObject(item, "id", change->id);
    cJSON_AddItemToObject(item, "properties",
                          cJSON_Duplicate(json_at(change->body, "properties"), true));
    json_set_at(item, STATE, cJSON_CreateString("Succeeded"));
    if (place < 0)
        cJSON_AddItemToArray(rules, item);
    else
        cJSON_ReplaceItemInArray(rules, place, item);
}

static void save_group(struct world *world, const char *key, cJSON *group)
{
    char *parent = database_text(world->database,
                                 "SELECT parent FROM entity WHERE key = ?", "t", key);

    entity_save(world, &network_security_group_kind, parent, group);
    free(parent);
}

/* ---- one rule ---- */

static bool check_rule(struct change *change)
{
    struct change whole = *change;
    bool is_good;

    whole.body = entity_body(change->world, change->parent);
    put_rule(change, rules_of(whole.body));
    is_good = network_check_rules(&whole);
    cJSON_Delete(whole.body);
    return is_good;
}

static void rule_saved(struct change *change)
{
    cJSON *group = entity_body(change->world, change->parent);

    put_rule(change, rules_of(group));
    save_group(change->world, change->parent, group);
    cJSON_Delete(group);
}

static void rule_removed(struct world *world, const char *key)
{
    const char *name = strrchr(key, '/') + 1;
    char *parent = database_text(world->database,
                                 "SELECT parent FROM entity WHERE key = ?", "t", key);
    cJSON *group = entity_body(world, parent);
    const int place = find_rule(json_at(group, RULES), name);

    if (place >= 0) {
        cJSON_DeleteItemFromArray(rules_of(group), place);
        save_group(world, parent, group);
    }
    cJSON_Delete(group);
    free(parent);
}

const struct rules security_rule_rules = {.kind = &security_rule_kind,
                                          .new_state = "Updating",
                                          .update_state = "Updating",
                                          .delete_state = "Deleting",
                                          .has_etag_in_body = true,
                                          .retry_after_s = 3,
                                          .check = check_rule,
                                          .saved = rule_saved,
                                          .removed = rule_removed};

/* ---- the rules of a group's PUT ---- */

bool security_check_names(const struct change *group)
{
    struct map names = {0};
    const cJSON *rule;
    bool is_good = true;

    cJSON_ArrayForEach (rule, json_at(group->body, RULES)) {
        char *name = text_lower(memory_copy_string(json_string_at(rule, "name")));
        char *wrong = kind_check_name(&security_rule_kind, name);

        if (wrong != NULL)
            is_good = answer_refuse(group->answer, REFUSE_RESOURCE_NAME, "%s", wrong);
        else if (map_set(&names, name, group->body) != NULL)
            is_good = answer_refuse(group->answer, REFUSE_REQUEST_CONTENT,
                                    "Two security rules have the name '%s'.", name);
        free(wrong);
        free(name);
        if (!is_good)
            break;
    }
    map_deinit(&names, NULL);
    return is_good;
}

/* Saves one rule of the group, unless it is there already. The ledger has the write as the
 * group's: who counts what was sent finds it once. */
static void save_rule(struct change *group, const cJSON *given)
{
    const char *name = json_string_at(given, "name");
    char *id = kind_format_id(&security_rule_kind, group->id, name);
    char *key = entity_make_key(id);
    cJSON *copy = cJSON_Duplicate(given, true), *old = entity_body(group->world, key);
    cJSON *body = shape_body(&security_rule_kind, id, name, copy);

    json_set_at(body, STATE, cJSON_CreateString("Succeeded"));
    if (old == NULL || !shape_is_equal(old, body))
        entity_save(group->world, &security_rule_kind, group->key, body);
    cJSON_Delete(copy);
    cJSON_Delete(old);
    cJSON_Delete(body);
    free(id);
    free(key);
}

/* The keys of the rules that the group has no more, each followed by a newline. Owned by the
 * caller. */
static char *list_dropped(const struct change *group, const struct map *names)
{
    struct buffer keys = {0};
    sqlite3_stmt *row =
        database_query(group->world->database,
                       "SELECT key FROM entity WHERE parent = ? AND type ="
                       " 'Microsoft.Network/networkSecurityGroups/securityRules'",
                       "t", group->key);

    while (database_step(group->world->database, row)) {
        const char *key = database_column(row, 0);

        if (map_find(names, strrchr(key, '/') + 1) == NULL)
            buffer_printf(&keys, "%s\n", key);
    }
    return buffer_take(&keys);
}

void security_save_rules(struct change *group)
{
    struct map names = {0};
    const cJSON *rule;
    char *keys, *rest = NULL;

    cJSON_ArrayForEach (rule, json_at(group->body, RULES)) {
        char *name = text_lower(memory_copy_string(json_string_at(rule, "name")));

        map_set(&names, name, group->body);
        save_rule(group, rule);
        free(name);
    }
    keys = list_dropped(group, &names);
    for (const char *key = strtok_r(keys, "\n", &rest); key != NULL;
         key = strtok_r(NULL, "\n", &rest))
        entity_remove(group->world, key);
    map_deinit(&names, NULL);
    free(keys);
}

void security_forget_rules(struct world *world, const char *key)
{
    cJSON *group = entity_body(world, key);

    json_set_at(group, RULES, cJSON_CreateArray());
    save_group(world, key, group);
    cJSON_Delete(group);
}

/* ---- Azure's own rules ---- */

/* Documented in "Network security groups", default security rules. */
static const struct {
    const char *name, *direction, *access, *source, *destination, *description;
    int priority;
} defaults[] = {
    {"AllowVnetInBound", "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork",
     "Allow inbound traffic from all VMs in VNET", 65000},
    {"AllowAzureLoadBalancerInBound", "Inbound", "Allow", "AzureLoadBalancer", "*",
     "Allow inbound traffic from azure load balancer", 65001},
    {"DenyAllInBound", "Inbound", "Deny", "*", "*", "Deny all inbound traffic", 65500},
    {"AllowVnetOutBound", "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork",
     "Allow outbound traffic from all VMs to all VMs in VNET", 65000},
    {"AllowInternetOutBound", "Outbound", "Allow", "*", "Internet",
     "Allow outbound traffic from all VMs to Internet", 65001},
    {"DenyAllOutBound", "Outbound", "Deny", "*", "*", "Deny all outbound traffic",
     65500}};

enum { DEFAULT_COUNT = sizeof defaults / sizeof defaults[0] };

static cJSON *describe_default(const struct entity *group, size_t i)
{
    static const char *const lists[] = {"sourceAddressPrefixes",
                                        "destinationAddressPrefixes", "sourcePortRanges",
                                        "destinationPortRanges"};
    cJSON *body = cJSON_CreateObject(), *properties;
    char *id = kind_format_id(&default_security_rule_kind, group->id, defaults[i].name);
    char *etag = entity_format_etag(&default_security_rule_kind, group->version);

    cJSON_AddStringToObject(body, "name", defaults[i].name);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "etag", etag);
    cJSON_AddStringToObject(body, "type", default_security_rule_kind.arm_type);
    properties = cJSON_AddObjectToObject(body, "properties");
    cJSON_AddStringToObject(properties, "provisioningState", "Succeeded");
    cJSON_AddStringToObject(properties, "description", defaults[i].description);
    cJSON_AddStringToObject(properties, "protocol", "*");
    cJSON_AddStringToObject(properties, "sourcePortRange", "*");
    cJSON_AddStringToObject(properties, "destinationPortRange", "*");
    cJSON_AddStringToObject(properties, "sourceAddressPrefix", defaults[i].source);
    cJSON_AddStringToObject(properties, "destinationAddressPrefix",
                            defaults[i].destination);
    cJSON_AddStringToObject(properties, "access", defaults[i].access);
    cJSON_AddNumberToObject(properties, "priority", defaults[i].priority);
    cJSON_AddStringToObject(properties, "direction", defaults[i].direction);
    for (size_t n = 0; n < sizeof lists / sizeof lists[0]; n++)
        cJSON_AddArrayToObject(properties, lists[n]);
    free(id);
    free(etag);
    return body;
}

static void get_default(struct world *world, const struct call *call,
                        const struct target *target, struct answer *answer)
{
    struct entity *group = entity_find(world, target->parent);
    size_t i = 0;

    (void)call;
    while (i < DEFAULT_COUNT && !text_equal_nocase(defaults[i].name, target->name))
        i++;
    if (group == NULL || i == DEFAULT_COUNT) {
        target_answer_missing(target, world, answer);
    } else {
        cJSON *body = describe_default(group, i);

        answer_set_json(answer, 200, body);
        cJSON_Delete(body);
    }
    entity_free(group);
}

static void list_defaults(struct world *world, const struct call *call,
                          const struct target *target, struct answer *answer)
{
    const char *after = call_parameter(call, "$skiptoken");
    struct entity *group = entity_find(world, target->parent);
    struct buffer next = {0};
    struct page page;
    size_t i = after != NULL ? strtoul(after, NULL, 10) : 0;

    if (group != NULL && page_open(&page, call, answer)) {
        for (; i < DEFAULT_COUNT && page.count < page.limit; i++) {
            cJSON *body = describe_default(group, i);
            char *text = json_print(body);

            page_add(&page, text);
            free(text);
            cJSON_Delete(body);
        }
        if (i < DEFAULT_COUNT)
            buffer_printf(&next, "$skiptoken=%zu", i);
        page_close(&page, call, answer, -1, next.data);
    }
    buffer_deinit(&next);
    entity_free(group);
}

const struct rules default_security_rule_rules = {
    .kind = &default_security_rule_kind, .get = get_default, .list = list_defaults};

/* ---- what a group shows ---- */

/* The ids of the subnets that use a group. */
static cJSON *list_subnets(struct world *world, const char *key)
{
    cJSON *subnets = cJSON_CreateArray();
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT entity.id FROM link JOIN entity ON entity.key = link.source"
        " WHERE link.target = ? AND link.type ="
        " 'Microsoft.Network/virtualNetworks/subnets' ORDER BY link.source",
        "t", key);

    while (database_step(world->database, row)) {
        cJSON *subnet = cJSON_CreateObject();

        cJSON_AddStringToObject(subnet, "id", database_column(row, 0));
        cJSON_AddItemToArray(subnets, subnet);
    }
    return subnets;
}

void security_present_group(struct world *world, const struct entity *entity,
                            struct buffer *to)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    cJSON *rules = cJSON_CreateArray(), *subnets = list_subnets(world, entity->key);
    char *text;

    for (size_t i = 0; i < DEFAULT_COUNT; i++)
        cJSON_AddItemToArray(rules, describe_default(entity, i));
    json_set_at(body, "properties.defaultSecurityRules", rules);
    if (subnets->child != NULL)
        json_set_at(body, "properties.subnets", subnets);
    else
        cJSON_Delete(subnets);
    text = json_print(body);
    buffer_append_string(to, text);
    free(text);
    cJSON_Delete(body);
}
