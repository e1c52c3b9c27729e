/* engine/sim/http.h - the simulator's HTTP/1.1 server (RFC 9112): what stands between a
 * socket and a call.
 *
 * It refuses by itself what is no good HTTP; all else goes to the service's `answer`. Chunks
 * with extensions, which no known client sends, are refused too. */
#ifndef MOONGATE_SIM_HTTP_H
#define MOONGATE_SIM_HTTP_H

#include <stdbool.h>
#include <stdint.h>

struct answer;
struct call;
struct failure;
struct http;
struct listening;
struct loop;
struct tls;

enum {
    HTTP_BODY_LIMIT = 8 * 1024 * 1024, /* unpacked; 413 */
    HTTP_HEADERS_LIMIT = 64 * 1024,    /* 431 */
    HTTP_IDLE_S = 300                  /* then a connection is closed */
};

/* Whom it serves. Called on the loop, one request at a time. */
struct http_service {
    void (*answer)(void *context, struct call *call, struct answer *answer);
    int64_t (*now_ms)(const void *context); /* for `Date`, UTC */
    void *context;
    bool serves_others; /* clients are other processes: long answers are sent as gzip to
                           who accepts that, and time passes without them */
};

/* Takes over the socket of `listening`, and borrows `tls` (NULL: plain HTTP) and `service`
 * for its life. NULL on failure, with the reason in `*failure` (owned by the caller); the
 * socket is closed then. */
struct http *http_open(struct loop *loop, struct listening *listening, struct tls *tls,
                       const struct http_service *service, struct failure **failure);

/* Accepts no connection more; the answers to come are the last on theirs. */
void http_finish(struct http *http);

/* Whether no request is being read, or answered. A request that pauses in its middle for a
 * while, or dies there, does not count. */
bool http_is_quiet(const struct http *http);

/* How long until an answer that is held back is sent, in the loop's time, or INT64_MAX. */
int64_t http_next_ms(const struct http *http);

/* Closes all connections. Accepts NULL. */
void http_close(struct http *http);

#endif
