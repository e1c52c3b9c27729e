/* tests/check_jobs_command.c - moongate jobs: its words, what check says, and the coming slots around
 * the shifts of the clocks. */
#include "tests/configured.h"
#include "tests/moon.h"
#include "tests/suite.h"

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/jobs.h"
#include "run/run.h"
#include "run/source.h"

static void begin(void)
{
    set_up();
    write_text("s.lua", "");
}

/* --- the coming slots --------------------------------------------------------------- */

/* What jobs_print_next() prints of moongate.lua, with "now" an hour after `from`. Owned by the
 * caller. */
static char *print_next(const char *from, size_t count, bool wants_json)
{
    struct jobs_next_request request = {.count = count, .wants_json = wants_json};
    struct failure *unread = NULL;
    size_t length;
    char *text;

    ck_assert_int_eq(clock_parse_utc(from, &request.from_ms), 0);
    request.now_ms = request.from_ms + 3600000;
    read_good(NULL);
    fflush(stdout);

    const int old = dup(STDOUT_FILENO);

    ck_assert_ptr_nonnull(freopen("printed", "w", stdout));
    jobs_print_next(config, &request);
    fflush(stdout);
    ck_assert_int_ge(dup2(old, STDOUT_FILENO), 0);
    close(old);
    text = source_read_file("printed", 1 << 20, &length, &unread);
    ck_assert_ptr_nonnull(text);
    return text;
}

