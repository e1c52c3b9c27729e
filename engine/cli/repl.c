/* engine/cli/repl.c - moongate repl: the prompt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/home.h"
#include "base/memory.h"
#include "cli/command.h"
#include "prompt/prompt.h"
#include "run/past.h"
#include "run/run.h"
#include "run/session.h"

/* As fast as people like to watch: a gateway takes some seconds. */
static const double WATCHABLE_FACTOR = 600.0;

struct repl_command {
    struct settings settings; /* first: the shared options take it as their context */
    const char *run, *step, *script; /* of the past, or NULL */
    bool has_no_init, wants_help;
};

static char *take_run(void *context, const char *text)
{
    const char **run = &((struct repl_command *)context)->run;

    *run = text;
    return run_id_is_valid(text) ? NULL
                                 : memory_format("'%s' is not the id of a run", text);
}

static char *take_step(void *context, const char *text)
{
    return option_take_text(&((struct repl_command *)context)->step, text);
}

static char *take_script(void *context, const char *text)
{
    return option_take_text(&((struct repl_command *)context)->script, text);
}

static char *take_no_init(void *context, const char *text)
{
    (void)text;
    ((struct repl_command *)context)->has_no_init = true;
    return NULL;
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct repl_command *)context)->wants_help = true;
    return NULL;
}

