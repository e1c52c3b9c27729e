/* engine/sim/world.c - one simulated tenant: how it is opened, replaced and closed. */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/chance.h"
#include "sim/database.h"
#include "sim/entra_key.h"
#include "sim/faults.h"
#include "sim/monitor.h"
#include "sim/roles.h"
#include "sim/spot.h"
#include "sim/world_build.h"
#include "sim/world_dump.h"
#include "sim/world_file.h"
#include "sim/world_keys.h"
#include "sim/world_settings.h"

const struct kind *world_find_kind(const struct world *world, const char *arm_type)
{
    char key[128];

    if (strlen(arm_type) >= sizeof key)
        return NULL;
    strcpy(key, arm_type);
    return map_find(&world->kinds, text_lower(key));
}

void world_make_id(struct world *world, char id[UUID_TEXT_SIZE])
{
    /* calls go on where a state file was left */
    chance_uuid(world->seed + ++world->ids, "", "id", (uint64_t)world->calls, id);
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
        world_settings_read(world);
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
    world_settings_read(world);
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

/* The file keeps its world; who gives another description of it shall know. */
static void compare_world(const struct world *world, const cJSON *tree,
                          const struct sim_options *options)
{
    const cJSON *now = world_dump_is(tree) ? world_dump_options(tree) : tree;

    if (options->world_file != NULL && !cJSON_Compare(now, world->options, true))
        log_line(LOG_WARNING,
                 "%s keeps the world that it was made with; what %s says differs and is "
                 "not looked at",
                 options->state_file, options->world_file);
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

    const bool was_there = world->database != NULL && load(world);

    if (was_there)
        compare_world(world, tree, options);
    if (world->database == NULL || !(was_there || make(world, &tree, failure))) {
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
    world_settings_read(world);
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
        world_settings_free(world);
        cJSON_Delete(options);
        *world = before;
        return wrong;
    }

    struct world old = before;

    world_settings_free(&old);
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
    world_settings_free(world);
    free(world);
}
