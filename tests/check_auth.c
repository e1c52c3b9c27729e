/* tests/check_auth.c - the chain of credentials, the tokens it gives, and what Entra refuses. */
#include <string.h>

#include <check.h>

#include "base/base64.h"
#include "sign_in.h"

enum { MANY = 1000 };

static struct sign_in s;

static void set_up(void)
{
    sign_in_open(&s);
}

static void tear_down(void)
{
    sign_in_close(&s);
}

/* --- the chain --------------------------------------------------------------------------- */

START_TEST(nothing_to_sign_in_with_is_told_in_full)
{
    static const char *const reasons[] = {
        "ready token: MOONGATE_ACCESS_TOKEN is not set",
        "client secret: AZURE_CLIENT_SECRET is not set",
        "client certificate: AZURE_CLIENT_CERTIFICATE_PATH is not set",
        "workload identity: AZURE_FEDERATED_TOKEN_FILE is not set",
        "managed identity: this is no virtual machine of Azure",
        "az: it is not installed",
        "kept sign-in: there is none",
        "device code: nobody is at a terminal",
        "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
        "az login",
        "--sim"};
    struct wish wish = sign_in_ask(&s, AUDIENCE_ARM);
    char *text = failure_describe(wish.request.failure);

    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        ck_assert_msg(strstr(text, reasons[i]) != NULL, "'%s' in: %s", reasons[i], text);
    free(text);
    wish_failed(&wish, "NoCredentials", "nothing to sign in with");
}
END_TEST

static const struct selection_row {
    const char *selection, *present, *absent;
} selection_rows[] = {
    {"dev", "az: ", "client secret: "},
    {"DEV", "device code: ", "managed identity: "},
    {"prod", "managed identity: ", "az: "},
    {"prod", "workload identity: ", "kept sign-in: "},
    {"EnvironmentCredential", "client certificate: ", "az: "},
    {"environmentcredential", "client secret: ", "ready token: "},
    {"WorkloadIdentityCredential", "workload identity: ", "client secret: "},
    {"AzureCliCredential", "az: ", "kept sign-in: "},
    {"KeptSignInCredential", "kept sign-in: ", "az: "},
};

START_TEST(a_selection_narrows_the_chain)
{
    const struct selection_row *row = &selection_rows[_i];
    struct wish wish;

    s.settings.selection = row->selection;
    wish = sign_in_ask(&s, AUDIENCE_ARM);
    ck_assert_ptr_null(strstr(wish.request.failure->message, row->absent));
    wish_failed(&wish, "NoCredentials", row->present);
}
END_TEST

START_TEST(an_unknown_selection_names_those_there_are)
{
    s.settings.selection = "VisualStudioCodeCredential";
    sign_in_use_secret(&s);
    sign_in_fails(&s, "BadSetting", "AzureCliCredential, KeptSignInCredential");
}
END_TEST

START_TEST(a_refusal_ends_the_chain)
{
    const struct server_step script[] = {
        STEP(TOKEN_PATH, 401, NULL, "{\"error\":\"invalid_client\"}"), {0}};

    server_play(&s.h.server, script);
    sign_in_use_secret(&s);
    s.settings.certificate_path = "/nonexistent.pem";
    sign_in_fails(&s, "AuthenticationFailed", "sign-in (client secret)");
    ck_assert_uint_eq(s.h.server.request_count, 1);
}
END_TEST

START_TEST(what_is_half_set_says_what_is_missing)
{
    s.settings.client_secret = SECRET;
    s.settings.client_id = "client";
    sign_in_fails(&s, "NoCredentials", "client secret: AZURE_TENANT_ID is not set");
}
END_TEST

