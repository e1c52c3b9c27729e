/* tests/check_azurite.c - a store in Azurite, the emulator of Azure Storage.
 *
 * AZURITE says where: "http://127.0.0.1:10000/devstoreaccount1"; see azurite.sh. Without it
 * there is nothing to test against, and that is said. */
#include <stdio.h>
#include <stdlib.h>

#include <check.h>

#include "base/uuid.h"
#include "net/transfer.h"
#include "store/azblob.h"
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
    transport = transport_new(loop, &(struct transport_options){0});
    open_store(0, 0);
}

static void tear_down(void)
{
    store_call_deinit(&call);
    store->free(store);
    transport_free(transport);
    loop_free(loop);
}

int main(void)
{
    Suite *suite = suite_create("azurite");

    if (getenv("AZURITE") == NULL) {
        puts("skipped: Azurite, as AZURITE does not say where it is (tests/azurite.sh)");
        return 0;
    }
    add_promises(add_case(suite, "what a store promises", set_up, tear_down));
    return run_suite(suite);
}
