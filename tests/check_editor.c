/* tests/check_editor.c - typing: keys in, text out, at a real terminal. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "prompt/editor.h"
#include "suite.h"

/* The owner: text is whole unless it ends with " do". */
struct typist {
    int far_end, terminal; /* of the pseudo-terminal */
    struct editor *editor;
    struct buffer accepted; /* each with a bar behind it */
    int completions, again, ends, clears;
    bool waits;                /* does not go on at once */
    const char *completion;    /* what Tab inserts at the cursor */
    const char *fed;           /* what comes while the owner is asked to complete */
    bool cancels;              /* and then Ctrl-C comes */
    char folder[64], *history; /* the file */
};

static struct typist t;

static bool is_whole(void *context, const char *text)
{
    const size_t length = strlen(text);

    (void)context;
    return length < 3 || strstr(text, " do") == NULL || strstr(text, "end") != NULL;
}

static void on_accepted(void *context, const char *text)
{
    struct typist *typist = context;

    buffer_append_string(&typist->accepted, text);
    buffer_append_char(&typist->accepted, '|');
    if (!typist->waits)
        editor_go_on(typist->editor);
}

static void on_complete(void *context, bool is_again)
{
    struct typist *typist = context;
    struct editor_view view;

    typist->completions++;
    typist->again += is_again;
    editor_look(typist->editor, &view);
    if (typist->completion != NULL)
        editor_replace(typist->editor, view.cursor, view.cursor, typist->completion);
    if (typist->fed != NULL)
        editor_feed(typist->editor, typist->fed, strlen(typist->fed));
    if (typist->cancels)
        editor_cancel(typist->editor);
}

static void on_ended(void *context)
{
    struct typist *typist = context;

    typist->ends++;
    if (!typist->waits)
        editor_go_on(typist->editor);
}

static void on_cleared(void *context)
{
    ((struct typist *)context)->clears++;
}

static const struct editor_owner owner = {is_whole, on_accepted, on_complete, on_ended,
                                          on_cleared};

static struct editor *new_editor(void)
{
    struct failure *failure = NULL;
    struct editor *editor = editor_open(t.terminal, t.history, 100, &owner, &t, &failure);

    ck_assert_msg(editor != NULL, "%s", failure == NULL ? "" : failure->message);
    return editor;
}

/* One that wants lines. */
static struct editor *open_editor(void)
{
    struct editor *editor = new_editor();

    editor_go_on(editor);
    return editor;
}

