/* engine/schedule/cron.c - when the five fields of cron fit: by months, days, then minutes. */
#include "schedule/cron.h"

#include "base/calendar.h"

enum { DAY_MINUTES = 1440, LAST_YEAR = 9999 };

/* Days of a month, bit 1 for the first; and its shape. */
struct month {
    uint32_t all;
    int length;
    int first_weekday;
};

static uint32_t bit_of(int day)
{
    return UINT32_C(1) << day;
}

static int weekday_of(const struct month *month, int day)
{
    return (month->first_weekday + day - 1) % 7;
}

/* The day from Monday to Friday that is nearest, in the same month. */
static int nearest_workday(const struct month *month, int day)
{
    const int weekday = weekday_of(month, day);

    if (weekday == 6)
        return day > 1 ? day - 1 : day + 2;
    if (weekday == 0)
        return day < month->length ? day + 1 : day - 2;
    return day;
}

static uint32_t fitting_month_days(const struct cron *cron, const struct month *month)
{
    uint32_t days = cron->days;

    for (int day = 1; cron->workdays != 0 && day <= month->length; day++) {
        if ((cron->workdays & bit_of(day)) != 0)
            days |= bit_of(nearest_workday(month, day));
    }
    for (int before = 0; cron->from_last != 0 && before < month->length; before++) {
        if ((cron->from_last & bit_of(before)) != 0)
            days |= bit_of(month->length - before);
    }
    if (cron->last_workday)
        days |= bit_of(nearest_workday(month, month->length));
    return days & month->all;
}

/* The days of a weekday, before the month's end is looked at. */
static uint32_t days_of_weekday(const struct month *month, int weekday)
{
    static const uint32_t every_seventh =
        1U << 1 | 1U << 8 | 1U << 15 | 1U << 22 | 1U << 29;

    return every_seventh << ((weekday - month->first_weekday + 7) % 7);
}

static uint32_t fitting_weekdays(const struct cron *cron, const struct month *month)
{
    uint32_t days = 0;

    if (cron->weekdays == 0x7f)
        return month->all;
    for (int weekday = 0; weekday < 7; weekday++) {
        const uint32_t all = days_of_weekday(month, weekday) & month->all;
        const int first = 1 + (weekday - month->first_weekday + 7) % 7;

        if ((cron->weekdays & bit_of(weekday)) != 0)
            days |= all;
        if ((cron->last_weekdays & bit_of(weekday)) != 0)
            days |= bit_of(first + (month->length - first) / 7 * 7);
        for (int k = 1; cron->nth_weekdays[weekday] != 0 && k <= 5; k++) {
            if ((cron->nth_weekdays[weekday] & bit_of(k)) != 0 &&
                first + (k - 1) * 7 <= 31)
                days |= bit_of(first + (k - 1) * 7);
        }
    }
    return days & month->all;
}

/* `first_day` is the month's first since 1970. */
static uint32_t fitting_days(const struct cron *cron, int64_t year, int number,
                             int64_t first_day)
{
    const int length = calendar_month_length(year, number);
    const struct month month = {.all = (uint32_t)(UINT64_C(2) << length) - 2,
                                .length = length,
                                .first_weekday = calendar_weekday(first_day)};
    const uint32_t days = fitting_month_days(cron, &month);
    const uint32_t weekdays = fitting_weekdays(cron, &month);

    return cron->any_day || cron->any_weekday ? days & weekdays : days | weekdays;
}

/* The lowest bit of at least `from`, or -1. */
static int next_bit(uint64_t bits, int from)
{
    for (bits = from < 64 ? bits >> from : 0; bits != 0; bits >>= 1, from++) {
        if ((bits & 1) != 0)
            return from;
    }
    return -1;
}

/* The first fitting minute of a day from `from` on, or -1. */
static int next_minute(const struct cron *cron, int from)
{
    int hour = next_bit(cron->hours, from / 60);
    int minute = hour == from / 60 ? next_bit(cron->minutes, from % 60) : -1;

    if (hour == from / 60 && minute < 0)
        hour = next_bit(cron->hours, hour + 1);
    if (minute < 0)
        minute = next_bit(cron->minutes, 0);
    return hour < 0 || minute < 0 ? -1 : hour * 60 + minute;
}

/* The first fitting day from `day` on, or INT64_MAX. The calendar repeats itself after 400
 * years: what did not come till then never comes. */
static int64_t next_day(const struct cron *cron, int64_t day)
{
    struct calendar_date date = calendar_date(day);

    for (int i = 0; i <= 400 * 12 && date.year <= LAST_YEAR; i++) {
        if ((cron->months & 1U << date.month) != 0) {
            const int64_t first = calendar_days(date.year, date.month, 1);
            const int found =
                next_bit(fitting_days(cron, date.year, date.month, first), date.day);

            if (found > 0)
                return first + found - 1;
        }
        date.day = 1;
        date.month = date.month % 12 + 1;
        date.year += date.month == 1 ? 1 : 0;
    }
    return INT64_MAX;
}

int64_t cron_next(const struct cron *cron, int64_t local_s)
{
    static const int64_t earliest_s = INT64_C(-62135596800); /* the year 1 */
    static const int64_t latest_s = INT64_C(253402300799);   /* the end of 9999 */

    if (local_s < earliest_s)
        local_s = earliest_s - 1;
    if (local_s >= latest_s)
        return INT64_MAX;

    const int64_t after = calendar_floor_div(local_s, 60) + 1;
    const int64_t today = calendar_floor_div(after, DAY_MINUTES);
    int64_t day = next_day(cron, today);
    int minute = next_minute(cron, day == today ? (int)(after - today * DAY_MINUTES) : 0);

    if (minute < 0) { /* nothing more today */
        day = next_day(cron, today + 1);
        minute = next_minute(cron, 0);
    }
    return day == INT64_MAX || minute < 0 ? INT64_MAX : (day * DAY_MINUTES + minute) * 60;
}
