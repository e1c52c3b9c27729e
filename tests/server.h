/* tests/server.h - an HTTP server that answers as a script says, on the test's own loop.
 *
 * A request takes the first step of the script that is for it and was not used; one without
 * a step is answered by 599 and noted. Orderly answers and all kinds of broken ones: it
 * writes bytes itself. */
#ifndef MOONGATE_TESTS_SERVER_H
#define MOONGATE_TESTS_SERVER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/buffer.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/loop.h"

enum server_manner {
    SERVER_ANSWERS, /* with status, fields and body */
    SERVER_BABBLES, /* the body, byte for byte, then it closes */
    SERVER_CLOSES,  /* without an answer */
    SERVER_RESETS,
    SERVER_STALLS,  /* until server_release(), which answers */
    SERVER_CHATTERS /* bytes without end, in chunks */
};

/* A zeroed row ends a script. */
struct server_step {
    const char *request; /* "GET /a" */
    int status;
    const char *fields; /* "Name: value\nName: value"; {base} is the server's own URL */
    const char *body;   /* the same, unless body_length is set */
    size_t body_length;
    enum server_manner manner;
    bool stays; /* is not used up */
};

/* The step of an orderly answer. */
#define STEP(request_, status_, fields_, body_)                                          \
    {                                                                                    \
        .request = (request_), .status = (status_), .fields = (fields_), .body = (body_) \
    }

enum { SERVER_STEPS = 24, SERVER_TIMES = 64 };

struct server {
    struct loop *loop;
    struct evconnlistener *listener;
    struct list connections;
    const struct server_step *script;
    bool used[SERVER_STEPS];
    unsigned connection_count, open_count, request_count, stalled_count;
    size_t chatter_bytes;
    struct buffer log;           /* "GET /a\n" for each request, those for tokens aside */
    struct buffer heads;         /* all that came before the bodies */
    struct buffer body;          /* of the last request */
    struct buffer bodies;        /* of all, a line each */
    int64_t times[SERVER_TIMES]; /* when each request of the log came */
    unsigned token_count;        /* tokens given out: token-1, token-2 ... */
    const char *refused_token;   /* answered by 401, or NULL */
    char base[64];
};

struct server_connection {
    struct list link;
    struct server *server;
    struct bufferevent *stream;
    const struct server_step *stalled;
    bool closes, chatters;
};

static inline void server_drop(struct server_connection *connection)
{
    list_remove(&connection->link);
    connection->server->open_count--;
    bufferevent_free(connection->stream);
    free(connection);
}

static inline void server_reset_connection(struct server_connection *connection)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(bufferevent_getfd(connection->stream), SOL_SOCKET, SO_LINGER, &now,
               sizeof now);
    server_drop(connection);
}

/* `text` with each {base} replaced; owned by the caller. */
static inline char *server_expand(const struct server *server, const char *text)
{
    struct buffer expanded = {0};
    const char *mark;

    while ((mark = strstr(text, "{base}")) != NULL) {
        buffer_append(&expanded, text, (size_t)(mark - text));
        buffer_append_string(&expanded, server->base);
        text = mark + strlen("{base}");
    }
    buffer_append_string(&expanded, text);
    return buffer_take(&expanded);
}

