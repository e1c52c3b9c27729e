/* engine/sim/rules_authorization.c - what Microsoft.Authorization knows about roles and
 * their assignments beyond the rows, and Microsoft.Resources about groups. */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "model/role.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/deployment.h"
#include "sim/directory.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/item.h"
#include "sim/target.h"
#include "sim/world.h"

#define OWNER_ID "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

const struct rules resource_group_rules = {.kind = &resource_group_kind,
                                           .delete_state = "Deleting",
                                           .has_no_async_operation = true,
                                           .retry_after_s = 15,
                                           .removed = deployment_remove_scope};

/* The text in quotes behind `prefix` in a filter, a doubled quote undone; owned by the
 * caller, or NULL when it is not there. */
static char *find_quoted(const char *filter, const char *prefix)
{
    const size_t length = strlen(prefix);
    struct buffer text = {0};

    while (*filter != '\0' && !text_has_prefix_nocase(filter, prefix))
        filter++;
    if (*filter == '\0' || filter[length] != '\'')
        return NULL;
    for (filter += length + 1; *filter != '\0'; filter++) {
        if (*filter == '\'' && *++filter != '\'')
            return buffer_take(&text);
        buffer_append_char(&text, *filter);
    }
    buffer_deinit(&text);
    return NULL;
}

/* ---- role definitions ---- */

static cJSON *list_actions(const char *const *actions)
{
    cJSON *list = cJSON_CreateArray();

    for (; actions != NULL && *actions != NULL; actions++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*actions));
    return list;
}

/* Owned by the caller. */
static char *describe_role(const struct world *world, const struct role *role)
{
    cJSON *body = cJSON_CreateObject(), *permission = cJSON_CreateObject();
    char *id = kind_format_id(&role_definition_kind, world->subscription_id, role->id);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "type", role_definition_kind.arm_type);
    cJSON_AddStringToObject(body, "name", role->id);
    json_set_at(body, "properties.roleName", cJSON_CreateString(role->name));
    json_set_at(body, "properties.type", cJSON_CreateString("BuiltInRole"));
    json_set_at(body, "properties.description", cJSON_CreateString(role->description));
    json_set_at(body, "properties.assignableScopes",
                cJSON_CreateStringArray((const char *[]){"/"}, 1));
    cJSON_AddItemToObject(permission, "actions", list_actions(role->actions));
    cJSON_AddItemToObject(permission, "notActions", list_actions(role->not_actions));
    cJSON_AddItemToObject(permission, "dataActions", cJSON_CreateArray());
    cJSON_AddItemToObject(permission, "notDataActions", cJSON_CreateArray());
    json_set_at(body, "properties.permissions", cJSON_CreateArray());
    cJSON_AddItemToArray((cJSON *)(uintptr_t)json_at(body, "properties.permissions"),
                         permission);

    char *text = json_print(body);

    cJSON_Delete(body);
    free(id);
    return text;
}

static void get_role(struct world *world, const struct call *call,
                     const struct target *target, struct answer *answer)
{
    const struct role *role = role_find(target->name);

    (void)call;
    if (role == NULL || !text_equal_nocase(role->id, target->name)) {
        answer_refuse(answer, REFUSE_ROLE_DEFINITION,
                      "The specified role definition with ID '%s' does not exist.",
                      target->name);
        return;
    }

    char *text = describe_role(world, role);

    answer_set_text(answer, 200, text);
    free(text);
}

static void list_roles(struct world *world, const struct call *call,
                       const struct target *target, struct answer *answer)
{
    const char *filter = call_parameter(call, "$filter");
    char *name = filter != NULL ? find_quoted(filter, "roleName eq ") : NULL;
    struct page page = {0};

    (void)target;
    if (filter != NULL && name == NULL && strstr(filter, "atScope") == NULL &&
        strstr(filter, "type eq") == NULL) {
        answer_refuse(answer, REFUSE_FILTER, "The filter '%s' is not supported.", filter);
        return;
    }
    for (const struct role *role = roles; role->name != NULL; role++) {
        if (name != NULL && !text_equal_nocase(name, role->name))
            continue;

        char *text = describe_role(world, role);

        page_add(&page, text);
        free(text);
    }
    page_close(&page, call, answer, -1, NULL);
    free(name);
}

const struct rules role_definition_rules = {
    .kind = &role_definition_kind, .get = get_role, .list = list_roles};

