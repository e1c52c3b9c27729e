/* tests/check_repl_tasks.c - waits, tasks in the background and leaving at the prompt of
 * `moongate repl`. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "keys.h"
#include "repl.h"

#define P      REPL_PROMPT
#define BUSY   "sim rg-apim/contoso-apim [1]> "
#define SLEEP  "tasks.sleep('1h')"
#define CREATE "gateways.create('gw-1', {units = 1})"

/* The cursor stands alone in the row below what was typed. */
static bool is_running(const struct pty *pty, const char *unused)
{
    (void)unused;
    return pty->screen.column == 0 && pty->screen.row > 1;
}

static void await_running(void)
{
    repl_check(pty_wait_until(&repl.pty, is_running, ""), "nothing runs", "");
}

/* --- a line that waits ---------------------------------------------------------------------- */

START_TEST(a_wait_shows_what_it_waits_for_and_its_value_in_the_end)
{
    repl_start("--sim --clock 6000x --seed 1");
    repl_type("local gw = " CREATE "\r");
    repl_see("gateway gw-1  Activating");
    repl_see("gateway 'gw-1' created in");
    repl_await_prompt();
    repl_run("gw.state");
    repl_see("\"Succeeded\"");
    repl_leave();
}
END_TEST

START_TEST(ctrl_c_cancels_the_line_that_waits_and_nothing_else)
{
    repl_start("--sim --clock real --seed 1");
    repl_run("other = tasks.spawn(function() tasks.sleep('1h') end)");
    repl_type(SLEEP "\r");
    repl_see(P SLEEP "\n");
    await_running();
    repl_type(CTRL_C);
    repl_see("interrupted");
    repl_await_prompt();
    repl_run("other:status()");
    repl_see("\"waiting\"");
    repl_run("1 + 1");
    repl_see("= 2");
}
END_TEST

START_TEST(ctrl_c_stops_a_line_that_computes)
{
    repl_start("--sim --clock real --seed 1");
    repl_type("while true do end\r");
    await_running();
    repl_type(CTRL_C);
    repl_see("interrupted");
    repl_await_prompt();
    repl_run("1 + 1");
    repl_see("= 2");
    repl_leave();
}
END_TEST

START_TEST(ctrl_z_sends_a_wait_to_the_background)
{
    repl_start("--sim --clock 600x --seed 1");
    repl_type(CREATE "\r");
    repl_see("gateway gw-1  Activating");
    repl_type(CTRL_Z);
    repl_see("[1] " CREATE);
    repl_await(BUSY);
    repl_type("tasks\r");
    repl_see("gateways.create");
    repl_await(BUSY);
}
END_TEST

START_TEST(the_window_may_get_another_size_in_a_wait)
{
    repl_start("--sim --clock 600x --seed 1");
    repl_type(CREATE "\r");
    repl_see("gateway gw-1  Activating");
    pty_resize(&repl.pty, 40, 10);
    repl_see("gateway gw-1");
    pty_resize(&repl.pty, 120, 40);
    repl_see("gateway gw-1  Activating");
    repl_type(CTRL_C);
    repl_await_prompt();
    ck_assert(!pty_has(&repl.pty, "Activating"));
}
END_TEST

START_TEST(an_ampersand_sends_a_line_to_the_background)
{
    repl_start("--sim --clock 6000x --seed 1");
    repl_type(CREATE " &\r");
    repl_see("[1] " CREATE);
    repl_await(BUSY);
    repl_type("abc" LEFT);
    repl_see(BUSY "abc");
    repl_see("[1] done: " CREATE);
    repl_see("abc");
    repl_type("\x05\x15");
    repl_await_prompt();
    repl_run("_1.name");
    repl_see("\"gw-1\"");
    repl_leave();
}
END_TEST

/* --- a shell around it ---------------------------------------------------------------------- */

static bool is_going_on(const struct pty *pty, const char *unused)
{
    (void)unused;
    return pty->screen.is_pasting_bracketed && pty->screen.column == (int)strlen(P) + 2;
}

