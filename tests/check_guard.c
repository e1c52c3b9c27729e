/* tests/check_guard.c - what a guard refuses is not sent, and what it allows is. */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/failure.h"
#include "base/log.h"
#include "harness.h"
#include "pipeline/guard.h"
#include "pipeline/path.h"

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))
#define RG          "/subscriptions/s1/resourceGroups/rg"
#define SERVICE     RG "/providers/Microsoft.ApiManagement/service/apim"

/* --- paths ------------------------------------------------------------------------------ */

static const struct path_row {
    const char *path, *normal; /* NULL: it has no one meaning */
} path_rows[] = {
    {"", ""},
    {"/", ""},
    {"?x=/a", ""},
    {"/a", "/a"},
    {"/a/", "/a"},
    {"a/b", "/a/b"},
    {"//a///b//", "/a/b"},
    {"/Subscriptions/S1/resourceGroups/RG", "/subscriptions/s1/resourcegroups/rg"},
    {"/a?b=/../c", "/a"},
    {"/a#/b", "/a"},
    {"/a/./b", "/a/b"},
    {"/a/../b", "/b"},
    {"/a/b/..", "/a"},
    {"/a/b/../../c", "/c"},
    {"/a/.", "/a"},
    {"/%61/%42", "/a/b"},
    {"/a/%2e/b", "/a/b"},
    {"/a/%2E%2e/b", "/b"},
    {"/a/.%2e/b", "/b"},
    {"/a;rev=2/b", "/a;rev=2/b"},
    {"/a b", "/a b"},
    {"/a%20b", "/a b"},
    {"/.a/b..c", "/.a/b..c"},
    {"/\xc3\xa9", "/\xc3\xa9"},
    {"/%C3%A9", "/\xc3\xa9"},
    {"/$metadata", "/$metadata"},
    {"/a%2fb", NULL},
    {"/a%2Fb", NULL},
    {"/a%5cb", NULL},
    {"/a\\b", NULL},
    {"/a%00", NULL},
    {"/a%0ab", NULL},
    {"/a\tb", NULL},
    {"/a%7f", NULL},
    {"/a%3Fb", NULL},
    {"/a%23b", NULL},
    {"/a%252e", NULL},
    {"/a%25", NULL},
    {"/a%", NULL},
    {"/a%2", NULL},
    {"/a%zz", NULL},
    {"/..", NULL},
    {"/../a", NULL},
    {"/a/../../b", NULL},
    {"/%2e%2e/a", NULL},
    {"/a//../b", NULL},
    {"//a/../b", NULL},
    {"/a/..;x/b", NULL},
    {"/a/..%20/b", NULL},
    {"/a/.../b", NULL},
    {"/a/b.", NULL},
    {"/a/b%20", NULL},
    {"/a/%20b", NULL},
    {"/%c0%af", NULL},
    {"/%c0%ae%c0%ae", NULL},
    {"/\xff", NULL},
};

START_TEST(a_path_has_one_spelling_or_none)
{
    const struct path_row *row = &path_rows[_i];
    struct buffer path = {0};
    const bool is_clear = path_normalize(&path, row->path);

    ck_assert_msg(is_clear == (row->normal != NULL), "%s: %s", row->path, path.data);
    if (is_clear) {
        ck_assert_str_eq(path.data, row->normal);
        ck_assert_uint_eq(path.length, strlen(row->normal));
    }
    buffer_deinit(&path);
}
END_TEST

static const struct {
    const char *path, *scope;
    bool is_within;
} within_rows[] = {
    {"/a/b", "/a/b", true},    {"/a/b/c", "/a/b", true},  {"/a/bc", "/a/b", false},
    {"/a", "/a/b", false},     {"/b/a/b", "/a/b", false}, {"", "/a", false},
    {"/a/b;c", "/a/b", false},
};

START_TEST(a_scope_ends_where_a_segment_ends)
{
    ck_assert_int_eq(path_is_within(within_rows[_i].path, within_rows[_i].scope),
                     within_rows[_i].is_within);
}
END_TEST

