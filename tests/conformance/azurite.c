/* tests/conformance/azurite.c - a store in Azurite, the emulator of Azure Storage.
 *
 * AZURITE says where that is, "https://127.0.0.1:10000/devstoreaccount1", and AZURITE_CA with
 * which certificate. */
#include <stdio.h>
#include <stdlib.h>

#include <check.h>

#include "auth/tokens.h"
#include "model/cloud.h"
#include "net/transfer.h"
#include "sim/sim.h"
#include "store/azblob_parts.h"
#include "suite.h"

#include "store_promises.h"

/* Azurite's published one. */
#define KEY                                                                              \
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"                    \
    "K1SZFPTOtr/KBHBeksoGMGw=="

static struct clock the_clock;
static struct transport *transport;
static char address[80];

static void open_store(unsigned most_blocks, size_t block_bytes)
{
    struct failure *failure = NULL;

    store = store_new_azblob(loop,
                             &(struct azblob_settings){.address = address,
                                                       .key = KEY,
                                                       .endpoint = getenv("AZURITE"),
                                                       .transport = transport,
                                                       .most_blocks = most_blocks,
                                                       .block_bytes = block_bytes,
                                                       .retry_pause_ms = 2},
                             &failure);
    ck_assert_msg(store != NULL, "%s", failure != NULL ? failure->message : "");
}

/* Each test has a container of its own, which nobody has made. */
static void set_up(void)
{
    char id[UUID_TEXT_SIZE];

    uuid_random(id);
    snprintf(address, sizeof address, "azblob://devstoreaccount1/%s/pre/fix", id);
    clock_init(&the_clock, CLOCK_VIRTUAL, 1.0);
    loop = loop_new(&the_clock);
    ck_assert_ptr_nonnull(loop);
    transport =
        transport_new(loop, &(struct transport_options){.ca_file = getenv("AZURITE_CA")});
    open_store(0, 0);
}

static void tear_down(void)
{
    store_call_deinit(&call);
    store->free(store);
    transport_free(transport);
    loop_free(loop);
}

/* --- logs of several blobs ------------------------------------------------------------ */

/* The same container, as another program sees it. */
static void reopen_store(unsigned most_blocks, size_t block_bytes)
{
    store->free(store);
    open_store(most_blocks, block_bytes);
}

static void set_up_small(void)
{
    set_up();
    reopen_store(3, 4 << 20);
}

/* Appends "1\n" "2\n" ... up to `count`, behind those that are there. */
static void append_numbers(struct store_lease *lease, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        const char text[] = {(char)('0' + i), '\n', '\0'};

        ck_assert_str_eq(append(lease, 2 * (uint64_t)(i - 1), text), "");
        ck_assert_uint_eq(call.size_bytes, 2 * (uint64_t)i);
    }
}

