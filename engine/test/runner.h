/* engine/test/runner.h - a whole `moongate test`: finds the tests, has workers run them, and
 * says what became of them. */
#ifndef MOONGATE_TEST_RUNNER_H
#define MOONGATE_TEST_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "run/settings.h"

struct report;

struct test_request {
    const struct settings *settings; /* of each test's run */
    char *const *paths;              /* files and folders */
    int path_count;
    const char *filter;          /* or NULL */
    const struct report *report; /* on stdout */
    const char *junit_file;      /* also there, as JUnit's XML; or NULL */
    uint64_t seed;
    unsigned jobs;                     /* worker processes at most */
    int64_t timeout_ms, wall_limit_ms; /* of a test that says nothing else */
    bool is_list, is_fail_fast, is_quiet, is_verbose;
    const char *again; /* the command that repeats the run */
};

/* Returns an exit code. */
int runner_run(const struct test_request *request);

#endif
