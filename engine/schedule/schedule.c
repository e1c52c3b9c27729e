/* engine/schedule/schedule.c - the slots of a job: the moments at which it is due.
 *
 * A local time is due when the clocks first show it or a later one (zone_from_local). Moments that
 * are found so rise with the local times, hence the slots after a moment are those of the local
 * times after the latest that the clocks have shown until then (zone_latest_local). */
#include "schedule/schedule.h"

#include <stddef.h>

#include "schedule/zone.h"

/* The last millisecond of the year 9999. */
static const int64_t LAST_MS = INT64_C(253402300799999);

/* No slot is before 1970. */
static int64_t not_before_1970(int64_t after_ms)
{
    return after_ms < -1 ? -1 : after_ms;
}

static int64_t next_of_interval(int64_t every_ms, int64_t after_ms)
{
    const int64_t next_ms = (after_ms + every_ms) / every_ms * every_ms;

    return next_ms <= LAST_MS ? next_ms : INT64_MAX;
}

/* A slot at a jump of the clocks, at which something may be due anyway. */
static enum schedule_note note_of_jump(const struct schedule *schedule, int64_t slot_s)
{
    const int64_t local_s = slot_s + zone_at(schedule->zone, slot_s).offset_s;

    return cron_next(&schedule->cron, local_s - 1) == local_s ? SCHEDULE_PLAIN
                                                              : SCHEDULE_SHIFTED;
}

static int64_t next_of_cron(const struct schedule *schedule, int64_t after_ms,
                            enum schedule_note *note)
{
    const int64_t after_s =
        after_ms >= 0 ? after_ms / 1000 : -1; /* -1 ms is in second -1 */
    const int64_t local_s =
        cron_next(&schedule->cron, zone_latest_local(schedule->zone, after_s));
    int64_t slot_s;

    if (local_s == INT64_MAX)
        return INT64_MAX;

    const enum zone_fit fit = zone_from_local(schedule->zone, local_s, &slot_s);

    if (note != NULL)
        *note = fit == ZONE_NEVER   ? note_of_jump(schedule, slot_s)
                : fit == ZONE_TWICE ? SCHEDULE_FIRST
                                    : SCHEDULE_PLAIN;
    return slot_s * 1000;
}

int64_t schedule_next(const struct schedule *schedule, int64_t after_ms,
                      enum schedule_note *note)
{
    after_ms = not_before_1970(after_ms);
    if (note != NULL)
        *note = SCHEDULE_PLAIN;
    if (after_ms >= LAST_MS)
        return INT64_MAX;
    return schedule->every_ms > 0 ? next_of_interval(schedule->every_ms, after_ms)
                                  : next_of_cron(schedule, after_ms, note);
}

/* Halves the time between a moment after which a slot comes until `at_ms`, and one after which
 * none does. */
static int64_t find_last(const struct schedule *schedule, int64_t low_ms, int64_t high_ms,
                         int64_t at_ms)
{
    int64_t slot_ms = schedule_next(schedule, low_ms, NULL);

    while (slot_ms < high_ms) {
        const int64_t middle_ms = slot_ms + (high_ms - slot_ms) / 2;
        const int64_t next_ms = schedule_next(schedule, middle_ms, NULL);

        if (next_ms <= at_ms)
            slot_ms = next_ms;
        else
            high_ms = middle_ms;
    }
    return slot_ms;
}

int64_t schedule_last(const struct schedule *schedule, int64_t after_ms, int64_t at_ms)
{
    after_ms = not_before_1970(after_ms);
    at_ms = at_ms > LAST_MS ? LAST_MS : at_ms;
    if (schedule_next(schedule, after_ms, NULL) > at_ms)
        return INT64_MIN;

    int64_t low_ms = at_ms, high_ms = at_ms;

    /* most schedules have one not long before */
    for (int64_t span_ms = 60000; schedule_next(schedule, low_ms, NULL) > at_ms;
         span_ms *= 2) {
        high_ms = low_ms;
        low_ms = at_ms - after_ms > span_ms ? at_ms - span_ms : after_ms;
    }
    return find_last(schedule, low_ms, high_ms, at_ms);
}

uint64_t schedule_count(const struct schedule *schedule, int64_t after_ms,
                        int64_t until_ms, uint64_t most)
{
    uint64_t count = 0;
    int64_t slot_ms = schedule_next(schedule, after_ms, NULL);

    if (slot_ms > until_ms || slot_ms == INT64_MAX)
        return 0;
    if (schedule->every_ms > 0) {
        until_ms = until_ms > LAST_MS ? LAST_MS : until_ms;
        count = (uint64_t)((until_ms - slot_ms) / schedule->every_ms) + 1;
        return count < most ? count : most;
    }
    while (count < most && slot_ms <= until_ms && slot_ms != INT64_MAX) {
        count++;
        slot_ms = schedule_next(schedule, slot_ms, NULL);
    }
    return count;
}
