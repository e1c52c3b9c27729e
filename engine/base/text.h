/* engine/base/text.h - questions about text. */
#ifndef MOONGATE_BASE_TEXT_H
#define MOONGATE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* ASCII letters compare without regard to case, whatever the locale: ARM ids and HTTP
 * header names are compared so. */
bool text_equal_nocase(const char *a, const char *b);
bool text_has_prefix_nocase(const char *text, const char *prefix);

/* Lowers ASCII letters in place. Returns text. */
char *text_lower(char *text);

/* Of the `count` names the one that a typist most likely meant by `word`, or NULL when none
 * is near (more than a third of the letters differ). Borrowed from `names`. */
const char *text_nearest(const char *word, const char *const *names, size_t count);

/* Whether `text` is valid UTF-8 (RFC 3629). */
bool text_is_utf8(const char *text, size_t length);

/* Whether the POSIX extended expression matches somewhere in the text. Expressions are
 * compiled at their first use and kept; they must be string constants. */
bool text_matches(const char *text, const char *expression);

/* A short key that stands for a text, letters without regard to case: 64 bits of hash as
 * hexadecimal digits. For maps that hold thousands of ids and can bear that, once in 2^64, two
 * of them share a key. */
enum { TEXT_KEY_SIZE = 17 };
void text_format_key(const char *text, char key[TEXT_KEY_SIZE]);

/* Undoes percent-encoding in place (RFC 3986). Returns the new length. */
size_t text_unescape(char *text);

#endif
