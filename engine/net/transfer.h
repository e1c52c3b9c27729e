/* engine/net/transfer.h - one HTTP request and its answer, on the wire once.
 *
 * It knows bytes and nothing of Azure. Whoever starts one owns its memory and everything it
 * points to, which must stay as it is until `done` was called or transfer_cancel(). Requests
 * wait in the transport's own queue, first come first served, so that libcurl never sees
 * more than it does at once. */
#ifndef MOONGATE_NET_TRANSFER_H
#define MOONGATE_NET_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"

struct failure;
struct loop;
struct transport;

enum { TRANSFER_HEADERS = 16 };

struct transfer {
    /* The request. */
    const char *method;                    /* "GET" */
    const char *url;                       /* absolute, http or https */
    const char *headers[TRANSFER_HEADERS]; /* "Name: value"; the first NULL ends them */
    const char *body;                      /* NULL: none */
    size_t body_length;
    int64_t connect_timeout_ms, timeout_ms; /* 0: the transport's own */
    bool without_proxy;                     /* whatever the environment says */
    bool is_secret;                         /* no failure tells where it was to go */
    size_t kept_bytes; /* of the answer, more are not waited for; 0: all are */

    /* Called once when it is over, never from inside transfer_start(). */
    void (*done)(struct transfer *transfer);

    /* The answer. */
    int status;              /* 0 when there was none */
    struct buffer fields;    /* name NUL value NUL ..., names in lower case */
    struct buffer answer;    /* the body, unpacked */
    struct failure *failure; /* why there was no answer, or NULL */
    bool was_sent;           /* bytes of the request may have reached the server */
    unsigned send_count; /* on how many connections: libcurl sends again by itself when a
                                kept one breaks before the answer comes */

    /* The transport's own. */
    struct list link;
    struct handle *handle;
};

/* What the wire may take. Zeros stand for the defaults. */
struct transport_options {
    const char *ca_file; /* PEM; NULL: CURL_CA_BUNDLE, SSL_CERT_FILE, the system's */
    int64_t connect_timeout_ms; /* 10 s */
    int64_t total_timeout_ms;   /* 100 s: ARM gives up after 60 s itself */
    size_t max_answer_bytes;    /* 64 MiB */
    unsigned concurrency;       /* 64 */
};

/* Cheap: libcurl starts with the first transfer. Options are copied. */
struct transport *transport_new(struct loop *loop,
                                const struct transport_options *options);

/* Cancels what still runs. Accepts NULL. */
void transport_free(struct transport *transport);

/* From now on `is_held` is asked before anything is given to the network: while it says so, nothing
 * is. Whoever holds it cancels the transfers, or lets go. */
void transport_set_brake(struct transport *transport, bool (*is_held)(void *context),
                         void *context);

void transfer_start(struct transport *transport, struct transfer *transfer);

/* Stops it without calling `done`; nothing happens when it is not under way. */
void transfer_cancel(struct transport *transport, struct transfer *transfer);

/* The value of an answer's header field, by its name in lower case, or NULL. */
const char *transfer_field(const struct transfer *transfer, const char *name);

/* The values of all fields of that name as one list (RFC 9110, 5.3), owned by the caller; NULL
 * when there is none. */
char *transfer_field_list(const struct transfer *transfer, const char *name);

/* Frees what the answer holds, so that the transfer can be started again. */
void transfer_reset(struct transfer *transfer);

#endif
