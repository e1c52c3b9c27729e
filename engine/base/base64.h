/* engine/base/base64.h - bytes as text (RFC 4648). */
#ifndef MOONGATE_BASE_BASE64_H
#define MOONGATE_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends bytes as base64 with its padding (section 4). */
void base64_append(struct buffer *to, const void *bytes, size_t length);

/* Appends bytes as base64url without padding (section 5), as tokens have it. */
void base64_append_url(struct buffer *to, const void *bytes, size_t length);

/* Appends the bytes that `text` stands for, in either alphabet, its padding there or left
 * out. Returns false, with nothing appended, when it is not base64. */
bool base64_decode(struct buffer *to, const char *text, size_t length);

#endif
