/* engine/jobs/http_server.c - a small HTTP/1.1 server, on libevent's.
 *
 * libevent tells nobody when a connection that has no request ends. So a reference is kept to the
 * stream of each: what libevent has let go of has no callbacks any more, and is swept away. The
 * sweep also ends connections that do not get on with their request. */
#include "jobs/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>
#include <event2/util.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "net/http_head.h"
#include "net/listening.h"
#include "net/loop.h"

enum {
    /* libevent's own limits, whose refusals are plain pages; ours are half of them */
    HARD_BODY_LIMIT = 2 * HTTP_SERVER_BODY_LIMIT,
    HARD_HEADERS_LIMIT = 2 * HTTP_SERVER_HEADERS_LIMIT,
    ALL_METHODS = 0xffff, /* those that libevent does not know are a bit, too */
    SWEEPS = 4,           /* while a request may take its time, */
    SWEEP_MS = 500        /* and not further apart than that */
};

struct http_server {
    struct list link; /* of `servers` */
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

/* Those that listen, or have. */
static struct list servers = {&servers, &servers};

/* ---- connections ---- */

static void accept_more(struct http_server *server)
{
    if (!server->is_full || server->socket == NULL)
        return;
    server->is_full = false;
    evconnlistener_enable(evhttp_bound_socket_get_listener(server->socket));
}

static void accept_no_more(struct http_server *server)
{
    server->is_full = true;
    evconnlistener_disable(evhttp_bound_socket_get_listener(server->socket));
}

static void forget_connection(struct connection *connection)
{
    struct http_server *server = connection->server;

    list_remove(&connection->link);
    bufferevent_decref(connection->stream);
    free(connection);
    server->connection_count--;
    accept_more(server);
}

static bool is_gone(const struct connection *connection)
{
    bufferevent_data_cb on_read, on_write;
    bufferevent_event_cb on_event;
    void *context;

    bufferevent_getcb(connection->stream, &on_read, &on_write, &on_event, &context);
    return on_event == NULL;
}

/* Goes over the connections: forgets those that are gone, and ends, at the next turn, those whose
 * request is not whole after its time. Whoever could not be accepted is tried again. */
static void sweep(evutil_socket_t fd, short events, void *context)
{
    struct http_server *server = context;
    const int64_t now_ms = clock_machine_ms();
    struct list *link, *next;

    (void)fd, (void)events;
    for (link = server->connections.next; link != &server->connections; link = next) {
        struct connection *connection = LIST_ENTRY(link, struct connection, link);

        next = link->next;
        if (is_gone(connection))
            forget_connection(connection);
        else if (connection->reading_since_ms != 0 &&
                 now_ms - connection->reading_since_ms > server->limits.request_ms)
            bufferevent_trigger_event(connection->stream,
                                      BEV_EVENT_READING | BEV_EVENT_TIMEOUT,
                                      BEV_TRIG_DEFER_CALLBACKS);
    }
    if (server->connection_count < server->limits.connections)
        accept_more(server);
    if (list_is_empty(&server->connections))
        event_del(server->sweep);
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *change,
                     void *context)
{
    struct connection *connection = context;

    (void)input;
    if (change->n_added > 0 && connection->reading_since_ms == 0 &&
        !connection->is_answering)
        connection->reading_since_ms = clock_machine_ms();
}

static void start_sweeping(struct http_server *server)
{
    const unsigned in_time_ms = server->limits.request_ms / SWEEPS;
    const unsigned pause_ms = in_time_ms < SWEEP_MS ? in_time_ms : SWEEP_MS;
    const struct timeval pause = {.tv_sec = pause_ms / 1000,
                                  .tv_usec = pause_ms % 1000 * 1000};

    if (!event_pending(server->sweep, EV_TIMEOUT, NULL))
        event_add(server->sweep, &pause);
}

/* There are no descriptors, or there is no memory. The connection stays in the system's queue, and
 * the socket ready, until a sweep. libevent hands on its own context. */
static void on_refused(struct evconnlistener *listener, void *context)
{
    (void)context;
    for (struct list *link = servers.next; link != &servers; link = link->next) {
        struct http_server *server = LIST_ENTRY(link, struct http_server, link);

        if (server->socket == NULL ||
            evhttp_bound_socket_get_listener(server->socket) != listener)
            continue;
        accept_no_more(server);
        start_sweeping(server);
    }
}

/* For a connection that is about to be accepted. libevent shuts it down when it is over; its
 * descriptor is closed with our reference. */
static struct bufferevent *new_stream(struct event_base *base, void *context)
{
    struct http_server *server = context;
    struct bufferevent *stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    struct connection *connection;

