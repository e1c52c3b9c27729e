/* engine/base/memory.c - the one place that asks for heap memory. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("moongate: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *memory_new(size_t size)
{
    return checked(calloc(1, size > 0 ? size : 1));
}

void *memory_resize(void *old, size_t size)
{
    return checked(realloc(old, size > 0 ? size : 1));
}

char *memory_copy_string(const char *text)
{
    return text != NULL ? memory_copy_text(text, strlen(text)) : NULL;
}

char *memory_copy_text(const char *text, size_t length)
{
    char *copy = checked(malloc(length + 1));

    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* Most texts are short: they are written once, and copied, in place of once to be measured
 * and once more. */
char *memory_format(const char *format, ...)
{
    char small[256];
    va_list arguments;

    va_start(arguments, format);
    const int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (length < 0)
        return memory_copy_string("");
    if ((size_t)length < sizeof small)
        return memory_copy_text(small, (size_t)length);

    char *text = checked(malloc((size_t)length + 1));

    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}
