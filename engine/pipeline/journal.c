/* engine/pipeline/journal.c - the stages that keep what is sent, and that keep from sending what
 * could not be kept. */
#include "journal/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/url.h"
#include "pipeline/effect.h"
#include "pipeline/pipeline.h"

struct journal_stage {
    struct stage stage;
    struct journal *journal;
    struct buffer path; /* of the request that is looked at */
};

/* Ends it in `failure` (taken) instead of an answer. */
static void fail(struct exchange *exchange, struct failure *failure)
{
    transfer_reset(&exchange->transfer);
    exchange->transfer.failure = failure;
    exchange_backward(exchange);
}

/* It is not sent. `failure` is taken. */
static void refuse(struct exchange *exchange, struct failure *failure)
{
    exchange->is_refused = true;
    fail(exchange, failure);
}

/* --- before ------------------------------------------------------------------------------- */

static void begin_own_step(struct journal *journal, struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;
    const char *path = url_path(transfer->url);
    const size_t length = strcspn(path, "?#");
    char *target = memory_copy_text(path, length);

    exchange->step = journal_begin(
        journal, &(struct step_content){.verb = transfer->method,
                                        .target = target,
                                        .query = path + length,
                                        .text = transfer->body,
                                        .text_length = transfer->body_length});
    exchange->journal.is_own = true;
    free(target);
}

static void on_intended(struct journal_wait *wait, const struct failure *failure)
{
    struct exchange *exchange = LIST_ENTRY(wait, struct exchange, journal.wait);

    if (failure != NULL)
        refuse(exchange, failure_copy(failure));
    else
        exchange_forward(exchange);
}

static const char *client_request_id(const struct exchange *exchange)
{
    return strchr(exchange->transfer.headers[0], ' ') + 1;
}

static void send(struct stage *stage, struct exchange *exchange)
{
    struct journal_stage *own = (struct journal_stage *)stage;
    const char *path, *method = exchange->transfer.method;

    if (exchange->is_sign_in ||
        effect_of_exchange(exchange, &own->path, &path) != EFFECT_WRITE) {
        exchange_forward(exchange);
        return;
    }

    struct failure *failure = journal_check(own->journal);

    if (failure != NULL) {
        refuse(exchange, failure);
        return;
    }
    if (exchange->step == NULL)
        begin_own_step(own->journal, exchange);
    exchange->journal.journal = own->journal;
    exchange->journal.wait.safe = on_intended;
    journal_intend(own->journal, exchange->step,
                   exchange->action != NULL ? exchange->action : method, method,
                   client_request_id(exchange));
    journal_sync(own->journal, &exchange->journal.wait);
}

/* --- after -------------------------------------------------------------------------------- */

/* It was done; nobody may build on it before that is written. */
static void on_noted(struct journal_wait *wait, const struct failure *failure)
{
    struct exchange *exchange = LIST_ENTRY(wait, struct exchange, journal.wait);

    if (failure == NULL) {
        exchange_backward(exchange);
        return;
    }

    struct failure *own =
        failure_new(failure->code, "it was done, but that could not be written down: %s",
                    failure->message);

    fail(exchange, failure_set_cure(own, failure->cure));
}

/* What of an answer is kept. Elsewhere than at ARM and Graph, URLs may hold secrets. */
static void note_answer(struct journal *journal, const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;
    const bool is_ours = exchange->audience != AUDIENCE_NONE;
    cJSON *body =
        is_ours ? json_parse(transfer->answer.data, transfer->answer.length, NULL) : NULL;
    const char *url = transfer_field(transfer, "azure-asyncoperation");
    /* borrowed for the call: nothing of it is changed */
    const struct step_answer answer = {
        .status = transfer->status,
        .url = (char *)(uintptr_t)(!is_ours ? NULL
                                   : url != NULL
                                       ? url
                                       : transfer_field(transfer, "operation-location")),
        .location =
            (char *)(uintptr_t)(is_ours ? transfer_field(transfer, "location") : NULL),
        .state = (char *)(uintptr_t)json_string_at(body, "properties.provisioningState"),
        .etag = (char *)(uintptr_t)transfer_field(transfer, "etag"),
        .id = (char *)(uintptr_t)(strcmp(transfer->method, "POST") == 0
                                      ? json_string_at(body, "id")
                                      : NULL),
        .request_id = (char *)(uintptr_t)transfer_field(transfer, "x-ms-request-id")};

    journal_answer(journal, exchange->step, &answer);
    if (exchange->journal.is_own)
        journal_done(journal, exchange->step, "sent", NULL);
    cJSON_Delete(body);
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    struct journal_stage *own = (struct journal_stage *)stage;
    const int status = exchange->transfer.status;

    if (exchange->journal.journal == NULL || status < 200 || status > 299) {
        exchange_backward(exchange);
        return;
    }
    note_answer(own->journal, exchange);
    exchange->journal.wait.safe = on_noted;
    journal_sync(own->journal, &exchange->journal.wait);
}

/* Nobody waits for it any more. When it never came to the wire, nothing was done. */
static void cancel(struct stage *stage, struct exchange *exchange)
{
    struct journal *journal = exchange->journal.journal;
    static char code[] = "Canceled", message[] = "it was not sent";
    const struct failure failure = {.code = code, .message = message};

    (void)stage;
    journal_wait_cancel(&exchange->journal.wait);
    if (journal != NULL && exchange->wire == NULL && step_is_open(exchange->step) &&
        !step_is_replayed(exchange->step))
        journal_failed(journal, exchange->step, &failure);
}

static void release(struct stage *stage)
{
    struct journal_stage *own = (struct journal_stage *)stage;

    buffer_deinit(&own->path);
    free(own);
}

struct stage *stage_new_journal(struct journal *journal)
{
    struct journal_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){.name = "journal",
                                .send = send,
                                .answered = answered,
                                .cancel = cancel,
                                .free = release};
    own->journal = journal;
    return &own->stage;
}

/* --- the fence ---------------------------------------------------------------------------- */

static void send_if_ours(struct stage *stage, struct exchange *exchange)
{
    const struct journal_stage *own = (const struct journal_stage *)stage;
    struct failure *failure =
        exchange->journal.journal != NULL ? journal_check(own->journal) : NULL;

    if (failure != NULL)
        refuse(exchange, failure);
    else
        exchange_forward(exchange);
}

struct stage *stage_new_fence(struct journal *journal)
{
    struct journal_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){.name = "fence", .send = send_if_ours, .free = release};
    own->journal = journal;
    return &own->stage;
}
