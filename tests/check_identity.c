/* tests/check_identity.c - the identity of a machine, and whoever az is signed in as.
 *
 * The endpoints are served here, on the loopback; az is a small program of the test's own,
 * and the real one where it is installed. */
#include <string.h>
#include <time.h>

#include <check.h>

#include "net/program.h"
#include "sign_in.h"

#define GRANTED "{\"access_token\":\"of-the-machine\",\"expires_in\":\"3599\"}"
#define IMDS                                                                             \
    "GET /metadata/identity/oauth2/"                                                     \
    "token?api-version=2018-02-01&resource=https%3A%2F%2Farm.example"
#define ARC "GET /arc?api-version=2020-06-01&resource=https%3A%2F%2Farm.example"

static struct sign_in s;
static char *endpoint; /* the server's own, with a path */

static void set_up(void)
{
    sign_in_open(&s);
}

static void tear_down(void)
{
    free(endpoint);
    endpoint = NULL;
    sign_in_close(&s);
}

static char *serve(const char *path)
{
    endpoint = memory_format("%s%s", s.h.server.base, path);
    return endpoint;
}

/* --- App Service, Machine Learning, Cloud Shell ---------------------------------------------- */

START_TEST(app_service_gives_a_token)
{
    const struct server_step script[] = {
        STEP("GET /msi?api-version=2019-08-01&resource=https%3A%2F%2Farm.example"
             "&client_id=mine",
             200, NULL, GRANTED),
        {0}};

    server_play(&s.h.server, script);
    s.settings.identity_endpoint = serve("/msi");
    s.settings.identity_header = SECRET;
    s.settings.client_id = "mine";
    sign_in_gets(&s, "of-the-machine");
    ck_assert(server_saw(&s.h.server, "X-IDENTITY-HEADER: " SECRET "\r\n"));
}
END_TEST

START_TEST(machine_learning_gives_a_token)
{
    const struct server_step script[] = {
        STEP("GET /msi?api-version=2017-09-01&resource=https%3A%2F%2Farm.example"
             "&clientid=mine",
             200, NULL, GRANTED),
        {0}};

    server_play(&s.h.server, script);
    s.settings.msi_endpoint = serve("/msi");
    s.settings.msi_secret = SECRET;
    s.settings.client_id = "mine";
    sign_in_gets(&s, "of-the-machine");
    ck_assert(server_saw(&s.h.server, "\r\nsecret: " SECRET "\r\n"));
    ck_assert(server_saw(&s.h.server, "\r\nMetadata: true\r\n"));
}
END_TEST

START_TEST(cloud_shell_gives_a_token)
{
    const struct server_step script[] = {STEP("POST /msi", 200, NULL, GRANTED), {0}};

    server_play(&s.h.server, script);
    s.settings.msi_endpoint = serve("/msi");
    sign_in_gets(&s, "of-the-machine");
    ck_assert_str_eq(s.h.server.body.data, "resource=https%3A%2F%2Farm.example");
    ck_assert(server_saw(&s.h.server, "\r\nMetadata: true\r\n"));
}
END_TEST

START_TEST(one_identity_only_is_not_another)
{
    s.settings.msi_endpoint = serve("/msi");
    s.settings.client_id = "mine";
    sign_in_fails(&s, "NoCredentials", "Cloud Shell has one identity only");
    ck_assert_uint_eq(s.h.server.request_count, 0);
}
END_TEST

START_TEST(service_fabric_is_told_to_be_missing)
{
    s.settings.identity_endpoint = serve("/msi");
    s.settings.identity_header = SECRET;
    s.settings.identity_thumbprint = "AB";
    sign_in_fails(&s, "NoCredentials", "Service Fabric is not supported");
}
END_TEST

static const struct refused_row {
    int status;
    const char *body, *code, *words;
} refused_rows[] = {
    {400, "{\"error\":{\"code\":\"x\",\"message\":\"No such identity\"}}",
     "AuthenticationFailed", "No such identity"},
    {400, "{\"error\":\"invalid_request\",\"error_description\":\"Resource is odd\"}",
     "AuthenticationFailed", "Resource is odd"},
    {401, "<html>", "AuthenticationFailed", "HTTP 401 without"},
    {200, "{}", "ProtocolError", "without an access token"}};