static const struct option repl_options[] = {
    {"--no-init", NULL, "do not run the start-up file", take_no_init},
    {"--run", "ID", "step into a run of the past, on the simulator", take_run},
    {"--step", "STEP",
     "with --run: where to stop: a number, failed (the default) or last", take_step},
    {"--script", "FILE", "with --run: run FILE instead of the run's own script",
     take_script},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help repl_help = {
    .usage = "moongate repl [options]",
    .text =
        "The prompt: type Lua and see what it gives, with completion (Tab), history and\n"
        "help (\\?). Modules are there without require. A line that waits shows what it\n"
        "waits for: Ctrl-C cancels it, Ctrl-Z sends it to the background. Ctrl-D "
        "leaves.\n"
        "The session is a run with a journal: what it leaves under way, `moongate "
        "resume`\n"
        "takes up. From a pipe, lines are run as they come, and it ends with 1 when one\n"
        "failed. First runs $XDG_CONFIG_HOME/moongate/init.lua (~/.config/moongate).\n"
        "The simulator's clock runs 600 times as fast as the machine's, unless --clock\n"
        "says otherwise.\n"
        "\n"
        "With --run the script of a run of the past runs up to a step, with answers "
        "from\n"
        "its journal; all else goes to the simulator, nothing to Azure, and nothing is\n"
        "kept. Its variables can be looked at and changed; \\? tells of \\where, "
        "\\step,\n"
        "\\continue and others. The clock is virtual, and --sim-world says what else is\n"
        "there, such as a file of `moongate sim --record`.",
    .sections =
        {{NULL, repl_options, NULL},
         {"with the simulator", sim_options_table, faults_help},
         {"with Azure, or a `moongate sim` elsewhere", common_options, NULL},
         {"guard rails: what the session may not do", guard_options, NULL},
         {"where the session is kept, so that it can be carried on: from its first write "
          "on",
          store_options, NULL},
         {PROFILE_TITLE, profile_options, NULL},
         {0}},
    .exits =
        "0 left with nothing under way, 1 a line from a pipe failed, 2 wrong usage,\n"
        "6 left or interrupted with operations under way, or what run.exit() was given"};

static int run_prompt(struct session *session, const struct prompt_options *options,
                      enum run_keep keep, struct failure **failure)
{
    struct prompt *prompt = prompt_open(session, options, failure);

    if (prompt == NULL)
        return EXIT_SCRIPT_FAILED;

    const struct run_keyboard keyboard = {.interrupted = prompt_interrupt,
                                          .dying = prompt_restore_terminal,
                                          .context = prompt};
    const struct run_request request = {.script = "repl",
                                        .code = "require('prompt').main()",
                                        .keep = keep,
                                        .keyboard = &keyboard};
    const int code = run_script(session, &request);

    prompt_close(prompt);
    return code;
}

static int run_session(const struct repl_command *command, struct past *past,
                       const struct prompt_options *options, struct failure **failure)
{
    struct session *session = session_open(&command->settings, failure);
    int code = EXIT_SCRIPT_FAILED;

    if (session != NULL && past != NULL)
        past_attach(past, session);
    if (session != NULL)
        code = run_prompt(session, options,
                          past != NULL ? RUN_NOT_KEPT : RUN_KEPT_WHEN_IT_WRITES, failure);
    session_close(session);
    return code;
}

/* What the environment says of Azure is for the way to the store; the session knows the
 * simulator alone. */
static int step_into(struct repl_command *command, const struct prompt_options *options,
                     struct failure **failure)
{
    struct settings where = command->settings;
    char *script = command->script != NULL ? realpath(command->script, NULL) : NULL;
    int code = EXIT_USAGE;
    struct past *past;

    where.sim = false;
    past = command_read_settings("repl", &where)
               ? past_open(&where, command->run, failure)
               : NULL;
    if (past != NULL) {
        past_choose(past, command->step, script != NULL ? script : command->script);
        past_fill_settings(past, &command->settings);
        code = run_session(command, past, options, failure);
    }
    past_close(past);
    command_drop_settings(&where);
    free(script);
    return code;
}

static int execute(struct repl_command *command)
{
    char *history = home_state_path("history");
    char *init = command->has_no_init ? NULL : home_config_path("init.lua");
    const struct prompt_options options = {
        .history_file = history,
        .init_file = init != NULL && access(init, F_OK) == 0 ? init : NULL};
    struct failure *failure = NULL;
    int code = EXIT_USAGE;

    if (command->run != NULL)
        code = step_into(command, &options, &failure);
    else if (command_read_settings("repl", &command->settings))
        code = run_session(command, NULL, &options, &failure);
    command_drop_settings(&command->settings);
    free(history);
    free(init);
    if (failure != NULL)
        command_complain("repl", failure);
    return code;
}

/* Whether nobody has said what the simulator's clock shall be. */
static bool has_default_clock(const struct settings *settings)
{
    return settings->clock_mode == CLOCK_SCALED &&
           settings->clock_factor == WATCHABLE_FACTOR;
}

/* Of a run that is stepped into, time that nobody waits for passes at once. */
static const char *check_past(struct repl_command *command)
{
    struct settings *settings = &command->settings;

    if (command->run == NULL)
        return command->step != NULL || command->script != NULL
                   ? "--step and --script go with --run"
                   : NULL;
    if (settings->sim_file != NULL)
        return "--run has a simulator in memory; --sim-world says what is there";
    if (settings->endpoint != NULL || settings->cloud != NULL)
        return "--run sends nothing to Azure: no --endpoint or --cloud";
    if (settings->allowed_host_count > 0)
        return "--run asks nobody but its simulator: no --allow-net";
    if (has_default_clock(settings)) {
        settings->clock_mode = CLOCK_VIRTUAL;
        settings->clock_factor = 0.0;
    }
    return NULL;
}

/* The clock's factor counts as given when it is not the one that nobody gave. */
static const char *check_combination(const struct repl_command *command)
{
    const struct settings *settings = &command->settings;
    struct settings given = *settings;

    given.sim = given.sim || command->run != NULL;
    if (has_default_clock(settings))
        given.clock_factor = 0.0;
    return sim_options_check(&given);
}

int command_repl(int argc, char **argv)
{
    static const struct option *const tables[] = {
        repl_options,  sim_options_table, common_options,
        guard_options, store_options,     profile_options,
        NULL};
    struct repl_command command = {.settings = {.clock_mode = CLOCK_SCALED,
                                                .clock_factor = WATCHABLE_FACTOR,
                                                .may_switch = true}};
    int index = 0;

    if (!options_read("repl", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&repl_help);
        return EXIT_DONE;
    }
    if (index < argc) {
        fprintf(stderr,
                "moongate repl: what is '%s'? A script is run by `moongate run`\n",
                argv[index]);
        return EXIT_USAGE;
    }

    const char *wrong = check_past(&command);

    if (wrong == NULL)
        wrong = check_combination(&command);
    if (wrong == NULL && command.settings.output == OUTPUT_JSON)
        wrong = "--output json is for scripts: `moongate run`";
    if (wrong != NULL) {
        fprintf(stderr, "moongate repl: %s\n", wrong);
        return EXIT_USAGE;
    }
    return execute(&command);
}
