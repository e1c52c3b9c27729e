/* tests/check_sim_identities.c - what Microsoft Graph changes of users and applications, and
 * what sign-in and the services make of it. */
#include "entra.h"

#define PASSWORD_FORM                                                                    \
    "grant_type=password&client_id=" AZ "&username=" ANN "&password=open+sesame&"
#define CAPABLE                                                                          \
    "&claims=%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22CP1%22%"  \
    "5D"                                                                                 \
    "%7D%7D%7D"
#define GRAPH_SCOPE "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"

static char ann[UUID_TEXT_SIZE];

static void set_up_with_ann(void)
{
    set_up();
    ck_assert_int_eq(ask(CALL_GET, "/v1.0/users/" ANN, NULL), 200);
    memcpy(ann, said("id"), sizeof ann);
}

/* Asks in the name of whoever has the token. */
static int ask_as(const char *token, enum call_method method, const char *url,
                  const char *body)
{
    char *bearer = memory_format("Bearer %s", token), *before = h.bearer;

    h.bearer = bearer;

    const int status = ask(method, url, body);

    h.bearer = before;
    free(bearer);
    return status;
}

/* A token for the form, owned by the caller. */
static char *sign_in_by(const char *form)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", form), 200);
    return memory_copy_string(said("access_token"));
}

static void change_user(enum call_method method, const char *body)
{
    char *url = memory_format("/v1.0/users/%s", ann);

    ck_assert_int_eq(ask(method, url, body), 204);
    free(url);
}

START_TEST(a_disabled_user_signs_in_no_more)
{
    ck_assert_int_eq(post("oauth2/v2.0/token", PASSWORD_FORM ARM_SCOPE "+offline_access"),
                     200);

    char *form =
        memory_format("grant_type=refresh_token&client_id=" AZ "&refresh_token=%s",
                      said("refresh_token"));

    change_user(CALL_PATCH, "{\"accountEnabled\":false}");
    post("oauth2/v2.0/token", PASSWORD_FORM ARM_SCOPE);
    refused(400, "invalid_grant", 50057);
    post("oauth2/v2.0/token", form);
    refused(400, "invalid_grant", 50057);
    change_user(CALL_PATCH, "{\"accountEnabled\":true}");
    ck_assert_int_eq(post("oauth2/v2.0/token", form), 200);
    free(form);
}
END_TEST

START_TEST(tokens_of_who_is_disabled_or_deleted_are_revoked_where_clients_can_tell)
{
    char *capable = sign_in_by(PASSWORD_FORM GRAPH_SCOPE CAPABLE);
    char *plain = sign_in_by(PASSWORD_FORM GRAPH_SCOPE);

    ck_assert_int_eq(ask_as(capable, CALL_GET, "/v1.0/me", NULL), 200);
    change_user(CALL_PATCH, "{\"accountEnabled\":false}");
    ck_assert_int_eq(ask_as(capable, CALL_GET, "/v1.0/me", NULL), 401);
    ck_assert_str_eq(said("error.code"), "InvalidAuthenticationToken");
    ck_assert_ptr_nonnull(strstr(h.answer.www_authenticate, "insufficient_claims"));
    ck_assert_int_eq(ask_as(plain, CALL_GET, "/v1.0/me", NULL), 200);
    change_user(CALL_PATCH, "{\"accountEnabled\":true}");
    ck_assert_int_eq(ask_as(capable, CALL_GET, "/v1.0/me", NULL), 200);
    change_user(CALL_DELETE, NULL);
    ck_assert_int_eq(ask_as(capable, CALL_GET, "/v1.0/me", NULL), 401);
    ck_assert_int_eq(ask_as(plain, CALL_GET, "/v1.0/me", NULL), 403);
    free(capable);
    free(plain);
}
END_TEST

START_TEST(tokens_of_a_deleted_application_are_revoked_too)
{
    char *token = sign_in_by(SECRET_FORM ARM_SCOPE CAPABLE);
    char *url = memory_format("%s?api-version=2022-12-01", h.world->subscription_id);

    ck_assert_int_eq(ask_as(token, CALL_GET, url, NULL), 200);
    ck_assert_int_eq(ask(CALL_DELETE, "/v1.0/servicePrincipals(appId='" PIPE "')", NULL),
                     204);
    ck_assert_int_eq(ask_as(token, CALL_GET, url, NULL), 401);
    ck_assert_ptr_nonnull(strstr(h.answer.www_authenticate, "insufficient_claims"));
    free(url);
    free(token);
}
END_TEST

