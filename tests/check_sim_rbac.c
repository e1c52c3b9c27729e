/* tests/check_sim_rbac.c - who may do what in the simulated subscription: roles at their
 * scopes, through groups, custom ones, what is denied all the same, and when it counts.
 *
 * The owner gives and takes rights; a guest without any tries them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>

#include "base/uuid.h"
#include "model/role.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/rules.h"
#include "tests/suite.h"
#include "tests/world.h"

#define AUTHORIZATION "/providers/Microsoft.Authorization"
#define ASSIGNMENTS   AUTHORIZATION "/roleAssignments"
#define DEFINITIONS   AUTHORIZATION "/roleDefinitions"
#define SERVICE       "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define WORKSPACE     SERVICE "/workspaces/a"
#define NETWORK       "/providers/Microsoft.Network/virtualNetworks/vnet-apim"
#define CUSTOM        "11111111-2222-3333-4444-555555555555"
#define OTHER         "11111111-2222-3333-4444-666666666666"

enum { SECOND_MS = 1000 };

static struct {
    char *guest; /* "Bearer ..." */
    char id[UUID_TEXT_SIZE];
    int assignments;
} g;

static void sign_in_guest(void)
{
    struct sim_profile *profile = &h.world->profile;
    const struct sim_profile owner = *profile;

    profile->client_id = owner.guest_id;
    profile->client_secret = owner.guest_secret;
    free(g.guest);
    g.guest = plane_sign_in(h.world, &h.answer, &h.json, "http://sim");
    *profile = owner;
    uuid_from_name(owner.guest_id, g.id);
}

static void open_rbac(const char *description)
{
    open_world(description, NULL, 1);
    sign_in_guest();
    ck_assert_int_eq(
        call_arm(CALL_PUT, WORKSPACE, "{\"properties\":{\"displayName\":\"a\"}}"), 201);
}

static void close_rbac(void)
{
    free(g.guest);
    g.guest = NULL;
    close_harness();
}

/* "$s" in front stands for the subscription, "$t" for the tenant; else the path is below
 * the resource group. Owned by the caller. */
static char *format_url(const char *path)
{
    const char *base = h.group, *query = strchr(path, '?');

    if (strncmp(path, "$s", 2) == 0 || strncmp(path, "$t", 2) == 0) {
        base = path[1] == 's' ? h.world->subscription_id : "";
        path += 2;
    }
    return memory_format("%s%s%s" VERSION, base, path, query != NULL ? "&" : "?");
}

static int ask_as(const char *bearer, enum call_method method, const char *path,
                  const char *body)
{
    char *url = format_url(path);
    const int status =
        plane_ask(h.world, &h.answer, &h.json, url,
                  (struct call){.method = method,
                                .authorization = bearer,
                                .if_match = method == CALL_PUT ? NULL : "*",
                                .body = body});

    free(url);
    return status;
}

static int as_guest(enum call_method method, const char *path, const char *body)
{
    return ask_as(g.guest, method, path, body);
}

static int as_owner(enum call_method method, const char *path, const char *body)
{
    return ask_as(h.bearer, method, path, body);
}

/* Gives a role (by name or GUID) at a scope; `more` are members of the body's properties.
 */
static int give(const char *scope, const char *role, const char *principal,
                const char *more)
{
    const struct role *built_in = role_find(role);
    char *path = memory_format("%s" ASSIGNMENTS "/aaaaaaaa-0000-0000-0000-%012d", scope,
                               ++g.assignments);
    char *body = memory_format("{\"properties\":{\"roleDefinitionId\":\"%s" DEFINITIONS
                               "/%s\",\"principalId\":\"%s\"%s}}",
                               h.world->subscription_id,
                               built_in != NULL ? built_in->id : role, principal, more);
    const int status = as_owner(CALL_PUT, path, body);

    free(path);
    free(body);
    return status;
}

/* Takes the role that was given last. */
static int take_back(const char *scope)
{
    char *path = memory_format("%s" ASSIGNMENTS "/aaaaaaaa-0000-0000-0000-%012d", scope,
                               g.assignments);
    const int status = as_owner(CALL_DELETE, path, NULL);

    free(path);
    return status;
}

static char *find_object(const char *name)
{
    return database_text(h.world->database, "SELECT id FROM object WHERE name_key = ?",
                         "t", name);
}

static int count_values(void)
{
    return cJSON_GetArraySize(json_at(h.json, "value"));
}

/* ---- roles at their scopes ---- */

