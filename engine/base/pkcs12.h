/* engine/base/pkcs12.h - what can be said of a PKCS#12 file. */
#ifndef MOONGATE_BASE_PKCS12_H
#define MOONGATE_BASE_PKCS12_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/pkcs12.h>

/* Of the certificate whose key is in a container. */
struct pkcs12_facts {
    char *subject; /* "CN=contoso.example, O=Contoso": the most specific first */
    char *
        thumbprint; /* SHA-1, upper-case hexadecimal digits, as API Management shows it */
    int64_t end_ms; /* when it ends, UTC */
};

/* Whether the password, or NULL, is the one it is sealed with. Without one it may be sealed
 * with an empty password, or not at all. */
bool pkcs12_opens(PKCS12 *container, const char *password);

/* Fills in `facts`, whose strings are owned by the caller. False when it cannot be opened or
 * holds no key with its certificate, and then `*why` (a constant) says so; nothing is filled in
 * then. */
bool pkcs12_read(const void *bytes, size_t length, const char *password,
                 struct pkcs12_facts *facts, const char **why);

/* The thumbprint alone, owned by the caller, or NULL and why. */
char *pkcs12_thumbprint(const void *bytes, size_t length, const char *password,
                        const char **why);

#endif
