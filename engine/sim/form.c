/* engine/sim/form.c - how a long operation is told: by which headers, status and body. */
#include "sim/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/call.h"
#include "sim/rules.h"
#include "sim/world.h"

enum form_id {
    FORM_BOTH,
    FORM_ASYNC,
    FORM_LOCATION,
    FORM_BODY,
    FORM_ACCEPTED_BOTH,
    FORM_ACCEPTED_ASYNC,
    FORM_ACCEPTED_LOCATION,
    FORM_ACCEPTED,
    FORM_SELF,
    FORM_COUNT
};

static const struct form forms[FORM_COUNT] = {
    [FORM_BOTH] = {"both", true, true, false, false},
    [FORM_ASYNC] = {"async", true, false, false, false},
    [FORM_LOCATION] = {"location", false, true, false, false},
    [FORM_BODY] = {"body", false, false, false, false},
    [FORM_ACCEPTED_BOTH] = {"accepted-both", true, true, true, false},
    [FORM_ACCEPTED_ASYNC] = {"accepted-async", true, false, true, false},
    [FORM_ACCEPTED_LOCATION] = {"accepted-location", false, true, true, false},
    [FORM_ACCEPTED] = {"accepted", false, false, true, false},
    [FORM_SELF] = {"self", false, true, true, true}};

enum place {
    PLACE_RESOURCE,    /* below the resource itself */
    PLACE_LOCATION,    /* of the provider in a region */
    PLACE_SUBSCRIPTION /* Resource Manager's own */
};

/* How the last segment but one is spelled. */
struct spelling {
    const char *async, *location;
};

/* The first row that fits. `verb` NULL: any; `is_v2`: a service of a v2 tier. Sources:
 * observed (recordings of real traffic), documented (schemas and their examples), assumed. */
static const struct habit {
    const char *type_prefix, *verb;
    bool is_v2;
    enum form_id form;
    enum place place;
    struct spelling spelling;
    const char *async_query;
    bool location_is_async; /* both headers name the same URL */
    bool has_progress, shows_deleted;
} habits[] = {
    /* observed: named values, 202 with an empty body and no Retry-After; documented: APIs
     * and schemas */
    {.type_prefix = "Microsoft.ApiManagement/service/",
     .form = FORM_SELF,
     .place = PLACE_RESOURCE,
     .spelling = {"operationresults", "operationresults"},
     .async_query = "&asyncResponse"},
    /* observed: creation of a StandardV2 service; its other verbs are assumed */
    {.type_prefix = "Microsoft.ApiManagement/service",
     .is_v2 = true,
     .form = FORM_BOTH,
     .place = PLACE_LOCATION,
     .spelling = {"operationsStatuses", "operationResults"},
     .shows_deleted = true},
    /* observed: deletion of a classic service */
    {.type_prefix = "Microsoft.ApiManagement/service",
     .verb = "delete",
     .form = FORM_BOTH,
     .place = PLACE_RESOURCE,
     .spelling = {"operationresults", "operationresults"},
     .async_query = "&asyncResponse",
     .location_is_async = true,
     .shows_deleted = true},
    /* observed: creation of a classic service; updates are assumed */
    {.type_prefix = "Microsoft.ApiManagement/service",
     .form = FORM_LOCATION,
     .place = PLACE_RESOURCE,
     .spelling = {"operationresults", "operationresults"},
     .async_query = "&asyncResponse"},
    /* documented: example of a gateway; the schema of a status has times and percentage */
    {.type_prefix = "Microsoft.ApiManagement/gateways/configConnections",
     .form = FORM_BOTH,
     .place = PLACE_RESOURCE,
     .spelling = {"operationresults", "operationresults"},
     .async_query = "&asyncResponse",
     .has_progress = true},
    {.type_prefix = "Microsoft.ApiManagement/",
     .form = FORM_BOTH,
     .place = PLACE_RESOURCE,
     .spelling = {"operationresults", "operationresults"},
     .async_query = "&asyncResponse",
     .has_progress = true,
     .shows_deleted = true},
    /* documented: the final state is told by Location for a DELETE, by Azure-AsyncOperation
     * for a PUT; a status is a state and an error. The URLs are observed. */
    {.type_prefix = "Microsoft.Network/",
     .verb = "delete",
     .form = FORM_BOTH,
     .place = PLACE_LOCATION,
     .spelling = {"operations", "operationResults"}},
    {.type_prefix = "Microsoft.Network/",
     .form = FORM_ASYNC,
     .place = PLACE_LOCATION,
     .spelling = {"operations", "operationResults"}},
    /* the contract's fullest */
    {.type_prefix = "",
     .form = FORM_BOTH,
     .place = PLACE_SUBSCRIPTION,
     .spelling = {"operationStatuses", "operationresults"},
     .has_progress = true}};