static const struct right {
    const char *role, *scope;
    enum call_method method;
    const char *path;
    int status;
} rights[] = {
    {"Reader", "$s", CALL_GET, WORKSPACE, 200},
    {"Reader", "", CALL_GET, WORKSPACE, 200},
    {"Reader", SERVICE, CALL_GET, WORKSPACE, 200},
    {"Reader", WORKSPACE, CALL_GET, WORKSPACE, 200},
    {"Reader", WORKSPACE, CALL_GET, SERVICE, 403},
    {"Reader", NETWORK, CALL_GET, WORKSPACE, 403},
    {"Reader", "$s", CALL_DELETE, WORKSPACE, 403},
    {"Contributor", "", CALL_DELETE, WORKSPACE, 200},
    {"Contributor", "", CALL_DELETE, ASSIGNMENTS "/" CUSTOM, 403}, /* notActions */
    {"User Access Administrator", "", CALL_DELETE, ASSIGNMENTS "/" CUSTOM, 204},
    {"User Access Administrator", "", CALL_DELETE, WORKSPACE, 403},
    /* by the letter "workspaces/<any>/read" does not contain "workspaces/read" */
    {"API Management Workspace Reader", WORKSPACE, CALL_GET, WORKSPACE, 403},
    {"API Management Workspace Contributor", WORKSPACE, CALL_DELETE, WORKSPACE, 200},
    {"API Management Service Reader Role", SERVICE, CALL_GET, SERVICE, 200},
    {"API Management Service Operator Role", SERVICE, CALL_DELETE, WORKSPACE, 403},
    {"Key Vault Secrets User", "$s", CALL_GET, WORKSPACE, 403}, /* data only */
    {"Network Contributor", "", CALL_GET, NETWORK, 200}};

START_TEST(a_role_counts_at_its_scope_and_below)
{
    const struct right *right = &rights[_i];

    open_rbac(NULL);
    ck_assert_int_eq(as_guest(right->method, right->path, NULL), 403);
    ck_assert_str_eq(said("error.code"), "AuthorizationFailed");
    ck_assert_int_eq(give(right->scope, right->role, g.id, ""), 201);
    ck_assert_int_eq(as_guest(right->method, right->path, NULL), right->status);
}
END_TEST

START_TEST(what_one_role_leaves_out_another_may_give)
{
    open_rbac(NULL);
    ck_assert_int_eq(give("", "Contributor", g.id, ""), 201);
    ck_assert_int_eq(as_guest(CALL_DELETE, ASSIGNMENTS "/" CUSTOM, NULL), 403);
    ck_assert_int_eq(give(SERVICE, "Role Based Access Control Administrator", g.id, ""),
                     201);
    ck_assert_int_eq(as_guest(CALL_DELETE, ASSIGNMENTS "/" CUSTOM, NULL), 403);
    ck_assert_int_eq(as_guest(CALL_DELETE, SERVICE ASSIGNMENTS "/" CUSTOM, NULL), 204);
}
END_TEST

START_TEST(the_root_management_group_is_above_all)
{
    char *root = NULL;

    open_rbac(NULL);
    root = memory_format("/providers/Microsoft.Management/managementGroups/%s",
                         h.world->profile.tenant_id);
    role_assignment_add(h.world, root, role_find("Reader"), g.id, "ServicePrincipal");
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 200);
    ck_assert_int_eq(as_guest(CALL_GET, "$s" ASSIGNMENTS "?$filter=atScope()", NULL),
                     200);
    ck_assert_int_eq(count_values(), 2);
    free(root);
}
END_TEST

START_TEST(a_role_comes_through_groups_in_groups)
{
    char *inner, *outer;

    open_rbac(NULL);
    inner = find_object("api-team-billing"); /* is in that of payments */
    outer = find_object("api-team-payments");
    ck_assert_int_eq(give(SERVICE, "Reader", outer, ""), 201);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
    directory_add_member(h.world, inner, g.id);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 200);
    ck_assert_int_eq(take_back(SERVICE), 200);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
    ck_assert_int_eq(give(SERVICE, "Reader", outer, ""), 201);
    directory_remove_member(h.world, inner, g.id);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
    free(inner);
    free(outer);
}
END_TEST

/* Lists show what the caller can read. */
START_TEST(a_list_shows_the_subscription_and_the_groups_one_can_read)
{
    open_rbac(NULL);
    ck_assert_int_eq(
        as_owner(CALL_PUT, "$s/resourceGroups/rg-other", "{\"location\":\"westeurope\"}"),
        201);
    ck_assert_int_eq(as_owner(CALL_GET, "$s/resourceGroups", NULL), 200);
    ck_assert_int_eq(count_values(), 2);
    ck_assert_int_eq(as_guest(CALL_GET, "$t/subscriptions", NULL), 200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(as_guest(CALL_GET, "$s", NULL), 403);
    ck_assert_int_eq(as_guest(CALL_GET, "$s/resourceGroups", NULL), 403);
    ck_assert_int_eq(give("", "Reader", g.id, ""), 201);
    ck_assert_int_eq(as_guest(CALL_GET, "$t/subscriptions", NULL), 200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(as_guest(CALL_GET, "$s", NULL), 200);
    ck_assert_int_eq(as_guest(CALL_GET, "$s/resourceGroups?$top=1", NULL), 200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_str_eq(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "value"), 0), "name"),
        "rg-apim");
    ck_assert_ptr_null(json_at(h.json, "nextLink"));
    ck_assert_int_eq(
        as_guest(CALL_GET, "$s/providers/Microsoft.Network/virtualNetworks", NULL), 403);
}
END_TEST

/* ---- custom roles ---- */

#define ROLE(name, actions, scopes)                                                      \
    "{\"properties\":{\"roleName\":\"" name "\",\"permissions\":[{\"actions\":[" actions \
    "]}],\"assignableScopes\":[" scopes "]}}"
