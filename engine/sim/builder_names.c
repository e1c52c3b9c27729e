/* engine/sim/builder_names.c - from what a world file calls a resource to its id. */
#include "sim/builder.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/entity.h"
#include "sim/world.h"
#include "sim/world_keys.h"

char *builder_default_parent(const struct world *world, const struct kind *kind,
                             const char *group)
{
    char *group_id, *id;

    if (kind->parent == NULL)
        return memory_copy_string(world->subscription_id);
    group_id = kind_format_id(&resource_group_kind, world->subscription_id,
                              group != NULL ? group : world->profile.resource_group);
    if (kind->parent == &resource_group_kind)
        return group_id;
    id = kind->parent == &service_kind
             ? kind_format_id(&service_kind, group_id, world->profile.service)
             : NULL;
    free(group_id);
    return id;
}

/* Takes the next part of a path, up to a slash. Owned by the caller, NULL at the end. */
static char *take_part(const char **rest)
{
    const size_t length = strcspn(*rest, "/");
    char *part = length > 0 ? memory_copy_text(*rest, length) : NULL;

    *rest += length + ((*rest)[length] == '/' ? 1 : 0);
    return part;
}

/* "gateways/gw-1", "resource_groups/rg/virtual_networks/v/subnets/s": the words are the
 * keys of the file. Owned by the caller, or NULL. */
static char *resolve_words(const struct world *world, const char *path)
{
    const struct kind *above = NULL;
    char *id = NULL, *word;

    while ((word = take_part(&path)) != NULL) {
        const struct kind *kind = world_keys_find_kind(word, strlen(word));
        char *name = take_part(&path), *parent = NULL;

        if (kind != NULL && name != NULL)
            parent = id != NULL && above == kind->parent ? id
                     : id == NULL ? builder_default_parent(world, kind, NULL)
                                  : NULL;
        if (parent != id)
            free(id);
        id = parent != NULL ? kind_format_id(kind, parent, name) : NULL;
        free(parent);
        free(name);
        free(word);
        above = kind;
        if (id == NULL)
            return NULL;
    }
    return id;
}

char *builder_resolve_names(const struct world *world, const struct kind *kind,
                            const char *names, const char *group)
{
    const char *slash = strrchr(names, '/');
    char *above = slash != NULL ? memory_copy_text(names, (size_t)(slash - names)) : NULL;
    char *parent = above == NULL ? builder_default_parent(world, kind, group)
                   : kind->parent != NULL
                       ? builder_resolve_names(world, kind->parent, above, group)
                       : NULL;
    char *id = parent != NULL
                   ? kind_format_id(kind, parent, slash != NULL ? slash + 1 : names)
                   : NULL;

    free(above);
    free(parent);
    return id;
}

char *builder_resolve(const struct world *world, const struct kind *kind,
                      const char *path, const char *group)
{
    const size_t word = strcspn(path, "/");

    if (text_has_prefix_nocase(path, "/subscriptions/") ||
        text_has_prefix_nocase(path, "/providers/Microsoft.Management/managementGroups/"))
        return memory_copy_string(path);
    if (path[0] == '/')
        return memory_format("%s%s", world->subscription_id, path[1] != '\0' ? path : "");
    if (path[word] == '/' && world_keys_find_kind(path, word) != NULL)
        return resolve_words(world, path);
    return kind != NULL ? builder_resolve_names(world, kind, path, group) : NULL;
}

bool builder_knows(struct world *world, const char *id)
{
    char *key = entity_make_key(id);
    bool is_known = false;

    if (text_has_prefix_nocase(id, world->subscription_id)) {
        for (const struct kind *const *kind = kinds; *kind != NULL; kind++)
            is_known = is_known || kind_has_id(*kind, id);
    }

    const bool is_good = !is_known || strcmp(key, world->subscription_key) == 0 ||
                         entity_exists(world, key);

    free(key);
    return is_good;
}

/* "Microsoft.Network/virtualNetworks/subnets" from an id; owned by the caller. */
static char *format_type(const char *id)
{
    static const char providers[] = "/providers/";
    struct buffer type = {0};
    const char *rest = NULL;

    for (const char *at = id; *at != '\0'; at++) {
        if (text_has_prefix_nocase(at, providers))
            rest = at + strlen(providers);
    }
    if (rest == NULL)
        return memory_copy_string(resource_group_kind.arm_type);
    for (int part = 0; *rest != '\0'; part++) {
        const size_t length = strcspn(rest, "/");

        if (part == 0 || part % 2 == 1)
            buffer_printf(&type, "%s%.*s", part > 0 ? "/" : "", (int)length, rest);
        rest += length + (rest[length] == '/' ? 1 : 0);
    }
    return buffer_take(&type);
}

const struct kind *builder_split(const struct world *world, const char *id, char **parent)
{
    const char *slash = strrchr(id, '/');
    char *type = format_type(id);
    const struct kind *kind = world_find_kind(world, type);
    const size_t tail = kind != NULL ? strlen(kind->collection) : 0;

    free(type);
    if (slash == NULL || kind == NULL || (size_t)(slash - id) < tail)
        return NULL;
    *parent = memory_copy_text(id, (size_t)(slash - id) - tail);
    return kind;
}
