/* engine/auth/jwt.c - JSON Web Tokens: reading what one says, signing our own. */
#include "auth/jwt.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "auth/certificate.h"
#include "auth/secret.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/uuid.h"

enum { LIFE_S = 600 };

cJSON *jwt_read_claims(const char *token)
{
    const char *payload = strchr(token, '.');
    const char *end = payload != NULL ? strchr(payload + 1, '.') : NULL;
    struct buffer json = {0};
    cJSON *claims = NULL;

    if (end != NULL && base64_decode(&json, payload + 1, (size_t)(end - payload - 1)))
        claims = json_parse(json.data, json.length, NULL);
    secret_deinit(&json);
    if (cJSON_IsObject(claims))
        return claims;
    cJSON_Delete(claims);
    return NULL;
}

/* --- assertions ------------------------------------------------------------------------ */

/* The certificate as DER, owned by the caller (OPENSSL_free). Returns its length. */
static size_t encode(X509 *certificate, unsigned char **der)
{
    const int length = i2d_X509(certificate, der);

    return length > 0 ? (size_t)length : 0;
}

/* base64url of the SHA-256 of the certificate. Owned by the caller. */
static char *make_thumbprint(X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct buffer text = {0};

    X509_digest(certificate, EVP_sha256(), digest, &length);
    base64_append_url(&text, digest, length);
    return buffer_take(&text);
}

/* All certificates, the key's own first, as base64 (not base64url) of DER (RFC 7515, 4.1.6). */
static cJSON *make_chain(const struct certificate *certificate)
{
    cJSON *chain = cJSON_CreateArray();

    for (int i = 0; i < sk_X509_num(certificate->chain); i++) {
        unsigned char *der = NULL;
        const size_t length = encode(sk_X509_value(certificate->chain, i), &der);
        struct buffer text = {0};

        base64_append(&text, der, length);
        cJSON_AddItemToArray(chain,
                             cJSON_CreateString(text.data != NULL ? text.data : ""));
        buffer_deinit(&text);
        OPENSSL_free(der);
    }
    return chain;
}

static cJSON *make_header(const struct certificate *certificate, bool sends_chain)
{
    cJSON *header = cJSON_CreateObject();
    char *thumbprint = make_thumbprint(sk_X509_value(certificate->chain, 0));

    cJSON_AddStringToObject(header, "alg", "PS256");
    cJSON_AddStringToObject(header, "typ", "JWT");
    cJSON_AddStringToObject(header, "x5t#S256", thumbprint);
    if (sends_chain)
        cJSON_AddItemToObject(header, "x5c", make_chain(certificate));
    free(thumbprint);
    return header;
}

static cJSON *make_claims(const char *client_id, const char *token_endpoint,
                          int64_t now_s)
{
    cJSON *claims = cJSON_CreateObject();
    char id[UUID_TEXT_SIZE];

    uuid_random(id);
    cJSON_AddStringToObject(claims, "aud", token_endpoint);
    cJSON_AddStringToObject(claims, "iss", client_id);
    cJSON_AddStringToObject(claims, "sub", client_id);
    cJSON_AddStringToObject(claims, "jti", id);
    cJSON_AddNumberToObject(claims, "iat", (double)now_s);
    cJSON_AddNumberToObject(claims, "nbf", (double)now_s);
    cJSON_AddNumberToObject(claims, "exp", (double)(now_s + LIFE_S));
    return claims;
}

/* Appends the tree (taken) as base64url of its text. */
static void append_json(struct buffer *to, cJSON *tree)
{
    char *text = json_print(tree);

    base64_append_url(to, text, strlen(text));
    free(text);
    cJSON_Delete(tree);
}

/* Appends "." and the signature of what is there. */
static bool append_signature(struct buffer *to, EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    size_t length = (size_t)EVP_PKEY_get_size(key);
    unsigned char *signature = memory_new(length);
    const bool is_signed =
        EVP_DigestSignInit(context, &options, EVP_sha256(), NULL, key) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1 &&
        EVP_DigestSign(context, signature, &length, (unsigned char *)to->data,
                       to->length) == 1;

    if (is_signed) {
        buffer_append_char(to, '.');
        base64_append_url(to, signature, length);
    }
    EVP_MD_CTX_free(context);
    free(signature);
    return is_signed;
}

char *jwt_new_assertion(const struct certificate *certificate, const char *client_id,
                        const char *token_endpoint, int64_t now_s, bool sends_chain)
{
    struct buffer assertion = {0};

    append_json(&assertion, make_header(certificate, sends_chain));
    buffer_append_char(&assertion, '.');
    append_json(&assertion, make_claims(client_id, token_endpoint, now_s));
    if (append_signature(&assertion, certificate->key))
        return buffer_take(&assertion);
    buffer_deinit(&assertion);
    return NULL;
}