#define SUB "\"/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590\""

static const struct bad_role {
    const char *name, *body;
    int status;
    const char *code, *words;
} bad_roles[] = {
    {"not-a-guid", ROLE("r", "\"*/read\"", SUB), 400, "InvalidResourceName", "36"},
    {CUSTOM, "{\"properties\":{\"permissions\":[{\"actions\":[\"*\"]}]}}", 400,
     "ValidationError", "roleName"},
    {CUSTOM, ROLE("r", "\"*/read\"", ""), 400, "InvalidAssignableScope", "at least one"},
    {CUSTOM, ROLE("r", "\"*/read\"", "\"/\""), 400, "InvalidAssignableScope", "'/'"},
    {CUSTOM, ROLE("r", "\"*/read\"", SUB ",\"/subscriptions/other\""), 400,
     "InvalidAssignableScope", "/subscriptions/other"},
    {CUSTOM, ROLE("r", "", SUB), 400, "InvalidActionOrNotAction", "no action"},
    {CUSTOM, ROLE("r", "\"read\"", SUB), 400, "InvalidActionOrNotAction",
     "'read' does not match any of the actions supported by the providers."},
    {CUSTOM, ROLE("r", "\"Microsoft.Network/virtualNetworks/look\"", SUB), 400,
     "InvalidActionOrNotAction", "look"},
    {CUSTOM, ROLE("Reader", "\"*/read\"", SUB), 409, "RoleDefinitionWithSameNameExists",
     "already exists"},
    {CUSTOM, ROLE("", "\"*/read\"", SUB), 400, "ValidationError", "roleName"},
    {"acdd72a7-3385-48ef-bd42-f606fba81ae7", ROLE("r", "\"*/read\"", SUB), 403,
     "RoleDefinitionIsBuiltIn", "Reader"},
    {CUSTOM,
     "{\"properties\":{\"roleName\":\"r\",\"type\":\"BuiltInRole\",\"permissions\":[{"
     "\"actions\":[\"*\"]}],\"assignableScopes\":[" SUB "]}}",
     400, "ValidationError", "CustomRole"}};

START_TEST(a_custom_role_must_be_whole)
{
    const struct bad_role *bad = &bad_roles[_i];
    char *path = memory_format("$s" DEFINITIONS "/%s", bad->name);

    open_rbac(NULL);
    ck_assert_int_eq(as_owner(CALL_PUT, path, bad->body), bad->status);
    ck_assert_str_eq(said("error.code"), bad->code);
    ck_assert_msg(strstr(h.answer.body.data, bad->words) != NULL, "%s",
                  h.answer.body.data);
    free(path);
}
END_TEST

START_TEST(a_custom_role_lives)
{
    const char *path = "$s" DEFINITIONS "/" CUSTOM;

    open_rbac(NULL);
    ck_assert_int_eq(
        as_owner(CALL_PUT, path,
                 ROLE("Workspace Watcher",
                      "\"Microsoft.ApiManagement/service/workspaces/read\"", SUB)),
        201);
    ck_assert_str_eq(said("properties.type"), "CustomRole");
    ck_assert_ptr_nonnull(json_at(h.json, "properties.createdOn"));
    ck_assert_ptr_nonnull(
        json_at(cJSON_GetArrayItem(json_at(h.json, "properties.permissions"), 0),
                "notDataActions"));
    /* it counts as soon as it is given, and as it is changed */
    ck_assert_int_eq(give("", CUSTOM, g.id, ""), 201);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 200);
    ck_assert_int_eq(as_guest(CALL_GET, SERVICE, NULL), 403);
    ck_assert_int_eq(as_owner(CALL_PUT, path,
                              ROLE("Service Watcher",
                                   "\"Microsoft.ApiManagement/service/read\"", SUB)),
                     201);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
    ck_assert_int_eq(as_guest(CALL_GET, SERVICE, NULL), 200);
    ck_assert_int_eq(as_owner(CALL_DELETE, path, NULL), 400);
    ck_assert_str_eq(said("error.code"), "RoleDefinitionHasAssignments");
    ck_assert_int_eq(take_back(""), 200);
    ck_assert_int_eq(as_owner(CALL_DELETE, path, NULL), 200);
    ck_assert_str_eq(said("properties.roleName"), "Service Watcher");
    ck_assert_int_eq(as_owner(CALL_DELETE, path, NULL), 204);
    ck_assert_int_eq(as_owner(CALL_GET, path, NULL), 404);
    ck_assert_int_eq(as_owner(CALL_DELETE,
                              "$s" DEFINITIONS "/acdd72a7-3385-48ef-bd42-f606fba81ae7",
                              NULL),
                     403);
}
END_TEST

