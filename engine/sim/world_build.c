/* engine/sim/world_build.c - filling a new world by what its file says. */
#include "sim/world_build.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/builder.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/provider.h"
#include "sim/spot.h"
#include "sim/world.h"
#include "sim/world_people.h"

/* ---- the parts of the file ---- */

typedef char *add_one(struct builder *builder, const struct spot *spot,
                      const cJSON *given);

static char *each(struct builder *builder, const struct spot *up, const char *key,
                  const cJSON *list, add_one *add)
{
    const struct spot place = {up, key, 0};
    const cJSON *given;
    int index = 0;
    char *wrong = NULL;

    cJSON_ArrayForEach (given, list) {
        const struct spot element = {&place, NULL, index++};

        if (wrong == NULL)
            wrong = add(builder, &element, given);
    }
    return wrong;
}

/* A tracked resource of a resource group, with the defaults that `complete` adds. */
static char *add_tracked(struct builder *builder, const struct spot *spot,
                         const struct kind *kind, const cJSON *given,
                         void (*complete)(const struct world *world, const cJSON *given,
                                          cJSON *body))
{
    const struct world *world = builder->world;
    char *parent =
        builder_default_parent(world, kind, json_string_at(given, "resource_group"));
    cJSON *body = cJSON_CreateObject();
    char *wrong = builder_read_fields(builder, spot, kind->fields, given, body);

    builder_set_default(body, "location", cJSON_CreateString(world->location));
    builder_set_default(body, "tags", cJSON_CreateObject());
    if (complete != NULL)
        complete(world, given, body);
    if (wrong == NULL)
        wrong = builder_plant(builder, spot, kind, parent, json_string_at(given, "name"),
                              body);
    cJSON_Delete(body);
    free(parent);
    return wrong;
}

static char *add_resource_group(struct builder *builder, const struct spot *spot,
                                const cJSON *given)
{
    return add_tracked(builder, spot, &resource_group_kind, given, NULL);
}

static void complete_service(const struct world *world, const cJSON *given, cJSON *body)
{
    char *mail = memory_format("apis@%s", world->domain);

    (void)given;
    builder_set_default(body, "sku.name", cJSON_CreateString(world->sku));
    builder_set_default(body, "sku.capacity", cJSON_CreateNumber(1));
    builder_set_default(body, "properties.publisherEmail", cJSON_CreateString(mail));
    builder_set_default(body, "properties.publisherName", cJSON_CreateString("Contoso"));
    free(mail);
}

static char *add_service(struct builder *builder, const struct spot *spot,
                         const cJSON *given)
{
    return add_tracked(builder, spot, &service_kind, given, complete_service);
}

static char *add_security_group(struct builder *builder, const struct spot *spot,
                                const cJSON *given)
{
    return add_tracked(builder, spot, &network_security_group_kind, given, NULL);
}

static void complete_network(const struct world *world, const cJSON *given, cJSON *body)
{
    (void)world, (void)given;
    builder_set_default(body, "properties.addressSpace.addressPrefixes",
                        cJSON_CreateStringArray((const char *[]){"10.0.0.0/16"}, 1));
}

static char *add_subnets(struct builder *builder, const struct spot *spot,
                         const cJSON *network)
{
    const char *group = json_string_at(network, "resource_group");
    const struct spot list = {spot, "subnets", 0};
    char *id = builder_resolve_names(builder->world, &virtual_network_kind,
                                     json_string_at(network, "name"), group);
    const cJSON *given;
    int index = 0;
    char *wrong = NULL;

    cJSON_ArrayForEach (given, json_at(network, "subnets")) {
        const struct spot place = {&list, NULL, index++};
        cJSON *body = cJSON_CreateObject();

        if (wrong == NULL)
            wrong = builder_read_fields(builder, &place, subnet_kind.fields, given, body);
        if (wrong == NULL)
            wrong = builder_plant(builder, &place, &subnet_kind, id,
                                  json_string_at(given, "name"), body);
        cJSON_Delete(body);
    }
    free(id);
    return wrong;
}

static char *add_network(struct builder *builder, const struct spot *spot,
                         const cJSON *given)
{
    char *wrong =
        add_tracked(builder, spot, &virtual_network_kind, given, complete_network);

    return wrong != NULL ? wrong : add_subnets(builder, spot, given);
}

/* "contoso-apim", "rg-other/contoso-apim" or an id. */
static char *find_service(const struct builder *builder, const cJSON *given)
{
    const char *name = json_string_at(given, "service");

    return builder_resolve(builder->world, &service_kind,
                           name != NULL ? name : builder->world->profile.service,
                           json_string_at(given, "resource_group"));
}

