/* engine/run/settings.c - what the environment says about a run. */
#include "run/settings.h"

#include <stdlib.h>

static void read(const char **value, const char *name)
{
    const char *text = getenv(name);

    if (*value == NULL && text != NULL && text[0] != '\0')
        *value = text;
}

void settings_read_environment(struct settings *settings)
{
    /* The names of the Azure SDKs and of Terraform first, as they are what people have set
     * already. */
    credential_settings_read_environment(&settings->credentials);
    read(&settings->authority_host, "AZURE_AUTHORITY_HOST");
    read(&settings->subscription, "AZURE_SUBSCRIPTION_ID");
    read(&settings->subscription, "ARM_SUBSCRIPTION_ID");
    read(&settings->endpoint, "MOONGATE_ENDPOINT");
    read(&settings->cloud, "MOONGATE_CLOUD");
    read(&settings->cloud, "ARM_ENVIRONMENT");
    read(&settings->arm_endpoint, "MOONGATE_ARM_ENDPOINT");
    read(&settings->graph_endpoint, "MOONGATE_GRAPH_ENDPOINT");
    read(&settings->arm_audience, "MOONGATE_ARM_AUDIENCE");
    read(&settings->graph_audience, "MOONGATE_GRAPH_AUDIENCE");
    read(&settings->resource_group, "MOONGATE_RESOURCE_GROUP");
    read(&settings->service, "MOONGATE_SERVICE");
    read(&settings->ca_file, "MOONGATE_CA_FILE");
}
