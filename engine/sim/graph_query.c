/* engine/sim/graph_query.c - the query options of one request to Microsoft Graph, and how
 * objects are shown by them.
 *
 * What asks for an advanced query (ConsistencyLevel: eventual and $count=true): documented;
 * that $count=true alone is passed over, and all texts: assumed. */
#include "sim/graph_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/graph.h"
#include "sim/graph_relations.h"
#include "sim/world.h"

enum { DEFAULT_TOP = 100, LIMIT_TOP = 999 };

#define ADVANCED_HELP                                                                    \
    " Refer to https://aka.ms/graph-docs/advanced-queries for more information"

/* ---- $select and $expand ---- */

static size_t find_index(const struct graph_type *type)
{
    return (size_t)(type - graph_types);
}

static const char *name_of(const struct graph_type *type)
{
    return type != NULL ? type->odata_name : "directoryObject";
}

/* Adds a property to what every type that has it shows. */
static bool select_property(struct graph_selection *selection,
                            const struct graph_type *type, const char *name,
                            size_t length)
{
    bool is_known = false;

    for (size_t i = 0; i < GRAPH_TYPE_COUNT; i++) {
        const struct graph_property *property =
            graph_property_find(&graph_types[i], name, length);
        const struct graph_property **chosen = selection->of[i];
        size_t count = 0;

        if (property == NULL || (type != NULL && type != &graph_types[i]))
            continue;
        is_known = true;
        while (chosen[count] != NULL && chosen[count] != property)
            count++;
        if (count < GRAPH_SELECT_LIMIT)
            chosen[count] = property;
    }
    return is_known;
}

/* "id,displayName", of `length` characters. */
static bool read_selection(struct graph_selection *selection,
                           const struct graph_request *request,
                           const struct graph_type *type, const char *text, size_t length)
{
    const char *end = text + length;

    selection->is_all = false;
    while (text < end) {
        size_t word;

        while (*text == ' ')
            text++;
        word = strcspn(text, ", );");
        if (text + word > end)
            word = (size_t)(end - text);
        if (word == 1 && *text == '*')
            selection->is_all = true;
        else if (!select_property(selection, type, text, word))
            return graph_refuse(
                request, 400, "BadRequest",
                "Parsing OData Select and Expand failed: Could not find a "
                "property named '%.*s' on type 'microsoft.graph.%s'.",
                (int)(word < 100 ? word : 100), text, name_of(type));
        text += word;
        text += strspn(text, " ");
        text += *text == ',' ? 1 : 0;
    }
    return true;
}

static bool read_select(struct graph_query *query, const struct graph_request *request)
{
    const char *select = call_parameter(request->call, "$select");

    query->selection.is_all = true;
    return select == NULL || *select == '\0' ||
           read_selection(&query->selection, request, query->type, select,
                          strlen(select));
}

/* "members" or "members($select=id,displayName)"; Graph takes one of them. */
static bool read_expand(struct graph_query *query, const struct graph_request *request)
{
    static const char select[] = "($select=";
    const char *expand = call_parameter(request->call, "$expand");
    size_t name, length;

    query->expand_selection.is_all = true;
    if (expand == NULL || *expand == '\0')
        return true;
    name = strcspn(expand, "(");
    length = strlen(expand);
    if (query->type == NULL || memchr(expand, ',', name) != NULL ||
        (query->expand = graph_relation_find(expand, name)) == NULL)
        return graph_refuse(request, 400, "BadRequest",
                            "Parsing OData Select and Expand failed: '%.100s' cannot be "
                            "expanded on type 'microsoft.graph.%s'.",
                            expand, name_of(query->type));
    if (expand[name] == '\0')
        return true;
    if (!text_has_prefix_nocase(expand + name, select) || expand[length - 1] != ')')
        return graph_refuse(request, 400, "BadRequest",
                            "Parsing OData Select and Expand failed: '%.100s' takes no "
                            "option but $select.",
                            expand);
    name += sizeof select - 1;
    return read_selection(&query->expand_selection, request, NULL, expand + name,
                          length - name - 1);
}

/* ---- $filter and $search ---- */

static bool refuse_filter(const struct graph_query *query,
                          const struct graph_request *request, const char *what,
                          const char *text)
{
    const struct filter_sql *filter = &query->filter;

    switch (filter->fault) {
    case FILTER_PROPERTY:
        return graph_refuse(
            request, 400, "BadRequest",
            "Invalid %s clause: Could not find a property named '%s' on type "
            "'microsoft.graph.%s'.",
            what, filter->name, name_of(query->type));
    case FILTER_CLAUSE:
        return graph_refuse(
            request, 400, "Request_UnsupportedQuery",
            "Unsupported or invalid query %s clause specified for property "
            "'%s' of resource '%s'.",
            what, filter->name,
            query->type != NULL ? query->type->name : "DirectoryObject");
    case FILTER_ALTERNATIVES:
        return graph_refuse(
            request, 400, "Request_UnsupportedQuery",
            "Too many child clauses specified in search filter expression "
            "containing 'OR' operators: %zu. Max allowed: %d.",
            filter->count, FILTER_OR_LIMIT);
    case FILTER_SIZE:
        return graph_refuse(
            request, 400, "Request_UnsupportedQuery",
            "The %s clause is too complex: at most %d terms and %d levels "
            "are allowed.",
            what, FILTER_TERMS, FILTER_DEEPEST);
    case FILTER_GOOD:
    case FILTER_SYNTAX:
        break;
    }
    return graph_refuse(request, 400, "BadRequest",
                        "Invalid %s clause: Syntax error at position %zu in '%.200s'.",
                        what, filter->at, text);
}

