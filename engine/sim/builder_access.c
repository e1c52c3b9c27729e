/* engine/sim/builder_access.c - roles, who has them and who is denied what, in a new
 * world. */
#include "sim/builder.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "model/role.h"
#include "sim/entity.h"
#include "sim/rules.h"
#include "sim/spot.h"
#include "sim/world.h"
#include "sim/world_people.h"

#define DENY_TYPE "Microsoft.Authorization/denyAssignments"

/* The id of a scope that is there; the subscription when nothing is said. Owned by the
 * caller, or NULL; then `*wrong` says why. */
static char *find_scope(struct builder *builder, const struct spot *spot,
                        const char *said, char **wrong)
{
    char *id = builder_resolve(builder->world, NULL, said != NULL ? said : "/", NULL);

    if (id != NULL && builder_knows(builder->world, id))
        return id;
    *wrong = spot_complain(spot, "scope: there is no '%.300s'", id != NULL ? id : said);
    free(id);
    return NULL;
}

static cJSON *make_permissions(const cJSON *given)
{
    static const char *const names[][2] = {{"actions", "actions"},
                                           {"not_actions", "notActions"},
                                           {"data_actions", "dataActions"},
                                           {"not_data_actions", "notDataActions"}};
    cJSON *permission = cJSON_CreateObject(), *list = cJSON_CreateArray();

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *actions = json_at(given, names[i][0]);

        cJSON_AddItemToObject(permission, names[i][1],
                              actions != NULL ? cJSON_Duplicate(actions, true)
                                              : cJSON_CreateArray());
    }
    cJSON_AddItemToArray(list, permission);
    return list;
}

static void copy_text(const cJSON *given, const char *name, cJSON *body, const char *path)
{
    const char *text = json_string_at(given, name);

    if (text != NULL)
        json_set_at(body, path, cJSON_CreateString(text));
}

/* A list of scopes as ids; the subscription when there is none. */
static char *read_scopes(struct builder *builder, const struct spot *spot,
                         const cJSON *scopes, cJSON *to)
{
    const struct spot list = {spot, "scopes", 0};
    const cJSON *scope;
    int index = 0;

    if (scopes == NULL)
        cJSON_AddItemToArray(to, cJSON_CreateString(builder->world->subscription_id));
    cJSON_ArrayForEach (scope, scopes) {
        const struct spot place = {&list, NULL, index++};
        char *wrong = NULL, *id = find_scope(builder, &place, scope->valuestring, &wrong);

        if (id == NULL)
            return wrong;
        cJSON_AddItemToArray(to, cJSON_CreateString(id));
        free(id);
    }
    return NULL;
}

/* What a role or a denial is called below Microsoft.Authorization. */
static void choose_guid(const char *what, const cJSON *given, char id[UUID_TEXT_SIZE])
{
    const char *said = json_string_at(given, "id");
    char *seed = memory_format("%s %s", what, json_string_at(given, "name"));

    if (said != NULL)
        memcpy(id, said, UUID_TEXT_SIZE);
    else
        uuid_from_name(seed, id);
    text_lower(id);
    free(seed);
}

char *builder_add_role(struct builder *builder, const struct spot *spot,
                       const cJSON *given)
{
    const char *name = json_string_at(given, "name");
    cJSON *body, *scopes;
    char id[UUID_TEXT_SIZE], *key, *wrong;

    if ((role_definition_kind.operations & KIND_PUT) == 0)
        return spot_complain(spot, "roles of one's own are not simulated");
    if (role_find(name) != NULL)
        return spot_complain(spot, "'%s' is a built-in role", name);
    body = cJSON_CreateObject();
    scopes = cJSON_CreateArray();
    choose_guid("role", given, id);
    copy_text(given, "name", body, "properties.roleName");
    copy_text(given, "description", body, "properties.description");
    json_set_at(body, "properties.type", cJSON_CreateString("CustomRole"));
    json_set_at(body, "properties.permissions", make_permissions(given));
    json_set_at(body, "properties.assignableScopes", scopes);
    wrong = read_scopes(builder, spot, json_at(given, "scopes"), scopes);
    if (wrong == NULL)
        wrong = builder_plant(builder, spot, &role_definition_kind,
                              builder->world->subscription_id, id, body);
    key = text_lower(memory_copy_string(name));
    free(map_set(&builder->roles, key, memory_copy_string(id)));
    free(key);
    cJSON_Delete(body);
    return wrong;
}

/* The GUID of a role by its name or GUID, or NULL. Borrowed. */
static const char *find_role(const struct builder *builder, const char *name)
{
    const struct role *role = role_find(name);
    char *key = text_lower(memory_copy_string(name));
    const char *id = role != NULL ? role->id : map_find(&builder->roles, key);

    free(key);
    return id != NULL || !uuid_is_valid(name) ? id : name;
}

static char *complain_role(const struct builder *builder, const struct spot *spot,
                           const char *name)
{
    enum { NAMES_LIMIT = 256 };
    const char *names[NAMES_LIMIT];
    const cJSON *own;
    size_t count = 0;

    for (const struct role *role = roles; role->name != NULL && count < NAMES_LIMIT;
         role++)
        names[count++] = role->name;
    cJSON_ArrayForEach (own, json_at(builder->world->options, "role_definitions")) {
        if (count < NAMES_LIMIT)
            names[count++] = json_string_at(own, "name");
    }

    const char *near = text_nearest(name, names, count);

    return spot_complain(spot, "there is no role '%.100s'%s%s%s", name,
                         near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                         near != NULL ? "'?" : "");
}

