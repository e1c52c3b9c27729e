/* tests/check_repl_commands.c - the commands with a backslash, help and pipes of
 * `moongate repl`. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "keys.h"
#include "repl.h"

#define P        REPL_PROMPT
#define CREATE   "ws = workspaces.create('payments', {display_name = 'Payments'})"
#define PAYMENTS "contoso-apim/workspaces/payments"

/* --- what is shown ------------------------------------------------------------------------ */

START_TEST(a_resource_is_a_card_and_a_list_a_table)
{
    repl_start_empty();
    repl_run("ws = workspaces.create('payments', {display_name = 'P'})");
    repl_run("workspaces.create('orders', {display_name = 'O'}) and nil");
    repl_type(CTRL_L);
    repl_run("ws");
    repl_run("workspaces.list()");
    repl_see_screen(P
                    "ws\n"
                    "_3 =\n"
                    "workspace payments\n"
                    "  display_name  P\n"
                    "  id            "
                    "/subscriptions/0b1f6471-1bf0-4dd…ontoso-apim/workspaces/payments\n" P
                    "workspaces.list()\n"
                    "_4 =\n"
                    "name      display_name\n"
                    "────────  ────────────\n"
                    "orders    O\n"
                    "payments  P\n"
                    "(2 workspaces)\n" P "‸\n");
    repl_leave();
}
END_TEST

START_TEST(x_shows_resources_one_by_one_and_back_again)
{
    repl_start_empty();
    repl_run("workspaces.create('orders', {display_name = 'O'}) and nil");
    repl_run("\\x");
    repl_type(CTRL_L);
    repl_run("workspaces.list()");
    repl_see("-[ 1: orders ]-");
    repl_see("  display_name | O\n");
    repl_run("\\x off");
    repl_type(CTRL_L);
    repl_run("workspaces.list()");
    repl_see("orders  O\n");
    repl_leave();
}
END_TEST

START_TEST(hostile_text_is_shown_and_never_sent)
{
    repl_start("--sim --clock virtual --seed 1");
    repl_run("text = '\\27[2J\\27]0;evil\\7\\r\\8\\194\\155'");
    repl_run("text");
    repl_see("\\x1b[2J\\x1b]0;evil");
    repl_run("{[text] = text}");
    repl_run("ws = workspaces.create('a', {display_name = 'x\\27[2Jy'})");
    repl_run("ws");
    repl_run("workspaces.list()");
    repl_run("print(text)");
    repl_run("error(text)");
    repl_run("error({[text] = text})");
    repl_leave();
    ck_assert_ptr_null(strstr(repl.pty.raw.data, "\x1b[2Jy"));
    ck_assert_ptr_null(strstr(repl.pty.raw.data, "\x1b]"));
    ck_assert_ptr_null(strstr(repl.pty.raw.data, "\xc2\x9b"));
}
END_TEST

START_TEST(long_values_are_cut)
{
    repl_start_empty();
    repl_run("('x'):rep(1000)");
    ck_assert_uint_lt(repl.pty.screen.scrolled_rows, 1);
    repl_run("t = {} for i = 1, 10000 do t[i] = i end");
    repl_type(CTRL_L);
    repl_run("t");
    repl_see("more");
    ck_assert_uint_lt(repl.pty.screen.scrolled_rows, 210);
    repl_leave();
}
END_TEST

/* --- commands ----------------------------------------------------------------------------- */

START_TEST(timing_says_how_long_each_line_took)
{
    repl_start_empty();
    repl_run("\\timing");
    repl_run("1");
    repl_see("_2 = 1\nTime: 0.0");
    repl_run("\\timing off");
    repl_type(CTRL_L);
    repl_run("2");
    repl_see("_4 = 2\nsim rg");
    repl_leave();
}
END_TEST

START_TEST(read_only_refuses_writes_and_stands_in_the_prompt)
{
    static const char read_only[] = "sim rg-apim/contoso-apim read-only> ";

    repl_start_empty();
    repl_run(CREATE);
    repl_type("\\read-only on\r");
    repl_await(read_only);
    repl_type("ws:delete()\r");
    repl_see("GuardRefused");
    repl_await(read_only);
    repl_type("\\read-only off\r");
    repl_await_prompt();
    repl_run("ws:delete()");
    repl_run("#workspaces.list()");
    repl_see("= 0\n");
    repl_leave();
}
END_TEST

START_TEST(watch_shows_a_value_until_ctrl_c)
{
    repl_start("--sim --clock 600x --seed 1");
    repl_run("n = 0");
    repl_type("\\watch (function() n = n + 1 return n end)() 60s\r");
    repl_see("\n3\n");
    repl_type(CTRL_C);
    repl_await_prompt();
    repl_run("n >= 3");
    repl_see("= true");
    repl_leave();
}
END_TEST

