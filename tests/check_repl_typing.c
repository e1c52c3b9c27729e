/* tests/check_repl_typing.c - lines typed at the prompt of `moongate repl`, on a terminal.
 *
 * Screens are compared as a whole, ‸ is the cursor. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "repl.h"

#define P      REPL_PROMPT
#define CTRL_A "\x01"
#define CTRL_C "\x03"
#define CTRL_D "\x04"
#define CTRL_E "\x05"
#define CTRL_K "\x0b"
#define CTRL_L "\x0c"
#define CTRL_R "\x12"
#define CTRL_U "\x15"
#define CTRL_W "\x17"
#define CTRL_Y "\x19"
#define UP     "\x1b[A"
#define DOWN   "\x1b[B"
#define RIGHT  "\x1b[C"
#define LEFT   "\x1b[D"
#define HOME   "\x1b[H"
#define END    "\x1b[F"
#define DELETE "\x1b[3~"

/* Begins with an empty screen. */
static void start(void)
{
    repl_start("--sim --clock virtual --seed 1");
    repl_type(CTRL_L);
    repl_see_screen(P EMULATOR_CURSOR "\n");
}

/* --- keys --------------------------------------------------------------------------------- */

/* What is typed in, and the line with its cursor then. */
static const struct {
    const char *keys, *line;
} keys[] = {
    {"abc", "abc‸"},
    {"abc" LEFT LEFT, "a‸bc"},
    {"abc" LEFT LEFT RIGHT "x", "abx‸c"},
    {"abc" CTRL_A "x", "x‸abc"},
    {"abc" CTRL_A CTRL_E "x", "abcx‸"},
    {"abc" HOME "x", "x‸abc"},
    {"abc" HOME END "x", "abcx‸"},
    {"abc\x7f", "ab‸"},
    {"abc" LEFT "\x7f", "a‸c"},
    {"abc" HOME DELETE, "‸bc"},
    {"abc def" CTRL_W, "abc ‸"},
    {"abc def" CTRL_U, "‸"},
    {"abc def" LEFT LEFT LEFT CTRL_K, "abc ‸"},
    {"abc def" CTRL_W CTRL_A CTRL_Y, "def‸abc"},
    {"abc def\x1b"
     "bx",
     "abc x‸def"},
    {"abc def" HOME "\x1b"
     "fx",
     "abcx‸ def"},
    {"Grüße", "Grüße‸"},
    {"Grüße" LEFT LEFT "\x7f", "Gr‸ße"},
    {"日本語", "日本語‸"},
    {"日本語" LEFT, "日本‸語"},
    {"日本語\x7f", "日本‸"},
    {"日本語" LEFT LEFT "x", "日x‸本語"},
};

START_TEST(keys_edit_the_line)
{
    char *screen = memory_format(P "%s\n", keys[_i].line);

    start();
    repl_type(keys[_i].keys);
    repl_see_screen(screen);
    free(screen);
}
END_TEST

START_TEST(keys_may_come_one_by_one)
{
    char *screen = memory_format(P "%s\n", keys[_i].line);

    start();
    for (const char *at = keys[_i].keys; *at != '\0'; at++)
        repl_check(pty_send(&repl.pty, at, 1), "not taken", at);
    repl_see_screen(screen);
    free(screen);
}
END_TEST

START_TEST(an_expression_shows_its_value_and_a_statement_nothing)
{
    start();
    repl_run("1 + 2");
    repl_run("x = 5");
    repl_run("x * 2");
    repl_run("_ + _1");
    repl_see_screen(P "1 + 2\n"
                      "_1 = 3\n" P "x = 5\n" P "x * 2\n"
                      "_3 = 10\n" P "_ + _1\n"
                      "_4 = 13\n" P "‸\n");
    repl_leave();
}
END_TEST

START_TEST(a_line_that_fails_says_why_and_the_session_goes_on)
{
    start();
    repl_run("1 +* 2");
    repl_run("error('no luck')");
    repl_run("qqq.name");
    repl_run("7");
    repl_see_screen(P "1 +* 2\n"
                      "line 1:1: unexpected symbol near '*'\n" P "error('no luck')\n"
                      "line 2:1: no luck\n" P "qqq.name\n"
                      "line 3:1: attempt to index a nil value (global 'qqq')\n" P "7\n"
                      "_4 = 7\n" P "‸\n");
    repl_leave();
}
END_TEST

