/* engine/base/buffer.c - bytes that grow at the end. */
#include "base/buffer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { FIRST_CAPACITY = 64 };

void buffer_reserve(struct buffer *buffer, size_t more)
{
    const size_t needed = buffer->length + more + 1;

    if (needed <= buffer->capacity)
        return;

    size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;

    while (capacity < needed)
        capacity += capacity / 2 + 1;
    buffer->data = memory_resize(buffer->data, capacity);
    buffer->data[buffer->length] = '\0'; /* nothing may follow */
    buffer->capacity = capacity;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    buffer_reserve(buffer, length);
    if (length > 0)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_append_string(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;

    buffer_reserve(buffer, FIRST_CAPACITY); /* mostly that is enough */

    const size_t room = buffer->capacity - buffer->length;

    va_start(arguments, format);
    const int length = vsnprintf(buffer->data + buffer->length, room, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buffer->data[buffer->length] = '\0';
        return;
    }
    if ((size_t)length >= room) {
        buffer_reserve(buffer, (size_t)length);
        va_start(arguments, format);
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    buffer->length += (size_t)length;
}

/* Escapes all but the unreserved characters (RFC 3986, 2.3) and those in `more`. */
static void append_escaped(struct buffer *buffer, const char *text, const char *more)
{
    const char *plain = text;

    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;

        if ((c < 0x80 && isalnum(c)) || strchr("-._~", c) != NULL ||
            strchr(more, c) != NULL)
            continue;
        buffer_append(buffer, plain, (size_t)(text - plain));
        buffer_printf(buffer, "%%%02X", c);
        plain = text + 1;
    }
    buffer_append(buffer, plain, (size_t)(text - plain));
}

void buffer_append_escaped(struct buffer *buffer, const char *text)
{
    append_escaped(buffer, text, "");
}

void buffer_append_escaped_path(struct buffer *buffer, const char *path)
{
    append_escaped(buffer, path, "/");
}

void buffer_append_json_string(struct buffer *buffer, const char *text, size_t length)
{
    buffer_append_char(buffer, '"');
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            buffer_printf(buffer, "\\%c", c);
        else if (c == '\n')
            buffer_append_string(buffer, "\\n");
        else if (c == '\t')
            buffer_append_string(buffer, "\\t");
        else if (c < 0x20 || c == 0x7f)
            buffer_printf(buffer, "\\u%04x", c);
        else
            buffer_append_char(buffer, (char)c);
    }
    buffer_append_char(buffer, '"');
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

char *buffer_take(struct buffer *buffer)
{
    char *text = buffer->data != NULL ? buffer->data : memory_copy_string("");

    *buffer = (struct buffer){0};
    return text;
}
