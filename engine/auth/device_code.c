/* engine/auth/device_code.c - a person signs in with a browser, anywhere (RFC 8628).
 *
 * One sign-in is good for all audiences: its refresh token stays in memory. */
#include <stdlib.h>
#include <string.h>

#include "auth/credential.h"
#include "auth/entra.h"
#include "auth/entra_error.h"
#include "auth/kept.h"
#include "auth/request.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { INTERVAL_S = 5, SLOWER_MS = 5000, LIFE_S = 900 };

struct device_code {
    struct credential base;
    const struct credential_context *context;
    struct auth_request request;
    struct token_fetch *fetch;
    char *refresh_token; /* of the sign-in there was, or NULL */

    char *code; /* while a person is asked */
    struct timer timer;
    int64_t interval_ms, deadline_ms;
};

static void poll(struct device_code *own);

static const char *tenant_of(const struct device_code *own)
{
    const char *tenant = own->context->settings.tenant_id;

    return tenant != NULL ? tenant : entra_any_tenant;
}

static const char *client_of(const struct device_code *own)
{
    const char *client = own->context->settings.client_id;

    return client != NULL ? client : entra_public_client;
}

/* --- the end -------------------------------------------------------------------------------- */

static void forget_code(struct device_code *own)
{
    timer_stop(own->context->loop, &own->timer);
    secret_free(own->code);
    own->code = NULL;
}

static void fail(struct device_code *own, struct failure *failure)
{
    forget_code(own);
    token_fetch_fail(own->fetch, failure);
}

static void fail_because(struct device_code *own, const char *why)
{
    fail(own, failure_set_cure(failure_new("AuthenticationFailed", "sign-in: %s", why),
                               "try again: `moongate login`"));
}

/* Keeps the sign-in on the disk when that is wanted. */
static struct failure *keep(const struct device_code *own)
{
    const struct credential_settings *settings = &own->context->settings;
    const struct kept kept = {.authority = (char *)settings->authority,
                              .tenant_id = (char *)tenant_of(own),
                              .client_id = (char *)client_of(own),
                              .refresh_token = own->refresh_token};

    if (!settings->keeps_sign_in)
        return NULL;
    if (own->refresh_token == NULL || settings->state_folder == NULL)
        return failure_new("IOError", "the sign-in cannot be kept: %s",
                           own->refresh_token == NULL ? "there is no refresh token"
                                                      : "there is no HOME to keep it in");
    return kept_write(settings->state_folder, &kept);
}

static void succeed(struct device_code *own, struct grant *grant)
{
    forget_code(own);
    if (grant->refresh_token != NULL) {
        secret_free(own->refresh_token);
        own->refresh_token = grant->refresh_token;
        grant->refresh_token = NULL;
    }

    struct failure *failure = keep(own);

    if (failure == NULL) {
        token_fetch_give(own->fetch, grant);
        return;
    }
    grant_deinit(grant);
    token_fetch_fail(own->fetch, failure);
}

/* --- waiting for the person ------------------------------------------------------------------ */

static void fire(struct timer *timer)
{
    poll(LIST_ENTRY(timer, struct device_code, timer));
}

static void poll_later(struct device_code *own)
{
    const int64_t now_ms = clock_now_ms(loop_clock(own->context->loop));

    if (now_ms + own->interval_ms > own->deadline_ms) {
        fail_because(own, "the code has expired: nobody used it in time");
        return;
    }
    own->timer.fire = fire;
    timer_start(own->context->loop, &own->timer, own->interval_ms);
}

/* What to do about an answer without a token (RFC 8628, 3.5); the failure is taken. */
static void judge(struct device_code *own, const char *error, struct failure *failure)
{
    if (strcmp(error, "slow_down") == 0)
        own->interval_ms += SLOWER_MS;
    if (strcmp(error, "slow_down") == 0 || strcmp(error, "authorization_pending") == 0)
        poll_later(own);
    else if (strcmp(error, "authorization_declined") == 0 ||
             strcmp(error, "access_denied") == 0)
        fail_because(own, "it was declined in the browser");
    else if (strcmp(error, "expired_token") == 0 || strcmp(error, "code_expired") == 0)
        fail_because(own, "the code has expired: nobody used it in time");
    else {
        fail(own, failure);
        return;
    }
    failure_free(failure);
}

/* Ends with the token of an answer. False when there is none: then the failure, and the name
 * of the error or NULL; both the caller's to free. */
static bool succeeds(struct device_code *own, const struct auth_request *request,
                     const struct transfer *answer, struct failure **failure,
                     char **error)
{
    struct grant grant = {0};

    if (entra_read_grant(own->context, request, answer, &grant, failure)) {
        succeed(own, &grant);
        return true;
    }
    *error = entra_error_name(answer);
    return false;
}

