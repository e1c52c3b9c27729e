/* tests/check_sim_state.c - worlds that are kept in files, and files that describe worlds. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/kind.h"
#include "net/loop.h"
#include "sim/sim.h"
#include "tests/plane.h"
#include "tests/suite.h"

#define VERSION "?api-version=2024-05-01"

enum { HOUR_MS = 3600000 };

static struct {
    char folder[64], state[96], description[96];
    struct clock clock;
    struct world *world;
    struct answer answer;
    cJSON *json;
} h;

static void open_harness(void)
{
    memset(&h, 0, sizeof h);
    strcpy(h.folder, "/tmp/check_sim_state.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(h.folder));
    snprintf(h.state, sizeof h.state, "%s/world.db", h.folder);
    snprintf(h.description, sizeof h.description, "%s/world.json", h.folder);
    clock_init(&h.clock, CLOCK_VIRTUAL, 1);
}

static void close_harness(void)
{
    static const char *const names[] = {"world.db", "world.db-wal", "world.db-shm",
                                        "world.json"};
    char path[128];

    world_close(h.world);
    answer_deinit(&h.answer);
    cJSON_Delete(h.json);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", h.folder, names[i]);
        unlink(path);
    }
    rmdir(h.folder);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "wb");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* Opens the state file, and the world file when there is one; NULL with the failure. */
static struct failure *open_world_with(const char *state, const char *description,
                                       uint64_t seed)
{
    const struct sim_options options = {
        .state_file = state, .world_file = description, .seed = seed};
    struct failure *failure = NULL;

    h.world = world_open(&options, &h.clock, &failure);
    ck_assert_int_eq(h.world == NULL, failure != NULL);
    return failure;
}

static void open_world(void)
{
    ck_assert_ptr_null(open_world_with(h.state, NULL, 1));
}

static void close_world(void)
{
    world_close(h.world);
    h.world = NULL;
}

static int ask(enum call_method method, const char *url, const char *body,
               const char *bearer)
{
    return plane_ask(
        h.world, &h.answer, &h.json, url,
        (struct call){.method = method, .authorization = bearer, .body = body});
}

/* "Bearer ...", owned by the caller. */
static char *sign_in(const char *resource)
{
    return plane_sign_in(h.world, &h.answer, &h.json, resource);
}

/* To what stands behind the resource group, signed in anew. */
static int call_arm(enum call_method method, const char *path, const char *body)
{
    char *bearer = sign_in("https://management.azure.com");
    char *url = memory_format("%s/resourceGroups/%s%s" VERSION, h.world->subscription_id,
                              h.world->profile.resource_group, path);
    const int status = ask(method, url, body, bearer);

    free(url);
    free(bearer);
    return status;
}

static const char *said(const char *path)
{
    const char *text = json_string_at(h.json, path);

    return text != NULL ? text : "";
}

#define GATEWAY "/providers/Microsoft.ApiManagement/gateways/gw"

static int make_gateway(void)
{
    return call_arm(
        CALL_PUT, GATEWAY,
        "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\"},"
        "\"properties\":{}}");
}

/* ---- state files ---- */

START_TEST(a_world_goes_on_where_it_was_left)
{
    open_world();

    char *bearer = sign_in("https://management.azure.com");

    ck_assert_int_eq(make_gateway(), 201);
    clock_advance_to(&h.clock, 4 * HOUR_MS);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");

    char *body = memory_copy_string(h.answer.body.data);
    const int64_t left_ms = world_read_clock(h.world);

    close_world();
    clock_init(&h.clock, CLOCK_VIRTUAL,
               1); /* four hours of virtual time are lost with it */
    open_world();
    ck_assert_int_ge(world_read_clock(h.world), left_ms);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(h.answer.body.data, body);
    ck_assert_int_eq(ask(CALL_GET, "/subscriptions" VERSION, NULL, bearer), 401);
    ck_assert_str_eq(said("error.code"),
                     "ExpiredAuthenticationToken"); /* known, but old */
    ck_assert_int_eq(ask(CALL_GET, "/_sim/ledger", NULL, NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "resources")), 1);
    free(bearer);
    free(body);
}
END_TEST

