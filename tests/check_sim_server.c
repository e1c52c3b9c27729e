/* tests/check_sim_server.c - the simulator as a server: TLS, HTTP, its controls, its end. */
#include "tests/simulator.h"
#include "tests/suite.h"

#include <sys/stat.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "net/loop.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/gzip.h"
#include "sim/sim.h"

#define LISTEN "--listen", "127.0.0.1:0"

static char home[64];
static struct reply reply;
static char *bearer, *group; /* "Bearer ..", and the resource group's id */

static void give_a_home(void)
{
    strcpy(home, "/tmp/check_sim_server.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    setenv("XDG_STATE_HOME", home, 1);
}

static void take_the_home(void)
{
    char *command = memory_format("rm -rf %s", home);

    simulator_drop();
    reply_deinit(&reply);
    free(bearer);
    free(group);
    bearer = group = NULL;
    ck_assert_int_eq(system(command), 0);
    free(command);
}

/* ---- asking ---- */

static void start(const char *const *words)
{
    ck_assert(simulator_start(words));
    simulator_learn_port();
}

/* One request with its answer, in a connection of its own. `fields` are lines, each with
 * its end; a body goes with its length. Returns the status. */
static int ask_bytes(const char *method, const char *path, const char *fields,
                     const void *body, size_t length)
{
    char *head = memory_format("%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s", method, path,
                               simulator.port, fields);
    const int fd = simulator_connect();

    ck_assert_int_ge(fd, 0);
    simulator_say(fd, head);
    free(head);
    if (body != NULL) {
        char *field = memory_format("Content-Length: %zu\r\n", length);

        simulator_say(fd, field);
        free(field);
    }
    simulator_say(fd, "\r\n");
    if (body != NULL)
        simulator_send(fd, body, length);
    ck_assert(reply_read(&reply, fd, strcmp(method, "HEAD") != 0));
    close(fd);
    return reply.status;
}

static int ask(const char *method, const char *path, const char *fields, const char *body)
{
    return ask_bytes(method, path, fields, body, body != NULL ? strlen(body) : 0);
}

static void check_header(const char *name, const char *value)
{
    char *text = reply_header(&reply, name);

    if (value == NULL)
        ck_assert_msg(text == NULL, "%s: %s", name, text);
    else
        ck_assert_msg(text != NULL && strcmp(text, value) == 0, "%s: %s, not %s", name,
                      text != NULL ? text : "nothing", value);
    free(text);
}

static void check_error(int status, const char *code)
{
    cJSON *json = json_parse(reply.body.data, reply.body.length, NULL);

    ck_assert_int_eq(reply.status, status);
    ck_assert_msg(json != NULL, "no JSON: %s", reply.body.data);
    ck_assert_str_eq(json_string_at(json, "error.code"), code);
    cJSON_Delete(json);
}

/* Signs in as the owner; sets `bearer` (a header line) and `group`. */
static void sign_in(void)
{
    char *tenant = simulator_value("AZURE_TENANT_ID"),
         *id = simulator_value("AZURE_CLIENT_ID"),
         *secret = simulator_value("AZURE_CLIENT_SECRET"),
         *subscription = simulator_value("AZURE_SUBSCRIPTION_ID"),
         *name = simulator_value("MOONGATE_RESOURCE_GROUP");
    char *path = memory_format("/%s/oauth2/v2.0/token", tenant);
    char *form =
        memory_format("grant_type=client_credentials&client_id=%s&client_secret=%s"
                      "&scope=https://management.azure.com/.default",
                      id, secret);

    ck_assert_int_eq(ask("POST", path, "", form), 200);

    cJSON *json = json_parse(reply.body.data, reply.body.length, NULL);

    bearer = memory_format("Authorization: Bearer %s\r\n",
                           json_string_at(json, "access_token"));
    group = memory_format("/subscriptions/%s/resourceGroups/%s", subscription, name);
    cJSON_Delete(json);
    free(tenant), free(id), free(secret), free(subscription), free(name);
    free(path), free(form);
}

/* "/subscriptions/../workspaces/team?api-version=..", owned by the caller. */
static char *workspace_path(const char *name)
{
    return memory_format("%s/providers/Microsoft.ApiManagement/service/contoso-apim/"
                         "workspaces/%s?api-version=2024-05-01",
                         group, name);
}

/* ---- TLS ---- */

struct secure {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    bool is_open;
};

/* Connects as a client that trusts `ca_file` and expects 127.0.0.1. */
static struct secure open_secure(const char *ca_file, const char *protocols, int version)
{
    struct secure secure = {.context = SSL_CTX_new(TLS_client_method()),
                            .fd = simulator_connect()};

    SSL_CTX_set_verify(secure.context, SSL_VERIFY_PEER, NULL);
    if (version != 0) { /* the library's own level forbids old ones as well */
        SSL_CTX_set_security_level(secure.context, 0);
        SSL_CTX_set_max_proto_version(secure.context, version);
    }
    if (ca_file != NULL)
        ck_assert_int_eq(SSL_CTX_load_verify_locations(secure.context, ca_file, NULL), 1);
    secure.ssl = SSL_new(secure.context);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(secure.ssl), "127.0.0.1");
    X509_VERIFY_PARAM_set_flags(SSL_get0_param(secure.ssl), X509_V_FLAG_X509_STRICT);
    if (protocols != NULL)
        SSL_set_alpn_protos(secure.ssl, (const unsigned char *)protocols,
                            (unsigned)strlen(protocols));
    SSL_set_fd(secure.ssl, secure.fd);
    secure.is_open = SSL_connect(secure.ssl) == 1;
    return secure;
}

