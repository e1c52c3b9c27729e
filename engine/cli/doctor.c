/* engine/cli/doctor.c - moongate doctor: is everything there that onboarding needs? */
#include <stdio.h>
#include <stdlib.h>

#include "base/failure.h"
#include "cli/command.h"
#include "run/run.h"
#include "run/session.h"

enum { CONNECT_TIMEOUT_MS = 3000 };

struct doctor_command {
    struct settings settings; /* first: the shared options take it as their context */
    bool wants_help;
};

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct doctor_command *)context)->wants_help = true;
    return NULL;
}

static const struct option doctor_options[] = {{"--help", NULL, "this text", take_help},
                                               {0}};

const struct help doctor_help = {
    .usage = "moongate doctor [options]",
    .text =
        "Looks at the way to Azure and writes nothing: which credential is taken and "
        "why\n"
        "not another one, the endpoints and how fast they answer, this machine's clock,\n"
        "the subscription, its resource providers, the service and its tier, and what "
        "the\n"
        "principal may do at each scope against what onboarding does. Each finding that\n"
        "is not well comes with its cure.",
    .sections = {{NULL, doctor_options, NULL},
                 {"with the simulator", sim_options_table, NULL},
                 {"with Azure, or a `moongate sim` elsewhere", common_options, NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {0}},
    .exits = "0 all is well, 2 wrong usage, 4 something essential is missing"};

static int execute(struct doctor_command *command)
{
    char *arguments[] = {command->settings.output == OUTPUT_JSON ? "json" : "text"};
    const struct run_request request = {.code = "require 'doctor'.main(...)",
                                        .arguments = arguments,
                                        .argument_count = 1};
    struct failure *failure = NULL;

    if (command->settings.connect_timeout_ms ==
        0) /* who looks at trouble meets it often */
        command->settings.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    command->settings.output = OUTPUT_TEXT; /* the findings are the output, no events */
    command->settings.quiet = true;

    struct session *session = session_open(&command->settings, &failure);

    if (session == NULL) {
        command_complain("doctor", failure);
        return EXIT_SCRIPT_FAILED;
    }

    const int code = run_script(session, &request);

    session_close(session);
    return code;
}

int command_doctor(int argc, char **argv)
{
    static const struct option *const tables[] = {doctor_options, sim_options_table,
                                                  common_options, profile_options, NULL};
    struct doctor_command command = {.settings = {.clock_mode = CLOCK_VIRTUAL}};
    int index = 0;

    if (!options_read("doctor", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&doctor_help);
        return EXIT_DONE;
    }
    if (index < argc) {
        fprintf(stderr, "moongate doctor: unexpected word '%s'\n", argv[index]);
        return EXIT_USAGE;
    }

    const int code = command_read_settings("doctor", &command.settings)
                         ? execute(&command)
                         : EXIT_USAGE;

    command_drop_settings(&command.settings);
    return code;
}