START_TEST(a_name_is_taken_once_in_the_tenant)
{
    open_rbac("{\"limits\":{\"role_definitions\":1}}");
    ck_assert_int_eq(
        as_owner(CALL_PUT, "$s" DEFINITIONS "/" CUSTOM, ROLE("One", "\"*/read\"", SUB)),
        201);
    ck_assert_int_eq(
        as_owner(CALL_PUT, "$s" DEFINITIONS "/" OTHER, ROLE("ONE", "\"*/read\"", SUB)),
        409);
    ck_assert_str_eq(said("error.code"), "RoleDefinitionWithSameNameExists");
    ck_assert_int_eq(
        as_owner(CALL_PUT, "$s" DEFINITIONS "/" OTHER, ROLE("Two", "\"*/read\"", SUB)),
        400);
    ck_assert_str_eq(said("error.code"), "RoleDefinitionLimitExceeded");
    ck_assert_int_eq(
        as_owner(CALL_PUT, DEFINITIONS "/" CUSTOM, ROLE("Uno", "\"*/read\"", SUB)),
        201); /* the same one, at whatever scope it is written */
    ck_assert_int_eq(as_owner(CALL_GET, "$s" DEFINITIONS "/" CUSTOM, NULL), 200);
    ck_assert_str_eq(said("properties.roleName"), "Uno");
}
END_TEST

START_TEST(a_role_is_assigned_within_its_scopes_alone)
{
    char *scope, *body;

    open_rbac(NULL);
    scope = memory_format("\"%s" SERVICE "\"", h.group);
    body = memory_format(ROLE("One", "\"*/read\"", "%s"), scope);
    ck_assert_int_eq(as_owner(CALL_PUT, "$s" DEFINITIONS "/" CUSTOM, body), 201);
    ck_assert_int_eq(give("", CUSTOM, g.id, ""), 400);
    ck_assert_str_eq(said("error.code"), "RoleDefinitionNotAssignable");
    ck_assert_int_eq(give(WORKSPACE, CUSTOM, g.id, ""), 201);
    /* a list shows what can be assigned at its scope */
    ck_assert_int_eq(
        as_owner(CALL_GET, "$s" DEFINITIONS "?$filter=type%20eq%20'CustomRole'", NULL),
        200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(as_owner(CALL_GET,
                              "$s" DEFINITIONS
                              "?$filter=atScopeAndBelow()%20and%20type%20"
                              "eq%20'CustomRole'",
                              NULL),
                     200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(as_owner(CALL_GET, WORKSPACE DEFINITIONS, NULL), 200);
    ck_assert_int_eq(count_values(), 26);
    ck_assert_int_eq(
        as_owner(CALL_GET, WORKSPACE DEFINITIONS "?$filter=roleName%20eq%20'one'", NULL),
        200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(as_owner(CALL_GET, "$s" DEFINITIONS "?$filter=nonsense", NULL), 400);
    free(scope);
    free(body);
}
END_TEST

START_TEST(who_may_not_write_roles_at_all_scopes_makes_none)
{
    open_rbac(NULL);
    ck_assert_int_eq(give("", "Owner", g.id, ""), 201);
    ck_assert_int_eq(
        as_guest(CALL_PUT, DEFINITIONS "/" CUSTOM, ROLE("One", "\"*/read\"", SUB)), 403);
    ck_assert_str_eq(said("error.code"), "LinkedAuthorizationFailed");
}
END_TEST

/* The roles of the tenant are no secret. */
START_TEST(anybody_reads_roles_at_the_top)
{
    open_rbac(NULL);
    ck_assert_int_eq(as_guest(CALL_GET,
                              "$t" DEFINITIONS "/acdd72a7-3385-48ef-bd42-f606fba81ae7",
                              NULL),
                     200);
    ck_assert_str_eq(said("id"), DEFINITIONS "/acdd72a7-3385-48ef-bd42-f606fba81ae7");
    ck_assert_int_eq(as_guest(CALL_GET, "$t" DEFINITIONS, NULL), 200);
    ck_assert_int_eq(count_values(), 25);
}
END_TEST

/* ---- deny assignments ---- */

#define LOCK(excluded, more)                                                             \
    "{\"resource_groups\":[{\"name\":\"rg-apim\"},{\"name\":\"rg-other\"}],\"deny_"      \
    "assignments\":[{\"name\":"                                                          \
    "\"locked\",\"actions\":[\"Microsoft."                                               \
    "ApiManagement/"                                                                     \
    "*\"],\"not_actions\":[\"*/read\"],\"principals\":[\"everyone\"],"                   \
    "\"exclude_principals\":[\"contoso-automation\"" excluded "]" more "}]}"
#define DENY(what, whom)                                                                 \
    "{\"deny_assignments\":[{\"name\":\"locked\"," what ",\"principals\":[\"" whom       \
    "\"]}]}"

static const struct denied {
    const char *world;
    enum call_method method;
    int status;
} denied[] = {
    {LOCK("", ""), CALL_DELETE, 403},
    {LOCK("", ""), CALL_GET, 200},
    {LOCK(",\"contoso-guest\"", ""), CALL_DELETE, 200},
    {LOCK("", ",\"do_not_apply_to_child_scopes\":true"), CALL_DELETE, 200},
    {LOCK("", ",\"scope\":\"/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/"
              "resourceGroups/rg-other\""),
     CALL_DELETE, 200},
    {LOCK("", ",\"scope\":\"/\""), CALL_DELETE, 403},
    {DENY("\"actions\":[\"*\"]", "api-team-orders"), CALL_DELETE, 200},
    {DENY("\"data_actions\":[\"*\"]", "everyone"), CALL_DELETE, 200},
    {DENY("\"actions\":[\"*/delete\"]", "contoso-guest"), CALL_DELETE, 403}};

START_TEST(a_deny_assignment_takes_away_what_roles_give)
{
    open_rbac(denied[_i].world);
    ck_assert_int_eq(as_guest(CALL_DELETE, WORKSPACE, NULL), 403);
    ck_assert_str_eq(said("error.code"), "AuthorizationFailed"); /* no role, no denial */
    ck_assert_int_eq(give("", "Contributor", g.id, ""), 201);
    ck_assert_int_eq(as_guest(denied[_i].method, WORKSPACE, NULL), denied[_i].status);
    if (denied[_i].status == 403)
        ck_assert_str_eq(said("error.code"), "DenyAssignmentAuthorizationFailed");
}
END_TEST

START_TEST(a_denial_is_told_in_azures_words_and_can_be_read)
{
    static const char world[] =
        "{\"deny_assignments\":[{\"name\":\"stack\",\"actions\":[\"*/delete\"],"
        "\"principals\":[\"everyone\"],\"exclude_principals\":[\"contoso-automation\"],"
        "\"description\":\"of a stack\"}]}";
    char *id, short_id[UUID_TEXT_SIZE], *words;

    open_rbac(world);
    ck_assert_int_eq(give("", "Owner", g.id, ""), 201);
    ck_assert_int_eq(as_guest(CALL_GET, AUTHORIZATION "/denyAssignments", NULL), 200);
    ck_assert_int_eq(count_values(), 1);
    id = memory_copy_string(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "value"), 0), "name"));
    uuid_drop_dashes(id, short_id);
    words = memory_format(
        "The client '%s' with object id '%s' has permission to perform action "
        "'Microsoft.ApiManagement/service/workspaces/delete' on scope '%s%s'; however, "
        "the "
        "access is denied because of the deny assignment with name 'stack' and Id '%s' "
        "at "
        "scope '%s'.",
        h.world->profile.guest_id, g.id, h.group, WORKSPACE, short_id,
        h.world->subscription_id);
    ck_assert_int_eq(as_guest(CALL_DELETE, WORKSPACE, NULL), 403);
    ck_assert_str_eq(said("error.message"), words);
    free(words);
    words = memory_format("$s" AUTHORIZATION "/denyAssignments/%s", id);
    ck_assert_int_eq(as_guest(CALL_GET, words, NULL), 403); /* a role below does not do */
    ck_assert_int_eq(as_owner(CALL_GET, words, NULL), 200);
    ck_assert_str_eq(said("properties.denyAssignmentName"), "stack");
    ck_assert(cJSON_IsTrue(json_at(h.json, "properties.isSystemProtected")));
    ck_assert_str_eq(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "properties.principals"), 0),
                       "type"),
        "SystemDefined");
    ck_assert_int_eq(as_owner(CALL_PUT, words, "{}"), 405);
    ck_assert_int_eq(as_owner(CALL_DELETE, words, NULL), 405);
    ck_assert_int_eq(as_owner(CALL_GET,
                              "$s" AUTHORIZATION
                              "/denyAssignments?$filter=denyAssignmentName%20eq%20'x'",
                              NULL),
                     200);
    ck_assert_int_eq(count_values(), 0);
    free(words);
    free(id);
}
END_TEST

