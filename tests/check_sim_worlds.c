/* Suite: what a world file can say, in JSON and in Lua, and what is wrong with it. */
#include <stdlib.h>
#include <time.h>

#include <check.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/kind.h"
#include "sim/database.h"
#include "sim/graph_rights.h"
#include "tests/assertion.h"
#include "tests/suite.h"
#include "tests/world.h"

#define APIM_ID   "/providers/Microsoft.ApiManagement"
#define WORKSPACE APIM_ID "/service/contoso-apim/workspaces/one"
#define GROUP_BODY                                                                       \
    "{\"displayName\":\"new\",\"mailNickname\":\"new\",\"mailEnabled\":false,"           \
    "\"securityEnabled\":true}"

/* GET of what stands behind the subscription's id. */
static int get(const char *path)
{
    char *url = memory_format("%s%s%s" VERSION, h.world->subscription_id, path,
                              strchr(path, '?') != NULL ? "&" : "?");
    const int status = ask(CALL_GET, url, NULL);

    free(url);
    return status;
}

static int count_values(void)
{
    return cJSON_GetArraySize(json_at(h.json, "value"));
}

static int graph(const char *path)
{
    char *url = memory_format("/v1.0/%s", path);
    const int status = ask(CALL_GET, url, NULL);

    free(url);
    return status;
}

/* ---- every key ---- */

static const char estate[] =
    "now = '2026-03-02T08:00:00Z'\n"
    "tenant = {id = '11111111-1111-4111-8111-111111111111', name = 'Fabrikam',\n"
    "          domain = 'fabrikam.example'}\n"
    "subscription = {id = '22222222-2222-4222-8222-222222222222', name = 'Prod'}\n"
    "location = 'northeurope'\n"
    "resource_groups = {{name = 'rg-a', tags = {owner = 'x'}},\n"
    "                   {name = 'rg-b', location = 'westus'}}\n"
    "services = {{name = 'svc-a', sku = 'PremiumV2', capacity = 3,\n"
    "             created_at = '2024-01-01T00:00:00Z', resource_tags = {env = 'prod'}},\n"
    "            {name = 'svc-b', resource_group = 'rg-b', location = 'westus'}}\n"
    "workspaces = {{name = 'one', display_name = 'One', description = 'first'},\n"
    "              {name = 'two', service = 'rg-b/svc-b'}}\n"
    "network_security_groups = {{name = 'nsg', rules = {{name = 'r', direction = "
    "'Inbound',\n"
    "  access = 'Allow', priority = 100, protocol = 'Tcp'}}}}\n"
    "virtual_networks = {{name = 'vnet', address_prefixes = {'10.1.0.0/16'}, subnets = "
    "{\n"
    "  {name = 's', prefix = '10.1.0.0/24', network_security_group = 'nsg',\n"
    "   delegations = {{name = 'd', service = 'Microsoft.Web/serverFarms'}}}}}}\n"
    "gateways = {{name = 'gw', units = 3, network = 'integration', subnet = 'vnet/s',\n"
    "  created_at = '2025-01-01T00:00:00Z', tags = {a = 'b'},\n"
    "  connections = {{name = 'c', workspace = 'one', hostnames = {'x.example'}}}},\n"
    "  {name = 'gw-failed', state = 'Failed'}}\n"
    "users = {{upn = 'Ada.King@fabrikam.example', name = 'Countess',\n"
    "          id = '33333333-3333-4333-8333-333333333333', password = "
    "'pass-of-this-test'}}\n"
    "applications = {{name = 'bot', app_id = '44444444-4444-4444-8444-444444444444',\n"
    "                 secret = 'bot-secret-of-this-test', graph = 'admin'}}\n"
    "groups = {{name = 'inner', members = {'bot', 'new.one@fabrikam.example'}},\n"
    "  {name = 'outer', id = '55555555-5555-4555-8555-555555555555', description = "
    "'all',\n"
    "   mail_nickname = 'nick', members = {'inner', 'ada.king@fabrikam.example'},\n"
    "   owners = {'ada.king@fabrikam.example'}}}\n"
    "role_assignments = {\n"
    "  {principal = 'outer', role = 'Reader', scope = 'workspaces/one', description = "
    "'why'},\n"
    "  {principal = '44444444-4444-4444-8444-444444444444', role = 'Contributor',\n"
    "   name = '66666666-6666-4666-8666-666666666666', scope = '/resourceGroups/rg-a'},\n"
    "  {principal = 'bot', role = 'Reader'}}\n"
    "resources = {{id = "
    "'/resourceGroups/rg-a/providers/Microsoft.ApiManagement/service/'\n"
    "  .. 'svc-a/workspaces/three', body = {properties = {displayName = 'Three'}}}}\n"
    "limits = {workspaces_per_service = 2, workspaces_per_gateway = 1, role_assignments "
    "= 9,\n"
    "          reads = {7, 1}, writes = {5, 1}, deletes = 0}\n"
    "durations = {['gateway.create'] = {'1h', '1h'}}\n"
    "replication_seconds = 5\n"
    "unregistered_providers = {'Microsoft.Web'}\n"
    "token_life = '20m'\n"
    "faults = 'lro-fail=gw-x'\n"
    "notes = {'anything'}\n";

static void open_estate(void)
{
    open_world(estate, NULL, 1);
}

