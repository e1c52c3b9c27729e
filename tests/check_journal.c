/* tests/check_journal.c - the journal of a run: its lines, what is known of each step, and
 * when what was added is safe. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "journal/content.h"
#include "journal/format.h"
#include "sink.h"
#include "suite.h"

#define GATEWAY "/subscriptions/s/providers/Microsoft.ApiManagement/gateways/gw-1"

static struct clock clock_;
static struct loop *loop;
static struct sink sink;

static void begin(void)
{
    clock_init(&clock_, CLOCK_VIRTUAL, 1.0);
    clock_set_wall(&clock_, INT64_C(1764064800123)); /* 2025-11-25T10:00:00.123Z */
    loop = loop_new(&clock_);
    memset(&sink, 0, sizeof sink);
    sink_begin(&sink, loop, "run-1");
}

static void end(void)
{
    sink_deinit(&sink);
    loop_free(loop);
}

static bool never(void *context)
{
    (void)context;
    return false;
}

/* Turns the loop until nothing is left to do. */
static void settle(void)
{
    ck_assert(!loop_run(loop, never, NULL, false));
}

static bool is_turned;

static void note_turn(struct deferred *deferred)
{
    (void)deferred;
    is_turned = true;
}

static bool has_turned(void *context)
{
    (void)context;
    return is_turned;
}

/* Turns the loop once: what was deferred so far has run. */
static void turn(void)
{
    struct deferred mark = {.run = note_turn};

    is_turned = false;
    loop_defer(loop, &mark);
    ck_assert(loop_run(loop, has_turned, NULL, false));
}

/* A wait that writes down that it was called. */
struct note {
    struct journal_wait wait;
    const char *name;
    bool was_called;
    char code[32]; /* of its failure, "" when there was none */
};

static char order[64]; /* names of the waits that were called */

static void on_safe(struct journal_wait *wait, const struct failure *failure)
{
    struct note *note = LIST_ENTRY(wait, struct note, wait);

    ck_assert(!note->was_called);
    note->was_called = true;
    snprintf(note->code, sizeof note->code, "%s", failure != NULL ? failure->code : "");
    strcat(order, note->name);
}

static void wait_for(struct note *note, const char *name)
{
    *note = (struct note){.wait = {.safe = on_safe}, .name = name};
    journal_sync(sink.journal, &note->wait);
}

/* Makes all that was added safe. */
static void sync_all(void)
{
    struct note note;

    wait_for(&note, ".");
    settle();
    ck_assert(note.was_called);
    ck_assert_str_eq(note.code, "");
}

/* The process dies, and the next attempt begins. */
static void carry_on(void)
{
    sink_kill(&sink);
    sink_begin(&sink, loop, "run-1");
}

static struct step *begin_step(const char *verb, const char *target, const char *body)
{
    cJSON *tree = body != NULL ? json_parse(body, strlen(body), NULL) : NULL;
    struct step *step = journal_begin(
        sink.journal,
        &(struct step_content){
            .verb = verb, .kind = "gateway", .target = target, .body = tree});

    ck_assert_ptr_nonnull(step);
    cJSON_Delete(tree);
    return step;
}

static struct step *peek(const char *verb, const char *target)
{
    return journal_peek(
        sink.journal,
        &(struct step_content){.verb = verb, .kind = "gateway", .target = target});
}

static void intend(struct step *step, const char *action)
{
    journal_intend(sink.journal, step, action, "PUT", "client-request-1");
}

static void answer(struct step *step, int status)
{
    journal_answer(sink.journal, step,
                   &(struct step_answer){.status = status,
                                         .url = (char[]){"https://arm.example/m/1"},
                                         .location = (char[]){"https://arm.example/l/1"},
                                         .state = (char[]){"Creating"},
                                         .etag = (char[]){"\"7\""},
                                         .id = (char[]){"made-1"},
                                         .request_id = (char[]){"service-request-1"}});
}

static void fail_step(struct step *step)
{
    struct failure *failure = failure_new("Conflict", "it is \"busy\"\n");

    failure->status = 409;
    journal_failed(sink.journal, step, failure);
    failure_free(failure);
}

static uint64_t steps_in(enum step_state state)
{
    struct journal_counts counts;

    journal_count(sink.journal, &counts);
    return counts.by_state[state];
}

/* --- lines ------------------------------------------------------------------------------ */

/* Counts the lines that a reader has given out. */
static void count(void *context, const cJSON *record)
{
    uint64_t *lines = context;

    ck_assert_double_eq(json_number_at(record, "n", 0), (double)++*lines);
}

struct reading {
    uint64_t lines, torn_bytes, good_bytes;
    char code[32], message[160];
};

/* Reads it in pieces of `piece` bytes. */
static struct reading read_in_pieces(const char *bytes, size_t length, size_t piece)
{
    struct reading reading = {0};
    struct journal_reader reader = {.take = count, .context = &reading.lines};
    struct failure *failure = NULL;

    for (size_t from = 0; from < length && failure == NULL; from += piece)
        failure = journal_read(&reader, bytes + from,
                               length - from < piece ? length - from : piece);
    if (failure != NULL) {
        snprintf(reading.code, sizeof reading.code, "%s", failure->code);
        snprintf(reading.message, sizeof reading.message, "%s", failure->message);
        failure_free(failure);
    } else {
        ck_assert_uint_eq(reader.lines, reading.lines);
        reading.torn_bytes = journal_read_end(&reader);
        reading.good_bytes = reader.good_bytes;
        ck_assert_uint_eq(reading.good_bytes + reading.torn_bytes, length);
    }
    journal_reader_deinit(&reader);
    return reading;
}

static struct reading read_all(const char *bytes, size_t length)
{
    return read_in_pieces(bytes, length, length);
}

static void add_line(struct buffer *text, uint64_t number, const char *name)
{
    const size_t line = journal_begin_line(text, number, INT64_C(1764064800123), "note");

    journal_add_text(text, "name", name);
    journal_end_line(text, line);
}

