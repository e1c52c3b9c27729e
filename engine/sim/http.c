/* engine/sim/http.c - the simulator's HTTP/1.1 server, on libevent's. */
#include "sim/http.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/http_head.h"
#include "net/listening.h"
#include "net/loop.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/gzip.h"
#include "sim/late.h"
#include "sim/tls.h"

enum {
    /* libevent's own limits, whose refusals are plain pages; ours are half of them */
    HARD_BODY_LIMIT = 2 * HTTP_BODY_LIMIT,
    HARD_HEADERS_LIMIT = 2 * HTTP_HEADERS_LIMIT,
    WORTH_PACKING = 1024, /* bytes of an answer */
    PAUSE_MS = 200,       /* see http_is_quiet() */
    ALL_METHODS = 0xffff  /* those that libevent does not know are a bit, too */
};

struct http {
    struct evhttp *server;
    struct evhttp_bound_socket *socket; /* NULL once it is finishing */
    struct tls *tls;
    const struct http_service *service;
    struct late late;      /* answers that are held back */
    char *origin;          /* "http://127.0.0.1:4280" */
    size_t answering;      /* answers that are not on their way yet */
    int64_t last_input_ms; /* machine's time */
    size_t unread_bytes;   /* received, and not yet a request */
    time_t date_s;         /* what `date` says */
    char date[40];
};

/* ---- the head of a request ---- */

/* The fields that matter; the first of each. Borrowed from the request. */
struct head {
    const char *host, *content_encoding, *accept_encoding, *authorization, *if_match,
        *if_none_match, *consistency_level, *client_request_id, *correlation_id,
        *wants_id;
};

static const struct {
    const char *name;
    size_t place;
} fields[] = {
    {"Host", offsetof(struct head, host)},
    {"Content-Encoding", offsetof(struct head, content_encoding)},
    {"Accept-Encoding", offsetof(struct head, accept_encoding)},
    {"Authorization", offsetof(struct head, authorization)},
    {"If-Match", offsetof(struct head, if_match)},
    {"If-None-Match", offsetof(struct head, if_none_match)},
    {"ConsistencyLevel", offsetof(struct head, consistency_level)},
    {"x-ms-client-request-id", offsetof(struct head, client_request_id)},
    {"client-request-id", offsetof(struct head, client_request_id)}, /* Graph's */
    {"x-ms-correlation-request-id", offsetof(struct head, correlation_id)},
    {"x-ms-return-client-request-id", offsetof(struct head, wants_id)},
};

static void take_field(struct head *head, const struct evkeyval *field)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char **place = (const char **)(void *)((char *)head + fields[i].place);

        if (!text_equal_nocase(field->key, fields[i].name))
            continue;
        if (*place == NULL)
            *place = field->value;
        return;
    }
}

static void read_head(struct evhttp_request *request, struct head *head)
{
    const struct evkeyval *field;

    *head = (struct head){0};
    for (field = evhttp_request_get_input_headers(request)->tqh_first; field != NULL;
         field = field->next.tqe_next)
        take_field(head, field);
}

/* False when the simulator has no such method. */
static bool find_method(enum evhttp_cmd_type command, enum call_method *method)
{
    static const struct {
        enum evhttp_cmd_type command;
        enum call_method method;
    } methods[] = {{EVHTTP_REQ_GET, CALL_GET},       {EVHTTP_REQ_HEAD, CALL_HEAD},
                   {EVHTTP_REQ_PUT, CALL_PUT},       {EVHTTP_REQ_PATCH, CALL_PATCH},
                   {EVHTTP_REQ_DELETE, CALL_DELETE}, {EVHTTP_REQ_POST, CALL_POST}};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (methods[i].command == command) {
            *method = methods[i].method;
            return true;
        }
    }
    return false;
}

static void refuse_method(enum evhttp_cmd_type command, struct answer *answer)
{
    if (command > EVHTTP_REQ_PATCH) {
        answer_refuse(answer, REFUSE_UNKNOWN_METHOD,
                      "The HTTP method of the request is not known.");
        return;
    }
    answer_add_header(answer, "Allow", "GET, HEAD, PUT, PATCH, POST, DELETE");
    answer_refuse(answer, REFUSE_METHOD, "The HTTP method of the request is not served.");
}

/* ---- the body of a request ---- */

