/* engine/run/face_live.c - the face for people: a picture at the bottom of a terminal.
 *
 * The picture (the run's line and one line for each operation that waits) is drawn anew
 * in place; lines that stay scroll up above it. A frame is one write, made of whole lines
 * that are a column narrower than the terminal, so it neither flickers nor wraps; the
 * cursor rests hidden on the line below. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "net/loop.h"
#include "run/event.h"
#include "run/face.h"
#include "run/face_forecast.h"
#include "run/face_picture.h"
#include "run/face_stream.h"
#include "run/face_tally.h"
#include "run/summary.h"
#include "run/terminal.h"
#include "run/wakeup.h"

/* On the machine's clock, but for the last, which is on the run's. */
enum {
    FRAME_MS = 100,    /* ten frames a second at most */
    TICK_MS = 1000,    /* the clock and the spinner move */
    PATIENCE_MS = 500, /* what is over sooner and waits for nothing needs no picture */
    LONG_MS = 60000    /* the end of what took longer is worth a line that stays */
};

enum {
    FEWEST_ROWS = 3,       /* of a terminal that has room for a picture */
    OVERFLOW_BYTES = 16384 /* of text that waits for the next frame */
};

#define SYNCHRONIZED_BEGIN "\x1b[?2026h"
#define SYNCHRONIZED_END   "\x1b[?2026l"
#define CURSOR_HIDE        "\x1b[?25l"
#define CURSOR_SHOW        "\x1b[?25h"
#define ERASE_BELOW        "\x1b[J"

struct live_face {
    struct face_head head;
    struct face_stream err;
    struct loop *loop;
    struct tally tally;
    char *script;          /* NULL before the run has started */
    struct buffer above;   /* whole lines that are to stay, not written yet */
    struct buffer partial; /* what the script printed after its last line end */
    struct buffer frame;
    struct wakeup *timer, *stop, *go_on, *resize;
    int64_t clock_offset_ms; /* from the loop's clock to the run's elapsed time */
    int64_t started_ms;      /* on the machine's clock, as the next three */
    int64_t drawn_ms;        /* the last frame; 0 before the first */
    int64_t dirty_ms;        /* since when the picture is out of date, or 0 */
    int drawn_rows;          /* of the picture on the screen, 0 when there is none */
    unsigned turn;           /* of the spinner */
    bool is_running;
    bool is_over;
    bool has_color;
    bool owns_output; /* what the script prints goes to this very terminal */
};

/* Of the live face that has hidden the cursor; a signal handler reads it. */
static volatile sig_atomic_t cursor_is_hidden;

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static bool is_worth_showing(const struct live_face *live, struct terminal_size size)
{
    const bool has_lasted =
        live->drawn_rows > 0 || clock_machine_ms() - live->started_ms >= PATIENCE_MS;
    const bool has_something =
        !live->is_over && (live->tally.waiting > 0 || (live->is_running && has_lasted));

    return has_something && size.rows >= FEWEST_ROWS &&
           terminal_is_foreground(live->err.fd);
}

static void write_frame(struct live_face *live)
{
    if (live->drawn_rows > 0)
        cursor_is_hidden = true; /* before it is, so that no signal comes in between */
    if (live->frame.length > 0)
        face_stream_write(&live->err, live->frame.data, live->frame.length);
    if (live->drawn_rows == 0)
        cursor_is_hidden = false;
    buffer_clear(&live->frame);
}

/* Begins a frame with the cursor where the picture begins. When the terminal has become
 * narrower since, some wrap its old lines and some cut them; going up no further than we
 * have gone down leaves a scrap in the former and takes no foreign line in the latter. */
static void begin_frame(struct live_face *live, int terminal_rows)
{
    buffer_append_string(&live->frame, SYNCHRONIZED_BEGIN);
    if (live->drawn_rows > 0)
        buffer_printf(&live->frame, "\r\x1b[%dA",
                      smaller(live->drawn_rows, terminal_rows - 1));
}

static void move_above(struct live_face *live)
{
    if (live->above.length == 0)
        return;
    if (live->drawn_rows > 0)
        buffer_append_string(&live->frame, ERASE_BELOW);
    buffer_append(&live->frame, live->above.data, live->above.length);
    if (memchr(live->above.data, '\x1b', live->above.length) != NULL)
        buffer_append_string(&live->frame, PICTURE_COLORS_OFF);
    buffer_clear(&live->above);
}

