/* engine/sim/world_file.c - reading a world file and filling a new world by it. */
#include "sim/world_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/duration.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "model/role.h"
#include "sim/block.h"
#include "sim/database.h"
#include "sim/denials.h"
#include "sim/directory.h"
#include "sim/entity.h"
#include "sim/faults.h"
#include "sim/form.h"
#include "sim/graph.h"
#include "sim/graph_rights.h"
#include "sim/provider.h"
#include "sim/rules.h"
#include "sim/spread.h"
#include "sim/throttle.h"
#include "sim/world.h"
#include "sim/world_applications.h"

enum { FILE_LIMIT = 64 * 1024 * 1024, GROUP_LIMIT = 100000, MEMBER_LIMIT = 10000 };

/* Says what is wrong with the value of a key, in a message owned by the caller, or NULL.
 */
typedef char *check_value(const char *name, const cJSON *value);

struct key {
    const char *name;
    check_value *check;
};

static char *check_keys(const char *what, const struct key *keys, const cJSON *object)
{
    const cJSON *member;

    if (!cJSON_IsObject(object))
        return memory_format("%s must be an object", what);
    cJSON_ArrayForEach (member, object) {
        const struct key *key = keys;
        char *wrong;

        while (key->name != NULL && strcmp(key->name, member->string) != 0)
            key++;
        if (key->name == NULL)
            return memory_format("unknown key '%s' in %s", member->string, what);
        if ((wrong = key->check(key->name, member)) != NULL)
            return wrong;
    }
    return NULL;
}

static char *check_text(const char *name, const cJSON *value)
{
    return cJSON_IsString(value) && value->valuestring[0] != '\0'
               ? NULL
               : memory_format("'%s' must be a string", name);
}

static char *check_number(const char *name, const cJSON *value)
{
    return cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble <= 1e6
               ? NULL
               : memory_format("'%s' must be a number from 0 to 1000000", name);
}

static char *check_texts(const char *name, const cJSON *value)
{
    const cJSON *element = cJSON_IsArray(value) ? value->child : NULL;

    while (element != NULL && cJSON_IsString(element))
        element = element->next;
    return cJSON_IsArray(value) && element == NULL
               ? NULL
               : memory_format("'%s' must be a list of strings", name);
}

static char *check_resource_name(const struct kind *kind, const char *name,
                                 const cJSON *value)
{
    char *wrong = check_text(name, value);

    return wrong != NULL ? wrong : kind_check_name(kind, value->valuestring);
}

static char *check_service(const char *name, const cJSON *value)
{
    return check_resource_name(&service_kind, name, value);
}

static char *check_resource_group(const char *name, const cJSON *value)
{
    return check_resource_name(&resource_group_kind, name, value);
}

static char *check_network_name(const char *name, const cJSON *value)
{
    return check_resource_name(&virtual_network_kind, name, value);
}

static char *check_prefixes(const char *name, const cJSON *value)
{
    char *wrong = check_texts(name, value);
    const cJSON *prefix;
    struct block block;

    if (wrong != NULL)
        return wrong;
    cJSON_ArrayForEach (prefix, value) {
        if (block_parse(prefix->valuestring, &block) != BLOCK_OK)
            return memory_format("'%s' is not an address prefix", prefix->valuestring);
    }
    return value->child != NULL ? NULL : memory_format("'%s' is empty", name);
}

