/* engine/sim/shape.c - what a body must look like, by the row of its kind. */
#include "sim/shape.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"

static void remove_at(cJSON *tree, const char *path)
{
    const char *dot = strrchr(path, '.');
    char *parent = memory_copy_text(path, dot != NULL ? (size_t)(dot - path) : 0);
    const cJSON *holder = json_at(tree, parent);

    free(parent);
    if (cJSON_IsObject(holder)) /* json_at() takes and gives const; the tree is ours */
        cJSON_DeleteItemFromObjectCaseSensitive((cJSON *)(uintptr_t)holder,
                                                dot != NULL ? dot + 1 : path);
}

/* Drops the fields that have one of the flags, at any depth. */
static void drop_flagged(const struct field *fields, cJSON *object, unsigned flags)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        /* json_at() takes and gives const; the tree is ours */
        cJSON *value = (cJSON *)(uintptr_t)json_at(object, field->path), *element;

        if (value == NULL)
            continue;
        if ((field->flags & flags) != 0) {
            remove_at(object, field->path);
        } else if (field->type == FIELD_OBJECT) {
            drop_flagged(field->items, value, flags);
        } else if (field->type == FIELD_LIST ||
                   (field->type == FIELD_MAP && field->values == FIELD_OBJECT)) {
            cJSON_ArrayForEach (element, value)
                drop_flagged(field->items, element, flags);
        }
    }
}

static bool has_flagged(const struct field *fields, unsigned flags)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if ((field->flags & flags) != 0 ||
            (field->items != NULL && has_flagged(field->items, flags)))
            return true;
    }
    return false;
}

bool shape_hides(const struct kind *kind)
{
    return has_flagged(kind->fields, FIELD_WRITE_ONLY);
}

void shape_hide(const struct kind *kind, cJSON *body)
{
    drop_flagged(kind->fields, body, FIELD_WRITE_ONLY);
}

void shape_drop_read_only(const struct kind *kind, cJSON *body)
{
    static const char *const always[] = {"id", "name", "type", "etag", "systemData"};

    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(body, always[i]);
    drop_flagged(kind->fields, body, FIELD_READ_ONLY);
}

/* In a PUT a null says no more than absence. */
static void drop_nulls(cJSON *object)
{
    for (cJSON *member = object->child, *next; member != NULL; member = next) {
        next = member->next;
        if (cJSON_IsNull(member))
            cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
        else if (cJSON_IsObject(member))
            drop_nulls(member);
    }
}

cJSON *shape_body(const struct kind *kind, const char *id, const char *name, cJSON *given)
{
    cJSON *body = cJSON_CreateObject();

    shape_drop_read_only(kind, given);
    drop_nulls(given);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", name);
    cJSON_AddStringToObject(body, "type", kind->arm_type);
    while (given->child != NULL) {
        cJSON *member = cJSON_DetachItemViaPointer(given, given->child);

        cJSON_AddItemToObject(body, member->string, member);
    }
    if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(body, "properties")))
        json_set_at(body, "properties", cJSON_CreateObject());
    return body;
}

void shape_merge(cJSON *body, const cJSON *patch)
{
    const cJSON *member;

    cJSON_ArrayForEach (member, patch) {
        cJSON *old = cJSON_GetObjectItemCaseSensitive(body, member->string);

        if (cJSON_IsObject(member) && cJSON_IsObject(old)) {
            shape_merge(old, member);
        } else {
            cJSON_DeleteItemFromObjectCaseSensitive(body, member->string);
            if (!cJSON_IsNull(member))
                cJSON_AddItemToObject(body, member->string,
                                      cJSON_Duplicate(member, true));
        }
    }
}

void shape_keep(const struct kind *kind, const cJSON *old, cJSON *body)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const cJSON *value = json_at(old, field->path);
        const bool is_kept = (field->flags & (FIELD_READ_ONLY | FIELD_IMMUTABLE)) != 0 ||
                             ((field->flags & FIELD_SECRET) != 0 &&
                              (field->flags & FIELD_WRITE_ONLY) != 0 &&
                              json_at(body, field->path) == NULL);

        if (is_kept && value != NULL && !cJSON_IsNull(value))
            json_set_at(body, field->path, cJSON_Duplicate(value, true));
    }
}

