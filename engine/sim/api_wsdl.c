/* engine/sim/api_wsdl.c - the operations of a WSDL 1.1 document.
 *
 * Of the document these matter: the operations of its port types, their SOAPAction in a
 * binding, and the address of its ports. It is kept as it is beside them. */
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/api_document.h"

enum { DEEPEST = 100 };

struct reader {
    const struct api_reading *reading;
    cJSON *operations;
    char *title, *address, *operation; /* the operation of the binding that is read */
    int depth;
    bool is_wsdl, is_in_port_type, is_in_binding, is_in_service, is_in_port;
    bool has_service, has_port;
    const char *wrong;
};

/* The name without its prefix. */
static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon != NULL ? colon + 1 : name;
}

static const char *attribute(const char **attributes, const char *name)
{
    for (; *attributes != NULL; attributes += 2) {
        if (strcmp(*attributes, name) == 0)
            return attributes[1];
    }
    return NULL;
}

static cJSON *find_operation(const struct reader *reader, const char *name)
{
    cJSON *one;

    cJSON_ArrayForEach (one, reader->operations) {
        if (strcmp(json_string_at(one, "properties.displayName"), name) == 0)
            return one;
    }
    return NULL;
}

static void add_operation(struct reader *reader, const char *name)
{
    cJSON *operation;
    char *own, *template;

    if (name == NULL || find_operation(reader, name) != NULL)
        return;
    own = api_operation_name(name);
    template = memory_format("/%s", reader->reading->is_rest ? name : "");
    operation = cJSON_CreateObject();
    cJSON_AddStringToObject(operation, "name", own);
    json_set_at(operation, "properties.displayName", cJSON_CreateString(name));
    json_set_at(operation, "properties.method", cJSON_CreateString("POST"));
    json_set_at(operation, "properties.urlTemplate", cJSON_CreateString(template));
    cJSON_AddItemToArray(reader->operations, operation);
    free(own);
    free(template);
}

/* An operation that keeps to SOAP is told from the others by its action. */
static void set_action(const struct reader *reader, const char *action)
{
    cJSON *operation =
        reader->operation != NULL ? find_operation(reader, reader->operation) : NULL;
    char *template;

    if (operation == NULL || action == NULL || *action == '\0' ||
        reader->reading->is_rest)
        return;
    template = memory_format("/?soapAction=%s", action);
    json_set_at(operation, "properties.urlTemplate", cJSON_CreateString(template));
    free(template);
}

static bool is_selected(const char *wanted, const char *name)
{
    return wanted == NULL || (name != NULL && strcmp(wanted, name) == 0);
}

static void on_start(void *context, const char *name, const char **attributes)
{
    struct reader *reader = context;
    const char *own = local_name(name), *title = attribute(attributes, "name");

    if (++reader->depth > DEEPEST)
        reader->wrong = "it is nested too deep";
    if (reader->depth == 1) {
        reader->is_wsdl = strcmp(own, "definitions") == 0;
        reader->title = memory_copy_string(title);
    } else if (strcmp(own, "portType") == 0) {
        reader->is_in_port_type = true;
    } else if (strcmp(own, "binding") == 0 && reader->depth == 2) {
        reader->is_in_binding = true;
    } else if (strcmp(own, "service") == 0) {
        reader->is_in_service = is_selected(reader->reading->service, title);
        reader->has_service = reader->has_service || reader->is_in_service;
    } else if (strcmp(own, "port") == 0) {
        reader->is_in_port =
            reader->is_in_service && is_selected(reader->reading->port, title);
        reader->has_port = reader->has_port || reader->is_in_port;
    } else if (strcmp(own, "operation") == 0 && reader->is_in_port_type) {
        add_operation(reader, title);
    } else if (strcmp(own, "operation") == 0 && reader->is_in_binding) {
        if (title != NULL) {
            free(reader->operation);
            reader->operation = memory_copy_string(title);
        } else {
            set_action(reader, attribute(attributes, "soapAction"));
        }
    } else if (strcmp(own, "address") == 0 && reader->is_in_port &&
               reader->address == NULL) {
        reader->address = memory_copy_string(attribute(attributes, "location"));
    }
}

static void on_end(void *context, const char *name)
{
    struct reader *reader = context;
    const char *own = local_name(name);

    reader->depth--;
    if (strcmp(own, "portType") == 0)
        reader->is_in_port_type = false;
    else if (strcmp(own, "binding") == 0 && reader->depth == 1)
        reader->is_in_binding = false;
    else if (strcmp(own, "service") == 0)
        reader->is_in_service = false;
    else if (strcmp(own, "port") == 0)
        reader->is_in_port = false;
}

static void judge(struct reader *reader)
{
    if (reader->wrong != NULL)
        return;
    if (!reader->is_wsdl)
        reader->wrong = "its root is not definitions: it is no WSDL 1.1";
    else if (reader->operations->child == NULL)
        reader->wrong = "it has no operations";
    else if (reader->reading->service != NULL && !reader->has_service)
        reader->wrong = "it has no such service as wsdlServiceName says";
    else if (reader->reading->port != NULL && !reader->has_port)
        reader->wrong = "the service has no such port as wsdlEndpointName says";
}

cJSON *api_wsdl_read(const struct api_reading *reading, const char *text, char **wrong)
{
    struct reader reader = {.reading = reading, .operations = cJSON_CreateArray()};
    XML_Parser parser = XML_ParserCreate(NULL);
    cJSON *tree = cJSON_CreateObject();

    cJSON_AddItemToObject(tree, "operations", reader.operations);
    XML_SetUserData(parser, &reader);
    XML_SetElementHandler(parser, on_start, on_end);
    if (XML_Parse(parser, text, (int)strlen(text), 1) == XML_STATUS_ERROR)
        *wrong = memory_format("line %lu: %s", XML_GetCurrentLineNumber(parser),
                               XML_ErrorString(XML_GetErrorCode(parser)));
    else
        judge(&reader);
    if (reader.wrong != NULL && *wrong == NULL)
        *wrong = memory_copy_string(reader.wrong);
    XML_ParserFree(parser);
    if (reader.title != NULL)
        cJSON_AddStringToObject(tree, "title", reader.title);
    if (reader.address != NULL)
        cJSON_AddStringToObject(tree, "serviceUrl", reader.address);
    json_set_at(tree, "source.contentType", cJSON_CreateString("text/xml"));
    json_set_at(tree, "source.document.value", cJSON_CreateString(text));
    free(reader.title);
    free(reader.address);
    free(reader.operation);
    if (*wrong == NULL)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}
