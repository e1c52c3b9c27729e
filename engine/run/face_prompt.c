/* engine/run/face_prompt.c - the face at the prompt: what is typed, below what was said. */
#include "run/face_prompt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "net/loop.h"
#include "run/canvas.h"
#include "run/event.h"
#include "run/face_forecast.h"
#include "run/face_held.h"
#include "run/face_lines.h"
#include "run/face_picture.h"
#include "run/face_prompt_echo.h"
#include "run/face_prompt_picture.h"
#include "run/face_stream.h"
#include "run/face_tally.h"
#include "run/summary.h"
#include "run/terminal.h"

/* On the machine's clock. */
enum {
    TICK_MS = 1000,    /* the clock and the spinner move */
    PATIENCE_MS = 500, /* a line that waits no longer needs no picture */
    QUIET_MS = 1000,   /* nor does one that waits for answers alone, or computes */
    TELLING_MS =
        100 /* a task that an operation fails tells it itself, if at all, by then */
};

enum { FEWEST_ROWS = 3 }; /* of a terminal that has room for a picture */

/* A view that owns its strings. */
struct typed {
    struct face_prompt_view view;
    char *prompt, *continuation, *text, *hint;
    char **choices;
};

struct prompt_face {
    struct face_head head;
    struct canvas *canvas; /* NULL: the terminal cannot draw */
    struct echo *echo;     /* NULL: it can */
    struct loop *loop;
    struct tally tally;
    struct held held; /* failures, till it is known that nobody else tells them */
    int64_t held_ms;  /* since when, on the machine's clock */
    struct typed typed;
    struct prompt_picture picture;
    char *line; /* that runs, on one line; NULL before the first */
    unsigned outcomes_before[OUTCOME_COUNT]; /* the line */
    int64_t clock_offset_ms; /* from the loop's clock to the run's elapsed time */
    int64_t began_ms;        /* the line, on the run's clock */
    int64_t started_ms;      /* the same on the machine's clock */
    unsigned turn;           /* of the spinner */
    bool is_typing;
    bool is_over;
    bool has_color;
    bool owns_output; /* what the script prints goes to this very terminal */
};

/* --- what is typed --- */

static void free_typed(struct typed *typed)
{
    free(typed->prompt);
    free(typed->continuation);
    free(typed->text);
    free(typed->hint);
    for (size_t i = 0; i < typed->view.choice_count; i++)
        free(typed->choices[i]);
    free(typed->choices);
    *typed = (struct typed){0};
}

static void copy_choices(struct typed *typed, const struct face_prompt_view *view)
{
    typed->choices = memory_new(view->choice_count * sizeof *typed->choices);
    for (size_t i = 0; i < view->choice_count; i++)
        typed->choices[i] = memory_copy_string(view->choices[i]);
}

static void copy_view(struct typed *typed, const struct face_prompt_view *view)
{
    free_typed(typed);
    typed->prompt = memory_copy_string(view->prompt);
    typed->continuation = memory_copy_string(view->continuation);
    typed->text = memory_copy_string(view->text);
    typed->hint = memory_copy_string(view->hint);
    if (view->choice_count > 0)
        copy_choices(typed, view);
    typed->view = *view;
    typed->view.prompt = typed->prompt;
    typed->view.continuation = typed->continuation;
    typed->view.text = typed->text;
    typed->view.hint = typed->hint;
    typed->view.choices = (const char *const *)typed->choices;
}

/* --- what is drawn --- */

static int64_t elapsed_ms(const struct prompt_face *prompt)
{
    return clock_now_ms(loop_clock(prompt->loop)) + prompt->clock_offset_ms;
}

static void append_waiting(struct prompt_face *prompt, struct canvas_picture *drawing,
                           struct terminal_size size)
{
    unsigned outcomes[OUTCOME_COUNT];

    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        outcomes[i] = prompt->tally.outcomes[i] - prompt->outcomes_before[i];

    const struct picture picture = {.tally = &prompt->tally,
                                    .title = prompt->line,
                                    .partial = canvas_partial(prompt->canvas),
                                    .outcomes = outcomes,
                                    .elapsed_ms = elapsed_ms(prompt),
                                    .began_ms = prompt->began_ms,
                                    .turn = prompt->turn++,
                                    .has_color = prompt->has_color};

    drawing->cursor_row = picture_append(&drawing->text, &picture, size);
}

/* Paints the line that runs and what it waits for when it takes its time; till then only what it
 * prints. */
static int64_t paint_running(struct prompt_face *prompt, struct canvas_picture *drawing,
                             struct terminal_size size)
{
    const int64_t lasted_ms = clock_machine_ms() - prompt->started_ms;
    const int64_t patience_ms = prompt->tally.waiting > 0 ? PATIENCE_MS : QUIET_MS;
    const bool has_room = prompt->line != NULL && size.rows >= FEWEST_ROWS;

