/* engine/auth/managed_identity.c - the identity of the machine or service that this runs on.
 *
 * Which kind of machine that is, its environment says; the first that matches is asked. */
#include "auth/managed_identity.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/secret.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"

enum { LONG_LIFE_MS = 7200000 };

static const char arc_agent[] = "/opt/azcmagent/bin/himds";

void managed_identity_prepare(struct managed_identity *own, const char *endpoint,
                              const char *api_version, const char *client_id_parameter)
{
    const struct credential_settings *settings = &own->context->settings;
    struct buffer url = {0};

    buffer_printf(&url, "%s%sapi-version=%s&resource=", endpoint,
                  strchr(endpoint, '?') != NULL ? "&" : "?", api_version);
    buffer_append_escaped(&url, settings->resources[own->fetch->audience]);
    if (client_id_parameter != NULL && settings->client_id != NULL) {
        buffer_printf(&url, "&%s=", client_id_parameter);
        buffer_append_escaped(&url, settings->client_id);
    }
    auth_request_prepare(&own->request, own->context, "GET", buffer_take(&url));
    own->request.exchange->transfer.without_proxy = true;
}

char *managed_identity_explain(const struct transfer *answer)
{
    static const char *const paths[] = {"error_description", "error.message", "Message",
                                        "message", "error"};
    cJSON *body = answer->answer.length > 0
                      ? json_parse(answer->answer.data, answer->answer.length, NULL)
                      : NULL;
    const char *text = NULL;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && text == NULL; i++)
        text = json_string_at(body, paths[i]);

    char *shown = text != NULL
                      ? secret_redact(text, NULL)
                      : memory_format("HTTP %d without an explanation", answer->status);

    cJSON_Delete(body);
    return shown;
}

static void refuse(struct managed_identity *own, const struct transfer *answer)
{
    char *words = managed_identity_explain(answer);
    struct failure *failure =
        answer->status == 200
            ? failure_new("ProtocolError",
                          "managed identity answered without an access token")
            : failure_new("AuthenticationFailed", "managed identity refused: %s", words);

    failure->status = answer->status;
    failure->target = memory_copy_string(answer->url);
    failure_set_cure(failure, "check that an identity is assigned to this machine or "
                              "service, and that AZURE_CLIENT_ID, if set, is that "
                              "identity's client id");
    free(words);
    token_fetch_fail(own->fetch, failure);
}

void managed_identity_answer(struct managed_identity *own, const struct transfer *answer)
{
    struct grant grant = {0};

    if (answer->failure != NULL) {
        token_fetch_fail(own->fetch, auth_request_failure(answer));
        return;
    }

    cJSON *body = auth_request_json(answer);
    const bool is_there =
        grant_read(&grant, body, clock_wall_ms(loop_clock(own->context->loop)));

    secret_delete_json(body);
    if (!is_there) {
        refuse(own, answer);
        return;
    }
    if (grant.refresh_in_ms == 0 && grant.life_ms > LONG_LIFE_MS)
        grant.refresh_in_ms = grant.life_ms / 2;
    token_fetch_give(own->fetch, &grant);
}

static void on_answer(void *owner, const struct auth_request *request,
                      const struct transfer *answer)
{
    (void)request;
    managed_identity_answer(owner, answer);
}

/* --- the sources -------------------------------------------------------------------------- */

static bool is_service_fabric(const struct credential_settings *settings)
{
    return settings->identity_endpoint != NULL && settings->identity_header != NULL &&
           settings->identity_thumbprint != NULL;
}

static void start_service_fabric(struct managed_identity *own)
{
    token_fetch_pass(own->fetch, "that of Service Fabric is not supported: its endpoint "
                                 "is known by a thumbprint only");
}

static bool is_app_service(const struct credential_settings *settings)
{
    return settings->identity_endpoint != NULL && settings->identity_header != NULL;
}

/* App Service, Functions, Container Apps. */
static void start_app_service(struct managed_identity *own)
{
    const struct credential_settings *settings = &own->context->settings;

    managed_identity_prepare(own, settings->identity_endpoint, "2019-08-01", "client_id");
    auth_request_add_header(
        &own->request, memory_format("X-IDENTITY-HEADER: %s", settings->identity_header));
    auth_request_start(&own->request, own, on_answer);
}

static bool is_machine_learning(const struct credential_settings *settings)
{
    return settings->msi_endpoint != NULL && settings->msi_secret != NULL;
}

static void start_machine_learning(struct managed_identity *own)
{
    const struct credential_settings *settings = &own->context->settings;

    managed_identity_prepare(own, settings->msi_endpoint, "2017-09-01", "clientid");
    auth_request_add_header(&own->request,
                            memory_format("secret: %s", settings->msi_secret));
    auth_request_add_header(&own->request, memory_copy_string("Metadata: true"));
    auth_request_start(&own->request, own, on_answer);
}

static bool is_cloud_shell(const struct credential_settings *settings)
{
    return settings->msi_endpoint != NULL;
}

/* Whether AZURE_CLIENT_ID asks for an identity that such a source cannot have. */
static bool wants_other(struct managed_identity *own, const char *source)
{
    if (own->context->settings.client_id == NULL)
        return false;
    token_fetch_pass(own->fetch,
                     "%s has one identity only, and AZURE_CLIENT_ID asks for another",
                     source);
    return true;
}

static void start_cloud_shell(struct managed_identity *own)
{
    const struct credential_settings *settings = &own->context->settings;

    if (wants_other(own, "Cloud Shell"))
        return;
    auth_request_prepare(&own->request, own->context, "POST",
                         memory_copy_string(settings->msi_endpoint));
    own->request.exchange->transfer.without_proxy = true;
    auth_request_add_header(&own->request, memory_copy_string("Metadata: true"));
    auth_request_add_field(&own->request, "resource",
                           settings->resources[own->fetch->audience]);
    auth_request_start(&own->request, own, on_answer);
}

static bool is_arc(const struct credential_settings *settings)
{
    return (settings->identity_endpoint != NULL && settings->imds_endpoint != NULL) ||
           access(settings->arc_agent != NULL ? settings->arc_agent : arc_agent, F_OK) ==
               0;
}

static void start_arc(struct managed_identity *own)
{
    if (!wants_other(own, "Azure Arc"))
        managed_identity_start_arc(own);
}

static bool is_anything(const struct credential_settings *settings)
{
    (void)settings;
    return true;
}

static const struct source {
    bool (*matches)(const struct credential_settings *settings);
    void (*start)(struct managed_identity *own);
} sources[] = {{is_service_fabric, start_service_fabric},
               {is_app_service, start_app_service},
               {is_machine_learning, start_machine_learning},
               {is_cloud_shell, start_cloud_shell},
               {is_arc, start_arc},
               {is_anything, managed_identity_start_imds}};

/* ------------------------------------------------------------------------------------------ */

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct managed_identity *own = (struct managed_identity *)credential;
    const struct source *source = sources;

    own->fetch = fetch;
    own->attempts = 0;
    own->waited_ms = 0;
    while (!source->matches(&own->context->settings))
        source++;
    source->start(own);
}

static void cancel(struct credential *credential)
{
    struct managed_identity *own = (struct managed_identity *)credential;

    timer_stop(own->context->loop, &own->timer);
    auth_request_cancel(&own->request);
}

static void release(struct credential *credential)
{
    free(credential);
}

struct credential *
credential_new_managed_identity(const struct credential_context *context)
{
    struct managed_identity *own = memory_new(sizeof *own);

    own->base = (struct credential){fetch_token, cancel, release};
    own->context = context;
    return &own->base;
}
