/* engine/cli/record.c - moongate sim --record: write what there is in Azure as a world
 * file. */
#include <stdint.h>
#include <stdio.h>

#include "base/failure.h"
#include "cli/command.h"
#include "run/run.h"
#include "run/session.h"

struct record_command {
    struct settings settings; /* first: the shared options take it as their context */
    const char *file;
    bool wants_help;
};

static char *take_record(void *context, const char *text)
{
    return option_take_text(&((struct record_command *)context)->file, text);
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct record_command *)context)->wants_help = true;
    return NULL;
}

static const struct option record_options[] = {
    {"--record", "FILE", "where to: JSON when the name ends so, else Lua", take_record},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help record_help = {
    .usage = "moongate sim --record FILE [options]",
    .text =
        "Reads a resource group with its API Management services, workspaces, gateways,\n"
        "networks and access, and writes a world file that `moongate run --sim-world "
        "FILE`\n"
        "and `moongate sim --world FILE` take. Nothing is changed, no secret is read; "
        "names\n"
        "and object ids of people are kept. What may not be read is left out and noted.",
    .sections = {{NULL, record_options, NULL},
                 {"with the simulator", sim_options_table, NULL},
                 {"with Azure, or a `moongate sim` elsewhere", common_options, NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {0}},
};

static int execute(struct record_command *command)
{
    char *arguments[] = {(char *)(uintptr_t)command->file};
    const struct run_request request = {.code = "require 'record'.main(...)",
                                        .arguments = arguments,
                                        .argument_count = 1};
    struct failure *failure = NULL;

    command->settings.guard.read_only = true;

    struct session *session = session_open(&command->settings, &failure);

    if (session == NULL) {
        command_complain("sim", failure);
        return EXIT_SCRIPT_FAILED;
    }

    const int code = run_script(session, &request);

    session_close(session);
    return code;
}

int command_record(int argc, char **argv)
{
    static const struct option *const tables[] = {record_options, sim_options_table,
                                                  common_options, profile_options, NULL};
    struct record_command command = {.settings = {.clock_mode = CLOCK_VIRTUAL}};
    int index = 0;

    if (!options_read("sim", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&record_help);
        return EXIT_DONE;
    }
    if (index < argc) {
        fprintf(stderr, "moongate sim: unexpected word '%s'\n", argv[index]);
        return EXIT_USAGE;
    }

    const int code =
        command_read_settings("sim", &command.settings) ? execute(&command) : EXIT_USAGE;

    command_drop_settings(&command.settings);
    return code;
}
