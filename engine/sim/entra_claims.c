/* engine/sim/entra_claims.c - what the tokens say.
 *
 * Access tokens for Azure Resource Manager and Microsoft Graph are of version 1.0 whichever
 * endpoint gave them; an ID token is of its endpoint's version. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "sim/call.h"
#include "sim/entra.h"
#include "sim/entra_key.h"
#include "sim/graph_rights.h"
#include "sim/plane.h"
#include "sim/world.h"

enum { UNIQUE_BYTES = 16 };

char *entra_access_issuer(const struct world *world)
{
    return memory_format("https://sts.windows.net/%s/", world->profile.tenant_id);
}

char *entra_issuer(const struct entra_request *request, const char *tenant)
{
    const char *base = request->call->base;

    if (request->is_adfs)
        return memory_format("%s/adfs", base);
    return request->is_v1 ? memory_format("https://sts.windows.net/%s/", tenant)
                          : memory_format("%s/%s/v2.0", base, tenant);
}

cJSON *entra_wanted_claims(const struct entra_request *request)
{
    const char *text = entra_field(request, "claims");

    return text != NULL ? json_parse(text, strlen(text), NULL) : NULL;
}

static void add_text(cJSON *claims, const char *name, const char *text)
{
    if (text != NULL)
        cJSON_AddStringToObject(claims, name, text);
}

/* Something that no other token has. */
static void add_unique(cJSON *claims, const char *name)
{
    unsigned char bytes[UNIQUE_BYTES];
    struct buffer text = {0};

    RAND_bytes(bytes, sizeof bytes);
    base64_append_url(&text, bytes, sizeof bytes);
    cJSON_AddStringToObject(claims, name, text.data);
    buffer_deinit(&text);
}

/* Who it is within one application: the same for ever, and another one elsewhere. */
static void add_pairwise_subject(cJSON *claims, const char *user, const char *audience)
{
    char *name = memory_format("%s %s", user, audience);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct buffer text = {0};

    EVP_Digest(name, strlen(name), digest, &length, EVP_sha256(), NULL);
    base64_append_url(&text, digest, length);
    cJSON_AddStringToObject(claims, "sub", text.data != NULL ? text.data : "");
    buffer_deinit(&text);
    free(name);
}

static void add_times(cJSON *claims, const struct entra_times *times)
{
    cJSON_AddNumberToObject(claims, "iat", (double)times->now_s);
    cJSON_AddNumberToObject(claims, "nbf", (double)times->now_s);
    cJSON_AddNumberToObject(claims, "exp", (double)times->expires_s);
}

static void add_application(cJSON *claims, const struct entra_client *client)
{
    const char proof[] = {(char)client->proof, '\0'};

    add_text(claims, "app_displayname", client->name);
    add_text(claims, "appid", client->app_id);
    add_text(claims, "appidacr", proof);
}

/* The application itself: what it may do in Graph stands in the token. */
static void add_application_subject(cJSON *claims, const struct entra_grant *grant)
{
    const struct entra_client *client = grant->client;

    add_text(claims, "idtyp", "app");
    add_text(claims, "oid", client->object_id);
    if ((grant->scope->audiences & AUDIENCE_GRAPH) != 0 && client->rights != 0)
        cJSON_AddItemToObject(claims, "roles", graph_rights_list(client->rights));
    add_text(claims, "sub", client->object_id);
}

static void add_user_subject(cJSON *claims, const struct entra_grant *grant)
{
    static const char *const methods[] = {"pwd"};
    const cJSON *user = grant->user;
    const char *id = json_string_at(user, "id");
    const bool is_graph = grant->scope->audiences == AUDIENCE_GRAPH;

    add_text(claims, "acr", "1");
    cJSON_AddItemToObject(claims, "amr", cJSON_CreateStringArray(methods, 1));
    add_text(claims, "family_name", json_string_at(user, "surname"));
    add_text(claims, "given_name", json_string_at(user, "givenName"));
    add_text(claims, "idtyp", "user");
    add_text(claims, "name", json_string_at(user, "displayName"));
    add_text(claims, "oid", id);
    add_text(claims, "scp",
             is_graph ? "Directory.AccessAsUser.All User.Read" : "user_impersonation");
    add_pairwise_subject(claims, id, grant->scope->audience);
    add_text(claims, "unique_name", json_string_at(user, "userPrincipalName"));
    add_text(claims, "upn", json_string_at(user, "userPrincipalName"));
}

/* What the client can do, as it has said: "cp1", that it understands challenges. */
static void add_capabilities(cJSON *claims, const struct entra_request *request)
{
    cJSON *wanted = entra_wanted_claims(request);
    const cJSON *values = json_at(wanted, "access_token.xms_cc.values");

    if (cJSON_IsArray(values))
        cJSON_AddItemToObject(claims, "xms_cc", cJSON_Duplicate(values, true));
    cJSON_Delete(wanted);
}

static char *sign(const struct entra_request *request, cJSON *claims)
{
    char *token = entra_key_sign(entra_key_get(request->world), claims);

    cJSON_Delete(claims);
    return token;
}

char *entra_access_token(const struct entra_request *request,
                         const struct entra_grant *grant, const struct entra_times *times,
                         bool is_proven)
{
    cJSON *claims = cJSON_CreateObject();
    char *issuer = entra_access_issuer(request->world);

    add_text(claims, "aud", grant->scope->audience);
    add_text(claims, "iss", issuer);
    add_times(claims, times);
    add_application(claims, grant->client);
    if (grant->user == NULL)
        add_text(claims, "idp", issuer);
    if (grant->user == NULL)
        add_application_subject(claims, grant);
    else
        add_user_subject(claims, grant);
    add_text(claims, "tid", request->world->profile.tenant_id);
    add_unique(claims, "uti");
    add_text(claims, "ver", "1.0");
    add_capabilities(claims, request);
    if (is_proven)
        cJSON_AddTrueToObject(claims, ENTRA_PROVEN_CLAIM);
    free(issuer);
    return sign(request, claims);
}

char *entra_id_token(const struct entra_request *request, const struct entra_grant *grant,
                     const struct entra_times *times)
{
    const cJSON *user = grant->user;
    const char *id = json_string_at(user, "id");
    char *issuer = entra_issuer(request, request->world->profile.tenant_id);
    cJSON *claims = cJSON_CreateObject();

    add_text(claims, "aud", grant->client->app_id);
    add_text(claims, "iss", issuer);
    add_times(claims, times);
    add_text(claims, "name", json_string_at(user, "displayName"));
    if (request->nonce != NULL && *request->nonce != '\0')
        add_text(claims, "nonce", request->nonce);
    add_text(claims, "oid", id);
    add_text(claims, request->is_v1 ? "upn" : "preferred_username",
             json_string_at(user, "userPrincipalName"));
    add_pairwise_subject(claims, id, grant->client->app_id);
    add_text(claims, "tid", request->world->profile.tenant_id);
    if (request->is_v1)
        add_text(claims, "unique_name", json_string_at(user, "userPrincipalName"));
    add_unique(claims, "uti");
    add_text(claims, "ver", request->is_v1 ? "1.0" : "2.0");
    free(issuer);
    return sign(request, claims);
}
