/* engine/sim/world.h - one simulated tenant with its subscription: what all parts share.
 *
 * A world file changes the default world. It is JSON, an object, or Lua: a chunk that
 * returns a table or sets globals, with `string`, `table`, `math` and `utf8` and no way out
 * (sim/world_lua.h). Its keys:
 *
 *   "now"               when the world begins ("2026-01-05T09:00:00Z"); else it goes by the
 *                       clock, which for `run --sim` on the virtual clock begins then
 *   "tenant"            {"id", "name", "domain"}: the domain of invented users
 *   "subscription"      {"id", "name"}
 *   "service", "resource_group", "location", "sku"
 *                       the service that clients are told of, by default the first of
 *                       "services" or else contoso-apim; where it is (rg-apim); region and
 *                       tier of whatever does not say (westeurope, Premium). They are made
 *                       when they are not listed.
 *   "notes"             texts that are for people
 *
 * resources, each with a "name" and the fields of its row in engine/model, by the names that
 * scripts know, those that the service sets too ("created_at", "hostname", and a "state"
 * that lasts). "resource_group" says where, when it is not the service's:
 *
 *   "resource_groups", "services", "network_security_groups"
 *   "workspaces"        "service": a name, "group/name" or an id; or {"prefix": "ws-",
 *                       "count": 5000} for many
 *   "virtual_networks"  with "subnets": [{"name", "prefix", ..}]; one when there is no list
 *   "gateways"          "subnet": "network/subnet"; "connections": names of workspaces or
 *                       [{"name", "workspace", "hostnames"}]
 *   "resources"         [{"id": "/resourceGroups/..", "body": {..}}]: any kind, by its id in
 *                       the subscription and the body that a PUT would have
 *
 * people; "id" is the object id, or one that stands for the name:
 *
 *   "users"             [{"upn", "name", "password", "id"}]; who is only mentioned, with an
 *                       "@", is made
 *   "applications"      [{"name", "app_id", "id", .. and, each as wanted:
 *                       "secret"
 *                       "certificates": ["-----BEGIN CERTIFICATE-----.."], with RSA keys
 *                       "federated": [{"issuer": URL, "subject", "audience"
 *                         ("api://AzureADTokenExchange"), "keys": a JSON Web Key Set}], whose
 *                         tokens it may sign in with; without "keys" nobody checks who has
 *                         signed them
 *                       "role": a built-in one that it has in the subscription
 *                       "graph": what it may do in Microsoft Graph, "admin" for anything or
 *                         a list such as ["Group.Read.All"]; nothing by default}],
 *                       service principals. One with the "app_id" of one of the simulator's
 *                       own two adds to that.
 *   "groups"            [{"name", "members", "owners", "description", "mail_nickname",
 *                       "id"}]: members are users, groups and applications; or {"prefix":
 *                       "api-team-", "count": 1000, "members": 2} for many
 *
 * access; a scope is an id, "/" (the subscription, also when there is none), or keys and
 * names: "gateways/gw-1", "workspaces/payments", "resource_groups/rg/virtual_networks/v":
 *
 *   "role_assignments"  [{"principal": name or id, "role": name or GUID, "scope",
 *                       "description", "name": GUID, "created_at", "created_by"}]
 *   "role_definitions"  [{"name", "actions", "not_actions", "data_actions",
 *                       "not_data_actions", "scopes", "description", "id"}]
 *   "deny_assignments"  [{"name", "principals": names, ids or "everyone",
 *                       "exclude_principals", "actions", .. as of a role, "scope",
 *                       "do_not_apply_to_child_scopes" (false), "system_protected" (true),
 *                       "description", "id"}]: what they may not do whatever their roles
 *
 * behaviour:
 *
 *   "limits"            how many there may be: {"workspaces_per_service": 100,
 *                       "workspaces_per_gateway": 30, "role_assignments": 4000,
 *                       "role_definitions": 5000,
 *                       token buckets of each principal, size and refill a second, or 0 or
 *                       null for none: "reads": [250, 25], "writes": [200, 10], "deletes":
 *                       [200, 10], "global_factor": 15 (how much larger those of all
 *                       principals together are, 1 to 1000),
 *                       "providers": {"Microsoft.Authorization": 120, ..}: requests a minute
 *                       of all principals, for up to 16 namespaces,
 *                       and of each application in Microsoft Graph "graph_units" (by
 *                       default as the tenant's size has it) and "graph_writes": [3000, 20]}
 *   "durations"         {"gateway.create": .., ..}: kind and create, update, scale (of a
 *                       gateway) or delete; how long: "3h", ["2h50m", "3h10m"] or {"from",
 *                       "to"} for anything between, {"median", "p95"} (sim/spread.h)
 *   "operation_forms"   {"gateway.create": "location", ..}: how it is told, as sim/form.h says
 *   "documents"         {"https://..": ".."}: what the service finds at a URL that an API is
 *                       imported from
 *   "monitor_life"      how long a long operation can be asked about after its end ("24h")
 *   "replication_seconds"  how long a new principal stays unknown to role assignments (30)
 *   "authorization_delay_seconds"  how long a new or deleted role assignment takes to
 *                       come into effect (0)
 *   "graph_lag_seconds"    how long a new object stays unknown to Microsoft Graph itself (0)
 *   "graph_permissions"    {"owner": "admin", "guest": []}: what the simulator's own two
 *                       applications may do in Microsoft Graph, as "graph" above
 *   "unregistered_providers"  namespaces that have to be registered before a write, such
 *                       as ["Microsoft.Network"]
 *   "token_life"        how long access tokens live ("59m59s"), "1s" to "1d"
 *   "faults"            what goes wrong from the start, as sim/faults.h says, unless that is
 *                       said when the simulator is started
 *
 * What a world was dumped as (sim/world_dump.h) is a world file too.
 *
 * The state file keeps the world that it was made with. */
