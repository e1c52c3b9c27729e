/* engine/sim/world_dump.h - a whole world as one JSON document, and back.
 *
 *   {"moongate_world": 3, "now": "2026-..", "calls": 12, "version": 40,
 *    "options": {the world file}, "faults": "throttle=0.1",
 *    "tables": {"entity": [{"key": .., ..}, ..], ..}}
 *
 * The number is that of the database's schema. Secrets are left out but those that the
 * world file itself gives; the key that signs tokens too, so that who is signed in stays
 * so. A deployment that is under way is there with its secure parameters: it could not go on
 * without them. */
#ifndef MOONGATE_SIM_WORLD_DUMP_H
#define MOONGATE_SIM_WORLD_DUMP_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct buffer;
struct world;

/* Whether a tree is a dump, rather than a world file. */
bool world_dump_is(const cJSON *tree);

/* The world file that the dumped world was made with. Borrowed, or NULL. */
const cJSON *world_dump_options(const cJSON *dump);

void world_dump_write(struct world *world, struct buffer *to);

/* Fills the empty tables, inside a transaction, and sets the world's time and counters.
 * Returns NULL, or what is wrong with the dump (owned by the caller). */
char *world_dump_load(struct world *world, const cJSON *dump);

#endif
