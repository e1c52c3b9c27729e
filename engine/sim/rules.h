/* engine/sim/rules.h - what the service knows about a kind beyond its row in the model.
 *
 * Each function may be NULL. Those that return bool have answered with a refusal when
 * they return false. */
#ifndef MOONGATE_SIM_RULES_H
#define MOONGATE_SIM_RULES_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/uuid.h"
#include "sim/answer.h"

struct buffer;
struct call;
struct entity;
struct kind;
struct role;
struct target;
struct world;

/* A PUT or PATCH on its way to the store. */
struct change {
    struct world *world;
    struct answer *answer;
    const struct kind *kind;
    const char *key, *id, *parent, *name; /* `parent` is a key */
    const char *caller;                   /* object id of who asks */
    const struct entity *old;             /* NULL: it will be created */
    const cJSON *old_body;                /* NULL then */
    cJSON *body;                          /* the whole resource as it shall be */
    cJSON *aside; /* what `take` has put aside, freed by the caller of the rules */
};

struct rules {
    const struct kind *kind;
    const char *new_state;    /* provisioningState while it is created */
    const char *active_state; /* and later on, or NULL */
    const char *update_state, *delete_state;
    const char *new_target, *update_target,
        *delete_target; /* targetProvisioningState, or NULL */
    bool has_etag_in_body;
    bool has_no_async_operation; /* only Location */
    bool is_always_created;      /* a PUT that changes answers 201 too */
    int retry_after_s;           /* of its long operations; 0: a default */
    enum refusal immutable;      /* a field that cannot change any more was to change */

    /* Before anything that writes is looked at, whether there is such a resource or not. */
    bool (*check_write)(const struct target *target, struct answer *answer);
    void (*take)(struct change *change); /* first: before read-only fields are dropped */
    bool (*check_parent)(
        struct change *change);              /* before others' operations are looked at */
    bool (*check)(struct change *change);    /* after the row's own checks */
    void (*complete)(struct change *change); /* sets what the service sets */
    void (*saved)(struct change *change);    /* after the write, in its transaction */
    void (*answered)(struct change *change); /* once the answer shows the resource */
    const char *(*update_verb)(const struct change *change); /* NULL: "update" */
    bool (*check_delete)(struct world *world, const struct call *call,
                         struct answer *answer, const struct entity *entity);
    /* A DELETE whose query asks that more goes along: in its transaction, first of all. */
    void (*deleting)(struct world *world, const struct call *call,
                     const struct entity *entity);
    void (*removing)(struct world *world, const char *key); /* before those below it go */
    void (*removed)(struct world *world, const char *key);
    /* Names what else the resource refers to, beyond the ids of its row: for each of them
     * entity_add_link(). */
    void (*link)(struct world *world, const struct kind *kind, const char *key,
                 const cJSON *body);
    /* A POST on the resource, by a name of its row's actions. */
    void (*act)(struct world *world, const struct call *call, const struct entity *entity,
                const char *action, struct answer *answer);
    void (*finish)(struct world *world, cJSON *body); /* an operation came to its end */
    /* Writes what a GET shows, when that is not the stored body. */
    void (*present)(struct world *world, const struct entity *entity, struct buffer *to);
    /* Answers a GET of one whose query asks for something else; false when it does not. */
    bool (*answer_query)(struct world *world, const struct call *call,
                         const struct target *target, struct answer *answer);
    /* Whole answers, for what is not stored. */
    void (*get)(struct world *world, const struct call *call, const struct target *target,
                struct answer *answer);
    void (*list)(struct world *world, const struct call *call,
                 const struct target *target, struct answer *answer);
};

/* Answers that something goes on with the API Management service or gateway that `id` is or
 * lies below; false. */
bool rules_refuse_locked(struct answer *answer, const char *id);

/* Whether there may be one more of the kind beside the others; has answered when not. */
bool rules_check_limit(const struct change *change);

/* Never NULL. */
const struct rules *rules_find(const struct kind *kind);

/* The name of a role assignment of the first world that has none of its own, as scripts make
 * it: the same grant is the same assignment. Ids of principal and role are in lower case. */
void role_assignment_name(const char *scope_id, const char *principal,
                          const char *role_id, char name[UUID_TEXT_SIZE]);

/* Whether this very grant is there, by whatever name. */
bool role_assignment_exists(struct world *world, const char *scope_id,
                            const char *principal, const char *role_id);

/* Makes a role assignment of the first world, unless it is there; `scope_id` must exist. */
void role_assignment_add(struct world *world, const char *scope_id,
                         const struct role *role, const char *principal,
                         const char *principal_type);

extern const struct rules resource_group_rules, service_rules, workspace_rules,
    workspace_link_rules, gateway_rules, config_connection_rules, virtual_network_rules,
    subnet_rules, network_security_group_rules, role_definition_rules,
    role_assignment_rules, deny_assignment_rules, lock_rules, api_rules,
    api_release_rules, api_revision_rules, security_rule_rules,
    default_security_rule_rules, named_value_rules, certificate_rules,
    authorization_server_rules, subscription_rules, service_subscription_rules,
    product_rules, service_product_rules, workspace_policy_rules, api_policy_rules,
    api_operation_policy_rules, product_policy_rules, policy_fragment_rules, group_rules,
    service_group_rules, group_user_rules, service_group_user_rules,
    notification_email_rules, notification_user_rules, notification_rules,
    service_user_rules, product_api_link_rules, product_group_link_rules,
    tag_api_link_rules, tag_operation_link_rules, tag_product_link_rules,
    service_product_api_link_rules, service_product_group_link_rules,
    service_tag_api_link_rules, service_tag_operation_link_rules,
    service_tag_product_link_rules, api_operation_rules, diagnostic_rules,
    api_diagnostic_rules, logger_rules, api_version_set_rules, schema_rules,
    api_schema_rules, route_table_rules, route_rules, nat_gateway_rules,
    private_dns_zone_rules, virtual_network_link_rules, dns_a_record_rules, backend_rules;

#endif
