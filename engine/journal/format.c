/* engine/journal/format.c - the lines of a journal. */
#include "journal/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "base/clock.h"
#include "base/text.h"

size_t journal_begin_line(struct buffer *text, uint64_t number, int64_t wall_ms,
                          const char *what)
{
    const size_t begin = text->length;
    char at[CLOCK_TEXT_SIZE];

    clock_format_utc(wall_ms, at);
    buffer_printf(text, "{\"v\":%d,\"n\":%" PRIu64 ",\"at\":\"%s\",\"do\":\"%s\"",
                  JOURNAL_VERSION, number, at, what);
    return begin;
}

void journal_add_text(struct buffer *text, const char *name, const char *value)
{
    if (value == NULL || !text_is_utf8(value, strlen(value)))
        return;
    buffer_printf(text, ",\"%s\":", name);
    buffer_append_json_string(text, value, strlen(value));
}

void journal_add_number(struct buffer *text, const char *name, int64_t value)
{
    buffer_printf(text, ",\"%s\":%" PRId64, name, value);
}

void journal_format_crc(const char *bytes, size_t length, char crc[JOURNAL_CRC_SIZE])
{
    snprintf(crc, JOURNAL_CRC_SIZE, "%08lx",
             crc32_z(crc32_z(0, NULL, 0), (const unsigned char *)bytes, length));
}

void journal_end_line(struct buffer *text, size_t begin)
{
    char crc[JOURNAL_CRC_SIZE];

    journal_format_crc(text->data + begin, text->length - begin, crc);
    buffer_printf(text, ",\"crc\":\"%s\"}\n", crc);
}
