/* engine/test/report_tap.c - Test Anything Protocol, version 14 (testanything.org).
 *
 * A test's point comes when it is over, so the points are numbered in that order. */

#include "test/plan.h"
#include "test/report.h"

/* A description ends at a "#" or a line end; both are escaped. */
static void append_description(struct buffer *text, const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == '#' || *name == '\\')
            buffer_append_char(text, '\\');
        buffer_append_char(text, (unsigned char)*name < 0x20 ? ' ' : *name);
    }
}

static void begin(struct buffer *text, const struct test_plan *plan)
{
    buffer_printf(text, "TAP version 14\n1..%zu\n", plan->count);
}

static void append_point(struct buffer *text, const struct test_case *test)
{
    buffer_append_string(text, test->status == TEST_FAILED ? "not ok - " : "ok - ");
    append_description(text, test->name);
    if (test->status == TEST_SKIPPED || test->status == TEST_NOT_RUN) {
        buffer_append_string(text, " # SKIP ");
        append_description(text, test->status == TEST_NOT_RUN ? "not run"
                                 : test->message != NULL      ? test->message
                                                              : "");
    }
    buffer_append_char(text, '\n');
}

static void append_result(struct buffer *text, const struct test_case *test,
                          const struct test_summary *summary)
{
    struct buffer lines = {0};

    (void)summary;
    append_point(text, test);
    if (test->status == TEST_FAILED) {
        report_append_failure(&lines, test);
        buffer_printf(text, "# %s:%d\n", test->file, test->line);
        report_append_lines(text, lines.data, "# ");
        buffer_deinit(&lines);
    }
    if (test->status == TEST_PASSED || test->status == TEST_FAILED)
        buffer_printf(text, "# %.1f ms, %.3f s simulated\n",
                      (double)test->wall_us / 1000.0, (double)test->virtual_ms / 1000.0);
}

/* What was promised and did not come has to be said. */
static void end(struct buffer *text, const struct test_plan *plan,
                const struct test_summary *summary)
{
    if (summary->is_interrupted) {
        buffer_append_string(text, "Bail out! interrupted\n");
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->order[i]->status == TEST_NOT_RUN)
            append_point(text, plan->order[i]);
    }
    if (summary->trouble != NULL)
        buffer_printf(text, "Bail out! %s\n", summary->trouble);
    else if (plan_count(plan, TEST_FAILED) > 0)
        buffer_printf(text, "# again: %s\n", summary->again);
}

const struct report report_tap = {begin, append_result, end};