static bool refuse_length(struct answer *answer)
{
    return answer_refuse(answer, REFUSE_BODY_SIZE,
                         "The request has a body of more than %d bytes.",
                         HTTP_BODY_LIMIT);
}

/* Fills in the call's body; `unpacked` is the caller's and lives as long as the call. False
 * when the answer is a refusal already. */
static bool read_body(struct evhttp_request *request, const struct head *head,
                      struct call *call, struct buffer *unpacked, struct answer *answer)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const char *coding = head->content_encoding;

    call->body_length = evbuffer_get_length(body);
    if (call->body_length > HTTP_BODY_LIMIT)
        return refuse_length(answer);
    call->body = (const char *)evbuffer_pullup(body, -1);
    if (coding == NULL || text_equal_nocase(coding, "identity") || call->body_length == 0)
        return true;
    if (!text_equal_nocase(coding, "gzip") && !text_equal_nocase(coding, "x-gzip"))
        return answer_refuse(answer, REFUSE_CONTENT_CODING,
                             "The content coding of the request is not gzip.");
    switch (gzip_unpack(unpacked, call->body, call->body_length, HTTP_BODY_LIMIT)) {
    case GZIP_TOO_LARGE:
        return refuse_length(answer);
    case GZIP_BROKEN:
        return answer_refuse(answer, REFUSE_REQUEST_CONTENT,
                             "The body of the request is not what gzip makes.");
    case GZIP_DONE:
        break;
    }
    call->body = unpacked->data;
    call->body_length = unpacked->length;
    return true;
}

/* ---- answers ---- */

static const char *format_date(struct http *http)
{
    const time_t now_s = (time_t)(http->service->now_ms(http->service->context) / 1000);
    struct tm parts;

    if (http->date_s != now_s) {
        gmtime_r(&now_s, &parts);
        evutil_date_rfc1123(http->date, sizeof http->date, &parts);
        http->date_s = now_s;
    }
    return http->date;
}

static void add(struct evkeyvalq *headers, const char *name, const char *value)
{
    if (value != NULL)
        evhttp_add_header(headers, name, value);
}

static void add_number(struct evkeyvalq *headers, const char *name, size_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%zu", number);
    evhttp_add_header(headers, name, text);
}

static void add_ids(const struct head *head, struct evkeyvalq *out,
                    const struct answer *answer)
{
    add(out, "x-ms-request-id", answer->request_id);
    add(out, "x-ms-correlation-request-id",
        head->correlation_id != NULL ? head->correlation_id : answer->request_id);
    if (head->wants_id != NULL && text_equal_nocase(head->wants_id, "true"))
        add(out, "x-ms-client-request-id", head->client_request_id);
}

static void add_headers(struct http *http, const struct head *head, struct evkeyvalq *out,
                        const struct answer *answer)
{
    add(out, "Date", format_date(http));
    add(out, "Cache-Control", "no-cache");
    add_ids(head, out, answer);
    add(out, "ETag", answer->etag);
    add(out, "Location", answer->location);
    add(out, "Azure-AsyncOperation", answer->async_operation);
    add(out, "WWW-Authenticate", answer->www_authenticate);
    for (size_t i = 0; i < answer->header_count; i++)
        add(out, answer->headers[i].name, answer->headers[i].value);
    if (answer->retry_after_s > 0)
        add_number(out, "Retry-After", (size_t)answer->retry_after_s);
    if (http->socket == NULL || answer->fate == ANSWER_TRUNCATED)
        add(out, "Connection", "close");
}

/* The body, packed where that is worth it, and the headers about it. HEAD hears the same
 * without the body (RFC 9110, 9.3.2). */
static void add_body(const struct http *http, const struct head *head,
                     struct evhttp_request *request, struct answer *answer)
{
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);
    const enum evhttp_cmd_type command = evhttp_request_get_command(request);
    const bool is_long =
        http->service->serves_others && answer->body.length > WORTH_PACKING;
    struct buffer packed = {0};
    const struct buffer *body = &answer->body;

    if (is_long)
        add(out, "Vary", "Accept-Encoding");
    if (is_long && gzip_is_accepted(head->accept_encoding)) {
        gzip_pack(&packed, answer->body.data, answer->body.length);
        add(out, "Content-Encoding", "gzip");
        body = &packed;
    }
    if (body->length > 0)
        add(out, "Content-Type",
            answer->content_type != NULL ? answer->content_type
                                         : "application/json; charset=utf-8");
    if (answer->status != 204)
        add_number(out, "Content-Length", body->length);
    if (command != EVHTTP_REQ_HEAD && command != EVHTTP_REQ_CONNECT)
        evbuffer_add(evhttp_request_get_output_buffer(request), body->data,
                     answer->fate == ANSWER_TRUNCATED ? body->length / 2 : body->length);
    buffer_deinit(&packed);
}

