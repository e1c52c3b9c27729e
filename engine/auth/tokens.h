/* engine/auth/tokens.h - credentials in, bearer tokens out.
 *
 * One token an audience, asked for when first needed. A new one is asked for ahead of its
 * expiry while the old one still serves; however many requests wait, one asks. Tokens and
 * secrets stay in memory and are wiped. */
#ifndef MOONGATE_AUTH_TOKENS_H
#define MOONGATE_AUTH_TOKENS_H

#include "auth/chain.h"
#include "auth/settings.h"
#include "pipeline/pipeline.h"

struct tokens;

/* The settings are copied, their strings borrowed for the life of the tokens. */
struct tokens *tokens_new(struct loop *loop, const struct credential_settings *settings);

/* Token requests go this way, too. Borrowed; before the first use. */
void tokens_set_pipeline(struct tokens *tokens, struct pipeline *pipeline);

/* Accepts NULL. Before the pipeline is freed. */
void tokens_free(struct tokens *tokens);

/* For the credential stage. Borrowed from `tokens`. */
struct token_provider *tokens_provider(struct tokens *tokens);

/* How signing in went so far. */
struct tokens_description {
    struct credential_report
        credentials[CHAIN_LENGTH]; /* borrowed until the next fetch */
    size_t count;
    const char *chosen; /* the name of the credential in use, or NULL */

    /* What the token in use says of itself; NULL and 0 when there is none, or it does not
     * say. */
    char *tenant_id, *object_id, *application_id, *user_name;
    int64_t expires_wall_ms;
};

/* Fills in a description, which the caller gives back by tokens_description_deinit(). */
void tokens_describe(const struct tokens *tokens, struct tokens_description *description);
void tokens_description_deinit(struct tokens_description *description);

#endif
