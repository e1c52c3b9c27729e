/* tests/check_record.c - what is kept of a run, in a folder: made, taken over, lost, ended. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "run/record.h"
#include "store.h"
#include "suite.h"

#define RUN          "20260131-120000-1f3a"
#define OF_RUN(name) "runs/" RUN "/" name

enum { LEASE_MS = 30000, SHORT_LEASE_MS = 600 };

static cJSON *manifest(const char *script)
{
    cJSON *tree = cJSON_CreateObject();

    cJSON_AddNumberToObject(tree, "version", 1);
    cJSON_AddStringToObject(tree, "script", script);
    return tree;
}

static struct record *new_record(int64_t lease_ms)
{
    return record_new(store, loop, RUN, manifest("a.lua"), lease_ms);
}

/* As a run begins an attempt. */
static void note_begin(struct record *record)
{
    journal_note(record_journal(record), "begin", cJSON_CreateObject());
}

static struct step *begin_step(struct record *record, const char *target)
{
    return journal_begin(
        record_journal(record),
        &(struct step_content){.verb = "create", .kind = "gateway", .target = target});
}

/* Writes the step `target`, as far as its answer. */
static void write_step(struct record *record, const char *target)
{
    struct step *step = begin_step(record, target);

    journal_intend(record_journal(record), step, "create", "PUT", NULL);
    journal_answer(record_journal(record), step, &(struct step_answer){.status = 201});
}

static cJSON *end_of(const char *status)
{
    cJSON *tree = cJSON_CreateObject();

    cJSON_AddStringToObject(tree, "status", status);
    return tree;
}

static void assert_good(struct failure *failure)
{
    ck_assert_msg(failure == NULL, "%s", failure != NULL ? failure->message : "");
}

/* The failure is `code`; frees it. */
static void assert_code(struct failure *failure, const char *code, const char *part)
{
    ck_assert_ptr_nonnull(failure);
    ck_assert_str_eq(failure->code, code);
    ck_assert_msg(strstr(failure->message, part) != NULL, "'%s' does not say '%s'",
                  failure->message, part);
    failure_free(failure);
}

static void end_record(struct record *record, const char *status)
{
    assert_good(record_end(record, end_of(status)));
    record_free(record);
}

/* A run of one attempt that wrote /a and failed. */
static void make_run(void)
{
    struct record *record = new_record(LEASE_MS);

    note_begin(record);
    record_keep_file(record, "script.lua", "print(1)", 8);
    record_keep_file(record, "modules/teams.lua", "return 2", 8);
    record_add_event(record, "{\"n\":1}\n", 8);
    write_step(record, "/a");
    assert_good(record_make(record));
    end_record(record, "failed");
}

/* The text of the store, or NULL when it is absent. Borrowed until the next call. */
static const char *text_of(const char *name)
{
    ck_assert_str_eq(get(name, 0, SIZE_MAX), "");
    return call.is_absent ? NULL : bytes();
}

static void count_line(void *context, const cJSON *record)
{
    (void)record;
    ++*(unsigned *)context;
}

/* The good lines of the journal, which is whole. */
static unsigned journal_lines(void)
{
    unsigned lines = 0;
    struct journal_reader reader = {.take = count_line, .context = &lines};

    ck_assert_ptr_nonnull(text_of(OF_RUN("journal.jsonl")));
    assert_good(journal_read(&reader, call.bytes.data, call.bytes.length));
    ck_assert_uint_eq(journal_read_end(&reader), 0);
    journal_reader_deinit(&reader);
    return lines;
}

/* --- making it -------------------------------------------------------------------------- */

START_TEST(a_run_that_writes_nothing_leaves_nothing)
{
    char *path = path_of("store");
    struct record *record = new_record(LEASE_MS);

    note_begin(record);
    record_keep_file(record, "script.lua", "print(1)", 8);
    record_add_event(record, "{}\n", 3);
    ck_assert_ptr_null(journal_check(record_journal(record)));
    ck_assert(!record_is_kept(record));
    end_record(record, "succeeded");
    ck_assert_int_ne(access(path, F_OK), 0);
    free(path);
}
END_TEST

