/* tests/check_sim_deployments.c - resources made by templates, and how people follow them. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/suite.h"
#include "tests/world.h"

#define DEPLOYMENTS "/providers/Microsoft.Resources/deployments"
#define RESOURCES   "api-version=2025-04-01"
#define GATEWAYS    "/providers/Microsoft.ApiManagement/gateways"

enum { SECOND_MS = 1000, HOUR_MS = 3600 * 1000 };

/* The same text with ` for " turned back; owned by the caller. */
static char *quote(const char *text)
{
    char *copy = memory_copy_string(text);

    for (char *c = copy; *c != '\0'; c++)
        *c = *c == '`' ? '"' : *c;
    return copy;
}

/* On what stands behind the group, or behind the subscription when it begins with '~'. */
static int manage(enum call_method method, const char *path, const char *body)
{
    const bool is_above = path[0] == '~';
    char *url =
        memory_format("%s%s%s" RESOURCES, is_above ? h.world->subscription_id : h.group,
                      path + is_above, strchr(path, '?') != NULL ? "&" : "?");
    char *text = body != NULL ? quote(body) : NULL;
    const int status = ask(method, url, text);

    free(url);
    free(text);
    return status;
}

/* PUTs a deployment with what a template holds and the parameters' values. */
static int deploy_at(const char *base, const char *name, const char *template,
                     const char *parameters)
{
    char *path = memory_format("%s" DEPLOYMENTS "/%s", base, name);
    char *body = memory_format(
        "{`location`:`westeurope`,`properties`:{`mode`:`Incremental`,`template`:{"
        "`$schema`:`https://schema.management.azure.com/schemas/2019-04-01/"
        "deploymentTemplate.json#`,`contentVersion`:`1.0.0.0`,%s},`parameters`:{%s}}}",
        template, parameters);
    const int status = manage(CALL_PUT, path, body);

    free(path);
    free(body);
    return status;
}

static int deploy(const char *name, const char *template, const char *parameters)
{
    return deploy_at("", name, template, parameters);
}

static const char *state_of(const char *name)
{
    char *path = memory_format(DEPLOYMENTS "/%s", name);

    ck_assert_int_eq(manage(CALL_GET, path, NULL), 200);
    free(path);
    return said("properties.provisioningState");
}

/* Lets time pass; a token may be over by then. */
static void pass(int64_t ms)
{
    pass_ms(ms);
    sign_in();
}

static void start_world(void)
{
    open_harness();
    open_world(NULL, NULL, 1);
}

/* ---- a gateway ---- */

static const char gateway_template[] =
    "`parameters`:{`name`:{`type`:`string`,`maxLength`:45},`units`:{`type`:`int`,"
    "`defaultValue`:1,`allowedValues`:[1,2]}},"
    "`variables`:{`service`:`contoso-apim`,`workspace`:`[concat(parameters('name'),'-ws')"
    "]`"
    "},"
    "`resources`:["
    "{`type`:`Microsoft.ApiManagement/gateways/configConnections`,"
    "`apiVersion`:`2024-05-01`,`name`:`[format('{0}/{1}', parameters('name'), 'link')]`,"
    "`dependsOn`:[`[resourceId('Microsoft.ApiManagement/gateways', parameters('name'))]`,"
    "`[resourceId('Microsoft.ApiManagement/service/workspaces', variables('service'), "
    "variables('workspace'))]`],"
    "`properties`:{`sourceId`:`[resourceId('Microsoft.ApiManagement/service/workspaces', "
    "variables('service'), variables('workspace'))]`}},"
    "{`type`:`Microsoft.ApiManagement/gateways`,`apiVersion`:`2024-05-01`,"
    "`name`:`[parameters('name')]`,`location`:`[resourceGroup().location]`,"
    "`sku`:{`name`:`WorkspaceGatewayPremium`,`capacity`:`[parameters('units')]`},"
    "`properties`:{}},"
    "{`type`:`Microsoft.ApiManagement/service/workspaces`,`apiVersion`:`2024-05-01`,"
    "`name`:`[concat(variables('service'), '/', variables('workspace'))]`,"
    "`properties`:{`displayName`:`[toUpper('team')]`}}],"
    "`outputs`:{`host`:{`type`:`string`,`value`:`[reference(resourceId("
    "'Microsoft.ApiManagement/gateways', "
    "parameters('name'))).frontend.defaultHostname]`},"
    "`group`:{`type`:`string`,`value`:`[resourceGroup().name]`}}";

