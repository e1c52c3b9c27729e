/* engine/run/choices.h - words in columns, as `ls` shows them: down first. */
#ifndef MOONGATE_RUN_CHOICES_H
#define MOONGATE_RUN_CHOICES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

struct choices {
    const char *const *words; /* borrowed; made fit to be shown */
    size_t count;
    size_t in_all; /* when that is more, it is said */
};

/* Appends rows, each narrower than `columns` and between `before` and `after`. Of what does not
 * fit into `most_rows` the last row says how many they are, dim with `has_color`. Returns how many
 * rows were appended, 0 when there is no word or no room. */
int choices_append(struct buffer *text, const struct choices *choices, int columns,
                   int most_rows, bool has_color, const char *before, const char *after);

#endif
