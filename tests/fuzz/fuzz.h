/* tests/fuzz/fuzz.h - what the fuzz targets share: their input as texts. */
#ifndef MOONGATE_TESTS_FUZZ_H
#define MOONGATE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes the next text off the input: up to a line end, or all that is left. Owned by the
 * caller; a NUL in it ends it early, as it would in the program. */
static inline char *fuzz_text(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
    const size_t length = end != NULL ? (size_t)(end - *data) : *size;
    char *text = memory_copy_text((const char *)*data, length);

    *data += end != NULL ? length + 1 : length;
    *size -= end != NULL ? length + 1 : length;
    return text;
}

/* What must hold. */
static inline void fuzz_claim(int is_true)
{
    if (!is_true)
        abort();
}

#endif
