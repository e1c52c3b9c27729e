/* engine/sim/directory.c - the users, groups and applications of the simulated tenant. */
#include "sim/directory.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/database.h"
#include "sim/grants.h"
#include "sim/world.h"

/* A lowered copy of the member, or NULL when it is no string. */
static char *lowered(const cJSON *body, const char *name)
{
    char *text = memory_copy_string(json_string_at(body, name));

    return text != NULL ? text_lower(text) : NULL;
}

void directory_save(struct world *world, const char *type, const cJSON *body,
                    int64_t replicated_ms, const struct directory_secret *secret)
{
    char *id = lowered(body, "id"), *name = lowered(body, "displayName");
    char *nickname = lowered(body, "mailNickname"),
         *upn = lowered(body, "userPrincipalName");
    char *text = json_print(body);

    database_run(
        world->database,
        "INSERT INTO object VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        " ON CONFLICT (id) DO UPDATE SET name_key = ?3, nickname_key = ?4, upn_key = ?5,"
        " body = ?10",
        "tttttttiit", id, type, name != NULL ? name : "", nickname, upn,
        secret != NULL ? secret->app_id : NULL, secret != NULL ? secret->secret : NULL,
        (int64_t)(secret != NULL && secret->is_admin), replicated_ms, text);
    free(id);
    free(name);
    free(nickname);
    free(upn);
    free(text);
}

char *directory_find(struct world *world, const char *type, const char *id)
{
    char *key = text_lower(memory_copy_string(id));
    char *text = type == NULL
                     ? database_text(world->database,
                                     "SELECT body FROM object WHERE id = ?", "t", key)
                     : database_text(world->database,
                                     "SELECT body FROM object WHERE id = ? AND type = ?",
                                     "tt", key, type);

    free(key);
    return text;
}

char *directory_principal_type(struct world *world, const char *id)
{
    char *key = text_lower(memory_copy_string(id));
    char *type = database_text(
        world->database, "SELECT type FROM object WHERE id = ? AND replicated_ms <= ?",
        "ti", key, world->now_ms);

    free(key);
    return type;
}

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

void directory_add_owner(struct world *world, const char *group, const char *owner)
{
    database_run(world->database, "INSERT OR IGNORE INTO ownership VALUES (?, ?)", "tt",
                 group, owner);
}

void directory_remove(struct world *world, const char *id)
{
    database_run(world->database, "DELETE FROM member WHERE owner = ?", "t", id);
    database_run(world->database, "DELETE FROM member WHERE member = ?", "t", id);
    database_run(world->database, "DELETE FROM ownership WHERE object = ?", "t", id);
    database_run(world->database, "DELETE FROM ownership WHERE owner = ?", "t", id);
    database_run(world->database, "DELETE FROM object WHERE id = ?", "t", id);
    grants_forget(world);
}
