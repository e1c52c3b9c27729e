/* engine/base/base64.c - bytes as text. */
#include "base/base64.h"

#include <string.h>

static const char plain_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void append(struct buffer *to, const unsigned char *bytes, size_t length,
                   const char *digits, bool is_padded)
{
    buffer_reserve(to, (length + 2) / 3 * 4);
    for (size_t at = 0; at < length; at += 3) {
        const size_t count = length - at < 3 ? length - at : 3;
        const unsigned group = (unsigned)bytes[at] << 16 |
                               (count > 1 ? (unsigned)bytes[at + 1] << 8 : 0) |
                               (count > 2 ? (unsigned)bytes[at + 2] : 0);

        for (size_t i = 0; i < 4; i++) {
            if (i <= count)
                buffer_append_char(to, digits[group >> (18 - 6 * i) & 63]);
            else if (is_padded)
                buffer_append_char(to, '=');
        }
    }
}

void base64_append(struct buffer *to, const void *bytes, size_t length)
{
    append(to, bytes, length, plain_digits, true);
}

void base64_append_url(struct buffer *to, const void *bytes, size_t length)
{
    append(to, bytes, length, url_digits, false);
}

/* Of a digit in either alphabet, or -1. */
static int digit_value(char c)
{
    const char *digit;

    if (c == '\0')
        return -1;
    digit = strchr(plain_digits, c);
    if (digit != NULL)
        return (int)(digit - plain_digits);
    digit = strchr(url_digits, c);
    return digit != NULL ? (int)(digit - url_digits) : -1;
}

bool base64_decode(struct buffer *to, const char *text, size_t length)
{
    const size_t start = to->length;
    size_t digits = length;
    unsigned group = 0;

    while (digits > 0 && length - digits < 2 && text[digits - 1] == '=')
        digits--;
    if (digits % 4 == 1 || (digits < length && length % 4 != 0))
        return false;
    buffer_reserve(to, digits / 4 * 3 + 3);
    for (size_t i = 0; i < digits; i++) {
        const int value = digit_value(text[i]);

        if (value < 0) {
            to->length = start;
            to->data[start] = '\0';
            return false;
        }
        group = group << 6 | (unsigned)value;
        if (i % 4 != 0)
            buffer_append_char(to, (char)(group >> (6 - i % 4 * 2) & 0xff));
    }
    return true;
}
