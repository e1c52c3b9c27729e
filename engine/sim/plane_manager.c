/* engine/sim/plane_manager.c - Azure Resource Manager: who may, and what a path leads to.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/api_version.h"
#include "sim/call.h"
#include "sim/deleted_service.h"
#include "sim/deployment.h"
#include "sim/entity.h"
#include "sim/faults.h"
#include "sim/grants.h"
#include "sim/item.h"
#include "sim/linked.h"
#include "sim/lock.h"
#include "sim/monitor.h"
#include "sim/people.h"
#include "sim/plane.h"
#include "sim/provider.h"
#include "sim/resources.h"
#include "sim/sku.h"
#include "sim/stale.h"
#include "sim/strike.h"
#include "sim/subscription.h"
#include "sim/tags.h"
#include "sim/target.h"
#include "sim/throttle.h"
#include "sim/world.h"

static bool check_token(struct world *world, const struct call *call,
                        struct caller *caller, struct answer *answer)
{
    static const struct {
        enum refusal refusal;
        const char *message, *description; /* NULL: the same */
    } faults[] = {
        [TOKEN_ABSENT] =
            {REFUSE_NO_TOKEN,
             "Authentication failed. The 'Authorization' header is missing.",
             "The authentication failed because of missing 'Authorization' header."},
        [TOKEN_INVALID] = {.refusal = REFUSE_TOKEN,
                           .message = "The access token is invalid."},
        [TOKEN_EXPIRED] = {.refusal = REFUSE_TOKEN_EXPIRED,
                           .message = "The access token expiry UTC time is earlier than "
                                      "current UTC time."},
        [TOKEN_AUDIENCE] = {.refusal = REFUSE_TOKEN_AUDIENCE,
                            .message = "The access token has been obtained for wrong "
                                       "audience or resource."},
        [TOKEN_REVOKED] = {.refusal = REFUSE_TOKEN, .message = plane_revoked_message}};
    enum token_fault fault;

    if (plane_authenticate(world, call, AUDIENCE_ARM, caller, &fault))
        return true;

    const char *description = faults[fault].description != NULL
                                  ? faults[fault].description
                                  : faults[fault].message;

    answer->www_authenticate =
        fault == TOKEN_REVOKED
            ? plane_format_challenge(world, call)
            : memory_format(
                  "Bearer authorization_uri=\"%s/%s\", error=\"invalid_token\", "
                  "error_description=\"%s\"",
                  call->base, world->profile.tenant_id, description);
    return answer_refuse(answer, faults[fault].refusal, "%s", faults[fault].message);
}

static bool has_api_version(const struct call *call, struct answer *answer)
{
    const char *version = call_parameter(call, "api-version");

    return (version != NULL && *version != '\0') ||
           answer_refuse(
               answer, REFUSE_NO_API_VERSION,
               "The api-version query parameter (?api-version=) is required for all "
               "requests.");
}

/* Monitors are asked under the version of their call, whatever its type. */
static bool check_api_version(const struct world *world, const struct call *call,
                              const struct target *target, struct answer *answer)
{
    const char *version = call_parameter(call, "api-version");
    const char *type = "Microsoft.Resources/subscriptions";

    if (target->form == TARGET_MONITOR)
        return true;
    if (target->kind != NULL)
        type = target->kind->arm_type;
    else if (target->form == TARGET_PERMISSIONS)
        type = "Microsoft.Authorization/permissions";
    else if (target->form == TARGET_NAME_CHECK)
        type = "Microsoft.ApiManagement/checkNameAvailability";
    else if (target->form == TARGET_DELETED_SERVICE)
        type = "Microsoft.ApiManagement/deletedservices";
    return api_version_check(type, version, world->location, answer);
}

/* What comes last in the right to do it. */
static const char *find_verb(const struct call *call)
{
    switch (call->method) {
    case CALL_PUT:
    case CALL_PATCH:
    case CALL_POST:
        return "write";
    case CALL_DELETE:
        return "delete";
    case CALL_GET:
    case CALL_HEAD:
        break;
    }
    return "read";
}

/* "Microsoft.ApiManagement/service/workspaces/write". Owned by the caller. */
static char *format_action(const struct call *call, const struct kind *kind,
                           const char *action)
{
    const char *type = kind == &resource_group_kind
                           ? "Microsoft.Resources/subscriptions/resourceGroups"
                           : kind->arm_type;

    if (action != NULL)
        return memory_format("%s/%s/action", type, action);
    return memory_format("%s/%s", type, find_verb(call));
}

/* Says which deny assignment takes away what a role allows; its id is without dashes. */
static bool refuse_denied(const struct caller *caller, const char *action,
                          const char *scope_id, const cJSON *denial,
                          struct answer *answer)
{
    char id[UUID_TEXT_SIZE];

    uuid_drop_dashes(json_string_at(denial, "name"), id);
    return answer_refuse(
        answer, REFUSE_DENIED,
        "The client '%s' with object id '%s' has permission to perform action '%s' on "
        "scope '%s'; however, the access is denied because of the deny assignment with "
        "name '%s' and Id '%s' at scope '%s'.",
        caller->application_id, caller->object_id, action, scope_id,
        json_string_at(denial, "properties.denyAssignmentName"), id,
        json_string_at(denial, "properties.scope"));
}

