/* engine/sim/rules_roles.c - what Microsoft.Authorization knows about role definitions
 * beyond the row. Azure's own are in the model; custom ones are stored. */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/action.h"
#include "model/kind.h"
#include "model/role.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/item.h"
#include "sim/roles.h"
#include "sim/scope_filter.h"
#include "sim/target.h"
#include "sim/world.h"

/* ---- reading ---- */

/* Owned by the caller. */
static char *describe_built_in(const struct world *world, const struct role *role,
                               const char *scope_key)
{
    const char *parent =
        *grants_find_scope(world, scope_key) == '\0' ? "" : world->subscription_id;
    char *id = kind_format_id(&role_definition_kind, parent, role->id), *text;
    cJSON *body = cJSON_CreateObject();
    cJSON *properties = cJSON_AddObjectToObject(body, "properties"), *permissions;

    cJSON_AddStringToObject(properties, "roleName", role->name);
    cJSON_AddStringToObject(properties, "type", "BuiltInRole");
    cJSON_AddStringToObject(properties, "description", role->description);
    cJSON_AddItemToObject(properties, "assignableScopes",
                          cJSON_CreateStringArray((const char *[]){"/"}, 1));
    permissions = cJSON_AddArrayToObject(properties, "permissions");
    cJSON_AddItemToArray(permissions, permission_describe(&role->permission));
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "type", role_definition_kind.arm_type);
    cJSON_AddStringToObject(body, "name", role->id);
    text = json_print(body);
    cJSON_Delete(body);
    free(id);
    return text;
}

/* Owned by the caller. */
static char *describe(const struct world *world, const struct tenant_role *role,
                      const char *scope_key)
{
    return role->built_in != NULL ? describe_built_in(world, role->built_in, scope_key)
                                  : json_print(role->body);
}

static void get_role(struct world *world, const struct call *call,
                     const struct target *target, struct answer *answer)
{
    const struct tenant_role *role = roles_find(world, target->name);

    (void)call;
    if (role == NULL) {
        answer_refuse(answer, REFUSE_ROLE_MISSING,
                      "The specified role definition with ID '%s' does not exist.",
                      target->name);
        return;
    }

    const bool is_at_top = text_has_prefix_nocase(target->id, "/providers/");
    char *text = describe(world, role, is_at_top ? "" : target->parent);

    answer_set_text(answer, 200, text);
    free(text);
}

enum { ASK_NAME, ASK_TYPE, ASK_AT_SCOPE, ASK_BELOW };

static const struct scope_question questions[] = {
    [ASK_NAME] = {"roleName", ASK_EQUALITY},
    [ASK_TYPE] = {"type", ASK_EQUALITY},
    [ASK_AT_SCOPE] = {"atScope", ASK_NOTHING},
    [ASK_BELOW] = {"atScopeAndBelow", ASK_NOTHING},
    {0}};

_Static_assert(sizeof questions / sizeof questions[0] - 1 == SCOPE_QUESTIONS,
               "no more questions than answers");

static bool is_asked_for(const char *asked, const char *value)
{
    return asked == NULL || text_equal_nocase(asked, value);
}

static void add_role(struct world *world, struct page *page, const struct target *target,
                     const char *guid, bool below)
{
    const struct tenant_role *role = roles_find(world, guid);

    if (role == NULL || !roles_is_assignable(
                            world, role, grants_find_scope(world, target->parent), below))
        return;

    char *text = describe(world, role, target->parent);

    page_add(page, text);
    free(text);
}

static void add_custom_roles(struct world *world, struct page *page,
                             const struct target *target, char *name, bool below)
{
    sqlite3_stmt *row =
        name != NULL
            ? database_query(world->database, "SELECT id FROM role WHERE name_key = ?",
                             "t", text_lower(name))
            : database_query(world->database, "SELECT id FROM role ORDER BY id", "");

    while (database_step(world->database, row))
        add_role(world, page, target, database_column(row, 0), below);
}

/* All on one page, as Azure answers with its hundreds (assumed). */
static void list_roles(struct world *world, const struct call *call,
                       const struct target *target, struct answer *answer)
{
    struct scope_filter filter;
    struct page page = {0};

    if (scope_filter_read(&filter, questions, call, answer)) {
        char *name = filter.texts[ASK_NAME];
        const bool below = filter.texts[ASK_BELOW] != NULL;

        for (const struct role *role = roles; role->name != NULL; role++) {
            if (is_asked_for(name, role->name) &&
                is_asked_for(filter.texts[ASK_TYPE], "BuiltInRole"))
                add_role(world, &page, target, role->id, below);
        }
        if (is_asked_for(filter.texts[ASK_TYPE], "CustomRole"))
            add_custom_roles(world, &page, target, name, below);
        page_close(&page, call, answer, -1, NULL);
    }
    scope_filter_release(&filter);
}

/* ---- writing ---- */

static bool check_write(const struct target *target, struct answer *answer)
{
    const struct role *role =
        uuid_is_valid(target->name) ? role_find(target->name) : NULL;

    return role == NULL ||
           answer_refuse(answer, REFUSE_ROLE_BUILT_IN,
                         "The role '%s' is built in and cannot be changed "
                         "or deleted.",
                         role->name);
}

