/* engine/auth/client_certificate.c - an application with a certificate: it signs an assertion
 * about itself (RFC 7523, 2.2). */
#include <stdlib.h>

#include "auth/application.h"
#include "auth/certificate.h"
#include "auth/entra.h"
#include "auth/jwt.h"
#include "auth/secret.h"
#include "base/failure.h"

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
    struct application *own = (struct application *)credential;
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
    application_ask_by_assertion(own, assertion);
    secret_free(assertion);
}

struct credential *credential_new_certificate(const struct credential_context *context)
{
    return application_new(context, fetch_token);
}