/* ---- what a token says ---- */

#define APPLICATION                                                                      \
    "{\"applications\":[{\"name\":\"a\",\"app_id\":\"" PIPE "\","                        \
    "\"secret\":\"s\",\"graph\":"

static const struct {
    const char *world, *scope, *roles; /* roles NULL: the claim is not there */
} roles_rows[] = {
    {APPLICATION "[\"User.Read.All\",\"Group.Create\"]}]}", GRAPH_SCOPE,
     "[\"Group.Create\",\"User.Read.All\"]"},
    {APPLICATION "[\"User.Read.All\"]}]}", ARM_SCOPE, NULL},
    {APPLICATION "[]}]}", GRAPH_SCOPE, NULL},
    {APPLICATION "\"admin\"}]}", GRAPH_SCOPE,
     "[\"Group.Read.All\",\"Group.ReadWrite.All\",\"Group.Create\","
     "\"GroupMember.Read.All\",\"GroupMember.ReadWrite.All\",\"User.ReadBasic.All\","
     "\"User.Read.All\",\"User.ReadWrite.All\",\"Application.Read.All\","
     "\"Application.ReadWrite.All\",\"Directory.Read.All\",\"Directory.ReadWrite.All\","
     "\"Organization.Read.All\",\"Domain.Read.All\"]"},
};

START_TEST(a_token_for_graph_lists_what_its_application_may_do_there)
{
    open_harness();
    open_world(roles_rows[_i].world, NULL, 1);

    char *form = memory_format("grant_type=client_credentials&client_id=" PIPE
                               "&client_secret=s&%s",
                               roles_rows[_i].scope);

    ck_assert_int_eq(post("oauth2/v2.0/token", form), 200);

    cJSON *claims = read_token(said("access_token"), 1);
    char *roles =
        json_at(claims, "roles") != NULL ? json_print(json_at(claims, "roles")) : NULL;

    ck_assert_pstr_eq(roles, roles_rows[_i].roles);
    free(roles);
    free(form);
    cJSON_Delete(claims);
}
END_TEST

/* ---- names of the simulator ---- */

static int sign_in_for(const char *scope)
{
    struct buffer form = {0};

    buffer_append_string(&form, SECRET_FORM "scope=");
    buffer_append_string(&form, scope);

    const int status = plane_ask(
        h.world, &h.answer, &h.json, "/" TENANT "/oauth2/v2.0/token",
        (struct call){
            .method = CALL_POST, .base = "http://sim-box:8080", .body = form.data});

    buffer_deinit(&form);
    return status;
}

START_TEST(a_token_for_one_name_of_the_simulator_is_good_under_all)
{
    static const char *const bases[] = {"http://elsewhere:4280", "http://sim-box:8080",
                                        "http://[::1]:8080", "http://sim-box:8080"};
    char *url = memory_format("%s?api-version=2022-12-01", h.world->subscription_id);

    ck_assert_int_eq(sign_in_for("http://elsewhere:4280/.default"), 400);
    ck_assert_int_eq(sign_in_for("http://sim-box:8080/.default"), 200);

    char *bearer = memory_format("Bearer %s", said("access_token"));

    for (size_t i = 0; i < COUNT_OF(bases); i++)
        ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json, url,
                                   (struct call){.method = CALL_GET,
                                                 .base = bases[i],
                                                 .authorization = bearer}),
                         200);
    free(bearer);
    free(url);
}
END_TEST

/* ---- certificates ---- */

#define APP "/v1.0/applications(appId='" PIPE "')"

/* An assertion of the pipeline by `certificate`, whose key is `pair`, about `claims` more. */
static char *assert_by(X509 *shown, EVP_PKEY *pair, const char *claims)
{
    char *thumbprint = certificate_thumbprint(shown, EVP_sha256());
    char *header = memory_format("{\"alg\":\"RS256\",\"x5t#S256\":\"%s\"}", thumbprint);
    char *made = make_assertion(header, claims, pair);

    free(header);
    free(thumbprint);
    return made;
}

