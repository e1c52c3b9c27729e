/* tests/check_sim.c - the simulated control plane as a client meets it: over its socket.
 *
 * Client and simulator share one loop and a virtual clock that only the tests move. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/role.h"
#include "net/loop.h"
#include "sim/sim.h"
#include "tests/plane.h"
#include "tests/suite.h"

#define VERSION   "api-version=2024-05-01"
#define RESOURCES "api-version=2025-04-01"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000 };

/* The last answer; the next exchange frees it. */
struct reply {
    int status;
    char *text;
    cJSON *json; /* NULL when it is none */
    char *etag, *location, *async_operation, *authenticate, *content_type, *request_id,
        *echo;
    int retry_after_s;
    bool is_over;
};

static struct {
    struct clock clock;
    struct loop *loop;
    struct sim *sim;
    struct evhttp_connection *connection;
    char *arm_token, *graph_token;
    const char *token; /* of the two, or NULL, or a test's own */
    const char *if_match, *return_id;
    struct reply reply;
    char *subscription, *group, *service, *network;
} h;

static void release_reply(void)
{
    char *const texts[] = {h.reply.text,         h.reply.etag,
                           h.reply.location,     h.reply.async_operation,
                           h.reply.authenticate, h.reply.content_type,
                           h.reply.request_id,   h.reply.echo};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    cJSON_Delete(h.reply.json);
    h.reply = (struct reply){0};
}

static char *copy_header(struct evhttp_request *request, const char *name)
{
    return memory_copy_string(
        evhttp_find_header(evhttp_request_get_input_headers(request), name));
}

static void on_reply(struct evhttp_request *request, void *context)
{
    struct evbuffer *body;

    (void)context;
    h.reply.is_over = true;
    if (request == NULL || evhttp_request_get_response_code(request) == 0)
        return;
    body = evhttp_request_get_input_buffer(request);
    h.reply.status = evhttp_request_get_response_code(request);
    h.reply.text = memory_copy_text(
        evbuffer_get_length(body) > 0 ? (const char *)evbuffer_pullup(body, -1) : "",
        evbuffer_get_length(body));
    h.reply.json = json_parse(h.reply.text, strlen(h.reply.text), NULL);
    h.reply.etag = copy_header(request, "ETag");
    h.reply.location = copy_header(request, "Location");
    h.reply.async_operation = copy_header(request, "Azure-AsyncOperation");
    h.reply.authenticate = copy_header(request, "WWW-Authenticate");
    h.reply.content_type = copy_header(request, "Content-Type");
    h.reply.request_id = copy_header(request, "x-ms-request-id");
    h.reply.echo = copy_header(request, "x-ms-client-request-id");

    char *retry = copy_header(request, "Retry-After");

    h.reply.retry_after_s = retry != NULL ? atoi(retry) : 0;
    free(retry);
}

static bool reply_is_over(void *context)
{
    (void)context;
    return h.reply.is_over;
}

