/* tests/check_requests.c - arm.request and the lists above it, as scripts use them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "arm/link.h"
#include "arm/paging.h"
#include "base/failure.h"
#include "harness.h"
#include "run/run.h"
#include "run/session.h"

/* --- links ---------------------------------------------------------------------------- */

static const struct {
    const char *url, *link;
    bool replaces;
    const char *next; /* NULL: a ProtocolError */
} links[] = {{"https://a/l?api-version=1", "https://a/l?api-version=1&$skip=5", false,
              "https://a/l?api-version=1&$skip=5"},
             {"https://a/l?api-version=1", "https://a/l?%24skiptoken=b%2Bc", false,
              "https://a/l?%24skiptoken=b%2Bc&api-version=1"},
             {"https://a/l?api-version=1", "/m", false, "https://a/m?api-version=1"},
             {"https://a/l?api-version=1", "m?x", false, "https://a/m?x&api-version=1"},
             {"https://a/l?api-version=1", "https://a/l?Api-Version=2&b=c", false,
              "https://a/l?Api-Version=2&b=c"},
             {"https://a/l?api-version=1", "https://a/l?x=y&Api-Version=2&b=c", true,
              "https://a/l?x=y&api-version=1&b=c"},
             {"https://a/l?api-version=1", "https://a/l?api-version", true,
              "https://a/l?api-version=1"},
             {"https://a/l", "https://a/l?page=2", false, "https://a/l?page=2"},
             {"https://a/l", "https://A:443/l?page=2", false, "https://A:443/l?page=2"},
             {"https://a/l", "https://b/l", false, NULL},
             {"https://a/l", "http://a/l", false, NULL},
             {"https://a/l", "https://a.evil.example/l", false, NULL},
             {"https://a/l", "//b/l", false, NULL},
             {"https://a/l", "javascript:alert(1)", false, NULL},
             {"https://a/l", "a b", false, NULL},
             {"https://a/l", "https://b/l?s=SIGNED", false, NULL},
             {"https://a/l", "a b?s=SIGNED", false, NULL}};

START_TEST(a_link_leads_to_the_next_page_or_nowhere)
{
    struct failure *failure = NULL;
    char *next =
        paging_resolve(links[_i].url, links[_i].link, links[_i].replaces, &failure);

    if (links[_i].next != NULL) {
        ck_assert_str_eq(next, links[_i].next);
        ck_assert_ptr_null(failure);
    } else {
        ck_assert_ptr_null(next);
        ck_assert_str_eq(failure->code, "ProtocolError");
        ck_assert_ptr_null(strstr(failure->message, "SIGNED"));
    }
    free(next);
    failure_free(failure);
}
END_TEST

static const struct {
    const char *field, *next;
} link_fields[] = {{"<https://a/b>; rel=\"next\"", "https://a/b"},
                   {"</p>;rel=next", "/p"},
                   {"</a>; rel=prev, </b>; rel=\"last next\"", "/b"},
                   {"</a>; title=\"x, <y>; rel=next\", </b>; REL = NEXT", "/b"},
                   {"</a>; rel=prev; rel=next", NULL},
                   {"</a>; title=\"\\\"\"; rel=next", "/a"},
                   {"<a;b,c>; rel=next", "a;b,c"},
                   {"</a>; relx=next", NULL},
                   {"</a>", NULL},
                   {"</a", NULL},
                   {"", NULL},
                   {"a; rel=next", NULL},
                   {"<a>; rel=\"next", "a"},
                   {"<a>;;; rel=next", "a"},
                   {"<a>, , <b>; rel=next", "b"}};

START_TEST(a_link_header_tells_the_next_page)
{
    char *next = link_find_next(link_fields[_i].field);

    ck_assert_pstr_eq(next, link_fields[_i].next);
    free(next);
}
END_TEST

/* --- scripts --------------------------------------------------------------------------- */

static struct settings settings;
static struct session *session;
static struct server server;

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
    settings.endpoint = server.base;
}

static void tear_down(void)
{
    server_close(&server);
    session_close(session);
}

