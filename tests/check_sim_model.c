/* tests/check_sim_model.c - every kind of the model, every operation of its row: what the
 * simulated services take, refuse and answer. Nothing here names a kind but the tables of
 * exceptions; what a row says is what is tried. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/specification.h"
#include "tests/specimen.h"
#include "tests/suite.h"

/* Where a kind does not do what its row says alone: fields that are there only sometimes,
 * values that the row takes and a rule refuses, members of answers that the specification
 * does not have. */
enum exception { MAY_BE_ABSENT, RULED_OUT, NOT_SPECIFIED };

static const struct {
    const struct kind *kind;
    enum exception exception;
    const char *path;
} exceptions[] = {
    {&named_value_kind, RULED_OUT, "properties.keyVault"},    /* with secret alone */
    {&workspace_policy_kind, RULED_OUT, "properties.format"}, /* told as xml */
    {&api_policy_kind, RULED_OUT, "properties.format"},
    {&api_operation_policy_kind, RULED_OUT, "properties.format"},
    {&product_policy_kind, RULED_OUT, "properties.format"},
    {&policy_fragment_kind, RULED_OUT, "properties.format"},
    {&notification_kind, MAY_BE_ABSENT, "properties.description"},
    {&service_user_kind, MAY_BE_ABSENT, "properties.groups"}, /* when asked for */
    {&subscription_kind, MAY_BE_ABSENT, "properties.expirationDate"},
    {&subscription_kind, MAY_BE_ABSENT, "properties.notificationDate"},
    {&subscription_kind, MAY_BE_ABSENT, "properties.stateComment"},
    {&subscription_kind, MAY_BE_ABSENT, "properties.startDate"},
    {&subscription_kind, MAY_BE_ABSENT, "properties.endDate"},
    {&service_subscription_kind, MAY_BE_ABSENT, "properties.expirationDate"},
    {&service_subscription_kind, MAY_BE_ABSENT, "properties.notificationDate"},
    {&service_subscription_kind, MAY_BE_ABSENT, "properties.stateComment"},
    {&service_subscription_kind, MAY_BE_ABSENT, "properties.startDate"},
    {&service_subscription_kind, MAY_BE_ABSENT, "properties.endDate"},
    {&api_revision_kind, MAY_BE_ABSENT, "description"},
    {&certificate_kind, RULED_OUT, "properties.data"}, /* must be a PKCS#12 file */
    {&certificate_kind, RULED_OUT, "properties.password"},
    {&certificate_kind, MAY_BE_ABSENT, "properties.subject"}, /* of a key vault's */
    {&certificate_kind, MAY_BE_ABSENT, "properties.thumbprint"},
    {&certificate_kind, MAY_BE_ABSENT, "properties.expirationDate"},
    {&api_kind, RULED_OUT, "properties.format"}, /* with a document alone */
    {&api_kind, RULED_OUT, "properties.value"},
    {&api_kind, RULED_OUT, "properties.sourceApiId"}, /* read once, and not kept */
    {&api_kind, RULED_OUT, "properties.subscriptionKeyParameterNames"}, /* completed */
    {&api_kind, RULED_OUT, "properties.isCurrent"},                     /* by its name */
    {&role_assignment_kind, RULED_OUT, "properties.condition"},         /* alone */
    {&deny_assignment_kind, MAY_BE_ABSENT, "properties.condition"}, /* most have none */
    {&deny_assignment_kind, MAY_BE_ABSENT, "properties.conditionVersion"},
    /* addresses, portals and platforms are not simulated */
    {&service_kind, MAY_BE_ABSENT, "properties.publicIPAddresses"},
    {&service_kind, MAY_BE_ABSENT, "properties.privateIPAddresses"},
    {&service_kind, MAY_BE_ABSENT, "properties.outboundPublicIPAddresses"},
    {&service_kind, MAY_BE_ABSENT, "properties.gatewayRegionalUrl"},
    {&service_kind, MAY_BE_ABSENT, "properties.platformVersion"},
    {&service_kind, MAY_BE_ABSENT, "properties.portalUrl"},
    {&service_kind, MAY_BE_ABSENT, "properties.managementApiUrl"},
    {&service_kind, MAY_BE_ABSENT, "properties.scmUrl"},
    {&service_kind, MAY_BE_ABSENT, "properties.developerPortalUrl"},
    /* nor is what else can be in a network */
    {&subnet_kind, MAY_BE_ABSENT, "properties.privateEndpoints"},
    {&subnet_kind, MAY_BE_ABSENT, "properties.ipConfigurations"},
    {&subnet_kind, MAY_BE_ABSENT, "properties.ipConfigurationProfiles"},
    {&subnet_kind, MAY_BE_ABSENT, "properties.resourceNavigationLinks"},
    {&subnet_kind, MAY_BE_ABSENT, "properties.serviceAssociationLinks"},
    {&subnet_kind, MAY_BE_ABSENT, "properties.purpose"},
    {&network_security_group_kind, MAY_BE_ABSENT, "properties.networkInterfaces"},
    {&network_security_group_kind, MAY_BE_ABSENT, "properties.flowLogs"},
    {&network_security_group_kind, MAY_BE_ABSENT, "properties.subnets"}, /* unused */
    {&default_security_rule_kind, MAY_BE_ABSENT,
     "properties.sourceApplicationSecurityGroups"},
    {&default_security_rule_kind, MAY_BE_ABSENT,
     "properties.destinationApplicationSecurityGroups"},
};

