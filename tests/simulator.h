/* tests/simulator.h - `moongate sim` as a process, and bytes to and from its port.
 *
 * MOONGATE names the binary. Whatever is waited for has a deadline. */
#ifndef MOONGATE_TESTS_SIMULATOR_H
#define MOONGATE_TESTS_SIMULATOR_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"

enum { SIMULATOR_WORDS = 24, SIMULATOR_PATIENCE_S = 20 };

struct simulator {
    pid_t pid; /* 0 when none runs */
    int port;
    struct buffer out; /* all up to `ready` */
    char errors[64];   /* the file that its stderr goes to */
};

static struct simulator simulator;

/* Starts it with these words behind `sim`; the list ends with NULL. Its output is read to
 * its end or to `ready`; false when that does not come. */
static inline bool simulator_start(const char *const *words)
{
    char *all[SIMULATOR_WORDS + 3] = {getenv("MOONGATE"), "sim"};
    int ends[2];
    char piece[512];
    ssize_t length;

    ck_assert_ptr_nonnull(all[0]);
    for (size_t i = 0; words[i] != NULL; i++) {
        ck_assert_uint_lt(i, SIMULATOR_WORDS);
        all[2 + i] = (char *)(uintptr_t)words[i];
    }
    strcpy(simulator.errors, "/tmp/check_sim_errors.XXXXXX");

    const int errors = mkstemp(simulator.errors);

    ck_assert_int_ge(errors, 0);
    ck_assert_int_eq(pipe(ends), 0);
    simulator.pid = fork();
    ck_assert_int_ge(simulator.pid, 0);
    if (simulator.pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(errors, STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(all[0], all);
        _exit(127);
    }
    close(ends[1]);
    close(errors);
    buffer_clear(&simulator.out);
    buffer_append_string(&simulator.out, "");
    while (strstr(simulator.out.data, "\nready\n") == NULL &&
           (length = read(ends[0], piece, sizeof piece)) > 0)
        buffer_append(&simulator.out, piece, (size_t)length);
    close(ends[0]);
    return strstr(simulator.out.data, "\nready\n") != NULL;
}

/* What `export NAME=` said, without quotes, owned by the caller; NULL when it was not there. */
static inline char *simulator_value(const char *name)
{
    char *line = memory_format("export %s=", name);
    const char *start = strstr(simulator.out.data, line);

    if (start != NULL)
        start += strlen(line);
    free(line);
    if (start == NULL)
        return NULL;

    const size_t quote = *start == '\'' ? 1 : 0;

    return memory_copy_text(start + quote, strcspn(start, "\n") - 2 * quote);
}

static inline void simulator_learn_port(void)
{
    char *endpoint = simulator_value("MOONGATE_ENDPOINT");

    ck_assert_ptr_nonnull(endpoint);
    simulator.port = atoi(strrchr(endpoint, ':') + 1);
    free(endpoint);
}

/* All that it wrote to stderr; owned by the caller. */
static inline char *simulator_errors(void)
{
    struct buffer text = {0};
    char piece[512];
    FILE *file = fopen(simulator.errors, "r");
    size_t length;

    ck_assert_ptr_nonnull(file);
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_append(&text, piece, length);
    fclose(file);
    return buffer_take(&text);
}

/* Its wait status once it has ended; what it says to stderr stays readable until then. */
static inline int simulator_await(void)
{
    int status = 0;

    ck_assert_int_eq(waitpid(simulator.pid, &status, 0), simulator.pid);
    simulator.pid = 0;
    return status;
}

/* Sends the signal (0: none, it ends by itself) and returns its exit code. */
static inline int simulator_end(int number)
{
    if (number != 0)
        kill(simulator.pid, number);

    const int status = simulator_await();

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* For the end of a test, however it went. */
static inline void simulator_drop(void)
{
    if (simulator.pid > 0) {
        kill(simulator.pid, SIGKILL);
        simulator_await();
    }
    if (simulator.errors[0] != '\0')
        unlink(simulator.errors);
    buffer_deinit(&simulator.out);
    simulator = (struct simulator){0};
}

/* A connection to its port on 127.0.0.1; -1 when it does not listen any more. */
static inline int simulator_connect(void)
{
    const struct timeval patience = {.tv_sec = SIMULATOR_PATIENCE_S};
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port = htons((uint16_t)simulator.port)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline void simulator_send(int fd, const void *bytes, size_t length)
{
    size_t sent = 0;

    while (sent < length) {
        const ssize_t more =
            send(fd, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL);

        if (more <= 0)
            return; /* it does not want the rest; its answer tells why */
        sent += (size_t)more;
    }
}

static inline void simulator_say(int fd, const char *text)
{
    simulator_send(fd, text, strlen(text));
}

/* ---- answers ---- */

struct reply {
    int status;
    struct buffer head; /* with its empty line */
    struct buffer body;
};

static inline void reply_deinit(struct reply *reply)
{
    buffer_deinit(&reply->head);
    buffer_deinit(&reply->body);
    *reply = (struct reply){0};
}

/* A header of it, owned by the caller, or NULL. */
static inline char *reply_header(const struct reply *reply, const char *name)
{
    const char *line = reply->head.data;
    const size_t length = strlen(name);

    while ((line = strchr(line, '\n')) != NULL && *++line != '\0') {
        if (text_has_prefix_nocase(line, name) && line[length] == ':')
            return memory_copy_text(line + length + 2,
                                    strcspn(line + length + 2, "\r\n"));
    }
    return NULL;
}

/* Reads one answer, replacing what was in `reply`; false when the connection ends before.
 * `has_body` is false for the answer to a HEAD. */
static inline bool reply_read(struct reply *reply, int fd, bool has_body)
{
    char c;

    reply_deinit(reply);
    buffer_append_string(&reply->head, "");
    buffer_append_string(&reply->body, "");
    while (strstr(reply->head.data, "\r\n\r\n") == NULL) {
        if (recv(fd, &c, 1, 0) != 1)
            return false;
        buffer_append_char(&reply->head, c);
    }
    ck_assert_int_eq(sscanf(reply->head.data, "HTTP/1.1 %d", &reply->status), 1);

    char *text = reply_header(reply, "Content-Length");
    size_t left = text != NULL && has_body ? strtoul(text, NULL, 10) : 0;

    free(text);
    while (left > 0) {
        char piece[4096];
        const ssize_t length =
            recv(fd, piece, left < sizeof piece ? left : sizeof piece, 0);

        if (length <= 0)
            return false;
        buffer_append(&reply->body, piece, (size_t)length);
        left -= (size_t)length;
    }
    return true;
}

/* Whether nothing more comes: the other end has closed it. */
static inline bool is_closed(int fd)
{
    char c;
    const ssize_t length = recv(fd, &c, 1, 0);

    return length == 0 || (length < 0 && errno == ECONNRESET);
}

#endif
