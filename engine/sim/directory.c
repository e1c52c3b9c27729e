/* engine/sim/directory.c - the users, groups and applications of the simulated tenant. */
#include "sim/directory.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/database.h"
#include "sim/grants.h"
#include "sim/graph_model.h"
#include "sim/world.h"

/* ---- objects ---- */

/* A lowered copy of the member, or NULL when it is no string. */
static char *lowered(const cJSON *body, const char *name)
{
    char *text = memory_copy_string(json_string_at(body, name));

    return text != NULL ? text_lower(text) : NULL;
}

/* 0 when Graph knows it at once. */
static int64_t find_visible(const struct world *world)
{
    return world->graph_lag_ms > 0 ? world->now_ms + world->graph_lag_ms : 0;
}

void directory_save(struct world *world, const char *type, const cJSON *body,
                    int64_t replicated_ms, const struct directory_secret *secret)
{
    char *id = lowered(body, "id"), *name = lowered(body, "displayName");
    char *nickname = lowered(body, "mailNickname"),
         *upn = lowered(body, "userPrincipalName");
    char *client = strcmp(type, "Application") == 0 ? lowered(body, "appId") : NULL;
    cJSON *rest, *shown = graph_model_split(graph_type_find(type), body, &rest);
    char *text = json_print(shown), *hidden = rest != NULL ? json_print(rest) : NULL;

    database_run(
        world->database,
        "INSERT INTO object VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12)"
        " ON CONFLICT (id) DO UPDATE SET name_key = ?3, nickname_key = ?4,"
        " upn_key = ?5, body = ?9, hidden = ?10",
        "tttttttittit", id, type, name != NULL ? name : "", nickname, upn,
        secret != NULL ? secret->app_id : NULL, secret != NULL ? secret->secret : NULL,
        replicated_ms, text, hidden, find_visible(world), client);
    world->directory_changes++;
    cJSON_Delete(shown);
    cJSON_Delete(rest);
    free(id);
    free(name);
    free(nickname);
    free(upn);
    free(client);
    free(text);
    free(hidden);
}

void directory_set_rights(struct world *world, const char *app_id, unsigned rights)
{
    database_run(world->database, "UPDATE object SET rights = ? WHERE app_id = ?", "it",
                 (int64_t)rights, app_id);
}

void directory_set_secret(struct world *world, const char *id, const char *secret)
{
    database_run(world->database, "UPDATE object SET secret = ? WHERE id = ?", "tt",
                 secret, id);
}

/* `expected` is taken; an empty one, or NULL, is no secret. */
static bool is_same(char *expected, const char *secret)
{
    const size_t length = expected != NULL ? strlen(expected) : 0;
    const bool is_good = length > 0 && length == strlen(secret) &&
                         CRYPTO_memcmp(expected, secret, length) == 0;

    free(expected);
    return is_good;
}

bool directory_check_password(struct world *world, const char *id, const char *password)
{
    return is_same(
        database_text(world->database, "SELECT secret FROM object WHERE id = ?", "t", id),
        password);
}

char *directory_find(struct world *world, const char *type, const char *id)
{
    char *key = text_lower(memory_copy_string(id));
    char *text = database_text(world->database,
                               "SELECT body FROM object WHERE id = ?1 AND"
                               " (?2 IS NULL OR type = ?2) AND visible_ms <= ?3",
                               "tti", key, type, world->now_ms);

    free(key);
    return text;
}

cJSON *directory_load(struct world *world, const char *type, const char *id)
{
    sqlite3_stmt *row = database_query(world->database,
                                       "SELECT body, hidden FROM object WHERE id = ?1 AND"
                                       " (?2 IS NULL OR type = ?2) AND visible_ms <= ?3",
                                       "tti", id, type, world->now_ms);
    cJSON *body;

    if (!database_step(world->database, row))
        return NULL;

    const char *shown = database_column(row, 0), *hidden = database_column(row, 1);
    cJSON *rest = *hidden != '\0' ? json_parse(hidden, strlen(hidden), NULL) : NULL;

    body = json_parse(shown, strlen(shown), NULL);
    while (rest != NULL && rest->child != NULL) {
        cJSON *member = cJSON_DetachItemViaPointer(rest, rest->child);

        cJSON_AddItemToObject(body, member->string, member);
    }
    cJSON_Delete(rest);
    database_done(row);
    return body;
}

