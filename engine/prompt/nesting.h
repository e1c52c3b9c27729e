/* engine/prompt/nesting.h - how deep code is in blocks and brackets, line by line.
 *
 * It tells cheaply that a statement goes on. Whether it is whole where nothing is open only Lua
 * itself can tell: see statement.h. */
#ifndef MOONGATE_PROMPT_NESTING_H
#define MOONGATE_PROMPT_NESTING_H

#include <stdbool.h>
#include <stddef.h>

/* Zero it before the first line. */
struct nesting {
    int depth;    /* of blocks and brackets; below 0 when more were closed */
    char quote;   /* of the string that goes on in the next line; '[': a long bracket */
    size_t level; /* of that bracket: how many "=" it has */
    bool skips_blanks; /* "\z": until something else comes */
};

/* The next line, with its line end. */
void nesting_read(struct nesting *nesting, const char *line, size_t length);

bool nesting_is_open(const struct nesting *nesting);

#endif