static const char *const operation_names[] = {"GET",   "HEAD",   "PUT",
                                              "PATCH", "DELETE", "LIST"};

/* What one kind has been asked. */
static struct {
    cJSON *model; /* the specification, or NULL */
    const struct kind *kind;
    const cJSON *specified; /* what it says of the kind, or NULL */
    int counts[6], refusals;
    struct buffer complaints;
} k;

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
    va_list arguments;
    char text[512];

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_printf(&k.complaints, "  %s: %s\n", k.kind->name, text);
}

/* ---- answers ---- */

/* Whether the specification has the status for an operation; without one all are fine. */
static bool is_specified(unsigned bit, int status)
{
    const cJSON *operation, *one;
    bool is_known = false;

    cJSON_ArrayForEach (operation, json_at(k.specified, "operations")) {
        if (specification_operation(operation) != bit)
            continue;
        is_known = true;
        cJSON_ArrayForEach (one, json_at(operation, "successStatuses")) {
            if (one->valueint == status)
                return true;
        }
    }
    return !is_known;
}

/* Counts an operation and checks its status against two that the row allows. */
static void expect(unsigned bit, int status, int one, int other)
{
    size_t i = 0;

    while ((1u << i) != bit)
        i++;
    k.counts[i]++;
    if (status != one && status != other &&
        (status != 202 || (k.kind->long_operations & bit) == 0))
        complain("%s answers %d, not %d or %d: %.200s", operation_names[i], status, one,
                 other, h.answer.body.length > 0 ? h.answer.body.data : "");
    else if (status != 202 && !is_specified(bit, status)) /* 202: as it is known to be */
        complain("%s answers %d, which is not specified", operation_names[i], status);
}

static bool is_exempt(enum exception exception, const char *path)
{
    for (int i = 0; i < COUNT_OF(exceptions); i++) {
        if (exceptions[i].kind == k.kind && exceptions[i].exception == exception &&
            strcmp(exceptions[i].path, path) == 0)
            return true;
    }
    return false;
}

static void check_fields(const cJSON *body, bool is_settled)
{
    for (const struct field *field = k.kind->fields; field->name != NULL; field++) {
        const cJSON *value = json_at(body, field->path);
        const bool is_set = value != NULL && !cJSON_IsNull(value);
        const bool is_due = (field->flags & FIELD_REQUIRED) != 0 ||
                            (is_settled && (field->flags & FIELD_READ_ONLY) != 0 &&
                             value == NULL && !is_exempt(MAY_BE_ABSENT, field->path));
        char *wrong = is_set ? field_check_value(field, field->name, value) : NULL;

        if (wrong != NULL)
            complain("the answer's %s", wrong);
        if (!is_set && is_due)
            complain("the answer has no %s", field->path);
        free(wrong);
    }
}

