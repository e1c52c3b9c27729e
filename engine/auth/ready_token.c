/* engine/auth/ready_token.c - a token that somebody else got and put into the environment. */
#include <stdlib.h>
#include <string.h>

#include "auth/credential.h"
#include "auth/jwt.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum { OPAQUE_LIFE_S = 3599 };

struct ready_token {
    struct credential base;
    const struct credential_context *context;
};

static const char *const names[AUDIENCE_COUNT] = {
    [AUDIENCE_ARM] = "MOONGATE_ACCESS_TOKEN",
    [AUDIENCE_GRAPH] = "MOONGATE_GRAPH_ACCESS_TOKEN",
    [AUDIENCE_STORAGE] = "MOONGATE_STORAGE_ACCESS_TOKEN"};

/* Whether a token for `audience` is good for `resource`; a slash at the end says nothing. */
static bool fits(const char *audience, const char *resource)
{
    const size_t length = strlen(resource);

    return text_has_prefix_nocase(audience, resource) &&
           strspn(audience + length, "/") == strlen(audience + length);
}

/* The variable to take the token from, or AUDIENCE_NONE. Without one of its own an audience
 * may use another's token that is meant for it. */
static enum audience choose(const struct credential_settings *settings,
                            enum audience audience)
{
    if (settings->ready_tokens[audience] != NULL)
        return audience;
    for (enum audience other = AUDIENCE_ARM; other < AUDIENCE_COUNT; other++) {
        cJSON *claims = settings->ready_tokens[other] != NULL
                            ? jwt_read_claims(settings->ready_tokens[other])
                            : NULL;
        const char *meant_for = json_string_at(claims, "aud");
        const bool is_good =
            meant_for != NULL && fits(meant_for, settings->resources[audience]);

        cJSON_Delete(claims);
        if (is_good)
            return other;
    }
    return AUDIENCE_NONE;
}

static struct failure *new_failure(const char *name, const char *why)
{
    char *cure = memory_format("set %s to a new token, such as `az account "
                               "get-access-token` prints, or unset it",
                               name);
    struct failure *failure =
        failure_set_cure(failure_new("AuthenticationFailed", "%s %s", name, why), cure);

    free(cure);
    return failure;
}

static bool is_header_text(const char *token)
{
    for (const char *c = token; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            return false;
    }
    return true;
}

static void give(struct ready_token *own, struct token_fetch *fetch, enum audience source)
{
    const char *token = own->context->settings.ready_tokens[source];
    cJSON *claims = jwt_read_claims(token);
    const double now_s = (double)clock_wall_ms(loop_clock(own->context->loop)) / 1000.0;
    const double expires_s = json_number_at(claims, "exp", now_s + OPAQUE_LIFE_S);
    struct grant grant = {.life_ms = (int64_t)((expires_s - now_s) * 1000)};

    cJSON_Delete(claims);
    if (!is_header_text(token)) {
        token_fetch_fail(fetch,
                         new_failure(names[source], "is no token: it has spaces or "
                                                    "line ends in it"));
    } else if (!(expires_s > now_s)) {
        token_fetch_fail(fetch, new_failure(names[source], "has expired"));
    } else {
        grant.access_token = memory_copy_string(token);
        token_fetch_give(fetch, &grant);
    }
}

static void fetch_token(struct credential *credential, struct token_fetch *fetch)
{
    struct ready_token *own = (struct ready_token *)credential;
    const struct credential_settings *settings = &own->context->settings;
    const enum audience source = choose(settings, fetch->audience);

    if (settings->ready_tokens[AUDIENCE_ARM] == NULL &&
        settings->ready_tokens[AUDIENCE_GRAPH] == NULL &&
        settings->ready_tokens[AUDIENCE_STORAGE] == NULL)
        token_fetch_pass(fetch, "MOONGATE_ACCESS_TOKEN is not set");
    else if (source == AUDIENCE_NONE)
        token_fetch_fail(fetch,
                         new_failure(names[fetch->audience],
                                     "is not set, and no other ready token is good "
                                     "for this service"));
    else if (fetch->claims != NULL)
        token_fetch_fail(fetch,
                         new_failure(names[source], "is not enough for this service "
                                                    "any more: it asks for a new "
                                                    "sign-in"));
    else
        give(own, fetch, source);
}

static void cancel(struct credential *credential)
{
    (void)credential; /* it answers at once */
}

static void release(struct credential *credential)
{
    free(credential);
}

struct credential *credential_new_ready(const struct credential_context *context)
{
    struct ready_token *own = memory_new(sizeof *own);

    own->base = (struct credential){fetch_token, cancel, release};
    own->context = context;
    return &own->base;
}
