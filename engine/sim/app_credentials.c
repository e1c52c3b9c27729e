/* engine/sim/app_credentials.c - by what applications prove who they are. */
#include "sim/app_credentials.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "sim/database.h"
#include "sim/world.h"

enum { DAY_S = 24 * 3600 };

/* RSA is all that sign-in verifies; another's is freed. */
static X509 *keep_rsa(X509 *certificate)
{
    const EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;

    ERR_clear_error();
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return certificate;
    X509_free(certificate);
    return NULL;
}

X509 *app_credentials_read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    BIO_free(bio);
    return keep_rsa(certificate);
}

/* Base64url of a digest of it, owned by the caller. */
static char *make_thumbprint(X509 *certificate, const EVP_MD *algorithm)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct buffer text = {0};

    X509_digest(certificate, algorithm, digest, &length);
    base64_append_url(&text, digest, length);
    return buffer_take(&text);
}

/* Base64 of its DER, owned by the caller. */
static char *encode(X509 *certificate)
{
    unsigned char *der = NULL;
    const int length = i2d_X509(certificate, &der);
    struct buffer text = {0};

    if (length > 0)
        base64_append(&text, der, (size_t)length);
    OPENSSL_free(der);
    return buffer_take(&text);
}

static X509 *decode(const char *text)
{
    struct buffer der = {0};
    X509 *certificate = NULL;

    if (base64_decode(&der, text, strlen(text))) {
        const unsigned char *at = (const unsigned char *)der.data;

        certificate = d2i_X509(NULL, &at, (long)der.length);
    }
    buffer_deinit(&der);
    return certificate;
}

/* Without the line breaks that clients leave in; owned by the caller. */
static char *join_lines(const char *text)
{
    struct buffer joined = {0};

    for (; *text != '\0'; text++) {
        if (strchr(" \t\r\n", *text) == NULL)
            buffer_append_char(&joined, *text);
    }
    return buffer_take(&joined);
}

X509 *app_credentials_decode_certificate(const char *text)
{
    static const char pem[] = "-----BEGIN";
    char *joined = join_lines(text);
    struct buffer bytes = {0};
    X509 *certificate = NULL;

    if (base64_decode(&bytes, joined, strlen(joined)) && bytes.length > 0) {
        certificate = strncmp(bytes.data, pem, sizeof pem - 1) == 0
                          ? app_credentials_read_certificate(bytes.data)
                          : keep_rsa(decode(joined));
    }
    buffer_deinit(&bytes);
    free(joined);
    return certificate;
}

static int64_t read_time_ms(const ASN1_TIME *time)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;

    ASN1_TIME_diff(&days, &seconds, epoch, time);
    ASN1_TIME_free(epoch);
    return ((int64_t)days * DAY_S + seconds) * 1000;
}

void app_credentials_read_validity(const X509 *certificate, int64_t *start_ms,
                                   int64_t *end_ms)
{
    *start_ms = read_time_ms(X509_get0_notBefore(certificate));
    *end_ms = read_time_ms(X509_get0_notAfter(certificate));
}

void app_credentials_add_certificate(struct world *world, const struct app_key *key,
                                     X509 *certificate)
{
    char *sha1 = make_thumbprint(certificate, EVP_sha1());
    char *sha256 = make_thumbprint(certificate, EVP_sha256());
    char *body = encode(certificate);

    database_run(world->database,
                 "INSERT OR REPLACE INTO app_certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                 "ttttttii", key->object, key->key_id, key->app_id, sha256, sha1, body,
                 key->start_ms, key->end_ms);
    free(sha1);
    free(sha256);
    free(body);
}

static void add_time(cJSON *to, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format_utc(ms, text);
    cJSON_AddStringToObject(to, name, text);
}

static void add_identifier(cJSON *to, X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct buffer text = {0};

    X509_digest(certificate, EVP_sha1(), digest, &length);
    base64_append(&text, digest, length);
    cJSON_AddStringToObject(to, "customKeyIdentifier", text.data);
    buffer_deinit(&text);
}

