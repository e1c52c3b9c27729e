/* engine/sim/api_openapi_read.c - OpenAPI 3 and Swagger 2 documents as operations of API
 * Management. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/api_document.h"

struct reader {
    const struct api_reading *reading;
    const cJSON *document;
    bool is_swagger;
    const cJSON *path_item; /* of the operation that is read */
    char *wrong;
};

enum { MOST_REFERENCES = 32 }; /* one leading to the next */

static void *fail(struct reader *reader, const char *where, const char *what)
{
    if (reader->wrong == NULL)
        reader->wrong = memory_format("%s: %s", where, what);
    return NULL;
}

/* What "#/a/b" names in the document, or NULL. */
static const cJSON *find_reference(const struct reader *reader, const char *reference)
{
    const cJSON *at = reader->document;
    char *path, *rest, *next;

    if (strncmp(reference, "#/", 2) != 0)
        return NULL;
    path = memory_copy_string(reference + 2);
    for (rest = path; at != NULL && rest != NULL; rest = next) {
        struct buffer name = {0};

        next = strchr(rest, '/');
        if (next != NULL)
            *next++ = '\0';
        for (const char *c = rest; *c != '\0';
             c++) { /* RFC 6901: ~1 is a slash, ~0 a ~ */
            if (*c == '~' && (c[1] == '0' || c[1] == '1'))
                buffer_append_char(&name, *++c == '1' ? '/' : '~');
            else
                buffer_append_char(&name, *c);
        }
        at = cJSON_GetObjectItemCaseSensitive(at, name.data != NULL ? name.data : "");
        buffer_deinit(&name);
    }
    free(path);
    return at;
}

/* The object at the path, whose members have names, or NULL. */
static const cJSON *object_at(const cJSON *tree, const char *path)
{
    const cJSON *value = json_at(tree, path);

    return cJSON_IsObject(value) ? value : NULL;
}

/* The value, or what its $ref leads to; NULL with a failure when that is nowhere. */
static const cJSON *resolve(struct reader *reader, const cJSON *value)
{
    const char *reference;

    for (int i = 0; i < MOST_REFERENCES; i++) {
        reference = json_string_at(value, "$ref");
        if (reference == NULL)
            return value;
        value = find_reference(reader, reference);
        if (value == NULL)
            return fail(reader, reference, "there is no such thing in the document");
    }
    return fail(reader, "$ref", "references lead round in a circle");
}

static void add_text(cJSON *to, const char *name, const cJSON *from, const char *path)
{
    const char *text = json_string_at(from, path);

    if (text != NULL && *text != '\0')
        cJSON_AddStringToObject(to, name, text);
}

/* Any scalar as the text that the service keeps. Owned by the caller, or NULL. */
static char *format_scalar(const cJSON *value)
{
    if (cJSON_IsString(value))
        return memory_copy_string(value->valuestring);
    return value != NULL && !cJSON_IsNull(value) ? json_print(value) : NULL;
}

/* ---- parameters ---- */

/* A parameter's schema: its own in OpenAPI 3, itself in Swagger 2. */
static const cJSON *schema_of(struct reader *reader, const cJSON *parameter)
{
    const cJSON *schema = json_at(parameter, "schema");

    return schema != NULL ? resolve(reader, schema) : parameter;
}

static cJSON *read_parameter(struct reader *reader, const cJSON *parameter,
                             const char *name)
{
    cJSON *result = cJSON_CreateObject();
    const cJSON *schema = schema_of(reader, parameter), *value;
    const char *type = json_string_at(schema, "type");
    char *fallback = format_scalar(json_at(schema, "default"));

    cJSON_AddStringToObject(result, "name", name);
    add_text(result, "description", parameter, "description");
    cJSON_AddStringToObject(result, "type", type != NULL ? type : "string");
    if (fallback != NULL)
        cJSON_AddStringToObject(result, "defaultValue", fallback);
    if (cJSON_IsTrue(json_at(parameter, "required")))
        cJSON_AddTrueToObject(result, "required");
    if (cJSON_IsArray(json_at(schema, "enum"))) {
        cJSON *values = cJSON_AddArrayToObject(result, "values");

        cJSON_ArrayForEach (value, json_at(schema, "enum")) {
            char *text = format_scalar(value);

            if (text != NULL)
                cJSON_AddItemToArray(values, cJSON_CreateString(text));
            free(text);
        }
    }
    free(fallback);
    return result;
}

static cJSON *list_at(cJSON *tree, const char *path)
{
    /* json_at() takes and gives const; the tree is ours */
    cJSON *list = (cJSON *)(uintptr_t)json_at(tree, path);

    if (list == NULL) {
        list = cJSON_CreateArray();
        json_set_at(tree, path, list);
    }
    return list;
}

