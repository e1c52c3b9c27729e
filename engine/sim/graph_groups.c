/* engine/sim/graph_groups.c - groups of Microsoft Graph are made and changed.
 *
 * Required properties, lengths and the letters of mailNickname: documented. Which
 * combinations of mailEnabled, securityEnabled and groupTypes go, and that mailNickname is
 * unique among Microsoft 365 groups alone: observed and assumed. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/graph_model.h"
#include "sim/plane.h"
#include "sim/world.h"

static bool check_text(const struct graph_request *request, const cJSON *body,
                       const char *name)
{
    const cJSON *value = json_at(body, name);

    return (cJSON_IsString(value) && value->valuestring[0] != '\0') ||
           graph_refuse_required(request, name);
}

static bool check_flag(const struct graph_request *request, const cJSON *body,
                       const char *name)
{
    return cJSON_IsBool(json_at(body, name)) || graph_refuse_required(request, name);
}

static bool check_nickname(const struct graph_request *request, const cJSON *body)
{
    const char *text = json_string_at(body, "mailNickname");

    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            return graph_refuse_value(request, "mailNickname");
    }
    return strpbrk(text, "@()\\[]\";:.<>, ") == NULL ||
           graph_refuse_value(request, "mailNickname");
}

static bool has_group_type(const cJSON *body, const char *wanted)
{
    const cJSON *type;

    cJSON_ArrayForEach (type, json_at(body, "groupTypes")) {
        if (cJSON_IsString(type) && text_equal_nocase(type->valuestring, wanted))
            return true;
    }
    return false;
}

static bool check_group_types(const struct graph_request *request, const cJSON *body)
{
    const cJSON *type;

    cJSON_ArrayForEach (type, json_at(body, "groupTypes")) {
        if (text_equal_nocase(type->valuestring, "DynamicMembership"))
            return graph_refuse(request, 400, "Request_BadRequest",
                                "Dynamic membership is not offered by the simulated "
                                "tenant.");
        if (!text_equal_nocase(type->valuestring, "Unified"))
            return graph_refuse_value(request, "groupTypes");
    }
    return true;
}

/* A Microsoft 365 group has mail; no other group can be given it through Graph. */
static bool check_kind(const struct graph_request *request, const cJSON *body)
{
    const bool has_mail = cJSON_IsTrue(json_at(body, "mailEnabled"));
    const bool is_secure = cJSON_IsTrue(json_at(body, "securityEnabled"));

    if (has_group_type(body, "Unified"))
        return has_mail ||
               graph_refuse(request, 400, "Request_BadRequest",
                            "Mail-enablement must be set for unified groups.");
    return (!has_mail && is_secure) ||
           graph_refuse(
               request, 400, "Request_BadRequest",
               "The service does not currently support writes of mail-enabled "
               "groups. Please ensure that the mail-enablement property is unset "
               "and the security-enablement property is set.");
}

/* Of Microsoft 365 groups the nickname is the address. */
static bool check_unique(const struct graph_request *request, const cJSON *body)
{
    char *nickname, *other;

    if (!has_group_type(body, "Unified"))
        return true;
    nickname = text_lower(memory_copy_string(json_string_at(body, "mailNickname")));
    other = database_text(request->world->database,
                          "SELECT id FROM object WHERE nickname_key = ? AND id <> ? AND"
                          " json_extract(body, '$.mailEnabled')",
                          "tt", nickname, json_string_at(body, "id"));
    free(nickname);
    if (other == NULL)
        return true;
    free(other);
    return graph_refuse_conflict(request, "mailNickname");
}

static bool check_group(const struct graph_request *request, const cJSON *body)
{
    return check_text(request, body, "displayName") &&
           check_text(request, body, "mailNickname") &&
           check_flag(request, body, "mailEnabled") &&
           check_flag(request, body, "securityEnabled") &&
           check_nickname(request, body) && check_group_types(request, body) &&
           check_kind(request, body) && check_unique(request, body);
}

