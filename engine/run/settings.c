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
    /* The names of the Azure SDKs first, as they are what people have set already. */
    read(&settings->tenant_id, "AZURE_TENANT_ID");
    read(&settings->client_id, "AZURE_CLIENT_ID");
    read(&settings->client_secret, "AZURE_CLIENT_SECRET");
    read(&settings->authority_host, "AZURE_AUTHORITY_HOST");
    read(&settings->subscription, "AZURE_SUBSCRIPTION_ID");
    read(&settings->endpoint, "MOONGATE_ENDPOINT");
    read(&settings->cloud, "MOONGATE_CLOUD");
    read(&settings->resource_group, "MOONGATE_RESOURCE_GROUP");
    read(&settings->service, "MOONGATE_SERVICE");
    read(&settings->ca_file, "MOONGATE_CA_FILE");
}
