/* engine/base/calendar.c - days and dates; timegm() is not POSIX, and takes its time.
 *
 * Counted in eras of 400 years, which are alike, and in years that begin in March, so that the
 * leap day is their last. */
#include "base/calendar.h"

enum {
    ERA_DAYS = 146097,
    EPOCH_DAYS = 719468 /* from 0000-03-01 to 1970-01-01 */
};

int64_t calendar_days(int64_t year, int month, int day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = calendar_floor_div(y, 400);
    const int64_t year_of_era = y - era * 400;
    const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

struct calendar_date calendar_date(int64_t days)
{
    const int64_t era = calendar_floor_div(days + EPOCH_DAYS, ERA_DAYS);
    const int day_of_era = (int)(days + EPOCH_DAYS - era * ERA_DAYS);
    const int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int month = (5 * day_of_year + 2) / 153; /* 0 is March */

    return (struct calendar_date){.year = era * 400 + year_of_era + (month >= 10 ? 1 : 0),
                                  .month = month < 10 ? month + 3 : month - 9,
                                  .day = day_of_year - (153 * month + 2) / 5 + 1};
}

int calendar_weekday(int64_t days)
{
    return (int)(days + 4 -
                 calendar_floor_div(days + 4, 7) * 7); /* 1970 began with a Thursday */
}

bool calendar_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int calendar_month_length(int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return lengths[month - 1] + (month == 2 && calendar_is_leap(year) ? 1 : 0);
}