START_TEST(a_long_line_goes_on_in_the_next_row_and_is_edited_there)
{
    start();
    repl_type("'0123456789 0123456789 0123456789 0123456789 0123456789'");
    repl_see_screen(P "'0123456789 0123456789 0123456789 0123456789 012345678\n9'‸\n");
    repl_type(HOME "#");
    repl_see_screen(P "#‸'0123456789 0123456789 0123456789 0123456789 01234567\n89'\n");
    repl_type("\r");
    repl_see("_1 = 54");
    repl_await_prompt();
    repl_leave();
}
END_TEST

START_TEST(control_characters_are_shown_and_not_sent)
{
    repl_start("--sim --clock virtual --seed 1");
    repl_run("print('\\27[31mred\\a\\27]0;title\\7')");
    repl_run("'\\27[2J\\r'");
    repl_run("error('\\27[2J')");
    repl_leave();
    ck_assert_ptr_null(strstr(repl.pty.raw.data, "\x1b]0;"));
    ck_assert_ptr_null(strstr(repl.pty.raw.data, "\x1b[2J"));
}
END_TEST

/* --- dropping, clearing, leaving ------------------------------------------------------------ */

START_TEST(ctrl_c_drops_what_is_typed)
{
    start();
    repl_type("abc def");
    repl_see("abc def");
    repl_type(CTRL_C);
    repl_see_screen(P "abc def^C\n" P "‸\n");
    repl_run("1");
    repl_leave();
}
END_TEST

START_TEST(ctrl_l_clears_the_screen_and_keeps_what_is_typed)
{
    start();
    repl_run("print('above')");
    repl_type("abc" LEFT);
    repl_see("ab"
             "c");
    repl_type(CTRL_L);
    repl_see_screen(P "ab‸c\n");
}
END_TEST

START_TEST(ctrl_d_in_a_line_deletes_and_in_an_empty_one_leaves)
{
    start();
    repl_type("abc" HOME CTRL_D);
    repl_see_screen(P "‸bc\n");
    repl_type(END CTRL_U);
    repl_await_prompt();
    repl_leave();
}
END_TEST

static const int signals[] = {SIGTERM, SIGHUP, SIGABRT, SIGSEGV};

START_TEST(a_signal_leaves_the_terminal_as_it_was)
{
    start();
    repl_type("abc");
    repl_see("abc");
    ck_assert(!pty_is_restored(&repl.pty));
    kill(repl.pty.pid, signals[_i]);
    ck_assert_int_gt(pty_await_end(&repl.pty), 0);
    ck_assert(pty_is_restored(&repl.pty));
    ck_assert(!repl.pty.screen.is_pasting_bracketed);
    ck_assert(!repl.pty.screen.is_cursor_hidden);
}
END_TEST

START_TEST(a_terminal_that_is_closed_ends_the_session)
{
    start();
    repl_type("abc");
    repl_see("abc");
    pty_hang_up(&repl.pty);
    ck_assert_int_ge(pty_await_end(&repl.pty), 0);
}
END_TEST

/* --- history ------------------------------------------------------------------------------ */

START_TEST(up_and_down_go_through_the_history)
{
    start();
    repl_run("1");
    repl_run("2");
    repl_type("thr");
    repl_see("thr");
    repl_type(UP);
    repl_see(P "2");
    repl_type(UP);
    repl_see_screen(P "1\n_1 = 1\n" P "2\n_2 = 2\n" P "1‸\n");
    repl_type(DOWN DOWN);
    repl_see_screen(P "1\n_1 = 1\n" P "2\n_2 = 2\n" P "thr‸\n");
}
END_TEST

START_TEST(history_outlives_the_session)
{
    start();
    repl_run("first = 1");
    repl_run("second = 2");
    repl_leave();
    start();
    repl_type(UP UP);
    repl_see_screen(P "first = 1‸\n");
}
END_TEST

