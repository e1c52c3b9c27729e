/* engine/sim/resources.c - the resources of a scope, whatever their type.
 *
 * They are listed type by type, each in the order of its keys, so that the index finds a
 * page's first row: $skiptoken is "type|key" of the last row that was shown. A filter is
 * asked of one row after the other. */
#include "sim/resources.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/item.h"
#include "sim/list_filter.h"
#include "sim/target.h"
#include "sim/world.h"

/* As documented; what a resource here never has (plan, identity) is left out. */
static const struct list_field fields[] = {
    {"name", "name", LIST_EQUAL | LIST_SUBSTRING},
    {"resourceType", "type", LIST_EQUAL},
    {"resourceGroup", "resourceGroup", LIST_EQUAL | LIST_SUBSTRING},
    {"location", "location", LIST_EQUAL},
    {0}};

static const char *const expansions[] = {"createdTime", "changedTime",
                                         "provisioningState"};

enum {
    EXPAND_CREATED = 1,
    EXPAND_CHANGED = 2,
    EXPAND_STATE = 4,
    EXPANSION_COUNT = sizeof expansions / sizeof expansions[0]
};

struct request {
    struct list_filter *filter; /* or NULL */
    char *tag, *value;          /* or NULL */
    unsigned expand;
    const char *group; /* key, or NULL: all groups */
    struct page page;
    struct buffer last; /* token of the last row shown */
    bool has_more;
};

static bool read_filter(struct request *request, const char *text, struct answer *answer)
{
    char *wrong = NULL;

    if (text == NULL || item_read_tag_filter(text, &request->tag, &request->value))
        return true;
    request->filter = list_filter_parse(text, fields, &wrong);
    if (wrong != NULL)
        answer_refuse(answer, REFUSE_FILTER, "%s", wrong);
    free(wrong);
    return request->filter != NULL;
}

static bool read_expand(struct request *request, const char *text, struct answer *answer)
{
    while (text != NULL && *text != '\0') {
        const size_t length = strcspn(text, ",");
        char *name = memory_copy_text(text, length);
        size_t i = 0;

        while (i < EXPANSION_COUNT && !text_equal_nocase(expansions[i], name))
            i++;
        if (i == EXPANSION_COUNT)
            answer_refuse(answer, REFUSE_REQUEST_URI,
                          "$expand '%s' is none of createdTime, changedTime, "
                          "provisioningState.",
                          name);
        free(name);
        if (i == EXPANSION_COUNT)
            return false;
        request->expand |= 1u << i;
        text += length + (text[length] == ',');
    }
    return true;
}

/* A row as it is shown, with `resourceGroup` beside for the filter; owned by the caller.
 */
static cJSON *describe(const char *text, int64_t created_ms, unsigned expand)
{
    static const char *const kept[] = {"id",   "name", "type", "location",
                                       "tags", "sku",  "kind", "identity"};
    cJSON *whole = json_parse(text, strlen(text), NULL), *body = cJSON_CreateObject();
    const char *state = json_string_at(whole, "properties.provisioningState");
    const char *group;
    char created[CLOCK_TEXT_SIZE];

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        cJSON *member = cJSON_DetachItemFromObjectCaseSensitive(whole, kept[i]);

        if (member != NULL)
            cJSON_AddItemToObject(body, kept[i], member);
    }
    clock_format_utc(created_ms, created);
    if ((expand & EXPAND_CREATED) != 0)
        cJSON_AddStringToObject(body, "createdTime", created);
    if ((expand & EXPAND_CHANGED) != 0) /* the time of the last write is not kept */
        cJSON_AddStringToObject(body, "changedTime", created);
    if ((expand & EXPAND_STATE) != 0 && state != NULL)
        cJSON_AddStringToObject(body, "provisioningState", state);
    group = json_string_at(body, "id");
    for (int slashes = 0; slashes < 4; group++)
        slashes += *group == '/';

    char *name = memory_copy_text(group, strcspn(group, "/"));

    cJSON_AddStringToObject(body, "resourceGroup", name);
    free(name);
    cJSON_Delete(whole);
    return body;
}

static bool is_wanted(const struct request *request, const cJSON *body)
{
    if (request->tag != NULL)
        return item_has_tag(body, request->tag, request->value);
    return request->filter == NULL || list_filter_matches(request->filter, body);
}

static sqlite3_stmt *query(struct world *world, const struct request *request,
                           const struct kind *kind, const char *after)
{
    if (request->group != NULL)
        return database_query(
            world->database,
            "SELECT key, body, created_ms FROM entity WHERE parent = ? AND type = ? AND"
            " key > ? ORDER BY key",
            "ttt", request->group, kind->arm_type, after);
    return database_query(world->database,
                          "SELECT key, body, created_ms FROM entity WHERE type = ? AND"
                          " key > ? ORDER BY key",
                          "tt", kind->arm_type, after);
}

static void list_kind(struct world *world, struct request *request,
                      const struct kind *kind, const char *after)
{
    sqlite3_stmt *row = query(world, request, kind, after);

    while (!request->has_more && database_step(world->database, row)) {
        cJSON *body = describe(database_column(row, 1), sqlite3_column_int64(row, 2),
                               request->expand);

        if (is_wanted(request, body)) {
            request->has_more = request->page.count == request->page.limit;
            if (request->has_more) {
                database_done(row);
            } else {
                cJSON_DeleteItemFromObjectCaseSensitive(body, "resourceGroup");

                char *text = json_print(body);

                page_add(&request->page, text);
                buffer_clear(&request->last);
                buffer_printf(&request->last, "%s|%s", kind->arm_type,
                              database_column(row, 0));
                free(text);
            }
        }
        cJSON_Delete(body);
    }
}

/* From the type and key of the token on. */
static void list_all(struct world *world, struct request *request, const char *token)
{
    const char *bar = token != NULL ? strchr(token, '|') : NULL;
    bool is_on = bar == NULL;

    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        const bool is_first = !is_on &&
                              strlen((*kind)->arm_type) == (size_t)(bar - token) &&
                              text_has_prefix_nocase(token, (*kind)->arm_type);

        is_on = is_on || is_first;
        if (is_on && (*kind)->parent == &resource_group_kind && !request->has_more)
            list_kind(world, request, *kind, is_first ? bar + 1 : "");
    }
}

void resources_list(struct world *world, const struct call *call,
                    const struct target *target, struct answer *answer)
{
    struct request request = {0};
    struct buffer next = {0};

    if (strcmp(target->key, world->subscription_key) != 0)
        request.group = target->key;
    if (request.group != NULL && !entity_exists(world, request.group)) {
        answer_refuse(answer, REFUSE_RESOURCE_GROUP,
                      "Resource group '%s' could not be found.",
                      strrchr(target->id, '/') + 1);
    } else if (page_open(&request.page, call, answer) &&
               read_filter(&request, call_parameter(call, "$filter"), answer) &&
               read_expand(&request, call_parameter(call, "$expand"), answer)) {
        list_all(world, &request, call_parameter(call, "$skiptoken"));
        if (request.has_more) {
            buffer_append_string(&next, "$skiptoken=");
            buffer_append_escaped(&next, request.last.data);
        }
        page_close(&request.page, call, answer, -1, next.data);
    }
    buffer_deinit(&next);
    buffer_deinit(&request.last);
    list_filter_free(request.filter);
    free(request.tag);
    free(request.value);
}
