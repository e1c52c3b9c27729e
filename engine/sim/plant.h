/* engine/sim/plant.h - what is known to have been done elsewhere is put into a world.
 *
 * Nobody asks for it by a request: no right and no rule is looked at, and it takes no time. */
#ifndef MOONGATE_SIM_PLANT_H
#define MOONGATE_SIM_PLANT_H

#include <cjson/cJSON.h>

struct world;

/* Has the world be as after this request to Azure Resource Manager or Microsoft Graph: `path` is
 * its URL's ("/subscriptions/..", "/v1.0/groups"), `body` what it said (or NULL) and `made` the id
 * of what a POST made (or NULL). What lies above a resource or is named by it, and is not there,
 * is made as far as needed. NULL, or why that cannot be (owned by the caller); then nothing has
 * changed. */
char *plant(struct world *world, const char *method, const char *path, const cJSON *body,
            const char *made);

#endif
