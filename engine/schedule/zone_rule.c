/* engine/schedule/zone_rule.c - the rule of a zone that stands in the footer of its file. */
#include "schedule/zone_rule.h"

#include <string.h>

#include "base/calendar.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

/* --- reading -------------------------------------------------------------------------- */

/* A number of up to three digits, up to `most`. */
static bool read_number(const char **at, int most, int *number)
{
    int value = 0, digits = 0;

    for (; **at >= '0' && **at <= '9' && digits < 3; digits++)
        value = value * 10 + (*(*at)++ - '0');
    *number = value;
    return digits > 0 && value <= most;
}

static bool skip(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(const char **at, int most_hours, int32_t *seconds)
{
    const bool is_negative = skip(at, '-');
    int hours, minutes = 0, rest = 0;

    if (!is_negative)
        skip(at, '+');
    if (!read_number(at, most_hours, &hours) ||
        (skip(at, ':') && (!read_number(at, 59, &minutes) ||
                           (skip(at, ':') && !read_number(at, 59, &rest)))))
        return false;
    *seconds = hours * HOUR_S + minutes * 60 + rest;
    if (is_negative)
        *seconds = -*seconds;
    return true;
}

/* "CET" or "<+03>": three letters or more; inside of < > digits and signs, too. */
static bool read_name(const char **at, char name[ZONE_RULE_NAME_SIZE])
{
    const bool is_quoted = skip(at, '<');
    const size_t length =
        strspn(*at, is_quoted ? ZONE_LETTERS ZONE_OTHERS : ZONE_LETTERS);

    if (length < 3 || length >= ZONE_RULE_NAME_SIZE)
        return false;
    memcpy(name, *at, length);
    name[length] = '\0';
    *at += length;
    return !is_quoted || skip(at, '>');
}

/* What is written is west of Greenwich, what we keep is east. */
static bool read_offset(const char **at, int32_t *offset_s)
{
    if (!read_time(at, 24, offset_s))
        return false;
    *offset_s = -*offset_s;
    return true;
}

/* ",M3.5.0/2", the time being 02:00 when nothing is said. */
static bool read_date(const char **at, struct zone_rule_date *date)
{
    if (!skip(at, ','))
        return false;
    if (skip(at, 'M')) {
        date->form = ZONE_RULE_WEEKDAY;
        if (!read_number(at, 12, &date->month) || date->month < 1 || !skip(at, '.') ||
            !read_number(at, 5, &date->week) || date->week < 1 || !skip(at, '.') ||
            !read_number(at, 6, &date->day))
            return false;
    } else {
        date->form = skip(at, 'J') ? ZONE_RULE_JULIAN : ZONE_RULE_DAY;
        if (!read_number(at, 365, &date->day) ||
            (date->form == ZONE_RULE_JULIAN && date->day < 1))
            return false;
    }
    date->time_s = 2 * HOUR_S;
    return !skip(at, '/') || read_time(at, 167, &date->time_s);
}

bool zone_rule_parse(const char *text, struct zone_rule *rule)
{
    const char *at = text;

    *rule = (struct zone_rule){0};
    if (!read_name(&at, rule->standard_name) || !read_offset(&at, &rule->standard_s))
        return false;
    if (*at == '\0')
        return true;
    rule->has_daylight = true;
    rule->daylight_s = rule->standard_s + HOUR_S;
    return read_name(&at, rule->daylight_name) &&
           (*at == ',' || read_offset(&at, &rule->daylight_s)) &&
           read_date(&at, &rule->begin) && read_date(&at, &rule->end) && *at == '\0';
}

/* --- reckoning ------------------------------------------------------------------------ */

static int64_t find_day(const struct zone_rule_date *date, int64_t year)
{
    if (date->form == ZONE_RULE_DAY)
        return calendar_days(year, 1, 1) + date->day;
    if (date->form == ZONE_RULE_JULIAN)
        return calendar_days(year, 1, 1) + date->day - 1 +
               (date->day > 59 && calendar_is_leap(year) ? 1 : 0);

    const int64_t first = calendar_days(year, date->month, 1);
    int day = (date->day - calendar_weekday(first) + 7) % 7 + (date->week - 1) * 7;

    if (day >= calendar_month_length(year, date->month)) /* 5 is the last */
        day -= 7;
    return first + day;
}

static int64_t find_moment(const struct zone_rule_date *date, int64_t year,
                           int32_t offset_s)
{
    return find_day(date, year) * DAY_S + date->time_s - offset_s;
}

/* The years around that of a moment, two on each side: a date's time may move it out of its
 * year by a week, and what begins in one year may end in the next. */
enum { YEARS = 5 };

struct years {
    int64_t begin[YEARS], end[YEARS];
};

static void find_years(const struct zone_rule *rule, int64_t year, struct years *years)
{
    for (int i = 0; i < YEARS; i++) {
        years->begin[i] = find_moment(&rule->begin, year - 2 + i, rule->standard_s);
        years->end[i] = find_moment(&rule->end, year - 2 + i, rule->daylight_s);
    }
}

/* Daylight saving goes from a beginning to the end of the same year or, south of the equator, to
 * that of the next. Where beginning and end are one, it never ends, as in zic's own reader. */
static bool is_daylight(const struct years *years, int64_t utc_s)
{
    for (int i = 0; i < YEARS - 1; i++) {
        const int64_t begin = years->begin[i];
        const int64_t end = years->end[i] > begin ? years->end[i] : years->end[i + 1];

        if (begin <= utc_s && utc_s < end)
            return true;
    }
    return false;
}

/* Narrows the bounds to the moment, if it is between them. */
static void narrow(int64_t moment, int64_t utc_s, int64_t *from_s, int64_t *until_s)
{
    if (moment <= utc_s && moment > *from_s)
        *from_s = moment;
    if (moment > utc_s && moment < *until_s)
        *until_s = moment;
}

struct zone_offset zone_rule_at(const struct zone_rule *rule, int64_t utc_s,
                                int64_t *from_s, int64_t *until_s)
{
    const struct zone_offset standard = {rule->standard_s, false, rule->standard_name};
    const struct zone_offset daylight = {rule->daylight_s, true, rule->daylight_name};
    struct years years;

    *from_s = INT64_MIN;
    *until_s = INT64_MAX;
    if (!rule->has_daylight)
        return standard;

    const int64_t year = calendar_date(calendar_floor_div(utc_s, DAY_S)).year;

    /* between these there is no date of another year: they leave theirs by 167 hours and an
     * offset at most */
    *from_s = calendar_days(year - 1, 1, 10) * DAY_S;
    *until_s = calendar_days(year + 1, 12, 20) * DAY_S;
    find_years(rule, year, &years);
    for (int i = 0; i < YEARS; i++) {
        narrow(years.begin[i], utc_s, from_s, until_s);
        narrow(years.end[i], utc_s, from_s, until_s);
    }
    return is_daylight(&years, utc_s) ? daylight : standard;
}
