/* engine/pipeline/mask_parts.h - what the files of a mask share, and nobody else: mask.c (URLs,
 * header fields, text) and mask_json.c (JSON). */
#ifndef MOONGATE_PIPELINE_MASK_PARTS_H
#define MOONGATE_PIPELINE_MASK_PARTS_H

#include "model/kind.h"
#include "pipeline/mask.h"

/* A field of the model that is secret, by its path in the body, lists left out. */
struct mask_secret {
    const struct kind *kind;
    char *path; /* "properties.proxy.password" */
};

struct mask {
    char *origin, *name; /* the alias, or NULL */
    struct mask_secret *secrets;
    size_t secret_count;
};

/* Appends the first `limit` bytes of the text, without what looks like a secret in the whole. */
void mask_append_text(const struct mask *mask, struct buffer *to, const char *text,
                      size_t length, size_t limit);

/* Appends JSON up to `limit` bytes; `kind` is whose body it is, or NULL: any kind's. Returns how
 * many bytes of it were read. It need not be valid, nor whole. */
size_t mask_append_json(const struct mask *mask, struct buffer *to,
                        const struct kind *kind, const char *text, size_t length,
                        size_t limit);

#endif