START_TEST(the_chain_tells_what_it_took_and_who_that_is)
{
    struct tokens_description who;
    struct buffer token = {0}, body = {0};
    const char claims[] = "{\"tid\":\"t-1\",\"oid\":\"o-1\",\"appid\":\"a-1\","
                          "\"exp\":1900000000}";

    buffer_append_string(&token, "e30.");
    base64_append_url(&token, claims, strlen(claims));
    buffer_append_string(&token, ".c2ln");
    buffer_printf(&body, "{\"access_token\":\"%s\",\"expires_in\":3599}", token.data);

    const struct server_step script[] = {STEP(TOKEN_PATH, 200, NULL, body.data), {0}};

    server_play(&s.h.server, script);
    sign_in_use_secret(&s);
    sign_in_gets(&s, token.data);
    tokens_describe(s.tokens, &who);
    ck_assert_str_eq(who.chosen, "client secret");
    ck_assert_uint_eq(who.count, CHAIN_LENGTH);
    ck_assert_int_eq(who.credentials[0].state, CREDENTIAL_UNAVAILABLE);
    ck_assert_str_eq(who.credentials[0].reason, "MOONGATE_ACCESS_TOKEN is not set");
    ck_assert_int_eq(who.credentials[1].state, CREDENTIAL_CHOSEN);
    ck_assert_int_eq(who.credentials[2].state, CREDENTIAL_UNTRIED);
    ck_assert_str_eq(who.tenant_id, "t-1");
    ck_assert_str_eq(who.object_id, "o-1");
    ck_assert_str_eq(who.application_id, "a-1");
    ck_assert_int_eq(who.expires_wall_ms, INT64_C(1900000000000));
    tokens_description_deinit(&who);
    buffer_deinit(&token);
    buffer_deinit(&body);
}
END_TEST

START_TEST(what_gave_one_token_is_kept_to)
{
    char *path = sign_in_write(&s, "jwt", "assertion", 9, 0600);

    s.settings.tenant_id = "tenant";
    s.settings.client_id = "client";
    s.settings.federated_token_file = path;
    sign_in_gets(&s, "token-1");
    ck_assert_int_eq(unlink(path), 0);

    struct wish wish = sign_in_ask(&s, AUDIENCE_GRAPH);

    wish_failed(&wish, "AuthenticationFailed", path);
    free(path);
}
END_TEST

/* --- a ready token ------------------------------------------------------------------------ */

/* A JWT with these claims; owned by the caller. */
static char *jwt(const char *claims)
{
    struct buffer token = {0};

    buffer_append_string(&token, "e30.");
    base64_append_url(&token, claims, strlen(claims));
    buffer_append_string(&token, ".c2ln");
    return buffer_take(&token);
}

static const struct ready_row {
    const char *claims; /* or NULL: opaque */
    enum audience audience;
    const char *failure; /* or NULL: it is given */
} ready_rows[] = {
    {NULL, AUDIENCE_ARM, NULL},
    {NULL, AUDIENCE_GRAPH, "MOONGATE_GRAPH_ACCESS_TOKEN is not set"},
    {"{\"exp\":4000000000,\"aud\":\"https://arm.example\"}", AUDIENCE_ARM, NULL},
    {"{\"exp\":4000000000,\"aud\":\"https://graph.example/\"}", AUDIENCE_GRAPH, NULL},
    {"{\"exp\":4000000000,\"aud\":\"https://arm.example\"}", AUDIENCE_GRAPH,
     "MOONGATE_GRAPH_ACCESS_TOKEN is not set"},
    {"{\"exp\":4000000000,\"aud\":\"https://graph.example.evil\"}", AUDIENCE_GRAPH,
     "MOONGATE_GRAPH_ACCESS_TOKEN is not set"},
    {"{\"exp\":1000000000}", AUDIENCE_ARM, "MOONGATE_ACCESS_TOKEN has expired"},
    {"{\"exp\":4000000000,\"aud\":\"https://storage.azure.com\"}", AUDIENCE_STORAGE,
     NULL},
    {NULL, AUDIENCE_STORAGE, "MOONGATE_STORAGE_ACCESS_TOKEN is not set"},
};

