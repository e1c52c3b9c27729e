/* engine/net/service_manager.c - what a service manager is told. */
#include "net/service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"

#ifdef __linux__
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#endif

struct service_manager {
    char *address, *watchdog, *watchdog_pid; /* as the environment had them, or NULL */
};

#ifdef __linux__

enum { PATIENCE_S = 1 };

/* Only the thread that calls this reads the environment; the store's threads do not. */
static char *take_variable(const char *name)
{
    const char *value = getenv(name);
    char *copy = value != NULL && *value != '\0' ? memory_copy_string(value) : NULL;

    unsetenv(name);
    return copy;
}

struct service_manager *service_manager_open(void)
{
    struct service_manager *manager = memory_new(sizeof *manager);

    manager->address = take_variable("NOTIFY_SOCKET");
    manager->watchdog = take_variable("WATCHDOG_USEC");
    manager->watchdog_pid = take_variable("WATCHDOG_PID");
    return manager;
}

/* A path, or behind an @ a name in the abstract name space. The length of the address, 0 when the
 * text is none. */
static socklen_t read_address(const char *text, struct sockaddr_un *address)
{
    const size_t length = strlen(text);

    if ((text[0] != '/' && text[0] != '@') || text[1] == '\0' ||
        length >= sizeof address->sun_path)
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, text, length);
    if (text[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static bool has_line(const char *text, const char *start)
{
    const size_t length = strlen(start);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, start, length) == 0)
            return true;
    }
    return false;
}

/* Type=notify-reload knows by the time which reload is meant. */
static void append_time(struct buffer *message)
{
    struct timespec now;
    char text[32];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "%" PRId64,
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    buffer_append_string(message, "\nMONOTONIC_USEC=");
    buffer_append_string(message, text);
}

static bool send_message(const struct sockaddr_un *address, socklen_t length,
                         const struct buffer *message)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t sent;

    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    do
        sent = sendto(fd, message->data, message->length, MSG_NOSIGNAL,
                      (const struct sockaddr *)address, length);
    while (sent < 0 && errno == EINTR);

    const int error = errno;

    close(fd);
    errno = error;
    return sent >= 0;
}

static const char *explain_errno(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK ? "it does not read" : strerror(errno);
}

char *service_manager_tell(struct service_manager *manager, const char *text)
{
    struct buffer message = {0};
    struct sockaddr_un address;
    char *wrong = NULL;

    if (manager->address == NULL)
        return NULL;

    const socklen_t length = read_address(manager->address, &address);

    if (length == 0)
        return memory_format("the service manager cannot be told: NOTIFY_SOCKET: '%s' is "
                             "not the path or the @name of a socket",
                             manager->address);
    buffer_append_string(&message, text);
    if (has_line(text, "RELOADING=1") && !has_line(text, "MONOTONIC_USEC="))
        append_time(&message);
    if (message.length > SERVICE_MANAGER_MOST_BYTES)
        wrong = memory_format("the service manager cannot be told: more than %d bytes",
                              SERVICE_MANAGER_MOST_BYTES);
    else if (!send_message(&address, length, &message))
        wrong = memory_format("the service manager cannot be told: '%s': %s",
                              manager->address, explain_errno());
    buffer_deinit(&message);
    return wrong;
}

/* Only digits; 0 when it is not that, or too large. */
static int64_t read_number(const char *text)
{
    char *end;

    if (strspn(text, "0123456789") != strlen(text))
        return 0;
    errno = 0;

    const long long number = strtoll(text, &end, 10);

    return errno == 0 && *end == '\0' ? (int64_t)number : 0;
}

int64_t service_manager_watchdog_us(const struct service_manager *manager, char **wrong)
{
    *wrong = NULL;
    if (manager->watchdog == NULL)
        return 0;

    const int64_t pid =
        manager->watchdog_pid != NULL ? read_number(manager->watchdog_pid) : getpid();
    const int64_t interval_us = read_number(manager->watchdog);

    if (pid <= 0)
        *wrong = memory_format("WATCHDOG_PID: '%s' is not the number of a process",
                               manager->watchdog_pid);
    else if (interval_us <= 0)
        *wrong =
            memory_format("WATCHDOG_USEC: '%s' is not a number of microseconds, 1 or "
                          "more",
                          manager->watchdog);
    return *wrong == NULL && pid == getpid() ? interval_us : 0;
}

#else /* nobody listens */

struct service_manager *service_manager_open(void)
{
    return memory_new(sizeof(struct service_manager));
}

char *service_manager_tell(struct service_manager *manager, const char *text)
{
    (void)manager, (void)text;
    return NULL;
}

int64_t service_manager_watchdog_us(const struct service_manager *manager, char **wrong)
{
    (void)manager;
    *wrong = NULL;
    return 0;
}

#endif

bool service_manager_listens(const struct service_manager *manager)
{
    return manager->address != NULL;
}

void service_manager_close(struct service_manager *manager)
{
    if (manager == NULL)
        return;
    free(manager->address);
    free(manager->watchdog);
    free(manager->watchdog_pid);
    free(manager);
}
