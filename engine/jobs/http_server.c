/* engine/jobs/http_server.c - a small HTTP/1.1 server, on libevent's.
 *
 * libevent tells nobody when a connection that has no request ends. So a reference is kept to the
 * stream of each: what libevent has let go of has no callbacks any more, and is swept away. The
 * sweep also ends connections that do not get on with their request. */
#include "jobs/http_server_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "net/listening.h"
#include "net/loop.h"

enum {
    /* libevent's own limits, whose refusals are plain pages; ours are half of them */
    HARD_BODY_LIMIT = 2 * HTTP_SERVER_BODY_LIMIT,
    HARD_HEADERS_LIMIT = 2 * HTTP_SERVER_HEADERS_LIMIT,
    ALL_METHODS = 0xffff, /* those that libevent does not know are a bit, too */
    SWEEPS = 4,           /* while a request may take its time, */
    SWEEP_MS = 500,       /* and not further apart than that */
    ROOM = 8 /* one of so many connections makes room when there are too many */
};

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

/* At the next turn; libevent takes it for one that has been idle too long. */
static void end_connection(const struct connection *connection)
{
    bufferevent_trigger_event(connection->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT,
                              BEV_TRIG_DEFER_CALLBACKS);
}

/* For those who wait in the system's queue: some of those without a request go, the longest
 * connected first, or else of those that are still sending one. */
static void make_room(struct http_server *server)
{
    unsigned left = server->limits.connections / ROOM + 1;

    for (int is_reading = 0; is_reading <= 1; is_reading++) {
        for (struct list *link = server->connections.next;
             link != &server->connections && left > 0; link = link->next) {
            struct connection *connection = LIST_ENTRY(link, struct connection, link);

            if (connection->is_answering ||
                (connection->reading_since_ms != 0) != is_reading)
                continue;
            end_connection(connection);
            left--;
        }
    }
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
            end_connection(connection);
    }
    if (server->connection_count < server->limits.connections)
        accept_more(server);
    else
        make_room(server);
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

struct connection *http_server_find_connection(const struct http_server *server,
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

size_t http_server_count_unread(const struct http_server *server)
{
    size_t bytes = 0;

    for (struct list *link = server->connections.next; link != &server->connections;
         link = link->next)
        bytes += evbuffer_get_length(
            bufferevent_get_output(LIST_ENTRY(link, struct connection, link)->stream));
    return bytes;
}

/* ---- the end ---- */

void http_server_note_end(struct http_server *server)
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

/* ---- serving ---- */

static void hand_over(struct http_request *request, struct list *link)
{
    struct http_acceptor *acceptor = LIST_ENTRY(link, struct http_acceptor, link);

    acceptor->request = request;
    waitable_finish(&acceptor->waitable);
}

static void on_request(struct evhttp_request *event, void *context)
{
    struct http_server *server = context;
    struct http_request *request = http_request_new(server, event);

    if (request == NULL)
        return;

    struct list *acceptor = list_take_first(&server->acceptors);

    if (acceptor != NULL)
        hand_over(request, acceptor);
    else
        list_append(&server->waiting, &request->waiting);
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

    while ((link = list_take_first(&server->waiting)) != NULL)
        http_request_turn_away(LIST_ENTRY(link, struct http_request, waiting));
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
        http_stream_end(LIST_ENTRY(link, struct http_stream, link));
    }
    event_add(server->patience, &patience);
    http_server_note_end(server);
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
