/* tests/fuzz/fuzz_azblob.c - an address, a connection string, then a page of a list of blobs. */
#include "store/azblob_parts.h"

#include "base/failure.h"
#include "fuzz.h"

static void read_settings(const char *address, const char *connection)
{
    const struct azblob_settings settings = {.address = address,
                                             .connection_string = connection};
    struct azblob_account account = {0};
    struct failure *failure = azblob_account_read(&account, &settings);

    fuzz_claim(failure != NULL ||
               (account.base != NULL && (account.key.length > 0 || account.sas != NULL)));
    failure_free(failure);
    azblob_account_deinit(&account);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *address = fuzz_text(&data, &size), *connection = fuzz_text(&data, &size);
    struct azblob_page page = {0};
    const bool is_good =
        azblob_page_read(&page, "pre/", size > 0 ? (const char *)data : "", size);

    for (size_t i = 0; i < page.count && is_good; i++)
        fuzz_claim(page.entries[i].name != NULL);
    azblob_page_deinit(&page);
    read_settings(address, connection);
    free(address);
    free(connection);
    return 0;
}
