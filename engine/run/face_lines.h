/* engine/run/face_lines.h - lines that stay, in colour: what the faces on a terminal say alike. */
#ifndef MOONGATE_RUN_FACE_LINES_H
#define MOONGATE_RUN_FACE_LINES_H

#include <stdbool.h>

#include "base/buffer.h"
#include "run/event.h"
#include "run/face_tally.h"

/* Whether the end of an operation is worth a line: it failed, or took longer than a minute. */
bool face_lines_is_told(const struct event *event);

/* Appends how an operation ended, with the time. */
void face_lines_append_finish(struct buffer *text, const struct event *event,
                              bool has_color);

/* Appends the closing lines of EVENT_RUN_FINISHED. */
void face_lines_append_summary(struct buffer *text, const struct event *event,
                               const struct tally *tally, bool has_color);

#endif