START_TEST(the_first_write_makes_all_of_it)
{
    struct record *record = new_record(LEASE_MS);
    cJSON *end;

    ck_assert_str_eq(record_id(record), RUN);
    note_begin(record);
    record_keep_file(record, "script.lua", "print(1)", 8);
    record_add_event(record, "{\"n\":1}\n", 8);
    ck_assert_uint_eq(record_attempt(record), 1);
    write_step(record, "/a");
    assert_good(record_make(record));
    ck_assert(record_is_kept(record));
    ck_assert_str_eq(text_of(OF_RUN("run.json")), "{\"version\":1,\"script\":\"a.lua\"}");
    ck_assert_str_eq(text_of(OF_RUN("script.lua")), "print(1)");
    ck_assert_uint_eq(journal_lines(), 3);
    ck_assert_ptr_null(text_of(OF_RUN("end.json")));
    record_add_event(record, "{\"n\":2}\n", 8);
    journal_note(record_journal(record), "end", cJSON_CreateObject());
    end_record(record, "failed");
    ck_assert_uint_eq(journal_lines(), 4);
    ck_assert_str_eq(text_of(OF_RUN("events.jsonl")), "{\"n\":1}\n{\"n\":2}\n");
    ck_assert_ptr_nonnull(text_of(OF_RUN("end.json")));
    end = json_parse(call.bytes.data, call.bytes.length, NULL);
    ck_assert_str_eq(json_string_at(end, "status"), "failed");
    ck_assert_double_eq(json_number_at(end, "fence", 0), 1);
    cJSON_Delete(end);
    store->look(store, start_call(), OF_RUN("journal.jsonl"));
    ck_assert_str_eq(finish(), "");
    ck_assert(!call.is_held);
}
END_TEST

START_TEST(code_that_comes_later_is_kept_before_the_next_line)
{
    struct record *record = new_record(LEASE_MS);
    size_t length = 0;

    note_begin(record);
    assert_good(record_make(record));
    record_keep_file(record, "modules/a.b.lua", "return \0", 8);
    ck_assert_str_eq(record_find_file(record, "modules/a.b.lua", &length), "return ");
    ck_assert_uint_eq(length, 8);
    ck_assert_ptr_null(record_find_file(record, "modules/c.lua", &length));
    write_step(record, "/a");
    assert_good(record_make(record));
    ck_assert_ptr_nonnull(text_of(OF_RUN("modules/a.b.lua")));
    ck_assert_uint_eq(call.bytes.length, 8);
    end_record(record, "failed");
}
END_TEST

START_TEST(a_run_that_is_there_is_not_written_over)
{
    struct record *record;

    make_run();
    record = record_new(store, loop, RUN, manifest("other.lua"), LEASE_MS);
    note_begin(record);
    assert_code(record_make(record), "RunExists", RUN);
    assert_code(journal_check(record_journal(record)), "RunExists", RUN);
    ck_assert(!record_is_kept(record));
    end_record(record, "failed");
    ck_assert_ptr_nonnull(strstr(text_of(OF_RUN("run.json")), "a.lua"));
    ck_assert_uint_eq(journal_lines(), 3);
    ck_assert_ptr_null(strstr(text_of(OF_RUN("events.jsonl")), "\"n\":2"));
}
END_TEST

/* --- taking it over --------------------------------------------------------------------- */

