/* tests/check_sim_graph_objects.c - users, applications, members and owners, the recycle bin
 * and the lag of the simulated Microsoft Graph. */
#include <stdlib.h>

#include "base/uuid.h"
#include "sim/database.h"
#include "sim/directory.h"
#include "sim/graph_model.h"
#include "sim/graph_rights.h"
#include "tests/graph.h"
#include "tests/specification.h"
#include "tests/suite.h"

#define GROUP(name, more)                                                                \
    "{\"displayName\":\"" name "\",\"mailEnabled\":false,\"mailNickname\":\"" name       \
    "\",\"securityEnabled\":true" more "}"

#define USER(name, more)                                                                 \
    "{\"accountEnabled\":true,\"displayName\":\"New User\",\"mailNickname\":\"new\","    \
    "\"userPrincipalName\":\"" name                                                      \
    "\",\"passwordProfile\":{\"password\":\"Secret-123\","                               \
    "\"forceChangePasswordNextSignIn\":true}" more "}"

#define NOBODY "99999999-0000-0000-0000-000000000000"

static int post(const char *format, const char *id, const char *body)
{
    char *url = memory_format("/v1.0/%s%s", id != NULL ? id : "", format);
    const int status = exchange(CALL_POST, url, body);

    free(url);
    return status;
}

/* "{collection}/{id}{rest}" */
static int on(enum call_method method, const char *collection, const char *id,
              const char *rest, const char *body)
{
    char *url = memory_format("/v1.0/%s/%s%s", collection, id, rest);
    const int status = exchange(method, url, body);

    free(url);
    return status;
}

static int refer(const char *collection, const char *id, const char *relation,
                 const char *reference)
{
    char *rest = memory_format("/%s/$ref", relation);
    char *body = memory_format("{\"@odata.id\":\"%s\"}", reference);
    const int status = on(CALL_POST, collection, id, rest, body);

    free(rest);
    free(body);
    return status;
}

static char *find_user(const char *name)
{
    ck_assert_int_eq(get("/v1.0/users/%s?$select=id", name), 200);
    return memory_copy_string(said("id"));
}

/* ---- groups ---- */

static const struct {
    const char *body, *message;
} bad_groups[] = {
    {GROUP("a", ",\"nothing\":1"), "Property 'nothing' does not exist"},
    {GROUP("a", ",\"id\":\"x\""), "Property 'id' is read-only"},
    {GROUP("a", ",\"description\":5"),
     "another type was expected for property 'description'"},
    {GROUP("a", ",\"groupTypes\":[\"Unified\"]"), "Mail-enablement must be set"},
    {GROUP("a", ",\"groupTypes\":[\"Other\"]"), "Invalid value specified for property "
                                                "'groupTypes'"},
    {GROUP("a", ",\"groupTypes\":[5]"), "another type"},
    {GROUP("a", ",\"groupTypes\":[\"DynamicMembership\"]"), "Dynamic membership"},
    {GROUP("\xc3\xa4", ""), "Invalid value specified for property 'mailNickname'"},
    {GROUP("0123456789012345678901234567890123456789012345678901234567890123x", ""),
     "longer than 64 characters"},
    {"{\"displayName\":\"a\",\"mailEnabled\":true,\"mailNickname\":\"a\","
     "\"securityEnabled\":true}",
     "does not currently support writes of mail-enabled groups"},
    {"{\"displayName\":\"a\",\"mailEnabled\":false,\"mailNickname\":\"a\","
     "\"securityEnabled\":false}",
     "security-enablement property is set"},
    {"{\"displayName\":\"a\",\"mailEnabled\":false,\"mailNickname\":\"a\"}",
     "A value is required for property 'securityEnabled' of resource 'Group'."},
    {GROUP("a", ",\"members@odata.bind\":\"x\""), "must be a list of URLs"},
    {GROUP("a", ",\"members@odata.bind\":[\"x\"]"), "Invalid URL format"},
};

