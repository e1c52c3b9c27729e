/* engine/sim/server.c - the simulated control plane as an HTTP server on the caller's
 * loop. */
#include "sim/sim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/loop.h"
#include "sim/answer.h"
#include "sim/call.h"
#include "sim/late.h"
#include "sim/plane.h"
#include "sim/world.h"

enum {
    BODY_LIMIT = 8 * 1024 * 1024,
    HEADERS_LIMIT = 64 * 1024,
    BACKLOG = 512,
    IDLE_TIMEOUT_S = 300,
    IDLE_MS = 20,    /* without a request before a virtual clock jumps */
    SIGN_IN_MS = 500 /* no jump so soon after a sign-in: let the token be used first */
};

struct sim {
    struct loop *loop;
    struct world *world;
    struct evhttp *http;
    struct event *idle; /* NULL: the clock does not jump */
    int64_t no_jump_ms; /* until then, by the machine's time */
    int64_t sign_ins;   /* of the world's, those that were noticed */
    char *endpoint;
    struct sim_profile profile;
    struct late late;
    time_t date_s; /* what `date` says */
    char date[40];
};

/* ---- requests ---- */

static enum call_method find_method(enum evhttp_cmd_type type)
{
    switch (type) {
    case EVHTTP_REQ_HEAD:
        return CALL_HEAD;
    case EVHTTP_REQ_PUT:
        return CALL_PUT;
    case EVHTTP_REQ_PATCH:
        return CALL_PATCH;
    case EVHTTP_REQ_POST:
        return CALL_POST;
    case EVHTTP_REQ_DELETE:
        return CALL_DELETE;
    default:
        return CALL_GET;
    }
}

static const char *skip_origin(const char *uri)
{
    const char *host = strstr(uri, "://");

    if (uri[0] == '/' || host == NULL)
        return uri;
    host = strchr(host + 3, '/');
    return host != NULL ? host : "/";
}

/* ---- answers ---- */

static const char *format_date(struct sim *sim)
{
    const time_t now_s = (time_t)(world_told_ms(sim->world, sim->world->now_ms) / 1000);
    struct tm parts;

    if (sim->date_s != now_s) {
        gmtime_r(&now_s, &parts);
        evutil_date_rfc1123(sim->date, sizeof sim->date, &parts);
        sim->date_s = now_s;
    }
    return sim->date;
}

static void add(struct evkeyvalq *headers, const char *name, const char *value)
{
    if (value != NULL)
        evhttp_add_header(headers, name, value);
}

static void add_ids(const struct evkeyvalq *in, struct evkeyvalq *out,
                    const struct answer *answer)
{
    const char *correlation = evhttp_find_header(in, "x-ms-correlation-request-id");
    const char *wants_id = evhttp_find_header(in, "x-ms-return-client-request-id");

    add(out, "x-ms-request-id", answer->request_id);
    add(out, "x-ms-correlation-request-id",
        correlation != NULL ? correlation : answer->request_id);
    if (wants_id != NULL && text_equal_nocase(wants_id, "true"))
        add(out, "x-ms-client-request-id",
            evhttp_find_header(in, "x-ms-client-request-id"));
}

/* Only half of it comes, and the connection ends. */
static void truncate_answer(struct evkeyvalq *out, struct answer *answer)
{
    char number[24];

    evutil_snprintf(number, sizeof number, "%zu", answer->body.length);
    add(out, "Content-Length", number);
    add(out, "Connection", "close");
    answer->body.length /= 2;
}

