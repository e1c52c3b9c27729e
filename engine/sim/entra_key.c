/* engine/sim/entra_key.c - what sign-in signs its tokens with. */
#include "sim/entra_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "sim/jws.h"
#include "sim/keepsake.h"
#include "sim/world.h"

#define KEY_FILE "entra-key.pem"

enum { KEY_BITS = 2048, LIFE_S = 10 * 365 * 24 * 3600, BACK_S = 24 * 3600 };

struct entra_key {
    EVP_PKEY *pair;
    X509 *certificate;
    char *id;     /* base64url of the certificate's SHA-1: x5t, and kid too as in Entra */
    char *header; /* of the tokens */
};

/* ---- making one ---- */

static bool set_random_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    const bool is_set =
        BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return is_set;
}

/* Owned by the caller, or NULL. */
static X509 *make_certificate(EVP_PKEY *pair)
{
    static const unsigned char name[] = "accounts.accesscontrol.windows.net";
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);

    if (X509_set_version(certificate, X509_VERSION_3) == 1 &&
        set_random_serial(certificate) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -BACK_S) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), LIFE_S) != NULL &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, subject) == 1 &&
        X509_set_pubkey(certificate, pair) == 1 &&
        X509_sign(certificate, pair, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* Both as PEM, owned by the caller, or NULL. */
static char *write_pem(EVP_PKEY *pair, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text = NULL;

    if (PEM_write_bio_PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_X509(bio, certificate) == 1) {
        const long length = BIO_get_mem_data(bio, &data);

        text = memory_copy_text(data, (size_t)length);
    }
    BIO_free(bio);
    return text;
}

static char *make_pem(void *context, struct failure **failure)
{
    EVP_PKEY *pair = EVP_RSA_gen(KEY_BITS);
    X509 *certificate = pair != NULL ? make_certificate(pair) : NULL;
    char *text = certificate != NULL ? write_pem(pair, certificate) : NULL;

    (void)context;
    if (text == NULL)
        *failure = failure_new("IOError", "OpenSSL cannot make an RSA key");
    X509_free(certificate);
    EVP_PKEY_free(pair);
    ERR_clear_error();
    return text;
}

/* ---- reading it ---- */

static void name_key(struct entra_key *key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct buffer id = {0};

    X509_digest(key->certificate, EVP_sha1(), digest, &length);
    base64_append_url(&id, digest, length);
    key->id = buffer_take(&id);
    key->header =
        memory_format("{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5t\":\"%s\",\"kid\":\"%s\"}",
                      key->id, key->id);
}

/* The RSA key that comes next, or NULL. Looked for as such, since to look for a key of any
 * kind takes twice as long; and without a password, so that nobody is asked for one. */
static EVP_PKEY *read_pair(BIO *bio)
{
    EVP_PKEY *pair = NULL;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(
        &pair, "PEM", NULL, "RSA", EVP_PKEY_KEYPAIR, NULL, NULL);

    if (decoder != NULL &&
        OSSL_DECODER_CTX_set_passphrase(decoder, (const unsigned char *)"", 0) == 1)
        OSSL_DECODER_from_bio(decoder, bio); /* leaves NULL when it fails */
    OSSL_DECODER_CTX_free(decoder);
    return pair;
}

/* NULL when the text is no such pair. */
static struct entra_key *read_pem(const char *text)
{
    struct entra_key *key = memory_new(sizeof *key);
    BIO *bio = BIO_new_mem_buf(text, -1);

    key->pair = read_pair(bio);
    key->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (key->pair != NULL && key->certificate != NULL &&
        X509_check_private_key(key->certificate, key->pair) == 1) {
        name_key(key);
        return key;
    }
    ERR_clear_error();
    entra_key_free(key);
    return NULL;
}

static void release_text(char *text)
{
    if (text == NULL)
        return;
    OPENSSL_cleanse(text, strlen(text));
    free(text);
}

/* Says why there is no kept key. `failure` is taken; NULL means that the file holds none. */
static void warn(struct failure *failure)
{
    char *path = keepsake_path(KEY_FILE);

    if (failure != NULL)
        log_line(LOG_WARNING, "tokens are signed by a key of this process alone: %s",
                 failure->message);
    else
        log_line(LOG_WARNING,
                 "tokens are signed by a key of this process alone: %s: it holds no RSA "
                 "key with its certificate; remove it, and another one is made",
                 path != NULL ? path : KEY_FILE);
    failure_free(failure);
    free(path);
}

static struct entra_key *find_kept(void)
{
    struct failure *failure = NULL;
    char *text = keepsake_read_or_make(KEY_FILE, make_pem, NULL, &failure);
    struct entra_key *key = text != NULL ? read_pem(text) : NULL;

    release_text(text);
    if (key == NULL)
        warn(failure);
    return key;
}

/* One that nobody keeps. A machine whose OpenSSL makes no RSA keys is past helping. */
static struct entra_key *make_own(void)
{
    struct failure *failure = NULL;
    char *text = make_pem(NULL, &failure);
    struct entra_key *key = text != NULL ? read_pem(text) : NULL;

    release_text(text);
    if (key == NULL) {
        log_line(LOG_ERROR, "sign-in has no key: OpenSSL cannot make one");
        abort();
    }
    return key;
}

const struct entra_key *entra_key_get(struct world *world)
{
    if (world->entra_key == NULL)
        world->entra_key = find_kept();
    if (world->entra_key == NULL)
        world->entra_key = make_own();
    return world->entra_key;
}

void entra_key_free(struct entra_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pair);
    X509_free(key->certificate);
    free(key->id);
    free(key->header);
    free(key);
}

/* ---- using it ---- */

EVP_PKEY *entra_key_pair(const struct entra_key *key)
{
    return key->pair;
}

char *entra_key_sign(const struct entra_key *key, const cJSON *claims)
{
    return jws_sign(key->header, claims, key->pair);
}

static void add_number(cJSON *jwk, const char *name, EVP_PKEY *pair,
                       const char *parameter)
{
    BIGNUM *number = NULL;
    unsigned char bytes[KEY_BITS];
    struct buffer text = {0};

    if (EVP_PKEY_get_bn_param(pair, parameter, &number) == 1 &&
        BN_num_bytes(number) <= (int)sizeof bytes)
        base64_append_url(&text, bytes, (size_t)BN_bn2bin(number, bytes));
    cJSON_AddStringToObject(jwk, name, text.data != NULL ? text.data : "");
    BN_free(number);
    buffer_deinit(&text);
}

/* Base64 of DER, not base64url (RFC 7517, 4.7). */
static void add_certificate(cJSON *jwk, X509 *certificate)
{
    unsigned char *der = NULL;
    const int length = i2d_X509(certificate, &der);
    struct buffer text = {0};

    if (length > 0)
        base64_append(&text, der, (size_t)length);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(jwk, "x5c"),
                         cJSON_CreateString(text.data != NULL ? text.data : ""));
    OPENSSL_free(der);
    buffer_deinit(&text);
}

cJSON *entra_key_describe(const struct entra_key *key)
{
    cJSON *jwk = cJSON_CreateObject();

    cJSON_AddStringToObject(jwk, "kty", "RSA");
    cJSON_AddStringToObject(jwk, "use", "sig");
    cJSON_AddStringToObject(jwk, "kid", key->id);
    cJSON_AddStringToObject(jwk, "x5t", key->id);
    add_number(jwk, "n", key->pair, OSSL_PKEY_PARAM_RSA_N);
    add_number(jwk, "e", key->pair, OSSL_PKEY_PARAM_RSA_E);
    add_certificate(jwk, key->certificate);
    return jwk;
}
