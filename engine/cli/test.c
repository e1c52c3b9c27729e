/* engine/cli/test.c - moongate test: run files of tests. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "cli/command.h"
#include "run/run.h"
#include "test/pool.h"
#include "test/report.h"
#include "test/runner.h"

struct test_command {
    struct settings settings; /* first: the shared options take it as their context */
    struct test_request request;
    bool has_seed, wants_help;
};

enum { DEFAULT_TIMEOUT_MS = 24 * 3600 * 1000, DEFAULT_WALL_MS = 60 * 1000 };

static char *take_filter(void *context, const char *text)
{
    return option_take_text(&((struct test_command *)context)->request.filter, text);
}

static char *take_world(void *context, const char *text)
{
    return option_take_text(&((struct test_command *)context)->settings.sim_world, text);
}

static char *take_faults(void *context, const char *text)
{
    return option_take_faults(&((struct test_command *)context)->settings.sim_faults,
                              text);
}

static char *take_junit(void *context, const char *text)
{
    return option_take_text(&((struct test_command *)context)->request.junit_file, text);
}

static char *take_seed(void *context, const char *text)
{
    struct test_command *command = context;

    command->has_seed = true;
    return option_take_number(&command->request.seed, text, UINT64_MAX);
}

static char *take_jobs(void *context, const char *text)
{
    uint64_t jobs = 0;
    char *wrong = option_take_number(&jobs, text, POOL_MOST_WORKERS);

    if (wrong == NULL && jobs == 0)
        wrong = memory_copy_string("at least 1");
    ((struct test_command *)context)->request.jobs = (unsigned)jobs;
    return wrong;
}

static char *take_timeout(void *context, const char *text)
{
    return option_take_duration(&((struct test_command *)context)->request.timeout_ms,
                                text);
}

static char *take_wall(void *context, const char *text)
{
    return option_take_duration(&((struct test_command *)context)->request.wall_limit_ms,
                                text);
}

static char *take_output(void *context, const char *text)
{
    static const struct {
        const char *name;
        const struct report *report;
    } reports[] = {{"text", &report_text},
                   {"tap", &report_tap},
                   {"junit", &report_junit},
                   {"json", &report_json}};

    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        if (strcmp(reports[i].name, text) == 0) {
            ((struct test_command *)context)->request.report = reports[i].report;
            return NULL;
        }
    }
    return memory_format("'%s' is not text, tap, junit or json", text);
}

static char *take_list(void *context, const char *text)
{
    (void)text;
    ((struct test_command *)context)->request.is_list = true;
    return NULL;
}

static char *take_fail_fast(void *context, const char *text)
{
    (void)text;
    ((struct test_command *)context)->request.is_fail_fast = true;
    return NULL;
}

static char *take_quiet(void *context, const char *text)
{
    (void)text;
    ((struct test_command *)context)->request.is_quiet = true;
    return NULL;
}

static char *take_verbose(void *context, const char *text)
{
    (void)text;
    ((struct test_command *)context)->request.is_verbose = true;
    return NULL;
}

static char *take_stress(void *context, const char *text)
{
    (void)text;
    ((struct test_command *)context)->settings.stress_gc = true;
    return NULL;
}

static char *take_help(void *context, const char *text)
{
    (void)text;
    ((struct test_command *)context)->wants_help = true;
    return NULL;
}

static const struct option choosing_options[] = {
    {"--filter", "PATTERN", "only tests whose name has this in it, or matches it",
     take_filter},
    {"--list", NULL, "say which tests there are, and run none", take_list},
    {"--seed", "N", "of the tests' order and of their simulators; else by chance",
     take_seed},
    {"--jobs", "N", "run so many at once; else as many as the machine has cores",
     take_jobs},
    {"--fail-fast", NULL, "begin no other test once one has failed", take_fail_fast},
    {0}};

