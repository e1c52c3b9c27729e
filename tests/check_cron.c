/* tests/check_cron.c - cron's five fields: what is refused, and the days that fit. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "schedule/cron.h"
#include "schedules.h"
#include "suite.h"

/* --- syntax --------------------------------------------------------------------------- */

static const struct wrong_text {
    const char *text, *wrong;
} wrong_texts[] = {
    {"",
     "the schedule is empty; it has five fields: minute, hour, day of month, month, day "
     "of week"},
    {" \t ",
     "the schedule is empty; it has five fields: minute, hour, day of month, month, "
     "day of week"},
    {"0 0 * *",
     "4 fields; there are five: minute, hour, day of month, month, day of week"},
    {"5", "1 field; there are five: minute, hour, day of month, month, day of week"},
    {"0 0 0 * * *",
     "six fields; there are five: minute, hour, day of month, month, day of "
     "week. Seconds are not supported: use every = \"30s\""},
    {"0 0 0 1 1 * 2026",
     "7 fields; there are five: minute, hour, day of month, month, day of week"},
    {"60 * * * *", "minute: '60' is not in 0 to 59"},
    {"99999999999999999999 * * * *", "minute: '99999999999999999999' is not in 0 to 59"},
    {"* 24 * * *", "hour: '24' is not in 0 to 23"},
    {"* * 0 * *", "day of month: '0' is not in 1 to 31"},
    {"* * 32 * *", "day of month: '32' is not in 1 to 31"},
    {"* * * 13 *", "month: '13' is not in 1 to 12"},
    {"* * * 0 *", "month: '0' is not in 1 to 12"},
    {"* * * * 8", "day of week: '8' is not in 0 to 7"},
    {"-1 * * * *", "minute: '-1' lacks a number"},
    {"1- * * * *", "minute: '1-' lacks a number"},
    {"1-2-3 * * * *", "minute: '2-3' is no number"},
    {"+1 * * * *", "minute: '+1' is no number"},
    {"1.5 * * * *", "minute: '1.5' is no number"},
    {"0x10 * * * *", "minute: '0x10' is no number"},
    {"a * * * *", "minute: 'a' is no number"},
    {"** * * * *", "minute: '**' is no number"},
    {"1-70 * * * *", "minute: '70' is not in 0 to 59"},
    {"30-10 * * * *",
     "minute: '30-10' goes backward: write two ranges with a comma between"},
    {"* 22-6 * * *", "hour: '22-6' goes backward: write two ranges with a comma between"},
    {"* * * * FRI-MON",
     "day of week: 'FRI-MON' goes backward: write two ranges with a comma between"},
    {"* * * * 6-0",
     "day of week: '6-0' goes backward: write two ranges with a comma between"},
    {"* * * Nov-Feb *",
     "month: 'Nov-Feb' goes backward: write two ranges with a comma between"},
    {", * * * *", "minute: a comma has nothing before or behind it"},
    {"1,,2 * * * *", "minute: a comma has nothing before or behind it"},
    {"1, * * * *", "minute: a comma has nothing before or behind it"},
    {"*/0 * * * *", "minute: the step of '*/0' is not in 1 to 59"},
    {"*/60 * * * *", "minute: the step of '*/60' is not in 1 to 59"},
    {"*/99999999999999999999 * * * *",
     "minute: the step of '*/99999999999999999999' is not in 1 to 59"},
    {"*/-5 * * * *", "minute: '*/-5' has no number as its step"},
    {"*/ * * * *", "minute: '*/' has no number as its step"},
    {"*/5/5 * * * *", "minute: '*/5/5' has no number as its step"},
    {"/5 * * * *", "minute: '/5' lacks a number"},
    {"5/15 * * * *", "minute: '5/15' is a step without a range: write 5-59/15"},
    {"* * * MAR/3 *", "month: 'MAR/3' is a step without a range: write MAR-12/3"},
    {"* * * * Monday", "day of week: 'Monday' is none; do you mean Mon?"},
    {"* * * * Mo-Fr", "day of week: 'Mo' is none; do you mean Mon?"},
    {"* * * * wendesday", "day of week: 'wendesday' is none; do you mean Wed?"},
    {"* * * SEPT *", "month: 'SEPT' is none; do you mean Sep?"},
    {"* * * * DI", "day of week: 'DI' is neither a number nor a name such as Mon"},
    {"* MON * * *", "hour: 'MON' is no number"},
    {"* * ? * ?", "day of week: '?' cannot stand for both fields of days"},
    {"? * * * *", "minute: '?' is for the fields of days only"},
    {"* * * ? *", "month: '?' is for the fields of days only"},
    {"* * ?/2 * *", "day of month: '?' is no number"},
    {"* * 1,? * *", "day of month: '?' is no number"},
    {"* * L-31 * *", "day of month: 'L-31' is not in L-0 to L-30, days before the last"},
    {"* * L- * *", "day of month: 'L-' is not in L-0 to L-30, days before the last"},
    {"* * L-3W * *", "day of month: 'L-3W' is not in L-0 to L-30, days before the last"},
    {"* * 32W * *", "day of month: '32' is not in 1 to 31"},
    {"* * W * *", "day of month: 'W' is no number"},
    {"* * *W * *", "day of month: '*' is no number"},
    {"* * 1-5W * *",
     "day of month: '1-5W' is more than one day: W stands behind a single one"},
    {"* * 5L * *", "day of month: '5L' is no number"},
    {"* * 1#2 * *", "day of month: '1#2' is no number"},
    {"* * * L *", "month: 'L' is neither a number nor a name such as Feb"},
    {"* * * * L",
     "day of week: 'L' is the last of which day? Write 5L for the last Friday"},
    {"* * * * 8L", "day of week: '8' is not in 0 to 7"},
    {"* * * * 1-5L",
     "day of week: '1-5L' is more than one day: L stands behind a single one"},
    {"* * * * 5#6",
     "day of week: '5#6' is not in #1 to #5: a month has no more of a weekday"},
    {"* * * * 5#0",
     "day of week: '5#0' is not in #1 to #5: a month has no more of a weekday"},
    {"* * * * 5#",
     "day of week: '5#' is not in #1 to #5: a month has no more of a weekday"},
    {"* * * * #2", "day of week: '#2' lacks a number"},
    {"* * * * 15W", "day of week: '15W' is neither a number nor a name such as Mon"},
    {"0 0 30 2 *", "day of month: '30' never comes in month '2'"},
    {"0 0 30-31 feb *", "day of month: '30-31' never comes in month 'feb'"},
    {"0 0 31 4,6,9,11 *", "day of month: '31' never comes in month '4,6,9,11'"},
    {"0 0 L-29 2 *", "day of month: 'L-29' never comes in month '2'"},
    {"0 0 31W 2 *", "day of month: '31W' never comes in month '2'"},
    {"0 0 */31 * 5#2",
     "day of week: '5#2' never comes on day of month '*/31' in month '*'"},
    {"0 0 30 2 */2", "day of month: '30' never comes in month '2'"},
    {"@reboot", "'@reboot' is no time: it would run on each host, and again whenever one "
                "starts"},
    {"@every 5m", "'@every' is written every = \"15m\""},
    {"@dayly", "'@dayly' is unknown; do you mean @daily?"},
    {"@", "'@' is unknown; there are @yearly, @annually, @monthly, @weekly, @daily, "
          "@midnight and @hourly"},
    {"@daily 5", "'@daily' stands alone"},
    {"0 0 * * *\n",
     "character 10 of the schedule is the byte 0x0a; it is made of letters, "
     "digits, blanks and */-,?#@"},
    {"0\xc2\xa0"
     "0 * * *",
     "character 2 of the schedule is the byte 0xc2; it is made of "
     "letters, digits, blanks and */-,?#@"},
};

