/* engine/prompt/undo.h - what a text was before, step by step.
 *
 * Characters that were typed one after the other, up to a blank, are one step. */
#ifndef MOONGATE_PROMPT_UNDO_H
#define MOONGATE_PROMPT_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "prompt/wide.h"

struct undo_step;

/* A zeroed struct knows the empty text only. */
struct undo {
    struct undo_step *last;
    size_t count, size; /* of the steps, in all and in characters */
    struct wide now;
    size_t cursor;
    bool is_typing; /* the last change was a character typed that may be joined by more */
};

/* The text is this now; called after each key. */
void undo_note(struct undo *undo, const wchar_t *text, size_t length, size_t cursor);

/* Goes back one step: `now` and `cursor` are what the text was. False when there is none. */
bool undo_back(struct undo *undo);

/* Forgets all: the text is empty. Gives the memory back. */
void undo_deinit(struct undo *undo);

#endif
