/* tests/check_doctor.c - what the doctor finds, against a simulator that is as it should be, or
 * not. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/failure.h"
#include "harness.h"
#include "run/run.h"
#include "run/session.h"
#include "sim/sim.h"

static struct settings settings;
static struct session *session;
static struct sim *sim;

static void open_session(void)
{
    struct failure *failure = NULL;

    settings = (struct settings){.quiet = true};
    session = session_open(&settings, &failure);
    ck_assert_ptr_nonnull(session);
}

/* A simulator with this world (JSON, or NULL), and settings that fit it. */
static void open_sim(const char *world)
{
    struct sim_options options = {.address = "127.0.0.1:0"};
    struct failure *failure = NULL;
    char world_file[] = "/tmp/check_doctor.XXXXXX";

    if (world != NULL) {
        const int fd = mkstemp(world_file);

        ck_assert_int_eq(write(fd, world, strlen(world)), (ssize_t)strlen(world));
        close(fd);
        options.world_file = world_file;
    }
    sim = sim_open(session_loop(session), &options, &failure);
    ck_assert_msg(sim != NULL, "%s", failure != NULL ? failure->message : "");
    if (world != NULL)
        unlink(world_file);

    const struct sim_profile *profile = sim_profile(sim);

    settings.endpoint = profile->endpoint;
    settings.subscription = profile->subscription_id;
    settings.resource_group = profile->resource_group;
    settings.service = profile->service;
    settings.credentials.tenant_id = profile->tenant_id;
    settings.credentials.client_id = profile->client_id;
    settings.credentials.client_secret = profile->client_secret;
    settings.credentials.selection = "EnvironmentCredential";
}

static void close_all(void)
{
    sim_close(sim);
    session_close(session);
}

/* What the doctor must say: `check` is `status` with `text` in its text or cure. */
#define LOOK                                                                             \
    "local check, status, text, well = ...\n"                                            \
    "local findings, is_well = require 'doctor'.examine()\n"                             \
    "local found\n"                                                                      \
    "for _, finding in ipairs(findings) do\n"                                            \
    "  if finding.check == check then found = finding end\n"                             \
    "  assert(finding.status == 'ok' or finding.status == 'skipped' or finding.cure,\n"  \
    "         finding.check .. ' has no cure')\n"                                        \
    "end\n"                                                                              \
    "assert(found, 'no finding ' .. check)\n"                                            \
    "assert(found.status == status, found.status .. ': ' .. found.text)\n"               \
    "assert((found.text .. (found.cure or '')):find(text, 1, true), found.text)\n"       \
    "assert(tostring(is_well) == well, 'well: ' .. tostring(is_well))\n"

static void look(const char *check, const char *status, const char *text,
                 const char *is_well)
{
    char *arguments[] = {(char *)check, (char *)status, (char *)text, (char *)is_well};
    const struct run_request request = {
        .code = LOOK, .arguments = arguments, .argument_count = 4};

    ck_assert_int_eq(run_script(session, &request), EXIT_DONE);
}

static const struct finding_row {
    const char *world; /* or NULL */
    const char *subscription, *resource_group, *service,
        *secret; /* instead of the right ones */
    bool is_guest;
    const char *check, *status, *text, *is_well;
} rows[] = {
    {.check = "client secret",
     .status = "ok",
     .text = "expires in 59:5",
     .is_well = "true"},
    {.check = "rights at the service",
     .status = "ok",
     .text = "5 actions",
     .is_well = "true"},
    {.check = "clock", .status = "ok", .text = "service", .is_well = "true"},
    {.secret = "wrong",
     .check = "client secret",
     .status = "failed",
     .text = "7000215",
     .is_well = "false"},
    {.secret = "wrong",
     .check = "login",
     .status = "ok",
     .text = "answers in",
     .is_well = "false"},
    {.is_guest = true,
     .check = "subscription",
     .status = "failed",
     .text = "AuthorizationFailed",
     .is_well = "false"},
    {.subscription = "00000000-0000-0000-0000-000000000001",
     .check = "subscription",
     .status = "failed",
     .text = "SubscriptionNotFound",
     .is_well = "false"},
    {.service = "nope",
     .check = "service",
     .status = "failed",
     .text = "check --resource-group and --service",
     .is_well = "false"},
    {.resource_group = "nope",
     .check = "service",
     .status = "failed",
     .text = "ResourceGroupNotFound",
     .is_well = "false"},
    {.world = "{\"sku\":\"Developer\"}",
     .check = "tier",
     .status = "failed",
     .text = "Developer has no workspaces",
     .is_well = "false"},
    {.world = "{\"sku\":\"StandardV2\"}",
     .check = "tier",
     .status = "warning",
     .text = "Premium",
     .is_well = "true"},
    {.world = "{\"unregistered_providers\":[\"Microsoft.Network\"]}",
     .check = "provider Microsoft.Network",
     .status = "warning",
     .text = "--register-providers",
     .is_well = "true"},
    {.world = "{\"token_life\":\"1m\"}",
     .check = "client secret",
     .status = "warning",
     .text = "get a new token",
     .is_well = "true"},
};

