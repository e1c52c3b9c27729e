/* tests/check_schedule.c - the slots of schedules around shifts of the clocks.
 *
 * As `check_schedule slots` it is the program that tests/schedule_oracle.py asks: lines of zone,
 * first and last moment in seconds, and schedule, with tabs between; for each the number of slots
 * and the slots themselves, as 64-bit numbers. As `check_schedule offsets` it reads lines of zone
 * and moments, and writes the offset, flag and abbreviation of each, and then the next shift. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/clock.h"
#include "schedule/schedule.h"
#include "schedule/zone.h"
#include "schedules.h"
#include "suite.h"

static struct zone *open_zone(const char *name)
{
    char *wrong;
    struct zone *zone = zone_open(name, &wrong);

    if (zone == NULL)
        ck_abort_msg("%s", wrong);
    return zone;
}

/* --- slots around shifts -------------------------------------------------------------- */

#define PLAIN   SCHEDULE_PLAIN
#define SHIFTED SCHEDULE_SHIFTED
#define FIRST   SCHEDULE_FIRST

/* The slots after `after`, in UTC, and how they come to be there; ended by NULL. */
static const struct slots {
    const char *zone, *text, *after;
    struct {
        const char *at;
        enum schedule_note note;
    } slots[6];
} slots[] = {
    /* Berlin: 02:00 to 03:00 does not exist on 2026-03-29, and exists twice on 2026-10-25 */
    {"Europe/Berlin",
     "30 2 * * *",
     "2026-03-28T12:00:00Z",
     {{"2026-03-29T01:00:00Z", SHIFTED}, {"2026-03-30T00:30:00Z", PLAIN}}},
    {"Europe/Berlin",
     "0,20,40 2 * * *",
     "2026-03-28T12:00:00Z",
     {{"2026-03-29T01:00:00Z", SHIFTED}, {"2026-03-30T00:00:00Z", PLAIN}}},
    {"Europe/Berlin",
     "0 2,3 * * *",
     "2026-03-28T12:00:00Z",
     {{"2026-03-29T01:00:00Z", PLAIN}, {"2026-03-30T00:00:00Z", PLAIN}}},
    {"Europe/Berlin",
     "30 2,3 * * *",
     "2026-03-28T12:00:00Z",
     {{"2026-03-29T01:00:00Z", SHIFTED},
      {"2026-03-29T01:30:00Z", PLAIN},
      {"2026-03-30T00:30:00Z", PLAIN}}},
    {"Europe/Berlin",
     "*/30 * * * *",
     "2026-03-29T00:00:00Z",
     {{"2026-03-29T00:30:00Z", PLAIN},
      {"2026-03-29T01:00:00Z", PLAIN},
      {"2026-03-29T01:30:00Z", PLAIN}}},
    {"Europe/Berlin",
     "30 2 * * *",
     "2026-10-24T12:00:00Z",
     {{"2026-10-25T00:30:00Z", FIRST}, {"2026-10-26T01:30:00Z", PLAIN}}},
    {"Europe/Berlin", /* from inside of the second of the two hours */
     "30 2 * * *",
     "2026-10-25T01:10:00Z",
     {{"2026-10-26T01:30:00Z", PLAIN}}},
    {"Europe/Berlin",
     "0 * * * *",
     "2026-10-24T23:00:00Z",
     {{"2026-10-25T00:00:00Z", FIRST},
      {"2026-10-25T02:00:00Z", PLAIN},
      {"2026-10-25T03:00:00Z", PLAIN}}},
    {"Europe/Berlin", /* 03:00 exists once */
     "0 3 * * *",
     "2026-10-24T12:00:00Z",
     {{"2026-10-25T02:00:00Z", PLAIN}}},
    /* shifts at midnight: the day begins at 01:00, or its last hour exists twice */
    {"America/Sao_Paulo",
     "0 0 * * *",
     "2018-11-03T12:00:00Z",
     {{"2018-11-04T03:00:00Z", SHIFTED}, {"2018-11-05T02:00:00Z", PLAIN}}},
    {"America/Sao_Paulo",
     "30 23 * * *",
     "2019-02-16T12:00:00Z",
     {{"2019-02-17T01:30:00Z", FIRST}, {"2019-02-18T02:30:00Z", PLAIN}}},
    {"Africa/Cairo",
     "15 0 * * *",
     "2024-04-25T12:00:00Z",
     {{"2024-04-25T22:00:00Z", SHIFTED}, {"2024-04-26T21:15:00Z", PLAIN}}},
    {"Asia/Beirut",
     "0 0 * * *",
     "2022-03-26T12:00:00Z",
     {{"2022-03-26T22:00:00Z", SHIFTED}, {"2022-03-27T21:00:00Z", PLAIN}}},
    {"America/Santiago", /* the first of a month, at its missing midnight */
     "0 0 8 9 *",
     "2024-01-01T00:00:00Z",
     {{"2024-09-08T04:00:00Z", SHIFTED}, {"2025-09-08T03:00:00Z", PLAIN}}},
    /* half an hour */
    {"Australia/Lord_Howe",
     "15 2 * * *",
     "2025-10-04T12:00:00Z",
     {{"2025-10-04T15:30:00Z", SHIFTED}, {"2025-10-05T15:15:00Z", PLAIN}}},
    {"Australia/Lord_Howe",
     "*/15 1 * * *",
     "2025-04-05T12:00:00Z",
     {{"2025-04-05T14:00:00Z", PLAIN},
      {"2025-04-05T14:15:00Z", PLAIN},
      {"2025-04-05T14:30:00Z", FIRST},
      {"2025-04-05T14:45:00Z", FIRST},
      {"2025-04-06T14:30:00Z", PLAIN}}},
    /* 2011-12-30 is left out as a whole: what is due at any of its times fires at its end */
    {"Pacific/Apia",
     "0 12 * * *",
     "2011-12-29T12:00:00Z",
     {{"2011-12-29T22:00:00Z", PLAIN},
      {"2011-12-30T10:00:00Z", SHIFTED},
      {"2011-12-30T22:00:00Z", PLAIN}}},
    {"Pacific/Apia",
     "0 8 30 12 *",
     "2011-12-01T00:00:00Z",
     {{"2011-12-30T10:00:00Z", SHIFTED}}},
    {"Pacific/Apia",
     "0 */6 * * *",
     "2011-12-30T03:00:00Z",
     {{"2011-12-30T04:00:00Z", PLAIN},
      {"2011-12-30T10:00:00Z", PLAIN},
      {"2011-12-30T16:00:00Z", PLAIN}}},
    {"Pacific/Kwajalein", /* 1993-08-21 is left out */
     "0 0 21 8 *",
     "1993-08-01T00:00:00Z",
     {{"1993-08-21T12:00:00Z", SHIFTED}, {"1994-08-20T12:00:00Z", PLAIN}}},
    /* no daylight saving, but another offset */
    {"Asia/Pyongyang",
     "45 23 * * *",
     "2018-05-04T00:00:00Z",
     {{"2018-05-04T15:00:00Z", SHIFTED}, {"2018-05-05T14:45:00Z", PLAIN}}},
    {"America/Caracas",
     "45 2 * * *",
     "2016-04-30T12:00:00Z",
     {{"2016-05-01T07:00:00Z", SHIFTED}, {"2016-05-02T06:45:00Z", PLAIN}}},
    {"Europe/Moscow",
     "30 1 * * *",
     "2014-10-25T12:00:00Z",
     {{"2014-10-25T21:30:00Z", FIRST}, {"2014-10-26T22:30:00Z", PLAIN}}},
    {"Africa/Monrovia", /* 44 min 30 s west until 1972-01-07 */
     "0 0 * * *",
     "1972-01-06T00:00:00Z",
     {{"1972-01-06T00:44:30Z", PLAIN},
      {"1972-01-07T00:44:30Z", SHIFTED},
      {"1972-01-08T00:00:00Z", PLAIN}}},
    {"Africa/Casablanca", /* daylight saving is what is left for Ramadan */
     "30 2 * * *",
     "2025-02-22T12:00:00Z",
     {{"2025-02-23T01:30:00Z", FIRST}, {"2025-02-24T02:30:00Z", PLAIN}}},
    {"UTC", "30 2 * * *", "2026-03-28T12:00:00Z", {{"2026-03-29T02:30:00Z", PLAIN}}},
    {"UTC", "0 0 1 1 *", "1969-01-01T00:00:00Z", {{"1970-01-01T00:00:00Z", PLAIN}}},
};

