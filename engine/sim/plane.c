/* engine/sim/plane.c - hands a call to the service that its path belongs to. */
#include "sim/plane.h"

#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/world.h"

void plane_answer(struct world *world, struct call *call, struct answer *answer)
{
    const bool is_good = call_open(call);

    world->calls++;
    world_tick(world);
    if (!is_good)
        answer_refuse(answer, REFUSE_REQUEST_URI, "The URL of the request is malformed.");
    else if (call_segment_is(call, 0, "subscriptions") ||
             call_segment_is(call, 0, "providers") || call_segment_is(call, 0, "tenants"))
        plane_manager(world, call, answer);
    else if (call_segment_is(call, 0, "v1.0"))
        plane_graph(world, call, answer);
    else if (call_segment_is(call, 0, "_sim"))
        plane_controls(world, call, answer);
    else if (!plane_entra(world, call, answer))
        answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.", call->path);
    call_close(call);
    if (!database_is_healthy(world->database))
        answer_refuse(answer, REFUSE_INTERNAL,
                      "The simulator's state file has failed: %s",
                      database_error(world->database));
}
