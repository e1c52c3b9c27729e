/* tests/check_azblob.c - the store in Azure Blob Storage against a server that answers by a
 * script: what is sent byte by byte, lost answers, refusals, pages.
 *
 * What needs a service that remembers is in conformance/azurite.c. */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/jwt.h"
#include "base/base64.h"
#include "sign_in.h"
#include "sim/sim.h"
#include "store/azblob.h"
#include "store_calls.h"
#include "suite.h"

#define KEY_BYTES  "0123456789abcdef0123456789abcdef"
#define KEY        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define SAS        "?sv=2021-12-02&ss=b&srt=co&sp=rwdlac&sig=c2lnbmF0dXJl" SECRET "%3D"
#define BLOBS      "/store-1/pre/fix/"
#define BLOB       BLOBS LOG
#define CONTAINER  "PUT /store-1?restype=container"
#define CODE(code) "x-ms-error-code: " code

static struct sign_in s;
static char endpoint[80];

static struct azblob_settings settings(void)
{
    return (struct azblob_settings){.address = "azblob://account1/store-1/pre/fix/",
                                    .endpoint = endpoint,
                                    .transport = s.h.transport,
                                    .retry_pause_ms = 2};
}

static void open_store(const struct azblob_settings *asked)
{
    struct failure *failure = NULL;

    if (store != NULL)
        store->free(store);
    store = store_new_azblob(loop, asked, &failure);
    ck_assert_msg(store != NULL, "%s", failure != NULL ? failure->message : "");
}

static void set_up(void)
{
    struct azblob_settings asked;

    sign_in_open(&s);
    loop = s.h.loop;
    store = NULL;
    snprintf(endpoint, sizeof endpoint, "%s", s.h.server.base);
    asked = settings();
    asked.key = KEY;
    open_store(&asked);
}

static void tear_down(void)
{
    store_call_deinit(&call);
    if (store != NULL)
        store->free(store);
    sign_in_close(&s);
}

static void play(const struct server_step *script)
{
    server_play(&s.h.server, script);
}

static const char *requests(void)
{
    return server_log(&s.h.server);
}

/* The value of the first header field of that name that came, or of the one after `from`; owned by
 * the caller. */
static char *sent_field(const char *from, const char *name)
{
    char *mark = memory_format("\r\n%s: ", name);
    const char *field = strstr(from, mark);

    ck_assert_msg(field != NULL, "no %s was sent", name);
    field += strlen(mark);
    free(mark);
    return memory_copy_text(field, strcspn(field, "\r"));
}

#define EMPTY_LIST                                                                       \
    "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults>"         \
    "<Blobs></Blobs><NextMarker /></EnumerationResults>"

/* --- signing -------------------------------------------------------------------------- */

static void ask_put(void)
{
    ck_assert_str_eq(put(STORE_REPLACE, "runs/1/run.json", "{\"a\":1}"), "");
}

static void ask_get(void)
{
    ck_assert_str_eq(get("runs/1/run.json", 10, 5), "");
}

static void ask_list(void)
{
    ck_assert_str_eq(list("runs/"), "");
}

static void ask_look(void)
{
    ck_assert_str_eq(look(), "");
}

/* What is to be signed, as the documentation has it; %s are the request's id and its date. */
static const struct sign_row {
    void (*ask)(void);
    const char *request;
    int status;
    const char *fields, *body; /* of the answer */
    const char *lines;
} sign_rows[] = {
    {ask_put, "PUT " BLOBS "runs/1/run.json", 201, NULL, NULL,
     "PUT\n\n\n7\n\napplication/octet-stream\n\n\n\n\n\n\n"
     "x-ms-blob-type:BlockBlob\nx-ms-client-request-id:%s\nx-ms-date:%s\n"
     "x-ms-version:2021-12-02\n/account1" BLOBS "runs/1/run.json"},
    {ask_get, "GET " BLOBS "runs/1/run.json", 206, "Content-Range: bytes 10-14/20",
     "abcde",
     "GET\n\n\n\n\n\n\n\n\n\n\nbytes=10-14\n"
     "x-ms-client-request-id:%s\nx-ms-date:%s\n"
     "x-ms-version:2021-12-02\n/account1" BLOBS "runs/1/run.json"},
    {ask_list,
     "GET /store-1?restype=container&comp=list&delimiter=%2F&prefix=pre%2Ffix%2Fruns%2F",
     200, NULL, EMPTY_LIST,
     "GET\n\n\n\n\n\n\n\n\n\n\n\n"
     "x-ms-client-request-id:%s\nx-ms-date:%s\n"
     "x-ms-version:2021-12-02\n/account1/store-1\ncomp:list\ndelimiter:/\n"
     "prefix:pre/fix/runs/\nrestype:container"},
    {ask_look, "HEAD " BLOB, 200, "x-ms-lease-state: available", NULL,
     "HEAD\n\n\n\n\n\n\n\n\n\n\n\n"
     "x-ms-client-request-id:%s\nx-ms-date:%s\n"
     "x-ms-version:2021-12-02\n/account1" BLOB},
};

/* base64(HMAC-SHA256(key, lines)), owned by the caller. */
static char *sign(const char *lines)
{
    unsigned char digest[32];
    unsigned length = sizeof digest;
    struct buffer text = {0};

    HMAC(EVP_sha256(), KEY_BYTES, (int)strlen(KEY_BYTES), (const unsigned char *)lines,
         strlen(lines), digest, &length);
    base64_append(&text, digest, length);
    return buffer_take(&text);
}

