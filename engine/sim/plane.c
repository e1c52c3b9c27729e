/* engine/sim/plane.c - hands a call to the service that its path belongs to. */
#include "sim/plane.h"

#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/faults.h"
#include "sim/request_log.h"
#include "sim/strike.h"
#include "sim/world.h"

static enum plane find_plane(const struct call *call)
{
    if (call_segment_is(call, 0, "subscriptions") ||
        call_segment_is(call, 0, "providers") || call_segment_is(call, 0, "tenants"))
        return PLANE_MANAGER;
    if (call_segment_is(call, 0, "v1.0"))
        return PLANE_GRAPH;
    return call_segment_is(call, 0, "_sim") ? PLANE_CONTROLS : PLANE_ENTRA;
}

static void serve(struct world *world, enum plane plane, struct call *call,
                  struct answer *answer)
{
    switch (plane) {
    case PLANE_MANAGER:
        plane_manager(world, call, answer);
        break;
    case PLANE_GRAPH:
        plane_graph(world, call, answer);
        break;
    case PLANE_CONTROLS:
        plane_controls(world, call, answer);
        break;
    case PLANE_ENTRA:
    case PLANE_COUNT:
        if (!plane_entra(world, call, answer))
            answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.", call->path);
        break;
    }
}

void plane_answer(struct world *world, struct call *call, struct answer *answer)
{
    const bool is_good = call_open(call);
    const enum plane plane = find_plane(call);

    world->calls++;
    world_make_id(world, answer->request_id);
    traffic_receive(&world->traffic, plane, call);
    world_tick(world);
    world->principal[0] = '\0';

    const int64_t faults = faults_count(world->faults);

    if (!is_good) {
        answer_refuse(answer, REFUSE_REQUEST_URI, "The URL of the request is malformed.");
    } else if (!strike_before(world, plane, answer)) {
        serve(world, plane, call, answer);
        strike_after(world, plane, call, answer);
    }
    if (!database_is_healthy(world->database))
        answer_refuse(answer, REFUSE_INTERNAL,
                      "The simulator's state file has failed: %s",
                      database_error(world->database));
    traffic_answer(&world->traffic, answer);
    if (plane != PLANE_CONTROLS)
        request_log_add(
            world, call, answer,
            faults_count(world->faults) > faults ? faults_latest(world->faults) : NULL,
            plane != PLANE_ENTRA);
    call_close(call);
}