static void send_answer(void *context, struct evhttp_request *request,
                        struct answer *answer)
{
    struct sim *sim = context;
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);
    char number[16];

    add(out, "Date", format_date(sim));
    add(out, "Cache-Control", "no-cache");
    add_ids(evhttp_request_get_input_headers(request), out, answer);
    add(out, "ETag", answer->etag);
    add(out, "Location", answer->location);
    add(out, "Azure-AsyncOperation", answer->async_operation);
    add(out, "WWW-Authenticate", answer->www_authenticate);
    for (size_t i = 0; i < answer->header_count; i++)
        add(out, answer->headers[i].name, answer->headers[i].value);
    if (answer->retry_after_s > 0) {
        evutil_snprintf(number, sizeof number, "%d", answer->retry_after_s);
        add(out, "Retry-After", number);
    }
    if (answer->body.length > 0)
        add(out, "Content-Type",
            answer->content_type != NULL ? answer->content_type
                                         : "application/json; charset=utf-8");
    else if (answer->status != 204)
        add(out, "Content-Length", "0");
    if (answer->fate == ANSWER_TRUNCATED)
        truncate_answer(out, answer);
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
        evbuffer_add(evhttp_request_get_output_buffer(request), answer->body.data,
                     answer->body.length);
    evhttp_send_reply(request, answer->status, NULL, NULL);
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

static void restart_idle(struct sim *sim)
{
    const int64_t now_ms = clock_machine_ms();
    struct timeval wait = {0};
    int64_t wait_ms;

    if (sim->idle == NULL)
        return;
    if (sim->sign_ins != sim->world->sign_ins)
        sim->no_jump_ms = now_ms + SIGN_IN_MS;
    sim->sign_ins = sim->world->sign_ins;
    wait_ms = sim->no_jump_ms - now_ms > IDLE_MS ? sim->no_jump_ms - now_ms : IDLE_MS;
    wait.tv_usec = (suseconds_t)(wait_ms * 1000); /* less than a second */
    event_add(sim->idle, &wait);
}

static void on_request(struct evhttp_request *request, void *context)
{
    struct sim *sim = context;
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    const char *host = evhttp_find_header(headers, "Host");
    const char *uri = skip_origin(evhttp_request_get_uri(request));
    char *base = host != NULL ? memory_format("http://%s", host)
                              : memory_copy_string(sim->endpoint);
    char *path = memory_copy_text(uri, strcspn(uri, "?"));
    struct answer answer;
    struct call call = {
        .method = find_method(evhttp_request_get_command(request)),
        .base = base,
        .path = path,
        .query = strchr(uri, '?') != NULL ? strchr(uri, '?') + 1 : NULL,
        .authorization = evhttp_find_header(headers, "Authorization"),
        .if_match = evhttp_find_header(headers, "If-Match"),
        .if_none_match = evhttp_find_header(headers, "If-None-Match"),
        .consistency_level = evhttp_find_header(headers, "ConsistencyLevel"),
        .client_request_id = evhttp_find_header(headers, "x-ms-client-request-id"),
        .body_length = evbuffer_get_length(body)};

    call.body = (const char *)evbuffer_pullup(body, -1);
    answer_init(&answer);
    plane_answer(sim->world, &call, &answer);
    if (answer.fate == ANSWER_LATE)
        late_hold(&sim->late, request, &answer, answer.delay_ms);
    else if (answer.fate == ANSWER_SENT || answer.fate == ANSWER_TRUNCATED)
        send_answer(sim, request, &answer);
    else
        abandon(request, answer.fate);
    answer_deinit(&answer);
    free(base);
    free(path);
    restart_idle(sim);
}

/* How long until the next thing happens by itself, or INT64_MAX. */
static int64_t find_next_ms(struct sim *sim)
{
    const int64_t late_ms = late_left_ms(&sim->late);
    const int64_t event_ms = world_next_event(sim->world);
    const int64_t left_ms =
        event_ms < INT64_MAX ? event_ms - world_read_clock(sim->world) : INT64_MAX;

    return late_ms < left_ms ? late_ms : left_ms;
}

/* Nobody has asked for a moment: whoever there is waits for what comes next. */
static void on_idle(evutil_socket_t fd, short events, void *context)
{
    struct sim *sim = context;
    struct clock *clock = loop_clock(sim->loop);
    const int64_t next_ms = find_next_ms(sim);

    (void)fd, (void)events;
    if (next_ms == INT64_MAX)
        return;
    clock_advance_to(clock, clock_now_ms(clock) + next_ms);
    world_tick(sim->world);
    restart_idle(sim);
}

void sim_serve_others(struct sim *sim)
{
    sim->world->clients_are_elsewhere = true;
    sim->late.lends = false;
    if (loop_clock(sim->loop)->mode != CLOCK_VIRTUAL || sim->idle != NULL)
        return;
    sim->idle = evtimer_new(loop_event_base(sim->loop), on_idle, sim);
    restart_idle(sim);
}