/* Five lines. Returns where the last one begins. */
static size_t write_five(struct buffer *text)
{
    static const char *const names[] = {"one", "two", "three \"3\"", "four", "five"};
    size_t last = 0;

    for (unsigned i = 0; i < 5; i++) {
        last = text->length;
        add_line(text, i + 1, names[i]);
    }
    return last;
}

static void assert_damaged(const struct reading *reading, const char *line)
{
    ck_assert_str_eq(reading->code, "JournalDamaged");
    ck_assert_msg(strstr(reading->message, line) != NULL, "'%s' is not about %s",
                  reading->message, line);
}

START_TEST(a_line_has_its_form_byte_for_byte)
{
    struct buffer text = {0};
    const size_t line = journal_begin_line(&text, 12, INT64_C(1764064800123), "intent");

    journal_add_text(&text, "key", "a\"b\\c\n\xc3\xa4");
    journal_add_text(&text, "absent", NULL);
    journal_add_text(&text, "broken", "\xc3");
    journal_add_number(&text, "nth", -3);
    journal_end_line(&text, line);
    ck_assert_str_eq(text.data, "{\"v\":1,\"n\":12,\"at\":\"2025-11-25T10:00:00.123Z\","
                                "\"do\":\"intent\",\"key\":\"a\\\"b\\\\c\\n\xc3\xa4\","
                                "\"nth\":-3,\"crc\":\"01b31c2e\"}\n");
    buffer_deinit(&text);
}
END_TEST

START_TEST(the_checksum_is_that_of_gzip)
{
    char crc[JOURNAL_CRC_SIZE];

    journal_format_crc("123456789", 9, crc); /* the check value of CRC-32 */
    ck_assert_str_eq(crc, "cbf43926");
    journal_format_crc("", 0, crc);
    ck_assert_str_eq(crc, "00000000");
}
END_TEST

START_TEST(lines_are_read_in_pieces_of_any_size)
{
    static const size_t pieces[] = {1, 2, 7, 64, 100000};
    struct buffer text = {0};

    write_five(&text);
    for (int i = 0; i < COUNT_OF(pieces); i++) {
        const struct reading reading = read_in_pieces(text.data, text.length, pieces[i]);

        ck_assert_str_eq(reading.code, "");
        ck_assert_uint_eq(reading.lines, 5);
        ck_assert_uint_eq(reading.torn_bytes, 0);
    }
    buffer_deinit(&text);
}
END_TEST

START_TEST(an_empty_log_has_no_lines)
{
    struct journal_reader reader = {.take = count};

    ck_assert_ptr_null(journal_read(&reader, NULL, 0));
    ck_assert_uint_eq(journal_read_end(&reader), 0);
    journal_reader_deinit(&reader);
}
END_TEST

START_TEST(a_last_line_torn_at_any_length_is_a_torn_tail)
{
    struct buffer text = {0};
    const size_t last = write_five(&text);

    for (size_t length = last; length < text.length; length++) {
        for (size_t piece = 1; piece < 4; piece++) {
            const struct reading reading = read_in_pieces(text.data, length, piece);

            ck_assert_str_eq(reading.code, "");
            ck_assert_uint_eq(reading.lines, 4);
            ck_assert_uint_eq(reading.torn_bytes, length - last);
            ck_assert_uint_eq(reading.good_bytes, last);
        }
    }
    buffer_deinit(&text);
}
END_TEST

START_TEST(a_tail_of_zeros_is_torn)
{
    static const char zeros[5000];
    struct buffer text = {0};
    const size_t last = write_five(&text);

    text.length = last + 10; /* the beginning of a line, then blocks never written */
    buffer_append(&text, zeros, sizeof zeros);

    struct reading reading = read_all(text.data, text.length);

    ck_assert_str_eq(reading.code, "");
    ck_assert_uint_eq(reading.lines, 4);
    ck_assert_uint_eq(reading.torn_bytes, sizeof zeros + 10);
    buffer_append_string(&text, "ne\"}\n"); /* the block behind them was written */
    reading = read_in_pieces(text.data, text.length, 512);
    ck_assert_str_eq(reading.code, "");
    ck_assert_uint_eq(reading.lines, 4);
    ck_assert_uint_eq(reading.torn_bytes, text.length - last);
    buffer_deinit(&text);
}
END_TEST

START_TEST(zeros_with_good_lines_behind_are_damage)
{
    static const char zeros[300];
    struct buffer text = {0};

    add_line(&text, 1, "one");
    buffer_append(&text, zeros, sizeof zeros);
    buffer_append_string(&text, "\n");
    add_line(&text, 2, "two");

    const struct reading reading = read_all(text.data, text.length);

    assert_damaged(&reading, "line 2 ");
    buffer_deinit(&text);
}
END_TEST

/* The third of five lines, with each of its bytes changed in turn. */
START_TEST(a_byte_flipped_anywhere_in_the_middle_is_damage_of_that_line)
{
    static const unsigned char masks[] = {0x01, 0x02, 0x04, 0x08, 0x10,
                                          0x20, 0x40, 0x80, 0xff};
    struct buffer text = {0};
    size_t from, to;

    write_five(&text);
    from = (size_t)(strstr(text.data, "\"n\":3") - text.data) - strlen("{\"v\":1,");
    to = (size_t)(strstr(text.data, "\"n\":4") - text.data) - strlen("{\"v\":1,");
    for (size_t at = from; at < to; at++) {
        const char was = text.data[at];

        text.data[at] = (char)((unsigned char)was ^ masks[_i]);

        const struct reading reading = read_all(text.data, text.length);

        ck_assert_msg(strcmp(reading.code, "JournalDamaged") == 0,
                      "byte %zu ('%c' to '%c'): %s", at - from, was, text.data[at],
                      reading.code);
        assert_damaged(&reading, "line 3 ");
        ck_assert_uint_eq(reading.lines, 2);
        text.data[at] = '\0'; /* a zero is no torn tail when good lines follow */
        const struct reading zeroed = read_all(text.data, text.length);

        assert_damaged(&zeroed, "line 3 ");
        text.data[at] = was;
    }
    buffer_deinit(&text);
}
END_TEST

