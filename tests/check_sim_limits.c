/* tests/check_sim_limits.c - what Azure Resource Manager lets through: token buckets, and
 * providers that have to be registered first. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/uuid.h"
#include "sim/directory.h"
#include "tests/suite.h"
#include "tests/world.h"

#define SUBSCRIPTION_READS  "x-ms-ratelimit-remaining-subscription-reads"
#define SUBSCRIPTION_WRITES "x-ms-ratelimit-remaining-subscription-writes"
#define GLOBAL_READS        "x-ms-ratelimit-remaining-subscription-global-reads"
#define TENANT_READS        "x-ms-ratelimit-remaining-tenant-reads"

#define NETWORK "/providers/Microsoft.Network/virtualNetworks/net"
#define A_NET                                                                            \
    "{\"location\":\"westeurope\",\"properties\":{\"addressSpace\":{"                    \
    "\"addressPrefixes\":[\"10.9.0.0/16\"]}}}"

enum { SECOND_MS = 1000 };

/* ---- token buckets ---- */

START_TEST(every_answer_says_what_its_bucket_has_left)
{
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "249");
    ck_assert_str_eq(header(GLOBAL_READS), "3749");
    ck_assert_ptr_null(header(SUBSCRIPTION_WRITES));
    ck_assert_int_eq(call_arm(CALL_GET, "/nothing", NULL),
                     404); /* refused, and counted */
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "248");
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{\"tags\":{\"a\":\"b\"}}"), 200);
    ck_assert_str_eq(header(SUBSCRIPTION_WRITES), "199");
    ck_assert_int_eq(call_arm(CALL_POST, NETWORK "/action", NULL), 404);
    ck_assert_str_eq(header(SUBSCRIPTION_WRITES), "198");
    ck_assert_int_eq(call_arm(CALL_DELETE, NETWORK, NULL), 204);
    ck_assert_str_eq(header("x-ms-ratelimit-remaining-subscription-deletes"), "199");
    ck_assert_str_eq(header("x-ms-ratelimit-remaining-subscription-global-deletes"),
                     "2999");
}
END_TEST

START_TEST(a_dry_bucket_refuses_until_it_has_a_token)
{
    open_world(NULL, NULL, 1);
    for (int i = 0; i < 250; i++)
        ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "0");
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 429);
    ck_assert_str_eq(said("error.code"), "SubscriptionRequestsThrottled");
    ck_assert_ptr_nonnull(
        strstr(said("error.message"), "Number of 'read' requests for "));
    ck_assert_int_eq(h.answer.retry_after_s, 1);
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "0");
    ck_assert_int_eq(call_arm(CALL_DELETE, NETWORK, NULL), 204); /* another bucket */
    pass_ms(39);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 429);
    pass_ms(1); /* 25 a second: one comes each 40 ms */
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 429);
    pass_ms(3600 * SECOND_MS / 2);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "249"); /* no more than it holds */
}
END_TEST

START_TEST(who_comes_back_too_early_is_told_the_rest)
{
    open_world("{\"limits\": {\"writes\": [1, 0.1]}}", NULL, 1);
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 200);
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 429);
    ck_assert_int_eq(h.answer.retry_after_s, 10);
    pass_ms(3500);
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 429);
    ck_assert_int_eq(h.answer.retry_after_s, 7);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "after '7' seconds"));
    pass_ms(6500);
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 200);
}
END_TEST

START_TEST(calls_without_a_subscription_have_buckets_of_their_own)
{
    open_world("{\"limits\": {\"reads\": [2, 1]}}", NULL, 1);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ask(CALL_GET, "/subscriptions?" VERSION, NULL), 200);
    ck_assert_str_eq(header(TENANT_READS), "0");
    ck_assert_ptr_null(header(SUBSCRIPTION_READS));
    ck_assert_int_eq(ask(CALL_GET, "/tenants?" VERSION, NULL), 429);
    ck_assert_str_eq(said("error.code"), "TenantRequestsThrottled");
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "1");
}
END_TEST

/* Signs in as an application that comes into being with it. */
static void sign_in_as(int number)
{
    char *name = memory_format("app-%d", number), id[UUID_TEXT_SIZE];
    cJSON *body = cJSON_CreateObject();

    uuid_from_name(name, id);
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "appId", id);
    cJSON_AddStringToObject(body, "displayName", name);
    directory_save(h.world, "ServicePrincipal", body, 0,
                   &(struct directory_secret){.app_id = id, .secret = "secret"});
    h.world->profile.client_id = id;
    h.world->profile.client_secret = "secret";
    sign_in();
    cJSON_Delete(body);
    free(name);
}

