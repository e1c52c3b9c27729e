/* engine/pipeline/budget.h - the stage that sends no faster than the service allows.
 *
 * It keeps a picture of each token bucket of the service, by host, subscription (or none),
 * principal and class, and lets a request out when there is a token for it. Answers correct
 * the picture (x-ms-ratelimit-remaining-*). It sees each 429 first: the bucket is closed until
 * Retry-After is over, and what came back then goes out at the rate of its refill. A resource
 * provider's own 429 closes the way to that provider only.
 *
 * Writes to one API Management service go out at most eight at once, and those to one API one
 * after another: more of them meet 409 there.
 *
 * Graph counts units for reads; they are reckoned simply, as budget.c says. Requests without
 * an audience pass untouched. */
#ifndef MOONGATE_PIPELINE_BUDGET_H
#define MOONGATE_PIPELINE_BUDGET_H

struct loop;
struct request_limits;
struct stage;

struct budget_options {
    const struct request_limits *limits; /* borrowed for the stage's life */
    const char *principal; /* whose buckets: the id of the client, or "-"; copied */
};

/* Below the retry stage, so that each attempt is counted, and above the credential's, so that
 * nobody waits here with a token that grows old. */
struct stage *stage_new_budget(struct loop *loop, const struct budget_options *options);

#endif
