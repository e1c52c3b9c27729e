/* tests/specimen.h - a resource of any kind, made from the kind's row alone.
 *
 * What rules ask for beyond the row stands in `extras`: a new kind that needs more to be
 * created gets a line there. Uses the world of tests/world.h. */
#ifndef MOONGATE_TESTS_SPECIMEN_H
#define MOONGATE_TESTS_SPECIMEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/uuid.h"
#include "model/kind.h"
#include "sim/database.h"
#include "tests/world.h"

#define POLICY "<policies><inbound><base /></inbound></policies>"
#define READER "acdd72a7-3385-48ef-bd42-f606fba81ae7"

/* In a value `$n` is a number that was not used before, `$group` the id of the resource
 * group, `$subscription` that of the subscription, `$principal` the object id of a group of
 * people, `$workspace` the id of a new workspace; `$api`, `$operation`, `$product`, `$people`
 * and `$logger` are ids in the workspace or service that the resource is made in. */
static const struct extra {
    const struct kind *kind;
    const char *path, *json;
} extras[] = {
    {&service_kind, "sku.name", "\"Premium\""}, /* others have no workspaces */
    {&virtual_network_kind, "properties.addressSpace.addressPrefixes",
     "[\"10.77.0.0/16\"]"},
    {&subnet_kind, "properties.addressPrefix", "\"10.77.$n.0/24\""},
    {&config_connection_kind, "properties.sourceId", "\"$workspace\""},
    {&role_definition_kind, "properties.roleName", "\"role $n\""},
    {&role_definition_kind, "properties.permissions", "[{\"actions\":[\"*/read\"]}]"},
    {&role_definition_kind, "properties.assignableScopes", "[\"$subscription\"]"},
    {&role_definition_kind, "properties.type", "\"CustomRole\""},
    {&role_assignment_kind, "properties.roleDefinitionId",
     "\"$subscription/providers/Microsoft.Authorization/roleDefinitions/" READER "\""},
    {&role_assignment_kind, "properties.principalId", "\"$principal\""},
    {&role_assignment_kind, "properties.principalType", "\"Group\""},
    {&named_value_kind, "properties.value", "\"text\""},
    {&dns_a_record_kind, "properties.aRecords", "[{\"ipv4Address\":\"10.0.0.4\"}]"},
    {&service_user_kind, "properties.email", "\"ann$n@contoso.example\""},
    {&certificate_kind, "properties.keyVault",
     "{\"secretIdentifier\":\"https://vault.contoso.example/secrets/one\"}"},
    {&private_dns_zone_kind, "location", "\"global\""},
    {&virtual_network_link_kind, "location", "\"global\""},
    {&virtual_network_link_kind, "properties.virtualNetwork.id", "\"$network\""},
    {&service_product_api_link_kind, "properties.apiId", "\"$home/apis/probe\""},
    {&service_tag_api_link_kind, "properties.apiId", "\"$home/apis/probe\""},
    {&service_tag_operation_link_kind, "properties.operationId",
     "\"$home/apis/probe/operations/probe\""},
    {&api_kind, "properties.path", "\"probe$n\""},
    {&api_operation_kind, "properties.method", "\"GET\""},
    {&api_schema_kind, "properties.document", "{\"value\":\"{}\"}"},
    {&schema_kind, "properties.schemaType", "\"json\""},
    {&schema_kind, "properties.document", "{\"type\":\"object\"}"},
    {&diagnostic_kind, "properties.loggerId", "\"$logger\""},
    {&api_diagnostic_kind, "properties.loggerId", "\"$logger\""},
    {&logger_kind, "properties.credentials", "{\"instrumentationKey\":\"text\"}"},
    {&product_api_link_kind, "properties.apiId", "\"$api\""},
    {&product_group_link_kind, "properties.groupId", "\"$people\""},
    {&tag_api_link_kind, "properties.apiId", "\"$api\""},
    {&tag_operation_link_kind, "properties.operationId", "\"$operation\""},
    {&tag_product_link_kind, "properties.productId", "\"$product\""},
    {&subscription_kind, "properties.scope", "\"$product\""},
    {&service_product_group_link_kind, "properties.groupId", "\"$people\""},
    {&service_tag_product_link_kind, "properties.productId", "\"$product\""},
    {&service_subscription_kind, "properties.scope", "\"$product\""},
    {&workspace_policy_kind, "properties.value", "\"" POLICY "\""},
    {&api_policy_kind, "properties.value", "\"" POLICY "\""},
    {&api_operation_policy_kind, "properties.value", "\"" POLICY "\""},
    {&product_policy_kind, "properties.value", "\"" POLICY "\""},
    {&policy_fragment_kind, "properties.value", "\"<fragment />\""}};

