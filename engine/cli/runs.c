/* engine/cli/runs.c - moongate runs: what runs there are, and what becomes of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "run/run.h"
#include "run/session.h"
#include "run/watch.h"
#include "store/store.h"

enum { MOST_LISTED = 1000000, LISTED = 20, MOST_WORDS = 64 };

struct action;

struct runs_command {
    struct settings settings; /* first: the shared options take it as their context */
    const struct action *action;
    const char *words[MOST_WORDS];
    int word_count;
    uint64_t limit;
    int64_t older_ms; /* 0: whatever its age */
    uint64_t keep;
    const char *html; /* the file of a report */
    bool wants_all, wants_json, wants_help;
    bool keeps_some, takes_unfinished, is_dry, follows;
};

static char *take_all(void *context, const char *text)
{
    (void)text;
    ((struct runs_command *)context)->wants_all = true;
    return NULL;
}

static char *take_limit(void *context, const char *text)
{
    uint64_t *limit = &((struct runs_command *)context)->limit;
    char *wrong = option_take_number(limit, text, MOST_LISTED);

    return wrong == NULL && *limit == 0 ? memory_copy_string("1 or more expected")
                                        : wrong;
}

static char *take_output(void *context, const char *text)
{
    if (strcmp(text, "json") != 0 && strcmp(text, "text") != 0)
        return memory_copy_string("text or json expected");
    ((struct runs_command *)context)->wants_json = strcmp(text, "json") == 0;
    return NULL;
}

static char *take_older(void *context, const char *text)
{
    return option_take_duration(&((struct runs_command *)context)->older_ms, text);
}

static char *take_keep(void *context, const char *text)
{
    ((struct runs_command *)context)->keeps_some = true;
    return option_take_number(&((struct runs_command *)context)->keep, text, MOST_LISTED);
}

static char *take_unfinished(void *context, const char *text)
{
    (void)text;
    ((struct runs_command *)context)->takes_unfinished = true;
    return NULL;
}

static char *take_dry(void *context, const char *text)
{
    (void)text;
    ((struct runs_command *)context)->is_dry = true;
    return NULL;
}

static char *take_html(void *context, const char *text)
{
    return option_take_text(&((struct runs_command *)context)->html, text);
}

static char *take_follow(void *context, const char *text)
{
    (void)text;
    ((struct runs_command *)context)->follows = true;
    return NULL;
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct runs_command *)context)->wants_help = true;
    return NULL;
}

static const struct option runs_options[] = {{"--help", NULL, "this text", take_help},
                                             {0}};

static const struct option list_options[] = {
    {"--limit", "N", "the newest N, 20 by default", take_limit},
    {"--all", NULL, "all of them", take_all},
    {"--output", "FORMAT", "text or json", take_output},
    {0}};

static const struct option show_options[] = {
    {"--output", "FORMAT", "text or json", take_output}, {0}};

static const struct option logs_options[] = {
    {"--follow", NULL, "go on until the run ends", take_follow}, {0}};

static const struct option prune_options[] = {
    {"--older", "TIME", "only those that ended, or began, longer ago: 30d", take_older},
    {"--keep", "N", "all but the newest N", take_keep},
    {"--unfinished", NULL, "those that could be carried on, too", take_unfinished},
    {"--dry-run", NULL, "only say what would be removed", take_dry},
    {0}};

static const struct option replay_options[] = {
    {"--dry", NULL, "only say what `moongate resume` would do with each write", take_dry},
    {0}};

static const struct option report_options[] = {
    {"--html", "FILE", "where to write the page", take_html}, {0}};

