/* engine/schedule/zone_folder.h - the folder that the files of the zones are in. */
#ifndef MOONGATE_SCHEDULE_ZONE_FOLDER_H
#define MOONGATE_SCHEDULE_ZONE_FOLDER_H

/* $TZDIR, or /usr/share/zoneinfo. Borrowed; valid until the environment changes. */
const char *zone_folder(void);

/* The zone that somebody meant who wrote `name`, which is none: by case, its last word
 * ("berlin"), or what is near. Owned by the caller; NULL when nothing is near. Walks the folder. */
char *zone_folder_nearest(const char *name);

#endif