START_TEST(a_long_log_is_one)
{
    append_numbers(NULL, 1, 9);
    assert_log("1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    ck_assert_str_eq(get(LOG, 4, 6), "");
    ck_assert_str_eq(bytes(), "3\n4\n5\n");
    ck_assert_uint_eq(call.size_bytes, 18);
    ck_assert_str_eq(get(LOG, 12, 4), "");
    ck_assert_str_eq(bytes(), "7\n8\n");
    ck_assert_str_eq(get(LOG, 18, 4), "");
    ck_assert_str_eq(bytes(), "");
    ck_assert_uint_eq(call.size_bytes, 18);
    ck_assert_str_eq(put(STORE_NEW, LOG ".old", "1"), "");
    ck_assert_str_eq(list("runs/1/"), "");
    ck_assert_str_eq(names(), LOG " " LOG ".old");
    ck_assert_uint_eq(call.entries[0].size_bytes, 18);
}
END_TEST

START_TEST(another_program_finds_the_end_of_a_long_log)
{
    append_numbers(NULL, 1, 6); /* two that are full, and no third one */
    reopen_store(3, 4 << 20);
    ck_assert_str_eq(append(NULL, 6, "x"), "StorePositionMismatch");
    append_numbers(NULL, 7, 1);
    assert_log("1\n2\n3\n4\n5\n6\n7\n");
}
END_TEST

START_TEST(a_long_log_is_removed_as_a_whole)
{
    append_numbers(NULL, 1, 7);
    ck_assert_str_eq(remove_name(LOG), "");
    ck_assert_str_eq(list("runs/"), "");
    ck_assert_uint_eq(call.entry_count, 0);
    append_numbers(NULL, 1, 4);
    assert_log("1\n2\n3\n4\n");
}
END_TEST

static void break_lease(unsigned part);

START_TEST(a_lease_covers_a_long_log)
{
    struct store_lease *old = acquire("{}"), *new;

    append_numbers(old, 1, 5);
    ck_assert_ptr_null(acquire_for("{}", 15000));
    ck_assert(call.is_held);
    ck_assert_str_eq(renew(old), "");
    append_numbers(old, 6, 1);
    break_lease(1); /* as if it had ended; that of the second blob has not */

    struct store *stale = store;

    open_store(3, 4 << 20);
    new = acquire("{}");
    ck_assert_uint_eq(new->fence, 2);
    append_numbers(new, 7, 1);

    struct store *fresh = store;

    store = stale;
    ck_assert_str_eq(append(old, 12, "7\n"), "LeaseLost");
    ck_assert_str_eq(append(old, 14, "8\n"), "LeaseLost");
    ck_assert_str_eq(renew(old), "LeaseLost");
    ck_assert_str_eq(append(old, 14, "8\n"), "LeaseLost");
    ck_assert_str_eq(release(old), "");
    store = fresh;
    append_numbers(new, 8, 1);
    assert_log("1\n2\n3\n4\n5\n6\n7\n8\n");
    ck_assert_str_eq(release(new), "");
    ck_assert_str_eq(remove_name("runs/"), ""); /* no lease is left */
    stale->free(stale);
}
END_TEST

START_TEST(a_stale_holder_that_rolls_writes_nothing)
{
    struct store_lease *old = acquire("{}"), *new;
    struct store *stale = store, *fresh;

    append_numbers(old, 1, 3);
    break_lease(1);
    open_store(3, 4 << 20);
    new = acquire("{}");
    fresh = store;
    store = stale;
    ck_assert_str_eq(append(old, 6, "old"), "LeaseLost");
    ck_assert_str_eq(release(old), "");
    store = fresh;
    append_numbers(new, 4, 1);
    assert_log("1\n2\n3\n4\n");
    ck_assert_str_eq(release(new), "");
    stale->free(stale);
}
END_TEST

/* --- sizes ---------------------------------------------------------------------------- */

START_TEST(what_is_long_is_appended_line_by_line)
{
    reopen_store(2, 8);
    ck_assert_str_eq(append(NULL, 0, "one\ntwo\nthree\nmuch longer\n"), "");
    ck_assert_uint_eq(call.size_bytes, 26);
    assert_log("one\ntwo\nthree\nmuch longer\n");
}
END_TEST

START_TEST(what_is_large_is_put_and_read)
{
    const size_t length = (33 << 20) + 1;
    char *text = memory_new(length);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)(i * 7 % 251);
    store->put(store, start_call(), STORE_NEW, "large", text, length);
    ck_assert_str_eq(finish(), "");
    ck_assert_str_eq(get("large", 0, SIZE_MAX), "");
    ck_assert_uint_eq(call.bytes.length, length);
    ck_assert_mem_eq(call.bytes.data, text, length);
    store->append(store, start_call(), LOG, NULL, 0, text, length, true);
    ck_assert_str_eq(finish(), "");
    ck_assert_str_eq(get(LOG, 1, SIZE_MAX), "");
    ck_assert_uint_eq(call.bytes.length, length - 1);
    ck_assert_mem_eq(call.bytes.data, text + 1, length - 1);
    free(text);
}
END_TEST

START_TEST(a_folder_of_many_is_removed)
{
    for (int i = 0; i < 150; i++) {
        char name[32];

        snprintf(name, sizeof name, "runs/%d/x", i);
        ck_assert_str_eq(put(STORE_NEW, name, "1"), "");
    }
    ck_assert_str_eq(remove_name("runs/"), "");
    ck_assert_str_eq(list(""), "");
    ck_assert_uint_eq(call.entry_count, 0);
}
END_TEST

/* --- leases --------------------------------------------------------------------------- */

static void note_request(struct azblob_request *request)
{
    (void)request;
    is_done = true;
}

static void break_lease(unsigned part)
{
    struct azblob_request *request =
        azblob_lease_request((struct azblob *)store, LOG, part, "break");

    azblob_request_add_header(request, "x-ms-lease-break-period: 0");
    is_done = false;
    azblob_request_start(request, note_request, NULL);
    ck_assert(loop_run(loop, is_over, NULL, false));
    ck_assert_int_eq(azblob_request_status(request), 202);
    azblob_request_free(request);
}

static void ring(struct machine_timer *timer)
{
    (void)timer;
    is_done = true;
}

/* The one wait of these tests: no lease of the service is shorter than 15 s. */
START_TEST(a_lease_ends_by_itself)
{
    struct store_lease *old = acquire_for("{\"host\":\"old\"}", 1), *new;
    struct machine_timer timer = {.fire = ring};

    ck_assert_ptr_nonnull(old);
    ck_assert_str_eq(look(), "");
    ck_assert_int_eq(call.held_for_ms, 15000);
    ck_assert_str_eq(append(old, 0, "1\n"), "");
    is_done = false;
    machine_timer_start(loop, &timer, 15500);
    loop_hold(loop);
    ck_assert(loop_run(loop, is_over, NULL, false));
    loop_release(loop);
    ck_assert_str_eq(append(old, 2, "2\n"), "LeaseLost"); /* by its own clock */
    ck_assert_str_eq(look(), "");
    ck_assert(!call.is_held);
    ck_assert_uint_eq(call.fence, 1);
    ck_assert_str_eq(renew(old), ""); /* nobody had it meanwhile */
    ck_assert_str_eq(append(old, 2, "2\n"), "");
    break_lease(1);
    new = acquire("{\"host\":\"new\"}");
    ck_assert_uint_eq(new->fence, 2);
    ck_assert_str_eq(append(old, 4, "3\n"), "LeaseLost");
    ck_assert_str_eq(release(old), "");
    ck_assert_str_eq(append(new, 4, "3\n"), "");
    ck_assert_str_eq(release(new), "");
    assert_log("1\n2\n3\n");
}
END_TEST

