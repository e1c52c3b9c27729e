/* engine/pipeline/bucket.c - our picture of a token bucket that a service keeps. */
#include "pipeline/bucket.h"

#include <assert.h>

#include "model/cloud.h"

enum { RESERVE = 1 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How full it may be at most while requests are under way. */
static int64_t brim(const struct bucket *bucket)
{
    return bucket->size - (bucket->sent - bucket->over) * bucket->token;
}

static void refill(struct bucket *bucket, int64_t now_ms)
{
    if (now_ms <= bucket->at_ms)
        return;

    /* a bucket that is full needs no larger number than this, and none overflows */
    const int64_t span_ms =
        least(now_ms - bucket->at_ms, bucket->size / bucket->rate + 1);

    bucket->level = least(bucket->level + span_ms * bucket->rate, brim(bucket));
    bucket->at_ms = now_ms;
}

void bucket_init(struct bucket *bucket, const struct request_limit *limit, unsigned times,
                 int64_t now_ms)
{
    *bucket = (struct bucket){
        .token = limit->fill_ms, .rate = (int64_t)limit->size * times, .at_ms = now_ms};
    bucket->size = bucket->rate * bucket->token;
    bucket->level = bucket->size;
}

int64_t bucket_wait_ms(struct bucket *bucket, unsigned cost, int64_t now_ms)
{
    const int64_t needed = ((int64_t)cost + RESERVE) * bucket->token;

    refill(bucket, now_ms);
    if (needed > brim(bucket))
        return BUCKET_STUCK;

    const int64_t missing = most(needed - bucket->level, 0);

    return most(bucket->at_ms - now_ms, 0) + (missing + bucket->rate - 1) / bucket->rate;
}

void bucket_take(struct bucket *bucket, unsigned cost, int64_t now_ms)
{
    refill(bucket, now_ms);
    assert(bucket->level >= (int64_t)cost * bucket->token);
    bucket->level -= (int64_t)cost * bucket->token;
    bucket->sent += cost;
}

void bucket_settle(struct bucket *bucket, unsigned cost, int64_t now_ms)
{
    refill(bucket, now_ms);
    bucket->over += cost;
}

void bucket_refund(struct bucket *bucket, unsigned cost, int64_t now_ms)
{
    refill(bucket, now_ms);
    bucket->sent -= cost;
    if (now_ms >= bucket->at_ms)
        bucket->level =
            least(bucket->level + (int64_t)cost * bucket->token, brim(bucket));
}

void bucket_correct(struct bucket *bucket, int64_t remaining, int64_t others,
                    int64_t sent_ms, int64_t now_ms)
{
    refill(bucket, now_ms);
    if (now_ms < bucket->at_ms)
        return; /* what was answered before it was closed is out of date */
    bucket->size = most(bucket->size, (remaining + 1) * bucket->token);

    const int64_t low = (remaining - others) * bucket->token;
    const int64_t high = remaining * bucket->token + (now_ms - sent_ms) * bucket->rate;

    bucket->level = least(most(bucket->level, low), least(high, brim(bucket)));
}

void bucket_close(struct bucket *bucket, int64_t until_ms)
{
    bucket->level = 0;
    bucket->at_ms = most(bucket->at_ms, until_ms);
}
