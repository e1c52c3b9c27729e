/* engine/sim/people.h - what every service and workspace has by itself: the administrator, the
 * built-in groups, the notifications.
 *
 * They are made when somebody asks for the first time, so that worlds of many services cost
 * nothing at the start. None of them can be deleted. */
#ifndef MOONGATE_SIM_PEOPLE_H
#define MOONGATE_SIM_PEOPLE_H

struct kind;
struct world;

/* The name of the user who is there by itself. */
#define PEOPLE_ADMINISTRATOR "1"

/* Makes users and groups of the service with this key, unless they are there or it is not. */
void people_plant(struct world *world, const char *service);

/* The same for what a call is about, by its kind and key: notifications, too. */
void people_plant_for(struct world *world, const struct kind *kind, const char *key);

#endif
