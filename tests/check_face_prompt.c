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

static inline void settle(const char *text, bool is_dropped)
{
    const struct face_prompt_view view = view_of(text, strlen(text));

    face_prompt_settle(h.face, &view, is_dropped);
}

static inline void assert_cursor(int row, int column)
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
