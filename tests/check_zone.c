/* tests/check_zone.c - time zones: files good and damaged, names, rules, shifts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/calendar.h"
#include "base/memory.h"
#include "schedule/zone.h"
#include "suite.h"
#include "zones.h"

/* A zone that went from 2 to 3 hours east in 2000, and has a rule. */
static const struct content sound = {.version = '2',
                                     .shifts = {{0, 1}, {946684800, 0}},
                                     .shift_count = 2,
                                     .kinds = {{10800, 0, 4}, {7200, 0, 0}},
                                     .kind_count = 2,
                                     .text = "TWO\0+03",
                                     .text_length = 8,
                                     .footer = "<+03>-3"};

static struct zone *open_rule(const char *rule)
{
    const struct content content = {.version = '3',
                                    .kinds = {{0, 0, 0}},
                                    .kind_count = 1,
                                    .text = "LMT",
                                    .text_length = 4,
                                    .footer = rule};
    return open_content(&content);
}

static void check_refusal(const char *name, const char *expected)
{
    char *wrong = NULL;

    ck_assert_ptr_null(zone_open(name, &wrong));
    if (strstr(wrong, expected) == NULL)
        ck_abort_msg("'%s' instead of '%s'", wrong, expected);
    free(wrong);
}

/* --- files ---------------------------------------------------------------------------- */

static struct content with_kind(int32_t offset_s, int is_dst, int abbreviation)
{
    struct content content = sound;

    content.kinds[1].offset_s = offset_s;
    content.kinds[1].is_dst = is_dst;
    content.kinds[1].abbreviation = abbreviation;
    return content;
}

START_TEST(a_file_is_read_as_the_document_has_it)
{
    struct content content = sound;

    for (int i = 0; i < 4; i++) {
        content.version = "\0"
                          "234"[i];

        struct zone *zone = open_content(&content);

        ck_assert_ptr_nonnull(zone);
        ck_assert_str_eq(zone_name(zone), "Own");
        ck_assert_int_eq(zone_at(zone, -1).offset_s, 10800); /* of the first kind */
        ck_assert_int_eq(zone_at(zone, 0).offset_s, 7200);
        ck_assert_int_eq(zone_at(zone, 946684799).offset_s, 7200);
        ck_assert_str_eq(zone_at(zone, 946684799).abbreviation, "TWO");
        ck_assert_int_eq(zone_at(zone, 946684800).offset_s, 10800);
        ck_assert_str_eq(zone_at(zone, 946684800).abbreviation, "+03");
        ck_assert_int_eq(zone_at(zone, INT64_MAX).offset_s, 10800);
        ck_assert_int_eq(zone_at(zone, INT64_MIN).offset_s, 10800);
        ck_assert_int_eq(zone_next_shift(zone, INT64_MIN), 0);
        ck_assert_int_eq(zone_next_shift(zone, 0), 946684800);
        ck_assert_int_eq(zone_next_shift(zone, 946684800), INT64_MAX);
        ck_assert_int_eq(zone_next_shift(zone, INT64_MAX), INT64_MAX);
        zone_close(zone);
    }
}
END_TEST

static void check_content(const struct content *content, const char *expected)
{
    put_content(content);
    check_refusal("Own", expected);
}

START_TEST(damage_is_named)
{
    struct content content = sound;

    content.version = '1';
    check_content(&content, "/Own: its version is unknown");
    content = sound;
    content.shifts[1].at_s = 0;
    check_content(&content, "its shifts are not in order");
    content.shifts[1].at_s = INT64_MAX;
    check_content(&content, "one of its shifts is at an impossible time");
    content = sound;
    content.shifts[1].kind = 2;
    check_content(&content, "one of its shifts leads nowhere");
    content = sound;
    content.text_length = 7;
    check_content(&content, "one of its abbreviations has no end");
    content = sound;
    content.kind_count = 0;
    check_content(&content, "its counts contradict each other");
    content = sound;
    content.standard_count = 1;
    check_content(&content, "its counts contradict each other");
    content = sound;
    content.universal_count = 3;
    check_content(&content, "its counts contradict each other");
    content = sound;
    content.leap_count = 1;
    check_content(&content, "time zone 'Own': ");
    check_content(&content, "it counts leap seconds, as the zones below \"right/\" do");
    content = with_kind(93600, 0, 0);
    check_content(&content, "one of its offsets is not between -25 and 26 hours");
    content = with_kind(-90000, 0, 0);
    check_content(&content, "one of its offsets is not between -25 and 26 hours");
    content = with_kind(INT32_MIN, 0, 0);
    check_content(&content, "one of its offsets is not between -25 and 26 hours");
    content = with_kind(0, 2, 0);
    check_content(&content, "one of its offsets neither is daylight saving nor is not");
    content = with_kind(0, 0, 8);
    check_content(&content, "one of its abbreviations is none");
    content = sound;
    content.text = "T\033[\0+03";
    check_content(&content, "one of its abbreviations is none");
}
END_TEST

