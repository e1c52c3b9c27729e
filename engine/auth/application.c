/* engine/auth/application.c - what the credentials of an application share. */
#include "auth/application.h"

#include <stdlib.h>

#include "auth/entra.h"
#include "base/memory.h"

static void on_answer(void *owner, const struct auth_request *request,
                      const struct transfer *answer)
{
    struct application *own = owner;

    entra_answer(own->context, request, answer, own->fetch);
}

static void prepare(struct application *own)
{
    const struct credential_settings *settings = &own->context->settings;

    entra_prepare(&own->request, own->context, settings->tenant_id, "token",
                  "client_credentials", settings->client_id);
}

static void start(struct application *own)
{
    entra_add_wish(&own->request, own->context, own->fetch, "");
    auth_request_start(&own->request, own, on_answer);
}

void application_ask_by_secret(struct application *own, const char *secret)
{
    prepare(own);
    auth_request_add_field(&own->request, "client_secret", secret);
    start(own);
}

void application_ask_by_assertion(struct application *own, const char *assertion)
{
    prepare(own);
    entra_add_assertion(&own->request, assertion);
    start(own);
}

static void cancel(struct credential *credential)
{
    auth_request_cancel(&((struct application *)credential)->request);
}

static void release(struct credential *credential)
{
    free(credential);
}

struct credential *application_new(const struct credential_context *context,
                                   void (*fetch)(struct credential *credential,
                                                 struct token_fetch *fetch))
{
    struct application *own = memory_new(sizeof *own);

    own->base = (struct credential){fetch, cancel, release};
    own->context = context;
    return &own->base;
}
