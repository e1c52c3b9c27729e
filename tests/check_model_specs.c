/* tests/check_model_specs.c - the rows of the model beside Azure's published specifications,
 * kind by kind and property by property, in both directions; and what must hold of every row
 * whatever it says.
 *
 * A difference is a line such as "api: properties.path: max is 400". Those that are meant
 * stand in `known` with their reason; any other fails, and so does one that is gone. */
#include <fnmatch.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/specification.h"
#include "tests/suite.h"

/* Where our rows say something else on purpose. A `*` stands for any text. */
static struct known {
    const char *difference, *reason;
    int count; /* how often it was met */
} known[] = {
    {.difference = "lock: not specified",
     .reason = "the stored models have no management locks"},
    {.difference = "no row: Microsoft.ApiManagement/operations",
     .reason = "a catalogue of permissions, not a resource"},
    {.difference = "no row: Microsoft.ApiManagement/checkNameAvailability",
     .reason = "a question, not a resource"},
    {.difference = "no row: Microsoft.ApiManagement/skus",
     .reason = "what a subscription may buy; services and gateways tell theirs"},
    {.difference = "no row: Microsoft.ApiManagement/service/networkstatus",
     .reason = "a report, not a resource"},
    {.difference = "no row: Microsoft.ApiManagement/locations/operation*",
     .reason = "what long operations are polled at"},
    {.difference = "no row: Microsoft.Network/virtualNetworks/usages",
     .reason = "a report, not a resource"},
    {.difference = "no row: Microsoft.Resources/providers",
     .reason = "registered once for a subscription, not made"},
    {.difference = "resource group: action exportTemplate: missing",
     .reason = "no group is turned into a template"},
    {.difference = "service: *sku.name: may not be PremiumV2",
     .reason = "newer than this api-version; the list is open"},
    {.difference = "service: *subnetResourceId: pattern is *",
     .reason = "an id is checked as an id, the type in it by the service"},
    {.difference = "service: *.encodedCertificate: is not write-only",
     .reason = "a secret is never given back"},
    {.difference = "service: *.certificatePassword: is not write-only",
     .reason = "a secret is never given back"},
    {.difference = "policy fragment: name: pattern is *",
     .reason = "the same names, said shorter"},
    {.difference = "api: DELETE is long",
     .reason = "a newer text says so; an answer of 202 is waited for anyhow"},
    {.difference = "api: properties.apiRevision: is not given at creation only",
     .reason = "the number is in the name of the revision too"},
    {.difference = "api: properties.sourceApiId: is not write-only",
     .reason = "said to make a copy, and not compared afterwards"},
    {.difference = "*subscription: properties.*Key: is not write-only",
     .reason = "a GET leaves keys out; listSecrets tells them"},
    {.difference = "*subscription: properties.expirationDate: is not read-only",
     .reason = "a PATCH alone takes it, for which rows have no word"},
    {.difference = "*subscription: properties.stateComment: is not read-only",
     .reason = "a PATCH alone takes it, for which rows have no word"},
    {.difference = "authorization server: properties.*: is not write-only",
     .reason = "a GET leaves secrets out; listSecrets tells them"},
    {.difference = "* sku: *: has choices",
     .reason = "one table for what services and gateways offer"},
    {.difference = "gateway: sku.capacity: m*",
     .reason = "the tiers on offer have 1 to 12 units"},
    {.difference = "gateway: properties.virtualNetworkType: is open",
     .reason = "we must know what a mode means to check its subnet"},
    {.difference = "gateway: properties.*: is not given at creation only",
     .reason = "the network of a gateway cannot be changed"},
    {.difference = "config connection: properties.sourceId: is not required",
     .reason = "a connection without a workspace serves nothing"},
    {.difference = "*: location: is not required",
     .reason = "the service refuses one without"},
    {.difference = "*: *provisioningState: has choices",
     .reason = "a state is told as the service says it"},
    {.difference =
         "virtual network link: properties.virtualNetworkLinkState: has choices",
     .reason = "a state is told as the service says it"},
    {.difference = "*].etag: missing",
     .reason = "what is embedded is known by its name or its id"},
    {.difference = "*].type: missing",
     .reason = "what is embedded is known by its name or its id"},
    {.difference = "*].id: missing",
     .reason = "what is embedded is known by its name or its id"},
    {.difference =
         "virtual network: properties.addressSpace.addressPrefixes: is not required",
     .reason = "the service refuses one without"},
    {.difference = "virtual network: properties.subnets: is not read-only",
     .reason = "each subnet is a resource of its own here"},
    {.difference = "virtual network: properties.subnets[].name: missing",
     .reason = "each subnet is a resource of its own here"},
    {.difference = "virtual network: properties.virtualNetworkPeerings: type is *",
     .reason = "the model does not say what is in a peering"},
    {.difference = "subnet: properties.addressPrefix: has no pattern",
     .reason = "Azure refuses what is no block of addresses"},
    {.difference = "subnet: properties.delegations*: is not required",
     .reason = "a delegation without a name, or to nobody, is refused"},
    {.difference = "route table: properties.routes: missing",
     .reason = "each route is a resource of its own here"},
    {.difference = "virtual network link: properties.virtualNetwork.id: is not required",
     .reason = "a link to nothing is refused"},
    {.difference = "dns a record: properties.ttl: is not required",
     .reason = "a record set without it is refused"},
    {.difference = "dns a record: properties.*Record*: missing",
     .reason = "those of record sets of other types"},
    {.difference = "*security*: *.direction: is open",
     .reason = "no third direction is to be expected"},
    {.difference = "*security*: *.access: is open",
     .reason = "no third way is to be expected"},
    {.difference = "*security*: *.protocol: is open",
     .reason = "the rows list all that there are"},
    {.difference = "*security*: *.priority: m*",
     .reason = "well known, though the model has no limits"},
    {.difference = "*security*: *.description: max is 0",
     .reason = "well known, though the model has no limit"},
    {.difference = "network security group: properties.securityRules[].name: *",
     .reason = "rules are compared by their names"},
    {.difference = "role definition: properties.roleName: m*",
     .reason = "assumed; the model has no limits"},
    {.difference = "role definition: properties.description: max is 0",
     .reason = "assumed; the model has no limit"},
    {.difference = "role definition: properties.roleName: is not required",
     .reason = "nobody could find one without"},
    {.difference = "role definition: properties.permissions: is not required",
     .reason = "a role that allows nothing is refused"},
    {.difference = "role definition: properties.assignableScopes: is not required",
     .reason = "a role that can be assigned nowhere is refused"},
    {.difference = "role assignment: properties.principalId: has no pattern",
     .reason = "an object id of Entra is a GUID"},
    {.difference = "role assignment: properties.conditionVersion: has no pattern",
     .reason = "2.0 is the only version that is known"},
};

