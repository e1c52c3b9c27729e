/* tests/check_repl_terminals.c - the prompt of `moongate repl` on terminals of other sizes and
 * sorts, and its start-up file. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "keys.h"
#include "repl.h"

#define P REPL_PROMPT

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
    repl_start_empty();
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
    repl_start_empty();
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
    repl_start_empty();
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
    repl_start_empty();
    repl_run("error('x')");
    ck_assert_ptr_null(strstr(repl.pty.raw.data, "\x1b[31m"));
    repl_leave();
    repl_set(memory_copy_string("NO_COLOR="));
    repl_start_empty();
    repl_run("error('x')");
    ck_assert_ptr_nonnull(strstr(repl.pty.raw.data, "\x1b[31m"));
    repl_leave();
}
END_TEST

/* --- the start-up file ---------------------------------------------------------------------- */

START_TEST(the_start_up_file_runs_first)
{
    repl_write("config/moongate/init.lua", "greeting = 'hello'\n");
    repl_start_empty();
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
    Suite *suite = suite_create("repl_terminals");
    TCase *topic = add_case(suite, "terminals", repl_begin, repl_end);
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
