/* engine/test/report.h - what `moongate test` says, in several forms. */
#ifndef MOONGATE_TEST_REPORT_H
#define MOONGATE_TEST_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct test_case;
struct test_plan;

struct test_summary {
    uint64_t seed;
    int64_t wall_ms, virtual_ms;
    const char *again;   /* the command that repeats the run */
    const char *trouble; /* what else failed the run, or NULL */
    bool is_interrupted;
    bool has_stopped; /* at the first failure */
    bool is_quiet, is_verbose;
};

/* A form appends text to be written: at the beginning, after each test, at the end. */
struct report {
    void (*begin)(struct buffer *text, const struct test_plan *plan);
    void (*result)(struct buffer *text, const struct test_case *test,
                   const struct test_summary *summary);
    void (*end)(struct buffer *text, const struct test_plan *plan,
                const struct test_summary *summary);
};

/* For people; `report_tap` is TAP version 14, `report_json` one object a line; JUnit's XML
 * comes as a whole at the end. */
extern const struct report report_text, report_tap, report_json, report_junit;

/* A failure as lines of text, without colours: message with its place, the lines it came by,
 * what the test printed. */
void report_append_failure(struct buffer *text, const struct test_case *test);

/* Appends text with `prefix` in front of each of its lines, and a line end. */
void report_append_lines(struct buffer *text, const char *lines, const char *prefix);

#endif