static const struct {
    const char *jobs, *from;
    size_t count;
    const char *printed;
} shifts[] = {
    /* a local time that does not exist fires at the shift, and the next one is as ever */
    {"job 'a' { schedule = '30 2 * * *', timezone = 'Europe/Berlin', script = 's.lua' }",
     "2027-03-27T00:00:00Z", 3,
     "LOCAL TIME                  ZONE           UTC                   WHEN            "
     "JOB  REMARK\n"
     "2027-03-27 02:30:00 +01:00  Europe/Berlin  2027-03-27T01:30:00Z  in 30:00        "
     "a\n"
     "2027-03-28 03:00:00 +02:00  Europe/Berlin  2027-03-28T01:00:00Z  in 1d 00:00:00  a "
     "   02:30 does not exist that day: fires at the shift\n"
     "2027-03-29 02:30:00 +02:00  Europe/Berlin  2027-03-29T00:30:00Z  in 1d 23:30:00  "
     "a\n"},
    {"job 'a' { schedule = '0,15,30 2 * * *', timezone = 'America/New_York', script = "
     "'s.lua' }",
     "2027-03-14T00:00:00Z", 2,
     "LOCAL TIME                  ZONE              UTC                   WHEN           "
     " JOB  REMARK\n"
     "2027-03-14 03:00:00 -04:00  America/New_York  2027-03-14T07:00:00Z  in 6:00:00     "
     " a    02:00 and more do not exist that day: fires at the shift\n"
     "2027-03-15 02:00:00 -04:00  America/New_York  2027-03-15T06:00:00Z  in 1d 05:00:00 "
     " a\n"},
    /* one that exists twice fires the first time */
    {"job 'a' { schedule = '30 2 * * *', timezone = 'Europe/Berlin', script = 's.lua' }",
     "2027-10-30T12:00:00Z", 2,
     "LOCAL TIME                  ZONE           UTC                   WHEN            "
     "JOB  REMARK\n"
     "2027-10-31 02:30:00 +02:00  Europe/Berlin  2027-10-31T00:30:00Z  in 11:30:00     a "
     "   02:30 comes twice: the first\n"
     "2027-11-01 02:30:00 +01:00  Europe/Berlin  2027-11-01T01:30:00Z  in 1d 12:30:00  a "
     "   the clocks go back by 1h on 2027-10-31\n"},
    {"job 'a' { schedule = '30 * * * *', timezone = 'America/New_York', script = 's.lua' "
     "}",
     "2027-11-07T05:00:00Z", 3,
     "LOCAL TIME                  ZONE              UTC                   WHEN        "
     "JOB  REMARK\n"
     "2027-11-07 01:30:00 -04:00  America/New_York  2027-11-07T05:30:00Z  30:00 ago   a  "
     "  01:30 comes twice: the first\n"
     "2027-11-07 02:30:00 -05:00  America/New_York  2027-11-07T07:30:00Z  in 1:30:00  a  "
     "  the clocks go back by 1h on 2027-11-07\n"
     "2027-11-07 03:30:00 -05:00  America/New_York  2027-11-07T08:30:00Z  in 2:30:00  "
     "a\n"},
    /* elapsed time does not mind */
    {"job 'a' { every = '12h', script = 's.lua' }", "2027-03-28T00:00:00Z", 3,
     "LOCAL TIME                  ZONE  UTC                   WHEN            JOB  "
     "REMARK\n"
     "2027-03-28 12:00:00 +00:00  UTC   2027-03-28T12:00:00Z  in 11:00:00     a\n"
     "2027-03-29 00:00:00 +00:00  UTC   2027-03-29T00:00:00Z  in 23:00:00     a\n"
     "2027-03-29 12:00:00 +00:00  UTC   2027-03-29T12:00:00Z  in 1d 11:00:00  a\n"},
    /* several jobs: by time, and then by their order in the file */
    {"job 'b' { schedule = '0 20 * * *', timezone = 'Europe/Berlin', script = 's.lua' }\n"
     "job 'a' { schedule = '0 19 * * *', script = 's.lua', jitter = '90s' }\n"
     "job 'off' { every = '1m', script = 's.lua', enabled = false }\n"
     "job 'never' { schedule = '0 0 1 1 *', script = 's.lua' }",
     "2027-03-26T18:00:00Z", 5,
     "LOCAL TIME                  ZONE           UTC                   WHEN            "
     "JOB  REMARK\n"
     "2027-03-26 20:00:00 +01:00  Europe/Berlin  2027-03-26T19:00:00Z  now             "
     "b\n"
     "2027-03-26 19:00:00 +00:00  UTC            2027-03-26T19:00:00Z  now             a "
     "   begins up to 1m30s later\n"
     "2027-03-27 20:00:00 +01:00  Europe/Berlin  2027-03-27T19:00:00Z  in 1d 00:00:00  "
     "b\n"
     "2027-03-27 19:00:00 +00:00  UTC            2027-03-27T19:00:00Z  in 1d 00:00:00  a "
     "   begins up to 1m30s later\n"
     "2027-03-28 20:00:00 +02:00  Europe/Berlin  2027-03-28T18:00:00Z  in 1d 23:00:00  b "
     "   the clocks go forward by 1h on 2027-03-28\n"},
    /* a day that is left out, and a shift by half an hour */
    {"job 'a' { schedule = '30 2 30 12 *', timezone = 'Pacific/Apia', script = 's.lua' }",
     "2011-12-20T00:00:00Z", 1,
     "LOCAL TIME                  ZONE          UTC                   WHEN             "
     "JOB  REMARK\n"
     "2011-12-31 00:00:00 +14:00  Pacific/Apia  2011-12-30T10:00:00Z  in 10d 09:00:00  a "
     "   2011-12-30 02:30 does not exist: fires at the shift\n"},
    {"job 'a' { schedule = '15 2 * * *', timezone = 'Australia/Lord_Howe', script = "
     "'s.lua' }",
     "2027-10-01T00:00:00Z", 3,
     "LOCAL TIME                  ZONE                 UTC                   WHEN        "
     "    JOB  REMARK\n"
     "2027-10-02 02:15:00 +10:30  Australia/Lord_Howe  2027-10-01T15:45:00Z  in 14:45:00 "
     "    a\n"
     "2027-10-03 02:30:00 +11:00  Australia/Lord_Howe  2027-10-02T15:30:00Z  in 1d "
     "14:30:00  a    02:15 does not exist that day: fires at the shift\n"
     "2027-10-04 02:15:00 +11:00  Australia/Lord_Howe  2027-10-03T15:15:00Z  in 2d "
     "14:15:00  a\n"},
};

START_TEST(the_coming_slots_tell_where_a_shift_touches_them)
{
    char *printed;

    write_text("moongate.lua", shifts[_i].jobs);
    printed = print_next(shifts[_i].from, shifts[_i].count, false);
    ck_assert_str_eq(printed, shifts[_i].printed);
    free(printed);
}
END_TEST