START_TEST(ctrl_z_at_the_prompt_stops_it_and_fg_goes_on)
{
    const char *words[] = {"/bin/sh", "-i", NULL};
    char *command =
        memory_format("stty -a >before; '%s' repl --sim --no-init\r", repl.moongate);
    char *before, *meanwhile;

    repl_set(memory_copy_string("PS1=sh: "));
    repl.program.words = words;
    ck_assert(pty_start(&repl.pty, &repl.program));
    repl_await("sh: ");
    repl_type(command);
    free(command);
    repl_await_prompt();
    repl_type("abc" LEFT);
    repl_see(P "abc");
    repl_type(CTRL_Z);
    repl_await("sh: ");
    repl_type("stty -a >meanwhile; echo told\r");
    repl_see("\ntold\n");
    repl_await("sh: ");
    before = repl_read("before");
    meanwhile = repl_read("meanwhile");
    ck_assert_str_eq(meanwhile, before);
    free(before);
    free(meanwhile);
    repl_type("fg\r");
    repl_check(pty_wait_until(&repl.pty, is_going_on, ""), "not drawn again", "");
    repl_type("x");
    repl_see(P "abxc");
    repl_type("\x05\x15");
    repl_await_prompt();
    repl_type(CTRL_D);
    repl_await("sh: ");
    repl_type("exit\r");
    repl_await_end(0);
}
END_TEST

/* --- output while somebody types -------------------------------------------------------------- */

START_TEST(what_tasks_print_stands_above_what_is_typed)
{
    repl_write("config/moongate/init.lua",
               "function tick()\n"
               "  tasks.spawn(function()\n"
               "    for i = 1, 3 do tasks.sleep('60s') print('tick ' .. i) end\n"
               "  end)\n"
               "end\n");
    repl_start("--sim --clock 600x --seed 1");
    repl_run("tick()");
    repl_type("abc" LEFT);
    repl_see("tick 3\n" P "ab"
             "c\n");
    ck_assert(repl.pty.screen.column == (int)strlen(P) + 2);
    repl_type("x");
    repl_see(P "abxc");
}
END_TEST

START_TEST(a_task_that_fails_says_so_above_what_is_typed)
{
    repl_start("--sim --clock 600x --seed 1");
    repl_type("tasks.sleep('5m') error('no luck') &\r");
    repl_await(BUSY);
    repl_type("abc" LEFT);
    repl_see("\n[1] failed: line 1:1: no luck\n" P "abc\n");
    ck_assert_int_eq(repl.pty.screen.column, (int)strlen(P) + 2);
}
END_TEST

static void check_lines(const char *text, int count)
{
    const char *at = strstr(text, "\nline 1\n");
    char *line;
    int number = 0;

    ck_assert_ptr_nonnull(at);
    at++;
    while (number < count && (line = pty_next_line(&at)) != NULL) {
        char *expected = memory_format("line %d", ++number);

        ck_assert_str_eq(line, expected);
        free(expected);
        free(line);
    }
    ck_assert_int_eq(number, count);
}

START_TEST(typing_goes_on_while_a_hundred_thousand_lines_are_printed)
{
    char *text;

    repl_write("config/moongate/init.lua",
               "function count()\n"
               "  tasks.spawn(function()\n"
               "    for i = 1, 100000 do\n"
               "      print('line ' .. i)\n"
               "      if i % 100 == 0 then tasks.sleep(0.002) end\n"
               "    end\n"
               "  end)\n"
               "end\n");
    repl_start("--sim --clock real --seed 1");
    repl_type("count()\r");
    repl_type("abc" LEFT);
    repl_see(P "abc");
    ck_assert(!pty_has_said(&repl.pty, "line 100000"));
    repl_type("x");
    repl_see(P "abxc");
    repl_see("line 100000\n" P "abxc\n");
    text = emulator_render(&repl.pty.screen, EMULATOR_WITH_SCROLLED);
    check_lines(text, 100000);
    free(text);
}
END_TEST

/* --- leaving with operations under way ---------------------------------------------------------- */

START_TEST(leaving_with_tasks_under_way_takes_two_ctrl_d)
{
    repl_start("--sim --clock real --seed 1");
    repl_type(SLEEP " &\r");
    repl_await(BUSY);
    repl_type(CTRL_D);
    repl_see("1 task is still under way");
    repl_see("[1] " SLEEP);
    repl_await(BUSY);
    repl_type(CTRL_D);
    repl_await_end(6);
    ck_assert(pty_is_restored(&repl.pty));
}
END_TEST

