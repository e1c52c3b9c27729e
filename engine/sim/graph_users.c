/* engine/sim/graph_users.c - users of Microsoft Graph are made and changed.
 *
 * Required properties and texts: observed. A password is kept for sign-in, never shown and
 * must have eight characters at least (assumed). */
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
#include "sim/world.h"

enum { PASSWORD_LEAST = 8 };

static bool check_password(const struct graph_request *request, const cJSON *given)
{
    const char *password = json_string_at(given, "passwordProfile.password");

    return (password != NULL && strlen(password) >= PASSWORD_LEAST) ||
           graph_refuse(request, 400, "Request_BadRequest",
                        "The specified password does not comply with password complexity "
                        "requirements. Please provide a different password.");
}

/* "name@domain", the domain the tenant's, and nobody else's. */
static bool check_name(const struct graph_request *request, const cJSON *body)
{
    const char *name = json_string_at(body, "userPrincipalName");
    const char *at = strchr(name, '@');
    char *key, *other;

    if (at == NULL || at == name || strpbrk(name, " \"(),:;<>[\\]") != NULL)
        return graph_refuse_value(request, "userPrincipalName");
    if (!text_equal_nocase(at + 1, request->world->domain))
        return graph_refuse(
            request, 400, "Request_BadRequest",
            "The domain portion of the userPrincipalName property is "
            "invalid. You must use one of the verified domain names in your "
            "organization.");
    key = text_lower(memory_copy_string(name));
    other = database_text(request->world->database,
                          "SELECT id FROM object WHERE upn_key = ? AND id <> ?", "tt",
                          key, json_string_at(body, "id"));
    free(key);
    if (other == NULL)
        return true;
    free(other);
    return graph_refuse_conflict(request, "userPrincipalName");
}

static bool check_user(const struct graph_request *request, const cJSON *body)
{
    static const char *const required[] = {"displayName", "mailNickname",
                                           "userPrincipalName"};

    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        const char *text = json_string_at(body, required[i]);

        if (text == NULL || *text == '\0')
            return graph_refuse_required(request, required[i]);
    }
    if (!cJSON_IsBool(json_at(body, "accountEnabled")))
        return graph_refuse_required(request, "accountEnabled");
    return check_name(request, body);
}

/* Takes the secret out of the body and keeps it where sign-in looks. */
static void save_user(const struct graph_request *request, cJSON *body,
                      int64_t replicated_ms)
{
    struct world *world = request->world;
    char *password = memory_copy_string(json_string_at(body, "passwordProfile.password"));

    cJSON_DeleteItemFromObjectCaseSensitive(body, "passwordProfile");
    directory_save(world, "User", body, replicated_ms, NULL);
    if (password != NULL)
        database_run(world->database, "UPDATE object SET secret = ? WHERE id = ?", "tt",
                     password, json_string_at(body, "id"));
    free(password);
}

void graph_create_user(struct graph_request *request)
{
    struct world *world = request->world;
    const cJSON *given = call_json(request->call);
    cJSON *body = cJSON_CreateObject();
    char *now = world_format_now(world), id[UUID_TEXT_SIZE];

    world_make_id(request->world, id);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "createdDateTime", now);
    cJSON_AddStringToObject(body, "userType", "Member");
    graph_merge_body(body, given);
    if (given == NULL) {
        graph_refuse_body(request);
    } else if (graph_check_body(request, request->type, given, true) &&
               check_user(request, body) && check_password(request, given)) {
        database_begin(world->database);
        save_user(request, body, world->now_ms + world->replication_ms);
        graph_log(request, GRAPH_CREATED, request->type, id, NULL, NULL);
        graph_show_created(request, id);
        graph_commit(request);
    }
    cJSON_Delete(body);
    free(now);
}

/* A user of the world file has no nickname of its own. */
static void complete_user(cJSON *body)
{
    const char *name = json_string_at(body, "userPrincipalName");

    if (json_string_at(body, "mailNickname") == NULL) {
        char *nickname = memory_copy_text(name, strcspn(name, "@"));

        json_set_at(body, "mailNickname", cJSON_CreateString(nickname));
        free(nickname);
    }
    if (json_at(body, "accountEnabled") == NULL)
        json_set_at(body, "accountEnabled", cJSON_CreateTrue());
}

void graph_update_user(struct graph_request *request)
{
    struct world *world = request->world;
    const cJSON *given = call_json(request->call);
    cJSON *body = directory_load(world, "User", request->id);

    if (body == NULL) {
        graph_refuse_missing(request, request->id);
    } else if (given == NULL) {
        graph_refuse_body(request);
    } else {
        complete_user(body);
        graph_merge_body(body, given);
        if (graph_check_body(request, request->type, given, false) &&
            check_user(request, body) &&
            (json_at(given, "passwordProfile.password") == NULL ||
             check_password(request, given))) {
            database_begin(world->database);
            save_user(request, body, world->now_ms);
            graph_log(request, GRAPH_CHANGED, request->type, request->id, NULL, NULL);
            request->answer->status = 204;
            graph_commit(request);
        }
    }
    cJSON_Delete(body);
}
