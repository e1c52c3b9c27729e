/* engine/auth/tokens.c - client credentials grant (RFC 6749, 4.4) at Microsoft Entra. */
#include "auth/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { EARLY_MS = 300000, DEFAULT_LIFE_S = 3599 };

/* The token of one audience. */
struct entry {
    struct tokens *tokens;
    struct token *token; /* or NULL */
    int64_t renew_at_ms;
    struct list waiting;       /* of token_request */
    struct exchange *exchange; /* the request that is under way, or NULL */
    char *body;
};

struct tokens {
    struct token_provider provider;
    struct loop *loop;
    struct pipeline *pipeline;
    char *url, *client_id, *client_secret, *resources[AUDIENCE_COUNT];
    struct entry entries[AUDIENCE_COUNT];
};

static void wipe(char *secret)
{
    if (secret == NULL)
        return;
    for (volatile char *c = secret; *c != '\0'; c++)
        *c = '\0';
    free(secret);
}

static void answer(struct entry *entry, const struct failure *failure)
{
    struct list *link;

    while ((link = list_take_first(&entry->waiting)) != NULL) {
        struct token_request *request = LIST_ENTRY(link, struct token_request, link);

        if (failure != NULL) {
            request->failure = failure_copy(failure);
        } else {
            request->token = entry->token;
            entry->token->references++;
        }
        request->done(request);
    }
}

/* The first line of what Entra says: the rest are ids of the moment. */
static struct failure *refusal(const struct transfer *transfer)
{
    cJSON *body = json_parse(transfer->answer.data != NULL ? transfer->answer.data : "",
                             transfer->answer.length, NULL);
    const char *description = json_string_at(body, "error_description");
    const char *error = json_string_at(body, "error");
    struct failure *failure;

    if (description != NULL) {
        const char *end = strstr(description, " Trace ID:");
        size_t length = strcspn(description, "\r\n");

        if (end != NULL && (size_t)(end - description) < length)
            length = (size_t)(end - description);
        failure = failure_new("AuthenticationFailed", "sign-in refused: %.*s",
                              (int)length, description);
    } else if (error != NULL) {
        failure = failure_new("AuthenticationFailed", "sign-in refused: %s", error);
    } else {
        failure = failure_new("AuthenticationFailed",
                              "sign-in refused: HTTP %d without an explanation",
                              transfer->status);
    }
    failure->status = transfer->status;
    failure->target = memory_copy_string(transfer->url);
    failure_set_cure(failure,
                     "check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET");
    cJSON_Delete(body);
    return failure;
}

/* Takes the token out of the answer; NULL when there is none in it. */
static struct token *take_token(struct entry *entry, const struct transfer *transfer)
{
    cJSON *body = json_parse(transfer->answer.data, transfer->answer.length, NULL);
    const char *access_token = json_string_at(body, "access_token");
    const cJSON *life = json_at(body, "expires_in");
    struct token *token = NULL;

    if (access_token != NULL && access_token[0] != '\0') {
        int64_t life_ms = DEFAULT_LIFE_S * INT64_C(1000);

        if (cJSON_IsNumber(life) && life->valuedouble > 0 && life->valuedouble < 1e7)
            life_ms = (int64_t)(life->valuedouble * 1000);
        else if (cJSON_IsString(life) && atol(life->valuestring) > 0)
            life_ms = atol(life->valuestring) * INT64_C(1000);
        token = token_new(access_token);
        entry->renew_at_ms = clock_now_ms(loop_clock(entry->tokens->loop)) +
                             (life_ms > 2 * EARLY_MS ? life_ms - EARLY_MS : life_ms / 2);
    }
    cJSON_Delete(body);
    return token;
}

static void on_answer(struct exchange *exchange)
{
    struct entry *entry = exchange->owner;
    struct failure *failure = NULL;

    if (exchange->transfer.failure != NULL) {
        failure = failure_copy(exchange->transfer.failure);
        free(failure->operation);
        failure->operation = memory_copy_string("sign-in");
    } else if (exchange->transfer.status != 200) {
        failure = refusal(&exchange->transfer);
    } else {
        struct token *token = take_token(entry, &exchange->transfer);

        if (token == NULL) {
            failure =
                failure_new("ProtocolError", "sign-in answered without an access token");
        } else {
            if (entry->token != NULL)
                token_release(entry->token);
            entry->token = token;
        }
    }
    entry->exchange = NULL;
    exchange_free(exchange);
    wipe(entry->body);
    entry->body = NULL;
    answer(entry, failure);
    failure_free(failure);
}

