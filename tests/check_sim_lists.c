/* tests/check_sim_lists.c - lists: filters, pages, counts; the resources of a scope. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "sim/list_filter.h"
#include "tests/suite.h"
#include "tests/world.h"

#define SERVICE   "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define RESOURCES "api-version=2021-04-01"

static void start_world(void)
{
    open_harness();
    open_world(NULL, NULL, 1);
}

static void make_workspace(const char *name, const char *display_name,
                           const char *description)
{
    char *path = memory_format(SERVICE "/workspaces/%s", name);
    char *body = memory_format("{\"properties\":{\"displayName\":\"%s\","
                               "\"description\":\"%s\"}}",
                               display_name, description);

    ck_assert_int_eq(call_arm(CALL_PUT, path, body), 201);
    free(path);
    free(body);
}

/* The names of the last list, each followed by a comma. */
static const char *names(void)
{
    static char text[1024];
    const cJSON *one;

    text[0] = '\0';
    cJSON_ArrayForEach (one, json_at(h.json, "value")) {
        strncat(text, json_string_at(one, "name"), sizeof text - strlen(text) - 2);
        strcat(text, ",");
    }
    return text;
}

/* GETs what stands behind the group, with a filter (or NULL) and more of a query. */
static int list(const char *base, const char *path, const char *version,
                const char *filter, const char *more)
{
    struct buffer url = {0};
    int status;

    buffer_printf(&url, "%s%s?%s%s", base, path, version, more);
    if (filter != NULL) {
        buffer_append_string(&url, "&$filter=");
        buffer_append_escaped(&url, filter);
    }
    status = ask(CALL_GET, url.data, NULL);
    buffer_deinit(&url);
    return status;
}

static int list_workspaces(const char *filter, const char *more)
{
    return list(h.group, SERVICE "/workspaces", VERSION, filter, more);
}

/* ---- workspaces ---- */

static const struct {
    const char *filter, *names;
} filters[] = {
    {"displayName eq 'Payments'", "b,"},
    {"displayName eq 'payments'", "b,"},
    {"displayName ne 'Payments'", "a,c,d,"},
    {"name gt 'b'", "c,d,"},
    {"name ge 'b' and name le 'c'", "b,c,"},
    {"name lt 'b' or name eq 'd'", "a,d,"},
    {"contains(description,'card')", "b,c,"},
    {"substringof('card',description)", "b,c,"},
    {"startswith(displayName,'Pay')", "b,"},
    {"endswith(displayName,'nds')", "c,"},
    {"not (name eq 'a' or name eq 'b')", "c,d,"},
    {"name eq 'a' or name eq 'b' and displayName eq 'x'", "a,"},
    {"(name eq 'a' or name eq 'b') and displayName eq 'Payments'", "b,"},
    {"displayName eq 'O''Neil'", "d,"},
    {"name eq 'none'", ""},
};

START_TEST(a_filter_selects_workspaces)
{
    make_workspace("a", "Orders", "");
    make_workspace("b", "Payments", "cards and bills");
    make_workspace("c", "Refunds", "of a card");
    make_workspace("d", "O'Neil", "");
    ck_assert_int_eq(list_workspaces(filters[_i].filter, ""), 200);
    ck_assert_str_eq(names(), filters[_i].names);
    ck_assert_int_eq((int)json_number_at(h.json, "count", -1),
                     cJSON_GetArraySize(json_at(h.json, "value")));
}
END_TEST

static const char *const bad_filters[] = {
    "",
    "name",
    "name eq",
    "name eq 'a",
    "name eq a",
    "color eq 'a'",
    "name eq 'a' and",
    "(name eq 'a'",
    "name eq 'a')",
    "name like 'a'",
    "contains(name)",
    "contains('a',name)",
    "substringof(name,'a')",
    "not",
    "name eq 'a' x",
};

START_TEST(a_bad_filter_is_refused)
{
    ck_assert_int_eq(list_workspaces(bad_filters[_i], ""), 400);
    ck_assert_str_eq(said("error.code"), "InvalidFilterInQueryString");
}
END_TEST

