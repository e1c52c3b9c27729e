/* engine/base/duration.c - "90s", "45m", "3h", "2d" and back, and the form of ISO 8601. */
#include "base/duration.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct unit {
    const char *name;
    double ms;
} units[] = {
    {"d", 86400000.0}, {"h", 3600000.0}, {"m", 60000.0}, {"s", 1000.0}, {"ms", 1.0}};

enum { UNIT_COUNT = sizeof units / sizeof units[0] };

static const double MAX_MS = 10.0 * 366 * 86400000.0;

/* The unit that `text` begins with, or UNIT_COUNT. */
static size_t find_unit(const char *text, size_t *length)
{
    *length = 0;
    while (isalpha((unsigned char)text[*length]))
        (*length)++;
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (strlen(units[i].name) == *length &&
            strncmp(units[i].name, text, *length) == 0)
            return i;
    }
    return UNIT_COUNT;
}

int duration_parse(const char *text, int64_t *duration_ms)
{
    double total = 0.0;
    size_t smallest = 0; /* units must come in falling order */
    const char *at = text;

    if (*at == '\0')
        return -1;
    while (*at != '\0') {
        char *end;

        const size_t digits = strspn(at, "0123456789.");
        const double number = strtod(at, &end);

        /* strtod would take signs, spaces, "inf", exponents and hexadecimal, too */
        if (digits == 0 || end != at + digits)
            return -1;

        if (*end == '\0' && at == text) {
            total = number * 1000.0;
            break;
        }

        size_t length;
        const size_t unit = find_unit(end, &length);

        if (unit == UNIT_COUNT || unit < smallest)
            return -1;
        total += number * units[unit].ms;
        smallest = unit + 1;
        at = end + length;
    }
    if (!(total <= MAX_MS))
        return -1;
    *duration_ms = (int64_t)(total + 0.5);
    return 0;
}

/* Which of the designators, in falling order, "T" between those of days and of hours. */
static const struct designator {
    char letter;
    bool is_of_time;
    double ms;
} designators[] = {{'W', false, 604800000.0},
                   {'D', false, 86400000.0},
                   {'H', true, 3600000.0},
                   {'M', true, 60000.0},
                   {'S', true, 1000.0}};

enum { DESIGNATOR_COUNT = sizeof designators / sizeof designators[0] };

int duration_parse_iso(const char *text, int64_t *duration_ms)
{
    double total = 0.0;
    size_t smallest = 0;
    bool is_time = false, has_fraction = false;
    const char *at = text;

    if (*at++ != 'P' || *at == '\0')
        return -1;
    while (*at != '\0') {
        size_t which = smallest;
        char *end;

        if (*at == 'T' && !is_time) {
            is_time = true;
            at++;
        }

        const size_t digits = strspn(at, "0123456789.");
        const double number = strtod(at, &end);

        if (digits == 0 || end != at + digits || has_fraction)
            return -1;
        while (which < DESIGNATOR_COUNT && (designators[which].letter != *end ||
                                            designators[which].is_of_time != is_time))
            which++;
        if (which == DESIGNATOR_COUNT)
            return -1;
        has_fraction = memchr(at, '.', digits) != NULL;
        total += number * designators[which].ms;
        smallest = which + 1;
        at = end + 1;
    }
    if (smallest == 0 || !(total <= MAX_MS))
        return -1;
    *duration_ms = (int64_t)(total + 0.5);
    return 0;
}

void duration_format_iso(int64_t duration_ms, char text[DURATION_ISO_SIZE])
{
    const int64_t seconds = duration_ms / 1000;
    const int64_t days = seconds / 86400, hours = seconds / 3600 % 24;
    const int minutes = (int)(seconds / 60 % 60), rest = (int)(seconds % 60);
    const int fraction = (int)(duration_ms % 1000);
    size_t length = (size_t)snprintf(text, DURATION_ISO_SIZE, "P");

    if (days > 0)
        length += (size_t)snprintf(text + length, DURATION_ISO_SIZE - length,
                                   "%" PRId64 "D", days);
    if (duration_ms % 86400000 == 0 && days > 0)
        return;
    text[length++] = 'T';
    text[length] = '\0';
    if (hours > 0)
        length += (size_t)snprintf(text + length, DURATION_ISO_SIZE - length,
                                   "%" PRId64 "H", hours);
    if (minutes > 0)
        length +=
            (size_t)snprintf(text + length, DURATION_ISO_SIZE - length, "%dM", minutes);
    if (fraction > 0)
        snprintf(text + length, DURATION_ISO_SIZE - length, "%d.%03dS", rest, fraction);
    else if (rest > 0 || duration_ms == 0)
        snprintf(text + length, DURATION_ISO_SIZE - length, "%dS", rest);
}

void duration_format(int64_t duration_ms, char text[DURATION_TEXT_SIZE])
{
    const int64_t seconds = duration_ms / 1000;
    const int64_t days = seconds / 86400;
    const int hours = (int)(seconds / 3600 % 24), minutes = (int)(seconds / 60 % 60);
    const int rest = (int)(seconds % 60);

    if (duration_ms < 1000)
        snprintf(text, DURATION_TEXT_SIZE, "%d ms", (int)duration_ms);
    else if (seconds < 60)
        snprintf(text, DURATION_TEXT_SIZE, "%d s", rest);
    else if (seconds < 3600)
        snprintf(text, DURATION_TEXT_SIZE, "%02d:%02d", minutes, rest);
    else if (days == 0)
        snprintf(text, DURATION_TEXT_SIZE, "%d:%02d:%02d", hours, minutes, rest);
    else
        snprintf(text, DURATION_TEXT_SIZE, "%" PRId64 "d %02d:%02d:%02d", days, hours,
                 minutes, rest);
}

void duration_format_parts(int64_t duration_ms, char text[DURATION_TEXT_SIZE])
{
    int length = 0;

    for (size_t i = 0; i < UNIT_COUNT; i++) {
        const int64_t unit_ms = (int64_t)units[i].ms, count = duration_ms / unit_ms;

        if (count > 0)
            length += snprintf(text + length, DURATION_TEXT_SIZE - (size_t)length,
                               "%" PRId64 "%s", count, units[i].name);
        duration_ms %= unit_ms;
    }
    if (length == 0)
        strcpy(text, "0s");
}
