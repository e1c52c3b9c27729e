/* tests/check_sim_entra.c - the simulated sign-in: metadata, tokens and who refuses them. */
#include <inttypes.h>

#include "entra.h"

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

static const char *const no_basics[] = {"Basic", "Basic ", "Basic !",
                                        "Basic bm9jb2xvbg=="};

START_TEST(what_is_no_http_basic_says_nothing)
{
    const struct call call = {.method = CALL_POST,
                              .authorization = no_basics[_i],
                              .body = "grant_type=client_credentials&" ARM_SCOPE};

    plane_ask(h.world, &h.answer, &h.json, "/" TENANT "/oauth2/v2.0/token", call);
    refused(400, "invalid_request", 900144);
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

/* ---- the world file ---- */

static const struct {
    const char *world, *words;
} bad_worlds[] = {
    {"{\"applications\":{}}", "applications: a list expected"},
    {"{\"applications\":[{}]}", "applications[0]: 'name' is missing"},
    {"{\"applications\":[{\"name\":\"x\",\"key\":\"y\"}]}",
     "applications[0]: unknown key 'key'"},
    {"{\"applications\":[{\"name\":\"x\",\"id\":\"y\"}]}",
     "applications[0].id: a UUID expected"},
    {"{\"applications\":[{\"name\":\"x\",\"app_id\":\"y\"}]}",
     "applications[0].app_id: a UUID expected"},
    {"{\"applications\":[{\"name\":\"x\",\"secret\":\"\"}]}",
     "applications[0].secret: a text expected that is not empty"},
    {"{\"applications\":[{\"name\":\"x\",\"certificates\":[\"no\"]}]}",
     "applications[0].certificates[0]: a certificate as PEM, with an RSA key, expected"},
    {"{\"applications\":[{\"name\":\"x\",\"federated\":[{\"issuer\":\"no\","
     "\"subject\":\"s\"}]}]}",
     "applications[0].federated[0].issuer: a URL expected"},
    {"{\"applications\":[{\"name\":\"x\",\"federated\":[{\"issuer\":\"https://i\","
     "\"subject\":\"s\",\"keys\":{\"keys\":[{\"kty\":\"EC\"}]}}]}]}",
     "applications[0].federated[0].keys: a JSON Web Key Set of RSA keys expected"},
    {"{\"applications\":[{\"name\":\"x\",\"role\":\"King\"}]}",
     "applications[0].role: the name of a built-in role expected"},
    {"{\"applications\":[{\"name\":\"x\",\"graph\":true}]}",
     "applications[0].graph: \"admin\" or a list of permissions"},
    {"{\"users\":[{\"password\":\"x\"}]}", "users[0]: 'upn' is missing"},
    {"{\"users\":[{\"upn\":\"" ANN "\",\"password\":\"\"}]}",
     "users[0].password: a text expected that is not empty"},
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

int main(void)
{
    Suite *suite = suite_create("sim entra");
    TCase *metadata = add_case(suite, "metadata", set_up, close_harness);
    TCase *tokens = add_case(suite, "tokens", set_up, close_harness);
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
    tcase_add_loop_test(tokens, what_is_no_http_basic_says_nothing, 0,
                        COUNT_OF(no_basics));
    tcase_add_loop_test(tokens, a_scope_names_its_audience, 0, COUNT_OF(scopes));
    tcase_add_loop_test(tokens, a_wrong_request_is_refused_with_its_number, 0,
                        COUNT_OF(refusals));
    tcase_add_test(tokens, an_application_alone_has_to_name_its_tenant);
    tcase_add_test(tokens, what_the_client_can_do_stands_in_its_token);
    tcase_add_test(tokens, a_long_life_comes_with_a_time_to_refresh);
    tcase_add_test(tokens, a_token_that_another_key_has_signed_is_none);
    tcase_add_test(tokens, a_token_for_another_service_is_no_good_here);
    tcase_add_loop_test(worlds, a_world_file_is_told_what_is_wrong, 0,
                        COUNT_OF(bad_worlds));
    tcase_add_test(worlds, an_application_of_the_first_world_can_get_more);
    return run_entra_suite(suite);
}