static void close_secure(struct secure *secure)
{
    SSL_free(secure->ssl);
    SSL_CTX_free(secure->context);
    close(secure->fd);
}

static void start_tls(void)
{
    start((const char *const[]){LISTEN, "--tls", NULL});
}

START_TEST(a_client_that_trusts_the_ca_is_served_over_tls)
{
    static const char request[] = "GET /subscriptions?api-version=2022-12-01 HTTP/1.1\r\n"
                                  "Host: localhost:99\r\nConnection: close\r\n\r\n";
    const unsigned char *protocol;
    unsigned length;
    char text[4096] = "";
    int count = 0, more;

    start_tls();

    char *ca = simulator_value("MOONGATE_CA_FILE");
    struct secure secure = open_secure(ca, "\x02h2\x08http/1.1", 0);

    ck_assert(secure.is_open);
    ck_assert_int_eq(SSL_get_verify_result(secure.ssl), X509_V_OK);
    SSL_get0_alpn_selected(secure.ssl, &protocol, &length);
    ck_assert_uint_eq(length, 8);
    ck_assert_mem_eq(protocol, "http/1.1", 8);
    ck_assert_int_gt(SSL_write(secure.ssl, request, (int)strlen(request)), 0);
    while ((more = SSL_read(secure.ssl, text + count, (int)sizeof text - 1 - count)) > 0)
        count += more;
    ck_assert_msg(strstr(text, "HTTP/1.1 401 ") == text, "%s", text);
    ck_assert_msg(strstr(text, "authorization_uri=\"https://localhost:99/") != NULL, "%s",
                  text);
    close_secure(&secure);
    free(ca);
}
END_TEST