START_TEST(slots_are_told_in_json_too)
{
    static const char said[] = "job 'a' { schedule = '30 2 * * *', timezone = "
                               "'Europe/Berlin', script = 's.lua',\n"
                               "  jitter = '5m' }";
    char *printed;

    write_text("moongate.lua", said);
    printed = print_next("2027-03-27T12:00:00Z", 2, true);
    ck_assert_str_eq(
        printed,
        "{\"slots\":[{\"job\":\"a\",\"slot\":\"2027-03-28T01:00:00.000Z\","
        "\"local\":\"2027-03-28T03:00:00+02:00\",\"timezone\":\"Europe/Berlin\","
        "\"in\":43200,\"jitter\":300,\"note\":\"shifted\",\"remark\":\"02:30 does not "
        "exist "
        "that day: fires at the shift; begins up to 5m later\"},{\"job\":\"a\","
        "\"slot\":\"2027-03-29T00:30:00.000Z\",\"local\":\"2027-03-29T02:30:00+02:00\","
        "\"timezone\":\"Europe/Berlin\",\"in\":127800,\"jitter\":300,\"remark\":\"begins "
        "up "
        "to 5m later\"}]}\n");
    free(printed);
}
END_TEST

START_TEST(ten_thousand_jobs_come_in_order)
{
    char *printed, last[32] = "";
    size_t count = 0;
    cJSON *tree;
    const cJSON *row;

    write_text("moongate.lua",
               "for i = 1, 10000 do\n"
               "  job('job-' .. i) { schedule = i % 60 .. ' ' .. i % 24 .. ' * * *',\n"
               "    timezone = 'Europe/Berlin', script = 's.lua' }\n"
               "end\n");
    printed = print_next("2027-03-27T12:00:00Z", 5000, true);
    tree = json_parse(printed, strlen(printed) - 1, NULL);
    ck_assert_ptr_nonnull(tree);
    cJSON_ArrayForEach (row, json_at(tree, "slots")) {
        const char *slot = json_string_at(row, "slot");

        ck_assert_int_le(strcmp(last, slot), 0);
        snprintf(last, sizeof last, "%s", slot);
        count++;
    }
    ck_assert_uint_eq(count, 5000);
    cJSON_Delete(tree);
    free(printed);
}
END_TEST

START_TEST(there_may_be_no_slot_at_all)
{
    char *printed;

    write_text("moongate.lua", "profile 'a' {}");
    printed = print_next("2027-03-27T12:00:00Z", 5, false);
    ck_assert_str_eq(printed,
                     "no slot comes: no job is declared and enabled that has one\n");
    free(printed);
}
END_TEST

/* --- the program -------------------------------------------------------------------- */