static void on_sent(struct evhttp_request *request, void *context)
{
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    ((struct http *)context)->answering--;
}

static void on_lost(struct evhttp_connection *connection, void *context)
{
    (void)connection;
    ((struct http *)context)->answering--;
}

static void send_answer(struct http *http, const struct head *head,
                        struct evhttp_request *request, struct answer *answer)
{
    add_headers(http, head, evhttp_request_get_output_headers(request), answer);
    add_body(http, head, request, answer);
    http->answering++;
    evhttp_request_set_on_complete_cb(request, on_sent, http);
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_lost, http);
    evhttp_send_reply(request, answer->status, NULL, NULL);
}

/* For one that was held back. */
static void send_late(void *context, struct evhttp_request *request,
                      struct answer *answer)
{
    struct head head;

    read_head(request, &head);
    send_answer(context, &head, request, answer);
}

/* ---- answers that are lost ---- */

static void discard(struct bufferevent *stream, void *context)
{
    struct evbuffer *input = bufferevent_get_input(stream);

    (void)context;
    evbuffer_drain(input, evbuffer_get_length(input));
}

static void drop_connection(struct bufferevent *stream, short events, void *context)
{
    (void)stream, (void)events;
    evhttp_connection_free(context);
}

/* So that closing the descriptor says RST. libevent would shut the socket down first, and
 * that says FIN: it shall find another file in its place. */
static void reset_socket(evutil_socket_t fd)
{
    const struct linger at_once = {.l_onoff = 1};
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (nothing < 0)
        return;
    dup2(nothing, fd);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    close(nothing);
}

/* Leaves the request without an answer. Its connection is reset at the next turn, as
 * libevent is about to look at it again in this one, or stays until the client closes it. */
static void abandon(struct evhttp_request *request, enum answer_fate fate)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);

    bufferevent_setcb(stream, discard, NULL, drop_connection, connection);
    if (fate == ANSWER_WITHHELD) {
        bufferevent_set_timeouts(stream, NULL, NULL);
        bufferevent_enable(stream, EV_READ);
        return;
    }
    bufferevent_disable(stream, EV_READ | EV_WRITE);
    reset_socket(bufferevent_getfd(stream));
    bufferevent_trigger_event(stream, BEV_EVENT_ERROR, BEV_TRIG_DEFER_CALLBACKS);
}

/* ---- serving ---- */

static const char *skip_origin(const char *uri)
{
    const char *host = strstr(uri, "://");

    if (uri[0] == '/' || host == NULL)
        return uri;
    host = strchr(host + 3, '/');
    return host != NULL ? host : "/";
}

/* Calls the service. `head` has no flaw. */
static void serve(struct http *http, const struct head *head,
                  struct evhttp_request *request, struct call *call,
                  struct answer *answer)
{
    const char *uri = skip_origin(evhttp_request_get_uri(request));
    char *base =
        head->host != NULL
            ? memory_format("%s://%s", http->tls != NULL ? "https" : "http", head->host)
            : memory_copy_string(http->origin);
    char *path = memory_copy_text(uri, strcspn(uri, "?"));

    call->base = base;
    call->path = path;
    call->query = strchr(uri, '?') != NULL ? strchr(uri, '?') + 1 : NULL;
    call->authorization = head->authorization;
    call->if_match = head->if_match;
    call->if_none_match = head->if_none_match;
    call->consistency_level = head->consistency_level;
    call->client_request_id = head->client_request_id;
    http->service->answer(http->service->context, call, answer);
    free(base);
    free(path);
}

static void refuse_flaw(struct evhttp_request *request, struct answer *answer,
                        const char *flaw)
{
    answer_refuse(answer, REFUSE_HTTP, "The request is not understood: %s.", flaw);
    add(evhttp_request_get_output_headers(request), "Connection", "close");
}