START_TEST(a_group_that_graph_would_not_take_is_refused)
{
    ck_assert_int_eq(post("groups", NULL, bad_groups[_i].body), 400);
    ck_assert_msg(strstr(said("error.message"), bad_groups[_i].message) != NULL, "%s",
                  said("error.message"));
}
END_TEST

START_TEST(a_new_group_has_all_the_properties_of_one)
{
    char *id = create("groups", GROUP("new", ",\"description\":\"d\""));

    ck_assert(cJSON_IsNull(json_at(h.json, "mail")));
    ck_assert(cJSON_IsArray(json_at(h.json, "proxyAddresses")));
    ck_assert_str_eq(said("createdDateTime"), said("renewedDateTime"));
    ck_assert_ptr_nonnull(strstr(h.answer.location, id));
    ck_assert_str_eq(annotation(h.json, "@odata.context"),
                     "http://sim/v1.0/$metadata#groups/$entity");
    free(create("groups",
                "{\"displayName\":\"Mail\",\"mailEnabled\":true,\"mailNickname\":"
                "\"mail\",\"securityEnabled\":false,\"groupTypes\":[\"Unified\"]}"));
    ck_assert_str_eq(said("mail"), "mail@contoso.example");
    ck_assert_str_eq(said("visibility"), "Public");
    ck_assert_int_eq(
        post("groups", NULL,
             "{\"displayName\":\"Mail\",\"mailEnabled\":true,\"mailNickname\":\"MAIL\","
             "\"securityEnabled\":false,\"groupTypes\":[\"Unified\"]}"),
        400);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "mailNickname already exists"));
    free(id);
}
END_TEST

/* ---- references ---- */

START_TEST(a_reference_is_taken_in_every_form)
{
    static const char *const forms[] = {
        "https://graph.microsoft.com/v1.0/directoryObjects/%s",
        "https://graph.microsoft.com/v1.0/users/%s",
        "https://graph.microsoft.com/v1.0/directoryObjects('%s')",
        "https://graph.microsoft.com/v1.0/users('%s')",
        "http://sim/v2/5f0a3c1e-1b7d-4c55-9a55-3f6b1c7d2e10/directoryObjects/%s/"
        "Microsoft.DirectoryServices.User"};
    char *group = create("groups", GROUP("g", "")),
         *user = find_user("ann.adler@contoso.example");
    char *url = memory_format("%.*s%s%s", (int)(strstr(forms[_i], "%s") - forms[_i]),
                              forms[_i], user, strstr(forms[_i], "%s") + 2);

    ck_assert_int_eq(refer("groups", group, "members", url), 204);
    ck_assert_int_eq(refer("groups", group, "members", url), 400);
    ck_assert_str_eq(
        said("error.message"),
        "One or more added object references already exist for the following "
        "modified properties: 'members'.");
    ck_assert_int_eq(on(CALL_GET, "groups", group, "/members", NULL), 200);
    ck_assert_str_eq(value_at(0, "id"), user);
    ck_assert_int_eq(on(CALL_GET, "groups", group, "/members/$ref", NULL), 200);
    ck_assert_ptr_nonnull(strstr(annotation(value_of(0), "@odata.id"), user));
    free(group);
    free(user);
    free(url);
}
END_TEST

START_TEST(a_reference_to_nothing_or_the_wrong_thing_is_refused)
{
    char *group = create("groups", GROUP("g", "")),
         *user = find_user("ann.adler@contoso.example");
    char *wrong = memory_format("https://x/v1.0/groups/%s", user), *self, *registration;

    self = memory_format("https://x/v1.0/groups/%s", group);
    ck_assert_int_eq(get("/v1.0/applications?$top=1"), 200);
    registration = memory_format("https://x/v1.0/directoryObjects/%s", value_at(0, "id"));
    ck_assert_int_eq(refer("groups", group, "members", wrong), 404); /* it is a user */
    ck_assert_int_eq(refer("groups", group, "members", "nonsense"), 400);
    ck_assert_int_eq(
        refer("groups", group, "members", "https://x/directoryObjects/" NOBODY), 404);
    ck_assert_int_eq(refer("groups", group, "members", self), 400);
    ck_assert_int_eq(refer("groups", group, "members", registration), 400);
    ck_assert_int_eq(refer("groups", group, "owners", self), 400);
    ck_assert_int_eq(refer("groups", NOBODY, "members", wrong), 404);
    ck_assert_int_eq(on(CALL_POST, "groups", group, "/members/$ref", "[]"), 400);
    free(group);
    free(user);
    free(wrong);
    free(self);
    free(registration);
}
END_TEST

