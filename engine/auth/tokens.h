/* engine/auth/tokens.h - credentials in, bearer tokens out.
 *
 * One token an audience, asked for when first needed, renewed before it expires; however
 * many requests wait, one asks. Tokens and secrets stay in memory and are wiped. */
#ifndef MOONGATE_AUTH_TOKENS_H
#define MOONGATE_AUTH_TOKENS_H

#include "pipeline/pipeline.h"

struct tokens;

/* All borrowed for the call. */
struct credential_settings {
    const char *authority; /* "https://login.microsoftonline.com" */
    const char
        *tenant_id; /* may be NULL, as the next two: then asking for a token fails */
    const char *client_id;
    const char *client_secret;
    const char *resources[AUDIENCE_COUNT]; /* "https://management.azure.com" */
};

struct tokens *tokens_new(struct loop *loop, const struct credential_settings *settings);

/* Token requests go this way, too. Borrowed; before the first use. */
void tokens_set_pipeline(struct tokens *tokens, struct pipeline *pipeline);

/* Accepts NULL. Before the pipeline is freed. */
void tokens_free(struct tokens *tokens);

/* For the credential stage. Borrowed from `tokens`. */
struct token_provider *tokens_provider(struct tokens *tokens);

#endif
