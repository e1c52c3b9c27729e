/* engine/run/face_stream.c - a file descriptor that is written to until it refuses. */
#include "run/face_stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "run/face.h"

bool face_stream_write(struct face_stream *stream, const char *bytes, size_t length)
{
    while (stream->error == 0 && length > 0) {
        const ssize_t written = write(stream->fd, bytes, length);

        if (written >= 0) {
            bytes += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            /* whoever shares the descriptor has made it non-blocking */
            poll(&(struct pollfd){.fd = stream->fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            stream->error = errno;
            return false;
        }
    }
    return true;
}

void face_stream_append_complaint(struct buffer *text, const struct face_stream *out)
{
    if (out->error == EPIPE)
        buffer_append_string(text,
                             "moongate: standard output is closed; the run goes on\n");
    else
        buffer_printf(
            text,
            "moongate: cannot write to standard output: %s; the run goes on, what "
            "it prints is lost\n",
            strerror(out->error));
}

bool face_output_failed(const struct face *face)
{
    const struct face_head *head = (const struct face_head *)face;

    return head->out.error != 0 && head->out.error != EPIPE;
}
