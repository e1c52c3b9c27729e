/* tests/check_base.c - the small parts that everything stands on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/calendar.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "base/waitable.h"
#include "harness.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

/* --- buffer --------------------------------------------------------------------------- */

START_TEST(a_buffer_grows_and_stays_terminated)
{
    struct buffer buffer = {0};

    for (size_t i = 0; i < 10000; i++) {
        buffer_append_char(&buffer, (char)('a' + i % 26));
        ck_assert_uint_eq(buffer.length, i + 1);
        ck_assert_int_eq(buffer.data[i + 1], '\0');
    }
    buffer_append(&buffer, "\0x", 2);
    ck_assert_uint_eq(buffer.length, 10002);
    ck_assert_int_eq(buffer.data[10001], 'x');
    buffer_clear(&buffer);
    ck_assert_uint_eq(buffer.length, 0);
    ck_assert_str_eq(buffer.data, "");
    buffer_printf(&buffer, "%s-%d", "n", 42);
    ck_assert_str_eq(buffer.data, "n-42");
    buffer_deinit(&buffer);
    ck_assert_ptr_null(buffer.data);
}
END_TEST

START_TEST(a_buffer_that_got_room_and_nothing_else_is_an_empty_text)
{
    struct buffer buffer = {0};

    buffer_reserve(&buffer, 10);
    ck_assert_int_eq(buffer.data[0], '\0');
    base64_append(&buffer, NULL, 0);
    ck_assert(base64_decode(&buffer, "", 0));
    ck_assert_str_eq(buffer.data, "");
    buffer_deinit(&buffer);
}
END_TEST

START_TEST(taking_from_a_buffer_gives_text_and_leaves_it_empty)
{
    struct buffer buffer = {0};
    char *text = buffer_take(&buffer);

    ck_assert_str_eq(text, "");
    free(text);
    buffer_append_string(&buffer, "abc");
    text = buffer_take(&buffer);
    ck_assert_str_eq(text, "abc");
    ck_assert_ptr_null(buffer.data);
    free(text);
}
END_TEST

START_TEST(keys_of_texts_mind_neither_case_nor_length)
{
    char a[TEXT_KEY_SIZE], b[TEXT_KEY_SIZE], c[TEXT_KEY_SIZE];

    text_format_key("/Subscriptions/X", a);
    text_format_key("/subscriptions/x", b);
    text_format_key("/subscriptions/y", c);
    ck_assert_str_eq(a, b);
    ck_assert_str_ne(b, c);
    ck_assert_uint_eq(strlen(a), TEXT_KEY_SIZE - 1);
}
END_TEST

START_TEST(text_in_a_url_is_escaped)
{
    struct buffer buffer = {0};

    buffer_append_escaped(&buffer, "aZ09-._~ /?&=+%\xc3\xa9");
    ck_assert_str_eq(buffer.data, "aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A9");
    buffer_deinit(&buffer);
}
END_TEST

START_TEST(text_in_json_is_escaped_and_can_be_read_again)
{
    static const char text[] = "q\"b\\n\nt\tc\x01\x7f\xc3\xa9/";
    struct buffer buffer = {0};

    buffer_append_json_string(&buffer, text, sizeof text - 1);

    cJSON *tree = json_parse(buffer.data, buffer.length, NULL);

    ck_assert_str_eq(cJSON_GetStringValue(tree), text);
    ck_assert_ptr_null(strpbrk(buffer.data, "\n\t\x01"));
    cJSON_Delete(tree);
    buffer_deinit(&buffer);
}
END_TEST