START_TEST(what_is_no_zone_is_said_to_be_none)
{
    put_file("Own", "TZ", 2);
    check_refusal("Own", "it is cut off");
    put_file("Own", "", 0);
    check_refusal("Own", "it is cut off");
    put_file("Own", "# tzdb timezone descriptions, and more than a header\n", 53);
    check_refusal("Own", "it is no file of time zones (TZif)");
}
END_TEST

START_TEST(a_huge_file_is_not_read)
{
    struct buffer file = {0};
    const struct content content = sound;
    char *wrong = NULL;

    append_content(&file, &content);
    append_zeros(&file, (1 << 20) - file.length);
    put_file("Own", file.data, file.length);

    struct zone *zone =
        zone_open("Own", &wrong); /* what follows the footer counts for nothing */

    ck_assert_ptr_nonnull(zone);
    zone_close(zone);
    append_zeros(&file, 1);
    put_file("Own", file.data, file.length);
    check_refusal("Own", "/Own: File too large");
    buffer_deinit(&file);
}
END_TEST

START_TEST(what_is_no_regular_file_is_not_waited_for)
{
    char *path = memory_format("%s/Own", folder);

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    check_refusal("Own", "it is no regular file");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("Own", path), 0);
    check_refusal("Own", "Too many levels of symbolic links");
    free(path);
}
END_TEST

/* Counts of four bytes each at 20, 24, .. of a header: the most that they can say. */
START_TEST(counts_beyond_the_file_are_refused)
{
    const struct content content = sound;
    struct buffer file = {0};

    append_content(&file, &content);
    for (size_t header = 0; header < file.length; header++) {
        if (memcmp(file.data + header, "TZif", 4) != 0)
            continue;
        for (size_t at = header + 20; at < header + 44; at += 4) {
            char kept[4];

            memcpy(kept, file.data + at, 4);
            memset(file.data + at, 0xff, 4);
            put_file("Own", file.data, file.length);
            check_refusal("Own", "it");
            memcpy(file.data + at, kept, 4);
        }
    }
    buffer_deinit(&file);
}
END_TEST

START_TEST(a_file_that_is_cut_off_anywhere_is_refused)
{
    struct content content = sound;

    for (int i = 0; i < 2; i++) {
        struct buffer file = {0};

        content.version = "\0"
                          "2"[i];
        append_content(&file, &content);
        for (size_t length = 0; length < file.length; length++) {
            put_file("Own", file.data, length);
            check_refusal("Own", "it is cut off");
        }
        buffer_deinit(&file);
    }
}
END_TEST

/* Each byte of the file replaced by others: refused, or a zone with offsets one can live with. */
START_TEST(a_file_with_any_byte_wrong_does_no_harm)
{
    const struct content content = sound;
    struct buffer file = {0};
    int taken = 0;

    append_content(&file, &content);
    for (size_t i = 0; i < file.length; i++) {
        const char kept = file.data[i];

        for (int flip = 1; flip < 256; flip *= 2) {
            char *wrong = NULL;

            file.data[i] = (char)(kept ^ flip);
            put_file("Own", file.data, file.length);

            struct zone *zone = zone_open("Own", &wrong);
            int64_t utc_s;

            free(wrong);
            if (zone == NULL)
                continue;
            taken++;
            for (int64_t at_s = -1000000000; at_s < 4000000000; at_s += 500000000) {
                if (abs(zone_at(zone, at_s).offset_s) > 93599 ||
                    zone_next_shift(zone, at_s) <= at_s)
                    ck_abort_msg("byte %zu", i);
                zone_from_local(zone, at_s, &utc_s);
                if (zone_latest_local(zone, utc_s) < at_s)
                    ck_abort_msg("byte %zu", i);
            }
            zone_close(zone);
        }
        file.data[i] = kept;
    }
    ck_assert_int_gt(taken, 100);
    buffer_deinit(&file);
}
END_TEST

