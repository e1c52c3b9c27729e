/* engine/cli/resume.c - moongate resume: carry a run on. */
#include <stdio.h>

#include "base/failure.h"
#include "cli/command.h"
#include "run/carry.h"
#include "run/run.h"

struct resume_command {
    struct settings settings; /* first: the shared options take it as their context */
    struct carry_request request;
    bool wants_help;
};

static char *take_script(void *context, const char *text)
{
    return option_take_text(&((struct resume_command *)context)->request.script, text);
}

static char *take_max_wall(void *context, const char *text)
{
    return option_take_duration(&((struct resume_command *)context)->request.max_wall_ms,
                                text);
}

static char *take_repeat_lost(void *context, const char *text)
{
    (void)text;
    ((struct resume_command *)context)->settings.repeats_lost = true;
    return NULL;
}

static char *take_cut_damaged(void *context, const char *text)
{
    (void)text;
    ((struct resume_command *)context)->request.cuts_damaged = true;
    return NULL;
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct resume_command *)context)->wants_help = true;
    return NULL;
}

static const struct option resume_options[] = {
    {"--script", "FILE", "go on with this script instead of the run's own", take_script},
    {"--max-wall", "TIME", "hand over after TIME: exit code 6", take_max_wall},
    {"--repeat-lost", NULL,
     "send again what may have been sent, when it cannot be looked up (POST)",
     take_repeat_lost},
    {"--cut-damaged", NULL, "cut a damaged journal there; the rest is looked up",
     take_cut_damaged},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help resume_help = {
    .usage = "moongate resume [options] RUN",
    .text =
        "Carries a run on that was interrupted, failed or died, on this host or another\n"
        "one that has the same store. Its script runs again from the top: writes that\n"
        "were done are answered from the journal, those under way are waited for, and\n"
        "the others are sent. Settings are those that the run began with, but for what\n"
        "is said here.",
    .sections = {{NULL, resume_options, NULL},
                 {"where runs are kept", store_options, NULL},
                 {"with Azure, or a `moongate sim` elsewhere", common_options, NULL},
                 {"guard rails: what the run may not do from here on", guard_options,
                  NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {0}},
    .exits = "as of `moongate run`, and 7 another process carries the run"};

/* Options may stand on both sides of the run. */
static bool read_words(const struct option *const *tables, struct resume_command *command,
                       int argc, char **argv)
{
    int index = 0;

    for (;;) {
        if (!options_read("resume", tables, command, argc, argv, &index))
            return false;
        if (index >= argc)
            return true;
        if (command->request.id != NULL) {
            fprintf(stderr, "moongate resume: one run, not '%s', too\n", argv[index]);
            return false;
        }
        command->request.id = argv[index++];
    }
}

int command_resume(int argc, char **argv)
{
    static const struct option *const tables[] = {resume_options,  store_options,
                                                  common_options,  guard_options,
                                                  profile_options, NULL};
    struct resume_command command = {.settings = {.clock_mode = CLOCK_VIRTUAL}};
    struct failure *failure = NULL;
    int code = EXIT_USAGE;

    if (!read_words(tables, &command, argc, argv))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&resume_help);
        return EXIT_DONE;
    }
    if (command.request.id == NULL) {
        fputs("moongate resume: which run? See `moongate runs`\n", stderr);
        return EXIT_USAGE;
    }
    if (!run_id_is_valid(command.request.id)) {
        fprintf(stderr, "moongate resume: '%s' is not the id of a run\n",
                command.request.id);
        return EXIT_USAGE;
    }
    if (command_read_sign_in("resume", &command.settings))
        code = carry_on(&command.settings, &command.request, &failure);
    if (failure != NULL)
        command_complain("resume", failure);
    command_drop_settings(&command.settings);
    return code;
}
