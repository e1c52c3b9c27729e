/* tests/check_throttle.c - what answers tell of the buckets: refusals, remainders, and how a
 * whole run meets none of the former. */
#include <string.h>

#include <check.h>

#include "far_end.h"

/* --- 429 -------------------------------------------------------------------------------- */

static void answer_first_five_by_429(struct call *call)
{
    if (call->place <= 5)
        refuse(call, "10", "SubscriptionRequestsThrottled");
}

START_TEST(a_429_closes_the_bucket_and_it_opens_empty)
{
    struct call *calls, more[20] = {0};

    far.answer = answer_first_five_by_429;
    calls = begin_many(5, "PUT", GROUP);
    run_until(1000);
    for (size_t i = 0; i < 20; i++)
        begin(&more[i], "PUT", GROUP);
    settle();
    for (size_t i = 0; i < 20; i++) { /* the first token is the one kept back */
        ck_assert_int_eq(more[i].came_ms, 10000 + 100 * ((int64_t)i + 2));
        drop(&more[i]);
    }
    end_many(calls, 5);
}
END_TEST

START_TEST(those_that_were_refused_together_come_back_one_by_one)
{
    struct call *calls = NULL;

    far.answer = answer_first_five_by_429;
    calls = begin_many(5, "PUT", GROUP);
    settle();
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(calls[i].times, 2);
        ck_assert_int_eq(calls[i].exchange->transfer.status, 200);
        ck_assert_int_ge(calls[i].came_ms, 10200);
        ck_assert_uint_eq(count_at(calls, 5, calls[i].came_ms), 1);
    }
    end_many(calls, 5);
}
END_TEST

static void answer_first_nine_by_429(struct call *call)
{
    if (call->place <= 9)
        refuse(call, NULL, NULL);
}