static const struct {
    const char *path, *provider;
} provider_rows[] = {
    {"/subscriptions/s", NULL},
    {"/providers/a.b", "a.b"},
    {"/subscriptions/s/providers/a.b/c/d", "a.b"},
    {"/s/providers/a.b/c/d/providers/e.f/g", "e.f"},
    {"/providers", NULL},
};

START_TEST(the_last_provider_of_a_path_counts)
{
    size_t length = 0;
    const char *provider = path_provider(provider_rows[_i].path, &length);

    if (provider_rows[_i].provider == NULL) {
        ck_assert_ptr_null(provider);
    } else {
        ck_assert_uint_eq(length, strlen(provider_rows[_i].provider));
        ck_assert_int_eq(strncmp(provider, provider_rows[_i].provider, length), 0);
    }
}
END_TEST

/* --- the stage -------------------------------------------------------------------------- */

static struct harness h;
static struct pipeline *pipeline;
static char *warning; /* the last */
static char *refusal; /* of the last request, or NULL */
static bool is_sign_in;

static void take_warning(void *context, enum log_level level, const char *text)
{
    (void)context;
    if (level == LOG_WARNING) {
        free(warning);
        warning = memory_copy_string(text);
    }
}

static void set_up(void)
{
    static const struct server_step script[] = {{0}};

    harness_open(&h, &(struct transport_options){0});
    server_play(&h.server, script); /* answers anything, by 599 */
    log_set_sink(take_warning, NULL);
}

static void tear_down(void)
{
    harness_close(&h);
    pipeline_free(pipeline);
    log_set_sink(NULL, NULL);
    free(warning);
    free(refusal);
    warning = refusal = NULL;
    is_sign_in = false;
    pipeline = NULL;
}

static void guard_by(const struct guard_settings *settings)
{
    struct failure *failure = NULL;
    struct stage *const stages[] = {stage_new_guard(settings, "s1", &failure),
                                    stage_new_transport(h.transport, h.loop)};

    ck_assert_ptr_nonnull(stages[0]);
    pipeline = pipeline_new(stages, 2);
}

static void on_done(struct exchange *exchange)
{
    ++*(unsigned *)exchange->owner;
}

/* Whether the request went out. `header` may be NULL. */
static bool passes_with(const char *method, const char *path, enum audience audience,
                        char *header)
{
    const unsigned before = h.server.request_count;
    char *url = memory_format("%s%s", h.server.base, path);
    struct exchange *exchange = exchange_new(pipeline, method, url, audience, on_done);
    unsigned done = 0;

    exchange->owner = &done;
    exchange->is_sign_in = is_sign_in;
    if (header != NULL)
        exchange_add_header(exchange, header);
    exchange_start(exchange);
    harness_settle(&h);
    ck_assert_uint_eq(done, 1);
    free(refusal);
    refusal = NULL;
    if (exchange->is_refused) {
        const struct failure *failure = exchange->transfer.failure;

        ck_assert_str_eq(failure->code, "GuardRefused");
        ck_assert(!failure->retryable);
        ck_assert_int_eq(exchange->transfer.status, 0);
        refusal = memory_copy_string(failure->message);
    }

    const bool was_sent = h.server.request_count == before + 1;

    ck_assert_int_eq(was_sent, !exchange->is_refused);
    exchange_free(exchange);
    free(url);
    return was_sent;
}

static bool passes(const char *method, const char *path)
{
    return passes_with(method, path, AUDIENCE_ARM, NULL);
}

static void assert_refusal(const char *text)
{
    char *line = memory_format("refused by %s", text);

    ck_assert_str_eq(refusal, text);
    ck_assert_str_eq(warning, line);
    free(line);
    free(refusal);
    refusal = NULL;
}

