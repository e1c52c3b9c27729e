/* engine/sim/authority.c - the simulator's own certificate authority. */
#include "sim/authority.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/buffer.h"
#include "base/failure.h"
#include "base/memory.h"
#include "net/listening.h"
#include "sim/keepsake.h"

/* The authority and its key in one file, so that the two cannot part. */
static const char file_name[] = "authority.pem";

enum {
    AUTHORITY_DAYS = 3650,
    ISSUED_DAYS = 30,
    BEFORE_S = 24 * 3600, /* valid since then: clocks differ */
    DAY_S = 24 * 3600,
    NAMES_LIMIT = 4096 /* the text of all that a certificate is for */
};

static struct failure *fail(const char *what)
{
    return failure_new("IOError", "the simulator's certificates: cannot %s", what);
}

/* ---- making ---- */

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);

    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    const bool is_added =
        extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return is_added;
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[16];
    BIGNUM *number = RAND_bytes(bytes, sizeof bytes) == 1
                         ? (bytes[0] &= 0x7f, BN_bin2bn(bytes, sizeof bytes, NULL))
                         : NULL;
    const bool is_set =
        number != NULL &&
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return is_set;
}

static bool set_subject(X509 *certificate, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
                                      MBSTRING_ASC, (const unsigned char *)name, -1, -1,
                                      0) == 1;
}

/* A new key and a certificate that lacks its issuer, extensions and signature. */
static bool begin(struct authority_pair *pair, const char *name, long days)
{
    pair->key = EVP_EC_gen("P-256");
    pair->certificate = X509_new();
    return pair->key != NULL && pair->certificate != NULL &&
           X509_set_version(pair->certificate, X509_VERSION_3) == 1 &&
           set_serial(pair->certificate) && set_subject(pair->certificate, name) &&
           X509_gmtime_adj(X509_getm_notBefore(pair->certificate), -BEFORE_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(pair->certificate), days * DAY_S) != NULL &&
           X509_set_pubkey(pair->certificate, pair->key) == 1;
}

static bool sign(X509 *certificate, const struct authority_pair *issuer)
{
    return X509_set_issuer_name(certificate,
                                X509_get_subject_name(issuer->certificate)) == 1 &&
           add_extension(certificate, issuer->certificate, NID_authority_key_identifier,
                         "keyid:always") &&
           X509_sign(certificate, issuer->key, EVP_sha256()) > 0;
}

/* What strict clients look for (RFC 5280, 4.2.1; Python 3.13 refuses less). */
static bool make_authority(struct authority_pair *pair)
{
    return begin(pair, "moongate simulator", AUTHORITY_DAYS) &&
           add_extension(pair->certificate, NULL, NID_basic_constraints,
                         "critical,CA:TRUE,pathlen:0") &&
           add_extension(pair->certificate, NULL, NID_key_usage,
                         "critical,keyCertSign,cRLSign") &&
           add_extension(pair->certificate, NULL, NID_subject_key_identifier, "hash") &&
           sign(pair->certificate, pair);
}

static char *print(const struct authority_pair *pair, bool has_key)
{
    BIO *text = BIO_new(has_key ? BIO_s_secmem() : BIO_s_mem());
    char *bytes, *copy = NULL;

    if (text != NULL &&
        (!has_key ||
         PEM_write_bio_PrivateKey(text, pair->key, NULL, NULL, 0, NULL, NULL) == 1) &&
        PEM_write_bio_X509(text, pair->certificate) == 1) {
        const long length = BIO_get_mem_data(text, &bytes);

        copy = memory_copy_text(bytes, (size_t)length);
    }
    BIO_free(text);
    return copy;
}

char *authority_print(const struct authority_pair *pair)
{
    return print(pair, false);
}

static char *make(void *context, struct failure **failure)
{
    struct authority_pair pair = {0};
    char *text = make_authority(&pair) ? print(&pair, true) : NULL;

    (void)context;
    authority_deinit(&pair);
    if (text == NULL)
        *failure = fail("make the authority");
    return text;
}

/* ---- reading ---- */

static bool parse(struct authority_pair *pair, const char *text)
{
    BIO *source = BIO_new_mem_buf(text, -1);

    if (source != NULL) {
        pair->key = PEM_read_bio_PrivateKey(source, NULL, NULL, NULL);
        pair->certificate = PEM_read_bio_X509(source, NULL, NULL, NULL);
    }
    BIO_free(source);
    return pair->key != NULL && pair->certificate != NULL &&
           X509_check_private_key(pair->certificate, pair->key) == 1;
}

/* Whether it outlives what it is about to issue. */
static bool lasts(const struct authority_pair *pair)
{
    int days = 0, seconds = 0;

    return ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(pair->certificate)) ==
               1 &&
           days >= ISSUED_DAYS;
}

struct failure *authority_read(struct authority_pair *authority)
{
    struct failure *failure = NULL;
    char *text = keepsake_read_or_make(file_name, make, NULL, &failure);

    if (text == NULL)
        return failure;

    const char *why = !parse(authority, text) ? "it holds no key with its certificate"
                      : !lasts(authority)     ? "its certificate is about to expire"
                                              : NULL;

    if (why != NULL) {
        char *path = keepsake_path(file_name);

        failure = failure_set_cure(failure_new("IOError", "%s: %s", path, why),
                                   "Remove the file; the next start makes a new one.");
        free(path);
        authority_deinit(authority);
    }
    OPENSSL_cleanse(text, strlen(text));
    free(text);
    return failure;
}

/* ---- issuing ---- */

static void add_address(struct buffer *names, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];
    const void *bytes = NULL;

    if (address != NULL && address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address != NULL && address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (bytes != NULL && names->length < NAMES_LIMIT)
        buffer_printf(names, ",IP:%s",
                      inet_ntop(address->sa_family, bytes, text, sizeof text));
}

/* By these the containers and machines around may call it. */
static void add_this_machine(struct buffer *names)
{
    struct ifaddrs *all = NULL;
    char name[256] = "";

    if (getifaddrs(&all) == 0) {
        for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next)
            add_address(names, one->ifa_addr);
        freeifaddrs(all);
    }
    if (gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' &&
        strspn(name,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
            strlen(name))
        buffer_printf(names, ",DNS:%s", name);
}

/* Owned by the caller. */
static char *list_names(const struct listening *listening)
{
    struct buffer names = {0};

    buffer_append_string(&names, "DNS:localhost,IP:127.0.0.1,IP:::1");
    if (listening->is_any)
        add_this_machine(&names);
    else
        add_address(&names, (const struct sockaddr *)&listening->address);
    return buffer_take(&names);
}

struct failure *authority_issue(const struct authority_pair *authority,
                                const struct listening *listening,
                                struct authority_pair *issued)
{
    char *names = list_names(listening);
    const bool is_issued =
        begin(issued, "moongate sim", ISSUED_DAYS) &&
        add_extension(issued->certificate, NULL, NID_basic_constraints,
                      "critical,CA:FALSE") &&
        add_extension(issued->certificate, NULL, NID_key_usage,
                      "critical,digitalSignature") &&
        add_extension(issued->certificate, NULL, NID_ext_key_usage, "serverAuth") &&
        add_extension(issued->certificate, NULL, NID_subject_alt_name, names) &&
        add_extension(issued->certificate, NULL, NID_subject_key_identifier, "hash") &&
        sign(issued->certificate, authority);

    free(names);
    if (is_issued)
        return NULL;
    authority_deinit(issued);
    return fail("issue the server's");
}

void authority_deinit(struct authority_pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->certificate);
    *pair = (struct authority_pair){0};
}
