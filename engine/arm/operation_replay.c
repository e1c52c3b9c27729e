/* engine/arm/operation_replay.c - carrying on what an earlier attempt of the run began.
 *
 * What the service has accepted is followed where it stands. A request that is a step by itself
 * is answered from the journal when it is done; when its answer was lost, the resource is looked
 * at first. Verbs of resources decide that for themselves. */
#include "arm/operation_parts.h"

#include <stdlib.h>
#include <string.h>

#include "arm/steps.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/url.h"
#include "journal/journal.h"

static bool sets_a_whole(const struct operation *operation)
{
    return strcmp(operation->request.method, "PUT") == 0 ||
           strcmp(operation->request.method, "PATCH") == 0;
}

static void adopt(struct operation *operation)
{
    const struct step *step = operation->request.step;
    const struct transfer answer = {.status = operation->reply.status,
                                    .fields = operation->reply.fields};
    const char *url;

    log_line(LOG_INFO, "%s: begun by an earlier attempt of the run; waiting for it",
             operation->request.label != NULL ? operation->request.label
                                              : operation->request.url);
    operation->was_sent = operation->is_adopted = true;
    operation->was_known = true; /* a monitor that is gone was there */
    operation->method =
        poll_choose(operation->request.method, &answer, operation->reply.body, &url);
    if (operation->method == POLL_IMPOSSIBLE)
        operation_fail_unknown(operation);
    else
        operation_adopt_polling(operation, url,
                                step_age_ms(operation->client->journal, step));
}

/* --- what is done ------------------------------------------------------------------------ */

static bool is_deleted_later(const struct operation *operation)
{
    const char *path = url_path(operation->request.url);
    char *target = memory_copy_text(path, strcspn(path, "?#"));
    const bool is_deleted = journal_deletes_later(operation->client->journal,
                                                  operation->request.step, target);

    free(target);
    return is_deleted;
}

/* The answer that is known, with what the resource says now. */
static void on_read(struct exchange *exchange)
{
    struct operation *operation = exchange->owner;
    const struct step *step = operation->request.step;
    struct failure *failure;

    operation_end_exchange(operation, &failure);
    if (failure != NULL) {
        operation_fail(operation, failure);
    } else if (operation->reply.status < 300) {
        operation_finish(operation);
    } else if (operation->reply.status == 404 && sets_a_whole(operation) &&
               !is_deleted_later(operation)) {
        log_line(LOG_WARNING, "%s: the run had done it, and it is gone; doing it again",
                 operation->request.label);
        reply_drop(&operation->reply);
        operation_send(operation);
    } else { /* it cannot be read, which is nothing against its being done */
        steps_fill_reply(step, &operation->reply);
        operation_finish(operation);
    }
}

/* Where to read what was done; NULL when there is nothing to read. Owned by the caller. */
static char *find_result(const struct operation *operation)
{
    const struct operation_request *request = &operation->request;
    const struct step_answer *answer = step_answer(request->step);

    if (sets_a_whole(operation))
        return memory_copy_string(request->url);
    if (strcmp(request->method, "POST") == 0 && answer != NULL && answer->id != NULL &&
        strchr(answer->id, '/') == NULL)
        return memory_format("%.*s/%s", (int)strcspn(request->url, "?"), request->url,
                             answer->id);
    return NULL;
}

static void answer_from_journal(struct operation *operation)
{
    steps_fill_reply(operation->request.step, &operation->reply);
    free(operation->poll_url);
    operation->poll_url = find_result(operation);
    if (operation->poll_url != NULL)
        operation_start_get(operation, operation->poll_url, on_read);
    else
        operation_finish(operation);
}

/* --- what may have been done -------------------------------------------------------------- */

/* A PUT or PATCH whose answer was lost. When the resource says what was asked for, it was done,
 * or need not be; else it is sent again. */
static void on_look(struct exchange *exchange)
{
    struct operation *operation = exchange->owner;
    struct failure *failure;
    cJSON *wanted;

    operation_end_exchange(operation, &failure);
    if (failure != NULL) {
        operation_fail(operation, failure);
        return;
    }
    reply_parse(&operation->reply);
    wanted =
        operation->request.body != NULL
            ? json_parse(operation->request.body, operation->request.body_length, NULL)
            : NULL;

    const bool is_done = operation->reply.status == 200 && wanted != NULL &&
                         json_covers(operation->reply.body, wanted, NULL);

    cJSON_Delete(wanted);
    if (is_done) {
        operation_judge_first(operation, -1);
    } else {
        reply_drop(&operation->reply);
        operation_send(operation);
    }
}

static bool look_up(struct operation *operation)
{
    const char *label = operation->request.label;

    if (sets_a_whole(operation)) {
        operation_start_get(operation, operation->request.url, on_look);
        return true;
    }
    operation->repeats_delete = strcmp(operation->request.method, "DELETE") == 0;
    if (operation->repeats_delete || operation->request.is_repeatable ||
        operation->client->repeats_lost)
        return false;
    operation->is_refused = false;
    operation_fail(
        operation,
        failure_set_cure(
            failure_new(
                "AnswerLost",
                "%s was sent by an earlier attempt of the run, and its answer was "
                "lost; nobody knows whether it was done",
                label != NULL ? label : "this request"),
            "look whether it was done; `resume --repeat-lost` sends it again"));
    return true;
}

bool operation_was_deleted(struct operation *operation)
{
    const int status = operation->reply.status;

    if (!operation->repeats_delete || (status != 404 && status != 410))
        return false;
    reply_drop(&operation->reply);
    operation->reply.status = 204;
    operation->reply.is_parsed = true;
    return true;
}

bool operation_begins_anew(struct operation *operation)
{
    const int status = operation->reply.status;

    if (!operation->is_adopted || !operation->owns_step || !sets_a_whole(operation) ||
        (status != 404 && status != 410))
        return false;
    log_line(LOG_WARNING, "%s: the run had begun it, and it is gone; doing it again",
             operation->request.label);
    operation->is_adopted = operation->has_lost_monitor = operation->is_final_get = false;
    operation->method = POLL_NOTHING;
    free(operation->poll_url);
    operation->poll_url = NULL;
    reply_drop(&operation->reply);
    operation_send(operation);
    return true;
}

bool operation_replay(struct operation *operation)
{
    struct step *step = operation->request.step;

    if (step == NULL || !step_is_replayed(step) || operation->was_sent ||
        (!operation->owns_step && !operation->request.adopts))
        return false;
    operation->deadline_ms =
        operation_now_ms(operation) + operation->request.time_limit_ms;
    switch (step_state(step)) {
    case STEP_ANSWERED:
        steps_fill_reply(step, &operation->reply);
        if (!steps_has_ended(step, operation->request.method) &&
            operation->request.waits) {
            adopt(operation);
            return true;
        }
        answer_from_journal(operation);
        return true;
    case STEP_DONE:
        answer_from_journal(operation);
        return true;
    case STEP_INTENDED:
        return look_up(operation);
    default:
        return false;
    }
}