static void assert_signed(const char *heads, const char *lines)
{
    char *id = sent_field(heads, "x-ms-client-request-id");
    char *date = sent_field(heads, "x-ms-date");
    char *authorization = sent_field(heads, "Authorization");
    struct buffer text = {0};
    char *first = strstr(lines, "%s"), *second = strstr(first + 2, "%s");

    buffer_append(&text, lines, (size_t)(first - lines));
    buffer_append_string(&text, id);
    buffer_append(&text, first + 2, (size_t)(second - first - 2));
    buffer_append_string(&text, date);
    buffer_append_string(&text, second + 2);

    char *signature = sign(text.data);
    char *expected = memory_format("SharedKey account1:%s", signature);

    ck_assert_str_eq(authorization, expected);
    free(expected);
    free(signature);
    buffer_deinit(&text);
    free(authorization);
    free(date);
    free(id);
}

static const struct server_step *one_step(const char *request, int status,
                                          const char *fields, const char *body)
{
    static struct server_step steps[2];

    steps[0] = (struct server_step)STEP(request, status, fields, body);
    return steps;
}

START_TEST(requests_are_signed_as_documented)
{
    const struct sign_row *row = &sign_rows[_i];

    play(one_step(row->request, row->status, row->fields, row->body));
    row->ask();
    assert_signed(s.h.server.heads.data, row->lines);
}
END_TEST

START_TEST(an_emulator_has_the_account_twice)
{
    struct azblob_settings asked = settings();
    char *emulator = memory_format("%s/account1/", s.h.server.base);

    asked.key = KEY;
    asked.endpoint = emulator;
    open_store(&asked);
    free(emulator);
    play(one_step("HEAD /account1" BLOB, 200, "x-ms-lease-state: available", NULL));
    ck_assert_str_eq(look(), "");
    assert_signed(s.h.server.heads.data,
                  "HEAD\n\n\n\n\n\n\n\n\n\n\n\n"
                  "x-ms-client-request-id:%s\nx-ms-date:%s\n"
                  "x-ms-version:2021-12-02\n/account1/account1" BLOB);
}
END_TEST

START_TEST(each_attempt_is_dated_by_the_machine_and_signed)
{
    static const struct server_step script[] = {
        STEP("HEAD " BLOB, 503, NULL, NULL), STEP("HEAD " BLOB, 200, NULL, NULL), {0}};
    const char *second;
    char *date;
    int64_t date_ms;

    clock_set_wall(&s.h.clock, 0);
    play(script);
    ck_assert_str_eq(look(), "");
    second = strstr(s.h.server.heads.data + 1, "HEAD ");
    ck_assert_ptr_nonnull(second);
    assert_signed(second, sign_rows[3].lines);
    date = sent_field(second, "x-ms-date");
    ck_assert_int_eq(clock_parse_http(date, &date_ms), 0);
    ck_assert_int_le(llabs(clock_machine_wall_ms() - date_ms), 60000);
    free(date);
}
END_TEST

/* --- other rights --------------------------------------------------------------------- */

/* Nothing that was logged or told holds a secret. */
static void assert_no_secret(void)
{
    if (s.log.data != NULL)
        ck_assert_ptr_null(strstr(s.log.data, SECRET));
    if (call.failure != NULL) {
        char *text = failure_describe(call.failure);

        ck_assert_ptr_null(strstr(text, SECRET));
        free(text);
    }
}

START_TEST(a_shared_access_signature_goes_into_the_query)
{
    static const struct server_step script[] = {
        STEP("HEAD " BLOB "?sv=2021-12-02&ss=b&srt=co&sp=rwdlac&sig=c2lnbmF0dXJl" SECRET
             "%3D",
             200, NULL, NULL),
        STEP("GET /store-1?restype=container&comp=list&delimiter=%2F&prefix=pre%2Ffix%2F&"
             "sv=2021-12-02&ss=b&srt=co&sp=rwdlac&sig=c2lnbmF0dXJl" SECRET "%3D",
             403, CODE("AuthorizationPermissionMismatch"),
             "<?xml version=\"1.0\"?><Error><Code>AuthorizationPermissionMismatch</Code>"
             "<Message>This request is not authorized.\nRequestId:1</Message></Error>"),
        {0}};
    struct azblob_settings asked = settings();

    asked.sas = SAS;
    open_store(&asked);
    play(script);
    ck_assert_str_eq(look(), "");
    ck_assert(!server_saw(&s.h.server, "Authorization"));
    ck_assert(server_saw(&s.h.server, "x-ms-version: 2021-12-02\r\n"));
    ck_assert_str_eq(list(""), "AuthorizationPermissionMismatch");
    assert_no_secret();
}
END_TEST

static void open_signed_in(void)
{
    struct azblob_settings asked = settings();

    if (s.settings.client_secret == NULL)
        sign_in_use_secret(&s);
    s.tokens = tokens_new(loop, &s.settings);
    tokens_set_pipeline(s.tokens, s.h.client.pipeline);
    asked.provider = tokens_provider(s.tokens);
    open_store(&asked);
}

START_TEST(entra_gives_a_token_for_storage)
{
    static const struct server_step script[] = {
        STEP("HEAD " BLOB, 200, NULL, NULL), STEP("HEAD " BLOB, 200, NULL, NULL), {0}};

    open_signed_in();
    play(script);
    ck_assert_str_eq(look(), "");
    ck_assert(
        server_got(&s.h.server, "scope=https%3A%2F%2Fstorage.azure.com%2F.default"));
    ck_assert(server_saw(&s.h.server, "Authorization: Bearer token-1\r\n"));
    ck_assert(server_saw(&s.h.server, "x-ms-date: "));
    s.h.server.refused_token = "token-1"; /* a new one is asked for */
    ck_assert_str_eq(look(), "");
    ck_assert(server_saw(&s.h.server, "Authorization: Bearer token-2\r\n"));
}
END_TEST

