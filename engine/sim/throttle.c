/* engine/sim/throttle.c - Azure Resource Manager's token buckets.
 *
 * Sizes and rates as Microsoft documents them; that there is a global bucket for deletes,
 * and the tenant's code, are assumed. No provider publishes a rate of its own, so none has a
 * limit unless the world file gives it; header and code of such a limit are documented, its
 * wording observed of Microsoft.Authorization. */
#include "sim/throttle.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/plane.h"
#include "sim/token_bucket.h"
#include "sim/world.h"

/* Of the bucket for all principals, to that for one. */
static const double GLOBAL_FACTOR = 15.0;

static const double SECONDS_PER_MINUTE = 60.0;

/* No limit is a bucket that nobody can empty; clients that pace themselves are told so. */
static const struct token_limit unlimited = {1e6, 1e6};

struct principal {
    struct token_bucket subscription[CALL_CLASS_COUNT], tenant[CALL_CLASS_COUNT];
};

/* A resource provider's own, for all principals of the subscription. */
struct provider_limit {
    const char *namespace; /* borrowed from the world file */
    double per_minute;
    struct token_bucket bucket;
};

struct throttle {
    struct provider_limit providers[THROTTLE_PROVIDER_LIMIT];
    size_t provider_count;
    double global_factor;
    struct token_limit limits[CALL_CLASS_COUNT];
    struct token_bucket
        all[CALL_CLASS_COUNT]; /* of the subscription's principals together */
    struct map principals;     /* of struct principal, by object id */
    int64_t retry_ms;
};

enum scope { SCOPE_SUBSCRIPTION, SCOPE_ALL, SCOPE_TENANT, SCOPE_COUNT };

#define REMAINING "x-ms-ratelimit-remaining-"

/* Stands in place of the header of the kind of request. */
static const char provider_header[] = REMAINING "subscription-resource-requests";

static const char *const header_names[SCOPE_COUNT][CALL_CLASS_COUNT] = {
    [SCOPE_SUBSCRIPTION] = {[CLASS_READS] = REMAINING "subscription-reads",
                            [CLASS_WRITES] = REMAINING "subscription-writes",
                            [CLASS_DELETES] = REMAINING "subscription-deletes"},
    [SCOPE_ALL] = {[CLASS_READS] = REMAINING "subscription-global-reads",
                   [CLASS_WRITES] = REMAINING "subscription-global-writes",
                   [CLASS_DELETES] = REMAINING "subscription-global-deletes"},
    [SCOPE_TENANT] = {[CLASS_READS] = REMAINING "tenant-reads",
                      [CLASS_WRITES] = REMAINING "tenant-writes",
                      [CLASS_DELETES] = REMAINING "tenant-deletes"}};

struct throttle *throttle_new(const cJSON *limits)
{
    static const struct {
        const char *key;
        struct token_limit limit;
    } defaults[CALL_CLASS_COUNT] = {[CLASS_READS] = {"reads", {250, 25}},
                                    [CLASS_WRITES] = {"writes", {200, 10}},
                                    [CLASS_DELETES] = {"deletes", {200, 10}}};
    struct throttle *throttle = memory_new(sizeof *throttle);
    const cJSON *provider;

    for (int i = 0; i < CALL_CLASS_COUNT; i++) {
        throttle->limits[i] =
            token_limit_read(limits, defaults[i].key, defaults[i].limit);
        if (throttle->limits[i].size == 0.0)
            throttle->limits[i] = unlimited;
    }
    throttle->global_factor = json_number_at(limits, "global_factor", GLOBAL_FACTOR);
    cJSON_ArrayForEach (provider, cJSON_GetObjectItemCaseSensitive(limits, "providers")) {
        if (throttle->provider_count < THROTTLE_PROVIDER_LIMIT)
            throttle->providers[throttle->provider_count++] = (struct provider_limit){
                .namespace = provider->string, .per_minute = provider->valuedouble};
    }
    return throttle;
}

void throttle_free(struct throttle *throttle)
{
    if (throttle == NULL)
        return;
    map_deinit(&throttle->principals, free);
    free(throttle);
}

static struct principal *find_principal(struct throttle *throttle, const char *object_id)
{
    struct principal *principal = map_find(&throttle->principals, object_id);

    if (principal == NULL) {
        principal = memory_new(sizeof *principal);
        map_set(&throttle->principals, object_id, principal);
    }
    return principal;
}

/* Answers that the caller shall come again in so many seconds. */
static void set_retry(struct world *world, double wait_s, struct answer *answer)
{
    const int seconds = token_bucket_retry_s(wait_s);

    answer->retry_after_s = world_retry_after(world, seconds);
    world->throttle->retry_ms = world->now_ms + seconds * INT64_C(1000);
}

