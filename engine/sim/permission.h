/* engine/sim/permission.h - which actions a role or a deny assignment of the simulator speaks
 * of; model/action.h says what patterns mean. */
#ifndef MOONGATE_SIM_PERMISSION_H
#define MOONGATE_SIM_PERMISSION_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include "model/role.h"

/* The permissions in a body's list of them, in memory of their own. */
struct permissions {
    size_t count;
    struct permission *all;
};

struct permissions permissions_read(const cJSON *list);
void permissions_free(struct permissions *permissions);

/* As Azure writes one: four lists of patterns. Owned by the caller. */
cJSON *permission_describe(const struct permission *permission);

/* Takes what `denied` speaks of out of `list`, an array of what permission_describe()
 * made. What cannot be said by patterns any more is left out: the list never promises too
 * much. How Azure tells of deny assignments here is not known (assumed). */
void permission_subtract(cJSON *list, const struct permission *denied);

#endif