static void on_polled(void *owner, const struct auth_request *request,
                      const struct transfer *answer)
{
    struct device_code *own = owner;
    struct failure *failure = NULL;
    char *error = NULL;

    if (succeeds(own, request, answer, &failure, &error))
        return;
    judge(own, error != NULL ? error : "", failure);
    free(error);
}

static void poll(struct device_code *own)
{
    entra_prepare(&own->request, own->context, tenant_of(own), "token",
                  "urn:ietf:params:oauth:grant-type:device_code", client_of(own));
    auth_request_add_field(&own->request, "device_code", own->code);
    entra_add_wish(&own->request, own->context, own->fetch,
                   " offline_access openid profile");
    auth_request_start(&own->request, own, on_polled);
}

/* --- asking the person ------------------------------------------------------------------------ */

/* Says where to go with which code. */
static void tell(const struct device_code *own, const cJSON *body)
{
    const char *message = json_string_at(body, "message");
    const char *page = json_string_at(body, "verification_uri");
    const char *code = json_string_at(body, "user_code");
    char *text = message != NULL
                     ? memory_copy_string(message)
                     : memory_format("To sign in, open %s and enter the code %s.",
                                     page != NULL ? page : "the page of your tenant",
                                     code != NULL ? code : "it gives you");

    credential_tell(own->context, text);
    free(text);
}

/* A number of seconds from 1 to a day, or the default, in milliseconds. */
static int64_t read_ms(const cJSON *body, const char *name, int64_t default_s)
{
    const double seconds = json_number_at(body, name, (double)default_s);

    return seconds >= 1 && seconds <= 86400 ? (int64_t)(seconds * 1000)
                                            : default_s * 1000;
}

static void on_code(void *owner, const struct auth_request *request,
                    const struct transfer *answer)
{
    struct device_code *own = owner;
    cJSON *body = auth_request_json(answer);

    own->code = memory_copy_string(json_string_at(body, "device_code"));
    if (own->code == NULL) {
        fail(own, entra_failure(answer, request->form.data));
    } else {
        own->interval_ms = read_ms(body, "interval", INTERVAL_S);
        own->deadline_ms = clock_now_ms(loop_clock(own->context->loop)) +
                           read_ms(body, "expires_in", LIFE_S);
        tell(own, body);
        poll_later(own);
    }
    secret_delete_json(body);
}

static void ask_person(struct device_code *own)
{
    entra_prepare(&own->request, own->context, tenant_of(own), "devicecode", NULL,
                  client_of(own));
    entra_add_wish(&own->request, own->context, own->fetch,
                   " offline_access openid profile");
    auth_request_start(&own->request, own, on_code);
}

/* --------------------------------------------------------------------------------------------- */

static void on_refreshed(void *owner, const struct auth_request *request,
                         const struct transfer *answer)
{
    struct device_code *own = owner;
    struct failure *failure = NULL;
    char *error = NULL;

    if (succeeds(own, request, answer, &failure, &error))
        return;

    const bool is_over = error != NULL && (strcmp(error, "invalid_grant") == 0 ||
                                           strcmp(error, "interaction_required") == 0);

    free(error);
    if (!is_over) {
        fail(own, failure);
        return;
    }
    failure_free(failure);
    secret_free(own->refresh_token);
    own->refresh_token = NULL;
    ask_person(own);
}

/* Whether somebody can be asked, or wants to be. */
static bool has_person(const struct credential_settings *settings)
{
    return settings->has_person ||
           (settings->selection != NULL &&
            text_equal_nocase(settings->selection, "DeviceCodeCredential"));
}

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct device_code *own = (struct device_code *)credential;

    own->fetch = fetch;
    if (!has_person(&own->context->settings)) {
        token_fetch_pass(fetch, "nobody is at a terminal to be asked");
    } else if (own->refresh_token != NULL) {
        entra_prepare_refresh(&own->request, own->context, tenant_of(own), client_of(own),
                              own->refresh_token, fetch);
        auth_request_start(&own->request, own, on_refreshed);
    } else {
        ask_person(own);
    }
}

static void cancel(struct credential *credential)
{
    struct device_code *own = (struct device_code *)credential;

    auth_request_cancel(&own->request);
    forget_code(own);
}

static void release(struct credential *credential)
{
    struct device_code *own = (struct device_code *)credential;

    secret_free(own->refresh_token);
    free(own);
}

struct credential *credential_new_device_code(const struct credential_context *context)
{
    struct device_code *own = memory_new(sizeof *own);

    own->base = (struct credential){fetch_token, cancel, release};
    own->context = context;
    return &own->base;
}
