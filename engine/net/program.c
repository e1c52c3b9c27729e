/* engine/net/program.c - another program, run on the event loop.
 *
 * It is over when it has ended, not when its streams have: what it leaves running in the
 * background may keep them open. */
#include "net/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/crypto.h>

#include "base/memory.h"
#include "net/loop.h"

extern char **environ;

enum { MOST_BYTES = 1 << 20, MOST_USUAL_BYTES = 16384 };

/* One of its output streams. */
struct stream {
    struct program *program;
    int fd; /* our end, or -1 */
    struct event *event;
    struct buffer text;
};

struct program {
    struct loop *loop;
    pid_t pid;
    struct stream out, err;
    struct event *ended, *limit;
    bool was_late, was_too_chatty;
    void (*done)(void *owner, const struct program_end *end);
    void *owner;
};

static void close_stream(struct stream *stream)
{
    if (stream->event != NULL)
        event_free(stream->event);
    stream->event = NULL;
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

/* Its output may be a token, so it is wiped. */
static void release(struct program *program)
{
    struct stream *const streams[] = {&program->out, &program->err};

    for (size_t i = 0; i < 2; i++) {
        close_stream(streams[i]);
        if (streams[i]->text.data != NULL)
            OPENSSL_cleanse(streams[i]->text.data, streams[i]->text.capacity);
        buffer_deinit(&streams[i]->text);
    }
    if (program->ended != NULL)
        event_free(program->ended);
    if (program->limit != NULL)
        event_free(program->limit);
    loop_release(program->loop);
    free(program);
}

static void kill_it(const struct program *program)
{
    kill(-program->pid, SIGKILL);
}

/* --- while it runs ------------------------------------------------------------------------ */

/* Takes what is there. */
static void drain(struct stream *stream)
{
    char piece[8192];
    ssize_t length;

    while (stream->fd >= 0) {
        length = read(stream->fd, piece, sizeof piece);
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (length <= 0) {
            close_stream(stream);
        } else if (stream->text.length + (size_t)length > MOST_BYTES) {
            stream->program->was_too_chatty = true;
            kill_it(stream->program);
            close_stream(stream);
        } else {
            buffer_append(&stream->text, piece, (size_t)length);
        }
    }
    OPENSSL_cleanse(piece, sizeof piece);
}

static void on_output(evutil_socket_t fd, short events, void *context)
{
    (void)fd, (void)events;
    drain(context);
}

static void on_late(evutil_socket_t fd, short events, void *context)
{
    struct program *program = context;

    (void)fd, (void)events;
    program->was_late = true;
    kill_it(program); /* the rest comes with its end */
}

/* Some child of ours has ended: this one? */
static void on_child(evutil_socket_t number, short events, void *context)
{
    struct program *program = context;
    int status;

    (void)number, (void)events;
    if (waitpid(program->pid, &status, WNOHANG) != program->pid)
        return;
    drain(&program->out);
    drain(&program->err);
    buffer_append_string(&program->out.text, ""); /* text, not NULL */
    buffer_append_string(&program->err.text, "");

    const struct program_end end = {
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
        .was_late = program->was_late,
        .was_too_chatty = program->was_too_chatty,
        .out = &program->out.text,
        .err = &program->err.text};

    program->done(program->owner, &end);
    release(program);
}

/* --- starting it -------------------------------------------------------------------------- */

static bool open_stream(struct program *program, struct stream *stream, int *their_end)
{
    int ends[2];

    stream->program = program;
    stream->fd = *their_end = -1;
    if (pipe(ends) != 0)
        return false;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    stream->fd = ends[0];
    *their_end = ends[1];
    buffer_reserve(&stream->text, MOST_USUAL_BYTES); /* leaves no copies behind */
    stream->event = event_new(loop_event_base(program->loop), ends[0],
                              EV_READ | EV_PERSIST, on_output, stream);
    event_add(stream->event, NULL);
    return true;
}

/* Returns 0 or an errno. */
static int spawn(struct program *program, char *const *words, char *const *environment,
                 int out, int err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t as_usual;

    sigemptyset(&as_usual);
    sigaddset(&as_usual, SIGPIPE); /* we ignore it, others need not */
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &as_usual);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);

    const int error =
        posix_spawn(&program->pid, words[0], &actions, &attributes, words, environment);

    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

struct program *program_start_with(struct loop *loop, char *const *words,
                                   char *const *environment, int64_t timeout_ms,
                                   void (*done)(void *owner,
                                                const struct program_end *end),
                                   void *owner, const char **why)
{
    struct program *program = memory_new(sizeof *program);
    struct event_base *base = loop_event_base(loop);
    const struct timeval limit = {.tv_sec = (time_t)(timeout_ms / 1000),
                                  .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000)};
    int out = -1, err = -1, error = 0;

    program->loop = loop;
    program->done = done;
    program->owner = owner;
    program->out.fd = program->err.fd = -1;
    loop_hold(loop);
    program->ended = evsignal_new(base, SIGCHLD, on_child, program);
    program->limit = evtimer_new(base, on_late, program);
    event_add(program->ended, NULL); /* before there is a child, so that none is missed */
    if (!open_stream(program, &program->out, &out) ||
        !open_stream(program, &program->err, &err))
        error = errno;
    else
        error = spawn(program, words, environment, out, err);
    if (out >= 0)
        close(out);
    if (err >= 0)
        close(err);
    if (error == 0) {
        event_add(program->limit, &limit);
        return program;
    }
    *why = strerror(error);
    release(program);
    return NULL;
}

struct program *program_start(struct loop *loop, char *const *words, int64_t timeout_ms,
                              void (*done)(void *owner, const struct program_end *end),
                              void *owner, const char **why)
{
    return program_start_with(loop, words, environ, timeout_ms, done, owner, why);
}

void program_cancel(struct program *program)
{
    kill_it(program);
    waitpid(program->pid, NULL, 0); /* at once: nothing outlives SIGKILL */
    release(program);
}

static bool is_executable(const char *path)
{
    struct stat facts;

    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) && access(path, X_OK) == 0;
}

char *program_find(const char *name, const char *search_path)
{
    while (search_path != NULL && *search_path != '\0') {
        const size_t length = strcspn(search_path, ":");
        char *path = memory_format("%.*s/%s", (int)length, search_path, name);

        if (length > 0 && is_executable(path))
            return path;
        free(path);
        search_path += length + (search_path[length] == ':' ? 1 : 0);
    }
    return NULL;
}