/* --- duration ------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t ms;
} good_durations[] = {{"90s", 90000},
                      {"45m", 2700000},
                      {"3h", 10800000},
                      {"2d", 172800000},
                      {"250ms", 250},
                      {"1h30m", 5400000},
                      {"1.5h", 5400000},
                      {"30", 30000},
                      {"0", 0},
                      {"0s", 0},
                      {"0.5", 500},
                      {"1d2h3m4s5ms", 93784005},
                      {"0.0004s", 0},
                      {"0.0006s", 1},
                      {"3660d", INT64_C(316224000000)},
                      {"90000m", 5400000000},
                      {"007s", 7000}};

START_TEST(a_good_duration_is_read)
{
    int64_t ms = -1;

    ck_assert_int_eq(duration_parse(good_durations[_i].text, &ms), 0);
    ck_assert_int_eq(ms, good_durations[_i].ms);
}
END_TEST

static const char *const bad_durations[] = {
    "",     " ",     "s",    "-1s",  "+1s",  " 1s",    "1s ",
    "1 s",  "1x",    "1S",   "1m1h", "1s1s", "1h 2m",  "inf",
    "nan",  "3661d", "1e9d", "1h30", "1,5h", "1..5s",  "0x10s",
    "1e3s", "0x10",  "h1",   "1hm",  "1sec", "1m30s5", "999999999999999999999999d",
    "1h-5m"};

START_TEST(a_bad_duration_is_refused_and_changes_nothing)
{
    int64_t ms = 77;

    ck_assert_msg(duration_parse(bad_durations[_i], &ms) == -1, "'%s' is %lld ms",
                  bad_durations[_i], (long long)ms);
    ck_assert_int_eq(ms, 77);
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} shown_durations[] = {
    {0, "0 ms"},           {850, "850 ms"},        {999, "999 ms"},
    {1000, "1 s"},         {42999, "42 s"},        {60000, "01:00"},
    {187000, "03:07"},     {3599999, "59:59"},     {3600000, "1:00:00"},
    {10752000, "2:59:12"}, {86399000, "23:59:59"}, {183600000, "2d 03:00:00"}};

START_TEST(a_duration_is_shown_short)
{
    char text[DURATION_TEXT_SIZE];

    duration_format(shown_durations[_i].ms, text);
    ck_assert_str_eq(text, shown_durations[_i].text);
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} written_durations[] = {{0, "0s"},
                         {1, "1ms"},
                         {60000, "1m"},
                         {5400000, "1h30m"},
                         {90061001, "1d1h1m1s1ms"},
                         {INT64_C(3660) * 86400000, "3660d"}};

START_TEST(a_duration_is_written_as_it_is_read)
{
    char text[DURATION_TEXT_SIZE];
    int64_t ms = -1;

    duration_format_parts(written_durations[_i].ms, text);
    ck_assert_str_eq(text, written_durations[_i].text);
    ck_assert_int_eq(duration_parse(text, &ms), 0);
    ck_assert_int_eq(ms, written_durations[_i].ms);
}
END_TEST

/* --- calendar ------------------------------------------------------------------------- */

START_TEST(days_are_those_of_the_c_library_and_lead_back)
{
    int64_t wrong = 0;

    for (int64_t day = -800000; day < 3000000;
         day++) { /* from before the year 0 to 10183 */
        const struct calendar_date date = calendar_date(day);
        const time_t seconds = (time_t)(day * 86400);
        struct tm parts;

        gmtime_r(&seconds, &parts);
        if (date.year != parts.tm_year + 1900 || date.month != parts.tm_mon + 1 ||
            date.day != parts.tm_mday || calendar_weekday(day) != parts.tm_wday ||
            calendar_days(date.year, date.month, date.day) != day ||
            date.day > calendar_month_length(date.year, date.month))
            wrong++;
    }
    ck_assert_int_eq(wrong, 0);
}
END_TEST

/* --- clock ---------------------------------------------------------------------------- */

START_TEST(a_virtual_clock_moves_when_it_is_told_and_never_back)
{
    struct clock clock;

    clock_init(&clock, CLOCK_VIRTUAL, 1.0);

    const int64_t wall_ms = clock_wall_ms(&clock);

    ck_assert_int_eq(clock_now_ms(&clock), 0);
    clock_advance_to(&clock, 5000);
    clock_advance_to(&clock, 3000);
    ck_assert_int_eq(clock_now_ms(&clock), 5000);
    ck_assert_int_eq(clock_wall_ms(&clock), wall_ms + 5000);
    ck_assert_int_eq(clock_machine_span_ms(&clock, 1000), 0);
}
END_TEST

