/* tests/check_trail.c - what is kept of requests, and that no secret is. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/failure.h"
#include "harness.h"
#include "pipeline/mask.h"
#include "pipeline/trail.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))
#define APIM                                                                             \
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/a"
#define ARM "https://management.azure.com"

/* --- masks ------------------------------------------------------------------------------ */

static struct mask *mask;

static void set_up_mask(void)
{
    mask = mask_new();
    mask_set_alias(mask, "http://127.0.0.1:4711", "http://sim");
}

static void tear_down_mask(void)
{
    mask_free(mask);
}

static const struct {
    const char *url, *shown;
} url_rows[] = {
    {ARM "/a?api-version=2024-05-01", ARM "/a?api-version=2024-05-01"},
    {ARM "/a?$filter=name eq 'x'&%24top=5", ARM "/a?$filter=name eq 'x'&%24top=5"},
    {"https://x.blob.core.windows.net/c/b?sv=1&se=2&sig=abc%3D&comp=list",
     "https://x.blob.core.windows.net/c/"
     "b?sv=[hidden]&se=[hidden]&sig=[hidden]&comp=list"},
    {ARM "/op?api-version=1&t=638&c=MIIH&s=abc&h=def",
     ARM "/op?api-version=1&t=[hidden]&c=[hidden]&s=[hidden]&h=[hidden]"},
    {ARM "/cb?code=0.AXo&state=1", ARM "/cb?code=[hidden]&state=[hidden]"},
    {ARM "/a?access_token=hush#id_token=hush",
     ARM "/a?access_token=[hidden]&id_token=[hidden]"},
    {ARM "/a?flag&flag2=", ARM "/a?flag&flag2=[hidden]"},
    {ARM "/a?", ARM "/a"},
    {"http://127.0.0.1:4711/a?api-version=1", "http://sim/a?api-version=1"},
};

START_TEST(a_url_keeps_only_harmless_parameters)
{
    struct buffer text = {0};

    mask_append_url(mask, &text, url_rows[_i].url, true);
    ck_assert_str_eq(text.data, url_rows[_i].shown);
    buffer_deinit(&text);
}
END_TEST

START_TEST(a_url_may_go_without_its_query)
{
    struct buffer text = {0};

    mask_append_url(mask, &text, "https://x/c/b?comp=block&sig=1", false);
    ck_assert_str_eq(text.data, "https://x/c/b");
    buffer_deinit(&text);
}
END_TEST

static const struct {
    const char *field, *shown;
} field_rows[] = {
    {"Authorization: Bearer eyJ0.x.y", "Authorization: [hidden]"},
    {"AUTHORIZATION: anything", "AUTHORIZATION: [hidden]"},
    {"x-ms-authorization-auxiliary: Bearer x", "x-ms-authorization-auxiliary: [hidden]"},
    {"Cookie: a=1", "Cookie: [hidden]"},
    {"set-cookie: fpc=1; secure", "set-cookie: [hidden]"},
    {"X-IDENTITY-HEADER: 853b9a84", "X-IDENTITY-HEADER: [hidden]"},
    {"Secret: 853b9a84", "Secret: [hidden]"},
    {"Ocp-Apim-Subscription-Key: 1", "Ocp-Apim-Subscription-Key: [hidden]"},
    {"x-ms-copy-source: https://x/b?sig=1&comp=list",
     "x-ms-copy-source: https://x/b?sig=[hidden]&comp=list"},
    {"location: " ARM "/op?api-version=1&s=abc",
     "location: " ARM "/op?api-version=1&s=[hidden]"},
    {"x-other: SharedKey account:c2ln", "x-other: SharedKey [hidden]"},
    {"Content-Type: application/json", "Content-Type: application/json"},
    {"x-ms-request-id: 1", "x-ms-request-id: 1"},
    {"If-Match: \"AAA=\"", "If-Match: \"AAA=\""},
    {"Metadata: true", "Metadata: true"},
};

START_TEST(header_fields_that_prove_who_one_is_are_hidden)
{
    const char *field = field_rows[_i].field;
    struct buffer text = {0};

    mask_append_field(mask, &text, field, strcspn(field, ":"), strchr(field, ':') + 2);
    ck_assert_str_eq(text.data, field_rows[_i].shown);
    buffer_deinit(&text);
}
END_TEST