/* What is compared at the moment, and what came of it so far. */
static struct {
    cJSON *model, *service_level;
    const struct kind *kind;
    const cJSON *specified; /* what a model says of the kind */
    cJSON *properties;      /* by path: a copy of what is said, with the marks below */
    int unknown;            /* differences without a reason */
} s;

/* Where a property was found. */
static const char created[] = "x_created", updated[] = "x_updated", got[] = "x_got";

static void differ(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void differ(const char *format, ...)
{
    va_list arguments;
    char text[512];

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (int i = 0; i < COUNT_OF(known); i++) {
        if (fnmatch(known[i].difference, text, FNM_NOESCAPE) == 0) {
            known[i].count++;
            return;
        }
    }
    printf("not known: %s\n", text);
    s.unknown++;
}

/* --- patterns ------------------------------------------------------------------------- */

/* Appends what is between the brackets at `c`, a hyphen that stands for itself last, as POSIX
 * wants it. Returns where the closing bracket is. */
static const char *append_bracket(struct buffer *posix, const char *c)
{
    bool has_hyphen = false;

    for (; *c != ']' && *c != '\0'; c++) {
        if (strncmp(c, "\\w", 2) == 0) {
            buffer_append_string(posix, "[:alnum:]_");
            c++;
        } else if (*c == '-' || strncmp(c, "\\-", 2) == 0) {
            has_hyphen = true;
            c += *c == '\\';
        } else if (c[1] == '-' && c[2] != ']' && c[2] != '\0') {
            buffer_append(posix, c, 3); /* a range */
            c += 2;
        } else {
            buffer_append_char(posix, *c);
        }
    }
    if (has_hyphen)
        buffer_append_char(posix, '-');
    return c;
}

/* A pattern of the specifications, which are JavaScript's, as POSIX has it. Owned by the
 * caller. */
static char *format_posix(const char *pattern)
{
    struct buffer posix = {0};

    for (const char *c = pattern; *c != '\0'; c++) {
        if (*c == '[') {
            buffer_append_char(&posix, '[');
            c = append_bracket(&posix, c + 1);
        } else if (strncmp(c, "\\/", 2) == 0) {
            c++;
        }
        buffer_append_char(&posix, *c);
        if (strncmp(c, "(?:", 3) == 0) /* POSIX has no groups that do not capture */
            c += 2;
    }
    return buffer_take(&posix);
}

static void compare_pattern(const char *what, const char *ours, const cJSON *specified)
{
    const char *pattern = json_string_at(specified, "pattern");
    char *theirs = pattern != NULL ? format_posix(pattern) : NULL;

    if (theirs != NULL && (ours == NULL || strcmp(ours, theirs) != 0))
        differ("%s: %s: pattern is %s", s.kind->name, what, theirs);
    if (theirs == NULL && ours != NULL)
        differ("%s: %s: has no pattern", s.kind->name, what);
    free(theirs);
}

/* --- kinds ---------------------------------------------------------------------------- */

/* A path of the specification with its parameters nameless: as templates of ours are. */
static char *format_template(const char *path)
{
    struct buffer template = {0};

    for (const char *c = path; *c != '\0'; c++) {
        buffer_append_char(&template, *c);
        if (*c == '{')
            c += strcspn(c, "}") - 1;
    }
    return buffer_take(&template);
}

/* The id of any resource of the kind, with {} for each name. Owned by the caller. */
static char *format_any_id(const struct kind *kind)
{
    char *parent =
        kind->parent != NULL
            ? format_any_id(kind->parent)
            : memory_copy_string(kind->is_extension ? "/{}" : "/subscriptions/{}");
    char *id = kind_format_id(kind, parent, "{}");

    free(parent);
    return id;
}

static void compare_path(void)
{
    const char *path = json_string_at(s.specified, "path");

    if (path == NULL)
        return;

    char *ours = format_any_id(s.kind), *theirs = format_template(path);

    if (!text_equal_nocase(ours, theirs))
        differ("%s: path is %s", s.kind->name, theirs);
    free(ours);
    free(theirs);
}

/* What has no limits in the specification has those of Azure's naming rules. */
static void compare_name(void)
{
    const cJSON *limits = json_at(s.specified, "nameParam");
    const int min = (int)json_number_at(limits, "minLength", s.kind->name_min);
    const int max = (int)json_number_at(limits, "maxLength", s.kind->name_max);

    if (s.kind->name_min != min)
        differ("%s: name: min is %d", s.kind->name, min);
    if (s.kind->name_max != max)
        differ("%s: name: max is %d", s.kind->name, max);
    if (json_string_at(limits, "pattern") != NULL)
        compare_pattern("name", s.kind->name_pattern, limits);
}

/* One of our sets of operations beside one of theirs. */
static void compare_set(unsigned ours, unsigned theirs, const char *is,
                        const char *is_not)
{
    static const char *const names[] = {"GET", "HEAD", "PUT", "PATCH", "DELETE", "LIST"};

    for (unsigned i = 0; i < COUNT_OF(names); i++) {
        const unsigned bit = 1u << i;

        if (((ours ^ theirs) & bit) != 0)
            differ("%s: %s %s", s.kind->name, names[i],
                   (theirs & bit) != 0 ? is : is_not);
    }
}

/* A newer text of the same api-version may know better. */
static bool is_long(const cJSON *operation)
{
    return cJSON_IsTrue(json_at(operation, "lro")) ||
           cJSON_IsTrue(json_at(operation, "lroNewerSpec"));
}

static void compare_operations(void)
{
    unsigned exist = 0, are_long = 0, need_match = 0, may_match = 0;
    const cJSON *operation;

    cJSON_ArrayForEach (operation, json_at(s.specified, "operations")) {
        const unsigned bit = specification_operation(operation);
        const char *match = json_string_at(operation, "ifMatch");
        const char *via = json_string_at(operation, "finalStateVia");

        exist |= bit;
        if (is_long(operation))
            are_long |= bit;
        if (match != NULL && strcmp(match, "required") == 0)
            need_match |= bit;
        if (match != NULL && strcmp(match, "optional") == 0)
            may_match |= bit;
        if (bit == KIND_PUT &&
            strcmp(via != NULL ? via : "",
                   s.kind->final_state_via != NULL ? s.kind->final_state_via : "") != 0)
            differ("%s: the final state of PUT is via %s", s.kind->name,
                   via != NULL ? via : "nothing");
    }
    compare_set(s.kind->operations, exist, "exists", "does not exist");
    compare_set(s.kind->long_operations, are_long, "is long", "is not long");
    compare_set(s.kind->if_match, need_match, "needs If-Match", "does not need If-Match");
    compare_set(s.kind->may_match, may_match, "may say If-Match", "may not say If-Match");
}

static const struct action *find_action(const char *name)
{
    for (const struct action *action = s.kind->actions;
         action != NULL && action->name != NULL; action++) {
        if (strcmp(action->name, name) == 0)
            return action;
    }
    return NULL;
}

/* The POST of that name in the specification, or NULL. */
static const cJSON *find_post(const char *name)
{
    const cJSON *operation;

    cJSON_ArrayForEach (operation, json_at(s.specified, "operations")) {
        const char *last = strrchr(json_string_at(operation, "path"), '/') + 1;

        if (strcmp(json_string_at(operation, "method"), "POST") == 0 &&
            strcmp(last, name) == 0)
            return operation;
    }
    return NULL;
}

static void compare_actions(void)
{
    const cJSON *operation;

    cJSON_ArrayForEach (operation, json_at(s.specified, "operations")) {
        const char *name = strrchr(json_string_at(operation, "path"), '/') + 1;

        if (strcmp(json_string_at(operation, "method"), "POST") == 0 &&
            find_action(name) == NULL)
            differ("%s: action %s: missing", s.kind->name, name);
    }
    for (const struct action *action = s.kind->actions;
         action != NULL && action->name != NULL; action++) {
        const cJSON *post = find_post(action->name);

        if (post == NULL)
            differ("%s: action %s: not specified", s.kind->name, action->name);
        else if (action->is_long != is_long(post))
            differ("%s: action %s: %s", s.kind->name, action->name,
                   action->is_long ? "is not long" : "is long");
    }
}

/* --- properties ----------------------------------------------------------------------- */

static bool has(const cJSON *property, const char *mark)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(property, mark));
}

