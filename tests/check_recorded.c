/* tests/check_recorded.c - the long-running operations of the Azure SDK team's test server,
 * answered from a recording: the same rows as `make conformance` drives against the server
 * itself (spec/conformance_lro.json), without it. */
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "arm/operation.h"
#include "base/failure.h"
#include "base/json.h"
#include "harness.h"

enum { ROWS = 83, LARGEST_FILE = 1 << 20 };

static struct harness h;
static cJSON *rows, *recording; /* of all rows */
static struct server_step script[SERVER_STEPS];

static cJSON *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = memory_new(LARGEST_FILE);
    cJSON *json;

    ck_assert_msg(file != NULL, "cannot open %s", path);
    json = json_parse(text, fread(text, 1, LARGEST_FILE - 1, file), NULL);
    fclose(file);
    free(text);
    ck_assert_msg(cJSON_GetArraySize(json) == ROWS, "%s has other than %d rows", path,
                  ROWS);
    return json;
}

static void set_up(void)
{
    rows = read_file("tests/spec/conformance_lro.json");
    recording = read_file("tests/data/lro_exchanges.json");
    memset(script, 0, sizeof script);
    harness_open(&h, &(struct transport_options){0});
}

static void tear_down(void)
{
    harness_close(&h);
    cJSON_Delete(rows);
    cJSON_Delete(recording);
}

/* Plays what was recorded. Owned by the caller: the requests in their order. */
static char *play(const cJSON *steps)
{
    struct buffer log = {0};
    const cJSON *step;
    int count = 0;

    cJSON_ArrayForEach (step, steps) {
        script[count++] = (struct server_step)STEP(
            json_string_at(step, "request"), (int)json_number_at(step, "status", 0),
            json_string_at(step, "fields"), json_string_at(step, "body"));
        buffer_printf(&log, "%s\n", json_string_at(step, "request"));
    }
    server_play(&h.server, script);
    return buffer_take(&log);
}

static struct operation *start(const cJSON *row)
{
    static const char *const methods[] = {"PUT", "PATCH", "POST", "DELETE"};
    struct operation_request request = {
        .url = memory_format("%s%s", h.server.base, json_string_at(row, "path")),
        .audience = AUDIENCE_ARM,
        .final_state_via = json_string_at(row, "final_state_via"),
        .is_repeatable = cJSON_IsTrue(json_at(row, "repeatable")),
        .label = memory_copy_string("the recorded operation"),
        .waits = true};
    const char *id = json_string_at(row, "client_request_id");

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(methods[i], json_string_at(row, "method")) == 0)
            request.method = methods[i];
    }
    if (strcmp(request.method, "DELETE") != 0)
        request.body = memory_copy_string("{}");
    if (id != NULL)
        strcpy(request.client_request_id, id);
    return operation_start(&h.client, &request);
}

static void assert_succeeded(const cJSON *row, struct operation *operation)
{
    const cJSON *value = json_at(row, "value"), *body = operation_body(operation);

    if (cJSON_IsTrue(json_at(row, "anything")))
        return;
    if (cJSON_IsNull(value))
        ck_assert_ptr_null(body);
    else
        ck_assert(body != NULL && cJSON_Compare(body, value, true));
}

static void assert_failed(const cJSON *row, const struct failure *failure)
{
    const char *outcome = json_string_at(row, "outcome");
    const char *code = json_string_at(row, "code");

    ck_assert_ptr_nonnull(failure);
    if (strcmp(outcome, "refused") == 0) {
        ck_assert_int_eq(failure->status, (int)json_number_at(row, "status", 0));
        return;
    }
    ck_assert_int_eq(failure->status, 0);
    if (strcmp(outcome, "canceled") == 0)
        code = "Canceled";
    else if (strcmp(outcome, "malformed") == 0)
        code = "ProtocolError";
    else if (code == NULL)
        code = "OperationFailed";
    ck_assert_str_eq(failure->code, code);
}

/* How often a text has another one (or NULL) in it. */
static unsigned count_text(const char *text, const char *part)
{
    unsigned count = 0;

    while (part != NULL && (text = strstr(text, part)) != NULL) {
        text++;
        count++;
    }
    return count;
}

START_TEST(a_recorded_operation_ends_as_it_should)
{
    const cJSON *row = cJSON_GetArrayItem(rows, _i);
    const char *id = json_string_at(row, "client_request_id");
    char *expected = play(cJSON_GetArrayItem(recording, _i));
    struct operation *operation = start(row);

    harness_settle(&h);
    ck_assert_str_eq(server_log(&h.server), expected);
    if (strcmp(json_string_at(row, "outcome"), "succeeded") == 0) {
        ck_assert_msg(
            operation_failure(operation) == NULL, "%s: %s", json_string_at(row, "path"),
            operation_failure(operation) != NULL ? operation_failure(operation)->message
                                                 : "");
        assert_succeeded(row, operation);
    } else {
        assert_failed(row, operation_failure(operation));
    }
    ck_assert_uint_eq(count_text(h.server.heads.data, id),
                      id != NULL ? h.server.request_count : 0);
    operation_release(operation);
    free(expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recorded");
    TCase *topic = harness_add_case(suite, "recorded", set_up, tear_down);

    tcase_add_loop_test(topic, a_recorded_operation_ends_as_it_should, 0, ROWS);
    return harness_run_suite(suite);
}
