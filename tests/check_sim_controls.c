/* Suite: the simulator's own controls: clock, reset, dump and load, log, faults. */
#include <stdlib.h>

#include <check.h>

#include "base/json.h"
#include "base/memory.h"
#include "sim/directory.h"
#include "sim/request_log.h"
#include "tests/suite.h"
#include "tests/world.h"

#define SERVICE   "/providers/Microsoft.ApiManagement/service/contoso-apim"
#define WORKSPACE SERVICE "/workspaces/payments"
#define GATEWAY   "/providers/Microsoft.ApiManagement/gateways/gw-1"
#define NEW_GATEWAY                                                                      \
    "{\"location\":\"westeurope\",\"sku\":{\"name\":\"WorkspaceGatewayPremium\","        \
    "\"capacity\":1},\"properties\":{}}"
#define NEW_WORKSPACE "{\"properties\":{\"displayName\":\"Payments\"}}"

static int control(enum call_method method, const char *name, const char *body)
{
    char *path = memory_format("/_sim/%s", name);
    const int status = ask(method, path, body);

    free(path);
    return status;
}

static int make_workspace(void)
{
    return call_arm(CALL_PUT, WORKSPACE, NEW_WORKSPACE);
}

/* The latest dump; owned by the caller. */
static char *dump(void)
{
    ck_assert_int_eq(control(CALL_GET, "world", NULL), 200);
    return memory_copy_string(h.answer.body.data);
}

/* ---- clock ---- */

START_TEST(time_can_be_moved_by_a_span_or_to_a_moment)
{
    open_world("now = '2026-01-05T09:00:00Z'", NULL, 1);
    ck_assert_int_eq(control(CALL_POST, "clock", "{\"advance\":\"1h30m\"}"), 200);
    ck_assert_str_eq(said("now"), "2026-01-05T10:30:00.000Z");
    ck_assert_int_eq(control(CALL_POST, "clock", "{\"to\":\"2026-01-05T11:00:00Z\"}"),
                     200);
    ck_assert_str_eq(said("now"), "2026-01-05T11:00:00.000Z");
    ck_assert_str_eq(said("mode"), "virtual");
    ck_assert_int_eq(control(CALL_GET, "clock", NULL), 200);
    ck_assert_str_eq(said("now"), "2026-01-05T11:00:00.000Z");
}
END_TEST

START_TEST(what_is_due_happens_on_the_way)
{
    open_world("durations = {['gateway.create'] = {'3h', '3h'}}\n"
               "now = '2026-01-05T09:00:00Z' token_life = '1d'",
               NULL, 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, NEW_GATEWAY), 201);
    ck_assert_int_eq(control(CALL_POST, "clock", "{\"advance\":\"2h\"}"), 200);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Activating");
    ck_assert_int_eq(control(CALL_POST, "clock", "{\"to\":\"2026-01-05T12:00:00Z\"}"),
                     200);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
}
END_TEST

START_TEST(a_real_clock_can_be_moved_too)
{
    clock_init(&h.clock, CLOCK_REAL, 1);
    open_world(NULL, NULL, 1);

    const int64_t before_ms = world_read_clock(h.world);

    ck_assert_int_eq(control(CALL_POST, "clock", "{\"advance\":\"2d\"}"), 200);
    ck_assert_int_ge(world_read_clock(h.world) - before_ms, 2 * 24 * 3600 * 1000);
}
END_TEST