/* The token that the simulated sign-in gives for storage says so itself. */
START_TEST(the_simulator_gives_a_token_for_storage)
{
    struct failure *failure = NULL;
    struct sim *sim = sim_open(
        loop, &(struct sim_options){.address = "127.0.0.1:0", .seed = 1}, &failure);
    const struct sim_profile *profile;
    char *authorization;
    cJSON *claims;

    ck_assert_ptr_nonnull(sim);
    profile = sim_profile(sim);
    s.settings.authority = profile->endpoint;
    s.settings.tenant_id = profile->tenant_id;
    s.settings.client_id = profile->client_id;
    s.settings.client_secret = profile->client_secret;
    open_signed_in();
    play(one_step("HEAD " BLOB, 200, NULL, NULL));
    ck_assert_str_eq(look(), "");
    authorization = sent_field(s.h.server.heads.data, "Authorization");
    claims = jwt_read_claims(authorization);
    ck_assert_str_eq(json_string_at(claims, "aud"), "https://storage.azure.com");
    ck_assert_str_eq(json_string_at(claims, "appid"), profile->client_id);
    cJSON_Delete(claims);
    free(authorization);
    sim_close(sim);
}
END_TEST

/* --- settings ------------------------------------------------------------------------- */

static const struct setting_row {
    struct azblob_settings settings;
    const char *code, *message; /* of the failure, or the label */
} setting_rows[] = {
    {{.address = "azblob://account1/store-1", .key = KEY},
     NULL,
     "azblob://account1/store-1"},
    {{.address = "azblob://account1/store-1/a/b//", .key = KEY},
     NULL,
     "azblob://account1/store-1"},
    {{.address = "azblob://account1"}, "BadSetting", "a container's name has 3 to 63"},
    {{.address = "azblob://account1/Store"}, "BadSetting", "a container's name has"},
    {{.address = "azblob://account1/a--b"}, "BadSetting", "a container's name has"},
    {{.address = "azblob://Account/store-1"},
     "BadSetting",
     "an account's name has 3 to 24"},
    {{.address = "azblob:///store-1"}, "BadSetting", "an account's name has"},
    {{.address = "azblob://account1/store-1/../x"},
     "BadSetting",
     "the parts of a prefix"},
    {{.address = "azblob://account1/store-1/a~b"}, "BadSetting", "the parts of a prefix"},
    {{.address = "https://account1/store-1"},
     "BadSetting",
     "does not begin with azblob://"},
    {{.address = "azblob://account1/store-1"}, "NoCredentials", "account1"},
    {{.address = "azblob://account1/store-1", .key = SECRET "!"},
     "BadSetting",
     "AZURE_STORAGE_KEY has no account key"},
    {{.address = "azblob://account1/store-1", .key = KEY, .account = "account2"},
     "BadSetting",
     "AZURE_STORAGE_ACCOUNT is about 'account2'"},
    {{.address = "azblob://account1/store-1", .key = KEY, .account = "account1"},
     NULL,
     "azblob://account1/store-1"},
    {{.address = "azblob://account1/store-1", .sas = SECRET},
     "BadSetting",
     "AZURE_STORAGE_SAS_TOKEN is no shared access signature"},
    {{.address = "azblob://account1/store-1",
      .sas = SAS,
      .endpoint = "http://far.example"},
     "InsecureEndpoint",
     "http://far.example is not https"},
    {{.address = "azblob://account1/store-1",
      .key = KEY,
      .endpoint = "https://user:" SECRET "@far.example"},
     "BadSetting",
     "AZURE_STORAGE_SERVICE_ENDPOINT names no endpoint"},
    {{.address = "azblob://account1/store-1",
      .connection_string = "AccountName=account2;AccountKey=" KEY},
     "BadSetting",
     "AZURE_STORAGE_CONNECTION_STRING is about 'account2'"},
    {{.address = "azblob://account1/store-1",
      .connection_string = "AccountName=account1;AccountKey=" SECRET "!"},
     "BadSetting",
     "AZURE_STORAGE_CONNECTION_STRING has no account key"},
    {{.address = "azblob://account1/store-1",
      .connection_string = "BlobEndpoint=ftp://x;SharedAccessSignature=sig=" SECRET},
     "BadSetting",
     "AZURE_STORAGE_CONNECTION_STRING names no endpoint"},
    {{.address = "azblob://account1/store-1",
      .connection_string = "DefaultEndpointsProtocol=https;AccountName=account1;"
                           "AccountKey=" KEY ";EndpointSuffix=core.windows.net"},
     NULL,
     "azblob://account1/store-1"},
};

START_TEST(settings_that_make_no_sense_are_refused)
{
    const struct setting_row *row = &setting_rows[_i];
    struct failure *failure = NULL;
    struct store *made = store_new_azblob(loop, &row->settings, &failure);

    if (row->code == NULL) {
        ck_assert_ptr_nonnull(made);
        ck_assert_str_eq(made->label, row->message);
        made->free(made);
        return;
    }
    ck_assert_ptr_null(made);
    ck_assert_str_eq(failure->code, row->code);
    ck_assert_msg(strstr(failure->message, row->message) != NULL, "%s", failure->message);
    ck_assert_ptr_null(strstr(failure->message, SECRET));
    failure_free(failure);
}
END_TEST

START_TEST(a_connection_string_says_where_and_by_what_right)
{
    struct azblob_settings asked = settings();
    char *text = memory_format("QueueEndpoint=http://127.0.0.1:1/q;AccountName=account1;"
                               "AccountKey=%s;BlobEndpoint=%s/;",
                               KEY, s.h.server.base);

    asked.connection_string = text;
    asked.endpoint = "http://127.0.0.1:1"; /* the string's own goes first, and its key */
    asked.key = "c29tZW9uZSBlbHNl";
    asked.account = "account2";
    open_store(&asked);
    free(text);
    play(one_step("HEAD " BLOB, 200, NULL, NULL));
    ck_assert_str_eq(look(), "");
    assert_signed(s.h.server.heads.data, sign_rows[3].lines);
}
END_TEST

