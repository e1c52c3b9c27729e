/* engine/model/inclusion.h - whether permissions allow at least what others allow, for every
 * action that could be, not only for those that are known today. */
#ifndef MOONGATE_MODEL_INCLUSION_H
#define MOONGATE_MODEL_INCLUSION_H

#include <stddef.h>

#include "model/action.h"

enum inclusion {
    INCLUSION_WHOLE,
    INCLUSION_LACKS,    /* something is missing */
    INCLUSION_UNDECIDED /* the patterns are too many or too entangled to tell */
};

/* Whether each text that `pattern` fits and none of `exceptions` does (ended by NULL, or
 * NULL) is in one of the `count` sets. When something is missing, `*example` is a text that
 * shows it, owned by the caller; else it is NULL. */
enum inclusion inclusion_decide(const char *pattern, const char *const *exceptions,
                                const struct action_set *have, size_t count,
                                char **example);

#endif
