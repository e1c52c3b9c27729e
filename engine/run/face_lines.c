/* engine/run/face_lines.c - lines that stay, in colour: what the faces on a terminal say alike. */
#include "run/face_lines.h"

#include <string.h>

#include "run/face_picture.h"
#include "run/summary.h"

enum { LONG_MS = 60000 }; /* on the run's clock */

bool face_lines_is_told(const struct event *event)
{
    return event->outcome == OUTCOME_FAILED ||
           (event->outcome != OUTCOME_NOT_BEGUN && event->age_ms > LONG_MS);
}

void face_lines_append_finish(struct buffer *text, const struct event *event,
                              bool has_color)
{
    struct buffer line = {0};

    summary_append_time(text, event->wall_ms);
    summary_append_finish(&line, event);
    picture_paint(text, has_color,
                  event->outcome == OUTCOME_FAILED ? STYLE_RED : STYLE_NONE, line.data);
    buffer_append_char(text, '\n');
    buffer_deinit(&line);
}

void face_lines_append_summary(struct buffer *text, const struct event *event,
                               const struct tally *tally, bool has_color)
{
    static const enum style styles[] = {[RUN_SUCCEEDED] = STYLE_GREEN,
                                        [RUN_FAILED] = STYLE_RED,
                                        [RUN_INTERRUPTED] = STYLE_MAGENTA};
    const char *status = run_status_names[event->summary->status];
    struct buffer summary = {0};

    summary_append(&summary, event, tally);
    picture_paint(text, has_color, styles[event->summary->status], status);
    buffer_append_string(text, summary.data + strlen(status));
    buffer_deinit(&summary);
}
