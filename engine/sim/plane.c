/* engine/sim/plane.c - hands a call to the service that its path belongs to. */
#include "sim/plane.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/api_export.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/faults.h"
#include "sim/request_log.h"
#include "sim/strike.h"
#include "sim/world.h"

/* Hidden controls are no path that is known. */
static bool is_control(const struct world *world, const struct call *call)
{
    return call_segment_is(call, 0, "_sim") && !world->hides_controls;
}

static enum plane find_plane(const struct world *world, const struct call *call)
{
    if (call_segment_is(call, 0, "subscriptions") ||
        call_segment_is(call, 0, "providers") || call_segment_is(call, 0, "tenants"))
        return PLANE_MANAGER;
    if (call_segment_is(call, 0, "v1.0"))
        return PLANE_GRAPH;
    return is_control(world, call) ? PLANE_CONTROLS : PLANE_ENTRA;
}

/* Compared in a time that says nothing of the token. */
static bool may_control(const struct world *world, const struct call *call,
                        struct answer *answer)
{
    static const char scheme[] = "Bearer ";
    const char *given = call->authorization, *token = world->control_token;

    if (token == NULL)
        return true;
    if (given != NULL && text_has_prefix_nocase(given, scheme)) {
        given += strlen(scheme);
        if (strlen(given) == strlen(token) &&
            CRYPTO_memcmp(given, token, strlen(token)) == 0)
            return true;
    }
    answer->www_authenticate = memory_copy_string("Bearer realm=\"moongate sim\"");
    return answer_refuse(answer, REFUSE_NO_TOKEN,
                         "The simulator's controls want its control token as a bearer "
                         "token.");
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
        if (may_control(world, call, answer))
            plane_controls(world, call, answer);
        break;
    case PLANE_ENTRA:
    case PLANE_COUNT:
        if (!api_export_download(world, call, answer) &&
            !plane_entra(world, call, answer))
            answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.", call->path);
        break;
    }
}

void plane_answer(struct world *world, struct call *call, struct answer *answer)
{
    const bool is_good = call_open(call);
    const enum plane plane = find_plane(world, call);

    world->calls++;
    world_make_id(world, answer->request_id);
    traffic_receive(&world->traffic, plane, call);
    world_tick(world);
    if (call->method == CALL_HEAD && plane != PLANE_MANAGER)
        call->method =
            CALL_GET; /* the body is not sent; there a kind says if it has one */
    world->principal[0] = '\0';

    const int64_t faults = faults_count(world->faults);

    if (!is_good) {
        answer_refuse(answer, REFUSE_REQUEST_URI, "The URL of the request is malformed.");
    } else if (!strike_before(world, plane, call, answer)) {
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
