/* tests/check_transport.c - requests on the wire, and the stages that repeat and sign them.
 *
 * The server is real and answers on the loopback; the clock is virtual, so pauses cost
 * nothing. Only time-outs of the wire itself take real time, and it is short. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <check.h>

#include "base/failure.h"
#include "base/json.h"
#include "harness.h"

static struct harness h;

static void set_up(void)
{
    harness_open(&h, &(struct transport_options){.concurrency = 4,
                                                 .total_timeout_ms = 300,
                                                 .max_answer_bytes = 1 << 20});
}

static void tear_down(void)
{
    harness_close(&h);
}

/* --- the wire ------------------------------------------------------------------------- */

struct sent {
    struct transfer transfer;
    char *url;
    unsigned done_count;
    unsigned *order; /* counts those that are over */
    unsigned place;  /* 1 for the first that was over */
};

static void on_done(struct transfer *transfer)
{
    struct sent *sent = LIST_ENTRY(transfer, struct sent, transfer);

    sent->done_count++;
    if (sent->order != NULL)
        sent->place = ++*sent->order;
}

static void send_it(struct sent *sent, const char *method, const char *path)
{
    sent->url = memory_format("%s%s", h.server.base, path);
    sent->transfer.method = method;
    sent->transfer.url = sent->url;
    sent->transfer.done = on_done;
    transfer_start(h.transport, &sent->transfer);
}

static void release(struct sent *sent)
{
    transfer_reset(&sent->transfer);
    free(sent->url);
    *sent = (struct sent){0};
}

/* Sends one request and waits for its end. */
static struct sent ask(const char *method, const char *path)
{
    struct sent sent = {0};

    send_it(&sent, method, path);
    harness_settle(&h);
    ck_assert_uint_eq(sent.done_count, 1);
    return sent;
}

static const char *code_of(const struct sent *sent)
{
    return sent->transfer.failure != NULL ? sent->transfer.failure->code : "none";
}

START_TEST(an_answer_comes_with_its_status_fields_and_body)
{
    const struct server_step script[] = {
        STEP("GET /a", 207,
             "X-Mixed-Case:   padded \nX-Empty:\nX-Colon: a:b\nX-Twice: 1\nX-Twice: 2",
             "h\xc3\xa9llo"),
        {0}};

    server_play(&h.server, script);

    struct sent sent = ask("GET", "/a");
    const struct transfer *transfer = &sent.transfer;

    ck_assert_int_eq(transfer->status, 207);
    ck_assert_str_eq(transfer_field(transfer, "x-mixed-case"), "padded");
    ck_assert_str_eq(transfer_field(transfer, "x-empty"), "");
    ck_assert_str_eq(transfer_field(transfer, "x-colon"), "a:b");
    ck_assert_str_eq(transfer_field(transfer, "x-twice"), "1");
    ck_assert_ptr_null(transfer_field(transfer, "x-absent"));
    ck_assert_ptr_null(transfer_field(transfer, "padded"));
    ck_assert_str_eq(transfer->answer.data, "h\xc3\xa9llo");
    ck_assert(transfer->was_sent);
    release(&sent);
}
END_TEST

static const struct {
    const char *method, *body;
} methods[] = {{"GET", NULL},    {"PUT", "{\"a\":1}"}, {"PATCH", "{}"},
               {"POST", "x=y"},  {"POST", NULL},       {"PUT", NULL},
               {"DELETE", NULL}, {"DELETE", "{}"},     {"OPTIONS", NULL}};

START_TEST(each_method_goes_out_with_its_body)
{
    char *request = memory_format("%s /a?b=c", methods[_i].method);
    const struct server_step script[] = {STEP(request, 200, NULL, "fine"), {0}};
    struct sent sent = {
        .transfer.body = methods[_i].body,
        .transfer.body_length = methods[_i].body != NULL ? strlen(methods[_i].body) : 0,
        .transfer.headers = {"X-One: 1", "Content-Type: application/json"}};

    server_play(&h.server, script);
    send_it(&sent, methods[_i].method, "/a?b=c");
    harness_settle(&h);
    ck_assert_int_eq(sent.transfer.status, 200);
    ck_assert_str_eq(h.server.body.data,
                     methods[_i].body != NULL ? methods[_i].body : "");
    ck_assert(server_saw(&h.server, "\r\nX-One: 1\r\n"));
    ck_assert(server_saw(&h.server, "\r\nContent-Type: application/json\r\n"));
    ck_assert(server_saw(&h.server, "\r\nUser-Agent: moongate/"));
    release(&sent);
    free(request);
}
END_TEST

/* Whether the descriptor is a connection to the server. */
static bool is_ours(int fd)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;

    return getpeername(fd, (struct sockaddr *)&peer, &length) == 0 &&
           peer.sin_family == AF_INET &&
           ntohs(peer.sin_port) == atoi(strrchr(h.server.base, ':') + 1);
}

