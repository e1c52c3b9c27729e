/* engine/sim/graph_list.c - lists of Microsoft Graph, page by page. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/filter.h"
#include "sim/graph.h"
#include "sim/world.h"

enum { DEFAULT_TOP = 100, LIMIT_TOP = 999 };

struct list {
    const struct call *call;
    struct buffer items;
    long count, top;
    int64_t total; /* for $count, or -1 */
    char *next;    /* the token of the next page, or NULL */
};

static bool start_list(struct list *list, struct world *world, const struct call *call,
                       struct answer *answer)
{
    const char *top = call_parameter(call, "$top");
    char *end = NULL;
    const long number = top != NULL ? strtol(top, &end, 10) : DEFAULT_TOP;

    *list = (struct list){.call = call, .top = number, .total = -1};
    if (number >= 1 && number <= LIMIT_TOP && (end == NULL || *end == '\0'))
        return true;
    return graph_refuse(
        world, answer, 400, "Request_UnsupportedQuery",
        "Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", top,
        LIMIT_TOP);
}

static bool is_counted(const struct call *call)
{
    const char *count = call_parameter(call, "$count");

    return count != NULL && text_equal_nocase(count, "true");
}

static bool is_eventual(const struct call *call)
{
    return call->consistency_level != NULL &&
           text_equal_nocase(call->consistency_level, "eventual");
}

static void add(struct list *list, const char *type, const char *body)
{
    if (list->count++ > 0)
        buffer_append_char(&list->items, ',');
    graph_append_object(&list->items, type, body, call_parameter(list->call, "$select"));
}