START_TEST(what_is_no_schedule_is_refused_with_the_reason)
{
    struct cron cron;
    char *wrong = cron_parse(wrong_texts[_i].text, &cron);

    ck_assert_msg(wrong != NULL, "taken: %s", wrong_texts[_i].text);
    ck_assert_str_eq(wrong, wrong_texts[_i].wrong);
    free(wrong);
}
END_TEST

START_TEST(huge_texts_and_words_are_refused)
{
    char text[20000];
    struct cron cron;
    char *wrong;

    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    wrong = cron_parse(text, &cron);
    ck_assert_str_eq(wrong, "a schedule has no more than 1000 characters, not 19999");
    free(wrong);
    strcpy(text + 500, " * * * *");
    wrong = cron_parse(text, &cron);
    ck_assert_str_eq(wrong, "minute: a word is longer than 100 characters");
    free(wrong);
    text[0] = '@';
    wrong = cron_parse(text, &cron);
    ck_assert_msg(wrong != NULL && strlen(wrong) < 700, "%s", wrong);
    free(wrong);
}
END_TEST

/* Texts that mean the same. */
static const struct alike {
    const char *text, *same;
} alikes[] = {
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {" @Daily\t", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
    {"\t 00  05\t* * * ", "0 5 * * *"},
    {"0 0 * * 7", "0 0 * * 0"},
    {"0 0 * * SUN", "0 0 * * 0"},
    {"0 0 * * 5-7", "0 0 * * 0,5,6"},
    {"0 0 * * Sat-sun", "0 0 * * 0,6"},
    {"0 0 * * SUN-TUE", "0 0 * * 0,1,2"},
    {"0 0 * * mon-fri", "0 0 * * 1-5"},
    {"0 0 * jan,MAY-Jul *", "0 0 * 1,5,6,7 *"},
    {"0 0 ? * 1", "0 0 * * 1"},
    {"0 0 1 * ?", "0 0 1 * *"},
    {"*/20 * * * *", "0-59/20 * * * *"},
    {"10-20/5,3 * * * *", "3,10,15,20 * * * *"},
    {"0 0 L * *", "0 0 l-0 * *"},
    {"0 0 * * friL", "0 0 * * 5L"},
    {"0 0 * * SUN#1", "0 0 * * 7#1"},
    {"0 0 lw * *", "0 0 LW * *"},
};

START_TEST(texts_that_mean_the_same_are_the_same)
{
    struct cron one = parse_cron(alikes[_i].text), other = parse_cron(alikes[_i].same);
    int64_t at = 0;

    ck_assert_int_eq(one.any_day, other.any_day);
    ck_assert_int_eq(one.any_weekday, other.any_weekday);
    for (int i = 0; i < 1000; i++) {
        const int64_t next = cron_next(&one, at);

        ck_assert_int_eq(next, cron_next(&other, at));
        at = next;
    }
}
END_TEST

/* --- days ----------------------------------------------------------------------------- */

/* The first days after `after` at which it fires, as dates; ended by NULL. */
static const struct days {
    const char *text, *after;
    const char *days[5];
} days[] = {
    /* 2026-01-31 is a Saturday */
    {"0 0 31 * *", "2026-01-01T00:00:00Z", {"2026-01-31", "2026-03-31", "2026-05-31"}},
    {"0 0 29 2 *", "2096-02-28T00:00:00Z", {"2096-02-29", "2104-02-29"}},
    {"0 0 L 2 *", "2096-01-01T00:00:00Z", {"2096-02-29", "2097-02-28", "2098-02-28"}},
    {"0 0 L * *", "2026-01-31T00:00:00Z", {"2026-02-28", "2026-03-31", "2026-04-30"}},
    {"0 0 L-3 * *", "2026-01-01T00:00:00Z", {"2026-01-28", "2026-02-25", "2026-03-28"}},
    {"0 0 L-30 * *", "2026-01-01T00:00:00Z", {"2026-03-01", "2026-05-01", "2026-07-01"}},
    {"0 0 LW * *", "2026-01-01T00:00:00Z", {"2026-01-30", "2026-02-27", "2026-03-31"}},
    {"0 0 15W * *",
     "2026-01-01T00:00:00Z",
     {"2026-01-15", "2026-02-16", "2026-03-16", "2026-04-15"}},
    {"0 0 1W * *", "2026-07-15T00:00:00Z", {"2026-08-03", "2026-09-01", "2026-10-01"}},
    {"0 0 1W 2,11 *", "2026-01-01T00:00:00Z", {"2026-02-02", "2026-11-02"}},
    {"0 0 31W * *", "2026-01-01T00:00:00Z", {"2026-01-30", "2026-03-31", "2026-05-29"}},
    {"0 0 30W 11 *", "2025-01-01T00:00:00Z", {"2025-11-28", "2026-11-30"}},
    {"0 0 1W,15,L * *",
     "2026-01-31T00:00:00Z",
     {"2026-02-02", "2026-02-15", "2026-02-28", "2026-03-02"}},
    {"0 0 * * 5L", "2026-01-01T00:00:00Z", {"2026-01-30", "2026-02-27", "2026-03-27"}},
    {"0 0 * 2 0L", "2032-01-01T00:00:00Z", {"2032-02-29", "2033-02-27"}},
    {"0 0 * * 5#2", "2026-01-01T00:00:00Z", {"2026-01-09", "2026-02-13", "2026-03-13"}},
    {"0 0 * * 5#5", "2026-01-01T00:00:00Z", {"2026-01-30", "2026-05-29", "2026-07-31"}},
    {"0 0 * 2 1#5", "2026-01-01T00:00:00Z", {"2044-02-29", "2072-02-29"}},
    {"0 0 * * 1#1,3L",
     "2026-01-01T00:00:00Z",
     {"2026-01-05", "2026-01-28", "2026-02-02"}},
    /* one of the two, or both when one begins with a star */
    {"0 0 13 * 5", "2026-02-01T00:00:00Z", {"2026-02-06", "2026-02-13", "2026-02-20"}},
    {"0 0 */12 * 5", "2026-01-01T00:00:00Z", {"2026-02-13", "2026-03-13", "2026-05-01"}},
    {"0 0 13 * */5", "2026-02-01T00:00:00Z", {"2026-02-13", "2026-03-13", "2026-09-13"}},
    {"0 0 31 2 1", "2026-01-31T00:00:00Z", {"2026-02-02", "2026-02-09", "2026-02-16"}},
    {"0 0 */28 2 1", "1999-01-01T00:00:00Z", {"1999-02-01", "2010-02-01", "2016-02-01"}},
    {"0 0 13W * 5#2",
     "2026-02-01T00:00:00Z",
     {"2026-02-13", "2026-03-13", "2026-04-10", "2026-04-13"}},
};

START_TEST(days_come_as_the_calendar_has_them)
{
    const struct cron cron = parse_cron(days[_i].text);
    int64_t at_s = parse_ms(days[_i].after) / 1000;
    char text[CLOCK_TEXT_SIZE];

    for (int i = 0; i < 5 && days[_i].days[i] != NULL; i++) {
        at_s = cron_next(&cron, at_s);
        clock_format_utc(at_s * 1000, text);
        text[10] = '\0';
        ck_assert_msg(strcmp(text, days[_i].days[i]) == 0, "%s: %s instead of %s",
                      days[_i].text, text, days[_i].days[i]);
    }
}
END_TEST

START_TEST(the_end_of_the_calendar_is_the_end)
{
    const struct cron cron = parse_cron("59 23 31 12 *");
    const int64_t last_s = calendar_days(9999, 12, 31) * 86400 + 86340;

    ck_assert_int_eq(cron_next(&cron, last_s - 1), last_s);
    ck_assert_int_eq(cron_next(&cron, last_s), INT64_MAX);
    ck_assert_int_eq(cron_next(&cron, INT64_MAX), INT64_MAX);
    ck_assert_int_eq(cron_next(&cron, INT64_MIN),
                     calendar_days(1, 12, 31) * 86400 + 86340);
}
END_TEST

START_TEST(a_time_before_1970_has_its_minute)
{
    const struct cron cron = parse_cron("*/15 * * * *");

    ck_assert_int_eq(cron_next(&cron, -1), 0);
    ck_assert_int_eq(cron_next(&cron, -900), 0);
    ck_assert_int_eq(cron_next(&cron, -901), -900);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cron");
    TCase *topic = add_case(suite, "syntax", NULL, NULL);

    tcase_add_loop_test(topic, what_is_no_schedule_is_refused_with_the_reason, 0,
                        COUNT_OF(wrong_texts));
    tcase_add_test(topic, huge_texts_and_words_are_refused);
    tcase_add_loop_test(topic, texts_that_mean_the_same_are_the_same, 0,
                        COUNT_OF(alikes));

    topic = add_case(suite, "days", NULL, NULL);
    tcase_add_loop_test(topic, days_come_as_the_calendar_has_them, 0, COUNT_OF(days));
    tcase_add_test(topic, the_end_of_the_calendar_is_the_end);
    tcase_add_test(topic, a_time_before_1970_has_its_minute);
    return run_suite(suite);
}
