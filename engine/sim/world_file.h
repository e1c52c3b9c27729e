/* engine/sim/world_file.h - reading a world file and filling a new world by it. */
#ifndef MOONGATE_SIM_WORLD_FILE_H
#define MOONGATE_SIM_WORLD_FILE_H

#include <cjson/cJSON.h>

struct failure;
struct world;

/* Reads and checks the file; an empty object when `file` is NULL. NULL on failure, with
 * the reason in `*failure` (owned by the caller). Owned by the caller. */
cJSON *world_file_read(const char *file, struct failure **failure);

/* Puts the first resources, people and rights into a new world, inside a transaction. */
void world_file_populate(struct world *world);

#endif