START_TEST(a_client_that_does_not_trust_the_ca_refuses)
{
    start_tls();

    struct secure secure = open_secure(NULL, NULL, 0);

    ck_assert(!secure.is_open);
    ck_assert_int_eq(SSL_get_verify_result(secure.ssl),
                     X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    close_secure(&secure);
}
END_TEST

START_TEST(old_tls_and_other_protocols_are_refused)
{
    start_tls();

    char *ca = simulator_value("MOONGATE_CA_FILE");
    struct secure old = open_secure(ca, NULL, TLS1_1_VERSION),
                  other = open_secure(ca, "\x02h2", 0),
                  good = open_secure(ca, NULL, TLS1_2_VERSION);

    ck_assert(!old.is_open);
    ck_assert(!other.is_open);
    ck_assert(good.is_open);
    close_secure(&old);
    close_secure(&other);
    close_secure(&good);
    free(ca);
}
END_TEST

START_TEST(the_ca_is_the_same_at_each_start_and_the_key_stays_private)
{
    char *copy = memory_format("%s/ca it's.pem", home);
    char *key_file = memory_format("%s/moongate/sim/authority.pem", home);
    struct stat facts;

    start_tls();

    char *ca = simulator_value("MOONGATE_CA_FILE");
    char *node = simulator_value("NODE_EXTRA_CA_CERTS");

    ck_assert_str_eq(node, ca);
    ck_assert_ptr_null(simulator_value("SSL_CERT_FILE")); /* it would be all there is */
    ck_assert_int_eq(simulator_end(SIGTERM), 0);
    start((const char *const[]){LISTEN, "--tls", "--ca-out", copy, NULL});

    char *quoted =
        memory_format("export REQUESTS_CA_BUNDLE='%s/ca it'\\''s.pem'\n", home);

    ck_assert_ptr_nonnull(strstr(simulator.out.data, quoted));
    free(quoted);

    struct secure first = open_secure(ca, NULL, 0), second = open_secure(copy, NULL, 0);

    ck_assert(first.is_open && second.is_open);
    close_secure(&first);
    close_secure(&second);
    ck_assert_int_eq(stat(key_file, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0600);
    free(copy), free(key_file), free(ca), free(node);
}
END_TEST

START_TEST(without_a_folder_a_ca_needs_a_file_for_its_certificate)
{
    char *copy = memory_format("%s/ca.pem", home);

    setenv("XDG_STATE_HOME", "/dev/null/nowhere", 1);
    ck_assert(!simulator_start((const char *const[]){LISTEN, "--tls", NULL}));
    ck_assert_int_eq(simulator_end(0), 1);

    char *errors = simulator_errors();

    ck_assert_msg(strstr(errors, "--ca-out") != NULL, "%s", errors);
    simulator_drop();
    start((const char *const[]){LISTEN, "--tls", "--ca-out", copy, NULL});

    struct secure secure = open_secure(copy, NULL, 0);

    ck_assert(secure.is_open);
    close_secure(&secure);
    free(errors);
    free(copy);
}
END_TEST

START_TEST(a_damaged_authority_is_named)
{
    char *folder = memory_format("mkdir -p %s/moongate/sim", home);
    char *file = memory_format("%s/moongate/sim/authority.pem", home);

    ck_assert_int_eq(system(folder), 0);

    FILE *out = fopen(file, "w");

    fputs("no key\n", out);
    fclose(out);
    chmod(file, 0600);
    ck_assert(!simulator_start((const char *const[]){LISTEN, "--tls", NULL}));
    ck_assert_int_eq(simulator_end(0), 1);

    char *errors = simulator_errors();

    ck_assert_msg(strstr(errors, file) != NULL &&
                      strstr(errors, "Remove the file") != NULL,
                  "%s", errors);
    free(errors), free(folder), free(file);
}
END_TEST

START_TEST(a_ca_file_without_tls_is_wrong_usage)
{
    ck_assert(!simulator_start((const char *const[]){"--ca-out", "x", NULL}));
    ck_assert_int_eq(simulator_end(0), 2);
}
END_TEST

START_TEST(without_tls_no_ca_is_made_or_told)
{
    char *folder = memory_format("%s/moongate/sim/authority.pem", home);

    start((const char *const[]){LISTEN, NULL});
    ck_assert_ptr_null(simulator_value("MOONGATE_CA_FILE"));
    ck_assert_ptr_null(simulator_value("REQUESTS_CA_BUNDLE"));
    ck_assert_int_ne(access(folder, F_OK), 0);
    free(folder);
}
END_TEST

/* ---- addresses and controls ---- */

START_TEST(ipv6_loopback_works)
{
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                         .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const int probe = socket(AF_INET6, SOCK_STREAM, 0);
    const bool is_there =
        probe >= 0 && bind(probe, (const struct sockaddr *)&address, sizeof address) == 0;

    close(probe);
    if (!is_there)
        return; /* a machine without it */
    start((const char *const[]){"--listen", "[::1]:0", NULL});

    struct sockaddr_in6 there = address;
    const int fd = socket(AF_INET6, SOCK_STREAM, 0);
    char *endpoint = simulator_value("MOONGATE_ENDPOINT");

    ck_assert_ptr_nonnull(strstr(endpoint, "http://[::1]:"));
    there.sin6_port = htons((uint16_t)simulator.port);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&there, sizeof there), 0);
    simulator_say(fd, "GET /subscriptions HTTP/1.1\r\nHost: [::1]:1\r\n\r\n");
    ck_assert(reply_read(&reply, fd, true));
    ck_assert_int_eq(reply.status, 401);
    ck_assert_ptr_nonnull(strstr(reply.head.data, "=\"http://[::1]:1/"));
    close(fd);
    free(endpoint);
}
END_TEST

START_TEST(controls_are_hidden_unless_asked_for)
{
    start((const char *const[]){LISTEN, NULL});
    ask("GET", "/_sim/clock", "", NULL);
    check_error(404, "NotFound");
    ask("GET", "/_other/clock", "", NULL);
    check_error(404, "NotFound");
    simulator_drop();
    start((const char *const[]){LISTEN, "--control", NULL});
    ck_assert_int_eq(ask("GET", "/_sim/clock", "", NULL), 200);
    ck_assert_ptr_null(simulator_value("MOONGATE_SIM_CONTROL_TOKEN"));
}
END_TEST

