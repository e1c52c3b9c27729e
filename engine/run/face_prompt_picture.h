/* engine/run/face_prompt_picture.h - how what is typed lies on a terminal.
 *
 * It knows text, widths and room, not when and where to draw. */
#ifndef MOONGATE_RUN_FACE_PROMPT_PICTURE_H
#define MOONGATE_RUN_FACE_PROMPT_PICTURE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "run/canvas.h"
#include "run/face_prompt.h"

struct prompt_picture {
    const struct face_prompt_view *view;
    const char *partial; /* what a script printed after its last line end, or NULL */
    bool has_color;
    int top; /* the first row shown of a text that is too tall: kept from call to call */
};

/* Appends the rows to an empty picture, at most as many as the terminal has; the cursor is
 * among them. */
void prompt_picture_append(struct canvas_picture *drawing, struct prompt_picture *picture,
                           struct terminal_size size);

/* Appends the row of what a script printed after its last line end, or nothing when that is NULL;
 * the cursor is below it. */
void prompt_picture_append_partial(struct canvas_picture *drawing, const char *partial,
                                   bool has_color, struct terminal_size size);

/* Appends what is typed as lines that are not wrapped, with "\r\n" between them and without one
 * at the end; no hint, no choices. */
void prompt_picture_append_lines(struct buffer *text, const struct face_prompt_view *view,
                                 bool has_color);

#endif