/* How many operations the deployment has begun; `state` gets that of the one on `type`. */
static int count_operations(const char *name, const char *type, char state[32])
{
    char *path = memory_format("/deployments/%s/operations", name);
    const cJSON *one;

    ck_assert_int_eq(manage(CALL_GET, path, NULL), 200);
    free(path);
    strcpy(state, "none");
    cJSON_ArrayForEach (one, json_at(h.json, "value")) {
        const char *found = json_string_at(one, "properties.targetResource.resourceType");

        if (found != NULL && strcmp(found, type) == 0)
            snprintf(state, 32, "%s",
                     json_string_at(one, "properties.provisioningState"));
    }
    return cJSON_GetArraySize(json_at(h.json, "value"));
}

START_TEST(a_gateway_is_deployed_and_followed_for_three_hours)
{
    char *monitor, state[32];

    ck_assert_int_eq(deploy("gw", gateway_template, "`name`:{`value`:`gw-1`}"), 201);
    ck_assert_str_eq(said("properties.provisioningState"), "Accepted");
    ck_assert_str_eq(said("properties.parameters.units.type"), "Int");
    monitor = memory_copy_string(h.answer.async_operation);
    ck_assert_int_eq(ask(CALL_GET, monitor, NULL), 200);
    ck_assert_str_eq(said("status"), "Accepted");
    ck_assert_int_ge(h.answer.retry_after_s, 1);

    pass(2 * SECOND_MS);
    ck_assert_str_eq(state_of("gw"), "Running");
    ck_assert_int_eq(count_operations("gw", "Microsoft.ApiManagement/gateways", state),
                     2);
    ck_assert_str_eq(state, "Running");
    count_operations("gw", "Microsoft.ApiManagement/service/workspaces", state);
    ck_assert_str_eq(state, "Succeeded");
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "/gw-1", NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Created");

    pass(2 * HOUR_MS + HOUR_MS / 2);
    ck_assert_str_eq(state_of("gw"), "Running");
    ck_assert_int_eq(count_operations("gw", "Microsoft.ApiManagement/gateways", state),
                     2);
    ck_assert_str_eq(state, "Running");

    /* the gateway is there after 2h50 to 3h10; the connection takes five to ten minutes */
    pass(41 * 60 * SECOND_MS);
    ck_assert_int_eq(ask(CALL_GET, monitor, NULL), 200);
    ck_assert_str_eq(said("status"), "Running");
    ck_assert_int_eq(
        count_operations("gw", "Microsoft.ApiManagement/gateways/configConnections",
                         state),
        3);
    ck_assert_str_eq(state, "Running");
    pass(10 * 60 * SECOND_MS);
    ck_assert_int_eq(ask(CALL_GET, monitor, NULL), 200);
    ck_assert_str_eq(said("status"), "Succeeded");
    ck_assert_str_eq(state_of("gw"), "Succeeded");
    ck_assert_str_eq(said("properties.outputs.group.value"), "rg-apim");
    ck_assert_ptr_nonnull(strstr(said("properties.outputs.host.value"), "gw-1-"));
    ck_assert_int_eq(strncmp(said("properties.duration"), "PT2H", 4) &&
                         strncmp(said("properties.duration"), "PT3H", 4),
                     0);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "properties.outputResources")),
                     3);
    ck_assert_int_eq(count_operations("gw", "Microsoft.ApiManagement/gateways", state),
                     4);
    ck_assert_int_eq(ledger(GATEWAYS "/gw-1", "created"), 1);
    free(monitor);
}
END_TEST

