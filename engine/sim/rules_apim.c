/* engine/sim/rules_apim.c - what API Management knows about services, workspaces,
 * gateways and their connections beyond the rows. */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/apim.h"
#include "sim/block.h"
#include "sim/database.h"
#include "sim/deleted_service.h"
#include "sim/entity.h"
#include "sim/provider.h"
#include "sim/region.h"
#include "sim/rules_network.h"
#include "sim/shape.h"
#include "sim/sku.h"
#include "sim/world.h"

/* Tiers that have workspaces, as of early 2026. */
static const char *const workspace_tiers[] = {"Premium", "PremiumV2", "StandardV2",
                                              "BasicV2"};
/* Gateways made until then serve one workspace only. */
#define SHARED_SINCE "2025-04-15T23:59:59Z"

enum { SUBNET_LONGEST_PREFIX = 27, SUBNET_SHORTEST_PREFIX = 24 };

static void set_created(const struct change *change)
{
    char *now = world_format_now(change->world);

    apim_default(change->body, "properties.createdAtUtc", cJSON_CreateString(now));
    free(now);
}

/* Whether the tier may have so many units. */
static bool check_units(const struct change *change)
{
    const char *tier = json_string_at(change->body, "sku.name");
    const struct sku *sku = tier != NULL ? sku_find(change->kind, tier) : NULL;
    const double units = json_number_at(change->body, "sku.capacity", 1);

    if (sku == NULL || (units >= sku->least && units <= sku->most))
        return true;
    answer_add_detail(change->answer, "sku.capacity",
                      "%s can have %d to %d units, not %.0f.", sku->name, sku->least,
                      sku->most, units);
    return answer_refuse_details(change->answer);
}

bool rules_refuse_locked(struct answer *answer, const char *id)
{
    static const char space[] = "/providers/Microsoft.ApiManagement/";
    const char *type = strstr(id, "/providers/");
    const char *name = type != NULL && text_has_prefix_nocase(type, space)
                           ? strchr(type + strlen(space), '/')
                           : NULL;

    name = name != NULL ? name + 1 : id;
    return answer_refuse(answer, REFUSE_SERVICE_LOCKED,
                         "The API Service %.*s is transitioning at this time. Please try "
                         "the request again later.",
                         (int)strcspn(name, "/"), name);
}

/* ---- service ---- */

static void complete_service(struct change *change)
{
    char *url = memory_format("https://%s.azure-api.net", change->name);

    set_created(change);
    apim_default(change->body, "properties.gatewayUrl", cJSON_CreateString(url));
    apim_default(change->body, "properties.virtualNetworkType",
                 cJSON_CreateString("None"));
    apim_default(change->body, "properties.targetProvisioningState",
                 cJSON_CreateString(""));
    free(url);
}

/* Whether the address of its own is one, there or not. */
static bool check_address(const struct change *change)
{
    static const struct kind address_kind = {.arm_type =
                                                 "Microsoft.Network/publicIPAddresses"};
    const char *id = json_string_at(change->body, "properties.publicIpAddressId");

    if (id == NULL || kind_has_id(&address_kind, id))
        return true;
    answer_add_detail(change->answer, "publicIpAddressId",
                      "'%s' is not the id of a public IP address.", id);
    return answer_refuse_details(change->answer);
}

/* The names of services are host names: no two are the same. */
static bool check_service(struct change *change)
{
    char *ending = memory_format("%%/service/%s", change->name);
    char *other = database_text(change->world->database,
                                "SELECT id FROM entity WHERE type ="
                                " 'Microsoft.ApiManagement/service' AND key LIKE ?"
                                " AND key <> ? LIMIT 1",
                                "tt", ending, change->key);

    free(ending);
    if (other == NULL)
        return check_units(change) && check_address(change) &&
               deleted_service_check(change);
    answer_refuse(change->answer, REFUSE_SERVICE_EXISTS,
                  "Api service already exists: %s. The name is taken by '%s'.",
                  change->name, other);
    free(other);
    return false;
}

static bool check_service_delete(struct world *world, const struct call *call,
                                 struct answer *answer, const struct entity *entity)
{
    (void)call;
    char *first = memory_format("%s/workspaces/", entity->key);
    char *end = memory_format("%s/workspaces0", entity->key);
    char *workspace =
        database_text(world->database,
                      "SELECT target FROM link WHERE target >= ? AND target < ?"
                      " AND type = 'Microsoft.ApiManagement/gateways/"
                      "configConnections' LIMIT 1",
                      "tt", first, end);

