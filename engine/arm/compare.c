/* engine/arm/compare.c - does a resource already say what a script asks for? */
#include "arm/compare.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

/* "West Europe" and "westeurope" are one region. */
static bool is_same_location(const char *a, const char *b)
{
    for (;;) {
        while (*a == ' ')
            a++;
        while (*b == ' ')
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (*a == '\0')
            return true;
        a++, b++;
    }
}

static const char *last_name(const char *id)
{
    const char *slash = strrchr(id, '/');

    return slash != NULL ? slash + 1 : id;
}

/* Elements that have a name are the same element wherever they stand. */
static const cJSON *find_named(const cJSON *list, const char *name)
{
    const cJSON *element;

    cJSON_ArrayForEach (element, list) {
        const char *found = json_string_at(element, "name");

        if (found != NULL && text_equal_nocase(found, name))
            return element;
    }
    return NULL;
}

static bool says_list(const cJSON *have, const cJSON *wanted)
{
    const cJSON *element, *next = have != NULL ? have->child : NULL;

    if (cJSON_GetArraySize(have) != cJSON_GetArraySize(wanted))
        return false;
    cJSON_ArrayForEach (element, wanted) {
        const char *name = json_string_at(element, "name");
        const cJSON *counterpart = name != NULL ? find_named(have, name) : next;

        if (counterpart == NULL || !json_covers(counterpart, element, NULL))
            return false;
        next = next != NULL ? next->next : NULL;
    }
    return true;
}

static bool says(const struct field *field, const cJSON *have, const cJSON *wanted)
{
    const char *a = cJSON_GetStringValue(have), *b = cJSON_GetStringValue(wanted);

    switch (field->type) {
    case FIELD_ID:
    case FIELD_CHOICE:
        if (a != NULL && b != NULL && (field->flags & FIELD_BY_NAME) != 0)
            return text_equal_nocase(last_name(a), last_name(b));
        if (a != NULL && b != NULL)
            return text_equal_nocase(a, b);
        break;
    case FIELD_LOCATION:
        if (a != NULL && b != NULL)
            return is_same_location(a, b);
        break;
    case FIELD_LIST:
    case FIELD_IDS:
        return says_list(have, wanted);
    default:
        break;
    }
    return json_covers(have, wanted, NULL);
}

const struct field *compare_bodies(const struct kind *kind, const cJSON *have,
                                   const cJSON *wanted)
{
    if (kind->is_same != NULL && kind->is_same(have, wanted))
        return NULL;
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const cJSON *value = json_at(wanted, field->path);

        if (value != NULL && !says(field, json_at(have, field->path), value))
            return field;
    }
    return NULL;
}

/* Takes the value at `path` out, and the objects on the way that are empty then. */
static void remove_at(cJSON *tree, const char *path)
{
    char name[JSON_PATH_SIZE];
    const char *dot = strchr(path, '.');
    const size_t length = dot != NULL ? (size_t)(dot - path) : strlen(path);

    if (tree == NULL || length >= sizeof name)
        return;
    memcpy(name, path, length);
    name[length] = '\0';

    cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, name);

    if (dot != NULL)
        remove_at(item, dot + 1);
    if (item != NULL && (dot == NULL || (cJSON_IsObject(item) && item->child == NULL)))
        cJSON_Delete(cJSON_DetachItemViaPointer(tree, item));
}

void compare_strip_immutable(const struct kind *kind, cJSON *wanted)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        if ((field->flags & FIELD_IMMUTABLE) != 0)
            remove_at(wanted, field->path);
    }
}

/* What a read gives back and no write takes. */
static const char *const service_members[] = {"id",
                                              "name",
                                              "type",
                                              "etag",
                                              "systemData",
                                              "properties.provisioningState",
                                              "properties.resourceGuid"};

cJSON *compare_merge(const struct kind *kind, const cJSON *have, const cJSON *wanted)
{
    cJSON *merged = cJSON_Duplicate(have, true);

    for (size_t i = 0; i < sizeof service_members / sizeof service_members[0]; i++)
        remove_at(merged, service_members[i]);
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const cJSON *value = json_at(wanted, field->path);

        /* Sub-resources told inline are read-only here, but a PUT without them deletes them. */
        if ((field->flags & FIELD_READ_ONLY) != 0 && field->type != FIELD_IDS)
            remove_at(merged, field->path);
        else if (value != NULL)
            json_set_at(merged, field->path, cJSON_Duplicate(value, true));
    }
    return merged;
}