START_TEST(a_ready_token_is_for_whom_it_says)
{
    const struct ready_row *row = &ready_rows[_i];
    char *token = row->claims != NULL ? jwt(row->claims) : memory_copy_string("opaque");
    struct wish wish;

    sign_in_use_secret(&s); /* it comes first all the same */
    s.settings.ready_tokens[AUDIENCE_ARM] = token;
    wish = sign_in_ask(&s, row->audience);
    if (row->failure != NULL)
        wish_failed(&wish, "AuthenticationFailed", row->failure);
    else
        wish_got(&wish, token);
    ck_assert_uint_eq(s.h.server.token_count, 0);
    free(token);
}
END_TEST

START_TEST(each_audience_has_a_ready_token_of_its_own)
{
    struct wish wish;

    s.settings.ready_tokens[AUDIENCE_ARM] = "for-arm";
    s.settings.ready_tokens[AUDIENCE_GRAPH] = "for-graph";
    sign_in_gets(&s, "for-arm");
    wish = sign_in_ask(&s, AUDIENCE_GRAPH);
    wish_got(&wish, "for-graph");
}
END_TEST

START_TEST(a_ready_token_cannot_bring_another_header_along)
{
    s.settings.ready_tokens[AUDIENCE_ARM] = SECRET "\r\nX-Evil: 1";
    sign_in_fails(&s, "AuthenticationFailed", "is no token");
}
END_TEST

START_TEST(a_ready_token_that_expires_meanwhile_says_so)
{
    const int64_t now_s = clock_wall_ms(&s.h.clock) / 1000;
    char *claims = memory_format("{\"exp\":%lld}", (long long)now_s + 1000);
    char *token = jwt(claims);

    s.settings.ready_tokens[AUDIENCE_ARM] = token;
    sign_in_gets(&s, token);
    clock_advance_to(&s.h.clock, 1001000);
    sign_in_fails(&s, "AuthenticationFailed", "MOONGATE_ACCESS_TOKEN has expired");
    free(claims);
    free(token);
}
END_TEST

/* --- the life of tokens ------------------------------------------------------------------- */

START_TEST(a_thousand_waiters_make_one_request)
{
    struct wish *wishes = memory_new(MANY * sizeof *wishes);

    sign_in_use_secret(&s);
    for (size_t i = 0; i < MANY; i++)
        sign_in_begin(&s, &wishes[i], AUDIENCE_ARM, NULL, NULL);
    harness_settle(&s.h);
    for (size_t i = 0; i < MANY; i++)
        wish_got(&wishes[i], "token-1");
    ck_assert_uint_eq(s.h.server.token_count, 1);
    free(wishes);
}
END_TEST

START_TEST(each_audience_has_a_token_of_its_own)
{
    struct wish arm, graph;

    sign_in_use_secret(&s);
    sign_in_begin(&s, &arm, AUDIENCE_ARM, NULL, NULL);
    sign_in_begin(&s, &graph, AUDIENCE_GRAPH, NULL, NULL);
    harness_settle(&s.h);
    wish_got(&arm, "token-1");
    wish_got(&graph, "token-2");
    ck_assert(server_got(&s.h.server, "scope=https%3A%2F%2Fgraph.example%2F.default"));
}
END_TEST

/* When a new token is asked for, with what the first answer says of its life. */
static const struct life_row {
    const char *life;
    int64_t early_s, due_s;
} life_rows[] = {{"\"expires_in\":3600", 3299, 3300},
                 {"\"expires_in\":\"3600\"", 3299, 3300},
                 {"\"expires_in\":86400", 86099, 86100},
                 {"\"expires_in\":86400,\"refresh_in\":43200", 43199, 43200},
                 {"\"expires_in\":3600,\"refresh_in\":99999", 3299, 3300},
                 {"\"expires_in\":500", 249, 250},
                 {"\"token_type\":\"Bearer\"", 3298, 3299},
                 {"\"expires_in\":-5", 3298, 3299}};

