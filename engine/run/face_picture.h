/* engine/run/face_picture.h - the lines of the live face's picture.
 *
 * The run's line, then one line for each thing that waits: by kind, the oldest first, as
 * many as the terminal has room for. It knows text and widths, not when and where to
 * draw. */
#ifndef MOONGATE_RUN_FACE_PICTURE_H
#define MOONGATE_RUN_FACE_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "run/face_tally.h"
#include "run/terminal.h"

#define PICTURE_COLORS_OFF "\x1b[0m"

enum style {
    STYLE_NONE,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_RED,
    STYLE_GREEN,
    STYLE_MAGENTA,
    STYLE_CYAN
};

struct picture {
    struct tally *tally; /* its groups get sorted */
    const char *title;   /* of the first line; or NULL */
    const char *partial; /* what the script printed after its last line end, or NULL */
    const unsigned *outcomes; /* to be told, by enum event_outcome */
    int64_t elapsed_ms;
    int64_t began_ms; /* what the first line is about, on the same clock */
    unsigned turn;    /* of the spinner */
    bool has_color;
};

/* Appends the picture, each line erasing the rest of the one it is drawn over and ending
 * in
 * "\r\n". It leaves a row and a column of the terminal free and has at least one line.
 * Returns how many. The terminal has two rows or more. */
int picture_append(struct buffer *text, const struct picture *picture,
                   struct terminal_size size);

/* Appends words in a style, or as they are when there is no colour. */
void picture_paint(struct buffer *text, bool has_color, enum style style,
                   const char *words);

#endif
