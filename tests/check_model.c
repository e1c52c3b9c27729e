/* tests/check_model.c - what the rows of the model are asked: names, values, roles, clouds; and
 * whether the roles allow what Azure publishes. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "harness.h"
#include "model/cloud.h"
#include "model/kind.h"
#include "model/role.h"
#include "specification.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

#define E_ACUTE "\xc3\xa9"

/* --- names ---------------------------------------------------------------------------- */

static const struct name_row {
    const struct kind *kind;
    const char *name;
    const char *complaint; /* a part of it, or NULL */
} name_rows[] = {
    {&workspace_kind, "payments", NULL},
    {&workspace_kind, "caf" E_ACUTE " 2", NULL},
    {&workspace_kind, "", "0 characters"},
    {&workspace_kind, "a/b", "'/'"},
    {&workspace_kind, "a\nb", "control"},
    {&workspace_kind, "a#b", "does not match"},
    {&workspace_kind, "a?b", "does not match"},
    {&workspace_kind, ".", "folder"},
    {&workspace_kind, "..", "folder"},
    {&gateway_kind, "gw-1", NULL},
    {&gateway_kind, "g", NULL},
    {&gateway_kind, "1gw", "does not match"},
    {&gateway_kind, "gw-", "does not match"},
    {&gateway_kind, "gw_1", "does not match"},
    {&gateway_kind, "a123456789012345678901234567890123456789012345", "46 characters"},
    {&config_connection_kind, "a12345678901234567890123456789", NULL},
    {&config_connection_kind, "a123456789012345678901234567890", "31 characters"},
    {&virtual_network_kind, "v", "1 characters"},
    {&virtual_network_kind, "vnet.a_1-b_", NULL},
    {&subnet_kind, "-a", "does not match"},
    {&role_assignment_kind, "6d6f6f6e-6761-5465-8c1d-2f7b9043ae51", NULL},
    {&role_assignment_kind, "6d6f6f6e-6761-5465-8c1d-2f7b9043ae5g", "does not match"},
    {&resource_group_kind, "rg.a", NULL},
    {&resource_group_kind, "rg.", "does not match"},
};

START_TEST(a_name_is_checked)
{
    const struct name_row *row = &name_rows[_i];
    char *complaint = kind_check_name(row->kind, row->name);

    if (row->complaint == NULL)
        ck_assert_ptr_null(complaint);
    else
        ck_assert_msg(complaint != NULL && strstr(complaint, row->complaint) != NULL,
                      "'%s': %s", row->name, complaint != NULL ? complaint : "accepted");
    free(complaint);
}
END_TEST

START_TEST(a_name_is_measured_in_characters_and_not_in_bytes)
{
    struct buffer name = {0};

    for (int i = 0; i < 80; i++)
        buffer_append_string(&name, E_ACUTE);
    ck_assert_ptr_null(kind_check_name(&workspace_kind, name.data));
    buffer_append_string(&name, E_ACUTE);

    char *complaint = kind_check_name(&workspace_kind, name.data);

    ck_assert_ptr_nonnull(strstr(complaint, "81 characters"));
    free(complaint);
    buffer_deinit(&name);
}
END_TEST

START_TEST(kinds_are_found_by_name)
{
    for (const struct kind *const *kind = kinds; *kind != NULL; kind++) {
        ck_assert_ptr_eq(kind_find((*kind)->name), *kind);
        ck_assert_ptr_nonnull((*kind)->help);
    }
    ck_assert_ptr_null(kind_find("nonsense"));
}
END_TEST

/* --- values --------------------------------------------------------------------------- */

static const struct choice colors[] = {{"red", "Red"}, {"green", "Green"}, {0}};
static const struct field items[] = {{.name = "name",
                                      .path = "name",
                                      .type = FIELD_STRING,
                                      .flags = FIELD_REQUIRED,
                                      .max = 3},
                                     {.name = "level",
                                      .path = "properties.level",
                                      .type = FIELD_INTEGER,
                                      .min = 1,
                                      .max = 9},
                                     {0}};