START_TEST(no_program_inherits_a_connection)
{
    const struct server_step script[] = {STEP("GET /a", 200, "", "a"), {0}};
    struct sent sent;
    unsigned count = 0;

    server_play(&h.server, script);
    sent = ask("GET", "/a");
    release(&sent);
    for (int fd = 3; fd < 1000; fd++) {
        if (!is_ours(fd))
            continue;
        count++;
        ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(a_head_has_fields_and_no_body)
{
    const struct server_step script[] = {
        {"HEAD /a", .manner = SERVER_BABBLES,
         .body = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 999\r\n\r\n"},
        {0}};

    server_play(&h.server, script);

    struct sent sent = ask("HEAD", "/a");

    ck_assert_int_eq(sent.transfer.status, 200);
    ck_assert_str_eq(transfer_field(&sent.transfer, "etag"), "\"1\"");
    ck_assert_uint_eq(sent.transfer.answer.length, 0);
    release(&sent);
}
END_TEST

START_TEST(a_handle_forgets_the_request_before)
{
    const struct server_step script[] = {
        STEP("PUT /a", 200, "X-Old: 1", "first"), STEP("GET /b", 204, NULL, NULL), {0}};
    struct sent first = {.transfer.body = "{}",
                         .transfer.body_length = 2,
                         .transfer.headers = {"X-First: 1"}};

    server_play(&h.server, script);
    send_it(&first, "PUT", "/a");
    harness_settle(&h);
    buffer_clear(&h.server.heads);

    struct sent second = ask("GET", "/b");

    ck_assert_int_eq(second.transfer.status, 204);
    ck_assert_ptr_null(transfer_field(&second.transfer, "x-old"));
    ck_assert_uint_eq(second.transfer.answer.length, 0);
    ck_assert(!server_saw(&h.server, "X-First"));
    ck_assert(!server_saw(&h.server, "Content-Length"));
    release(&first);
    release(&second);
}
END_TEST

START_TEST(a_transfer_may_go_past_the_proxy_and_the_next_one_does_not)
{
    const struct server_step script[] = {
        STEP("GET http://arm.invalid/a", 200, NULL, "by proxy"), {0}};
    struct sent past = {.url = memory_copy_string("http://arm.invalid/a"),
                        .transfer.without_proxy = true};
    struct sent by = {.url = memory_copy_string("http://arm.invalid/a")};
    struct sent *const both[] = {&past, &by};

    setenv("http_proxy", h.server.base, 1);
    server_play(&h.server, script);
    for (size_t i = 0; i < 2; i++) {
        both[i]->transfer.method = "GET";
        both[i]->transfer.url = both[i]->url;
        both[i]->transfer.done = on_done;
        transfer_start(h.transport, &both[i]->transfer);
        harness_settle(&h);
    }
    ck_assert_str_eq(code_of(&past), "ConnectionFailed");
    ck_assert_int_eq(by.transfer.status, 200);
    ck_assert_uint_eq(h.server.request_count, 1);
    release(&past);
    release(&by);
}
END_TEST

START_TEST(a_transfer_may_have_a_time_out_of_its_own)
{
    const struct server_step script[] = {{"GET /a", .manner = SERVER_STALLS}, {0}};
    struct sent sent = {.transfer.timeout_ms = 20};
    const int64_t start_ms = clock_machine_ms();

    server_play(&h.server, script);
    send_it(&sent, "GET", "/a");
    harness_settle(&h);
    ck_assert_str_eq(code_of(&sent), "Timeout");
    ck_assert_int_lt(clock_machine_ms() - start_ms, 280); /* the transport's is 300 */
    release(&sent);
}
END_TEST

START_TEST(a_connection_is_used_again)
{
    const struct server_step script[] = {
        {"GET /a", .status = 200, .body = "x", .stays = true}, {0}};

    server_play(&h.server, script);
    for (int i = 0; i < 20; i++) {
        struct sent sent = ask("GET", "/a");

        ck_assert_int_eq(sent.transfer.status, 200);
        release(&sent);
    }
    ck_assert_uint_eq(h.server.connection_count, 1);
    ck_assert_uint_eq(h.server.request_count, 20);
}
END_TEST

static bool has_no_connection(void *context)
{
    (void)context;
    return h.server.open_count == 0;
}

START_TEST(a_connection_that_the_server_closed_meanwhile_is_replaced)
{
    const struct server_step script[] = {
        {"PUT /a", .status = 200, .body = "x", .stays = true}, {0}};

    server_play(&h.server, script);
    for (int i = 0; i < 3; i++) {
        struct sent sent = ask("PUT", "/a");

        ck_assert_str_eq(code_of(&sent), "none");
        release(&sent);
        server_drop(
            LIST_ENTRY(h.server.connections.next, struct server_connection, link));
        ck_assert(has_no_connection(NULL));
    }
    ck_assert_uint_eq(h.server.connection_count, 3);
}
END_TEST

/* "moongate " ten times, by gzip */
static const char packed[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcd\xcf\xcf\x4b\x4f\x2c\x49\x55\xc8"
    "\xa5\x36\x03\x00\x03\xfc\xe2\xfe\x5a\x00\x00\x00";

START_TEST(a_packed_answer_is_unpacked)
{
    const struct server_step script[] = {
        {"GET /a", .status = 200, .fields = "Content-Encoding: gzip", .body = packed,
         .body_length = sizeof packed - 1},
        {0}};

    server_play(&h.server, script);

    struct sent sent = ask("GET", "/a");

    ck_assert_str_eq(code_of(&sent), "none");
    ck_assert(server_saw(&h.server, "\r\nAccept-Encoding: gzip\r\n"));
    ck_assert_uint_eq(sent.transfer.answer.length, 90);
    ck_assert_int_eq(strncmp(sent.transfer.answer.data, "moongate moongate ", 18), 0);
    release(&sent);
}
END_TEST

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct broken_row {
    const char *name;
    struct server_step step;
    const char *code;
    bool is_retryable;
} broken_rows[] = {
    {"no answer", {"GET /a", .manner = SERVER_CLOSES}, "ConnectionFailed", true},
    {"a reset", {"GET /a", .manner = SERVER_RESETS}, "ConnectionFailed", true},
    {"half a body",
     {"GET /a", .manner = SERVER_BABBLES,
      .body = OK_HEAD "Content-Length: 100\r\n\r\nhalf"},
     "ConnectionFailed",
     true},
    {"half a chunk",
     {"GET /a", .manner = SERVER_BABBLES,
      .body = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n40\r\nhalf"},
     "ConnectionFailed",
     true},
    {"a chunk of no size",
     {"GET /a", .manner = SERVER_BABBLES,
      .body = OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n"},
     "ConnectionFailed",
     true},
    {"another protocol",
     {"GET /a", .manner = SERVER_BABBLES, .body = "SSH-2.0-Server\r\n\r\n"},
     "ProtocolError",
     false},
    {"a status that is none",
     {"GET /a", .manner = SERVER_BABBLES, .body = "HTTP/1.1 banana\r\n\r\n"},
     "ProtocolError",
     false},
    {"a body that claims to be packed",
     {"GET /a", .status = 200, .fields = "Content-Encoding: gzip",
      .body = "not gzip at all"},
     "ProtocolError",
     false},
    {"silence", {"GET /a", .manner = SERVER_STALLS}, "Timeout", true},
    {"a flood", {"GET /a", .manner = SERVER_CHATTERS}, "ResponseTooLarge", false},
};

START_TEST(a_broken_answer_is_a_failure_and_the_next_request_works)
{
    const struct broken_row *row = &broken_rows[_i];
    const struct server_step script[] = {
        row->step, STEP("GET /b", 200, NULL, "fine"), {0}};

    server_play(&h.server, script);

    struct sent sent = ask("GET", "/a");
    const struct failure *failure = sent.transfer.failure;

    ck_assert_msg(failure != NULL, "%s: HTTP %d", row->name, sent.transfer.status);
    ck_assert_int_eq(sent.transfer.status, 0);
    ck_assert_msg(strcmp(failure->code, row->code) == 0, "%s: %s: %s", row->name,
                  failure->code, failure->message);
    ck_assert_msg(failure->retryable == row->is_retryable, "%s: %s", row->name,
                  failure->message);
    ck_assert_str_eq(failure->target, sent.url);
    ck_assert(sent.transfer.was_sent);
    release(&sent);
    sent = ask("GET", "/b");
    ck_assert_int_eq(sent.transfer.status, 200);
    release(&sent);
}
END_TEST

START_TEST(a_flood_is_cut_off_near_the_limit)
{
    const struct server_step script[] = {{"GET /a", .manner = SERVER_CHATTERS}, {0}};

    server_play(&h.server, script);

    struct sent sent = ask("GET", "/a");

    ck_assert_str_eq(code_of(&sent), "ResponseTooLarge");
    ck_assert_uint_le(sent.transfer.answer.length, 1 << 20);
    ck_assert_uint_lt(h.server.chatter_bytes, 32 << 20); /* and what sockets hold */
    release(&sent);
}
END_TEST

START_TEST(header_fields_without_end_are_refused)
{
    struct buffer fields = {0};

    while (fields.length < 1 << 20)
        buffer_append_string(&fields,
                             "X-Filler: 0123456789012345678901234567890123456789\n");
    fields.data[fields.length - 1] = '\0';

    const struct server_step script[] = {STEP("GET /a", 200, fields.data, "x"), {0}};

    server_play(&h.server, script);

    struct sent sent = ask("GET", "/a");

    ck_assert_int_eq(sent.transfer.status, 0);
    ck_assert_ptr_nonnull(sent.transfer.failure);
    ck_assert_uint_lt(sent.transfer.fields.length, 512 << 10);
    release(&sent);
    buffer_deinit(&fields);
}
END_TEST

/* The URL of a port where nobody listens any more; owned by the caller. */
static char *deaf_url(void)
{
    struct server server;

    server_open(&server, h.loop);
    server_close(&server);
    return memory_format("%s/a", server.base);
}

START_TEST(a_refused_port_is_a_failure_of_nothing_sent)
{
    struct sent sent = {.url = deaf_url()};

    sent.transfer.method = "GET";
    sent.transfer.url = sent.url;
    sent.transfer.done = on_done;
    transfer_start(h.transport, &sent.transfer);
    harness_settle(&h);
    ck_assert_str_eq(code_of(&sent), "ConnectionFailed");
    ck_assert(sent.transfer.failure->retryable);
    ck_assert(!sent.transfer.was_sent);
    release(&sent);
}
END_TEST

START_TEST(other_schemes_are_refused)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/x",
                                       "nonsense:", ""};
    struct sent sent = {
        .transfer.method = "GET", .transfer.done = on_done, .transfer.url = urls[_i]};

    transfer_start(h.transport, &sent.transfer);
    harness_settle(&h);
    ck_assert_int_eq(sent.transfer.status, 0);
    ck_assert_ptr_nonnull(sent.transfer.failure);
    ck_assert(!sent.transfer.failure->retryable);
    transfer_reset(&sent.transfer);
}
END_TEST

/* --- the queue ------------------------------------------------------------------------ */

enum { MANY = 12 };

static bool four_wait(void *context)
{
    (void)context;
    return h.server.stalled_count == 4;
}

static bool two_wait(void *context)
{
    (void)context;
    return h.server.stalled_count == 2;
}

static bool five_came(void *context)
{
    (void)context;
    return h.server.request_count == 5;
}

static const struct server_step stalling[] = {
    {"GET /a", .status = 200, .body = "x", .manner = SERVER_STALLS, .stays = true}, {0}};

START_TEST(no_more_are_on_the_wire_than_allowed_and_all_get_their_turn)
{
    struct sent sent[MANY] = {0};
    unsigned order = 0;

    server_play(&h.server, stalling);
    for (size_t i = 0; i < MANY; i++) {
        sent[i].order = &order;
        send_it(&sent[i], "GET", "/a");
    }
    for (unsigned round = 1; round <= MANY / 4; round++) {
        ck_assert(loop_run(h.loop, four_wait, NULL, false));
        ck_assert_uint_eq(h.server.request_count, round * 4);
        server_release(&h.server);
    }
    harness_settle(&h);
    ck_assert_uint_eq(order, MANY);
    for (size_t i = 0; i < MANY; i++) { /* first come, first served, by fours */
        ck_assert_uint_eq((sent[i].place - 1) / 4, i / 4);
        ck_assert_uint_eq(sent[i].done_count, 1);
        release(&sent[i]);
    }
    ck_assert_uint_le(h.server.connection_count, 4);
}
END_TEST

START_TEST(canceled_in_the_queue_it_is_never_sent)
{
    struct sent sent[MANY] = {0};

    server_play(&h.server, stalling);
    for (size_t i = 0; i < MANY; i++)
        send_it(&sent[i], "GET", "/a");
    ck_assert(loop_run(h.loop, four_wait, NULL, false));
    for (size_t i = 4; i < MANY; i++)
        transfer_cancel(h.transport, &sent[i].transfer);
    server_release(&h.server);
    harness_settle(&h);
    ck_assert_uint_eq(h.server.request_count, 4);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(sent[i].done_count, i < 4 ? 1 : 0);
        release(&sent[i]);
    }
}
END_TEST

START_TEST(canceled_on_the_wire_it_makes_room_for_the_next)
{
    struct sent sent[5] = {0};

    server_play(&h.server, stalling);
    for (size_t i = 0; i < 5; i++)
        send_it(&sent[i], "GET", "/a");
    ck_assert(loop_run(h.loop, four_wait, NULL, false));
    transfer_cancel(h.transport, &sent[0].transfer);
    transfer_cancel(h.transport, &sent[0].transfer); /* nothing happens */
    ck_assert(loop_run(h.loop, five_came, NULL, false));
    server_release(&h.server);
    harness_settle(&h);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(sent[i].done_count, i == 0 ? 0 : 1);
        release(&sent[i]);
    }
}
END_TEST

START_TEST(a_transport_that_is_freed_cancels_what_runs_and_waits)
{
    struct transport *transport =
        transport_new(h.loop, &(struct transport_options){.concurrency = 2});
    struct sent sent[MANY] = {0};

    server_play(&h.server, stalling);
    for (size_t i = 0; i < MANY; i++) {
        sent[i].url = memory_format("%s/a", h.server.base);
        sent[i].transfer =
            (struct transfer){.method = "GET", .url = sent[i].url, .done = on_done};
        transfer_start(transport, &sent[i].transfer);
    }
    ck_assert(loop_run(h.loop, two_wait, NULL, false));
    transport_free(transport);
    harness_settle(&h);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_uint_eq(sent[i].done_count, 0);
        release(&sent[i]);
    }
}
END_TEST

/* --- the stages ----------------------------------------------------------------------- */

struct answer {
    struct exchange *exchange;
    char *url;
    unsigned done_count;
    int64_t done_ms;
};

static void on_answer(struct exchange *exchange)
{
    struct answer *answer = exchange->owner;

    answer->done_count++;
    answer->done_ms = clock_now_ms(&h.clock);
}

/* `url` is taken; a path is the server's. */
static void begin(struct answer *answer, const char *method, char *url,
                  enum audience audience)
{
    *answer = (struct answer){.url = url};
    answer->exchange = exchange_new(h.client.pipeline, method, url, audience, on_answer);
    answer->exchange->owner = answer;
    exchange_start(answer->exchange);
}

static void begin_here(struct answer *answer, const char *method, const char *path)
{
    begin(answer, method, memory_format("%s%s", h.server.base, path), AUDIENCE_ARM);
}

static void end(struct answer *answer)
{
    exchange_free(answer->exchange);
    free(answer->url);
}

static const char *answer_code(const struct answer *answer)
{
    const struct failure *failure = answer->exchange->transfer.failure;

    return failure != NULL ? failure->code : "none";
}

/* What happens to one request that is answered so, one after the other. */
static const struct retry_row {
    const char *name, *method;
    struct server_step script[10];
    unsigned requests;         /* how often it is sent */
    int status;                /* of the end; 0: a failure */
    int64_t least_ms, most_ms; /* how long it takes */
} retry_rows[] = {
    {"a throttled GET waits as asked",
     "GET",
     {STEP("GET /a", 429, "Retry-After: 17", NULL), STEP("GET /a", 200, NULL, "x")},
     .requests = 2,
     .status = 200,
     .least_ms = 17000,
     .most_ms = 17000},
    {"a throttled POST was not run and may be sent again",
     "POST",
     {STEP("POST /a", 429, "Retry-After: 5", NULL), STEP("POST /a", 200, NULL, "x")},
     .requests = 2,
     .status = 200,
     .least_ms = 5000,
     .most_ms = 5000},
    {"milliseconds go before seconds",
     "GET",
     {STEP("GET /a", 429, "Retry-After: 90\nx-ms-retry-after-ms: 2500", NULL),
      STEP("GET /a", 200, NULL, "x")},
     .requests = 2,
     .status = 200,
     .least_ms = 2500,
     .most_ms = 2500},
    {"a date counts from the answer's own date",
     "GET",
     {STEP("GET /a", 429,
           "Date: Tue, 15 Nov 1994 08:12:31 GMT\nRetry-After: Tue, 15 Nov 1994 08:12:51 "
           "GMT",
           NULL),
      STEP("GET /a", 200, NULL, "x")},
     .requests = 2,
     .status = 200,
     .least_ms = 20000,
     .most_ms = 20000},
    {"throttling does not use up attempts",
     "GET",
     {STEP("GET /a", 429, "Retry-After: 10", NULL),
      STEP("GET /a", 429, "Retry-After: 10", NULL),
      STEP("GET /a", 503, "Retry-After: 10", NULL), STEP("GET /a", 429, NULL, NULL),
      STEP("GET /a", 200, NULL, "x")},
     .requests = 5,
     .status = 200,
     .least_ms = 30000,
     .most_ms = 33000},
    {"a busy server",
     "PUT",
     {STEP("PUT /a", 503, NULL, NULL), STEP("PUT /a", 200, NULL, "x")},
     .requests = 2,
     .status = 200,
     .least_ms = 500,
     .most_ms = 1000},
    {"the seventh error of the server stands",
     "DELETE",
     {STEP("DELETE /a", 500, NULL, NULL), STEP("DELETE /a", 502, NULL, NULL),
      STEP("DELETE /a", 504, NULL, NULL), STEP("DELETE /a", 500, NULL, NULL),
      STEP("DELETE /a", 500, NULL, NULL), STEP("DELETE /a", 500, NULL, NULL),
      STEP("DELETE /a", 500, NULL, "last"), STEP("DELETE /a", 200, NULL, NULL)},
     .requests = 7,
     .status = 500,
     .least_ms = 31500,
     .most_ms = 63000},
    {"after an answer, connections may break more often",
     "GET",
     {STEP("GET /a", 500, NULL, NULL),
      {"GET /a", .manner = SERVER_CLOSES},
      {"GET /a", .manner = SERVER_RESETS},
      {"GET /a", .manner = SERVER_CLOSES},
      {"GET /a", .manner = SERVER_CLOSES},
      STEP("GET /a", 200, NULL, "x")},
     .requests = 6,
     .status = 200,
     .least_ms = 7500, /* libcurl has repeated the first of them by itself */
     .most_ms = 15000},
    {"a redirection within the origin is followed",
     "GET",
     {STEP("GET /a", 302, "Location: b?c=d", NULL),
      STEP("GET /b?c=d", 301, "Location: /e", NULL), STEP("GET /e", 200, NULL, "x")},
     .requests = 3,
     .status = 200},
    {"a redirection to another origin is an answer",
     "GET",
     {STEP("GET /a", 302, "Location: http://127.0.0.1:9/", NULL)},
     .requests = 1,
     .status = 302},
    {"a write is not redirected by 301",
     "PUT",
     {STEP("PUT /a", 301, "Location: {base}/b", NULL)},
     .requests = 1,
     .status = 301},
    {"a write is repeated elsewhere by 307",
     "PUT",
     {STEP("PUT /a", 307, "Location: {base}/b", NULL), STEP("PUT /b", 200, NULL, NULL)},
     .requests = 2,
     .status = 200},
    {"303 turns a POST into a GET",
     "POST",
     {STEP("POST /a", 303, "Location: {base}/b", NULL), STEP("GET /b", 200, NULL, NULL)},
     .requests = 2,
     .status = 200},
    {"redirections that never end are followed to a limit",
     "GET",
     {{"GET /a", 302, "Location: {base}/a", NULL, .stays = true}},
     .requests = 11,
     .status = 302},
    {"a PATCH sets values and may be sent again",
     "PATCH",
     {STEP("PATCH /a", 500, NULL, NULL), STEP("PATCH /a", 200, NULL, NULL)},
     .requests = 2,
     .status = 200,
     .least_ms = 500,
     .most_ms = 1000},
    {"a POST that failed may have been run",
     "POST",
     {STEP("POST /a", 500, NULL, NULL), STEP("POST /a", 200, NULL, NULL)},
     .requests = 1,
     .status = 500},
    {"a broken connection of a GET",
     "GET",
     {{"GET /a", .manner = SERVER_RESETS}, STEP("GET /a", 200, NULL, "x")},
     .requests = 2,
     .status = 200,
     .least_ms = 500,
     .most_ms = 1000},
    {"a broken connection of a PUT",
     "PUT",
     {{"PUT /a", .manner = SERVER_CLOSES}, STEP("PUT /a", 200, NULL, "x")},
     .requests = 2,
     .status = 200,
     .least_ms = 500,
     .most_ms = 1000},
    {"a broken connection of a POST that was sent",
     "POST",
     {{"POST /a", .manner = SERVER_RESETS}, STEP("POST /a", 200, NULL, "x")},
     .requests = 1,
     .status = 0},
    {"three broken connections are enough",
     "GET",
     {{"GET /a", .manner = SERVER_CLOSES, .stays = true}},
     .requests = 3,
     .status = 0,
     .least_ms = 1500,
     .most_ms = 3000},
    {"a flood is not asked for twice",
     "GET",
     {{"GET /a", .manner = SERVER_CHATTERS, .stays = true}},
     .requests = 1,
     .status = 0},
    {"a refusal is an answer",
     "GET",
     {STEP("GET /a", 403, "Retry-After: 5", NULL)},
     .requests = 1,
     .status = 403},
    {"501 will not get better",
     "GET",
     {STEP("GET /a", 501, NULL, NULL)},
     .requests = 1,
     .status = 501},
};

START_TEST(a_request_is_repeated_when_that_is_safe_and_helps)
{
    const struct retry_row *row = &retry_rows[_i];
    struct answer answer;

    server_play(&h.server, row->script);
    begin(&answer, row->method, memory_format("%s/a", h.server.base), AUDIENCE_NONE);
    harness_settle(&h);
    ck_assert_uint_eq(answer.done_count, 1);
    ck_assert_msg(h.server.request_count == row->requests, "%s: sent %u times", row->name,
                  h.server.request_count);
    ck_assert_msg(answer.exchange->transfer.status == row->status, "%s: HTTP %d, %s",
                  row->name, answer.exchange->transfer.status, answer_code(&answer));
    ck_assert_msg(answer.done_ms >= row->least_ms && answer.done_ms <= row->most_ms,
                  "%s: %lld ms", row->name, (long long)answer.done_ms);
    end(&answer);
}
END_TEST

/* libcurl repeats by itself what was sent on a kept connection that breaks. */
START_TEST(a_post_is_not_sent_twice_because_its_connection_was_kept)
{
    const struct server_step script[] = {STEP("GET /a", 200, NULL, "x"),
                                         {"POST /a", .manner = SERVER_RESETS},
                                         STEP("POST /a", 200, NULL, NULL),
                                         {0}};
    struct answer answer;

    server_play(&h.server, script);
    begin_here(&answer, "GET", "/a");
    harness_settle(&h);
    end(&answer);
    begin_here(&answer, "POST", "/a");
    harness_settle(&h);
    ck_assert_str_eq(answer_code(&answer), "ConnectionFailed");
    ck_assert_str_eq(server_log(&h.server), "GET /a\nPOST /a\n");
    end(&answer);
}
END_TEST

START_TEST(throttling_for_hours_is_given_up)
{
    const struct server_step script[] = {
        {"GET /a", .status = 429, .fields = "Retry-After: 600", .stays = true}, {0}};
    struct answer answer;

    server_play(&h.server, script);
    begin_here(&answer, "GET", "/a");
    harness_settle(&h);
    ck_assert_int_eq(answer.exchange->transfer.status, 429);
    ck_assert_int_ge(answer.done_ms, 3000000);
    ck_assert_int_le(answer.done_ms, 3600000 + 600000);
    end(&answer);
}
END_TEST

START_TEST(a_post_that_was_never_sent_is_tried_again)
{
    struct answer answer;

    begin(&answer, "POST", deaf_url(), AUDIENCE_NONE);
    harness_settle(&h);
    ck_assert_str_eq(answer_code(&answer), "ConnectionFailed");
    ck_assert_uint_eq(stage_wire_counts(h.wire).requests, 3);
    end(&answer);
}
END_TEST

START_TEST(a_repeatable_post_is_repeated)
{
    const struct server_step script[] = {
        STEP("POST /a", 500, NULL, NULL), STEP("POST /a", 200, NULL, NULL), {0}};
    struct answer answer = {.url = memory_format("%s/a", h.server.base)};

    server_play(&h.server, script);
    answer.exchange =
        exchange_new(h.client.pipeline, "POST", answer.url, AUDIENCE_ARM, on_answer);
    answer.exchange->owner = &answer;
    answer.exchange->is_repeatable = true;
    exchange_start(answer.exchange);
    harness_settle(&h);
    ck_assert_int_eq(answer.exchange->transfer.status, 200);
    ck_assert_uint_eq(h.server.request_count, 2);
    end(&answer);
}
END_TEST

static bool one_came(void *context)
{
    (void)context;
    return h.server.request_count == 1;
}

static bool pauses(void *exchange)
{
    return ((struct exchange *)exchange)->retry.timer.place != 0;
}

START_TEST(freed_in_a_pause_it_is_not_sent_again)
{
    const struct server_step script[] = {
        {"GET /a", .status = 429, .fields = "Retry-After: 600", .stays = true}, {0}};
    struct answer answer;

    server_play(&h.server, script);
    begin_here(&answer, "GET", "/a");
    ck_assert(loop_run(h.loop, pauses, answer.exchange, false));
    end(&answer);
    harness_settle(&h);
    ck_assert_uint_eq(answer.done_count, 0);
    ck_assert_uint_eq(h.server.request_count, 1);
}
END_TEST

START_TEST(freed_on_the_wire_it_is_over)
{
    struct answer answer;

    server_play(&h.server, stalling);
    begin_here(&answer, "GET", "/a");
    ck_assert(loop_run(h.loop, one_came, NULL, false));
    end(&answer);
    harness_settle(&h);
    ck_assert_uint_eq(answer.done_count, 0);
}
END_TEST

START_TEST(freed_while_it_waits_for_a_token_it_is_never_sent)
{
    const struct server_step script[] = {STEP("GET /b", 200, NULL, "x"), {0}};
    struct answer answers[2];

    server_play(&h.server, script);
    begin_here(&answers[0], "GET", "/a");
    begin_here(&answers[1], "GET", "/b");
    end(&answers[0]);
    harness_settle(&h);
    ck_assert_str_eq(server_log(&h.server), "GET /b\n");
    ck_assert_int_eq(answers[1].exchange->transfer.status, 200);
    end(&answers[1]);
}
END_TEST

/* --- credentials ---------------------------------------------------------------------- */

static const struct server_step serving[] = {
    {"GET /a", .status = 200, .body = "x", .stays = true}, {0}};

START_TEST(one_token_is_fetched_for_many_requests)
{
    struct answer answers[MANY];

    server_play(&h.server, serving);
    for (size_t i = 0; i < MANY; i++)
        begin_here(&answers[i], "GET", "/a");
    harness_settle(&h);
    ck_assert_uint_eq(h.server.token_count, 1);
    ck_assert_uint_eq(h.server.request_count, MANY);
    ck_assert(server_saw(&h.server, "\r\nAuthorization: Bearer token-1\r\n"));
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(answers[i].exchange->transfer.status, 200);
        end(&answers[i]);
    }
}
END_TEST

