/* engine/pipeline/mask.h - what went over the wire, fit to be looked at: without its secrets.
 *
 * A secret is what the model marks so, what its name or its look gives away, and what nobody
 * could tell from one: when in doubt it is hidden. Whatever is cut is cut after masking. */
#ifndef MOONGATE_PIPELINE_MASK_H
#define MOONGATE_PIPELINE_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

struct mask;

/* What stands in the place of a secret. */
extern const char mask_hidden[];

struct mask *mask_new(void);

/* Accepts NULL. */
void mask_free(struct mask *mask);

/* `origin` is told as `name` in all that is appended: "http://sim" for a port that is another
 * each time. Both are copied. */
void mask_set_alias(struct mask *mask, const char *origin, const char *name);

/* Appends a URL. Of its query only parameters stay whole that are known to be harmless;
 * without `with_query` there is none of it. */
void mask_append_url(const struct mask *mask, struct buffer *to, const char *url,
                     bool with_query);

/* Appends "name: value" of a header; the name has `name_length` bytes. */
void mask_append_field(const struct mask *mask, struct buffer *to, const char *name,
                       size_t name_length, const char *value);

/* Appends a body that was sent to `url`, or came from there. JSON is indented; what is no text
 * is only counted. At most `limit` bytes and a word about the rest. */
void mask_append_body(const struct mask *mask, struct buffer *to, const char *url,
                      const char *body, size_t length, size_t limit);

#endif
