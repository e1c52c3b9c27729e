/* tests/check_sim_graph_batch.c - $batch, token buckets and rights of the simulated Microsoft
 * Graph. */
#include <stdlib.h>

#include "tests/graph.h"
#include "tests/suite.h"

/* ---- batches ---- */

/* The response with this id, or NULL. */
static const cJSON *find_response(const char *id)
{
    const cJSON *response;

    cJSON_ArrayForEach (response, json_at(h.json, "responses")) {
        if (strcmp(json_string_at(response, "id"), id) == 0)
            return response;
    }
    return NULL;
}

static int status_of(const char *id)
{
    return (int)json_number_at(find_response(id), "status", 0);
}

static int batch(const char *requests)
{
    char *body = memory_format("{\"requests\":[%s]}", requests);
    const int status = exchange(CALL_POST, "/v1.0/$batch", body);

    free(body);
    return status;
}

#define JSON_TYPE "\"headers\":{\"Content-Type\":\"application/json\"}"

#define NEW_GROUP(name)                                                                  \
    "{\"displayName\":\"" name "\",\"mailEnabled\":false,\"mailNickname\":\"" name       \
    "\",\"securityEnabled\":true}"

START_TEST(each_request_of_a_batch_is_answered_as_if_alone)
{
    ck_assert_int_eq(
        batch("{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/groups?$top=2\"},"
              "{\"id\":\"two\",\"method\":\"POST\",\"url\":\"groups\"," JSON_TYPE
              ",\"body\":" NEW_GROUP(
                  "new") "},"
                         "{\"id\":\"3\",\"method\":\"get\",\"url\":\"/groups/"
                         "99999999-0000-0000-0000-"
                         "000000000000\"},"
                         "{\"id\":\"4\",\"method\":\"GET\",\"url\":\"/groups/"
                         "$count\",\"headers\":"
                         "{\"consistencylevel\":\"eventual\"}},"
                         "{\"id\":\"5\",\"method\":\"GET\",\"url\":\"/groups/%00\"},"
                         "{\"id\":\"6\",\"method\":\"PUT\",\"url\":\"/groups\"}"),
        200);
    ck_assert_int_eq(status_of("1"), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(find_response("1"), "body.value")), 2);
    ck_assert_ptr_nonnull(strstr(
        json_string_at(find_response("1"), "headers.Content-Type"), "odata.metadata"));
    ck_assert_str_eq(json_string_at(find_response("4"), "headers.Content-Type"),
                     "text/plain");
    ck_assert_int_eq(status_of("two"), 201);
    ck_assert_str_eq(json_string_at(find_response("two"), "body.displayName"), "new");
    ck_assert_ptr_nonnull(json_string_at(find_response("two"), "headers.Location"));
    ck_assert_int_eq(status_of("3"), 404);
    ck_assert_str_eq(json_string_at(find_response("3"), "body.error.code"),
                     "Request_ResourceNotFound");
    ck_assert_int_eq(status_of("4"), 200);
    ck_assert_str_eq(json_string_at(find_response("4"), "body"), "13");
    ck_assert_int_eq(status_of("5"), 400);
    ck_assert_int_eq(status_of("6"), 405);
}
END_TEST

START_TEST(what_depends_on_a_failure_fails_too)
{
    ck_assert_int_eq(
        batch("{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/groups/none\"},"
              "{\"id\":\"2\",\"method\":\"POST\",\"url\":\"/"
              "groups\",\"dependsOn\":[\"1\"]," JSON_TYPE ",\"body\":" NEW_GROUP(
                  "never") "},"
                           "{\"id\":\"3\",\"method\":\"GET\",\"url\":\"/"
                           "groups\",\"dependsOn\":[\"2\"]},"
                           "{\"id\":\"4\",\"method\":\"GET\",\"url\":\"/groups\"}"),
        200);
    ck_assert_int_eq(status_of("1"), 404);
    ck_assert_int_eq(status_of("2"), 424);
    ck_assert_int_eq(status_of("3"), 424);
    ck_assert_int_eq(status_of("4"), 200);
    ck_assert_int_eq(get("/v1.0/groups?$filter=displayName%%20eq%%20'never'"), 200);
    ck_assert_int_eq(count_values(), 0);
}
END_TEST

