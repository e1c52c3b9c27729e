/* engine/sim/graph_list.c - lists of Microsoft Graph, page by page.
 *
 * A page's token is the id and the name of its last object, so that pages stay good while
 * objects come and go. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/graph_query.h"
#include "sim/graph_relations.h"
#include "sim/world.h"

/* Where the objects of a list come from. */
struct source {
    struct graph_relation relation; /* without a name: all of a type */
    const char *owner;              /* ?1: the type or the object */
    const struct graph_type *cast;  /* or NULL */
};

struct list {
    struct graph_request *request;
    struct graph_query query;
    struct source source;
    const char *collection; /* what the context says */
    char after_id[UUID_TEXT_SIZE];
    const char *after_name; /* NULL: the first page */
    struct buffer items;
    long count;
    char *next; /* the token of the next page, or NULL */
};

/* ---- the statement ---- */

/* A plus keeps SQLite from using an index for a term where another one is better. */
static const char *plus_if(bool condition)
{
    return condition ? "+" : "";
}

static void append_from(struct buffer *sql, const struct list *list)
{
    const struct source *source = &list->source;
    const struct filter_sql *filter = &list->query.filter;

    if (source->relation.name == NULL)
        buffer_printf(sql, "object WHERE %stype = ?1",
                      plus_if(filter->speed == FILTER_BY_KEY));
    else
        buffer_printf(sql, "%s WHERE %s", source->relation.from, source->relation.where);
    buffer_append_string(sql,
                         " AND (?2 IS NULL OR +object.type = ?2) AND visible_ms <= ?3");
    if (filter->condition.length > 0)
        buffer_printf(sql, " AND (%s)", filter->condition.data);
}

static void append_order(struct buffer *sql, const struct list *list)
{
    const struct graph_query *query = &list->query;
    const char *plus = plus_if(query->filter.speed != FILTER_IN_ORDER);
    const bool is_down = query->order == GRAPH_BY_NAME_DOWN;

    if (query->order == GRAPH_BY_KEY) {
        if (list->after_name != NULL)
            buffer_printf(sql, " AND %s > ?5", list->source.relation.key);
        buffer_printf(sql, " ORDER BY %s LIMIT ?6", list->source.relation.key);
        return;
    }
    if (list->after_name != NULL)
        buffer_printf(sql, " AND (%sname_key, object.id) %c (?4, ?5)", plus,
                      is_down ? '<' : '>');
    buffer_printf(sql, " ORDER BY %sname_key%s, object.id%s LIMIT ?6", plus,
                  is_down ? " DESC" : "", is_down ? " DESC" : "");
}

/* The statement with its parameters, owned by the caller when `*is_owned` says so. */
static sqlite3_stmt *prepare(const struct list *list, const char *sql, bool *is_owned)
{
    const struct filter_sql *filter = &list->query.filter;
    struct database *database = list->request->world->database;
    sqlite3_stmt *statement;
    const char *const texts[] = {
        list->source.owner, list->source.cast != NULL ? list->source.cast->name : NULL};

    *is_owned = filter->term_count > 1 || filter->reads_body; /* too many to keep all */
    statement = *is_owned ? database_query_once(database, sql)
                          : database_query(database, sql, "");
    if (statement == NULL)
        return NULL;
    sqlite3_bind_text(statement, 1, texts[0], -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, texts[1], -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, list->request->world->now_ms);
    for (size_t i = 0; i < filter->text_count; i++)
        sqlite3_bind_text(statement, FILTER_FIRST + (int)i, filter->texts[i], -1,
                          SQLITE_STATIC);
    return statement;
}

static void finish(sqlite3_stmt *statement, bool is_owned)
{
    if (is_owned)
        sqlite3_finalize(statement);
    else
        database_done(statement);
}

static sqlite3_stmt *query_page(struct list *list, bool *is_owned)
{
    struct buffer sql = {0};
    sqlite3_stmt *statement;

    buffer_printf(&sql, "%sSELECT object.type, body, hidden, object.id, name_key FROM ",
                  list->source.relation.with != NULL ? list->source.relation.with : "");
    append_from(&sql, list);
    append_order(&sql, list);
    statement = prepare(list, sql.data, is_owned);
    if (statement != NULL) {
        sqlite3_bind_text(statement, 4, list->after_name, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 5, list->after_id, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 6, list->query.top + 1);
    }
    buffer_deinit(&sql);
    return statement;
}