START_TEST(beyond_loopback_a_warning_is_given_and_controls_want_a_token)
{
    start((const char *const[]){"--listen", "0.0.0.0:0", "--control", NULL});

    char *errors = simulator_errors(),
         *token = simulator_value("MOONGATE_SIM_CONTROL_TOKEN");

    ck_assert_msg(strstr(errors, "secrets are no secrets") != NULL, "%s", errors);
    ck_assert_ptr_nonnull(token);
    ck_assert_uint_eq(strlen(token), 64);
    ask("GET", "/_sim/clock", "", NULL);
    check_error(401, "AuthenticationFailed");

    char *field = memory_format("Authorization: Bearer %.63s%c\r\n", token,
                                token[63] == '0' ? '1' : '0');

    ck_assert_int_eq(ask("GET", "/_sim/clock", field, NULL), 401);
    free(field);
    field = memory_format("Authorization: Bearer %s\r\n", token);
    ck_assert_int_eq(ask("GET", "/_sim/clock", field, NULL), 200);
    free(field), free(errors);

    char *first = token;

    simulator_drop();
    start((const char *const[]){"--listen", "0.0.0.0:0", "--control", NULL});
    token = simulator_value("MOONGATE_SIM_CONTROL_TOKEN");
    ck_assert_str_ne(token, first);
    free(first), free(token);
}
END_TEST

/* ---- HTTP ---- */

static void start_plain(void)
{
    start((const char *const[]){LISTEN, NULL});
}

START_TEST(head_is_a_get_without_its_body)
{
    static const char *const names[] = {"Content-Length", "Content-Type", "ETag"};

    start_plain();
    sign_in();

    char *path = workspace_path("team");

    ck_assert_int_eq(
        ask("PUT", path, bearer, "{\"properties\":{\"displayName\":\"Team\"}}"), 201);
    ck_assert_int_eq(ask("HEAD", path, bearer, NULL), 200);
    ck_assert_uint_eq(reply.body.length, 0);

    struct reply head = reply;

    reply = (struct reply){0};
    ck_assert_int_eq(ask("GET", path, bearer, NULL), 200);
    ck_assert_uint_gt(reply.body.length, 0);
    for (int i = 0; i < COUNT_OF(names); i++) {
        char *value = reply_header(&head, names[i]);

        ck_assert_ptr_nonnull(value);
        check_header(names[i], value);
        free(value);
    }
    reply_deinit(&head);
    free(path);
}
END_TEST

START_TEST(a_connection_takes_one_request_after_the_other)
{
    start_plain();

    const int fd = simulator_connect();

    simulator_say(fd,
                  "GET /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b HTTP/1.1\r\nHost: a\r\n\r\n"
                  "PUT /c HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
                  "OPTIONS /d HTTP/1.1\r\nHost: a\r\n\r\n"
                  "GET /e HTTP/1.0\r\n\r\n");
    ck_assert(reply_read(&reply, fd, true));
    check_error(404, "NotFound");
    ck_assert_ptr_nonnull(strstr(reply.body.data, "/a"));
    ck_assert(reply_read(&reply, fd, false));
    ck_assert_int_eq(reply.status, 404);
    ck_assert(reply_read(&reply, fd, true));
    ck_assert_ptr_nonnull(strstr(reply.body.data, "/c"));
    ck_assert(reply_read(&reply, fd, true));
    check_error(405, "MethodNotAllowed");
    check_header("Allow", "GET, HEAD, PUT, PATCH, POST, DELETE");

    char c;

    ck_assert_int_eq(recv(fd, &c, 1, MSG_PEEK), 1); /* HTTP/1.0, which ends it */
    while (recv(fd, &c, 1, 0) == 1)
        continue;
    close(fd);
}
END_TEST

/* A byte after the other, from either side of any boundary. */
START_TEST(a_chunked_body_is_read)
{
    static const char chunks[] =
        "7\r\n{\"prope\r\n0A\r\nrties\":{\"d\r\n"
        "16\r\nisplayName\":\"Chunks\"}}\r\n0\r\nX-Trailer: 1\r\n\r\n";

    start_plain();
    sign_in();

    char *path = workspace_path("chunks");
    char *head = memory_format("PUT %s HTTP/1.1\r\nHost: a\r\n%s"
                               "Transfer-Encoding: chunked\r\n\r\n",
                               path, bearer);
    const int fd = simulator_connect();

    simulator_say(fd, head);
    for (size_t i = 0; i < strlen(chunks); i++)
        simulator_send(fd, chunks + i, 1);
    ck_assert(reply_read(&reply, fd, true));
    ck_assert_int_eq(reply.status, 201);
    ck_assert_ptr_nonnull(strstr(reply.body.data, "\"Chunks\""));
    close(fd);
    free(head), free(path);
}
END_TEST

