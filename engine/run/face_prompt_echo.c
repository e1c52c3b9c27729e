/* engine/run/face_prompt_echo.c - what is typed, on a terminal that cannot draw. */
#include "run/face_prompt_echo.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "run/choices.h"
#include "run/face_prompt_picture.h"
#include "run/face_stream.h"
#include "run/terminal.h"
#include "run/wakeup.h"

enum { PAUSE_MS = 100 }; /* between what is said and the prompt below it */

#define LINE_END "\r\n"

struct echo {
    struct face_stream stream;
    struct wakeup *timer;
    struct buffer said;    /* not written yet */
    struct buffer wanted;  /* prompt and text, or empty when nothing is typed */
    struct buffer shown;   /* what of it stands on the line the cursor is in, or empty */
    struct buffer choices; /* the rows that were shown last */
    struct buffer out;
    bool is_line_open; /* the cursor is not at the start of a line */
    bool is_suspended;
};

static void write_out(struct echo *echo)
{
    if (echo->out.length == 0)
        return;
    echo->is_line_open = echo->out.data[echo->out.length - 1] != '\n';
    face_stream_write(&echo->stream, echo->out.data, echo->out.length);
    buffer_clear(&echo->out);
}

/* Goes to the start of a line. */
static void end_line(struct echo *echo)
{
    if (echo->is_line_open)
        buffer_append_string(&echo->out, LINE_END);
    echo->is_line_open = false;
    buffer_clear(&echo->shown);
}

static const char *text_of(const struct buffer *buffer)
{
    return buffer->data != NULL ? buffer->data : "";
}

/* Takes back what the line has more than what is wanted, if that can be done by stepping back. */
static bool take_back(struct echo *echo)
{
    const char *rest = text_of(&echo->shown) + echo->wanted.length;
    const char *line = strrchr(text_of(&echo->shown), '\n');
    const int width = terminal_width(line != NULL ? line + 1 : text_of(&echo->shown));

    const int surplus = terminal_width(rest);

    if (surplus == 0 || strchr(rest, '\r') != NULL ||
        width >= terminal_read_size(echo->stream.fd).columns)
        return false; /* a mark on a character that stays, or it spans lines */
    for (int i = 0; i < surplus; i++)
        buffer_append_string(&echo->out, "\b \b");
    return true;
}

static void write_wanted(struct echo *echo)
{
    const struct buffer *wanted = &echo->wanted, *shown = &echo->shown;
    const size_t common = wanted->length < shown->length ? wanted->length : shown->length;
    const bool is_same = memcmp(text_of(wanted), text_of(shown), common) == 0;

    if (is_same && wanted->length >= shown->length && shown->length > 0) {
        buffer_append_string(&echo->out, text_of(wanted) + common);
    } else if (!is_same || shown->length == 0 || !take_back(echo)) {
        end_line(echo);
        buffer_append_string(&echo->out, text_of(wanted));
    }
    write_out(echo);
    buffer_clear(&echo->shown);
    buffer_append_string(&echo->shown, text_of(wanted));
}

static void on_timer(void *context)
{
    struct echo *echo = context;

    if (!echo->is_suspended && echo->wanted.length > 0)
        write_wanted(echo);
}

/* Writes choices that are not the ones shown last. */
static void show_choices(struct echo *echo, const struct face_prompt_view *view)
{
    const struct choices choices = {view->choices, view->choice_count,
                                    view->choices_in_all};
    const struct terminal_size size = terminal_read_size(echo->stream.fd);
    struct buffer rows = {0};

    choices_append(&rows, &choices, size.columns, size.rows - 1, false, "", LINE_END);
    if (rows.length > 0 && strcmp(rows.data, text_of(&echo->choices)) != 0) {
        end_line(echo);
        buffer_append(&echo->out, rows.data, rows.length);
        write_out(echo);
    }
    buffer_deinit(&echo->choices);
    echo->choices = rows;
}

struct echo *echo_new(struct loop *loop, int fd)
{
    struct echo *echo = memory_new(sizeof *echo);

    echo->stream.fd = fd;
    echo->timer = wakeup_new_timer(loop, on_timer, echo);
    return echo;
}

void echo_free(struct echo *echo)
{
    echo->is_suspended = false;
    echo_settle(echo, "");
    wakeup_free(echo->timer);
    buffer_deinit(&echo->said);
    buffer_deinit(&echo->wanted);
    buffer_deinit(&echo->shown);
    buffer_deinit(&echo->choices);
    buffer_deinit(&echo->out);
    free(echo);
}

struct buffer *echo_said(struct echo *echo)
{
    return &echo->said;
}

void echo_request(struct echo *echo)
{
    if (echo->is_suspended || echo->said.length == 0)
        return;
    if (echo->shown.length > 0)
        end_line(echo);
    buffer_append(&echo->out, echo->said.data, echo->said.length);
    buffer_clear(&echo->said);
    write_out(echo);
    if (echo->wanted.length > 0)
        wakeup_start(echo->timer, PAUSE_MS);
}

void echo_show(struct echo *echo, const struct face_prompt_view *view)
{
    buffer_clear(&echo->wanted);
    prompt_picture_append_lines(&echo->wanted, view, false);
    if (echo->is_suspended)
        return;
    wakeup_stop(echo->timer);
    show_choices(echo, view);
    write_wanted(echo);
}

void echo_settle(struct echo *echo, const char *ending)
{
    buffer_append_string(&echo->out, ending);
    if (*ending != '\0')
        echo->is_line_open = true;
    end_line(echo);
    write_out(echo);
    wakeup_stop(echo->timer);
    buffer_clear(&echo->wanted);
    buffer_clear(&echo->choices);
    echo_request(echo);
}

void echo_suspend(struct echo *echo)
{
    end_line(echo);
    write_out(echo);
    echo->is_suspended = true;
}

void echo_resume(struct echo *echo)
{
    echo->is_suspended = false;
    echo_request(echo);
    if (echo->wanted.length > 0)
        write_wanted(echo);
}