static const struct {
    enum call_method method;
    const char *name, *body;
    int status;
    const char *says;
} mistakes[] = {
    {CALL_POST, "clock", NULL, 400, "Say either"},
    {CALL_POST, "clock", "{}", 400, "Say either"},
    {CALL_POST, "clock", "{\"advance\":\"1h\",\"to\":\"x\"}", 400, "Say either"},
    {CALL_POST, "clock", "{\"advance\":\"soon\"}", 400,
     "advance: 'soon' is not a duration"},
    {CALL_POST, "clock", "{\"advance\":\"11000d\"}", 400, "up to 10 years"},
    {CALL_POST, "clock", "{\"advance\":\"3653d\"}", 400, "advance: '3653d' is too far"},
    {CALL_POST, "clock", "{\"to\":\"noon\"}", 400, "to: 'noon' is not a time"},
    {CALL_POST, "clock", "{\"to\":\"2020-01-01T00:00:00Z\"}", 400, "is past"},
    {CALL_POST, "clock", "{\"to\":\"2999-01-01T00:00:00Z\"}", 400, "too far ahead"},
    {CALL_PUT, "world", "groups = {{}}", 400, "groups[1]: 'name' is missing"},
    {CALL_PUT, "world", "", 400, "line 1, column 1: not JSON"},
    {CALL_PUT, "world", "{\"moongate_world\":3,\"options\":{},\"now\":\"x\"}", 400,
     "now: a time expected"},
    {CALL_PUT, "world",
     "{\"moongate_world\":3,\"options\":{},\"now\":\"2026-01-01T00:00:00Z\"}", 400,
     "tables: an object expected"},
    {CALL_PUT, "world",
     "{\"moongate_world\":3,\"options\":{},\"now\":\"2026-01-01T00:00:00Z\",\"tables\":"
     "{\"no\":[]}}",
     400, "tables.no: there is no such table"},
    {CALL_PUT, "world",
     "{\"moongate_world\":3,\"options\":{},\"now\":\"2026-01-01T00:00:00Z\",\"tables\":"
     "{\"entity\":[{\"type\":\"x\"}]}}",
     400, "tables.entity[0]: no such kind: 'x'"},
    {CALL_PUT, "world",
     "{\"moongate_world\":3,\"options\":{},\"now\":\"2026-01-01T00:00:00Z\",\"tables\":"
     "{\"object\":[{\"type\":\"User\",\"body\":\"{\"}]}}",
     400, "tables.object[0]: its body is no JSON"},
    {CALL_PUT, "world",
     "{\"moongate_world\":3,\"options\":{},\"now\":\"2026-01-01T00:00:00Z\",\"tables\":"
     "{\"member\":[{\"x\\\"y\":\"User\"}]}}",
     400, "tables.member[0]: "},
    {CALL_PUT, "world",
     "{\"moongate_world\":3,\"options\":{},\"now\":\"2026-01-01T00:00:00Z\",\"tables\":"
     "{\"member\":[{\"owner\":\"a\"}]}}",
     400, "tables.member[0]: NOT NULL constraint failed"},
    {CALL_PUT, "world",
     "{\"moongate_world\":3,\"options\":{},\"now\":\"2026-01-01T00:00:00Z\",\"tables\":"
     "{\"bin\":[{\"type\":\"User\",\"body\":\"{\\\"id\\\":\\\"a\\\"}\",\"object\":\"{}\"}"
     "]}}",
     400, "tables.bin[0]: its object or its links are no JSON"},
    {CALL_GET, "log?since=x", NULL, 400, "since: 'x' is not a whole number"},
    {CALL_GET, "log?limit=10001", NULL, 400,
     "limit: '10001' is not a whole number from 0 "
     "to 10000"},
    {CALL_POST, "faults", "thrttle=1", 400, "did you mean 'throttle'"},
    {CALL_GET, "reset", NULL, 405, "has no such method"},
    {CALL_DELETE, "world", NULL, 405, "has no such method"},
    {CALL_GET, "wurld", NULL, 404, "is not known here"},
    {CALL_GET, "world/x", NULL, 404, "is not known here"},
};

START_TEST(a_wrong_request_changes_nothing_and_is_told_why)
{
    open_world("now = '2026-01-05T09:00:00Z'", NULL, 1);
    ck_assert_int_eq(make_workspace(), 201);

    char *before = dump(), *after;

    ck_assert_int_eq(control(mistakes[_i].method, mistakes[_i].name, mistakes[_i].body),
                     mistakes[_i].status);
    ck_assert_msg(strstr(said("error.message"), mistakes[_i].says) != NULL,
                  "'%s' does not say '%s'", said("error.message"), mistakes[_i].says);
    after = dump();
    ck_assert_str_eq(strstr(before, "\"version\""), strstr(after, "\"version\""));
    free(before);
    free(after);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACE, NULL), 200); /* the token is good */
}
END_TEST

/* ---- reset ---- */

