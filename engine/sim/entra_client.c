/* engine/sim/entra_client.c - which application asks, and whether it is the one it says.
 *
 * An application says its id and secret in the form or as HTTP Basic (RFC 6749, 2.3.1), or
 * shows an assertion. Every application of the tenant may also sign its users in without a
 * proof, as if "Allow public client flows" were on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/json.h"
#include "base/text.h"
#include "sim/call.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/entra.h"
#include "sim/world.h"

#define JWT_BEARER "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* Microsoft's own, which are known in every tenant and have no credentials. */
static const struct {
    const char *app_id, *name;
} own_clients[] = {
    {"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"},
    {"1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell"},
};

/* What the request shows of itself; NULL: not said. */
struct presented {
    const char *id, *secret, *assertion;
    char *basic; /* "id", NUL, "secret": what HTTP Basic said */
};

static bool read_basic(const char *authorization, struct presented *presented)
{
    struct buffer text = {0};
    char *colon;

    if (authorization == NULL || !text_has_prefix_nocase(authorization, "Basic "))
        return false;
    authorization += strlen("Basic ");
    base64_decode(&text, authorization, strlen(authorization));
    presented->basic = buffer_take(&text); /* "" when it was no base64 */
    colon = strchr(presented->basic, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    text_unescape(presented->basic);
    text_unescape(colon + 1);
    presented->id = presented->basic;
    presented->secret = colon + 1;
    return true;
}

static void read_presented(const struct entra_request *request,
                           struct presented *presented)
{
    *presented =
        (struct presented){.assertion = entra_field(request, "client_assertion")};
    if (read_basic(request->call->authorization, presented))
        return;
    presented->id = entra_field(request, "client_id");
    presented->secret = entra_field(request, "client_secret");
}

/* ---- finding it ---- */

static bool find_own(const char *app_id, struct entra_client *client)
{
    for (size_t i = 0; i < sizeof own_clients / sizeof own_clients[0]; i++) {
        if (strcmp(own_clients[i].app_id, app_id) == 0) {
            snprintf(client->name, sizeof client->name, "%s", own_clients[i].name);
            client->is_family = true;
            return true;
        }
    }
    return false;
}

static bool find_registered(struct world *world, struct entra_client *client,
                            bool *is_enabled)
{
    sqlite3_stmt *row = database_query(world->database,
                                       "SELECT id, rights, body FROM object"
                                       " WHERE app_id = ? AND type = 'ServicePrincipal'",
                                       "t", client->app_id);

    if (!database_step(world->database, row))
        return false;

    const char *text = database_column(row, 2);
    cJSON *body = json_parse(text, strlen(text), NULL);
    const char *name = json_string_at(body, "displayName");

    snprintf(client->object_id, sizeof client->object_id, "%s", database_column(row, 0));
    snprintf(client->name, sizeof client->name, "%s", name != NULL ? name : "");
    client->rights = (unsigned)sqlite3_column_int64(row, 1);
    *is_enabled = !cJSON_IsFalse(json_at(body, "accountEnabled"));
    cJSON_Delete(body);
    database_done(row);
    return true;
}

static bool refuse_unknown(const struct entra_request *request, const char *id)
{
    return entra_refuse(
        request, ENTRA_CLIENT_UNKNOWN,
        "Application with identifier '%s' was not found in the directory '%s'. This can "
        "happen if the application has not been installed by the administrator of the "
        "tenant or consented to by any user in the tenant. You may have sent your "
        "authentication request to the wrong tenant.",
        id, request->world->profile.tenant_id);
}

/* ---- its proof ---- */

static bool check_secret(const struct entra_request *request, struct entra_client *client,
                         const char *secret)
{
    client->proof = PROOF_SECRET;
    return directory_check_secret(request->world, client->app_id, secret) ||
           entra_refuse(request, ENTRA_SECRET,
                        "Invalid client secret provided. Ensure the secret being sent in "
                        "the request is the client secret value, not the client secret "
                        "ID, for a secret added to app '%s'.",
                        client->app_id);
}

static bool check_assertion(const struct entra_request *request,
                            struct entra_client *client, const char *assertion)
{
    const char *type = entra_field(request, "client_assertion_type");

    client->proof = PROOF_ASSERTION;
    if (type == NULL || strcmp(type, JWT_BEARER) != 0)
        return entra_refuse(request, ENTRA_FIELD_MISSING,
                            "The request body must contain the following parameter: "
                            "'client_assertion_type' with value '" JWT_BEARER "'.");
    return entra_check_assertion(request, client, assertion);
}

static bool check_proof(const struct entra_request *request, struct entra_client *client,
                        const struct presented *presented, bool must_prove)
{
    client->proof = PROOF_NONE;
    if (client->is_family && (presented->secret != NULL || presented->assertion != NULL))
        return entra_refuse(request, ENTRA_CLIENT_PUBLIC,
                            "Client is public so neither 'client_assertion' nor "
                            "'client_secret' should be presented.");
    if (presented->assertion != NULL)
        return check_assertion(request, client, presented->assertion);
    if (presented->secret != NULL)
        return check_secret(request, client, presented->secret);
    return !must_prove ||
           entra_refuse(request, ENTRA_CREDENTIAL_MISSING,
                        "'client_assertion', 'client_secret' or 'request' is required "
                        "for the 'client_credentials' grant type.");
}

static bool check_client(const struct entra_request *request, struct entra_client *client,
                         const struct presented *presented, bool must_prove)
{
    bool is_enabled = true;
    bool is_good;

    if (find_own(client->app_id, client))
        is_good = check_proof(request, client, presented, must_prove);
    else if (!find_registered(request->world, client, &is_enabled))
        is_good = refuse_unknown(request, presented->id);
    else if (!is_enabled)
        is_good = entra_refuse(request, ENTRA_CLIENT_DISABLED,
                               "Application '%s'(%s) is disabled.", client->app_id,
                               client->name);
    else
        is_good = check_proof(request, client, presented, must_prove);
    return is_good;
}

bool entra_client_open(const struct entra_request *request, bool must_prove,
                       struct entra_client *client)
{
    struct presented presented;
    bool is_good;

    read_presented(request, &presented);
    *client = (struct entra_client){.proof = PROOF_NONE};
    if (presented.id == NULL || *presented.id == '\0') {
        is_good = entra_refuse(request, ENTRA_FIELD_MISSING,
                               "The request body must contain the following parameter: "
                               "'client_id'.");
    } else if (strlen(presented.id) >= sizeof client->app_id) {
        is_good = refuse_unknown(request, presented.id);
    } else {
        strcpy(client->app_id, presented.id);
        text_lower(client->app_id);
        is_good = check_client(request, client, &presented, must_prove);
    }
    free(presented.basic);
    return is_good;
}