char *directory_find_type(struct world *world, const char *id)
{
    return database_text(world->database,
                         "SELECT type FROM object WHERE id = ? AND visible_ms <= ?", "ti",
                         id, world->now_ms);
}

char *directory_principal_type(struct world *world, const char *id)
{
    char *key = text_lower(memory_copy_string(id));
    char *type = database_text(world->database,
                               "SELECT type FROM object WHERE id = ? AND"
                               " replicated_ms <= ? AND type <> 'Application'",
                               "ti", key, world->now_ms);

    free(key);
    return type;
}

bool directory_may_sign_in(struct world *world, const char *id)
{
    return database_number(world->database, 0,
                           "SELECT ifnull(json_patch(body, ifnull(hidden, '{}')) ->>"
                           " 'accountEnabled', 1) FROM object WHERE id = ?",
                           "t", id) != 0;
}

/* ---- members and owners ---- */

bool directory_is_member(struct world *world, const char *group, const char *member)
{
    return database_number(world->database, 0,
                           "SELECT 1 FROM member WHERE owner = ? AND member = ?", "tt",
                           group, member) != 0;
}

void directory_add_member(struct world *world, const char *group, const char *member)
{
    database_run(world->database, "INSERT OR IGNORE INTO member VALUES (?, ?)", "tt",
                 group, member);
    grants_forget(world);
}

void directory_remove_member(struct world *world, const char *group, const char *member)
{
    database_run(world->database, "DELETE FROM member WHERE owner = ? AND member = ?",
                 "tt", group, member);
    grants_forget(world);
}

bool directory_is_owner(struct world *world, const char *object, const char *owner)
{
    return database_number(world->database, 0,
                           "SELECT 1 FROM ownership WHERE object = ? AND owner = ?", "tt",
                           object, owner) != 0;
}

void directory_add_owner(struct world *world, const char *object, const char *owner)
{
    database_run(world->database, "INSERT OR IGNORE INTO ownership VALUES (?, ?)", "tt",
                 object, owner);
}

void directory_remove_owner(struct world *world, const char *object, const char *owner)
{
    database_run(world->database, "DELETE FROM ownership WHERE object = ? AND owner = ?",
                 "tt", object, owner);
}

int64_t directory_count_owners(struct world *world, const char *object)
{
    return database_number(world->database, 0,
                           "SELECT COUNT(*) FROM ownership WHERE object = ?", "t",
                           object);
}

/* ---- the recycle bin ---- */

static const char bin_query[] =
    "INSERT OR REPLACE INTO bin SELECT id, type, ?2, json_set(body, '$.deletedDateTime',"
    " strftime('%Y-%m-%dT%H:%M:%SZ', ?2 / 1000, 'unixepoch')),"
    " json_array(id, type, name_key, nickname_key, upn_key, app_id, secret,"
    " replicated_ms, body, hidden, visible_ms, rights, client_key),"
    " json_object('members', (SELECT json_group_array(member) FROM member WHERE owner = "
    "?1),"
    " 'groups', (SELECT json_group_array(owner) FROM member WHERE member = ?1),"
    " 'owners', (SELECT json_group_array(owner) FROM ownership WHERE object = ?1),"
    " 'owned', (SELECT json_group_array(object) FROM ownership WHERE owner = ?1))"
    " FROM object WHERE id = ?1";

const char directory_bin_columns[] =
    "id, type, deleted_ms, body, json_set(object, '$[6]', NULL) AS object, links";

