/* engine/sim/world_dump.c - a whole world as one JSON document, and back. */
#include "sim/world_dump.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/faults.h"
#include "sim/spot.h"
#include "sim/world.h"
#include "sim/world_people.h"

#define MARK   "moongate_world"
#define SECRET "secret" /* what a column is called that holds one */

static const int64_t EXACT_LIMIT = INT64_C(1) << 53; /* of whole numbers in a double */

bool world_dump_is(const cJSON *tree)
{
    return cJSON_GetObjectItemCaseSensitive(tree, MARK) != NULL;
}

const cJSON *world_dump_options(const cJSON *dump)
{
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(dump, "options");

    return cJSON_IsObject(options) ? options : NULL;
}

static int64_t schema_version(struct world *world)
{
    return database_number(world->database, 0, "PRAGMA user_version", "");
}

/* Names of the tables, as an object of its own each; the world's own row is not among
 * them, and no table that is made of secrets. Owned by the caller. */
static cJSON *list_tables(struct world *world)
{
    cJSON *tables = cJSON_CreateObject();
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT name FROM sqlite_schema WHERE type = 'table' AND name "
                       "NOT IN ('world', 'credential', 'device_code', 'login_code',"
                       " 'refresh_token') ORDER BY name",
                       "");

    while (database_step(world->database, row))
        cJSON_AddArrayToObject(tables, database_column(row, 0));
    return tables;
}

/* ---- writing ---- */

static void append_text(struct buffer *to, const char *text)
{
    buffer_append_json_string(to, text, strlen(text));
}

static void append_column(struct buffer *to, sqlite3_stmt *row, int column)
{
    /* a text where a JSON number would lose digits; the column makes a number of it */
    const int64_t number = sqlite3_column_int64(row, column);
    const bool is_number = sqlite3_column_type(row, column) == SQLITE_INTEGER &&
                           number <= EXACT_LIMIT && number >= -EXACT_LIMIT;

    append_text(to, sqlite3_column_name(row, column));
    buffer_append_char(to, ':');
    if (is_number)
        buffer_printf(to, "%" PRId64, number);
    else
        append_text(to, database_column(row, column));
}

/* What is NULL is left out, and what is secret. */
static void append_row(struct buffer *to, sqlite3_stmt *row)
{
    const char *comma = "";

    buffer_append_char(to, '{');
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        if (sqlite3_column_type(row, i) == SQLITE_NULL ||
            strcmp(sqlite3_column_name(row, i), SECRET) == 0)
            continue;
        buffer_append_string(to, comma);
        append_column(to, row, i);
        comma = ",";
    }
    buffer_append_char(to, '}');
}

static void append_table(struct world *world, struct buffer *to, const char *name)
{
    char *sql =
        memory_format("SELECT %s FROM \"%s\" ORDER BY 1, 2",
                      strcmp(name, "bin") == 0 ? directory_bin_columns : "*", name);
    sqlite3_stmt *row = database_query(world->database, sql, "");
    const char *comma = "";

    append_text(to, name);
    buffer_append_string(to, ":[");
    while (database_step(world->database, row)) {
        buffer_append_string(to, comma);
        append_row(to, row);
        comma = ",";
    }
    buffer_append_char(to, ']');
    free(sql);
}

void world_dump_write(struct world *world, struct buffer *to)
{
    char now[CLOCK_TEXT_SIZE], *options = json_print(world->options);
    cJSON *tables = list_tables(world);
    const cJSON *table;
    struct buffer faults = {0};

    clock_format_utc(world->now_ms, now);
    faults_write(world->faults, &faults);
    buffer_printf(to,
                  "{\"" MARK "\":%" PRId64 ",\"now\":\"%s\",\"calls\":%" PRId64
                  ",\"version\":%" PRId64 ",\"options\":%s,\"faults\":",
                  schema_version(world), now, world->calls, world->version, options);
    append_text(to, faults.data != NULL ? faults.data : "");
    buffer_append_string(to, ",\"tables\":{");
    buffer_deinit(&faults);
    cJSON_ArrayForEach (table, tables) {
        if (table != tables->child)
            buffer_append_char(to, ',');
        append_table(world, to, table->string);
    }
    buffer_append_string(to, "}}");
    cJSON_Delete(tables);
    free(options);
}

/* ---- loading ---- */

static bool is_json(const cJSON *row, const char *column, int type)
{
    const char *text = json_string_at(row, column);
    cJSON *tree = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;
    const bool is_such = tree != NULL && (tree->type & 0xff) == type;

    cJSON_Delete(tree);
    return is_such;
}

