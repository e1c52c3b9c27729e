/* tests/check_bucket.c - our picture of a token bucket, by itself. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "harness.h"
#include "pipeline/bucket.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

static const struct request_limit limits[] = {
    {250, 10000}, {200, 20000}, {12000, 3600000}, {1200, 3600000}, {3500, 10000}, {3, 7}};

/* Takes tokens while there are any. Returns how many. */
static unsigned take_all(struct bucket *bucket, int64_t now_ms)
{
    unsigned count = 0;

    while (bucket_wait_ms(bucket, 1, now_ms) == 0) {
        bucket_take(bucket, 1, now_ms);
        count++;
    }
    return count;
}

static void settle_all(struct bucket *bucket, int64_t now_ms)
{
    while (bucket->over < bucket->sent)
        bucket_settle(bucket, 1, now_ms);
}

START_TEST(a_bucket_is_full_at_first_and_keeps_one_token_back)
{
    struct bucket bucket;

    bucket_init(&bucket, &limits[_i], 1, 5);
    ck_assert_uint_eq(take_all(&bucket, 5), limits[_i].size - 1);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 5), BUCKET_STUCK);
}
END_TEST

START_TEST(tokens_come_evenly_and_no_fraction_is_lost)
{
    struct bucket bucket;
    int64_t now_ms = 0;

    bucket_init(&bucket, &limits[_i], 1, 0);
    take_all(&bucket, 0);
    settle_all(&bucket, 0);
    for (int64_t n = 1; n <= 1000; n++) {
        const int64_t wait_ms = bucket_wait_ms(&bucket, 1, now_ms);

        ck_assert_int_ge(wait_ms, 0);
        if (wait_ms > 0) /* not a moment too early */
            ck_assert_int_ne(bucket_wait_ms(&bucket, 1, now_ms + wait_ms - 1), 0);
        now_ms += wait_ms;
        bucket_take(&bucket, 1, now_ms);
        bucket_settle(&bucket, 1, now_ms);
        /* the n-th token is there after n times the refill's share, rounded up */
        ck_assert_int_eq(now_ms, (n * limits[_i].fill_ms + limits[_i].size - 1) /
                                     limits[_i].size);
    }
}
END_TEST

START_TEST(a_bucket_that_is_left_alone_is_full_again_and_no_fuller)
{
    struct bucket bucket;
    const int64_t later_ms[] = {limits[_i].fill_ms, INT64_C(1) << 50};

    for (size_t i = 0; i < 2; i++) {
        bucket_init(&bucket, &limits[_i], 1, 0);
        take_all(&bucket, 0);
        settle_all(&bucket, 0);
        ck_assert_uint_eq(take_all(&bucket, later_ms[i]), limits[_i].size - 1);
    }
}
END_TEST

START_TEST(what_is_under_way_is_not_refilled_before_it_is_answered)
{
    struct bucket bucket;

    bucket_init(&bucket, &limits[1], 1, 0);
    take_all(&bucket, 0);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 3600000), BUCKET_STUCK);
    bucket_settle(&bucket, 1, 3600000); /* from now on there is room for one */
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 3600000), 100);
    bucket_take(&bucket, 1, 3600100);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 3600100), BUCKET_STUCK);
}
END_TEST

START_TEST(what_costs_more_waits_longer)
{
    struct bucket bucket;

    bucket_init(&bucket, &limits[0], 1, 0);
    take_all(&bucket, 0);
    settle_all(&bucket, 0);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 0), 40);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 5, 0), 200);
    bucket_take(&bucket, 5, 200);
    bucket_settle(&bucket, 5, 200);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 200), 40);
}
END_TEST

START_TEST(what_was_never_sent_gives_its_token_back)
{
    struct bucket bucket;

    bucket_init(&bucket, &limits[1], 1, 0);
    take_all(&bucket, 0);
    for (int i = 0; i < 10; i++)
        bucket_refund(&bucket, 1, 0);
    ck_assert_uint_eq(take_all(&bucket, 0), 10);
}
END_TEST

/* A bucket of 200, 10 a second. `have` is what it may let out before and after, of `under_way`
 * one that is answered and the rest beside it. */
static const struct correct_row {
    const char *name;
    unsigned have, under_way;
    int64_t remaining, others, age_ms;
    unsigned expected;
} correct_rows[] = {
    {"the same", 100, 1, 101, 0, 0, 100},
    {"somebody else took some", 100, 1, 51, 0, 0, 50},
    {"it was refilled since", 100, 1, 51, 0, 1000, 60},
    {"we thought too little of it", 100, 1, 151, 0, 0, 150},
    {"others may be counted or not: above", 100, 31, 121, 30, 0, 100},
    {"others may be counted or not: below", 100, 31, 101, 30, 0, 100},
    {"but all of them are no reason", 100, 31, 141, 30, 0, 110},
    {"more others than tokens", 100, 41, 11, 40, 0, 10},
    {"none left", 100, 1, 0, 0, 0, 0},
    {"one left is the one kept back", 100, 1, 1, 0, 0, 0},
    {"not above the brim", 100, 51, 199, 0, 3600000, 148},
};

