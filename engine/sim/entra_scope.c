/* engine/sim/entra_scope.c - what a token is asked for: a service, and perhaps more tokens.
 *
 * The newer endpoint takes a scope, "https://management.azure.com/.default openid", the older
 * one a resource; here both become a scope. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "model/cloud.h"
#include "sim/call.h"
#include "sim/entra.h"
#include "sim/plane.h"

#define DEFAULT_PERMISSION ".default"

/* Other names of the services, and services that Entra knows though nobody simulates them.
 * The numbers are application ids, which a resource may be called by. */
static const struct {
    const char *name;
    unsigned audiences;
} resources[] = {
    {"https://management.core.windows.net", AUDIENCE_ARM},       /* documented */
    {"https://management.core.usgovcloudapi.net", AUDIENCE_ARM}, /* documented */
    {"https://management.core.chinacloudapi.cn", AUDIENCE_ARM},  /* documented */
    {"797f4846-ba00-4fd7-ba43-dac1f8f63013", AUDIENCE_ARM},      /* observed */
    {"00000003-0000-0000-c000-000000000000", AUDIENCE_GRAPH},    /* documented */
    {"https://storage.azure.com", 0},                            /* documented */
};

/* Whether `url` begins with `host` and says no more than slashes. */
static bool is_host(const char *url, const char *host)
{
    const size_t length = strlen(host);

    return text_has_prefix_nocase(url, host) &&
           strspn(url + length, "/") == strlen(url + length);
}

bool entra_find_audiences(const struct call *call, const char *audience,
                          unsigned *audiences)
{
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        if (is_host(audience, resources[i].name)) {
            *audiences = resources[i].audiences;
            return true;
        }
    }
    for (const struct cloud *cloud = clouds; cloud->name != NULL; cloud++) {
        if (is_host(audience, cloud->arm) || is_host(audience, cloud->graph)) {
            *audiences = is_host(audience, cloud->arm) ? AUDIENCE_ARM : AUDIENCE_GRAPH;
            return true;
        }
    }
    /* the simulator has one address for all, so a token for that is good for all */
    *audiences = AUDIENCE_ARM | AUDIENCE_GRAPH;
    return url_same_origin(audience, call->base) || url_is_loopback(audience);
}

char *entra_scope_text(const struct entra_request *request)
{
    const char *scope = entra_field(request, "scope");
    const char *resource = entra_field(request, "resource");

    if ((request->is_v1 || request->is_adfs) && resource != NULL)
        return memory_format("%s/" DEFAULT_PERMISSION " openid offline_access", resource);
    return memory_copy_string(scope);
}

/* Words that ask for more than an access token. */
static bool take_flag(struct entra_scope *scope, const char *word)
{
    if (strcmp(word, "openid") == 0)
        scope->has_openid = true;
    else if (strcmp(word, "offline_access") == 0)
        scope->has_offline_access = true;
    else
        return strcmp(word, "profile") == 0 || strcmp(word, "email") == 0;
    return true;
}

/* Where the permission begins, at its slash: "https://management.azure.com//.default" is of
 * "https://management.azure.com/". NULL when there is no slash but those of a URL. */
static const char *find_permission(const char *word)
{
    const char *scheme = strstr(word, "://");

    return strrchr(scheme != NULL ? scheme + strlen("://") : word, '/');
}

/* A word alone is a permission of Graph, a URL alone is no permission at all. */
static bool take_permission(const struct entra_request *request,
                            struct entra_scope *scope, const char *word)
{
    const char *permission = find_permission(word);
    char *resource = permission != NULL
                         ? memory_copy_text(word, (size_t)(permission - word))
                         : memory_copy_string(clouds[0].graph);

    if (permission != NULL && strcmp(permission + 1, DEFAULT_PERMISSION) == 0)
        scope->is_default = true;
    else if (permission == NULL && strstr(word, "://") != NULL)
        scope->is_malformed = true;
    if (scope->audience != NULL && strcmp(scope->audience, resource) != 0) {
        free(resource);
        return entra_refuse(request, ENTRA_SCOPE_MANY,
                            "Provided value for the input parameter scope is not valid "
                            "because it contains more than one resource.");
    }
    free(scope->audience);
    scope->audience = resource;
    return true;
}

/* Applications get what they were given, users what they ask for. */
static bool check_permission(const struct entra_request *request,
                             const struct entra_scope *scope, const char *text,
                             enum entra_owner owner)
{
    if (owner == OWNER_APPLICATION && !scope->is_default)
        return entra_refuse(
            request, ENTRA_SCOPE_NOT_DEFAULT,
            "The provided value for scope %s is not valid. Client credential flows must "
            "have a scope value with /.default suffixed to the resource identifier "
            "(application ID URI).",
            text);
    return !scope->is_malformed ||
           entra_refuse(request, ENTRA_SCOPE,
                        "The provided request must include a 'scope' input parameter. "
                        "The provided value for the input parameter 'scope' is not "
                        "valid. The scope %s is not valid.",
                        text);
}

static bool check_resource(const struct entra_request *request, struct entra_scope *scope)
{
    if (scope->audience == NULL)
        scope->audience = memory_copy_string(clouds[0].graph);
    return entra_find_audiences(request->call, scope->audience, &scope->audiences) ||
           entra_refuse(request, ENTRA_RESOURCE,
                        "The resource principal named %s was not found in the tenant. "
                        "This can happen if the application has not been installed by "
                        "the administrator of the tenant or consented to by any user in "
                        "the tenant. You might have sent your authentication request to "
                        "the wrong tenant.",
                        scope->audience);
}

bool entra_scope_open(const struct entra_request *request, const char *text,
                      enum entra_owner owner, struct entra_scope *scope)
{
    *scope = (struct entra_scope){0};
    if (!request->is_v1 && !request->is_adfs && entra_field(request, "resource") != NULL)
        return entra_refuse(request, ENTRA_RESOURCE_PARAMETER,
                            "The 'resource' request parameter is not supported.");
    if (text == NULL || *text == '\0')
        return entra_refuse(
            request, ENTRA_FIELD_MISSING,
            "The request body must contain the following parameter: '%s'.",
            request->is_v1 ? "resource" : "scope");

    char *words = memory_copy_string(text), *rest = words;
    const char *word;
    bool is_good = true;

    while (is_good && (word = strtok_r(rest, " ", &rest)) != NULL)
        is_good = take_flag(scope, word) || take_permission(request, scope, word);
    free(words);
    return is_good && check_permission(request, scope, text, owner) &&
           check_resource(request, scope);
}

void entra_scope_close(struct entra_scope *scope)
{
    free(scope->audience);
}
