/* tests/check_sim_entra.c - the simulated sign-in: metadata, grants, tokens. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

#include "assertion.h"
#include "base/log.h"
#include "base/text.h"
#include "sim/database.h"
#include "world.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

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

static void make_keys(void)
{
    key = EVP_RSA_gen(2048);
    other_key = EVP_RSA_gen(2048);
    certificate = make_certificate(key, -60, 3600);
    old_certificate = make_certificate(key, -7200, -3600);
}

/* A world with an application that has a secret, two certificates (one has expired) and three
 * federated credentials, and a user with a password. */
static void set_up(void)
{
    char *pem = certificate_json(certificate), *old = certificate_json(old_certificate);
    char *keys = key_set_json(key, "k1");
    char *world = memory_format(
        "{\"users\":[{\"name\":\"" ANN "\",\"password\":\"open sesame\"}],"
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

static int post(const char *path, const char *form)
{
    char *url = memory_format("/" TENANT "/%s", path);
    const int status = plane_ask(h.world, &h.answer, &h.json, url,
                                 (struct call){.method = CALL_POST, .body = form});

    free(url);
    return status;
}

static int get(const char *url)
{
    return plane_ask(h.world, &h.answer, &h.json, url, (struct call){.method = CALL_GET});
}

static int code(void)
{
    const cJSON *first = cJSON_GetArrayItem(json_at(h.json, "error_codes"), 0);

    return first != NULL ? first->valueint : 0;
}

static void refused(int status, const char *error, int number)
{
    ck_assert_msg(strcmp(said("error"), error) == 0 && code() == number, "%d %s: %s",
                  h.answer.status, said("error"), said("error_description"));
    ck_assert_int_eq(h.answer.status, status);
}

/* What a part of a token says (0: its header), owned by the caller. */
static cJSON *read_token(const char *token, int part)
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

static void claims_are(const char *token, const char *expected)
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

/* ---- metadata ---- */

static const struct {
    const char *path, *issuer, *token_endpoint;
} configurations[] = {
    {"/" TENANT "/v2.0", "http://sim/" TENANT "/v2.0",
     "http://sim/" TENANT "/oauth2/v2.0/token"},
    {"/contoso.example/v2.0", "http://sim/" TENANT "/v2.0",
     "http://sim/" TENANT "/oauth2/v2.0/token"},
    {"/" TENANT, "https://sts.windows.net/" TENANT "/",
     "http://sim/" TENANT "/oauth2/token"},
    {"/common/v2.0", "http://sim/{tenantid}/v2.0", "http://sim/common/oauth2/v2.0/token"},
    {"/organizations/v2.0", "http://sim/{tenantid}/v2.0",
     "http://sim/organizations/oauth2/v2.0/token"},
    {"/adfs", "http://sim/adfs", "http://sim/adfs/oauth2/token"},
};

START_TEST(each_name_of_the_tenant_has_its_configuration)
{
    char *url =
        memory_format("%s/.well-known/openid-configuration", configurations[_i].path);

    ck_assert_int_eq(get(url), 200);
    ck_assert_str_eq(said("issuer"), configurations[_i].issuer);
    ck_assert_str_eq(said("token_endpoint"), configurations[_i].token_endpoint);
    ck_assert_str_ne(said("authorization_endpoint"), "");
    ck_assert_str_ne(said("device_authorization_endpoint"), "");

    char *keys = memory_copy_string(said("jwks_uri"));

    ck_assert_int_eq(get(keys), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "keys")), 1);
    free(keys);
    free(url);
}
END_TEST

START_TEST(an_unknown_tenant_is_refused_as_entra_does)
{
    ck_assert_int_eq(get("/99999999-0000-4000-8000-000000000000/v2.0/.well-known/"
                         "openid-configuration"),
                     400);
    refused(400, "invalid_tenant", 90002);
    ck_assert_int_eq(get("/fabrikam.example/discovery/v2.0/keys"), 400);
    refused(400, "invalid_tenant", 90002);
    ck_assert_int_eq(get("/nonsense/v2.0/.well-known/openid-configuration"), 400);
    refused(400, "invalid_request", 900023);
    ck_assert_int_eq(get("/" TENANT "/oauth2/v2.0/token"), 400);
    refused(400, "invalid_request", 900561);
}
END_TEST

START_TEST(an_error_says_all_that_clients_read)
{
    const char id[] = "11111111-2222-4333-8444-555555555555";
    char *form = memory_format("grant_type=nonsense&client-request-id=%s", id);

    post("oauth2/v2.0/token", form);
    refused(400, "unsupported_grant_type", 70003);
    ck_assert_str_eq(said("correlation_id"), id);
    ck_assert_int_eq((int)strlen(said("trace_id")), 36);
    ck_assert_str_eq(said("error_uri"),
                     "https://login.microsoftonline.com/error?code=70003");

    char *ending = memory_format(" Trace ID: %s Correlation ID: %s Timestamp: %s",
                                 said("trace_id"), id, said("timestamp"));

    ck_assert_ptr_nonnull(strstr(said("error_description"), ending));
    ck_assert_int_eq(strncmp(said("error_description"), "AADSTS70003: ", 13), 0);
    free(ending);
    free(form);
}
END_TEST

START_TEST(discovery_knows_this_instance_and_the_public_ones)
{
    const char base[] = "/common/discovery/instance?authorization_endpoint=";
    char *own = memory_format("%shttps%%3A%%2F%%2Fsim%%2Ft%%2Foauth2%%2Fv2.0%%2Fauthorize"
                              "&api-version=1.1",
                              base);
    char *public = memory_format(
        "%shttps://login.microsoftonline.com/t/oauth2/authorize&api-version=1.0", base);
    char *other =
        memory_format("%shttps://login.elsewhere.example/t/&api-version=1.1", base);

    ck_assert_int_eq(get(own), 200);
    ck_assert_str_eq(said("tenant_discovery_endpoint"),
                     "http://sim/t/v2.0/.well-known/openid-configuration");
    ck_assert_str_eq(json_string_at(cJSON_GetArrayItem(json_at(h.json, "metadata"), 0),
                                    "preferred_network"),
                     "sim");
    ck_assert_int_eq(get(public), 200);
    ck_assert_str_eq(said("tenant_discovery_endpoint"),
                     "https://login.microsoftonline.com/t/.well-known/"
                     "openid-configuration");
    ck_assert_ptr_null(json_at(h.json, "metadata"));
    get(other);
    refused(400, "invalid_instance", 50049);
    get("/common/discovery/instance?api-version=1.1");
    refused(400, "invalid_instance", 50049);
    free(own);
    free(public);
    free(other);
}
END_TEST