static inline void server_write(struct server_connection *connection, int status,
                                const char *fields, const char *body, size_t length)
{
    struct evbuffer *out = bufferevent_get_output(connection->stream);
    char *lines = server_expand(connection->server, fields != NULL ? fields : "");

    evbuffer_add_printf(out, "HTTP/1.1 %d Reason\r\n", status);
    for (char *line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n"))
        evbuffer_add_printf(out, "%s\r\n", line);
    if (status != 204)
        evbuffer_add_printf(out, "Content-Length: %zu\r\n", length);
    evbuffer_add(out, "\r\n", 2);
    evbuffer_add(out, body, length);
    free(lines);
}

static inline void server_answer(struct server_connection *connection,
                                 const struct server_step *step)
{
    char *body =
        server_expand(connection->server,
                      step->body != NULL && step->body_length == 0 ? step->body : "");

    if (step->body_length > 0)
        server_write(connection, step->status, step->fields, step->body,
                     step->body_length);
    else
        server_write(connection, step->status, step->fields, body, strlen(body));
    free(body);
}

static inline void server_chatter(struct server_connection *connection)
{
    static const char bytes[65536];
    struct evbuffer *out = bufferevent_get_output(connection->stream);

    evbuffer_add_printf(out, "%zx\r\n", sizeof bytes);
    evbuffer_add(out, bytes, sizeof bytes);
    evbuffer_add(out, "\r\n", 2);
    connection->server->chatter_bytes += sizeof bytes;
}

static inline void server_perform(struct server_connection *connection,
                                  const struct server_step *step)
{
    switch (step->manner) {
    case SERVER_ANSWERS:
        server_answer(connection, step);
        break;
    case SERVER_BABBLES:
        connection->closes = true;
        bufferevent_write(connection->stream, step->body,
                          step->body_length > 0 ? step->body_length : strlen(step->body));
        break;
    case SERVER_CLOSES:
        server_drop(connection);
        break;
    case SERVER_RESETS:
        server_reset_connection(connection);
        break;
    case SERVER_STALLS:
        connection->stalled = step;
        connection->server->stalled_count++;
        break;
    case SERVER_CHATTERS:
        connection->chatters = true;
        evbuffer_add_printf(bufferevent_get_output(connection->stream),
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        server_chatter(connection);
        break;
    }
}

/* Answers all who were kept waiting. */
static inline void server_release(struct server *server)
{
    for (struct list *link = server->connections.next; link != &server->connections;
         link = link->next) {
        struct server_connection *connection =
            LIST_ENTRY(link, struct server_connection, link);

        if (connection->stalled != NULL) {
            server_answer(connection, connection->stalled);
            connection->stalled = NULL;
            server->stalled_count--;
        }
    }
}

static inline void server_give_token(struct server_connection *connection)
{
    char *body = memory_format("{\"token_type\":\"Bearer\",\"expires_in\":3599,"
                               "\"access_token\":\"token-%u\"}",
                               ++connection->server->token_count);

    server_write(connection, 200, NULL, body, strlen(body));
    free(body);
}

static inline void server_serve(struct server_connection *connection, const char *request,
                                const char *head)
{
    struct server *server = connection->server;
    const struct server_step *step = server->script;

    while (step != NULL && step->request != NULL &&
           (strcmp(step->request, request) != 0 || server->used[step - server->script]))
        step++;
    if ((step == NULL || step->request == NULL) &&
        text_has_prefix_nocase(request, "POST /tenant/oauth2/v2.0/token")) {
        server_give_token(connection);
        return;
    }
    if (server->request_count < SERVER_TIMES)
        server->times[server->request_count] = clock_now_ms(loop_clock(server->loop));
    server->request_count++;
    buffer_printf(&server->log, "%s\n", request);
    if (server->refused_token != NULL && strstr(head, server->refused_token) != NULL) {
        server_write(connection, 401, NULL, "", 0);
    } else if (step == NULL || step->request == NULL) {
        server_write(connection, 599, NULL, "unexpected", strlen("unexpected"));
    } else {
        server->used[step - server->script] = !step->stays;
        server_perform(connection, step);
    }
}

/* Takes one whole request out of what has come; false when there is none yet, or the
 * connection is gone. */
static inline bool server_take(struct server_connection *connection)
{
    struct server *server = connection->server;
    struct evbuffer *in = bufferevent_get_input(connection->stream);
    const struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);

    if (end.pos < 0)
        return false;

    const size_t head_length = (size_t)end.pos + 4;
    char *head = memory_copy_text((const char *)evbuffer_pullup(in, (ssize_t)head_length),
                                  head_length);
    const char *field = strstr(head, "Content-Length: ");
    const size_t body_length = field != NULL ? strtoul(field + 16, NULL, 10) : 0;
    const unsigned left = server->open_count;

    if (evbuffer_get_length(in) < head_length + body_length) {
        free(head);
        return false;
    }
    evbuffer_drain(in, head_length);
    buffer_clear(&server->body);
    buffer_append(&server->body, evbuffer_pullup(in, (ssize_t)body_length), body_length);
    evbuffer_drain(in, body_length);
    buffer_printf(&server->bodies, "%s\n", server->body.data);
    buffer_append_string(&server->heads, head);

    char *request = memory_copy_text(head, strcspn(head, " ") + 1 +
                                               strcspn(strchr(head, ' ') + 1, " "));

    server_serve(connection, request, head);
    free(request);
    free(head);
    return server->open_count == left;
}

static inline void server_on_read(struct bufferevent *stream, void *context)
{
    (void)stream;
    while (server_take(context))
        continue;
}

static inline void server_on_written(struct bufferevent *stream, void *context)
{
    struct server_connection *connection = context;

    (void)stream;
    if (connection->closes)
        server_drop(connection);
    else if (connection->chatters)
        server_chatter(connection);
}

static inline void server_on_event(struct bufferevent *stream, short what, void *context)
{
    (void)stream;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        server_drop(context);
}

static inline void server_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                                    struct sockaddr *address, int length, void *context)
{
    struct server *server = context;
    struct server_connection *connection = memory_new(sizeof *connection);

    (void)listener, (void)address, (void)length;
    connection->server = server;
    connection->stream =
        bufferevent_socket_new(loop_event_base(server->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    list_append(&server->connections, &connection->link);
    server->connection_count++;
    server->open_count++;
    bufferevent_setcb(connection->stream, server_on_read, server_on_written,
                      server_on_event, connection);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

/* Listens on a free port of the loopback. */
static inline void server_open(struct server *server, struct loop *loop)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;

    *server = (struct server){.loop = loop};
    list_init(&server->connections);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener =
        evconnlistener_new_bind(loop_event_base(loop), server_on_accept, server,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
                                (struct sockaddr *)&address, sizeof address);
    ck_assert_ptr_nonnull(server->listener);
    ck_assert_int_eq(getsockname(evconnlistener_get_fd(server->listener),
                                 (struct sockaddr *)&address, &length),
                     0);
    snprintf(server->base, sizeof server->base, "http://127.0.0.1:%d",
             ntohs(address.sin_port));
}

/* Begins another script; borrowed. */
static inline void server_play(struct server *server, const struct server_step *script)
{
    size_t count = 0;

    while (script[count].request != NULL)
        count++;
    ck_assert_uint_lt(count, SERVER_STEPS);
    server->script = script;
    memset(server->used, 0, sizeof server->used);
    server->request_count = 0;
    buffer_clear(&server->log);
    buffer_clear(&server->heads);
    buffer_clear(&server->bodies);
}

/* The log as text. Borrowed. */
static inline const char *server_log(const struct server *server)
{
    return server->log.data != NULL ? server->log.data : "";
}

/* Whether a request came with this line among its header fields. */
static inline bool server_saw(const struct server *server, const char *field)
{
    return server->heads.data != NULL && strstr(server->heads.data, field) != NULL;
}

/* Whether a request came with this in its body. */
static inline bool server_got(const struct server *server, const char *text)
{
    return server->bodies.data != NULL && strstr(server->bodies.data, text) != NULL;
}

static inline void server_close(struct server *server)
{
    while (!list_is_empty(&server->connections))
        server_drop(LIST_ENTRY(server->connections.next, struct server_connection, link));
    evconnlistener_free(server->listener);
    buffer_deinit(&server->log);
    buffer_deinit(&server->heads);
    buffer_deinit(&server->body);
    buffer_deinit(&server->bodies);
}

#endif