START_TEST(the_doctor_finds_what_is_wrong)
{
    const struct finding_row *row = &rows[_i];

    open_session();
    open_sim(row->world);
    if (row->subscription != NULL)
        settings.subscription = row->subscription;
    if (row->resource_group != NULL)
        settings.resource_group = row->resource_group;
    if (row->service != NULL)
        settings.service = row->service;
    if (row->secret != NULL)
        settings.credentials.client_secret = row->secret;
    if (row->is_guest) {
        settings.credentials.client_id = sim_profile(sim)->guest_id;
        settings.credentials.client_secret = sim_profile(sim)->guest_secret;
    }
    look(row->check, row->status, row->text, row->is_well);
    close_all();
}
END_TEST

START_TEST(the_clock_of_a_simulator_is_its_own)
{
    static const struct server_step script[] = {
        {"GET /subscriptions?api-version=2022-12-01", 200,
         "Date: Mon, 05 Jan 2026 00:00:00 GMT", "{\"value\":[]}", .stays = true},
        {"GET /tenant/v2.0/.well-known/openid-configuration", 200, NULL, "{}",
         .stays = true},
        {"GET /subscriptions/s?api-version=2022-12-01", 403, NULL, NULL, .stays = true},
        {"GET /v1.0/groups?%24top=1&%24select=id", 200, NULL, "{}", .stays = true},
        {"GET /v1.0/groups?%24select=id&%24top=1", 200, NULL, "{}", .stays = true},
        {0}};
    struct server server;

    open_session();
    server_open(&server, session_loop(session));
    server_play(&server, script);
    settings.endpoint = server.base;
    settings.subscription = "s";
    settings.credentials =
        (struct credential_settings){.tenant_id = "tenant",
                                     .client_id = "client",
                                     .client_secret = "secret",
                                     .selection = "EnvironmentCredential"};
    look("clock", "skipped", "a clock of its own", "false");
    server_close(&server);
    session_close(session);
}
END_TEST

/* Signed in; the rest of the way is as the script of the server says. */
static void look_behind(const struct server_step *script, const char *graph,
                        const struct run_request *request)
{
    struct server server;

    open_session();
    server_open(&server, session_loop(session));
    server_play(&server, script);
    settings.cloud = "custom";
    settings.arm_endpoint = settings.authority_host = server.base;
    settings.graph_endpoint = graph != NULL ? graph : server.base;
    settings.subscription = "s";
    settings.credentials =
        (struct credential_settings){.tenant_id = "tenant",
                                     .client_id = "client",
                                     .client_secret = "secret",
                                     .selection = "EnvironmentCredential"};
    ck_assert_int_eq(run_script(session, request), EXIT_DONE);
    server_close(&server);
    session_close(session);
}

#define PORTAL                                                                           \
    200, "Content-Type: text/html", "<html><title>Log in to the network</title></html>"
#define FINDINGS                                                                         \
    "local by = {}\n"                                                                    \
    "for _, finding in ipairs((require 'doctor'.examine())) do\n"                        \
    "  by[finding.check] = finding.status .. ': ' .. finding.text\n"                     \
    "end\n"

START_TEST(answers_of_somebody_in_between_are_told)
{
    static const struct server_step script[] = {
        {"GET /subscriptions?api-version=2022-12-01", PORTAL, .stays = true},
        {"GET /tenant/v2.0/.well-known/openid-configuration", PORTAL, .stays = true},
        {"GET /subscriptions/s?api-version=2022-12-01", PORTAL, .stays = true},
        {"GET /v1.0/groups?%24top=1&%24select=id", PORTAL, .stays = true},
        {"GET /v1.0/groups?%24select=id&%24top=1", PORTAL, .stays = true},
        {0}};
    const struct run_request request = {
        .code = FINDINGS "for _, check in ipairs {'login', 'resource manager', 'graph', "
                         "'subscription'} do\n"
                         "  assert(by[check]:find('^failed: .*no JSON'), by[check])\n"
                         "end"};

    look_behind(script, NULL, &request);
}
END_TEST

