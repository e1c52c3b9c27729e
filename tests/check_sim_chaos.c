/* tests/check_sim_chaos.c - faults that are aimed, and those that break, delay or age what the
 * simulated services say. */
#include <signal.h>
#include <string.h>

#include <check.h>

#include "sim/faults.h"
#include "tests/suite.h"
#include "tests/world.h"

#include "tests/wire.h"

#define NO_LIMITS "{\"limits\": {\"reads\": null, \"writes\": null, \"deletes\": null}}"

#define GROUPS     "/v1.0/groups"
#define GATEWAYS   "/providers/Microsoft.ApiManagement/gateways"
#define WORKSPACES "/providers/Microsoft.ApiManagement/service/contoso-apim/workspaces"
#define NETWORKS   "/providers/Microsoft.Network/virtualNetworks"
#define A_GATEWAY                                                                        \
    "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\","        \
    "\"capacity\":1},\"properties\":{\"virtualNetworkType\":\"None\"}}"
#define A_NETWORK                                                                        \
    "{\"location\":\"westeurope\",\"properties\":{\"addressSpace\":{"                    \
    "\"addressPrefixes\":[\"10.9.0.0/16\"]}}}"
#define A_WORKSPACE(name) "{\"properties\":{\"displayName\":\"" name "\"}}"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000 };

/* ---- the text ---- */

static const struct {
    const char *text, *message;
} bad_texts[] = {
    {"error=#3-2", "error: '#3-2' is neither a rate from 0 to 1 nor the number of"},
    {"error=#0-2", "error: '#0-2' is neither"},
    {"error=#3-", "error: '#3-' is neither"},
    {"error=#3x", "error: '#3x' is neither"},
    {"error=0x", "error: '0x' is neither"},
    {"error=x", "error: 'x' is neither"},
    {"error=99999999999999999999x", "error: '99999999999999999999x' is neither"},
    {"error@=0.1", "error: the target is empty"},
    {"error@PUT:=0.1", "error: the target is empty"},
    {"error@FETCH:gw=0.1", "error: 'FETCH' is not a method"},
    {"eror@gw=0.1", "unknown fault 'eror'; did you mean 'error'?"},
    {"lro-fail@gw=soon", "lro-fail: 'soon' is neither"},
    {"lro-hang", "lro-hang: which resource? lro-hang=NAME"},
    {"capacity", "capacity: which region? capacity=REGION"},
    {"capacity@gw=westeurope", "capacity: it has no target"},
    {"token-life@gw=1h", "token-life: it has no target"},
    {"replication-lag=0", "replication-lag: '0' is not a duration from 1ms to 1d"},
    {"replication-lag=-1s", "replication-lag: '-1s' is not a duration"},
    {"clock-skew=31d", "clock-skew: '31d' is not a duration from -30d to 30d"},
    {"clock-skew=--1s", "clock-skew: '--1s' is not a duration"},
};

START_TEST(a_wrong_text_is_refused_with_what_is_wrong)
{
    char *wrong = faults_check(bad_texts[_i].text);

    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, bad_texts[_i].message) != NULL, "%s", wrong);
    free(wrong);
}
END_TEST

START_TEST(a_good_text_is_taken)
{
    ck_assert_ptr_null(faults_check(
        "error@gw-payments=0.1, error-503@PUT:*/gateways/*=#3-5,"
        "reset-after@Microsoft.Network/*=3x,lro-fail=gw-7,lro-hang@delete:gw=1,"
        "lro-vanish=0.5,capacity=West "
        "Europe,clock-skew=-10m,replication-lag=30s,stale=0.1,"
        "maintenance=#1,slow=1,truncated=1,malformed=1,html=1,content-type=1,empty=1,"
        "headers-lost=1"));
}
END_TEST

