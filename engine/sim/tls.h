/* engine/sim/tls.h - TLS for the simulator's connections: 1.2 or later, HTTP/1.1. */
#ifndef MOONGATE_SIM_TLS_H
#define MOONGATE_SIM_TLS_H

struct bufferevent;
struct event_base;
struct failure;
struct listening;
struct tls;

/* Issues a certificate and writes that of its authority to `ca_file`, or to a place of its
 * own when that is NULL. NULL on failure, with the reason in `*failure` (owned by the
 * caller). */
struct tls *tls_open(const struct listening *listening, const char *ca_file,
                     struct failure **failure);

/* Accepts NULL. Connections that it began live on. */
void tls_close(struct tls *tls);

/* Where the authority's certificate lies (PEM). Borrowed. */
const char *tls_ca_file(const struct tls *tls);

/* A stream for a connection that is yet to be accepted, owned by the caller; NULL when
 * there is no memory for it. */
struct bufferevent *tls_new_stream(struct tls *tls, struct event_base *base);

#endif
