/* tests/emulator_screen.h - the cells of a terminal's screen and how xterm changes them.
 *
 * At the right margin a wrap is pending until the next character. What no terminal should
 * get, or terminals do not agree on, is put down in `complaints`. It asserts nothing, so
 * that benchmarks can use it, too. */
#ifndef MOONGATE_TESTS_EMULATOR_SCREEN_H
#define MOONGATE_TESTS_EMULATOR_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

enum {
    EMULATOR_COLUMNS = 256, /* the most */
    EMULATOR_ROWS = 200,
    EMULATOR_CELL = 32 /* bytes of one character with what combines with it */
};

#define EMULATOR_CURSOR                                                                  \
    "\xe2\x80\xb8" /* a caret, where emulator_text() shows the cursor */

enum emulator_flag {
    EMULATOR_BOLD = 1,
    EMULATOR_DIM = 2,
    EMULATOR_ITALIC = 4,
    EMULATOR_UNDERLINE = 8,
    EMULATOR_INVERSE = 16
};

/* Colours: 0 is the terminal's own, 1 to 256 one of the palette, with bit 24 one in RGB.
 */
struct emulator_style {
    uint32_t foreground, background, flags;
};

struct emulator_cell {
    char text[EMULATOR_CELL]; /* "" is a blank, "\x7f" the second half of a wide character
                               */
    struct emulator_style style;
};

struct emulator_row {
    bool is_wrapped; /* its text goes on in the next row */
    struct emulator_cell cells[EMULATOR_COLUMNS];
};

struct emulator {
    int columns, rows;
    int row, column, saved_row, saved_column;
    bool is_wrap_pending, is_wrapping_off;
    bool is_cursor_hidden, is_pasting_bracketed, is_in_frame, is_alternate;
    unsigned bells, frames;
    struct emulator_style style;
    struct emulator_row *lines[EMULATOR_ROWS], *main_lines[EMULATOR_ROWS];
    struct buffer scrolled; /* rows that left at the top, as text */
    unsigned scrolled_rows;
    struct buffer pending;    /* the beginning of a sequence or character */
    struct buffer answers;    /* what the terminal would send */
    struct buffer complaints; /* a line each */
};

static inline void emulator_init(struct emulator *e, int columns, int rows)
{
    memset(e, 0, sizeof *e);
    e->columns = columns;
    e->rows = rows;
    for (int i = 0; i < EMULATOR_ROWS; i++)
        e->lines[i] = memory_new(sizeof **e->lines);
    buffer_append_string(&e->scrolled, "");
    buffer_append_string(&e->answers, "");
    buffer_append_string(&e->complaints, "");
}

static inline void emulator_deinit(struct emulator *e)
{
    for (int i = 0; i < EMULATOR_ROWS; i++) {
        free(e->lines[i]);
        free(e->main_lines[i]);
    }
    buffer_deinit(&e->scrolled);
    buffer_deinit(&e->pending);
    buffer_deinit(&e->answers);
    buffer_deinit(&e->complaints);
    memset(e, 0, sizeof *e);
}

/* --- text
 * ------------------------------------------------------------------------------- */

static inline bool emulator_cell_is_blank(const struct emulator_cell *cell)
{
    return cell->text[0] == '\0' || strcmp(cell->text, " ") == 0;
}

/* The columns of a row up to its last that is not blank. */
static inline int emulator_row_length(const struct emulator_row *row, int columns)
{
    while (columns > 0 && emulator_cell_is_blank(&row->cells[columns - 1]))
        columns--;
    return columns;
}

static inline void emulator_append_color(struct buffer *text, uint32_t color,
                                         unsigned base)
{
    const unsigned n = color - 1;

    if (color == 0)
        return;
    if (color & 1u << 24)
        buffer_printf(text, ";%u;2;%u;%u;%u", base + 8, color >> 16 & 255,
                      color >> 8 & 255, color & 255);
    else if (n < 8)
        buffer_printf(text, ";%u", base + n);
    else if (n < 16)
        buffer_printf(text, ";%u", base + 60 + n - 8);
    else
        buffer_printf(text, ";%u;5;%u", base + 8, n);
}

