/* engine/auth/client_secret.c - an application with a secret (RFC 6749, 4.4). */
#include <stdlib.h>

#include "auth/credential.h"
#include "auth/entra.h"
#include "auth/request.h"
#include "base/memory.h"

struct client_secret {
    struct credential base;
    const struct credential_context *context;
    struct auth_request request;
    struct token_fetch *fetch;
};

static void on_answer(void *owner, const struct auth_request *request,
                      const struct transfer *answer)
{
    struct client_secret *own = owner;

    entra_answer(own->context, request, answer, own->fetch);
}

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct client_secret *own = (struct client_secret *)credential;
    const struct credential_settings *settings = &own->context->settings;

    if (settings->client_secret == NULL) {
        token_fetch_pass(fetch, "AZURE_CLIENT_SECRET is not set");
        return;
    }
    if (!credential_needs_client(own->context, fetch))
        return;
    own->fetch = fetch;
    entra_prepare(&own->request, own->context, settings->tenant_id, "token",
                  "client_credentials", settings->client_id);
    auth_request_add_field(&own->request, "client_secret", settings->client_secret);
    entra_add_wish(&own->request, own->context, fetch, "");
    auth_request_start(&own->request, own, on_answer);
}

static void cancel(struct credential *credential)
{
    auth_request_cancel(&((struct client_secret *)credential)->request);
}

static void release(struct credential *credential)
{
    free(credential);
}

struct credential *credential_new_secret(const struct credential_context *context)
{
    struct client_secret *own = memory_new(sizeof *own);

    own->base = (struct credential){fetch_token, cancel, release};
    own->context = context;
    return &own->base;
}
