/* engine/store/azblob_address.c - where the container is, and by what right one goes there. */
#include <stdlib.h>
#include <string.h>

#include "auth/secret.h"
#include "base/base64.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"
#include "model/cloud.h"
#include "store/azblob_parts.h"

#define SCHEME "azblob://"

static void fill(const char **value, const char *name)
{
    const char *text = getenv(name);

    if (*value == NULL && text != NULL && text[0] != '\0')
        *value = text;
}

void azblob_settings_read_environment(struct azblob_settings *settings)
{
    fill(&settings->connection_string, "AZURE_STORAGE_CONNECTION_STRING");
    fill(&settings->key, "AZURE_STORAGE_KEY");
    fill(&settings->sas, "AZURE_STORAGE_SAS_TOKEN");
    fill(&settings->account, "AZURE_STORAGE_ACCOUNT");
    fill(&settings->endpoint, "AZURE_STORAGE_SERVICE_ENDPOINT");
}

/* --- the address ---------------------------------------------------------------------- */

static struct failure *bad_address(const char *address, const char *why)
{
    return failure_set_cure(
        failure_new("BadSetting", "store '%s': %s", address, why),
        "write it as azblob://account/container or azblob://account/container/prefix");
}

/* The rules of names: learn.microsoft.com, "Naming rules and restrictions for Azure resources"
 * and "Naming and referencing containers, blobs, and metadata". */
static struct failure *read_address(struct azblob_account *account, const char *address)
{
    const char *name = address + strlen(SCHEME);

    if (!text_has_prefix_nocase(address, SCHEME))
        return bad_address(address, "it does not begin with " SCHEME);

    const char *container = name + strcspn(name, "/");

    account->name = memory_copy_text(name, (size_t)(container - name));
    if (!text_matches(account->name, "^[a-z0-9]{3,24}$"))
        return bad_address(address,
                           "an account's name has 3 to 24 lower-case letters and digits");
    container += strspn(container, "/");

    const char *prefix = container + strcspn(container, "/");

    account->container = memory_copy_text(container, (size_t)(prefix - container));
    if (!text_matches(account->container, "^[a-z0-9](-?[a-z0-9])*$") ||
        strlen(account->container) < 3 || strlen(account->container) > 63)
        return bad_address(address,
                           "a container's name has 3 to 63 lower-case letters, digits "
                           "and single dashes between them");
    prefix += strspn(prefix, "/");

    size_t length = strlen(prefix);

    while (length > 0 && prefix[length - 1] == '/')
        length--;
    account->prefix = memory_format("%.*s%s", (int)length, prefix, length > 0 ? "/" : "");
    if (!text_matches(account->prefix, "^([A-Za-z0-9_-][A-Za-z0-9._-]*/)*$"))
        return bad_address(address, "the parts of a prefix hold letters, digits and -._ "
                                    "and do not begin with a dot");
    return NULL;
}

/* --- the connection string ------------------------------------------------------------ */

/* What matters of a connection string; owned. */
struct connection {
    char *account, *key, *sas, *endpoint, *suffix, *protocol;
};

static void connection_deinit(struct connection *connection)
{
    free(connection->account);
    secret_free(connection->key);
    secret_free(connection->sas);
    free(connection->endpoint);
    free(connection->suffix);
    free(connection->protocol);
}

/* "Name=value;Name=value". Other names, such as those of other services, are let pass. */
static void read_connection(struct connection *connection, const char *text)
{
    const struct {
        const char *name;
        char **value;
    } rows[] = {{"AccountName", &connection->account},
                {"AccountKey", &connection->key},
                {"SharedAccessSignature", &connection->sas},
                {"BlobEndpoint", &connection->endpoint},
                {"EndpointSuffix", &connection->suffix},
                {"DefaultEndpointsProtocol", &connection->protocol}};

    while (*text != '\0') {
        const size_t length = strcspn(text, ";"), name = strcspn(text, "=;");

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (name < length && name == strlen(rows[i].name) &&
                text_has_prefix_nocase(text, rows[i].name) && *rows[i].value == NULL)
                *rows[i].value = memory_copy_text(text + name + 1, length - name - 1);
        }
        text += length + (text[length] == ';' ? 1 : 0);
    }
}

/* --- the account ---------------------------------------------------------------------- */

/* A key of one account is not to be tried at another one. */
static struct failure *check_account(const struct azblob_account *account,
                                     const char *other, const char *source)
{
    if (other == NULL || strcmp(account->name, other) == 0)
        return NULL;
    return failure_new("BadSetting",
                       "the store is in the account '%s', but %s is about '%s'",
                       account->name, source, other);
}

