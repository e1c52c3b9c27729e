/* engine/sim/jws.c - JSON Web Signatures in their compact form. */
#include "sim/jws.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/memory.h"

/* A JSON object from base64url, owned by the caller, or NULL. */
static cJSON *read_part(const char *text, size_t length)
{
    struct buffer json = {0};
    cJSON *part = NULL;

    if (base64_decode(&json, text, length) && json.length > 0)
        part = json_parse(json.data, json.length, NULL);
    buffer_deinit(&json);
    if (cJSON_IsObject(part))
        return part;
    cJSON_Delete(part);
    return NULL;
}

bool jws_open(struct jws *jws, const char *text)
{
    const char *claims = strchr(text, '.');
    const char *signature = claims != NULL ? strchr(claims + 1, '.') : NULL;

    *jws = (struct jws){.text = text};
    if (signature == NULL)
        return false;
    jws->signed_length = (size_t)(signature - text);
    jws->header = read_part(text, (size_t)(claims - text));
    jws->claims = read_part(claims + 1, (size_t)(signature - claims - 1));
    return jws->header != NULL && jws->claims != NULL &&
           base64_decode(&jws->signature, signature + 1, strlen(signature + 1));
}

void jws_close(struct jws *jws)
{
    cJSON_Delete(jws->header);
    cJSON_Delete(jws->claims);
    buffer_deinit(&jws->signature);
}

bool jws_is_signed_by(const struct jws *jws, EVP_PKEY *key)
{
    const char *algorithm = json_string_at(jws->header, "alg");
    const bool is_pss = algorithm != NULL && strcmp(algorithm, "PS256") == 0;

    if (algorithm == NULL || (!is_pss && strcmp(algorithm, "RS256") != 0) ||
        EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        return false;

    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    const bool is_good =
        EVP_DigestVerifyInit(context, &options, EVP_sha256(), NULL, key) == 1 &&
        (!is_pss ||
         (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
        EVP_DigestVerify(context, (const unsigned char *)jws->signature.data,
                         jws->signature.length, (const unsigned char *)jws->text,
                         jws->signed_length) == 1;

    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return is_good;
}

static bool append_signature(struct buffer *token, EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t length = (size_t)EVP_PKEY_get_size(key);
    unsigned char *signature = memory_new(length);
    const bool is_signed =
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, signature, &length, (const unsigned char *)token->data,
                       token->length) == 1;

    if (is_signed) {
        buffer_append_char(token, '.');
        base64_append_url(token, signature, length);
    }
    EVP_MD_CTX_free(context);
    free(signature);
    return is_signed;
}

char *jws_sign(const char *header, const cJSON *claims, EVP_PKEY *key)
{
    char *text = json_print(claims);
    struct buffer token = {0};

    base64_append_url(&token, header, strlen(header));
    buffer_append_char(&token, '.');
    base64_append_url(&token, text, strlen(text));
    free(text);
    if (append_signature(&token, key))
        return buffer_take(&token);
    buffer_deinit(&token);
    ERR_clear_error();
    return NULL;
}

/* A number of a key, owned by the caller, or NULL. */
static BIGNUM *read_number(const cJSON *jwk, const char *name)
{
    const char *text = json_string_at(jwk, name);
    struct buffer bytes = {0};
    BIGNUM *number = NULL;

    if (text != NULL && base64_decode(&bytes, text, strlen(text)) && bytes.length > 0 &&
        bytes.length <= OPENSSL_RSA_MAX_MODULUS_BITS / 8)
        number = BN_bin2bn((const unsigned char *)bytes.data, (int)bytes.length, NULL);
    buffer_deinit(&bytes);
    return number;
}

static EVP_PKEY *make_key(const BIGNUM *modulus, const BIGNUM *exponent)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key = NULL;

    if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1 &&
        (parameters = OSSL_PARAM_BLD_to_param(build)) != NULL &&
        EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return key;
}

EVP_PKEY *jws_read_key(const cJSON *jwk)
{
    const char *type = json_string_at(jwk, "kty");

    if (type == NULL || strcmp(type, "RSA") != 0)
        return NULL;

    BIGNUM *modulus = read_number(jwk, "n"), *exponent = read_number(jwk, "e");
    EVP_PKEY *key =
        modulus != NULL && exponent != NULL ? make_key(modulus, exponent) : NULL;

    BN_free(modulus);
    BN_free(exponent);
    return key;
}
