/* engine/sim/world_keys.c - what a world file may say: its keys and their
 * values. */
#include "sim/world_keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "model/role.h"
#include "sim/app_credentials.h"
#include "sim/block.h"
#include "sim/faults.h"
#include "sim/form.h"
#include "sim/graph_rights.h"
#include "sim/jws.h"
#include "sim/provider.h"
#include "sim/spot.h"
#include "sim/spread.h"
#include "sim/throttle.h"

/* ---- what keys there are ---- */

struct shape;

/* Says what is wrong with a value, in a message owned by the caller, or NULL.
 */
typedef char *check_value(const struct spot *spot, const cJSON *value);

enum key_flag {
    KEY_REQUIRED = 1,
    KEY_LIST = 2 /* a list of what the rest of the row says */
};

struct key {
    const char *name;
    check_value *check;        /* of a plain value; or NULL */
    const struct kind *named;  /* the name of a resource of this kind; or NULL */
    const struct shape *shape; /* of an object */
    unsigned flags;
};

struct shape {
    const struct kind *kind; /* its fields are keys too; or NULL */
    const struct key *keys;  /* ended by a row without name; these come first */
};

enum { NAMES_LIMIT = 64 };

static char *complain_unknown(const struct spot *spot, const struct shape *shape,
                              const char *name)
{
    const char *names[NAMES_LIMIT];
    size_t count = 0;
    struct buffer all = {0};

    for (const struct key *key = shape->keys; key->name != NULL; key++) {
        if (count < NAMES_LIMIT)
            names[count++] = key->name;
    }
    for (const struct field *field = shape->kind != NULL ? shape->kind->fields : NULL;
         field != NULL && field->name != NULL; field++) {
        if (count < NAMES_LIMIT)
            names[count++] = field->name;
    }

    const char *near = text_nearest(name, names, count);

    if (near != NULL)
        return spot_complain(spot, "unknown key '%.100s'; did you mean '%s'?", name,
                             near);
    for (size_t i = 0; i < count; i++)
        buffer_printf(&all, "%s%s", i > 0 ? ", " : "", names[i]);

    char *wrong = spot_complain(spot, "unknown key '%.100s'; there are %s", name,
                                all.data != NULL ? all.data : "none");

    buffer_deinit(&all);
    return wrong;
}

/* ---- plain values ---- */

static char *check_text(const struct spot *spot, const cJSON *value)
{
    return cJSON_IsString(value) && value->valuestring[0] != '\0'
               ? NULL
               : spot_complain(spot, "a text expected that is not empty");
}

static char *check_number(const struct spot *spot, const cJSON *value)
{
    return cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble <= 1e6
               ? NULL
               : spot_complain(spot, "a number from 0 to 1000000 expected");
}

static char *check_flag(const struct spot *spot, const cJSON *value)
{
    return cJSON_IsBool(value) ? NULL : spot_complain(spot, "true or false expected");
}

static char *check_uuid(const struct spot *spot, const cJSON *value)
{
    return cJSON_IsString(value) && uuid_is_valid(value->valuestring)
               ? NULL
               : spot_complain(spot, "a UUID expected, such as "
                                     "0b1f6471-1bf0-4dda-aec3-cb9272f09590");
}

static char *check_time(const struct spot *spot, const cJSON *value)
{
    int64_t time_ms;

    return cJSON_IsString(value) && clock_parse_utc(value->valuestring, &time_ms) == 0
               ? NULL
               : spot_complain(spot, "a time expected, such as 2026-01-05T09:00:00Z");
}

static char *check_user_name(const struct spot *spot, const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);
    const char *at = text != NULL ? strchr(text, '@') : NULL;

    return at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL
               ? NULL
               : spot_complain(spot, "a name such as ann.lee@contoso.example expected");
}

static char *check_domain(const struct spot *spot, const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);

    return text != NULL && text_matches(text, "^[a-zA-Z0-9-]+([.][a-zA-Z0-9-]+)+$")
               ? NULL
               : spot_complain(spot, "a domain expected, such as contoso.example");
}

