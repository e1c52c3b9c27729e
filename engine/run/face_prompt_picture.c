/* engine/run/face_prompt_picture.c - how what is typed lies on a terminal.
 *
 * The text is laid out as a whole on a sheet of the terminal's width; of that, and of what belongs
 * below, as many rows are shown as there is room for. */
#include "run/face_prompt_picture.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "run/choices.h"
#include "run/face_picture.h"

#define ROW_END "\r\n"

enum {
    TAB_COLUMNS = 4, /* wherever it stands, so that a text keeps its shape as it moves */
    FEWEST_HINTED = 4, /* columns in which a hint says something */
    ENDLESS = INT_MAX
};

/* Rows of a terminal's width, of which the last is being written. */
struct sheet {
    struct buffer text;
    size_t *starts; /* of the rows in the text */
    int rows, capacity;
    int columns;          /* or ENDLESS */
    int column;           /* the next character's; `columns` when the row is full */
    struct buffer colors; /* that are in effect */
    struct buffer scrap;
    bool has_color;
    bool wants_cursor; /* it stands at the next character */
    int cursor_row, cursor_column;
};

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static void begin_row(struct sheet *sheet)
{
    if (sheet->rows == sheet->capacity) {
        sheet->capacity = larger(16, 2 * sheet->capacity);
        sheet->starts =
            memory_resize(sheet->starts, (size_t)sheet->capacity * sizeof *sheet->starts);
    }
    sheet->starts[sheet->rows++] = sheet->text.length;
    sheet->column = 0;
    if (sheet->colors.length > 0)
        buffer_append(&sheet->text, sheet->colors.data, sheet->colors.length);
}

static void end_row(struct sheet *sheet)
{
    if (sheet->colors.length > 0)
        buffer_append_string(&sheet->text, PICTURE_COLORS_OFF);
    if (sheet->column < sheet->columns && sheet->columns != ENDLESS)
        buffer_append_string(&sheet->text, CANVAS_ERASE_REST);
}

static void break_row(struct sheet *sheet)
{
    end_row(sheet);
    buffer_append_string(&sheet->text, ROW_END);
    begin_row(sheet);
}

static void init_sheet(struct sheet *sheet, int columns, bool has_color)
{
    *sheet = (struct sheet){.columns = columns, .has_color = has_color};
    begin_row(sheet);
}

static void deinit_sheet(struct sheet *sheet)
{
    free(sheet->starts);
    buffer_deinit(&sheet->text);
    buffer_deinit(&sheet->colors);
    buffer_deinit(&sheet->scrap);
}

/* A mark without width at a full row's end would have the cursor beyond the edge. */
static void note_cursor(struct sheet *sheet)
{
    if (!sheet->wants_cursor)
        return;
    sheet->wants_cursor = false;
    sheet->cursor_row = sheet->rows - 1;
    sheet->cursor_column = smaller(sheet->column, sheet->columns - 1);
}

static void put_bytes(struct sheet *sheet, const char *bytes, size_t length, int width)
{
    if (sheet->column > sheet->columns - width)
        break_row(sheet);
    note_cursor(sheet);
    buffer_append(&sheet->text, bytes, length);
    sheet->column += width;
}

/* Puts the character at `text`, made visible. Returns its bytes. What stands for a control
 * character is ASCII and may be broken. */
static size_t put_char(struct sheet *sheet, const char *text)
{
    if (*text == '\t') {
        for (int i = 0; i < TAB_COLUMNS; i++)
            put_bytes(sheet, " ", 1, 1);
        return 1;
    }

    struct buffer *visible = &sheet->scrap;
    int width;

    buffer_clear(visible);

    const size_t length = terminal_append_next(visible, text, &width);

    if (width <= 2) {
        put_bytes(sheet, visible->data, visible->length, width);
        return length;
    }
    for (size_t i = 0; i < visible->length; i++)
        put_bytes(sheet, visible->data + i, 1, 1);
    return length;
}