    if (stream == NULL)
        return NULL; /* libevent fails in the same way then */
    connection = memory_new(sizeof *connection);
    connection->server = server;
    connection->stream = stream;
    bufferevent_incref(stream);
    evbuffer_add_cb(bufferevent_get_input(stream), on_input, connection);
    list_append(&server->connections, &connection->link);
    server->connection_count++;
    start_sweeping(server);
    if (server->connection_count >= server->limits.connections)
        accept_no_more(server);
    return stream;
}

static struct connection *find_connection(const struct http_server *server,
                                          struct evhttp_connection *event)
{
    const struct bufferevent *stream = evhttp_connection_get_bufferevent(event);

    for (struct list *link = server->connections.next; link != &server->connections;
         link = link->next) {
        struct connection *connection = LIST_ENTRY(link, struct connection, link);

        if (connection->stream == stream)
            return connection;
    }
    abort(); /* new_stream() has made it */
}

static size_t count_unread_bytes(const struct http_server *server)
{
    size_t bytes = 0;

    for (struct list *link = server->connections.next; link != &server->connections;
         link = link->next)
        bytes += evbuffer_get_length(
            bufferevent_get_output(LIST_ENTRY(link, struct connection, link)->stream));
    return bytes;
}

/* ---- the end ---- */

static void finish_when_quiet(struct http_server *server)
{
    if (server->is_finishing && !server->finished.is_done &&
        list_is_empty(&server->requests) && list_is_empty(&server->streams))
        waitable_finish(&server->finished);
}

/* The last clients do not read. */
static void lose_patience(evutil_socket_t fd, short events, void *context)
{
    struct http_server *server = context;

    (void)fd, (void)events;
    if (!server->finished.is_done)
        waitable_finish(&server->finished);
}

/* ---- requests ---- */

static void free_request(struct http_request *request)
{
    list_remove(&request->link);
    list_remove(&request->waiting);
    free(request->target);
    free(request->peer);
    free(request);
}

/* libevent has it no more. One that nobody has taken is nobody's. */
static void detach_request(struct http_request *request)
{
    struct http_server *server = request->server;
    const bool is_owned = !request->is_released && !list_is_linked(&request->waiting);

    list_remove(&request->link);
    list_remove(&request->waiting);
    request->event = NULL;
    request->connection = NULL;
    if (!is_owned)
        free_request(request);
    finish_when_quiet(server);
}

static void note_next_request(struct connection *connection)
{
    const bool has_begun =
        evbuffer_get_length(bufferevent_get_input(connection->stream)) > 0;

    connection->is_answering = false;
    connection->reading_since_ms = has_begun ? clock_machine_ms() : 0;
}

static void on_sent(struct evhttp_request *event, void *context)
{
    struct http_request *request = context;

    evhttp_connection_set_closecb(evhttp_request_get_connection(event), NULL, NULL);
    note_next_request(request->connection);
    detach_request(request);
}

/* A request that libevent has taken off its connection is ours to free. */
static void on_lost(struct evhttp_connection *connection, void *context)
{
    struct http_request *request = context;
    struct evhttp_request *event = request->event;

    (void)connection;
    if (evhttp_request_get_connection(event) == NULL)
        evhttp_request_free(event);
    detach_request(request);
}

static const char *name_method(enum evhttp_cmd_type command)
{
    static const struct {
        enum evhttp_cmd_type command;
        const char *name;
    } methods[] = {{EVHTTP_REQ_GET, "GET"},         {EVHTTP_REQ_HEAD, "HEAD"},
                   {EVHTTP_REQ_POST, "POST"},       {EVHTTP_REQ_PUT, "PUT"},
                   {EVHTTP_REQ_DELETE, "DELETE"},   {EVHTTP_REQ_PATCH, "PATCH"},
                   {EVHTTP_REQ_OPTIONS, "OPTIONS"}, {EVHTTP_REQ_TRACE, "TRACE"},
                   {EVHTTP_REQ_CONNECT, "CONNECT"}};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (methods[i].command == command)
            return methods[i].name;
    }
    return "?";
}

static struct http_request *new_request(struct http_server *server,
                                        struct evhttp_request *event)
{
    struct http_request *request = memory_new(sizeof *request);
    struct evhttp_connection *connection = evhttp_request_get_connection(event);
    char *peer = NULL;
    ev_uint16_t port;

