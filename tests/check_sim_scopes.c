/* tests/check_sim_scopes.c - the subscription itself: regions, providers, versions, tags;
 * names, tiers and deleted services of API Management. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/suite.h"
#include "tests/world.h"

#define SERVICE   "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define WORKSPACE SERVICE "/workspaces/w1"
#define RESOURCES "api-version=2021-04-01"
#define TAGS      "/providers/Microsoft.Resources/tags/default?" RESOURCES
#define DELETED                                                                          \
    "/providers/Microsoft.ApiManagement/locations/westeurope/deletedservices/"           \
    "contoso-apim?" VERSION

enum { SECOND_MS = 1000, HOUR_MS = 3600 * 1000 };

static void start_world(void)
{
    open_harness();
    open_world(NULL, NULL, 1);
}

/* On what stands behind the subscription, its query included. */
static int manage(enum call_method method, const char *path, const char *body)
{
    char *url = memory_format("%s%s", h.world->subscription_id, path);
    const int status = ask(method, url, body);

    free(url);
    return status;
}

/* On what stands behind the group, its query included. */
static int manage_group(enum call_method method, const char *path, const char *body)
{
    char *url = memory_format("%s%s", h.group, path);
    const int status = ask(method, url, body);

    free(url);
    return status;
}

static void pass(int64_t ms)
{
    pass_ms(ms);
    sign_in();
}

/* The member of `array` of the last answer whose `name` is `value`, or NULL. */
static const cJSON *find(const char *array, const char *name, const char *value)
{
    const cJSON *one;

    cJSON_ArrayForEach (one, json_at(h.json, array)) {
        const char *text = json_string_at(one, name);

        if (text != NULL && strcmp(text, value) == 0)
            break;
    }
    return one;
}

/* ---- the subscription ---- */

START_TEST(the_subscription_lists_azures_regions)
{
    const cJSON *region;

    ck_assert_int_eq(manage(CALL_GET, "/locations?api-version=2022-12-01", NULL), 200);
    ck_assert_int_ge(cJSON_GetArraySize(json_at(h.json, "value")), 30);
    region = find("value", "name", "westeurope");
    ck_assert_str_eq(json_string_at(region, "displayName"), "West Europe");
    ck_assert_str_eq(json_string_at(region, "regionalDisplayName"),
                     "(Europe) West Europe");
    ck_assert_str_eq(json_string_at(region, "metadata.physicalLocation"), "Netherlands");
    ck_assert_str_eq(
        json_string_at(cJSON_GetArrayItem(json_at(region, "metadata.pairedRegion"), 0),
                       "name"),
        "northeurope");
}
END_TEST

static const struct {
    const char *path;
    int status;
    const char *code;
} versions[] = {
    {"?api-version=2016-06-01", 200, ""},
    {"?api-version=2019-11-01", 200, ""},
    {"?api-version=2020-02-02", 400, "InvalidApiVersionParameter"},
    {"/resourcegroups?api-version=2024-05-02", 400, "InvalidApiVersionParameter"},
    {"/providers/Microsoft.ApiManagement/service?api-version=2021-08-01", 200, ""},
    {"/providers/Microsoft.ApiManagement/service?api-version=2021-08-02", 400,
     "NoRegisteredProviderFound"},
    {"/providers/Microsoft.ApiManagement/gateways?api-version=2021-08-01", 400,
     "NoRegisteredProviderFound"},
    {"/providers/Microsoft.ApiManagement/gateways?api-version=2023-09-01-preview", 200,
     ""},
    {"/providers/Microsoft.Network/virtualNetworks?api-version=2022-07-01", 200, ""},
    {"/providers/Microsoft.Network/virtualNetworks?api-version=2025-05-01", 200, ""},
    {"/providers/Microsoft.Authorization/roleAssignments?api-version=2020-04-01-preview",
     200, ""},
    {"/providers/Microsoft.Authorization/roleAssignments?api-version=2018-01-01-preview",
     200, ""},
    {"/providers/Microsoft.Authorization/roleAssignments?api-version=2020-05-01", 400,
     "NoRegisteredProviderFound"},
    {"/providers/Microsoft.Authorization/locks?api-version=2020-05-01", 200, ""},
    {"/providers/Microsoft.Elsewhere/things/a?api-version=2020-05-01", 404,
     "InvalidResourceNamespace"},
};

