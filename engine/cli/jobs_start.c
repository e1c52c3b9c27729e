/* engine/cli/jobs_start.c - moongate jobs start: the scheduler. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <openssl/crypto.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/jobs.h"
#include "jobs/trial.h"
#include "run/config.h"
#include "run/record.h"
#include "run/run.h"
#include "run/session.h"
#include "run/source.h"
#include "run/terminal.h"

enum {
    MOST_RUNS = 10000,
    RUNS = 64,
    GRACE_MS = 90000,
    LARGEST_TOKEN = 4096,
    SHORTEST_TOKEN = 16
};

struct start_command {
    struct settings settings; /* first: the shared options take it as their context */
    bool
        is_quiet; /* what becomes of jobs is not told; the settings' own is of our session */
    const char *listen, *token_file;
    const char *host_names; /* under which the page may be asked for, too */
    uint64_t max_runs;
    int64_t grace_ms;
    char *token; /* or NULL */
    bool is_public, wants_help;
};

static char *take_listen(void *context, const char *text)
{
    return option_take_text(&((struct start_command *)context)->listen, text);
}

static char *take_token_file(void *context, const char *text)
{
    return option_take_text(&((struct start_command *)context)->token_file, text);
}

static char *take_host_name(void *context, const char *text)
{
    if (!text_matches(text, "^[A-Za-z0-9.-]+(,[A-Za-z0-9.-]+)*$"))
        return memory_format("'%s' is no name of a host, or list of them", text);
    return option_take_text(&((struct start_command *)context)->host_names, text);
}

static char *take_public(void *context, const char *text)
{
    (void)text;
    ((struct start_command *)context)->is_public = true;
    return NULL;
}

static char *take_max_runs(void *context, const char *text)
{
    uint64_t *most = &((struct start_command *)context)->max_runs;
    char *wrong = option_take_number(most, text, MOST_RUNS);

    return wrong == NULL && *most == 0 ? memory_copy_string("1 or more expected") : wrong;
}

static char *take_grace(void *context, const char *text)
{
    return option_take_duration(&((struct start_command *)context)->grace_ms, text);
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct start_command *)context)->wants_help = true;
    return NULL;
}

