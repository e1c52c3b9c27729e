/* engine/auth/kept_sign_in.c - the person that `moongate login --keep` signed in. */
#include <stdlib.h>
#include <string.h>

#include "auth/credential.h"
#include "auth/entra.h"
#include "auth/entra_error.h"
#include "auth/kept.h"
#include "auth/request.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"

struct kept_sign_in {
    struct credential base;
    const struct credential_context *context;
    struct auth_request request;
    struct token_fetch *fetch;
    struct kept kept; /* while a fetch is under way */
};

/* Refresh tokens rotate: the one that came with the answer replaces the one it was got by. */
static void keep_new(struct kept_sign_in *own, struct grant *grant)
{
    struct failure *failure = NULL;

    if (grant->refresh_token != NULL) {
        char *old = own->kept.refresh_token;

        own->kept.refresh_token = grant->refresh_token;
        failure = kept_write(own->context->settings.state_folder, &own->kept);
        grant->refresh_token = old;
    }
    if (failure != NULL)
        log_line(LOG_WARNING, "%s", failure->message);
    failure_free(failure);
}

static void on_answer(void *owner, const struct auth_request *request,
                      const struct transfer *answer)
{
    struct kept_sign_in *own = owner;
    struct failure *failure = NULL;
    struct grant grant = {0};
    char *error = NULL;

    if (entra_read_grant(own->context, request, answer, &grant, &failure)) {
        keep_new(own, &grant);
        kept_deinit(&own->kept);
        token_fetch_give(own->fetch, &grant);
        return;
    }
    kept_deinit(&own->kept);
    error = entra_error_name(answer);
    if (error != NULL && strcmp(error, "invalid_grant") == 0) {
        token_fetch_pass(own->fetch, "it has expired, run `moongate login --keep` (%s)",
                         failure->message);
        failure_free(failure);
    } else {
        token_fetch_fail(own->fetch, failure);
    }
    free(error);
}

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct kept_sign_in *own = (struct kept_sign_in *)credential;
    const struct credential_settings *settings = &own->context->settings;
    char *why = NULL;

    if (settings->state_folder == NULL) {
        token_fetch_pass(fetch, "there is no HOME to keep one in");
        return;
    }
    if (!kept_read(settings->state_folder, &own->kept, &why)) {
        token_fetch_pass(fetch, "%s", why);
        free(why);
        return;
    }
    if (strcmp(own->kept.authority, settings->authority) != 0) {
        token_fetch_pass(fetch, "it is for %s", own->kept.authority);
        kept_deinit(&own->kept);
        return;
    }
    own->fetch = fetch;
    entra_prepare_refresh(&own->request, own->context,
                          settings->tenant_id != NULL ? settings->tenant_id
                                                      : own->kept.tenant_id,
                          own->kept.client_id, own->kept.refresh_token, fetch);
    auth_request_start(&own->request, own, on_answer);
}

static void cancel(struct credential *credential)
{
    struct kept_sign_in *own = (struct kept_sign_in *)credential;

    auth_request_cancel(&own->request);
    kept_deinit(&own->kept);
}

static void release(struct credential *credential)
{
    free(credential);
}

struct credential *credential_new_kept(const struct credential_context *context)
{
    struct kept_sign_in *own = memory_new(sizeof *own);

    own->base = (struct credential){fetch_token, cancel, release};
    own->context = context;
    return &own->base;
}