static char *plant_workspace(struct builder *builder, const struct spot *spot,
                             const char *service, const char *name, cJSON *body)
{
    builder_set_default(body, "properties.displayName", cJSON_CreateString(name));
    return builder_plant(builder, spot, &workspace_kind, service, name, body);
}

static char *add_workspace(struct builder *builder, const struct spot *spot,
                           const cJSON *given)
{
    char *service = find_service(builder, given);
    cJSON *body = cJSON_CreateObject();
    char *wrong = builder_read_fields(builder, spot, workspace_kind.fields, given, body);

    if (wrong == NULL && service == NULL)
        wrong = spot_complain(spot, "service: a name or an id expected");
    if (wrong == NULL)
        wrong =
            plant_workspace(builder, spot, service, json_string_at(given, "name"), body);
    cJSON_Delete(body);
    free(service);
    return wrong;
}

static char *add_many_workspaces(struct builder *builder, const struct spot *spot,
                                 const cJSON *given)
{
    const char *prefix = json_string_at(given, "prefix");
    const size_t count = (size_t)json_number_at(given, "count", 0);
    char *service = find_service(builder, given), *wrong = NULL;

    if (service == NULL)
        return spot_complain(spot, "service: a name or an id expected");
    for (size_t i = 1; i <= count && wrong == NULL; i++) {
        char *name = memory_format("%s%04zu", prefix != NULL ? prefix : "workspace-", i);
        cJSON *body = cJSON_CreateObject();

        wrong = plant_workspace(builder, spot, service, name, body);
        cJSON_Delete(body);
        free(name);
    }
    free(service);
    return wrong;
}

static void complete_gateway(const struct world *world, const cJSON *given, cJSON *body)
{
    (void)world, (void)given;
    builder_set_default(body, "sku.name", cJSON_CreateString("WorkspaceGatewayPremium"));
    builder_set_default(body, "sku.capacity", cJSON_CreateNumber(1));
}

/* What a connection is called when nobody has said: fits any name and is always the same
 * for a workspace. */
static char *name_connection(const char *workspace_id)
{
    char *key = entity_make_key(workspace_id), uuid[UUID_TEXT_SIZE];

    uuid_from_name(key, uuid);
    free(key);
    return memory_format("connection-%.8s", uuid);
}

static char *add_connection(struct builder *builder, const struct spot *spot,
                            const char *gateway, const cJSON *given)
{
    const char *workspace =
        cJSON_IsString(given) ? given->valuestring : json_string_at(given, "workspace");
    const char *said = json_string_at(given, "name");
    char *id = builder_resolve(builder->world, &workspace_kind, workspace, NULL), *name,
         *wrong;
    cJSON *body = cJSON_CreateObject();

    if (id == NULL) {
        cJSON_Delete(body);
        return spot_complain(spot, "'%.200s' is no workspace: its name or id expected",
                             workspace);
    }
    name = said != NULL ? memory_copy_string(said) : name_connection(id);
    wrong = builder_read_fields(builder, spot, config_connection_kind.fields,
                                cJSON_IsObject(given) ? given : NULL, body);
    json_set_at(body, "properties.sourceId", cJSON_CreateString(id));
    if (wrong == NULL)
        wrong =
            builder_plant(builder, spot, &config_connection_kind, gateway, name, body);
    cJSON_Delete(body);
    free(name);
    free(id);
    return wrong;
}

static char *add_gateway(struct builder *builder, const struct spot *spot,
                         const cJSON *given)
{
    const struct spot list = {spot, "connections", 0};
    char *id = builder_resolve_names(builder->world, &gateway_kind,
                                     json_string_at(given, "name"),
                                     json_string_at(given, "resource_group"));
    char *wrong = add_tracked(builder, spot, &gateway_kind, given, complete_gateway);
    const cJSON *connection;
    int index = 0;

    cJSON_ArrayForEach (connection, json_at(given, "connections")) {
        const struct spot place = {&list, NULL, index++};

        if (wrong == NULL)
            wrong = add_connection(builder, &place, id, connection);
    }
    free(id);
    return wrong;
}

/* ---- any resource by its id ---- */

static char *add_any(struct builder *builder, const struct spot *spot, const cJSON *given)
{
    const char *said = json_string_at(given, "id");
    char *id = builder_resolve(builder->world, NULL, said, NULL);
    char *parent = NULL, *wrong;
    const struct kind *kind =
        id != NULL ? builder_split(builder->world, id, &parent) : NULL;

    if (kind == NULL) {
        wrong = spot_complain(spot,
                              "id: '%.300s' is no resource of a kind that is "
                              "simulated",
                              said);
    } else {
        cJSON *body = cJSON_Duplicate(json_at(given, "body"), true);

        wrong = builder_plant(builder, spot, kind, parent, strrchr(id, '/') + 1, body);
        cJSON_Delete(body);
    }
    free(parent);
    free(id);
    return wrong;
}