static const struct value_row {
    struct field field;
    const char *value;
    const char *complaint; /* a part of it, or NULL */
} value_rows[] = {
    {{.type = FIELD_STRING}, "\"\"", NULL},
    {{.type = FIELD_STRING}, "1", "must be a string"},
    {{.type = FIELD_STRING}, "null", "must be a string"},
    {{.type = FIELD_STRING, .min = 2}, "\"a\"", "at least 2"},
    {{.type = FIELD_STRING, .max = 2}, "\"" E_ACUTE E_ACUTE "\"", NULL},
    {{.type = FIELD_STRING, .max = 2}, "\"abc\"", "at most 2"},
    {{.type = FIELD_STRING, .pattern = "^a+$"}, "\"aa\"", NULL},
    {{.type = FIELD_STRING, .pattern = "^a+$"}, "\"ab\"", "does not match"},
    {{.type = FIELD_LOCATION}, "\"westeurope\"", NULL},
    {{.type = FIELD_LOCATION}, "true", "must be a region"},
    {{.type = FIELD_INTEGER}, "5", NULL},
    {{.type = FIELD_INTEGER}, "\"5\"", "must be a number"},
    {{.type = FIELD_INTEGER}, "1.5", "whole"},
    {{.type = FIELD_INTEGER, .min = 1, .max = 12}, "0", "outside 1 to 12"},
    {{.type = FIELD_INTEGER, .min = 1, .max = 12}, "13", "outside 1 to 12"},
    {{.type = FIELD_INTEGER, .min = 1, .max = 12}, "12", NULL},
    {{.type = FIELD_BOOLEAN}, "false", NULL},
    {{.type = FIELD_BOOLEAN}, "0", "must be true or false"},
    {{.type = FIELD_CHOICE, .choices = colors}, "\"green\"", NULL},
    {{.type = FIELD_CHOICE, .choices = colors}, "\"blue\"", "not one of red, green"},
    {{.type = FIELD_CHOICE, .choices = colors, .choices_are_open = true},
     "\"blue\"",
     NULL},
    {{.type = FIELD_CHOICE, .choices = colors}, "3", "must be a string"},
    {{.type = FIELD_ID}, "\"/subscriptions/s\"", NULL},
    {{.type = FIELD_ID}, "\"subscriptions/s\"", "not a resource id"},
    {{.type = FIELD_ID}, "{}", "must be a resource id"},
    {{.type = FIELD_TIME}, "\"2026-01-01T00:00:00Z\"", NULL},
    {{.type = FIELD_TIME}, "12", "must be a time"},
    {{.type = FIELD_STRINGS}, "[\"a\",\"b\"]", NULL},
    {{.type = FIELD_STRINGS}, "[]", NULL},
    {{.type = FIELD_STRINGS}, "[\"a\",1]", "thing[2] must be a string"},
    {{.type = FIELD_STRINGS}, "\"a\"", "must be a list"},
    {{.type = FIELD_IDS}, "[{\"id\":\"/a\"}]", NULL},
    {{.type = FIELD_IDS}, "[\"/a\"]", "thing[1] must be an object with an id"},
    {{.type = FIELD_TAGS}, "{\"a\":\"1\"}", NULL},
    {{.type = FIELD_TAGS}, "{\"a\":1}", "map of strings"},
    {{.type = FIELD_TAGS}, "[]", "map of strings"},
    {{.type = FIELD_LIST, .items = items},
     "[{\"name\":\"a\",\"properties\":{\"level\":3}}]",
     NULL},
    {{.type = FIELD_LIST, .items = items}, "[{}]", "name is required"},
    {{.type = FIELD_LIST, .items = items},
     "[{\"name\":\"abcd\"}]",
     "name has 4 characters"},
    {{.type = FIELD_LIST, .items = items},
     "[{\"name\":\"a\",\"properties\":{\"level\":10}}]",
     "level 10 is outside 1 to 9"},
    {{.type = FIELD_LIST, .items = items}, "{}", "must be a list"},
    {{.type = FIELD_LIST, .items = items, .max = 1},
     "[{\"name\":\"a\"},{\"name\":\"b\"}]",
     "thing has 2 elements, at most 1 are allowed"},
    {{.type = FIELD_LIST, .items = items, .min = 1}, "[]", "at least 1 are needed"},
    {{.type = FIELD_STRINGS, .item_max = 2},
     "[\"ab\",\"abc\"]",
     "thing[2] has 3 characters, at most 2"},
    {{.type = FIELD_STRINGS, .choices = colors},
     "[\"Red\",\"blue\"]",
     "thing[2] 'blue' is not one of"},
    {{.type = FIELD_NUMBER, .max = 100}, "99.5", NULL},
    {{.type = FIELD_NUMBER, .max = 100}, "100.5", "100.5 is outside 0 to 100"},
    {{.type = FIELD_DURATION}, "\"PT1M30S\"", NULL},
    {{.type = FIELD_DURATION}, "\"90s\"", "not a duration of ISO 8601"},
    {{.type = FIELD_DURATION}, "90", "must be a duration"},
    {{.type = FIELD_OBJECT, .items = items}, "{\"name\":\"a\"}", NULL},
    {{.type = FIELD_OBJECT, .items = items}, "{}", "thing.name is required"},
    {{.type = FIELD_OBJECT, .items = items}, "\"a\"", "must be an object"},
    {{.type = FIELD_OBJECT, .items = items},
     "{\"name\":\"a\",\"properties\":{\"level\":10}}",
     "thing.level 10 is outside 1 to 9"},
    {{.type = FIELD_MAP, .values = FIELD_OBJECT, .items = items},
     "{\"x\":{\"name\":\"abcd\"}}",
     "thing['x'].name has 4 characters"},
    {{.type = FIELD_MAP, .values = FIELD_STRINGS}, "{\"x\":[\"a\"]}", NULL},
    {{.type = FIELD_MAP, .values = FIELD_STRINGS},
     "{\"x\":[1]}",
     "thing['x'][1] must be a string"},
    {{.type = FIELD_MAP, .values = FIELD_STRING}, "[]", "must be a map"},
    {{.type = FIELD_ANY}, "[1,{\"a\":null}]", NULL},
    {{.type = FIELD_STRING, .max = 2, .pattern = "^a$", .flags = FIELD_SECRET},
     "\"b\"",
     "thing does not match"},
};