/* ---- role assignments ---- */

static void save_assignment(struct world *world, const char *key, const char *scope,
                            const char *principal, const char *role_id)
{
    char *low = text_lower(memory_copy_string(principal));

    database_run(world->database, "REPLACE INTO assignment VALUES (?, ?, ?, ?, ?)",
                 "ttttt", key, strrchr(key, '/') + 1, scope, low, role_id);
    free(low);
    grants_forget(world);
}

static const struct role *find_role(const cJSON *body)
{
    const char *id = json_string_at(body, "properties.roleDefinitionId");
    const char *name = id != NULL ? strrchr(id, '/') : NULL;

    return name != NULL && uuid_is_valid(name + 1) ? role_find(name + 1) : NULL;
}

/* What the service adds; the role as it spells it. */
static void complete_body(struct world *world, cJSON *body, const struct role *role,
                          const char *scope, const char *caller, bool is_new)
{
    char *now = world_format_now(world);
    char *id = kind_format_id(&role_definition_kind, world->subscription_id, role->id);

    json_set_at(body, "properties.roleDefinitionId", cJSON_CreateString(id));
    json_set_at(body, "properties.scope", cJSON_CreateString(scope));
    if (is_new) {
        json_set_at(body, "properties.createdOn", cJSON_CreateString(now));
        json_set_at(body, "properties.createdBy", cJSON_CreateString(caller));
        json_set_at(body, "properties.updatedOn", cJSON_CreateString(now));
        json_set_at(body, "properties.updatedBy", cJSON_CreateString(caller));
    }
    free(id);
    free(now);
}

/* "/subscriptions/..", without
 * "/providers/Microsoft.Authorization/roleAssignments/{guid}". Owned by the caller. */
static char *format_scope(const char *id)
{
    const size_t tail = strlen(role_assignment_kind.collection) + UUID_TEXT_SIZE;
    const size_t length = strlen(id);

    return length > tail ? memory_copy_text(id, length - tail) : memory_copy_string("/");
}

static void complete_assignment(struct change *change)
{
    const struct role *role = find_role(change->body);
    const cJSON *updated = json_at(change->old_body, "properties.updatedOn");
    char *scope = format_scope(change->id);

    if (role != NULL)
        complete_body(change->world, change->body, role, scope, change->caller,
                      change->old == NULL);
    if (updated != NULL) {
        json_set_at(change->body, "properties.updatedOn", cJSON_Duplicate(updated, true));
        json_set_at(
            change->body, "properties.updatedBy",
            cJSON_Duplicate(json_at(change->old_body, "properties.updatedBy"), true));
    }
    free(scope);
}

static bool check_principal(struct change *change)
{
    const char *id = json_string_at(change->body, "properties.principalId");
    const char *said = json_string_at(change->body, "properties.principalType");
    char *type = directory_principal_type(change->world, id), short_id[UUID_TEXT_SIZE];
    size_t length = 0;
    bool is_good = true;

    for (const char *c = id; *c != '\0'; c++) {
        if (*c != '-')
            short_id[length++] = *c;
    }
    short_id[length] = '\0';
    if (type == NULL)
        is_good = answer_refuse(change->answer, REFUSE_PRINCIPAL,
                                "Principal %s does not exist in the directory %s. Check "
                                "that you have the correct "
                                "principal ID. If you are creating this principal and "
                                "then immediately assigning a "
                                "role, this error might be related to a replication "
                                "delay. In this case, set the role "
                                "assignment principalType property to a value, such as "
                                "ServicePrincipal, User, or "
                                "Group.  See https://aka.ms/docs-principaltype",
                                short_id, change->world->profile.tenant_id);
    else if (said != NULL && !text_equal_nocase(said, type))
        is_good =
            answer_refuse(change->answer, REFUSE_PRINCIPAL_TYPE,
                          "The PrincipalId '%s' has type '%s' , which is different from "
                          "specified PrinciaplType '%s'.",
                          short_id, type, said);
    else
        json_set_at(change->body, "properties.principalType", cJSON_CreateString(type));
    free(type);
    return is_good;
}