static bool refuse_plain(const struct graph_request *request, const char *what)
{
    return graph_refuse(request, 400, "Request_UnsupportedQuery",
                        "%s is not supported because the 'ConsistencyLevel:eventual' "
                        "header is missing or "
                        "$count=true is." ADVANCED_HELP,
                        what);
}

static bool is_advanced(const struct graph_query *query)
{
    return query->is_eventual && query->is_counted;
}

/* Whether the property that was read last is one of the list's own type. */
static bool check_types(struct graph_query *query)
{
    if (query->type == NULL || (query->filter.types >> find_index(query->type) & 1) != 0)
        return true;
    query->filter.fault = FILTER_PROPERTY;
    return false;
}

static bool read_filter(struct graph_query *query, const struct graph_request *request,
                        bool is_related)
{
    const char *filter = call_parameter(request->call, "$filter");
    char what[80];

    if (filter == NULL)
        return true;
    if (!filter_compile(&query->filter, filter) || !check_types(query))
        return refuse_filter(query, request, "filter", filter);
    if (is_advanced(query))
        return true;
    if (query->filter.advanced != NULL) {
        snprintf(what, sizeof what, "Operator '%s'", query->filter.advanced);
        return refuse_plain(request, what);
    }
    if (query->order != GRAPH_BY_KEY && call_parameter(request->call, "$orderby") != NULL)
        return graph_refuse(request, 400, "Request_UnsupportedQuery",
                            "Sorting not supported for current query.");
    return !is_related ||
           graph_refuse(
               request, 400, "Request_UnsupportedQuery",
               "The specified filter to the reference property query is currently "
               "not supported.");
}

static bool read_search(struct graph_query *query, const struct graph_request *request)
{
    const char *search = call_parameter(request->call, "$search");

    if (search == NULL)
        return true;
    if (!query->is_eventual)
        return graph_refuse(
            request, 400, "Request_UnsupportedQuery",
            "Request with $search query parameter only works through MSGraph with "
            "a special request header: 'ConsistencyLevel: eventual'");
    return (filter_add_search(&query->filter, search) && check_types(query)) ||
           refuse_filter(query, request, "search", search);
}

/* ---- the others ---- */

static bool read_top(struct graph_query *query, const struct graph_request *request)
{
    const char *top = call_parameter(request->call, "$top");
    char *end = NULL;

    query->top = top != NULL ? strtol(top, &end, 10) : DEFAULT_TOP;
    return (query->top >= 1 && query->top <= LIMIT_TOP &&
            (end == NULL || *end == '\0')) ||
           graph_refuse(request, 400, "Request_UnsupportedQuery",
                        "Invalid page size specified: '%.100s'. Must be between 1 and %d "
                        "inclusive.",
                        top, LIMIT_TOP);
}

static bool read_order(struct graph_query *query, const struct graph_request *request,
                       bool is_related)
{
    static const struct {
        const char *text;
        enum graph_order order;
    } orders[] = {{"displayName", GRAPH_BY_NAME},
                  {"displayName asc", GRAPH_BY_NAME},
                  {"displayName desc", GRAPH_BY_NAME_DOWN}};
    const char *text = call_parameter(request->call, "$orderby");

    query->order = is_related ? GRAPH_BY_KEY : GRAPH_BY_NAME;
    if (text == NULL)
        return true;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (!text_equal_nocase(orders[i].text, text))
            continue;
        query->order = orders[i].order;
        return !is_related || is_advanced(query) || refuse_plain(request, "Sorting");
    }
    return graph_refuse(request, 400, "Request_UnsupportedQuery",
                        "Unsupported sort property '%.100s' for '%s'.", text,
                        query->type != NULL ? query->type->name : "DirectoryObject");
}

/* What begins with a dollar and is no option of ours. */
static bool check_names(const struct graph_request *request)
{
    static const char *const names[] = {"$select",  "$expand",    "$filter",
                                        "$search",  "$top",       "$count",
                                        "$orderby", "$skiptoken", "$format"};
    const struct call *call = request->call;

    for (size_t i = 0; i < call->parameter_count; i++) {
        const char *name = call->parameters[i].name;
        size_t known = 0;

        while (known < sizeof names / sizeof names[0] &&
               !text_equal_nocase(names[known], name))
            known++;
        if (*name == '$' && known == sizeof names / sizeof names[0])
            return graph_refuse(request, 400, "BadRequest",
                                "'%.100s' is not supported by the service.", name);
    }
    return true;
}

