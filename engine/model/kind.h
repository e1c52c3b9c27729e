/* engine/model/kind.h - what moongate knows about a kind of resource, told once.
 *
 * Bindings, argument errors, `moongate doc`, comparison and the simulator's validation all
 * read these rows. Facts: the Azure REST API specifications of the api-version in the row. */
#ifndef MOONGATE_MODEL_KIND_H
#define MOONGATE_MODEL_KIND_H

#include <stdbool.h>

#include <cjson/cJSON.h>

enum field_type {
    FIELD_STRING,
    FIELD_INTEGER,
    FIELD_BOOLEAN,
    FIELD_CHOICE,   /* one of `choices` */
    FIELD_ID,       /* an ARM resource id, or in Lua a resource object too */
    FIELD_LOCATION, /* a region: "West Europe" and "westeurope" are the same */
    FIELD_TIME,     /* ISO 8601 UTC */
    FIELD_STRINGS,  /* a list of strings */
    FIELD_IDS,      /* a list of objects that hold an `id` */
    FIELD_TAGS,     /* a map from strings to strings */
    FIELD_LIST,     /* a list of objects whose fields are `items` */
    FIELD_NUMBER,   /* a number that may have a fraction */
    FIELD_DURATION, /* ISO 8601 in the body; in Lua as all durations: seconds, "90s", "1h" */
    FIELD_OBJECT, /* an object whose fields are `items`, their paths from the object on */
    FIELD_MAP,    /* from names to values that are each a `values` */
    FIELD_ANY     /* any JSON */
};

enum field_flag {
    FIELD_REQUIRED = 1,   /* a new resource must have it */
    FIELD_READ_ONLY = 2,  /* set by the service */
    FIELD_IMMUTABLE = 4,  /* can be given at creation only */
    FIELD_BY_NAME = 8,    /* an id of which only the last name counts: a role's GUID */
    FIELD_SECRET = 16,    /* never shown in texts, logs or exports */
    FIELD_WRITE_ONLY = 32 /* a GET does not give it back */
};

struct choice {
    const char *name; /* as scripts say it */
    const char *json; /* as the service says it */
};

struct field {
    const char *name; /* as scripts say it */
    const char *path; /* in the body */
    enum field_type type;
    unsigned flags;
    /* Characters of a string, value of a number, elements of a list; max 0: no limit. */
    int min, max;
    int item_max;        /* characters of each of a list of strings; 0: no limit */
    const char *pattern; /* POSIX extended expression for a string, or NULL */
    const struct choice *choices; /* of a choice or each of a list of strings; ended by a
                                   * row without name */
    bool choices_are_open;        /* the service may know more */
    const struct field *items; /* of a list, an object or a map of objects; ended by a row
                                   * without name */
    enum field_type values;    /* of a FIELD_MAP */
    const char *unit;          /* of a number, or NULL */
    const char *help;          /* one line */
};

enum kind_operation {
    KIND_GET = 1,
    KIND_HEAD = 2,
    KIND_PUT = 4,
    KIND_PATCH = 8,
    KIND_DELETE = 16,
    KIND_LIST = 32
};

/* Which writes must not run side by side. */
enum kind_serial {
    SERIAL_SELF,  /* those to this resource and to its children that say SERIAL_PARENT */
    SERIAL_PARENT /* those to the parent's other children too */
};

/* What a POST on a resource does besides the verbs. */
struct action {
    const char *name; /* the last of its path: "listSecrets" */
    bool is_long;     /* it may go on after the answer */
    const char *help; /* one line */
};

