/* engine/sim/rules_dns.c - what private DNS knows beyond the rows.
 *
 * Limits are documented (Azure DNS limits, 2026): record sets and links of a zone. */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/apim.h"
#include "sim/block.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/world.h"

enum { MOST_RECORD_SETS = 25000, MOST_LINKS = 1000, MOST_REGISTRATIONS = 100 };

/* ---- zones ---- */

static bool check_zone(struct change *change)
{
    const char *location = json_string_at(change->body, "location");

    return text_equal_nocase(location, "global") ||
           answer_refuse(change->answer, REFUSE_ZONE,
                         "The location of '%s' must be 'global', not '%s'.", change->name,
                         location);
}

static int64_t count_registrations(struct world *world, const char *zone)
{
    return database_number(world->database, 0,
                           "SELECT COUNT(*) FROM entity WHERE parent = ? AND type ="
                           " 'Microsoft.Network/privateDnsZones/virtualNetworkLinks' AND"
                           " json_extract(body, '$.properties.registrationEnabled')",
                           "t", zone);
}

static void present_zone(struct world *world, const struct entity *entity,
                         struct buffer *to)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {
        {"maxNumberOfRecordSets", MOST_RECORD_SETS},
        {"numberOfRecordSets", 1 + entity_count(world, &dns_a_record_kind, entity->key)},
        {"maxNumberOfVirtualNetworkLinks", MOST_LINKS},
        {"numberOfVirtualNetworkLinks",
         entity_count(world, &virtual_network_link_kind, entity->key)},
        {"maxNumberOfVirtualNetworkLinksWithRegistration", MOST_REGISTRATIONS},
        {"numberOfVirtualNetworkLinksWithRegistration",
         count_registrations(world, entity->key)}};
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(body, "properties");
    char *text;

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        cJSON_AddNumberToObject(properties, counts[i].name, (double)counts[i].value);
    text = json_print(body);
    buffer_append_string(to, text);
    free(text);
    cJSON_Delete(body);
}

static bool check_zone_delete(struct world *world, const struct call *call,
                              struct answer *answer, const struct entity *entity)
{
    (void)call;
    return entity_count(world, &virtual_network_link_kind, entity->key) == 0 ||
           answer_refuse(answer, REFUSE_ZONE_IN_USE,
                         "Can not delete resource before nested resources are deleted: "
                         "'%s' has virtual network links.",
                         entity->id);
}

static void complete_zone(struct change *change)
{
    apim_default(change->body, "properties.internalId", cJSON_CreateString(change->name));
}

const struct rules private_dns_zone_rules = {.kind = &private_dns_zone_kind,
                                             .new_state = "Creating",
                                             .update_state = "Updating",
                                             .delete_state = "Deleting",
                                             .has_etag_in_body = true,
                                             .retry_after_s = 3,
                                             .complete = complete_zone,
                                             .check = check_zone,
                                             .check_delete = check_zone_delete,
                                             .present = present_zone};

/* ---- links ---- */

/* One link of a zone to a network; the network is there. */
static bool check_link(struct change *change)
{
    const char *network = json_string_at(change->body, "properties.virtualNetwork.id");
    char *key = entity_make_key(network);
    char *first = memory_format("%s/", change->parent),
         *end = memory_format("%s0", change->parent);
    char *other = database_text(
        change->world->database,
        "SELECT source FROM link WHERE target = ? AND source >= ? AND source < ? AND"
        " source <> ? LIMIT 1",
        "tttt", key, first, end, change->key);
    bool is_good = false;

    if (!entity_exists(change->world, key))
        answer_refuse(change->answer, REFUSE_ZONE,
                      "The virtual network '%s' was not found.", network);
    else if (other != NULL)
        answer_refuse(change->answer, REFUSE_ZONE,
                      "The virtual network '%s' is linked to the zone by '%s'.", network,
                      strrchr(other, '/') + 1);
    else if (entity_count(change->world, &virtual_network_link_kind, change->parent) >=
             MOST_LINKS)
        answer_refuse(change->answer, REFUSE_LIMIT, "The zone has %d links, the most.",
                      MOST_LINKS);
    else
        is_good = true;
    free(other);
    free(first);
    free(end);
    free(key);
    return is_good;
}

static void complete_link(struct change *change)
{
    apim_default(change->body, "properties.registrationEnabled", cJSON_CreateFalse());
    apim_default(change->body, "properties.virtualNetworkLinkState",
                 cJSON_CreateString("Completed"));
}

const struct rules virtual_network_link_rules = {.kind = &virtual_network_link_kind,
                                                 .new_state = "Creating",
                                                 .update_state = "Updating",
                                                 .delete_state = "Deleting",
                                                 .has_etag_in_body = true,
                                                 .retry_after_s = 3,
                                                 .complete = complete_link,
                                                 .check = check_link};

/* ---- A records ---- */

static void complete_record(struct change *change)
{
    const char *zone = strrchr(change->parent, '/') + 1;
    char *name = strcmp(change->name, "@") == 0
                     ? memory_format("%s.", zone)
                     : memory_format("%s.%s.", change->name, zone);

    json_set_at(change->body, "properties.fqdn", cJSON_CreateString(name));
    json_set_at(change->body, "properties.isAutoRegistered", cJSON_CreateFalse());
    free(name);
}

static bool is_address(const char *text)
{
    struct block block;
    char *whole = memory_format("%s/32", text != NULL ? text : "");
    const bool is_good = block_parse(whole, &block) == BLOCK_OK;

    free(whole);
    return is_good;
}

static bool check_record(struct change *change)
{
    const cJSON *record;

    cJSON_ArrayForEach (record, json_at(change->body, "properties.aRecords")) {
        const char *address = json_string_at(record, "ipv4Address");

        if (!is_address(address))
            return answer_refuse(change->answer, REFUSE_ZONE, "'%s' is no IPv4 address.",
                                 address != NULL ? address : "");
    }
    return change->old != NULL ||
           entity_count(change->world, &dns_a_record_kind, change->parent) <
               MOST_RECORD_SETS ||
           answer_refuse(change->answer, REFUSE_LIMIT,
                         "The zone has %d record sets, the most.", MOST_RECORD_SETS);
}

const struct rules dns_a_record_rules = {.kind = &dns_a_record_kind,
                                         .has_etag_in_body = true,
                                         .complete = complete_record,
                                         .check = check_record};
