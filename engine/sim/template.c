/* engine/sim/template.c - deployment templates: what they ask for. */
#include "sim/template.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/expression.h"

/* ---- parameters ---- */

enum value_type {
    VALUE_STRING,
    VALUE_INTEGER,
    VALUE_BOOLEAN,
    VALUE_OBJECT,
    VALUE_ARRAY,
    VALUE_NONE
};

static const struct parameter_type {
    const char *name;
    const char *shown; /* as deployments spell it */
    enum value_type value;
    bool is_secure;
} parameter_types[] = {{"string", "String", VALUE_STRING, false},
                       {"securestring", "SecureString", VALUE_STRING, true},
                       {"int", "Int", VALUE_INTEGER, false},
                       {"bool", "Bool", VALUE_BOOLEAN, false},
                       {"object", "Object", VALUE_OBJECT, false},
                       {"secureobject", "SecureObject", VALUE_OBJECT, true},
                       {"array", "Array", VALUE_ARRAY, false}};

static const char *const value_names[] = {
    [VALUE_STRING] = "String", [VALUE_INTEGER] = "Integer", [VALUE_BOOLEAN] = "Boolean",
    [VALUE_OBJECT] = "Object", [VALUE_ARRAY] = "Array",     [VALUE_NONE] = "Null",
};

static enum value_type find_value_type(const cJSON *value)
{
    if (cJSON_IsString(value))
        return VALUE_STRING;
    if (cJSON_IsNumber(value) &&
        value->valuedouble == (double)(long long)value->valuedouble)
        return VALUE_INTEGER;
    if (cJSON_IsBool(value))
        return VALUE_BOOLEAN;
    if (cJSON_IsObject(value))
        return VALUE_OBJECT;
    return cJSON_IsArray(value) ? VALUE_ARRAY : VALUE_NONE;
}

static const struct parameter_type *find_parameter_type(const char *name)
{
    for (size_t i = 0; i < sizeof parameter_types / sizeof parameter_types[0]; i++) {
        if (name != NULL && text_equal_nocase(parameter_types[i].name, name))
            return &parameter_types[i];
    }
    return NULL;
}

static bool check_allowed(struct evaluation *evaluation, const cJSON *declared,
                          const cJSON *value, bool is_secure)
{
    const cJSON *allowed = cJSON_GetObjectItem(declared, "allowedValues"), *one;
    struct buffer list = {0};

    if (allowed == NULL)
        return true;
    cJSON_ArrayForEach (one, allowed) {
        char *text = json_print(one);

        buffer_printf(&list, "%s%s", list.length > 0 ? ", " : "", text);
        free(text);
        if (cJSON_Compare(one, value, true))
            break;
    }
    if (one == NULL) {
        char *given = is_secure ? memory_copy_string("***") : json_print(value);

        expression_fail(evaluation,
                        "The provided value %s for the template parameter '%s' is not "
                        "valid. The value is not part of the allowed value(s): %s.",
                        given, declared->string, list.data);
        free(given);
    }
    buffer_deinit(&list);
    return one != NULL;
}

/* minValue and maxValue of a number, minLength and maxLength of a text or list. */
static bool check_range(struct evaluation *evaluation, const cJSON *declared,
                        const cJSON *value)
{
    const bool is_number = cJSON_IsNumber(value);
    const double size = is_number               ? value->valuedouble
                        : cJSON_IsString(value) ? (double)strlen(value->valuestring)
                                                : (double)cJSON_GetArraySize(value);
    const cJSON *least =
        cJSON_GetObjectItem(declared, is_number ? "minValue" : "minLength");
    const cJSON *most =
        cJSON_GetObjectItem(declared, is_number ? "maxValue" : "maxLength");

    if ((!cJSON_IsNumber(least) || size >= least->valuedouble) &&
        (!cJSON_IsNumber(most) || size <= most->valuedouble))
        return true;
    expression_fail(evaluation,
                    "The %s of the template parameter '%s' is %.0f, outside what the "
                    "template allows.",
                    is_number ? "value" : "length", declared->string, size);
    return false;
}