START_TEST(a_scaled_clock_runs_by_its_factor)
{
    struct clock clock;

    clock_init(&clock, CLOCK_SCALED, 60.0);
    clock.machine_base_ms -= 1000; /* as if made a second ago */

    const int64_t now_ms = clock_now_ms(&clock);

    ck_assert_int_ge(now_ms, 60000);
    ck_assert_int_lt(now_ms, 60000 + 60 * 2000);
    ck_assert_int_eq(now_ms % 60, 0);
    ck_assert_int_eq(clock_machine_span_ms(&clock, 60000), 1000);
    clock_advance_to(&clock, INT64_C(1) << 40); /* nothing happens */
    ck_assert_int_lt(clock_now_ms(&clock), INT64_C(1) << 30);
}
END_TEST

static const struct {
    const char *text;
    int result;
    enum clock_mode mode;
    double factor;
} clock_rows[] = {{"virtual", 0, CLOCK_VIRTUAL, 1.0}, {"real", 0, CLOCK_REAL, 1.0},
                  {"60x", 0, CLOCK_SCALED, 60.0},     {"0.5x", 0, CLOCK_SCALED, 0.5},
                  {"60", -1, CLOCK_REAL, 7.0},        {"x", -1, CLOCK_REAL, 7.0},
                  {"", -1, CLOCK_REAL, 7.0},          {"0x", -1, CLOCK_REAL, 7.0},
                  {"-2x", -1, CLOCK_REAL, 7.0},       {"nanx", -1, CLOCK_REAL, 7.0},
                  {"infx", -1, CLOCK_REAL, 7.0},      {"60xx", -1, CLOCK_REAL, 7.0},
                  {"Virtual", -1, CLOCK_REAL, 7.0}};

START_TEST(a_clock_is_named_by_word_or_factor)
{
    enum clock_mode mode = CLOCK_REAL;
    double factor = 7.0;

    ck_assert_int_eq(clock_parse(clock_rows[_i].text, &mode, &factor),
                     clock_rows[_i].result);
    ck_assert_int_eq(mode, clock_rows[_i].mode);
    ck_assert_double_eq(factor, clock_rows[_i].factor);
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} utc_rows[] = {{0, "1970-01-01T00:00:00.000Z"},
                {951782400123, "2000-02-29T00:00:00.123Z"},
                {951868799999, "2000-02-29T23:59:59.999Z"},
                {1709164800000, "2024-02-29T00:00:00.000Z"},
                {1735689599000, "2024-12-31T23:59:59.000Z"},
                {4107542400000, "2100-03-01T00:00:00.000Z"},
                {4107456000000, "2100-02-28T00:00:00.000Z"},
                {253402300799000, "9999-12-31T23:59:59.000Z"}};

START_TEST(a_time_is_written_and_read_as_utc)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t ms = -1;

    clock_format_utc(utc_rows[_i].ms, text);
    ck_assert_str_eq(text, utc_rows[_i].text);
    ck_assert_int_eq(clock_parse_utc(text, &ms), 0);
    ck_assert_int_eq(ms, utc_rows[_i].ms);
}
END_TEST

START_TEST(each_millisecond_of_a_minute_survives_the_round_trip)
{
    char text[CLOCK_TEXT_SIZE];

    for (int64_t ms = 0; ms < 60000; ms++) {
        int64_t back = -1;

        clock_format_utc(1767225600000 + ms, text);
        ck_assert_int_eq(clock_parse_utc(text, &back), 0);
        ck_assert_int_eq(back, 1767225600000 + ms);
    }
}
END_TEST

static const char *const bad_times[] = {"",
                                        "2026-01-01",
                                        "2026-01-01T00:00:00",
                                        "2026-01-01T00:00:00+01:00",
                                        "yesterday",
                                        "2026-13-01T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-01-32T00:00:00Z",
                                        "2026-01-01T00:00:00Zx",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T00:60:00Z",
                                        "2026-01-01T00:00:nanZ",
                                        "2026-01-01T00:00:61Z",
                                        "2026-01-01T00:-1:00Z"};

START_TEST(what_is_no_utc_time_is_refused)
{
    int64_t ms = 77;

    ck_assert_int_eq(clock_parse_utc(bad_times[_i], &ms), -1);
    ck_assert_int_eq(ms, 77);
}
END_TEST