/* Good checksums, wrong numbers. */
START_TEST(a_line_that_is_missing_or_twice_there_is_damage)
{
    static const uint64_t numbers[][3] = {{1, 3, 4}, {1, 1, 2}, {2, 3, 4}, {1, 2, 0}};
    static const char *const lines[] = {"line 2 ", "line 2 ", "line 1 ", "line 3 "};

    for (int i = 0; i < COUNT_OF(numbers); i++) {
        struct buffer text = {0};

        for (int k = 0; k < 3; k++)
            add_line(&text, numbers[i][k], "x");

        const struct reading reading = read_all(text.data, text.length);

        assert_damaged(&reading, lines[i]);
        buffer_deinit(&text);
    }
}
END_TEST

/* Ends a line that was made by hand. */
static void seal(struct buffer *text, const char *line)
{
    const size_t from = text->length;

    buffer_append_string(text, line);
    journal_end_line(text, from);
}

START_TEST(a_newer_version_is_refused_as_such)
{
    struct buffer text = {0};

    add_line(&text, 1, "one");
    seal(&text, "{\"v\":2,\"n\":2,\"shape\":\"another\"");

    const struct reading reading = read_all(text.data, text.length);

    ck_assert_str_eq(reading.code, "JournalTooNew");
    ck_assert_ptr_nonnull(strstr(reading.message, "line 2 "));
    ck_assert_ptr_nonnull(strstr(reading.message, "form 2 "));
    buffer_deinit(&text);
}
END_TEST

START_TEST(a_good_checksum_of_something_else_is_damage)
{
    static const char *const lines[] = {"",
                                        "[1",
                                        "{\"v\":1",
                                        "{\"n\":1",
                                        "{\"v\":0,\"n\":1",
                                        "{\"v\":\"1\",\"n\":1",
                                        "{\"v\":1,\"n\":\"1\"",
                                        "{\"v\":-1,\"n\":1",
                                        "{\"v\":1,\"n\":1,\"broken\":tru"};

    for (int i = 0; i < COUNT_OF(lines); i++) {
        struct buffer text = {0};

        seal(&text, lines[i]);

        const struct reading reading = read_all(text.data, text.length);

        ck_assert_msg(strcmp(reading.code, "JournalDamaged") == 0, "%s: '%s'", lines[i],
                      reading.code);
        buffer_deinit(&text);
    }
}
END_TEST

/* A line with a text of `length` bytes; without its end when it has none. */
static void write_long(struct buffer *text, size_t length, bool has_end)
{
    char *name = memory_new(length + 1);

    memset(name, 'x', length);
    add_line(text, 1, name);
    free(name);
    if (!has_end)
        text->length--;
}

START_TEST(a_very_long_line_is_read_and_a_longer_one_refused)
{
    static const size_t pieces[] = {4096, 1 << 20, SIZE_MAX / 2};
    struct buffer good = {0}, bad = {0}, endless = {0};

    write_long(&good, (4 << 20) - 200, true);
    write_long(&bad, 4 << 20, true);
    write_long(&endless, 4 << 20, false);
    for (int i = 0; i < COUNT_OF(pieces); i++) {
        const struct reading reading = read_in_pieces(good.data, good.length, pieces[i]);

        ck_assert_str_eq(reading.code, "");
        ck_assert_uint_eq(reading.lines, 1);

        const struct reading long_one = read_in_pieces(bad.data, bad.length, pieces[i]);

        assert_damaged(&long_one, "line 1 ");

        const struct reading torn =
            read_in_pieces(endless.data, endless.length, pieces[i]);

        assert_damaged(&torn, "line 1 ");
    }
    buffer_deinit(&good);
    buffer_deinit(&bad);
    buffer_deinit(&endless);
}
END_TEST

/* --- what a step is known by ------------------------------------------------------------ */

static const char *key_of(const char *run, const struct step_content *content)
{
    static char keys[4][CONTENT_KEY_SIZE];
    static unsigned next;
    char *key = keys[next++ % 4];

    content_hash(run, content, key);
    ck_assert_uint_eq(strlen(key), CONTENT_KEY_SIZE - 1);
    return key;
}

static const char *key_of_body(const char *body)
{
    cJSON *tree = json_parse(body, strlen(body), NULL);
    const char *key =
        key_of("r", &(struct step_content){.verb = "v", .target = "/t", .body = tree});

    ck_assert_ptr_nonnull(tree);
    cJSON_Delete(tree);
    return key;
}

START_TEST(bodies_that_say_the_same_have_one_key)
{
    static const char *const pairs[][2] = {
        {"{\"a\":1,\"b\":{\"c\":[1,2],\"d\":null}}",
         "{\"b\":{\"d\":null,\"c\":[1,2]},\"a\":1}"},
        {"{\"n\":1}", "{\"n\":1.0}"},
        {"{\"n\":100}", "{\"n\":1e2}"},
        {"{\"s\":\"\\u00e4\"}", "{\"s\":\"\xc3\xa4\"}"},
        {"[ {} , [] ]", "[{},[]]"}};

    ck_assert_str_eq(key_of_body(pairs[_i][0]), key_of_body(pairs[_i][1]));
}
END_TEST

START_TEST(bodies_that_differ_have_different_keys)
{
    static const char *const bodies[] = {"{}",
                                         "[]",
                                         "null",
                                         "true",
                                         "false",
                                         "0",
                                         "1",
                                         "0.1",
                                         "0.10000000001",
                                         "\"\"",
                                         "\"1\"",
                                         "\"true\"",
                                         "{\"a\":1}",
                                         "{\"a\":\"1\"}",
                                         "{\"b\":1}",
                                         "[1,2]",
                                         "[2,1]",
                                         "[[1],2]",
                                         "[1,[2]]",
                                         "[1,2,null]",
                                         "{\"\":1}",
                                         "{\"a\":{}}",
                                         "{\"a\":[]}",
                                         "{\"a\":null}",
                                         "[{},{}]",
                                         "[{}]",
                                         "{\"a\":{\"b\":1},\"c\":1}",
                                         "{\"a\":{\"b\":1,\"c\":1}}"};

    for (int i = 0; i < COUNT_OF(bodies); i++) {
        for (int k = 0; k < i; k++)
            ck_assert_msg(strcmp(key_of_body(bodies[i]), key_of_body(bodies[k])) != 0,
                          "%s and %s", bodies[i], bodies[k]);
    }
}
END_TEST