/* The value that was given, or the default, owned by the caller; NULL after a failure. */
static cJSON *find_value(struct evaluation *evaluation, const cJSON *declared,
                         const cJSON *given)
{
    const cJSON *value = cJSON_GetObjectItem(given, "value");
    const cJSON *otherwise = cJSON_GetObjectItem(declared, "defaultValue");

    if (cJSON_GetObjectItem(given, "reference") != NULL)
        return expression_fail(evaluation,
                               "The parameter '%s' is a reference to a key vault, which "
                               "is not known here.",
                               declared->string);
    if (value != NULL && !cJSON_IsNull(value))
        return cJSON_Duplicate(value, true); /* no expressions in what is given */
    if (otherwise != NULL)
        return expression_evaluate(evaluation, otherwise);
    return expression_fail(
        evaluation,
        "The value for the template parameter '%s' is not provided. "
        "Please see https://aka.ms/arm-create-parameter-file for usage "
        "details.",
        declared->string);
}

static void read_parameter(struct evaluation *evaluation, const cJSON *declared,
                           const cJSON *given)
{
    const struct parameter_type *type =
        find_parameter_type(cJSON_GetStringValue(cJSON_GetObjectItem(declared, "type")));
    cJSON *value, *shown;

    if (type == NULL) {
        expression_fail(evaluation,
                        "The template parameter '%s' has no type that is known: string, "
                        "securestring, int, bool, object, secureObject, array.",
                        declared->string);
        return;
    }
    value = find_value(evaluation, declared, given);
    if (value != NULL && find_value_type(value) != type->value)
        expression_fail(evaluation,
                        "Template parameter JToken type is not valid. Expected '%s'. "
                        "Actual '%s'. The parameter is '%s'.",
                        value_names[type->value], value_names[find_value_type(value)],
                        declared->string);
    if (value == NULL || evaluation->wrong != NULL ||
        !check_allowed(evaluation, declared, value, type->is_secure) ||
        !check_range(evaluation, declared, value)) {
        cJSON_Delete(value);
        return;
    }
    cJSON_AddItemToObject(evaluation->template->values, declared->string, value);
    shown = cJSON_AddObjectToObject(evaluation->template->shown, declared->string);
    cJSON_AddStringToObject(shown, "type", type->shown);
    if (!type->is_secure)
        cJSON_AddItemToObject(shown, "value", cJSON_Duplicate(value, true));
}

/* Nobody gives what the template does not ask for. */
static void check_surplus(struct evaluation *evaluation, const cJSON *declared,
                          const cJSON *given)
{
    struct buffer supported = {0};
    const cJSON *one;

    cJSON_ArrayForEach (one, declared)
        buffer_printf(&supported, "%s%s", supported.length > 0 ? ", " : "", one->string);
    cJSON_ArrayForEach (one, given) {
        if (cJSON_GetObjectItem(declared, one->string) == NULL)
            expression_fail(
                evaluation,
                "The template parameters '%s' in the parameters file are not valid; they "
                "are not present in the original template and can therefore not be "
                "provided at deployment time. The only supported parameters for this "
                "template are '%s'.",
                one->string, supported.data != NULL ? supported.data : "");
    }
    buffer_deinit(&supported);
}

static void read_parameters(struct evaluation *evaluation, const cJSON *given)
{
    const cJSON *declared =
        cJSON_GetObjectItemCaseSensitive(evaluation->template->source, "parameters");
    const cJSON *one;

    check_surplus(evaluation, declared, given);
    cJSON_ArrayForEach (one, declared) {
        if (evaluation->wrong == NULL)
            read_parameter(evaluation, one, cJSON_GetObjectItem(given, one->string));
    }
}

/* ---- resources ---- */

/* Text members that say where and when a resource is made; the rest is its body. */
static const char *const placing[] = {
    "apiVersion", "type",     "name",     "dependsOn",     "scope",         "condition",
    "existing",   "comments", "metadata", "resourceGroup", "subscriptionId"};

#define NESTED "Microsoft.Resources/deployments"

static char *read_text(struct evaluation *evaluation, const cJSON *given,
                       const char *name, const char *who)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(given, name));

    if (text != NULL)
        return expression_evaluate_string(evaluation, text);
    return expression_fail(evaluation,
                           "The resource %s has no '%s'. Please see "
                           "https://aka.ms/arm-syntax-resources for usage details.",
                           who, name);
}

/* What stands before "/providers/..": the scope that is given, or that of the deployment.
 * Owned by the caller, or NULL after a failure. */
