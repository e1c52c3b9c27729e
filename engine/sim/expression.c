/* engine/sim/expression.c - the expressions of deployment templates. */
#include "sim/expression.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"

enum { ARGUMENT_LIMIT = 64, DEEPEST = 64 };

/* One expression on its way. */
struct reader {
    struct evaluation *evaluation;
    const char *text, *at;
};

void *expression_fail(struct evaluation *evaluation, const char *format, ...)
{
    va_list arguments, again;

    if (evaluation->wrong != NULL)
        return NULL;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    evaluation->wrong = memory_new((size_t)length + 1);
    vsnprintf(evaluation->wrong, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return NULL;
}

/* ---- functions ---- */

typedef cJSON *function_call(struct evaluation *evaluation, cJSON *const *arguments,
                             size_t count);

static cJSON *take_string(char *text)
{
    cJSON *string = cJSON_CreateString(text);

    free(text);
    return string;
}

/* The argument as text, or NULL after a failure. Borrowed. */
static const char *string_argument(struct evaluation *evaluation, const char *function,
                                   cJSON *const *arguments, size_t index)
{
    const char *text = cJSON_GetStringValue(arguments[index]);

    if (text == NULL)
        expression_fail(evaluation,
                        "The template language function '%s' expects a string as its "
                        "argument %zu.",
                        function, index + 1);
    return text;
}

static void append_plain(struct buffer *to, const cJSON *value)
{
    if (cJSON_IsString(value)) {
        buffer_append_string(to, value->valuestring);
    } else if (cJSON_IsBool(value)) {
        buffer_append_string(to, cJSON_IsTrue(value) ? "True" : "False");
    } else {
        char *text = json_print(value);

        buffer_append_string(to, text);
        free(text);
    }
}

static cJSON *call_parameters(struct evaluation *evaluation, cJSON *const *arguments,
                              size_t count)
{
    const char *name = string_argument(evaluation, "parameters", arguments, 0);
    const cJSON *value =
        name != NULL ? cJSON_GetObjectItem(evaluation->template->values, name) : NULL;

    (void)count;
    if (value != NULL)
        return cJSON_Duplicate(value, true);
    return expression_fail(evaluation, "The template parameter '%s' is not found.", name);
}

/* Variables are evaluated when they are asked for first. */
static cJSON *call_variables(struct evaluation *evaluation, cJSON *const *arguments,
                             size_t count)
{
    const char *name = string_argument(evaluation, "variables", arguments, 0);
    struct template *template = evaluation->template;
    const cJSON *source, *known;

    (void)count;
    if (name == NULL)
        return NULL;
    if ((known = cJSON_GetObjectItem(template->variables, name)) != NULL)
        return cJSON_Duplicate(known, true);
    source = cJSON_GetObjectItem(
        cJSON_GetObjectItemCaseSensitive(template->source, "variables"), name);
    if (source == NULL)
        return expression_fail(evaluation, "The template variable '%s' is not found.",
                               name);

    cJSON *value = expression_evaluate(evaluation, source);

    if (value != NULL)
        cJSON_AddItemToObject(template->variables, name, cJSON_Duplicate(value, true));
    return value;
}

static cJSON *call_concat(struct evaluation *evaluation, cJSON *const *arguments,
                          size_t count)
{
    const bool is_array = cJSON_IsArray(arguments[0]);
    cJSON *array = is_array ? cJSON_CreateArray() : NULL;
    struct buffer text = {0};
    const cJSON *element;

    for (size_t i = 0; i < count; i++) {
        if (cJSON_IsArray(arguments[i]) != is_array || cJSON_IsObject(arguments[i])) {
            cJSON_Delete(array);
            buffer_deinit(&text);
            return expression_fail(evaluation,
                                   "The template language function 'concat' expects "
                                   "either arrays or plain values.");
        }
        if (!is_array)
            append_plain(&text, arguments[i]);
        else
            cJSON_ArrayForEach (element, arguments[i])
                cJSON_AddItemToArray(array, cJSON_Duplicate(element, true));
    }
    return is_array ? array : take_string(buffer_take(&text));
}

/* "{0}" stands for the first argument behind the format, "{{" for a brace. */
static cJSON *call_format(struct evaluation *evaluation, cJSON *const *arguments,
                          size_t count)
{
    const char *at = string_argument(evaluation, "format", arguments, 0);
    struct buffer text = {0};

    while (at != NULL && *at != '\0') {
        char *end;

        if ((*at == '{' || *at == '}') && at[1] == *at) {
            buffer_append_char(&text, *at);
            at += 2;
        } else if (*at != '{') {
            buffer_append_char(&text, *at++);
        } else {
            const unsigned long index = strtoul(at + 1, &end, 10);

            if (end == at + 1 || *end != '}' || index + 1 >= count) {
                buffer_deinit(&text);
                return expression_fail(evaluation, "The format '%s' is not valid.",
                                       arguments[0]->valuestring);
            }
            append_plain(&text, arguments[index + 1]);
            at = end + 1;
        }
    }
    return at != NULL ? take_string(buffer_take(&text)) : NULL;
}

/* Appends "/providers/Ns/type/name/.." for arguments `first` (the type) and those behind.
 */
static bool append_resource(struct evaluation *evaluation, const char *function,
                            struct buffer *id, cJSON *const *arguments, size_t first,
                            size_t count)
{
    char *type = memory_copy_string(arguments[first]->valuestring), *at = type;
    size_t next = first + 1;

    at += strcspn(at, "/");
    buffer_append_string(id, "/providers/");
    buffer_append(id, type, (size_t)(at - type));
    while (*at == '/' && next < count && cJSON_IsString(arguments[next])) {
        const size_t length = strcspn(at + 1, "/");

        buffer_append(id, at, length + 1);
        buffer_printf(id, "/%s", arguments[next++]->valuestring);
        at += length + 1;
    }

    const bool is_whole = *at == '\0' && next == count;

    if (!is_whole)
        expression_fail(evaluation,
                        "The template language function '%s' got a type '%s' whose "
                        "segments are not as many as the names that follow.",
                        function, type);
    free(type);
    return is_whole;
}

/* The first argument that holds a slash is the type. Returns `count` when none does. */
static size_t find_type(cJSON *const *arguments, size_t count)
{
    size_t first = 0;

    while (first < count && (!cJSON_IsString(arguments[first]) ||
                             strchr(arguments[first]->valuestring, '/') == NULL))
        first++;
    return first;
}

/* resourceId([subscription], [group], type, name, ..) and subscriptionResourceId(). */
static cJSON *format_resource(struct evaluation *evaluation, const char *function,
                              cJSON *const *arguments, size_t count, bool has_group)
{
    const struct template_place *place = evaluation->template->place;
    const char *group = has_group ? json_string_at(place->group, "name") : NULL;
    const char *subscription = place->subscription_id;
    const size_t first = find_type(arguments, count);
    struct buffer id = {0};

    for (size_t i = 0; i < first && i < count; i++) {
        if (!cJSON_IsString(arguments[i]))
            return expression_fail(evaluation, "The function '%s' expects strings.",
                                   function);
    }
    if (first == count || first > (has_group ? 2u : 1u))
        return expression_fail(
            evaluation, "The template language function '%s' got no resource type.",
            function);
    if (has_group && first > 0)
        group = arguments[first - 1]->valuestring;
    if (first == 2 || (!has_group && first == 1))
        subscription = arguments[0]->valuestring;
    buffer_printf(&id, "/subscriptions/%s", subscription);
    if (!has_group && count == first + 2 && cJSON_IsString(arguments[first + 1]) &&
        text_equal_nocase(arguments[first]->valuestring,
                          "Microsoft.Resources/resourceGroups")) {
        /* groups have ids of their own form (assumed that the function knows) */
        buffer_printf(&id, "/resourceGroups/%s", arguments[first + 1]->valuestring);
        return take_string(buffer_take(&id));
    }
    if (group != NULL)
        buffer_printf(&id, "/resourceGroups/%s", group);
    if (append_resource(evaluation, function, &id, arguments, first, count))
        return take_string(buffer_take(&id));
    buffer_deinit(&id);
    return NULL;
}

static cJSON *call_resource_id(struct evaluation *evaluation, cJSON *const *arguments,
                               size_t count)
{
    return format_resource(evaluation, "resourceId", arguments, count, true);
}

static cJSON *call_subscription_resource_id(struct evaluation *evaluation,
                                            cJSON *const *arguments, size_t count)
{
    return format_resource(evaluation, "subscriptionResourceId", arguments, count, false);
}

static cJSON *call_extension_resource_id(struct evaluation *evaluation,
                                         cJSON *const *arguments, size_t count)
{
    const char *scope = string_argument(evaluation, "extensionResourceId", arguments, 0);
    struct buffer id = {0};

    if (scope == NULL ||
        string_argument(evaluation, "extensionResourceId", arguments, 1) == NULL)
        return NULL;
    buffer_append_string(&id, scope);
    if (append_resource(evaluation, "extensionResourceId", &id, arguments, 1, count))
        return take_string(buffer_take(&id));
    buffer_deinit(&id);
    return NULL;
}

static cJSON *call_resource_group(struct evaluation *evaluation, cJSON *const *arguments,
                                  size_t count)
{
    const cJSON *group = evaluation->template->place->group;

    (void)arguments, (void)count;
    if (group != NULL)
        return cJSON_Duplicate(group, true);
    return expression_fail(evaluation, "The template function 'resourceGroup' is not "
                                       "expected at a subscription.");
}

static cJSON *call_subscription(struct evaluation *evaluation, cJSON *const *arguments,
                                size_t count)
{
    const struct template_place *place = evaluation->template->place;
    cJSON *object = cJSON_CreateObject();
    char *id = memory_format("/subscriptions/%s", place->subscription_id);

    (void)arguments, (void)count;
    cJSON_AddStringToObject(object, "id", id);
    cJSON_AddStringToObject(object, "subscriptionId", place->subscription_id);
    cJSON_AddStringToObject(object, "tenantId", place->tenant_id);
    free(id);
    return object;
}

static cJSON *call_deployment(struct evaluation *evaluation, cJSON *const *arguments,
                              size_t count)
{
    cJSON *object = cJSON_CreateObject();

    (void)arguments, (void)count;
    cJSON_AddStringToObject(object, "name", evaluation->template->place->deployment);
    return object;
}

/* A UUID that stands for the arguments. */
static void hash(cJSON *const *arguments, size_t count, char uuid[UUID_TEXT_SIZE])
{
    struct buffer text = {0};

    for (size_t i = 0; i < count; i++) {
        append_plain(&text, arguments[i]);
        buffer_append_char(&text, '-');
    }
    uuid_from_name(text.data, uuid);
    buffer_deinit(&text);
}

/* Thirteen letters and digits. */
static cJSON *call_unique_string(struct evaluation *evaluation, cJSON *const *arguments,
                                 size_t count)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    char uuid[UUID_TEXT_SIZE], text[14] = "";
    size_t length = 0;

    (void)evaluation;
    hash(arguments, count, uuid);
    for (const char *c = uuid; length < sizeof text - 1; c++) {
        if (*c != '-') {
            const unsigned low = (unsigned)(*c <= '9' ? *c - '0' : *c - 'a' + 10);
            const unsigned high = (unsigned char)c[1] & 1u;

            text[length++] = digits[low | high << 4];
        }
    }
    return cJSON_CreateString(text);
}