START_TEST(the_environment_is_that_of_az)
{
    struct azblob_settings read = {.key = "given"};

    setenv("AZURE_STORAGE_CONNECTION_STRING", "c", 1);
    setenv("AZURE_STORAGE_KEY", "k", 1);
    setenv("AZURE_STORAGE_SAS_TOKEN", "s", 1);
    setenv("AZURE_STORAGE_ACCOUNT", "", 1);
    setenv("AZURE_STORAGE_SERVICE_ENDPOINT", "e", 1);
    azblob_settings_read_environment(&read);
    ck_assert_str_eq(read.connection_string, "c");
    ck_assert_str_eq(read.key, "given");
    ck_assert_str_eq(read.sas, "s");
    ck_assert_ptr_null(read.account);
    ck_assert_str_eq(read.endpoint, "e");
}
END_TEST

/* --- the container -------------------------------------------------------------------- */

static const struct container_row {
    int status;
    const char *fields, *code, *message;
} container_rows[] = {
    {201, NULL, "", NULL},
    {409, CODE("ContainerAlreadyExists"), "", NULL},
    {409, CODE("ContainerBeingDeleted"), "ContainerBeingDeleted",
     "making the container azblob://account1/store-1: "},
    {403, CODE("AuthorizationPermissionMismatch"), "AuthorizationPermissionMismatch",
     "making the container azblob://account1/store-1: "},
};

START_TEST(a_container_that_is_absent_is_made_once)
{
    const struct container_row *row = &container_rows[_i];
    const struct server_step script[] = {
        STEP("PUT " BLOBS "a", 404, CODE("ContainerNotFound"), NULL),
        STEP(CONTAINER, row->status, row->fields, NULL),
        STEP("PUT " BLOBS "a", 201, NULL, NULL),
        {0}};

    play(script);
    ck_assert_str_eq(put(STORE_REPLACE, "a", "text"), row->code);
    if (row->message == NULL) {
        ck_assert_str_eq(requests(), "PUT " BLOBS "a\n" CONTAINER "\nPUT " BLOBS "a\n");
        ck_assert_str_eq(s.h.server.bodies.data, "text\n\ntext\n");
    } else {
        assert_message_has(row->message);
        ck_assert_ptr_nonnull(call.failure->cure);
    }
}
END_TEST

START_TEST(reading_makes_no_container)
{
    static const struct server_step script[] = {
        {.request = "GET " BLOBS "a",
         .status = 404,
         .fields = CODE("ContainerNotFound"),
         .stays = true},
        STEP("HEAD " BLOB, 404, CODE("ContainerNotFound"), NULL),
        STEP("GET /store-1?restype=container&comp=list&delimiter=%2F&prefix=pre%2Ffix%2F",
             404, CODE("ContainerNotFound"), NULL),
        STEP("GET /store-1?restype=container&comp=list&prefix=pre%2Ffix%2Fruns%2F", 404,
             CODE("ContainerNotFound"), NULL),
        {0}};

    play(script);
    ck_assert_str_eq(get("a", 0, 9), "");
    ck_assert(call.is_absent);
    ck_assert_str_eq(look(), "");
    ck_assert(!call.is_held);
    ck_assert_str_eq(list(""), "");
    ck_assert_uint_eq(call.entry_count, 0);
    ck_assert_str_eq(remove_name("runs/"), "");
    ck_assert_uint_eq(s.h.server.request_count, 4);
}
END_TEST

/* --- lost answers --------------------------------------------------------------------- */

static char writer[128];

/* Notes who the first put says it is, so that the script can say the same. */
static bool is_over_with_writer(void *context)
{
    const char *field = s.h.server.heads.data != NULL
                            ? strstr(s.h.server.heads.data, "x-ms-meta-writer: ")
                            : NULL;

    if (field != NULL && writer[0] == '\0')
        memcpy(writer, field, strcspn(field, "\r"));
    return is_over(context);
}

static const struct server_step put_script[] = {
    {.request = "PUT " BLOBS "a", .manner = SERVER_CLOSES},
    STEP("PUT " BLOBS "a", 409, CODE("BlobAlreadyExists"), NULL),
    STEP("HEAD " BLOBS "a", 200, writer, NULL),
    {0}};

START_TEST(a_new_text_whose_answer_was_lost_is_ours)
{
    writer[0] = '\0';
    play(put_script);
    store->put(store, start_call(), STORE_NEW, "a", "text", 4);
    ck_assert(loop_run(loop, is_over_with_writer, NULL, false));
    ck_assert_ptr_null(call.failure);
    ck_assert(!call.is_there);
    ck_assert_uint_eq(s.h.server.request_count, 3);
}
END_TEST

START_TEST(the_same_text_of_somebody_else_is_not_ours)
{
    strcpy(writer, "x-ms-meta-writer: 2b0ee4a0-5a5e-4a2c-8a2d-2d1c7f6e8b11");
    play(put_script);
    ck_assert_str_eq(put(STORE_NEW, "a", "text"), "");
    ck_assert(call.is_there);
}
END_TEST

#define APPEND   "PUT " BLOB "?comp=appendblock"
#define MAKE     "PUT " BLOB
#define MISMATCH CODE("AppendPositionConditionNotMet")

/* What became of the first answer: a kept connection breaks, and libcurl sends again by itself;
 * or the service fails when it has done it. */
static const struct server_step lost_steps[] = {
    {.request = APPEND, .manner = SERVER_CLOSES}, STEP(APPEND, 500, NULL, NULL)};