START_TEST(rules_are_listed_with_target_chances_and_strikes)
{
    const cJSON *rule;

    open_world(NULL, "error-503@PUT:*/Gateways/*=#2,slow=0", 1);
    call_arm(CALL_PUT, GATEWAYS "/gw", A_GATEWAY);
    call_arm(CALL_GET, GATEWAYS "/gw", NULL);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/gx", A_GATEWAY), 503);
    ask(CALL_GET, "/_sim/faults", NULL);
    rule = json_at(h.json, "faults")->child;
    ck_assert_str_eq(json_string_at(rule, "name"), "error-503");
    ck_assert_str_eq(json_string_at(rule, "target"), "PUT:*/Gateways/*");
    ck_assert_str_eq(json_string_at(rule, "value"), "#2");
    ck_assert_double_eq(json_number_at(rule, "chances", 0), 2);
    ck_assert_double_eq(json_number_at(rule, "struck", 0), 1);
    ck_assert_ptr_null(json_at(rule->next, "target"));
    ck_assert_int_eq(ask(CALL_DELETE, "/_sim/faults", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "faults")), 0);
    ck_assert_double_eq(json_number_at(h.json, "struck", 0), 1);
}
END_TEST

/* ---- targets ---- */

static const struct {
    const char *target;
    enum call_method method;
    const char *path; /* in the group, or from the root when it begins with "/v1.0" */
    bool is_hit;
} aims[] = {
    {"gw-payments", CALL_GET, GATEWAYS "/gw-payments", true},
    {"GW-Payments", CALL_PUT, GATEWAYS "/gw-payments", true},
    {"gw-payments", CALL_GET, GATEWAYS "/gw-payments/configConnections/c", true},
    {"gw-payments", CALL_GET, GATEWAYS "/gw-payments-2", false},
    {"gw-payments", CALL_GET, GATEWAYS "/gw", false},
    {"payments", CALL_GET, GATEWAYS "/gw-payments", false},
    {"PUT:gw", CALL_PUT, GATEWAYS "/gw", true},
    {"put:gw", CALL_PUT, GATEWAYS "/gw", true},
    {"PUT:gw", CALL_GET, GATEWAYS "/gw", false},
    {"*/gateways/*", CALL_GET, GATEWAYS "/gw", true},
    {"*/gateways/*", CALL_GET, GATEWAYS, false},
    {"*/gateways", CALL_GET, GATEWAYS, true},
    {"gateways/gw", CALL_GET, GATEWAYS "/gw", true},
    {"/gateways/gw", CALL_GET, GATEWAYS "/gw", true},
    {"gateways/gw", CALL_GET, GATEWAYS "/gw/configConnections/c", false},
    {"ateways/gw", CALL_GET, GATEWAYS "/gw", false},
    {"Microsoft.Network/*", CALL_GET, NETWORKS "/vnet-apim", true},
    {"Microsoft.Network/*", CALL_GET, GATEWAYS "/gw", false},
    {"gw-*", CALL_GET, GATEWAYS "/gw-payments", true},
    {"gw-*", CALL_GET, GATEWAYS "/team-gw-1", false},
    {"*a*b*c*", CALL_GET, GATEWAYS "/xaxbxcx", true},
    {"GET:*", CALL_GET, "/v1.0/groups", true},
    {"v1.0/*", CALL_GET, "/v1.0/groups", true},
};

START_TEST(a_target_hits_what_it_says_alone)
{
    char *faults = memory_format("error-500@%s=1", aims[_i].target);

    open_world(NULL, faults, 1);
    if (strncmp(aims[_i].path, "/v1.0", 5) == 0)
        ask(aims[_i].method, aims[_i].path, NULL);
    else
        call_arm(aims[_i].method, aims[_i].path, NULL);
    ck_assert_int_eq(h.answer.status == 500, aims[_i].is_hit);
    free(faults);
}
END_TEST

/* What becomes of ten requests: 'x' is an error. */
static void run_ten(const char *faults, char strikes[11])
{
    open_world(NULL, faults, 1);
    for (int i = 0; i < 10; i++)
        strikes[i] = call_arm(CALL_GET, "", NULL) == 200 ? '.' : 'x';
    strikes[10] = '\0';
}

static const struct {
    const char *faults, *strikes;
} counts[] = {{"error=#3-5", "..xxx....."},
              {"error=3x", "xxx......."},
              {"error=#2,error=#4-5", ".x.xx....."},
              {"error=2x,error@rg-apim=#4", "xx.x......"},
              {"error@elsewhere=#1,error=#2", ".x........"}};

