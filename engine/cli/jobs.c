/* engine/cli/jobs.c - moongate jobs: what is due when, what became of it, and the scheduler. */
#include "cli/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "run/config.h"
#include "run/job.h"
#include "run/run.h"
#include "run/session.h"

enum { MOST_LISTED = 10000, NEXT_SLOTS = 10, LISTED = 20, LONGEST_REASON = 500 };

struct action;

struct jobs_command {
    struct settings settings; /* first: the shared options take it as their context */
    const struct action *action;
    int argc; /* what is behind the action's name */
    char **argv;
    const char **names;
    size_t name_count;
    uint64_t count, limit;
    int64_t slot_ms, from_ms, to_ms;
    const char *reason;
    bool has_slot, has_from, has_to;
    bool repeats, wants_json, wants_help;
};

/* --- options ----------------------------------------------------------------------------- */

static char *take_some(uint64_t *to, const char *text)
{
    char *wrong = option_take_number(to, text, MOST_LISTED);

    return wrong == NULL && *to == 0 ? memory_copy_string("1 or more expected") : wrong;
}

static char *take_count(void *context, const char *text)
{
    return take_some(&((struct jobs_command *)context)->count, text);
}

static char *take_limit(void *context, const char *text)
{
    return take_some(&((struct jobs_command *)context)->limit, text);
}

static char *take_output(void *context, const char *text)
{
    struct jobs_command *command = context;

    command->wants_json = strcmp(text, "json") == 0;
    return command->wants_json || strcmp(text, "text") == 0
               ? NULL
               : memory_copy_string("text or json expected");
}

static char *take_slot(void *context, const char *text)
{
    struct jobs_command *command = context;

    command->has_slot = true;
    return option_take_time(&command->slot_ms, text);
}

static char *take_from(void *context, const char *text)
{
    struct jobs_command *command = context;

    command->has_from = true;
    return option_take_time(&command->from_ms, text);
}

static char *take_to(void *context, const char *text)
{
    struct jobs_command *command = context;

    command->has_to = true;
    return option_take_time(&command->to_ms, text);
}

static char *take_again(void *context, const char *text)
{
    (void)text;
    ((struct jobs_command *)context)->repeats = true;
    return NULL;
}

static char *take_reason(void *context, const char *text)
{
    const size_t length = strlen(text);

    if (length > LONGEST_REASON)
        return memory_format("the text is longer than %d bytes", LONGEST_REASON);
    if (!text_is_utf8(text, length) || text_matches(text, "[[:cntrl:]]"))
        return memory_copy_string("the text is no UTF-8, or has a control character");
    return option_take_text(&((struct jobs_command *)context)->reason, text);
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct jobs_command *)context)->wants_help = true;
    return NULL;
}

static const struct option jobs_options[] = {{"--help", NULL, "this text", take_help},
                                             {0}};

static const struct option list_options[] = {
    {"--output", "FORMAT", "text or json", take_output}, {0}};

static const struct option next_options[] = {
    {"--count", "N", "how many slots, 10 by default", take_count},
    {"--from", "TIME", "those after TIME; else after now", take_from},
    {"--output", "FORMAT", "text or json", take_output},
    {0}};

static const struct option run_options[] = {
    {"--slot", "TIME", "that slot of the schedule; else one that is now", take_slot},
    {"--from", "TIME", "with --to: the slots of a span, one after the other", take_from},
    {"--to", "TIME", "the end of the span; a slot at TIME is in it", take_to},
    {"--again", NULL, "also slots that have ended already", take_again},
    {0}};

static const struct option history_options[] = {
    {"--limit", "N", "the newest N, 20 by default", take_limit},
    {"--output", "FORMAT", "text or json", take_output},
    {0}};

static const struct option pause_options[] = {
    {"--reason", "TEXT", "why, for whoever looks at it", take_reason}, {0}};

/* The fields of a job, and of one who is told, as options are told. */
static struct option job_fields[CONFIG_MOST_FIELDS + 1] = {{"", NULL, NULL, NULL}};
static struct option notice_fields[CONFIG_MOST_FIELDS + 1] = {{"", NULL, NULL, NULL}};

static void fill(struct option *options, struct config_field (*field)(size_t index))
{
    size_t count = 0;

    for (; field(count).name != NULL; count++)
        options[count] = (struct option){field(count).name, field(count).value,
                                         field(count).help, NULL};
    options[count] = (struct option){0};
}

