/* tests/schedules.h - schedules and times from texts that must be right. */
#ifndef MOONGATE_TESTS_SCHEDULES_H
#define MOONGATE_TESTS_SCHEDULES_H

#include <check.h>

#include "base/clock.h"
#include "schedule/cron.h"

static inline struct cron parse_cron(const char *text)
{
    struct cron cron;
    char *wrong = cron_parse(text, &cron);

    if (wrong != NULL)
        ck_abort_msg("%s: %s", text, wrong);
    return cron;
}

static inline int64_t parse_ms(const char *text)
{
    int64_t ms;

    ck_assert_int_eq(clock_parse_utc(text, &ms), 0);
    return ms;
}

#endif
