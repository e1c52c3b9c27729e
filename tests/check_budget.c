/* tests/check_budget.c - requests go out as fast as the service's buckets allow, in order. */
#include <string.h>

#include <check.h>

#include "far_end.h"

static const struct {
    const char *method;
    size_t size;
    int64_t step_ms;
} paces[] = {{"GET", 250, 40},    {"HEAD", 250, 40},  {"PUT", 200, 100},
             {"PATCH", 200, 100}, {"POST", 200, 100}, {"DELETE", 200, 100}};

START_TEST(what_the_bucket_holds_goes_at_once_and_the_rest_as_it_refills)
{
    const size_t at_once = paces[_i].size - 1, count = at_once + 100;
    struct call *calls = begin_many(count, paces[_i].method, GROUP);

    settle();
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(calls[i].place, i + 1);
        ck_assert_int_eq(calls[i].came_ms,
                         i < at_once ? 0
                                     : (int64_t)(i - at_once + 1) * paces[_i].step_ms);
        ck_assert_uint_eq(calls[i].done, 1);
    }
    end_many(calls, count);
}
END_TEST

/* Requests that are counted apart. */
static const struct apart {
    const char *name, *method, *url;
    enum audience audience;
} aparts[] = {
    {"another subscription", "PUT", "https://arm.example/subscriptions/s2/a",
     AUDIENCE_ARM},
    {"none", "PUT", "https://arm.example/providers/Microsoft.Management/a", AUDIENCE_ARM},
    {"another region", "PUT", "https://west.arm.example" GROUP, AUDIENCE_ARM},
    {"another class", "GET", "https://arm.example" GROUP, AUDIENCE_ARM},
    {"and yet another", "DELETE", "https://arm.example" GROUP, AUDIENCE_ARM},
    {"the directory, at one host", "PUT", "https://arm.example" GROUP, AUDIENCE_GRAPH},
    {"signing in", "PUT", "https://arm.example" GROUP, AUDIENCE_NONE},
};

START_TEST(each_bucket_is_its_own)
{
    const struct apart *apart = &aparts[_i];
    struct call *calls = begin_many(300, "PUT", GROUP), other = {0};

    begin_url(&other, apart->method, memory_copy_string(apart->url), apart->audience,
              RANK_CALL);
    settle();
    ck_assert_msg(other.came_ms == 0, "%s", apart->name);
    ck_assert_int_eq(calls[299].came_ms, 101 * 100);
    drop(&other);
    end_many(calls, 300);
}
END_TEST

START_TEST(one_bucket_is_found_however_its_path_is_written)
{
    static const char *const paths[] = {"/Subscriptions/S1/x?api-version=1",
                                        "//subscriptions/%731", "/subscriptions/s1/",
                                        "/subscriptions/s2/../s1/y"};
    struct call *calls = begin_many(199, "PUT", GROUP), other = {0};

    begin(&other, "PUT", paths[_i]);
    settle();
    ck_assert_int_eq(other.came_ms, 100);
    drop(&other);
    end_many(calls, 199);
}
END_TEST

START_TEST(signing_in_is_not_paced)
{
    struct call *calls = memory_new(1000 * sizeof *calls);

    for (size_t i = 0; i < 1000; i++)
        begin_url(&calls[i], "POST", memory_copy_string("https://login.example/token"),
                  AUDIENCE_NONE, RANK_CALL);
    settle();
    ck_assert_uint_eq(count_at(calls, 1000, 0), 1000);
    end_many(calls, 1000);
}
END_TEST

/* What one read of the directory costs: as many units as go at once less than of 1. */
static const struct {
    const char *path;
    unsigned units;
} graph_rows[] = {
    {"/v1.0/groups", 1},
    {"/v1.0/groups/1/members", 3},
    {"/v1.0/groups/1/members?$select=id", 2},
    {"/v1.0/groups/1/members?$expand=x", 4},
    {"/v1.0/groups/1/members?%24top=5&$select=id", 1},
    {"/v1.0/users", 2},
    {"/v1.0/users?$top=100", 2},
    {"/v1.0/users?$top=1&$select=id", 1},
    {"/v1.0/applications", 2},
};