START_TEST(a_machine_that_refuses_ends_the_chain)
{
    const struct refused_row *row = &refused_rows[_i];
    const struct server_step script[] = {
        STEP("GET /msi?api-version=2019-08-01&resource=https%3A%2F%2Farm.example",
             row->status, NULL, row->body),
        {0}};

    server_play(&s.h.server, script);
    s.settings.identity_endpoint = serve("/msi");
    s.settings.identity_header = SECRET;
    sign_in_fails(&s, row->code, row->words);
}
END_TEST

/* When a token expires a machine says in several ways; half of a long life is enough. */
static const struct {
    const char *life; /* %lld: now + 10000 s, in seconds since 1970 */
    int64_t early_s, due_s;
} life_rows[] = {{"\"expires_in\":\"86400\"", 43199, 43200},
                 {"\"expires_on\":\"%lld\"", 4998, 5001},
                 {"\"expires_on\":%lld", 4998, 5001},
                 {"\"expires_on\":\"01/31/2026 12:00:00 +00:00\"", 3298, 3299}};

START_TEST(the_life_of_a_machines_token_is_read)
{
    const long long then_s = (long long)clock_wall_ms(&s.h.clock) / 1000 + 10000;
    const char *life = life_rows[_i].life, *mark = strstr(life, "%lld");
    char *text = mark != NULL ? memory_format("%.*s%lld%s", (int)(mark - life), life,
                                              then_s, mark + 4)
                              : memory_copy_string(life);
    char *body = memory_format("{\"access_token\":\"t\",%s}", text);
    const struct server_step script[] = {
        {.request = "GET /msi?api-version=2019-08-01&resource=https%3A%2F%2Farm.example",
         .status = 200,
         .body = body,
         .stays = true},
        {0}};

    server_play(&s.h.server, script);
    s.settings.identity_endpoint = serve("/msi");
    s.settings.identity_header = SECRET;
    sign_in_gets(&s, "t");
    clock_advance_to(&s.h.clock, life_rows[_i].early_s * 1000);
    sign_in_gets(&s, "t");
    ck_assert_uint_eq(s.h.server.request_count, 1);
    clock_advance_to(&s.h.clock, life_rows[_i].due_s * 1000);
    sign_in_gets(&s, "t");
    ck_assert_uint_eq(s.h.server.request_count, 2);
    free(text);
    free(body);
}
END_TEST

/* --- Azure Arc ---------------------------------------------------------------------------------- */

/* Plays a challenge that names `path`, and a token for who answers it. */
static void play_arc(const char *path)
{
    static struct server_step script[3];
    static char *fields;

    free(fields);
    fields = memory_format("WWW-Authenticate: Basic realm=%s", path);
    script[0] = (struct server_step)STEP(ARC, 401, fields, NULL);
    script[1] = (struct server_step)STEP(ARC, 200, NULL, GRANTED);
    server_play(&s.h.server, script);
    s.settings.identity_endpoint = serve("/arc");
    s.settings.imds_endpoint = "http://127.0.0.1:1";
    s.settings.arc_tokens_folder = s.folder;
}

START_TEST(arc_trusts_who_can_read_its_file)
{
    char *path = sign_in_write(&s, "abc.key", "the-key\n", 8, 0600);

    play_arc(path);
    sign_in_gets(&s, "of-the-machine");
    ck_assert(server_saw(&s.h.server, "\r\nAuthorization: Basic the-key\r\n"));
    ck_assert(server_saw(&s.h.server, "\r\nMetadata: true\r\n"));
    free(path);
}
END_TEST

