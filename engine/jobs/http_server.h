/* engine/jobs/http_server.h - a small HTTP/1.1 server (RFC 9112) for pages about the program
 * itself, over libevent's.
 *
 * Requests wait here until somebody accepts them, and are answered once: by a whole answer or
 * by a stream of text without end. What is no good HTTP, or too large, is refused without
 * anybody's help. A client that stops in the middle of a request, sends nothing for long or
 * does not read what it is sent loses its connection. The machine's time counts here, whatever
 * clock a run goes by. */
#ifndef MOONGATE_JOBS_HTTP_SERVER_H
#define MOONGATE_JOBS_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/waitable.h"

struct evkeyvalq;
struct failure;
struct http_server;
struct http_request;
struct http_stream;
struct loop;

enum {
    HTTP_SERVER_CONNECTIONS =
        256, /* then those without a request make room for further ones */
    HTTP_SERVER_STREAMS = 192,             /* so that others are answered, too */
    HTTP_SERVER_HEADERS_LIMIT = 64 * 1024, /* 431 */
    HTTP_SERVER_FIELDS_LIMIT = 100, /* 431 as well: thousands of empty ones are small */
    HTTP_SERVER_BODY_LIMIT = 64 * 1024,           /* 413 */
    HTTP_SERVER_STREAM_LIMIT = 256 * 1024,        /* bytes that wait for a slow reader */
    HTTP_SERVER_UNREAD_LIMIT = 128 * 1024 * 1024, /* of all answers on their way; 503 */
    HTTP_SERVER_REQUEST_S = 10,                   /* from its first byte to its last */
    HTTP_SERVER_IDLE_S = 60,  /* without a request, or without reading an answer */
    HTTP_SERVER_FINISH_S = 2, /* what the last answers get at the end */
    HTTP_SERVER_ADDRESS_SIZE = 64
};

/* A header of an answer. */
struct http_field {
    const char *name, *value; /* without line breaks */
};

/* Somebody who takes the next request. The owner's memory until `waitable` is done or
 * http_server_forget(). */
struct http_acceptor {
    struct waitable waitable;
    struct list link;
    struct http_request
        *request; /* then: to be released by the owner; NULL: no more come */
};

/* Limits that a test makes smaller; 0: as above. */
struct http_server_limits {
    unsigned connections, request_ms, idle_s;
};

/* Listens at "127.0.0.1:8280", "[::1]:8280" or "localhost:8280"; port 0 takes a free one. The
 * loop is borrowed for the server's life, and `limits` (or NULL) for the call. NULL on failure,
 * with the reason in `*failure` (owned by the caller). */
struct http_server *http_server_open(struct loop *loop, const char *address,
                                     const struct http_server_limits *limits,
                                     struct failure **failure);

/* "127.0.0.1:8280"; borrowed. */
const char *http_server_address(const struct http_server *server);

/* Whether nobody outside of this machine can come. */
bool http_server_is_loopback(const struct http_server *server);

/* Fills in the acceptor, now or later. */
void http_server_accept(struct http_server *server, struct http_acceptor *acceptor);
void http_server_forget(struct http_acceptor *acceptor);

/* Accepts no connection more, ends the streams, tells the acceptors, and gives the answers that
 * are on their way a moment; then `*done` is finished, or at once. Waits for all requests that
 * were accepted. Called a second time, it only says whether that is so. */
struct waitable *http_server_finish(struct http_server *server);

/* Closes all connections; requests and streams that are left stay their owners', and are closed.
 * Accepts NULL. */
void http_server_close(struct http_server *server);

/* ---- requests ---- */

/* "GET", "HEAD", "POST", ..; "?" for one that HTTP does not know. Constant. */
const char *http_request_method(const struct http_request *request);

/* What the client asks for, "/api/jobs?a=b", and where it comes from, "127.0.0.1"; borrowed. */
const char *http_request_target(const struct http_request *request);
const char *http_request_peer(const struct http_request *request);

/* Its header fields as libevent has them; NULL once the client is gone. Borrowed. */
struct evkeyvalq *http_request_fields(const struct http_request *request);

/* Its body, borrowed until it is answered; `*length` in bytes. */
const char *http_request_body(const struct http_request *request, size_t *length);

/* Sends the answer; the fields end with one without name. To HEAD the body is not sent, but
 * counted. Nothing happens when the client is gone or the request has its answer already. */
void http_request_answer(struct http_request *request, int status,
                         const struct http_field *fields, const char *body,
                         size_t length);

/* Begins an answer of status 200 whose body ends with the connection. NULL when the client is
 * gone, has its answer, or there are HTTP_SERVER_STREAMS already; then the request can still be
 * answered. */
struct http_stream *http_request_stream(struct http_request *request,
                                        const struct http_field *fields);

/* A request that was not answered is answered by 500. Accepts NULL. */
void http_request_release(struct http_request *request);

/* ---- streams ---- */

/* Sends text on. False when the client is gone: it has left, or so much waits for it that it
 * cannot be reading. */
bool http_stream_send(struct http_stream *stream, const char *text, size_t length);

bool http_stream_is_open(const struct http_stream *stream);

/* Ends it behind what was sent. Accepts NULL. */
void http_stream_release(struct http_stream *stream);

#endif
