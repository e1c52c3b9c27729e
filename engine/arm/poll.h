/* engine/arm/poll.h - how ARM's long-running operations are told and judged.
 *
 * Decisions only: no I/O, no state. Source: Azure Resource Manager RPC, "Asynchronous
 * Operations", and what the Azure SDKs make of it. */
#ifndef MOONGATE_ARM_POLL_H
#define MOONGATE_ARM_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct transfer;

enum poll_method {
    POLL_NOTHING,   /* it is over already */
    POLL_MONITOR,   /* Azure-AsyncOperation or Operation-Location: a body with `status` */
    POLL_LOCATION,  /* Location: 202 until it is over */
    POLL_SELF,      /* the resource's provisioningState */
    POLL_ABSENCE,   /* a DELETE without a header: the resource, until it is gone */
    POLL_IMPOSSIBLE /* it goes on, but nobody says where to ask */
};

enum poll_verdict {
    POLL_RUNNING,
    POLL_SUCCEEDED,
    POLL_FAILED,
    POLL_CANCELED,
    POLL_MALFORMED
};

/* What to poll after the first answer (2xx) to `method`; `*url` is borrowed from the answer,
 * or NULL when it is the request's own. `body` may be NULL. */
enum poll_method poll_choose(const char *method, const struct transfer *answer,
                             const cJSON *body, const char **url);

/* What an answer (2xx) to a poll says; `*state` is the service's word, borrowed from
 * `body`, or NULL. */
enum poll_verdict poll_judge(enum poll_method method, const char *first_method,
                             int status, const cJSON *body, bool has_body,
                             const char **state);

/* The same of a state alone; NULL counts as succeeded. Case does not matter. */
enum poll_verdict poll_judge_state(const char *state);

/* The provisioning state that a resource tells, or NULL. Borrowed. */
const char *poll_resource_state(const cJSON *body);

/* Where the result of an operation is, once it is known to have succeeded. */
enum poll_result {
    POLL_RESULT_HERE,      /* the last answer is it */
    POLL_RESULT_SELF,      /* the URL of the first request */
    POLL_RESULT_LOCATION,  /* the Location of the first answer */
    POLL_RESULT_ELSEWHERE, /* the monitor's resourceLocation */
};

/* `via` is the final-state-via of the kind or NULL; `monitor` the last body. */
enum poll_result poll_find_result(enum poll_method method, const char *first_method,
                                  const char *via, const cJSON *monitor,
                                  bool has_location);

/* A poll that was answered by 300 or more. */
struct poll_trouble {
    enum poll_method method;
    const char *first_method;
    int status;
    unsigned misses; /* how many such answers there were in a row before */
    int64_t age_ms;  /* of the operation */
    bool was_known;  /* a poll has been answered before */
    bool asks_self;  /* the URL that was asked is the resource's own */
    bool is_result;  /* it was not a poll any more, but the reading of the result */
};

/* What such an answer says of the operation. */
enum poll_refusal {
    POLL_AGAIN_SOON,  /* it may be known in a moment */
    POLL_AGAIN_LATER, /* the service is in trouble, the operation may be fine */
    POLL_GONE,        /* the resource is gone, as was asked for */
    POLL_READ_SELF,   /* nobody knows the monitor any more: look at the resource */
    POLL_REFUSED      /* the operation, or the asking, has failed with it */
};

enum poll_refusal poll_judge_refusal(const struct poll_trouble *trouble);

/* How long to pause before the next poll of an operation that is `age_ms` old; `asked_ms` is
 * the server's Retry-After (negative: none), which is the least. Grows with age up to five
 * minutes: an operation of three hours is not polled every two seconds. Above a minute it is
 * whole seconds, so that many operations poll together. */
int64_t poll_pause_ms(int64_t asked_ms, int64_t age_ms, unsigned polls);

#endif
