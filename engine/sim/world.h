/* engine/sim/world.h - one simulated tenant with its subscription: what all parts share.
 *
 * A world file is a JSON object that changes the default world:
 *
 *   "service"           name of the API Management service ("contoso-apim")
 *   "resource_group"    where it lives ("rg-apim")
 *   "location"          region of both ("westeurope")
 *   "sku"               tier of the service ("Premium")
 *   "virtual_networks"  [{"name": .., "address_prefixes": ["10.0.0.0/16", ..]}, ..]
 *   "groups"            [{"name": .., "members": ["ann.lee@contoso.example", ..]}, ..], or
 *                       {"prefix": "api-team-", "count": 1000, "members": 2} for many
 *   "limits"            {"workspaces_per_service": 100, "workspaces_per_gateway": 30,
 *                       "role_assignments": 4000, "reads": [250, 25],
 *                       "writes": [200, 10], "deletes": [200, 10]}: the last three are
 *                       Azure's token buckets, size and refill a second; null: none;
 *                       "graph_units" and "graph_writes" are those of Microsoft Graph
 *   "durations"         {"gateway.create": ["2h50m", "3h10m"], ..}: kind and create, update,
 *                       scale (of a gateway) or delete, from and to
 *   "replication_seconds"  how long a new principal stays unknown to role assignments (30)
 *   "graph_lag_seconds"    how long a new object stays unknown to Microsoft Graph itself (0)
 *   "graph_permissions"    {"guest": ["Group.Read.All", ..], "owner": "admin"}: what the two
 *                       applications may do in Microsoft Graph
 *   "unregistered_providers"  namespaces that have to be registered before a write, such
 *                       as ["Microsoft.Network"]
 *   "token_life"        how long access tokens live ("59m59s")
 *
 * The state file keeps the world that it was made with. */
#ifndef MOONGATE_SIM_WORLD_H
#define MOONGATE_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/map.h"
#include "sim/sim.h"
#include "sim/traffic.h"

struct clock;
struct database;
struct faults;
struct graph_throttle;
struct kind;
struct throttle;

struct world {
    struct database *database;
    const struct clock *clock; /* borrowed */
    int64_t ahead_ms;          /* how far this world's time is ahead of the clock's */
    int64_t now_ms;            /* UTC in this world when the current call came */
    int64_t calls;             /* how many there have been since the world was made */
    int64_t sign_ins;          /* tokens given since it was opened */
    uint64_t seed;
    cJSON *options; /* the world file it was made with */
    int64_t workspaces_per_service, workspaces_per_gateway, role_assignments;
    int64_t replication_ms, graph_lag_ms, token_life_ms;
    struct sim_profile profile; /* endpoint is not set; the other strings are ours */
    char *location, *sku;
    char *subscription_key, *subscription_id; /* "/subscriptions/..." */
    unsigned char token_key[32];
    int64_t version; /* of the resource that was written last */
    int64_t next_ms; /* when the next long operation changes, or INT64_MAX */
    struct traffic traffic;
    struct faults *faults;
    struct throttle *throttle; /* token buckets */
    struct graph_throttle *graph_throttle;
    struct map kinds;           /* of const struct kind, by ARM type in lower case */
    struct map grants;          /* what principals may do; see grants.h */
    struct map tokens;          /* tokens that were seen; see plane_entra.c */
    struct map unregistered;    /* refusals that are remembered; see provider.c */
    struct map challenged;      /* who has to sign in with claims; see plane_entra.c */
    bool clients_are_elsewhere; /* their waits are real whatever the clock */
    bool hides_controls;        /* /_sim/ is not there */
    const char *control_token;  /* what it asks for, borrowed, or NULL: nothing */
};

/* Opens or makes it. NULL on failure, with the reason in `*failure` (owned by the
 * caller). */
struct world *world_open(const struct sim_options *options, const struct clock *clock,
                         struct failure **failure);

/* Accepts NULL. */
void world_close(struct world *world);

/* Begins a call: reads the clock and lets long operations that are due end. */
void world_tick(struct world *world);

/* Writes down how far time has come, as part of the running transaction. */
void world_save_time(struct world *world);

/* UTC in this world right now. */
int64_t world_read_clock(const struct world *world);

/* When the next thing happens by itself, or INT64_MAX: an operation changes, a principal
 * gets known everywhere, a bucket that was empty has a token, a provider is registered. */
int64_t world_next_event(struct world *world);

/* What to put into Retry-After so that the client waits `seconds` of this world. */
int world_retry_after(const struct world *world, int seconds);

/* The time now as ISO 8601, owned by the caller. */
char *world_format_now(const struct world *world);

/* How long `verb` ("create") takes on a resource of this kind; 0 when it is done at once.
 */
int64_t world_duration(const struct world *world, const struct kind *kind,
                       const char *verb, const char *key);

/* By ARM type without regard to case, or NULL. */
const struct kind *world_find_kind(const struct world *world, const char *arm_type);

#endif