START_TEST(operations_are_found_in_both_forms_and_one_by_one)
{
    char *id;

    ck_assert_int_eq(deploy("gw", gateway_template, "`name`:{`value`:`gw-1`}"), 201);
    pass(2 * SECOND_MS);
    ck_assert_int_eq(manage(CALL_GET, DEPLOYMENTS "/gw/operations", NULL), 200);
    id = memory_format(
        "/deployments/gw/operations/%s",
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "value"), 0), "operationId"));
    ck_assert_int_eq(manage(CALL_GET, id, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningOperation"), "Create");
    free(id);
    ck_assert_int_eq(manage(CALL_GET, DEPLOYMENTS "/gw/operations/00", NULL), 404);
    ck_assert_int_eq(manage(CALL_GET, "/deployments/none/operations", NULL), 404);
    ck_assert_str_eq(said("error.code"), "DeploymentNotFound");
}
END_TEST

START_TEST(what_needs_a_failed_resource_is_not_made)
{
    char state[32];

    close_world();
    open_world(NULL, "lro-fail=gw-1", 1);
    ck_assert_int_eq(deploy("gw", gateway_template, "`name`:{`value`:`gw-1`}"), 201);
    pass(4 * HOUR_MS);
    ck_assert_str_eq(state_of("gw"), "Failed");
    ck_assert_str_eq(said("properties.error.code"), "DeploymentFailed");
    ck_assert_str_eq(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "properties.error.details"), 0),
                       "code"),
        "ResourceDeploymentFailure");
    count_operations("gw", "Microsoft.ApiManagement/gateways/configConnections", state);
    ck_assert_str_eq(state, "none");
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "/gw-1/configConnections/link", NULL),
                     404);
    /* the same again makes what is missing */
    ck_assert_int_eq(deploy("gw", gateway_template, "`name`:{`value`:`gw-1`}"), 200);
    pass(4 * HOUR_MS);
    ck_assert_str_eq(state_of("gw"), "Succeeded");
}
END_TEST

START_TEST(a_refused_resource_is_told_with_its_own_error)
{
    ck_assert_int_eq(deploy("bad",
                            "`resources`:[{`type`:`Microsoft.ApiManagement/gateways`,"
                            "`apiVersion`:`2024-05-01`,`name`:`gw-1`,`location`:`mars`,"
                            "`sku`:{`name`:`WorkspaceGatewayPremium`},`properties`:{}}]",
                            ""),
                     201);
    pass(2 * SECOND_MS);
    ck_assert_str_eq(state_of("bad"), "Failed");
    ck_assert_int_eq(manage(CALL_GET, DEPLOYMENTS "/bad/operations", NULL), 200);

    const cJSON *one = cJSON_GetArrayItem(json_at(h.json, "value"), 0);

    ck_assert_str_eq(json_string_at(one, "properties.statusMessage.error.code"),
                     "GatewayRegionNotSupported");
    ck_assert_str_eq(json_string_at(one, "properties.statusCode"), "BadRequest");
}
END_TEST

START_TEST(a_deployment_goes_on_after_a_restart)
{
    char file[] = "/tmp/check_deployment.XXXXXX";
    const int fd = mkstemp(file);

    ck_assert_int_ge(fd, 0);
    close(fd);
    close_world();
    snprintf(h.state, sizeof h.state, "%s", file);
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(deploy("gw", gateway_template, "`name`:{`value`:`gw-1`}"), 201);
    pass(HOUR_MS);
    ck_assert_str_eq(state_of("gw"), "Running");
    close_world();
    open_world(NULL, NULL, 1);
    ck_assert_str_eq(state_of("gw"), "Running");
    pass(4 * HOUR_MS);
    ck_assert_str_eq(state_of("gw"), "Succeeded");
    close_world();
    unlink(file);
}
END_TEST

/* ---- life of a deployment ---- */

START_TEST(a_running_one_can_be_canceled_and_not_be_replaced)
{
    ck_assert_int_eq(deploy("gw", gateway_template, "`name`:{`value`:`gw-1`}"), 201);
    pass(2 * SECOND_MS);
    ck_assert_int_eq(deploy("gw", gateway_template, "`name`:{`value`:`gw-1`}"), 409);
    ck_assert_str_eq(said("error.code"), "DeploymentActive");
    ck_assert_int_eq(manage(CALL_DELETE, DEPLOYMENTS "/gw", NULL), 409);
    ck_assert_int_eq(manage(CALL_POST, DEPLOYMENTS "/gw/cancel", NULL), 204);
    ck_assert_str_eq(state_of("gw"), "Canceled");
    ck_assert_int_eq(manage(CALL_POST, DEPLOYMENTS "/gw/cancel", NULL), 409);
    pass(4 * HOUR_MS);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "/gw-1", NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "/gw-1/configConnections/link", NULL),
                     404);
}
END_TEST

