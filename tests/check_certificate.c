/* tests/check_certificate.c - an application with a certificate: the file, and the assertion
 * that its key signs. Keys and certificates are made here, by OpenSSL. */
#include <string.h>

#include <check.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "sign_in.h"

static struct sign_in s;

/* Made once, before the tests are forked off. */
static EVP_PKEY *key, *other_key, *curve_key;
static X509 *certificate, *authority, *curve_certificate;

static X509 *make_certificate(EVP_PKEY *own, const char *name)
{
    X509 *made = X509_new();

    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), 0);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, own);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    X509_sign(made, own, EVP_sha256());
    return made;
}

static void make_all(void)
{
    key = EVP_RSA_gen(2048);
    other_key = EVP_RSA_gen(2048);
    curve_key = EVP_EC_gen("P-256");
    certificate = make_certificate(key, "moongate");
    authority = make_certificate(other_key, "authority");
    curve_certificate = make_certificate(curve_key, "curve");
}

static void set_up(void)
{
    sign_in_open(&s);
    s.settings.tenant_id = "tenant";
    s.settings.client_id = "client";
}

static void tear_down(void)
{
    sign_in_close(&s);
}

/* --- files ---------------------------------------------------------------------------------- */

/* What a file holds, one letter an item: k the key, e encrypted, t encrypted in the old way,
 * o another key, v a key on a curve; c the certificate, a an authority's, w the curve's; p a
 * PKCS#12 with all, q one without a key, g garbage. */
static void append_item(BIO *bio, char item, const char *password)
{
    const EVP_CIPHER *cipher = EVP_aes_256_cbc();
    const int length = password != NULL ? (int)strlen(password) : 0;
    STACK_OF(X509) *more = sk_X509_new_null();

    sk_X509_push(more, authority);
    switch (item) {
    case 'k':
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
        break;
    case 'e':
        PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, password, length, NULL, NULL);
        break;
    case 't':
        PEM_write_bio_PrivateKey_traditional(
            bio, key, cipher, (const unsigned char *)password, length, NULL, NULL);
        break;
    case 'o':
        PEM_write_bio_PrivateKey(bio, other_key, NULL, NULL, 0, NULL, NULL);
        break;
    case 'v':
        PEM_write_bio_PrivateKey(bio, curve_key, NULL, NULL, 0, NULL, NULL);
        break;
    case 'c':
        PEM_write_bio_X509(bio, certificate);
        break;
    case 'a':
        PEM_write_bio_X509(bio, authority);
        break;
    case 'w':
        PEM_write_bio_X509(bio, curve_certificate);
        break;
    case 'p':
    case 'q': {
        PKCS12 *container =
            PKCS12_create(password, "moongate", item == 'p' ? key : NULL,
                          item == 'p' ? certificate : NULL, more, 0, 0, 0, 0, 0);

        i2d_PKCS12_bio(bio, container);
        PKCS12_free(container);
        break;
    }
    default:
        BIO_puts(bio, "\x30\x82 no certificate at all");
        break;
    }
    sk_X509_free(more);
}

/* Owned by the caller. */
static char *write_items(const char *items, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes, *path;

    for (; *items != '\0'; items++)
        append_item(bio, *items, password);

    const long length = BIO_get_mem_data(bio, &bytes);

    path = sign_in_write(&s, "certificate", bytes, (size_t)length, 0600);
    BIO_free(bio);
    return path;
}

static const struct file_row {
    const char *items, *made_with, *given;
    const char *words; /* NULL: it is good */
} file_rows[] = {
    {"kc", NULL, NULL, NULL},
    {"ck", NULL, NULL, NULL},
    {"ack", NULL, NULL, NULL},
    {"kac", NULL, "unneeded", NULL},
    {"ec", SECRET, SECRET, NULL},
    {"ce", SECRET, SECRET, NULL},
    {"ct", SECRET, SECRET, NULL},
    {"p", SECRET, SECRET, NULL},
    {"p", "", NULL, NULL},
    {"p", NULL, NULL, NULL},
    {"p", NULL, "", NULL},
    {"ec", SECRET, NULL, "its key is encrypted, and no password was given"},
    {"ec", SECRET, "wrong", "wrong password"},
    {"ct", SECRET, "wrong", "wrong password"},
    {"p", SECRET, "wrong", "wrong password"},
    {"p", SECRET, NULL, "no password was given"},
    {"q", SECRET, SECRET, "there is no private key in it"},
    {"c", NULL, NULL, "there is no private key in it"},
    {"k", NULL, NULL, "there is no certificate in it"},
    {"oc", NULL, NULL, "the key does not match the certificate"},
    {"vw", NULL, NULL, "its key is not RSA"},
    {"g", NULL, NULL, "it is neither PEM nor PKCS#12"},
    {"", NULL, NULL, "it is neither PEM nor PKCS#12"},
};