START_TEST(a_graph_that_is_not_reached_reads_no_groups)
{
    static const struct server_step script[] = {
        {"GET /subscriptions?api-version=2022-12-01", 200, NULL, "{}", .stays = true},
        {"GET /tenant/v2.0/.well-known/openid-configuration", 200, NULL, "{}",
         .stays = true},
        {"GET /subscriptions/s?api-version=2022-12-01", 403, NULL, NULL, .stays = true},
        {0}};
    const struct run_request request = {
        .code = FINDINGS "assert(by.graph:find('^failed: ConnectionFailed'), by.graph)\n"
                         "assert(by['graph: groups'] == nil)"};

    look_behind(script, "http://127.0.0.1:1", &request);
}
END_TEST

START_TEST(nothing_to_sign_in_with_is_told_by_each_credential)
{
    open_session();
    settings.endpoint = "http://127.0.0.1:1";
    settings.subscription = "s";
    settings.credentials.selection = "EnvironmentCredential";
    look("client secret", "skipped", "AZURE_CLIENT_SECRET is not set", "false");
    session_close(session);
    open_session();
    settings.endpoint = "http://127.0.0.1:1";
    settings.subscription = "s";
    settings.credentials.selection = "EnvironmentCredential";
    look("sign-in", "failed", "no credential is available", "false");
    session_close(session);
}
END_TEST

START_TEST(a_clock_that_is_wrong_is_told)
{
    const struct run_request request = {
        .code =
            "local judge = require 'doctor'.judge_clock\n"
            "assert(judge(0, false) == 'ok' and judge(-29, false) == 'ok')\n"
            "assert(judge(30, false) == 'warning' and judge(-300, false) == 'warning')\n"
            "local status, text, cure = judge(-301, false)\n"
            "assert(status == 'failed' and text == '05:01 behind the service', text)\n"
            "assert(cure:find 'NTP')\n"
            "assert(select(2, judge(86400, false)):find 'ahead of')\n"
            "assert(judge(86400, true) == 'skipped')"};

    open_session();
    ck_assert_int_eq(run_script(session, &request), EXIT_DONE);
    session_close(session);
}
END_TEST

START_TEST(actions_match_as_azure_matches_them)
{
    const struct run_request request = {
        .code = "local allows = require 'doctor'.allows\n"
                "local function may(actions, without, action)\n"
                "  return allows({{actions = actions, notActions = without}}, action)\n"
                "end\n"
                "assert(may({'*'}, {}, 'A.b/c/write'))\n"
                "assert(may({'A.B/*/read'}, {}, 'a.b/c/d/read'))\n"
                "assert(not may({'A.B/*/read'}, {}, 'aXb/c/read'))\n"
                "assert(not may({'*/read'}, {}, 'A.B/c/write'))\n"
                "assert(not may({'*'}, {'Microsoft.Authorization/*/write'}, "
                "'Microsoft.Authorization/roleAssignments/write'))\n"
                "assert(not allows({}, 'a/b'))\n"
                "assert(allows({{actions = {'x'}, notActions = {'a/b'}}, {actions = "
                "{'a/*'}}}, "
                "'a/b'))"};

    open_session();
    ck_assert_int_eq(run_script(session, &request), EXIT_DONE);
    session_close(session);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("doctor");
    TCase *topic = harness_add_case(suite, "doctor", NULL, NULL);

    tcase_add_loop_test(topic, the_doctor_finds_what_is_wrong, 0,
                        (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(topic, the_clock_of_a_simulator_is_its_own);
    tcase_add_test(topic, a_clock_that_is_wrong_is_told);
    tcase_add_test(topic, answers_of_somebody_in_between_are_told);
    tcase_add_test(topic, a_graph_that_is_not_reached_reads_no_groups);
    tcase_add_test(topic, nothing_to_sign_in_with_is_told_by_each_credential);
    tcase_add_test(topic, actions_match_as_azure_matches_them);
    return harness_run_suite(suite);
}