static const struct option start_options[] = {
    {"--listen", "ADDRESS", "serve the status page there: 127.0.0.1:8280", take_listen},
    {"--token-file", "FILE",
     "who knows what is in it may act on the page (MOONGATE_JOBS_TOKEN)",
     take_token_file},
    {"--host-name", "NAMES", "names of the page's host behind a proxy: a.example,b",
     take_host_name},
    {"--public", NULL,
     "whoever can reach the page may read it, not only act by the token", take_public},
    {"--max-runs", "N", "so many runs at once on this host, 64 by default",
     take_max_runs},
    {"--grace", "TIME", "how long runs may take to be handed over at the end: 90s",
     take_grace},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help jobs_start_help = {
    .usage = "moongate jobs start [options]",
    .text =
        "Runs the jobs of the configuration when they are due, until SIGTERM or Ctrl-C.\n"
        "Any number of hosts may do so on one store: each slot is run once, and a run\n"
        "whose host is gone is taken up by another one. Each run is a process of its "
        "own,\n"
        "and a run like others: `moongate runs` knows it.\n\n"
        "SIGTERM begins nothing more and hands over what goes on; a second one stops at\n"
        "once. SIGHUP reads the configuration again; a broken one is told, and the old "
        "one\n"
        "stays.\n\n"
        "Guard rails and options of where to work count for every run. With --sim jobs\n"
        "work on a simulator that is there as long as this goes on, and what is kept of\n"
        "them is removed at the end, unless --store says where to keep it.",
    .sections = {{NULL, start_options, NULL},
                 {"where runs are kept", store_options, NULL},
                 {"with the simulator; its clock is real, or such as 60x",
                  sim_options_table, faults_help},
                 {"with Azure, or a `moongate sim` elsewhere", common_options, NULL},
                 {"guard rails, for every run", guard_options, NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {0}},
    .exits = "0 it was stopped, 1 the store or the address cannot be used, 2 wrong\n"
             "usage, or a mistake in the configuration, 5 the page would be for others "
             "without\n"
             "a token"};

/* --- what the library is told ------------------------------------------------------------- */

/* What the library is told, as JSON. Owned by the caller. */
static char *describe(const struct start_command *command, int argc, char **argv)
{
    static const struct option *const own[] = {start_options, sim_options_table, NULL};
    const struct settings *settings = &command->settings;
    cJSON *options = cJSON_CreateObject();
    cJSON *words = jobs_collect_words(settings, own, argc, argv);
    char *text;

    cJSON_AddItemToArray(words, cJSON_CreateString("--quiet"));
    cJSON_AddItemToObject(options, "words", words);
    cJSON_AddNumberToObject(options, "max_runs",
                            command->max_runs != 0 ? (double)command->max_runs : RUNS);
    cJSON_AddNumberToObject(
        options, "grace",
        (double)(command->grace_ms != 0 ? command->grace_ms : GRACE_MS) / 1000.0);
    cJSON_AddNumberToObject(
        options, "lease",
        (double)(settings->lease_ms != 0 ? settings->lease_ms : RECORD_LEASE_MS) /
            1000.0);
    if (command->listen != NULL)
        cJSON_AddStringToObject(options, "listen", command->listen);
    if (command->host_names != NULL)
        cJSON_AddStringToObject(options, "host_names", command->host_names);
    if (command->token != NULL)
        cJSON_AddStringToObject(options, "token", command->token);
    if (settings->sim)
        cJSON_AddTrueToObject(options, "own_clock");
    if (command->is_public)
        cJSON_AddTrueToObject(options, "public");
    if (command->is_quiet)
        cJSON_AddTrueToObject(options, "quiet");
    text = json_print(options);
    cJSON_Delete(options);
    return text;
}

/* --- the token ----------------------------------------------------------------------------- */

/* Takes the token of the file or the environment. NULL, or what is wrong, owned by the caller. */
static struct failure *read_token(struct start_command *command)
{
    const char *variable = getenv("MOONGATE_JOBS_TOKEN");
    struct failure *failure = NULL;
    size_t length = 0;

    if (command->token_file != NULL)
        command->token =
            source_read_file(command->token_file, LARGEST_TOKEN, &length, &failure);
    else if (variable != NULL && variable[0] != '\0')
        command->token = memory_copy_string(variable);
    unsetenv("MOONGATE_JOBS_TOKEN"); /* scripts can read the environment of runs */
    if (command->token == NULL)
        return failure;
    length = strcspn(command->token, "\r\n");
    command->token[length] = '\0';
    if (!text_matches(command->token, "^[!-~]*$")) /* it stands in a header, too */
        return failure_new(
            "BadSetting",
            "the token of the status page has a blank, or what is not ASCII: "
            "`openssl rand -hex 32` makes one");
    if (length >= SHORTEST_TOKEN)
        return NULL;
    return failure_new("BadSetting",
                       "the token of the status page has %zu characters, %d or more are "
                       "wanted: `openssl rand -hex 32` makes one",
                       length, SHORTEST_TOKEN);
}

/* --- running ------------------------------------------------------------------------------- */

static const char *check_combination(const struct start_command *command)
{
    const struct settings *settings = &command->settings;

    if (settings->store != NULL && strcmp(settings->store, "none") == 0)
        return "jobs need a store: it says which slots have run";
    if (settings->sim && settings->clock_mode == CLOCK_VIRTUAL)
        return "--clock: jobs go by a clock that goes by itself: real, or such as 60x";
    if (command->listen == NULL && (command->token_file != NULL ||
                                    command->host_names != NULL || command->is_public))
        return "--token-file, --host-name and --public are of the page: they need "
               "--listen";
    return sim_options_check(settings);
}

static int run_library(struct session *session, const struct start_command *command,
                       int argc, char **argv)
{
    char *options = describe(command, argc, argv);
    const int code =
        command_run_library(session, "require 'jobs_start'.main(...)", NULL, options);

    OPENSSL_cleanse(options, strlen(options)); /* the token is in them */
    free(options);
    return code;
}

/* Lines about the program, among those of the jobs. */
static void print_log(void *context, enum log_level level, const char *text)
{
    struct buffer line = {0};
    char at[CLOCK_TEXT_SIZE];

    clock_format_utc(clock_wall_ms(session_clock(context)), at);
    buffer_printf(&line, "%.19sZ %s: ", at, log_level_names[level]);
    terminal_append_visible(&line, text);
    fprintf(stderr, "%s\n", line.data);
    buffer_deinit(&line);
}

/* Opens what the library works with, and runs it. */
static int start_session(struct start_command *command, struct trial *trial, int argc,
                         char **argv, struct failure **failure)
{
    struct session *session = session_open(&command->settings, failure);
    int code = EXIT_SCRIPT_FAILED;

    if (session == NULL)
        return code;
    log_set_sink(print_log, session);
    if (trial != NULL)
        *failure = trial_serve(trial, session_loop(session));
    if (*failure == NULL && session_depot(session, failure) != NULL)
        code = run_library(session, command, argc, argv);
    if (trial != NULL)
        trial_stop(trial);
    session_close(session);
    return code;
}

static int start(struct start_command *command, int argc, char **argv)
{
    struct settings *settings = &command->settings;
    struct failure *failure = read_token(command);
    struct trial *trial = NULL;
    int code = EXIT_SCRIPT_FAILED;

    settings->manages_runs = true;
    command->is_quiet = settings->quiet;
    settings->quiet = true;
    if (failure == NULL && settings->sim)
        trial = trial_new(settings, &failure);
    if (failure == NULL)
        code = start_session(command, trial, argc, argv, &failure);
    trial_free(trial);
    if (failure != NULL) {
        code = strcmp(failure->code, "BadSetting") == 0 ? EXIT_USAGE : EXIT_SCRIPT_FAILED;
        command_complain("jobs start", failure);
    }
    if (command->token != NULL)
        OPENSSL_cleanse(command->token, strlen(command->token));
    free(command->token);
    return code;
}

static bool have_jobs(const struct settings *settings)
{
    if (settings->config == NULL) {
        command_complain("jobs start", config_complain_absence(settings->config_file));
        return false;
    }
    if (config_job_count(settings->config) > 0)
        return true;
    fprintf(stderr,
            "moongate jobs start: %s declares no job; see `moongate jobs --help`\n",
            config_path(settings->config));
    return false;
}

int jobs_start(int argc, char **argv)
{
    static const struct option *const tables[] = {
        start_options,   store_options, sim_options_table, common_options, guard_options,
        profile_options, NULL};
    struct start_command command = {
        .settings = {.clock_mode = CLOCK_REAL, .wants_jobs = true}};
    const char *wrong;
    int index = 0, code;

    if (!options_read("jobs start", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&jobs_start_help);
        return EXIT_DONE;
    }
    if (index < argc) {
        fprintf(stderr, "moongate jobs start: unexpected word '%s'\n", argv[index]);
        return EXIT_USAGE;
    }
    wrong = check_combination(&command);
    if (wrong != NULL) {
        fprintf(stderr, "moongate jobs start: %s\n", wrong);
        return EXIT_USAGE;
    }
    code = command_read_settings("jobs start", &command.settings) &&
                   have_jobs(&command.settings)
               ? start(&command, argc, argv)
               : EXIT_USAGE;
    command_drop_settings(&command.settings);
    return code;
}
