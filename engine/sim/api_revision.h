/* engine/sim/api_revision.h - revisions of an API: "invoices" is the current one,
 * "invoices;rev=2" another. The current one answers to both its names. */
#ifndef MOONGATE_SIM_API_REVISION_H
#define MOONGATE_SIM_API_REVISION_H

#include <stdbool.h>

struct world;

/* The number that a name or key ends in, as text within it, or NULL when it names the
 * current one. */
const char *api_revision_number(const char *name);

/* Writes a key without the revision of its API when that is the current one: "../apis/a;rev=1"
 * becomes "../apis/a". Takes `key` and gives it back, or another. */
char *api_revision_resolve(struct world *world, char *key);

/* Copies what is below the API `source` (a key) to the API `id`. */
void api_revision_copy(struct world *world, const char *source, const char *id);

/* Makes the revision `key` the current one of its API, within the caller's transaction: it
 * takes over the API's name, and the one that had it gets its number's. */
void api_revision_make_current(struct world *world, const char *key);

/* Removes all others of an API that goes. */
void api_revision_remove_all(struct world *world, const char *key);

#endif