static bool is_of_v2_tier(const struct kind *kind, const cJSON *body)
{
    const char *tier = json_string_at(body, "sku.name");

    return kind == &service_kind && tier != NULL && text_matches(tier, "[vV]2$");
}

static const struct habit *find_habit(const struct kind *kind, const char *verb,
                                      const cJSON *body)
{
    const bool is_v2 = is_of_v2_tier(kind, body);
    const struct habit *habit = habits;

    while (!text_has_prefix_nocase(kind->arm_type, habit->type_prefix) ||
           (habit->verb != NULL && strcmp(habit->verb, verb) != 0) ||
           (habit->is_v2 && !is_v2))
        habit++; /* the last one fits always */
    return habit;
}

static const struct form *find_by_name(const char *name)
{
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    }
    return NULL;
}

char *form_check_name(const cJSON *value)
{
    struct buffer text = {0};

    if (cJSON_IsString(value) && find_by_name(value->valuestring) != NULL)
        return NULL;
    buffer_append_string(&text, "one expected of");
    for (size_t i = 0; i < FORM_COUNT; i++)
        buffer_printf(&text, "%s '%s'", i > 0 ? "," : "", forms[i].name);
    return buffer_take(&text);
}

const struct form *form_find(const struct world *world, const struct kind *kind,
                             const char *verb, const cJSON *body)
{
    char *name = world_format_verb(kind, verb);
    const cJSON *chosen = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(world->options, "operation_forms"), name);

    free(name);
    if (chosen != NULL)
        return find_by_name(chosen->valuestring); /* it was good when the file was read */
    if (rules_find(kind)->has_no_async_operation)
        return &forms[FORM_LOCATION];
    return &forms[find_habit(kind, verb, body)->form];
}

bool form_has_progress(const struct kind *kind)
{
    return find_habit(kind, "", NULL)->has_progress;
}

bool form_shows_deleted(const struct kind *kind)
{
    return find_habit(kind, "delete", NULL)->shows_deleted;
}

/* Appends an id as a URL's path. */
static void append_id(struct buffer *url, const char *id)
{
    char *rest = memory_copy_string(id), *segment = rest;

    while (*segment != '\0') {
        const size_t length = strcspn(segment, "/");
        const bool has_more = segment[length] == '/';

        segment[length] = '\0';
        buffer_append_escaped(url, segment);
        if (has_more)
            buffer_append_char(url, '/');
        segment += length + (has_more ? 1 : 0);
    }
    free(rest);
}

static void append_region(struct buffer *url, const struct world *world,
                          const cJSON *body)
{
    const char *region = json_string_at(body, "location");

    for (const char *c = region != NULL ? region : world->location; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            buffer_append_char(url, (char)(*c - 'A' + 'a'));
        else if (*c != ' ')
            buffer_append_char(url, *c);
    }
}

static void append_version(struct buffer *url, const struct call *call,
                           const struct kind *kind)
{
    const char *version = call_parameter(call, "api-version");

    buffer_append_string(url, "?api-version=");
    buffer_append_escaped(url, version != NULL ? version : kind->api_version);
}

char *form_monitor_url(const struct world *world, const struct call *call,
                       const struct kind *kind, const char *verb, const cJSON *body,
                       const char *id, bool is_async)
{
    const struct habit *habit = find_habit(kind, verb, body);
    const bool as_async = is_async || habit->location_is_async;
    struct buffer url = {0};

    buffer_append_string(&url, call->base);
    if (habit->place == PLACE_RESOURCE)
        append_id(&url, json_string_at(body, "id"));
    else
        buffer_append_string(&url, world->subscription_id);
    if (habit->place == PLACE_LOCATION) {
        buffer_printf(&url, "/providers/%.*s/locations/",
                      (int)strcspn(kind->arm_type, "/"), kind->arm_type);
        append_region(&url, world, body);
    }
    buffer_printf(&url, "/%s/%s",
                  as_async ? habit->spelling.async : habit->spelling.location, id);
    append_version(&url, call, kind);
    if (as_async && habit->async_query != NULL)
        buffer_append_string(&url, habit->async_query);
    return buffer_take(&url);
}

char *form_self_url(const struct call *call, const struct kind *kind, const cJSON *body,
                    const char *id, int result)
{
    struct buffer url = {0};

    buffer_append_string(&url, call->base);
    append_id(&url, json_string_at(body, "id"));
    append_version(&url, call, kind);
    buffer_printf(&url, "&asyncId=%s&asyncCode=%d", id, result);
    return buffer_take(&url);
}
