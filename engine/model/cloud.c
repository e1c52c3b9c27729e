/* engine/model/cloud.c - the public and the national clouds of Azure. */
#include "model/cloud.h"

#include <stddef.h>

#include "base/text.h"

const struct cloud clouds[] = {
    {"AzureCloud", "public", "public", "https://management.azure.com",
     "https://login.microsoftonline.com", "https://graph.microsoft.com", "azure-api.net"},
    {"AzureUSGovernment", "usgov", "usgovernment", "https://management.usgovcloudapi.net",
     "https://login.microsoftonline.us", "https://graph.microsoft.us", "azure-api.us"},
    {"AzureChinaCloud", "china", "china", "https://management.chinacloudapi.cn",
     "https://login.partner.microsoftonline.cn",
     "https://microsoftgraph.chinacloudapi.cn", "azure-api.cn"},
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