START_TEST(all_principals_together_have_fifteen_times_as_much)
{
    open_world("{\"limits\": {\"reads\": [1, 0.001]}}", NULL, 1);
    for (int i = 0; i < 15; i++) {
        sign_in_as(i);
        ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 403);
        ck_assert_str_eq(header(SUBSCRIPTION_READS), "0");
    }
    ck_assert_str_eq(header(GLOBAL_READS), "0");
    sign_in_as(15);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 429);
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "1"); /* its own is full */
    ck_assert_int_eq(h.answer.retry_after_s, 67);      /* 15 tokens in 1000 s */
}
END_TEST

static const char *const no_limits[] = {"{\"limits\": {\"reads\": null}}",
                                        "{\"limits\": {\"reads\": 0}}",
                                        "{\"limits\": {\"reads\": [0, 25]}}"};

START_TEST(a_bucket_can_be_switched_off)
{
    open_world(no_limits[_i], NULL, 1);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_int_gt(atoi(header(SUBSCRIPTION_READS)), 900000); /* so a client is told */
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 200);
    ck_assert_str_eq(header(SUBSCRIPTION_WRITES), "199");
}
END_TEST

#define PROVIDER_REQUESTS "x-ms-ratelimit-remaining-subscription-resource-requests"

START_TEST(a_provider_may_have_a_limit_of_its_own)
{
    open_world("{\"limits\":{\"providers\":{\"microsoft.network\":3}}}", NULL, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(call_arm(CALL_GET, NETWORK, NULL), 404);
    ck_assert_str_eq(header(PROVIDER_REQUESTS), "0");
    ck_assert_ptr_null(header(SUBSCRIPTION_READS)); /* it stands in its place */
    ck_assert_str_eq(header(GLOBAL_READS), "3747");
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORK, A_NET), 429);
    ck_assert_str_eq(said("error.code"), "ResourceRequestsThrottled");
    ck_assert_str_eq(
        said("error.message"),
        "Number of requests for microsoft.network exceeded the limit of '3' "
        "for time interval '00:01:00'. Please try again after '20' seconds.");
    ck_assert_int_eq(h.answer.retry_after_s, 20);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200); /* it is no network */
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "246");
    ck_assert_int_eq(world_next_event(h.world), h.world->now_ms + 20 * SECOND_MS);
    pass_ms(20 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORK, A_NET), 201);
    ck_assert_int_eq(call_arm(CALL_GET, NETWORK, NULL), 429);
}
END_TEST

START_TEST(how_much_all_have_together_can_be_changed)
{
    open_world("{\"limits\":{\"reads\":[10, 1],\"global_factor\":2}}", NULL, 1);
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_str_eq(header(GLOBAL_READS), "19");
}
END_TEST

START_TEST(a_request_without_a_good_token_takes_none_out)
{
    open_world(NULL, NULL, 1);

    char *good = h.bearer;

    h.bearer = NULL;
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 401);
    ck_assert_ptr_null(header(SUBSCRIPTION_READS));
    h.bearer = good;
    ck_assert_int_eq(call_arm(CALL_GET, "", NULL), 200);
    ck_assert_str_eq(header(SUBSCRIPTION_READS), "249");
}
END_TEST

START_TEST(an_idle_clock_jumps_to_the_next_token)
{
    open_world("{\"limits\": {\"writes\": [1, 0.1]}}", NULL, 1);
    h.world->clients_are_elsewhere = true;
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 200);
    ck_assert_int_eq(world_next_event(h.world), INT64_MAX);
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 429);
    ck_assert_int_eq(h.answer.retry_after_s, 1); /* the client's seconds are real */
    ck_assert_int_eq(world_next_event(h.world), h.world->now_ms + 10 * SECOND_MS);
}
END_TEST

/* ---- what was counted ---- */