#ifndef MOONGATE_SIM_WORLD_H
#define MOONGATE_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/map.h"
#include "base/uuid.h"
#include "sim/request_log.h"
#include "sim/sim.h"
#include "sim/traffic.h"

struct clock;
struct database;
struct entra_key;
struct faults;
struct graph_throttle;
struct kind;
struct throttle;

struct world {
    struct database *database;
    const struct clock *clock; /* borrowed */
    struct clock *own_clock;   /* the same, when it says this world's time; or NULL */
    int64_t ahead_ms;          /* how far this world's time is ahead of the clock's */
    int64_t now_ms;            /* UTC in this world when the current call came */
    int64_t calls;             /* how many there have been since the world was made */
    uint64_t ids;              /* drawn by world_make_id() since it was opened */
    uint64_t seed;
    cJSON *options;     /* the world file it was made with */
    cJSON *old_options; /* those of the worlds before this one, whose texts clients inside
                             the process may hold: a list, or NULL */
    int first_index;    /* how the world file counts elements: from 0 or from 1 */
    char *start_faults; /* as they were given on opening, or NULL */
    int64_t workspaces_per_service, workspaces_per_gateway;
    int64_t role_assignments, role_definitions; /* how many there may be */
    int64_t replication_ms, graph_lag_ms, token_life_ms, authorization_delay_ms;
    int64_t
        monitor_life_ms; /* how long a long operation can be asked about after its end */
    struct sim_profile profile; /* endpoint is not set; the other strings are ours */
    char *domain;               /* of user names: "contoso.example" */
    char *location, *sku;
    char *subscription_key, *subscription_id; /* "/subscriptions/..." */
    int64_t directory_changes;   /* of objects, since it was opened; see directory.c */
    struct entra_key *entra_key; /* NULL until it is needed; see entra_key.h */
    int64_t version;             /* of the resource that was written last */
    int64_t next_ms; /* when the next operation or deployment changes, or INT64_MAX */
    struct traffic traffic;
    struct request_log log;
    char principal[UUID_TEXT_SIZE]; /* object id of who made the current call, or "" */
    struct faults *faults;
    struct throttle *throttle; /* token buckets */
    struct graph_throttle *graph_throttle;
    struct map kinds;           /* of const struct kind, by ARM type in lower case */
    struct map grants;          /* what principals may do; see grants.h */
    struct map tokens;          /* tokens that were seen; see entra_access.c */
    struct map roles;           /* those that were looked up; see roles.h */
    struct map unregistered;    /* refusals that are remembered; see provider.c */
    struct map challenged;      /* who has to sign in with claims; see entra_access.c */
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

/* Finds out when the next long operation or deployment changes. */
void world_plan(struct world *world);

/* Writes down how far time has come, as part of the running transaction. */
void world_save_time(struct world *world);

/* Makes the clock that it was opened with say this world's time, unless that is the
 * machine's own. */
void world_set_clock(struct world *world, struct clock *clock);

/* Makes it this time in the world, earlier or later. */
void world_set_time(struct world *world, int64_t now_ms);

/* Lets time pass at once, and what is due happen in its order. */
void world_advance(struct world *world, int64_t span_ms);

/* Makes it the world that it was at first, with the time that its file says, if it does;
 * else time goes on. Returns NULL, or what is wrong (owned by the caller), and then nothing
 * has changed. */
char *world_reset(struct world *world);

/* The same with another world, by the text of a world file or a dump. Tokens stay good. */
char *world_load(struct world *world, const char *text, size_t length);

/* The text at a path of its world file, or `otherwise`. Borrowed. */
const char *world_option(const struct world *world, const char *name,
                         const char *otherwise);

/* UTC in this world right now. */
int64_t world_read_clock(const struct world *world);

/* UTC as those have it who sign in: in this world, but for clients of other processes it is
 * the machine's. They keep tokens by their own clocks, which do not jump. A fault may have it wrong. */
int64_t world_client_ms(const struct world *world);

/* When the next thing happens by itself, or INT64_MAX: an operation changes, a principal
 * gets known everywhere, a bucket that was empty has a token, a provider is registered, a
 * role assignment comes into effect, a fault heals. */
int64_t world_next_event(struct world *world);

/* What to put into Retry-After so that the client waits `seconds` of this world. */
int world_retry_after(const struct world *world, int seconds);

/* An id for something new. The same calls in the same order to a world of the same seed
 * get the same ids. */
void world_make_id(struct world *world, char id[UUID_TEXT_SIZE]);

/* What the services say for a moment of this world (UTC): their clocks may be wrong. */
int64_t world_told_ms(const struct world *world, int64_t utc_ms);

/* The time now as ISO 8601 and as the services say it, owned by the caller. */
char *world_format_now(const struct world *world);

/* How long `verb` ("create") takes on a resource of this kind; 0 when it is done at once.
 */
int64_t world_duration(const struct world *world, const struct kind *kind,
                       const char *verb, const char *key);

/* What world files call a verb on a kind: "config_connection.create"; owned by the caller. */
char *world_format_verb(const struct kind *kind, const char *verb);

/* By ARM type without regard to case, or NULL. */
const struct kind *world_find_kind(const struct world *world, const char *arm_type);

#endif