bool graph_query_read(struct graph_query *query, const struct graph_request *request,
                      const struct graph_type *type, bool is_related)
{
    const struct call *call = request->call;
    const char *count = call_parameter(call, "$count");

    *query = (struct graph_query){.type = type};
    query->is_eventual = call->consistency_level != NULL &&
                         text_equal_nocase(call->consistency_level, "eventual");
    query->is_counted = count != NULL && text_equal_nocase(count, "true");
    return check_names(request) && read_top(query, request) &&
           read_order(query, request, is_related) && read_select(query, request) &&
           read_expand(query, request) && read_filter(query, request, is_related) &&
           read_search(query, request);
}

bool graph_query_read_item(struct graph_query *query, const struct graph_request *request,
                           const struct graph_type *type)
{
    *query = (struct graph_query){.type = type};
    return check_names(request) && read_select(query, request) &&
           read_expand(query, request);
}

void graph_query_release(struct graph_query *query)
{
    filter_release(&query->filter);
}

/* ---- showing ---- */

static void append_selected(struct buffer *to,
                            const struct graph_property *const *properties,
                            const char *body, const char *hidden)
{
    cJSON *shown = json_parse(body, strlen(body), NULL);
    cJSON *rest = *hidden != '\0' ? json_parse(hidden, strlen(hidden), NULL) : NULL;

    for (; *properties != NULL; properties++) {
        const char *name = (*properties)->name;
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(shown, name);
        char *text;

        if (value == NULL)
            value = cJSON_GetObjectItemCaseSensitive(rest, name);
        if (to->data[to->length - 1] != '{')
            buffer_append_char(to, ',');
        buffer_printf(to, "\"%s\":", name);
        if (value == NULL) {
            const bool is_list = (*properties)->shape == GRAPH_TEXTS ||
                                 (*properties)->shape == GRAPH_OBJECTS;

            buffer_append_string(to, is_list ? "[]" : "null");
            continue;
        }
        text = json_print(value);
        buffer_append_string(to, text);
        free(text);
    }
    cJSON_Delete(shown);
    cJSON_Delete(rest);
}

void graph_append_object(struct buffer *to, const struct graph_selection *selection,
                         const struct graph_type *type, bool is_typed, const char *body,
                         const char *hidden)
{
    buffer_append_char(to, '{');
    if (is_typed)
        buffer_printf(to, "\"@odata.type\":\"#microsoft.graph.%s\"", type->odata_name);
    if (!selection->is_all) {
        append_selected(to, selection->of[find_index(type)], body, hidden);
        buffer_append_char(to, '}');
        return;
    }
    if (is_typed)
        buffer_append_char(to, ',');
    buffer_append_string(to, body + 1);
}

/* At most GRAPH_EXPAND_LIMIT of them. */
static void append_related(struct buffer *to, const struct graph_query *query,
                           const struct graph_request *request, const char *id)
{
    const struct graph_relation *relation = query->expand;
    struct database *database = request->world->database;
    char *sql =
        memory_format("%sSELECT object.type, body, hidden FROM %s WHERE %s AND"
                      " visible_ms <= ?2 ORDER BY %s LIMIT ?3",
                      relation->with, relation->from, relation->where, relation->key);
    sqlite3_stmt *row = database_query(database, sql, "tii", id, request->world->now_ms,
                                       (int64_t)GRAPH_EXPAND_LIMIT);
    bool is_first = true;

    while (database_step(database, row)) {
        if (!is_first)
            buffer_append_char(to, ',');
        is_first = false;
        graph_append_object(to, &query->expand_selection,
                            graph_type_find(database_column(row, 0)), true,
                            database_column(row, 1), database_column(row, 2));
    }
    free(sql);
}

void graph_append_expanded(struct buffer *to, const struct graph_query *query,
                           const struct graph_request *request,
                           const struct graph_type *type, bool is_typed, const char *id,
                           const char *body, const char *hidden)
{
    graph_append_object(to, &query->selection, type, is_typed, body, hidden);
    if (query->expand == NULL)
        return;
    to->length--; /* the closing brace */
    buffer_printf(to, "%s\"%s\":[", to->data[to->length - 1] == '{' ? "" : ",",
                  query->expand->name);
    append_related(to, query, request, id);
    buffer_append_string(to, "]}");
}

void graph_append_context(struct buffer *to, const struct graph_request *request,
                          const char *collection, const char *suffix)
{
    const char *select = call_parameter(request->call, "$select");
    struct buffer url = {0};

    buffer_printf(&url, "%s/v1.0/$metadata#%s", request->call->base, collection);
    if (select != NULL && *select != '\0')
        buffer_printf(&url, "(%s)", select);
    buffer_append_string(&url, suffix);
    buffer_append_string(to, "\"@odata.context\":");
    buffer_append_json_string(to, url.data, url.length);
    buffer_deinit(&url);
}
