/* tests/check_sim_operations.c - long operations of the simulated services: how long they
 * take, how they are told, how they end and for how long one can ask. */
#include <math.h>
#include <string.h>

#include <check.h>

#include "model/kind.h"
#include "sim/spread.h"
#include "tests/suite.h"
#include "tests/world.h"

#define GATEWAYS "/providers/Microsoft.ApiManagement/gateways/"
#define A_GATEWAY                                                                        \
    "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\","        \
    "\"capacity\":1},\"properties\":{\"virtualNetworkType\":\"None\"}}"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000 };

/* ---- how long ---- */

static struct spread read_spread(const char *text)
{
    cJSON *value = json_parse(text, strlen(text), NULL);
    struct spread spread = {0};

    ck_assert_ptr_null(spread_read(value, &spread));
    cJSON_Delete(value);
    return spread;
}

enum { DRAWS = 1000 };

/* Fills in what resources of so many names get; returns how many of them are above `limit`. */
static int draw_many(const struct spread *spread, int64_t limit_ms, int64_t ms[DRAWS])
{
    char key[16];
    int count = 0;

    for (int i = 0; i < DRAWS; i++) {
        snprintf(key, sizeof key, "gw-%d", i);
        ms[i] = spread_draw(spread, 1, key, "create");
        count += ms[i] > limit_ms;
    }
    return count;
}

START_TEST(a_log_normal_duration_has_its_median_and_its_95th_percentile)
{
    const struct spread spread = read_spread("{\"median\":\"3h\",\"p95\":\"3h40m\"}");
    int64_t ms[DRAWS];
    /* four standard deviations of a count of 1,000: 63 and 28 */
    const int late = draw_many(&spread, 220 * MINUTE_MS, ms);
    const int above = draw_many(&spread, 180 * MINUTE_MS, ms);

    ck_assert_int_ge(above, 500 - 63);
    ck_assert_int_le(above, 500 + 63);
    ck_assert_int_ge(late, 50 - 28);
    ck_assert_int_le(late, 50 + 28);

    double sum = 0.0, squares = 0.0;

    for (int i = 0; i < DRAWS; i++) {
        const double x = log((double)ms[i] / (180.0 * MINUTE_MS));

        sum += x;
        squares += x * x;
    }
    /* sigma is ln(220/180) / 1.645 = 0.122, and its estimate's deviation 0.0027 */
    ck_assert_double_eq_tol(sqrt(squares / DRAWS - sum * sum / DRAWS / DRAWS), 0.122,
                            0.011);
}
END_TEST

START_TEST(a_range_is_filled_evenly_and_never_left)
{
    static const char *const texts[] = {"[\"2h\",\"3h\"]",
                                        "{\"from\":\"2h\",\"to\":\"3h\"}"};
    const struct spread spread = read_spread(texts[_i]);
    int64_t ms[DRAWS];
    int quarters[4] = {0};

    draw_many(&spread, 0, ms);
    for (int i = 0; i < DRAWS; i++) {
        ck_assert_int_ge(ms[i], 2 * HOUR_MS);
        ck_assert_int_lt(ms[i], 3 * HOUR_MS);
        quarters[(ms[i] - 2 * HOUR_MS) / (15 * MINUTE_MS)]++;
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_ge(quarters[i], 250 - 55);
        ck_assert_int_le(quarters[i], 250 + 55);
    }
}
END_TEST

START_TEST(a_constant_is_always_the_same)
{
    const struct spread spread = read_spread("\"3h\"");
    int64_t ms[DRAWS];

    ck_assert_int_eq(draw_many(&spread, 3 * HOUR_MS - 1, ms), DRAWS);
    ck_assert_int_eq(draw_many(&spread, 3 * HOUR_MS, ms), 0);
}
END_TEST

START_TEST(a_draw_depends_on_seed_name_and_verb_and_not_on_other_draws)
{
    const struct spread spread = read_spread("{\"median\":\"3h\",\"p95\":\"5h\"}");
    const int64_t first = spread_draw(&spread, 7, "gw", "create");

    ck_assert_int_ne(spread_draw(&spread, 8, "gw", "create"), first);
    ck_assert_int_ne(spread_draw(&spread, 7, "gx", "create"), first);
    ck_assert_int_ne(spread_draw(&spread, 7, "gw", "delete"), first);
    ck_assert_int_eq(spread_draw(&spread, 7, "gw", "create"), first);
}
END_TEST

