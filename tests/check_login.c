/* tests/check_login.c - people who sign in: the device code, what is kept of it, and the
 * commands login and logout. */
#include <string.h>

#include <check.h>

#include "auth/file.h"
#include "auth/kept.h"
#include "net/program.h"
#include "sign_in.h"

#define CODE_PATH "POST /organizations/oauth2/v2.0/devicecode"
#define POLL_PATH "POST /organizations/oauth2/v2.0/token"
#define REFRESH   "refresh-" SECRET
#define CODE_BODY                                                                        \
    "{\"user_code\":\"ABCD\",\"device_code\":\"code-" SECRET                             \
    "\",\"verification_uri\":\"https://microsoft.com/devicelogin\",\"expires_in\":900,"  \
    "\"interval\":5,\"message\":\"To sign in, open the page\\u001b[2J and enter ABCD\"}"
#define GRANTED                                                                          \
    "{\"access_token\":\"of-a-person\",\"expires_in\":3600,\"refresh_token\":\"" REFRESH \
    "\"}"
#define ASK                                                                              \
    "print(#require('arm').get('/subscriptions?api-version=2022-12-01').body.value)"
#define PENDING "{\"error\":\"authorization_pending\"}"

static struct sign_in s;

static void set_up(void)
{
    static const char *const names[] = {
        "AZURE_TENANT_ID",     "AZURE_CLIENT_SECRET",     "AZURE_CLIENT_CERTIFICATE_PATH",
        "ARM_TENANT_ID",       "ARM_CLIENT_SECRET",       "ARM_CLIENT_CERTIFICATE_PATH",
        "MOONGATE_CLOUD",      "AZURE_TOKEN_CREDENTIALS", "MOONGATE_ACCESS_TOKEN",
        "AZURE_AUTHORITY_HOST"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    sign_in_open(&s);
    s.settings.selection = "DeviceCodeCredential";
}

static void tear_down(void)
{
    sign_in_close(&s);
}

/* --- the device code ------------------------------------------------------------------------ */

START_TEST(a_person_is_told_where_to_go_and_is_waited_for)
{
    const struct server_step script[] = {
        STEP(CODE_PATH, 200, NULL, CODE_BODY),
        STEP(POLL_PATH, 400, NULL, PENDING),
        STEP(POLL_PATH, 400, NULL, "{\"error\":\"slow_down\"}"),
        STEP(POLL_PATH, 400, NULL, PENDING),
        STEP(POLL_PATH, 200, NULL, GRANTED),
        {0}};

    server_play(&s.h.server, script);
    sign_in_gets(&s, "of-a-person");
    ck_assert_str_eq(s.told.data, "To sign in, open the page [2J and enter ABCD\n");
    ck_assert(server_got(&s.h.server,
                         "client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46&scope=https%3A%"
                         "2F%2Farm.example%2F.default%20offline_access%20openid%20"
                         "profile&"));
    ck_assert(server_got(&s.h.server, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-"
                                      "type%3Adevice_code&"));
    ck_assert(server_got(&s.h.server, "&device_code=code-" SECRET "&"));

    /* every 5 s, and from slow_down on every 10 s */
    static const int64_t expected_s[] = {0, 5, 10, 20, 30};

    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(s.h.server.times[i], expected_s[i] * 1000);
}
END_TEST

START_TEST(one_sign_in_is_good_for_all_audiences)
{
    const struct server_step script[] = {
        STEP(CODE_PATH, 200, NULL, CODE_BODY),
        STEP(POLL_PATH, 200, NULL, GRANTED),
        STEP(POLL_PATH, 200, NULL,
             "{\"access_token\":\"for-graph\",\"expires_in\":3600}"),
        {0}};
    struct wish arm, graph;

    server_play(&s.h.server, script);
    sign_in_begin(&s, &arm, AUDIENCE_ARM, NULL, NULL);
    sign_in_begin(&s, &graph, AUDIENCE_GRAPH, NULL, NULL);
    harness_settle(&s.h);
    wish_got(&arm, "of-a-person");
    wish_got(&graph, "for-graph");
    ck_assert(server_got(&s.h.server, "grant_type=refresh_token&client_id=04b07795-8ddb-"
                                      "461a-bbee-02f9e1bf7b46&refresh_token=" REFRESH
                                      "&scope=https%3A%2F%2Fgraph.example"));
}
END_TEST

START_TEST(a_sign_in_that_ended_meanwhile_begins_again)
{
    const struct server_step script[] = {
        STEP(CODE_PATH, 200, NULL, CODE_BODY),
        STEP(POLL_PATH, 200, NULL, GRANTED),
        STEP(POLL_PATH, 400, NULL, "{\"error\":\"invalid_grant\"}"),
        STEP(CODE_PATH, 200, NULL, CODE_BODY),
        STEP(POLL_PATH, 200, NULL, "{\"access_token\":\"again\",\"expires_in\":3600}"),
        {0}};

    server_play(&s.h.server, script);
    sign_in_gets(&s, "of-a-person");
    clock_advance_to(&s.h.clock, 4000000);
    sign_in_gets(&s, "again");
}
END_TEST

static const struct poll_row {
    const char *body, *words;
} poll_rows[] = {
    {"{\"error\":\"authorization_declined\"}", "it was declined"},
    {"{\"error\":\"expired_token\"}", "the code has expired"},
    {"{\"error\":\"bad_verification_code\",\"error_description\":\"AADSTS70018: Bad code "
     "code-" SECRET ".\"}",
     "Bad code [hidden]."},
    {"<html>", "HTTP 400"},
};

START_TEST(a_sign_in_that_comes_to_nothing_says_why)
{
    const struct server_step script[] = {STEP(CODE_PATH, 200, NULL, CODE_BODY),
                                         STEP(POLL_PATH, 400, NULL, poll_rows[_i].body),
                                         {0}};

    server_play(&s.h.server, script);
    sign_in_fails(&s, "AuthenticationFailed", poll_rows[_i].words);
}
END_TEST

START_TEST(nobody_is_waited_for_for_ever)
{
    const struct server_step script[] = {
        STEP(CODE_PATH, 200, NULL, CODE_BODY),
        {.request = POLL_PATH, .status = 400, .body = PENDING, .stays = true},
        {0}};

    server_play(&s.h.server, script);
    sign_in_fails(&s, "AuthenticationFailed", "the code has expired: nobody used it");
    ck_assert_int_eq(clock_now_ms(&s.h.clock), 900000);
}
END_TEST

START_TEST(a_code_that_is_refused_says_why)
{
    const struct server_step script[] = {
        STEP("POST /tenant/oauth2/v2.0/devicecode", 400, NULL,
             "{\"error\":\"invalid_request\",\"error_description\":\"AADSTS90002: Tenant "
             "'tenant' not found.\"}"),
        {0}};

    server_play(&s.h.server, script);
    s.settings.tenant_id = "tenant";
    sign_in_fails(&s, "AuthenticationFailed", "AADSTS90002: Tenant 'tenant' not found.");
}
END_TEST

static bool was_told(void *context)
{
    (void)context;
    return s.told.length > 0;
}

START_TEST(freed_while_a_person_is_waited_for_it_asks_no_more)
{
    const struct server_step script[] = {STEP(CODE_PATH, 200, NULL, CODE_BODY), {0}};
    struct wish wish;

    server_play(&s.h.server, script);
    sign_in_begin(&s, &wish, AUDIENCE_ARM, NULL, NULL);
    ck_assert(loop_run(s.h.loop, was_told, NULL, false));
    tokens_free(s.tokens);
    s.tokens = NULL;
    harness_settle(&s.h);
    ck_assert_uint_eq(s.h.server.request_count, 1);
    ck_assert_uint_eq(wish.done_count, 0);
}
END_TEST

/* --- the kept sign-in --------------------------------------------------------------------------- */

static void keep(const char *refresh_token)
{
    const struct kept kept = {.authority = s.h.server.base,
                              .tenant_id = (char *)"tenant",
                              .client_id = (char *)"app",
                              .refresh_token = (char *)refresh_token};

    ck_assert_ptr_null(kept_write(s.folder, &kept));
    s.settings.selection = "KeptSignInCredential";
}

static mode_t mode_of(const char *folder, const char *name)
{
    char *path = memory_format("%s%s", folder, name);
    struct stat facts;

    ck_assert_int_eq(stat(path, &facts), 0);
    free(path);
    return facts.st_mode & 07777;
}

static void read_sign_in(struct buffer *bytes)
{
    char *path = kept_path(s.folder);
    const char *why;

    ck_assert(file_read(path, 65536, bytes, &why));
    free(path);
}

/* Whether the text is somewhere among these bytes. */
static bool holds(const struct buffer *bytes, const char *text)
{
    const size_t length = strlen(text);

    for (size_t at = 0; at + length <= bytes->length; at++) {
        if (memcmp(bytes->data + at, text, length) == 0)
            return true;
    }
    return false;
}

START_TEST(a_kept_sign_in_gives_tokens_and_takes_the_new_refresh_token)
{
    const struct server_step script[] = {STEP(TOKEN_PATH, 200, NULL, GRANTED), {0}};
    struct kept kept;
    char *why = NULL;

    keep("first-token");
    server_play(&s.h.server, script);
    sign_in_gets(&s, "of-a-person");
    ck_assert(server_got(&s.h.server,
                         "grant_type=refresh_token&client_id=app&refresh_token=first-"
                         "token&scope=https%3A%2F%2Farm.example%2F.default%20"));
    ck_assert(kept_read(s.folder, &kept, &why));
    ck_assert_str_eq(kept.refresh_token, REFRESH);
    ck_assert_str_eq(kept.client_id, "app");
    kept_deinit(&kept);
}
END_TEST

START_TEST(what_is_kept_is_for_its_owner_and_unreadable)
{
    char *inner = memory_format("%s/a/b", s.folder);
    const struct kept kept = {.authority = (char *)"https://login.example",
                              .tenant_id = (char *)"tenant",
                              .client_id = (char *)"app",
                              .refresh_token = (char *)REFRESH};
    struct buffer first = {0}, second = {0};
    bool was_there = false;

    umask(0);
    ck_assert_ptr_null(kept_write(inner, &kept));
    ck_assert_uint_eq(mode_of(inner, ""), 0700);
    ck_assert_uint_eq(mode_of(s.folder, "/a"), 0700);
    ck_assert_uint_eq(mode_of(inner, "/sign-in"), 0600);
    ck_assert_uint_eq(mode_of(inner, "/sign-in.key"), 0600);
    keep(REFRESH);
    read_sign_in(&first);
    keep(REFRESH);
    read_sign_in(&second);
    ck_assert(!holds(&first, SECRET));
    ck_assert(!holds(&first, "tenant"));
    ck_assert_uint_eq(first.length, second.length);
    ck_assert_int_ne(memcmp(first.data, second.data, first.length), 0); /* a new nonce */
    ck_assert_ptr_null(kept_remove(inner, &was_there));
    ck_assert(was_there);
    ck_assert_int_eq(rmdir(inner), 0); /* nothing is left */
    inner[strlen(inner) - 2] = '\0';
    ck_assert_int_eq(rmdir(inner), 0);
    buffer_deinit(&first);
    buffer_deinit(&second);
    free(inner);
}
END_TEST

/* What is done to one of the files, and what is said then. */
static const struct spoilt_row {
    const char *name;
    int at;      /* the byte that is changed, or -1 */
    long length; /* what it is cut to, or -1 */
    int mode;
    const char *words;
} spoilt_rows[] = {
    {"sign-in", 0, -1, 0600, "it is damaged, or somebody changed it"},
    {"sign-in", 20, -1, 0600, "it is damaged, or somebody changed it"}, /* nonce */
    {"sign-in", 35, -1, 0600, "it is damaged, or somebody changed it"}, /* tag */
    {"sign-in", 60, -1, 0600, "it is damaged, or somebody changed it"}, /* the rest */
    {"sign-in", -1, 0, 0600, "it is damaged, or somebody changed it"},
    {"sign-in", -1, 47, 0600, "it is damaged, or somebody changed it"},
    {"sign-in", -1, 80, 0600, "it is damaged, or somebody changed it"},
    {"sign-in", -1, -1, 0640, "other users can read or write it"},
    {"sign-in", -1, -1, 0602, "other users can read or write it"},
    {"sign-in.key", 5, -1, 0600, "it is damaged, or somebody changed it"},
    {"sign-in.key", -1, 31, 0600, "it is damaged"},
    {"sign-in.key", -1, -1, 0604, "other users can read or write it"},
};

START_TEST(a_spoilt_sign_in_is_not_used)
{
    const struct spoilt_row *row = &spoilt_rows[_i];
    char *path = memory_format("%s/%s", s.folder, row->name);
    FILE *file;

    keep(REFRESH);
    file = fopen(path, "r+b");
    if (row->at >= 0) {
        ck_assert_int_eq(fseek(file, row->at, SEEK_SET), 0);
        const int byte = fgetc(file);
        ck_assert_int_eq(fseek(file, row->at, SEEK_SET), 0);
        ck_assert_int_ne(fputc(byte ^ 1, file), EOF);
    }
    ck_assert_int_eq(fclose(file), 0);
    if (row->length >= 0)
        ck_assert_int_eq(truncate(path, row->length), 0);
    ck_assert_int_eq(chmod(path, (mode_t)row->mode), 0);
    sign_in_fails(&s, "NoCredentials", row->words);
    ck_assert_uint_eq(s.h.server.token_count, 0);
    free(path);
}
END_TEST

START_TEST(a_link_in_its_place_is_not_followed)
{
    char *path = kept_path(s.folder), *other = memory_format("%s/other", s.folder);

    keep(REFRESH);
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(symlink(other, path), 0);
    sign_in_fails(&s, "NoCredentials", "it is a symbolic link");
    free(path);
    free(other);
}
END_TEST

START_TEST(a_sign_in_that_has_expired_says_what_to_do)
{
    const struct server_step script[] = {
        STEP(TOKEN_PATH, 400, NULL,
             "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS700082: The "
             "token " REFRESH " has expired.\"}"),
        {0}};

    keep(REFRESH);
    server_play(&s.h.server, script);
    sign_in_fails(&s, "NoCredentials",
                  "kept sign-in: it has expired, run `moongate login --keep`");
}
END_TEST

START_TEST(a_kept_sign_in_that_entra_cannot_judge_is_a_failure)
{
    const struct server_step script[] = {
        STEP(TOKEN_PATH, 400, NULL, "{\"error\":\"temporarily_unavailable\"}"), {0}};

    keep(REFRESH);
    server_play(&s.h.server, script);
    sign_in_fails(&s, "AuthenticationFailed", "sign-in (kept sign-in)");
}
END_TEST

START_TEST(a_sign_in_of_another_cloud_is_not_sent_here)
{
    keep(REFRESH);
    s.settings.authority = "http://127.0.0.1:1";
    sign_in_fails(&s, "NoCredentials", "kept sign-in: it is for http://127.0.0.1:");
}
END_TEST

START_TEST(without_a_home_nothing_is_kept)
{
    s.settings.selection = "KeptSignInCredential";
    s.settings.state_folder = NULL;
    sign_in_fails(&s, "NoCredentials", "there is no HOME to keep one in");
}
END_TEST

START_TEST(a_sign_in_that_cannot_be_kept_is_a_failure)
{
    const struct server_step script[] = {
        STEP(CODE_PATH, 200, NULL, CODE_BODY), STEP(POLL_PATH, 200, NULL, GRANTED), {0}};

    server_play(&s.h.server, script);
    s.settings.keeps_sign_in = true;
    s.settings.state_folder = "/dev/null/moongate";
    sign_in_fails(&s, "IOError", "the sign-in cannot be kept: /dev/null/moongate");
}
END_TEST

/* --- the commands ---------------------------------------------------------------------------------- */

/* What a run of the program left behind. */
struct ended {
    bool is_over;
    int exit_code;
    char *out, *err;
};

static void on_end(void *owner, const struct program_end *end)
{
    struct ended *ended = owner;

    *ended = (struct ended){true, end->exit_code, memory_copy_string(end->out->data),
                            memory_copy_string(end->err->data)};
}

/* Runs moongate with up to four words, in the test's folder, against the test's server unless
 * they name a cloud. */
static struct ended moon(const char *a, const char *b, const char *c, const char *d)
{
    char *const words[] = {getenv("MOONGATE"), (char *)a, (char *)b,
                           (char *)c,          (char *)d, NULL};
    struct ended ended = {0};
    const char *why = NULL;

    setenv("XDG_STATE_HOME", s.folder, 1);
    setenv("AZURE_CLIENT_ID", "of-an-application", 1);
    if (b == NULL || strncmp(b, "--cloud", 7) != 0)
        setenv("MOONGATE_ENDPOINT", s.h.server.base, 1);
    else
        unsetenv("MOONGATE_ENDPOINT");
    unsetenv("AZURE_TENANT_ID");
    ck_assert_ptr_nonnull(program_start(s.h.loop, words, 15000, on_end, &ended, &why));
    harness_settle(&s.h);
    ck_assert(ended.is_over);
    return ended;
}

static void assert_ended(struct ended *ended, int exit_code, const char *out,
                         const char *err)
{
    ck_assert_msg(ended->exit_code == exit_code, "exit code %d: %s%s", ended->exit_code,
                  ended->out, ended->err);
    ck_assert_msg(strstr(ended->out, out) != NULL, "'%s' in: %s", out, ended->out);
    ck_assert_msg(strstr(ended->err, err) != NULL, "'%s' in: %s", err, ended->err);
    ck_assert_ptr_null(strstr(ended->out, SECRET));
    ck_assert_ptr_null(strstr(ended->err, SECRET));
    free(ended->out);
    free(ended->err);
}

/* A code that is polled for after a second. */
static const struct server_step quick_script[] = {
    STEP(CODE_PATH, 200, NULL,
         "{\"user_code\":\"ABCD\",\"device_code\":\"" SECRET "\",\"interval\":1,"
         "\"verification_uri\":\"https://microsoft.com/devicelogin\"}"),
    STEP(
        POLL_PATH, 200, NULL,
        /* {"upn":"ada@contoso.example","tid":"t-1"} */
        "{\"access_token\":\"e30.eyJ1cG4iOiJhZGFAY29udG9zby5leGFtcGxlIiwidGlkIjoidC0xIn0."
        "c2ln\",\"expires_in\":3600,\"refresh_token\":\"" REFRESH "\"}"),
    {0}};

static char *state_folder(void)
{
    return memory_format("%s/moongate", s.folder);
}

START_TEST(login_tells_who_one_is_and_keeps_nothing)
{
    struct ended ended;
    char *folder = state_folder();

    server_play(&s.h.server, quick_script);
    ended = moon("login", NULL, NULL, NULL);
    assert_ended(&ended, 0,
                 "signed in (device code) as ada@contoso.example, tenant t-1\n"
                 "nothing was kept: `moongate login --keep` does that\n",
                 "To sign in, open https://microsoft.com/devicelogin and enter the code "
                 "ABCD.\n");
    ck_assert_int_ne(access(folder, F_OK), 0);
    free(folder);
}
END_TEST

START_TEST(login_keeps_and_logout_forgets)
{
    char *folder = state_folder(), *path = kept_path(folder), *why = NULL;
    struct ended ended;
    struct kept kept;

    server_play(&s.h.server, quick_script);
    ended = moon("login", "--keep", NULL, NULL);
    assert_ended(&ended, 0, path, "enter the code ABCD");
    ck_assert(kept_read(folder, &kept, &why));
    ck_assert_str_eq(kept.refresh_token, REFRESH);
    ck_assert_str_eq(kept.client_id, "04b07795-8ddb-461a-bbee-02f9e1bf7b46");
    kept_deinit(&kept);
    ended = moon("logout", NULL, NULL, NULL);
    assert_ended(&ended, 0, "the kept sign-in is removed", "");
    ended = moon("logout", NULL, NULL, NULL);
    assert_ended(&ended, 0, "there was no kept sign-in", "");
    ck_assert_int_eq(rmdir(folder), 0);
    free(folder);
    free(path);
}
END_TEST

START_TEST(a_run_signs_in_by_what_was_kept)
{
    const struct server_step script[] = {
        STEP(POLL_PATH, 200, NULL, "{\"access_token\":\"kept\",\"expires_in\":3600}"),
        STEP("GET /subscriptions?api-version=2022-12-01", 200, NULL, "{\"value\":[]}"),
        {0}};
    char *folder = state_folder();
    const struct kept kept = {.authority = s.h.server.base,
                              .tenant_id = (char *)"organizations",
                              .client_id = (char *)"app",
                              .refresh_token = (char *)REFRESH};
    struct ended ended;
    bool was_there;

    ck_assert_ptr_null(kept_write(folder, &kept));
    server_play(&s.h.server, script);
    setenv("AZURE_TOKEN_CREDENTIALS", "KeptSignInCredential", 1);
    ended = moon("run", "-e", ASK, NULL);
    assert_ended(&ended, 0, "0\n", "");
    ck_assert(server_saw(&s.h.server, "Authorization: Bearer kept\r\n"));
    ck_assert_ptr_null(kept_remove(folder, &was_there));
    ck_assert_int_eq(rmdir(folder), 0);
    free(folder);
}
END_TEST

static const struct {
    const char *words[3];
    int exit_code;
    const char *out, *err;
} word_rows[] = {
    {{"login", "--help"}, 0, "usage: moongate login [options]", ""},
    {{"logout", "--help"}, 0, "usage: moongate logout", ""},
    {{"login", "now"}, 2, "", "unexpected word 'now'"},
    {{"logout", "now"}, 2, "", "unexpected word 'now'"},
    {{"login", "--keeep"}, 2, "", "did you mean '--keep'?"},
    {{"login", "--tenant="}, 2, "", "the value is empty"},
    {{"login", "--tenant", "a/b"}, 2, "", "tenant 'a/b' is neither an id nor a domain"},
    {{"login", "--tenant", "-x"}, 2, "", "tenant '-x' is neither an id nor a domain"},
    {{"login"}, 4, "", "HTTP 403"},
};

START_TEST(the_commands_take_the_words_they_know)
{
    const struct server_step script[] = {STEP(CODE_PATH, 403, NULL, NULL), {0}};

    server_play(&s.h.server, script);

    struct ended ended = moon(word_rows[_i].words[0], word_rows[_i].words[1],
                              word_rows[_i].words[2], NULL);

    assert_ended(&ended, word_rows[_i].exit_code, word_rows[_i].out, word_rows[_i].err);
}
END_TEST

/* --- a cloud of one's own ------------------------------------------------------------------------------ */

/* The environment of the cloud "custom"; {base} stands for the test's server. */
static const struct custom_row {
    const char *arm, *login, *graph, *words;
} custom_rows[] = {
    {NULL, "{base}", "{base}", "the custom cloud needs MOONGATE_ARM_ENDPOINT"},
    {"{base}", NULL, "{base}", "the custom cloud needs AZURE_AUTHORITY_HOST"},
    {"{base}", "{base}", NULL, "the custom cloud needs MOONGATE_GRAPH_ENDPOINT"},
    {"{base}", "http://login.example", "{base}",
     "AZURE_AUTHORITY_HOST 'http://login.example' is not https"},
    {"ftp://x", "{base}", "{base}", "MOONGATE_ARM_ENDPOINT 'ftp://x' is not a base URL"},
    {"{base}", "{base}/", "{base}", NULL},
};

static void set_url(const char *name, const char *url)
{
    char *expanded = url != NULL ? server_expand(&s.h.server, url) : NULL;

    if (expanded != NULL)
        setenv(name, expanded, 1);
    else
        unsetenv(name);
    free(expanded);
}

START_TEST(a_custom_cloud_is_described_by_the_environment)
{
    const struct custom_row *row = &custom_rows[_i];
    const struct server_step script[] = {
        STEP("GET /subscriptions?api-version=2022-12-01", 200, NULL, "{\"value\":[]}"),
        {0}};
    struct ended ended;

    server_play(&s.h.server, script);
    set_url("MOONGATE_ARM_ENDPOINT", row->arm);
    set_url("AZURE_AUTHORITY_HOST", row->login);
    set_url("MOONGATE_GRAPH_ENDPOINT", row->graph);
    setenv("MOONGATE_ARM_AUDIENCE", "https://audience.example", 1);
    setenv("AZURE_CLIENT_SECRET", SECRET, 1);
    setenv("ARM_TENANT_ID", "tenant", 1);
    ended = moon("run", "--cloud=custom", "-e", ASK);
    if (row->words != NULL) {
        assert_ended(&ended, 2, "", row->words);
        return;
    }
    assert_ended(&ended, 0, "0\n", "");
    ck_assert(server_got(&s.h.server, "scope=https%3A%2F%2Faudience.example%2F.default"));
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

int main(void)
{
    Suite *suite = suite_create("login");
    TCase *device = harness_add_case(suite, "device code", set_up, tear_down);
    TCase *kept = harness_add_case(suite, "kept sign-in", set_up, tear_down);
    TCase *commands = harness_add_case(suite, "commands", set_up, tear_down);
    TCase *custom = harness_add_case(suite, "custom cloud", set_up, tear_down);

    tcase_add_test(device, a_person_is_told_where_to_go_and_is_waited_for);
    tcase_add_test(device, one_sign_in_is_good_for_all_audiences);
    tcase_add_test(device, a_sign_in_that_ended_meanwhile_begins_again);
    tcase_add_loop_test(device, a_sign_in_that_comes_to_nothing_says_why, 0,
                        COUNT(poll_rows));
    tcase_add_test(device, nobody_is_waited_for_for_ever);
    tcase_add_test(device, a_code_that_is_refused_says_why);
    tcase_add_test(device, freed_while_a_person_is_waited_for_it_asks_no_more);
    tcase_add_test(kept, a_kept_sign_in_gives_tokens_and_takes_the_new_refresh_token);
    tcase_add_test(kept, what_is_kept_is_for_its_owner_and_unreadable);
    tcase_add_loop_test(kept, a_spoilt_sign_in_is_not_used, 0, COUNT(spoilt_rows));
    tcase_add_test(kept, a_link_in_its_place_is_not_followed);
    tcase_add_test(kept, a_sign_in_that_has_expired_says_what_to_do);
    tcase_add_test(kept, a_kept_sign_in_that_entra_cannot_judge_is_a_failure);
    tcase_add_test(kept, a_sign_in_of_another_cloud_is_not_sent_here);
    tcase_add_test(kept, without_a_home_nothing_is_kept);
    tcase_add_test(kept, a_sign_in_that_cannot_be_kept_is_a_failure);
    tcase_add_test(commands, login_tells_who_one_is_and_keeps_nothing);
    tcase_add_test(commands, login_keeps_and_logout_forgets);
    tcase_add_test(commands, a_run_signs_in_by_what_was_kept);
    tcase_add_loop_test(commands, the_commands_take_the_words_they_know, 0,
                        COUNT(word_rows));
    tcase_add_loop_test(custom, a_custom_cloud_is_described_by_the_environment, 0,
                        COUNT(custom_rows));
    return harness_run_suite(suite);
}