/* Names that alone will do. */
static const struct {
    const struct kind *kind;
    const char *name;
} given_names[] = {{&group_user_kind, "1"},
                   {&service_group_user_kind, "1"},
                   {&notification_user_kind, "1"},
                   {&notification_kind, "BCC"}};

/* Kinds that nobody makes come with others. */
static const struct {
    const struct kind *kind, *comes_with;
} companions[] = {{&workspace_link_kind, &config_connection_kind},
                  {&api_revision_kind, &api_kind},
                  {&gateway_sku_kind, &gateway_kind},
                  {&default_security_rule_kind, &network_security_group_kind}};

#define SPECIMEN_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static struct {
    int number, principals;
    char *home; /* the workspace, or the service, that the last one was made in */
} specimens;

/* The text of a world file in which operations take a second and nothing is limited. Owned
 * by the caller. */
static inline char *specimen_world(void)
{
    static const char *const verbs[] = {"create", "update", "scale", "delete"};
    static const char denials[] = "[{\"name\":\"locked\",\"actions\":[\"*/delete\"],"
                                  "\"principals\":[\"contoso-guest\"]}]";
    cJSON *world = cJSON_CreateObject();
    cJSON *durations = cJSON_AddObjectToObject(world, "durations");
    cJSON *limits = cJSON_AddObjectToObject(world, "limits");

    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        for (size_t i = 0; i < 4; i++) {
            char *name = memory_format("%s.%s", (*kind)->name, verbs[i]);

            for (char *c = name; *c != '\0'; c++)
                *c = *c == ' ' ? '_' : *c;
            cJSON_AddItemToObject(
                durations, name,
                cJSON_CreateStringArray((const char *[]){"1s", "1s"}, 2));
            free(name);
        }
    }
    cJSON_AddNullToObject(limits, "reads");
    cJSON_AddNullToObject(limits, "writes");
    cJSON_AddNullToObject(limits, "deletes");
    cJSON_AddStringToObject(world, "token_life", "1d");
    cJSON_AddItemToObject(world, "deny_assignments",
                          json_parse(denials, sizeof denials - 1, NULL));

    char *text = json_print(world);

    cJSON_Delete(world);
    return text;
}

/* Lets all operations end. */
static inline void specimen_settle(void)
{
    pass_ms(5000);
    ask(CALL_GET, "/_sim/clock", NULL);
}

static inline int specimen_send(enum call_method method, const struct kind *kind,
                                const char *id, const char *body)
{
    char *url = memory_format("%s?api-version=%s", id, kind->api_version);
    const int status = plane_ask(
        h.world, &h.answer, &h.json, url,
        (struct call){.method = method,
                      .authorization = h.bearer,
                      .if_match =
                          method == CALL_PATCH || method == CALL_DELETE ? "*" : NULL,
                      .body = body});

    free(url);
    return status;
}

/* A name that the kind takes, owned by the caller. */
static inline char *specimen_name(const struct kind *kind)
{
    const int number = ++specimens.number;
    char guid[UUID_TEXT_SIZE], seed[32];

    for (size_t i = 0; i < SPECIMEN_COUNT(given_names); i++) {
        if (given_names[i].kind == kind)
            return memory_copy_string(given_names[i].name);
    }
    snprintf(seed, sizeof seed, "specimen %d", number);
    uuid_from_name(seed, guid);

    char *candidates[] = {
        memory_format("probe%d", number), memory_copy_string(guid),
        memory_copy_string(kind->only_name != NULL ? kind->only_name : "default"),
        memory_format("probe%d.contoso.example", number),
        memory_format("probe%d@contoso.example", number)};
    char *name = NULL;

    for (size_t i = 0; i < SPECIMEN_COUNT(candidates); i++) {
        char *wrong = name == NULL ? kind_check_name(kind, candidates[i]) : NULL;

        if (name == NULL && wrong == NULL)
            name = candidates[i];
        else
            free(candidates[i]);
        free(wrong);
    }
    ck_assert_msg(name != NULL, "%s: no name fits; add one to specimen_name()",
                  kind->name);
    return name;
}

static inline char *specimen_make(const struct kind *kind);
static inline cJSON *specimen_body(const struct kind *kind);

/* The id of the one called "probe" below `parent`, made if it is not there. Owned by the
 * caller. */
static inline char *specimen_probe(const struct kind *kind, const char *parent)
{
    char *id = kind_format_id(kind, parent, "probe");
    cJSON *body = specimen_body(kind);
    char *text = json_print(body);

    specimen_send(CALL_PUT, kind, id, text);
    specimen_settle();
    cJSON_Delete(body);
    free(text);
    return id;
}

