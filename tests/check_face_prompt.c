/* tests/check_face_prompt.c - what stands on the screen while one types at the prompt.
 *
 * What is shown is compared with a layout that this file calculates on its own. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* posix_openpt() and its like are X/Open functions */
#endif

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"
#include "faces.h"
#include "net/loop.h"
#include "run/event.h"
#include "run/face.h"
#include "run/face_prompt.h"

#define PROMPT       "prod> "
#define CONTINUATION "  ... "

/* This stands before the C library's function of this name. */
static unsigned writes;

ssize_t write(int fd, const void *bytes, size_t length)
{
    writes++;
    return syscall(SYS_write, fd, bytes, length);
}

/* Of this thread, so without the terminal's reader. */
static double cpu_seconds(void)
{
    struct timespec now;

    syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void open_prompt(int columns, int rows)
{
    open_terminal(columns, rows, true);
    h.face = face_new_prompt(h.loop);
}

static struct face_prompt_view view_of(const char *text, size_t cursor)
{
    return (struct face_prompt_view){
        .prompt = PROMPT, .continuation = CONTINUATION, .text = text, .cursor = cursor};
}

static void type_at(const char *text, size_t cursor)
{
    const struct face_prompt_view view = view_of(text, cursor);

    face_prompt_show(h.face, &view);
}

static void type(const char *text)
{
    type_at(text, strlen(text));
}

static void settle(const char *text, bool is_dropped)
{
    const struct face_prompt_view view = view_of(text, strlen(text));

    face_prompt_settle(h.face, &view, is_dropped);
}

static void assert_cursor(int row, int column)
{
    ck_assert_int_eq(h.screen.row, row);
    ck_assert_int_eq(h.screen.column, column);
    ck_assert(!h.screen.is_cursor_hidden);
}

/* --- a layout of our own --- */

/* Rows of text, from the top; what fills a row exactly goes on in the next. */
struct layout {
    char rows[SCREEN_ROWS * 4][SCREEN_COLUMNS * 8];
    int row, column, columns;
    int cursor_row, cursor_column;
};

static int width_of(const char *character)
{
    const unsigned char lead = (unsigned char)*character;

    if (lead < 0x80)
        return 1;
    if (lead == 0xcc || lead == 0xcd)
        return 0; /* U+0300 to U+036F: combining marks */
    return lead == 0xe7 || lead == 0xe9 || lead == 0xf0 ? 2 : 1; /* CJK, emoji */
}

static void lay_character(struct layout *layout, const char *character, size_t length)
{
    const int width = width_of(character);

    if (layout->column + width > layout->columns) {
        layout->row++;
        layout->column = 0;
    }
    strncat(layout->rows[layout->row], character, length);
    layout->column += width;
}

static void lay_words(struct layout *layout, const char *words)
{
    for (; *words != '\0'; words++)
        lay_character(layout, words, 1);
}

static size_t character_length(const char *text)
{
    size_t length = 1;

    while ((text[length] & 0xc0) == 0x80)
        length++;
    return length;
}

/* Where the next character goes, given its width. */
static void lay_cursor(struct layout *layout, int width)
{
    const bool fits = layout->column + width <= layout->columns;

    layout->cursor_row = layout->row + (fits ? 0 : 1);
    layout->cursor_column = fits ? layout->column : 0;
    if (layout->cursor_column == layout->columns)
        layout->cursor_column--; /* in front of a mark on the last character */
}

static void lay_out(struct layout *layout, const char *text, size_t cursor, int columns)
{
    memset(layout, 0, sizeof *layout);
    layout->columns = columns;
    lay_words(layout, PROMPT);
    for (size_t at = 0;; at += character_length(text + at)) {
        const bool is_end = text[at] == '\0' || text[at] == '\n';

        if (at == cursor)
            lay_cursor(layout, is_end ? 1 : width_of(text + at));
        if (is_end && layout->column == layout->columns) {
            layout->row++;
            layout->column = 0;
        }
        if (text[at] == '\0')
            return;
        if (text[at] == '\t') {
            lay_words(layout, "    ");
        } else if (text[at] == '\n') {
            layout->row++;
            layout->column = 0;
            lay_words(layout, CONTINUATION);
        } else {
            lay_character(layout, text + at, character_length(text + at));
        }
    }
}

static char *line_at(int row)
{
    struct buffer line = {0};

    screen_append_line(&line, h.screen.cells[row]);
    line.data[line.length - 1] = '\0';
    return buffer_take(&line);
}

/* The screen ends with the layout, and the cursor is where it belongs. */
static void assert_layout(const struct layout *layout)
{
    const int top = h.screen.row - layout->cursor_row;

    ck_assert_int_ge(top, 0);
    ck_assert_int_eq(h.screen.column, layout->cursor_column);
    ck_assert_uint_eq(h.screen.wraps, 0);
    for (int row = top; row < h.screen.rows; row++) {
        const char *wanted = row - top <= layout->row ? layout->rows[row - top] : "";
        size_t length = strlen(wanted);
        char *line = line_at(row);

        while (length > 0 && wanted[length - 1] == ' ')
            length--;
        ck_assert_msg(strlen(line) == length && strncmp(line, wanted, length) == 0,
                      "row %d: '%s', wanted '%s'", row - top, line, wanted);
        free(line);
    }
}

static void assert_typed(const char *text, size_t cursor)
{
    static struct layout layout;

    show();
    lay_out(&layout, text, cursor, h.screen.columns);
    assert_layout(&layout);
}

/* --- typing --- */

static const int widths[] = {60, 80, 200};

START_TEST(each_key_is_seen_at_once_by_one_write)
{
    struct buffer text = {0};

    open_prompt(widths[_i], 24);
    type("");
    assert_typed("", 0);
    for (int i = 0; i < 3 * widths[_i]; i++) {
        buffer_append_char(&text, (char)('a' + i % 26));
        writes = 0;
        type(text.data);
        ck_assert_uint_eq(writes, 1);
        assert_typed(text.data, text.length);
    }
    ck_assert_uint_eq(h.screen.scrolled.length, 0);
    while (text.length > 0) {
        text.data[--text.length] = '\0';
        type(text.data);
        assert_typed(text.data, text.length);
    }
    buffer_deinit(&text);
}
END_TEST

START_TEST(a_key_in_the_last_row_draws_only_that_row)
{
    char text[130];

    open_prompt(60, 24);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    type_at(text, 128);
    free(take_written());
    text[128] = 'y';
    type(text);

    char *bytes = take_written();

    ck_assert_str_eq(bytes, "\x1b[?2026h\rxxxxxxxxxxxxxxy\x1b[K\r\x1b[16G\x1b[?2026l");
    free(bytes);
}
END_TEST

static const struct {
    const char *text; /* at 20 columns, of which the prompt takes 6 */
    const char *screen;
} wrapped[] = {{"12345678901234", "prod> 12345678901234\n"},
               {"123456789012345", "prod> 12345678901234\n5\n"},
               {"1234567890123\u7db2", "prod> 1234567890123\n\u7db2\n"},
               {"123456789012\u7db2", "prod> 123456789012\u7db2\n"},
               {"12345678901234\u0301", "prod> 12345678901234\u0301\n"},
               {"12345678901234\n1", "prod> 12345678901234\n\n  ... 1\n"},
               {"a\n\tb\n", "prod> a\n  ...     b\n  ...\n"},
               {"e\u0301te\u0301 \U0001f315!", "prod> e\u0301te\u0301 \U0001f315!\n"},
               {"a\x1b[31mb", "prod> a\\x1b[31mb\n"},
               {"12345678901\x1b[", "prod> 12345678901\\x1\nb[\n"},
               {"\u202e\xc2\x9b\xff", "prod> \\u{202e}\\u{9b}\n\ufffd\n"},
               {"\r\b\x7f", "prod> \\r\\x08\\x7f\n"}};

START_TEST(text_lies_on_the_screen_by_its_width)
{
    open_prompt(20, 24);
    type(wrapped[_i].text);
    assert_screen(wrapped[_i].screen);
    ck_assert_uint_eq(h.screen.wraps, 0);
}
END_TEST

/* A text of up to so many characters of all kinds. */
static size_t make_text(char *text, int most)
{
    static const char *const pieces[] = {
        "a",  "b",       "c",          " ",  "\u7db2", "\u95dc", "x", "y",
        "\n", "e\u0301", "\U0001f315", "\t", "z",      "0",      "1", "\u00e9"};
    size_t length = 0;

    for (int i = rand() % (most + 1); i > 0; i--) {
        const char *piece = pieces[(size_t)rand() % (sizeof pieces / sizeof *pieces)];

        strcpy(text + length, piece);
        length += strlen(piece);
    }
    text[length] = '\0';
    return length;
}

/* A place for the cursor: where a character begins, marks included, or the end. */
static size_t choose_cursor(const char *text, size_t length)
{
    size_t cursor = (size_t)rand() % (length + 1);

    while (cursor < length && ((unsigned char)text[cursor] & 0xc0) == 0x80)
        cursor--;
    return cursor;
}

START_TEST(whatever_is_typed_the_cursor_is_where_it_belongs)
{
    char text[400];

    srand((unsigned)_i);
    open_prompt(20 + rand() % 40, 60);
    for (int i = 0; i < 150; i++) {
        const size_t length = make_text(text, i % 3 == 0 ? 80 : 12);

        for (int k = 0; k < 3; k++) {
            const size_t cursor = choose_cursor(text, length);

            type_at(text, cursor);
            assert_typed(text, cursor);
        }
        if (i % 5 == 0)
            feed_text(EVENT_OUTPUT, "said\n");
        if (i % 7 == 0) {
            show();
            set_terminal_size(20 + rand() % 40, 60);
            raise(SIGWINCH);
            turn();
        }
    }
}
END_TEST

/* --- hints and choices --- */

static void show_hint(const char *text, const char *hint)
{
    struct face_prompt_view view = view_of(text, strlen(text));

    view.hint = hint;
    face_prompt_show(h.face, &view);
}

static const struct {
    const char *hint; /* at 20 columns, behind 12 */
    const char *screen;
} hints[] = {{"(name)", "prod> create(name)\n"},
             {"(name, options)", "prod> create(name,\u2026\n"},
             {"\u7db2\u95dc\u7db2\u95dc", "prod> create\u7db2\u95dc\u7db2\u2026\n"},
             {"(a\nb\x1b[", "prod> create(a\\nb\\\u2026\n"},
             {"", "prod> create\n"}};

START_TEST(a_hint_is_dim_behind_the_text_as_far_as_there_is_room)
{
    setenv("NO_COLOR", "", 1);
    open_prompt(20, 24);
    show_hint("create", hints[_i].hint);
    assert_screen(hints[_i].screen);
    assert_cursor(0, 12);
    ck_assert_uint_eq(h.screen.colors, *hints[_i].hint != '\0' ? 2 : 0);
    type("create");
    assert_screen("prod> create\n");
}
END_TEST

START_TEST(a_hint_without_room_is_left_out)
{
    setenv("NO_COLOR", "", 1);
    open_prompt(20, 24);
    show_hint("create5678", "(name)");
    assert_screen("prod> create5678\n");
    show_hint("create56789012", "(name)");
    assert_screen("prod> create56789012\n(name)\n");
    assert_cursor(1, 0);
}
END_TEST

START_TEST(without_colors_a_hint_is_a_row_of_its_own)
{
    open_prompt(20, 24);
    show_hint("create", "(name, options) -> g");
    assert_screen("prod> create\n  (name, options) \u2026\n");
    assert_cursor(0, 12);
    ck_assert_uint_eq(h.screen.colors, 0);
}
END_TEST

static const char *const words[] = {
    "api",      "apis",   "backends", "certificates", "diagnostics",
    "gateways", "groups", "loggers",  "named_values", "policies"};

static void show_choices(const char *text, size_t count, size_t in_all)
{
    struct face_prompt_view view = view_of(text, strlen(text));

    view.choices = words;
    view.choice_count = count;
    view.choices_in_all = in_all;
    face_prompt_show(h.face, &view);
}

static const struct {
    int columns, rows;
    size_t count, in_all;
    const char *screen;
} choice_screens[] = {{60, 24, 3, 3, "prod> x\napi  apis  backends\n"},
                      {60, 24, 10, 10,
                       "prod> x\n"
                       "api   backends      diagnostics  groups   named_values\n"
                       "apis  certificates  gateways     loggers  policies\n"},
                      {60, 24, 3, 4903, "prod> x\napi  apis  backends\nand 4,900 more\n"},
                      {30, 5, 10, 10,
                       "prod> x\n"
                       "api       certificates\n"
                       "apis      diagnostics\n"
                       "backends  gateways\n"
                       "and 4 more\n"},
                      {20, 2, 10, 10, "prod> x\n10 choices\n"},
                      {20, 1, 10, 10, "prod> x\n"},
                      {8, 5, 5, 5, "prod> x\napi\napis\nbac\u2026nds\nand 2 \u2026\n"},
                      {8, 9, 4, 4, "prod> x\napi\napis\nbac\u2026nds\ncer\u2026tes\n"}};

START_TEST(choices_stand_in_columns_below)
{
    open_prompt(choice_screens[_i].columns, choice_screens[_i].rows);
    show_choices("x", choice_screens[_i].count, choice_screens[_i].in_all);
    assert_screen(choice_screens[_i].screen);
    ck_assert_uint_eq(h.screen.wraps, 0);
    ck_assert_uint_eq(h.screen.scrolled.length, 0);
    type("x");
    assert_typed("x", 1);
}
END_TEST

/* --- what is said meanwhile --- */

START_TEST(what_is_said_appears_above_what_is_typed)
{
    open_prompt(30, 24);
    type_at("gateways.create{name =\n  'gw-a'}", 5);
    assert_screen("prod> gateways.create{name =\n  ...   'gw-a'}\n");
    feed_text(EVENT_OUTPUT, "one\ntwo\n");
    feed((struct event){.type = EVENT_LOG, .level = LOG_WARNING, .text = "slow"});
    feed_text(EVENT_TASK_FAILED, "boom");
    writes = 0;
    draw();
    ck_assert_uint_eq(writes, 1);
    assert_screen("one\ntwo\n"
                  "12:03:07 warning: slow\n"
                  "12:03:07 task failed: boom\n"
                  "prod> gateways.create{name =\n  ...   'gw-a'}\n");
    assert_cursor(4, 11);
    type_at("gateways.create{name =\n  'gw-b'}", 28);
    assert_screen("one\ntwo\n"
                  "12:03:07 warning: slow\n"
                  "12:03:07 task failed: boom\n"
                  "prod> gateways.create{name =\n  ...   'gw-b'}\n");
    assert_cursor(5, 11);
}
END_TEST

START_TEST(a_key_brings_what_was_said_with_it)
{
    open_prompt(30, 24);
    type("a");
    draw();
    feed_text(EVENT_OUTPUT, "one\n");
    writes = 0;
    type("ab");
    ck_assert_uint_eq(writes, 1);
    assert_screen("one\nprod> ab\n");
    draw();
    ck_assert_uint_eq(writes, 1 + 1); /* the second is show()'s own */
}
END_TEST

START_TEST(a_line_without_its_end_waits_above_the_prompt)
{
    open_prompt(20, 24);
    type("a");
    feed_text(EVENT_OUTPUT, "to be ");
    draw();
    assert_screen("to be\nprod> a\n");
    assert_cursor(1, 7);
    feed_text(EVENT_OUTPUT, "continued \x1b[31mand very long\x1b[0m");
    draw();
    assert_screen("to be continued and\nprod> a\n");
    type("ab");
    feed_text(EVENT_OUTPUT, "!\nnext");
    draw();
    assert_screen("to be continued and\nvery long!\nnext\nprod> ab\n");
    settle("ab", false);
    assert_screen("to be continued and\nvery long!\nnext\nprod> ab\n");
    assert_cursor(4, 0);
}
END_TEST

static void assert_layout_of(const char *text)
{
    static struct layout layout;

    lay_out(&layout, text, strlen(text), h.screen.columns);
    assert_layout(&layout);
}

/* The frame that was drawn last; and how many lines there are before it. */
static const char *find_last_frame(const char *bytes, unsigned *lines)
{
    const char *frame = NULL;

    *lines = 0;
    for (const char *at = bytes; *at != '\0'; at++) {
        *lines += *at == '\n';
        if (strncmp(at, "\x1b[?2026h", 8) == 0)
            frame = at;
    }
    return frame;
}

START_TEST(a_burst_costs_few_writes)
{
    enum { LINES = 100000 };
    unsigned lines;

    open_prompt(60, 24);
    type("abc");
    draw();
    writes = 0;

    const double before = cpu_seconds();

    for (int i = 0; i < LINES; i++)
        feed_text(EVENT_OUTPUT, "forty bytes a line are printed by a task\n");
    draw();
    if (getenv("MOONGATE_TEST_TIMES") != NULL)
        dprintf(h.saved_err, "%d lines: %.1f ms, %u writes\n", LINES,
                (cpu_seconds() - before) * 1e3, writes);
    ck_assert_uint_lt(writes, 300); /* of 16 KiB each */

    char *bytes = take_written();

    screen_write(&h.screen, find_last_frame(bytes, &lines));
    ck_assert_uint_eq(lines, LINES);
    assert_layout_of("abc");
    free(bytes);
}
END_TEST

START_TEST(a_chatty_task_gets_ten_frames_a_second)
{
    open_prompt(60, 24);
    type("abc");
    show();

    const unsigned before = h.screen.frames;

    for (int i = 0; i < 200; i++) {
        feed_text(EVENT_OUTPUT, "line\n");
        pass_machine(10);
    }
    show();
    ck_assert_uint_ge(h.screen.frames - before, 19);
    ck_assert_uint_le(h.screen.frames - before, 21);
}
END_TEST

START_TEST(hostile_text_cannot_harm_the_screen)
{
    open_prompt(60, 24);

    const char *choices[] = {"a\x1b[2J", "\u202eb"};
    struct face_prompt_view view = {.prompt = "\x1b[2J\x1b]0;t\a\rp\n> ",
                                    .continuation = "\x1b[H. ",
                                    .text = "x\n\x1b[5A",
                                    .hint = "\x1b[1;1H",
                                    .choices = choices,
                                    .choice_count = 2};

    face_prompt_show(h.face, &view);
    feed_text(EVENT_OUTPUT, "\x1b[2J\u202eout\r\n\x1b[31mpart\x1b[H");
    begin(1, "create", "gateway", "a\x1b[5A");
    end_badly(1, "gateway", "a\x1b[5A",
              &(struct failure){.code = "C\x1b[", .message = "m\x1b["});
    draw();
    assert_screen("\\x1b[2J\\u{202e}out\n"
                  "12:03:07 gateway 'a\\x1b[5A' failed after 12 s: C\\x1b[: m\\x1b\n"
                  "[\n"
                  "part\\x1b[H\n"
                  "\\x1b[2J\\x1b]0;t\\x07\\rp\\n> x\n"
                  "\\x1b[H. \\x1b[5A\n"
                  "  \\x1b[1;1H\n"
                  "a\\x1b[2J  \\u{202e}b\n");
}
END_TEST

/* --- lines that stay --- */

START_TEST(what_was_typed_stays)
{
    open_prompt(20, 24);
    show_choices("a = 1 +\n2", 3, 3);
    writes = 0;
    settle("a = 1 +\n2", false);
    ck_assert_uint_eq(writes, 1);
    assert_screen("prod> a = 1 +\n  ... 2\n");
    assert_cursor(2, 0);
    feed_text(EVENT_OUTPUT, "3\n");
    type("");
    assert_screen("prod> a = 1 +\n  ... 2\n3\nprod>\n");
    assert_cursor(3, 6);
    settle("", false);
    assert_screen("prod> a = 1 +\n  ... 2\n3\nprod>\n");
    assert_cursor(4, 0);
}
END_TEST

/* So that it can be copied as the line that it is. */
START_TEST(a_long_line_that_stays_is_wrapped_by_the_terminal)
{
    open_prompt(20, 24);
    type("12345678901234567890");
    show();
    ck_assert_uint_eq(h.screen.wraps, 0);
    settle("12345678901234567890", false);
    assert_screen("prod> 12345678901234\n567890\n");
    ck_assert_uint_eq(h.screen.wraps, 1);
}
END_TEST

START_TEST(what_was_dropped_stays_with_a_mark)
{
    open_prompt(20, 24);
    type_at("a = 1 +\n2", 3);
    settle("a = 1 +\n2", true);
    assert_screen("prod> a = 1 +\n  ... 2^C\n");
    type("");
    settle("", true);
    assert_screen("prod> a = 1 +\n  ... 2^C\nprod> ^C\n");
    assert_cursor(3, 0);
}
END_TEST

/* --- while a line runs --- */

START_TEST(a_line_that_waits_shows_its_picture_after_a_while)
{
    open_prompt(60, 24);
    type("gateways.create{\n  name = 'gw-a'}");
    settle("gateways.create{\n  name = 'gw-a'}", false);
    face_prompt_show(h.face, NULL);
    begin(1, "create", "gateway", "gw-a");
    draw();
    assert_screen("prod> gateways.create{\n  ...   name = 'gw-a'}\n");
    assert_cursor(2, 0);
    pass(5000);
    pass_machine(399);
    assert_screen("prod> gateways.create{\n  ...   name = 'gw-a'}\n");
    pass_machine(1);
    assert_screen("prod> gateways.create{\n  ...   name = 'gw-a'}\n"
                  "gateways.create{   name = 'gw-a'}  5 s  1 waiting\n"
                  "* gateway gw-a  creating  5 s\n");
    ck_assert(h.screen.is_cursor_hidden);
    feed_text(EVENT_OUTPUT, "said");
    draw();
    assert_screen("prod> gateways.create{\n  ...   name = 'gw-a'}\nsaid\n"
                  "gateways.create{   name = 'gw-a'}  5 s  1 waiting\n"
                  "* gateway gw-a  creating  5 s\n");
    end(1, "gateway", "gw-a", OUTCOME_CREATED, 5000);
    draw();
    assert_screen("prod> gateways.create{\n  ...   name = 'gw-a'}\nsaid\n");
    type("");
    assert_screen("prod> gateways.create{\n  ...   name = 'gw-a'}\nsaid\nprod>\n");
    assert_cursor(3, 6);
}
END_TEST

START_TEST(the_picture_is_of_the_line)
{
    open_prompt(60, 24);
    end(1, "gateway", "gw-0", OUTCOME_CREATED, 5000);
    begin(2, "create", "gateway", "gw-a");
    pass(60000);
    settle("wait()", false);
    face_prompt_show(h.face, NULL);
    pass(2000);
    pass_machine(500);
    assert_screen("prod> wait()\n"
                  "wait()  2 s  1 waiting\n"
                  "* gateway gw-a  creating  01:02\n");
    end(3, "api", "a", OUTCOME_CHANGED, 5000);
    draw();
    assert_screen("prod> wait()\n"
                  "wait()  2 s  1 changed; 1 waiting\n"
                  "* gateway gw-a  creating  01:02\n");
    pass(1000);
    pass_machine(1000);
    assert_screen("prod> wait()\n"
                  "wait()  3 s  1 changed; 1 waiting\n"
                  "* gateway gw-a  creating  01:03\n");
}
END_TEST

START_TEST(what_waits_in_the_background_is_not_drawn_while_one_types)
{
    open_prompt(60, 24);
    begin(1, "create", "gateway", "gw-a");
    type("a");
    pass_machine(5000);
    assert_screen("prod> a\n");
    settle("a", false);
    face_prompt_show(h.face, NULL);
    pass_machine(500);
    assert_screen("prod> a\na  0 s  1 waiting\n* gateway gw-a  creating  0 s\n");
    type("b");
    assert_screen("prod> a\nprod> b\n");
    assert_cursor(1, 7);
}
END_TEST

START_TEST(only_long_ends_are_worth_a_line)
{
    open_prompt(60, 24);
    feed_text(EVENT_RUN_STARTED, "repl");
    type("a");
    begin(1, "create", "gateway", "gw-a");
    end(1, "gateway", "gw-a", OUTCOME_CREATED, 60000);
    draw();
    assert_screen("prod> a\n");
    end(2, "gateway", "gw-b", OUTCOME_CREATED, 60001);
    draw();
    assert_screen("12:03:07 gateway 'gw-b' created in 01:00\nprod> a\n");
}
END_TEST

static void gateway_fails(uint64_t number, const char *name, char *message)
{
    end_badly(number, "gateway", name,
              &(struct failure){.code = "Conflict", .message = message});
}

START_TEST(a_failure_is_told_once)
{
    open_prompt(60, 24);
    settle("a", false);
    face_prompt_show(h.face, NULL);
    gateway_fails(1, "gw-a", "in use");
    gateway_fails(2, "gw-b", "in use");
    gateway_fails(3, "gw-c", "in use");
    gateway_fails(4, "gw-d", "not known");
    draw();
    assert_screen("prod> a\n");
    feed_text(EVENT_OUTPUT, "Conflict: in use (and so is gw-c)\n");
    type("");
    assert_screen("prod> a\n"
                  "Conflict: in use (and so is gw-c)\n"
                  "12:03:07 gateway 'gw-b' failed after 12 s: Conflict: in use\n"
                  "12:03:07 gateway 'gw-d' failed after 12 s: Conflict: not kno\n"
                  "wn\n"
                  "prod>\n");
    gateway_fails(5, "gw-e", "late");
    draw();
    settle("b", false);
    assert_screen("prod> a\n"
                  "Conflict: in use (and so is gw-c)\n"
                  "12:03:07 gateway 'gw-b' failed after 12 s: Conflict: in use\n"
                  "12:03:07 gateway 'gw-d' failed after 12 s: Conflict: not kno\n"
                  "wn\n"
                  "12:03:07 gateway 'gw-e' failed after 12 s: Conflict: late\n"
                  "prod> b\n");
}
END_TEST

START_TEST(a_failure_is_told_with_its_message_cut_and_broken)
{
    open_prompt(60, 24);
    settle("a", false);
    face_prompt_show(h.face, NULL);
    gateway_fails(1, "gw-a", "the id /subscriptions/0/gw-a is in use");
    feed_text(EVENT_OUTPUT,
              "Conflict: the id /sub\u2026gw-a is\nin use\n  operation  create 'gw-a'\n");
    type("");
    assert_screen("prod> a\n"
                  "Conflict: the id /sub\u2026gw-a is\n"
                  "in use\n"
                  "  operation  create 'gw-a'\n"
                  "prod>\n");
}
END_TEST

START_TEST(a_failure_in_the_background_is_told_by_its_task_if_it_does)
{
    open_prompt(60, 24);
    type("a");
    gateway_fails(1, "gw-a", "in use");
    feed_text(EVENT_OUTPUT, "[1] failed: Conflict: in use\n");
    gateway_fails(2, "gw-b", "caught");
    pass_machine(99);
    type("ab");
    assert_screen("[1] failed: Conflict: in use\nprod> ab\n");
    pass_machine(1);
    assert_screen("[1] failed: Conflict: in use\n"
                  "12:03:07 gateway 'gw-b' failed after 12 s: Conflict: caught\n"
                  "prod> ab\n");
}
END_TEST

START_TEST(of_many_failures_the_first_are_told)
{
    open_prompt(80, 24);
    settle("a", false);
    for (uint64_t i = 1; i <= 15; i++)
        gateway_fails(i, i <= 10 ? "gw-a" : "gw-b", "in use");
    end_run((struct run_summary){.outcomes = {[OUTCOME_FAILED] = 15}}, NULL);

    char *text = (show(), screen_text(&h.screen));

    ck_assert_ptr_nonnull(strstr(text, "'gw-a' failed after 12 s: Conflict: in use\n"
                                       "... and 5 other failures\n"
                                       "succeeded in 0 ms: 15 failed\n"));
    ck_assert_ptr_null(strstr(text, "gw-b"));
    free(text);
}
END_TEST

/* --- the end --- */

START_TEST(a_session_that_changed_nothing_needs_no_closing_words)
{
    open_prompt(60, 24);
    type("");
    settle("", true);
    end_run((struct run_summary){.requests = 10, .outcomes = {[OUTCOME_UNCHANGED] = 3}},
            NULL);
    assert_screen("prod> ^C\n");
    free_face();
    assert_screen("prod> ^C\n");
}
END_TEST

static const struct {
    struct run_summary summary;
    const char *why;
    const char *screen;
} endings[] = {
    {{.outcomes = {[OUTCOME_CREATED] = 3}}, NULL, "succeeded in 0 ms: 3 created\n"},
    {{.hint = "moongate repl --resume r"},
     NULL,
     "succeeded in 0 ms\nmoongate repl --resume r\n"},
    {{.status = RUN_FAILED}, "no", "failed after 0 ms\nno\n"}};

START_TEST(what_there_is_to_tell_is_told_at_the_end)
{
    open_prompt(60, 24);
    type("");
    end_run(endings[_i].summary, endings[_i].why);
    assert_screen(endings[_i].screen);
}
END_TEST

START_TEST(another_run_may_follow)
{
    open_prompt(60, 24);
    feed_text(EVENT_RUN_STARTED, "repl");
    type("");
    settle("a", false);
    end_run((struct run_summary){.outcomes = {[OUTCOME_CREATED] = 3}}, NULL);
    feed_text(EVENT_RUN_STARTED, "repl");
    type("b");
    assert_screen("prod> a\nsucceeded in 0 ms: 3 created\nprod> b\n");
}
END_TEST

START_TEST(what_goes_on_is_told_at_the_end)
{
    open_prompt(60, 24);
    begin(1, "create", "gateway", "gw-a");
    end_run((struct run_summary){0}, NULL);
    assert_screen("succeeded in 0 ms\n"
                  "still going on at the service: gateway 'gw-a' (since 0 ms)\n");
}
END_TEST

/* --- the terminal --- */

START_TEST(a_resize_draws_what_is_typed_at_once)
{
    const char *text = "gateways.create{\n  name = 'gw-payments-west-europe'}";

    open_prompt(60, 24);
    feed_text(EVENT_OUTPUT, "before\n");
    type_at(text, 30);
    show();
    for (int columns = 60; columns > 20; columns -= 7) {
        set_terminal_size(columns, 24 - columns % 5);
        raise(SIGWINCH);
        turn();
        assert_typed(text, 30);
    }
    set_terminal_size(100, 30);
    raise(SIGWINCH);
    turn();
    assert_screen("before\nprod> gateways.create{\n"
                  "  ...   name = 'gw-payments-west-europe'}\n");
    assert_cursor(2, 19);
}
END_TEST

static const struct {
    const char *name;
    bool wraps_anew;
} terminals[] = {
    {"TMUX", true}, {"VTE_VERSION", true}, {"XTERM_VERSION", false}, {"OTHER", false}};

/* Of what a terminal has wrapped that nobody knows to do so, a scrap is left. */
START_TEST(a_terminal_that_wraps_anew_keeps_no_scrap)
{
    const char *text = "gateways.create{\n  name = 'gw-payments-west'}";
    const char *scrap = terminals[_i].wraps_anew ? "" : "prod> gateways.create{\n";
    struct buffer expected = {0};

    setenv(terminals[_i].name, "1", 1);
    open_prompt(40, 24);
    feed_text(EVENT_OUTPUT, "before\n");
    type(text);
    show();
    set_size_only(22, 24);
    screen_rewrap(&h.screen, 22);
    raise(SIGWINCH);
    turn();
    buffer_printf(&expected,
                  "before\n%sprod> gateways.create{\n\n  ...   name = 'gw-pay\n"
                  "ments-west'}\n",
                  scrap);
    assert_screen(expected.data);
    buffer_deinit(&expected);
    unsetenv(terminals[_i].name);
}
END_TEST

/* Lines of numbers, "1" to `count`. Owned by the caller. */
static char *make_lines(int count)
{
    struct buffer text = {0};

    for (int i = 1; i <= count; i++)
        buffer_printf(&text, "%d%s", i, i < count ? "\n" : "");
    return buffer_take(&text);
}

START_TEST(a_text_taller_than_the_screen_shows_what_is_around_the_cursor)
{
    char *text = make_lines(10);

    open_prompt(30, 5);
    feed_text(EVENT_OUTPUT, "before\n");
    type(text);
    assert_screen("before\n... 6 more rows above\n  ... 7\n  ... 8\n  ... 9\n  ... 10\n");
    assert_cursor(4, 8);
    type_at(text, 10); /* "6" */
    assert_screen("before\n... 5 more rows above\n  ... 6\n  ... 7\n  ... 8\n"
                  "... 2 more rows below\n");
    assert_cursor(1, 6);
    type_at(text, 14); /* "8": in sight already */
    show();
    assert_cursor(3, 6);
    type_at(text, 0);
    assert_screen("before\nprod> 1\n  ... 2\n  ... 3\n  ... 4\n... 6 more rows below\n");
    assert_cursor(0, 6);
    settle(text, false);
    assert_screen(
        "before\nprod> 1\n  ... 2\n  ... 3\n  ... 4\n  ... 5\n  ... 6\n  ... 7\n"
        "  ... 8\n  ... 9\n  ... 10\n");
    free(text);
}
END_TEST

START_TEST(a_low_terminal_shows_the_row_of_the_cursor)
{
    char *text = make_lines(10);

    open_prompt(30, _i);
    type_at(text, 8);
    show();

    char *line = line_at(h.screen.row);

    ck_assert_str_eq(line, "  ... 5");
    ck_assert_int_eq(h.screen.column, 6);
    free(line);
    free(text);
}
END_TEST

START_TEST(another_program_finds_the_terminal_in_order)
{
    open_prompt(30, 24);
    type("abc");
    feed_text(EVENT_OUTPUT, "one\n");
    face_prompt_suspend(h.face);
    assert_screen("one\n");
    assert_cursor(1, 0);
    feed_text(EVENT_OUTPUT, "two\n");
    type("abcd\nefgh");
    face_prompt_clear_screen(h.face);
    raise(SIGCONT);
    raise(SIGWINCH);
    pass_machine(5000);
    assert_screen("one\n");
    screen_write(&h.screen, "[1]+ Stopped\r\n$ fg\r\n");
    raise(SIGCONT);
    face_prompt_resume(h.face);
    turn();
    assert_screen("one\n[1]+ Stopped\n$ fg\ntwo\nprod> abcd\n  ... efgh\n");
    assert_cursor(5, 10);
}
END_TEST

START_TEST(going_on_after_a_stop_from_outside_draws_the_prompt)
{
    open_prompt(30, 24);
    type("abc");
    show();
    screen_write(&h.screen, "\r\n[1]+ Stopped\r\n$ fg\r\n");
    raise(SIGCONT);
    turn();
    assert_screen("prod> abc\n[1]+ Stopped\n$ fg\nprod> abc\n");
    assert_cursor(3, 9);
}
END_TEST

START_TEST(the_screen_can_be_cleared)
{
    open_prompt(30, 24);
    feed_text(EVENT_OUTPUT, "one\ntwo\n");
    type("abc");
    show();
    feed_text(EVENT_OUTPUT, "three\n");
    face_prompt_clear_screen(h.face);
    assert_screen("three\nprod> abc\n");
    assert_cursor(1, 9);
}
END_TEST

START_TEST(a_fatal_signal_leaves_what_is_typed_above)
{
    open_prompt(30, 24);
    show_choices("abc", 3, 3);
    show();
    h.screen.is_in_frame = true; /* it may come in the middle of one */
    face_restore_terminal();
    assert_screen("prod> abc\napi  apis  backends\n");
    assert_cursor(2, 0);
}
END_TEST

START_TEST(colors_are_taken_out_with_no_color)
{
    struct face_prompt_view view = view_of("a", 1);

    view.prompt = "\x1b[1;31mprod\x1b[0m> ";
    open_prompt(8, 24);
    face_prompt_show(h.face, &view);
    assert_screen("prod> a\n");
    assert_cursor(0, 7);
    ck_assert_uint_eq(h.screen.colors, 0);
    free_face();
    setenv("NO_COLOR", "", 1);
    h.face = face_new_prompt(h.loop);
    face_prompt_show(h.face, &view);
    assert_screen("prod> a\n");
    assert_cursor(0, 7);
    ck_assert_uint_eq(h.screen.colors, 2);
}
END_TEST

/* --- dumb terminals --- */

/* Compares what was written, "\n" for each line end: the terminal makes "\r\n" of that. */
static void assert_written(const char *expected)
{
    char *bytes = take_written(), *end = bytes;

    for (const char *at = bytes; *at != '\0'; at++) {
        if (*at != '\r' || at[strspn(at, "\r")] != '\n')
            *end++ = *at;
    }
    *end = '\0';
    ck_assert_str_eq(bytes, expected);
    free(bytes);
}

static void open_dumb(void)
{
    setenv("TERM", "dumb", 1);
    setenv("NO_COLOR", "", 1);
    open_prompt(30, 24);
}

START_TEST(a_dumb_terminal_gets_what_the_text_grows_by)
{
    struct face_prompt_view view = view_of("", 0);

    view.prompt = "\x1b[31mprod\x1b[0m> ";
    view.hint = "hint";
    open_dumb();
    face_prompt_show(h.face, &view);
    assert_written("prod> ");
    view.text = "ab";
    face_prompt_show(h.face, &view);
    assert_written("ab");
    view.text = "ab\u7db2";
    face_prompt_show(h.face, &view);
    assert_written("\u7db2");
    face_prompt_show(h.face, &view);
    assert_written("");
    view.text = "a";
    face_prompt_show(h.face, &view);
    assert_written("\b \b\b \b\b \b");
    view.text = "a\nb\t\x1b";
    face_prompt_show(h.face, &view);
    assert_written("\n  ... b    \\x1b");
    view.text = "a";
    face_prompt_show(h.face, &view);
    assert_written("\nprod> a");
    view.text = "history";
    face_prompt_show(h.face, &view);
    assert_written("\nprod> history");
    face_prompt_settle(h.face, &view, false);
    assert_written("\n");
    view.text = "x";
    face_prompt_show(h.face, &view);
    face_prompt_settle(h.face, &view, true);
    assert_written("prod> x^C\n");
}
END_TEST

START_TEST(a_dumb_terminal_shows_what_is_said_and_the_prompt_again)
{
    open_dumb();
    type("ab");
    assert_written("prod> ab");
    feed_text(EVENT_OUTPUT, "one\n");
    feed_text(EVENT_OUTPUT, "t\x1b[31mwo\x1b[2J");
    assert_written("\none\ntwo\\x1b[2J");
    pass_machine(100);
    assert_written("\nprod> ab");
    feed_text(EVENT_OUTPUT, "three\n");
    type("abc");
    assert_written("\nthree\nprod> abc");
    pass_machine(1000);
    assert_written("");
    settle("abc", false);
    face_prompt_show(h.face, NULL);
    assert_written("\n");
    begin(1, "create", "gateway", "gw-a");
    pass_machine(1000);
    assert_written("");
    feed_text(EVENT_OUTPUT, "four");
    assert_written("four");
    type("");
    assert_written("\nprod> ");
    free_face();
    assert_written("\n");
}
END_TEST

START_TEST(a_dumb_terminal_shows_choices_as_lines_once)
{
    open_dumb();
    type("x");
    show_choices("x", 3, 3);
    show_choices("xy", 3, 3);
    assert_written("prod> x\napi  apis  backends\nprod> xy");
    type("xy");
    show_choices("xy", 3, 3);
    assert_written("\napi  apis  backends\nprod> xy");
}
END_TEST

START_TEST(a_dumb_terminal_can_be_lent)
{
    open_dumb();
    type("x");
    face_prompt_suspend(h.face);
    assert_written("prod> x\n");
    feed_text(EVENT_OUTPUT, "one\n");
    type("xy");
    pass_machine(1000);
    assert_written("");
    face_prompt_resume(h.face);
    assert_written("one\nprod> xy");
}
END_TEST

START_TEST(output_that_goes_elsewhere_is_left_alone)
{
    open_terminal(30, 24, false);
    h.face = face_new_prompt(h.loop);
    type("x");
    feed_text(EVENT_OUTPUT, "\x1b[31mone");
    feed((struct event){.type = EVENT_LOG, .level = LOG_WARNING, .text = "slow"});
    assert_file(h.out_file, "\x1b[31mone");
    assert_written("prod> x\n12:03:07 warning: slow\n");
    pass_machine(100);
    assert_written("prod> x");
}
END_TEST

/* --- cost --- */

START_TEST(a_key_costs_little_whatever_waits)
{
    enum { KEYS = 2000, WAITING = 1000 };
    static const char *const what[] = {"idle", "1,000 operations wait",
                                       "1,000 operations wait and tell"};
    char text[201], name[16];
    double seconds = 0;

    open_prompt(80, 24);
    memset(text, 'x', sizeof text - 1);
    text[200] = '\0';
    for (uint64_t i = 1; _i > 0 && i <= WAITING; i++) {
        snprintf(name, sizeof name, "gw-%d", (int)i);
        begin(i, "create", "gateway", name);
    }
    for (int i = 0; i < KEYS; i++) {
        text[199] = (char)('a' + i % 26);
        if (_i == 2)
            progress(1 + (uint64_t)i % WAITING, i % 2 ? "Activating" : "Accepted", -1);

        const double before = cpu_seconds();

        type(text);
        seconds += cpu_seconds() - before;
        pass_machine(10);
    }
    if (getenv("MOONGATE_TEST_TIMES") != NULL)
        dprintf(h.saved_err, "a key, %s: %.1f us\n", what[_i], seconds / KEYS * 1e6);
    ck_assert_double_lt(seconds / KEYS, 0.002); /* of the 20 ms from key to echo */
    show();
    assert_layout_of(text);
}
END_TEST

static void show_long_text(int lines)
{
    char *text = make_lines(lines);
    const double before = cpu_seconds();

    type(text);
    if (getenv("MOONGATE_TEST_TIMES") != NULL)
        dprintf(h.saved_err, "a key in %d lines: %.1f us\n", lines,
                (cpu_seconds() - before) * 1e6);
    ck_assert_double_lt(cpu_seconds() - before, 0.5);
    free(text);
}

START_TEST(a_pasted_script_costs_little)
{
    open_prompt(80, 24);
    show_long_text(10);
    show_long_text(1000);
    show_long_text(10000);
    show();
    assert_cursor(23, 11);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *topic = tcase_create(name);

    tcase_add_checked_fixture(topic, setup, teardown);
    tcase_set_timeout(topic, 60);
    suite_add_tcase(suite, topic);
    return topic;
}

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

static void add_cases(Suite *suite)
{
    TCase *topic = add_case(suite, "typing");

    tcase_add_loop_test(topic, each_key_is_seen_at_once_by_one_write, 0, COUNT(widths));
    tcase_add_test(topic, a_key_in_the_last_row_draws_only_that_row);
    tcase_add_loop_test(topic, text_lies_on_the_screen_by_its_width, 0, COUNT(wrapped));
    tcase_add_loop_test(topic, whatever_is_typed_the_cursor_is_where_it_belongs, 0, 8);

    topic = add_case(suite, "hints and choices");
    tcase_add_loop_test(topic, a_hint_is_dim_behind_the_text_as_far_as_there_is_room, 0,
                        COUNT(hints));
    tcase_add_test(topic, a_hint_without_room_is_left_out);
    tcase_add_test(topic, without_colors_a_hint_is_a_row_of_its_own);
    tcase_add_loop_test(topic, choices_stand_in_columns_below, 0, COUNT(choice_screens));

    topic = add_case(suite, "said meanwhile");
    tcase_add_test(topic, what_is_said_appears_above_what_is_typed);
    tcase_add_test(topic, a_key_brings_what_was_said_with_it);
    tcase_add_test(topic, a_line_without_its_end_waits_above_the_prompt);
    tcase_add_test(topic, a_burst_costs_few_writes);
    tcase_add_test(topic, a_chatty_task_gets_ten_frames_a_second);
    tcase_add_test(topic, hostile_text_cannot_harm_the_screen);

    topic = add_case(suite, "lines that stay");
    tcase_add_test(topic, what_was_typed_stays);
    tcase_add_test(topic, a_long_line_that_stays_is_wrapped_by_the_terminal);
    tcase_add_test(topic, what_was_dropped_stays_with_a_mark);

    topic = add_case(suite, "while a line runs");
    tcase_add_test(topic, a_line_that_waits_shows_its_picture_after_a_while);
    tcase_add_test(topic, the_picture_is_of_the_line);
    tcase_add_test(topic, what_waits_in_the_background_is_not_drawn_while_one_types);
    tcase_add_test(topic, only_long_ends_are_worth_a_line);
    tcase_add_test(topic, a_failure_is_told_once);
    tcase_add_test(topic, a_failure_is_told_with_its_message_cut_and_broken);
    tcase_add_test(topic, of_many_failures_the_first_are_told);
    tcase_add_test(topic, a_failure_in_the_background_is_told_by_its_task_if_it_does);

    topic = add_case(suite, "the end");
    tcase_add_test(topic, a_session_that_changed_nothing_needs_no_closing_words);
    tcase_add_loop_test(topic, what_there_is_to_tell_is_told_at_the_end, 0,
                        COUNT(endings));
    tcase_add_test(topic, what_goes_on_is_told_at_the_end);
    tcase_add_test(topic, another_run_may_follow);

    topic = add_case(suite, "terminal");
    tcase_add_test(topic, a_resize_draws_what_is_typed_at_once);
    tcase_add_loop_test(topic, a_terminal_that_wraps_anew_keeps_no_scrap, 0,
                        COUNT(terminals));
    tcase_add_test(topic, a_text_taller_than_the_screen_shows_what_is_around_the_cursor);
    tcase_add_loop_test(topic, a_low_terminal_shows_the_row_of_the_cursor, 1, 9);
    tcase_add_test(topic, another_program_finds_the_terminal_in_order);
    tcase_add_test(topic, going_on_after_a_stop_from_outside_draws_the_prompt);
    tcase_add_test(topic, the_screen_can_be_cleared);
    tcase_add_test(topic, a_fatal_signal_leaves_what_is_typed_above);
    tcase_add_test(topic, colors_are_taken_out_with_no_color);

    topic = add_case(suite, "dumb terminals");
    tcase_add_test(topic, a_dumb_terminal_gets_what_the_text_grows_by);
    tcase_add_test(topic, a_dumb_terminal_shows_what_is_said_and_the_prompt_again);
    tcase_add_test(topic, a_dumb_terminal_shows_choices_as_lines_once);
    tcase_add_test(topic, a_dumb_terminal_can_be_lent);
    tcase_add_test(topic, output_that_goes_elsewhere_is_left_alone);

    topic = add_case(suite, "cost");
    tcase_add_loop_test(topic, a_key_costs_little_whatever_waits, 0, 3);
    tcase_add_test(topic, a_pasted_script_costs_little);
}

int main(void)
{
    Suite *suite = suite_create("face_prompt");

    if (has_terminals())
        add_cases(suite);
    else
        puts("skipped, as there are no pseudo-terminals here (/dev/pts)");

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);

    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