START_TEST(a_run_is_taken_over_with_all_that_is_known)
{
    struct record *record;
    size_t length = 0;

    make_run();
    record = new_record(LEASE_MS);
    assert_good(record_take_over(record, false));
    ck_assert(record_is_kept(record));
    ck_assert_uint_eq(record_torn_bytes(record), 0);
    ck_assert_uint_eq(record_attempt(record), 1);
    ck_assert_str_eq(record_find_file(record, "script.lua", &length), "print(1)");
    ck_assert_str_eq(record_find_file(record, "modules/teams.lua", &length), "return 2");
    ck_assert_int_eq(step_state(begin_step(record, "/a")), STEP_ANSWERED);
    note_begin(record);
    ck_assert_uint_eq(record_attempt(record), 2);
    write_step(record, "/b");
    record_add_event(record, "{\"n\":2}\n", 8);
    assert_good(record_make(record));
    end_record(record, "succeeded");
    ck_assert_uint_eq(journal_lines(), 6);
    ck_assert_str_eq(text_of(OF_RUN("events.jsonl")), "{\"n\":1}\n{\"n\":2}\n");
    ck_assert_ptr_nonnull(strstr(text_of(OF_RUN("end.json")), "\"fence\":2"));
    ck_assert_ptr_nonnull(strstr(text_of(OF_RUN("end.json")), "succeeded"));
}
END_TEST

START_TEST(a_run_that_another_carries_is_held)
{
    struct record *first = new_record(LEASE_MS), *second;
    char pid[32];

    snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    note_begin(first);
    assert_good(record_make(first));
    second = new_record(LEASE_MS);
    assert_code(record_take_over(second, false), "RunHeld", pid);
    record_free(second);
    write_step(first, "/a"); /* and is not disturbed by that */
    assert_good(record_make(first));
    end_record(first, "succeeded");
    ck_assert_uint_eq(journal_lines(), 3);
}
END_TEST

/* Does it to a file of the run. */
static void change_file(const char *name, long at, const char *text)
{
    char *in_store = memory_format("store/runs/%s/%s", RUN, name);
    char *path = path_of(in_store);
    FILE *file = fopen(path, "r+");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, at < 0 ? 0 : at, at < 0 ? SEEK_END : SEEK_SET), 0);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
    free(in_store);
}

START_TEST(a_torn_tail_is_cut_off)
{
    struct record *record;

    make_run();
    change_file("journal.jsonl", -1, "{\"v\":1,\"n\":4,\"at");
    record = new_record(LEASE_MS);
    assert_good(record_take_over(record, false));
    ck_assert_uint_eq(record_torn_bytes(record), 16);
    note_begin(record);
    assert_good(record_make(record));
    end_record(record, "failed");
    ck_assert_uint_eq(journal_lines(), 4);
}
END_TEST

START_TEST(a_damaged_middle_is_refused_or_cut_when_that_is_asked_for)
{
    struct record *record;
    const char *second;
    long at;

    make_run();
    second = strchr(text_of(OF_RUN("journal.jsonl")), '\n') + 1;
    at = second - bytes() + 30;
    change_file("journal.jsonl", at, "#");
    record = new_record(LEASE_MS);
    assert_code(record_take_over(record, false), "JournalDamaged", "line 2 ");
    record_free(record);
    ck_assert_uint_eq(strlen(text_of(OF_RUN("journal.jsonl"))), call.size_bytes);
    record = new_record(LEASE_MS); /* and nobody holds it */
    assert_good(record_take_over(record, true));
    ck_assert_uint_gt(record_torn_bytes(record), 0);
    ck_assert_int_eq(step_state(begin_step(record, "/a")), STEP_NEW);
    note_begin(record);
    assert_good(record_make(record));
    end_record(record, "failed");
    ck_assert_uint_eq(journal_lines(), 2);
}
END_TEST

START_TEST(a_line_of_a_newer_version_is_not_cut)
{
    struct record *record;
    uint64_t length;

    make_run();
    change_file("journal.jsonl", -1, "{\"v\":2,\"n\":4,\"crc\":\"a31ef0ec\"}\n");
    text_of(OF_RUN("journal.jsonl"));
    length = call.size_bytes;
    record = new_record(LEASE_MS);
    assert_code(record_take_over(record, true), "JournalTooNew", "line 4 ");
    record_free(record);
    text_of(OF_RUN("journal.jsonl"));
    ck_assert_uint_eq(call.size_bytes, length);
}
END_TEST