START_TEST(an_operation_goes_on_after_a_restart)
{
    open_world();
    ck_assert_int_eq(make_gateway(), 201);

    char *poll = memory_copy_string(h.answer.async_operation + strlen("http://sim"));

    close_world();
    open_world();

    char *bearer = sign_in("https://management.azure.com");

    ck_assert_int_eq(ask(CALL_GET, poll, NULL, bearer), 200);
    ck_assert_str_eq(said("status"), "InProgress");
    free(bearer);
    clock_advance_to(&h.clock, 4 * HOUR_MS);
    bearer = sign_in("https://management.azure.com");
    ck_assert_int_eq(ask(CALL_GET, poll, NULL, bearer), 200);
    ck_assert_str_eq(said("status"), "Succeeded");
    free(bearer);
    free(poll);
}
END_TEST

START_TEST(requests_are_counted_over_restarts)
{
    open_world();
    ck_assert_int_eq(ask(CALL_GET, "/_sim/requests", NULL, NULL), 200);
    close_world();
    open_world();
    ck_assert_int_eq(ask(CALL_GET, "/_sim/requests", NULL, NULL), 200);
    ck_assert_double_eq(json_number_at(h.json, "requests", 0), 2);
}
END_TEST

START_TEST(an_acknowledged_write_outlives_its_process)
{
    const pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        open_world();
        if (make_gateway() == 201)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    open_world();
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
}
END_TEST

/* Checks a failure's code and that its message names the file and says `why`. */
static void check_failure(struct failure *failure, const char *file, const char *why)
{
    ck_assert_ptr_nonnull(failure);
    ck_assert_str_eq(failure->code, "IOError");
    ck_assert_msg(strstr(failure->message, file) != NULL &&
                      strstr(failure->message, why) != NULL,
                  "'%s' does not name %s and '%s'", failure->message, file, why);
    failure_free(failure);
}

