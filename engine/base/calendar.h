/* engine/base/calendar.h - days and dates of the Gregorian calendar, before its beginning, too.
 *
 * Days count from 1970-01-01. Any year will do whose days fit in 64 bits. */
#ifndef MOONGATE_BASE_CALENDAR_H
#define MOONGATE_BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct calendar_date {
    int64_t year;
    int month, day; /* from 1 */
};

int64_t calendar_days(int64_t year, int month, int day);
struct calendar_date calendar_date(int64_t days);

/* 0 is Sunday. */
int calendar_weekday(int64_t days);

bool calendar_is_leap(int64_t year);
int calendar_month_length(int64_t year, int month);

/* Towards the smaller, so that a time before 1970 has its day, too. `by` is positive. */
static inline int64_t calendar_floor_div(int64_t number, int64_t by)
{
    return number / by - (number % by < 0 ? 1 : 0);
}

#endif
