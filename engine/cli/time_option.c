/* engine/cli/time_option.c - a moment on the command line. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"

static int number_at(const char *text)
{
    return 10 * (text[0] - '0') + (text[1] - '0');
}

/* "+01:00", "-0530", "Z": milliseconds east of UTC; false when it is none of them. */
static bool read_offset(const char *text, int64_t *offset_ms)
{
    if (text_matches(text, "^[Zz]?$")) {
        *offset_ms = 0;
        return true;
    }
    if (!text_matches(text, "^[+-][0-9][0-9]:?[0-5][0-9]$"))
        return false;

    const int minutes = 60 * number_at(text + 1) + number_at(text + strlen(text) - 2);

    *offset_ms = (text[0] == '-' ? -1 : 1) * (int64_t)minutes * 60000;
    return minutes < 24 * 60;
}

/* Date and time of day as clock_parse_utc() has them, and where the offset begins; NULL when the
 * text is none. Owned by the caller. */
static char *complete(const char *text, const char **offset)
{
    *offset = "";
    if (text_matches(text, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))
        return memory_format("%sT00:00:00Z", text);
    if (text_matches(text, "^[0-9]{8}-[0-9]{6}$"))
        return memory_format("%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6,
                             text + 9, text + 11, text + 13);
    if (!text_matches(text, "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}"
                            "(:[0-9]{2})?([Zz]|[+-][0-9:]+)$"))
        return NULL;

    const bool has_seconds = text[16] == ':';

    *offset = text + (has_seconds ? 19 : 16);
    return has_seconds ? memory_format("%.10sT%.8sZ", text, text + 11)
                       : memory_format("%.10sT%.5s:00Z", text, text + 11);
}

/* False of a day that its month has not: the parser takes it for one of the next month. */
static bool parse(const char *text, int64_t *moment_ms)
{
    char again[CLOCK_TEXT_SIZE];

    if (clock_parse_utc(text, moment_ms) != 0)
        return false;
    clock_format_utc(*moment_ms, again);
    return strncmp(text, again, 10) == 0;
}

char *option_take_time(int64_t *to_ms, const char *text)
{
    const char *offset;
    char *complete_text = complete(text, &offset);
    int64_t moment_ms, offset_ms;
    const bool is_good = complete_text != NULL && read_offset(offset, &offset_ms) &&
                         parse(complete_text, &moment_ms);

    free(complete_text);
    if (!is_good)
        return memory_format("'%s' is not a time such as 2027-03-27T19:00Z, "
                             "2027-03-27T20:00+01:00, 2027-03-27 or 20270327-190000",
                             text);
    *to_ms = moment_ms - offset_ms;
    return NULL;
}