static char *find_base(struct evaluation *evaluation, const cJSON *given,
                       const struct template_resource *resource)
{
    const struct template_place *place = evaluation->template->place;
    const char *scope = cJSON_GetStringValue(cJSON_GetObjectItem(given, "scope"));
    const char *group = cJSON_GetStringValue(cJSON_GetObjectItem(given, "resourceGroup"));
    struct buffer base = {0};
    char *text;

    if (cJSON_GetObjectItem(given, "subscriptionId") != NULL ||
        (group != NULL && !text_equal_nocase(resource->type, NESTED)))
        return expression_fail(evaluation,
                               "The resource '%s' may not say 'subscriptionId', and "
                               "'resourceGroup' only as a nested deployment.",
                               resource->name);
    if (place->group != NULL)
        buffer_append_string(&base, json_string_at(place->group, "id"));
    else
        buffer_printf(&base, "/subscriptions/%s", place->subscription_id);
    if (group != NULL) {
        text = expression_evaluate_string(evaluation, group);
        buffer_clear(&base);
        buffer_printf(&base, "/subscriptions/%s/resourceGroups/%s",
                      place->subscription_id, text != NULL ? text : "");
        free(text);
    } else if (scope != NULL) {
        text = expression_evaluate_string(evaluation, scope);
        if (text != NULL && text[0] == '/')
            buffer_clear(&base);
        else
            buffer_append_string(&base, "/providers/");
        buffer_append_string(&base, text != NULL ? text : "");
        free(text);
    }
    return buffer_take(&base);
}

/* Puts type and name together. NULL after a failure. */
static char *format_id(struct evaluation *evaluation,
                       const struct template_resource *resource, const char *base)
{
    const char *type = strchr(resource->type, '/'), *name = resource->name;
    struct buffer id = {0};

    buffer_append_string(&id, base);
    if (text_equal_nocase(resource->type, "Microsoft.Resources/resourceGroups")) {
        buffer_printf(&id, "/resourceGroups/%s", name);
        return buffer_take(&id);
    }
    buffer_append_string(&id, "/providers/");
    buffer_append(&id, resource->type, strcspn(resource->type, "/"));
    while (type != NULL && *type == '/' && *name != '\0') {
        const size_t of_type = 1 + strcspn(type + 1, "/"), of_name = strcspn(name, "/");

        buffer_append(&id, type, of_type);
        buffer_append_char(&id, '/');
        buffer_append(&id, name, of_name);
        type += of_type;
        name += of_name + (name[of_name] == '/');
    }
    if (type != NULL && *type == '\0' && *name == '\0')
        return buffer_take(&id);
    buffer_deinit(&id);
    return expression_fail(evaluation,
                           "The template resource '%s' for type '%s' has incorrect "
                           "segment lengths. A nested resource type must have identical "
                           "number of segments as its resource name.",
                           resource->name, resource->type);
}

static bool read_condition(struct evaluation *evaluation, const cJSON *given)
{
    const cJSON *condition = cJSON_GetObjectItem(given, "condition");
    cJSON *value = condition != NULL ? expression_evaluate(evaluation, condition) : NULL;
    const bool is_met = condition == NULL || cJSON_IsTrue(value);

    if (value != NULL && !cJSON_IsBool(value))
        expression_fail(evaluation, "A resource's condition is neither true nor false.");
    cJSON_Delete(value);
    return is_met;
}

/* A nested deployment keeps its own template as it is. */
static cJSON *take_nested(struct evaluation *evaluation, const cJSON *given, cJSON *copy)
{
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(copy, "properties");
    const char *scope =
        json_string_at(given, "properties.expressionEvaluationOptions.scope");

    if (scope == NULL || !text_equal_nocase(scope, "inner"))
        return expression_fail(evaluation, "A nested deployment must have "
                                           "expressionEvaluationOptions.scope 'inner'.");
    return cJSON_DetachItemFromObjectCaseSensitive(properties, "template");
}

static cJSON *read_body(struct evaluation *evaluation, const cJSON *given,
                        const struct template_resource *resource)
{
    cJSON *copy = cJSON_Duplicate(given, true), *nested = NULL, *body;

    for (size_t i = 0; i < sizeof placing / sizeof placing[0]; i++)
        cJSON_DeleteItemFromObject(copy, placing[i]);
    if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(copy, "resources")) > 0)
        expression_fail(evaluation,
                        "The resource '%s' has resources inside, which is not known "
                        "here: put them beside it.",
                        resource->name);
    if (text_equal_nocase(resource->type, NESTED))
        nested = take_nested(evaluation, given, copy);
    body = expression_evaluate(evaluation, copy);
    if (nested != NULL && body != NULL)
        json_set_at(body, "properties.template", nested);
    else
        cJSON_Delete(nested);
    cJSON_Delete(copy);
    return body;
}

static void read_resource(struct evaluation *evaluation, const cJSON *given,
                          struct template_resource *resource)
{
    const char *who = given->string != NULL ? given->string : "in the template";
    char *base;