START_TEST(a_secret_is_in_no_header_and_a_life_may_be_text)
{
    const struct server_step script[] = {
        STEP("POST /tenant/oauth2/v2.0/token", 200, NULL,
             "{\"access_token\":\"t\",\"expires_in\":\"3599\"}"),
        STEP("GET /a", 200, NULL, "x"),
        {0}};
    struct answer answer;

    server_play(&h.server, script);
    begin_here(&answer, "GET", "/a");
    harness_settle(&h);
    ck_assert_int_eq(answer.exchange->transfer.status, 200);
    ck_assert(!server_saw(&h.server, "top"));
    ck_assert(server_saw(&h.server, "Content-Type: application/x-www-form-urlencoded"));
    end(&answer);
}
END_TEST

START_TEST(a_token_is_renewed_before_it_expires)
{
    struct answer answer;

    server_play(&h.server, serving);
    for (int64_t minute = 0; minute <= 60; minute += 20) {
        clock_advance_to(&h.clock, minute * 60000);
        begin_here(&answer, "GET", "/a");
        harness_settle(&h);
        ck_assert_uint_eq(h.server.token_count, minute < 55 ? 1 : 2);
        end(&answer);
    }
}
END_TEST

START_TEST(a_refused_token_is_renewed_once)
{
    const struct server_step script[] = {STEP("GET /a", 401, NULL, NULL),
                                         STEP("GET /a", 401, NULL, "still"),
                                         STEP("GET /a", 200, NULL, NULL),
                                         {0}};
    struct answer answer;

    server_play(&h.server, script);
    begin_here(&answer, "GET", "/a");
    harness_settle(&h);
    ck_assert_int_eq(answer.exchange->transfer.status, 401);
    ck_assert_uint_eq(h.server.request_count, 2);
    ck_assert_uint_eq(h.server.token_count, 2);
    ck_assert(server_saw(&h.server, "Bearer token-2\r\n"));
    end(&answer);
}
END_TEST