/* Adds a list of properties whose paths begin with `prefix`, without it. */
static void add_properties(const cJSON *list, const char *prefix, const char *mark)
{
    const cJSON *property;

    cJSON_ArrayForEach (property, list) {
        const char *path = json_string_at(property, "path");

        if (strncmp(path, prefix, strlen(prefix)) != 0)
            continue;
        path += strlen(prefix);

        cJSON *ours = cJSON_GetObjectItemCaseSensitive(s.properties, path);

        if (ours == NULL) {
            ours = cJSON_Duplicate(property, true);
            cJSON_AddItemToObject(s.properties, path, ours);
        }
        if (!has(ours, mark))
            cJSON_AddTrueToObject(ours, mark);
    }
}

/* The properties of what is only ever listed are in the model of the list. */
static void add_listed_properties(void)
{
    const cJSON *operation;

    add_properties(json_at(s.specified, "collectionProperties"), "value[].", got);
    cJSON_ArrayForEach (operation, json_at(s.specified, "operations")) {
        const char *name = json_string_at(operation, "responseModels.200");

        if (specification_operation(operation) == KIND_LIST && name != NULL)
            add_properties(
                cJSON_GetObjectItemCaseSensitive(json_at(s.model, "models"), name),
                "value[].", got);
    }
}