const struct help runs_help = {
    .usage = "moongate runs [list] [options]\n"
             "       moongate runs show RUN [NAME...] [options]\n"
             "       moongate runs logs RUN [--follow]\n"
             "       moongate runs attach RUN\n"
             "       moongate runs cancel RUN\n"
             "       moongate runs prune [--older TIME] [--keep N] [options]\n"
             "       moongate runs replay RUN --dry\n"
             "       moongate runs report RUN --html FILE",
    .text =
        "The runs that a store has. `list` tells of each its state (running, succeeded,\n"
        "failed, interrupted, canceled, or died when nobody wrote down its end), its "
        "age\n"
        "and what it waits for. `show` tells what a run did to each resource and when, "
        "with\n"
        "the ids of its requests for a support ticket; of all resources, or of those "
        "with\n"
        "these names or ids. `logs` prints what a run said, `attach` shows it as "
        "`moongate\n"
        "run` does: Ctrl-C leaves it, and it goes on.\n\n"
        "`cancel` asks for the end of a run, for good, and waits 25 s for it: whoever\n"
        "carries it hears of that when it renews its lease. `prune` removes runs that\n"
        "succeeded or were canceled, never one that is carried. `replay --dry` says "
        "what\n"
        "`moongate resume` would do with each write. `report` writes a page of HTML "
        "that\n"
        "loads nothing: a picture of the run's timeline, and all its requests.",
    .sections = {{NULL, runs_options, NULL},
                 {"of list", list_options, NULL},
                 {"of show", show_options, NULL},
                 {"of logs", logs_options, NULL},
                 {"of prune", prune_options, NULL},
                 {"of replay", replay_options, NULL},
                 {"of report", report_options, NULL},
                 {"where runs are kept", store_options, NULL},
                 {PROFILE_TITLE, profile_options, NULL},
                 {0}},
    .exits = "0 done; 1 something is damaged, could not be looked at or not be done; 2\n"
             "wrong usage, or no such run. `attach` ends with the run's own, or 0 when\n"
             "somebody left it"};

/* --- what is done ------------------------------------------------------------------------ */

/* What the library is told, as JSON. Owned by the caller. */
static char *describe(const struct runs_command *command)
{
    cJSON *options = cJSON_CreateObject();
    char *text;

    if (command->word_count > 0)
        cJSON_AddStringToObject(options, "id", command->words[0]);
    if (command->word_count > 1)
        cJSON_AddItemToObject(
            options, "words",
            cJSON_CreateStringArray(&command->words[1], command->word_count - 1));
    if (command->wants_json)
        cJSON_AddTrueToObject(options, "json");
    if (!command->wants_all)
        cJSON_AddNumberToObject(options, "limit",
                                command->limit != 0 ? (double)command->limit : LISTED);
    if (command->older_ms != 0)
        cJSON_AddNumberToObject(options, "older", (double)command->older_ms / 1000.0);
    if (command->keeps_some)
        cJSON_AddNumberToObject(options, "keep", (double)command->keep);
    if (command->takes_unfinished)
        cJSON_AddTrueToObject(options, "unfinished");
    if (command->is_dry)
        cJSON_AddTrueToObject(options, "dry");
    if (command->html != NULL)
        cJSON_AddStringToObject(options, "html", command->html);
    text = json_print(options);
    cJSON_Delete(options);
    return text;
}

struct action {
    const char *name;
    const struct option *options; /* or NULL */
    int fewest_words, most_words; /* the run's id first */
    /* What is missing, or NULL; or no check. */
    const char *(*check)(const struct runs_command *command);
    int (*execute)(struct runs_command *command, struct session *session);
};

/* The library does it. */
static int execute_in_library(struct runs_command *command, struct session *session)
{
    char *options = describe(command);
    const int code = command_run_library(session, "require 'runs'.main(...)",
                                         command->action->name, options);

    free(options);
    return code;
}

static int watch(struct session *session, const struct watch_request *request)
{
    struct failure *failure = NULL;
    int code = watch_run(session, request, &failure);

    if (failure != NULL && strcmp(failure->code, "RunNotFound") == 0)
        code = EXIT_USAGE;
    if (failure != NULL)
        command_complain("runs", failure);
    return code;
}

static int execute_logs(struct runs_command *command, struct session *session)
{
    return watch(session, &(struct watch_request){.id = command->words[0],
                                                  .follows = command->follows,
                                                  .is_plain = true});
}

static int execute_attach(struct runs_command *command, struct session *session)
{
    return watch(session, &(struct watch_request){.id = command->words[0],
                                                  .follows = true,
                                                  .takes_exit_code = true});
}

static const char *check_prune(const struct runs_command *command)
{
    return command->older_ms == 0 && !command->keeps_some
               ? "say which: --older TIME, --keep N or both"
               : NULL;
}

