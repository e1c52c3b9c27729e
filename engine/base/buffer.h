/* engine/base/buffer.h - bytes that grow at the end.
 *
 * A zeroed struct is an empty buffer. `data` is NULL or terminated by a NUL that does not
 * count, so text in it can be read as a C string. */
#ifndef MOONGATE_BASE_BUFFER_H
#define MOONGATE_BASE_BUFFER_H

#include <stddef.h>

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
};

/* Makes room for `more` bytes, so that appending them moves nothing. */
void buffer_reserve(struct buffer *buffer, size_t more);

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_string(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends text percent-encoded for a URL (RFC 3986): all but letters, digits and -._~ */
void buffer_append_escaped(struct buffer *buffer, const char *text);

/* The same for a path, whose slashes stay as they are. */
void buffer_append_escaped_path(struct buffer *buffer, const char *path);

/* Appends text as a JSON string with its quotes. */
void buffer_append_json_string(struct buffer *buffer, const char *text, size_t length);

/* Empties it and keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* Gives the memory back; it is an empty buffer again. */
void buffer_deinit(struct buffer *buffer);

/* Hands the text (never NULL) to the caller, who frees it; the buffer is empty again. */
char *buffer_take(struct buffer *buffer);

#endif