/* What the simulator relies on when it reads a row again. */
static char *check_row(const struct world *world, const struct spot *spot,
                       const cJSON *row)
{
    const char *type = json_string_at(row, "type"), *text = json_string_at(row, "body");
    const bool is_bin = strcmp(spot->up->name, "bin") == 0;
    const bool is_object = is_bin || strcmp(spot->up->name, "object") == 0;
    const bool has_kind =
        strcmp(spot->up->name, "entity") == 0 || strcmp(spot->up->name, "monitor") == 0;
    const cJSON *member;

    if (!cJSON_IsObject(row))
        return spot_complain(spot, "an object expected");
    cJSON_ArrayForEach (member, row) {
        if (!cJSON_IsString(member) &&
            !(cJSON_IsNumber(member) && fabs(member->valuedouble) <= (double)EXACT_LIMIT))
            return spot_complain(spot, "'%.100s' is neither text nor a number up to 2^53",
                                 member->string);
    }
    if (has_kind && (type == NULL || world_find_kind(world, type) == NULL))
        return spot_complain(spot, "no such kind: '%.100s'", type != NULL ? type : "");
    if (is_object || strcmp(spot->up->name, "entity") == 0) {
        cJSON *body = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;
        const bool is_good = json_string_at(body, "id") != NULL;

        cJSON_Delete(body);
        if (!is_good)
            return spot_complain(spot, "its body is no JSON with an 'id'");
    }
    if (is_bin &&
        (!is_json(row, "object", cJSON_Array) || !is_json(row, "links", cJSON_Object)))
        return spot_complain(spot, "its object or its links are no JSON");
    return NULL;
}

/* "INSERT INTO entity (key, id) VALUES (?, ?)", owned by the caller. Names are quoted, so
 * that a text from elsewhere is a name that does not exist at worst. */
static char *format_insert(const char *table, const cJSON *row)
{
    struct buffer sql = {0}, marks = {0};
    const cJSON *member;

    buffer_printf(&sql, "INSERT INTO \"%s\" (", table);
    cJSON_ArrayForEach (member, row) {
        buffer_printf(&sql, "%s\"", member != row->child ? "," : "");
        for (const char *c = member->string; *c != '\0'; c++) {
            if (*c != '"')
                buffer_append_char(&sql, *c);
        }
        buffer_append_char(&sql, '"');
        buffer_append_string(&marks, member != row->child ? ",?" : "?");
    }
    buffer_printf(&sql, ") VALUES (%s)", marks.data != NULL ? marks.data : "");
    buffer_deinit(&marks);
    return buffer_take(&sql);
}

static char *insert(struct world *world, const struct spot *spot, const char *table,
                    const cJSON *row)
{
    char *sql = format_insert(table, row);
    sqlite3_stmt *statement = database_query(world->database, sql, "");
    const cJSON *member;
    int index = 1;

    free(sql);
    cJSON_ArrayForEach (member, row) {
        if (statement == NULL)
            break; /* no such column */
        if (cJSON_IsNumber(member))
            sqlite3_bind_int64(statement, index++, (int64_t)member->valuedouble);
        else
            sqlite3_bind_text(statement, index++, member->valuestring, -1, SQLITE_STATIC);
    }
    while (database_step(world->database, statement))
        continue;
    return database_is_healthy(world->database)
               ? NULL
               : spot_complain(spot, "%s", database_error(world->database));
}

static char *load_table(struct world *world, const struct spot *spot, const cJSON *rows)
{
    const cJSON *row;
    int index = 0;

    if (!cJSON_IsArray(rows))
        return spot_complain(spot, "a list expected");
    cJSON_ArrayForEach (row, rows) {
        const struct spot place = {spot, NULL, index++};
        char *wrong = check_row(world, &place, row);

        if (wrong == NULL)
            wrong = insert(world, &place, spot->name, row);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static char *load_tables(struct world *world, const cJSON *given)
{
    const struct spot whole = {0}, place = {&whole, "tables", 0};
    cJSON *tables = list_tables(world);
    const cJSON *table;
    char *wrong = NULL;

    cJSON_ArrayForEach (table, given) {
        const struct spot spot = {&place, table->string, 0};

        if (wrong != NULL)
            break;
        wrong = cJSON_GetObjectItemCaseSensitive(tables, table->string) != NULL
                    ? load_table(world, &spot, table)
                    : spot_complain(&spot, "there is no such table");
    }
    cJSON_Delete(tables);
    return wrong;
}

char *world_dump_load(struct world *world, const cJSON *dump)
{
    const double version = json_number_at(dump, MARK, 0);
    const char *now = json_string_at(dump, "now"), *faults;
    const cJSON *tables = cJSON_GetObjectItemCaseSensitive(dump, "tables");
    int64_t now_ms;
    char *wrong;

    if ((int64_t)version != schema_version(world))
        return memory_format("the dump is of another version of moongate (%.0f, not "
                             "%" PRId64 ")",
                             version, schema_version(world));
    if (now == NULL || clock_parse_utc(now, &now_ms) != 0)
        return memory_copy_string("now: a time expected");
    if (!cJSON_IsObject(tables))
        return memory_copy_string("tables: an object expected");
    wrong = load_tables(world, tables);
    if (wrong != NULL)
        return wrong;
    world_set_time(world, now_ms);
    world->calls = (int64_t)json_number_at(dump, "calls", 0);
    world->version = (int64_t)json_number_at(dump, "version", 0);
    world->directory_changes++;
    people_restore_secrets(world);
    faults = json_string_at(dump, "faults");
    return faults_set(world->faults, faults != NULL ? faults : "");
}