static bool check_action(struct world *world, const struct caller *caller,
                         const char *action, const char *scope_id, struct answer *answer)
{
    char *key = entity_make_key(scope_id);
    const bool is_allowed = grants_allow(world, caller->object_id, key, action);
    const cJSON *denial =
        is_allowed ? NULL : grants_find_denial(world, caller->object_id, key, action);

    free(key);
    if (is_allowed)
        return true;
    if (denial != NULL)
        return refuse_denied(caller, action, scope_id, denial, answer);
    return answer_refuse(
        answer, REFUSE_AUTHORIZATION,
        "The client '%s' with object id '%s' does not have authorization to "
        "perform action '%s' over scope '%s' or the scope is invalid. If access "
        "was recently granted, please refresh your credentials.",
        caller->application_id, caller->object_id, action, scope_id);
}

/* What anybody may read without a role for it (assumed): the groups that they can read
 * themselves, the subscription in which they have a role somewhere, and the roles of the
 * tenant. */
static bool is_open(struct world *world, const struct call *call,
                    const struct caller *caller, const struct target *target)
{
    if (call->method != CALL_GET)
        return false;
    if (target->form == TARGET_SUBSCRIPTION)
        return grants_reach(world, caller->object_id, world->subscription_key);
    if (target->form == TARGET_LIST && target->kind == &resource_group_kind)
        return grants_reach(world, caller->object_id, world->subscription_key);
    return (target->form == TARGET_LIST || target->form == TARGET_ITEM) &&
           target->kind == &role_definition_kind &&
           text_has_prefix_nocase(call->path, "/providers/");
}

/* The action that a call needs and on what, both owned by the caller; `*action` is NULL
 * when it needs none. */
static void find_action(struct world *world, const struct call *call,
                        const struct target *target, char **action, char **scope)
{
    const struct kind *kind = target->kind;

    *action = NULL;
    *scope = memory_copy_string(target->id != NULL ? target->id : world->subscription_id);
    switch (target->form) {
    case TARGET_SUBSCRIPTIONS:
    case TARGET_TENANTS:
    case TARGET_PERMISSIONS:
        break; /* anybody may ask, and sees what is theirs */
    case TARGET_PROVIDER:
        if (call->method == CALL_POST)
            *action = memory_format("%s/%s/action", target->name, target->action);
        else
            *action = memory_copy_string("Microsoft.Resources/subscriptions/read");
        break;
    case TARGET_SUBSCRIPTION:
    case TARGET_LOCATIONS:
        *action = memory_copy_string("Microsoft.Resources/subscriptions/read");
        break;
    case TARGET_MONITOR:
        free(*scope);
        *scope = monitor_find_resource(world, target->name, &kind);
        *action = *scope != NULL ? memory_format("%s/read", kind->arm_type) : NULL;
        break;
    case TARGET_RESOURCES:
        *action = memory_copy_string("Microsoft.Resources/subscriptions/resources/read");
        break;
    case TARGET_TAGS:
        *action = memory_format("Microsoft.Resources/tags/%s", find_verb(call));
        break;
    case TARGET_SKUS:
        *action = memory_format("%s/skus/read", kind->arm_type);
        break;
    case TARGET_NAME_CHECK:
        *action =
            memory_copy_string("Microsoft.ApiManagement/checkNameAvailability/read");
        break;
    case TARGET_DELETED_SERVICE:
        *action =
            memory_format("Microsoft.ApiManagement/%sdeletedservices/%s",
                          target->name != NULL ? "locations/" : "", find_verb(call));
        break;
    case TARGET_DEPLOYMENT:
        *action = deployment_format_action(call, target);
        break;
    case TARGET_LIST:
    case TARGET_ITEM:
    case TARGET_ACTION:
        *action = format_action(call, kind, target->action);
        break;
    }
}

static bool check_right(struct world *world, struct call *call,
                        const struct caller *caller, const struct target *target,
                        struct answer *answer)
{
    char *action, *scope;
    bool is_allowed = true;

    find_action(world, call, target, &action, &scope);
    if (action != NULL && !is_open(world, call, caller, target))
        is_allowed = check_action(world, caller, action, scope, answer) &&
                     linked_check(world, call, caller, target, action, answer);
    free(action);
    free(scope);
    return is_allowed;
}

