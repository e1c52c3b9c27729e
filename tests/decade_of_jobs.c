/* tests/decade_of_jobs.c - ten years of scheduled jobs on a virtual clock, and an account of every
 * slot: it ran once, was left out, was missed by rule, or passed in a pause.
 *
 * The jobs are declared here. Their slots are reckoned by tests/jobs_slots.py, what happens meanwhile
 * is in tests/spec/jobs_decade.lua. MOONGATE_DECADES says with how many seeds (1). `make decade`
 * runs it alone: a decade takes half a minute, and the order of what happens at the same
 * moment differs from run to run, so that a failure may not come again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/failure.h"
#include "base/memory.h"
#include "run/config.h"
#include "run/run.h"
#include "run/session.h"
#include "suite.h"

enum { FIRST_YEAR = 2026, YEARS = 10, MORE_YEARS = 4, SLOWEST_S = 600 };

/* A job's name ends with how many minutes it works, in the mean. Slots that wait may do so for a run
 * whose host died, as long as its lease lasts (4 h); so their windows are longer. */
static const struct {
    const char *name, *zone, *cron, *rest;
} jobs[] = {
    {"daily-20", "Europe/Berlin", "30 2 * * *", "retries = 1"},
    {"noon-200", "Asia/Kolkata", "0 */6 * * 0", "overlap = 'skip', catch_up = '20h'"},
    {"dense-10", "America/New_York", "*/15 0-3 * 3,11 0",
     "overlap = 'buffer-all', catch_up = '8h', retries = 2, retry_after = '2m'"},
    {"one-30", "Australia/Lord_Howe", "*/15 1-2 * 4,10 0",
     "overlap = 'buffer-one', missed = 'last', catch_up = '1d'"},
    {"other-45", "America/Santiago", "*/30 22-23 * 4,9 6",
     "overlap = 'cancel', catch_up = '8h'"},
    {"allow-90", "Europe/Berlin", "0 * * 3,10 0", "overlap = 'allow', catch_up = '2d'"},
    {"weekly-60", "America/New_York", "0 9 * * 1", "catch_up = '7d', retries = 2"},
    {"last-5", "America/Santiago", "0 0 L * *", "missed = 'last', catch_up = '30d'"},
    {"near-5", "Australia/Lord_Howe", "15 6 15W * *", "missed = 'none'"},
    {"jitter-5", "Asia/Kolkata", "45 5 * * *", "jitter = '15m', catch_up = '6h'"},
    {"hourly-2", "UTC", "0 * 1 3,6,9,12 *", "missed = 'none', overlap = 'skip'"},
    {"cancel-400", "Europe/Berlin", "0 0,8,16 * * 1",
     "overlap = 'cancel', missed = 'last'"},
};

static char base[64];
static struct settings settings;
static struct session *session;

static char *path_of(const char *name)
{
    return memory_format("%s/%s", base, name);
}

static void write_jobs(void)
{
    char *config = path_of("moongate.lua"), *table = path_of("jobs.tsv");
    FILE *declared = fopen(config, "w"), *told = fopen(table, "w");

    ck_assert(declared != NULL && told != NULL);
    for (int i = 0; i < COUNT_OF(jobs); i++) {
        fprintf(declared,
                "job '%s' {schedule = '%s', timezone = '%s', script = 'get_started', "
                "keep = 6, %s}\n",
                jobs[i].name, jobs[i].cron, jobs[i].zone, jobs[i].rest);
        fprintf(told, "%s\t%s\t%s\n", jobs[i].name, jobs[i].zone, jobs[i].cron);
    }
    ck_assert_int_eq(fclose(declared) + fclose(told), 0);
    free(config);
    free(table);
}

static void run_command(char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
    free(command);
}

static void open_all(void)
{
    struct failure *failure = NULL;

    snprintf(base, sizeof base, "/tmp/moongate-decade-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(base));
    write_jobs();
    run_command(memory_format("python3 tests/jobs_slots.py %d %d <%s/jobs.tsv >%s/slots",
                              FIRST_YEAR, YEARS + MORE_YEARS, base, base));
    settings = (struct settings){.quiet = true,
                                 .sim = true,
                                 .clock_mode = CLOCK_VIRTUAL,
                                 .store = base,
                                 .config_file = path_of("moongate.lua"),
                                 .manages_runs = true};
    settings.config = config_read(settings.config_file, &failure);
    ck_assert_msg(failure == NULL, "%s", failure != NULL ? failure->message : "");
    session = session_open(&settings, &failure);
    ck_assert_msg(session != NULL, "%s", failure != NULL ? failure->message : "");
}

static void close_all(void)
{
    session_close(session);
    config_free(settings.config);
    free((char *)settings.config_file);
    run_command(memory_format("rm -rf '%s'", base));
}

START_TEST(every_slot_of_ten_years_is_accounted_for)
{
    char *arguments[] = {path_of("slots"), memory_format("%d", _i + 1),
                         memory_format("%d", YEARS)};
    const struct run_request request = {.script = "tests/spec/jobs_decade.lua",
                                        .arguments = arguments,
                                        .argument_count = COUNT_OF(arguments),
                                        .keep = RUN_NOT_KEPT};

    ck_assert_int_eq(run_script(session, &request), 0);
    for (int i = 0; i < COUNT_OF(arguments); i++)
        free(arguments[i]);
}
END_TEST

int main(void)
{
    const char *decades = getenv("MOONGATE_DECADES");
    Suite *suite = suite_create("ten years of jobs");
    TCase *years = add_case(suite, "years", open_all, close_all);

    tcase_set_timeout(years, SLOWEST_S);
    tcase_add_loop_test(years, every_slot_of_ten_years_is_accounted_for, 0,
                        decades != NULL ? atoi(decades) : 1);
    return run_suite(suite);
}
