/* tests/check_sim_operations.c - long operations of the simulated services: how long they
 * take, how they are told, how they end and for how long one can ask. */
#include <math.h>
#include <string.h>

#include <check.h>

#include "model/kind.h"
#include "sim/spread.h"
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

    ck_assert_ptr_null(spread_read("x", value, &spread));
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
    {"3", "'x' must be a duration such as \"3h\", two such as"},
    {"[]", "'x' must be a duration"},
    {"[\"1h\",2]", "'x' must be a duration"},
    {"[\"1h\",\"2h\",\"3h\"]", "'x' must be a duration"},
    {"\"soon\"", "'x': 'soon' is not a duration such as \"45m\""},
    {"[\"1h\",\"2 moons\"]", "'x': '2 moons' is not a duration"},
    {"{\"from\":\"1h\"}", "'x' must be a duration"},
    {"{\"from\":\"1h\",\"p95\":\"2h\"}", "'x' must be a duration"},
    {"{\"from\":\"1h\",\"to\":\"2h\",\"median\":\"1h\"}", "'x' must be a duration"},
    {"{\"from\":\"2h\",\"to\":\"1h\"}", "'x': 2h is more than 1h"},
    {"{\"median\":\"2h\",\"p95\":\"1h\"}", "'x': 2h is more than 1h"},
    {"{\"median\":\"0\",\"p95\":\"1h\"}", "'x': the median must be more than 0"},
};

START_TEST(a_wrong_duration_is_refused_with_what_is_wrong)
{
    cJSON *value = json_parse(bad_spreads[_i].value, strlen(bad_spreads[_i].value), NULL);
    struct spread spread;
    char *wrong = spread_read("x", value, &spread);

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

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *topic = tcase_create(name);

    tcase_add_checked_fixture(topic, open_harness, close_harness);
    tcase_set_timeout(topic, 30);
    suite_add_tcase(suite, topic);
    return topic;
}

static void add_duration_cases(Suite *suite)
{
    TCase *spreads = add_case(suite, "how long");

    tcase_add_test(spreads, a_log_normal_duration_has_its_median_and_its_95th_percentile);
    tcase_add_loop_test(spreads, a_range_is_filled_evenly_and_never_left, 0, 2);
    tcase_add_test(spreads, a_constant_is_always_the_same);
    tcase_add_test(spreads, a_draw_depends_on_seed_name_and_verb_and_not_on_other_draws);
    tcase_add_test(spreads, a_very_wide_distribution_stays_within_ten_years);
    tcase_add_loop_test(spreads, a_wrong_duration_is_refused_with_what_is_wrong, 0,
                        COUNT_OF(bad_spreads));
    tcase_add_test(spreads, the_world_file_says_how_long_each_verb_takes);
}

int main(void)
{
    Suite *suite = suite_create("sim operations");

    add_duration_cases(suite);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);

    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
