/* engine/auth/managed_identity.h - what the sources of a managed identity share. */
#ifndef MOONGATE_AUTH_MANAGED_IDENTITY_H
#define MOONGATE_AUTH_MANAGED_IDENTITY_H

#include "auth/credential.h"
#include "auth/request.h"

struct managed_identity {
    struct credential base;
    const struct credential_context *context;
    struct auth_request request;
    struct token_fetch *fetch; /* under way */
    struct timer timer;        /* of a source that asks again */
    unsigned attempts;
    int64_t waited_ms;
    bool is_found, is_absent; /* whether there is an IMDS, once that is known */
};

/* Begins a GET of a token from `endpoint`; the name of its parameter for AZURE_CLIENT_ID, or
 * NULL: it has one identity only. */
void managed_identity_prepare(struct managed_identity *own, const char *endpoint,
                              const char *api_version, const char *client_id_parameter);

/* Answers the fetch with the token in the answer, or with the failure that it is. */
void managed_identity_answer(struct managed_identity *own, const struct transfer *answer);

/* What a refusal says of itself, fit to be shown; owned by the caller. */
char *managed_identity_explain(const struct transfer *answer);

/* A machine outside of Azure with the Arc agent. It shows who it is by reading a file that
 * only those may read whom the agent trusts. */
void managed_identity_start_arc(struct managed_identity *own);

/* A virtual machine, through the instance metadata service. */
void managed_identity_start_imds(struct managed_identity *own);

#endif