/* Signs in by an assertion; its status. */
static int present(char *assertion)
{
    char *form = memory_format("grant_type=client_credentials&client_id=" PIPE
                               "&client_assertion_type=" JWT_BEARER
                               "&client_assertion=%s&scope=" ARM "/.default",
                               assertion);
    const int status = post("oauth2/v2.0/token", form);

    free(form);
    free(assertion);
    return status;
}

static int sign_in_with(X509 *shown, EVP_PKEY *pair)
{
    char *claims = memory_format("{\"iss\":\"" PIPE "\",\"sub\":\"" PIPE "\","
                                 "\"jti\":\"1\",\"exp\":%lld,"
                                 "\"aud\":\"http://sim/" TENANT "/oauth2/v2.0/token\"}",
                                 (long long)(clock_wall_ms(&h.clock) / 1000 + 300));
    const int status = present(assert_by(shown, pair, claims));

    free(claims);
    return status;
}

/* Base64 of its DER as in a JSON text, owned by the caller. */
static char *encode(X509 *shown)
{
    unsigned char *der = NULL;
    const int length = i2d_X509(shown, &der);
    struct buffer text = {0};

    base64_append(&text, der, 30);
    buffer_append_string(&text, "\\n"); /* az leaves the lines of a PEM in */
    base64_append(&text, der + 30, (size_t)length - 30);
    OPENSSL_free(der);
    return buffer_take(&text);
}

/* A member of a list, as az sends it. */
static char *key_json(X509 *shown, const char *more)
{
    char *text = encode(shown);
    char *json = memory_format("{\"type\":\"AsymmetricX509Cert\",\"usage\":\"Verify\","
                               "\"key\":\"%s\"%s}",
                               text, more);

    free(text);
    return json;
}

static int patch_keys(const char *first, const char *second)
{
    char *body = memory_format("{\"keyCredentials\":[%s%s%s]}", first,
                               *second != '\0' ? "," : "", second);
    const int status = ask(CALL_PATCH, APP, body);

    free(body);
    return status;
}

START_TEST(a_certificate_that_graph_was_given_signs_in_until_it_is_taken_away)
{
    X509 *mine = make_certificate(other_key, -60, 3600);
    char *json = key_json(mine, ",\"displayName\":\"rbac\",\"keyId\":"
                                "\"11111111-2222-4333-8444-555555555555\"");

    ck_assert_int_eq(sign_in_with(mine, other_key), 401);
    ck_assert_int_eq(patch_keys(json, ""), 204);
    ck_assert_int_eq(sign_in_with(mine, other_key), 200);
    ck_assert_int_eq(sign_in_with(certificate, key), 401); /* is listed no more */
    ck_assert_int_eq(ask(CALL_GET, APP, NULL), 200);

    const cJSON *listed = cJSON_GetArrayItem(json_at(h.json, "keyCredentials"), 0);

    ck_assert(cJSON_IsNull(json_at(listed, "key")));
    ck_assert_str_eq(json_string_at(listed, "displayName"), "rbac");
    ck_assert_ptr_nonnull(json_string_at(listed, "endDateTime"));
    ck_assert_ptr_nonnull(json_string_at(listed, "customKeyIdentifier"));

    char *again = json_print(listed), *further = key_json(certificate, "");

    ck_assert_int_eq(patch_keys(again, further), 204); /* as it was read, and one more */
    ck_assert_int_eq(sign_in_with(mine, other_key), 200);
    ck_assert_int_eq(sign_in_with(certificate, key), 200);
    ck_assert_int_eq(ask(CALL_DELETE, APP, NULL), 204);
    ck_assert_int_ne(sign_in_with(mine, other_key), 200);
    free(further);
    free(again);
    free(json);
    X509_free(mine);
}
END_TEST

START_TEST(the_certificates_of_a_world_file_are_those_of_graph)
{
    ck_assert_int_eq(ask(CALL_GET, APP, NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "keyCredentials")), 2);
    ck_assert_int_eq(sign_in_with(certificate, key), 200);
    ck_assert_int_eq(patch_keys("", ""), 204);
    ck_assert_int_eq(sign_in_with(certificate, key), 401);
}
END_TEST