START_TEST(arc_is_found_by_its_agent_alone)
{
    char *agent = sign_in_write(&s, "himds", "", 0, 0700);

    s.settings.arc_agent = agent;
    s.settings.client_id = "mine";
    sign_in_fails(&s, "NoCredentials", "Azure Arc has one identity only");
    free(agent);
}
END_TEST

/* {folder} stands for the agent's. */
static const struct {
    const char *path, *words;
} arc_rows[] = {
    {"/etc/passwd", "is not read"},          {"{folder}/../../etc/a.key", "is not read"},
    {"{folder}/sub/a.key", "is not read"},   {"{folder}/a.txt", "is not read"},
    {"{folder}/.key", "is not read"},        {"{folder}x/a.key", "is not read"},
    {"{folder}/absent.key", "No such file"}, {"{folder}/large.key", "it is too large"},
    {"{folder}/odd.key", "it is no key"}};

START_TEST(arc_cannot_have_other_files_read)
{
    const char *rest = arc_rows[_i].path;
    const bool is_inside = strncmp(rest, "{folder}", 8) == 0;
    char *path =
        is_inside ? memory_format("%s%s", s.folder, rest + 8) : memory_copy_string(rest);
    char *large = memory_new(4097);
    struct wish wish;

    memset(large, 'x', 4097);
    free(sign_in_write(&s, "large.key", large, 4097, 0600));
    free(sign_in_write(&s, "odd.key", "a\r\nX-Evil: 1", 12, 0600));
    free(sign_in_write(&s, "a.txt", "content", 7, 0600));
    free(large);
    play_arc(path);
    wish = sign_in_ask(&s, AUDIENCE_ARM);
    ck_assert_ptr_nonnull(strstr(wish.request.failure->message, path));
    wish_failed(&wish, "AuthenticationFailed", arc_rows[_i].words);
    ck_assert_uint_eq(s.h.server.request_count, 1);
    free(path);
}
END_TEST

/* --- virtual machines ------------------------------------------------------------------------------ */

START_TEST(a_pod_authority_is_asked_at_once)
{
    const struct server_step script[] = {STEP(IMDS "&client_id=mine", 200, NULL, GRANTED),
                                         {0}};
    char *host = memory_format("%s/", s.h.server.base);

    server_play(&s.h.server, script);
    s.settings.pod_authority = host;
    s.settings.client_id = "mine";
    sign_in_gets(&s, "of-the-machine");
    ck_assert_uint_eq(s.h.server.request_count, 1);
    ck_assert(server_saw(&s.h.server, "\r\nMetadata: true\r\n"));
    free(host);
}
END_TEST

START_TEST(a_virtual_machine_is_probed_first)
{
    const struct server_step script[] = {STEP("GET /metadata/identity/oauth2/token", 400,
                                              NULL, "{\"error\":\"invalid_request\"}"),
                                         STEP(IMDS, 200, NULL, GRANTED),
                                         {0}};

    server_play(&s.h.server, script);
    s.settings.imds_host = s.h.server.base;
    sign_in_gets(&s, "of-the-machine");
    ck_assert_uint_eq(s.h.server.request_count, 2);
}
END_TEST

START_TEST(who_names_the_credential_skips_the_probe)
{
    const struct server_step script[] = {STEP(IMDS, 200, NULL, GRANTED), {0}};

    server_play(&s.h.server, script);
    s.settings.imds_host = s.h.server.base;
    s.settings.selection = "ManagedIdentityCredential";
    sign_in_gets(&s, "of-the-machine");
    ck_assert_uint_eq(s.h.server.request_count, 1);
}
END_TEST

START_TEST(another_clouds_service_is_none_of_azure)
{
    const struct server_step script[] = {
        STEP("GET /metadata/identity/oauth2/token", 401, NULL, NULL), {0}};

    server_play(&s.h.server, script);
    s.settings.imds_host = s.h.server.base;
    sign_in_fails(&s, "NoCredentials", "managed identity: this is no virtual machine");
    sign_in_fails(&s, "NoCredentials", "managed identity: this is no virtual machine");
    ck_assert_uint_eq(s.h.server.request_count, 1); /* it is not asked twice */
}
END_TEST

