/* engine/base/map.c - from text to pointers, by hashing. */
#include "base/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct map_entry {
    struct map_entry *next;
    void *value;
    uint64_t hash;
    char key[];
};

enum { FIRST_BUCKETS = 16 };

/* As FNV-1a, with eight bytes at each step: keys are texts of SQL and tokens, too. They are
 * our own, nobody outside can choose them to collide. */
static uint64_t hash_key(const char *key)
{
    const uint64_t prime = 1099511628211u;
    size_t left = strlen(key);
    uint64_t hash = 14695981039346656037u ^ left, word;

    for (; left >= sizeof word; key += sizeof word, left -= sizeof word) {
        memcpy(&word, key, sizeof word);
        hash = (hash ^ word) * prime;
        hash ^= hash >> 32; /* a product's upper half hears of all, its lower does not */
    }
    for (; left > 0; key++, left--)
        hash = (hash ^ (unsigned char)*key) * prime;
    /* the last bytes of a word are in the upper bits alone by now: "job-1234", "job-5678" */
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

/* Where the pointer to the key's entry is, or would be. */
static struct map_entry **slot(const struct map *map, const char *key, uint64_t hash)
{
    struct map_entry **at = &map->buckets[hash & (map->bucket_count - 1)];

    while (*at != NULL && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
        at = &(*at)->next;
    return at;
}

static void grow(struct map *map)
{
    struct map_entry **old = map->buckets;
    const size_t old_count = map->bucket_count;

    map->bucket_count = old_count > 0 ? old_count * 2 : FIRST_BUCKETS;
    map->buckets = memory_new(map->bucket_count * sizeof(struct map_entry *));
    for (size_t i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            struct map_entry *entry = old[i];
            struct map_entry **to = &map->buckets[entry->hash & (map->bucket_count - 1)];

            old[i] = entry->next;
            entry->next = *to;
            *to = entry;
        }
    }
    free(old);
}

void *map_find(const struct map *map, const char *key)
{
    if (map->count == 0)
        return NULL;

    const struct map_entry *entry = *slot(map, key, hash_key(key));

    return entry != NULL ? entry->value : NULL;
}

void *map_set(struct map *map, const char *key, void *value)
{
    const uint64_t hash = hash_key(key);

    if (map->count >= map->bucket_count)
        grow(map);

    struct map_entry **at = slot(map, key, hash);

    if (*at != NULL) {
        void *old = (*at)->value;

        (*at)->value = value;
        return old;
    }

    const size_t size = strlen(key) + 1;
    struct map_entry *entry = memory_new(sizeof *entry + size);

    entry->hash = hash;
    entry->value = value;
    memcpy(entry->key, key, size);
    *at = entry;
    map->count++;
    return NULL;
}

void *map_remove(struct map *map, const char *key)
{
    if (map->count == 0)
        return NULL;

    struct map_entry **at = slot(map, key, hash_key(key));
    struct map_entry *entry = *at;

    if (entry == NULL)
        return NULL;

    void *value = entry->value;

    *at = entry->next;
    free(entry);
    map->count--;
    return value;
}

void map_deinit(struct map *map, void (*release)(void *value))
{
    for (size_t i = 0; i < map->bucket_count; i++) {
        while (map->buckets[i] != NULL) {
            struct map_entry *entry = map->buckets[i];

            map->buckets[i] = entry->next;
            if (release != NULL)
                release(entry->value);
            free(entry);
        }
    }
    free(map->buckets);
    *map = (struct map){0};
}
