/* engine/base/pkcs12.c - what can be said of a PKCS#12 file. */
#include "base/pkcs12.h"

#include <stdlib.h>

#include <openssl/bio.h>
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

static char *print_subject(const X509 *certificate)
{
    BIO *text = BIO_new(BIO_s_mem());
    struct buffer subject = {0};
    char *bytes;

    X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
                       XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_DN_REV | XN_FLAG_FN_SN |
                           (ASN1_STRFLGS_RFC2253 & ~ASN1_STRFLGS_ESC_MSB));

    const long length = BIO_get_mem_data(text, &bytes);

    buffer_append(&subject, bytes, (size_t)length);
    BIO_free(text);
    return buffer_take(&subject);
}

static int64_t find_end(const X509 *certificate)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;

    ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate));
    ASN1_TIME_free(epoch);
    return (days * INT64_C(86400) + seconds) * 1000;
}

bool pkcs12_read(const void *bytes, size_t length, const char *password,
                 struct pkcs12_facts *facts, const char **why)
{
    const unsigned char *at = bytes;
    PKCS12 *container = d2i_PKCS12(NULL, &at, (long)length);
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    bool is_good = false;

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
        is_good = true;
    if (is_good)
        *facts = (struct pkcs12_facts){.subject = print_subject(certificate),
                                       .thumbprint = print_thumbprint(certificate),
                                       .end_ms = find_end(certificate)};
    EVP_PKEY_free(key);
    X509_free(certificate);
    PKCS12_free(container);
    ERR_clear_error();
    return is_good;
}

char *pkcs12_thumbprint(const void *bytes, size_t length, const char *password,
                        const char **why)
{
    struct pkcs12_facts facts = {0};

    if (!pkcs12_read(bytes, length, password, &facts, why))
        return NULL;
    free(facts.subject);
    return facts.thumbprint;
}