static char *check_list(const char *name, const char *what, const struct key *keys,
                        const char *required, const cJSON *value)
{
    const cJSON *element;

    if (!cJSON_IsArray(value))
        return memory_format("'%s' must be a list", name);
    cJSON_ArrayForEach (element, value) {
        char *wrong = check_keys(what, keys, element);

        if (wrong == NULL && cJSON_GetObjectItemCaseSensitive(element, required) == NULL)
            wrong = memory_format("%s without '%s'", what, required);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static char *check_networks(const char *name, const cJSON *value)
{
    static const struct key keys[] = {
        {"name", check_network_name}, {"address_prefixes", check_prefixes}, {0}};

    return check_list(name, "a virtual network", keys, "name", value);
}

static char *check_groups(const char *name, const cJSON *value)
{
    static const struct key keys[] = {
        {"name", check_text}, {"members", check_texts}, {0}};
    static const struct key many[] = {
        {"prefix", check_text}, {"count", check_number}, {"members", check_number}, {0}};

    if (cJSON_IsArray(value))
        return check_list(name, "a group", keys, "name", value);

    char *wrong = check_keys("'groups'", many, value);

    if (wrong == NULL && (json_number_at(value, "count", 0) > GROUP_LIMIT ||
                          json_number_at(value, "members", 0) > MEMBER_LIMIT))
        wrong = memory_format("'groups' may be at most %d with %d members each",
                              GROUP_LIMIT, MEMBER_LIMIT);
    return wrong;
}

/* A token bucket: [size, refill a second], or null or 0 for none. */
static char *check_bucket(const char *name, const cJSON *value)
{
    const cJSON *size = cJSON_GetArrayItem(value, 0),
                *rate = cJSON_GetArrayItem(value, 1);

    if (cJSON_IsNull(value) || (cJSON_IsNumber(value) && value->valuedouble == 0))
        return NULL;
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) != 2 ||
        !cJSON_IsNumber(size) || !cJSON_IsNumber(rate) || size->valuedouble > 1e6 ||
        rate->valuedouble > 1e6 ||
        !(size->valuedouble == 0 ||
          (size->valuedouble >= 1 && rate->valuedouble >= 1e-3)))
        return memory_format(
            "'%s' must be a size and a refill per second, such as [200, 10], or null",
            name);
    return NULL;
}

/* Requests a minute by namespace. */
static char *check_provider_limits(const char *name, const cJSON *value)
{
    const cJSON *member;

    if (!cJSON_IsObject(value) || cJSON_GetArraySize(value) > THROTTLE_PROVIDER_LIMIT)
        return memory_format("'%s' must be an object of at most %d resource providers",
                             name, THROTTLE_PROVIDER_LIMIT);
    cJSON_ArrayForEach (member, value) {
        if (!cJSON_IsNumber(member) || member->valuedouble < 1 ||
            member->valuedouble > 1e6)
            return memory_format("'%s' must be requests a minute, from 1 to 1000000",
                                 member->string);
    }
    return NULL;
}

static char *check_factor(const char *name, const cJSON *value)
{
    return cJSON_IsNumber(value) && value->valuedouble >= 1 && value->valuedouble <= 1000
               ? NULL
               : memory_format("'%s' must be a number from 1 to 1000", name);
}

static char *check_limits(const char *name, const cJSON *value)
{
    static const struct key keys[] = {{"workspaces_per_service", check_number},
                                      {"workspaces_per_gateway", check_number},
                                      {"role_assignments", check_number},
                                      {"role_definitions", check_number},
                                      {"reads", check_bucket},
                                      {"writes", check_bucket},
                                      {"deletes", check_bucket},
                                      {"global_factor", check_factor},
                                      {"providers", check_provider_limits},
                                      {"graph_units", check_bucket},
                                      {"graph_writes", check_bucket},
                                      {0}};

    (void)name;
    return check_keys("'limits'", keys, value);
}

/* "gateway.create": a kind whose name has underscores for spaces, and a verb. */
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