START_TEST(a_very_wide_distribution_stays_within_ten_years)
{
    const struct spread spread = read_spread("{\"median\":\"1ms\",\"p95\":\"3650d\"}");
    int64_t ms[DRAWS];

    draw_many(&spread, 0, ms);
    for (int i = 0; i < DRAWS; i++) {
        ck_assert_int_ge(ms[i], 1);
        ck_assert_int_le(ms[i], INT64_C(3660) * 24 * HOUR_MS);
    }
}
END_TEST

static const struct {
    const char *value, *message;
} bad_spreads[] = {
    {"3", "a duration such as \"3h\" expected, two such as"},
    {"[]", "a duration such as"},
    {"[\"1h\",2]", "a duration such as"},
    {"[\"1h\",\"2h\",\"3h\"]", "a duration such as"},
    {"\"soon\"", "'soon' is not a duration such as \"45m\""},
    {"[\"1h\",\"2 moons\"]", "'2 moons' is not a duration"},
    {"{\"from\":\"1h\"}", "a duration such as"},
    {"{\"from\":\"1h\",\"p95\":\"2h\"}", "a duration such as"},
    {"{\"from\":\"1h\",\"to\":\"2h\",\"median\":\"1h\"}", "a duration such as"},
    {"{\"from\":\"2h\",\"to\":\"1h\"}", "2h is more than 1h"},
    {"{\"median\":\"2h\",\"p95\":\"1h\"}", "2h is more than 1h"},
    {"{\"median\":\"0\",\"p95\":\"1h\"}", "the median must be more than 0"},
};

START_TEST(a_wrong_duration_is_refused_with_what_is_wrong)
{
    cJSON *value = json_parse(bad_spreads[_i].value, strlen(bad_spreads[_i].value), NULL);
    struct spread spread;
    char *wrong = spread_read(value, &spread);

    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, bad_spreads[_i].message) != NULL, "%s", wrong);
    free(wrong);
    cJSON_Delete(value);
}
END_TEST

START_TEST(the_world_file_says_how_long_each_verb_takes)
{
    open_world("{\"durations\":{\"gateway.create\":\"90m\",\"gateway.delete\":{\"from\":"
               "\"5m\",\"to\":\"5m\"}}}",
               NULL, 1);
    ck_assert_int_eq(world_duration(h.world, &gateway_kind, "create", "/a"),
                     90 * MINUTE_MS);
    ck_assert_int_eq(world_duration(h.world, &gateway_kind, "delete", "/a"),
                     5 * MINUTE_MS);
    ck_assert_int_ge(world_duration(h.world, &gateway_kind, "scale", "/a"),
                     20 * MINUTE_MS);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "gw", A_GATEWAY), 201);
    pass_ms(90 * MINUTE_MS - 1);
    sign_in();
    call_arm(CALL_GET, GATEWAYS "gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Activating");
    pass_ms(1);
    call_arm(CALL_GET, GATEWAYS "gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
}
END_TEST

/* ---- how it is told ---- */

#define NETWORKS "/providers/Microsoft.Network/virtualNetworks/"
#define A_SERVICE                                                                        \
    "{\"location\":\"West Europe\",\"sku\":{\"name\":\"%s\",\"capacity\":1},"            \
    "\"properties\":{\"publisherEmail\":\"a@b.example\",\"publisherName\":\"A\"}}"

/* What one form says of each method's first answer: status, headers, whether it has a body.
 */
static const struct {
    const char *name;
    int put, patch;
    bool has_async, has_location, is_bare;
} forms[] = {{"both", 201, 202, true, true, false},
             {"async", 201, 202, true, false, false},
             {"location", 201, 202, false, true, false},
             {"body", 201, 200, false, false, false},
             {"accepted-both", 202, 202, true, true, true},
             {"accepted-async", 202, 202, true, false, true},
             {"accepted-location", 202, 202, false, true, true},
             {"accepted", 202, 202, false, false, true},
             {"self", 202, 202, false, true, true}};

static void open_with_form(const char *kind, const char *form)
{
    char *file = memory_format("{\"operation_forms\":{\"%s.create\":\"%s\",\"%s.scale\":"
                               "\"%s\",\"%s.delete\":\"%s\"}}",
                               kind, form, kind, form, kind, form);

    open_world(file, NULL, 1);
    free(file);
}

static void check_headers(int form)
{
    ck_assert_int_eq(h.answer.async_operation != NULL, forms[form].has_async);
    ck_assert_int_eq(h.answer.location != NULL, forms[form].has_location);
}