START_TEST(without_guards_everything_passes)
{
    static const char *const methods[] = {"GET",   "HEAD", "PUT",
                                          "PATCH", "POST", "DELETE"};

    guard_by(&(struct guard_settings){0});
    ck_assert(passes(methods[_i], RG));
    ck_assert(passes_with(methods[_i], "/v1.0/groups", AUDIENCE_GRAPH, NULL));
    ck_assert(passes(methods[_i], "/a%2Fb"));
    ck_assert_ptr_null(warning);
}
END_TEST

static const struct read_only_row {
    const char *method, *path;
    enum audience audience;
    bool passes;
} read_only_rows[] = {
    {"GET", RG, AUDIENCE_ARM, true},
    {"HEAD", RG, AUDIENCE_ARM, true},
    {"GET", "/v1.0/groups", AUDIENCE_GRAPH, true},
    {"PUT", RG, AUDIENCE_ARM, false},
    {"PATCH", RG, AUDIENCE_ARM, false},
    {"DELETE", RG, AUDIENCE_ARM, false},
    {"POST", RG, AUDIENCE_ARM, false},
    {"PUT", "/v1.0/groups", AUDIENCE_GRAPH, false},
    {"POST", "/v1.0/groups", AUDIENCE_GRAPH, false},
    {"POST", "/token", AUDIENCE_NONE, false},
    {"DELETE", "/x", AUDIENCE_NONE, false},
    {"POST", "/getByIds", AUDIENCE_NONE, false},
    {"GET", "/x", AUDIENCE_NONE, true},
    {"POST", SERVICE "/subscriptions/x/listSecrets", AUDIENCE_ARM, false},
    {"POST", SERVICE "/listKeys", AUDIENCE_ARM, false},
    {"POST", "/providers/Microsoft.ResourceGraph/resources?api-version=1", AUDIENCE_ARM,
     true},
    {"POST", RG "/providers/Microsoft.Resources/deployments/d/validate", AUDIENCE_ARM,
     true},
    {"POST", RG "/providers/Microsoft.Resources/deployments/d/whatIf", AUDIENCE_ARM,
     true},
    {"POST", RG "/providers/Microsoft.Resources/deployments/d/what%49f", AUDIENCE_ARM,
     true},
    {"POST", "/subscriptions/s1/providers/Microsoft.ApiManagement/checkNameAvailability",
     AUDIENCE_ARM, true},
    {"POST", RG "/providers/Evil.Provider/validate", AUDIENCE_ARM, false},
    {"POST", RG "/validate", AUDIENCE_ARM, false},
    {"POST", SERVICE "/validate", AUDIENCE_ARM, false},
    {"POST", SERVICE "/listSecrets%2Fproviders/Microsoft.Resources/validate",
     AUDIENCE_ARM, false},
    {"PUT", RG "/providers/Microsoft.Resources/deployments/validate", AUDIENCE_ARM,
     false},
    {"POST", "/v1.0/directoryObjects/getByIds", AUDIENCE_GRAPH, true},
    {"POST", "/v1.0/$batch", AUDIENCE_GRAPH, false},
    {"POST", RG "/getByIds", AUDIENCE_ARM, false},
    {"POST", "/providers/Microsoft.ResourceGraph/resources", AUDIENCE_GRAPH, false},
};

START_TEST(read_only_lets_questions_pass)
{
    const struct read_only_row *row = &read_only_rows[_i];

    guard_by(&(struct guard_settings){.read_only = true});
    ck_assert_msg(passes_with(row->method, row->path, row->audience, NULL) == row->passes,
                  "%s %s", row->method, row->path);
    if (!row->passes) {
        char *text =
            memory_format("--read-only: %s %s is a write", row->method, row->path);

        assert_refusal(text);
        free(text);
    }
}
END_TEST

START_TEST(signing_in_is_no_write)
{
    guard_by(&(struct guard_settings){.read_only = true,
                                      .within = {RG},
                                      .within_count = 1,
                                      .max_writes = {.is_set = true}});
    is_sign_in = true;
    ck_assert(passes_with("POST", "/token", AUDIENCE_NONE, NULL));
}
END_TEST

