/* engine/auth/certificate.c - a certificate and its private key, from a file. */
#include "auth/certificate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "auth/file.h"
#include "auth/secret.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/pkcs12.h"

enum { LARGEST_FILE = 1 << 20 };

/* Reading one file. */
struct reading {
    const char *path, *password;
    struct buffer bytes;
    struct certificate *certificate;
    bool was_asked; /* for the password */
};

static struct failure *fail(const struct reading *reading, const char *why,
                            const char *cure)
{
    struct failure *failure = failure_new("AuthenticationFailed",
                                          "certificate file %s: %s", reading->path, why);

    return failure_set_cure(failure, cure);
}

static struct failure *fail_password(const struct reading *reading)
{
    return reading->password == NULL
               ? fail(reading, "its key is encrypted, and no password was given",
                      "set AZURE_CLIENT_CERTIFICATE_PASSWORD")
               : fail(reading, "wrong password",
                      "check AZURE_CLIENT_CERTIFICATE_PASSWORD");
}

/* --- PEM ------------------------------------------------------------------------------- */

static int give_password(char *to, int size, int is_writing, void *context)
{
    struct reading *reading = context;
    const size_t length = reading->password != NULL ? strlen(reading->password) : 0;

    (void)is_writing;
    reading->was_asked = true;
    if (reading->password == NULL || length > (size_t)size)
        return -1;
    memcpy(to, reading->password, length);
    return (int)length;
}

static struct failure *read_pem(struct reading *reading)
{
    struct certificate *certificate = reading->certificate;
    BIO *bio = BIO_new_mem_buf(reading->bytes.data, (int)reading->bytes.length);
    X509 *next;

    certificate->key = PEM_read_bio_PrivateKey(bio, NULL, give_password, reading);
    BIO_free(bio);
    if (certificate->key == NULL)
        return reading->was_asked
                   ? fail_password(reading)
                   : fail(reading, "there is no private key in it",
                          "put the private key and the certificate into one file");
    bio = BIO_new_mem_buf(reading->bytes.data, (int)reading->bytes.length);
    while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        sk_X509_push(certificate->chain, next);
    BIO_free(bio);
    return NULL;
}

/* --- PKCS#12 --------------------------------------------------------------------------- */

static struct failure *read_pkcs12(struct reading *reading)
{
    const unsigned char *at = (const unsigned char *)reading->bytes.data;
    PKCS12 *container = d2i_PKCS12(NULL, &at, (long)reading->bytes.length);
    struct certificate *certificate = reading->certificate;
    struct failure *failure = NULL;
    X509 *own = NULL;

    if (container == NULL)
        return fail(reading, "it is neither PEM nor PKCS#12",
                    "convert it with `openssl pkcs12` or `openssl x509`");
    if (!pkcs12_opens(container, reading->password))
        failure = fail_password(reading);
    else if (PKCS12_parse(container, reading->password, &certificate->key, &own,
                          &certificate->chain) != 1)
        failure = fail(reading, "OpenSSL cannot open it",
                       "write it anew with `openssl pkcs12 -export`: old files use "
                       "ciphers that OpenSSL 3 does not know any more");
    else if (certificate->key == NULL)
        failure =
            fail(reading, "there is no private key in it", "export it with its key");
    if (own != NULL)
        sk_X509_unshift(certificate->chain, own);
    PKCS12_free(container);
    return failure;
}

/* --- either ---------------------------------------------------------------------------- */

/* Moves the certificate of the key to the front. */
static bool put_own_first(struct certificate *certificate)
{
    for (int i = 0; i < sk_X509_num(certificate->chain); i++) {
        X509 *candidate = sk_X509_value(certificate->chain, i);

        if (X509_check_private_key(candidate, certificate->key) == 1) {
            sk_X509_delete(certificate->chain, i);
            sk_X509_unshift(certificate->chain, candidate);
            return true;
        }
    }
    return false;
}

static struct failure *read(struct reading *reading)
{
    struct certificate *certificate = reading->certificate;
    const char *why = NULL;
    struct failure *failure = NULL;

    if (!file_read(reading->path, LARGEST_FILE, &reading->bytes, &why))
        return fail(reading, why, "check AZURE_CLIENT_CERTIFICATE_PATH");
    certificate->chain = sk_X509_new_null();
    failure =
        reading->bytes.data != NULL && strstr(reading->bytes.data, "-----BEGIN ") != NULL
            ? read_pem(reading)
            : read_pkcs12(reading);
    if (failure != NULL)
        return failure;
    if (EVP_PKEY_get_base_id(certificate->key) != EVP_PKEY_RSA)
        return fail(reading, "its key is not RSA, and Entra takes no other",
                    "use a certificate with an RSA key");
    if (sk_X509_num(certificate->chain) == 0)
        return fail(reading, "there is no certificate in it",
                    "put the private key and the certificate into one file");
    if (!put_own_first(certificate))
        return fail(reading, "the key does not match the certificate",
                    "put the key that the certificate was made for into the file");
    return NULL;
}

struct certificate *certificate_read(const char *path, const char *password,
                                     struct failure **failure)
{
    struct reading reading = {.path = path,
                              .password = password,
                              .certificate = memory_new(sizeof *reading.certificate)};

    *failure = read(&reading);
    secret_deinit(&reading.bytes);
    ERR_clear_error();
    if (*failure == NULL)
        return reading.certificate;
    certificate_free(reading.certificate);
    return NULL;
}

void certificate_free(struct certificate *certificate)
{
    if (certificate == NULL)
        return;
    EVP_PKEY_free(certificate->key);
    sk_X509_pop_free(certificate->chain, X509_free);
    free(certificate);
}
