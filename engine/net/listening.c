/* engine/net/listening.c - a socket that HTTP clients come to. */
#include "net/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>

#include "base/failure.h"
#include "base/memory.h"

enum { BACKLOG = 1024 };

static bool parse_port(const char *digits, in_port_t *port)
{
    char *end;
    const long number = strtol(digits, &end, 10);

    *port = htons((uint16_t)number);
    return digits[0] >= '0' && digits[0] <= '9' && *end == '\0' && number <= 65535;
}

/* An IPv6 address is in brackets. */
static bool parse_host(const char *host, struct sockaddr_storage *to)
{
    struct sockaddr_in *four = (struct sockaddr_in *)to;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
    const size_t length = strlen(host);

    to->ss_family = host[0] == '[' ? AF_INET6 : AF_INET;
    if (host[0] != '[')
        return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                         &four->sin_addr) == 1;
    if (length < 2 || host[length - 1] != ']')
        return false;

    char *inner = memory_copy_text(host + 1, length - 2);
    const bool is_good = inet_pton(AF_INET6, inner, &six->sin6_addr) == 1;

    free(inner);
    return is_good;
}

/* The port is in the same place in both kinds of address. */
static in_port_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

static bool parse(const char *text, struct sockaddr_storage *to)
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL || colon == text)
        return false;

    char *host = memory_copy_text(text, (size_t)(colon - text));
    const bool is_good = parse_host(host, to) && parse_port(colon + 1, port_of(to));

    free(host);
    return is_good;
}

static socklen_t size_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
                                          : (socklen_t)sizeof(struct sockaddr_in);
}

/* A listening socket whose connections send what they have at once; "[::]" is for IPv4,
 * too. -1 on failure, with errno. */
static int open_socket(const struct sockaddr_storage *address)
{
    const int on = 1, off = 0;
    const int fd = socket(address->ss_family, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    if (evutil_make_socket_closeonexec(fd) == 0 &&
        evutil_make_socket_nonblocking(fd) == 0 &&
        evutil_make_listen_socket_reuseable(fd) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        (address->ss_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
        bind(fd, (const struct sockaddr *)address, size_of(address)) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;

    const int reason = errno;

    evutil_closesocket(fd);
    errno = reason;
    return -1;
}

static void describe_four(struct listening *listening)
{
    const struct sockaddr_in *address = (const struct sockaddr_in *)&listening->address;
    const uint32_t number = ntohl(address->sin_addr.s_addr);

    listening->is_any = number == INADDR_ANY;
    listening->is_loopback = number >> 24 == 127;
    inet_ntop(AF_INET, &address->sin_addr, listening->host, sizeof listening->host);
    if (listening->is_any)
        strcpy(listening->host, "127.0.0.1");
}

static void describe_six(struct listening *listening)
{
    const struct in6_addr *address =
        &((const struct sockaddr_in6 *)&listening->address)->sin6_addr;
    char text[INET6_ADDRSTRLEN];

    listening->is_any = memcmp(address, &in6addr_any, sizeof *address) == 0;
    listening->is_loopback = memcmp(address, &in6addr_loopback, sizeof *address) == 0;
    inet_ntop(AF_INET6, address, text, sizeof text);
    snprintf(listening->host, sizeof listening->host, "[%s]",
             listening->is_any ? "::1" : text);
}

struct failure *listening_open(struct listening *listening, const char *address)
{
    socklen_t length = sizeof listening->address;

    *listening = (struct listening){.fd = -1};
    if (!parse(address, &listening->address))
        return failure_new("IOError",
                           "'%s' is not an address such as 127.0.0.1:4280 or [::1]:4280",
                           address);
    listening->fd = open_socket(&listening->address);
    if (listening->fd < 0 ||
        getsockname(listening->fd, (struct sockaddr *)&listening->address, &length) != 0)
        return failure_new("IOError", "cannot listen on %s: %s", address,
                           strerror(errno));
    listening->port = ntohs(*port_of(&listening->address));
    if (listening->address.ss_family == AF_INET6)
        describe_six(listening);
    else
        describe_four(listening);
    return NULL;
}