static int64_t count_all(const struct list *list)
{
    struct database *database = list->request->world->database;
    struct buffer sql = {0};
    bool is_owned;
    int64_t count = 0;

    buffer_printf(&sql, "%sSELECT COUNT(*) FROM ",
                  list->source.relation.with != NULL ? list->source.relation.with : "");
    append_from(&sql, list);

    sqlite3_stmt *row = prepare(list, sql.data, &is_owned);

    if (database_step(database, row))
        count = sqlite3_column_int64(row, 0);
    finish(row, is_owned);
    buffer_deinit(&sql);
    return count;
}

/* ---- pages ---- */

static bool read_token(struct list *list)
{
    const char *token = call_parameter(list->request->call, "$skiptoken");

    if (token == NULL)
        return true;
    if (strlen(token) >= UUID_TEXT_SIZE - 1) {
        memcpy(list->after_id, token, UUID_TEXT_SIZE - 1);
        list->after_name = token + UUID_TEXT_SIZE - 1;
    }
    return uuid_is_valid(list->after_id) ||
           graph_refuse(list->request, 400, "Directory_ExpiredPageToken",
                        "The specified page token value has expired and can no longer be "
                        "included in your request.");
}

static void add_reference(struct list *list, const char *id)
{
    buffer_printf(&list->items, "{\"@odata.id\":\"%s/v2/%s/directoryObjects/%s\"}",
                  list->request->call->base, list->request->world->profile.tenant_id, id);
}

/* Reads a page. `is_typed`: the objects are of several types. */
static void collect(struct list *list, bool is_typed, bool is_reference)
{
    struct database *database = list->request->world->database;
    bool is_owned;
    sqlite3_stmt *row = query_page(list, &is_owned);
    char *last = NULL;

    while (database_step(database, row)) {
        if (list->count == list->query.top) {
            list->next = last;
            last = NULL;
            break;
        }
        if (list->count++ > 0)
            buffer_append_char(&list->items, ',');
        if (is_reference)
            add_reference(list, database_column(row, 3));
        else
            graph_append_expanded(&list->items, &list->query, list->request,
                                  graph_type_find(database_column(row, 0)), is_typed,
                                  database_column(row, 3), database_column(row, 1),
                                  database_column(row, 2));
        free(last);
        last = memory_format("%s%s", database_column(row, 3), database_column(row, 4));
    }
    finish(row, is_owned);
    free(last);
}

static void append_next_link(struct buffer *to, const struct list *list)
{
    const struct call *call = list->request->call;
    struct buffer url = {0};

    buffer_printf(&url, "%s%s?", call->base, call->path);
    for (size_t i = 0; i < call->parameter_count; i++) {
        if (text_equal_nocase(call->parameters[i].name, "$skiptoken"))
            continue;
        buffer_printf(&url, "%s=", call->parameters[i].name);
        buffer_append_escaped(&url, call->parameters[i].value);
        buffer_append_char(&url, '&');
    }
    buffer_append_string(&url, "$skiptoken=");
    buffer_append_escaped(&url, list->next);
    buffer_append_json_string(to, url.data, url.length);
    buffer_deinit(&url);
}

static void answer_list(struct list *list)
{
    struct buffer *body = &list->request->answer->body;
    const bool is_counted = list->query.is_counted && list->query.is_eventual;
    const int64_t total = is_counted ? count_all(list) : 0;

    answer_set_text(list->request->answer, 200, "{");
    graph_append_context(body, list->request, list->collection, "");
    if (is_counted)
        buffer_printf(body, ",\"@odata.count\":%lld", (long long)total);
    if (list->next != NULL) {
        buffer_append_string(body, ",\"@odata.nextLink\":");
        append_next_link(body, list);
    }
    buffer_append_string(body, ",\"value\":[");
    buffer_append(body, list->items.data, list->items.length);
    buffer_append_string(body, "]}");
}

static void close_list(struct list *list)
{
    graph_query_release(&list->query);
    buffer_deinit(&list->items);
    free(list->next);
}

/* ---- objects of a type ---- */

static bool open_list(struct list *list, struct graph_request *request)
{
    *list = (struct list){.request = request,
                          .source.owner = request->type->name,
                          .collection = request->type->collection};
    return graph_query_read(&list->query, request, request->type, false) &&
           read_token(list);
}

