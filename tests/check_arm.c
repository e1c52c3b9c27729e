/* tests/check_arm.c - what is decided about answers: polling, refusals, comparison, turns. */
#include <string.h>

#include <check.h>

#include "arm/compare.h"
#include "arm/poll.h"
#include "arm/refusal.h"
#include "arm/serial.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "harness.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

static cJSON *parse(const char *text)
{
    cJSON *tree = text != NULL ? json_parse(text, strlen(text), NULL) : NULL;

    ck_assert(text == NULL || tree != NULL);
    return tree;
}

/* --- poll_choose ---------------------------------------------------------------------- */

#define STATE(word) "{\"properties\":{\"provisioningState\":\"" word "\"}}"

/* Which header fields the first answer has. */
enum { A = 1, O = 2, L = 4 };

static const struct choose_row {
    const char *method;
    int status;
    unsigned fields;
    const char *body;
    enum poll_method method_wanted;
    const char *url;
} choose_rows[] = {
    {"PUT", 200, 0, NULL, POLL_NOTHING, NULL},
    {"PUT", 200, 0, STATE("Succeeded"), POLL_NOTHING, NULL},
    {"PUT", 201, 0, STATE("succeeded"), POLL_NOTHING, NULL},
    {"PUT", 201, 0, STATE("Creating"), POLL_SELF, NULL},
    {"PUT", 201, 0, STATE("Created"), POLL_SELF, NULL},
    {"PUT", 200, 0, "{\"provisioningState\":\"Updating\"}", POLL_SELF, NULL},
    {"PATCH", 200, 0, STATE("Updating"), POLL_SELF, NULL},
    {"PUT", 202, 0, NULL, POLL_SELF, NULL},
    {"PATCH", 202, 0, NULL, POLL_SELF, NULL},
    {"PUT", 204, 0, NULL, POLL_NOTHING, NULL},
    {"PUT", 202, L, NULL, POLL_LOCATION, "l"},
    {"PUT", 201, L, STATE("Creating"), POLL_LOCATION, "l"},
    {"PUT", 201, L, "{}", POLL_NOTHING, NULL}, /* the address of what was made */
    {"PUT", 202, A | L, NULL, POLL_MONITOR, "a"},
    {"PUT", 200, A, STATE("Succeeded"), POLL_MONITOR, "a"},
    {"PUT", 201, A | O | L, NULL, POLL_MONITOR, "a"},
    {"PUT", 201, O | L, NULL, POLL_MONITOR, "o"},
    {"PATCH", 202, A | L, NULL, POLL_MONITOR, "a"},
    {"DELETE", 200, 0, NULL, POLL_NOTHING, NULL},
    {"DELETE", 204, 0, NULL, POLL_NOTHING, NULL},
    {"DELETE", 200, L, NULL, POLL_NOTHING, NULL},
    {"DELETE", 202, 0, NULL, POLL_ABSENCE, NULL},
    {"DELETE", 202, L, NULL, POLL_LOCATION, "l"},
    {"DELETE", 202, A | L, NULL, POLL_MONITOR, "a"},
    {"POST", 200, 0, "{}", POLL_NOTHING, NULL},
    {"POST", 204, 0, NULL, POLL_NOTHING, NULL},
    {"POST", 202, 0, NULL, POLL_IMPOSSIBLE, NULL},
    {"POST", 202, L, NULL, POLL_LOCATION, "l"},
    {"POST", 202, A, NULL, POLL_MONITOR, "a"},
    {"POST", 202, O, NULL, POLL_MONITOR, "o"},
};

START_TEST(the_first_answer_says_what_to_poll)
{
    const struct choose_row *row = &choose_rows[_i];
    struct transfer answer = {.status = row->status};
    cJSON *body = parse(row->body);
    const char *url = "untouched";

    if ((row->fields & L) != 0)
        buffer_append(&answer.fields, "location\0l", 11);
    if ((row->fields & O) != 0)
        buffer_append(&answer.fields, "operation-location\0o", 21);
    if ((row->fields & A) != 0)
        buffer_append(&answer.fields, "azure-asyncoperation\0a", 23);
    ck_assert_int_eq(poll_choose(row->method, &answer, body, &url), row->method_wanted);
    ck_assert_pstr_eq(url, row->url);
    buffer_deinit(&answer.fields);
    cJSON_Delete(body);
}
END_TEST

/* --- poll_judge ----------------------------------------------------------------------- */