START_TEST(a_token_is_renewed_in_the_background_when_that_is_due)
{
    const struct life_row *row = &life_rows[_i];
    char *body = memory_format("{\"access_token\":\"old\",%s}", row->life);
    const struct server_step script[] = {STEP(TOKEN_PATH, 200, NULL, body), {0}};

    server_play(&s.h.server, script);
    sign_in_use_secret(&s);
    sign_in_gets(&s, "old");
    clock_advance_to(&s.h.clock, row->early_s * 1000);
    sign_in_gets(&s, "old");
    ck_assert_uint_eq(s.h.server.token_count, 0);
    clock_advance_to(&s.h.clock, row->due_s * 1000);
    sign_in_gets(&s, "old"); /* at once: nobody waits for the new one */
    ck_assert_uint_eq(s.h.server.token_count, 1);
    sign_in_gets(&s, "token-1");
    free(body);
}
END_TEST

START_TEST(a_renewal_that_fails_keeps_the_old_token_and_is_tried_again)
{
    const struct server_step script[] = {
        STEP(TOKEN_PATH, 200, NULL, "{\"access_token\":\"old\",\"expires_in\":3600}"),
        STEP(TOKEN_PATH, 400, NULL, "{\"error\":\"temporarily_unavailable\"}"),
        {0}};

    server_play(&s.h.server, script);
    sign_in_use_secret(&s);
    sign_in_gets(&s, "old");
    clock_advance_to(&s.h.clock, 3300000);
    sign_in_gets(&s, "old");
    ck_assert_uint_eq(s.h.server.request_count, 2);
    sign_in_gets(&s, "old"); /* within the pause nothing is asked */
    ck_assert_uint_eq(s.h.server.token_count, 0);
    clock_advance_to(&s.h.clock, 3330000);
    sign_in_gets(&s, "old");
    sign_in_gets(&s, "token-1");
    ck_assert_ptr_nonnull(strstr(s.log.data, "ahead of need"));
}
END_TEST

START_TEST(for_a_token_that_has_expired_all_wait)
{
    const struct server_step script[] = {
        STEP(TOKEN_PATH, 200, NULL, "{\"access_token\":\"old\",\"expires_in\":3600}"),
        {0}};

    server_play(&s.h.server, script);
    sign_in_use_secret(&s);
    sign_in_gets(&s, "old");
    clock_advance_to(&s.h.clock, 3600000);
    sign_in_gets(&s, "token-1");
}
END_TEST

START_TEST(a_refused_token_is_replaced_once_however_many_carried_it)
{
    struct wish first, late[3];
    struct token *old;

    sign_in_use_secret(&s);
    first = sign_in_ask(&s, AUDIENCE_ARM);
    old = first.request.token;
    sign_in_begin(&s, &late[0], AUDIENCE_ARM, old, NULL);
    sign_in_begin(&s, &late[1], AUDIENCE_ARM, old, NULL);
    harness_settle(&s.h);
    sign_in_begin(&s, &late[2], AUDIENCE_ARM, old, NULL); /* it comes when all is done */
    ck_assert_uint_eq(late[2].done_count, 1);
    for (size_t i = 0; i < 3; i++)
        wish_got(&late[i], "token-2");
    ck_assert_uint_eq(s.h.server.token_count, 2);
    wish_got(&first, "token-1");
}
END_TEST

START_TEST(claims_pass_by_the_cache_and_replace_what_is_in_it)
{
    static const char claims[] = "{\"access_token\":{\"nbf\":{\"essential\":true,"
                                 "\"value\":\"1700000000\"}}}";
    struct wish wishes[2];

    sign_in_use_secret(&s);
    sign_in_gets(&s, "token-1");
    sign_in_begin(&s, &wishes[0], AUDIENCE_ARM, NULL, claims);
    sign_in_begin(&s, &wishes[1], AUDIENCE_ARM, NULL, claims);
    harness_settle(&s.h);
    wish_got(&wishes[0], "token-2");
    wish_got(&wishes[1], "token-2");

    char *sent = sign_in_form_field(&s, "claims");

    ck_assert_str_eq(sent, "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":"
                           "\"1700000000\"},\"xms_cc\":{\"values\":[\"cp1\"]}}}");
    free(sent);
    sign_in_gets(&s, "token-2");
    ck_assert_uint_eq(s.h.server.token_count, 2);
}
END_TEST

