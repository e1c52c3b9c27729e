/* engine/cli/profiles.c - moongate profiles: what the configuration has. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "run/config.h"
#include "run/run.h"

struct profiles_command {
    struct settings settings; /* first: the shared options take it as their context */
    bool wants_help;
};

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct profiles_command *)context)->wants_help = true;
    return NULL;
}

static const struct option profiles_options[] = {{"--help", NULL, "this text", take_help},
                                                 {0}};

/* The fields of a profile, as options are told. */
static struct option fields[CONFIG_MOST_FIELDS + 1] = {{"", NULL, NULL, NULL}};

static void fill_fields(void)
{
    for (size_t i = 0; i < config_field_count(); i++) {
        const struct config_field field = config_field(i);

        fields[i] = (struct option){field.name, field.value, field.help, NULL};
    }
}

const struct help profiles_help = {
    .usage = "moongate profiles [options]",
    .text = "Checks the configuration and lists its profiles: names for settings that "
            "are said\n"
            "again and again. A * stands before the one that counts, a ! before those "
            "where a\n"
            "mistake would hurt. The configuration is moongate.lua in the working "
            "folder, or\n"
            "else $XDG_CONFIG_HOME/moongate/config.lua (~/.config/moongate/config.lua):\n"
            "\n"
            "    profile \"staging\" {\n"
            "      subscription = \"0b1f6471-1bf0-4dda-aec3-cb9272f09590\",\n"
            "      resource_group = \"apim\",\n"
            "      service = \"contoso-staging\",\n"
            "      max_deletes = 10,\n"
            "    }\n"
            "\n"
            "It is Lua without any library. What the command line or the environment "
            "says comes\n"
            "first; the profile \"default\" counts when no other is named. Secrets are "
            "refused.",
    .prepare = fill_fields,
    .sections = {{NULL, profiles_options, NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {"a profile may say", fields, NULL},
                 {0}},
    .exits = "0 done, 2 wrong usage, or a mistake in the configuration"};

static void print_profile(const struct config *config, size_t index, const char *chosen)
{
    const char *name = config_profile_name(config, index);
    const struct settings *settings = config_profile_settings(config, index);
    const bool counts = chosen != NULL && strcmp(chosen, name) == 0;

    printf("%c%c %s", counts ? '*' : ' ', settings->is_production ? '!' : ' ', name);
    if (settings->service != NULL)
        printf(", service %s", settings->service);
    if (settings->profile_description != NULL)
        printf(": %s", settings->profile_description);
    putchar('\n');
}

static int list(const struct settings *settings)
{
    const struct config *config = settings->config;

    if (config == NULL) {
        puts("there is no configuration; see `moongate profiles --help`");
        return EXIT_DONE;
    }
    printf("%s:\n", config_path(config));
    for (size_t i = 0; config_profile_name(config, i) != NULL; i++)
        print_profile(config, i, settings->profile);
    return EXIT_DONE;
}

int command_profiles(int argc, char **argv)
{
    static const struct option *const tables[] = {profiles_options, profile_options,
                                                  NULL};
    struct profiles_command command = {.settings = {.wants_jobs = true}};
    int index = 0;

    if (!options_read("profiles", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&profiles_help);
        return EXIT_DONE;
    }
    if (index < argc) {
        fprintf(stderr, "moongate profiles: unexpected word '%s'\n", argv[index]);
        return EXIT_USAGE;
    }

    const int code = command_read_settings("profiles", &command.settings)
                         ? list(&command.settings)
                         : EXIT_USAGE;

    command_drop_settings(&command.settings);
    return code;
}
