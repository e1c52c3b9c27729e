/* engine/sim/apim.h - what the rules of API Management's kinds share.
 *
 * The owner of what lies in a workspace is that workspace, of what lies in a service beside
 * its workspaces the service: names and references hold within an owner. */
#ifndef MOONGATE_SIM_APIM_H
#define MOONGATE_SIM_APIM_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct answer;
struct change;
struct entity;
struct kind;
struct world;

/* The part of a key or an id that is its owner's, or its service's. Owned by the caller. */
char *apim_owner(const char *id);
char *apim_service(const char *id);

/* Sets `value` (taken) where there is none. */
void apim_default(cJSON *body, const char *path, cJSON *value);

/* The id that `id` says in short, "/products/gold" within `owner`; or a copy of it. Owned by
 * the caller. */
char *apim_expand(const char *owner, const char *id);

/* The target of entity_add_link() that stands for a name ("colour" of "namedValues") within an
 * owner; owned by the caller. */
char *apim_name_target(const char *owner, const char *of, const char *name);

/* Says that the change has one wrong field. Returns false. */
bool apim_refuse_field(const struct change *change, const char *field, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

/* Whether nothing of another kind than `own` refers to `target`; else it has refused:
 * "<what> is used by ..". */
bool apim_check_unused(struct world *world, struct answer *answer, const char *target,
                       const struct kind *own, const char *what);

#endif
