/* engine/sim/grants.c - what a principal may do.
 *
 * A principal's assignments are sorted by their scopes; those that count at a scope are
 * found by looking up each of the few scopes above it. */
#include "sim/grants.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/action.h"
#include "sim/database.h"
#include "sim/permission.h"
#include "sim/roles.h"
#include "sim/world.h"

#define ROOT_GROUP "/providers/microsoft.management/managementgroups/"

/* A role or a deny assignment at a scope. */
struct grant {
    char *scope;                    /* a key */
    const struct tenant_role *role; /* NULL: it denies */
    cJSON *body;                    /* of the deny assignment */
    struct permissions denied;
    bool is_here_only; /* it does not count below its scope */
};

/* One principal's. */
struct grants {
    struct grant *all; /* by scope */
    size_t count, limit;
    int64_t until_ms; /* from then on it has to be looked up again */
};

static void free_grants(void *value)
{
    struct grants *grants = value;

    for (size_t i = 0; i < grants->count; i++) {
        free(grants->all[i].scope);
        cJSON_Delete(grants->all[i].body);
        permissions_free(&grants->all[i].denied);
    }
    free(grants->all);
    free(grants);
}

void grants_forget(struct world *world)
{
    map_deinit(&world->grants, free_grants);
    world->grants = (struct map){0};
}

const char *grants_find_scope(const struct world *world, const char *key)
{
    const size_t length = strlen(ROOT_GROUP);

    if (strcmp(key, "/") == 0 ||
        (strncmp(key, ROOT_GROUP, length) == 0 &&
         text_equal_nocase(key + length, world->profile.tenant_id)))
        return "";
    return key;
}

/* ---- from the database ---- */

#define MINE                                                                             \
    "WITH RECURSIVE mine (id) AS (SELECT ?1 UNION SELECT member.owner"                   \
    " FROM mine CROSS JOIN member ON member.member = mine.id)"

static struct grant *add(struct grants *grants, const char *scope)
{
    if (grants->count == grants->limit) {
        grants->limit = grants->limit * 2 + 8;
        grants->all = memory_resize(grants->all, grants->limit * sizeof *grants->all);
    }

    struct grant *grant = &grants->all[grants->count++];

    *grant = (struct grant){.scope = memory_copy_string(scope)};
    return grant;
}

static void load_roles(struct world *world, struct grants *grants, const char *principal)
{
    sqlite3_stmt *row = database_query(
        world->database,
        MINE " SELECT assignment.scope, assignment.role FROM mine CROSS JOIN assignment"
             " ON assignment.principal = mine.id WHERE assignment.from_ms <= ?2"
             " UNION SELECT retired.scope, retired.role FROM mine CROSS JOIN retired"
             " ON retired.principal = mine.id WHERE retired.until_ms > ?2",
        "ti", principal, world->now_ms);

    while (database_step(world->database, row)) {
        const struct tenant_role *role = roles_find(world, database_column(row, 1));

        if (role != NULL)
            add(grants, grants_find_scope(world, database_column(row, 0)))->role = role;
    }
}

static void load_denials(struct world *world, struct grants *grants,
                         const char *principal)
{
    sqlite3_stmt *row = database_query(
        world->database,
        MINE ", whom (id) AS (SELECT id FROM mine UNION SELECT '" EVERYONE "')"
             " SELECT DISTINCT entity.parent, entity.body FROM whom CROSS JOIN denial"
             " ON denial.principal = whom.id AND denial.is_excluded = 0"
             " JOIN entity ON entity.key = denial.key WHERE NOT EXISTS (SELECT 1"
             " FROM mine CROSS JOIN denial AS other ON other.principal = mine.id"
             " AND other.is_excluded = 1 AND other.key = denial.key)",
        "t", principal);

    while (database_step(world->database, row)) {
        struct grant *grant =
            add(grants, grants_find_scope(world, database_column(row, 0)));
        const char *text = database_column(row, 1);

        grant->body = json_parse(text, strlen(text), NULL);
        grant->denied = permissions_read(json_at(grant->body, "properties.permissions"));
        grant->is_here_only =
            cJSON_IsTrue(json_at(grant->body, "properties.doNotApplyToChildScopes"));
    }
}

int64_t grants_next_event(struct world *world, int64_t now_ms)
{
    if (world->authorization_delay_ms == 0)
        return INT64_MAX;
    return database_number(world->database, INT64_MAX,
                           "SELECT MIN(at_ms) FROM (SELECT MIN(from_ms) AS at_ms FROM"
                           " assignment WHERE from_ms > ?1 UNION ALL SELECT"
                           " MIN(until_ms) FROM retired WHERE until_ms > ?1)"
                           " WHERE at_ms IS NOT NULL",
                           "i", now_ms);
}

static int compare_grants(const void *a, const void *b)
{
    const struct grant *one = a, *other = b;

    return strcmp(one->scope, other->scope);
}

static const struct grants *find(struct world *world, const char *principal)
{
    struct grants *grants = map_find(&world->grants, principal);

    if (grants != NULL && world->now_ms < grants->until_ms)
        return grants;
    if (grants != NULL)
        free_grants(map_remove(&world->grants, principal));
    grants = memory_new(sizeof *grants);
    load_roles(world, grants, principal);
    load_denials(world, grants, principal);
    if (grants->count > 0)
        qsort(grants->all, grants->count, sizeof *grants->all, compare_grants);
    grants->until_ms = grants_next_event(world, world->now_ms);
    map_set(&world->grants, principal, grants);
    return grants;
}