static const struct judge_row {
    enum poll_method method;
    const char *first_method;
    int status;
    const char *body;
    enum poll_verdict verdict;
    const char *state;
} judge_rows[] = {
    {POLL_MONITOR, "PUT", 200, "{\"status\":\"Succeeded\"}", POLL_SUCCEEDED, "Succeeded"},
    {POLL_MONITOR, "PUT", 202, "{\"status\":\"Succeeded\"}", POLL_SUCCEEDED, "Succeeded"},
    {POLL_MONITOR, "PUT", 200, "{\"status\":\"InProgress\"}", POLL_RUNNING, "InProgress"},
    {POLL_MONITOR, "PUT", 200, "{\"status\":\"Failed\"}", POLL_FAILED, "Failed"},
    {POLL_MONITOR, "PUT", 200, "{\"status\":\"cancelled\"}", POLL_CANCELED, "cancelled"},
    {POLL_MONITOR, "PUT", 200, "{}", POLL_MALFORMED, NULL},
    {POLL_MONITOR, "PUT", 200, "{\"status\":3}", POLL_MALFORMED, NULL},
    {POLL_MONITOR, "PUT", 200, "[]", POLL_MALFORMED, NULL},
    {POLL_MONITOR, "PUT", 200, NULL, POLL_MALFORMED, NULL},
    {POLL_MONITOR, "PUT", 204, NULL, POLL_MALFORMED, NULL},
    {POLL_MONITOR, "DELETE", 204, NULL, POLL_SUCCEEDED, NULL},
    {POLL_MONITOR, "DELETE", 200, NULL, POLL_MALFORMED, NULL},
    {POLL_LOCATION, "PUT", 202, NULL, POLL_RUNNING, NULL},
    {POLL_LOCATION, "PUT", 202, STATE("Succeeded"), POLL_RUNNING, "Succeeded"},
    {POLL_LOCATION, "PUT", 200, NULL, POLL_SUCCEEDED, NULL},
    {POLL_LOCATION, "PUT", 201, "{}", POLL_SUCCEEDED, NULL},
    {POLL_LOCATION, "DELETE", 204, NULL, POLL_SUCCEEDED, NULL},
    {POLL_LOCATION, "PUT", 200, STATE("Updating"), POLL_SUCCEEDED, "Updating"},
    {POLL_LOCATION, "PUT", 200, STATE("Failed"), POLL_FAILED, "Failed"},
    {POLL_LOCATION, "PUT", 200, STATE("Canceled"), POLL_CANCELED, "Canceled"},
    {POLL_SELF, "PUT", 200, STATE("Creating"), POLL_RUNNING, "Creating"},
    {POLL_SELF, "PUT", 200, STATE("Succeeded"), POLL_SUCCEEDED, "Succeeded"},
    {POLL_SELF, "PUT", 200, "{}", POLL_SUCCEEDED, NULL},
    {POLL_SELF, "PUT", 202, NULL, POLL_RUNNING, NULL},
    {POLL_SELF, "PUT", 204, NULL, POLL_SUCCEEDED, NULL},
    {POLL_SELF, "PUT", 200, NULL, POLL_MALFORMED, NULL},
    {POLL_SELF, "PUT", 200, STATE("Failed"), POLL_FAILED, "Failed"},
    {POLL_ABSENCE, "DELETE", 200, STATE("Deleting"), POLL_RUNNING, "Deleting"},
    {POLL_ABSENCE, "DELETE", 200, STATE("Succeeded"), POLL_RUNNING, "Succeeded"},
};

START_TEST(each_answer_to_a_poll_is_judged)
{
    const struct judge_row *row = &judge_rows[_i];
    cJSON *body = parse(row->body);
    const char *state = "untouched";

    ck_assert_int_eq(poll_judge(row->method, row->first_method, row->status, body,
                                row->body != NULL, &state),
                     row->verdict);
    ck_assert_pstr_eq(state, row->state);
    cJSON_Delete(body);
}
END_TEST

static const struct {
    const char *state;
    enum poll_verdict verdict;
} state_rows[] = {
    {NULL, POLL_SUCCEEDED},
    {"Succeeded", POLL_SUCCEEDED},
    {"SUCCEEDED", POLL_SUCCEEDED},
    {"Completed", POLL_SUCCEEDED},
    {"Failed", POLL_FAILED},
    {"failed", POLL_FAILED},
    {"Canceled", POLL_CANCELED},
    {"Cancelled", POLL_CANCELED},
    {"NotStarted", POLL_RUNNING},
    {"Accepted", POLL_RUNNING},
    {"Created", POLL_RUNNING},
    {"Activating", POLL_RUNNING},
    {"Deleting", POLL_RUNNING},
    {"Preparing System Configuration", POLL_RUNNING},
    {"", POLL_RUNNING},
    {"Succeeded2", POLL_RUNNING},
};

