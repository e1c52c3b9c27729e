/* engine/sim/gzip.h - bodies in the content coding "gzip" (RFC 9110, 8.4.1.3). */
#ifndef MOONGATE_SIM_GZIP_H
#define MOONGATE_SIM_GZIP_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

enum gzip_result { GZIP_DONE, GZIP_BROKEN, GZIP_TOO_LARGE };

/* Appends what was packed, unless that is more than `limit` bytes. When it is not done, what
 * was appended means nothing. */
enum gzip_result gzip_unpack(struct buffer *to, const void *bytes, size_t length,
                             size_t limit);

/* Appends it packed, quickly rather than tightly. */
void gzip_pack(struct buffer *to, const void *bytes, size_t length);

/* Whether an Accept-Encoding (NULL: there is none) allows gzip (RFC 9110, 12.5.3). */
bool gzip_is_accepted(const char *accept_encoding);

#endif