START_TEST(a_header_that_names_another_method_makes_a_write)
{
    guard_by(&(struct guard_settings){.read_only = true});
    ck_assert(!passes_with("GET", RG, AUDIENCE_ARM,
                           memory_copy_string("X-HTTP-Method-Override: DELETE")));
}
END_TEST

static const struct scope_row {
    const char *scope, *method, *path;
    enum audience audience;
    bool passes;
} scope_rows[] = {
    {RG, "PUT", RG, AUDIENCE_ARM, true},
    {RG, "DELETE", RG "/providers/A.B/c/d?api-version=1", AUDIENCE_ARM, true},
    {RG, "POST", SERVICE "/backup", AUDIENCE_ARM, true},
    {RG "/", "PUT", RG, AUDIENCE_ARM, true},
    {"/SUBSCRIPTIONS/S1/RESOURCEGROUPS/RG", "PUT", RG, AUDIENCE_ARM, true},
    {RG, "PUT", "/Subscriptions/S1//resourcegroups/%72g/x", AUDIENCE_ARM, true},
    {"rg", "PUT", RG "/x", AUDIENCE_ARM, true},
    {"RG", "PUT", RG, AUDIENCE_ARM, true},
    {"/subscriptions/s1", "PUT", RG, AUDIENCE_ARM, true},
    {RG, "GET", "/subscriptions/s2", AUDIENCE_ARM, true},
    {RG, "GET", "/a%2Fb", AUDIENCE_ARM, true},
    {RG, "GET", "/v1.0/groups", AUDIENCE_GRAPH, true},
    {RG, "POST", "/providers/Microsoft.ResourceGraph/resources", AUDIENCE_ARM, true},
    {RG, "PUT", RG "-2", AUDIENCE_ARM, false},
    {RG, "PUT", "/subscriptions/s1/resourceGroups", AUDIENCE_ARM, false},
    {RG, "PUT", "/subscriptions/s2/resourceGroups/rg", AUDIENCE_ARM, false},
    {RG, "PATCH", RG "/../other", AUDIENCE_ARM, false},
    {RG, "DELETE", RG "/%2e%2e/other", AUDIENCE_ARM, false},
    {RG, "PUT", RG "%2F..%2Fother", AUDIENCE_ARM, false},
    {RG, "PUT", RG "/x%2Fy", AUDIENCE_ARM, false},
    {RG, "PUT", RG "//../other", AUDIENCE_ARM, false},
    {RG, "PUT", "/?x=" RG, AUDIENCE_ARM, false},
    {RG, "PUT", "/x" RG, AUDIENCE_ARM, false},
    {"rg", "PUT", "/subscriptions/s2/resourceGroups/rg", AUDIENCE_ARM, false},
    {RG, "POST", "/v1.0/groups", AUDIENCE_GRAPH, false},
    {RG, "POST", RG, AUDIENCE_GRAPH, false},
    {"graph", "POST", "/v1.0/groups", AUDIENCE_GRAPH, true},
    {"Graph", "DELETE", "/v1.0/groups/1", AUDIENCE_GRAPH, true},
    {"graph", "PUT", RG, AUDIENCE_ARM, false},
    {"graph", "PUT", "/graph", AUDIENCE_ARM, false},
    {RG, "PUT", RG, AUDIENCE_NONE, false},
    {"graph", "PUT", RG, AUDIENCE_NONE, false},
    {RG, "GET", "/x", AUDIENCE_NONE, true},
};

START_TEST(within_a_scope_means_at_it_or_below)
{
    const struct scope_row *row = &scope_rows[_i];

    guard_by(&(struct guard_settings){.within = {row->scope}, .within_count = 1});
    ck_assert_msg(passes_with(row->method, row->path, row->audience, NULL) == row->passes,
                  "%s: %s %s", row->scope, row->method, row->path);
    ck_assert_int_eq(warning == NULL, row->passes);
}
END_TEST

