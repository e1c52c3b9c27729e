/* tests/check_sim_faults.c - what goes wrong in the simulated world when it is asked to. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>
#include <openssl/evp.h>

#include "sim/faults.h"
#include "tests/suite.h"
#include "tests/world.h"

#include "tests/wire.h"

#define NO_LIMITS "{\"limits\": {\"reads\": null, \"writes\": null, \"deletes\": null}}"

#define GROUPS  "/v1.0/groups"
#define GATEWAY "/providers/Microsoft.ApiManagement/gateways/gw"
#define A_GATEWAY                                                                        \
    "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\","        \
    "\"capacity\":1},\"properties\":{\"virtualNetworkType\":\"None\"}}"

enum { SECOND_MS = 1000, HOUR_MS = 3600000 };

/* ---- the text ---- */

static const struct {
    const char *text, *message;
} bad_texts[] = {
    {"trottle=0.1", "unknown fault 'trottle'; did you mean 'throttle'?"},
    {"xyzzy", "unknown fault 'xyzzy'; there are throttle, error, error-500"},
    {"throttle=1.1", "throttle: '1.1' is neither a rate from 0 to 1 nor the number"},
    {"throttle=-1", "throttle: '-1' is neither a rate"},
    {"error=nan", "error: 'nan' is neither a rate"},
    {"reset", "reset: '' is neither a rate"},
    {"reset=#0", "reset: '#0' is neither a rate"},
    {"reset=#", "reset: '#' is neither a rate"},
    {"timeout=0.1x", "timeout: '0.1x' is neither a rate"},
    {"revoke=0.1,,", "unknown fault ''"},
    {"token-life=2d", "token-life: '2d' is not a duration from 1s to 1d"},
    {"token-life=0", "token-life: '0' is not a duration from 1s to 1d"},
    {"lro-fail=", "lro-fail: which resource? lro-fail=NAME"},
    {"lro-cancel", "lro-cancel: which resource? lro-cancel=NAME"},
};

START_TEST(a_wrong_text_is_refused_with_what_is_wrong)
{
    char *wrong = faults_check(bad_texts[_i].text);

    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, bad_texts[_i].message) != NULL, "%s", wrong);
    free(wrong);
}
END_TEST

static const char *const good_texts[] = {
    "",
    " \n",
    "throttle=0",
    "reset=1,error=0.5\n",
    "reset-after=#3, reset-after=#7",
    "token-life=10m,lro-fail=gw-7,lro-cancel=gw-8,monitor-lost=.5"};

START_TEST(a_good_text_is_taken)
{
    ck_assert_ptr_null(faults_check(good_texts[_i]));
}
END_TEST

START_TEST(a_world_with_a_wrong_text_does_not_open)
{
    struct failure *failure = try_world(NULL, "reset=2", 1);

    ck_assert_ptr_nonnull(failure);
    ck_assert_ptr_nonnull(strstr(failure->message, "reset: '2'"));
    failure_free(failure);
}
END_TEST

START_TEST(faults_are_shown_and_replaced_while_it_runs)
{
    open_world(NULL, NULL, 1);
    h.bearer[strlen("Bearer ")] = 'x'; /* the controls ask for no token */
    ck_assert_int_eq(ask(CALL_POST, "/_sim/faults", "throttle=1,lro-fail=gw"), 200);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 429);
    ck_assert_int_eq(ask(CALL_GET, "/_sim/faults", NULL), 200);
    ck_assert_double_eq(json_number_at(h.json, "struck", 0), 1);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "faults")), 2);

    const cJSON *first = json_at(h.json, "faults")->child;

    ck_assert_str_eq(json_string_at(first, "name"), "throttle");
    ck_assert_str_eq(json_string_at(first, "value"), "1");
    ck_assert_double_eq(json_number_at(first, "struck", 0), 1);
    ck_assert_int_eq(ask(CALL_POST, "/_sim/faults", "throttle=2"), 400);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "throttle: '2'"));
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 429); /* still */
    ck_assert_int_eq(ask(CALL_POST, "/_sim/faults", NULL), 200);
    ck_assert_double_eq(json_number_at(h.json, "struck", 0), 2);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    ck_assert_int_eq(ask(CALL_GET, "/_sim/requests", NULL), 200);
    ck_assert_double_eq(json_number_at(h.json, "faults", 0), 2);
}
END_TEST

