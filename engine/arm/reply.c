/* engine/arm/reply.c - an answer of the service. */
#include "arm/reply.h"

#include <stdlib.h>
#include <string.h>

#include "arm/refusal.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "net/transfer.h"

void reply_take(struct reply *reply, struct transfer *transfer)
{
    reply_drop(reply);
    reply->status = transfer->status;
    reply->fields = transfer->fields;
    reply->text = transfer->answer;
    transfer->fields = transfer->answer = (struct buffer){0};
}

void reply_drop(struct reply *reply)
{
    buffer_deinit(&reply->fields);
    buffer_deinit(&reply->text);
    cJSON_Delete(reply->body);
    *reply = (struct reply){0};
}

const char *reply_field(const struct reply *reply, const char *name)
{
    const struct transfer answer = {.fields = reply->fields};

    return transfer_field(&answer, name);
}

bool reply_parse(struct reply *reply)
{
    if (!reply->is_parsed && reply->text.length > 0)
        reply->body = json_parse(reply->text.data, reply->text.length, NULL);
    reply->is_parsed = true;
    return reply->body != NULL || reply->text.length == 0;
}

bool reply_claims_json(const struct reply *reply)
{
    const char *type = reply_field(reply, "content-type");

    return type == NULL || type[0] == '\0' || strstr(type, "json") != NULL;
}

void reply_add_ids(const struct reply *reply, struct failure *failure)
{
    const char *id = reply_field(reply, "x-ms-request-id");

    if (id == NULL)
        id = reply_field(reply, "request-id"); /* of Microsoft Graph */
    if (id != NULL && failure->request_id == NULL)
        failure->request_id = memory_copy_string(id);
    if (failure->correlation_id == NULL)
        failure->correlation_id =
            memory_copy_string(reply_field(reply, "x-ms-correlation-request-id"));
}

struct failure *reply_refusal(struct reply *reply)
{
    reply_parse(reply);

    struct failure *failure =
        refusal_from_answer(reply->status, reply->body, reply->text.data);

    reply_add_ids(reply, failure);
    return failure;
}

struct failure *reply_malformed(const struct reply *reply, const char *what)
{
    struct failure *failure = failure_new("ProtocolError", "%s (HTTP %d, %zu bytes)",
                                          what, reply->status, reply->text.length);

    reply_add_ids(reply, failure);
    return failure;
}