START_TEST(owners_come_and_go_but_the_last_one_stays)
{
    char *ann = find_user("ann.adler@contoso.example");
    char *group = memory_format(
        GROUP("owned", ",\"owners@odata.bind\":[\"https://x/v1.0/users/%s\"]"), ann);
    char *id = create("groups", group), *rest;
    char *url = memory_format("https://x/v1.0/servicePrincipals/%s", "");

    ck_assert_int_eq(on(CALL_GET, "groups", id, "/owners", NULL), 200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_str_eq(annotation(value_of(0), "@odata.type"), "#microsoft.graph.user");
    rest = memory_format("/owners/%s/$ref", ann);
    ck_assert_int_eq(on(CALL_DELETE, "groups", id, rest, NULL), 400);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "at least one owner"));
    ck_assert_int_eq(get("/v1.0/servicePrincipals?$top=1"), 200);
    free(url);
    url = memory_format("https://x/v1.0/servicePrincipals/%s", value_at(0, "id"));
    ck_assert_int_eq(refer("groups", id, "owners", url), 204);
    ck_assert_int_eq(on(CALL_DELETE, "groups", id, rest, NULL), 204);
    ck_assert_int_eq(on(CALL_GET, "users", ann, "/ownedObjects", NULL), 200);
    ck_assert_int_eq(count_values(), 0);
    free(ann);
    free(group);
    free(id);
    free(rest);
    free(url);
}
END_TEST

START_TEST(twenty_are_bound_at_once_all_or_none)
{
    struct buffer many = {0};
    char *id = create("groups", GROUP("bound", "")), *body;

    ck_assert_int_eq(get("/v1.0/users?$top=21"), 200);
    for (int i = 0; i < 21; i++) {
        if (i == 19) { /* nineteen, and one that is not there */
            body = memory_format("{\"members@odata.bind\":[%s,\"https://x/users/" NOBODY
                                 "\"]}",
                                 many.data);
            cJSON *users = h.json;

            h.json = NULL;
            ck_assert_int_eq(on(CALL_PATCH, "groups", id, "", body), 404);
            ck_assert_int_eq(on(CALL_GET, "groups", id, "/members", NULL), 200);
            ck_assert_int_eq(count_values(), 0);
            free(body);
            cJSON_Delete(h.json);
            h.json = users;
        }
        buffer_printf(&many, "%s\"https://x/v1.0/directoryObjects/%s\"", i > 0 ? "," : "",
                      value_at(i, "id"));
    }
    body = memory_format("{\"members@odata.bind\":[%s]}", many.data);
    ck_assert_int_eq(on(CALL_PATCH, "groups", id, "", body), 400);
    ck_assert_ptr_nonnull(strstr(said("error.message"), "At most 20"));
    *strrchr(body, ',') = ']';
    strcpy(strchr(body, ']') + 1, "}");
    ck_assert_int_eq(on(CALL_PATCH, "groups", id, "", body), 204);
    ck_assert_int_eq(on(CALL_GET, "groups", id, "/members", NULL), 200);
    ck_assert_int_eq(count_values(), 20);
    free(body);
    free(id);
    buffer_deinit(&many);
}
END_TEST

/* ---- groups in groups ---- */