START_TEST(tenant_subscription_and_time_are_as_told)
{
    open_estate();
    ck_assert_str_eq(h.world->profile.tenant_id, "11111111-1111-4111-8111-111111111111");
    ck_assert_str_eq(h.world->profile.service, "svc-a");
    ck_assert_str_eq(h.world->profile.resource_group, "rg-a");
    ck_assert_int_eq(get(""), 200);
    ck_assert_str_eq(said("displayName"), "Prod");
    ck_assert_str_eq(said("subscriptionId"), "22222222-2222-4222-8222-222222222222");
    ck_assert_int_eq(ask(CALL_GET, "/tenants?" VERSION, NULL), 200);
    ck_assert_str_eq(json_string_at(json_at(h.json, "value")->child, "displayName"),
                     "Fabrikam");
    ck_assert_str_eq(json_string_at(json_at(h.json, "value")->child, "defaultDomain"),
                     "fabrikam.example");
    ck_assert_int_eq(ask(CALL_GET, "/_sim/clock", NULL), 200);
    ck_assert_str_eq(said("now"), "2026-03-02T08:00:00.000Z");
}
END_TEST

START_TEST(groups_and_services_are_there_with_their_fields)
{
    open_estate();
    ck_assert_int_eq(get("/resourceGroups"), 200);
    ck_assert_int_eq(count_values(), 2);
    ck_assert_int_eq(get("/resourceGroups/rg-a"), 200);
    ck_assert_str_eq(said("tags.owner"), "x");
    ck_assert_str_eq(said("location"), "northeurope");
    ck_assert_int_eq(get("/resourceGroups/rg-a" APIM_ID "/service/svc-a"), 200);
    ck_assert_str_eq(said("sku.name"), "PremiumV2");
    ck_assert_double_eq(json_number_at(h.json, "sku.capacity", 0), 3);
    ck_assert_str_eq(said("properties.createdAtUtc"), "2024-01-01T00:00:00Z");
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_str_eq(said("properties.gatewayUrl"), "https://svc-a.azure-api.net");
    ck_assert_int_eq(get("/resourceGroups/rg-b" APIM_ID "/service/svc-b"), 200);
    ck_assert_str_eq(said("location"), "westus");
    ck_assert_str_eq(said("sku.name"), "Premium");
}
END_TEST

START_TEST(workspaces_are_in_their_services)
{
    open_estate();
    ck_assert_int_eq(get("/resourceGroups/rg-a" APIM_ID "/service/svc-a/workspaces/one"),
                     200);
    ck_assert_str_eq(said("properties.displayName"), "One");
    ck_assert_str_eq(said("properties.description"), "first");
    ck_assert_int_eq(get("/resourceGroups/rg-b" APIM_ID "/service/svc-b/workspaces/two"),
                     200);
    ck_assert_str_eq(said("properties.displayName"), "two");
    ck_assert_int_eq(
        get("/resourceGroups/rg-a" APIM_ID "/service/svc-a/workspaces/three"), 200);
    ck_assert_str_eq(said("properties.displayName"), "Three");
}
END_TEST

