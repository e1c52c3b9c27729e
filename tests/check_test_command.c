/* tests/check_test_command.c - moongate test, as people and build servers meet it.
 *
 * Drives the binary that MOONGATE names on files of tests that are written for each. What
 * waits for a process waits until it says something; nothing sleeps to be right. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "tests/suite.h"

enum { TEST_TIMEOUT_S = 60, PATIENCE_MS = 25000 };

static char folder[] = "/tmp/check_test.XXXXXX", moongate[4096];
static struct buffer said; /* stdout and stderr of the last run */
static int code;           /* its exit code, or -1 when a signal ended it */

/* --- running -------------------------------------------------------------------------- */

static void write_file(const char *name, const char *text)
{
    char *path = memory_format("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

/* Writes NAME with `require` lines in front, which make up its first line. */
static void write_tests(const char *name, const char *text)
{
    char *whole = memory_format("local test, sim, tasks = require 'test', require 'sim', "
                                "require 'tasks'\n%s",
                                text);

    write_file(name, whole);
    free(whole);
}

static void take_status(int status)
{
    code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Runs `moongate test` in the folder, by a shell. */
__attribute__((format(printf, 1, 2))) static void run(const char *format, ...)
{
    char words[1024], piece[4096];
    va_list arguments;
    size_t count;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);

    char *command =
        memory_format("cd %s && %s test %s 2>&1 </dev/null", folder, moongate, words);
    FILE *pipe = popen(command, "r");

    ck_assert_ptr_nonnull(pipe);
    buffer_clear(&said);
    while ((count = fread(piece, 1, sizeof piece, pipe)) > 0)
        buffer_append(&said, piece, count);
    take_status(pclose(pipe));
    free(command);
}

static void says(const char *text)
{
    ck_assert_msg(said.data != NULL && strstr(said.data, text) != NULL,
                  "expected\n%s\n... in\n%s", text, said.data);
}

static void does_not_say(const char *text)
{
    ck_assert_msg(said.data == NULL || strstr(said.data, text) == NULL,
                  "unexpected\n%s\n... in\n%s", text, said.data);
}

static int count_of(const char *text)
{
    int count = 0;

    for (const char *at = said.data; at != NULL && (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void open_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char *command = memory_format("rm -rf %s", folder);

    ck_assert_int_eq(system(command), 0);
    free(command);
    buffer_deinit(&said);
}

/* --- what passes and what fails ------------------------------------------------------- */

START_TEST(tests_that_pass_end_with_0_and_their_count)
{
    write_tests("a_test.lua", "print 'not shown'\n"
                              "test.case('one', function() print 'nor this' end)\n"
                              "test.case('two', function() sim.advance '3h' end)\n");
    run("a_test.lua");
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(strncmp(said.data, "2 passed, 0 failed in ", 22), 0);
    says(", 3:00:00 simulated");
    does_not_say("not shown");
    does_not_say("nor this");
    run("--quiet a_test.lua");
    ck_assert_int_eq(code, 0);
    ck_assert_uint_eq(said.length, 0);
    run("--verbose --seed 1 a_test.lua");
    says("passed two (a_test.lua:4) ");
    says(" ms, 3:00:00 simulated\n");
}
END_TEST

START_TEST(a_test_that_fails_tells_its_difference_place_and_output)
{
    write_tests("a_test.lua", "local function helper(have)\n"
                              "  test.equal(have, {units = 3, name = 'gw'})\n"
                              "end\n"
                              "test.case('differs', function()\n"
                              "  print 'looking'\n"
                              "  helper {units = 1, name = 'gw'}\n"
                              "end)\n"
                              "test.case('is fine', function() end)\n");
    run("--seed 5 a_test.lua");
    ck_assert_int_eq(code, 1);
    says("FAILED differs (a_test.lua:5)\n"
         "  a_test.lua:3: the values differ\n"
         "    .units  have 1\n"
         "            want 3\n"
         "    from a_test.lua:7\n"
         "  it printed\n"
         "    | looking\n"
         "again: moongate test --seed 5 a_test.lua\n"
         "1 passed, 1 failed in ");
    does_not_say("stdlib/");
}
END_TEST

/* Each line is the body of a test, and what has to be said about it. */
static const struct {
    const char *body, *says;
} failures[] = {
    {"local x; x.y = 1", "a_test.lua:2: attempt to index a nil value (local 'x')"},
    {"error({}, 0)", "table: 0x"},
    {"error(setmetatable({}, {__tostring = error}))", "an error object that has no text"},
    {"require('workspaces').get 'nope'", "ResourceNotFound: The Resource"},
    {"require('run').exit(0)", "run.exit() ends a script, not a test"},
    {"tasks.spawn(function() error 'lost' end)",
     "a task failed that nobody waited for: a_test.lua:2: lost"},
    {"while true do tasks.sleep '1h' end", "no end in 1d 00:00:00 of simulated time\n"
                                           "    from a_test.lua:2"},
    {"tasks.spawn(function() while true do tasks.sleep '1h' end end)",
     "a task that it left behind has no end in 1d 00:00:00 of simulated time"},
    {"local a, b; a = tasks.spawn(function() tasks.yield() b:join() end)"
     " b = tasks.spawn(function() a:join() end)",
     "a task that it left behind has no end"},
};

START_TEST(a_failure_says_what_it_is)
{
    char *text = memory_format("test.case('x', function() %s end)\n", failures[_i].body);

    write_tests("a_test.lua", text);
    free(text);
    run("a_test.lua");
    ck_assert_int_eq(code, 1);
    says(failures[_i].says);
    says("0 passed, 1 failed");
}
END_TEST

START_TEST(a_file_that_cannot_be_loaded_fails_and_the_others_go_on)
{
    write_file("a_test.lua", "local x = = 1\n");
    write_tests("b_test.lua", "test.case('kept', function() end)\nerror 'at the top'\n");
    write_tests("c_test.lua", "test.case('good', function() end)\n");
    write_tests("d_test.lua", "test.case('x', function() end)\n"
                              "test.case('x', function() end)\n");
    run(".");
    ck_assert_int_eq(code, 1);
    says("FAILED ./a_test.lua\n  ./a_test.lua:1: unexpected symbol near '='");
    says("FAILED ./b_test.lua\n  ./b_test.lua:3: at the top");
    says("there is a test 'x' already, at ./d_test.lua:2");
    says("1 passed, 3 failed");
}
END_TEST

static const struct {
    const char *line, *says;
} mistakes[] = {
    {"test.case('x')", "test.case: a function expected, got nil"},
    {"test.case('', error)", "test.case: a name expected, one line of UTF-8, got \"\""},
    {"test.case('a\\n', error)", "a name expected"},
    {"test.case('x', {sed = 1}, error)", "did you mean 'seed'"},
    {"test.case('x', {seed = 1.5}, error)", "seed: a whole number expected, got 1.5"},
    {"test.case('x', {skip = 1}, error)", "skip: true or the reason expected, got 1"},
    {"test.case('x', {timeout = 'soon'}, error)", "'soon' is not a duration"},
    {"test.case('x', {wall = 0}, error)", "wall: more than no time expected"},
    {"test.each(1, 'x', error)", "a list of rows expected, got number"},
    {"test.before_each()", "test.before_each: a function expected, got nil"},
    {"test.world(1)", "a table or a file's name expected, got number"},
    {"test.world 'nowhere.json'", "nowhere.json: No such file"},
    {"test.world {nonsense = 1}", "nonsense"},
};

START_TEST(a_mistake_in_a_file_is_told_with_its_line)
{
    write_tests("a_test.lua", mistakes[_i].line);
    run("a_test.lua");
    ck_assert_int_eq(code, 1);
    says("FAILED a_test.lua\n  a_test.lua:2: ");
    says(mistakes[_i].says);
}
END_TEST

START_TEST(a_world_is_a_file_beside_the_tests)
{
    write_file("world.lua", "return {service = 'beside-apim'}\n");
    write_tests("a_test.lua", "test.world 'world.lua'\n"
                              "test.case('a', function()\n"
                              "  test.equal(sim.profile.service, 'beside-apim')\n"
                              "end)\n");
    run("%s/a_test.lua", folder);
    ck_assert_msg(code == 0, "%s", said.data);
}
END_TEST

START_TEST(skipped_tests_are_told_with_their_reason)
{
    write_tests("a_test.lua", "test.case('a', {skip = 'later'}, error)\n"
                              "test.case('b', function() test.skip 'not here' end)\n"
                              "test.case('c', {skip = true}, error)\n"
                              "test.case('d', function() end)\n");
    write_tests("b_test.lua", "test.case('e', error)\ntest.skip 'the whole file'\n");
    run("a_test.lua b_test.lua");
    ck_assert_int_eq(code, 0);
    says("skipped a (a_test.lua:2): later\n");
    says("skipped b (a_test.lua:3): not here\n");
    says("skipped c (a_test.lua:4)\n");
    says("skipped e (b_test.lua:2): the whole file\n");
    says("1 passed, 0 failed, 4 skipped");
}
END_TEST

START_TEST(only_the_marked_tests_run_and_that_is_said)
{
    write_tests("a_test.lua", "test.case('a', {only = true}, function() end)\n"
                              "test.case('b', error)\n");
    write_tests("b_test.lua", "test.case('c', error)\n");
    run(".");
    ck_assert_int_eq(code, 0);
    says("only the tests with the option `only` were run\n1 passed, 0 failed in");
}
END_TEST

/* --- formats -------------------------------------------------------------------------- */

static void write_mixed(void)
{
    write_tests("a_test.lua", "test.case('fine # 1', function() end)\n"
                              "test.case('bad \"<&>\"', function()\n"
                              "  print('a\\0b \\1\\27[31m <&> ]]> \\xff \\u{ffff} end')\n"
                              "  test.equal('<&>\\2', ']]>')\n"
                              "end)\n"
                              "test.case('left out', {skip = 'a & b # c'}, error)\n");
}

START_TEST(tap_has_a_plan_and_a_point_for_each_test)
{
    write_mixed();
    run("--output tap --jobs 1 a_test.lua");
    ck_assert_int_eq(code, 1);
    ck_assert_int_eq(strncmp(said.data, "TAP version 14\n1..3\n", 20), 0);
    says("\nok - fine \\# 1\n# ");
    says("\nnot ok - bad \"<&>\"\n# a_test.lua:3\n# a_test.lua:5: the values differ\n");
    says("\nok - left out # SKIP a & b \\# c\n");
    says("\n# it printed\n#   | a");
    for (const char *line = said.data; *line != '\0'; line = strchr(line, '\n') + 1)
        ck_assert_msg(strchr("#Tn1o", *line) != NULL, "not TAP: %s", line);
    ck_assert_int_eq(count_of("\nok - ") + count_of("\nnot ok - "), 3);
}
END_TEST

/* Whether a document is well-formed XML of elements, attributes and character references, as
 * much as the report uses of it. */
static void check_xml(const char *text)
{
    char open[16][32];
    int depth = 0;

    ck_assert_int_eq(strncmp(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", 39),
                     0);
    for (const char *at = text + 39; *at != '\0'; at++) {
        const unsigned char c = (unsigned char)*at;

        ck_assert_msg(c >= 0x20 || c == '\n', "control character %d", c);
        if (c == '&') {
            const size_t length = strcspn(at, ";");

            ck_assert_msg(length < 7 && at[length] == ';', "reference: %.20s", at);
        }
        ck_assert_msg(c != '>', "a '>' by itself: %.20s", at);
        if (c != '<')
            continue;

        const bool is_end = at[1] == '/';
        const char *name = at + 1 + is_end;
        const size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz-");
        const char *close = name + length;
        bool is_quoted = false;

        for (; *close != '>' || is_quoted; close++) {
            ck_assert_msg(*close != '\0' && *close != '<', "in a tag: %.40s", at);
            is_quoted = is_quoted != (*close == '"');
        }
        if (is_end) {
            ck_assert_int_gt(depth, 0);
            depth--;
            ck_assert_uint_eq(strlen(open[depth]), length);
            ck_assert_int_eq(strncmp(open[depth], name, length), 0);
        } else if (close[-1] != '/') {
            ck_assert_int_lt(depth, 16);
            snprintf(open[depth++], sizeof open[0], "%.*s", (int)length, name);
        }
        at = close;
    }
    ck_assert_int_eq(depth, 0);
}

START_TEST(junit_is_well_formed_whatever_tests_print)
{
    write_mixed();
    run("--output junit a_test.lua");
    ck_assert_int_eq(code, 1);
    check_xml(said.data);
    says("<testsuites name=\"moongate test\" tests=\"3\" failures=\"1\" errors=\"0\"");
    says("<testcase name=\"bad &quot;&lt;&amp;&gt;&quot;\" classname=\"a_test.lua\" "
         "file=\"a_test.lua\" line=\"3\"");
    says("<failure message=\"the values differ");
    says("<skipped message=\"a &amp; b # c\"/>");
    says("<system-out>a");
    says("&lt;&amp;&gt;");
}
END_TEST

START_TEST(junit_comes_into_a_file_beside_the_text)
{
    write_mixed();
    run("--junit out.xml a_test.lua");
    says("1 passed, 1 failed, 1 skipped");
    run("--quiet --junit out.xml --filter fine a_test.lua && cat out.xml");
    check_xml(said.data);
    says("tests=\"1\" failures=\"0\"");
    run("--junit nowhere/out.xml --filter fine a_test.lua");
    ck_assert_int_eq(code, 1);
    says("nowhere/out.xml: No such file or directory");
}
END_TEST

START_TEST(json_is_an_object_a_line)
{
    int lines = 0;

    write_mixed();
    run("--output json a_test.lua");
    for (char *line = strtok(said.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        cJSON *event = json_parse(line, strlen(line), NULL);

        ck_assert_msg(event != NULL, "not JSON: %s", line);
        ck_assert_ptr_nonnull(json_string_at(event, "event"));
        cJSON_Delete(event);
        lines++;
    }
    ck_assert_int_eq(lines, 5);
}
END_TEST

/* --- order and choice ----------------------------------------------------------------- */

static void write_many(void)
{
    write_tests("a_test.lua", "local rows = {}\n"
                              "for i = 1, 20 do rows[i] = i end\n"
                              "test.each(rows, 'number {}', {faults = 'error=0.3'}, "
                              "function()\n"
                              "  tasks.map(rows, function(i)\n"
                              "    require('workspaces').create('w' .. i)\n"
                              "  end)\n"
                              "  test.fail(sim.requests().faults .. ' faults')\n"
                              "end)\n");
}

/* The lines of the last run that name a test, joined. */
static char *names_said(void)
{
    struct buffer names = {0};

    for (char *line = strtok(said.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "FAILED ", 7) == 0 || strstr(line, " faults") != NULL)
            buffer_printf(&names, "%s\n", line);
    }
    return buffer_take(&names);
}

START_TEST(the_same_seed_gives_the_same_order_and_the_same_faults)
{
    write_many();
    run("--jobs 1 --seed 7 a_test.lua");

    char *first = names_said();

    run("--jobs 1 --seed 7 a_test.lua");

    char *second = names_said();

    run("--jobs 1 --seed 8 a_test.lua");

    char *other = names_said();

    ck_assert_str_eq(first, second);
    ck_assert_str_ne(first, other);

    run("--seed 7 --filter 'number 13$' a_test.lua");

    char *alone = names_said();

    ck_assert_int_eq(strncmp(alone, "FAILED number 13 ", 17), 0);
    ck_assert_ptr_nonnull(strstr(alone, " faults"));
    ck_assert_ptr_nonnull(strstr(first, alone));
    free(first);
    free(second);
    free(other);
    free(alone);
}
END_TEST

START_TEST(a_filter_is_a_text_or_a_pattern)
{
    write_tests("a_test.lua", "test.case('a.b', function() end)\n"
                              "test.case('axb', function() end)\n"
                              "test.case('other', function() end)\n");
    run("--filter a.b --list a_test.lua");
    ck_assert_int_eq(code, 0);
    ck_assert_str_eq(said.data, "a_test.lua:2: a.b\na_test.lua:3: axb\n");
    run("--filter '^o.*r$' --list a_test.lua");
    ck_assert_str_eq(said.data, "a_test.lua:4: other\n");
    run("--filter zzz a_test.lua");
    ck_assert_int_eq(code, 2);
    ck_assert_str_eq(said.data,
                     "moongate test: there is no test whose name matches 'zzz'\n");
    run("--filter '[' a_test.lua");
    ck_assert_int_eq(code, 2);
    says("moongate test: --filter: '[': malformed pattern");
}
END_TEST

START_TEST(fail_fast_begins_nothing_after_a_failure)
{
    write_tests("a_test.lua",
                "test.each({1, 2, 3, 4, 5}, '{}', function() test.fail() end)\n");
    run("--fail-fast --jobs 1 a_test.lua");
    ck_assert_int_eq(code, 1);
    ck_assert_int_eq(count_of("FAILED "), 1);
    says("stopped at the first failure; the rest was not run\n");
    says("0 passed, 1 failed, 4 not run");
    run("--fail-fast --jobs 1 --output tap a_test.lua");
    ck_assert_int_eq(count_of("# SKIP not run\n"), 4);
}
END_TEST

START_TEST(folders_are_searched_for_names_of_tests)
{
    write_tests("test_a.lua", "test.case('a', function() end)\n");
    write_tests("b_test.lua", "test.case('b', function() end)\n");
    write_tests("spec_c.lua", "test.case('c', function() end)\n");
    write_file("helper.lua", "error 'not a test'\n");
    run("--list .");
    ck_assert_str_eq(said.data,
                     "./b_test.lua:2: b\n./spec_c.lua:2: c\n./test_a.lua:2: a\n");
    run("--list helper.lua");
    ck_assert_int_eq(code, 1);
    says("helper.lua:1: not a test");
}
END_TEST

START_TEST(wrong_usage_ends_with_2)
{
    static const struct {
        const char *words, *says;
    } wrong[] = {
        {"", "which files?"},
        {"nowhere.lua", "nowhere.lua: No such file or directory"},
        {".", "no test files there"},
        {"--jobs 0 .", "--jobs: at least 1"},
        {"--jobs 65 .", "'65' is not a whole number from 0 to 64"},
        {"--output xml .", "'xml' is not text, tap, junit or json"},
        {"--timeout soon .", "'soon' is not a duration"},
        {"--sim-faults x=1 .", "--sim-faults: "},
        {"--fitler x .", "did you mean '--filter'?"},
        {"empty.lua", "there is no test\n"},
    };

    write_file("empty.lua", "");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        run("%s", wrong[i].words);
        ck_assert_int_eq(code, 2);
        says(wrong[i].says);
    }
}
END_TEST

START_TEST(options_of_the_command_reach_each_simulator)
{
    write_file("world.json", "{\"service\": \"other-apim\"}");
    write_tests("a_test.lua", "test.case('a', function()\n"
                              "  test.equal(sim.profile.service, 'other-apim')\n"
                              "  test.raises('Timeout', tasks.timeout, '1m',\n"
                              "              require('workspaces').list)\n"
                              "  test.ok(sim.requests().throttled > 0)\n"
                              "end)\n");
    run("--world world.json --sim-faults throttle=1 a_test.lua");
    ck_assert_msg(code == 0, "%s", said.data);
    run("--world nowhere.json a_test.lua");
    ck_assert_int_eq(code, 1);
    says("nowhere.json");
}
END_TEST

START_TEST(a_test_file_run_as_a_script_says_what_it_is)
{
    write_file("a.lua", "require('test').case('x', error)\n");
    run("--help >/dev/null; %s run --sim a.lua", moongate);
    says("a.lua:1: test.case works in a file that `moongate test` runs");
    run("--help >/dev/null; %s run -e 'require \"sim\"'", moongate);
    says("there is no simulator in this run: `moongate test` and `moongate run --sim` "
         "have "
         "one");
}
END_TEST

/* --- processes ------------------------------------------------------------------------ */

START_TEST(jobs_run_at_the_same_time)
{
    /* each waits for the file that the other one writes */
    write_tests("a_test.lua", "local folder = arg[0]:match '^(.*)/'\n"
                              "local function meet(own, other)\n"
                              "  assert(io.open(folder .. '/' .. own, 'w')):close()\n"
                              "  while not io.open(folder .. '/' .. other) do end\n"
                              "end\n"
                              "test.case('left', function() meet('l', 'r') end)\n"
                              "test.case('right', function() meet('r', 'l') end)\n");
    run("--jobs 2 ./a_test.lua");
    ck_assert_msg(code == 0, "%s", said.data);
}
END_TEST

START_TEST(a_test_that_computes_for_ever_is_stopped_where_it_is)
{
    write_tests("a_test.lua", "test.case('busy', {wall = '100ms'}, function()\n"
                              "  while true do\n"
                              "    pcall(function()\n"
                              "      while true do end\n"
                              "    end)\n"
                              "  end\n"
                              "end)\n"
                              "test.case('fine', function() end)\n");
    run("--jobs 1 a_test.lua");
    ck_assert_int_eq(code, 1);
    says("no end in 100 ms of the machine's time\n    from a_test.lua:5");
    says("1 passed, 1 failed");
}
END_TEST

/* A program with a pipe from its stdout and stderr. */
struct program {
    pid_t pid;
    int out;
};

static struct program start(const char *option, const char *value)
{
    struct program p;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    p.pid = fork();
    ck_assert_int_ge(p.pid, 0);
    if (p.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        if (chdir(folder) == 0)
            execl(moongate, moongate, "test", option, value, "a_test.lua", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    p.out = ends[0];
    return p;
}

static void finish(struct program *p)
{
    char piece[4096];
    ssize_t count;
    int status;

    buffer_clear(&said);
    while ((count = read(p->out, piece, sizeof piece)) > 0)
        buffer_append(&said, piece, (size_t)count);
    close(p->out);
    ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
    take_status(status);
}

/* A test's process tells that it is there by opening this pipe for writing. */
static int open_meeting(void)
{
    char *path = memory_format("%s/meeting", folder);
    char *command = memory_format("mkfifo %s", path);

    ck_assert_int_eq(system(command), 0);
    free(command);

    FILE *fifo = fopen(path, "r+"); /* so that neither side waits for the other */

    ck_assert_ptr_nonnull(fifo);
    free(path);

    const int fd = dup(fileno(fifo));

    fclose(fifo);
    return fd;
}

static void wait_for(int fd)
{
    struct pollfd meeting = {.fd = fd, .events = POLLIN};
    char byte;

    ck_assert_int_eq(poll(&meeting, 1, PATIENCE_MS), 1);
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

static const char meets[] = "local function meet()\n"
                            "  local file <close> = io.open('meeting', 'w')\n"
                            "  file:write 'x'\n"
                            "end\n";

static void write_endless(void)
{
    char *text = memory_format("%stest.case('endless', function()\n"
                               "  meet()\n"
                               "  while true do end\n"
                               "end)\n"
                               "test.case('fine', function() end)\n",
                               meets);

    write_tests("a_test.lua", text);
    free(text);
}

/* The first process whose parent this is, by /proc. */
static pid_t child_of(pid_t parent)
{
    char *path = memory_format("/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "r");
    int child = 0;

    free(path);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &child), 1);
    fclose(file);
    return child;
}

START_TEST(a_worker_that_dies_fails_its_test_alone)
{
    const int meeting = (write_endless(), open_meeting());
    struct program p = start("--jobs", "1");

    wait_for(meeting);
    kill(child_of(p.pid), SIGABRT); /* a sanitizer would catch SIGSEGV */
    finish(&p);
    ck_assert_int_eq(code, 1);
    says("FAILED endless");
    says("the process that ran it was ended by signal 6 (Aborted)");
    says("1 passed, 1 failed");
    close(meeting);
}
END_TEST

START_TEST(an_interrupt_ends_all_and_reports)
{
    const int meeting = (write_endless(), open_meeting());
    struct program p = start("--jobs", "1");

    wait_for(meeting);

    const pid_t worker = child_of(p.pid);

    kill(p.pid, SIGINT);
    finish(&p);
    ck_assert_int_eq(code, 6);
    says("interrupted; the rest was not run\n");
    says(" 0 failed, ");
    ck_assert(kill(worker, 0) != 0 && errno == ESRCH);
    close(meeting);
}
END_TEST

START_TEST(a_worker_that_has_lost_its_parent_ends)
{
    char *text = memory_format("%stest.case('waits for no parent', function()\n"
                               "  meet()\n"
                               "  while io.open 'go' == nil do end\n"
                               "  meet()\n"
                               "end)\n",
                               meets);
    const int meeting = open_meeting();

    write_tests("a_test.lua", text);
    free(text);

    struct program p = start("--jobs", "1");

    wait_for(meeting);
    kill(p.pid, SIGKILL);
    write_file("go", "");
    wait_for(meeting);
    finish(&p); /* reads until the last process has closed the pipe */
    ck_assert_int_eq(code, -1);
    close(meeting);
}
END_TEST

/* --- the suite ------------------------------------------------------------------------ */

static TCase *add_topic(Suite *suite, const char *name)
{
    TCase *topic = tcase_create(name);

    tcase_add_checked_fixture(topic, open_folder, remove_folder);
    tcase_set_timeout(topic, TEST_TIMEOUT_S);
    suite_add_tcase(suite, topic);
    return topic;
}

int main(void)
{
    const char *binary = getenv("MOONGATE");
    Suite *suite = suite_create("test command");

    if (realpath(binary != NULL ? binary : "build/moongate", moongate) == NULL) {
        perror("MOONGATE");
        return 1;
    }

    TCase *results = add_topic(suite, "results");

    tcase_add_test(results, tests_that_pass_end_with_0_and_their_count);
    tcase_add_test(results, a_test_that_fails_tells_its_difference_place_and_output);
    tcase_add_loop_test(results, a_failure_says_what_it_is, 0,
                        (int)(sizeof failures / sizeof failures[0]));
    tcase_add_test(results, a_file_that_cannot_be_loaded_fails_and_the_others_go_on);
    tcase_add_loop_test(results, a_mistake_in_a_file_is_told_with_its_line, 0,
                        (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(results, a_world_is_a_file_beside_the_tests);
    tcase_add_test(results, skipped_tests_are_told_with_their_reason);
    tcase_add_test(results, only_the_marked_tests_run_and_that_is_said);

    TCase *formats = add_topic(suite, "formats");

    tcase_add_test(formats, tap_has_a_plan_and_a_point_for_each_test);
    tcase_add_test(formats, junit_is_well_formed_whatever_tests_print);
    tcase_add_test(formats, junit_comes_into_a_file_beside_the_text);
    tcase_add_test(formats, json_is_an_object_a_line);

    TCase *choice = add_topic(suite, "order and choice");

    tcase_add_test(choice, the_same_seed_gives_the_same_order_and_the_same_faults);
    tcase_add_test(choice, a_filter_is_a_text_or_a_pattern);
    tcase_add_test(choice, fail_fast_begins_nothing_after_a_failure);
    tcase_add_test(choice, folders_are_searched_for_names_of_tests);
    tcase_add_test(choice, wrong_usage_ends_with_2);
    tcase_add_test(choice, options_of_the_command_reach_each_simulator);
    tcase_add_test(choice, a_test_file_run_as_a_script_says_what_it_is);

    TCase *processes = add_topic(suite, "processes");

    tcase_add_test(processes, jobs_run_at_the_same_time);
    tcase_add_test(processes, a_test_that_computes_for_ever_is_stopped_where_it_is);
    tcase_add_test(processes, a_worker_that_dies_fails_its_test_alone);
    tcase_add_test(processes, an_interrupt_ends_all_and_reports);
    tcase_add_test(processes, a_worker_that_has_lost_its_parent_ends);

    return run_suite(suite);
}