START_TEST(each_part_of_a_content_counts_and_so_does_the_run)
{
    cJSON *body = cJSON_CreateString("x");
    const struct step_content contents[] = {
        {.verb = "create", .target = "/a"},
        {.verb = "ensure", .target = "/a"},
        {.verb = "create", .target = "/b"},
        {.verb = "create", .target = "/A"},
        {.verb = "create", .kind = "", .target = "/a"},
        {.verb = "create", .kind = "api", .target = "/a"},
        {.verb = "create", .target = "/a", .query = ""},
        {.verb = "create", .target = "/a", .query = "?x=1"},
        {.verb = "create", .target = "/a", .text = ""},
        {.verb = "create", .target = "/a", .text = "x", .text_length = 1},
        {.verb = "create", .target = "/a", .text = "xy", .text_length = 2},
        {.verb = "create", .target = "/a", .text = "x\0y", .text_length = 3},
        {.verb = "create", .target = "/a", .body = body},
        {.verb = "createa", .target = "/"}};

    for (int i = 0; i < COUNT_OF(contents); i++) {
        ck_assert_str_eq(key_of("r", &contents[i]), key_of("r", &contents[i]));
        ck_assert_str_ne(key_of("r", &contents[i]), key_of("s", &contents[i]));
        for (int k = 0; k < i; k++)
            ck_assert_msg(strcmp(key_of("r", &contents[i]), key_of("r", &contents[k])) !=
                              0,
                          "%d and %d", i, k);
    }
    cJSON_Delete(body);
}
END_TEST

/* --- steps ------------------------------------------------------------------------------ */

START_TEST(a_step_that_nobody_knew_is_new)
{
    struct step *step = begin_step("create", GATEWAY, "{\"a\":1}");

    ck_assert_int_eq(step_state(step), STEP_NEW);
    ck_assert_str_eq(step_state_names[step_state(step)], "new");
    ck_assert(!step_is_replayed(step));
    ck_assert_ptr_null(step_answer(step));
    ck_assert_ptr_null(step_action(step));
    ck_assert_ptr_null(step_outcome(step));
    ck_assert_ptr_null(step_value(step));
    ck_assert_int_eq(step_age_ms(sink.journal, step), 0);
}
END_TEST

START_TEST(what_is_begun_and_not_sent_leaves_no_line)
{
    begin_step("create", GATEWAY, NULL);
    sync_all();
    ck_assert_str_eq(sink_text(&sink), "");
    carry_on();
    ck_assert_int_eq(step_state(begin_step("create", GATEWAY, NULL)), STEP_NEW);
}
END_TEST

START_TEST(an_intent_is_carried_over)
{
    struct step *step = begin_step("create", GATEWAY, "{\"a\":1}");

    intend(step, "create");
    ck_assert_int_eq(step_state(step), STEP_INTENDED);
    sync_all();
    clock_advance_to(&clock_, 90000);
    ck_assert_int_eq(step_age_ms(sink.journal, step), 90000);
    carry_on();
    step = begin_step("create", GATEWAY, "{\"a\":1}");
    ck_assert_int_eq(step_state(step), STEP_INTENDED);
    ck_assert(step_is_replayed(step));
    ck_assert_str_eq(step_action(step), "create");
    ck_assert_int_eq(step_age_ms(sink.journal, step), 90000);
    ck_assert_ptr_null(step_answer(step));
}
END_TEST

START_TEST(an_answer_is_carried_over_with_all_its_parts)
{
    struct step *step = begin_step("create", GATEWAY, NULL);

    intend(step, "create");
    answer(step, 201);
    journal_note_state(sink.journal, step, "Activating", 33.4);
    sync_all();
    carry_on();
    step = begin_step("create", GATEWAY, NULL);
    ck_assert_int_eq(step_state(step), STEP_ANSWERED);

    const struct step_answer *known = step_answer(step);

    ck_assert_int_eq(known->status, 201);
    ck_assert_str_eq(known->url, "https://arm.example/m/1");
    ck_assert_str_eq(known->location, "https://arm.example/l/1");
    ck_assert_str_eq(known->state, "Creating");
    ck_assert_str_eq(known->etag, "\"7\"");
    ck_assert_str_eq(known->id, "made-1");
    ck_assert_str_eq(known->request_id, "service-request-1");
    ck_assert_ptr_nonnull(
        strstr(sink_text(&sink), "\"state\":\"Activating\",\"percent\":33"));
}
END_TEST

START_TEST(what_is_done_is_carried_over_with_its_value)
{
    cJSON *value = json_parse("{\"ticket\":[4711]}", 17, NULL);
    struct step *step = begin_step("create", GATEWAY, NULL);

    intend(step, "create");
    answer(step, 200);
    journal_done(sink.journal, step, "created", value);
    sync_all();
    carry_on();
    step = begin_step("create", GATEWAY, NULL);
    ck_assert_int_eq(step_state(step), STEP_DONE);
    ck_assert_str_eq(step_outcome(step), "created");
    ck_assert(cJSON_Compare(step_value(step), value, true));
    ck_assert_int_eq(step_answer(step)->status, 200);
    ck_assert_str_eq(step_answer(step)->id, "made-1");
    cJSON_Delete(value);
}
END_TEST

START_TEST(what_had_nothing_to_write_is_carried_over_as_unchanged)
{
    journal_done(sink.journal, begin_step("ensure", GATEWAY, NULL), "unchanged", NULL);
    sync_all();
    carry_on();

    struct step *step = begin_step("ensure", GATEWAY, NULL);

    ck_assert_int_eq(step_state(step), STEP_DONE);
    ck_assert_str_eq(step_outcome(step), "unchanged");
    ck_assert(step_is_replayed(step));
}
END_TEST

