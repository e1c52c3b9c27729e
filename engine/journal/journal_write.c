/* engine/journal/journal_write.c - the records, and their way to the log. */
#include "journal/journal_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "journal/format.h"

enum {
    MOST_PENDING_BYTES = 64 << 10, /* that nobody waits for */
    MOST_MESSAGE_BYTES = 400       /* of a failure */
};

/* --- the way to the log ------------------------------------------------------------------------------ */

static void wake_waits(struct journal *journal)
{
    while (!list_is_empty(&journal->waits)) {
        struct journal_wait *wait =
            LIST_ENTRY(journal->waits.next, struct journal_wait, link);

        if (journal->failure == NULL && wait->position > journal->safe)
            return;
        list_remove(&wait->link);
        wait->safe(wait, journal->failure);
    }
}

static void flush(struct journal *journal)
{
    if (journal->is_writing || journal->pending.length == 0 || journal->failure != NULL)
        return;

    const struct buffer next = journal->writing;

    journal->writing = journal->pending;
    journal->pending = next;
    buffer_clear(&journal->pending);
    journal->is_writing = true;
    journal->output->append(journal->output, journal->writing.data,
                            journal->writing.length);
}

/* At the end of the turn, so that all that became ready in it is written together. */
void journal_flush(struct deferred *deferred)
{
    flush(LIST_ENTRY(deferred, struct journal, flush));
}

void journal_appended(struct journal *journal, struct failure *failure)
{
    assert(journal->is_writing);
    journal->is_writing = false;
    if (failure != NULL) {
        failure_free(journal->failure);
        journal->failure = failure;
    } else {
        journal->safe += journal->writing.length;
    }
    wake_waits(journal);
    if (!list_is_empty(&journal->waits))
        flush(journal);
}

void journal_sync(struct journal *journal, struct journal_wait *wait)
{
    if (journal->failure != NULL || journal->safe == journal->added) {
        wait->safe(wait, journal->failure);
        return;
    }
    wait->position = journal->added;
    list_append(&journal->waits, &wait->link);
    loop_defer(journal->loop, &journal->flush);
}

void journal_wait_cancel(struct journal_wait *wait)
{
    list_remove(&wait->link);
}

struct failure *journal_check(const struct journal *journal)
{
    if (journal->failure != NULL)
        return failure_copy(journal->failure);
    return journal->output->check_lease != NULL
               ? journal->output->check_lease(journal->output)
               : NULL;
}

static size_t begin_record(struct journal *journal, const char *what)
{
    return journal_begin_line(&journal->pending, ++journal->counts.records,
                              clock_wall_ms(loop_clock(journal->loop)), what);
}

static void end_record(struct journal *journal, size_t begin)
{
    journal_end_line(&journal->pending, begin);
    journal->added += journal->pending.length - begin;
    if (journal->pending.length >= MOST_PENDING_BYTES)
        loop_defer(journal->loop, &journal->flush);
}

/* The records of a step that was begun name the line that it began with. */
static size_t begin_step_record(struct journal *journal, const struct step *step,
                                const char *what)
{
    const size_t begin = begin_record(journal, what);

    journal_add_number(&journal->pending, "step", (int64_t)step->number);
    return begin;
}

/* --- the records -------------------------------------------------------------------------- */

/* The first record of a step says what it is, later ones refer to it. */
static size_t begin_intent(struct journal *journal, struct step *step, const char *what)
{
    struct buffer *text = &journal->pending;
    const size_t begin = begin_record(journal, what);

    if (step->number != 0) {
        journal_add_number(text, "step", (int64_t)step->number);
        return begin;
    }
    step->number = journal->counts.records;
    journal_add_text(text, "key", step->fresh->key);
    journal_add_number(text, "nth", step->nth);
    journal_add_text(text, "verb", step->verb);
    journal_add_text(text, "kind", step->kind);
    journal_add_text(text, "id", step->fresh->target);
    free(step->fresh);
    step->fresh = NULL;
    return begin;
}

void journal_intend(struct journal *journal, struct step *step, const char *action,
                    const char *method, const char *client_request_id)
{
    if (step->is_intended && step->state == STEP_INTENDED)
        return;

    const size_t begin = begin_intent(journal, step, "intent");

    step->is_intended = true;
    if (step->intended_ms == 0)
        step->intended_ms = clock_wall_ms(loop_clock(journal->loop));
    journal_set_intended(journal, step, action);
    journal_add_text(&journal->pending, "action", action);
    journal_add_text(&journal->pending, "method", method);
    journal_add_text(&journal->pending, "request", client_request_id);
    end_record(journal, begin);
}

void journal_answer(struct journal *journal, struct step *step,
                    const struct step_answer *answer)
{
    struct buffer *text = &journal->pending;
    const size_t begin = begin_step_record(journal, step, "answer");

    journal_add_number(text, "status", answer->status);
    journal_add_text(text, "url", answer->url);
    journal_add_text(text, "location", answer->location);
    journal_add_text(text, "state", answer->state);
    journal_add_text(text, "etag", answer->etag);
    journal_add_text(text, "made", answer->id);
    journal_add_text(text, "request_id", answer->request_id);
    end_record(journal, begin);
    step_set_answer(step, answer);
    journal_set_state(journal, step, STEP_ANSWERED);
}

void journal_note_state(struct journal *journal, struct step *step, const char *state,
                        double percent)
{
    const size_t begin = begin_step_record(journal, step, "state");

    journal_add_text(&journal->pending, "state", state);
    if (percent >= 0.0)
        journal_add_number(&journal->pending, "percent", (int64_t)percent);
    end_record(journal, begin);
}

void journal_done(struct journal *journal, struct step *step, const char *outcome,
                  const cJSON *value)
{
    struct buffer *text = &journal->pending;
    size_t begin;

    if (step->number != 0) {
        begin = begin_step_record(journal, step, "done");
        journal_add_text(text, "outcome", outcome);
    } else {
        begin = begin_intent(journal, step, "unchanged");
    }
    if (value != NULL) {
        char *printed = json_print(value);

        buffer_printf(text, ",\"value\":%s", printed);
        free(printed);
    }
    end_record(journal, begin);
    journal_set_done(journal, step, outcome,
                     value != NULL ? cJSON_Duplicate(value, true) : NULL);
}

void journal_failed(struct journal *journal, struct step *step,
                    const struct failure *failure)
{
    struct buffer *text = &journal->pending;
    const size_t length = strlen(failure->message);
    char *message = memory_copy_text(
        failure->message, length < MOST_MESSAGE_BYTES ? length : MOST_MESSAGE_BYTES);
    const size_t begin = begin_step_record(journal, step, "failed");

    journal_add_text(text, "code", failure->code);
    if (failure->status != 0)
        journal_add_number(text, "status", failure->status);
    journal_add_text(text, "message", message);
    journal_add_text(text, "request_id", failure->request_id);
    end_record(journal, begin);
    free(message);
    step->is_intended = false;
    journal_set_failed(journal, step);
}

void journal_note(struct journal *journal, const char *what, cJSON *members)
{
    const size_t begin = begin_record(journal, what);
    const cJSON *member;

    cJSON_ArrayForEach (member, members) {
        char *printed = json_print(member);

        buffer_printf(&journal->pending, ",\"%s\":%s", member->string, printed);
        free(printed);
    }
    cJSON_Delete(members);
    end_record(journal, begin);
    if (strcmp(what, "begin") == 0)
        journal->counts.attempts++;
}