START_TEST(gateways_stand_in_their_subnets_and_serve_their_workspaces)
{
    open_estate();
    ck_assert_int_eq(get("/resourceGroups/rg-a" APIM_ID "/gateways/gw"), 200);
    ck_assert_str_eq(said("properties.virtualNetworkType"), "External");
    ck_assert_str_eq(said("properties.createdAtUtc"), "2025-01-01T00:00:00Z");
    ck_assert_str_eq(said("properties.targetProvisioningState"), "");
    ck_assert_ptr_nonnull(strstr(said("properties.frontend.defaultHostname"),
                                 ".gateway.northeurope-01.azure-api.net"));
    ck_assert_double_eq(json_number_at(h.json, "sku.capacity", 0), 3);
    ck_assert_ptr_nonnull(
        strstr(said("properties.backend.subnet.id"), "/virtualNetworks/vnet/subnets/s"));
    ck_assert_int_eq(
        get("/resourceGroups/rg-a" APIM_ID "/gateways/gw/configConnections/c"), 200);
    ck_assert_ptr_nonnull(strstr(said("properties.sourceId"), "/workspaces/one"));
    ck_assert_int_eq(get("/resourceGroups/rg-a" APIM_ID "/service/svc-a/workspaceLinks"),
                     200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(get("/resourceGroups/rg-a" APIM_ID "/gateways/gw-failed"), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Failed");
}
END_TEST

/* The rules see what the file has made as they see what clients make. */
START_TEST(the_rules_hold_on_what_the_file_has_made)
{
    open_estate();
    ck_assert_int_eq(
        call_arm(CALL_PUT, APIM_ID "/gateways/gw/configConnections/d",
                 "{\"properties\":{\"sourceId\":\"/subscriptions/22222222-2222-4222-8222-"
                 "222222222222/resourceGroups/rg-a/providers/Microsoft.ApiManagement/"
                 "service/svc-a/workspaces/three\"}}"),
        400); /* it was made when gateways served one workspace, and serves it */
    ck_assert_int_eq(
        call_arm(CALL_DELETE,
                 "/providers/Microsoft.Network/virtualNetworks/vnet/subnets/s", NULL),
        400);
    ck_assert_str_eq(said("error.code"), "InUseSubnetCannotBeDeleted");
    ck_assert_int_eq(call_arm(CALL_PUT, APIM_ID "/service/svc-a/workspaces/four",
                              "{\"properties\":{\"displayName\":\"4\"}}"),
                     400); /* the limit of the file is reached */
}
END_TEST

START_TEST(nobody_has_made_what_is_there_from_the_start)
{
    open_estate();
    ck_assert_int_eq(ask(CALL_GET, "/_sim/ledger", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "resources")), 0);
}
END_TEST

START_TEST(people_are_in_their_groups)
{
    open_estate();
    ck_assert_int_eq(graph("users/ada.king@fabrikam.example"), 200);
    ck_assert_str_eq(said("displayName"), "Countess");
    ck_assert_str_eq(said("id"), "33333333-3333-4333-8333-333333333333");
    ck_assert_int_eq(graph("users/new.one@fabrikam.example"), 200);
    ck_assert_str_eq(said("displayName"), "New One");
    ck_assert_int_eq(graph("groups/55555555-5555-4555-8555-555555555555"), 200);
    ck_assert_str_eq(said("description"), "all");
    ck_assert_str_eq(said("mailNickname"), "nick");
    ck_assert_int_eq(graph("groups/55555555-5555-4555-8555-555555555555/members"), 200);
    ck_assert_int_eq(count_values(), 2);
    ck_assert_int_eq(
        graph("groups/55555555-5555-4555-8555-555555555555/transitiveMembers"), 200);
    ck_assert_int_eq(count_values(), 4);
    ck_assert_int_eq((int)database_number(h.world->database, 0,
                                          "SELECT COUNT(*) FROM ownership WHERE object ="
                                          " '55555555-5555-4555-8555-555555555555'",
                                          ""),
                     1);
}
END_TEST

START_TEST(an_application_signs_in_with_its_secret)
{
    open_estate();

    char *url = memory_format("/%s/oauth2/v2.0/token", h.world->profile.tenant_id);

    ck_assert_int_eq(
        ask(CALL_POST, url,
            "grant_type=client_credentials&client_id=44444444-4444-4444-8444-444444444444"
            "&client_secret=bot-secret-of-this-test&scope=http://sim/.default"),
        200);
    ck_assert_double_eq(json_number_at(h.json, "expires_in", 0), 1200);
    free(url);
}
END_TEST

START_TEST(roles_are_given_by_names)
{
    open_estate();
    ck_assert_int_eq(
        get("/resourceGroups/rg-a/providers/Microsoft.Authorization/roleAssignments/"
            "66666666-6666-4666-8666-666666666666"),
        200);
    ck_assert_str_eq(said("properties.principalType"), "ServicePrincipal");
    ck_assert_int_eq(
        get("/resourceGroups/rg-a" APIM_ID "/service/svc-a/workspaces/one/providers/"
            "Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20"
            "'55555555-5555-4555-8555-555555555555'"),
        200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_str_eq(
        json_string_at(json_at(h.json, "value")->child, "properties.description"), "why");
    ck_assert_int_eq(get("/providers/Microsoft.Authorization/roleAssignments"), 200);
    ck_assert_int_eq(count_values(), 4); /* and the simulator's own */
}
END_TEST

START_TEST(settings_are_as_told)
{
    open_estate();
    ck_assert_int_eq(get("/providers/Microsoft.Web"), 200);
    ck_assert_str_eq(said("registrationState"), "NotRegistered");
    ck_assert_str_eq(header("x-ms-ratelimit-remaining-subscription-reads"), "6");
    ck_assert_int_eq(ask(CALL_GET, "/_sim/faults", NULL), 200);
    ck_assert_str_eq(json_string_at(json_at(h.json, "faults")->child, "value"), "gw-x");
    ck_assert_int_eq((int)world_duration(h.world, &gateway_kind, "create", "x"), 3600000);
    ck_assert_int_eq((int)h.world->replication_ms, 5000);
}
END_TEST

START_TEST(json_says_the_same_as_lua)
{
    open_world(
        "{\"workspaces\":[{\"name\":\"one\"}],\"gateways\":[{\"name\":\"gw\","
        "\"connections\":[\"one\"]}],\"applications\":[{\"name\":\"bot\"}],"
        "\"role_assignments\":[{\"principal\":\"bot\",\"role\":\"Owner\",\"scope\":"
        "\"gateways/gw\"}]}",
        NULL, 1);
    ck_assert_int_eq(call_arm(CALL_GET, APIM_ID "/gateways/gw/configConnections", NULL),
                     200);
    ck_assert_int_eq(count_values(), 1);
}
END_TEST

START_TEST(a_lua_world_may_be_returned_or_computed)
{
    open_world("local all = {} for i = 1, 3 do all[i] = {name = 'ws-' .. i} end\n"
               "return {workspaces = all, groups = {}}",
               NULL, 1);
    ck_assert_int_eq(call_arm(CALL_GET, APIM_ID "/service/contoso-apim/workspaces", NULL),
                     200);
    ck_assert_int_eq(count_values(), 3);
    ck_assert_int_eq(graph("groups"), 200);
    ck_assert_int_eq(count_values(), 0);
}
END_TEST

START_TEST(an_empty_lua_world_is_the_default_one)
{
    open_world("return {}", NULL, 1);
    ck_assert_int_eq(graph("groups"), 200);
    ck_assert_int_eq(count_values(), 12);
}
END_TEST

/* 1,000 groups of 10 and 5,000 workspaces; the limit is ten times what it takes. */
START_TEST(a_large_world_is_built_fast)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    open_world("groups = {prefix = 't-', count = 1000, members = 10}\n"
               "workspaces = {prefix = 'w-', count = 5000}\n",
               NULL, 1);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    ck_assert_int_eq(
        (int)database_number(h.world->database, 0, "SELECT COUNT(*) FROM member", ""),
        10000);
    ck_assert_int_eq((int)database_number(h.world->database, 0,
                                          "SELECT COUNT(*) FROM entity WHERE type ="
                                          " 'Microsoft.ApiManagement/service/workspaces'",
                                          ""),
                     5000);
    printf("a large world: %d ms\n", (int)((end.tv_sec - begin.tv_sec) * 1000 +
                                           (end.tv_nsec - begin.tv_nsec) / 1000000));
    ck_assert_int_lt((int)(end.tv_sec - begin.tv_sec), 5);
}
END_TEST

/* Denials and roles of one's own need kinds that take them. */
START_TEST(roles_of_ones_own_are_made_or_refused)
{
    static const char world[] =
        "role_definitions = {{name = 'Gate keeper', actions = {'*/read'}}}\n"
        "applications = {{name = 'bot'}}\n"
        "role_assignments = {{principal = 'bot', role = 'gate keeper'}}\n";
    struct failure *failure = try_world(world, NULL, 1);

    if ((role_definition_kind.operations & KIND_PUT) == 0) {
        ck_assert_ptr_nonnull(strstr(failure->message, "role_definitions[1]: roles of"));
        failure_free(failure);
        return;
    }
    ck_assert_ptr_null(failure);
    ck_assert_int_eq((int)database_number(h.world->database, 0,
                                          "SELECT COUNT(*) FROM entity WHERE type ="
                                          " 'Microsoft.Authorization/roleDefinitions'",
                                          ""),
                     1);
}
END_TEST

/* ---- who signs in, and what is allowed ---- */

#define OWN_APP "c0a80101-6f3d-4a2b-8e71-5d4c3b2a1908"
#define BOT_APP "44444444-4444-4444-8444-444444444444"

/* A world with every key about access and behaviour that `estate` does not have. `%s` are a
 * certificate and a key set. */
static const char rules[] =
    "{\"users\":[{\"upn\":\"ann.lee@contoso.example\"}],"
    "\"applications\":[{\"name\":\"bot\",\"app_id\":\"" BOT_APP "\","
    "\"certificates\":[%s],\"role\":\"Reader\",\"graph\":[\"Group.Read.All\"],"
    "\"federated\":[{\"issuer\":\"https://i.example\",\"subject\":\"s\","
    "\"audience\":\"a\",\"keys\":%s}]},"
    "{\"name\":\"automation\",\"app_id\":\"" OWN_APP "\",\"role\":\"Reader\"}],"
    "\"workspaces\":[{\"name\":\"one\"}],"
    "\"role_assignments\":[{\"principal\":\"contoso-guest\",\"role\":\"Contributor\"},"
    "{\"principal\":\"automation\",\"role\":\"Contributor\"}],"
    "\"deny_assignments\":[{\"name\":\"no-delete\",\"actions\":[\"*/delete\"],"
    "\"principals\":[\"everyone\"],\"exclude_principals\":[\"contoso-automation\"],"
    "\"scope\":\"workspaces/one\"},"
    "{\"name\":\"no-read\",\"actions\":[\"*/read\"],\"principals\":[\"contoso-guest\"],"
    "\"do_not_apply_to_child_scopes\":true,\"system_protected\":false}],"
    "\"limits\":{\"role_definitions\":1,\"reads\":[10,1],\"global_factor\":2,"
    "\"providers\":{\"Microsoft.Network\":6},\"graph_units\":[4,1],"
    "\"graph_writes\":[1,0.1]},"
    "\"durations\":{\"gateway.create\":\"1h\",\"gateway.update\":{\"from\":\"2m\","
    "\"to\":\"3m\"},\"gateway.scale\":{\"median\":\"3m\",\"p95\":\"3m\"},"
    "\"gateway.delete\":[\"4m\",\"4m\"]},"
    "\"operation_forms\":{\"gateway.create\":\"accepted-location\"},"
    "\"monitor_life\":\"10m\",\"authorization_delay_seconds\":300,"
    "\"graph_lag_seconds\":5,\"graph_permissions\":{\"guest\":[\"User.Read.All\"]}}";

static void open_rules(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *certificate = make_certificate(key, -60, 3600);
    char *pem = certificate_json(certificate), *keys = key_set_json(key, "k1");
    char *world = memory_format(rules, pem, keys);

    open_world(world, NULL, 1);
    free(world);
    free(keys);
    free(pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void become_guest(void)
{
    h.world->profile.client_id = h.world->profile.guest_id;
    h.world->profile.client_secret = h.world->profile.guest_secret;
    sign_in();
}

static int count_rows(const char *table, const char *app_id)
{
    char *sql = memory_format("SELECT COUNT(*) FROM %s WHERE app_id = ?", table);
    const int64_t count = database_number(h.world->database, 0, sql, "t", app_id);

    free(sql);
    return (int)count;
}

/* How many of the roles at the subscription the application has by its id. */
static int count_roles(const char *app_id)
{
    char id[UUID_TEXT_SIZE];

    uuid_from_name(app_id, id);

    char *path = memory_format("/providers/Microsoft.Authorization/roleAssignments"
                               "?$filter=principalId%%20eq%%20'%s'",
                               id);

    ck_assert_int_eq(get(path), 200);
    free(path);
    return count_values();
}

START_TEST(an_application_has_what_it_proves_itself_by_and_its_rights)
{
    open_rules();
    ck_assert_int_eq(count_rows("app_certificate", BOT_APP), 1);
    ck_assert_int_eq(count_rows("app_federated", BOT_APP), 1);
    ck_assert_int_eq(count_roles(BOT_APP), 1);
    ck_assert_int_eq((int)database_number(h.world->database, -1,
                                          "SELECT rights FROM object WHERE app_id = ?",
                                          "t", BOT_APP),
                     RIGHT_GROUP_READ);
}
END_TEST

/* It goes by either name, keeps its secret and what it may do, and gets roles on top. */
START_TEST(an_application_of_the_simulator_gets_more)
{
    open_rules();
    ck_assert_int_eq(count_roles(OWN_APP), 3); /* Reader, Contributor, Owner */
    ck_assert_int_eq(graph("users"), 200);
}
END_TEST

START_TEST(a_dump_leaves_an_application_of_the_simulator_its_secret)
{
    open_rules();
    ck_assert_int_eq(ask(CALL_GET, "/_sim/world", NULL), 200);

    char *dump = memory_copy_string(h.answer.body.data);

    ck_assert_int_eq(ask(CALL_PUT, "/_sim/world", dump), 200);
    free(dump);
    sign_in();
    ck_assert_int_eq(get(""), 200);
    ck_assert_int_eq(count_rows("app_certificate", BOT_APP), 1);
}
END_TEST

START_TEST(denials_are_as_told)
{
    open_rules();
    ck_assert_int_eq(get("/providers/Microsoft.Authorization/denyAssignments"
                         "?$filter=atScope()"),
                     200);
    ck_assert_int_eq(count_values(), 1);

    const cJSON *denial = json_at(h.json, "value")->child;

    ck_assert(cJSON_IsTrue(json_at(denial, "properties.doNotApplyToChildScopes")));
    ck_assert(cJSON_IsFalse(json_at(denial, "properties.isSystemProtected")));
    become_guest();
    ck_assert_int_eq(get("/providers/Microsoft.Authorization/roleAssignments"),
                     403); /* at the subscription itself, not below */
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACE, NULL), 200);
    ck_assert_int_eq(call_arm(CALL_DELETE, WORKSPACE, NULL), 403);
    ck_assert_str_eq(said("error.code"), "DenyAssignmentAuthorizationFailed");
}
END_TEST

START_TEST(the_excluded_are_not_denied)
{
    char *url;

    open_rules();
    url = memory_format("%s" WORKSPACE "?" VERSION, h.group);
    ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json, url,
                               (struct call){.method = CALL_DELETE,
                                             .authorization = h.bearer,
                                             .if_match = "*"}),
                     200);
    free(url);
}
END_TEST

