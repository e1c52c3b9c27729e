/* engine/run/canvas.c - the bottom of a terminal, with a picture that is drawn anew in place.
 *
 * The cursor rests where the picture wants it, so each frame knows the way from there to any row.
 * Moving down is done by line feeds: they make the rows that the screen does not have yet. */
#include "run/canvas.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "run/face.h"
#include "run/face_stream.h"
#include "run/wakeup.h"

enum {
    FRAME_MS = 100,        /* ten frames a second at most */
    OVERFLOW_BYTES = 16384 /* of text that waits for the next frame */
};

#define SYNCHRONIZED_BEGIN "\x1b[?2026h"
#define SYNCHRONIZED_END   "\x1b[?2026l"
#define CURSOR_HIDE        "\x1b[?25l"
#define CURSOR_SHOW        "\x1b[?25h"
#define CURSOR_HOME        "\x1b[H"
#define ERASE_SCREEN       "\x1b[2J"
#define COLORS_OFF         "\x1b[0m"

/* From the start of a row. As "\x1b[J" alone, tmux would take it at the top of the screen for
 * clearing that, and keep what was there in its history. */
#define ERASE_BELOW "\x1b[2K\x1b[C\x1b[J\r"

/* Rows of a picture; the last one has no line end. */
struct rows {
    const char *at;
    int left;
};

struct canvas {
    struct face_stream stream;
    canvas_paint *paint;
    void *context;
    struct buffer above;   /* whole lines that are to stay, not written yet */
    struct buffer partial; /* what a script printed after its last line end */
    struct buffer frame;
    struct canvas_picture picture; /* to be drawn */
    struct buffer drawn;           /* the text of the one on the screen */
    struct terminal_size size;     /* for which it was drawn */
    int drawn_rows;                /* 0 when there is none */
    int row, column;               /* of the picture, where the cursor is */
    struct wakeup *timer, *stop, *go_on, *resize;
    int64_t drawn_ms; /* the last frame, on the machine's clock; 0 before the first */
    int64_t dirty_ms; /* since when the picture is out of date, or 0 */
    bool is_cursor_hidden;
    bool is_suspended;
};

/* Of the canvas that has a picture on the screen; a signal handler reads them. */
static volatile sig_atomic_t cursor_is_hidden;
static volatile sig_atomic_t rows_to_leave; /* below the cursor, its own included */

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int count_rows(const struct buffer *text)
{
    int rows = text->length > 0 ? 1 : 0;

    for (size_t i = 0; i < text->length; i++)
        rows += text->data[i] == '\n';
    return rows;
}

/* Returns the next row's bytes without its line end, or NULL behind the last. */
static const char *next_row(struct rows *rows, size_t *length)
{
    const char *row = rows->at;

    if (rows->left == 0)
        return NULL;
    *length = strcspn(row, "\r");
    rows->left--;
    rows->at = row + *length + (rows->left > 0 ? 2 : 0);
    return row;
}

static void write_frame(struct canvas *canvas)
{
    if (canvas->is_cursor_hidden)
        cursor_is_hidden = true; /* before it is, so that no signal comes in between */
    if (canvas->frame.length > 0)
        face_stream_write(&canvas->stream, canvas->frame.data, canvas->frame.length);
    if (!canvas->is_cursor_hidden)
        cursor_is_hidden = false;
    rows_to_leave = canvas->drawn_rows > 0 && !canvas->is_cursor_hidden
                        ? canvas->drawn_rows - canvas->row
                        : 0;
    buffer_clear(&canvas->frame);
}

static void set_cursor(struct canvas *canvas, bool is_shown)
{
    if (canvas->is_cursor_hidden != is_shown)
        return;
    buffer_append_string(&canvas->frame, is_shown ? CURSOR_SHOW : CURSOR_HIDE);
    canvas->is_cursor_hidden = !is_shown;
}

/* Goes to the start of a row that is on the screen or is the next one below. */
static void go_to_row(struct canvas *canvas, int row)
{
    if (row < canvas->row)
        buffer_printf(&canvas->frame, "\r\x1b[%dA", canvas->row - row);
    else if (row == canvas->row)
        buffer_append_char(&canvas->frame, '\r');
    for (int i = canvas->row; i < row; i++)
        buffer_append_string(&canvas->frame, "\r\n");
    canvas->row = row;
}