START_TEST(what_failed_is_carried_over_as_failed_and_done_anew)
{
    struct step *step = begin_step("create", GATEWAY, NULL);

    intend(step, "create");
    fail_step(step);
    sync_all();
    ck_assert_ptr_nonnull(strstr(sink_text(&sink),
                                 "\"code\":\"Conflict\",\"status\":409,"
                                 "\"message\":\"it is \\\"busy\\\"\\n\""));
    carry_on();
    step = begin_step("create", GATEWAY, NULL);
    ck_assert_int_eq(step_state(step), STEP_FAILED);
    ck_assert_ptr_null(step_answer(step));
    intend(step, "create");
    answer(step, 200);
    journal_done(sink.journal, step, "created", NULL);
    sync_all();
    carry_on();
    ck_assert_int_eq(step_state(begin_step("create", GATEWAY, NULL)), STEP_DONE);
    ck_assert_uint_eq(steps_in(STEP_FAILED), 0);
    ck_assert_uint_eq(steps_in(STEP_DONE), 1);
}
END_TEST

START_TEST(an_intent_of_this_attempt_is_written_once_until_it_is_answered)
{
    struct step *step = begin_step("create", GATEWAY, NULL);

    intend(step, "create");
    intend(step, "create");
    sync_all();
    ck_assert_ptr_null(strstr(sink_text(&sink), "\"n\":2"));
    answer(step, 202);
    intend(step, "create"); /* it failed there and is sent again */
    ck_assert_int_eq(step_state(step), STEP_INTENDED);
    sync_all();
    carry_on();
    ck_assert_int_eq(step_state(begin_step("create", GATEWAY, NULL)), STEP_INTENDED);
    ck_assert_uint_eq(steps_in(STEP_ANSWERED), 0);
}
END_TEST

START_TEST(two_alike_are_told_apart_by_how_manieth_they_are)
{
    struct step *first = begin_step("POST", "/tickets", "{}");
    struct step *second = begin_step("POST", "/tickets", "{}");

    ck_assert_ptr_ne(first, second);
    intend(first, "POST");
    answer(first, 201);
    journal_done(sink.journal, first, "done", NULL);
    intend(second, "POST");
    sync_all();
    carry_on();
    first = begin_step("POST", "/tickets", "{}");
    second = begin_step("POST", "/tickets", "{}");
    ck_assert_int_eq(step_state(first), STEP_DONE);
    ck_assert_int_eq(step_state(second), STEP_INTENDED);
    ck_assert_int_eq(step_state(begin_step("POST", "/tickets", "{}")), STEP_NEW);
}
END_TEST

/* A script that tried again after a refusal is not to be refused, and not to send again. */
START_TEST(of_two_alike_the_one_that_was_done_comes_before_the_one_that_failed)
{
    struct step *first = begin_step("POST", "/tickets", "{}");
    struct step *second = begin_step("POST", "/tickets", "{}");

    intend(first, "POST");
    fail_step(first);
    intend(second, "POST");
    answer(second, 201);
    journal_done(sink.journal, second, "done", NULL);
    sync_all();
    carry_on();
    ck_assert_int_eq(step_state(begin_step("POST", "/tickets", "{}")), STEP_DONE);
    ck_assert_int_eq(step_state(begin_step("POST", "/tickets", "{}")), STEP_FAILED);
    ck_assert_int_eq(step_state(begin_step("POST", "/tickets", "{}")), STEP_NEW);
}
END_TEST

START_TEST(the_order_in_which_tasks_begin_does_not_matter)
{
    for (int i = 0; i < 2; i++) {
        struct step *step = begin_step("create", i == 0 ? "/a" : "/b", "{}");

        intend(step, "create");
        answer(step, i == 0 ? 200 : 201);
        journal_done(sink.journal, step, "created", NULL);
    }
    sync_all();
    carry_on();
    ck_assert_int_eq(step_answer(begin_step("create", "/b", "{}"))->status, 201);
    ck_assert_int_eq(step_answer(begin_step("create", "/a", "{}"))->status, 200);
}
END_TEST

START_TEST(a_single_step_is_the_same_however_often_it_begins)
{
    const struct step_content content = {
        .verb = "once", .target = "mail", .is_single = true};
    struct step *step = journal_begin(sink.journal, &content);

    ck_assert_ptr_eq(journal_begin(sink.journal, &content), step);
    journal_intend(sink.journal, step, "once", NULL, NULL);
    journal_done(sink.journal, step, "done", NULL);
    sync_all();
    carry_on();
    step = journal_begin(sink.journal, &content);
    ck_assert_int_eq(step_state(step), STEP_DONE);
    ck_assert_ptr_eq(journal_begin(sink.journal, &content), step);
    ck_assert_ptr_eq(journal_peek(sink.journal, &content), step);
}
END_TEST

START_TEST(a_peek_gives_what_begins_next_and_begins_nothing)
{
    struct step *step;

    ck_assert_ptr_null(peek("create", GATEWAY));
    step = begin_step("create", GATEWAY, NULL);
    ck_assert_ptr_null(peek("create", GATEWAY));
    intend(step, "create");
    sync_all();
    carry_on();
    step = peek("create", GATEWAY);
    ck_assert_ptr_nonnull(step);
    ck_assert_ptr_eq(peek("create", GATEWAY), step);
    ck_assert_ptr_eq(begin_step("create", GATEWAY, NULL), step);
    ck_assert_ptr_null(peek("create", GATEWAY));
}
END_TEST

/* --- what was deleted later ------------------------------------------------------------- */

static bool is_deleted_later(const char *verb, const char *target)
{
    struct step *step = begin_step(verb, target, NULL);

    return journal_deletes_later(sink.journal, step, target);
}

static struct step *send_delete(const char *target)
{
    struct step *step = begin_step("delete", target, NULL);