/* Makes a role of one's own. */
static int put_role(const char *name)
{
    char id[UUID_TEXT_SIZE], *url, *body;
    int status;

    uuid_from_name(name, id);
    url =
        memory_format("%s/providers/Microsoft.Authorization/roleDefinitions/%s?" VERSION,
                      h.world->subscription_id, id);
    body = memory_format("{\"properties\":{\"roleName\":\"%s\",\"permissions\":[{"
                         "\"actions\":[\"*/read\"]}],\"assignableScopes\":[\"%s\"]}}",
                         name, h.world->subscription_id);
    status = ask(CALL_PUT, url, body);
    free(body);
    free(url);
    return status;
}

START_TEST(limits_are_as_told)
{
    open_rules();
    ck_assert_int_eq(put_role("one"), 201);
    ck_assert_int_eq(put_role("two"), 400);
    ck_assert_str_eq(said("error.code"), "RoleDefinitionLimitExceeded");
    ck_assert_int_eq(get("/resourceGroups"), 200);
    ck_assert_str_eq(header("x-ms-ratelimit-remaining-subscription-reads"), "9");
    ck_assert_str_eq(header("x-ms-ratelimit-remaining-subscription-global-reads"), "19");
    ck_assert_int_eq(get("/providers/Microsoft.Network/virtualNetworks"), 200);
    ck_assert_str_eq(header("x-ms-ratelimit-remaining-subscription-resource-requests"),
                     "5");
    ck_assert_int_eq(graph("groups?$top=50"), 200);
    ck_assert_str_eq(header("x-ms-resource-unit"), "1");
    ck_assert_int_eq(ask(CALL_POST, "/v1.0/groups", GROUP_BODY), 201);
    ck_assert_int_eq(ask(CALL_POST, "/v1.0/groups", GROUP_BODY), 429); /* no write left */
    pass_ms(10000);
    ck_assert_int_eq(ask(CALL_POST, "/v1.0/groups", GROUP_BODY), 201);
}
END_TEST