START_TEST(a_restored_registration_has_its_certificates_again)
{
    ck_assert_int_eq(ask(CALL_GET, APP, NULL), 200);

    char *url = memory_format("/v1.0/directory/deletedItems/%s/restore", said("id"));
    char *id = memory_copy_string(said("id"));
    char *purge = memory_format("/v1.0/directory/deletedItems/%s", id);
    char *object = memory_format("/v1.0/directoryObjects/%s", id);

    ck_assert_int_eq(ask(CALL_DELETE, object, NULL), 204); /* the registration alone */
    ck_assert_int_eq(sign_in_with(certificate, key), 401);
    ck_assert_int_eq(ask(CALL_POST, url, ""), 200);
    ck_assert_int_eq(sign_in_with(certificate, key), 200);
    ck_assert_int_eq(ask(CALL_DELETE, object, NULL), 204);
    ck_assert_int_eq(ask(CALL_DELETE, purge, NULL), 204);
    ck_assert_int_eq(sign_in_with(certificate, key), 401);
    free(object);
    free(purge);
    free(id);
    free(url);
}
END_TEST

static const struct {
    const char *keys; /* "%s": a certificate */
    const char *code;
} bad_keys[] = {
    {"{\"type\":\"AsymmetricX509Cert\",\"usage\":\"Verify\",\"key\":\"bm8=\"}",
     "KeyCredentialsInvalidKey"},
    {"{\"type\":\"AsymmetricX509Cert\",\"usage\":\"Verify\",\"key\":\"\"}",
     "KeyCredentialsInvalidKey"},
    {"{\"type\":\"AsymmetricX509Cert\",\"usage\":\"Verify\"}", "Request_BadRequest"},
    {"{\"usage\":\"Verify\",\"key\":\"%s\"}", "Request_BadRequest"},
    {"{\"type\":\"AsymmetricX509Cert\",\"usage\":\"Verify\",\"key\":\"%s\","
     "\"keyId\":\"x\"}",
     "Request_BadRequest"},
    {"{\"type\":\"AsymmetricX509Cert\",\"usage\":\"Verify\",\"key\":\"%s\","
     "\"endDateTime\":\"2999-01-01T00:00:00Z\"}",
     "KeyCredentialsInvalidEndDate"},
    {"{\"type\":\"AsymmetricX509Cert\",\"usage\":\"Verify\",\"key\":\"%s\","
     "\"startDateTime\":\"soon\"}",
     "KeyCredentialsInvalidStartDate"},
};

START_TEST(keys_that_are_none_are_refused_and_nothing_changes)
{
    char *text = encode(certificate), *body;
    const char *mark = strstr(bad_keys[_i].keys, "%s");

    body = mark == NULL ? memory_copy_string(bad_keys[_i].keys)
                        : memory_format("%.*s%s%s", (int)(mark - bad_keys[_i].keys),
                                        bad_keys[_i].keys, text, mark + 2);
    ck_assert_int_eq(patch_keys(body, ""), 400);
    ck_assert_str_eq(said("error.code"), bad_keys[_i].code);
    ck_assert_int_eq(sign_in_with(certificate, key), 200);
    free(body);
    free(text);
}
END_TEST

/* A proof that the caller has `pair`, about the object; owned by the caller. */
static char *prove(const char *object, EVP_PKEY *pair, const char *audience)
{
    char *claims =
        memory_format("{\"aud\":\"%s\",\"iss\":\"%s\",\"exp\":%lld}", audience, object,
                      (long long)(clock_wall_ms(&h.clock) / 1000 + 300));
    char *made = assert_by(certificate, pair, claims);

    free(claims);
    return made;
}