START_TEST(claims_are_asked_for_once_however_many_are_told_of_them)
{
    static const char claims[] = "{\"access_token\":{\"nbf\":{\"value\":\"1\"}}}";
    struct wish first, late[3];

    sign_in_use_secret(&s);
    first = sign_in_ask(&s, AUDIENCE_ARM);
    sign_in_begin(&s, &late[0], AUDIENCE_ARM, first.request.token, claims);
    harness_settle(&s.h);
    /* these carried the old one and come when all is done */
    sign_in_begin(&s, &late[1], AUDIENCE_ARM, first.request.token, claims);
    sign_in_begin(&s, &late[2], AUDIENCE_ARM, late[0].request.token, claims);
    harness_settle(&s.h);
    wish_got(&late[1], "token-2");
    wish_got(&late[2], "token-3"); /* it was refused in spite of them */
    wish_got(&late[0], "token-2");
    wish_got(&first, "token-1");
    ck_assert_uint_eq(s.h.server.token_count, 3);
}
END_TEST

START_TEST(freed_while_it_signs_in_nobody_hears_of_it)
{
    const struct server_step script[] = {{TOKEN_PATH, .manner = SERVER_STALLS}, {0}};
    struct wish wish;

    server_play(&s.h.server, script);
    sign_in_use_secret(&s);
    sign_in_begin(&s, &wish, AUDIENCE_ARM, NULL, NULL);
    tokens_free(s.tokens);
    s.tokens = NULL;
    harness_settle(&s.h);
    ck_assert_uint_eq(wish.done_count, 0);
    ck_assert(!list_is_linked(&wish.request.link));
}
END_TEST

/* --- what Entra refuses -------------------------------------------------------------------- */

static const struct refusal_row {
    long number;
    const char *cure;
} refusal_rows[] = {{7000215, "the secret's value"},
                    {7000222, "has expired"},
                    {700016, "AZURE_CLIENT_ID"},
                    {7000218, "none was sent"},
                    {700027, "upload it"},
                    {700024, "clock"},
                    {70021, "subject"},
                    {700211, "issuer"},
                    {700212, "api://AzureADTokenExchange"},
                    {700213, "letter by letter"},
                    {90002, "--cloud"},
                    {900023, "AZURE_TENANT_ID"},
                    {500011, "--cloud"},
                    {70011, "audience"},
                    {1002012, "audience"},
                    {50034, "account"},
                    {50076, "second factor"},
                    {50079, "mfasetup"},
                    {50105, "assigned"},
                    {53003, "Conditional Access"},
                    {65001, "consent"},
                    {700082, "moongate login --keep"},
                    {50173, "revoked"},
                    {70008, "expired"},
                    {90033, "few minutes"},
                    {50196, "too often"}};

START_TEST(each_refusal_has_its_cause_and_cure)
{
    const struct refusal_row *row = &refusal_rows[_i];
    char *body = memory_format(
        "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS%ld: It is refused "
        "for 'x'. More words. Trace ID: t-1 Correlation ID: c-1 Timestamp: now\","
        "\"trace_id\":\"t-1\",\"correlation_id\":\"c-1\"}",
        row->number);
    char *sentence =
        memory_format("sign-in refused: AADSTS%ld: It is refused for 'x'.", row->number);
    const struct server_step script[] = {STEP(TOKEN_PATH, 401, NULL, body), {0}};

    server_play(&s.h.server, script);
    sign_in_use_secret(&s);

    struct wish wish = sign_in_ask(&s, AUDIENCE_ARM);
    const struct failure *failure = wish.request.failure;

    ck_assert_str_eq(failure->message, sentence);
    ck_assert_str_eq(failure->request_id, "t-1");
    ck_assert_int_eq(failure->status, 401);
    ck_assert_ptr_nonnull(strstr(failure->target, "/tenant/oauth2/v2.0/token"));
    ck_assert_ptr_nonnull(strstr(failure->cure, row->cure));
    wish_failed(&wish, "AuthenticationFailed", "sign-in (client secret)");
    free(body);
    free(sentence);
}
END_TEST