static cJSON *call_guid(struct evaluation *evaluation, cJSON *const *arguments,
                        size_t count)
{
    char uuid[UUID_TEXT_SIZE];

    (void)evaluation;
    hash(arguments, count, uuid);
    return cJSON_CreateString(uuid);
}

static cJSON *call_to_lower(struct evaluation *evaluation, cJSON *const *arguments,
                            size_t count)
{
    const char *text = string_argument(evaluation, "toLower", arguments, 0);

    (void)count;
    return text != NULL ? take_string(text_lower(memory_copy_string(text))) : NULL;
}

static cJSON *call_to_upper(struct evaluation *evaluation, cJSON *const *arguments,
                            size_t count)
{
    const char *given = string_argument(evaluation, "toUpper", arguments, 0);
    char *text = memory_copy_string(given);

    (void)count;
    for (char *c = text; c != NULL && *c != '\0'; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    return text != NULL ? take_string(text) : NULL;
}

static cJSON *call_true(struct evaluation *evaluation, cJSON *const *arguments,
                        size_t count)
{
    (void)evaluation, (void)arguments, (void)count;
    return cJSON_CreateTrue();
}

static cJSON *call_false(struct evaluation *evaluation, cJSON *const *arguments,
                         size_t count)
{
    (void)evaluation, (void)arguments, (void)count;
    return cJSON_CreateFalse();
}

/* The id of the resource of the template that an argument means: by id, symbolic or plain
 * name. Borrowed; the text itself when it is none of them. */
static const char *find_referred(const struct template *template, const char *text)
{
    const cJSON *resources =
        cJSON_GetObjectItemCaseSensitive(template->source, "resources");
    const cJSON *resource;
    size_t index = 0;

    cJSON_ArrayForEach (resource, resources) {
        if (index < template->count &&
            ((resource->string != NULL && strcmp(resource->string, text) == 0) ||
             text_equal_nocase(template->resources[index].name, text)))
            return template->resources[index].id;
        index++;
    }
    return text;
}

/* reference(id or name, [version], ['Full']): the properties, or the whole resource. */
static cJSON *call_reference(struct evaluation *evaluation, cJSON *const *arguments,
                             size_t count)
{
    const char *text = string_argument(evaluation, "reference", arguments, 0);
    const bool is_full = count == 3 && cJSON_IsString(arguments[2]) &&
                         text_equal_nocase(arguments[2]->valuestring, "Full");

    if (text == NULL)
        return NULL;
    if (evaluation->refer == NULL)
        return expression_fail(
            evaluation, "The template function 'reference' is known in outputs only.");

    const char *id = find_referred(evaluation->template, text);
    cJSON *body = evaluation->refer(evaluation->context, id);

    if (body == NULL)
        return expression_fail(evaluation, "The resource '%s' was not found.", id);
    if (is_full)
        return body;

    cJSON *properties = cJSON_DetachItemFromObjectCaseSensitive(body, "properties");

    cJSON_Delete(body);
    return properties != NULL ? properties : cJSON_CreateObject();
}

static const struct function {
    const char *name;
    size_t least, most; /* arguments */
    function_call *call;
} functions[] = {
    {"parameters", 1, 1, call_parameters},
    {"variables", 1, 1, call_variables},
    {"concat", 1, ARGUMENT_LIMIT, call_concat},
    {"format", 1, ARGUMENT_LIMIT, call_format},
    {"resourceId", 2, ARGUMENT_LIMIT, call_resource_id},
    {"subscriptionResourceId", 2, ARGUMENT_LIMIT, call_subscription_resource_id},
    {"extensionResourceId", 3, ARGUMENT_LIMIT, call_extension_resource_id},
    {"resourceGroup", 0, 0, call_resource_group},
    {"subscription", 0, 0, call_subscription},
    {"deployment", 0, 0, call_deployment},
    {"uniqueString", 1, ARGUMENT_LIMIT, call_unique_string},
    {"guid", 1, ARGUMENT_LIMIT, call_guid},
    {"toLower", 1, 1, call_to_lower},
    {"toUpper", 1, 1, call_to_upper},
    {"true", 0, 0, call_true},
    {"false", 0, 0, call_false},
    {"reference", 1, 3, call_reference},
};

enum { FUNCTION_COUNT = sizeof functions / sizeof functions[0] };

static const struct function *find_function(const char *name, size_t length)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        if (strlen(functions[i].name) == length &&
            text_has_prefix_nocase(name, functions[i].name))
            return &functions[i];
    }
    return NULL;
}

