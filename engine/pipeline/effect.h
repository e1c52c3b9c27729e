/* engine/pipeline/effect.h - what a request does to the world, judged by its method and path. */
#ifndef MOONGATE_PIPELINE_EFFECT_H
#define MOONGATE_PIPELINE_EFFECT_H

#include "pipeline/exchange.h"

enum effect {
    EFFECT_NONE,   /* it reads: GET, HEAD, and a few POSTs that only ask */
    EFFECT_REVEAL, /* a POST that changes nothing, and reads keys or secrets */
    EFFECT_WRITE   /* everything else */
};

/* `path` is the URL's in the spelling of path_normalize(), or NULL when it has no one meaning. */
enum effect effect_of(const char *method, const char *path, enum audience audience);

/* The same of an exchange, whose headers may hide its method; `scratch` keeps the path, in which
 * `*path` points, or NULL. */
enum effect effect_of_exchange(const struct exchange *exchange, struct buffer *scratch,
                               const char **path);

/* Some services do what a header says ("Name: value") and not what the method is. */
bool effect_is_method_header(const char *header);
bool effect_hides_method(const struct exchange *exchange);

#endif