static bool is_path_specified(const cJSON *properties, const char *path)
{
    const cJSON *property;

    cJSON_ArrayForEach (property, properties) {
        const char *known = json_string_at(property, "path");

        if (strcmp(known, path) == 0 ||
            (strcmp(json_string_at(property, "type"), "map") == 0 &&
             strncmp(known, path, strlen(known)) == 0 && path[strlen(known)] == '.'))
            return true;
    }
    return false;
}

/* Complains of each leaf below `value` that the specification does not know. */
static void check_paths(const cJSON *properties, const cJSON *value, const char *path)
{
    const cJSON *member;

    if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) {
        if (!is_path_specified(properties, path) && !is_exempt(NOT_SPECIFIED, path))
            complain("the answer has %s, which is not specified", path);
        return;
    }
    cJSON_ArrayForEach (member, value) {
        char *inner = cJSON_IsArray(value) ? memory_format("%s[]", path)
                      : *path == '\0'      ? memory_copy_string(member->string)
                                           : memory_format("%s.%s", path, member->string);

        if (!cJSON_IsArray(value) || cJSON_IsObject(member))
            check_paths(properties, member, inner);
        free(inner);
    }
}

static void check_specified(const cJSON *body)
{
    const char *same = json_string_at(k.specified, "readPropertiesSameAs");
    const cJSON *properties =
        json_at(k.specified, same != NULL ? same : "readProperties");

    if (properties != NULL)
        check_paths(properties, body, "");
}

/* A resource as an item or a list shows it. */
static void check_resource(const cJSON *body, const char *id, bool is_settled)
{
    const char *said_id = json_string_at(body, "id"),
               *name = json_string_at(body, "name");
    const char *type = json_string_at(body, "type");

    if (said_id == NULL || (id != NULL && !text_equal_nocase(said_id, id)))
        complain("the id is %s, not %s", said_id != NULL ? said_id : "absent", id);
    else if (name == NULL || !text_equal_nocase(name, strrchr(said_id, '/') + 1))
        complain("the name is %s in %s", name != NULL ? name : "absent", said_id);
    if (type == NULL || strcmp(type, k.kind->arm_type) != 0)
        complain("the type is %s", type != NULL ? type : "absent");
    check_fields(body, is_settled);
    check_specified(body);
}

/* Whether the specification has an ETag in an answer of that status. */
static bool has_specified_etag(unsigned bit, int status)
{
    char *path = memory_format("responseHeaders.%d", status);
    const cJSON *operation, *name;
    bool has_one = false;

    cJSON_ArrayForEach (operation, json_at(k.specified, "operations")) {
        cJSON_ArrayForEach (name, json_at(operation, path))
            has_one = has_one || (specification_operation(operation) == bit &&
                                  strcmp(name->valuestring, "etag") == 0);
    }
    free(path);
    return has_one;
}

/* What a later write has to name by its ETag shows it. */
static void check_etag(unsigned bit)
{
    if (h.answer.etag == NULL &&
        (k.kind->if_match != 0 || has_specified_etag(bit, h.answer.status)))
        complain("an answer with %d has no ETag", h.answer.status);
}

/* ---- bodies that are refused ---- */

static bool is_named(const struct field *field)
{
    const char *dot = strrchr(field->path, '.');

    return h.answer.body.length > 0 &&
           (strstr(h.answer.body.data, dot != NULL ? dot + 1 : field->path) != NULL ||
            strstr(h.answer.body.data, field->name) != NULL);
}

/* Sends the least body with `value` (taken; NULL: nothing) at the field: it is refused, and
 * the refusal names the field. */
static void try_wrong(const char *id, const struct field *field, cJSON *value,
                      const char *what)
{
    cJSON *body = specimen_body(k.kind);
    char *text;
    int status;

    json_set_at(body, field->path, value != NULL ? value : cJSON_CreateNull());
    text = json_print(body);
    status = specimen_send(CALL_PUT, k.kind, id, text);
    k.refusals++;
    if (status != 400)
        complain("%s %s answers %d", field->path, what, status);
    else if (!is_named(field))
        complain("%s %s: the refusal does not name it: %.200s", field->path, what,
                 h.answer.body.data);
    cJSON_Delete(body);
    free(text);
}