/* "hush" is a secret wherever it stands; "seen" must be seen, as often as given. */
static const struct body_row {
    const char *path, *body;
} body_rows[] = {
    /* marked in the model */
    {APIM "/workspaces/w/namedValues/n?api-version=1",
     "{\"properties\":{\"displayName\":\"seen\",\"secret\":true,\"value\":\"hush\"}}"},
    {APIM "/workspaces/w/namedValues",
     "{\"value\":[{\"name\":\"seen\",\"properties\":{\"value\":\"hush\"}},"
     "{\"properties\":{\"value\":\"hush\",\"x\":\"seen\"}}]}"},
    {APIM "/workspaces/w/certificates/c",
     "{\"properties\":{\"data\":\"hush\",\"password\":\"hush\",\"subject\":\"seen\"}}"},
    {APIM "/workspaces/w/loggers/l", "{\"properties\":{\"loggerType\":\"seen\","
                                     "\"credentials\":{\"name\":\"hush\",\"more\":"
                                     "{\"deep\":[\"hush\"]}},\"resourceId\":\"seen\"}}"},
    {APIM "/workspaces/w/backends/b",
     "{\"properties\":{\"url\":\"seen\",\"credentials\":{\"header\":{\"x\":[\"hush\","
     "\"hush\"]},"
     "\"query\":{\"q\":[\"hush\"]},\"authorization\":{\"scheme\":\"seen\",\"parameter\":"
     "\"hush\"},\"certificate\":[\"seen\"]},\"proxy\":{\"username\":\"seen\","
     "\"password\":"
     "\"hush\"}}}"},
    {APIM, "{\"properties\":{\"hostnameConfigurations\":[{\"hostName\":\"seen\","
           "\"encodedCertificate\":\"hush\",\"certificatePassword\":\"hush\"}]}}"},
    /* a path that is nobody's: marked anywhere */
    {"/batch?api-version=1", "{\"requests\":[{\"content\":{\"properties\":{\"value\":"
                             "\"hush\"},\"name\":\"seen\"}}]}"},
    {APIM "/operationResults/x",
     "{\"properties\":{\"value\":\"hush\",\"displayName\":\"seen\"}}"},
    /* not marked there */
    {APIM "/workspaces/w/policies/policy",
     "{\"properties\":{\"format\":\"rawxml\",\"value\":\"<policies>seen</policies>\"}}"},
    /* by name */
    {"/v1.0/applications/x/addPassword",
     "{\"displayName\":\"seen\",\"keyId\":\"seen\",\"secretText\":\"hush\"}"},
    {"/v1.0/users", "{\"passwordProfile\":{\"password\":\"hush\"},\"mail\":\"seen\"}"},
    {"/x/deployments/d",
     "{\"properties\":{\"parameters\":{\"adminPassword\":{\"value\":\"hush\"},"
     "\"size\":{\"value\":\"seen\"}}}}"},
    {"/t",
     "{\"access_token\":\"hush\",\"token_type\":\"seen\",\"refresh_token\":\"hush\"}"},
    {"/c",
     "{\"primaryConnectionString\":\"hush\",\"instrumentationKey\":\"hush\",\"keys\":"
     "[\"hush\"],\"pass\\u0077ord\":\"hush\",\"name\":\"seen\"}"},
    {APIM "/workspaces/w/gateways/g/generateToken", "{\"value\":\"hush\"}"},
    /* by its look */
    {APIM "/apis/a?export=true",
     "{\"value\":{\"link\":\"https://x/b?sv=seen&sig=hush\",\"other\":"
     "\"https://x/b?sv=seen\\u0026sig=hush\\u0026x=seen\"}}"},
    {"/p", "{\"a\":\"AccountName=seen;AccountKey=hush;Suffix=seen\",\"b\":"
           "\"Endpoint=seen;SharedAccessKey=hush\"}"},
    {"/p", "<set-header><value>Bearer 12345678hush</value></set-header><x>seen</x>"},
    {"/p", "<authentication-basic username=\"seen\" password=\"hush\" />"},
    {"/p", "{\"value\":{\"xml\":\"<authentication-basic password=\\\"hush\\\" "
           "name=\\\"seen\\\" "
           "/>\"}}"},
    {"/p", "{\"t\":\"eyJhbGciOiJIUzI1NiJ9.eyJodXNoIjoiaHVzaCJ9.hush\",\"u\":\"seen\"}"},
    {"/p", "-----BEGIN PRIVATE KEY-----\nhush\nhush\n-----END PRIVATE KEY-----\nseen"},
    {"/p", "client_id=seen&client_secret=hush&client_assertion=hush"},
    /* damaged */
    {"/p", "{\"password\" : \"hush\", \"x\":\"seen\""},
    {"/p", "{\"x\":\"seen\"}]]{\"password\":[[\"hush\",{\"y\":\"hush\"}]]}}}"},
    {"/p", "\xef\xbb\xbf {\"password\":\"hush\\\"hush\",\"x\":\"seen\"}"},
};