START_TEST(history_keeps_no_secrets_and_nothing_behind_a_blank)
{
    start();
    repl_run("plain = 1");
    repl_run("password = 's3cret-of-mine'");
    repl_run(" hidden = 2");
    repl_leave();

    char *history = repl_read("state/moongate/history");

    ck_assert_ptr_nonnull(strstr(history, "plain"));
    ck_assert_ptr_null(strstr(history, "s3cret"));
    ck_assert_ptr_null(strstr(history, "hidden"));
    free(history);
    start();
    repl_type(UP);
    repl_see_screen(P "plain = 1‸\n");
}
END_TEST

START_TEST(history_that_cannot_be_used_is_told)
{
    repl_write("state/moongate/history/file", "");
    repl_start("--sim --clock virtual --seed 1");
    repl_see("is not used");
    repl_run("1");
    repl_type(UP);
    repl_see(P "1\n_1 = 1\n" P "1\n");
}
END_TEST

START_TEST(sessions_at_the_same_time_lose_no_line_of_the_history)
{
    struct pty first;
    char *history;

    start();
    repl_run("first = 1");
    first = repl.pty;
    memset(&repl.pty, 0, sizeof repl.pty);
    start();
    repl_run("second = 2");
    repl_leave();
    pty_drop(&repl.pty);
    repl.pty = first;
    repl_run("third = 3");
    repl_leave();
    history = repl_read("state/moongate/history");
    ck_assert_msg(strstr(history, "first") != NULL && strstr(history, "second") != NULL &&
                      strstr(history, "third") != NULL,
                  "%s", history);
    free(history);
}
END_TEST

START_TEST(ctrl_r_searches_backwards)
{
    start();
    repl_run("alpha = 1");
    repl_run("beta = 2");
    repl_run("alpine = 3");
    repl_type(CTRL_R "al");
    repl_see("(search 'al') alpine = 3");
    repl_type(CTRL_R);
    repl_see("(search 'al') alpha = 1");
    repl_type("\r");
    repl_await_prompt();
    repl_run("alpha");
    repl_see("_5 = 1");
    repl_type(CTRL_R "bet");
    repl_see("(search 'bet') beta = 2");
    repl_type(CTRL_C);
    repl_await_prompt();
    repl_leave();
}
END_TEST

/* --- several lines -------------------------------------------------------------------------- */

START_TEST(unfinished_input_goes_on_in_another_line)
{
    start();
    repl_type("for i = 1, 2 do\r");
    repl_see_screen(P "for i = 1, 2 do\n    ‸\n");
    repl_type("print(i)\rend\r");
    repl_see_screen(P "for i = 1, 2 do\n    print(i)\n    end\n1\n2\n" P "‸\n");
    repl_type(UP);
    repl_see_screen(P "for i = 1, 2 do\n    print(i)\n    end\n1\n2\n" P
                      "for i = 1, 2 do\n    print(i)\n    end‸\n");
    repl_type(UP CTRL_E LEFT " * 10\r");
    repl_see("20");
    repl_leave();
}
END_TEST

START_TEST(an_empty_line_or_a_hash_ends_unfinished_input)
{
    start();
    repl_type("f(\r\r");
    repl_see("line 1:1: unexpected symbol near <eof>");
    repl_await_prompt();
    repl_type("while true do\r#\r");
    repl_await_prompt();
    repl_run("1");
    repl_leave();
}
END_TEST

START_TEST(ctrl_c_drops_all_lines_of_unfinished_input)
{
    start();
    repl_type("for i = 1, 2 do\rprint(i)\r");
    repl_see_screen(P "for i = 1, 2 do\n    print(i)\n    ‸\n");
    repl_type(CTRL_C);
    repl_await_prompt();
    repl_run("1");
    repl_see("_1 = 1\n");
    repl_leave();
}
END_TEST

START_TEST(text_with_more_rows_than_the_screen_is_edited)
{
    repl.program.rows = 8;
    start();
    repl_type("t = {\r");
    for (int i = 1; i <= 20; i++) {
        char *line = memory_format("%d,\r", i);

        repl_type(line);
        free(line);
    }
    repl_see("    20,\n");
    for (int i = 0; i < 20; i++)
        repl_type(UP);
    repl_see("    1,\n");
    repl_type("10");
    repl_see("    101,\n");
    for (int i = 0; i < 20; i++)
        repl_type(DOWN);
    repl_type("}\r");
    repl_await_prompt();
    repl_run("#t .. ' ' .. t[1]");
    repl_see("\"20 101\"");
    repl_leave();
}
END_TEST

