/* tests/check_sim_conditions.c - conditional requests, and what is said of what is not
 * there. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "sim/etag.h"
#include "tests/suite.h"
#include "tests/world.h"

#define SERVICE   "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define WORKSPACE SERVICE "/workspaces/w"
#define GATEWAYS  "/providers/Microsoft.ApiManagement/gateways"
#define NSG       "/providers/Microsoft.Network/networkSecurityGroups/n"

static void start_world(void)
{
    open_harness();
    open_world(NULL, NULL, 1);
}

static int send_if(enum call_method method, const char *path, const char *body,
                   const char *if_match, const char *if_none_match)
{
    char *url = memory_format("%s%s?" VERSION, h.group, path);
    const int status = plane_ask(h.world, &h.answer, &h.json, url,
                                 (struct call){.method = method,
                                               .authorization = h.bearer,
                                               .if_match = if_match,
                                               .if_none_match = if_none_match,
                                               .body = body});

    free(url);
    return status;
}

static const struct {
    const char *list, *etag;
    bool is_match;
} tags[] = {
    {"*", "\"a\"", true},
    {" * ", "\"a\"", true},
    {"\"a\"", "\"a\"", true},
    {"a", "\"a\"", true},
    {"W/\"a\"", "\"a\"", true},
    {"\"a\"", "W/\"a\"", true},
    {"\"b\", \"a\"", "\"a\"", true},
    {"\"b\",W/\"a\" ", "W/\"a\"", true},
    {"\"x,a\"", "\"a\"", false},
    {"\"ab\"", "\"a\"", false},
    {"\"b\"", "\"a\"", false},
    {"\"A\"", "\"a\"", false},
    {"", "\"a\"", false},
    {" , ", "\"\"", false},
    {"\"a", "\"a\"", false},
};

START_TEST(a_tag_is_found_in_a_list)
{
    ck_assert_int_eq(etag_matches(tags[_i].list, tags[_i].etag), tags[_i].is_match);
}
END_TEST

/* As Azure Resource Manager's contract has it, for a resource that is not there, is there
 * with the tag, or with another one. */
static const struct {
    enum call_method method;
    const char *if_match, *if_none_match; /* "=": the resource's own tag */
    int absent, equal, other;
} conditions[] = {
    {CALL_PUT, NULL, NULL, 201, 200, 200},  {CALL_PUT, "*", NULL, 412, 200, 200},
    {CALL_PUT, "=", NULL, 412, 200, 412},   {CALL_PUT, NULL, "*", 201, 412, 412},
    {CALL_PATCH, "=", NULL, 404, 200, 412}, {CALL_DELETE, "=", NULL, 204, 200, 412},
    {CALL_PATCH, "*", NULL, 404, 200, 200}, {CALL_DELETE, "*", NULL, 204, 200, 200},
};

START_TEST(a_condition_is_kept)
{
    static const char body[] = "{\"properties\":{\"displayName\":\"W\"}}";
    static const char changed[] = "{\"properties\":{\"displayName\":\"V\"}}";
    const enum call_method method = conditions[_i].method;
    const bool is_own =
        conditions[_i].if_match != NULL && strcmp(conditions[_i].if_match, "=") == 0;
    char *own;

    ck_assert_int_eq(send_if(method, WORKSPACE, body,
                             is_own ? "\"AAAAAAAAAAA=\"" : conditions[_i].if_match,
                             conditions[_i].if_none_match),
                     conditions[_i].absent);
    ck_assert_int_lt(send_if(CALL_PUT, WORKSPACE, body, NULL, NULL), 202);
    own = memory_copy_string(h.answer.etag);
    ck_assert_int_eq(send_if(method, WORKSPACE, changed,
                             is_own ? own : conditions[_i].if_match,
                             conditions[_i].if_none_match),
                     conditions[_i].equal);
    ck_assert_int_lt(send_if(CALL_PUT, WORKSPACE, body, NULL, NULL), 202);
    ck_assert_int_eq(send_if(method, WORKSPACE, changed,
                             is_own ? own : conditions[_i].if_match,
                             conditions[_i].if_none_match),
                     conditions[_i].other);
    free(own);
}
END_TEST

START_TEST(the_weak_tag_of_a_network_resource_is_a_condition)
{
    static const char body[] = "{\"location\":\"westeurope\"}";
    char *etag;

    ck_assert_int_eq(send_if(CALL_PUT, NSG, body, NULL, NULL), 201);
    pass_ms(10000);
    ck_assert_int_eq(call_arm(CALL_GET, NSG, NULL), 200);
    etag = memory_copy_string(said("etag"));
    ck_assert_int_eq(strncmp(etag, "W/\"", 3), 0);
    ck_assert_int_eq(send_if(CALL_PUT, NSG, body, "W/\"other\"", NULL), 412);
    ck_assert_int_eq(send_if(CALL_PUT, NSG, body, NULL, "*"), 412);
    ck_assert_int_eq(send_if(CALL_PUT, NSG, body, etag, NULL), 200);
    free(etag);
}
END_TEST

/* ---- what is not there ---- */

