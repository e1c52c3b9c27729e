/* engine/run/source.h - where Lua source comes from: the disk, or the program itself.
 *
 * In a source tree stdlib/ and scripts/ are read from the disk, so that an edit counts at
 * once; an installed program has them inside. */
#ifndef MOONGATE_RUN_SOURCE_H
#define MOONGATE_RUN_SOURCE_H

#include <stddef.h>
#include <stdio.h>

struct failure;

/* A file built into the program. */
struct embedded_file {
    const char *path; /* "stdlib/onboarding.lua" */
    const unsigned char *bytes;
    size_t length;
};

/* Made by the build; ended by a row without path. */
extern const struct embedded_file embedded_files[];

/* The text of "stdlib/NAME.lua" or "scripts/NAME.lua", owned by the caller (free), or NULL
 * when there is no such file. `*chunk_name` gets what error messages call it ("@" and a
 * path), owned by the caller. */
char *source_read_own(const char *path, size_t *length, char **chunk_name);

/* The whole of a file, owned by the caller, at most `limit` bytes. NULL when it cannot be
 * read, with the reason in `*failure`. */
char *source_read_file(const char *path, size_t limit, size_t *length,
                       struct failure **failure);

/* The same of a stream that is open, and stays open; `path` is for the reason. */
char *source_read_stream(FILE *file, const char *path, size_t limit, size_t *length,
                         struct failure **failure);

#endif