START_TEST(the_directory_counts_units)
{
    const size_t at_once = (3500 - 1) / graph_rows[_i].units, count = 3600;
    struct call *calls = memory_new(count * sizeof *calls);

    for (size_t i = 0; i < count; i++)
        begin_url(&calls[i], "GET",
                  memory_format("https://graph.example%s", graph_rows[_i].path),
                  AUDIENCE_GRAPH, RANK_CALL);
    settle();
    ck_assert_uint_eq(count_at(calls, count, 0), at_once);
    end_many(calls, count);
}
END_TEST

/* --- who goes first --------------------------------------------------------------------- */

START_TEST(calls_go_before_polls_and_each_in_the_order_they_came)
{
    struct call *full = begin_many(249, "GET", GROUP), polls[20] = {0}, calls[20] = {0};

    for (size_t i = 0; i < 20; i++) {
        begin_ranked(&polls[i], RANK_POLL);
        begin_ranked(&calls[i], RANK_CALL);
    }
    settle();
    for (size_t i = 0; i < 20; i++) {
        ck_assert_uint_eq(calls[i].place, 250 + i);
        ck_assert_uint_eq(polls[i].place, 270 + i);
        drop(&calls[i]);
        drop(&polls[i]);
    }
    end_many(full, 249);
}
END_TEST

START_TEST(a_poll_that_waited_a_minute_takes_turns_with_the_calls)
{
    struct call *calls = begin_many(4000, "GET", GROUP), polls[50] = {0};

    for (size_t i = 0; i < 50; i++)
        begin_ranked(&polls[i], RANK_POLL);
    settle();
    for (size_t i = 0; i < 50; i++) {
        ck_assert_int_eq(polls[i].came_ms, 60000 + (int64_t)i * 80);
        drop(&polls[i]);
    }
    end_many(calls, 4000);
}
END_TEST

START_TEST(polls_alone_use_all_of_the_bucket)
{
    struct call polls[300] = {0};

    for (size_t i = 0; i < 300; i++)
        begin_ranked(&polls[i], RANK_POLL);
    settle();
    for (size_t i = 0; i < 300; i++) {
        ck_assert_int_eq(polls[i].came_ms, i < 249 ? 0 : ((int64_t)i - 248) * 40);
        drop(&polls[i]);
    }
}
END_TEST

START_TEST(freed_while_it_waits_it_is_never_sent_and_takes_no_token)
{
    struct call *calls = begin_many(400, "GET", GROUP);

    for (size_t i = 249; i < 400; i += 2)
        drop(&calls[i]);
    settle();
    ck_assert_uint_eq(far.came, 249 + 75);
    for (size_t i = 250; i < 400; i += 2)
        ck_assert_int_eq(calls[i].came_ms, (int64_t)(i - 248) / 2 * 40);
    end_many(calls, 400);
}
END_TEST

START_TEST(all_who_wait_can_be_freed)
{
    struct call *calls = begin_many(400, "PUT", SERVICE "/apis/a");

    end_many(calls, 400);
    settle();
    ck_assert_uint_eq(far.came, 0);
    ck_assert_int_eq(clock_now_ms(&far_clock), 0); /* and no timer is left of them */
}
END_TEST

START_TEST(freed_under_way_it_makes_room)
{
    struct call *calls = begin_many(200, "PUT", GROUP);

    for (size_t i = 0; i < 199; i++)
        drop(&calls[i]);
    settle();
    ck_assert_uint_eq(far.came, 1);
    ck_assert_int_eq(calls[199].came_ms, 100);
    end_many(calls, 200);
}
END_TEST

/* Ten thousand wait, half of them leave, and the rest go as if the others had never been. */
START_TEST(ten_thousand_wait_in_order)
{
    enum { MANY = 10000 };
    struct call *calls = begin_many(MANY, "GET", GROUP);
    int64_t expected_ms = 0;

    for (size_t i = MANY; i > 249; i -= 2)
        drop(&calls[i - 1]);
    settle();
    for (size_t i = 249; i < MANY; i++) {
        if (calls[i].exchange != NULL)
            ck_assert_int_eq(calls[i].came_ms, expected_ms += 40);
    }
    end_many(calls, MANY);
}
END_TEST

