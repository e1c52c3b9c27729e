/* engine/sim/lock.h - management locks: what keeps a scope from being changed or deleted.
 */
#ifndef MOONGATE_SIM_LOCK_H
#define MOONGATE_SIM_LOCK_H

#include <stdbool.h>

struct answer;
struct world;

/* What a call wants to do at a scope. An action (a POST) is a write here: ReadOnly keeps
 * the caller from both. */
enum lock_act { LOCK_WRITE, LOCK_DELETE };

/* Whether no lock is in the way; has answered 409 ScopeLocked when one is. `id` is the
 * scope as it was asked for. A write minds ReadOnly locks at the scope and above, a delete
 * both levels there and below too. */
bool lock_check(struct world *world, const char *id, enum lock_act act,
                struct answer *answer);

#endif
