/* engine/sim/authority.h - the simulator's own certificate authority, and the certificate
 * of its server.
 *
 * The authority (EC P-256) is made once per user, see sim/keepsake.h, so that who was told
 * to trust it can go on doing so; the server's key and certificate are new at each start.
 * Both go by the machine's time, whatever the clock of the simulated world. */
#ifndef MOONGATE_SIM_AUTHORITY_H
#define MOONGATE_SIM_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct failure;
struct listening;

/* A key and its certificate. Zero it before use; authority_deinit() gives all back. */
struct authority_pair {
    EVP_PKEY *key;
    X509 *certificate;
};

/* Reads the authority, or makes it. NULL, or why not, owned by the caller. */
struct failure *authority_read(struct authority_pair *authority);

/* Issues one for localhost, the loopback addresses and where the server listens; on all
 * addresses that is each of this machine's, and its name. NULL, or why not, owned by the
 * caller. */
struct failure *authority_issue(const struct authority_pair *authority,
                                const struct listening *listening,
                                struct authority_pair *issued);

/* The certificate as PEM, owned by the caller. */
char *authority_print(const struct authority_pair *pair);

void authority_deinit(struct authority_pair *pair);

#endif
