/* engine/sim/entity.h - stored Azure resources, whatever their kind.
 *
 * A key is the resource id in lower case. The stored body is the text that a GET answers
 * with. */
#ifndef MOONGATE_SIM_ENTITY_H
#define MOONGATE_SIM_ENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct kind;
struct world;

struct entity {
    const struct kind *kind;
    char *key, *id, *parent; /* `parent` is a key */
    char *body;
    int64_t version; /* grows with every write in the world */
    int64_t created_ms;
};

/* Owned by the caller, or NULL. */
struct entity *entity_find(struct world *world, const char *key);

/* Accepts NULL. */
void entity_free(struct entity *entity);

bool entity_exists(struct world *world, const char *key);

/* The stored body as a tree, owned by the caller, or NULL when there is no such resource.
 */
cJSON *entity_body(struct world *world, const char *key);

/* Writes the resource that `body` describes (its `id` says which) and the links that its
 * row's id fields make. An `etag` in the body is set anew. */
void entity_save(struct world *world, const struct kind *kind, const char *parent,
                 cJSON *body);

/* Notes that `source` refers to `target`, both keys, until it is saved again or removed:
 * for the `link` of a kind's rules. What is no id can be a target, too. */
void entity_add_link(struct world *world, const char *source, const char *target,
                     const struct kind *kind);

/* Removes it and all resources below it, each with an entry in the ledger. */
void entity_remove(struct world *world, const char *key);

/* How many resources of that kind `parent` has. */
int64_t entity_count(struct world *world, const struct kind *kind, const char *parent);

/* The key of a resource of that kind that names `target` in its body, other than `except`
 * (NULL: none); owned by the caller, or NULL. */
char *entity_find_link(struct world *world, const char *target, const struct kind *kind,
                       const char *except);

/* Removes all resources of that kind that name `target` in their bodies. */
void entity_remove_links(struct world *world, const char *target,
                         const struct kind *kind);

/* Its ETag as the header says it, owned by the caller. */
char *entity_format_etag(const struct kind *kind, int64_t version);

/* Lowered copy of an id, owned by the caller. */
char *entity_make_key(const char *id);

#endif
