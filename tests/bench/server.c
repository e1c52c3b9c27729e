/* tests/bench/server.c - an HTTP server of fixed answers, so fast that clients are what is
 * measured.
 *
 *     server [MS]       prints its base URL and serves until it is killed, each request
 *                       MS milliseconds after it came
 *
 * It answers as Resource Manager answers reads and writes of workspaces, and as Entra
 * answers sign-ins. One request at a time on each connection; nothing is checked. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SOCKETS = 4096, REQUEST_BYTES = 16384, TOKEN_BYTES = 1600 };

struct connection {
    size_t used;
    char request[REQUEST_BYTES];
};

/* Answers that are due, the first one first; one at most for each socket. */
struct due {
    int socket;
    const char *answer;
    long long at_us;
};

static struct connection *connections[MOST_SOCKETS];
static struct due dues[MOST_SOCKETS];
static size_t first_due, due_count;
static long long latency_us;
static char resource_answer[4096], token_answer[4096];

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void make_answer(char *answer, size_t size, const char *fields, const char *body)
{
    snprintf(answer, size,
             "HTTP/1.1 200 OK\r\n"
             "Cache-Control: no-cache\r\n"
             "Content-Length: %zu\r\n"
             "Content-Type: application/json; charset=utf-8\r\n"
             "Date: Mon, 05 Jan 2026 10:00:00 GMT\r\n"
             "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
             "x-ms-request-id: 5f5f4b2e-8d0c-4a86-8a27-6a1f2f3b4c5d\r\n%s\r\n%s",
             strlen(body), fields, body);
}

static void make_answers(void)
{
    char token[TOKEN_BYTES + 1], text[601], body[3000];

    memset(token, 't', TOKEN_BYTES);
    token[TOKEN_BYTES] = '\0';
    memset(text, 'd', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(body, sizeof body,
             "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"%s\"}",
             token);
    make_answer(token_answer, sizeof token_answer, "", body);
    snprintf(
        body, sizeof body,
        "{\"id\":\"/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/"
        "bench/providers/Microsoft.ApiManagement/service/bench/workspaces/team\","
        "\"name\":\"team\",\"type\":\"Microsoft.ApiManagement/service/workspaces\","
        "\"etag\":\"\\\"AAAAAAAAAAE=\\\"\",\"properties\":{\"displayName\":\"Team\","
        "\"description\":\"%s\",\"provisioningState\":\"Succeeded\"},"
        "\"systemData\":{\"createdBy\":\"bench\",\"createdByType\":\"Application\","
        "\"createdAt\":\"2026-01-05T10:00:00Z\"}}",
        text);
    make_answer(resource_answer, sizeof resource_answer,
                "ETag: \"AAAAAAAAAAE=\"\r\n"
                "x-ms-correlation-request-id: 0b1c2d3e-4f50-4162-8374-95a6b7c8d9e0\r\n"
                "x-ms-ratelimit-remaining-subscription-reads: 11999\r\n"
                "x-ms-ratelimit-remaining-subscription-writes: 11999\r\n",
                body);
}

/* Whether a whole request is there: its head, and as much body as that announces. */
static bool is_whole(const struct connection *connection)
{
    static const char field[] = "Content-Length:";
    const char *end = strstr(connection->request, "\r\n\r\n");

    if (end == NULL)
        return false;

    const char *length = strstr(connection->request, field);
    const size_t body_bytes =
        length != NULL && length < end ? strtoul(length + sizeof field - 1, NULL, 10) : 0;

    return connection->used >= (size_t)(end + 4 - connection->request) + body_bytes;
}

static void close_connection(int socket)
{
    close(socket);
    free(connections[socket]);
    connections[socket] = NULL;
}

static long long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void answer_with(int socket, const char *answer)
{
    const size_t length = strlen(answer);

    if (write(socket, answer, length) != (ssize_t)length)
        close_connection(socket);
}

/* Sends what is due; returns how many milliseconds it is until the next, or -1. */
static int answer_due(void)
{
    for (; due_count > 0; due_count--, first_due = (first_due + 1) % MOST_SOCKETS) {
        const struct due *due = &dues[first_due];
        const long long left_us = due->at_us - now_us();

        if (left_us > 0)
            return (int)((left_us + 999) / 1000);
        if (connections[due->socket] != NULL)
            answer_with(due->socket, due->answer);
    }
    return -1;
}

static void serve(int socket)
{
    struct connection *connection = connections[socket];
    const ssize_t got = read(socket, connection->request + connection->used,
                             REQUEST_BYTES - 1 - connection->used);

    if (got <= 0) {
        close_connection(socket);
        return;
    }
    connection->used += (size_t)got;
    connection->request[connection->used] = '\0';
    if (!is_whole(connection))
        return;

    const char *answer = connection->request[0] == 'P' && connection->request[1] == 'O'
                             ? token_answer
                             : resource_answer;
    connection->used = 0;
    if (latency_us == 0)
        answer_with(socket, answer);
    else
        dues[(first_due + due_count++) % MOST_SOCKETS] = (struct due){
            .socket = socket, .answer = answer, .at_us = now_us() + latency_us};
}

static void accept_one(int poll, int listener)
{
    const int socket = accept(listener, NULL, NULL);

    if (socket < 0)
        return;
    if (socket >= MOST_SOCKETS) {
        close(socket);
        return;
    }
    connections[socket] = malloc(sizeof *connections[socket]);
    if (connections[socket] == NULL)
        fail("malloc");
    connections[socket]->used = 0;
    epoll_ctl(poll, EPOLL_CTL_ADD, socket,
              &(struct epoll_event){.events = EPOLLIN, .data.fd = socket});
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 512) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        fail("server");
    printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv)
{
    struct epoll_event events[256];
    const int listener = listen_somewhere(), poll = epoll_create1(0);

    latency_us = argc > 1 ? atoi(argv[1]) * 1000LL : 0;
    make_answers();
    if (poll < 0)
        fail("epoll_create1");
    epoll_ctl(poll, EPOLL_CTL_ADD, listener,
              &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    for (;;) {
        const int count = epoll_wait(poll, events, 256, answer_due());

        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_one(poll, listener);
            else
                serve(events[i].data.fd);
        }
    }
}
