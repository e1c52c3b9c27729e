/* tests/check_jobs_words.c - what of the command line of `moongate jobs` the processes of runs get. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <check.h>

#include "base/failure.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/jobs.h"
#include "run/config.h"
#include "run/settings.h"
#include "suite.h"

static char folder[PATH_MAX];
static struct settings settings;

static void set_up(void)
{
    static const char text[] = "job \"a\" { every = \"1h\", script = \"a.lua\" }\n";
    char made[] = "/tmp/moongate-words-XXXXXX";
    struct failure *failure = NULL;

    ck_assert_ptr_nonnull(mkdtemp(made));
    ck_assert_ptr_nonnull(realpath(made, folder));
    ck_assert_int_eq(chdir(folder), 0);

    FILE *file = fopen("moongate.lua", "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    settings = (struct settings){.config = config_read("moongate.lua", &failure)};
    ck_assert_ptr_null(failure);
}

static void tear_down(void)
{
    config_free(settings.config);
    ck_assert_int_eq(unlink("moongate.lua"), 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* The words must be these, and the configuration behind them; `%` stands for the folder. */
static void check_words(char **said, int count, const char *const *expected)
{
    static const struct option own[] = {{"--own", "TEXT", NULL, NULL}, {0}};
    static const struct option *const tables[] = {own, NULL};
    cJSON *words = jobs_collect_words(&settings, tables, count, said);
    const cJSON *word = words->child;

    for (; *expected != NULL; expected++, word = word->next) {
        char *text = expected[0][0] == '%' ? memory_format("%s%s", folder, *expected + 1)
                                           : memory_copy_string(*expected);

        ck_assert_ptr_nonnull(word);
        ck_assert_str_eq(word->valuestring, text);
        free(text);
    }
    ck_assert_ptr_null(word);
    cJSON_Delete(words);
}

START_TEST(options_of_where_to_work_and_guard_rails_are_passed_on)
{
    char *said[] = {"--service",      "s",          "--own", "--read-only",
                    "--max-writes=3", "--read-only"};
    const char *const expected[] = {"--service",   "s",        "--max-writes",   "3",
                                    "--read-only", "--config", "%/moongate.lua", NULL};

    check_words(said, COUNT_OF(said), expected);
}
END_TEST

/* A run works in the folder of the configuration. */
START_TEST(paths_are_those_of_where_they_were_said)
{
    char *said[] = {"--ca-file", "ca.pem", "--ca-file=b/ca.pem", "--ca-file", "/c.pem"};
    const char *const expected[] = {
        "--ca-file", "%/ca.pem",       "--ca-file", "%/b/ca.pem", "--ca-file", "/c.pem",
        "--config",  "%/moongate.lua", "--store",   "%/kept",     NULL};

    settings.store = "kept";
    check_words(said, COUNT_OF(said), expected);
}
END_TEST

START_TEST(a_store_elsewhere_is_that)
{
    const char *const expected[] = {
        "--config", "%/moongate.lua", "--store", "azblob://a/b",
        "--lease",  "1.500s",         NULL};

    settings.store = "azblob://a/b";
    settings.lease_ms = 1500;
    check_words(NULL, 0, expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobs words");
    TCase *topic = add_case(suite, "words", set_up, tear_down);

    tcase_add_test(topic, options_of_where_to_work_and_guard_rails_are_passed_on);
    tcase_add_test(topic, paths_are_those_of_where_they_were_said);
    tcase_add_test(topic, a_store_elsewhere_is_that);
    return run_suite(suite);
}