/* The columns of a row, in which the only controls are sequences of colours and erasing. */
static int row_width(const char *row, size_t length)
{
    struct buffer plain = {0};
    const char *const end = row + length;

    while (row < end) {
        if (*row == '\x1b')
            row += 2 + strspn(row + 2, "0123456789;:") + 1;
        else
            buffer_append_char(&plain, *row++);
    }

    const int width = plain.length > 0 ? terminal_width(plain.data) : 0;

    buffer_deinit(&plain);
    return width;
}

/* How many rows the cursor is below the start of the picture. When the terminal has become narrower
 * since, some wrap its old rows and some cut them. Where we do not know, going up no further than
 * we have gone down leaves a scrap in the former and takes no foreign line in the latter. */
static int rows_to_start(const struct canvas *canvas, int columns)
{
    struct rows rows = {canvas->drawn.data, canvas->drawn_rows};
    int count = canvas->row;

    if (columns >= canvas->size.columns || !terminal_wraps_anew())
        return count;
    for (int i = 0; i <= canvas->row; i++) {
        size_t length = 0;
        const char *row = next_row(&rows, &length);
        const int width = i < canvas->row ? row_width(row, length) : canvas->column;

        count += width > 0 ? (width - 1) / columns : 0;
    }
    return count;
}

/* Goes where the picture begins. Rows that the terminal has wrapped it would join again when it
 * becomes wider, unless they are erased. */
static void go_to_start(struct canvas *canvas, struct terminal_size size)
{
    if (canvas->drawn_rows == 0)
        return;
    canvas->row = smaller(rows_to_start(canvas, size.columns), size.rows - 1);
    go_to_row(canvas, 0);
    if (size.columns != canvas->size.columns)
        buffer_append_string(&canvas->frame, ERASE_BELOW);
}

/* Puts the lines that are to stay where the picture begins. */
static void move_above(struct canvas *canvas)
{
    const struct buffer *above = &canvas->above;

    if (above->length == 0)
        return;
    if (canvas->drawn_rows > 0)
        buffer_append_string(&canvas->frame, ERASE_BELOW);
    buffer_append(&canvas->frame, above->data, above->length);
    if (strchr(above->data, '\x1b') != NULL)
        buffer_append_string(&canvas->frame, COLORS_OFF);
    buffer_clear(&canvas->above);
}

static void forget_picture(struct canvas *canvas)
{
    buffer_clear(&canvas->drawn);
    canvas->drawn_rows = 0;
    canvas->row = canvas->column = 0;
}

/* Writes what is to stay, and takes the picture off the screen. */
static void flush(struct canvas *canvas)
{
    if (canvas->drawn_rows == 0) {
        move_above(canvas);
        write_frame(canvas);
        return;
    }
    buffer_append_string(&canvas->frame, SYNCHRONIZED_BEGIN);
    go_to_start(canvas, terminal_read_size(canvas->stream.fd));
    move_above(canvas);
    buffer_append_string(&canvas->frame, ERASE_BELOW);
    set_cursor(canvas, true);
    buffer_append_string(&canvas->frame, SYNCHRONIZED_END);
    forget_picture(canvas);
    write_frame(canvas);
}

/* Whether the rows on the screen are as we drew them, so that those which stay the same need not
 * be drawn. */
static bool can_keep_rows(const struct canvas *canvas, struct terminal_size size)
{
    return canvas->drawn_rows > 0 && canvas->picture.is_cursor_shown &&
           !canvas->is_cursor_hidden && canvas->above.length == 0 &&
           canvas->size.columns == size.columns && canvas->size.rows == size.rows;
}

/* Draws the rows that differ from those on the screen. What is below them is erased before the last
 * one is drawn: behind a row that fills its line, erasing would take its last character. */