static void fail_unknown(struct evaluation *evaluation, const char *name, size_t length,
                         const char *text)
{
    struct buffer known = {0};

    for (size_t i = 0; i < FUNCTION_COUNT; i++)
        buffer_printf(&known, "%s%s", i > 0 ? ", " : "", functions[i].name);
    expression_fail(evaluation,
                    "The template function '%.*s' in the expression '%s' is not known "
                    "here. Known are: %s.",
                    (int)length, name, text, known.data);
    buffer_deinit(&known);
}

/* ---- the language ---- */

static void *fail_syntax(struct reader *reader)
{
    return expression_fail(reader->evaluation,
                           "The language expression '%s' is not valid at position %zu.",
                           reader->text, (size_t)(reader->at - reader->text));
}

static bool accept(struct reader *reader, char c)
{
    while (isspace((unsigned char)*reader->at))
        reader->at++;
    if (*reader->at != c)
        return false;
    reader->at++;
    return true;
}

/* Behind the opening quote; a doubled quote stands for itself. */
static cJSON *read_string(struct reader *reader)
{
    struct buffer text = {0};

    for (; *reader->at != '\0'; reader->at++) {
        if (*reader->at == '\'' && *++reader->at != '\'')
            return take_string(buffer_take(&text));
        buffer_append_char(&text, *reader->at);
    }
    buffer_deinit(&text);
    return fail_syntax(reader);
}