void graph_list(struct graph_request *request)
{
    struct list list;

    if (open_list(&list, request)) {
        collect(&list, false, false);
        answer_list(&list);
    }
    close_list(&list);
}

/* A bare number, which needs the header. */
static void answer_count(struct list *list)
{
    struct answer *answer = list->request->answer;

    if (!list->query.is_eventual) {
        graph_refuse(list->request, 400, "Request_BadRequest",
                     "$count is not currently supported.");
        return;
    }
    answer_set_text(answer, 200, "");
    buffer_printf(&answer->body, "%lld", (long long)count_all(list));
    answer->content_type = "text/plain";
}

/* The segment asks for what $count=true does. */
static void add_count_option(struct call *call)
{
    if (call_parameter(call, "$count") == NULL &&
        call->parameter_count < CALL_PARAMETER_LIMIT)
        call->parameters[call->parameter_count++] =
            (struct call_parameter){"$count", "true"};
}

void graph_count(struct graph_request *request)
{
    struct list list;

    add_count_option(request->call);
    if (open_list(&list, request))
        answer_count(&list);
    close_list(&list);
}

/* ---- members, owners and their like ---- */

static bool check_cast(const struct list *list)
{
    return list->source.cast == NULL ||
           (list->query.is_eventual && list->query.is_counted) ||
           graph_refuse(list->request, 400, "Request_UnsupportedQuery",
                        "A cast needs the header 'ConsistencyLevel: eventual' and "
                        "$count=true.");
}

static bool open_related(struct list *list, struct graph_request *request)
{
    char *type = directory_find_type(request->world, request->id);
    const bool is_known =
        type != NULL && (request->type == NULL || strcmp(type, request->type->name) == 0);

    free(type);
    *list = (struct list){.request = request,
                          .source = {.relation = *graph_relation_find(
                                         request->relation, strlen(request->relation)),
                                     .owner = request->id,
                                     .cast = request->cast},
                          .collection = request->cast != NULL ? request->cast->collection
                                                              : "directoryObjects"};
    if (!is_known)
        return graph_refuse_missing(request, request->id);
    return graph_query_read(&list->query, request, request->cast, true) &&
           check_cast(list) && read_token(list);
}

void graph_list_related(struct graph_request *request)
{
    struct list list;

    if (open_related(&list, request)) {
        collect(&list, request->cast == NULL, false);
        answer_list(&list);
    }
    close_list(&list);
}

void graph_count_related(struct graph_request *request)
{
    struct list list;

    add_count_option(request->call);
    if (open_related(&list, request))
        answer_count(&list);
    close_list(&list);
}

void graph_list_references(struct graph_request *request)
{
    struct list list;

    if (open_related(&list, request)) {
        list.collection = "Collection($ref)";
        collect(&list, false, true);
        answer_list(&list);
    }
    close_list(&list);
}

/* ---- the recycle bin ---- */

static bool open_deleted(struct list *list, struct graph_request *request)
{
    *list = (struct list){.request = request, .collection = request->cast->collection};
    if (!graph_query_read(&list->query, request, request->cast, false) ||
        !read_token(list))
        return false;
    return (list->query.filter.condition.length == 0 && list->query.expand == NULL &&
            !list->query.is_counted &&
            call_parameter(request->call, "$orderby") == NULL) ||
           graph_refuse(request, 400, "Request_UnsupportedQuery",
                        "Deleted items take $select and $top alone.");
}

static void collect_deleted(struct list *list)
{
    struct database *database = list->request->world->database;
    sqlite3_stmt *row = database_query(
        database,
        "SELECT body, id FROM bin WHERE type = ? AND id > ? ORDER BY id LIMIT ?", "tti",
        list->request->cast->name, list->after_id, (int64_t)list->query.top + 1);
    char last[UUID_TEXT_SIZE] = "";

    while (database_step(database, row)) {
        if (list->count == list->query.top) {
            list->next = memory_copy_string(last);
            database_done(row);
            break;
        }
        if (list->count++ > 0)
            buffer_append_char(&list->items, ',');
        graph_append_object(&list->items, &list->query.selection, list->request->cast,
                            false, database_column(row, 0), "");
        strncpy(last, database_column(row, 1), sizeof last - 1);
    }
}

void graph_list_deleted(struct graph_request *request)
{
    struct list list;

    if (open_deleted(&list, request)) {
        collect_deleted(&list);
        answer_list(&list);
    }
    close_list(&list);
}