static void choose_base(struct azblob_account *account,
                        const struct azblob_settings *settings,
                        const struct connection *connection)
{
    const char *given =
        connection->endpoint != NULL ? connection->endpoint : settings->endpoint;
    const char *suffix =
        settings->blob_suffix != NULL ? settings->blob_suffix : clouds[0].blob_suffix;

    if (given != NULL) {
        size_t length = strlen(given);

        while (length > 0 && given[length - 1] == '/')
            length--;
        account->base = memory_copy_text(given, length);
    } else if (connection->suffix != NULL) {
        account->base =
            memory_format("%s://%s.blob.%s",
                          connection->protocol != NULL ? connection->protocol : "https",
                          account->name, connection->suffix);
    } else {
        account->base = memory_format("https://%s.%s", account->name, suffix);
    }
}

static struct failure *check_base(const struct azblob_account *account,
                                  const struct connection *connection)
{
    /* it is not shown: people put secrets into URLs */
    if (url_origin_length(account->base) == 0 || !url_is_clean(account->base) ||
        strpbrk(account->base, "?#") != NULL)
        return failure_new(
            "BadSetting", "%s names no endpoint such as https://%s.blob.core.windows.net",
            connection->endpoint != NULL || connection->suffix != NULL
                ? "AZURE_STORAGE_CONNECTION_STRING"
                : "AZURE_STORAGE_SERVICE_ENDPOINT",
            account->name);
    if (account->sas != NULL && !text_has_prefix_nocase(account->base, "https://") &&
        !url_is_loopback(account->base))
        return failure_new("InsecureEndpoint",
                           "%s is not https: no shared access signature goes there",
                           account->base);
    return NULL;
}

static struct failure *read_key(struct azblob_account *account, const char *key,
                                const char *source)
{
    if (base64_decode(&account->key, key, strlen(key)) && account->key.length > 0)
        return NULL;
    return failure_set_cure(
        failure_new("BadSetting", "%s has no account key: it is not base64", source),
        "`az storage account keys list` prints the keys");
}

/* Takes the first that there is of the connection string's key and signature, and then of the
 * others. */
static struct failure *choose_right(struct azblob_account *account,
                                    const struct azblob_settings *settings,
                                    const struct connection *connection)
{
    const bool is_connected = connection->key != NULL || connection->sas != NULL;
    const char *key = is_connected ? connection->key : settings->key;
    const char *sas = is_connected ? connection->sas : settings->sas;

    if (key != NULL)
        return read_key(account, key,
                        is_connected ? "AZURE_STORAGE_CONNECTION_STRING"
                                     : "AZURE_STORAGE_KEY");
    if (sas == NULL && settings->provider == NULL)
        return failure_set_cure(
            failure_new("NoCredentials",
                        "there is nothing to sign in with at the storage account '%s'",
                        account->name),
            "set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or "
            "AZURE_STORAGE_CONNECTION_STRING, or sign in");
    if (sas == NULL)
        return NULL;
    sas += sas[0] == '?' ? 1 : 0;
    if (!url_is_clean(sas) || strstr(sas, "sig=") == NULL)
        return failure_new("BadSetting",
                           "%s is no shared access signature: that is a "
                           "query with sig= in it",
                           is_connected ? "AZURE_STORAGE_CONNECTION_STRING"
                                        : "AZURE_STORAGE_SAS_TOKEN");
    account->sas = memory_copy_string(sas);
    return NULL;
}

struct failure *azblob_account_read(struct azblob_account *account,
                                    const struct azblob_settings *settings)
{
    struct connection connection = {0};
    struct failure *failure = read_address(account, settings->address);

    if (settings->connection_string != NULL)
        read_connection(&connection, settings->connection_string);
    if (failure == NULL)
        failure =
            check_account(account, connection.account, "AZURE_STORAGE_CONNECTION_STRING");
    if (failure == NULL && settings->connection_string == NULL &&
        (settings->key != NULL || settings->sas != NULL))
        failure = check_account(account, settings->account, "AZURE_STORAGE_ACCOUNT");
    if (failure == NULL)
        failure = choose_right(account, settings, &connection);
    if (failure == NULL) {
        choose_base(account, settings, &connection);
        failure = check_base(account, &connection);
    }
    connection_deinit(&connection);
    return failure;
}

void azblob_account_deinit(struct azblob_account *account)
{
    free(account->name);
    free(account->base);
    free(account->container);
    free(account->prefix);
    secret_deinit(&account->key);
    secret_free(account->sas);
    *account = (struct azblob_account){0};
}
