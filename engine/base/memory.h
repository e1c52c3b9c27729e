/* engine/base/memory.h - heap memory that is there or ends the program.
 *
 * moongate works on small pieces; a machine that cannot give them is past helping, and a
 * half-done error path would hide writes. So these never return NULL: they print one line
 * to stderr and abort. What may be large by somebody else's choice (a response body) is
 * bounded before it is asked for. All of it is given back with free(). */
#ifndef MOONGATE_BASE_MEMORY_H
#define MOONGATE_BASE_MEMORY_H

#include <stddef.h>

/* Zeroed memory for one object of `size` bytes. */
void *memory_new(size_t size);

/* As realloc(): `size` bytes that begin with what `old` (or NULL) held. */
void *memory_resize(void *old, size_t size);

/* A copy of a string; of NULL it is NULL. Owned by the caller. */
char *memory_copy_string(const char *text);

/* A copy of `length` bytes of text, terminated. Owned by the caller. */
char *memory_copy_text(const char *text, size_t length);

/* A formatted string, owned by the caller. */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
