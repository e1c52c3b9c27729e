/* engine/prompt/external_edit.h - a text in the hands of the editor that somebody likes.
 *
 * It is a file that nobody else may read, in a folder of its own, and is removed with all that the
 * editor has left beside it. */
#ifndef MOONGATE_PROMPT_EXTERNAL_EDIT_H
#define MOONGATE_PROMPT_EXTERNAL_EDIT_H

#include <stddef.h>

#include "base/waitable.h"

struct external_edit;
struct failure;
struct loop;
struct prompt;

/* Starts $VISUAL, $EDITOR or else vi, as the shell understands them, with a file that holds the
 * text and whose name ends in `suffix` (".lua"). The editor has the terminal until it is over. NULL
 * when it cannot begin, with the reason in `*failure` (owned by the caller). */
struct external_edit *external_edit_start(struct loop *loop, struct prompt *prompt,
                                          const char *text, size_t length,
                                          const char *suffix, struct failure **failure);

/* Done when the editor has ended. Borrowed. */
struct waitable *external_edit_waitable(struct external_edit *edit);

/* How it ended: NULL when all is well, else "vi ended with status 1". Borrowed. */
const char *external_edit_trouble(const struct external_edit *edit);

/* What the file holds by then, owned by the caller, its length in `*length`; NULL when it cannot
 * be read, with the reason in `*failure`. */
char *external_edit_read(const struct external_edit *edit, size_t *length,
                         struct failure **failure);

/* Kills the editor if it still runs, and removes the file. Accepts NULL. */
void external_edit_free(struct external_edit *edit);

#endif
