/* tests/far_end.h - the budget stage, and behind it a far end that takes requests like a
 * service: it keeps Azure's buckets by an arithmetic of its own, and what is under way takes
 * its time. On a virtual clock, without a wire, so hours cost nothing. */
#ifndef MOONGATE_TESTS_FAR_END_H
#define MOONGATE_TESTS_FAR_END_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/failure.h"
#include "harness.h"

#define COUNT(rows)  ((int)(sizeof(rows) / sizeof(rows)[0]))
#define SUBSCRIPTION "/subscriptions/s1"
#define GROUP        SUBSCRIPTION "/resourceGroups/rg"
#define SERVICE      GROUP "/providers/Microsoft.ApiManagement/service/apim"

struct call {
    struct exchange *exchange;
    char *url;
    struct timer timer;   /* of its way there, then of its way back */
    int64_t came_ms;      /* to the far end, the last time; -1: never */
    unsigned place;       /* among all that came; 1 is the first */
    unsigned times, done; /* how often it came, and was answered to its owner */
    int64_t there_ms, back_ms;
    bool is_on_its_way_back;
};

/* The service behind the stage. */
static struct far_end {
    struct stage stage;
    unsigned came, under_way, most_under_way;
    unsigned throttled;                     /* answers of 429 */
    double tokens[REQUEST_CLASS_COUNT];     /* it meters when `is_metered` */
    int64_t filled_ms[REQUEST_CLASS_COUNT]; /* of each bucket; -1: full */
    bool is_metered;
    void (*answer)(
        struct call *call); /* writes what is not 200 into the transfer; or NULL */
} far;

static struct clock far_clock;
static struct loop *loop;
static struct pipeline *pipeline;

static inline void set_field(struct transfer *transfer, const char *name,
                             const char *value)
{
    buffer_append(&transfer->fields, name, strlen(name) + 1);
    buffer_append(&transfer->fields, value, strlen(value) + 1);
}

static inline void refuse(struct call *call, const char *retry_after, const char *code)
{
    struct transfer *transfer = &call->exchange->transfer;

    far.throttled++;
    transfer->status = 429;
    if (retry_after != NULL)
        set_field(transfer, "retry-after", retry_after);
    if (code != NULL)
        buffer_printf(&transfer->answer, "{\"error\":{\"code\":\"%s\"}}", code);
}

/* Azure's own bucket of the class, as documented. */
static inline void meter(struct call *call)
{
    static const double size[] = {250, 200, 200}, per_ms[] = {0.025, 0.01, 0.01};
    static const char *const names[] = {"x-ms-ratelimit-remaining-subscription-reads",
                                        "x-ms-ratelimit-remaining-subscription-writes",
                                        "x-ms-ratelimit-remaining-subscription-deletes"};
    const char *method = call->exchange->transfer.method;
    const int class = method[0] == 'G' ? 0 : method[0] == 'D' ? 2 : 1;
    const int64_t now_ms = clock_now_ms(&far_clock);
    char text[16];

    if (far.filled_ms[class] < 0)
        far.tokens[class] = size[class];
    else
        far.tokens[class] += (double)(now_ms - far.filled_ms[class]) * per_ms[class];
    far.filled_ms[class] = now_ms;
    if (far.tokens[class] > size[class])
        far.tokens[class] = size[class];
    if (far.tokens[class] < 1.0) {
        refuse(call, "10", "SubscriptionRequestsThrottled");
        return;
    }
    far.tokens[class] -= 1.0;
    snprintf(text, sizeof text, "%d", (int)far.tokens[class]);
    set_field(&call->exchange->transfer, names[class], text);
}

static inline void on_way(struct timer *timer)
{
    struct call *call = LIST_ENTRY(timer, struct call, timer);

    if (call->is_on_its_way_back) {
        far.under_way--;
        exchange_backward(call->exchange);
        return;
    }
    call->is_on_its_way_back = true;
    call->came_ms = clock_now_ms(&far_clock);
    call->place = ++far.came;
    call->times++;
    transfer_reset(&call->exchange->transfer);
    call->exchange->transfer.status = 200;
    if (far.is_metered)
        meter(call);
    else if (far.answer != NULL)
        far.answer(call);
    timer_start(loop, &call->timer, call->back_ms);
}

