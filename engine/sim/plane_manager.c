/* engine/sim/plane_manager.c - Azure Resource Manager: who may, and what a path leads to.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/entity.h"
#include "sim/faults.h"
#include "sim/grants.h"
#include "sim/item.h"
#include "sim/monitor.h"
#include "sim/plane.h"
#include "sim/provider.h"
#include "sim/target.h"
#include "sim/throttle.h"
#include "sim/world.h"

static bool check_token(struct world *world, const struct call *call,
                        struct caller *caller, struct answer *answer)
{
    static const struct {
        enum refusal refusal;
        const char *message;
    } faults[] = {
        [TOKEN_ABSENT] =
            {REFUSE_NO_TOKEN,
             "Authentication failed. The 'Authorization' header is missing."},
        [TOKEN_INVALID] = {REFUSE_TOKEN, "The access token is invalid."},
        [TOKEN_EXPIRED] =
            {REFUSE_TOKEN_EXPIRED,
             "The access token expiry UTC time is earlier than current UTC time."},
        [TOKEN_AUDIENCE] =
            {REFUSE_TOKEN_AUDIENCE,
             "The access token has been obtained for wrong audience or resource."},
        [TOKEN_REVOKED] = {REFUSE_TOKEN, plane_revoked_message}};
    enum token_fault fault;

    if (plane_authenticate(world, call, AUDIENCE_ARM, caller, &fault))
        return true;
    answer->www_authenticate =
        fault == TOKEN_REVOKED
            ? plane_format_challenge(world, call)
            : memory_format(
                  "Bearer authorization_uri=\"%s/%s\", error=\"invalid_token\", "
                  "error_description=\"%s\"",
                  call->base, world->profile.tenant_id, faults[fault].message);
    return answer_refuse(answer, faults[fault].refusal, "%s", faults[fault].message);
}

/* YYYY-MM-DD, perhaps with "-preview". Which versions a type has is not told apart. */
static bool check_api_version(const struct call *call, struct answer *answer)
{
    const char *version = call_parameter(call, "api-version");

    if (version == NULL || *version == '\0')
        return answer_refuse(
            answer, REFUSE_NO_API_VERSION,
            "The api-version query parameter (?api-version=) is required for all "
            "requests.");
    if (!text_matches(version, "^20[0-9]{2}-[01][0-9]-[0-3][0-9](-[a-z]+)?$"))
        return answer_refuse(
            answer, REFUSE_API_VERSION,
            "The api-version '%s' is invalid. The supported versions are dates.",
            version);
    return true;
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
    switch (call->method) {
    case CALL_PUT:
    case CALL_PATCH:
    case CALL_POST:
        return memory_format("%s/write", type);
    case CALL_DELETE:
        return memory_format("%s/delete", type);
    case CALL_GET:
    case CALL_HEAD:
        break;
    }
    return memory_format("%s/read", type);
}

static bool check_action(struct world *world, const struct caller *caller,
                         const char *action, const char *scope_id, struct answer *answer)
{
    char *key = entity_make_key(scope_id);
    const bool is_allowed = grants_allow(world, caller->object_id, key, action);

    free(key);
    if (is_allowed)
        return true;
    return answer_refuse(
        answer, REFUSE_AUTHORIZATION,
        "The client '%s' with object id '%s' does not have authorization to "
        "perform action '%s' over scope '%s' or the scope is invalid. If access "
        "was recently granted, please refresh your credentials.",
        caller->application_id, caller->object_id, action, scope_id);
}

static bool check_right(struct world *world, const struct call *call,
                        const struct caller *caller, const struct target *target,
                        struct answer *answer)
{
    const struct kind *kind = target->kind;
    char *scope =
        memory_copy_string(target->id != NULL ? target->id : world->subscription_id);
    char *action = NULL;
    bool is_allowed = true;

    switch (target->form) {
    case TARGET_SUBSCRIPTIONS:
    case TARGET_TENANTS:
    case TARGET_PERMISSIONS:
        break; /* anybody may ask, and sees what is theirs */
    case TARGET_PROVIDER:
        if (call->method == CALL_POST)
            action = memory_format("%s/register/action", target->name);
        else
            action = memory_copy_string("Microsoft.Resources/subscriptions/read");
        break;
    case TARGET_SUBSCRIPTION:
    case TARGET_LOCATIONS:
        action = memory_copy_string("Microsoft.Resources/subscriptions/read");
        break;
    case TARGET_MONITOR:
        free(scope);
        scope = monitor_find_resource(world, target->name, &kind);
        action = scope != NULL ? memory_format("%s/read", kind->arm_type) : NULL;
        break;
    case TARGET_LIST:
    case TARGET_ITEM:
    case TARGET_ACTION:
        action = format_action(call, kind, target->action);
        break;
    }
    if (action != NULL)
        is_allowed = check_action(world, caller, action, scope, answer);
    free(action);
    free(scope);
    return is_allowed;
}