/* What may come in place of an explanation, and what must not come out again. */
static const struct odd_row {
    int status;
    const char *body, *code, *words;
} odd_rows[] = {
    {400, "<html><body>Bad gateway</body></html>", "AuthenticationFailed", "HTTP 400"},
    {403, "", "AuthenticationFailed", "HTTP 403"},
    {400, "{\"error\":\"invalid_request\"}", "AuthenticationFailed", "invalid_request"},
    {400, "{\"error\":5,\"error_description\":[]}", "AuthenticationFailed", "HTTP 400"},
    {400, "{\"error_description\":\"AADSTS1: secret " SECRET " is wrong\"}",
     "AuthenticationFailed", "secret [hidden] is wrong"},
    {400,
     "{\"error_description\":\"AADSTS1: client_assertion=eyJhbGciOiJQUzI1NiIsInR5cCI6IkpX"
     "VCJ9x.y is bad\"}",
     "AuthenticationFailed", "client_assertion=[hidden] is bad"},
    {400,
     "{\"error_description\":\"AADSTS1: app '0b1f6471-1bf0-4dda-aec3-cb9272f09591' of "
     "https://management.azure.com/\"}",
     "AuthenticationFailed",
     "app '0b1f6471-1bf0-4dda-aec3-cb9272f09591' of https://management.azure.com/"},
    {400, "{\"error_description\":\"AADSTS1: \\u001b[31mred\\u0007\"}",
     "AuthenticationFailed", "AADSTS1:  [31mred "},
    {200, "{\"access_token\":null}", "ProtocolError", "without an access token"},
    {200, "[]", "ProtocolError", "without an access token"},
};

START_TEST(odd_answers_become_failures_without_secrets)
{
    const struct odd_row *row = &odd_rows[_i];
    const struct server_step script[] = {STEP(TOKEN_PATH, row->status, NULL, row->body),
                                         {0}};

    server_play(&s.h.server, script);
    sign_in_use_secret(&s);
    sign_in_fails(&s, row->code, row->words);
}
END_TEST

START_TEST(no_answer_is_no_refusal)
{
    s.settings.authority = "http://127.0.0.1:1";
    sign_in_use_secret(&s);
    sign_in_fails(&s, "ConnectionFailed", "sign-in (client secret)");
}
END_TEST

/* --- workload identity ----------------------------------------------------------------------- */

static void use_federated(const char *path)
{
    s.settings.tenant_id = "tenant";
    s.settings.client_id = "client";
    s.settings.federated_token_file = path;
}

START_TEST(a_federated_token_is_read_anew_each_time)
{
    char *path = sign_in_write(&s, "jwt", " first\n", 7, 0644);

    use_federated(path);
    sign_in_gets(&s, "token-1");
    ck_assert(server_got(&s.h.server, "grant_type=client_credentials&client_id=client&"
                                      "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%"
                                      "3Aclient-assertion-type%3Ajwt-bearer&client_"
                                      "assertion=first&scope="));
    free(sign_in_write(&s, "jwt", "second\r\n", 8, 0644));
    clock_advance_to(&s.h.clock, 3600000);
    sign_in_gets(&s, "token-2");
    ck_assert(server_got(&s.h.server, "client_assertion=second&"));
    free(path);
}
END_TEST

