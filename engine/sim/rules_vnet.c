/* engine/sim/rules_vnet.c - what Microsoft.Network knows about virtual networks beyond
 * the row.
 *
 * A PUT of a network says what its subnets are: those it leaves out are removed. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/ledger.h"
#include "sim/rules_network.h"
#include "sim/shape.h"
#include "sim/world.h"

/* Puts the subnets aside, as they are given: an array, empty when none are. */
static void take_subnets(struct change *change)
{
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(change->body, "properties");
    cJSON *subnets = cJSON_DetachItemFromObjectCaseSensitive(properties, "subnets");

    if (!cJSON_IsArray(subnets)) {
        cJSON_Delete(subnets);
        subnets = cJSON_CreateArray();
    }
    change->aside = subnets;
}

/* A subnet of the network as a change of its own; close it with end_subnet(). */
static bool start_subnet(struct change *subnet, const struct change *network,
                         const cJSON *given)
{
    const char *name = json_string_at(given, "name");
    char *wrong = name != NULL ? kind_check_name(&subnet_kind, name)
                               : memory_copy_string("a subnet needs a name");

    *subnet = (struct change){0};
    if (wrong != NULL) {
        answer_refuse(network->answer, REFUSE_RESOURCE_NAME, "%s", wrong);
        free(wrong);
        return false;
    }

    char *id = kind_format_id(&subnet_kind, network->id, name),
         *key = entity_make_key(id);
    struct entity *old = entity_find(network->world, key);
    cJSON *copy = cJSON_Duplicate(given, true);

    *subnet = (struct change){.world = network->world,
                              .answer = network->answer,
                              .kind = &subnet_kind,
                              .key = key,
                              .id = id,
                              .parent = network->key,
                              .name = strrchr(id, '/') + 1,
                              .caller = network->caller,
                              .old = old};
    subnet->old_body =
        old != NULL ? json_parse(old->body, strlen(old->body), NULL) : NULL;
    subnet->body = shape_body(&subnet_kind, id, subnet->name, copy);
    cJSON_Delete(copy);
    if (old != NULL)
        shape_keep(&subnet_kind, subnet->old_body, subnet->body);
    network_complete_subnet(subnet);
    return true;
}

static void end_subnet(struct change *subnet)
{
    free((char *)(uintptr_t)subnet->key);
    free((char *)(uintptr_t)subnet->id);
    entity_free((struct entity *)(uintptr_t)subnet->old);
    cJSON_Delete((cJSON *)(uintptr_t)subnet->old_body);
    cJSON_Delete(subnet->body);
}

/* Forgets the subnets that were given when they are those there are: nothing changes
 * then. */
static void compare_subnets(struct change *change)
{
    const cJSON *given;
    bool is_same = change->old != NULL && change->aside != NULL &&
                   entity_count(change->world, &subnet_kind, change->key) ==
                       cJSON_GetArraySize(change->aside);

    cJSON_ArrayForEach (given, change->aside) {
        struct change subnet;
        const char *name = json_string_at(given, "name");

        if (!is_same || name == NULL) {
            is_same = false;
            break;
        }
        is_same = start_subnet(&subnet, change, given) && subnet.old != NULL &&
                  shape_is_equal(subnet.old_body, subnet.body);
        end_subnet(&subnet);
    }
    if (is_same) {
        cJSON_Delete(change->aside);
        change->aside = NULL;
    }
}

static void complete_network(struct change *change)
{
    network_set_guid(change);
    compare_subnets(change);
}

static bool check_space(const struct change *change)
{
    const cJSON *prefix;
    struct block block;

    cJSON_ArrayForEach (
        prefix, json_at(change->body, "properties.addressSpace.addressPrefixes")) {
        if (strchr(prefix->valuestring, ':') == NULL && /* IPv6 is passed over */
            !network_parse_prefix(change->answer, change->id, prefix->valuestring,
                                  &block))
            return false;
    }
    return true;
}

struct place {
    struct block block;
    const char *name;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *one = a, *other = b;

    return one->block.first < other->block.first ? -1
                                                 : one->block.first > other->block.first;
}

static bool check_overlaps(const struct change *change, struct place *places,
                           size_t count)
{
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 1; i < count; i++) {
        if (places[i].block.first <= places[i - 1].block.last)
            return answer_refuse(
                change->answer, REFUSE_PREFIX_OVERLAP,
                "Subnet '%s' is not valid because its IP address range overlaps "
                "with that of subnet '%s' in the virtual network.",
                places[i].name, places[i - 1].name);
    }
    return true;
}

/* One of the given subnets. */
static bool check_one(const struct change *change, const cJSON *given, struct map *names,
                      struct block *block)
{
    struct change subnet;
    bool is_good = start_subnet(&subnet, change, given);

    if (is_good && map_set(names, subnet.key, change->aside) != NULL)
        is_good = answer_refuse(change->answer, REFUSE_REQUEST_CONTENT,
                                "Two subnets have the name '%s'.", subnet.name);
    is_good = is_good && shape_check(&subnet_kind, subnet.body, change->answer) &&
              network_check_block(&subnet, change->body, block) &&
              network_check_use(&subnet) &&
              network_check_references(&subnet, change->body);
    end_subnet(&subnet);
    return is_good;
}

static bool check_given(struct change *change)
{
    const size_t count = (size_t)cJSON_GetArraySize(change->aside);
    struct place *places = memory_new((count + 1) * sizeof *places);
    struct map names = {0};
    const cJSON *given;
    size_t used = 0;
    bool is_good = true;

    cJSON_ArrayForEach (given, change->aside) {
        is_good = check_one(change, given, &names, &places[used].block);
        if (!is_good)
            break;
        places[used++].name = json_string_at(given, "name");
    }
    is_good = is_good && check_overlaps(change, places, used);
    map_deinit(&names, NULL);
    free(places);
    return is_good;
}

