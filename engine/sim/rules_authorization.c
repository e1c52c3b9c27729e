/* engine/sim/rules_authorization.c - what Microsoft.Authorization knows about role
 * assignments beyond the row, and Microsoft.Resources about groups. */
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
#include "sim/roles.h"
#include "sim/scope_filter.h"
#include "sim/target.h"
#include "sim/world.h"

#define OWNER_ID "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

/* What is in the group may be named from elsewhere: a subnet by a gateway, a workspace by a
 * connection. */
static bool check_group_delete(struct world *world, const struct call *call,
                               struct answer *answer, const struct entity *group)
{
    (void)call;
    char *user = database_text(world->database,
                               "SELECT source FROM link WHERE target > ?1 || '/' AND"
                               " target < ?1 || '0' AND NOT (source > ?1 || '/' AND"
                               " source < ?1 || '0') LIMIT 1",
                               "t", group->key);

    if (user == NULL)
        return true;
    answer_refuse(answer, REFUSE_GROUP_BLOCKED,
                  "The resource group cannot be deleted: '%s' uses what is in it.", user);
    free(user);
    return false;
}

const struct rules resource_group_rules = {.kind = &resource_group_kind,
                                           .check_delete = check_group_delete,
                                           .delete_state = "Deleting",
                                           .has_no_async_operation = true,
                                           .retry_after_s = 15,
                                           .removed = deployment_remove_scope};

static void save_assignment(struct world *world, const char *key, const char *scope,
                            const char *principal, const char *role_id, int64_t from_ms)
{
    char *low = text_lower(memory_copy_string(principal));

    database_run(world->database, "INSERT INTO assignment VALUES (?, ?, ?, ?, ?, ?)",
                 "ttttti", key, strrchr(key, '/') + 1, scope, low, role_id, from_ms);
    free(low);
    grants_forget(world);
}

static const struct tenant_role *find_role(struct world *world, const cJSON *body)
{
    const char *id = json_string_at(body, "properties.roleDefinitionId");
    const char *name = id != NULL ? strrchr(id, '/') : NULL;

    return name != NULL ? roles_find(world, name + 1) : NULL;
}

/* "/subscriptions/..", without
 * "/providers/Microsoft.Authorization/roleAssignments/{guid}". Owned by the caller. */
static char *format_scope(const char *id)
{
    const size_t tail = strlen(role_assignment_kind.collection) + UUID_TEXT_SIZE;
    const size_t length = strlen(id);

    return length > tail ? memory_copy_text(id, length - tail) : memory_copy_string("/");
}

/* All members that Azure shows, with null for those that are not set. */
static void order_members(cJSON *body)
{
    static const char *const names[] = {"roleDefinitionId",
                                        "principalId",
                                        "principalType",
                                        "scope",
                                        "condition",
                                        "conditionVersion",
                                        "createdOn",
                                        "updatedOn",
                                        "createdBy",
                                        "updatedBy",
                                        "delegatedManagedIdentityResourceId",
                                        "description"};
    cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(body, "properties");
    cJSON *properties = cJSON_AddObjectToObject(body, "properties");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(old, names[i]);

        cJSON_AddItemToObject(properties, names[i],
                              value != NULL ? value : cJSON_CreateNull());
    }
    cJSON_Delete(old);
}

/* What the service adds; the role as it spells it. */
static void complete_body(struct world *world, cJSON *body,
                          const struct tenant_role *role, const char *scope,
                          const char *caller, const cJSON *old)
{
    if (role != NULL) {
        char *id =
            kind_format_id(&role_definition_kind, world->subscription_id, role->id);

        json_set_at(body, "properties.roleDefinitionId", cJSON_CreateString(id));
        free(id);
    }
    json_set_at(body, "properties.scope", cJSON_CreateString(scope));
    order_members(body);
    item_stamp(world, body, old, caller);
}

static void complete_assignment(struct change *change)
{
    char *scope = format_scope(change->id);

    complete_body(change->world, change->body, find_role(change->world, change->body),
                  scope, change->caller, change->old_body);
    free(scope);
}