/* ---- when they strike ---- */

enum { REQUESTS = 2000 };

/* As many requests as there are bytes in `strikes`, each of which says what became of one;
 * returns how many were struck. PATCH changes nothing here but could. */
static int run(const char *faults, uint64_t seed, char strikes[REQUESTS])
{
    int count = 0;

    open_world(NO_LIMITS, faults, seed);
    for (int i = 0; i < REQUESTS; i++) {
        const int status = call_arm(CALL_PATCH, "", "{}");

        strikes[i] = h.answer.fate == ANSWER_SENT && status == 200 ? '.' : 'x';
        count += strikes[i] == 'x';
    }
    close_world();
    return count;
}

static const char *const rates[] = {"throttle=0.2", "error=0.2",       "error-after=0.2",
                                    "reset=0.2",    "reset-after=0.2", "timeout=0.2"};

START_TEST(a_fault_strikes_at_its_rate_and_a_seed_repeats_it)
{
    char first[REQUESTS], second[REQUESTS], other[REQUESTS];
    const int count = run(rates[_i], 1, first);

    ck_assert_int_gt(count, REQUESTS / 5 - 80); /* 400 and more than four deviations */
    ck_assert_int_lt(count, REQUESTS / 5 + 80);
    run(rates[_i], 1, second);
    ck_assert_mem_eq(first, second, sizeof first);
    run(rates[_i], 2, other);
    ck_assert_mem_ne(first, other, sizeof first);
}
END_TEST

static const char *const numbers[] = {
    "throttle=#3,throttle=#5", "error-after=#3,error-after=#5", "timeout=#3,timeout=#5"};

START_TEST(a_number_strikes_that_request_alone)
{
    char strikes[REQUESTS];

    ck_assert_int_eq(run(numbers[_i], 1, strikes), 2);
    ck_assert_mem_eq(strikes, "..x.x.", 6);
}
END_TEST

START_TEST(a_fault_behind_another_counts_only_what_gets_there)
{
    open_world(NULL, "throttle=#1,reset=#1", 1);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 429);
    ck_assert_int_eq(h.answer.fate, ANSWER_SENT);
    call_arm(CALL_GET, "", NULL);
    ck_assert_int_eq(h.answer.fate, ANSWER_RESET);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
}
END_TEST

START_TEST(no_rule_no_fault)
{
    char strikes[REQUESTS];

    ck_assert_int_eq(run("throttle=0,reset=0", 1, strikes), 0);
}
END_TEST

static void sign_in_form(const char *more)
{
    const struct sim_profile *profile = &h.world->profile;
    char *url = memory_format("/%s/oauth2/v2.0/token", profile->tenant_id);
    char *form = memory_format("grant_type=client_credentials&client_id=%s&client_secret="
                               "%s&scope=http://sim/.default%s",
                               profile->client_id, profile->client_secret, more);

    ask(CALL_POST, url, form);
    free(url);
    free(form);
}

START_TEST(sign_in_fails_but_is_not_throttled)
{
    open_world(NULL, "throttle=1,error-after=1,reset-after=1,error=#2,reset=#2", 1);
    sign_in_form("");
    ck_assert_int_eq(h.answer.status, 200);
    ck_assert_int_eq(h.answer.fate, ANSWER_SENT);
    sign_in_form("");
    ck_assert_int_ge(h.answer.status, 500);
    sign_in_form("");
    ck_assert_int_eq(h.answer.fate, ANSWER_RESET);
}
END_TEST

/* ---- what they look like ---- */

