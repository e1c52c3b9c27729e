/* tests/check_sim_entra_users.c - the simulated sign-in of people: passwords, refresh tokens,
 * device codes, a browser. */
#include "base/text.h"
#include "entra.h"
#include "sim/database.h"

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

START_TEST(who_waits_or_is_signed_in_stays_so_when_the_simulator_restarts)
{
    char state[] = "/tmp/check_entra_state.XXXXXX";
    const int fd = mkstemp(state);

    ck_assert_int_ge(fd, 0);
    close(fd);
    close_world();
    snprintf(h.state, sizeof h.state, "%s", state);
    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    ask_for_codes();
    close_world();
    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    ck_assert_int_eq(decide(codes.user, ",\"user\":\"" ANN "\""), 200);
    ck_assert_int_eq(poll_code(), 200);

    char *token = memory_copy_string(said("refresh_token"));

    close_world();
    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    ck_assert_int_eq(refresh(AZ, token, ""), 200);
    close_world();
    unlink(state);
    free(token);
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

/* ---- a browser ---- */

#define AUTHORIZE                                                                        \
    "client_id=" AZ "&redirect_uri=http%3A%2F%2Flocalhost%3A8400&state=a%26b&nonce=n1&"  \
    "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&"                        \
    "code_challenge_method=S256&" USER_SCOPE
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" /* RFC 7636, appendix B */

/* Signs in on the page. */
static int enter(const char *fields, const char *more)
{
    char *form = memory_format("%s&%s", fields, more);
    const int status = post("oauth2/v2.0/authorize", form);

    free(form);
    return status;
}

/* The code of the last redirect, owned by the caller. */
static char *take_code(void)
{
    static const char start[] = "http://localhost:8400?code=";

    ck_assert_ptr_nonnull(h.answer.location);
    ck_assert_int_eq(strncmp(h.answer.location, start, strlen(start)), 0);

    const char *code = h.answer.location + strlen(start);

    ck_assert_str_eq(strchr(code, '&'), "&state=a%26b");
    return memory_copy_text(code, strcspn(code, "&"));
}

static int redeem(const char *code, const char *redirect, const char *verifier)
{
    char *form = memory_format("grant_type=authorization_code&client_id=" AZ
                               "&code=%s&redirect_uri=%s&code_verifier=%s",
                               code, redirect, verifier);
    const int status = post("oauth2/v2.0/token", form);

    free(form);
    return status;
}

START_TEST(a_browser_brings_a_code_that_is_good_once)
{
    ck_assert_int_eq(
        get("/" TENANT "/oauth2/v2.0/authorize?response_type=code&" AUTHORIZE), 200);
    ck_assert_ptr_nonnull(strstr(
        h.answer.body.data, "<input type=\"hidden\" name=\"state\" value=\"a&amp;b\">"));
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "Microsoft Azure CLI"));
    ck_assert_int_eq(
        enter(AUTHORIZE "&response_type=code", "user=" ANN "&decision=approve"), 302);

    char *code = take_code();

    ck_assert_int_eq(redeem(code, "http://localhost:8400", VERIFIER), 200);
    claims_are("id_token", "{\"nonce\":\"n1\",\"preferred_username\":\"" ANN "\"}");
    claims_are("access_token", "{\"aud\":\"" ARM "\"}");
    ck_assert_str_ne(said("refresh_token"), "");
    redeem(code, "http://localhost:8400", VERIFIER);
    refused(400, "invalid_grant", 9002313);
    free(code);
}
END_TEST

static const struct {
    const char *redirect, *verifier;
    int later_s, code;
} redemptions[] = {{"http://localhost:8401", VERIFIER, 0, 500112},
                   {"http://localhost:8400", "another", 0, 501481},
                   {"http://localhost:8400", "", 0, 501481},
                   {"http://localhost:8400", VERIFIER, 600, 70008}};

START_TEST(a_code_is_for_who_asked_for_it_and_soon)
{
    ck_assert_int_eq(
        enter(AUTHORIZE "&response_type=code", "user=" ANN "&decision=approve"), 302);

    char *code = take_code();

    pass_ms(redemptions[_i].later_s * 1000);
    redeem(code, redemptions[_i].redirect, redemptions[_i].verifier);
    refused(400, "invalid_grant", redemptions[_i].code);
    free(code);
}
END_TEST

START_TEST(a_person_can_cancel_or_mistype)
{
    ck_assert_int_eq(enter(AUTHORIZE "&response_type=code&response_mode=fragment",
                           "user=" ANN "&decision=decline"),
                     302);
    ck_assert_str_eq(h.answer.location,
                     "http://localhost:8400#error=access_denied&state=a%26b");
    ck_assert_int_eq(
        enter(AUTHORIZE "&response_type=code", "user=nobody&decision=approve"), 400);
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "no such user"));
    ck_assert_int_eq(enter(AUTHORIZE "&response_type=code&response_mode=form_post",
                           "user=" ANN "&decision=approve"),
                     200);
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "action=\"http://localhost:8400\""));
    ck_assert_ptr_nonnull(strstr(h.answer.body.data, "name=\"code\""));
}
END_TEST

static const struct {
    const char *query, *error;
    int code;
} requests[] = {
    {"client_id=" AZ
     "&response_type=code&redirect_uri=https%3A%2F%2Fx.example&" USER_SCOPE,
     "invalid_request", 50011},
    {"client_id=" AZ "&response_type=code&" USER_SCOPE, "invalid_request", 50011},
    {"client_id=" AZ "&response_type=token&redirect_uri=http://localhost&" USER_SCOPE,
     "unsupported_response_type", 70005},
    {"client_id=" AZ "&response_type=code&redirect_uri=http://localhost&"
     "code_challenge_method=S512&" USER_SCOPE,
     "invalid_request", 501491},
    {"client_id=" AZ "&response_type=code&redirect_uri=http://localhost",
     "invalid_request", 900144},
    {"client_id=x&response_type=code&redirect_uri=http://localhost&" USER_SCOPE,
     "unauthorized_client", 700016},
};

START_TEST(a_wrong_request_is_not_told_to_the_application)
{
    char *url = memory_format("/" TENANT "/oauth2/v2.0/authorize?%s", requests[_i].query);

    get(url);
    refused(400, requests[_i].error, requests[_i].code);
    ck_assert_ptr_null(h.answer.location);
    free(url);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim entra users");
    TCase *users = add_case(suite, "users", set_up, close_harness);
    TCase *browser = add_case(suite, "browser", set_up, close_harness);
    TCase *devices = add_case(suite, "device codes", set_up, close_harness);

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
    tcase_add_test(devices,
                   who_waits_or_is_signed_in_stays_so_when_the_simulator_restarts);
    tcase_add_test(devices, the_older_endpoint_has_names_of_its_own);
    tcase_add_test(devices, a_person_can_enter_the_code_on_a_page);
    tcase_add_test(browser, a_browser_brings_a_code_that_is_good_once);
    tcase_add_loop_test(browser, a_code_is_for_who_asked_for_it_and_soon, 0,
                        COUNT_OF(redemptions));
    tcase_add_test(browser, a_person_can_cancel_or_mistype);
    tcase_add_loop_test(browser, a_wrong_request_is_not_told_to_the_application, 0,
                        COUNT_OF(requests));
    return run_entra_suite(suite);
}
