/* engine/sim/api_document.c - API documents by their format. */
#include "sim/api_document.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/yaml.h"

enum { NAME_LENGTH = 76 };

char *api_operation_name(const char *text)
{
    struct buffer name = {0};

    for (; *text != '\0' && name.length < NAME_LENGTH; text++) {
        if (isalnum((unsigned char)*text) != 0)
            buffer_append_char(&name, (char)tolower((unsigned char)*text));
        else if (name.length > 0 && name.data[name.length - 1] != '-')
            buffer_append_char(&name, '-');
    }
    while (name.length > 0 && name.data[name.length - 1] == '-')
        name.data[--name.length] = '\0';
    if (name.length == 0)
        buffer_append_string(&name, "operation");
    return buffer_take(&name);
}

static cJSON *read_json(const char *text, char **wrong)
{
    size_t at = 0;
    cJSON *document = json_parse(text, strlen(text), &at);
    int line = 1;

    if (document != NULL)
        return document;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    *wrong = memory_format("line %d: it is no JSON", line);
    return NULL;
}

/* A schema that is kept as it is; the service makes no operations of it. */
static cJSON *read_graphql(const char *text, char **wrong)
{
    cJSON *tree;

    if (strstr(text, "type ") == NULL && strstr(text, "schema") == NULL) {
        *wrong = memory_copy_string("it defines no type and no schema");
        return NULL;
    }
    tree = cJSON_CreateObject();
    cJSON_AddArrayToObject(tree, "operations");
    json_set_at(tree, "source.contentType",
                cJSON_CreateString("application/vnd.ms-azure-apim.graphql.schema"));
    json_set_at(tree, "source.document.value", cJSON_CreateString(text));
    return tree;
}

cJSON *api_document_read(const struct api_reading *reading, const char *text,
                         char **wrong)
{
    const char *format = reading->format;
    cJSON *document = NULL;

    *wrong = NULL;
    if (text_equal_nocase(format, "wsdl"))
        return api_wsdl_read(reading, text, wrong);
    if (text_equal_nocase(format, "graphql"))
        return read_graphql(text, wrong);
    if (text_equal_nocase(format, "openapi+json") ||
        text_equal_nocase(format, "swagger-json"))
        document = read_json(text, wrong);
    else if (text_equal_nocase(format, "openapi")) /* JSON is YAML, too */
        document = yaml_parse(text, strlen(text), wrong);
    else
        *wrong =
            memory_format("documents of the format '%s' cannot be read here", format);

    cJSON *tree = document != NULL ? api_openapi_read(reading, document, wrong) : NULL;

    cJSON_Delete(document);
    return tree;
}