/* --- rules ---------------------------------------------------------------------------- */

static const char *const wrong_rules[] = {
    "C",
    "CE-1",
    "CET",
    "CET-",
    "CET-25",
    "CET-1:60",
    "CET-1:00:60",
    "CET-1:",
    "CET-1x",
    "<+03-3",
    "<>-3",
    "<+0 3>-3",
    "C3T-1",
    "CET-1CEST", /* daylight saving, but nobody says when */
    "CET-1CEST-2",
    "CET-1CEST,",
    "CET-1CEST,M3.5.0",
    "CET-1CEST,M3.5.0,",
    "CET-1CEST,M3.5.0,M10.5.0,",
    "CET-1CEST,M3.5.0,M10.5.0/",
    "CET-1CEST,M3.5.0,M10.5.0/168",
    "CET-1CEST,M3.5.0,M10.5.0/-168",
    "CET-1CEST,M0.5.0,M10.5.0",
    "CET-1CEST,M13.5.0,M10.5.0",
    "CET-1CEST,M3.0.0,M10.5.0",
    "CET-1CEST,M3.6.0,M10.5.0",
    "CET-1CEST,M3.5.7,M10.5.0",
    "CET-1CEST,M3.5,M10.5.0",
    "CET-1CEST,J0,J1",
    "CET-1CEST,J366,J1",
    "CET-1CEST,366,1",
    "CET-1CEST,J1000,J1",
    ":Europe/Berlin",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG-1",
    "<+03>-3 ",
};

START_TEST(what_is_no_rule_is_refused)
{
    struct content content = sound;

    content.footer = wrong_rules[_i];
    check_content(&content, "the rule in its footer is none");
}
END_TEST

