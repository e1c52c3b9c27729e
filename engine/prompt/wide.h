/* engine/prompt/wide.h - UTF-8 and wide characters, whatever the locale.
 *
 * A wchar_t is a code point here, as it is on Linux, macOS and the BSDs. */
#ifndef MOONGATE_PROMPT_WIDE_H
#define MOONGATE_PROMPT_WIDE_H

#include <stddef.h>
#include <wchar.h>

#include "base/buffer.h"

/* Wide characters that grow at the end. A zeroed struct is empty; `text` is NULL or ended by a
 * zero that does not count. */
struct wide {
    wchar_t *text;
    size_t length, capacity;
};

void wide_append(struct wide *wide, const wchar_t *text, size_t length);
void wide_append_char(struct wide *wide, wchar_t c);

/* Appends text of UTF-8; what is not UTF-8 becomes U+FFFD. */
void wide_append_utf8(struct wide *wide, const char *text, size_t length);

/* Empties it and keeps the memory. */
void wide_clear(struct wide *wide);

/* Gives the memory back; it is empty again. */
void wide_deinit(struct wide *wide);

/* Takes one character from the bytes and returns how many it took: 0 when its end is still
 * missing. U+FFFD for each longest piece that is not UTF-8 (RFC 3629). */
size_t wide_decode(const char *bytes, size_t length, wchar_t *c);

/* How many bytes of UTF-8 it takes. */
size_t wide_utf8_length(wchar_t c);

/* Appends the characters as UTF-8. */
void wide_encode(struct buffer *buffer, const wchar_t *text, size_t length);

#endif