static void add(struct evhttp_request *request, const char *name, const char *value)
{
    if (value != NULL)
        evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

/* Sends a request and waits for the answer, while the clock stands still. A URL may be
 * absolute. Returns the status, 0 when the connection was closed. */
static int exchange(enum evhttp_cmd_type method, const char *url, const char *body)
{
    const char *endpoint = sim_profile(h.sim)->endpoint;
    struct evhttp_request *request = evhttp_request_new(on_reply, NULL);
    char *path = memory_copy_string(
        strncmp(url, endpoint, strlen(endpoint)) == 0 ? url + strlen(endpoint) : url);
    char *bearer = h.token != NULL ? memory_format("Bearer %s", h.token) : NULL;

    release_reply();
    add(request, "Host", endpoint + strlen("http://"));
    add(request, "Authorization", bearer);
    add(request, "If-Match", h.if_match);
    add(request, "x-ms-client-request-id", "11111111-2222-3333-4444-555555555555");
    add(request, "x-ms-return-client-request-id", h.return_id);
    if (body != NULL) {
        char length[24];

        snprintf(length, sizeof length, "%zu", strlen(body));
        add(request, "Content-Length",
            length); /* libevent sets it for POST and PUT only */
        evbuffer_add(evhttp_request_get_output_buffer(request), body, strlen(body));
    }
    evhttp_make_request(h.connection, request, method, path);
    loop_hold(h.loop);
    loop_run(h.loop, reply_is_over, NULL, true);
    loop_release(h.loop);
    free(path);
    free(bearer);
    return h.reply.status;
}

static int get(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int get(const char *format, ...)
{
    char url[4096];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(url, sizeof url, format, arguments);
    va_end(arguments);
    return exchange(EVHTTP_REQ_GET, url, NULL);
}

static int put(const char *id, const char *body)
{
    char *url = memory_format("%s?%s", id, plane_find_version(id));
    const int status = exchange(EVHTTP_REQ_PUT, url, body);

    free(url);
    return status;
}

static int get_item(const char *id)
{
    return get("%s?%s", id, plane_find_version(id));
}

static int delete_item(const char *id)
{
    char *url = memory_format("%s?%s", id, plane_find_version(id));
    const int status = exchange(EVHTTP_REQ_DELETE, url, NULL);

    free(url);
    return status;
}

static int patch(const char *id, const char *body)
{
    char *url = memory_format("%s?%s", id, plane_find_version(id));
    const int status = exchange(EVHTTP_REQ_PATCH, url, body);

    free(url);
    return status;
}

/* The text at a path of the last answer, "" when there is none. */
static const char *said(const char *path)
{
    const char *text = json_string_at(h.reply.json, path);

    return text != NULL ? text : "";
}

static int count_values(void)
{
    return cJSON_GetArraySize(json_at(h.reply.json, "value"));
}

static const char *value_at(int index, const char *path)
{
    const char *text =
        json_string_at(cJSON_GetArrayItem(json_at(h.reply.json, "value"), index), path);

    return text != NULL ? text : "";
}

static void pass(int64_t span_ms)
{
    clock_advance_to(&h.clock, clock_now_ms(&h.clock) + span_ms);
}

/* Signs in; the status of the answer. */
static int sign_in(const char *tenant, const char *id, const char *secret,
                   const char *scope)
{
    char *url = memory_format("/%s/oauth2/v2.0/token", tenant);
    char *form =
        memory_format("grant_type=client_credentials&client_id=%s&client_secret=%s&"
                      "scope=%s",
                      id, secret, scope);
    const int status = exchange(EVHTTP_REQ_POST, url, form);

    free(url);
    free(form);
    return status;
}

/* A token of the owner or of the guest; owned by the caller. */
static char *take_token(bool is_guest, const char *scope)
{
    const struct sim_profile *profile = sim_profile(h.sim);

    ck_assert_int_eq(
        sign_in(profile->tenant_id, is_guest ? profile->guest_id : profile->client_id,
                is_guest ? profile->guest_secret : profile->client_secret, scope),
        200);
    return memory_copy_string(said("access_token"));
}

#define ARM_SCOPE   "https%3A%2F%2Fmanagement.azure.com%2F.default"
#define GRAPH_SCOPE "https%3A%2F%2Fgraph.microsoft.com%2F.default"

/* After an hour the old one is worth nothing. */
static void renew_token(void)
{
    free(h.arm_token);
    h.token = NULL;
    h.token = h.arm_token = take_token(false, ARM_SCOPE);
}

static void open_harness(void)
{
    const struct sim_options options = {.address = "127.0.0.1:0", .seed = 7};
    struct failure *failure = NULL;

    memset(&h, 0, sizeof h);
    clock_init(&h.clock, CLOCK_VIRTUAL, 1);
    h.loop = loop_new(&h.clock);
    h.sim = sim_open(h.loop, &options, &failure);
    ck_assert_ptr_nonnull(h.sim);

    const struct sim_profile *profile = sim_profile(h.sim);

    h.connection =
        evhttp_connection_base_new(loop_event_base(h.loop), NULL, "127.0.0.1",
                                   (uint16_t)atoi(strrchr(profile->endpoint, ':') + 1));
    h.subscription = memory_format("/subscriptions/%s", profile->subscription_id);
    h.group =
        memory_format("%s/resourceGroups/%s", h.subscription, profile->resource_group);
    h.service = memory_format("%s/providers/Microsoft.ApiManagement/service/%s", h.group,
                              profile->service);
    h.network = memory_format("%s/providers/Microsoft.Network/virtualNetworks/vnet-apim",
                              h.group);
    h.arm_token = take_token(false, ARM_SCOPE);
    h.graph_token = take_token(false, GRAPH_SCOPE);
    h.token = h.arm_token;
}

static void close_harness(void)
{
    release_reply();
    evhttp_connection_free(h.connection);
    sim_close(h.sim);
    loop_free(h.loop);
    free(h.arm_token);
    free(h.graph_token);
    free(h.subscription);
    free(h.group);
    free(h.service);
    free(h.network);
}

static char *workspace_id(const char *name)
{
    return memory_format("%s/workspaces/%s", h.service, name);
}

static char *gateway_id(const char *name)
{
    return memory_format("%s/providers/Microsoft.ApiManagement/gateways/%s", h.group,
                         name);
}

static void make_workspace(const char *name)
{
    char *id = workspace_id(name);

    ck_assert_int_eq(put(id, "{\"properties\":{\"displayName\":\"A team\"}}"), 201);
    free(id);
}

static const char plain_gateway[] =
    "{\"location\":\"West "
    "Europe\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\",\"capacity\":1},"
    "\"properties\":{\"virtualNetworkType\":\"None\"}}";

/* ---- sign-in ---- */

START_TEST(a_right_secret_gets_a_bearer_token_for_an_hour)
{
    const struct sim_profile *profile = sim_profile(h.sim);

    ck_assert_int_eq(sign_in(profile->tenant_id, profile->client_id,
                             profile->client_secret,
                             "https%3A%2F%2Fmanagement.azure.com%2F%2F.default"),
                     200);
    ck_assert_str_eq(said("token_type"), "Bearer");
    ck_assert_int_eq((int)json_number_at(h.reply.json, "expires_in", 0), 3599);
    ck_assert_int_eq((int)json_number_at(h.reply.json, "ext_expires_in", 0), 3599);
    ck_assert_str_eq(h.reply.content_type, "application/json; charset=utf-8");
}
END_TEST

static const struct {
    const char *tenant, *id, *secret, *scope; /* NULL: the right one */
    int status, code;
    const char *error;
} bad_sign_ins[] = {
    {NULL, NULL, "wrong", NULL, 401, 7000215, "invalid_client"},
    {NULL, NULL, "", NULL, 401, 7000215, "invalid_client"},
    {NULL, "99999999-0000-0000-0000-000000000000", NULL, NULL, 400, 700016,
     "unauthorized_client"},
    {"99999999-0000-0000-0000-000000000000", NULL, NULL, NULL, 400, 90002,
     "invalid_request"},
    {NULL, NULL, NULL, "https%3A%2F%2Fmanagement.azure.com", 400, 1002012,
     "invalid_scope"},
    {NULL, NULL, NULL, "https%3A%2F%2Felsewhere.example%2F.default", 400, 500011,
     "invalid_resource"},
};

START_TEST(a_wrong_sign_in_is_refused_with_its_number)
{
    const struct sim_profile *profile = sim_profile(h.sim);
    const char *tenant = bad_sign_ins[_i].tenant, *id = bad_sign_ins[_i].id;
    const char *secret = bad_sign_ins[_i].secret, *scope = bad_sign_ins[_i].scope;

    ck_assert_int_eq(sign_in(tenant != NULL ? tenant : profile->tenant_id,
                             id != NULL ? id : profile->client_id,
                             secret != NULL ? secret : profile->client_secret,
                             scope != NULL ? scope : ARM_SCOPE),
                     bad_sign_ins[_i].status);
    ck_assert_str_eq(said("error"), bad_sign_ins[_i].error);
    ck_assert_int_eq(
        cJSON_GetArrayItem(json_at(h.reply.json, "error_codes"), 0)->valueint,
        bad_sign_ins[_i].code);
    ck_assert_ptr_nonnull(strstr(said("error_description"), "AADSTS"));
}
END_TEST

START_TEST(the_configuration_names_the_token_endpoint)
{
    const struct sim_profile *profile = sim_profile(h.sim);
    char *expected =
        memory_format("%s/%s/oauth2/v2.0/token", profile->endpoint, profile->tenant_id);

    ck_assert_int_eq(get("/%s/v2.0/.well-known/openid-configuration", profile->tenant_id),
                     200);
    ck_assert_str_eq(said("token_endpoint"), expected);
    free(expected);
}
END_TEST

START_TEST(a_request_without_a_token_is_challenged)
{
    h.token = NULL;
    ck_assert_int_eq(get_item(h.service), 401);
    ck_assert_str_eq(said("error.code"), "AuthenticationFailed");
    ck_assert_ptr_nonnull(strstr(h.reply.authenticate, "authorization_uri"));
    ck_assert_int_eq(get("/v1.0/groups"), 401);
    ck_assert_str_eq(said("error.code"), "InvalidAuthenticationToken");
}
END_TEST

START_TEST(a_token_is_refused_when_forged_old_or_for_another_service)
{
    char *forged = memory_copy_string(h.arm_token);

    forged[strlen(forged) - 3] = forged[strlen(forged) - 3] == 'a' ? 'b' : 'a';
    h.token = forged;
    ck_assert_int_eq(get_item(h.service), 401);
    ck_assert_str_eq(said("error.code"), "InvalidAuthenticationToken");
    h.token = h.graph_token;
    ck_assert_int_eq(get_item(h.service), 401);
    ck_assert_str_eq(said("error.code"), "InvalidAuthenticationTokenAudience");
    h.token = h.arm_token;
    pass(HOUR_MS - 10 * SECOND_MS);
    ck_assert_int_eq(get_item(h.service), 200);
    pass(10 * SECOND_MS);
    ck_assert_int_eq(get_item(h.service), 401);
    ck_assert_str_eq(said("error.code"), "ExpiredAuthenticationToken");
    free(forged);
}
END_TEST

START_TEST(a_guest_may_do_nothing_until_a_role_is_assigned)
{
    char *guest = take_token(true, ARM_SCOPE);

    h.token = guest;
    ck_assert_int_eq(get_item(h.service), 403);
    ck_assert_str_eq(said("error.code"), "AuthorizationFailed");
    ck_assert_ptr_nonnull(
        strstr(said("error.message"), "Microsoft.ApiManagement/service/read"));

    /* who the guest is stands in the refusal: "... with object id '{guid}' ..." */
    const char *quote =
        strstr(said("error.message"), "object id '") + strlen("object id '");
    char *body = memory_format("{\"properties\":{\"roleDefinitionId\":\"%s/providers/"
                               "Microsoft.Authorization/roleDefinitions/%s\","
                               "\"principalId\":\"%.36s\"}}",
                               h.subscription, role_find("Reader")->id, quote);
    char *id = memory_format("%s/providers/Microsoft.Authorization/roleAssignments/"
                             "aaaaaaaa-0000-0000-0000-000000000001",
                             h.group);

    ck_assert_int_eq(put(id, body), 403);
    h.token = h.arm_token;
    ck_assert_int_eq(put(id, body), 201);
    h.token = guest;
    ck_assert_int_eq(get_item(h.service), 200);
    ck_assert_int_eq(delete_item(h.service), 403);
    ck_assert_int_eq(get("%s/providers/Microsoft.Network?" RESOURCES, h.subscription),
                     403);
    ck_assert_int_eq(get("/subscriptions?" RESOURCES), 200);
    ck_assert_int_eq(count_values(), 1);
    free(guest);
    free(body);
    free(id);
}
END_TEST

START_TEST(a_guest_is_denied_by_graph)
{
    char *guest = take_token(true, GRAPH_SCOPE);

    h.token = guest;
    ck_assert_int_eq(get("/v1.0/groups"), 403);
    ck_assert_str_eq(said("error.code"), "Authorization_RequestDenied");
    free(guest);
}
END_TEST

/* ---- what all of Azure Resource Manager has in common ---- */

START_TEST(every_answer_has_an_id_of_its_own_and_echoes_only_when_asked)
{
    ck_assert_int_eq(get_item(h.service), 200);

    char *first = memory_copy_string(h.reply.request_id);

    ck_assert_ptr_null(h.reply.echo);
    h.return_id = "true";
    ck_assert_int_eq(get_item(h.service), 200);
    ck_assert_str_ne(h.reply.request_id, first);
    ck_assert_str_eq(h.reply.echo, "11111111-2222-3333-4444-555555555555");
    free(first);
}
END_TEST

static const struct {
    const char *path; /* behind the resource group */
    int status;
    const char *code;
} bad_paths[] = {
    {"", 400, "MissingApiVersionParameter"},
    {"?api-version=latest", 400, "InvalidApiVersionParameter"},
    {"x?" RESOURCES, 404, "ResourceGroupNotFound"},
    {"/providers/Microsoft.Nothing/things/a?" VERSION, 404, "InvalidResourceNamespace"},
    {"/providers/Microsoft.Network/things/a?" VERSION, 404, "InvalidResourceType"},
    {"/providers/Microsoft.ApiManagement/gateways/a?api-version=2022-08-01", 400,
     "NoRegisteredProviderFound"},
    {"/resources?api-version=2024-05-01", 400, "InvalidApiVersionParameter"},
    {"/providers/Microsoft.ApiManagement/gateways/none?" VERSION, 404,
     "ResourceNotFound"},
    {"/providers/Microsoft.ApiManagement/gateways/none/configConnections?" VERSION, 404,
     "ParentResourceNotFound"},
    {"/providers/Microsoft.ApiManagement/service/none/workspaces/a?" VERSION, 404,
     "ParentResourceNotFound"},
    {"/elsewhere?" VERSION, 404, "NotFound"},
    {"/providers/Microsoft.ApiManagement/gateways?$top=0&" VERSION, 400,
     "ValidationError"},
    {"/providers/Microsoft.ApiManagement/gateways?$filter=x&" VERSION, 400,
     "InvalidFilterInQueryString"},
    {"/providers/Microsoft.ApiManagement/gateways/a%2Fb?" VERSION, 400,
     "InvalidRequestUri"},
    {"/providers/Microsoft.ApiManagement/gateways/a%00b?" VERSION, 400,
     "InvalidRequestUri"},
};

START_TEST(a_path_that_leads_nowhere_says_why)
{
    ck_assert_int_eq(get("%s%s", h.group, bad_paths[_i].path), bad_paths[_i].status);
    ck_assert_str_eq(said("error.code"), bad_paths[_i].code);
}
END_TEST

START_TEST(another_subscription_is_not_found)
{
    ck_assert_int_eq(
        get("/subscriptions/99999999-0000-0000-0000-000000000000?" RESOURCES), 404);
    ck_assert_str_eq(said("error.code"), "SubscriptionNotFound");
}
END_TEST

START_TEST(the_subscription_its_tenant_and_its_providers_can_be_read)
{
    ck_assert_int_eq(get("/subscriptions?" RESOURCES), 200);
    ck_assert_str_eq(value_at(0, "id"), h.subscription);
    ck_assert_int_eq(get_item(h.subscription), 200);
    ck_assert_str_eq(said("state"), "Enabled");
    ck_assert_int_eq(get("/tenants?" RESOURCES), 200);
    ck_assert_str_eq(value_at(0, "tenantId"), sim_profile(h.sim)->tenant_id);
    ck_assert_int_eq(get("%s/providers/Microsoft.Web?" RESOURCES, h.subscription), 200);
    ck_assert_str_eq(said("registrationState"), "Registered");
    ck_assert_int_eq(get("%s/providers/microsoft.network?" RESOURCES, h.subscription),
                     200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.reply.json, "resourceTypes")), 11);
    ck_assert_int_eq(get("%s/providers/Microsoft.Nothing?" RESOURCES, h.subscription),
                     404);
}
END_TEST

