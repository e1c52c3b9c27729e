/* engine/sim/world_applications.c - applications of a world file, and passwords of users. */
#include "sim/world_applications.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/role.h"
#include "sim/app_credentials.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph.h"
#include "sim/jws.h"
#include "sim/rules.h"
#include "sim/world.h"

#define DEFAULT_AUDIENCE "api://AzureADTokenExchange"

/* ---- checking ---- */

/* One member of an object: its name, and what its value must be. */
struct member {
    const char *name;
    bool is_required;
    bool (*is_good)(const cJSON *value);
    const char *what; /* "a GUID" */
};

/* A message owned by the caller, or NULL. */
static char *check_member(const char *where, const struct member *members,
                          const cJSON *value)
{
    while (members->name != NULL && strcmp(members->name, value->string) != 0)
        members++;
    if (members->name == NULL)
        return memory_format("unknown key '%s' in %s", value->string, where);
    return members->is_good(value) ? NULL
                                   : memory_format("'%s' of %s must be %s", value->string,
                                                   where, members->what);
}

static char *check_object(const char *where, const struct member *members,
                          const cJSON *object)
{
    const cJSON *value;
    char *wrong = NULL;

    if (!cJSON_IsObject(object))
        return memory_format("%s must be an object", where);
    cJSON_ArrayForEach (value, object) {
        wrong = check_member(where, members, value);
        if (wrong != NULL)
            return wrong;
    }
    for (; members->name != NULL; members++) {
        if (members->is_required &&
            cJSON_GetObjectItemCaseSensitive(object, members->name) == NULL)
            return memory_format("%s without '%s'", where, members->name);
    }
    return NULL;
}

static char *check_list(const char *name, const char *where, const struct member *members,
                        const cJSON *value)
{
    const cJSON *element;

    if (!cJSON_IsArray(value))
        return memory_format("'%s' must be a list", name);
    cJSON_ArrayForEach (element, value) {
        char *wrong = check_object(where, members, element);

        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static bool is_text(const cJSON *value)
{
    return cJSON_IsString(value) && value->valuestring[0] != '\0';
}

static bool is_guid(const cJSON *value)
{
    return is_text(value) && uuid_is_valid(value->valuestring);
}

static bool is_url(const cJSON *value)
{
    return is_text(value) && strstr(value->valuestring, "://") != NULL;
}

static bool is_role(const cJSON *value)
{
    return is_text(value) && role_find(value->valuestring) != NULL;
}

static bool is_graph_right(const cJSON *value)
{
    return is_text(value) && strcmp(value->valuestring, "admin") == 0;
}

static bool is_certificates(const cJSON *value)
{
    const cJSON *pem;

    cJSON_ArrayForEach (pem, value) {
        X509 *certificate =
            is_text(pem) ? app_credentials_read_certificate(pem->valuestring) : NULL;

        if (certificate == NULL)
            return false;
        X509_free(certificate);
    }
    return cJSON_IsArray(value);
}

static bool is_key_set(const cJSON *value)
{
    const cJSON *keys = json_at(value, "keys"), *jwk;

    cJSON_ArrayForEach (jwk, keys) {
        EVP_PKEY *key = jws_read_key(jwk);

        if (key == NULL)
            return false;
        EVP_PKEY_free(key);
    }
    return cJSON_GetArraySize(keys) > 0;
}

static bool is_federated(const cJSON *value)
{
    static const struct member members[] = {{"issuer", true, is_url, "a URL"},
                                            {"subject", true, is_text, "a string"},
                                            {"audience", false, is_text, "a string"},
                                            {"keys", false, is_key_set, "a key set"},
                                            {0}};
    char *wrong = check_list("federated", "a credential", members, value);
    const bool is_good = wrong == NULL;

    free(wrong);
    return is_good;
}

char *world_applications_check(const char *name, const cJSON *value)
{
    static const struct member members[] = {
        {"name", true, is_text, "a string"},
        {"app_id", false, is_guid, "a GUID"},
        {"secret", false, is_text, "a string"},
        {"certificates", false, is_certificates,
         "a list of certificates as PEM, with RSA keys"},
        {"federated", false, is_federated,
         "a list of objects with 'issuer' (a URL), 'subject' and perhaps 'audience' and "
         "'keys' (a JSON Web Key Set with RSA keys)"},
        {"role", false, is_role, "the name of a built-in role"},
        {"graph", false, is_graph_right, "\"admin\""},
        {0}};

    return check_list(name, "an application", members, value);
}

char *world_passwords_check(const char *name, const cJSON *value)
{
    static const struct member members[] = {{"name", true, is_text, "a string"},
                                            {"password", true, is_text, "a string"},
                                            {0}};

    return check_list(name, "a user", members, value);
}

/* ---- making ---- */

/* What the service principal stands for. */
static void add_registration(struct world *world, const char *name, const char *app_id)
{
    char *seed = memory_format("registration %s", app_id), id[UUID_TEXT_SIZE];
    cJSON *body = cJSON_CreateObject();

    uuid_from_name(seed, id);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "appId", app_id);
    cJSON_AddStringToObject(body, "displayName", name);
    cJSON_AddStringToObject(body, "signInAudience", "AzureADMyOrg");
    cJSON_AddStringToObject(body, "publisherDomain", GRAPH_DOMAIN);
    directory_save(world, "Application", body, world->now_ms, NULL);
    cJSON_Delete(body);
    free(seed);
}

void world_application_add(struct world *world, const char *name, const char *app_id,
                           const char *secret, bool is_admin, char id[UUID_TEXT_SIZE])
{
    cJSON *body = cJSON_CreateObject(), *names;

    uuid_from_name(app_id, id);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "appId", app_id);
    cJSON_AddStringToObject(body, "displayName", name);
    cJSON_AddStringToObject(body, "servicePrincipalType", "Application");
    cJSON_AddBoolToObject(body, "accountEnabled", true);
    names = cJSON_AddArrayToObject(body, "servicePrincipalNames");
    cJSON_AddItemToArray(names, cJSON_CreateString(app_id));
    directory_save(world, "ServicePrincipal", body, world->now_ms,
                   &(struct directory_secret){app_id, secret, is_admin});
    cJSON_Delete(body);
    add_registration(world, name, app_id);
}