static const struct bad_world {
    const char *world, *words;
} bad_worlds[] = {
    {"{\"deny_assignments\":{}}", "deny_assignments: a list expected"},
    {"{\"deny_assignments\":[7]}", "deny_assignments[0]: an object expected"},
    {"{\"deny_assignments\":[{\"name\":\"a\"}]}", "'principals' is missing"},
    {"{\"deny_assignments\":[{\"principals\":[\"everyone\"]}]}", "'name' is missing"},
    {"{\"deny_assignments\":[{\"nam\":\"a\"}]}", "unknown key 'nam'"},
    {"{\"deny_assignments\":[{\"name\":\"a\",\"actions\":\"*\"}]}",
     "deny_assignments[0].actions: a list expected"},
    {"{\"deny_assignments\":[{\"name\":\"a\",\"principals\":[\"nobody\"]}]}",
     "deny_assignments[0].principals[0]: no group, application or object id 'nobody'"},
    {"{\"deny_assignments\":[{\"name\":\"a\",\"scope\":\"rg\",\"principals\":["
     "\"everyone\"]"
     "}]}",
     "deny_assignments[0]: scope: there is no 'rg'"},
    {"{\"authorization_delay_seconds\":-1}", "authorization_delay_seconds: a number"}};

START_TEST(a_wrong_world_file_is_refused_with_what_is_wrong)
{
    struct failure *failure = try_world(bad_worlds[_i].world, NULL, 1);

    ck_assert_ptr_nonnull(failure);
    ck_assert_msg(strstr(failure->message, bad_worlds[_i].words) != NULL, "%s",
                  failure->message);
    failure_free(failure);
}
END_TEST

/* ---- other resources ---- */

