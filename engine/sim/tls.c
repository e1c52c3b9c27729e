/* engine/sim/tls.c - TLS for the simulator's connections. */
#include "sim/tls.h"

#include <stdbool.h>
#include <stdlib.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>

#include "base/failure.h"
#include "base/memory.h"
#include "sim/authority.h"
#include "sim/keepsake.h"

struct tls {
    SSL_CTX *context;
    char *ca_file;
};

/* Who offers protocols (RFC 7301), and HTTP/1.1 is not among them, cannot be served. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                           const unsigned char *offered, unsigned offered_length,
                           void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found = NULL;

    (void)ssl, (void)context;
    if (SSL_select_next_proto(&found, length, ours, sizeof ours - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_up(SSL_CTX *context, const struct authority_pair *server)
{
    static const unsigned char session_context[] = "moongate sim";

    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_session_id_context(context, session_context,
                                          sizeof session_context - 1) == 1 &&
           SSL_CTX_use_certificate(context, server->certificate) == 1 &&
           SSL_CTX_use_PrivateKey(context, server->key) == 1;
}

static struct failure *start(struct tls *tls, const struct authority_pair *authority,
                             const struct listening *listening)
{
    struct authority_pair server = {0};
    struct failure *failure = authority_issue(authority, listening, &server);

    if (failure != NULL)
        return failure;
    tls->context = SSL_CTX_new(TLS_server_method());
    if (tls->context == NULL || !set_up(tls->context, &server))
        failure = failure_new("IOError", "cannot set up TLS");
    authority_deinit(&server);
    return failure;
}

static struct failure *publish(struct tls *tls, const struct authority_pair *authority,
                               const char *ca_file)
{
    char *pem = authority_print(authority);
    struct failure *failure;

    tls->ca_file = ca_file != NULL ? memory_copy_string(ca_file)
                                   : keepsake_path("ca-certificate.pem");
    if (pem == NULL || tls->ca_file == NULL)
        failure = failure_new("IOError",
                              "no folder for the certificate that clients need to trust");
    else
        failure = keepsake_publish(tls->ca_file, pem);
    free(pem);
    if (failure != NULL && ca_file == NULL)
        failure_set_cure(failure, "Name a file for it with --ca-out.");
    return failure;
}

struct tls *tls_open(const struct listening *listening, const char *ca_file,
                     struct failure **failure)
{
    struct tls *tls = memory_new(sizeof *tls);
    struct authority_pair authority = {0};
    struct failure *found = authority_read(&authority);

    if (found == NULL)
        found = start(tls, &authority, listening);
    if (found == NULL)
        found = publish(tls, &authority, ca_file);
    authority_deinit(&authority);
    if (found == NULL)
        return tls;
    *failure = found;
    tls_close(tls);
    return NULL;
}

const char *tls_ca_file(const struct tls *tls)
{
    return tls->ca_file;
}

struct bufferevent *tls_new_stream(struct tls *tls, struct event_base *base)
{
    SSL *ssl = SSL_new(tls->context);
    struct bufferevent *stream =
        ssl != NULL ? bufferevent_openssl_socket_new(
                          base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
                    : NULL;

    if (stream == NULL)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(stream, 1); /* many just close */
    return stream;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls->ca_file);
    free(tls);
}