START_TEST(groups_in_a_circle_are_gone_through_once)
{
    char *a = create("groups", GROUP("a", "")), *b = create("groups", GROUP("b", ""));
    char *ann = find_user("ann.adler@contoso.example");
    char *in_b = memory_format("https://x/v1.0/groups/%s", a);
    char *in_a = memory_format("https://x/v1.0/groups/%s", b);
    char *user = memory_format("https://x/v1.0/users/%s", ann);
    char *question = memory_format("{\"groupIds\":[\"%s\",\"%s\",\"" NOBODY "\"]}", a, b);

    ck_assert_int_eq(refer("groups", a, "members", in_a), 204);
    ck_assert_int_eq(refer("groups", b, "members", in_b), 204);
    ck_assert_int_eq(refer("groups", b, "members", user), 204);
    ck_assert_int_eq(on(CALL_GET, "groups", a, "/transitiveMembers", NULL), 200);
    ck_assert_int_eq(count_values(), 2);
    ck_assert_int_eq(on(CALL_GET, "users", ann, "/memberOf", NULL), 200);
    ck_assert_int_eq(count_values(), 2); /* b, and one of the world's */
    ck_assert_int_eq(on(CALL_GET, "users", ann, "/transitiveMemberOf", NULL), 200);
    ck_assert_int_eq(count_values(), 3);
    ck_assert_int_eq(on(CALL_POST, "users", ann, "/checkMemberGroups", question), 200);
    ck_assert_int_eq(count_values(), 2);
    ck_assert_int_eq(
        on(CALL_POST, "directoryObjects", ann, "/checkMemberGroups", question), 200);
    ck_assert_int_eq(count_values(), 2);
    ck_assert_int_eq(
        on(CALL_POST, "users", ann, "/getMemberGroups", "{\"securityEnabledOnly\":true}"),
        200);
    ck_assert_int_eq(count_values(), 3);
    ck_assert_int_eq(on(CALL_POST, "groups", a, "/getMemberObjects",
                        "{\"securityEnabledOnly\":false}"),
                     200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(on(CALL_POST, "users", ann, "/getMemberGroups", "{}"), 400);
    ck_assert_int_eq(
        on(CALL_POST, "users", ann, "/checkMemberGroups", "{\"groupIds\":[]}"), 400);
    ck_assert_int_eq(on(CALL_POST, "users", NOBODY, "/checkMemberGroups", question), 404);
    free(a);
    free(b);
    free(ann);
    free(in_a);
    free(in_b);
    free(user);
    free(question);
}
END_TEST

/* ---- users ---- */

static const struct {
    const char *body, *message;
} bad_users[] = {
    {USER("new@other.example", ""), "domain portion of the userPrincipalName"},
    {USER("new", ""), "Invalid value specified for property 'userPrincipalName'"},
    {USER("ANN.adler@contoso.example", ""), "userPrincipalName already exists"},
    {USER("new@contoso.example", ",\"createdDateTime\":\"x\""), "read-only"},
    {"{\"displayName\":\"x\"}", "required for property 'mailNickname'"},
    {"{\"accountEnabled\":true,\"displayName\":\"x\",\"mailNickname\":\"x\","
     "\"userPrincipalName\":\"x@contoso.example\"}",
     "password complexity"},
};

START_TEST(a_user_that_graph_would_not_take_is_refused)
{
    ck_assert_int_eq(post("users", NULL, bad_users[_i].body), 400);
    ck_assert_msg(strstr(said("error.message"), bad_users[_i].message) != NULL, "%s",
                  said("error.message"));
}
END_TEST

START_TEST(a_user_is_made_changed_and_deleted_by_id_or_name)
{
    char *id = create("users", USER("new@contoso.example", ",\"department\":\"IT\""));

    ck_assert_ptr_null(strstr(h.answer.body.data, "Secret-123"));
    ck_assert_int_eq(
        on(CALL_GET, "users", "New@contoso.example", "?$select=department", NULL), 200);
    ck_assert_str_eq(said("department"), "IT");
    ck_assert_int_eq(
        on(CALL_PATCH, "users", "new@contoso.example", "", "{\"jobTitle\":\"Lead\"}"),
        204);
    ck_assert_int_eq(on(CALL_GET, "users('new@contoso.example')", "memberOf", "", NULL),
                     200);
    ck_assert_int_eq(on(CALL_GET, "users", id, "", NULL), 200);
    ck_assert_str_eq(said("jobTitle"), "Lead");
    ck_assert_int_eq(on(CALL_GET, "users", id, "x", NULL), 404); /* an id and more */
    ck_assert_int_eq(on(CALL_PATCH, "users", "ben.brown@contoso.example", "",
                        "{\"jobTitle\":\"Lead\"}"),
                     204);
    ck_assert_int_eq(on(CALL_DELETE, "users", "new@contoso.example", "", NULL), 204);
    ck_assert_int_eq(on(CALL_GET, "users", id, "", NULL), 404);
    ck_assert_int_eq(on(CALL_DELETE, "users", id, "", NULL), 404);
    free(id);
}
END_TEST

/* A person who has signed in: here a service principal that the directory takes for one. */
START_TEST(me_is_the_user_who_asks)
{
    char *id;

    ck_assert_int_eq(
        graph_sign_in(h.world->profile.guest_id, h.world->profile.guest_secret), 200);
    ck_assert_int_eq(get("/v1.0/me"), 400);
    database_run(h.world->database, "UPDATE object SET type = 'User' WHERE app_id = ?",
                 "t", h.world->profile.guest_id);
    ck_assert_int_eq(get("/v1.0/me?$select=displayName"), 200);
    ck_assert_str_eq(said("displayName"), "contoso-guest");
    ck_assert_int_eq(get("/v1.0/me/memberOf"), 200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(get("/v1.0/groups"), 200); /* members of a tenant read it */
    ck_assert_int_eq(post("groups", NULL, GROUP("mine", "")), 403);
    directory_set_rights(h.world, h.world->profile.guest_id, RIGHT_GROUP_CREATE);
    id = create("groups", GROUP("mine", ""));
    ck_assert_int_eq(get("/v1.0/me/ownedObjects"), 200);
    ck_assert_str_eq(value_at(0, "id"), id); /* who makes it owns it */
    free(id);
}
END_TEST

/* ---- applications ---- */

START_TEST(an_application_signs_in_with_the_secret_that_it_got)
{
    char *id = create("applications", "{\"displayName\":\"robot\"}");
    char *app_id = memory_copy_string(said("appId")), *secret, *key, *body, *principal;

    ck_assert_str_eq(said("signInAudience"), "AzureADMyOrg");
    body = memory_format("{\"appId\":\"%s\",\"accountEnabled\":true}", app_id);
    principal = create("servicePrincipals", body);
    ck_assert_str_eq(said("displayName"), "robot");
    ck_assert_int_eq(post("servicePrincipals", NULL, body), 409);
    ck_assert_str_eq(said("error.code"), "Request_MultipleObjectsWithSameKeyValue");
    free(body);
    ck_assert_int_eq(
        on(CALL_POST, "applications", id, "/addPassword",
           "{\"passwordCredential\":{\"displayName\":\"rbac\",\"endDateTime\":"
           "\"2099-01-01T00:00:00Z\"}}"),
        200);
    secret = memory_copy_string(said("secretText"));
    key = memory_format("{\"keyId\":\"%s\"}", said("keyId"));
    ck_assert_uint_eq(strlen(secret), 40);
    ck_assert_int_eq(on(CALL_GET, "applications", id, "", NULL), 200);
    ck_assert_ptr_null(strstr(h.answer.body.data, secret));
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "passwordCredentials")), 1);
    ck_assert_int_eq(on(CALL_GET, "servicePrincipals(appId='", app_id, "')", NULL), 400);

    char *by_app = memory_format("/v1.0/servicePrincipals(appId='%s')", app_id);

    ck_assert_int_eq(exchange(CALL_GET, by_app, NULL), 200);
    ck_assert_str_eq(said("id"), principal);
    ck_assert_int_eq(graph_sign_in(app_id, "wrong"), 401);
    ck_assert_int_eq(graph_sign_in(app_id, secret), 200);
    ck_assert_int_eq(get("/v1.0/groups"), 403); /* it has no permission yet */
    graph_sign_in(h.world->profile.client_id, h.world->profile.client_secret);
    ck_assert_int_eq(on(CALL_POST, "applications", id, "/removePassword", key), 204);
    ck_assert_int_eq(on(CALL_POST, "applications", id, "/removePassword", key), 400);
    ck_assert_int_eq(graph_sign_in(app_id, secret), 401);
    free(by_app);
    free(id);
    free(app_id);
    free(secret);
    free(key);
    free(principal);
}
END_TEST