static void draw_rows(struct canvas *canvas, int count, bool erases_below)
{
    struct rows old = {canvas->drawn.data, canvas->drawn_rows};
    struct rows new = {canvas->picture.text.data, count};
    size_t old_length = 0, length = 0;

    for (int i = 0; i < count; i++) {
        const bool is_last = erases_below && i == count - 1;
        const char *was = next_row(&old, &old_length);
        const char *row = next_row(&new, &length);

        if (!is_last && was != NULL && old_length == length &&
            memcmp(was, row, length) == 0)
            continue;
        go_to_row(canvas, i);
        if (is_last)
            buffer_append_string(&canvas->frame, ERASE_BELOW);
        buffer_append(&canvas->frame, row, length);
    }
}

static void place_cursor(struct canvas *canvas)
{
    const struct canvas_picture *picture = &canvas->picture;

    go_to_row(canvas, picture->cursor_row);
    canvas->column = picture->cursor_column;
    if (picture->cursor_column > 0)
        buffer_printf(&canvas->frame, "\x1b[%dG", picture->cursor_column + 1);
    if (picture->is_cursor_shown)
        set_cursor(canvas, true);
}

static void remember_picture(struct canvas *canvas, int count, struct terminal_size size)
{
    const struct buffer text = canvas->drawn;

    canvas->drawn = canvas->picture.text;
    canvas->picture.text = text;
    canvas->drawn_rows = count;
    canvas->size = size;
}

static void draw_picture(struct canvas *canvas, struct terminal_size size)
{
    const int count = count_rows(&canvas->picture.text);
    const bool keeps_rows = can_keep_rows(canvas, size);
    const bool erases_below = !keeps_rows || count < canvas->drawn_rows;

    buffer_append_string(&canvas->frame, SYNCHRONIZED_BEGIN);
    if (!canvas->picture.is_cursor_shown)
        set_cursor(canvas, false);
    if (!keeps_rows) {
        go_to_start(canvas, size);
        move_above(canvas);
        forget_picture(canvas);
    }
    draw_rows(canvas, count, erases_below);
    place_cursor(canvas);
    buffer_append_string(&canvas->frame, SYNCHRONIZED_END);
    remember_picture(canvas, count, size);
    write_frame(canvas);
}

static void on_timer(void *context)
{
    canvas_draw(context);
}

/* Stops as a program does that knows nothing of this signal, with the terminal in order. */
static void on_stop(void *context)
{
    struct canvas *canvas = context;

    canvas_suspend(canvas);
    wakeup_stop(canvas->stop);
    raise(SIGTSTP);
    wakeup_watch(canvas->stop);
    canvas_resume(canvas);
}

/* Somebody else has used the terminal meanwhile; the old picture is left to scroll away. */
static void on_go_on(void *context)
{
    struct canvas *canvas = context;

    forget_picture(canvas);
    canvas->is_cursor_hidden = false;
    canvas_draw(canvas);
}

/* Where something is typed nobody waits for a frame. */
static void on_resize(void *context)
{
    struct canvas *canvas = context;

    if (canvas->drawn_rows > 0 && !canvas->is_cursor_hidden)
        canvas_draw(canvas);
    else
        canvas_request(canvas);
}

/* Moves whole lines out of the partial one, to which was added what begins at `start`. */
static void split_partial(struct canvas *canvas, size_t start)
{
    struct buffer *partial = &canvas->partial;
    size_t length = partial->length;

    while (length > start && partial->data[length - 1] != '\n')
        length--;
    if (length == start)
        return;
    buffer_append(&canvas->above, partial->data, length);
    memmove(partial->data, partial->data + length, partial->length - length + 1);
    partial->length -= length;
}

struct canvas *canvas_new(struct loop *loop, int fd, bool minds_stop, canvas_paint *paint,
                          void *context)
{
    struct canvas *canvas = memory_new(sizeof *canvas);

    canvas->stream.fd = fd;
    canvas->paint = paint;
    canvas->context = context;
    canvas->timer = wakeup_new_timer(loop, on_timer, canvas);
    if (minds_stop)
        canvas->stop = wakeup_new_signal(loop, SIGTSTP, on_stop, canvas);
    canvas->go_on = wakeup_new_signal(loop, SIGCONT, on_go_on, canvas);
    canvas->resize = wakeup_new_signal(loop, SIGWINCH, on_resize, canvas);
    return canvas;
}