START_TEST(several_scopes_allow_what_one_of_them_allows)
{
    guard_by(&(struct guard_settings){
        .within = {"/subscriptions/s1/resourceGroups/a", "graph", "b"},
        .within_count = 3});
    ck_assert(passes("PUT", "/subscriptions/s1/resourceGroups/a/x"));
    ck_assert(passes("PUT", "/subscriptions/s1/resourceGroups/B"));
    ck_assert(passes_with("POST", "/v1.0/groups", AUDIENCE_GRAPH, NULL));
    ck_assert(!passes("PUT", "/subscriptions/s1/resourceGroups/c?api-version=1"));
    assert_refusal("--within: PUT /subscriptions/s1/resourceGroups/c is outside of "
                   "/subscriptions/s1/resourcegroups/a and the other scopes");
    ck_assert(!passes("PUT", "/a%2Fb"));
    assert_refusal("--within: the path of PUT /a%2Fb can be read in more than one way");
}
END_TEST

START_TEST(a_name_needs_a_subscription)
{
    struct failure *failure = NULL;

    ck_assert_ptr_null(
        stage_new_guard(&(struct guard_settings){.within = {RG, "rg"}, .within_count = 2},
                        NULL, &failure));
    ck_assert_str_eq(failure->code, "BadSetting");
    failure_free(failure);
}
END_TEST

static const struct {
    const char *scope;
    bool is_fine;
} scope_texts[] = {{RG, true},          {"rg", true},    {"graph", true},  {"/", false},
                   {"", false},         {"a/b", false},  {"//", false},    {"..", false},
                   {"/a/../..", false}, {"/a?b", false}, {"/a%2fb", false}};

START_TEST(a_scope_that_is_none_is_told)
{
    ck_assert_msg((guard_check_scope(scope_texts[_i].scope) == NULL) ==
                      scope_texts[_i].is_fine,
                  "%s", scope_texts[_i].scope);
}
END_TEST

START_TEST(writes_are_limited_with_deletions_among_them)
{
    guard_by(&(struct guard_settings){.max_writes = {true, 3}});
    ck_assert(passes("PUT", "/a"));
    ck_assert(passes("GET", "/a"));
    ck_assert(passes("DELETE", "/a"));
    ck_assert(passes_with("POST", "/v1.0/groups", AUDIENCE_GRAPH, NULL));
    ck_assert(!passes("PATCH", "/a?b"));
    assert_refusal("--max-writes: PATCH /a would be write 4, and the limit is 3");
    ck_assert(!passes("DELETE", "/a"));
    ck_assert(passes("GET", "/a"));
}
END_TEST

START_TEST(deletions_are_limited_by_themselves)
{
    guard_by(&(struct guard_settings){.max_deletes = {true, 1}});
    ck_assert(passes("DELETE", "/a"));
    ck_assert(passes("PUT", "/a"));
    ck_assert(!passes("DELETE", "/b"));
    assert_refusal("--max-deletes: DELETE /b would be deletion 2, and the limit is 1");
    ck_assert(passes("PUT", "/a"));
}
END_TEST

START_TEST(what_was_refused_is_not_counted)
{
    guard_by(&(struct guard_settings){.within = {"/a"},
                                      .within_count = 1,
                                      .max_writes = {true, 1},
                                      .max_deletes = {true, 0}});
    ck_assert(!passes("PUT", "/b"));
    ck_assert(!passes("DELETE", "/a"));
    ck_assert(passes("PUT", "/a"));
    ck_assert(!passes("PUT", "/a"));
}
END_TEST

/* --- in its place ----------------------------------------------------------------------- */