START_TEST(log_tells_the_requests_of_the_last_line_without_secrets)
{
    repl_start_empty();
    repl_run(CREATE);
    repl_run("\\log");
    repl_see("PUT");
    repl_see(PAYMENTS);
    repl_type("ws.named_values:create('k', {secret = true, value = 's3cret-of-mine'}) "
              "and nil\r");
    repl_await_prompt();
    repl_type(CTRL_L "\\log 1\r");
    repl_see("PUT");
    repl_await_prompt();
    ck_assert(!pty_has(&repl.pty, "s3cret-of-mine"));
    ck_assert(!pty_has(&repl.pty, "Bearer e"));
    repl_leave();
}
END_TEST

START_TEST(save_writes_the_lines_that_worked_as_a_script)
{
    char *script;

    repl_start_empty();
    repl_run("name = 'payments'");
    repl_run("error('no')");
    repl_run("ws = workspaces.create(name)");
    repl_run("\\save made.lua");
    repl_see("saved 2 lines");
    repl_leave();
    script = repl_read("made.lua");
    ck_assert_ptr_nonnull(strstr(script, "name = 'payments'"));
    ck_assert_ptr_nonnull(strstr(script, "workspaces.create(name)"));
    ck_assert_ptr_null(strstr(script, "error("));
    free(script);

    const char *words[] = {repl.moongate, "run", "--sim", "made.lua", NULL};

    pty_drop(&repl.pty);
    repl.program.words = words;
    ck_assert(pty_start(&repl.pty, &repl.program));
    repl_see(": 1 created;");
    repl_await_end(0);
}
END_TEST

START_TEST(load_runs_a_file_as_one_line)
{
    repl_write(
        "more.lua",
        "local a = 20\nfunction twice(x)\n  return 2 * x\nend\nb = twice(a) + 1\n");
    repl_start_empty();
    repl_run("\\load more.lua");
    repl_run("b + twice(1)");
    repl_see(" = 43\n");
    repl_run("\\load nothing.lua");
    repl_see("nothing.lua: No such file or directory");
    repl_leave();
}
END_TEST

START_TEST(edit_runs_what_an_editor_made)
{
    repl_write("editor.sh",
               "#!/bin/sh\n"
               "test -t 0 && test -t 1 && stty -a | grep -q ' icanon' || exit 9\n"
               "sed -i 's/1 + 2/10 + 20/' \"$1\"\n");
    repl_set(memory_format("EDITOR=/bin/sh %s/editor.sh", repl.home));
    repl_start_empty();
    repl_run("1 + 2");
    repl_run("\\edit");
    repl_see("10 + 20\n");
    repl_see("= 30\n");
    repl_type("abc");
    repl_see(P "abc");
    repl_type("\x15");
    repl_await_prompt();
    repl_leave();
}
END_TEST

START_TEST(conninfo_says_who_and_where_one_is)
{
    repl_start_empty();
    repl_run("\\conninfo");
    repl_see("the simulator in this process");
    repl_see("resource group  rg-apim\n");
    repl_see("service         contoso-apim\n");
    ck_assert(!pty_has(&repl.pty, "simulated-secret"));
    repl_leave();
}
END_TEST

START_TEST(an_unknown_command_names_the_near_one)
{
    repl_start_empty();
    repl_run("\\timin");
    repl_see("unknown command '\\timin'; did you mean '\\timing'?");
    repl_run("\\?");
    repl_see("\\watch [EXPR] [EVERY]");
    repl_leave();
}
END_TEST

START_TEST(help_tells_of_functions_and_shows_their_source)
{
    repl_start_empty();
    repl_run("workspaces.create?");
    repl_see("workspaces.create(");
    repl_type(CTRL_L);
    repl_run("help(tasks.sleep)");
    repl_see("Wait for a time.");
    repl_type(CTRL_L "tasks.map??\r");
    repl_see("function tasks.map(");
    repl_await_prompt();
    repl_leave();
}
END_TEST

START_TEST(exit_and_q_leave)
{
    repl_start_empty();
    repl_type(_i == 0 ? "\\q\r" : "exit()\r");
    repl_await_end(0);
    ck_assert(pty_is_restored(&repl.pty));
}
END_TEST

/* --- profiles ------------------------------------------------------------------------------- */