/* A style as the numbers of SGR in angle brackets: <0>, <1;31>. */
static inline void emulator_append_style(struct buffer *text,
                                         const struct emulator_style *style)
{
    static const unsigned numbers[] = {1, 2, 3, 4, 7};
    const size_t start = text->length;

    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (style->flags & 1u << i)
            buffer_printf(text, ";%u", numbers[i]);
    emulator_append_color(text, style->foreground, 30);
    emulator_append_color(text, style->background, 40);
    if (text->length == start)
        buffer_append_string(text, ";0");
    text->data[start] = '<';
    buffer_append_char(text, '>');
}

/* What emulator_render() is to show. */
enum emulator_part {
    EMULATOR_WITH_CURSOR = 1,  /* EMULATOR_CURSOR in front of its cell; behind it while a
                                  wrap is  pending; nowhere while it is hidden */
    EMULATOR_WITH_STYLES = 2,  /* where they change */
    EMULATOR_WITH_SCROLLED = 4 /* what has left at the top, too; as plain text */
};

static inline void emulator_append_row(const struct emulator *e, struct buffer *text,
                                       int number, unsigned parts)
{
    const struct emulator_row *row = e->lines[number];
    const bool has_cursor =
        (parts & EMULATOR_WITH_CURSOR) && !e->is_cursor_hidden && number == e->row;
    const int cursor = has_cursor ? e->column + e->is_wrap_pending : -1;
    const int length = emulator_row_length(row, e->columns);
    struct emulator_style style = {0};

    for (int i = 0; i < (length > cursor ? length : cursor); i++) {
        const struct emulator_cell *cell = &row->cells[i];

        if (i == cursor)
            buffer_append_string(text, EMULATOR_CURSOR);
        if ((parts & EMULATOR_WITH_STYLES) &&
            memcmp(&style, &cell->style, sizeof style) != 0) {
            style = cell->style;
            emulator_append_style(text, &style);
        }
        if (strcmp(cell->text, "\x7f") != 0)
            buffer_append_string(text, cell->text[0] != '\0' ? cell->text : " ");
    }
    if (cursor >= length)
        buffer_append_string(text, EMULATOR_CURSOR);
    if ((parts & EMULATOR_WITH_STYLES) &&
        memcmp(&style, &(struct emulator_style){0}, sizeof style) != 0)
        buffer_append_string(text, "<0>");
    buffer_append_char(text, '\n');
}

/* The screen, each row a line, without blanks at the ends of lines and blank lines at the
 * end. `parts` are those of enum emulator_part. Owned by the caller. */
static inline char *emulator_render(const struct emulator *e, unsigned parts)
{
    struct buffer text = {0};

    if (parts & EMULATOR_WITH_SCROLLED)
        buffer_append(&text, e->scrolled.data, e->scrolled.length);
    for (int i = 0; i < e->rows; i++)
        emulator_append_row(e, &text, i, parts);
    while (text.length > 1 && strcmp(text.data + text.length - 2, "\n\n") == 0)
        text.data[--text.length] = '\0';
    if (text.length == 1)
        buffer_clear(&text);
    return buffer_take(&text);
}

/* --- moving and erasing
 * ------------------------------------------------------------------- */

static inline void emulator_complain(struct emulator *e, const char *what)
{
    if (e->complaints.length < 4096) {
        buffer_append_string(&e->complaints, what);
        buffer_append_char(&e->complaints, '\n');
    }
}

static inline void emulator_blank(struct emulator *e, int row, int from, int to)
{
    struct emulator_cell *cells = e->lines[row]->cells;

    for (int i = from; i < to; i++)
        cells[i] = (struct emulator_cell){.style.background = e->style.background};
    if (to >= e->columns)
        e->lines[row]->is_wrapped = false;
}