START_TEST(a_write_that_is_sent_again_counts_once)
{
    const struct server_step script[] = {STEP("PUT /a", 429, "Retry-After: 1", NULL),
                                         STEP("PUT /a", 500, NULL, NULL),
                                         {"PUT /a", .manner = SERVER_RESETS},
                                         STEP("PUT /a", 200, NULL, "x"),
                                         STEP("PUT /b", 200, NULL, "x"),
                                         {0}};
    struct failure *failure = NULL;
    struct stage *const stages[] = {
        stage_new_guard(&(struct guard_settings){.max_writes = {true, 2}}, "s1",
                        &failure),
        stage_new_retry(h.loop), stage_new_transport(h.transport, h.loop)};
    char *urls[] = {memory_format("%s/a", h.server.base),
                    memory_format("%s/b", h.server.base)};

    pipeline = pipeline_new(stages, 3);
    server_play(&h.server, script);
    for (size_t i = 0; i < 2; i++) {
        unsigned done = 0;
        struct exchange *exchange =
            exchange_new(pipeline, "PUT", urls[i], AUDIENCE_ARM, on_done);

        exchange->owner = &done;
        exchange_start(exchange);
        harness_settle(&h);
        ck_assert_int_eq(exchange->transfer.status, 200);
        exchange_free(exchange);
        free(urls[i]);
    }
    ck_assert_uint_eq(h.server.request_count, 5);
    ck_assert(!passes("PUT", "/c"));
}
END_TEST

START_TEST(an_exchange_that_goes_elsewhere_is_checked_again_and_counted_once)
{
    char *urls[] = {memory_format("%s/a", h.server.base),
                    memory_format("%s/a/b", h.server.base),
                    memory_format("%s/c", h.server.base)};
    unsigned done = 0;

    guard_by(&(struct guard_settings){
        .within = {"/a"}, .within_count = 1, .max_writes = {true, 1}});

    struct exchange *exchange =
        exchange_new(pipeline, "PUT", urls[0], AUDIENCE_ARM, on_done);

    exchange->owner = &done;
    for (unsigned i = 0; i < 3; i++) {
        exchange->transfer.url = urls[i];
        exchange_start(exchange);
        harness_settle(&h);
        ck_assert_uint_eq(done, i + 1);
        ck_assert_int_eq(exchange->is_refused, i == 2);
    }
    ck_assert_uint_eq(h.server.request_count, 2);
    exchange_free(exchange);
    for (size_t i = 0; i < 3; i++)
        free(urls[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guard");
    TCase *paths = harness_add_case(suite, "paths", NULL, NULL);
    TCase *stage = harness_add_case(suite, "stage", set_up, tear_down);

    tcase_add_loop_test(paths, a_path_has_one_spelling_or_none, 0, COUNT(path_rows));
    tcase_add_loop_test(paths, a_scope_ends_where_a_segment_ends, 0, COUNT(within_rows));
    tcase_add_loop_test(paths, the_last_provider_of_a_path_counts, 0,
                        COUNT(provider_rows));
    tcase_add_loop_test(paths, a_scope_that_is_none_is_told, 0, COUNT(scope_texts));
    tcase_add_loop_test(stage, without_guards_everything_passes, 0, 6);
    tcase_add_loop_test(stage, read_only_lets_questions_pass, 0, COUNT(read_only_rows));
    tcase_add_test(stage, a_header_that_names_another_method_makes_a_write);
    tcase_add_loop_test(stage, within_a_scope_means_at_it_or_below, 0, COUNT(scope_rows));
    tcase_add_test(stage, signing_in_is_no_write);
    tcase_add_test(stage, several_scopes_allow_what_one_of_them_allows);
    tcase_add_test(stage, a_name_needs_a_subscription);
    tcase_add_test(stage, writes_are_limited_with_deletions_among_them);
    tcase_add_test(stage, deletions_are_limited_by_themselves);
    tcase_add_test(stage, what_was_refused_is_not_counted);
    tcase_add_test(stage, a_write_that_is_sent_again_counts_once);
    tcase_add_test(stage,
                   an_exchange_that_goes_elsewhere_is_checked_again_and_counted_once);
    return harness_run_suite(suite);
}
