/* engine/sim/graph_groups.c - changes to groups and their members in Microsoft Graph. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/ledger.h"
#include "sim/shape.h"
#include "sim/world.h"

enum { NAME_LIMIT = 256, NICKNAME_LIMIT = 64, BIND_LIMIT = 20 };

static void commit(struct world *world, struct answer *answer)
{
    world_save_time(world);
    if (!database_commit(world->database))
        graph_refuse(world, answer, 500, "InternalServerError",
                     "The simulator could not keep the change: %s",
                     database_error(world->database));
}

static void log_group(struct world *world,
                      void (*log)(struct world *world, const char *id), const char *group,
                      const char *member)
{
    char *id = member == NULL ? memory_format("/groups/%s", group)
                              : memory_format("/groups/%s/members/%s", group, member);

    log(world, id);
    free(id);
}

/* ---- members by reference ---- */

/* The id at the end of "https://graph.microsoft.com/v1.0/directoryObjects/{id}", lowered
 * and owned by the caller. */
static char *read_reference(const char *url)
{
    const char *slash = strrchr(url, '/');

    return text_lower(memory_copy_string(slash != NULL ? slash + 1 : url));
}

static bool check_new_member(struct world *world, const char *group, const char *member,
                             struct answer *answer)
{
    char *found = directory_find(world, NULL, member);
    const bool exists = found != NULL;

    free(found);
    if (!exists)
        return graph_refuse_missing(world, answer, member);
    if (directory_is_member(world, group, member))
        return graph_refuse(
            world, answer, 400, "Request_BadRequest",
            "One or more added object references already exist for the following "
            "modified properties: 'members'.");
    if (strcmp(group, member) == 0)
        return graph_refuse(world, answer, 400, "Request_BadRequest",
                            "A group cannot be a member of itself.");
    return true;
}

static void add_one(struct world *world, const char *group, const char *member)
{
    directory_add_member(world, group, member);
    log_group(world, ledger_created, group, member);
}

/* Checks, or adds, all that "members@odata.bind" lists. */
static bool bind_members(struct world *world, const char *group, const cJSON *references,
                         bool is_for_real, struct answer *answer)
{
    const cJSON *reference;
    bool is_good = true;

    if (cJSON_GetArraySize(references) > BIND_LIMIT)
        return graph_refuse(world, answer, 400, "Request_BadRequest",
                            "At most %d members can be bound in one request.",
                            BIND_LIMIT);
    cJSON_ArrayForEach (reference, references) {
        char *member = cJSON_IsString(reference) ? read_reference(reference->valuestring)
                                                 : memory_copy_string("");

        if (is_for_real)
            add_one(world, group, member);
        else
            is_good = is_good && check_new_member(world, group, member, answer);
        free(member);
    }
    return is_good;
}

/* ---- groups ---- */

static bool refuse_value(const struct world *world, struct answer *answer,
                         const char *name, bool is_absent)
{
    if (is_absent)
        return graph_refuse(world, answer, 400, "Request_BadRequest",
                            "A value is required for property '%s' of resource 'Group'.",
                            name);
    return graph_refuse(world, answer, 400, "Request_BadRequest",
                        "Invalid value specified for property '%s' of resource 'Group'.",
                        name);
}

static bool check_text(const struct world *world, struct answer *answer,
                       const cJSON *body, const char *name, size_t limit,
                       const char *forbidden)
{
    const cJSON *value = json_at(body, name);
    const char *text = cJSON_GetStringValue(value);

    if (text == NULL || *text == '\0')
        return refuse_value(world, answer, name, value == NULL || text != NULL);
    return (strlen(text) <= limit && strpbrk(text, forbidden) == NULL) ||
           refuse_value(world, answer, name, false);
}

static bool check_flag(const struct world *world, struct answer *answer,
                       const cJSON *body, const char *name)
{
    const cJSON *value = json_at(body, name);

    return cJSON_IsBool(value) || refuse_value(world, answer, name, value == NULL);
}

static bool check_group(const struct world *world, struct answer *answer,
                        const cJSON *body)
{
    return check_text(world, answer, body, "displayName", NAME_LIMIT * 4, "") &&
           check_text(world, answer, body, "mailNickname", NICKNAME_LIMIT,
                      "@()\\[]\";:.<>, ") &&
           check_flag(world, answer, body, "mailEnabled") &&
           check_flag(world, answer, body, "securityEnabled");
}

/* Takes "members@odata.bind" out of a body; owned by the caller, or NULL. */
static cJSON *take_members(cJSON *body)
{
    cJSON_DeleteItemFromObjectCaseSensitive(body, "owners@odata.bind");
    return cJSON_DetachItemFromObjectCaseSensitive(body, "members@odata.bind");
}

