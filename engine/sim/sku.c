/* engine/sim/sku.c - pricing tiers and their units.
 *
 * Gateways: Premium and Standard as the specification's example lists them. Services: units
 * as Microsoft documents the tiers' scaling limits; scale types assumed. */
#include "sim/sku.h"

#include <stddef.h>

#include "base/json.h"
#include "base/text.h"
#include "model/kind.h"

static const struct sku skus[] = {
    {&service_kind, "Consumption", 0, 0, 0, "none"},
    {&service_kind, "Developer", 1, 1, 1, "none"},
    {&service_kind, "Basic", 1, 2, 1, "automatic"},
    {&service_kind, "Standard", 1, 4, 1, "automatic"},
    {&service_kind, "Premium", 1, 31, 1, "automatic"},
    {&service_kind, "BasicV2", 1, 10, 1, "manual"},
    {&service_kind, "StandardV2", 1, 10, 1, "manual"},
    {&service_kind, "PremiumV2", 1, 30, 1, "manual"},
    {&gateway_kind, "WorkspaceGatewayStandard", 1, 4, 1, "Manual"},
    {&gateway_kind, "WorkspaceGatewayPremium", 1, 12, 1, "Manual"},
};

enum { SKU_COUNT = sizeof skus / sizeof skus[0] };

const struct sku *sku_find(const struct kind *kind, const char *name)
{
    for (size_t i = 0; i < SKU_COUNT; i++) {
        if (skus[i].kind == kind && text_equal_nocase(skus[i].name, name))
            return &skus[i];
    }
    return NULL;
}

cJSON *sku_describe_all(const struct kind *kind)
{
    cJSON *body = cJSON_CreateObject(), *value = cJSON_AddArrayToObject(body, "value");

    for (size_t i = 0; i < SKU_COUNT; i++) {
        if (skus[i].kind != kind)
            continue;

        cJSON *one = cJSON_CreateObject(), *capacity;

        cJSON_AddStringToObject(one, "resourceType", kind->arm_type);
        json_set_at(one, "sku.name", cJSON_CreateString(skus[i].name));
        capacity = cJSON_AddObjectToObject(one, "capacity");
        cJSON_AddNumberToObject(capacity, "minimum", skus[i].least);
        cJSON_AddNumberToObject(capacity, "maximum", skus[i].most);
        cJSON_AddNumberToObject(capacity, "default", skus[i].usual);
        cJSON_AddStringToObject(capacity, "scaleType", skus[i].scale_type);
        cJSON_AddItemToArray(value, one);
    }
    cJSON_AddNullToObject(body, "nextLink");
    return body;
}
