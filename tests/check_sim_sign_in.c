/* tests/check_sim_sign_in.c - moongate signs in to `moongate sim`, each in a process of its
 * own, by every credential that the simulator gives tokens to. */
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/pkcs12.h>

#include "assertion.h"
#include "simulator.h"
#include "tests/suite.h"

#define PIPE   "aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb"
#define TENANT "5f0a3c1e-1b7d-4c55-9a55-3f6b1c7d2e10"
#define ANN    "ann.adler@contoso.example"

/* Asks for what every token lets one see, and prints how much that was. */
#define SCRIPT                                                                           \
    "run -e 'print(\"subscriptions\", #require \"arm\".list(\"/subscriptions\", "        \
    "{query = {[\"api-version\"] = \"2022-12-01\"}}))'"

static EVP_PKEY *key;
static X509 *certificate;
static char folder[32];

/* ---- files ---- */

/* Writes a file in the test's folder. */
static void write_file(const char *name, const char *bytes, size_t length)
{
    char *path = memory_format("%s/%s", folder, name);
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0600), 0);
    free(path);
}

static void write_bio(const char *name, BIO *bio)
{
    char *data;
    const long length = BIO_get_mem_data(bio, &data);

    write_file(name, data, (size_t)length);
    BIO_free(bio);
}

static void write_pem(void)
{
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    PEM_write_bio_X509(bio, certificate);
    write_bio("client.pem", bio);
}

static void write_pkcs12(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PKCS12 *container =
        PKCS12_create("a password", "client", key, certificate, NULL, 0, 0, 0, 0, 0);

    i2d_PKCS12_bio(bio, container);
    PKCS12_free(container);
    write_bio("client.p12", bio);
}

/* What the cluster of a workload writes for it. */
static void write_assertion(const char *subject)
{
    char *claims =
        memory_format("{\"iss\":\"https://cluster.example\",\"sub\":\"%s\","
                      "\"aud\":[\"api://AzureADTokenExchange\"],\"exp\":%" PRId64 "}",
                      subject, (int64_t)time(NULL) + 3600);
    char *assertion = make_assertion("{\"alg\":\"RS256\",\"kid\":\"k1\"}", claims, key);

    write_file("assertion", assertion, strlen(assertion));
    free(assertion);
    free(claims);
}

static void write_world(void)
{
    char *pem = certificate_json(certificate), *keys = key_set_json(key, "k1");
    char *world = memory_format(
        "{\"users\":[{\"upn\":\"" ANN "\",\"password\":\"unused here\"}],"
        "\"applications\":[{\"name\":\"pipeline\",\"app_id\":\"" PIPE "\","
        "\"secret\":\"s3cret-of-this-test\",\"role\":\"Reader\",\"certificates\":[%s],"
        "\"federated\":[{\"issuer\":\"https://cluster.example\","
        "\"subject\":\"system:serviceaccount:a:b\",\"keys\":%s}]}]}",
        pem, keys);

    write_file("world.json", world, strlen(world));
    free(world);
    free(keys);
    free(pem);
}

/* ---- the two processes ---- */

