/* engine/cli/export.c - moongate export: write the estate as a folder. */
#include <stdint.h>
#include <stdio.h>

#include "base/failure.h"
#include "base/memory.h"
#include "cli/command.h"
#include "run/run.h"
#include "run/session.h"

enum { MOST_WORKSPACES = 200, FIRST_WORKSPACE = 4 };

struct export_command {
    struct settings settings; /* first: the shared options take it as their context */
    const char *folder;
    char *workspaces[MOST_WORKSPACES];
    int workspace_count;
    bool leaves_out_gateways, leaves_out_access, wants_help;
};

static char *take_folder(void *context, const char *text)
{
    return option_take_text(&((struct export_command *)context)->folder, text);
}

static char *take_workspace(void *context, const char *text)
{
    struct export_command *command = context;
    const char *name = NULL;
    char *wrong = option_take_text(&name, text);

    if (wrong == NULL && command->workspace_count == MOST_WORKSPACES)
        return memory_format("at most %d can be named; leave it out to export all",
                             MOST_WORKSPACES);
    if (wrong == NULL)
        command->workspaces[command->workspace_count++] = (char *)(uintptr_t)name;
    return wrong;
}

static char *take_no_gateways(void *context, const char *text)
{
    (void)text;
    ((struct export_command *)context)->leaves_out_gateways = true;
    return NULL;
}

static char *take_no_access(void *context, const char *text)
{
    (void)text;
    ((struct export_command *)context)->leaves_out_access = true;
    return NULL;
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct export_command *)context)->wants_help = true;
    return NULL;
}

static const struct option export_options[] = {
    {"--out", "DIR", "the folder: empty, new, or one of an earlier export", take_folder},
    {"--workspace", "NAME", "only this one; may be repeated", take_workspace},
    {"--no-gateways", NULL, "leave out the gateways", take_no_gateways},
    {"--no-access", NULL, "leave out who has which role", take_no_access},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help export_help = {
    .usage = "moongate export --out DIR [--workspace NAME]... [options]",
    .text =
        "Writes the workspaces of a service with all that they hold, the gateways that\n"
        "serve them and who has which role as a folder of Lua tables, policies in XML\n"
        "and API documents. onboarding.apply(DIR), or `moongate run apply --folder "
        "DIR`,\n"
        "brings it back, into the same or another service. Secrets are replaced by\n"
        "references.",
    .sections = {{NULL, export_options, NULL},
                 {"with the simulator", sim_options_table, NULL},
                 {"with Azure, or a `moongate sim` elsewhere", common_options, NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {0}}};

static int execute(struct export_command *command)
{
    const bool is_json = command->settings.output == OUTPUT_JSON;
    char *arguments[MOST_WORKSPACES + FIRST_WORKSPACE] = {
        (char *)(uintptr_t)command->folder,
        (char *)(uintptr_t)(is_json ? "json" : "text"),
        (char *)(uintptr_t)(command->leaves_out_gateways ? "false" : "true"),
        (char *)(uintptr_t)(command->leaves_out_access ? "false" : "true")};
    struct run_request request = {.code = "require 'extract'.main(...)",
                                  .arguments = arguments,
                                  .argument_count =
                                      FIRST_WORKSPACE + command->workspace_count};
    struct failure *failure = NULL;

    for (int i = 0; i < command->workspace_count; i++)
        arguments[FIRST_WORKSPACE + i] = command->workspaces[i];
    command->settings.guard.read_only = true;
    command->settings.output = OUTPUT_TEXT; /* the summary is the output, no events */
    command->settings.quiet = command->settings.quiet || is_json;

    struct session *session = session_open(&command->settings, &failure);

    if (session == NULL) {
        command_complain("export", failure);
        return EXIT_SCRIPT_FAILED;
    }

    const int code = run_script(session, &request);

    session_close(session);
    return code;
}

int command_export(int argc, char **argv)
{
    static const struct option *const tables[] = {export_options, sim_options_table,
                                                  common_options, profile_options, NULL};
    struct export_command command = {.settings = {.clock_mode = CLOCK_VIRTUAL}};
    int index = 0;

    if (!options_read("export", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&export_help);
        return EXIT_DONE;
    }
    if (index < argc || command.folder == NULL) {
        if (index < argc)
            fprintf(stderr, "moongate export: unexpected word '%s'\n", argv[index]);
        else
            fputs("moongate export: --out DIR is needed\n", stderr);
        return EXIT_USAGE;
    }

    const int code = command_read_settings("export", &command.settings)
                         ? execute(&command)
                         : EXIT_USAGE;

    command_drop_settings(&command.settings);
    return code;
}
