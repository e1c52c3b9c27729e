/* tests/check_sim_rules.c - what the simulated services refuse, and in which words.
 *
 * Calls go straight to the plane, without HTTP, as plans make them. Time is moved by hand. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/role.h"
#include "tests/plane.h"
#include "tests/suite.h"

#define VERSION "api-version=2024-05-01"

enum {
    SECOND_MS = 1000,
    MINUTE_MS = 60000,
    HOUR_MS = 3600000,
    TOKEN_MS = 50 * MINUTE_MS
};

static struct {
    struct clock clock;
    struct world *world;
    struct answer answer; /* the last one */
    cJSON *json;          /* its body, or NULL */
    char *arm_token, *graph_token;
    int64_t token_ms; /* when they were taken */
    char group[128];
} h;

static int ask(enum call_method method, const char *url, const char *body,
               const char *bearer)
{
    return plane_ask(h.world, &h.answer, &h.json, url,
                     (struct call){.method = method,
                                   .authorization = bearer,
                                   .if_match = method == CALL_PUT ? NULL : "*",
                                   .body = body});
}

static char *sign_in(const char *resource)
{
    return plane_sign_in(h.world, &h.answer, &h.json, resource);
}

static void renew_tokens(void)
{
    free(h.arm_token);
    free(h.graph_token);
    h.token_ms = clock_now_ms(&h.clock);
    h.arm_token = sign_in("https://management.azure.com");
    h.graph_token = sign_in("https://graph.microsoft.com");
}

/* To what stands behind the resource group, or anywhere when `path` is a whole id. */
static int call_arm(enum call_method method, const char *path, const char *body)
{
    char *url = memory_format("%s%s%s" VERSION,
                              strncmp(path, "/subscriptions/", 15) == 0 ? "" : h.group,
                              path, strchr(path, '?') != NULL ? "&" : "?");

    if (clock_now_ms(&h.clock) - h.token_ms > TOKEN_MS)
        renew_tokens();

    const int status = ask(method, url, body, h.arm_token);

    free(url);
    return status;
}

static int get(const char *path)
{
    return call_arm(CALL_GET, path, NULL);
}

