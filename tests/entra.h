/* tests/entra.h - asking the simulated sign-in, in a world with an application that has every
 * kind of credential and a user with a password. */
#ifndef MOONGATE_TESTS_ENTRA_H
#define MOONGATE_TESTS_ENTRA_H

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "assertion.h"
#include "suite.h"
#include "world.h"

#define ARM        "https://management.azure.com"
#define AZ         "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
#define SHELL      "1950a258-227b-4e31-a9cf-717495945fc2"
#define PIPE       "aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb"
#define ANN        "ann.adler@contoso.example"
#define ISSUER     "https://issuer.example/"
#define TENANT     "5f0a3c1e-1b7d-4c55-9a55-3f6b1c7d2e10"
#define JWT_BEARER "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* Made once, before the tests are forked off. */
static EVP_PKEY *key, *other_key;
static X509 *certificate, *old_certificate;

static inline void make_keys(void)
{
    key = EVP_RSA_gen(2048);
    other_key = EVP_RSA_gen(2048);
    certificate = make_certificate(key, -60, 3600);
    old_certificate = make_certificate(key, -7200, -3600);
}

/* A world with an application that has a secret, two certificates (one has expired) and three
 * federated credentials, and a user with a password. */
static inline void set_up(void)
{
    char *pem = certificate_json(certificate), *old = certificate_json(old_certificate);
    char *keys = key_set_json(key, "k1");
    char *world = memory_format(
        "{\"users\":[{\"upn\":\"" ANN "\",\"password\":\"open sesame\"}],"
        "\"applications\":[{\"name\":\"pipeline\",\"app_id\":\"" PIPE "\","
        "\"secret\":\"a secret+of&this=test\",\"role\":\"Reader\","
        "\"certificates\":[%s,%s],"
        "\"federated\":[{\"issuer\":\"" ISSUER "\",\"subject\":\"repo:a\",\"keys\":%s},"
        "{\"issuer\":\"" ISSUER "\",\"subject\":\"repo:b\",\"audience\":\"other\"},"
        "{\"issuer\":\"https://trusted.example\",\"subject\":\"x\"}]}]}",
        pem, old, keys);

    open_harness();
    open_world(world, NULL, 1);
    free(world);
    free(keys);
    free(old);
    free(pem);
}

#define SECRET_FORM                                                                      \
    "grant_type=client_credentials&client_id=" PIPE                                      \
    "&client_secret=a+secret%2Bof%26this%3Dtest&"
#define ARM_SCOPE "scope=https%3A%2F%2Fmanagement.azure.com%2F.default"

static inline int post(const char *path, const char *form)
{
    char *url = memory_format("/" TENANT "/%s", path);
    const int status = plane_ask(h.world, &h.answer, &h.json, url,
                                 (struct call){.method = CALL_POST, .body = form});

    free(url);
    return status;
}

static inline int get(const char *url)
{
    return plane_ask(h.world, &h.answer, &h.json, url, (struct call){.method = CALL_GET});
}

static inline int code(void)
{
    const cJSON *first = cJSON_GetArrayItem(json_at(h.json, "error_codes"), 0);

    return first != NULL ? first->valueint : 0;
}

static inline void refused(int status, const char *error, int number)
{
    ck_assert_msg(strcmp(said("error"), error) == 0 && code() == number, "%d %s: %s",
                  h.answer.status, said("error"), said("error_description"));
    ck_assert_int_eq(h.answer.status, status);
}

/* What a part of a token says (0: its header), owned by the caller. */
static inline cJSON *read_token(const char *token, int part)
{
    const char *start = token;
    struct buffer json = {0};

    while (part-- > 0)
        start = strchr(start, '.') + 1;
    ck_assert(base64_decode(&json, start, strcspn(start, ".")));

    cJSON *tree = json_parse(json.data, json.length, NULL);

    ck_assert_ptr_nonnull(tree);
    buffer_deinit(&json);
    return tree;
}

static inline void claims_are(const char *token, const char *expected)
{
    cJSON *claims = read_token(said(token), 1);
    cJSON *want = json_parse(expected, strlen(expected), NULL);
    char path[JSON_PATH_SIZE], *text = json_print(claims);

    ck_assert_ptr_nonnull(want);
    ck_assert_msg(json_covers(claims, want, path), "'%s' differs in %s", path, text);
    free(text);
    cJSON_Delete(claims);
    cJSON_Delete(want);
}

/* Takes a token of the last answer for later requests. */
static inline void bear(const char *token)
{
    free(h.bearer);
    h.bearer = memory_format("Bearer %s", token);
}

/* Makes the keys and runs the suite. Returns what main() returns. */
static inline int run_entra_suite(Suite *suite)
{
    make_keys();

    const int code = run_suite(suite);

    X509_free(certificate);
    X509_free(old_certificate);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
    return code;
}

#endif
