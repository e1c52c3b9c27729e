/* engine/sim/stale.h - reads that answer what was there a while ago.
 *
 * While a fault asks for it (sim/faults.h), each write keeps the resource that it replaces,
 * for as long as the lag; a stale read puts these back, looks, and undoes it. What does not
 * lag: role assignments' effect, and polls. */
#ifndef MOONGATE_SIM_STALE_H
#define MOONGATE_SIM_STALE_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct world;

/* Before the resource with this key is written or removed, in a transaction. */
void stale_keep(struct world *world, const char *key);

/* Makes the world what it was, if this read is struck. True when it has: stale_end() is due
 * before anything is written. */
bool stale_begin(struct world *world, const struct call *call);
void stale_end(struct world *world);

/* When the oldest change that reads may not know yet gets known, or INT64_MAX. */
int64_t stale_next_event(struct world *world, int64_t now_ms);

#endif