START_TEST(one_is_looked_for_listed_exported_and_deleted)
{
    char *monitor;

    ck_assert_int_eq(manage(CALL_HEAD, DEPLOYMENTS "/a", NULL), 404);
    ck_assert_int_eq(manage(CALL_DELETE, DEPLOYMENTS "/a", NULL), 204);
    ck_assert_int_eq(deploy("a", "`resources`:[]", ""), 201);
    ck_assert_int_eq(deploy("b", "`resources`:[]", ""), 201);
    pass(2 * SECOND_MS);
    ck_assert_int_eq(deploy("c", "`resources`:[]", ""), 201);
    ck_assert_int_eq(manage(CALL_HEAD, DEPLOYMENTS "/A", NULL), 204);
    ck_assert_int_eq(manage(CALL_GET,
                            DEPLOYMENTS "?$filter=provisioningState%20eq%20'Succeeded'"
                                        "&$top=1",
                            NULL),
                     200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "value")), 1);

    char *next = memory_copy_string(said("nextLink"));

    ck_assert_ptr_nonnull(strstr(next, "filter="));
    ck_assert_int_eq(ask(CALL_GET, next, NULL), 200);
    ck_assert_str_eq(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "value"), 0), "name"), "b");
    ck_assert_str_eq(said("nextLink"), "");
    free(next);
    ck_assert_int_eq(manage(CALL_GET, DEPLOYMENTS "?$filter=name%20eq%20'a'", NULL), 400);
    ck_assert_int_eq(manage(CALL_POST, DEPLOYMENTS "/a/exportTemplate", NULL), 200);
    ck_assert_str_eq(said("template.contentVersion"), "1.0.0.0");

    ck_assert_int_eq(manage(CALL_DELETE, DEPLOYMENTS "/a", NULL), 202);
    monitor = memory_copy_string(h.answer.location);
    ck_assert_int_eq(ask(CALL_GET, monitor, NULL), 202);
    pass(5 * SECOND_MS);
    ck_assert_int_eq(ask(CALL_GET, monitor, NULL), 204);
    ck_assert_int_eq(manage(CALL_GET, DEPLOYMENTS "/a", NULL), 404);
    free(monitor);
}
END_TEST

START_TEST(validate_makes_nothing)
{
    char *body = memory_format("{`properties`:{`mode`:`Incremental`,`template`:{%s},"
                               "`parameters`:{`name`:{`value`:`gw-1`}}}}",
                               gateway_template);

    ck_assert_int_eq(manage(CALL_POST, DEPLOYMENTS "/try/validate", body), 200);
    free(body);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "properties.validatedResources")),
                     3);
    pass(HOUR_MS);
    ck_assert_int_eq(manage(CALL_GET, DEPLOYMENTS "/try", NULL), 404);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAYS "/gw-1", NULL), 404);
}
END_TEST

/* A group, and below it a nested deployment that needs what `needs` names. */
static int deploy_all(const char *needs)
{
    char *template = memory_format(
        "`resources`:[{`type`:`Microsoft.Resources/resourceGroups`,`apiVersion`:"
        "`2025-04-01`,`name`:`rg-new`,`location`:`westeurope`},{`type`:"
        "`Microsoft.Resources/deployments`,`apiVersion`:`2025-04-01`,`name`:`inner`,"
        "`resourceGroup`:`rg-new`,`dependsOn`:[`%s`],`properties`:{`mode`:`Incremental`,"
        "`expressionEvaluationOptions`:{`scope`:`inner`},`template`:{`resources`:[{"
        "`type`:`Microsoft.Network/virtualNetworks`,`apiVersion`:`2024-10-01`,`name`:"
        "`v-1`,`location`:`[resourceGroup().location]`,`properties`:{`addressSpace`:{"
        "`addressPrefixes`:[`10.9.0.0/16`]}}}],`outputs`:{`n`:{`type`:`string`,`value`:"
        "`[resourceGroup().name]`}}}}}],`outputs`:{`n`:{`type`:`string`,`value`:"
        "`[reference('inner').outputs.n.value]`}}",
        needs);
    const int status = deploy_at("~", "all", template, "");

    free(template);
    return status;
}

