/* engine/sim/world_people.h - the users, groups and applications of a new world. */
#ifndef MOONGATE_SIM_WORLD_PEOPLE_H
#define MOONGATE_SIM_WORLD_PEOPLE_H

#include <stdbool.h>

#include "base/uuid.h"

struct people;
struct spot;
struct world;

/* Somebody whom a role can be given. */
struct principal {
    char id[UUID_TEXT_SIZE];
    const char *type;  /* "User", "Group", "ServicePrincipal" */
    bool is_ambiguous; /* several have the name */
};

/* Owned by the caller. The world must outlive it. */
struct people *people_new(struct world *world);

/* Accepts NULL. */
void people_free(struct people *people);

/* Makes all that the world's options list, and the simulator's own two applications;
 * inside a transaction. Returns NULL, or what is wrong (owned by the caller). */
char *people_build(struct people *people, const struct spot *whole);

/* By object id, by the name of a group or an application, or by a user's principal name; a
 * user of the world's domain that nobody has heard of is made. NULL when there is nobody,
 * or are several; then `*wrong` says so (owned by the caller). Borrowed. */
const struct principal *people_find(struct people *people, const struct spot *spot,
                                    const char *name, char **wrong);

/* Gives users and applications the secrets that the options know for them: what a dump
 * leaves out. */
void people_restore_secrets(struct world *world);

#endif
