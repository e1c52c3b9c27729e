/* engine/sim/roles.h - the roles of the simulated tenant: Azure's own and custom ones. */
#ifndef MOONGATE_SIM_ROLES_H
#define MOONGATE_SIM_ROLES_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "sim/permission.h"

struct world;

struct tenant_role {
    const struct role *built_in; /* NULL: a custom one */
    char *id;                    /* the GUID, in lower case */
    struct permissions permissions;
    cJSON *body; /* of a custom one */
};

/* By the GUID of its definition, or NULL. Valid until roles_forget(). */
const struct tenant_role *roles_find(struct world *world, const char *guid);

/* Whether the role can be assigned at a scope, or with `below` somewhere below it. */
bool roles_is_assignable(const struct world *world, const struct tenant_role *role,
                         const char *scope_key, bool below);

/* A custom role has changed. */
void roles_forget(struct world *world);

#endif