struct kind {
    const char *name;          /* "workspace"; unique */
    const char *arm_type;      /* "Microsoft.ApiManagement/service/workspaces" */
    const char *api_version;   /* the one moongate sends */
    const char *collection;    /* what comes between the parent's id and the name */
    const struct kind *parent; /* NULL: the subscription, or for an extension any scope */
    bool is_extension;         /* it lives on any other resource */
    int name_min, name_max;    /* characters */
    const char *name_pattern;  /* POSIX extended expression, or NULL */
    unsigned operations;       /* of enum kind_operation */
    unsigned long_operations;  /* those of them that may go on after the answer */
    unsigned if_match;         /* those that must say If-Match */
    unsigned may_match;        /* those that may */
    enum kind_serial serial;
    bool patches_tags_only;      /* all else is changed by a PUT of the whole */
    const char *exists_code;     /* a refused PUT with this code: somebody has made it */
    const char *final_state_via; /* "location", "azure-async-operation" or NULL */
    /* What scripts call it on its parent: "apis" of a workspace, "policy" of an API; NULL
     * when only a module leads to it. */
    const char *member;
    const char *only_name; /* the one name it can have: "policy"; else NULL */
    /* The action whose answer has the values of the secret fields as members of the same
     * name as in `properties`, or NULL. */
    const char *reveal;
    const struct action *actions; /* ended by a row without name, or NULL */
    const struct field *fields;   /* ended by a row without name */
    /* The fields, in their order and with blanks between, that tell one from another where many
     * are shown, one a line; NULL: the first that have a value. */
    const char *columns;
    /* What is wrong with a whole body that no field's row can tell, in a message owned by the
     * caller, or NULL. May be NULL itself. */
    char *(*check)(const cJSON *body);
    /* What reading one asks for besides, as the rest of its URL ("&format=rawxml"), or NULL. */
    const char *read_query;
    /* Whether two bodies say the same although their fields may differ. May be NULL itself;
     * false leaves it to the fields. */
    bool (*is_same)(const cJSON *have, const cJSON *wanted);
    /* What people call one whose name says nothing, by its body: borrowed from a table, or
     * NULL. May be NULL itself. */
    const char *(*label)(const cJSON *body);
    const char *help; /* one line */
};

/* All kinds, ended by NULL, parents before children. */
extern const struct kind *const kinds[];

extern const struct kind resource_group_kind, service_kind, workspace_kind,
    workspace_link_kind, gateway_kind, config_connection_kind, virtual_network_kind,
    subnet_kind, network_security_group_kind, role_definition_kind, role_assignment_kind,
    deny_assignment_kind, lock_kind, service_sku_kind, gateway_sku_kind,
    api_version_set_kind, named_value_kind, certificate_kind, logger_kind, backend_kind,
    group_kind, group_user_kind, notification_kind, notification_email_kind,
    notification_user_kind, schema_kind, policy_fragment_kind, workspace_policy_kind,
    diagnostic_kind, api_kind, api_revision_kind, api_release_kind, api_schema_kind,
    api_operation_kind, api_operation_policy_kind, api_policy_kind, api_diagnostic_kind,
    product_kind, product_api_link_kind, product_group_link_kind, product_policy_kind,
    subscription_kind, tag_kind, tag_api_link_kind, tag_operation_link_kind,
    tag_product_link_kind, authorization_server_kind, service_group_kind,
    service_group_user_kind, service_user_kind, service_product_kind,
    service_product_api_link_kind, service_product_group_link_kind,
    service_subscription_kind, service_tag_kind, service_tag_api_link_kind,
    service_tag_operation_link_kind, service_tag_product_link_kind, route_table_kind,
    route_kind, nat_gateway_kind, private_dns_zone_kind, virtual_network_link_kind,
    dns_a_record_kind, security_rule_kind, default_security_rule_kind, permission_kind;

/* By name ("subnet"), or NULL. */
const struct kind *kind_find(const char *name);

/* The kind that is called `member` on resources of `parent`, or NULL. */
const struct kind *kind_find_member(const struct kind *parent, const char *member);

/* The field of that name, or NULL. */
const struct field *field_find(const struct field *fields, const char *name);

/* What of `field` scripts and the service call the same, or NULL when it is no choice. */
const struct choice *choice_by_name(const struct field *field, const char *name);
const struct choice *choice_by_json(const struct field *field, const char *json);

/* Says what is wrong with a name of this kind, in a message owned by the caller, or NULL. */
char *kind_check_name(const struct kind *kind, const char *name);

/* Says what is wrong with a value as the service would see it, in a message owned by the
 * caller that names the field by `name`, or NULL. Checks type, limits, pattern, choices, at
 * any depth; what is inside is named as scripts name it. */
char *field_check_value(const struct field *field, const char *name, const cJSON *value);

/* The same, and what is inside is named as in the body. */
char *field_check_property(const struct field *field, const char *name,
                           const cJSON *value);

/* Whether its resources have tags, as Azure's resources may. */
bool kind_has_tags(const struct kind *kind);

/* Whether a PATCH changes its properties; else it takes a PUT of the whole. */
bool kind_patches(const struct kind *kind);

/* Whether an id is one of this kind, by the last provider in it and the types that follow. */
bool kind_has_id(const struct kind *kind, const char *id);

/* The id of the resource called `name` below `parent_id`; owned by the caller. */
char *kind_format_id(const struct kind *kind, const char *parent_id, const char *name);

#endif