START_TEST(ids_are_found_in_any_case_and_keep_the_case_of_their_creation)
{
    char *id = workspace_id("Payments"), *low = text_lower(workspace_id("Payments"));

    ck_assert_int_eq(put(id, "{\"properties\":{\"displayName\":\"Payments\"}}"), 201);
    ck_assert_int_eq(get_item(low), 200);
    ck_assert_str_eq(said("name"), "Payments");
    ck_assert_str_eq(said("id"), id);
    ck_assert_int_eq(put(low, "{\"properties\":{\"displayName\":\"Other\"}}"), 200);
    ck_assert_str_eq(said("id"), id);
    free(id);
    free(low);
}
END_TEST

START_TEST(a_group_is_created_read_changed_and_deleted_in_time)
{
    char *id = memory_format("%s/resourceGroups/rg-new", h.subscription);
    char *network =
        memory_format("%s/providers/Microsoft.Network/virtualNetworks/v1", id);
    char *url = memory_format("%s?%s", id, plane_find_version(id));

    ck_assert_int_eq(exchange(EVHTTP_REQ_HEAD, url, NULL), 404);
    ck_assert_int_eq(put(id, "{\"tags\":{}}"), 400);
    ck_assert_str_eq(said("error.code"), "LocationRequired");
    ck_assert_int_eq(put(id, "{\"location\":\"westeurope\",\"tags\":{\"a\":\"1\"}}"),
                     201);
    ck_assert_int_eq(put(id, "{\"location\":\"West Europe\"}"), 200);
    ck_assert_int_eq(put(id, "{\"location\":\"northeurope\"}"), 409);
    ck_assert_str_eq(said("error.code"), "InvalidResourceLocation");
    ck_assert_int_eq(patch(id, "{\"tags\":{\"b\":\"2\"}}"), 200);
    ck_assert_str_eq(said("tags.b"), "2");
    ck_assert_int_eq(exchange(EVHTTP_REQ_HEAD, url, NULL), 204);
    ck_assert_int_eq(put(network,
                         "{\"location\":\"westeurope\",\"properties\":{\"addressSpace\":"
                         "{\"addressPrefixes\":[\"10.9.0.0/16\"]}}}"),
                     201);
    pass(MINUTE_MS);
    ck_assert_int_eq(delete_item(id), 202);
    ck_assert_ptr_nonnull(strstr(h.reply.location, "/operationresults/"));

    char *poll = memory_copy_string(h.reply.location);

    ck_assert_int_eq(get("%s", poll), 202);
    ck_assert_int_eq(put(network, "{}"), 409);
    ck_assert_str_eq(said("error.code"), "ResourceGroupBeingDeleted");
    ck_assert_int_eq(get_item(id), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Deleting");
    pass(3 * MINUTE_MS);
    ck_assert_int_eq(get("%s", poll), 200);
    ck_assert_int_eq(get_item(id), 404);
    ck_assert_int_eq(get_item(network), 404);
    ck_assert_str_eq(said("error.code"), "ResourceGroupNotFound");
    ck_assert_int_eq(delete_item(id), 404);
    free(id);
    free(network);
    free(url);
    free(poll);
}
END_TEST

START_TEST(what_only_the_service_may_set_is_ignored)
{
    char *id = workspace_id("payments");

    ck_assert_int_eq(
        put(id, "{\"id\":\"/x\",\"name\":\"x\",\"type\":\"x\",\"etag\":\"x\","
                "\"properties\":{\"displayName\":\"Payments\",\"description\":null}}"),
        201);
    ck_assert_str_eq(said("id"), id);
    ck_assert_str_eq(said("type"), "Microsoft.ApiManagement/service/workspaces");
    ck_assert_ptr_null(json_at(h.reply.json, "properties.description"));
    free(id);
}
END_TEST

START_TEST(wrong_fields_are_listed_in_details)
{
    char *id = gateway_id("gw"), *spaced = gateway_id("g%20w");

    ck_assert_int_eq(put(id, "{\"location\":\"westeurope\",\"sku\":{\"capacity\":13},"
                             "\"properties\":{\"virtualNetworkType\":\"Both\"}}"),
                     400);
    ck_assert_str_eq(said("error.code"), "ValidationError");

    const cJSON *details = json_at(h.reply.json, "error.details");

    ck_assert_int_eq(cJSON_GetArraySize(details), 3);
    ck_assert_str_eq(json_string_at(cJSON_GetArrayItem(details, 0), "target"),
                     "sku.name");
    ck_assert_str_eq(json_string_at(cJSON_GetArrayItem(details, 1), "target"),
                     "sku.capacity");
    ck_assert_str_eq(json_string_at(cJSON_GetArrayItem(details, 2), "target"),
                     "virtualNetworkType");
    ck_assert_int_eq(put(spaced, plain_gateway), 400);
    ck_assert_str_eq(
        json_string_at(cJSON_GetArrayItem(json_at(h.reply.json, "error.details"), 0),
                       "target"),
        "name");
    ck_assert_int_eq(put(id, "[1]"), 400);
    ck_assert_str_eq(said("error.code"), "InvalidRequestContent");
    ck_assert_int_eq(put(id, "{\"location\":"), 400);
    ck_assert_int_eq(put(id, ""), 400);
    free(id);
    free(spaced);
}
END_TEST

START_TEST(methods_and_actions_that_a_kind_lacks_are_refused)
{
    char *links = memory_format("%s/workspaceLinks/a", h.service);
    char *action = memory_format("%s/nothing?" VERSION, h.service);

    ck_assert_int_eq(put(links, "{}"), 405);
    ck_assert_int_eq(exchange(EVHTTP_REQ_POST, action, "{}"), 404);
    free(links);
    free(action);
}
END_TEST

START_TEST(a_body_over_eight_megabytes_is_refused)
{
    const size_t size = 9 * 1024 * 1024;
    char *body = memory_new(size + 1), *id = workspace_id("big");

    memset(body, ' ', size);
    ck_assert_int_eq(put(id, body), 413);
    ck_assert_int_eq(get_item(h.service), 200);
    free(body);
    free(id);
}
END_TEST

/* ---- entity tags ---- */

START_TEST(a_change_needs_if_match_and_a_stale_one_fails)
{
    char *id = workspace_id("payments");

    make_workspace("payments");

    char *old = memory_copy_string(h.reply.etag);

    ck_assert_int_eq(patch(id, "{\"properties\":{\"description\":\"d\"}}"), 400);
    ck_assert_int_eq(delete_item(id), 400);
    h.if_match = old;
    ck_assert_int_eq(patch(id, "{\"properties\":{\"description\":\"d\"}}"), 200);
    ck_assert_str_eq(said("properties.displayName"), "A team");
    ck_assert_str_eq(said("properties.description"), "d");
    ck_assert_str_ne(h.reply.etag, old);
    ck_assert_int_eq(patch(id, "{\"properties\":{\"description\":\"e\"}}"), 412);
    ck_assert_str_eq(said("error.code"), "PreconditionFailed");
    ck_assert_int_eq(put(id, "{\"properties\":{\"displayName\":\"B\"}}"), 412);
    ck_assert_int_eq(delete_item(id), 412);
    h.if_match = "*";
    ck_assert_int_eq(patch(id, "{\"properties\":{\"displayName\":null}}"), 400);
    ck_assert_int_eq(delete_item(id), 200);
    ck_assert_int_eq(delete_item(id), 204);
    ck_assert_int_eq(put(id, "{\"properties\":{\"displayName\":\"B\"}}"), 412);
    ck_assert_int_eq(patch(id, "{}"), 404);
    free(id);
    free(old);
}
END_TEST

START_TEST(head_and_get_give_the_same_etag_and_a_write_that_changes_nothing_keeps_it)
{
    char *id = workspace_id("payments"),
         *url = memory_format("%s?%s", id, plane_find_version(id));

    make_workspace("payments");

    char *etag = memory_copy_string(h.reply.etag);

    ck_assert_int_eq(exchange(EVHTTP_REQ_HEAD, url, NULL), 200);
    ck_assert_str_eq(h.reply.etag, etag);
    ck_assert_int_eq(put(id, "{\"properties\":{\"displayName\":\"A team\"}}"), 200);
    ck_assert_str_eq(h.reply.etag, etag);
    ck_assert_int_eq(get_item(id), 200);
    ck_assert_str_eq(h.reply.etag, etag);
    free(id);
    free(url);
    free(etag);
}
END_TEST

/* ---- lists ---- */

START_TEST(workspaces_are_counted_and_paged)
{
    enum { COUNT = 7 };
    char name[16];
    int seen = 0;

    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "w%d", i);
        make_workspace(name);
    }
    ck_assert_int_eq(get("%s/workspaces?$top=3&" VERSION, h.service), 200);
    for (;;) {
        seen += count_values();
        ck_assert_int_eq((int)json_number_at(h.reply.json, "count", 0), COUNT);
        if (json_at(h.reply.json, "nextLink") == NULL)
            break;
        ck_assert_int_eq(get("%s", said("nextLink")), 200);
    }
    ck_assert_int_eq(seen, COUNT);
    ck_assert_str_eq(value_at(0, "name"), "w6");
    ck_assert_int_eq(get("%s/workspaces?$skip=5&" VERSION, h.service), 200);
    ck_assert_str_eq(value_at(0, "name"), "w5");
}
END_TEST

