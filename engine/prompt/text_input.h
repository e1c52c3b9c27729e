/* engine/prompt/text_input.h - statements from a pipe or a file. */
#ifndef MOONGATE_PROMPT_TEXT_INPUT_H
#define MOONGATE_PROMPT_TEXT_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "base/buffer.h"

/* Zero it before use, but for the first two. */
struct text_input {
    int fd;
    lua_State *compiler; /* see statement_is_whole() */
    struct buffer text;  /* that was read and not taken */
    size_t scanned;      /* of it: lines that are no whole statement yet */
    bool is_ended;
};

void text_input_deinit(struct text_input *input);

/* Reads once; waits where nothing is there. At the end, or when reading fails, `is_ended` is set:
 * what is left is the last statement, whole or not. */
void text_input_read(struct text_input *input);

/* The next statement, owned by the caller, or NULL: none is whole so far, or there are no more. */
char *text_input_take(struct text_input *input);

#endif