static cJSON *read_value(struct reader *reader);

static size_t name_length(const char *text)
{
    size_t length = 0;

    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

static cJSON *read_arguments(struct reader *reader, const struct function *function)
{
    cJSON *arguments[ARGUMENT_LIMIT], *value = NULL;
    size_t count = 0;
    bool is_good = true;

    if (!accept(reader, ')')) {
        do {
            is_good =
                count < ARGUMENT_LIMIT && (arguments[count] = read_value(reader)) != NULL;
            count += is_good;
        } while (is_good && accept(reader, ','));
        if (is_good && !accept(reader, ')'))
            is_good = fail_syntax(reader) != NULL;
    }
    if (is_good && (count < function->least || count > function->most))
        expression_fail(reader->evaluation,
                        "The template function '%s' in the expression '%s' got %zu "
                        "arguments.",
                        function->name, reader->text, count);
    else if (is_good)
        value = function->call(reader->evaluation, arguments, count);
    else
        fail_syntax(reader); /* unless the reason is known already */
    while (count > 0)
        cJSON_Delete(arguments[--count]);
    return value;
}

static cJSON *read_call(struct reader *reader)
{
    const char *name = reader->at;
    const size_t length = name_length(name);
    const struct function *function = find_function(name, length);

    if (length == 0)
        return fail_syntax(reader);
    reader->at += length;
    if (!accept(reader, '('))
        return fail_syntax(reader);
    if (function == NULL) {
        fail_unknown(reader->evaluation, name, length, reader->text);
        return NULL;
    }
    return read_arguments(reader, function);
}

/* Takes one member out of `value`, which is freed. */
static cJSON *select_member(struct reader *reader, cJSON *value, const char *name)
{
    cJSON *member =
        cJSON_IsObject(value) ? cJSON_DetachItemFromObject(value, name) : NULL;

    cJSON_Delete(value);
    if (member == NULL)
        expression_fail(reader->evaluation,
                        "The language expression property '%s' in '%s' doesn't exist.",
                        name, reader->text);
    return member;
}

static cJSON *select_element(struct reader *reader, cJSON *value)
{
    cJSON *index = read_value(reader), *found = NULL;

    if (index == NULL || !accept(reader, ']'))
        fail_syntax(reader);
    else if (cJSON_IsString(index))
        found = select_member(reader, cJSON_Duplicate(value, true), index->valuestring);
    else if (cJSON_IsNumber(index) && cJSON_IsArray(value))
        found = cJSON_DetachItemFromArray(value, index->valueint);
    if (found == NULL)
        expression_fail(reader->evaluation,
                        "The index in the language expression '%s' is not valid.",
                        reader->text);
    cJSON_Delete(index);
    cJSON_Delete(value);
    return found;
}

static cJSON *read_members(struct reader *reader, cJSON *value)
{
    while (value != NULL) {
        if (accept(reader, '.')) {
            const size_t length = name_length(reader->at);
            char *name = memory_copy_text(reader->at, length);

            reader->at += length;
            value = select_member(reader, value, name);
            free(name);
        } else if (accept(reader, '[')) {
            value = select_element(reader, value);
        } else {
            break;
        }
    }
    return value;
}

static cJSON *read_number(struct reader *reader)
{
    char *end;
    const long long number = strtoll(reader->at, &end, 10);

    if (end == reader->at)
        return fail_syntax(reader);
    reader->at = end;
    return cJSON_CreateNumber((double)number);
}

static cJSON *read_value(struct reader *reader)
{
    cJSON *value;

    if (++reader->evaluation->depth > DEEPEST)
        return expression_fail(reader->evaluation,
                               "The expression '%s' is nested too deeply, or variables "
                               "ask for each other.",
                               reader->text);
    if (accept(reader, '\''))
        value = read_string(reader);
    else if (isdigit((unsigned char)*reader->at) || *reader->at == '-')
        value = read_number(reader);
    else
        value = read_members(reader, read_call(reader));
    reader->evaluation->depth--;
    return value;
}

static bool is_expression(const char *text)
{
    const size_t length = strlen(text);

    return length >= 2 && text[0] == '[' && text[1] != '[' && text[length - 1] == ']';
}

static cJSON *evaluate_text(struct evaluation *evaluation, const char *text)
{
    if (!is_expression(text))
        return cJSON_CreateString(text[0] == '[' && text[1] == '[' ? text + 1 : text);

    char *inner = memory_copy_text(text + 1, strlen(text) - 2);
    struct reader reader = {.evaluation = evaluation, .text = inner, .at = inner};
    cJSON *value = read_value(&reader);

    accept(&reader, ' '); /* passes over spaces */
    if (value != NULL && *reader.at != '\0') {
        cJSON_Delete(value);
        value = fail_syntax(&reader);
    }
    free(inner);
    return value;
}

cJSON *expression_evaluate(struct evaluation *evaluation, const cJSON *tree)
{
    if (cJSON_IsString(tree))
        return evaluate_text(evaluation, tree->valuestring);
    if (!cJSON_IsObject(tree) && !cJSON_IsArray(tree))
        return cJSON_Duplicate(tree, true);

    cJSON *copy = cJSON_IsObject(tree) ? cJSON_CreateObject() : cJSON_CreateArray();
    const cJSON *member;

    if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(tree, "copy")))
        expression_fail(evaluation, "Copy loops ('copy') are not known here.");
    cJSON_ArrayForEach (member, tree) {
        cJSON *value =
            evaluation->wrong == NULL ? expression_evaluate(evaluation, member) : NULL;

        if (value != NULL && cJSON_IsObject(tree))
            cJSON_AddItemToObject(copy, member->string, value);
        else if (value != NULL)
            cJSON_AddItemToArray(copy, value);
    }
    if (evaluation->wrong == NULL)
        return copy;
    cJSON_Delete(copy);
    return NULL;
}