START_TEST(throttling_takes_all_its_forms)
{
    int seconds = 0, dates = 0, milliseconds = 0, unsaid = 0, texts = 0, pages = 0;

    open_world(NULL, "throttle=1", 1);
    for (int i = 0; i < 200; i++) {
        struct tm parts = {0};
        const char *type = h.answer.content_type;

        ck_assert_int_eq(ask(CALL_GET, GROUPS, NULL), 429);
        type = h.answer.content_type;
        texts += type != NULL && strstr(type, "text/plain") != NULL;
        pages += type != NULL && strstr(type, "text/html") != NULL;
        if (type == NULL)
            ck_assert_str_eq(said("error.code"), "TooManyRequests");
        if (h.answer.retry_after_s > 0) {
            ck_assert_int_le(h.answer.retry_after_s, 10);
            seconds++;
        } else if (header("Retry-After") != NULL) {
            ck_assert_ptr_nonnull(
                strptime(header("Retry-After"), "%a, %d %b %Y %H:%M:%S GMT", &parts));
            ck_assert_int_gt((int64_t)timegm(&parts), h.world->now_ms / 1000);
            ck_assert_int_le((int64_t)timegm(&parts), h.world->now_ms / 1000 + 10);
            dates++;
        } else if (header("x-ms-retry-after-ms") != NULL) {
            ck_assert_int_ge(atoi(header("x-ms-retry-after-ms")), 1000);
            milliseconds++;
        } else {
            unsaid++;
        }
    }
    ck_assert_int_gt(seconds, 20);
    ck_assert_int_gt(dates, 20);
    ck_assert_int_gt(milliseconds, 20);
    ck_assert_int_gt(unsaid, 20);
    ck_assert_int_gt(texts, 20);
    ck_assert_int_gt(pages, 20);
}
END_TEST

START_TEST(errors_take_all_their_forms)
{
    int by_status[600] = {0}, documents = 0, pages = 0, empty = 0, pauses = 0;

    open_world(NULL, "error=1", 1);
    for (int i = 0; i < 200; i++) {
        by_status[call_arm(CALL_GET, "", NULL)]++;
        documents += h.json != NULL;
        pages += h.answer.body.length > 0 && h.answer.body.data[0] == '<';
        empty += h.answer.body.length == 0;
        pauses += h.answer.retry_after_s > 0;
        ck_assert(h.answer.retry_after_s == 0 || h.answer.status == 503);
    }
    ck_assert_int_eq(by_status[500] + by_status[502] + by_status[503] + by_status[504],
                     200);
    for (int status = 500; status <= 504; status++)
        ck_assert(status == 501 || by_status[status] > 20);
    ck_assert_int_gt(documents, 20);
    ck_assert_int_gt(pages, 20);
    ck_assert_int_gt(empty, 20);
    ck_assert_int_gt(pauses, 5);
    ck_assert_int_lt(pauses, by_status[503]);
}
END_TEST

/* ---- effect or none ---- */

static const struct {
    const char *faults;
    int created;
} effects[] = {{"throttle=1", 0},
               {"error=1", 0},
               {"reset=1", 0},
               {"error-after=1", 1},
               {"reset-after=1", 1}};

START_TEST(only_what_comes_after_has_an_effect)
{
    open_world(NULL, effects[_i].faults, 1);
    call_arm(CALL_PUT, GATEWAY, A_GATEWAY);
    ck_assert(h.answer.fate == ANSWER_RESET || h.answer.status >= 429);
    ck_assert_ptr_null(h.answer.fate == ANSWER_SENT ? h.answer.location : NULL);
    ck_assert_int_eq(ledger("/gw", "created"), effects[_i].created);
    ck_assert_int_eq(ask(CALL_GET, "/_sim/requests", NULL), 200);
    ck_assert_double_eq(json_number_at(h.json, "writes", -1), effects[_i].created);
}
END_TEST

