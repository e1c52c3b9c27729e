/* tests/check_pty.c - what the tests of the prompt stand on: the screen that is emulated
 * and the program under a pseudo terminal, here a shell.
 *
 * The screens are what xterm shows for the same bytes; tmux, too, but for half a wide
 * character. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include "pty.h"
#include "suite.h"

enum { COLUMNS = 10, ROWS = 4 };

static struct emulator screen;
static struct pty pty;

static void begin(void)
{
    emulator_init(&screen, COLUMNS, ROWS);
    memset(&pty, 0, sizeof pty);
    pty.master = pty.leash = -1;
}

static void end(void)
{
    emulator_deinit(&screen);
    pty_drop(&pty);
}

static void feed(const char *bytes)
{
    emulator_feed(&screen, bytes, strlen(bytes));
}

static void assert_shows(unsigned parts, const char *expected)
{
    char *seen = emulator_render(&screen, parts);

    ck_assert_str_eq(seen, expected);
    free(seen);
}

/* --- the screen
 * --------------------------------------------------------------------------- */

/* Ten columns and four rows; ‸ is the cursor. */
static const struct {
    const char *bytes, *shown;
} screens[] = {
    {"", "‸\n"},
    {"one\r\ntwo", "one\ntwo‸\n"},
    {"one\ntwo", "one\n   two‸\n"},
    {"0123456789", "0123456789‸\n"},
    {"0123456789\r\nx", "0123456789\nx‸\n"},
    {"0123456789x", "0123456789\nx‸\n"},
    {"0123456789\rx", "x‸123456789\n"},
    {"012345678\bx", "01234567x‸\n"},
    {"\x1b[?7l0123456789ab", "012345678‸b\n"},
    {"a\tb", "a       b‸\n"},
    {"a\t\t\tb", "a        b‸\n"},
    {"1\r\n2\r\n3\r\n4\r\n5", "2\n3\n4\n5‸\n"},
    {"1\r\n2\r\n3\x1b[2Ax", "1x‸\n2\n3\n"},
    {"1\r\n2\r\n3\x1b[9A\x1b[9Bx", "1\n2\n3\n x‸\n"},
    {"abcdef\x1b[3Dx\x1b[Cy", "abcxey‸\n"},
    {"abcdef\x1b[2Gx\x1b[Gy", "y‸xcdef\n"},
    {"abc\x1b[3;5Hx\x1b[Hy", "y‸bc\n\n    x\n"},
    {"abc\x1b[3dx", "abc\n\n   x‸\n"},
    {"abcdef\x1b[3D\x1b[K", "abc‸\n"},
    {"abcdef\x1b[3D\x1b[1K", "   ‸ ef\n"},
    {"abcdef\x1b[3D\x1b[2K", "   ‸\n"},
    {"1\r\n2\r\n3\x1b[A\x1b[J", "1\n2‸\n"},
    {"1\r\n2\r\n3\x1b[2;1H\x1b[1J", "\n‸\n3\n"},
    {"1\r\n2\r\n3\x1b[2J", "\n\n ‸\n"},
    {"ab\x1b[?25l", "ab\n"},
    {"ab\x1b[?25l\x1b[?25h", "ab‸\n"},
    {"ab\x1b[?1049hcd\x1b[?1049l", "ab‸\n"},
    {"ab\x1b[?1049hcd", "  cd‸\n"},
    {"ab\x1b"
     "7\r\n\r\ncd\x1b"
     "8x",
     "abx‸\n\ncd\n"},
    {"日本", "日本‸\n"},
    {"012345678日", "012345678\n日‸\n"},
    {"日本\rx", "x‸ 本\n"},
    {"日本\x1b[2Gx", " x‸本\n"},
    {"e\xcc\x81x", "e\xcc\x81x‸\n"},
    {"日\xcc\x81x", "日\xcc\x81x‸\n"},
    {"0123456789\xcc\x81x", "0123456789\xcc\x81\nx‸\n"},
};

START_TEST(bytes_become_the_screen_of_a_terminal)
{
    feed(screens[_i].bytes);
    assert_shows(EMULATOR_WITH_CURSOR, screens[_i].shown);
    ck_assert_str_eq(screen.complaints.data, "");
}
END_TEST

START_TEST(bytes_may_come_one_by_one)
{
    for (const char *at = screens[_i].bytes; *at != '\0'; at++)
        emulator_feed(&screen, at, 1);
    assert_shows(EMULATOR_WITH_CURSOR, screens[_i].shown);
    ck_assert_uint_eq(screen.pending.length, 0);
}
END_TEST

START_TEST(what_leaves_at_the_top_is_kept)
{
    feed("1\r\n2\r\n3\r\n4\r\n5\r\n6");
    assert_shows(EMULATOR_WITH_SCROLLED, "1\n2\n3\n4\n5\n6\n");
}
END_TEST