    if (has_room && lasted_ms >= patience_ms) {
        append_waiting(prompt, drawing, size);
        return TICK_MS;
    }
    prompt_picture_append_partial(drawing, canvas_partial(prompt->canvas),
                                  prompt->has_color, size);
    return has_room ? patience_ms - lasted_ms : 0;
}

/* Says failures that nobody has told in time. Returns after how long to ask again, or 0. */
static int64_t release_late(struct prompt_face *prompt)
{
    const int64_t left_ms = prompt->held_ms + TELLING_MS - clock_machine_ms();

    if (held_is_empty(&prompt->held))
        return 0;
    if (left_ms > 0)
        return left_ms;
    held_release(&prompt->held, canvas_above(prompt->canvas));
    return 0;
}

static int64_t paint(void *context, struct canvas_picture *drawing,
                     struct terminal_size size)
{
    struct prompt_face *prompt = context;

    if (prompt->is_over || !terminal_is_foreground(STDERR_FILENO))
        return 0;
    if (!prompt->is_typing)
        return paint_running(prompt, drawing, size);
    prompt->picture.view = &prompt->typed.view;
    prompt->picture.partial = canvas_partial(prompt->canvas);
    prompt_picture_append(drawing, &prompt->picture, size);
    return release_late(prompt);
}

/* Where lines that stay are appended. */
static struct buffer *above(struct prompt_face *prompt)
{
    return prompt->canvas != NULL ? canvas_above(prompt->canvas)
                                  : echo_said(prompt->echo);
}

static void request(struct prompt_face *prompt)
{
    if (prompt->canvas != NULL)
        canvas_request(prompt->canvas);
    else
        echo_request(prompt->echo);
}

/* --- events --- */

static void on_output(struct prompt_face *prompt, const char *text)
{
    if (text == NULL)
        return;
    if (!prompt->owns_output) {
        if (!face_stream_write(&prompt->head.out, text, strlen(text)))
            face_stream_append_complaint(above(prompt), &prompt->head.out);
    } else if (prompt->canvas != NULL) {
        canvas_print(prompt->canvas, text);
    } else {
        terminal_append_uncolored(echo_said(prompt->echo), text);
    }
}

/* On a terminal that cannot draw, what fails in the background is told at once. */
static void on_finished(struct prompt_face *prompt, const struct event *event)
{
    const bool is_urgent = prompt->is_typing && prompt->echo != NULL;

    tally_finish(&prompt->tally, event);
    if (!face_lines_is_told(event))
        return;
    if (event->outcome != OUTCOME_FAILED || is_urgent) {
        face_lines_append_finish(above(prompt), event, prompt->has_color);
    } else {
        held_add(&prompt->held, event, prompt->has_color);
        prompt->held_ms = clock_machine_ms();
    }
}

/* A session in which nothing was done needs no closing words. */
static bool has_something_to_tell(const struct prompt_face *prompt,
                                  const struct event *event)
{
    static const enum event_outcome told[] = {OUTCOME_CREATED, OUTCOME_CHANGED,
                                              OUTCOME_DELETED, OUTCOME_FAILED};

    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if (event->summary->outcomes[told[i]] > 0)
            return true;
    }
    return event->summary->hint != NULL || event->text != NULL ||
           prompt->tally.waiting + prompt->tally.left_by_key.count > 0;
}

static void on_run_finished(struct prompt_face *prompt, const struct event *event)
{
    if (prompt->canvas != NULL)
        canvas_end_partial(prompt->canvas);
    held_release(&prompt->held, above(prompt));
    if (has_something_to_tell(prompt, event))
        face_lines_append_summary(above(prompt), event, &prompt->tally,
                                  prompt->has_color);
    prompt->is_typing = false;
    prompt->is_over = true;
    if (prompt->canvas != NULL)
        canvas_clear(prompt->canvas);
    else
        echo_settle(prompt->echo, "");
}

static void handle(struct face *face, const struct event *event)
{
    struct prompt_face *prompt = (struct prompt_face *)face;

    prompt->clock_offset_ms = event->elapsed_ms - clock_now_ms(loop_clock(prompt->loop));
    if (event->text != NULL)
        held_note(&prompt->held, event->text);
    switch (event->type) {
    case EVENT_RUN_STARTED:
        prompt->is_over = false; /* a session may have several, one after the other */
        break;
    case EVENT_OPERATION_STARTED:
    case EVENT_OPERATION_STATE:
        face_forecast_warn(above(prompt), tally_begin(&prompt->tally, event), event);
        break;
    case EVENT_OPERATION_FINISHED:
        on_finished(prompt, event);
        break;
    case EVENT_LOG:
    case EVENT_TASK_FAILED:
        summary_append_note(above(prompt), event);
        break;
    case EVENT_OUTPUT:
        on_output(prompt, event->text);
        break;
    case EVENT_RUN_FINISHED:
        on_run_finished(prompt, event);
        return;
    }
    request(prompt);
}

