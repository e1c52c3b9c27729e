/* tests/harness.h - clock, loop, scripted server and the whole way of a request to it. */
#ifndef MOONGATE_TESTS_HARNESS_H
#define MOONGATE_TESTS_HARNESS_H

#include <signal.h>
#include <stdbool.h>

#include <check.h>

#include "arm/client.h"
#include "auth/tokens.h"
#include "model/cloud.h"
#include "net/loop.h"
#include "net/transfer.h"
#include "pipeline/budget.h"
#include "pipeline/guard.h"
#include "pipeline/pipeline.h"
#include "server.h"

struct harness {
    struct clock clock;
    struct loop *loop;
    struct server server;
    struct transport *transport;
    struct stage *wire; /* the pipeline's last */
    struct tokens *tokens;
    struct client client; /* operations go to the server; Graph's origin is elsewhere */
};

/* The way of requests, through the client's journal when it has one. */
static inline void harness_open_pipeline(struct harness *h)
{
    struct journal *journal = h->client.journal;
    struct stage *stages[9];
    size_t count = 0;

    stages[count++] = stage_new_redirect();
    stages[count++] = stage_new_guard(&(struct guard_settings){0}, NULL, NULL);
    if (journal != NULL)
        stages[count++] = stage_new_journal(journal);
    stages[count++] = stage_new_retry(h->loop);
    stages[count++] =
        stage_new_budget(h->loop, &(struct budget_options){.limits = clouds[0].limits,
                                                           .principal = "client"});
    stages[count++] =
        stage_new_credential(&h->client.origins, tokens_provider(h->tokens));
    stages[count++] = stage_new_cookies();
    if (journal != NULL)
        stages[count++] = stage_new_fence(journal);
    h->wire = stage_new_transport(h->transport, h->loop);
    stages[count++] = h->wire;
    h->client.pipeline = pipeline_new(stages, count);
    tokens_set_pipeline(h->tokens, h->client.pipeline);
}

static inline void harness_open(struct harness *h,
                                const struct transport_options *options)
{
    memset(h, 0, sizeof *h);
    clock_init(&h->clock, CLOCK_VIRTUAL, 1.0);
    h->loop = loop_new(&h->clock);
    ck_assert_ptr_nonnull(h->loop);
    server_open(&h->server, h->loop);
    h->transport = transport_new(h->loop, options);
    h->client.loop = h->loop;
    h->client.origins.by_audience[AUDIENCE_ARM] = h->server.base;
    h->client.origins.by_audience[AUDIENCE_GRAPH] = "http://graph.example";
    h->tokens = tokens_new(
        h->loop, &(struct credential_settings){
                     .authority = h->server.base,
                     .tenant_id = "tenant",
                     .client_id = "client",
                     .client_secret = "top/secret",
                     .resources = {[AUDIENCE_ARM] = "https://arm.example",
                                   [AUDIENCE_GRAPH] = "https://graph.example"}});
    harness_open_pipeline(h);
}

static inline bool harness_never(void *context)
{
    (void)context;
    return false;
}

/* Turns the loop until nothing can happen any more: until everything started is over. */
static inline void harness_settle(struct harness *h)
{
    ck_assert(!loop_run(h->loop, harness_never, NULL, false));
}

/* Fails the test, by its time limit, when something still holds the loop. */
static inline void harness_close(struct harness *h)
{
    harness_settle(h);
    client_deinit(&h->client);
    tokens_free(h->tokens);
    pipeline_free(h->client.pipeline);
    transport_free(h->transport);
    server_close(&h->server);
    loop_free(h->loop);
}

/* Adds a topic whose tests each begin and end with these; either may be NULL. */
static inline TCase *harness_add_case(Suite *suite, const char *name,
                                      void (*set_up)(void), void (*tear_down)(void))
{
    TCase *topic = tcase_create(name);

    if (set_up != NULL || tear_down != NULL)
        tcase_add_checked_fixture(topic, set_up, tear_down);
    tcase_set_timeout(topic, 20);
    suite_add_tcase(suite, topic);
    return topic;
}

/* Runs the suite. Returns what main() returns. */
static inline int harness_run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    signal(SIGPIPE, SIG_IGN); /* as the program does */
    srunner_run_all(runner, CK_NORMAL);

    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
