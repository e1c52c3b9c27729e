/* engine/run/summary.c - the words in which the text faces speak, up to the closing ones.
 */
#include "run/summary.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/duration.h"
#include "base/failure.h"
#include "run/terminal.h"

enum { TOLD_LEFT = 5 };

static const double SAME_PART = 0.1;     /* clocks that differ by less went alike */
static const double SAME_SECONDS = 0.01; /* and so did those that hardly ran */

static bool ends_with(const char *text, const char *ending)
{
    const size_t length = strlen(text), ending_length = strlen(ending);

    return length >= ending_length && strcmp(text + length - ending_length, ending) == 0;
}

static void append_plural(struct buffer *text, const char *noun)
{
    static const char *const hissing[] = {"s", "x", "z", "ch", "sh"};
    const size_t length = strlen(noun);

    if (length > 1 && ends_with(noun, "y") && strchr("aeiou", noun[length - 2]) == NULL) {
        buffer_append(text, noun, length - 1);
        buffer_append_string(text, "ies");
        return;
    }
    buffer_append_string(text, noun);
    for (size_t i = 0; i < sizeof hissing / sizeof hissing[0]; i++) {
        if (ends_with(noun, hissing[i])) {
            buffer_append_string(text, "es");
            return;
        }
    }
    buffer_append_char(text, 's');
}

void summary_append_count(struct buffer *text, uint64_t count, const char *noun)
{
    buffer_printf(text, "%" PRIu64 " ", count);
    if (count == 1)
        buffer_append_string(text, noun);
    else
        append_plural(text, noun);
}

void summary_append_duration(struct buffer *text, int64_t duration_ms)
{
    char duration[DURATION_TEXT_SIZE];

    if (duration_ms >= 1000 && duration_ms < 9950) {
        buffer_printf(text, "%.1f s", (double)duration_ms / 1000.0);
        return;
    }
    duration_format(duration_ms > 0 ? duration_ms : 0, duration);
    buffer_append_string(text, duration);
}

void summary_format_running(int64_t span_ms, char text[DURATION_TEXT_SIZE])
{
    if (span_ms < 1000)
        strcpy(text, "0 s");
    else
        duration_format(span_ms, text);
}

bool summary_append_outcomes(struct buffer *text, const unsigned outcomes[OUTCOME_COUNT])
{
    const char *separator = "";

    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (outcomes[i] == 0)
            continue;
        buffer_printf(text, "%s%u %s", separator, outcomes[i], outcome_names[i]);
        separator = ", ";
    }
    return *separator != '\0';
}

void summary_append_time(struct buffer *text, int64_t wall_ms)
{
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    char time[16];

    if (localtime_r(&seconds, &parts) == NULL)
        return;
    strftime(time, sizeof time, "%H:%M:%S ", &parts);
    buffer_append_string(text, time);
}

void summary_append_subject(struct buffer *text, const char *kind, const char *name)
{
    if (kind != NULL)
        terminal_append_visible(text, kind);
    if (name != NULL && *name != '\0') {
        buffer_append_string(text, kind != NULL && *kind != '\0' ? " '" : "'");
        terminal_append_visible(text, name);
        buffer_append_char(text, '\'');
    }
}

static void append_failure(struct buffer *text, const struct failure *failure)
{
    terminal_append_visible(text, failure->code);
    buffer_append_string(text, ": ");
    terminal_append_visible(text, failure->message);
}

void summary_append_finish(struct buffer *text, const struct event *event)
{
    static const char *const span_words[OUTCOME_COUNT] = {
        [OUTCOME_CREATED] = "in",     [OUTCOME_CHANGED] = "in",
        [OUTCOME_DELETED] = "in",     [OUTCOME_UNCHANGED] = "after",
        [OUTCOME_ABSENT] = "after",   [OUTCOME_FAILED] = "after",
        [OUTCOME_CANCELED] = "after", [OUTCOME_NOT_BEGUN] = "after"};

    summary_append_subject(text, event->kind, event->name);
    buffer_printf(text, " %s",
                  event->outcome == OUTCOME_CANCELED ? "no longer waited for"
                                                     : outcome_names[event->outcome]);
    if (event->age_ms > 0) {
        buffer_printf(text, " %s ", span_words[event->outcome]);
        summary_append_duration(text, event->age_ms);
    }
    if (event->outcome == OUTCOME_FAILED && event->failure != NULL) {
        buffer_append_string(text, ": ");
        append_failure(text, event->failure);
    }
}

/* Appends lines, ended as lines are. */
static void append_lines(struct buffer *text, const char *lines)
{
    terminal_append_lines(text, lines);
    if (!ends_with(lines, "\n"))
        buffer_append_char(text, '\n');
}