static inline void emulator_move(struct emulator *e, int row, int column)
{
    e->row = row < 0 ? 0 : row < e->rows ? row : e->rows - 1;
    e->column = column < 0 ? 0 : column < e->columns ? column : e->columns - 1;
    e->is_wrap_pending = false;
}

static inline void emulator_feed_line(struct emulator *e)
{
    struct emulator_row *first = e->lines[0];

    if (e->row < e->rows - 1) {
        e->row++;
        return;
    }
    if (!e->is_alternate) {
        emulator_append_row(e, &e->scrolled, 0, 0);
        e->scrolled_rows++;
    }
    memmove(e->lines, e->lines + 1, (size_t)(e->rows - 1) * sizeof *e->lines);
    e->lines[e->rows - 1] = first;
    emulator_blank(e, e->rows - 1, 0, e->columns);
}

/* While a wrap is pending xterm erases the last column and steps back from it; tmux
 * erases nothing and steps back to it. */
static inline void emulator_check_margin(struct emulator *e)
{
    if (e->is_wrap_pending)
        emulator_complain(e, "terminals differ in what is done while a wrap is pending");
    e->is_wrap_pending = false;
}

static inline void emulator_step_back(struct emulator *e, int steps)
{
    emulator_check_margin(e);
    emulator_move(e, e->row, e->column - steps);
}

static inline void emulator_erase_in_line(struct emulator *e, int what)
{
    emulator_check_margin(e);
    if (what < 0 || what > 2)
        emulator_complain(e, "an unknown CSI K");
    else
        emulator_blank(e, e->row, what == 0 ? e->column : 0,
                       what == 1 ? e->column + 1 : e->columns);
}

static inline void emulator_erase_in_screen(struct emulator *e, int what)
{
    emulator_check_margin(e);
    if (what < 0 || what > 3) {
        emulator_complain(e, "an unknown CSI J");
    } else if (what == 3) {
        buffer_clear(&e->scrolled);
        buffer_append_string(&e->scrolled, "");
    } else {
        for (int i = 0; i < e->rows; i++)
            if ((what == 0 && i > e->row) || (what == 1 && i < e->row) || what == 2)
                emulator_blank(e, i, 0, e->columns);
        if (what < 2)
            emulator_erase_in_line(e, what);
    }
}

/* --- characters
 * --------------------------------------------------------------------------- */

/* A wide character of which one half is overwritten is gone. */
static inline void emulator_split(struct emulator *e, int column)
{
    struct emulator_cell *cells = e->lines[e->row]->cells;

    if (strcmp(cells[column].text, "\x7f") == 0 && column > 0)
        strcpy(cells[column - 1].text, " ");
    if (column + 1 < e->columns && strcmp(cells[column + 1].text, "\x7f") == 0)
        strcpy(cells[column + 1].text, " ");
}

static inline void emulator_combine(struct emulator *e, const char *text)
{
    struct emulator_cell *cells = e->lines[e->row]->cells;
    int column = e->column - !e->is_wrap_pending;

    if (column > 0 && strcmp(cells[column].text, "\x7f") == 0)
        column--;
    if (column < 0)
        return; /* nothing to combine with */
    if (cells[column].text[0] == '\0')
        strcpy(cells[column].text, " ");
    if (strlen(cells[column].text) + strlen(text) < EMULATOR_CELL)
        strcat(cells[column].text, text);
}

