/* engine/model/cloud.h - the public and the national clouds of Azure. */
#ifndef MOONGATE_MODEL_CLOUD_H
#define MOONGATE_MODEL_CLOUD_H

/* What the services count apart; a POST is a write, whatever it does. */
enum request_class {
    REQUEST_READS,
    REQUEST_WRITES,
    REQUEST_DELETES,
    REQUEST_CLASS_COUNT
};

/* A token bucket: full at first, refilled evenly, `fill_ms` from empty to full. */
struct request_limit {
    unsigned size, fill_ms;
};

/* What one principal may send. */
struct request_limits {
    struct request_limit arm[REQUEST_CLASS_COUNT]; /* in each subscription, and outside */
    struct request_limit graph[REQUEST_DELETES]; /* deletes are writes; units for reads */
};

struct cloud {
    const char *name;           /* as az calls it */
    const char *short_name;     /* as people do: "public", "usgov", "china" */
    const char *terraform_name; /* as ARM_ENVIRONMENT has it */
    const char *arm;            /* Azure Resource Manager, without a slash at the end */
    const char *login;          /* Microsoft Entra */
    const char *graph;          /* Microsoft Graph */
    const char *apim_suffix;    /* what host names of API Management end with */
    const char *blob_suffix;    /* and those of Azure Blob Storage */
    const struct request_limits *limits;
};

/* Whom tokens for Azure Storage are for, in every cloud. */
#define CLOUD_STORAGE_RESOURCE "https://storage.azure.com"

/* Ended by a row without name; the first is the default. */
extern const struct cloud clouds[];

/* By any of its names, without regard to case, or NULL. */
const struct cloud *cloud_find(const char *name);

#endif
