/* engine/sim/provider.h - which resource providers the subscription may use.
 *
 * All are registered but those that the world file names; registering one takes half a
 * minute to two, taking it back as long (both assumed). */
#ifndef MOONGATE_SIM_PROVIDER_H
#define MOONGATE_SIM_PROVIDER_H

#include <stdbool.h>

struct answer;
struct call;
struct target;
struct world;

/* Whether a world can be without it; some are always there, others nobody knows. */
bool provider_is_optional(const char *namespace);

/* Marks it as not registered, in a new world. */
void provider_withdraw(struct world *world, const char *namespace);

/* Whether there is such a namespace. */
bool provider_is_known(const char *namespace);

/* Whether the subscription may use it now. `namespace` is spelled properly. */
bool provider_is_registered(struct world *world, const char *namespace);

/* Answers a GET of one or, without a name, of all; or the POST that registers one or takes
 * that back. */
void provider_answer(struct world *world, const struct call *call,
                     const struct target *target, struct answer *answer);

/* Whether a call may write, as far as its provider goes; has answered when not. As Azure
 * does, it remembers the refusal by x-ms-client-request-id and repeats it whatever has
 * happened since. */
bool provider_check_write(struct world *world, const struct call *call,
                          const struct target *target, struct answer *answer);

#endif