START_TEST(only_known_final_words_are_final)
{
    ck_assert_int_eq(poll_judge_state(state_rows[_i].state), state_rows[_i].verdict);
}
END_TEST

/* --- poll_pause_ms -------------------------------------------------------------------- */

static const struct pause_row {
    int64_t asked_ms, age_ms;
    unsigned polls;
    int64_t pause_ms;
} pause_rows[] = {
    {-1, 0, 0, 2000},    /* the first pause */
    {-1, 2000, 1, 3000}, /* half as much more each time */
    {-1, 5000, 2, 4500},
    {-1, 60000, 20, 30000},  /* up to half a minute */
    {-1, 600000, 40, 40000}, /* from then on by age */
    {-1, 3600000, 80, 240000},
    {-1, 5400000, 90, 300000}, /* up to five minutes */
    {-1, 10800000, 100, 300000},
    {0, 0, 0, 0}, /* at once, when asked for */
    {0, 0, 1, 0},
    {0, 0, 2, 4500},      /* but not for ever */
    {17000, 0, 0, 17000}, /* as asked */
    {10000, 10000, 30, 10000},
    {10000, 3600000, 30, 240000}, /* what is asked is the least */
    {600000, 0, 0, 600000},       /* and goes above five minutes */
    {600000, 10800000, 60, 600000},
    {61000, 0, 0, 70000}, /* above a minute on the grid */
    {60000, 0, 0, 60000},
};

START_TEST(pauses_grow_with_age_and_are_never_shorter_than_asked)
{
    const struct pause_row *row = &pause_rows[_i];

    ck_assert_int_eq(poll_pause_ms(row->asked_ms, row->age_ms, row->polls),
                     row->pause_ms);
}
END_TEST

START_TEST(many_polls_do_not_overflow_a_pause)
{
    ck_assert_int_eq(poll_pause_ms(-1, 0, 4000000000u), 30000);
    ck_assert_int_eq(poll_pause_ms(-1, INT64_C(1) << 50, 4000000000u), 300000);
}
END_TEST

/* --- refusals ------------------------------------------------------------------------- */

