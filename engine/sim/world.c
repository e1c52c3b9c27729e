/* engine/sim/world.c - one simulated tenant: its time, its settings, its file. */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/chance.h"
#include "sim/database.h"
#include "sim/deleted_service.h"
#include "sim/denials.h"
#include "sim/deployment.h"
#include "sim/entra_key.h"
#include "sim/faults.h"
#include "sim/grants.h"
#include "sim/graph_throttle.h"
#include "sim/monitor.h"
#include "sim/roles.h"
#include "sim/spread.h"
#include "sim/stale.h"
#include "sim/throttle.h"
#include "sim/world_file.h"

#define TENANT_ID       "5f0a3c1e-1b7d-4c55-9a55-3f6b1c7d2e10"
#define SUBSCRIPTION_ID "0b1f6471-1bf0-4dda-aec3-cb9272f09590"

/* Seconds, from and to. Creation of a gateway: Microsoft says three hours or more. */
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
        free(spread_read(name, option, spread)); /* it was good when the file was read */
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

const struct kind *world_find_kind(const struct world *world, const char *arm_type)
{
    char key[128];

    if (strlen(arm_type) >= sizeof key)
        return NULL;
    strcpy(key, arm_type);
    return map_find(&world->kinds, text_lower(key));
}

int64_t world_read_clock(const struct world *world)
{
    return clock_wall_ms(world->clock) + world->ahead_ms;
}

int64_t world_client_ms(const struct world *world)
{
    return world_told_ms(world, world->clients_are_elsewhere ? clock_machine_wall_ms()
                                                             : world->now_ms);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void world_plan(struct world *world)
{
    world->next_ms = earlier(monitor_next(world), deployment_next(world));
}

/* What happens by itself, in the order in which it is due: a deployment looks at a
 * resource when the operation on it has ended. */
static void settle(struct world *world)
{
    const int64_t now_ms = world->now_ms;
    int64_t due_ms = INT64_MIN, last_ms;

    do {
        last_ms = due_ms;
        due_ms = deployment_next(world);
        world->now_ms = earlier(due_ms, now_ms);
        database_begin(world->database);
        monitor_settle(world);
        world_save_time(world);
        if (database_commit(world->database) && due_ms <= now_ms)
            deployment_settle(world);
    } while (due_ms <= now_ms && due_ms > last_ms); /* the file may have failed */
    world->now_ms = now_ms;
}

void world_set_clock(struct world *world, struct clock *clock)
{
    if (clock->mode == CLOCK_REAL)
        return;
    clock_set_wall(clock, world_read_clock(world));
    world->ahead_ms = 0;
}

void world_tick(struct world *world)
{
    const int64_t now_ms = world_read_clock(world);

    if (now_ms > world->now_ms)
        world->now_ms = now_ms; /* the machine's own clock may have been set back */
    if (world->now_ms < world->next_ms)
        return;
    settle(world);
    world_plan(world);
}

void world_save_time(struct world *world)
{
    database_run(world->database, "UPDATE world SET now_ms = ?, calls = ?, version = ?",
                 "iii", world->now_ms, world->calls, world->version);
}

int64_t world_next_event(struct world *world)
{
    const int64_t now_ms = world_read_clock(world);
    const int64_t known_ms = database_number(
        world->database, INT64_MAX,
        "SELECT MIN(replicated_ms) FROM object WHERE replicated_ms > ?", "i", now_ms);
    const int64_t registered_ms = database_number(
        world->database, INT64_MAX,
        "SELECT MIN(ms) FROM (SELECT registered_ms AS ms FROM provider UNION ALL"
        " SELECT unregistered_ms FROM provider) WHERE ms > ?",
        "i", now_ms);
    const int64_t purged_ms = deleted_service_next_purge(world, now_ms);
    const int64_t visible_ms = database_number(
        world->database, INT64_MAX,
        "SELECT MIN(visible_ms) FROM object WHERE visible_ms > 0 AND visible_ms > ?", "i",
        now_ms);
    const int64_t token_ms =
        earlier(throttle_next_event(world->throttle, now_ms),
                graph_throttle_next_event(world->graph_throttle, now_ms));
    const int64_t fault_ms = earlier(stale_next_event(world, now_ms),
                                     faults_next_event(world->faults, now_ms));

    return earlier(
        earlier(earlier(world->next_ms, registered_ms),
                earlier(earlier(known_ms, visible_ms), token_ms)),
        earlier(earlier(grants_next_event(world, now_ms), fault_ms), purged_ms));
}

int world_retry_after(const struct world *world, int seconds)
{
    if (!world->clients_are_elsewhere || world->clock->mode == CLOCK_REAL)
        return seconds; /* they go by the same clock */
    if (world->clock->mode == CLOCK_VIRTUAL)
        return 1;

    const int64_t span_ms = clock_machine_span_ms(world->clock, seconds * INT64_C(1000));

    return span_ms > 1000 ? (int)((span_ms + 999) / 1000) : 1;
}

void world_make_id(struct world *world, char id[UUID_TEXT_SIZE])
{
    /* calls go on where a state file was left */
    chance_uuid(world->seed + ++world->ids, "", "id", (uint64_t)world->calls, id);
}

int64_t world_told_ms(const struct world *world, int64_t utc_ms)
{
    return utc_ms + faults_duration_ms(world->faults, FAULT_CLOCK_SKEW, 0);
}

char *world_format_now(const struct world *world)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_utc(world_told_ms(world, world->now_ms), text);
    return memory_copy_string(text);
}

