/* engine/sim/world.c - one simulated tenant: its time, its settings, its file. */
#include "sim/world.h"

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
#include "sim/deployment.h"
#include "sim/entra_key.h"
#include "sim/faults.h"
#include "sim/grants.h"
#include "sim/graph_throttle.h"
#include "sim/monitor.h"
#include "sim/roles.h"
#include "sim/spot.h"
#include "sim/spread.h"
#include "sim/stale.h"
#include "sim/throttle.h"
#include "sim/world_build.h"
#include "sim/world_dump.h"
#include "sim/world_file.h"
#include "sim/world_keys.h"

#define TENANT_ID       "5f0a3c1e-1b7d-4c55-9a55-3f6b1c7d2e10"
#define DOMAIN          "contoso.example"
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
    world->own_clock = clock;
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

void world_set_time(struct world *world, int64_t now_ms)
{
    world->ahead_ms = now_ms - clock_wall_ms(world->clock);
    world->now_ms = now_ms;
}

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

static void index_kinds(struct world *world)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        char *key = text_lower(memory_copy_string((*kind)->arm_type));

        map_set(&world->kinds, key, (void *)(uintptr_t)*kind);
        free(key);
    }
}

/* ---- worlds in the database ---- */

/* Sets the time that the options ask for. */
static void start_time(struct world *world)
{
    int64_t now_ms;

    if (clock_parse_utc(world_option(world, "now", ""), &now_ms) == 0)
        world_set_time(world, now_ms);
}

/* The first row of `world` makes the file one with a world in it. */
static void write_row(struct world *world)
{
    char *options = json_print(world->options);

    database_run(world->database, "INSERT INTO world VALUES (?, ?, 0, 0)", "ti", options,
                 world->now_ms);
    free(options);
}

/* Fills an empty database by the options, or by a dump of a world that had them. Returns
 * NULL, or what is wrong. */
static char *fill(struct world *world, const cJSON *dump)
{
    char *wrong;

    write_row(world);
    wrong = dump != NULL ? world_dump_load(world, dump) : world_build(world);
    if (wrong == NULL)
        world_save_time(world);
    return wrong;
}

/* Takes the options out of a dump, which is checked as a world file of its own; NULL when
 * there are none. Owned by the caller. */
static cJSON *take_options(const cJSON *dump, char **wrong)
{
    const cJSON *options = world_dump_options(dump);
    const struct spot whole = {0};
    const struct spot place = {&whole, "options", 0};

    *wrong = options != NULL ? world_keys_check(&place, options)
                             : memory_copy_string("options: an object expected");
    return *wrong == NULL ? cJSON_Duplicate(options, true) : NULL;
}

/* A new world. `*tree` (a world file or a dump, as it was read) becomes its options or is
 * freed. */
static bool make(struct world *world, cJSON **tree, struct failure **failure)
{
    cJSON *dump = world_dump_is(*tree) ? *tree : NULL;
    char *wrong = NULL;

    world->options = dump != NULL ? take_options(dump, &wrong) : *tree;
    *tree = dump;
    if (wrong == NULL) {
        read_options(world);
        start_time(world);
        database_begin(world->database);
        wrong = fill(world, dump);
        if (wrong != NULL)
            database_undo(world->database);
        else if (!database_commit(world->database))
            wrong = memory_copy_string(database_error(world->database));
    }
    if (wrong != NULL)
        *failure = failure_new("IOError", "%s", wrong);
    free(wrong);
    return *failure == NULL;
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

    world->options = json_parse(options, strlen(options), NULL);
    if (last_ms > world->now_ms)
        world_set_time(world, last_ms);
    world->calls = sqlite3_column_int64(row, 2);
    world->version = sqlite3_column_int64(row, 3);
    database_done(row);
    read_options(world);
    return world->options != NULL;
}

/* Faults as they are said at the start, or else as the world file says; both have been
 * checked. */
static void restart_faults(struct world *world)
{
    free(faults_set(world->faults, world->start_faults != NULL
                                       ? world->start_faults
                                       : world_option(world, "faults", "")));
}

static bool check_faults(const char *text, struct failure **failure)
{
    char *wrong = text != NULL ? faults_check(text) : NULL;

    if (wrong != NULL)
        *failure = failure_new("BadSetting", "faults: %s", wrong);
    free(wrong);
    return *failure == NULL;
}

/* Says first in which file what is wrong is, unless that has been said. */
static void name_file(const struct sim_options *options, struct failure **failure)
{
    const char *file = options->world_file != NULL   ? options->world_file
                       : options->state_file != NULL ? options->state_file
                                                     : "memory";
    const size_t length = strlen(file);

    if (*failure == NULL || strcmp((*failure)->code, "IOError") != 0 ||
        strncmp((*failure)->message, file, length) == 0)
        return;

    char *message = memory_format("%s: %s", file, (*failure)->message);

    free((*failure)->message);
    (*failure)->message = message;
}

