/* engine/sim/deployment_show.c - what is shown of a deployment and of its operations. */
#include "sim/deployment_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "sim/answer.h"
#include "sim/database.h"
#include "sim/target.h"
#include "sim/world.h"

/* ---- a deployment ---- */

static cJSON *describe_resource(const struct template_resource *resource)
{
    cJSON *one = cJSON_CreateObject();

    cJSON_AddStringToObject(one, "id", resource->id);
    cJSON_AddStringToObject(one, "resourceType", resource->type);
    cJSON_AddStringToObject(one, "resourceName", resource->name);
    return one;
}

static cJSON *list_dependencies(const struct template *template)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < template->count; i++) {
        const struct template_resource *resource = &template->resources[i];

        if (resource->need_count == 0 || resource->is_skipped)
            continue;

        cJSON *one = describe_resource(resource);
        cJSON *needs = cJSON_AddArrayToObject(one, "dependsOn");

        for (size_t j = 0; j < resource->need_count; j++)
            cJSON_AddItemToArray(
                needs, describe_resource(&template->resources[resource->needs[j]]));
        cJSON_AddItemToArray(list, one);
    }
    return list;
}

/* The object of an array whose member has this value (without regard to case), added when
 * it is not there yet. */
static cJSON *find_or_add(cJSON *array, const char *member, const char *value)
{
    cJSON *one;

    cJSON_ArrayForEach (one, array) {
        if (text_equal_nocase(json_string_at(one, member), value))
            return one;
    }
    one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, member, value);
    cJSON_AddItemToArray(array, one);
    return one;
}

static cJSON *child_array(cJSON *object, const char *name)
{
    cJSON *array = cJSON_GetObjectItemCaseSensitive(object, name);

    return array != NULL ? array : cJSON_AddArrayToObject(object, name);
}

/* Which types of which providers take part, and where. */
static cJSON *list_providers(const struct template *template)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < template->count; i++) {
        const struct template_resource *resource = &template->resources[i];
        const char *slash = strchr(resource->type, '/');
        const char *location = json_string_at(resource->body, "location");

        if (resource->is_skipped)
            continue;

        char *namespace =
            memory_copy_text(resource->type, (size_t)(slash - resource->type));
        cJSON *provider = find_or_add(list, "namespace", namespace);
        cJSON *type = find_or_add(child_array(provider, "resourceTypes"), "resourceType",
                                  slash + 1);

        if (cJSON_GetArraySize(child_array(type, "locations")) == 0)
            cJSON_AddItemToArray(child_array(type, "locations"),
                                 location != NULL ? cJSON_CreateString(location)
                                                  : cJSON_CreateNull());
        free(namespace);
    }
    return list;
}

/* A number as text, as Azure shows the hash of a template. */
static cJSON *hash_template(const char *text)
{
    char key[TEXT_KEY_SIZE], number[24];

    text_format_key(text, key);
    snprintf(number, sizeof number, "%llu", strtoull(key, NULL, 16));
    return cJSON_CreateString(number);
}

cJSON *deployment_make_body(const struct deployment *deployment, const cJSON *given,
                            const struct template *template)
{
    static const char *const kept[] = {"location", "tags"};
    cJSON *body = cJSON_CreateObject();
    char uuid[UUID_TEXT_SIZE];

    uuid_random(uuid);
    cJSON_AddStringToObject(body, "id", deployment->id);
    cJSON_AddStringToObject(body, "name", deployment->name);
    cJSON_AddStringToObject(body, "type", DEPLOYMENT_TYPE);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(given, kept[i]);

        if (member != NULL)
            cJSON_AddItemToObject(body, kept[i], cJSON_Duplicate(member, true));
    }
    json_set_at(body, "properties.templateHash", hash_template(deployment->template));
    json_set_at(body, "properties.parameters", cJSON_Duplicate(template->shown, true));
    json_set_at(body, "properties.mode", cJSON_CreateString("Incremental"));
    json_set_at(body, "properties.correlationId", cJSON_CreateString(uuid));
    json_set_at(body, "properties.providers", list_providers(template));
    json_set_at(body, "properties.dependencies", list_dependencies(template));
    return body;
}

static void set_time(const struct world *world, cJSON *body, const char *path, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_utc(world_told_ms(world, ms), text);
    json_set_at(body, path, cJSON_CreateString(text));
}

/* "PT2H51M7.25S". */
static void append_duration(struct buffer *to, int64_t span_ms)
{
    const int64_t hours = span_ms / 3600000, minutes = span_ms / 60000 % 60;

    buffer_append_string(to, "PT");
    if (hours > 0)
        buffer_printf(to, "%" PRId64 "H", hours);
    if (minutes > 0)
        buffer_printf(to, "%" PRId64 "M", minutes);
    buffer_printf(to, "%gS", (double)(span_ms % 60000) / 1000.0);
}

static void set_duration(cJSON *body, const char *path, int64_t span_ms)
{
    struct buffer text = {0};

    append_duration(&text, span_ms);
    json_set_at(body, path, cJSON_CreateString(text.data));
    buffer_deinit(&text);
}

