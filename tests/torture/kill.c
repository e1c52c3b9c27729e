/* tests/torture/kill.c - a library that is preloaded into moongate and kills it at a chosen point;
 * see kill.h. It also makes time go faster: a run that waits for hours is tortured in no time. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "kill.h"

static struct kill_plan *plan;
static atomic_int awaited = -1; /* the socket whose next answer is the point */

static void *find(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    if (function == NULL)
        abort();
    return function;
}

/* Defines real_NAME, which calls what NAME would be without us. ISO C has no conversion from the
 * pointer that dlsym() gives, POSIX has. */
#define REAL(type, name, parameters)                                                     \
    static type(*real_##name) parameters;                                                \
    static void find_##name(void)                                                        \
    {                                                                                    \
        if (real_##name == NULL)                                                         \
            *(void **)(&real_##name) = find(#name);                                      \
    }

REAL(ssize_t, write, (int, const void *, size_t))
REAL(int, fdatasync, (int))
REAL(int, renameat, (int, const char *, int, const char *))
REAL(int, linkat, (int, const char *, int, const char *, int))
REAL(int, unlinkat, (int, const char *, int))
REAL(int, ftruncate, (int, off_t))
REAL(ssize_t, send, (int, const void *, size_t, int))
REAL(ssize_t, recv, (int, void *, size_t, int))
REAL(int, clock_gettime, (clockid_t, struct timespec *))
REAL(int, epoll_wait, (int, struct epoll_event *, int, int))

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TORTURE_FILE");
    const int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;

    find_write(), find_fdatasync(), find_renameat(), find_linkat();
    find_unlinkat(), find_ftruncate(), find_send(), find_recv(), find_clock_gettime();
    find_epoll_wait();
    if (fd < 0)
        return;
    plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (plan == MAP_FAILED)
        abort();
}

/* --- points ---------------------------------------------------------------------------------- */

static void strike(void)
{
    static const struct timespec pause_of_others = {.tv_nsec = 50000000};

    atomic_store(&plan->has_struck, 1);
    /* another thread may be between its look at the lease and the call that sends, where no stop
     * can be made good */
    if (plan->signal == SIGSTOP)
        nanosleep(&pause_of_others, NULL);
    kill(getpid(), plan->signal);
    while (plan->signal == SIGKILL)
        pause(); /* another thread may run a little longer; this one does not */
}

/* Counts it. Whether it is the one that was chosen. */
static bool is_chosen(int kind)
{
    return plan != NULL && atomic_fetch_add(&plan->seen[kind], 1) + 1 == plan->number &&
           plan->kind == kind;
}

static void strike_if(bool chosen, int side)
{
    if (chosen && plan->side == side)
        strike();
}

/* Which kind of point a change of this file is, or -1. */
static int classify(int fd)
{
    char link[40], path[512];
    ssize_t length;

    if (plan == NULL)
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length <= 0 || path[0] != '/')
        return -1; /* a socket, a pipe */
    path[length] = '\0';
    if (strstr(path, "/runs/") == NULL || strstr(path, "/events.jsonl") != NULL)
        return -1;

    const char *leaf = strrchr(path, '/') + 1;

    return strcmp(leaf, "journal.jsonl") == 0 ? POINT_JOURNAL : POINT_STORE;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    const int saved = errno, kind = classify(fd);
    const bool chosen = kind >= 0 && is_chosen(kind);

    errno = saved;
    strike_if(chosen, POINT_BEFORE);
    if (chosen && plan->side == POINT_TORN) {
        if (real_write(fd, bytes, length / 2) < 0)
            abort();
        strike();
    }

    const ssize_t count = real_write(fd, bytes, length);

    /* the disk has it, too, which makes no difference to who is only killed */
    if (chosen && plan->side == POINT_AFTER && real_fdatasync(fd) == 0)
        strike();
    return count;
}

/* A change of the store that is not a write. */
#define STORE_CHANGE(name, fd, parameters, arguments)                                    \
    int name parameters                                                                  \
    {                                                                                    \
        const int saved = errno;                                                         \
        const bool chosen = classify(fd) >= 0 && is_chosen(POINT_STORE);                 \
                                                                                         \
        errno = saved;                                                                   \
        strike_if(chosen, POINT_BEFORE);                                                 \
                                                                                         \
        const int result = real_##name arguments;                                        \
                                                                                         \
        strike_if(chosen, POINT_AFTER);                                                  \
        return result;                                                                   \
    }

STORE_CHANGE(ftruncate, fd, (int fd, off_t length), (fd, length))
STORE_CHANGE(renameat, to_folder,
             (int from_folder, const char *from, int to_folder, const char *to),
             (from_folder, from, to_folder, to))
STORE_CHANGE(linkat, to_folder,
             (int from_folder, const char *from, int to_folder, const char *to,
              int flags),
             (from_folder, from, to_folder, to, flags))
STORE_CHANGE(unlinkat, folder, (int folder, const char *name, int flags),
             (folder, name, flags))

static int port_of(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;

    if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
        return 0;
    return ntohs(((struct sockaddr_in *)&peer)->sin_port); /* at the same place in IPv6 */
}

/* Which kind of point these bytes begin, or -1 when they go on with something. */
static int classify_request(int fd, const char *bytes, size_t length)
{
    static const char *const methods[] = {"GET /",   "PUT /",    "POST /",
                                          "PATCH /", "DELETE /", "HEAD /"};
    char line[2048];
    bool begins = false;

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        begins = begins || (length > strlen(methods[i]) &&
                            memcmp(bytes, methods[i], strlen(methods[i])) == 0);
    if (!begins)
        return -1;
    if (plan->store_port == 0 || port_of(fd) != plan->store_port)
        return POINT_REQUEST;
    snprintf(line, sizeof line, "%.*s", (int)(length < 2000 ? length : 2000), bytes);
    line[strcspn(line, "\r")] = '\0';
    if (bytes[0] != 'P')
        return -1; /* it reads */
    return strstr(line, "journal.jsonl") != NULL && strstr(line, "appendblock") != NULL
               ? POINT_JOURNAL
           : strstr(line, "events.jsonl") != NULL ? -1
                                                  : POINT_STORE;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    const int kind = plan != NULL ? classify_request(fd, bytes, length) : -1;
    const bool chosen = kind >= 0 && is_chosen(kind);

    strike_if(chosen, POINT_BEFORE);
    if (chosen && plan->side == POINT_AFTER)
        atomic_store(&awaited, fd);
    return real_send(fd, bytes, length, flags);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags)
{
    const ssize_t count = real_recv(fd, bytes, length, flags);

    if (count > 0 && (flags & MSG_PEEK) == 0 && atomic_load(&awaited) == fd) {
        atomic_store(&awaited, -1);
        strike();
    }
    return count;
}

/* --- time ------------------------------------------------------------------------------------- */

static long long haste(void)
{
    return plan != NULL && plan->haste > 1 ? plan->haste : 1;
}

/* Clocks that only say how much time has passed go faster; that of the calendar does not. */
int clock_gettime(clockid_t id, struct timespec *now)
{
    if (real_clock_gettime == NULL)
        find_clock_gettime();

    const int result = real_clock_gettime(id, now);

    if (result == 0 && haste() > 1 &&
        (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME)) {
        const long long ns = (now->tv_sec * 1000000000LL + now->tv_nsec) * haste();

        now->tv_sec = (time_t)(ns / 1000000000);
        now->tv_nsec = (long)(ns % 1000000000);
    }
    return result;
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    const long long ns = timeout_ms * 1000000LL / haste();
    const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                                  .tv_nsec = (long)(ns % 1000000000)};

    if (haste() == 1 || timeout_ms <= 0)
        return real_epoll_wait(fd, events, most, timeout_ms);
    if (ppoll(&wait, 1, &time, NULL) < 0)
        return -1;
    return real_epoll_wait(fd, events, most, 0);
}