static const struct {
    enum call_method method;
    const char *path; /* behind the subscription */
    int status;
    const char *code;
} missing[] = {
    {CALL_GET, "/resourceGroups/none", 404, "ResourceGroupNotFound"},
    {CALL_DELETE, "/resourceGroups/none", 404, "ResourceGroupNotFound"},
    {CALL_GET, "/resourceGroups/none" GATEWAYS, 404, "ResourceGroupNotFound"},
    {CALL_GET, "/resourceGroups/none" GATEWAYS "/g", 404, "ResourceGroupNotFound"},
    {CALL_DELETE, "/resourceGroups/none" GATEWAYS "/g", 404, "ResourceGroupNotFound"},
    {CALL_GET, "/resourceGroups/rg-apim" GATEWAYS "/g", 404, "ResourceNotFound"},
    {CALL_DELETE, "/resourceGroups/rg-apim" GATEWAYS "/g", 204, ""},
    {CALL_GET, "/resourceGroups/rg-apim" GATEWAYS "/g/configConnections/c", 404,
     "ParentResourceNotFound"},
    {CALL_GET, "/resourceGroups/rg-apim" GATEWAYS "/g/nothing/c", 404,
     "InvalidResourceType"},
    {CALL_GET, "/resourceGroups/rg-apim/providers/Microsoft.None/a/b", 404,
     "InvalidResourceNamespace"},
};

START_TEST(what_is_not_there_is_named)
{
    char *url =
        memory_format("%s%s?" VERSION, h.world->subscription_id, missing[_i].path);

    ck_assert_int_eq(ask(missing[_i].method, url, NULL), missing[_i].status);
    ck_assert_str_eq(said("error.code"), missing[_i].code);
    free(url);
}
END_TEST

/* ---- what a gateway in a network needs ---- */

static int put_subnet(const char *delegations)
{
    char *body = memory_format(
        "{\"properties\":{\"addressPrefix\":\"10.0.9.0/27\",\"networkSecurityGroup\":{"
        "\"id\":\"%s" NSG "\"},\"delegations\":[%s]}}",
        h.group, delegations);
    const int status = call_arm(
        CALL_PUT, "/providers/Microsoft.Network/virtualNetworks/vnet-v/subnets/s", body);

    free(body);
    pass_ms(10000);
    return status;
}

static int put_gateway(void)
{
    char *body = memory_format(
        "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\"},"
        "\"properties\":{\"virtualNetworkType\":\"External\",\"backend\":{\"subnet\":{"
        "\"id\":\"%s/providers/Microsoft.Network/virtualNetworks/vnet-v/subnets/s\"}}}}",
        h.group);
    const int status = call_arm(CALL_PUT, GATEWAYS "/g", body);

    free(body);
    return status;
}

static void make_network(void)
{
    ck_assert_int_eq(call_arm(CALL_PUT, NSG, "{\"location\":\"westeurope\"}"), 201);
    ck_assert_int_eq(
        call_arm(CALL_PUT, "/providers/Microsoft.Network/virtualNetworks/vnet-v",
                 "{\"location\":\"westeurope\",\"properties\":{\"addressSpace\":{"
                 "\"addressPrefixes\":[\"10.0.0.0/16\"]}}}"),
        201);
    pass_ms(10000);
}

#define SERVER_FARMS                                                                     \
    "{\"name\":\"d\",\"properties\":{\"serviceName\":\"Microsoft.Web/serverFarms\"}}"

START_TEST(the_subnet_of_a_gateway_is_delegated_once)
{
    make_network();
    ck_assert_int_eq(put_subnet(SERVER_FARMS ",{\"name\":\"e\",\"properties\":{"
                                             "\"serviceName\":\"Microsoft.Sql/x\"}}"),
                     201);
    ck_assert_int_eq(put_gateway(), 400);
    ck_assert_str_eq(said("error.code"), "SubnetDelegationMissing");
    ck_assert_int_eq(put_subnet(SERVER_FARMS), 200);
    ck_assert_int_eq(put_gateway(), 201);
}
END_TEST

START_TEST(a_gateway_says_its_properties)
{
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAYS "/g",
                              "{\"location\":\"westeurope\",\"sku\":{\"name\":"
                              "\"WorkspaceGatewayPremium\"}}"),
                     400);
    ck_assert_str_eq(said("error.code"), "ValidationError");
}
END_TEST

START_TEST(a_gateway_in_a_network_needs_microsoft_web)
{
    open_world("{\"unregistered_providers\":[\"Microsoft.Web\"]}", NULL, 1);
    make_network();
    ck_assert_int_eq(put_subnet(SERVER_FARMS), 201);
    ck_assert_int_eq(put_gateway(), 409);
    ck_assert_str_eq(said("error.code"), "MissingSubscriptionRegistration");
    close_world();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim_conditions");
    TCase *conditional = tcase_create("conditions"), *gone = tcase_create("missing"),
          *networks = tcase_create("networks"), *worlds = tcase_create("worlds");

    tcase_add_checked_fixture(conditional, start_world, close_harness);
    tcase_add_loop_test(conditional, a_tag_is_found_in_a_list, 0,
                        (int)(sizeof tags / sizeof tags[0]));
    tcase_add_loop_test(conditional, a_condition_is_kept, 0,
                        (int)(sizeof conditions / sizeof conditions[0]));
    tcase_add_test(conditional, the_weak_tag_of_a_network_resource_is_a_condition);
    tcase_add_checked_fixture(gone, start_world, close_harness);
    tcase_add_loop_test(gone, what_is_not_there_is_named, 0,
                        (int)(sizeof missing / sizeof missing[0]));
    tcase_add_checked_fixture(networks, start_world, close_harness);
    tcase_add_test(networks, a_gateway_says_its_properties);
    tcase_add_test(networks, the_subnet_of_a_gateway_is_delegated_once);
    tcase_add_checked_fixture(worlds, open_harness, close_harness);
    tcase_add_test(worlds, a_gateway_in_a_network_needs_microsoft_web);
    suite_add_tcase(suite, conditional);
    suite_add_tcase(suite, gone);
    suite_add_tcase(suite, networks);
    suite_add_tcase(suite, worlds);

    return run_suite(suite);
}