START_TEST(silence_costs_a_laptop_a_second)
{
    const struct server_step script[] = {
        {"GET /metadata/identity/oauth2/token", .manner = SERVER_STALLS}, {0}};
    const int64_t start_ms = clock_machine_ms();

    server_play(&s.h.server, script);
    s.settings.imds_host = s.h.server.base;
    sign_in_fails(&s, "NoCredentials", "managed identity: this is no virtual machine");
    ck_assert_int_ge(clock_machine_ms() - start_ms, 900);
    ck_assert_int_lt(clock_machine_ms() - start_ms, 1900);
    ck_assert_uint_eq(s.h.server.request_count, 1);
}
END_TEST

/* What is answered once, or always, and what becomes of it after how long. */
static const struct imds_row {
    int status;
    bool always;
    const char *body, *code; /* NULL: a token at last */
    const char *words;
    int64_t least_ms, most_ms;
} imds_rows[] = {
    {404, false, NULL, NULL, NULL, 1000, 2000},
    {404, true, NULL, "NoCredentials", "managed identity: HTTP 404", 15000, 16000},
    {410, false, NULL, NULL, NULL, 1000, 2000},
    {410, true, NULL, "AuthenticationFailed", "HTTP 410", 70000, 140000},
    {429, false, NULL, NULL, NULL, 500, 1500},
    {500, false, NULL, NULL, NULL, 500, 1500},
    {500, true, NULL, "AuthenticationFailed", "HTTP 500", 31500, 63000},
    {400, true,
     "{\"error\":\"invalid_request\",\"error_description\":\"Identity not "
     "found\"}",
     "NoCredentials", "managed identity: Identity not found", 0, 0},
    {400, true, "{\"error_description\":\"Resource is odd\"}", "AuthenticationFailed",
     "Resource is odd", 0, 0},
    {403, true, "{\"error\":\"A socket operation was attempted to an unreachable net\"}",
     "NoCredentials", "unreachable", 0, 0},
    {403, true, "{\"error\":\"forbidden\"}", "AuthenticationFailed", "forbidden", 0, 0},
};

START_TEST(a_machine_that_is_not_ready_is_asked_again)
{
    const struct imds_row *row = &imds_rows[_i];
    const struct server_step script[] = {
        {.request = IMDS, .status = row->status, .body = row->body, .stays = row->always},
        STEP(IMDS, 200, NULL, GRANTED),
        {0}};

    server_play(&s.h.server, script);
    s.settings.pod_authority = s.h.server.base;
    if (row->code == NULL)
        sign_in_gets(&s, "of-the-machine");
    else
        sign_in_fails(&s, row->code, row->words);
    ck_assert_int_ge(clock_now_ms(&s.h.clock), row->least_ms);
    ck_assert_int_le(clock_now_ms(&s.h.clock), row->most_ms);
}
END_TEST

/* --- az ------------------------------------------------------------------------------------------ */

/* Puts an `az` with this script into the folder that is searched. */
static void install_az(const char *script)
{
    char *text = memory_format("#!/bin/sh\n%s\n", script);

    free(sign_in_write(&s, "az", text, strlen(text), 0700));
    free(text);
}

START_TEST(az_gives_its_token)
{
    const int64_t now_s = clock_wall_ms(&s.h.clock) / 1000;
    char *script = memory_format(
        "test \"$*\" = 'account get-access-token --output json --resource "
        "https://arm.example --tenant contoso.example' || exit 9\n"
        "echo 'WARNING: words' >&2\n"
        "echo '{\"accessToken\":\"of-az\",\"expiresOn\":\"1999-01-01 00:00:00.000000\","
        "\"expires_on\":%lld}'",
        (long long)now_s + 3600);

    install_az(script);
    s.settings.tenant_id = "contoso.example";
    sign_in_gets(&s, "of-az");
    clock_advance_to(&s.h.clock, 3200000);
    sign_in_gets(&s, "of-az");
    free(script);
}
END_TEST