START_TEST(a_key_rolls_with_a_proof_of_the_one_before)
{
    static const char audience[] = "00000002-0000-0000-c000-000000000000";
    X509 *mine = make_certificate(other_key, -60, 3600);
    char *json = key_json(mine, "");

    ck_assert_int_eq(ask(CALL_GET, APP, NULL), 200);

    char *object = memory_copy_string(said("id"));
    char *proofs[] = {prove(object, other_key, audience), prove(object, key, "x"),
                      prove(PIPE, key, audience), prove(object, key, audience)};

    for (size_t i = 0; i < COUNT_OF(proofs); i++) {
        char *body = memory_format("{\"keyCredential\":%s,\"passwordCredential\":null,"
                                   "\"proof\":\"%s\"}",
                                   json, proofs[i]);

        ck_assert_int_eq(ask(CALL_POST, APP "/addKey", body), i < 3 ? 401 : 200);
        free(body);
    }
    ck_assert(uuid_is_valid(said("keyId")));
    ck_assert_ptr_null(json_string_at(h.json, "key"));

    char *removal =
        memory_format("{\"keyId\":\"%s\",\"proof\":\"%s\"}", said("keyId"), proofs[3]);

    ck_assert_int_eq(sign_in_with(mine, other_key), 200);
    ck_assert_int_eq(sign_in_with(certificate, key), 200);
    ck_assert_int_eq(ask(CALL_POST, APP "/removeKey", removal), 204);
    ck_assert_int_eq(sign_in_with(mine, other_key), 401);
    ck_assert_int_eq(ask(CALL_POST, APP "/removeKey", removal), 400);
    for (size_t i = 0; i < COUNT_OF(proofs); i++)
        free(proofs[i]);
    free(removal);
    free(object);
    free(json);
    X509_free(mine);
}
END_TEST

/* ---- federated identity credentials ---- */

#define FEDERATED APP "/federatedIdentityCredentials"
#define NEW_FEDERATED                                                                    \
    "{\"name\":\"main\",\"issuer\":\"https://new.example\",\"subject\":\"repo:c\","      \
    "\"audiences\":[\"api://AzureADTokenExchange\"]}"

/* Signs in by what another issuer says. */
static int sign_in_from(const char *issuer, const char *subject)
{
    char *claims =
        memory_format("{\"iss\":\"%s\",\"sub\":\"%s\",\"exp\":%lld,"
                      "\"aud\":\"api://AzureADTokenExchange\"}",
                      issuer, subject, (long long)(clock_wall_ms(&h.clock) / 1000 + 300));
    const int status = present(assert_by(certificate, other_key, claims));

    free(claims);
    return status;
}

START_TEST(a_federated_credential_of_graph_signs_in_until_it_is_taken_away)
{
    ck_assert_int_ne(sign_in_from("https://new.example", "repo:c"), 200);
    ck_assert_int_eq(ask(CALL_POST, FEDERATED, NEW_FEDERATED), 201);
    ck_assert_int_eq(sign_in_from("https://new.example", "repo:c"), 200);
    ck_assert_int_eq(ask(CALL_PATCH, FEDERATED "/main", "{\"subject\":\"repo:d\"}"), 204);
    ck_assert_int_ne(sign_in_from("https://new.example", "repo:c"), 200);
    ck_assert_int_eq(sign_in_from("https://new.example", "repo:d"), 200);
    ck_assert_int_eq(ask(CALL_GET, FEDERATED "/main", NULL), 200);
    ck_assert_str_eq(said("subject"), "repo:d");
    ck_assert_int_eq(ask(CALL_DELETE, FEDERATED "/main", NULL), 204);
    ck_assert_int_eq(ask(CALL_GET, FEDERATED "/main", NULL), 404);
    ck_assert_int_ne(sign_in_from("https://new.example", "repo:d"), 200);
}
END_TEST

START_TEST(the_federated_credentials_of_a_world_file_are_those_of_graph)
{
    ck_assert_int_eq(ask(CALL_GET, FEDERATED, NULL), 200);

    const cJSON *list = json_at(h.json, "value"), *last = cJSON_GetArrayItem(list, 2);

    ck_assert_int_eq(cJSON_GetArraySize(list), 3);
    ck_assert_str_eq(json_string_at(last, "issuer"), "https://trusted.example");
    ck_assert_str_eq(cJSON_GetArrayItem(json_at(last, "audiences"), 0)->valuestring,
                     "api://AzureADTokenExchange");

    char *url = memory_format(FEDERATED "/%s", json_string_at(last, "id"));

    ck_assert_int_eq(sign_in_from("https://trusted.example", "x"), 200);
    ck_assert_int_eq(ask(CALL_DELETE, url, NULL), 204);
    ck_assert_int_ne(sign_in_from("https://trusted.example", "x"), 200);
    free(url);
}
END_TEST