/* Writes what is to stay, and takes the picture off the screen. */
static void clear_picture(struct live_face *live)
{
    if (live->drawn_rows == 0) {
        move_above(live);
        write_frame(live);
        return;
    }
    begin_frame(live, terminal_read_size(live->err.fd).rows);
    move_above(live);
    buffer_append_string(&live->frame, ERASE_BELOW CURSOR_SHOW SYNCHRONIZED_END);
    live->drawn_rows = 0;
    write_frame(live);
}

static void draw_picture(struct live_face *live, struct terminal_size size)
{
    const bool was_shown = live->drawn_rows > 0;
    const struct picture picture = {
        .tally = &live->tally,
        .script = live->script,
        .partial = live->partial.length > 0 ? live->partial.data : NULL,
        .elapsed_ms = clock_now_ms(loop_clock(live->loop)) + live->clock_offset_ms,
        .turn = live->turn,
        .has_color = live->has_color};

    begin_frame(live, size.rows);
    if (!was_shown)
        buffer_append_string(&live->frame, CURSOR_HIDE);
    move_above(live);
    live->drawn_rows = picture_append(&live->frame, &picture, size);
    buffer_append_string(&live->frame, ERASE_BELOW SYNCHRONIZED_END);
    write_frame(live);
}

static void draw(struct live_face *live)
{
    const struct terminal_size size = terminal_read_size(live->err.fd);
    const bool is_shown = is_worth_showing(live, size);

    if (is_shown)
        draw_picture(live, size);
    else
        clear_picture(live);
    live->turn++;
    live->dirty_ms = 0;
    live->drawn_ms = clock_machine_ms();
    if (!live->is_over && (live->is_running || live->tally.waiting > 0))
        wakeup_start(live->timer, is_shown ? TICK_MS : PATIENCE_MS);
}

static void on_timer(void *context)
{
    draw(context);
}

/* Sees to it that a frame is drawn soon: from the loop, or at once when nobody has come
 * back to the loop for too long. */
static void request_frame(struct live_face *live)
{
    const int64_t now_ms = clock_machine_ms();
    const int64_t due_ms = live->drawn_ms + FRAME_MS;

    if (live->dirty_ms == 0) {
        live->dirty_ms = now_ms;
        wakeup_start(live->timer, due_ms > now_ms ? due_ms - now_ms : 0);
    } else if (now_ms >= due_ms && now_ms - live->dirty_ms >= FRAME_MS) {
        draw(live);
    } else if (live->above.length > OVERFLOW_BYTES) {
        clear_picture(live);
    }
}

/* Stops as a program does that knows nothing of this signal, with the terminal in order;
 * draws again when it goes on. Its going on is not for `on_go_on` then: the picture that
 * it would forget is the one drawn here. */
static void on_stop(void *context)
{
    struct live_face *live = context;

    clear_picture(live);
    wakeup_stop(live->go_on);
    wakeup_stop(live->stop);
    raise(SIGTSTP);
    wakeup_watch(live->stop);
    wakeup_watch(live->go_on);
    draw(live);
}

/* Somebody else has used the terminal meanwhile; the old picture is left to scroll away.
 */
static void on_go_on(void *context)
{
    struct live_face *live = context;

    live->drawn_rows = 0;
    draw(live);
}

static void on_resize(void *context)
{
    request_frame(context);
}

/* Moves whole lines out of the partial one, to which was added what begins at `start`. */
static void split_partial(struct live_face *live, size_t start)
{
    struct buffer *partial = &live->partial;
    size_t length = partial->length;

    while (length > start && partial->data[length - 1] != '\n')
        length--;
    if (length == start)
        return;
    buffer_append(&live->above, partial->data, length);
    memmove(partial->data, partial->data + length, partial->length - length + 1);
    partial->length -= length;
}

static void on_output(struct live_face *live, const char *text)
{
    if (text == NULL)
        return;
    if (live->owns_output) {
        const size_t start = live->partial.length;

        terminal_append_output(&live->partial, text);
        split_partial(live, start);
    } else if (!face_stream_write(&live->head.out, text, strlen(text))) {
        face_stream_append_complaint(&live->above, &live->head.out);
    }
}

