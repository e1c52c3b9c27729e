/* engine/sim/jws.h - JSON Web Signatures in their compact form (RFC 7515), signed by RSA:
 * the tokens that sign-in gives, and the assertions that it is shown. */
#ifndef MOONGATE_SIM_JWS_H
#define MOONGATE_SIM_JWS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

#include "base/buffer.h"

/* One taken apart. */
struct jws {
    const char *text;     /* borrowed */
    size_t signed_length; /* how much of it the signature is about */
    cJSON *header, *claims;
    struct buffer signature;
};

/* False when `text` (borrowed until it is closed) is none; close it all the same. */
bool jws_open(struct jws *jws, const char *text);
void jws_close(struct jws *jws);

/* Whether `key` has made the signature in the way that the header says, RS256 or PS256 (RFC
 * 7518, 3.3 and 3.5). No other way is known. */
bool jws_is_signed_by(const struct jws *jws, EVP_PKEY *key);

/* Signs `claims` as RS256. `header` is JSON and says so. Owned by the caller, or NULL when
 * OpenSSL cannot. */
char *jws_sign(const char *header, const cJSON *claims, EVP_PKEY *key);

/* The RSA key of a JSON Web Key (RFC 7517), owned by the caller (EVP_PKEY_free), or NULL when
 * it is none. */
EVP_PKEY *jws_read_key(const cJSON *jwk);

#endif