START_TEST(an_old_az_tells_local_time)
{
    const time_t then = (time_t)(clock_wall_ms(&s.h.clock) / 1000 + 3600);
    struct tm parts;
    char text[64], *script;

    setenv("TZ", "America/Bogota", 1); /* far from UTC, and without summer time */
    tzset();
    localtime_r(&then, &parts);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S.000000", &parts);
    script =
        memory_format("echo '{\"accessToken\":\"of-az\",\"expiresOn\":\"%s\"}'", text);
    install_az(script);
    sign_in_gets(&s, "of-az");
    clock_advance_to(&s.h.clock, 3599000 - 1000);
    sign_in_gets(&s, "of-az"); /* still the old one: renewal is due, expiry is not */
    free(script);
}
END_TEST

static const struct az_row {
    const char *script, *code, *words;
} az_rows[] = {
    {"echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
     "NoCredentials", "az: Please run 'az login' to setup account."},
    {"echo 'ERROR: AADSTS700082: expired' >&2; echo 'run: az login' >&2; exit 1",
     "NoCredentials", "az: AADSTS700082: expired"},
    {"echo 'ERROR: something broke' >&2; exit 2", "AuthenticationFailed",
     "something broke"},
    {"exit 3", "AuthenticationFailed", "without a word"},
    {"kill -9 $$", "AuthenticationFailed", "without a word"},
    {"echo garbage", "AuthenticationFailed", "holds no token"},
    {"echo '{\"accessToken\":\"\"}'", "AuthenticationFailed", "holds no token"},
    {"echo '{\"accessToken\":\"t\",\"expires_on\":5}'", "AuthenticationFailed",
     "has expired"},
    {"echo '{\"accessToken\":\"t\"}'", "AuthenticationFailed",
     "has expired, or does not"},
    {"exec sleep 600", "AuthenticationFailed", "no answer in time"},
    {"sleep 600 & wait", "AuthenticationFailed", "no answer in time"},
    {"while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
     "AuthenticationFailed", "wrote without end"},
    {"echo 'ERROR: token eyJhbGciOiJQUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln is bad' >&2; exit 1",
     "AuthenticationFailed", "token [hidden] is bad"},
};

START_TEST(an_az_that_gives_no_token_says_why)
{
    const struct az_row *row = &az_rows[_i];

    install_az(row->script);
    s.settings.program_timeout_ms = strstr(row->script, "sleep") != NULL ? 100 : 10000;
    sign_in_fails(&s, row->code, row->words);
}
END_TEST

START_TEST(an_az_that_leaves_something_running_is_over_all_the_same)
{
    const int64_t start_ms = clock_machine_ms();

    install_az("sleep 8 & echo 'ERROR: odd' >&2; exit 1");
    s.settings.program_timeout_ms = 10000;
    sign_in_fails(&s, "AuthenticationFailed", "odd");
    ck_assert_int_lt(clock_machine_ms() - start_ms, 7000);
}
END_TEST

START_TEST(az_is_killed_when_nobody_wants_it_any_more)
{
    char *path = memory_format("%s/pid", s.folder);
    char *script = memory_format("echo $$ > %s; exec sleep 600", path);
    struct wish wish;
    struct stat facts;

    ck_assert_int_eq(mkfifo(path, 0600), 0);
    install_az(script);
    s.settings.selection = "AzureCliCredential"; /* it is started at once */
    sign_in_begin(&s, &wish, AUDIENCE_ARM, NULL, NULL);

    FILE *file = fopen(path, "r"); /* waits until az has started */
    int pid = 0;

    ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
    fclose(file);
    ck_assert_int_eq(kill(pid, 0), 0);
    tokens_free(s.tokens);
    s.tokens = NULL;
    ck_assert_int_ne(kill(pid, 0), 0);
    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_uint_eq(wish.done_count, 0);
    free(path);
    free(script);
}
END_TEST

