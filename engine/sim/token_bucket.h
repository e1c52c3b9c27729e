/* engine/sim/token_bucket.h - buckets that requests take tokens from, and that fill again
 * evenly with the world's time. */
#ifndef MOONGATE_SIM_TOKEN_BUCKET_H
#define MOONGATE_SIM_TOKEN_BUCKET_H

#include <stdint.h>

#include <cjson/cJSON.h>

struct token_limit {
    double size, per_second; /* size 0: no limit */
};

/* Counts what was taken and has not come back yet, so that a zeroed bucket is full. */
struct token_bucket {
    double taken;
    int64_t filled_ms; /* UTC, when it was reckoned last */
};

/* The limit of that name in an object of the world file, or NULL: [size, refill a second],
 * or null for none; `otherwise` when it is not there. */
struct token_limit token_limit_read(const cJSON *limits, const char *name,
                                    struct token_limit otherwise);

/* Seconds until the bucket has `cost` tokens, or as many as it holds; 0 when it has. Takes
 * nothing. */
double token_bucket_wait(struct token_bucket *bucket, struct token_limit limit,
                         double cost, int64_t now_ms);

/* How many whole tokens it has, as it was reckoned last. */
int64_t token_bucket_left(const struct token_bucket *bucket, struct token_limit limit);

/* The wait in whole seconds, at least one, as Retry-After has them. */
int token_bucket_retry_s(double wait_s);

#endif