START_TEST(pages_of_a_filtered_list_keep_the_query_and_count_all)
{
    char name[8], *next;

    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "w%d", i);
        make_workspace(name, i % 2 == 0 ? "even" : "odd", "");
    }
    ck_assert_int_eq(list_workspaces("displayName eq 'even'", "&$top=3"), 200);
    ck_assert_str_eq(names(), "w0,w2,w4,");
    ck_assert_int_eq((int)json_number_at(h.json, "count", -1), 4);
    next = memory_copy_string(said("nextLink"));
    ck_assert_ptr_nonnull(strstr(next, "$skip=3"));
    ck_assert_ptr_nonnull(strstr(next, "filter="));
    ck_assert_int_eq(ask(CALL_GET, next, NULL), 200);
    ck_assert_str_eq(names(), "w6,");
    ck_assert_str_eq(said("nextLink"), "");
    free(next);
    ck_assert_int_eq(list_workspaces("displayName eq 'even'", "&$skip=2&$top=1"), 200);
    ck_assert_str_eq(names(), "w4,");
    ck_assert_int_eq(list_workspaces(NULL, "&$skip=-1"), 400);
    ck_assert_int_eq(list_workspaces(NULL, "&$top=many"), 400);
}
END_TEST

/* ---- filters by themselves ---- */

START_TEST(a_field_is_asked_only_what_it_can_be)
{
    static const struct list_field fields[] = {{"kind", "kind", LIST_EQUAL}, {0}};
    char *wrong = NULL;
    struct list_filter *filter = list_filter_parse("kind gt 'a'", fields, &wrong);

    ck_assert_ptr_null(filter);
    ck_assert_ptr_nonnull(strstr(wrong, "'gt' of 'kind'"));
    free(wrong);
    filter = list_filter_parse("kind eq 'a'", fields, &wrong);
    ck_assert_ptr_null(wrong);
    list_filter_free(filter);
}
END_TEST

START_TEST(a_filter_is_not_nested_for_ever)
{
    static const struct list_field fields[] = {{"a", "a", LIST_ALL}, {0}};
    struct buffer text = {0};
    char *wrong = NULL;

    for (int i = 0; i < 100000; i++)
        buffer_append_char(&text, '(');
    ck_assert_ptr_null(list_filter_parse(text.data, fields, &wrong));
    ck_assert_ptr_nonnull(wrong);
    free(wrong);
    buffer_deinit(&text);
}
END_TEST

/* ---- resources of all types ---- */

static int list_resources(const char *filter, const char *more)
{
    return list(h.world->subscription_id, "/resources", RESOURCES, filter, more);
}

static void make_resources(void)
{
    ck_assert_int_eq(
        call_arm(CALL_PUT, "/providers/Microsoft.Network/networkSecurityGroups/nsg-a",
                 "{\"location\":\"westeurope\",\"tags\":{\"env\":\"test\"}}"),
        201);
    ck_assert_int_eq(
        call_arm(CALL_PUT, "/providers/Microsoft.Network/networkSecurityGroups/nsg-b",
                 "{\"location\":\"westeurope\",\"tags\":{\"env\":\"prod\"}}"),
        201);
    make_workspace("hidden", "no resource of the group", "");
}

static const struct {
    const char *filter, *names;
} resource_filters[] = {
    {"resourceType eq 'Microsoft.ApiManagement/service'", "contoso-apim,"},
    {"resourceType eq 'microsoft.network/networksecuritygroups'", "nsg-a,nsg-b,"},
    {"name eq 'nsg-b'", "nsg-b,"},
    {"substringof('nsg', name)", "nsg-a,nsg-b,"},
    {"resourceGroup eq 'rg-apim' and name ne 'nsg-a' and substringof('nsg',name)",
     "nsg-b,"},
    {"tagName eq 'env'", "nsg-a,nsg-b,"},
    {"tagName eq 'ENV' and tagValue eq 'prod'", "nsg-b,"},
    {"tagName eq 'env' and tagValue eq 'none'", ""},
};

START_TEST(resources_are_selected_by_type_name_group_and_tag)
{
    make_resources();
    ck_assert_int_eq(list_resources(resource_filters[_i].filter, ""), 200);
    ck_assert_str_eq(names(), resource_filters[_i].names);
    ck_assert_int_eq(
        list(h.group, "/resources", RESOURCES, resource_filters[_i].filter, ""), 200);
    ck_assert_str_eq(names(), resource_filters[_i].names);
}
END_TEST