static char *check_faults(const struct spot *spot, const cJSON *value)
{
    char *reason = cJSON_IsString(value) ? faults_check(value->valuestring)
                                         : memory_copy_string("a text expected");
    char *wrong = reason != NULL ? spot_complain(spot, "%s", reason) : NULL;

    free(reason);
    return wrong;
}

static char *check_factor(const struct spot *spot, const cJSON *value)
{
    return cJSON_IsNumber(value) && value->valuedouble >= 1 && value->valuedouble <= 1000
               ? NULL
               : spot_complain(spot, "a number from 1 to 1000 expected");
}

/* Requests a minute by namespace. */
static char *check_provider_limits(const struct spot *spot, const cJSON *value)
{
    const cJSON *member;

    if (!cJSON_IsObject(value) || cJSON_GetArraySize(value) > THROTTLE_PROVIDER_LIMIT)
        return spot_complain(spot, "an object of at most %d resource providers expected",
                             THROTTLE_PROVIDER_LIMIT);
    cJSON_ArrayForEach (member, value) {
        const struct spot place = {spot, member->string, 0};

        if (!cJSON_IsNumber(member) || member->valuedouble < 1 ||
            member->valuedouble > 1e6)
            return spot_complain(&place, "requests a minute expected, from 1 to 1000000");
    }
    return NULL;
}

/* What an application may do in Microsoft Graph. */
static char *check_graph_rights(const struct spot *spot, const cJSON *value)
{
    const char *unknown = NULL;
    unsigned rights;

    if (graph_rights_read(value, &rights, &unknown))
        return NULL;
    return unknown != NULL
               ? spot_complain(spot, "no permission '%.100s'", unknown)
               : spot_complain(spot, "\"admin\" or a list of permissions such "
                                     "as [\"Group.Read.All\"] expected");
}

static char *check_built_in_role(const struct spot *spot, const cJSON *value)
{
    return cJSON_IsString(value) && role_find(value->valuestring) != NULL
               ? NULL
               : spot_complain(spot, "the name of a built-in role expected");
}

static char *check_certificate(const struct spot *spot, const cJSON *value)
{
    X509 *certificate = cJSON_IsString(value)
                            ? app_credentials_read_certificate(value->valuestring)
                            : NULL;

    if (certificate == NULL)
        return spot_complain(spot, "a certificate as PEM, with an RSA key, expected");
    X509_free(certificate);
    return NULL;
}

static char *check_issuer(const struct spot *spot, const cJSON *value)
{
    return cJSON_IsString(value) && strstr(value->valuestring, "://") != NULL
               ? NULL
               : spot_complain(spot, "a URL expected");
}

static char *check_key_set(const struct spot *spot, const cJSON *value)
{
    const cJSON *keys = json_at(value, "keys"), *jwk;

    cJSON_ArrayForEach (jwk, keys) {
        EVP_PKEY *key = jws_read_key(jwk);

        if (key == NULL)
            return spot_complain(spot, "a JSON Web Key Set of RSA keys expected");
        EVP_PKEY_free(key);
    }
    return cJSON_GetArraySize(keys) > 0
               ? NULL
               : spot_complain(spot, "a JSON Web Key Set of RSA keys expected");
}

static char *check_token_life(const struct spot *spot, const cJSON *value)
{
    int64_t life_ms;

    if (cJSON_IsString(value) && duration_parse(value->valuestring, &life_ms) == 0 &&
        life_ms >= TOKEN_LIFE_LEAST_MS && life_ms <= TOKEN_LIFE_MOST_MS)
        return NULL;
    return spot_complain(spot, "a duration from 1s to 1d expected");
}

static char *check_provider(const struct spot *spot, const cJSON *value)
{
    const char *name = cJSON_GetStringValue(value);

    return name != NULL && provider_is_optional(name)
               ? NULL
               : spot_complain(spot, "no provider '%.100s' that could be unregistered",
                               name != NULL ? name : "");
}

static char *check_prefix(const struct spot *spot, const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);
    struct block block;

    return text != NULL && (strchr(text, ':') != NULL || /* IPv6 is passed over */
                            block_parse(text, &block) == BLOCK_OK)
               ? NULL
               : spot_complain(spot,
                               "'%.100s' is not an address prefix such as "
                               "10.0.0.0/16",
                               text != NULL ? text : "");
}

