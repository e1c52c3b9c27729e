/* engine/auth/jwt.h - JSON Web Tokens (RFC 7519): reading what one says, signing our own. */
#ifndef MOONGATE_AUTH_JWT_H
#define MOONGATE_AUTH_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct certificate;

/* What the token says, owned by the caller; NULL when it is no JWT. Nothing is verified: that
 * is for the service the token is for. */
cJSON *jwt_read_claims(const char *token);

/* An assertion that its sender is `client_id` and holds the certificate's key (RFC 7523),
 * signed as PS256 (RFC 7518, 3.5), good for ten minutes from `now_s`. With `sends_chain` the
 * certificates go along. Owned by the caller, who wipes it; NULL when OpenSSL cannot sign. */
char *jwt_new_assertion(const struct certificate *certificate, const char *client_id,
                        const char *token_endpoint, int64_t now_s, bool sends_chain);

#endif