/* --- text ----------------------------------------------------------------------------- */

static const struct {
    const char *word, *nearest;
} near_rows[] = {{"dispaly_name", "display_name"},
                 {"displayname", "display_name"},
                 {"descripton", "description"},
                 {"unit", "units"},
                 {"Units", "units"},
                 {"xyzzy", NULL},
                 {"network", "network"},
                 {"completely_different_word", NULL}};

START_TEST(a_typing_error_finds_its_word)
{
    static const char *const names[] = {"display_name", "description", "units",
                                        "network"};

    ck_assert_pstr_eq(text_nearest(near_rows[_i].word, names, 4), near_rows[_i].nearest);
}
END_TEST

START_TEST(very_long_words_are_near_to_nothing)
{
    char *word = memory_format("%500d", 1);
    const char *const names[] = {word, "a"};

    ck_assert_ptr_null(text_nearest(word, names, 2));
    ck_assert_ptr_null(text_nearest("b", (const char *const[]){word}, 1));
    free(word);
}
END_TEST

static const struct {
    const char *text;
    bool is_valid;
} utf8_rows[] = {{"", true},
                 {"plain", true},
                 {"\xc3\xa9", true},
                 {"\xe2\x82\xac", true},
                 {"\xf0\x9f\x8c\x99", true},
                 {"\xf4\x8f\xbf\xbf", true},
                 {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
                 {"\xc0\x80", false},         /* longer than needed */
                 {"\xe0\x80\xaf", false},
                 {"\xf0\x80\x80\xaf", false},
                 {"\xed\xa0\x80", false}, /* a surrogate */
                 {"\x80", false},
                 {"\xc3", false},
                 {"\xe2\x82", false},
                 {"a\xff", false},
                 {"\xf8\x88\x80\x80\x80", false}};

START_TEST(utf8_is_told_from_other_bytes)
{
    ck_assert_int_eq(text_is_utf8(utf8_rows[_i].text, strlen(utf8_rows[_i].text)),
                     utf8_rows[_i].is_valid);
}
END_TEST

START_TEST(ascii_letters_compare_without_case_and_others_do_not)
{
    char text[] = "AbZ\xc3\x89[";

    ck_assert(text_equal_nocase("Abc", "aBC"));
    ck_assert(!text_equal_nocase("abc", "abcd"));
    ck_assert(!text_equal_nocase("abcd", "abc"));
    ck_assert(!text_equal_nocase("[", "{"));
    ck_assert(!text_equal_nocase("\xc3\x89", "\xc3\xa9"));
    ck_assert(text_has_prefix_nocase("/Subscriptions/x", "/subscriptions/"));
    ck_assert(text_has_prefix_nocase("x", ""));
    ck_assert(!text_has_prefix_nocase("/sub", "/subscriptions/"));
    ck_assert_str_eq(text_lower(text), "abz\xc3\x89[");
}
END_TEST

static const struct {
    const char *escaped, *text;
} escape_rows[] = {{"a%20b", "a b"}, {"%2F%2f", "//"},       {"a+b", "a+b"},
                   {"%", "%"},       {"%4", "%4"},           {"%zz", "%zz"},
                   {"%4z", "%4z"},   {"%C3%A9", "\xc3\xa9"}, {"%2541", "%41"},
                   {"", ""}};

START_TEST(percent_signs_are_undone_once)
{
    char text[16];

    strcpy(text, escape_rows[_i].escaped);
    ck_assert_uint_eq(text_unescape(text), strlen(escape_rows[_i].text));
    ck_assert_str_eq(text, escape_rows[_i].text);
}
END_TEST

START_TEST(expressions_match_each_time)
{
    for (int i = 0; i < 3; i++) {
        ck_assert(text_matches("abc", "^[a-c]+$"));
        ck_assert(!text_matches("abd", "^[a-c]+$"));
        ck_assert(text_matches("abd", "b"));
    }
}
END_TEST

/* --- uuid ----------------------------------------------------------------------------- */

/* Computed by another program: names made of them are in people's subscriptions. */
static const struct {
    const char *name, *uuid;
} uuid_rows[] = {
    {"", "fa38a8d8-7ffd-53e6-821d-bc51e5657d05"},
    {"moongate", "5c736807-50c7-5835-b843-492ca200c1eb"},
    {"/subscriptions/s|role|principal", "3527f87d-6b96-5290-afbf-8807dc085c54"},
    {"gr\xc3\xbc\xc3\x9f", "08e0360a-82a2-598a-896e-7af434c545ce"}};

START_TEST(a_name_gives_the_same_uuid_for_ever)
{
    char text[UUID_TEXT_SIZE];

    uuid_from_name(uuid_rows[_i].name, text);
    ck_assert_str_eq(text, uuid_rows[_i].uuid);
    ck_assert(uuid_is_valid(text));
    uuid_drop_dashes(uuid_rows[_i].uuid, text);
    ck_assert_int_eq((int)strlen(text), 32);
    ck_assert_ptr_null(strchr(text, '-'));
}
END_TEST

START_TEST(random_uuids_are_of_version_4_and_all_different)
{
    struct map seen = {0};
    char text[UUID_TEXT_SIZE];

    for (int i = 0; i < 1000; i++) {
        uuid_random(text);
        ck_assert(uuid_is_valid(text));
        ck_assert_int_eq(text[14], '4');
        ck_assert_ptr_nonnull(strchr("89ab", text[19]));
        ck_assert_ptr_null(map_set(&seen, text, &seen));
    }
    map_deinit(&seen, NULL);
}
END_TEST

static const char *const bad_uuids[] = {"",
                                        "6d6f6f6e-6761-5465-8c1d-2f7b9043ae5",
                                        "6d6f6f6e-6761-5465-8c1d-2f7b9043ae511",
                                        "6d6f6f6e67615465-8c1d-2f7b9043ae51----",
                                        "gd6f6f6e-6761-5465-8c1d-2f7b9043ae51",
                                        "{6d6f6f6e-6761-5465-8c1d-2f7b9043ae51}"};

START_TEST(what_is_no_uuid_is_refused)
{
    ck_assert(!uuid_is_valid(bad_uuids[_i]));
}
END_TEST

/* --- json ----------------------------------------------------------------------------- */

static const struct {
    const char *text;
    size_t error_at;
} bad_json[] = {
    {"", 0},       {"{", 1},         {"[1,]", 3},   {"{\"a\":1} x", 8},  {"1 2", 2},
    {"<html>", 0}, {"{\"a\" 1}", 5}, {"\"open", 0}, {"\xef\xbb\xbf", 3}, {"tru", 0},
    {"[1,2", 4}};

START_TEST(what_is_no_json_is_refused_with_its_place)
{
    size_t at = 999;

    ck_assert_ptr_null(json_parse(bad_json[_i].text, strlen(bad_json[_i].text), &at));
    ck_assert_msg(at <= strlen(bad_json[_i].text) && at + 1 >= bad_json[_i].error_at &&
                      at <= bad_json[_i].error_at + 1,
                  "'%s': at %zu", bad_json[_i].text, at);
}
END_TEST

START_TEST(a_document_may_have_a_mark_in_front_and_space_behind)
{
    static const char text[] = "\xef\xbb\xbf {\"a\":1}\r\n\t ";
    cJSON *tree = json_parse(text, sizeof text - 1, NULL);

    ck_assert_double_eq(json_number_at(tree, "a", 0), 1);
    cJSON_Delete(tree);
    ck_assert_ptr_null(json_parse("{}\0{}", 5, NULL));
    tree = json_parse("{}garbage", 2, NULL); /* the length counts, not the end of text */
    ck_assert(cJSON_IsObject(tree));
    cJSON_Delete(tree);
}
END_TEST

START_TEST(a_nest_without_end_is_refused)
{
    char *text = memory_new(200001);

    memset(text, '[', 200000);
    ck_assert_ptr_null(json_parse(text, 200000, NULL));
    free(text);
}
END_TEST

START_TEST(paths_lead_down_and_nowhere_else)
{
    static const char text[] = "{\"a\":{\"b\":{\"c\":\"x\"},\"n\":4},\"A\":1,\"l\":[1]}";
    cJSON *tree = json_parse(text, sizeof text - 1, NULL);

    ck_assert_str_eq(json_string_at(tree, "a.b.c"), "x");
    ck_assert_double_eq(json_number_at(tree, "a.n", -1), 4);
    ck_assert_double_eq(json_number_at(tree, "a.b.c", -1), -1);
    ck_assert_double_eq(json_number_at(tree, "A", -1), 1);
    ck_assert_ptr_null(json_at(tree, "a.b.x"));
    ck_assert_ptr_null(json_at(tree, "a.b.c.d"));
    ck_assert_ptr_null(json_at(tree, "l.0"));
    ck_assert_ptr_null(json_string_at(tree, "a.n"));
    ck_assert_ptr_null(json_at(NULL, "a"));
    json_set_at(tree, "a.b.d.e", cJSON_CreateNumber(5));
    json_set_at(tree, "a.b.c", cJSON_CreateString("y"));
    json_set_at(tree, "A.x", cJSON_CreateTrue());

    char *printed = json_print(tree);

    ck_assert_str_eq(printed, "{\"a\":{\"b\":{\"d\":{\"e\":5},\"c\":\"y\"},\"n\":4},"
                              "\"l\":[1],\"A\":{\"x\":true}}");
    free(printed);
    cJSON_Delete(tree);
}
END_TEST

static const struct covers_row {
    const char *have, *want, *path; /* of the difference, or NULL: it covers */
} covers_rows[] = {{"{\"a\":1,\"b\":2}", "{\"a\":1}", NULL},
                   {"{\"a\":1}", "{\"a\":2}", "a"},
                   {"{}", "{\"a\":null}", NULL},
                   {"{\"a\":1}", "{\"a\":null}", "a"},
                   {"{\"a\":null}", "{\"a\":null}", NULL},
                   {"{}", "{\"a\":{}}", NULL},
                   {"{}", "{\"a\":[]}", NULL},
                   {"{}", "{\"a\":\"\"}", "a"},
                   {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":\"1\"}}", "a.b"},
                   {"{\"a\":[1,2]}", "{\"a\":[1,2]}", NULL},
                   {"{\"a\":[1,2]}", "{\"a\":[2,1]}", "a"},
                   {"{\"a\":[1,2]}", "{\"a\":[1]}", "a"},
                   {"{\"a\":[{\"x\":1,\"y\":2}]}", "{\"a\":[{\"x\":1}]}", NULL},
                   {"{\"a\":\"X\"}", "{\"a\":\"x\"}", "a"},
                   {"{\"A\":1}", "{\"a\":1}", "a"},
                   {"{\"a\":[]}", "{\"a\":{}}", "a"},
                   {"{\"a\":true}", "{\"a\":1}", "a"}};

START_TEST(one_document_covers_another_or_the_difference_is_named)
{
    const struct covers_row *row = &covers_rows[_i];
    cJSON *have = json_parse(row->have, strlen(row->have), NULL);
    cJSON *want = json_parse(row->want, strlen(row->want), NULL);
    char path[JSON_PATH_SIZE];

    ck_assert_int_eq(json_covers(have, want, path), row->path == NULL);
    if (row->path != NULL)
        ck_assert_str_eq(path, row->path);
    cJSON_Delete(have);
    cJSON_Delete(want);
}
END_TEST

START_TEST(a_deep_difference_does_not_overrun_its_path)
{
    cJSON *have = cJSON_CreateObject(), *want = cJSON_CreateNumber(1);
    char path[JSON_PATH_SIZE];

    for (int i = 0; i < 100; i++) {
        cJSON *outer = cJSON_CreateObject();

        cJSON_AddItemToObject(outer, "a_rather_long_name", want);
        want = outer;
    }
    ck_assert(!json_covers(have, want, path));
    ck_assert_uint_lt(strlen(path), JSON_PATH_SIZE);
    cJSON_Delete(have);
    cJSON_Delete(want);
}
END_TEST

/* --- map, list, waitable, failure ----------------------------------------------------- */

START_TEST(a_map_finds_ten_thousand_keys_and_forgets_those_removed)
{
    static int values[10000];
    struct map map = {0};
    char key[32];

    ck_assert_ptr_null(map_find(&map, "a"));
    ck_assert_ptr_null(map_remove(&map, "a"));
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        ck_assert_ptr_null(map_set(&map, key, &values[i]));
    }
    ck_assert_uint_eq(map.count, 10000);
    for (int i = 0; i < 10000; i += 3) {
        snprintf(key, sizeof key, "key %d", i);
        ck_assert_ptr_eq(map_remove(&map, key), &values[i]);
    }
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        ck_assert_ptr_eq(map_find(&map, key), i % 3 == 0 ? NULL : (void *)&values[i]);
    }
    ck_assert_ptr_eq(map_set(&map, "key 1", &values[0]), &values[1]);
    ck_assert_ptr_null(map_find(&map, "KEY 1"));
    ck_assert_uint_eq(map.count, 10000 - 3334);
    map_deinit(&map, NULL);
}
END_TEST

