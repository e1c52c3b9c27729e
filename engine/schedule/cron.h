/* engine/schedule/cron.h - the five fields of cron: minute, hour, day of month, month, day of week.
 *
 * As crontab(5) has them: `*`, lists, ranges, steps, names of months and days (in English, three
 * letters, any case), 7 for Sunday, and ranges that wrap round are refused. Of Quartz: `L` (last day of
 * the month, L-3, LW; 5L: the last Friday), `15W` (the working day, Monday to Friday, that is
 * nearest to the 15th, in the same month), `5#2` (the second Friday), `?` as `*` in one of the two
 * fields of days. And @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly. A day fits when
 * both fields of days fit it, or, when neither of them begins with `*` (or `?`), one of the two. */
#ifndef MOONGATE_SCHEDULE_CRON_H
#define MOONGATE_SCHEDULE_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct cron {
    uint64_t minutes;               /* bit n: minute n */
    uint32_t hours, days, weekdays; /* bit 1 is the first of the month, bit 0 Sunday */
    uint16_t months;                /* bit 1 is January */
    uint32_t workdays;              /* of nW, by n */
    uint32_t from_last;             /* bit n: n days before the last of the month */
    bool last_workday;              /* LW */
    uint8_t last_weekdays;          /* bit n: the last of that weekday: nL */
    uint8_t nth_weekdays[7];        /* bit k: the k-th of that weekday: n#k */
    bool any_day, any_weekday;      /* the field begins with a star */
};

/* NULL, or what is wrong with the text, owned by the caller: it names the field, the word and the
 * limits ("day of month: '32' is not in 1 to 31"), and refuses what never comes (30 February). */
char *cron_parse(const char *text, struct cron *cron);

/* The first fitting minute after `local_s` (exclusive), in local seconds as if they were UTC;
 * INT64_MAX when there is none before the year 10000. Times before the year 1 count as its
 * beginning. Fast, however rare. */
int64_t cron_next(const struct cron *cron, int64_t local_s);

#endif
