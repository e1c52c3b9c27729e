/* engine/sim/deployment.c - what deployments answer. */
#include "sim/deployment.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/deployment_parts.h"
#include "sim/entity.h"
#include "sim/grants.h"
#include "sim/item.h"
#include "sim/lock.h"
#include "sim/plane.h"
#include "sim/target.h"
#include "sim/world.h"

/* Name length and number are documented; the others assumed. */
enum {
    NAME_LIMIT = 64,
    SCOPE_LIMIT = 800, /* deployments that a scope keeps */
    ACCEPTED_MS = 1000,
    DELETION_MS = 3000,
    RETRY_S = 5
};

char *deployment_format_action(const struct call *call, const struct target *target)
{
    if (call->method == CALL_POST)
        return memory_format(DEPLOYMENT_TYPE "/%s/action",
                             target->action != NULL ? target->action : "write");
    if (target->action != NULL)
        return memory_format(DEPLOYMENT_TYPE "/%s/read", target->action);
    if (call->method == CALL_PUT)
        return memory_copy_string(DEPLOYMENT_TYPE "/write");
    return memory_copy_string(call->method == CALL_DELETE ? DEPLOYMENT_TYPE "/delete"
                                                          : DEPLOYMENT_TYPE "/read");
}

/* Owned by the caller. */
static char *format_id(const char *scope_id, const char *name)
{
    return memory_format("%s/providers/" DEPLOYMENT_TYPE "/%s", scope_id, name);
}

/* ---- what is shown ---- */

static void show(const struct world *world, const struct deployment *deployment,
                 struct answer *answer, int status)
{
    cJSON *body = deployment_describe(world, deployment);

    answer_set_json(answer, status, body);
    cJSON_Delete(body);
}

/* Owned by the caller. */
static char *format_monitor(const struct call *call, const struct deployment *deployment)
{
    struct buffer url = {0};

    buffer_append_string(&url, call->base);
    buffer_append_escaped_path(&url, deployment->id);
    buffer_printf(&url, "/operationStatuses/%s?api-version=", deployment->operation);
    buffer_append_escaped(&url, call_parameter(call, "api-version"));
    return buffer_take(&url);
}

/* ---- a new one ---- */

static bool check_content(const struct world *world, const struct target *target,
                          const cJSON *given, struct answer *answer)
{
    const char *mode = json_string_at(given, "properties.mode");

    if (json_at(given, "properties") == NULL)
        return answer_refuse(
            answer, REFUSE_REQUEST_CONTENT,
            "The request content was invalid and could not be deserialized: "
            "'properties' is required.");
    if (strcmp(target->key, world->subscription_key) == 0 &&
        json_string_at(given, "location") == NULL)
        return answer_refuse(answer, REFUSE_LOCATION_REQUIRED,
                             "The 'location' property must be specified for '%s'.",
                             target->name);
    if (mode == NULL || !text_equal_nocase(mode, "Incremental"))
        return answer_refuse(
            answer, REFUSE_REQUEST_CONTENT,
            "properties.mode is '%s'; 'Incremental' is needed ('Complete' is not known "
            "here).",
            mode != NULL ? mode : "");
    if (json_at(given, "properties.templateLink") != NULL ||
        json_at(given, "properties.parametersLink") != NULL)
        return answer_refuse(answer, REFUSE_TEMPLATE,
                             "Linked templates and parameters are not known here: send "
                             "properties.template and properties.parameters.");
    return true;
}

static bool check_name(const struct target *target, struct answer *answer)
{
    if (strlen(target->name) > NAME_LIMIT)
        return answer_refuse(answer, REFUSE_DEPLOYMENT_NAME,
                             "The provided deployment name '%s' has a length of '%zu' "
                             "which exceeds the maximum length of '%d'.",
                             target->name, strlen(target->name), NAME_LIMIT);
    return text_matches(target->name, "^[[:alnum:]_().-]+$") ||
           answer_refuse(answer, REFUSE_RESOURCE_NAME,
                         "The deployment name '%s' has other characters than letters, "
                         "digits, '-', '.', '_', '(' and ')'.",
                         target->name);
}

/* Whether the caller may make a resource: asked before anything has been made. */
static bool check_resource(struct world *world, const struct caller *caller,
                           const struct template_resource *resource,
                           struct answer *answer)
{
    char *key = entity_make_key(resource->id);
    const bool is_group =
        text_equal_nocase(resource->type, "Microsoft.Resources/resourceGroups");
    char *action = memory_format(
        "%s/write",
        is_group ? "Microsoft.Resources/subscriptions/resourceGroups" : resource->type);
    const bool is_allowed = grants_allow(world, caller->object_id, key, action);

