/* engine/sim/target.h - what a path of Azure Resource Manager points to. */
#ifndef MOONGATE_SIM_TARGET_H
#define MOONGATE_SIM_TARGET_H

#include <stdbool.h>

struct answer;
struct call;
struct kind;
struct world;

enum target_form {
    TARGET_SUBSCRIPTIONS, /* all of them */
    TARGET_TENANTS,
    TARGET_SUBSCRIPTION,
    TARGET_LOCATIONS,
    TARGET_PROVIDER,   /* `name` is the namespace, or NULL: all of them */
    TARGET_RESOURCES,  /* those in the scope `key` */
    TARGET_TAGS,       /* those of the scope `key` */
    TARGET_SKUS,       /* of `kind`; `key` is a resource of it */
    TARGET_NAME_CHECK, /* whether a service can have a name */
    /* `name` one service's, or NULL: all of them; `action` its region, `detail` a purge */
    TARGET_DELETED_SERVICE,
    TARGET_PERMISSIONS, /* what the caller may do at `id` */
    TARGET_LIST,        /* the members of `kind` below `parent` */
    TARGET_ITEM,
    TARGET_ACTION,  /* a POST; `action` on the item */
    TARGET_MONITOR, /* `name` is the operation */
    /* `key` is that of the scope; `name` one deployment's, or NULL: all of them; `action`
     * what stands behind it, and `detail` behind that */
    TARGET_DEPLOYMENT
};

struct target {
    enum target_form form;
    const struct kind *kind;
    char *id;           /* of the item, as it was asked for */
    char *key;          /* the same in lower case; of a list: that of its parent */
    char *parent;       /* the parent's key, of an extension the scope's */
    const char *name;   /* borrowed from the call */
    const char *action; /* borrowed from the call, or NULL */
    const char *detail; /* borrowed from the call, or NULL */
};

/* Finds out. False when the path leads nowhere, and then it has answered; close it all
 * the same. */
bool target_open(struct target *target, const struct world *world,
                 const struct call *call, struct answer *answer);
void target_close(struct target *target);

/* An API's current revision answers to its revision's name, too: afterwards the keys are
 * those under which it is kept. */
void target_resolve(struct target *target, struct world *world);

/* Whether all that is above exists; has answered when not. */
bool target_check_parents(const struct target *target, struct world *world,
                          struct answer *answer);

/* Whether the resource group that it lies in, if any, exists; has answered when not. */
bool target_check_group(const struct target *target, struct world *world,
                        struct answer *answer);

/* Whether that group is not being deleted: one that is takes no more writes. Has answered
 * when it is. */
bool target_check_group_stays(const struct target *target, struct world *world,
                              struct answer *answer);

/* Answers that the item itself does not exist, or what above it does not. */
void target_answer_missing(const struct target *target, struct world *world,
                           struct answer *answer);

#endif