static bool check_unique(const struct change *change, const struct role *role)
{
    struct world *world = change->world;
    char *principal = text_lower(
        memory_copy_string(json_string_at(change->body, "properties.principalId")));
    char *same =
        database_text(world->database,
                      "SELECT name FROM assignment WHERE principal = ? AND scope = ? AND"
                      " role = ?",
                      "ttt", principal, change->parent, role->id);
    bool is_good = true;

    if (same != NULL)
        is_good = answer_refuse(
            change->answer, REFUSE_ASSIGNMENT_EXISTS,
            "The role assignment already exists. The ID of the existing role "
            "assignment is %s.",
            same);
    else if (database_number(world->database, 0,
                             "SELECT 1 FROM assignment WHERE name = ?", "t",
                             strrchr(change->key, '/') + 1) != 0)
        is_good =
            answer_refuse(change->answer, REFUSE_ASSIGNMENT_UPDATE,
                          "Tenant ID, application ID, principal ID, and scope are not "
                          "allowed to be updated.");
    else if (database_number(world->database, 0, "SELECT COUNT(*) FROM assignment", "") >=
             world->role_assignments)
        is_good = answer_refuse(change->answer, REFUSE_ASSIGNMENT_LIMIT,
                                "No more role assignments can be created (limit %d).",
                                (int)world->role_assignments);
    free(same);
    free(principal);
    return is_good;
}

static bool check_assignment(struct change *change)
{
    const struct role *role = find_role(change->body);

    if (change->old != NULL)
        return true; /* only its description can have changed */
    if (role == NULL)
        return answer_refuse(change->answer, REFUSE_ROLE_DEFINITION,
                             "The specified role definition with ID '%s' does not exist.",
                             json_string_at(change->body, "properties.roleDefinitionId"));
    return check_principal(change) && check_unique(change, role);
}

static void assignment_saved(struct change *change)
{
    save_assignment(change->world, change->key, change->parent,
                    json_string_at(change->body, "properties.principalId"),
                    find_role(change->body)->id);
}

static void remove_assignment(struct world *world, const char *key)
{
    database_run(world->database, "DELETE FROM assignment WHERE key = ?", "t", key);
    grants_forget(world);
}

static bool check_assignment_delete(struct world *world, struct answer *answer,
                                    const struct entity *entity)
{
    const int64_t is_owner = database_number(
        world->database, 0,
        "SELECT 1 FROM assignment WHERE key = ? AND scope = ? AND role = ?", "ttt",
        entity->key, world->subscription_key, OWNER_ID);
    const int64_t owners =
        database_number(world->database, 0,
                        "SELECT COUNT(*) FROM assignment WHERE scope = ? AND role = ?",
                        "tt", world->subscription_key, OWNER_ID);

    return is_owner == 0 || owners > 1 ||
           answer_refuse(answer, REFUSE_ASSIGNMENT_LAST_ADMIN,
                         "Cannot delete the last RBAC admin assignment");
}

void role_assignment_add(struct world *world, const char *scope_id,
                         const struct role *role, const char *principal,
                         const char *principal_type)
{
    char name[UUID_TEXT_SIZE], *scope = entity_make_key(scope_id);
    cJSON *body = cJSON_CreateObject();

    uuid_from_name(principal, name);

    char *id = kind_format_id(&role_assignment_kind, scope_id, name),
         *key = entity_make_key(id);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", name);
    cJSON_AddStringToObject(body, "type", role_assignment_kind.arm_type);
    json_set_at(body, "properties.principalId", cJSON_CreateString(principal));
    json_set_at(body, "properties.principalType", cJSON_CreateString(principal_type));
    complete_body(world, body, role, scope_id, principal, true);
    entity_save(world, &role_assignment_kind, scope, body);
    save_assignment(world, key, scope, principal, role->id);
    cJSON_Delete(body);
    free(id);
    free(key);
    free(scope);
}

/* ---- lists of role assignments ---- */

struct filter {
    bool at_scope;   /* nothing from below */
    char *principal; /* in lower case, or NULL: anybody's */
    bool with_groups;
};

static bool parse_filter(const struct call *call, struct filter *filter,
                         struct answer *answer)
{
    const char *text = call_parameter(call, "$filter");

    *filter = (struct filter){0};
    if (text == NULL || *text == '\0')
        return true;
    for (const char *at = text; *at != '\0'; at++)
        filter->at_scope = filter->at_scope || text_has_prefix_nocase(at, "atScope()");
    filter->principal = find_quoted(text, "principalId eq ");
    if (filter->principal == NULL) {
        filter->principal = find_quoted(text, "assignedTo(");
        filter->with_groups = filter->principal != NULL;
    }
    if (filter->principal != NULL)
        text_lower(filter->principal);
    return filter->at_scope || filter->principal != NULL ||
           answer_refuse(answer, REFUSE_FILTER, "The filter '%s' is not supported.",
                         text);
}