START_TEST(gateways_are_listed_by_group_and_by_subscription)
{
    char name[16];

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "gw%d", i);

        char *id = gateway_id(name);

        ck_assert_int_eq(put(id, plain_gateway), 201);
        free(id);
    }
    ck_assert_int_eq(
        get("%s/providers/Microsoft.ApiManagement/gateways?" VERSION, h.group), 200);
    ck_assert_int_eq(count_values(), 3);
    ck_assert_ptr_null(json_at(h.reply.json, "count"));
    ck_assert_int_eq(get("%s/providers/Microsoft.ApiManagement/gateways?$top=2&" VERSION,
                         h.subscription),
                     200);
    ck_assert_int_eq(count_values(), 2);
    ck_assert_int_eq(get("%s", said("nextLink")), 200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_str_eq(value_at(0, "name"), "gw2");
    ck_assert_ptr_null(json_at(h.reply.json, "nextLink"));
}
END_TEST

/* ---- long operations ---- */

START_TEST(a_gateway_goes_through_its_states_by_time_alone)
{
    char *id = gateway_id("gw");

    ck_assert_int_eq(put(id, plain_gateway), 201);
    ck_assert_str_eq(said("properties.provisioningState"), "Created");
    ck_assert_str_eq(said("properties.targetProvisioningState"), "Activating");
    ck_assert_int_eq(h.reply.retry_after_s, 60);

    char *poll = memory_copy_string(h.reply.async_operation);
    char *result = memory_copy_string(h.reply.location);

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(get("%s", poll), 200);
    ck_assert_str_eq(said("status"), "InProgress");
    ck_assert_int_eq(get("%s", result), 202);
    ck_assert_str_eq(h.reply.text, "");
    pass(2 * MINUTE_MS);
    ck_assert_int_eq(get_item(id), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Activating");
    pass(HOUR_MS * 2 + 45 * MINUTE_MS);
    renew_token();
    ck_assert_int_eq(get("%s", poll), 200);
    ck_assert_str_eq(said("status"), "InProgress");
    ck_assert_double_gt(json_number_at(h.reply.json, "percentComplete", 0), 80);
    pass(25 * MINUTE_MS);
    ck_assert_int_eq(get("%s", poll), 200);
    ck_assert_str_eq(said("status"), "Succeeded");
    ck_assert_str_ne(said("endTime"), "");
    ck_assert_int_eq(get("%s", result), 201);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    ck_assert_str_eq(said("properties.targetProvisioningState"), "");
    ck_assert_int_eq(strncmp(said("properties.frontend.defaultHostname"), "gw-", 3), 0);
    ck_assert_ptr_nonnull(strstr(said("properties.frontend.defaultHostname"),
                                 ".gateway.westeurope-01.azure-api.net"));
    free(id);
    free(poll);
    free(result);
}
END_TEST

START_TEST(a_second_write_during_an_operation_is_refused_and_a_second_delete_joins_it)
{
    char *id = gateway_id("gw");

    ck_assert_int_eq(put(id, plain_gateway), 201);
    ck_assert_int_eq(patch(id, "{\"sku\":{\"capacity\":2}}"), 409);
    ck_assert_str_eq(said("error.code"), "ServiceLocked");
    ck_assert_int_eq(delete_item(id), 409);
    pass(4 * HOUR_MS);
    renew_token();
    ck_assert_int_eq(patch(id, "{\"sku\":{\"capacity\":2}}"), 202);
    ck_assert_str_eq(said("properties.provisioningState"), "Updating");

    char *poll = memory_copy_string(h.reply.async_operation);

    pass(19 * MINUTE_MS);
    ck_assert_int_eq(get("%s", poll), 200);
    ck_assert_str_eq(said("status"), "InProgress");
    pass(11 * MINUTE_MS);
    ck_assert_int_eq(get("%s", poll), 200);
    ck_assert_str_eq(said("status"), "Succeeded");
    ck_assert_int_eq(delete_item(id), 202);
    free(poll);
    poll = memory_copy_string(h.reply.location);
    ck_assert_int_eq(delete_item(id), 202);
    ck_assert_str_eq(h.reply.location, poll);
    ck_assert_int_eq(get_item(id), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Terminating");
    ck_assert_int_eq(put(id, plain_gateway), 409);
    pass(31 * MINUTE_MS);
    renew_token();
    ck_assert_int_eq(get_item(id), 404);
    ck_assert_int_eq(get("%s", poll), 204);
    ck_assert_int_eq(delete_item(id), 204);
    free(id);
    free(poll);
}
END_TEST

START_TEST(a_monitor_lives_a_day_after_its_operation)
{
    char *group = memory_format("%s/resourceGroups/rg-day", h.subscription);

    ck_assert_int_eq(put(group, "{\"location\":\"westeurope\"}"), 201);
    ck_assert_int_eq(delete_item(group), 202);

    char *poll = memory_copy_string(h.reply.location);

    pass(23 * (int64_t)HOUR_MS);
    renew_token();
    ck_assert_int_eq(get("%s", poll), 200);
    pass(2 * (int64_t)HOUR_MS);
    renew_token();
    ck_assert_int_eq(get("%s", poll), 404);
    free(group);
    free(poll);
}
END_TEST

START_TEST(a_network_and_its_subnets_share_one_lock)
{
    char *a = memory_format("%s/subnets/a", h.network);
    char *b = memory_format("%s/subnets/b", h.network);

    ck_assert_int_eq(put(a, "{\"properties\":{\"addressPrefix\":\"10.0.1.0/24\"}}"), 201);
    ck_assert_ptr_nonnull(
        strstr(h.reply.async_operation,
               "/providers/Microsoft.Network/locations/westeurope/operations/"));
    ck_assert_int_ge(h.reply.retry_after_s, 1);

    char *poll = memory_copy_string(h.reply.async_operation);

    ck_assert_int_eq(put(b, "{\"properties\":{\"addressPrefix\":\"10.0.2.0/24\"}}"), 409);
    ck_assert_str_eq(said("error.code"), "AnotherOperationInProgress");
    ck_assert_int_eq(delete_item(h.network), 409);
    pass(6 * SECOND_MS);
    ck_assert_int_eq(get("%s", poll), 200);
    ck_assert_str_eq(said("status"), "Succeeded");
    ck_assert_int_eq(put(b, "{\"properties\":{\"addressPrefix\":\"10.0.2.0/24\"}}"), 201);
    pass(6 * SECOND_MS);
    ck_assert_int_eq(delete_item(a), 202);
    ck_assert_ptr_nonnull(h.reply.location);
    pass(6 * SECOND_MS);
    ck_assert_int_eq(get_item(a), 404);
    ck_assert_int_eq(get_item(h.network), 200);

    const cJSON *subnets = json_at(h.reply.json, "properties.subnets");

    ck_assert_int_eq(cJSON_GetArraySize(subnets), 1);
    ck_assert_str_eq(json_string_at(cJSON_GetArrayItem(subnets, 0), "name"), "b");
    free(a);
    free(b);
    free(poll);
}
END_TEST

/* ---- the simulator's own controls ---- */

static const cJSON *find_entry(const char *id)
{
    const cJSON *entry;

    h.token = NULL;
    ck_assert_int_eq(get("/_sim/ledger"), 200);
    h.token = h.arm_token;
    cJSON_ArrayForEach (entry, json_at(h.reply.json, "resources")) {
        if (strcmp(json_string_at(entry, "id"), id) == 0)
            return entry;
    }
    return NULL;
}

static void check_entry(const char *id, int created, int changed, int deleted)
{
    const cJSON *entry = find_entry(id);

    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq((int)json_number_at(entry, "created", -1), created);
    ck_assert_int_eq((int)json_number_at(entry, "changed", -1), changed);
    ck_assert_int_eq((int)json_number_at(entry, "deleted", -1), deleted);
}

START_TEST(the_ledger_counts_what_really_happened)
{
    char *id = workspace_id("payments");

    ck_assert_ptr_null(find_entry(h.service));
    make_workspace("payments");
    ck_assert_int_eq(put(id, "{\"properties\":{\"displayName\":\"A team\"}}"), 200);
    check_entry(id, 1, 0, 0);
    ck_assert_int_eq(put(id, "{\"properties\":{\"displayName\":\"B team\"}}"), 200);
    check_entry(id, 1, 1, 0);
    h.if_match = "*";
    ck_assert_int_eq(delete_item(id), 200);
    ck_assert_int_eq(delete_item(id), 204);
    check_entry(id, 1, 1, 1);
    h.if_match = NULL;
    make_workspace("payments");
    check_entry(id, 2, 1, 1);
    free(id);
}
END_TEST

START_TEST(clock_and_requests_can_be_asked_without_a_token)
{
    h.token = NULL;
    ck_assert_int_eq(get("/_sim/requests"), 200);

    const double before = json_number_at(h.reply.json, "requests", 0);
    int64_t first_ms, second_ms;

    ck_assert_int_eq(get("/_sim/clock"), 200);
    ck_assert_str_eq(said("mode"), "virtual");
    ck_assert_int_eq(clock_parse_utc(said("now"), &first_ms), 0);
    pass(HOUR_MS);
    ck_assert_int_eq(get("/_sim/clock"), 200);
    ck_assert_int_eq(clock_parse_utc(said("now"), &second_ms), 0);
    ck_assert_int_eq(second_ms - first_ms, HOUR_MS);
    ck_assert_int_eq(get("/_sim/requests"), 200);
    ck_assert_double_eq(json_number_at(h.reply.json, "requests", 0), before + 3);
    ck_assert_int_eq(get("/_sim/nothing"), 404);
}
END_TEST

static bool has_passed(void *context)
{
    return clock_now_ms(&h.clock) >= *(const int64_t *)context;
}

START_TEST(an_idle_virtual_clock_jumps_to_what_comes_next)
{
    const int64_t end_ms = 2 * HOUR_MS + 50 * MINUTE_MS;
    char *id = gateway_id("gw");

    sim_serve_others(h.sim);
    ck_assert_int_eq(put(id, plain_gateway), 201);
    ck_assert_int_eq(h.reply.retry_after_s, 1); /* the client waits on another clock */
    loop_hold(h.loop);
    loop_run(h.loop, has_passed, (void *)(uintptr_t)&end_ms, true);
    loop_release(h.loop);
    ck_assert_int_lt(clock_now_ms(&h.clock), 3 * HOUR_MS + 11 * MINUTE_MS);
    renew_token();
    ck_assert_int_eq(get_item(id), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    free(id);
}
END_TEST

static void add_arm_cases(Suite *suite)
{
    TCase *sign_ins = add_case(suite, "sign-in", open_harness, close_harness),
          *common = add_case(suite, "common", open_harness, close_harness);
    TCase *tags = add_case(suite, "entity tags", open_harness, close_harness),
          *lists = add_case(suite, "lists", open_harness, close_harness);
    TCase *operations = add_case(suite, "long operations", open_harness, close_harness);

    tcase_add_test(sign_ins, a_right_secret_gets_a_bearer_token_for_an_hour);
    tcase_add_loop_test(sign_ins, a_wrong_sign_in_is_refused_with_its_number, 0,
                        COUNT_OF(bad_sign_ins));
    tcase_add_test(sign_ins, the_configuration_names_the_token_endpoint);
    tcase_add_test(sign_ins, a_request_without_a_token_is_challenged);
    tcase_add_test(sign_ins, a_token_is_refused_when_forged_old_or_for_another_service);
    tcase_add_test(sign_ins, a_guest_may_do_nothing_until_a_role_is_assigned);
    tcase_add_test(sign_ins, a_guest_is_denied_by_graph);
    tcase_add_test(common, every_answer_has_an_id_of_its_own_and_echoes_only_when_asked);
    tcase_add_loop_test(common, a_path_that_leads_nowhere_says_why, 0,
                        COUNT_OF(bad_paths));
    tcase_add_test(common, another_subscription_is_not_found);
    tcase_add_test(common, the_subscription_its_tenant_and_its_providers_can_be_read);
    tcase_add_test(common, ids_are_found_in_any_case_and_keep_the_case_of_their_creation);
    tcase_add_test(common, a_group_is_created_read_changed_and_deleted_in_time);
    tcase_add_test(common, what_only_the_service_may_set_is_ignored);
    tcase_add_test(common, wrong_fields_are_listed_in_details);
    tcase_add_test(common, methods_and_actions_that_a_kind_lacks_are_refused);
    tcase_add_test(common, a_body_over_eight_megabytes_is_refused);
    tcase_add_test(tags, a_change_needs_if_match_and_a_stale_one_fails);
    tcase_add_test(
        tags, head_and_get_give_the_same_etag_and_a_write_that_changes_nothing_keeps_it);
    tcase_add_test(lists, workspaces_are_counted_and_paged);
    tcase_add_test(lists, gateways_are_listed_by_group_and_by_subscription);
    tcase_add_test(operations, a_gateway_goes_through_its_states_by_time_alone);
    tcase_add_test(
        operations,
        a_second_write_during_an_operation_is_refused_and_a_second_delete_joins_it);
    tcase_add_test(operations, a_monitor_lives_a_day_after_its_operation);
    tcase_add_test(operations, a_network_and_its_subnets_share_one_lock);
}

static void add_control_cases(Suite *suite)
{
    TCase *controls = add_case(suite, "controls", open_harness, close_harness);

    tcase_add_test(controls, the_ledger_counts_what_really_happened);
    tcase_add_test(controls, clock_and_requests_can_be_asked_without_a_token);
    tcase_add_test(controls, an_idle_virtual_clock_jumps_to_what_comes_next);
}

int main(void)
{
    Suite *suite = suite_create("sim");

    signal(SIGPIPE, SIG_IGN); /* as the program does */

    add_arm_cases(suite);
    add_control_cases(suite);

    return run_suite(suite);
}
