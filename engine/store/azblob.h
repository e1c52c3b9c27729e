/* engine/store/azblob.h - a store in a container of Azure Blob Storage.
 *
 * Texts are block blobs, logs are append blobs: an appended block is there whole or not at
 * all, and the service itself refuses whoever has lost the lease. An append blob takes 50,000
 * blocks, so a long log goes on in further blobs, "journal.jsonl~2"; names of a store hold no
 * tilde, so those are nobody else's, and no caller sees them.
 *
 * Facts: learn.microsoft.com, rest/api/storageservices: Put Blob, Append Block, Lease Blob, List
 * Blobs, Authorize with Shared Key. */
#ifndef MOONGATE_STORE_AZBLOB_H
#define MOONGATE_STORE_AZBLOB_H

#include <stddef.h>
#include <stdint.h>

struct failure;
struct loop;
struct store;
struct token_provider;
struct transport;

/* Strings are NULL where nothing was said. Those that are secrets are copied, and the copies
 * wiped; the others are borrowed until the store is made. */
struct azblob_settings {
    const char *address; /* "azblob://account/container" or ".../container/prefix" */

    /* By what right: the first of these that is there, else the provider's token. */
    const char *connection_string; /* "AccountName=...;AccountKey=...;BlobEndpoint=..." */
    const char *key;               /* the account's, base64 */
    const char *sas;               /* a shared access signature, "sv=...&sig=..." */
    const char *account;           /* whose key or signature it is: to be the address's */

    /* Where: the connection string's endpoint, this one, or the cloud's. */
    const char *endpoint;    /* "https://account.blob.core.windows.net" */
    const char *blob_suffix; /* NULL: the public cloud's, "blob.core.windows.net" */

    /* Borrowed for the life of the store. */
    struct transport *transport;
    struct token_provider *provider; /* or NULL: there is no other sign-in */

    /* 0: the defaults. */
    unsigned most_blocks;   /* of one blob of a log: 50000 */
    size_t block_bytes;     /* at most in one appended block: 4 MiB */
    int64_t retry_pause_ms; /* the first one, 2 or more: 500 */
};

/* Fills in from AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN,
 * AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_SERVICE_ENDPOINT, as az has them, what is still NULL. */
void azblob_settings_read_environment(struct azblob_settings *settings);

/* Cheap: nothing is sent before the first call; the container is made by the first call that
 * writes and finds none. NULL, and `*failure` set (owned by the caller), when the settings make
 * no sense. */
struct store *store_new_azblob(struct loop *loop, const struct azblob_settings *settings,
                               struct failure **failure);

#endif