static void run(const char *code)
{
    const struct run_request request = {.code = code};

    ck_assert_int_eq(run_script(session, &request), EXIT_DONE);
}

#define LOCALS                                                                           \
    "local arm, tasks = require 'arm', require 'tasks'\n"                                \
    "local function each(path, options)\n"                                               \
    "  local all = {}\n"                                                                 \
    "  local _, failure = tasks.try(function()\n"                                        \
    "    for item in arm.each(path, options) do all[#all + 1] = item end\n"              \
    "  end)\n"                                                                           \
    "  return table.concat(all, ' '), failure and failure.code\n"                        \
    "end\n"                                                                              \
    "local function same(...)\n"                                                         \
    "  local want, code, have, had = ...\n"                                              \
    "  if want ~= have or code ~= had then\n"                                            \
    "    error(tostring(have) .. ' ' .. tostring(had))\n"                                \
    "  end\n"                                                                            \
    "end\n"
#define PAGE(items, next) "{\"value\":[" items "]," next "}"
#define NEXT(link)        "\"nextLink\":\"" link "\""

struct script_row {
    const char *name;
    struct server_step script[8];
    const char *code;
};

static const struct script_row scripts[] = {
    {"pages follow one another, empty ones too",
     {STEP("GET /l?api-version=1", 200, NULL, PAGE("1,2", NEXT("{base}/l?p=2"))),
      STEP("GET /l?p=2&api-version=1", 200, NULL, PAGE("", NEXT("l?p=3"))),
      STEP("GET /l?p=3&api-version=1", 200, NULL, PAGE("3", "\"nextLink\":null"))},
     "same('1 2 3', nil, each('/l', {query = {['api-version'] = '1'}}))"},
    {"items and link have other names",
     {STEP("GET /l", 200, NULL, "{\"data\":[7],\"@odata.nextLink\":\"{base}/m\"}"),
      STEP("GET /m", 200, NULL, "{\"data\":[8]}")},
     "same('7 8', nil, each('/l', {items = 'data', next = '@odata.nextLink'}))"},
    {"a list that is asked for by POST goes on by GET, with its headers",
     {STEP("POST /l", 200, NULL, PAGE("1", NEXT("{base}/m"))),
      STEP("GET /m", 200, NULL, PAGE("2", NEXT("")))},
     "same('1 2', nil, each('/l', {method = 'POST', body = {a = 1}, headers = {['X-A'] = "
     "'b'}}))"},
    {"a function may give the next request",
     {STEP("POST /q", 200, NULL, "{\"data\":[1],\"$skipToken\":\"t\"}"),
      STEP("POST /q", 200, NULL, "{\"data\":[2]}")},
     "same('1 2', nil, each('/q', {method = 'POST', items = 'data', next = "
     "function(body)\n"
     "  return body['$skipToken'] and {method = 'POST', path = '/q', body = {options = "
     "{['$skipToken'] = body['$skipToken']}}}\n"
     "end}))"},
    {"a Link header leads on, from a body that is a list itself",
     {STEP("GET /l", 200, "Link: <m?p=2>; rel=\"next\"", "[1,2]"),
      STEP("GET /m?p=2", 200, "Link: </l>; rel=prev", "[3]")},
     "same('1 2 3', nil, each('/l'))"},
    {"an empty body list",
     {STEP("GET /l", 200, NULL, "[]")},
     "same('', nil, each('/l'))"},
    {"one page only",
     {STEP("GET /l", 200, NULL, PAGE("1", NEXT("{base}/m")))},
     "same('1', nil, each('/l', {next = false}))"},
    {"what came before a refusal is delivered",
     {STEP("GET /l", 200, NULL, PAGE("1,2", NEXT("{base}/m"))),
      STEP("GET /m", 400, NULL, "{\"error\":{\"code\":\"Bad\",\"message\":\"no\"}}")},
     "same('1 2', 'Bad', each('/l'))"},
    {"a page that comes again is an error",
     {STEP("GET /l", 200, NULL, PAGE("1", NEXT("{base}/m"))),
      STEP("GET /m", 200, NULL, PAGE("2", NEXT("{base}/m")))},
     "same('1 2', 'ProtocolError', each('/l'))"},
    {"a page that leads to itself is an error",
     {STEP("GET /l?b=1", 200, NULL, PAGE("1", NEXT("{base}/l?b=1")))},
     "same('1', 'ProtocolError', each('/l', {query = {b = 1}}))"},
    {"a page of another server is an error",
     {STEP("GET /l", 200, NULL, PAGE("1", NEXT("http://elsewhere.example/m")))},
     "same('', 'ProtocolError', each('/l'))"},
    {"a link that is no text is an error",
     {STEP("GET /l", 200, NULL, PAGE("1", "\"nextLink\":7"))},
     "same('', 'ProtocolError', each('/l'))"},
    {"a page without items is an error",
     {STEP("GET /l", 200, NULL, "{\"values\":[1]}")},
     "same('', 'ProtocolError', each('/l'))"},
    {"a page without a body is an error",
     {STEP("GET /l", 204, NULL, NULL)},
     "same('', 'ProtocolError', each('/l'))"},
    {"the first page may be the result of a long-running operation",
     {STEP("POST /l", 202, "Location: {base}/r/1\nretry-after-ms: 1", NULL),
      STEP("GET /r/1", 200, NULL, PAGE("1", NEXT("2"))),
      STEP("GET /r/2", 200, NULL, PAGE("2", NEXT("")))},
     "same('1 2', nil, each('/l', {method = 'POST'}))"},
    {"text that is no JSON comes as text",
     {STEP("GET /p", 200, "Content-Type: application/xml", "<policies/>")},
     "local answer = arm.get('/p'); assert(answer.body == nil and answer.text == "
     "'<policies/>')"},
    {"text that should be JSON is an error",
     {STEP("GET /p", 200, "Content-Type: application/json", "<policies/>")},
     "local _, failure = tasks.try(arm.get, '/p'); assert(failure.code == "
     "'ProtocolError')"},
    {"a HEAD finds nothing",
     {STEP("HEAD /p", 404, NULL, NULL), STEP("HEAD /p", 204, "ETag: x", NULL)},
     "assert(arm.head '/p' == nil); assert(arm.head('/p').headers.etag == 'x')"},
    {"a refusal tells all its ids and what lies below it",
     {STEP("PUT /p", 400, "x-ms-request-id: r-1\nx-ms-correlation-request-id: c-1",
           "{\"error\":{\"code\":\"A\",\"message\":\"m\",\"details\":[{\"code\":\"B\"}]}"
           "}")},
     "local _, f = tasks.try(arm.put, '/p', nil, {}); assert(f.request_id == 'r-1' and "
     "f.correlation_id == 'c-1' and f.details[1].code == 'B')"},
    {"a POST is repeated when its author says so",
     {STEP("POST /a", 500, NULL, NULL), STEP("POST /b", 500, "retry-after-ms: 1", NULL),
      STEP("POST /b", 200, NULL, "1")},
     "local _, failure = tasks.try(arm.post, '/a'); assert(failure.status == 500)\n"
     "assert(arm.request {method = 'POST', path = '/b', repeatable = true}.body == 1)"},
    {"the time limit of an operation is its own",
     {STEP("PUT /p", 202, "Location: {base}/l", NULL)},
     "local _, failure = tasks.try(arm.request, {method = 'PUT', path = '/p', body = {}, "
     "timeout = '400ms'}); assert(failure.code == 'Timeout' and "
     "failure.message:find('goes on'), failure)"},
    {"unknown options are told",
     {STEP("GET /none", 200, NULL, NULL)},
     "local ok, text = pcall(arm.each, '/l', {nextt = 'x'}); assert(not ok and "
     "text:find(\"unknown option 'nextt'\", 1, true), text); require 'arm'.get('/none')"},
};