    free(first);
    free(end);
    if (workspace == NULL)
        return true;
    answer_refuse(answer, REFUSE_WORKSPACE_IN_USE,
                  "Workspace '%s' of the service is still connected to a gateway.",
                  workspace);
    free(workspace);
    return false;
}

const struct rules service_rules = {.kind = &service_kind,
                                    .new_state = "Created",
                                    .active_state = "Activating",
                                    .update_state = "Updating",
                                    .delete_state = "Deleting",
                                    .new_target = "Activating",
                                    .update_target = "Updating",
                                    .delete_target = "Deleting",
                                    .has_etag_in_body = true,
                                    .retry_after_s = 60,
                                    .take = deleted_service_take,
                                    .check = check_service,
                                    .saved = deleted_service_restore,
                                    .removing = deleted_service_keep,
                                    .complete = complete_service,
                                    .check_delete = check_service_delete};

/* ---- workspace ---- */

static bool check_tier(const struct change *change, const cJSON *service)
{
    const char *tier = json_string_at(service, "sku.name");

    for (size_t i = 0; i < sizeof workspace_tiers / sizeof workspace_tiers[0]; i++) {
        if (tier != NULL && text_equal_nocase(tier, workspace_tiers[i]))
            return true;
    }
    return answer_refuse(change->answer, REFUSE_WORKSPACE_TIER,
                         "Workspaces are not supported in tier '%s' of the service.",
                         tier != NULL ? tier : "");
}

static bool check_workspace(struct change *change)
{
    struct world *world = change->world;
    cJSON *service = entity_body(world, change->parent);
    const char *state = json_string_at(service, "properties.provisioningState");
    bool is_good = false;

    if (state != NULL && strcmp(state, "Succeeded") != 0 &&
        strcmp(state, "Updating") != 0)
        rules_refuse_locked(change->answer, change->id);
    else if (change->old != NULL)
        is_good = true;
    else if (entity_count(world, &workspace_kind, change->parent) >=
             world->workspaces_per_service)
        answer_refuse(change->answer, REFUSE_WORKSPACE_LIMIT,
                      "The service has %d workspaces, which is as many as it may have.",
                      (int)world->workspaces_per_service);
    else
        is_good = check_tier(change, service);
    cJSON_Delete(service);
    return is_good;
}

static bool check_workspace_delete(struct world *world, const struct call *call,
                                   struct answer *answer, const struct entity *entity)
{
    (void)call;
    char *connection =
        entity_find_link(world, entity->key, &config_connection_kind, NULL);

    if (connection == NULL)
        return true;
    answer_refuse(
        answer, REFUSE_WORKSPACE_IN_USE,
        "The workspace is connected to a gateway by '%s'. Delete the connection first.",
        connection);
    free(connection);
    return false;
}

const struct rules workspace_rules = {.kind = &workspace_kind,
                                      .check = check_workspace,
                                      .check_delete = check_workspace_delete};

/* ---- gateway ---- */

/* The body must have them, empty or not; they are made up further on. */
static void note_properties(struct change *change)
{
    if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(change->body, "properties")))
        change->aside = cJSON_CreateTrue();
}

static void complete_gateway(struct change *change)
{
    const double units = json_number_at(change->old_body, "sku.capacity", 1);

    set_created(change);
    apim_default(change->body, "sku.capacity", cJSON_CreateNumber(units));
    apim_default(change->body, "properties.virtualNetworkType",
                 cJSON_CreateString("None"));
    apim_default(change->body, "properties.targetProvisioningState",
                 cJSON_CreateString(""));
}

static bool check_region(const struct change *change, const char *location)
{
    struct world *world = change->world;
    const struct region *known = region_find(location);
    bool has_service = false;

    if (known == NULL || !known->has_workspace_gateways)
        return answer_refuse(change->answer, REFUSE_GATEWAY_REGION,
                             "Workspace gateways are not available in '%s'.", location);

    sqlite3_stmt *row = database_query(world->database,
                                       "SELECT body FROM entity WHERE type ="
                                       " 'Microsoft.ApiManagement/service'",
                                       "");

    while (database_step(world->database, row)) {
        const char *text = database_column(row, 0);
        cJSON *service = json_parse(text, strlen(text), NULL);
        const char *region = json_string_at(service, "location");

        has_service =
            has_service || (region != NULL && shape_is_same_location(region, location));
        cJSON_Delete(service);
    }
    if (has_service)
        return true;
    return answer_refuse(
        change->answer, REFUSE_GATEWAY_REGION,
        "The subscription has no API Management service in '%s': a gateway must "
        "be in the primary region of its service.",
        location);
}