START_TEST(many_requests_with_a_refused_token_fetch_one_new_one)
{
    struct answer answers[MANY];

    server_play(&h.server, serving);
    h.server.refused_token = "Bearer token-1\r\n";
    for (size_t i = 0; i < MANY; i++)
        begin_here(&answers[i], "GET", "/a");
    harness_settle(&h);
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(answers[i].exchange->transfer.status, 200);
        end(&answers[i]);
    }
    ck_assert_uint_eq(h.server.token_count, 2);
}
END_TEST

static const struct refused_row {
    const char *body;
    int status;
    const char *code, *words;
} refused_rows[] = {
    {"{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid "
     "client "
     "secret provided. Trace ID: 1 Correlation ID: 2 Timestamp: 3\"}",
     401, "AuthenticationFailed", "AADSTS7000215: Invalid client secret provided."},
    {"{\"error\":\"temporarily_slow\"}", 400, "AuthenticationFailed", "temporarily_slow"},
    {"<html>proxy</html>", 403, "AuthenticationFailed", "HTTP 403"},
    {"{}", 200, "ProtocolError", "access token"},
    {"{\"access_token\":\"\"}", 200, "ProtocolError", "access token"},
    {"", 200, "ProtocolError", "access token"},
};

START_TEST(a_refused_sign_in_fails_all_who_wait_and_shows_no_secret)
{
    const struct refused_row *row = &refused_rows[_i];
    const struct server_step script[] = {
        STEP("POST /tenant/oauth2/v2.0/token", row->status, NULL, row->body), {0}};
    struct answer answers[3];

    server_play(&h.server, script);
    for (size_t i = 0; i < 3; i++)
        begin_here(&answers[i], "GET", "/a");
    harness_settle(&h);
    ck_assert_uint_eq(h.server.request_count, 1);
    ck_assert_str_eq(h.server.body.data,
                     "grant_type=client_credentials&client_id=client&client_secret="
                     "top%2Fsecret&scope=https%3A%2F%2Farm.example%2F.default&claims="
                     "%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22"
                     "cp1%22%5D%7D%7D%7D");
    for (size_t i = 0; i < 3; i++) {
        char *text = failure_describe(answers[i].exchange->transfer.failure);

        ck_assert_str_eq(answer_code(&answers[i]), row->code);
        ck_assert_ptr_nonnull(strstr(text, row->words));
        ck_assert_ptr_null(strstr(text, "top"));
        ck_assert_ptr_null(strstr(text, "Trace ID"));
        free(text);
        end(&answers[i]);
    }
}
END_TEST