START_TEST(styles_are_kept_for_each_cell)
{
    feed("a\x1b[1;31mb\x1b[22mc\x1b[0md\x1b[38;5;208me\x1b[39;48;2;1;2;3mf\x1b[m\r\n\x1b["
         "2;97mg");
    assert_shows(EMULATOR_WITH_STYLES, "a<1;31>b<31>c<0>d<38;5;208>e<48;2;1;2;3>f<0>\n"
                                       "<2;97>g<0>\n");
    ck_assert_str_eq(screen.complaints.data, "");
}
END_TEST

START_TEST(the_place_of_the_cursor_is_told_who_asks)
{
    feed("a\r\nbc\x1b[6n");
    ck_assert_str_eq(screen.answers.data, "\x1b[2;3R");
}
END_TEST

static const struct {
    const char *bytes, *complaint;
} complaints[] = {
    {"\x1b]0;title\a", "an unknown escape sequence\n"},
    {"\x1b[5z", "an unknown control sequence\n"},
    {"\x1b[?1000h", "an unknown mode\n"},
    {"\x1b[5m", "an unknown SGR\n"},
    {"\x01", "an unknown control character: 01\n"},
    {"\x7f", "an unknown control character: 7f\n"},
    {"\xc2\x9b", "not a character that can be shown: c2 9b\n"},
    {"\xff", "not a character that can be shown: ff\n"},
    {"\x1b[?2026h\x1b[?2026h", "frames do not nest\n"},
    {"0123456789\x1b[K", "terminals differ in what is done while a wrap is pending\n"},
    {"0123456789\b", "terminals differ in what is done while a wrap is pending\n"},
};

START_TEST(what_no_terminal_should_get_is_put_down)
{
    feed(complaints[_i].bytes);
    ck_assert_msg(strstr(screen.complaints.data, complaints[_i].complaint) ==
                      screen.complaints.data,
                  "%s", screen.complaints.data);
}
END_TEST

START_TEST(a_narrower_window_cuts_as_xterm_does)
{
    feed("0123456789abcdef\r\n>");
    emulator_resize(&screen, 5, 2);
    assert_shows(EMULATOR_WITH_SCROLLED | EMULATOR_WITH_CURSOR,
                 "0123456789\nabcde\n>‸\n");
    emulator_resize(&screen, 10, 4);
    assert_shows(EMULATOR_WITH_CURSOR, "abcde\n>‸\n");
}
END_TEST

/* Ten columns become fewer or more, as tmux does it. */
static const struct {
    const char *bytes;
    int columns, rows;
    const char *shown;
} wraps[] = {
    {"0123456789abcdef\r\n> x", 20, 4, "0123456789abcdef\n> x‸\n"},
    {"0123456789abcdef\r\n> x", 5, 6, "abcde\nf\n> x‸\n"},
    {"0123456789abcdef\r\n> x", 5, 4, "abcde\nf\n> x‸\n"},
    {"0123456789abcdef\r\n> x", 10, 2, "abcdef\n> x‸\n"},
    {"0123456789abcdef\x1b[3D", 5, 6, "abc‸de\nf\n"},
    {"日本語日本\r\nx", 5, 4, "本\nx‸\n"},
    {"> ", 5, 4, "> ‸\n"},
};

START_TEST(a_window_of_another_width_wraps_again_as_tmux_does)
{
    feed(wraps[_i].bytes);
    emulator_resize_wrapping(&screen, wraps[_i].columns, wraps[_i].rows);
    assert_shows(EMULATOR_WITH_CURSOR, wraps[_i].shown);
}
END_TEST

/* --- the terminal
 * ------------------------------------------------------------------------- */

static void start(const char *script)
{
    const char *const words[] = {"/bin/sh", "-c", script, NULL};
    char *const environment[] = {"PATH=/usr/bin:/bin", NULL};

    ck_assert(pty_start(&pty, &(struct pty_program){.words = words,
                                                    .environment = environment,
                                                    .columns = 40,
                                                    .rows = 10}));
}

/* `words` names a wait that failed. */
static void check(bool is_so, const char *words)
{
    char *story = is_so ? NULL : pty_story(&pty);

    ck_assert_msg(is_so, "%s\n%s", words, story);
    free(story);
}

START_TEST(keys_reach_the_program_and_its_output_the_screen)
{
    start("read line; echo \"got $line\"; exit 3");
    ck_assert(pty_type(&pty, "abc\r"));
    check(pty_wait_for_screen(&pty, "abc\ngot abc\n‸\n"), "no answer");
    ck_assert_int_eq(pty_await_end(&pty), 3);
    ck_assert_str_eq(pty.raw.data, "abc\r\ngot abc\r\n");
}
END_TEST

