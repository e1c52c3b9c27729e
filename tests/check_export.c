/* tests/check_export.c - where the document of an API is read from, and what is told there. */
#include <string.h>

#include <check.h>

#include "base/memory.h"
#include "harness.h"
#include "run/run.h"
#include "run/session.h"

#define ID                                                                               \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/a/"     \
    "workspaces/w/apis/x"

#define QUERY "?api-version=2024-05-01&export=true&format=wsdl-link"

static struct settings settings;
static struct session *session;
static struct server server, storage;

static void set_up(void)
{
    struct failure *failure = NULL;

    settings = (struct settings){.credentials = {.tenant_id = "tenant",
                                                 .client_id = "client",
                                                 .client_secret = "secret"},
                                 .quiet = true};
    session = session_open(&settings, &failure);
    ck_assert_ptr_nonnull(session);
    server_open(&server, session_loop(session));
    server_open(&storage, session_loop(session));
    settings.endpoint = server.base;
}

static void tear_down(void)
{
    server_close(&storage);
    server_close(&server);
    session_close(session);
}

/* Reads the API when ARM answers with `answer`; `check` looks at `text` and `failure`. */
static void read_export(const char *answer, const char *check)
{
    const struct server_step script[] = {STEP("GET " ID QUERY, 200, NULL, answer), {0}};
    char *code = memory_format(
        "local export, tasks = require 'core.export', require 'tasks'\n"
        "local text, failure = tasks.try(export.document, 'api', '" ID "', 'wsdl-link')\n"
        "assert(%s, tostring(failure or text))",
        check);

    server_play(&server, script);
    ck_assert_int_eq(run_script(session, &(struct run_request){.code = code}), EXIT_DONE);
    free(code);
}

START_TEST(the_document_is_read_where_the_answer_says_and_no_token_goes_there)
{
    static const char *const before[] = {"{", "{\"properties\":{"};
    static const char *const after[] = {"}", "}}"};
    const struct server_step script[] = {
        STEP("GET /blob?sig=SIGNED", 200, "Content-Type: application/json", "not: json"),
        {0}};
    char *answer = memory_format("%s\"value\":{\"link\":\"%s/blob?sig=SIGNED\"}%s",
                                 before[_i], storage.base, after[_i]);

    server_play(&storage, script);
    read_export(answer, "text == 'not: json'");
    ck_assert(server_saw(&server, "Authorization: Bearer"));
    ck_assert_uint_eq(storage.request_count, 1);
    ck_assert(!server_saw(&storage, "Authorization"));
    free(answer);
}
END_TEST

static const struct {
    const char *answer, *check;
} bad_answers[] = {
    {"{}", "failure.code == 'ProtocolError' and failure.message:find 'no link'"},
    {"{\"value\":{\"link\":1}}", "failure.message:find 'no link'"},
    {"{\"value\":{\"link\":\"http://storage.example/b?sig=SIGNED\"}}",
     "failure.message:find \"'http://storage.example/b' is not https\""},
    {"{\"value\":{\"link\":\"file:///etc/passwd\"}}", "failure.message:find 'not https'"},
    {"{\"value\":{\"link\":\"/relative\"}}", "failure.message:find 'not https'"},
    {"{\"value\":{\"link\":\"https://user@storage.example/b\"}}",
     "failure.message:find 'not https'"},
    {"{\"value\":{\"link\":\"https://storage.example/a b\"}}",
     "failure.message:find 'not https'"},
};

START_TEST(a_link_that_leads_astray_is_not_followed)
{
    char *check = memory_format("failure.code == 'ProtocolError' and %s and not "
                                "tostring(failure):find 'SIGNED'",
                                bad_answers[_i].check);

    read_export(bad_answers[_i].answer, check);
    ck_assert_uint_eq(server.request_count, 1);
    ck_assert_uint_eq(storage.request_count, 0);
    free(check);
}
END_TEST

START_TEST(a_signature_is_in_no_failure)
{
    const struct server_step script[] = {STEP("GET /blob?sig=SIGNED", 403, NULL, "no"),
                                         {0}};
    char *answer =
        memory_format("{\"value\":{\"link\":\"%s/blob?sig=SIGNED\"}}", storage.base);

    server_play(&storage, script);
    read_export(answer, "failure.status == 403 and not tostring(failure):find 'SIGNED'");
    free(answer);
}
END_TEST

START_TEST(only_ids_of_the_kind_are_asked_for)
{
    static const char code[] =
        "local export = require 'core.export'\n"
        "for _, id in ipairs {'/subscriptions/s', 'https://storage.example/x', ''} do\n"
        "  local ok, message = pcall(export.document, 'api', id, 'wsdl-link')\n"
        "  assert(not ok and tostring(message):find 'an id of that kind', message)\n"
        "end";

    ck_assert_int_eq(run_script(session, &(struct run_request){.code = code}), EXIT_DONE);
    ck_assert_uint_eq(server.request_count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("export");
    TCase *topic = harness_add_case(suite, "links", set_up, tear_down);

    tcase_add_loop_test(
        topic, the_document_is_read_where_the_answer_says_and_no_token_goes_there, 0, 2);
    tcase_add_loop_test(topic, a_link_that_leads_astray_is_not_followed, 0,
                        (int)(sizeof bad_answers / sizeof bad_answers[0]));
    tcase_add_test(topic, a_signature_is_in_no_failure);
    tcase_add_test(topic, only_ids_of_the_kind_are_asked_for);
    return harness_run_suite(suite);
}