START_TEST(each_local_time_fires_once)
{
    struct zone *zone = open_zone(slots[_i].zone);
    const struct schedule schedule = {.cron = parse_cron(slots[_i].text), .zone = zone};
    int64_t at_ms = parse_ms(slots[_i].after);

    for (int i = 0; i < 6 && slots[_i].slots[i].at != NULL; i++) {
        enum schedule_note note;
        const int64_t expected_ms = parse_ms(slots[_i].slots[i].at);

        at_ms = schedule_next(&schedule, at_ms, &note);
        ck_assert_msg(at_ms == expected_ms && note == slots[_i].slots[i].note,
                      "%s in %s: %" PRId64 " (%d) instead of %s, %" PRId64 " (%d)",
                      slots[_i].text, slots[_i].zone, at_ms, (int)note,
                      slots[_i].slots[i].at, expected_ms, (int)slots[_i].slots[i].note);
    }
    zone_close(zone);
}
END_TEST

START_TEST(an_interval_goes_by_elapsed_time)
{
    const struct schedule schedule = {.every_ms = 900000};

    ck_assert_int_eq(schedule_next(&schedule, INT64_MIN, NULL), 0);
    ck_assert_int_eq(schedule_next(&schedule, -1, NULL), 0);
    ck_assert_int_eq(schedule_next(&schedule, 0, NULL), 900000);
    ck_assert_int_eq(schedule_next(&schedule, 899999, NULL), 900000);
    ck_assert_int_eq(schedule_last(&schedule, -1, 899999), 0);
    ck_assert_int_eq(schedule_last(&schedule, 0, 899999), INT64_MIN);
    ck_assert_int_eq(schedule_last(&schedule, 0, 9000000), 9000000);
    ck_assert_uint_eq(schedule_count(&schedule, 0, 9000000, 1000), 10);
    ck_assert_uint_eq(schedule_count(&schedule, -1, 9000000, 1000), 11);
    ck_assert_uint_eq(schedule_count(&schedule, 0, 9000000, 4), 4);
    ck_assert_uint_eq(schedule_count(&schedule, 0, -5, 4), 0);
}
END_TEST

