/* tests/check_editor_history.c - lines that were typed before, and their file. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "typist.h"

/* --- the history ------------------------------------------------------------------------- */

static const char *const lines[] = {"print(1)", "for x do\n  f(x)\nend",
                                    "prose = \xc3\xa9t\xc3\xa9", "print(2)"};

static const struct typist_keys walks[] = {
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
    typist_remember(lines, COUNT_OF(lines));
    typist_type(walks[_i].typed);
    ck_assert_str_eq(typist_shown(), walks[_i].shown);
}
END_TEST

START_TEST(equal_neighbours_are_one_line)
{
    const char *const same[] = {"a", "b", "b", "a", "a"};

    typist_remember(same, COUNT_OF(same));
    typist_type("\x10\x10\x10\x10\x10");
    ck_assert_str_eq(typist_shown(), "a^");
    typist_type("\x0e\x0e");
    ck_assert_str_eq(typist_shown(), "a^");
    typist_type("\x0e");
    ck_assert_str_eq(typist_shown(), "^");
}
END_TEST

/* The file, read by an editor of its own as a later session would. */
static char *read_history(void)
{
    static char text[65536];
    FILE *file = fopen(typist.history, "r");
    const size_t length = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

    text[length] = '\0';
    if (file != NULL)
        fclose(file);
    return text;
}

static void write_history(const char *bytes, size_t length)
{
    FILE *file = fopen(typist.history, "w");

    ck_assert(file != NULL && fwrite(bytes, 1, length, file) == length &&
              fclose(file) == 0);
}

#define HEAD "# moongate: lines typed at the prompt\n"

START_TEST(lines_are_there_in_the_next_session)
{
    struct stat status;

    typist_remember(lines, COUNT_OF(lines));
    ck_assert_str_eq(read_history(), HEAD "print(1)\nfor x do\\n  f(x)\\nend\n"
                                          "prose = \xc3\xa9t\xc3\xa9\nprint(2)\n");
    ck_assert(stat(typist.history, &status) == 0 && (status.st_mode & 0777) == 0600);
    typist_reopen();
    typist_type("\x10\x10\x10");
    ck_assert_str_eq(typist_shown(), "for x do\n  f(x)\nend^");
}
END_TEST

START_TEST(secrets_and_lines_behind_a_blank_are_not_kept)
{
    const char *const kept_out[] = {" print(1)", "\tx", "", "password = 'hunter2'"};

    editor_remember(typist.editor, "a\\b");
    typist_remember(kept_out, COUNT_OF(kept_out));
    typist_type("\x10");
    ck_assert_str_eq(typist_shown(), "a\\b^");
    ck_assert_str_eq(read_history(), HEAD "a\\\\b\n");
}
END_TEST

START_TEST(two_sessions_keep_all_lines_of_both)
{
    struct editor *first = typist.editor, *second = typist_open();
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
    typist.editor = typist_open();
    for (int i = 0; i < count; i++) {
        char *line = memory_format("s%d_%d", number, i);

        if (i % 10 == 0)
            typist_reopen(); /* which cuts the file when it is too long */
        editor_remember(typist.editor, line);
        free(line);
    }
    _exit(0);
}

START_TEST(sessions_that_cut_the_file_lose_nobody_s_lines)
{
    enum { SESSIONS = 4, LINES = 300 };
    pid_t children[SESSIONS];
    int newest[SESSIONS] = {0}, count = 0, order[SESSIONS];

    editor_close(typist.editor); /* its thread would not be in the children */
    for (int i = 0; i < SESSIONS; i++)
        children[i] = start_session(i, LINES);
    for (int i = 0; i < SESSIONS; i++) {
        int status;

        ck_assert(waitpid(children[i], &status, 0) == children[i] && status == 0);
        order[i] = -1;
    }
    typist.editor = typist_open();
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

    editor_remember(typist.editor, "first");
    buffer_append_string(&bytes, HEAD);
    for (int i = 0; i < 126; i++)
        buffer_printf(&bytes, "x%d\n", i);
    write_history(bytes.data, bytes.length - 1); /* killed before the last line's end */
    typist_reopen();
    ck_assert_ptr_nonnull(strstr(read_history(), HEAD "x26\n"));
    ck_assert_ptr_nonnull(strstr(read_history(), "\nx125\n"));
    typist_type("\x10");
    ck_assert_str_eq(typist_shown(), "x125^");
    buffer_deinit(&bytes);
}
END_TEST

