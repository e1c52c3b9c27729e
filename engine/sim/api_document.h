/* engine/sim/api_document.h - what an API document says, in the service's own words, and
 * back: OpenAPI 3, Swagger 2, WSDL 1.1, GraphQL.
 *
 * The tree of a document:
 *   title, description, serviceUrl, version   texts, where the document has them
 *   operations   [{"name", "properties": {displayName, method, urlTemplate, ..}}]
 *   components   {"contentType", "document": {..}}: what the operations' types refer to
 *   source       {"contentType", "document": {"value": ..}}: a text that is kept whole */
#ifndef MOONGATE_SIM_API_DOCUMENT_H
#define MOONGATE_SIM_API_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

/* How a document is read. */
struct api_reading {
    const char *format;         /* of the contract, without "-link": "openapi+json" */
    const char *schema_name;    /* under which its components will be kept */
    const char *service, *port; /* which ones of a WSDL document, or NULL */
    bool keeps_query;           /* required query parameters stay out of the template */
    bool is_rest;               /* the operations of a WSDL document become REST ones */
};

/* Owned by the caller; NULL when it cannot be read, with `*wrong` (owned by the caller)
 * saying what and where. */
cJSON *api_document_read(const struct api_reading *reading, const char *text,
                         char **wrong);

/* Parts of the above, one for each family. */
cJSON *api_openapi_read(const struct api_reading *reading, cJSON *document, char **wrong);
cJSON *api_wsdl_read(const struct api_reading *reading, const char *text, char **wrong);

/* An OpenAPI 3.0.1 document of an API's properties, its operations (a list of bodies) and
 * the components of its schema (or NULL). The same API gives the same text. Owned by the
 * caller. */
cJSON *api_openapi_write(const cJSON *api, const cJSON *operations,
                         const cJSON *components);

/* A name for an operation: lower case, hyphens between words, at most 76 characters. Owned
 * by the caller. (Azure documentation, "API import restrictions and known issues".) */
char *api_operation_name(const char *text);

#endif