/* {port} stands for the server's own. */
static const struct origin_row {
    const char *url;
    enum audience audience;
    const char *code;
} origin_rows[] = {
    {"https://evil.example/a", AUDIENCE_ARM, "ProtocolError"},
    {"http://evil.example/a", AUDIENCE_ARM, "ProtocolError"},
    {"http://127.0.0.1:1/a", AUDIENCE_ARM, "ProtocolError"},
    {"http://127.0.0.1:%s@evil.example/a", AUDIENCE_ARM, "ProtocolError"},
    {"http://127.0.0.1:%s.evil.example/a", AUDIENCE_ARM, "ProtocolError"},
    {"http://evil.example/?http://127.0.0.1:%s/", AUDIENCE_ARM, "ProtocolError"},
    {"http://evil.example#@127.0.0.1:%s/", AUDIENCE_ARM, "ProtocolError"},
    {"https://127.0.0.1:%s/a", AUDIENCE_ARM, "ProtocolError"},
    {"/a", AUDIENCE_ARM, "ProtocolError"},
    {"", AUDIENCE_ARM, "ProtocolError"},
    {"http://127.0.0.1:%s/a", AUDIENCE_GRAPH, "ProtocolError"},
    {"http://graph.example/v1.0/me", AUDIENCE_GRAPH, "InsecureEndpoint"},
};