START_TEST(use_goes_over_to_a_profile)
{
    repl_write("config/moongate/config.lua", "profile \"lab\" {read_only = true}\n");
    repl_start_empty();
    repl_run("x = 5");
    repl_run("\\use");
    repl_see("lab");
    repl_type("\\use lab\r");
    repl_await("sim:lab rg-apim/contoso-apim read-only> ");
    repl_type("x\r");
    repl_see(" = 5\n");
    repl_type("\\use labb\r");
    repl_see("labb");
    repl_await("sim:lab rg-apim/contoso-apim read-only> ");
    repl_leave();
}
END_TEST

/* --- from a pipe ---------------------------------------------------------------------------- */

/* Runs `moongate repl` by the shell with this in front of and behind it. Returns what came on
 * stdout and stderr, owned by the caller. */
static char *pipe_through(const char *before, const char *behind, int expected)
{
    char *command = memory_format("%s '%s' repl --sim --no-init %s >out 2>&1", before,
                                  repl.moongate, behind);
    const char *words[] = {"/bin/sh", "-c", command, NULL};

    repl.program.words = words;
    ck_assert(pty_start(&repl.pty, &repl.program));
    repl_await_end(expected);
    free(command);
    return repl_read("out");
}

START_TEST(lines_of_a_pipe_are_run_and_their_values_shown)
{
    char *out = pipe_through(
        "printf '1 + 2\\nfor i = 1, 2 do\\nprint(i)\\nend\\n_1 * 2' |", "", 0);

    ck_assert_ptr_eq(strstr(out, "_1 = 3\n1\n2\n_3 = 6\n"), out);
    ck_assert_ptr_null(strchr(out, '\x1b'));
    free(out);
}
END_TEST

START_TEST(a_pipe_ends_with_1_when_a_line_failed)
{
    char *out = pipe_through("printf 'error(\"no luck\")\\n7\\n' |", "", 1);

    ck_assert_ptr_nonnull(strstr(out, "no luck"));
    ck_assert_ptr_nonnull(strstr(out, "_2 = 7\n"));
    free(out);
}
END_TEST

START_TEST(an_unfinished_statement_at_the_end_of_a_pipe_is_an_error)
{
    char *out = pipe_through("printf 'for i = 1, 2 do\\n' |", "", 1);

    ck_assert_ptr_nonnull(strstr(out, "<eof>"));
    free(out);
}
END_TEST

START_TEST(an_empty_pipe_does_nothing)
{
    char *out = pipe_through("", "</dev/null", 0);

    ck_assert_ptr_null(strstr(out, "Error"));
    ck_assert_ptr_null(strstr(out, P));
    free(out);
}
END_TEST

START_TEST(a_pipe_waits_for_what_it_sent_to_the_background)
{
    char *out = pipe_through("printf 'workspaces.create(\"a\") &\\n' |", "", 0);

    ck_assert_ptr_nonnull(strstr(out, "workspace 'a' created"));
    free(out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repl_commands");
    TCase *topic = add_case(suite, "values", repl_begin, repl_end);

    tcase_add_test(topic, a_resource_is_a_card_and_a_list_a_table);
    tcase_add_test(topic, x_shows_resources_one_by_one_and_back_again);
    tcase_add_test(topic, hostile_text_is_shown_and_never_sent);
    tcase_add_test(topic, long_values_are_cut);

    topic = add_case(suite, "commands", repl_begin, repl_end);
    tcase_add_test(topic, timing_says_how_long_each_line_took);
    tcase_add_test(topic, read_only_refuses_writes_and_stands_in_the_prompt);
    tcase_add_test(topic, watch_shows_a_value_until_ctrl_c);
    tcase_add_test(topic, log_tells_the_requests_of_the_last_line_without_secrets);
    tcase_add_test(topic, save_writes_the_lines_that_worked_as_a_script);
    tcase_add_test(topic, load_runs_a_file_as_one_line);
    tcase_add_test(topic, edit_runs_what_an_editor_made);
    tcase_add_test(topic, conninfo_says_who_and_where_one_is);
    tcase_add_test(topic, an_unknown_command_names_the_near_one);
    tcase_add_test(topic, help_tells_of_functions_and_shows_their_source);
    tcase_add_loop_test(topic, exit_and_q_leave, 0, 2);
    tcase_add_test(topic, use_goes_over_to_a_profile);

    topic = add_case(suite, "pipes", repl_begin, repl_end);
    tcase_add_test(topic, lines_of_a_pipe_are_run_and_their_values_shown);
    tcase_add_test(topic, a_pipe_ends_with_1_when_a_line_failed);
    tcase_add_test(topic, an_unfinished_statement_at_the_end_of_a_pipe_is_an_error);
    tcase_add_test(topic, an_empty_pipe_does_nothing);
    tcase_add_test(topic, a_pipe_waits_for_what_it_sent_to_the_background);
    return run_suite(suite);
}
