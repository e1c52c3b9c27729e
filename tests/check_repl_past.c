/* tests/check_repl_past.c - `moongate repl --run` on a terminal: a run of the past is stepped into,
 * looked at, changed and left. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "repl.h"

#define AT(place) "past r1 " place "> "
#define CTRL_C    "\x03"
#define CTRL_D    "\x04"

static const char script[] =
    "local workspaces, tasks = require 'workspaces', require 'tasks'\n"
    "local title = 'Red'\n"
    "workspaces.ensure('red', {display_name = title})\n"
    "if not arg[1] then print 'it waits' end\n"
    "while not arg[1] do\n"
    "  tasks.sleep(60)\n"
    "  if workspaces.find 'green' then error 'green is there' end\n"
    "end\n"
    "print(workspaces.ensure('blue', {display_name = title}).display_name)\n";

static int run_shell(const char *command)
{
    char *whole = memory_format("cd '%s' && env -i PATH=/usr/bin:/bin %s >said 2>&1",
                                repl.home, command);
    const int status = system(whole);

    free(whole);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A run that came to its end; stepped into, its script waits for ever between its two writes. */
static void begin(void)
{
    char *command;

    repl_begin();
    repl_write("two.lua", script);
    command = memory_format("'%s' run --sim=world.db --store store --run-id r1 two.lua x",
                            repl.moongate);
    ck_assert_int_eq(run_shell(command), 0);
    ck_assert_int_eq(run_shell("sed -i 's/\"arguments\":\\[\"x\"\\]/\"arguments\":[]/' "
                               "store/runs/r1/run.json"),
                     0);
    free(command);
}

static void await_prompt(const char *prompt)
{
    repl_check(pty_wait_until(&repl.pty, repl_is_asking, prompt), "no prompt", prompt);
}

static void run_at(const char *line, const char *prompt)
{
    repl_type(line);
    repl_see(line);
    repl_type("\r");
    await_prompt(prompt);
}

START_TEST(it_stops_where_it_is_told_to_and_says_so)
{
    repl_launch("--run r1 --store store --step 1 --no-init");
    await_prompt(AT("step 1"));
    repl_see("stopped before step 1: ensure workspace 'red'; in the run: created");
    repl_see("two.lua:3 in the main chunk");
    run_at("\\steps", AT("step 1"));
    repl_see(">     1  ensure workspace 'red': created (here)");
    repl_type(CTRL_D);
    repl_await_end(0);
}
END_TEST

START_TEST(tab_knows_the_variables_of_the_frame)
{
    repl_launch("--run r1 --store store --step 1 --no-init");
    await_prompt(AT("step 1"));
    repl_type("titl\t");
    repl_see(AT("step 1") "title");
    repl_type("\r");
    repl_see("\"Red\"");
    repl_type("call.displ\t");
    repl_see("call.display_name");
    repl_type(" = 'Crimson'\r");
    await_prompt(AT("step 1"));
    run_at("\\locals", AT("step 1"));
    repl_see("(asked for) call = { display_name = \"Crimson\" }");
    repl_type(CTRL_D);
    repl_await_end(0);
}
END_TEST

START_TEST(ctrl_c_leaves_the_script_running_and_the_prompt_is_there)
{
    repl_launch("--run r1 --store store --step 1 --no-init");
    await_prompt(AT("step 1"));
    repl_type("\\continue\r");
    repl_see("it waits");
    repl_type(CTRL_C);
    await_prompt(AT("running"));
    run_at("\\where", AT("running"));
    repl_see("the script runs; \\step stops it before its next write");
    run_at("arg", AT("running"));
    repl_type("workspaces.ensure('green', {display_name = 'Green'}) and nil\r");
    repl_see("green is there"); /* the script has found it, and failed */
    repl_type("\r");
    await_prompt(AT("over"));
    run_at("\\restart", AT("step 1"));
    repl_type(CTRL_D);
    repl_await_end(0);
}
END_TEST

START_TEST(a_pipe_gives_commands_too)
{
    char *command =
        memory_format("sh -c \"printf '%s' | '%s' repl --run r1 --store store "
                      "--no-init --step 1\"",
                      "title = 1\\n\\\\\\\\locals\\n", repl.moongate);
    char *said;

    ck_assert_int_eq(run_shell(command), 0);
    said = repl_read("said");
    ck_assert_msg(strstr(said, "title = 1") != NULL, "%s", said);
    ck_assert_msg(strstr(said, "nothing is written to folder store") != NULL, "%s", said);
    free(said);
    free(command);
}
END_TEST

static const struct {
    const char *options, *says;
} wrong[] = {
    {"--step 2", "--step and --script go with --run"},
    {"--script x.lua", "--step and --script go with --run"},
    {"--run ../r1 --store store", "'../r1' is not the id of a run"},
    {"--run nope --store store", "there is no run 'nope' in folder store"},
    {"--run r1 --store store --sim=world.db", "--run has a simulator in memory"},
    {"--run r1 --store store --endpoint http://127.0.0.1:1",
     "--run sends nothing to Azure"},
    {"--run r1 --store store --allow-net example.com", "asks nobody but its simulator"},
};

START_TEST(wrong_usage_is_told)
{
    char *command = memory_format("'%s' repl --no-init %s </dev/null", repl.moongate,
                                  wrong[_i].options);
    char *said;

    ck_assert_int_eq(run_shell(command), 2);
    said = repl_read("said");
    ck_assert_msg(strstr(said, wrong[_i].says) != NULL, "%s", said);
    free(said);
    free(command);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repl --run");
    TCase *topic = add_case(suite, "at the terminal", begin, repl_end);

    tcase_add_test(topic, it_stops_where_it_is_told_to_and_says_so);
    tcase_add_test(topic, tab_knows_the_variables_of_the_frame);
    tcase_add_test(topic, ctrl_c_leaves_the_script_running_and_the_prompt_is_there);

    topic = add_case(suite, "from a pipe", begin, repl_end);
    tcase_add_test(topic, a_pipe_gives_commands_too);
    tcase_add_loop_test(topic, wrong_usage_is_told, 0, COUNT_OF(wrong));
    return run_suite(suite);
}
