/* tests/suite.h - what suites have in common: topics with fixtures, and their end. */
#ifndef MOONGATE_TESTS_SUITE_H
#define MOONGATE_TESTS_SUITE_H

#include <check.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* A topic of the suite; each of its tests runs between `begin` and `end`. */
static inline TCase *add_case(Suite *suite, const char *name, void (*begin)(void),
                              void (*end)(void))
{
    TCase *topic = tcase_create(name);

    tcase_add_checked_fixture(topic, begin, end);
    tcase_set_timeout(topic, 60); /* seconds; only what hangs reaches it */
    suite_add_tcase(suite, topic);
    return topic;
}

/* Runs the suite and says how it went. Returns what main() returns. */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);

    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
