/* tests/assertion.h - keys, certificates and assertions made here, by OpenSSL, as a client or
 * another issuer makes them. */
#ifndef MOONGATE_TESTS_ASSERTION_H
#define MOONGATE_TESTS_ASSERTION_H

#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/buffer.h"

/* Signed by itself, valid from `from_s` seconds from now to `to_s`. */
static inline X509 *make_certificate(EVP_PKEY *key, long from_s, long to_s)
{
    X509 *made = X509_new();

    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), from_s);
    X509_gmtime_adj(X509_getm_notAfter(made), to_s);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               (const unsigned char *)"client", -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    X509_sign(made, key, EVP_sha256());
    return made;
}

/* Its PEM as a JSON string with quotes, owned by the caller. */
static inline char *certificate_json(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    struct buffer text = {0};
    char *data;

    ck_assert_int_eq(PEM_write_bio_X509(bio, certificate), 1);

    const long length = BIO_get_mem_data(bio, &data);

    buffer_append_json_string(&text, data, (size_t)length);
    BIO_free(bio);
    return buffer_take(&text);
}

/* Base64url of a digest of it, owned by the caller. */
static inline char *certificate_thumbprint(X509 *certificate, const EVP_MD *algorithm)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct buffer text = {0};

    ck_assert_int_eq(X509_digest(certificate, algorithm, digest, &length), 1);
    base64_append_url(&text, digest, length);
    return buffer_take(&text);
}

static inline void append_key_number(struct buffer *to, EVP_PKEY *key, const char *name)
{
    BIGNUM *number = NULL;
    unsigned char bytes[512];

    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &number), 1);
    base64_append_url(to, bytes, (size_t)BN_bn2bin(number, bytes));
    BN_free(number);
}

/* Its public half as a JSON Web Key Set, owned by the caller. */
static inline char *key_set_json(EVP_PKEY *key, const char *id)
{
    struct buffer text = {0};

    buffer_printf(&text, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"", id);
    append_key_number(&text, key, OSSL_PKEY_PARAM_RSA_N);
    buffer_append_string(&text, "\",\"e\":\"");
    append_key_number(&text, key, OSSL_PKEY_PARAM_RSA_E);
    buffer_append_string(&text, "\"}]}");
    return buffer_take(&text);
}

/* A JSON Web Token of these two texts, RS256 or PS256. Owned by the caller. */
static inline char *make_assertion(const char *header, const char *claims, EVP_PKEY *key)
{
    struct buffer text = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    unsigned char signature[512];
    size_t length = sizeof signature;

    base64_append_url(&text, header, strlen(header));
    buffer_append_char(&text, '.');
    base64_append_url(&text, claims, strlen(claims));
    ck_assert_int_eq(EVP_DigestSignInit(context, &options, EVP_sha256(), NULL, key), 1);
    if (strstr(header, "PS256") != NULL) {
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    ck_assert_int_eq(EVP_DigestSign(context, signature, &length,
                                    (const unsigned char *)text.data, text.length),
                     1);
    buffer_append_char(&text, '.');
    base64_append_url(&text, signature, length);
    EVP_MD_CTX_free(context);
    return buffer_take(&text);
}

#endif