START_TEST(a_challenge_is_beyond_az)
{
    struct wish wish;

    install_az("exit 0");
    sign_in_begin(&s, &wish, AUDIENCE_ARM, NULL, "{}");
    harness_settle(&s.h);
    wish_failed(&wish, "AuthenticationFailed", "az logout");
}
END_TEST

START_TEST(the_real_az_is_not_signed_in_here)
{
    char *path = program_find("az", getenv("PATH"));

    if (path != NULL) {
        setenv("AZURE_CONFIG_DIR", s.folder, 1); /* whoever runs this may be signed in */
        s.settings.search_path = getenv("PATH");
        s.settings.selection = "AzureCliCredential";
        sign_in_fails(&s, "NoCredentials", "az: Please run 'az login'");
    }
    free(path);
}
END_TEST

START_TEST(a_program_is_searched_for_in_order)
{
    char *path = sign_in_write(&s, "tool", "", 0, 0700);
    char *folders = memory_format("::/nonexistent:%s:/bin", s.folder);
    char *found = program_find("tool", folders);

    ck_assert_str_eq(found, path);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_ptr_null(program_find("tool", folders));
    ck_assert_ptr_null(program_find("tool", NULL));
    free(found);
    free(path);
    free(folders);
}
END_TEST

START_TEST(a_program_that_cannot_start_says_why)
{
    install_az("exit 0");
    char *path = sign_in_write(&s, "az", "#!/nonexistent/interpreter\n", 27, 0700);

    sign_in_fails(&s, "NoCredentials", "cannot be started: No such file");
    free(path);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *services = harness_add_case(suite, "services", set_up, tear_down);
    TCase *arc = harness_add_case(suite, "arc", set_up, tear_down);
    TCase *machine = harness_add_case(suite, "virtual machine", set_up, tear_down);
    TCase *az = harness_add_case(suite, "az", set_up, tear_down);
    char *real_az = program_find("az", getenv("PATH"));

    if (real_az == NULL)
        puts("skipped: the real az, which is not installed");
    free(real_az);
    tcase_add_test(services, app_service_gives_a_token);
    tcase_add_test(services, machine_learning_gives_a_token);
    tcase_add_test(services, cloud_shell_gives_a_token);
    tcase_add_test(services, one_identity_only_is_not_another);
    tcase_add_test(services, service_fabric_is_told_to_be_missing);
    tcase_add_loop_test(services, a_machine_that_refuses_ends_the_chain, 0,
                        COUNT(refused_rows));
    tcase_add_loop_test(services, the_life_of_a_machines_token_is_read, 0,
                        COUNT(life_rows));
    tcase_add_test(arc, arc_trusts_who_can_read_its_file);
    tcase_add_test(arc, arc_is_found_by_its_agent_alone);
    tcase_add_loop_test(arc, arc_cannot_have_other_files_read, 0, COUNT(arc_rows));
    tcase_add_test(machine, a_pod_authority_is_asked_at_once);
    tcase_add_test(machine, a_virtual_machine_is_probed_first);
    tcase_add_test(machine, who_names_the_credential_skips_the_probe);
    tcase_add_test(machine, another_clouds_service_is_none_of_azure);
    tcase_add_test(machine, silence_costs_a_laptop_a_second);
    tcase_add_loop_test(machine, a_machine_that_is_not_ready_is_asked_again, 0,
                        COUNT(imds_rows));
    tcase_add_test(az, az_gives_its_token);
    tcase_add_test(az, an_old_az_tells_local_time);
    tcase_add_loop_test(az, an_az_that_gives_no_token_says_why, 0, COUNT(az_rows));
    tcase_add_test(az, an_az_that_leaves_something_running_is_over_all_the_same);
    tcase_add_test(az, az_is_killed_when_nobody_wants_it_any_more);
    tcase_add_test(az, a_challenge_is_beyond_az);
    tcase_add_test(az, the_real_az_is_not_signed_in_here);
    tcase_add_test(az, a_program_is_searched_for_in_order);
    tcase_add_test(az, a_program_that_cannot_start_says_why);
    return harness_run_suite(suite);
}