START_TEST(half_of_what_goes_unanswered_was_done)
{
    char path[64];
    int created = 0;

    open_world(NO_LIMITS, "timeout=1", 1);
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof path, "/providers/Microsoft.Network/virtualNetworks/n%d",
                 i);
        call_arm(CALL_PUT, path,
                 "{\"location\":\"westeurope\",\"properties\":{\"addressSpace\":{"
                 "\"addressPrefixes\":[\"10.9.0.0/16\"]}}}");
        ck_assert_int_eq(h.answer.fate, ANSWER_WITHHELD);
        created += ledger(strrchr(path, '/'), "created");
    }
    ck_assert_int_gt(created, 30);
    ck_assert_int_lt(created, 70);
    ck_assert_int_eq(ask(CALL_GET, "/_sim/requests", NULL), 200);
    ck_assert_double_eq(json_number_at(h.json, "lost", 0), 100);
}
END_TEST

START_TEST(a_refused_write_and_a_read_lose_no_answer)
{
    open_world(NULL, "reset-after=1,error-after=1", 1);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, "{}"), 400);
    ck_assert_int_eq(h.answer.fate, ANSWER_SENT);
}
END_TEST

START_TEST(a_lost_creation_that_is_repeated_counts_once)
{
    open_world(NULL, "reset-after=#1", 1);
    call_arm(CALL_PUT, GATEWAY, A_GATEWAY);
    ck_assert_int_eq(h.answer.fate, ANSWER_RESET);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, A_GATEWAY), 409); /* it goes on */
    ck_assert_str_eq(said("error.code"), "ServiceLocked");
    pass_ms(4 * HOUR_MS);
    sign_in();
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, A_GATEWAY), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_int_eq(ledger("/gw", "created"), 1);
    ck_assert_int_eq(ledger("/gw", "changed"), 0);
}
END_TEST

/* ---- tokens ---- */

START_TEST(tokens_live_as_long_as_the_fault_says)
{
    open_world(NULL, "token-life=10m", 1);
    sign_in();
    ck_assert_double_eq(json_number_at(h.json, "expires_in", 0), 600);
    pass_ms(599 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    pass_ms(1 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    ck_assert_str_eq(said("error.code"), "ExpiredAuthenticationToken");
}
END_TEST

START_TEST(tokens_live_as_long_as_the_world_file_says)
{
    open_world("{\"token_life\": \"90s\"}", NULL, 1);
    sign_in();
    ck_assert_double_eq(json_number_at(h.json, "expires_in", 0), 90);
}
END_TEST

/* The claims of the last answer's challenge, owned by the caller. */
static char *read_challenge(void)
{
    const char *challenge = h.answer.www_authenticate;

    ck_assert_ptr_nonnull(challenge);
    ck_assert_ptr_nonnull(strstr(challenge, "error=\"insufficient_claims\""));

    const char *start = strstr(challenge, "claims=\"") + strlen("claims=\"");
    char *base64 = memory_copy_text(start, strcspn(start, "\""));
    char *claims = memory_new(strlen(base64) + 1);

    ck_assert_int_gt(EVP_DecodeBlock((unsigned char *)claims, (unsigned char *)base64,
                                     (int)strlen(base64)),
                     0);
    free(base64);
    return claims;
}

static void take_token(void)
{
    ck_assert_int_eq(h.answer.status, 200);
    free(h.bearer);
    h.bearer = memory_format("Bearer %s", said("access_token"));
}

START_TEST(a_revoked_token_is_challenged_until_its_claims_come_back)
{
    open_world(NULL, "revoke=#2", 1);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    ck_assert_str_eq(said("error.code"), "InvalidAuthenticationToken");

    char *claims = read_challenge();
    struct buffer more = {0};

    ck_assert_ptr_nonnull(strstr(claims, "\"nbf\""));
    ck_assert_int_eq(ask(CALL_GET, GROUPS, NULL), 401); /* everywhere */
    free(read_challenge());
    sign_in_form(""); /* an ordinary token helps nobody */
    take_token();
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);

    char *old = memory_copy_string(h.bearer);

    buffer_append_string(&more, "&claims=");
    buffer_append_escaped(&more, claims);
    sign_in_form(more.data);
    take_token();
    ck_assert_int_eq(ask(CALL_POST, "/_sim/faults", "revoke=1"), 200);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200); /* and is never revoked */
    ck_assert_int_eq(ask(CALL_GET, GROUPS, NULL), 200);
    free(h.bearer);
    h.bearer = old;
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    buffer_deinit(&more);
    free(claims);
}
END_TEST

