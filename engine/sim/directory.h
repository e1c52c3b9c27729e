/* engine/sim/directory.h - the users, groups and applications of the simulated tenant. */
#ifndef MOONGATE_SIM_DIRECTORY_H
#define MOONGATE_SIM_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct world;

/* What sign-in needs to know of an application. */
struct directory_secret {
    const char *app_id, *secret;
    bool is_admin;
};

/* Adds or replaces the object that `body` describes by its `id`; `type` is "User",
 * "Group" or "ServicePrincipal". It is known everywhere from `replicated_ms` on. */
void directory_save(struct world *world, const char *type, const cJSON *body,
                    int64_t replicated_ms, const struct directory_secret *secret);

/* The object's text, owned by the caller, or NULL; `type` NULL takes any. */
char *directory_find(struct world *world, const char *type, const char *id);

/* "User", "Group", "ServicePrincipal", owned by the caller, or NULL when there is no such
 * object or not everywhere yet. */
char *directory_principal_type(struct world *world, const char *id);

bool directory_is_member(struct world *world, const char *group, const char *member);
void directory_add_member(struct world *world, const char *group, const char *member);
void directory_remove_member(struct world *world, const char *group, const char *member);

void directory_add_owner(struct world *world, const char *group, const char *owner);

/* The object, its members and its memberships. */
void directory_remove(struct world *world, const char *id);

#endif