    intend(step, "delete");
    return step;
}

static void create(const char *target)
{
    struct step *step = begin_step("create", target, NULL);

    intend(step, "create");
    answer(step, 201);
    journal_done(sink.journal, step, "created", NULL);
}

/* How far the deletion had come when the process died. */
START_TEST(a_deletion_explains_an_absence_however_far_it_had_come)
{
    struct step *gone;

    create(GATEWAY);
    gone =
        send_delete("/SUBSCRIPTIONS/s/providers/microsoft.apimanagement/gateways/GW-1");
    if (_i > 0)
        answer(gone, 204);
    if (_i > 1)
        journal_done(sink.journal, gone, "deleted", NULL);
    create("/another");
    sync_all();
    carry_on();
    ck_assert(is_deleted_later("create", GATEWAY));
    ck_assert(!is_deleted_later("create", "/another"));
}
END_TEST

START_TEST(a_deletion_takes_all_below_with_it)
{
    create(GATEWAY "/configConnections/c1");
    create(GATEWAY "00");
    send_delete(GATEWAY);
    sync_all();
    carry_on();
    ck_assert(is_deleted_later("create", GATEWAY "/configConnections/c1"));
    ck_assert(!is_deleted_later("create", GATEWAY "00"));
}
END_TEST

START_TEST(a_deletion_that_was_refused_explains_nothing)
{
    create(GATEWAY);
    fail_step(send_delete(GATEWAY));
    sync_all();
    carry_on();
    ck_assert(!is_deleted_later("create", GATEWAY));
}
END_TEST

START_TEST(a_deletion_before_it_explains_nothing)
{
    answer(send_delete(GATEWAY), 204);
    create(GATEWAY);
    sync_all();
    carry_on();
    ck_assert(!is_deleted_later("create", GATEWAY));
}
END_TEST

START_TEST(a_plain_request_deletes_as_well)
{
    struct step *step;

    create(GATEWAY);
    step = begin_step("DELETE", GATEWAY, NULL);
    journal_intend(sink.journal, step, "DELETE", "DELETE", NULL);
    answer(step, 204);
    sync_all();
    carry_on();
    ck_assert(is_deleted_later("create", GATEWAY));
}
END_TEST

/* --- counts ----------------------------------------------------------------------------- */

START_TEST(the_journal_counts_what_it_knows)
{
    struct journal_counts counts;
    struct step *step;

    journal_note(sink.journal, "begin", cJSON_CreateObject());
    create("/a");
    create("/b");
    answer(send_delete("/a"), 204);
    intend(begin_step("create", "/c", NULL), "create");
    step = begin_step("create", "/d", NULL);
    intend(step, "create");
    fail_step(step);
    begin_step("create", "/e", NULL);
    sync_all();
    carry_on();
    journal_note(sink.journal, "begin", cJSON_CreateObject());
    begin_step("create", "/a", NULL);
    begin_step("create", "/a", NULL);
    begin_step("create", "/c", NULL);
    journal_count(sink.journal, &counts);
    ck_assert_uint_eq(counts.attempts, 2);
    ck_assert_uint_eq(counts.records, 1 + 3 + 3 + 2 + 1 + 2 + 1);
    ck_assert_uint_eq(counts.by_state[STEP_NEW], 1);
    ck_assert_uint_eq(counts.by_state[STEP_INTENDED], 1);
    ck_assert_uint_eq(counts.by_state[STEP_ANSWERED], 1);
    ck_assert_uint_eq(counts.by_state[STEP_DONE], 2);
    ck_assert_uint_eq(counts.by_state[STEP_FAILED], 1);
    ck_assert_uint_eq(counts.writes, 3);
    ck_assert_uint_eq(counts.deletes, 1);
    ck_assert_uint_eq(counts.replayed, 1);
}
END_TEST

/* The process dies between a plain DELETE's answer and the next. */
START_TEST(a_plain_request_counts_as_a_deletion)
{
    struct journal_counts counts;
    struct step *step = begin_step("DELETE", GATEWAY, NULL);

    journal_intend(sink.journal, step, "DELETE", "DELETE", NULL);
    answer(step, 204);
    sync_all();
    carry_on();
    journal_count(sink.journal, &counts);
    ck_assert_uint_eq(counts.writes, 1);
    ck_assert_uint_eq(counts.deletes, 1);
}
END_TEST

START_TEST(what_this_attempt_skipped_and_what_is_new_is_told)
{
    uint64_t skipped = 0;
    char *text;
    struct step *step;

    create("/x/a");
    create("/x/b");
    step = begin_step("create", "/x/refused", NULL);
    intend(step, "create");
    fail_step(step);
    sync_all();
    ck_assert_ptr_null(journal_find_skipped(sink.journal, &skipped));
    ck_assert_uint_eq(skipped, 0);
    carry_on();
    text = journal_find_skipped(sink.journal, &skipped);
    ck_assert_str_eq(text, "create gateway 'a'");
    ck_assert_uint_eq(skipped, 2); /* what was refused has left nothing */
    free(text);
    ck_assert_ptr_null(journal_find_new(sink.journal));
    begin_step("create", "/x/a", NULL);
    begin_step("ensure", "/x/c", NULL);
    begin_step("ensure", "/x/d", NULL);
    text = journal_find_skipped(sink.journal, &skipped);
    ck_assert_str_eq(text, "create gateway 'b'");
    ck_assert_uint_eq(skipped, 1);
    free(text);
    text = journal_find_new(sink.journal);
    ck_assert_str_eq(text, "ensure gateway 'c'");
    free(text);
}
END_TEST