static void put_color(struct sheet *sheet, const char *sequence, size_t length)
{
    if (!sheet->has_color)
        return;
    if (length == strlen("\x1b[m") || strncmp(sequence, PICTURE_COLORS_OFF, length) == 0)
        buffer_clear(&sheet->colors);
    else
        buffer_append(&sheet->colors, sequence, length);
    buffer_append(&sheet->text, sequence, length);
}

/* Puts text of ours or of a script, in which colours count, until so many rows are begun. */
static void put_colored(struct sheet *sheet, const char *text, int most_rows)
{
    while (*text != '\0' && sheet->rows < most_rows) {
        size_t length = terminal_color_length(text);

        if (length > 0)
            put_color(sheet, text, length);
        else
            length = put_char(sheet, text);
        text += length;
    }
    if (sheet->colors.length > 0)
        buffer_append_string(&sheet->text, PICTURE_COLORS_OFF);
    buffer_clear(&sheet->colors);
}

/* Ends a line of the text. One that fills its row exactly has an empty row below: there the
 * cursor stands, and there the next character goes. */
static void end_line(struct sheet *sheet)
{
    if (sheet->column == sheet->columns)
        break_row(sheet);
    note_cursor(sheet);
}

static void put_view(struct sheet *sheet, const struct face_prompt_view *view)
{
    size_t at = 0;
    bool is_noted = false;

    put_colored(sheet, view->prompt, INT_MAX);
    while (view->text[at] != '\0') {
        if (at >= view->cursor && !is_noted)
            sheet->wants_cursor = is_noted = true;
        if (view->text[at] != '\n') {
            at += put_char(sheet, view->text + at);
            continue;
        }
        end_line(sheet);
        break_row(sheet);
        put_colored(sheet, view->continuation, INT_MAX);
        at++;
    }
    sheet->wants_cursor = !is_noted;
    end_line(sheet);
}

/* Appends a hint where it cannot be taken for what is typed. */
static void append_hint(struct buffer *text, const char *hint, int room, bool has_color)
{
    struct buffer visible = {0}, cut = {0};

    terminal_append_visible(&visible, hint);
    terminal_append_start(&cut, visible.data != NULL ? visible.data : "", room);
    picture_paint(text, has_color, STYLE_DIM, cut.data != NULL ? cut.data : "");
    buffer_deinit(&visible);
    buffer_deinit(&cut);
}

static bool has_hint(const struct face_prompt_view *view)
{
    return view->hint != NULL && *view->hint != '\0';
}

/* Puts the hint behind the text, where being dim tells it from that. */
static void put_hint(struct sheet *sheet, const struct face_prompt_view *view)
{
    const int room = sheet->columns - sheet->column - 1;

    if (sheet->has_color && has_hint(view) && room >= FEWEST_HINTED)
        append_hint(&sheet->text, view->hint, room, true);
}

/* Appends what belongs below the text, each row after a line end. Returns how many rows. */
static int append_below(struct buffer *text, const struct prompt_picture *picture,
                        int columns, int most_rows)
{
    const struct face_prompt_view *view = picture->view;
    const struct choices choices = {view->choices, view->choice_count,
                                    view->choices_in_all};
    int rows = 0;

    if (!picture->has_color && has_hint(view) && most_rows > 0) {
        buffer_append_string(text, ROW_END "  ");
        append_hint(text, view->hint, larger(1, columns - 3), false);
        buffer_append_string(text, CANVAS_ERASE_REST);
        rows++;
    }
    return rows + choices_append(text, &choices, columns, most_rows - rows,
                                 picture->has_color, ROW_END, CANVAS_ERASE_REST);
}

/* Moves the window of so many rows no further than it needs for the cursor to be in it, and not in
 * the place of a mark. */
static int choose_top(int top, const struct sheet *sheet, int room)
{
    const int mark = room >= 3 ? 1 : 0;
    const int cursor = sheet->cursor_row;

    if (cursor < top + mark)
        top = cursor - mark;
    if (cursor >= top + room - mark)
        top = cursor - room + 1 + mark;
    return larger(0, smaller(top, sheet->rows - room));
}

