/* engine/sim/app_credentials.c - by what applications prove who they are. */
#include "sim/app_credentials.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "sim/database.h"
#include "sim/world.h"

X509 *app_credentials_read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    const EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return certificate;
    X509_free(certificate);
    return NULL;
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

void app_credentials_add_certificate(struct world *world, const char *app_id,
                                     X509 *certificate)
{
    char *sha1 = make_thumbprint(certificate, EVP_sha1());
    char *sha256 = make_thumbprint(certificate, EVP_sha256());
    char *body = encode(certificate);

    database_run(world->database,
                 "INSERT OR REPLACE INTO app_certificate VALUES (?, ?, ?, ?)", "tttt",
                 app_id, sha256, sha1, body);
    free(sha1);
    free(sha256);
    free(body);
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
                                       const char *thumbprint)
{
    char *key = normalize(thumbprint);
    char *body = database_text(world->database,
                               "SELECT body FROM app_certificate"
                               " WHERE app_id = ?1 AND (sha256 = ?2 OR sha1 = ?2)",
                               "tt", app_id, key);
    X509 *certificate = body != NULL ? decode(body) : NULL;

    free(key);
    free(body);
    return certificate;
}

void app_credentials_add_federated(struct world *world, const char *app_id,
                                   const struct app_federated *federated)
{
    database_run(world->database,
                 "INSERT OR REPLACE INTO app_federated VALUES (?, ?, ?, ?, ?)", "ttttt",
                 app_id, federated->issuer, federated->subject, federated->audience,
                 federated->keys);
}

enum app_federated_match app_credentials_match(struct world *world, const char *app_id,
                                               const struct app_federated *presented,
                                               char **keys)
{
    sqlite3_stmt *row = database_query(world->database,
                                       "SELECT subject, audience, keys FROM app_federated"
                                       " WHERE app_id = ? AND issuer = ?",
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