START_TEST(a_version_is_one_that_the_type_has)
{
    ck_assert_int_eq(manage(CALL_GET, versions[_i].path, NULL), versions[_i].status);
    ck_assert_str_eq(said("error.code"), versions[_i].code);
    if (strcmp(said("error.code"), "NoRegisteredProviderFound") == 0)
        ck_assert_ptr_nonnull(
            strstr(said("error.message"), "The supported api-versions are '202"));
}
END_TEST

static const struct {
    const char *url;
    int status;
    const char *code;
} nowhere[] = {
    {"/subscriptions/abc?" RESOURCES, 400, "InvalidSubscriptionId"},
    {"/subscriptions/99999999-0000-0000-0000-000000000000?" RESOURCES, 404,
     "SubscriptionNotFound"},
    {"/providers/Microsoft.Network/virtualNetworks/v?" VERSION, 404,
     "MissingSubscription"},
};

START_TEST(a_path_without_a_subscription_says_why)
{
    ck_assert_int_eq(ask(CALL_GET, nowhere[_i].url, NULL), nowhere[_i].status);
    ck_assert_str_eq(said("error.code"), nowhere[_i].code);
}
END_TEST

START_TEST(who_shows_no_token_is_told_where_to_get_one)
{
    char *bearer = h.bearer, *wanted;

    h.bearer = NULL;
    ck_assert_int_eq(manage(CALL_GET, "?" RESOURCES, NULL), 401);
    h.bearer = bearer;
    wanted = memory_format("Bearer authorization_uri=\"http://sim/%s\", "
                           "error=\"invalid_token\", error_description=\"The "
                           "authentication failed because of missing 'Authorization' "
                           "header.\"",
                           h.world->profile.tenant_id);
    ck_assert_str_eq(h.answer.www_authenticate, wanted);
    ck_assert_str_eq(said("error.message"),
                     "Authentication failed. The 'Authorization' header is missing.");
    free(wanted);
}
END_TEST

START_TEST(a_provider_is_described_with_its_types)
{
    const cJSON *type;

    ck_assert_int_eq(
        manage(CALL_GET, "/providers/Microsoft.ApiManagement?" RESOURCES, NULL), 200);
    ck_assert_str_eq(said("registrationState"), "Registered");
    type = find("resourceTypes", "resourceType", "gateways");
    ck_assert_str_eq(json_string_at(type, "defaultApiVersion"), "2024-05-01");
    ck_assert_int_eq(cJSON_GetArraySize(json_at(type, "locations")), 12);
    ck_assert_int_ge(cJSON_GetArraySize(json_at(type, "apiVersions")), 6);
    ck_assert_int_eq(manage(CALL_GET, "/providers?$top=2&" RESOURCES, NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "value")), 2);

    char *next = memory_copy_string(said("nextLink"));

    ck_assert_int_eq(ask(CALL_GET, next, NULL), 200);
    ck_assert_ptr_nonnull(find("value", "namespace", "Microsoft.Resources"));
    free(next);
}
END_TEST

