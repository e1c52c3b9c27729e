/* engine/run/face_plain.c - the face for files, pipes and build servers: lines on stderr.
 *
 * The start of an operation is told late, when it turns out to last: of one that is over
 * before anything else happens its end says it all. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/memory.h"
#include "net/loop.h"
#include "run/event.h"
#include "run/face_forecast.h"
#include "run/face_stream.h"
#include "run/face_tally.h"
#include "run/summary.h"
#include "run/terminal.h"
#include "run/wakeup.h"

enum {
    LASTING_MS = 1000,         /* on the run's clock: its start is worth a line */
    TELL_PERIOD_MS = 1000,     /* on the machine's, as the next */
    WAITING_PERIOD_MS = 30000, /* often enough that nobody thinks that it hangs */
    TOLD_STATES = 3            /* of one kind in one line */
};

struct plain_face {
    struct face_head head;
    struct face_stream err;
    struct tally tally;
    struct list fresh; /* operations whose start was not told yet, the oldest first */
    struct buffer text;
    struct loop *loop;
    struct wakeup *tell, *remind;
    int64_t clock_offset_ms; /* from the loop's clock to the run's elapsed time */
    bool is_quiet;
};

static void write_text(struct plain_face *plain)
{
    if (plain->text.length > 0)
        face_stream_write(&plain->err, plain->text.data, plain->text.length);
    buffer_clear(&plain->text);
}

static int64_t elapsed_ms(const struct plain_face *plain)
{
    return clock_now_ms(loop_clock(plain->loop)) + plain->clock_offset_ms;
}

static struct tally_operation *first_fresh(const struct plain_face *plain)
{
    if (list_is_empty(&plain->fresh))
        return NULL;
    return LIST_ENTRY(plain->fresh.next, struct tally_operation, fresh_link);
}

/* "create gateway 'gw-a' started", or of one that somebody began earlier
 * "waiting for gateway 'gw-a', begun 1:12:00 ago". */
static void append_start(struct buffer *text, const struct tally_operation *operation)
{
    const int64_t age_ms = operation->seen_ms - operation->began_ms;
    const bool is_ours = strcmp(operation->verb, "wait for") != 0 && age_ms < LASTING_MS;

    terminal_append_visible(text, is_ours ? operation->verb : "waiting for");
    buffer_append_char(text, ' ');
    summary_append_subject(text, operation->kind, operation->name);
    if (is_ours) {
        buffer_append_string(text, " started");
    } else if (age_ms >= LASTING_MS) {
        buffer_append_string(text, ", begun ");
        summary_append_duration(text, age_ms);
        buffer_append_string(text, " ago");
    }
}

/* Tells the starts of those that have lasted a while by now. */
static void tell_lasting(struct plain_face *plain, int64_t now_ms)
{
    struct tally_operation *operation;

    while ((operation = first_fresh(plain)) != NULL &&
           now_ms - operation->seen_ms >= LASTING_MS) {
        list_remove(&operation->fresh_link);
        summary_append_time(&plain->text, operation->seen_wall_ms);
        append_start(&plain->text, operation);
        buffer_append_char(&plain->text, '\n');
    }
    write_text(plain);
}

static void on_tell(void *context)
{
    struct plain_face *plain = context;

    tell_lasting(plain, elapsed_ms(plain));
    if (!list_is_empty(&plain->fresh))
        wakeup_start(plain->tell, TELL_PERIOD_MS);
}

/* How many operations are in a state; NULL stands for those beyond the told ones. */
struct state_count {
    const char *state;
    size_t count;
};

/* Counts states in the order in which they come. Returns how many it found. */
static size_t count_states(const struct tally_group *group,
                           struct state_count counts[TOLD_STATES + 1])
{
    const struct list *head = &group->operations;
    size_t found = 0;

