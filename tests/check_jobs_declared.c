/* tests/check_jobs_declared.c - what scripts of the program see of the jobs that are declared.
 *
 * The tests are the functions of tests/spec/jobs_declared.lua, each run in a session that manages
 * runs, with a configuration of its own, which the test may write anew. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <check.h>

#include "base/failure.h"
#include "base/memory.h"
#include "run/config.h"
#include "run/run.h"
#include "run/session.h"
#include "suite.h"

static const char declared[] =
    "profile \"prod\" { service = \"s\" }\n"
    "job \"plain\" { schedule = \"30 2 * * *\", timezone = \"Europe/Berlin\",\n"
    "  script = \"bulk_onboard\" }\n"
    "job \"full\" { every = \"90s\", script = \"bulk_onboard\", description = \"all of "
    "it\",\n"
    "  args = {\"a\", 1, true}, profile = \"prod\", enabled = false,\n"
    "  overlap = \"buffer-one\", catch_up = \"2h\", missed = \"last\", jitter = \"5s\",\n"
    "  late_after = \"3m\", timeout = \"1h\", retries = 2, retry_after = \"30s\",\n"
    "  pause_after = 4, read_only = true, max_writes = 7, max_deletes = 0,\n"
    "  max_memory = \"1G\", max_cpu = \"10m\", keep = 5, keep_for = \"30d\",\n"
    "  notify = {{webhook = \"https://hooks.example/a\", secret = {env = \"KEY\"},\n"
    "    on = \"failure\"}, {command = {\"/bin/echo\", \"x\"}}} }\n";

static char base[64];
static char *file;
static struct settings settings; /* the session's as long as that is open */
static struct session *session;

static void write_config(void)
{
    FILE *to = fopen(file, "w");

    ck_assert_ptr_nonnull(to);
    ck_assert_int_ge(fputs(declared, to), 0);
    ck_assert_int_eq(fclose(to), 0);
}

static void open_all(void)
{
    struct failure *failure = NULL;

    snprintf(base, sizeof base, "/tmp/moongate-jobs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(base));
    file = memory_format("%s/moongate.lua", base);
    write_config();
    settings = (struct settings){
        .quiet = true, .store = base, .manages_runs = true, .config_file = file};
    settings.config = config_read(file, &failure);
    ck_assert_msg(failure == NULL, "%s", failure != NULL ? failure->message : "");
    session = session_open(&settings, &failure);
    ck_assert_msg(session != NULL, "%s", failure != NULL ? failure->message : "");
}

static void close_all(void)
{
    char *command = memory_format("rm -rf '%s'", base);

    session_close(session);
    config_free(settings.config);
    ck_assert_int_eq(system(command), 0);
    free(command);
    free(file);
}

static const char *const tests[] = {
    "a_job_tells_all_that_it_says",
    "what_is_not_said_is_as_the_manual_has_it",
    "jobs_are_found_by_name",
    "slots_go_by_the_clocks_of_the_zone",
    "slots_are_counted_up_to_a_limit",
    "a_fingerprint_changes_with_the_schedule_alone",
    "a_broken_configuration_changes_nothing",
    "a_configuration_that_is_read_again_counts",
    "what_is_no_job_is_refused",
};

static void check(const char *name)
{
    char *arguments[] = {memory_copy_string(name), file};
    const struct run_request request = {.script = "tests/spec/jobs_declared.lua",
                                        .arguments = arguments,
                                        .argument_count = COUNT_OF(arguments),
                                        .keep = RUN_NOT_KEPT};

    printf("%s\n", name);
    ck_assert_msg(run_script(session, &request) == 0, "%s", name);
    free(arguments[0]);
}

START_TEST(declared_jobs_are_seen_as_they_are)
{
    check(tests[_i]);
}
END_TEST

/* /dev/null is no configuration, as where none is found. */
START_TEST(a_configuration_that_is_gone_changes_nothing)
{
    settings.config_file = "/dev/null";
    check("a_configuration_that_is_gone_changes_nothing");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobs declared");
    TCase *topic = add_case(suite, "declared", open_all, close_all);

    tcase_add_loop_test(topic, declared_jobs_are_seen_as_they_are, 0, COUNT_OF(tests));
    tcase_add_test(topic, a_configuration_that_is_gone_changes_nothing);
    return run_suite(suite);
}
