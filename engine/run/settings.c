/* engine/run/settings.c - what the environment says about a run. */
#include "run/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/url.h"

static void read(const char **value, const char *name)
{
    const char *text = getenv(name);

    if (*value == NULL && text != NULL && text[0] != '\0')
        *value = text;
}

void settings_read_environment(struct settings *settings)
{
    /* a world in memory ends with the process, so nothing of its runs is kept unless asked for */
    if (!settings->sim || settings->sim_file != NULL)
        read(&settings->store, "MOONGATE_STORE");
    if (settings->sim)
        return; /* nobody's Azure is meant */
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

/* "host" stands for both schemes at their own ports, "host:port" for both at that one. */
static bool is_host_of(const char *host, const char *url)
{
    static const char *const schemes[] = {"https://", "http://"};
    bool is_its = strstr(host, "://") != NULL && url_same_origin(url, host);

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0] && !is_its; i++) {
        char *origin = memory_format("%s%s", schemes[i], host);

        is_its = url_same_origin(url, origin);
        free(origin);
    }
    return is_its;
}

bool settings_allow_url(const struct settings *settings, const char *url)
{
    for (size_t i = 0; i < settings->allowed_host_count; i++) {
        if (is_host_of(settings->allowed_hosts[i], url))
            return true;
    }
    return false;
}