static const struct {
    const char *body;
    int status;
} bad_federated[] = {
    {"[]", 400},
    {"{}", 400},
    {"{\"name\":\"a "
     "b\",\"issuer\":\"https://i\",\"subject\":\"s\",\"audiences\":[\"a\"]}",
     400},
    {"{\"name\":\"a\",\"issuer\":\"https://i\",\"subject\":\"s\",\"audiences\":[]}", 400},
    {"{\"name\":\"a\",\"issuer\":\"https://i\",\"subject\":\"s\","
     "\"audiences\":[\"a\",\"b\"]}",
     400},
    {"{\"name\":\"a\",\"issuer\":\"https://i\",\"subject\":7,\"audiences\":[\"a\"]}",
     400},
    {"{\"name\":\"a\",\"issuer\":\"https://i\",\"subject\":\"s\",\"audiences\":[\"a\"],"
     "\"id\":\"x\"}",
     400},
    {"{\"name\":\"a\",\"issuer\":\"" ISSUER "\",\"subject\":\"repo:a\","
     "\"audiences\":[\"a\"]}",
     409},
    {"{\"name\":\"credential-1\",\"issuer\":\"https://i\",\"subject\":\"s\","
     "\"audiences\":[\"a\"]}",
     409},
};

START_TEST(a_bad_federated_credential_is_refused)
{
    ck_assert_int_eq(ask(CALL_POST, FEDERATED, bad_federated[_i].body),
                     bad_federated[_i].status);
    ck_assert_int_eq(ask(CALL_GET, FEDERATED, NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "value")), 3);
}
END_TEST

START_TEST(an_application_has_twenty_federated_credentials_at_most)
{
    for (int i = 3; i <= 20; i++) {
        char *body = memory_format("{\"name\":\"n%d\",\"issuer\":\"https://i\","
                                   "\"subject\":\"s%d\",\"audiences\":[\"a\"]}",
                                   i, i);

        ck_assert_int_eq(ask(CALL_POST, FEDERATED, body), i < 20 ? 201 : 400);
        free(body);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identities of the simulator");
    TCase *topic =
        add_case(suite, "users and applications go", set_up_with_ann, close_harness);

    tcase_add_test(topic, a_disabled_user_signs_in_no_more);
    tcase_add_test(
        topic, tokens_of_who_is_disabled_or_deleted_are_revoked_where_clients_can_tell);
    tcase_add_test(topic, tokens_of_a_deleted_application_are_revoked_too);
    tcase_add_test(topic, a_token_for_one_name_of_the_simulator_is_good_under_all);
    topic = add_case(suite, "certificates", set_up, close_harness);
    tcase_add_test(topic,
                   a_certificate_that_graph_was_given_signs_in_until_it_is_taken_away);
    tcase_add_test(topic, the_certificates_of_a_world_file_are_those_of_graph);
    tcase_add_test(topic, a_restored_registration_has_its_certificates_again);
    tcase_add_loop_test(topic, keys_that_are_none_are_refused_and_nothing_changes, 0,
                        (int)COUNT_OF(bad_keys));
    tcase_add_test(topic, a_key_rolls_with_a_proof_of_the_one_before);
    topic = add_case(suite, "federated", set_up, close_harness);
    tcase_add_test(topic,
                   a_federated_credential_of_graph_signs_in_until_it_is_taken_away);
    tcase_add_test(topic, the_federated_credentials_of_a_world_file_are_those_of_graph);
    tcase_add_loop_test(topic, a_bad_federated_credential_is_refused, 0,
                        (int)COUNT_OF(bad_federated));
    tcase_add_test(topic, an_application_has_twenty_federated_credentials_at_most);
    topic = add_case(suite, "tokens", NULL, close_harness);
    tcase_add_loop_test(topic, a_token_for_graph_lists_what_its_application_may_do_there,
                        0, (int)COUNT_OF(roles_rows));
    return run_entra_suite(suite);
}
