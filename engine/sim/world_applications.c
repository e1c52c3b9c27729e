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

/* An id that is always the same for the same thing of an application. */
static void choose_id(const char *what, const char *app_id, int number,
                      char id[UUID_TEXT_SIZE])
{
    char *seed = number == 0 ? memory_format("%s %s", what, app_id)
                             : memory_format("%s %s %d", what, app_id, number);

    uuid_from_name(seed, id);
    free(seed);
}

/* What the service principal stands for. */
static void add_registration(struct world *world, const char *name, const char *app_id)
{
    char id[UUID_TEXT_SIZE];
    cJSON *body = cJSON_CreateObject();

    choose_id("registration", app_id, 0, id);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "appId", app_id);
    cJSON_AddStringToObject(body, "displayName", name);
    cJSON_AddStringToObject(body, "signInAudience", "AzureADMyOrg");
    cJSON_AddStringToObject(body, "publisherDomain", world->domain);
    directory_save(world, "Application", body, world->now_ms, NULL);
    cJSON_Delete(body);
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

static cJSON *add_certificate(struct world *world, const char *object, const char *app_id,
                              const char *pem, int number)
{
    X509 *certificate = app_credentials_read_certificate(pem);
    char id[UUID_TEXT_SIZE];
    struct app_key key = {.object = object, .key_id = id, .app_id = app_id};
    cJSON *shown;

    choose_id("certificate", app_id, number, id);
    app_credentials_read_validity(certificate, &key.start_ms, &key.end_ms);
    app_credentials_add_certificate(world, &key, certificate);
    shown = app_credentials_describe(&key, certificate);
    X509_free(certificate);
    return shown;
}

/* The registration shows them, too. */
static void add_certificates(struct world *world, const char *object, const char *app_id,
                             const cJSON *certificates)
{
    cJSON *body, *shown;
    const cJSON *pem;
    int number = 0;

    if (certificates == NULL)
        return;
    body = directory_load(world, "Application", object);
    shown = cJSON_CreateArray();
    cJSON_ArrayForEach (pem, certificates)
        cJSON_AddItemToArray(
            shown, add_certificate(world, object, app_id, pem->valuestring, ++number));
    json_set_at(body, "keyCredentials", shown);
    directory_save(world, "Application", body, world->now_ms, NULL);
    cJSON_Delete(body);
}

static void add_one_federated(struct world *world, const char *object, const char *app_id,
                              const cJSON *given, int number)
{
    const char *audience = json_string_at(given, "audience");
    const cJSON *set = json_at(given, "keys");
    char *keys = set != NULL ? json_print(set) : NULL;
    char *name = memory_format("credential-%d", number), id[UUID_TEXT_SIZE];

    choose_id("federated", app_id, number, id);
    app_credentials_add_federated(
        world, &(struct app_federated){.object = object,
                                       .id = id,
                                       .app_id = app_id,
                                       .name = name,
                                       .issuer = json_string_at(given, "issuer"),
                                       .subject = json_string_at(given, "subject"),
                                       .audience =
                                           audience != NULL ? audience : DEFAULT_AUDIENCE,
                                       .keys = keys});
    free(name);
    free(keys);
}

static void add_federated(struct world *world, const char *object, const char *app_id,
                          const cJSON *list)
{
    const cJSON *one;
    int number = 0;

    cJSON_ArrayForEach (one, list)
        add_one_federated(world, object, app_id, one, ++number);
}

void world_application_equip(struct world *world,
                             const struct world_application *application,
                             const cJSON *given)
{
    const char *secret = json_string_at(given, "secret");
    const char *role = json_string_at(given, "role");
    const cJSON *graph = json_at(given, "graph");
    const char *unknown;
    char registration[UUID_TEXT_SIZE];
    unsigned rights;

    if (secret != NULL)
        directory_set_secret(world, application->id, secret);
    choose_id("registration", application->app_id, 0, registration);
    add_certificates(world, registration, application->app_id,
                     json_at(given, "certificates"));
    add_federated(world, registration, application->app_id, json_at(given, "federated"));
    if (graph != NULL && graph_rights_read(graph, &rights, &unknown))
        directory_set_rights(world, application->app_id, rights);
    if (role != NULL)
        role_assignment_add(world, world->subscription_id, role_find(role),
                            application->id, "ServicePrincipal");
}