struct world *world_open(const struct sim_options *options, const struct clock *clock,
                         struct failure **failure)
{
    struct world *world = memory_new(sizeof *world);
    cJSON *tree;

    world->clock = clock;
    world->seed = options->seed;
    world->now_ms = clock_wall_ms(clock);
    world->faults = faults_new(world->seed);
    world->start_faults = memory_copy_string(options->faults);
    index_kinds(world);
    tree = check_faults(options->faults, failure)
               ? world_file_read(options->world_file, &world->first_index, failure)
               : NULL;
    if (tree != NULL)
        world->database = database_open(options->state_file, failure);
    if (world->database == NULL || !(load(world) || make(world, &tree, failure))) {
        cJSON_Delete(tree);
        name_file(options, failure);
        world_close(world);
        return NULL;
    }
    if (tree == NULL || world->start_faults != NULL)
        restart_faults(world); /* else a dump has brought its own */
    cJSON_Delete(tree);
    monitor_release_hung(world);
    world_plan(world);
    return world;
}

/* ---- changing worlds ---- */

/* What is kept in memory of the world's course. */
static void forget_course(struct world *world)
{
    roles_forget(world);
    map_deinit(&world->tokens, free);
    map_deinit(&world->challenged, NULL);
    map_deinit(&world->unregistered, NULL);
    world->tokens = world->challenged = world->unregistered = (struct map){0};
}

static void free_settings(struct world *world)
{
    throttle_free(world->throttle);
    graph_throttle_free(world->graph_throttle);
    free(world->domain);
    free(world->location);
    free(world->sku);
    free(world->subscription_id);
    free(world->subscription_key);
}

static void empty_tables(struct world *world)
{
    char *names = database_text(world->database,
                                "SELECT group_concat(name, char(10)) FROM sqlite_schema"
                                " WHERE type = 'table'",
                                "");

    for (char *name = names; name != NULL && *name != '\0';) {
        char *end = name + strcspn(name, "\n");
        char *sql = memory_format("DELETE FROM \"%.*s\"", (int)(end - name), name);

        database_run(world->database, sql, "");
        free(sql);
        name = end + (*end != '\0' ? 1 : 0);
    }
    free(names);
}

/* Replaces the world by another one, or leaves it as it is; `options` is taken. Returns
 * NULL, or what is wrong. */
static char *replace(struct world *world, cJSON *options, const cJSON *dump)
{
    char *wrong;

    forget_course(world); /* a copy of it would be freed twice */

    const struct world before = *world;

    world->options = options;
    world->calls = world->version = 0;
    world->ids = 0;
    read_options(world);
    start_time(world);
    database_begin(world->database);
    empty_tables(world);
    wrong = fill(world, dump);
    if (wrong != NULL)
        database_undo(world->database);
    else if (!database_commit(world->database))
        wrong = memory_copy_string(database_error(world->database));
    forget_course(world);
    if (wrong != NULL) {
        free_settings(world);
        cJSON_Delete(options);
        *world = before;
        return wrong;
    }

    struct world old = before;

    free_settings(&old);
    if (world->old_options == NULL)
        world->old_options = cJSON_CreateArray();
    cJSON_AddItemToArray(world->old_options, old.options);
    world->traffic = (struct traffic){0};
    request_log_clear(&world->log);
    world_plan(world);
    if (dump == NULL)
        restart_faults(world);
    return NULL;
}

char *world_reset(struct world *world)
{
    return replace(world, cJSON_Duplicate(world->options, true), NULL);
}

char *world_load(struct world *world, const char *text, size_t length)
{
    int first_index = world->first_index;
    char *wrong = NULL;
    cJSON *tree = world_file_parse(text, length, &first_index, &wrong);
    cJSON *dump = tree != NULL && world_dump_is(tree) ? tree : NULL;
    cJSON *options = dump != NULL ? take_options(dump, &wrong) : tree;

    if (options != NULL) {
        const int before = world->first_index;

        world->first_index = first_index;
        wrong = replace(world, options, dump);
        if (wrong != NULL)
            world->first_index = before;
    }
    cJSON_Delete(dump);
    return wrong;
}

void world_advance(struct world *world, int64_t span_ms)
{
    struct clock *clock = world->own_clock;

    if (clock != NULL && clock->mode == CLOCK_VIRTUAL)
        clock_advance_to(clock,
                         clock_now_ms(clock) + span_ms); /* its timers are due too */
    else
        world->ahead_ms += span_ms;
    world_tick(world);
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
    forget_course(world);
    request_log_clear(&world->log);
    faults_free(world->faults);
    entra_key_free(world->entra_key);
    map_deinit(&world->kinds, NULL);
    database_close(world->database);
    cJSON_Delete(world->options);
    cJSON_Delete(world->old_options);
    free(world->start_faults);
    free_settings(world);
    free(world);
}