/* Owned by the caller, or NULL. */
static inline char *find_neighbour(const char *word)
{
    const bool is_workspace =
        specimens.home != NULL && strstr(specimens.home, "/workspaces/") != NULL;
    char *api, *id;

    if (strcmp(word, "home") == 0)
        return memory_copy_string(specimens.home);
    if (strcmp(word, "network") == 0)
        return specimen_make(&virtual_network_kind);
    if (strcmp(word, "api") == 0)
        return specimen_probe(&api_kind, specimens.home);
    if (strcmp(word, "logger") == 0)
        return specimen_probe(&logger_kind, specimens.home);
    if (strcmp(word, "product") == 0)
        return specimen_probe(is_workspace ? &product_kind : &service_product_kind,
                              specimens.home);
    if (strcmp(word, "people") == 0)
        return specimen_probe(is_workspace ? &group_kind : &service_group_kind,
                              specimens.home);
    if (strcmp(word, "operation") != 0)
        return NULL;
    api = specimen_probe(&api_kind, specimens.home);
    id = specimen_probe(&api_operation_kind, api);
    free(api);
    return id;
}

/* Owned by the caller. */
static inline char *find_word(const char *word)
{
    char *neighbour = find_neighbour(word);

    if (neighbour != NULL)
        return neighbour;
    if (strcmp(word, "group") == 0)
        return memory_copy_string(h.group);
    if (strcmp(word, "subscription") == 0)
        return memory_copy_string(h.world->subscription_id);
    if (strcmp(word, "principal") == 0)
        return database_text(h.world->database,
                             "SELECT id FROM object WHERE type = 'Group' ORDER BY id"
                             " LIMIT 1 OFFSET ?",
                             "i", (int64_t)(specimens.principals++ % 12));
    if (strcmp(word, "workspace") == 0)
        return specimen_make(&workspace_kind);
    return memory_format("%d", ++specimens.number % 250);
}

static inline cJSON *expand(const char *json)
{
    struct buffer text = {0};

    while (*json != '\0') {
        if (*json != '$') {
            buffer_append_char(&text, *json++);
            continue;
        }

        const size_t length = strspn(json + 1, "abcdefghijklmnopqrstuvwxyz");
        char *word = memory_copy_text(json + 1, length), *value = find_word(word);

        buffer_append_string(&text, value);
        json += 1 + length;
        free(word);
        free(value);
    }

    cJSON *tree = json_parse(text.data, text.length, NULL);

    ck_assert_msg(tree != NULL, "not JSON: %s", text.data);
    buffer_deinit(&text);
    return tree;
}

/* What rules want at the path, as a text with words to replace, or NULL. */
static inline const char *find_template(const struct kind *kind, const char *path)
{
    for (size_t i = 0; i < SPECIMEN_COUNT(extras); i++) {
        if (extras[i].kind == kind && strcmp(extras[i].path, path) == 0)
            return extras[i].json;
    }
    return NULL;
}

/* The value that rules want at the path, or NULL. */
static inline cJSON *find_extra(const struct kind *kind, const char *path)
{
    const char *json = find_template(kind, path);

    return json != NULL ? expand(json) : NULL;
}

/* `length` letters. */
static inline cJSON *specimen_letters(int length)
{
    char *text = memory_new((size_t)length + 1);
    cJSON *value;

    memset(text, 'a', (size_t)length);
    value = cJSON_CreateString(text);
    free(text);
    return value;
}

static inline cJSON *specimen_text(const struct field *field)
{
    static const char *const candidates[] = {"text",
                                             "westeurope",
                                             "10.77.200.0/24",
                                             "https://contoso.example",
                                             "2.0",
                                             "ann@contoso.example",
                                             READER,
                                             "application/json",
                                             "00:05:00",
                                             "PT1H",
                                             "2030-01-01T00:00:00Z",
                                             "/path"};

    if (field->min > 4)
        return specimen_letters(field->min);
    for (size_t i = 0; i < SPECIMEN_COUNT(candidates); i++) {
        cJSON *value = cJSON_CreateString(candidates[i]);
        char *wrong = field_check_value(field, field->name, value);

        if (wrong == NULL)
            return value;
        free(wrong);
        cJSON_Delete(value);
    }
    return NULL;
}

static inline cJSON *specimen_element(const struct field *items);
static inline cJSON *specimen_value(const struct field *field);

/* With one member. */
static inline cJSON *specimen_map(const struct field *field)
{
    struct field value = *field;
    cJSON *map = cJSON_CreateObject();

    value.type = field->values;
    cJSON_AddItemToObject(map, "one", specimen_value(&value));
    return map;
}