START_TEST(a_reset_world_is_as_it_began)
{
    open_world("now = '2026-01-05T09:00:00Z' workspaces = {{name = 'first'}}\n"
               "faults = 'lro-fail=x'",
               NULL, 1);
    ck_assert_int_eq(make_workspace(), 201);
    ck_assert_int_eq(call_arm(CALL_DELETE, SERVICE "/workspaces/first", NULL), 400);
    ck_assert_int_eq(control(CALL_DELETE, "faults", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "faults")), 0);
    ck_assert_int_eq(control(CALL_POST, "clock", "{\"advance\":\"10m\"}"), 200);
    ck_assert_int_eq(control(CALL_POST, "reset", NULL), 200);
    ck_assert_str_eq(said("now"), "2026-01-05T09:00:00.000Z");
    ck_assert_int_eq(control(CALL_GET, "ledger", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "resources")), 0);
    ck_assert_int_eq(control(CALL_GET, "faults", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "faults")), 1);
    ck_assert_int_eq(control(CALL_GET, "log", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "requests")), 0);
    ck_assert_int_eq(control(CALL_GET, "requests", NULL), 200);
    ck_assert_double_eq(json_number_at(h.json, "writes", -1), 0);
    ck_assert_int_eq(call_arm(CALL_GET, SERVICE "/workspaces/first", NULL), 200);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACE, NULL), 404);
}
END_TEST

START_TEST(a_reset_ends_what_was_under_way)
{
    open_world("token_life = '1d'", NULL, 1);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, NEW_GATEWAY), 201);
    ck_assert_int_lt(world_next_event(h.world), INT64_MAX);
    ck_assert_int_eq(control(CALL_POST, "reset", NULL), 200);
    ck_assert_int_eq(world_next_event(h.world), INT64_MAX);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 404);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, NEW_GATEWAY), 201);
}
END_TEST

/* The same calls after a reset get the same answers, to the letter. */
START_TEST(a_test_can_be_run_again_after_a_reset)
{
    open_world("now = '2026-01-05T09:00:00Z'", NULL, 1);
    ck_assert_int_eq(control(CALL_POST, "reset", NULL), 200);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, NEW_GATEWAY), 201);

    char *operation = memory_copy_string(h.answer.async_operation);
    char *body = memory_copy_string(h.answer.body.data);

    ck_assert_int_eq(control(CALL_POST, "reset", NULL), 200);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, NEW_GATEWAY), 201);
    ck_assert_str_eq(h.answer.body.data, body);
    ck_assert_str_eq(h.answer.async_operation, operation);
    free(operation);
    free(body);
}
END_TEST

/* ---- dump and load ---- */

START_TEST(a_dump_brings_a_world_back)
{
    open_world(
        "token_life = '1d' applications = {{name = 'bot', secret = 'told-by-file'}}",
        NULL, 1);
    ck_assert_int_eq(make_workspace(), 201);
    ck_assert_int_eq(call_arm(CALL_PUT, GATEWAY, NEW_GATEWAY), 201);
    ck_assert_int_eq(control(CALL_POST, "faults", "lro-fail=gw-9"), 200);

    char *text = dump(), *again;

    ck_assert_ptr_null(strstr(text, h.world->profile.client_secret));
    ck_assert_ptr_null(strstr(text, "token_key"));
    ck_assert_int_eq(call_arm(CALL_PUT, SERVICE "/workspaces/other", NEW_WORKSPACE), 201);
    ck_assert_int_eq(control(CALL_POST, "clock", "{\"advance\":\"5h\"}"), 200);
    ck_assert_int_eq(control(CALL_PUT, "world", text), 200);
    again = dump();
    ck_assert_str_eq(strstr(again, "\"version\""), strstr(text, "\"version\""));
    ck_assert_int_eq(call_arm(CALL_GET, SERVICE "/workspaces/other", NULL), 404);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Created");
    ck_assert_int_eq(control(CALL_POST, "clock", "{\"advance\":\"5h\"}"), 200);
    ck_assert_int_eq(call_arm(CALL_GET, GATEWAY, NULL), 200);
    ck_assert_str_eq(said("properties.provisioningState"), "Succeeded");
    sign_in(); /* with the secret that the dump left out */
    free(text);
    free(again);
}
END_TEST

static const char *first_id(void)
{
    return json_string_at(json_at(h.json, "value")->child, "id");
}

