/* engine/base/map.h - from text to pointers, by hashing.
 *
 * Keys are copied, values are the caller's. Keys compare byte by byte: lower those that do
 * not mind case first. */
#ifndef MOONGATE_BASE_MAP_H
#define MOONGATE_BASE_MAP_H

#include <stddef.h>

struct map_entry;

struct map {
    struct map_entry **buckets;
    size_t bucket_count;
    size_t count;
};

/* A zeroed struct is an empty map. */

/* The value, or NULL when there is none. */
void *map_find(const struct map *map, const char *key);

/* Sets the value (not NULL) and returns the one it replaced, or NULL. */
void *map_set(struct map *map, const char *key, void *value);

/* Takes the entry out and returns its value, or NULL when there was none. */
void *map_remove(struct map *map, const char *key);

/* Frees the map; calls `release` for each value unless it is NULL. */
void map_deinit(struct map *map, void (*release)(void *value));

#endif
