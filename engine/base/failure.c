/* engine/base/failure.c - what the world refused, in one object. */
#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"

struct failure *failure_new(const char *code, const char *format, ...)
{
    struct failure *failure = memory_new(sizeof *failure);
    va_list arguments;

    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    failure->code = memory_copy_string(code);
    failure->message = memory_new((size_t)(length > 0 ? length : 0) + 1);
    va_start(arguments, format);
    vsnprintf(failure->message, (size_t)(length > 0 ? length : 0) + 1, format, arguments);
    va_end(arguments);
    return failure;
}

struct failure *failure_copy(const struct failure *failure)
{
    struct failure *copy = memory_new(sizeof *copy);

    *copy = *failure;
    copy->code = memory_copy_string(failure->code);
    copy->message = memory_copy_string(failure->message);
    copy->target = memory_copy_string(failure->target);
    copy->operation = memory_copy_string(failure->operation);
    copy->request_id = memory_copy_string(failure->request_id);
    copy->correlation_id = memory_copy_string(failure->correlation_id);
    copy->details = memory_copy_string(failure->details);
    copy->cure = memory_copy_string(failure->cure);
    return copy;
}

struct failure *failure_set_cure(struct failure *failure, const char *cure)
{
    free(failure->cure);
    failure->cure = memory_copy_string(cure);
    return failure;
}

char *failure_describe(const struct failure *failure)
{
    struct buffer text = {0};

    if (failure->operation != NULL)
        buffer_printf(&text, "%s: ", failure->operation);
    buffer_printf(&text, "%s: %s", failure->code, failure->message);
    if (failure->status != 0)
        buffer_printf(&text, " (HTTP %d)", failure->status);
    if (failure->target != NULL)
        buffer_printf(&text, " [%s]", failure->target);
    if (failure->request_id != NULL)
        buffer_printf(&text, " request id %s", failure->request_id);
    if (failure->cure != NULL)
        buffer_printf(&text, "; %s", failure->cure);
    return buffer_take(&text);
}

void failure_free(struct failure *failure)
{
    if (failure == NULL)
        return;
    free(failure->code);
    free(failure->message);
    free(failure->target);
    free(failure->operation);
    free(failure->request_id);
    free(failure->correlation_id);
    free(failure->details);
    free(failure->cure);
    free(failure);
}
