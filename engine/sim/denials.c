/* engine/sim/denials.c - deny assignments: what the world file says of them, and what a
 * client sees. grants.c enforces them. */
#include "sim/denials.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/item.h"
#include "sim/rules.h"
#include "sim/scope_filter.h"
#include "sim/target.h"
#include "sim/world.h"

/* ---- from the world file ---- */

static const struct {
    const char *name, *member; /* in the file and in the permission; NULL: not there */
    enum { TEXT, TEXTS, FLAG } type;
} keys[] = {{"name", NULL, TEXT},
            {"scope", NULL, TEXT},
            {"description", NULL, TEXT},
            {"actions", "actions", TEXTS},
            {"not_actions", "notActions", TEXTS},
            {"data_actions", "dataActions", TEXTS},
            {"not_data_actions", "notDataActions", TEXTS},
            {"principals", NULL, TEXTS},
            {"exclude_principals", NULL, TEXTS},
            {"do_not_apply_to_child_scopes", NULL, FLAG},
            {"system_protected", NULL, FLAG}};

enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

static bool is_list_of_texts(const cJSON *value)
{
    const cJSON *element = cJSON_IsArray(value) ? value->child : NULL;

    while (element != NULL && cJSON_IsString(element))
        element = element->next;
    return cJSON_IsArray(value) && element == NULL;
}

static char *check_member(const cJSON *member)
{
    static const char *const wanted[] = {
        [TEXT] = "a string", [TEXTS] = "a list of strings", [FLAG] = "true or false"};
    size_t i = 0;
    bool is_good;

    while (i < KEY_COUNT && strcmp(keys[i].name, member->string) != 0)
        i++;
    if (i == KEY_COUNT)
        return memory_format("unknown key '%s' in a deny assignment", member->string);
    is_good = keys[i].type == TEXT    ? cJSON_IsString(member) && *member->valuestring
              : keys[i].type == TEXTS ? is_list_of_texts(member)
                                      : cJSON_IsBool(member);
    return is_good ? NULL
                   : memory_format("'%s' of a deny assignment must be %s", keys[i].name,
                                   wanted[keys[i].type]);
}

static char *check_one(const cJSON *one)
{
    const char *scope = json_string_at(one, "scope");
    const cJSON *member;
    char *wrong;

    if (!cJSON_IsObject(one))
        return memory_copy_string("a deny assignment must be an object");
    cJSON_ArrayForEach (member, one) {
        if ((wrong = check_member(member)) != NULL)
            return wrong;
    }
    if (json_string_at(one, "name") == NULL)
        return memory_copy_string("a deny assignment without 'name'");
    if (cJSON_GetArraySize(json_at(one, "principals")) == 0)
        return memory_copy_string("a deny assignment without 'principals'");
    if (scope != NULL && scope[0] != '/')
        return memory_format("'%s' is not the id of a scope", scope);
    return NULL;
}

char *denials_check(const char *name, const cJSON *value)
{
    const cJSON *one;
    char *wrong;

    if (!cJSON_IsArray(value))
        return memory_format("'%s' must be a list", name);
    cJSON_ArrayForEach (one, value) {
        if ((wrong = check_one(one)) != NULL)
            return wrong;
    }
    return NULL;
}

/* {"id": .., "type": ..} of a principal, owned by the caller, or NULL: there is none of
 * that name. */
static cJSON *find_principal(struct world *world, const char *name)
{
    cJSON *principal = cJSON_CreateObject();
    char *key = text_lower(memory_copy_string(name));
    sqlite3_stmt *row;

    if (strcmp(key, "everyone") == 0 || strcmp(key, EVERYONE) == 0) {
        cJSON_AddStringToObject(principal, "id", EVERYONE);
        cJSON_AddStringToObject(principal, "type", "SystemDefined");
        free(key);
        return principal;
    }
    row = database_query(world->database,
                         "SELECT id, type FROM object WHERE id = ?1 OR upn_key = ?1 OR"
                         " app_id = ?1 UNION ALL SELECT id, type FROM object WHERE type"
                         " IN ('Group', 'ServicePrincipal') AND name_key = ?1",
                         "t", key);
    if (database_step(world->database, row)) {
        cJSON_AddStringToObject(principal, "id", database_column(row, 0));
        cJSON_AddStringToObject(principal, "type", database_column(row, 1));
        database_done(row);
    } else {
        cJSON_Delete(principal);
        principal = NULL;
    }
    free(key);
    return principal;
}

