/* engine/auth/pkcs12.h - what can be said of a PKCS#12 file before it is given away. */
#ifndef MOONGATE_AUTH_PKCS12_H
#define MOONGATE_AUTH_PKCS12_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/pkcs12.h>

/* Whether the password, or NULL, is the one it is sealed with. Without one it may be sealed
 * with an empty password, or not at all. */
bool pkcs12_opens(PKCS12 *container, const char *password);

/* The thumbprint of the certificate whose key is in a container: SHA-1 in upper-case hexadecimal
 * digits, as API Management shows it. Owned by the caller. NULL when it cannot be opened or holds
 * no key with its certificate, and then why in `*why` (a constant). */
char *pkcs12_thumbprint(const void *bytes, size_t length, const char *password,
                        const char **why);

#endif