/* az sends the file of the template as it is, behind a name without quotes. */
START_TEST(a_template_may_have_comments_and_bare_names)
{
    static const struct {
        const char *body;
        int status;
    } rows[] = {
        {"{`properties`: {`mode`: `Incremental`, template:{ // a remark\n"
         "/* and * another */ contentVersion: `1.0.0.0`,`resources` :\r\n[]}}}",
         201},
        {"{`properties`: {`mode`: `Incremental`, template:{`contentVersion`: `1.0.0.0`,"
         "`resources`:[],`outputs`:{`o`:{`type`:`string`,`value`:`a // b\n\\`c`}}}}}",
         200},
        {"{`properties`: {`mode`: `Incremental`, template:{`resources`:[] /* no end",
         400},
        {"{properties", 400},
        {"\"", 400},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(manage(CALL_PUT, DEPLOYMENTS "/jsonc", rows[i].body),
                         rows[i].status);
        pass(2 * SECOND_MS);
    }
    ck_assert_int_eq(manage(CALL_GET, DEPLOYMENTS "/jsonc", NULL), 200);
    ck_assert_str_eq(said("properties.outputs.o.value"), "a // b\n\"c");
}
END_TEST

START_TEST(a_subscription_deployment_makes_a_group_and_deploys_into_it)
{
    ck_assert_int_eq(deploy_all("elsewhere"), 400);
    ck_assert_str_eq(said("error.code"), "InvalidTemplate");
    ck_assert_int_eq(deploy_all("[subscriptionResourceId('Microsoft.Resources/"
                                "resourceGroups','rg-new')]"),
                     201);
    pass(60 * SECOND_MS);
    ck_assert_int_eq(manage(CALL_GET, "~" DEPLOYMENTS "/all", NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_str_eq(said("properties.outputs.n.value"), "rg-new");
    ck_assert_int_eq(
        manage(CALL_GET, "~/resourceGroups/rg-new" DEPLOYMENTS "/inner/operations", NULL),
        200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "value")), 2);
}
END_TEST

START_TEST(a_group_that_is_being_deleted_takes_no_deployments)
{
    ck_assert_int_eq(
        manage(CALL_PUT, "~/resourceGroups/rg-old", "{`location`:`westeurope`}"), 201);
    ck_assert_int_eq(manage(CALL_DELETE, "~/resourceGroups/rg-old", NULL), 202);
    ck_assert_int_eq(deploy_at("~/resourceGroups/rg-old", "d", "`resources`:[]", ""),
                     409);
    ck_assert_str_eq(said("error.code"), "ResourceGroupBeingDeleted");
}
END_TEST

START_TEST(a_deployment_goes_on_when_faults_are_changed)
{
    ck_assert_int_eq(deploy("d", "`resources`:[]", ""), 201);
    ck_assert_int_eq(ask(CALL_DELETE, "/_sim/faults", NULL), 200);
    pass(2 * SECOND_MS);
    ck_assert_str_eq(state_of("d"), "Succeeded");
}
END_TEST

START_TEST(times_of_a_deployment_are_skewed_like_all_others)
{
    char date[CLOCK_TEXT_SIZE];

    ck_assert_int_eq(ask(CALL_POST, "/_sim/faults", "clock-skew=10m"), 200);
    ck_assert_int_eq(deploy("d", "`resources`:[]", ""), 201);
    clock_format_utc(h.world->now_ms + 10 * 60 * SECOND_MS, date);
    ck_assert_str_eq(said("properties.timestamp"), date);
}
END_TEST

START_TEST(who_may_not_make_the_resources_may_not_deploy_them)
{
    char *owner = h.bearer, *form, *url;

    ck_assert_int_eq(manage(CALL_PUT,
                            "/providers/Microsoft.Authorization/roleAssignments/"
                            "11111111-2222-4333-8444-555555555555",
                            NULL),
                     400);
    url = memory_format("/%s/oauth2/v2.0/token", h.world->profile.tenant_id);
    form = memory_format("grant_type=client_credentials&client_id=%s&client_secret=%s&"
                         "scope=http://sim/.default",
                         h.world->profile.guest_id, h.world->profile.guest_secret);
    ck_assert_int_eq(ask(CALL_POST, url, form), 200);
    h.bearer = memory_format("Bearer %s", said("access_token"));
    ck_assert_int_eq(deploy("a", "`resources`:[]", ""), 403);
    ck_assert_ptr_nonnull(
        strstr(said("error.message"), "Microsoft.Resources/deployments/write"));
    free(h.bearer);
    h.bearer = owner;
    free(url);
    free(form);
}
END_TEST

