/* engine/pipeline/pipeline.c - the list of stages that every request passes. */
#include "pipeline/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MAX_STAGES = 10 };

struct pipeline {
    struct stage *stages[MAX_STAGES];
    size_t count;
};

struct pipeline *pipeline_new(struct stage *const *stages, size_t count)
{
    struct pipeline *pipeline = memory_new(sizeof *pipeline);

    assert(count <= MAX_STAGES);
    pipeline->count = count;
    memcpy(pipeline->stages, stages, count * sizeof(struct stage *));
    return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    for (size_t i = 0; i < pipeline->count; i++)
        pipeline->stages[i]->free(pipeline->stages[i]);
    free(pipeline);
}

struct exchange *exchange_new(struct pipeline *pipeline, const char *method,
                              const char *url, enum audience audience,
                              void (*done)(struct exchange *))
{
    struct exchange *exchange = memory_new(sizeof *exchange);
    char id[UUID_TEXT_SIZE];

    exchange->pipeline = pipeline;
    exchange->transfer.method = method;
    exchange->transfer.url = url;
    exchange->audience = audience;
    exchange->done = done;
    uuid_random(id);
    exchange_add_header(exchange, memory_format("x-ms-client-request-id: %s", id));
    return exchange;
}

void exchange_set_client_request_id(struct exchange *exchange, const char *id)
{
    free((char *)exchange->transfer.headers[0]);
    exchange->transfer.headers[0] = memory_format("x-ms-client-request-id: %s", id);
}

void exchange_add_header(struct exchange *exchange, char *header)
{
    /* one is the credential's, one the cookies', one ends them */
    assert(exchange->header_count < TRANSFER_HEADERS - 3);
    exchange->transfer.headers[exchange->header_count++] = header;
}

static struct stage *stage_of(const struct exchange *exchange)
{
    return exchange->pipeline->stages[exchange->stage - 1];
}

void exchange_start(struct exchange *exchange)
{
    assert(exchange->stage == 0);
    exchange_forward(exchange);
}

void exchange_forward(struct exchange *exchange)
{
    assert(exchange->stage < exchange->pipeline->count);
    exchange->stage++;
    stage_of(exchange)->send(stage_of(exchange), exchange);
}

void exchange_backward(struct exchange *exchange)
{
    while (--exchange->stage > 0) {
        struct stage *stage = stage_of(exchange);

        if (stage->answered != NULL) {
            stage->answered(stage, exchange);
            return;
        }
    }
    exchange->done(exchange);
}

bool exchange_may_have_effect(const struct exchange *exchange)
{
    const struct transfer *transfer = &exchange->transfer;

    return transfer->handle != NULL || (transfer->failure != NULL && transfer->was_sent);
}

void exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    for (; exchange->stage > 0; exchange->stage--) {
        if (stage_of(exchange)->cancel != NULL)
            stage_of(exchange)->cancel(stage_of(exchange), exchange);
    }
    if (exchange->credential.token != NULL)
        token_release(exchange->credential.token);
    free(exchange->credential.claims);
    for (size_t i = 0; i < exchange->header_count; i++)
        free((char *)exchange->transfer.headers[i]);
    transfer_reset(&exchange->transfer);
    free(exchange->redirect.url);
    free(exchange->cookie_header);
    free(exchange);
}