START_TEST(a_token_goes_nowhere_else)
{
    const struct origin_row *row = &origin_rows[_i];
    const char *place = strstr(row->url, "%s");
    const char *port = strrchr(h.server.base, ':') + 1;
    struct answer answer;

    server_play(&h.server, serving);
    begin(&answer, "GET",
          place != NULL ? memory_format("%.*s%s%s", (int)(place - row->url), row->url,
                                        port, place + 2)
                        : memory_copy_string(row->url),
          row->audience);
    harness_settle(&h);
    ck_assert_str_eq(answer_code(&answer), row->code);
    ck_assert_uint_eq(stage_wire_counts(h.wire).requests, 0);
    ck_assert_uint_eq(h.server.token_count, 0);
    end(&answer);
}
END_TEST

/* The origin of https://arm.example, by the URL alone: nothing is sent, because signing in
 * fails before. */
static const struct {
    const char *url;
    bool is_ours;
} host_rows[] = {{"https://arm.example/a", true},
                 {"HTTPS://ARM.example/a", true},
                 {"https://westeurope.arm.example/a", true},
                 {"https://arm.example?a=@b", true},
                 {"https://notarm.example/a", false},
                 {"https://arm.example.evil/a", false},
                 {"https://arm.example:444/a", false},
                 {"https://evil/.arm.example", false},
                 {"https://evil#.arm.example", false},
                 {"https://evil@arm.example/a", false},
                 {"https://evil\\.arm.example/a", false},
                 {"http://arm.example/a", false},
                 {"http://westeurope.arm.example/a", false}};

