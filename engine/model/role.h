/* engine/model/role.h - the built-in roles that matter around workspaces. */
#ifndef MOONGATE_MODEL_ROLE_H
#define MOONGATE_MODEL_ROLE_H

/* Where the documentation says to assign a role. */
enum role_scope { ROLE_SCOPE_ANY, ROLE_SCOPE_SERVICE, ROLE_SCOPE_WORKSPACE };

/* What a role allows: the actions that a pattern of `actions` fits and none of
 * `not_actions` does, and the same for actions on data. Each is ended by NULL, or NULL. */
struct permission {
    const char *const *actions, *const *not_actions;
    const char *const *data_actions, *const *not_data_actions;
};

struct role {
    const char *name; /* as Azure shows it */
    const char *id;   /* the GUID of its definition, the same in every tenant */
    enum role_scope scope;
    const char *description;
    struct permission permission;
};

/* Ended by a row without name. */
extern const struct role roles[];

/* By name, without regard to case, or by id; NULL when there is none. */
const struct role *role_find(const char *name_or_id);

#endif