/* Polls one header's URL to the end; says how often it was told to wait. */
static void follow(const char *header, bool is_async, int result)
{
    char *url = memory_copy_string(header);

    if (is_async) {
        ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
        ck_assert_str_eq(said("status"), "InProgress");
    } else {
        ck_assert_int_eq(ask(CALL_GET, url, NULL), 202);
        ck_assert_uint_eq(h.answer.body.length, 0);
        ck_assert_str_eq(h.answer.location, url);
    }
    ck_assert_int_gt(h.answer.retry_after_s, 0);
    pass_ms(4 * HOUR_MS);
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, url, NULL), is_async ? 200 : result);
    if (is_async)
        ck_assert_str_eq(said("status"), "Succeeded");
    else if (result != 204)
        ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_int_eq(h.answer.retry_after_s, 0);
    free(url);
}

static void follow_all(int result)
{
    char *location =
        h.answer.location != NULL ? memory_copy_string(h.answer.location) : NULL;
    char *async = h.answer.async_operation != NULL
                      ? memory_copy_string(h.answer.async_operation)
                      : NULL;

    if (async != NULL)
        follow(async, true, result);
    if (async != NULL && location != NULL) {
        ck_assert_int_eq(ask(CALL_GET, location, NULL), result);
    } else if (location != NULL) {
        follow(location, false, result);
    } else if (async == NULL) {
        pass_ms(4 * HOUR_MS);
        sign_in();
    }
    free(location);
    free(async);
}

START_TEST(a_gateway_is_made_scaled_and_deleted_in_every_form)
{
    open_with_form("gateway", forms[_i].name);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "gw", A_GATEWAY), forms[_i].put);
    check_headers(_i);
    ck_assert_int_eq(h.answer.body.length == 0, forms[_i].is_bare);
    follow_all(201);
    call_arm(CALL_GET, GATEWAYS "gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_int_eq(call_arm(CALL_PATCH, GATEWAYS "gw", "{\"sku\":{\"capacity\":2}}"),
                     forms[_i].patch);
    check_headers(_i);
    follow_all(200);
    call_arm(CALL_GET, GATEWAYS "gw", NULL);
    ck_assert_double_eq(json_number_at(h.json, "sku.capacity", 0), 2);
    ck_assert_int_eq(call_arm(CALL_DELETE, GATEWAYS "gw", NULL), 202);
    check_headers(_i);
    follow_all(204);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "gw", NULL), 404);
}
END_TEST

START_TEST(a_network_is_made_in_every_form)
{
    open_with_form("virtual_network", forms[_i].name);
    ck_assert_int_eq(
        call_arm(CALL_PUT, NETWORKS "net",
                 "{\"location\":\"westeurope\",\"properties\":{\"addressSpace\":"
                 "{\"addressPrefixes\":[\"10.9.0.0/16\"]}}}"),
        forms[_i].put);
    check_headers(_i);
    follow_all(201);
    ck_assert_int_eq(call_arm(CALL_GET, NETWORKS "net", NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
}
END_TEST

static const struct {
    const char *tier, *async, *location; /* part of the URLs, or NULL */
} services[] = {
    {"Premium", NULL, "/service/svc/operationresults/"},
    {"StandardV2", "/locations/westeurope/operationsStatuses/",
     "/providers/Microsoft.ApiManagement/locations/westeurope/operationResults/"}};

START_TEST(a_service_tells_its_creation_as_its_tier_does)
{
    char *body = memory_format(A_SERVICE, services[_i].tier);

    open_world(NULL, NULL, 1);
    ck_assert_int_eq(
        call_arm(CALL_PUT, "/providers/Microsoft.ApiManagement/service/svc", body), 201);
    ck_assert_int_eq(h.answer.async_operation != NULL, services[_i].async != NULL);
    if (services[_i].async != NULL)
        ck_assert_ptr_nonnull(strstr(h.answer.async_operation, services[_i].async));
    ck_assert_ptr_nonnull(strstr(h.answer.location, services[_i].location));
    follow_all(201);
    free(body);
}
END_TEST

START_TEST(a_deletion_of_a_service_shows_it_and_names_one_url_twice)
{
    char *url = NULL;

    open_world(NULL, NULL, 1);
    url = memory_format(
        "%s/providers/Microsoft.ApiManagement/service/contoso-apim?" VERSION, h.group);
    ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json, url,
                               (struct call){.method = CALL_DELETE,
                                             .authorization = h.bearer,
                                             .if_match = "*"}),
                     202);
    ck_assert_str_eq(said("properties.provisioningState"), "Deleting");
    ck_assert_str_eq(said("properties.targetProvisioningState"), "Deleting");
    ck_assert_str_eq(h.answer.location, h.answer.async_operation);
    free(url);
    url = memory_copy_string(h.answer.location);
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    ck_assert_str_eq(h.answer.body.data, "{\"status\":\"InProgress\"}");
    free(url);
}
END_TEST

