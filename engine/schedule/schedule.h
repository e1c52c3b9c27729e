/* engine/schedule/schedule.h - the slots of a job: the moments at which it is due.
 *
 * By cron's fields in a time zone, or by elapsed time. A cron schedule names local times, and
 * each of them fires once: one that does not exist, because the clocks jump over it, fires at
 * the jump (with others that fall there, and with what is due there anyway: one slot); one that
 * exists twice fires the first time. `every` goes by elapsed time alone: its slots are the
 * multiples of the interval since 1970-01-01T00:00Z, so that all hosts agree without asking. There
 * are no slots before 1970, and none after the year 9999. */
#ifndef MOONGATE_SCHEDULE_SCHEDULE_H
#define MOONGATE_SCHEDULE_SCHEDULE_H

#include <stdint.h>

#include "schedule/cron.h"

struct zone;

struct schedule {
    int64_t every_ms; /* 0: by cron */
    struct cron cron;
    struct zone *zone; /* of cron; borrowed */
};

/* How a slot comes to its moment. */
enum schedule_note {
    SCHEDULE_PLAIN,
    SCHEDULE_SHIFTED, /* its local time does not exist: it fires at the shift, when otherwise
                         nothing is due */
    SCHEDULE_FIRST, /* its local time exists twice: this is the first */
};

enum { SCHEDULE_SHORTEST_MS = 1000, SCHEDULE_LONGEST_DAYS = 366 };

/* The first slot after `after_ms` (exclusive), UTC in milliseconds; INT64_MAX: there is none. `note`
 * may be NULL. */
int64_t schedule_next(const struct schedule *schedule, int64_t after_ms,
                      enum schedule_note *note);

/* The last slot at or before `at_ms` and after `after_ms`; INT64_MIN: there is none. */
int64_t schedule_last(const struct schedule *schedule, int64_t after_ms, int64_t at_ms);

/* How many slots are after `after_ms` and at or before `until_ms`; never more than `most`. */
uint64_t schedule_count(const struct schedule *schedule, int64_t after_ms,
                        int64_t until_ms, uint64_t most);

#endif