/* An object whose keys are such names. */
static char *check_by_verb(const char *name, const cJSON *value, check_value *check)
{
    const cJSON *member;

    if (!cJSON_IsObject(value))
        return memory_format("'%s' must be an object", name);
    cJSON_ArrayForEach (member, value) {
        char *wrong =
            is_verb_name(member->string)
                ? check(member->string, member)
                : memory_format("unknown key '%s' in '%s'", member->string, name);

        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static char *check_spread(const char *name, const cJSON *value)
{
    struct spread spread;

    return spread_read(name, value, &spread);
}

static char *check_durations(const char *name, const cJSON *value)
{
    return check_by_verb(name, value, check_spread);
}

static char *check_forms(const char *name, const cJSON *value)
{
    return check_by_verb(name, value, form_check_name);
}

static char *check_monitor_life(const char *name, const cJSON *value)
{
    int64_t life_ms;

    return cJSON_IsString(value) && duration_parse(value->valuestring, &life_ms) == 0
               ? NULL
               : memory_format("'%s' must be a duration such as \"24h\"", name);
}

static char *check_providers(const char *name, const cJSON *value)
{
    char *wrong = check_texts(name, value);
    const cJSON *provider;

    if (wrong != NULL)
        return wrong;
    cJSON_ArrayForEach (provider, value) {
        if (!provider_is_optional(provider->valuestring))
            return memory_format("'%s': no provider '%s' that could be unregistered",
                                 name, provider->valuestring);
    }
    return NULL;
}

static char *check_token_life(const char *name, const cJSON *value)
{
    int64_t life_ms;

    if (cJSON_IsString(value) && duration_parse(value->valuestring, &life_ms) == 0 &&
        life_ms >= TOKEN_LIFE_LEAST_MS && life_ms <= TOKEN_LIFE_MOST_MS)
        return NULL;
    return memory_format("'%s' must be a duration from 1s to 1d", name);
}

static char *check_rights(const char *name, const cJSON *value)
{
    const char *unknown;
    unsigned rights;

    if (graph_rights_read(value, &rights, &unknown))
        return NULL;
    if (unknown != NULL)
        return memory_format("'%s': no permission '%s' of Microsoft Graph is known", name,
                             unknown);
    return memory_format("'%s' must be \"admin\" or a list of permissions", name);
}

static char *check_permissions(const char *name, const cJSON *value)
{
    static const struct key keys[] = {
        {"owner", check_rights}, {"guest", check_rights}, {0}};

    (void)name;
    return check_keys("'graph_permissions'", keys, value);
}

static const struct key file_keys[] = {{"service", check_service},
                                       {"resource_group", check_resource_group},
                                       {"location", check_text},
                                       {"sku", check_text},
                                       {"virtual_networks", check_networks},
                                       {"groups", check_groups},
                                       {"limits", check_limits},
                                       {"durations", check_durations},
                                       {"operation_forms", check_forms},
                                       {"monitor_life", check_monitor_life},
                                       {"replication_seconds", check_number},
                                       {"authorization_delay_seconds", check_number},
                                       {"deny_assignments", denials_check},
                                       {"graph_lag_seconds", check_number},
                                       {"graph_permissions", check_permissions},
                                       {"unregistered_providers", check_providers},
                                       {"token_life", check_token_life},
                                       {"applications", world_applications_check},
                                       {"users", world_passwords_check},
                                       {0}};

static struct failure *read_file(const char *name, struct buffer *text)
{
    FILE *file = fopen(name, "rb");
    char part[65536];
    size_t got;

    if (file == NULL)
        return failure_new("IOError", "%s: %s", name, strerror(errno));
    while ((got = fread(part, 1, sizeof part, file)) > 0 && text->length <= FILE_LIMIT)
        buffer_append(text, part, got);

    const bool has_failed = ferror(file) != 0;
    const int reason = errno;

    fclose(file);
    if (has_failed)
        return failure_new("IOError", "%s: %s", name, strerror(reason));
    if (text->length > FILE_LIMIT)
        return failure_new("IOError", "%s: larger than %d bytes", name, FILE_LIMIT);
    return NULL;
}

cJSON *world_file_read(const char *file, struct failure **failure)
{
    struct buffer text = {0};
    cJSON *tree = NULL;
    size_t error_at;

    if (file == NULL)
        return cJSON_CreateObject();

    struct failure *found = read_file(file, &text);

    if (found == NULL) {
        tree = json_parse(text.data != NULL ? text.data : "", text.length, &error_at);
        if (tree == NULL)
            found = failure_new("IOError", "%s: not JSON at offset %zu", file, error_at);
    }
    if (found == NULL) {
        char *wrong = check_keys("the world file", file_keys, tree);

        if (wrong != NULL)
            found = failure_new("IOError", "%s: %s", file, wrong);
        free(wrong);
    }
    buffer_deinit(&text);
    if (found == NULL)
        return tree;
    cJSON_Delete(tree);
    *failure = found;
    return NULL;
}

/* A tracked resource in a state of rest. `tree` is taken; what it lacks is added. */
static char *add_resource(struct world *world, const struct kind *kind,
                          const char *parent_id, const char *name, cJSON *tree)
{
    char *id = kind_format_id(kind, parent_id, name),
         *parent = entity_make_key(parent_id);
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", name);
    cJSON_AddStringToObject(body, "type", kind->arm_type);
    cJSON_AddStringToObject(body, "location", world->location);
    cJSON_AddItemToObject(body, "tags", cJSON_CreateObject());
    while (tree->child != NULL) {
        cJSON *member = cJSON_DetachItemViaPointer(tree, tree->child);

        cJSON_AddItemToObject(body, member->string, member);
    }
    cJSON_Delete(tree);
    json_set_at(body, "properties.provisioningState", cJSON_CreateString("Succeeded"));
    entity_save(world, kind, parent, body);
    cJSON_Delete(body);
    free(parent);
    return id;
}

static void add_service(struct world *world, const char *group_id)
{
    cJSON *tree = cJSON_CreateObject();
    char *created = world_format_now(world);
    char *url = memory_format("https://%s.azure-api.net", world->profile.service);

    json_set_at(tree, "sku.name", cJSON_CreateString(world->sku));
    json_set_at(tree, "sku.capacity", cJSON_CreateNumber(1));
    json_set_at(tree, "properties.publisherEmail",
                cJSON_CreateString("apis@" GRAPH_DOMAIN));
    json_set_at(tree, "properties.publisherName", cJSON_CreateString("Contoso"));
    json_set_at(tree, "properties.targetProvisioningState", cJSON_CreateString(""));
    json_set_at(tree, "properties.createdAtUtc", cJSON_CreateString(created));
    json_set_at(tree, "properties.gatewayUrl", cJSON_CreateString(url));
    json_set_at(tree, "properties.virtualNetworkType", cJSON_CreateString("None"));
    free(add_resource(world, &service_kind, group_id, world->profile.service, tree));
    free(created);
    free(url);
}

static void add_network(struct world *world, const char *group_id, const char *name,
                        const cJSON *prefixes)
{
    cJSON *tree = cJSON_CreateObject();

    json_set_at(tree, "properties.addressSpace.addressPrefixes",
                prefixes != NULL
                    ? cJSON_Duplicate(prefixes, true)
                    : cJSON_CreateStringArray((const char *[]){"10.0.0.0/16"}, 1));
    free(add_resource(world, &virtual_network_kind, group_id, name, tree));
}

/* What the application may do in Microsoft Graph, when the file says. */
static void set_rights(struct world *world, const char *name, const char *app_id)
{
    const cJSON *permissions = json_at(world->options, "graph_permissions");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(permissions, name);
    const char *unknown;
    unsigned rights;

    if (value != NULL && graph_rights_read(value, &rights, &unknown))
        directory_set_rights(world, app_id, rights);
}

static void capitalize(char *text)
{
    if (*text >= 'a' && *text <= 'z')
        *text = (char)(*text - 'a' + 'A');
}

/* "ann.lee@contoso.example" is Ann Lee. Adds the user unless there is one of that name.
 */
static void add_user(struct world *world, const char *upn, char id[UUID_TEXT_SIZE])
{
    char *key = text_lower(memory_copy_string(upn)), *first = memory_copy_string(upn);
    cJSON *body = cJSON_CreateObject();

    uuid_from_name(key, id);
    free(key);
    first[strcspn(first, "@")] = '\0';

    char *last = strchr(first, '.');

    if (last != NULL)
        *last++ = '\0';
    capitalize(first);
    if (last != NULL)
        capitalize(last);

    char *name =
        memory_format("%s%s%s", first, last != NULL ? " " : "", last != NULL ? last : "");

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "displayName", name);
    cJSON_AddStringToObject(body, "givenName", first);
    cJSON_AddStringToObject(body, "surname", last != NULL ? last : "");
    cJSON_AddStringToObject(body, "mail", upn);
    cJSON_AddStringToObject(body, "userPrincipalName", upn);
    directory_save(world, "User", body, world->now_ms, NULL);
    cJSON_Delete(body);
    free(name);
    free(first);
}

static void add_group(struct world *world, const char *name, char id[UUID_TEXT_SIZE])
{
    char *seed = memory_format("group %s", name), *created = world_format_now(world);
    cJSON *body = cJSON_CreateObject();

    uuid_from_name(seed, id);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "displayName", name);
    cJSON_AddNullToObject(body, "description");
    cJSON_AddStringToObject(body, "mailNickname", name);
    cJSON_AddBoolToObject(body, "mailEnabled", false);
    cJSON_AddBoolToObject(body, "securityEnabled", true);
    cJSON_AddArrayToObject(body, "groupTypes");
    cJSON_AddStringToObject(body, "createdDateTime", created);
    directory_save(world, "Group", body, world->now_ms, NULL);
    cJSON_Delete(body);
    free(seed);
    free(created);
}