static const cJSON *find_by_name(const cJSON *list, const char *name)
{
    const cJSON *one;

    cJSON_ArrayForEach (one, list) {
        if (strcmp(json_string_at(one, "name"), name) == 0)
            return one;
    }
    return NULL;
}

/* Puts a parameter where the service keeps it; required ones of the query become part of
 * the template unless they are to stay. */
static void place_parameter(struct reader *reader, cJSON *properties,
                            const cJSON *parameter, struct buffer *query)
{
    const char *in = json_string_at(parameter, "in");
    const char *name = json_string_at(parameter, "name");
    const bool is_required = cJSON_IsTrue(json_at(parameter, "required"));
    const char *where = NULL;

    if (in == NULL || name == NULL || *name == '\0') {
        fail(reader, json_string_at(properties, "urlTemplate"),
             "a parameter without name or place");
        return;
    }
    if (strcmp(in, "path") == 0) {
        where = "templateParameters";
    } else if (strcmp(in, "query") == 0 && is_required && !reader->reading->keeps_query) {
        where = "templateParameters";
        buffer_printf(query, "%c%s={%s}", query->length == 0 ? '?' : '&', name, name);
    } else if (strcmp(in, "query") == 0) {
        where = "request.queryParameters";
    } else if (strcmp(in, "header") == 0) {
        where = "request.headers";
    }
    if (where != NULL && find_by_name(list_at(properties, where), name) == NULL)
        cJSON_AddItemToArray(list_at(properties, where),
                             read_parameter(reader, parameter, name));
}

/* Those of the operation first: they win over those of the path. */
static void read_parameters(struct reader *reader, const cJSON *operation,
                            cJSON *properties, struct buffer *query)
{
    const cJSON *lists[] = {json_at(operation, "parameters"),
                            json_at(reader->path_item, "parameters")};
    const cJSON *one;

    for (size_t i = 0; i < 2; i++) {
        cJSON_ArrayForEach (one, lists[i]) {
            const cJSON *parameter = resolve(reader, one);

            if (parameter != NULL)
                place_parameter(reader, properties, parameter, query);
        }
    }
}

/* Every {name} of the path must be told; one that is not is told as a string. */
static void complete_template(cJSON *properties, const char *path)
{
    size_t length;

    for (const char *at = strchr(path, '{'); at != NULL;
         at = strchr(at + 1 + length, '{')) {
        length = strcspn(at + 1, "}*");
        if (length == 0)
            continue;

        char *name = memory_copy_text(at + 1, length);
        cJSON *list = list_at(properties, "templateParameters");

        if (find_by_name(list, name) == NULL) {
            cJSON *parameter = cJSON_CreateObject();

            cJSON_AddStringToObject(parameter, "name", name);
            cJSON_AddStringToObject(parameter, "type", "string");
            cJSON_AddTrueToObject(parameter, "required");
            cJSON_AddItemToArray(list, parameter);
        }
        free(name);
    }
}

/* ---- bodies ---- */

static void read_examples(struct reader *reader, const cJSON *media, cJSON *to)
{
    const cJSON *only = json_at(media, "example"), *one;
    cJSON *examples = cJSON_CreateObject();

    if (only != NULL)
        json_set_at(examples, "default.value", cJSON_Duplicate(only, true));
    cJSON_ArrayForEach (one, object_at(media, "examples")) {
        const cJSON *example = resolve(reader, one);

        if (example != NULL)
            cJSON_AddItemToObject(examples, one->string, cJSON_Duplicate(example, true));
    }
    if (examples->child != NULL)
        cJSON_AddItemToObject(to, "examples", examples);
    else
        cJSON_Delete(examples);
}

/* One media type. A schema that is a reference is named, any other one is not kept. */
static cJSON *read_representation(struct reader *reader, const char *type,
                                  const cJSON *schema, const cJSON *media)
{
    cJSON *result = cJSON_CreateObject();
    const char *reference = json_string_at(schema, "$ref");

    cJSON_AddStringToObject(result, "contentType", type);
    if (reference != NULL && find_reference(reader, reference) == NULL) {
        fail(reader, reference, "there is no such thing in the document");
    } else if (reference != NULL) {
        cJSON_AddStringToObject(result, "schemaId", reader->reading->schema_name);
        cJSON_AddStringToObject(result, "typeName", strrchr(reference, '/') + 1);
    }
    read_examples(reader, media, result);
    return result;
}

static void read_content(struct reader *reader, const cJSON *content, cJSON *list)
{
    const cJSON *media;

    cJSON_ArrayForEach (media, content)
        cJSON_AddItemToArray(list, read_representation(reader, media->string,
                                                       json_at(media, "schema"), media));
}

