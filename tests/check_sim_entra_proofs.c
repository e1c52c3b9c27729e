/* tests/check_sim_entra_proofs.c - the simulated sign-in: assertions of applications, and the key
 * that it signs with. */
#include <inttypes.h>
#include <sys/stat.h>

#include "base/log.h"
#include "entra.h"

/* ---- assertions ---- */

/* What is wrong with an assertion, if anything. */
static const struct assertion_row {
    const char *alg,
        *thumbprint;     /* RS256 and x5t unless told; "expired": the old one's */
    const char *padding; /* behind the thumbprint */
    const char *iss, *sub, *aud, *jti;
    int from_s, until_s; /* from now */
    EVP_PKEY *const *key;
    int status, code;
    const char *error;
} assertion_rows[] = {
    {.alg = "RS256", .thumbprint = "x5t", .status = 200},
    {.alg = "RS256", .thumbprint = "x5t#S256", .status = 200},
    {.padding = "=", .status = 200}, /* as Python's MSAL has it */
    {.alg = "PS256", .thumbprint = "x5t#S256", .status = 200},
    {.aud = "http://sim/" TENANT "/oauth2/token", .status = 200},
    {.aud = "https://sts.windows.net/" TENANT "/", .status = 200},
    {.until_s = -299, .from_s = -900, .status = 200},
    {.until_s = -310,
     .from_s = -900,
     .status = 401,
     .code = 700024,
     .error = "invalid_client"},
    {.from_s = 310, .status = 401, .code = 700024, .error = "invalid_client"},
    {.aud = "http://elsewhere/token",
     .status = 401,
     .code = 700023,
     .error = "invalid_client"},
    {.iss = AZ, .status = 401, .code = 700021, .error = "invalid_client"},
    {.sub = AZ, .status = 401, .code = 700021, .error = "invalid_client"},
    {.jti = "", .status = 400, .code = 50027, .error = "invalid_request"},
    {.key = &other_key, .status = 401, .code = 700027, .error = "invalid_client"},
    {.alg = "none", .status = 401, .code = 700027, .error = "invalid_client"},
    {.thumbprint = "x5u", .status = 401, .code = 700027, .error = "invalid_client"},
    {.thumbprint = "expired", .status = 401, .code = 700027, .error = "invalid_client"},
};

static const char * or (const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

/* Signs in with the assertion. */
static int present(const char *assertion)
{
    char *form = memory_format("grant_type=client_credentials&client_id=" PIPE
                               "&client_assertion_type=" JWT_BEARER
                               "&client_assertion=%s&scope=" ARM "/.default",
                               assertion);
    const int status = post("oauth2/v2.0/token", form);

    free(form);
    return status;
}

static char *make_header(const struct assertion_row *row)
{
    const char *name = or (row->thumbprint, "x5t");
    const bool is_expired = strcmp(name, "expired") == 0;
    char *thumbprint =
        certificate_thumbprint(is_expired ? old_certificate : certificate,
                               strcmp(name, "x5t#S256") == 0 ? EVP_sha256() : EVP_sha1());
    char *header = memory_format("{\"alg\":\"%s\",\"%s\":\"%s\"}", or (row->alg, "RS256"),
                                 is_expired ? "x5t" : name, thumbprint);

    free(thumbprint);
    return header;
}

START_TEST(an_assertion_by_certificate_is_looked_at_closely)
{
    const struct assertion_row *row = &assertion_rows[_i];
    const int64_t now_s = clock_wall_ms(&h.clock) / 1000;
    char *header = make_header(row);
    char *claims = memory_format(
        "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"jti\":\"%s\",\"nbf\":%" PRId64
        ",\"exp\":%" PRId64 "}",
        or (row->iss, PIPE), or (row->sub, PIPE),
        or (row->aud, "http://sim/" TENANT "/oauth2/v2.0/token"), or (row->jti, "1"),
        now_s + row->from_s, now_s + (row->until_s != 0 ? row->until_s : 600));
    char *assertion = make_assertion(header, claims, row->key != NULL ? *row->key : key);

    ck_assert_msg(present(assertion) == row->status, "%s", h.answer.body.data);
    if (row->status == 200)
        claims_are("access_token", "{\"appid\":\"" PIPE "\",\"appidacr\":\"2\"}");
    else
        refused(row->status, row->error, row->code);
    free(assertion);
    free(claims);
    free(header);
}
END_TEST

START_TEST(an_assertion_has_to_be_one)
{
    present("nonsense");
    refused(400, "invalid_request", 50027);
    present("e30.e30");
    refused(400, "invalid_request", 50027);
    post("oauth2/v2.0/token", "grant_type=client_credentials&client_id=" PIPE
                              "&client_assertion=e30.e30.e30&" ARM_SCOPE);
    refused(400, "invalid_request", 900144);
}
END_TEST

static const struct {
    const char *iss, *sub, *aud;
    EVP_PKEY *const *key;
    const char *kid;
    int until_s, status, code;
} federated_rows[] = {
    {ISSUER, "repo:a", "\"api://AzureADTokenExchange\"", &key, "k1", 600, 200, 0},
    {ISSUER, "repo:a", "[\"api://AzureADTokenExchange\"]", &key, "k1", 600, 200, 0},
    {ISSUER, "repo:b", "\"other\"", &other_key, "k1", 600, 200, 0},
    {"https://trusted.example", "x", "\"api://AzureADTokenExchange\"", &other_key, "k9",
     600, 200, 0},
    {"https://else.example", "repo:a", "\"api://AzureADTokenExchange\"", &key, "k1", 600,
     401, 700211},
    {ISSUER, "repo:A", "\"api://AzureADTokenExchange\"", &key, "k1", 600, 401, 700213},
    {ISSUER, "repo:a", "\"other\"", &key, "k1", 600, 401, 700212},
    {ISSUER, "repo:a", "\"api://AzureADTokenExchange\"", &other_key, "k1", 600, 401,
     5000811},
    {ISSUER, "repo:a", "\"api://AzureADTokenExchange\"", &key, "k2", 600, 401, 5000811},
    {ISSUER, "repo:a", "\"api://AzureADTokenExchange\"", &key, "k1", -400, 401, 700024},
};

START_TEST(an_assertion_of_another_issuer_has_to_match_a_credential)
{
    char *header =
        memory_format("{\"alg\":\"RS256\",\"kid\":\"%s\"}", federated_rows[_i].kid);
    char *claims = memory_format(
        "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":%s,\"exp\":%" PRId64 "}",
        federated_rows[_i].iss, federated_rows[_i].sub, federated_rows[_i].aud,
        clock_wall_ms(&h.clock) / 1000 + federated_rows[_i].until_s);
    char *assertion = make_assertion(header, claims, *federated_rows[_i].key);

    ck_assert_msg(present(assertion) == federated_rows[_i].status, "%s",
                  h.answer.body.data);
    if (federated_rows[_i].status != 200)
        refused(401, "invalid_client", federated_rows[_i].code);
    free(assertion);
    free(claims);
    free(header);
}
END_TEST

/* ---- the key ---- */

static char folder[] = "/tmp/check_sim_entra.XXXXXX";
static struct buffer logged;

static void take_line(void *context, enum log_level level, const char *text)
{
    (void)context, (void)level;
    buffer_printf(&logged, "%s\n", text);
}

static void set_up_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("XDG_STATE_HOME", folder, 1);
    open_harness();
    log_set_sink(take_line, NULL);
}