START_TEST(the_cloud_is_described_in_the_form_of_the_version)
{
    ck_assert_int_eq(get("/metadata/endpoints?api-version=2015-01-01"), 200);
    ck_assert_str_eq(said("authentication.loginEndpoint"), "http://sim/adfs");
    ck_assert_ptr_null(json_at(h.json, "suffixes"));
    ck_assert_int_eq(get("/metadata/endpoints?api-version=2019-05-01"), 200);
    ck_assert(cJSON_IsArray(h.json));
    ck_assert_str_eq(json_string_at(cJSON_GetArrayItem(h.json, 0), "resourceManager"),
                     "http://sim");
    ck_assert_int_eq(get("/metadata/endpoints?api-version=2022-09-01"), 200);
    ck_assert_str_eq(said("authentication.loginEndpoint"), "http://sim");
    ck_assert_str_eq(said("suffixes.keyVaultDns"), "vault.azure.net");
    ck_assert_int_eq(get("/metadata/endpoints"), 400);
    ck_assert_str_eq(said("error.code"), "MissingApiVersionParameter");
}
END_TEST

START_TEST(a_user_of_the_domain_is_managed)
{
    ck_assert_int_eq(get("/common/userrealm/" ANN "?api-version=1.0"), 200);
    ck_assert_str_eq(said("account_type"), "Managed");
    ck_assert_str_eq(said("domain_name"), "contoso.example");
    ck_assert_int_eq(get("/common/userrealm/a@fabrikam.example?api-version=1.0"), 200);
    ck_assert_str_eq(said("account_type"), "Unknown");
}
END_TEST

/* ---- tokens ---- */

#define SECRET_FORM                                                                      \
    "grant_type=client_credentials&client_id=" PIPE                                      \
    "&client_secret=a+secret%2Bof%26this%3Dtest&"
#define ARM_SCOPE "scope=https%3A%2F%2Fmanagement.azure.com%2F.default"

START_TEST(an_application_gets_a_token_that_says_who_it_is)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", SECRET_FORM ARM_SCOPE), 200);
    claims_are("access_token",
               "{\"aud\":\"" ARM "\",\"iss\":\"https://sts.windows.net/" TENANT "/\","
               "\"appid\":\"" PIPE "\",\"appidacr\":\"1\",\"idtyp\":\"app\","
               "\"idp\":\"https://sts.windows.net/" TENANT "/\",\"tid\":\"" TENANT "\","
               "\"ver\":\"1.0\"}");
    ck_assert_ptr_null(json_at(h.json, "refresh_token"));
    ck_assert_ptr_null(json_at(h.json, "id_token"));
    ck_assert_ptr_null(json_at(h.json, "refresh_in"));

    cJSON *claims = read_token(said("access_token"), 1);

    ck_assert_str_eq(json_string_at(claims, "sub"), json_string_at(claims, "oid"));
    ck_assert(json_number_at(claims, "exp", 0) - json_number_at(claims, "iat", 0) ==
              3599);
    cJSON_Delete(claims);
}
END_TEST

START_TEST(a_token_is_signed_by_the_published_key)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", SECRET_FORM ARM_SCOPE), 200);

    char *token = memory_copy_string(said("access_token"));
    const char *signature = strrchr(token, '.') + 1;
    cJSON *header = read_token(token, 0);
    struct buffer bytes = {0}, der = {0};

    ck_assert_int_eq(strncmp(token, "eyJ0eXAi", 8), 0);
    ck_assert_str_eq(json_string_at(header, "alg"), "RS256");
    ck_assert_int_eq(get("/" TENANT "/discovery/v2.0/keys"), 200);

    const cJSON *jwk = cJSON_GetArrayItem(json_at(h.json, "keys"), 0);
    const char *x5c = cJSON_GetStringValue(cJSON_GetArrayItem(json_at(jwk, "x5c"), 0));

    ck_assert_str_eq(json_string_at(header, "kid"), json_string_at(jwk, "kid"));
    ck_assert_str_eq(json_string_at(header, "x5t"), json_string_at(jwk, "x5t"));
    ck_assert(base64_decode(&der, x5c, strlen(x5c)));
    ck_assert(base64_decode(&bytes, signature, strlen(signature)));

    const unsigned char *at = (const unsigned char *)der.data;
    X509 *published = d2i_X509(NULL, &at, (long)der.length);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    struct buffer modulus = {0};

    ck_assert_ptr_nonnull(published);
    ck_assert_int_eq(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL,
                                          X509_get0_pubkey(published)),
                     1);
    ck_assert_int_eq(EVP_DigestVerify(context, (const unsigned char *)bytes.data,
                                      bytes.length, (const unsigned char *)token,
                                      (size_t)(signature - 1 - token)),
                     1);
    append_key_number(&modulus, X509_get0_pubkey(published), OSSL_PKEY_PARAM_RSA_N);
    ck_assert_str_eq(json_string_at(jwk, "n"), modulus.data);
    ck_assert_str_eq(json_string_at(jwk, "e"), "AQAB");
    EVP_MD_CTX_free(context);
    X509_free(published);
    buffer_deinit(&modulus);
    buffer_deinit(&bytes);
    buffer_deinit(&der);
    cJSON_Delete(header);
    free(token);
}
END_TEST

