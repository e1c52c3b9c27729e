/* engine/auth/tokens.c - the tokens in use, and their renewal.
 *
 * Times are the loop's own, which go on evenly whatever happens to the machine's date. */
#include "auth/tokens.h"

#include <stdlib.h>
#include <string.h>

#include "auth/jwt.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

enum {
    EARLY_MS = 300000,      /* before a token expires a new one is asked for */
    SHORT_LIFE_MS = 600000, /* a life this short is halved instead */
    PAUSE_MS = 30000        /* after a renewal in the background that failed */
};

/* The token of one audience. */
struct entry {
    struct token *token; /* or NULL */
    int64_t renew_at_ms, expires_at_ms;
    char *claims; /* that it was asked for with, or NULL */
};

/* A fetch that is under way, and who waits for it: nobody when it is ahead of need. */
struct flight {
    struct list link;
    struct tokens *tokens;
    struct token_fetch fetch;
    char *claims;        /* or NULL */
    struct list waiting; /* of token_request */
};

struct tokens {
    struct token_provider provider;
    struct credential_context context;
    struct chain *chain;
    struct entry entries[AUDIENCE_COUNT];
    struct list flights;
};

/* --- answers ---------------------------------------------------------------------------- */

static void give(struct token *token, struct token_request *request)
{
    request->token = token;
    token->references++;
    request->done(request);
}

static void put(struct entry *entry, struct token *token, const struct grant *grant,
                const char *claims, int64_t now_ms)
{
    const int64_t life_ms = grant->life_ms;
    int64_t renew_ms = life_ms < SHORT_LIFE_MS ? life_ms / 2 : life_ms - EARLY_MS;

    if (grant->refresh_in_ms > 0 && grant->refresh_in_ms < renew_ms)
        renew_ms = grant->refresh_in_ms;
    if (entry->token != NULL)
        token_release(entry->token);
    entry->token = token;
    token->references++;
    free(entry->claims);
    entry->claims = memory_copy_string(claims);
    entry->renew_at_ms = now_ms + renew_ms;
    entry->expires_at_ms = now_ms + life_ms;
}

static void drop(struct entry *entry)
{
    if (entry->token != NULL)
        token_release(entry->token);
    free(entry->claims);
    *entry = (struct entry){0};
}

static void release_flight(struct flight *flight)
{
    list_remove(&flight->link);
    grant_deinit(&flight->fetch.grant);
    failure_free(flight->fetch.failure);
    free(flight->claims);
    free(flight);
}

/* Answers all who wait. What they do next may start another flight, or drop the token. */
static void land(struct flight *flight, struct token *token,
                 const struct failure *failure)
{
    struct list *link;

    while ((link = list_take_first(&flight->waiting)) != NULL) {
        struct token_request *request = LIST_ENTRY(link, struct token_request, link);

        if (token != NULL) {
            give(token, request);
        } else {
            request->failure = failure_copy(failure);
            request->done(request);
        }
    }
}

static void on_fetched(struct token_fetch *fetch)
{
    struct flight *flight = LIST_ENTRY(fetch, struct flight, fetch);
    struct entry *entry = &flight->tokens->entries[fetch->audience];
    const int64_t now_ms = clock_now_ms(loop_clock(flight->tokens->context.loop));

    list_remove(&flight->link);
    if (fetch->failure == NULL) {
        struct token *token = token_new(fetch->grant.access_token);

        put(entry, token, &fetch->grant, flight->claims, now_ms);
        land(flight, token, NULL);
        token_release(token);
    } else {
        if (list_is_empty(&flight->waiting))
            log_line(LOG_INFO, "renewing a token ahead of need: %s; again in %d s",
                     fetch->failure->message, PAUSE_MS / 1000);
        if (entry->token != NULL && flight->claims == NULL)
            entry->renew_at_ms = now_ms + PAUSE_MS;
        land(flight, NULL, fetch->failure);
    }
    release_flight(flight);
}

/* --- questions -------------------------------------------------------------------------- */

/* The flight for a token of this kind, or NULL. */
static struct flight *find_flight(struct tokens *tokens, enum audience audience,
                                  const char *claims)
{
    for (struct list *link = tokens->flights.next; link != &tokens->flights;
         link = link->next) {
        struct flight *flight = LIST_ENTRY(link, struct flight, link);

        if (flight->fetch.audience == audience &&
            (claims == NULL) == (flight->claims == NULL) &&
            (claims == NULL || strcmp(claims, flight->claims) == 0))
            return flight;
    }
    return NULL;
}

/* Has the request wait for such a token (NULL: nobody waits), and starts a fetch unless one is
 * under way. */
static void wait_for(struct tokens *tokens, enum audience audience, const char *claims,
                     struct token_request *request)
{
    struct flight *flight = find_flight(tokens, audience, claims);
    const bool is_new = flight == NULL;

