/* engine/base/json.c - what cJSON does not say in one call. */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

cJSON *json_parse(const char *text, size_t length, size_t *error_at)
{
    const char *start = text, *end = NULL;

    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        start += 3;

    cJSON *tree =
        cJSON_ParseWithLengthOpts(start, length - (size_t)(start - text), &end, false);

    if (tree != NULL) {
        while (end < text + length && strchr(" \t\r\n", *end) != NULL && *end != '\0')
            end++;
        if (end == text + length)
            return tree;
        cJSON_Delete(tree);
    }
    if (error_at != NULL)
        *error_at = end != NULL && end >= text ? (size_t)(end - text) : 0;
    return NULL;
}

/* Goes one name down; `*rest` is moved past it. */
static const cJSON *step(const cJSON *tree, const char **rest)
{
    char name[JSON_PATH_SIZE];
    const size_t length = strcspn(*rest, ".");

    if (length >= sizeof name)
        return NULL;
    memcpy(name, *rest, length);
    name[length] = '\0';
    *rest += length + ((*rest)[length] == '.' ? 1 : 0);
    return cJSON_GetObjectItemCaseSensitive(tree, name);
}

const cJSON *json_at(const cJSON *tree, const char *path)
{
    while (tree != NULL && *path != '\0')
        tree = step(tree, &path);
    return tree;
}

const char *json_string_at(const cJSON *tree, const char *path)
{
    return cJSON_GetStringValue(json_at(tree, path));
}

double json_number_at(const cJSON *tree, const char *path, double otherwise)
{
    const cJSON *item = json_at(tree, path);

    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

void json_set_at(cJSON *tree, const char *path, cJSON *value)
{
    const char *dot = strchr(path, '.');

    if (dot == NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(tree, path);
        cJSON_AddItemToObject(tree, path, value);
        return;
    }

    char *name = memory_copy_text(path, (size_t)(dot - path));
    cJSON *inner = cJSON_GetObjectItemCaseSensitive(tree, name);

    if (!cJSON_IsObject(inner)) {
        cJSON_DeleteItemFromObjectCaseSensitive(tree, name);
        inner = cJSON_AddObjectToObject(tree, name);
    }
    free(name);
    json_set_at(inner, dot + 1, value);
}

char *json_print(const cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree);

    return text != NULL ? text : memory_copy_string("null");
}

static bool covers(const cJSON *have, const cJSON *want, char *path, size_t length);

static bool covers_object(const cJSON *have, const cJSON *want, char *path, size_t length)
{
    const cJSON *wanted;

    cJSON_ArrayForEach (wanted, want) {
        const cJSON *found = cJSON_GetObjectItemCaseSensitive(have, wanted->string);
        size_t inner = length;

        if (path != NULL) {
            const int written = snprintf(path + length, JSON_PATH_SIZE - length, "%s%s",
                                         length > 0 ? "." : "", wanted->string);

            inner = length + (size_t)(written > 0 ? written : 0);
            if (inner >= JSON_PATH_SIZE)
                inner = JSON_PATH_SIZE - 1;
        }
        if (!covers(found, wanted, path, inner))
            return false;
    }
    return true;
}

static bool covers(const cJSON *have, const cJSON *want, char *path, size_t length)
{
    if (cJSON_IsNull(want))
        return have == NULL || cJSON_IsNull(have);
    if (cJSON_IsObject(want)) /* an absent object says as much as an empty one */
        return (have == NULL || cJSON_IsObject(have)) &&
               covers_object(have, want, path, length);
    if (have == NULL)
        return cJSON_IsArray(want) && cJSON_GetArraySize(want) == 0;
    if (cJSON_IsArray(want)) {
        const cJSON *a = have->child, *b = want->child;

        if (!cJSON_IsArray(have))
            return false;
        for (; a != NULL && b != NULL; a = a->next, b = b->next) {
            if (!covers(a, b, NULL, 0))
                return false;
        }
        return a == NULL && b == NULL;
    }
    return cJSON_Compare(have, want, true);
}

bool json_covers(const cJSON *have, const cJSON *want, char path[JSON_PATH_SIZE])
{
    if (path != NULL)
        path[0] = '\0';
    return covers(have, want, path, 0);
}
