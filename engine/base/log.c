/* engine/base/log.c - lines for whoever runs the program, about the program. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

const char *const log_level_names[] = {"error", "warning", "info", "debug", NULL};

static struct {
    enum log_level level;
    log_sink *sink;
    void *context;
} settings = {.level = LOG_WARNING};

void log_set_level(enum log_level level)
{
    settings.level = level;
}

bool log_is_on(enum log_level level)
{
    return level <= settings.level;
}

void log_set_sink(log_sink *sink, void *context)
{
    settings.sink = sink;
    settings.context = context;
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list arguments;

    if (!log_is_on(level))
        return;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;

    char *text = memory_new((size_t)length + 1);

    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    if (settings.sink != NULL)
        settings.sink(settings.context, level, text);
    else
        fprintf(stderr, "moongate: %s: %s\n", log_level_names[level], text);
    free(text);
}