START_TEST(a_run_that_is_not_there_is_not_made_by_asking)
{
    struct record *record = new_record(LEASE_MS);

    assert_code(record_take_over(record, false), "RunNotFound", RUN);
    record_free(record);
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_uint_eq(call.entry_count, 0);
}
END_TEST

/* The process died while it wrote an event. */
START_TEST(a_torn_event_does_not_spoil_the_next)
{
    struct record *record;

    make_run();
    change_file("events.jsonl", -1, "{\"n\":");
    record = new_record(LEASE_MS);
    assert_good(record_take_over(record, false));
    record_add_event(record, "{\"n\":3}\n", 8);
    end_record(record, "failed");
    ck_assert_str_eq(text_of(OF_RUN("events.jsonl")), "{\"n\":1}\n{\"n\":\n{\"n\":3}\n");
}
END_TEST

/* --- losing it -------------------------------------------------------------------------- */

static struct {
    unsigned lost, canceled;
} news;

static void on_news(void *context, enum record_news what, const char *text)
{
    (void)context;
    ck_assert_str_ne(text, "");
    if (what == RECORD_LOST)
        news.lost++;
    else
        news.canceled++;
}

static bool is_canceled(void *context)
{
    (void)context;
    return news.canceled > 0;
}

START_TEST(a_request_for_the_end_is_heard)
{
    struct record *record = new_record(SHORT_LEASE_MS);

    news.canceled = 0;
    record_set_listener(record, on_news, NULL);
    note_begin(record);
    assert_good(record_make(record));
    ck_assert_str_eq(put(STORE_NEW, OF_RUN("cancel.json"), "{}"), "");
    ck_assert(loop_run(loop, is_canceled, NULL, true));
    end_record(record, "canceled");
}
END_TEST

/* As a process that is stopped and goes on: its loop does not turn in between. */
static void stand_still_for(int64_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    ck_assert_int_eq(nanosleep(&pause, NULL), 0);
}

START_TEST(a_lease_that_is_renewed_lasts)
{
    struct record *record = new_record(SHORT_LEASE_MS);
    const int64_t from_ms = clock_machine_ms();

    note_begin(record);
    assert_good(record_make(record));
    while (clock_machine_ms() < from_ms + 2 * SHORT_LEASE_MS) {
        ck_assert_ptr_null(journal_check(record_journal(record)));
        get("x", 0, 1); /* turns the loop */
    }
    end_record(record, "succeeded");
}
END_TEST

/* Carries the run on in a process of its own kind: another loop, another store. */
static void carry_elsewhere(void)
{
    struct loop *own_loop = loop;
    struct store *own_store = store;
    struct record *record;

    open_store_by(CLOCK_REAL);
    record = new_record(LEASE_MS);
    assert_good(record_take_over(record, false));
    note_begin(record);
    write_step(record, "/elsewhere");
    assert_good(record_make(record));
    end_record(record, "succeeded");
    close_store();
    loop = own_loop;
    store = own_store;
}

START_TEST(who_was_stopped_for_longer_than_the_lease_writes_no_more)
{
    struct record *record = new_record(SHORT_LEASE_MS);

    news.lost = 0;
    record_set_listener(record, on_news, NULL);
    note_begin(record);
    write_step(record, "/a");
    assert_good(record_make(record));
    record_add_event(record, "{\"n\":1}\n", 8);
    stand_still_for(2 * SHORT_LEASE_MS);
    carry_elsewhere();
    assert_code(journal_check(record_journal(record)), "LeaseLost", "lease");
    ck_assert_uint_eq(news.lost, 1);
    write_step(record, "/b");
    assert_code(record_make(record), "LeaseLost", "");
    assert_code(journal_check(record_journal(record)), "LeaseLost", "");
    ck_assert_uint_eq(news.lost, 1);
    record_end(record, end_of("failed"));
    record_free(record);
    ck_assert_uint_eq(journal_lines(), 6);
    ck_assert_ptr_null(strstr(text_of(OF_RUN("journal.jsonl")), "\"/b\""));
    ck_assert_ptr_nonnull(strstr(text_of(OF_RUN("end.json")), "succeeded"));
}
END_TEST

