/* engine/pipeline/redirect.c - the stage that follows redirections.
 *
 * It stands before the guards, so that where a request really goes is checked like where it
 * was sent first. Only within one origin (a token must not wander), and only where the method
 * stays what it is: 301 and 302 are followed for GET and HEAD alone, 303 turns a POST into a
 * GET, 307 and 308 repeat the request as it was (RFC 9110, 15.4). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/url.h"
#include "pipeline/pipeline.h"

enum { MAX_REDIRECTIONS = 10 };

static bool is_read(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool may_follow(const struct exchange *exchange)
{
    const char *method = exchange->transfer.method;

    switch (exchange->transfer.status) {
    case 300:
    case 301:
    case 302:
        return is_read(method);
    case 303:
        return is_read(method) || strcmp(method, "POST") == 0;
    case 307:
    case 308:
        return true;
    default:
        return false;
    }
}

static void send(struct stage *stage, struct exchange *exchange)
{
    (void)stage;
    exchange->redirect.count = 0;
    exchange_forward(exchange);
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    struct transfer *transfer = &exchange->transfer;
    const char *location = transfer_field(transfer, "location");
    char *url;

    (void)stage;
    if (location == NULL || !may_follow(exchange) ||
        exchange->redirect.count >= MAX_REDIRECTIONS) {
        exchange_backward(exchange);
        return;
    }
    url = url_resolve(transfer->url, location);
    if (url == NULL || !url_same_origin(url, transfer->url)) {
        free(url);
        exchange_backward(exchange);
        return;
    }
    if (transfer->status == 303 && !is_read(transfer->method)) {
        transfer->method = "GET";
        transfer->body = NULL;
        transfer->body_length = 0;
    }
    free(exchange->redirect.url);
    exchange->redirect.url = url;
    exchange->redirect.count++;
    transfer->url = url;
    exchange_forward(exchange);
}

static void release(struct stage *stage)
{
    free(stage);
}

struct stage *stage_new_redirect(void)
{
    struct stage *stage = memory_new(sizeof *stage);

    *stage = (struct stage){
        .name = "redirect", .send = send, .answered = answered, .free = release};
    return stage;
}
