/* engine/sim/region.c - Azure's regions.
 *
 * Names, geographies and pairs as Microsoft documents them; coordinates as the service
 * lists them (observed in public listings). Workspace gateways as of November 2025.
 */
#include "sim/region.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "sim/shape.h"

#define US     "United States", "US"
#define EUROPE "Europe", "Europe"

const struct region regions[] = {
    {"australiaeast", "Australia East", "Australia", "Asia Pacific", "New South Wales",
     "-33.86", "151.2094", "australiasoutheast", true},
    {"australiasoutheast", "Australia Southeast", "Australia", "Asia Pacific", "Victoria",
     "-37.8136", "144.9631", "australiaeast", false},
    {"brazilsouth", "Brazil South", "Brazil", "South America", "Sao Paulo State",
     "-23.55", "-46.633", "southcentralus", false},
    {"canadacentral", "Canada Central", "Canada", "Canada", "Toronto", "43.653",
     "-79.383", "canadaeast", false},
    {"canadaeast", "Canada East", "Canada", "Canada", "Quebec", "46.817", "-71.217",
     "canadacentral", false},
    {"centralindia", "Central India", "India", "Asia Pacific", "Pune", "18.5822",
     "73.9197", "southindia", false},
    {"centralus", "Central US", US, "Iowa", "41.5908", "-93.6208", "eastus2", false},
    {"eastasia", "East Asia", "Asia Pacific", "Asia Pacific", "Hong Kong", "22.267",
     "114.188", "southeastasia", true},
    {"eastus", "East US", US, "Virginia", "37.3719", "-79.8164", "westus", false},
    {"eastus2", "East US 2", US, "Virginia", "36.6681", "-78.3889", "centralus", true},
    {"francecentral", "France Central", "France", "Europe", "Paris", "46.3772", "2.3730",
     "francesouth", true},
    {"germanywestcentral", "Germany West Central", "Germany", "Europe", "Frankfurt",
     "50.110924", "8.682127", "germanynorth", true},
    {"italynorth", "Italy North", "Italy", "Europe", "Milan", "45.46888", "9.18109", NULL,
     false},
    {"japaneast", "Japan East", "Japan", "Asia Pacific", "Tokyo, Saitama", "35.68",
     "139.77", "japanwest", true},
    {"japanwest", "Japan West", "Japan", "Asia Pacific", "Osaka", "34.6939", "135.5022",
     "japaneast", false},
    {"koreacentral", "Korea Central", "Korea", "Asia Pacific", "Seoul", "37.5665",
     "126.9780", "koreasouth", false},
    {"northcentralus", "North Central US", US, "Illinois", "41.8819", "-87.6278",
     "southcentralus", true},
    {"northeurope", "North Europe", EUROPE, "Ireland", "53.3478", "-6.2597", "westeurope",
     true},
    {"norwayeast", "Norway East", "Norway", "Europe", "Norway", "59.913868", "10.752245",
     "norwaywest", true},
    {"polandcentral", "Poland Central", "Poland", "Europe", "Warsaw", "52.23334",
     "21.01666", NULL, false},
    {"southafricanorth", "South Africa North", "South Africa", "Africa", "Johannesburg",
     "-25.731340", "28.218370", "southafricawest", false},
    {"southcentralus", "South Central US", US, "Texas", "29.4167", "-98.5",
     "northcentralus", false},
    {"southeastasia", "Southeast Asia", "Asia Pacific", "Asia Pacific", "Singapore",
     "1.283", "103.833", "eastasia", false},
    {"southindia", "South India", "India", "Asia Pacific", "Chennai", "12.9822",
     "80.1636", "centralindia", false},
    {"spaincentral", "Spain Central", "Spain", "Europe", "Madrid", "40.4259", "3.4209",
     NULL, false},
    {"swedencentral", "Sweden Central", "Sweden", "Europe", "Gävle", "60.67488",
     "17.14127", "swedensouth", false},
    {"switzerlandnorth", "Switzerland North", "Switzerland", "Europe", "Zurich",
     "47.451542", "8.564572", "switzerlandwest", false},
    {"uaenorth", "UAE North", "UAE", "Middle East", "Dubai", "25.266666", "55.316666",
     "uaecentral", false},
    {"uksouth", "UK South", "United Kingdom", "Europe", "London", "50.941", "-0.799",
     "ukwest", true},
    {"ukwest", "UK West", "United Kingdom", "Europe", "Cardiff", "53.427", "-3.084",
     "uksouth", false},
    {"westcentralus", "West Central US", US, "Wyoming", "40.890", "-110.234", "westus2",
     false},
    {"westeurope", "West Europe", EUROPE, "Netherlands", "52.3667", "4.9", "northeurope",
     true},
    {"westus", "West US", US, "California", "37.783", "-122.417", "eastus", true},
    {"westus2", "West US 2", US, "Washington", "47.233", "-119.852", "westcentralus",
     false},
    {"westus3", "West US 3", US, "Phoenix", "33.448376", "-112.074036", "eastus", false},
    {0}};

const struct region *region_find(const char *location)
{
    for (const struct region *region = regions; region->name != NULL; region++) {
        if (shape_is_same_location(region->name, location))
            return region;
    }
    return NULL;
}

char *region_format_name(const char *location)
{
    struct buffer name = {0};

    for (; *location != '\0'; location++) {
        if (*location != ' ')
            buffer_append_char(&name, *location);
    }
    return text_lower(buffer_take(&name));
}

static cJSON *describe_pair(const struct region *region, const char *subscription_id)
{
    cJSON *list = cJSON_CreateArray();

    if (region->pair != NULL) {
        cJSON *pair = cJSON_CreateObject();
        char *id = memory_format("%s/locations/%s", subscription_id, region->pair);

        cJSON_AddStringToObject(pair, "name", region->pair);
        cJSON_AddStringToObject(pair, "id", id);
        cJSON_AddItemToArray(list, pair);
        free(id);
    }
    return list;
}

cJSON *region_describe(const struct region *region, const char *subscription_id)
{
    cJSON *body = cJSON_CreateObject(), *metadata;
    char *id = memory_format("%s/locations/%s", subscription_id, region->name);
    char *regional = memory_format("(%s) %s", region->group, region->display_name);

    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "name", region->name);
    cJSON_AddStringToObject(body, "type", "Region");
    cJSON_AddStringToObject(body, "displayName", region->display_name);
    cJSON_AddStringToObject(body, "regionalDisplayName", regional);
    metadata = cJSON_AddObjectToObject(body, "metadata");
    cJSON_AddStringToObject(metadata, "regionType", "Physical");
    cJSON_AddStringToObject(metadata, "regionCategory",
                            region->pair != NULL ? "Recommended" : "Other");
    cJSON_AddStringToObject(metadata, "geography", region->geography);
    cJSON_AddStringToObject(metadata, "geographyGroup", region->group);
    cJSON_AddStringToObject(metadata, "longitude", region->longitude);
    cJSON_AddStringToObject(metadata, "latitude", region->latitude);
    cJSON_AddStringToObject(metadata, "physicalLocation", region->place);
    cJSON_AddItemToObject(metadata, "pairedRegion",
                          describe_pair(region, subscription_id));
    free(id);
    free(regional);
    return body;
}