static int released;

static void count_release(void *value)
{
    (void)value;
    released++;
}

START_TEST(a_map_releases_each_value_at_its_end)
{
    struct map map = {0};

    map_set(&map, "a", &map);
    map_set(&map, "b", &map);
    map_set(&map, "a", &map);
    map_deinit(&map, count_release);
    ck_assert_int_eq(released, 2);
}
END_TEST

START_TEST(a_list_keeps_its_order)
{
    struct list head, links[3] = {0};

    list_init(&head);
    ck_assert(list_is_empty(&head));
    ck_assert_ptr_null(list_take_first(&head));
    for (size_t i = 0; i < 3; i++)
        list_append(&head, &links[i]);
    list_remove(&links[1]);
    list_remove(&links[1]); /* nothing happens */
    ck_assert(!list_is_linked(&links[1]));
    ck_assert_ptr_eq(list_take_first(&head), &links[0]);
    list_append(&head, &links[0]);
    ck_assert_ptr_eq(list_take_first(&head), &links[2]);
    ck_assert_ptr_eq(list_take_first(&head), &links[0]);
    ck_assert(list_is_empty(&head));
}
END_TEST

static char woken[16];

struct named_waiter {
    struct waiter waiter;
    char name;
    struct waiter *other; /* removed when this one wakes */
};

