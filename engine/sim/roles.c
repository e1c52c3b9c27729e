/* engine/sim/roles.c - the roles of the simulated tenant: Azure's own and custom ones. */
#include "sim/roles.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/world.h"

static void free_role(void *value)
{
    struct tenant_role *role = value;

    if (role->built_in == NULL)
        permissions_free(&role->permissions);
    cJSON_Delete(role->body);
    free(role->id);
    free(role);
}

void roles_forget(struct world *world)
{
    grants_forget(world); /* they point to roles */
    map_deinit(&world->roles, free_role);
    world->roles = (struct map){0};
}

/* The stored body of a custom role, owned by the caller, or NULL. */
static cJSON *load_body(struct world *world, const char *guid)
{
    char *id = kind_format_id(&role_definition_kind, world->subscription_id, guid);
    char *key = entity_make_key(id);
    cJSON *body = entity_body(world, key);

    free(id);
    free(key);
    return body;
}

static struct tenant_role *load(struct world *world, const char *guid)
{
    const struct role *built_in = role_find(guid);
    cJSON *body = built_in == NULL ? load_body(world, guid) : NULL;

    if (built_in == NULL && body == NULL)
        return NULL;

    struct tenant_role *role = memory_new(sizeof *role);

    role->built_in = built_in;
    role->id = memory_copy_string(guid);
    role->body = body;
    if (built_in != NULL) /* lent by the table, which is not written to */
        role->permissions = (struct permissions){
            1, (struct permission *)(uintptr_t)&built_in->permission};
    else
        role->permissions = permissions_read(json_at(body, "properties.permissions"));
    map_set(&world->roles, guid, role);
    return role;
}

const struct tenant_role *roles_find(struct world *world, const char *guid)
{
    char key[UUID_TEXT_SIZE];
    const struct tenant_role *role;

    if (strlen(guid) >= sizeof key)
        return NULL;
    strcpy(key, guid);
    text_lower(key);
    role = map_find(&world->roles, key);
    return role != NULL || !uuid_is_valid(key) ? role : load(world, key);
}

bool roles_is_assignable(const struct world *world, const struct tenant_role *role,
                         const char *scope_key, bool below)
{
    const cJSON *scopes = json_at(role->body, "properties.assignableScopes"), *scope;
    bool is_assignable = role->built_in != NULL;

    cJSON_ArrayForEach (scope, scopes) {
        char *key = entity_make_key(scope->valuestring);
        const char *at = grants_find_scope(world, key);

        is_assignable = is_assignable || grants_is_at_or_above(at, scope_key) ||
                        (below && grants_is_at_or_above(scope_key, at));
        free(key);
    }
    return is_assignable;
}