START_TEST(a_provider_is_unregistered_in_time_and_only_when_it_is_not_used)
{
    ck_assert_int_eq(
        manage(CALL_POST, "/providers/Microsoft.ApiManagement/unregister?" RESOURCES, ""),
        409);
    ck_assert_int_eq(
        manage(CALL_POST, "/providers/Microsoft.Storage/unregister?" RESOURCES, ""), 200);
    ck_assert_str_eq(said("registrationState"), "Unregistering");
    pass(121 * SECOND_MS);
    ck_assert_int_eq(manage(CALL_GET, "/providers/Microsoft.Storage?" RESOURCES, NULL),
                     200);
    ck_assert_str_eq(said("registrationState"), "Unregistered");
    ck_assert_int_eq(
        manage(CALL_POST, "/providers/Microsoft.Storage/register?" RESOURCES, ""), 200);
    ck_assert_str_eq(said("registrationState"), "Registering");
    pass(121 * SECOND_MS);
    ck_assert_int_eq(manage(CALL_GET, "/providers/Microsoft.Storage?" RESOURCES, NULL),
                     200);
    ck_assert_str_eq(said("registrationState"), "Registered");
}
END_TEST

/* ---- tags ---- */

static const char *const tagged[] = {"", SERVICE};

START_TEST(the_tags_of_a_scope_are_put_merged_and_taken_away)
{
    char *path = memory_format("%s" TAGS, tagged[_i]);
    char *item = memory_format("%s?" VERSION, tagged[_i]);

    ck_assert_int_eq(
        manage_group(CALL_PUT, path,
                     "{\"properties\":{\"tags\":{\"a\":\"1\",\"b\":\"2\"}}}"),
        200);
    ck_assert_int_eq(manage_group(CALL_PATCH, path,
                                  "{\"operation\":\"Merge\",\"properties\":{\"tags\":{"
                                  "\"B\":\"3\",\"c\":\"4\"}}}"),
                     200);
    ck_assert_int_eq(manage_group(CALL_PATCH, path,
                                  "{\"operation\":\"Delete\",\"properties\":{\"tags\":{"
                                  "\"a\":\"1\",\"c\":\"other\"}}}"),
                     200);
    ck_assert_int_eq(manage_group(CALL_GET, path, NULL), 200);
    ck_assert_str_eq(said("name"), "default");
    ck_assert_str_eq(said("properties.tags.B"), "3");
    ck_assert_str_eq(said("properties.tags.c"), "4");
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "properties.tags")), 2);
    ck_assert_int_eq(manage_group(CALL_GET, item, NULL), 200);
    ck_assert_str_eq(said("tags.c"), "4");
    ck_assert_int_eq(manage_group(CALL_PATCH, path,
                                  "{\"operation\":\"Replace\",\"properties\":{\"tags\":{"
                                  "\"z\":\"9\"}}}"),
                     200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "properties.tags")), 1);
    ck_assert_int_eq(manage_group(CALL_DELETE, path, NULL), 200);
    ck_assert_int_eq(manage_group(CALL_GET, path, NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "properties.tags")), 0);
    free(path);
    free(item);
}
END_TEST

START_TEST(a_subscription_has_tags_too)
{
    ck_assert_int_eq(manage(CALL_PUT, TAGS, "{\"properties\":{\"tags\":{\"k\":\"v\"}}}"),
                     200);
    ck_assert_int_eq(manage(CALL_GET, "?" RESOURCES, NULL), 200);
    ck_assert_str_eq(said("tags.k"), "v");
}
END_TEST

/* `count` tags whose names and values have so many characters. */
static int put_tags(int count, int name_length, int value_length)
{
    struct buffer body = {0};
    int status;

    buffer_append_string(&body, "{\"properties\":{\"tags\":{");
    for (int i = 0; i < count; i++)
        buffer_printf(&body, "%s\"%0*d\":\"%0*d\"", i > 0 ? "," : "", name_length, i,
                      value_length, i);
    buffer_append_string(&body, "}}}");
    status = manage_group(CALL_PUT, TAGS, body.data);
    buffer_deinit(&body);
    return status;
}