static void on_finished(struct live_face *live, const struct event *event)
{
    struct buffer line = {0};

    tally_finish(&live->tally, event);
    if (event->outcome == OUTCOME_NOT_BEGUN ||
        (event->outcome != OUTCOME_FAILED && event->age_ms <= LONG_MS))
        return;
    summary_append_time(&live->above, event->wall_ms);
    summary_append_finish(&line, event);
    picture_paint(&live->above, live->has_color,
                  event->outcome == OUTCOME_FAILED ? STYLE_RED : STYLE_NONE, line.data);
    buffer_append_char(&live->above, '\n');
    buffer_deinit(&line);
}

static void on_run_started(struct live_face *live, const struct event *event)
{
    free(live->script);
    live->script = memory_copy_string(event->text != NULL ? event->text : "");
    live->is_running = true;
    live->is_over = false;
    live->started_ms = clock_machine_ms();
}

/* What was printed without a line end gets one. */
static void end_partial(struct live_face *live)
{
    if (live->partial.length == 0)
        return;
    buffer_append_char(&live->partial, '\n');
    split_partial(live, live->partial.length - 1);
}

static void on_run_finished(struct live_face *live, const struct event *event)
{
    static const enum style styles[] = {[RUN_SUCCEEDED] = STYLE_GREEN,
                                        [RUN_FAILED] = STYLE_RED,
                                        [RUN_INTERRUPTED] = STYLE_YELLOW};
    const char *status = run_status_names[event->summary->status];
    struct buffer text = {0};

    end_partial(live);
    summary_append(&text, event, &live->tally);
    picture_paint(&live->above, live->has_color, styles[event->summary->status], status);
    buffer_append_string(&live->above, text.data + strlen(status));
    buffer_deinit(&text);
    live->is_running = false;
    live->is_over = true;
    live->dirty_ms = 0;
    wakeup_stop(live->timer);
    clear_picture(live);
}

static void handle(struct face *face, const struct event *event)
{
    struct live_face *live = (struct live_face *)face;

    live->clock_offset_ms = event->elapsed_ms - clock_now_ms(loop_clock(live->loop));
    switch (event->type) {
    case EVENT_RUN_STARTED:
        on_run_started(live, event);
        break;
    case EVENT_OPERATION_STARTED:
    case EVENT_OPERATION_STATE:
        face_forecast_warn(&live->above, tally_begin(&live->tally, event), event);
        break;
    case EVENT_OPERATION_FINISHED:
        on_finished(live, event);
        break;
    case EVENT_LOG:
    case EVENT_TASK_FAILED:
        summary_append_note(&live->above, event);
        break;
    case EVENT_OUTPUT:
        on_output(live, event->text);
        break;
    case EVENT_RUN_FINISHED:
        on_run_finished(live, event);
        return;
    }
    request_frame(live);
}

static void free_face(struct face *face)
{
    struct live_face *live = (struct live_face *)face;

    end_partial(live);
    clear_picture(live);
    wakeup_free(live->timer);
    wakeup_free(live->stop);
    wakeup_free(live->go_on);
    wakeup_free(live->resize);
    tally_deinit(&live->tally);
    free(live->script);
    buffer_deinit(&live->above);
    buffer_deinit(&live->partial);
    buffer_deinit(&live->frame);
    free(live);
}

struct face *face_new_live(struct loop *loop)
{
    struct live_face *live = memory_new(sizeof *live);

    live->head.face = (struct face){.handle = handle, .free = free_face};
    live->head.out.fd = STDOUT_FILENO;
    live->err.fd = STDERR_FILENO;
    live->loop = loop;
    live->has_color = terminal_wants_color();
    live->owns_output = terminal_is_same(STDOUT_FILENO, STDERR_FILENO);
    tally_init(&live->tally);
    live->timer = wakeup_new_timer(loop, on_timer, live);
    live->stop = wakeup_new_signal(loop, SIGTSTP, on_stop, live);
    live->go_on = wakeup_new_signal(loop, SIGCONT, on_go_on, live);
    live->resize = wakeup_new_signal(loop, SIGWINCH, on_resize, live);
    return &live->head.face;
}

void face_restore_terminal(void)
{
    static const char sequence[] = PICTURE_COLORS_OFF CURSOR_SHOW SYNCHRONIZED_END;
    const int error = errno;

    if (cursor_is_hidden) {
        const ssize_t written = write(STDERR_FILENO, sequence, sizeof sequence - 1);

        (void)written; /* nothing can be done about it here */
    }
    errno = error;
}