static const struct refusal_row {
    int status;
    const char *text;
    const char *code, *message; /* of the failure, the message from its start */
    const char *target;
    bool is_retryable;
} refusal_rows[] = {
    {404, "{\"error\":{\"code\":\"ResourceNotFound\",\"message\":\"It was not found.\"}}",
     "ResourceNotFound", "It was not found.", NULL, false},
    {400,
     "{\"error\":{\"code\":\"ValidationError\",\"message\":\"Two are "
     "wrong\",\"details\":[{"
     "\"code\":\"V\",\"message\":\"too long\",\"target\":\"name\"},{\"message\":\"too "
     "short\"}]}}",
     "ValidationError", "Two are wrong; name: too long; too short", NULL, false},
    {400,
     "{\"error\":{\"code\":\"V\",\"target\":\"sku\",\"details\":[{\"message\":\"bad\"}]}"
     "}",
     "V", "bad", "sku", false},
    {400,
     "{\"error\":{\"code\":\"V\",\"message\":\"bad\",\"details\":[{\"message\":\"bad\"}]}"
     "}",
     "V", "bad", NULL, false},
    {403,
     "{\"error\":{\"code\":\"Authorization_RequestDenied\",\"message\":\"Insufficient "
     "privileges\",\"innerError\":{\"request-id\":\"1\"}}}",
     "Authorization_RequestDenied", "Insufficient privileges", NULL, false},
    {401, "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: no\"}",
     "invalid_client", "AADSTS7000215: no", NULL, false},
    {400, "{\"error\":\"invalid_scope\"}", "invalid_scope", "invalid_scope", NULL, false},
    {400, "{\"code\":\"Bare\",\"message\":\"without a frame\"}", "Bare",
     "without a frame", NULL, false},
    {400, "{\"Code\":\"Capital\",\"Message\":\"letters\"}", "Capital", "letters", NULL,
     false},
    {500, "{\"error\":{\"code\":500,\"message\":\"a number\"}}", "500", "a number", NULL,
     true},
    {409, "{\"error\":{\"message\":\"no code\"}}", "Conflict", "no code", NULL, false},
    {409, "{\"error\":{\"code\":\"\",\"message\":\"empty code\"}}", "Conflict",
     "empty code", NULL, false},
    {409, "{\"error\":{}}", "Conflict", "no explanation", NULL, false},
    {409, "{\"error\":null}", "Conflict", "{\"error\":null}", NULL, false},
    {409, "[1]", "Conflict", "[1]", NULL, false},
    {502, "<html>\r\n<h1>Bad\tGateway</h1>\n\n</html>\n", "BadGateway", "Bad Gateway",
     NULL, true},
    {502, "<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>",
     "BadGateway", "502 Bad Gateway", NULL, true},
    {503, "<html", "ServiceUnavailable", "the answer has no body", NULL, true},
    {404,
     "<?xml version=\"1.0\"?><Error><Code>ContainerNotFound</Code><Message>There is "
     "none.\nTime:1</Message></Error>",
     "ContainerNotFound", "There is none. Time:1", NULL, false},
    {400, "\xef\xbb\xbf{\"error\":{\"code\":\"Bom\",\"message\":\"in front\"}}", "Bom",
     "in front", NULL, false},
    {400,
     "{\"odata.error\":{\"code\":\"Request_BadRequest\",\"message\":{\"lang\":\"en\","
     "\"value\":\"Invalid filter.\"}}}",
     "Request_BadRequest", "Invalid filter.", NULL, false},
    {409,
     "{\"error\":{\"code\":\"DeploymentFailed\",\"message\":\"{\\\"error\\\":{\\\"code"
     "\\\":\\\"SubnetFull\\\",\\\"message\\\":\\\"none left\\\"}}\"}}",
     "SubnetFull", "none left", NULL, false},
    {403,
     "{\"error\":{\"code\":\"RequestDisallowedByPolicy\",\"message\":\"No.\","
     "\"additionalInfo\":[{\"type\":\"PolicyViolation\",\"info\":{"
     "\"policyDefinitionDisplayName\":\"West only\",\"policyAssignmentName\":\"a1\"}}]}}",
     "RequestDisallowedByPolicy", "No.; policy 'West only' (assignment 'a1')", NULL,
     false},
    {503, "", "ServiceUnavailable", "the answer has no body", NULL, true},
    {404, " \n ", "NotFound", "the answer has no body", NULL, false},
    {412, NULL, "PreconditionFailed", "the answer has no body", NULL, false},
    {429, NULL, "Throttled", "the answer has no body", NULL, true},
    {408, NULL, "HttpError", "the answer has no body", NULL, true},
    {302, NULL, "UnexpectedRedirect", "the answer has no body", NULL, false},
    {418, "teapot", "HttpError", "teapot", NULL, false},
    {400, "{\"error\":{\"code\":\"A\",\"message\":\"one\\nline\\r\\n only \"}}", "A",
     "one line only", NULL, false},
};

START_TEST(a_refusal_of_any_shape_becomes_a_failure)
{
    const struct refusal_row *row = &refusal_rows[_i];
    cJSON *body =
        row->text != NULL ? json_parse(row->text, strlen(row->text), NULL) : NULL;
    struct failure *failure = refusal_from_answer(row->status, body, row->text);

    ck_assert_str_eq(failure->code, row->code);
    ck_assert_msg(strncmp(failure->message, row->message, strlen(row->message)) == 0,
                  "'%s'", failure->message);
    ck_assert_pstr_eq(failure->target, row->target);
    ck_assert_int_eq(failure->status, row->status);
    ck_assert_int_eq(failure->retryable, row->is_retryable);
    failure_free(failure);
    cJSON_Delete(body);
}
END_TEST

START_TEST(a_long_page_is_cut)
{
    char *page = memory_format("%2000d", 7);
    struct failure *failure;

    memset(page, 'x', 1999);
    failure = refusal_from_answer(500, NULL, page);
    ck_assert_uint_lt(strlen(failure->message), 320);
    ck_assert_ptr_nonnull(strstr(failure->message, " ..."));
    ck_assert_ptr_null(failure->request_id);
    failure_free(failure);
    free(page);
}
END_TEST