    if (!is_allowed)
        answer_refuse(
            answer, REFUSE_TEMPLATE_RIGHT,
            "Deployment failed with multiple errors: 'Authorization failed for "
            "template resource '%s' of type '%s'. The client '%s' with object id "
            "'%s' does not have permission to perform action '%s' at scope "
            "'%s'.'",
            resource->name, resource->type, caller->application_id, caller->object_id,
            action, resource->id);
    free(action);
    free(key);
    return is_allowed;
}

static bool check_resources(struct world *world, const struct caller *caller,
                            const struct template *template, struct answer *answer)
{
    for (size_t i = 0; i < template->count; i++) {
        if (!template->resources[i].is_skipped &&
            (!check_resource(world, caller, &template->resources[i], answer) ||
             !lock_check(world, template->resources[i].id, LOCK_WRITE, answer)))
            return false;
    }
    return true;
}

/* Sixteen hexadecimal digits, as operations are called. */
enum { OPERATION_SIZE = 17 };

static void format_operation(const struct deployment *deployment,
                             const struct template_resource *resource,
                             char text[OPERATION_SIZE])
{
    char *seed = memory_format("%s %s", deployment->operation, resource->id),
         key[TEXT_KEY_SIZE];

    text_format_key(seed, key);
    for (size_t i = 0; i < OPERATION_SIZE; i++)
        text[i] = key[i] >= 'a' && key[i] <= 'f' ? (char)(key[i] - 'a' + 'A') : key[i];
    free(seed);
}

/* A resource that is skipped is there already, as far as others need it. */
static void save_step(struct world *world, const struct deployment *deployment,
                      const struct template *template, const int64_t *numbers,
                      size_t index)
{
    const struct template_resource *resource = &template->resources[index];
    cJSON *needs = cJSON_CreateArray();
    char *body = json_print(resource->body), operation[OPERATION_SIZE];

    for (size_t i = 0; i < resource->need_count; i++) {
        if (numbers[resource->needs[i]] >= 0)
            cJSON_AddItemToArray(needs,
                                 cJSON_CreateNumber((double)numbers[resource->needs[i]]));
    }
    format_operation(deployment, resource, operation);

    char *needs_text = json_print(needs);

    database_run(
        world->database,
        "INSERT INTO deployment_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'Waiting', ?,"
        " '', '', 0, 0)",
        "tittttttt", deployment->key, numbers[index], operation, resource->id,
        resource->type, resource->name, resource->api_version, needs_text, body);
    cJSON_Delete(needs);
    free(needs_text);
    free(body);
}

static void save_steps(struct world *world, const struct deployment *deployment,
                       const struct template *template)
{
    int64_t *numbers = memory_new((template->count + 1) * sizeof *numbers), next = 0;

    for (size_t i = 0; i < template->count; i++)
        numbers[i] = template->resources[i].is_skipped ? -1 : next++;
    database_run(world->database, "DELETE FROM deployment_step WHERE deployment = ?", "t",
                 deployment->key);
    for (size_t i = 0; i < template->count; i++) {
        if (numbers[i] >= 0)
            save_step(world, deployment, template, numbers, i);
    }
    free(numbers);
}

static bool check_active(const struct world *world, const struct deployment *old,
                         struct answer *answer)
{
    char text[CLOCK_TEXT_SIZE];

    if (old == NULL || !deployment_is_active(old))
        return true;
    clock_format_utc(world_told_ms(world, old->started_ms), text);
    return answer_refuse(
        answer, REFUSE_DEPLOYMENT_ACTIVE,
        "Unable to edit or replace deployment '%s': previous deployment from '%s' is "
        "still active. Please see https://aka.ms/arm-deploy for usage details.",
        old->name, text);
}

static bool check_quota(struct world *world, const struct deployment *old,
                        const struct target *target, struct answer *answer)
{
    const int64_t count = database_number(
        world->database, 0, "SELECT COUNT(*) FROM deployment WHERE scope = ?", "t",
        target->key);

    return old != NULL || count < SCOPE_LIMIT ||
           answer_refuse(
               answer, REFUSE_DEPLOYMENT_QUOTA,
               "Creating the deployment '%s' would exceed the quota of '%d'. The "
               "current deployment count is '%d'. Please delete some deployments "
               "before creating a new one, or see https://aka.ms/800LimitFix.",
               target->name, SCOPE_LIMIT, (int)count);
}