static void add_certificates(struct world *world, const char *app_id,
                             const cJSON *certificates)
{
    const cJSON *pem;

    cJSON_ArrayForEach (pem, certificates) {
        X509 *certificate = app_credentials_read_certificate(pem->valuestring);

        app_credentials_add_certificate(world, app_id, certificate);
        X509_free(certificate);
    }
}

static void add_federated(struct world *world, const char *app_id, const cJSON *list)
{
    const cJSON *one;

    cJSON_ArrayForEach (one, list) {
        const char *audience = json_string_at(one, "audience");
        const cJSON *set = json_at(one, "keys");
        char *keys = set != NULL ? json_print(set) : NULL;

        app_credentials_add_federated(
            world, app_id,
            &(struct app_federated){.issuer = json_string_at(one, "issuer"),
                                    .subject = json_string_at(one, "subject"),
                                    .audience =
                                        audience != NULL ? audience : DEFAULT_AUDIENCE,
                                    .keys = keys});
        free(keys);
    }
}

/* In lower case, owned by the caller. */
static char *find_app_id(const cJSON *application)
{
    const char *given = json_string_at(application, "app_id");
    char made[UUID_TEXT_SIZE];

    if (given != NULL)
        return text_lower(memory_copy_string(given));

    char *seed = memory_format("application %s", json_string_at(application, "name"));

    uuid_from_name(seed, made);
    free(seed);
    return memory_copy_string(made);
}

static void add_application(struct world *world, const cJSON *application)
{
    char *app_id = find_app_id(application), id[UUID_TEXT_SIZE];
    const char *secret = json_string_at(application, "secret");
    const char *role = json_string_at(application, "role");

    world_application_add(world, json_string_at(application, "name"), app_id, secret,
                          json_string_at(application, "graph") != NULL, id);
    if (secret != NULL)
        directory_set_secret(world, id, secret);
    add_certificates(world, app_id, json_at(application, "certificates"));
    add_federated(world, app_id, json_at(application, "federated"));
    if (role != NULL)
        role_assignment_add(world, world->subscription_id, role_find(role), id,
                            "ServicePrincipal");
    free(app_id);
}

void world_applications_add(struct world *world, const cJSON *applications)
{
    const cJSON *application;

    cJSON_ArrayForEach (application, applications)
        add_application(world, application);
}

void world_passwords_add(struct world *world, const cJSON *users)
{
    const cJSON *user;

    cJSON_ArrayForEach (user, users) {
        char *key = text_lower(memory_copy_string(json_string_at(user, "name")));
        char id[UUID_TEXT_SIZE];

        uuid_from_name(key, id);
        directory_set_secret(world, id, json_string_at(user, "password"));
        free(key);
    }
}