/* A token bucket: [size, refill a second], or null or 0 for none. */
static char *check_bucket(const struct spot *spot, const cJSON *value)
{
    const cJSON *size = cJSON_GetArrayItem(value, 0),
                *rate = cJSON_GetArrayItem(value, 1);

    if (cJSON_IsNull(value) || (cJSON_IsNumber(value) && value->valuedouble == 0))
        return NULL;
    if (cJSON_IsArray(value) && cJSON_GetArraySize(value) == 2 && cJSON_IsNumber(size) &&
        cJSON_IsNumber(rate) && size->valuedouble <= 1e6 && rate->valuedouble <= 1e6 &&
        (size->valuedouble == 0 || (size->valuedouble >= 1 && rate->valuedouble >= 1e-3)))
        return NULL;
    return spot_complain(spot, "a size and a refill per second expected, such as [200, "
                               "10], both up to 1000000, or 0 for no limit");
}

/* ---- what goes by kind and verb ---- */

/* "gateway.create": a kind whose name has underscores for spaces, and a verb.
 */
static bool is_verb_name(const char *name)
{
    static const char *const verbs[] = {".create", ".update", ".scale", ".delete"};
    const size_t length = strcspn(name, ".");
    char kind[64];
    bool is_verb = false;

    if (length >= sizeof kind)
        return false;
    for (size_t i = 0; i < length; i++)
        kind[i] = name[i] == '_' ? ' ' : name[i];
    kind[length] = '\0';
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        is_verb = is_verb || strcmp(name + length, verbs[i]) == 0;
    return is_verb && kind_find(kind) != NULL;
}

/* What another part of the simulator says of a value, taken; NULL: it is good. */
static char *complain_as(const struct spot *spot, char *reason)
{
    char *wrong = reason != NULL ? spot_complain(spot, "%s", reason) : NULL;

    free(reason);
    return wrong;
}

static char *check_duration(const struct spot *spot, const cJSON *value)
{
    struct spread spread;

    return complain_as(spot, spread_read(value, &spread));
}

static char *check_form(const struct spot *spot, const cJSON *value)
{
    return complain_as(spot, form_check_name(value));
}

static char *check_monitor_life(const struct spot *spot, const cJSON *value)
{
    int64_t life_ms;

    return cJSON_IsString(value) && duration_parse(value->valuestring, &life_ms) == 0
               ? NULL
               : spot_complain(spot, "a duration such as 24h expected");
}

static bool is_object(const cJSON *value)
{
    return cJSON_IsObject(value) ||
           (cJSON_IsArray(value) && value->child == NULL); /* Lua's {} may be either */
}