START_TEST(a_value_is_checked_by_its_field)
{
    const struct value_row *row = &value_rows[_i];
    cJSON *value = json_parse(row->value, strlen(row->value), NULL);
    char *complaint = field_check_value(&row->field, "thing", value);

    ck_assert_ptr_nonnull(value);
    if (row->complaint == NULL)
        ck_assert_msg(complaint == NULL, "%s: %s", row->value, complaint);
    else
        ck_assert_msg(complaint != NULL && strncmp(complaint, "thing", 5) == 0 &&
                          strstr(complaint, row->complaint) != NULL,
                      "%s: %s", row->value, complaint != NULL ? complaint : "accepted");
    free(complaint);
    cJSON_Delete(value);
}
END_TEST

/* --- roles and clouds ----------------------------------------------------------------- */

START_TEST(roles_are_found_by_name_and_by_id)
{
    for (const struct role *role = roles; role->name != NULL; role++) {
        char *name = memory_copy_string(role->name);

        ck_assert_ptr_eq(role_find(text_lower(name)), role);
        ck_assert_ptr_eq(role_find(role->id), role);
        ck_assert(role->permission.actions != NULL ||
                  role->permission.data_actions != NULL);
        free(name);
    }
    ck_assert_ptr_null(role_find("Emperor"));
    ck_assert_ptr_null(role_find(""));
}
END_TEST

