/* engine/sim/entra_metadata.c - documents that clients read before they sign in: where the
 * endpoints are, by which keys tokens are verified, whose user somebody is, which cloud this
 * is. All URLs begin as the request's own did. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "model/cloud.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/entra.h"
#include "sim/entra_key.h"
#include "sim/world.h"

static void add_taken(cJSON *body, const char *name, char *text)
{
    cJSON_AddStringToObject(body, name, text);
    free(text);
}

/* A list, ended by NULL. */
static void add_texts(cJSON *body, const char *name, const char *const *texts)
{
    cJSON *list = cJSON_AddArrayToObject(body, name);

    for (; *texts != NULL; texts++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*texts));
}

/* ---- OpenID Connect discovery ---- */

/* The tenant by its id, whatever it was called; "common" and the like as they are. */
static const char *find_tenant(const struct entra_request *request)
{
    return entra_is_any_tenant(request->call) || request->is_adfs
               ? request->call->segments[0]
               : request->world->profile.tenant_id;
}

static void add_url(cJSON *body, const struct entra_request *request, const char *name,
                    const char *path)
{
    add_taken(body, name,
              memory_format("%s/%s/%s", request->call->base, find_tenant(request), path));
}

static void add_endpoints(cJSON *body, const struct entra_request *request)
{
    const bool is_older = request->is_v1 || request->is_adfs;

    add_url(body, request, "token_endpoint",
            is_older ? "oauth2/token" : "oauth2/v2.0/token");
    add_url(body, request, "authorization_endpoint",
            is_older ? "oauth2/authorize" : "oauth2/v2.0/authorize");
    add_url(body, request, "device_authorization_endpoint",
            is_older ? "oauth2/devicecode" : "oauth2/v2.0/devicecode");
    add_url(body, request, "jwks_uri",
            is_older ? "discovery/keys" : "discovery/v2.0/keys");
}

void entra_answer_configuration(const struct entra_request *request)
{
    const bool is_any = entra_is_any_tenant(request->call);
    cJSON *body = cJSON_CreateObject();

    add_endpoints(body, request);
    add_taken(
        body, "issuer",
        entra_issuer(request, is_any ? "{tenantid}" : request->world->profile.tenant_id));
    if (request->is_adfs)
        add_taken(body, "access_token_issuer", entra_access_issuer(request->world));
    add_texts(body, "token_endpoint_auth_methods_supported",
              (const char *const[]){"client_secret_post", "private_key_jwt",
                                    "client_secret_basic", NULL});
    add_texts(body, "grant_types_supported",
              (const char *const[]){
                  "authorization_code", "client_credentials", "refresh_token", "password",
                  "urn:ietf:params:oauth:grant-type:device_code", NULL});
    add_texts(body, "response_types_supported", (const char *const[]){"code", NULL});
    add_texts(body, "response_modes_supported",
              (const char *const[]){"query", "fragment", "form_post", NULL});
    add_texts(body, "subject_types_supported", (const char *const[]){"pairwise", NULL});
    add_texts(body, "id_token_signing_alg_values_supported",
              (const char *const[]){"RS256", NULL});
    add_texts(
        body, "scopes_supported",
        (const char *const[]){"openid", "profile", "email", "offline_access", NULL});
    add_texts(body, "claims_supported",
              (const char *const[]){"sub", "iss", "aud", "exp", "iat", "nbf", "name",
                                    "oid", "tid", "ver", "preferred_username", "upn",
                                    NULL});
    cJSON_AddFalseToObject(body, "request_uri_parameter_supported");
    cJSON_AddStringToObject(body, "cloud_instance_name", "microsoftonline.com");
    answer_set_json(request->answer, 200, body);
    cJSON_Delete(body);
}

void entra_answer_keys(const struct entra_request *request)
{
    cJSON *body = cJSON_CreateObject();
    cJSON *key = entra_key_describe(entra_key_get(request->world));

    if (!request->is_v1)
        add_taken(key, "issuer",
                  entra_issuer(request, request->world->profile.tenant_id));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "keys"), key);
    answer_set_json(request->answer, 200, body);
    cJSON_Delete(body);
}

/* ---- instance discovery ---- */

/* "https://host:1/tenant/.." -> "host:1", owned by the caller, or NULL. */
static char *find_host(const char *url)
{
    const size_t length = url_origin_length(url);
    const char *host = length > 0 ? strstr(url, "://") + 3 : NULL;

    return host != NULL ? memory_copy_text(host, (size_t)(url + length - host)) : NULL;
}

/* A client may leave the port out. */
static bool is_same_host(const char *host, const char *known)
{
    char *bare = memory_copy_text(known, strcspn(known, ":"));
    const bool is_same = text_equal_nocase(host, known) || text_equal_nocase(host, bare);

    free(bare);
    return is_same;
}

/* The login URL that the host is of: ours or a real cloud's; owned by the caller, or NULL. */
static char *find_instance(const struct entra_request *request, const char *host)
{
    char *own = find_host(request->call->base);
    const bool is_own = own != NULL && is_same_host(host, own);

    free(own);
    if (is_own)
        return memory_copy_string(request->call->base);
    for (const struct cloud *cloud = clouds; cloud->name != NULL; cloud++) {
        if (text_equal_nocase(host, strstr(cloud->login, "://") + 3))
            return memory_copy_string(cloud->login);
    }
    return NULL;
}

