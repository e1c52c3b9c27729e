/* engine/pipeline/path.h - the path of a request in one spelling.
 *
 * Guards compare paths with what people wrote, so two that the service takes for the same
 * must look the same here, and one that services might read in different ways must not pass
 * at all. */
#ifndef MOONGATE_PIPELINE_PATH_H
#define MOONGATE_PIPELINE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Replaces `to` by `path` (up to its query) without percent-encoding, in lower case, without
 * empty and dot segments and without a slash at the end; the root is "". False when that may
 * mean different things to different readers: an encoded slash, percent or question mark, a
 * control character, bytes that are no UTF-8, "..", where it would leave the root or stands
 * beside an empty segment, a segment that begins or ends with a space or ends with a dot. */
bool path_normalize(struct buffer *to, const char *path);

/* Whether a path is `scope` or below it, both in that spelling. */
bool path_is_within(const char *path, const char *scope);

/* The namespace of the last provider that a path names, its length in `*length`; or NULL.
 * Borrowed from `path`. */
const char *path_provider(const char *path, size_t *length);

#endif