    if (is_new) {
        flight = memory_new(sizeof *flight);
        flight->tokens = tokens;
        flight->claims = memory_copy_string(claims);
        flight->fetch = (struct token_fetch){
            .audience = audience, .claims = flight->claims, .done = on_fetched};
        list_init(&flight->waiting);
        list_append(&tokens->flights, &flight->link);
    }
    if (request != NULL)
        list_append(&flight->waiting, &request->link);
    if (is_new)
        chain_fetch(tokens->chain, &flight->fetch);
}

/* Whether the token that was refused has been replaced by one with the claims asked for. */
static bool has_claims(const struct entry *entry, const struct token_request *request,
                       int64_t now_ms)
{
    return entry->token != NULL && entry->token != request->refused &&
           now_ms < entry->expires_at_ms && entry->claims != NULL &&
           strcmp(entry->claims, request->claims) == 0;
}

static void get(struct token_provider *provider, struct token_request *request)
{
    struct tokens *tokens = (struct tokens *)provider;
    struct entry *entry = &tokens->entries[request->audience];
    const int64_t now_ms = clock_now_ms(loop_clock(tokens->context.loop));

    if (request->claims != NULL && !has_claims(entry, request, now_ms)) {
        wait_for(tokens, request->audience, request->claims, request);
        return;
    }
    /* one that was replaced meanwhile is no reason to fetch again */
    if (entry->token != NULL &&
        (entry->token == request->refused || now_ms >= entry->expires_at_ms))
        drop(entry);
    if (entry->token == NULL) {
        wait_for(tokens, request->audience, NULL, request);
        return;
    }

    const enum audience audience = request->audience;
    const bool is_due = now_ms >= entry->renew_at_ms;

    give(entry->token, request); /* the request may be gone after this */
    if (is_due)
        wait_for(tokens, audience, NULL, NULL);
}

static void cancel(struct token_provider *provider, struct token_request *request)
{
    (void)provider; /* the fetch goes on: the next request can use its token */
    list_remove(&request->link);
}

/* ---------------------------------------------------------------------------------------- */

struct tokens *tokens_new(struct loop *loop, const struct credential_settings *settings)
{
    struct tokens *tokens = memory_new(sizeof *tokens);

    tokens->provider = (struct token_provider){.get = get, .cancel = cancel};
    tokens->context.loop = loop;
    tokens->context.settings = *settings;
    tokens->chain = chain_new(&tokens->context);
    list_init(&tokens->flights);
    return tokens;
}

void tokens_set_pipeline(struct tokens *tokens, struct pipeline *pipeline)
{
    tokens->context.pipeline = pipeline;
}

void tokens_free(struct tokens *tokens)
{
    struct list *link;

    if (tokens == NULL)
        return;
    chain_free(tokens->chain);
    while ((link = list_take_first(&tokens->flights)) != NULL) {
        struct flight *flight = LIST_ENTRY(link, struct flight, link);

        while (list_take_first(&flight->waiting) != NULL)
            ; /* so that cancelling these later finds them on no list */
        release_flight(flight);
    }
    for (size_t i = 0; i < AUDIENCE_COUNT; i++)
        drop(&tokens->entries[i]);
    free(tokens);
}

struct token_provider *tokens_provider(struct tokens *tokens)
{
    return &tokens->provider;
}

/* --- description ------------------------------------------------------------------------ */

/* The first of two members that is a string, copied. */
static char *copy_claim(const cJSON *claims, const char *name, const char *other_name)
{
    const char *text = json_string_at(claims, name);

    if (text == NULL)
        text = json_string_at(claims, other_name);
    return memory_copy_string(text);
}

void tokens_describe(const struct tokens *tokens, struct tokens_description *description)
{
    const struct token *token = tokens->entries[AUDIENCE_ARM].token;

    *description = (struct tokens_description){0};
    description->count = chain_describe(tokens->chain, description->credentials);
    for (size_t i = 0; i < description->count; i++) {
        if (description->credentials[i].state == CREDENTIAL_CHOSEN)
            description->chosen = description->credentials[i].name;
    }
    if (token == NULL)
        token = tokens->entries[AUDIENCE_GRAPH].token;
    if (token == NULL)
        return;

    /* "Authorization: Bearer " holds no dot, so it does not matter here */
    cJSON *claims = jwt_read_claims(token->header);

    description->tenant_id = copy_claim(claims, "tid", "tid");
    description->object_id = copy_claim(claims, "oid", "sub");
    description->application_id = copy_claim(claims, "appid", "azp");
    description->user_name = copy_claim(claims, "upn", "unique_name");
    description->expires_wall_ms = (int64_t)json_number_at(claims, "exp", 0) * 1000;
    cJSON_Delete(claims);
}

void tokens_description_deinit(struct tokens_description *description)
{
    free(description->tenant_id);
    free(description->object_id);
    free(description->application_id);
    free(description->user_name);
    *description = (struct tokens_description){0};
}
