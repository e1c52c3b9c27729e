/* tests/check_sim_graph.c - the simulated Microsoft Graph.
 *
 * Calls go straight to the plane, without HTTP. */
#include <stdlib.h>

#include "tests/graph.h"
#include "tests/suite.h"

static const struct {
    const char *query;
    int count;
    const char *first;
} group_lists[] = {
    {"$filter=displayName%20eq%20'API-team-search'", 1, "api-team-search"},
    {"$filter=displayName%20eq%20'none'", 0, ""},
    {"$filter=startswith(displayName,'api-team-p')", 2, "api-team-partners"},
    {"$filter=mailNickname%20eq%20'api-team-loyalty'", 1, "api-team-loyalty"},
    {"$filter=displayName%20eq%20'api-team-search'%20or%20displayName%20eq%20'api-team-"
     "orders'",
     2, "api-team-orders"},
    {"$filter=startswith(displayName,'api-')%20and%20mailNickname%20eq%20'api-team-"
     "orders'",
     1, "api-team-orders"},
    {"$filter=(displayName%20eq%20'o''brien')", 0, ""},
    {"$top=5", 5, "api-team-analytics"},
    {"", 12, "api-team-analytics"},
};

START_TEST(groups_are_listed_by_filter)
{
    ck_assert_int_eq(get("/v1.0/groups?%s", group_lists[_i].query), 200);
    ck_assert_int_eq(count_values(), group_lists[_i].count);
    ck_assert_str_eq(value_at(0, "displayName"), group_lists[_i].first);
}
END_TEST

static const struct {
    const char *query, *code;
} bad_group_lists[] = {
    {"$filter=nothing%20eq%20'a'", "BadRequest"},
    {"$filter=displayName%20eq%20'a", "BadRequest"},
    {"$filter=displayName%20ne%20'a'", "Request_UnsupportedQuery"},
    {"$filter=((((((((((displayName%20eq%20'a'))))))))))", "Request_UnsupportedQuery"},
    {"$top=0", "Request_UnsupportedQuery"},
    {"$top=1000", "Request_UnsupportedQuery"},
    {"$search=%22displayName:pay%22", "Request_UnsupportedQuery"}};

START_TEST(a_query_that_graph_does_not_take_is_refused)
{
    ck_assert_int_eq(get("/v1.0/groups?%s", bad_group_lists[_i].query), 400);
    ck_assert_str_eq(said("error.code"), bad_group_lists[_i].code);
    ck_assert_str_ne(said("error.innerError.request-id"), "");
}
END_TEST

START_TEST(groups_are_paged_selected_counted_and_searched)
{
    int seen = 0;

    h.consistency = "eventual";
    ck_assert_int_eq(get("/v1.0/groups?$top=5&$select=displayName,id&$count=true"), 200);
    ck_assert_int_eq((int)json_number_at(h.json, "@odata.count", 0), 0);
    for (;;) {
        const cJSON *next = cJSON_GetObjectItem(h.json, "@odata.nextLink");

        seen += count_values();
        ck_assert_int_eq(
            cJSON_GetArraySize(cJSON_GetArrayItem(json_at(h.json, "value"), 0)), 2);
        ck_assert_int_eq(cJSON_GetObjectItem(h.json, "@odata.count")->valueint, 12);
        if (next == NULL)
            break;
        ck_assert_int_eq(get("%s", next->valuestring), 200);
    }
    ck_assert_int_eq(seen, 12);
    ck_assert_int_eq(get("/v1.0/groups?$search=%%22displayName:pay%%22"), 200);
    ck_assert_int_eq(count_values(), 1);
}
END_TEST