/* ---- opening ---- */

static struct failure *parse_address(const char *address, struct sockaddr_in *to)
{
    const char *colon = strrchr(address, ':'), *digits = colon != NULL ? colon + 1 : "";
    char *host = memory_copy_text(address, colon != NULL ? (size_t)(colon - address) : 0);
    char *end;
    const long port = strtol(digits, &end, 10);
    const bool is_address =
        inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                  &to->sin_addr) == 1;

    free(host);
    to->sin_family = AF_INET;
    to->sin_port = htons((uint16_t)port);
    if (!is_address || end == digits || *end != '\0' || port < 0 || port > 65535)
        return failure_new("IOError", "'%s' is not an address such as 127.0.0.1:4280",
                           address);
    if (ntohl(to->sin_addr.s_addr) >> 24 != 127)
        return failure_new("IOError",
                           "'%s' is not of this machine alone; the simulator's secrets "
                           "are no secrets, so it listens on 127.0.0.1 only",
                           address);
    return NULL;
}

/* A listening socket whose connections send what they have at once. -1 on failure. */
static evutil_socket_t open_socket(const struct sockaddr_in *address)
{
    const int on = 1;
    const evutil_socket_t fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    if (evutil_make_socket_closeonexec(fd) == 0 &&
        evutil_make_socket_nonblocking(fd) == 0 &&
        evutil_make_listen_socket_reuseable(fd) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;

    const int reason = errno;

    evutil_closesocket(fd);
    errno = reason;
    return -1;
}

static struct failure *start_listening(struct sim *sim, const char *text)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    struct failure *failure = parse_address(text, &address);

    if (failure != NULL)
        return failure;

    const evutil_socket_t fd = open_socket(&address);

    if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return failure_new("IOError", "cannot listen on %s: %s", text, strerror(errno));
    sim->http = evhttp_new(loop_event_base(sim->loop));
    if (sim->http == NULL || evhttp_accept_socket(sim->http, fd) != 0) {
        evutil_closesocket(fd);
        return failure_new("IOError", "cannot listen on %s: out of resources", text);
    }
    evhttp_set_allowed_methods(sim->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD |
                                              EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |
                                              EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
    evhttp_set_flags(sim->http, EVHTTP_SERVER_LINGERING_CLOSE); /* so that 413 is heard */
    evhttp_set_max_body_size(sim->http, BODY_LIMIT);
    evhttp_set_max_headers_size(sim->http, HEADERS_LIMIT);
    evhttp_set_default_content_type(sim->http, NULL);
    evhttp_set_timeout(sim->http, IDLE_TIMEOUT_S);
    evhttp_set_gencb(sim->http, on_request, sim);
    sim->endpoint = memory_format("http://127.0.0.1:%d", ntohs(address.sin_port));
    return NULL;
}

struct sim *sim_open(struct loop *loop, const struct sim_options *options,
                     struct failure **failure)
{
    struct sim *sim = memory_new(sizeof *sim);
    struct failure *found = NULL;

    sim->loop = loop;
    sim->late =
        (struct late){.loop = loop, .lends = true, .send = send_answer, .context = sim};
    list_init(&sim->late.held);
    sim->date_s = -1;
    sim->world = world_open(options, loop_clock(loop), &found);
    if (sim->world != NULL)
        found = start_listening(sim, options->address);
    if (found != NULL) {
        *failure = found;
        sim_close(sim);
        return NULL;
    }
    sim->profile = sim->world->profile;
    sim->profile.endpoint = sim->endpoint;
    return sim;
}

const struct sim_profile *sim_profile(const struct sim *sim)
{
    return &sim->profile;
}

void sim_close(struct sim *sim)
{
    if (sim == NULL)
        return;
    if (sim->idle != NULL)
        event_free(sim->idle);
    late_deinit(&sim->late);
    if (sim->http != NULL)
        evhttp_free(sim->http);
    world_close(sim->world);
    free(sim->endpoint);
    free(sim);
}
