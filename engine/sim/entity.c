/* engine/sim/entity.c - stored Azure resources, whatever their kind. */
#include "sim/entity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/database.h"
#include "sim/ledger.h"
#include "sim/rules.h"
#include "sim/stale.h"
#include "sim/world.h"

struct entity *entity_find(struct world *world, const char *key)
{
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT type, id, parent, body, version, created_ms FROM entity WHERE key = ?",
        "t", key);

    if (!database_step(world->database, row))
        return NULL;

    struct entity *entity = memory_new(sizeof *entity);

    entity->kind = world_find_kind(world, database_column(row, 0));
    assert(entity->kind != NULL); /* a file of another version is not opened */
    entity->key = memory_copy_string(key);
    entity->id = memory_copy_string(database_column(row, 1));
    entity->parent = memory_copy_string(database_column(row, 2));
    entity->body = memory_copy_string(database_column(row, 3));
    entity->version = sqlite3_column_int64(row, 4);
    entity->created_ms = sqlite3_column_int64(row, 5);
    database_done(row);
    return entity;
}

void entity_free(struct entity *entity)
{
    if (entity == NULL)
        return;
    free(entity->key);
    free(entity->id);
    free(entity->parent);
    free(entity->body);
    free(entity);
}

bool entity_exists(struct world *world, const char *key)
{
    return database_number(world->database, 0, "SELECT 1 FROM entity WHERE key = ?", "t",
                           key) != 0;
}

cJSON *entity_body(struct world *world, const char *key)
{
    char *text =
        database_text(world->database, "SELECT body FROM entity WHERE key = ?", "t", key);
    cJSON *body = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;

    free(text);
    return body;
}

void entity_add_link(struct world *world, const char *source, const char *target,
                     const struct kind *kind)
{
    database_run(world->database, "INSERT OR IGNORE INTO link VALUES (?, ?, ?)", "ttt",
                 source, target, kind->arm_type);
}

static void save_links(struct world *world, const struct kind *kind, const char *key,
                       const cJSON *body)
{
    database_run(world->database, "DELETE FROM link WHERE source = ?", "t", key);
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const char *id = field->type == FIELD_ID && (field->flags & FIELD_READ_ONLY) == 0
                             ? json_string_at(body, field->path)
                             : NULL;

        if (id == NULL)
            continue;

        char *target = entity_make_key(id);

        entity_add_link(world, key, target, kind);
        free(target);
    }
    if (rules_find(kind)->link != NULL)
        rules_find(kind)->link(world, kind, key, body);
}

/* Eight bytes in base 64, the way API Management shows its row versions. */
static void format_version(int64_t version, char text[13])
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint64_t bits = (uint64_t)version;

    text[0] = digits[bits >> 58];
    for (int i = 1; i < 10; i++)
        text[i] = digits[bits >> (58 - 6 * i) & 63];
    text[10] = digits[bits << 2 & 63];
    text[11] = '=';
    text[12] = '\0';
}

char *entity_format_etag(const struct kind *kind, int64_t version)
{
    char text[13];

    if (strncmp(kind->arm_type, "Microsoft.Network/", 18) == 0)
        return memory_format("W/\"00000000-0000-0000-%04x-%012llx\"",
                             (unsigned)(version >> 48 & 0xffff),
                             (unsigned long long)version & 0xffffffffffffu);
    format_version(version, text);
    return memory_format("\"%s\"", text);
}

/* Inside a body API Management leaves the quotes out. */
static void set_etag(const struct kind *kind, int64_t version, cJSON *body)
{
    char *etag = entity_format_etag(kind, version);

    if (etag[0] == '"') {
        etag[strlen(etag) - 1] = '\0';
        json_set_at(body, "etag", cJSON_CreateString(etag + 1));
    } else {
        json_set_at(body, "etag", cJSON_CreateString(etag));
    }
    free(etag);
}