static void answer_permissions(struct world *world, const struct caller *caller,
                               const struct target *target, struct answer *answer)
{
    cJSON *body = cJSON_CreateObject();

    cJSON_AddItemToObject(body, "value",
                          grants_describe(world, caller->object_id, target->key));
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static void answer_skus(struct world *world, const struct target *target,
                        struct answer *answer)
{
    cJSON *body;

    if (!entity_exists(world, target->key)) {
        answer_refuse(answer, REFUSE_RESOURCE,
                      "The Resource '%s' was not found. For more details please go to "
                      "https://aka.ms/ARMResourceNotFoundFix",
                      target->id);
        return;
    }
    body = sku_describe_all(target->kind);
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static void poll(struct world *world, const struct call *call, const char *id,
                 struct answer *answer)
{
    if (faults_strike(world->faults, FAULT_MONITOR_LOST, call, NULL))
        answer_refuse(answer, REFUSE_MONITOR, "The operation '%s' could not be found.",
                      id);
    else
        monitor_answer(world, call, answer, id);
}

/* One resource or a list of them. */
static void serve_resources(struct world *world, struct call *call,
                            const struct caller *caller, const struct target *target,
                            struct answer *answer)
{
    const bool is_stale = stale_begin(world, call);

    if (target->form == TARGET_LIST)
        item_list(world, call, caller, target, answer);
    else
        item_answer(world, call, caller, target, answer);
    if (is_stale)
        stale_end(world);
}

static void serve(struct world *world, struct call *call, const struct caller *caller,
                  const struct target *target, struct answer *answer)
{
    switch (target->form) {
    case TARGET_SUBSCRIPTIONS:
    case TARGET_TENANTS:
    case TARGET_SUBSCRIPTION:
    case TARGET_LOCATIONS:
        subscription_answer(world, caller, target, answer);
        break;
    case TARGET_RESOURCES:
        resources_list(world, call, target, answer);
        break;
    case TARGET_TAGS:
        tags_answer(world, call, target, answer);
        break;
    case TARGET_SKUS:
        answer_skus(world, target, answer);
        break;
    case TARGET_NAME_CHECK:
        subscription_check_name(world, call, answer);
        break;
    case TARGET_DELETED_SERVICE:
        deleted_service_answer(world, call, target, answer);
        break;
    case TARGET_PERMISSIONS:
        answer_permissions(world, caller, target, answer);
        break;
    case TARGET_PROVIDER:
        provider_answer(world, call, target, answer);
        break;
    case TARGET_MONITOR:
        poll(world, call, target->name, answer);
        break;
    case TARGET_DEPLOYMENT:
        deployment_answer(world, call, caller, target, answer);
        break;
    case TARGET_LIST:
    case TARGET_ITEM:
        if (call->method == CALL_GET && call_parameter(call, "asyncId") != NULL)
            poll(world, call, call_parameter(call, "asyncId"), answer);
        else
            serve_resources(world, call, caller, target, answer);
        break;
    case TARGET_ACTION:
        item_act(world, call, target, answer);
        break;
    }
}

/* What takes more than GET looks at the method itself, but for these. */
static bool check_method(const struct call *call, const struct target *target,
                         struct answer *answer)
{
    bool is_good = call->method == CALL_GET;

    switch (target->form) {
    case TARGET_ITEM:
    case TARGET_ACTION:
    case TARGET_DEPLOYMENT:
    case TARGET_TAGS:
        is_good = true;
        break;
    case TARGET_PROVIDER:
        is_good = is_good || (call->method == CALL_POST && target->action != NULL);
        break;
    case TARGET_NAME_CHECK:
        is_good = call->method == CALL_POST;
        break;
    case TARGET_DELETED_SERVICE:
        is_good = is_good || (call->method == CALL_DELETE && target->name != NULL &&
                              target->detail == NULL);
        break;
    default:
        break;
    }
    return is_good || answer_refuse(answer, REFUSE_METHOD,
                                    "The method is not allowed on '%s'.", call->path);
}

static bool admit(struct world *world, const struct call *call, struct caller *caller,
                  struct answer *answer)
{
    if (!check_token(world, call, caller, answer) ||
        !throttle_admit(world, call, caller, answer))
        return false;
    traffic_admit(&world->traffic, call, world->now_ms);
    return true;
}

/* Locks do not mind each other, or none could be taken away. */
static bool check_locks(struct world *world, const struct call *call,
                        const struct target *target, struct answer *answer)
{
    const bool is_own = target->form == TARGET_ITEM || target->form == TARGET_ACTION ||
                        target->form == TARGET_TAGS;
    const bool is_delete = call->method == CALL_DELETE && target->form == TARGET_ITEM;

    if (!is_own || target->kind == &lock_kind || call->method == CALL_GET ||
        call->method == CALL_HEAD)
        return true;
    return lock_check(world, target->id, is_delete ? LOCK_DELETE : LOCK_WRITE, answer);
}

void plane_manager_perform(struct world *world, struct call *call,
                           const struct caller *caller, struct answer *answer)
{
    struct target target = {0};

    if (has_api_version(call, answer) && target_open(&target, world, call, answer) &&
        check_api_version(world, call, &target, answer) &&
        check_method(call, &target, answer) &&
        check_right(world, call, caller, &target, answer) &&
        check_locks(world, call, &target, answer) &&
        provider_check_write(world, call, &target, answer) &&
        strike_write(world, call, &target, answer)) {
        target_resolve(&target, world);
        if (target.kind != NULL && target.key != NULL)
            people_plant_for(world, target.kind, target.key);
        serve(world, call, caller, &target, answer);
    }
    target_close(&target);
}

void plane_manager(struct world *world, struct call *call, struct answer *answer)
{
    struct caller caller;

    if (admit(world, call, &caller, answer))
        plane_manager_perform(world, call, &caller, answer);
}
