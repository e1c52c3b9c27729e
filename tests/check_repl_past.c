/* tests/check_repl_past.c - stepping into a run of the past at the prompt, on a terminal. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "repl.h"

#define STEP_3 "past 468d step 3> "
#define OVER   "past 468d over> "

/* A run that has made a workspace and two APIs and then failed. */
static void start(void)
{
    const char *words[] = {
        repl.moongate, "run",      "--sim=world",          "--store",
        "store",       "--run-id", "20261125-144610-468d", "onboard.lua",
        NULL};

    repl_write("onboard.lua",
               "local workspaces = require \"workspaces\"\n"
               "local team = \"payments\"\n"
               "local ws = workspaces.create(team)\n"
               "local count = 0\n"
               "for _, name in ipairs {\"a\", \"b\"} do\n"
               "  ws.apis:create(name, {path = name, display_name = name})\n"
               "  count = count + 1\n"
               "end\n"
               "assert(count == 3, \"no luck with \" .. team)\n"
               "print(\"all \" .. count)\n");
    repl.program.words = words;
    ck_assert(pty_start(&repl.pty, &repl.program));
    repl_await_end(1);
    repl_launch("--store store --run 20261125-144610-468d");
    repl_await(STEP_3);
}

START_TEST(a_run_of_the_past_stops_at_a_step_where_its_variables_are_seen)
{
    start();
    repl_see("stopped before step 3: create api 'b'");
    repl_see("     6    ws.apis:create(name, {path = name, display_name = name})\n");
    repl_type("team .. count .. name\r");
    repl_see("_1 = \"payments1b\"\n");
    repl_await(STEP_3);
    repl_leave();
}
END_TEST

START_TEST(a_fix_is_tried_and_the_run_goes_on_to_its_end)
{
    start();
    repl_type("count = 2\r");
    repl_see(STEP_3 "count = 2\n");
    repl_await(STEP_3);
    repl_type("\\continue\r");
    repl_see("all 3\n");
    repl_await(OVER);
    repl_leave();
}
END_TEST

START_TEST(a_run_that_is_not_there_is_told)
{
    repl_launch("--store store --run nothing");
    repl_see("there is no run 'nothing'");
    repl_await_end(2);
    ck_assert(pty_is_restored(&repl.pty));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repl_past");
    TCase *topic = add_case(suite, "past", repl_begin, repl_end);

    tcase_add_test(topic, a_run_of_the_past_stops_at_a_step_where_its_variables_are_seen);
    tcase_add_test(topic, a_fix_is_tried_and_the_run_goes_on_to_its_end);
    tcase_add_test(topic, a_run_that_is_not_there_is_told);
    return run_suite(suite);
}