static void on_wake(struct waiter *waiter)
{
    const struct named_waiter *named = LIST_ENTRY(waiter, struct named_waiter, waiter);
    const char text[2] = {named->name, '\0'};

    strcat(woken, text);
    if (named->other != NULL)
        waiter_remove(named->other);
}

START_TEST(waiters_wake_once_in_the_order_they_came)
{
    struct waitable waitable;
    struct named_waiter waiters[5];

    waitable_init(&waitable);
    for (size_t i = 0; i < 5; i++) {
        waiters[i] =
            (struct named_waiter){.waiter.wake = on_wake, .name = (char)('a' + i)};
        waitable_add(&waitable, &waiters[i].waiter);
    }
    waiter_remove(&waiters[1].waiter);
    waiters[2].other = &waiters[3].waiter;
    ck_assert(!waitable.is_done);
    waitable_finish(&waitable);
    ck_assert(waitable.is_done);
    ck_assert_str_eq(woken, "ace");
}
END_TEST

START_TEST(a_failure_is_told_in_one_line)
{
    struct failure *failure = failure_new("NotFound", "%s is gone", "it");
    char *text = failure_describe(failure);

    ck_assert_str_eq(text, "NotFound: it is gone");
    free(text);
    failure->operation = memory_copy_string("GET thing 'x'");
    failure->target = memory_copy_string("/t/x");
    failure->request_id = memory_copy_string("r-1");
    failure->status = 404;
    failure_set_cure(failure, "first");
    failure_set_cure(failure, "look elsewhere");

    struct failure *copy = failure_copy(failure);

    failure_free(failure);
    text = failure_describe(copy);
    ck_assert_str_eq(text,
                     "GET thing 'x': NotFound: it is gone (HTTP 404) [/t/x] request id "
                     "r-1; look elsewhere");
    free(text);
    failure_free(copy);
    failure_free(NULL);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *topic = tcase_create(name);

    suite_add_tcase(suite, topic);
    return topic;
}