    if (cJSON_GetObjectItem(given, "copy") != NULL)
        expression_fail(evaluation, "Copy loops ('copy') are not known here.");
    resource->is_skipped = !read_condition(evaluation, given) ||
                           cJSON_IsTrue(cJSON_GetObjectItem(given, "existing"));
    resource->type = read_text(evaluation, given, "type", who);
    resource->name = read_text(evaluation, given, "name", who);
    resource->api_version = read_text(evaluation, given, "apiVersion", who);
    if (evaluation->wrong != NULL)
        return;
    base = find_base(evaluation, given, resource);
    if (base != NULL && evaluation->wrong == NULL)
        resource->id = format_id(evaluation, resource, base);
    free(base);
    if (resource->id != NULL && !resource->is_skipped)
        resource->body = read_body(evaluation, given, resource);
}

/* Which resource a dependsOn means: by id, symbolic name, name, or type with name. The
 * index, or the count when there is none. */
static size_t find_needed(const struct template *template, const cJSON *sources,
                          const char *text)
{
    const cJSON *source = sources->child;

    for (size_t i = 0; i < template->count; i++, source = source->next) {
        const struct template_resource *resource = &template->resources[i];
        const char *provider = strstr(resource->id, "/providers/");
        const size_t skipped = provider != NULL ? strlen("/providers/") : 0;

        if (text_equal_nocase(resource->id, text) ||
            text_equal_nocase(resource->name, text) ||
            (source->string != NULL && strcmp(source->string, text) == 0) ||
            (provider != NULL && text_equal_nocase(provider + skipped, text)))
            return i;
    }
    return template->count;
}

static void read_needs(struct evaluation *evaluation, const cJSON *sources,
                       const cJSON *given, struct template_resource *resource)
{
    const struct template *template = evaluation->template;
    const cJSON *list = cJSON_GetObjectItem(given, "dependsOn"), *one;

    resource->needs =
        memory_new(((size_t)cJSON_GetArraySize(list) + 1) * sizeof *resource->needs);
    cJSON_ArrayForEach (one, list) {
        char *text = expression_evaluate_string(
            evaluation, cJSON_IsString(one) ? one->valuestring : "");
        const size_t index = text != NULL ? find_needed(template, sources, text) : 0;

        if (text != NULL && index == template->count)
            expression_fail(
                evaluation,
                "The resource '%s' is not defined in the template. Please see "
                "https://aka.ms/arm-syntax for usage details.",
                text);
        free(text);
        if (evaluation->wrong != NULL)
            return;
        resource->needs[resource->need_count++] = index;
    }
}

/* Takes away, round by round, what needs nothing that is left; a circle stays. */
static void check_circles(struct evaluation *evaluation)
{
    const struct template *template = evaluation->template;
    bool *is_gone = memory_new((template->count + 1) * sizeof *is_gone);
    size_t left = template->count, before;

    do {
        before = left;
        for (size_t i = 0; i < template->count; i++) {
            const struct template_resource *resource = &template->resources[i];
            size_t met = 0;

            while (met < resource->need_count && is_gone[resource->needs[met]])
                met++;
            if (!is_gone[i] && met == resource->need_count) {
                is_gone[i] = true;
                left--;
            }
        }
    } while (left > 0 && left < before);
    for (size_t i = 0; left > 0 && i < template->count; i++) {
        if (!is_gone[i])
            expression_fail(evaluation,
                            "Circular dependency detected on resource: '%s'. Please see "
                            "https://aka.ms/arm-syntax-resources for usage details.",
                            template->resources[i].id);
    }
    free(is_gone);
}

static void check_twice(struct evaluation *evaluation)
{
    struct template *template = evaluation->template;
    struct map ids = {0};

    for (size_t i = 0; i < template->count; i++) {
        struct template_resource *resource = &template->resources[i];
        char *key = text_lower(memory_copy_string(resource->id));

        if (!resource->is_skipped && map_set(&ids, key, resource) != NULL)
            expression_fail(evaluation,
                            "The resource '%s' is defined multiple times in a template. "
                            "Please see https://aka.ms/arm-syntax-resources for usage "
                            "details.",
                            resource->id);
        free(key);
    }
    map_deinit(&ids, NULL);
}