void entity_save(struct world *world, const struct kind *kind, const char *parent,
                 cJSON *body)
{
    const char *id = json_string_at(body, "id");
    char *key = entity_make_key(id), *text;

    stale_keep(world, key);
    world->version++;
    if (rules_find(kind)->has_etag_in_body)
        set_etag(kind, world->version, body);
    text = json_print(body);
    database_run(world->database,
                 "INSERT INTO entity VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                 " ON CONFLICT (key) DO UPDATE SET version = ?5, body = ?7",
                 "ttttiit", key, id, kind->arm_type, parent, world->version,
                 world->now_ms, text);
    if (!kind->is_extension)
        save_links(world, kind, key, body);
    free(text);
    free(key);
}

static void remove_one(struct world *world, const char *key, const char *id,
                       const struct kind *kind)
{
    struct database *database = world->database;

    stale_keep(world, key);
    if (kind != NULL && rules_find(kind)->removed != NULL)
        rules_find(kind)->removed(world, key);
    database_run(database, "DELETE FROM link WHERE source = ?", "t", key);
    database_run(
        database,
        "UPDATE monitor SET next_ms = NULL, status = 'Canceled', due_ms = ?,"
        " error = '{\"code\":\"OperationCanceled\",\"message\":\"The resource was"
        " deleted.\"}' WHERE key = ? AND next_ms IS NOT NULL",
        "it", world->now_ms, key);
    database_run(database, "DELETE FROM entity WHERE key = ?", "t", key);
    ledger_deleted(world, id);
}

/* The last resource from `first` to before `end`. False when there is none. */
static bool remove_last(struct world *world, const char *first, const char *end)
{
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT key, id, type FROM entity WHERE key >= ? AND"
                       " key < ? ORDER BY key DESC LIMIT 1",
                       "tt", first, end);

    if (!database_step(world->database, row))
        return false;

    char *key = memory_copy_string(database_column(row, 0));
    char *id = memory_copy_string(database_column(row, 1));
    const struct kind *kind = world_find_kind(world, database_column(row, 2));

    database_done(row);
    remove_one(world, key, id, kind);
    free(key);
    free(id);
    return true;
}

/* Tells the rules of a kind of each of its resources that will go: `key` itself and those
 * from `first` to before `end`. */
static void announce(struct world *world, const struct kind *kind, const char *key,
                     const char *first, const char *end)
{
    sqlite3_stmt *row = database_query(world->database,
                                       "SELECT key FROM entity WHERE type = ?1 AND (key "
                                       "= ?2 OR (key >= ?3 AND key < ?4))",
                                       "tttt", kind->arm_type, key, first, end);

    while (database_step(world->database, row))
        rules_find(kind)->removing(world, database_column(row, 0));
}

void entity_remove(struct world *world, const char *key)
{
    char *first = memory_format("%s/", key), *end = memory_format("%s0", key);
    char *itself_end = memory_format("%s\x01", key);

    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        if (rules_find(*kind)->removing != NULL)
            announce(world, *kind, key, first, end);
    }
    while (remove_last(world, first, end))
        continue;
    remove_last(world, key, itself_end);
    free(first);
    free(end);
    free(itself_end);
}

int64_t entity_count(struct world *world, const struct kind *kind, const char *parent)
{
    return database_number(world->database, 0,
                           "SELECT COUNT(*) FROM entity WHERE parent = ? AND type = ?",
                           "tt", parent, kind->arm_type);
}

char *entity_find_link(struct world *world, const char *target, const struct kind *kind,
                       const char *except)
{
    return database_text(
        world->database,
        "SELECT source FROM link WHERE target = ? AND type = ? AND source <> ?"
        " LIMIT 1",
        "ttt", target, kind->arm_type, except != NULL ? except : "");
}

void entity_remove_links(struct world *world, const char *target, const struct kind *kind)
{
    char *source;

    while ((source = entity_find_link(world, target, kind, NULL)) != NULL) {
        entity_remove(world, source);
        free(source);
    }
}

char *entity_make_key(const char *id)
{
    return text_lower(memory_copy_string(id));
}
