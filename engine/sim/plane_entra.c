/* engine/sim/plane_entra.c - sign-in, as Microsoft Entra does it: which path is whose. */
#include "sim/plane.h"

#include <string.h>

#include "base/uuid.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/entra.h"
#include "sim/world.h"

/* What the first segment of a path is. */
enum place {
    PLACE_TENANT,   /* a tenant, or "common", or "adfs" */
    PLACE_METADATA, /* the same, for those who only want to know */
    PLACE_FIXED     /* what the path says */
};

enum { GET = 1, POST = 2 };

static const struct route {
    const char *segments[5]; /* "*" is any one */
    enum place place;
    unsigned methods;
    bool is_v1;
    void (*answer)(const struct entra_request *request);
} routes[] = {
    {{"*", "v2.0", ".well-known", "openid-configuration"},
     PLACE_METADATA,
     GET,
     false,
     entra_answer_configuration},
    {{"*", ".well-known", "openid-configuration"},
     PLACE_METADATA,
     GET,
     true,
     entra_answer_configuration},
    {{"*", "discovery", "v2.0", "keys"}, PLACE_METADATA, GET, false, entra_answer_keys},
    {{"*", "discovery", "keys"}, PLACE_METADATA, GET, true, entra_answer_keys},
    {{"*", "oauth2", "v2.0", "token"},
     PLACE_TENANT,
     POST,
     false,
     entra_answer_token_request},
    {{"*", "oauth2", "token"}, PLACE_TENANT, POST, true, entra_answer_token_request},
    {{"*", "oauth2", "v2.0", "devicecode"},
     PLACE_TENANT,
     POST,
     false,
     entra_answer_device_request},
    {{"*", "oauth2", "devicecode"},
     PLACE_TENANT,
     POST,
     true,
     entra_answer_device_request},
    {{"*", "oauth2", "v2.0", "authorize"},
     PLACE_TENANT,
     GET | POST,
     false,
     entra_answer_authorize},
    {{"*", "oauth2", "authorize"},
     PLACE_TENANT,
     GET | POST,
     true,
     entra_answer_authorize},
    {{"common", "discovery", "instance"}, PLACE_FIXED, GET, false, entra_answer_instance},
    {{"*", "userrealm", "*"}, PLACE_TENANT, GET, true, entra_answer_realm},
    {{"metadata", "endpoints"}, PLACE_FIXED, GET, false, entra_answer_endpoints},
    {{"devicelogin"}, PLACE_FIXED, GET | POST, false, entra_answer_device_page},
};

enum { ROUTE_COUNT = sizeof routes / sizeof routes[0], ROUTE_DEPTH = 5 };

bool entra_is_any_tenant(const struct call *call)
{
    return call_segment_is(call, 0, "common") ||
           call_segment_is(call, 0, "organizations");
}

static bool matches(const struct route *route, const struct call *call)
{
    size_t depth = 0;

    while (depth < ROUTE_DEPTH && route->segments[depth] != NULL) {
        if (depth >= call->segment_count ||
            (strcmp(route->segments[depth], "*") != 0 &&
             !call_segment_is(call, depth, route->segments[depth])))
            return false;
        depth++;
    }
    return depth == call->segment_count;
}

static const struct route *find_route(const struct call *call)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (matches(&routes[i], call))
            return &routes[i];
    }
    return NULL;
}

/* az names its authority "adfs" when it is not to ask the public one about it. */
static bool is_known_tenant(const struct entra_request *request)
{
    return request->is_adfs || entra_is_any_tenant(request->call) ||
           call_segment_is(request->call, 0, request->world->profile.tenant_id) ||
           call_segment_is(request->call, 0, request->world->domain);
}

static bool check_tenant(const struct entra_request *request, enum place place)
{
    const char *tenant = request->call->segments[0];

    if (place == PLACE_FIXED || is_known_tenant(request))
        return true;
    if (!uuid_is_valid(tenant) && strchr(tenant, '.') == NULL)
        return entra_refuse(request, ENTRA_TENANT_MALFORMED,
                            "Specified tenant identifier '%s' is neither a valid DNS "
                            "name, nor a valid external domain.",
                            tenant);
    return entra_refuse(
        request,
        place == PLACE_METADATA ? ENTRA_TENANT_UNKNOWN_TO_METADATA : ENTRA_TENANT_UNKNOWN,
        "Tenant '%s' not found. Check to make sure you have the correct tenant ID and "
        "are signing into the correct cloud. Check with your subscription administrator, "
        "this may happen if there are no active subscriptions for the tenant.",
        tenant);
}

static bool check_method(const struct entra_request *request, const struct route *route)
{
    const enum call_method method = request->call->method;
    const unsigned asked = method == CALL_POST                         ? POST
                           : method == CALL_GET || method == CALL_HEAD ? GET
                                                                       : 0;

    return (route->methods & asked) != 0 ||
           entra_refuse(request, ENTRA_METHOD, "The endpoint only accepts %s requests.",
                        route->methods == GET ? "GET" : "POST");
}

bool plane_entra(struct world *world, const struct call *call, struct answer *answer)
{
    const struct route *route = find_route(call);

    if (route == NULL)
        return false;

    struct entra_request request = {.world = world,
                                    .call = call,
                                    .answer = answer,
                                    .form = call_form(call),
                                    .is_adfs = route->place != PLACE_FIXED &&
                                               call_segment_is(call, 0, "adfs")};

    request.is_v1 = route->is_v1 && !request.is_adfs;
    if (check_tenant(&request, route->place) && check_method(&request, route))
        route->answer(&request);
    cJSON_Delete(request.form);
    return true;
}