static void append_mark(struct buffer *text, int count, const char *where, int columns,
                        bool has_color)
{
    struct buffer line = {0}, cut = {0};

    buffer_printf(&line, "... %d more row%s %s", count, count == 1 ? "" : "s", where);
    terminal_append_start(&cut, line.data, larger(1, columns - 1));
    picture_paint(text, has_color, STYLE_DIM, cut.data);
    buffer_append_string(text, CANVAS_ERASE_REST);
    buffer_deinit(&line);
    buffer_deinit(&cut);
}

/* A row as it is on the sheet, without its line end. */
static void append_row(struct buffer *text, const struct sheet *sheet, int row)
{
    const size_t start = sheet->starts[row];
    const size_t end = row + 1 < sheet->rows ? sheet->starts[row + 1] - strlen(ROW_END)
                                             : sheet->text.length;

    buffer_append(text, sheet->text.data + start, end - start);
}

static void append_window(struct buffer *text, const struct sheet *sheet, int top,
                          int room)
{
    const int end = smaller(sheet->rows, top + room);
    const bool has_marks = room >= 3;

    for (int row = top; row < end; row++) {
        if (row > top)
            buffer_append_string(text, ROW_END);
        if (has_marks && row == top && top > 0)
            append_mark(text, top + 1, "above", sheet->columns, sheet->has_color);
        else if (has_marks && row == end - 1 && end < sheet->rows)
            append_mark(text, sheet->rows - end + 1, "below", sheet->columns,
                        sheet->has_color);
        else
            append_row(text, sheet, row);
    }
}

/* Appends what waits for its line end as a row of its own, as far as there is room. Returns how
 * many rows. */
static int append_partial(struct buffer *text, const char *partial, bool has_color,
                          struct terminal_size size)
{
    struct sheet sheet;

    if (partial == NULL || size.rows < 2)
        return 0;
    init_sheet(&sheet, size.columns, has_color);
    put_colored(&sheet, partial, 2);
    end_row(&sheet);
    append_row(text, &sheet, 0);
    buffer_append_string(text, ROW_END);
    deinit_sheet(&sheet);
    return 1;
}

void prompt_picture_append_partial(struct canvas_picture *drawing, const char *partial,
                                   bool has_color, struct terminal_size size)
{
    drawing->cursor_row = append_partial(&drawing->text, partial, has_color, size);
    drawing->is_cursor_shown = true;
    if (drawing->cursor_row > 0)
        buffer_append_string(&drawing->text, CANVAS_ERASE_REST);
}

void prompt_picture_append(struct canvas_picture *drawing, struct prompt_picture *picture,
                           struct terminal_size size)
{
    const int partial_rows =
        append_partial(&drawing->text, picture->partial, picture->has_color, size);
    const int room = size.rows - partial_rows;
    struct buffer below = {0};
    struct sheet sheet;

    init_sheet(&sheet, larger(2, size.columns), picture->has_color);
    put_view(&sheet, picture->view);
    put_hint(&sheet, picture->view);
    end_row(&sheet);

    const int below_rows =
        append_below(&below, picture, size.columns, larger(room - sheet.rows, room / 3));
    const int text_rows = smaller(sheet.rows, room - below_rows);

    picture->top = choose_top(picture->top, &sheet, text_rows);
    append_window(&drawing->text, &sheet, picture->top, text_rows);
    if (below_rows > 0)
        buffer_append(&drawing->text, below.data, below.length);
    drawing->cursor_row = partial_rows + sheet.cursor_row - picture->top;
    drawing->cursor_column = sheet.cursor_column;
    drawing->is_cursor_shown = true;
    buffer_deinit(&below);
    deinit_sheet(&sheet);
}

void prompt_picture_append_lines(struct buffer *text, const struct face_prompt_view *view,
                                 bool has_color)
{
    struct sheet sheet;

    init_sheet(&sheet, ENDLESS, has_color);
    put_view(&sheet, view);
    end_row(&sheet);
    if (sheet.text.length > 0)
        buffer_append(text, sheet.text.data, sheet.text.length);
    deinit_sheet(&sheet);
}
