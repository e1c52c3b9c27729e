/* engine/base/clock.c - the time that all of moongate goes by. */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/calendar.h"

/* A laptop that slept must find its operations older, so where there is a clock that counts
 * sleep it is used (Linux calls it BOOTTIME). */
#ifdef CLOCK_BOOTTIME
#define MACHINE_CLOCK CLOCK_BOOTTIME
#else
#define MACHINE_CLOCK CLOCK_MONOTONIC
#endif

static int64_t read_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_machine_ms(void)
{
    return read_ms(MACHINE_CLOCK);
}

int64_t clock_machine_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

void clock_init(struct clock *clock, enum clock_mode mode, double factor)
{
    *clock = (struct clock){.mode = mode,
                            .factor = mode == CLOCK_SCALED ? factor : 1.0,
                            .machine_base_ms = clock_machine_ms(),
                            .wall_base_ms = clock_machine_wall_ms()};
}

int clock_parse(const char *text, enum clock_mode *mode, double *factor)
{
    char *end;

    if (strcmp(text, "virtual") == 0) {
        *mode = CLOCK_VIRTUAL;
        *factor = 1.0;
        return 0;
    }
    if (strcmp(text, "real") == 0) {
        *mode = CLOCK_REAL;
        *factor = 1.0;
        return 0;
    }

    const double value = strtod(text, &end);

    if (end == text || strcmp(end, "x") != 0 || !(value >= 0.001 && value <= 1e6))
        return -1;
    *mode = CLOCK_SCALED;
    *factor = value;
    return 0;
}

int64_t clock_now_ms(const struct clock *clock)
{
    if (clock->mode == CLOCK_VIRTUAL)
        return clock->virtual_ms;

    const int64_t elapsed = clock_machine_ms() - clock->machine_base_ms;

    return clock->mode == CLOCK_SCALED ? (int64_t)((double)elapsed * clock->factor)
                                       : elapsed;
}

int64_t clock_wall_ms(const struct clock *clock)
{
    if (clock->mode == CLOCK_REAL)
        return clock_machine_wall_ms();
    return clock->wall_base_ms + clock_now_ms(clock);
}

void clock_set_wall(struct clock *clock, int64_t wall_ms)
{
    clock->wall_base_ms = wall_ms - clock_now_ms(clock);
}

void clock_advance_to(struct clock *clock, int64_t now_ms)
{
    if (clock->mode == CLOCK_VIRTUAL && now_ms > clock->virtual_ms)
        clock->virtual_ms = now_ms;
}

int64_t clock_machine_span_ms(const struct clock *clock, int64_t span_ms)
{
    switch (clock->mode) {
    case CLOCK_VIRTUAL:
        return 0;
    case CLOCK_SCALED:
        return (int64_t)((double)span_ms / clock->factor);
    case CLOCK_REAL:
        break;
    }
    return span_ms;
}

/* Writes a number with so many digits, and what stands behind it. Returns where it ended. */
static char *put_number(char *to, int number, int digits, char behind)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
    to[digits] = behind;
    return to + digits + 1;
}

/* By hand, as the simulator does it for every resource that it shows. */
void clock_format_utc(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    char *to = text;

    gmtime_r(&seconds, &parts);
    to = put_number(to, parts.tm_year + 1900, 4, '-');
    to = put_number(to, parts.tm_mon + 1, 2, '-');
    to = put_number(to, parts.tm_mday, 2, 'T');
    to = put_number(to, parts.tm_hour, 2, ':');
    to = put_number(to, parts.tm_min, 2, ':');
    to = put_number(to, parts.tm_sec, 2, '.');
    to = put_number(to, (int)(wall_ms % 1000), 3, 'Z');
    *to = '\0';
}

int clock_parse_utc(const char *text, int64_t *wall_ms)
{
    int year, month, day, hour, minute, used = 0;
    double second;

    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%lf%n", &year, &month, &day, &hour, &minute,
               &second, &used) != 6 ||
        strcmp(text + used, "Z") != 0 || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        !(second >= 0.0 && second < 61.0)) /* not a number is none */
        return -1;
    *wall_ms = calendar_days(year, month, day) * 86400000 + (int64_t)hour * 3600000 +
               (int64_t)minute * 60000 + (int64_t)(second * 1000.0 + 0.5);
    return 0;
}

int clock_parse_http(const char *text, int64_t *wall_ms)
{
    struct tm parts = {0};
    const char *end =
        text != NULL ? strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts) : NULL;

    if (end == NULL || *end != '\0')
        return -1;
    *wall_ms = (int64_t)timegm(&parts) * 1000;
    return *wall_ms >= 0 ? 0 : -1;
}