static cJSON *wrong_type(const struct field *field)
{
    switch (field->type) {
    case FIELD_OBJECT:
    case FIELD_MAP:
    case FIELD_NUMBER:
    case FIELD_INTEGER:
    case FIELD_BOOLEAN:
    case FIELD_STRINGS:
    case FIELD_IDS:
    case FIELD_TAGS:
    case FIELD_LIST:
        return cJSON_CreateString("text");
    default:
        return cJSON_CreateNumber(7);
    }
}

/* A text with the right length that the pattern does not fit, or NULL. */
static cJSON *misfit(const struct field *field)
{
    static const char *const candidates[] = {"?", "no such thing", "#*&+:<>?",
                                             "\n\n\n\n\n\n\n\n"};

    for (int i = 0; i < COUNT_OF(candidates); i++) {
        const int length = (int)strlen(candidates[i]);

        if (length >= field->min && (field->max == 0 || length <= field->max) &&
            !text_matches(candidates[i], field->pattern))
            return cJSON_CreateString(candidates[i]);
    }
    return NULL;
}

static void try_limits(const char *id, const struct field *field)
{
    if (field->type == FIELD_INTEGER) {
        if (field->max > 0) {
            try_wrong(id, field, cJSON_CreateNumber(field->max + 1), "above its limit");
            try_wrong(id, field, cJSON_CreateNumber(field->min - 1), "below its limit");
        }
        try_wrong(id, field, cJSON_CreateNumber(field->min + 0.5), "not whole");
    }
    if (field->type == FIELD_STRING && field->max > 0)
        try_wrong(id, field, specimen_letters(field->max + 1), "too long");
    if (field->type == FIELD_STRING && field->min > 1)
        try_wrong(id, field, specimen_letters(field->min - 1), "too short");
    if (field->pattern != NULL) {
        cJSON *value = misfit(field);

        if (value == NULL)
            complain("no text is known that %s does not take", field->path);
        else
            try_wrong(id, field, value, "with a text that does not fit");
    }
}

/* Each item of a list by its own row. */
static void try_items(const char *id, const struct field *field)
{
    for (const struct field *item = field->items; item->name != NULL; item++) {
        cJSON *list, *element;

        if ((item->flags & FIELD_READ_ONLY) != 0) /* passed over */
            continue;
        list = cJSON_CreateArray();
        element = specimen_element(field->items);
        json_set_at(element, item->path, wrong_type(item));
        cJSON_AddItemToArray(list, element);
        try_wrong(id, field, list, "with an item of a wrong type");
        if ((item->flags & FIELD_REQUIRED) == 0)
            continue;
        list = cJSON_CreateArray();
        element = cJSON_CreateObject();
        for (const struct field *other = field->items; other->name != NULL; other++) {
            if (other != item && (other->flags & FIELD_REQUIRED) != 0)
                json_set_at(element, other->path, specimen_value(other));
        }
        cJSON_AddItemToArray(list, element);
        try_wrong(id, field, list, "with an item that is not whole");
    }
}

/* Whether anything of it can be said but its name. */
static bool takes_body(void)
{
    for (const struct field *field = k.kind->fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_READ_ONLY) == 0)
            return true;
    }
    return false;
}

/* Whether it is there by itself: nobody can delete one. */
static bool is_given(void)
{
    return (k.kind->operations & KIND_PUT) != 0 &&
           (k.kind->operations & KIND_DELETE) == 0;
}

static void try_wrong_bodies(const char *id)
{
    for (const struct field *field = k.kind->fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_READ_ONLY) != 0)
            continue;
        if ((field->flags & FIELD_REQUIRED) != 0)
            try_wrong(id, field, NULL, "left out");
        if (field->type != FIELD_ANY)
            try_wrong(id, field, wrong_type(field), "of a wrong type");
        try_limits(id, field);
        if (field->type == FIELD_CHOICE && !field->choices_are_open)
            try_wrong(id, field, cJSON_CreateString("nonsense"), "of no choice");
        if (field->type == FIELD_STRINGS)
            try_wrong(id, field, cJSON_CreateIntArray((const int[]){7}, 1),
                      "with a number in it");
        if (field->type == FIELD_LIST)
            try_items(id, field);
    }
    if (specimen_send(CALL_PUT, k.kind, id, "[") != 400 ||
        (takes_body() && specimen_send(CALL_PUT, k.kind, id, NULL) != 400))
        complain("a body that is none is taken");
    if ((k.kind->operations & KIND_GET) != 0 && !is_given() &&
        specimen_send(CALL_GET, k.kind, id, NULL) != 404)
        complain("a refused PUT has made something");
}