START_TEST(clouds_are_found_by_either_name)
{
    ck_assert_str_eq(cloud_find("azurecloud")->arm, "https://management.azure.com");
    ck_assert_str_eq(cloud_find("china")->graph,
                     "https://microsoftgraph.chinacloudapi.cn");
    ck_assert_str_eq(cloud_find("USGov")->login, "https://login.microsoftonline.us");
    ck_assert_ptr_null(cloud_find("AzureGermanCloud"));
    for (const struct cloud *cloud = clouds; cloud->name != NULL; cloud++) {
        ck_assert_int_eq(strncmp(cloud->arm, "https://", 8), 0);
        ck_assert_int_ne(cloud->arm[strlen(cloud->arm) - 1], '/');
    }
}
END_TEST

/* --- against the specifications ------------------------------------------------------- */

static const cJSON *find_member(const cJSON *list, const char *member, const char *value)
{
    const cJSON *element;

    cJSON_ArrayForEach (element, list) {
        const char *found = json_string_at(element, member);

        if (found != NULL && text_equal_nocase(found, value))
            return element;
    }
    return NULL;
}

static bool is_same_list(const char *const *ours, const cJSON *theirs)
{
    const cJSON *element;
    size_t count = 0;

    cJSON_ArrayForEach (element, theirs) {
        if (ours == NULL || ours[count] == NULL ||
            strcmp(ours[count], element->valuestring) != 0)
            return false;
        count++;
    }
    return ours == NULL || ours[count] == NULL;
}

static void compare_actions(const struct role *role, const char *const *ours,
                            const cJSON *permission, const char *name)
{
    ck_assert_msg(is_same_list(ours, json_at(permission, name)), "%s: other %s",
                  role->name, name);
}

START_TEST(the_roles_allow_what_azure_publishes)
{
    cJSON *definitions = specification_read("role-definitions.json");
    int count = 0;

    if (definitions == NULL)
        return;
    for (const struct role *role = roles; role->name != NULL; role++) {
        const cJSON *definition =
            find_member(json_at(definitions, "value"), "name", role->id);
        const cJSON *permissions = json_at(definition, "properties.permissions");
        const cJSON *permission = permissions != NULL ? permissions->child : NULL;

        ck_assert_msg(definition != NULL, "%s: no role has its id", role->name);
        ck_assert_str_eq(role->name, json_string_at(definition, "properties.roleName"));
        ck_assert_int_eq(cJSON_GetArraySize(permissions), 1);
        compare_actions(role, role->permission.actions, permission, "actions");
        compare_actions(role, role->permission.not_actions, permission, "notActions");
        compare_actions(role, role->permission.data_actions, permission, "dataActions");
        compare_actions(role, role->permission.not_data_actions, permission,
                        "notDataActions");
        count++;
    }
    ck_assert_int_eq(count, cJSON_GetArraySize(json_at(definitions, "value")));
    cJSON_Delete(definitions);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *topic = tcase_create(name);

    suite_add_tcase(suite, topic);
    return topic;
}

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *names = add_case(suite, "names"), *values = add_case(suite, "values"),
          *tables = add_case(suite, "tables"), *facts = add_case(suite, "specifications");

    tcase_add_loop_test(names, a_name_is_checked, 0, COUNT(name_rows));
    tcase_add_test(names, a_name_is_measured_in_characters_and_not_in_bytes);
    tcase_add_loop_test(values, a_value_is_checked_by_its_field, 0, COUNT(value_rows));
    tcase_add_test(tables, kinds_are_found_by_name);
    tcase_add_test(tables, roles_are_found_by_name_and_by_id);
    tcase_add_test(tables, clouds_are_found_by_either_name);
    tcase_add_test(facts, the_roles_allow_what_azure_publishes);
    return harness_run_suite(suite);
}