/* The answer to a PUT that makes one does not know yet who did (observed). */
static void forget_author(struct change *change)
{
    cJSON *body = change->old == NULL ? json_parse(change->answer->body.data,
                                                   change->answer->body.length, NULL)
                                      : NULL;

    if (body == NULL)
        return;
    json_set_at(body, "properties.createdBy", cJSON_CreateNull());
    answer_set_json(change->answer, change->answer->status, body);
    cJSON_Delete(body);
}

/* What the principal is, owned by the caller, or NULL. A user or an application whose type
 * is said need not be known everywhere yet. */
static char *find_principal_type(struct world *world, const char *id, const char *said)
{
    static const char *const early[] = {"User", "ServicePrincipal"};
    char *type = directory_principal_type(world, id);

    for (size_t i = 0; i < 2 && type == NULL && said != NULL; i++) {
        char *body = text_equal_nocase(said, early[i])
                         ? directory_find(world, early[i], id)
                         : NULL;

        type = body != NULL ? memory_copy_string(early[i]) : NULL;
        free(body);
    }
    return type;
}

static bool check_principal(struct change *change)
{
    const char *id = json_string_at(change->body, "properties.principalId");
    const char *said = json_string_at(change->body, "properties.principalType");
    char *type = find_principal_type(change->world, id, said), short_id[UUID_TEXT_SIZE];
    bool is_good = true;

    uuid_drop_dashes(id, short_id);
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

static bool check_unique(const struct change *change, const struct tenant_role *role)
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

    if (same != NULL) {
        char short_id[UUID_TEXT_SIZE];

        uuid_drop_dashes(same, short_id);
        is_good = answer_refuse(
            change->answer, REFUSE_ASSIGNMENT_EXISTS,
            "The role assignment already exists. The ID of the existing role "
            "assignment is %s.",
            short_id);
    } else if (database_number(world->database, 0,
                               "SELECT 1 FROM assignment WHERE name = ?", "t",
                               strrchr(change->key, '/') + 1) != 0)
        is_good =
            answer_refuse(change->answer, REFUSE_ASSIGNMENT_UPDATE,
                          "Tenant ID, application ID, principal ID, and scope are not "
                          "allowed to be updated.");
    else if (database_number(world->database, 0,
                             "SELECT COUNT(*) FROM assignment WHERE scope = ?1 OR"
                             " (scope > ?1 || '/' AND scope < ?1 || '0')",
                             "t", world->subscription_key) >= world->role_assignments)
        is_good = answer_refuse(change->answer, REFUSE_ASSIGNMENT_LIMIT,
                                "No more role assignments can be created (limit %d).",
                                (int)world->role_assignments);
    free(same);
    free(principal);
    return is_good;
}

/* Whether brackets and quotes of a condition fit each other; more of its language is not
 * read, and it is not evaluated. */
static bool is_balanced(const char *condition)
{
    char open[64];
    size_t depth = 0;
    bool is_quoted = false;

    for (const char *c = condition; *c != '\0'; c++) {
        if (*c == '\'')
            is_quoted = !is_quoted;
        if (is_quoted)
            continue;
        if (*c == '(' || *c == '{' || *c == '[') {
            if (depth == sizeof open)
                return false;
            open[depth++] = *c == '(' ? ')' : (char)(*c + 2);
        } else if ((*c == ')' || *c == '}' || *c == ']') &&
                   (depth == 0 || open[--depth] != *c)) {
            return false;
        }
    }
    return depth == 0 && !is_quoted;
}

static bool check_condition(const struct change *change)
{
    const char *condition = json_string_at(change->body, "properties.condition");

    if (condition == NULL)
        return true;
    if (json_string_at(change->body, "properties.conditionVersion") == NULL)
        return answer_refuse(change->answer, REFUSE_CONDITION,
                             "A condition needs its conditionVersion, which is 2.0.");
    if (*condition != '\0' && is_balanced(condition))
        return true;
    return answer_refuse(change->answer, REFUSE_CONDITION,
                         "The condition '%s' is empty, or its brackets or quotes do not "
                         "fit each other.",
                         condition);
}