START_TEST(a_group_that_is_not_there_or_goes_takes_no_tags)
{
    static const char group[] = "/resourceGroups/rg-old?" RESOURCES;
    static const char tags[] = "/resourceGroups/rg-old" TAGS;

    ck_assert_int_eq(manage(CALL_GET, tags, NULL), 404);
    ck_assert_str_eq(said("error.code"), "ResourceGroupNotFound");
    ck_assert_int_eq(manage(CALL_PUT, group, "{\"location\":\"westeurope\"}"), 201);
    ck_assert_int_eq(manage(CALL_DELETE, group, NULL), 202);
    ck_assert_int_eq(manage(CALL_DELETE, tags, NULL), 409);
    ck_assert_str_eq(said("error.code"), "ResourceGroupBeingDeleted");
}
END_TEST

START_TEST(tags_have_limits)
{
    ck_assert_int_eq(put_tags(50, 512, 256), 200);
    ck_assert_int_eq(put_tags(51, 3, 3), 400);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "51 tags"));
    ck_assert_int_eq(put_tags(1, 513, 3), 400);
    ck_assert_int_eq(put_tags(1, 3, 257), 400);
    ck_assert_int_eq(
        manage_group(CALL_PUT, TAGS, "{\"properties\":{\"tags\":{\"a/b\":\"1\"}}}"), 400);
    ck_assert_int_eq(manage_group(CALL_PUT, TAGS, "{}"), 400);
    ck_assert_int_eq(
        manage_group(CALL_PATCH, TAGS,
                     "{\"operation\":\"Mix\",\"properties\":{\"tags\":{\"a\":\"1\"}}}"),
        400);
    ck_assert_int_eq(manage_group(CALL_GET,
                                  "/providers/Microsoft.Network/virtualNetworks/"
                                  "none" TAGS,
                                  NULL),
                     404);
    ck_assert_int_eq(
        call_arm(CALL_PUT, WORKSPACE, "{\"properties\":{\"displayName\":\"W\"}}"), 201);
    ck_assert_int_eq(manage_group(CALL_GET, WORKSPACE TAGS, NULL), 400);
}
END_TEST

START_TEST(a_resource_is_not_written_with_too_long_tags)
{
    char *body =
        memory_format("{\"location\":\"westeurope\",\"tags\":{\"k\":\"%0*d\"}}", 257, 1);

    ck_assert_int_eq(
        call_arm(CALL_PUT, "/providers/Microsoft.Network/networkSecurityGroups/n", body),
        400);
    ck_assert_str_eq(said("error.code"), "InvalidTags");
    free(body);
}
END_TEST

/* ---- API Management ---- */

static const char *check_service_name(const char *name)
{
    char *body = memory_format("{\"name\":\"%s\"}", name);

    ck_assert_int_eq(
        manage(CALL_POST,
               "/providers/Microsoft.ApiManagement/checkNameAvailability?" VERSION, body),
        200);
    free(body);
    ck_assert_int_eq(cJSON_IsTrue(json_at(h.json, "nameAvailable")),
                     strcmp(said("reason"), "Valid") == 0);
    return said("reason");
}

START_TEST(names_of_services_are_checked)
{
    ck_assert_str_eq(check_service_name("other-apim"), "Valid");
    ck_assert_str_eq(check_service_name("Contoso-APIM"), "AlreadyExists");
    ck_assert_str_eq(check_service_name("-bad"), "Invalid");
    ck_assert_int_eq(
        manage(CALL_POST,
               "/providers/Microsoft.ApiManagement/checkNameAvailability?" VERSION, "{}"),
        400);
}
END_TEST