static inline void emulator_put(struct emulator *e, const char *text, int width)
{
    if (width == 0) {
        emulator_combine(e, text);
        return;
    }
    if (!e->is_wrapping_off && (e->is_wrap_pending || e->column + width > e->columns)) {
        e->lines[e->row]->is_wrapped = true;
        e->column = 0;
        e->is_wrap_pending = false;
        emulator_feed_line(e);
    }
    if (e->column + width > e->columns)
        e->column = e->columns - width;
    for (int i = 0; i < width; i++) {
        struct emulator_cell *cell = &e->lines[e->row]->cells[e->column + i];

        emulator_split(e, e->column + i);
        strcpy(cell->text, i == 0 ? text : "\x7f");
        cell->style = e->style;
    }
    e->column += width;
    if (e->column >= e->columns) {
        e->column = e->columns - 1;
        e->is_wrap_pending = !e->is_wrapping_off;
    }
}

/* --- size
 * --------------------------------------------------------------------------------- */

/* Another size, as xterm does it: lines are cut, and rows leave at the top only as far as
 * the cursor would be below the last one. */
static inline void emulator_resize(struct emulator *e, int columns, int rows)
{
    const int row = e->row;

    e->rows = rows > e->rows ? rows : e->rows;
    for (int i = rows; i <= row; i++) {
        e->row = e->rows - 1;
        emulator_feed_line(e);
    }
    for (int i = 0; i < EMULATOR_ROWS; i++) {
        memset(
            &e->lines[i]->cells[columns < e->columns ? columns : e->columns], 0,
            (size_t)(EMULATOR_COLUMNS - (columns < e->columns ? columns : e->columns)) *
                sizeof e->lines[0]->cells[0]);
        if (i >= rows)
            memset(e->lines[i], 0, sizeof *e->lines[i]);
    }
    e->columns = columns;
    e->rows = rows;
    emulator_move(e, row < rows ? row : rows - 1, e->column);
}

/* Puts the cells of a row where the cursor is. `*cursor` (or -1) is a column of it, which
 * becomes the place it is at now: row times EMULATOR_COLUMNS and column. */
static inline void emulator_put_row(struct emulator *e, const struct emulator_row *row,
                                    int length, int *cursor)
{
    const int column = *cursor;

    for (int i = 0; i < length || i <= column; i++) {
        const struct emulator_cell *cell = &row->cells[i];
        const bool is_wide =
            i + 1 < EMULATOR_COLUMNS && strcmp(row->cells[i + 1].text, "\x7f") == 0;

        if (strcmp(cell->text, "\x7f") == 0)
            continue;
        e->style = cell->style;
        if (i < length)
            emulator_put(e, cell->text, is_wide ? 2 : 1);
        if (i == column)
            *cursor = (e->row + (int)e->scrolled_rows) * EMULATOR_COLUMNS + e->column -
                      (i < length && !e->is_wrap_pending ? 1 + is_wide : 0) +
                      (i < length ? 0 : i - length);
    }
}

/* Another size, as tmux and most terminals of today do it: lines that were wrapped are
 * wrapped again; rows that do not fit then leave at the top, though there be blank ones
 * below. */
static inline void emulator_resize_wrapping(struct emulator *e, int columns, int rows)
{
    emulator_resize(e, e->columns, rows);

    struct emulator old = *e;
    int place = 0;

    for (int i = 0; i < EMULATOR_ROWS; i++)
        e->lines[i] = memory_new(sizeof **e->lines);
    e->columns = columns;
    emulator_move(e, 0, 0);
    for (int i = 0; i < rows; i++) {
        const struct emulator_row *row = old.lines[i];
        int cursor = i == old.row ? old.column : -1;

        emulator_put_row(
            e, row, row->is_wrapped ? old.columns : emulator_row_length(row, old.columns),
            &cursor);
        if (i == old.row)
            place = cursor;
        if (!row->is_wrapped && i < rows - 1) {
            emulator_move(e, e->row, 0);
            emulator_feed_line(e);
        }
    }
    e->style = old.style;
    emulator_move(e, place / EMULATOR_COLUMNS - (int)e->scrolled_rows,
                  place % EMULATOR_COLUMNS);
    for (int i = 0; i < EMULATOR_ROWS; i++)
        free(old.lines[i]);
}

#endif
