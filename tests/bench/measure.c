/* tests/bench/measure.c - what a command takes.
 *
 *     measure RESULT RUNS COMMAND...    writes the means of RUNS runs to the file RESULT:
 *                                       CPU-us, wall-us, and the highest peak in KB
 *     measure RESULT answer COMMAND...  runs a `moongate sim`, and writes the us from its
 *                                       start to its first answer */
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t span_us(struct timeval span)
{
    return (int64_t)span.tv_sec * 1000000 + span.tv_usec;
}

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* Runs it with its output in `output`, or where ours goes when that is negative. */
static pid_t start(char **command, int output)
{
    const pid_t child = fork();

    if (child < 0)
        fail("fork");
    if (child == 0) {
        if (output >= 0)
            dup2(output, STDOUT_FILENO);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    return child;
}

static bool measure_runs(FILE *result, long runs, char **command)
{
    int64_t cpu_us = 0, wall_us = 0;
    long peak_kb = 0;

    for (long i = 0; i < runs; i++) {
        const int64_t started_us = now_us();
        struct rusage usage;
        int status;

        if (wait4(start(command, -1), &status, 0, &usage) < 0)
            fail("wait4");
        wall_us += now_us() - started_us;
        cpu_us += span_us(usage.ru_utime) + span_us(usage.ru_stime);
        if (usage.ru_maxrss > peak_kb)
            peak_kb = usage.ru_maxrss;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "measure: %s failed\n", command[0]);
            return false;
        }
    }
    fprintf(result, "%lld %lld %ld\n", (long long)(cpu_us / runs),
            (long long)(wall_us / runs), peak_kb);
    return true;
}

/* Where a simulator listens. */
struct place {
    int port;
    bool is_tls;
};

/* What the simulator whose first words can be read there says of it; it says `ready` last.
 */
static struct place read_place(FILE *words)
{
    static const char before[] = "export MOONGATE_ENDPOINT=http";
    struct place place = {0};
    char line[512];

    while (fgets(line, sizeof line, words) != NULL && strcmp(line, "ready\n") != 0) {
        if (strncmp(line, before, sizeof before - 1) != 0)
            continue;
        place.is_tls = line[sizeof before - 1] == 's';
        place.port = atoi(strrchr(line, ':') + 1);
    }
    return place;
}

static const char request[] = "GET /subscriptions?api-version=2022-12-01 HTTP/1.1\r\n"
                              "Host: 127.0.0.1\r\n\r\n";

static bool ask_plainly(int connection)
{
    char answer[16];

    return write(connection, request, sizeof request - 1) ==
               (ssize_t)sizeof request - 1 &&
           read(connection, answer, sizeof answer) > 0;
}

/* Trusts anybody: only time is measured. */
static bool ask_securely(int connection)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    char answer[16];

    SSL_set_fd(ssl, connection);

    const bool is_answered = SSL_connect(ssl) == 1 &&
                             SSL_write(ssl, request, sizeof request - 1) > 0 &&
                             SSL_read(ssl, answer, sizeof answer) > 0;

    SSL_free(ssl);
    SSL_CTX_free(context);
    return is_answered;
}

static bool ask(struct place place)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port = htons((uint16_t)place.port)};
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    const bool is_answered =
        connect(connection, (const struct sockaddr *)&address, sizeof address) == 0 &&
        (place.is_tls ? ask_securely(connection) : ask_plainly(connection));

    close(connection);
    return is_answered;
}

static bool measure_answer(FILE *result, char **command)
{
    int ends[2];

    if (pipe(ends) != 0)
        fail("pipe");

    const int64_t started_us = now_us();
    const pid_t child = start(command, ends[1]);

    close(ends[1]);

    FILE *words = fdopen(ends[0], "r");
    const struct place place = words != NULL ? read_place(words) : (struct place){0};
    const bool is_answered = place.port != 0 && ask(place);

    fprintf(result, "%lld\n", (long long)(now_us() - started_us));
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    if (!is_answered)
        fputs("measure: no answer\n", stderr);
    return is_answered;
}

int main(int argc, char **argv)
{
    FILE *result = argc > 3 ? fopen(argv[1], "w") : NULL;

    if (result == NULL) {
        fputs("usage: measure RESULT RUNS|answer COMMAND...\n", stderr);
        return 2;
    }

    const bool is_done = strcmp(argv[2], "answer") == 0
                             ? measure_answer(result, argv + 3)
                             : measure_runs(result, atol(argv[2]), argv + 3);

    fclose(result);
    return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}