void directory_remove(struct world *world, const char *id)
{
    static const char *const deletions[] = {
        "DELETE FROM member WHERE owner = ?", "DELETE FROM member WHERE member = ?",
        "DELETE FROM ownership WHERE object = ?", "DELETE FROM ownership WHERE owner = ?",
        "DELETE FROM object WHERE id = ?"};

    database_run(world->database, bin_query, "ti", id, world->now_ms);
    for (size_t i = 0; i < sizeof deletions / sizeof deletions[0]; i++)
        database_run(world->database, deletions[i], "t", id);
    world->directory_changes++;
    grants_forget(world);
}

/* A link comes back when its other end is still there. */
bool directory_restore(struct world *world, const char *id)
{
    static const char *const insertions[] = {
        "INSERT INTO object SELECT object ->> 0, object ->> 1, object ->> 2, object ->> "
        "3,"
        " object ->> 4, object ->> 5, object ->> 6, object ->> 7, object ->> 8,"
        " object ->> 9, object ->> 10, object ->> 11, object ->> 12"
        " FROM bin WHERE id = ?1",
        "INSERT OR IGNORE INTO member SELECT ?1, value FROM bin, json_each(links,"
        " '$.members') WHERE bin.id = ?1 AND value IN (SELECT id FROM object)",
        "INSERT OR IGNORE INTO member SELECT value, ?1 FROM bin, json_each(links,"
        " '$.groups') WHERE bin.id = ?1 AND value IN (SELECT id FROM object)",
        "INSERT OR IGNORE INTO ownership SELECT ?1, value FROM bin, json_each(links,"
        " '$.owners') WHERE bin.id = ?1 AND value IN (SELECT id FROM object)",
        "INSERT OR IGNORE INTO ownership SELECT value, ?1 FROM bin, json_each(links,"
        " '$.owned') WHERE bin.id = ?1 AND value IN (SELECT id FROM object)",
        "DELETE FROM bin WHERE id = ?1"};

    if (database_number(world->database, 0, "SELECT 1 FROM bin WHERE id = ?", "t", id) ==
        0)
        return false;
    for (size_t i = 0; i < sizeof insertions / sizeof insertions[0]; i++)
        database_run(world->database, insertions[i], "t", id);
    world->directory_changes++;
    grants_forget(world);
    return true;
}

/* ---- secrets ---- */

void directory_restore_secret(struct world *world, const char *column, const char *key,
                              const char *secret)
{
    char *living = memory_format("UPDATE object SET secret = ? WHERE %s = ?", column);
    char *deleted = memory_format("UPDATE bin SET object = json_set(object, '$[6]', ?)"
                                  " WHERE object ->> %d = ?",
                                  strcmp(column, "upn_key") == 0 ? 4 : 5);

    database_run(world->database, living, "tt", secret, key);
    database_run(world->database, deleted, "tt", secret, key);
    free(living);
    free(deleted);
}

void directory_add_credential(struct world *world, const char *key_id, const char *object,
                              const char *app_id, const char *secret, int64_t start_ms,
                              int64_t end_ms)
{
    char *key = text_lower(memory_copy_string(app_id));

    database_run(world->database, "INSERT INTO credential VALUES (?, ?, ?, ?, ?, ?)",
                 "ttttii", key_id, object, key, secret, start_ms, end_ms);
    free(key);
}

void directory_remove_credential(struct world *world, const char *key_id)
{
    database_run(world->database, "DELETE FROM credential WHERE key_id = ?", "t", key_id);
}

/* One of a deleted registration is none any more. */
bool directory_check_secret(struct world *world, const char *app_id, const char *secret)
{
    char *key = text_lower(memory_copy_string(app_id));
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT secret FROM object WHERE app_id = ?1 UNION ALL SELECT credential.secret"
        " FROM credential CROSS JOIN object ON object.id = credential.object"
        " WHERE credential.app_id = ?1 AND start_ms <= ?2 AND end_ms > ?2",
        "ti", key, world->now_ms);
    bool is_good = false;

    while (database_step(world->database, row))
        is_good = is_same(memory_copy_string(database_column(row, 0)), secret) || is_good;
    free(key);
    return is_good;
}