static const struct option running_options[] = {
    {"--world", "FILE", "what each test's simulated world holds", take_world},
    {"--sim-faults", "LIST", "what shall go wrong, such as throttle=0.1,reset=0.05",
     take_faults},
    {"--timeout", "TIME", "fail a test after so much simulated time, 24h by default",
     take_timeout},
    {"--wall-limit", "TIME", "the same of the machine's time, 60s by default", take_wall},
    {"--allow-net", "HOST", "let tests ask HOST, too, without a token (repeatable)",
     option_take_allowed_host},
    {"--stress-gc", NULL, "collect all garbage after each step: to find faults",
     take_stress},
    {0}};

static const struct option telling_options[] = {
    {"--output", "FORMAT", "text, tap, junit (XML), or json: one event a line",
     take_output},
    {"--junit", "FILE", "write JUnit's XML to FILE, too", take_junit},
    {"--verbose", NULL, "a line for each test that passed, too", take_verbose},
    {"--quiet", NULL, "only failures", take_quiet},
    {"--log-level", "LEVEL", "error, warning (the default), info or debug",
     option_take_log_level},
    {"--help", NULL, "this text", take_help},
    {0}};

const struct help test_help = {
    .usage = "moongate test [options] FILE|FOLDER...",
    .text =
        "Runs Lua files of tests (see `moongate doc test`). Each test gets an "
        "interpreter\n"
        "and a simulator of its own, whose time jumps when everything waits (`moongate "
        "doc\n"
        "sim`). In a folder, at any depth, files count whose names begin with test_ or\n"
        "spec_ or end with _test.lua or _spec.lua. What a test prints is shown when it\n"
        "fails.",
    .sections = {{"which tests, in which order", choosing_options, NULL},
                 {"how they run", running_options, faults_help},
                 {"what is said about them, on stdout", telling_options, NULL},
                 {0}},
    .exits = "0 all passed, 1 a test failed, 2 wrong usage or no test there,\n"
             "6 interrupted"};

/* A word as a shell reads it. */
static void append_word(struct buffer *text, const char *word)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "_-./=:,+%@";

    buffer_append_char(text, ' ');
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        buffer_append_string(text, word);
        return;
    }
    buffer_append_char(text, '\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            buffer_append_string(text, "'\\''");
        else
            buffer_append_char(text, *word);
    }
    buffer_append_char(text, '\'');
}

/* The command that runs the same tests in the same order, owned by the caller. */
static char *format_again(const struct test_command *command, int argc, char **argv)
{
    struct buffer text = {0};

    buffer_append_string(&text, "moongate test");
    if (!command->has_seed)
        buffer_printf(&text, " --seed %" PRIu64, command->request.seed);
    for (int i = 0; i < argc; i++)
        append_word(&text, argv[i]);
    return buffer_take(&text);
}

static void choose_seed(struct test_command *command)
{
    if (command->has_seed)
        return;

    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    /* few digits are enough, and easier to type */
    command->request.seed =
        ((uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec / 1000) % 1000000;
}

static void choose_jobs(struct test_command *command)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (command->request.jobs == 0)
        command->request.jobs = cores < 1                   ? 1
                                : cores > POOL_MOST_WORKERS ? POOL_MOST_WORKERS
                                                            : (unsigned)cores;
}

int command_test(int argc, char **argv)
{
    static const struct option *const tables[] = {choosing_options, running_options,
                                                  telling_options, NULL};
    struct test_command command = {.settings = {.sim = true,
                                                .clock_mode = CLOCK_VIRTUAL,
                                                .quiet = true,
                                                .may_switch = true},
                                   .request = {.report = &report_text,
                                               .timeout_ms = DEFAULT_TIMEOUT_MS,
                                               .wall_limit_ms = DEFAULT_WALL_MS}};
    int index = 0;

    if (!options_read("test", tables, &command, argc, argv, &index))
        return EXIT_USAGE;
    if (command.wants_help) {
        help_print(&test_help);
        return EXIT_DONE;
    }
    if (index >= argc) {
        fputs("moongate test: which files? See `moongate test --help`\n", stderr);
        return EXIT_USAGE;
    }
    choose_seed(&command);
    choose_jobs(&command);

    char *again = format_again(&command, argc, argv);

    command.request.settings = &command.settings;
    command.request.paths = argv + index;
    command.request.path_count = argc - index;
    command.request.again = again;

    const int code = runner_run(&command.request);

    free(again);
    return code;
}
