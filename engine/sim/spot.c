/* engine/sim/spot.c - places in a world file. */
#include "sim/spot.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buffer.h"

static int append_spot(struct buffer *to, const struct spot *spot)
{
    if (spot->up == NULL)
        return spot->index;

    const int first = append_spot(to, spot->up);

    if (spot->name == NULL)
        buffer_printf(to, "[%d]", spot->index + first);
    else
        buffer_printf(to, "%s%s", to->length > 0 ? "." : "", spot->name);
    return first;
}

char *spot_complain(const struct spot *spot, const char *format, ...)
{
    struct buffer text = {0};
    char message[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    append_spot(&text, spot);
    buffer_printf(&text, "%s%s", text.length > 0 ? ": " : "", message);
    return buffer_take(&text);
}
