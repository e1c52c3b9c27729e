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

int main(void)
{
    Suite *suite = suite_create("identities of the simulator");
    TCase *topic =
        add_case(suite, "users and applications go", set_up_with_ann, close_harness);

    tcase_add_test(topic, a_disabled_user_signs_in_no_more);
    tcase_add_test(
        topic, tokens_of_who_is_disabled_or_deleted_are_revoked_where_clients_can_tell);
    tcase_add_test(topic, tokens_of_a_deleted_application_are_revoked_too);
    topic = add_case(suite, "tokens", NULL, close_harness);
    tcase_add_loop_test(topic, a_token_for_graph_lists_what_its_application_may_do_there,
                        0, (int)COUNT_OF(roles_rows));
    return run_suite(suite);
}