/* A deployment that has not begun; the strings are its own. */
static struct deployment *make(const struct world *world, const struct caller *caller,
                               const struct target *target, const cJSON *given,
                               const char *scope_id)
{
    struct deployment *deployment = memory_new(sizeof *deployment);
    const cJSON *parameters = json_at(given, "properties.parameters");
    char operation[UUID_TEXT_SIZE];

    uuid_random(operation);
    *deployment =
        (struct deployment){.id = format_id(scope_id, target->name),
                            .scope = memory_copy_string(target->key),
                            .name = memory_copy_string(target->name),
                            .state = memory_copy_string("Accepted"),
                            .operation = memory_copy_string(operation),
                            .caller = memory_copy_string(caller->object_id),
                            .application = memory_copy_string(caller->application_id),
                            .started_ms = world->now_ms,
                            .next_ms = world->now_ms + ACCEPTED_MS,
                            .template = json_print(json_at(given, "properties.template")),
                            .parameters = parameters != NULL ? json_print(parameters)
                                                             : memory_copy_string("{}"),
                            .error = memory_copy_string("")};
    deployment->key = entity_make_key(deployment->id);
    return deployment;
}

static void begin(struct world *world, const struct call *call,
                  struct deployment *deployment, const struct template *template,
                  bool is_new, struct answer *answer)
{
    database_begin(world->database);
    save_steps(world, deployment, template);
    deployment_save(world, deployment);
    world_save_time(world);
    if (!database_commit(world->database)) {
        answer_refuse(answer, REFUSE_INTERNAL,
                      "The simulator could not keep the deployment: %s",
                      database_error(world->database));
        return;
    }
    show(world, deployment, answer, is_new ? 201 : 200);
    answer->async_operation = format_monitor(call, deployment);
    answer->retry_after_s = world_retry_after(world, RETRY_S);
}

static void list_validated(const struct template *template, cJSON *body)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < template->count; i++) {
        cJSON *one = cJSON_CreateObject();

        cJSON_AddStringToObject(one, "id", template->resources[i].id);
        cJSON_AddItemToArray(list, one);
    }
    json_set_at(body, "properties.validatedResources", list);
}

/* PUT, and POST validate, which only looks. */
static void put(struct world *world, struct call *call, const struct caller *caller,
                const struct target *target, struct answer *answer)
{
    const bool is_trial = call->method == CALL_POST;
    const cJSON *given = call_jsonc(call);
    cJSON *group = deployment_find_group(world, target->key);
    char *id = format_id(target->id, target->name), *key = entity_make_key(id);
    struct deployment *old = deployment_find(world, key);

    free(id);
    free(key);
    if (!check_content(world, target, given, answer) || !check_name(target, answer) ||
        (!is_trial && (!target_check_group_stays(target, world, answer) ||
                       !check_active(world, old, answer) ||
                       !check_quota(world, old, target, answer)))) {
        deployment_free(old);
        cJSON_Delete(group);
        return;
    }

    struct deployment *deployment =
        make(world, caller, target, given,
             group != NULL ? json_string_at(group, "id") : world->subscription_id);
    const cJSON *source = json_at(given, "properties.template");
    struct template_place place;
    struct template template;

    deployment_set_place(world, &place, deployment->name, group);

    char *wrong =
        template_open(&template, source, json_at(given, "properties.parameters"), &place);

    if (wrong != NULL) {
        answer_refuse(answer, REFUSE_TEMPLATE,
                      "Deployment template validation failed: '%s'.", wrong);
    } else if (lock_check(world, deployment->id, LOCK_WRITE, answer) &&
               check_resources(world, caller, &template, answer)) {
        deployment->body = deployment_make_body(deployment, given, &template);
        if (is_trial) {
            free(deployment->state);
            deployment->state = memory_copy_string("Succeeded");
            list_validated(&template, deployment->body);
            show(world, deployment, answer, 200);
        } else {
            begin(world, call, deployment, &template, old == NULL, answer);
        }
    }
    free(wrong);
    template_close(&template);
    deployment_free(deployment);
    deployment_free(old);
    cJSON_Delete(group);
}

/* ---- one that is there ---- */