START_TEST(requests_are_counted_by_rule)
{
    char strikes[11];

    run_ten(counts[_i].faults, strikes);
    ck_assert_str_eq(strikes, counts[_i].strikes);
}
END_TEST

START_TEST(an_error_can_be_had_alone)
{
    static const int errors[] = {500, 502, 503, 504};
    char *faults = memory_format("error-%d=1", errors[_i]);

    open_world(NULL, faults, 1);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(call_arm(CALL_GET, "", NULL), errors[_i]);
    free(faults);
}
END_TEST

/* ---- broken bodies ---- */

START_TEST(a_malformed_answer_has_had_its_effect)
{
    open_world(NULL, "malformed@PUT:gw=1", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/gw", A_GATEWAY), 201);
    ck_assert_ptr_null(h.json);
    ck_assert_uint_gt(h.answer.body.length, 20);
    ck_assert_ptr_nonnull(h.answer.async_operation);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "/gw", NULL), 200);
    ck_assert_str_eq(said("name"), "gw");
}
END_TEST

START_TEST(a_page_comes_with_success_or_without)
{
    int pages = 0, errors = 0;

    open_world(NO_LIMITS, "html=1", 1);
    for (int i = 0; i < 100; i++) {
        const int status = call_arm(CALL_GET, "", NULL);

        ck_assert_ptr_nonnull(strstr(h.answer.body.data, "<html>"));
        ck_assert_str_eq(h.answer.content_type, "text/html");
        pages += status == 200;
        errors += status == 502;
    }
    ck_assert_int_gt(pages, 30);
    ck_assert_int_gt(errors, 30);
    ck_assert_int_eq(pages + errors, 100);
}
END_TEST

START_TEST(a_content_type_is_wrong_and_the_body_right)
{
    int texts = 0, pages = 0, bytes = 0;

    open_world(NO_LIMITS, "content-type=1", 1);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
        ck_assert_str_eq(said("name"), "rg-apim");
        texts += strncmp(h.answer.content_type, "text/plain", 10) == 0;
        pages += strcmp(h.answer.content_type, "text/html") == 0;
        bytes += strcmp(h.answer.content_type, "application/octet-stream") == 0;
    }
    ck_assert_int_gt(texts, 15);
    ck_assert_int_gt(pages, 15);
    ck_assert_int_gt(bytes, 15);
}
END_TEST

START_TEST(a_body_is_left_out)
{
    open_world(NULL, "empty=1", 1);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_uint_eq(h.answer.body.length, 0);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "/gw", NULL), 404); /* as it was */
    ck_assert_str_eq(said("error.code"), "ResourceNotFound");
}
END_TEST

START_TEST(poll_headers_vanish_and_the_operation_goes_on)
{
    open_world(NULL, "headers-lost=1", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/gw", A_GATEWAY), 201);
    ck_assert_ptr_null(h.answer.async_operation);
    ck_assert_ptr_null(h.answer.location);
    ck_assert_int_eq(h.answer.retry_after_s, 0);
    ck_assert_str_eq(said("properties.provisioningState"), "Created");
    pass_ms(4 * HOUR_MS);
    sign_in();
    call_arm(CALL_GET, GATEWAYS "/gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
}
END_TEST

START_TEST(a_slow_answer_says_how_late_it_is)
{
    int64_t least = INT64_MAX, most = 0;

    open_world(NO_LIMITS, "slow=1", 1);
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
        ck_assert_int_eq(h.answer.fate, ANSWER_LATE);
        least = h.answer.delay_ms < least ? h.answer.delay_ms : least;
        most = h.answer.delay_ms > most ? h.answer.delay_ms : most;
    }
    ck_assert_int_ge(least, SECOND_MS);
    ck_assert_int_lt(least, 2 * SECOND_MS);
    ck_assert_int_le(most, 10 * SECOND_MS);
    ck_assert_int_gt(most, 9 * SECOND_MS);
    ask(CALL_GET, "/_sim/requests", NULL); /* the controls are spared */
    ck_assert_int_eq(h.answer.fate, ANSWER_SENT);
    ck_assert_double_eq(json_number_at(h.json, "lost", -1), 0);
}
END_TEST

/* ---- what a while does ---- */

static int count_workspaces(void)
{
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACES, NULL), 200);
    return cJSON_GetArraySize(json_at(h.json, "value"));
}