static unsigned count(const char *text, const char *word)
{
    unsigned times = 0;

    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        times++;
    return times;
}

START_TEST(a_body_keeps_all_but_its_secrets)
{
    const struct body_row *row = &body_rows[_i];
    char *url = memory_format(ARM "%s", row->path);
    struct buffer text = {0};

    mask_append_body(mask, &text, url, row->body, strlen(row->body), 4096);
    ck_assert_msg(strstr(text.data, "hush") == NULL, "%s", text.data);
    ck_assert_msg(count(text.data, "seen") == count(row->body, "seen"), "%s", text.data);
    ck_assert_msg(count(row->body, "hush") == 0 || strstr(text.data, "[hidden]") != NULL,
                  "%s", text.data);
    buffer_deinit(&text);
    free(url);
}
END_TEST

/* Wherever the limit, and wherever the body itself, cuts it. */
START_TEST(a_cut_body_gives_nothing_away)
{
    const struct body_row *row = &body_rows[_i];
    const size_t length = strlen(row->body);
    char *url = memory_format(ARM "%s", row->path);

    for (size_t cut = 0; cut <= length; cut++) {
        struct buffer part = {0}, limited = {0};
        char *body = memory_copy_text(row->body, cut); /* for ASan to see its end */

        mask_append_body(mask, &part, url, body, cut, 4096);
        mask_append_body(mask, &limited, url, row->body, length, cut);
        ck_assert_msg(cut == 0 || strstr(part.data, "hush") == NULL, "%s", part.data);
        ck_assert_msg(strstr(limited.data, "hush") == NULL, "%s", limited.data);
        buffer_deinit(&part);
        buffer_deinit(&limited);
        free(body);
    }
    free(url);
}
END_TEST

START_TEST(json_is_indented)
{
    static const char body[] = "{\"a\":{\"b\":[1,true,{}],\"c\":[ ]},\"d\":null}";
    struct buffer text = {0};

    mask_append_body(mask, &text, ARM, body, strlen(body), 4096);
    ck_assert_str_eq(text.data, "{\n"
                                "  \"a\": {\n"
                                "    \"b\": [\n"
                                "      1,\n"
                                "      true,\n"
                                "      {}\n"
                                "    ],\n"
                                "    \"c\": []\n"
                                "  },\n"
                                "  \"d\": null\n"
                                "}");
    buffer_deinit(&text);
}
END_TEST

START_TEST(what_is_too_long_or_no_text_is_counted)
{
    struct buffer text = {0};
    char *deep = memory_new(1001);

    mask_append_body(mask, &text, ARM, "abc\xc3\xa9", 5, 4);
    ck_assert_str_eq(text.data, "abc\n... [cut: it has 5 bytes]");
    buffer_clear(&text);
    mask_append_body(mask, &text, ARM, "\x89PNG\r\n", 6, 4096);
    ck_assert_str_eq(text.data, "[6 bytes, no text]");
    buffer_clear(&text);
    mask_append_body(mask, &text, ARM, "{\"a\":\"\xc3\xa9\xc3\xa9\"}", 12, 12);
    ck_assert_str_eq(text.data, "{\n  \"a\": \"\xc3\xa9\n... [cut: it has 12 bytes]");
    buffer_clear(&text);
    memset(deep, '[', 1000);
    mask_append_body(mask, &text, ARM, deep, 1000, 1 << 20);
    ck_assert_ptr_nonnull(strstr(text.data, "[cut: it has 1000 bytes]"));
    free(deep);
    buffer_deinit(&text);
}
END_TEST

/* --- the trail -------------------------------------------------------------------------- */

static struct harness h;
static struct trail *trail;
static struct pipeline *pipeline;