static const char *check_replay(const struct runs_command *command)
{
    return command->is_dry ? NULL : "--dry is needed; `moongate resume` carries a run on";
}

static const char *check_report(const struct runs_command *command)
{
    return command->html != NULL ? NULL : "--html FILE is needed";
}

static const struct action actions[] = {
    {"list", list_options, 0, 0, NULL, execute_in_library},
    {"show", show_options, 1, MOST_WORDS, NULL, execute_in_library},
    {"logs", logs_options, 1, 1, NULL, execute_logs},
    {"attach", NULL, 1, 1, NULL, execute_attach},
    {"cancel", NULL, 1, 1, NULL, execute_in_library},
    {"prune", prune_options, 0, 0, check_prune, execute_in_library},
    {"replay", replay_options, 1, 1, check_replay, execute_in_library},
    {"report", report_options, 1, 1, check_report, execute_in_library},
    {0}};

static int execute(struct runs_command *command)
{
    struct failure *failure = NULL;
    struct session *session;
    int code = EXIT_USAGE;

    command->settings.manages_runs = true;
    if (command->settings.store != NULL && strcmp(command->settings.store, "none") == 0) {
        fputs("moongate runs: there are none where nothing is kept: --store none\n",
              stderr);
        return EXIT_USAGE;
    }
    session = session_open(&command->settings, &failure);
    if (session != NULL && session_depot(session, &failure) != NULL)
        code = command->action->execute(command, session);
    session_close(session);
    if (failure != NULL)
        command_complain("runs", failure);
    return code;
}

/* --- words ------------------------------------------------------------------------------- */

static const struct action *find_action(const char *word)
{
    const char *names[MOST_WORDS], *near;
    size_t count = 0;

    for (const struct action *action = actions; action->name != NULL; action++) {
        if (strcmp(action->name, word) == 0)
            return action;
        names[count++] = action->name;
    }
    near = text_nearest(word, names, count);
    fprintf(stderr, "moongate runs: unknown word '%s'%s%s%s; see --help\n", word,
            near != NULL ? ", did you mean '" : "", near != NULL ? near : "",
            near != NULL ? "'?" : "");
    return NULL;
}

static bool read_words(struct runs_command *command, int argc, char **argv)
{
    static const struct option none[] = {{0}};
    const struct option *const own = command->action->options;
    const struct option *const tables[] = {own != NULL ? own : none, runs_options,
                                           store_options, profile_options, NULL};
    int index = 0;

    while (options_read("runs", tables, command, argc, argv, &index) && index < argc) {
        if (command->word_count == command->action->most_words) {
            fprintf(stderr, "moongate runs %s: unexpected word '%s'\n",
                    command->action->name, argv[index]);
            return false;
        }
        command->words[command->word_count++] = argv[index++];
    }
    return index == argc;
}

static bool check_words(const struct runs_command *command)
{
    const char *name = command->action->name, *id = command->words[0];

    if (command->word_count < command->action->fewest_words) {
        fprintf(stderr, "moongate runs %s: which run? See `moongate runs`\n", name);
        return false;
    }
    if (command->word_count > 0 && (!run_id_is_valid(id) || !store_name_is_valid(id))) {
        fprintf(stderr, "moongate runs %s: '%s' is not the id of a run\n", name, id);
        return false;
    }
    const char *missing =
        command->action->check != NULL ? command->action->check(command) : NULL;

    if (missing != NULL)
        fprintf(stderr, "moongate runs %s: %s\n", name, missing);
    return missing == NULL;
}

int command_runs(int argc, char **argv)
{
    struct runs_command command = {.settings = {.clock_mode = CLOCK_REAL, .quiet = true}};
    const bool has_action = argc > 0 && argv[0][0] != '-';

    command.action = has_action ? find_action(argv[0]) : &actions[0];
    if (command.action == NULL ||
        !read_words(&command, argc - has_action, argv + has_action))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&runs_help);
        return EXIT_DONE;
    }
    if (!check_words(&command))
        return EXIT_USAGE;

    const int code =
        command_read_settings("runs", &command.settings) ? execute(&command) : EXIT_USAGE;

    command_drop_settings(&command.settings);
    return code;
}