START_TEST(a_script_asks_and_is_answered)
{
    char *code = memory_format("%s%s", LOCALS, scripts[_i].code);
    struct buffer expected = {0};

    for (const struct server_step *step = scripts[_i].script; step->request != NULL;
         step++)
        buffer_printf(&expected, "%s\n", step->request);
    server_play(&server, scripts[_i].script);
    run(code);
    ck_assert_str_eq(server_log(&server), expected.data);
    buffer_deinit(&expected);
    free(code);
}
END_TEST

START_TEST(a_body_is_sent_byte_by_byte_with_the_type_that_it_has)
{
    const struct server_step script[] = {STEP("PUT /p", 200, NULL, NULL), {0}};

    server_play(&server, script);
    run(LOCALS "arm.request {method = 'PUT', path = '/p', body = 'a\\0b', headers = "
               "{['content-type'] = 'application/octet-stream'}}");
    ck_assert_uint_eq(server.body.length, 3);
    ck_assert_int_eq(memcmp(server.body.data, "a\0b", 3), 0);
    ck_assert(server_saw(&server, "content-type: application/octet-stream\r\n"));
    ck_assert(!server_saw(&server, "Content-Type: application/json"));
}
END_TEST

START_TEST(a_host_must_be_allowed_and_sees_no_token)
{
    const struct server_step script[] = {STEP("GET /x", 200, NULL, "1"), {0}};
    struct server other;
    char *code;

    server_open(&other, session_loop(session));
    server_play(&other, script);
    code =
        memory_format(LOCALS "local _, failure = tasks.try(arm.request, {url = '%s/x'})\n"
                             "assert(failure.code == 'HostNotAllowed', failure)",
                      other.base);
    run(code);
    ck_assert_uint_eq(other.request_count, 0);
    free(code);
    settings.allowed_hosts[0] = other.base + strlen("http://");
    settings.allowed_host_count = 1;
    code =
        memory_format(LOCALS "assert(arm.request {url = '%s/x'}.body == 1)", other.base);
    run(code);
    ck_assert_uint_eq(other.request_count, 1);
    ck_assert(!server_saw(&other, "Authorization"));
    free(code);
    server_close(&other);
}
END_TEST

