/* engine/sim/linked.h - rights on the resources that a request only names. */
#ifndef MOONGATE_SIM_LINKED_H
#define MOONGATE_SIM_LINKED_H

#include <stdbool.h>

struct answer;
struct call;
struct caller;
struct target;
struct world;

/* Whether the caller may do what a write needs on the resources its body names, such as to
 * join a subnet; has answered when not. `action` is what the caller has been allowed on
 * the target itself. */
bool linked_check(struct world *world, struct call *call, const struct caller *caller,
                  const struct target *target, const char *action, struct answer *answer);

#endif
