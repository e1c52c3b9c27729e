/* engine/sim/world_time.c - the time of a world, and what happens in it by itself. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sim/database.h"
#include "sim/deleted_service.h"
#include "sim/deployment.h"
#include "sim/faults.h"
#include "sim/grants.h"
#include "sim/graph_throttle.h"
#include "sim/monitor.h"
#include "sim/stale.h"
#include "sim/throttle.h"
#include "sim/world.h"

int64_t world_read_clock(const struct world *world)
{
    return clock_wall_ms(world->clock) + world->ahead_ms;
}

int64_t world_client_ms(const struct world *world)
{
    return world_told_ms(world, world->clients_are_elsewhere ? clock_machine_wall_ms()
                                                             : world->now_ms);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void world_plan(struct world *world)
{
    world->next_ms = earlier(monitor_next(world), deployment_next(world));
}

/* What happens by itself, in the order in which it is due: a deployment looks at a
 * resource when the operation on it has ended. */
static void settle(struct world *world)
{
    const int64_t now_ms = world->now_ms;
    int64_t due_ms = INT64_MIN, last_ms;

    do {
        last_ms = due_ms;
        due_ms = deployment_next(world);
        world->now_ms = earlier(due_ms, now_ms);
        database_begin(world->database);
        monitor_settle(world);
        world_save_time(world);
        if (database_commit(world->database) && due_ms <= now_ms)
            deployment_settle(world);
    } while (due_ms <= now_ms && due_ms > last_ms); /* the file may have failed */
    world->now_ms = now_ms;
}

void world_set_clock(struct world *world, struct clock *clock)
{
    if (clock->mode == CLOCK_REAL)
        return;
    clock_set_wall(clock, world_read_clock(world));
    world->ahead_ms = 0;
    world->own_clock = clock;
}

void world_tick(struct world *world)
{
    const int64_t now_ms = world_read_clock(world);

    if (now_ms > world->now_ms)
        world->now_ms = now_ms; /* the machine's own clock may have been set back */
    if (world->now_ms < world->next_ms)
        return;
    settle(world);
    world_plan(world);
}

void world_save_time(struct world *world)
{
    database_run(world->database, "UPDATE world SET now_ms = ?, calls = ?, version = ?",
                 "iii", world->now_ms, world->calls, world->version);
}

int64_t world_next_event(struct world *world)
{
    const int64_t now_ms = world_read_clock(world);
    const int64_t known_ms = database_number(
        world->database, INT64_MAX,
        "SELECT MIN(replicated_ms) FROM object WHERE replicated_ms > ?", "i", now_ms);
    const int64_t registered_ms = database_number(
        world->database, INT64_MAX,
        "SELECT MIN(ms) FROM (SELECT registered_ms AS ms FROM provider UNION ALL"
        " SELECT unregistered_ms FROM provider) WHERE ms > ?",
        "i", now_ms);
    const int64_t purged_ms = deleted_service_next_purge(world, now_ms);
    const int64_t visible_ms = database_number(
        world->database, INT64_MAX,
        "SELECT MIN(visible_ms) FROM object WHERE visible_ms > 0 AND visible_ms > ?", "i",
        now_ms);
    const int64_t token_ms =
        earlier(throttle_next_event(world->throttle, now_ms),
                graph_throttle_next_event(world->graph_throttle, now_ms));
    const int64_t fault_ms = earlier(stale_next_event(world, now_ms),
                                     faults_next_event(world->faults, now_ms));

    return earlier(
        earlier(earlier(world->next_ms, registered_ms),
                earlier(earlier(known_ms, visible_ms), token_ms)),
        earlier(earlier(grants_next_event(world, now_ms), fault_ms), purged_ms));
}

int world_retry_after(const struct world *world, int seconds)
{
    if (!world->clients_are_elsewhere || world->clock->mode == CLOCK_REAL)
        return seconds; /* they go by the same clock */
    if (world->clock->mode == CLOCK_VIRTUAL)
        return 1;

    const int64_t span_ms = clock_machine_span_ms(world->clock, seconds * INT64_C(1000));

    return span_ms > 1000 ? (int)((span_ms + 999) / 1000) : 1;
}

int64_t world_told_ms(const struct world *world, int64_t utc_ms)
{
    return utc_ms + faults_duration_ms(world->faults, FAULT_CLOCK_SKEW, 0);
}

char *world_format_now(const struct world *world)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_utc(world_told_ms(world, world->now_ms), text);
    return memory_copy_string(text);
}

void world_set_time(struct world *world, int64_t now_ms)
{
    world->ahead_ms = now_ms - clock_wall_ms(world->clock);
    world->now_ms = now_ms;
}

void world_advance(struct world *world, int64_t span_ms)
{
    struct clock *clock = world->own_clock;

    if (clock != NULL && clock->mode == CLOCK_VIRTUAL)
        clock_advance_to(clock,
                         clock_now_ms(clock) + span_ms); /* its timers are due too */
    else
        world->ahead_ms += span_ms;
    world_tick(world);
}