static void delete_workspace(const char *name)
{
    char *url = memory_format("%s" WORKSPACES "/%s?" VERSION, h.group, name);

    ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json, url,
                               (struct call){.method = CALL_DELETE,
                                             .authorization = h.bearer,
                                             .if_match = "*"}),
                     200);
    free(url);
}

START_TEST(reads_lag_behind_writes)
{
    open_world(NULL, "replication-lag=30s", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("one")), 201);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACES "/w", NULL), 404);
    ck_assert_int_eq(count_workspaces(), 0);
    pass_ms(30 * SECOND_MS - 1);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACES "/w", NULL), 404);
    pass_ms(1);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACES "/w", NULL), 200);
    ck_assert_int_eq(count_workspaces(), 1);

    pass_ms(HOUR_MS / 2);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("two")), 200);
    pass_ms(10 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("three")), 200);
    call_arm(CALL_GET, WORKSPACES "/w", NULL);
    ck_assert_str_eq(said("properties.displayName"), "one");
    pass_ms(20 * SECOND_MS);
    call_arm(CALL_GET, WORKSPACES "/w", NULL);
    ck_assert_str_eq(said("properties.displayName"), "two");
    pass_ms(10 * SECOND_MS);
    call_arm(CALL_GET, WORKSPACES "/w", NULL);
    ck_assert_str_eq(said("properties.displayName"), "three");

    delete_workspace("w");
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACES "/w", NULL), 200);
    ck_assert_int_eq(count_workspaces(), 1);
    pass_ms(30 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACES "/w", NULL), 404);
    ck_assert_int_eq(ledger("/w", "created"), 1);
    ck_assert_int_eq(ledger("/w", "deleted"), 1);
}
END_TEST

START_TEST(some_reads_are_stale)
{
    int missing = 0;

    open_world(NO_LIMITS, "stale=0.3", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("one")), 201);
    for (int i = 0; i < 200; i++)
        missing += call_arm(CALL_GET, WORKSPACES "/w", NULL) == 404;
    ck_assert_int_gt(missing, 35);
    ck_assert_int_lt(missing, 85);
    pass_ms(10 * SECOND_MS);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(call_arm(CALL_GET, WORKSPACES "/w", NULL), 200);
}
END_TEST

START_TEST(a_write_sees_what_reads_do_not)
{
    open_world(NULL, "replication-lag=1h", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("one")), 201);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("one")), 200);
    ck_assert_int_eq(ledger("/w", "created"), 1);
}
END_TEST

START_TEST(clocks_are_wrong_by_as_much_as_is_said)
{
    static const struct {
        const char *faults;
        int64_t ms;
    } skews[] = {{"clock-skew=1h", HOUR_MS}, {"clock-skew=-90s", -90 * SECOND_MS}};
    int64_t created_ms;

    open_world(NULL, skews[_i].faults, 1);
    sign_in();
    ck_assert_double_eq(json_number_at(h.json, "expires_in", 0), 3599);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/gw", A_GATEWAY), 201);
    ck_assert_int_eq(clock_parse_utc(said("properties.createdAtUtc"), &created_ms), 0);
    ck_assert_int_eq(created_ms, h.world->now_ms + skews[_i].ms);
    ask(CALL_GET, "/_sim/clock", NULL);
    ck_assert_int_eq(clock_parse_utc(said("now"), &created_ms), 0);
    ck_assert_int_eq(created_ms, h.world->now_ms); /* the controls know */
    pass_ms(3598 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    pass_ms(1 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
}
END_TEST

START_TEST(a_service_in_maintenance_is_locked_for_a_while_and_others_are_not)
{
    open_world(NULL, "maintenance@contoso-apim=#1", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("one")), 409);
    ck_assert_str_eq(said("error.code"), "ServiceLocked");
    ck_assert_str_eq(said("error.message"),
                     "The API Service contoso-apim is transitioning at this time. Please "
                     "try the request again later.");
    pass_ms(MINUTE_MS - 1);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/x", A_WORKSPACE("one")), 409);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACES, NULL), 200);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/gw", A_GATEWAY), 201);
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORKS "/net", A_NETWORK), 201);
    pass_ms(9 * MINUTE_MS + 1);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("one")), 201);
}
END_TEST