START_TEST(a_text_is_no_log)
{
    ck_assert_str_eq(put(STORE_NEW, LOG, "text"), "");
    ck_assert_str_eq(append(NULL, 4, "x"), "InvalidBlobType");
    assert_message_has("is no log");
}
END_TEST

/* --- signed in ------------------------------------------------------------------------ */

static struct sim *sim;
static struct tokens *tokens;
static struct pipeline *pipeline;

/* By a token of the simulated sign-in, as a client secret gets it; Azurite reads it, and minds
 * neither its signature nor roles. */
static void set_up_signed_in(void)
{
    struct failure *failure = NULL;
    struct credential_settings settings = {
        .selection = "EnvironmentCredential",
        .resources = {[AUDIENCE_STORAGE] = CLOUD_STORAGE_RESOURCE}};

    set_up();
    sim = sim_open(loop, &(struct sim_options){.address = "127.0.0.1:0", .seed = 1},
                   &failure);
    ck_assert_ptr_nonnull(sim);
    settings.authority = sim_profile(sim)->endpoint;
    settings.tenant_id = sim_profile(sim)->tenant_id;
    settings.client_id = sim_profile(sim)->client_id;
    settings.client_secret = sim_profile(sim)->client_secret;
    pipeline =
        pipeline_new((struct stage *const[]){stage_new_transport(transport, loop)}, 1);
    tokens = tokens_new(loop, &settings);
    tokens_set_pipeline(tokens, pipeline);
    store->free(store);
    store =
        store_new_azblob(loop,
                         &(struct azblob_settings){.address = address,
                                                   .endpoint = getenv("AZURITE"),
                                                   .transport = transport,
                                                   .provider = tokens_provider(tokens),
                                                   .retry_pause_ms = 2},
                         &failure);
    ck_assert_ptr_nonnull(store);
}

static void tear_down_signed_in(void)
{
    store->free(store);
    tokens_free(tokens);
    pipeline_free(pipeline);
    sim_close(sim);
    store_call_deinit(&call);
    transport_free(transport);
    loop_free(loop);
}

START_TEST(a_token_is_as_good_as_a_key)
{
    struct store_lease *lease = acquire("{}");

    ck_assert_str_eq(append(lease, 0, "one\n"), "");
    ck_assert_str_eq(release(lease), "");
    assert_log("one\n");
    ck_assert_str_eq(list("runs/1/"), "");
    ck_assert_str_eq(names(), LOG);
    ck_assert_str_eq(remove_name("runs/"), "");
}
END_TEST

START_TEST(a_wrong_key_is_refused)
{
    struct failure *failure = NULL;

    store->free(store);
    store = store_new_azblob(loop,
                             &(struct azblob_settings){.address = address,
                                                       .key = "d3Jvbmc=",
                                                       .endpoint = getenv("AZURITE"),
                                                       .transport = transport},
                             &failure);
    /* the service says AuthenticationFailed, and so does an Azurite that takes no tokens */
    ck_assert_str_eq(put(STORE_NEW, "a", "1"), "InvalidAuthenticationInfo");
    ck_assert_str_eq(look(), "InvalidAuthenticationInfo");
    ck_assert_ptr_nonnull(strstr(call.failure->cure, "check the key"));
    ck_assert_ptr_null(strstr(call.failure->message, "d3Jvbmc"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("azurite");
    TCase *topic;

    if (getenv("AZURITE") == NULL) {
        fputs("AZURITE does not say where Azurite is\n", stderr);
        return 1;
    }
    add_promises(add_case(suite, "what a store promises", set_up, tear_down));
    topic = add_case(suite, "logs of several blobs", set_up_small, tear_down);
    tcase_add_test(topic, a_long_log_is_one);
    tcase_add_test(topic, another_program_finds_the_end_of_a_long_log);
    tcase_add_test(topic, a_long_log_is_removed_as_a_whole);
    tcase_add_test(topic, a_lease_covers_a_long_log);
    tcase_add_test(topic, a_stale_holder_that_rolls_writes_nothing);
    topic = add_case(suite, "sizes", set_up, tear_down);
    tcase_add_test(topic, what_is_long_is_appended_line_by_line);
    tcase_add_test(topic, what_is_large_is_put_and_read);
    tcase_add_test(topic, a_folder_of_many_is_removed);
    topic = add_case(suite, "leases", set_up, tear_down);
    tcase_add_test(topic, a_lease_ends_by_itself);
    tcase_add_test(topic, a_text_is_no_log);
    topic = add_case(suite, "rights", set_up, tear_down);
    tcase_add_test(topic, a_wrong_key_is_refused);
    topic = add_case(suite, "signed in", set_up_signed_in, tear_down_signed_in);
    tcase_add_test(topic, a_token_is_as_good_as_a_key);
    return run_suite(suite);
}
