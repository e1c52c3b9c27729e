/* engine/sim/ledger.c - how often each resource was really created, changed, deleted. */
#include "sim/ledger.h"

#include <stdlib.h>

#include "sim/database.h"
#include "sim/entity.h"
#include "sim/world.h"

static void count(struct world *world, const char *id, int64_t created, int64_t changed,
                  int64_t deleted)
{
    char *key = entity_make_key(id);

    database_run(
        world->database,
        "INSERT INTO ledger VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key) DO UPDATE SET"
        " created = created + ?3, changed = changed + ?4, deleted = deleted + ?5",
        "ttiii", key, id, created, changed, deleted);
    free(key);
}

void ledger_created(struct world *world, const char *id)
{
    count(world, id, 1, 0, 0);
}

void ledger_changed(struct world *world, const char *id)
{
    count(world, id, 0, 1, 0);
}

void ledger_deleted(struct world *world, const char *id)
{
    count(world, id, 0, 0, 1);
}
