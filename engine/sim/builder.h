/* engine/sim/builder.h - what the files that fill a new world share.
 *
 * What is wrong is said in a message that names the place in the world file, owned by the
 * caller; NULL says that all is well. */
#ifndef MOONGATE_SIM_BUILDER_H
#define MOONGATE_SIM_BUILDER_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/map.h"

struct field;
struct kind;
struct people;
struct spot;
struct world;

struct builder {
    struct world *world;
    struct people *people;
    struct map roles; /* GUIDs of the file's own roles, by name in lower case */
};

/* ---- builder_names.c ---- */

/* The id of what lies above a resource of this kind when nobody says otherwise; `group` is
 * a resource group or NULL: the world's own. Owned by the caller, or NULL when there is no
 * such default. */
char *builder_default_parent(const struct world *world, const struct kind *kind,
                             const char *group);

/* "vnet-apim/snet-1" for a subnet: names alone, the last that of a resource of this kind.
 * Owned by the caller, or NULL. */
char *builder_resolve_names(const struct world *world, const struct kind *kind,
                            const char *names, const char *group);

/* A full id, an id within the subscription ("/resourceGroups/.."; "/" is the subscription),
 * words and names ("gateways/gw-1", the words being keys of the file), or names alone when
 * `kind` says of what. Owned by the caller; NULL when it cannot be one. */
char *builder_resolve(const struct world *world, const struct kind *kind,
                      const char *path, const char *group);

/* Whether it is there, or cannot be, as it is of another subscription or of a kind that is
 * not simulated. */
bool builder_knows(struct world *world, const char *id);

/* The kind of the resource that a full id names, with the id of what it lies in (owned by the
 * caller); NULL when it is none that is simulated. */
const struct kind *builder_split(const struct world *world, const char *id,
                                 char **parent);

/* ---- builder.c ---- */

/* Fills a body from the fields of a kind, or of the elements of a list, as scripts say
 * them; other keys are passed over. */
char *builder_read_fields(const struct builder *builder, const struct spot *spot,
                          const struct field *fields, const cJSON *given, cJSON *body);

/* Takes `value`. */
void builder_set_default(cJSON *body, const char *path, cJSON *value);

/* Makes one resource; `given` is its body as the service would say it and is emptied. */
char *builder_plant(struct builder *builder, const struct spot *spot,
                    const struct kind *kind, const char *parent_id, const char *name,
                    cJSON *given);

/* The same for one that is known to have been there: no rule is asked, only the row of its kind, and
 * what lies above it or is named by it may be missing. Inside a transaction. */
char *builder_put(struct world *world, const struct kind *kind, const char *parent_id,
                  const char *name, cJSON *given);

/* ---- builder_access.c: one element each of the lists of that name ---- */

char *builder_add_role(struct builder *builder, const struct spot *spot,
                       const cJSON *given);
char *builder_add_assignment(struct builder *builder, const struct spot *spot,
                             const cJSON *given);
char *builder_add_denial(struct builder *builder, const struct spot *spot,
                         const cJSON *given);

/* The simulator's own application owns the subscription; a recording may say so too. */
void builder_assign_owner(struct world *world);

#endif