static void set_up(void)
{
    harness_open(&h, &(struct transport_options){0});
    trail = trail_new(&h.clock);

    struct stage *const stages[] = {
        stage_new_retry(h.loop),
        stage_new_credential(&h.client.origins, tokens_provider(h.tokens)),
        stage_new_trail(trail), stage_new_transport(h.transport, h.loop)};

    pipeline = pipeline_new(stages, 4);
    tokens_set_pipeline(h.tokens, pipeline);
}

static void tear_down(void)
{
    tokens_set_pipeline(h.tokens, h.client.pipeline);
    harness_close(&h);
    pipeline_free(pipeline);
    trail_free(trail);
}

static void ignore(struct exchange *exchange)
{
    (void)exchange;
}

static struct exchange *begin(const char *method, const char *path, const char *body,
                              char **url)
{
    *url = memory_format("%s%s", h.server.base, path);

    struct exchange *exchange =
        exchange_new(pipeline, method, *url, AUDIENCE_ARM, ignore);

    exchange->transfer.body = body;
    exchange->transfer.body_length = body != NULL ? strlen(body) : 0;
    exchange_start(exchange);
    return exchange;
}

static void send_it(const char *method, const char *path, const char *body)
{
    char *url;
    struct exchange *exchange = begin(method, path, body, &url);

    harness_settle(&h);
    exchange_free(exchange);
    free(url);
}

START_TEST(nothing_is_kept_before_it_is_started)
{
    static const struct server_step script[] = {
        STEP("GET /a", 200, NULL, "{}"), STEP("GET /b", 200, NULL, "{}"), {0}};

    server_play(&h.server, script);
    send_it("GET", "/a", NULL);
    ck_assert_uint_eq(trail_last(trail), 0);
    ck_assert_uint_eq(trail_oldest(trail), 1);
    ck_assert_ptr_null(trail_find(trail, 0));
    ck_assert_ptr_null(trail_find(trail, 1));
    trail_start(trail);
    trail_start(trail);
    ck_assert_uint_eq(trail_last(trail), 0);
    send_it("GET", "/b", NULL);
    ck_assert_uint_eq(trail_last(trail), 1);
    ck_assert_ptr_nonnull(strstr(trail_find(trail, 1)->url, "/b"));
}
END_TEST

START_TEST(one_that_is_under_way_when_it_is_started_is_none)
{
    static const struct server_step script[] = {STEP("GET /a", 200, NULL, "{}"), {0}};
    char *url;

    server_play(&h.server, script);

    struct exchange *exchange = begin("GET", "/a", NULL, &url);

    trail_start(trail);
    harness_settle(&h);
    ck_assert_int_eq(exchange->transfer.status, 200);
    exchange_free(exchange);
    free(url);
}
END_TEST

START_TEST(each_attempt_is_an_entry)
{
    static const struct server_step script[] = {
        STEP("GET /a", 503, "Connection: close", "{\"error\":{\"code\":\"Busy\"}}"),
        {.request = "GET /a", .manner = SERVER_CLOSES},
        STEP("GET /a", 200, "x-ms-request-id: r-1\nx-ms-correlation-request-id: c-1",
             "{\"name\":\"seen\"}"),
        {0}};

    server_play(&h.server, script);
    send_it("GET", "/b", NULL); /* gets the token */
    trail_start(trail);
    send_it("GET", "/a", NULL);
    ck_assert_uint_eq(trail_last(trail), 3);

    const struct trail_entry *first = trail_find(trail, 1),
                             *second = trail_find(trail, 2),
                             *third = trail_find(trail, 3);

    ck_assert_str_eq(first->method, "GET");
    ck_assert_int_eq(first->status, 503);
    ck_assert_str_eq(first->error, "Busy");
    ck_assert_uint_eq(first->attempt, 1);
    ck_assert_int_eq(second->status, 0);
    ck_assert_uint_eq(second->attempt, 2);
    ck_assert_ptr_nonnull(strstr(second->error, "ConnectionFailed: "));
    ck_assert_int_eq(third->status, 200);
    ck_assert_uint_eq(third->attempt, 3);
    ck_assert_ptr_null(third->error);
    ck_assert_str_eq(third->request_id, "r-1");
    ck_assert_str_eq(third->correlation_id, "c-1");
    ck_assert_uint_eq(third->sent_bytes, 0);
    ck_assert_uint_eq(third->received_bytes, strlen("{\"name\":\"seen\"}"));
    ck_assert_ptr_nonnull(strstr(third->answer, "\"seen\""));
    ck_assert(third->is_over && third->duration_ms >= 0);
    ck_assert_int_gt(third->wall_ms, first->wall_ms); /* it paused, on the run's clock */
}
END_TEST