/* ---- bodies that are taken ---- */

/* PUT of the body as it is now. */
static int put(const char *id, const cJSON *body)
{
    char *text = json_print(body);
    const int status = specimen_send(CALL_PUT, k.kind, id, text);

    free(text);
    return status;
}

/* Sets one field (the value is taken) of a resource that is there. */
static void try_change(const char *id, const cJSON *least, const struct field *field,
                       cJSON *value)
{
    cJSON *body = cJSON_Duplicate(least, true);
    const cJSON *shown;
    int status;

    json_set_at(body, field->path, cJSON_Duplicate(value, true));
    status = put(id, body);
    expect(KIND_PUT, status, 200, 201);
    specimen_settle();
    if (status == 202 || (k.kind->operations & KIND_GET) != 0)
        specimen_send(CALL_GET, k.kind, id, NULL);
    shown = json_at(h.json, field->path);
    if ((field->flags & FIELD_WRITE_ONLY) != 0 && shown != NULL)
        complain("%s is shown", field->path);
    else if ((field->flags & (FIELD_WRITE_ONLY | FIELD_SECRET)) == 0 && status < 300 &&
             field->type != FIELD_LIST && !cJSON_Compare(shown, value, true))
        complain("%s is not what was set", field->path);
    cJSON_Delete(body);
    cJSON_Delete(value);
}

static void try_optional_fields(const char *id, const cJSON *least)
{
    for (const struct field *field = k.kind->fields; field->name != NULL; field++) {
        cJSON *value;

        if ((field->flags & (FIELD_READ_ONLY | FIELD_IMMUTABLE)) != 0 ||
            is_exempt(RULED_OUT, field->path) || json_at(least, field->path) != NULL ||
            (value = specimen_value(field)) == NULL)
            continue;
        try_change(id, least, field, value);
        if (field->type == FIELD_STRING && field->max > 0 && field->pattern == NULL)
            try_change(id, least, field, specimen_letters(field->max));
        if (field->type == FIELD_INTEGER && field->max > 0)
            try_change(id, least, field, cJSON_CreateNumber(field->max));
        for (const struct choice *choice = field->choices;
             field->type == FIELD_CHOICE && choice->name != NULL; choice++)
            try_change(id, least, field, cJSON_CreateString(choice->json));
    }
}

/* What only the service sets is passed over. */
static void try_read_only_fields(const char *id, const cJSON *least)
{
    for (const struct field *field = k.kind->fields; field->name != NULL; field++) {
        cJSON *body = cJSON_Duplicate(least, true);

        if ((field->flags & FIELD_READ_ONLY) != 0) {
            json_set_at(body, field->path, cJSON_CreateString("never"));
            expect(KIND_PUT, put(id, body), 200, 201);
            if (strcmp(said(field->path), "never") == 0)
                complain("%s can be set", field->path);
            specimen_settle();
        }
        cJSON_Delete(body);
    }
}

/* Another value than the one that is there; NULL: none is known. */
static cJSON *other_value(const struct field *field, const cJSON *old)
{
    const char *text = cJSON_GetStringValue(old);
    const struct choice *choice = field->choices;

    switch (field->type) {
    case FIELD_LOCATION:
        return cJSON_CreateString("northeurope");
    case FIELD_ID:
        return cJSON_CreateString("/subscriptions/s/other");
    case FIELD_STRING:
        return specimen_text(field);
    case FIELD_CHOICE:
        while (choice->name != NULL && text != NULL && strcmp(choice->json, text) == 0)
            choice++;
        return choice->name != NULL ? cJSON_CreateString(choice->json) : NULL;
    default:
        return NULL;
    }
}