/* A value that the field's row takes, owned by the caller, or NULL: the row does not say
 * enough. */
static inline cJSON *specimen_value(const struct field *field)
{
    cJSON *value;

    switch (field->type) {
    case FIELD_STRING:
        return specimen_text(field);
    case FIELD_INTEGER:
        return cJSON_CreateNumber(field->min > 0 ? field->min : 1);
    case FIELD_BOOLEAN:
        return cJSON_CreateTrue();
    case FIELD_CHOICE:
        return cJSON_CreateString(field->choices->json);
    case FIELD_LOCATION:
        return cJSON_CreateString("westeurope");
    case FIELD_TIME:
        return cJSON_CreateString("2030-01-01T00:00:00Z");
    case FIELD_NUMBER:
        return cJSON_CreateNumber(field->min + 0.5);
    case FIELD_DURATION:
        return cJSON_CreateString("PT1M");
    case FIELD_ANY:
        return cJSON_CreateString("text");
    case FIELD_OBJECT:
        return specimen_element(field->items);
    case FIELD_MAP:
        return specimen_map(field);
    case FIELD_STRINGS:
        return cJSON_CreateStringArray(
            (const char *[]){field->choices != NULL ? field->choices->json : "text"}, 1);
    case FIELD_IDS:
        return cJSON_CreateArray();
    case FIELD_TAGS:
        value = cJSON_CreateObject();
        cJSON_AddStringToObject(value, "team", "payments");
        return value;
    case FIELD_LIST:
        value = cJSON_CreateArray();
        cJSON_AddItemToArray(value, specimen_element(field->items));
        return value;
    default: /* an id: of what, the row does not say */
        return NULL;
    }
}

/* One of a list, with all that it must have. */
static inline cJSON *specimen_element(const struct field *items)
{
    cJSON *element = cJSON_CreateObject();

    for (const struct field *item = items; item->name != NULL; item++) {
        cJSON *value = (item->flags & FIELD_REQUIRED) != 0 ? specimen_value(item) : NULL;

        if (value != NULL)
            json_set_at(element, item->path, value);
    }
    return element;
}

/* The least that creates one, owned by the caller. */
static inline cJSON *specimen_body(const struct kind *kind)
{
    cJSON *body = cJSON_CreateObject();

    json_set_at(body, "properties", cJSON_CreateObject());
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        cJSON *value = find_extra(kind, field->path);

        if (value == NULL && (field->flags & FIELD_REQUIRED) != 0)
            value = specimen_value(field);
        ck_assert_msg(value != NULL || (field->flags & FIELD_REQUIRED) == 0,
                      "%s: %s is required and no value is known; add one to `extras`",
                      kind->name, field->path);
        if (value != NULL)
            json_set_at(body, field->path, value);
    }
    return body;
}

/* Remembers the workspace or else the service that the id lies in. */
static inline void specimen_settle_in(const char *id)
{
    const char *service = strstr(id, "/service/"), *workspace, *end;

    if (service == NULL)
        return;
    service += strlen("/service/");
    workspace = strstr(service, "/workspaces/");
    end = workspace != NULL ? workspace + strlen("/workspaces/") : service;
    end += strcspn(end, "/");
    free(specimens.home);
    specimens.home = memory_copy_text(id, (size_t)(end - id));
}

/* The id under which one would be made; its parents are made. Owned by the caller. */
static inline char *specimen_id(const struct kind *kind)
{
    const bool is_of_tenant = kind == &role_definition_kind || /* wherever it is made */
                              (kind->parent == NULL && !kind->is_extension);
    char *parent = is_of_tenant ? memory_copy_string(h.world->subscription_id)
                   : kind->parent == &resource_group_kind || kind->is_extension
                       ? memory_copy_string(h.group)
                       : specimen_make(kind->parent);
    char *name = specimen_name(kind), *id = kind_format_id(kind, parent, name);

    specimen_settle_in(id);
    free(parent);
    free(name);
    return id;
}

/* Makes one and waits for it. Its id, owned by the caller. */
static inline char *specimen_make(const struct kind *kind)
{
    char *id = specimen_id(kind);
    cJSON *body = specimen_body(kind);
    char *text = json_print(body);
    const int status = specimen_send(CALL_PUT, kind, id, text);

    ck_assert_msg(status == 201 || status == 200 || status == 202,
                  "%s: PUT %s\n%s\nanswers %d %s", kind->name, id, text, status,
                  h.answer.body.data);
    specimen_settle();
    cJSON_Delete(body);
    free(text);
    return id;
}

#endif
