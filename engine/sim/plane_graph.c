/* engine/sim/plane_graph.c - Microsoft Graph v1.0: who may, and what a path leads to. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/plane.h"
#include "sim/world.h"

bool graph_refuse(const struct world *world, struct answer *answer, int status,
                  const char *code, const char *format, ...)
{
    char message[512], now[CLOCK_TEXT_SIZE];
    cJSON *body = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(body, "error");
    cJSON *inner;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    clock_format_utc(world_told_ms(world, world->now_ms), now);
    now[19] = '\0';
    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    inner = cJSON_AddObjectToObject(error, "innerError");
    cJSON_AddStringToObject(inner, "date", now);
    cJSON_AddStringToObject(inner, "request-id", answer->request_id);
    cJSON_AddStringToObject(inner, "client-request-id", answer->request_id);
    answer_set_json(answer, status, body);
    cJSON_Delete(body);
    return false;
}

bool graph_refuse_missing(const struct world *world, struct answer *answer,
                          const char *id)
{
    return graph_refuse(
        world, answer, 404, "Request_ResourceNotFound",
        "Resource '%s' does not exist or one of its queried reference-property "
        "objects are not present.",
        id);
}

static const char *type_name(const char *type)
{
    if (strcmp(type, "User") == 0)
        return "#microsoft.graph.user";
    return strcmp(type, "Group") == 0 ? "#microsoft.graph.group"
                                      : "#microsoft.graph.servicePrincipal";
}

/* Whether the comma-separated list names the member. */
static bool is_selected(const char *select, const char *name)
{
    const size_t length = strlen(name);

    while (*select != '\0') {
        const size_t word = strcspn(select, ",");

        if (word == length && text_has_prefix_nocase(select, name))
            return true;
        select += word + (select[word] == ',' ? 1 : 0);
    }
    return false;
}

static void append_selected(struct buffer *to, const char *body, const char *select)
{
    cJSON *tree = json_parse(body, strlen(body), NULL);

    for (cJSON *member = tree->child, *next; member != NULL; member = next) {
        next = member->next;
        if (!is_selected(select, member->string))
            cJSON_Delete(cJSON_DetachItemViaPointer(tree, member));
    }

    char *text = json_print(tree);

    buffer_append_string(to, text + 1);
    free(text);
    cJSON_Delete(tree);
}

void graph_append_object(struct buffer *to, const char *type, const char *body,
                         const char *select)
{
    buffer_append_char(to, '{');
    if (type != NULL)
        buffer_printf(to, "\"@odata.type\":\"%s\"", type_name(type));

    const size_t comma_at = to->length;

    if (type != NULL)
        buffer_append_char(to, ',');
    if (select != NULL)
        append_selected(to, body, select);
    else
        buffer_append_string(to, body + 1);
    if (type != NULL && to->data[comma_at + 1] == '}') { /* nothing was selected */
        to->length = comma_at;
        buffer_append_char(to, '}');
    }
}

void graph_show(const struct call *call, struct answer *answer, int status,
                const char *entity, const char *body)
{
    struct buffer object = {0};

    graph_append_object(&object, NULL, body, call_parameter(call, "$select"));
    answer_set_text(answer, status, "");
    buffer_printf(&answer->body, "{\"@odata.context\":\"%s/v1.0/$metadata#%s/$entity\"%s",
                  call->base, entity, object.data[1] == '}' ? "" : ",");
    buffer_append_string(&answer->body, object.data + 1);
    buffer_deinit(&object);
}

static void show_object(struct world *world, const struct call *call,
                        struct answer *answer, const char *type, const char *entity,
                        const char *id)
{
    char *body = directory_find(world, type, id);

    if (body == NULL)
        graph_refuse_missing(world, answer, id);
    else
        graph_show(call, answer, 200, entity, body);
    free(body);
}

/* By id or by name: "ann.lee@contoso.example". */
static void show_user(struct world *world, const struct call *call, struct answer *answer,
                      const char *id)
{
    char *key = text_lower(memory_copy_string(id));
    char *found = database_text(world->database,
                                "SELECT id FROM object WHERE upn_key = ?", "t", key);

    show_object(world, call, answer, "User", "users", found != NULL ? found : id);
    free(found);
    free(key);
}

/* "servicePrincipals(appId='...')": the id in quotes, owned by the caller, or NULL. */
static char *parse_application(const char *segment)
{
    static const char prefix[] = "servicePrincipals(appId='";
    const size_t length = sizeof prefix - 1;

    return text_has_prefix_nocase(segment, prefix)
               ? memory_copy_text(segment + length, strcspn(segment + length, "'"))
               : NULL;
}

static void show_application(struct world *world, const struct call *call,
                             struct answer *answer, char *app_id)
{
    char *id = database_text(world->database, "SELECT id FROM object WHERE app_id = ?",
                             "t", text_lower(app_id));

    if (id != NULL)
        show_object(world, call, answer, "ServicePrincipal", "servicePrincipals", id);
    else
        graph_refuse_missing(world, answer, app_id);
    free(id);
    free(app_id);
}