START_TEST(durations_are_as_told)
{
    open_rules();
    ck_assert_int_eq((int)world_duration(h.world, &gateway_kind, "create", "x"), 3600000);
    ck_assert_int_eq((int)world_duration(h.world, &gateway_kind, "scale", "x"), 180000);
    ck_assert_int_eq((int)world_duration(h.world, &gateway_kind, "delete", "x"), 240000);
    ck_assert_int_ge((int)world_duration(h.world, &gateway_kind, "update", "x"), 120000);
    ck_assert_int_le((int)world_duration(h.world, &gateway_kind, "update", "x"), 180000);
}
END_TEST

START_TEST(operations_are_told_and_forgotten_as_told)
{
    open_rules();
    ck_assert_int_eq(call_arm(CALL_PUT, APIM_ID "/gateways/gw",
                              "{\"location\":\"westeurope\",\"sku\":{\"name\":"
                              "\"WorkspaceGatewayPremium\"},\"properties\":{}}"),
                     202);
    ck_assert_ptr_null(h.answer.async_operation);
    ck_assert_ptr_nonnull(h.answer.location);

    char *url = memory_copy_string(h.answer.location);

    pass_ms(3600000 + 600000);
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 201);
    pass_ms(1);
    ck_assert_int_eq(ask(CALL_GET, url, NULL), 404);
    free(url);
}
END_TEST