START_TEST(a_file_that_is_not_ours_is_refused_and_left_alone)
{
    sqlite3 *other;
    struct stat before, after;

    ck_assert_int_eq(sqlite3_open(h.state, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "CREATE TABLE t (a)", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(other);
    ck_assert_int_eq(stat(h.state, &before), 0);
    check_failure(open_world_with(h.state, NULL, 1), h.state, "not a state file");
    ck_assert_int_eq(stat(h.state, &after), 0);
    ck_assert_int_eq(before.st_size, after.st_size);
    write_file(h.state,
               "once upon a time there was a file that was no database at all\n");
    check_failure(open_world_with(h.state, NULL, 1), h.state, "not a state file");
}
END_TEST

START_TEST(a_damaged_file_is_refused)
{
    struct stat whole;

    open_world();
    close_world();
    ck_assert_int_eq(stat(h.state, &whole), 0);
    ck_assert_int_eq(truncate(h.state, whole.st_size / 2), 0);
    check_failure(open_world_with(h.state, NULL, 1), h.state, "");
}
END_TEST

START_TEST(a_file_that_is_in_use_or_out_of_reach_is_refused)
{
    struct world *first;

    open_world();
    first = h.world;
    check_failure(open_world_with(h.state, NULL, 1), h.state, "another process");
    h.world = first;
    close_world();
    check_failure(open_world_with("/nowhere/world.db", NULL, 1), "/nowhere/world.db",
                  "No such");
}
END_TEST

/* ---- world files ---- */

static const struct {
    const char *text, *why;
} bad_worlds[] = {
    {"", "line 1, column 1: not JSON"},
    {"{\"service\": }", "line 1, column 13: not JSON"},
    {"[]", "an object expected"},
    {"{\"servise\":\"a\"}", "unknown key 'servise'"},
    {"{\"service\":7}", "service: a text expected"},
    {"{\"service\":\"9 lives\"}", "9 lives"},
    {"{\"resource_group\":\"a.\"}", "a."},
    {"{\"limits\":{\"workspaces\":1}}", "unknown key 'workspaces'"},
    {"{\"limits\":{\"workspaces_per_service\":\"1\"}}",
     "limits.workspaces_per_service: a number"},
    {"{\"durations\":{\"gateway.create\":[\"1h\"]}}",
     "durations.gateway.create: a duration"},
    {"{\"durations\":{\"gateway.create\":[\"2h\",\"1h\"]}}",
     "durations.gateway.create: 2h is more than 1h"},
    {"{\"durations\":{\"gateway.paint\":[\"1h\",\"2h\"]}}",
     "unknown key 'gateway.paint'"},
    {"{\"virtual_networks\":[{\"name\":\"vnet\",\"size\":1}]}", "unknown key 'size'"},
    {"{\"virtual_networks\":[{}]}", "virtual_networks[0]: 'name' is missing"},
    {"{\"virtual_networks\":[{\"name\":\"vnet\",\"address_prefixes\":[\"10.0.0.1/8\"]}]}",
     "'10.0.0.1/8' is not an address prefix"},
    {"{\"groups\":[{\"name\":\"a\",\"members\":[1]}]}",
     "groups[0].members[0]: a text expected"},
    {"{\"groups\":{\"count\":1000001}}", "groups.count: a number"},
    {"{\"groups\":{\"number\":1}}", "unknown key 'number'"},
    {"{\"replication_seconds\":-1}", "replication_seconds: a number"},
    {"{\"graph_lag_seconds\":\"5s\"}", "graph_lag_seconds: a number"},
    {"{\"limits\":{\"graph_units\":5}}", "limits.graph_units: a size"},
    {"{\"graph_permissions\":{\"guest\":[\"Group.Paint\"]}}",
     "no permission 'Group.Paint'"},
    {"{\"graph_permissions\":{\"guest\":\"all\"}}",
     "graph_permissions.guest: \"admin\" or a list"},
    {"{\"graph_permissions\":{\"bob\":\"admin\"}}", "unknown key 'bob'"},
};

START_TEST(a_wrong_world_file_is_refused_with_file_and_reason)
{
    write_file(h.description, bad_worlds[_i].text);
    check_failure(open_world_with(NULL, h.description, 1), h.description,
                  bad_worlds[_i].why);
}
END_TEST

START_TEST(a_world_file_that_is_not_there_is_refused)
{
    check_failure(open_world_with(NULL, h.description, 1), h.description, "No such file");
}
END_TEST

/* How many groups there are by Graph. */
static int count_groups(void)
{
    char *bearer = sign_in("https://graph.microsoft.com");

    ck_assert_int_eq(plane_ask(h.world, &h.answer, &h.json,
                               "/v1.0/groups?$top=999&$count=true",
                               (struct call){.method = CALL_GET,
                                             .authorization = bearer,
                                             .consistency_level = "eventual"}),
                     200);
    free(bearer);
    return cJSON_GetObjectItemCaseSensitive(h.json, "@odata.count")->valueint;
}

START_TEST(a_world_is_made_as_its_file_says_and_the_state_file_keeps_it)
{
    write_file(
        h.description,
        "{\"service\":\"fabrikam\",\"resource_group\":\"rg-x\",\"location\":\"uksouth\","
        "\"virtual_networks\":[{\"name\":\"vnet-x\",\"address_prefixes\":[\"10.7.0.0/"
        "16\","
        "\"10.8.0.0/"
        "16\"]},{\"name\":\"vnet-y\"}],\"groups\":[{\"name\":\"red\",\"members\":"
        "[\"ann.lee@contoso.example\"]},{\"name\":\"blue\"}],\"durations\":"
        "{\"gateway.create\":[\"5m\",\"5m\"]},\"limits\":{\"workspaces_per_service\":3}"
        "}");
    ck_assert_ptr_null(open_world_with(h.state, h.description, 1));
    close_world();
    open_world(); /* without it */
    ck_assert_str_eq(h.world->profile.service, "fabrikam");
    ck_assert_int_eq(h.world->workspaces_per_service, 3);
    ck_assert_int_eq(world_duration(h.world, &gateway_kind, "create", "any"), 5 * 60000);
    ck_assert_int_eq(
        call_arm(CALL_GET, "/providers/Microsoft.ApiManagement/service/fabrikam", NULL),
        200);
    ck_assert_str_eq(said("location"), "uksouth");
    ck_assert_int_eq(
        call_arm(CALL_GET, "/providers/Microsoft.Network/virtualNetworks/vnet-x", NULL),
        200);
    ck_assert_int_eq(
        cJSON_GetArraySize(json_at(h.json, "properties.addressSpace.addressPrefixes")),
        2);
    ck_assert_int_eq(call_arm(CALL_GET,
                              "/providers/Microsoft.Network/virtualNetworks/vnet-apim",
                              NULL),
                     404);
    ck_assert_int_eq(count_groups(), 2);
}
END_TEST

static void count_warning(void *context, enum log_level level, const char *text)
{
    ck_assert_int_eq(level, LOG_WARNING);
    ck_assert_ptr_nonnull(strstr(text, " keeps the world that it was made with; "));
    ck_assert_ptr_nonnull(strstr(text, h.description));
    ++*(int *)context;
}

START_TEST(who_describes_another_world_than_the_state_file_has_is_told)
{
    static const struct {
        const char *description;
        int warnings;
    } rows[] = {
        {"{\"service\": \"fabrikam\"}", 0}, {"{\"service\": \"other\"}", 1}, {"{}", 2}};
    int warnings = 0;

    write_file(h.description, rows[0].description);
    ck_assert_ptr_null(open_world_with(h.state, h.description, 1));
    log_set_sink(count_warning, &warnings);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        close_world();
        write_file(h.description, rows[i].description);
        ck_assert_ptr_null(open_world_with(h.state, h.description, 1));
        ck_assert_int_eq(warnings, rows[i].warnings);
        ck_assert_str_eq(h.world->profile.service, "fabrikam");
    }
    log_set_sink(NULL, NULL);
}
END_TEST

START_TEST(groups_can_be_made_by_the_thousand)
{
    write_file(h.description,
               "{\"groups\":{\"prefix\":\"team-\",\"count\":1000,\"members\":2}}");
    ck_assert_ptr_null(open_world_with(NULL, h.description, 1));
    ck_assert_int_eq(count_groups(), 1000);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "value")), 999);
}
END_TEST