START_TEST(common_refusals_come_with_a_cure)
{
    cJSON *body =
        parse("{\"error\":{\"code\":\"authorizationfailed\",\"message\":\"no\"}}");
    struct failure *failure = refusal_from_answer(403, body, NULL);

    ck_assert_ptr_nonnull(failure->cure);
    failure_free(failure);
    cJSON_Delete(body);
}
END_TEST

START_TEST(what_lies_below_an_error_is_kept)
{
    cJSON *body = parse("{\"error\":{\"code\":\"Outer\",\"message\":\"o\",\"details\":[{"
                        "\"code\":\"A\",\"message\":\"a\",\"target\":\"t\"}],"
                        "\"innererror\":{\"code\":\"I\",\"innererror\":{\"code\":\"J\","
                        "\"message\":\"j\"}}}}");
    struct failure *failure = refusal_from_answer(400, body, NULL);

    ck_assert_str_eq(failure->details,
                     "[{\"code\":\"I\"},{\"code\":\"J\",\"message\":\"j\"},{\"code\":"
                     "\"A\",\"message\":\"a\",\"target\":\"t\"}]");
    failure_free(failure);
    cJSON_Delete(body);
}
END_TEST

START_TEST(an_error_that_never_ends_is_read_to_a_limit)
{
    struct buffer text = {0};

    for (int i = 0; i < 500; i++)
        buffer_append_string(&text, "{\"code\":\"C\",\"message\":\"m\",\"details\":[");
    for (int i = 0; i < 500; i++)
        buffer_append_string(&text, "]}");

    cJSON *body = parse(text.data);
    struct failure *failure = refusal_from_answer(400, body, text.data);

    ck_assert_str_eq(failure->code, "C");
    ck_assert_uint_lt(strlen(failure->details), 2000);
    failure_free(failure);
    cJSON_Delete(body);
    buffer_deinit(&text);
}
END_TEST

START_TEST(the_request_id_of_graph_is_found)
{
    cJSON *body = parse("{\"error\":{\"code\":\"X\",\"message\":\"m\",\"innerError\":{"
                        "\"request-id\":\"g-1\"}}}");
    struct failure *failure = refusal_from_answer(400, body, NULL);

    ck_assert_str_eq(failure->request_id, "g-1");
    failure_free(failure);
    cJSON_Delete(body);
}
END_TEST

static const struct {
    const char *code, *message;
} passing_rows[] = {
    {"PrincipalNotFound", "x"},
    {"AnotherOperationInProgress", "x"},
    {"ServiceLocked", "The API Service x is transitioning at this time."},
    {"pessimisticconcurrencyconflict", "x"},
    {"RetryableError", "x"},
    {"RetryableErrorDueToAnotherOperation", "x"},
    {"RetryableErrorOfTheFuture", "x"},
    {"ResourceGroupBeingDeleted", "x"},
    {"DeploymentActive", "x"},
    {"Conflict", "Operation on the API is in progress"},
    {"ManagementApiRequestFailed", "Failed: Operation on the API is in progress."},
};

START_TEST(passing_refusals_are_known_and_their_pauses_grow_to_a_limit)
{
    struct failure *failure =
        failure_new(passing_rows[_i].code, "%s", passing_rows[_i].message);
    const struct healing *healing = refusal_healing(failure);
    int64_t last_ms = 0;

    ck_assert_ptr_nonnull(healing);
    ck_assert_int_ge(healing->longest_ms, 120000);
    for (unsigned attempt = 1; attempt < 100; attempt++) {
        const int64_t pause_ms = healing_pause_ms(healing, attempt);

        ck_assert_int_ge(pause_ms, last_ms);
        ck_assert_int_ge(pause_ms, 1000);
        ck_assert_int_le(pause_ms, 60000);
        last_ms = pause_ms;
    }
    failure_free(failure);
}
END_TEST

START_TEST(other_refusals_do_not_heal)
{
    static const char *const codes[] = {"RoleAssignmentExists", "AuthorizationFailed",
                                        "ResourceNotFound", "ValidationError",
                                        "Conflict"};
    struct failure *failure = failure_new(codes[_i], "no");

    ck_assert_ptr_null(refusal_healing(failure));
    ck_assert_ptr_null(refusal_healing_below_new(failure)); /* no 404 */
    failure_free(failure);
}
END_TEST

START_TEST(a_parent_that_is_new_may_not_be_known_yet)
{
    static const char *const codes[] = {"ParentResourceNotFound", "ResourceGroupNotFound",
                                        "resourcenotfound"};
    struct failure *failure = failure_new(codes[_i], "no");

    failure->status = 404;
    ck_assert_ptr_null(refusal_healing(failure));
    ck_assert_ptr_nonnull(refusal_healing_below_new(failure));
    failure_free(failure);
}
END_TEST

