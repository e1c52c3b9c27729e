/* engine/run/face_stream.h - a file descriptor that is written to until it refuses.
 *
 * Written past stdio, so that a line is out when the call returns and an error is known
 * where it happened. */
#ifndef MOONGATE_RUN_FACE_STREAM_H
#define MOONGATE_RUN_FACE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "run/event.h"

struct face_stream {
    int fd;
    int error; /* errno of the write that ended it, or 0 */
};

/* What each face begins with. */
struct face_head {
    struct face face;
    struct face_stream out; /* stdout */
};

/* Writes all of it, waiting for a reader that is slow. Returns false when this write
 * ended the stream; later ones do nothing and return true, so that it is said once. */
bool face_stream_write(struct face_stream *stream, const char *bytes, size_t length);

/* Appends one line about stdout, given that it has ended. */
void face_stream_append_complaint(struct buffer *text, const struct face_stream *out);

#endif
