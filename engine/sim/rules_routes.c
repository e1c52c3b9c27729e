/* engine/sim/rules_routes.c - what Microsoft.Network knows about route tables, their routes
 * and NAT gateways beyond the rows. */
#include "sim/rules_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/kind.h"
#include "sim/apim.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/world.h"

/* What a GET shows beside what is kept: the subnets that name it. */
static void present_with_subnets(struct world *world, const struct entity *entity,
                                 struct buffer *to)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    cJSON *subnets = cJSON_CreateArray();
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT entity.id FROM link JOIN entity ON entity.key = link.source WHERE"
        " link.target = ? AND link.type = 'Microsoft.Network/virtualNetworks/subnets'"
        " ORDER BY link.source",
        "t", entity->key);
    char *text;

    while (database_step(world->database, row)) {
        cJSON *one = cJSON_CreateObject();

        cJSON_AddStringToObject(one, "id", database_column(row, 0));
        cJSON_AddItemToArray(subnets, one);
    }
    json_set_at(body, "properties.subnets", subnets);
    text = json_print(body);
    buffer_append_string(to, text);
    free(text);
    cJSON_Delete(body);
}

static bool check_unused(struct world *world, struct answer *answer,
                         const struct entity *entity, enum refusal refusal,
                         const char *what)
{
    char *subnet = entity_find_link(world, entity->key, &subnet_kind, NULL);
    const bool is_unused = subnet == NULL;

    if (!is_unused)
        answer_refuse(answer, refusal,
                      "%s %s is in use and cannot be deleted; subnet: %s.", what,
                      strrchr(entity->id, '/') + 1, subnet);
    free(subnet);
    return is_unused;
}

static bool check_table_delete(struct world *world, const struct call *call,
                               struct answer *answer, const struct entity *entity)
{
    (void)call;
    return check_unused(world, answer, entity, REFUSE_ROUTE_TABLE_IN_USE, "Route table");
}

static bool check_gateway_delete(struct world *world, const struct call *call,
                                 struct answer *answer, const struct entity *entity)
{
    (void)call;
    return check_unused(world, answer, entity, REFUSE_NAT_GATEWAY_IN_USE, "NAT gateway");
}

static void complete_route(struct change *change)
{
    apim_default(change->body, "properties.hasBgpOverride", cJSON_CreateFalse());
}

const struct rules route_table_rules = {.kind = &route_table_kind,
                                        .new_state = "Updating",
                                        .update_state = "Updating",
                                        .delete_state = "Deleting",
                                        .has_etag_in_body = true,
                                        .retry_after_s = 3,
                                        .complete = network_set_guid,
                                        .check_delete = check_table_delete,
                                        .present = present_with_subnets};
const struct rules route_rules = {.kind = &route_kind,
                                  .new_state = "Updating",
                                  .update_state = "Updating",
                                  .delete_state = "Deleting",
                                  .has_etag_in_body = true,
                                  .retry_after_s = 3,
                                  .complete = complete_route};
const struct rules nat_gateway_rules = {.kind = &nat_gateway_kind,
                                        .new_state = "Updating",
                                        .update_state = "Updating",
                                        .delete_state = "Deleting",
                                        .has_etag_in_body = true,
                                        .retry_after_s = 3,
                                        .complete = network_set_guid,
                                        .check_delete = check_gateway_delete,
                                        .present = present_with_subnets};