static void add_instance(cJSON *list, const char *login)
{
    char *host = find_host(login);
    cJSON *instance = cJSON_CreateObject();

    cJSON_AddStringToObject(instance, "preferred_network", host != NULL ? host : "");
    cJSON_AddStringToObject(instance, "preferred_cache", host != NULL ? host : "");
    add_texts(instance, "aliases", (const char *const[]){host != NULL ? host : "", NULL});
    cJSON_AddItemToArray(list, instance);
    free(host);
}

static void answer_instance(const struct entra_request *request, const char *instance,
                            const char *authorize)
{
    const char *version = call_parameter(request->call, "api-version");
    const char *path = url_path(authorize) + 1;
    cJSON *body = cJSON_CreateObject();

    add_taken(body, "tenant_discovery_endpoint",
              memory_format("%s/%.*s/%s.well-known/openid-configuration", instance,
                            (int)strcspn(path, "/?"), path,
                            strstr(path, "/v2.0/") != NULL ? "v2.0/" : ""));
    if (version != NULL && strcmp(version, "1.1") == 0) {
        cJSON *list = cJSON_AddArrayToObject(body, "metadata");

        cJSON_AddStringToObject(body, "api-version", version);
        add_instance(list, request->call->base);
        for (const struct cloud *cloud = clouds; cloud->name != NULL; cloud++)
            add_instance(list, cloud->login);
    }
    answer_set_json(request->answer, 200, body);
    cJSON_Delete(body);
}

void entra_answer_instance(const struct entra_request *request)
{
    const char *authorize = call_parameter(request->call, "authorization_endpoint");
    char *host = authorize != NULL ? find_host(authorize) : NULL;
    char *instance = host != NULL ? find_instance(request, host) : NULL;

    if (instance == NULL || *url_path(authorize) != '/')
        entra_refuse(request, ENTRA_INSTANCE, "Unknown or invalid instance.");
    else
        answer_instance(request, instance, authorize);
    free(instance);
    free(host);
}

/* ---- whose user somebody is ---- */

void entra_answer_realm(const struct entra_request *request)
{
    const char *name = request->call->segments[2], *at = strchr(name, '@');
    const char *domain = at != NULL ? at + 1 : "";
    const bool is_ours = text_equal_nocase(domain, request->world->domain);
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "ver", "1.0");
    cJSON_AddStringToObject(body, "account_type", is_ours ? "Managed" : "Unknown");
    if (is_ours)
        cJSON_AddStringToObject(body, "domain_name", domain);
    cJSON_AddStringToObject(body, "cloud_instance_name", "microsoftonline.com");
    cJSON_AddStringToObject(body, "cloud_audience_urn", "urn:federation:MicrosoftOnline");
    answer_set_json(request->answer, 200, body);
    cJSON_Delete(body);
}

/* ---- the cloud ---- */

static void add_authentication(cJSON *body, const char *base, const char *login_path)
{
    cJSON *authentication = cJSON_AddObjectToObject(body, "authentication");

    add_taken(authentication, "loginEndpoint", memory_format("%s%s", base, login_path));
    add_texts(authentication, "audiences",
              (const char *const[]){base, "https://management.core.windows.net/",
                                    "https://management.azure.com/", NULL});
}

/* Up to 2018. az reads this version up to its release 2.69, and MSAL asks the public cloud
 * about every login host that it does not know, unless the path is that of AD FS. */
static cJSON *describe_cloud_first(const char *base)
{
    cJSON *body = cJSON_CreateObject();

    cJSON_AddStringToObject(body, "galleryEndpoint", base);
    cJSON_AddStringToObject(body, "graphEndpoint", base);
    cJSON_AddStringToObject(body, "portalEndpoint", base);
    add_authentication(body, base, "/adfs");
    return body;
}

static cJSON *describe_cloud(const char *base)
{
    cJSON *body = cJSON_CreateObject(), *suffixes;

    cJSON_AddStringToObject(body, "portal", base);
    add_authentication(body, base, "");
    json_set_at(body, "authentication.tenant", cJSON_CreateString("common"));
    json_set_at(body, "authentication.identityProvider", cJSON_CreateString("AAD"));
    cJSON_AddStringToObject(body, "graphAudience", base);
    cJSON_AddStringToObject(body, "graph", base);
    cJSON_AddStringToObject(body, "name", "Moongate");
    suffixes = cJSON_AddObjectToObject(body, "suffixes");
    cJSON_AddStringToObject(suffixes, "storage", "core.windows.net");
    cJSON_AddStringToObject(suffixes, "keyVaultDns", "vault.azure.net");
    cJSON_AddStringToObject(suffixes, "sqlServerHostname", "database.windows.net");
    cJSON_AddStringToObject(suffixes, "acrLoginServer", "azurecr.io");
    cJSON_AddStringToObject(body, "resourceManager", base);
    cJSON_AddStringToObject(body, "microsoftGraphResourceId", base);
    return body;
}

/* An object, from 2019 on a list of clouds, from 2022 on an object again (observed). */
void entra_answer_endpoints(const struct entra_request *request)
{
    const char *version = call_parameter(request->call, "api-version");
    const char *base = request->call->base;
    cJSON *body;

    if (version == NULL || *version == '\0') {
        answer_refuse(request->answer, REFUSE_NO_API_VERSION,
                      "The api-version query parameter (?api-version=) is required for "
                      "all requests.");
        return;
    }
    body =
        strcmp(version, "2019") < 0 ? describe_cloud_first(base) : describe_cloud(base);
    if (strcmp(version, "2019") >= 0 && strcmp(version, "2022") < 0) {
        cJSON *list = cJSON_CreateArray();

        cJSON_AddItemToArray(list, body);
        body = list;
    }
    answer_set_json(request->answer, 200, body);
    cJSON_Delete(body);
}