static cJSON *make_group(const struct world *world, const cJSON *given, const char *id)
{
    static const char *const texts[] = {"displayName", "description", "mailNickname"};
    cJSON *body = cJSON_CreateObject();
    const cJSON *types = json_at(given, "groupTypes");
    char *now = world_format_now(world);

    cJSON_AddStringToObject(body, "id", id);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = json_string_at(given, texts[i]);

        if (text != NULL)
            cJSON_AddStringToObject(body, texts[i], text);
        else
            cJSON_AddNullToObject(body, texts[i]);
    }
    cJSON_AddBoolToObject(body, "mailEnabled",
                          cJSON_IsTrue(json_at(given, "mailEnabled")));
    cJSON_AddBoolToObject(body, "securityEnabled",
                          cJSON_IsTrue(json_at(given, "securityEnabled")));
    cJSON_AddItemToObject(body, "groupTypes",
                          cJSON_IsArray(types) ? cJSON_Duplicate(types, true)
                                               : cJSON_CreateArray());
    cJSON_AddStringToObject(body, "createdDateTime", now);
    free(now);
    return body;
}

static bool refuse_body(const struct world *world, struct answer *answer)
{
    return graph_refuse(
        world, answer, 400, "BadRequest",
        "Unable to read JSON request payload. Please ensure Content-Type header "
        "is set and payload is of valid JSON format.");
}

void graph_create_group(struct world *world, struct call *call, struct answer *answer)
{
    cJSON *given = call_json(call);
    char id[UUID_TEXT_SIZE];

    if (given == NULL) {
        refuse_body(world, answer);
        return;
    }
    world_make_id(world, id);

    cJSON *members = take_members(given);

    if (check_group(world, answer, given) &&
        bind_members(world, id, members, false, answer)) {
        cJSON *body = make_group(world, given, id);
        char *text = json_print(body);

        database_begin(world->database);
        directory_save(world, "Group", body, world->now_ms + world->replication_ms, NULL);
        log_group(world, ledger_created, id, NULL);
        bind_members(world, id, members, true, answer);
        graph_show(call, answer, 201, "groups", text);
        commit(world, answer);
        free(text);
        cJSON_Delete(body);
    }
    cJSON_Delete(members);
}

void graph_update_group(struct world *world, struct call *call, struct answer *answer,
                        const char *id)
{
    char *text = directory_find(world, "Group", id);
    cJSON *given = call_json(call), *members = given != NULL ? take_members(given) : NULL;
    cJSON *body = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;

    if (body == NULL) {
        graph_refuse_missing(world, answer, id);
    } else if (given == NULL) {
        refuse_body(world, answer);
    } else {
        cJSON_DeleteItemFromObjectCaseSensitive(given, "id");
        shape_merge(body, given);
        if (check_group(world, answer, body) &&
            bind_members(world, id, members, false, answer)) {
            database_begin(world->database);
            if (given->child != NULL) {
                directory_save(world, "Group", body, world->now_ms, NULL);
                log_group(world, ledger_changed, id, NULL);
            }
            bind_members(world, id, members, true, answer);
            answer->status = 204;
            commit(world, answer);
        }
    }
    cJSON_Delete(members);
    cJSON_Delete(body);
    free(text);
}

void graph_delete_group(struct world *world, struct answer *answer, const char *id)
{
    char *text = directory_find(world, "Group", id);

    if (text == NULL) {
        graph_refuse_missing(world, answer, id);
        return;
    }
    database_begin(world->database);
    directory_remove(world, id);
    log_group(world, ledger_deleted, id, NULL);
    answer->status = 204;
    commit(world, answer);
    free(text);
}

void graph_add_member(struct world *world, struct call *call, struct answer *answer,
                      const char *group)
{
    const char *url = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(call_json(call), "@odata.id"));
    char *member = url != NULL ? read_reference(url) : NULL;
    char *found = directory_find(world, "Group", group);

    if (found == NULL) {
        graph_refuse_missing(world, answer, group);
    } else if (member == NULL) {
        refuse_body(world, answer);
    } else if (check_new_member(world, group, member, answer)) {
        database_begin(world->database);
        add_one(world, group, member);
        answer->status = 204;
        commit(world, answer);
    }
    free(member);
    free(found);
}

void graph_remove_member(struct world *world, struct answer *answer, const char *group,
                         const char *member)
{
    char *key = text_lower(memory_copy_string(member));

    if (!directory_is_member(world, group, key)) {
        graph_refuse_missing(world, answer, key);
    } else {
        database_begin(world->database);
        directory_remove_member(world, group, key);
        log_group(world, ledger_deleted, group, key);
        answer->status = 204;
        commit(world, answer);
    }
    free(key);
}