START_TEST(a_certificate_file_works_or_says_why_not)
{
    const struct file_row *row = &file_rows[_i];
    char *path = write_items(row->items, row->made_with);
    struct wish wish;

    s.settings.certificate_path = path;
    s.settings.certificate_password = row->given;
    wish = sign_in_ask(&s, AUDIENCE_ARM);
    if (row->words == NULL) {
        wish_got(&wish, "token-1");
    } else {
        ck_assert_ptr_nonnull(strstr(wish.request.failure->message, path));
        ck_assert_ptr_nonnull(wish.request.failure->cure);
        wish_failed(&wish, "AuthenticationFailed", row->words);
        ck_assert_uint_eq(s.h.server.token_count, 0);
    }
    free(path);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
    const char *const paths[][2] = {{"/nonexistent/c.pem", "No such file"},
                                    {s.folder, "it is not a file"},
                                    {"/dev/zero", "it is not a file"}};

    for (size_t i = 0; i < 3; i++) {
        struct wish wish;

        s.settings.certificate_path = paths[i][0];
        wish = sign_in_ask(&s, AUDIENCE_ARM);
        ck_assert_ptr_nonnull(strstr(wish.request.failure->message, paths[i][0]));
        wish_failed(&wish, "AuthenticationFailed", paths[i][1]);
        tokens_free(s.tokens);
        s.tokens = NULL;
    }
}
END_TEST

/* --- the assertion ----------------------------------------------------------------------------- */

/* The JSON of one part of a JWT, owned by the caller. */
static cJSON *read_part(const char *part, size_t length)
{
    struct buffer text = {0};
    cJSON *tree;

    ck_assert(base64_decode(&text, part, length));
    tree = json_parse(text.data, text.length, NULL);
    ck_assert_ptr_nonnull(tree);
    buffer_deinit(&text);
    return tree;
}

/* Whether the signature is the key's, as PS256 has it: salt as long as the digest. */
static bool is_signed_by(const char *jwt, EVP_PKEY *signer)
{
    const char *dot = strrchr(jwt, '.');
    struct buffer signature = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    bool is_good;

    ck_assert(base64_decode(&signature, dot + 1, strlen(dot + 1)));
    EVP_DigestVerifyInit(context, &options, EVP_sha256(), NULL, signer);
    EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(options, 32);
    is_good = EVP_DigestVerify(context, (unsigned char *)signature.data, signature.length,
                               (const unsigned char *)jwt, (size_t)(dot - jwt)) == 1;
    EVP_MD_CTX_free(context);
    buffer_deinit(&signature);
    return is_good;
}

static void assert_header(const cJSON *header, bool has_chain)
{
    unsigned char digest[32];
    unsigned length = sizeof digest;
    struct buffer thumbprint = {0};

    X509_digest(certificate, EVP_sha256(), digest, &length);
    base64_append_url(&thumbprint, digest, length);
    ck_assert_str_eq(json_string_at(header, "alg"), "PS256");
    ck_assert_str_eq(json_string_at(header, "typ"), "JWT");
    ck_assert_str_eq(json_string_at(header, "x5t#S256"), thumbprint.data);
    ck_assert_int_eq(cJSON_GetArraySize(json_at(header, "x5c")), has_chain ? 2 : 0);
    buffer_deinit(&thumbprint);
}

