/* engine/sim/api_revision.c - revisions of an API. */
#include "sim/api_revision.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/world.h"

static const char mark[] = ";rev=";

const char *api_revision_number(const char *name)
{
    const char *at = strstr(name, mark);

    return at != NULL ? at + strlen(mark) : NULL;
}

char *api_revision_resolve(struct world *world, char *key)
{
    const char *number = api_revision_number(key);
    char *base, *wanted, *current, *resolved;
    size_t length;

    if (number == NULL)
        return key;
    length = strcspn(number, "/");
    base = memory_copy_text(key, (size_t)(number - key) - strlen(mark));
    wanted = memory_copy_text(number, length);
    current = database_text(world->database,
                            "SELECT json_extract(body, '$.properties.apiRevision')"
                            " FROM entity WHERE key = ?",
                            "t", base);
    resolved = current != NULL && strcmp(current, wanted) == 0
                   ? memory_format("%s%s", base, number + length)
                   : NULL;
    free(base);
    free(wanted);
    free(current);
    if (resolved == NULL)
        return key;
    free(key);
    return resolved;
}

/* The keys of what is below the resource `key`, parents first: a list of texts, owned by the
 * caller. */
static cJSON *list_below(struct world *world, const char *key)
{
    char *first = memory_format("%s/", key), *end = memory_format("%s0", key);
    cJSON *keys = cJSON_CreateArray();
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT key FROM entity WHERE key >= ? AND key < ? AND type <>"
                       " 'Microsoft.ApiManagement/service/workspaces/apis/releases'"
                       " ORDER BY key",
                       "tt", first, end);

    while (database_step(world->database, row))
        cJSON_AddItemToArray(keys, cJSON_CreateString(database_column(row, 0)));
    free(first);
    free(end);
    return keys;
}

/* Saves the resource `key`, which is below the API whose id is `from_length` long, below the
 * API `to`. */
static void save_below(struct world *world, const char *key, size_t from_length,
                       const char *to)
{
    struct entity *entity = entity_find(world, key);
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);
    char *id = memory_format("%s%s", to, entity->id + from_length);
    char *parent = memory_format("%s%s", to, entity->parent + from_length);

    json_set_at(body, "id", cJSON_CreateString(id));
    entity_save(world, entity->kind, text_lower(parent), body);
    free(parent);
    free(id);
    cJSON_Delete(body);
    entity_free(entity);
}

void api_revision_copy(struct world *world, const char *source, const char *id)
{
    cJSON *keys = list_below(world, source);
    const cJSON *key;

    cJSON_ArrayForEach (key, keys)
        save_below(world, key->valuestring, strlen(source), id);
    cJSON_Delete(keys);
}

static void forget(struct world *world, const char *key)
{
    database_run(world->database, "DELETE FROM link WHERE source = ?", "t", key);
    database_run(world->database, "DELETE FROM entity WHERE key = ?", "t", key);
}

/* Moves what is below one API to another. */
static void move_below(struct world *world, const char *from, const char *to)
{
    cJSON *keys = list_below(world, from);
    const cJSON *key;

    cJSON_ArrayForEach (key, keys) {
        save_below(world, key->valuestring, strlen(from), to);
        forget(world, key->valuestring);
    }
    cJSON_Delete(keys);
}

static void save_as(struct world *world, const struct entity *entity, const char *id,
                    bool is_current)
{
    cJSON *body = json_parse(entity->body, strlen(entity->body), NULL);

    json_set_at(body, "id", cJSON_CreateString(id));
    json_set_at(body, "name", cJSON_CreateString(strrchr(id, '/') + 1));
    json_set_at(body, "properties.isCurrent", cJSON_CreateBool(is_current));
    entity_save(world, &api_kind, entity->parent, body);
    cJSON_Delete(body);
}

void api_revision_make_current(struct world *world, const char *key)
{
    struct entity *next = entity_find(world, key), *now;
    const size_t length = (size_t)(api_revision_number(key) - key) - strlen(mark);
    char *base = memory_copy_text(key, length), *number, *past, *aside;

    now = entity_find(world, base);
    number = database_text(world->database,
                           "SELECT json_extract(body, '$.properties.apiRevision')"
                           " FROM entity WHERE key = ?",
                           "t", base);
    past = memory_format("%s%s%s", now->id, mark, number);
    aside = memory_format("%s%s", now->id, mark);
    move_below(world, base, aside);
    move_below(world, key, now->id);
    text_lower(aside);
    move_below(world, aside, past);
    forget(world, key);
    save_as(world, now, past, false);
    save_as(world, next, now->id, true);
    free(base);
    free(number);
    free(past);
    free(aside);
    entity_free(now);
    entity_free(next);
}

void api_revision_remove_all(struct world *world, const char *key)
{
    char *first = memory_format("%s%s", key, mark), *end = memory_format("%s;rev>", key);
    char *one;

    while (
        (one = database_text(world->database,
                             "SELECT key FROM entity WHERE key >= ? AND key < ? AND type"
                             " = 'Microsoft.ApiManagement/service/workspaces/apis'"
                             " LIMIT 1",
                             "tt", first, end)) != NULL) {
        entity_remove(world, one);
        free(one);
    }
    free(first);
    free(end);
}