START_TEST(progress_is_told_where_azure_tells_it)
{
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "gw", A_GATEWAY), 201);

    char *url = memory_copy_string(h.answer.async_operation);

    pass_ms(90 * MINUTE_MS);
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    ck_assert_double_ge(json_number_at(h.json, "percentComplete", -1), 47);
    ck_assert_double_le(json_number_at(h.json, "percentComplete", -1), 53);
    ck_assert_ptr_null(json_at(h.json, "endTime"));
    free(url);
    ck_assert_int_eq(call_arm(CALL_PUT, NETWORKS "vnet-apim/subnets/s",
                              "{\"properties\":{\"addressPrefix\":\"10.0.1.0/24\"}}"),
                     201);
    url = memory_copy_string(h.answer.async_operation);
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    ck_assert_str_eq(h.answer.body.data, "{\"status\":\"InProgress\"}");
    free(url);
}
END_TEST

START_TEST(a_wrong_form_is_refused_with_those_there_are)
{
    struct failure *failure =
        try_world("{\"operation_forms\":{\"gateway.create\":\"loud\"}}", NULL, 1);

    ck_assert_ptr_nonnull(
        strstr(failure->message,
               "operation_forms.gateway.create: one expected of 'both', 'async', "
               "'location'"));
    failure_free(failure);
    failure = try_world("{\"operation_forms\":{\"gateway.paint\":\"both\"}}", NULL, 1);
    ck_assert_ptr_nonnull(strstr(failure->message, "unknown key 'gateway.paint'"));
    failure_free(failure);
}
END_TEST

/* ---- asking about it ---- */

static char *start_gateway(void)
{
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "gw", A_GATEWAY), 201);
    return memory_copy_string(h.answer.async_operation);
}

START_TEST(an_async_response_may_be_undefined)
{
    open_world(NULL, NULL, 1);

    char *url = start_gateway(), *other = memory_format("%s=undefined", url);

    ck_assert_int_eq(ask(CALL_GET, other, NULL), 200);
    ck_assert_str_eq(said("status"), "InProgress");
    free(url);
    free(other);
}
END_TEST

START_TEST(a_monitor_lives_as_long_as_the_world_file_says)
{
    open_world("{\"monitor_life\":\"10m\",\"durations\":{\"gateway.create\":\"1h\"}}",
               NULL, 1);

    char *url = start_gateway();

    pass_ms(HOUR_MS + 10 * MINUTE_MS);
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    pass_ms(1);
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 404);
    free(url);
}
END_TEST

START_TEST(a_monitor_is_refused_to_those_who_may_not_read_its_resource)
{
    open_world(NULL, NULL, 1);

    const struct sim_profile *profile = &h.world->profile;
    char *url = start_gateway();
    char *form = memory_format("grant_type=client_credentials&client_id=%s&client_secret="
                               "%s&scope=http://sim/.default",
                               profile->guest_id, profile->guest_secret);
    char *token = memory_format("/%s/oauth2/v2.0/token", profile->tenant_id);

    ck_assert_int_eq(ask(CALL_POST, token, form), 200);
    free(h.bearer);
    h.bearer = memory_format("Bearer %s", said("access_token"));
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 403);
    ck_assert_str_eq(said("error.code"), "AuthorizationFailed");
    free(url);
    free(form);
    free(token);
}
END_TEST

/* Replaces the first `what` in `url` (taken) by `with`. */
static char *replace(char *url, const char *what, const char *with)
{
    const char *at = strstr(url, what);
    char *changed =
        memory_format("%.*s%s%s", (int)(at - url), url, with, at + strlen(what));

    free(url);
    return changed;
}

START_TEST(a_monitor_is_not_found_in_another_subscription_or_at_another_resource)
{
    open_world(NULL, NULL, 1);

    char *url = replace(start_gateway(), "/gateways/gw/", "/gateways/other/");

    ck_assert_int_eq(ask(CALL_GET, url, NULL), 404);
    url = replace(url, "/gateways/other/", "/gateways/GW/");
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    url = replace(url, h.world->profile.subscription_id,
                  "99999999-1bf0-4dda-aec3-cb9272f09590");
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 404);
    ck_assert_str_eq(said("error.code"), "SubscriptionNotFound");
    free(url);
}
END_TEST