START_TEST(maintenance_ends_with_its_rule_and_the_clock_knows_its_end)
{
    open_world(NULL, "maintenance=#1", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("one")), 409);

    const int64_t end_ms = world_next_event(h.world);

    ck_assert_int_ge(end_ms, h.world->now_ms + MINUTE_MS);
    ck_assert_int_le(end_ms, h.world->now_ms + 10 * MINUTE_MS);
    ck_assert_int_eq(ask(CALL_DELETE, "/_sim/faults", NULL), 200);
    ck_assert_int_eq(call_arm(CALL_PUT, WORKSPACES "/w", A_WORKSPACE("one")), 201);
}
END_TEST

/* ---- operations ---- */

START_TEST(a_full_region_refuses_at_once_or_in_the_end)
{
    int refused = 0, failed = 0;
    char path[128];

    open_world(NO_LIMITS, "capacity=West Europe", 1);
    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof path, GATEWAYS "/gw%d", i);
        if (call_arm(CALL_PUT, path, A_GATEWAY) == 409) {
            ck_assert_str_eq(said("error.code"), "SkuNotAvailable");
            refused++;
        }
    }
    pass_ms(4 * HOUR_MS);
    sign_in();
    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof path, GATEWAYS "/gw%d", i);
        if (call_arm(CALL_GET, path, NULL) == 404)
            continue;
        ck_assert_str_eq(said("properties.provisioningState"), "Failed");
        failed++;
    }
    ck_assert_int_gt(refused, 8);
    ck_assert_int_gt(failed, 8);
    ck_assert_int_eq(refused + failed, 40);
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORKS "/net", A_NETWORK), 201);
    ask(CALL_DELETE, "/_sim/faults", NULL);
    ck_assert_int_lt(call_arm(CALL_PUT, GATEWAYS "/gw0", A_GATEWAY), 300);
}
END_TEST

START_TEST(another_region_has_room)
{
    open_world(NULL, "capacity=uksouth", 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/gw0", A_GATEWAY), 201);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/gw1", A_GATEWAY), 201);
    pass_ms(4 * HOUR_MS);
    sign_in();
    call_arm(CALL_GET, GATEWAYS "/gw0", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
}
END_TEST

static char *start_gateway(void)
{
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/gw", A_GATEWAY), 201);
    return memory_copy_string(h.answer.async_operation);
}

START_TEST(an_operation_hangs_until_the_rule_is_taken_back)
{
    open_world(NULL, "lro-hang=gw", 1);

    char *url = start_gateway();

    pass_ms(INT64_C(72) * HOUR_MS);
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200); /* days later */
    ck_assert_str_eq(said("status"), "InProgress");
    ck_assert_double_eq(json_number_at(h.json, "percentComplete", 0), 99);
    ck_assert_int_eq(world_next_event(h.world), INT64_MAX);
    call_arm(CALL_GET, GATEWAYS "/gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Activating");
    ck_assert_int_eq(call_arm(CALL_PATCH, GATEWAYS "/gw", "{\"tags\":{\"a\":\"b\"}}"),
                     409);
    ck_assert_int_eq(ask(CALL_POST, "/_sim/faults", "lro-hang=gw"), 200); /* once more */
    ask(CALL_GET, url, NULL);
    ck_assert_str_eq(said("status"), "InProgress");
    ck_assert_int_eq(ask(CALL_DELETE, "/_sim/faults", NULL), 200);
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    ck_assert_str_eq(said("status"), "Succeeded");
    call_arm(CALL_GET, GATEWAYS "/gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    free(url);
}
END_TEST