START_TEST(a_hundred_thousand_items_need_the_memory_of_a_page)
{
    char world[] = "/tmp/check_requests.XXXXXX";
    const int fd = mkstemp(world);
    static const char groups[] =
        "{\"groups\":{\"prefix\":\"g-\",\"count\":100000,\"members\":0}}";
    const struct settings own = {
        .sim = true, .sim_world = world, .clock_mode = CLOCK_VIRTUAL, .quiet = true};
    const struct run_request request = {
        .code =
            "local arm, n, most = require 'arm', 0, 0\n"
            "for group in arm.each('/v1.0/groups', {graph = true, query = {['$top'] = "
            "999}}) do\n"
            "  n = n + 1\n"
            "  if n % 5000 == 0 then most = math.max(most, collectgarbage 'count') end\n"
            "end\n"
            "assert(n == 100000, n)\n"
            "assert(most < 8192, most .. ' KiB')"};
    struct failure *failure = NULL;

    ck_assert_int_eq(write(fd, groups, sizeof groups - 1), sizeof groups - 1);
    close(fd);

    struct session *of_many = session_open(&own, &failure);

    ck_assert_ptr_nonnull(of_many);
    ck_assert_int_eq(run_script(of_many, &request), EXIT_DONE);
    session_close(of_many);
    unlink(world);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("requests");
    TCase *pure = harness_add_case(suite, "links", NULL, NULL);
    TCase *lists = harness_add_case(suite, "scripts", set_up, tear_down);

    tcase_add_loop_test(pure, a_link_leads_to_the_next_page_or_nowhere, 0, COUNT(links));
    tcase_add_loop_test(pure, a_link_header_tells_the_next_page, 0, COUNT(link_fields));
    tcase_set_timeout(pure, 120);
    tcase_add_test(pure, a_hundred_thousand_items_need_the_memory_of_a_page);
    tcase_add_test(lists, a_body_is_sent_byte_by_byte_with_the_type_that_it_has);
    tcase_add_test(lists, a_host_must_be_allowed_and_sees_no_token);
    tcase_add_loop_test(lists, a_script_asks_and_is_answered, 0, COUNT(scripts));
    return harness_run_suite(suite);
}
