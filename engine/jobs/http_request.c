/* engine/jobs/http_request.c - the requests to the page's server, and the streams that some become.
 *
 * What libevent has of one can be gone at any time, with its client; what its owner has stays until
 * it is released. */
#include "jobs/http_server_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>

#include "base/clock.h"
#include "base/memory.h"
#include "net/http_head.h"

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
    http_server_note_end(server);
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

static struct http_request *make_request(struct http_server *server,
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
    request->connection = http_server_find_connection(server, connection);
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

static bool can_answer(const struct http_request *request)
{
    return request->event != NULL && !request->is_answered;
}

struct http_request *http_request_new(struct http_server *server,
                                      struct evhttp_request *event)
{
    struct http_request *request = make_request(server, event);

    if (check_request(request))
        return request;
    http_request_release(request);
    return NULL;
}

void http_request_turn_away(struct http_request *request)
{
    if (can_answer(request))
        refuse(request, 503, true, "the program is about to end");
    http_request_release(request);
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

void http_request_answer(struct http_request *request, int status,
                         const struct http_field *fields, const char *body, size_t length)
{
    if (!can_answer(request))
        return;
    for (; fields->name != NULL; fields++)
        evhttp_add_header(evhttp_request_get_output_headers(request->event), fields->name,
                          fields->value);
    if (http_server_count_unread(request->server) + length > HTTP_SERVER_UNREAD_LIMIT)
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
    http_server_note_end(server);
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

void http_stream_end(struct http_stream *stream)
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
    http_stream_end(stream);
    stream->is_released = true;
    if (stream->connection == NULL)
        free(stream);
}