static void begin(void)
{
    memset(&t, 0, sizeof(t));
    strcpy(t.folder, "/tmp/editor-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.folder));
    t.history = memory_format("%s/deep/er/history", t.folder);
    setenv("HOME", t.folder, 1);
    setenv("TERM", "xterm", 1);
    t.far_end = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert(grantpt(t.far_end) == 0 && unlockpt(t.far_end) == 0);
    t.terminal = open(ptsname(t.far_end), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(t.terminal, 0);
    t.editor = open_editor();
}

static void end(void)
{
    editor_close(t.editor);
    close(t.terminal);
    close(t.far_end);
    buffer_deinit(&t.accepted);
    free(t.history);
}

static void type(const char *keys)
{
    editor_feed(t.editor, keys, strlen(keys));
}

/* What is shown, with the cursor as a caret. */
static char *shown(void)
{
    static char text[8192];
    struct editor_view view;

    editor_look(t.editor, &view);
    snprintf(text, sizeof(text), "%.*s^%s", (int)view.cursor, view.text,
             view.text + view.cursor);
    return text;
}

START_TEST(a_line_that_was_typed_is_accepted)
{
    type("print(1)");
    ck_assert_str_eq(shown(), "print(1)^");
    type("\r");
    ck_assert_str_eq(t.accepted.data, "print(1)|");
    ck_assert_str_eq(shown(), "^");
}
END_TEST

struct keys {
    const char *typed, *shown;
};

static const struct keys keys[] = {
    {"ab\x1b[Dc", "ac^b"},
    {"ab\x1bODc", "ac^b"},
    {"ab\x1b[D\x1b[D\x1b[C", "a^b"},
    {"ab\x1b[D\x1b[D\x1bOC", "a^b"},
    {"ab\x02\x02\x06", "a^b"},
    {"abc\x1b[H", "^abc"},
    {"abc\x1bOH", "^abc"},
    {"abc\x1b[1~", "^abc"},
    {"abc\x01", "^abc"},
    {"abc\x01\x1b[F", "abc^"},
    {"abc\x01\x1bOF", "abc^"},
    {"abc\x01\x1b[4~", "abc^"},
    {"abc\x01\x05", "abc^"},
    {"abc\x01\x1b[3~", "^bc"},
    {"abc\x01\x04", "^bc"},
    {"abc\x7f", "ab^"},
    {"abc\x08", "ab^"},
    {"a.bc d\x1b[1;5D", "a.bc ^d"},
    {"a.bc d\x1b[1;5D\x1b[1;5D", "a.^bc d"},
    {"a.bc d\x1b[1;3D\x1b[1;3D", "a.^bc d"},
    {"a.bc d\x1b"
     "b\x1b"
     "b",
     "a.^bc d"},
    {"a.bc d\x01\x1b[1;5C", "a^.bc d"},
    {"a.bc d\x01\x1b"
     "f\x1b"
     "f",
     "a.bc^ d"},
    {"f(x, y)\x17", "f(x, ^"},
    {"f(x, y)\x1b\x7f", "f(x, ^"},
    {"f(x, y)\x01\x1b"
     "d",
     "^(x, y)"},
    {"abc\x02\x0b", "ab^"},
    {"abc\x02\x15", "^c"},
    {"abc\x15x\x19", "xabc^"},
    {"a b c\x17\x17\x19\x19", "a b cb c^"},
    {"abc\x02\x14", "acb^"},
    {"one two\x1f", "one ^"},
    {"one two\x1f\x1f", "^"},
    {"abc\x15\x1f", "abc^"},
    {"a do\rb", "a do\nb^"},
    {"a\x1b\rb", "a\nb^"},
    {"a\x1b\nb", "a\nb^"},
    {"abc\x1b\rd\x1b[A", "a^bc\nd"},
    {"abc\x1b\rd\x1b\refg\x1b[A\x1b[A\x1b[H\x1b[F\x1b[B\x1b[B", "abc\nd\nefg^"},
    {"abc\x1b\rdef\x1b[H", "abc\n^def"},
    {"abc\x1b\rde\x1b[A\x0b", "ab^\nde"},
    {"abc\x1b\rdef\x1b[A\x0b", "abc^def"},
    {"ab\x1b\rc\x1b[H\x15", "ab^c"},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x02\x02",
     "\xc3\xa9^\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xc3\xa2\xc3\xa4\xc3\xb1\xc3\xb8", "\xc3\xa2\xc3\xa4\xc3\xb1\xc3\xb8^"},
    {"a\xff\xc3(", "a\xef\xbf\xbd\xef\xbf\xbd(^"},
    {"\x16\x07", "\x07^"},
    {"a\xc2\x82"
     "b",
     "ab^"},
    {"\x1b[200~a\rb\r\nc\x07\n\x1b[201~", "a\nb\nc\n^"},
    {"\x1b[200~a\x1b[200~b\x1b[20\x1b[201~", "a[200~b[20^"},
};

START_TEST(each_key_does_what_it_should)
{
    type(keys[_i].typed);
    ck_assert_str_eq(shown(), keys[_i].shown);
    ck_assert_ptr_null(t.accepted.data);
}
END_TEST

START_TEST(keys_may_come_byte_by_byte)
{
    for (const char *key = keys[_i].typed; *key != '\0'; key++)
        editor_feed(t.editor, key, 1);
    ck_assert_str_eq(shown(), keys[_i].shown);
}
END_TEST

/* --- Enter ------------------------------------------------------------------------------- */

START_TEST(an_empty_line_runs_what_is_unfinished)
{
    type("for x do\r");
    ck_assert_str_eq(shown(), "for x do\n^");
    type("  f()\r");
    ck_assert_str_eq(shown(), "for x do\n  f()\n  ^");
    type("\r");
    ck_assert_str_eq(t.accepted.data, "for x do\n  f()|");
}
END_TEST

START_TEST(a_new_line_is_indented_but_not_in_a_paste_without_brackets)
{
    type("  a do\r");
    ck_assert_str_eq(shown(), "  a do\n  ^");
    editor_cancel(t.editor);
    type("  a do\r  b\r");
    ck_assert_str_eq(shown(), "  a do\n  b\n  ^");
}
END_TEST

START_TEST(enter_in_the_middle_of_a_whole_text_runs_it)
{
    type("a\x1b\rb\x1b[A\r");
    ck_assert_str_eq(t.accepted.data, "a\nb|");
}
END_TEST

START_TEST(keys_behind_an_accepted_line_wait_until_it_is_over)
{
    t.waits = true;
    type("one\rtwo\rthr");
    ck_assert_str_eq(t.accepted.data, "one|");
    ck_assert_str_eq(shown(), "^");
    type("ee\r");
    ck_assert_str_eq(t.accepted.data, "one|");
    editor_go_on(t.editor);
    ck_assert_str_eq(t.accepted.data, "one|two|");
    t.waits = false;
    editor_go_on(t.editor);
    ck_assert_str_eq(t.accepted.data, "one|two|three|");
}
END_TEST

/* They were edited on, and accepted when nobody had asked for a line. */
START_TEST(keys_behind_the_end_wait_until_a_line_is_wanted)
{
    t.waits = true;
    type("\x04one\r");
    ck_assert_int_eq(t.ends, 1);
    ck_assert_uint_eq(t.accepted.length, 0);
    t.waits = false;
    editor_go_on(t.editor);
    ck_assert_str_eq(t.accepted.data, "one|");
}
END_TEST

START_TEST(keys_wait_until_the_first_line_is_wanted)
{
    editor_close(t.editor);
    t.editor = new_editor();
    type("one\r");
    ck_assert_uint_eq(t.accepted.length, 0);
    editor_go_on(t.editor);
    ck_assert_str_eq(t.accepted.data, "one|");
}
END_TEST

START_TEST(a_paste_without_brackets_is_run_line_by_line)
{
    struct buffer pasted = {0};

    for (int i = 0; i < 1000; i++)
        buffer_printf(&pasted, "x%d = 1\r", i);
    editor_feed(t.editor, pasted.data, pasted.length);
    for (size_t i = 0; i < pasted.length; i++)
        if (pasted.data[i] == '\r')
            pasted.data[i] = '|';
    ck_assert_str_eq(t.accepted.data, pasted.data);
    buffer_deinit(&pasted);
}
END_TEST

START_TEST(control_d_ends_only_when_nothing_is_typed)
{
    type("a\x04");
    ck_assert_int_eq(t.ends, 0);
    type("\x7f\x04");
    ck_assert_int_eq(t.ends, 1);
    type("b");
    ck_assert_str_eq(shown(), "b^");
    editor_feed(t.editor, "", 0);
    ck_assert_int_eq(t.ends, 2);
}
END_TEST

START_TEST(control_l_asks_for_an_empty_screen_and_leaves_the_text)
{
    type("abc\x0c");
    ck_assert_int_eq(t.clears, 1);
    ck_assert_str_eq(shown(), "abc^");
}
END_TEST

/* --- what the owner changes -------------------------------------------------------------- */

START_TEST(tab_lets_the_owner_insert_and_says_when_it_comes_again)
{
    t.completion = "\xc3\xa9(";
    type("a\t");
    ck_assert_str_eq(shown(), "a\xc3\xa9(^");
    ck_assert_int_eq(t.again, 0);
    type("\t");
    ck_assert_int_eq(t.again, 1);
    type("x\t");
    ck_assert_int_eq(t.completions, 3);
    ck_assert_int_eq(t.again, 1);
    type("\x1f");
    ck_assert_str_eq(shown(), "a\xc3\xa9(\xc3\xa9(x^");
}
END_TEST

START_TEST(keys_that_come_while_the_owner_is_asked_count_afterwards)
{
    t.completion = "xyz";
    t.fed = "(1)\r";
    type("a\tb");
    ck_assert_str_eq(t.accepted.data, "axyzb(1)|");
    t.cancels = true;
    type("a\tb");
    ck_assert_str_eq(shown(), "^");
    ck_assert_str_eq(t.accepted.data, "axyzb(1)|");
    type("b\r");
    ck_assert_str_eq(t.accepted.data, "axyzb(1)|b|");
}
END_TEST

START_TEST(a_part_is_replaced_by_bytes)
{
    type("\xc3\xa9"
         "abc");
    editor_replace(t.editor, 2, 4, "\xe2\x82\xac");
    ck_assert_str_eq(shown(), "\xc3\xa9\xe2\x82\xac^c");
    editor_replace(t.editor, 0, 2, "");
    ck_assert_str_eq(shown(), "^\xe2\x82\xac"
                              "c");
    editor_replace(t.editor, 4, 4, "x");
    ck_assert_str_eq(shown(), "\xe2\x82\xac"
                              "cx^");
    type("y");
    ck_assert_str_eq(shown(), "\xe2\x82\xac"
                              "cxy^");
}
END_TEST

static const char *const states[] = {
    "",
    "abc",
    "a do\rb",
    "\x12"
    "a",
    "\x13",
    "\x16",
    "\x1b",
    "\x1b[",
    "\x1b[20",
    "\x1b[200~a",
    "\x1b[200~a\x1b[20",
    "\x1b"
    "5",
    "\xe2\x82",
    "\x1bx",
    "\x1bxbind",
    "\x18",
};

START_TEST(all_is_dropped_in_every_state)
{
    type("old\r");
    editor_remember(t.editor, "older");
    type(states[_i]);
    editor_cancel(t.editor);
    ck_assert_str_eq(shown(), "^");
    type("abc\r");
    ck_assert_str_eq(t.accepted.data, "old|abc|");
}
END_TEST

START_TEST(it_is_closed_in_every_state)
{
    editor_remember(t.editor, "older");
    type(states[_i]); /* the fixture closes it */
}
END_TEST

START_TEST(typed_ahead_is_dropped_too)
{
    t.waits = true;
    type("one\rtwo\r");
    editor_cancel(t.editor);
    editor_go_on(t.editor);
    ck_assert_str_eq(t.accepted.data, "one|");
    ck_assert_str_eq(shown(), "^");
}
END_TEST

/* --- the history ------------------------------------------------------------------------- */

static void remember_all(const char *const *lines, int count)
{
    for (int i = 0; i < count; i++)
        editor_remember(t.editor, lines[i]);
}

static const char *const lines[] = {"print(1)", "for x do\n  f(x)\nend",
                                    "prose = \xc3\xa9t\xc3\xa9", "print(2)"};

static const struct keys walks[] = {
    {"\x1b[A", "print(2)^"},
    {"\x1b[A\x1b[A", "prose = \xc3\xa9t\xc3\xa9^"},
    {"\x10\x10\x10", "for x do\n  f(x)\nend^"},
    {"\x10\x10\x10\x10", "print(1)^"},
    {"\x10\x10\x10\x10\x10\x10", "print(1)^"},
    {"ab\x10\x10\x0e\x0e", "ab^"},
    {"ab\x0e", "ab^"},
    {"\x10\x10\x10\x1b[A\x1b[A", "for^ x do\n  f(x)\nend"},
    {"\x10\x10\x10\x1b[A\x1b[A\x1b[A", "print(1)^"},
    {"\x10\x10\x10\x1b[A\x1b[A\x1b[A\x1b[B", "for x do\n  f(x)\nend^"},
    {"print\x1b[5~", "print^(2)"},
    {"print\x1b[5~\x1b[5~", "print^(1)"},
    {"print\x1b[5~\x1b[5~\x1b[5~\x1b[6~", "print^(2)"},
    {"print\x1b[5~\x1b[6~", "print^"},
    {"pr\x1bp\x1bp\x1bp\x1bn", "pr^ose = \xc3\xa9t\xc3\xa9"},
    {"x\x1b[5~", "x^"},
    {"\x10"
     "3\x1f",
     "print(2)^"},
    {"ab\x10\x1f", "ab^"},
};

START_TEST(the_history_is_walked)
{
    remember_all(lines, COUNT_OF(lines));
    type(walks[_i].typed);
    ck_assert_str_eq(shown(), walks[_i].shown);
}
END_TEST

START_TEST(equal_neighbours_are_one_line)
{
    const char *const same[] = {"a", "b", "b", "a", "a"};

    remember_all(same, COUNT_OF(same));
    type("\x10\x10\x10\x10\x10");
    ck_assert_str_eq(shown(), "a^");
    type("\x0e\x0e");
    ck_assert_str_eq(shown(), "a^");
    type("\x0e");
    ck_assert_str_eq(shown(), "^");
}
END_TEST

/* The file, read by an editor of its own as a later session would. */
static char *read_history(void)
{
    static char text[65536];
    FILE *file = fopen(t.history, "r");
    const size_t length = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

    text[length] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static void write_history(const char *bytes, size_t length)
{
    FILE *file = fopen(t.history, "w");

    ck_assert(file != NULL && fwrite(bytes, 1, length, file) == length &&
              fclose(file) == 0);
}

static void reopen(void)
{
    editor_close(t.editor);
    t.editor = open_editor();
}

#define HEAD "# moongate: lines typed at the prompt\n"

START_TEST(lines_are_there_in_the_next_session)
{
    struct stat status;

    remember_all(lines, COUNT_OF(lines));
    ck_assert_str_eq(read_history(), HEAD "print(1)\nfor x do\\n  f(x)\\nend\n"
                                          "prose = \xc3\xa9t\xc3\xa9\nprint(2)\n");
    ck_assert(stat(t.history, &status) == 0 && (status.st_mode & 0777) == 0600);
    reopen();
    type("\x10\x10\x10");
    ck_assert_str_eq(shown(), "for x do\n  f(x)\nend^");
}
END_TEST

START_TEST(secrets_and_lines_behind_a_blank_are_not_kept)
{
    const char *const kept_out[] = {" print(1)", "\tx", "", "password = 'hunter2'"};

    editor_remember(t.editor, "a\\b");
    remember_all(kept_out, COUNT_OF(kept_out));
    type("\x10");
    ck_assert_str_eq(shown(), "a\\b^");
    ck_assert_str_eq(read_history(), HEAD "a\\\\b\n");
}
END_TEST

START_TEST(two_sessions_keep_all_lines_of_both)
{
    struct editor *first = t.editor, *second = open_editor();
    struct buffer expected = {0};

    buffer_append_string(&expected, HEAD);
    for (int i = 0; i < 50; i++) {
        char *line = memory_format("x%d", i);

        editor_remember(i % 2 == 0 ? first : second, line);
        buffer_printf(&expected, "%s\n", line);
        free(line);
    }
    ck_assert_str_eq(read_history(), expected.data);
    editor_close(second);
    buffer_deinit(&expected);
}
END_TEST

/* Appends so many lines in a process of its own. */
static pid_t start_session(int number, int count)
{
    const pid_t child = fork();

    if (child != 0)
        return child;
    t.editor = open_editor();
    for (int i = 0; i < count; i++) {
        char *line = memory_format("s%d_%d", number, i);

        if (i % 10 == 0)
            reopen(); /* which cuts the file when it is too long */
        editor_remember(t.editor, line);
        free(line);
    }
    _exit(0);
}

START_TEST(sessions_that_cut_the_file_lose_nobody_s_lines)
{
    enum { SESSIONS = 4, LINES = 300 };
    pid_t children[SESSIONS];
    int newest[SESSIONS] = {0}, count = 0, order[SESSIONS];

    editor_close(t.editor); /* its thread would not be in the children */
    for (int i = 0; i < SESSIONS; i++)
        children[i] = start_session(i, LINES);
    for (int i = 0; i < SESSIONS; i++) {
        int status;

        ck_assert(waitpid(children[i], &status, 0) == children[i] && status == 0);
        order[i] = -1;
    }
    t.editor = open_editor();
    for (char *line = strtok(read_history() + strlen(HEAD), "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        int session, number;

        ck_assert_int_eq(sscanf(line, "s%d_%d", &session, &number), 2);
        ck_assert(order[session] == -1 || number == order[session] + 1); /* no gap */
        order[session] = newest[session] = number;
        count++;
    }
    ck_assert_int_le(count, 125);
    ck_assert_int_ge(count, 100);
    for (int i = 0; i < SESSIONS; i++)
        ck_assert(order[i] == -1 || newest[i] == LINES - 1);
}
END_TEST

START_TEST(a_file_that_is_too_long_is_cut_to_the_newest_lines)
{
    struct buffer bytes = {0};

    editor_remember(t.editor, "first");
    buffer_append_string(&bytes, HEAD);
    for (int i = 0; i < 126; i++)
        buffer_printf(&bytes, "x%d\n", i);
    write_history(bytes.data, bytes.length - 1); /* killed before the last line's end */
    reopen();
    ck_assert_ptr_nonnull(strstr(read_history(), HEAD "x26\n"));
    ck_assert_ptr_nonnull(strstr(read_history(), "\nx125\n"));
    type("\x10");
    ck_assert_str_eq(shown(), "x125^");
    buffer_deinit(&bytes);
}
END_TEST

START_TEST(a_torn_last_line_is_a_line_of_its_own)
{
    editor_remember(t.editor, "first");
    write_history(HEAD "one\ntw", strlen(HEAD "one\ntw"));
    reopen();
    editor_remember(t.editor, "three");
    ck_assert_str_eq(read_history(), HEAD "one\ntw\nthree\n");
}
END_TEST

struct damage {
    const char *bytes, *said;
};

static const struct damage damages[] = {
    {"print(1)\n", "is damaged in line 1"}, {HEAD "a\nb\\x\n", "is damaged in line 3"},
    {HEAD "a\\", "is damaged in line 2"},   {HEAD "\xff\n", "is damaged in line 2"},
    {HEAD "a\n\n", "is damaged in line 3"}, {HEAD "a\rb\n", "is damaged in line 2"},
};

static void keep_log(void *context, enum log_level level, const char *text)
{
    (void)level;
    buffer_append_string(context, text);
}

START_TEST(a_damaged_file_is_said_and_left_alone)
{
    struct buffer said = {0};

    editor_remember(t.editor, "first");
    write_history(damages[_i].bytes, strlen(damages[_i].bytes));
    log_set_sink(keep_log, &said);
    reopen();
    ck_assert_ptr_nonnull(strstr(said.data, damages[_i].said));
    editor_remember(t.editor, "in memory");
    type("\x10\x10");
    ck_assert_str_eq(shown(), "in memory^");
    ck_assert_str_eq(read_history(), damages[_i].bytes);
    log_set_sink(NULL, NULL);
    buffer_deinit(&said);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_said_once)
{
    struct buffer said = {0};

    editor_close(t.editor);
    free(t.history);
    t.history = memory_copy_string("/dev/null/history");
    log_set_sink(keep_log, &said);
    t.editor = open_editor();
    editor_remember(t.editor, "one");
    editor_remember(t.editor, "two");
    type("\x10\x10");
    ck_assert_str_eq(shown(), "one^");
    ck_assert_str_eq(said.data,
                     "the history file '/dev/null/history' is not used, lines are kept "
                     "for this session only: Not a directory");
    log_set_sink(NULL, NULL);
    buffer_deinit(&said);
}
END_TEST

/* A full disk: /dev/full refuses each write, but is no regular file, so a limit on sizes has to do. */
START_TEST(a_write_that_fails_leaves_the_file_as_it_was)
{
    struct buffer said = {0};
    struct rlimit limit = {60, RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    log_set_sink(keep_log, &said);
    editor_remember(t.editor, "one");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    editor_remember(t.editor, "a line that is longer than what there is room for");
    editor_remember(t.editor, "another line that is longer than what there is room for");
    ck_assert_str_eq(read_history(), HEAD "one\n");
    ck_assert_ptr_nonnull(strstr(said.data, "lines are not kept in the history file"));
    ck_assert_ptr_null(strstr(strstr(said.data, "lines") + 1, "lines are"));
    editor_remember(t.editor, "two");
    ck_assert_str_eq(read_history(), HEAD "one\ntwo\n");
    log_set_sink(NULL, NULL);
    buffer_deinit(&said);
}
END_TEST

START_TEST(a_symbolic_link_stays_one)
{
    struct buffer bytes = {0};
    struct stat status;
    char *real = memory_format("%s/real", t.folder);

    editor_remember(t.editor, "first");
    ck_assert(rename(t.history, real) == 0 && symlink(real, t.history) == 0);
    buffer_append_string(&bytes, HEAD);
    for (int i = 0; i < 200; i++)
        buffer_printf(&bytes, "x%d\n", i);
    write_history(bytes.data, bytes.length);
    reopen();
    editor_remember(t.editor, "last");
    ck_assert(lstat(t.history, &status) == 0 && S_ISLNK(status.st_mode));
    ck_assert_ptr_nonnull(strstr(read_history(), "x199\nlast\n"));
    free(real);
    buffer_deinit(&bytes);
}
END_TEST

/* --- searching --------------------------------------------------------------------------- */

struct search {
    const char *typed, *shown, *search; /* NULL: over */
    bool is_found;
};

static const struct search searches[] = {
    {"\x12", "^", "", true},
    {"\x12p", "^print(2)", "p", true},
    {"\x12pr", "^print(2)", "pr", true},
    {"\x12pro", "^prose = \xc3\xa9t\xc3\xa9", "pro", true},
    {"\x12(", "print^(2)", "(", true},
    {"\x12print\x12", "^print(1)", "print", true},
    {"\x12print\x12\x13", "^print(2)", "print", true},
    {"\x12print\x12\x12", "^print(1)", "print", false},
    {"\x12printz", "^print(2)", "printz", false},
    {"\x12printz\x7f", "^print(2)", "print", true},
    {"\x12\xc3\xa9t", "prose = ^\xc3\xa9t\xc3\xa9", "\xc3\xa9t", true},
    {"\x12\xd0\x92", "^", "\xd0\x92", false}, /* U+0412: 0x12 is Ctrl-R */
    {"\x12"
     "f(x",
     "for x do\n  ^f(x)\nend", "f(x", true},
    {"ab\x12print\x07", "ab^", NULL, true},
    {"ab\x12print\x1b", "^print(2)", NULL, true},
    {"ab\x12print\x05", "print(2)^", NULL, true},
    {"ab\x12print\x1b[C", "p^rint(2)", NULL, true},
    {"ab\x12print\x12\x10", "^print(1)", NULL, true},
    {"ab\x12pro\x0e", "print(2)^", NULL, true},
    {"ab\x12pro\x0e\x0e", "ab^", NULL, true},
    {"ab\x12print\x07\x12\x12", "^print(2)", "print", true},
    {"ab\x12print\x7f\x7f\x7f\x7f\x7f", "ab^", "", true},
    {"ab\x12print\x06\x1f", "ab^", NULL, true},
    {"ab\x12print\x1b[200~x\x1b[201~", "x^print(2)", NULL, true},
};

START_TEST(the_history_is_searched)
{
    struct editor_view view;

    remember_all(lines, COUNT_OF(lines));
    type(searches[_i].typed);
    ck_assert_str_eq(shown(), searches[_i].shown);
    editor_look(t.editor, &view);
    if (searches[_i].search == NULL) {
        ck_assert_ptr_null(view.search);
    } else {
        ck_assert_str_eq(view.search, searches[_i].search);
        ck_assert(view.is_found == searches[_i].is_found);
    }
}
END_TEST

START_TEST(enter_runs_what_was_found)
{
    remember_all(lines, COUNT_OF(lines));
    type("\x12pro\r");
    ck_assert_str_eq(t.accepted.data, "prose = \xc3\xa9t\xc3\xa9|");
}
END_TEST

/* --- pastes ------------------------------------------------------------------------------ */

static struct buffer make_paste(size_t size)
{
    struct buffer paste = {0};

    buffer_append_string(&paste, "\x1b[200~");
    for (int i = 0; paste.length < size; i++)
        buffer_printf(&paste, "print('line %d of the \xc3\xa9t\xc3\xa9') -- do\r", i);
    buffer_append_string(&paste, "\x1b[201~");
    return paste;
}

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* In pieces as a terminal's driver gives them, so that marks and letters are torn. */
START_TEST(a_large_paste_is_one_text_and_takes_no_time)
{
    struct buffer paste = make_paste(1 << 20);
    struct editor_view view;
    const double started = now();

    for (size_t at = 0; at < paste.length; at += 4095)
        editor_feed(t.editor, paste.data + at,
                    paste.length - at < 4095 ? paste.length - at : 4095);
    editor_look(t.editor, &view);
    ck_assert_uint_eq(strlen(view.text), paste.length - 12);
    ck_assert_uint_eq(view.cursor, paste.length - 12);
    ck_assert_ptr_null(t.accepted.data);
    type("x\x7f\x1b[A\x1b[D\x05\x1f\x1f\x1f");
    editor_look(t.editor, &view);
    ck_assert_uint_eq(strlen(view.text), 0);
    ck_assert_msg(now() - started < 10, "%.3f s", now() - started);
    buffer_deinit(&paste);
}
END_TEST

START_TEST(a_paste_waits_for_enter)
{
    type("\x1b[200~a\rb\r\x1b[201~");
    ck_assert_ptr_null(t.accepted.data);
    type("\r");
    ck_assert_str_eq(t.accepted.data, "a\nb|");
}
END_TEST

START_TEST(a_paste_that_is_too_long_is_refused_as_a_whole)
{
    struct buffer paste = make_paste(17 << 20), said = {0};

    log_set_sink(keep_log, &said);
    type("ab");
    editor_feed(t.editor, paste.data, paste.length);
    type("c");
    ck_assert_str_eq(shown(), "abc^");
    ck_assert_ptr_nonnull(strstr(said.data, "16 million characters"));
    log_set_sink(NULL, NULL);
    buffer_deinit(&said);
    buffer_deinit(&paste);
}
END_TEST

/* --- the terminal ------------------------------------------------------------------------ */

static struct termios read_mode(void)
{
    struct termios mode;

    memset(&mode, 0, sizeof(mode));
    ck_assert_int_eq(tcgetattr(t.terminal, &mode), 0);
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

    fcntl(t.far_end, F_SETFL, O_NONBLOCK);
    length = read(t.far_end, bytes, sizeof(bytes) - 1);
    bytes[length < 0 ? 0 : length] = '\0';
    return bytes;
}

START_TEST(the_terminal_is_what_it_was_afterwards)
{
    const struct termios before = read_mode();

    for (int i = 0; i < 2; i++) {
        editor_take_terminal(t.editor);
        editor_take_terminal(t.editor);

        const struct termios taken = read_mode();

        ck_assert_uint_eq(taken.c_lflag & (ICANON | ECHO | IEXTEN | ISIG), ISIG);
        ck_assert_uint_eq(taken.c_iflag & (ICRNL | IXON | ISTRIP), 0);
        ck_assert_uint_eq(taken.c_oflag, before.c_oflag);
        ck_assert_str_eq(read_far_end(), "\x1b[?2004h");
        type("abc\rdef\x12"
             "g\x16");
        editor_cancel(t.editor);

        const struct termios after = read_mode();

        ck_assert(is_same_mode(&after, &taken));
        ck_assert_str_eq(read_far_end(), "");
        editor_give_terminal_back(t.editor);
        editor_give_terminal_back(t.editor);
        ck_assert_str_eq(read_far_end(), "\x1b[?2004l");

        const struct termios back = read_mode();

        ck_assert(is_same_mode(&back, &before));
    }
    editor_take_terminal(t.editor);
    reopen();

    const struct termios closed = read_mode();

    ck_assert(is_same_mode(&closed, &before));
}
END_TEST

START_TEST(a_dumb_terminal_gets_no_sequences)
{
    setenv("TERM", "dumb", 1);
    reopen();
    editor_take_terminal(t.editor);
    type("ab\x1b[Dc");
    ck_assert_str_eq(shown(), "ac^b");
    editor_give_terminal_back(t.editor);
    unsetenv("TERM");
    reopen();
    editor_take_terminal(t.editor);
    type("ab\x1b[Dc");
    ck_assert_str_eq(shown(), "ac^b");
    ck_assert_str_eq(read_far_end(), "");
}
END_TEST

START_TEST(without_a_terminal_it_edits_too)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    editor_close(t.editor);

    const int terminal = t.terminal;

    t.terminal = ends[0];
    t.editor = open_editor();
    editor_take_terminal(t.editor);
    type("ab\x1b[Dc\r");
    ck_assert_str_eq(t.accepted.data, "acb|");
    editor_close(t.editor);
    t.editor = NULL;
    t.terminal = terminal;
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* --- ~/.editrc --------------------------------------------------------------------------- */

static void write_editrc(const char *text)
{
    char *path = memory_format("%s/.editrc", t.folder);
    FILE *file = fopen(path, "w");

    ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    free(path);
    reopen();
}

START_TEST(the_user_s_bindings_count)
{
    write_editrc("# mine\nnonsense here\nbind ^W ed-move-to-beg\n"
                 "moongate:bind ^O prompt-undo\nother:bind ^A ed-move-to-end\n"
                 "bind -s ^G \"hello\"\nbind \"\\e[A\" ed-move-to-beg");
    type("abc\x17x");
    ck_assert_str_eq(shown(), "x^abc");
    type("\x0f");
    ck_assert_str_eq(shown(), "^abc");
    type("\x05\x01\x07");
    ck_assert_str_eq(shown(), "hello^abc");
    type("\x1b[A");
    ck_assert_str_eq(shown(), "^helloabc");
}
END_TEST

START_TEST(vi_s_keys_work)
{
    write_editrc("bind -v\nhistory size 50\n");
    editor_remember(t.editor, "older");
    type("one two\x1b"
         "bcwdef\x1b");
    ck_assert_str_eq(shown(), "one de^f");
    type("k");
    ck_assert_str_eq(shown(), "older^");
    type("jA\x1b[200~a\rb\x1b[201~");
    ck_assert_str_eq(shown(), "one defa\nb^");
    type("\r");
    ck_assert_str_eq(t.accepted.data, "one defa\nb|");
    type("x do\ry\r\r");
    ck_assert_str_eq(t.accepted.data, "one defa\nb|x do\ny|");
}
END_TEST

START_TEST(libedit_s_own_enter_runs_the_text_as_it_is)
{
    write_editrc("bind ^O ed-newline\n");
    type("x do\x0f");
    ck_assert_str_eq(t.accepted.data, "x do|");
    type("y\r");
    ck_assert_str_eq(t.accepted.data, "x do|y|");
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
    unsigned state = (unsigned)_i + 1;

    if (HAS_VI && _i % 2 == 1)
        write_editrc("bind -v\n");
    t.completion = "()";
    remember_all(lines, COUNT_OF(lines));
    for (int i = 0; i < 10000; i++) {
        char byte;

        state = state * 1103515245 + 12345;
        byte = (char)(state >> 16);
        if (byte == 0x1b && state >> 28 < 8)
            type("\x1b[200~paste\x1b[201~");
        editor_feed(t.editor, &byte, 1);
        shown();
        if (i % 1000 == 999)
            editor_cancel(t.editor);
    }
    type("\x07\x1b[201~\x1b[201~");
    editor_cancel(t.editor);
    buffer_clear(&t.accepted);
    type("abc\r");
    ck_assert_str_eq(t.accepted.data, "abc|");
}
END_TEST

static void add_typing(Suite *suite)
{
    TCase *typing = add_case(suite, "typing", begin, end);

    tcase_add_test(typing, a_line_that_was_typed_is_accepted);
    tcase_add_loop_test(typing, each_key_does_what_it_should, 0, COUNT_OF(keys));
    tcase_add_loop_test(typing, keys_may_come_byte_by_byte, 0, COUNT_OF(keys));
    tcase_add_test(typing, an_empty_line_runs_what_is_unfinished);
    tcase_add_test(typing, a_new_line_is_indented_but_not_in_a_paste_without_brackets);
    tcase_add_test(typing, enter_in_the_middle_of_a_whole_text_runs_it);
    tcase_add_test(typing, keys_behind_an_accepted_line_wait_until_it_is_over);
    tcase_add_test(typing, keys_behind_the_end_wait_until_a_line_is_wanted);
    tcase_add_test(typing, keys_wait_until_the_first_line_is_wanted);
    tcase_add_test(typing, a_paste_without_brackets_is_run_line_by_line);
    tcase_add_test(typing, control_d_ends_only_when_nothing_is_typed);
    tcase_add_test(typing, control_l_asks_for_an_empty_screen_and_leaves_the_text);
    tcase_add_test(typing, a_large_paste_is_one_text_and_takes_no_time);
    tcase_add_test(typing, a_paste_waits_for_enter);
    tcase_add_test(typing, a_paste_that_is_too_long_is_refused_as_a_whole);
    tcase_add_loop_test(typing, any_bytes_end_in_text, 0, 8);
}

static void add_owner(Suite *suite)
{
    TCase *changes = add_case(suite, "owner", begin, end);

    tcase_add_test(changes, tab_lets_the_owner_insert_and_says_when_it_comes_again);
    tcase_add_test(changes, keys_that_come_while_the_owner_is_asked_count_afterwards);
    tcase_add_test(changes, a_part_is_replaced_by_bytes);
    tcase_add_loop_test(changes, all_is_dropped_in_every_state, 0, COUNT_OF(states));
    tcase_add_loop_test(changes, it_is_closed_in_every_state, 0, COUNT_OF(states));
    tcase_add_test(changes, typed_ahead_is_dropped_too);
    tcase_add_test(changes, the_user_s_bindings_count);
    tcase_add_test(changes, vi_s_keys_work);
    tcase_add_test(changes, libedit_s_own_enter_runs_the_text_as_it_is);
    tcase_add_test(changes, the_terminal_is_what_it_was_afterwards);
    tcase_add_test(changes, a_dumb_terminal_gets_no_sequences);
    tcase_add_test(changes, without_a_terminal_it_edits_too);
}

static void add_history(Suite *suite)
{
    TCase *history = add_case(suite, "history", begin, end);

    tcase_add_loop_test(history, the_history_is_walked, 0, COUNT_OF(walks));
    tcase_add_loop_test(history, the_history_is_searched, 0, COUNT_OF(searches));
    tcase_add_test(history, enter_runs_what_was_found);
    tcase_add_test(history, equal_neighbours_are_one_line);
    tcase_add_test(history, lines_are_there_in_the_next_session);
    tcase_add_test(history, secrets_and_lines_behind_a_blank_are_not_kept);
    tcase_add_test(history, two_sessions_keep_all_lines_of_both);
    tcase_add_test(history, sessions_that_cut_the_file_lose_nobody_s_lines);
    tcase_add_test(history, a_file_that_is_too_long_is_cut_to_the_newest_lines);
    tcase_add_test(history, a_torn_last_line_is_a_line_of_its_own);
    tcase_add_loop_test(history, a_damaged_file_is_said_and_left_alone, 0,
                        COUNT_OF(damages));
    tcase_add_test(history, a_file_that_cannot_be_written_is_said_once);
    tcase_add_test(history, a_write_that_fails_leaves_the_file_as_it_was);
    tcase_add_test(history, a_symbolic_link_stays_one);
}

int main(void)
{
    Suite *suite = suite_create("editor");

    add_typing(suite);
    add_owner(suite);
    add_history(suite);
    return run_suite(suite);
}