START_TEST(a_world_that_is_opened_without_the_rule_hangs_no_longer)
{
    snprintf(h.state, sizeof h.state, "/tmp/check_chaos.%d", (int)getpid());
    open_world(NULL, "lro-hang=gw", 1);
    free(start_gateway());
    pass_ms(4 * HOUR_MS);
    sign_in();
    call_arm(CALL_GET, GATEWAYS "/gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Activating");
    close_world();
    ck_assert_ptr_null(try_world(NULL, "lro-hang=gw", 1));
    call_arm(CALL_GET, GATEWAYS "/gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Activating");
    close_world();
    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    call_arm(CALL_GET, GATEWAYS "/gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    close_world();
    unlink(h.state);
}
END_TEST

START_TEST(an_operation_succeeds_and_leaves_nothing)
{
    open_world(NULL, "lro-vanish@PUT:gw=1", 1);

    char *url = start_gateway();

    pass_ms(4 * HOUR_MS);
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    ck_assert_str_eq(said("status"), "Succeeded");
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "/gw", NULL), 404);
    free(url);
}
END_TEST

START_TEST(operations_are_struck_at_a_rate_and_by_verb)
{
    int failed = 0;
    char path[128];

    open_world(NO_LIMITS, "lro-fail@PUT:*/virtualNetworks/*=0.5,lro-fail@DELETE:*=1", 1);
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof path, NETWORKS "/net%d", i);
        ck_assert_int_eq(call_arm(CALL_PUT, path, A_NETWORK), 201);
    }
    pass_ms(MINUTE_MS);
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof path, NETWORKS "/net%d", i);
        call_arm(CALL_GET, path, NULL);
        failed += strcmp(said("properties.provisioningState"), "Failed") == 0;
    }
    ck_assert_int_gt(failed, 30);
    ck_assert_int_lt(failed, 70);
}
END_TEST

/* ---- on the wire ---- */

/* For the description of the sign-in service, which takes no token. */
static void ask_entra(void)
{
    char *path = memory_format("/%s/v2.0/.well-known/openid-configuration",
                               sim_profile(wire.sim)->tenant_id);

    send_request(path);
    free(path);
}

START_TEST(a_truncated_body_is_shorter_than_it_was_said_to_be)
{
    open_wire("truncated=1");
    ask_entra();
    wait_for_end(900);
    ck_assert(!wire.is_late);
    ck_assert_int_eq(wire.error, 0); /* FIN, and no RST */

    const char *length = strstr(wire.text, "Content-Length: ");
    const char *body = strstr(wire.text, "\r\n\r\n");

    ck_assert_ptr_nonnull(length);
    ck_assert_ptr_nonnull(body);
    ck_assert_int_eq(atoi(length + strlen("Content-Length: ")) / 2,
                     (int)strlen(body + 4));
    ck_assert_int_eq(body[4], '{');
    close(wire.fd);
    close_wire();
}
END_TEST

START_TEST(a_slow_answer_passes_virtual_time_and_no_other)
{
    open_wire("slow=1");

    const int64_t before_ms = clock_now_ms(&h.clock);
    const int64_t machine_ms = clock_machine_ms();

    for (int i = 0; i < 3; i++) {
        ask_entra();
        wait_for_end(900);
        ck_assert(!wire.is_late);
        ck_assert_ptr_nonnull(strstr(wire.text, "HTTP/1.1 200 "));
        close(wire.fd);
    }
    ck_assert_int_ge(clock_now_ms(&h.clock), before_ms + 3 * SECOND_MS);
    ck_assert_int_le(clock_now_ms(&h.clock), before_ms + 30 * SECOND_MS);
    ck_assert_int_lt(clock_machine_ms() - machine_ms, 900);
    close_wire();
}
END_TEST

START_TEST(an_idle_simulator_for_others_lets_slow_answers_go)
{
    open_wire("slow=1");
    sim_serve_others(wire.sim);

    const int64_t before_ms = clock_now_ms(&h.clock);

    ask_entra();
    wait_for_end(900);
    ck_assert(!wire.is_late);
    ck_assert_ptr_nonnull(strstr(wire.text, "HTTP/1.1 200 "));
    ck_assert_int_ge(clock_now_ms(&h.clock), before_ms + SECOND_MS);
    close(wire.fd);
    close_wire();
}
END_TEST

