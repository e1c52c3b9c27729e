/* engine/cli/run.c - moongate run: execute a script. */
#include "run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/detach.h"
#include "run/carry.h"
#include "run/session.h"

struct run_command {
    struct settings settings; /* first: the shared options take it as their context */
    struct run_request request;
    bool is_detached, wants_help;
};

static char *take_code(void *context, const char *text)
{
    ((struct run_command *)context)->request.code = text;
    return NULL;
}

static char *take_detach(void *context, const char *text)
{
    (void)text;
    ((struct run_command *)context)->is_detached = true;
    return NULL;
}

static char *take_max_wall(void *context, const char *text)
{
    return option_take_duration(&((struct run_command *)context)->request.max_wall_ms,
                                text);
}

static char *take_run_id(void *context, const char *text)
{
    ((struct run_command *)context)->request.id = text;
    return run_id_is_valid(text)
               ? NULL
               : memory_format(
                     "'%s' is no id: 1 to 63 letters, digits and -._, the first "
                     "of them no dot",
                     text);
}

static char *take_slot(void *context, const char *text)
{
    int64_t *slot_ms = &((struct run_command *)context)->request.slot_ms;

    return clock_parse_utc(text, slot_ms) == 0 && *slot_ms > 0
               ? NULL
               : memory_format("'%s' is no time in UTC such as 2026-01-31T19:00:00Z",
                               text);
}

static char *take_stress(void *context, const char *text)
{
    (void)text;
    ((struct run_command *)context)->settings.stress_gc = true;
    return NULL;
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct run_command *)context)->wants_help = true;
    return NULL;
}

static const struct option run_options[] = {
    {"-e", "CODE", "run CODE instead of a script", take_code},
    {"--detach", NULL, "go on in a process of its own; the run's id is printed at once",
     take_detach},
    {"--max-wall", "TIME",
     "hand over after TIME (exit code 6); the same command takes the run on",
     take_max_wall},
    {"--run-id", "ID", "the run's id; one that is there already is carried on",
     take_run_id},
    {"--slot", "TIME", "the time that the run is for, in UTC: scripts see it as run.slot",
     take_slot},
    {"--stress-gc", NULL, "collect all garbage after each step: to find faults",
     take_stress},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help run_help = {
    .usage = "moongate run [options] SCRIPT [arguments]\n"
             "       moongate run [options] -e CODE [arguments]",
    .text =
        "Runs a Lua script; its words behind SCRIPT are the script's own (try --help\n"
        "there, too). SCRIPT is a file, or the name of a ready script such as\n"
        "bulk_onboard. Without Azure: --sim.",
    .sections =
        {{NULL, run_options, NULL},
         {"with the simulator", sim_options_table, faults_help},
         {"with Azure, or a `moongate sim` elsewhere", common_options, NULL},
         {PROFILE_TITLE, profile_options, NULL},
         {"guard rails: what a run may not do; it ends with exit code 5 when it tries",
          guard_options, NULL},
         {"where the run is kept, so that it can be carried on: from its first write on",
          store_options, NULL},
         {0}},
    .exits =
        "0 done, 1 the script failed, 2 wrong usage, 4 no credentials or\n"
        "rights, 5 a guard refused, 6 interrupted or handed over, 7 another process\n"
        "carries the run"};

static bool must_be_kept(const struct run_command *command)
{
    return command->is_detached || command->request.max_wall_ms != 0 ||
           command->request.id != NULL;
}

/* Options that only make sense together. */
static const char *check_combination(const struct run_command *command)
{
    const struct settings *settings = &command->settings;

    const char *wrong = sim_options_check(settings);

    if (wrong != NULL || !must_be_kept(command))
        return wrong;
    if (settings->store != NULL && strcmp(settings->store, "none") == 0)
        return "--detach, --max-wall and --run-id need a store";
    if (settings->sim && settings->sim_file == NULL)
        return "--detach, --max-wall and --run-id need a world that outlives the "
               "process: "
               "--sim=FILE";
    return NULL;
}

static int execute(void *context)
{
    struct run_command *command = context;
    struct run_request *request = &command->request;
    struct failure *failure = NULL;
    int code = EXIT_SCRIPT_FAILED;

    if (request->id != NULL || request->max_wall_ms != 0) {
        code = carry_or_begin(&command->settings, request, &failure);
    } else {
        struct session *session = session_open(&command->settings, &failure);

        if (session != NULL)
            code = run_script(session, request);
        session_close(session);
    }
    if (failure != NULL)
        command_complain("run", failure);
    return code;
}

static int begin(struct run_command *command)
{
    if (!command->is_detached)
        return execute(command);
    command->settings.quiet = true;
    command->request.keep = RUN_KEPT;
    command->request.kept = detach_kept;
    return detach(execute, command);
}

int command_run(int argc, char **argv)
{
    static const struct option *const tables[] = {
        run_options,   sim_options_table, common_options,
        guard_options, store_options,     profile_options,
        NULL};
    struct run_command command = {.settings = {.clock_mode = CLOCK_VIRTUAL},
                                  .request = {.keep = RUN_KEPT_WHEN_IT_WRITES}};
    int index = 0;

    if (!options_read("run", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&run_help);
        return EXIT_DONE;
    }
    if (command.request.code == NULL && index >= argc) {
        fputs("moongate run: which script? See `moongate run --help`\n", stderr);
        return EXIT_USAGE;
    }

    const char *wrong = check_combination(&command);

    if (wrong != NULL) {
        fprintf(stderr, "moongate run: %s\n", wrong);
        return EXIT_USAGE;
    }
    if (command.request.code == NULL)
        command.request.script = argv[index++];
    command.request.arguments = argv + index;
    command.request.argument_count = argc - index;

    const int code =
        command_read_settings("run", &command.settings) ? begin(&command) : EXIT_USAGE;

    command_drop_settings(&command.settings);
    return code;
}
