/* engine/auth/federated.c - an application that another issuer vouches for (workload identity
 * federation): a token that the cluster keeps in a file, or that a GitHub Actions job asks
 * for, takes the place of a secret. */
#include <stdlib.h>
#include <string.h>

#include "auth/application.h"
#include "auth/file.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"

enum { LARGEST_TOKEN = 65536 };

/* --- the file --------------------------------------------------------------------------- */

static void fail_file(struct application *own, const char *why)
{
    struct failure *failure =
        failure_new("AuthenticationFailed", "federated token file %s: %s",
                    own->context->settings.federated_token_file, why);

    token_fetch_fail(own->fetch,
                     failure_set_cure(failure, "check AZURE_FEDERATED_TOKEN_FILE"));
}

/* Each time anew: the kubelet replaces the file long before the token in it expires. */
static void use_file(struct application *own)
{
    const char *path = own->context->settings.federated_token_file, *why = NULL;
    struct buffer text = {0};

    if (!file_read(path, LARGEST_TOKEN, &text, &why)) {
        secret_deinit(&text);
        fail_file(own, why);
        return;
    }

    char *assertion = file_copy_trimmed(&text);

    secret_deinit(&text);
    if (assertion[0] != '\0')
        application_ask_by_assertion(own, assertion);
    else
        fail_file(own, "it is empty");
    secret_free(assertion);
}

/* --- GitHub Actions ---------------------------------------------------------------------- */

static void on_job_token(void *owner, const struct auth_request *request,
                         const struct transfer *answer)
{
    struct application *own = owner;
    cJSON *body = auth_request_json(answer);
    const char *assertion = json_string_at(body, "value");

    (void)request;
    if (answer->failure != NULL) {
        token_fetch_fail(own->fetch, auth_request_failure(answer));
    } else if (assertion != NULL && assertion[0] != '\0') {
        application_ask_by_assertion(own, assertion);
    } else {
        struct failure *failure = failure_new(
            "AuthenticationFailed", "GitHub gave this job no token about itself");

        failure->status = answer->status;
        token_fetch_fail(own->fetch,
                         failure_set_cure(failure, "give the job `permissions: id-token: "
                                                   "write`"));
    }
    secret_delete_json(body);
}

static void use_job(struct application *own)
{
    const struct credential_settings *settings = &own->context->settings;
    const char *url = settings->oidc_url;

    if (!text_has_prefix_nocase(url, "https://") && !url_is_loopback(url)) {
        token_fetch_fail(
            own->fetch,
            failure_new(
                "InsecureEndpoint",
                "ACTIONS_ID_TOKEN_REQUEST_URL is not https: no token goes there"));
        return;
    }
    auth_request_prepare(&own->request, own->context, "GET",
                         memory_format("%s%saudience=api%%3A%%2F%%2FAzureADTokenExchange",
                                       url, strchr(url, '?') != NULL ? "&" : "?"));
    auth_request_add_header(
        &own->request, memory_format("Authorization: bearer %s", settings->oidc_bearer));
    auth_request_start(&own->request, own, on_job_token);
}

/* ------------------------------------------------------------------------------------------ */

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct application *own = (struct application *)credential;
    const struct credential_settings *settings = &own->context->settings;
    const bool is_in_job = settings->oidc_url != NULL && settings->oidc_bearer != NULL;

    own->fetch = fetch;
    if (settings->uses_oidc && !is_in_job && settings->federated_token_file == NULL)
        token_fetch_pass(fetch,
                         "ARM_USE_OIDC is set, but ACTIONS_ID_TOKEN_REQUEST_URL and "
                         "_TOKEN are not: the job needs `permissions: id-token: "
                         "write`");
    else if (settings->federated_token_file == NULL && !is_in_job)
        token_fetch_pass(fetch, "AZURE_FEDERATED_TOKEN_FILE is not set");
    else if (!credential_needs_client(own->context, fetch))
        return;
    else if (is_in_job && (settings->uses_oidc || settings->federated_token_file == NULL))
        use_job(own);
    else
        use_file(own);
}

struct credential *credential_new_federated(const struct credential_context *context)
{
    return application_new(context, fetch_token);
}