/* ---- the whole ---- */

/* Whether the list has a resource of this name in the default resource group. */
static bool lists(const struct world *world, const char *key, const char *name)
{
    const cJSON *given;

    cJSON_ArrayForEach (given, json_at(world->options, key)) {
        const char *group = json_string_at(given, "resource_group");

        if (text_equal_nocase(json_string_at(given, "name"), name) &&
            (group == NULL || text_equal_nocase(group, world->profile.resource_group)))
            return true;
    }
    return false;
}

/* One that the file need not list. */
static char *add_named(struct builder *builder, const struct spot *whole, const char *key,
                       const char *name, add_one *add)
{
    const struct spot place = {whole, key, 0};
    cJSON *given = cJSON_CreateObject();
    char *wrong;

    cJSON_AddStringToObject(given, "name", name);
    wrong = add(builder, &place, given);
    cJSON_Delete(given);
    return wrong;
}

static char *build_defaults(struct builder *builder, const struct spot *whole)
{
    const struct sim_profile *profile = &builder->world->profile;
    char *wrong = NULL;

    if (!lists(builder->world, "resource_groups", profile->resource_group))
        wrong = add_named(builder, whole, "resource_group", profile->resource_group,
                          add_resource_group);
    return wrong;
}

static char *build_services(struct builder *builder, const struct spot *whole)
{
    const struct world *world = builder->world;
    char *wrong = NULL;

    if (!lists(world, "services", world->profile.service))
        wrong = add_named(builder, whole, "service", world->profile.service, add_service);
    return wrong != NULL ? wrong
                         : each(builder, whole, "services",
                                json_at(world->options, "services"), add_service);
}

static char *build_networks(struct builder *builder, const struct spot *whole)
{
    const cJSON *networks = json_at(builder->world->options, "virtual_networks");

    return networks == NULL
               ? add_named(builder, whole, "virtual_networks", "vnet-apim", add_network)
               : each(builder, whole, "virtual_networks", networks, add_network);
}

static char *build_workspaces(struct builder *builder, const struct spot *whole)
{
    const cJSON *workspaces = json_at(builder->world->options, "workspaces");
    const struct spot place = {whole, "workspaces", 0};

    return cJSON_IsObject(workspaces)
               ? add_many_workspaces(builder, &place, workspaces)
               : each(builder, whole, "workspaces", workspaces, add_workspace);
}

static void withdraw_providers(struct world *world)
{
    const cJSON *provider;

    cJSON_ArrayForEach (provider, json_at(world->options, "unregistered_providers"))
        provider_withdraw(world, provider->valuestring);
}

static char *build(struct builder *builder, const struct spot *whole)
{
    static const struct {
        const char *key;
        add_one *add;
        char *(*build)(struct builder *builder, const struct spot *whole);
    } parts[] = {/* what is above comes before what is below, or refers to it */
                 {NULL, NULL, build_defaults},
                 {"resource_groups", add_resource_group, NULL},
                 {NULL, NULL, build_services},
                 {"network_security_groups", add_security_group, NULL},
                 {NULL, NULL, build_networks},
                 {NULL, NULL, build_workspaces},
                 {"gateways", add_gateway, NULL},
                 {"resources", add_any, NULL},
                 {"role_definitions", builder_add_role, NULL},
                 {"role_assignments", builder_add_assignment, NULL},
                 {"deny_assignments", builder_add_denial, NULL}};
    char *wrong = people_build(builder->people, whole);

    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && wrong == NULL; i++)
        wrong = parts[i].build != NULL
                    ? parts[i].build(builder, whole)
                    : each(builder, whole, parts[i].key,
                           json_at(builder->world->options, parts[i].key), parts[i].add);
    if (wrong == NULL)
        builder_assign_owner(builder->world);
    return wrong;
}

char *world_build(struct world *world)
{
    const struct spot whole = {.index = world->first_index};
    const int64_t graph_lag_ms = world->graph_lag_ms;
    const int64_t delay_ms = world->authorization_delay_ms;
    struct builder builder = {.world = world, .people = people_new(world)};
    char *wrong;

    /* what is there from the start has been known everywhere for long */
    world->graph_lag_ms = world->authorization_delay_ms = 0;
    wrong = build(&builder, &whole);
    world->graph_lag_ms = graph_lag_ms;
    world->authorization_delay_ms = delay_ms;
    withdraw_providers(world);
    database_run(world->database, "DELETE FROM ledger", ""); /* nobody has made it */
    map_deinit(&builder.roles, free);
    people_free(builder.people);
    return wrong;
}