START_TEST(signing_in_is_seen_without_a_word_of_it)
{
    static const struct server_step script[] = {
        STEP("PUT /a", 200, "Set-Cookie: a=hush", "{}"), {0}};

    server_play(&h.server, script);
    trail_start(trail);
    send_it("PUT", "/a", "{\"password\":\"hush\",\"name\":\"seen\"}");
    ck_assert_uint_eq(trail_last(trail), 2);

    const struct trail_entry *sign_in = trail_find(trail, 1), *put = trail_find(trail, 2);

    ck_assert_str_eq(sign_in->method, "POST");
    ck_assert_int_eq(sign_in->status, 200);
    ck_assert_ptr_null(strstr(sign_in->request, "secret"));
    ck_assert_ptr_null(strstr(sign_in->request, "client_id"));
    ck_assert_ptr_null(strstr(sign_in->answer, "token-1"));
    ck_assert_ptr_nonnull(strstr(sign_in->answer, "[hidden]"));
    ck_assert_ptr_nonnull(strstr(put->request, "Authorization: [hidden]"));
    ck_assert_ptr_null(strstr(put->request, "token-1"));
    ck_assert_ptr_null(strstr(put->request, "hush"));
    ck_assert_ptr_nonnull(strstr(put->request, "seen"));
    ck_assert_ptr_null(strstr(put->answer, "hush"));
    ck_assert_uint_eq(put->sent_bytes,
                      strlen("{\"password\":\"hush\",\"name\":\"seen\"}"));
}
END_TEST

START_TEST(what_an_action_reveals_is_hidden_and_its_refusal_is_not)
{
    static const struct server_step script[] = {
        STEP("POST " APIM "/x/listSecrets", 200, NULL, "{\"any\":\"hush\"}"),
        STEP("POST " APIM "/x/listSecrets", 403, NULL,
             "{\"error\":{\"code\":\"Forbidden\",\"message\":\"seen\"}}"),
        {0}};

    server_play(&h.server, script);
    trail_start(trail);
    send_it("POST", APIM "/x/listSecrets", NULL);
    ck_assert_ptr_null(strstr(trail_find(trail, 2)->answer, "hush"));
    send_it("POST", APIM "/x/listSecrets", NULL);
    ck_assert_str_eq(trail_find(trail, 3)->error, "Forbidden");
    ck_assert_ptr_nonnull(strstr(trail_find(trail, 3)->answer, "seen"));
}
END_TEST

START_TEST(the_store_shows_neither_queries_nor_bodies)
{
    static const struct server_step script[] = {
        STEP("PUT /b?comp=block", 200, NULL, "hush"), {0}};
    char *url = memory_format("%s/b?comp=block", h.server.base);
    struct exchange *exchange = exchange_new(pipeline, "PUT", url, AUDIENCE_NONE, ignore);

    server_play(&h.server, script);
    trail_start(trail);
    exchange->is_unlogged = true;
    exchange->transfer.body = "hush";
    exchange->transfer.body_length = 4;
    exchange_start(exchange);
    harness_settle(&h);
    exchange_free(exchange);
    free(url);

    const struct trail_entry *entry = trail_find(trail, 1);

    ck_assert_ptr_null(strchr(entry->url, '?'));
    ck_assert_ptr_null(strstr(entry->request, "hush"));
    ck_assert_ptr_null(strstr(entry->answer, "hush"));
}
END_TEST

START_TEST(one_that_is_canceled_says_so)
{
    static const struct server_step script[] = {
        {.request = "GET /a", .manner = SERVER_STALLS}, {0}};
    char *url;

    server_play(&h.server, script);
    send_it("GET", "/b", NULL); /* gets the token */
    trail_start(trail);

    struct exchange *exchange = begin("GET", "/a", NULL, &url);
    const struct trail_entry *entry = trail_find(trail, 1);

    ck_assert_ptr_nonnull(entry);
    ck_assert(!entry->is_over);
    exchange_free(exchange);
    free(url);
    ck_assert(entry->is_over);
    ck_assert_ptr_nonnull(strstr(entry->error, "Canceled"));
    ck_assert_int_eq(entry->status, 0);
}
END_TEST

