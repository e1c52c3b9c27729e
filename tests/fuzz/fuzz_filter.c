/* tests/fuzz/fuzz_filter.c - a $filter: what becomes of it is SQL with its texts as
 * parameters, and every list that takes one answers. */
#include "sim/filter.h"

#include "sim/database.h"
#include "simulator.h"

static void check_condition(const struct filter_sql *sql)
{
    static struct database *tables;
    struct failure *failure = NULL;
    sqlite3_stmt *statement;
    char *text = memory_format("SELECT id FROM object WHERE %s", sql->condition.data);

    if (tables == NULL)
        tables = database_open(NULL, &failure);
    fuzz_claim(tables != NULL);
    fuzz_claim(sql->text_count <= FILTER_TEXTS);
    statement = database_query_once(tables, text);
    fuzz_claim(statement != NULL);
    fuzz_claim(sqlite3_bind_parameter_count(statement) <
               FILTER_FIRST + (int)sql->text_count);
    sqlite3_finalize(statement);
    free(text);
}

static void ask_lists(const char *filter)
{
#define SUBSCRIPTION "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590"
    static const char *const lists[] = {
        "/v1.0/groups",
        "/v1.0/users",
        "/v1.0/servicePrincipals",
        "/v1.0/applications",
        SUBSCRIPTION "/resources",
        SUBSCRIPTION "/resourceGroups",
        SUBSCRIPTION "/providers/Microsoft.Authorization/roleAssignments",
        SUBSCRIPTION "/providers/Microsoft.Authorization/roleDefinitions",
        SUBSCRIPTION "/resourceGroups/rg-apim/providers/Microsoft.ApiManagement/service/"
                     "contoso-apim/workspaces"};
    struct buffer query = {0};

    buffer_append_string(&query, "api-version=2022-04-01&$top=3&$count=true&$filter=");
    buffer_append_escaped(&query, filter);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct call call = {.method = CALL_GET,
                            .path = lists[i],
                            .query = query.data,
                            .authorization = fuzz.bearer,
                            .consistency_level = "eventual"};

        fuzz_ask(&call);
    }
    buffer_deinit(&query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *filter = memory_copy_text((const char *)data, size);
    struct filter_sql sql = {0};

    if (filter_compile(&sql, filter))
        check_condition(&sql);
    filter_release(&sql);
    fuzz_renew();
    ask_lists(filter);
    free(filter);
    return 0;
}
