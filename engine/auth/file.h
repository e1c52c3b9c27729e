/* engine/auth/file.h - small files with secrets in them. */
#ifndef MOONGATE_AUTH_FILE_H
#define MOONGATE_AUTH_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Appends what is in a regular file of at most `largest` bytes. Returns false with the reason
 * in `*why` (borrowed, for the end of a sentence that names the file), and then nothing was
 * appended. */
bool file_read(const char *path, size_t largest, struct buffer *to, const char **why);

/* The same of a file that is for its owner's eyes: it must be ours, nobody else may read or
 * write it, and a symbolic link is not followed. */
bool file_read_private(const char *path, size_t largest, struct buffer *to,
                       const char **why);

/* Writes a file that only its owner can read, whole or not at all: beside it, then over it.
 * Folders that are missing are made, for the owner only. */
bool file_write_private(const char *path, const void *bytes, size_t length,
                        const char **why);

/* Makes the folders that `path` lies in where they are missing, for the owner only. False with
 * errno when that failed. */
bool file_make_folders(const char *path);

/* A copy without the white space at its ends. Owned by the caller, who wipes it. */
char *file_copy_trimmed(const struct buffer *text);

#endif