START_TEST(only_so_many_are_kept)
{
    static const struct server_step script[] = {
        {.request = "GET /a", .status = 204, .stays = true},
        {.request = "GET /slow", .status = 204, .manner = SERVER_STALLS},
        {0}};
    char *url;

    server_play(&h.server, script);
    send_it("GET", "/a", NULL);
    trail_start(trail);

    struct exchange *slow =
        begin("GET", "/slow", NULL, &url); /* its entry will be gone */
    char *urls[TRAIL_REQUESTS];
    struct exchange *exchanges[TRAIL_REQUESTS];

    for (int i = 0; i < TRAIL_REQUESTS; i++)
        exchanges[i] = begin("GET", "/a", NULL, &urls[i]);
    ck_assert_uint_eq(trail_last(trail), TRAIL_REQUESTS + 1);
    ck_assert_uint_eq(trail_oldest(trail), 2);
    ck_assert_ptr_null(trail_find(trail, 1));
    ck_assert_ptr_nonnull(trail_find(trail, 2));
    exchange_free(slow);
    free(url);
    harness_settle(&h);
    for (int i = 0; i < TRAIL_REQUESTS; i++) {
        exchange_free(exchanges[i]);
        free(urls[i]);
    }
    for (uint64_t number = 2; number <= trail_last(trail); number++)
        ck_assert_int_eq(trail_find(trail, number)->status, 204);
}
END_TEST

START_TEST(large_ones_leave_room_for_fewer)
{
    static const struct server_step script[] = {
        {.request = "PUT /a", .status = 204, .stays = true}, {0}};
    char *body = memory_new(100000);
    size_t bytes = 0;

    server_play(&h.server, script);
    trail_start(trail);
    memset(body, 'x', 99999);
    for (int i = 0; i < 300; i++)
        send_it("PUT", "/a", body);
    free(body);
    ck_assert_uint_eq(trail_last(trail), 301);
    for (uint64_t number = trail_oldest(trail); number <= trail_last(trail); number++) {
        const struct trail_entry *entry = trail_find(trail, number);

        ck_assert_uint_eq(entry->sent_bytes, 99999);
        ck_assert_uint_lt(strlen(entry->request), 2 * TRAIL_PART_BYTES);
        bytes += entry->size;
    }
    ck_assert_uint_le(bytes, TRAIL_BYTES);
    ck_assert_uint_gt(bytes, TRAIL_BYTES - 4 * TRAIL_PART_BYTES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trail");
    TCase *masks = harness_add_case(suite, "masks", set_up_mask, tear_down_mask);
    TCase *stage = harness_add_case(suite, "stage", set_up, tear_down);

    tcase_add_loop_test(masks, a_url_keeps_only_harmless_parameters, 0, COUNT(url_rows));
    tcase_add_test(masks, a_url_may_go_without_its_query);
    tcase_add_loop_test(masks, header_fields_that_prove_who_one_is_are_hidden, 0,
                        COUNT(field_rows));
    tcase_add_loop_test(masks, a_body_keeps_all_but_its_secrets, 0, COUNT(body_rows));
    tcase_add_loop_test(masks, a_cut_body_gives_nothing_away, 0, COUNT(body_rows));
    tcase_add_test(masks, json_is_indented);
    tcase_add_test(masks, what_is_too_long_or_no_text_is_counted);
    tcase_add_test(stage, nothing_is_kept_before_it_is_started);
    tcase_add_test(stage, one_that_is_under_way_when_it_is_started_is_none);
    tcase_add_test(stage, each_attempt_is_an_entry);
    tcase_add_test(stage, signing_in_is_seen_without_a_word_of_it);
    tcase_add_test(stage, what_an_action_reveals_is_hidden_and_its_refusal_is_not);
    tcase_add_test(stage, the_store_shows_neither_queries_nor_bodies);
    tcase_add_test(stage, one_that_is_canceled_says_so);
    tcase_add_test(stage, only_so_many_are_kept);
    tcase_add_test(stage, large_ones_leave_room_for_fewer);
    return harness_run_suite(suite);
}