START_TEST(a_request_waits_for_a_later_one_that_it_depends_on)
{
    ck_assert_int_eq(
        batch("{\"id\":\"1\",\"method\":\"GET\",\"dependsOn\":[\"2\"],\"url\":"
              "\"/groups?$filter=displayName eq 'late'\"},"
              "{\"id\":\"2\",\"method\":\"POST\",\"url\":\"/groups\"," JSON_TYPE
              ",\"body\":" NEW_GROUP("late") "}"),
        200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(find_response("1"), "body.value")), 1);
}
END_TEST

static const struct {
    const char *requests, *why;
} bad_batches[] = {
    {"", "not empty"},
    {"{\"method\":\"GET\",\"url\":\"/groups\"}", "without an 'id'"},
    {"{\"id\":\"a\",\"method\":\"GET\",\"url\":\"/groups\"},"
     "{\"id\":\"A\",\"method\":\"GET\",\"url\":\"/groups\"}",
     "the same 'id' (request 'A')"},
    {"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"https://graph.microsoft.com/v1.0/"
     "groups\"}",
     "must be relative"},
    {"{\"id\":\"1\",\"method\":\"BREW\",\"url\":\"/groups\"}", "unknown 'method'"},
    {"{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/groups\",\"body\":{}}",
     "Content-Type"},
    {"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/groups\",\"dependsOn\":[\"2\"]},"
     "{\"id\":\"2\",\"method\":\"GET\",\"url\":\"/groups\",\"dependsOn\":[\"1\"]}",
     "goes in a circle"},
    {"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/groups\",\"dependsOn\":[\"2\"]}",
     "names no request of the batch"},
    {"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/groups\",\"dependsOn\":[\"1\"]}",
     "goes in a circle"},
    {"{\"id\":\"1\",\"method\":\"GET\",\"url\":\"/groups\",\"dependsOn\":\"2\"}",
     "must be a list"},
    {"{\"id\":\"1\",\"method\":\"POST\",\"url\":\"/$batch\"}", "a batch in a batch"},
    {"1", "without an 'id'"},
};

START_TEST(a_malformed_batch_is_refused_whole)
{
    ck_assert_int_eq(batch(bad_batches[_i].requests), 400);
    ck_assert_msg(strstr(said("error.message"), bad_batches[_i].why) != NULL, "%s",
                  said("error.message"));
}
END_TEST

START_TEST(a_batch_of_twenty_is_the_largest)
{
    struct buffer requests = {0};

    for (int i = 0; i < 21; i++) {
        if (i == 20)
            ck_assert_int_eq(batch(requests.data), 200);
        buffer_printf(&requests,
                      "%s{\"id\":\"%d\",\"method\":\"GET\",\"url\":\"/groups?$top=1\"}",
                      i > 0 ? "," : "", i);
    }
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "responses")), 20);
    ck_assert_int_eq(batch(requests.data), 400);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "20"));
    ck_assert_int_eq(exchange(CALL_POST, "/v1.0/$batch", "nonsense"), 400);
    ck_assert_int_eq(get("/v1.0/$batch"), 405);
    buffer_deinit(&requests);
}
END_TEST

/* ---- token buckets ---- */

static void open_scarce(void)
{
    graph_open("{\"limits\":{\"graph_units\":[10,1],\"graph_writes\":[2,0.5]}}");
}

START_TEST(requests_take_what_they_cost)
{
    static const struct {
        const char *url, *units;
    } costs[] = {{"groups", "1"},
                 {"users?$top=50", "2"},
                 {"users?$top=19", "1"},
                 {"users?$select=id&$expand=memberOf", "2"},
                 {"groups/none/members", "3"}};

    for (int i = 0; i < COUNT_OF(costs); i++) {
        get("/v1.0/%s", costs[i].url);
        ck_assert_str_eq(header("x-ms-resource-unit"), costs[i].units);
    }
}
END_TEST

