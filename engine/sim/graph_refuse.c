/* engine/sim/graph_refuse.c - errors in the shape of Microsoft Graph.
 *
 * Codes: documented. Texts: observed for members that exist already, missing objects, missing
 * and invalid values; assumed for the rest. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/graph.h"
#include "sim/graph_model.h"
#include "sim/world.h"

static cJSON *make_error(const struct graph_request *request, const char *code,
                         const char *message)
{
    const char *given_id = request->call->client_request_id;
    cJSON *body = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(body, "error");
    cJSON *inner;
    char now[CLOCK_TEXT_SIZE];

    clock_format_utc(world_told_ms(request->world, request->world->now_ms), now);
    now[19] = '\0';
    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    inner = cJSON_AddObjectToObject(error, "innerError");
    cJSON_AddStringToObject(inner, "date", now);
    cJSON_AddStringToObject(inner, "request-id", request->answer->request_id);
    cJSON_AddStringToObject(inner, "client-request-id",
                            given_id != NULL ? given_id : request->answer->request_id);
    return body;
}

bool graph_refuse(const struct graph_request *request, int status, const char *code,
                  const char *format, ...)
{
    char message[512];
    va_list arguments;
    cJSON *body;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    body = make_error(request, code, message);
    answer_set_json(request->answer, status, body);
    cJSON_Delete(body);
    return false;
}

bool graph_refuse_missing(const struct graph_request *request, const char *id)
{
    return graph_refuse(request, 404, "Request_ResourceNotFound",
                        "Resource '%.200s' does not exist or one of its queried "
                        "reference-property objects are not present.",
                        id);
}

bool graph_refuse_body(const struct graph_request *request)
{
    return graph_refuse(request, 400, "BadRequest",
                        "Unable to read JSON request payload. Please ensure Content-Type "
                        "header is set and payload is of valid JSON format.");
}

bool graph_refuse_value(const struct graph_request *request, const char *property)
{
    return graph_refuse(request, 400, "Request_BadRequest",
                        "Invalid value specified for property '%s' of resource '%s'.",
                        property, request->type->name);
}

bool graph_refuse_required(const struct graph_request *request, const char *property)
{
    return graph_refuse(request, 400, "Request_BadRequest",
                        "A value is required for property '%s' of resource '%s'.",
                        property, request->type->name);
}

bool graph_refuse_conflict(const struct graph_request *request, const char *property)
{
    char *message = memory_format(
        "Another object with the same value for property %s already exists.", property);
    cJSON *body = make_error(request, "Request_BadRequest", message);
    cJSON *error = cJSON_GetObjectItemCaseSensitive(body, "error"),
          *detail = cJSON_CreateObject();

    cJSON_AddStringToObject(detail, "code", "ObjectConflict");
    cJSON_AddStringToObject(detail, "message", message);
    cJSON_AddStringToObject(detail, "target", property);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(error, "details"), detail);
    answer_set_json(request->answer, 400, body);
    cJSON_Delete(body);
    free(message);
    return false;
}

void graph_commit(const struct graph_request *request)
{
    struct world *world = request->world;

    world_save_time(world);
    if (!database_commit(world->database))
        graph_refuse(request, 500, "InternalServerError",
                     "The simulator could not keep the change: %s",
                     database_error(world->database));
}
