/* engine/sim/world_build.h - filling a new world by what its file says. */
#ifndef MOONGATE_SIM_WORLD_BUILD_H
#define MOONGATE_SIM_WORLD_BUILD_H

struct world;

/* Puts the first resources, people and rights into an empty world, inside a transaction.
 * Returns NULL, or what is wrong with the world's options, in a message that says where
 * (owned by the caller). */
char *world_build(struct world *world);

#endif
