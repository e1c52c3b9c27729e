/* engine/run/canvas.h - the bottom of a terminal, with a picture that is drawn anew in place.
 *
 * Lines that stay scroll up above the picture. A frame is one write, in a synchronized update
 * where the terminal knows those. Frames come at most ten times a second, but for those that the
 * owner wants at once; lines that come in a burst are collected for the next one. */
#ifndef MOONGATE_RUN_CANVAS_H
#define MOONGATE_RUN_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "run/terminal.h"

struct canvas;
struct loop;

/* Rows with "\r\n" between them, none wider than the terminal; one that does not fill its line
 * erases the rest of it (CANVAS_ERASE_REST), one that does must not. No text: no picture. */
struct canvas_picture {
    struct buffer text;
    int cursor_row, cursor_column; /* from 0 */
    bool is_cursor_shown; /* only what has changed is drawn then, else all of it */
};

#define CANVAS_ERASE_REST "\x1b[K"

/* Makes the picture, which is empty, for a terminal of this size. Returns after how many
 * milliseconds of machine time it wants to be asked again if nothing happens; 0: not. */
typedef int64_t canvas_paint(void *context, struct canvas_picture *picture,
                             struct terminal_size size);

/* `loop` and `context` are borrowed for its life; the terminal is at `fd`. With `minds_stop` it
 * takes the picture away before a SIGTSTP stops the program; else its owner does that by
 * canvas_suspend(). */
struct canvas *canvas_new(struct loop *loop, int fd, bool minds_stop, canvas_paint *paint,
                          void *context);

/* Leaves the terminal in order, with all that was to stay. */
void canvas_free(struct canvas *canvas);

/* Where whole lines that stay are appended; canvas_request() has them seen. Borrowed. */
struct buffer *canvas_above(struct canvas *canvas);

/* Takes what a script has printed: whole lines to those above, the rest waits for its end. */
void canvas_print(struct canvas *canvas, const char *text);

/* What waits for its end, for the owner to show in the picture, or NULL. Borrowed. */
const char *canvas_partial(const struct canvas *canvas);

/* It gets its line end. */
void canvas_end_partial(struct canvas *canvas);

/* Whether there is a picture on the screen. */
bool canvas_is_drawn(const struct canvas *canvas);

/* Sees to it that a frame is drawn soon, from the loop, or at once when nobody has come back to
 * the loop for too long. */
void canvas_request(struct canvas *canvas);

/* Draws a frame now. */
void canvas_draw(struct canvas *canvas);

/* Writes what is to stay and takes the picture away until the next request. */
void canvas_clear(struct canvas *canvas);

/* The screen is empty but for the picture, which is drawn at its top. */
void canvas_clear_screen(struct canvas *canvas);

/* As canvas_clear(), but nothing is written until canvas_resume(), which draws. */
void canvas_suspend(struct canvas *canvas);
void canvas_resume(struct canvas *canvas);

#endif
