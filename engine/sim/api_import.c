/* engine/sim/api_import.c - the document of an API that is written becomes its operations
 * and schemas. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/api_document.h"
#include "sim/api_export.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/ledger.h"
#include "sim/rules.h"
#include "sim/world.h"

/* ---- taking ---- */

/* A format of the contract without what says that its value is a URL. Owned by the caller. */
static char *split_format(const char *format, bool *is_link)
{
    static const char link[] = "-link";
    const char *at = strstr(format, link);

    *is_link = at != NULL;
    return at == NULL
               ? memory_copy_string(format)
               : memory_format("%.*s%s", (int)(at - format), format, at + strlen(link));
}

/* What lies at a URL: the world says, for the simulator asks nobody. */
static const char *find_document(const struct world *world, const char *url)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(world->options, "documents"), url));
}

/* Schemas are named after their API, so that the same API has the same ones. */
static void name_schema(const char *key, char name[TEXT_KEY_SIZE])
{
    text_format_key(strrchr(key, '/') + 1, name);
}

static cJSON *read_document(const struct change *change, const cJSON *properties)
{
    const char *format = json_string_at(properties, "format");
    const char *text = json_string_at(properties, "value");
    const char *conduct = json_string_at(properties, "translateRequiredQueryParameters");
    const char *type = json_string_at(properties, "apiType");
    char name[TEXT_KEY_SIZE], *wrong = NULL;
    bool is_link;
    char *plain = split_format(format, &is_link);
    struct api_reading reading = {
        .format = plain,
        .schema_name = name,
        .service = json_string_at(properties, "wsdlSelector.wsdlServiceName"),
        .port = json_string_at(properties, "wsdlSelector.wsdlEndpointName"),
        .keeps_query = conduct != NULL && text_equal_nocase(conduct, "query"),
        .is_rest = type != NULL && text_equal_nocase(type, "http")};
    cJSON *result = cJSON_CreateObject(), *tree = NULL;

    name_schema(change->key, name);
    if (is_link && text != NULL) {
        const char *found = find_document(change->world, text);

        if (found == NULL)
            wrong = memory_format("the document at '%s' cannot be reached", text);
        text = found;
    }
    if (wrong == NULL && (text == NULL || *text == '\0'))
        wrong = memory_copy_string("a format without a value");
    if (wrong == NULL)
        tree = api_document_read(&reading, text, &wrong);
    if (tree != NULL)
        cJSON_AddItemToObject(result, "tree", tree);
    else
        cJSON_AddStringToObject(result, "error", wrong);
    if (tree != NULL && strcmp(plain, "graphql") == 0)
        cJSON_AddStringToObject(tree, "type", "graphql");
    else if (tree != NULL && strcmp(plain, "wsdl") == 0)
        cJSON_AddStringToObject(tree, "type", reading.is_rest ? "http" : "soap");
    free(wrong);
    free(plain);
    return result;
}

cJSON *api_import_take(const struct change *change)
{
    static const char *const names[] = {"format", "value", "wsdlSelector", "apiType",
                                        "translateRequiredQueryParameters"};
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(change->body, "properties");
    cJSON *result = NULL;

    if (json_string_at(properties, "format") != NULL)
        result = read_document(change, properties);
    for (size_t i = 0; result != NULL && i < sizeof names / sizeof names[0]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(properties, names[i]);
    return result;
}

/* ---- saving ---- */

static void save_child(struct change *change, const struct kind *kind, const char *name,
                       const cJSON *properties)
{
    char *id = kind_format_id(kind, change->id, name), *key = entity_make_key(id);
    const bool is_new = !entity_exists(change->world, key);
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", name);
    cJSON_AddStringToObject(body, "type", kind->arm_type);
    cJSON_AddItemToObject(body, "properties", cJSON_Duplicate(properties, true));
    entity_save(change->world, kind, change->key, body);
    if (is_new)
        ledger_created(change->world, id);
    else
        ledger_changed(change->world, id);
    cJSON_Delete(body);
    free(key);
    free(id);
}

/* Removes the operations of the API that the document does not have. */
static void remove_others(struct change *change, const cJSON *operations)
{
    sqlite3_stmt *row =
        database_query(change->world->database,
                       "SELECT key FROM entity WHERE parent = ? AND type ="
                       " 'Microsoft.ApiManagement/service/workspaces/apis/"
                       "operations' ORDER BY key",
                       "t", change->key);
    cJSON *names = cJSON_CreateObject(), *gone = cJSON_CreateArray();
    const cJSON *one;

    cJSON_ArrayForEach (one, operations)
        cJSON_AddTrueToObject(names, json_string_at(one, "name"));
    while (database_step(change->world->database, row)) {
        const char *key = database_column(row, 0);

        if (cJSON_GetObjectItemCaseSensitive(names, strrchr(key, '/') + 1) == NULL)
            cJSON_AddItemToArray(gone, cJSON_CreateString(key));
    }
    cJSON_ArrayForEach (one, gone)
        entity_remove(change->world, one->valuestring);
    cJSON_Delete(names);
    cJSON_Delete(gone);
}

void api_import_save(struct change *change, const cJSON *tree)
{
    const cJSON *operations = json_at(tree, "operations"), *one;
    const cJSON *components = json_at(tree, "components"),
                *source = json_at(tree, "source");
    char name[TEXT_KEY_SIZE];

    remove_others(change, operations);
    cJSON_ArrayForEach (one, operations)
        save_child(change, &api_operation_kind, json_string_at(one, "name"),
                   json_at(one, "properties"));
    name_schema(change->key, name);
    if (components != NULL)
        save_child(change, &api_schema_kind, name, components);
    if (source != NULL)
        save_child(change, &api_schema_kind,
                   strcmp(json_string_at(source, "contentType"), "text/xml") == 0
                       ? "wsdl"
                       : "graphql",
                   source);
}