static void read_resources(struct evaluation *evaluation)
{
    struct template *template = evaluation->template;
    const cJSON *sources =
        cJSON_GetObjectItemCaseSensitive(template->source, "resources");
    const size_t count = (size_t)cJSON_GetArraySize(sources);
    const cJSON *source;
    size_t index = 0;

    if (!cJSON_IsArray(sources) && !cJSON_IsObject(sources)) {
        expression_fail(evaluation, "The template has no 'resources'.");
        return;
    }
    if (count > TEMPLATE_RESOURCE_LIMIT) {
        expression_fail(evaluation,
                        "The number of template resources limit exceeded. Limit: '%d' "
                        "and actual: '%zu'.",
                        TEMPLATE_RESOURCE_LIMIT, count);
        return;
    }
    template->resources = memory_new((count + 1) * sizeof *template->resources);
    cJSON_ArrayForEach (source, sources) {
        if (evaluation->wrong == NULL)
            read_resource(evaluation, source, &template->resources[template->count++]);
    }
    cJSON_ArrayForEach (source, sources) {
        if (evaluation->wrong == NULL)
            read_needs(evaluation, sources, source, &template->resources[index++]);
    }
    if (evaluation->wrong == NULL)
        check_twice(evaluation);
    if (evaluation->wrong == NULL)
        check_circles(evaluation);
}

static void check_outer(struct evaluation *evaluation)
{
    static const char *const unknown[] = {"functions", "imports", "extensions"};
    const cJSON *source = evaluation->template->source;

    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(source, unknown[i])) > 0)
            expression_fail(evaluation, "'%s' of a template are not known here.",
                            unknown[i]);
    }
    if (!cJSON_IsObject(source))
        expression_fail(evaluation, "The template is no JSON object.");
}

char *template_open(struct template *template, const cJSON *source,
                    const cJSON *parameters, const struct template_place *place)
{
    struct evaluation evaluation = {.template = template};

    *template = (struct template){.source = source,
                                  .place = place,
                                  .values = cJSON_CreateObject(),
                                  .variables = cJSON_CreateObject(),
                                  .shown = cJSON_CreateObject()};
    check_outer(&evaluation);
    if (evaluation.wrong == NULL && expression_check_names(&evaluation, source))
        read_parameters(&evaluation, parameters);
    if (evaluation.wrong == NULL)
        read_resources(&evaluation);
    return evaluation.wrong;
}

void template_close(struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        struct template_resource *resource = &template->resources[i];

        free(resource->id);
        free(resource->type);
        free(resource->name);
        free(resource->api_version);
        free(resource->needs);
        cJSON_Delete(resource->body);
    }
    free(template->resources);
    cJSON_Delete(template->values);
    cJSON_Delete(template->variables);
    cJSON_Delete(template->shown);
}

/* ---- outputs ---- */

static void add_output(struct evaluation *evaluation, const cJSON *declared,
                       cJSON *outputs)
{
    const struct parameter_type *type =
        find_parameter_type(cJSON_GetStringValue(cJSON_GetObjectItem(declared, "type")));
    const cJSON *source = cJSON_GetObjectItem(declared, "value");
    cJSON *value = source != NULL ? expression_evaluate(evaluation, source) : NULL;

    if (type == NULL || source == NULL)
        expression_fail(evaluation, "The template output '%s' has no type or value.",
                        declared->string);
    else if (value != NULL && find_value_type(value) != type->value)
        expression_fail(evaluation,
                        "The template output '%s' is not valid: the value is of type "
                        "'%s', not '%s'.",
                        declared->string, value_names[find_value_type(value)],
                        value_names[type->value]);
    if (evaluation->wrong == NULL) {
        cJSON *output = cJSON_AddObjectToObject(outputs, declared->string);

        cJSON_AddStringToObject(output, "type", type->shown);
        if (!type->is_secure)
            cJSON_AddItemToObject(output, "value", cJSON_Duplicate(value, true));
    }
    cJSON_Delete(value);
}

cJSON *template_evaluate_outputs(struct template *template, template_refer *refer,
                                 void *context, char **wrong)
{
    struct evaluation evaluation = {
        .template = template, .refer = refer, .context = context};
    cJSON *outputs = cJSON_CreateObject();
    const cJSON *declared;

    cJSON_ArrayForEach (declared,
                        cJSON_GetObjectItemCaseSensitive(template->source, "outputs")) {
        if (evaluation.wrong == NULL && read_condition(&evaluation, declared))
            add_output(&evaluation, declared, outputs);
    }
    if (evaluation.wrong == NULL)
        return outputs;
    *wrong = evaluation.wrong;
    cJSON_Delete(outputs);
    return NULL;
}
