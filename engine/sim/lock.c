/* engine/sim/lock.c - management locks: what keeps a scope from being changed or deleted.
 *
 * A lock is a stored resource whose parent is the scope. That a lock is minded by role
 * assignments at its scope, and by no other lock there, is assumed: nobody could take a
 * ReadOnly lock away otherwise. */
#include "sim/lock.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/item.h"
#include "sim/rules.h"
#include "sim/target.h"
#include "sim/world.h"

static bool is_read_only(const char *text)
{
    cJSON *body = json_parse(text, strlen(text), NULL);
    const char *level = json_string_at(body, "properties.level");
    const bool is_such = level != NULL && text_equal_nocase(level, "ReadOnly");

    cJSON_Delete(body);
    return is_such;
}

/* The id of the scope that a lock's id names; owned by the caller. */
static char *find_scope(const char *lock_id)
{
    return memory_copy_text(lock_id, strlen(lock_id) - strlen(strrchr(lock_id, '/')) -
                                         strlen(lock_kind.collection));
}

/* The scope of the first lock that `row` has and `act` minds, or NULL. Ends the row. */
static char *find_in(struct world *world, sqlite3_stmt *row, enum lock_act act)
{
    char *scope = NULL;

    while (database_step(world->database, row)) {
        if (act == LOCK_WRITE && !is_read_only(database_column(row, 1)))
            continue;
        scope = find_scope(database_column(row, 0));
        database_done(row);
        break;
    }
    return scope;
}

/* At the scope itself and above it, the subscription included. */
static char *find_above(struct world *world, const char *key, enum lock_act act)
{
    char *scope = memory_copy_string(key), *found = NULL;
    char *end = scope + strlen(scope);

    while (found == NULL && end > scope) {
        *end = '\0';
        found = find_in(world,
                        database_query(world->database,
                                       "SELECT id, body FROM entity WHERE parent = ? AND"
                                       " type = 'Microsoft.Authorization/locks'",
                                       "t", scope),
                        act);
        end = strrchr(scope, '/');
    }
    free(scope);
    return found;
}

static char *find_below(struct world *world, const char *key, enum lock_act act)
{
    char *first = memory_format("%s/", key), *end = memory_format("%s0", key);
    char *found = find_in(world,
                          database_query(world->database,
                                         "SELECT id, body FROM entity WHERE type ="
                                         " 'Microsoft.Authorization/locks' AND key >= ?"
                                         " AND key < ? ORDER BY key",
                                         "tt", first, end),
                          act);

    free(first);
    free(end);
    return found;
}

static bool has_any(struct world *world)
{
    return database_number(world->database, 0,
                           "SELECT 1 FROM entity WHERE type ="
                           " 'Microsoft.Authorization/locks' LIMIT 1",
                           "") != 0;
}

bool lock_check(struct world *world, const char *id, enum lock_act act,
                struct answer *answer)
{
    if (!has_any(world))
        return true;

    char *key = entity_make_key(id);
    char *found = find_above(world, key, act);

    if (found == NULL && act == LOCK_DELETE)
        found = find_below(world, key, act);
    free(key);
    if (found == NULL)
        return true;
    answer_refuse(answer, REFUSE_LOCKED,
                  "The scope '%s' cannot perform %s operation because following scope(s) "
                  "are locked: '%s'. Please remove the lock and try again.",
                  id, act == LOCK_DELETE ? "delete" : "write", found);
    free(found);
    return false;
}

/* ---- the locks themselves ---- */

static bool check_scope(struct change *change)
{
    return *change->parent != '\0' ||
           answer_refuse(
               change->answer, REFUSE_MISSING_SUBSCRIPTION,
               "The request did not have a subscription or a valid tenant level "
               "resource provider.");
}

static bool check_filter(const char *filter, struct answer *answer)
{
    return filter == NULL || text_equal_nocase(filter, "atScope()") ||
           answer_refuse(answer, REFUSE_FILTER,
                         "The filter '%s' is not supported. Supported is 'atScope()'.",
                         filter);
}

/* Those at the scope and, without atScope(), those below it. */
static void list_locks(struct world *world, const struct call *call,
                       const struct target *target, struct answer *answer)
{
    const char *filter = call_parameter(call, "$filter");
    char *first = memory_format("%s/", target->parent),
         *end = memory_format("%s0", target->parent);
    struct page page = {0};

    if (check_filter(filter, answer)) {
        sqlite3_stmt *row = database_query(
            world->database,
            "SELECT body, parent FROM entity WHERE type = 'Microsoft.Authorization/locks'"
            " AND key >= ? AND key < ? ORDER BY key",
            "tt", first, end);

        while (database_step(world->database, row)) {
            if (filter == NULL || strcmp(database_column(row, 1), target->parent) == 0)
                page_add(&page, database_column(row, 0));
        }
        page_close(&page, call, answer, -1, NULL);
    }
    free(first);
    free(end);
}

const struct rules lock_rules = {
    .kind = &lock_kind, .check = check_scope, .list = list_locks};
