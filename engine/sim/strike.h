/* engine/sim/strike.h - what a request gets that a fault strikes (sim/faults.h).
 *
 *   before it has had an effect
 *     throttle       ARM, Graph: 429, the pause in seconds, as a date, in milliseconds or
 *                    not said at all; the body JSON, text or HTML
 *     error          ARM, Graph, sign-in: 500, 502, 503 (half of them with a pause) or
 *                    504; the body JSON, HTML or none
 *     reset          ARM, Graph, sign-in: the connection is reset
 *   before or after, as the coin falls
 *     timeout        ARM, Graph, sign-in: no answer comes
 *   after it has had its effect: writes to ARM or Graph that were answered by 2xx
 *     error-after    the same errors
 *     reset-after    the connection is reset
 *
 * The first that strikes, in this order, is the only one; those behind it count a request
 * less. Elsewhere: revoke strikes a token (plane_entra.c) and monitor-lost a poll
 * (plane_manager.c). The simulator's own controls are spared. */
#ifndef MOONGATE_SIM_STRIKE_H
#define MOONGATE_SIM_STRIKE_H

#include <stdbool.h>

#include "sim/plane.h"

struct answer;
struct call;
struct world;

/* Before the request is looked at. True when it shall not be; then it has answered. */
bool strike_before(struct world *world, enum plane plane, struct answer *answer);

/* Once it has been answered. */
void strike_after(struct world *world, enum plane plane, const struct call *call,
                  struct answer *answer);

#endif