static const struct {
    const char *words;
    int code;
    const char *said;
} usages[] = {
    {"jobs chek", EXIT_USAGE,
     "moongate jobs: unknown word 'chek', did you mean 'check'?; see --help\n"},
    {"jobs strt", EXIT_USAGE,
     "moongate jobs: unknown word 'strt', did you mean 'start'?; see --help\n"},
    {"jobs check x", EXIT_USAGE, "moongate jobs check: unexpected word 'x'\n"},
    {"jobs history a b", EXIT_USAGE, "moongate jobs history: unexpected word 'b'\n"},
    {"jobs pause", EXIT_USAGE, "moongate jobs pause: which job? See `moongate jobs`\n"},
    {"jobs run", EXIT_USAGE, "moongate jobs run: which job? See `moongate jobs`\n"},
    {"jobs run aa", EXIT_USAGE,
     "moongate jobs run: no job 'aa' in moongate.lua, did you mean 'aa1'?\n"},
    {"jobs next aa2", EXIT_USAGE,
     "moongate jobs next: no job 'aa2' in moongate.lua, did you mean 'aa1'?\n"},
    {"jobs pause aa1 ../x", EXIT_USAGE,
     "moongate jobs pause: no job '../x' in moongate.lua\n"},
    {"jobs history ../x", EXIT_USAGE,
     "moongate jobs history: no job '../x' in moongate.lua\n"},
    {"jobs run aa1 --slot 5", EXIT_USAGE,
     "moongate jobs: --slot: '5' is not a time such as 2027-03-27T19:00Z, "
     "2027-03-27T20:00+01:00, 2027-03-27 or 20270327-190000\n"},
    {"jobs run aa1 --from 2027-03-27", EXIT_USAGE,
     "moongate jobs run: --from and --to go together\n"},
    {"jobs run aa1 --from 2027-03-27 --to 2027-03-26", EXIT_USAGE,
     "moongate jobs run: --from is later than --to\n"},
    {"jobs run aa1 --from 2027-03-27 --to 2027-03-28 --slot 2027-03-28", EXIT_USAGE,
     "moongate jobs run: --slot is one slot, --from and --to are many\n"},
    {"jobs run aa1 --again", EXIT_USAGE,
     "moongate jobs run: --again needs --slot, or --from and --to\n"},
    {"jobs next --count 0", EXIT_USAGE, "moongate jobs: --count: 1 or more expected\n"},
    {"jobs next --count 10001", EXIT_USAGE,
     "moongate jobs: --count: '10001' is not a whole number from 0 to 10000\n"},
    {"jobs next --output xml", EXIT_USAGE,
     "moongate jobs: --output: text or json expected\n"},
    {"jobs list --reason x", EXIT_USAGE,
     "moongate jobs: unknown option '--reason'; did you mean '--lease'?\n"},
    {"jobs pause aa1 --reason $(printf 'a\\001b')", EXIT_USAGE,
     "moongate jobs: --reason: the text is no UTF-8, or has a control character\n"},
    {"jobs list --store none", EXIT_USAGE,
     "moongate jobs: nothing is known of jobs where nothing is kept: --store none\n"},
    {"jobs list --config /dev/null", EXIT_USAGE,
     "moongate jobs: BadSetting: there is no configuration: /dev/null is none\n"},
    {"jobs check --config /dev/null", EXIT_USAGE,
     "moongate jobs: BadSetting: there is no configuration: /dev/null is none\n"},
    {"jobs check --config nope.lua", EXIT_USAGE,
     "moongate jobs: BadSetting: the configuration nope.lua: No such file or "
     "directory\n"},
    {"jobs check", EXIT_DONE, "moongate.lua: 2 jobs\n"},
    {"profiles", EXIT_DONE, "moongate.lua:\n"},
};

START_TEST(wrong_words_are_told_with_what_was_meant)
{
    write_text(
        "moongate.lua",
        "job 'aa1' { schedule = '@daily', script = 's.lua', enabled = false }\n"
        "job 'other' { schedule = '@daily', script = 's.lua', enabled = false }\n");
    ck_assert_int_eq(moon("%s", usages[_i].words), usages[_i].code);
    ck_assert_str_eq(output.data, usages[_i].said);
}
END_TEST

START_TEST(help_tells_every_field_and_needs_no_configuration)
{
    struct config_field (*const tables[])(size_t) = {config_job_field,
                                                     config_notice_field};

    write_text("moongate.lua", "this is wrong");
    ck_assert_int_eq(moon("jobs --help"), EXIT_DONE);
    for (int i = 0; i < COUNT_OF(tables); i++) {
        for (size_t at = 0; tables[i](at).name != NULL; at++) {
            assert_says(tables[i](at).name);
            assert_says(tables[i](at).help);
        }
    }
    ck_assert_int_eq(moon("jobs run --help"), EXIT_DONE);
    assert_says("--endpoint");
}
END_TEST

START_TEST(check_tells_what_comes_first)
{
    write_text("moongate.lua",
               "job 'a' { schedule = '@daily', script = 's.lua', enabled = false }\n"
               "job 'b' { schedule = '0 0 1 1 *', timezone = 'Asia/Tokyo', script = "
               "'s.lua' }\n");
    ck_assert_int_eq(moon("jobs check"), EXIT_DONE);
    assert_says("moongate.lua: 2 jobs, next: b at 20");
    assert_says("-01-01 00:00:00 +09:00 Asia/Tokyo\n");
    write_text("moongate.lua", "job 'a' { every = '1h', script = 's.lua' }");
    ck_assert_int_eq(moon("jobs check"), EXIT_DONE);
    assert_says("moongate.lua: 1 job, next: a at ");
}
END_TEST