static bool check_assignment(struct change *change)
{
    const struct tenant_role *role = find_role(change->world, change->body);

    if (!check_condition(change))
        return false;
    if (change->old != NULL)
        return true; /* what it gives to whom has not changed */
    if (role == NULL)
        return answer_refuse(change->answer, REFUSE_ROLE_DEFINITION,
                             "The specified role definition with ID '%s' does not exist.",
                             json_string_at(change->body, "properties.roleDefinitionId"));
    if (!roles_is_assignable(change->world, role, change->parent, false))
        return answer_refuse(change->answer, REFUSE_ROLE_NOT_ASSIGNABLE,
                             "The role definition '%s' cannot be assigned at scope '%s': "
                             "none of its assignable scopes contains it.",
                             role->id, change->parent);
    return check_principal(change) && check_unique(change, role);
}

static void assignment_saved(struct change *change)
{
    struct world *world = change->world;

    if (change->old == NULL)
        save_assignment(world, change->key, change->parent,
                        json_string_at(change->body, "properties.principalId"),
                        find_role(world, change->body)->id,
                        world->now_ms + world->authorization_delay_ms);
}

/* What has come into effect stays so for as long as changes take. */
static void remove_assignment(struct world *world, const char *key)
{
    if (world->authorization_delay_ms > 0) {
        database_run(world->database, "DELETE FROM retired WHERE until_ms <= ?", "i",
                     world->now_ms);
        database_run(world->database,
                     "INSERT INTO retired SELECT scope, principal, role, ?2 FROM"
                     " assignment WHERE key = ?1 AND from_ms <= ?3",
                     "tii", key, world->now_ms + world->authorization_delay_ms,
                     world->now_ms);
    }
    database_run(world->database, "DELETE FROM assignment WHERE key = ?", "t", key);
    grants_forget(world);
}