START_TEST(resources_show_no_properties_but_what_is_asked_for)
{
    make_resources();
    ck_assert_int_eq(list_resources("name eq 'nsg-a'", ""), 200);

    const cJSON *one = cJSON_GetArrayItem(json_at(h.json, "value"), 0);

    ck_assert_ptr_null(json_at(one, "properties"));
    ck_assert_ptr_null(json_at(one, "createdTime"));
    ck_assert_str_eq(json_string_at(one, "tags.env"), "test");
    ck_assert_int_eq(
        list_resources("name eq 'nsg-a'", "&$expand=createdTime,provisioningState"), 200);
    one = cJSON_GetArrayItem(json_at(h.json, "value"), 0);
    ck_assert_ptr_nonnull(json_string_at(one, "createdTime"));
    ck_assert_ptr_nonnull(json_string_at(one, "provisioningState"));
    ck_assert_int_eq(list_resources(NULL, "&$expand=colour"), 400);
    ck_assert_int_eq(list_resources("colour eq 'red'", ""), 400);
    ck_assert_int_eq(list_resources("name gt 'a'", ""), 400);
}
END_TEST

START_TEST(resources_come_in_pages_without_gap_or_repetition)
{
    char seen[1024] = "", *next;
    int pages = 1;

    make_resources();
    ck_assert_int_eq(list_resources(NULL, "&$top=1"), 200);
    for (;;) {
        strcat(seen, names());
        next = memory_copy_string(said("nextLink"));
        if (*next == '\0')
            break;
        ck_assert_int_eq(ask(CALL_GET, next, NULL), 200);
        free(next);
        pages++;
    }
    free(next);
    ck_assert_int_eq(list_resources(NULL, ""), 200);
    ck_assert_str_eq(seen, names());
    ck_assert_int_eq(pages, cJSON_GetArraySize(json_at(h.json, "value")));
    ck_assert_int_ge(pages, 3);
    ck_assert_ptr_null(strstr(seen, "hidden"));
}
END_TEST

START_TEST(groups_are_selected_by_tag)
{
    char *url =
        memory_format("%s/resourceGroups/rg-b?" RESOURCES, h.world->subscription_id);

    ck_assert_int_eq(
        ask(CALL_PUT, url, "{\"location\":\"westeurope\",\"tags\":{\"team\":\"a b\"}}"),
        201);
    free(url);
    ck_assert_int_eq(list(h.world->subscription_id, "/resourcegroups", RESOURCES,
                          "tagName eq 'team' and tagValue eq 'a b'", "&$top=5"),
                     200);
    ck_assert_str_eq(names(), "rg-b,");
    ck_assert_int_eq(list(h.world->subscription_id, "/resourcegroups", RESOURCES,
                          "name eq 'rg-b'", ""),
                     400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim_lists");
    TCase *workspaces = tcase_create("workspaces"), *filter = tcase_create("filters"),
          *resources = tcase_create("resources");

    tcase_add_checked_fixture(workspaces, start_world, close_harness);
    tcase_add_loop_test(workspaces, a_filter_selects_workspaces, 0,
                        (int)(sizeof filters / sizeof filters[0]));
    tcase_add_loop_test(workspaces, a_bad_filter_is_refused, 0,
                        (int)(sizeof bad_filters / sizeof bad_filters[0]));
    tcase_add_test(workspaces, pages_of_a_filtered_list_keep_the_query_and_count_all);
    tcase_add_test(filter, a_field_is_asked_only_what_it_can_be);
    tcase_add_test(filter, a_filter_is_not_nested_for_ever);
    tcase_add_checked_fixture(resources, start_world, close_harness);
    tcase_add_loop_test(resources, resources_are_selected_by_type_name_group_and_tag, 0,
                        (int)(sizeof resource_filters / sizeof resource_filters[0]));
    tcase_add_test(resources, resources_show_no_properties_but_what_is_asked_for);
    tcase_add_test(resources, resources_come_in_pages_without_gap_or_repetition);
    tcase_add_test(resources, groups_are_selected_by_tag);
    suite_add_tcase(suite, workspaces);
    suite_add_tcase(suite, filter);
    suite_add_tcase(suite, resources);

    return run_suite(suite);
}