static void collect_properties(void)
{
    const cJSON *read = json_at(s.specified, "readProperties");

    s.properties = cJSON_CreateObject();
    add_properties(json_at(s.specified, "createProperties"), "", created);
    add_properties(json_at(s.specified, "updateProperties"), "", updated);
    add_properties(read != NULL ? read : json_at(s.specified, "createProperties"), "",
                   got);
    if (s.properties->child == NULL)
        add_listed_properties();
}

/* What every resource has, and no row tells. */
static bool is_envelope(const char *path)
{
    static const char *const parts[] = {"id",   "name",       "type",
                                        "etag", "systemData", "properties"};

    for (int i = 0; i < COUNT_OF(parts); i++) {
        if (strcmp(path, parts[i]) == 0)
            return true;
    }
    return strncmp(path, "systemData.", strlen("systemData.")) == 0;
}

/* Which of our types fit one of the specification's, whose `of` is what is in it. */
static bool fits(const struct field *field, const char *type, const char *of)
{
    static const struct {
        const char *type, *of;
        enum field_type ours, values;
    } pairs[] = {
        {"string", "", FIELD_STRING, 0},
        {"string", "", FIELD_CHOICE, 0},
        {"string", "", FIELD_ID, 0}, /* the specifications do not mark ids */
        {"string", "", FIELD_LOCATION, 0},
        {"uuid", "", FIELD_STRING, 0},
        {"number", "", FIELD_INTEGER, 0}, /* they tell no integers either */
        {"number", "", FIELD_NUMBER, 0},
        {"boolean", "", FIELD_BOOLEAN, 0},
        {"date-time", "", FIELD_TIME, 0},
        {"duration", "", FIELD_DURATION, 0},
        {"any", "", FIELD_ANY, 0},
        {"object", "", FIELD_OBJECT, 0},
        {"array", "string", FIELD_STRINGS, 0},
        {"array", "object", FIELD_LIST, 0},
        {"array", "object", FIELD_IDS, 0},
        {"map", "string", FIELD_TAGS, 0},
        {"object", "", FIELD_TAGS, 0}, /* maps of private DNS are told so */
        {"object", "", FIELD_MAP, FIELD_STRING},
        {"map", "string", FIELD_MAP, FIELD_STRING},
        {"map", "object", FIELD_MAP, FIELD_OBJECT},
        {"map", "array", FIELD_MAP, FIELD_STRINGS},
        {"map", "any", FIELD_MAP, FIELD_ANY},
    };

    for (int i = 0; i < COUNT_OF(pairs); i++) {
        if (strcmp(pairs[i].type, type) == 0 && strcmp(pairs[i].of, of) == 0 &&
            pairs[i].ours == field->type &&
            (field->type != FIELD_MAP || pairs[i].values == field->values))
            return true;
    }
    return false;
}