static char *plant_assignment(struct builder *builder, const struct spot *spot,
                              const cJSON *given, const struct principal *principal,
                              const char *role, const char *scope)
{
    const char *said = json_string_at(given, "name");
    char name[UUID_TEXT_SIZE], *id, *wrong;
    cJSON *body;

    if (role_assignment_exists(builder->world, scope, principal->id, role))
        return NULL; /* a grant that is there twice is one */
    id = kind_format_id(&role_definition_kind, builder->world->subscription_id, role);
    body = cJSON_CreateObject();
    if (said != NULL)
        memcpy(name, said, UUID_TEXT_SIZE);
    else
        role_assignment_name(scope, principal->id, role, name);
    json_set_at(body, "properties.roleDefinitionId", cJSON_CreateString(id));
    json_set_at(body, "properties.principalId", cJSON_CreateString(principal->id));
    json_set_at(body, "properties.principalType", cJSON_CreateString(principal->type));
    copy_text(given, "description", body, "properties.description");
    copy_text(given, "created_at", body, "properties.createdOn");
    copy_text(given, "created_by", body, "properties.createdBy");
    wrong = builder_plant(builder, spot, &role_assignment_kind, scope, name, body);
    cJSON_Delete(body);
    free(id);
    return wrong;
}

char *builder_add_assignment(struct builder *builder, const struct spot *spot,
                             const cJSON *given)
{
    const struct spot who = {spot, "principal", 0}, what = {spot, "role", 0};
    const char *said = json_string_at(given, "role"), *role = find_role(builder, said);
    char *wrong = NULL;
    const struct principal *principal =
        people_find(builder->people, &who, json_string_at(given, "principal"), &wrong);
    char *scope = NULL;

    if (principal != NULL && role == NULL)
        wrong = complain_role(builder, &what, said);
    if (wrong == NULL)
        scope = find_scope(builder, spot, json_string_at(given, "scope"), &wrong);
    if (scope != NULL)
        wrong = plant_assignment(builder, spot, given, principal, role, scope);
    free(scope);
    return wrong;
}

static char *read_principals(struct builder *builder, const struct spot *spot,
                             const cJSON *given, const char *key, cJSON *body,
                             const char *path)
{
    const struct spot list = {spot, key, 0};
    cJSON *principals = cJSON_CreateArray();
    const cJSON *name;
    int index = 0;

    json_set_at(body, path, principals);
    cJSON_ArrayForEach (name, json_at(given, key)) {
        const struct spot place = {&list, NULL, index++};
        char *wrong = NULL;
        const bool is_everyone = strcmp(name->valuestring, "everyone") == 0;
        const struct principal *found =
            is_everyone ? NULL
                        : people_find(builder->people, &place, name->valuestring, &wrong);
        cJSON *principal;

        if (wrong != NULL)
            return wrong;
        principal = cJSON_CreateObject();
        cJSON_AddStringToObject(principal, "id",
                                is_everyone ? "00000000-0000-0000-0000-000000000000"
                                            : found->id);
        cJSON_AddStringToObject(principal, "type",
                                is_everyone ? "SystemDefined" : found->type);
        cJSON_AddItemToArray(principals, principal);
    }
    return NULL;
}

char *builder_add_denial(struct builder *builder, const struct spot *spot,
                         const cJSON *given)
{
    const struct kind *kind = world_find_kind(builder->world, DENY_TYPE);
    char id[UUID_TEXT_SIZE], *scope, *wrong = NULL;
    cJSON *body;

    if (kind == NULL)
        return spot_complain(spot, "deny assignments are not simulated");
    scope = find_scope(builder, spot, json_string_at(given, "scope"), &wrong);
    if (scope == NULL)
        return wrong;
    body = cJSON_CreateObject();
    choose_guid("denial", given, id);
    copy_text(given, "name", body, "properties.denyAssignmentName");
    copy_text(given, "description", body, "properties.description");
    json_set_at(body, "properties.permissions", make_permissions(given));
    json_set_at(body, "properties.scope", cJSON_CreateString(scope));
    json_set_at(
        body, "properties.doNotApplyToChildScopes",
        cJSON_CreateBool(cJSON_IsTrue(json_at(given, "do_not_apply_to_child_scopes"))));
    json_set_at(body, "properties.isSystemProtected",
                cJSON_CreateBool(!cJSON_IsFalse(json_at(given, "system_protected"))));
    wrong = read_principals(builder, spot, given, "principals", body,
                            "properties.principals");
    if (wrong == NULL)
        wrong = read_principals(builder, spot, given, "exclude_principals", body,
                                "properties.excludePrincipals");
    if (wrong == NULL)
        wrong = builder_plant(builder, spot, kind, scope, id, body);
    cJSON_Delete(body);
    free(scope);
    return wrong;
}

void builder_assign_owner(struct world *world)
{
    char owner[UUID_TEXT_SIZE];

    uuid_from_name(world->profile.client_id, owner);
    role_assignment_add(world, world->subscription_id, role_find("Owner"), owner,
                        "ServicePrincipal");
}
