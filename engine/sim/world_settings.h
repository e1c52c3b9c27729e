/* engine/sim/world_settings.h - the members of a world that follow from its options. */
#ifndef MOONGATE_SIM_WORLD_SETTINGS_H
#define MOONGATE_SIM_WORLD_SETTINGS_H

struct world;

/* Sets them by `world->options`, which has been checked, over whatever was there before. */
void world_settings_read(struct world *world);

/* Frees what they own, and not the options. */
void world_settings_free(struct world *world);

#endif
