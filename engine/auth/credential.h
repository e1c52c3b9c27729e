/* engine/auth/credential.h - one way to get a token.
 *
 * A credential fetches one token at a time, as the chain asks it to. It answers each fetch
 * once, maybe at once, in one of three ways: with a token; that it is not available here,
 * and the chain goes on to the next one; or with a failure, which ends the chain, because
 * going on would sign in as somebody else than was meant. What it needs it looks for at the
 * first fetch, not before. */
#ifndef MOONGATE_AUTH_CREDENTIAL_H
#define MOONGATE_AUTH_CREDENTIAL_H

#include "auth/grant.h"
#include "auth/settings.h"
#include "pipeline/pipeline.h"

struct failure;

/* What all credentials share; outlives them. */
struct credential_context {
    struct loop *loop;
    struct pipeline *pipeline;
    struct credential_settings settings;
};

/* A wish for a token. The memory is the asker's. */
struct token_fetch {
    enum audience audience;
    const char *claims; /* that it must have (JSON), borrowed, or NULL */
    void (*done)(struct token_fetch *fetch);

    /* The answer, of which one is set: the asker's to free. */
    struct grant grant;
    char *unavailable; /* why not, to follow the credential's name and a colon */
    struct failure *failure;

    struct list link; /* of the chain */
};

/* The first member of each credential's own struct. */
struct credential {
    void (*fetch)(struct credential *credential, struct token_fetch *fetch);
    void (*cancel)(struct credential *credential); /* the fetch, without calling `done` */
    void (*free)(struct credential *credential);   /* none is under way */
};

/* In the order of the chain. `context` is borrowed. */
struct credential *credential_new_ready(const struct credential_context *context);
struct credential *credential_new_secret(const struct credential_context *context);
struct credential *credential_new_certificate(const struct credential_context *context);
struct credential *credential_new_federated(const struct credential_context *context);
struct credential *
credential_new_managed_identity(const struct credential_context *context);
struct credential *credential_new_azure_cli(const struct credential_context *context);
struct credential *credential_new_kept(const struct credential_context *context);
struct credential *credential_new_device_code(const struct credential_context *context);

/* --- for credentials: the ways to answer, the last thing they do with a fetch ----------- */

/* `grant` is taken. */
void token_fetch_give(struct token_fetch *fetch, struct grant *grant);
void token_fetch_pass(struct token_fetch *fetch, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `failure` is taken. */
void token_fetch_fail(struct token_fetch *fetch, struct failure *failure);

/* Passes, naming what is missing, unless both are there; then it returns true. */
bool credential_needs_client(const struct credential_context *context,
                             struct token_fetch *fetch);

/* Shows a person what to do, on one line. */
void credential_tell(const struct credential_context *context, const char *text);

#endif
