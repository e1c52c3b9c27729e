/* engine/auth/client_secret.c - an application with a secret. */
#include "auth/application.h"

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct application *own = (struct application *)credential;
    const struct credential_settings *settings = &own->context->settings;

    if (settings->client_secret == NULL) {
        token_fetch_pass(fetch, "AZURE_CLIENT_SECRET is not set");
        return;
    }
    if (!credential_needs_client(own->context, fetch))
        return;
    own->fetch = fetch;
    application_ask_by_secret(own, settings->client_secret);
}

struct credential *credential_new_secret(const struct credential_context *context)
{
    return application_new(context, fetch_token);
}
