/* engine/auth/client_certificate.c - an application with a certificate: it signs an assertion
 * about itself (RFC 7523, 2.2). */
#include <stdlib.h>

#include "auth/certificate.h"
#include "auth/credential.h"
#include "auth/entra.h"
#include "auth/jwt.h"
#include "auth/request.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/memory.h"

struct client_certificate {
    struct credential base;
    const struct credential_context *context;
    struct auth_request request;
    struct token_fetch *fetch;
};

static void on_answer(void *owner, const struct auth_request *request,
                      const struct transfer *answer)
{
    struct client_certificate *own = owner;

    entra_answer(own->context, request, answer, own->fetch);
}

/* The file is read anew for each token: it may have been replaced, and between two tokens
 * the key need not be in memory. NULL on failure. */
static char *make_assertion(const struct credential_context *context,
                            struct failure **failure)
{
    const struct credential_settings *settings = &context->settings;
    struct certificate *certificate = certificate_read(
        settings->certificate_path, settings->certificate_password, failure);

    if (certificate == NULL)
        return NULL;

    char *endpoint = entra_url(context, settings->tenant_id, "token");
    char *assertion = jwt_new_assertion(certificate, settings->client_id, endpoint,
                                        clock_wall_ms(loop_clock(context->loop)) / 1000,
                                        settings->sends_certificate_chain);

    if (assertion == NULL)
        *failure = failure_new("AuthenticationFailed",
                               "certificate file %s: its key cannot sign",
                               settings->certificate_path);
    free(endpoint);
    certificate_free(certificate);
    return assertion;
}

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct client_certificate *own = (struct client_certificate *)credential;
    const struct credential_settings *settings = &own->context->settings;
    struct failure *failure = NULL;

    if (settings->certificate_path == NULL) {
        token_fetch_pass(fetch, "AZURE_CLIENT_CERTIFICATE_PATH is not set");
        return;
    }
    if (!credential_needs_client(own->context, fetch))
        return;

    char *assertion = make_assertion(own->context, &failure);

    if (assertion == NULL) {
        token_fetch_fail(fetch, failure);
        return;
    }
    own->fetch = fetch;
    entra_prepare(&own->request, own->context, settings->tenant_id, "token",
                  "client_credentials", settings->client_id);
    entra_add_assertion(&own->request, assertion);
    secret_free(assertion);
    entra_add_wish(&own->request, own->context, fetch, "");
    auth_request_start(&own->request, own, on_answer);
}

static void cancel(struct credential *credential)
{
    auth_request_cancel(&((struct client_certificate *)credential)->request);
}

static void release(struct credential *credential)
{
    free(credential);
}

struct credential *credential_new_certificate(const struct credential_context *context)
{
    struct client_certificate *own = memory_new(sizeof *own);

    own->base = (struct credential){fetch_token, cancel, release};
    own->context = context;
    return &own->base;
}