START_TEST(the_older_endpoint_takes_a_resource_and_gives_texts)
{
    ck_assert_int_eq(
        post("oauth2/token", SECRET_FORM "resource=https://management.core.windows.net/"),
        200);
    ck_assert_str_eq(said("expires_in"), "3599");
    ck_assert_str_eq(said("resource"), "https://management.core.windows.net/");

    const int64_t now_s = h.world->now_ms / 1000;
    char expires[24];

    snprintf(expires, sizeof expires, "%" PRId64, now_s + 3599);
    ck_assert_str_eq(said("expires_on"), expires);
    claims_are("access_token", "{\"aud\":\"https://management.core.windows.net/\"}");
    post("oauth2/v2.0/token", SECRET_FORM ARM_SCOPE "&resource=https://x.example");
    refused(400, "invalid_request", 901002);
}
END_TEST

START_TEST(id_and_secret_may_come_as_http_basic)
{
    const char pair[] = PIPE ":a%20secret%2Bof%26this%3Dtest";
    struct buffer basic = {0};

    buffer_append_string(&basic, "Basic ");
    base64_append(&basic, pair, strlen(pair));

    const struct call call = {.method = CALL_POST,
                              .authorization = basic.data,
                              .body = "grant_type=client_credentials&" ARM_SCOPE};

    ck_assert_int_eq(
        plane_ask(h.world, &h.answer, &h.json, "/" TENANT "/oauth2/v2.0/token", call),
        200);
    claims_are("access_token", "{\"appid\":\"" PIPE "\",\"appidacr\":\"1\"}");
    buffer_deinit(&basic);
}
END_TEST

static const struct {
    const char *scope, *audience;
} scopes[] = {
    {"https://management.azure.com//.default", "https://management.azure.com/"},
    {"https://management.core.windows.net//.default",
     "https://management.core.windows.net/"},
    {"https://graph.microsoft.com/.default", "https://graph.microsoft.com"},
    {"00000003-0000-0000-c000-000000000000/.default",
     "00000003-0000-0000-c000-000000000000"},
    {"http://sim/.default", "http://sim"},
};

START_TEST(a_scope_names_its_audience)
{
    char *form = memory_format("%sscope=%s", SECRET_FORM, scopes[_i].scope);
    char *expected = memory_format("{\"aud\":\"%s\"}", scopes[_i].audience);

    ck_assert_int_eq(post("oauth2/v2.0/token", form), 200);
    claims_are("access_token", expected);
    free(form);
    free(expected);
}
END_TEST

static const struct {
    const char *form;
    int status, code;
    const char *error;
} refusals[] = {
    {"", 400, 900144, "invalid_request"},
    {"grant_type=client_credentials&" ARM_SCOPE, 400, 900144, "invalid_request"},
    {SECRET_FORM, 400, 900144, "invalid_request"},
    {SECRET_FORM "scope=https://management.azure.com", 400, 1002012, "invalid_scope"},
    {SECRET_FORM "scope=User.Read", 400, 1002012, "invalid_scope"},
    {SECRET_FORM "scope=https://x.example/.default", 400, 500011, "invalid_resource"},
    {SECRET_FORM "scope=https://graph.microsoft.com/.default "
                 "https://management.azure.com/.default",
     400, 28000, "invalid_request"},
    {"grant_type=client_credentials&client_id=" PIPE "&" ARM_SCOPE, 401, 7000216,
     "invalid_client"},
    {"grant_type=client_credentials&client_id=" PIPE "&client_secret=wrong&" ARM_SCOPE,
     401, 7000215, "invalid_client"},
    {"grant_type=client_credentials&client_id=" AZ "&client_secret=x&" ARM_SCOPE, 401,
     700025, "invalid_client"},
    {"grant_type=client_credentials&client_id=nobody&client_secret=x&" ARM_SCOPE, 400,
     700016, "unauthorized_client"},
    {"grant_type=password&client_id=" AZ "&username=" ANN "&" ARM_SCOPE, 400, 900144,
     "invalid_request"},
    {"grant_type=password&client_id=" AZ "&username=" ANN "&password=wrong&" ARM_SCOPE,
     400, 50126, "invalid_grant"},
    {"grant_type=password&client_id=" AZ
     "&username=ben.brown@contoso.example&password=&" ARM_SCOPE,
     400, 50126, "invalid_grant"},
    {"grant_type=password&client_id=" AZ
     "&username=no@contoso.example&password=x&" ARM_SCOPE,
     400, 50034, "invalid_grant"},
    {"grant_type=password&client_id=" AZ "&username=" ANN
     "&password=open sesame&scope=https://management.azure.com",
     400, 70011, "invalid_scope"},
    {"grant_type=refresh_token&client_id=" AZ "&refresh_token=x&" ARM_SCOPE, 400, 9002313,
     "invalid_grant"},
    {"grant_type=refresh_token&client_id=" AZ, 400, 900144, "invalid_request"},
    {"grant_type=device_code&client_id=" AZ "&device_code=x", 400, 70018,
     "bad_verification_code"},
    {"grant_type=device_code&client_id=" AZ, 400, 900144, "invalid_request"},
};

START_TEST(a_wrong_request_is_refused_with_its_number)
{
    post("oauth2/v2.0/token", refusals[_i].form);
    refused(refusals[_i].status, refusals[_i].error, refusals[_i].code);
    ck_assert_ptr_null(strstr(h.answer.body.data, "open sesame"));
    ck_assert_ptr_null(strstr(h.answer.body.data, "a secret+of"));
}
END_TEST

START_TEST(an_application_alone_has_to_name_its_tenant)
{
    plane_ask(h.world, &h.answer, &h.json, "/common/oauth2/v2.0/token",
              (struct call){.method = CALL_POST, .body = SECRET_FORM ARM_SCOPE});
    refused(400, "invalid_request", 50059);
}
END_TEST

START_TEST(what_the_client_can_do_stands_in_its_token)
{
    ck_assert_int_eq(
        post("oauth2/v2.0/token", SECRET_FORM ARM_SCOPE
             "&claims={\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}"),
        200);
    claims_are("access_token", "{\"xms_cc\":[\"cp1\"]}");
}
END_TEST