/* --- comparison ----------------------------------------------------------------------- */

static const struct compare_row {
    const struct kind *kind;
    const char *have, *wanted;
    const char *field; /* the first that differs, or NULL */
} compare_rows[] = {
    {&workspace_kind, "{\"properties\":{\"displayName\":\"A\",\"description\":\"d\"}}",
     "{\"properties\":{\"displayName\":\"A\"}}", NULL},
    {&workspace_kind, "{\"properties\":{\"displayName\":\"A\"}}",
     "{\"properties\":{\"displayName\":\"a\"}}", "display_name"},
    {&workspace_kind, "{\"properties\":{\"displayName\":\"A\"}}",
     "{\"properties\":{\"description\":\"d\"}}", "description"},
    {&gateway_kind, "{\"location\":\"West Europe\"}", "{\"location\":\"westeurope\"}",
     NULL},
    {&gateway_kind, "{\"location\":\"North Europe\"}", "{\"location\":\"westeurope\"}",
     "location"},
    {&gateway_kind, "{\"sku\":{\"name\":\"workspacegatewaypremium\",\"capacity\":1}}",
     "{\"sku\":{\"name\":\"WorkspaceGatewayPremium\"}}", NULL},
    {&gateway_kind, "{\"sku\":{\"name\":\"WorkspaceGatewayPremium\",\"capacity\":1}}",
     "{\"sku\":{\"capacity\":2}}", "units"},
    {&gateway_kind,
     "{\"properties\":{\"backend\":{\"subnet\":{\"id\":\"/SUBSCRIPTIONS/S/subnets/"
     "a\"}}}}",
     "{\"properties\":{\"backend\":{\"subnet\":{\"id\":\"/subscriptions/s/subnets/"
     "A\"}}}}",
     NULL},
    {&gateway_kind, "{\"tags\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"tags\":{\"a\":\"1\"}}",
     NULL},
    {&gateway_kind, "{\"tags\":{\"a\":\"1\"}}", "{\"tags\":{\"a\":\"A\"}}", "tags"},
    {&role_assignment_kind,
     "{\"properties\":{\"roleDefinitionId\":\"/subscriptions/s/providers/"
     "Microsoft.Authorization/roleDefinitions/ABC\"}}",
     "{\"properties\":{\"roleDefinitionId\":\"/providers/Microsoft.Authorization/"
     "roleDefinitions/abc\"}}",
     NULL},
    {&role_assignment_kind,
     "{\"properties\":{\"roleDefinitionId\":\"/p/roleDefinitions/abc\"}}",
     "{\"properties\":{\"roleDefinitionId\":\"/p/roleDefinitions/abd\"}}",
     "role_definition"},
    {&virtual_network_kind,
     "{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.0.0.0/16\"]}}}",
     "{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.0.0.0/16\",\"10.1.0.0/"
     "16\"]}}}",
     "address_prefixes"},
    /* elements with a name are the same wherever they stand; what Azure adds is no change */
    {&network_security_group_kind,
     "{\"properties\":{\"securityRules\":[{\"id\":\"/1\",\"name\":\"b\",\"properties\":{"
     "\"priority\":110,\"access\":\"Deny\"}},{\"name\":\"a\",\"properties\":{"
     "\"priority\":"
     "100}}]}}",
     "{\"properties\":{\"securityRules\":[{\"name\":\"a\",\"properties\":{\"priority\":"
     "100}},{"
     "\"name\":\"b\",\"properties\":{\"priority\":110}}]}}",
     NULL},
    {&network_security_group_kind,
     "{\"properties\":{\"securityRules\":[{\"name\":\"a\",\"properties\":{\"priority\":"
     "100}}]}}",
     "{\"properties\":{\"securityRules\":[{\"name\":\"a\",\"properties\":{\"priority\":"
     "101}}]}}",
     "rules"},
    {&network_security_group_kind,
     "{\"properties\":{\"securityRules\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}",
     "{\"properties\":{\"securityRules\":[{\"name\":\"a\"}]}}", "rules"},
    {&network_security_group_kind, "{\"properties\":{}}",
     "{\"properties\":{\"securityRules\":[]}}", NULL},
    {&workspace_kind, NULL, "{\"properties\":{\"displayName\":\"A\"}}", "display_name"},
};