/* The run's id behind "moongate resume ". Owned by the caller. */
static char *told_run(void)
{
    char *text = emulator_render(&repl.pty.screen, EMULATOR_WITH_SCROLLED);
    const char *mark = "moongate resume ";
    const char *last = NULL;

    for (const char *at = text; (at = strstr(at, mark)) != NULL; at += strlen(mark))
        last = at + strlen(mark);
    repl_check(last != NULL, "never told", mark);

    char *run = memory_copy_text(last, strcspn(last, " `'\n."));

    free(text);
    return run;
}

static void resume(const char *run)
{
    char *log = repl_path("resume.log");
    char *command = memory_format("exec '%s' resume --store store '%s' >'%s' 2>&1",
                                  repl.moongate, run, log);
    const char *words[] = {"/bin/sh", "-c", command, NULL};
    char *text;

    pty_drop(&repl.pty);
    repl.program.words = words;
    ck_assert(pty_start(&repl.pty, &repl.program));

    const int code = pty_await_end(&repl.pty);

    text = repl_read("resume.log");
    ck_assert_msg(code == 0, "resume ended with %d: %s", code, text);
    ck_assert_msg(strstr(text, "gateway 'gw-1' created") != NULL, "%s", text);
    free(text);
    free(command);
    free(log);
}

enum way { BY_CTRL_D, BY_SIGTERM, BY_SIGHUP, BY_CLOSING, WAYS };

static void leave_by(enum way way)
{
    switch (way) {
    case BY_CTRL_D:
        repl_type(CTRL_D);
        repl_see("still under way");
        repl_await(BUSY);
        repl_type(CTRL_D);
        break;
    case BY_SIGTERM:
        kill(repl.pty.pid, SIGTERM);
        break;
    case BY_SIGHUP:
        kill(repl.pty.pid, SIGHUP);
        break;
    default:
        pty_hang_up(&repl.pty);
    }
}

static char *only_run(void)
{
    char *path = repl_path("store/runs");
    char *command = memory_format("ls '%s'", path);
    FILE *list = popen(command, "r");
    char name[256] = "";

    ck_assert_ptr_nonnull(list);
    ck_assert_ptr_nonnull(fgets(name, sizeof name, list));
    pclose(list);
    free(command);
    free(path);
    return memory_copy_text(name, strcspn(name, "\n"));
}

START_TEST(what_is_left_under_way_is_resumed)
{
    repl_start("--sim=world --store store --clock 1800x --seed 1");
    repl_type(CREATE "\r");
    repl_see("gateway gw-1  Activating");
    repl_type(CTRL_Z);
    repl_await(BUSY);
    leave_by((enum way)_i);
    repl_await_end(6);

    char *run = _i == BY_CLOSING ? only_run() : told_run();

    resume(run);
    free(run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repl_tasks");
    TCase *topic = add_case(suite, "waits", repl_begin, repl_end);

    tcase_add_test(topic, a_wait_shows_what_it_waits_for_and_its_value_in_the_end);
    tcase_add_test(topic, ctrl_c_cancels_the_line_that_waits_and_nothing_else);
    tcase_add_test(topic, ctrl_c_stops_a_line_that_computes);
    tcase_add_test(topic, ctrl_z_sends_a_wait_to_the_background);
    tcase_add_test(topic, the_window_may_get_another_size_in_a_wait);
    tcase_add_test(topic, an_ampersand_sends_a_line_to_the_background);

    topic = add_case(suite, "shell", repl_begin, repl_end);
    tcase_add_test(topic, ctrl_z_at_the_prompt_stops_it_and_fg_goes_on);

    topic = add_case(suite, "output", repl_begin, repl_end);
    tcase_add_test(topic, what_tasks_print_stands_above_what_is_typed);
    tcase_add_test(topic, a_task_that_fails_says_so_above_what_is_typed);
    tcase_add_test(topic, typing_goes_on_while_a_hundred_thousand_lines_are_printed);

    topic = add_case(suite, "leaving", repl_begin, repl_end);
    tcase_add_test(topic, leaving_with_tasks_under_way_takes_two_ctrl_d);
    tcase_add_loop_test(topic, what_is_left_under_way_is_resumed, 0, WAYS);
    return run_suite(suite);
}
