/* engine/sim/world_settings.c - what a world file says of a world's limits, delays and names,
 * and how long operations take; with what holds where it says nothing.
 *
 * Durations: that a gateway takes three hours or more is documented; the others are
 * assumed. */
#include "sim/world_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/graph_throttle.h"
#include "sim/spread.h"
#include "sim/throttle.h"
#include "sim/world.h"

#define TENANT_ID       "5f0a3c1e-1b7d-4c55-9a55-3f6b1c7d2e10"
#define DOMAIN          "contoso.example"
#define SUBSCRIPTION_ID "0b1f6471-1bf0-4dda-aec3-cb9272f09590"

/* Seconds, from and to. */
static const struct {
    const struct kind *kind;
    const char *verb;
    int from_s, to_s;
} durations[] = {
    {&service_kind, "create", 2700, 2700},
    {&service_kind, "update", 900, 1200},
    {&service_kind, "delete", 300, 600},
    {&gateway_kind, "create", 10200, 11400},
    {&gateway_kind, "update", 60, 120},
    {&gateway_kind, "scale", 1200, 1800},
    {&gateway_kind, "delete", 1800, 1800},
    {&config_connection_kind, "create", 300, 600},
    {&config_connection_kind, "update", 300, 600},
    {&config_connection_kind, "delete", 300, 600},
    {&resource_group_kind, "delete", 60, 180},
};

enum { TOKEN_LIFE_MS = 3599 * 1000, MONITOR_LIFE_MS = 24 * 3600 * 1000 };

enum { DEFAULT_FROM_S = 2, DEFAULT_TO_S = 6 };

/* ---- durations ---- */

char *world_format_verb(const struct kind *kind, const char *verb)
{
    char *name = memory_format("%s.%s", kind->name, verb);

    for (char *c = name; *c != '\0'; c++) {
        if (*c == ' ')
            *c = '_';
    }
    return name;
}

static void find_option(const struct world *world, const struct kind *kind,
                        const char *verb, struct spread *spread)
{
    char *name = world_format_verb(kind, verb);
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(world->options, "durations");
    const cJSON *option = cJSON_GetObjectItemCaseSensitive(all, name);

    if (option != NULL)
        free(spread_read(option, spread)); /* it was good when the file was read */
    free(name);
}

int64_t world_duration(const struct world *world, const struct kind *kind,
                       const char *verb, const char *key)
{
    struct spread spread = {SPREAD_UNIFORM, DEFAULT_FROM_S * 1000, DEFAULT_TO_S * 1000};

    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        if (durations[i].kind == kind && strcmp(durations[i].verb, verb) == 0)
            spread = (struct spread){SPREAD_UNIFORM, durations[i].from_s * INT64_C(1000),
                                     durations[i].to_s * INT64_C(1000)};
    }
    find_option(world, kind, verb, &spread);
    return spread_draw(&spread, world->seed, key, verb);
}

/* ---- the rest ---- */

const char *world_option(const struct world *world, const char *name,
                         const char *otherwise)
{
    const char *text = json_string_at(world->options, name);

    return text != NULL ? text : otherwise;
}

/* The first of a list, unless the file says which. */
static const char *first_name(const struct world *world, const char *name,
                              const char *list, const char *otherwise)
{
    const cJSON *first = json_at(world->options, list);
    const char *listed = json_string_at(first != NULL ? first->child : NULL, "name");

    return world_option(world, name, listed != NULL ? listed : otherwise);
}

static void read_profile(struct world *world)
{
    world->profile = (struct sim_profile){
        .tenant_id = world_option(world, "tenant.id", TENANT_ID),
        .subscription_id = world_option(world, "subscription.id", SUBSCRIPTION_ID),
        .client_id = "c0a80101-6f3d-4a2b-8e71-5d4c3b2a1908",
        .client_secret = "owner~3nL8Q.simulated-secret-1",
        .guest_id = "c0a80102-2b9e-4f60-a1c7-0e9d8c7b6a54",
        .guest_secret = "guest~7kX2P.simulated-secret-2",
        .service = first_name(world, "service", "services", "contoso-apim")};
    /* where that service is, when it says so */
    const cJSON *service = json_at(world->options, "services");
    const char *group =
        json_string_at(service != NULL ? service->child : NULL, "resource_group");

    world->profile.resource_group =
        group != NULL && json_at(world->options, "resource_group") == NULL
            ? group
            : first_name(world, "resource_group", "resource_groups", "rg-apim");
}

void world_settings_read(struct world *world)
{
    const cJSON *options = world->options;

    world->workspaces_per_service =
        (int64_t)json_number_at(options, "limits.workspaces_per_service", 100);
    world->workspaces_per_gateway =
        (int64_t)json_number_at(options, "limits.workspaces_per_gateway", 30);
    world->role_assignments =
        (int64_t)json_number_at(options, "limits.role_assignments", 4000);
    world->role_definitions =
        (int64_t)json_number_at(options, "limits.role_definitions", 5000);
    world->authorization_delay_ms =
        (int64_t)(json_number_at(options, "authorization_delay_seconds", 0) * 1000.0);
    world->graph_lag_ms =
        (int64_t)(json_number_at(options, "graph_lag_seconds", 0) * 1000.0);
    world->replication_ms =
        (int64_t)(json_number_at(options, "replication_seconds", 30) * 1000.0);
    world->token_life_ms = TOKEN_LIFE_MS;
    duration_parse(world_option(world, "token_life", ""), &world->token_life_ms);
    world->monitor_life_ms = MONITOR_LIFE_MS;
    duration_parse(world_option(world, "monitor_life", ""), &world->monitor_life_ms);
    world->throttle = throttle_new(json_at(options, "limits"));
    world->graph_throttle = graph_throttle_new(json_at(options, "limits"));
    world->domain = memory_copy_string(world_option(world, "tenant.domain", DOMAIN));
    world->location = memory_copy_string(world_option(world, "location", "westeurope"));
    world->sku = memory_copy_string(world_option(world, "sku", "Premium"));
    read_profile(world);
    world->subscription_id =
        memory_format("/subscriptions/%s", world->profile.subscription_id);
    world->subscription_key = text_lower(memory_copy_string(world->subscription_id));
}

void world_settings_free(struct world *world)
{
    throttle_free(world->throttle);
    graph_throttle_free(world->graph_throttle);
    free(world->domain);
    free(world->location);
    free(world->sku);
    free(world->subscription_id);
    free(world->subscription_key);
}