/* The media types of a Swagger 2 operation, or of its whole document. */
static const cJSON *media_types(const struct reader *reader, const cJSON *operation,
                                const char *name)
{
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(operation, name);

    return own != NULL ? own : cJSON_GetObjectItemCaseSensitive(reader->document, name);
}

static void read_swagger_content(struct reader *reader, const cJSON *operation,
                                 const char *types, const cJSON *schema, cJSON *list)
{
    const cJSON *all = media_types(reader, operation, types), *type;

    cJSON_ArrayForEach (type, all) {
        if (cJSON_IsString(type))
            cJSON_AddItemToArray(
                list, read_representation(reader, type->valuestring, schema, NULL));
    }
    if (all == NULL || all->child == NULL)
        cJSON_AddItemToArray(
            list, read_representation(reader, "application/json", schema, NULL));
}

static void read_request(struct reader *reader, const cJSON *operation, cJSON *properties)
{
    const cJSON *body = json_at(operation, "requestBody"), *one;

    body = body != NULL ? resolve(reader, body) : NULL;
    if (body != NULL) {
        if (json_string_at(body, "description") != NULL)
            json_set_at(properties, "request.description",
                        cJSON_Duplicate(json_at(body, "description"), true));
        read_content(reader, object_at(body, "content"),
                     list_at(properties, "request.representations"));
    }
    cJSON_ArrayForEach (one, json_at(operation, "parameters")) {
        const cJSON *parameter = resolve(reader, one);
        const char *in = json_string_at(parameter, "in");

        if (reader->is_swagger && in != NULL && strcmp(in, "body") == 0)
            read_swagger_content(reader, operation, "consumes",
                                 json_at(parameter, "schema"),
                                 list_at(properties, "request.representations"));
    }
}

static void read_headers(struct reader *reader, const cJSON *headers, cJSON *response)
{
    const cJSON *one;

    cJSON_ArrayForEach (one, headers) {
        const cJSON *header = resolve(reader, one);

        if (header != NULL)
            cJSON_AddItemToArray(list_at(response, "headers"),
                                 read_parameter(reader, header, one->string));
    }
}

static void read_responses(struct reader *reader, const cJSON *operation,
                           cJSON *properties)
{
    const cJSON *one;

    cJSON_ArrayForEach (one, object_at(operation, "responses")) {
        const cJSON *answer = resolve(reader, one);
        const int status = atoi(one->string); /* "default" has none, and is not kept */
        cJSON *response;

        if (answer == NULL || status < 100 || status > 599)
            continue;
        response = cJSON_CreateObject();
        cJSON_AddNumberToObject(response, "statusCode", status);
        add_text(response, "description", answer, "description");
        if (object_at(answer, "content") != NULL)
            read_content(reader, object_at(answer, "content"),
                         list_at(response, "representations"));
        else if (reader->is_swagger && json_at(answer, "schema") != NULL)
            read_swagger_content(reader, operation, "produces", json_at(answer, "schema"),
                                 list_at(response, "representations"));
        read_headers(reader, object_at(answer, "headers"), response);
        cJSON_AddItemToArray(list_at(properties, "responses"), response);
    }
}

/* ---- operations ---- */

/* A name that no other operation has: "-1", "-2" .. behind one that is taken. */
static char *choose_name(const cJSON *operations, const cJSON *operation,
                         const char *method, const char *path)
{
    const char *id = json_string_at(operation, "operationId");
    char *whole =
        id != NULL ? memory_copy_string(id) : memory_format("%s%s", method, path);
    char *stem = api_operation_name(whole), *name = memory_copy_string(stem);

    for (int i = 1; find_by_name(operations, name) != NULL; i++) {
        free(name);
        name = memory_format("%s-%d", stem, i);
    }
    free(whole);
    free(stem);
    return name;
}