static void complete_role(struct change *change)
{
    static const char *const lists[] = {"actions", "notActions", "dataActions",
                                        "notDataActions"};
    cJSON *permission;

    if (json_at(change->body, "properties.type") == NULL)
        json_set_at(change->body, "properties.type", cJSON_CreateString("CustomRole"));
    cJSON_ArrayForEach (permission, json_at(change->body, "properties.permissions")) {
        for (size_t i = 0; i < 4; i++) {
            if (cJSON_GetObjectItemCaseSensitive(permission, lists[i]) == NULL)
                cJSON_AddArrayToObject(permission, lists[i]);
        }
    }
    item_stamp(change->world, change->body, change->old_body, change->caller);
}

/* How many patterns the permissions have; -1 when one is none, and then it has answered. */
static int count_patterns(const struct change *change)
{
    const cJSON *permission, *list, *pattern;
    int count = 0;

    cJSON_ArrayForEach (permission, json_at(change->body, "properties.permissions")) {
        cJSON_ArrayForEach (list, permission) {
            cJSON_ArrayForEach (pattern, list) {
                if (cJSON_IsString(pattern) && !action_is_pattern(pattern->valuestring)) {
                    answer_refuse(change->answer, REFUSE_ROLE_ACTION,
                                  "'%s' does not match any of the actions supported by "
                                  "the providers.",
                                  pattern->valuestring);
                    return -1;
                }
                count++;
            }
        }
    }
    return count;
}

static bool check_scope(const struct change *change, const char *id)
{
    struct world *world = change->world;
    char *key = entity_make_key(id);
    const bool is_top = *grants_find_scope(world, key) == '\0' && strcmp(id, "/") != 0;
    const bool is_good =
        is_top || strcmp(key, world->subscription_key) == 0 || entity_exists(world, key);

    free(key);
    return is_good || answer_refuse(change->answer, REFUSE_ROLE_SCOPE,
                                    "The assignable scope '%s' is not a management "
                                    "group, subscription, resource group or resource "
                                    "that exists.",
                                    id);
}

static bool check_scopes(const struct change *change)
{
    const cJSON *scopes = json_at(change->body, "properties.assignableScopes"), *scope;

    if (cJSON_GetArraySize(scopes) == 0)
        return answer_refuse(change->answer, REFUSE_ROLE_SCOPE,
                             "A custom role needs at least one assignable scope.");
    cJSON_ArrayForEach (scope, scopes) {
        if (!check_scope(change, scope->valuestring))
            return false;
    }
    return true;
}

static bool check_name(const struct change *change)
{
    struct world *world = change->world;
    const char *name = json_string_at(change->body, "properties.roleName");
    char *name_key = text_lower(memory_copy_string(name));
    const bool is_taken =
        role_find(name) != NULL ||
        database_number(world->database, 0,
                        "SELECT 1 FROM role WHERE name_key = ? AND id <> ?", "tt",
                        name_key, strrchr(change->key, '/') + 1) != 0;

    free(name_key);
    if (is_taken)
        return answer_refuse(
            change->answer, REFUSE_ROLE_NAME,
            change->old == NULL
                ? "A custom role with the same name already exists in this directory. "
                  "Use a different name."
                : "A role definition cannot be updated with a name that already exists.");
    return change->old != NULL ||
           database_number(world->database, 0, "SELECT COUNT(*) FROM role", "") <
               world->role_definitions ||
           answer_refuse(change->answer, REFUSE_ROLE_LIMIT,
                         "Role definition limit exceeded. No more role definitions can "
                         "be created (limit %d).",
                         (int)world->role_definitions);
}

static bool check_role(struct change *change)
{
    const char *type = json_string_at(change->body, "properties.type");
    int patterns;

    if (!text_equal_nocase(type, "CustomRole"))
        answer_add_detail(change->answer, "type", "type '%s' is not CustomRole.", type);
    if (!answer_refuse_details(change->answer) || (patterns = count_patterns(change)) < 0)
        return false;
    if (patterns == 0)
        return answer_refuse(change->answer, REFUSE_ROLE_ACTION,
                             "A role that allows no action cannot be made.");
    return check_scopes(change) && check_name(change);
}

static void role_saved(struct change *change)
{
    char *name = text_lower(
        memory_copy_string(json_string_at(change->body, "properties.roleName")));

    database_run(change->world->database, "REPLACE INTO role VALUES (?, ?)", "tt",
                 strrchr(change->key, '/') + 1, name);
    free(name);
    roles_forget(change->world);
}

static bool check_role_delete(struct world *world, const struct call *call,
                              struct answer *answer, const struct entity *entity)
{
    (void)call;
    const int64_t count = database_number(
        world->database, 0, "SELECT COUNT(*) FROM assignment WHERE role = ?", "t",
        strrchr(entity->key, '/') + 1);

    return count == 0 ||
           answer_refuse(answer, REFUSE_ROLE_IN_USE,
                         "There are existing role assignments referencing role.");
}

static void remove_role(struct world *world, const char *key)
{
    database_run(world->database, "DELETE FROM role WHERE id = ?", "t",
                 strrchr(key, '/') + 1);
    roles_forget(world);
}

const struct rules role_definition_rules = {.kind = &role_definition_kind,
                                            .is_always_created = true,
                                            .check_write = check_write,
                                            .complete = complete_role,
                                            .check = check_role,
                                            .saved = role_saved,
                                            .check_delete = check_role_delete,
                                            .removed = remove_role,
                                            .get = get_role,
                                            .list = list_roles};
