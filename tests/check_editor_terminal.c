/* tests/check_editor_terminal.c - the terminal at which one types, and its user's keys. */
#include <sys/resource.h>
#include <termios.h>

#include "typist.h"

/* --- the terminal ------------------------------------------------------------------------ */

static struct termios read_mode(void)
{
    struct termios mode;

    memset(&mode, 0, sizeof(mode));
    ck_assert_int_eq(tcgetattr(typist.terminal, &mode), 0);
    return mode;
}

static bool is_same_mode(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
           a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
           memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

static char *read_far_end(void)
{
    static char bytes[4096];
    ssize_t length;

    fcntl(typist.far_end, F_SETFL, O_NONBLOCK);
    length = read(typist.far_end, bytes, sizeof(bytes) - 1);
    bytes[length < 0 ? 0 : length] = '\0';
    return bytes;
}

START_TEST(the_terminal_is_what_it_was_afterwards)
{
    const struct termios before = read_mode();

    for (int i = 0; i < 2; i++) {
        editor_take_terminal(typist.editor);
        editor_take_terminal(typist.editor);

        const struct termios taken = read_mode();

        ck_assert_uint_eq(taken.c_lflag & (ICANON | ECHO | IEXTEN | ISIG), ISIG);
        ck_assert_uint_eq(taken.c_iflag & (ICRNL | IXON | ISTRIP), 0);
        ck_assert_uint_eq(taken.c_oflag, before.c_oflag);
        ck_assert_str_eq(read_far_end(), "\x1b[?2004h");
        typist_type("abc\rdef\x12"
                    "g\x16");
        editor_cancel(typist.editor);

        const struct termios after = read_mode();

        ck_assert(is_same_mode(&after, &taken));
        ck_assert_str_eq(read_far_end(), "");
        editor_give_terminal_back(typist.editor);
        editor_give_terminal_back(typist.editor);
        ck_assert_str_eq(read_far_end(), "\x1b[?2004l");

        const struct termios back = read_mode();

        ck_assert(is_same_mode(&back, &before));
    }
    editor_take_terminal(typist.editor);
    typist_reopen();

    const struct termios closed = read_mode();

    ck_assert(is_same_mode(&closed, &before));
}
END_TEST

START_TEST(a_dumb_terminal_gets_no_sequences)
{
    setenv("TERM", "dumb", 1);
    typist_reopen();
    editor_take_terminal(typist.editor);
    typist_type("ab\x1b[Dc");
    ck_assert_str_eq(typist_shown(), "ac^b");
    editor_give_terminal_back(typist.editor);
    unsetenv("TERM");
    typist_reopen();
    editor_take_terminal(typist.editor);
    typist_type("ab\x1b[Dc");
    ck_assert_str_eq(typist_shown(), "ac^b");
    ck_assert_str_eq(read_far_end(), "");
}
END_TEST

START_TEST(without_a_terminal_it_edits_too)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    editor_close(typist.editor);

    const int terminal = typist.terminal;

    typist.terminal = ends[0];
    typist.editor = typist_open();
    editor_take_terminal(typist.editor);
    typist_type("ab\x1b[Dc\r");
    ck_assert_str_eq(typist.accepted.data, "acb|");
    editor_close(typist.editor);
    typist.editor = NULL;
    typist.terminal = terminal;
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* --- ~/.editrc --------------------------------------------------------------------------- */

/* How many descriptors there are for it, and what it then has no more for. */
static const struct {
    unsigned left;
    const char *missing;
} scarce_rows[] = {
    {0, "no pseudo-terminal: "}, {1, "no pseudo-terminal: "}, {2, "no /dev/null: "}};

/* So that only so many more can be had. */
static void leave_descriptors(unsigned count)
{
    int taken[4];
    struct rlimit limit;

    for (unsigned i = 0; i <= count; i++)
        taken[i] = dup(typist.terminal);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)taken[count];
    for (unsigned i = 0; i <= count; i++)
        close(taken[i]);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(what_it_lacks_is_said)
{
    static const struct editor_owner owner = {
        typist_is_whole, typist_accept, typist_complete, typist_end_input, typist_clear};
    struct failure *failure = NULL;
    struct rlimit before;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    leave_descriptors(scarce_rows[_i].left);
    ck_assert_ptr_null(editor_open(typist.terminal, NULL, 100, &owner, NULL, &failure));
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert_msg(strstr(failure->message, scarce_rows[_i].missing) != NULL, "%s",
                  failure->message);
    ck_assert_ptr_nonnull(failure->cure);
    failure_free(failure);
}
END_TEST

START_TEST(the_user_s_bindings_count)
{
    typist_write_editrc("# mine\nnonsense here\nbind ^W ed-move-to-beg\n"
                        "moongate:bind ^O prompt-undo\nother:bind ^A ed-move-to-end\n"
                        "bind -s ^G \"hello\"\nbind \"\\e[A\" ed-move-to-beg");
    typist_type("abc\x17x");
    ck_assert_str_eq(typist_shown(), "x^abc");
    typist_type("\x0f");
    ck_assert_str_eq(typist_shown(), "^abc");
    typist_type("\x05\x01\x07");
    ck_assert_str_eq(typist_shown(), "hello^abc");
    typist_type("\x1b[A");
    ck_assert_str_eq(typist_shown(), "^helloabc");
}
END_TEST

START_TEST(vi_s_keys_work)
{
    typist_write_editrc("bind -v\nhistory size 50\n");
    editor_remember(typist.editor, "older");
    typist_type("one two\x1b"
                "bcwdef\x1b");
    ck_assert_str_eq(typist_shown(), "one de^f");
    typist_type("k");
    ck_assert_str_eq(typist_shown(), "older^");
    typist_type("jA\x1b[200~a\rb\x1b[201~");
    ck_assert_str_eq(typist_shown(), "one defa\nb^");
    typist_type("\r");
    ck_assert_str_eq(typist.accepted.data, "one defa\nb|");
    typist_type("x do\ry\r\r");
    ck_assert_str_eq(typist.accepted.data, "one defa\nb|x do\ny|");
}
END_TEST

START_TEST(libedit_s_own_enter_runs_the_text_as_it_is)
{
    typist_write_editrc("bind ^O ed-newline\n");
    typist_type("x do\x0f");
    ck_assert_str_eq(typist.accepted.data, "x do|");
    typist_type("y\r");
    ck_assert_str_eq(typist.accepted.data, "x do|y|");
}
END_TEST

/* --- whatever comes ---------------------------------------------------------------------- */

/* vi's commands of libedit look at what is before the text, where ThreadSanitizer has nothing. */
#ifdef __SANITIZE_THREAD__
enum { HAS_VI = 0 };
#else
enum { HAS_VI = 1 };
#endif

START_TEST(any_bytes_end_in_text)
{
    const char *const lines[] = {"print(1)", "for x do\n  f(x)\nend",
                                 "\xc3\xa9t\xc3\xa9"};
    unsigned state = (unsigned)_i + 1;

    if (HAS_VI && _i % 2 == 1)
        typist_write_editrc("bind -v\n");
    typist.completion = "()";
    typist_remember(lines, COUNT_OF(lines));
    for (int i = 0; i < 10000; i++) {
        char byte;

        state = state * 1103515245 + 12345;
        byte = (char)(state >> 16);
        if (byte == 0x1b && state >> 28 < 8)
            typist_type("\x1b[200~paste\x1b[201~");
        editor_feed(typist.editor, &byte, 1);
        typist_shown();
        if (i % 1000 == 999)
            editor_cancel(typist.editor);
    }
    typist_type("\x07\x1b[201~\x1b[201~");
    editor_cancel(typist.editor);
    buffer_clear(&typist.accepted);
    typist_type("abc\r");
    ck_assert_str_eq(typist.accepted.data, "abc|");
}
END_TEST

static void add_terminal(Suite *suite)
{
    TCase *topic = add_case(suite, "terminal", typist_begin, typist_end);

    tcase_add_test(topic, the_terminal_is_what_it_was_afterwards);
    tcase_add_test(topic, a_dumb_terminal_gets_no_sequences);
    tcase_add_test(topic, without_a_terminal_it_edits_too);
    tcase_add_loop_test(topic, what_it_lacks_is_said, 0,
                        (int)(sizeof(scarce_rows) / sizeof(scarce_rows[0])));
}

static void add_keys(Suite *suite)
{
    TCase *topic = add_case(suite, "keys", typist_begin, typist_end);

    tcase_add_test(topic, the_user_s_bindings_count);
    tcase_add_test(topic, vi_s_keys_work);
    tcase_add_test(topic, libedit_s_own_enter_runs_the_text_as_it_is);
    tcase_add_loop_test(topic, any_bytes_end_in_text, 0, 8);
}

int main(void)
{
    Suite *suite = suite_create("editor_terminal");

    add_terminal(suite);
    add_keys(suite);
    return run_suite(suite);
}
