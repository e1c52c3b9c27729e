/* engine/sim/entra_key.h - what sign-in signs its tokens with: an RSA key of 2048 bits with a
 * certificate of its own, the same for all worlds of a user. */
#ifndef MOONGATE_SIM_ENTRA_KEY_H
#define MOONGATE_SIM_ENTRA_KEY_H

#include <cjson/cJSON.h>
#include <openssl/evp.h>

struct entra_key;
struct world;

/* The world's key, found or made at the first call, as that takes time: about 170 ms when
 * this user has none yet. Where it cannot be kept, or what is kept is none, it is good for
 * this process alone, and a warning says why. Borrowed from the world. */
const struct entra_key *entra_key_get(struct world *world);

/* Accepts NULL. */
void entra_key_free(struct entra_key *key);

EVP_PKEY *entra_key_pair(const struct entra_key *key);

/* Signs as RS256, naming the key. Owned by the caller, or NULL when OpenSSL cannot. */
char *entra_key_sign(const struct entra_key *key, const cJSON *claims);

/* The public key as a JSON Web Key with its certificate (RFC 7517). Owned by the caller. */
cJSON *entra_key_describe(const struct entra_key *key);

#endif