START_TEST(a_wait_ends_when_the_program_does)
{
    start("echo one");
    ck_assert(!pty_wait_for(&pty, "two"));
    ck_assert_int_eq(pty_await_end(&pty), 0);
}
END_TEST

START_TEST(more_than_the_terminal_holds_is_sent_while_output_is_taken_in)
{
    struct buffer text = {0};

    start("stty raw -echo; echo on; exec head -c 200000");
    check(pty_wait_for(&pty, "on"), "not on");
    for (int i = 0; i < 20000; i++)
        buffer_append_string(&text, "123456789\n");
    ck_assert(pty_send(&pty, text.data, text.length));
    buffer_deinit(&text);
    ck_assert_int_eq(pty_await_end(&pty), 0);
    ck_assert_uint_eq(pty.raw.length, strlen("on\n") + 200000);
    ck_assert(!pty_is_restored(&pty));
}
END_TEST

START_TEST(a_paste_comes_in_brackets_when_they_are_wanted)
{
    start("stty raw -echo; printf '\\033[?2004hon'; head -c 16 | od -An -c -w16");
    check(pty_wait_for(&pty, "on"), "not on");
    ck_assert(pty_paste(&pty, "a\nb\nx"));
    check(pty_wait_for(&pty, "033   [   2   0   1"), "no brackets");
    ck_assert_ptr_nonnull(strstr(pty.raw.data, "033   [   2   0   0   ~   a  \\r   b"));
}
END_TEST

START_TEST(another_size_is_a_signal)
{
    start("trap 'stty size' WINCH; echo on; while :; do read line; done");
    check(pty_wait_for(&pty, "on"), "not on");
    pty_resize(&pty, 70, 20);
    check(pty_wait_for(&pty, "20 70"), "no signal");
}
END_TEST

START_TEST(ctrl_c_is_a_signal)
{
    start("trap 'echo caught; exit 5' INT; echo on; while :; do read line; done");
    check(pty_wait_for(&pty, "on"), "not on");
    ck_assert(pty_type(&pty, "\x03"));
    ck_assert_int_eq(pty_await_end(&pty), 5);
    check(pty_has(&pty, "caught"), "not caught");
}
END_TEST

START_TEST(hanging_up_is_a_signal)
{
    start("echo on; while :; do read line; done");
    check(pty_wait_for(&pty, "on"), "not on");
    pty_hang_up(&pty);
    ck_assert_int_eq(pty_await_end(&pty), 128 + SIGHUP);
}
END_TEST

START_TEST(the_mode_of_the_terminal_is_told)
{
    start("old=$(stty -g); stty raw; read line; stty \"$old\"");
    ck_assert(pty_type(&pty, "\n"));
    ck_assert_int_eq(pty_await_end(&pty), 0);
    ck_assert(pty_is_restored(&pty));
}
END_TEST

START_TEST(screens_are_compared_line_by_line)
{
    char *text = pty_compare("a\nb\nc\n", "a\nx\n");

    ck_assert_str_eq(text, "  a\n- b\n+ x\n- c\n");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pty");
    TCase *topic = add_case(suite, "screen", begin, end);

    tcase_add_loop_test(topic, bytes_become_the_screen_of_a_terminal, 0,
                        COUNT_OF(screens));
    tcase_add_loop_test(topic, bytes_may_come_one_by_one, 0, COUNT_OF(screens));
    tcase_add_test(topic, what_leaves_at_the_top_is_kept);
    tcase_add_test(topic, styles_are_kept_for_each_cell);
    tcase_add_test(topic, the_place_of_the_cursor_is_told_who_asks);
    tcase_add_loop_test(topic, what_no_terminal_should_get_is_put_down, 0,
                        COUNT_OF(complaints));
    tcase_add_test(topic, a_narrower_window_cuts_as_xterm_does);
    tcase_add_loop_test(topic, a_window_of_another_width_wraps_again_as_tmux_does, 0,
                        COUNT_OF(wraps));

    topic = add_case(suite, "terminal", begin, end);
    tcase_add_test(topic, keys_reach_the_program_and_its_output_the_screen);
    tcase_add_test(topic, a_wait_ends_when_the_program_does);
    tcase_add_test(topic, more_than_the_terminal_holds_is_sent_while_output_is_taken_in);
    tcase_add_test(topic, a_paste_comes_in_brackets_when_they_are_wanted);
    tcase_add_test(topic, another_size_is_a_signal);
    tcase_add_test(topic, ctrl_c_is_a_signal);
    tcase_add_test(topic, hanging_up_is_a_signal);
    tcase_add_test(topic, the_mode_of_the_terminal_is_told);
    tcase_add_test(topic, screens_are_compared_line_by_line);
    return run_suite(suite);
}