START_TEST(what_differs_is_found_and_nothing_else)
{
    const struct compare_row *row = &compare_rows[_i];
    cJSON *have = parse(row->have), *wanted = parse(row->wanted);
    const struct field *field = compare_bodies(row->kind, have, wanted);

    ck_assert_pstr_eq(field != NULL ? field->name : NULL, row->field);
    cJSON_Delete(have);
    cJSON_Delete(wanted);
}
END_TEST

START_TEST(what_can_only_be_given_at_creation_is_stripped)
{
    cJSON *wanted =
        parse("{\"location\":\"westeurope\",\"sku\":{\"capacity\":2},"
              "\"properties\":{\"virtualNetworkType\":\"External\",\"backend\":{"
              "\"subnet\":{\"id\":\"/s\"}}}}");
    cJSON *left = parse("{\"sku\":{\"capacity\":2}}");

    compare_strip(&gateway_kind, wanted, FIELD_IMMUTABLE);
    ck_assert(cJSON_Compare(wanted, left, true));
    cJSON_Delete(wanted);
    cJSON_Delete(left);
}
END_TEST

START_TEST(a_put_of_the_whole_keeps_inline_subnets_and_drops_what_the_service_sets)
{
    cJSON *have = parse(
        "{\"id\":\"/v\",\"name\":\"v\",\"type\":\"t\",\"etag\":\"1\",\"location\":\"we\","
        "\"systemData\":{},\"properties\":{\"provisioningState\":\"Succeeded\","
        "\"resourceGuid\":\"g\",\"addressSpace\":{\"addressPrefixes\":[\"10.0.0.0/16\"]},"
        "\"subnets\":[{\"id\":\"/v/subnets/a\",\"name\":\"a\"}],\"enableDdosProtection\":"
        "false}}");
    cJSON *wanted =
        parse("{\"properties\":{\"addressSpace\":{\"addressPrefixes\":[\"10.0.0.0/"
              "16\",\"10.1.0.0/16\"]}}}");
    cJSON *expected = parse(
        "{\"location\":\"we\",\"properties\":{\"addressSpace\":{\"addressPrefixes\":["
        "\"10.0.0."
        "0/16\",\"10.1.0.0/16\"]},\"subnets\":[{\"id\":\"/v/subnets/a\",\"name\":\"a\"}],"
        "\"enableDdosProtection\":false}}");
    cJSON *merged = compare_merge(&virtual_network_kind, have, wanted);
    char *text = cJSON_PrintUnformatted(merged);

    ck_assert_msg(cJSON_Compare(merged, expected, true), "%s", text);
    ck_assert_str_eq(json_string_at(have, "etag"), "1"); /* untouched */
    cJSON_free(text);
    cJSON_Delete(have);
    cJSON_Delete(wanted);
    cJSON_Delete(expected);
    cJSON_Delete(merged);
}
END_TEST

/* --- turns ---------------------------------------------------------------------------- */

static struct serial serial;
static char granted[32];

struct numbered_turn {
    struct serial_turn turn;
    char number;
};

static void on_granted(struct serial_turn *turn)
{
    const char number[2] = {LIST_ENTRY(turn, struct numbered_turn, turn)->number, '\0'};

    strcat(granted, number);
}

static void forget_grants(void)
{
    granted[0] = '\0';
}

static bool take(struct numbered_turn *turn, const char *key, char number)
{
    *turn = (struct numbered_turn){.turn.granted = on_granted, .number = number};
    return serial_take(&serial, key, &turn->turn);
}

START_TEST(turns_are_granted_in_the_order_they_were_asked_for)
{
    struct numbered_turn turns[4];

    ck_assert(take(&turns[0], "k", '0'));
    for (size_t i = 1; i < 4; i++)
        ck_assert(!take(&turns[i], "k", (char)('0' + i)));
    ck_assert_str_eq(granted, "");
    for (size_t i = 0; i < 4; i++)
        serial_give_back(&turns[i].turn);
    ck_assert_str_eq(granted, "123");
    ck_assert_uint_eq(serial.queues.count, 0);
    serial_deinit(&serial);
}
END_TEST

START_TEST(keys_do_not_wait_for_each_other)
{
    struct numbered_turn turns[2];

    ck_assert(take(&turns[0], "a", '0'));
    ck_assert(take(&turns[1], "b", '1'));
    serial_give_back(&turns[0].turn);
    serial_give_back(&turns[1].turn);
    ck_assert_str_eq(granted, "");
    serial_deinit(&serial);
}
END_TEST

