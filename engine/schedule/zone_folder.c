/* engine/schedule/zone_folder.c - the folder that the files of the zones are in. */
#include "schedule/zone_folder.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"

enum { DEEPEST = 3, MOST_NAMES = 5000 }; /* America/Argentina/Ushuaia; there are 600 */

struct names {
    char **names;
    size_t count, capacity;
};

const char *zone_folder(void)
{
    const char *folder = getenv("TZDIR");

    return folder != NULL && folder[0] != '\0' ? folder : "/usr/share/zoneinfo";
}

static void add_name(struct names *names, char *name)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity * 2 + 64;
        names->names =
            memory_resize(names->names, names->capacity * sizeof *names->names);
    }
    names->names[names->count++] = name;
}

/* Zones begin with a capital; "posix", "right", "zone.tab" and others that are none do not. */
static void walk(struct names *names, const char *below, int depth)
{
    char *path = memory_format("%s/%s", zone_folder(), below);
    DIR *folder = opendir(path);
    const struct dirent *entry;

    free(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL &&
           names->count < MOST_NAMES) {
        if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z')
            continue;

        char *name =
            memory_format("%s%s%s", below, below[0] != '\0' ? "/" : "", entry->d_name);
        struct stat about;

        path = memory_format("%s/%s", zone_folder(), name);

        const bool is_there = stat(path, &about) == 0;

        free(path);
        if (is_there && S_ISDIR(about.st_mode) && depth < DEEPEST)
            walk(names, name, depth + 1);
        if (is_there && S_ISREG(about.st_mode))
            add_name(names, name);
        else
            free(name);
    }
    if (folder != NULL)
        closedir(folder);
}

/* Of a zone that is called as the last word of another name: not of Etc/GMT+2, which is two hours
 * west and seldom meant. */
static bool is_last_word(const char *name, const char *word)
{
    const char *slash = strrchr(name, '/');

    return slash != NULL && strncmp(name, "Etc/", 4) != 0 &&
           text_equal_nocase(slash + 1, word);
}

static const char *find_nearest(const struct names *names, const char *word)
{
    const char *by_last_word = NULL;

    for (size_t i = 0; i < names->count; i++) {
        if (text_equal_nocase(names->names[i], word))
            return names->names[i];
        if (is_last_word(names->names[i], word) &&
            (by_last_word == NULL || strcmp(names->names[i], by_last_word) < 0))
            by_last_word = names->names[i];
    }
    return by_last_word != NULL
               ? by_last_word
               : text_nearest(word, (const char *const *)names->names, names->count);
}

char *zone_folder_nearest(const char *name)
{
    struct names names = {0};
    char *word = memory_copy_string(name);

    for (char *c = word; *c != '\0'; c++) {
        if (*c == ' ') /* "New York" */
            *c = '_';
    }
    add_name(&names, memory_copy_string("UTC"));
    walk(&names, "", 1);

    char *nearest = memory_copy_string(find_nearest(&names, word));

    for (size_t i = 0; i < names.count; i++)
        free(names.names[i]);
    free(names.names);
    free(word);
    return nearest;
}