START_TEST(a_long_life_comes_with_a_time_to_refresh)
{
    ck_assert_int_eq(ask(CALL_POST, "/_sim/faults", "token-life=4h"), 200);
    ck_assert_int_eq(post("oauth2/v2.0/token", SECRET_FORM ARM_SCOPE), 200);
    ck_assert_int_eq((int)json_number_at(h.json, "expires_in", 0), 4 * 3600);
    ck_assert_int_eq((int)json_number_at(h.json, "refresh_in", 0), 2 * 3600);
}
END_TEST

/* ---- tokens that come back ---- */

/* Takes a token of the last answer for later requests. */
static void bear(const char *token)
{
    free(h.bearer);
    h.bearer = memory_format("Bearer %s", token);
}

START_TEST(a_token_that_another_key_has_signed_is_none)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", SECRET_FORM ARM_SCOPE), 200);

    cJSON *claims = read_token(said("access_token"), 1);
    char *text = json_print(claims);
    static const char *const headers[] = {
        "{\"typ\":\"JWT\",\"alg\":\"RS256\"}", "{\"typ\":\"JWT\",\"alg\":\"PS256\"}",
        "{\"typ\":\"JWT\",\"alg\":\"none\"}", "{\"typ\":\"JWT\",\"alg\":\"HS256\"}"};

    bear(said("access_token"));
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        char *forged = make_assertion(headers[i], text, other_key);

        bear(forged);
        ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
        ck_assert_str_eq(said("error.code"), "InvalidAuthenticationToken");
        free(forged);
    }
    bear("nothing.of.it");
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    bear("nothing");
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    free(text);
    cJSON_Delete(claims);
}
END_TEST

START_TEST(a_token_for_another_service_is_no_good_here)
{
    ck_assert_int_eq(
        post("oauth2/v2.0/token", SECRET_FORM "scope=https://storage.azure.com/.default"),
        200);
    bear(said("access_token"));
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    ck_assert_str_eq(said("error.code"), "InvalidAuthenticationTokenAudience");
}
END_TEST

/* ---- assertions ---- */

/* What is wrong with an assertion, if anything. */
static const struct assertion_row {
    const char *alg,
        *thumbprint;     /* RS256 and x5t unless told; "expired": the old one's */
    const char *padding; /* behind the thumbprint */
    const char *iss, *sub, *aud, *jti;
    int from_s, until_s; /* from now */
    EVP_PKEY *const *key;
    int status, code;
    const char *error;
} assertion_rows[] = {
    {.alg = "RS256", .thumbprint = "x5t", .status = 200},
    {.alg = "RS256", .thumbprint = "x5t#S256", .status = 200},
    {.padding = "=", .status = 200}, /* as Python's MSAL has it */
    {.alg = "PS256", .thumbprint = "x5t#S256", .status = 200},
    {.aud = "http://sim/" TENANT "/oauth2/token", .status = 200},
    {.aud = "https://sts.windows.net/" TENANT "/", .status = 200},
    {.until_s = -299, .from_s = -900, .status = 200},
    {.until_s = -310,
     .from_s = -900,
     .status = 401,
     .code = 700024,
     .error = "invalid_client"},
    {.from_s = 310, .status = 401, .code = 700024, .error = "invalid_client"},
    {.aud = "http://elsewhere/token",
     .status = 401,
     .code = 700023,
     .error = "invalid_client"},
    {.iss = AZ, .status = 401, .code = 700021, .error = "invalid_client"},
    {.sub = AZ, .status = 401, .code = 700021, .error = "invalid_client"},
    {.jti = "", .status = 400, .code = 50027, .error = "invalid_request"},
    {.key = &other_key, .status = 401, .code = 700027, .error = "invalid_client"},
    {.alg = "none", .status = 401, .code = 700027, .error = "invalid_client"},
    {.thumbprint = "x5u", .status = 401, .code = 700027, .error = "invalid_client"},
    {.thumbprint = "expired", .status = 401, .code = 700027, .error = "invalid_client"},
};

