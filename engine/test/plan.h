/* engine/test/plan.h - which tests there are, in which order, and what became of them. */
#ifndef MOONGATE_TEST_PLAN_H
#define MOONGATE_TEST_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

enum test_status {
    TEST_NOT_RUN,
    TEST_PASSED,
    TEST_FAILED,
    TEST_SKIPPED,
    TEST_STATUS_COUNT
};

/* "not run", "passed", "failed", "skipped". */
extern const char *const test_status_names[];

/* One test, or a file that could not be loaded. Strings are owned; NULL where there is none. */
struct test_case {
    const char *file; /* borrowed from the plan */
    char *name;
    int line;
    bool is_only;
    bool is_chosen;                    /* it is part of the plan's order */
    uint64_t seed;                     /* of its simulator */
    bool has_seed;                     /* said by the file */
    int64_t timeout_ms, wall_limit_ms; /* 0: the default */

    enum test_status status;
    char *message; /* why it failed or was skipped */
    char *where;   /* "file:line" of the failure */
    char *frames;  /* the lines of the test that it came by, the innermost first */
    char *output;  /* what it printed */
    int64_t wall_us, virtual_ms;
};

struct test_file {
    char *path;
    struct test_case **cases;
    size_t count;
};

struct test_plan {
    struct test_file *files;
    size_t file_count;
    struct test_case **order; /* what is run, in this order; borrowed from the files */
    size_t count;
    bool has_only; /* a file says to run only some */
};

/* Adds a file, or the files below a folder whose names begin with "test_" or "spec_" or end
 * with "_test.lua" or "_spec.lua", in the order of their names. Returns NULL, or what is
 * wrong (owned by the caller). */
char *plan_add_path(struct test_plan *plan, const char *path);

/* Puts the tests that a file has (a JSON array; see stdlib/testing.lua) into the plan. */
void plan_add_cases(struct test_file *file, const cJSON *cases);

/* Makes the file one failed test of its own name. Returns it, for its message. */
struct test_case *plan_add_broken(struct test_file *file);

/* Fills `order`: tests whose name has `filter` in it or matches it as a Lua pattern (NULL:
 * all), those marked as the only ones if there are such, shuffled by the seed; each gets a
 * seed of its own. Returns NULL, or what is wrong with the filter (owned by the caller). */
char *plan_arrange(struct test_plan *plan, const char *filter, uint64_t seed);

size_t plan_count(const struct test_plan *plan, enum test_status status);

void plan_deinit(struct test_plan *plan);

#endif
