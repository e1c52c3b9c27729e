/* tests/screen.h - a terminal's screen, for tests of what is drawn on one.
 *
 * Knows what our programs send: printable UTF-8, CR, LF, BS, moving the cursor, erasing, hiding the
 * cursor, synchronized updates, bracketed paste; colours are counted. Any other control fails the
 * test. Lines that scroll off the top are kept. */
#ifndef MOONGATE_TESTS_SCREEN_H
#define MOONGATE_TESTS_SCREEN_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/buffer.h"
#include "run/terminal.h"

enum { SCREEN_COLUMNS = 250, SCREEN_ROWS = 120, SCREEN_CELL = 16 };

struct screen {
    int columns, rows;
    int row, column;
    bool is_cursor_hidden, is_in_frame, brackets_pastes;
    unsigned wraps, frames, colors;
    char cells[SCREEN_ROWS][SCREEN_COLUMNS][SCREEN_CELL]; /* "" is a blank */
    struct buffer scrolled;
};

static void screen_append_line(struct buffer *text, char (*cells)[SCREEN_CELL])
{
    int end = SCREEN_COLUMNS;

    while (end > 0 && (cells[end - 1][0] == '\0' || strcmp(cells[end - 1], " ") == 0))
        end--;
    for (int i = 0; i < end; i++) {
        /* a wide character fills its second cell with "\x7f" */
        if (strcmp(cells[i], "\x7f") != 0)
            buffer_append_string(text, cells[i][0] != '\0' ? cells[i] : " ");
    }
    buffer_append_char(text, '\n');
}

static void screen_feed_line(struct screen *screen)
{
    if (screen->row < screen->rows - 1) {
        screen->row++;
        return;
    }
    screen_append_line(&screen->scrolled, screen->cells[0]);
    memmove(screen->cells[0], screen->cells[1],
            sizeof screen->cells - sizeof screen->cells[0]);
    memset(screen->cells[SCREEN_ROWS - 1], 0, sizeof screen->cells[0]);
}

static void screen_erase(struct screen *screen, int row, int column)
{
    memset(screen->cells[row][column], 0,
           sizeof screen->cells[0] - (size_t)column * SCREEN_CELL);
}

/* "K" and "J". With the cursor behind the last column, terminals differ in what they erase. */
static void screen_erase_part(struct screen *screen, char what, int number)
{
    const int column = number == 2 ? 0 : screen->column;
    const int first = number == 2 && what == 'J' ? 0 : screen->row;

    ck_assert_msg(number == 0 || number == 2, "unknown erasing %d%c", number, what);
    ck_assert_msg(column < screen->columns || screen->columns == 1,
                  "erasing behind a full line");
    screen_erase(screen, first, column);
    for (int row = first + 1; what == 'J' && row < SCREEN_ROWS; row++)
        screen_erase(screen, row, 0);
}

static void screen_set_mode(struct screen *screen, int mode, bool is_on)
{
    ck_assert_msg(mode == 25 || mode == 2004 || mode == 2026, "unknown mode %d", mode);
    if (mode == 25) {
        screen->is_cursor_hidden = !is_on;
    } else if (mode == 2004) {
        screen->brackets_pastes = is_on;
    } else {
        ck_assert_msg(screen->is_in_frame != is_on, "frames must not nest");
        screen->is_in_frame = is_on;
        screen->frames += is_on;
    }
}

static int screen_clamp(int value, int end)
{
    return value < 0 ? 0 : value < end ? value : end - 1;
}

/* "A" to "D": up, down, right, left; "G": to a column. */
static void screen_move(struct screen *screen, char where, int count)
{
    const int down = where == 'B' ? count : where == 'A' ? -count : 0;
    const int right = where == 'C' ? count : where == 'D' ? -count : 0;

    screen->row = screen_clamp(screen->row + down, screen->rows);
    screen->column = where == 'G' ? count - 1 : screen->column + right;
    screen->column = screen_clamp(screen->column, screen->columns);
}

/* Obeys the control sequence that `text` begins with. Returns its length. */
static size_t screen_obey(struct screen *screen, const char *text)
{
    ck_assert_msg(text[1] == '[', "unknown escape sequence ESC %c", text[1]);

    const bool is_private = text[2] == '?';
    char *end;
    const int number = (int)strtol(text + 2 + is_private, &end, 10);

    while (*end == ';' || (*end >= '0' && *end <= '9'))
        end++;
    if (is_private)
        screen_set_mode(screen, number, *end == 'h');
    else if (strchr("ABCDG", *end) != NULL)
        screen_move(screen, *end, number > 0 ? number : 1);
    else if (*end == 'H' && end == text + 2)
        screen->row = screen->column = 0;
    else if (*end == 'J' || *end == 'K')
        screen_erase_part(screen, *end, number);
    else if (*end == 'm')
        screen->colors++;
    else
        ck_abort_msg("unknown control sequence ending in %c", *end);
    return (size_t)(end - text) + 1;
}