static const char * or (const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

/* Signs in with the assertion. */
static int present(const char *assertion)
{
    char *form = memory_format("grant_type=client_credentials&client_id=" PIPE
                               "&client_assertion_type=" JWT_BEARER
                               "&client_assertion=%s&scope=" ARM "/.default",
                               assertion);
    const int status = post("oauth2/v2.0/token", form);

    free(form);
    return status;
}

static char *make_header(const struct assertion_row *row)
{
    const char *name = or (row->thumbprint, "x5t");
    const bool is_expired = strcmp(name, "expired") == 0;
    char *thumbprint =
        certificate_thumbprint(is_expired ? old_certificate : certificate,
                               strcmp(name, "x5t#S256") == 0 ? EVP_sha256() : EVP_sha1());
    char *header = memory_format("{\"alg\":\"%s\",\"%s\":\"%s\"}", or (row->alg, "RS256"),
                                 is_expired ? "x5t" : name, thumbprint);

    free(thumbprint);
    return header;
}

START_TEST(an_assertion_by_certificate_is_looked_at_closely)
{
    const struct assertion_row *row = &assertion_rows[_i];
    const int64_t now_s = clock_wall_ms(&h.clock) / 1000;
    char *header = make_header(row);
    char *claims = memory_format(
        "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"jti\":\"%s\",\"nbf\":%" PRId64
        ",\"exp\":%" PRId64 "}",
        or (row->iss, PIPE), or (row->sub, PIPE),
        or (row->aud, "http://sim/" TENANT "/oauth2/v2.0/token"), or (row->jti, "1"),
        now_s + row->from_s, now_s + (row->until_s != 0 ? row->until_s : 600));
    char *assertion = make_assertion(header, claims, row->key != NULL ? *row->key : key);

    ck_assert_msg(present(assertion) == row->status, "%s", h.answer.body.data);
    if (row->status == 200)
        claims_are("access_token", "{\"appid\":\"" PIPE "\",\"appidacr\":\"2\"}");
    else
        refused(row->status, row->error, row->code);
    free(assertion);
    free(claims);
    free(header);
}
END_TEST

START_TEST(an_assertion_has_to_be_one)
{
    present("nonsense");
    refused(400, "invalid_request", 50027);
    present("e30.e30");
    refused(400, "invalid_request", 50027);
    post("oauth2/v2.0/token", "grant_type=client_credentials&client_id=" PIPE
                              "&client_assertion=e30.e30.e30&" ARM_SCOPE);
    refused(400, "invalid_request", 900144);
}
END_TEST

static const struct {
    const char *iss, *sub, *aud;
    EVP_PKEY *const *key;
    const char *kid;
    int until_s, status, code;
} federated_rows[] = {
    {ISSUER, "repo:a", "\"api://AzureADTokenExchange\"", &key, "k1", 600, 200, 0},
    {ISSUER, "repo:a", "[\"api://AzureADTokenExchange\"]", &key, "k1", 600, 200, 0},
    {ISSUER, "repo:b", "\"other\"", &other_key, "k1", 600, 200, 0},
    {"https://trusted.example", "x", "\"api://AzureADTokenExchange\"", &other_key, "k9",
     600, 200, 0},
    {"https://else.example", "repo:a", "\"api://AzureADTokenExchange\"", &key, "k1", 600,
     401, 700211},
    {ISSUER, "repo:A", "\"api://AzureADTokenExchange\"", &key, "k1", 600, 401, 700213},
    {ISSUER, "repo:a", "\"other\"", &key, "k1", 600, 401, 700212},
    {ISSUER, "repo:a", "\"api://AzureADTokenExchange\"", &other_key, "k1", 600, 401,
     5000811},
    {ISSUER, "repo:a", "\"api://AzureADTokenExchange\"", &key, "k2", 600, 401, 5000811},
    {ISSUER, "repo:a", "\"api://AzureADTokenExchange\"", &key, "k1", -400, 401, 700024},
};

START_TEST(an_assertion_of_another_issuer_has_to_match_a_credential)
{
    char *header =
        memory_format("{\"alg\":\"RS256\",\"kid\":\"%s\"}", federated_rows[_i].kid);
    char *claims = memory_format(
        "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":%s,\"exp\":%" PRId64 "}",
        federated_rows[_i].iss, federated_rows[_i].sub, federated_rows[_i].aud,
        clock_wall_ms(&h.clock) / 1000 + federated_rows[_i].until_s);
    char *assertion = make_assertion(header, claims, *federated_rows[_i].key);

    ck_assert_msg(present(assertion) == federated_rows[_i].status, "%s",
                  h.answer.body.data);
    if (federated_rows[_i].status != 200)
        refused(401, "invalid_client", federated_rows[_i].code);
    free(assertion);
    free(claims);
    free(header);
}
END_TEST

/* ---- users ---- */

#define PASSWORD_FORM                                                                    \
    "grant_type=password&client_id=" AZ "&username=" ANN "&password=open+sesame&"
#define USER_SCOPE ARM_SCOPE "+openid+offline_access+profile"

START_TEST(a_password_gives_a_user_all_tokens)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", PASSWORD_FORM USER_SCOPE "&client_info=1"),
                     200);
    claims_are("access_token",
               "{\"aud\":\"" ARM "\",\"appid\":\"" AZ "\",\"appidacr\":\"0\","
               "\"idtyp\":\"user\",\"scp\":\"user_impersonation\",\"upn\":\"" ANN "\","
               "\"name\":\"Ann Adler\"}");
    claims_are("id_token", "{\"aud\":\"" AZ "\",\"iss\":\"http://sim/" TENANT "/v2.0\","
                           "\"preferred_username\":\"" ANN "\",\"ver\":\"2.0\"}");
    ck_assert_str_eq(said("foci"), "1");
    ck_assert_str_eq(said("scope"), ARM "/user_impersonation " ARM "/.default");
    ck_assert_str_ne(said("refresh_token"), "");

    cJSON *claims = read_token(said("access_token"), 1);
    cJSON *info = read_token(said("client_info"), 0);

    ck_assert_str_eq(json_string_at(info, "uid"), json_string_at(claims, "oid"));
    ck_assert_str_eq(json_string_at(info, "utid"), TENANT);
    ck_assert_str_ne(json_string_at(claims, "sub"), json_string_at(claims, "oid"));
    cJSON_Delete(info);
    cJSON_Delete(claims);
}
END_TEST

START_TEST(what_was_not_asked_for_does_not_come)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", PASSWORD_FORM ARM_SCOPE), 200);
    ck_assert_ptr_null(json_at(h.json, "refresh_token"));
    ck_assert_ptr_null(json_at(h.json, "id_token"));
    ck_assert_ptr_null(json_at(h.json, "client_info"));
}
END_TEST

START_TEST(a_users_rights_are_those_of_the_user)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", PASSWORD_FORM USER_SCOPE), 200);

    cJSON *claims = read_token(said("access_token"), 1);
    char *id_token = memory_copy_string(said("id_token"));

    bear(said("access_token"));
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 403);
    ck_assert_ptr_nonnull(strstr(said("error.message"), json_string_at(claims, "oid")));
    bear(id_token); /* is no access token */
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    free(id_token);
    cJSON_Delete(claims);
}
END_TEST

/* Redeems a refresh token through the application. */
static int refresh(const char *client, const char *token, const char *more)
{
    char *form = memory_format("grant_type=refresh_token&client_id=%s&refresh_token=%s%s",
                               client, token, more);
    const int status = post("oauth2/v2.0/token", form);

    free(form);
    return status;
}

