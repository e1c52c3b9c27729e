/* engine/prompt/wide.c */
#include "prompt/wide.h"

#include <stdlib.h>

#include "base/memory.h"

enum { REPLACEMENT = 0xfffd };

static void reserve(struct wide *wide, size_t more)
{
    if (wide->length + more < wide->capacity)
        return;
    while (wide->length + more >= wide->capacity)
        wide->capacity = wide->capacity == 0 ? 64 : 2 * wide->capacity;
    wide->text = memory_resize(wide->text, wide->capacity * sizeof(wchar_t));
}

void wide_append(struct wide *wide, const wchar_t *text, size_t length)
{
    reserve(wide, length);
    if (length > 0)
        wmemcpy(wide->text + wide->length, text, length);
    wide->length += length;
    wide->text[wide->length] = L'\0';
}

void wide_append_char(struct wide *wide, wchar_t c)
{
    wide_append(wide, &c, 1);
}

void wide_append_utf8(struct wide *wide, const char *text, size_t length)
{
    reserve(wide, length); /* a byte is a character at most */
    for (size_t at = 0; at < length;) {
        wchar_t c = REPLACEMENT;
        const size_t taken = wide_decode(text + at, length - at, &c);

        wide->text[wide->length++] = taken == 0 ? REPLACEMENT : c;
        at += taken == 0 ? length - at : taken;
    }
    wide->text[wide->length] = L'\0';
}

void wide_clear(struct wide *wide)
{
    wide->length = 0;
    if (wide->text != NULL)
        wide->text[0] = L'\0';
}

void wide_deinit(struct wide *wide)
{
    free(wide->text);
    *wide = (struct wide){0};
}

/* The bounds of the second byte keep out what is too long, surrogates and what lies behind
 * U+10FFFF (RFC 3629, 4). */
struct lead {
    unsigned char first, last, low, high;
    unsigned char more; /* bytes that follow */
};

static const struct lead leads[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2}, {0xe1, 0xec, 0x80, 0xbf, 2},
    {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2}, {0xf0, 0xf0, 0x90, 0xbf, 3},
    {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3}};

static const struct lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

size_t wide_decode(const char *bytes, size_t length, wchar_t *c)
{
    const unsigned char *byte = (const unsigned char *)bytes;

    if (length == 0)
        return 0;
    if (byte[0] < 0x80) {
        *c = (wchar_t)byte[0];
        return 1;
    }

    const struct lead *lead = find_lead(byte[0]);

    *c = REPLACEMENT;
    if (lead == NULL)
        return 1;

    unsigned code = byte[0] & (0x3fU >> lead->more);

    for (size_t i = 1; i <= lead->more; i++) {
        if (i == length)
            return 0;
        if (byte[i] < (i == 1 ? lead->low : 0x80) ||
            byte[i] > (i == 1 ? lead->high : 0xbf))
            return i;
        code = code << 6 | (byte[i] & 0x3fU);
    }
    *c = (wchar_t)code;
    return lead->more + 1U;
}

size_t wide_utf8_length(wchar_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* Writes the character as UTF-8; returns how many bytes that took. */
static size_t encode(wchar_t c, char *to)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const size_t bytes = wide_utf8_length(c);
    unsigned code = (unsigned)c;

    for (size_t at = bytes; at-- > 1; code >>= 6)
        to[at] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)(marks[bytes] | code);
    return bytes;
}

void wide_encode(struct buffer *buffer, const wchar_t *text, size_t length)
{
    enum { LONGEST = 4 };

    buffer_reserve(buffer, length * LONGEST);
    for (size_t i = 0; i < length; i++)
        buffer->length += encode(text[i], buffer->data + buffer->length);
    buffer->data[buffer->length] = '\0';
}
