/* engine/sim/permission.c - which actions a role or a deny assignment speaks of. */
#include "sim/permission.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/action.h"

/* Where the four lists are and what Azure calls them. */
static const struct {
    const char *name;
    size_t offset;
} lists[] = {{"actions", offsetof(struct permission, actions)},
             {"notActions", offsetof(struct permission, not_actions)},
             {"dataActions", offsetof(struct permission, data_actions)},
             {"notDataActions", offsetof(struct permission, not_data_actions)}};

enum { LIST_COUNT = sizeof lists / sizeof lists[0] };

static const char *const **list_of(struct permission *permission, size_t i)
{
    return (const char *const **)((char *)permission + lists[i].offset);
}

static const char *const *read_patterns(const cJSON *list)
{
    const size_t count = (size_t)cJSON_GetArraySize(list);
    char **patterns = memory_new((count + 1) * sizeof *patterns);
    const cJSON *element;
    size_t i = 0;

    cJSON_ArrayForEach (element, list) {
        if (cJSON_IsString(element))
            patterns[i++] = memory_copy_string(element->valuestring);
    }
    return (const char *const *)patterns;
}

struct permissions permissions_read(const cJSON *list)
{
    struct permissions permissions = {.count = (size_t)cJSON_GetArraySize(list)};
    const cJSON *element;
    size_t count = 0;

    permissions.all = memory_new((permissions.count + 1) * sizeof *permissions.all);
    cJSON_ArrayForEach (element, list) {
        for (size_t i = 0; i < LIST_COUNT; i++)
            *list_of(&permissions.all[count], i) =
                read_patterns(cJSON_GetObjectItemCaseSensitive(element, lists[i].name));
        count++;
    }
    return permissions;
}

static void free_patterns(const char *const *patterns)
{
    char **own = (char **)(uintptr_t)patterns; /* permissions_read() made them */

    for (size_t i = 0; own[i] != NULL; i++)
        free(own[i]);
    free(own);
}

void permissions_free(struct permissions *permissions)
{
    for (size_t n = 0; n < permissions->count; n++) {
        for (size_t i = 0; i < LIST_COUNT; i++)
            free_patterns(*list_of(&permissions->all[n], i));
    }
    free(permissions->all);
    *permissions = (struct permissions){0};
}

cJSON *permission_describe(const struct permission *permission)
{
    struct permission copy = *permission;
    cJSON *object = cJSON_CreateObject();

    for (size_t i = 0; i < LIST_COUNT; i++) {
        cJSON *list = cJSON_AddArrayToObject(object, lists[i].name);
        const char *const *pattern = *list_of(&copy, i);

        for (; pattern != NULL && *pattern != NULL; pattern++)
            cJSON_AddItemToArray(list, cJSON_CreateString(*pattern));
    }
    return object;
}

static void add_patterns(cJSON *list, const char *const *patterns)
{
    for (; patterns != NULL && *patterns != NULL; patterns++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*patterns));
}

/* What both of two lists of patterns speak of, as far as one pattern contains the other.
 * Owned by the caller. */
static cJSON *intersect(const cJSON *ours, const char *const *theirs)
{
    cJSON *both = cJSON_CreateArray();

    for (; theirs != NULL && *theirs != NULL; theirs++) {
        const cJSON *own;

        cJSON_ArrayForEach (own, ours) {
            if (action_matches(own->valuestring, *theirs))
                cJSON_AddItemToArray(both, cJSON_CreateString(*theirs));
            else if (action_matches(*theirs, own->valuestring))
                cJSON_AddItemToArray(both, cJSON_CreateString(own->valuestring));
        }
    }
    return both;
}

/* "actions" less A but not N: "actions" and "notActions" with A added, and beside it the
 * part of "actions" that N speaks of. True when there is such a part, in `spared`. */
static bool subtract(cJSON *one, cJSON *spared, const char *name, const char *not_name,
                     const char *const *denied, const char *const *not_denied)
{
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(one, name);
    cJSON *own_not = cJSON_GetObjectItemCaseSensitive(one, not_name);
    cJSON *part = denied != NULL && denied[0] != NULL ? intersect(own, not_denied)
                                                      : cJSON_CreateArray();
    const bool is_spared = part->child != NULL;

    cJSON_AddItemToObject(spared, name, part);
    cJSON_AddItemToObject(spared, not_name, cJSON_Duplicate(own_not, true));
    add_patterns(own_not, denied);
    return is_spared;
}

void permission_subtract(cJSON *list, const struct permission *denied)
{
    const int count = cJSON_GetArraySize(list);
    cJSON *one = list->child;

    for (int i = 0; i < count; i++, one = one->next) {
        cJSON *spared = cJSON_CreateObject();
        const bool has_actions = subtract(one, spared, "actions", "notActions",
                                          denied->actions, denied->not_actions);
        const bool has_data = subtract(one, spared, "dataActions", "notDataActions",
                                       denied->data_actions, denied->not_data_actions);

        if (has_actions || has_data)
            cJSON_AddItemToArray(list, spared);
        else
            cJSON_Delete(spared);
    }
}
