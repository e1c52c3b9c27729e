/* engine/sim/grants.c - what a principal may do.
 *
 * What was found out about a principal is kept until any assignment or membership
 * changes, because every single request asks. */
#include "sim/grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/role.h"
#include "sim/database.h"
#include "sim/world.h"

struct grant {
    struct grant *next;
    const struct role *role;
    char scope[]; /* a key */
};

/* One principal's; a head, so that having none can be remembered too. */
struct grants {
    struct grant *first;
};

static void free_grants(void *value)
{
    struct grants *grants = value;

    while (grants->first != NULL) {
        struct grant *grant = grants->first;

        grants->first = grant->next;
        free(grant);
    }
    free(grants);
}

void grants_forget(struct world *world)
{
    map_deinit(&world->grants, free_grants);
    world->grants = (struct map){0};
}

static struct grants *load(struct world *world, const char *principal)
{
    struct grants *grants = memory_new(sizeof *grants);
    sqlite3_stmt *row = database_query(
        world->database,
        "WITH RECURSIVE mine (id) AS (SELECT ? UNION"
        " SELECT member.owner FROM mine CROSS JOIN member ON member.member = mine.id)"
        " SELECT assignment.scope, assignment.role"
        " FROM mine CROSS JOIN assignment ON assignment.principal = mine.id",
        "t", principal);

    while (database_step(world->database, row)) {
        const char *scope = database_column(row, 0);
        const struct role *role = role_find(database_column(row, 1));

        if (role == NULL)
            continue;

        struct grant *grant = memory_new(sizeof *grant + strlen(scope) + 1);

        memcpy(grant->scope, scope, strlen(scope) + 1);
        grant->role = role;
        grant->next = grants->first;
        grants->first = grant;
    }
    map_set(&world->grants, principal, grants);
    return grants;
}

/* Whether the text is what the pattern says; a '*' stands for any characters, also none.
 */
static bool matches(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern != '\0' && (*pattern | 0x20) == (*text | 0x20)) {
            pattern++, text++; /* letters, slashes and dots only: the bit is their case */
        } else if (star != NULL) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool matches_any(const char *const *patterns, const char *action)
{
    while (patterns != NULL && *patterns != NULL && !matches(*patterns, action))
        patterns++;
    return patterns != NULL && *patterns != NULL;
}

static bool is_at_or_above(const char *scope, const char *key)
{
    const size_t length = strlen(scope);

    return strncmp(scope, key, length) == 0 &&
           (key[length] == '\0' || key[length] == '/');
}

static const struct grants *find(struct world *world, const char *principal)
{
    const struct grants *grants = map_find(&world->grants, principal);

    return grants != NULL ? grants : load(world, principal);
}

static void add_texts(cJSON *object, const char *name, const char *const *texts)
{
    cJSON *list = cJSON_AddArrayToObject(object, name);

    for (; texts != NULL && *texts != NULL; texts++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*texts));
}

cJSON *grants_describe(struct world *world, const char *principal, const char *scope_key)
{
    const struct grants *grants = find(world, principal);
    cJSON *permissions = cJSON_CreateArray();

    for (const struct grant *grant = grants->first; grant != NULL; grant = grant->next) {
        cJSON *one;

        if (!is_at_or_above(grant->scope, scope_key))
            continue;
        one = cJSON_CreateObject();
        add_texts(one, "actions", grant->role->actions);
        add_texts(one, "notActions", grant->role->not_actions);
        add_texts(one, "dataActions", NULL);
        add_texts(one, "notDataActions", NULL);
        cJSON_AddItemToArray(permissions, one);
    }
    return permissions;
}

bool grants_allow(struct world *world, const char *principal, const char *scope_key,
                  const char *action)
{
    const struct grants *grants = find(world, principal);

    for (const struct grant *grant = grants->first; grant != NULL; grant = grant->next) {
        if (is_at_or_above(grant->scope, scope_key) &&
            matches_any(grant->role->actions, action) &&
            !matches_any(grant->role->not_actions, action))
            return true;
    }
    return false;
}
