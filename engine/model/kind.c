/* engine/model/kind.c - questions about the rows. */
#include "model/kind.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

const struct kind *const kinds[] = {&resource_group_kind,
                                    &service_kind,
                                    &workspace_kind,
                                    &workspace_link_kind,
                                    &gateway_kind,
                                    &config_connection_kind,
                                    &virtual_network_kind,
                                    &subnet_kind,
                                    &network_security_group_kind,
                                    &role_definition_kind,
                                    &role_assignment_kind,
                                    &deny_assignment_kind,
                                    &lock_kind,
                                    NULL};

const struct kind *kind_find(const char *name)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    }
    return NULL;
}

const struct kind *kind_find_member(const struct kind *parent, const char *member)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        if ((*kind)->parent == parent && (*kind)->member != NULL &&
            strcmp((*kind)->member, member) == 0)
            return *kind;
    }
    return NULL;
}

const struct field *field_find(const struct field *fields, const char *name)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

const struct choice *choice_by_name(const struct field *field, const char *name)
{
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, name) == 0)
            return choice;
    }
    return NULL;
}

const struct choice *choice_by_json(const struct field *field, const char *json)
{
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++) {
        if (text_equal_nocase(choice->json, json))
            return choice;
    }
    return NULL;
}

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
        return memory_format("%s '%s' does not match %s", name, text, field->pattern);
    return NULL;
}

static char *check_choice(const struct field *field, const char *name, const char *text)
{
    if (field->choices_are_open || choice_by_json(field, text) != NULL)
        return NULL;

    struct buffer message = {0};

    buffer_printf(&message, "%s '%s' is not one of", name, text);
    for (const struct choice *choice = field->choices; choice->name != NULL; choice++)
        buffer_printf(&message, "%s %s", choice == field->choices ? "" : ",",
                      choice->json);
    return buffer_take(&message);
}

static char *check_integer(const struct field *field, const char *name,
                           const cJSON *value)
{
    const double number = value->valuedouble;

    if (number != (double)(long long)number)
        return memory_format("%s %g is not a whole number", name, number);
    if (number < field->min || (field->max > 0 && number > field->max))
        return memory_format("%s %.0f is outside %d to %d", name, number, field->min,
                             field->max);
    return NULL;
}

static char *check_list(const struct field *field, const char *name, const cJSON *value)
{
    const cJSON *element;

    cJSON_ArrayForEach (element, value) {
        char *wrong = NULL;

        if (field->type == FIELD_STRINGS && !cJSON_IsString(element))
            return memory_format("%s must be a list of strings", name);
        if (field->type == FIELD_IDS &&
            !cJSON_IsString(cJSON_GetObjectItemCaseSensitive(element, "id")))
            return memory_format("%s must be a list of objects with an id", name);
        if (field->type == FIELD_LIST && !cJSON_IsObject(element))
            return memory_format("%s must be a list of objects", name);
        for (const struct field *item = field->items; item != NULL && item->name != NULL;
             item++) {
            const cJSON *part = element;
            char *path = memory_copy_string(item->path), *rest = path, *next;

            for (; part != NULL && rest != NULL; rest = next) {
                next = strchr(rest, '.');
                if (next != NULL)
                    *next++ = '\0';
                part = cJSON_GetObjectItemCaseSensitive(part, rest);
            }
            free(path);
            if (part == NULL && (item->flags & FIELD_REQUIRED) != 0)
                return memory_format("%s: %s is required", name, item->name);
            if (part != NULL &&
                (wrong = field_check_value(item, item->name, part)) != NULL) {
                char *message = memory_format("%s: %s", name, wrong);

                free(wrong);
                return message;
            }
        }
    }
    return NULL;
}

char *field_check_value(const struct field *field, const char *name, const cJSON *value)
{
    static const char *const expected[] = {[FIELD_STRING] = "a string",
                                           [FIELD_INTEGER] = "a number",
                                           [FIELD_BOOLEAN] = "true or false",
                                           [FIELD_CHOICE] = "a string",
                                           [FIELD_ID] = "a resource id",
                                           [FIELD_LOCATION] = "a region",
                                           [FIELD_TIME] = "a time as text",
                                           [FIELD_STRINGS] = "a list",
                                           [FIELD_IDS] = "a list",
                                           [FIELD_TAGS] = "a map of strings",
                                           [FIELD_LIST] = "a list"};
    const char *text = cJSON_GetStringValue(value);

    switch (field->type) {
    case FIELD_STRING:
    case FIELD_LOCATION:
        if (text != NULL)
            return check_string(field, name, text);
        break;
    case FIELD_CHOICE:
        if (text != NULL)
            return check_choice(field, name, text);
        break;
    case FIELD_ID:
        if (text != NULL)
            return text[0] == '/'
                       ? NULL
                       : memory_format("%s '%s' is not a resource id", name, text);
        break;
    case FIELD_TIME:
        if (text != NULL)
            return NULL;
        break;
    case FIELD_INTEGER:
        if (cJSON_IsNumber(value))
            return check_integer(field, name, value);
        break;
    case FIELD_BOOLEAN:
        if (cJSON_IsBool(value))
            return NULL;
        break;
    case FIELD_STRINGS:
    case FIELD_IDS:
    case FIELD_LIST:
        if (cJSON_IsArray(value))
            return check_list(field, name, value);
        break;
    case FIELD_TAGS:
        if (cJSON_IsObject(value)) {
            const cJSON *tag = value->child;

            while (tag != NULL && cJSON_IsString(tag))
                tag = tag->next;
            if (tag == NULL)
                return NULL;
        }
        break;
    default:
        return NULL;
    }
    return memory_format("%s must be %s", name, expected[field->type]);
}

bool kind_patches(const struct kind *kind)
{
    return (kind->operations & KIND_PATCH) != 0 && !kind->patches_tags_only;
}

bool kind_has_id(const struct kind *kind, const char *id)
{
    static const char providers[] = "/providers/";
    const char *provider = NULL, *wanted = kind->arm_type;
    size_t length;

    for (const char *at = id; (at = strstr(at, providers)) != NULL;)
        provider = at += strlen(providers);
    if (provider == NULL)
        return text_equal_nocase(wanted, "Microsoft.Resources/resourceGroups");
    length = strcspn(provider, "/");
    if (strncasecmp(provider, wanted, length) != 0)
        return false;
    wanted += length;
    for (const char *at = provider + length; *at != '\0';) { /* at "/type/name" */
        length = 1 + strcspn(at + 1, "/");
        if (strncasecmp(at, wanted, length) != 0 || at[length] == '\0' ||
            at[length + 1] == '\0' || at[length + 1] == '/')
            return false; /* another type, or one without a name */
        wanted += length;
        at += length;
        at += 1 + strcspn(at + 1, "/"); /* over the name */
    }
    return *wanted == '\0';
}

char *kind_format_id(const struct kind *kind, const char *parent_id, const char *name)
{
    return memory_format("%s%s/%s", parent_id, kind->collection, name);
}
