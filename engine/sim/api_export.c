/* engine/sim/api_export.c - an API as a document behind a link. */
#include "sim/api_export.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "base/yaml.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/api_document.h"
#include "sim/call.h"
#include "sim/chance.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/target.h"
#include "sim/world.h"

enum { LINK_LIFE_MS = 5 * 60 * 1000 }; /* documented: "valid for 5 minutes" */

/* What export can be asked for, and what the answer calls it. Source: REST specification. */
static const struct format {
    const char *asked, *told;
    bool is_yaml, is_source;
} formats[] = {{"openapi-link", "openapi-link", true, false},
               {"openapi+json-link", "openapi+json-link", false, false},
               {"wsdl-link", "wsdl-link+xml", false, true}};

static const struct format *find_format(const char *asked)
{
    for (size_t i = 0; asked != NULL && i < sizeof formats / sizeof formats[0]; i++) {
        if (text_equal_nocase(formats[i].asked, asked))
            return &formats[i];
    }
    return NULL;
}

/* What only the simulator can have made: of whom, what and until when. */
static void sign(const struct world *world, const char *key, const char *format,
                 int64_t until_ms, char signature[UUID_TEXT_SIZE])
{
    char *use = memory_format("export %s", format);

    chance_uuid(world->seed, key, use, (uint64_t)until_ms, signature);
    free(use);
}

bool api_export_answer(struct world *world, const struct call *call,
                       const struct target *target, struct answer *answer)
{
    const struct format *format = find_format(call_parameter(call, "format"));
    const int64_t until_ms = world->now_ms + LINK_LIFE_MS;
    char signature[UUID_TEXT_SIZE];
    struct buffer link = {0};
    cJSON *body;

    if (!call_flag(call, "export"))
        return false;
    if (format == NULL) {
        answer_add_detail(answer, "format",
                          "format must be openapi-link, openapi+json-link or wsdl-link.");
        return !answer_refuse_details(answer);
    }
    if (!entity_exists(world, target->key))
        return false; /* a GET says so */
    sign(world, target->key, format->asked, until_ms, signature);
    buffer_printf(&link, "%s/_export?api=", call->base);
    buffer_append_escaped(&link, target->key);
    buffer_append_string(&link, "&format=");
    buffer_append_escaped(&link, format->asked);
    buffer_printf(&link, "&se=%" PRId64 "&sig=%s", until_ms, signature);
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", target->id);
    cJSON_AddStringToObject(body, "format", format->told);
    json_set_at(body, "value.link", cJSON_CreateString(link.data));
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
    buffer_deinit(&link);
    return true;
}

/* The bodies of an API's operations, owned by the caller. */
static cJSON *list_operations(struct world *world, const char *key)
{
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT body FROM entity WHERE parent = ? AND type ="
                       " 'Microsoft.ApiManagement/service/workspaces/apis/"
                       "operations' ORDER BY key",
                       "t", key);
    cJSON *operations = cJSON_CreateArray();

    while (database_step(world->database, row)) {
        const char *text = database_column(row, 0);

        cJSON_AddItemToArray(operations, json_parse(text, strlen(text), NULL));
    }
    return operations;
}

/* What a schema of the API has at `path`, owned by the caller, or NULL. */
static cJSON *find_schema(struct world *world, const char *key, const char *path)
{
    sqlite3_stmt *row =
        database_query(world->database,
                       "SELECT body FROM entity WHERE parent = ? AND type ="
                       " 'Microsoft.ApiManagement/service/workspaces/apis/"
                       "schemas' ORDER BY key",
                       "t", key);
    cJSON *found = NULL;

    while (found == NULL && database_step(world->database, row)) {
        const char *text = database_column(row, 0);
        cJSON *body = json_parse(text, strlen(text), NULL);

        found = cJSON_Duplicate(json_at(body, path), true);
        cJSON_Delete(body);
    }
    database_done(row);
    return found;
}

static void write_source(struct world *world, const char *key, struct answer *answer)
{
    cJSON *text = find_schema(world, key, "properties.document.value");

    if (cJSON_IsString(text))
        answer_set_text(answer, 200, text->valuestring);
    else
        answer_refuse(answer, REFUSE_RESOURCE, "The API has no such document.");
    cJSON_Delete(text);
}

static void write_document(struct world *world, const char *key,
                           const struct format *format, struct answer *answer)
{
    cJSON *api = entity_body(world, key), *operations, *components, *document;
    char *text;

    if (api == NULL) {
        answer_refuse(answer, REFUSE_RESOURCE, "The API was not found.");
        return;
    }
    operations = list_operations(world, key);
    components = find_schema(world, key, "properties.document.components");
    document = api_openapi_write(api, operations, components);
    text = format->is_yaml ? yaml_print(document) : json_print(document);
    answer_set_text(answer, 200, text);
    free(text);
    cJSON_Delete(document);
    cJSON_Delete(components);
    cJSON_Delete(operations);
    cJSON_Delete(api);
}

bool api_export_download(struct world *world, const struct call *call,
                         struct answer *answer)
{
    const char *key = call_parameter(call, "api"), *until = call_parameter(call, "se");
    const char *given = call_parameter(call, "sig");
    const struct format *format = find_format(call_parameter(call, "format"));
    char signature[UUID_TEXT_SIZE];
    int64_t until_ms;

    if (call->segment_count != 1 || !call_segment_is(call, 0, "_export"))
        return false;
    until_ms = until != NULL ? strtoll(until, NULL, 10) : 0;
    if (key != NULL && format != NULL)
        sign(world, key, format->asked, until_ms, signature);
    if (key == NULL || format == NULL || given == NULL || strcmp(given, signature) != 0 ||
        until_ms < world->now_ms)
        answer_refuse(answer, REFUSE_EXPORT_LINK,
                      "The link is not valid, or is not valid any more.");
    else if (format->is_source)
        write_source(world, key, answer);
    else
        write_document(world, key, format, answer);
    return true;
}
