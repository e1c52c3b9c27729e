/* tests/check_jobs_records.c - what a store has of scheduled jobs, in a folder of its own.
 *
 * The tests are the functions of tests/spec/jobs_records.lua, each run in a session that manages
 * runs, as `moongate jobs` opens it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "base/failure.h"
#include "base/memory.h"
#include "run/run.h"
#include "run/session.h"
#include "suite.h"

static char base[64];
static struct settings settings; /* the session's as long as that is open */
static struct session *session;

static void open_all(void)
{
    struct failure *failure = NULL;

    snprintf(base, sizeof base, "/tmp/moongate-jobs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(base));
    settings = (struct settings){.quiet = true, .store = base, .manages_runs = true};
    session = session_open(&settings, &failure);
    ck_assert_msg(session != NULL, "%s", failure != NULL ? failure->message : "");
}

static void close_all(void)
{
    char *command = memory_format("rm -rf '%s'", base);

    session_close(session);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

static const char *const tests[] = {
    "a_key_is_a_time_and_back",
    "a_slot_is_claimed_once_and_ends_once",
    "a_claim_that_dies_at_any_step_leaves_what_others_can_end",
    "an_end_that_dies_at_any_step_is_ended_by_others",
    "an_end_is_written_once_and_takes_the_mark_with_it",
    "a_mark_without_a_claim_is_claimed_or_settled",
    "a_mark_stays_with_whoever_claims_while_it_is_looked_at",
    "a_mark_put_after_the_end_goes_again",
    "a_mark_put_before_anothers_claim_stays",
    "of_many_hosts_one_has_the_slot",
    "a_pause_is_anybodys_once_and_its_slots_are_over",
    "going_on_that_dies_never_makes_the_pause_look_due",
    "pauses_that_did_not_change_are_not_read_again",
    "the_earliest_time_of_a_job_counts",
    "many_texts_are_merged_and_nothing_is_lost_at_any_step",
    "what_others_merge_meanwhile_is_read_again",
    "of_too_many_jobs_the_oldest_undeclared_go",
    "prune_keeps_the_newest_and_says_first_what_is_over",
    "prune_goes_by_age_too",
    "prune_that_dies_never_makes_a_slot_look_due_or_under_way",
    "prune_leaves_a_run_that_somebody_carries",
    "a_job_that_skips_often_keeps_its_runs",
    "what_was_backfilled_is_new_however_old_its_slot_is",
    "by_hand_raises_no_floor",
    "what_was_missed_is_over_and_told_once",
    "what_a_wrong_clock_took_for_missed_is_free_when_its_time_comes",
    "an_entry_is_the_same_as_in_the_history",
    "damaged_claims_and_ends_are_told_once_and_stop_nothing",
    "the_run_of_a_slot_is_named_by_its_key_whatever_the_claim_says",
    "a_run_is_carried_while_its_host_may_be_about_to_begin_it_or_again",
    "a_slot_that_has_just_ended_is_not_left",
    "names_that_are_none_are_told_and_passed_over",
    "a_damaged_pause_pauses",
    "damaged_texts_of_known_jobs_do_not_hide_others",
    "a_record_that_a_program_gets_wrong_is_refused",
    "what_the_store_refuses_is_raised",
};

static void run_test(const char *name)
{
    char *arguments[] = {memory_copy_string(name), base};
    const struct run_request request = {.script = "tests/spec/jobs_records.lua",
                                        .arguments = arguments,
                                        .argument_count = COUNT_OF(arguments),
                                        .keep = RUN_NOT_KEPT};

    printf("%s\n", name);
    ck_assert_msg(run_script(session, &request) == 0, "%s", name);
    free(arguments[0]);
}

START_TEST(records_are_as_they_are_to_be)
{
    run_test(tests[_i]);
}
END_TEST

/* Files of our own: that many which survive a crash of the machine take their time. */
START_TEST(ten_thousand_marks_are_one_list)
{
    char *folder = memory_format("%s/jobs", base);

    ck_assert_int_eq(mkdir(folder, 0700), 0);
    free(folder);
    folder = memory_format("%s/jobs/open", base);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    for (int i = 0; i < 10000; i++) {
        char *name = memory_format("%s/20260131-%02d%02d%02d.job.json", folder, i / 3600,
                                   i / 60 % 60, i % 60);
        FILE *file = fopen(name, "w");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fclose(file), 0);
        free(name);
    }
    free(folder);
    run_test("ten_thousand_marks_are_one_list");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobs records");
    TCase *records = add_case(suite, "records", open_all, close_all);

    tcase_add_loop_test(records, records_are_as_they_are_to_be, 0, COUNT_OF(tests));
    tcase_add_test(records, ten_thousand_marks_are_one_list);
    return run_suite(suite);
}