/* Keys of assignments, those at and above the scope, and below it too unless told not to.
 * What is above are the scopes that the key begins with. */
#define AT_OR_ABOVE                                                                      \
    "substr(?1 || '/', 1, length(assignment.scope) + 1) = assignment.scope || '/'"
#define BELOW "(?2 = 0 AND assignment.scope > ?1 || '/' AND assignment.scope < ?1 || '0')"

static sqlite3_stmt *query_principals(struct world *world, const char *scope,
                                      const struct filter *filter, const char *after,
                                      size_t limit)
{
    return database_query(
        world->database,
        "WITH RECURSIVE who (id) AS (SELECT ?3 UNION SELECT member.owner FROM who CROSS "
        "JOIN"
        " member ON member.member = who.id WHERE ?4 <> 0)"
        " SELECT entity.key, entity.body FROM who CROSS JOIN assignment ON"
        " assignment.principal = who.id JOIN entity ON entity.key = assignment.key"
        " WHERE entity.key > ?5 AND (" AT_OR_ABOVE " OR " BELOW
        ") ORDER BY entity.key LIMIT ?6",
        "tititi", scope, (int64_t)filter->at_scope, filter->principal,
        (int64_t)filter->with_groups, after, (int64_t)limit);
}

static sqlite3_stmt *query_anybody(struct world *world, const char *scope,
                                   const struct filter *filter, const char *after,
                                   size_t limit)
{
    if (strcmp(scope, world->subscription_key) == 0 && !filter->at_scope)
        return database_query(world->database,
                              "SELECT key, body FROM entity WHERE type ="
                              " 'Microsoft.Authorization/roleAssignments' AND key > ?"
                              " ORDER BY key LIMIT ?",
                              "ti", after, (int64_t)limit);
    /* The prefixes of the scope are few and each is looked up in the index. */
    return database_query(
        world->database,
        "WITH RECURSIVE above (scope) AS (SELECT ?1 UNION ALL SELECT"
        " rtrim(rtrim(scope, replace(scope, '/', '')), '/') FROM above WHERE scope <> "
        "''),"
        " found (key) AS (SELECT assignment.key FROM above CROSS JOIN assignment ON"
        " assignment.scope = above.scope UNION SELECT key FROM assignment WHERE " BELOW
        ")"
        " SELECT entity.key, entity.body FROM found JOIN entity ON entity.key = found.key"
        " WHERE entity.key > ?3 ORDER BY entity.key LIMIT ?4",
        "titi", scope, (int64_t)filter->at_scope, after, (int64_t)limit);
}

static void list_assignments(struct world *world, const struct call *call,
                             const struct target *target, struct answer *answer)
{
    const char *token = call_parameter(call, "$skipToken");
    struct buffer last = {0}, next = {0};
    struct filter filter = {0};
    struct page page;

    if (!page_open(&page, call, answer) || !parse_filter(call, &filter, answer)) {
        free(filter.principal);
        return;
    }

    sqlite3_stmt *row = filter.principal != NULL
                            ? query_principals(world, target->parent, &filter,
                                               token != NULL ? token : "", page.limit + 1)
                            : query_anybody(world, target->parent, &filter,
                                            token != NULL ? token : "", page.limit + 1);

    while (database_step(world->database, row)) {
        if (page.count == page.limit) {
            buffer_append_string(&next, "$skipToken=");
            buffer_append_escaped(&next, last.data);
            database_done(row);
            break;
        }
        buffer_clear(&last);
        buffer_append_string(&last, database_column(row, 0));
        page_add(&page, database_column(row, 1));
    }
    page_close(&page, call, answer, -1, next.data);
    buffer_deinit(&last);
    buffer_deinit(&next);
    free(filter.principal);
}

const struct rules role_assignment_rules = {.kind = &role_assignment_kind,
                                            .immutable = REFUSE_ASSIGNMENT_UPDATE,
                                            .complete = complete_assignment,
                                            .check = check_assignment,
                                            .saved = assignment_saved,
                                            .check_delete = check_assignment_delete,
                                            .removed = remove_assignment,
                                            .list = list_assignments};