START_TEST(before_the_lease_could_have_ended_nothing_is_sent)
{
    struct record *record = new_record(SHORT_LEASE_MS);

    note_begin(record);
    assert_good(record_make(record));
    stand_still_for(SHORT_LEASE_MS * 9 / 10); /* nobody could have taken it by now */
    assert_code(journal_check(record_journal(record)), "LeaseLost", "lease");
    failure_free(record_end(record, end_of("failed")));
    record_free(record);
}
END_TEST

/* --- a store that fails ----------------------------------------------------------------- */

START_TEST(a_store_that_cannot_be_made_fails_the_first_write)
{
    char *folder = path_of(""), *path = path_of("store");
    struct record *record;
    FILE *file;

    mkdir(folder, 0700);
    file = fopen(path, "w"); /* where the store should be */
    ck_assert_ptr_nonnull(file);
    fclose(file);
    record = new_record(LEASE_MS);
    note_begin(record);
    write_step(record, "/a");
    assert_code(record_make(record), "IOError", "store");
    assert_code(journal_check(record_journal(record)), "IOError", "");
    ck_assert(!record_is_kept(record));
    end_record(record, "failed");
    free(folder);
    free(path);
}
END_TEST

/* As a full disk does. */
static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_journal_that_cannot_grow_stops_all_writes_and_stays_whole)
{
    struct record *record = new_record(LEASE_MS);
    char name[900];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    note_begin(record);
    write_step(record, "/a");
    assert_good(record_make(record));
    limit_files_to(1024);
    write_step(record, name);
    assert_code(record_make(record), "IOError", "journal.jsonl");
    limit_files_to(RLIM_INFINITY);
    write_step(record, "/b"); /* there is no gap: it is over */
    assert_code(record_make(record), "IOError", "journal.jsonl");
    assert_code(record_end(record, end_of("failed")), "IOError", "journal.jsonl");
    record_free(record);
    ck_assert_uint_eq(journal_lines(), 3);
    record = new_record(LEASE_MS); /* and can be carried on */
    assert_good(record_take_over(record, false));
    ck_assert_int_eq(step_state(begin_step(record, "/a")), STEP_ANSWERED);
    end_record(record, "failed");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *topic = add_case(suite, "made", set_up, tear_down);

    tcase_add_test(topic, a_run_that_writes_nothing_leaves_nothing);
    tcase_add_test(topic, the_first_write_makes_all_of_it);
    tcase_add_test(topic, code_that_comes_later_is_kept_before_the_next_line);
    tcase_add_test(topic, a_run_that_is_there_is_not_written_over);

    topic = add_case(suite, "taken over", set_up, tear_down);
    tcase_add_test(topic, a_run_is_taken_over_with_all_that_is_known);
    tcase_add_test(topic, a_run_that_another_carries_is_held);
    tcase_add_test(topic, a_torn_tail_is_cut_off);
    tcase_add_test(topic, a_damaged_middle_is_refused_or_cut_when_that_is_asked_for);
    tcase_add_test(topic, a_line_of_a_newer_version_is_not_cut);
    tcase_add_test(topic, a_run_that_is_not_there_is_not_made_by_asking);
    tcase_add_test(topic, a_torn_event_does_not_spoil_the_next);

    topic = add_case(suite, "lost", set_up, tear_down);
    tcase_add_test(topic, a_request_for_the_end_is_heard);
    tcase_add_test(topic, a_lease_that_is_renewed_lasts);
    tcase_add_test(topic, who_was_stopped_for_longer_than_the_lease_writes_no_more);
    tcase_add_test(topic, before_the_lease_could_have_ended_nothing_is_sent);

    topic = add_case(suite, "failing", set_up, tear_down);
    tcase_add_test(topic, a_store_that_cannot_be_made_fails_the_first_write);
    tcase_add_test(topic, a_journal_that_cannot_grow_stops_all_writes_and_stays_whole);
    return run_suite(suite);
}
