/* engine/sim/subscription.c - what Azure Resource Manager says of the tenant and its one
 * subscription. */
#include "sim/subscription.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/kind.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/deleted_service.h"
#include "sim/grants.h"
#include "sim/plane.h"
#include "sim/region.h"
#include "sim/tags.h"
#include "sim/target.h"
#include "sim/world.h"

static cJSON *describe_subscription(struct world *world)
{
    cJSON *body = cJSON_CreateObject(), *tags = tags_of_subscription(world);

    cJSON_AddStringToObject(body, "id", world->subscription_id);
    cJSON_AddStringToObject(body, "subscriptionId", world->profile.subscription_id);
    cJSON_AddStringToObject(body, "tenantId", world->profile.tenant_id);
    cJSON_AddStringToObject(body, "displayName",
                            world_option(world, "subscription.name", "Contoso"));
    cJSON_AddStringToObject(body, "state", "Enabled");
    cJSON_AddStringToObject(body, "authorizationSource", "RoleBased");
    cJSON_AddArrayToObject(body, "managedByTenants");
    json_set_at(body, "subscriptionPolicies.locationPlacementId",
                cJSON_CreateString("Public_2014-09-01"));
    json_set_at(body, "subscriptionPolicies.quotaId",
                cJSON_CreateString("EnterpriseAgreement_2014-09-01"));
    json_set_at(body, "subscriptionPolicies.spendingLimit", cJSON_CreateString("Off"));
    if (tags != NULL)
        cJSON_AddItemToObject(body, "tags", tags);
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
    cJSON_AddItemToObject(body, "domains",
                          cJSON_CreateStringArray((const char *[]){world->domain}, 1));
    cJSON_AddStringToObject(body, "tenantCategory", "Home");
    cJSON_AddStringToObject(body, "tenantType", "AAD");
    cJSON_AddStringToObject(body, "countryCode", "NL");
    free(id);
    return body;
}

/* The members are taken. A list that can be counted says how many there are. */
static void answer_list(struct answer *answer, cJSON *members, bool has_count)
{
    cJSON *body = cJSON_CreateObject();
    const int count = cJSON_GetArraySize(members);

    cJSON_AddItemToObject(body, "value", members);
    if (has_count) {
        json_set_at(body, "count.type", cJSON_CreateString("Total"));
        json_set_at(body, "count.value", cJSON_CreateNumber(count));
    }
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
}

static cJSON *list_regions(const struct world *world)
{
    cJSON *list = cJSON_CreateArray();

    for (const struct region *region = regions; region->name != NULL; region++)
        cJSON_AddItemToArray(list, region_describe(region, world->subscription_id));
    return list;
}

void subscription_answer(struct world *world, const struct caller *caller,
                         const struct target *target, struct answer *answer)
{
    cJSON *list;

    if (target->form == TARGET_SUBSCRIPTION) {
        cJSON *body = describe_subscription(world);

        answer_set_json(answer, 200, body);
        cJSON_Delete(body);
        return;
    }
    if (target->form == TARGET_LOCATIONS) {
        answer_list(answer, list_regions(world), false);
        return;
    }
    list = cJSON_CreateArray();
    if (target->form == TARGET_TENANTS)
        cJSON_AddItemToArray(list, describe_tenant(world));
    else if (grants_reach(world, caller->object_id, world->subscription_key))
        cJSON_AddItemToArray(list, describe_subscription(world));
    answer_list(answer, list, target->form == TARGET_SUBSCRIPTIONS);
}

static bool is_taken(struct world *world, const char *name)
{
    char *ending = memory_format("%%/service/%s", name);
    const bool is_there =
        database_number(world->database, 0,
                        "SELECT 1 FROM entity WHERE type ="
                        " 'Microsoft.ApiManagement/service' AND key LIKE ? LIMIT 1",
                        "t", ending) != 0;

    free(ending);
    return is_there || deleted_service_holds(world, name);
}

void subscription_check_name(struct world *world, struct call *call,
                             struct answer *answer)
{
    const char *name = json_string_at(call_json(call), "name");
    char *wrong = name != NULL ? kind_check_name(&service_kind, name) : NULL;
    cJSON *body;
    char *message;

    if (name == NULL) {
        answer_add_detail(answer, "name", "The name is required.");
        answer_refuse_details(answer);
        return;
    }
    body = cJSON_CreateObject();
    if (wrong != NULL)
        message = memory_copy_string(wrong);
    else if (is_taken(world, name))
        message =
            memory_format("%s is already in use. Please select a different name.", name);
    else
        message = memory_copy_string("");
    cJSON_AddBoolToObject(body, "nameAvailable", *message == '\0');
    cJSON_AddStringToObject(body, "reason",
                            wrong != NULL      ? "Invalid"
                            : *message != '\0' ? "AlreadyExists"
                                               : "Valid");
    cJSON_AddStringToObject(body, "message", message);
    answer_set_json(answer, 200, body);
    cJSON_Delete(body);
    free(message);
    free(wrong);
}
