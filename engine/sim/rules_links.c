/* engine/sim/rules_links.c - workspaceLinks: the connections of gateways, seen from the
 * workspaces. A workspace without a gateway has no link (assumed; no source tells). */
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/kind.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/entity.h"
#include "sim/item.h"
#include "sim/target.h"
#include "sim/world.h"

/* The ids of the gateways that serve a workspace, or NULL when there are none. */
static cJSON *find_gateways(struct world *world, const char *workspace)
{
    cJSON *gateways = cJSON_CreateArray();
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT gateway.id FROM link JOIN entity AS connection"
        " ON connection.key = link.source JOIN entity AS gateway"
        " ON gateway.key = connection.parent WHERE link.target = ? AND link.type ="
        " 'Microsoft.ApiManagement/gateways/configConnections' ORDER BY link.source",
        "t", workspace);

    while (database_step(world->database, row)) {
        cJSON *gateway = cJSON_CreateObject();

        cJSON_AddStringToObject(gateway, "id", database_column(row, 0));
        cJSON_AddItemToArray(gateways, gateway);
    }
    if (gateways->child != NULL)
        return gateways;
    cJSON_Delete(gateways);
    return NULL;
}

/* The text of a workspace's link, owned by the caller, or NULL when there is none. */
static char *describe(struct world *world, const struct entity *workspace)
{
    cJSON *gateways = find_gateways(world, workspace->key), *body;
    const char *name = strrchr(workspace->id, '/') + 1;

    if (gateways == NULL)
        return NULL;

    char *etag = entity_format_etag(&workspace_link_kind, workspace->version);
    char *service = memory_copy_text(workspace->id, strlen(workspace->parent));
    char *id = kind_format_id(&workspace_link_kind, service, name);

    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", name);
    cJSON_AddStringToObject(body, "type", workspace_link_kind.arm_type);
    etag[strlen(etag) - 1] = '\0';
    cJSON_AddStringToObject(body, "etag", etag + 1);
    json_set_at(body, "properties.workspaceId", cJSON_CreateString(workspace->id));
    json_set_at(body, "properties.gateways", gateways);

    char *text = json_print(body);

    cJSON_Delete(body);
    free(etag);
    free(service);
    free(id);
    return text;
}

static void get_link(struct world *world, const struct call *call,
                     const struct target *target, struct answer *answer)
{
    char *key =
        memory_format("%s/workspaces/%s", target->parent, strrchr(target->key, '/') + 1);
    struct entity *workspace = entity_find(world, key);
    char *text = workspace != NULL ? describe(world, workspace) : NULL;

    (void)call;
    if (text != NULL)
        answer_set_text(answer, 200, text);
    else
        target_answer_missing(target, world, answer);
    free(text);
    entity_free(workspace);
    free(key);
}

/* The workspace of the first link behind `after`, owned by the caller, or NULL. */
static struct entity *find_next(struct world *world, const char *after, const char *end)
{
    char *key =
        database_text(world->database,
                      "SELECT target FROM link WHERE target > ? AND target < ? AND type ="
                      " 'Microsoft.ApiManagement/gateways/configConnections'"
                      " ORDER BY target LIMIT 1",
                      "tt", after, end);
    struct entity *workspace = key != NULL ? entity_find(world, key) : NULL;

    free(key);
    return workspace;
}

static void list_links(struct world *world, const struct call *call,
                       const struct target *target, struct answer *answer)
{
    const char *token = call_parameter(call, "$skiptoken");
    char *after =
        memory_format("%s/workspaces/%s", target->parent, token != NULL ? token : "");
    char *end = memory_format("%s/workspaces0", target->parent);
    struct entity *workspace;
    struct buffer next = {0};
    struct page page;

    if (page_open(&page, call, answer)) {
        while (next.length == 0 && (workspace = find_next(world, after, end)) != NULL) {
            if (page.count == page.limit) {
                buffer_append_string(&next, "$skiptoken=");
                buffer_append_escaped(&next, strrchr(after, '/') + 1);
            } else {
                char *text = describe(world, workspace);

                page_add(&page, text);
                free(text);
                free(after);
                after = memory_copy_string(workspace->key);
            }
            entity_free(workspace);
        }
        page_close(&page, call, answer, -1, next.data);
    }
    buffer_deinit(&next);
    free(after);
    free(end);
}

const struct rules workspace_link_rules = {
    .kind = &workspace_link_kind, .get = get_link, .list = list_links};