START_TEST(a_refresh_token_gives_tokens_for_other_services_too)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", PASSWORD_FORM USER_SCOPE), 200);

    char *token = memory_copy_string(said("refresh_token"));

    ck_assert_int_eq(refresh(AZ, token, "&scope=https://graph.microsoft.com/.default"),
                     200);
    claims_are("access_token", "{\"aud\":\"https://graph.microsoft.com\"}");
    ck_assert_int_eq(refresh(AZ, token, ""), 200); /* what it was given for */
    claims_are("access_token", "{\"aud\":\"" ARM "\",\"upn\":\"" ANN "\"}");
    ck_assert_str_ne(said("refresh_token"), token);
    ck_assert_int_eq(refresh(SHELL, token, ""), 200); /* of the same family */
    refresh(PIPE, token, "");
    refused(400, "invalid_grant", 70000);
    pass_ms(INT64_C(90) * 24 * 3600 * 1000);
    refresh(AZ, token, "");
    refused(400, "invalid_grant", 700082);
    free(token);
}
END_TEST

START_TEST(a_user_without_an_account_cannot_come_back)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", PASSWORD_FORM USER_SCOPE), 200);

    char *token = memory_copy_string(said("refresh_token"));

    database_run(h.world->database,
                 "UPDATE object SET body = json_set(body, '$.accountEnabled', "
                 "json('false')) WHERE upn_key = ?",
                 "t", ANN);
    refresh(AZ, token, "");
    refused(400, "invalid_grant", 50057);
    database_run(h.world->database, "DELETE FROM object WHERE upn_key = ?", "t", ANN);
    refresh(AZ, token, "");
    refused(400, "invalid_grant", 50034);
    free(token);
}
END_TEST

/* ---- device codes ---- */

static struct {
    char *device, *user;
} codes;

static void ask_for_codes(void)
{
    ck_assert_int_eq(post("oauth2/v2.0/devicecode", "client_id=" AZ "&" USER_SCOPE), 200);
    codes.device = memory_copy_string(said("device_code"));
    codes.user = memory_copy_string(said("user_code"));
}

static void free_codes(void)
{
    free(codes.device);
    free(codes.user);
}

static int poll_code(void)
{
    char *form =
        memory_format("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Adevice_"
                      "code&client_id=" AZ "&client_info=1&device_code=%s",
                      codes.device);

    pass_ms(5000);

    const int status = post("oauth2/v2.0/token", form);

    free(form);
    return status;
}

static int decide(const char *code, const char *more)
{
    char *body = memory_format("{\"user_code\":\"%s\"%s}", code, more);
    const int status = ask(CALL_POST, "/_sim/devicecode", body);

    free(body);
    return status;
}

START_TEST(a_device_waits_until_a_person_lets_it_in)
{
    ask_for_codes();
    ck_assert_int_eq((int)json_number_at(h.json, "expires_in", 0), 900);
    ck_assert_int_eq((int)json_number_at(h.json, "interval", 0), 5);
    ck_assert_str_eq(said("verification_uri"), "http://sim/devicelogin");
    ck_assert_ptr_nonnull(strstr(said("message"), codes.user));
    poll_code();
    refused(400, "authorization_pending", 70016);

    char *lower = text_lower(memory_copy_string(codes.user));

    ck_assert_int_eq(decide(lower, ",\"user\":\"" ANN "\",\"approve\":true"), 200);
    ck_assert_str_eq(said("state"), "approved");
    ck_assert_int_eq(poll_code(), 200);
    claims_are("access_token", "{\"upn\":\"" ANN "\",\"aud\":\"" ARM "\"}");
    ck_assert_str_ne(said("refresh_token"), "");
    ck_assert_str_ne(said("client_info"), "");
    poll_code(); /* once is enough */
    refused(400, "bad_verification_code", 70018);
    free(lower);
    free_codes();
}
END_TEST

START_TEST(a_device_that_asks_too_often_is_slowed_down)
{
    ask_for_codes();
    poll_code();
    refused(400, "authorization_pending", 70016);

    char *form = memory_format("grant_type=device_code&client_id=" AZ "&device_code=%s",
                               codes.device);

    pass_ms(3900);
    post("oauth2/v2.0/token", form);
    refused(400, "slow_down", 70016);
    pass_ms(4000);
    post("oauth2/v2.0/token", form);
    refused(400, "authorization_pending", 70016);
    free(form);
    free_codes();
}
END_TEST

START_TEST(a_device_can_be_turned_away)
{
    ask_for_codes();
    ck_assert_int_eq(decide(codes.user, ",\"approve\":false"), 200);
    ck_assert_str_eq(said("state"), "declined");
    poll_code();
    refused(400, "authorization_declined", 70018);
    ck_assert_int_eq(decide(codes.user, ",\"user\":\"" ANN "\""), 409);
    free_codes();
}
END_TEST

START_TEST(a_code_expires)
{
    ask_for_codes();
    pass_ms(900 * 1000);
    poll_code();
    refused(400, "expired_token", 70020);
    ck_assert_int_eq(decide(codes.user, ",\"user\":\"" ANN "\""), 404);
    free_codes();
}
END_TEST

START_TEST(a_decision_has_to_make_sense)
{
    ask_for_codes();
    ck_assert_int_eq(decide("WRONGCODE", ",\"user\":\"" ANN "\""), 404);
    ck_assert_int_eq(decide(codes.user, ",\"user\":\"nobody@contoso.example\""), 400);
    ck_assert_int_eq(decide(codes.user, ""), 400);
    ck_assert_int_eq(decide(codes.user, ",\"user\":\"" ANN "\",\"approve\":\"yes\""),
                     400);
    ck_assert_int_eq(ask(CALL_POST, "/_sim/devicecode", "nonsense"), 400);
    poll_code();
    refused(400, "authorization_pending", 70016);
    free_codes();
}
END_TEST

START_TEST(the_older_endpoint_has_names_of_its_own)
{
    ck_assert_int_eq(post("oauth2/devicecode", "client_id=" AZ "&resource=" ARM "/"),
                     200);
    ck_assert_str_eq(said("interval"), "5");
    ck_assert_str_eq(said("verification_url"), "http://sim/devicelogin");

    char *user = memory_copy_string(said("user_code"));
    char *form =
        memory_format("grant_type=device_code&client_id=" AZ "&resource=" ARM "/&code=%s",
                      said("device_code"));

    ck_assert_int_eq(decide(user, ",\"user\":\"" ANN "\""), 200);
    ck_assert_int_eq(post("oauth2/token", form), 200);
    claims_are("access_token", "{\"aud\":\"" ARM "/\"}");
    claims_are("id_token", "{\"iss\":\"https://sts.windows.net/" TENANT "/\","
                           "\"ver\":\"1.0\",\"unique_name\":\"" ANN "\"}");
    ck_assert_str_ne(said("refresh_token"), "");
    free(form);
    free(user);
}
END_TEST