static void tear_down_folder(void)
{
    char *command = memory_format("rm -rf %s", folder);

    close_harness();
    log_set_sink(NULL, NULL);
    buffer_deinit(&logged);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

static char *key_path(void)
{
    return memory_format("%s/moongate/sim/entra-key.pem", folder);
}

/* Its name, owned by the caller. */
static char *key_id(void)
{
    ck_assert_int_eq(get("/" TENANT "/discovery/v2.0/keys"), 200);
    return memory_copy_string(
        json_string_at(cJSON_GetArrayItem(json_at(h.json, "keys"), 0), "kid"));
}

START_TEST(the_key_is_made_at_its_first_use_and_found_again)
{
    char *path = key_path();
    struct stat facts;

    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    ck_assert_int_ne(stat(path, &facts), 0);

    char *first = key_id();

    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0600);
    sign_in();

    char *bearer = memory_copy_string(h.bearer);

    close_world();
    ck_assert_ptr_null(try_world(NULL, NULL, 2));

    char *second = key_id();

    ck_assert_str_eq(first, second);
    free(h.bearer);
    h.bearer = bearer; /* good in a world that comes later, too */
    ck_assert_int_eq(ask(CALL_GET, "/subscriptions?" VERSION, NULL), 200);
    ck_assert_ptr_null(logged.data);
    free(first);
    free(second);
    free(path);
}
END_TEST

START_TEST(a_key_that_is_none_is_not_overwritten)
{
    char *path = key_path();
    FILE *file;

    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    free(key_id());
    close_world();
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("no key\n", file);
    fclose(file);
    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, "/subscriptions?" VERSION, NULL), 200);
    ck_assert_ptr_nonnull(strstr(logged.data, "entra-key.pem"));
    ck_assert_ptr_nonnull(strstr(logged.data, "it holds no RSA key"));

    struct stat facts; /* as it was */

    ck_assert_int_eq(stat(path, &facts), 0);
    ck_assert_int_eq((int)facts.st_size, 7);
    free(path);
}
END_TEST

START_TEST(a_key_that_others_can_read_is_not_used)
{
    char *path = key_path();

    ck_assert_ptr_null(try_world(NULL, NULL, 1));

    char *first = key_id();

    close_world();
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_ptr_null(try_world(NULL, NULL, 1));

    char *second = key_id();

    ck_assert_str_ne(first, second);
    ck_assert_ptr_nonnull(strstr(logged.data, "other users can read"));
    free(first);
    free(second);
    free(path);
}
END_TEST

START_TEST(without_a_folder_the_key_is_of_this_process)
{
    setenv("XDG_STATE_HOME", "/dev/null/nothing", 1);
    ck_assert_ptr_null(try_world(NULL, NULL, 1));
    sign_in();
    ck_assert_int_eq(ask(CALL_GET, "/subscriptions?" VERSION, NULL), 200);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim entra proofs");
    TCase *assertions = add_case(suite, "assertions", set_up, close_harness);
    TCase *keys = add_case(suite, "key", set_up_folder, tear_down_folder);

    tcase_add_loop_test(assertions, an_assertion_by_certificate_is_looked_at_closely, 0,
                        COUNT_OF(assertion_rows));
    tcase_add_test(assertions, an_assertion_has_to_be_one);
    tcase_add_loop_test(assertions,
                        an_assertion_of_another_issuer_has_to_match_a_credential, 0,
                        COUNT_OF(federated_rows));
    tcase_add_test(keys, the_key_is_made_at_its_first_use_and_found_again);
    tcase_add_test(keys, a_key_that_is_none_is_not_overwritten);
    tcase_add_test(keys, a_key_that_others_can_read_is_not_used);
    tcase_add_test(keys, without_a_folder_the_key_is_of_this_process);
    return run_entra_suite(suite);
}