static void compare_type(const struct field *field, const char *path,
                         const cJSON *property)
{
    const char *type = json_string_at(property, "type");
    const char *items = json_string_at(property, "items");
    const char *values = json_string_at(property, "values");
    const char *of = items != NULL ? items : values != NULL ? values : "";

    if (!fits(field, type, of))
        differ("%s: %s: type is %s%s%s", s.kind->name, path, type,
               of[0] != '\0' ? " of " : "", of);
}

static void compare_limits(const struct field *field, const char *path,
                           const cJSON *property)
{
    static const char *const names[][2] = {[FIELD_STRING] = {"minLength", "maxLength"},
                                           [FIELD_INTEGER] = {"minimum", "maximum"},
                                           [FIELD_NUMBER] = {"minimum", "maximum"},
                                           [FIELD_STRINGS] = {"minItems", "maxItems"},
                                           [FIELD_IDS] = {"minItems", "maxItems"},
                                           [FIELD_LIST] = {"minItems", "maxItems"},
                                           [FIELD_ANY] = {NULL, NULL}};
    const bool has_own = names[field->type][0] != NULL;
    const char *const *limits = names[has_own ? field->type : FIELD_STRING];
    const int min = (int)json_number_at(property, limits[0], 0);
    const int max = (int)json_number_at(property, limits[1], 0);
    const int item_max = (int)json_number_at(property, "itemConstraints.maxLength", 0);

    if (field->min != min)
        differ("%s: %s: min is %d", s.kind->name, path, min);
    if (field->max != max)
        differ("%s: %s: max is %d", s.kind->name, path, max);
    if (field->item_max != item_max)
        differ("%s: %s: max of an item is %d", s.kind->name, path, item_max);
}

static bool is_in(const cJSON *texts, const char *text)
{
    const cJSON *one;

    cJSON_ArrayForEach (one, texts) {
        if (strcmp(one->valuestring, text) == 0)
            return true;
    }
    return false;
}

static void compare_choices(const struct field *field, const char *path,
                            const cJSON *property)
{
    const cJSON *values = json_at(property, "enum"), *value;

    if (values == NULL)
        values = json_at(property, "itemEnum");
    if (field->choices == NULL) {
        if (values != NULL)
            differ("%s: %s: has choices", s.kind->name, path);
        return;
    }
    if (values == NULL) {
        differ("%s: %s: has no choices", s.kind->name, path);
        return;
    }
    cJSON_ArrayForEach (value, values) {
        const struct choice *ours = choice_by_json(field, value->valuestring);

        if (ours == NULL || strcmp(ours->json, value->valuestring) != 0)
            differ("%s: %s: may be %s", s.kind->name, path, value->valuestring);
    }
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        if (!is_in(values, choice->json))
            differ("%s: %s: may not be %s", s.kind->name, path, choice->json);
    }
    /* of the elements of a list it is not told */
    if (json_at(property, "enum") != NULL &&
        field->choices_are_open != cJSON_IsTrue(json_at(property, "extensible")))
        differ("%s: %s: %s", s.kind->name, path,
               field->choices_are_open ? "is closed" : "is open");
}

static void compare_flag(const char *path, bool ours, bool theirs, const char *word)
{
    if (ours != theirs)
        differ("%s: %s: is%s %s", s.kind->name, path, theirs ? "" : " not", word);
}