START_TEST(tiers_and_their_units_are_listed_and_hold)
{
    const cJSON *one;

    ck_assert_int_eq(call_arm(CALL_GET, SERVICE "/skus", NULL), 200);
    one = find("value", "sku.name", "Premium");
    ck_assert_int_eq((int)json_number_at(one, "capacity.maximum", 0), 31);
    ck_assert_int_eq(call_arm(CALL_PUT, "/providers/Microsoft.ApiManagement/gateways/g",
                              "{\"location\":\"westeurope\",\"sku\":{\"name\":"
                              "\"WorkspaceGatewayStandard\",\"capacity\":5},"
                              "\"properties\":{}}"),
                     400);
    ck_assert_int_eq(call_arm(CALL_PUT, "/providers/Microsoft.ApiManagement/gateways/g",
                              "{\"location\":\"westeurope\",\"sku\":{\"name\":"
                              "\"WorkspaceGatewayStandard\",\"capacity\":4},"
                              "\"properties\":{}}"),
                     201);
    ck_assert_int_eq(
        call_arm(CALL_GET, "/providers/Microsoft.ApiManagement/gateways/g/skus", NULL),
        200);
    one = find("value", "sku.name", "WorkspaceGatewayPremium");
    ck_assert_int_eq((int)json_number_at(one, "capacity.maximum", 0), 12);
    ck_assert_int_eq(
        call_arm(CALL_GET, "/providers/Microsoft.ApiManagement/gateways/none/skus", NULL),
        404);
}
END_TEST

static const char service_body[] =
    "{\"location\":\"westeurope\",\"sku\":{\"name\":\"Premium\",\"capacity\":1},"
    "\"properties\":{\"publisherEmail\":\"a@b.example\",\"publisherName\":\"x\"%s}}";

static int put_service(const char *more)
{
    char *body = memory_format(service_body, more);
    const int status = call_arm(CALL_PUT, SERVICE, body);

    free(body);
    return status;
}

static void delete_service(void)
{
    ck_assert_int_eq(
        call_arm(CALL_PUT, WORKSPACE, "{\"properties\":{\"displayName\":\"Mine\"}}"),
        201);
    ck_assert_int_eq(call_arm(CALL_DELETE, SERVICE, NULL), 202);
    pass(601 * SECOND_MS);
    ck_assert_int_eq(call_arm(CALL_GET, SERVICE, NULL), 404);
}

START_TEST(a_deleted_service_holds_its_name_for_two_days)
{
    delete_service();
    ck_assert_int_eq(manage(CALL_GET,
                            "/providers/Microsoft.ApiManagement/deletedservices?" VERSION,
                            NULL),
                     200);
    ck_assert_ptr_nonnull(find("value", "name", "contoso-apim"));
    ck_assert_int_eq(manage(CALL_GET, DELETED, NULL), 200);
    ck_assert_str_eq(said("type"), "Microsoft.ApiManagement/deletedservices");
    ck_assert_ptr_nonnull(strstr(said("properties.serviceId"), SERVICE));
    ck_assert_str_eq(check_service_name("contoso-apim"), "AlreadyExists");
    ck_assert_int_eq(put_service(""), 409);
    ck_assert_str_eq(said("error.code"), "ServiceAlreadyExistsInSoftDeletedState");
    pass((int64_t)48 * HOUR_MS);
    ck_assert_int_eq(manage(CALL_GET, DELETED, NULL), 404);
    ck_assert_int_eq(put_service(""), 201);
}
END_TEST

START_TEST(a_deleted_service_is_restored_with_its_workspaces)
{
    delete_service();
    ck_assert_int_eq(put_service(",\"restore\":true"), 201);
    ck_assert_str_eq(said("properties.publisherName"), "Contoso");
    ck_assert_ptr_null(json_at(h.json, "properties.restore"));
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACE, NULL), 200);
    ck_assert_str_eq(said("properties.displayName"), "Mine");
    ck_assert_int_eq(manage(CALL_GET, DELETED, NULL), 404);
}
END_TEST

START_TEST(what_was_not_deleted_is_not_restored)
{
    ck_assert_int_eq(
        call_arm(CALL_PUT, "/providers/Microsoft.ApiManagement/service/new-1",
                 "{\"location\":\"westeurope\",\"sku\":{\"name\":\"Premium\","
                 "\"capacity\":1},\"properties\":{\"publisherEmail\":"
                 "\"a@b.example\",\"publisherName\":\"x\",\"restore\":true}}"),
        404);
    ck_assert_str_eq(said("error.code"), "ServiceNotFound");
}
END_TEST