/* ---- templates ---- */

static const struct {
    const char *template, *parameters, *message;
} bad_templates[] = {
    {"`x`:1", "", "no 'resources'"},
    {"`parameters`:{`a`:{`type`:`string`}},`resources`:[]", "", "'a' is not provided"},
    {"`parameters`:{`a`:{`type`:`string`}},`resources`:[]", "`a`:{`value`:1}",
     "Expected 'String'. Actual 'Integer'"},
    {"`parameters`:{`a`:{`type`:`text`}},`resources`:[]", "", "no type that is known"},
    {"`parameters`:{`a`:{`type`:`int`,`allowedValues`:[1,2]}},`resources`:[]",
     "`a`:{`value`:3}", "not part of the allowed value(s): 1, 2"},
    {"`parameters`:{`a`:{`type`:`int`,`maxValue`:2}},`resources`:[]", "`a`:{`value`:3}",
     "outside what the template allows"},
    {"`parameters`:{`a`:{`type`:`string`,`minLength`:2}},`resources`:[]",
     "`a`:{`value`:`x`}", "length of the template parameter 'a' is 1"},
    {"`resources`:[]", "`b`:{`value`:1}", "parameters 'b' in the parameters file"},
    {"`variables`:{`v`:`[split('a','b')]`},`resources`:[]", "", "'split'"},
    {"`resources`:[{`type`:`[nested(resourceGroup())]`}]", "", "'nested'"},
    {"`resources`:[{`name`:`a`,`apiVersion`:`1`}]", "", "has no 'type'"},
    {"`resources`:[{`name`:`a/b`,`apiVersion`:`1`,`type`:`N/t`}]", "",
     "incorrect segment lengths"},
    {"`resources`:[{`name`:`a`,`apiVersion`:`1`,`type`:`N/t`,`dependsOn`:[`b`]}]", "",
     "'b' is not defined in the template"},
    {"`resources`:[{`name`:`a`,`apiVersion`:`1`,`type`:`N/t`,`dependsOn`:[`b`]},"
     "{`name`:`b`,`apiVersion`:`1`,`type`:`N/t`,`dependsOn`:[`a`]}]",
     "", "Circular dependency detected on resource"},
    {"`resources`:[{`name`:`a`,`apiVersion`:`1`,`type`:`N/t`},"
     "{`name`:`A`,`apiVersion`:`1`,`type`:`N/t`}]",
     "", "defined multiple times"},
    {"`resources`:[{`name`:`a`,`apiVersion`:`1`,`type`:`N/t`,`copy`:{`count`:2}}]", "",
     "'copy'"},
    {"`resources`:[{`name`:`a`,`apiVersion`:`1`,`type`:`N/t`,`properties`:{`copy`:[]}}]",
     "", "'copy'"},
    {"`resources`:[{`name`:`a`,`apiVersion`:`1`,`type`:`N/t`,`resources`:[{}]}]", "",
     "has resources inside"},
    {"`resources`:[{`name`:`[reference('x').y]`,`apiVersion`:`1`,`type`:`N/t`}]", "",
     "in outputs only"},
    {"`variables`:{`a`:`[variables('b')]`,`b`:`[variables('a')]`},`resources`:[{`name`:"
     "`[variables('a')]`,`apiVersion`:`1`,`type`:`N/t`}]",
     "", "ask for each other"},
    {"`resources`:[{`name`:`[concat('a]`,`apiVersion`:`1`,`type`:`N/t`}]", "",
     "not valid at position"},
    {"`resources`:[{`name`:`[resourceGroup().size]`,`apiVersion`:`1`,`type`:`N/t`}]", "",
     "property 'size'"},
    {"`resources`:[{`name`:`[format('{1}', 'a')]`,`apiVersion`:`1`,`type`:`N/t`}]", "",
     "format '{1}'"},
    {"`functions`:[{}],`resources`:[]", "", "'functions'"},
};