static bool has_delegation(const cJSON *subnet, const char *service)
{
    const cJSON *delegation;

    cJSON_ArrayForEach (delegation, json_at(subnet, "properties.delegations")) {
        const char *name = json_string_at(delegation, "properties.serviceName");

        if (name != NULL && text_equal_nocase(name, service))
            return true;
    }
    return false;
}

static bool check_subnet_body(const struct change *change, const char *id,
                              const cJSON *subnet, bool is_injected)
{
    const char *service =
        is_injected ? "Microsoft.Web/hostingEnvironments" : "Microsoft.Web/serverFarms";
    const char *prefix = network_find_prefix(subnet);
    struct block block = {0};

    if (!has_delegation(subnet, service) ||
        cJSON_GetArraySize(json_at(subnet, "properties.delegations")) > 1)
        return answer_refuse(change->answer, REFUSE_SUBNET_DELEGATION,
                             "Subnet '%s' is not delegated to %s, or not to it alone.",
                             id, service);
    if (prefix == NULL || block_parse(prefix, &block) != BLOCK_OK ||
        block.prefix_length > SUBNET_LONGEST_PREFIX ||
        block.prefix_length < SUBNET_SHORTEST_PREFIX)
        return answer_refuse(
            change->answer, REFUSE_SUBNET_SIZE,
            "Subnet '%s' is %s; a gateway's subnet must be from /%d to /%d.", id,
            prefix != NULL ? prefix : "without addresses", SUBNET_LONGEST_PREFIX,
            SUBNET_SHORTEST_PREFIX);
    if (json_string_at(subnet, "properties.networkSecurityGroup.id") == NULL)
        return answer_refuse(change->answer, REFUSE_SUBNET_SECURITY_GROUP,
                             "Subnet '%s' has no network security group.", id);
    return true;
}

/* Whether the network of the subnet with this key is where the gateway is. */
static bool check_subnet_region(const struct change *change, const char *id,
                                const char *key)
{
    char *network_key = memory_copy_text(key, (size_t)(strstr(key, "/subnets/") - key));
    cJSON *network = entity_body(change->world, network_key);
    const char *location = json_string_at(network, "location");
    const bool is_same =
        location != NULL &&
        shape_is_same_location(location, json_string_at(change->body, "location"));

    if (!is_same)
        answer_refuse(change->answer, REFUSE_SUBNET_REGION,
                      "Subnet '%s' is in '%s', not in the gateway's region.", id,
                      location != NULL ? location : "");
    cJSON_Delete(network);
    free(network_key);
    return is_same;
}

static bool check_subnet_is_free(const struct change *change, const char *id,
                                 const char *key)
{
    char *other = entity_find_link(change->world, key, &gateway_kind, change->key);

    if (other == NULL)
        return true;
    answer_refuse(change->answer, REFUSE_SUBNET_TAKEN,
                  "Subnet '%s' is used by gateway '%s'.", id, other);
    free(other);
    return false;
}

static bool check_subnet(const struct change *change, const char *id, bool is_injected)
{
    char *key = entity_make_key(id);
    cJSON *subnet = NULL;
    bool is_good = false;

    if (!text_has_prefix_nocase(id, change->world->subscription_id))
        answer_refuse(change->answer, REFUSE_SUBNET_SUBSCRIPTION,
                      "Subnet '%s' is not in the gateway's subscription.", id);
    else if (strstr(key, "/subnets/") == NULL ||
             (subnet = entity_body(change->world, key)) == NULL)
        answer_refuse(change->answer, REFUSE_SUBNET_MISSING, "Subnet '%s' was not found.",
                      id);
    else
        is_good = check_subnet_region(change, id, key) &&
                  check_subnet_body(change, id, subnet, is_injected) &&
                  check_subnet_is_free(change, id, key);
    cJSON_Delete(subnet);
    free(key);
    return is_good;
}

