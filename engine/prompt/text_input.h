/* engine/prompt/text_input.h - statements from a pipe or a file.
 *
 * A statement ends with the first line after which nothing is open and Lua wants no more. What is
 * wrong inside of a block thus ends with the block: nothing of it runs. */
#ifndef MOONGATE_PROMPT_TEXT_INPUT_H
#define MOONGATE_PROMPT_TEXT_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "base/buffer.h"
#include "prompt/nesting.h"

/* Zero it before use, but for the first two. */
struct text_input {
    int fd;
    lua_State *compiler;    /* see statement_is_whole() */
    struct buffer text;     /* that was read and not taken */
    size_t scanned;         /* of it: lines that are no whole statement yet */
    struct nesting nesting; /* of what was scanned */
    bool is_ended;
    char *trouble; /* why it ended early, or NULL */
};

void text_input_deinit(struct text_input *input);

/* Reads once; waits where nothing is there. At the end `is_ended` is set: what is left is the last
 * statement, whole or not. When reading fails, or a byte is NUL, `trouble` is set, too, and a line
 * that was not read to its end is dropped. */
void text_input_read(struct text_input *input);

/* The next statement, owned by the caller, or NULL: none is whole so far, or there are no more. */
char *text_input_take(struct text_input *input);

#endif
