/* engine/model/cloud.c - the public and the national clouds of Azure. */
#include "model/cloud.h"

#include <stddef.h>

#include "base/text.h"

/* Microsoft Graph, identity and access: what an app may in a tenant of under 50 users; larger
 * ones are given more. Learn, "Microsoft Graph service-specific throttling limits". */
#define GRAPH_LIMITS                                                                     \
    {                                                                                    \
        [REQUEST_READS] = {3500, 10000}, [REQUEST_WRITES] = {3000, 150000},              \
    }

/* Learn, "Understand how Azure Resource Manager throttles requests". */
static const struct request_limits regional = {.arm = {[REQUEST_READS] = {250, 10000},
                                                       [REQUEST_WRITES] = {200, 20000},
                                                       [REQUEST_DELETES] = {200, 20000}},
                                               .graph = GRAPH_LIMITS};

/* The same page of docs.azure.cn: so many an hour. */
static const struct request_limits hourly = {
    .arm = {[REQUEST_READS] = {12000, 3600000},
            [REQUEST_WRITES] = {1200, 3600000},
            [REQUEST_DELETES] = {15000, 3600000}},
    .graph = GRAPH_LIMITS};

const struct cloud clouds[] = {
    {"AzureCloud", "public", "public", "https://management.azure.com",
     "https://login.microsoftonline.com", "https://graph.microsoft.com", "azure-api.net",
     "blob.core.windows.net", &regional},
    {"AzureUSGovernment", "usgov", "usgovernment", "https://management.usgovcloudapi.net",
     "https://login.microsoftonline.us", "https://graph.microsoft.us", "azure-api.us",
     "blob.core.usgovcloudapi.net", &regional},
    {"AzureChinaCloud", "china", "china", "https://management.chinacloudapi.cn",
     "https://login.partner.microsoftonline.cn",
     "https://microsoftgraph.chinacloudapi.cn", "azure-api.cn",
     "blob.core.chinacloudapi.cn", &hourly},
    {0}};

const struct cloud *cloud_find(const char *name)
{
    for (const struct cloud *cloud = clouds; cloud->name != NULL; cloud++) {
        if (text_equal_nocase(cloud->name, name) ||
            text_equal_nocase(cloud->short_name, name) ||
            text_equal_nocase(cloud->terraform_name, name))
            return cloud;
    }
    return NULL;
}