START_TEST(a_bad_template_is_refused_with_the_reason)
{
    ck_assert_int_eq(
        deploy("bad", bad_templates[_i].template, bad_templates[_i].parameters), 400);
    ck_assert_str_eq(said("error.code"), "InvalidTemplate");
    ck_assert_msg(strstr(said("error.message"), bad_templates[_i].message) != NULL, "%s",
                  said("error.message"));
    ck_assert_int_eq(manage(CALL_HEAD, DEPLOYMENTS "/bad", NULL), 404);
}
END_TEST

static const struct {
    const char *expression, *value;
} expressions[] = {
    {"plain", "plain"},
    {"[[not an expression]", "[not an expression]"},
    {"[concat('a', 'b''s', 3)]", "ab's3"},
    {"[format('{0}-{{{1}}}', 'x', true())]", "x-{True}"},
    {"[toLower('ABC')]", "abc"},
    {"[resourceId('N/a/b', 'x', 'y')]",
     "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/rg-apim/"
     "providers/N/a/x/b/y"},
    {"[resourceId('other', 'N/a', 'x')]",
     "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/other/providers/"
     "N/a/x"},
    {"[subscriptionResourceId('N/a', 'x')]",
     "/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/providers/N/a/x"},
    {"[extensionResourceId('/s', 'N/a', 'x')]", "/s/providers/N/a/x"},
    {"[subscription().subscriptionId]", "0b1f6471-1bf0-4dda-aec3-cb9272f09590"},
    {"[deployment().name]", "e"},
    {"[parameters('list')[1]]", "two"},
    {"[parameters('object')['k']]", "v"},
    {"[variables('deep').inner]", "two!"},
};

START_TEST(an_expression_is_evaluated)
{
    char *template = memory_format(
        "`parameters`:{`list`:{`type`:`array`,`defaultValue`:[`one`,`two`]},`object`:{"
        "`type`:`object`,`defaultValue`:{`k`:`v`}}},`variables`:{`deep`:{`inner`:"
        "`[concat(parameters('list')[1], '!')]`}},`resources`:[],`outputs`:{`o`:{`type`:"
        "`string`,`value`:`%s`}}",
        expressions[_i].expression);

    ck_assert_int_eq(deploy("e", template, ""), 201);
    pass(2 * SECOND_MS);
    ck_assert_str_eq(state_of("e"), "Succeeded");
    ck_assert_str_eq(said("properties.outputs.o.value"), expressions[_i].value);
    free(template);
}
END_TEST

START_TEST(a_condition_leaves_a_resource_out_and_secrets_are_not_shown)
{
    ck_assert_int_eq(
        deploy("c",
               "`parameters`:{`key`:{`type`:`secureString`},`make`:{`type`:`bool`}},"
               "`resources`:{`ws`:{`condition`:`[parameters('make')]`,`type`:"
               "`Microsoft.ApiManagement/service/workspaces`,`apiVersion`:`2024-05-01`,"
               "`name`:`contoso-apim/none`,`properties`:{`displayName`:`x`}},"
               "`other`:{`type`:`Microsoft.ApiManagement/service/workspaces`,"
               "`apiVersion`:`2024-05-01`,`dependsOn`:[`ws`],`name`:`contoso-apim/some`,"
               "`properties`:{`displayName`:`[parameters('key')]`}}},`outputs`:{`s`:{"
               "`type`:`secureString`,`value`:`[parameters('key')]`}}",
               "`key`:{`value`:`hush-hush`},`make`:{`value`:false}"),
        201);
    ck_assert_ptr_null(strstr(h.answer.body.data, "hush-hush"));
    pass(2 * SECOND_MS);
    ck_assert_str_eq(state_of("c"), "Succeeded");
    ck_assert_ptr_null(strstr(h.answer.body.data, "hush-hush"));
    ck_assert_int_eq(
        call_arm(
            CALL_GET,
            "/providers/Microsoft.ApiManagement/service/contoso-apim/workspaces/none",
            NULL),
        404);
    ck_assert_int_eq(
        call_arm(
            CALL_GET,
            "/providers/Microsoft.ApiManagement/service/contoso-apim/workspaces/some",
            NULL),
        200);
}
END_TEST