static void refuse_by_provider(struct world *world, const struct provider_limit *provider,
                               double wait_s, struct answer *answer)
{
    answer_refuse(answer, REFUSE_PROVIDER_THROTTLED,
                  "Number of requests for %s exceeded the limit of '%.0f' for time "
                  "interval '00:01:00'. Please try again after '%d' seconds.",
                  provider->namespace, provider->per_minute,
                  world_retry_after(world, token_bucket_retry_s(wait_s)));
    set_retry(world, wait_s, answer);
}

static void refuse(struct world *world, const struct caller *caller, bool is_tenant,
                   enum call_class class, double wait_s, struct answer *answer)
{
    static const char *const words[CALL_CLASS_COUNT] = {
        [CLASS_READS] = "read", [CLASS_WRITES] = "write", [CLASS_DELETES] = "delete"};
    answer_refuse(
        answer, is_tenant ? REFUSE_TENANT_THROTTLED : REFUSE_SUBSCRIPTION_THROTTLED,
        "Number of '%s' requests for %s '%s' actor '%s' exceeded. Please try again "
        "after '%d' seconds after additional tokens are available. Refer to "
        "https://aka.ms/arm-throttling for additional information.",
        words[class], is_tenant ? "tenant" : "subscription",
        is_tenant ? world->profile.tenant_id : world->profile.subscription_id,
        caller->object_id, world_retry_after(world, token_bucket_retry_s(wait_s)));
    set_retry(world, wait_s, answer);
}

/* A bucket that a call has to take from. */
struct source {
    struct token_bucket *bucket;
    struct token_limit limit;
    const char *header;                    /* NULL: it is not told */
    const struct provider_limit *provider; /* whose it is, or NULL */
};

enum { SOURCE_LIMIT = 3 };

/* A subscription that does not exist is the tenant's affair. */
static bool is_tenant_call(const struct world *world, const struct call *call)
{
    return !call_segment_is(call, 0, "subscriptions") ||
           !call_segment_is(call, 1, world->profile.subscription_id);
}

/* That of the last namespace in the path, or NULL. */
static struct provider_limit *find_provider(struct throttle *throttle,
                                            const struct call *call)
{
    size_t at = call->segment_count;

    if (throttle->provider_count == 0)
        return NULL;
    while (at-- > 0 && !call_segment_is(call, at, "providers"))
        continue;
    for (size_t i = 0; i < throttle->provider_count; i++) {
        if (call_segment_is(call, at + 1, throttle->providers[i].namespace))
            return &throttle->providers[i];
    }
    return NULL;
}

static size_t find_sources(const struct world *world, const struct call *call,
                           const struct caller *caller,
                           struct source sources[SOURCE_LIMIT])
{
    struct throttle *throttle = world->throttle;
    const enum call_class class = call_find_class(call);
    const struct token_limit limit = throttle->limits[class];
    const struct token_limit all = {limit.size * throttle->global_factor,
                                    limit.per_second * throttle->global_factor};

    struct principal *principal = find_principal(throttle, caller->object_id);
    struct provider_limit *provider = find_provider(throttle, call);

    if (is_tenant_call(world, call)) {
        sources[0] = (struct source){&principal->tenant[class], limit,
                                     header_names[SCOPE_TENANT][class], NULL};
        return 1;
    }
    sources[0] = (struct source){
        &principal->subscription[class], limit,
        provider == NULL ? header_names[SCOPE_SUBSCRIPTION][class] : NULL, NULL};
    sources[1] =
        (struct source){&throttle->all[class], all, header_names[SCOPE_ALL][class], NULL};
    if (provider == NULL)
        return 2;
    sources[2] =
        (struct source){&provider->bucket,
                        {provider->per_minute, provider->per_minute / SECONDS_PER_MINUTE},
                        provider_header,
                        provider};
    return 3;
}

bool throttle_admit(struct world *world, const struct call *call,
                    const struct caller *caller, struct answer *answer)
{
    struct source sources[SOURCE_LIMIT];
    const size_t count = find_sources(world, call, caller, sources);
    const struct source *longest = NULL;
    double wait_s = 0.0;

    for (size_t i = 0; i < count; i++) {
        const double its_s =
            token_bucket_wait(sources[i].bucket, sources[i].limit, 1.0, world->now_ms);

        if (its_s > wait_s) {
            wait_s = its_s;
            longest = &sources[i];
        }
    }
    if (longest != NULL && longest->provider != NULL)
        refuse_by_provider(world, longest->provider, wait_s, answer);
    else if (longest != NULL)
        refuse(world, caller, is_tenant_call(world, call), call_find_class(call), wait_s,
               answer);
    for (size_t i = 0; i < count; i++) {
        const struct source *source = &sources[i];

        if (wait_s == 0.0)
            source->bucket->taken += 1.0;
        if (source->header == NULL)
            continue;
        answer_add_header(answer, source->header, "%" PRId64,
                          token_bucket_left(source->bucket, source->limit));
    }
    return wait_s == 0.0;
}

int64_t throttle_next_event(const struct throttle *throttle, int64_t now_ms)
{
    return throttle->retry_ms > now_ms ? throttle->retry_ms : INT64_MAX;
}
