/* engine/sim/late.c - answers that are ready and held back for a while of the world's time. */
#include "sim/late.h"

#include <stdlib.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "base/memory.h"
#include "net/loop.h"
#include "sim/answer.h"

struct held {
    struct list link;
    struct timer timer;
    struct late *late;
    struct evhttp_request *request;
    struct answer answer;
    bool lends;
};

static void let_go(struct held *held)
{
    struct late *late = held->late;

    timer_stop(late->loop, &held->timer);
    list_remove(&held->link);
    if (held->lends)
        loop_reclaim(late->loop);
    answer_deinit(&held->answer);
    free(held);
}

static void fire(struct timer *timer)
{
    struct held *held = LIST_ENTRY(timer, struct held, timer);

    held->late->send(held->late->context, held->request, &held->answer);
    let_go(held);
}

/* The client has gone away. */
static void drop(struct bufferevent *stream, short events, void *context)
{
    struct held *held = context;
    struct evhttp_connection *connection = evhttp_request_get_connection(held->request);

    (void)stream, (void)events;
    let_go(held);
    evhttp_connection_free(connection);
}

void late_hold(struct late *late, struct evhttp_request *request, struct answer *answer,
               int64_t delay_ms, bool lends)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);
    struct held *held = memory_new(sizeof *held);

    held->late = late;
    held->request = request;
    held->answer = *answer;
    answer_init(answer);
    held->timer.fire = fire;
    list_append(&late->held, &held->link);
    held->lends = lends;
    if (lends)
        loop_lend(late->loop);
    timer_start(late->loop, &held->timer, delay_ms);
    bufferevent_setcb(stream, NULL, NULL, drop, held); /* sending sets them anew */
    bufferevent_enable(stream, EV_READ);
}

int64_t late_left_ms(const struct late *late)
{
    const int64_t now_ms = clock_now_ms(loop_clock(late->loop));
    int64_t left_ms = INT64_MAX;

    for (const struct list *link = late->held.next; link != &late->held;
         link = link->next) {
        const struct held *held = LIST_ENTRY(link, struct held, link);

        if (held->timer.due_ms - now_ms < left_ms)
            left_ms = held->timer.due_ms > now_ms ? held->timer.due_ms - now_ms : 0;
    }
    return left_ms;
}

void late_hurry(struct late *late)
{
    while (!list_is_empty(&late->held))
        fire(&LIST_ENTRY(late->held.next, struct held, link)->timer);
}

void late_deinit(struct late *late)
{
    while (!list_is_empty(&late->held))
        let_go(LIST_ENTRY(late->held.next, struct held, link));
}