START_TEST(without_retry_after_the_pauses_double_up_to_a_minute)
{
    static const int64_t closed_s[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    int64_t last_ms = 0;

    far.answer = answer_first_nine_by_429;
    for (size_t i = 0; i < 10; i++) {
        struct call call = {0};

        begin(&call, "PUT", GROUP);
        settle();
        if (i > 0)
            ck_assert_int_eq(call.came_ms - last_ms, closed_s[i - 1] * 1000 + 200);
        last_ms = call.came_ms;
        drop(&call);
    }
    /* and after a success it begins with a second */
    far.came = 8;

    struct call last[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        begin(&last[i], "PUT", GROUP);
        settle();
    }
    ck_assert_int_eq(last[1].came_ms - last[0].came_ms, 1200);
    drop(&last[0]);
    drop(&last[1]);
}
END_TEST

START_TEST(many_429_at_once_are_one_refusal)
{
    struct call *calls, next = {0};

    far.answer = answer_first_nine_by_429;
    calls = begin_many(9, "PUT", GROUP);
    run_until(1);
    begin(&next, "PUT", GROUP);
    settle();
    ck_assert_int_eq(next.came_ms, 1200);
    drop(&next);
    end_many(calls, 9);
}
END_TEST

#define ROLES SUBSCRIPTION "/providers/Microsoft.Authorization/roleAssignments/"

/* How a 429 looks, and whether it is of the provider alone. */
static const struct provider_row {
    const char *name, *path, *field, *code;
    bool is_of_provider;
} provider_rows[] = {
    {"its code", ROLES "1", NULL, "ResourceRequestsThrottled", true},
    {"a code of its own", ROLES "1", NULL, "TooManyRequests", true},
    {"its header", ROLES "1", "x-ms-ratelimit-remaining-subscription-resource-requests",
     "SubscriptionRequestsThrottled", true},
    {"the front end's", ROLES "1", NULL, "SubscriptionRequestsThrottled", false},
    {"the tenant's", ROLES "1", NULL, "TenantRequestsThrottled", false},
    {"it says nothing", ROLES "1", NULL, NULL, false},
    {"there is no provider", GROUP, NULL, "ResourceRequestsThrottled", false},
};

static const struct provider_row *provider_row;

static void answer_first_three_by_row(struct call *call)
{
    if (call->place > 3)
        return;
    refuse(call, "10", provider_row->code);
    if (provider_row->field != NULL)
        set_field(&call->exchange->transfer, provider_row->field, "0");
}

START_TEST(a_provider_that_is_busy_holds_up_only_itself)
{
    struct call *calls, same = {0}, other = {0}, nested = {0};

    provider_row = &provider_rows[_i];
    far.answer = answer_first_three_by_row;
    calls = begin_many(3, "PUT", provider_row->path);
    run_until(1000);
    begin(&same, "PUT", provider_row->path);
    begin(&nested, "PUT", SERVICE "/providers/microsoft.authorization/roleAssignments/2");
    begin(&other, "PUT", SERVICE);
    settle();
    ck_assert_msg(same.came_ms == 10200, "%s", provider_row->name);
    ck_assert_msg(nested.came_ms == 10300, "%s", provider_row->name);
    ck_assert_msg(other.came_ms == (provider_row->is_of_provider ? 1000 : 10400), "%s",
                  provider_row->name);
    drop(&same);
    drop(&nested);
    drop(&other);
    end_many(calls, 3);
}
END_TEST

/* --- what answers tell ------------------------------------------------------------------ */

static const char *told_name, *told_value;

static void answer_what_is_left(struct call *call)
{
    if (told_value != NULL)
        set_field(&call->exchange->transfer, told_name, told_value);
    told_value = NULL; /* once */
}

static const struct told_row {
    const char *name, *value, *path;
    int64_t next_ms; /* when a second request goes out after the first was answered so */
} told_rows[] = {
    {"x-ms-ratelimit-remaining-subscription-writes", "0", GROUP, 200},
    {"x-ms-ratelimit-remaining-subscription-writes", "1", GROUP, 100},
    {"x-ms-ratelimit-remaining-subscription-writes", "2", GROUP, 0},
    {"x-ms-ratelimit-remaining-subscription-global-writes", "0", GROUP, 14},
    {"x-ms-ratelimit-remaining-subscription-global-writes", "2000", GROUP, 0},
    {"x-ms-ratelimit-remaining-tenant-writes", "0", "/providers/A.B/c", 200},
    {"x-ms-ratelimit-remaining-subscription-reads", "0", GROUP, 0},
    {"x-ms-ratelimit-remaining-tenant-writes", "0", GROUP, 0},
    {"x-ms-ratelimit-remaining-subscription-writes", "0", "/providers/A.B/c", 0},
    {"x-ms-ratelimit-remaining-subscription-writes", "", GROUP, 0},
    {"x-ms-ratelimit-remaining-subscription-writes", "-1", GROUP, 0},
    {"x-ms-ratelimit-remaining-subscription-writes", "0;w=1", GROUP, 0},
    {"x-ms-ratelimit-remaining-subscription-writes", "99999999999999999999", GROUP, 0},
};

START_TEST(answers_tell_what_is_left)
{
    struct call calls[2] = {0};

    told_name = told_rows[_i].name;
    told_value = told_rows[_i].value;
    far.answer = answer_what_is_left;
    for (size_t i = 0; i < 2; i++) {
        begin(&calls[i], "PUT", told_rows[_i].path);
        settle();
    }
    ck_assert_int_eq(calls[1].came_ms, told_rows[_i].next_ms);
    drop(&calls[0]);
    drop(&calls[1]);
}
END_TEST

/* Two programs with one principal: the other one takes what it wants. */
START_TEST(whoever_shares_the_bucket_slows_us_down_without_429)
{
    struct call *calls;

    far.is_metered = true;
    far.filled_ms[REQUEST_WRITES] = 0;
    far.tokens[REQUEST_WRITES] = 50.5;
    calls = memory_new(300 * sizeof *calls);
    for (size_t i = 0; i < 300; i++) {
        begin(&calls[i], "PUT", GROUP);
        run_until((int64_t)i * 5);
    }
    settle();
    ck_assert_uint_eq(far.throttled, 0);
    ck_assert_int_ge(calls[299].came_ms, 24900);
    ck_assert_int_le(calls[299].came_ms, 25200);
    end_many(calls, 300);
}
END_TEST

/* A slow answer tells of long ago. */
START_TEST(an_answer_that_was_overtaken_gives_nothing_back)
{
    struct call slow = {.there_ms = 1, .back_ms = 5000}, *calls, more = {0};

    far.is_metered = true;
    begin(&slow, "PUT", GROUP);
    run_until(10);
    calls = begin_many(250, "PUT", GROUP);
    settle();
    begin(&more, "PUT", GROUP);
    settle();
    ck_assert_uint_eq(far.throttled, 0);
    drop(&slow);
    drop(&more);
    end_many(calls, 250);
}
END_TEST

static void refuse_below(struct call *call)
{
    call->exchange->is_refused = true;
    call->exchange->transfer.failure = failure_new("AuthenticationFailed", "no");
}

START_TEST(what_is_refused_on_this_side_costs_nothing)
{
    struct call *calls;

    far.answer = refuse_below;
    calls = begin_many(1000, "PUT", GROUP);
    settle();
    ck_assert_uint_eq(count_at(calls, 1000, 0), 1000);
    end_many(calls, 1000);
}
END_TEST

/* --- a whole run ------------------------------------------------------------------------ */

static void set_speeds(struct call *call, size_t number)
{
    call->there_ms = number < 20 ? 1500 : 5 + random() % 200; /* the first ones connect */
    call->back_ms = random() % 50 == 0 ? 8000 : 5 + random() % 300;
}

START_TEST(three_thousand_writes_take_as_long_as_the_bucket_asks_and_meet_no_429)
{
    enum { WRITES = 3200 };
    struct call *calls = memory_new(WRITES * sizeof *calls);
    int64_t last_ms = 0;

    srandom((unsigned)_i);
    far.is_metered = true;
    for (size_t i = 0; i < WRITES; i++) {
        set_speeds(&calls[i], i);
        begin(&calls[i], "PUT", GROUP);
    }
    settle();
    ck_assert_uint_eq(far.throttled, 0);
    ck_assert_uint_eq(far.came, WRITES);
    for (size_t i = 0; i < WRITES; i++) {
        if (calls[i].came_ms > last_ms)
            last_ms = calls[i].came_ms;
    }
    ck_assert_int_le(last_ms - calls[0].came_ms, (WRITES - 200) * 105);
    end_many(calls, WRITES);
}
END_TEST

/* An operation that asks every half minute or so for an hour. */
struct watch {
    struct call call;
    struct timer pause;
};

static void ask_again(struct timer *timer)
{
    struct watch *watch = LIST_ENTRY(timer, struct watch, pause);

    drop(&watch->call);
    begin_ranked(&watch->call, RANK_POLL);
}

static void on_polled(struct call *call)
{
    struct watch *watch = LIST_ENTRY(call, struct watch, call);

    meter(call);
    if (call->exchange->rank == RANK_POLL && clock_now_ms(&far_clock) < 3600000) {
        watch->pause.fire = ask_again;
        timer_start(loop, &watch->pause, 20000 + random() % 20000);
    }
}

START_TEST(the_polls_of_five_thousand_operations_stay_inside_the_bucket)
{
    enum { WATCHES = 5000 };
    struct watch *watches = memory_new(WATCHES * sizeof *watches);
    struct call calls[10] = {0};

    far.answer = on_polled;
    for (size_t i = 0; i < WATCHES; i++) {
        watches[i].call.there_ms = 1;
        watches[i].call.back_ms = 1;
        begin_ranked(&watches[i].call, RANK_POLL);
    }
    for (size_t i = 0; i < 10; i++) { /* who works is hardly held up */
        const int64_t start_ms = 60000 * ((int64_t)i + 1);

        run_until(start_ms);
        begin_ranked(&calls[i], RANK_CALL);
        run_until(start_ms + 1000);
        ck_assert_int_ge(calls[i].came_ms, start_ms);
        ck_assert_int_le(calls[i].came_ms, start_ms + 80);
        drop(&calls[i]);
    }
    settle();
    ck_assert_uint_eq(far.throttled, 0);
    ck_assert_uint_gt(far.came, 3600 * 25 - 1000); /* and they use all of it */
    for (size_t i = 0; i < WATCHES; i++)
        drop(&watches[i].call);
    free(watches);
}
END_TEST

/* --- over HTTP -------------------------------------------------------------------------- */

static struct harness h;

static void open_harness(void)
{
    harness_open(&h, &(struct transport_options){.concurrency = 4});
    h.client.origins.by_audience[AUDIENCE_GRAPH] = h.server.base;
    pipeline = h.client.pipeline;
}

static void close_harness(void)
{
    harness_close(&h);
}

START_TEST(the_whole_pipeline_waits_as_the_service_asks)
{
    const struct server_step script[] = {
        {"PUT " GROUP, .status = 429, .fields = "Retry-After: 30"},
        {"PUT " GROUP, .status = 429, .fields = "Retry-After: 30"},
        {"PUT " GROUP, .status = 200, .body = "x", .stays = true,
         .fields = "x-ms-ratelimit-remaining-subscription-writes: 0"},
        {0}};
    struct call calls[12] = {0};

    server_play(&h.server, script);
    for (size_t i = 0; i < 12; i++)
        begin_url(&calls[i], "PUT", memory_format("%s" GROUP, h.server.base),
                  AUDIENCE_ARM, RANK_CALL);
    harness_settle(&h);
    for (size_t i = 0; i < 12; i++) {
        ck_assert_int_eq(calls[i].exchange->transfer.status, 200);
        drop(&calls[i]);
    }
    ck_assert_uint_eq(h.server.request_count, 14);
    ck_assert_int_eq(h.server.times[11], 0); /* all of them went out at once */
    ck_assert_int_eq(h.server.times[12], 30200);
    ck_assert_int_eq(h.server.times[13], 30400);
}
END_TEST

START_TEST(the_directory_waits_by_itself)
{
    const struct server_step script[] = {
        {"GET /v1.0/groups", .status = 429, .fields = "Retry-After: 30"},
        {"GET /v1.0/groups", .status = 200, .body = "x"},
        {"GET " GROUP, .status = 200, .body = "x"},
        {0}};
    struct call group = {0}, other = {0};

    server_play(&h.server, script);
    begin_url(&group, "GET", memory_format("%s/v1.0/groups", h.server.base),
              AUDIENCE_GRAPH, RANK_CALL);
    begin_url(&other, "GET", memory_format("%s" GROUP, h.server.base), AUDIENCE_ARM,
              RANK_CALL);
    harness_settle(&h);
    ck_assert_str_eq(server_log(&h.server),
                     "GET /v1.0/groups\nGET " GROUP "\nGET /v1.0/groups\n");
    ck_assert_int_eq(h.server.times[1], 0);
    ck_assert_int_ge(h.server.times[2], 30000);
    drop(&group);
    drop(&other);
}
END_TEST

START_TEST(refused_by_the_credential_all_who_wait_are_refused_at_once)
{
    const struct server_step script[] = {
        {"POST /tenant/oauth2/v2.0/token", .status = 401, .stays = true, .body = "{}"},
        {0}};
    struct call *calls = memory_new(500 * sizeof *calls);

    server_play(&h.server, script);
    for (size_t i = 0; i < 500; i++)
        begin_url(&calls[i], "PUT", memory_format("%s" GROUP, h.server.base),
                  AUDIENCE_ARM, RANK_CALL);
    harness_settle(&h);
    for (size_t i = 0; i < 500; i++)
        ck_assert_str_eq(calls[i].exchange->transfer.failure->code,
                         "AuthenticationFailed");
    ck_assert_int_eq(clock_now_ms(&h.clock), 0);
    end_many(calls, 500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("throttle");
    TCase *refused = harness_add_case(suite, "429", set_up, tear_down);
    TCase *again = harness_add_case(suite, "again", set_up_with_retry, tear_down);
    TCase *told = harness_add_case(suite, "told", set_up, tear_down);
    TCase *run = harness_add_case(suite, "run", set_up, tear_down);
    TCase *http = harness_add_case(suite, "http", open_harness, close_harness);

    tcase_add_test(refused, a_429_closes_the_bucket_and_it_opens_empty);
    tcase_add_test(again, those_that_were_refused_together_come_back_one_by_one);
    tcase_add_test(refused, without_retry_after_the_pauses_double_up_to_a_minute);
    tcase_add_test(refused, many_429_at_once_are_one_refusal);
    tcase_add_loop_test(refused, a_provider_that_is_busy_holds_up_only_itself, 0,
                        COUNT(provider_rows));
    tcase_add_loop_test(told, answers_tell_what_is_left, 0, COUNT(told_rows));
    tcase_add_test(told, whoever_shares_the_bucket_slows_us_down_without_429);
    tcase_add_test(told, an_answer_that_was_overtaken_gives_nothing_back);
    tcase_add_test(told, what_is_refused_on_this_side_costs_nothing);
    tcase_add_loop_test(
        run, three_thousand_writes_take_as_long_as_the_bucket_asks_and_meet_no_429, 0, 3);
    tcase_add_test(run, the_polls_of_five_thousand_operations_stay_inside_the_bucket);
    tcase_add_test(http, the_whole_pipeline_waits_as_the_service_asks);
    tcase_add_test(http, the_directory_waits_by_itself);
    tcase_add_test(http, refused_by_the_credential_all_who_wait_are_refused_at_once);
    return harness_run_suite(suite);
}
