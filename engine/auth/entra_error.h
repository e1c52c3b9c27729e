/* engine/auth/entra_error.h - what Microsoft Entra refuses, as failures. */
#ifndef MOONGATE_AUTH_ENTRA_ERROR_H
#define MOONGATE_AUTH_ENTRA_ERROR_H

struct failure;
struct transfer;

/* The failure of an answer without a token: AuthenticationFailed with the AADSTS number, the
 * first sentence that came with it, and what to do about it; ConnectionFailed and its like
 * when there was no answer. `form` is what was sent: no secret of it gets into the failure.
 * Owned by the caller. */
struct failure *entra_failure(const struct transfer *answer, const char *form);

/* The `error` of an answer ("invalid_grant"), owned by the caller, or NULL. */
char *entra_error_name(const struct transfer *answer);

#endif