static const struct {
    const char *content; /* NULL: there is no file */
    const char *words;
} federated_rows[] = {
    {NULL, "No such file"}, {"", "it is empty"}, {" \r\n", "it is empty"}};

START_TEST(a_federated_token_that_cannot_be_had_names_its_file)
{
    const char *content = federated_rows[_i].content;
    char *path = content != NULL
                     ? sign_in_write(&s, "jwt", content, strlen(content), 0600)
                     : memory_format("%s/absent", s.folder);
    struct wish wish;

    use_federated(path);
    wish = sign_in_ask(&s, AUDIENCE_ARM);
    ck_assert_ptr_nonnull(strstr(wish.request.failure->message, path));
    wish_failed(&wish, "AuthenticationFailed", federated_rows[_i].words);
    free(path);
}
END_TEST

static void use_job(char *url)
{
    s.settings.tenant_id = "tenant";
    s.settings.client_id = "client";
    s.settings.oidc_url = url;
    s.settings.oidc_bearer = SECRET;
}

START_TEST(a_job_of_github_vouches_for_itself)
{
    const struct server_step script[] = {
        STEP("GET /job?v=1&audience=api%3A%2F%2FAzureADTokenExchange", 200, NULL,
             "{\"value\":\"about-the-job\"}"),
        {0}};
    char *url = memory_format("%s/job?v=1", s.h.server.base);

    server_play(&s.h.server, script);
    use_job(url);
    sign_in_gets(&s, "token-1");
    ck_assert(server_saw(&s.h.server, "Authorization: bearer " SECRET "\r\n"));
    ck_assert(server_got(&s.h.server, "client_assertion=about-the-job&"));
    free(url);
}
END_TEST

START_TEST(a_job_without_the_permission_is_told)
{
    const struct server_step script[] = {
        STEP("GET /job?audience=api%3A%2F%2FAzureADTokenExchange", 403, NULL, "no"), {0}};
    char *url = memory_format("%s/job", s.h.server.base);

    server_play(&s.h.server, script);
    use_job(url);
    sign_in_fails(&s, "AuthenticationFailed", "id-token: write");
    free(url);
}
END_TEST

START_TEST(a_job_whose_address_is_plain_http_gets_no_secret)
{
    use_job("http://evil.example/job");
    sign_in_fails(&s, "InsecureEndpoint", "ACTIONS_ID_TOKEN_REQUEST_URL");
}
END_TEST

START_TEST(oidc_that_is_asked_for_and_missing_is_told)
{
    s.settings.uses_oidc = true;
    sign_in_fails(&s, "NoCredentials", "workload identity: ARM_USE_OIDC is set, but");
}
END_TEST

/* --- the environment ---------------------------------------------------------------------------- */

START_TEST(the_environment_is_read_by_the_names_of_the_sdks_then_of_terraform)
{
    struct credential_settings read = {0};

    setenv("AZURE_CLIENT_ID", "azure", 1);
    setenv("ARM_CLIENT_ID", "terraform", 1);
    setenv("ARM_CLIENT_SECRET", SECRET, 1);
    setenv("AZURE_TENANT_ID", "", 1);
    setenv("ARM_USE_OIDC", "TRUE", 1);
    setenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "1", 1);
    setenv("XDG_STATE_HOME", "/state", 1);
    setenv("MOONGATE_GRAPH_ACCESS_TOKEN", "g", 1);
    setenv("MOONGATE_STORAGE_ACCESS_TOKEN", "s", 1);
    ck_assert(!credential_settings_name_any(&read));
    credential_settings_read_environment(&read);
    ck_assert_str_eq(read.client_id, "azure");
    ck_assert_str_eq(read.client_secret, SECRET);
    ck_assert_ptr_null(read.tenant_id);
    ck_assert(read.uses_oidc && read.sends_certificate_chain);
    ck_assert_str_eq(read.state_folder, "/state/moongate");
    ck_assert_str_eq(read.ready_tokens[AUDIENCE_GRAPH], "g");
    ck_assert_str_eq(read.ready_tokens[AUDIENCE_STORAGE], "s");
    ck_assert(credential_settings_name_any(&read));

    read.state_folder = NULL;
    setenv("XDG_STATE_HOME", "relative", 1); /* counts as not set */
    setenv("HOME", "/home/x", 1);
    credential_settings_read_environment(&read);
    ck_assert_str_eq(read.state_folder, "/home/x/.local/state/moongate");
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