/* --- API Management --------------------------------------------------------------------- */

static const struct slots_row {
    const char *name, *method, *path; /* %zu: the number of the request */
    unsigned most;
} slots_rows[] = {
    {"one service", "PUT", SERVICE "/products/p%zu", 8},
    {"its workspaces", "PUT", SERVICE "/workspaces/w%zu", 8},
    {"many APIs", "PUT", SERVICE "/apis/a%zu", 8},
    {"one API", "PUT", SERVICE "/apis/a/operations/o%zu", 1},
    {"its revisions", "PUT", SERVICE "/APIS/a;rev=%zu", 1},
    {"an API of a workspace", "DELETE", SERVICE "/workspaces/w/apis/a/policies/%zu", 1},
    {"reads", "GET", SERVICE "/apis/a/operations/o%zu", 100},
    {"roles at a service", "PUT",
     SERVICE "/providers/Microsoft.Authorization/roleAssignments/%zu", 100},
    {"gateways", "PUT", GROUP "/providers/Microsoft.ApiManagement/gateways/g%zu", 100},
    {"many services", "PUT", GROUP "/providers/Microsoft.ApiManagement/service/s%zu/apis",
     100},
};

START_TEST(a_service_takes_so_many_writes_at_once)
{
    struct call *calls = memory_new(100 * sizeof *calls);

    for (size_t i = 0; i < 100; i++) {
        const char *mark = strstr(slots_rows[_i].path, "%zu");

        calls[i].there_ms = 500;
        begin_url(&calls[i], slots_rows[_i].method,
                  memory_format("https://arm.example%.*s%zu%s",
                                (int)(mark - slots_rows[_i].path), slots_rows[_i].path, i,
                                mark + 3),
                  AUDIENCE_ARM, RANK_CALL);
    }
    settle();
    ck_assert_msg(far.most_under_way == slots_rows[_i].most, "%s: %u",
                  slots_rows[_i].name, far.most_under_way);
    for (size_t i = 0; i < 100; i++)
        ck_assert_uint_eq(calls[i].place, i + 1);
    end_many(calls, 100);
}
END_TEST

START_TEST(a_place_is_given_back_by_whoever_is_freed)
{
    struct call *calls = begin_many(20, "PUT", SERVICE "/apis/a");

    for (size_t i = 0; i < 19; i++)
        drop(&calls[i]); /* the one inside, and those who wait */
    settle();
    ck_assert_uint_eq(far.came, 1);
    ck_assert_uint_eq(calls[19].place, 1);
    end_many(calls, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("budget");
    TCase *pace = harness_add_case(suite, "pace", set_up, tear_down);
    TCase *order = harness_add_case(suite, "order", set_up, tear_down);
    TCase *service = harness_add_case(suite, "service", set_up, tear_down);

    tcase_add_loop_test(pace,
                        what_the_bucket_holds_goes_at_once_and_the_rest_as_it_refills, 0,
                        COUNT(paces));
    tcase_add_loop_test(pace, each_bucket_is_its_own, 0, COUNT(aparts));
    tcase_add_loop_test(pace, one_bucket_is_found_however_its_path_is_written, 0, 4);
    tcase_add_test(pace, signing_in_is_not_paced);
    tcase_add_loop_test(pace, the_directory_counts_units, 0, COUNT(graph_rows));
    tcase_add_test(order, calls_go_before_polls_and_each_in_the_order_they_came);
    tcase_add_test(order, a_poll_that_waited_a_minute_takes_turns_with_the_calls);
    tcase_add_test(order, polls_alone_use_all_of_the_bucket);
    tcase_add_test(order, freed_while_it_waits_it_is_never_sent_and_takes_no_token);
    tcase_add_test(order, all_who_wait_can_be_freed);
    tcase_add_test(order, freed_under_way_it_makes_room);
    tcase_add_test(order, ten_thousand_wait_in_order);
    tcase_add_loop_test(service, a_service_takes_so_many_writes_at_once, 0,
                        COUNT(slots_rows));
    tcase_add_test(service, a_place_is_given_back_by_whoever_is_freed);
    return harness_run_suite(suite);
}