static void cancel(struct world *world, struct deployment *deployment,
                   struct answer *answer)
{
    if (!deployment_is_active(deployment)) {
        answer_refuse(answer, REFUSE_DEPLOYMENT_OVER,
                      "The deployment '%s' cannot be cancelled because its provisioning "
                      "state is '%s'.",
                      deployment->name, deployment->state);
        return;
    }
    free(deployment->state);
    deployment->state = memory_copy_string("Canceled");
    free(deployment->parameters);
    deployment->parameters = memory_copy_string("");
    deployment->ended_ms = world->now_ms;
    deployment->next_ms = INT64_MAX;
    database_begin(world->database);
    deployment_save(world, deployment);
    database_run(world->database,
                 "UPDATE deployment_step SET body = '', ended_ms = ?1,"
                 " state = CASE state WHEN 'Running' THEN 'Canceled' ELSE state END"
                 " WHERE deployment = ?2 AND ended_ms = 0",
                 "it", world->now_ms, deployment->key);
    world_save_time(world);
    if (database_commit(world->database))
        answer->status = 204;
}

static void export_template(const struct deployment *deployment, struct answer *answer)
{
    cJSON *body = cJSON_CreateObject();

    cJSON_AddItemToObject(body, "template", cJSON_CreateRaw(deployment->template));
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static void answer_deletion(const struct world *world, const struct call *call,
                            const struct deployment *deployment, struct answer *answer)
{
    answer->status = 202;
    answer->location = format_monitor(call, deployment);
    answer->retry_after_s = world_retry_after(world, RETRY_S);
}

static bool is_deleting(const struct deployment *deployment)
{
    return strcmp(deployment->state, "Deleting") == 0;
}

static void remove_one(struct world *world, const struct call *call,
                       struct deployment *deployment, struct answer *answer)
{
    if (!check_active(world, deployment, answer) ||
        !lock_check(world, deployment->id, LOCK_DELETE, answer))
        return;
    if (!is_deleting(deployment)) {
        free(deployment->state);
        deployment->state = memory_copy_string("Deleting");
        deployment->next_ms = world->now_ms + DELETION_MS;
        database_begin(world->database);
        deployment_save(world, deployment);
        world_save_time(world);
        database_commit(world->database);
    }
    answer_deletion(world, call, deployment, answer);
}

static void answer_monitor(const struct world *world, const struct call *call,
                           const struct target *target,
                           const struct deployment *deployment, struct answer *answer)
{
    cJSON *body;

    if (target->detail == NULL ||
        !text_equal_nocase(target->detail, deployment->operation)) {
        answer_refuse(answer, REFUSE_MONITOR, "The operation '%s' could not be found.",
                      target->detail != NULL ? target->detail : "");
        return;
    }
    if (is_deleting(deployment)) {
        answer_deletion(world, call, deployment, answer);
        return;
    }
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "status", deployment->state);
    if (deployment->error[0] != '\0')
        cJSON_AddItemToObject(body, "error", cJSON_CreateRaw(deployment->error));
    if (deployment_is_active(deployment))
        answer->retry_after_s = world_retry_after(world, RETRY_S);
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

/* ---- lists ---- */

/* The state that "provisioningState eq 'Failed'" asks for, owned by the caller, or NULL;
 * false when the filter is another one. */
static bool read_filter(const char *filter, char **state)
{
    static const char pattern[] =
        "^ *provisioningState +[eE][qQ] +'(NotSpecified|Accepted|Running|Ready|Creating|"
        "Created|Deleting|Deleted|Canceled|Failed|Succeeded|Updating)' *$";
    const char *start;

    *state = NULL;
    if (filter == NULL)
        return true;
    if (!text_matches(filter, pattern))
        return false;
    start = strchr(filter, '\'') + 1;
    *state = memory_copy_text(start, strcspn(start, "'"));
    return true;
}

static void add_to_page(struct world *world, struct page *page, const char *key)
{
    struct deployment *one = deployment_find(world, key);
    cJSON *body = deployment_describe(world, one);
    char *text = json_print(body);

    page_add(page, text);
    free(text);
    cJSON_Delete(body);
    deployment_free(one);
}

static void list(struct world *world, const struct call *call,
                 const struct target *target, struct answer *answer)
{
    const char *filter = call_parameter(call, "$filter");
    const char *after = call_parameter(call, "$skiptoken");
    struct page page = {0};
    struct buffer next = {0}, last = {0};
    char *state;

    if (!read_filter(filter, &state)) {
        answer_refuse(answer, REFUSE_FILTER,
                      "The filter '%s' is not supported. Supported is "
                      "\"provisioningState eq '{state}'\".",
                      filter);
        return;
    }
    if (page_open(&page, call, answer)) {
        sqlite3_stmt *row =
            database_query(world->database,
                           "SELECT key FROM deployment WHERE scope = ? AND key > ? AND"
                           " (?3 IS NULL OR state = ?3) ORDER BY key LIMIT ?4",
                           "ttti", target->key, after != NULL ? after : "", state,
                           (int64_t)page.limit + 1);

        while (next.length == 0 && database_step(world->database, row)) {
            if (page.count == page.limit) {
                buffer_append_string(&next, "$skiptoken=");
                buffer_append_escaped(&next, last.data);
                database_done(row);
            } else {
                buffer_clear(&last);
                buffer_append_string(&last, database_column(row, 0));
                add_to_page(world, &page, last.data);
            }
        }
        page_close(&page, call, answer, -1, next.data);
    }
    buffer_deinit(&next);
    buffer_deinit(&last);
    free(state);
}

/* ---- all of it ---- */

static void refuse_missing(const struct target *target, struct answer *answer)
{
    answer_refuse(answer, REFUSE_DEPLOYMENT, "Deployment '%s' could not be found.",
                  target->name);
}

static void refuse_method(const struct call *call, struct answer *answer)
{
    answer_refuse(answer, REFUSE_METHOD, "The method is not allowed on '%s'.",
                  call->path);
}

/* GETs below a deployment. */
static void read_part(struct world *world, const struct call *call,
                      const struct target *target, const struct deployment *deployment,
                      struct answer *answer)
{
    if (text_equal_nocase(target->action, "operations"))
        deployment_answer_operations(world, target, deployment, answer);
    else if (text_equal_nocase(target->action, "operationStatuses"))
        answer_monitor(world, call, target, deployment, answer);
    else
        answer_refuse(answer, REFUSE_PATH, "'%s' is not known here.", target->action);
}

static void act(struct world *world, struct call *call, const struct caller *caller,
                const struct target *target, struct deployment *deployment,
                struct answer *answer)
{
    const char *action = target->action != NULL ? target->action : "";
    const bool is_cancel = text_equal_nocase(action, "cancel");

    if (*action == '\0' || target->detail != NULL)
        refuse_method(call, answer);
    else if (text_equal_nocase(action, "validate"))
        put(world, call, caller, target, answer);
    else if (!is_cancel && !text_equal_nocase(action, "exportTemplate"))
        answer_refuse(answer, REFUSE_ACTION, "The action '%s' is not known for '%s'.",
                      action, DEPLOYMENT_TYPE);
    else if (deployment == NULL)
        refuse_missing(target, answer);
    else if (is_cancel)
        cancel(world, deployment, answer);
    else
        export_template(deployment, answer);
}

static void answer_one(struct world *world, struct call *call,
                       const struct caller *caller, const struct target *target,
                       struct deployment *deployment, struct answer *answer)
{
    const bool is_monitor =
        target->action != NULL && text_equal_nocase(target->action, "operationStatuses");

    if (call->method == CALL_POST)
        act(world, call, caller, target, deployment, answer);
    else if (call->method == CALL_HEAD && target->action == NULL)
        answer->status = deployment != NULL ? 204 : 404;
    else if (call->method == CALL_PUT && target->action == NULL)
        put(world, call, caller, target, answer);
    else if (call->method == CALL_DELETE && target->action == NULL && deployment == NULL)
        answer->status = 204;
    else if (call->method == CALL_DELETE && target->action == NULL)
        remove_one(world, call, deployment, answer);
    else if (call->method != CALL_GET)
        refuse_method(call, answer);
    else if (deployment == NULL && is_monitor)
        answer->status = 204; /* what was deleted is gone */
    else if (deployment == NULL)
        refuse_missing(target, answer);
    else if (target->action != NULL)
        read_part(world, call, target, deployment, answer);
    else
        show(world, deployment, answer, 200);
}

static bool check_scope(struct world *world, const struct target *target,
                        struct answer *answer)
{
    const char *name = strrchr(target->id, '/') + 1;

    return strcmp(target->key, world->subscription_key) == 0 ||
           entity_exists(world, target->key) ||
           answer_refuse(answer, REFUSE_RESOURCE_GROUP,
                         "Resource group '%s' could not be found.", name);
}

void deployment_answer(struct world *world, struct call *call,
                       const struct caller *caller, const struct target *target,
                       struct answer *answer)
{
    struct deployment *deployment = NULL;

    if (!check_scope(world, target, answer))
        return;
    if (target->name == NULL) {
        if (call->method == CALL_GET)
            list(world, call, target, answer);
        else
            refuse_method(call, answer);
        return;
    }

    char *key = memory_format("%s/providers/microsoft.resources/deployments/%s",
                              target->key, target->name);

    text_lower(key);
    deployment = deployment_find(world, key);
    answer_one(world, call, caller, target, deployment, answer);
    deployment_free(deployment);
    free(key);
}