int main(void)
{
    Suite *suite = suite_create("auth");
    TCase *chain = harness_add_case(suite, "chain", set_up, tear_down);
    TCase *ready = harness_add_case(suite, "ready token", set_up, tear_down);
    TCase *life = harness_add_case(suite, "life of tokens", set_up, tear_down);
    TCase *refusals = harness_add_case(suite, "refusals", set_up, tear_down);
    TCase *federated = harness_add_case(suite, "workload identity", set_up, tear_down);
    TCase *environment = harness_add_case(suite, "environment", NULL, NULL);

    tcase_add_test(chain, nothing_to_sign_in_with_is_told_in_full);
    tcase_add_loop_test(chain, a_selection_narrows_the_chain, 0, COUNT(selection_rows));
    tcase_add_test(chain, an_unknown_selection_names_those_there_are);
    tcase_add_test(chain, a_refusal_ends_the_chain);
    tcase_add_test(chain, what_is_half_set_says_what_is_missing);
    tcase_add_test(chain, the_chain_tells_what_it_took_and_who_that_is);
    tcase_add_test(chain, what_gave_one_token_is_kept_to);
    tcase_add_loop_test(ready, a_ready_token_is_for_whom_it_says, 0, COUNT(ready_rows));
    tcase_add_test(ready, each_audience_has_a_ready_token_of_its_own);
    tcase_add_test(ready, a_ready_token_cannot_bring_another_header_along);
    tcase_add_test(ready, a_ready_token_that_expires_meanwhile_says_so);
    tcase_add_test(life, a_thousand_waiters_make_one_request);
    tcase_add_test(life, each_audience_has_a_token_of_its_own);
    tcase_add_loop_test(life, a_token_is_renewed_in_the_background_when_that_is_due, 0,
                        COUNT(life_rows));
    tcase_add_test(life, a_renewal_that_fails_keeps_the_old_token_and_is_tried_again);
    tcase_add_test(life, for_a_token_that_has_expired_all_wait);
    tcase_add_test(life, a_refused_token_is_replaced_once_however_many_carried_it);
    tcase_add_test(life, claims_are_asked_for_once_however_many_are_told_of_them);
    tcase_add_test(life, claims_pass_by_the_cache_and_replace_what_is_in_it);
    tcase_add_test(life, freed_while_it_signs_in_nobody_hears_of_it);
    tcase_add_loop_test(refusals, each_refusal_has_its_cause_and_cure, 0,
                        COUNT(refusal_rows));
    tcase_add_loop_test(refusals, odd_answers_become_failures_without_secrets, 0,
                        COUNT(odd_rows));
    tcase_add_test(refusals, no_answer_is_no_refusal);
    tcase_add_test(federated, a_federated_token_is_read_anew_each_time);
    tcase_add_loop_test(federated, a_federated_token_that_cannot_be_had_names_its_file, 0,
                        COUNT(federated_rows));
    tcase_add_test(federated, a_job_of_github_vouches_for_itself);
    tcase_add_test(federated, a_job_without_the_permission_is_told);
    tcase_add_test(federated, a_job_whose_address_is_plain_http_gets_no_secret);
    tcase_add_test(federated, oidc_that_is_asked_for_and_missing_is_told);
    tcase_add_test(environment,
                   the_environment_is_read_by_the_names_of_the_sdks_then_of_terraform);
    return harness_run_suite(suite);
}
