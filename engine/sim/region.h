/* engine/sim/region.h - Azure's regions, as far as a subscription lists them. */
#ifndef MOONGATE_SIM_REGION_H
#define MOONGATE_SIM_REGION_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct region {
    const char *name, *display_name; /* "westeurope", "West Europe" */
    const char *geography, *group;   /* "Europe", "Europe"; "United States", "US" */
    const char *place;               /* "Netherlands" */
    const char *latitude, *longitude;
    const char *pair; /* the region it is paired with, or NULL */
    bool has_workspace_gateways;
};

/* Ended by a row without name. */
extern const struct region regions[];

/* By either name, without regard to case and spaces, or NULL. */
const struct region *region_find(const char *location);

/* "West Europe" -> "westeurope", and the same for both; owned by the caller. */
char *region_format_name(const char *location);

/* As /subscriptions/{id}/locations lists it, owned by the caller. */
cJSON *region_describe(const struct region *region, const char *subscription_id);

#endif
