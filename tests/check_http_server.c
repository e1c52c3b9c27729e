/* tests/check_http_server.c - the server of the status page: what it hands on, what it refuses, and
 * clients that are broken, slow, many or gone. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>
#include <event2/event.h>
#include <event2/http.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "jobs/http_server.h"
#include "net/loop.h"
#include "suite.h"

enum { PATIENCE_S = 15, CLIENTS = 8 };

static struct clock clock_used;
static struct loop *loop;
static struct http_server *server;
static struct event *alarm_event;
static bool is_late;
static unsigned warnings, turns; /* of libevent, of the loop */

struct client {
    int fd;
    struct buffer text;
    bool has_ended;
};

static struct client clients[CLIENTS];
static const struct http_field no_fields[] = {{0}};

static void ring(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context;
    is_late = true;
}

static void open_with(const struct http_server_limits *limits)
{
    struct failure *failure = NULL;

    clock_init(&clock_used, CLOCK_REAL, 1.0);
    loop = loop_new(&clock_used);
    server = http_server_open(loop, "127.0.0.1:0", limits, &failure);
    ck_assert_ptr_nonnull(server);
    alarm_event = evtimer_new(loop_event_base(loop), ring, NULL);
    memset(clients, 0, sizeof clients);
    for (int i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
}

static void set_up(void)
{
    open_with(NULL);
}

static void hang_up(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    buffer_deinit(&client->text);
}

static void close_all(void)
{
    http_server_close(server);
    event_free(alarm_event);
    loop_free(loop);
    for (int i = 0; i < CLIENTS; i++)
        hang_up(&clients[i]);
}

/* Turns the loop until `is_over`; fails the test when that takes too long. */
static void wait_until(bool (*is_over)(void *context), void *context)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};

    is_late = false;
    event_add(alarm_event, &patience);
    while (!is_over(context)) {
        ck_assert_msg(!is_late, "it does not happen");
        event_base_loop(loop_event_base(loop), EVLOOP_ONCE);
    }
    event_del(alarm_event);
}

/* ---- clients ---- */

static void dial(struct client *client)
{
    const char *port = strrchr(http_server_address(server), ':') + 1;
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)atoi(port)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    *client = (struct client){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    ck_assert_int_eq(
        connect(client->fd, (const struct sockaddr *)&address, sizeof address), 0);
}

static void say(struct client *client, const char *text)
{
    ck_assert_int_eq(send(client->fd, text, strlen(text), MSG_NOSIGNAL),
                     (ssize_t)strlen(text));
}

