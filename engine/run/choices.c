/* engine/run/choices.c - words in columns, as `ls` shows them: down first. */
#include "run/choices.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "run/face_picture.h"
#include "run/terminal.h"

enum { GAP = 2 }; /* between columns */

/* The words that can be shown, in rows of which the last may be short. */
struct table {
    char **words;
    int *widths;
    size_t count, rows;
    int columns; /* of the terminal that may be used */
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The width of the column that begins with this word. */
static int column_width(const struct table *table, size_t first, size_t rows)
{
    int width = 0;

    for (size_t i = first; i < table->count && i < first + rows; i++)
        width = table->widths[i] > width ? table->widths[i] : width;
    return width;
}

/* How many words there is room for, in so many rows; one column there always is. */
static size_t count_fitting(const struct table *table, size_t rows)
{
    int taken = column_width(table, 0, rows);
    size_t count = rows;

    while (count < table->count) {
        taken += GAP + column_width(table, count, rows);
        if (taken > table->columns)
            break;
        count += rows;
    }
    return smaller(count, table->count);
}

static void make_words(struct table *table, const char *const *words)
{
    table->words = memory_new(table->count * sizeof *table->words);
    table->widths = memory_new(table->count * sizeof *table->widths);
    for (size_t i = 0; i < table->count; i++) {
        struct buffer visible = {0}, cut = {0};

        terminal_append_visible(&visible, words[i]);
        terminal_append_cut(&cut, visible.data != NULL ? visible.data : "",
                            table->columns);
        table->words[i] = buffer_take(&cut);
        table->widths[i] = terminal_width(table->words[i]);
        buffer_deinit(&visible);
    }
}

static void free_words(struct table *table, size_t made)
{
    for (size_t i = 0; i < made; i++)
        free(table->words[i]);
    free(table->words);
    free(table->widths);
}

static void append_row(struct buffer *text, const struct table *table, size_t row)
{
    int gap = 0;

    for (size_t i = row; i < table->count; i += table->rows) {
        buffer_printf(text, "%*s%s", gap, "", table->words[i]);
        gap = GAP + column_width(table, i - row, table->rows) - table->widths[i];
    }
}

/* "4900" becomes "4,900". */
static void append_number(struct buffer *text, size_t number)
{
    if (number >= 1000) {
        append_number(text, number / 1000);
        buffer_printf(text, ",%03zu", number % 1000);
    } else {
        buffer_printf(text, "%zu", number);
    }
}

static void append_more(struct buffer *text, size_t shown, size_t more, int columns,
                        bool has_color)
{
    struct buffer line = {0}, cut = {0};

    buffer_append_string(&line, shown > 0 ? "and " : "");
    append_number(&line, more);
    buffer_append_string(&line, shown > 0 ? " more" : " choices");
    terminal_append_start(&cut, line.data, columns);
    picture_paint(text, has_color, STYLE_DIM, cut.data != NULL ? cut.data : "");
    buffer_deinit(&line);
    buffer_deinit(&cut);
}

/* Chooses the fewest rows into which all words go, or keeps the words that fit. */
static void choose_rows(struct table *table, size_t most_rows, bool is_part)
{
    const size_t for_words = most_rows - (is_part ? 1 : 0);

    for (table->rows = 1; table->rows <= for_words; table->rows++) {
        if (count_fitting(table, table->rows) == table->count)
            return;
    }
    table->rows = most_rows - 1;
    table->count = table->rows > 0 ? count_fitting(table, table->rows) : 0;
}

int choices_append(struct buffer *text, const struct choices *choices, int columns,
                   int most_rows, bool has_color, const char *before, const char *after)
{
    if (choices->count == 0 || most_rows < 1)
        return 0;

    const int room = columns > 1 ? columns - 1 : 1;
    const size_t in_all =
        choices->in_all > choices->count ? choices->in_all : choices->count;
    /* more words than that do not fit, however short they are */
    const size_t made =
        smaller(choices->count, (size_t)most_rows * ((size_t)room / GAP + 1));
    struct table table = {.count = made, .columns = room};

    make_words(&table, choices->words);
    choose_rows(&table, (size_t)most_rows, made < in_all);
    for (size_t row = 0; row < table.rows; row++) {
        buffer_append_string(text, before);
        append_row(text, &table, row);
        buffer_append_string(text, after);
    }
    if (table.count < in_all) {
        buffer_append_string(text, before);
        append_more(text, table.count, in_all - table.count, room, has_color);
        buffer_append_string(text, after);
    }
    free_words(&table, made);
    return (int)table.rows + (table.count < in_all ? 1 : 0);
}