/* The first certificate of the chain is the key's, as base64 of DER. */
static void assert_leaf_first(const cJSON *header)
{
    const cJSON *chain = json_at(header, "x5c");
    unsigned char *der = NULL;
    const int length = i2d_X509(certificate, &der);
    struct buffer text = {0};

    base64_append(&text, der, (size_t)length);
    ck_assert_str_eq(cJSON_GetArrayItem(chain, 0)->valuestring, text.data);
    OPENSSL_free(der);
    buffer_deinit(&text);
}

static void assert_claims(const cJSON *claims)
{
    const double now_s = (double)(clock_wall_ms(&s.h.clock) / 1000);
    char *endpoint = memory_format("%s/tenant/oauth2/v2.0/token", s.h.server.base);

    ck_assert_str_eq(json_string_at(claims, "aud"), endpoint);
    ck_assert_str_eq(json_string_at(claims, "iss"), "client");
    ck_assert_str_eq(json_string_at(claims, "sub"), "client");
    ck_assert_uint_eq(strlen(json_string_at(claims, "jti")), 36);
    ck_assert(json_number_at(claims, "iat", 0) == now_s);
    ck_assert(json_number_at(claims, "nbf", 0) == now_s);
    ck_assert(json_number_at(claims, "exp", 0) == now_s + 600);
    free(endpoint);
}

START_TEST(the_assertion_is_what_entra_wants)
{
    const bool sends_chain = _i == 1;
    char *path = write_items("akc", NULL);

    s.settings.certificate_path = path;
    s.settings.sends_certificate_chain = sends_chain;
    sign_in_gets(&s, "token-1");

    char *assertion = sign_in_form_field(&s, "client_assertion");
    char *type = sign_in_form_field(&s, "client_assertion_type");
    const char *dot = strchr(assertion, '.'), *end = strrchr(assertion, '.');
    cJSON *header = read_part(assertion, (size_t)(dot - assertion));
    cJSON *claims = read_part(dot + 1, (size_t)(end - dot - 1));

    ck_assert_str_eq(type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_header(header, sends_chain);
    if (sends_chain)
        assert_leaf_first(header);
    assert_claims(claims);
    ck_assert(is_signed_by(assertion, key));
    ck_assert(!is_signed_by(assertion, other_key));
    cJSON_Delete(header);
    cJSON_Delete(claims);
    free(assertion);
    free(type);
    free(path);
}
END_TEST

START_TEST(each_assertion_is_a_new_one)
{
    char *path = write_items("kc", NULL), *first, *second;

    s.settings.certificate_path = path;
    sign_in_gets(&s, "token-1");
    first = sign_in_form_field(&s, "client_assertion");
    clock_advance_to(&s.h.clock, 3600000);
    sign_in_gets(&s, "token-2");
    second = sign_in_form_field(&s, "client_assertion");
    ck_assert_str_ne(first, second);
    free(first);
    free(second);
    free(path);
}
END_TEST

START_TEST(an_assertion_that_entra_repeats_is_hidden)
{
    char *path = write_items("kc", NULL);
    const struct server_step script[] = {
        STEP(TOKEN_PATH, 400, NULL,
             "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS700027: The "
             "assertion eyJhbGciOiJQUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln is not known.\"}"),
        {0}};

    server_play(&s.h.server, script);
    s.settings.certificate_path = path;
    sign_in_fails(&s, "AuthenticationFailed", "The assertion [hidden] is not known.");
    free(path);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

int main(void)
{
    Suite *suite = suite_create("certificate");
    TCase *file = harness_add_case(suite, "file", set_up, tear_down);
    TCase *assertion = harness_add_case(suite, "assertion", set_up, tear_down);

    make_all();
    tcase_add_loop_test(file, a_certificate_file_works_or_says_why_not, 0,
                        COUNT(file_rows));
    tcase_add_test(file, a_file_that_cannot_be_read_is_named);
    tcase_add_loop_test(assertion, the_assertion_is_what_entra_wants, 0, 2);
    tcase_add_test(assertion, each_assertion_is_a_new_one);
    tcase_add_test(assertion, an_assertion_that_entra_repeats_is_hidden);

    const int code = harness_run_suite(suite);

    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(curve_key);
    X509_free(certificate);
    X509_free(authority);
    X509_free(curve_certificate);
    return code;
}
