/* engine/sim/directory.h - the users, groups and applications of the simulated tenant.
 *
 * Ids are in lower case wherever no function says that it lowers them. */
#ifndef MOONGATE_SIM_DIRECTORY_H
#define MOONGATE_SIM_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct world;

/* What sign-in needs to know of an application. */
struct directory_secret {
    const char *app_id, *secret;
};

/* Adds or replaces the object that `body` describes by its `id`; `type` is "User",
 * "Group", "ServicePrincipal" or "Application". It is known everywhere from `replicated_ms`
 * on, and in Microsoft Graph when the world's lag there is over. Of one that is there already
 * only the description changes. */
void directory_save(struct world *world, const char *type, const cJSON *body,
                    int64_t replicated_ms, const struct directory_secret *secret);

/* Sets the secret of an application or the password of a user. */
void directory_set_secret(struct world *world, const char *id, const char *secret);

/* Whether it is the user's password. */
bool directory_check_password(struct world *world, const char *id, const char *password);

/* What the application may do in Microsoft Graph (sim/graph_rights.h). */
void directory_set_rights(struct world *world, const char *app_id, unsigned rights);

/* The text that is shown of the object, owned by the caller, or NULL; `type` NULL takes any.
 * The id's case does not matter here. */
char *directory_find(struct world *world, const char *type, const char *id);

/* All that is known of it, owned by the caller, or NULL. */
cJSON *directory_load(struct world *world, const char *type, const char *id);

/* Its type, owned by the caller, or NULL when it is not there or not in Graph yet. */
char *directory_find_type(struct world *world, const char *id);

/* "User", "Group", "ServicePrincipal", owned by the caller, or NULL when there is no such
 * object or not everywhere yet. */
char *directory_principal_type(struct world *world, const char *id);

/* Whether it is there and its account is not disabled. Counted in the world's
 * `directory_changes` are all changes after which that may be another answer. */
bool directory_may_sign_in(struct world *world, const char *id);

bool directory_is_member(struct world *world, const char *group, const char *member);
void directory_add_member(struct world *world, const char *group, const char *member);
void directory_remove_member(struct world *world, const char *group, const char *member);

bool directory_is_owner(struct world *world, const char *object, const char *owner);
void directory_add_owner(struct world *world, const char *object, const char *owner);
void directory_remove_owner(struct world *world, const char *object, const char *owner);
int64_t directory_count_owners(struct world *world, const char *object);

/* Puts the object with its members, memberships and owners into the recycle bin, and takes it
 * out again. The latter is false when it is not there. */
void directory_remove(struct world *world, const char *id);
bool directory_restore(struct world *world, const char *id);

/* What a SELECT from the recycle bin (table `bin`) shows when it shall show no secrets. */
extern const char directory_bin_columns[];

/* The password or first secret of whom `key` names, who may be in the recycle bin: "app_id" or
 * "upn_key" says which key it is. */
void directory_restore_secret(struct world *world, const char *column, const char *key,
                              const char *secret);

/* A secret of the application, good from `start_ms` on until `end_ms` (UTC). */
void directory_add_credential(struct world *world, const char *key_id, const char *object,
                              const char *app_id, const char *secret, int64_t start_ms,
                              int64_t end_ms);
void directory_remove_credential(struct world *world, const char *key_id);

/* Whether it is one of the application's secrets, now. */
bool directory_check_secret(struct world *world, const char *app_id, const char *secret);

#endif