    evhttp_connection_get_peer(connection, &peer, &port);
    request->server = server;
    request->event = event;
    request->command = evhttp_request_get_command(event);
    request->target = memory_copy_string(evhttp_request_get_uri(event));
    request->peer = memory_copy_string(peer != NULL ? peer : "");
    request->connection = find_connection(server, connection);
    request->connection->reading_since_ms = 0;
    request->connection->is_answering = true;
    list_append(&server->requests, &request->link);
    evhttp_request_set_on_complete_cb(event, on_sent, request);
    evhttp_connection_set_closecb(connection, on_lost, request);
    return request;
}

static void send_answer(struct http_request *request, int status, bool is_last,
                        const char *body, size_t length)
{
    struct evkeyvalq *fields = evhttp_request_get_output_headers(request->event);
    char size[24];

    request->is_answered = true;
    if (is_last || request->server->is_finishing ||
        http_head_has_unread_body(request->event))
        evhttp_add_header(fields, "Connection", "close");
    snprintf(size, sizeof size, "%zu", length);
    if (status != 204 && status != 304)
        evhttp_add_header(fields, "Content-Length", size);
    if (request->command != EVHTTP_REQ_HEAD && request->command != EVHTTP_REQ_CONNECT)
        evbuffer_add(evhttp_request_get_output_buffer(request->event), body, length);
    evhttp_send_reply(request->event, status, NULL, NULL);
}