static void try_immutable_fields(const char *id, const cJSON *least)
{
    cJSON *now;

    specimen_send(CALL_GET, k.kind, id, NULL);
    now = cJSON_Duplicate(h.json, true);
    for (const struct field *field = k.kind->fields; field->name != NULL; field++) {
        cJSON *value =
            (field->flags & FIELD_IMMUTABLE) != 0 && !is_exempt(RULED_OUT, field->path)
                ? other_value(field, json_at(now, field->path))
                : NULL;
        cJSON *body = cJSON_Duplicate(least, true);

        if (value != NULL) {
            const int wanted = field->type == FIELD_LOCATION ? 409 : 400;
            int status;

            json_set_at(body, field->path, value);
            status = put(id, body);
            k.refusals++;
            if (status != wanted)
                complain("%s can be changed: %d", field->path, status);
        }
        cJSON_Delete(body);
    }
    cJSON_Delete(now);
}

/* A PATCH is checked as a PUT is, and what it may not change stays. */
static void try_wrong_patches(const char *id)
{
    for (const struct field *field = k.kind->fields; field->name != NULL; field++) {
        cJSON *body;
        char *text;

        if ((field->flags & FIELD_READ_ONLY) != 0 ||
            (!kind_patches(k.kind) && field->type != FIELD_TAGS))
            continue;
        body = cJSON_CreateObject();
        json_set_at(body, field->path, wrong_type(field));
        text = json_print(body);
        k.refusals++;
        if (specimen_send(CALL_PATCH, k.kind, id, text) < 400)
            complain("PATCH takes a %s of a wrong type", field->path);
        else if (!is_named(field))
            complain("PATCH: the refusal does not name %s: %.200s", field->path,
                     h.answer.body.data);
        cJSON_Delete(body);
        free(text);
    }
}

static void try_patch(const char *id)
{
    const char *body = field_find(k.kind->fields, "tags") != NULL
                           ? "{\"tags\":{\"patched\":\"yes\"}}"
                           : "{\"properties\":{\"description\":\"patched\"}}";

    expect(KIND_PATCH, specimen_send(CALL_PATCH, k.kind, id, body), 200, 202);
    specimen_settle();
    specimen_send(CALL_GET, k.kind, id, NULL);
    if (strstr(h.answer.body.data, "patched") == NULL)
        complain("PATCH changes nothing");
    if (specimen_send(CALL_PATCH, k.kind, id, "[") != 400)
        complain("PATCH takes what is no object");
    try_wrong_patches(id);
}

/* A group that is not there is an error to Resource Manager; what is gone in one is not. */
static void check_gone_group(const char *id)
{
    const int status = specimen_send(CALL_DELETE, k.kind, id, NULL);

    if (status != 404)
        complain("DELETE of what is gone answers %d, not 404", status);
}

static void try_delete(const char *id)
{
    expect(KIND_DELETE, specimen_send(CALL_DELETE, k.kind, id, NULL),
           (k.kind->long_operations & KIND_DELETE) != 0 ? 202 : 200, 204);
    specimen_settle();
    if ((k.kind->operations & KIND_GET) != 0 &&
        specimen_send(CALL_GET, k.kind, id, NULL) < 400)
        complain("it is still there after its deletion");
    if (k.kind == &resource_group_kind)
        check_gone_group(id);
    else
        expect(KIND_DELETE, specimen_send(CALL_DELETE, k.kind, id, NULL), 204, 204);
}

/* ---- reading ---- */

/* The id of the list that an item is in, owned by the caller. */
static char *parent_of(const char *id)
{
    const char *end = strrchr(id, '/');

    return memory_copy_text(id, (size_t)(end - id) - strlen(k.kind->collection));
}

/* Lists below `parent`. The id of the last member, owned by the caller, or NULL; `id`, if
 * not NULL, must be among them. */
static char *try_list(const char *parent, const char *id)
{
    char *path = memory_format("%s%s", parent, k.kind->collection), *last = NULL;
    const cJSON *member;
    bool is_there = id == NULL;

    expect(KIND_LIST, specimen_send(CALL_GET, k.kind, path, NULL), 200, 200);
    if (!cJSON_IsArray(json_at(h.json, "value")))
        complain("a list has no value");
    cJSON_ArrayForEach (member, json_at(h.json, "value")) {
        const char *own = json_string_at(member, "id");

        is_there = is_there || text_equal_nocase(own, id);
        if (k.kind->operations == KIND_LIST) /* its items are no resources */
            check_fields(member, true);
        else if (id == NULL || text_equal_nocase(own, id))
            check_resource(member, NULL, false);
        free(last);
        last = own != NULL ? memory_copy_string(own) : NULL;
    }
    if (!is_there)
        complain("the list does not have %s", id);
    free(path);
    return last;
}