char *expression_evaluate_string(struct evaluation *evaluation, const char *text)
{
    cJSON *value = evaluate_text(evaluation, text);
    char *string = memory_copy_string(cJSON_GetStringValue(value));

    if (string == NULL)
        expression_fail(evaluation, "The expression '%s' is no string.", text);
    cJSON_Delete(value);
    return string;
}

/* Looks at each name that a parenthesis follows, outside quotes. */
static bool check_text(struct evaluation *evaluation, const char *text)
{
    bool is_quoted = false;

    for (const char *at = text; *at != '\0'; at++) {
        const size_t length = is_quoted ? 0 : name_length(at);

        if (*at == '\'')
            is_quoted = !is_quoted;
        if (length == 0)
            continue;
        if (at[length] == '(' && find_function(at, length) == NULL) {
            fail_unknown(evaluation, at, length, text);
            return false;
        }
        at += length - 1;
    }
    return true;
}

bool expression_check_names(struct evaluation *evaluation, const cJSON *tree)
{
    const cJSON *member;

    if (cJSON_IsString(tree) && is_expression(tree->valuestring))
        return check_text(evaluation, tree->valuestring);
    cJSON_ArrayForEach (member, tree) {
        if (!expression_check_names(evaluation, member))
            return false;
    }
    return true;
}