static int put(const char *path, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int put(const char *path, const char *format, ...)
{
    static char body[65536];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(body, sizeof body, format, arguments);
    va_end(arguments);
    return call_arm(CALL_PUT, path, body);
}

static int delete_item(const char *path)
{
    return call_arm(CALL_DELETE, path, NULL);
}

static int call_graph(enum call_method method, const char *url, const char *body)
{
    if (clock_now_ms(&h.clock) - h.token_ms > TOKEN_MS)
        renew_tokens();
    return ask(method, url, body, h.graph_token);
}

static const char *said(const char *path)
{
    const char *text = json_string_at(h.json, path);

    return text != NULL ? text : "";
}

static const char *code(void)
{
    return said("error.code");
}

static int count_values(void)
{
    return cJSON_GetArraySize(json_at(h.json, "value"));
}

static void pass(int64_t span_ms)
{
    clock_advance_to(&h.clock, clock_now_ms(&h.clock) + span_ms);
}

/* `world` is the text of a world file, or NULL; `start` an ISO 8601 time, or NULL for now. */
static void open_world(const char *world, const char *start)
{
    char name[] = "/tmp/check_sim_rules.XXXXXX";
    const int fd = world != NULL ? mkstemp(name) : -1;
    const struct sim_options options = {.world_file = world != NULL ? name : NULL,
                                        .seed = 3};
    struct failure *failure = NULL;

    if (world != NULL) {
        ck_assert_int_eq(write(fd, world, strlen(world)), (ssize_t)strlen(world));
        close(fd);
    }
    memset(&h, 0, sizeof h);
    clock_init(&h.clock, CLOCK_VIRTUAL, 1);
    if (start != NULL)
        ck_assert_int_eq(clock_parse_utc(start, &h.clock.wall_base_ms), 0);
    h.world = world_open(&options, &h.clock, &failure);
    if (world != NULL)
        unlink(name);
    ck_assert_ptr_nonnull(h.world);
    snprintf(h.group, sizeof h.group, "%s/resourceGroups/rg-apim",
             h.world->subscription_id);
    renew_tokens();
}

static void open_default_world(void)
{
    open_world(NULL, NULL);
}

static void close_world(void)
{
    answer_deinit(&h.answer);
    cJSON_Delete(h.json);
    world_close(h.world);
    free(h.arm_token);
    free(h.graph_token);
}

#define SERVICE  "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define GATEWAYS "/providers/Microsoft.ApiManagement/gateways"
#define NETWORK  "/providers/Microsoft.Network/virtualNetworks/vnet-apim"
#define NSG      "/providers/Microsoft.Network/networkSecurityGroups"
#define ROLES    "/providers/Microsoft.Authorization/roleAssignments"

static int make_workspace(const char *name)
{
    char *path = memory_format(SERVICE "/workspaces/%s", name);
    const int status = put(path, "{\"properties\":{\"displayName\":\"%s\"}}", name);

    free(path);
    return status;
}

static int make_security_group(const char *name)
{
    char *path = memory_format(NSG "/%s", name);
    const int status = put(path, "{\"location\":\"westeurope\"}");

    free(path);
    pass(6 * SECOND_MS);
    return status;
}

/* Without delegation or security group when that is NULL. */
static int make_subnet(const char *name, const char *prefix, const char *service,
                       const char *security_group)
{
    char *path = memory_format(NETWORK "/subnets/%s", name);
    char *delegation =
        service == NULL
            ? memory_copy_string("")
            : memory_format(",\"delegations\":[{\"name\":\"d\",\"properties\":"
                            "{\"serviceName\":\"Microsoft.Web/%s\"}}]",
                            service);
    char *group =
        security_group == NULL
            ? memory_copy_string("")
            : memory_format(",\"networkSecurityGroup\":{\"id\":\"%s" NSG "/%s\"}",
                            h.group, security_group);
    const int status = put(path, "{\"properties\":{\"addressPrefix\":\"%s\"%s%s}}",
                           prefix, delegation, group);

    free(path);
    free(delegation);
    free(group);
    pass(6 * SECOND_MS);
    return status;
}

/* `subnet` is a name in the network, a whole id, or NULL for none. */
static int make_gateway(const char *name, const char *location, const char *mode,
                        const char *subnet)
{
    char *path = memory_format(GATEWAYS "/%s", name), *backend;
    int status;

    if (subnet == NULL)
        backend = memory_copy_string("{}");
    else if (subnet[0] == '/')
        backend = memory_format("{\"subnet\":{\"id\":\"%s\"}}", subnet);
    else
        backend = memory_format("{\"subnet\":{\"id\":\"%s" NETWORK "/subnets/%s\"}}",
                                h.group, subnet);
    status = put(path,
                 "{\"location\":\"%s\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\"},"
                 "\"properties\":{\"virtualNetworkType\":\"%s\",\"backend\":%s}}",
                 location, mode, backend);
    free(path);
    free(backend);
    return status;
}

static int connect_workspace(const char *gateway, const char *name, const char *workspace)
{
    char *path = memory_format(GATEWAYS "/%s/configConnections/%s", gateway, name);
    const int status =
        put(path, "{\"properties\":{\"sourceId\":\"%s" SERVICE "/workspaces/%s\"}}",
            h.group, workspace);

    free(path);
    return status;
}

/* ---- workspaces ---- */

START_TEST(a_service_takes_so_many_workspaces)
{
    open_world("{\"limits\":{\"workspaces_per_service\":2}}", NULL);
    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(make_workspace("b"), 201);
    ck_assert_int_eq(make_workspace("c"), 400);
    ck_assert_str_eq(code(), "WorkspaceLimitReached");
    ck_assert_int_eq(make_workspace("b"), 200);
    ck_assert_int_eq(delete_item(SERVICE "/workspaces/a"), 200);
    ck_assert_int_eq(make_workspace("c"), 201);
    close_world();
}
END_TEST

START_TEST(a_developer_service_takes_no_workspaces)
{
    open_world("{\"sku\":\"Developer\"}", NULL);
    ck_assert_int_eq(make_workspace("a"), 400);
    ck_assert_str_eq(code(), "MethodNotAllowedInPricingTier");
    close_world();
}
END_TEST

START_TEST(a_new_service_takes_workspaces_when_it_is_ready)
{
    ck_assert_int_eq(
        put("/providers/Microsoft.ApiManagement/service/two",
            "{\"location\":\"westeurope\",\"sku\":{\"name\":\"Premium\","
            "\"capacity\":1},\"properties\":{\"publisherEmail\":\"a@b.example\","
            "\"publisherName\":\"A\"}}"),
        201);
    ck_assert_str_eq(said("properties.provisioningState"), "Created");
    ck_assert_ptr_null(h.answer.async_operation);
    ck_assert_ptr_nonnull(h.answer.location);
    ck_assert_int_eq(put("/providers/Microsoft.ApiManagement/service/two/workspaces/a",
                         "{\"properties\":{\"displayName\":\"a\"}}"),
                     409);
    pass(46 * MINUTE_MS);
    ck_assert_int_eq(get("/providers/Microsoft.ApiManagement/service/two"), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_str_eq(said("properties.gatewayUrl"), "https://two.azure-api.net");
    ck_assert_int_eq(put("/providers/Microsoft.ApiManagement/service/two/workspaces/a",
                         "{\"properties\":{\"displayName\":\"a\"}}"),
                     201);
    ck_assert_int_eq(delete_item("/providers/Microsoft.ApiManagement/service/two"), 202);
    pass(10 * MINUTE_MS);
    ck_assert_int_eq(get("/providers/Microsoft.ApiManagement/service/two/workspaces/a"),
                     404);
}
END_TEST

/* ---- gateways ---- */

static const struct {
    const char *location, *mode, *subnet;
    int status;
    const char *code;
} gateways[] = {
    {"westeurope", "None", NULL, 201, ""},
    {"West Europe", "External", "good", 201, ""},
    {"westeurope", "Internal", "inner", 201, ""},
    {"westeurope", "External", "SMALLEST", 201, ""},
    {"antarctica", "None", NULL, 400, "GatewayRegionNotSupported"},
    {"uksouth", "None", NULL, 400, "GatewayRegionNotSupported"}, /* no service there */
    {"westeurope", "None", "good", 400, "SubnetNotAllowed"},
    {"westeurope", "External", NULL, 400, "SubnetNotFound"},
    {"westeurope", "External", "absent", 400, "SubnetNotFound"},
    {"westeurope", "External", "/nowhere", 400, "SubnetOfAnotherSubscription"},
    {"westeurope", "External",
     "/subscriptions/99999999-0000-0000-0000-000000000000/resourceGroups/a/providers/"
     "Microsoft.Network/virtualNetworks/b/subnets/c",
     400, "SubnetOfAnotherSubscription"},
    {"westeurope", "External", "undelegated", 400, "SubnetDelegationMissing"},
    {"westeurope", "External", "inner", 400, "SubnetDelegationMissing"},
    {"westeurope", "Internal", "good", 400, "SubnetDelegationMissing"},
    {"westeurope", "External", "large", 400, "SubnetSizeNotSupported"},
    {"westeurope", "External", "small", 400, "SubnetSizeNotSupported"},
    {"westeurope", "External", "open", 400, "NetworkSecurityGroupMissing"},
};

static void make_subnets(void)
{
    ck_assert_int_eq(make_security_group("nsg"), 201);
    ck_assert_int_eq(make_subnet("good", "10.0.1.0/24", "serverFarms", "nsg"), 201);
    ck_assert_int_eq(make_subnet("inner", "10.0.2.0/24", "hostingEnvironments", "nsg"),
                     201);
    ck_assert_int_eq(make_subnet("smallest", "10.0.3.0/27", "serverFarms", "nsg"), 201);
    ck_assert_int_eq(make_subnet("small", "10.0.3.32/28", "serverFarms", "nsg"), 201);
    ck_assert_int_eq(make_subnet("large", "10.0.4.0/23", "serverFarms", "nsg"), 201);
    ck_assert_int_eq(make_subnet("undelegated", "10.0.6.0/24", NULL, "nsg"), 201);
    ck_assert_int_eq(make_subnet("open", "10.0.7.0/24", "serverFarms", NULL), 201);
}

START_TEST(a_gateway_needs_the_right_region_and_subnet)
{
    make_subnets();
    ck_assert_int_eq(
        make_gateway("gw", gateways[_i].location, gateways[_i].mode, gateways[_i].subnet),
        gateways[_i].status);
    ck_assert_str_eq(code(), gateways[_i].code);
}
END_TEST

START_TEST(a_subnet_is_of_one_gateway_and_stays_as_it_is)
{
    make_subnets();
    ck_assert_int_eq(make_gateway("gw", "westeurope", "External", "good"), 201);
    ck_assert_int_eq(make_gateway("other", "westeurope", "External", "good"), 400);
    ck_assert_str_eq(code(), "SubnetInUse");
    ck_assert_int_eq(delete_item(NETWORK "/subnets/good"), 400);
    ck_assert_str_eq(code(), "InUseSubnetCannotBeDeleted");
    ck_assert_int_eq(delete_item(NETWORK), 400);
    ck_assert_str_eq(code(), "InUseSubnetCannotBeDeleted");
    ck_assert_int_eq(make_subnet("good", "10.0.1.0/25", "serverFarms", "nsg"), 400);
    ck_assert_str_eq(code(), "InUsePrefixCannotBeDeleted");
    ck_assert_int_eq(make_subnet("good", "10.0.1.0/24", NULL, "nsg"), 400);
    ck_assert_str_eq(code(), "SubnetInUse");
    ck_assert_int_eq(make_subnet("good", "10.0.1.0/24", "serverFarms", NULL), 400);
    ck_assert_str_eq(code(), "SubnetInUse");
    ck_assert_int_eq(make_subnet("good", "10.0.1.0/24", "serverFarms", "nsg"), 200);
}
END_TEST

START_TEST(the_network_of_a_gateway_cannot_change)
{
    make_subnets();
    ck_assert_int_eq(make_gateway("gw", "westeurope", "External", "good"), 201);
    pass(4 * (int64_t)HOUR_MS);
    ck_assert_int_eq(make_gateway("gw", "westeurope", "None", NULL), 400);
    ck_assert_str_eq(code(), "ValidationError");
    ck_assert_int_eq(make_gateway("gw", "westeurope", "External", "open"), 400);
    ck_assert_int_eq(make_gateway("gw", "uksouth", "External", "good"), 409);
    ck_assert_str_eq(code(), "InvalidResourceLocation");
    ck_assert_int_eq(make_gateway("gw", "westeurope", "External", "GOOD"), 200);
    ck_assert_str_eq(said("properties.provisioningState"),
                     "Succeeded"); /* the id in other letters */
}
END_TEST

/* ---- connections ---- */

static void make_ready_gateway(const char *name)
{
    ck_assert_int_eq(make_gateway(name, "westeurope", "None", NULL), 201);
    pass(4 * (int64_t)HOUR_MS);
}

START_TEST(a_connection_waits_for_its_gateway)
{
    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(make_gateway("gw", "westeurope", "None", NULL), 201);
    ck_assert_int_eq(connect_workspace("gw", "c1", "a"), 409);
    ck_assert_str_eq(code(), "GatewayNotReady");
    pass(4 * (int64_t)HOUR_MS);
    ck_assert_int_eq(connect_workspace("gw", "c1", "a"), 201);
    ck_assert_str_eq(said("properties.provisioningState"), "Creating");
    ck_assert_ptr_nonnull(h.answer.async_operation);
    pass(10 * MINUTE_MS);
    ck_assert_int_eq(get(GATEWAYS "/gw/configConnections/c1"), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_int_eq(strncmp(said("properties.defaultHostname"), "c1-", 3), 0);
}
END_TEST

START_TEST(connections_of_a_gateway_are_written_one_at_a_time)
{
    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(make_workspace("b"), 201);
    make_ready_gateway("gw");
    ck_assert_int_eq(connect_workspace("gw", "c1", "a"), 201);
    ck_assert_int_eq(connect_workspace("gw", "c2", "b"), 409);
    ck_assert_str_eq(code(), "ServiceLocked");
    ck_assert_int_eq(call_arm(CALL_PATCH, GATEWAYS "/gw", "{\"sku\":{\"capacity\":2}}"),
                     409);
    pass(10 * MINUTE_MS);
    ck_assert_int_eq(connect_workspace("gw", "c2", "a"), 409);
    ck_assert_str_eq(code(), "WorkspaceAlreadyConnected");
    ck_assert_int_eq(connect_workspace("gw", "c2", "b"), 201);
}
END_TEST

START_TEST(a_connection_needs_a_workspace_that_exists)
{
    make_ready_gateway("gw");
    ck_assert_int_eq(connect_workspace("gw", "c1", "absent"), 400);
    ck_assert_str_eq(code(), "WorkspaceNotFound");
    ck_assert_int_eq(put(GATEWAYS "/gw/configConnections/c1",
                         "{\"properties\":{\"sourceId\":\"%s\"}}", h.group),
                     400);
    ck_assert_str_eq(code(), "WorkspaceNotFound");
    ck_assert_int_eq(put(GATEWAYS "/gw/configConnections/c1", "{\"properties\":{}}"),
                     400);
    ck_assert_str_eq(code(), "ValidationError");
}
END_TEST

START_TEST(a_gateway_serves_workspaces_of_one_service_only)
{
    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(
        put("/providers/Microsoft.ApiManagement/service/contoso-apim2",
            "{\"location\":\"westeurope\",\"sku\":{\"name\":\"Premium\","
            "\"capacity\":1},\"properties\":{\"publisherEmail\":\"a@b.example\","
            "\"publisherName\":\"A\"}}"),
        201);
    make_ready_gateway("gw");
    ck_assert_int_eq(
        put(SERVICE "2/workspaces/b", "{\"properties\":{\"displayName\":\"b\"}}"), 201);
    ck_assert_int_eq(connect_workspace("gw", "c1", "a"), 201);
    pass(10 * MINUTE_MS);
    ck_assert_int_eq(
        put(GATEWAYS "/gw/configConnections/c2",
            "{\"properties\":{\"sourceId\":\"%s" SERVICE "2/workspaces/b\"}}", h.group),
        400);
    ck_assert_str_eq(code(), "WorkspaceOfAnotherService");
}
END_TEST

START_TEST(a_gateway_serves_so_many_workspaces)
{
    open_world("{\"limits\":{\"workspaces_per_gateway\":1}}", NULL);
    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(make_workspace("b"), 201);
    make_ready_gateway("gw");
    ck_assert_int_eq(connect_workspace("gw", "c1", "a"), 201);
    pass(10 * MINUTE_MS);
    ck_assert_int_eq(connect_workspace("gw", "c2", "b"), 400);
    ck_assert_str_eq(code(), "GatewayWorkspaceLimitReached");
    close_world();
}
END_TEST

START_TEST(an_old_gateway_serves_one_workspace)
{
    open_world(NULL, "2025-04-01T00:00:00Z");
    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(make_workspace("b"), 201);
    make_ready_gateway("gw");
    ck_assert_int_eq(connect_workspace("gw", "c1", "a"), 201);
    pass(10 * MINUTE_MS);
    ck_assert_int_eq(connect_workspace("gw", "c2", "b"), 400);
    ck_assert_str_eq(code(), "GatewayServesOneWorkspace");
    close_world();
}
END_TEST

START_TEST(what_is_connected_cannot_be_deleted_and_is_seen_from_both_sides)
{
    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(make_workspace("b"), 201);
    ck_assert_int_eq(get(SERVICE "/workspaceLinks/a"), 404);
    make_ready_gateway("gw");
    ck_assert_int_eq(connect_workspace("gw", "c1", "a"), 201);
    pass(10 * MINUTE_MS);
    ck_assert_int_eq(get(SERVICE "/workspaceLinks"), 200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(get(SERVICE "/workspaceLinks/a"), 200);
    ck_assert_str_eq(said("name"), "a");

    const cJSON *gateway = cJSON_GetArrayItem(json_at(h.json, "properties.gateways"), 0);

    ck_assert_ptr_nonnull(strstr(json_string_at(gateway, "id"), GATEWAYS "/gw"));
    ck_assert_int_eq(delete_item(GATEWAYS "/gw"), 409);
    ck_assert_str_eq(code(), "GatewayHasConnections");
    ck_assert_int_eq(delete_item(SERVICE "/workspaces/a"), 409);
    ck_assert_str_eq(code(), "WorkspaceHasGateway");
    ck_assert_int_eq(delete_item(SERVICE), 409);
    ck_assert_str_eq(code(), "WorkspaceHasGateway");
    ck_assert_int_eq(delete_item(GATEWAYS "/gw/configConnections/c1"), 202);
    pass(10 * MINUTE_MS);
    ck_assert_int_eq(delete_item(SERVICE "/workspaces/a"), 200);
    ck_assert_int_eq(get(SERVICE "/workspaceLinks"), 200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(delete_item(GATEWAYS "/gw"), 202);
}
END_TEST

/* ---- networks ---- */

static const struct {
    const char *prefix, *code;
} prefixes[] = {
    {"10.0.0.0", "ValidationError"},
    {"10.0.0.0/33", "InvalidAddressPrefixFormat"},
    {"10.0.0.256/24", "InvalidAddressPrefixFormat"},
    {"10.0.0.1/24", "InvalidCIDRNotation"},
    {"10.1.0.0/24", "NetcfgSubnetRangeOutsideVnet"},
    {"10.0.0.0/15", "NetcfgSubnetRangeOutsideVnet"},
    {"10.0.8.0/24", "NetcfgSubnetRangesOverlap"},
    {"10.0.8.128/25", "NetcfgSubnetRangesOverlap"},
    {"10.0.8.0/22", "NetcfgSubnetRangesOverlap"},
    {"10.0.0.0/16", "NetcfgSubnetRangesOverlap"},
};

START_TEST(a_subnet_needs_free_addresses_of_its_network)
{
    ck_assert_int_eq(make_subnet("first", "10.0.8.0/24", NULL, NULL), 201);
    ck_assert_int_eq(make_subnet("second", prefixes[_i].prefix, NULL, NULL), 400);
    ck_assert_str_eq(code(), prefixes[_i].code);
    ck_assert_int_eq(make_subnet("second", "10.0.9.0/24", NULL, NULL), 201);
    ck_assert_int_eq(make_subnet("first", "10.0.8.0/25", NULL, NULL), 200);
    ck_assert_int_eq(make_subnet("third", "10.0.8.128/25", NULL, NULL), 201);
}
END_TEST

START_TEST(addresses_are_free_again_when_a_subnet_is_gone)
{
    ck_assert_int_eq(make_subnet("first", "10.0.8.0/24", NULL, NULL), 201);
    ck_assert_int_eq(delete_item(NETWORK "/subnets/first"), 202);
    pass(6 * SECOND_MS);
    ck_assert_int_eq(make_subnet("second", "10.0.8.0/24", NULL, NULL), 201);
}
END_TEST

START_TEST(a_subnet_cannot_name_a_security_group_that_is_not_there)
{
    ck_assert_int_eq(make_subnet("first", "10.0.8.0/24", NULL, "absent"), 400);
    ck_assert_str_eq(code(), "InvalidResourceReference");
}
END_TEST

START_TEST(a_security_group_in_use_cannot_be_deleted)
{
    ck_assert_int_eq(make_security_group("nsg"), 201);
    ck_assert_int_eq(make_subnet("first", "10.0.8.0/24", NULL, "nsg"), 201);
    ck_assert_int_eq(delete_item(NSG "/nsg"), 400);
    ck_assert_str_eq(code(), "InUseNetworkSecurityGroupCannotBeDeleted");
    ck_assert_int_eq(make_subnet("first", "10.0.8.0/24", NULL, NULL), 200);
    ck_assert_int_eq(delete_item(NSG "/nsg"), 202);
}
END_TEST

#define RULE(name, direction, priority)                                                  \
    "{\"name\":\"" name "\",\"properties\":{\"direction\":\"" direction                  \
    "\",\"access\":\"Allow\",\"protocol\":\"Tcp\",\"priority\":" priority "}}"

static const struct {
    const char *rules;
    int status;
    const char *code;
} rule_lists[] = {
    {RULE("a", "Inbound", "100") "," RULE("b", "Outbound", "100"), 201, ""},
    {RULE("a", "Inbound", "100") "," RULE("b", "Inbound", "100"), 400,
     "SecurityRuleConflict"},
    {RULE("a", "Inbound", "99"), 400, "ValidationError"},
    {RULE("a", "Sideways", "100"), 400, "ValidationError"},
    {"{\"name\":\"a\"}", 400, "ValidationError"},
    {"\"a\"", 400, "ValidationError"},
};

START_TEST(security_rules_have_priorities_of_their_own)
{
    ck_assert_int_eq(
        put(NSG "/nsg",
            "{\"location\":\"westeurope\",\"properties\":{\"securityRules\":[%s]}}",
            rule_lists[_i].rules),
        rule_lists[_i].status);
    ck_assert_str_eq(code(), rule_lists[_i].code);
}
END_TEST

#define SPACE "\"addressSpace\":{\"addressPrefixes\":[\"10.0.0.0/16\"]}"

static int put_network(const char *properties)
{
    const int status =
        put(NETWORK, "{\"location\":\"westeurope\",\"properties\":{%s}}", properties);

    pass(6 * SECOND_MS);
    return status;
}

START_TEST(a_network_is_put_with_its_subnets_and_drops_the_others)
{
    ck_assert_int_eq(make_subnet("old", "10.0.8.0/24", NULL, NULL), 201);
    ck_assert_int_eq(
        put_network(SPACE
                    ",\"subnets\":[{\"name\":\"a\",\"properties\":{\"addressPrefix\":"
                    "\"10.0.1.0/24\"}},{\"name\":\"b\",\"properties\":{\"addressPrefix\":"
                    "\"10.0.8.0/24\"}}]"),
        200);
    ck_assert_int_eq(get(NETWORK "/subnets/old"), 404);
    ck_assert_int_eq(get(NETWORK "/subnets"), 200);
    ck_assert_int_eq(count_values(), 2);
    ck_assert_int_eq(get(NETWORK), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "properties.subnets")), 2);

    char *whole = memory_copy_string(h.answer.body.data);

    ck_assert_int_eq(put(NETWORK, "%s", whole), 200); /* what was read changes nothing */
    ck_assert_ptr_null(h.answer.async_operation);
    free(whole);
    ck_assert_int_eq(put_network(SPACE), 200);
    ck_assert_int_eq(get(NETWORK "/subnets"), 200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(make_subnet("new", "10.0.1.0/24", NULL, NULL), 201);
}
END_TEST

static const struct {
    const char *properties, *code;
} networks[] = {
    {SPACE
     ",\"subnets\":[{\"name\":\"a\",\"properties\":{\"addressPrefix\":\"10.0.1.0/24\"}},"
     "{\"name\":\"b\",\"properties\":{\"addressPrefix\":\"10.0.1.128/25\"}}]",
     "NetcfgSubnetRangesOverlap"},
    {SPACE
     ",\"subnets\":[{\"name\":\"a\",\"properties\":{\"addressPrefix\":\"10.0.1.0/24\"}},"
     "{\"name\":\"A\",\"properties\":{\"addressPrefix\":\"10.0.2.0/24\"}}]",
     "InvalidRequestContent"},
    {SPACE
     ",\"subnets\":[{\"name\":\"a\",\"properties\":{\"addressPrefix\":\"10.1.1.0/24\"}}]",
     "NetcfgSubnetRangeOutsideVnet"},
    {SPACE ",\"subnets\":[{\"properties\":{\"addressPrefix\":\"10.0.1.0/24\"}}]",
     "InvalidResourceName"},
    {SPACE ",\"subnets\":[\"a\"]", "InvalidResourceName"},
    {SPACE, "InUseSubnetCannotBeDeleted"},
    {"\"addressSpace\":{\"addressPrefixes\":[\"10.0.0.1/16\"]}", "InvalidCIDRNotation"},
    {"\"addressSpace\":{\"addressPrefixes\":[\"ten\"]}", "InvalidAddressPrefixFormat"},
    {"\"addressSpace\":{\"addressPrefixes\":[7]}", "ValidationError"},
    {"", "ValidationError"},
};

START_TEST(a_network_is_refused_with_bad_subnets_or_without_one_in_use)
{
    make_subnets();
    ck_assert_int_eq(make_gateway("gw", "westeurope", "External", "good"), 201);
    ck_assert_int_eq(put_network(networks[_i].properties), 400);
    ck_assert_str_eq(code(), networks[_i].code);
    ck_assert_int_eq(get(NETWORK "/subnets"), 200);
    ck_assert_int_eq(count_values(), 7);
}
END_TEST

/* ---- role assignments ---- */

#define NAME_1 "/aaaaaaaa-0000-0000-0000-000000000001"
#define NAME_2 "/aaaaaaaa-0000-0000-0000-000000000002"
#define ABSENT "99999999-0000-0000-0000-000000000000"

static int assign(const char *path, const char *role, const char *principal,
                  const char *more)
{
    return put(
        path,
        "{\"properties\":{\"roleDefinitionId\":\"%s/providers/Microsoft.Authorization/"
        "roleDefinitions/%s\",\"principalId\":\"%s\"%s}}",
        h.world->subscription_id, role, principal, more);
}

/* Owned by the caller. */
static char *find_group(const char *name)
{
    char *url = memory_format("/v1.0/groups?$filter=displayName%%20eq%%20'%s'", name);

    ck_assert_int_eq(call_graph(CALL_GET, url, NULL), 200);
    ck_assert_int_eq(count_values(), 1);
    free(url);
    return memory_copy_string(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "value"), 0), "id"));
}

START_TEST(a_role_is_assigned_once_and_taken_back)
{
    const char *reader = role_find("Reader")->id, *owner = role_find("Owner")->id;
    char *group = find_group("api-team-payments");

    ck_assert_int_eq(assign(SERVICE ROLES NAME_1, reader, group, ""), 201);
    ck_assert_str_eq(said("properties.principalType"), "Group");
    ck_assert_ptr_nonnull(strstr(said("properties.scope"), SERVICE));
    ck_assert_int_eq(assign(SERVICE ROLES NAME_1, reader, group, ""), 200);
    ck_assert_int_eq(assign(SERVICE ROLES NAME_2, reader, group, ""), 409);
    ck_assert_str_eq(code(), "RoleAssignmentExists");
    ck_assert_int_eq(assign(SERVICE ROLES NAME_1, owner, group, ""), 400);
    ck_assert_str_eq(code(), "RoleAssignmentUpdateNotPermitted");
    ck_assert_int_eq(assign(ROLES NAME_1, reader, group, ""), 400);
    ck_assert_str_eq(code(), "RoleAssignmentUpdateNotPermitted");
    ck_assert_int_eq(get(SERVICE ROLES NAME_1), 200);
    ck_assert_int_eq(delete_item(SERVICE ROLES NAME_1), 200);
    ck_assert_str_eq(said("properties.principalId"), group);
    ck_assert_int_eq(delete_item(SERVICE ROLES NAME_1), 204);
    ck_assert_int_eq(assign(SERVICE ROLES NAME_2, reader, group, ""), 201);
    free(group);
}
END_TEST

START_TEST(a_role_needs_a_definition_a_principal_and_a_scope_that_exist)
{
    const char *reader = role_find("Reader")->id;
    char *group = find_group("api-team-payments");

    ck_assert_int_eq(assign(SERVICE ROLES NAME_1, ABSENT, group, ""), 400);
    ck_assert_str_eq(code(), "RoleDefinitionDoesNotExist");
    ck_assert_int_eq(assign(SERVICE ROLES NAME_1, reader, ABSENT, ""), 400);
    ck_assert_str_eq(code(), "PrincipalNotFound");
    ck_assert_ptr_nonnull(
        strstr(said("error.message"), "99999999000000000000000000000000"));
    ck_assert_int_eq(
        assign(SERVICE ROLES NAME_1, reader, group, ",\"principalType\":\"User\""), 400);
    ck_assert_str_eq(code(), "UnmatchedPrincipalType");
    ck_assert_int_eq(assign(SERVICE "/workspaces/absent" ROLES NAME_1, reader, group, ""),
                     404);
    ck_assert_int_eq(assign(SERVICE ROLES "/a", reader, group, ""), 400);
    ck_assert_str_eq(code(), "InvalidResourceName");
    free(group);
}
END_TEST

START_TEST(a_new_group_takes_a_while_to_be_known)
{
    ck_assert_int_eq(call_graph(CALL_POST, "/v1.0/groups",
                                "{\"displayName\":\"new\",\"mailEnabled\":false,"
                                "\"mailNickname\":\"new\",\"securityEnabled\":true}"),
                     201);

    char *group = memory_copy_string(said("id"));
    const char *reader = role_find("Reader")->id;

    pass(29 * SECOND_MS);
    ck_assert_int_eq(assign(ROLES NAME_1, reader, group, ""), 400);
    ck_assert_str_eq(code(), "PrincipalNotFound");
    ck_assert_int_eq(world_next_event(h.world) - world_read_clock(h.world), SECOND_MS);
    pass(SECOND_MS);
    ck_assert_int_eq(assign(ROLES NAME_1, reader, group, ""), 201);
    free(group);
}
END_TEST

/* How many assignments a list at `scope` has, by its filter. */
static int count_assignments(const char *scope, const char *filter)
{
    char *path =
        memory_format("%s" ROLES "%s%s", scope, filter != NULL ? "?$filter=" : "",
                      filter != NULL ? filter : "");

    ck_assert_int_eq(get(path), 200);
    free(path);
    return count_values();
}

START_TEST(assignments_are_listed_by_scope_and_by_principal)
{
    const char *reader = role_find("Reader")->id;
    char *group = find_group("api-team-billing"),
         *outer = find_group("api-team-payments");
    char *by_group = memory_format("principalId%%20eq%%20'%s'", group);
    char *to_group = memory_format("atScope()%%20and%%20assignedTo('%s')", group);

    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(assign(SERVICE "/workspaces/a" ROLES NAME_1, reader, group, ""),
                     201);
    ck_assert_int_eq(assign(ROLES NAME_2, reader, outer, ""), 201);

    /* the owner of the subscription is everywhere */
    ck_assert_int_eq(count_assignments(h.world->subscription_id, NULL), 3);
    ck_assert_int_eq(count_assignments(h.world->subscription_id, "atScope()"), 1);
    ck_assert_int_eq(count_assignments("", NULL), 3);
    ck_assert_int_eq(count_assignments("", "atScope()"), 2);
    ck_assert_int_eq(count_assignments(SERVICE "/workspaces/a", NULL), 3);
    ck_assert_int_eq(count_assignments(SERVICE, "atScope()"), 2);
    ck_assert_int_eq(count_assignments(h.world->subscription_id, by_group), 1);
    ck_assert_int_eq(count_assignments(SERVICE "/workspaces/a", by_group), 1);
    ck_assert_int_eq(count_assignments(SERVICE "/workspaces/a", to_group), 2);
    ck_assert_int_eq(get(ROLES "?$filter=nonsense"), 400);
    ck_assert_int_eq(get(SERVICE "/workspaces/a" ROLES "?$top=2"), 200);
    ck_assert_int_eq(count_values(), 2);

    char *next = memory_copy_string(said("nextLink") + strlen("http://sim"));

    ck_assert_int_eq(ask(CALL_GET, next, NULL, h.arm_token), 200);
    ck_assert_int_eq(count_values(), 1);
    free(next);
    free(group);
    free(outer);
    free(by_group);
    free(to_group);
}
END_TEST

START_TEST(deleting_a_scope_takes_its_assignments_with_it)
{
    char *group = find_group("api-team-billing");

    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(
        assign(SERVICE "/workspaces/a" ROLES NAME_1, role_find("Reader")->id, group, ""),
        201);
    ck_assert_int_eq(delete_item(SERVICE "/workspaces/a"), 200);
    ck_assert_int_eq(make_workspace("a"), 201);
    ck_assert_int_eq(count_assignments(SERVICE "/workspaces/a", NULL), 1);
    ck_assert_int_eq(
        assign(SERVICE "/workspaces/a" ROLES NAME_1, role_find("Reader")->id, group, ""),
        201);
    free(group);
}
END_TEST

START_TEST(the_last_owner_stays)
{
    char *path = memory_format("%s" ROLES, h.world->subscription_id);

    ck_assert_int_eq(get(path), 200);
    free(path);
    path = memory_copy_string(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "value"), 0), "id"));
    ck_assert_int_eq(delete_item(path), 400);
    free(path);
}
END_TEST

