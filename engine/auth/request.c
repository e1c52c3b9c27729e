/* engine/auth/request.c - one HTTP request of a credential. */
#include "auth/request.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "auth/secret.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"

enum { USUAL_FORM_BYTES = 8192 }; /* a form that grows leaves copies behind */

/* Wipes what the exchange carried and frees it. */
static void wipe(struct auth_request *request)
{
    struct exchange *exchange = request->exchange;

    for (size_t i = 0; i < exchange->header_count; i++) {
        char *header = (char *)exchange->transfer.headers[i];

        OPENSSL_cleanse(header, strlen(header));
    }
    secret_deinit(&exchange->transfer.answer);
    exchange_free(exchange);
    secret_deinit(&request->form);
    free(request->url);
    *request = (struct auth_request){0};
}

static void on_answer(struct exchange *exchange)
{
    struct auth_request *request = exchange->owner;
    struct auth_request own = *request;

    *request = (struct auth_request){0};
    own.done(own.owner, &own, &exchange->transfer);
    wipe(&own);
}

void auth_request_prepare(struct auth_request *request,
                          const struct credential_context *context, const char *method,
                          char *url)
{
    *request = (struct auth_request){.url = url};
    request->exchange =
        exchange_new(context->pipeline, method, url, AUDIENCE_NONE, on_answer);
    request->exchange->is_repeatable = true;
    request->exchange->is_sign_in = true;
}

void auth_request_add_header(struct auth_request *request, char *header)
{
    exchange_add_header(request->exchange, header);
}

void auth_request_add_field(struct auth_request *request, const char *name,
                            const char *value)
{
    struct buffer *form = &request->form;

    if (form->length == 0)
        buffer_reserve(form, USUAL_FORM_BYTES);
    else
        buffer_append_char(form, '&');
    buffer_append_string(form, name);
    buffer_append_char(form, '=');
    buffer_append_escaped(form, value);
}

void auth_request_start(struct auth_request *request, void *owner,
                        void (*done)(void *owner, const struct auth_request *request,
                                     const struct transfer *answer))
{
    struct exchange *exchange = request->exchange;

    if (request->form.length > 0) {
        auth_request_add_header(
            request,
            memory_copy_string("Content-Type: application/x-www-form-urlencoded"));
        exchange->transfer.body = request->form.data;
        exchange->transfer.body_length = request->form.length;
    }
    request->owner = owner;
    request->done = done;
    exchange->owner = request;
    exchange_start(exchange);
}

void auth_request_cancel(struct auth_request *request)
{
    if (request->exchange != NULL)
        wipe(request);
}

struct failure *auth_request_failure(const struct transfer *answer)
{
    struct failure *failure = failure_copy(answer->failure);

    free(failure->operation);
    failure->operation = memory_copy_string("sign-in");
    return failure;
}

cJSON *auth_request_json(const struct transfer *answer)
{
    return answer->failure == NULL && answer->status == 200 && answer->answer.length > 0
               ? json_parse(answer->answer.data, answer->answer.length, NULL)
               : NULL;
}