static void add_values(Suite *suite)
{
    TCase *duration = add_case(suite, "duration"), *clock = add_case(suite, "clock"),
          *text = add_case(suite, "text"), *uuid = add_case(suite, "uuid");

    tcase_add_loop_test(duration, a_good_duration_is_read, 0, COUNT(good_durations));
    tcase_add_loop_test(duration, a_bad_duration_is_refused_and_changes_nothing, 0,
                        COUNT(bad_durations));
    tcase_add_loop_test(duration, a_duration_is_shown_short, 0, COUNT(shown_durations));
    tcase_add_loop_test(duration, a_duration_is_written_as_it_is_read, 0,
                        COUNT(written_durations));
    tcase_add_test(clock, days_are_those_of_the_c_library_and_lead_back);
    tcase_add_test(clock, a_virtual_clock_moves_when_it_is_told_and_never_back);
    tcase_add_test(clock, a_scaled_clock_runs_by_its_factor);
    tcase_add_loop_test(clock, a_clock_is_named_by_word_or_factor, 0, COUNT(clock_rows));
    tcase_add_loop_test(clock, a_time_is_written_and_read_as_utc, 0, COUNT(utc_rows));
    tcase_add_test(clock, each_millisecond_of_a_minute_survives_the_round_trip);
    tcase_add_loop_test(clock, what_is_no_utc_time_is_refused, 0, COUNT(bad_times));
    tcase_add_loop_test(text, a_typing_error_finds_its_word, 0, COUNT(near_rows));
    tcase_add_test(text, very_long_words_are_near_to_nothing);
    tcase_add_loop_test(text, utf8_is_told_from_other_bytes, 0, COUNT(utf8_rows));
    tcase_add_test(text, ascii_letters_compare_without_case_and_others_do_not);
    tcase_add_loop_test(text, percent_signs_are_undone_once, 0, COUNT(escape_rows));
    tcase_add_test(text, expressions_match_each_time);
    tcase_add_loop_test(uuid, a_name_gives_the_same_uuid_for_ever, 0, COUNT(uuid_rows));
    tcase_add_test(uuid, random_uuids_are_of_version_4_and_all_different);
    tcase_add_loop_test(uuid, what_is_no_uuid_is_refused, 0, COUNT(bad_uuids));
}

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *buffer = add_case(suite, "buffer"), *json = add_case(suite, "json"),
          *containers = add_case(suite, "containers"),
          *failure = add_case(suite, "failure");

    add_values(suite);
    tcase_add_test(buffer, a_buffer_grows_and_stays_terminated);
    tcase_add_test(buffer, a_buffer_that_got_room_and_nothing_else_is_an_empty_text);
    tcase_add_test(buffer, taking_from_a_buffer_gives_text_and_leaves_it_empty);
    tcase_add_test(buffer, keys_of_texts_mind_neither_case_nor_length);
    tcase_add_test(buffer, text_in_a_url_is_escaped);
    tcase_add_test(buffer, text_in_json_is_escaped_and_can_be_read_again);
    tcase_add_loop_test(json, what_is_no_json_is_refused_with_its_place, 0,
                        COUNT(bad_json));
    tcase_add_test(json, a_document_may_have_a_mark_in_front_and_space_behind);
    tcase_add_test(json, a_nest_without_end_is_refused);
    tcase_add_test(json, paths_lead_down_and_nowhere_else);
    tcase_add_loop_test(json, one_document_covers_another_or_the_difference_is_named, 0,
                        COUNT(covers_rows));
    tcase_add_test(json, a_deep_difference_does_not_overrun_its_path);
    tcase_add_test(containers, a_map_finds_ten_thousand_keys_and_forgets_those_removed);
    tcase_add_test(containers, a_map_releases_each_value_at_its_end);
    tcase_add_test(containers, a_list_keeps_its_order);
    tcase_add_test(containers, waiters_wake_once_in_the_order_they_came);
    tcase_add_test(failure, a_failure_is_told_in_one_line);
    return harness_run_suite(suite);
}