cJSON *deployment_describe(const struct world *world, const struct deployment *deployment)
{
    cJSON *body = cJSON_Duplicate(deployment->body, true);
    const int64_t end_ms =
        deployment->ended_ms != 0 ? deployment->ended_ms : world->now_ms;

    json_set_at(body, "properties.provisioningState",
                cJSON_CreateString(deployment->state));
    set_time(world, body, "properties.timestamp", end_ms);
    set_duration(body, "properties.duration", end_ms - deployment->started_ms);
    if (deployment->error[0] != '\0')
        json_set_at(body, "properties.error", cJSON_CreateRaw(deployment->error));
    return body;
}

/* ---- operations ---- */

static void add_target(cJSON *body, sqlite3_stmt *row)
{
    cJSON *resource = cJSON_CreateObject();

    cJSON_AddStringToObject(resource, "id", database_column(row, 1));
    cJSON_AddStringToObject(resource, "resourceType", database_column(row, 2));
    cJSON_AddStringToObject(resource, "resourceName", database_column(row, 3));
    json_set_at(body, "properties.targetResource", resource);
}

/* One that was begun: a row of list_operations(). */
static cJSON *describe_operation(const struct world *world,
                                 const struct deployment *deployment, sqlite3_stmt *row)
{
    const int64_t started_ms = sqlite3_column_int64(row, 7),
                  ended_ms = sqlite3_column_int64(row, 8);
    const int64_t last_ms = ended_ms != 0 ? ended_ms : world->now_ms;
    const char *error = database_column(row, 6);
    cJSON *body = cJSON_CreateObject();
    char *id = memory_format("%s/operations/%s", deployment->id, database_column(row, 0));

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "operationId", database_column(row, 0));
    json_set_at(body, "properties.provisioningOperation", cJSON_CreateString("Create"));
    json_set_at(body, "properties.provisioningState",
                cJSON_CreateString(database_column(row, 4)));
    set_time(world, body, "properties.timestamp", last_ms);
    set_duration(body, "properties.duration", last_ms - started_ms);
    json_set_at(body, "properties.trackingId", cJSON_CreateString(deployment->operation));
    json_set_at(body, "properties.statusCode",
                cJSON_CreateString(database_column(row, 5)));
    if (*error != '\0') {
        cJSON *message = cJSON_CreateObject();

        cJSON_AddStringToObject(message, "status", database_column(row, 4));
        cJSON_AddItemToObject(message, "error", cJSON_CreateRaw(error));
        json_set_at(body, "properties.statusMessage", message);
    }
    add_target(body, row);
    free(id);
    return body;
}

/* The last one of a deployment that has come to its end well. */
static cJSON *describe_evaluation(const struct world *world,
                                  const struct deployment *deployment)
{
    cJSON *body = cJSON_CreateObject();
    char *id = memory_format("%s/operations/08", deployment->id);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "operationId", "08");
    json_set_at(body, "properties.provisioningOperation",
                cJSON_CreateString("EvaluateDeploymentOutput"));
    json_set_at(body, "properties.provisioningState", cJSON_CreateString("Succeeded"));
    set_time(world, body, "properties.timestamp", deployment->ended_ms);
    set_duration(body, "properties.duration", 0);
    json_set_at(body, "properties.trackingId", cJSON_CreateString(deployment->operation));
    json_set_at(body, "properties.statusCode", cJSON_CreateString("OK"));
    free(id);
    return body;
}

/* All operations, or the one called `only`: an array, owned by the caller. */
static cJSON *find_operations(struct world *world, const struct deployment *deployment,
                              const char *only)
{
    cJSON *list = cJSON_CreateArray();
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT operation, id, type, name, state, code, error, started_ms, ended_ms"
        " FROM deployment_step WHERE deployment = ? AND started_ms > 0 ORDER BY number",
        "t", deployment->key);

    while (database_step(world->database, row)) {
        if (only == NULL || text_equal_nocase(only, database_column(row, 0)))
            cJSON_AddItemToArray(list, describe_operation(world, deployment, row));
    }
    if (strcmp(deployment->state, "Succeeded") == 0 &&
        (only == NULL || strcmp(only, "08") == 0))
        cJSON_AddItemToArray(list, describe_evaluation(world, deployment));
    return list;
}

void deployment_answer_operations(struct world *world, const struct target *target,
                                  const struct deployment *deployment,
                                  struct answer *answer)
{
    cJSON *list = find_operations(world, deployment, target->detail);

    if (target->detail == NULL) {
        cJSON *body = cJSON_CreateObject();

        cJSON_AddItemToObject(body, "value", list);
        answer_set_json(answer, 200, body);
        cJSON_Delete(body);
        return;
    }
    if (list->child != NULL)
        answer_set_json(answer, 200, list->child);
    else
        answer_refuse(answer, REFUSE_DEPLOYMENT,
                      "The deployment operation '%s' could not be found.",
                      target->detail);
    cJSON_Delete(list);
}
