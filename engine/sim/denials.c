/* engine/sim/denials.c - deny assignments: what a client sees of them. A world file makes them
 * (sim/world.h), as clients cannot, and grants.c enforces them. */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/grants.h"
#include "sim/item.h"
#include "sim/scope_filter.h"
#include "sim/target.h"
#include "sim/world.h"

/* ---- whom it is about ---- */

static void index_principals(const struct change *change, const char *path,
                             bool is_excluded)
{
    const cJSON *principal;

    cJSON_ArrayForEach (principal, json_at(change->body, path))
        database_run(change->world->database,
                     "INSERT OR IGNORE INTO denial VALUES (?, ?, ?)", "tti", change->key,
                     json_string_at(principal, "id"), (int64_t)is_excluded);
}

static void complete_denial(struct change *change)
{
    if (json_at(change->body, "properties.description") == NULL)
        json_set_at(change->body, "properties.description", cJSON_CreateNull());
    item_stamp(change->world, change->body, change->old_body, EVERYONE); /* the system */
}

static void index_denial(struct change *change)
{
    index_principals(change, "properties.principals", false);
    index_principals(change, "properties.excludePrincipals", true);
    grants_forget(change->world);
}

/* ---- what a client sees ---- */

enum { ASK_AT_SCOPE, ASK_NAME, ASK_PRINCIPAL, ASK_ASSIGNED };

static const struct scope_question questions[] = {
    [ASK_AT_SCOPE] = {"atScope", ASK_NOTHING},
    [ASK_NAME] = {"denyAssignmentName", ASK_EQUALITY},
    [ASK_PRINCIPAL] = {"principalId", ASK_EQUALITY},
    [ASK_ASSIGNED] = {"assignedTo", ASK_IN_BRACKETS},
    {0}};

static sqlite3_stmt *query(struct world *world, const struct target *target,
                           const struct scope_filter *filter, const char *above)
{
    const bool with_groups = filter->texts[ASK_ASSIGNED] != NULL;
    char *principal =
        with_groups ? filter->texts[ASK_ASSIGNED] : filter->texts[ASK_PRINCIPAL];

    if (principal != NULL)
        text_lower(principal);
    return database_query(
        world->database,
        "WITH RECURSIVE who (id) AS (SELECT ?4 UNION SELECT member.owner FROM who CROSS"
        " JOIN member ON member.member = who.id WHERE ?5 <> 0)"
        " SELECT body FROM entity WHERE type = 'Microsoft.Authorization/denyAssignments'"
        " AND (parent IN (SELECT value FROM json_each(?1)) OR"
        " (?3 = 0 AND parent > ?2 || '/' AND parent < ?2 || '0'))"
        " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM who CROSS JOIN denial ON"
        " denial.principal = who.id AND denial.is_excluded = 0 AND denial.key ="
        " entity.key)) ORDER BY key",
        "ttiti", above, grants_find_scope(world, target->parent),
        (int64_t)(filter->texts[ASK_AT_SCOPE] != NULL), principal, (int64_t)with_groups);
}

/* All on one page: there are as many as the world file has. */
static void list_denials(struct world *world, const struct call *call,
                         const struct target *target, struct answer *answer)
{
    struct scope_filter filter;
    struct page page = {0};

    if (scope_filter_read(&filter, questions, call, answer)) {
        char *above = grants_list_above(world, target->parent);
        sqlite3_stmt *row = query(world, target, &filter, above);

        while (database_step(world->database, row)) {
            const char *text = database_column(row, 0);
            cJSON *body = json_parse(text, strlen(text), NULL);

            if (filter.texts[ASK_NAME] == NULL ||
                text_equal_nocase(filter.texts[ASK_NAME],
                                  json_string_at(body, "properties.denyAssignmentName")))
                page_add(&page, text);
            cJSON_Delete(body);
        }
        page_close(&page, call, answer, -1, NULL);
        free(above);
    }
    scope_filter_release(&filter);
}

static void remove_denial(struct world *world, const char *key)
{
    database_run(world->database, "DELETE FROM denial WHERE key = ?", "t", key);
    grants_forget(world);
}

const struct rules deny_assignment_rules = {.kind = &deny_assignment_kind,
                                            .complete = complete_denial,
                                            .saved = index_denial,
                                            .removed = remove_denial,
                                            .list = list_denials};
