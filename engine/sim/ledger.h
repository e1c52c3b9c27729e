/* engine/sim/ledger.h - how often each resource was really created, changed, deleted. */
#ifndef MOONGATE_SIM_LEDGER_H
#define MOONGATE_SIM_LEDGER_H

struct world;

void ledger_created(struct world *world, const char *id);
void ledger_changed(struct world *world, const char *id);
void ledger_deleted(struct world *world, const char *id);

#endif