START_TEST(check_tells_all_mistakes_and_other_commands_the_first)
{
    write_text("moongate.lua",
               "job 'a' { every = 'x', script = 'no.lua', retries = -1 }\n"
               "profile 'p' { servic = 'x' }\n");
    ck_assert_int_eq(moon("jobs check"), EXIT_USAGE);
    ck_assert_str_eq(
        strrchr(output.data, '/'),
        "/no.lua: No such file or directory\n"
        "moongate.lua:2: profile 'p': unknown field 'servic'; did you mean 'service'?\n");
    assert_says(
        "moongate.lua:1: job 'a': every: 'x' is not a duration such as 30s, 15m or "
        "1h30m\n"
        "moongate.lua:1: job 'a': retries: a whole number from 0 to 100 expected\n"
        "moongate.lua:1: job 'a': script: ");
    ck_assert_int_eq(moon("profiles"), EXIT_USAGE);
    ck_assert_str_eq(output.data,
                     "moongate profiles: BadSetting: moongate.lua:1: job 'a': every: 'x' "
                     "is not a duration such as 30s, 15m or 1h30m\n");
}
END_TEST

static const struct {
    const char *said, *utc;
} times[] = {
    {"2027-03-27T19:00:00Z", "2027-03-27T19:00:00.000Z"},
    {"2027-03-27T19:00Z", "2027-03-27T19:00:00.000Z"},
    {"2027-03-27t19:00z", "2027-03-27T19:00:00.000Z"},
    {"2027-03-27 20:00+01:00", "2027-03-27T19:00:00.000Z"},
    {"2027-03-27T20:00:30+0100", "2027-03-27T19:00:30.000Z"},
    {"2027-03-27T13:30-05:30", "2027-03-27T19:00:00.000Z"},
    {"2027-03-27", "2027-03-27T00:00:00.000Z"},
    {"20270327-190000", "2027-03-27T19:00:00.000Z"},
    {"2027-02-29", NULL},
    {"2027-03-27T19:00", NULL},
    {"2027-03-27T19:00+24:00", NULL},
    {"2027-03-27T19:00+1", NULL},
    {"2027-03-27T25:00Z", NULL},
    {"20270327-196000", NULL},
    {"20270327", NULL},
    {"now", NULL},
    {"", NULL},
};

START_TEST(a_moment_is_said_in_utc_or_with_its_offset)
{
    int64_t moment_ms = -1;
    char *wrong = option_take_time(&moment_ms, times[_i].said);
    char text[CLOCK_TEXT_SIZE];

    ck_assert_int_eq(wrong == NULL, times[_i].utc != NULL);
    if (wrong == NULL) {
        clock_format_utc(moment_ms, text);
        ck_assert_str_eq(text, times[_i].utc);
    } else {
        ck_assert_int_eq(moment_ms, -1);
    }
    free(wrong);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobs_command");
    TCase *next = add_case(suite, "next", begin, tear_down);
    TCase *words = add_case(suite, "words", begin, tear_down);

    if (!find_moongate())
        return 1;
    tcase_add_loop_test(next, the_coming_slots_tell_where_a_shift_touches_them, 0,
                        COUNT_OF(shifts));
    tcase_add_test(next, slots_are_told_in_json_too);
    tcase_add_test(next, ten_thousand_jobs_come_in_order);
    tcase_add_test(next, there_may_be_no_slot_at_all);
    tcase_add_loop_test(words, wrong_words_are_told_with_what_was_meant, 0,
                        COUNT_OF(usages));
    tcase_add_test(words, help_tells_every_field_and_needs_no_configuration);
    tcase_add_test(words, check_tells_what_comes_first);
    tcase_add_test(words, check_tells_all_mistakes_and_other_commands_the_first);
    tcase_add_loop_test(words, a_moment_is_said_in_utc_or_with_its_offset, 0,
                        COUNT_OF(times));
    return run_suite(suite);
}