static void get_by_ids(struct world *world, struct call *call, struct answer *answer)
{
    const cJSON *ids = json_at(call_json(call), "ids"), *id;
    struct buffer list = {0};

    cJSON_ArrayForEach (id, ids) {
        char *key =
            cJSON_IsString(id) ? text_lower(memory_copy_string(id->valuestring)) : NULL;
        char *body = key != NULL ? directory_find(world, NULL, key) : NULL;
        char *type = body != NULL
                         ? database_text(world->database,
                                         "SELECT type FROM object WHERE id = ?", "t", key)
                         : NULL;

        if (type != NULL) {
            if (list.length > 0)
                buffer_append_char(&list, ',');
            graph_append_object(&list, type, body, NULL);
        }
        free(key);
        free(body);
        free(type);
    }
    answer_set_text(answer, 200, "");
    buffer_printf(
        &answer->body,
        "{\"@odata.context\":\"%s/v1.0/$metadata#directoryObjects\",\"value\":[%s]}",
        call->base, list.data != NULL ? list.data : "");
    buffer_deinit(&list);
}

static bool refuse_method(const struct world *world, struct answer *answer)
{
    return graph_refuse(world, answer, 405, "Request_BadRequest",
                        "Specified HTTP method is not allowed for the request target.");
}

/* /groups/{id}/members and /groups/{id}/transitiveMembers, with what may follow. */
static void serve_members(struct world *world, struct call *call, struct answer *answer,
                          const char *group)
{
    const size_t count = call->segment_count;
    const bool is_reference = call_segment_is(call, count - 1, "$ref");

    if (is_reference && count == 5 && call->method == CALL_POST)
        graph_add_member(world, call, answer, group);
    else if (is_reference && count == 6 && call->method == CALL_DELETE)
        graph_remove_member(world, answer, group, call->segments[4]);
    else if (call->method != CALL_GET)
        refuse_method(world, answer);
    else
        graph_list_members(world, call, answer, group,
                           call_segment_is(call, 3, "transitiveMembers"));
}

static void serve_group(struct world *world, struct call *call, struct answer *answer)
{
    char *id = text_lower(memory_copy_string(call->segments[2]));

    if (call->segment_count == 3 && call->method == CALL_GET) {
        show_object(world, call, answer, "Group", "groups", id);
    } else if (call->segment_count == 3 && call->method == CALL_PATCH) {
        graph_update_group(world, call, answer, id);
    } else if (call->segment_count == 3 && call->method == CALL_DELETE) {
        graph_delete_group(world, answer, id);
    } else if (call_segment_is(call, 3, "members") ||
               call_segment_is(call, 3, "transitiveMembers")) {
        serve_members(world, call, answer, id);
    } else if (call->segment_count == 3) {
        refuse_method(world, answer);
    } else {
        graph_refuse(world, answer, 400, "Request_BadRequest",
                     "Resource not found for the segment '%s'.", call->segments[3]);
    }
    free(id);
}

static void serve_reads(struct world *world, struct call *call, struct answer *answer)
{
    const size_t count = call->segment_count;
    char *app_id;

    if (count == 3 && call_segment_is(call, 1, "directoryObjects") &&
        call_segment_is(call, 2, "getByIds") && call->method == CALL_POST)
        get_by_ids(world, call, answer);
    else if (call->method != CALL_GET)
        refuse_method(world, answer);
    else if (count == 2 && call_segment_is(call, 1, "users"))
        graph_list_objects(world, call, answer, "User", "users");
    else if (count == 3 && call_segment_is(call, 1, "users"))
        show_user(world, call, answer, call->segments[2]);
    else if (count == 2 && call_segment_is(call, 1, "servicePrincipals"))
        graph_list_objects(world, call, answer, "ServicePrincipal", "servicePrincipals");
    else if (count == 3 && call_segment_is(call, 1, "servicePrincipals"))
        show_object(world, call, answer, "ServicePrincipal", "servicePrincipals",
                    call->segments[2]);
    else if (count == 3 && call_segment_is(call, 1, "directoryObjects"))
        show_object(world, call, answer, NULL, "directoryObjects", call->segments[2]);
    else if (count == 2 && (app_id = parse_application(call->segments[1])) != NULL)
        show_application(world, call, answer, app_id);
    else
        graph_refuse(world, answer, 400, "Request_BadRequest",
                     "Resource not found for the segment '%s'.",
                     count > 1 ? call->segments[1] : "");
}

static bool check_caller(struct world *world, const struct call *call,
                         struct answer *answer)
{
    static const char *const messages[] = {
        [TOKEN_ABSENT] = "Access token is empty.",
        [TOKEN_INVALID] = "CompactToken parsing failed.",
        [TOKEN_EXPIRED] = "Lifetime validation failed, the token is expired.",
        [TOKEN_AUDIENCE] = "Access token validation failure. Invalid audience.",
        [TOKEN_REVOKED] = plane_revoked_message};
    struct caller caller;
    enum token_fault fault;

    if (!plane_authenticate(world, call, AUDIENCE_GRAPH, &caller, &fault)) {
        answer->www_authenticate =
            fault == TOKEN_REVOKED
                ? plane_format_challenge(world, call)
                : memory_format("Bearer realm=\"\", "
                                "authorization_uri=\"%s/common/oauth2/authorize\"",
                                call->base);
        return graph_refuse(world, answer, 401, "InvalidAuthenticationToken", "%s",
                            messages[fault]);
    }
    return caller.is_admin ||
           graph_refuse(world, answer, 403, "Authorization_RequestDenied",
                        "Insufficient privileges to complete the operation.");
}

void plane_graph(struct world *world, struct call *call, struct answer *answer)
{
    if (!check_caller(world, call, answer))
        return;
    if (!call_segment_is(call, 1, "groups"))
        serve_reads(world, call, answer);
    else if (call->segment_count > 2)
        serve_group(world, call, answer);
    else if (call->method == CALL_POST)
        graph_create_group(world, call, answer);
    else if (call->method == CALL_GET)
        graph_list_objects(world, call, answer, "Group", "groups");
    else
        refuse_method(world, answer);
}