static int send_page(const char *form)
{
    return plane_ask(h.world, &h.answer, &h.json, "/devicelogin",
                     (struct call){.method = CALL_POST, .body = form});
}

START_TEST(a_person_can_enter_the_code_on_a_page)
{
    ask_for_codes();
    ck_assert_int_eq(get("/devicelogin?user_code=%22%3E%3Cscript%3E"), 200);
    ck_assert_str_eq(h.answer.content_type, "text/html; charset=utf-8");
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "value=\"&quot;&gt;&lt;script&gt;"));
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "<option value=\"" ANN "\">"));

    char *wrong = memory_format("user_code=%s&user=nobody&decision=approve", codes.user);
    char *right = memory_format("user_code=%s&user=" ANN "&decision=approve", codes.user);

    ck_assert_int_eq(send_page("user=" ANN), 400);
    ck_assert_int_eq(send_page("user_code=X&user=" ANN "&decision=approve"), 400);
    ck_assert_int_eq(send_page(wrong), 400);
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "no such user"));
    ck_assert_int_eq(send_page(right), 200);
    ck_assert_int_eq(send_page(right), 400);
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "used already"));
    ck_assert_int_eq(poll_code(), 200);
    free(wrong);
    free(right);
    free_codes();
}
END_TEST

/* ---- the key ---- */

static char folder[] = "/tmp/check_sim_entra.XXXXXX";
static struct buffer logged;

static void take_line(void *context, enum log_level level, const char *text)
{
    (void)context, (void)level;
    buffer_printf(&logged, "%s\n", text);
}

static void set_up_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_STATE_HOME", folder, 1);
    open_harness();
    log_set_sink(take_line, NULL);
}

static void tear_down_folder(void)
{
    char *command = memory_format("rm -rf %s", folder);

    close_harness();
    log_set_sink(NULL, NULL);
    buffer_deinit(&logged);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

static char *key_path(void)
{
    return memory_format("%s/moongate/sim/entra-key.pem", folder);
}

/* Its name, owned by the caller. */
static char *key_id(void)
{
    ck_assert_int_eq(get("/" TENANT "/discovery/v2.0/keys"), 200);
    return memory_copy_string(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "keys"), 0), "kid"));
}

START_TEST(the_key_is_made_at_its_first_use_and_found_again)
{
    char *path = key_path();
    struct stat facts;

    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    ck_assert_int_ne(stat(path, &facts), 0);

    char *first = key_id();

    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0600);
    sign_in();

    char *bearer = memory_copy_string(h.bearer);

    close_world();
    ck_assert_ptr_null(try_world(NULL, NULL, 2));

    char *second = key_id();

    ck_assert_str_eq(first, second);
    free(h.bearer);
    h.bearer = bearer; /* good in a world that comes later, too */
    ck_assert_int_eq(ask(CALL_GET, "/subscriptions?" VERSION, NULL), 200);
    ck_assert_ptr_null(logged.data);
    free(first);
    free(second);
    free(path);
}
END_TEST

START_TEST(a_key_that_is_none_is_not_overwritten)
{
    char *path = key_path();
    FILE *file;

    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    free(key_id());
    close_world();
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("no key\n", file);
    fclose(file);
    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, "/subscriptions?" VERSION, NULL), 200);
    ck_assert_ptr_nonnull(strstr(logged.data, "entra-key.pem"));
    ck_assert_ptr_nonnull(strstr(logged.data, "it holds no RSA key"));

    struct stat facts; /* as it was */

    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_int_eq((int)facts.st_size, 7);
    free(path);
}
END_TEST

START_TEST(a_key_that_others_can_read_is_not_used)
{
    char *path = key_path();

    ck_assert_ptr_null(try_world(NULL, NULL, 1));

    char *first = key_id();

    close_world();
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_ptr_null(try_world(NULL, NULL, 1));

    char *second = key_id();

    ck_assert_str_ne(first, second);
    ck_assert_ptr_nonnull(strstr(logged.data, "other users can read"));
    free(first);
    free(second);
    free(path);
}
END_TEST

START_TEST(without_a_folder_the_key_is_of_this_process)
{
    setenv("XDG_STATE_HOME", "/dev/null/nothing", 1);
    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, "/subscriptions?" VERSION, NULL), 200);
}
END_TEST

/* ---- the world file ---- */

static const struct {
    const char *world, *words;
} bad_worlds[] = {
    {"{\"applications\":{}}", "'applications' must be a list"},
    {"{\"applications\":[{}]}", "an application without 'name'"},
    {"{\"applications\":[{\"name\":\"x\",\"id\":\"y\"}]}",
     "unknown key 'id' in an application"},
    {"{\"applications\":[{\"name\":\"x\",\"app_id\":\"y\"}]}",
     "'app_id' of an application must be a GUID"},
    {"{\"applications\":[{\"name\":\"x\",\"secret\":\"\"}]}",
     "'secret' of an application must be a string"},
    {"{\"applications\":[{\"name\":\"x\",\"certificates\":[\"no\"]}]}",
     "'certificates' of an application must be a list of certificates as PEM"},
    {"{\"applications\":[{\"name\":\"x\",\"federated\":[{\"issuer\":\"no\","
     "\"subject\":\"s\"}]}]}",
     "'federated' of an application must be a list"},
    {"{\"applications\":[{\"name\":\"x\",\"federated\":[{\"issuer\":\"https://i\","
     "\"subject\":\"s\",\"keys\":{\"keys\":[{\"kty\":\"EC\"}]}}]}]}",
     "'federated' of an application must be a list"},
    {"{\"applications\":[{\"name\":\"x\",\"role\":\"King\"}]}",
     "'role' of an application must be the name of a built-in role"},
    {"{\"applications\":[{\"name\":\"x\",\"graph\":true}]}",
     "'graph' of an application must be \"admin\""},
    {"{\"users\":[{\"name\":\"x\"}]}", "a user without 'password'"},
};

