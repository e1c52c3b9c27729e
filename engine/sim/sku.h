/* engine/sim/sku.h - the pricing tiers of services and gateways, and how many units each
 * may have. */
#ifndef MOONGATE_SIM_SKU_H
#define MOONGATE_SIM_SKU_H

#include <cjson/cJSON.h>

struct kind;

struct sku {
    const struct kind *kind;
    const char *name;
    int least, most, usual; /* units */
    const char *scale_type;
};

/* Without regard to case, or NULL when nothing is known of it. */
const struct sku *sku_find(const struct kind *kind, const char *name);

/* {"value": [..]} with all of a kind, owned by the caller. */
cJSON *sku_describe_all(const struct kind *kind);

#endif
