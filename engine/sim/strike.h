/* engine/sim/strike.h - what a request gets that a fault strikes (sim/faults.h).
 *
 *   before it has had an effect
 *     throttle       ARM, Graph: 429, the pause in seconds, as a date, in milliseconds or
 *                    not said at all; the body JSON, text or HTML
 *     error          ARM, Graph, sign-in: 500, 502, 503 (half of them with a pause) or
 *                    504; the body JSON, HTML or none
 *     error-500, error-502, error-503, error-504     one of these alone
 *     reset          ARM, Graph, sign-in: the connection is reset
 *   before or after, as the coin falls
 *     timeout        ARM, Graph, sign-in: no answer comes
 *   after it has had its effect: writes to ARM or Graph that were answered by 2xx
 *     error-after    the same errors
 *     reset-after    the connection is reset
 *   the same: ARM, Graph and sign-in, all that was answered by 2xx with a body
 *     truncated      the connection ends in the middle of the body
 *     malformed      half of the body is there, and said to be all
 *     html           a page of some proxy is in its place, with 200 or 502
 *     content-type   it is said to be text, a page or bytes
 *     empty          the body is left out
 *   ARM: where the answer says where a long operation can be asked about
 *     headers-lost   it does not say, nor when
 *   ARM, Graph, sign-in: any answer
 *     slow           it comes 1 to 10 seconds late
 *
 * The first that strikes, in this order, is the only one; those behind it count a request
 * less. Those that need an answer or a token or a resource to strike come where that is:
 * maintenance and capacity at strike_write(), stale at stale.h, revoke at a token
 * (plane_entra.c), monitor-lost at a poll (plane_manager.c), lro-* at the end of an operation
 * (monitor.c). The simulator's own controls are spared. */
#ifndef MOONGATE_SIM_STRIKE_H
#define MOONGATE_SIM_STRIKE_H

#include <stdbool.h>

#include "sim/plane.h"

struct answer;
struct call;
struct kind;
struct target;
struct world;

/* Before the request is looked at. True when it shall not be; then it has answered. */
bool strike_before(struct world *world, enum plane plane, const struct call *call,
                   struct answer *answer);

/* Before a write to Azure Resource Manager that all else agrees with reaches its resource.
 * False when the service is in maintenance or the region is full; then it has answered. */
bool strike_write(struct world *world, struct call *call, const struct target *target,
                  struct answer *answer);

/* How a long operation ends that has come to its end: by its kind, verb, the resource's id
 * and region (NULL: it has none). */
enum ending {
    ENDING_GOOD,
    ENDING_FAILED,
    ENDING_CANCELED,
    ENDING_NO_CAPACITY, /* it fails: the region is full */
    ENDING_HUNG,        /* it does not end */
    ENDING_VANISHED     /* well, and the resource is gone */
};
enum ending strike_end(struct world *world, const struct kind *kind, const char *verb,
                       const char *id, const char *region);

/* Once it has been answered. */
void strike_after(struct world *world, enum plane plane, const struct call *call,
                  struct answer *answer);

#endif
