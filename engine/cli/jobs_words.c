/* engine/cli/jobs_words.c - what of the command line counts for the runs of jobs, too. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "cli/jobs.h"
#include "run/config.h"

static const struct option *find_option(const struct option *table, const char *word,
                                        size_t length)
{
    for (; table->name != NULL; table++) {
        if (strlen(table->name) == length && strncmp(table->name, word, length) == 0)
            return table;
    }
    return NULL;
}

/* The option of a word in the tables, ended by NULL; or NULL. */
static const struct option *look_up(const struct option *const *tables, const char *word)
{
    const struct option *option = NULL;

    while (option == NULL && *tables != NULL)
        option = find_option(*tables++, word, strcspn(word, "="));
    return option;
}

static void add_word(cJSON *words, const char *word)
{
    cJSON_AddItemToArray(words, cJSON_CreateString(word));
}

static void add_pair(cJSON *words, const char *name, const char *value)
{
    add_word(words, name);
    add_word(words, value);
}

/* The same file or folder for a process that works elsewhere. Owned by the caller. */
static char *name_place(const char *path)
{
    char here[PATH_MAX];

    return path[0] == '/' || getcwd(here, sizeof here) == NULL
               ? memory_copy_string(path)
               : memory_format("%s/%s", here, path);
}

/* `value` is NULL of an option that takes none. */
static void add_option(cJSON *words, const struct option *option, const char *value)
{
    char *path = NULL;

    if (value == NULL) {
        add_word(words, option->name);
        return;
    }
    if (strcmp(option->value, "FILE") == 0)
        path = name_place(value);
    add_pair(words, option->name, path != NULL ? path : value);
    free(path);
}

/* Those that were said. What is not passed on is looked up, too: its value may look like an option
 * that is. */
static void add_options(cJSON *words, const struct option *const *own, int argc,
                        char **argv)
{
    static const struct option *const passed[] = {common_options, guard_options,
                                                  profile_options, NULL};
    static const struct option *const of_store[] = {store_options, NULL};

    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const struct option *option = look_up(own, argv[i]);
        const struct option *for_runs = option == NULL ? look_up(passed, argv[i]) : NULL;

        if (option == NULL)
            option = for_runs != NULL ? for_runs : look_up(of_store, argv[i]);

        const char *equals = strchr(argv[i], '=');
        const bool takes_next = option != NULL && option->value != NULL &&
                                option->value[0] != '[' && equals == NULL;
        const char *value = equals != NULL ? equals + 1 : NULL;

        if (takes_next && i + 1 < argc)
            value = argv[++i];
        if (for_runs != NULL)
            add_option(words, for_runs, value);
    }
}

/* What of it names a place, said anew. */
static void add_places(cJSON *words, const struct settings *settings)
{
    char *path = realpath(config_path(settings->config), NULL);

    if (path != NULL)
        add_pair(words, "--config", path);
    if (settings->store != NULL) {
        char *store = strncmp(settings->store, "azblob:", 7) == 0
                          ? memory_copy_string(settings->store)
                          : name_place(settings->store);

        add_pair(words, "--store", store);
        free(store);
    }
    if (settings->lease_ms != 0) {
        char *lease = memory_format("%.3fs", (double)settings->lease_ms / 1000.0);

        add_pair(words, "--lease", lease);
        free(lease);
    }
    free(path);
}

cJSON *jobs_collect_words(const struct settings *settings,
                          const struct option *const *own, int argc, char **argv)
{
    cJSON *words = cJSON_CreateArray();

    add_options(words, own, argc, argv);
    add_places(words, settings);
    return words;
}