START_TEST(a_torn_last_line_is_a_line_of_its_own)
{
    editor_remember(typist.editor, "first");
    write_history(HEAD "one\ntw", strlen(HEAD "one\ntw"));
    typist_reopen();
    editor_remember(typist.editor, "three");
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

START_TEST(a_damaged_file_is_said_and_left_alone)
{
    struct buffer said = {0};

    editor_remember(typist.editor, "first");
    write_history(damages[_i].bytes, strlen(damages[_i].bytes));
    log_set_sink(typist_keep_log, &said);
    typist_reopen();
    ck_assert_ptr_nonnull(strstr(said.data, damages[_i].said));
    editor_remember(typist.editor, "in memory");
    typist_type("\x10\x10");
    ck_assert_str_eq(typist_shown(), "in memory^");
    ck_assert_str_eq(read_history(), damages[_i].bytes);
    log_set_sink(NULL, NULL);
    buffer_deinit(&said);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_said_once)
{
    struct buffer said = {0};

    editor_close(typist.editor);
    free(typist.history);
    typist.history = memory_copy_string("/dev/null/history");
    log_set_sink(typist_keep_log, &said);
    typist.editor = typist_open();
    editor_remember(typist.editor, "one");
    editor_remember(typist.editor, "two");
    typist_type("\x10\x10");
    ck_assert_str_eq(typist_shown(), "one^");
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
    log_set_sink(typist_keep_log, &said);
    editor_remember(typist.editor, "one");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    editor_remember(typist.editor, "a line that is longer than what there is room for");
    editor_remember(typist.editor,
                    "another line that is longer than what there is room for");
    ck_assert_str_eq(read_history(), HEAD "one\n");
    ck_assert_ptr_nonnull(strstr(said.data, "lines are not kept in the history file"));
    ck_assert_ptr_null(strstr(strstr(said.data, "lines") + 1, "lines are"));
    editor_remember(typist.editor, "two");
    ck_assert_str_eq(read_history(), HEAD "one\ntwo\n");
    log_set_sink(NULL, NULL);
    buffer_deinit(&said);
}
END_TEST

START_TEST(a_symbolic_link_stays_one)
{
    struct buffer bytes = {0};
    struct stat status;
    char *real = memory_format("%s/real", typist.folder);

    editor_remember(typist.editor, "first");
    ck_assert(rename(typist.history, real) == 0 && symlink(real, typist.history) == 0);
    buffer_append_string(&bytes, HEAD);
    for (int i = 0; i < 200; i++)
        buffer_printf(&bytes, "x%d\n", i);
    write_history(bytes.data, bytes.length);
    typist_reopen();
    editor_remember(typist.editor, "last");
    ck_assert(lstat(typist.history, &status) == 0 && S_ISLNK(status.st_mode));
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

    typist_remember(lines, COUNT_OF(lines));
    typist_type(searches[_i].typed);
    ck_assert_str_eq(typist_shown(), searches[_i].shown);
    editor_look(typist.editor, &view);
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
    typist_remember(lines, COUNT_OF(lines));
    typist_type("\x12pro\r");
    ck_assert_str_eq(typist.accepted.data, "prose = \xc3\xa9t\xc3\xa9|");
}
END_TEST

static void add_history(Suite *suite)
{
    TCase *topic = add_case(suite, "history", typist_begin, typist_end);

    tcase_add_loop_test(topic, the_history_is_walked, 0, COUNT_OF(walks));
    tcase_add_test(topic, equal_neighbours_are_one_line);
    tcase_add_test(topic, lines_are_there_in_the_next_session);
    tcase_add_test(topic, secrets_and_lines_behind_a_blank_are_not_kept);
    tcase_add_test(topic, two_sessions_keep_all_lines_of_both);
    tcase_add_test(topic, sessions_that_cut_the_file_lose_nobody_s_lines);
    tcase_add_test(topic, a_file_that_is_too_long_is_cut_to_the_newest_lines);
    tcase_add_test(topic, a_torn_last_line_is_a_line_of_its_own);
    tcase_add_loop_test(topic, a_damaged_file_is_said_and_left_alone, 0,
                        COUNT_OF(damages));
    tcase_add_test(topic, a_file_that_cannot_be_written_is_said_once);
    tcase_add_test(topic, a_write_that_fails_leaves_the_file_as_it_was);
    tcase_add_test(topic, a_symbolic_link_stays_one);
}

static void add_search(Suite *suite)
{
    TCase *topic = add_case(suite, "search", typist_begin, typist_end);

    tcase_add_loop_test(topic, the_history_is_searched, 0, COUNT_OF(searches));
    tcase_add_test(topic, enter_runs_what_was_found);
}

int main(void)
{
    Suite *suite = suite_create("editor_history");

    add_history(suite);
    add_search(suite);
    return run_suite(suite);
}
