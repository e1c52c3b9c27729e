/* engine/sim/stale.c - reads that answer what was there a while ago. */
#include "sim/stale.h"

#include "sim/call.h"
#include "sim/database.h"
#include "sim/faults.h"
#include "sim/world.h"

enum { DEFAULT_LAG_MS = 10000 };

/* How far reads may lie back, or 0. */
static int64_t find_lag_ms(const struct world *world)
{
    return faults_duration_ms(world->faults, FAULT_REPLICATION_LAG,
                              faults_has(world->faults, FAULT_STALE) ? DEFAULT_LAG_MS
                                                                     : 0);
}

void stale_keep(struct world *world, const char *key)
{
    const int64_t lag_ms = find_lag_ms(world);

    if (lag_ms == 0)
        return;
    database_run(world->database, "DELETE FROM past WHERE ended_ms <= ?", "i",
                 world->now_ms - lag_ms);
    /* a row without an id says that there was nothing */
    database_run(world->database,
                 "INSERT INTO past SELECT ?1, ?2, id, type, parent, version, created_ms,"
                 " body FROM (SELECT 1) LEFT JOIN entity ON key = ?1",
                 "ti", key, world->now_ms);
}

static bool strikes(struct world *world, const struct call *call, int64_t lag_ms)
{
    if (lag_ms == 0 || database_number(world->database, 0,
                                       "SELECT 1 FROM past WHERE ended_ms > ? LIMIT 1",
                                       "i", world->now_ms - lag_ms) == 0)
        return false;
    return !faults_has(world->faults, FAULT_STALE) ||
           faults_strike(world->faults, FAULT_STALE, call, NULL);
}

bool stale_begin(struct world *world, const struct call *call)
{
    const int64_t lag_ms = find_lag_ms(world);

    if (call_find_class(call) != CLASS_READS || !strikes(world, call, lag_ms))
        return false;
    database_begin(world->database);
    database_run(
        world->database,
        "DELETE FROM entity WHERE key IN (SELECT key FROM past WHERE ended_ms > ?)", "i",
        world->now_ms - lag_ms);
    /* of each resource what it was when the first of these writes came */
    database_run(world->database,
                 "INSERT INTO entity SELECT key, id, type, parent, version, created_ms,"
                 " body FROM past WHERE id NOT NULL AND rowid IN"
                 " (SELECT MIN(rowid) FROM past WHERE ended_ms > ? GROUP BY key)",
                 "i", world->now_ms - lag_ms);
    return true;
}

void stale_end(struct world *world)
{
    database_undo(world->database);
}

int64_t stale_next_event(struct world *world, int64_t now_ms)
{
    const int64_t lag_ms = find_lag_ms(world);

    if (lag_ms == 0)
        return INT64_MAX;

    const int64_t ended_ms = database_number(
        world->database, INT64_MAX, "SELECT MIN(ended_ms) FROM past WHERE ended_ms > ?",
        "i", now_ms - lag_ms);

    return ended_ms < INT64_MAX ? ended_ms + lag_ms : INT64_MAX;
}