static bool check_gateway(struct change *change)
{
    const char *mode = json_string_at(change->body, "properties.virtualNetworkType");
    const char *subnet = json_string_at(change->body, "properties.backend.subnet.id");

    if (change->aside != NULL) {
        answer_add_detail(change->answer, "properties", "properties is required.");
        return answer_refuse_details(change->answer);
    }
    if (!check_units(change))
        return false;
    if (change->old != NULL)
        return true; /* neither region nor network can have changed */
    if (!check_region(change, json_string_at(change->body, "location")))
        return false;
    if (text_equal_nocase(mode, "None"))
        return subnet == NULL ||
               answer_refuse(change->answer, REFUSE_SUBNET_FORBIDDEN,
                             "A gateway with virtualNetworkType None has no subnet.");
    if (subnet == NULL)
        return answer_refuse(change->answer, REFUSE_SUBNET_MISSING,
                             "virtualNetworkType %s needs properties.backend.subnet.id.",
                             mode);
    if (!provider_is_registered(change->world, "Microsoft.Web"))
        return answer_refuse(
            change->answer, REFUSE_NOT_REGISTERED,
            "The subscription is not registered to use namespace "
            "'Microsoft.Web'. See https://aka.ms/rps-not-found for how to "
            "register subscriptions.");
    return check_subnet(change, subnet, text_equal_nocase(mode, "Internal"));
}

static const char *find_gateway_verb(const struct change *change)
{
    const cJSON *before = json_at(change->old_body, "sku");

    return cJSON_Compare(before, json_at(change->body, "sku"), true) ? "update" : "scale";
}

/* Twelve letters and digits that are always the same for this resource. */
static void append_hash(struct buffer *to, const cJSON *body)
{
    char *key = entity_make_key(json_string_at(body, "id")), uuid[UUID_TEXT_SIZE];

    uuid_from_name(key, uuid);
    buffer_append_string(to, uuid + UUID_TEXT_SIZE - 13);
    free(key);
}

static void finish_gateway(struct world *world, cJSON *body)
{
    char *region = region_format_name(json_string_at(body, "location"));
    struct buffer host = {0};

    (void)world;
    buffer_printf(&host, "%s-", json_string_at(body, "name"));
    append_hash(&host, body);
    buffer_printf(&host, ".gateway.%s-01.azure-api.net", region);
    apim_default(body, "properties.frontend.defaultHostname",
                 cJSON_CreateString(host.data));
    buffer_clear(&host);
    buffer_printf(&host, "%s-", json_string_at(body, "name"));
    append_hash(&host, body);
    buffer_printf(&host, ".configuration.gateway.%s-01.azure-api.net", region);
    apim_default(body, "properties.configurationApi.hostname",
                 cJSON_CreateString(host.data));
    buffer_deinit(&host);
    free(region);
}

static bool check_gateway_delete(struct world *world, const struct call *call,
                                 struct answer *answer, const struct entity *entity)
{
    (void)call;
    const int64_t count = entity_count(world, &config_connection_kind, entity->key);

    return count == 0 ||
           answer_refuse(answer, REFUSE_GATEWAY_IN_USE,
                         "The gateway still serves %d workspace%s. Delete its "
                         "configConnections first.",
                         (int)count, count == 1 ? "" : "s");
}

const struct rules gateway_rules = {.kind = &gateway_kind,
                                    .new_state = "Created",
                                    .active_state = "Activating",
                                    .update_state = "Updating",
                                    .delete_state = "Terminating",
                                    .new_target = "Activating",
                                    .update_target = "Updating",
                                    .delete_target = "Deleting",
                                    .has_etag_in_body = true,
                                    .retry_after_s = 60,
                                    .take = note_properties,
                                    .complete = complete_gateway,
                                    .check = check_gateway,
                                    .update_verb = find_gateway_verb,
                                    .finish = finish_gateway,
                                    .check_delete = check_gateway_delete};

/* ---- config connection ---- */

static bool check_gateway_is_ready(struct change *change)
{
    cJSON *gateway = entity_body(change->world, change->parent);
    const char *state = json_string_at(gateway, "properties.provisioningState");
    bool is_ready = true;

    /* "Updating" is left to the lock that the update holds. */
    if (state == NULL ||
        (strcmp(state, "Succeeded") != 0 && strcmp(state, "Updating") != 0))
        is_ready =
            answer_refuse(change->answer, REFUSE_GATEWAY_NOT_READY,
                          "The gateway is not ready: its provisioning state is %s.",
                          state != NULL ? state : "unknown");
    cJSON_Delete(gateway);
    return is_ready;
}

