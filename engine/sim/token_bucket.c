/* engine/sim/token_bucket.c - token buckets. */
#include "sim/token_bucket.h"

#include <math.h>

/* Makes up for what fractions of a token lose in sums. */
static const double ALMOST = 1e-6;

struct token_limit token_limit_read(const cJSON *limits, const char *name,
                                    struct token_limit otherwise)
{
    const cJSON *limit = cJSON_GetObjectItemCaseSensitive(limits, name);

    if (limit == NULL)
        return otherwise;
    if (!cJSON_IsArray(limit))
        return (struct token_limit){0};
    return (struct token_limit){cJSON_GetArrayItem(limit, 0)->valuedouble,
                                cJSON_GetArrayItem(limit, 1)->valuedouble};
}

double token_bucket_wait(struct token_bucket *bucket, struct token_limit limit,
                         double cost, int64_t now_ms)
{
    const double refilled =
        limit.per_second * (double)(now_ms - bucket->filled_ms) / 1000.0;

    bucket->taken = bucket->taken > refilled ? bucket->taken - refilled : 0.0;
    bucket->filled_ms = now_ms;
    if (limit.size == 0.0)
        return 0.0;

    const double missing = bucket->taken + fmin(cost, limit.size) - limit.size;

    return missing > ALMOST ? missing / limit.per_second : 0.0;
}

int64_t token_bucket_left(const struct token_bucket *bucket, struct token_limit limit)
{
    return (int64_t)fmax(0.0, limit.size - bucket->taken + ALMOST);
}

int token_bucket_retry_s(double wait_s)
{
    return wait_s > 1.0 ? (int)ceil(wait_s - ALMOST) : 1;
}
