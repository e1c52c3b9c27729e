/* engine/model/cloud.h - the public and the national clouds of Azure. */
#ifndef MOONGATE_MODEL_CLOUD_H
#define MOONGATE_MODEL_CLOUD_H

struct cloud {
    const char *name;           /* as az calls it */
    const char *short_name;     /* as people do: "public", "usgov", "china" */
    const char *terraform_name; /* as ARM_ENVIRONMENT has it */
    const char *arm;            /* Azure Resource Manager, without a slash at the end */
    const char *login;          /* Microsoft Entra */
    const char *graph;          /* Microsoft Graph */
    const char *apim_suffix;    /* what host names of API Management end with */
};

/* Ended by a row without name; the first is the default. */
extern const struct cloud clouds[];

/* By any of its names, without regard to case, or NULL. */
const struct cloud *cloud_find(const char *name);

#endif