START_TEST(a_host_belongs_to_an_origin_when_it_is_below_it)
{
    const struct server_step script[] = {
        STEP("POST /tenant/oauth2/v2.0/token", 400, NULL, "{\"error\":\"no\"}"), {0}};
    struct answer answer;

    server_play(&h.server, script);
    h.client.origins.by_audience[AUDIENCE_ARM] = "https://arm.example";
    begin(&answer, "GET", memory_copy_string(host_rows[_i].url), AUDIENCE_ARM);
    harness_settle(&h);
    ck_assert_str_eq(answer_code(&answer),
                     host_rows[_i].is_ours ? "AuthenticationFailed" : "ProtocolError");
    ck_assert_uint_eq(h.server.request_count, host_rows[_i].is_ours ? 1 : 0);
    end(&answer);
}
END_TEST

START_TEST(requests_without_an_audience_go_out_unsigned)
{
    struct answer answer;

    server_play(&h.server, serving);
    begin(&answer, "GET", memory_format("%s/a", h.server.base), AUDIENCE_NONE);
    harness_settle(&h);
    ck_assert_int_eq(answer.exchange->transfer.status, 200);
    ck_assert(!server_saw(&h.server, "Authorization"));
    ck_assert(server_saw(&h.server, "\r\nx-ms-client-request-id: "));
    end(&answer);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(rows)[0]))