/* `outer` are the flags of the fields around it: what is in a read-only object is read-only. */
static void compare_flags(const struct field *field, const char *path,
                          const cJSON *property, unsigned outer)
{
    const unsigned flags = field->flags | outer;
    const bool is_read_only =
        has(property, "readOnly") || (!has(property, created) && !has(property, updated));
    const bool is_write_only = has(property, "writeOnly") || !has(property, got);

    compare_flag(path, (field->flags & FIELD_REQUIRED) != 0,
                 has(property, "required") && !is_read_only &&
                     (outer & FIELD_READ_ONLY) == 0,
                 "required");
    if ((outer & FIELD_READ_ONLY) == 0)
        compare_flag(path, (flags & FIELD_READ_ONLY) != 0, is_read_only, "read-only");
    if ((outer & FIELD_WRITE_ONLY) == 0)
        compare_flag(path, (flags & FIELD_WRITE_ONLY) != 0, is_write_only, "write-only");
    if (has(property, "sensitive") && (flags & FIELD_SECRET) == 0)
        differ("%s: %s: is secret", s.kind->name, path);
    if (json_at(s.specified, "updateProperties") != NULL && kind_patches(s.kind) &&
        !is_read_only && (flags & FIELD_WRITE_ONLY) == 0)
        compare_flag(path, (flags & FIELD_IMMUTABLE) != 0, !has(property, updated),
                     "given at creation only");
}

static void compare_fields(const struct field *fields, const char *prefix,
                           unsigned outer);

static void compare_field(const struct field *field, const char *prefix, unsigned outer)
{
    static const char *const joints[] = {[FIELD_OBJECT] = ".",
                                         [FIELD_LIST] = "[].",
                                         [FIELD_MAP] = "{}.",
                                         [FIELD_ANY] = NULL};
    char *path = memory_format("%s%s", prefix, field->path);
    const cJSON *property = cJSON_GetObjectItemCaseSensitive(s.properties, path);

    if (property == NULL) {
        differ("%s: %s: not specified", s.kind->name, path);
    } else {
        compare_type(field, path, property);
        compare_limits(field, path, property);
        compare_pattern(path, field->pattern, property);
        compare_choices(field, path, property);
        compare_flags(field, path, property, outer);
    }
    if (property != NULL && field->items != NULL) {
        char *inner = memory_format("%s%s", path, joints[field->type]);

        compare_fields(field->items, inner, outer | field->flags);
        free(inner);
    }
    free(path);
}

static void compare_fields(const struct field *fields, const char *prefix, unsigned outer)
{
    for (const struct field *field = fields; field->name != NULL; field++)
        compare_field(field, prefix, outer);
}

/* Whether a row tells of the property, of something in it (sku, when there is sku.name), or of
 * all that is in it. `path` is the rest behind the fields that are around these. */
static bool is_told(const struct field *fields, const char *path)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        const size_t length = strlen(field->path), whole = strlen(path);
        const char *rest = path + length;

        if (whole < length) {
            if (strncmp(field->path, path, whole) == 0 && field->path[whole] == '.')
                return true;
            continue;
        }
        if (strncmp(field->path, path, length) != 0)
            continue;
        if (*rest == '\0')
            return true;
        if (*rest != '.' && *rest != '[' && *rest != '{')
            continue; /* a longer name that begins the same */
        if (field->type == FIELD_IDS && strcmp(rest, "[].id") == 0)
            return true;
        if (field->type == FIELD_ANY || field->values == FIELD_ANY)
            return true;
        if (field->items != NULL && is_told(field->items, rest + strspn(rest, "[]{}.")))
            return true;
    }
    return false;
}

/* Whether what is around the property is missing already: that says enough. */
static bool is_in_missing(const char *path)
{
    char *outer = memory_copy_string(path);
    bool is_missing = false;

    for (char *end; !is_missing && (end = strrchr(outer, '.')) != NULL;) {
        while (end > outer && strchr("[]{}", end[-1]) != NULL)
            end--;
        *end = '\0';
        is_missing = cJSON_GetObjectItemCaseSensitive(s.properties, outer) != NULL &&
                     !is_envelope(outer) && !is_told(s.kind->fields, outer);
    }
    free(outer);
    return is_missing;
}

static void find_missing(void)
{
    const cJSON *property;

    cJSON_ArrayForEach (property, s.properties) {
        const char *path = property->string;

        if (!is_envelope(path) && !is_told(s.kind->fields, path) && !is_in_missing(path))
            differ("%s: %s: missing", s.kind->name, path);
    }
}