START_TEST(a_world_file_is_told_what_is_wrong)
{
    struct failure *failure = try_world(bad_worlds[_i].world, NULL, 1);

    ck_assert_ptr_nonnull(failure);
    ck_assert_msg(strstr(failure->message, bad_worlds[_i].words) != NULL, "%s",
                  failure->message);
    failure_free(failure);
}
END_TEST

START_TEST(an_application_of_the_first_world_can_get_more)
{
    static const char world[] =
        "{\"applications\":[{\"name\":\"contoso-automation\","
        "\"app_id\":\"C0A80101-6F3D-4A2B-8E71-5D4C3B2A1908\",\"secret\":\"another one\","
        "\"role\":\"Owner\",\"graph\":\"admin\"}]}";
    static const char form[] =
        "grant_type=client_credentials&client_id=c0a80101-6f3d-4a2b-8e71-5d4c3b2a1908"
        "&client_secret=another+one&" ARM_SCOPE;

    ck_assert_ptr_null(try_world(world, NULL, 1));
    ck_assert_int_eq(post("oauth2/v2.0/token", form), 200);
    bear(said("access_token"));
    ck_assert_int_eq(ask(CALL_GET, "/subscriptions?" VERSION, NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "value")), 1);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, void (*begin)(void),
                       void (*end)(void))
{
    TCase *topic = tcase_create(name);

    tcase_add_checked_fixture(topic, begin, end);
    suite_add_tcase(suite, topic);
    return topic;
}

static void add_tests(Suite *suite)
{
    TCase *metadata = add_case(suite, "metadata", set_up, close_harness);
    TCase *tokens = add_case(suite, "tokens", set_up, close_harness);
    TCase *assertions = add_case(suite, "assertions", set_up, close_harness);
    TCase *users = add_case(suite, "users", set_up, close_harness);
    TCase *devices = add_case(suite, "device codes", set_up, close_harness);
    TCase *keys = add_case(suite, "key", set_up_folder, tear_down_folder);
    TCase *worlds = add_case(suite, "world file", open_harness, close_harness);

    tcase_add_loop_test(metadata, each_name_of_the_tenant_has_its_configuration, 0,
                        COUNT_OF(configurations));
    tcase_add_test(metadata, an_unknown_tenant_is_refused_as_entra_does);
    tcase_add_test(metadata, an_error_says_all_that_clients_read);
    tcase_add_test(metadata, discovery_knows_this_instance_and_the_public_ones);
    tcase_add_test(metadata, the_cloud_is_described_in_the_form_of_the_version);
    tcase_add_test(metadata, a_user_of_the_domain_is_managed);
    tcase_add_test(tokens, an_application_gets_a_token_that_says_who_it_is);
    tcase_add_test(tokens, a_token_is_signed_by_the_published_key);
    tcase_add_test(tokens, the_older_endpoint_takes_a_resource_and_gives_texts);
    tcase_add_test(tokens, id_and_secret_may_come_as_http_basic);
    tcase_add_loop_test(tokens, a_scope_names_its_audience, 0, COUNT_OF(scopes));
    tcase_add_loop_test(tokens, a_wrong_request_is_refused_with_its_number, 0,
                        COUNT_OF(refusals));
    tcase_add_test(tokens, an_application_alone_has_to_name_its_tenant);
    tcase_add_test(tokens, what_the_client_can_do_stands_in_its_token);
    tcase_add_test(tokens, a_long_life_comes_with_a_time_to_refresh);
    tcase_add_test(tokens, a_token_that_another_key_has_signed_is_none);
    tcase_add_test(tokens, a_token_for_another_service_is_no_good_here);
    tcase_add_loop_test(assertions, an_assertion_by_certificate_is_looked_at_closely, 0,
                        COUNT_OF(assertion_rows));
    tcase_add_test(assertions, an_assertion_has_to_be_one);
    tcase_add_loop_test(assertions,
                        an_assertion_of_another_issuer_has_to_match_a_credential, 0,
                        COUNT_OF(federated_rows));
    tcase_add_test(users, a_password_gives_a_user_all_tokens);
    tcase_add_test(users, what_was_not_asked_for_does_not_come);
    tcase_add_test(users, a_users_rights_are_those_of_the_user);
    tcase_add_test(users, a_refresh_token_gives_tokens_for_other_services_too);
    tcase_add_test(users, a_user_without_an_account_cannot_come_back);
    tcase_add_test(devices, a_device_waits_until_a_person_lets_it_in);
    tcase_add_test(devices, a_device_that_asks_too_often_is_slowed_down);
    tcase_add_test(devices, a_device_can_be_turned_away);
    tcase_add_test(devices, a_code_expires);
    tcase_add_test(devices, a_decision_has_to_make_sense);
    tcase_add_test(devices, the_older_endpoint_has_names_of_its_own);
    tcase_add_test(devices, a_person_can_enter_the_code_on_a_page);
    tcase_add_test(keys, the_key_is_made_at_its_first_use_and_found_again);
    tcase_add_test(keys, a_key_that_is_none_is_not_overwritten);
    tcase_add_test(keys, a_key_that_others_can_read_is_not_used);
    tcase_add_test(keys, without_a_folder_the_key_is_of_this_process);
    tcase_add_loop_test(worlds, a_world_file_is_told_what_is_wrong, 0,
                        COUNT_OF(bad_worlds));
    tcase_add_test(worlds, an_application_of_the_first_world_can_get_more);
}

int main(void)
{
    Suite *suite = suite_create("sim entra");

    SRunner *runner = srunner_create(suite);

    make_keys();
    add_tests(suite);
    srunner_run_all(runner, CK_NORMAL);

    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