static void try_reads(const char *id)
{
    char *parent = parent_of(id);

    if ((k.kind->operations & KIND_GET) != 0) {
        expect(KIND_GET, specimen_send(CALL_GET, k.kind, id, NULL), 200, 200);
        check_resource(h.json, id, true);
        check_etag(KIND_GET);
    }
    if ((k.kind->operations & KIND_HEAD) != 0) {
        expect(KIND_HEAD, specimen_send(CALL_HEAD, k.kind, id, NULL), 200, 204);
        check_etag(KIND_HEAD);
    }
    if ((k.kind->operations & KIND_LIST) != 0)
        free(try_list(parent, id));
    free(parent);
}

/* Whether the service pages the lists of the kind by $top. */
static bool has_pages(void)
{
    return text_has_prefix_nocase(k.kind->arm_type, "Microsoft.ApiManagement/service/");
}

/* A PUT of the resource as it is, on the condition that it has the tag. */
static int put_matching(const char *id, const cJSON *body, const char *etag)
{
    char *url = memory_format("%s?api-version=%s", id, k.kind->api_version);
    char *text = json_print(body);
    const int status = plane_ask(h.world, &h.answer, &h.json, url,
                                 (struct call){.method = CALL_PUT,
                                               .authorization = h.bearer,
                                               .if_match = etag,
                                               .body = text});

    free(text);
    free(url);
    return status;
}

/* A stale tag is refused, the one that was read is not. */
static void try_etags(const char *id, const cJSON *least)
{
    char *etag;
    int status;

    if (((k.kind->if_match | k.kind->may_match) & KIND_PUT) == 0)
        return;
    status = put_matching(id, least, "\"AAAAAAAAAAA=\"");
    k.refusals++;
    if (status != 412)
        complain("PUT with a stale tag answers %d", status);
    specimen_send((k.kind->operations & KIND_GET) != 0 ? CALL_GET : CALL_HEAD, k.kind, id,
                  NULL);
    etag = memory_copy_string(h.answer.etag != NULL ? h.answer.etag
                                                    : json_string_at(h.json, "etag"));
    status = etag != NULL ? put_matching(id, least, etag) : 0;
    expect(KIND_PUT, status, 200, 200);
    specimen_settle();
    free(etag);
}

/* Goes through the list one by one. */
static void try_pages(const char *id)
{
    char *parent = parent_of(id), *name = specimen_name(k.kind);
    char *other = kind_format_id(k.kind, parent, name), *next;
    cJSON *least = specimen_body(k.kind);
    int all, seen = 0;

    put(other, least); /* where there can be two of them */
    specimen_settle();
    free(other);
    other = memory_format("%s%s", parent, k.kind->collection);
    specimen_send(CALL_GET, k.kind, other, NULL);
    all = cJSON_GetArraySize(json_at(h.json, "value"));
    next = memory_format("%s?api-version=%s&$top=1", other, k.kind->api_version);
    while (next != NULL && seen <= all) {
        const char *link;

        ask(CALL_GET, next, NULL);
        seen += cJSON_GetArraySize(json_at(h.json, "value"));
        free(next);
        link = json_string_at(h.json, "nextLink");
        next = link != NULL && *link != '\0'
                   ? memory_copy_string(strchr(strstr(link, "://") + 3, '/'))
                   : NULL;
    }
    if (seen != all || all < 1)
        complain("pages of one have %d, the list has %d", seen, all);
    free(next);
    free(other);
    free(parent);
    free(name);
    cJSON_Delete(least);
}

