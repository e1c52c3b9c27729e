/* engine/sim/api_openapi_write.c - an API of the service as an OpenAPI 3.0.1 document.
 *
 * Everything comes in one order: what is read from the document and written again is the same
 * text. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/api_document.h"

static void copy_text(cJSON *to, const char *name, const cJSON *from, const char *path)
{
    const char *text = json_string_at(from, path);

    if (text != NULL && *text != '\0')
        cJSON_AddStringToObject(to, name, text);
}

/* The text of a scalar as what its type says it is. */
static cJSON *make_scalar(const char *type, const char *text)
{
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0 ||
        strcmp(type, "boolean") == 0) {
        cJSON *value = json_parse(text, strlen(text), NULL);

        if (value != NULL)
            return value;
    }
    return cJSON_CreateString(text);
}

/* ---- parameters ---- */

static cJSON *write_schema(const cJSON *parameter)
{
    cJSON *schema = cJSON_CreateObject();
    const char *type = json_string_at(parameter, "type");
    const char *fallback = json_string_at(parameter, "defaultValue");
    const cJSON *values = json_at(parameter, "values"), *value;

    type = type != NULL ? type : "string";
    if (values != NULL && values->child != NULL) {
        cJSON *all = cJSON_AddArrayToObject(schema, "enum");

        cJSON_ArrayForEach (value, values)
            cJSON_AddItemToArray(all, make_scalar(type, value->valuestring));
    }
    cJSON_AddStringToObject(schema, "type", type);
    if (fallback != NULL)
        cJSON_AddItemToObject(schema, "default", make_scalar(type, fallback));
    return schema;
}

static cJSON *write_parameter(const cJSON *parameter, const char *in)
{
    cJSON *result = cJSON_CreateObject();

    if (in != NULL) {
        copy_text(result, "name", parameter, "name");
        cJSON_AddStringToObject(result, "in", in);
    }
    copy_text(result, "description", parameter, "description");
    if (cJSON_IsTrue(json_at(parameter, "required")) ||
        (in != NULL && strcmp(in, "path") == 0))
        cJSON_AddTrueToObject(result, "required");
    cJSON_AddItemToObject(result, "schema", write_schema(parameter));
    return result;
}

/* Those of the template stand in its path or in its query. */
static cJSON *write_parameters(const cJSON *properties, const char *query)
{
    static const struct {
        const char *path, *in;
    } places[] = {{"templateParameters", "path"},
                  {"request.queryParameters", "query"},
                  {"request.headers", "header"}};
    cJSON *list = cJSON_CreateArray();
    const cJSON *one;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        cJSON_ArrayForEach (one, json_at(properties, places[i].path)) {
            char *mark = memory_format("{%s}", json_string_at(one, "name"));
            const bool is_in_query = i == 0 && strstr(query, mark) != NULL;
            cJSON *parameter = write_parameter(one, is_in_query ? "query" : places[i].in);

            if (is_in_query && json_at(parameter, "required") == NULL)
                cJSON_AddTrueToObject(parameter, "required");
            cJSON_AddItemToArray(list, parameter);
            free(mark);
        }
    }
    if (list->child != NULL)
        return list;
    cJSON_Delete(list);
    return NULL;
}

/* ---- bodies ---- */

static cJSON *write_content(const cJSON *representations)
{
    cJSON *content = cJSON_CreateObject();
    const cJSON *one;

    cJSON_ArrayForEach (one, representations) {
        cJSON *media = cJSON_CreateObject();
        const cJSON *examples = json_at(one, "examples");
        const char *type = json_string_at(one, "typeName");

        if (type != NULL) {
            char *reference = memory_format("#/components/schemas/%s", type);

            json_set_at(media, "schema", cJSON_CreateObject());
            cJSON_AddStringToObject(cJSON_GetObjectItemCaseSensitive(media, "schema"),
                                    "$ref", reference);
            free(reference);
        }
        if (examples != NULL && examples->child != NULL &&
            examples->child->next == NULL &&
            strcmp(examples->child->string, "default") == 0 &&
            json_at(examples, "default.value") != NULL)
            cJSON_AddItemToObject(
                media, "example",
                cJSON_Duplicate(json_at(examples, "default.value"), true));
        else if (examples != NULL && examples->child != NULL)
            cJSON_AddItemToObject(media, "examples", cJSON_Duplicate(examples, true));
        cJSON_AddItemToObject(content, json_string_at(one, "contentType"), media);
    }
    return content;
}

