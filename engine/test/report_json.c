/* engine/test/report_json.c - the report for programs: one JSON object a line. */
#include <inttypes.h>
#include <string.h>

#include "test/plan.h"
#include "test/report.h"

static void append_string(struct buffer *text, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buffer_printf(text, ",\"%s\":", name);
    buffer_append_json_string(text, value, strlen(value));
}

static void begin(struct buffer *text, const struct test_plan *plan)
{
    buffer_printf(text, "{\"event\":\"tests_started\",\"tests\":%zu}\n", plan->count);
}

static void append_result(struct buffer *text, const struct test_case *test,
                          const struct test_summary *summary)
{
    (void)summary;
    buffer_append_string(text, "{\"event\":\"test_finished\"");
    append_string(text, "name", test->name);
    append_string(text, "file", test->file);
    buffer_printf(text, ",\"line\":%d,\"seed\":\"%" PRIu64 "\"", test->line, test->seed);
    append_string(text, "status", test_status_names[test->status]);
    append_string(text, "message", test->message);
    append_string(text, "where", test->where);
    append_string(text, "frames", test->frames);
    append_string(text, "output", test->output);
    buffer_printf(text, ",\"wall_seconds\":%.6f,\"virtual_seconds\":%.3f}\n",
                  (double)test->wall_us / 1e6, (double)test->virtual_ms / 1000.0);
}

static void end(struct buffer *text, const struct test_plan *plan,
                const struct test_summary *summary)
{
    buffer_printf(text,
                  "{\"event\":\"tests_finished\",\"passed\":%zu,\"failed\":%zu,"
                  "\"skipped\":%zu,\"not_run\":%zu,\"seed\":\"%" PRIu64 "\"",
                  plan_count(plan, TEST_PASSED), plan_count(plan, TEST_FAILED),
                  plan_count(plan, TEST_SKIPPED), plan_count(plan, TEST_NOT_RUN),
                  summary->seed);
    append_string(text, "trouble", summary->trouble);
    buffer_printf(text, ",\"interrupted\":%s",
                  summary->is_interrupted ? "true" : "false");
    buffer_printf(text, ",\"wall_seconds\":%.3f,\"virtual_seconds\":%.3f}\n",
                  (double)summary->wall_ms / 1000.0,
                  (double)summary->virtual_ms / 1000.0);
}

const struct report report_json = {begin, append_result, end};