START_TEST(who_names_a_resource_needs_a_right_on_it)
{
    char *body, *words;

    open_rbac(NULL);
    ck_assert_int_eq(
        as_owner(CALL_PUT, "$s/resourceGroups/rg-net", "{\"location\":\"westeurope\"}"),
        201);
    body = memory_format("{\"location\":\"westeurope\",\"sku\":{\"name\":"
                         "\"WorkspaceGatewayPremium\"},\"properties\":{"
                         "\"virtualNetworkType\":\"External\",\"backend\":{\"subnet\":{"
                         "\"id\":\"%s" NETWORK "/subnets/a\"}}}}",
                         h.group);
    ck_assert_int_eq(give("$s/resourceGroups/rg-net", "Contributor", g.id, ""), 201);
    ck_assert_int_eq(
        as_guest(CALL_PUT,
                 "$s/resourceGroups/rg-net/providers/Microsoft.ApiManagement/"
                 "gateways/gw",
                 body),
        403);
    ck_assert_str_eq(said("error.code"), "LinkedAuthorizationFailed");
    words = memory_format(
        "has permission to perform action 'Microsoft.ApiManagement/gateways/write' on "
        "scope "
        "'%s/resourceGroups/rg-net/providers/Microsoft.ApiManagement/gateways/gw'; "
        "however, "
        "it does not have permission to perform action "
        "'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) "
        "'%s" NETWORK "/subnets/a' or the linked scope(s) are invalid.",
        h.world->subscription_id, h.group);
    ck_assert_msg(strstr(said("error.message"), words) != NULL, "%s",
                  said("error.message"));
    ck_assert_int_eq(give(NETWORK, "Network Contributor", g.id, ""), 201);
    ck_assert_int_eq(
        as_guest(CALL_PUT,
                 "$s/resourceGroups/rg-net/providers/Microsoft.ApiManagement/"
                 "gateways/gw",
                 body),
        400); /* there is no such subnet */
    ck_assert_str_eq(said("error.code"), "SubnetNotFound");
    free(words);
    free(body);
}
END_TEST

START_TEST(a_subnet_joins_what_its_network_names_too)
{
    char *body;

    open_rbac(NULL);
    body = memory_format("{\"location\":\"westeurope\",\"properties\":{\"addressSpace\":{"
                         "\"addressPrefixes\":[\"10.9.0.0/16\"]},\"subnets\":[{\"name\":"
                         "\"a\",\"properties\":{\"addressPrefix\":\"10.9.1.0/24\","
                         "\"networkSecurityGroup\":{\"id\":\"%s/providers/"
                         "Microsoft.Network/networkSecurityGroups/n\"}}}]}}",
                         h.group);
    ck_assert_int_eq(
        as_owner(CALL_PUT, "$s/resourceGroups/rg-net", "{\"location\":\"westeurope\"}"),
        201);
    ck_assert_int_eq(give("$s/resourceGroups/rg-net", "Contributor", g.id, ""), 201);
    ck_assert_int_eq(as_guest(CALL_PUT,
                              "$s/resourceGroups/rg-net/providers/Microsoft.Network/"
                              "virtualNetworks/v",
                              body),
                     403);
    ck_assert_ptr_nonnull(strstr(said("error.message"),
                                 "Microsoft.Network/networkSecurityGroups/join/action"));
    free(body);
}
END_TEST

/* ---- time ---- */

START_TEST(a_change_of_access_takes_its_time)
{
    open_rbac("{\"authorization_delay_seconds\":300}");
    ck_assert_int_eq(give("", "Reader", g.id, ""), 201);
    ck_assert_int_eq(as_owner(CALL_GET, ASSIGNMENTS "?$filter=atScope()", NULL), 200);
    ck_assert_int_eq(count_values(), 2); /* it is there, but does not count yet */
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
    ck_assert_int_eq(world_next_event(h.world) - world_read_clock(h.world),
                     300 * SECOND_MS);
    pass_ms(299 * SECOND_MS);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
    pass_ms(SECOND_MS);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 200);
    ck_assert_int_eq(take_back(""), 200);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 200);
    ck_assert_int_eq(world_next_event(h.world) - world_read_clock(h.world),
                     300 * SECOND_MS);
    pass_ms(299 * SECOND_MS);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 200);
    pass_ms(SECOND_MS);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
    /* what was taken back before it counted never does */
    ck_assert_int_eq(give("", "Reader", g.id, ""), 201);
    ck_assert_int_eq(take_back(""), 200);
    pass_ms(299 * SECOND_MS);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
    pass_ms(2 * SECOND_MS);
    ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 403);
}
END_TEST

/* ---- what may I do? ---- */

/* A list of the `at`th permission as text, owned by the caller. */
static char *patterns(int at, const char *name)
{
    return json_print(json_at(cJSON_GetArrayItem(json_at(h.json, "value"), at), name));
}

static void check_patterns(int at, const char *name, const char *wanted)
{
    char *text = patterns(at, name);

    ck_assert_str_eq(text, wanted);
    free(text);
}