static const char *option(const struct world *world, const char *name,
                          const char *otherwise)
{
    const char *text = json_string_at(world->options, name);

    return text != NULL ? text : otherwise;
}

static void read_options(struct world *world)
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
    world->replication_ms =
        (int64_t)(json_number_at(options, "replication_seconds", 30) * 1000.0);
    world->graph_lag_ms =
        (int64_t)(json_number_at(options, "graph_lag_seconds", 0) * 1000.0);
    world->token_life_ms = TOKEN_LIFE_MS;
    duration_parse(option(world, "token_life", ""), &world->token_life_ms);
    world->monitor_life_ms = MONITOR_LIFE_MS;
    duration_parse(option(world, "monitor_life", ""), &world->monitor_life_ms);
    world->throttle = throttle_new(json_at(options, "limits"));
    world->graph_throttle = graph_throttle_new(json_at(options, "limits"));
    world->location = memory_copy_string(option(world, "location", "westeurope"));
    world->sku = memory_copy_string(option(world, "sku", "Premium"));
    world->subscription_id = memory_copy_string("/subscriptions/" SUBSCRIPTION_ID);
    world->subscription_key = text_lower(memory_copy_string(world->subscription_id));
    world->profile =
        (struct sim_profile){.tenant_id = TENANT_ID,
                             .subscription_id = SUBSCRIPTION_ID,
                             .client_id = "c0a80101-6f3d-4a2b-8e71-5d4c3b2a1908",
                             .client_secret = "owner~3nL8Q.simulated-secret-1",
                             .guest_id = "c0a80102-2b9e-4f60-a1c7-0e9d8c7b6a54",
                             .guest_secret = "guest~7kX2P.simulated-secret-2",
                             .resource_group = option(world, "resource_group", "rg-apim"),
                             .service = option(world, "service", "contoso-apim")};
}

static void index_kinds(struct world *world)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        char *key = text_lower(memory_copy_string((*kind)->arm_type));

        map_set(&world->kinds, key, (void *)(uintptr_t)*kind);
        free(key);
    }
}

/* The first row of `world` makes the file one with a world in it. */
static bool make(struct world *world, struct failure **failure)
{
    char *options = json_print(world->options);

    database_begin(world->database);
    database_run(world->database, "INSERT INTO world VALUES (?, ?, 0, 0)", "ti", options,
                 world->now_ms);
    free(options);
    read_options(world);
    world_file_populate(world);
    *failure = denials_populate(world);
    world_save_time(world);
    return database_commit(world->database) && *failure == NULL;
}

/* Time goes on from where the file was left: what was made then lies in the past now. */
static bool load(struct world *world)
{
    sqlite3_stmt *row = database_query(
        world->database, "SELECT options, now_ms, calls, version FROM world", "");

    if (!database_step(world->database, row))
        return false;

    const char *options = database_column(row, 0);
    const int64_t last_ms = sqlite3_column_int64(row, 1);

    cJSON_Delete(world->options);
    world->options = json_parse(options, strlen(options), NULL);
    if (last_ms > world->now_ms)
        world->ahead_ms = last_ms - world->now_ms;
    world->now_ms += world->ahead_ms;
    world->calls = sqlite3_column_int64(row, 2);
    world->version = sqlite3_column_int64(row, 3);
    database_done(row);
    read_options(world);
    return world->options != NULL;
}

static bool set_faults(struct world *world, const char *text, struct failure **failure)
{
    char *wrong;

    world->faults = faults_new(world->seed);
    wrong = faults_set(world->faults, text != NULL ? text : "");
    if (wrong == NULL)
        return true;
    *failure = failure_new("BadSetting", "faults: %s", wrong);
    free(wrong);
    return false;
}

struct world *world_open(const struct sim_options *options, const struct clock *clock,
                         struct failure **failure)
{
    struct world *world = memory_new(sizeof *world);

    world->clock = clock;
    world->seed = options->seed;
    world->now_ms = clock_wall_ms(clock);
    world->options = world_file_read(options->world_file, failure);
    if (world->options == NULL || !set_faults(world, options->faults, failure))
        goto fail;
    world->database = database_open(options->state_file, failure);
    if (world->database == NULL)
        goto fail;
    index_kinds(world);
    if (!load(world) && !make(world, failure)) {
        if (*failure == NULL)
            *failure =
                failure_new("IOError", "%s: %s",
                            options->state_file != NULL ? options->state_file : "memory",
                            database_error(world->database));
        goto fail;
    }
    monitor_release_hung(world);
    world_plan(world);
    return world;
fail:
    world_close(world);
    return NULL;
}

void world_close(struct world *world)
{
    if (world == NULL)
        return;
    if (world->database != NULL && world->profile.service != NULL) {
        database_begin(world->database);
        world_save_time(world);
        database_commit(world->database);
    }
    roles_forget(world);
    throttle_free(world->throttle);
    graph_throttle_free(world->graph_throttle);
    faults_free(world->faults);
    entra_key_free(world->entra_key);
    map_deinit(&world->tokens, free);
    map_deinit(&world->challenged, NULL);
    map_deinit(&world->unregistered, NULL);
    map_deinit(&world->kinds, NULL);
    database_close(world->database);
    cJSON_Delete(world->options);
    free(world->location);
    free(world->sku);
    free(world->subscription_id);
    free(world->subscription_key);
    free(world);
}