static void add_member(struct world *world, const char *group_id, const char *upn)
{
    char id[UUID_TEXT_SIZE];

    add_user(world, upn, id);
    directory_add_member(world, group_id, id);
}

/* The `number`th of people who are all different. Owned by the caller. */
static char *invent_upn(size_t number)
{
    static const char *const first[] = {"ann",   "ben",   "carla", "david",
                                        "elena", "felix", "grace", "hugo",
                                        "irene", "jonas", "klara", "liam"};
    static const char *const last[] = {"adler", "brown",   "costa", "dietz",
                                       "evans", "fischer", "grant", "hansen",
                                       "ito",   "jung",    "klein", "lopez"};
    enum { COUNT = sizeof first / sizeof first[0] };
    const size_t round = number / (COUNT * COUNT);
    const char *given = first[number % COUNT];
    const char *family = last[(number / COUNT + number) % COUNT];

    if (round == 0)
        return memory_format("%s.%s@" GRAPH_DOMAIN, given, family);
    return memory_format("%s.%s%zu@" GRAPH_DOMAIN, given, family, round);
}

static void add_invented_members(struct world *world, const char *group_id, size_t first,
                                 size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        char *upn = invent_upn(i);

        add_member(world, group_id, upn);
        free(upn);
    }
}

static void add_default_groups(struct world *world)
{
    static const char *const teams[] = {
        "payments", "orders",        "identity",  "search",    "catalog", "shipping",
        "billing",  "notifications", "analytics", "inventory", "loyalty", "partners"};
    char id[UUID_TEXT_SIZE], payments[UUID_TEXT_SIZE] = "", billing[UUID_TEXT_SIZE] = "";

    for (size_t i = 0; i < sizeof teams / sizeof teams[0]; i++) {
        char *name = memory_format("api-team-%s", teams[i]);

        add_group(world, name, id);
        add_invented_members(world, id, i * 3, 3);
        if (strcmp(teams[i], "payments") == 0)
            memcpy(payments, id, sizeof id);
        if (strcmp(teams[i], "billing") == 0)
            memcpy(billing, id, sizeof id);
        free(name);
    }
    directory_add_member(world, payments,
                         billing); /* those of billing are of payments too */
}