void canvas_free(struct canvas *canvas)
{
    canvas_end_partial(canvas);
    flush(canvas);
    wakeup_free(canvas->timer);
    wakeup_free(canvas->stop);
    wakeup_free(canvas->go_on);
    wakeup_free(canvas->resize);
    buffer_deinit(&canvas->above);
    buffer_deinit(&canvas->partial);
    buffer_deinit(&canvas->frame);
    buffer_deinit(&canvas->picture.text);
    buffer_deinit(&canvas->drawn);
    free(canvas);
}

struct buffer *canvas_above(struct canvas *canvas)
{
    return &canvas->above;
}

void canvas_print(struct canvas *canvas, const char *text)
{
    const size_t start = canvas->partial.length;

    terminal_append_output(&canvas->partial, text);
    split_partial(canvas, start);
}

const char *canvas_partial(const struct canvas *canvas)
{
    return canvas->partial.length > 0 ? canvas->partial.data : NULL;
}

void canvas_end_partial(struct canvas *canvas)
{
    if (canvas->partial.length == 0)
        return;
    buffer_append_char(&canvas->partial, '\n');
    split_partial(canvas, canvas->partial.length - 1);
}

bool canvas_is_drawn(const struct canvas *canvas)
{
    return canvas->drawn_rows > 0;
}

void canvas_request(struct canvas *canvas)
{
    const int64_t now_ms = clock_machine_ms();
    const int64_t due_ms = canvas->drawn_ms + FRAME_MS;

    if (canvas->is_suspended)
        return;
    if (canvas->dirty_ms == 0) {
        canvas->dirty_ms = now_ms;
        wakeup_start(canvas->timer, due_ms > now_ms ? due_ms - now_ms : 0);
    } else if (now_ms >= due_ms && now_ms - canvas->dirty_ms >= FRAME_MS) {
        canvas_draw(canvas);
    } else if (canvas->above.length > OVERFLOW_BYTES) {
        flush(canvas);
    }
}

void canvas_draw(struct canvas *canvas)
{
    const struct terminal_size size = terminal_read_size(canvas->stream.fd);
    struct canvas_picture *picture = &canvas->picture;

    if (canvas->is_suspended)
        return;
    buffer_clear(&picture->text);
    *picture = (struct canvas_picture){.text = picture->text};

    const int64_t wait_ms = canvas->paint(canvas->context, picture, size);

    if (picture->text.length > 0)
        draw_picture(canvas, size);
    else
        flush(canvas);
    canvas->dirty_ms = 0;
    canvas->drawn_ms = clock_machine_ms();
    if (wait_ms > 0)
        wakeup_start(canvas->timer, wait_ms);
    else
        wakeup_stop(canvas->timer);
}

void canvas_clear(struct canvas *canvas)
{
    if (canvas->is_suspended)
        return;
    wakeup_stop(canvas->timer);
    canvas->dirty_ms = 0;
    flush(canvas);
}

void canvas_clear_screen(struct canvas *canvas)
{
    if (canvas->is_suspended)
        return;
    forget_picture(canvas);
    buffer_append_string(&canvas->frame, CURSOR_HOME ERASE_SCREEN);
    canvas_draw(canvas);
}

/* Its going on is not for on_go_on() after that: the picture that it would forget is the one that
 * canvas_resume() draws. */
void canvas_suspend(struct canvas *canvas)
{
    canvas_clear(canvas);
    wakeup_stop(canvas->go_on);
    canvas->is_suspended = true;
}

void canvas_resume(struct canvas *canvas)
{
    if (!canvas->is_suspended)
        return;
    canvas->is_suspended = false;
    wakeup_watch(canvas->go_on);
    canvas_draw(canvas);
}

void face_restore_terminal(void)
{
    static const char sequence[] = COLORS_OFF CURSOR_SHOW SYNCHRONIZED_END;
    const int error = errno;
    ssize_t written = 0; /* nothing can be done about it here */

    if (cursor_is_hidden || rows_to_leave > 0)
        written = write(STDERR_FILENO, sequence, sizeof sequence - 1);
    for (; rows_to_leave > 0 && written > 0; rows_to_leave--)
        written = write(STDERR_FILENO, "\r\n", 2);
    errno = error;
}