/* The field as error details name it: "sku.capacity", "displayName". */
static const char *name_of(const struct field *field)
{
    return strncmp(field->path, "properties.", 11) == 0 ? field->path + 11 : field->path;
}

static bool is_absent(const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);

    return value == NULL || (text != NULL && *text == '\0');
}

bool shape_check(const struct kind *kind, const cJSON *body, struct answer *answer)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const cJSON *value = json_at(body, field->path);
        const bool is_required = (field->flags & FIELD_REQUIRED) != 0;
        char *wrong;

        if ((field->flags & FIELD_READ_ONLY) != 0)
            continue;
        if (is_required && is_absent(value)) {
            if (field->type == FIELD_LOCATION)
                return answer_refuse(
                    answer, REFUSE_LOCATION_REQUIRED,
                    "The location property is required for this definition.");
            answer_add_detail(answer, name_of(field), "%s is required.", name_of(field));
        } else if (value != NULL &&
                   (wrong = field_check_property(field, name_of(field), value)) != NULL) {
            answer_add_detail(answer, name_of(field), "%s", wrong);
            free(wrong);
        }
    }

    char *wrong = kind->check != NULL ? kind->check(body) : NULL;

    if (wrong != NULL)
        answer_add_detail(answer, "value", "%s", wrong);
    free(wrong);
    return answer_refuse_details(answer);
}

bool shape_is_same_location(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ')
            a++;
        while (*b == ' ')
            b++;

        const char one[] = {*a, '\0'}, other[] = {*b, '\0'};

        if (!text_equal_nocase(one, other))
            return false;
        if (*a == '\0')
            return true;
    }
}

static const char *last_name(const char *id)
{
    const char *slash = strrchr(id, '/');

    return slash != NULL ? slash + 1 : id;
}

static bool is_same_value(const struct field *field, const cJSON *a, const cJSON *b)
{
    const char *old = cJSON_GetStringValue(a), *given = cJSON_GetStringValue(b);

    if (old == NULL || given == NULL)
        return a == NULL ? b == NULL || cJSON_IsNull(b) : cJSON_Compare(a, b, true);
    if (field->type == FIELD_LOCATION)
        return shape_is_same_location(old, given);
    if ((field->flags & FIELD_BY_NAME) != 0)
        return text_equal_nocase(last_name(old), last_name(given));
    return text_equal_nocase(old, given); /* ids, choices and GUIDs: none minds case */
}

bool shape_check_immutable(const struct kind *kind, const cJSON *old, const cJSON *body,
                           enum refusal refusal, struct answer *answer)
{
    for (const struct field *field = kind->fields; field->name != NULL; field++) {
        const cJSON *before = json_at(old, field->path),
                    *after = json_at(body, field->path);

        if ((field->flags & FIELD_IMMUTABLE) == 0 || after == NULL ||
            is_same_value(field, before, after))
            continue;
        if (field->type == FIELD_LOCATION)
            return answer_refuse(
                answer, REFUSE_RESOURCE_LOCATION,
                "The resource '%s' already exists in location '%s'. A resource "
                "with the same name cannot be created in location '%s'. Please "
                "select a new resource name.",
                json_string_at(old, "name"), before->valuestring,
                cJSON_IsString(after) ? after->valuestring : "");
        if (refusal != REFUSE_VALIDATION)
            return answer_refuse(
                answer, refusal,
                "Tenant ID, application ID, principal ID, and scope are not "
                "allowed to be updated.");
        answer_add_detail(answer, name_of(field), "%s cannot be changed after creation.",
                          name_of(field));
    }
    return answer_refuse_details(answer);
}

bool shape_is_equal(const cJSON *old, const cJSON *body)
{
    const cJSON *member;
    int count = 0;

    cJSON_ArrayForEach (member, body) {
        const bool is_etag = strcmp(member->string, "etag") == 0;

        count += is_etag ? 0 : 1;
        if (!is_etag &&
            !cJSON_Compare(cJSON_GetObjectItemCaseSensitive(old, member->string), member,
                           true))
            return false;
    }
    cJSON_ArrayForEach (member, old)
        count -= strcmp(member->string, "etag") == 0 ? 0 : 1;
    return count == 0;
}
