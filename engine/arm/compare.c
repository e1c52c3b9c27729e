/* engine/arm/compare.c - does a resource already say what a script asks for? */
#include "arm/compare.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/duration.h"
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

static bool says(const struct field *field, const cJSON *have, const cJSON *wanted);

/* Whether all that `wanted` sets of the fields stands in `have`. */
static bool says_members(const struct field *items, const cJSON *have,
                         const cJSON *wanted)
{
    for (const struct field *item = items; item->name != NULL; item++) {
        const cJSON *value = json_at(wanted, item->path);

        if (value != NULL && !says(item, json_at(have, item->path), value))
            return false;
    }
    return true;
}

static bool says_list(const struct field *items, const cJSON *have, const cJSON *wanted)
{
    const cJSON *element, *next = have != NULL ? have->child : NULL;

    if (cJSON_GetArraySize(have) != cJSON_GetArraySize(wanted))
        return false;
    cJSON_ArrayForEach (element, wanted) {
        const char *name = json_string_at(element, "name");
        const cJSON *counterpart = name != NULL ? find_named(have, name) : next;

        if (counterpart == NULL ||
            !(items != NULL ? says_members(items, counterpart, element)
                            : json_covers(counterpart, element, NULL)))
            return false;
        next = next != NULL ? next->next : NULL;
    }
    return true;
}

/* A map that is given is the whole map. */
static bool says_map(const struct field *field, const cJSON *have, const cJSON *wanted)
{
    struct field value = *field;
    const cJSON *member;

    value.type = field->values;
    if (cJSON_GetArraySize(have) != cJSON_GetArraySize(wanted))
        return false;
    cJSON_ArrayForEach (member, wanted) {
        const cJSON *found = cJSON_GetObjectItemCaseSensitive(have, member->string);

        if (found == NULL || !says(&value, found, member))
            return false;
    }
    return true;
}

static bool is_same_duration(const char *a, const char *b)
{
    int64_t one, other;

    return duration_parse_iso(a, &one) == 0 && duration_parse_iso(b, &other) == 0
               ? one == other
               : strcmp(a, b) == 0;
}

static bool says_text(const struct field *field, const char *have, const char *wanted)
{
    switch (field->type) {
    case FIELD_ID:
    case FIELD_CHOICE:
        return (field->flags & FIELD_BY_NAME) != 0
                   ? text_equal_nocase(last_name(have), last_name(wanted))
                   : text_equal_nocase(have, wanted);
    case FIELD_LOCATION:
        return is_same_location(have, wanted);
    case FIELD_DURATION:
        return is_same_duration(have, wanted);
    default:
        return strcmp(have, wanted) == 0;
    }
}

static bool says(const struct field *field, const cJSON *have, const cJSON *wanted)
{
    if (cJSON_IsNull(wanted))
        return json_covers(have, wanted, NULL);
    if (cJSON_IsString(have) && cJSON_IsString(wanted))
        return says_text(field, have->valuestring, wanted->valuestring);
    switch (field->type) {
    case FIELD_LIST:
    case FIELD_IDS:
        return says_list(field->items, have, wanted);
    case FIELD_OBJECT:
        return says_members(field->items, have, wanted);
    case FIELD_MAP:
        return says_map(field, have, wanted);
    default:
        return json_covers(have, wanted, NULL);
    }
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

/* What a read gives back and no write takes. */
static const char *const service_members[] = {"id",
                                              "name",
                                              "type",
                                              "etag",
                                              "systemData",
                                              "properties.provisioningState",
                                              "properties.resourceGuid"};

/* Puts what is wanted over what is there; of objects only the members that are wanted. */
static void merge_field(const struct field *field, cJSON *merged, const cJSON *wanted)
{
    const cJSON *value = json_at(wanted, field->path);
    /* json_at() takes and gives const; the tree is ours */
    cJSON *have = (cJSON *)(uintptr_t)json_at(merged, field->path);

    if (value == NULL)
        return;
    if (cJSON_IsNull(value)) {
        remove_at(merged, field->path);
    } else if (field->type == FIELD_OBJECT && cJSON_IsObject(have)) {
        for (const struct field *item = field->items; item->name != NULL; item++)
            merge_field(item, have, value);
    } else {
        json_set_at(merged, field->path, cJSON_Duplicate(value, true));
    }
}

cJSON *compare_merge(const struct kind *kind, const cJSON *have, const cJSON *wanted)
{
    cJSON *merged = cJSON_Duplicate(have, true);

    for (size_t i = 0; i < sizeof service_members / sizeof service_members[0]; i++)
        remove_at(merged, service_members[i]);
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        /* Sub-resources told inline are read-only here, but a PUT without them deletes them. */
        if ((field->flags & FIELD_READ_ONLY) != 0 && field->type != FIELD_IDS)
            remove_at(merged, field->path);
        else
            merge_field(field, merged, wanted);
    }
    return merged;
}

bool compare_has(const struct kind *kind, const cJSON *body, unsigned flags)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        if ((field->flags & flags) != 0 && json_at(body, field->path) != NULL)
            return true;
    }
    return false;
}

void compare_strip(const struct kind *kind, cJSON *body, unsigned flags)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        if ((field->flags & flags) != 0)
            remove_at(body, field->path);
    }
}

void compare_reveal(const struct kind *kind, cJSON *body, const cJSON *answer)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const char *dot = strrchr(field->path, '.');
        const cJSON *value = json_at(answer, dot != NULL ? dot + 1 : field->path);

        if ((field->flags & FIELD_SECRET) != 0 && cJSON_IsString(value))
            json_set_at(body, field->path, cJSON_Duplicate(value, true));
    }
}