/* What the file has made is known and in effect; what a client makes takes its time. */
START_TEST(lags_are_those_of_what_is_new)
{
    open_rules();
    ck_assert_int_eq(graph("users/ann.lee@contoso.example"), 200);
    ck_assert_int_eq(ask(CALL_POST, "/v1.0/groups", GROUP_BODY), 201);

    char *path = memory_format("groups/%s", said("id"));

    ck_assert_int_eq(graph(path), 404);
    pass_ms(5000);
    ck_assert_int_eq(graph(path), 200);
    free(path);
    ck_assert_int_eq((int)h.world->authorization_delay_ms, 300000);
    become_guest();
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACE, NULL), 200);
}
END_TEST

START_TEST(the_simulators_applications_may_do_what_is_told_in_graph)
{
    open_rules();
    ck_assert_int_eq(graph("groups"), 200);
    become_guest();
    ck_assert_int_eq(graph("users"), 200);
    ck_assert_int_eq(graph("groups"), 403);
}
END_TEST

/* ---- every error ---- */

#define GW "gateways = {{name = 'gw', "
#define RG "/resourceGroups/rg-apim/providers/"

static const struct {
    const char *world, *says;
} mistakes[] = {
    /* the languages */
    {"", "line 1, column 1: not JSON"},
    {"{\n \"groups\": [}", "line 2, column 13: not JSON"},
    {"[1]", "an object expected"},
    {"{\n\"sku\":\"\xff\"}", "line 2: no UTF-8 text"},
    {"{\"sku\":\"a\\\\\\u0000b\"}", "line 1: a text with a NUL in it"},
    {"{\"sku\":\"a\\\\u0000b\",\"zzzzzz\":1}", "unknown key 'zzzzzz'"},
    {"x = = 1", "line 1: unexpected symbol near '='"},
    {"\nlocal a\nb = a.c", "line 3: attempt to index a nil value (local 'a')"},
    {"return 7", "must return a table, not a number"},
    {"error 'no'", "line 1: no"},
    {"error {}", "no text"},
    {"while true do end", "does not come to an end"},
    {"x = string.rep('x', 1e9)", "more than 256 MiB"},
    {"groups = {} groups[1] = groups", "too deep"},
    {"sku = 1 / 0", "sku is no finite number"},
    {"sku = '\\xff'", "sku is no UTF-8 text"},
    {"sku = type", "sku is a function"},
    {"groups = {{name = 'a'}, x = 1}", "groups has keys that are neither"},
    {"io.open('x')", "global 'io'"},
    {"require 'x'", "global 'require'"},
    {"os.time()", "global 'os'"},
    {"load('x')", "global 'load'"},
    {"(''):dump()", "'dump'"},
    /* keys */
    {"gatways = {}", "unknown key 'gatways'; did you mean 'gateways'?"},
    {"zzzzzzzzzzzzzz = 1", "unknown key 'zzzzzzzzzzzzzz'; there are now, tenant"},
    {"{\"sku\":\"a\",\"sku\":\"b\"}", "key 'sku' is there twice"},
    {GW "conections = {'x'}}}", "gateways[1]: unknown key 'conections'; did you mean "
                                "'connections'?"},
    {GW "unit = 2}}", "gateways[1]: unknown key 'unit'; did you mean 'units'?"},
    {"{\"gateways\":[{\"name\":\"g\",\"unit\":2}]}", "gateways[0]: unknown key 'unit'"},
    {"gateways = {{}}", "gateways[1]: 'name' is missing"},
    {"network_security_groups = {{name = 'n', rules = {{nam = 'x'}}}}",
     "network_security_groups[1].rules[1]: unknown key 'nam'; did you mean 'name'?"},
    /* values */
    {"now = 'today'", "now: a time expected, such as 2026-01-05T09:00:00Z"},
    {"tenant = {id = 'x'}", "tenant.id: a UUID expected"},
    {"tenant = {domain = 'x'}", "tenant.domain: a domain expected"},
    {"subscription = {name = ''}", "subscription.name: a text expected"},
    {"subscription = 'x'", "subscription: an object expected"},
    {"services = 'x'", "services: a list expected"},
    {"services = {{name = '9'}}", "services[1].name: service name '9' does not match"},
    {"services = {{name = 'a', created_at = 'x'}}", "services[1].created_at: a time"},
    {"service = '9'", "service: service name '9'"},
    {"resource_groups = {{name = 'a.'}}", "resource_groups[1].name: resource group name"},
    {"workspaces = {{name = 'a*'}}", "workspaces[1].name: workspace name 'a*'"},
    {"workspaces = {prefix = 'w', count = 100001}", "count 100001 is more than 100000"},
    {"workspaces = {prefix = 'w*', count = 1}", "workspaces: workspace name 'w*0001'"},
    {GW "units = 13}}", "gateways[1].units: units 13 is outside 1 to 12"},
    {GW "network = 'private'}}", "gateways[1].network: network 'private' is not one of"},
    {GW "state = 'Activating'}}", "gateways[1].state: a state expected that lasts"},
    {GW "tags = 'x'}}", "gateways[1].tags: tags"},
    {GW "connections = {{name = 'c'}}}}",
     "gateways[1].connections[1]: 'workspace' is missing"},
    {"users = {{upn = 'ada'}}", "users[1].upn: a name such as"},
    {"groups = {{name = 'a', members = {1}}}", "groups[1].members[1]: a text expected"},
    {"groups = {count = 1000001}", "groups.count: a number from 0 to 1000000"},
    {"groups = {count = 100001}", "groups: count 100001 is more than 100000"},
    {"groups = {count = 1, members = 10001}", "groups: members 10001 is more than 10000"},
    {"applications = {{name = 'a', graph = 1}}", "applications[1].graph: \"admin\" or"},
    {"durations = {['gateway.create'] = {'2h', '1h'}}", "durations.gateway.create"},
    {"durations = {gateway = 1}", "unknown key 'gateway'; a kind and create"},
    {"applications = {{name = 'a', certificates = {'PEM'}}}",
     "applications[1].certificates[1]: a certificate as PEM, with an RSA key, expected"},
    {"applications = {{name = 'a', federated = {{issuer = 'x', subject = 's'}}}}",
     "applications[1].federated[1].issuer: a URL expected"},
    {"applications = {{name = 'a', federated = {{issuer = 'https://i'}}}}",
     "applications[1].federated[1]: 'subject' is missing"},
    {"applications = {{name = 'a', federated = {{issuer = 'https://i', subject = 's',\n"
     "keys = {keys = {}}}}}}",
     "applications[1].federated[1].keys: a JSON Web Key Set of RSA keys expected"},
    {"applications = {{name = 'a', role = 'Readr'}}",
     "applications[1].role: the name of a built-in role expected"},
    {"applications = {{name = 'a', graph = {'Group.Paint'}}}",
     "applications[1].graph: no permission 'Group.Paint'"},
    {"applications = {{name = 'a', is_admin = true}}",
     "applications[1]: unknown key 'is_admin'"},
    {"graph_permissions = {bot = 'admin'}", "graph_permissions: unknown key 'bot'"},
    {"graph_permissions = {guest = 'all'}", "graph_permissions.guest: \"admin\" or"},
    {"graph_lag_seconds = -1", "graph_lag_seconds: a number from 0 to 1000000"},
    {"authorization_delay_seconds = '5m'", "authorization_delay_seconds: a number from"},
    {"monitor_life = 24", "monitor_life: a duration such as 24h expected"},
    {"operation_forms = {['gateway.create'] = 'loud'}",
     "operation_forms.gateway.create: "},
    {"operation_forms = {['gateway.paint'] = 'both'}",
     "operation_forms: unknown key 'gateway.paint'; a kind and create"},
    {"durations = {['gateway.create'] = {median = '2h', p95 = '1h'}}",
     "durations.gateway.create: 2h is more than 1h"},
    {"durations = {['gateway.create'] = {from = '2h'}}",
     "durations.gateway.create: a duration such as \"3h\" expected"},
    {"durations = {['gateway.create'] = 'soon'}",
     "durations.gateway.create: 'soon' is not a duration"},
    {"limits = {role_definitions = 'x'}", "limits.role_definitions: a number from 0"},
    {"limits = {global_factor = 0.5}", "limits.global_factor: a number from 1 to 1000"},
    {"limits = {providers = {['Microsoft.Web'] = 0}}",
     "limits.providers.Microsoft.Web: requests a minute expected, from 1 to 1000000"},
    {"limits = {providers = 5}", "limits.providers: an object of at most 16"},
    {"limits = {graph_units = 5}", "limits.graph_units: a size and a refill per second"},
    {"limits = {graph_writes = {5}}", "limits.graph_writes: a size and a refill"},
    {"deny_assignments = {{name = 'd'}}", "deny_assignments[1]: 'principals' is missing"},
    {"deny_assignments = {{name = 'd', principals = {'everyone'}, except = {'a'}}}",
     "deny_assignments[1]: unknown key 'except'"},
    {"deny_assignments = {{name = 'd', principals = {'everyone'},\n"
     "exclude_principals = {'nobody'}}}",
     "deny_assignments[1].exclude_principals[1]: no group, application or object id"},
    {"deny_assignments = {{name = 'd', principals = {'everyone'},\n"
     "do_not_apply_to_child_scopes = 1}}",
     "deny_assignments[1].do_not_apply_to_child_scopes: true or false expected"},
    {"deny_assignments = {{name = 'd', principals = {'everyone'},\n"
     "system_protected = 'no'}}",
     "deny_assignments[1].system_protected: true or false expected"},
    {"faults = 'thrttle=1'", "faults: unknown fault 'thrttle'; did you mean 'throttle'?"},
    {"unregistered_providers = {'Microsoft.Webb'}",
     "unregistered_providers[1]: no provider 'Microsoft.Webb'"},
    {"resources = {{id = '/x', body = 1}}", "resources[1].body: a body as an object"},
    /* what is not there, or twice */
    {"workspaces = {{name = 'a'}, {name = 'A'}}", "workspaces[2]: there are two of"},
    {"workspaces = {{name = 'a', service = 'no'}}",
     "workspaces[1]: there is no '/subscriptions/"},
    {"services = {{name = 'a'}, {name = 'b', resource_group = 'no'}}",
     "services[2]: there is no '/subscriptions/"},
    {GW "connections = {'no'}}}", "gateways[1].connections[1]: workspace: there is no"},
    {GW "network = 'integration', subnet = 'vnet-apim/no'}}",
     "gateways[1]: subnet: there is no '/subscriptions/"},
    {GW "subnet = 'a/b/c/d/e'}}", "gateways[1].subnet: 'a/b/c/d/e' is no resource"},
    {"users = {{upn = 'a@b.c'}, {upn = 'A@b.c'}}", "users[2]: another object has the id"},
    {"groups = {{name = 'a'}, {name = 'a'}}", "groups[2]: another object has the id"},
    {"groups = {{name = 'a', members = {'no'}}}",
     "groups[1].members[1]: no group, application or object id 'no'"},
    {"groups = {{name = 'a', members = {'a'}}}",
     "groups[1].members[1]: a group cannot be in itself"},
    {"groups = {{name = 'a'}} applications = {{name = 'A'}}\n"
     "role_assignments = {{principal = 'a', role = 'Reader'}}",
     "role_assignments[1].principal: several are called 'a'"},
    {"role_assignments = {{principal = 'a@b.c', role = 'Readr'}}",
     "role_assignments[1].role: there is no role 'Readr'; did you mean 'Reader'?"},
    {"role_assignments = {{principal = 'a@b.c', role = 'Reader', scope = 'gateways/x'}}",
     "role_assignments[1]: scope: there is no '/subscriptions/"},
    {"role_assignments = {{principal = 'a@b.c', role = 'Reader', scope = 'x'}}",
     "role_assignments[1]: scope: there is no 'x'"},
    /* what the model and the rules of networks forbid */
    {"virtual_networks = {{name = 'vnet', address_prefixes = {'10.0.0.1/8'}}}",
     "virtual_networks[1].address_prefixes[1]: '10.0.0.1/8' is not an address prefix"},
    {"virtual_networks = {{name = 'vnet', subnets = {{name = 's', prefix = "
     "'10.9.0.0/99'}}}}",
     "virtual_networks[1].subnets[1]"},
    {"virtual_networks = {{name = 'vnet', subnets = {{name = 's', prefix = "
     "'11.0.0.0/24'}}}}",
     "virtual_networks[1].subnets[1]: Subnet 's' is not valid because its IP address "
     "range "
     "is outside"},
    {"virtual_networks = {{name = 'vnet', subnets = {{name = 's', prefix = "
     "'10.0.0.0/24'},\n"
     "{name = 't', prefix = '10.0.0.0/25'}}}}",
     "virtual_networks[1].subnets[2]: Subnet 't' is not valid because its IP address "
     "range "
     "overlaps"},
    {"resources = {{id = '" RG "Microsoft.ApiManagement/gateways/g', body = {location =\n"
     "'westeurope', sku = {name = 'x', capacity = 20}}}}",
     "resources[1]: sku.capacity 20 is outside 1 to 12"},
    {"resources = {{id = '" RG "Microsoft.Cache/redis/r', body = {}}}",
     "resources[1]: id: '" RG "Microsoft.Cache/redis/r' is no resource of a kind"},
    {"resources = {{id = 'x', body = {}}}", "resources[1]: id: 'x' is no resource"},
    /* dumps */
    {"{\"moongate_world\": 1}", "options: an object expected"},
    {"{\"moongate_world\": 1, \"options\": {\"sk\": 1}}", "options: unknown key 'sk'"},
    {"{\"moongate_world\": 1, \"options\": {}}", "another version of moongate (1, not"},
};

