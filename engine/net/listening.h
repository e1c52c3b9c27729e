/* engine/net/listening.h - a socket that HTTP clients come to. */
#ifndef MOONGATE_NET_LISTENING_H
#define MOONGATE_NET_LISTENING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct failure;

enum { LISTENING_HOST_SIZE = INET6_ADDRSTRLEN + 2 };

struct listening {
    int fd;
    struct sockaddr_storage address;
    bool is_loopback;               /* nobody outside this machine can come */
    bool is_any;                    /* all addresses of this machine */
    char host[LISTENING_HOST_SIZE]; /* how clients here name it in a URL: "127.0.0.1",
                                       "[::1]" */
    int port;
};

/* Listens at "127.0.0.1:4280", "[::1]:4280" or "localhost:4280"; port 0 takes a free one.
 * Returns NULL, and then the socket is the caller's to close; or why not, owned by the
 * caller. */
struct failure *listening_open(struct listening *listening, const char *address);

#endif
