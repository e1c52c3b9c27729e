/* engine/auth/chain.h - the credentials in the order they are tried.
 *
 * The order and the names are those of DefaultAzureCredential, with moongate's own ones put in:
 * first what was said outright, then what the machine has, then people. The first that gives
 * a token is kept to: nobody wants to be somebody else in the middle of a run. One fetch is
 * under way at a time, so that a person is asked once. */
#ifndef MOONGATE_AUTH_CHAIN_H
#define MOONGATE_AUTH_CHAIN_H

#include "auth/credential.h"

struct chain;

enum credential_state {
    CREDENTIAL_UNTRIED,
    CREDENTIAL_UNAVAILABLE, /* reason: why */
    CREDENTIAL_REFUSED,     /* reason: what the failure said */
    CREDENTIAL_CHOSEN
};

/* Strings are borrowed from the chain until its next fetch. */
struct credential_report {
    const char *name; /* "client secret" */
    enum credential_state state;
    const char *reason; /* or NULL */
};

enum { CHAIN_LENGTH = 8 };

/* Why a text selects no credentials, "'x' is not dev, prod, ...", owned by the caller, or NULL. */
char *chain_check_selection(const char *selection);

/* `context` is borrowed. */
struct chain *chain_new(const struct credential_context *context);

/* Accepts NULL. Fetches that wait are forgotten. */
void chain_free(struct chain *chain);

/* The fetch is borrowed until its `done` was called, maybe at once, or the chain is freed. It
 * ends with a token or a failure, never unavailable. */
void chain_fetch(struct chain *chain, struct token_fetch *fetch);

/* Writes one report for each credential that takes part. Returns how many. */
size_t chain_describe(const struct chain *chain,
                      struct credential_report reports[CHAIN_LENGTH]);

#endif