START_TEST(times_at_the_ends_of_the_numbers_do_no_harm)
{
    struct zone *zone = open_zone("America/New_York");
    const struct schedule all[] = {
        {.cron = parse_cron("*/5 * * * *"), .zone = zone},
        {.cron = parse_cron("0 0 29 2 *"), .zone = zone},
        {.every_ms = 1000},
        {.every_ms = SCHEDULE_LONGEST_DAYS * INT64_C(86400000)}};
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, -1,
                                   0,         INT64_MAX - 1, INT64_MAX};

    for (int i = 0; i < COUNT_OF(all); i++) {
        for (int j = 0; j < COUNT_OF(ends); j++) {
            const int64_t next_ms = schedule_next(&all[i], ends[j], NULL);

            ck_assert(next_ms > ends[j] || next_ms == INT64_MAX);
            ck_assert(next_ms >= 0);
            for (int k = 0; k < COUNT_OF(ends); k++) {
                const int64_t last_ms = schedule_last(&all[i], ends[j], ends[k]);
                const uint64_t count = schedule_count(&all[i], ends[j], ends[k], 3);

                ck_assert(last_ms == INT64_MIN ||
                          (last_ms > ends[j] && last_ms <= ends[k]));
                ck_assert_int_eq(last_ms != INT64_MIN, count > 0);
            }
        }
    }
    zone_close(zone);
}
END_TEST

/* --- what must hold for all ----------------------------------------------------------- */

static const char *const some_zones[] = {
    "UTC",           "Europe/Berlin",     "America/New_York",    "America/Santiago",
    "Pacific/Apia",  "Africa/Casablanca", "Australia/Lord_Howe", "America/Sao_Paulo",
    "Asia/Tehran",   "Asia/Beirut",       "Africa/Cairo",        "Antarctica/Troll",
    "Europe/Dublin", "Pacific/Chatham",   "America/Caracas",     "Asia/Pyongyang"};
static const char *const some_texts[] = {
    "* * * * *",     "*/5 * * * *",  "30 2 * * *",    "0 0 * * *",      "15,45 1-3 * * *",
    "0 0 L * *",     "30 23 * * 6",  "59 23 31 12 *", "0 3 29 2 *",     "0 0 1W * *",
    "0 0 * * 0L",    "30 0 * 3,4 0", "*/7 2 * 10 *",  "0 12 30 12 *",   "0 0 1-7 * 1",
    "0 */2 * * 5#1", "1 1 1 1 *",    "17 4 * * 1-5",  "0 2,3 25-31 * *"};

static uint64_t draw(uint64_t *state) /* xorshift64 */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

START_TEST(last_and_count_agree_with_next)
{
    struct zone *zone = open_zone(some_zones[_i]);
    uint64_t state = 88172645463325252U + (uint64_t)_i;

    for (int i = 0; i < COUNT_OF(some_texts) * 30; i++) {
        const struct schedule schedule = {
            .cron = parse_cron(some_texts[i % COUNT_OF(some_texts)]), .zone = zone};
        const int64_t after_ms = (int64_t)(draw(&state) % (UINT64_C(80) * 31557600000));
        const int64_t span_ms = (int64_t)(draw(&state) % (UINT64_C(1) << (17 + i % 22)));
        int64_t slot_ms = after_ms, last_ms = INT64_MIN;
        uint64_t count = 0;
        bool is_found_again = true;

        while (count < 2000 && (slot_ms = schedule_next(&schedule, slot_ms, NULL)) <=
                                   after_ms + span_ms) {
            last_ms = slot_ms;
            count++;
            is_found_again &= schedule_next(&schedule, slot_ms - 1, NULL) == slot_ms;
        }
        ck_assert(is_found_again);
        ck_assert_uint_eq(schedule_count(&schedule, after_ms, after_ms + span_ms, 2000),
                          count);
        if (count < 2000)
            ck_assert_int_eq(schedule_last(&schedule, after_ms, after_ms + span_ms),
                             last_ms);
        else
            ck_assert_int_eq(schedule_last(&schedule, after_ms, last_ms), last_ms);
    }
    zone_close(zone);
}
END_TEST