START_TEST(what_was_deleted_can_be_restored_from_a_dump)
{
    open_world("applications = {{name = 'bot', secret = 'told-by-file'}}", NULL, 1);

    char *owner = h.bearer, *path, *text;

    h.bearer = plane_sign_in(h.world, &h.answer, &h.json, "https://graph.microsoft.com");
    ck_assert_int_eq(
        ask(CALL_GET, "/v1.0/servicePrincipals?$filter=displayName+eq+'bot'", NULL), 200);
    path = memory_format("/v1.0/servicePrincipals/%s", first_id());
    ck_assert_int_eq(ask(CALL_DELETE, path, NULL), 204);
    text = dump();
    ck_assert_ptr_null(strstr(text, "\\\"told-by-file\\\""));
    ck_assert_int_eq(control(CALL_PUT, "world", text), 200);
    free(path);
    ck_assert_int_eq(ask(CALL_GET,
                         "/v1.0/directory/deletedItems/microsoft.graph.servicePrincipal",
                         NULL),
                     200);
    path = memory_format("/v1.0/directory/deletedItems/%s/restore", first_id());
    ck_assert_int_eq(ask(CALL_POST, path, ""), 200);
    ck_assert(directory_check_secret(h.world, said("appId"), "told-by-file"));
    free(h.bearer), free(path), free(text);
    h.bearer = owner;
}
END_TEST

START_TEST(a_dump_is_a_world_file_too)
{
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(make_workspace(), 201);

    char *text = dump();

    close_world();
    open_world(text, NULL, 1);
    ck_assert_int_eq(call_arm(CALL_GET, WORKSPACE, NULL), 200);
    ck_assert_int_eq(control(CALL_GET, "ledger", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "resources")), 1);
    free(text);
}
END_TEST

START_TEST(a_loaded_world_file_replaces_the_world)
{
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(make_workspace(), 201);
    ck_assert_int_eq(control(CALL_PUT, "world",
                             "service = 'other' limits = {reads = {5, 1}}\n"
                             "workspaces = {{name = 'w'}}"),
                     200);
    ck_assert_str_eq(h.world->profile.service, "other");
    ck_assert_int_eq(
        call_arm(CALL_GET,
                 "/providers/Microsoft.ApiManagement/service/other/workspaces/w", NULL),
        200);
    ck_assert_str_eq(header("x-ms-ratelimit-remaining-subscription-reads"), "4");
    ck_assert_int_eq(call_arm(CALL_GET, SERVICE, NULL), 404);
    ck_assert_int_eq(control(CALL_PUT, "world", "{}"), 200); /* once more */
    ck_assert_int_eq(call_arm(CALL_GET, SERVICE, NULL), 200);
}
END_TEST

START_TEST(a_loaded_world_is_what_the_state_file_keeps)
{
    strcpy(h.state, "/tmp/check_controls.XXXXXX");

    const int fd = mkstemp(h.state);

    ck_assert_int_ge(fd, 0);
    close(fd);
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(control(CALL_PUT, "world", "workspaces = {{name = 'kept'}}"), 200);
    close_world();
    open_world(NULL, NULL, 1);
    ck_assert_int_eq(call_arm(CALL_GET, SERVICE "/workspaces/kept", NULL), 200);
    close_world();
    unlink(h.state);
}
END_TEST

/* ---- log ---- */

static const cJSON *logged(int index)
{
    return cJSON_GetArrayItem(json_at(h.json, "requests"), index);
}

START_TEST(each_request_is_in_the_log)
{
    open_world("now = '2026-01-05T09:00:00Z'", NULL, 1);
    ck_assert_int_eq(make_workspace(), 201);
    ck_assert_int_eq(control(CALL_GET, "log", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "requests")), 2);
    ck_assert_str_eq(json_string_at(logged(0), "method"), "POST");
    ck_assert(cJSON_IsNull(json_at(logged(0), "principal")));
    ck_assert_str_eq(json_string_at(logged(1), "method"), "PUT");
    ck_assert_str_eq(json_string_at(logged(1), "principal"), "contoso-automation");
    ck_assert_str_eq(json_string_at(logged(1), "time"), "2026-01-05T09:00:00.000Z");
    ck_assert_ptr_nonnull(
        strstr(json_string_at(logged(1), "target"), "/workspaces/payments?" VERSION));
    ck_assert_double_eq(json_number_at(logged(1), "status", 0), 201);
    ck_assert_double_eq(json_number_at(logged(1), "number", 0), 2);
    ck_assert(cJSON_IsNull(json_at(logged(1), "fault")));
    ck_assert_int_eq((int)strlen(json_string_at(logged(1), "request_id")), 36);
    ck_assert_ptr_null(strstr(h.answer.body.data, "displayName"));
    ck_assert_ptr_null(strstr(h.answer.body.data, "eyJ"));
    ck_assert_ptr_null(strstr(h.answer.body.data, "secret"));
}
END_TEST