START_TEST(requests_are_counted_by_class_and_status)
{
    char now[CLOCK_TEXT_SIZE];

    open_world("{\"limits\": {\"writes\": [2, 1]}}", NULL, 1);
    ck_assert_int_eq(ask(CALL_GET, "/_sim/requests", NULL), 200);
    ck_assert(cJSON_IsNull(json_at(h.json, "first_write")));
    clock_format_utc(world_read_clock(h.world), now);
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 200);
    pass_ms(500);
    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 200);

    const int64_t last_ms = world_read_clock(h.world);

    ck_assert_int_eq(call_arm(CALL_PATCH, "", "{}"), 429);
    ck_assert_int_eq(call_arm(CALL_GET, NETWORK, NULL), 404);
    ck_assert_int_eq(ask(CALL_GET, "/v1.0/users", NULL), 200);
    pass_ms(SECOND_MS);
    ck_assert_int_eq(ask(CALL_GET, "/_sim/requests", NULL), 200);
    ck_assert_double_eq(json_number_at(h.json, "requests", 0), 8);
    ck_assert_double_eq(json_number_at(h.json, "by_class.arm_reads", 0), 1);
    ck_assert_double_eq(json_number_at(h.json, "by_class.arm_writes", 0), 3);
    ck_assert_double_eq(json_number_at(h.json, "by_class.graph", 0), 1);
    ck_assert_double_eq(json_number_at(h.json, "by_class.sign_in", 0), 1);
    ck_assert_double_eq(json_number_at(h.json, "by_status.404", 0), 1);
    ck_assert_double_eq(json_number_at(h.json, "throttled", 0), 1);
    ck_assert_double_eq(json_number_at(h.json, "writes", 0), 2);
    ck_assert_str_eq(said("first_write"), now);
    clock_format_utc(last_ms, now);
    ck_assert_str_eq(said("last_write"), now);
}
END_TEST

/* ---- providers ---- */

#define UNREGISTERED "{\"unregistered_providers\": [\"Microsoft.Network\"]}"

/* GET, or POST with "/register". Returns the status. */
static int ask_provider(enum call_method method, const char *rest)
{
    char *url = memory_format("%s/providers/%s?api-version=2021-04-01",
                              h.world->subscription_id, rest);
    const int status = ask(method, url, NULL);

    free(url);
    return status;
}

START_TEST(a_provider_has_to_be_registered_before_a_write)
{
    const char *message;

    open_world(UNREGISTERED, NULL, 1);
    ck_assert_int_eq(call_arm(CALL_GET, NETWORK, NULL), 404); /* reads are free */
    ck_assert_int_eq(ask_provider(CALL_GET, "Microsoft.Network"), 200);
    ck_assert_str_eq(said("registrationState"), "NotRegistered");
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORK, A_NET), 409);
    ck_assert_str_eq(said("error.code"), "MissingSubscriptionRegistration");
    message = said("error.message");
    ck_assert_ptr_nonnull(strstr(message, "use namespace 'Microsoft.Network'. See"));
    ck_assert_int_eq(ask_provider(CALL_POST, "microsoft.network/register"), 200);
    ck_assert_str_eq(said("registrationState"), "Registering");
    ck_assert_int_ge(world_next_event(h.world), h.world->now_ms + 30 * SECOND_MS);
    ck_assert_int_le(world_next_event(h.world), h.world->now_ms + 120 * SECOND_MS);
    pass_ms(29 * SECOND_MS);
    ck_assert_int_eq(ask_provider(CALL_POST, "Microsoft.Network/register"), 200);
    ck_assert_str_eq(said("registrationState"), "Registering");
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORK, A_NET), 409);
    pass_ms(91 * SECOND_MS); /* asking again has not begun it anew */
    ck_assert_int_eq(ask_provider(CALL_GET, "Microsoft.Network"), 200);
    ck_assert_str_eq(said("registrationState"), "Registered");
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORK, A_NET), 201);
}
END_TEST

START_TEST(the_refusal_is_remembered_by_its_request_id)
{
    open_world(UNREGISTERED, NULL, 1);
    h.request_id = "11111111-2222-3333-4444-555555555555";
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORK, A_NET), 409);
    ck_assert_int_eq(ask_provider(CALL_POST, "Microsoft.Network/register"), 200);
    pass_ms(120 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORK, A_NET), 409);
    ck_assert_str_eq(said("error.code"), "MissingSubscriptionRegistration");
    h.request_id = "11111111-2222-3333-4444-666666666666";
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORK, A_NET), 201);
}
END_TEST

START_TEST(registering_needs_the_right_and_a_known_action)
{
    open_world(UNREGISTERED, NULL, 1);
    ck_assert_int_eq(ask_provider(CALL_POST, "Microsoft.Nothing/register"), 404);
    ck_assert_int_eq(ask_provider(CALL_POST, "Microsoft.Network/renew"), 404);
    ck_assert_int_eq(ask_provider(CALL_POST, "Microsoft.Network"), 405);
    h.world->profile.client_id = h.world->profile.guest_id;
    h.world->profile.client_secret = h.world->profile.guest_secret;
    sign_in();
    ck_assert_int_eq(ask_provider(CALL_POST, "Microsoft.Network/register"), 403);
    ck_assert_ptr_nonnull(
        strstr(said("error.message"), "Microsoft.Network/register/action"));
}
END_TEST

