/* tests/wire.h - a client of the simulator's server that sees bytes and what becomes of its
 * connection. Include it after tests/world.h, whose clock the server goes by. */
#ifndef MOONGATE_TESTS_WIRE_H
#define MOONGATE_TESTS_WIRE_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "net/loop.h"

static struct {
    struct loop *loop;
    struct sim *sim;
    struct event *alarm;
    int fd, error; /* the client's socket; what reading from it last said */
    char text[4096];
    size_t length;
    bool is_late;
} wire;

static void ring(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events, (void)context;
    wire.is_late = true;
}

static void open_wire(const char *faults)
{
    const struct sim_options options = {
        .faults = faults, .address = "127.0.0.1:0", .seed = 1};
    struct failure *failure = NULL;

    memset(&wire, 0, sizeof wire);
    wire.loop = loop_new(&h.clock);
    wire.sim = sim_open(wire.loop, &options, &failure);
    ck_assert_ptr_nonnull(wire.sim);
    wire.alarm = evtimer_new(loop_event_base(wire.loop), ring, NULL);
}

static void close_wire(void)
{
    event_free(wire.alarm);
    sim_close(wire.sim);
    loop_free(wire.loop);
}

static bool has_ended(void *context)
{
    ssize_t length;

    (void)context;
    while ((length = recv(wire.fd, wire.text + wire.length,
                          sizeof wire.text - 1 - wire.length, MSG_DONTWAIT)) > 0)
        wire.length += (size_t)length;
    wire.error = length < 0 ? errno : 0;
    wire.text[wire.length] = '\0';
    return wire.is_late || length == 0 || errno != EAGAIN;
}

/* Lets the loop turn until the server ends the connection, or for so long. */
static void wait_for_end(int milliseconds)
{
    const struct timeval patience = {.tv_usec = milliseconds * 1000};

    wire.is_late = false;
    event_add(wire.alarm, &patience);
    loop_hold(wire.loop);
    loop_run(wire.loop, has_ended, NULL, true);
    loop_release(wire.loop);
    event_del(wire.alarm);
}

/* GET of a path, on a connection of its own. */
static void send_request(const char *path)
{
    char *request =
        memory_format("GET %s HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n", path);
    const char *port = strrchr(sim_profile(wire.sim)->endpoint, ':') + 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    wire.length = 0;
    wire.fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(wire.fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(wire.fd, request, strlen(request), 0),
                     (ssize_t)strlen(request));
    free(request);
}

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

#endif