static void add_many_groups(struct world *world, const cJSON *groups)
{
    const char *prefix = json_string_at(groups, "prefix");
    const size_t count = (size_t)json_number_at(groups, "count", 0);
    const size_t members = (size_t)json_number_at(groups, "members", 0);

    for (size_t i = 0; i < count; i++) {
        char id[UUID_TEXT_SIZE];
        char *name =
            memory_format("%s%04zu", prefix != NULL ? prefix : "api-team-", i + 1);

        add_group(world, name, id);
        add_invented_members(world, id, i * members, members);
        free(name);
    }
}

static void add_groups(struct world *world, const cJSON *groups)
{
    const cJSON *group, *member;

    if (cJSON_IsObject(groups)) {
        add_many_groups(world, groups);
        return;
    }
    cJSON_ArrayForEach (group, groups) {
        char id[UUID_TEXT_SIZE];

        add_group(world, json_string_at(group, "name"), id);
        cJSON_ArrayForEach (member, cJSON_GetObjectItemCaseSensitive(group, "members"))
            add_member(world, id, member->valuestring);
    }
}

static void add_users(struct world *world, const cJSON *users)
{
    char id[UUID_TEXT_SIZE];
    const cJSON *user;

    cJSON_ArrayForEach (user, users)
        add_user(world, json_string_at(user, "name"), id);
    world_passwords_add(world, users);
}

void world_file_populate(struct world *world)
{
    const struct sim_profile *profile = &world->profile;
    const cJSON *networks = json_at(world->options, "virtual_networks"), *network;
    const cJSON *groups = json_at(world->options, "groups"), *provider;
    char owner[UUID_TEXT_SIZE], guest[UUID_TEXT_SIZE];

    world_application_add(world, "contoso-automation", profile->client_id,
                          profile->client_secret, true, owner);
    world_application_add(world, "contoso-guest", profile->guest_id,
                          profile->guest_secret, false, guest);
    set_rights(world, "owner", profile->client_id);
    set_rights(world, "guest", profile->guest_id);
    role_assignment_add(world, world->subscription_id, role_find("Owner"), owner,
                        "ServicePrincipal");

    char *group_id = add_resource(world, &resource_group_kind, world->subscription_id,
                                  profile->resource_group, cJSON_CreateObject());

    add_service(world, group_id);
    if (networks == NULL)
        add_network(world, group_id, "vnet-apim", NULL);
    cJSON_ArrayForEach (network, networks)
        add_network(world, group_id, json_string_at(network, "name"),
                    json_at(network, "address_prefixes"));
    free(group_id);
    cJSON_ArrayForEach (provider, json_at(world->options, "unregistered_providers"))
        provider_withdraw(world, provider->valuestring);
    if (groups == NULL)
        add_default_groups(world);
    else
        add_groups(world, groups);
    add_users(world, json_at(world->options, "users"));
    world_applications_add(world, json_at(world->options, "applications"));
}
