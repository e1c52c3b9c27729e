/* engine/run/face_held.h - failures that are kept back for a while.
 *
 * The line that runs or the task that fails mostly tells them itself; what it has not told by its
 * end is said then. A zeroed struct holds nothing. */
#ifndef MOONGATE_RUN_FACE_HELD_H
#define MOONGATE_RUN_FACE_HELD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "run/event.h"

enum { HELD_MOST = 10 }; /* more are only counted */

struct held {
    struct held_failure {
        char *code, *message, *name; /* the first two may be NULL */
        char *line;                  /* what would be said, with its line end */
    } failures[HELD_MOST];
    size_t count, untold;
};

/* Keeps the failure that an operation has ended with. */
void held_add(struct held *held, const struct event *event, bool has_color);

bool held_is_empty(const struct held *held);

/* Something was said. A failure whose name is in it with its code or its message is told, and so is
 * the first of those whose message is; a message may be cut and broken into lines there. */
void held_note(struct held *held, const char *text);

/* Appends what was not told, and holds nothing any more. */
void held_release(struct held *held, struct buffer *text);

void held_deinit(struct held *held);

#endif
