/* engine/sim/world_applications.c - the applications of a world file. */
#include "sim/world_applications.h"

#include <stdlib.h>

#include <openssl/x509.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "model/role.h"
#include "sim/app_credentials.h"
#include "sim/directory.h"
#include "sim/graph_rights.h"
#include "sim/rules.h"
#include "sim/world.h"

#define DEFAULT_AUDIENCE "api://AzureADTokenExchange"

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
    cJSON_AddStringToObject(body, "publisherDomain", world->domain);
    directory_save(world, "Application", body, world->now_ms, NULL);
    cJSON_Delete(body);
    free(seed);
}

void world_application_add(struct world *world,
                           const struct world_application *application)
{
    cJSON *body = cJSON_CreateObject(), *names;

    cJSON_AddStringToObject(body, "id", application->id);
    cJSON_AddStringToObject(body, "appId", application->app_id);
    cJSON_AddStringToObject(body, "displayName", application->name);
    cJSON_AddStringToObject(body, "servicePrincipalType", "Application");
    cJSON_AddBoolToObject(body, "accountEnabled", true);
    names = cJSON_AddArrayToObject(body, "servicePrincipalNames");
    cJSON_AddItemToArray(names, cJSON_CreateString(application->app_id));
    directory_save(world, "ServicePrincipal", body, world->now_ms,
                   &(struct directory_secret){application->app_id, application->secret});
    cJSON_Delete(body);
    add_registration(world, application->name, application->app_id);
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

void world_application_equip(struct world *world,
                             const struct world_application *application,
                             const cJSON *given)
{
    const char *secret = json_string_at(given, "secret");
    const char *role = json_string_at(given, "role");
    const cJSON *graph = json_at(given, "graph");
    const char *unknown;
    unsigned rights;

    if (secret != NULL)
        directory_set_secret(world, application->id, secret);
    add_certificates(world, application->app_id, json_at(given, "certificates"));
    add_federated(world, application->app_id, json_at(given, "federated"));
    if (graph != NULL && graph_rights_read(graph, &rights, &unknown))
        directory_set_rights(world, application->app_id, rights);
    if (role != NULL)
        role_assignment_add(world, world->subscription_id, role_find(role),
                            application->id, "ServicePrincipal");
}