/* ---- from a scope upwards ---- */

char *grants_list_above(const struct world *world, const char *key)
{
    const char *scope = grants_find_scope(world, key);
    cJSON *list = cJSON_CreateArray();
    char *root = memory_format(ROOT_GROUP "%s", world->profile.tenant_id);

    cJSON_AddItemToArray(list, cJSON_CreateString(""));
    cJSON_AddItemToArray(list, cJSON_CreateString(text_lower(root)));
    for (size_t length = 0; scope[length] != '\0';) {
        length += 1 + strcspn(scope + length + 1, "/");

        char *part = memory_copy_text(scope, length);

        cJSON_AddItemToArray(list, cJSON_CreateString(part));
        free(part);
    }

    char *text = json_print(list);

    cJSON_Delete(list);
    free(root);
    return text;
}

bool grants_is_at_or_above(const char *scope_key, const char *key)
{
    const size_t length = strlen(scope_key);

    return strncmp(scope_key, key, length) == 0 &&
           (key[length] == '\0' || key[length] == '/');
}

/* As strcmp() of a scope and the first `length` characters of a key. */
static int compare_scope(const char *scope, const char *key, size_t length)
{
    const int order = strncmp(scope, key, length);

    return order != 0 ? order : scope[length] != '\0';
}

/* The first grant at the scope or behind it. */
static size_t find_first(const struct grants *grants, const char *key, size_t length)
{
    size_t first = 0, end = grants->count;

    while (first < end) {
        const size_t middle = first + (end - first) / 2;

        if (compare_scope(grants->all[middle].scope, key, length) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* Goes through the grants that count at a scope, from the top down. */
struct walk {
    const struct grants *grants;
    const char *key;
    size_t length; /* of the part of the key that is the scope looked at */
    size_t next;
};

static struct walk start_walk(const struct world *world, const struct grants *grants,
                              const char *key)
{
    return (struct walk){.grants = grants, .key = grants_find_scope(world, key)};
}

static const struct grant *step(struct walk *walk)
{
    const struct grants *grants = walk->grants;

    for (;;) {
        while (walk->next < grants->count &&
               compare_scope(grants->all[walk->next].scope, walk->key, walk->length) ==
                   0) {
            const struct grant *grant = &grants->all[walk->next++];

            if (!grant->is_here_only || walk->key[walk->length] == '\0')
                return grant;
        }
        if (walk->key[walk->length] == '\0')
            return NULL;
        walk->length += 1 + strcspn(walk->key + walk->length + 1, "/");
        walk->next = find_first(grants, walk->key, walk->length);
    }
}

static bool covers(const struct permissions *permissions, const char *action)
{
    for (size_t i = 0; i < permissions->count; i++) {
        const struct permission *one = &permissions->all[i];

        if (action_is_in(&(struct action_set){one->actions, one->not_actions}, action))
            return true;
    }
    return false;
}

/* Whether a role allows it; `*denial` is what denies it all the same, or NULL. */
static bool judge(struct world *world, const char *principal, const char *scope_key,
                  const char *action, const cJSON **denial)
{
    struct walk walk = start_walk(world, find(world, principal), scope_key);
    const struct grant *grant;
    bool is_allowed = false;

    *denial = NULL;
    while ((grant = step(&walk)) != NULL) {
        if (grant->role != NULL)
            is_allowed = is_allowed || covers(&grant->role->permissions, action);
        else if (*denial == NULL && covers(&grant->denied, action))
            *denial = grant->body;
    }
    return is_allowed;
}

bool grants_allow(struct world *world, const char *principal, const char *scope_key,
                  const char *action)
{
    const cJSON *denial;

    return judge(world, principal, scope_key, action, &denial) && denial == NULL;
}

const cJSON *grants_find_denial(struct world *world, const char *principal,
                                const char *scope_key, const char *action)
{
    const cJSON *denial;

    return judge(world, principal, scope_key, action, &denial) ? denial : NULL;
}

bool grants_reach(struct world *world, const char *principal, const char *scope_key)
{
    const struct grants *grants = find(world, principal);
    struct walk walk = start_walk(world, grants, scope_key);
    const size_t length = strlen(walk.key);
    const struct grant *grant;

    while ((grant = step(&walk)) != NULL) {
        if (grant->role != NULL)
            return true;
    }
    for (size_t i = walk.next; /* behind those at the scope itself */
         i < grants->count && strncmp(grants->all[i].scope, walk.key, length) == 0; i++) {
        if (grants->all[i].role != NULL &&
            grants_is_at_or_above(walk.key, grants->all[i].scope))
            return true;
    }
    return false;
}

cJSON *grants_describe(struct world *world, const char *principal, const char *scope_key)
{
    const struct grants *grants = find(world, principal);
    struct walk walk = start_walk(world, grants, scope_key);
    cJSON *list = cJSON_CreateArray();
    const struct grant *grant;

    while ((grant = step(&walk)) != NULL) {
        for (size_t i = 0; grant->role != NULL && i < grant->role->permissions.count; i++)
            cJSON_AddItemToArray(list,
                                 permission_describe(&grant->role->permissions.all[i]));
    }
    walk = start_walk(world, grants, scope_key);
    while ((grant = step(&walk)) != NULL) {
        for (size_t i = 0; i < grant->denied.count; i++)
            permission_subtract(list, &grant->denied.all[i]);
    }
    return list;
}