/* The names of the subnets that are given, in lower case. */
static void collect_names(const struct change *change, struct map *names)
{
    const cJSON *given;

    cJSON_ArrayForEach (given, change->aside) {
        char *name = text_lower(memory_copy_string(json_string_at(given, "name")));

        map_set(names, name, change->aside);
        free(name);
    }
}

/* The keys of the subnets that are to go, each followed by a newline. Owned by the
 * caller. */
static char *list_dropped(const struct change *change)
{
    struct buffer keys = {0};
    struct map names = {0};
    sqlite3_stmt *row =
        database_query(change->world->database,
                       "SELECT key FROM entity WHERE parent = ? AND type ="
                       " 'Microsoft.Network/virtualNetworks/subnets'",
                       "t", change->key);

    collect_names(change, &names);
    while (database_step(change->world->database, row)) {
        const char *key = database_column(row, 0);

        if (map_find(&names, strrchr(key, '/') + 1) == NULL)
            buffer_printf(&keys, "%s\n", key);
    }
    map_deinit(&names, NULL);
    return buffer_take(&keys);
}

/* Cuts the first key off a list. NULL at its end. */
static const char *take_key(char **keys)
{
    char *key = *keys;

    if (*key == '\0')
        return NULL;
    *keys += strcspn(key, "\n") + 1;
    (*keys)[-1] = '\0';
    return key;
}

static bool check_dropped(const struct change *change)
{
    char *keys = list_dropped(change), *rest = keys, *gateway = NULL;
    const char *key;

    while (gateway == NULL && (key = take_key(&rest)) != NULL) {
        gateway = entity_find_link(change->world, key, &gateway_kind, NULL);
        if (gateway != NULL)
            answer_refuse(
                change->answer, REFUSE_SUBNET_DELETE,
                "Subnet %s is in use by %s and cannot be deleted. In order to delete "
                "the subnet, delete all the resources within the subnet.",
                strrchr(key, '/') + 1, gateway);
    }

    const bool is_good = gateway == NULL;

    free(gateway);
    free(keys);
    return is_good;
}

static bool check_network(struct change *change)
{
    if (!check_space(change) || !network_check_types(change))
        return false;
    return change->aside == NULL || (check_given(change) && check_dropped(change));
}

static void save_subnet(struct change *subnet)
{
    if (subnet->old != NULL && shape_is_equal(subnet->old_body, subnet->body))
        return;
    json_set_at(subnet->body, "properties.provisioningState",
                cJSON_CreateString("Succeeded"));
    entity_save(subnet->world, &subnet_kind, subnet->parent, subnet->body);
    network_save_block(subnet);
    if (subnet->old != NULL)
        ledger_changed(subnet->world, subnet->id);
    else
        ledger_created(subnet->world, subnet->id);
}

static void save_subnets(struct change *change)
{
    const cJSON *given;
    const char *key;

    if (change->aside == NULL)
        return;

    char *keys = list_dropped(change), *rest = keys;

    while ((key = take_key(&rest)) != NULL)
        entity_remove(change->world, key);
    free(keys);
    cJSON_ArrayForEach (given, change->aside) {
        struct change subnet;

        if (start_subnet(&subnet, change, given))
            save_subnet(&subnet);
        end_subnet(&subnet);
    }
}

static bool check_network_delete(struct world *world, const struct call *call,
                                 struct answer *answer, const struct entity *entity)
{
    (void)call;
    char *first = memory_format("%s/subnets/", entity->key);
    char *end = memory_format("%s/subnets0", entity->key);
    char *subnet =
        database_text(world->database,
                      "SELECT target FROM link WHERE target >= ? AND target < ?"
                      " AND type = 'Microsoft.ApiManagement/gateways' LIMIT 1",
                      "tt", first, end);

    free(first);
    free(end);
    if (subnet == NULL)
        return true;
    answer_refuse(
        answer, REFUSE_SUBNET_DELETE,
        "Subnet %s is in use and cannot be deleted. In order to delete the subnet, "
        "delete all the resources within the subnet.",
        strrchr(subnet, '/') + 1);
    free(subnet);
    return false;
}

/* The stored body and, inside, the subnets as they are now. */
static void present_network(struct world *world, const struct entity *entity,
                            struct buffer *to)
{
    struct buffer subnets = {0};
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT body FROM entity WHERE parent = ? AND type ="
                       " 'Microsoft.Network/virtualNetworks/subnets'"
                       " ORDER BY key",
                       "t", entity->key);

    buffer_append_char(&subnets, '[');
    while (database_step(world->database, row)) {
        if (subnets.length > 1)
            buffer_append_char(&subnets, ',');
        buffer_append_string(&subnets, database_column(row, 0));
    }
    buffer_append_char(&subnets, ']');
    json_set_at(body, "properties.subnets", cJSON_CreateRaw(subnets.data));

    char *text = json_print(body);

    buffer_append_string(to, text);
    free(text);
    cJSON_Delete(body);
    buffer_deinit(&subnets);
}

const struct rules virtual_network_rules = {.kind = &virtual_network_kind,
                                            .new_state = "Updating",
                                            .update_state = "Updating",
                                            .delete_state = "Deleting",
                                            .has_etag_in_body = true,
                                            .retry_after_s = 3,
                                            .take = take_subnets,
                                            .complete = complete_network,
                                            .check = check_network,
                                            .saved = save_subnets,
                                            .check_delete = check_network_delete,
                                            .present = present_network};