START_TEST(an_answer_corrects_the_picture)
{
    const struct correct_row *row = &correct_rows[_i];
    const int64_t now_ms = INT64_C(1) << 40;
    struct bucket bucket;
    unsigned got = 0;

    bucket_init(&bucket, &limits[1], 1, now_ms);
    while (take_all(&bucket, now_ms) != 0)
        settle_all(&bucket, now_ms);
    bucket.level = (int64_t)(row->have + 1) * bucket.token;
    bucket.sent += row->under_way;
    bucket_correct(&bucket, row->remaining, row->others, now_ms - row->age_ms, now_ms);
    got = take_all(&bucket, now_ms);
    ck_assert_msg(got == row->expected, "%s: %u", row->name, got);
}
END_TEST

START_TEST(an_answer_above_the_known_size_raises_it)
{
    struct bucket bucket;

    bucket_init(&bucket, &limits[0], 1, 0);
    bucket_take(&bucket, 1, 0);
    bucket_correct(&bucket, 11999, 0, 0, 0);
    bucket_settle(&bucket, 1, 0);
    ck_assert_uint_eq(take_all(&bucket, 0), 11998);
    settle_all(&bucket, 0);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 0), 40); /* its refill is as it was */
    ck_assert_uint_eq(take_all(&bucket, INT64_C(1) << 40), 11999);
}
END_TEST

START_TEST(a_closed_bucket_lets_nothing_out_and_opens_empty)
{
    struct bucket bucket;

    bucket_init(&bucket, &limits[1], 1, 0);
    bucket_take(&bucket, 1, 0);
    bucket_close(&bucket, 5000);
    bucket_close(&bucket, 3000);            /* the later end stands */
    bucket_correct(&bucket, 150, 0, 0, 10); /* and no news from before opens it */
    bucket_settle(&bucket, 1, 10);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 10), 5190);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 5199), 1);
    ck_assert_int_eq(bucket_wait_ms(&bucket, 1, 5200), 0);
    ck_assert_uint_eq(take_all(&bucket, 5200), 1);
}
END_TEST

enum { FLIGHTS = 400 };

/* Requests of all speeds, some of a second, some of a minute, against the service's own
 * bucket in thousandths of a token: it is never asked for one that it does not have. */
START_TEST(the_service_never_runs_dry_however_long_requests_take)
{
    const struct request_limit *limit = &limits[_i % 2];
    int64_t counted_ms[FLIGHTS], answered_ms[FLIGHTS]; /* -1: not under way */
    const int64_t rate = limit->size * INT64_C(1000) / limit->fill_ms;
    int64_t theirs = limit->size * INT64_C(1000);
    unsigned sent = 0;
    struct bucket bucket;

    srandom((unsigned)_i);
    memset(answered_ms, -1, sizeof answered_ms);
    bucket_init(&bucket, limit, 1, 0);
    for (int64_t now_ms = 0; now_ms < 60000; now_ms++) {
        theirs += rate;
        if (theirs > limit->size * INT64_C(1000))
            theirs = limit->size * INT64_C(1000);
        for (size_t i = 0; i < FLIGHTS; i++) {
            if (answered_ms[i] >= 0 && counted_ms[i] == now_ms) {
                theirs -= 1000;
                ck_assert_int_ge(theirs, 0);
            }
            if (answered_ms[i] == now_ms) {
                bucket_settle(&bucket, 1, now_ms);
                answered_ms[i] = -1;
            }
            /* at times everybody rests, so that buckets fill up */
            if (answered_ms[i] < 0 && now_ms / 15000 % 2 == 0 &&
                bucket_wait_ms(&bucket, 1, now_ms) == 0) {
                const int64_t longest_ms = random() % 8 == 0 ? 30000 : 500;

                bucket_take(&bucket, 1, now_ms);
                counted_ms[i] = now_ms + 1 + random() % longest_ms;
                answered_ms[i] = counted_ms[i] + 1 + random() % longest_ms;
                sent++;
            }
        }
    }
    ck_assert_uint_gt(sent, limit->size + 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bucket");
    TCase *topic = harness_add_case(suite, "bucket", NULL, NULL);

    tcase_add_loop_test(topic, a_bucket_is_full_at_first_and_keeps_one_token_back, 0,
                        COUNT(limits));
    tcase_add_loop_test(topic, tokens_come_evenly_and_no_fraction_is_lost, 0,
                        COUNT(limits));
    tcase_add_loop_test(topic, a_bucket_that_is_left_alone_is_full_again_and_no_fuller, 0,
                        COUNT(limits));
    tcase_add_test(topic, what_is_under_way_is_not_refilled_before_it_is_answered);
    tcase_add_test(topic, what_costs_more_waits_longer);
    tcase_add_test(topic, what_was_never_sent_gives_its_token_back);
    tcase_add_loop_test(topic, an_answer_corrects_the_picture, 0, COUNT(correct_rows));
    tcase_add_test(topic, an_answer_above_the_known_size_raises_it);
    tcase_add_test(topic, a_closed_bucket_lets_nothing_out_and_opens_empty);
    tcase_add_loop_test(topic, the_service_never_runs_dry_however_long_requests_take, 0,
                        6);
    return harness_run_suite(suite);
}