static const struct append_row {
    const struct server_step *lost;
    const char *there; /* at that place; NULL: nothing */
    const char *code;
} append_rows[] = {
    {&lost_steps[0], "one\n", ""},
    {&lost_steps[1], "one\n", ""},
    {&lost_steps[1], "eno\n", "StorePositionMismatch"},
    {&lost_steps[0], "one", "StorePositionMismatch"},
    {&lost_steps[0], NULL, "StorePositionMismatch"},
};

START_TEST(a_block_whose_answer_was_lost_is_compared)
{
    const struct append_row *row = &append_rows[_i];
    const struct server_step script[] = {
        STEP(MAKE, 201, NULL, NULL),
        *row->lost,
        STEP(APPEND, 412, MISMATCH, NULL),
        STEP("GET " BLOB, row->there != NULL ? 206 : 416,
             row->there != NULL ? "x-ms-blob-type: AppendBlob" : CODE("InvalidRange"),
             row->there),
        STEP(APPEND, 201, NULL, NULL),
        {0}};

    play(script);
    ck_assert_str_eq(append(NULL, 0, "one\n"), row->code);
    ck_assert(server_saw(&s.h.server, "\r\nRange: bytes=0-3\r\n"));
    ck_assert(server_saw(&s.h.server, "\r\nx-ms-blob-condition-appendpos: 0\r\n"));
    if (row->code[0] != '\0') {
        assert_message_has("azblob://account1/store-1/pre/fix/" LOG);
        return;
    }
    ck_assert_uint_eq(call.size_bytes, 4);
    ck_assert_str_eq(append(NULL, 4, "two\n"), "");
    ck_assert(server_saw(&s.h.server, "\r\nx-ms-blob-condition-appendpos: 4\r\n"));
    ck_assert_uint_eq(call.size_bytes, 8);
}
END_TEST

START_TEST(a_block_that_was_sent_once_is_somebody_elses)
{
    static const struct server_step script[] = {
        STEP(MAKE, 201, NULL, NULL), STEP(APPEND, 412, MISMATCH, NULL), {0}};

    play(script);
    ck_assert_str_eq(append(NULL, 0, "one\n"), "StorePositionMismatch");
    ck_assert_str_eq(requests(), MAKE "\n" APPEND "\n");
}
END_TEST

/* --- leases --------------------------------------------------------------------------- */

#define LEASE    "PUT " BLOB "?comp=lease"
#define METADATA "PUT " BLOB "?comp=metadata"

/* Of a new log. */
#define TAKE_LEASE                                                                       \
    STEP(MAKE, 201, NULL, NULL), STEP(LEASE, 201, NULL, NULL),                           \
        STEP("HEAD " BLOB, 200, "x-ms-blob-type: AppendBlob\nx-ms-meta-fence: 6", NULL), \
        STEP(METADATA, 200, NULL, NULL)

START_TEST(a_lease_is_taken_and_signed_for)
{
    static const struct server_step script[] = {
        TAKE_LEASE, STEP(LEASE, 200, NULL, NULL), STEP(LEASE, 200, NULL, NULL), {0}};
    struct store_lease *lease;

    play(script);
    lease = acquire_for("{\"pid\":1}", 45000);
    ck_assert_ptr_nonnull(lease);
    ck_assert_uint_eq(lease->fence, 7);
    ck_assert_str_eq(requests(), MAKE "\n" LEASE "\nHEAD " BLOB "\n" METADATA "\n");
    ck_assert(server_saw(&s.h.server, "\r\nx-ms-lease-action: acquire\r\n"
                                      "x-ms-lease-duration: 45\r\n"
                                      "x-ms-proposed-lease-id: "));
    ck_assert(server_saw(&s.h.server, "\r\nContent-Length: 0\r\n"));
    ck_assert(server_saw(&s.h.server, "\r\nx-ms-meta-fence: 7\r\n"
                                      "x-ms-meta-holder: eyJwaWQiOjF9\r\n"
                                      "x-ms-meta-duration: 45\r\n"));
    ck_assert_str_eq(renew(lease), "");
    ck_assert(server_saw(&s.h.server, "\r\nx-ms-lease-action: renew\r\nx-ms-lease-id: "));
    ck_assert_str_eq(release(lease), "");
    ck_assert(
        server_saw(&s.h.server, "\r\nx-ms-lease-action: release\r\nx-ms-lease-id: "));
}
END_TEST

static const struct duration_row {
    int64_t asked_ms;
    const char *field;
} duration_rows[] = {{1, "x-ms-lease-duration: 15\r\n"},
                     {15999, "x-ms-lease-duration: 15\r\n"},
                     {60000, "x-ms-lease-duration: 60\r\n"},
                     {3600000, "x-ms-lease-duration: 60\r\n"}};

START_TEST(a_lease_is_as_long_as_the_service_allows)
{
    static const struct server_step script[] = {
        TAKE_LEASE, STEP(LEASE, 404, CODE("BlobNotFound"), NULL), {0}};
    struct store_lease *lease;

    play(script);
    lease = acquire_for("{}", duration_rows[_i].asked_ms);
    ck_assert(server_saw(&s.h.server, duration_rows[_i].field));
    ck_assert_str_eq(release(lease), ""); /* what is not there need not be given back */
}
END_TEST

START_TEST(a_lease_that_cannot_be_signed_for_is_given_back)
{
    static const struct server_step script[] = {
        STEP(MAKE, 409, CODE("BlobAlreadyExists"), NULL),
        STEP(LEASE, 201, NULL, NULL),
        STEP("HEAD " BLOB, 200, NULL, NULL),
        STEP(METADATA, 403, CODE("AuthorizationFailure"), NULL),
        STEP(LEASE, 200, NULL, NULL),
        {0}};

    play(script);
    ck_assert_ptr_null(acquire_for("{}", 15000));
    ck_assert(!call.is_held);
    ck_assert_str_eq(call.failure->code, "AuthorizationFailure");
    ck_assert(server_saw(&s.h.server, "\r\nx-ms-lease-action: release\r\n"));
}
END_TEST