/* --- all of it ------------------------------------------------------------------------ */

static void compare_kind(const struct kind *kind)
{
    s.kind = kind;
    s.specified = specification_find(s.model, kind);
    if (s.specified == NULL)
        s.specified = specification_find(s.service_level, kind);
    if (s.specified == NULL) {
        differ("%s: not specified", kind->name);
        return;
    }
    if (strcmp(s.specified->string, kind->arm_type) != 0)
        differ("%s: type is %s", kind->name, s.specified->string);
    if (strcmp(json_string_at(s.specified, "apiVersion"), kind->api_version) != 0)
        differ("%s: api-version is %s", kind->name,
               json_string_at(s.specified, "apiVersion"));
    compare_path();
    compare_name();
    compare_operations();
    compare_actions();
    collect_properties();
    /* what cannot be written need not say that it is read-only */
    compare_fields(kind->fields, "",
                   (kind->operations & (KIND_PUT | KIND_PATCH)) != 0 ? 0
                                                                     : FIELD_READ_ONLY);
    find_missing();
    cJSON_Delete(s.properties);
}

static bool has_row(const char *arm_type)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        if (text_equal_nocase((*kind)->arm_type, arm_type))
            return true;
    }
    return false;
}

/* Prints the differences that are meant; those that are gone count as unknown. */
static void report_known(void)
{
    for (int i = 0; i < COUNT_OF(known); i++) {
        if (known[i].count == 0) {
            printf("no longer: %s\n", known[i].difference);
            s.unknown++;
        } else {
            printf("%s (%d): %s\n", known[i].difference, known[i].count, known[i].reason);
        }
    }
}

START_TEST(the_rows_say_what_the_specifications_say)
{
    const cJSON *specified;

    s.model = specification_read("model.json");
    if (s.model == NULL)
        return;
    s.service_level = specification_read("model-service-level.json");
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++)
        compare_kind(*kind);
    cJSON_ArrayForEach (specified, json_at(s.model, "kinds")) {
        if (!has_row(specified->string))
            differ("no row: %s", specified->string);
    }
    report_known();
    cJSON_Delete(s.model);
    cJSON_Delete(s.service_level);
    /* they are printed: a message of Check's has no room for all */
    fflush(stdout);
    ck_assert_msg(s.unknown == 0, "%d differences are not known or no longer there",
                  s.unknown);
}
END_TEST

/* --- what holds of every row ---------------------------------------------------------- */

/* More than any list has: one without an end is found here, not behind it. */
enum { ROWS_MAX = 200, DEPTH_MAX = 12 };

static bool is_snake_case(const char *name)
{
    return text_matches(name, "^[a-z][a-z0-9]*(_[a-z0-9]+)*$");
}

static bool is_help(const char *help)
{
    return help != NULL && help[0] != '\0' && help[strlen(help) - 1] == '.' &&
           strchr(help, '\n') == NULL;
}

static void check_choices(const char *where, const struct field *field)
{
    int count = 0;

    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        ck_assert_msg(++count < ROWS_MAX, "%s: its choices have no end", where);
        ck_assert_msg(choice->json != NULL, "%s: %s has no JSON", where, choice->name);
        ck_assert_msg(choice_by_name(field, choice->name) == choice &&
                          choice_by_json(field, choice->json) == choice,
                      "%s: %s is there twice", where, choice->name);
    }
    ck_assert_msg(count > 0, "%s: no choice", where);
}

static void check_pattern(const char *where, const char *pattern)
{
    regex_t expression;
    const int wrong = regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB);

    ck_assert_msg(wrong == 0, "%s: %s is no POSIX expression", where, pattern);
    regfree(&expression);
}

static void check_fields(const char *outer, const struct field *fields, int depth);

/* What a type needs, and what it has no use for. */
static void check_parts(const char *where, const struct field *field, int depth)
{
    const bool is_of_objects =
        field->type == FIELD_OBJECT || field->type == FIELD_LIST ||
        (field->type == FIELD_MAP && field->values == FIELD_OBJECT);

    ck_assert_msg(is_of_objects == (field->items != NULL), "%s: %s", where,
                  is_of_objects ? "no items" : "items of no use");
    ck_assert_msg(field->type != FIELD_CHOICE || field->choices != NULL, "%s: no choices",
                  where);
    ck_assert_msg(field->max == 0 || field->min <= field->max, "%s: min above max",
                  where);
    ck_assert_msg((field->flags & FIELD_READ_ONLY) == 0 ||
                      (field->flags & (FIELD_REQUIRED | FIELD_WRITE_ONLY)) == 0,
                  "%s: read-only and to be given", where);
    if (field->choices != NULL)
        check_choices(where, field);
    if (field->pattern != NULL)
        check_pattern(where, field->pattern);
    if (field->items != NULL)
        check_fields(where, field->items, depth + 1);
}

