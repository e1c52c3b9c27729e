/* engine/auth/managed_imds.c - the managed identity of a virtual machine.
 *
 * Its instance metadata service has an address of its own, which anywhere else leads nowhere,
 * or to somebody else. So one short question finds out first whether it is there. */
#include <stdlib.h>
#include <string.h>

#include "auth/managed_identity.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    PROBE_MS = 1000,
    FIRST_PAUSE_MS = 1000,
    MISSING_MS = 15000, /* 404: in all; it starts up, or it is another cloud's */
    UPDATING_MS = 70000 /* 410: it may take this long */
};

static const char imds_host[] = "http://169.254.169.254";
static const char path[] = "/metadata/identity/oauth2/token";

static void ask(struct managed_identity *own);

static void fire(struct timer *timer)
{
    ask(LIST_ENTRY(timer, struct managed_identity, timer));
}

/* Waits, each time twice as long, and asks again; false when that took long enough. */
static bool ask_later(struct managed_identity *own, int status)
{
    const int64_t limit_ms = status == 404 ? MISSING_MS : status == 410 ? UPDATING_MS : 0;
    const int64_t pause_ms = (int64_t)FIRST_PAUSE_MS << own->attempts;

    if (own->waited_ms >= limit_ms)
        return false;
    own->attempts++;
    own->waited_ms += pause_ms;
    own->timer.fire = fire;
    timer_start(own->context->loop, &own->timer, pause_ms);
    return true;
}

static bool says(const struct transfer *answer, const char *word)
{
    return answer->answer.data != NULL && strstr(answer->answer.data, word) != NULL;
}

static void on_token(void *owner, const struct auth_request *request,
                     const struct transfer *answer)
{
    struct managed_identity *own = owner;

    (void)request;
    if (answer->failure == NULL && ask_later(own, answer->status))
        return;
    if ((answer->status == 400 && says(answer, "Identity not found")) ||
        (answer->status == 403 && says(answer, "unreachable")) || answer->status == 404) {
        char *words = managed_identity_explain(answer);

        own->is_absent = true;
        token_fetch_pass(own->fetch, "%s", words);
        free(words);
        return;
    }
    managed_identity_answer(own, answer);
}

/* "http://host/metadata/identity/oauth2/token"; owned by the caller. */
static char *make_url(const struct managed_identity *own)
{
    const struct credential_settings *settings = &own->context->settings;
    const char *host = settings->pod_authority != NULL ? settings->pod_authority
                       : settings->imds_host != NULL   ? settings->imds_host
                                                       : imds_host;
    size_t length = strlen(host);

    while (length > 0 && host[length - 1] == '/')
        length--;
    return memory_format("%.*s%s", (int)length, host, path);
}

static void ask(struct managed_identity *own)
{
    char *url = make_url(own);

    managed_identity_prepare(own, url, "2018-02-01", "client_id");
    free(url);
    auth_request_add_header(&own->request, memory_copy_string("Metadata: true"));
    auth_request_start(&own->request, own, on_token);
}

/* Without the Metadata field Azure's answers that it is missing. What answers 401 or 403 is
 * another cloud's. */
static void on_probe(void *owner, const struct auth_request *request,
                     const struct transfer *answer)
{
    struct managed_identity *own = owner;

    (void)request;
    own->is_absent =
        answer->failure != NULL || answer->status == 401 || answer->status == 403;
    own->is_found = !own->is_absent;
    if (own->is_found)
        ask(own);
    else
        token_fetch_pass(own->fetch, "this is no virtual machine of Azure");
}

static void probe(struct managed_identity *own)
{
    struct transfer *transfer;

    auth_request_prepare(&own->request, own->context, "GET", make_url(own));
    own->request.exchange->is_sent_once = true;
    transfer = &own->request.exchange->transfer;
    transfer->without_proxy = true;
    transfer->timeout_ms = transfer->connect_timeout_ms = PROBE_MS;
    auth_request_start(&own->request, own, on_probe);
}

/* Who names this credential, or its address, need not be asked. */
static bool is_sure(const struct managed_identity *own)
{
    const struct credential_settings *settings = &own->context->settings;

    return own->is_found || settings->pod_authority != NULL ||
           (settings->selection != NULL &&
            text_equal_nocase(settings->selection, "ManagedIdentityCredential"));
}

void managed_identity_start_imds(struct managed_identity *own)
{
    if (own->is_absent)
        token_fetch_pass(own->fetch, "this is no virtual machine of Azure, or it has no "
                                     "identity");
    else if (is_sure(own))
        ask(own);
    else
        probe(own);
}