static const char *const lost_codes[] = {"LeaseIdMismatchWithBlobOperation",
                                         "LeaseIdMissing",
                                         "LeaseNotPresentWithBlobOperation", "LeaseLost"};

START_TEST(a_stale_holder_is_told_that_the_lease_is_lost)
{
    char *fields = memory_format(CODE("%s"), lost_codes[_i]);
    const struct server_step script[] = {
        TAKE_LEASE,
        STEP(APPEND, 412, fields, NULL),
        STEP(LEASE, 409, CODE("LeaseIdMismatchWithLeaseOperation"), NULL),
        STEP(LEASE, 409, CODE("LeaseIdMismatchWithLeaseOperation"), NULL),
        {0}};
    struct store_lease *lease;

    play(script);
    lease = acquire_for("{}", 15000);
    ck_assert_str_eq(append(lease, 0, "one\n"), "LeaseLost");
    assert_message_has(LOG);
    ck_assert_str_eq(renew(lease), "LeaseLost");
    ck_assert_str_eq(release(lease), "");
    free(fields);
}
END_TEST

START_TEST(a_lost_answer_under_a_lease_is_compared_however_often_it_was_sent)
{
    static const struct server_step script[] = {TAKE_LEASE,
                                                STEP(APPEND, 412, MISMATCH, NULL),
                                                STEP("GET " BLOB, 206, NULL, "one\n"),
                                                STEP(LEASE, 200, NULL, NULL),
                                                {0}};
    struct store_lease *lease;

    play(script);
    lease = acquire_for("{}", 15000);
    ck_assert_str_eq(append(lease, 0, "one\n"), "");
    ck_assert_str_eq(release(lease), "");
}
END_TEST

/* --- full blobs ----------------------------------------------------------------------- */

START_TEST(a_blob_that_is_full_is_followed_by_another)
{
    static const struct server_step script[] = {
        STEP(MAKE, 201, NULL, NULL),
        STEP(APPEND, 201, "x-ms-blob-committed-block-count: 49999", NULL),
        STEP(APPEND, 409, CODE("BlockCountExceedsLimit"), NULL), /* somebody was faster */
        STEP("HEAD " BLOB "~2", 404, CODE("BlobNotFound"), NULL),
        STEP("PUT " BLOB "~2", 201, NULL, NULL),
        STEP("PUT " BLOB "~2?comp=appendblock", 201,
             "x-ms-blob-committed-block-count: 50000", NULL),
        STEP("HEAD " BLOB "~3", 404, CODE("BlobNotFound"), NULL),
        STEP("PUT " BLOB "~3", 409, CODE("BlobAlreadyExists"), NULL),
        {.request = "HEAD " BLOB "~3",
         .manner = SERVER_BABBLES,
         .body = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-ms-blob-type: "
                 "AppendBlob\r\n\r\n"},
        STEP("PUT " BLOB "~3?comp=appendblock", 201, NULL, NULL),
        {0}};

    play(script);
    ck_assert_str_eq(append(NULL, 0, "one\n"), "");
    ck_assert_str_eq(append(NULL, 4, "two\n"), "");
    ck_assert_str_eq(append(NULL, 8, "three\n"), "");
    ck_assert_uint_eq(call.size_bytes, 14);
}
END_TEST

/* --- lists ---------------------------------------------------------------------------- */

#define LIST                                                                             \
    "GET /store-1?restype=container&comp=list&delimiter=%2F&prefix=pre%2Ffix%2Fruns%2F"
#define NAMED(name, size)                                                                \
    "<Blob><Name>pre/fix/runs/" name "</Name><Properties>"                               \
    "<Last-Modified>Sun, 06 Nov 1994 08:49:37 GMT</Last-Modified>"                       \
    "<Content-Length>" size "</Content-Length><BlobType>AppendBlob</BlobType>"           \
    "</Properties><Metadata><Name>x</Name></Metadata></Blob>"
#define PAGE(blobs, next)                                                                \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Prefix>p</Prefix>"   \
    "<Blobs>" blobs "</Blobs><NextMarker>" next "</NextMarker></EnumerationResults>"

START_TEST(all_pages_of_a_list_are_asked_for)
{
    static const struct server_step script[] = {
        STEP(LIST, 200, NULL,
             PAGE(NAMED("log", "8") NAMED("log-2", "1")
                      NAMED("log~2", "5") "<BlobPrefix><Name>pre/fix/runs/1/</Name>"
                                          "</BlobPrefix>",
                  "a/b &amp;=+%")),
        STEP(LIST "&marker=a%2Fb%20%26%3D%2B%25", 200, NULL,
             PAGE(NAMED("log~3", "7") NAMED(
                      "a b",
                      "1") "<Blob><Name Encoded=\"true\">pre%2Ffix%2Fruns%2Fz</Name>"
                           "<Properties/></Blob>"
                           "<BlobPrefix><Name>pre/fix/runs/1/</Name></BlobPrefix>",
                  "")),
        {0}};

    play(script);
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_str_eq(names(), "runs/1/ runs/log runs/log-2 runs/z");
    ck_assert_uint_eq(call.entries[1].size_bytes, 20);
    ck_assert_int_eq(call.entries[1].modified_ms, INT64_C(784111777000));
}
END_TEST

static const char *const bad_lists[] = {"",
                                        "no XML",
                                        "<html></html>",
                                        "<EnumerationResults><Blobs>",
                                        PAGE("<Blob><Name>elsewhere/a</Name></Blob>", ""),
                                        PAGE("<Blob></Blob>", "")};

START_TEST(what_is_no_list_is_refused)
{
    play(one_step(LIST, 200, NULL, bad_lists[_i]));
    ck_assert_str_eq(list("runs/"), "ProtocolError");
    assert_message_has("the answer is no list of blobs");
}
END_TEST

