/* tests/check_challenge.c - what a WWW-Authenticate field asks for, and how the credential
 * stage answers it; and base64, which it comes in. */
#include <string.h>

#include <check.h>

#include "base/base64.h"
#include "base/failure.h"
#include "harness.h"
#include "pipeline/challenge.h"

static struct harness h;

static void set_up(void)
{
    harness_open(&h, &(struct transport_options){.total_timeout_ms = 2000});
}

static void tear_down(void)
{
    harness_close(&h);
}

/* --- base64 ------------------------------------------------------------------------------ */

/* RFC 4648, 10, and the bytes in which the alphabets differ. */
static const struct {
    const char *bytes, *text, *url_text;
} base64_rows[] = {{"", "", ""},
                   {"f", "Zg==", "Zg"},
                   {"fo", "Zm8=", "Zm8"},
                   {"foo", "Zm9v", "Zm9v"},
                   {"foob", "Zm9vYg==", "Zm9vYg"},
                   {"fooba", "Zm9vYmE=", "Zm9vYmE"},
                   {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                   {"\xfb\xff\xfe", "+//+", "-__-"}};

static void assert_decodes(const char *text, const char *bytes)
{
    struct buffer decoded = {0};

    ck_assert(base64_decode(&decoded, text, strlen(text)));
    ck_assert_uint_eq(decoded.length, strlen(bytes));
    ck_assert(decoded.length == 0 || memcmp(decoded.data, bytes, decoded.length) == 0);
    buffer_deinit(&decoded);
}

START_TEST(base64_goes_there_and_back)
{
    const char *bytes = base64_rows[_i].bytes;
    struct buffer text = {0}, url_text = {0};

    base64_append(&text, bytes, strlen(bytes));
    base64_append_url(&url_text, bytes, strlen(bytes));
    buffer_append_string(&text, "");
    buffer_append_string(&url_text, "");
    ck_assert_str_eq(text.data, base64_rows[_i].text);
    ck_assert_str_eq(url_text.data, base64_rows[_i].url_text);
    assert_decodes(text.data, bytes);
    assert_decodes(url_text.data, bytes);
    buffer_deinit(&text);
    buffer_deinit(&url_text);
}
END_TEST

static const char *const not_base64[] = {"Z",     "Zm9vY", "Zg=",  "Z===", "=",    "Zm=v",
                                         "Zm9v=", "Zm 9",  "Zm9*", "====", "Zg==="};

START_TEST(what_is_not_base64_is_refused)
{
    struct buffer decoded = {0};

    buffer_append_string(&decoded, "kept");
    ck_assert(!base64_decode(&decoded, not_base64[_i], strlen(not_base64[_i])));
    ck_assert_str_eq(decoded.data, "kept");
    buffer_deinit(&decoded);
}
END_TEST

/* --- the field ----------------------------------------------------------------------------- */

static const struct field_row {
    const char *field, *scheme, *name, *value; /* NULL: it is not there */
} field_rows[] = {
    {"Basic realm=/var/opt/azcmagent/tokens/a.key", "Basic", "realm",
     "/var/opt/azcmagent/tokens/a.key"},
    {"Basic realm=\"a b\"", "basic", "REALM", "a b"},
    {"Bearer a=1, b=\"2\"", "Bearer", "b", "2"},
    {"Bearer a = 1 ,\tb\t=\t\"2\"", "Bearer", "b", "2"},
    {"Negotiate, Bearer a=1", "Bearer", "a", "1"},
    {"Negotiate YWJj==, Bearer a=1", "Bearer", "a", "1"},
    {"Negotiate YWJj, Bearer a=1", "Bearer", "a", "1"},
    {"Bearer a=1, Basic a=2", "Basic", "a", "2"},
    {"Bearer a=1, Bearer b=2", "Bearer", "b", "2"},
    {"Bearer a=1, , ,b=2,", "Bearer", "b", "2"},
    {"Bearer q=\"a\\\"b\\\\c\"", "Bearer", "q", "a\"b\\c"},
    {"Bearer q=\"a, Basic x=1\", x=2", "Bearer", "x", "2"},
    {"Bearer q=\"a, Basic x=1\", x=2", "Basic", "x", NULL},
    {"Bearer q=\"\"", "Bearer", "q", ""},
    {"Bearer a=b==", "Bearer", "a", "b=="},
    {"Bearer a=", "Bearer", "a", NULL},
    {"Bearer", "Bearer", "a", NULL},
    {"", "Bearer", "a", NULL},
    {",,", "Bearer", "a", NULL},
    {"a=1", "Bearer", "a", NULL},
    {"Bearer a=1 b=2", "Bearer", "a", NULL},
    {"Bearer a=1, a=2", "Bearer", "a", NULL},
    {"Bearer a=\"1", "Bearer", "a", NULL},
    {"Bearer a=\"1\\", "Bearer", "a", NULL},
    {"Bearer a=\"1\x01\"", "Bearer", "a", NULL},
    {"Bearer a=\"1\"2", "Bearer", "a", NULL},
    {"Bearer(a=1)", "Bearer", "a", NULL},
    {"Bearer a=1, \"b\"", "Bearer", "a", NULL},
    {"Bearer a=1, =2", "Bearer", "a", NULL},
};

START_TEST(a_parameter_is_found_in_its_challenge)
{
    const struct field_row *row = &field_rows[_i];
    char *value = challenge_parameter(row->field, row->scheme, row->name);

    if (row->value != NULL) {
        ck_assert_ptr_nonnull(value);
        ck_assert_str_eq(value, row->value);
    } else {
        ck_assert_msg(value == NULL, "'%s' from: %s", value, row->field);
    }
    free(value);
}
END_TEST

START_TEST(fields_without_bound_are_refused)
{
    struct buffer many = {0}, large = {0};

    buffer_append_string(&many, "Bearer ");
    for (int i = 0; i < 100; i++)
        buffer_printf(&many, "p%d=1,", i);
    ck_assert_ptr_null(challenge_parameter(many.data, "Bearer", "p0"));
    buffer_append_string(&large, "Bearer a=1, b=\"");
    for (int i = 0; i < 20000; i++)
        buffer_append_char(&large, 'x');
    buffer_append_char(&large, '"');
    ck_assert_ptr_null(challenge_parameter(large.data, "Bearer", "a"));
    buffer_deinit(&many);
    buffer_deinit(&large);
}
END_TEST

/* {"access_token":{"acrs":{"value":"c1"}}} */
#define CLAIMS "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJ2YWx1ZSI6ImMxIn19fQ"

static const struct {
    const char *field;
    bool are_there;
} claims_rows[] = {
    {"Bearer realm=\"\", authorization_uri=\"https://login.example/authorize\", "
     "client_id=\"x\", error=\"insufficient_claims\", claims=\"" CLAIMS "==\"",
     true},
    {"Bearer error=\"insufficient_claims\", claims=\"" CLAIMS "\"", true},
    {"Bearer error=\"insufficient_claims\", claims=" CLAIMS "==", true},
    {"Bearer claims=\"" CLAIMS "\", error=\"invalid_token\", "
     "error_description=\"User session has been revoked\"",
     true},
    {"Negotiate, Bearer a=1, Bearer error=\"insufficient_claims\", claims=\"" CLAIMS "\"",
     true},
    {"Bearer claims=\"" CLAIMS "\"", false},
    {"Bearer error=\"invalid_request\", claims=\"" CLAIMS "\"", false},
    {"PoP error=\"insufficient_claims\", claims=\"" CLAIMS "\"", false},
    {"Bearer error=\"insufficient_claims\", PoP claims=\"" CLAIMS "\"", false},
    {"Bearer error=\"insufficient_claims\"", false},
    {"Bearer error=\"insufficient_claims\", claims=\"\"", false},
    {"Bearer error=\"insufficient_claims\", claims=\"!\"", false},
    {"Bearer error=\"insufficient_claims\", claims=\"WzFd\"", false}, /* [1] */
    {"Bearer error=\"insufficient_claims\", claims=\"eyI\"", false},
};

START_TEST(claims_count_when_a_bearer_challenge_asks_for_them)
{
    char *claims = challenge_claims(claims_rows[_i].field);

    ck_assert_int_eq(claims != NULL, claims_rows[_i].are_there);
    if (claims != NULL)
        ck_assert_str_eq(claims, "{\"access_token\":{\"acrs\":{\"value\":\"c1\"}}}");
    free(claims);
}
END_TEST

/* --- the stage -------------------------------------------------------------------------------- */

#define ASKS                                                                             \
    "WWW-Authenticate: Negotiate\n"                                                      \
    "WWW-Authenticate: Bearer error=\"insufficient_claims\", claims=\"" CLAIMS "\""

/* What a service answers to one request, again and again, and what comes out. */
static const struct stage_row {
    const struct server_step script[4];
    int status;
    unsigned requests, tokens;
} stage_rows[] = {
    {{STEP("GET /a", 401, ASKS, NULL), STEP("GET /a", 200, NULL, "x")}, 200, 2, 2},
    {{STEP("GET /a", 403, ASKS, NULL), STEP("GET /a", 200, NULL, "x")}, 200, 2, 2},
    {{STEP("GET /a", 401, ASKS, NULL), STEP("GET /a", 401, ASKS, NULL)}, 401, 2, 2},
    {{STEP("GET /a", 401, NULL, NULL), STEP("GET /a", 401, ASKS, NULL),
      STEP("GET /a", 200, NULL, "x")},
     200,
     3,
     3},
    {{STEP("GET /a", 401, ASKS, NULL), STEP("GET /a", 401, NULL, NULL),
      STEP("GET /a", 200, NULL, "x")},
     200,
     3,
     3},
    {{STEP("GET /a", 401, ASKS, NULL), STEP("GET /a", 401, NULL, NULL),
      STEP("GET /a", 401, NULL, NULL)},
     401,
     3,
     3},
    {{STEP("GET /a", 403, NULL, NULL)}, 403, 1, 1},
};

static void on_answer(struct exchange *exchange)
{
    (void)exchange;
}

START_TEST(a_challenge_is_answered_once_of_each_kind)
{
    const struct stage_row *row = &stage_rows[_i];
    char *url = memory_format("%s/a", h.server.base);
    struct exchange *exchange;

    server_play(&h.server, row->script);
    exchange = exchange_new(h.client.pipeline, "GET", url, AUDIENCE_ARM, on_answer);
    exchange_start(exchange);
    harness_settle(&h);
    ck_assert_int_eq(exchange->transfer.status, row->status);
    ck_assert_uint_eq(h.server.request_count, row->requests);
    ck_assert_uint_eq(h.server.token_count, row->tokens);
    ck_assert(row->script[0].fields == NULL ||
              server_got(&h.server, "claims=%7B%22access_token%22%3A%7B%22acrs%22"));
    exchange_free(exchange);
    free(url);
}
END_TEST

START_TEST(a_request_without_a_token_answers_no_challenge)
{
    const struct server_step script[] = {STEP("GET /a", 401, ASKS, NULL), {0}};
    char *url = memory_format("%s/a", h.server.base);
    struct exchange *exchange;

    server_play(&h.server, script);
    exchange = exchange_new(h.client.pipeline, "GET", url, AUDIENCE_NONE, on_answer);
    exchange_start(exchange);
    harness_settle(&h);
    ck_assert_int_eq(exchange->transfer.status, 401);
    ck_assert_uint_eq(h.server.token_count, 0);
    exchange_free(exchange);
    free(url);
}
END_TEST

START_TEST(claims_that_cannot_be_had_are_a_failure_of_the_request)
{
    const struct server_step script[] = {
        STEP("POST /tenant/oauth2/v2.0/token", 200, NULL,
             "{\"access_token\":\"t\",\"expires_in\":3600}"),
        STEP("GET /a", 401, ASKS, NULL),
        STEP("POST /tenant/oauth2/v2.0/token", 400, NULL,
             "{\"error\":\"interaction_required\",\"error_description\":"
             "\"AADSTS53003: Blocked.\"}"),
        {0}};
    char *url = memory_format("%s/a", h.server.base);
    struct exchange *exchange;

    server_play(&h.server, script);
    exchange = exchange_new(h.client.pipeline, "GET", url, AUDIENCE_ARM, on_answer);
    exchange_start(exchange);
    harness_settle(&h);
    ck_assert_str_eq(exchange->transfer.failure->code, "AuthenticationFailed");
    ck_assert_ptr_nonnull(strstr(exchange->transfer.failure->message, "AADSTS53003"));
    exchange_free(exchange);
    free(url);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

int main(void)
{
    Suite *suite = suite_create("challenge");
    TCase *base64 = harness_add_case(suite, "base64", NULL, NULL);
    TCase *field = harness_add_case(suite, "field", NULL, NULL);
    TCase *stage = harness_add_case(suite, "stage", set_up, tear_down);

    tcase_add_loop_test(base64, base64_goes_there_and_back, 0, COUNT(base64_rows));
    tcase_add_loop_test(base64, what_is_not_base64_is_refused, 0, COUNT(not_base64));
    tcase_add_loop_test(field, a_parameter_is_found_in_its_challenge, 0,
                        COUNT(field_rows));
    tcase_add_test(field, fields_without_bound_are_refused);
    tcase_add_loop_test(field, claims_count_when_a_bearer_challenge_asks_for_them, 0,
                        COUNT(claims_rows));
    tcase_add_loop_test(stage, a_challenge_is_answered_once_of_each_kind, 0,
                        COUNT(stage_rows));
    tcase_add_test(stage, a_request_without_a_token_answers_no_challenge);
    tcase_add_test(stage, claims_that_cannot_be_had_are_a_failure_of_the_request);
    return harness_run_suite(suite);
}