static void append_next_link(struct buffer *to, const struct list *list)
{
    const struct call *call = list->call;
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

static void finish_list(struct list *list, struct answer *answer, const char *entity)
{
    answer_set_text(answer, 200, "");
    buffer_printf(&answer->body, "{\"@odata.context\":\"%s/v1.0/$metadata#%s\"",
                  list->call->base, entity);
    if (list->total >= 0)
        buffer_printf(&answer->body, ",\"@odata.count\":%lld", (long long)list->total);
    if (list->next != NULL) {
        buffer_append_string(&answer->body, ",\"@odata.nextLink\":");
        append_next_link(&answer->body, list);
    }
    buffer_append_string(&answer->body, ",\"value\":[");
    buffer_append(&answer->body, list->items.data, list->items.length);
    buffer_append_string(&answer->body, "]}");
    buffer_deinit(&list->items);
    free(list->next);
}

/* "displayName:x" in its quotes, as one more condition. */
static bool add_search(struct filter_sql *sql, const char *search)
{
    static const char prefix[] = "\"displayName:";
    const size_t length = strlen(search);

    if (!text_has_prefix_nocase(search, prefix) || length < sizeof prefix ||
        search[length - 1] != '"')
        return false;

    const int text =
        filter_add_text(sql, search + sizeof prefix - 1, length - sizeof prefix);

    if (sql->condition.length > 0)
        buffer_append_string(&sql->condition, " AND ");
    buffer_printf(&sql->condition, "instr(name_key, ?%d)", text);
    sql->speed = FILTER_IN_ORDER;
    return text != 0;
}

static bool compile(struct filter_sql *sql, struct world *world, const struct call *call,
                    struct answer *answer)
{
    const char *filter = call_parameter(call, "$filter");
    const char *search = call_parameter(call, "$search");

    *sql = (struct filter_sql){0};
    if (filter != NULL && !filter_compile(sql, filter))
        return graph_refuse(world, answer, 400, "Request_UnsupportedQuery",
                            "Unsupported or invalid query filter clause: %.200s", filter);
    if (search != NULL && !is_eventual(call))
        return graph_refuse(
            world, answer, 400, "Request_UnsupportedQuery",
            "Request with $search query parameter only works through MSGraph with "
            "a special request header: 'ConsistencyLevel: eventual'");
    if (search != NULL && !add_search(sql, search))
        return graph_refuse(world, answer, 400, "Request_UnsupportedQuery",
                            "Unsupported $search: %.200s", search);
    return true;
}

static void bind_texts(sqlite3_stmt *statement, const struct filter_sql *sql)
{
    for (size_t i = 0; i < sql->text_count; i++)
        sqlite3_bind_text(statement, FILTER_FIRST + (int)i, sql->texts[i], -1,
                          SQLITE_STATIC);
}

/* A plus keeps SQLite from using an index for a term where another index is the better one. */
static const char *plus_if(bool condition)
{
    return condition ? "+" : "";
}

/* By display name, which is what an index sorts them by. */
static void query_objects(struct world *world, struct list *list,
                          const struct filter_sql *sql, const char *type)
{
    const char *token = call_parameter(list->call, "$skiptoken");
    const char *plus = plus_if(sql->speed != FILTER_IN_ORDER);
    const bool has_token = token != NULL && strlen(token) >= UUID_TEXT_SIZE - 1;
    char *after_id =
        memory_copy_text(has_token ? token : "", has_token ? UUID_TEXT_SIZE - 1 : 0);
    char *query = memory_format(
        "SELECT body, id, name_key FROM object WHERE %stype = ?1 AND (%s) AND"
        " (%sname_key, id) > (?2, ?3) ORDER BY %sname_key, id LIMIT ?4",
        plus_if(sql->speed == FILTER_BY_KEY),
        sql->condition.length > 0 ? sql->condition.data : "1", plus, plus);
    sqlite3_stmt *row = database_query(world->database, query, "ttti", type,
                                       has_token ? token + UUID_TEXT_SIZE - 1 : "",
                                       after_id, (int64_t)list->top + 1);
    char *last = NULL;

    bind_texts(row, sql);
    while (database_step(world->database, row)) {
        if (list->count == list->top) {
            list->next = last;
            last = NULL;
            database_done(row);
            break;
        }
        add(list, NULL, database_column(row, 0));
        free(last);
        last = memory_format("%s%s", database_column(row, 1), database_column(row, 2));
    }
    free(last);
    free(query);
    free(after_id);
}

static int64_t count_objects(struct world *world, const struct filter_sql *sql,
                             const char *type)
{
    char *query = memory_format("SELECT COUNT(*) FROM object WHERE %stype = ?1 AND (%s)",
                                plus_if(sql->speed == FILTER_BY_KEY),
                                sql->condition.length > 0 ? sql->condition.data : "1");
    sqlite3_stmt *row = database_query(world->database, query, "t", type);
    int64_t count = 0;

    bind_texts(row, sql);
    while (database_step(world->database, row))
        count = sqlite3_column_int64(row, 0);
    free(query);
    return count;
}

void graph_list_objects(struct world *world, const struct call *call,
                        struct answer *answer, const char *type, const char *entity)
{
    struct filter_sql sql;
    struct list list;

    if (!start_list(&list, world, call, answer))
        return;
    if (compile(&sql, world, call, answer)) {
        query_objects(world, &list, &sql, type);
        if (is_counted(call))
            list.total = count_objects(world, &sql, type);
        finish_list(&list, answer, entity);
    }
    filter_release(&sql);
}

/* The type that ".../microsoft.graph.user" asks for, "" without a cast, NULL when
 * unknown. */
static const char *find_cast(const struct call *call)
{
    if (call->segment_count < 5)
        return "";
    if (call_segment_is(call, 4, "microsoft.graph.user"))
        return "User";
    if (call_segment_is(call, 4, "microsoft.graph.group"))
        return "Group";
    return call_segment_is(call, 4, "microsoft.graph.servicePrincipal")
               ? "ServicePrincipal"
               : NULL;
}

static sqlite3_stmt *query_members(struct world *world, const char *group,
                                   const char *type, const char *after, int64_t limit,
                                   bool is_transitive)
{
    static const char direct[] =
        "SELECT object.type, object.body, object.id FROM member CROSS JOIN object"
        " ON object.id = member.member WHERE member.owner = ?1 AND member.member > ?3"
        " AND (?2 = '' OR object.type = ?2) ORDER BY member.member LIMIT ?4";
    static const char all[] =
        "WITH RECURSIVE below (id) AS (SELECT member FROM member WHERE owner = ?1 UNION"
        " SELECT member.member FROM below CROSS JOIN member ON member.owner = below.id)"
        " SELECT object.type, object.body, object.id FROM below CROSS JOIN object"
        " ON object.id = below.id WHERE object.id > ?3 AND (?2 = '' OR object.type = ?2)"
        " ORDER BY object.id LIMIT ?4";

    return database_query(world->database, is_transitive ? all : direct, "ttti", group,
                          type, after, limit);
}

static void collect_members(struct world *world, struct list *list, const char *group,
                            const char *type, bool is_transitive)
{
    const char *token = call_parameter(list->call, "$skiptoken");
    sqlite3_stmt *row = query_members(world, group, type, token != NULL ? token : "",
                                      (int64_t)list->top + 1, is_transitive);
    char last[UUID_TEXT_SIZE] = "";

    while (database_step(world->database, row)) {
        if (list->count == list->top) {
            list->next = memory_copy_string(last);
            database_done(row);
            break;
        }
        add(list, database_column(row, 0), database_column(row, 1));
        strncpy(last, database_column(row, 2), sizeof last - 1);
    }
}

static int64_t count_members(struct world *world, const char *group, const char *type,
                             bool is_transitive)
{
    sqlite3_stmt *row = query_members(world, group, type, "", INT64_MAX, is_transitive);
    int64_t count = 0;

    while (database_step(world->database, row))
        count++;
    return count;
}

void graph_list_members(struct world *world, const struct call *call,
                        struct answer *answer, const char *group, bool is_transitive)
{
    const char *type = find_cast(call);
    struct list list;

    if (database_number(world->database, 0,
                        "SELECT 1 FROM object WHERE id = ? AND type = 'Group'", "t",
                        group) == 0) {
        graph_refuse_missing(world, answer, group);
    } else if (type == NULL) {
        graph_refuse(world, answer, 400, "Request_BadRequest", "Unknown type cast '%s'.",
                     call->segments[4]);
    } else if (*type != '\0' && (!is_eventual(call) || !is_counted(call))) {
        graph_refuse(
            world, answer, 400, "Request_UnsupportedQuery",
            "A cast needs the header 'ConsistencyLevel: eventual' and $count=true.");
    } else if (start_list(&list, world, call, answer)) {
        collect_members(world, &list, group, type, is_transitive);
        if (is_counted(call))
            list.total = count_members(world, group, type, is_transitive);
        finish_list(&list, answer, "directoryObjects");
    }
}