/* ---- long operations ---- */

START_TEST(a_poll_can_find_nothing)
{
    open_world(NULL, "monitor-lost=#2", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, A_GATEWAY), 201);

    char *poll = memory_copy_string(h.answer.async_operation);

    ck_assert_int_eq(ask(CALL_GET, poll, NULL), 200);
    ck_assert_int_eq(ask(CALL_GET, poll, NULL), 404);
    ck_assert_int_eq(ask(CALL_GET, poll, NULL), 200);
    free(poll);
}
END_TEST

static const struct {
    const char *faults, *state, *code;
    int status; /* of what Location points to */
} endings[] = {{"lro-fail=GW", "Failed", "InternalServerError", 500},
               {"lro-cancel=gw", "Canceled", "OperationCanceled", 409}};

START_TEST(an_operation_ends_badly_once_and_can_be_begun_again)
{
    open_world(NULL, endings[_i].faults, 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, A_GATEWAY), 201);

    char *poll = memory_copy_string(h.answer.async_operation);
    char *location = memory_copy_string(h.answer.location);

    pass_ms(4 * HOUR_MS);
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, poll, NULL), 200);
    ck_assert_str_eq(said("status"), endings[_i].state);
    ck_assert_str_eq(said("error.code"), endings[_i].code);
    ck_assert_int_eq(ask(CALL_GET, location, NULL), endings[_i].status);
    ck_assert_str_eq(said("error.code"), endings[_i].code);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), endings[_i].state);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, A_GATEWAY), 200);
    ck_assert_str_eq(said("properties.provisioningState"),
                     "Created"); /* from the start */
    pass_ms(4 * HOUR_MS);
    sign_in();
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_int_eq(ledger("/gw", "created"), 1);
    free(poll);
    free(location);
}
END_TEST

START_TEST(a_deletion_that_fails_leaves_the_resource)
{
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, A_GATEWAY), 201);
    pass_ms(4 * HOUR_MS);
    sign_in();
    ck_assert_int_eq(ask(CALL_POST, "/_sim/faults", "lro-fail=gw"), 200);

    char *url = memory_format("%s" GATEWAY "?" VERSION, h.group);
    struct call call = {
        .method = CALL_DELETE, .authorization = h.bearer, .if_match = "*"};

    ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json, url, call), 202);
    pass_ms(HOUR_MS / 2 + SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Failed");
    ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json, url, call), 202);
    pass_ms(HOUR_MS / 2 + SECOND_MS);
    sign_in();
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 404);
    free(url);
}
END_TEST

/* ---- on the wire ---- */

START_TEST(a_reset_is_a_reset)
{
    open_wire("reset=1");

    const int before = count_descriptors();

    for (int i = 0; i < 3; i++) {
        send_request("/subscriptions");
        wait_for_end(900);
        ck_assert(!wire.is_late);
        ck_assert_int_eq(wire.error, ECONNRESET);
        ck_assert_uint_eq(wire.length, 0);
        close(wire.fd);
    }
    ck_assert_int_eq(count_descriptors(), before);
    close_wire();
}
END_TEST

START_TEST(a_timeout_lasts_until_the_client_gives_up)
{
    open_wire("timeout=1");

    const int before = count_descriptors();

    send_request("/subscriptions");
    wait_for_end(100);
    ck_assert(wire.is_late);
    ck_assert_int_eq(wire.error, EAGAIN);
    ck_assert_uint_eq(wire.length, 0);
    shutdown(wire.fd, SHUT_WR);
    wait_for_end(900);
    ck_assert(!wire.is_late);
    close(wire.fd);
    ck_assert_int_eq(count_descriptors(), before);
    send_request("/subscriptions"); /* the next may still wait when the simulator ends */
    wait_for_end(20);
    close_wire();
    close(wire.fd);
}
END_TEST

