/* engine/pipeline/wire.c - the last stage: it puts requests on the wire. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "pipeline/pipeline.h"

struct wire_stage {
    struct stage stage;
    struct transport *transport;
    struct loop *loop;
    struct wire_counts counts;
    unsigned under_way;
    struct list parked; /* came after the drain: never sent */
    void (*drained)(void *context);
    void *context;
    struct timer report;
};

/* Told by a timer that is due at once: what the last answer has set going, which is deferred
 * from one to the next, comes before it. */
static void check_drained(struct wire_stage *own)
{
    if (own->drained == NULL || own->under_way > 0)
        return;
    timer_stop(own->loop, &own->report);
    timer_start(own->loop, &own->report, 0);
}

static void report(struct timer *timer)
{
    struct wire_stage *own = LIST_ENTRY(timer, struct wire_stage, report);

    own->drained(own->context);
}

static void done(struct transfer *transfer)
{
    struct exchange *exchange = LIST_ENTRY(transfer, struct exchange, transfer);
    struct wire_stage *own = exchange->wire;

    own->under_way--;
    check_drained(own);
    exchange_backward(exchange);
}

static void send(struct stage *stage, struct exchange *exchange)
{
    struct wire_stage *own = (struct wire_stage *)stage;
    const char *method = exchange->transfer.method;

    if (own->drained != NULL) {
        list_append(&own->parked, &exchange->parked);
        return;
    }
    own->counts.requests++;
    if (exchange->audience != AUDIENCE_NONE && strcmp(method, "GET") != 0 &&
        strcmp(method, "HEAD") != 0)
        own->counts.writes++;
    own->under_way++;
    if (!exchange->is_unlogged)
        log_line(LOG_DEBUG, "%s %.*s", method, (int)strcspn(exchange->transfer.url, "?"),
                 exchange->transfer.url); /* a query may hold a signature */

    const bool is_first = exchange->wire == NULL;

    exchange->transfer.done = done;
    exchange->wire = own;
    transfer_start(own->transport, &exchange->transfer);
    if (is_first && exchange->sent != NULL)
        exchange->sent(exchange);
}

static void cancel(struct stage *stage, struct exchange *exchange)
{
    struct wire_stage *own = (struct wire_stage *)stage;

    if (list_is_linked(&exchange->parked)) {
        list_remove(&exchange->parked);
        return;
    }
    transfer_cancel(own->transport, &exchange->transfer);
    own->under_way--;
    check_drained(own);
}

static void release(struct stage *stage)
{
    struct wire_stage *own = (struct wire_stage *)stage;

    timer_stop(own->loop, &own->report);
    free(own);
}

struct stage *stage_new_transport(struct transport *transport, struct loop *loop)
{
    struct wire_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){
        .name = "transport", .send = send, .cancel = cancel, .free = release};
    own->transport = transport;
    own->loop = loop;
    own->report.fire = report;
    list_init(&own->parked);
    return &own->stage;
}

struct wire_counts stage_wire_counts(const struct stage *transport_stage)
{
    return ((const struct wire_stage *)transport_stage)->counts;
}

void stage_drain(struct stage *transport_stage, void (*drained)(void *context),
                 void *context)
{
    struct wire_stage *own = (struct wire_stage *)transport_stage;

    own->drained = drained;
    own->context = context;
    check_drained(own);
}
