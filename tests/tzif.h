/* tests/tzif.h - writes files of time zones, TZif as RFC 9636 has it, right ones and wrong. */
#ifndef MOONGATE_TESTS_TZIF_H
#define MOONGATE_TESTS_TZIF_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "suite.h"

struct shift {
    int64_t at_s;
    int kind;
};

/* What a file says; each of it may be wrong. */
struct content {
    char version;
    struct shift shifts[4];
    size_t shift_count;
    struct {
        int32_t offset_s;
        int is_dst, abbreviation;
    } kinds[3];
    size_t kind_count;
    const char *text; /* of abbreviations, each but the last with its end */
    size_t text_length, leap_count, standard_count, universal_count;
    const char *footer;
};

static inline void append_number(struct buffer *file, int64_t number, int size)
{
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
        buffer_append_char(file, (char)((uint64_t)number >> shift & 0xff));
}

static inline void append_zeros(struct buffer *file, size_t count)
{
    while (count-- > 0)
        buffer_append_char(file, '\0');
}

static inline void append_part(struct buffer *file, const struct content *content,
                               int time_size)
{
    const size_t counts[] = {content->universal_count, content->standard_count,
                             content->leap_count,      content->shift_count,
                             content->kind_count,      content->text_length};

    buffer_append(file, "TZif", 4);
    buffer_append_char(file, content->version);
    append_zeros(file, 15);
    for (int i = 0; i < COUNT_OF(counts); i++)
        append_number(file, (int64_t)counts[i], 4);
    for (size_t i = 0; i < content->shift_count; i++)
        append_number(file, content->shifts[i].at_s, time_size);
    for (size_t i = 0; i < content->shift_count; i++)
        append_number(file, content->shifts[i].kind, 1);
    for (size_t i = 0; i < content->kind_count; i++) {
        append_number(file, content->kinds[i].offset_s, 4);
        append_number(file, content->kinds[i].is_dst, 1);
        append_number(file, content->kinds[i].abbreviation, 1);
    }
    buffer_append(file, content->text, content->text_length);
    append_zeros(file, content->leap_count * ((size_t)time_size + 4) +
                           content->standard_count + content->universal_count);
}

static inline void append_content(struct buffer *file, const struct content *content)
{
    append_part(file, content, 4);
    if (content->version == '\0')
        return;
    append_part(file, content, 8);
    buffer_printf(file, "\n%s\n", content->footer);
}

#endif
