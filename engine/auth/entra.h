/* engine/auth/entra.h - Microsoft Entra's token endpoint (RFC 6749, with its extensions). */
#ifndef MOONGATE_AUTH_ENTRA_H
#define MOONGATE_AUTH_ENTRA_H

#include "auth/credential.h"
#include "auth/request.h"

/* The tenant of people whose tenant nobody named. */
extern const char entra_any_tenant[];

/* The client that people sign in with when AZURE_CLIENT_ID names no other: az's own, which
 * every tenant knows. */
extern const char entra_public_client[];

/* {authority}/{tenant}/oauth2/v2.0/{endpoint}, owned by the caller. */
char *entra_url(const struct credential_context *context, const char *tenant,
                const char *endpoint);

/* Begins a request to that URL with these first fields; `grant_type` may be NULL. */
void entra_prepare(struct auth_request *request, const struct credential_context *context,
                   const char *tenant, const char *endpoint, const char *grant_type,
                   const char *client_id);

/* Adds a signed assertion in the place of a secret (RFC 7523, 2.2). */
void entra_add_assertion(struct auth_request *request, const char *assertion);

/* Adds what the token is to be good for: its scope, with `more` (such as " offline_access") at
 * its end, and its claims, those among them that say that we understand continuous access
 * evaluation. */
void entra_add_wish(struct auth_request *request,
                    const struct credential_context *context,
                    const struct token_fetch *fetch, const char *more);

/* Begins a request for a token by a person's refresh token (RFC 6749, 6). */
void entra_prepare_refresh(struct auth_request *request,
                           const struct credential_context *context, const char *tenant,
                           const char *client_id, const char *refresh_token,
                           const struct token_fetch *fetch);

/* Takes the token out of an answer. Returns false with the failure, owned by the caller, when
 * there is none. */
bool entra_read_grant(const struct credential_context *context,
                      const struct auth_request *request, const struct transfer *answer,
                      struct grant *grant, struct failure **failure);

/* Answers a fetch with what came. */
void entra_answer(const struct credential_context *context,
                  const struct auth_request *request, const struct transfer *answer,
                  struct token_fetch *fetch);

#endif