START_TEST(a_subscription_has_so_many_assignments)
{
    open_world("{\"limits\":{\"role_assignments\":1}}", NULL);

    char *group = find_group("api-team-billing");

    ck_assert_int_eq(assign(ROLES NAME_1, role_find("Reader")->id, group, ""), 400);
    ck_assert_str_eq(code(), "RoleAssignmentLimitExceeded");
    free(group);
    close_world();
}
END_TEST

START_TEST(role_definitions_are_found_by_id_and_by_name)
{
    char *path =
        memory_format(SERVICE "/providers/Microsoft.Authorization/roleDefinitions/%s",
                      role_find("Reader")->id);

    ck_assert_int_eq(get(path), 200);
    ck_assert_str_eq(said("properties.roleName"), "Reader");
    ck_assert_int_eq(get("/providers/Microsoft.Authorization/"
                         "roleDefinitions?$filter=roleName%20eq%20'owner'"),
                     200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(get("/providers/Microsoft.Authorization/roleDefinitions"), 200);
    ck_assert_int_gt(count_values(), 10);
    ck_assert_int_eq(get("/providers/Microsoft.Authorization/roleDefinitions/" ABSENT),
                     404);
    free(path);
}
END_TEST

static TCase *add_topic(Suite *suite, const char *name, bool has_world)
{
    TCase *topic = tcase_create(name);

    if (has_world)
        tcase_add_checked_fixture(topic, open_default_world, close_world);
    suite_add_tcase(suite, topic);
    return topic;
}

static void add_apim_cases(Suite *suite)
{
    TCase *services = add_topic(suite, "services", true);
    TCase *gateway = add_topic(suite, "gateways", true);
    TCase *connections = add_topic(suite, "connections", true);

    tcase_add_test(services, a_new_service_takes_workspaces_when_it_is_ready);
    tcase_add_loop_test(gateway, a_gateway_needs_the_right_region_and_subnet, 0,
                        COUNT_OF(gateways));
    tcase_add_test(gateway, a_subnet_is_of_one_gateway_and_stays_as_it_is);
    tcase_add_test(gateway, the_network_of_a_gateway_cannot_change);
    tcase_add_test(connections, a_connection_waits_for_its_gateway);
    tcase_add_test(connections, connections_of_a_gateway_are_written_one_at_a_time);
    tcase_add_test(connections, a_connection_needs_a_workspace_that_exists);
    tcase_add_test(connections, a_gateway_serves_workspaces_of_one_service_only);
    tcase_add_test(connections,
                   what_is_connected_cannot_be_deleted_and_is_seen_from_both_sides);
}

static void add_other_cases(Suite *suite)
{
    TCase *network = add_topic(suite, "networks", true),
          *roles_case = add_topic(suite, "roles", true);
    TCase *worlds = add_topic(suite, "worlds", false);

    tcase_add_loop_test(network, a_subnet_needs_free_addresses_of_its_network, 0,
                        COUNT_OF(prefixes));
    tcase_add_test(network, addresses_are_free_again_when_a_subnet_is_gone);
    tcase_add_test(network, a_subnet_cannot_name_a_security_group_that_is_not_there);
    tcase_add_test(network, a_security_group_in_use_cannot_be_deleted);
    tcase_add_loop_test(network, security_rules_have_priorities_of_their_own, 0,
                        COUNT_OF(rule_lists));
    tcase_add_test(network, a_network_is_put_with_its_subnets_and_drops_the_others);
    tcase_add_loop_test(network,
                        a_network_is_refused_with_bad_subnets_or_without_one_in_use, 0,
                        COUNT_OF(networks));
    tcase_add_test(roles_case, a_role_is_assigned_once_and_taken_back);
    tcase_add_test(roles_case,
                   a_role_needs_a_definition_a_principal_and_a_scope_that_exist);
    tcase_add_test(roles_case, a_new_group_takes_a_while_to_be_known);
    tcase_add_test(roles_case, assignments_are_listed_by_scope_and_by_principal);
    tcase_add_test(roles_case, deleting_a_scope_takes_its_assignments_with_it);
    tcase_add_test(roles_case, the_last_owner_stays);
    tcase_add_test(roles_case, role_definitions_are_found_by_id_and_by_name);
    tcase_add_test(worlds, a_service_takes_so_many_workspaces);
    tcase_add_test(worlds, a_developer_service_takes_no_workspaces);
    tcase_add_test(worlds, a_gateway_serves_so_many_workspaces);
    tcase_add_test(worlds, an_old_gateway_serves_one_workspace);
    tcase_add_test(worlds, a_subscription_has_so_many_assignments);
}

int main(void)
{
    Suite *suite = suite_create("sim rules");

    add_apim_cases(suite);
    add_other_cases(suite);

    return run_suite(suite);
}