/* Puts the character that `text` begins with. Returns its length. */
static size_t screen_put(struct screen *screen, const char *text)
{
    size_t length = 1;
    char cell[SCREEN_CELL] = {0};

    while ((text[length] & 0xc0) == 0x80)
        length++;
    memcpy(cell, text, length);

    const int width = terminal_width(cell);

    if (width == 0) {
        char(*cells)[SCREEN_CELL] = screen->cells[screen->row];
        int column = screen->column > 0 ? screen->column - 1 : 0;

        if (column > 0 && strcmp(cells[column], "\x7f") == 0)
            column--; /* a mark belongs to the whole of a wide character */

        char *last = cells[column];

        if (*last == '\0')
            strcpy(last, " ");
        if (strlen(last) + length < SCREEN_CELL)
            strcat(last, cell);
        return length;
    }
    if (screen->column + width > screen->columns) {
        screen->wraps++;
        screen->column = 0;
        screen_feed_line(screen);
    }
    strcpy(screen->cells[screen->row][screen->column], cell);
    if (width == 2)
        strcpy(screen->cells[screen->row][screen->column + 1], "\x7f");
    screen->column += width;
    return length;
}

static void screen_write(struct screen *screen, const char *text)
{
    while (*text != '\0') {
        size_t length = 1;

        if (*text == '\r')
            screen->column = 0;
        else if (*text == '\n')
            screen_feed_line(screen);
        else if (*text == '\b')
            screen_move(screen, 'D', screen->column == screen->columns ? 2 : 1);
        else if (*text == '\x1b')
            length = screen_obey(screen, text);
        else if ((unsigned char)*text < 0x20)
            ck_abort_msg("unknown control character %#x", (unsigned)*text);
        else
            length = screen_put(screen, text);
        text += length;
    }
}

/* Lines that become too long are cut; the cursor stays on its line, which moves up when there is no
 * room below. */
static inline void screen_resize(struct screen *screen, int columns, int rows)
{
    for (; screen->row >= rows; screen->row--) {
        const int row = screen->row;

        screen->row = screen->rows - 1;
        screen_feed_line(screen);
        screen->row = row;
    }
    screen->columns = columns;
    screen->rows = rows;
    screen->column = screen_clamp(screen->column, columns);
    for (int row = 0; row < SCREEN_ROWS; row++)
        screen_erase(screen, row, row < rows ? columns : 0);
}

/* The same, but lines that become too long are wrapped; the cursor stays with its character. The
 * screen has room for all. */
static inline void screen_rewrap(struct screen *screen, int columns)
{
    struct screen *old = malloc(sizeof *old);
    int to = 0, cursor_row = 0;

    ck_assert_ptr_nonnull(old);
    *old = *screen;
    memset(screen->cells, 0, sizeof screen->cells);
    for (int row = 0; row < old->rows; row++) {
        int width = old->columns;

        while (width > 0 && old->cells[row][width - 1][0] == '\0')
            width--;
        if (row == old->row)
            cursor_row = to + old->column / columns;
        for (int i = 0; i < width; i++)
            strcpy(screen->cells[to + i / columns][i % columns], old->cells[row][i]);
        to += width > 0 ? 1 + (width - 1) / columns : 1;
        ck_assert_int_lt(to, SCREEN_ROWS);
    }
    screen->row = cursor_row;
    screen->column = old->column % columns;
    screen->columns = columns;
    free(old);
}

/* What scrolled off and what is on the screen, without blanks at the ends of lines and
 * blank lines at the end. Owned by the caller. */
static char *screen_text(const struct screen *screen)
{
    struct screen *copy = malloc(sizeof *copy);
    struct buffer text = {0};

    ck_assert_ptr_nonnull(copy);
    *copy = *screen;
    if (screen->scrolled.length > 0)
        buffer_append(&text, screen->scrolled.data, screen->scrolled.length);
    for (int row = 0; row < screen->rows; row++)
        screen_append_line(&text, copy->cells[row]);
    free(copy);
    while (text.length > 1 && strcmp(text.data + text.length - 2, "\n\n") == 0)
        text.data[--text.length] = '\0';
    if (text.length == 1)
        buffer_clear(&text);
    return buffer_take(&text);
}

#endif