/* ---- time ---- */

START_TEST(durations_depend_on_seed_resource_and_verb_alone)
{
    ck_assert_ptr_null(open_world_with(NULL, NULL, 1));

    const int64_t first_ms = world_duration(h.world, &gateway_kind, "create", "/a");

    for (int i = 0; i < 100; i++) {
        char key[16];

        snprintf(key, sizeof key, "/gw%d", i);

        const int64_t span_ms = world_duration(h.world, &gateway_kind, "create", key);

        ck_assert_int_ge(span_ms, 10200 * 1000);
        ck_assert_int_le(span_ms, 11400 * 1000);
    }
    ck_assert_int_ne(world_duration(h.world, &gateway_kind, "create", "/b"), first_ms);
    close_world();
    ck_assert_ptr_null(open_world_with(NULL, NULL, 2));
    ck_assert_int_ne(world_duration(h.world, &gateway_kind, "create", "/a"), first_ms);
    close_world();
    ck_assert_ptr_null(open_world_with(NULL, NULL, 1));
    ck_assert_int_eq(world_duration(h.world, &gateway_kind, "create", "/a"), first_ms);
}
END_TEST

START_TEST(a_client_is_told_to_wait_in_its_own_seconds)
{
    ck_assert_ptr_null(open_world_with(NULL, NULL, 1));
    ck_assert_int_eq(world_retry_after(h.world, 60), 60);
    h.world->clients_are_elsewhere = true;
    ck_assert_int_eq(world_retry_after(h.world, 60), 1);
    close_world();
    clock_init(&h.clock, CLOCK_SCALED, 20);
    ck_assert_ptr_null(open_world_with(NULL, NULL, 1));
    ck_assert_int_eq(world_retry_after(h.world, 60), 60); /* one process, one clock */
    h.world->clients_are_elsewhere = true;
    ck_assert_int_eq(world_retry_after(h.world, 60), 3);
    ck_assert_int_eq(world_retry_after(h.world, 1), 1);
}
END_TEST