static void check_fields(const char *outer, const struct field *fields, int depth)
{
    int count = 0;

    ck_assert_msg(depth < DEPTH_MAX, "%s: no end of depth", outer);
    for (const struct field *field = fields; field->name != NULL; field++) {
        char *where = memory_format("%s.%s", outer, field->name);

        ck_assert_msg(++count < ROWS_MAX, "%s: no end", outer);
        ck_assert_msg(is_snake_case(field->name), "%s: not snake_case", where);
        ck_assert_msg(field_find(fields, field->name) == field, "%s: there twice", where);
        ck_assert_msg(field->path != NULL, "%s: no path", where);
        ck_assert_msg(is_help(field->help), "%s: help is no sentence", where);
        for (const struct field *other = fields; other != field; other++)
            ck_assert_msg(strcmp(other->path, field->path) != 0, "%s: path of %s", where,
                          other->name);
        check_parts(where, field, depth);
        free(where);
    }
}

START_TEST(every_field_is_whole)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++)
        check_fields((*kind)->name, (*kind)->fields, 0);
}
END_TEST

START_TEST(every_kind_is_whole)
{
    for (const struct kind *const *at = kinds; *at != NULL; at++) {
        const struct kind *kind = *at;
        bool is_revealed = kind->reveal == NULL;

        ck_assert_msg(kind_find(kind->name) == kind, "%s: there twice", kind->name);
        ck_assert_msg(is_help(kind->help), "%s: help is no sentence", kind->name);
        ck_assert_msg(((kind->long_operations | kind->if_match | kind->may_match) &
                       ~kind->operations) == 0,
                      "%s: says something of an operation that it has not", kind->name);
        ck_assert_msg((kind->if_match & kind->may_match) == 0,
                      "%s: must and may say If-Match", kind->name);
        ck_assert_msg(kind->name_min <= kind->name_max, "%s: min above max", kind->name);
        if (kind->only_name != NULL)
            ck_assert_msg(kind_check_name(kind, kind->only_name) == NULL,
                          "%s: may not have its only name", kind->name);
        if (kind->name_pattern != NULL)
            check_pattern(kind->name, kind->name_pattern);
        for (const struct action *action = kind->actions;
             action != NULL && action->name != NULL; action++) {
            ck_assert_msg(is_help(action->help), "%s: help of %s", kind->name,
                          action->name);
            is_revealed |=
                kind->reveal != NULL && strcmp(kind->reveal, action->name) == 0;
        }
        ck_assert_msg(is_revealed, "%s: reveals by no action", kind->name);
    }
}
END_TEST

START_TEST(parents_come_first_and_members_clash_with_nothing)
{
    for (const struct kind *const *at = kinds; *at != NULL; at++) {
        const struct kind *kind = *at;
        const struct kind *const *parent = kinds;

        if (kind->parent == NULL)
            continue;
        while (parent != at && *parent != kind->parent)
            parent++;
        ck_assert_msg(parent != at, "%s: before its parent", kind->name);
        if (kind->member == NULL)
            continue;
        ck_assert_msg(is_snake_case(kind->member), "%s: member %s", kind->name,
                      kind->member);
        ck_assert_msg(field_find(kind->parent->fields, kind->member) == NULL,
                      "%s: %s is a field of its parent", kind->name, kind->member);
        ck_assert_msg(kind_find_member(kind->parent, kind->member) == kind,
                      "%s: %s is another's", kind->name, kind->member);
    }
}
END_TEST

static void begin(void)
{
    memset(&s, 0, sizeof s);
}

static void end(void)
{
    for (int i = 0; i < COUNT_OF(known); i++)
        known[i].count = 0;
}

int main(void)
{
    Suite *suite = suite_create("model specs");
    TCase *rows = add_case(suite, "rows", begin, end);
    TCase *facts = add_case(suite, "specifications", begin, end);

    tcase_add_test(rows, every_field_is_whole);
    tcase_add_test(rows, every_kind_is_whole);
    tcase_add_test(rows, parents_come_first_and_members_clash_with_nothing);
    tcase_add_test(facts, the_rows_say_what_the_specifications_say);
    return run_suite(suite);
}