static void fetch(struct entry *entry, enum audience audience)
{
    const struct tokens *tokens = entry->tokens;
    struct buffer body = {0};

    buffer_append_string(&body, "grant_type=client_credentials&client_id=");
    buffer_append_escaped(&body, tokens->client_id);
    buffer_append_string(&body, "&client_secret=");
    buffer_append_escaped(&body, tokens->client_secret);
    buffer_append_string(&body, "&scope=");
    buffer_append_escaped(&body, tokens->resources[audience]);
    buffer_append_escaped(&body, "/.default");
    entry->exchange =
        exchange_new(tokens->pipeline, "POST", tokens->url, AUDIENCE_NONE, on_answer);
    exchange_add_header(
        entry->exchange,
        memory_copy_string("Content-Type: application/x-www-form-urlencoded"));
    entry->exchange->transfer.body_length = body.length;
    entry->body = buffer_take(&body);
    entry->exchange->transfer.body = entry->body;
    entry->exchange->is_repeatable = true;
    entry->exchange->owner = entry;
    exchange_start(entry->exchange);
}

static void get(struct token_provider *provider, struct token_request *request)
{
    struct tokens *tokens = (struct tokens *)provider;
    struct entry *entry = &tokens->entries[request->audience];
    const int64_t now_ms = clock_now_ms(loop_clock(tokens->loop));

    if (tokens->client_secret == NULL) {
        request->failure = failure_set_cure(
            failure_new("NoCredentials", "there is nothing to sign in with"),
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or try "
            "without "
            "Azure: --sim");
        request->done(request);
        return;
    }
    list_append(&entry->waiting, &request->link);
    if (entry->exchange != NULL) /* all who wait get the new one */
        return;
    if (entry->token != NULL && !request->is_renewal && now_ms < entry->renew_at_ms)
        answer(entry, NULL);
    else
        fetch(entry, request->audience);
}

static void cancel(struct token_provider *provider, struct token_request *request)
{
    (void)provider;
    list_remove(&request->link);
}

struct tokens *tokens_new(struct loop *loop, const struct credential_settings *settings)
{
    struct tokens *tokens = memory_new(sizeof *tokens);

    tokens->provider = (struct token_provider){.get = get, .cancel = cancel};
    tokens->loop = loop;
    tokens->url =
        memory_format("%s/%s/oauth2/v2.0/token", settings->authority,
                      settings->tenant_id != NULL ? settings->tenant_id : "common");
    if (settings->tenant_id != NULL && settings->client_id != NULL) {
        tokens->client_id = memory_copy_string(settings->client_id);
        tokens->client_secret = memory_copy_string(settings->client_secret);
    }
    for (size_t i = 0; i < AUDIENCE_COUNT; i++) {
        tokens->resources[i] = memory_copy_string(settings->resources[i]);
        tokens->entries[i].tokens = tokens;
        list_init(&tokens->entries[i].waiting);
    }
    return tokens;
}

void tokens_set_pipeline(struct tokens *tokens, struct pipeline *pipeline)
{
    tokens->pipeline = pipeline;
}

void tokens_free(struct tokens *tokens)
{
    if (tokens == NULL)
        return;
    for (size_t i = 0; i < AUDIENCE_COUNT; i++) {
        exchange_free(tokens->entries[i].exchange);
        wipe(tokens->entries[i].body);
        if (tokens->entries[i].token != NULL)
            token_release(tokens->entries[i].token);
        free(tokens->resources[i]);
    }
    free(tokens->url);
    free(tokens->client_id);
    wipe(tokens->client_secret);
    free(tokens);
}

struct token_provider *tokens_provider(struct tokens *tokens)
{
    return &tokens->provider;
}
