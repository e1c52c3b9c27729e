/* engine/sim/graph_memberships.c - what a principal is a member of, through all its groups:
 * checkMemberGroups, getMemberGroups and the same of objects.
 *
 * Only groups have members here, so groups and objects differ by their limits alone. */
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/graph.h"
#include "sim/graph_query.h"
#include "sim/graph_relations.h"
#include "sim/world.h"

/* Of checkMember..: documented for groups, assumed for objects. */
enum { CHECK_LIMIT = 20 };

/* "{with}SELECT .. of the groups that ?1 is in, at any depth". Owned by the caller. */
static char *format_query(const char *condition)
{
    const struct graph_relation *above = graph_relation_find("transitiveMemberOf", 18);

    return memory_format(
        "%sSELECT object.id FROM %s WHERE %s AND visible_ms <= ?2 AND %s", above->with,
        above->from, above->where, condition);
}

static void begin_answer(struct graph_request *request)
{
    answer_set_text(request->answer, 200, "{");
    graph_append_context(&request->answer->body, request, "Collection(Edm.String)", "");
    buffer_append_string(&request->answer->body, ",\"value\":[");
}

static void append_id(struct buffer *to, const char *id)
{
    buffer_printf(to, "%s\"%s\"", to->data[to->length - 1] == '[' ? "" : ",", id);
}

static void check_members(struct graph_request *request, const char *list_name)
{
    struct database *database = request->world->database;
    const cJSON *ids = json_at(call_json(request->call), list_name), *id;
    const int count = cJSON_GetArraySize(ids);
    char *sql;

    if (!cJSON_IsArray(ids) || count == 0 || count > CHECK_LIMIT) {
        graph_refuse(request, 400, "Request_BadRequest",
                     "'%s' must be a list of 1 to %d ids.", list_name, CHECK_LIMIT);
        return;
    }
    if (!graph_check_object(request))
        return;
    sql = format_query("object.id = ?3");
    begin_answer(request);
    cJSON_ArrayForEach (id, ids) {
        char *key =
            cJSON_IsString(id) ? text_lower(memory_copy_string(id->valuestring)) : NULL;

        char *found =
            database_text(database, sql, "tit", request->id, request->world->now_ms, key);

        if (found != NULL)
            append_id(&request->answer->body, found);
        free(found);
        free(key);
    }
    buffer_append_string(&request->answer->body, "]}");
    free(sql);
}

void graph_check_member_groups(struct graph_request *request)
{
    check_members(request, "groupIds");
}

void graph_check_member_objects(struct graph_request *request)
{
    check_members(request, "ids");
}

void graph_get_member_groups(struct graph_request *request)
{
    struct database *database = request->world->database;
    const cJSON *is_security = json_at(call_json(request->call), "securityEnabledOnly");
    sqlite3_stmt *row;
    char *sql;

    if (!cJSON_IsBool(is_security)) {
        graph_refuse(request, 400, "Request_BadRequest",
                     "A value is required for parameter 'securityEnabledOnly'.");
        return;
    }
    if (!graph_check_object(request))
        return;
    sql = format_query("(?3 = 0 OR json_extract(body, '$.securityEnabled')) ORDER BY 1");
    row = database_query(database, sql, "tii", request->id, request->world->now_ms,
                         (int64_t)cJSON_IsTrue(is_security));
    begin_answer(request);
    while (database_step(database, row))
        append_id(&request->answer->body, database_column(row, 0));
    buffer_append_string(&request->answer->body, "]}");
    free(sql);
}