START_TEST(a_registration_is_kept_with_the_world)
{
    const int fd = mkstemp(strcpy(h.state, "/tmp/check_world.XXXXXX"));

    close(fd);
    open_world(UNREGISTERED, NULL, 1);
    ck_assert_int_eq(ask_provider(CALL_POST, "Microsoft.Network/register"), 200);
    pass_ms(120 * SECOND_MS);
    close_world();
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(ask_provider(CALL_GET, "Microsoft.Network"), 200);
    ck_assert_str_eq(said("registrationState"), "Registered");
    close_world();
    unlink(h.state);
}
END_TEST

/* ---- world files ---- */

static const struct {
    const char *file, *message;
} bad_files[] = {
    {"{\"limits\":{\"global_factor\":0}}",
     "limits.global_factor: a number from 1 to 1000"},
    {"{\"limits\":{\"providers\":[]}}", "limits.providers: an object"},
    {"{\"limits\":{\"providers\":{\"Microsoft.Web\":0}}}",
     "limits.providers.Microsoft.Web: requests a minute"},
    {"{\"monitor_life\":3}", "monitor_life: a duration such as 24h"},
    {"{\"limits\": {\"reads\": 250}}", "limits.reads: a size and a refill per second"},
    {"{\"limits\": {\"reads\": [250]}}", "limits.reads: a size"},
    {"{\"limits\": {\"writes\": [0.5, 1]}}", "limits.writes: a size"},
    {"{\"limits\": {\"writes\": [1, 0]}}", "limits.writes: a size"},
    {"{\"limits\": {\"deletes\": [\"1\", 1]}}", "limits.deletes: a size"},
    {"{\"limits\": {\"actions\": [1, 1]}}", "unknown key 'actions'"},
    {"{\"token_life\": 600}", "token_life: a duration from 1s to 1d"},
    {"{\"token_life\": \"2d\"}", "token_life: a duration from 1s to 1d"},
    {"{\"unregistered_providers\": \"Microsoft.Network\"}",
     "unregistered_providers: a list"},
    {"{\"unregistered_providers\": [\"Microsoft.Resources\"]}",
     "no provider 'Microsoft.Resources' that could be unregistered"},
};

START_TEST(a_wrong_world_file_is_refused_with_what_is_wrong)
{
    struct failure *failure = try_world(bad_files[_i].file, NULL, 0);

    ck_assert_ptr_nonnull(failure);
    ck_assert_msg(strstr(failure->message, bad_files[_i].message) != NULL, "%s",
                  failure->message);
    failure_free(failure);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim limits");
    TCase *buckets = add_case(suite, "buckets", open_harness, close_harness),
          *counts = add_case(suite, "counts", open_harness, close_harness);
    TCase *providers = add_case(suite, "providers", open_harness, close_harness),
          *files = add_case(suite, "world files", open_harness, close_harness);

    tcase_add_test(buckets, every_answer_says_what_its_bucket_has_left);
    tcase_add_test(buckets, a_dry_bucket_refuses_until_it_has_a_token);
    tcase_add_test(buckets, who_comes_back_too_early_is_told_the_rest);
    tcase_add_test(buckets, calls_without_a_subscription_have_buckets_of_their_own);
    tcase_add_test(buckets, all_principals_together_have_fifteen_times_as_much);
    tcase_add_loop_test(buckets, a_bucket_can_be_switched_off, 0, COUNT_OF(no_limits));
    tcase_add_test(buckets, a_provider_may_have_a_limit_of_its_own);
    tcase_add_test(buckets, how_much_all_have_together_can_be_changed);
    tcase_add_test(buckets, a_request_without_a_good_token_takes_none_out);
    tcase_add_test(buckets, an_idle_clock_jumps_to_the_next_token);
    tcase_add_test(counts, requests_are_counted_by_class_and_status);
    tcase_add_test(providers, a_provider_has_to_be_registered_before_a_write);
    tcase_add_test(providers, the_refusal_is_remembered_by_its_request_id);
    tcase_add_test(providers, registering_needs_the_right_and_a_known_action);
    tcase_add_test(providers, a_registration_is_kept_with_the_world);
    tcase_add_loop_test(files, a_wrong_world_file_is_refused_with_what_is_wrong, 0,
                        COUNT_OF(bad_files));

    return run_suite(suite);
}
