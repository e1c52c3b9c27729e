/* engine/auth/pkcs12.c - what can be said of a PKCS#12 file before it is given away. */
#include "auth/pkcs12.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buffer.h"

bool pkcs12_opens(PKCS12 *container, const char *password)
{
    if (PKCS12_mac_present(container) == 0)
        return true;
    if (password != NULL && password[0] != '\0')
        return PKCS12_verify_mac(container, password, -1) == 1;
    return PKCS12_verify_mac(container, NULL, 0) == 1 ||
           PKCS12_verify_mac(container, "", 0) == 1;
}

static char *print_thumbprint(const X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct buffer text = {0};

    X509_digest(certificate, EVP_sha1(), digest, &length);
    for (unsigned i = 0; i < length; i++)
        buffer_printf(&text, "%02X", digest[i]);
    return buffer_take(&text);
}

char *pkcs12_thumbprint(const void *bytes, size_t length, const char *password,
                        const char **why)
{
    const unsigned char *at = bytes;
    PKCS12 *container = d2i_PKCS12(NULL, &at, (long)length);
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    char *thumbprint = NULL;

    if (container == NULL)
        *why = "it is no PKCS#12 file";
    else if (!pkcs12_opens(container, password))
        *why = password == NULL ? "it has a password, and none was given"
                                : "the password does not open it";
    else if (PKCS12_parse(container, password, &key, &certificate, NULL) != 1)
        *why =
            "OpenSSL cannot open it: old files use ciphers that OpenSSL 3 does not know "
            "any more; write it anew with `openssl pkcs12 -export`";
    else if (key == NULL || certificate == NULL)
        *why = "there is no private key with its certificate in it";
    else
        thumbprint = print_thumbprint(certificate);
    EVP_PKEY_free(key);
    X509_free(certificate);
    PKCS12_free(container);
    ERR_clear_error();
    return thumbprint;
}