static void hear(struct client *client)
{
    char bytes[65536];
    ssize_t count;

    while ((count = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        buffer_append(&client->text, bytes, (size_t)count);
    if (count == 0 || (errno != EAGAIN && errno != EINTR))
        client->has_ended = true;
}

static unsigned ticks;

static void on_tick(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context;
    ticks++;
}

/* The loop knows nothing of the clients' sockets: it is woken now and then to look at them. */
static struct event *start_ticking(void)
{
    const struct timeval pause = {.tv_usec = 2000};
    struct event *tick = event_new(loop_event_base(loop), -1, EV_PERSIST, on_tick, NULL);

    event_add(tick, &pause);
    return tick;
}

static bool are_over(void *context)
{
    turns++;
    return ticks >= *(unsigned *)context;
}

static void wait_ticks(unsigned count)
{
    struct event *tick = start_ticking();

    ticks = turns = 0;
    wait_until(are_over, &count);
    event_free(tick);
}

struct expectation {
    struct client *client;
    const char *text;
};

static bool has_heard(void *context)
{
    const struct expectation *expected = context;

    hear(expected->client);
    return expected->client->text.length > 0 &&
           strstr(expected->client->text.data, expected->text) != NULL;
}

static void expect(struct client *client, const char *text)
{
    struct expectation expected = {client, text};
    struct event *tick = start_ticking();

    wait_until(has_heard, &expected);
    event_free(tick);
}

static bool has_ended(void *context)
{
    hear(context);
    return ((struct client *)context)->has_ended;
}

static void expect_end(struct client *client)
{
    struct event *tick = start_ticking();

    wait_until(has_ended, client);
    event_free(tick);
}

/* ---- requests ---- */

static bool is_taken(void *context)
{
    return ((struct http_acceptor *)context)->waitable.is_done;
}

/* The next request. */
static struct http_request *take(void)
{
    struct http_acceptor acceptor;

    http_server_accept(server, &acceptor);
    wait_until(is_taken, &acceptor);
    return acceptor.request;
}

static void answer(struct http_request *request, const char *body)
{
    http_request_answer(request, 200, no_fields, body, strlen(body));
    http_request_release(request);
}

#define GET_A "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"

START_TEST(a_request_is_handed_on_and_answered)
{
    size_t length;

    dial(&clients[0]);
    say(&clients[0], "POST /a?b=c HTTP/1.1\r\nHost: h:1\r\nX-One: two\r\n"
                     "Content-Length: 5\r\n\r\nhello");

    struct http_request *request = take();

    ck_assert_str_eq(http_request_method(request), "POST");
    ck_assert_str_eq(http_request_target(request), "/a?b=c");
    ck_assert_str_eq(http_request_peer(request), "127.0.0.1");
    ck_assert_str_eq(evhttp_find_header(http_request_fields(request), "x-one"), "two");
    ck_assert_mem_eq(http_request_body(request, &length), "hello", 5);
    ck_assert_uint_eq(length, 5);
    http_request_answer(request, 202, (struct http_field[]){{"X-Two", "three"}, {0}},
                        "body", 4);
    http_request_release(request);
    expect(&clients[0], "\r\n\r\nbody");
    ck_assert_ptr_nonnull(strstr(clients[0].text.data, "HTTP/1.1 202 "));
    ck_assert_ptr_nonnull(strstr(clients[0].text.data, "X-Two: three\r\n"));
    ck_assert_ptr_nonnull(strstr(clients[0].text.data, "Content-Length: 4\r\n"));
}
END_TEST

START_TEST(a_connection_is_kept_and_two_requests_at_once_come_one_by_one)
{
    dial(&clients[0]);
    say(&clients[0], GET_A "GET /second HTTP/1.1\r\nHost: h\r\n\r\n");
    answer(take(), "one");
    expect(&clients[0], "one");

    struct http_request *second = take();

    ck_assert_str_eq(http_request_target(second), "/second");
    answer(second, "two");
    expect(&clients[0], "two");
    ck_assert(!clients[0].has_ended);
}
END_TEST

START_TEST(head_gets_the_length_and_no_body)
{
    dial(&clients[0]);
    say(&clients[0], "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
    answer(take(), "four");
    expect(&clients[0], "\r\n\r\n");
    say(&clients[0], GET_A);
    answer(take(), "end");
    expect(&clients[0], "end");
    ck_assert_ptr_nonnull(strstr(clients[0].text.data, "Content-Length: 4\r\n"));
    ck_assert_ptr_null(strstr(clients[0].text.data, "four"));
}
END_TEST

static const struct method_row {
    const char *line, *name;
} method_rows[] = {{"PUT /a", "PUT"},
                   {"DELETE /a", "DELETE"},
                   {"OPTIONS /a", "OPTIONS"},
                   {"PATCH /a", "PATCH"}};

START_TEST(all_methods_are_handed_on)
{
    const struct method_row *row = &method_rows[_i];
    char *text = memory_format("%s HTTP/1.1\r\nHost: h\r\n\r\n", row->line);
    struct http_request *request;

    dial(&clients[0]);
    say(&clients[0], text);
    request = take();
    ck_assert_str_eq(http_request_method(request), row->name);
    answer(request, "");
    free(text);
}
END_TEST

static const struct refusal_row {
    const char *text, *status;
} refusals[] = {
    {"GET / HTTP/1.1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
    {"GET http://elsewhere/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"nonsense\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
     "chunked\r\n\r\n"
     "0\r\n\r\n",
     "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", "400"},
};

START_TEST(what_is_no_good_http_is_refused_and_the_connection_ends)
{
    const struct refusal_row *row = &refusals[_i];
    char *head = memory_format("HTTP/1.1 %s ", row->status);

    dial(&clients[0]);
    say(&clients[0], row->text);
    expect(&clients[0], head);
    expect_end(&clients[0]);
    free(head);
}
END_TEST

/* A request with so large a header, or body. */
static char *make_large(size_t header, size_t body)
{
    struct buffer text = {0};

    buffer_printf(&text, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n", body);
    for (size_t i = 0; i < header; i += 1000)
        buffer_printf(&text, "X-%zu: %0990d\r\n", i, 0);
    buffer_append_string(&text, "\r\n");
    for (size_t i = 0; i < body; i++)
        buffer_append_char(&text, 'x');
    return buffer_take(&text);
}

START_TEST(headers_over_the_limit_are_refused)
{
    char *text = make_large(HTTP_SERVER_HEADERS_LIMIT + 2000, 0);

    dial(&clients[0]);
    say(&clients[0], text);
    expect(&clients[0], "HTTP/1.1 431 ");
    expect_end(&clients[0]);
    free(text);
}
END_TEST

/* A request with so many headers, of which each is next to nothing. */
static char *make_many(size_t count)
{
    struct buffer text = {0};

    buffer_append_string(&text, "GET /a HTTP/1.1\r\nHost: h\r\n");
    for (size_t i = 1; i < count; i++)
        buffer_append_string(&text, "a:\r\n");
    buffer_append_string(&text, "\r\n");
    return buffer_take(&text);
}

START_TEST(as_many_headers_as_the_limit_are_taken_and_one_more_refused)
{
    char *good = make_many(HTTP_SERVER_FIELDS_LIMIT),
         *bad = make_many(HTTP_SERVER_FIELDS_LIMIT + 1);

    dial(&clients[0]);
    say(&clients[0], good);
    answer(take(), "good");
    expect(&clients[0], "good");
    say(&clients[0], bad);
    expect(&clients[0], "HTTP/1.1 431 ");
    expect_end(&clients[0]);
    free(good);
    free(bad);
}
END_TEST

START_TEST(a_body_at_the_limit_is_taken_and_one_byte_more_refused)
{
    char *good = make_large(0, HTTP_SERVER_BODY_LIMIT),
         *bad = make_large(0, HTTP_SERVER_BODY_LIMIT + 1);

    dial(&clients[0]);
    say(&clients[0], good);
    answer(take(), "taken");
    expect(&clients[0], "taken");
    say(&clients[0], bad);
    expect(&clients[0], "HTTP/1.1 413 ");
    expect_end(&clients[0]);
    free(good);
    free(bad);
}
END_TEST

START_TEST(a_request_that_is_given_up_is_answered_by_500)
{
    dial(&clients[0]);
    say(&clients[0], GET_A);
    http_request_release(take());
    expect(&clients[0], "HTTP/1.1 500 ");
    expect_end(&clients[0]);
}
END_TEST

START_TEST(a_second_answer_is_none)
{
    dial(&clients[0]);
    say(&clients[0], GET_A);

    struct http_request *request = take();

    http_request_answer(request, 200, no_fields, "one", 3);
    http_request_answer(request, 200, no_fields, "two", 3);
    ck_assert_ptr_null(http_request_stream(request, no_fields));
    http_request_release(request);
    expect(&clients[0], "one");
    ck_assert_ptr_null(strstr(clients[0].text.data, "two"));
}
END_TEST

/* ---- clients that leave, or take their time ---- */

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static bool has_descriptors(void *context)
{
    return count_descriptors() == *(int *)context;
}

static void expect_descriptors(int count)
{
    struct event *tick = start_ticking();

    wait_until(has_descriptors, &count);
    event_free(tick);
}

START_TEST(clients_that_leave_at_any_point_leave_nothing_behind)
{
    static const char *const beginnings[] = {
        "", "G", "GET / HTTP/1.1\r\nHo",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx"};
    const int before = count_descriptors();

    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        dial(&clients[i]);
        if (beginnings[i][0] != '\0')
            say(&clients[i], beginnings[i]);
    }
    dial(&clients[4]);
    say(&clients[4], GET_A);

    struct http_request *request = take();

    for (int i = 0; i < CLIENTS; i++)
        hang_up(&clients[i]);
    http_request_answer(request, 200, no_fields, "nobody hears", 12);
    http_request_release(request);
    expect_descriptors(before);
}
END_TEST

START_TEST(a_request_that_nobody_took_is_freed_with_its_client)
{
    const int before = count_descriptors();

    dial(&clients[0]);
    say(&clients[0], GET_A);
    hang_up(&clients[0]);
    answer(take(), "nobody hears");
    expect_descriptors(before);
}
END_TEST

static const char *const slow_beginnings[] = {
    "GET / HTTP/1.1\r\nHost:",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\nx"};

/* Drips a byte now and then, so that no timeout between two bytes ever comes. */
static void drip(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events;
    send(((struct client *)context)->fd, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

START_TEST(a_client_that_drips_its_request_loses_its_connection)
{
    const struct timeval pause = {.tv_usec = 20000};
    struct event *dripping;

    open_with(&(struct http_server_limits){.request_ms = 200});
    dripping = event_new(loop_event_base(loop), -1, EV_PERSIST, drip, &clients[0]);
    dial(&clients[0]);
    say(&clients[0], slow_beginnings[_i]);
    event_add(dripping, &pause);
    expect_end(&clients[0]);
    event_free(dripping);
    close_all();
}
END_TEST

START_TEST(a_connection_without_a_request_ends_after_a_while)
{
    open_with(&(struct http_server_limits){.idle_s = 1});
    dial(&clients[0]);
    expect_end(&clients[0]);
    close_all();
}
END_TEST

START_TEST(further_connections_wait_while_others_are_answered)
{
    struct http_acceptor acceptor;
    struct http_request *first, *second;

    open_with(&(struct http_server_limits){.connections = 2, .request_ms = 400});
    for (int i = 0; i < 3; i++)
        dial(&clients[i]);
    say(&clients[0], GET_A);
    first = take();
    say(&clients[1], GET_A);
    second = take();
    say(&clients[2], GET_A);
    http_server_accept(server, &acceptor);
    wait_ticks(100);
    ck_assert(!acceptor.waitable.is_done);
    answer(second, "second");
    expect(&clients[1], "second");
    wait_until(is_taken, &acceptor); /* the second has no request, and makes room */
    answer(acceptor.request, "third");
    expect(&clients[2], "third");
    answer(first, "first");
    expect(&clients[0], "first");
    close_all();
}
END_TEST

START_TEST(who_sends_nothing_makes_room_for_others)
{
    open_with(&(struct http_server_limits){.connections = 6, .request_ms = 60000});
    for (int i = 0; i < 6; i++)
        dial(&clients[i]);
    say(&clients[0], "GET /");
    for (int i = 1; i < 4; i++)
        say(&clients[i], "GET / HTTP");
    dial(&clients[6]);
    say(&clients[6], GET_A);
    answer(take(), "served");
    expect(&clients[6], "served");
    expect_end(&clients[4]);
    hear(&clients[0]);
    ck_assert(!clients[0].has_ended);
    close_all();
}
END_TEST

static void count_warning(int severity, const char *message)
{
    (void)message;
    warnings += severity >= EVENT_LOG_WARN;
}

/* So that no descriptor is free, as long as `client` has the highest. */
static struct rlimit take_descriptors(const struct client *client)
{
    struct rlimit before, few;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)client->fd + 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    return before;
}

/* The socket is ready all the time, and accept() fails: that must not keep the loop busy, nor
 * fill the log. */
START_TEST(without_descriptors_clients_wait_until_there_are_some)
{
    event_set_log_callback(count_warning);
    warnings = 0;
    dial(&clients[0]);
    say(&clients[0], GET_A);

    const struct rlimit before = take_descriptors(&clients[0]);

    wait_ticks(25);
    ck_assert_uint_le(turns, 100);
    ck_assert_uint_eq(warnings, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    answer(take(), "later");
    expect(&clients[0], "later");
    event_set_log_callback(NULL);
}
END_TEST

/* ---- streams ---- */

static struct http_stream *open_stream(struct client *client)
{
    struct http_request *request;
    struct http_stream *stream;

    dial(client);
    say(client, GET_A);
    request = take();
    stream = http_request_stream(
        request, (struct http_field[]){{"Content-Type", "text/event-stream"}, {0}});
    http_request_release(request);
    ck_assert_ptr_nonnull(stream);
    return stream;
}

START_TEST(a_stream_sends_on_until_it_is_closed)
{
    struct http_stream *stream = open_stream(&clients[0]);

    ck_assert(http_stream_send(stream, "one\n", 4));
    expect(&clients[0], "one\n");
    ck_assert_ptr_nonnull(strstr(clients[0].text.data, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(clients[0].text.data, "text/event-stream\r\n"));
    ck_assert(http_stream_send(stream, "two\n", 4));
    http_stream_release(stream);
    expect(&clients[0], "two\n");
    expect_end(&clients[0]);
}
END_TEST

static bool is_closed(void *context)
{
    return !http_stream_is_open(context);
}

START_TEST(a_stream_knows_when_its_client_has_left)
{
    struct http_stream *stream = open_stream(&clients[0]);

    hang_up(&clients[0]);
    wait_until(is_closed, stream);
    ck_assert(!http_stream_send(stream, "x", 1));
    http_stream_release(stream);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_dropped_at_the_limit)
{
    struct http_stream *stream = open_stream(&clients[0]);
    char *text = memory_new(32768);
    size_t sent = 0;

    memset(text, 'x', 32768);
    while (http_stream_send(stream, text, 32768)) {
        sent += 32768;
        ck_assert_uint_lt(sent, 64 << 20); /* what the sockets hold, and the limit */
        event_base_loop(loop_event_base(loop), EVLOOP_NONBLOCK);
    }
    ck_assert(!http_stream_is_open(stream));
    http_stream_release(stream);
    free(text);
}
END_TEST

START_TEST(what_a_client_sends_behind_a_stream_is_dropped)
{
    struct http_stream *stream = open_stream(&clients[0]);

    say(&clients[0], GET_A GET_A);
    ck_assert(http_stream_send(stream, "still\n", 6));
    expect(&clients[0], "still\n");
    ck_assert(http_stream_is_open(stream));
    http_stream_release(stream);
    expect_end(&clients[0]);
}
END_TEST

/* ---- the end ---- */

static bool is_done(void *context)
{
    return ((struct waitable *)context)->is_done;
}

START_TEST(at_the_end_all_hear_of_it_and_answers_are_still_sent)
{
    struct http_stream *stream = open_stream(&clients[0]);
    struct http_acceptor acceptor;
    struct http_request *request;

    dial(&clients[1]);
    say(&clients[1], GET_A);
    request = take();
    http_server_accept(server, &acceptor);

    struct waitable *finished = http_server_finish(server);

    ck_assert(acceptor.waitable.is_done);
    ck_assert_ptr_null(acceptor.request);
    ck_assert(!http_stream_is_open(stream));
    ck_assert(!finished->is_done);
    answer(request, "last");
    wait_until(is_done, finished);
    expect(&clients[1], "last");
    expect_end(&clients[1]);
    expect_end(&clients[0]);
    http_stream_release(stream);
    http_server_accept(server, &acceptor);
    ck_assert(acceptor.waitable.is_done);
    ck_assert_ptr_null(acceptor.request);
}
END_TEST

static bool is_asked(void *context)
{
    (void)context;
    hear(&clients[0]);
    return false;
}

START_TEST(a_request_that_waits_at_the_end_is_answered_by_503)
{
    const struct timeval moment = {.tv_usec = 50000};

    dial(&clients[0]);
    say(&clients[0], GET_A);
    /* it is read, and nobody takes it */
    event_base_loopexit(loop_event_base(loop), &moment);
    event_base_dispatch(loop_event_base(loop));
    ck_assert(!is_asked(NULL));
    wait_until(is_done, http_server_finish(server));
    expect(&clients[0], "HTTP/1.1 503 ");
}
END_TEST

START_TEST(requests_and_streams_outlive_the_server)
{
    struct http_stream *stream = open_stream(&clients[0]);
    struct http_request *request;

    dial(&clients[1]);
    say(&clients[1], GET_A);
    request = take();
    http_server_close(server);
    server = NULL;
    ck_assert_ptr_null(http_request_fields(request));
    http_request_answer(request, 200, no_fields, "x", 1);
    ck_assert_ptr_null(http_request_stream(request, no_fields));
    ck_assert_str_eq(http_request_target(request), "/a?b=c");
    http_request_release(request);
    ck_assert(!http_stream_send(stream, "x", 1));
    http_stream_release(stream);
}
END_TEST

START_TEST(an_acceptor_can_be_forgotten)
{
    struct http_acceptor acceptor;

    http_server_accept(server, &acceptor);
    http_server_forget(&acceptor);
    dial(&clients[0]);
    say(&clients[0], GET_A);
    answer(take(), "taken");
    expect(&clients[0], "taken");
    ck_assert(!acceptor.waitable.is_done);
}
END_TEST

static const char *const bad_addresses[] = {"127.0.0.1", "nowhere:80", "127.0.0.1:99999",
                                            ":80"};

START_TEST(an_address_that_is_none_is_told)
{
    struct failure *failure = NULL;

    ck_assert_ptr_null(http_server_open(loop, bad_addresses[_i], NULL, &failure));
    ck_assert_str_eq(failure->code, "IOError");
    ck_assert_ptr_nonnull(strstr(failure->message, bad_addresses[_i]));
    failure_free(failure);
}
END_TEST

START_TEST(an_address_that_is_taken_is_told)
{
    struct failure *failure = NULL;

    ck_assert(http_server_is_loopback(server));
    ck_assert_ptr_null(
        http_server_open(loop, http_server_address(server), NULL, &failure));
    ck_assert_ptr_nonnull(strstr(failure->message, "in use"));
    failure_free(failure);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http server");
    TCase *requests = add_case(suite, "requests", set_up, close_all);
    TCase *broken = add_case(suite, "broken clients", set_up, close_all);
    TCase *slow = tcase_create("limits");
    TCase *streams = add_case(suite, "streams", set_up, close_all);
    TCase *end = add_case(suite, "beginning and end", set_up, close_all);

    tcase_set_timeout(slow, 60);
    suite_add_tcase(suite, slow);
    tcase_add_test(requests, a_request_is_handed_on_and_answered);
    tcase_add_test(requests,
                   a_connection_is_kept_and_two_requests_at_once_come_one_by_one);
    tcase_add_test(requests, head_gets_the_length_and_no_body);
    tcase_add_loop_test(requests, all_methods_are_handed_on, 0, COUNT_OF(method_rows));
    tcase_add_loop_test(requests, what_is_no_good_http_is_refused_and_the_connection_ends,
                        0, COUNT_OF(refusals));
    tcase_add_test(requests, headers_over_the_limit_are_refused);
    tcase_add_test(requests, as_many_headers_as_the_limit_are_taken_and_one_more_refused);
    tcase_add_test(requests, a_body_at_the_limit_is_taken_and_one_byte_more_refused);
    tcase_add_test(requests, a_request_that_is_given_up_is_answered_by_500);
    tcase_add_test(requests, a_second_answer_is_none);
    tcase_add_test(broken, clients_that_leave_at_any_point_leave_nothing_behind);
    tcase_add_test(broken, a_request_that_nobody_took_is_freed_with_its_client);
    tcase_add_loop_test(slow, a_client_that_drips_its_request_loses_its_connection, 0,
                        COUNT_OF(slow_beginnings));
    tcase_add_test(slow, a_connection_without_a_request_ends_after_a_while);
    tcase_add_test(slow, further_connections_wait_while_others_are_answered);
    tcase_add_test(slow, who_sends_nothing_makes_room_for_others);
    tcase_add_test(broken, without_descriptors_clients_wait_until_there_are_some);
    tcase_add_test(streams, a_stream_sends_on_until_it_is_closed);
    tcase_add_test(streams, a_stream_knows_when_its_client_has_left);
    tcase_add_test(streams, a_client_that_does_not_read_is_dropped_at_the_limit);
    tcase_add_test(streams, what_a_client_sends_behind_a_stream_is_dropped);
    tcase_add_test(end, at_the_end_all_hear_of_it_and_answers_are_still_sent);
    tcase_add_test(end, a_request_that_waits_at_the_end_is_answered_by_503);
    tcase_add_test(end, requests_and_streams_outlive_the_server);
    tcase_add_test(end, an_acceptor_can_be_forgotten);
    tcase_add_loop_test(end, an_address_that_is_none_is_told, 0, COUNT_OF(bad_addresses));
    tcase_add_test(end, an_address_that_is_taken_is_told);
    return run_suite(suite);
}