static cJSON *describe_subscription(const struct world *world)
{
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "id", world->subscription_id);
    cJSON_AddStringToObject(body, "subscriptionId", world->profile.subscription_id);
    cJSON_AddStringToObject(body, "tenantId", world->profile.tenant_id);
    cJSON_AddStringToObject(body, "displayName",
                            world_option(world, "subscription.name", "Contoso"));
    cJSON_AddStringToObject(body, "state", "Enabled");
    cJSON_AddStringToObject(body, "authorizationSource", "RoleBased");
    json_set_at(body, "subscriptionPolicies.quotaId",
                cJSON_CreateString("EnterpriseAgreement_2014-09-01"));
    return body;
}

static cJSON *describe_tenant(const struct world *world)
{
    cJSON *body = cJSON_CreateObject();
    char *id = memory_format("/tenants/%s", world->profile.tenant_id);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "tenantId", world->profile.tenant_id);
    cJSON_AddStringToObject(body, "displayName",
                            world_option(world, "tenant.name", "Contoso"));
    cJSON_AddStringToObject(body, "defaultDomain", world->domain);
    cJSON_AddStringToObject(body, "tenantCategory", "Home");
    free(id);
    return body;
}

static cJSON *describe_location(const struct world *world)
{
    cJSON *body = cJSON_CreateObject();
    char *id = memory_format("%s/locations/%s", world->subscription_id, world->location);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", world->location);
    cJSON_AddStringToObject(body, "displayName", world->location);
    free(id);
    return body;
}

/* A list with one member (taken), or none. */
static void answer_list_of(struct answer *answer, cJSON *member)
{
    cJSON *body = cJSON_CreateObject(), *value = cJSON_AddArrayToObject(body, "value");

    if (member != NULL)
        cJSON_AddItemToArray(value, member);
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static void answer_object(struct answer *answer, cJSON *body)
{
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static void answer_permissions(struct world *world, const struct caller *caller,
                               const struct target *target, struct answer *answer)
{
    cJSON *body = cJSON_CreateObject();

    cJSON_AddItemToObject(body, "value",
                          grants_describe(world, caller->object_id, target->key));
    answer_object(answer, body);
}

static void serve(struct world *world, struct call *call, const struct caller *caller,
                  const struct target *target, struct answer *answer)
{
    switch (target->form) {
    case TARGET_SUBSCRIPTIONS:
        answer_list_of(answer,
                       grants_allow(world, caller->object_id, world->subscription_key,
                                    "Microsoft.Resources/subscriptions/read")
                           ? describe_subscription(world)
                           : NULL);
        break;
    case TARGET_TENANTS:
        answer_list_of(answer, describe_tenant(world));
        break;
    case TARGET_SUBSCRIPTION:
        answer_object(answer, describe_subscription(world));
        break;
    case TARGET_LOCATIONS:
        answer_list_of(answer, describe_location(world));
        break;
    case TARGET_PERMISSIONS:
        answer_permissions(world, caller, target, answer);
        break;
    case TARGET_PROVIDER:
        provider_answer(world, call, target, answer);
        break;
    case TARGET_MONITOR:
        if (faults_strike(world->faults, FAULT_MONITOR_LOST, NULL))
            answer_refuse(answer, REFUSE_MONITOR,
                          "The operation '%s' could not be found.", target->name);
        else
            monitor_answer(world, call, answer, target->name);
        break;
    case TARGET_LIST:
        item_list(world, call, target, answer);
        break;
    case TARGET_ITEM:
        item_answer(world, call, caller, target, answer);
        break;
    case TARGET_ACTION:
        answer_refuse(answer, REFUSE_ACTION, "The action '%s' is not known for '%s'.",
                      target->action, target->kind->arm_type);
        break;
    }
}

/* Only items take anything but GET; a POST may also register a provider. */
static bool check_method(const struct call *call, const struct target *target,
                         struct answer *answer)
{
    const bool is_free = target->form == TARGET_ITEM || target->form == TARGET_ACTION ||
                         (target->form == TARGET_PROVIDER && call->method == CALL_POST);

    if (is_free || call->method == CALL_GET)
        return true;
    return answer_refuse(answer, REFUSE_METHOD, "The method is not allowed on '%s'.",
                         call->path);
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

void plane_manager(struct world *world, struct call *call, struct answer *answer)
{
    struct caller caller;
    struct target target = {0};

    if (admit(world, call, &caller, answer) && check_api_version(call, answer) &&
        target_open(&target, world, call, answer) &&
        check_method(call, &target, answer) &&
        check_right(world, call, &caller, &target, answer) &&
        provider_check_write(world, call, &target, answer))
        serve(world, call, &caller, &target, answer);
    target_close(&target);
}