/* Those of a list; NULL when one is not known, whose name is in `*unknown` then. */
static cJSON *find_principals(struct world *world, const cJSON *names,
                              const char **unknown)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *name;

    cJSON_ArrayForEach (name, names) {
        cJSON *principal = find_principal(world, name->valuestring);

        if (principal == NULL) {
            cJSON_Delete(list);
            *unknown = name->valuestring;
            return NULL;
        }
        cJSON_AddItemToArray(list, principal);
    }
    return list;
}

static void index_principals(struct world *world, const char *key, const cJSON *list,
                             bool is_excluded)
{
    const cJSON *principal;

    cJSON_ArrayForEach (principal, list)
        database_run(world->database, "INSERT OR IGNORE INTO denial VALUES (?, ?, ?)",
                     "tti", key, json_string_at(principal, "id"), (int64_t)is_excluded);
}

static cJSON *describe_permission(const cJSON *one)
{
    cJSON *permission = cJSON_CreateObject();

    for (size_t i = 0; i < KEY_COUNT; i++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(one, keys[i].name);

        if (keys[i].member != NULL)
            cJSON_AddItemToObject(permission, keys[i].member,
                                  list != NULL ? cJSON_Duplicate(list, true)
                                               : cJSON_CreateArray());
    }
    return permission;
}

static cJSON *describe_properties(const cJSON *one, const char *scope)
{
    const char *description = json_string_at(one, "description");
    cJSON *properties = cJSON_CreateObject(), *permissions;

    cJSON_AddStringToObject(properties, "denyAssignmentName",
                            json_string_at(one, "name"));
    cJSON_AddItemToObject(properties, "description",
                          description != NULL ? cJSON_CreateString(description)
                                              : cJSON_CreateNull());
    permissions = cJSON_AddArrayToObject(properties, "permissions");
    cJSON_AddItemToArray(permissions, describe_permission(one));
    cJSON_AddStringToObject(properties, "scope", scope);
    cJSON_AddBoolToObject(properties, "doNotApplyToChildScopes",
                          cJSON_IsTrue(json_at(one, "do_not_apply_to_child_scopes")));
    cJSON_AddBoolToObject(properties, "isSystemProtected",
                          !cJSON_IsFalse(json_at(one, "system_protected")));
    return properties;
}

/* Takes both lists. */
static void save(struct world *world, const cJSON *one, cJSON *principals,
                 cJSON *excluded)
{
    const char *given = json_string_at(one, "scope");
    const char *scope = given != NULL ? given : world->subscription_id;
    char *seed = memory_format("deny %s %s", json_string_at(one, "name"), scope);
    char name[UUID_TEXT_SIZE], *parent = entity_make_key(scope);
    cJSON *body = cJSON_CreateObject();

    uuid_from_name(seed, name);

    char *id =
        kind_format_id(&deny_assignment_kind,
                       *grants_find_scope(world, parent) == '\0' ? "" : scope, name);
    char *key = entity_make_key(id);

    cJSON_AddItemToObject(body, "properties", describe_properties(one, scope));
    json_set_at(body, "properties.principals", principals);
    json_set_at(body, "properties.excludePrincipals", excluded);
    item_stamp(world, body, NULL, EVERYONE);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "type", deny_assignment_kind.arm_type);
    cJSON_AddStringToObject(body, "name", name);
    entity_save(world, &deny_assignment_kind, grants_find_scope(world, parent), body);
    index_principals(world, key, principals, false);
    index_principals(world, key, excluded, true);
    cJSON_Delete(body);
    free(seed);
    free(parent);
    free(id);
    free(key);
}

struct failure *denials_populate(struct world *world)
{
    const cJSON *one;
    const char *unknown = NULL;

    cJSON_ArrayForEach (one, json_at(world->options, "deny_assignments")) {
        cJSON *principals = find_principals(world, json_at(one, "principals"), &unknown);
        cJSON *excluded =
            find_principals(world, json_at(one, "exclude_principals"), &unknown);

        if (principals == NULL || excluded == NULL) {
            cJSON_Delete(principals);
            cJSON_Delete(excluded);
            return failure_new("IOError",
                               "deny assignment '%s': nobody in the world is called '%s'",
                               json_string_at(one, "name"), unknown);
        }
        save(world, one, principals, excluded);
    }
    return NULL;
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

const struct rules deny_assignment_rules = {
    .kind = &deny_assignment_kind, .removed = remove_denial, .list = list_denials};