START_TEST(records_of_a_kind_that_is_not_known_are_passed_over)
{
    struct buffer text = {0};
    struct journal_counts counts;

    seal(&text, "{\"v\":1,\"n\":1,\"do\":\"dance\",\"step\":7");
    seal(&text, "{\"v\":1,\"n\":2,\"do\":\"answer\",\"step\":7,\"status\":200");
    seal(&text, "{\"v\":1,\"n\":3,\"do\":\"done\",\"step\":-1");
    seal(&text, "{\"v\":1,\"n\":4,\"do\":\"failed\",\"step\":1e300");
    seal(&text, "{\"v\":1,\"n\":5");
    ck_assert_ptr_null(sink_read(&sink, text.data, text.length));
    journal_count(sink.journal, &counts);
    ck_assert_uint_eq(counts.records, 5);
    ck_assert_uint_eq(counts.by_state[STEP_ANSWERED], 0);
    buffer_deinit(&text);
}
END_TEST

/* --- when it is safe -------------------------------------------------------------------- */

START_TEST(all_that_is_added_in_one_turn_goes_in_one_append)
{
    struct note a, b, c;

    order[0] = '\0';
    for (int i = 0; i < 64; i++)
        create(i % 2 == 0 ? "/even" : "/odd");
    wait_for(&a, "a");
    journal_note(sink.journal, "file", cJSON_CreateObject());
    wait_for(&b, "b");
    wait_for(&c, "c");
    ck_assert_str_eq(order, ""); /* not from inside the call */
    settle();
    ck_assert_str_eq(order, "abc");
    ck_assert_uint_eq(sink.appends, 1);
    ck_assert_ptr_nonnull(strstr(sink_text(&sink), "\"n\":193,"));
}
END_TEST

START_TEST(a_wait_for_what_is_safe_already_is_over_at_once)
{
    struct note note;

    order[0] = '\0';
    wait_for(&note, "a");
    ck_assert(note.was_called);
    create("/a");
    sync_all();
    wait_for(&note, "b");
    ck_assert(note.was_called);
    ck_assert_uint_eq(sink.appends, 1);
}
END_TEST

START_TEST(what_comes_while_an_append_is_under_way_goes_with_the_next)
{
    struct note a, b;

    order[0] = '\0';
    sink.holds = true;
    create("/a");
    wait_for(&a, "a");
    sink_wait(&sink);
    create("/b");
    wait_for(&b, "b");
    turn();
    ck_assert_uint_eq(sink.appends, 1);
    ck_assert_ptr_null(strstr(sink.last.data, "\"/b\""));
    sink_answer(&sink);
    ck_assert(a.was_called && !b.was_called);
    ck_assert_uint_eq(sink.appends, 2);
    ck_assert_ptr_null(strstr(sink.last.data, "\"/a\""));
    sink_answer(&sink);
    ck_assert_str_eq(order, "ab");
}
END_TEST

START_TEST(what_nobody_waits_for_is_written_when_it_is_much)
{
    struct step *step = begin_step("create", "/a", NULL);
    unsigned records = 0;

    intend(step, "create");
    settle();
    ck_assert_uint_eq(sink.appends, 0);
    while (sink.appends == 0 && records++ < 10000) {
        journal_note_state(sink.journal, step, "Activating", -1.0);
        settle();
    }
    ck_assert_uint_eq(sink.appends, 1);
    ck_assert_uint_le(sink.log.length, 70000);
}
END_TEST

START_TEST(an_output_that_fails_fails_all_that_waits_now_and_later)
{
    struct note a, b, c;
    struct failure *failure;

    order[0] = '\0';
    sink.holds = true;
    sink.code = "IOError";
    create("/a");
    wait_for(&a, "a");
    sink_wait(&sink);
    create("/b");
    wait_for(&b, "b");
    ck_assert_ptr_null(journal_check(sink.journal));
    sink_answer(&sink);
    ck_assert_str_eq(order, "ab");
    ck_assert_str_eq(a.code, "IOError");
    ck_assert_str_eq(b.code, "IOError");
    create("/c");
    wait_for(&c, "c");
    ck_assert_str_eq(c.code, "IOError");
    settle();
    ck_assert_uint_eq(sink.appends, 1); /* there is no gap in what was written */
    failure = journal_check(sink.journal);
    ck_assert_str_eq(failure->code, "IOError");
    failure_free(failure);
}
END_TEST

START_TEST(a_wait_that_is_canceled_is_not_called)
{
    struct note a, b, c;

    order[0] = '\0';
    create("/a");
    wait_for(&a, "a");
    wait_for(&b, "b");
    wait_for(&c, "c");
    journal_wait_cancel(&b.wait);
    journal_wait_cancel(&b.wait);
    settle();
    ck_assert_str_eq(order, "ac");
    journal_wait_cancel(&c.wait); /* it is over */
}
END_TEST

static struct note second;

static void on_safe_wait_again(struct journal_wait *wait, const struct failure *failure)
{
    on_safe(wait, failure);
    create("/again");
    wait_for(&second, "2");
}

START_TEST(a_wait_may_wait_again_when_it_is_called)
{
    struct note first = {.wait = {.safe = on_safe_wait_again}, .name = "1"};

    order[0] = '\0';
    create("/a");
    journal_sync(sink.journal, &first.wait);
    settle();
    ck_assert_str_eq(order, "12");
    ck_assert_uint_eq(sink.appends, 2);
}
END_TEST

START_TEST(a_lease_that_is_lost_forbids_writes_and_not_the_journal)
{
    struct failure *failure;

    ck_assert_ptr_null(journal_check(sink.journal));
    sink.lost = "LeaseLost";
    failure = journal_check(sink.journal);
    ck_assert_str_eq(failure->code, "LeaseLost");
    failure_free(failure);
    create("/a");
    sync_all();
}
END_TEST

START_TEST(an_output_without_a_lease_never_forbids)
{
    sink.output.check_lease = NULL;
    ck_assert_ptr_null(journal_check(sink.journal));
}
END_TEST

START_TEST(what_is_left_unwritten_is_freed)
{
    struct note note;

    create("/a");
    begin_step("create", "/b", "{}");
    wait_for(&note, "a");
    journal_wait_cancel(&note.wait);
    journal_free(NULL);
} /* the fixture frees it */
END_TEST

/* --- many ------------------------------------------------------------------------------- */

enum { MANY = 60000 };