START_TEST(headers_and_types_are_sent_as_they_were_drawn)
{
    int dates = 0, pages = 0;

    open_wire("throttle=1");
    for (int i = 0; i < 30; i++) {
        send_request("/subscriptions");
        wait_for_end(900);
        ck_assert(!wire.is_late);
        ck_assert_ptr_nonnull(strstr(wire.text, "HTTP/1.1 429 "));
        dates += strstr(wire.text, "\r\nRetry-After: ") != NULL &&
                 strstr(strstr(wire.text, "\r\nRetry-After: "), " GMT\r\n") != NULL;
        pages += strstr(wire.text, "\r\nContent-Type: text/html\r\n") != NULL;
        close(wire.fd);
    }
    ck_assert_int_gt(dates, 0);
    ck_assert_int_gt(pages, 0);
    close_wire();
}
END_TEST

static void add_strike_cases(Suite *suite)
{
    TCase *strikes = add_case(suite, "strikes", open_harness, close_harness),
          *forms = add_case(suite, "forms", open_harness, close_harness);
    TCase *effect = add_case(suite, "effect", open_harness, close_harness);

    tcase_add_loop_test(strikes, a_fault_strikes_at_its_rate_and_a_seed_repeats_it, 0,
                        COUNT_OF(rates));
    tcase_add_loop_test(strikes, a_number_strikes_that_request_alone, 0,
                        COUNT_OF(numbers));
    tcase_add_test(strikes, a_fault_behind_another_counts_only_what_gets_there);
    tcase_add_test(strikes, no_rule_no_fault);
    tcase_add_test(strikes, sign_in_fails_but_is_not_throttled);
    tcase_add_test(forms, throttling_takes_all_its_forms);
    tcase_add_test(forms, errors_take_all_their_forms);
    tcase_add_loop_test(effect, only_what_comes_after_has_an_effect, 0,
                        COUNT_OF(effects));
    tcase_add_test(effect, half_of_what_goes_unanswered_was_done);
    tcase_add_test(effect, a_refused_write_and_a_read_lose_no_answer);
    tcase_add_test(effect, a_lost_creation_that_is_repeated_counts_once);
}

int main(void)
{
    Suite *suite = suite_create("sim faults");
    TCase *text = add_case(suite, "text", open_harness, close_harness),
          *tokens = add_case(suite, "tokens", open_harness, close_harness);
    TCase *operations = add_case(suite, "long operations", open_harness, close_harness);
    TCase *sockets = add_case(suite, "on the wire", open_harness, close_harness);

    signal(SIGPIPE, SIG_IGN); /* as the program does */
    tcase_add_loop_test(text, a_wrong_text_is_refused_with_what_is_wrong, 0,
                        COUNT_OF(bad_texts));
    tcase_add_loop_test(text, a_good_text_is_taken, 0, COUNT_OF(good_texts));
    tcase_add_test(text, a_world_with_a_wrong_text_does_not_open);
    tcase_add_test(text, faults_are_shown_and_replaced_while_it_runs);
    add_strike_cases(suite);
    tcase_add_test(tokens, tokens_live_as_long_as_the_fault_says);
    tcase_add_test(tokens, tokens_live_as_long_as_the_world_file_says);
    tcase_add_test(tokens, a_revoked_token_is_challenged_until_its_claims_come_back);
    tcase_add_test(operations, a_poll_can_find_nothing);
    tcase_add_loop_test(operations, an_operation_ends_badly_once_and_can_be_begun_again,
                        0, COUNT_OF(endings));
    tcase_add_test(operations, a_deletion_that_fails_leaves_the_resource);
    tcase_add_test(sockets, a_reset_is_a_reset);
    tcase_add_test(sockets, a_timeout_lasts_until_the_client_gives_up);
    tcase_add_test(sockets, headers_and_types_are_sent_as_they_were_drawn);

    return run_suite(suite);
}