START_TEST(a_secret_is_good_between_its_dates)
{
    const char *app_id = h.world->profile.guest_id;
    char *principal, *secret;

    ck_assert_int_eq(get("/v1.0/servicePrincipals(appId='%s')", app_id), 200);
    principal = memory_copy_string(said("id"));
    ck_assert_int_eq(
        on(CALL_POST, "servicePrincipals", principal, "/addPassword",
           "{\"passwordCredential\":{\"startDateTime\":\"2020-01-01T00:00:00Z\","
           "\"endDateTime\":\"2020-01-02T00:00:00Z\"}}"),
        200);
    secret = memory_copy_string(said("secretText"));
    ck_assert_int_eq(graph_sign_in(app_id, secret), 401);
    ck_assert_int_eq(graph_sign_in(app_id, h.world->profile.guest_secret), 200);
    graph_sign_in(h.world->profile.client_id, h.world->profile.client_secret);
    ck_assert_int_eq(on(CALL_POST, "servicePrincipals", principal, "/addPassword",
                        "{\"passwordCredential\":{\"endDateTime\":\"soon\"}}"),
                     400);
    free(principal);
    free(secret);
}
END_TEST

START_TEST(a_deleted_application_cannot_sign_in_until_it_is_restored)
{
    char *id = create("applications", "{\"displayName\":\"robot\",\"identifierUris\":"
                                      "[\"api://robot\"]}");
    char *app_id = memory_copy_string(said("appId")), *secret, *principal;
    char *body = memory_format("{\"appId\":\"%s\"}", app_id);

    principal = create("servicePrincipals", body);
    ck_assert_int_eq(post("applications", NULL,
                          "{\"displayName\":\"x\",\"identifierUris\":[\"api://robot\"]}"),
                     400);
    ck_assert_int_eq(get("/v1.0/applications?$filter=identifierUris/any(s:s%%20eq%%20"
                         "'api://robot')"),
                     200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(get("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(s:s"
                         "%%20eq%%20'api://robot')"),
                     200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(on(CALL_POST, "applications", id, "/addPassword", "{}"), 200);
    secret = memory_copy_string(said("secretText"));
    ck_assert_int_eq(on(CALL_DELETE, "applications", id, "", NULL), 204);
    ck_assert_int_eq(on(CALL_GET, "servicePrincipals", principal, "", NULL), 404);
    ck_assert_int_eq(graph_sign_in(app_id, secret), 400);
    ck_assert_int_eq(get("/v1.0/directory/deletedItems/microsoft.graph.application"),
                     200);
    ck_assert_int_eq(count_values(), 1);
    ck_assert_int_eq(on(CALL_POST, "directory/deletedItems", id, "/restore", NULL), 200);
    ck_assert_int_eq(on(CALL_POST, "directory/deletedItems", principal, "/restore", NULL),
                     200);
    ck_assert_int_eq(graph_sign_in(app_id, secret), 200);
    free(id);
    free(app_id);
    free(secret);
    free(principal);
    free(body);
}
END_TEST

START_TEST(a_service_principal_follows_its_application)
{
    char *id = create("applications", "{\"displayName\":\"robot\"}");
    char *body = memory_format("{\"appId\":\"%s\"}", said("appId"));

    free(create("servicePrincipals", body));
    ck_assert_int_eq(on(CALL_PATCH, "applications", id, "",
                        "{\"displayName\":\"android\",\"identifierUris\":[\"api://x\"]}"),
                     204);
    ck_assert_int_eq(get("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c"
                         "%%20eq%%20'api://x')"),
                     200);
    ck_assert_str_eq(value_at(0, "displayName"), "android");
    free(id);
    free(body);
}
END_TEST

START_TEST(a_service_principal_needs_an_application)
{
    ck_assert_int_eq(post("servicePrincipals", NULL, "{\"appId\":\"" NOBODY "\"}"), 400);
    ck_assert_ptr_nonnull(
        strstr(said("error.message"), " does not reference a valid application object"));
    ck_assert_int_eq(post("servicePrincipals", NULL, "{}"), 400);
    ck_assert_int_eq(post("applications", NULL, "{}"), 400);
    ck_assert_int_eq(
        post("applications", NULL, "{\"displayName\":\"x\",\"passwordCredentials\":[]}"),
        400);
    ck_assert_int_eq(on(CALL_POST, "applications", NOBODY, "/addPassword", "{}"), 404);
}
END_TEST

/* ---- the recycle bin ---- */

START_TEST(a_restored_group_has_its_members_back)
{
    char *payments = find_group("api-team-payments");
    char *ann = find_user("ann.adler@contoso.example");

    ck_assert_int_eq(on(CALL_DELETE, "groups", payments, "", NULL), 204);
    ck_assert_int_eq(on(CALL_GET, "groups", payments, "", NULL), 404);
    ck_assert_int_eq(on(CALL_GET, "users", ann, "/memberOf", NULL), 200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(get("/v1.0/directory/deletedItems/microsoft.graph.group?$select=id,"
                         "deletedDateTime"),
                     200);
    ck_assert_str_eq(value_at(0, "id"), payments);
    ck_assert_uint_eq(strlen(value_at(0, "deletedDateTime")), 20);
    ck_assert_int_eq(on(CALL_GET, "directory/deletedItems", payments, "", NULL), 200);
    ck_assert_int_eq(on(CALL_DELETE, "users", ann, "", NULL), 204);
    ck_assert_int_eq(on(CALL_POST, "directory/deletedItems", payments, "/restore", NULL),
                     200);
    ck_assert_int_eq(on(CALL_GET, "groups", payments, "/members", NULL), 200);
    ck_assert_int_eq(count_values(), 3); /* of four, as ann has gone since */
    ck_assert_int_eq(on(CALL_DELETE, "directory/deletedItems", ann, "", NULL), 204);
    ck_assert_int_eq(on(CALL_POST, "directory/deletedItems", ann, "/restore", NULL), 404);
    free(payments);
    free(ann);
}
END_TEST

START_TEST(a_user_whose_name_was_taken_is_not_restored)
{
    char *first = create("users", USER("new@contoso.example", ""));

    ck_assert_int_eq(on(CALL_DELETE, "users", first, "", NULL), 204);
    free(create("users", USER("new@contoso.example", "")));
    ck_assert_int_eq(on(CALL_POST, "directory/deletedItems", first, "/restore", NULL),
                     400);
    free(first);
}
END_TEST

/* ---- lag ---- */

START_TEST(a_new_object_is_unknown_while_graph_lags)
{
    char *id, *reference, *payments;

    close_world();
    graph_open("{\"graph_lag_seconds\":5,\"replication_seconds\":60}");
    id = create("groups", GROUP("late", ""));
    payments = find_group("api-team-payments");
    reference = memory_format("https://x/v1.0/directoryObjects/%s", id);
    ck_assert_int_eq(on(CALL_GET, "groups", id, "", NULL), 404);
    ck_assert_str_eq(said("error.code"), "Request_ResourceNotFound");
    ck_assert_int_eq(get("/v1.0/groups?$filter=displayName%%20eq%%20'late'"), 200);
    ck_assert_int_eq(count_values(), 0);
    ck_assert_int_eq(refer("groups", payments, "members", reference), 404);
    ck_assert_int_eq(world_next_event(h.world) - h.world->now_ms, 5000);
    clock_advance_to(&h.clock, clock_now_ms(&h.clock) + 5000);
    ck_assert_int_eq(on(CALL_GET, "groups", id, "", NULL), 200);
    ck_assert_int_eq(refer("groups", payments, "members", reference), 204);
    free(id);
    free(payments);
    free(reference);
}
END_TEST

START_TEST(the_tenant_and_its_domain_are_told)
{
    ck_assert_int_eq(get("/v1.0/organization"), 200);
    ck_assert_str_eq(value_at(0, "id"), h.world->profile.tenant_id);
    ck_assert_int_eq(get("/v1.0/domains"), 200);
    ck_assert_str_eq(value_at(0, "id"), "contoso.example");
    ck_assert(uuid_is_valid(header("request-id")));
}
END_TEST

/* ---- the published model ---- */

static bool has_property(const cJSON *entities, const char *entity, const char *name)
{
    const cJSON *properties = json_at(json_at(entities, entity), "properties"), *property;

    cJSON_ArrayForEach (property, properties) {
        if (strcmp(json_string_at(property, "name"), name) == 0)
            return true;
    }
    return false;
}

START_TEST(every_property_is_one_of_the_published_model)
{
    cJSON *model = specification_read("graph-model.json");
    const cJSON *entities = json_at(model, "entities");

    for (size_t i = 0; i < GRAPH_TYPE_COUNT && model != NULL; i++) {
        const struct graph_property *property = graph_types[i].properties;

        if (json_at(entities, graph_types[i].odata_name) == NULL)
            continue; /* applications are not in it */
        for (; property->name != NULL; property++)
            ck_assert_msg(
                has_property(entities, graph_types[i].odata_name, property->name) ||
                    has_property(entities, "directoryObject", property->name) ||
                    strcmp(property->name, "id") == 0,
                "%s.%s", graph_types[i].odata_name, property->name);
    }
    cJSON_Delete(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim graph objects");
    TCase *topic = tcase_create("objects");

    tcase_add_checked_fixture(topic, open_default, close_world);
    suite_add_tcase(suite, topic);
    tcase_add_loop_test(topic, a_group_that_graph_would_not_take_is_refused, 0,
                        COUNT_OF(bad_groups));
    tcase_add_test(topic, a_new_group_has_all_the_properties_of_one);
    tcase_add_loop_test(topic, a_reference_is_taken_in_every_form, 0, 5);
    tcase_add_test(topic, a_reference_to_nothing_or_the_wrong_thing_is_refused);
    tcase_add_test(topic, owners_come_and_go_but_the_last_one_stays);
    tcase_add_test(topic, twenty_are_bound_at_once_all_or_none);
    tcase_add_test(topic, groups_in_a_circle_are_gone_through_once);
    tcase_add_loop_test(topic, a_user_that_graph_would_not_take_is_refused, 0,
                        COUNT_OF(bad_users));
    tcase_add_test(topic, a_user_is_made_changed_and_deleted_by_id_or_name);
    tcase_add_test(topic, me_is_the_user_who_asks);
    tcase_add_test(topic, an_application_signs_in_with_the_secret_that_it_got);
    tcase_add_test(topic, a_secret_is_good_between_its_dates);
    tcase_add_test(topic, a_deleted_application_cannot_sign_in_until_it_is_restored);
    tcase_add_test(topic, a_service_principal_follows_its_application);
    tcase_add_test(topic, a_service_principal_needs_an_application);
    tcase_add_test(topic, a_restored_group_has_its_members_back);
    tcase_add_test(topic, a_user_whose_name_was_taken_is_not_restored);
    tcase_add_test(topic, a_new_object_is_unknown_while_graph_lags);
    tcase_add_test(topic, the_tenant_and_its_domain_are_told);
    tcase_add_test(topic, every_property_is_one_of_the_published_model);

    return run_suite(suite);
}