START_TEST(a_deleted_service_is_purged_in_time)
{
    char *monitor;

    delete_service();
    ck_assert_int_eq(manage(CALL_DELETE, DELETED, NULL), 202);
    monitor = memory_copy_string(h.answer.location);
    ck_assert_int_eq(ask(CALL_GET, monitor, NULL), 202);
    ck_assert_int_eq((int)h.answer.body.length, 0);
    ck_assert_int_eq(put_service(""), 409);
    pass(151 * SECOND_MS);
    ck_assert_int_eq(ask(CALL_GET, monitor, NULL), 200);
    ck_assert_int_eq((int)h.answer.body.length, 0);
    ck_assert_int_eq(manage(CALL_DELETE, DELETED, NULL), 204);
    ck_assert_int_eq(put_service(""), 201);
    free(monitor);
}
END_TEST

START_TEST(the_name_of_a_service_is_taken_in_all_groups)
{
    char *group = memory_format("%s/resourceGroups/rg-2", h.world->subscription_id);
    char *body = memory_format(service_body, "");
    char *url = memory_format("%s?" RESOURCES, group);

    ck_assert_int_eq(ask(CALL_PUT, url, "{\"location\":\"westeurope\"}"), 201);
    free(url);
    url = memory_format("%s" SERVICE "?" VERSION, group);
    ck_assert_int_eq(ask(CALL_PUT, url, body), 409);
    ck_assert_str_eq(said("error.code"), "ServiceAlreadyExists");
    free(group);
    free(body);
    free(url);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim_scopes");
    TCase *subscription = tcase_create("subscription"), *tags = tcase_create("tags"),
          *management = tcase_create("management");

    tcase_add_checked_fixture(subscription, start_world, close_harness);
    tcase_add_test(subscription, the_subscription_lists_azures_regions);
    tcase_add_loop_test(subscription, a_version_is_one_that_the_type_has, 0,
                        (int)(sizeof versions / sizeof versions[0]));
    tcase_add_loop_test(subscription, a_path_without_a_subscription_says_why, 0,
                        (int)(sizeof nowhere / sizeof nowhere[0]));
    tcase_add_test(subscription, who_shows_no_token_is_told_where_to_get_one);
    tcase_add_test(subscription, a_provider_is_described_with_its_types);
    tcase_add_test(subscription,
                   a_provider_is_unregistered_in_time_and_only_when_it_is_not_used);
    tcase_add_checked_fixture(tags, start_world, close_harness);
    tcase_add_loop_test(tags, the_tags_of_a_scope_are_put_merged_and_taken_away, 0, 2);
    tcase_add_test(tags, a_subscription_has_tags_too);
    tcase_add_test(tags, a_group_that_is_not_there_or_goes_takes_no_tags);
    tcase_add_test(tags, tags_have_limits);
    tcase_add_test(tags, a_resource_is_not_written_with_too_long_tags);
    tcase_add_checked_fixture(management, start_world, close_harness);
    tcase_add_test(management, names_of_services_are_checked);
    tcase_add_test(management, tiers_and_their_units_are_listed_and_hold);
    tcase_add_test(management, a_deleted_service_holds_its_name_for_two_days);
    tcase_add_test(management, a_deleted_service_is_restored_with_its_workspaces);
    tcase_add_test(management, what_was_not_deleted_is_not_restored);
    tcase_add_test(management, a_deleted_service_is_purged_in_time);
    tcase_add_test(management, the_name_of_a_service_is_taken_in_all_groups);
    suite_add_tcase(suite, subscription);
    suite_add_tcase(suite, tags);
    suite_add_tcase(suite, management);

    return run_suite(suite);
}
