/* engine/pipeline/bucket.h - our picture of a token bucket that a service keeps.
 *
 * It is never fuller than the service's own, however long requests are on their way: a
 * request under way may not have been counted there yet, and what would refill a full bucket
 * is lost. So ours is filled no higher than its size less what is under way. All numbers are
 * whole: a token is `token` parts, and `rate` parts come each millisecond. */
#ifndef MOONGATE_PIPELINE_BUCKET_H
#define MOONGATE_PIPELINE_BUCKET_H

#include <stdint.h>

struct request_limit;

struct bucket {
    int64_t level, size, token, rate; /* parts */
    int64_t at_ms;      /* when `level` was true; later than now: closed until then */
    int64_t sent, over; /* tokens: let out in all, and of those no longer under way */
};

/* Full, with `times` the size and the refill of `limit`. */
void bucket_init(struct bucket *bucket, const struct request_limit *limit, unsigned times,
                 int64_t now_ms);

/* How long until `cost` tokens may be taken: 0 is now. BUCKET_STUCK when no time helps, but
 * an answer to a request under way will. One token stays in it: services round, too. */
enum { BUCKET_STUCK = -1 };
int64_t bucket_wait_ms(struct bucket *bucket, unsigned cost, int64_t now_ms);

/* Takes what bucket_wait_ms() said is there. */
void bucket_take(struct bucket *bucket, unsigned cost, int64_t now_ms);

/* A request of that cost is no longer under way; or it never reached the service, which then
 * has not counted it. */
void bucket_settle(struct bucket *bucket, unsigned cost, int64_t now_ms);
void bucket_refund(struct bucket *bucket, unsigned cost, int64_t now_ms);

/* A request sent at `sent_ms`, still counted as under way, was answered that `remaining`
 * tokens are left; `others` have been under way beside it. What is true lies between none
 * and all of them being counted in that already, and the refill since. A bucket proves
 * larger than was known by its answers. */
void bucket_correct(struct bucket *bucket, int64_t remaining, int64_t others,
                    int64_t sent_ms, int64_t now_ms);

/* Nothing is let out before `until_ms`, and then it starts from empty. */
void bucket_close(struct bucket *bucket, int64_t until_ms);

#endif