START_TEST(a_client_that_leaves_is_not_answered)
{
    clock_init(&h.clock, CLOCK_REAL, 1);
    open_wire("slow=1");

    const int before = count_descriptors();

    ask_entra();
    wait_for_end(20); /* the request is there, and the answer held back */
    ck_assert(wire.is_late);
    shutdown(wire.fd, SHUT_WR);
    wait_for_end(900);
    ck_assert(!wire.is_late); /* the server has seen it */
    ck_assert_uint_eq(wire.length, 0);
    close(wire.fd);
    ck_assert_int_eq(count_descriptors(), before);
    ask_entra(); /* the next may still be held back when the simulator ends */
    wait_for_end(20);
    ck_assert(wire.is_late);
    close_wire();
    close(wire.fd);
}
END_TEST

static void add_rule_cases(Suite *suite)
{
    TCase *text = add_case(suite, "text", open_harness, close_harness),
          *targets = add_case(suite, "targets", open_harness, close_harness);

    tcase_add_loop_test(text, a_wrong_text_is_refused_with_what_is_wrong, 0,
                        COUNT_OF(bad_texts));
    tcase_add_test(text, a_good_text_is_taken);
    tcase_add_test(text, rules_are_listed_with_target_chances_and_strikes);
    tcase_add_loop_test(targets, a_target_hits_what_it_says_alone, 0, COUNT_OF(aims));
    tcase_add_loop_test(targets, requests_are_counted_by_rule, 0, COUNT_OF(counts));
    tcase_add_loop_test(targets, an_error_can_be_had_alone, 0, 4);
}

static void add_body_cases(Suite *suite)
{
    TCase *bodies = add_case(suite, "broken answers", open_harness, close_harness);

    tcase_add_test(bodies, a_malformed_answer_has_had_its_effect);
    tcase_add_test(bodies, a_page_comes_with_success_or_without);
    tcase_add_test(bodies, a_content_type_is_wrong_and_the_body_right);
    tcase_add_test(bodies, a_body_is_left_out);
    tcase_add_test(bodies, poll_headers_vanish_and_the_operation_goes_on);
    tcase_add_test(bodies, a_slow_answer_says_how_late_it_is);
}

static void add_time_cases(Suite *suite)
{
    TCase *time = add_case(suite, "a while", open_harness, close_harness),
          *operations = add_case(suite, "operations", open_harness, close_harness);

    tcase_add_test(time, reads_lag_behind_writes);
    tcase_add_test(time, some_reads_are_stale);
    tcase_add_test(time, a_write_sees_what_reads_do_not);
    tcase_add_loop_test(time, clocks_are_wrong_by_as_much_as_is_said, 0, 2);
    tcase_add_test(time,
                   a_service_in_maintenance_is_locked_for_a_while_and_others_are_not);
    tcase_add_test(time, maintenance_ends_with_its_rule_and_the_clock_knows_its_end);
    tcase_add_test(operations, a_full_region_refuses_at_once_or_in_the_end);
    tcase_add_test(operations, another_region_has_room);
    tcase_add_test(operations, an_operation_hangs_until_the_rule_is_taken_back);
    tcase_add_test(operations, a_world_that_is_opened_without_the_rule_hangs_no_longer);
    tcase_add_test(operations, an_operation_succeeds_and_leaves_nothing);
    tcase_add_test(operations, operations_are_struck_at_a_rate_and_by_verb);
}

static void add_wire_cases(Suite *suite)
{
    TCase *sockets = add_case(suite, "on the wire", open_harness, close_harness);

    tcase_add_test(sockets, a_truncated_body_is_shorter_than_it_was_said_to_be);
    tcase_add_test(sockets, a_slow_answer_passes_virtual_time_and_no_other);
    tcase_add_test(sockets, an_idle_simulator_for_others_lets_slow_answers_go);
    tcase_add_test(sockets, a_client_that_leaves_is_not_answered);
}

int main(void)
{
    Suite *suite = suite_create("sim chaos");

    signal(SIGPIPE, SIG_IGN); /* as the program does */
    add_rule_cases(suite);
    add_body_cases(suite);
    add_time_cases(suite);
    add_wire_cases(suite);

    return run_suite(suite);
}