static void complete_mail(const struct graph_request *request, cJSON *body)
{
    char *mail, *address;

    if (!has_group_type(body, "Unified") || json_string_at(body, "mail") != NULL)
        return;
    mail = memory_format("%s@%s", json_string_at(body, "mailNickname"),
                         request->world->domain);
    address = memory_format("SMTP:%s", mail);
    json_set_at(body, "mail", cJSON_CreateString(mail));
    json_set_at(body, "proxyAddresses",
                cJSON_CreateStringArray((const char *const *)&address, 1));
    if (json_string_at(body, "visibility") == NULL)
        json_set_at(body, "visibility", cJSON_CreateString("Public"));
    free(mail);
    free(address);
}

/* A user owns what it makes; an application does not. */
static void add_creator(const struct graph_request *request, cJSON *bindings)
{
    char *type = directory_find_type(request->world, request->caller->object_id);
    cJSON *owners = cJSON_GetObjectItemCaseSensitive(bindings, "owners");

    if (type != NULL && strcmp(type, "User") == 0 && cJSON_GetArraySize(owners) == 0)
        cJSON_AddItemToArray(owners, cJSON_CreateString(request->caller->object_id));
    free(type);
}

static cJSON *make_group(const struct graph_request *request, const cJSON *given,
                         const char *id)
{
    cJSON *body = cJSON_CreateObject();
    char *now = world_format_now(request->world);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "createdDateTime", now);
    cJSON_AddStringToObject(body, "renewedDateTime", now);
    graph_merge_body(body, given);
    free(now);
    return body;
}

static void save_new(struct graph_request *request, cJSON *body, cJSON *bindings)
{
    struct world *world = request->world;
    const char *id = json_string_at(body, "id");

    complete_mail(request, body);
    add_creator(request, bindings);
    database_begin(world->database);
    directory_save(world, "Group", body, world->now_ms + world->replication_ms, NULL);
    graph_log(request, GRAPH_CREATED, request->type, id, NULL, NULL);
    graph_bind(request, id, bindings);
    graph_show_created(request, id);
    graph_commit(request);
}

void graph_create_group(struct graph_request *request)
{
    cJSON *given = call_json(request->call), *bindings, *body;
    char id[UUID_TEXT_SIZE];

    if (given == NULL) {
        graph_refuse_body(request);
        return;
    }
    world_make_id(request->world, id);
    bindings = graph_take_bindings(request, given, id);
    if (bindings == NULL)
        return;
    body = make_group(request, given, id);
    if (graph_check_body(request, request->type, given, true) &&
        check_group(request, body))
        save_new(request, body, bindings);
    cJSON_Delete(body);
    cJSON_Delete(bindings);
}

static void save_changed(struct graph_request *request, cJSON *body, const cJSON *given,
                         const cJSON *bindings)
{
    struct world *world = request->world;

    complete_mail(request, body);
    database_begin(world->database);
    if (given->child != NULL) {
        directory_save(world, "Group", body, world->now_ms, NULL);
        graph_log(request, GRAPH_CHANGED, request->type, request->id, NULL, NULL);
    }
    graph_bind(request, request->id, bindings);
    request->answer->status = 204;
    graph_commit(request);
}

void graph_update_group(struct graph_request *request)
{
    cJSON *given = call_json(request->call), *bindings;
    cJSON *body = directory_load(request->world, "Group", request->id);

    if (body == NULL) {
        graph_refuse_missing(request, request->id);
    } else if (given == NULL) {
        graph_refuse_body(request);
    } else if ((bindings = graph_take_bindings(request, given, request->id)) != NULL) {
        graph_merge_body(body, given);
        if (graph_check_body(request, request->type, given, false) &&
            check_group(request, body))
            save_changed(request, body, given, bindings);
        cJSON_Delete(bindings);
    }
    cJSON_Delete(body);
}