cJSON *app_credentials_describe(const struct app_key *key, X509 *certificate)
{
    cJSON *shown = cJSON_CreateObject();

    add_identifier(shown, certificate);
    cJSON_AddItemToObject(shown, "displayName",
                          key->name != NULL ? cJSON_CreateString(key->name)
                                            : cJSON_CreateNull());
    add_time(shown, "endDateTime", key->end_ms);
    cJSON_AddNullToObject(shown, "key");
    cJSON_AddStringToObject(shown, "keyId", key->key_id);
    add_time(shown, "startDateTime", key->start_ms);
    cJSON_AddStringToObject(shown, "type", "AsymmetricX509Cert");
    cJSON_AddStringToObject(shown, "usage", "Verify");
    return shown;
}

/* Without padding, which some clients leave in; owned by the caller. */
static char *normalize(const char *thumbprint)
{
    struct buffer bytes = {0}, text = {0};

    base64_decode(&bytes, thumbprint, strlen(thumbprint));
    base64_append_url(&text, bytes.data, bytes.length);
    buffer_deinit(&bytes);
    return buffer_take(&text);
}

X509 *app_credentials_find_certificate(struct world *world, const char *app_id,
                                       const char *thumbprint, int64_t *start_ms,
                                       int64_t *end_ms)
{
    char *key = normalize(thumbprint);
    sqlite3_stmt *row = database_query(
        world->database,
        "SELECT app_certificate.body, start_ms, end_ms FROM app_certificate"
        " CROSS JOIN object ON object.id = app_certificate.object"
        " WHERE app_certificate.app_id = ?1 AND (sha256 = ?2 OR sha1 = ?2)"
        " ORDER BY end_ms DESC",
        "tt", app_id, key);
    X509 *certificate = NULL;

    if (database_step(world->database, row)) {
        certificate = decode(database_column(row, 0));
        *start_ms = sqlite3_column_int64(row, 1);
        *end_ms = sqlite3_column_int64(row, 2);
        database_done(row);
    }
    free(key);
    return certificate;
}

void app_credentials_forget(struct world *world, const char *object)
{
    database_run(world->database, "DELETE FROM credential WHERE object = ?", "t", object);
    database_run(world->database, "DELETE FROM app_certificate WHERE object = ?", "t",
                 object);
    database_run(world->database, "DELETE FROM app_federated WHERE object = ?", "t",
                 object);
}

void app_credentials_add_federated(struct world *world,
                                   const struct app_federated *federated)
{
    database_run(
        world->database,
        "INSERT OR REPLACE INTO app_federated VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "ttttttttt", federated->object, federated->id, federated->app_id, federated->name,
        federated->description, federated->issuer, federated->subject,
        federated->audience, federated->keys);
}

enum app_federated_match app_credentials_match(struct world *world, const char *app_id,
                                               const struct app_federated *presented,
                                               char **keys)
{
    sqlite3_stmt *row = database_query(world->database,
                                       "SELECT subject, audience, keys FROM app_federated"
                                       " CROSS JOIN object ON object.id ="
                                       " app_federated.object WHERE"
                                       " app_federated.app_id = ? AND issuer = ?",
                                       "tt", app_id, presented->issuer);
    enum app_federated_match match = FEDERATED_NO_ISSUER;

    while (match != FEDERATED_MATCHES && database_step(world->database, row)) {
        if (strcmp(database_column(row, 0), presented->subject) != 0) {
            if (match == FEDERATED_NO_ISSUER)
                match = FEDERATED_NO_SUBJECT;
        } else if (strcmp(database_column(row, 1), presented->audience) != 0) {
            match = FEDERATED_NO_AUDIENCE;
        } else {
            match = FEDERATED_MATCHES;
            *keys = sqlite3_column_type(row, 2) == SQLITE_NULL
                        ? NULL
                        : memory_copy_string(database_column(row, 2));
            database_done(row);
        }
    }
    return match;
}
