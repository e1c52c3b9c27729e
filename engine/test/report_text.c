/* engine/test/report_text.c - the report for people. */
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "run/terminal.h"
#include "test/plan.h"
#include "test/report.h"

static const char red[] = "31", green[] = "32", magenta[] = "35";

static void append_colored(struct buffer *text, const char *color, const char *word)
{
    const bool has_color = terminal_can_draw(STDOUT_FILENO) && terminal_wants_color();

    if (has_color)
        buffer_printf(text, "\x1b[%sm%s\x1b[0m", color, word);
    else
        buffer_append_string(text, word);
}

void report_append_lines(struct buffer *text, const char *lines, const char *prefix)
{
    for (const char *line = lines; *line != '\0';) {
        const size_t length = strcspn(line, "\n");

        buffer_append_string(text, prefix);
        buffer_append(text, line, length);
        buffer_append_char(text, '\n');
        line += length + (line[length] == '\n');
    }
}

/* The message begins with its place, unless it says it itself. */
static void append_message(struct buffer *text, const struct test_case *test)
{
    const char *message = test->message != NULL ? test->message : "";
    struct buffer whole = {0};

    if (test->where != NULL && strncmp(message, test->where, strlen(test->where)) != 0)
        buffer_printf(&whole, "%s: ", test->where);
    buffer_append_string(&whole, message);
    report_append_lines(text, whole.data, "");
    buffer_deinit(&whole);
}

/* What is worth a line beside the place of the message. */
static const char *skip_first_frame(const struct test_case *test)
{
    const char *frames = test->frames != NULL ? test->frames : "";
    const size_t length = strcspn(frames, "\n");

    if (test->where == NULL || strncmp(frames, test->where, strlen(test->where)) != 0)
        return frames;
    return frames[length] == '\n' ? frames + length + 1 : "";
}

void report_append_failure(struct buffer *text, const struct test_case *test)
{
    const char *frames = skip_first_frame(test);

    append_message(text, test);
    if (*frames != '\0')
        report_append_lines(text, frames, "  from ");
    if (test->output != NULL) {
        buffer_append_string(text, "it printed\n");
        report_append_lines(text, test->output, "  | ");
    }
}

static void append_name(struct buffer *text, const struct test_case *test)
{
    buffer_append_char(text, ' ');
    terminal_append_visible(text, test->name);
    if (test->line > 0) {
        buffer_append_string(text, " (");
        terminal_append_visible(text, test->file);
        buffer_printf(text, ":%d)", test->line);
    }
}

static void append_failed(struct buffer *text, const struct test_case *test)
{
    struct buffer raw = {0}, visible = {0};

    append_colored(text, red, "FAILED");
    append_name(text, test);
    buffer_append_char(text, '\n');
    report_append_failure(&raw, test);
    terminal_append_lines(&visible, raw.data);
    report_append_lines(text, visible.data, "  ");
    buffer_deinit(&raw);
    buffer_deinit(&visible);
}

static void append_passed(struct buffer *text, const struct test_case *test)
{
    char span[DURATION_TEXT_SIZE];

    append_colored(text, green, "passed");
    append_name(text, test);
    buffer_printf(text, " %.1f ms", (double)test->wall_us / 1000.0);
    if (test->virtual_ms > 0) {
        duration_format(test->virtual_ms, span);
        buffer_printf(text, ", %s simulated", span);
    }
    buffer_append_char(text, '\n');
}

static void append_skipped(struct buffer *text, const struct test_case *test)
{
    append_colored(text, magenta, "skipped");
    append_name(text, test);
    if (test->message != NULL && *test->message != '\0') {
        buffer_append_string(text, ": ");
        terminal_append_visible(text, test->message);
    }
    buffer_append_char(text, '\n');
}

static void begin(struct buffer *text, const struct test_plan *plan)
{
    (void)text, (void)plan;
}

static void append_result(struct buffer *text, const struct test_case *test,
                          const struct test_summary *summary)
{
    if (test->status == TEST_FAILED)
        append_failed(text, test);
    else if (test->status == TEST_SKIPPED && !summary->is_quiet)
        append_skipped(text, test);
    else if (test->status == TEST_PASSED && summary->is_verbose)
        append_passed(text, test);
}

static void append_counts(struct buffer *text, const struct test_plan *plan)
{
    const size_t failed = plan_count(plan, TEST_FAILED);
    const size_t skipped = plan_count(plan, TEST_SKIPPED);
    const size_t not_run = plan_count(plan, TEST_NOT_RUN);

    buffer_printf(text, "%zu passed, ", plan_count(plan, TEST_PASSED));
    buffer_printf(text, "%zu failed", failed);
    if (skipped > 0)
        buffer_printf(text, ", %zu skipped", skipped);
    if (not_run > 0)
        buffer_printf(text, ", %zu not run", not_run);
}

static void end(struct buffer *text, const struct test_plan *plan,
                const struct test_summary *summary)
{
    const size_t passed = plan_count(plan, TEST_PASSED);
    const bool is_good = plan_count(plan, TEST_FAILED) == 0 && summary->trouble == NULL &&
                         !summary->is_interrupted;
    char span[DURATION_TEXT_SIZE], simulated[DURATION_TEXT_SIZE];

    if (is_good && summary->is_quiet)
        return;
    if (summary->trouble != NULL)
        buffer_printf(text, "%s\n", summary->trouble);
    if (plan->has_only)
        buffer_append_string(text, "only the tests with the option `only` were run\n");
    if (!is_good)
        buffer_printf(text, "again: %s\n", summary->again);
    if (summary->is_interrupted || summary->has_stopped)
        buffer_printf(text, "%s; the rest was not run\n",
                      summary->is_interrupted ? "interrupted"
                                              : "stopped at the first failure");
    append_counts(text, plan);
    duration_format(summary->wall_ms, span);
    duration_format(summary->virtual_ms, simulated);
    buffer_printf(text, " in %s, %s simulated", span, simulated);
    if (summary->wall_ms > 0 && passed > 0)
        buffer_printf(text, " (%.0f tests/s)",
                      (double)passed * 1000.0 / (double)summary->wall_ms);
    buffer_append_char(text, '\n');
}

const struct report report_text = {begin, append_result, end};
