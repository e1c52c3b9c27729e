/* engine/sim/app_credentials.h - by what the applications of the tenant prove who they are,
 * beyond the one secret that the directory keeps: certificates, and other issuers' tokens. */
#ifndef MOONGATE_SIM_APP_CREDENTIALS_H
#define MOONGATE_SIM_APP_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <openssl/x509.h>

struct world;

/* A certificate from PEM, owned by the caller (X509_free), or NULL when the text holds none
 * or its key is not RSA. */
X509 *app_credentials_read_certificate(const char *pem);

/* One from what Graph calls a key, base64 of DER or of PEM, in lines or not; else the
 * same. */
X509 *app_credentials_decode_certificate(const char *text);

/* When it is valid (UTC). */
void app_credentials_read_validity(const X509 *certificate, int64_t *start_ms,
                                   int64_t *end_ms);

/* Of what, and since when and until when (UTC), a certificate is a credential. */
struct app_key {
    const char *object; /* the registration or service principal that holds it */
    const char *key_id;
    const char *app_id;
    const char *name; /* or NULL */
    int64_t start_ms, end_ms;
};

/* Registers a certificate. Ids are in lower case. */
void app_credentials_add_certificate(struct world *world, const struct app_key *key,
                                     X509 *certificate);

/* As Microsoft Graph lists it, without the certificate; owned by the caller. */
cJSON *app_credentials_describe(const struct app_key *key, X509 *certificate);

/* The application's certificate with this thumbprint, base64url of its SHA-256 or SHA-1,
 * padded or not, and how long it counts; owned by the caller (X509_free), or NULL. One of a
 * deleted object is none. */
X509 *app_credentials_find_certificate(struct world *world, const char *app_id,
                                       const char *thumbprint, int64_t *start_ms,
                                       int64_t *end_ms);

/* Forgets all that an object held. */
void app_credentials_forget(struct world *world, const char *object);

/* A federated identity credential. What of it is not presented by clients, `match` ignores. */
struct app_federated {
    const char *object, *id, *app_id; /* in lower case; the object is a registration */
    const char *name, *description;   /* the latter may be NULL */
    const char *issuer, *subject, *audience;
    const char *keys; /* the issuer's keys, a JSON Web Key Set, or NULL: not known */
};

/* Adds it, or replaces the one of this id. */
void app_credentials_add_federated(struct world *world,
                                   const struct app_federated *federated);

/* How far what an assertion says matches one of the application's federated credentials. */
enum app_federated_match {
    FEDERATED_NO_ISSUER,
    FEDERATED_NO_SUBJECT, /* one of this issuer is there */
    FEDERATED_NO_AUDIENCE,
    FEDERATED_MATCHES
};

/* Compares case and all, as Entra does. `*keys` gets those of the issuer, owned by the
 * caller, or NULL when they are not known. */
enum app_federated_match app_credentials_match(struct world *world, const char *app_id,
                                               const struct app_federated *presented,
                                               char **keys);

#endif