/* Answers by a line of text. */
static void refuse(struct http_request *request, int status, bool is_last,
                   const char *reason)
{
    struct evkeyvalq *fields = evhttp_request_get_output_headers(request->event);
    char *text = memory_format("%s\n", reason);

    evhttp_clear_headers(fields);
    evhttp_add_header(fields, "Content-Type", "text/plain; charset=utf-8");
    evhttp_add_header(fields, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(fields, "Cache-Control", "no-store");
    send_answer(request, status, is_last, text, strlen(text));
    free(text);
}

/* False when the request has been refused. */
static bool check_request(struct http_request *request)
{
    const char *flaw = http_head_find_flaw(request->event);

    if (flaw != NULL)
        refuse(request, 400, true, flaw);
    else if (http_head_size(request->event) > HTTP_SERVER_HEADERS_LIMIT)
        refuse(request, 431, true, "the headers are too large");
    else if (http_head_count(request->event) > HTTP_SERVER_FIELDS_LIMIT)
        refuse(request, 431, true, "there are too many headers");
    else if (evbuffer_get_length(evhttp_request_get_input_buffer(request->event)) >
             HTTP_SERVER_BODY_LIMIT)
        refuse(request, 413, true, "the body is too large");
    else if (request->target[0] != '/')
        refuse(request, 400, true, "the request is not for a path");
    else if (request->server->is_finishing)
        refuse(request, 503, true, "the program is about to end");
    return !request->is_answered;
}

static void hand_over(struct http_request *request, struct list *link)
{
    struct http_acceptor *acceptor = LIST_ENTRY(link, struct http_acceptor, link);

    acceptor->request = request;
    waitable_finish(&acceptor->waitable);
}

static void on_request(struct evhttp_request *event, void *context)
{
    struct http_server *server = context;
    struct http_request *request = new_request(server, event);

    if (!check_request(request)) {
        /* it may have been sent, even now */
        http_request_release(request);
        return;
    }

    struct list *acceptor = list_take_first(&server->acceptors);

    if (acceptor != NULL)
        hand_over(request, acceptor);
    else
        list_append(&server->waiting, &request->waiting);
}

const char *http_request_method(const struct http_request *request)
{
    return name_method(request->command);
}

const char *http_request_target(const struct http_request *request)
{
    return request->target;
}

const char *http_request_peer(const struct http_request *request)
{
    return request->peer;
}

struct evkeyvalq *http_request_fields(const struct http_request *request)
{
    return request->event != NULL ? evhttp_request_get_input_headers(request->event)
                                  : NULL;
}

const char *http_request_body(const struct http_request *request, size_t *length)
{
    struct evbuffer *body =
        request->event != NULL ? evhttp_request_get_input_buffer(request->event) : NULL;

    *length = body != NULL ? evbuffer_get_length(body) : 0;
    return *length > 0 ? (const char *)evbuffer_pullup(body, -1) : "";
}

static bool can_answer(const struct http_request *request)
{
    return request->event != NULL && !request->is_answered;
}

void http_request_answer(struct http_request *request, int status,
                         const struct http_field *fields, const char *body, size_t length)
{
    if (!can_answer(request))
        return;
    for (; fields->name != NULL; fields++)
        evhttp_add_header(evhttp_request_get_output_headers(request->event), fields->name,
                          fields->value);
    if (count_unread_bytes(request->server) + length > HTTP_SERVER_UNREAD_LIMIT)
        refuse(request, 503, true, "too many answers are not read");
    else
        send_answer(request, status, false, body, length);
}

void http_request_release(struct http_request *request)
{
    if (request == NULL)
        return;
    if (can_answer(request))
        refuse(request, 500, true, "the request was given up");
    request->is_released = true;
    if (request->event == NULL)
        free_request(request);
}

/* ---- streams ---- */

static void discard(struct bufferevent *stream, void *context)
{
    struct evbuffer *input = bufferevent_get_input(stream);

    (void)context;
    evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_stream_gone(struct evhttp_connection *connection, void *context)
{
    struct http_stream *stream = context;
    struct http_server *server = stream->server;

    (void)connection;
    list_remove(&stream->link);
    server->stream_count--;
    stream->connection = NULL;
    if (stream->is_released)
        free(stream);
    finish_when_quiet(server);
}

static void on_drained(struct bufferevent *bufferevent, void *context)
{
    struct http_stream *stream = context;

    (void)bufferevent;
    if (stream->is_ending)
        evhttp_connection_free(stream->connection);
}

static void on_stream_event(struct bufferevent *bufferevent, short events, void *context)
{
    (void)bufferevent, (void)events;
    evhttp_connection_free(((struct http_stream *)context)->connection);
}

static struct evbuffer *output_of(const struct http_stream *stream)
{
    return bufferevent_get_output(evhttp_connection_get_bufferevent(stream->connection));
}

static void write_head(struct http_stream *stream, const struct http_field *fields)
{
    struct evbuffer *output = output_of(stream);
    char date[40];

    evutil_date_rfc1123(date, sizeof date, NULL);
    evbuffer_add_printf(output, "HTTP/1.1 200 OK\r\nDate: %s\r\nConnection: close\r\n",
                        date);
    for (; fields->name != NULL; fields++)
        evbuffer_add_printf(output, "%s: %s\r\n", fields->name, fields->value);
    evbuffer_add(output, "\r\n", 2);
}

struct http_stream *http_request_stream(struct http_request *request,
                                        const struct http_field *fields)
{
    struct http_server *server = request->server;
    struct http_stream *stream;
    struct bufferevent *bufferevent;

    if (!can_answer(request) || server->is_finishing ||
        server->stream_count >= HTTP_SERVER_STREAMS)
        return NULL;

    const struct timeval patience = {.tv_sec = server->limits.idle_s};

    stream = memory_new(sizeof *stream);
    stream->server = server;
    stream->connection = evhttp_request_get_connection(request->event);
    bufferevent = evhttp_connection_get_bufferevent(stream->connection);
    evhttp_connection_set_closecb(stream->connection, on_stream_gone, stream);
    bufferevent_setcb(bufferevent, discard, on_drained, on_stream_event, stream);
    bufferevent_set_timeouts(bufferevent, NULL, &patience);
    write_head(stream, fields);
    bufferevent_enable(bufferevent, EV_READ | EV_WRITE);
    list_append(&server->streams, &stream->link);
    server->stream_count++;
    request->is_answered = true;
    detach_request(request);
    return stream;
}

bool http_stream_is_open(const struct http_stream *stream)
{
    return stream->connection != NULL && !stream->is_ending;
}

bool http_stream_send(struct http_stream *stream, const char *text, size_t length)
{
    if (!http_stream_is_open(stream))
        return false;
    if (evbuffer_get_length(output_of(stream)) + length > HTTP_SERVER_STREAM_LIMIT) {
        evhttp_connection_free(stream->connection);
        return false;
    }
    evbuffer_add(output_of(stream), text, length);
    return true;
}

static void end_stream(struct http_stream *stream)
{
    if (!http_stream_is_open(stream))
        return;
    stream->is_ending = true;
    if (evbuffer_get_length(output_of(stream)) == 0)
        evhttp_connection_free(stream->connection);
}

void http_stream_release(struct http_stream *stream)
{
    if (stream == NULL)
        return;
    end_stream(stream);
    stream->is_released = true;
    if (stream->connection == NULL)
        free(stream);
}

/* ---- the server ---- */

static void set_limits(struct http_server *server,
                       const struct http_server_limits *limits)
{
    const struct http_server_limits own =
        limits != NULL ? *limits : (struct http_server_limits){0};

    server->limits.connections =
        own.connections != 0 ? own.connections : HTTP_SERVER_CONNECTIONS;
    server->limits.request_ms =
        own.request_ms != 0 ? own.request_ms : HTTP_SERVER_REQUEST_S * 1000;
    server->limits.idle_s = own.idle_s != 0 ? own.idle_s : HTTP_SERVER_IDLE_S;
}

static void configure(struct http_server *server)
{
    evhttp_set_allowed_methods(server->server, ALL_METHODS);
    evhttp_set_flags(server->server, EVHTTP_SERVER_LINGERING_CLOSE); /* 413 is heard */
    evhttp_set_max_body_size(server->server, HARD_BODY_LIMIT);
    evhttp_set_max_headers_size(server->server, HARD_HEADERS_LIMIT);
    evhttp_set_default_content_type(server->server, NULL);
    evhttp_set_timeout(server->server, (int)server->limits.idle_s);
    evhttp_set_bevcb(server->server, new_stream, server);
    evhttp_set_gencb(server->server, on_request, server);
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(server->socket),
                                on_refused);
}

/* Takes the socket. */
static bool start(struct http_server *server, const struct listening *listening)
{
    struct event_base *base = loop_event_base(server->loop);

    snprintf(server->address, sizeof server->address, "%s:%d", listening->host,
             listening->port);
    server->is_loopback = listening->is_loopback;
    server->sweep = event_new(base, -1, EV_PERSIST, sweep, server);
    server->patience = evtimer_new(base, lose_patience, server);
    server->server = evhttp_new(base);
    if (server->sweep != NULL && server->patience != NULL && server->server != NULL)
        server->socket = evhttp_accept_socket_with_handle(server->server, listening->fd);
    if (server->socket != NULL)
        return true;
    evutil_closesocket(listening->fd);
    return false;
}

struct http_server *http_server_open(struct loop *loop, const char *address,
                                     const struct http_server_limits *limits,
                                     struct failure **failure)
{
    struct http_server *server;
    struct listening listening;

    *failure = listening_open(&listening, address);
    if (*failure != NULL)
        return NULL;
    server = memory_new(sizeof *server);
    server->loop = loop;
    list_append(&servers, &server->link);
    list_init(&server->connections);
    list_init(&server->requests);
    list_init(&server->streams);
    list_init(&server->waiting);
    list_init(&server->acceptors);
    waitable_init(&server->finished);
    set_limits(server, limits);
    loop_hold(loop);
    if (!start(server, &listening)) {
        *failure =
            failure_new("IOError", "cannot serve at %s: out of resources", address);
        http_server_close(server);
        return NULL;
    }
    configure(server);
    return server;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

bool http_server_is_loopback(const struct http_server *server)
{
    return server->is_loopback;
}

void http_server_accept(struct http_server *server, struct http_acceptor *acceptor)
{
    struct list *link = list_take_first(&server->waiting);

    *acceptor = (struct http_acceptor){0};
    waitable_init(&acceptor->waitable);
    if (link != NULL)
        acceptor->request = LIST_ENTRY(link, struct http_request, waiting);
    if (link != NULL || server->is_finishing)
        waitable_finish(&acceptor->waitable);
    else
        list_append(&server->acceptors, &acceptor->link);
}

void http_server_forget(struct http_acceptor *acceptor)
{
    list_remove(&acceptor->link);
}

static void end_waiting(struct http_server *server)
{
    struct list *link;

    while ((link = list_take_first(&server->waiting)) != NULL) {
        struct http_request *request = LIST_ENTRY(link, struct http_request, waiting);

        if (can_answer(request))
            refuse(request, 503, true, "the program is about to end");
        http_request_release(request);
    }
    while ((link = list_take_first(&server->acceptors)) != NULL)
        hand_over(NULL, link);
}

struct waitable *http_server_finish(struct http_server *server)
{
    const struct timeval patience = {.tv_sec = HTTP_SERVER_FINISH_S};
    struct list *link, *next;

    if (server->is_finishing)
        return &server->finished;
    server->is_finishing = true;
    evhttp_del_accept_socket(server->server, server->socket);
    server->socket = NULL;
    end_waiting(server);
    for (link = server->streams.next; link != &server->streams; link = next) {
        next = link->next;
        end_stream(LIST_ENTRY(link, struct http_stream, link));
    }
    event_add(server->patience, &patience);
    finish_when_quiet(server);
    return &server->finished;
}

void http_server_close(struct http_server *server)
{
    if (server == NULL)
        return;
    if (server->socket != NULL)
        http_server_finish(server);
    if (server->server != NULL)
        evhttp_free(server->server); /* requests and streams hear of it */
    while (!list_is_empty(&server->connections))
        forget_connection(LIST_ENTRY(server->connections.next, struct connection, link));
    if (server->sweep != NULL)
        event_free(server->sweep);
    if (server->patience != NULL)
        event_free(server->patience);
    list_remove(&server->link);
    loop_release(server->loop);
    free(server);
}