static void clear_environment(void)
{
    static const char *const names[] = {"AZURE_TENANT_ID",
                                        "AZURE_CLIENT_ID",
                                        "AZURE_CLIENT_SECRET",
                                        "AZURE_CLIENT_CERTIFICATE_PATH",
                                        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
                                        "AZURE_FEDERATED_TOKEN_FILE",
                                        "AZURE_AUTHORITY_HOST",
                                        "AZURE_TOKEN_CREDENTIALS",
                                        "IDENTITY_ENDPOINT",
                                        "MOONGATE_ACCESS_TOKEN"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

/* A clock that makes a device's five seconds one. */
static void set_up(void)
{
    strcpy(folder, "/tmp/check_sign_in.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_world();

    char *world = memory_format("%s/world.json", folder);
    char *endpoint;

    ck_assert(
        simulator_start((const char *const[]){"--listen", "127.0.0.1:0", "--clock", "60x",
                                              "--control", "--world", world, NULL}));
    simulator_learn_port();
    endpoint = simulator_value("MOONGATE_ENDPOINT");
    clear_environment();
    setenv("MOONGATE_ENDPOINT", endpoint, 1);
    setenv("TEST_FOLDER", folder, 1);
    setenv("TEST_MOONGATE", getenv("MOONGATE"), 1);
    free(endpoint);
    free(world);
}

static void tear_down(void)
{
    char *command = memory_format("rm -rf %s", folder);

    simulator_drop();
    ck_assert_int_eq(system(command), 0);
    free(command);
}

/* Starts moongate, with the variables that its words begin with. */
static FILE *start(const char *variables, const char *words)
{
    char *command = memory_format(
        "XDG_STATE_HOME=\"$TEST_FOLDER/state\" %s \"$TEST_MOONGATE\" %s 2>&1 </dev/null",
        variables, words);
    FILE *stream = popen(command, "r");

    ck_assert_ptr_nonnull(stream);
    free(command);
    return stream;
}

/* Reads what it says to the end, or to `mark`. */
static void read_up_to(FILE *stream, const char *mark, struct buffer *said)
{
    char line[1024];

    buffer_append_string(said, "");
    while (fgets(line, sizeof line, stream) != NULL) {
        buffer_append_string(said, line);
        if (mark != NULL && strstr(line, mark) != NULL)
            return;
    }
}

/* Checks the exit code, and that this was said. */
static void ended(FILE *stream, struct buffer *said, int exit_code, const char *words)
{
    read_up_to(stream, NULL, said);

    const int status = pclose(stream);

    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == exit_code, "%d: %s",
                  WEXITSTATUS(status), said->data);
    ck_assert_msg(strstr(said->data, words) != NULL, "'%s' in: %s", words, said->data);
    ck_assert_ptr_null(strstr(said->data, "s3cret-of-this-test"));
    buffer_deinit(said);
}

static void runs(const char *variables, int exit_code, const char *words)
{
    struct buffer said = {0};

    ended(start(variables, SCRIPT), &said, exit_code, words);
}

#define AS_PIPE "AZURE_TENANT_ID=" TENANT " AZURE_CLIENT_ID=" PIPE " "

START_TEST(an_application_signs_in_by_its_secret)
{
    runs(AS_PIPE "AZURE_CLIENT_SECRET='s3cret-of-this-test'", 0, "subscriptions\t1");
    runs(AS_PIPE "AZURE_CLIENT_SECRET=wrong", 4, "AADSTS7000215");
    runs("AZURE_TENANT_ID=elsewhere.example AZURE_CLIENT_ID=" PIPE
         " AZURE_CLIENT_SECRET='s3cret-of-this-test'",
         4, "AADSTS90002");
}
END_TEST

START_TEST(an_application_signs_in_by_a_certificate_in_pem)
{
    write_pem();
    runs(AS_PIPE "AZURE_CLIENT_CERTIFICATE_PATH=\"$TEST_FOLDER/client.pem\"", 0,
         "subscriptions\t1");
    runs("AZURE_TENANT_ID=" TENANT " AZURE_CLIENT_ID=c0a80102-2b9e-4f60-a1c7-0e9d8c7b6a54"
         " AZURE_CLIENT_CERTIFICATE_PATH=\"$TEST_FOLDER/client.pem\"",
         4, "AADSTS700027");
}
END_TEST

START_TEST(an_application_signs_in_by_a_certificate_in_pkcs12)
{
    write_pkcs12();
    runs(AS_PIPE "AZURE_CLIENT_CERTIFICATE_PATH=\"$TEST_FOLDER/client.p12\" "
                 "AZURE_CLIENT_CERTIFICATE_PASSWORD='a password'",
         0, "subscriptions\t1");
}
END_TEST

START_TEST(a_workload_signs_in_by_what_its_cluster_says)
{
    write_assertion("system:serviceaccount:a:b");
    runs(AS_PIPE "AZURE_FEDERATED_TOKEN_FILE=\"$TEST_FOLDER/assertion\"", 0,
         "subscriptions\t1");
    write_assertion("system:serviceaccount:a:other");
    runs(AS_PIPE "AZURE_FEDERATED_TOKEN_FILE=\"$TEST_FOLDER/assertion\"", 4,
         "AADSTS700213");
}
END_TEST

/* ---- a person ---- */

/* Decides on the code that moongate has told of, as a script would. */
static void decide(const char *told, const char *approve)
{
    const char *code = strstr(told, "enter the code ");
    struct reply reply = {0};

    ck_assert_msg(code != NULL, "%s", told);
    code += strlen("enter the code ");

    char *body = memory_format(
        "{\"user_code\":\"%.9s\",\"user\":\"" ANN "\",\"approve\":%s}", code, approve);
    char *request = memory_format("POST /_sim/devicecode HTTP/1.1\r\nHost: "
                                  "127.0.0.1\r\nContent-Length: %zu\r\n\r\n%s",
                                  strlen(body), body);
    const int fd = simulator_connect();

    ck_assert_int_ge(fd, 0);
    simulator_say(fd, request);
    ck_assert(reply_read(&reply, fd, true));
    ck_assert_int_eq(reply.status, 200);
    close(fd);
    reply_deinit(&reply);
    free(request);
    free(body);
}

START_TEST(a_person_signs_in_and_stays_signed_in)
{
    struct buffer said = {0};
    FILE *stream = start("", "login --keep");

    read_up_to(stream, "enter the code", &said);
    decide(said.data, "true");
    ended(stream, &said, 0, ANN);
    /* by the refresh token; Ann has no right, so she sees nothing */
    runs("AZURE_TOKEN_CREDENTIALS=KeptSignInCredential", 0, "subscriptions\t0");
}
END_TEST

START_TEST(a_person_turns_the_device_away)
{
    struct buffer said = {0};
    FILE *stream = start("", "login");

    read_up_to(stream, "enter the code", &said);
    decide(said.data, "false");
    ended(stream, &said, 4, "declined");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim sign-in");
    TCase *applications = tcase_create("applications"), *people = tcase_create("people");

    key = EVP_RSA_gen(2048);
    certificate = make_certificate(key, -60, 3600);
    tcase_add_checked_fixture(applications, set_up, tear_down);
    tcase_add_checked_fixture(people, set_up, tear_down);
    tcase_set_timeout(applications, 30);
    tcase_set_timeout(people, 30);
    tcase_add_test(applications, an_application_signs_in_by_its_secret);
    tcase_add_test(applications, an_application_signs_in_by_a_certificate_in_pem);
    tcase_add_test(applications, an_application_signs_in_by_a_certificate_in_pkcs12);
    tcase_add_test(applications, a_workload_signs_in_by_what_its_cluster_says);
    tcase_add_test(people, a_person_signs_in_and_stays_signed_in);
    tcase_add_test(people, a_person_turns_the_device_away);
    suite_add_tcase(suite, applications);
    suite_add_tcase(suite, people);

    return run_suite(suite);
}