static char *thousand_lines(void)
{
    struct buffer text = {0};

    buffer_append_string(&text, "local sum = 0\n");
    for (int i = 2; i < 1000; i++)
        buffer_printf(&text, "sum = sum + %d -- line %d\n", i, i);
    buffer_append_string(&text, "print('sum', sum)");
    return buffer_take(&text);
}

START_TEST(a_thousand_lines_are_pasted_as_one)
{
    char *text = thousand_lines();

    start();
    ck_assert(pty_paste(&repl.pty, text));
    repl_see("\n    print('sum', sum)\n");
    repl_type("\r");
    repl_see("\nsum     499499\n");
    repl_await_prompt();
    repl_leave();
    free(text);
}
END_TEST

START_TEST(a_thousand_lines_without_brackets_are_run_one_by_one)
{
    struct buffer text = {0};

    start();
    for (int i = 1; i <= 1000; i++)
        buffer_printf(&text, "x%d = %d\r", i, i);
    ck_assert(pty_send(&repl.pty, text.data, text.length));
    buffer_deinit(&text);
    repl_see("x1000 = 1000");
    repl_await_prompt();
    repl_run("x1 + x1000");
    repl_see("_1001 = 1001");
    repl_leave();
}
END_TEST

/* --- other terminals ------------------------------------------------------------------------ */