START_TEST(content_is_checked)
{
    ck_assert_int_eq(manage(CALL_PUT, DEPLOYMENTS "/x", "{}"), 400);
    ck_assert_str_eq(said("error.code"), "InvalidRequestContent");
    ck_assert_int_eq(manage(CALL_PUT, DEPLOYMENTS "/x",
                            "{`properties`:{`mode`:`Complete`,`template`:{}}}"),
                     400);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "Complete"));
    ck_assert_int_eq(manage(CALL_PUT, DEPLOYMENTS "/x",
                            "{`properties`:{`mode`:`Incremental`,`templateLink`:{`uri`:"
                            "`https://x.example`}}}"),
                     400);
    ck_assert_str_eq(said("error.code"), "InvalidTemplate");
    ck_assert_int_eq(
        manage(CALL_PUT, "~" DEPLOYMENTS "/x", "{`properties`:{`mode`:`Incremental`}}"),
        400);
    ck_assert_str_eq(said("error.code"), "LocationRequired");
    ck_assert_int_eq(
        deploy("a1234567890123456789012345678901234567890123456789012345678901"
               "2345",
               "`resources`:[]", ""),
        400);
    ck_assert_str_eq(said("error.code"), "DeploymentNameLengthLimitExceeded");
    ck_assert_int_eq(manage(CALL_POST, DEPLOYMENTS "/x/whatIf", "{}"), 404);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "The action 'whatIf'"));
    ck_assert_int_eq(manage(CALL_POST, DEPLOYMENTS "/x/cancel", ""), 404);
    ck_assert_str_eq(said("error.code"), "DeploymentNotFound");
    ck_assert_int_eq(manage(CALL_PUT, "~/resourceGroups/none" DEPLOYMENTS "/x", "{}"),
                     404);
    ck_assert_str_eq(said("error.code"), "ResourceGroupNotFound");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim_deployments");
    TCase *gateway = tcase_create("gateway"), *life = tcase_create("life"),
          *templates = tcase_create("templates");

    tcase_add_checked_fixture(gateway, start_world, close_harness);
    tcase_add_test(gateway, a_gateway_is_deployed_and_followed_for_three_hours);
    tcase_add_test(gateway, operations_are_found_in_both_forms_and_one_by_one);
    tcase_add_test(gateway, what_needs_a_failed_resource_is_not_made);
    tcase_add_test(gateway, a_refused_resource_is_told_with_its_own_error);
    tcase_add_test(gateway, a_deployment_goes_on_after_a_restart);
    tcase_add_checked_fixture(life, start_world, close_harness);
    tcase_add_test(life, a_running_one_can_be_canceled_and_not_be_replaced);
    tcase_add_test(life, one_is_looked_for_listed_exported_and_deleted);
    tcase_add_test(life, validate_makes_nothing);
    tcase_add_test(life, a_template_may_have_comments_and_bare_names);
    tcase_add_test(life, a_subscription_deployment_makes_a_group_and_deploys_into_it);
    tcase_add_test(life, a_group_that_is_being_deleted_takes_no_deployments);
    tcase_add_test(life, a_deployment_goes_on_when_faults_are_changed);
    tcase_add_test(life, times_of_a_deployment_are_skewed_like_all_others);
    tcase_add_test(life, who_may_not_make_the_resources_may_not_deploy_them);
    tcase_add_checked_fixture(templates, start_world, close_harness);
    tcase_add_loop_test(templates, a_bad_template_is_refused_with_the_reason, 0,
                        (int)(sizeof bad_templates / sizeof bad_templates[0]));
    tcase_add_loop_test(templates, an_expression_is_evaluated, 0,
                        (int)(sizeof expressions / sizeof expressions[0]));
    tcase_add_test(templates,
                   a_condition_leaves_a_resource_out_and_secrets_are_not_shown);
    tcase_add_test(templates, content_is_checked);
    suite_add_tcase(suite, gateway);
    suite_add_tcase(suite, life);
    suite_add_tcase(suite, templates);

    return run_suite(suite);
}