START_TEST(the_log_says_which_fault_struck)
{
    open_world(NULL, "throttle=#1,reset-after=#1", 1);
    ck_assert_int_eq(make_workspace(), 429);
    make_workspace();
    ck_assert_int_eq(make_workspace(), 200);
    ck_assert_int_eq(control(CALL_GET, "log?since=1", NULL), 200);
    ck_assert_str_eq(json_string_at(logged(0), "fault"), "throttle");
    ck_assert_double_eq(json_number_at(logged(0), "status", 0), 429);
    ck_assert_str_eq(json_string_at(logged(1), "fault"), "reset-after");
    ck_assert(cJSON_IsNull(json_at(logged(1), "status")));
    ck_assert(cJSON_IsNull(json_at(logged(2), "fault")));
}
END_TEST

START_TEST(the_log_is_read_on_from_where_it_was_left)
{
    open_world("limits = {reads = 0}", NULL, 1);
    for (int i = 0; i < 5; i++)
        call_arm(CALL_GET, WORKSPACE, NULL);
    ck_assert_int_eq(control(CALL_GET, "log?since=2&limit=2", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "requests")), 2);
    ck_assert_double_eq(json_number_at(logged(0), "number", 0), 3);
    ck_assert_double_eq(json_number_at(h.json, "last", 0), 6);
    ck_assert_int_eq(control(CALL_GET, "log?since=6", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "requests")), 0);
}
END_TEST

START_TEST(the_log_keeps_the_latest)
{
    open_world("limits = {reads = 0}", NULL, 1);
    for (int i = 0; i < REQUEST_LOG_LIMIT + 5; i++)
        call_arm(CALL_GET, WORKSPACE, NULL);
    ck_assert_int_eq(control(CALL_GET, "log?limit=10000", NULL), 200);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(h.json, "requests")), REQUEST_LOG_LIMIT);
    ck_assert_double_eq(json_number_at(h.json, "oldest", 0), 7);
    ck_assert_double_eq(json_number_at(logged(0), "number", 0), 7);
    ck_assert_double_eq(json_number_at(logged(REQUEST_LOG_LIMIT - 1), "number", 0),
                        REQUEST_LOG_LIMIT + 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim controls");
    TCase *time = add_case(suite, "clock", open_harness, close_harness),
          *errors = add_case(suite, "errors", open_harness, close_harness);
    TCase *worlds = add_case(suite, "worlds", open_harness, close_harness),
          *log = add_case(suite, "log", open_harness, close_harness);

    tcase_add_test(time, time_can_be_moved_by_a_span_or_to_a_moment);
    tcase_add_test(time, what_is_due_happens_on_the_way);
    tcase_add_test(time, a_real_clock_can_be_moved_too);
    tcase_add_loop_test(errors, a_wrong_request_changes_nothing_and_is_told_why, 0,
                        (int)(sizeof mistakes / sizeof mistakes[0]));
    tcase_add_test(worlds, a_reset_world_is_as_it_began);
    tcase_add_test(worlds, a_reset_ends_what_was_under_way);
    tcase_add_test(worlds, a_test_can_be_run_again_after_a_reset);
    tcase_add_test(worlds, a_dump_brings_a_world_back);
    tcase_add_test(worlds, what_was_deleted_can_be_restored_from_a_dump);
    tcase_add_test(worlds, a_dump_is_a_world_file_too);
    tcase_add_test(worlds, a_loaded_world_file_replaces_the_world);
    tcase_add_test(worlds, a_loaded_world_is_what_the_state_file_keeps);
    tcase_add_test(log, each_request_is_in_the_log);
    tcase_add_test(log, the_log_says_which_fault_struck);
    tcase_add_test(log, the_log_is_read_on_from_where_it_was_left);
    tcase_add_test(log, the_log_keeps_the_latest);
    return run_suite(suite);
}