static bool check_assignment_delete(struct world *world, const struct call *call,
                                    struct answer *answer, const struct entity *entity)
{
    (void)call;
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

void role_assignment_name(const char *scope_id, const char *principal,
                          const char *role_id, char name[UUID_TEXT_SIZE])
{
    char *scope = entity_make_key(scope_id);
    char *seed = memory_format("%s|%s|%s", scope, principal, role_id);

    uuid_from_name(seed, name);
    free(seed);
    free(scope);
}

bool role_assignment_exists(struct world *world, const char *scope_id,
                            const char *principal, const char *role_id)
{
    char *scope = entity_make_key(scope_id);
    const bool exists =
        database_number(world->database, 0,
                        "SELECT 1 FROM assignment WHERE principal = ? AND scope = ? AND"
                        " role = ?",
                        "ttt", principal, scope, role_id) != 0;

    free(scope);
    return exists;
}

void role_assignment_add(struct world *world, const char *scope_id,
                         const struct role *role, const char *principal,
                         const char *principal_type)
{
    const struct tenant_role *given = roles_find(world, role->id);
    char name[UUID_TEXT_SIZE];

    if (role_assignment_exists(world, scope_id, principal, role->id))
        return;
    role_assignment_name(scope_id, principal, role->id, name);

    char *id = kind_format_id(&role_assignment_kind, scope_id, name),
         *key = entity_make_key(id), *scope = entity_make_key(scope_id);
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", name);
    cJSON_AddStringToObject(body, "type", role_assignment_kind.arm_type);
    json_set_at(body, "properties.principalId", cJSON_CreateString(principal));
    json_set_at(body, "properties.principalType", cJSON_CreateString(principal_type));
    complete_body(world, body, given, scope_id, principal, NULL);
    entity_save(world, &role_assignment_kind, scope, body);
    save_assignment(world, key, scope, principal, role->id, world->now_ms);
    cJSON_Delete(body);
    free(id);
    free(key);
    free(scope);
}

/* ---- lists ---- */

enum { ASK_AT_SCOPE, ASK_PRINCIPAL, ASK_ASSIGNED };

static const struct scope_question questions[] = {
    [ASK_AT_SCOPE] = {"atScope", ASK_NOTHING},
    [ASK_PRINCIPAL] = {"principalId", ASK_EQUALITY},
    [ASK_ASSIGNED] = {"assignedTo", ASK_IN_BRACKETS},
    {0}};

/* Assignments at the scope and above it (`?1`, a list of keys) and those below `?2` unless
 * `?3`. Each scope is looked up in the index. */
#define FOUND                                                                            \
    " assignment.scope IN (SELECT value FROM json_each(?1)) UNION SELECT key FROM"       \
    " assignment WHERE ?3 = 0 AND scope > ?2 || '/' AND scope < ?2 || '0'"

static sqlite3_stmt *query_anybody(struct world *world, const char *above,
                                   const char *scope, bool at_scope, const char *after,
                                   size_t limit)
{
    return database_query(
        world->database,
        "WITH found (key) AS (SELECT key FROM assignment WHERE" FOUND ")"
        " SELECT entity.key, entity.body FROM found JOIN entity ON entity.key = found.key"
        " WHERE entity.key > ?4 ORDER BY entity.key LIMIT ?5",
        "ttiti", above, scope, (int64_t)at_scope, after, (int64_t)limit);
}

static sqlite3_stmt *query_principal(struct world *world, const char *above,
                                     const char *scope, bool at_scope,
                                     const char *principal, bool with_groups,
                                     const char *after, size_t limit)
{
    return database_query(
        world->database,
        "WITH RECURSIVE who (id) AS (SELECT ?4 UNION SELECT member.owner FROM who CROSS"
        " JOIN member ON member.member = who.id WHERE ?5 <> 0)"
        " SELECT entity.key, entity.body FROM who CROSS JOIN assignment ON"
        " assignment.principal = who.id JOIN entity ON entity.key = assignment.key"
        " WHERE entity.key > ?6 AND (assignment.scope IN (SELECT value FROM"
        " json_each(?1)) OR (?3 = 0 AND assignment.scope > ?2 || '/' AND"
        " assignment.scope < ?2 || '0')) ORDER BY entity.key LIMIT ?7",
        "ttititi", above, scope, (int64_t)at_scope, principal, (int64_t)with_groups,
        after, (int64_t)limit);
}

static void show_page(struct world *world, const struct call *call, struct page *page,
                      sqlite3_stmt *row, struct answer *answer)
{
    struct buffer last = {0}, next = {0};

    while (database_step(world->database, row)) {
        if (page->count == page->limit) {
            buffer_append_string(&next, "$skipToken=");
            buffer_append_escaped(&next, last.data);
            database_done(row);
            break;
        }
        buffer_clear(&last);
        buffer_append_string(&last, database_column(row, 0));
        page_add(page, database_column(row, 1));
    }
    page_close(page, call, answer, -1, next.data);
    buffer_deinit(&last);
    buffer_deinit(&next);
}

static void list_assignments(struct world *world, const struct call *call,
                             const struct target *target, struct answer *answer)
{
    const char *token = call_parameter(call, "$skipToken");
    const char *after = token != NULL ? token : "";
    const char *scope = grants_find_scope(world, target->parent);
    struct scope_filter filter = {0};
    struct page page;

    if (page_open(&page, call, answer) &&
        scope_filter_read(&filter, questions, call, answer)) {
        char *above = grants_list_above(world, target->parent);
        const bool at_scope = filter.texts[ASK_AT_SCOPE] != NULL;
        const bool with_groups = filter.texts[ASK_ASSIGNED] != NULL;
        char *principal =
            with_groups ? filter.texts[ASK_ASSIGNED] : filter.texts[ASK_PRINCIPAL];

        show_page(
            world, call, &page,
            principal == NULL
                ? query_anybody(world, above, scope, at_scope, after, page.limit + 1)
                : query_principal(world, above, scope, at_scope, text_lower(principal),
                                  with_groups, after, page.limit + 1),
            answer);
        free(above);
    }
    scope_filter_release(&filter);
}

const struct rules role_assignment_rules = {.kind = &role_assignment_kind,
                                            .immutable = REFUSE_ASSIGNMENT_UPDATE,
                                            .complete = complete_assignment,
                                            .check = check_assignment,
                                            .saved = assignment_saved,
                                            .answered = forget_author,
                                            .check_delete = check_assignment_delete,
                                            .removed = remove_assignment,
                                            .list = list_assignments};