static int count_of(const char *text, const char *part)
{
    int count = 0;

    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

static unsigned frames;

/* Whether something was drawn since `frames`, and the cursor is behind a quote. */
static bool is_drawn_again(const struct pty *pty, const char *unused)
{
    const struct emulator *screen = &pty->screen;
    const int row = screen->column > 0 ? screen->row : screen->row - 1;
    const int column = screen->column > 0 ? screen->column : screen->columns;

    (void)unused;
    return screen->frames > frames && row >= 0 &&
           strcmp(screen->lines[row]->cells[column - 1].text, "'") == 0;
}

START_TEST(the_window_may_get_another_size)
{
    if (_i == 1)
        repl_set(memory_copy_string("TMUX=/tmp/tmux"));
    start();
    repl.pty.is_rewrapping = _i == 1;
    repl_type("text = '0123456789 0123456789 0123456789'");
    repl_see_screen(P "text = '0123456789 0123456789 0123456789'‸\n");
    pty_resize(&repl.pty, 40, 12);
    repl_type("x");
    repl_see("text = '012345\n6789 0123456789 0123456789'x\n");
    pty_resize(&repl.pty, 100, 30);
    repl_type("y");
    repl_see(P "text = '0123456789 0123456789 0123456789'xy\n");
    repl_type(CTRL_U);
    repl_await_prompt();
    repl_leave();
}
END_TEST

START_TEST(a_window_that_changes_shows_the_line_once)
{
    char *text;

    if (_i == 1)
        repl_set(memory_copy_string("TMUX=/tmp/tmux"));
    start();
    repl.pty.is_rewrapping = _i == 1;
    repl_run("for i = 1, 30 do print(i) end"); /* what is above may leave at the top */
    repl_type("text = '0123456789 0123456789 0123456789'");
    repl_see("'0123456789 0123456789 0123456789'\n");
    for (int columns = 76; columns >= 30; columns -= 3) {
        frames = repl.pty.screen.frames;
        pty_resize(&repl.pty, columns, 24);
        repl_check(pty_wait_until(&repl.pty, is_drawn_again, ""), "not drawn", "");
    }
    text = emulator_render(&repl.pty.screen, EMULATOR_WITH_SCROLLED);
    ck_assert_msg(count_of(text, P) == 2, "%s", text);
    free(text);
}
END_TEST

static void take_in(int pause_ms)
{
    const long long deadline_us = pty_now_us() + pause_ms * 1000LL;

    while (!repl.pty.is_over && pty_turn(&repl.pty, 0, deadline_us))
        ;
}

/* A signal overtakes keys, or keys a signal: hands try again. */
static void run_after_ctrl_c(const char *line, const char *answer)
{
    const long long deadline_us = pty_deadline_us();

    while (!pty_has_said(&repl.pty, answer)) {
        repl_check(pty_now_us() < deadline_us, "never said", answer);
        repl_type(CTRL_C);
        take_in(50);
        repl_type(line);
        repl_type("\r");
        take_in(50);
    }
}

/* What hands do that know no rule. */
START_TEST(any_keys_and_sizes_leave_a_prompt_that_works)
{
    static const char *const any[] = {"a",
                                      "(",
                                      "\"",
                                      "日",
                                      "e\xcc\x81",
                                      "for i = 1, 3 do",
                                      "print('x')",
                                      "end",
                                      "\r",
                                      "\r",
                                      "\t",
                                      UP,
                                      DOWN,
                                      LEFT,
                                      RIGHT,
                                      HOME,
                                      END,
                                      DELETE,
                                      "\x7f",
                                      CTRL_A,
                                      CTRL_E,
                                      CTRL_K,
                                      CTRL_U,
                                      CTRL_W,
                                      CTRL_Y,
                                      CTRL_R,
                                      CTRL_L,
                                      CTRL_C,
                                      "\x1b"
                                      "b",
                                      "\x1b"
                                      "d",
                                      "\x1bOP",
                                      "\x1b[15~",
                                      "\x1b[1;5C",
                                      "\x16",
                                      "\x00",
                                      "\x1f",
                                      "\x14",
                                      "\xff",
                                      "\x1b[200~pasted\rtext\x1b[201~",
                                      "\\x\r",
                                      "'\x03",
                                      "ws.",
                                      "?"};
    unsigned seed = (unsigned)_i * 7919u + 1;

    repl_write("config/moongate/init.lua",
               "tasks.spawn(function()\n"
               "  for i = 1, 1e6 do tasks.sleep('10ms') print('tick ' .. i) end\n"
               "end)\n");
    repl_start("--sim --clock real --seed 1");
    for (int i = 0; i < 200; i++) {
        seed = seed * 1103515245u + 12345u;
        if (seed >> 16 & 15)
            repl_type(any[(seed >> 20) % (unsigned)COUNT_OF(any)]);
        else
            pty_resize(&repl.pty, 10 + (int)(seed >> 20 & 127),
                       1 + (int)(seed >> 27 & 31));
        pty_turn(&repl.pty, 0, pty_now_us() + 2000);
    }
    pty_resize(&repl.pty, 80, 24);
    repl_type("\x1b[201~");
    run_after_ctrl_c("'so' .. 'und'", "\"sound\"");
    buffer_clear(
        &repl.pty.screen.complaints); /* of bytes for a size that was no longer */
    buffer_append_string(&repl.pty.screen.complaints, "");
}
END_TEST

START_TEST(twenty_columns_are_enough)
{
    repl.program.columns = 20;
    repl_launch("--sim --clock virtual --seed 1");
    repl_await("sim rg-…im> ");
    repl_type(CTRL_L "#'0123456789'");
    repl_see_screen("sim rg-…im> #'012345\n6789'‸\n");
    repl_type("\r");
    repl_see_screen("sim rg-…im> #'012345\n6789'\n_1 = 10\nsim rg-…im> ‸\n");
    repl_leave();
}
END_TEST

START_TEST(one_row_is_enough)
{
    repl.program.rows = 1;
    start();
    repl_type("1 + 2");
    repl_see_screen(P "1 + 2‸\n");
    repl_type("\r");
    repl_await_prompt();
    ck_assert(pty_has_said(&repl.pty, "_1 = 3\n"));
    repl_leave();
}
END_TEST

START_TEST(a_dumb_terminal_gets_lines_and_nothing_else)
{
    repl_set(memory_copy_string("TERM=dumb"));
    repl_start("--sim --clock virtual --seed 1");
    repl_type("1 + 2\r");
    repl_see("_1 = 3");
    repl_await_prompt();
    repl_type("\x04");
    repl_await_end(0);
    ck_assert_ptr_null(strchr(repl.pty.raw.data, '\x1b'));
}
END_TEST

START_TEST(colors_are_left_out_when_they_are_not_wanted)
{
    start();
    repl_run("error('x')");
    ck_assert_ptr_null(strstr(repl.pty.raw.data, "\x1b[31m"));
    repl_leave();
    repl_set(memory_copy_string("NO_COLOR="));
    start();
    repl_run("error('x')");
    ck_assert_ptr_nonnull(strstr(repl.pty.raw.data, "\x1b[31m"));
    repl_leave();
}
END_TEST

/* --- the start-up file ---------------------------------------------------------------------- */

START_TEST(the_start_up_file_runs_first)
{
    repl_write("config/moongate/init.lua", "greeting = 'hello'\n");
    start();
    repl_run("greeting");
    repl_see("= \"hello\"");
    repl_leave();
    repl_start("--sim --no-init");
    repl_run("greeting == nil");
    repl_see("_1 = true");
    repl_leave();
}
END_TEST

START_TEST(a_start_up_file_that_fails_is_told_and_the_prompt_comes)
{
    repl_write("config/moongate/init.lua", "error('not today')\n");
    repl_start("--sim --clock virtual --seed 1");
    repl_see("not today");
    repl_run("1");
    repl_leave();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repl_typing");
    TCase *topic = add_case(suite, "keys", repl_begin, repl_end);

    tcase_add_loop_test(topic, keys_edit_the_line, 0, COUNT_OF(keys));
    tcase_add_loop_test(topic, keys_may_come_one_by_one, 0, COUNT_OF(keys));
    tcase_add_test(topic, an_expression_shows_its_value_and_a_statement_nothing);
    tcase_add_test(topic, a_line_that_fails_says_why_and_the_session_goes_on);
    tcase_add_test(topic, a_long_line_goes_on_in_the_next_row_and_is_edited_there);
    tcase_add_test(topic, control_characters_are_shown_and_not_sent);

    topic = add_case(suite, "leaving", repl_begin, repl_end);
    tcase_add_test(topic, ctrl_c_drops_what_is_typed);
    tcase_add_test(topic, ctrl_l_clears_the_screen_and_keeps_what_is_typed);
    tcase_add_test(topic, ctrl_d_in_a_line_deletes_and_in_an_empty_one_leaves);
    tcase_add_loop_test(topic, a_signal_leaves_the_terminal_as_it_was, 0,
                        COUNT_OF(signals));
    tcase_add_test(topic, a_terminal_that_is_closed_ends_the_session);

    topic = add_case(suite, "history", repl_begin, repl_end);
    tcase_add_test(topic, up_and_down_go_through_the_history);
    tcase_add_test(topic, history_outlives_the_session);
    tcase_add_test(topic, history_keeps_no_secrets_and_nothing_behind_a_blank);
    tcase_add_test(topic, history_that_cannot_be_used_is_told);
    tcase_add_test(topic, sessions_at_the_same_time_lose_no_line_of_the_history);
    tcase_add_test(topic, ctrl_r_searches_backwards);

    topic = add_case(suite, "several lines", repl_begin, repl_end);
    tcase_add_test(topic, unfinished_input_goes_on_in_another_line);
    tcase_add_test(topic, an_empty_line_or_a_hash_ends_unfinished_input);
    tcase_add_test(topic, ctrl_c_drops_all_lines_of_unfinished_input);
    tcase_add_test(topic, text_with_more_rows_than_the_screen_is_edited);
    tcase_add_test(topic, a_thousand_lines_are_pasted_as_one);
    tcase_add_test(topic, a_thousand_lines_without_brackets_are_run_one_by_one);

    topic = add_case(suite, "terminals", repl_begin, repl_end);
    tcase_add_loop_test(topic, the_window_may_get_another_size, 0, 2);
    tcase_add_loop_test(topic, a_window_that_changes_shows_the_line_once, 0, 2);
    tcase_add_loop_test(topic, any_keys_and_sizes_leave_a_prompt_that_works, 0, 10);
    tcase_add_test(topic, twenty_columns_are_enough);
    tcase_add_test(topic, one_row_is_enough);
    tcase_add_test(topic, a_dumb_terminal_gets_lines_and_nothing_else);
    tcase_add_test(topic, colors_are_left_out_when_they_are_not_wanted);

    topic = add_case(suite, "start-up file", repl_begin, repl_end);
    tcase_add_test(topic, the_start_up_file_runs_first);
    tcase_add_test(topic, a_start_up_file_that_fails_is_told_and_the_prompt_comes);
    return run_suite(suite);
}