START_TEST(who_leaves_the_queue_is_passed_over)
{
    struct numbered_turn turns[4];

    for (size_t i = 0; i < 4; i++)
        take(&turns[i], "k", (char)('0' + i));
    serial_give_back(&turns[2].turn);
    serial_give_back(&turns[2].turn); /* nothing happens */
    ck_assert_str_eq(granted, "");
    serial_give_back(&turns[0].turn);
    serial_give_back(&turns[1].turn);
    ck_assert_str_eq(granted, "13");
    ck_assert(!take(&turns[0], "k", '0'));
    serial_give_back(&turns[3].turn);
    ck_assert_str_eq(granted, "130");
    serial_give_back(&turns[0].turn);
    serial_deinit(&serial);
}
END_TEST

static unsigned ended;

static void end_at_once(struct serial_turn *turn)
{
    ended++;
    serial_give_back(turn);
}

START_TEST(many_turns_that_end_at_once_need_no_stack)
{
    enum { TURNS = 1000000 };

    struct serial_turn *turns = memory_new(TURNS * sizeof *turns);

    for (size_t i = 0; i < TURNS; i++) {
        turns[i].granted = end_at_once;
        ck_assert(serial_take(&serial, "k", &turns[i]) == (i == 0));
    }
    serial_give_back(&turns[0]);
    ck_assert_uint_eq(ended, TURNS - 1);
    serial_deinit(&serial);
    free(turns);
}
END_TEST

START_TEST(a_turn_never_taken_can_be_given_back)
{
    struct numbered_turn turn = {0};

    serial_give_back(&turn.turn);
    ck_assert(take(&turn, "k", '0'));
    serial_give_back(&turn.turn);
    serial_deinit(&serial);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arm");
    TCase *poll = harness_add_case(suite, "poll", NULL, NULL);
    TCase *refusal = harness_add_case(suite, "refusal", NULL, NULL);
    TCase *compare = harness_add_case(suite, "compare", NULL, NULL);
    TCase *turns = harness_add_case(suite, "serial", forget_grants, NULL);

    tcase_add_loop_test(poll, the_first_answer_says_what_to_poll, 0, COUNT(choose_rows));
    tcase_add_loop_test(poll, each_answer_to_a_poll_is_judged, 0, COUNT(judge_rows));
    tcase_add_loop_test(poll, only_known_final_words_are_final, 0, COUNT(state_rows));
    tcase_add_loop_test(poll, pauses_grow_with_age_and_are_never_shorter_than_asked, 0,
                        COUNT(pause_rows));
    tcase_add_test(poll, many_polls_do_not_overflow_a_pause);
    tcase_add_loop_test(refusal, a_refusal_of_any_shape_becomes_a_failure, 0,
                        COUNT(refusal_rows));
    tcase_add_test(refusal, a_long_page_is_cut);
    tcase_add_test(refusal, common_refusals_come_with_a_cure);
    tcase_add_loop_test(refusal,
                        passing_refusals_are_known_and_their_pauses_grow_to_a_limit, 0,
                        COUNT(passing_rows));
    tcase_add_loop_test(refusal, a_parent_that_is_new_may_not_be_known_yet, 0, 3);
    tcase_add_test(refusal, what_lies_below_an_error_is_kept);
    tcase_add_test(refusal, an_error_that_never_ends_is_read_to_a_limit);
    tcase_add_test(refusal, the_request_id_of_graph_is_found);
    tcase_add_loop_test(refusal, other_refusals_do_not_heal, 0, 5);
    tcase_add_loop_test(compare, what_differs_is_found_and_nothing_else, 0,
                        COUNT(compare_rows));
    tcase_add_test(compare, what_can_only_be_given_at_creation_is_stripped);
    tcase_add_test(
        compare, a_put_of_the_whole_keeps_inline_subnets_and_drops_what_the_service_sets);
    tcase_add_test(turns, turns_are_granted_in_the_order_they_were_asked_for);
    tcase_add_test(turns, keys_do_not_wait_for_each_other);
    tcase_add_test(turns, who_leaves_the_queue_is_passed_over);
    tcase_add_test(turns, many_turns_that_end_at_once_need_no_stack);
    tcase_add_test(turns, a_turn_never_taken_can_be_given_back);
    return harness_run_suite(suite);
}