    for (const struct list *at = head->next; at != head; at = at->next) {
        const char *state = LIST_ENTRY(at, const struct tally_operation, link)->state;
        size_t i = 0;

        if (state == NULL)
            continue;
        while (i < found && counts[i].state != NULL &&
               strcmp(counts[i].state, state) != 0)
            i++;
        if (i == found)
            counts[found++] =
                (struct state_count){.state = i < TOLD_STATES ? state : NULL, .count = 0};
        counts[i].count++;
    }
    return found;
}

/* "(Activating, oldest 1:12:00)", "(3 Activating, 2 Deleting, oldest 1:12:00)" */
static void append_states(struct buffer *text, const struct tally_group *group,
                          int64_t oldest_ms)
{
    struct state_count counts[TOLD_STATES + 1];
    const size_t found = count_states(group, counts);
    char age[DURATION_TEXT_SIZE];

    buffer_append_string(text, " (");
    for (size_t i = 0; i < found; i++) {
        if (found > 1 || counts[i].count < group->count)
            buffer_printf(text, "%zu ", counts[i].count);
        terminal_append_visible(text,
                                counts[i].state != NULL ? counts[i].state : "other");
        buffer_append_string(text, ", ");
    }
    duration_format(oldest_ms > 0 ? oldest_ms : 0, age);
    buffer_printf(text, "%s%s)", group->count > 1 ? "oldest " : "", age);
}

/* ", usually done in 30:00-1:10:00 more (from 14 like it)", of the oldest of a kind. That nothing
 * is known is said once. */
static void append_forecast(struct buffer *text, struct tally_group *group,
                            const struct tally_operation *oldest, int64_t now_ms)
{
    const bool is_known = face_forecast_is_known(oldest);

    if (oldest->forecast_ms < 0 || (!is_known && group->was_unknown))
        return;
    buffer_append_string(text, is_known && group->count > 1 ? ", the oldest " : ", ");
    face_forecast_append(text, oldest, now_ms, FORECAST_LONG);
    group->was_unknown = group->was_unknown || !is_known;
}

/* "12 gateways (...)", or "gateway 'gw-a' (...)" when it is alone. */
static void append_group(struct buffer *text, struct tally_group *group, int64_t now_ms)
{
    tally_sort(group);

    const struct tally_operation *oldest =
        LIST_ENTRY(group->operations.next, const struct tally_operation, link);

    if (group->count == 1) {
        summary_append_subject(text, oldest->kind, oldest->name);
    } else {
        struct buffer kind = {0};

        terminal_append_visible(&kind, group->kind);
        summary_append_count(text, group->count,
                             kind.length > 0 ? kind.data : "operation");
        buffer_deinit(&kind);
    }
    append_states(text, group, now_ms - oldest->began_ms);
    append_forecast(text, group, oldest, now_ms);
}

static void on_remind(void *context)
{
    struct plain_face *plain = context;
    const int64_t now_ms = elapsed_ms(plain);
    const char *separator = "waiting: ";

    if (plain->tally.waiting == 0)
        return; /* the next start begins anew */
    tell_lasting(plain, now_ms);
    summary_append_time(&plain->text, clock_wall_ms(loop_clock(plain->loop)));
    for (struct list *at = plain->tally.groups.next; at != &plain->tally.groups;
         at = at->next) {
        struct tally_group *group = LIST_ENTRY(at, struct tally_group, link);

        if (group->count == 0)
            continue;
        buffer_append_string(&plain->text, separator);
        append_group(&plain->text, group, now_ms);
        separator = ", ";
    }
    buffer_append_char(&plain->text, '\n');
    write_text(plain);
    wakeup_start(plain->remind, WAITING_PERIOD_MS);
}

static void on_going_on(struct plain_face *plain, const struct event *event)
{
    const bool was_known = tally_find(&plain->tally, event) != NULL;
    const bool was_idle = plain->tally.waiting == 0;
    struct tally_operation *operation = tally_begin(&plain->tally, event);

    if (!plain->is_quiet)
        face_forecast_warn(&plain->text, operation, event);
    if (plain->is_quiet || was_known)
        return;
    if (was_idle)
        wakeup_start(plain->remind, WAITING_PERIOD_MS);
    if (list_is_empty(&plain->fresh))
        wakeup_start(plain->tell, TELL_PERIOD_MS);
    list_append(&plain->fresh, &operation->fresh_link);
}