/* ---- the server ---- */

static const struct {
    const char *address, *why;
} bad_addresses[] = {
    {"nonsense", "is not an address"},     {"127.0.0.1", "is not an address"},
    {"127.0.0.1:", "is not an address"},   {"127.0.0.1:99999", "is not an address"},
    {"127.0.0.1:1x", "is not an address"}, {"::1:0", "is not an address"},
    {"[::1]", "is not an address"},        {"[::1:0", "is not an address"},
    {"[127.0.0.1]:0", "not an address"},   {"[:0", "is not an address"},
    {"192.0.2.1:0", "cannot listen on"}};

START_TEST(a_bad_address_is_refused)
{
    const struct sim_options options = {.address = bad_addresses[_i].address};
    struct loop *loop = loop_new(&h.clock);
    struct failure *failure = NULL;

    ck_assert_ptr_null(sim_open(loop, &options, &failure));
    check_failure(failure, bad_addresses[_i].address, bad_addresses[_i].why);
    loop_free(loop);
}
END_TEST

START_TEST(a_port_that_is_taken_is_refused)
{
    struct sim_options options = {.address = "127.0.0.1:0"};
    struct loop *loop = loop_new(&h.clock);
    struct failure *failure = NULL;
    struct sim *first = sim_open(loop, &options, &failure);

    ck_assert_ptr_nonnull(first);
    options.address = sim_profile(first)->endpoint + strlen("http://");
    ck_assert_ptr_null(sim_open(loop, &options, &failure));
    check_failure(failure, options.address, "in use");
    sim_close(first);
    loop_free(loop);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim state");
    TCase *state = add_case(suite, "state files", open_harness, close_harness),
          *worlds = add_case(suite, "world files", open_harness, close_harness);
    TCase *time_case = add_case(suite, "time", open_harness, close_harness),
          *server = add_case(suite, "server", open_harness, close_harness);

    tcase_add_test(state, a_world_goes_on_where_it_was_left);
    tcase_add_test(state, an_operation_goes_on_after_a_restart);
    tcase_add_test(state, requests_are_counted_over_restarts);
    tcase_add_test(state, an_acknowledged_write_outlives_its_process);
    tcase_add_test(state, a_file_that_is_not_ours_is_refused_and_left_alone);
    tcase_add_test(state, a_damaged_file_is_refused);
    tcase_add_test(state, a_file_that_is_in_use_or_out_of_reach_is_refused);
    tcase_add_loop_test(worlds, a_wrong_world_file_is_refused_with_file_and_reason, 0,
                        COUNT_OF(bad_worlds));
    tcase_add_test(worlds, a_world_file_that_is_not_there_is_refused);
    tcase_add_test(worlds, a_world_is_made_as_its_file_says_and_the_state_file_keeps_it);
    tcase_add_test(worlds, who_describes_another_world_than_the_state_file_has_is_told);
    tcase_add_test(worlds, groups_can_be_made_by_the_thousand);
    tcase_add_test(time_case, durations_depend_on_seed_resource_and_verb_alone);
    tcase_add_test(time_case, a_client_is_told_to_wait_in_its_own_seconds);
    tcase_add_loop_test(server, a_bad_address_is_refused, 0, COUNT_OF(bad_addresses));
    tcase_add_test(server, a_port_that_is_taken_is_refused);

    return run_suite(suite);
}
