/* engine/run/endpoints.c - which Azure a run talks to. */
#include "run/endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "model/cloud.h"

bool endpoints_is_base_url(const char *url)
{
    return text_matches(url, "^https?://[^/?#@]+/*$");
}

/* It becomes part of URLs and of az's words. */
bool endpoints_is_tenant(const char *tenant)
{
    return text_matches(tenant, "^[0-9a-zA-Z][0-9a-zA-Z.-]*$");
}

/* A base URL without its slashes at the end; NULL when it is none. */
static char *base_url(const char *url)
{
    size_t length = strlen(url);

    if (!endpoints_is_base_url(url))
        return NULL;
    while (url[length - 1] == '/')
        length--;
    return memory_copy_text(url, length);
}

static struct failure *nothing_chosen(void)
{
    return failure_set_cure(
        failure_new("NoTarget",
                    "nothing says which side to use: Azure, or the simulator"),
        "without Azure: add --sim; with Azure: set AZURE_SUBSCRIPTION_ID, name the "
        "service "
        "with --resource-group and --service, and sign in (`az login`, or "
        "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET); with a running "
        "`moongate sim`: --endpoint URL");
}

/* Secrets go to these, so they are https, or on this machine. */
static struct failure *take_url(char **to, const char *name, const char *url)
{
    if (url == NULL)
        return failure_new("BadSetting", "the custom cloud needs %s", name);
    *to = base_url(url);
    if (*to == NULL)
        return failure_new("BadSetting",
                           "%s '%s' is not a base URL such as https://login.example",
                           name, url);
    if (!text_has_prefix_nocase(url, "https://") && !url_is_loopback(url))
        return failure_new("BadSetting", "%s '%s' is not https", name, url);
    return NULL;
}

static struct failure *use_custom(struct endpoints *endpoints,
                                  const struct settings *settings)
{
    struct failure *failure =
        take_url(&endpoints->arm, "MOONGATE_ARM_ENDPOINT", settings->arm_endpoint);

    if (failure == NULL)
        failure =
            take_url(&endpoints->login, "AZURE_AUTHORITY_HOST", settings->authority_host);
    if (failure == NULL)
        failure = take_url(&endpoints->graph, "MOONGATE_GRAPH_ENDPOINT",
                           settings->graph_endpoint);
    if (failure == NULL) {
        endpoints->limits = clouds[0].limits;
        endpoints->arm_audience = memory_copy_string(
            settings->arm_audience != NULL ? settings->arm_audience : endpoints->arm);
        endpoints->graph_audience =
            memory_copy_string(settings->graph_audience != NULL ? settings->graph_audience
                                                                : endpoints->graph);
    }
    return failure;
}

static struct failure *use_cloud(struct endpoints *endpoints,
                                 const struct settings *settings)
{
    const struct cloud *cloud =
        settings->cloud != NULL ? cloud_find(settings->cloud) : &clouds[0];

    if (cloud == NULL)
        return failure_new(
            "BadSetting", "cloud '%s' is unknown; known are public, usgov, china, custom",
            settings->cloud);
    endpoints->limits = cloud->limits;
    endpoints->arm = memory_copy_string(cloud->arm);
    endpoints->graph = memory_copy_string(cloud->graph);
    endpoints->arm_audience = memory_copy_string(cloud->arm);
    endpoints->graph_audience = memory_copy_string(cloud->graph);
    if (settings->authority_host != NULL)
        return take_url(&endpoints->login, "AZURE_AUTHORITY_HOST",
                        settings->authority_host);
    endpoints->login = memory_copy_string(cloud->login);
    return NULL;
}

static struct failure *use_endpoint(struct endpoints *endpoints, const char *url)
{
    char *base = base_url(url);

    if (base == NULL)
        return failure_new("BadSetting",
                           "endpoint '%s' is not a base URL such as "
                           "http://127.0.0.1:4280",
                           url);
    endpoints_set(endpoints, base);
    free(base);
    return NULL;
}

static struct failure *check_tenant(const char *tenant)
{
    if (tenant == NULL || endpoints_is_tenant(tenant))
        return NULL;
    return failure_new("BadSetting", "tenant '%s' is neither an id nor a domain name",
                       tenant);
}

struct failure *endpoints_choose(struct endpoints *endpoints,
                                 const struct settings *settings)
{
    struct failure *failure = check_tenant(settings->credentials.tenant_id);

    if (failure != NULL)
        return failure;
    if (settings->endpoint != NULL)
        failure = use_endpoint(endpoints, settings->endpoint);
    else if (settings->cloud != NULL && text_equal_nocase(settings->cloud, "custom"))
        failure = use_custom(endpoints, settings);
    else if (settings->cloud == NULL && settings->subscription == NULL &&
             !credential_settings_name_any(&settings->credentials))
        failure = nothing_chosen();
    else
        failure = use_cloud(endpoints, settings);
    if (failure != NULL)
        endpoints_deinit(endpoints);
    return failure;
}

void endpoints_set(struct endpoints *endpoints, const char *base)
{
    endpoints->limits = clouds[0].limits;
    endpoints->arm = memory_copy_string(base);
    endpoints->graph = memory_copy_string(base);
    endpoints->login = memory_copy_string(base);
    endpoints->arm_audience = memory_copy_string(base);
    endpoints->graph_audience = memory_copy_string(base);
}

void endpoints_deinit(struct endpoints *endpoints)
{
    free(endpoints->arm);
    free(endpoints->graph);
    free(endpoints->login);
    free(endpoints->arm_audience);
    free(endpoints->graph_audience);
    *endpoints = (struct endpoints){0};
}