static int64_t moment(int year, int month, int day, int hour, int minute)
{
    return calendar_days(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

/* The two shifts of a year, in UTC: the moment is that from which the offset counts. */
static const struct rule {
    const char *text;
    int year;
    struct {
        int month, day, hour, minute;
        int32_t offset_s;
        const char *abbreviation;
    } shifts[2];
} rules[] = {
    {"CET-1CEST,M3.5.0,M10.5.0/3",
     2500,
     {{3, 28, 1, 0, 7200, "CEST"}, {10, 31, 1, 0, 3600, "CET"}}},
    {"EST5EDT,M3.2.0,M11.1.0",
     2100,
     {{3, 14, 7, 0, -14400, "EDT"}, {11, 7, 6, 0, -18000, "EST"}}},
    {"<-04>4<-03>,M9.1.6/24,M4.1.6/24", /* south; 24:00 */
     2050,
     {{4, 3, 3, 0, -14400, "-04"}, {9, 4, 4, 0, -10800, "-03"}}},
    {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", /* before midnight: Nuuk */
     2050,
     {{3, 27, 1, 0, -3600, "-01"}, {10, 30, 1, 0, -7200, "-02"}}},
    {"IST-2IDT,M3.4.4/26,M10.5.0", /* Friday, as the day after a Thursday */
     2045,
     {{3, 24, 0, 0, 10800, "IDT"}, {10, 28, 23, 0, 7200, "IST"}}},
    {"EET-2EEST,M4.5.5/0,M10.5.4/24",
     2060,
     {{4, 29, 22, 0, 10800, "EEST"}, {10, 28, 21, 0, 7200, "EET"}}},
    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
     2040,
     {{3, 31, 15, 0, 37800, "+1030"}, {10, 6, 15, 30, 39600, "+11"}}},
    {"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
     2040,
     {{3, 31, 14, 0, 45900, "+1245"}, {9, 29, 14, 0, 49500, "+1345"}}},
    {"IST-1GMT0,M10.5.0,M3.5.0/1", /* winter is what daylight saving is */
     2040,
     {{3, 25, 1, 0, 3600, "IST"}, {10, 28, 1, 0, 0, "GMT"}}},
    {"AAA0BBB,J60/0,J300/0", /* 1 March, leap year or not */
     2040,
     {{3, 1, 0, 0, 3600, "BBB"}, {10, 26, 23, 0, 0, "AAA"}}},
    {"AAA0BBB,J59/0,J300/0", /* 28 February */
     2040,
     {{2, 28, 0, 0, 3600, "BBB"}, {10, 26, 23, 0, 0, "AAA"}}},
    {"AAA0BBB,59/0,300/0", /* 29 February in leap years, else 1 March */
     2040,
     {{2, 29, 0, 0, 3600, "BBB"}, {10, 26, 23, 0, 0, "AAA"}}},
    {"AAA0BBB,59/0,300/0", 2041, {{3, 1, 0, 0, 3600, "BBB"}, {10, 27, 23, 0, 0, "AAA"}}},
    {"AAA0BBB,J1/-167,J100/167", /* begins in the year before */
     2041,
     {{4, 16, 22, 0, 0, "AAA"}, {12, 25, 1, 0, 3600, "BBB"}}},
    {"AAA0BBB-1:30:30,J58/0:00:01,J59/1:30:31", /* for little more than a day */
     2041,
     {{2, 27, 0, 0, 5430, "BBB"}, {2, 28, 0, 0, 0, "AAA"}}},
};

START_TEST(a_rule_holds_for_each_year)
{
    const struct rule *rule = &rules[_i];
    struct zone *zone = open_rule(rule->text);
    int64_t at_s = moment(rule->year, 1, 1, 12, 0);

    for (int i = 0; i < 2; i++) {
        const int64_t expected_s =
            moment(rule->year, rule->shifts[i].month, rule->shifts[i].day,
                   rule->shifts[i].hour, rule->shifts[i].minute);
        const struct zone_offset before = zone_at(zone, at_s);

        at_s = zone_next_shift(zone, at_s);
        ck_assert_int_eq(at_s - at_s % 60, expected_s);
        ck_assert_int_eq(zone_at(zone, at_s - 1).offset_s, before.offset_s);
        ck_assert_int_eq(zone_at(zone, at_s).offset_s, rule->shifts[i].offset_s);
        ck_assert_str_eq(zone_at(zone, at_s).abbreviation, rule->shifts[i].abbreviation);
    }
    ck_assert_int_gt(zone_next_shift(zone, at_s), moment(rule->year, 12, 31, 0, 0));
    zone_close(zone);
}
END_TEST

START_TEST(daylight_saving_may_last_for_ever)
{
    static const char *const for_ever[] = {"XXX3EDT4,0/0,J365/23", "XXX-1YYY,J1/0,J1/1"};
    static const int32_t offsets[] = {-14400, 7200};

    for (int i = 0; i < COUNT_OF(for_ever); i++) {
        struct zone *zone = open_rule(for_ever[i]);

        for (int year = 2020; year < 2033; year++) {
            for (int day = 1; day <= 31; day += 10) {
                ck_assert_int_eq(zone_at(zone, moment(year, 1, day, 3, 0)).offset_s,
                                 offsets[i]);
                ck_assert_int_eq(zone_at(zone, moment(year, 12, day, 23, 59)).offset_s,
                                 offsets[i]);
            }
        }
        ck_assert_int_eq(zone_next_shift(zone, moment(2020, 1, 1, 0, 0)), INT64_MAX);
        zone_close(zone);
    }
}
END_TEST

START_TEST(without_a_rule_the_last_shift_counts_for_ever)
{
    struct content content = sound;
    content.footer = "";

    struct zone *zone = open_content(&content);

    ck_assert_int_eq(zone_at(zone, INT64_MAX).offset_s, 10800);
    zone_close(zone);
}
END_TEST

/* --- local times ---------------------------------------------------------------------- */

/* Clocks that jump from 01:00 to 05:00 and an hour later go back to 02:00, by which some of the times
 * that were passed over are shown after all, and some twice. */
static const struct content restless = {.version = '2',
                                        .shifts = {{3600, 1}, {7200, 2}},
                                        .shift_count = 2,
                                        .kinds = {{0, 0, 0}, {14400, 0, 0}, {0, 1, 0}},
                                        .kind_count = 3,
                                        .text = "ABC",
                                        .text_length = 4,
                                        .footer = ""};

START_TEST(a_local_time_is_due_when_the_clocks_pass_it)
{
    static const struct {
        int64_t local_s, utc_s;
        enum zone_fit fit;
    } rows[] = {{3599, 3599, ZONE_ONCE},   {3600, 3600, ZONE_NEVER},
                {10800, 3600, ZONE_NEVER}, {17999, 3600, ZONE_NEVER},
                {18000, 3600, ZONE_TWICE}, {21599, 7199, ZONE_TWICE},
                {21600, 21600, ZONE_ONCE}, {50000, 50000, ZONE_ONCE}};
    struct zone *zone = open_content(&restless);

    ck_assert_ptr_nonnull(zone);
    for (int i = 0; i < COUNT_OF(rows); i++) {
        int64_t utc_s;

        ck_assert_int_eq(zone_from_local(zone, rows[i].local_s, &utc_s), rows[i].fit);
        ck_assert_int_eq(utc_s, rows[i].utc_s);
    }
    ck_assert_int_eq(zone_latest_local(zone, 3599), 3599);
    ck_assert_int_eq(zone_latest_local(zone, 3600), 18000);
    ck_assert_int_eq(zone_latest_local(zone, 7199), 21599);
    ck_assert_int_eq(zone_latest_local(zone, 7200), 21599);
    ck_assert_int_eq(zone_latest_local(zone, 21600), 21600);
    zone_close(zone);
}
END_TEST

START_TEST(a_shift_of_name_or_flag_alone_is_none)
{
    struct content content = sound;
    content.kinds[0].offset_s = 7200;
    content.kinds[0].is_dst = 1;
    content.footer = "EET-2";

    struct zone *zone = open_content(&content);
    int64_t utc_s;

    ck_assert_int_eq(zone_next_shift(zone, -10), INT64_MAX);
    ck_assert_int_eq(zone_from_local(zone, 946684800 + 7200, &utc_s), ZONE_ONCE);
    ck_assert_int_eq(utc_s, 946684800);
    zone_close(zone);
}
END_TEST

/* --- names ---------------------------------------------------------------------------- */

static void make_names(void)
{
    static const char *const names[] = {
        "Europe/Berlin", "Europe/Paris", "America/New_York",
        "Etc/GMT+2",     "GMT",          "localtime"};
    const struct content content = sound;
    struct buffer file = {0};

    append_content(&file, &content);
    put_folder("Europe");
    put_folder("America");
    put_folder("Etc");
    for (int i = 0; i < COUNT_OF(names); i++)
        put_file(names[i], file.data, file.length);
    buffer_deinit(&file);
}

static const struct wrong_name {
    const char *name, *wrong;
} wrong_names[] = {
    {"", "the name of the time zone is empty"},
    {"Europe/Berlni",
     "there is no time zone 'Europe/Berlni'; do you mean 'Europe/Berlin'?"},
    {"europe/berlin",
     "there is no time zone 'europe/berlin'; do you mean 'Europe/Berlin'?"},
    {"Berlin", "there is no time zone 'Berlin'; do you mean 'Europe/Berlin'?"},
    {"NEW_YORK", "there is no time zone 'NEW_YORK'; do you mean 'America/New_York'?"},
    {"New York",
     "the name of a time zone has letters, digits and _+-/: 'New York' has ' '; "
     "do you mean 'America/New_York'?"},
    {"utc", "there is no time zone 'utc'; do you mean 'UTC'?"},
    {"GMT+2", "there is no time zone 'GMT+2'"}, /* Etc/GMT+2 is two hours west */
    {"Middle-earth/Bree", "there is no time zone 'Middle-earth/Bree'"},
    {"Europe", "time zone 'Europe' is a folder of several: name one of them, such as "
               "Europe/Berlin"},
    {"Europe/Berlin/Mitte", "there is no time zone 'Europe/Berlin/Mitte'"},
    {"../passwd",
     "the name of a time zone has letters, digits and _+-/: '../passwd' has '.'"},
    {"/etc/passwd", "'/etc/passwd' is no name of a time zone, such as Europe/Berlin"},
    {"Europe//Berlin",
     "'Europe//Berlin' is no name of a time zone, such as Europe/Berlin"},
    {"Europe/", "'Europe/' is no name of a time zone, such as Europe/Berlin"},
    {"Europe/\033[31m",
     "the name of a time zone has letters, digits and _+-/, not the byte "
     "0x1b"},
    {"Europe/Z\xc3\xbcrich",
     "the name of a time zone has letters, digits and _+-/, not the "
     "byte 0xc3"},
    {"localtime",
     "time zone 'localtime' is not the same on every host: name the place, such "
     "as Europe/Berlin"},
    {"posixrules",
     "time zone 'posixrules' is not the same on every host: name the place, "
     "such as Europe/Berlin"},
};

START_TEST(what_is_no_zone_is_refused_with_the_reason)
{
    char *wrong = NULL;

    make_names();
    ck_assert_ptr_null(zone_open(wrong_names[_i].name, &wrong));
    if (strncmp(wrong, wrong_names[_i].wrong, strlen(wrong_names[_i].wrong)) != 0)
        ck_abort_msg("'%s' instead of '%s'", wrong, wrong_names[_i].wrong);
    free(wrong);
}
END_TEST

START_TEST(a_long_name_is_refused)
{
    char name[20000];

    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    check_refusal(name,
                  "the name of a time zone has no more than 255 characters, not 19999");
}
END_TEST

START_TEST(where_there_are_no_zones_there_is_utc)
{
    char *wrong = NULL;

    ck_assert_int_eq(setenv("TZDIR", "/nowhere/zoneinfo", 1), 0);
    check_refusal(
        "Europe/Berlin",
        "time zone 'Europe/Berlin': there is no /nowhere/zoneinfo; install tzdata, or "
        "set TZDIR");

    struct zone *zone = zone_open("UTC", &wrong);
    int64_t utc_s;

    ck_assert_ptr_nonnull(zone);
    ck_assert_str_eq(zone_at(zone, 0).abbreviation, "UTC");
    ck_assert_int_eq(zone_at(zone, INT64_MAX).offset_s, 0);
    ck_assert_int_eq(zone_next_shift(zone, INT64_MIN), INT64_MAX);
    ck_assert_int_eq(zone_from_local(zone, 12345, &utc_s), ZONE_ONCE);
    ck_assert_int_eq(utc_s, 12345);
    zone_close(zone);
    zone_close(NULL);
}
END_TEST

START_TEST(a_zone_is_shared_until_its_file_is_replaced)
{
    struct content content = sound;
    char *wrong, *path = memory_format("%s/Own", folder);
    struct zone *first = open_content(&content), *second = zone_open("Own", &wrong);

    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_eq(second, first);
    zone_close(second);
    ck_assert_int_eq(zone_at(first, 0).offset_s, 7200);

    /* as a package does: another file in its place */
    char *old = memory_format("%s/Old", folder);

    ck_assert_int_eq(rename(path, old), 0);
    content.kinds[1].offset_s = 3600;
    second = open_content(&content);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_ne(second, first);
    ck_assert_int_eq(zone_at(first, 0).offset_s, 7200);
    ck_assert_int_eq(zone_at(second, 0).offset_s, 3600);
    zone_close(first);
    ck_assert_int_eq(zone_at(second, 0).offset_s, 3600);
    zone_close(second);
    free(old);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone");
    TCase *topic = add_case(suite, "files", begin_folder, end_folder);

    tcase_add_test(topic, a_file_is_read_as_the_document_has_it);
    tcase_add_test(topic, damage_is_named);
    tcase_add_test(topic, what_is_no_zone_is_said_to_be_none);
    tcase_add_test(topic, a_huge_file_is_not_read);
    tcase_add_test(topic, what_is_no_regular_file_is_not_waited_for);
    tcase_add_test(topic, counts_beyond_the_file_are_refused);
    tcase_add_test(topic, a_file_that_is_cut_off_anywhere_is_refused);
    tcase_add_test(topic, a_file_with_any_byte_wrong_does_no_harm);

    topic = add_case(suite, "rules", begin_folder, end_folder);
    tcase_add_loop_test(topic, what_is_no_rule_is_refused, 0, COUNT_OF(wrong_rules));
    tcase_add_loop_test(topic, a_rule_holds_for_each_year, 0, COUNT_OF(rules));
    tcase_add_test(topic, daylight_saving_may_last_for_ever);
    tcase_add_test(topic, without_a_rule_the_last_shift_counts_for_ever);

    topic = add_case(suite, "local times", begin_folder, end_folder);
    tcase_add_test(topic, a_local_time_is_due_when_the_clocks_pass_it);
    tcase_add_test(topic, a_shift_of_name_or_flag_alone_is_none);

    topic = add_case(suite, "names", begin_folder, end_folder);
    tcase_add_loop_test(topic, what_is_no_zone_is_refused_with_the_reason, 0,
                        COUNT_OF(wrong_names));
    tcase_add_test(topic, a_long_name_is_refused);
    tcase_add_test(topic, where_there_are_no_zones_there_is_utc);
    tcase_add_test(topic, a_zone_is_shared_until_its_file_is_replaced);
    return run_suite(suite);
}