START_TEST(the_next_slot_is_the_same_from_every_moment_before_it)
{
    struct zone *zone = open_zone(some_zones[_i]);

    for (int i = 0; i < COUNT_OF(some_texts); i++) {
        const struct schedule schedule = {.cron = parse_cron(some_texts[i]),
                                          .zone = zone};
        int64_t shift_s = INT64_C(1262304000); /* 2010 */
        bool is_same = true;

        for (int n = 0; n < 30 && shift_s != INT64_MAX; n++) {
            int64_t at_s = shift_s - 7200;
            int64_t next_ms = schedule_next(&schedule, at_s * 1000, NULL);

            for (; at_s < shift_s + 7200; at_s += 60) {
                if (at_s * 1000 >= next_ms)
                    next_ms = schedule_next(&schedule, next_ms, NULL);
                is_same &= schedule_next(&schedule, at_s * 1000, NULL) == next_ms &&
                           schedule_next(&schedule, at_s * 1000 + 999, NULL) == next_ms;
            }
            ck_assert_msg(is_same, "%s near %" PRId64, some_texts[i], shift_s);
            shift_s = zone_next_shift(zone, shift_s);
        }
    }
    zone_close(zone);
}
END_TEST

/* --- for the oracle ------------------------------------------------------------------- */

static void put_number(int64_t number)
{
    fwrite(&number, sizeof number, 1, stdout);
}

static void put_slots(const struct schedule *schedule, int64_t after_s, int64_t until_s)
{
    const int64_t until_ms = until_s * 1000;
    int64_t slot_ms = after_s * 1000;

    put_number((int64_t)schedule_count(schedule, slot_ms, until_ms, UINT64_MAX));
    while ((slot_ms = schedule_next(schedule, slot_ms, NULL)) <= until_ms)
        put_number(slot_ms / 1000);
}

/* What one of the words of a line means; it is taken off the line. */
static char *take_word(char **line)
{
    char *word = *line;

    *line += strcspn(*line, "\t\n");
    if (**line != '\0')
        *(*line)++ = '\0';
    return word;
}

static void answer_slots(struct zone *zone, char *line)
{
    const int64_t after_s = strtoll(take_word(&line), NULL, 10);
    const int64_t until_s = strtoll(take_word(&line), NULL, 10);
    struct schedule schedule = {.zone = zone};
    char *wrong = cron_parse(take_word(&line), &schedule.cron);

    if (wrong != NULL) {
        fprintf(stderr, "%s\n", wrong);
        exit(1);
    }
    put_slots(&schedule, after_s, until_s);
}

static void answer_offsets(struct zone *zone, char *line)
{
    while (*line != '\0') {
        const int64_t at_s = strtoll(take_word(&line), NULL, 10);
        const struct zone_offset offset = zone_at(zone, at_s);

        printf("%d %d %s %" PRId64 "\n", (int)offset.offset_s, offset.is_dst,
               offset.abbreviation, zone_next_shift(zone, at_s));
    }
}

static int answer(void (*one)(struct zone *zone, char *line))
{
    static char line[1 << 20];

    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line, *wrong;
        struct zone *zone = zone_open(take_word(&rest), &wrong);

        if (zone == NULL) {
            fprintf(stderr, "%s\n", wrong);
            free(wrong);
            return 1;
        }
        one(zone, rest);
        zone_close(zone);
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "slots") == 0)
        return answer(answer_slots);
    if (argc == 2 && strcmp(argv[1], "offsets") == 0)
        return answer(answer_offsets);

    Suite *suite = suite_create("schedule");
    TCase *topic = add_case(suite, "slots", NULL, NULL);
    tcase_add_loop_test(topic, each_local_time_fires_once, 0, COUNT_OF(slots));
    tcase_add_test(topic, an_interval_goes_by_elapsed_time);
    tcase_add_test(topic, times_at_the_ends_of_the_numbers_do_no_harm);
    tcase_add_loop_test(topic, last_and_count_agree_with_next, 0, COUNT_OF(some_zones));
    tcase_add_loop_test(topic, the_next_slot_is_the_same_from_every_moment_before_it, 0,
                        COUNT_OF(some_zones));
    return run_suite(suite);
}