static void try_writes(void)
{
    char *id = specimen_id(k.kind);
    cJSON *least;

    try_wrong_bodies(id);
    least = specimen_body(k.kind);
    expect(KIND_PUT, put(id, least), is_given() ? 200 : 201, 201);
    if (h.answer.status == 202) { /* there is nothing to see before it is over */
        specimen_settle();
        specimen_send(CALL_GET, k.kind, id, NULL);
    }
    check_resource(h.json, id, false);
    check_etag(KIND_PUT);
    specimen_settle();
    try_reads(id);
    try_etags(id, least);
    if ((k.kind->operations & KIND_LIST) != 0 && has_pages())
        try_pages(id);
    expect(KIND_PUT, put(id, least), 200, k.kind == &role_definition_kind ? 201 : 200);
    specimen_settle();
    try_immutable_fields(id, least);
    try_read_only_fields(id, least);
    try_optional_fields(id, least);
    try_reads(id);
    if ((k.kind->operations & KIND_PATCH) != 0)
        try_patch(id);
    if ((k.kind->operations & KIND_DELETE) != 0)
        try_delete(id);
    cJSON_Delete(least);
    free(id);
}

/* The id of any resource that may have one below it; owned by the caller. */
static char *find_parent(void)
{
    const struct kind *parent =
        k.kind->is_extension ? &resource_group_kind : k.kind->parent;

    return database_text(h.world->database,
                         "SELECT id FROM entity WHERE type = ? ORDER BY created_ms DESC",
                         "t", parent->arm_type);
}

/* One that nobody makes: what comes with another kind, or was there. */
static void try_given(void)
{
    char *parent, *id;

    for (size_t i = 0; i < SPECIMEN_COUNT(companions); i++) {
        if (companions[i].kind == k.kind)
            free(specimen_make(companions[i].comes_with));
    }
    parent = find_parent();
    id = try_list(parent, NULL);
    if (id != NULL)
        try_reads(id);
    else if ((k.kind->operations & KIND_GET) != 0)
        complain("there is none; add to `companions` what it comes with");
    free(parent);
    free(id);
}

/* What the row does not allow is refused as a method. */
static void try_other_methods(void)
{
    static const enum call_method methods[] = {CALL_PUT, CALL_PATCH, CALL_DELETE};
    char *id = specimen_id(k.kind);

    for (int i = 0; i < COUNT_OF(methods); i++) {
        if ((k.kind->operations & (unsigned)methods[i]) == 0 &&
            specimen_send(methods[i], k.kind, id, "{}") != 405)
            complain("method %d answers %d", (int)methods[i], h.answer.status);
    }
    free(id);
}

static void print_counts(void)
{
    printf("%-40s", k.kind->name);
    for (int i = 0; i < COUNT_OF(operation_names); i++) {
        if ((k.kind->operations & (1u << i)) != 0)
            printf(" %6d", k.counts[i]);
        else
            printf("      -");
    }
    printf(" %7d\n", k.refusals);
    fflush(stdout);
}

START_TEST(a_kind_does_what_its_row_says)
{
    char *description = specimen_world();

    open_world(description, NULL, 1);
    k.kind = kinds[_i];
    k.specified = specification_find(k.model, k.kind);
    if ((k.kind->operations & KIND_PUT) != 0)
        try_writes();
    else
        try_given();
    try_other_methods();
    print_counts();
    for (int i = 0; i < COUNT_OF(operation_names); i++) {
        if ((k.kind->operations & (1u << i)) != 0 && k.counts[i] == 0)
            complain("%s was not tried", operation_names[i]);
    }
    if (k.complaints.length > 0)
        printf("%s", k.complaints.data);
    fflush(stdout);
    ck_assert_msg(k.complaints.length == 0, "%s: see above", k.kind->name);
    free(description);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim model");
    TCase *topic = tcase_create("kinds");
    int count = 0;

    while (kinds[count] != NULL)
        count++;
    printf("%-40s", "kind");
    for (int i = 0; i < COUNT_OF(operation_names); i++)
        printf(" %6s", operation_names[i]);
    printf(" %7s\n", "refused");
    fflush(stdout);
    k.model = specification_read("model.json"); /* once for all of them */
    suite_add_tcase(suite, topic);
    tcase_add_checked_fixture(topic, open_harness, close_harness);
    tcase_set_timeout(topic, 60);
    tcase_add_loop_test(topic, a_kind_does_what_its_row_says, 0, count);

    const int code = run_suite(suite);

    cJSON_Delete(k.model);
    return code;
}