void summary_append_note(struct buffer *text, const struct event *event)
{
    summary_append_time(text, event->wall_ms);
    buffer_printf(
        text,
        "%s: ", event->type == EVENT_LOG ? log_level_names[event->level] : "task failed");
    append_lines(text, event->text != NULL ? event->text : "");
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static void append_times(struct buffer *text, const struct run_summary *summary)
{
    const double wall = summary->wall_seconds, run = summary->virtual_seconds;
    const double apart = wall > run ? wall - run : run - wall;

    summary_append_duration(text, (int64_t)(run * 1000.0 + 0.5));
    if (apart > SAME_PART * larger(wall, run) && apart > SAME_SECONDS) {
        buffer_append_string(text, " (");
        summary_append_duration(text, (int64_t)(wall * 1000.0 + 0.5));
        buffer_append_string(text, " here)");
    }
}

/* "succeeded in 3:04:12 (1.2 s here): 84 created; 412 requests, 87 writes" */
static void append_status(struct buffer *text, const struct run_summary *summary)
{
    buffer_printf(text, "%s %s ", run_status_names[summary->status],
                  summary->status == RUN_SUCCEEDED ? "in" : "after");
    append_times(text, summary);

    struct buffer outcomes = {0};
    const char *separator = ": ";

    if (summary_append_outcomes(&outcomes, summary->outcomes)) {
        buffer_printf(text, ": %s", outcomes.data);
        separator = "; ";
    }
    buffer_deinit(&outcomes);
    if (summary->requests > 0) {
        buffer_append_string(text, separator);
        summary_append_count(text, summary->requests, "request");
        separator = ", ";
    }
    if (summary->writes > 0) {
        buffer_append_string(text, separator);
        summary_append_count(text, summary->writes, "write");
        separator = ", ";
    }
    if (summary->replayed > 0)
        buffer_printf(text, "%s%" PRIu64 " done by earlier attempts", separator,
                      summary->replayed);
    buffer_append_char(text, '\n');
}

static void append_distinct(struct buffer *text, const struct tally_failure *failure)
{
    const struct failure told = {.code = failure->code, .message = failure->message};

    buffer_append_string(text, "  ");
    append_failure(text, &told);
    if (failure->count > 1) {
        buffer_printf(text, " (%u times, first ", failure->count);
        terminal_append_visible(text, failure->first);
        buffer_append_char(text, ')');
    }
    buffer_append_char(text, '\n');
}

/* Whether the failure after it, if there is one, has the same cure. */
static bool next_has_cure(const struct tally *tally, const struct tally_failure *failure)
{
    const struct list *next = failure->link.next;

    if (next == &tally->failures)
        return false;

    const char *cure = LIST_ENTRY(next, const struct tally_failure, link)->cure;

    return cure != NULL && strcmp(cure, failure->cure) == 0;
}

/* Tells what the run's own words do not say already, and each cure once. */
static void append_failures(struct buffer *text, const struct tally *tally,
                            const char *why)
{
    if (*why != '\0')
        append_lines(text, why);
    for (const struct list *at = tally->failures.next; at != &tally->failures;
         at = at->next) {
        const struct tally_failure *failure =
            LIST_ENTRY(at, const struct tally_failure, link);

        if (strstr(why, failure->message) == NULL)
            append_distinct(text, failure);
        if (failure->cure == NULL || strstr(why, failure->cure) != NULL ||
            next_has_cure(tally, failure))
            continue;
        buffer_append_string(text, "    ");
        terminal_append_visible(text, failure->cure);
        buffer_append_char(text, '\n');
    }
    if (tally->untold > 0) {
        buffer_append_string(text, "  ... and ");
        summary_append_count(text, tally->untold, "other failure");
        buffer_append_char(text, '\n');
    }
}

static void append_going_on(struct buffer *text, const struct tally_operation *operation,
                            int64_t elapsed_ms)
{
    char age[DURATION_TEXT_SIZE];
    const int64_t age_ms = elapsed_ms - operation->began_ms;

    duration_format(age_ms > 0 ? age_ms : 0, age);
    summary_append_subject(text, operation->kind, operation->name);
    buffer_append_string(text, " (");
    if (operation->state != NULL) {
        terminal_append_visible(text, operation->state);
        buffer_append_char(text, ' ');
    }
    buffer_printf(text, "since %s)", age);
}

/* Appends those of a list until enough are told. Returns how many it has told in all. */
static size_t append_some(struct buffer *text, const struct list *list,
                          int64_t elapsed_ms, size_t told)
{
    for (const struct list *at = list->next; at != list && told < TOLD_LEFT;
         at = at->next) {
        buffer_append_string(text, told > 0 ? ", " : "still going on at the service: ");
        append_going_on(text, LIST_ENTRY(at, const struct tally_operation, link),
                        elapsed_ms);
        told++;
    }
    return told;
}

static void append_left(struct buffer *text, const struct tally *tally,
                        const struct event *event)
{
    const size_t count = tally->waiting + tally->left_by_key.count;
    size_t told = append_some(text, &tally->left, event->elapsed_ms, 0);

    for (const struct list *at = tally->groups.next; at != &tally->groups;
         at = at->next) {
        const struct tally_group *group = LIST_ENTRY(at, const struct tally_group, link);

        told = append_some(text, &group->operations, event->elapsed_ms, told);
    }
    if (count > told)
        buffer_printf(text, " and %zu more", count - told);
    if (event->summary->status != RUN_SUCCEEDED && count > 0 &&
        event->summary->hint == NULL)
        buffer_printf(text, "; run the same script again: it finds and waits for %s",
                      count > 1 ? "them" : "it");
    if (count > 0)
        buffer_append_char(text, '\n');
}

void summary_append(struct buffer *text, const struct event *event,
                    const struct tally *tally)
{
    append_status(text, event->summary);
    if (event->summary->status == RUN_FAILED)
        append_failures(text, tally, event->text != NULL ? event->text : "");
    append_left(text, tally, event);
    if (event->summary->hint != NULL)
        buffer_printf(text, "%s\n", event->summary->hint);
}