static void free_face(struct face *face)
{
    struct prompt_face *prompt = (struct prompt_face *)face;

    if (prompt->canvas != NULL)
        canvas_free(prompt->canvas);
    if (prompt->echo != NULL)
        echo_free(prompt->echo);
    tally_deinit(&prompt->tally);
    held_deinit(&prompt->held);
    free_typed(&prompt->typed);
    free(prompt->line);
    free(prompt);
}

struct face *face_new_prompt(struct loop *loop)
{
    struct prompt_face *prompt = memory_new(sizeof *prompt);
    const bool is_same = terminal_is_same(STDOUT_FILENO, STDERR_FILENO);

    prompt->head.face = (struct face){.handle = handle, .free = free_face};
    prompt->head.out.fd = STDOUT_FILENO;
    prompt->loop = loop;
    prompt->started_ms = clock_machine_ms();
    tally_init(&prompt->tally);
    if (is_same && terminal_can_draw(STDERR_FILENO)) {
        prompt->has_color = prompt->picture.has_color = terminal_wants_color();
        prompt->owns_output = true;
        prompt->canvas = canvas_new(loop, STDERR_FILENO, false, paint, prompt);
    } else {
        const int fd = isatty(STDERR_FILENO) ? STDERR_FILENO : STDOUT_FILENO;

        prompt->owns_output = is_same || fd == STDOUT_FILENO;
        prompt->echo = echo_new(loop, fd);
    }
    return &prompt->head.face;
}

/* --- the owner's calls --- */

/* The line that ran is over, and has told what it had to tell. */
static void release_held(struct prompt_face *prompt)
{
    held_release(&prompt->held, above(prompt));
    if (prompt->echo != NULL)
        echo_request(prompt->echo);
}

void face_prompt_show(struct face *face, const struct face_prompt_view *view)
{
    struct prompt_face *prompt = (struct prompt_face *)face;

    if (view != NULL)
        copy_view(&prompt->typed, view);
    if (view != NULL && !prompt->is_typing)
        release_held(prompt);
    if (view == NULL && prompt->is_typing)
        prompt->started_ms = clock_machine_ms();
    prompt->is_typing = view != NULL;
    if (prompt->canvas != NULL)
        canvas_draw(prompt->canvas);
    else if (view != NULL)
        echo_show(prompt->echo, view);
    else
        echo_settle(prompt->echo, "");
}

/* What runs from now on, with blanks for its line ends. */
static void begin_line(struct prompt_face *prompt, const char *text)
{
    free(prompt->line);
    prompt->line = memory_copy_string(text);
    for (char *at = prompt->line; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    }
    memcpy(prompt->outcomes_before, prompt->tally.outcomes,
           sizeof prompt->outcomes_before);
    prompt->began_ms = elapsed_ms(prompt);
    prompt->started_ms = clock_machine_ms();
}

void face_prompt_settle(struct face *face, const struct face_prompt_view *view,
                        bool is_dropped)
{
    struct prompt_face *prompt = (struct prompt_face *)face;
    const char *ending = is_dropped ? "^C" : "";

    prompt->is_typing = false;
    prompt->picture.top = 0;
    if (!is_dropped)
        begin_line(prompt, view->text);
    if (prompt->canvas != NULL) {
        canvas_end_partial(prompt->canvas); /* which stands above it */
        prompt_picture_append_lines(canvas_above(prompt->canvas), view,
                                    prompt->has_color);
        buffer_append_string(canvas_above(prompt->canvas), ending);
        buffer_append_char(canvas_above(prompt->canvas), '\n');
        canvas_draw(prompt->canvas);
    } else {
        echo_show(prompt->echo, view);
        echo_settle(prompt->echo, ending);
    }
}

void face_prompt_clear_screen(struct face *face)
{
    struct prompt_face *prompt = (struct prompt_face *)face;

    if (prompt->canvas != NULL)
        canvas_clear_screen(prompt->canvas);
}

void face_prompt_suspend(struct face *face)
{
    struct prompt_face *prompt = (struct prompt_face *)face;

    if (prompt->canvas != NULL)
        canvas_suspend(prompt->canvas);
    else
        echo_suspend(prompt->echo);
}

void face_prompt_resume(struct face *face)
{
    struct prompt_face *prompt = (struct prompt_face *)face;

    if (prompt->canvas != NULL)
        canvas_resume(prompt->canvas);
    else
        echo_resume(prompt->echo);
}