static void write_request(cJSON *result, const cJSON *properties)
{
    const cJSON *list = json_at(properties, "request.representations");
    cJSON *body;

    if (list == NULL || list->child == NULL)
        return;
    body = cJSON_AddObjectToObject(result, "requestBody");
    copy_text(body, "description", properties, "request.description");
    cJSON_AddItemToObject(body, "content", write_content(list));
}

static void write_responses(cJSON *result, const cJSON *properties)
{
    cJSON *responses = cJSON_AddObjectToObject(result, "responses");
    const cJSON *one, *header;

    cJSON_ArrayForEach (one, json_at(properties, "responses")) {
        cJSON *response = cJSON_CreateObject();
        const char *text = json_string_at(one, "description");
        const cJSON *content = json_at(one, "representations");
        char *status = memory_format("%d", (int)json_number_at(one, "statusCode", 200));

        cJSON_AddStringToObject(response, "description", text != NULL ? text : "");
        cJSON_ArrayForEach (header, json_at(one, "headers")) {
            cJSON *headers = cJSON_GetObjectItemCaseSensitive(response, "headers");

            if (headers == NULL)
                headers = cJSON_AddObjectToObject(response, "headers");
            cJSON_AddItemToObject(headers, json_string_at(header, "name"),
                                  write_parameter(header, NULL));
        }
        if (content != NULL && content->child != NULL)
            cJSON_AddItemToObject(response, "content", write_content(content));
        cJSON_AddItemToObject(responses, status, response);
        free(status);
    }
    if (responses->child == NULL) /* a document must have one */
        json_set_at(responses, "200.description", cJSON_CreateString(""));
}

/* ---- the whole ---- */

static void write_operation(cJSON *paths, const cJSON *operation)
{
    const cJSON *properties = json_at(operation, "properties");
    const char *template = json_string_at(properties, "urlTemplate");
    const size_t length = strcspn(template, "?");
    char *path = memory_copy_text(template, length);
    char *method = text_lower(memory_copy_string(json_string_at(properties, "method")));
    const char *name = json_string_at(operation, "name");
    cJSON *item = cJSON_GetObjectItemCaseSensitive(paths, path);
    cJSON *result = cJSON_CreateObject(), *parameters;

    if (item == NULL)
        item = cJSON_AddObjectToObject(paths, path);
    if (strcmp(json_string_at(properties, "displayName"), name) != 0)
        copy_text(result, "summary", properties, "displayName");
    copy_text(result, "description", properties, "description");
    cJSON_AddStringToObject(result, "operationId", name);
    parameters = write_parameters(properties, template + length);
    if (parameters != NULL)
        cJSON_AddItemToObject(result, "parameters", parameters);
    write_request(result, properties);
    write_responses(result, properties);
    cJSON_AddItemToObject(item, method, result);
    free(method);
    free(path);
}

cJSON *api_openapi_write(const cJSON *api, const cJSON *operations,
                         const cJSON *components)
{
    cJSON *document = cJSON_CreateObject(), *info, *paths;
    const char *title = json_string_at(api, "properties.displayName");
    const char *version = json_string_at(api, "properties.apiVersion");
    const char *url = json_string_at(api, "properties.serviceUrl");
    const cJSON *operation;

    cJSON_AddStringToObject(document, "openapi", "3.0.1");
    info = cJSON_AddObjectToObject(document, "info");
    cJSON_AddStringToObject(info, "title",
                            title != NULL ? title : json_string_at(api, "name"));
    copy_text(info, "description", api, "properties.description");
    cJSON_AddStringToObject(info, "version",
                            version != NULL && *version != '\0' ? version : "1.0");
    if (url != NULL && *url != '\0') {
        cJSON *server = cJSON_CreateObject();

        cJSON_AddStringToObject(server, "url", url);
        cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "servers"), server);
    }
    paths = cJSON_AddObjectToObject(document, "paths");
    cJSON_ArrayForEach (operation, operations)
        write_operation(paths, operation);
    if (components != NULL)
        cJSON_AddItemToObject(document, "components", cJSON_Duplicate(components, true));
    return document;
}