static inline void far_send(struct stage *stage, struct exchange *exchange)
{
    struct call *call = exchange->owner;

    (void)stage;
    if (++far.under_way > far.most_under_way)
        far.most_under_way = far.under_way;
    call->is_on_its_way_back = false;
    call->timer.fire = on_way;
    timer_start(loop, &call->timer, call->there_ms);
}

static inline void far_cancel(struct stage *stage, struct exchange *exchange)
{
    struct call *call = exchange->owner;

    (void)stage;
    far.under_way--;
    timer_stop(loop, &call->timer);
}

static inline void far_free(struct stage *stage)
{
    (void)stage;
}

static inline void open_pipeline(bool with_retry)
{
    struct stage *stages[3];
    size_t count = 0;

    if (with_retry)
        stages[count++] = stage_new_retry(loop);
    stages[count++] =
        stage_new_budget(loop, &(struct budget_options){.limits = clouds[0].limits,
                                                        .principal = "client"});
    stages[count++] = &far.stage;
    pipeline = pipeline_new(stages, count);
}

static inline void set_up_anything(void)
{
    clock_init(&far_clock, CLOCK_VIRTUAL, 1.0);
    loop = loop_new(&far_clock);
    far = (struct far_end){
        .stage = {
            .name = "far", .send = far_send, .cancel = far_cancel, .free = far_free}};
    for (size_t i = 0; i < REQUEST_CLASS_COUNT; i++)
        far.filled_ms[i] = -1;
}

static inline void set_up(void)
{
    set_up_anything();
    open_pipeline(false);
}

static inline void set_up_with_retry(void)
{
    set_up_anything();
    open_pipeline(true);
}

static inline void settle(void)
{
    ck_assert(!loop_run(loop, harness_never, NULL, false));
}

static inline void tear_down(void)
{
    settle();
    pipeline_free(pipeline);
    loop_free(loop);
}

static inline void on_done(struct exchange *exchange)
{
    ((struct call *)exchange->owner)->done++;
}

/* `url` is taken; a path is ARM's own. */
static inline void begin_url(struct call *call, const char *method, char *url,
                             enum audience audience, enum rank rank)
{
    call->url = url;
    call->came_ms = -1;
    call->exchange = exchange_new(pipeline, method, url, audience, on_done);
    call->exchange->owner = call;
    call->exchange->rank = rank;
    exchange_start(call->exchange);
}

static inline void begin(struct call *call, const char *method, const char *path)
{
    begin_url(call, method, memory_format("https://arm.example%s", path), AUDIENCE_ARM,
              RANK_CALL);
}

static inline struct call *begin_many(size_t count, const char *method, const char *path)
{
    struct call *calls = memory_new(count * sizeof *calls);

    for (size_t i = 0; i < count; i++)
        begin(&calls[i], method, path);
    return calls;
}

static inline void drop(struct call *call)
{
    exchange_free(call->exchange);
    free(call->url);
    call->exchange = NULL;
    call->url = NULL;
}

static inline void end_many(struct call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        drop(&calls[i]);
    free(calls);
}

static inline size_t count_at(const struct call *calls, size_t count, int64_t came_ms)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += calls[i].came_ms == came_ms ? 1 : 0;
    return found;
}

static inline bool is_due(void *context)
{
    return clock_now_ms(&far_clock) >= *(int64_t *)context;
}

static inline void do_nothing(struct timer *timer)
{
    (void)timer;
}

/* Turns the loop until then. */
static inline void run_until(int64_t then_ms)
{
    struct timer timer = {.fire = do_nothing};

    timer_start(loop, &timer, then_ms - clock_now_ms(&far_clock));
    loop_run(loop, is_due, &then_ms, false);
    timer_stop(loop, &timer);
}

static inline void begin_ranked(struct call *call, enum rank rank)
{
    begin_url(call, "GET", memory_copy_string("https://arm.example" GROUP), AUDIENCE_ARM,
              rank);
}

#endif
