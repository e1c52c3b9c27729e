/* engine/auth/certificate.h - a certificate and its private key, from a file. */
#ifndef MOONGATE_AUTH_CERTIFICATE_H
#define MOONGATE_AUTH_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct failure;

struct certificate {
    EVP_PKEY *key;          /* RSA */
    STACK_OF(X509) * chain; /* the key's own certificate first */
};

/* Reads a PEM file (key and certificates in any order) or a PKCS#12 file. `password` may be
 * NULL. NULL on failure, with the reason, which names the file, in `*failure` (owned by the
 * caller). */
struct certificate *certificate_read(const char *path, const char *password,
                                     struct failure **failure);

/* Accepts NULL. */
void certificate_free(struct certificate *certificate);

#endif