static void on_request(struct evhttp_request *request, void *context)
{
    struct http *http = context;
    const enum evhttp_cmd_type command = evhttp_request_get_command(request);
    struct call call = {0};
    struct buffer unpacked = {0};
    struct head head;
    struct answer answer;

    read_head(request, &head);
    answer_init(&answer);

    const char *flaw = http_head_find_flaw(request);

    if (flaw != NULL)
        refuse_flaw(request, &answer, flaw);
    else if (http_head_size(request) > HTTP_HEADERS_LIMIT)
        answer_refuse(&answer, REFUSE_HEADERS_SIZE,
                      "The request has headers of more than %d bytes.",
                      HTTP_HEADERS_LIMIT);
    else if (!find_method(command, &call.method))
        refuse_method(command, &answer);
    else if (read_body(request, &head, &call, &unpacked, &answer))
        serve(http, &head, request, &call, &answer);
    if (flaw == NULL && http_head_has_unread_body(request))
        add(evhttp_request_get_output_headers(request), "Connection", "close");
    if (answer.fate == ANSWER_LATE && http->socket == NULL)
        answer.fate = ANSWER_SENT; /* there will be no later */
    if (answer.fate == ANSWER_LATE)
        late_hold(&http->late, request, &answer, answer.delay_ms,
                  !http->service->serves_others);
    else if (answer.fate == ANSWER_SENT || answer.fate == ANSWER_TRUNCATED)
        send_answer(http, &head, request, &answer);
    else
        abandon(request, answer.fate);
    answer_deinit(&answer);
    buffer_deinit(&unpacked);
}

/* ---- connections ---- */

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *change,
                     void *context)
{
    struct http *http = context;

    (void)input;
    if (change->n_added > 0)
        http->last_input_ms = clock_machine_ms();
    http->unread_bytes += change->n_added;
    http->unread_bytes -= change->n_deleted;
}

/* For a connection that is about to be accepted. */
static struct bufferevent *new_stream(struct event_base *base, void *context)
{
    struct http *http = context;
    struct bufferevent *stream =
        http->tls != NULL ? tls_new_stream(http->tls, base)
                          : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    if (stream != NULL)
        evbuffer_add_cb(bufferevent_get_input(stream), on_input, http);
    return stream;
}

struct http *http_open(struct loop *loop, struct listening *listening, struct tls *tls,
                       const struct http_service *service, struct failure **failure)
{
    struct http *http = memory_new(sizeof *http);

    http->tls = tls;
    http->service = service;
    http->date_s = -1;
    http->origin = memory_format("%s://%s:%d", tls != NULL ? "https" : "http",
                                 listening->host, listening->port);
    http->late = (struct late){.loop = loop, .send = send_late, .context = http};
    list_init(&http->late.held);
    http->server = evhttp_new(loop_event_base(loop));
    if (http->server != NULL)
        http->socket = evhttp_accept_socket_with_handle(http->server, listening->fd);
    if (http->socket == NULL) {
        *failure =
            failure_new("IOError", "cannot serve %s: out of resources", http->origin);
        evutil_closesocket(listening->fd);
        http_close(http);
        return NULL;
    }
    evhttp_set_allowed_methods(http->server, ALL_METHODS);
    evhttp_set_flags(http->server, EVHTTP_SERVER_LINGERING_CLOSE); /* 413 is heard */
    evhttp_set_max_body_size(http->server, HARD_BODY_LIMIT);
    evhttp_set_max_headers_size(http->server, HARD_HEADERS_LIMIT);
    evhttp_set_default_content_type(http->server, NULL);
    evhttp_set_timeout(http->server, HTTP_IDLE_S);
    evhttp_set_bevcb(http->server, new_stream, http);
    evhttp_set_gencb(http->server, on_request, http);
    return http;
}

void http_finish(struct http *http)
{
    if (http->socket != NULL)
        evhttp_del_accept_socket(http->server, http->socket);
    http->socket = NULL;
    late_hurry(&http->late);
}

bool http_is_quiet(const struct http *http)
{
    return http->answering == 0 && (http->unread_bytes == 0 ||
                                    clock_machine_ms() - http->last_input_ms > PAUSE_MS);
}

int64_t http_next_ms(const struct http *http)
{
    return late_left_ms(&http->late);
}

void http_close(struct http *http)
{
    if (http == NULL)
        return;
    late_deinit(&http->late);
    if (http->server != NULL)
        evhttp_free(http->server);
    free(http->origin);
    free(http);
}