int main(void)
{
    Suite *suite = suite_create("transport");
    TCase *wire = harness_add_case(suite, "wire", set_up, tear_down);
    TCase *broken = harness_add_case(suite, "broken answers", set_up, tear_down);
    TCase *queue = harness_add_case(suite, "queue", set_up, tear_down);
    TCase *retry = harness_add_case(suite, "retry", set_up, tear_down);
    TCase *credential = harness_add_case(suite, "credential", set_up, tear_down);

    tcase_add_test(wire, an_answer_comes_with_its_status_fields_and_body);
    tcase_add_loop_test(wire, each_method_goes_out_with_its_body, 0, COUNT(methods));
    tcase_add_test(wire, no_program_inherits_a_connection);
    tcase_add_test(wire, a_head_has_fields_and_no_body);
    tcase_add_test(wire, a_handle_forgets_the_request_before);
    tcase_add_test(wire, a_transfer_may_go_past_the_proxy_and_the_next_one_does_not);
    tcase_add_test(wire, a_transfer_may_have_a_time_out_of_its_own);
    tcase_add_test(wire, a_connection_is_used_again);
    tcase_add_test(wire, a_connection_that_the_server_closed_meanwhile_is_replaced);
    tcase_add_test(wire, a_packed_answer_is_unpacked);
    tcase_add_loop_test(broken, a_broken_answer_is_a_failure_and_the_next_request_works,
                        0, COUNT(broken_rows));
    tcase_add_test(broken, a_flood_is_cut_off_near_the_limit);
    tcase_add_test(broken, header_fields_without_end_are_refused);
    tcase_add_test(broken, a_refused_port_is_a_failure_of_nothing_sent);
    tcase_add_loop_test(broken, other_schemes_are_refused, 0, 4);
    tcase_add_test(queue, no_more_are_on_the_wire_than_allowed_and_all_get_their_turn);
    tcase_add_test(queue, canceled_in_the_queue_it_is_never_sent);
    tcase_add_test(queue, canceled_on_the_wire_it_makes_room_for_the_next);
    tcase_add_test(queue, a_transport_that_is_freed_cancels_what_runs_and_waits);
    tcase_add_loop_test(retry, a_request_is_repeated_when_that_is_safe_and_helps, 0,
                        COUNT(retry_rows));
    tcase_add_test(retry, a_post_is_not_sent_twice_because_its_connection_was_kept);
    tcase_add_test(retry, throttling_for_hours_is_given_up);
    tcase_add_test(retry, a_post_that_was_never_sent_is_tried_again);
    tcase_add_test(retry, a_repeatable_post_is_repeated);
    tcase_add_test(retry, freed_in_a_pause_it_is_not_sent_again);
    tcase_add_test(retry, freed_on_the_wire_it_is_over);
    tcase_add_test(retry, freed_while_it_waits_for_a_token_it_is_never_sent);
    tcase_add_test(credential, one_token_is_fetched_for_many_requests);
    tcase_add_test(credential, a_secret_is_in_no_header_and_a_life_may_be_text);
    tcase_add_test(credential, a_token_is_renewed_before_it_expires);
    tcase_add_test(credential, a_refused_token_is_renewed_once);
    tcase_add_test(credential, many_requests_with_a_refused_token_fetch_one_new_one);
    tcase_add_loop_test(credential,
                        a_refused_sign_in_fails_all_who_wait_and_shows_no_secret, 0,
                        COUNT(refused_rows));
    tcase_add_loop_test(credential, a_token_goes_nowhere_else, 0, COUNT(origin_rows));
    tcase_add_loop_test(credential, a_host_belongs_to_an_origin_when_it_is_below_it, 0,
                        COUNT(host_rows));
    tcase_add_test(credential, requests_without_an_audience_go_out_unsigned);
    return harness_run_suite(suite);
}