START_TEST(an_empty_bucket_asks_to_wait_as_long_as_it_takes)
{
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(get("/v1.0/groups?$top=50"), 200);
    ck_assert_str_eq(header("x-ms-throttle-limit-percentage"), "1.0");
    ck_assert_int_eq(get("/v1.0/groups/none/members"), 429);
    ck_assert_str_eq(said("error.code"), "TooManyRequests");
    ck_assert_int_eq(h.answer.retry_after_s, 3);
    ck_assert_str_eq(header("x-ms-throttle-information"), "ResourceUnitLimitExceeded");
    clock_advance_to(&h.clock, clock_now_ms(&h.clock) + 3000);
    ck_assert_int_eq(get("/v1.0/groups/none/members"), 404);
    ck_assert_int_eq(get("/v1.0/groups"), 429);
    /* another application has a bucket of its own */
    ck_assert_int_eq(
        graph_sign_in(h.world->profile.guest_id, h.world->profile.guest_secret), 200);
    ck_assert_int_eq(get("/v1.0/groups"), 403);
}
END_TEST

START_TEST(writes_have_a_bucket_of_their_own)
{
    free(create("groups", NEW_GROUP("a")));
    free(create("groups", NEW_GROUP("b")));
    ck_assert_int_eq(exchange(CALL_POST, "/v1.0/groups", NEW_GROUP("c")), 429);
    ck_assert_int_eq(h.answer.retry_after_s, 2);
    ck_assert_str_eq(header("x-ms-throttle-scope"), "Tenant_Application/Write");
    ck_assert_int_eq(get("/v1.0/groups"), 200);
    ck_assert_int_eq(world_next_event(h.world) - h.world->now_ms, 2000);
    clock_advance_to(&h.clock, clock_now_ms(&h.clock) + 2000);
    free(create("groups", NEW_GROUP("c")));
}
END_TEST

START_TEST(parts_of_a_batch_take_from_the_same_bucket)
{
    struct buffer requests = {0};

    for (int i = 0; i < 5; i++) {
        buffer_append_string(&requests, i > 0 ? "," : "");
        buffer_printf(&requests,
                      "{\"id\":\"%d\",\"method\":\"GET\",\"url\":"
                      "\"/groups/x/members\"}",
                      i);
    }
    ck_assert_int_eq(batch(requests.data), 200);
    ck_assert_int_eq(status_of("2"), 404); /* one unit for the batch, three for each */
    ck_assert_int_eq(status_of("3"), 429);
    ck_assert_str_eq(json_string_at(find_response("3"), "headers.Retry-After"), "3");
    buffer_deinit(&requests);
}
END_TEST

START_TEST(a_larger_tenant_has_larger_buckets)
{
    for (int i = 0; i < 3500; i++)
        ck_assert_int_eq(get("/v1.0/organization"), 200);
    ck_assert_int_eq(get("/v1.0/organization"), 429);
    close_world();
    graph_open("{\"groups\":{\"count\":60,\"members\":1}}");
    for (int i = 0; i < 5000; i++)
        ck_assert_int_eq(get("/v1.0/organization"), 200);
    ck_assert_int_eq(get("/v1.0/organization"), 429);
}
END_TEST

/* ---- rights ---- */