#define ALL "GET /store-1?restype=container&comp=list&prefix=pre%2Ffix%2Fruns%2F"
#define GONE(name, status, fields)                                                       \
    STEP("DELETE " BLOBS "runs/" name, status, fields, NULL)

START_TEST(all_pages_of_a_folder_are_removed)
{
    static const struct server_step script[] = {
        STEP(ALL, 200, NULL, PAGE(NAMED("1/a", "1") NAMED("1/a~2", "1"), "next")),
        GONE("1/a", 202, NULL),
        GONE("1/a~2", 404, CODE("BlobNotFound")), /* somebody else has removed it */
        STEP(ALL "&marker=next", 200, NULL, PAGE(NAMED("x y", "1"), "")),
        GONE("x%20y", 202, NULL),
        {0}};

    play(script);
    ck_assert_str_eq(remove_name("runs/"), "");
    ck_assert_uint_eq(s.h.server.request_count, 5);
}
END_TEST

START_TEST(what_is_held_is_not_removed)
{
    static const struct server_step script[] = {
        STEP(ALL, 200, NULL, PAGE(NAMED("1/a", "1") NAMED("1/b", "1"), "next")),
        GONE("1/a", 412, CODE("LeaseIdMissing")),
        GONE("1/b", 202, NULL),
        {0}};

    play(script);
    ck_assert_str_eq(remove_name("runs/"), "LeaseIdMissing");
    assert_message_has("removing azblob://account1/store-1/pre/fix/runs/1/a: ");
    ck_assert_ptr_nonnull(strstr(call.failure->cure, "somebody holds it"));
}
END_TEST

START_TEST(a_log_goes_after_its_further_blobs)
{
    static const struct server_step script[] = {
        STEP("GET /store-1?restype=container&comp=list&prefix=pre%2Ffix%2Fruns%2Flog~",
             200, NULL, PAGE(NAMED("log~2", "1"), "")),
        GONE("log~2", 202, NULL),
        GONE("log", 202, NULL),
        {0}};

    play(script);
    ck_assert_str_eq(remove_name("runs/log"), "");
    ck_assert_ptr_nonnull(strstr(requests(), "runs/log~2\nDELETE " BLOBS "runs/log\n"));
}
END_TEST

/* --- refusals ------------------------------------------------------------------------- */

static const struct refusal_row {
    int status;
    const char *code, *cure;
} refusal_rows[] = {
    {403, "AuthorizationPermissionMismatch", "Storage Blob Data Contributor"},
    {403, "KeyBasedAuthenticationNotPermitted", "unset AZURE_STORAGE_KEY"},
    {403, "AuthorizationFailure", "firewall"},
    {401, "NoAuthenticationInformation", "AZURE_STORAGE_KEY"},
    {403, "AuthenticationFailed", "clock"},
};

START_TEST(a_refusal_says_what_one_can_do)
{
    const struct refusal_row *row = &refusal_rows[_i];
    char *fields = memory_format("x-ms-error-code: %s\nx-ms-request-id: r-1", row->code);
    char *body =
        memory_format("<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>It is "
                      "not to be.\nRequestId:r-1\nTime:2026</Message></Error>",
                      row->code);

    play(one_step("PUT " BLOBS "a", row->status, fields, body));
    ck_assert_str_eq(put(STORE_REPLACE, "a", "text"), row->code);
    ck_assert_str_eq(call.failure->message,
                     "writing azblob://account1/store-1/pre/fix/a: It is not to be.");
    ck_assert_ptr_nonnull(strstr(call.failure->cure, row->cure));
    ck_assert_str_eq(call.failure->request_id, "r-1");
    ck_assert_int_eq(call.failure->status, row->status);
    ck_assert_ptr_null(strstr(call.failure->message, KEY));
    free(body);
    free(fields);
}
END_TEST

START_TEST(no_answer_at_all_is_a_failure)
{
    struct azblob_settings asked = settings();

    asked.key = KEY;
    asked.endpoint = "http://127.0.0.1:1";
    open_store(&asked);
    ck_assert_str_eq(get("a", 0, 9), "ConnectionFailed");
    assert_message_has("reading azblob://account1/store-1/pre/fix/a: ");
    ck_assert(call.failure->retryable);
}
END_TEST

START_TEST(an_answer_of_somebody_else_is_refused)
{
    play(one_step("GET " BLOBS "a", 404, NULL, "<html>"));
    ck_assert_str_eq(get("a", 0, 9), "ProtocolError");
    ck_assert(!call.is_absent);
}
END_TEST

START_TEST(a_log_cannot_be_cut)
{
    store->cut(store, start_call(), LOG, NULL, 3);
    ck_assert_str_eq(finish(), "Unsupported");
    assert_message_has("an append blob only grows");
}
END_TEST

/* --- time and sizes ------------------------------------------------------------------- */

static bool has_fired;

static void note_fired(struct timer *timer)
{
    (void)timer;
    has_fired = true;
}

START_TEST(a_virtual_clock_stands_still_meanwhile)
{
    static const struct server_step script[] = {
        {.request = "HEAD " BLOB, .manner = SERVER_CLOSES},
        STEP("HEAD " BLOB, 503, "Retry-After: 0", NULL),
        STEP("HEAD " BLOB, 200, NULL, NULL),
        {0}};
    struct timer timer = {.fire = note_fired};
    const int64_t before_ms = clock_now_ms(&s.h.clock);

    has_fired = false;
    timer_start(loop, &timer, 1);
    play(script);
    ck_assert_str_eq(look(), "");
    ck_assert_uint_eq(s.h.server.request_count, 3);
    ck_assert_int_eq(clock_now_ms(&s.h.clock), before_ms);
    ck_assert(!has_fired);
    timer_stop(loop, &timer);
}
END_TEST

