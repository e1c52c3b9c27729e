/* engine/test/report_junit.c - the report as JUnit's XML: a suite a file. */

#include "test/plan.h"
#include "test/report.h"

/* Appends text for XML 1.0: control characters have no form in it, so they are shown as Lua
 * would write them. The text is UTF-8. */
static void append_escaped(struct buffer *text, const char *value)
{
    for (; *value != '\0'; value++) {
        const unsigned char c = (unsigned char)*value;
        const char *name = c == '&'    ? "&amp;"
                           : c == '<'  ? "&lt;"
                           : c == '>'  ? "&gt;"
                           : c == '"'  ? "&quot;"
                           : c == '\n' ? "&#10;"
                           : c == '\t' ? "&#9;"
                                       : NULL;

        if (name != NULL)
            buffer_append_string(text, name);
        else if (c < 0x20 || c == 0x7f)
            buffer_printf(text, "\\x%02x", c);
        else if (c == 0xef && (unsigned char)value[1] == 0xbf &&
                 (unsigned char)value[2] >= 0xbe) { /* U+FFFE and U+FFFF are none */
            buffer_append_string(text, "\\u{fff");
            buffer_printf(text, "%c}", (unsigned char)value[2] == 0xbe ? 'e' : 'f');
            value += 2;
        } else
            buffer_append_char(text, (char)c);
    }
}

static void append_attribute(struct buffer *text, const char *name, const char *value)
{
    buffer_printf(text, " %s=\"", name);
    append_escaped(text, value);
    buffer_append_char(text, '"');
}

static void append_element(struct buffer *text, const char *name, const char *value)
{
    buffer_printf(text, "      <%s>", name);
    append_escaped(text, value);
    buffer_printf(text, "</%s>\n", name);
}

static void append_outcome(struct buffer *text, const struct test_case *test)
{
    const char *message = test->message != NULL ? test->message : "";
    struct buffer lines = {0};

    switch (test->status) {
    case TEST_FAILED:
        report_append_failure(&lines, test);
        buffer_append_string(text, "      <failure");
        append_attribute(text, "message", message);
        buffer_append_char(text, '>');
        append_escaped(text, lines.data);
        buffer_append_string(text, "</failure>\n");
        buffer_deinit(&lines);
        break;
    case TEST_SKIPPED:
    case TEST_NOT_RUN:
        buffer_append_string(text, "      <skipped");
        append_attribute(text, "message",
                         test->status == TEST_NOT_RUN ? "not run" : message);
        buffer_append_string(text, "/>\n");
        break;
    default:
        break;
    }
}

static void append_case(struct buffer *text, const struct test_case *test)
{
    buffer_append_string(text, "    <testcase");
    append_attribute(text, "name", test->name);
    append_attribute(text, "classname", test->file);
    append_attribute(text, "file", test->file);
    buffer_printf(text, " line=\"%d\" time=\"%.6f\">\n", test->line,
                  (double)test->wall_us / 1e6);
    append_outcome(text, test);
    if (test->output != NULL)
        append_element(text, "system-out", test->output);
    buffer_append_string(text, "    </testcase>\n");
}

static void append_suite(struct buffer *text, const struct test_file *file)
{
    size_t counts[TEST_STATUS_COUNT] = {0}, total = 0;
    int64_t wall_us = 0;

    for (size_t i = 0; i < file->count; i++) {
        if (!file->cases[i]->is_chosen)
            continue;
        counts[file->cases[i]->status]++;
        wall_us += file->cases[i]->wall_us;
        total++;
    }
    if (total == 0)
        return;
    buffer_append_string(text, "  <testsuite");
    append_attribute(text, "name", file->path);
    buffer_printf(text,
                  " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" "
                  "time=\"%.6f\">\n",
                  total, counts[TEST_FAILED], counts[TEST_SKIPPED] + counts[TEST_NOT_RUN],
                  (double)wall_us / 1e6);
    for (size_t i = 0; i < file->count; i++) {
        if (file->cases[i]->is_chosen)
            append_case(text, file->cases[i]);
    }
    buffer_append_string(text, "  </testsuite>\n");
}

static void begin(struct buffer *text, const struct test_plan *plan)
{
    (void)text, (void)plan;
}

static void append_result(struct buffer *text, const struct test_case *test,
                          const struct test_summary *summary)
{
    (void)text, (void)test, (void)summary; /* counts come first: all at the end */
}

static void end(struct buffer *text, const struct test_plan *plan,
                const struct test_summary *summary)
{
    buffer_append_string(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buffer_printf(text,
                  "<testsuites name=\"moongate test\" tests=\"%zu\" failures=\"%zu\" "
                  "errors=\"%d\" time=\"%.3f\">\n",
                  plan->count, plan_count(plan, TEST_FAILED), summary->trouble != NULL,
                  (double)summary->wall_ms / 1000.0);
    for (size_t f = 0; f < plan->file_count; f++)
        append_suite(text, &plan->files[f]);
    buffer_append_string(text, "</testsuites>\n");
}

const struct report report_junit = {begin, append_result, end};