START_TEST(permissions_tell_of_roles_and_of_denials)
{
    open_rbac("{\"deny_assignments\":[{\"name\":\"a\",\"actions\":["
              "\"Microsoft.ApiManagement/*\"],\"not_actions\":["
              "\"Microsoft.ApiManagement/service/read\"],\"principals\":[\"everyone\"],"
              "\"exclude_principals\":[\"contoso-automation\"]}]}");
    ck_assert_int_eq(as_guest(CALL_GET, AUTHORIZATION "/permissions", NULL), 200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(give("", "Key Vault Secrets User", g.id, ""), 201);
    ck_assert_int_eq(give("", "Reader", g.id, ""), 201);
    ck_assert_int_eq(as_guest(CALL_GET, "$s" AUTHORIZATION "/permissions", NULL), 200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(as_guest(CALL_GET, SERVICE AUTHORIZATION "/permissions", NULL), 200);
    ck_assert_int_eq(count_values(), 3);
    for (int i = 0; i < 3; i++) {
        char *actions = patterns(i, "actions");

        if (strcmp(actions, "[\"*/read\"]") == 0)
            check_patterns(i, "notActions", "[\"Microsoft.ApiManagement/*\"]");
        else if (strcmp(actions, "[]") == 0)
            ck_assert_ptr_nonnull(
                strstr(h.answer.body.data, "vaults/secrets/getSecret/action"));
        else
            ck_assert_str_eq(actions, "[\"Microsoft.ApiManagement/service/read\"]");
        free(actions);
    }
}
END_TEST

/* ---- role assignments ---- */

START_TEST(an_assignment_shows_all_that_azure_shows)
{
    open_rbac(NULL);
    ck_assert_int_eq(give("", "Reader", g.id, ""), 201);
    ck_assert(cJSON_IsNull(json_at(h.json, "properties.createdBy"))); /* as recorded */
    ck_assert(cJSON_IsNull(json_at(h.json, "properties.condition")));
    ck_assert(cJSON_IsNull(json_at(h.json, "properties.description")));
    ck_assert_str_eq(said("properties.principalType"), "ServicePrincipal");
    ck_assert_int_eq(
        as_owner(CALL_GET, ASSIGNMENTS "/aaaaaaaa-0000-0000-0000-000000000001", NULL),
        200);
    ck_assert_int_eq((int)strlen(said("properties.createdBy")), 36);
    g.assignments = 0;
    pass_ms(SECOND_MS);
    ck_assert_int_eq(give("", "Reader", g.id, ",\"description\":\"why\""), 200);
    ck_assert_str_ne(said("properties.createdOn"), said("properties.updatedOn"));
}
END_TEST

static const struct conditional {
    const char *more;
    int status;
} conditions[] = {
    {",\"condition\":\"((!(ActionMatches{'a/b'})) OR (x[y] StringEquals 'it(s'))\","
     "\"conditionVersion\":\"2.0\"",
     201},
    {",\"condition\":\"(a\",\"conditionVersion\":\"2.0\"", 400},
    {",\"condition\":\"(a]\",\"conditionVersion\":\"2.0\"", 400},
    {",\"condition\":\"a)\",\"conditionVersion\":\"2.0\"", 400},
    {",\"condition\":\"'a\",\"conditionVersion\":\"2.0\"", 400},
    {",\"condition\":\"\",\"conditionVersion\":\"2.0\"", 400},
    {",\"condition\":\"a\"", 400},
    {",\"condition\":\"a\",\"conditionVersion\":\"3.0\"", 400}};

START_TEST(a_condition_is_kept_when_its_brackets_fit)
{
    open_rbac(NULL);
    ck_assert_int_eq(give("", "Reader", g.id, conditions[_i].more),
                     conditions[_i].status);
    if (conditions[_i].status == 201)
        ck_assert_str_eq(said("properties.conditionVersion"), "2.0");
}
END_TEST

START_TEST(who_says_what_the_principal_is_need_not_wait_for_it)
{
    cJSON *body;

    open_rbac(NULL);
    body = json_parse("{\"id\":\"" OTHER "\",\"displayName\":\"new\"}",
                      strlen("{\"id\":\"" OTHER "\",\"displayName\":\"new\"}"), NULL);
    directory_save(h.world, "ServicePrincipal", body, h.world->now_ms + 30 * SECOND_MS,
                   NULL);
    ck_assert_int_eq(give("", "Reader", OTHER, ""), 400);
    ck_assert_str_eq(said("error.code"), "PrincipalNotFound");
    ck_assert_int_eq(give("", "Reader", OTHER, ",\"principalType\":\"User\""), 400);
    ck_assert_int_eq(give("", "Reader", OTHER, ",\"principalType\":\"ServicePrincipal\""),
                     201);
    ck_assert_int_eq(
        give("", "Reader", CUSTOM, ",\"principalType\":\"ServicePrincipal\""),
        400); /* there is none at all */
    cJSON_Delete(body);
}
END_TEST

static const char *const bad_filters[] = {
    "atScope",       "atScope()%20and",       "atScope()%20or%20atScope()",
    "assignedTo(x)", "principalId%20eq%20'a", "atScope()atScope()",
    "principalId",   "principalIdeq%20'a'x",  "atScope()%20and%20atScope()"};

START_TEST(a_filter_that_nobody_understands_is_refused)
{
    char *path = memory_format(ASSIGNMENTS "?$filter=%s", bad_filters[_i]);

    open_rbac(NULL);
    ck_assert_int_eq(as_owner(CALL_GET, path, NULL), 400);
    free(path);
}
END_TEST

/* ---- many ---- */

enum { MANY_GROUPS = 200, MANY_ASSIGNMENTS = 4000, ASKED = 2000 };

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The guest is in 200 groups, among which 4,000 assignments are spread; half of them are at
 * scopes that do not matter, the others where it asks. */
START_TEST(many_assignments_cost_a_request_next_to_nothing)
{
    char group[UUID_TEXT_SIZE], scope[256];
    double start, first, rest;

    open_rbac("{\"limits\":{\"reads\":null}}");
    database_begin(h.world->database);
    for (int i = 0; i < MANY_GROUPS; i++) {
        snprintf(scope, sizeof scope, "group %d of many", i);
        uuid_from_name(scope, group);
        directory_add_member(h.world, group, g.id);
    }
    for (int i = 0; i < MANY_ASSIGNMENTS; i++) {
        snprintf(scope, sizeof scope, "group %d of many", i % MANY_GROUPS);
        uuid_from_name(scope, group);
        snprintf(scope, sizeof scope, "%s/providers/microsoft.network/%d",
                 h.world->subscription_key, i);
        database_run(h.world->database,
                     "INSERT INTO assignment VALUES (?1 || ?5, ?5 || ?2, ?2, ?3, ?4, 0)",
                     "ttttt", h.world->subscription_key,
                     i % 2 == 0 ? scope : h.world->subscription_key, group,
                     roles[i / MANY_GROUPS].id, scope);
    }
    ck_assert(database_commit(h.world->database));
    start = seconds();
    as_guest(CALL_GET, WORKSPACE, NULL);
    first = seconds() - start;
    start = seconds();
    for (int i = 0; i < ASKED; i++)
        ck_assert_int_eq(as_guest(CALL_GET, WORKSPACE, NULL), 200);
    rest = (seconds() - start) / ASKED;
    printf("%d assignments, %d groups: the first request %.1f ms, others %.0f us\n",
           MANY_ASSIGNMENTS, MANY_GROUPS, first * 1e3, rest * 1e6);
    fflush(stdout);
    ck_assert_double_lt(rest, 1e-3); /* far above what it takes */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim rbac");
    TCase *scopes = add_case(suite, "scopes", open_harness, close_rbac),
          *custom = add_case(suite, "custom roles", open_harness, close_rbac),
          *denials = add_case(suite, "deny assignments", open_harness, close_rbac),
          *linked = add_case(suite, "linked scopes", open_harness, close_rbac),
          *time_case = add_case(suite, "time", open_harness, close_rbac),
          *assignments = add_case(suite, "role assignments", open_harness, close_rbac),
          *many = add_case(suite, "many", open_harness, close_rbac);

    tcase_add_loop_test(scopes, a_role_counts_at_its_scope_and_below, 0,
                        COUNT_OF(rights));
    tcase_add_test(scopes, what_one_role_leaves_out_another_may_give);
    tcase_add_test(scopes, the_root_management_group_is_above_all);
    tcase_add_test(scopes, a_role_comes_through_groups_in_groups);
    tcase_add_test(scopes, a_list_shows_the_subscription_and_the_groups_one_can_read);
    tcase_add_test(scopes, permissions_tell_of_roles_and_of_denials);
    tcase_add_loop_test(custom, a_custom_role_must_be_whole, 0, COUNT_OF(bad_roles));
    tcase_add_test(custom, a_custom_role_lives);
    tcase_add_test(custom, a_name_is_taken_once_in_the_tenant);
    tcase_add_test(custom, a_role_is_assigned_within_its_scopes_alone);
    tcase_add_test(custom, who_may_not_write_roles_at_all_scopes_makes_none);
    tcase_add_test(custom, anybody_reads_roles_at_the_top);
    tcase_add_loop_test(denials, a_deny_assignment_takes_away_what_roles_give, 0,
                        COUNT_OF(denied));
    tcase_add_test(denials, a_denial_is_told_in_azures_words_and_can_be_read);
    tcase_add_loop_test(denials, a_wrong_world_file_is_refused_with_what_is_wrong, 0,
                        COUNT_OF(bad_worlds));
    tcase_add_test(linked, who_names_a_resource_needs_a_right_on_it);
    tcase_add_test(linked, a_subnet_joins_what_its_network_names_too);
    tcase_add_test(time_case, a_change_of_access_takes_its_time);
    tcase_add_test(assignments, an_assignment_shows_all_that_azure_shows);
    tcase_add_loop_test(assignments, a_condition_is_kept_when_its_brackets_fit, 0,
                        COUNT_OF(conditions));
    tcase_add_test(assignments, who_says_what_the_principal_is_need_not_wait_for_it);
    tcase_add_loop_test(assignments, a_filter_that_nobody_understands_is_refused, 0,
                        COUNT_OF(bad_filters));
    tcase_add_test(many, many_assignments_cost_a_request_next_to_nothing);

    return run_suite(suite);
}