START_TEST(a_group_is_created_changed_and_deleted)
{
    ck_assert_int_eq(exchange(CALL_POST, "/v1.0/groups",
                              "{\"displayName\":\"New\",\"mailEnabled\":false,"
                              "\"mailNickname\":\"new\",\"securityEnabled\":true}"),
                     201);

    char *url = memory_format("/v1.0/groups/%s", said("id"));

    ck_assert_int_eq(exchange(CALL_PATCH, url, "{\"displayName\":\"Newer\"}"), 204);
    ck_assert_int_eq(get("%s", url), 200);
    ck_assert_str_eq(said("displayName"), "Newer");
    ck_assert_int_eq(get("/v1.0/groups?$filter=displayName%%20eq%%20'newer'"), 200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(exchange(CALL_DELETE, url, NULL), 204);
    ck_assert_int_eq(exchange(CALL_DELETE, url, NULL), 404);
    ck_assert_int_eq(get("%s", url), 404);
    ck_assert_str_eq(said("error.code"), "Request_ResourceNotFound");
    free(url);
}
END_TEST

static const char *const bad_groups[] = {
    "{\"mailEnabled\":false,\"mailNickname\":\"n\",\"securityEnabled\":true}",
    "{\"displayName\":\"\",\"mailEnabled\":false,\"mailNickname\":\"n\","
    "\"securityEnabled\":true}",
    "{\"displayName\":\"N\",\"mailEnabled\":false,\"mailNickname\":\"a b\","
    "\"securityEnabled\":true}",
    "{\"displayName\":\"N\",\"mailNickname\":\"n\",\"securityEnabled\":true}",
    "{\"displayName\":\"N\",\"mailEnabled\":\"no\",\"mailNickname\":\"n\","
    "\"securityEnabled\":true}",
    "[]"};

START_TEST(a_group_without_what_it_needs_is_refused)
{
    ck_assert_int_eq(exchange(CALL_POST, "/v1.0/groups", bad_groups[_i]), 400);
}
END_TEST

START_TEST(members_are_added_once_listed_through_groups_and_removed)
{
    char *payments = find_group("api-team-payments"),
         *search = find_group("api-team-search");
    char *members = memory_format("/v1.0/groups/%s/members/$ref", payments);
    char *body = memory_format("{\"@odata.id\":\"https://graph.microsoft.com/v1.0/"
                               "directoryObjects/%s\"}",
                               search);
    char *member = memory_format("/v1.0/groups/%s/members/%s/$ref", payments, search);

    ck_assert_int_eq(get("/v1.0/groups/%s/members", payments), 200);
    ck_assert_int_eq(count_values(), 4); /* three people and a group */
    ck_assert_int_eq(get("/v1.0/groups/%s/transitiveMembers", payments), 200);
    ck_assert_int_eq(count_values(), 7);
    ck_assert_int_eq(exchange(CALL_POST, members, body), 204);
    ck_assert_int_eq(exchange(CALL_POST, members, body), 400);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "already exist"));
    ck_assert_int_eq(
        exchange(CALL_POST, members,
                 "{\"@odata.id\":\"https://graph.microsoft.com/v1.0/directoryObjects/"
                 "99999999-0000-0000-0000-000000000000\"}"),
        404);
    h.consistency = "eventual";
    ck_assert_int_eq(
        get("/v1.0/groups/%s/transitiveMembers/microsoft.graph.user?$count=true",
            payments),
        200);
    ck_assert_int_eq(count_values(), 9);
    ck_assert_int_eq(exchange(CALL_DELETE, member, NULL), 204);
    ck_assert_int_eq(exchange(CALL_DELETE, member, NULL), 404);
    free(payments);
    free(search);
    free(members);
    free(body);
    free(member);
}
END_TEST

START_TEST(people_and_applications_are_found_by_their_names)
{
    const struct sim_profile *profile = &h.world->profile;

    ck_assert_int_eq(get("/v1.0/users/Ann.Adler%%40contoso.example"), 200);
    ck_assert_str_eq(said("displayName"), "Ann Adler");

    char *id = memory_copy_string(said("id"));

    ck_assert_int_eq(get("/v1.0/users/%s?$select=mail", id), 200);
    ck_assert_str_eq(said("mail"), "ann.adler@contoso.example");
    ck_assert_ptr_null(json_at(h.json, "displayName"));
    ck_assert_int_eq(get("/v1.0/users/nobody%%40contoso.example"), 404);
    ck_assert_int_eq(get("/v1.0/users?$filter=userPrincipalName%%20eq%%20"
                         "'ann.adler@contoso.example'"),
                     200);
    ck_assert_str_eq(value_at(0, "id"), id);
    ck_assert_int_eq(
        get("/v1.0/servicePrincipals?$filter=appId%%20eq%%20'%s'", profile->client_id),
        200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(
        get("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c%%20eq%%20"
            "'%s')",
            profile->guest_id),
        200);
    ck_assert_str_eq(value_at(0, "displayName"), "contoso-guest");
    ck_assert_int_eq(get("/v1.0/servicePrincipals(appId='%s')", profile->client_id), 200);
    ck_assert_int_eq(get("/v1.0/directoryObjects/%s", id), 200);

    char *body = memory_format("{\"ids\":[\"%s\",\"none\"]}", id);

    ck_assert_int_eq(exchange(CALL_POST, "/v1.0/directoryObjects/getByIds", body), 200);
    ck_assert_int_eq(count_values(), 1);
    free(id);
    free(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim graph");
    TCase *topic = tcase_create("graph");

    tcase_add_checked_fixture(topic, open_default, close_world);
    suite_add_tcase(suite, topic);
    tcase_add_loop_test(topic, groups_are_listed_by_filter, 0, COUNT_OF(group_lists));
    tcase_add_loop_test(topic, a_query_that_graph_does_not_take_is_refused, 0,
                        COUNT_OF(bad_group_lists));
    tcase_add_test(topic, groups_are_paged_selected_counted_and_searched);
    tcase_add_test(topic, a_group_is_created_changed_and_deleted);
    tcase_add_loop_test(topic, a_group_without_what_it_needs_is_refused, 0,
                        COUNT_OF(bad_groups));
    tcase_add_test(topic, members_are_added_once_listed_through_groups_and_removed);
    tcase_add_test(topic, people_and_applications_are_found_by_their_names);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);

    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
