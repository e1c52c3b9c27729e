/* engine/sim/app_credentials.h - by what the applications of the tenant prove who they are,
 * beyond the one secret that the directory keeps: certificates, and other issuers' tokens. */
#ifndef MOONGATE_SIM_APP_CREDENTIALS_H
#define MOONGATE_SIM_APP_CREDENTIALS_H

#include <openssl/x509.h>

struct world;

/* A certificate from PEM, owned by the caller (X509_free), or NULL when the text holds none
 * or its key is not RSA. */
X509 *app_credentials_read_certificate(const char *pem);

/* Registers a certificate. `app_id` is in lower case. */
void app_credentials_add_certificate(struct world *world, const char *app_id,
                                     X509 *certificate);

/* The application's certificate with this thumbprint, base64url of its SHA-256 or SHA-1,
 * padded or not; owned by the caller (X509_free), or NULL. */
X509 *app_credentials_find_certificate(struct world *world, const char *app_id,
                                       const char *thumbprint);

/* A federated identity credential. */
struct app_federated {
    const char *issuer, *subject, *audience;
    const char *keys; /* the issuer's keys, a JSON Web Key Set, or NULL: not known */
};

void app_credentials_add_federated(struct world *world, const char *app_id,
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