/* An object whose keys are kinds and verbs. */
static char *check_by_verb(const struct spot *spot, const cJSON *value,
                           check_value *check)
{
    const cJSON *member;

    if (!is_object(value))
        return spot_complain(spot, "an object by kind and verb expected");
    cJSON_ArrayForEach (member, value) {
        const struct spot place = {spot, member->string, 0};
        char *wrong =
            is_verb_name(member->string)
                ? check(&place, member)
                : spot_complain(spot,
                                "unknown key '%.100s'; a kind and create, update, scale "
                                "or delete expected, such as gateway.create",
                                member->string);

        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static char *check_durations(const struct spot *spot, const cJSON *value)
{
    return check_by_verb(spot, value, check_duration);
}

static char *check_forms(const struct spot *spot, const cJSON *value)
{
    return check_by_verb(spot, value, check_form);
}

/* Texts by their URL. */
static char *check_documents(const struct spot *spot, const cJSON *value)
{
    const cJSON *member;
    char *wrong = NULL;

    if (!cJSON_IsObject(value))
        return spot_complain(spot, "must be an object");
    cJSON_ArrayForEach (member, value) {
        const struct spot place = {spot, member->string, 0};

        wrong = check_text(&place, member);
        if (wrong == NULL && strstr(member->string, "://") == NULL)
            wrong = spot_complain(&place, "is no URL");
        if (wrong != NULL)
            break;
    }
    return wrong;
}

/* ---- objects and lists ---- */

static char *check_object(const struct spot *spot, const struct shape *shape,
                          const cJSON *value);

static char *check_name(const struct spot *spot, const struct kind *kind,
                        const cJSON *value)
{
    char *wrong = check_text(spot, value), *reason;

    if (wrong != NULL || (reason = kind_check_name(kind, value->valuestring)) == NULL)
        return wrong;
    wrong = spot_complain(spot, "%s", reason);
    free(reason);
    return wrong;
}

/* A value that is no list, by the key's row. */
static char *check_one(const struct spot *spot, const struct key *key, const cJSON *value)
{
    if (key->named != NULL)
        return check_name(spot, key->named, value);
    return key->check != NULL ? key->check(spot, value)
                              : check_object(spot, key->shape, value);
}

static char *check_elements(const struct spot *spot, const struct key *key,
                            const cJSON *value)
{
    const cJSON *element;
    int index = 0;

    if (!cJSON_IsArray(value))
        return spot_complain(spot, "a list expected");
    cJSON_ArrayForEach (element, value) {
        const struct spot place = {spot, NULL, index++};
        char *wrong = check_one(&place, key, element);

        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static char *check_strings(const struct spot *spot, const cJSON *value)
{
    return check_elements(spot, &(struct key){.check = check_text}, value);
}

/* A field of a kind, as scripts would say it. */
static char *check_field(const struct spot *spot, const struct field *field,
                         const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);
    char *reason, *wrong;

    switch (field->type) {
    case FIELD_CHOICE:
        if (text != NULL && choice_by_name(field, text) != NULL)
            return NULL;
        break;
    case FIELD_ID:
        return check_text(spot, value);
    case FIELD_IDS:
        return check_strings(spot, value);
    case FIELD_TIME:
        return check_time(spot, value);
    default:
        break;
    }
    reason = field_check_value(field, field->name, value);
    wrong = reason != NULL ? spot_complain(spot, "%s", reason) : NULL;
    free(reason);
    return wrong;
}

/* The elements of a FIELD_LIST, each with the fields of its items. */
static char *check_items(const struct spot *spot, const struct field *list,
                         const cJSON *value)
{
    static const struct key none[] = {{0}};
    const struct kind items = {.fields = list->items};
    const struct shape shape = {&items, none};

    return check_elements(spot, &(struct key){.shape = &shape}, value);
}

static char *check_member(const struct spot *spot, const struct shape *shape,
                          const cJSON *member)
{
    const struct spot place = {spot, member->string, 0};
    const struct key *key = shape->keys;
    const struct field *field;

    while (key->name != NULL && strcmp(key->name, member->string) != 0)
        key++;
    if (key->name != NULL && (key->flags & KEY_LIST) != 0)
        return check_elements(&place, key, member);
    if (key->name != NULL)
        return check_one(&place, key, member);
    field = shape->kind != NULL ? field_find(shape->kind->fields, member->string) : NULL;
    if (field == NULL)
        return complain_unknown(spot, shape, member->string);
    return field->type == FIELD_LIST ? check_items(&place, field, member)
                                     : check_field(&place, field, member);
}

static char *check_object(const struct spot *spot, const struct shape *shape,
                          const cJSON *value)
{
    const cJSON *member;

    if (!is_object(value))
        return spot_complain(spot, "an object expected");
    cJSON_ArrayForEach (member, value) {
        char *wrong =
            cJSON_GetObjectItemCaseSensitive(value, member->string) == member
                ? check_member(spot, shape, member)
                : spot_complain(spot, "key '%.100s' is there twice", member->string);

        if (wrong != NULL)
            return wrong;
    }
    for (const struct key *key = shape->keys; key->name != NULL; key++) {
        if ((key->flags & KEY_REQUIRED) != 0 &&
            cJSON_GetObjectItemCaseSensitive(value, key->name) == NULL)
            return spot_complain(spot, "'%s' is missing", key->name);
    }
    return NULL;
}

/* The state of what is there from the start: no operation is under way that
 * would end another one. */
static char *check_state(const struct spot *spot, const cJSON *value)
{
    static const char *const states[] = {"Succeeded", "Failed", "Canceled", "Stopped",
                                         "TerminationFailed"};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (cJSON_IsString(value) && strcmp(value->valuestring, states[i]) == 0)
            return NULL;
    }
    return spot_complain(spot, "a state expected that lasts: Succeeded, Failed, "
                               "Canceled, Stopped or TerminationFailed");
}

/* ---- the keys of each part ---- */

static const struct key tenant_keys[] = {{.name = "id", .check = check_uuid},
                                         {.name = "name", .check = check_text},
                                         {.name = "domain", .check = check_domain},
                                         {0}};
static const struct shape tenant = {NULL, tenant_keys};

static const struct key subscription_keys[] = {
    {.name = "id", .check = check_uuid}, {.name = "name", .check = check_text}, {0}};
static const struct shape subscription = {NULL, subscription_keys};

static const struct key group_keys[] = {
    {.name = "name", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "id", .check = check_uuid},
    {.name = "description", .check = check_text},
    {.name = "mail_nickname", .check = check_text},
    {.name = "members", .check = check_text, .flags = KEY_LIST},
    {.name = "owners", .check = check_text, .flags = KEY_LIST},
    {0}};
static const struct shape group = {NULL, group_keys};

static const struct key many_groups_keys[] = {{.name = "prefix", .check = check_text},
                                              {.name = "count", .check = check_number},
                                              {.name = "members", .check = check_number},
                                              {0}};
static const struct shape many_groups = {NULL, many_groups_keys};

static const struct key user_keys[] = {
    {.name = "upn", .check = check_user_name, .flags = KEY_REQUIRED},
    {.name = "name", .check = check_text},
    {.name = "id", .check = check_uuid},
    {.name = "password", .check = check_text},
    {0}};
static const struct shape user = {NULL, user_keys};

static const struct key federated_keys[] = {
    {.name = "issuer", .check = check_issuer, .flags = KEY_REQUIRED},
    {.name = "subject", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "audience", .check = check_text},
    {.name = "keys", .check = check_key_set},
    {0}};
static const struct shape federated = {NULL, federated_keys};

static const struct key application_keys[] = {
    {.name = "name", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "id", .check = check_uuid},
    {.name = "app_id", .check = check_uuid},
    {.name = "secret", .check = check_text},
    {.name = "certificates", .check = check_certificate, .flags = KEY_LIST},
    {.name = "federated", .shape = &federated, .flags = KEY_LIST},
    {.name = "role", .check = check_built_in_role},
    {.name = "graph", .check = check_graph_rights},
    {0}};
static const struct shape application = {NULL, application_keys};

static const struct key resource_group_keys[] = {
    {.name = "name", .named = &resource_group_kind, .flags = KEY_REQUIRED},
    {.name = "state", .check = check_state},
    {0}};
static const struct shape resource_group = {&resource_group_kind, resource_group_keys};

static const struct key service_keys[] = {
    {.name = "name", .named = &service_kind, .flags = KEY_REQUIRED},
    {.name = "resource_group", .named = &resource_group_kind},
    {.name = "state", .check = check_state},
    {0}};
static const struct shape service = {&service_kind, service_keys};

static const struct key workspace_keys[] = {
    {.name = "name", .named = &workspace_kind, .flags = KEY_REQUIRED},
    {.name = "service", .check = check_text},
    {.name = "resource_group", .named = &resource_group_kind},
    {0}};
static const struct shape workspace = {&workspace_kind, workspace_keys};

static const struct key many_workspaces_keys[] = {
    {.name = "prefix", .check = check_text},
    {.name = "count", .check = check_number},
    {.name = "service", .check = check_text},
    {.name = "resource_group", .named = &resource_group_kind},
    {0}};
static const struct shape many_workspaces = {NULL, many_workspaces_keys};

static const struct key connection_keys[] = {
    {.name = "name", .named = &config_connection_kind},
    {.name = "workspace", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "state", .check = check_state},
    {0}};
static const struct shape connection = {&config_connection_kind, connection_keys};

/* A workspace alone, or all of it. */
static char *check_one_connection(const struct spot *spot, const cJSON *value)
{
    return cJSON_IsString(value) ? check_text(spot, value)
                                 : check_object(spot, &connection, value);
}

static const struct key gateway_keys[] = {
    {.name = "name", .named = &gateway_kind, .flags = KEY_REQUIRED},
    {.name = "resource_group", .named = &resource_group_kind},
    {.name = "state", .check = check_state},
    {.name = "connections", .check = check_one_connection, .flags = KEY_LIST},
    {0}};
static const struct shape gateway = {&gateway_kind, gateway_keys};

static const struct key subnet_keys[] = {
    {.name = "name", .named = &subnet_kind, .flags = KEY_REQUIRED},
    {.name = "state", .check = check_state},
    {0}};
static const struct shape subnet = {&subnet_kind, subnet_keys};

static const struct key network_keys[] = {
    {.name = "name", .named = &virtual_network_kind, .flags = KEY_REQUIRED},
    {.name = "resource_group", .named = &resource_group_kind},
    {.name = "state", .check = check_state},
    {.name = "address_prefixes", .check = check_prefix, .flags = KEY_LIST},
    {.name = "subnets", .shape = &subnet, .flags = KEY_LIST},
    {0}};
static const struct shape network = {&virtual_network_kind, network_keys};

static const struct key security_group_keys[] = {
    {.name = "name", .named = &network_security_group_kind, .flags = KEY_REQUIRED},
    {.name = "resource_group", .named = &resource_group_kind},
    {.name = "state", .check = check_state},
    {0}};
static const struct shape security_group = {&network_security_group_kind,
                                            security_group_keys};

static const struct key role_keys[] = {
    {.name = "name", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "id", .check = check_uuid},
    {.name = "description", .check = check_text},
    {.name = "actions", .check = check_strings},
    {.name = "not_actions", .check = check_strings},
    {.name = "data_actions", .check = check_strings},
    {.name = "not_data_actions", .check = check_strings},
    {.name = "scopes", .check = check_strings},
    {0}};
static const struct shape role = {NULL, role_keys};

static const struct key assignment_keys[] = {
    {.name = "principal", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "role", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "scope", .check = check_text},
    {.name = "name", .check = check_uuid},
    {.name = "description", .check = check_text},
    {.name = "created_at", .check = check_time},
    {.name = "created_by", .check = check_uuid},
    {0}};
static const struct shape assignment = {NULL, assignment_keys};

static const struct key deny_keys[] = {
    {.name = "name", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "id", .check = check_uuid},
    {.name = "description", .check = check_text},
    {.name = "scope", .check = check_text},
    {.name = "principals", .check = check_strings, .flags = KEY_REQUIRED},
    {.name = "exclude_principals", .check = check_strings},
    {.name = "actions", .check = check_strings},
    {.name = "not_actions", .check = check_strings},
    {.name = "data_actions", .check = check_strings},
    {.name = "not_data_actions", .check = check_strings},
    {.name = "do_not_apply_to_child_scopes", .check = check_flag},
    {.name = "system_protected", .check = check_flag},
    {0}};
static const struct shape deny = {NULL, deny_keys};

static char *check_body(const struct spot *spot, const cJSON *value)
{
    return is_object(value) ? NULL : spot_complain(spot, "a body as an object expected");
}

static const struct key resource_keys[] = {
    {.name = "id", .check = check_text, .flags = KEY_REQUIRED},
    {.name = "body", .check = check_body, .flags = KEY_REQUIRED},
    {0}};
static const struct shape resource = {NULL, resource_keys};

static const struct key graph_permission_keys[] = {
    {.name = "owner", .check = check_graph_rights},
    {.name = "guest", .check = check_graph_rights},
    {0}};
static const struct shape graph_permissions = {NULL, graph_permission_keys};

static const struct key limit_keys[] = {
    {.name = "workspaces_per_service", .check = check_number},
    {.name = "workspaces_per_gateway", .check = check_number},
    {.name = "role_assignments", .check = check_number},
    {.name = "reads", .check = check_bucket},
    {.name = "writes", .check = check_bucket},
    {.name = "deletes", .check = check_bucket},
    {.name = "role_definitions", .check = check_number},
    {.name = "global_factor", .check = check_factor},
    {.name = "providers", .check = check_provider_limits},
    {.name = "graph_units", .check = check_bucket},
    {.name = "graph_writes", .check = check_bucket},
    {0}};
static const struct shape limits = {NULL, limit_keys};

/* A list of them, or an object for many that differ in a number. */
static char *check_many(const struct spot *spot, const cJSON *value,
                        const struct key *one, const struct shape *many, int count_limit,
                        int member_limit)
{
    char *wrong;

    if (cJSON_IsArray(value))
        return check_elements(spot, one, value);
    wrong = check_object(spot, many, value);
    if (wrong != NULL)
        return wrong;

    const cJSON *count = cJSON_GetObjectItemCaseSensitive(value, "count");
    const cJSON *members = cJSON_GetObjectItemCaseSensitive(value, "members");

    if (count != NULL && count->valuedouble > count_limit)
        return spot_complain(spot, "count %.0f is more than %d", count->valuedouble,
                             count_limit);
    if (members != NULL && members->valuedouble > member_limit)
        return spot_complain(spot, "members %.0f is more than %d", members->valuedouble,
                             member_limit);
    return NULL;
}

static char *check_groups(const struct spot *spot, const cJSON *value)
{
    static const struct key one = {.shape = &group};

    return check_many(spot, value, &one, &many_groups, GROUP_LIMIT, MEMBER_LIMIT);
}

static char *check_workspaces(const struct spot *spot, const cJSON *value)
{
    static const struct key one = {.shape = &workspace};

    return check_many(spot, value, &one, &many_workspaces, WORKSPACE_LIMIT, 0);
}

static const struct key file_keys[] = {
    {.name = "now", .check = check_time},
    {.name = "tenant", .shape = &tenant},
    {.name = "subscription", .shape = &subscription},
    {.name = "resource_group", .named = &resource_group_kind},
    {.name = "service", .named = &service_kind},
    {.name = "location", .check = check_text},
    {.name = "sku", .check = check_text},
    {.name = "resource_groups", .shape = &resource_group, .flags = KEY_LIST},
    {.name = "services", .shape = &service, .flags = KEY_LIST},
    {.name = "workspaces", .check = check_workspaces},
    {.name = "gateways", .shape = &gateway, .flags = KEY_LIST},
    {.name = "virtual_networks", .shape = &network, .flags = KEY_LIST},
    {.name = "network_security_groups", .shape = &security_group, .flags = KEY_LIST},
    {.name = "users", .shape = &user, .flags = KEY_LIST},
    {.name = "groups", .check = check_groups},
    {.name = "applications", .shape = &application, .flags = KEY_LIST},
    {.name = "role_definitions", .shape = &role, .flags = KEY_LIST},
    {.name = "role_assignments", .shape = &assignment, .flags = KEY_LIST},
    {.name = "deny_assignments", .shape = &deny, .flags = KEY_LIST},
    {.name = "resources", .shape = &resource, .flags = KEY_LIST},
    {.name = "limits", .shape = &limits},
    {.name = "durations", .check = check_durations},
    {.name = "operation_forms", .check = check_forms},
    {.name = "documents", .check = check_documents},
    {.name = "monitor_life", .check = check_monitor_life},
    {.name = "authorization_delay_seconds", .check = check_number},
    {.name = "graph_lag_seconds", .check = check_number},
    {.name = "graph_permissions", .shape = &graph_permissions},
    {.name = "replication_seconds", .check = check_number},
    {.name = "unregistered_providers", .check = check_provider, .flags = KEY_LIST},
    {.name = "token_life", .check = check_token_life},
    {.name = "faults", .check = check_faults},
    {.name = "notes", .check = check_text, .flags = KEY_LIST},
    {0}};

char *world_keys_check(const struct spot *whole, const cJSON *tree)
{
    static const struct shape file = {NULL, file_keys};

    return check_object(whole, &file, tree);
}

const struct kind *world_keys_find_kind(const char *key, size_t length)
{
    static const struct {
        const char *key;
        const struct kind *kind;
    } rows[] = {{"resource_groups", &resource_group_kind},
                {"services", &service_kind},
                {"workspaces", &workspace_kind},
                {"gateways", &gateway_kind},
                {"connections", &config_connection_kind},
                {"virtual_networks", &virtual_network_kind},
                {"subnets", &subnet_kind},
                {"network_security_groups", &network_security_group_kind}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i].key) == length && memcmp(rows[i].key, key, length) == 0)
            return rows[i].kind;
    }
    return NULL;
}
