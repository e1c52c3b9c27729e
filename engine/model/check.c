/* engine/model/check.c - what is wrong with a name or a value, by the row that it belongs to.
 *
 * Messages name the property with its way from the outside in ("rules[2].name"), what it is
 * and what is allowed. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"

/* Who reads the message: scripts say "display_name", the service "displayName". */
enum spelling { SCRIPT, SERVICE };

static char *check_value(const struct field *field, const char *name, const cJSON *value,
                         enum spelling spelling);

/* Characters, not bytes, of UTF-8 text. */
static int count_characters(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

char *kind_check_name(const struct kind *kind, const char *name)
{
    const int length = count_characters(name);

    if (kind->only_name != NULL)
        return text_equal_nocase(name, kind->only_name)
                   ? NULL
                   : memory_format("%s name '%.100s' is not '%s', the only one",
                                   kind->name, name, kind->only_name);
    if (length < kind->name_min || length > kind->name_max)
        return memory_format("%s name '%.100s' has %d characters, allowed are %d to %d",
                             kind->name, name, length, kind->name_min, kind->name_max);
    for (const char *c = name; *c != '\0'; c++) {
        /* The specifications do not exclude these, but an id could not be told apart. */
        if (*c == '/' || (unsigned char)*c < 0x20)
            return memory_format("%s name '%s' may not contain '/' or control characters",
                                 kind->name, name);
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return memory_format("%s name '%s' would be taken for a folder", kind->name,
                             name);
    if (kind->name_pattern != NULL && !text_matches(name, kind->name_pattern))
        return memory_format("%s name '%s' does not match %s", kind->name, name,
                             kind->name_pattern);
    return NULL;
}

static bool is_secret(const struct field *field)
{
    return (field->flags & FIELD_SECRET) != 0;
}

static char *check_string(const struct field *field, const char *name, const char *text)
{
    const int length = count_characters(text);

    if (length < field->min)
        return memory_format("%s has %d characters, at least %d are needed", name, length,
                             field->min);
    if (field->max > 0 && length > field->max)
        return memory_format("%s has %d characters, at most %d are allowed", name, length,
                             field->max);
    if (field->pattern != NULL && !text_matches(text, field->pattern))
        return is_secret(field)
                   ? memory_format("%s does not match %s", name, field->pattern)
                   : memory_format("%s '%s' does not match %s", name, text,
                                   field->pattern);
    return NULL;
}

static char *check_choice(const struct field *field, const char *name, const char *text,
                          enum spelling spelling)
{
    if (field->choices_are_open || choice_by_json(field, text) != NULL)
        return NULL;

    struct buffer message = {0};

    buffer_printf(&message, "%s '%s' is not one of", name, text);
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++)
        buffer_printf(&message, "%s %s", choice == field->choices ? "" : ",",
                      spelling == SCRIPT ? choice->name : choice->json);
    return buffer_take(&message);
}

static char *check_number(const struct field *field, const char *name, const cJSON *value)
{
    const double number = value->valuedouble;

    if (field->type == FIELD_INTEGER && number != (double)(long long)number)
        return memory_format("%s %g is not a whole number", name, number);
    if (number < field->min || (field->max > 0 && number > field->max))
        return memory_format("%s %.15g is outside %d to %d", name, number, field->min,
                             field->max);
    return NULL;
}

static char *check_size(const struct field *field, const char *name, const cJSON *list)
{
    const int count = cJSON_GetArraySize(list);

    if (count < field->min)
        return memory_format("%s has %d elements, at least %d are needed", name, count,
                             field->min);
    if (field->max > 0 && count > field->max)
        return memory_format("%s has %d elements, at most %d are allowed", name, count,
                             field->max);
    return NULL;
}

static char *check_members(const struct field *items, const char *name,
                           const cJSON *object, enum spelling spelling)
{
    char *wrong = NULL;

    for (const struct field *item = items; item->name != NULL && wrong == NULL; item++) {
        const cJSON *value = json_at(object, item->path);
        const char *own = spelling == SCRIPT ? item->name : item->path;
        char *path = memory_format("%s.%s", name, own);

        if (value != NULL && !cJSON_IsNull(value))
            wrong = check_value(item, path, value, spelling);
        else if ((item->flags & FIELD_REQUIRED) != 0)
            wrong = memory_format("%s is required", path);
        free(path);
    }
    return wrong;
}

/* One of a list of strings: its limits are the field's `item_max` and choices. */
static char *check_text_element(const struct field *field, const char *name,
                                const cJSON *element, enum spelling spelling)
{
    const struct field one = {.max = field->item_max, .pattern = field->pattern};

    if (!cJSON_IsString(element))
        return memory_format("%s must be a string", name);
    if (field->choices != NULL) {
        const struct field choice = {.choices = field->choices,
                                     .choices_are_open = field->choices_are_open};

        return check_choice(&choice, name, element->valuestring, spelling);
    }
    return check_string(&one, name, element->valuestring);
}

static char *check_element(const struct field *field, const char *name,
                           const cJSON *element, enum spelling spelling)
{
    switch (field->type) {
    case FIELD_STRINGS:
        return check_text_element(field, name, element, spelling);
    case FIELD_IDS:
        return json_string_at(element, "id") != NULL
                   ? NULL
                   : memory_format("%s must be an object with an id", name);
    default:
        return cJSON_IsObject(element)
                   ? check_members(field->items, name, element, spelling)
                   : memory_format("%s must be an object", name);
    }
}

static char *check_list(const struct field *field, const char *name, const cJSON *value,
                        enum spelling spelling)
{
    char *wrong = check_size(field, name, value);
    const cJSON *element;
    int number = 0;

    cJSON_ArrayForEach (element, value) {
        char *path;

        if (wrong != NULL)
            break;
        path = memory_format("%s[%d]", name, ++number);
        wrong = check_element(field, path, element, spelling);
        free(path);
    }
    return wrong;
}

static char *check_map(const struct field *field, const char *name, const cJSON *map,
                       enum spelling spelling)
{
    struct field value = *field;
    const cJSON *member;
    char *wrong = NULL;

    value.type = field->values;
    value.min = value.max = 0;
    cJSON_ArrayForEach (member, map) {
        char *path = memory_format("%s['%s']", name, member->string);

        wrong = check_value(&value, path, member, spelling);
        free(path);
        if (wrong != NULL)
            break;
    }
    return wrong;
}

static bool are_strings(const cJSON *map)
{
    const cJSON *member = map->child;

    while (member != NULL && cJSON_IsString(member))
        member = member->next;
    return member == NULL;
}

static char *check_text(const struct field *field, const char *name, const char *text,
                        enum spelling spelling)
{
    int64_t duration_ms;

    switch (field->type) {
    case FIELD_CHOICE:
        return check_choice(field, name, text, spelling);
    case FIELD_ID:
        return text[0] == '/' ? NULL
                              : memory_format("%s '%s' is not a resource id", name, text);
    case FIELD_DURATION:
        return duration_parse_iso(text, &duration_ms) == 0
                   ? NULL
                   : memory_format("%s '%s' is not a duration of ISO 8601", name, text);
    case FIELD_TIME:
        return NULL;
    default:
        return check_string(field, name, text);
    }
}

/* What the type asks of the value: NULL when it is of it. */
static const char *expected_of(enum field_type type, const cJSON *value)
{
    switch (type) {
    case FIELD_STRING:
    case FIELD_CHOICE:
        return cJSON_IsString(value) ? NULL : "a string";
    case FIELD_ID:
        return cJSON_IsString(value) ? NULL : "a resource id";
    case FIELD_LOCATION:
        return cJSON_IsString(value) ? NULL : "a region";
    case FIELD_TIME:
        return cJSON_IsString(value) ? NULL : "a time as text";
    case FIELD_DURATION:
        return cJSON_IsString(value) ? NULL : "a duration as text";
    case FIELD_INTEGER:
    case FIELD_NUMBER:
        return cJSON_IsNumber(value) ? NULL : "a number";
    case FIELD_BOOLEAN:
        return cJSON_IsBool(value) ? NULL : "true or false";
    case FIELD_STRINGS:
    case FIELD_IDS:
    case FIELD_LIST:
        return cJSON_IsArray(value) ? NULL : "a list";
    case FIELD_TAGS:
        return cJSON_IsObject(value) && are_strings(value) ? NULL : "a map of strings";
    case FIELD_OBJECT:
        return cJSON_IsObject(value) ? NULL : "an object";
    case FIELD_MAP:
        return cJSON_IsObject(value) ? NULL : "a map";
    case FIELD_ANY:
        break;
    }
    return NULL;
}

static char *check_value(const struct field *field, const char *name, const cJSON *value,
                         enum spelling spelling)
{
    const char *expected = expected_of(field->type, value);

    if (expected != NULL)
        return memory_format("%s must be %s", name, expected);
    switch (field->type) {
    case FIELD_INTEGER:
    case FIELD_NUMBER:
        return check_number(field, name, value);
    case FIELD_STRINGS:
    case FIELD_IDS:
    case FIELD_LIST:
        return check_list(field, name, value, spelling);
    case FIELD_OBJECT:
        return check_members(field->items, name, value, spelling);
    case FIELD_MAP:
        return check_map(field, name, value, spelling);
    case FIELD_BOOLEAN:
    case FIELD_TAGS:
    case FIELD_ANY:
        return NULL;
    default:
        return check_text(field, name, value->valuestring, spelling);
    }
}

char *field_check_value(const struct field *field, const char *name, const cJSON *value)
{
    return check_value(field, name, value, SCRIPT);
}

char *field_check_property(const struct field *field, const char *name,
                           const cJSON *value)
{
    return check_value(field, name, value, SERVICE);
}