START_TEST(states_move_with_time_and_not_with_polls)
{
    open_world("{\"durations\":{\"gateway.create\":\"1h\"}}", NULL, 1);

    char *url = start_gateway();

    for (int i = 0; i < 100; i++)
        ask(CALL_GET, url, NULL);
    call_arm(CALL_GET, GATEWAYS "gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Created");
    ck_assert_str_eq(said("properties.targetProvisioningState"), "Activating");
    pass_ms(MINUTE_MS);
    call_arm(CALL_GET, GATEWAYS "gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Activating");
    pass_ms(59 * MINUTE_MS);
    sign_in();
    call_arm(CALL_GET, GATEWAYS "gw", NULL);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_str_eq(said("properties.targetProvisioningState"), "");
    free(url);
}
END_TEST

START_TEST(a_resource_that_is_being_made_is_not_deleted_and_its_group_cancels_it)
{
    open_world(NULL, NULL, 1);

    char *url = start_gateway();

    ck_assert_int_eq(call_arm(CALL_DELETE, GATEWAYS "gw", NULL), 409);
    ck_assert_str_eq(said("error.code"), "ServiceLocked");
    ck_assert_str_eq(said("error.message"),
                     "The API Service gw is transitioning at this time. Please try the "
                     "request again later.");
    ck_assert_int_eq(call_arm(CALL_DELETE, "", NULL), 202);
    pass_ms(10 * MINUTE_MS);
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 200);
    ck_assert_str_eq(said("status"), "Canceled");
    ck_assert_str_eq(said("error.code"), "OperationCanceled");
    ck_assert_ptr_nonnull(json_at(h.json, "endTime"));
    free(url);
}
END_TEST

static void add_duration_cases(Suite *suite)
{
    TCase *spreads = add_case(suite, "how long", open_harness, close_harness);

    tcase_add_test(spreads, a_log_normal_duration_has_its_median_and_its_95th_percentile);
    tcase_add_loop_test(spreads, a_range_is_filled_evenly_and_never_left, 0, 2);
    tcase_add_test(spreads, a_constant_is_always_the_same);
    tcase_add_test(spreads, a_draw_depends_on_seed_name_and_verb_and_not_on_other_draws);
    tcase_add_test(spreads, a_very_wide_distribution_stays_within_ten_years);
    tcase_add_loop_test(spreads, a_wrong_duration_is_refused_with_what_is_wrong, 0,
                        COUNT_OF(bad_spreads));
    tcase_add_test(spreads, the_world_file_says_how_long_each_verb_takes);
}

static void add_form_cases(Suite *suite)
{
    TCase *told = add_case(suite, "how it is told", open_harness, close_harness);

    tcase_add_loop_test(told, a_gateway_is_made_scaled_and_deleted_in_every_form, 0,
                        COUNT_OF(forms));
    tcase_add_loop_test(told, a_network_is_made_in_every_form, 0, COUNT_OF(forms));
    tcase_add_loop_test(told, a_service_tells_its_creation_as_its_tier_does, 0,
                        COUNT_OF(services));
    tcase_add_test(told, a_deletion_of_a_service_shows_it_and_names_one_url_twice);
    tcase_add_test(told, progress_is_told_where_azure_tells_it);
    tcase_add_test(told, a_wrong_form_is_refused_with_those_there_are);
}

static void add_monitor_cases(Suite *suite)
{
    TCase *asked = add_case(suite, "asking about it", open_harness, close_harness);

    tcase_add_test(asked, an_async_response_may_be_undefined);
    tcase_add_test(asked, a_monitor_lives_as_long_as_the_world_file_says);
    tcase_add_test(asked, a_monitor_is_refused_to_those_who_may_not_read_its_resource);
    tcase_add_test(asked,
                   a_monitor_is_not_found_in_another_subscription_or_at_another_resource);
    tcase_add_test(asked, states_move_with_time_and_not_with_polls);
    tcase_add_test(asked,
                   a_resource_that_is_being_made_is_not_deleted_and_its_group_cancels_it);
}

int main(void)
{
    Suite *suite = suite_create("sim operations");

    add_duration_cases(suite);
    add_form_cases(suite);
    add_monitor_cases(suite);

    return run_suite(suite);
}
