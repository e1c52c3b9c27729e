/* engine/run/face_live.c - the face for people: a picture at the bottom of a terminal.
 *
 * The picture (the run's line and one line for each operation that waits) is made of whole lines
 * that are a column narrower than the terminal, so it never wraps. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "net/loop.h"
#include "run/canvas.h"
#include "run/event.h"
#include "run/face_forecast.h"
#include "run/face_lines.h"
#include "run/face_picture.h"
#include "run/face_stream.h"
#include "run/face_tally.h"
#include "run/summary.h"
#include "run/terminal.h"

/* On the machine's clock. */
enum {
    TICK_MS = 1000,   /* the clock and the spinner move */
    PATIENCE_MS = 500 /* what is over sooner and waits for nothing needs no picture */
};

enum { FEWEST_ROWS = 3 }; /* of a terminal that has room for a picture */

struct live_face {
    struct face_head head;
    struct canvas *canvas;
    struct loop *loop;
    struct tally tally;
    char *script;            /* NULL before the run has started */
    int64_t clock_offset_ms; /* from the loop's clock to the run's elapsed time */
    int64_t started_ms;      /* on the machine's clock */
    unsigned turn;           /* of the spinner */
    bool is_running;
    bool is_over;
    bool has_color;
    bool owns_output; /* what the script prints goes to this very terminal */
};

static bool is_worth_showing(const struct live_face *live, struct terminal_size size)
{
    const bool has_lasted = canvas_is_drawn(live->canvas) ||
                            clock_machine_ms() - live->started_ms >= PATIENCE_MS;
    const bool has_something =
        !live->is_over && (live->tally.waiting > 0 || (live->is_running && has_lasted));

    return has_something && size.rows >= FEWEST_ROWS &&
           terminal_is_foreground(STDERR_FILENO);
}

/* The cursor rests on the line below the picture, out of sight. */
static int64_t paint(void *context, struct canvas_picture *drawing,
                     struct terminal_size size)
{
    struct live_face *live = context;
    const bool is_shown = is_worth_showing(live, size);
    const struct picture picture = {.tally = &live->tally,
                                    .title = live->script,
                                    .partial = canvas_partial(live->canvas),
                                    .outcomes = live->tally.outcomes,
                                    .elapsed_ms = clock_now_ms(loop_clock(live->loop)) +
                                                  live->clock_offset_ms,
                                    .turn = live->turn++,
                                    .has_color = live->has_color};

    if (is_shown)
        drawing->cursor_row = picture_append(&drawing->text, &picture, size);
    if (live->is_over || (!live->is_running && live->tally.waiting == 0))
        return 0;
    return is_shown ? TICK_MS : PATIENCE_MS;
}

static void on_output(struct live_face *live, const char *text)
{
    if (text == NULL)
        return;
    if (live->owns_output)
        canvas_print(live->canvas, text);
    else if (!face_stream_write(&live->head.out, text, strlen(text)))
        face_stream_append_complaint(canvas_above(live->canvas), &live->head.out);
}

static void on_finished(struct live_face *live, const struct event *event)
{
    tally_finish(&live->tally, event);
    if (face_lines_is_told(event))
        face_lines_append_finish(canvas_above(live->canvas), event, live->has_color);
}

static void on_run_started(struct live_face *live, const struct event *event)
{
    free(live->script);
    live->script = memory_copy_string(event->text != NULL ? event->text : "");
    live->is_running = true;
    live->is_over = false;
    live->started_ms = clock_machine_ms();
}

static void on_run_finished(struct live_face *live, const struct event *event)
{
    canvas_end_partial(live->canvas);
    face_lines_append_summary(canvas_above(live->canvas), event, &live->tally,
                              live->has_color);
    live->is_running = false;
    live->is_over = true;
    canvas_clear(live->canvas);
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
        face_forecast_warn(canvas_above(live->canvas), tally_begin(&live->tally, event),
                           event);
        break;
    case EVENT_OPERATION_FINISHED:
        on_finished(live, event);
        break;
    case EVENT_LOG:
    case EVENT_TASK_FAILED:
        summary_append_note(canvas_above(live->canvas), event);
        break;
    case EVENT_OUTPUT:
        on_output(live, event->text);
        break;
    case EVENT_RUN_FINISHED:
        on_run_finished(live, event);
        return;
    }
    canvas_request(live->canvas);
}

static void free_face(struct face *face)
{
    struct live_face *live = (struct live_face *)face;

    canvas_free(live->canvas);
    tally_deinit(&live->tally);
    free(live->script);
    free(live);
}

struct face *face_new_live(struct loop *loop)
{
    struct live_face *live = memory_new(sizeof *live);

    live->head.face = (struct face){.handle = handle, .free = free_face};
    live->head.out.fd = STDOUT_FILENO;
    live->loop = loop;
    live->has_color = terminal_wants_color();
    live->owns_output = terminal_is_same(STDOUT_FILENO, STDERR_FILENO);
    tally_init(&live->tally);
    live->canvas = canvas_new(loop, STDERR_FILENO, true, paint, live);
    return &live->head.face;
}
