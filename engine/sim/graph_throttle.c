/* engine/sim/graph_throttle.c - token buckets of Microsoft Graph.
 *
 * Limits of identity and access, for one application in one tenant, and what $select, $expand
 * and $top do to a cost: documented. That a limit per ten seconds is a bucket which refills
 * evenly: assumed. */
#include "sim/graph_throttle.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/graph.h"
#include "sim/plane.h"
#include "sim/token_bucket.h"
#include "sim/world.h"

enum { SMALL_PAGE = 20 };

/* From here on an answer tells how much of the limit is used. */
static const double TOLD_FROM = 0.8;

struct application {
    struct token_limit units_limit;
    struct token_bucket units, writes;
};

struct graph_throttle {
    struct token_limit units, writes; /* `units` of the world file */
    bool has_units;                   /* else they depend on the tenant's size */
    struct map applications;          /* of struct application, by application id */
    int64_t retry_ms;
};

/* Resource units in ten seconds, by how many users the tenant has. */
static const struct {
    int64_t users;
    double units;
} tenant_sizes[] = {{50, 3500}, {501, 5000}, {INT64_MAX, 8000}};

struct graph_throttle *graph_throttle_new(const cJSON *limits)
{
    struct graph_throttle *throttle = memory_new(sizeof *throttle);

    throttle->has_units = cJSON_GetObjectItemCaseSensitive(limits, "graph_units") != NULL;
    throttle->units = token_limit_read(limits, "graph_units", (struct token_limit){0});
    throttle->writes =
        token_limit_read(limits, "graph_writes", (struct token_limit){3000, 20});
    return throttle;
}

void graph_throttle_free(struct graph_throttle *throttle)
{
    if (throttle == NULL)
        return;
    map_deinit(&throttle->applications, free);
    free(throttle);
}

static struct token_limit find_units(struct world *world)
{
    const int64_t users = database_number(
        world->database, 0,
        "SELECT COUNT(*) FROM (SELECT 1 FROM object WHERE type = 'User' LIMIT 501)", "");
    size_t i = 0;

    if (world->graph_throttle->has_units)
        return world->graph_throttle->units;
    while (users >= tenant_sizes[i].users)
        i++;
    return (struct token_limit){tenant_sizes[i].units, tenant_sizes[i].units / 10.0};
}

static struct application *find_application(struct world *world, const char *id)
{
    struct map *all = &world->graph_throttle->applications;
    struct application *application = map_find(all, id);

    if (application == NULL) {
        application = memory_new(sizeof *application);
        application->units_limit = find_units(world);
        map_set(all, id, application);
    }
    return application;
}

static int find_cost(const struct call *call, int cost)
{
    const char *top = call_parameter(call, "$top");

    cost -= call_parameter(call, "$select") != NULL ? 1 : 0;
    cost += call_parameter(call, "$expand") != NULL ? 1 : 0;
    cost -= top != NULL && atoi(top) < SMALL_PAGE ? 1 : 0;
    return cost > 1 ? cost : 1;
}

static bool refuse(struct graph_request *request, bool is_write, double wait_s)
{
    struct world *world = request->world;
    const int seconds = token_bucket_retry_s(wait_s);

    graph_refuse(request, 429, "TooManyRequests",
                 "Too many requests: the application has used up its %s.",
                 is_write ? "writes" : "resource units");
    request->answer->retry_after_s = world_retry_after(world, seconds);
    answer_add_header(request->answer, "x-ms-throttle-scope", "Tenant_Application/%s",
                      is_write ? "Write" : "ReadWrite");
    answer_add_header(request->answer, "x-ms-throttle-information",
                      is_write ? "WriteLimitExceeded" : "ResourceUnitLimitExceeded");
    world->graph_throttle->retry_ms = world->now_ms + seconds * INT64_C(1000);
    return false;
}

static void tell(struct graph_request *request, const struct token_bucket *bucket,
                 struct token_limit limit, int units)
{
    const double used = limit.size > 0.0 ? bucket->taken / limit.size : 0.0;

    answer_add_header(request->answer, "x-ms-resource-unit", "%d", units);
    if (used >= TOLD_FROM)
        answer_add_header(request->answer, "x-ms-throttle-limit-percentage", "%.1f",
                          used);
}

bool graph_throttle_admit(struct graph_request *request, int cost)
{
    struct world *world = request->world;
    struct application *application =
        find_application(world, request->caller->application_id);
    const struct token_limit writes = world->graph_throttle->writes;
    const bool is_write = call_find_class(request->call) != CLASS_READS;
    const int units = find_cost(request->call, cost);
    const double units_wait_s = token_bucket_wait(
        &application->units, application->units_limit, units, world->now_ms);
    const double writes_wait_s =
        is_write ? token_bucket_wait(&application->writes, writes, 1.0, world->now_ms)
                 : 0.0;

    if (units_wait_s > 0.0 || writes_wait_s > 0.0)
        return refuse(request, writes_wait_s > units_wait_s,
                      fmax(units_wait_s, writes_wait_s));
    application->units.taken += units;
    application->writes.taken += is_write ? 1.0 : 0.0;
    tell(request, &application->units, application->units_limit, units);
    return true;
}

int64_t graph_throttle_next_event(const struct graph_throttle *throttle, int64_t now_ms)
{
    return throttle->retry_ms > now_ms ? throttle->retry_ms : INT64_MAX;
}