static void read_operation(struct reader *reader, cJSON *operations, const char *path,
                           const cJSON *operation)
{
    char *method = memory_copy_string(operation->string);
    cJSON *result = cJSON_CreateObject(), *properties = cJSON_CreateObject();
    const char *summary = json_string_at(operation, "summary");
    struct buffer template = {0}, query = {0};
    char *name;

    for (char *c = method; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    name = choose_name(operations, operation, method, path);
    cJSON_AddStringToObject(result, "name", name);
    cJSON_AddItemToObject(result, "properties", properties);
    cJSON_AddStringToObject(properties, "displayName",
                            summary != NULL && *summary != '\0' ? summary : name);
    cJSON_AddStringToObject(properties, "method", method);
    cJSON_AddStringToObject(properties, "urlTemplate", path);
    add_text(properties, "description", operation, "description");
    read_parameters(reader, operation, properties, &query);
    complete_template(properties, path);
    buffer_append_string(&template, path);
    buffer_append(&template, query.data, query.length);
    json_set_at(properties, "urlTemplate", cJSON_CreateString(template.data));
    read_request(reader, operation, properties);
    read_responses(reader, operation, properties);
    cJSON_AddItemToArray(operations, result);
    buffer_deinit(&template);
    buffer_deinit(&query);
    free(name);
    free(method);
}

static void read_paths(struct reader *reader, cJSON *operations)
{
    static const char *const methods[] = {"get",     "put",  "post",  "delete",
                                          "options", "head", "patch", "trace"};
    const cJSON *path, *member;

    cJSON_ArrayForEach (path, object_at(reader->document, "paths")) {
        if (path->string[0] != '/' || strpbrk(path->string, "?#") != NULL) {
            fail(reader, path->string, "a path begins with a slash and has no query");
            return;
        }
        reader->path_item = path;
        if (!cJSON_IsObject(path)) {
            fail(reader, path->string, "it is no object");
            return;
        }
        cJSON_ArrayForEach (member, path) {
            for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
                if (strcmp(member->string, methods[i]) == 0)
                    read_operation(reader, operations, path->string, member);
            }
        }
    }
}

static void read_components(struct reader *reader, cJSON *tree)
{
    const char *name = reader->is_swagger ? "definitions" : "components";
    const cJSON *components = cJSON_GetObjectItemCaseSensitive(reader->document, name);
    cJSON *kept;

    if (!cJSON_IsObject(components) || components->child == NULL)
        return;
    kept = cJSON_CreateObject();
    if (reader->is_swagger) /* one form for both: that of OpenAPI 3 */
        cJSON_AddItemToObject(kept, "schemas", cJSON_Duplicate(components, true));
    else if (json_at(components, "schemas") != NULL)
        cJSON_AddItemToObject(kept, "schemas",
                              cJSON_Duplicate(json_at(components, "schemas"), true));
    if (kept->child == NULL) {
        cJSON_Delete(kept);
        return;
    }
    json_set_at(tree, "components.contentType",
                cJSON_CreateString("application/vnd.oai.openapi.components+json"));
    json_set_at(tree, "components.document.components", kept);
}

static void read_server(const struct reader *reader, cJSON *tree)
{
    const cJSON *servers = json_at(reader->document, "servers");
    const char *url = json_string_at(cJSON_GetArrayItem(servers, 0), "url");
    const char *host = json_string_at(reader->document, "host");
    const char *base = json_string_at(reader->document, "basePath");
    const char *scheme =
        cJSON_GetStringValue(cJSON_GetArrayItem(json_at(reader->document, "schemes"), 0));
    char *whole;

    if (!reader->is_swagger && url != NULL && strstr(url, "://") != NULL)
        cJSON_AddStringToObject(tree, "serviceUrl", url);
    if (!reader->is_swagger || host == NULL)
        return;
    whole = memory_format("%s://%s%s", scheme != NULL ? scheme : "https", host,
                          base != NULL ? base : "");
    cJSON_AddStringToObject(tree, "serviceUrl", whole);
    free(whole);
}

static bool check_version(struct reader *reader)
{
    const char *openapi = json_string_at(reader->document, "openapi");
    const char *swagger = json_string_at(reader->document, "swagger");

    reader->is_swagger = swagger != NULL;
    if (swagger != NULL ? strncmp(swagger, "2.", 2) != 0
                        : openapi == NULL || strncmp(openapi, "3.", 2) != 0)
        fail(reader, "openapi", "it is neither OpenAPI 3 nor Swagger 2");
    else if (!cJSON_IsObject(json_at(reader->document, "info")))
        fail(reader, "info", "it is required");
    else if (!cJSON_IsObject(json_at(reader->document, "paths")))
        fail(reader, "paths", "it is required");
    return reader->wrong == NULL;
}

cJSON *api_openapi_read(const struct api_reading *reading, cJSON *document, char **wrong)
{
    struct reader reader = {.reading = reading, .document = document};
    cJSON *tree = cJSON_CreateObject();

    if (check_version(&reader)) {
        add_text(tree, "title", document, "info.title");
        add_text(tree, "description", document, "info.description");
        add_text(tree, "version", document, "info.version");
        read_server(&reader, tree);
        read_paths(&reader, cJSON_AddArrayToObject(tree, "operations"));
        read_components(&reader, tree);
    }
    *wrong = reader.wrong;
    if (reader.wrong == NULL)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}