static const struct {
    const char *rights, *method, *url;
    bool is_allowed;
} rights[] = {
    {"[\"Group.Read.All\"]", "GET", "groups", true},
    {"[\"Group.Read.All\"]", "POST", "groups", false},
    {"[\"Group.Read.All\"]", "GET", "users", false},
    {"[\"Group.Create\"]", "POST", "groups", true},
    {"[\"Group.Create\"]", "GET", "groups", false},
    {"[\"GroupMember.ReadWrite.All\"]", "POST", "groups/x/members/$ref", true},
    {"[\"GroupMember.ReadWrite.All\"]", "PATCH", "groups/x", false},
    {"[\"User.Read.All\",\"Application.Read.All\"]", "GET", "servicePrincipals", true},
    {"[\"User.Read.All\"]", "GET", "servicePrincipals", false},
    {"[\"User.Read.All\"]", "GET", "users/x", true},
    {"[\"User.Read.All\"]", "DELETE", "users/x", false},
    {"[\"Application.ReadWrite.All\"]", "POST", "applications/x/addPassword", true},
    {"[\"Directory.Read.All\"]", "GET", "organization", true},
    {"[\"Directory.Read.All\"]", "POST", "users", false},
    {"\"admin\"", "POST", "users", true},
    {"[]", "GET", "groups", false},
};

START_TEST(an_application_may_do_what_its_permissions_say)
{
    char *description =
        memory_format("{\"graph_permissions\":{\"guest\":%s}}", rights[_i].rights);
    char *url = memory_format("/v1.0/%s", rights[_i].url);
    static const struct {
        const char *name;
        enum call_method method;
    } methods[] = {{"GET", CALL_GET},
                   {"POST", CALL_POST},
                   {"PATCH", CALL_PATCH},
                   {"DELETE", CALL_DELETE}};
    int method = 0, status;

    close_world();
    graph_open(description);
    ck_assert_int_eq(
        graph_sign_in(h.world->profile.guest_id, h.world->profile.guest_secret), 200);
    while (strcmp(methods[method].name, rights[_i].method) != 0)
        method++;
    status = exchange(methods[method].method, url,
                      method == 1   ? NEW_GROUP("by-right")
                      : method == 2 ? "{}"
                                    : NULL);
    if (rights[_i].is_allowed)
        ck_assert_int_ne(status, 403);
    else
        ck_assert_int_eq(status, 403);
    if (!rights[_i].is_allowed)
        ck_assert_str_eq(said("error.code"), "Authorization_RequestDenied");
    free(description);
    free(url);
}
END_TEST

START_TEST(the_owner_may_have_less_than_all)
{
    close_world();
    graph_open("{\"graph_permissions\":{\"owner\":[\"User.Read.All\"]}}");
    ck_assert_int_eq(get("/v1.0/users"), 200);
    ck_assert_int_eq(get("/v1.0/groups"), 403);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim graph batch");
    TCase *batches = tcase_create("batch"), *buckets = tcase_create("buckets");
    TCase *large = tcase_create("tenants"), *may = tcase_create("rights");

    tcase_add_checked_fixture(batches, open_default, close_world);
    suite_add_tcase(suite, batches);
    tcase_add_test(batches, each_request_of_a_batch_is_answered_as_if_alone);
    tcase_add_test(batches, what_depends_on_a_failure_fails_too);
    tcase_add_test(batches, a_request_waits_for_a_later_one_that_it_depends_on);
    tcase_add_loop_test(batches, a_malformed_batch_is_refused_whole, 0,
                        COUNT_OF(bad_batches));
    tcase_add_test(batches, a_batch_of_twenty_is_the_largest);

    tcase_add_checked_fixture(buckets, open_scarce, close_world);
    suite_add_tcase(suite, buckets);
    tcase_add_test(buckets, requests_take_what_they_cost);
    tcase_add_test(buckets, an_empty_bucket_asks_to_wait_as_long_as_it_takes);
    tcase_add_test(buckets, writes_have_a_bucket_of_their_own);
    tcase_add_test(buckets, parts_of_a_batch_take_from_the_same_bucket);

    tcase_add_checked_fixture(large, open_default, close_world);
    suite_add_tcase(suite, large);
    tcase_add_test(large, a_larger_tenant_has_larger_buckets);

    tcase_add_checked_fixture(may, open_default, close_world);
    suite_add_tcase(suite, may);
    tcase_add_loop_test(may, an_application_may_do_what_its_permissions_say, 0,
                        COUNT_OF(rights));
    tcase_add_test(may, the_owner_may_have_less_than_all);

    return run_suite(suite);
}