static bool is_worth_a_line(const struct event *event, bool was_told)
{
    if (event->outcome == OUTCOME_NOT_BEGUN)
        return false; /* there may be thousands; the summary counts them */
    return was_told ||
           (event->outcome != OUTCOME_UNCHANGED && event->outcome != OUTCOME_ABSENT);
}

static void on_finished(struct plain_face *plain, const struct event *event)
{
    struct tally_operation *operation = tally_find(&plain->tally, event);
    const bool was_told = operation != NULL && !list_is_linked(&operation->fresh_link);

    if (operation != NULL)
        list_remove(&operation->fresh_link);
    tell_lasting(plain, event->elapsed_ms);
    tally_finish(&plain->tally, event);
    if (plain->is_quiet ? event->outcome == OUTCOME_FAILED
                        : is_worth_a_line(event, was_told)) {
        summary_append_time(&plain->text, event->wall_ms);
        summary_append_finish(&plain->text, event);
        buffer_append_char(&plain->text, '\n');
    }
}

static void on_output(struct plain_face *plain, const struct event *event)
{
    if (event->text != NULL &&
        !face_stream_write(&plain->head.out, event->text, strlen(event->text)))
        face_stream_append_complaint(&plain->text, &plain->head.out);
}

/* A run that went wrong; one that only ended with a code of its own has said why itself. */
static bool has_more_to_tell(const struct plain_face *plain, const struct event *event)
{
    const struct run_summary *summary = event->summary;

    return summary->status != RUN_SUCCEEDED &&
           (summary->status != RUN_FAILED || event->text != NULL ||
            plain->tally.failure_count > 0);
}

static void handle(struct face *face, const struct event *event)
{
    struct plain_face *plain = (struct plain_face *)face;

    plain->clock_offset_ms = event->elapsed_ms - clock_now_ms(loop_clock(plain->loop));
    if (event->type != EVENT_OPERATION_FINISHED)
        tell_lasting(plain, event->elapsed_ms);
    switch (event->type) {
    case EVENT_RUN_STARTED:
        break;
    case EVENT_OPERATION_STARTED:
    case EVENT_OPERATION_STATE:
        on_going_on(plain, event);
        break;
    case EVENT_OPERATION_FINISHED:
        on_finished(plain, event);
        break;
    case EVENT_LOG:
        if (!plain->is_quiet || event->level == LOG_ERROR)
            summary_append_note(&plain->text, event);
        break;
    case EVENT_TASK_FAILED:
        summary_append_note(&plain->text, event);
        break;
    case EVENT_OUTPUT:
        on_output(plain, event);
        break;
    case EVENT_RUN_FINISHED:
        if (!plain->is_quiet || has_more_to_tell(plain, event))
            summary_append(&plain->text, event, &plain->tally);
        break;
    }
    write_text(plain);
}

static void free_face(struct face *face)
{
    struct plain_face *plain = (struct plain_face *)face;

    wakeup_free(plain->tell);
    wakeup_free(plain->remind);
    tally_deinit(&plain->tally);
    buffer_deinit(&plain->text);
    free(plain);
}

struct face *face_new_plain(struct loop *loop, bool quiet)
{
    struct plain_face *plain = memory_new(sizeof *plain);

    plain->head.face = (struct face){.handle = handle, .free = free_face};
    plain->head.out.fd = STDOUT_FILENO;
    plain->err.fd = STDERR_FILENO;
    plain->loop = loop;
    plain->is_quiet = quiet;
    tally_init(&plain->tally);
    list_init(&plain->fresh);
    plain->tell = wakeup_new_timer(loop, on_tell, plain);
    plain->remind = wakeup_new_timer(loop, on_remind, plain);
    return &plain->head.face;
}