START_TEST(a_client_that_expects_to_be_asked_is_asked)
{
    start_plain();

    const int fd = simulator_connect();

    simulator_say(fd, "PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                      "Content-Length: 2\r\n\r\n");
    ck_assert(reply_read(&reply, fd, false));
    ck_assert_int_eq(reply.status, 100);
    simulator_say(fd, "{}");
    ck_assert(reply_read(&reply, fd, true));
    check_error(404, "NotFound");
    close(fd);
}
END_TEST

START_TEST(gzip_is_read)
{
    static const char body[] = "{\"properties\":{\"displayName\":\"Packed\"}}";
    struct buffer packed = {0};

    start_plain();
    sign_in();

    char *path = workspace_path("packed");
    char *fields = memory_format("%sContent-Encoding: gzip\r\n", bearer);

    gzip_pack(&packed, body, strlen(body));
    ck_assert_int_eq(ask_bytes("PUT", path, fields, packed.data, packed.length), 201);
    ck_assert_ptr_nonnull(strstr(reply.body.data, "\"Packed\""));
    ck_assert_int_eq(ask_bytes("PUT", path, fields, packed.data, packed.length - 9), 400);
    check_error(400, "InvalidRequestContent");
    ck_assert_int_eq(ask("PUT", path, fields, body), 400);
    check_error(400, "InvalidRequestContent");
    free(fields);
    fields = memory_format("%sContent-Encoding: br\r\n", bearer);
    ck_assert_int_eq(ask("PUT", path, fields, body), 415);
    check_error(415, "UnsupportedMediaType");
    buffer_deinit(&packed);
    free(fields), free(path);
}
END_TEST

START_TEST(what_unpacks_to_too_much_is_refused)
{
    enum { LENGTH = 9 * 1024 * 1024 };
    char *zeros = memory_new(LENGTH);
    struct buffer packed = {0};

    start_plain();
    gzip_pack(&packed, zeros, LENGTH);
    ck_assert_uint_lt(packed.length, 100 * 1024);
    ask_bytes("POST", "/x", "Content-Encoding: gzip\r\n", packed.data, packed.length);
    check_error(413, "RequestContentTooLarge");
    buffer_deinit(&packed);
    free(zeros);
}
END_TEST

static const struct {
    const char *accept;
    bool is_packed;
} accepted[] = {{"gzip", true},
                {"deflate, gzip;q=0.5, br", true},
                {"GZIP", true},
                {"*", true},
                {"identity", false},
                {"gzip;q=0", false},
                {"gzip; q=0.000, *", false},
                {"*;q=0", false},
                {"xgzip", false},
                {"", false}};

START_TEST(long_answers_are_packed_for_who_accepts_it)
{
    start_plain();
    sign_in();

    char *path = memory_format("%s/providers/Microsoft.Authorization/roleDefinitions"
                               "?api-version=2022-04-01",
                               group);
    char *fields =
        memory_format("%sAccept-Encoding: %s\r\n", bearer, accepted[_i].accept);

    ck_assert_int_eq(ask("GET", path, bearer, NULL), 200);
    ck_assert_uint_gt(reply.body.length, 1024);
    check_header("Vary", "Accept-Encoding");
    check_header("Content-Encoding", NULL);

    char *plain = memory_copy_string(reply.body.data);

    ck_assert_int_eq(ask("GET", path, fields, NULL), 200);
    check_header("Vary", "Accept-Encoding");
    check_header("Content-Encoding", accepted[_i].is_packed ? "gzip" : NULL);
    if (accepted[_i].is_packed) {
        struct buffer unpacked = {0};

        ck_assert_int_eq(
            gzip_unpack(&unpacked, reply.body.data, reply.body.length, 65536), GZIP_DONE);
        ck_assert_str_eq(unpacked.data, plain);
        ck_assert_uint_lt(reply.body.length, unpacked.length);
        buffer_deinit(&unpacked);
    } else {
        ck_assert_str_eq(reply.body.data, plain);
    }
    free(path), free(fields), free(plain);
}
END_TEST

START_TEST(a_short_answer_is_not_packed)
{
    start_plain();
    ck_assert_int_eq(ask("GET", "/subscriptions", "Accept-Encoding: gzip\r\n", NULL),
                     401);
    check_header("Content-Encoding", NULL);
    check_header("Vary", NULL);
}
END_TEST

/* ---- what is no good ---- */

/* Ends: what follows on the same connection would be anybody's guess. */
static const char *const bad_requests[] = {
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
    "chunked\r\n\r\n"
    "0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n"
    "Content-Length: 0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
    "GET /\r\n\r\n",
    "\x16\x03\x01\x02\x01 TLS to the wrong port\r\n\r\n",
};

START_TEST(a_request_that_can_be_misread_is_refused_and_the_connection_ends)
{
    start_plain();

    const int fd = simulator_connect();

    simulator_say(fd, bad_requests[_i]);
    simulator_say(fd, "GET /subscriptions HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert(reply_read(&reply, fd, true));
    ck_assert_int_eq(reply.status, 400);
    ck_assert(is_closed(fd));
    close(fd);
    ck_assert_int_eq(ask("GET", "/subscriptions", "", NULL), 401); /* it lives */
}
END_TEST

START_TEST(an_arm_client_hears_what_was_wrong)
{
    start_plain();
    ask("GET", "/", "Host: other\r\n", NULL);
    check_error(400, "BadRequest");
    ck_assert_ptr_nonnull(strstr(reply.body.data, "stands twice"));
    check_header("Connection", "close");
}
END_TEST

/* The body of a request whose method has none must not become the next request. */
START_TEST(a_body_that_is_not_read_ends_the_connection)
{
    static const char *const methods[] = {"HEAD", "TRACE", "FOO"};

    start_plain();
    for (int i = 0; i < COUNT_OF(methods); i++) {
        char *head = memory_format(
            "%s / HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\n", methods[i]);
        const int fd = simulator_connect();

        simulator_say(fd, head);
        simulator_say(fd, "GET /subscriptions HTTP/1.1\r\nHost: aaaaaa\r\n\r\n");
        ck_assert(reply_read(&reply, fd, i > 0));
        check_header("Connection", "close");
        ck_assert(is_closed(fd));
        close(fd);
        free(head);
    }
}
END_TEST

START_TEST(an_unknown_method_is_refused)
{
    start_plain();
    ask("BREW", "/", "", NULL);
    check_error(501, "NotImplemented");
    ask("TRACE", "/", "", NULL);
    check_error(405, "MethodNotAllowed");
}
END_TEST

/* An answer is JSON, so UTF-8, whatever it repeats. */
START_TEST(bytes_that_are_no_text_do_not_come_back)
{
    start((const char *const[]){LISTEN, "--control", NULL});
    ask("GET", "/a\xff", "", NULL);
    check_error(400, "InvalidRequestUri");
    ask("GET", "/a%C3%28?x=1", "", NULL);
    check_error(400, "InvalidRequestUri");
    ask("POST", "/_sim/faults", "", "\xe5ngstrom=1");
    check_error(400, "InvalidRequestContent");
    ck_assert(text_is_utf8(reply.body.data, reply.body.length));
    ck_assert_ptr_nonnull(strstr(reply.body.data, "?ngstrom"));
}
END_TEST

static int ask_with_long_header(size_t length)
{
    char *value = memory_new(length + 1);

    memset(value, 'x', length);

    char *field = memory_format("X-Long: %s\r\n", value);
    const int status = ask("GET", "/x", field, NULL);

    free(value), free(field);
    return status;
}

START_TEST(headers_have_a_limit)
{
    start_plain();
    ck_assert_int_eq(ask_with_long_header(60 * 1024), 404);
    ask_with_long_header(66 * 1024);
    check_error(431, "RequestHeaderFieldsTooLarge");
    ck_assert_int_eq(ask_with_long_header(140 * 1024), 400); /* libevent's own */
}
END_TEST

START_TEST(bodies_have_a_limit)
{
    enum { LIMIT = 8 * 1024 * 1024 };
    char *body = memory_new(3 * LIMIT);

    start_plain();
    memset(body, ' ', 3 * LIMIT);
    ck_assert_int_eq(ask_bytes("PUT", "/x", "", body, LIMIT), 404);
    ask_bytes("PUT", "/x", "", body, LIMIT + 1);
    check_error(413, "RequestContentTooLarge");
    ck_assert_int_eq(ask_bytes("PUT", "/x", "", body, 3 * LIMIT),
                     413); /* libevent's own */
    free(body);
}
END_TEST

/* ---- many, and the end ---- */

START_TEST(five_hundred_connections_are_served_at_once)
{
    enum { MANY = 500 };
    int fds[MANY];

    start_plain();
    for (int i = 0; i < MANY; i++) {
        fds[i] = simulator_connect();
        ck_assert_int_ge(fds[i], 0);
        simulator_say(fds[i], "GET /subscriptions HTTP/1.1\r\n");
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++)
            simulator_say(fds[i], "Host: a\r\n\r\n");
        for (int i = 0; i < MANY; i++) {
            ck_assert(reply_read(&reply, fds[i], true));
            ck_assert_int_eq(reply.status, 401);
            if (round == 0)
                simulator_say(fds[i], "GET /subscriptions HTTP/1.1\r\n");
        }
    }
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    ck_assert_int_eq(simulator_end(SIGTERM), 0);
}
END_TEST

/* Again and again, as each closes a descriptor behind libevent's back. */
START_TEST(a_connection_is_reset_when_a_fault_says_so)
{
    start((const char *const[]){LISTEN, "--faults", "reset=1", NULL});
    for (int i = 0; i < 50; i++) {
        const int fd = simulator_connect();
        char c;

        simulator_say(fd, "GET /subscriptions HTTP/1.1\r\nHost: a\r\n\r\n");
        ck_assert_int_eq(recv(fd, &c, 1, 0), -1);
        ck_assert_int_eq(errno, ECONNRESET);
        close(fd);
    }
    ck_assert_int_eq(simulator_end(SIGTERM), 0);
}
END_TEST

START_TEST(over_tls_it_is_reset_as_well)
{
    static const char request[] = "GET /subscriptions HTTP/1.1\r\nHost: a\r\n\r\n";

    start((const char *const[]){LISTEN, "--tls", "--faults", "reset=1", NULL});

    char *ca = simulator_value("MOONGATE_CA_FILE");

    for (int i = 0; i < 5; i++) {
        struct secure secure = open_secure(ca, NULL, TLS1_2_VERSION);
        char c;

        ck_assert(secure.is_open);
        ck_assert_int_gt(SSL_write(secure.ssl, request, (int)strlen(request)), 0);
        ck_assert_int_le(SSL_read(secure.ssl, &c, 1), 0);
        ck_assert_int_eq(errno, ECONNRESET);
        close_secure(&secure);
    }
    free(ca);
    ck_assert_int_eq(simulator_end(SIGTERM), 0);
}
END_TEST

START_TEST(at_the_end_what_is_being_asked_is_answered_and_kept)
{
    char *state = memory_format("%s/state", home);
    static const char body[] = "{\"properties\":{\"displayName\":\"Last\"}}";

    start((const char *const[]){LISTEN, "--state", state, NULL});
    sign_in();

    char *path = workspace_path("last");
    char *head =
        memory_format("PUT %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n", path,
                      bearer, strlen(body));
    const int idle = simulator_connect(), fd = simulator_connect();

    simulator_say(fd, head);
    simulator_send(fd, body, 5);
    ck_assert_int_eq(ask("GET", "/subscriptions", "", NULL), 401); /* it has read that */
    kill(simulator.pid, SIGTERM);
    for (int refused = 0; refused == 0;) { /* until it has heard the signal */
        const int late = simulator_connect();

        refused = late < 0 ? 1 : 0;
        if (late >= 0)
            close(late);
    }
    simulator_say(fd, body + 5);
    ck_assert(reply_read(&reply, fd, true));
    ck_assert_int_eq(reply.status, 201);
    check_header("Connection", "close");
    ck_assert(is_closed(fd));
    ck_assert(is_closed(idle));
    ck_assert_int_eq(simulator_end(0), 0);
    close(fd);
    close(idle);
    simulator_drop();
    start((const char *const[]){LISTEN, "--state", state, NULL});
    free(bearer), free(group);
    sign_in();
    ck_assert_int_eq(ask("GET", path, bearer, NULL), 200);
    free(state), free(path), free(head);
}
END_TEST

START_TEST(at_the_end_what_is_held_back_is_answered_at_once)
{
    static const char request[] = "GET /subscriptions HTTP/1.1\r\nHost: a\r\n\r\n";

    start((const char *const[]){LISTEN, "--faults", "slow@/subscriptions=1", NULL});

    const int fd = simulator_connect();

    simulator_say(fd, request);
    ck_assert_int_eq(ask("GET", "/tenants", "", NULL), 401); /* it has read that */
    ck_assert_int_eq(simulator_end(SIGTERM), 0);
    ck_assert(reply_read(&reply, fd, true));
    ck_assert_int_eq(reply.status, 401);
    check_header("Connection", "close");
    close(fd);
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
    start_plain();

    const int fd = simulator_connect();

    simulator_say(fd, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{");
    ck_assert_int_eq(ask("GET", "/subscriptions", "", NULL), 401);
    kill(simulator.pid, SIGTERM);
    ck_assert_int_eq(simulator_end(SIGINT), 0);
    close(fd);
}
END_TEST

/* ---- without HTTP ---- */

START_TEST(a_simulator_can_be_asked_without_a_socket)
{
    const struct sim_options options = {.seed = 1};
    struct failure *failure = NULL;
    struct clock clock;

    clock_init(&clock, CLOCK_VIRTUAL, 1);

    struct loop *loop = loop_new(&clock);
    struct sim *sim = sim_open(loop, &options, &failure);
    struct call call = {.method = CALL_GET, .base = "http://here", .path = "/_sim/clock"};
    struct answer answer;

    ck_assert_ptr_nonnull(sim);
    ck_assert_ptr_null(sim_profile(sim)->endpoint);
    answer_init(&answer);
    sim_answer(sim, &call, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body.data, "\"mode\":\"virtual\""));
    answer_deinit(&answer);
    sim_close(sim);
    loop_free(loop);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim server");
    TCase *tls = add_case(suite, "tls", give_a_home, take_the_home),
          *gates = add_case(suite, "controls", give_a_home, take_the_home),
          *http = add_case(suite, "http", give_a_home, take_the_home),
          *bad = add_case(suite, "bad requests", give_a_home, take_the_home),
          *life = add_case(suite, "many and the end", give_a_home, take_the_home);

    tcase_add_test(tls, a_client_that_trusts_the_ca_is_served_over_tls);
    tcase_add_test(tls, a_client_that_does_not_trust_the_ca_refuses);
    tcase_add_test(tls, old_tls_and_other_protocols_are_refused);
    tcase_add_test(tls, the_ca_is_the_same_at_each_start_and_the_key_stays_private);
    tcase_add_test(tls, without_a_folder_a_ca_needs_a_file_for_its_certificate);
    tcase_add_test(tls, a_damaged_authority_is_named);
    tcase_add_test(tls, a_ca_file_without_tls_is_wrong_usage);
    tcase_add_test(tls, without_tls_no_ca_is_made_or_told);
    tcase_add_test(gates, ipv6_loopback_works);
    tcase_add_test(gates, controls_are_hidden_unless_asked_for);
    tcase_add_test(gates, beyond_loopback_a_warning_is_given_and_controls_want_a_token);
    tcase_add_test(http, head_is_a_get_without_its_body);
    tcase_add_test(http, a_connection_takes_one_request_after_the_other);
    tcase_add_test(http, a_chunked_body_is_read);
    tcase_add_test(http, a_client_that_expects_to_be_asked_is_asked);
    tcase_add_test(http, gzip_is_read);
    tcase_add_test(http, what_unpacks_to_too_much_is_refused);
    tcase_add_loop_test(http, long_answers_are_packed_for_who_accepts_it, 0,
                        COUNT_OF(accepted));
    tcase_add_test(http, a_short_answer_is_not_packed);
    tcase_add_loop_test(bad,
                        a_request_that_can_be_misread_is_refused_and_the_connection_ends,
                        0, COUNT_OF(bad_requests));
    tcase_add_test(bad, an_arm_client_hears_what_was_wrong);
    tcase_add_test(bad, a_body_that_is_not_read_ends_the_connection);
    tcase_add_test(bad, an_unknown_method_is_refused);
    tcase_add_test(bad, bytes_that_are_no_text_do_not_come_back);
    tcase_add_test(bad, headers_have_a_limit);
    tcase_add_test(bad, bodies_have_a_limit);
    tcase_add_test(life, five_hundred_connections_are_served_at_once);
    tcase_add_test(life, a_connection_is_reset_when_a_fault_says_so);
    tcase_add_test(life, over_tls_it_is_reset_as_well);
    tcase_add_test(life, at_the_end_what_is_being_asked_is_answered_and_kept);
    tcase_add_test(life, at_the_end_what_is_held_back_is_answered_at_once);
    tcase_add_test(life, a_second_signal_ends_it_at_once);
    tcase_add_test(life, a_simulator_can_be_asked_without_a_socket);

    return run_suite(suite);
}
