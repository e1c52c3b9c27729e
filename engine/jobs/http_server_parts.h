/* engine/jobs/http_server_parts.h - what the files of the page's server share. */
#ifndef MOONGATE_JOBS_HTTP_SERVER_PARTS_H
#define MOONGATE_JOBS_HTTP_SERVER_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/http.h>

#include "jobs/http_server.h"

struct http_server {
    struct list link; /* of all of them */
    struct loop *loop;
    struct evhttp *server;
    struct evhttp_bound_socket *socket; /* NULL once it is finishing */
    struct event *sweep, *patience;
    struct list connections, requests, streams; /* those that libevent still has */
    struct list waiting;                        /* of `requests`: nobody has taken them */
    struct list acceptors;
    struct waitable finished;
    struct http_server_limits limits;
    unsigned connection_count, stream_count;
    bool is_full, is_finishing, is_loopback;
    char address[HTTP_SERVER_ADDRESS_SIZE];
};

struct connection {
    struct list link;
    struct http_server *server;
    struct bufferevent *stream; /* one reference is ours */
    int64_t reading_since_ms;   /* the machine's time, or 0: no request has begun */
    bool is_answering;
};

struct http_request {
    struct list link, waiting;
    struct http_server *server;
    struct connection *connection;
    struct evhttp_request *event; /* NULL: the client is gone, or has the answer */
    char *target, *peer;
    enum evhttp_cmd_type command;
    bool is_answered, is_released;
};

struct http_stream {
    struct list link;
    struct http_server *server;
    struct evhttp_connection *connection; /* NULL: it is closed */
    bool is_ending, is_released;
};

/* The connection that libevent has for a request. */
struct connection *http_server_find_connection(const struct http_server *server,
                                               struct evhttp_connection *event);

/* How much waits for clients to read it. */
size_t http_server_count_unread(const struct http_server *server);

/* A request or stream is over: that may have been the last thing to wait for. */
void http_server_note_end(struct http_server *server);

/* A request that libevent has read. It has been refused already, and is nobody's, when NULL is
 * returned. */
struct http_request *http_request_new(struct http_server *server,
                                      struct evhttp_request *event);

/* Answers one that nobody can serve any more. */
void http_request_turn_away(struct http_request *request);

/* Ends it behind what was sent; it stays its owner's. */
void http_stream_end(struct http_stream *stream);

#endif