START_TEST(a_wrong_file_is_refused_with_the_place_and_the_reason)
{
    struct failure *failure = try_world(mistakes[_i].world, NULL, 1);

    ck_assert_msg(failure != NULL, "'%s' is taken", mistakes[_i].world);
    ck_assert_str_eq(failure->code, "IOError");
    ck_assert_msg(strstr(failure->message, "/tmp/check_world.") == failure->message &&
                      strstr(failure->message, mistakes[_i].says) != NULL,
                  "'%s' does not say '%s'", failure->message, mistakes[_i].says);
    failure_free(failure);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim worlds");
    TCase *keys = add_case(suite, "keys", open_harness, close_harness),
          *errors = add_case(suite, "errors", open_harness, close_harness);
    TCase *access = add_case(suite, "access and behaviour", open_harness, close_harness);

    tcase_add_test(keys, tenant_subscription_and_time_are_as_told);
    tcase_add_test(keys, groups_and_services_are_there_with_their_fields);
    tcase_add_test(keys, workspaces_are_in_their_services);
    tcase_add_test(keys, gateways_stand_in_their_subnets_and_serve_their_workspaces);
    tcase_add_test(keys, the_rules_hold_on_what_the_file_has_made);
    tcase_add_test(keys, nobody_has_made_what_is_there_from_the_start);
    tcase_add_test(keys, people_are_in_their_groups);
    tcase_add_test(keys, an_application_signs_in_with_its_secret);
    tcase_add_test(keys, roles_are_given_by_names);
    tcase_add_test(keys, settings_are_as_told);
    tcase_add_test(keys, json_says_the_same_as_lua);
    tcase_add_test(keys, a_lua_world_may_be_returned_or_computed);
    tcase_add_test(keys, an_empty_lua_world_is_the_default_one);
    tcase_add_test(keys, a_large_world_is_built_fast);
    tcase_add_test(keys, roles_of_ones_own_are_made_or_refused);
    tcase_add_test(access, an_application_has_what_it_proves_itself_by_and_its_rights);
    tcase_add_test(access, an_application_of_the_simulator_gets_more);
    tcase_add_test(access, a_dump_leaves_an_application_of_the_simulator_its_secret);
    tcase_add_test(access, denials_are_as_told);
    tcase_add_test(access, the_excluded_are_not_denied);
    tcase_add_test(access, limits_are_as_told);
    tcase_add_test(access, durations_are_as_told);
    tcase_add_test(access, operations_are_told_and_forgotten_as_told);
    tcase_add_test(access, lags_are_those_of_what_is_new);
    tcase_add_test(access, the_simulators_applications_may_do_what_is_told_in_graph);
    tcase_add_loop_test(errors, a_wrong_file_is_refused_with_the_place_and_the_reason, 0,
                        (int)(sizeof mistakes / sizeof mistakes[0]));
    return run_suite(suite);
}