/* A twentieth of the million that are read in 5 s and 200 MB: tests/bench/journal_replay.c. */
START_TEST(many_records_are_read_soon)
{
    struct journal_counts counts;
    const clock_t before = clock();

    for (int i = 0; i < MANY / 3; i++) {
        char target[160];

        snprintf(target, sizeof target, GATEWAY "-%d", i);
        create(target);
    }
    sync_all();
    carry_on();
    journal_count(sink.journal, &counts);
    ck_assert_uint_eq(counts.records, MANY);
    ck_assert_uint_eq(counts.by_state[STEP_DONE], MANY / 3);
    ck_assert_double_lt((double)(clock() - before) / CLOCKS_PER_SEC, 5.0);
}
END_TEST

/* One content many times over: the steps of a chain are not walked through for each. */
START_TEST(many_alike_are_begun_soon)
{
    const clock_t before = clock();

    for (int i = 0; i < MANY / 3; i++) {
        struct step *step = begin_step("POST", "/tickets", NULL);

        intend(step, "POST");
        if (i % 2 == 0)
            fail_step(step);
        else
            answer(step, 200);
    }
    sync_all();
    carry_on();
    for (int i = 0; i < MANY / 3; i++)
        ck_assert_int_eq(step_state(begin_step("POST", "/tickets", NULL)),
                         i < MANY / 6 ? STEP_ANSWERED : STEP_FAILED);
    ck_assert_double_lt((double)(clock() - before) / CLOCKS_PER_SEC, 5.0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *topic = add_case(suite, "lines", begin, end);

    tcase_add_test(topic, a_line_has_its_form_byte_for_byte);
    tcase_add_test(topic, the_checksum_is_that_of_gzip);
    tcase_add_test(topic, lines_are_read_in_pieces_of_any_size);
    tcase_add_test(topic, an_empty_log_has_no_lines);
    tcase_add_test(topic, a_last_line_torn_at_any_length_is_a_torn_tail);
    tcase_add_test(topic, a_tail_of_zeros_is_torn);
    tcase_add_test(topic, zeros_with_good_lines_behind_are_damage);
    tcase_add_loop_test(
        topic, a_byte_flipped_anywhere_in_the_middle_is_damage_of_that_line, 0, 9);
    tcase_add_test(topic, a_line_that_is_missing_or_twice_there_is_damage);
    tcase_add_test(topic, a_newer_version_is_refused_as_such);
    tcase_add_test(topic, a_good_checksum_of_something_else_is_damage);
    tcase_add_test(topic, a_very_long_line_is_read_and_a_longer_one_refused);

    topic = add_case(suite, "content", begin, end);
    tcase_add_loop_test(topic, bodies_that_say_the_same_have_one_key, 0, 5);
    tcase_add_test(topic, bodies_that_differ_have_different_keys);
    tcase_add_test(topic, each_part_of_a_content_counts_and_so_does_the_run);

    topic = add_case(suite, "steps", begin, end);
    tcase_add_test(topic, a_step_that_nobody_knew_is_new);
    tcase_add_test(topic, what_is_begun_and_not_sent_leaves_no_line);
    tcase_add_test(topic, an_intent_is_carried_over);
    tcase_add_test(topic, an_answer_is_carried_over_with_all_its_parts);
    tcase_add_test(topic, what_is_done_is_carried_over_with_its_value);
    tcase_add_test(topic, what_had_nothing_to_write_is_carried_over_as_unchanged);
    tcase_add_test(topic, what_failed_is_carried_over_as_failed_and_done_anew);
    tcase_add_test(topic, an_intent_of_this_attempt_is_written_once_until_it_is_answered);
    tcase_add_test(topic, two_alike_are_told_apart_by_how_manieth_they_are);
    tcase_add_test(topic,
                   of_two_alike_the_one_that_was_done_comes_before_the_one_that_failed);
    tcase_add_test(topic, the_order_in_which_tasks_begin_does_not_matter);
    tcase_add_test(topic, a_single_step_is_the_same_however_often_it_begins);
    tcase_add_test(topic, a_peek_gives_what_begins_next_and_begins_nothing);

    topic = add_case(suite, "deleted", begin, end);
    tcase_add_loop_test(topic, a_deletion_explains_an_absence_however_far_it_had_come, 0,
                        3);
    tcase_add_test(topic, a_deletion_takes_all_below_with_it);
    tcase_add_test(topic, a_deletion_that_was_refused_explains_nothing);
    tcase_add_test(topic, a_deletion_before_it_explains_nothing);
    tcase_add_test(topic, a_plain_request_deletes_as_well);

    topic = add_case(suite, "counts", begin, end);
    tcase_add_test(topic, the_journal_counts_what_it_knows);
    tcase_add_test(topic, a_plain_request_counts_as_a_deletion);
    tcase_add_test(topic, what_this_attempt_skipped_and_what_is_new_is_told);
    tcase_add_test(topic, records_of_a_kind_that_is_not_known_are_passed_over);

    topic = add_case(suite, "safe", begin, end);
    tcase_add_test(topic, all_that_is_added_in_one_turn_goes_in_one_append);
    tcase_add_test(topic, a_wait_for_what_is_safe_already_is_over_at_once);
    tcase_add_test(topic, what_comes_while_an_append_is_under_way_goes_with_the_next);
    tcase_add_test(topic, what_nobody_waits_for_is_written_when_it_is_much);
    tcase_add_test(topic, an_output_that_fails_fails_all_that_waits_now_and_later);
    tcase_add_test(topic, a_wait_that_is_canceled_is_not_called);
    tcase_add_test(topic, a_wait_may_wait_again_when_it_is_called);
    tcase_add_test(topic, a_lease_that_is_lost_forbids_writes_and_not_the_journal);
    tcase_add_test(topic, an_output_without_a_lease_never_forbids);
    tcase_add_test(topic, what_is_left_unwritten_is_freed);

    topic = add_case(suite, "many", begin, end);
    tcase_add_test(topic, many_records_are_read_soon);
    tcase_add_test(topic, many_alike_are_begun_soon);
    return run_suite(suite);
}