static void fill_fields(void)
{
    fill(job_fields, config_job_field);
    fill(notice_fields, config_notice_field);
}

const struct help jobs_help = {
    .usage =
        "moongate jobs [list] [options]\n"
        "       moongate jobs check\n"
        "       moongate jobs next [JOB...] [--count N] [--from TIME]\n"
        "       moongate jobs run JOB [--slot TIME | --from TIME --to TIME] [--again]\n"
        "       moongate jobs history JOB [--limit N]\n"
        "       moongate jobs pause JOB... [--reason TEXT]\n"
        "       moongate jobs resume JOB...\n"
        "       moongate jobs start [options]",
    .text = "Jobs are scripts that run by the clock. They are declared in the "
            "configuration,\n"
            "beside the profiles:\n"
            "\n"
            "    job \"nightly-scale\" {\n"
            "      schedule = \"0 20 * * 1-5\", timezone = \"Europe/Berlin\",\n"
            "      script = \"scale.lua\", args = {\"--units\", 1},\n"
            "      timeout = \"2h\", retries = 2, max_deletes = 0,\n"
            "      notify = {teams = {env = \"TEAMS_URL\"}, on = {\"failure\", "
            "\"recovery\"}},\n"
            "    }\n"
            "\n"
            "`list` tells of each job its next slot and how the last one ended. `check` "
            "tells\n"
            "every mistake in the configuration with its line. `next` tells the coming "
            "slots,\n"
            "earliest first, and where a shift of the clocks touches one. `run` runs a "
            "job now,\n"
            "or for a slot, or for those of a span (a backfill). `history` tells what "
            "became of\n"
            "a job's slots. A job that is paused begins no slots until it is resumed; "
            "slots of\n"
            "meanwhile are left out. `start` is the scheduler: it runs what is due until "
            "it is\n"
            "stopped, and any number of them may share a store; see `moongate jobs start "
            "--help`.\n"
            "\n"
            "TIME is such as 2027-03-27T19:00Z, 2027-03-27T20:00+01:00, 2027-03-27, or\n"
            "20270327-190000 (UTC).\n"
            "\n"
            "    moongate jobs check && moongate jobs next --count 3\n"
            "    moongate jobs run nightly-scale --slot 2027-03-26T19:00Z --again\n"
            "    moongate jobs pause nightly-scale --reason 'the move to premium v2'",
    .prepare = fill_fields,
    .sections = {{NULL, jobs_options, NULL},
                 {"of list", list_options, NULL},
                 {"of next", next_options, NULL},
                 {"of run", run_options, NULL},
                 {"of history", history_options, NULL},
                 {"of pause", pause_options, NULL},
                 {"of run, too: with Azure, or a `moongate sim` elsewhere",
                  common_options, NULL},
                 {"and guard rails, beside those of the job", guard_options, NULL},
                 {"where runs are kept", store_options, NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {"a job may say", job_fields, NULL},
                 {"who is told (notify: one such table, or a list)", notice_fields, NULL},
                 {0}},
    .exits =
        "0 done; 1 it could not be done, or a slot failed; 2 wrong usage, no such\n"
        "job or slot, or a mistake in the configuration. `run` for one slot ends with\n"
        "the run's own"};

/* --- what is done ------------------------------------------------------------------------ */

/* How the words behind an action are read. */
enum {
    TAKES_JOBS = 1, /* names of jobs */
    ONE_JOB = 2,    /* no more than one */
    NEEDS_JOB = 4,
    MAY_BE_GONE = 8, /* what was declared once can be asked for, too */
    ASKS_AZURE = 16  /* takes the options of where to work */
};

struct action {
    const char *name;
    const struct option *options; /* or NULL */
    unsigned traits;
    /* What does not fit together, or NULL; or no check. */
    const char *(*check)(const struct jobs_command *command);
    int (*execute)(struct jobs_command *command);
};

static void add_time(cJSON *options, const char *name, bool is_said, int64_t time_ms)
{
    if (is_said)
        cJSON_AddNumberToObject(options, name, (double)time_ms / 1000.0);
}

/* What the library is told, as JSON. Owned by the caller. */
static char *describe(const struct jobs_command *command)
{
    static const struct option *const own[] = {run_options, jobs_options, NULL};
    cJSON *options = cJSON_CreateObject();
    char *text;

    cJSON_AddItemToObject(
        options, "names",
        cJSON_CreateStringArray(command->names, (int)command->name_count));
    cJSON_AddNumberToObject(options, "limit",
                            command->limit != 0 ? (double)command->limit : LISTED);
    add_time(options, "slot", command->has_slot, command->slot_ms);
    add_time(options, "from", command->has_from, command->from_ms);
    add_time(options, "to", command->has_to, command->to_ms);
    if (command->wants_json)
        cJSON_AddTrueToObject(options, "json");
    if (command->repeats)
        cJSON_AddTrueToObject(options, "again");
    if (command->reason != NULL)
        cJSON_AddStringToObject(options, "reason", command->reason);
    if ((command->action->traits & ASKS_AZURE) != 0)
        cJSON_AddItemToObject(
            options, "words",
            jobs_collect_words(&command->settings, own, command->argc, command->argv));
    text = json_print(options);
    cJSON_Delete(options);
    return text;
}

/* The library does it. */
static int execute_in_session(struct jobs_command *command, struct session *session)
{
    char *options = describe(command);
    const int code = command_run_library(session, "require 'jobs'.main(...)",
                                         command->action->name, options);

    free(options);
    return code;
}

static bool have_jobs(const struct jobs_command *command, const struct config *config);

static int execute_in_library(struct jobs_command *command)
{
    struct settings *settings = &command->settings;
    struct failure *failure = NULL;
    struct session *session = NULL;
    int code = EXIT_USAGE;

    settings->manages_runs = true;
    settings->output = OUTPUT_TEXT; /* `--output json` of `run` is of the run itself */
    if (settings->store != NULL && strcmp(settings->store, "none") == 0)
        fputs("moongate jobs: nothing is known of jobs where nothing is kept: "
              "--store none\n",
              stderr);
    else if (command_read_settings("jobs", settings) &&
             have_jobs(command, settings->config))
        session = session_open(settings, &failure);
    if (session != NULL && session_depot(session, &failure) != NULL)
        code = execute_in_session(command, session);
    session_close(session);
    if (failure != NULL)
        command_complain("jobs", failure);
    command_drop_settings(settings);
    return code;
}

static int execute_check(struct jobs_command *command)
{
    return jobs_check(command->settings.config_file);
}

static int execute_next(struct jobs_command *command)
{
    struct failure *failure = NULL;
    struct config *config = config_read(command->settings.config_file, &failure);
    const int64_t now_ms = clock_machine_wall_ms();
    const struct jobs_next_request request = {
        .names = command->names,
        .name_count = command->name_count,
        .count = command->count != 0 ? (size_t)command->count : NEXT_SLOTS,
        .from_ms = command->has_from ? command->from_ms : now_ms,
        .now_ms = now_ms,
        .wants_json = command->wants_json};
    const bool is_good = failure == NULL && have_jobs(command, config);

    if (failure != NULL)
        command_complain("jobs", failure);
    if (is_good)
        jobs_print_next(config, &request);
    config_free(config);
    return is_good ? EXIT_DONE : EXIT_USAGE;
}

static const char *check_run(const struct jobs_command *command)
{
    if (command->has_from != command->has_to)
        return "--from and --to go together";
    if (command->has_slot && command->has_from)
        return "--slot is one slot, --from and --to are many";
    if (command->has_from && command->from_ms > command->to_ms)
        return "--from is later than --to";
    if (command->repeats && !command->has_slot && !command->has_from)
        return "--again needs --slot, or --from and --to";
    return NULL;
}

static const struct action actions[] = {
    {"list", list_options, 0, NULL, execute_in_library},
    {"check", NULL, 0, NULL, execute_check},
    {"next", next_options, TAKES_JOBS, NULL, execute_next},
    {"run", run_options, TAKES_JOBS | ONE_JOB | NEEDS_JOB | ASKS_AZURE, check_run,
     execute_in_library},
    {"history", history_options, TAKES_JOBS | ONE_JOB | NEEDS_JOB | MAY_BE_GONE, NULL,
     execute_in_library},
    {"pause", pause_options, TAKES_JOBS | NEEDS_JOB, NULL, execute_in_library},
    {"resume", NULL, TAKES_JOBS | NEEDS_JOB, NULL, execute_in_library},
    {0}};

static const char start_name[] = "start"; /* has options of its own, and no names */

/* --- words ------------------------------------------------------------------------------- */

static const struct action *find_action(const char *word)
{
    const char *names[sizeof actions / sizeof actions[0]], *near;
    size_t count = 0;

    for (const struct action *action = actions; action->name != NULL; action++) {
        if (strcmp(action->name, word) == 0)
            return action;
        names[count++] = action->name;
    }
    names[count++] = start_name;
    near = text_nearest(word, names, count);
    fprintf(stderr, "moongate jobs: unknown word '%s'%s%s%s; see --help\n", word,
            near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
            near != NULL ? "'?" : "");
    return NULL;
}

static bool read_words(struct jobs_command *command, int argc, char **argv)
{
    static const struct option none[] = {{0}};
    const struct action *action = command->action;
    const struct option *const tables[] = {
        action->options != NULL ? action->options : none,
        jobs_options,
        store_options,
        profile_options,
        (action->traits & ASKS_AZURE) != 0 ? common_options : none,
        (action->traits & ASKS_AZURE) != 0 ? guard_options : none,
        NULL};
    const size_t most = (action->traits & TAKES_JOBS) == 0 ? 0
                        : (action->traits & ONE_JOB) != 0  ? 1
                                                           : SIZE_MAX;
    int index = 0;

    while (options_read("jobs", tables, command, argc, argv, &index) && index < argc) {
        if (command->name_count == most) {
            fprintf(stderr, "moongate jobs %s: unexpected word '%s'\n", action->name,
                    argv[index]);
            return false;
        }
        command->names[command->name_count++] = argv[index++];
    }
    return index == argc;
}

static bool check_words(const struct jobs_command *command)
{
    const struct action *action = command->action;
    const char *wrong = action->check != NULL ? action->check(command) : NULL;

    if (command->name_count == 0 && (action->traits & NEEDS_JOB) != 0)
        wrong = "which job? See `moongate jobs`";
    if (wrong != NULL)
        fprintf(stderr, "moongate jobs %s: %s\n", action->name, wrong);
    return wrong == NULL;
}

/* Owned by the caller. */
static char *describe_near_job(const struct config *config, const char *name)
{
    const size_t count = config_job_count(config);
    const char **names = memory_new((count + 1) * sizeof *names), *near;
    char *text;

    for (size_t i = 0; i < count; i++)
        names[i] = config_job(config, i)->name;
    near = text_nearest(name, names, count);
    text = near != NULL ? memory_format(", did you mean '%s'?", near)
                        : memory_copy_string("");
    free(names);
    return text;
}

/* Whether there are the jobs that were named; if not, that is told. */
static bool have_jobs(const struct jobs_command *command, const struct config *config)
{
    const struct action *action = command->action;

    if (config == NULL) {
        command_complain("jobs", config_complain_absence(command->settings.config_file));
        return false;
    }
    for (size_t i = 0; i < command->name_count; i++) {
        const char *name = command->names[i];

        if ((action->traits & MAY_BE_GONE) != 0 ? config_is_job_name(name)
                                                : config_find_job(config, name) != NULL)
            continue;

        char *near = describe_near_job(config, name);

        fprintf(stderr, "moongate jobs %s: no job '%s' in %s%s\n", action->name, name,
                config_path(config), near);
        free(near);
        return false;
    }
    return true;
}

/* Help needs no configuration; all else is checked first. */
static int execute(struct jobs_command *command, int argc, char **argv)
{
    command->argc = argc;
    command->argv = argv;
    if (!read_words(command, argc, argv))
        return EXIT_USAGE;
    if (command->wants_help) {
        help_print(&jobs_help);
        return EXIT_DONE;
    }
    return check_words(command) ? command->action->execute(command) : EXIT_USAGE;
}

int command_jobs(int argc, char **argv)
{
    struct jobs_command command = {
        .settings = {.clock_mode = CLOCK_REAL, .quiet = true, .wants_jobs = true}};
    const bool has_action = argc > 0 && argv[0][0] != '-';
    int code;

    if (has_action && strcmp(argv[0], start_name) == 0)
        return jobs_start(argc - 1, argv + 1);
    command.action = has_action ? find_action(argv[0]) : &actions[0];
    if (command.action == NULL)
        return EXIT_USAGE;
    command.names = memory_new(((size_t)argc + 1) * sizeof *command.names);
    code = execute(&command, argc - has_action, argv + has_action);
    free(command.names);
    return code;
}
