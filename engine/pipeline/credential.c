/* engine/pipeline/credential.c - the stage that signs requests.
 *
 * It is the gate for secrets: whatever URL an answer told us to ask next, a token leaves
 * only for the origin it was made for. */
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "pipeline/challenge.h"
#include "pipeline/pipeline.h"

struct credential_stage {
    struct stage stage;
    const struct origins *origins;
    struct token_provider *provider;
};

struct token *token_new(const char *access_token)
{
    static const char scheme[] = "Authorization: Bearer ";
    struct token *token =
        memory_new(sizeof *token + sizeof scheme + strlen(access_token));

    token->references = 1;
    memcpy(token->header, scheme, sizeof scheme - 1);
    strcpy(token->header + sizeof scheme - 1, access_token);
    return token;
}

void token_release(struct token *token)
{
    if (--token->references == 0) {
        /* the compiler may not leave this out: volatile */
        for (volatile char *c = token->header; *c != '\0'; c++)
            *c = '\0';
        free(token);
    }
}

static void refuse(struct exchange *exchange, struct failure *failure)
{
    transfer_reset(&exchange->transfer);
    exchange->transfer.failure = failure;
    exchange->is_refused = true;
    exchange_backward(exchange);
}

static void on_token(struct token_request *request)
{
    struct exchange *exchange = LIST_ENTRY(request, struct exchange, credential.request);

    exchange->credential.is_waiting = false;
    if (exchange->credential.token != NULL)
        token_release(exchange->credential.token);
    exchange->credential.token = request->token;
    if (request->failure != NULL) {
        refuse(exchange, request->failure);
        return;
    }
    exchange->transfer.headers[exchange->header_count] = request->token->header;
    exchange_forward(exchange);
}

/* For any token that is good, or for another than the one that was refused. */
static void ask(struct credential_stage *own, struct exchange *exchange,
                const struct token *refused, const char *claims)
{
    exchange->credential.request = (struct token_request){.audience = exchange->audience,
                                                          .refused = refused,
                                                          .claims = claims,
                                                          .done = on_token};
    exchange->credential.is_waiting = true;
    own->provider->get(own->provider, &exchange->credential.request);
}

static void send(struct stage *stage, struct exchange *exchange)
{
    struct credential_stage *own = (struct credential_stage *)stage;
    const char *url = exchange->transfer.url;
    const int length = (int)strcspn(url, "?"); /* a query may hold a signature */

    exchange->credential.was_renewed = exchange->credential.was_challenged = false;
    if (exchange->audience == AUDIENCE_NONE) {
        exchange_forward(exchange);
        return;
    }
    if (!url_is_within(url, own->origins->by_audience[exchange->audience])) {
        refuse(exchange,
               failure_new("ProtocolError", "%.*s is not below %s: no token goes there",
                           length, url, own->origins->by_audience[exchange->audience]));
        return;
    }
    if (!text_has_prefix_nocase(url, "https://") && !url_is_loopback(url)) {
        refuse(exchange,
               failure_new("InsecureEndpoint", "%.*s is not https: no token goes there",
                           length, url));
        return;
    }
    ask(own, exchange, NULL, NULL);
}

/* Graph refuses for want of claims by 403, too. */
static char *read_claims(const struct transfer *transfer)
{
    char *field = transfer->status == 401 || transfer->status == 403
                      ? transfer_field_list(transfer, "www-authenticate")
                      : NULL;
    char *claims = field != NULL ? challenge_claims(field) : NULL;

    free(field);
    return claims;
}

static void answered(struct stage *stage, struct exchange *exchange)
{
    struct credential_stage *own = (struct credential_stage *)stage;
    const struct token *token = exchange->credential.token;
    char *claims =
        exchange->audience != AUDIENCE_NONE ? read_claims(&exchange->transfer) : NULL;

    if (claims != NULL && !exchange->credential.was_challenged) {
        exchange->credential.was_challenged = true;
        free(exchange->credential.claims);
        exchange->credential.claims = claims;
        ask(own, exchange, token, claims);
    } else if (claims == NULL && exchange->transfer.status == 401 && token != NULL &&
               !exchange->credential.was_renewed) {
        exchange->credential.was_renewed = true;
        ask(own, exchange, token, NULL);
    } else {
        free(claims);
        exchange_backward(exchange);
    }
}

static void cancel(struct stage *stage, struct exchange *exchange)
{
    struct credential_stage *own = (struct credential_stage *)stage;

    if (exchange->credential.is_waiting)
        own->provider->cancel(own->provider, &exchange->credential.request);
}

static void release(struct stage *stage)
{
    free(stage);
}

struct stage *stage_new_credential(const struct origins *origins,
                                   struct token_provider *provider)
{
    struct credential_stage *own = memory_new(sizeof *own);

    own->stage = (struct stage){.name = "credential",
                                .send = send,
                                .answered = answered,
                                .cancel = cancel,
                                .free = release};
    own->origins = origins;
    own->provider = provider;
    return &own->stage;
}