/* The store may be where the log is kept. */
START_TEST(a_request_makes_no_line_in_the_log)
{
    static const struct server_step script[] = {
        STEP(MAKE, 201, NULL, NULL), STEP(APPEND, 201, NULL, NULL), {0}};

    play(script);
    ck_assert(log_is_on(LOG_DEBUG));
    ck_assert_str_eq(append(NULL, 0, "one\n"), "");
    ck_assert_uint_eq(s.log.length, 0);
}
END_TEST

START_TEST(a_large_text_is_sent_without_asking_first)
{
    const size_t length = 3 << 20;
    char *text = memory_new(length);

    memset(text, 'x', length);
    play(one_step("PUT " BLOBS "a", 201, NULL, NULL));
    store->put(store, start_call(), STORE_REPLACE, "a", text, length);
    ck_assert_str_eq(finish(), "");
    ck_assert(!server_saw(&s.h.server, "Expect"));
    ck_assert_uint_eq(s.h.server.body.length, length);
    free(text);
}
END_TEST

START_TEST(a_text_is_not_read_half_old_and_half_new)
{
    const size_t length = 16 << 20;
    char *half = memory_new(length + 1);
    const struct server_step script[] = {
        {.request = "GET " BLOBS "a",
         .status = 206,
         .fields = "Content-Range: bytes 0-16777215/20000000\nx-ms-blob-type: BlockBlob\n"
                   "ETag: \"0x1\"",
         .body = half,
         .body_length = length},
        STEP("GET " BLOBS "a", 412, CODE("ConditionNotMet"), NULL),
        {0}};

    memset(half, 'x', length);
    play(script);
    ck_assert_str_eq(get("a", 0, SIZE_MAX), "ConditionNotMet");
    ck_assert(server_saw(&s.h.server, "\r\nIf-Match: \"0x1\"\r\n"));
    ck_assert(server_saw(&s.h.server, "\r\nRange: bytes=16777216-33554431\r\n"));
    free(half);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("azblob");
    TCase *topic = add_case(suite, "signing", set_up, tear_down);

    signal(SIGPIPE, SIG_IGN); /* as the program does */
    tcase_add_loop_test(topic, requests_are_signed_as_documented, 0, COUNT_OF(sign_rows));
    tcase_add_test(topic, an_emulator_has_the_account_twice);
    tcase_add_test(topic, each_attempt_is_dated_by_the_machine_and_signed);
    tcase_add_test(topic, a_shared_access_signature_goes_into_the_query);
    tcase_add_test(topic, entra_gives_a_token_for_storage);
    tcase_add_test(topic, the_simulator_gives_a_token_for_storage);

    topic = add_case(suite, "settings", set_up, tear_down);
    tcase_add_loop_test(topic, settings_that_make_no_sense_are_refused, 0,
                        COUNT_OF(setting_rows));
    tcase_add_test(topic, a_connection_string_says_where_and_by_what_right);
    tcase_add_test(topic, the_environment_is_that_of_az);

    topic = add_case(suite, "the container", set_up, tear_down);
    tcase_add_loop_test(topic, a_container_that_is_absent_is_made_once, 0,
                        COUNT_OF(container_rows));
    tcase_add_test(topic, reading_makes_no_container);

    topic = add_case(suite, "lost answers", set_up, tear_down);
    tcase_add_test(topic, a_new_text_whose_answer_was_lost_is_ours);
    tcase_add_test(topic, the_same_text_of_somebody_else_is_not_ours);
    tcase_add_loop_test(topic, a_block_whose_answer_was_lost_is_compared, 0,
                        COUNT_OF(append_rows));
    tcase_add_test(topic, a_block_that_was_sent_once_is_somebody_elses);

    topic = add_case(suite, "leases", set_up, tear_down);
    tcase_add_test(topic, a_lease_is_taken_and_signed_for);
    tcase_add_loop_test(topic, a_lease_is_as_long_as_the_service_allows, 0,
                        COUNT_OF(duration_rows));
    tcase_add_test(topic, a_lease_that_cannot_be_signed_for_is_given_back);
    tcase_add_loop_test(topic, a_stale_holder_is_told_that_the_lease_is_lost, 0,
                        COUNT_OF(lost_codes));
    tcase_add_test(topic,
                   a_lost_answer_under_a_lease_is_compared_however_often_it_was_sent);
    tcase_add_test(topic, a_blob_that_is_full_is_followed_by_another);

    topic = add_case(suite, "lists", set_up, tear_down);
    tcase_add_test(topic, all_pages_of_a_list_are_asked_for);
    tcase_add_loop_test(topic, what_is_no_list_is_refused, 0, COUNT_OF(bad_lists));
    tcase_add_test(topic, all_pages_of_a_folder_are_removed);
    tcase_add_test(topic, what_is_held_is_not_removed);
    tcase_add_test(topic, a_log_goes_after_its_further_blobs);

    topic = add_case(suite, "refusals", set_up, tear_down);
    tcase_add_loop_test(topic, a_refusal_says_what_one_can_do, 0, COUNT_OF(refusal_rows));
    tcase_add_test(topic, no_answer_at_all_is_a_failure);
    tcase_add_test(topic, an_answer_of_somebody_else_is_refused);
    tcase_add_test(topic, a_log_cannot_be_cut);

    topic = add_case(suite, "time and sizes", set_up, tear_down);
    tcase_add_test(topic, a_virtual_clock_stands_still_meanwhile);
    tcase_add_test(topic, a_request_makes_no_line_in_the_log);
    tcase_add_test(topic, a_large_text_is_sent_without_asking_first);
    tcase_add_test(topic, a_text_is_not_read_half_old_and_half_new);
    return run_suite(suite);
}