static bool check_same_region(const struct change *change, const cJSON *gateway,
                              const char *service_key)
{
    cJSON *service = entity_body(change->world, service_key);
    const char *region = json_string_at(service, "location");
    const char *own = json_string_at(gateway, "location");
    const bool is_same =
        region != NULL && own != NULL && shape_is_same_location(region, own);

    if (!is_same)
        answer_refuse(change->answer, REFUSE_GATEWAY_REGION,
                      "The gateway is in '%s', the service of the workspace in '%s'.",
                      own != NULL ? own : "", region != NULL ? region : "");
    cJSON_Delete(service);
    return is_same;
}

/* What the other connections of the gateway mean for one more. */
static bool check_others(const struct change *change, const cJSON *gateway,
                         const char *workspace, const char *service)
{
    struct world *world = change->world;
    const int64_t count = entity_count(world, &config_connection_kind, change->parent);
    const char *created = json_string_at(gateway, "properties.createdAtUtc");
    char *first = memory_format("%s/", change->parent),
         *end = memory_format("%s0", change->parent);
    char *other = database_text(world->database,
                                "SELECT target FROM link WHERE source >= ? AND source < ?"
                                " ORDER BY target = ? DESC LIMIT 1",
                                "ttt", first, end, workspace);
    bool is_good = false;

    free(first);
    free(end);
    if (other != NULL && strcmp(other, workspace) == 0)
        answer_refuse(change->answer, REFUSE_CONNECTION_EXISTS,
                      "Workspace '%s' is already connected to this gateway.", workspace);
    else if (other != NULL && (strncmp(other, service, strlen(service)) != 0 ||
                               other[strlen(service)] != '/'))
        answer_refuse(change->answer, REFUSE_CONNECTION_SERVICE,
                      "The gateway serves workspaces of another service: '%s'.", other);
    else if (count >= world->workspaces_per_gateway)
        answer_refuse(change->answer, REFUSE_GATEWAY_FULL,
                      "The gateway serves %d workspaces, which is as many as it may.",
                      (int)count);
    else if (count > 0 && created != NULL && strcmp(created, SHARED_SINCE) <= 0)
        answer_refuse(change->answer, REFUSE_GATEWAY_SINGLE,
                      "A gateway made before 2025-04-16 serves one workspace only.");
    else
        is_good = true;
    free(other);
    return is_good;
}

static bool check_connection(struct change *change)
{
    const char *source = json_string_at(change->body, "properties.sourceId");
    char *key = entity_make_key(source);
    struct entity *workspace = entity_find(change->world, key);
    cJSON *gateway = entity_body(change->world, change->parent);
    bool is_good = false;

    if (change->old != NULL)
        is_good = true;
    else if (workspace == NULL || workspace->kind != &workspace_kind)
        answer_refuse(change->answer, REFUSE_CONNECTION_SOURCE,
                      "Workspace '%s' was not found.", source);
    else
        is_good = check_same_region(change, gateway, workspace->parent) &&
                  check_others(change, gateway, key, workspace->parent);
    cJSON_Delete(gateway);
    entity_free(workspace);
    free(key);
    return is_good;
}

static void finish_connection(struct world *world, cJSON *body)
{
    char *gateway_key = entity_make_key(json_string_at(body, "id"));

    *strstr(gateway_key, "/configconnections/") = '\0';

    cJSON *gateway = entity_body(world, gateway_key);
    const char *location = json_string_at(gateway, "location");
    char *region = region_format_name(location != NULL ? location : world->location);
    struct buffer host = {0};

    buffer_printf(&host, "%s-", json_string_at(body, "name"));
    append_hash(&host, body);
    buffer_printf(&host, ".%s.gateway.%s-01.azure-api.net", strrchr(gateway_key, '/') + 1,
                  region);
    apim_default(body, "properties.defaultHostname", cJSON_CreateString(host.data));
    buffer_deinit(&host);
    free(region);
    free(gateway_key);
    cJSON_Delete(gateway);
}

const struct rules config_connection_rules = {.kind = &config_connection_kind,
                                              .new_state = "Creating",
                                              .update_state = "Updating",
                                              .delete_state = "Deleting",
                                              .has_etag_in_body = true,
                                              .retry_after_s = 30,
                                              .check_parent = check_gateway_is_ready,
                                              .check = check_connection,
                                              .finish = finish_connection};
