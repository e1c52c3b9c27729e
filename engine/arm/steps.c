/* engine/arm/steps.c - operations and the journal. */
#include "arm/steps.h"

#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/operation.h"
#include "arm/poll.h"
#include "arm/reply.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/url.h"
#include "journal/journal.h"
#include "net/transfer.h"
#include "pipeline/effect.h"
#include "pipeline/path.h"

static bool hides_method(const struct operation_request *request)
{
    for (size_t i = 0; i < OPERATION_HEADERS && request->headers[i] != NULL; i++) {
        if (effect_is_method_header(request->headers[i]))
            return true;
    }
    return false;
}

static bool is_write(const struct operation_request *request)
{
    struct buffer path = {0};

    if (hides_method(request))
        return true;
    if (effect_of(request->method, "", request->audience) == EFFECT_NONE)
        return false;

    const bool is_clear = path_normalize(&path, url_path(request->url));
    const enum effect effect =
        effect_of(request->method, is_clear ? path.data : NULL, request->audience);

    buffer_deinit(&path);
    return effect == EFFECT_WRITE;
}

bool steps_tell(const struct operation_request *request,
                void (*tell)(void *context, const struct step_content *content),
                void *context)
{
    if (!is_write(request))
        return false;

    const char *path = url_path(request->url);
    const size_t length = strcspn(path, "?#");
    const size_t body_length = request->body == NULL || request->body_length > 0
                                   ? request->body_length
                                   : strlen(request->body);
    cJSON *body =
        request->body != NULL ? json_parse(request->body, body_length, NULL) : NULL;
    char *target = memory_copy_text(path, length);

    tell(context, &(struct step_content){.verb = request->method,
                                         .target = target,
                                         .query = path + length,
                                         .body = body,
                                         .text = body == NULL ? request->body : NULL,
                                         .text_length = body_length});
    cJSON_Delete(body);
    free(target);
    return true;
}

/* What the journal is asked about a request's content. */
struct question {
    struct journal *journal;
    struct step *step;
};

static void begin(void *context, const struct step_content *content)
{
    struct question *question = context;

    question->step = journal_begin(question->journal, content);
}

static void peek(void *context, const struct step_content *content)
{
    struct question *question = context;

    question->step = journal_peek(question->journal, content);
}

struct step *steps_begin(const struct client *client,
                         const struct operation_request *request)
{
    struct question question = {.journal = client->journal};

    if (client->journal != NULL)
        steps_tell(request, begin, &question);
    return question.step;
}

bool steps_know(const struct client *client, const struct operation_request *request)
{
    struct question question = {.journal = client->journal};

    if (client->journal != NULL)
        steps_tell(request, peek, &question);
    return question.step != NULL && step_state(question.step) != STEP_NEW &&
           step_state(question.step) != STEP_FAILED;
}

static void add_field(struct buffer *fields, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buffer_append(fields, name, strlen(name) + 1);
    buffer_append(fields, value, strlen(value) + 1);
}

static void fill_reply(const struct step_answer *answer, struct reply *reply)
{
    reply_drop(reply);
    if (answer == NULL)
        return;
    reply->status = answer->status;
    add_field(&reply->fields, "azure-asyncoperation", answer->url);
    add_field(&reply->fields, "location", answer->location);
    add_field(&reply->fields, "etag", answer->etag);
    add_field(&reply->fields, "x-ms-request-id", answer->request_id);
    if (answer->status != 202 && answer->status != 204)
        reply->body = cJSON_CreateObject();
    if (answer->state != NULL && reply->body != NULL)
        json_set_at(reply->body, "properties.provisioningState",
                    cJSON_CreateString(answer->state));
    if (answer->told != NULL && answer->state != NULL && reply->body != NULL)
        json_set_at(reply->body, "properties.targetProvisioningState",
                    cJSON_CreateString(answer->told));
    reply->is_parsed = true;
}

void steps_fill_reply(const struct step *step, struct reply *reply)
{
    fill_reply(step_answer(step), reply);
}

bool steps_answer_has_ended(const struct step_answer *answer, const char *method)
{
    struct reply reply = {0};
    const char *url;

    fill_reply(answer, &reply);

    const struct transfer first = {.status = reply.status, .fields = reply.fields};
    const bool has_ended = poll_choose(method, &first, reply.body, &url) == POLL_NOTHING;

    reply_drop(&reply);
    return has_ended;
}

bool steps_has_ended(const struct step *step, const char *method)
{
    return step_state(step) == STEP_ANSWERED
               ? steps_answer_has_ended(step_answer(step), method)
               : step_state(step) == STEP_DONE;
}

void steps_conclude(const struct client *client, struct step *step, const char *outcome,
                    const struct failure *failure, bool is_refusal)
{
    if (step == NULL || step_state(step) == STEP_DONE)
        return;
    if (failure == NULL)
        journal_done(client->journal, step, outcome, NULL);
    else if (is_refusal && step_state(step) != STEP_NEW &&
             step_state(step) != STEP_FAILED)
        journal_failed(client->journal, step, failure);
}
