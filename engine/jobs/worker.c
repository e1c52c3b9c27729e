/* engine/jobs/worker.c - a process of its own for the run of a job, with limits. */
#include "jobs/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/memory.h"
#include "net/loop.h"

/* The program that runs, even when another has taken its place on the disk. */
static const char own_program[] = "/proc/self/exe";

struct worker {
    struct loop *loop;
    struct event *ended, *cutting;
    pid_t pid;
    bool is_in_foreground;
    int said, written; /* the files, or -1 */
    char *
        cut; /* the end of what has been cut from the first, WORKER_SAID_BYTES; or NULL */
    void (*done)(void *owner, const struct worker_end *end);
    void *owner;
};

static void release(struct worker *worker)
{
    if (worker->ended != NULL)
        event_free(worker->ended);
    if (worker->cutting != NULL)
        event_free(worker->cutting);
    if (worker->said >= 0)
        close(worker->said);
    if (worker->written >= 0)
        close(worker->written);
    free(worker->cut);
    loop_release(worker->loop);
    free(worker);
}

/* --- what it says ----------------------------------------------------------------------- */

/* Reads the end of the file into `text`. Returns how many bytes. */
static size_t read_end(int fd, char text[WORKER_SAID_BYTES])
{
    const off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    const off_t from = size > WORKER_SAID_BYTES ? size - WORKER_SAID_BYTES : 0;
    const ssize_t count = size > 0 ? pread(fd, text, WORKER_SAID_BYTES, from) : 0;

    return count > 0 ? (size_t)count : 0;
}

/* The same, behind what of the end was cut. */
static size_t read_said(const struct worker *worker, char text[WORKER_SAID_BYTES])
{
    const size_t count = read_end(worker->said, text);
    const size_t room = WORKER_SAID_BYTES - count;

    if (worker->cut == NULL)
        return count;
    memmove(text + room, text, count);
    memcpy(text, worker->cut + WORKER_SAID_BYTES - room, room);
    return WORKER_SAID_BYTES;
}

/* A file that has become long begins anew: what is written goes to its end, wherever that is. Lines
 * between reading and cutting are lost, as those before them. */
static void on_time_to_cut(evutil_socket_t fd, short events, void *context)
{
    struct worker *worker = context;

    (void)fd, (void)events;
    if (lseek(worker->said, 0, SEEK_END) <= WORKER_SAID_MOST)
        return;
    if (worker->cut == NULL)
        worker->cut = memory_new(WORKER_SAID_BYTES);
    if (read_end(worker->said, worker->cut) < WORKER_SAID_BYTES ||
        ftruncate(worker->said, 0) != 0) {
        free(worker->cut); /* it cannot be cut: the file has all of it */
        worker->cut = NULL;
    }
}

static void start_cutting(struct worker *worker)
{
    const struct timeval pause = {.tv_sec = WORKER_CUT_S};

    worker->cutting =
        event_new(loop_event_base(worker->loop), -1, EV_PERSIST, on_time_to_cut, worker);
    event_add(worker->cutting, &pause);
}

/* --- its end ---------------------------------------------------------------------------- */

/* All of the file, owned by the caller; NULL when there is none. */
static char *read_written(int fd, size_t *length)
{
    const off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    char *text;
    ssize_t count;

    if (fd < 0)
        return NULL;
    text = memory_new((size_t)size + 1);
    count = pread(fd, text, (size_t)size, 0);
    *length = count > 0 ? (size_t)count : 0;
    return text;
}

/* Some child of ours has ended: this one? */
static void on_child(evutil_socket_t number, short events, void *context)
{
    struct worker *worker = context;
    char said[WORKER_SAID_BYTES];
    int status;

    (void)number, (void)events;
    if (waitpid(worker->pid, &status, WNOHANG) != worker->pid)
        return;

    const int ended_by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    size_t written_length = 0;
    char *written = read_written(worker->written, &written_length);
    const struct worker_end end = {.exit_code = ended_by != 0 ? 128 + ended_by
                                                              : WEXITSTATUS(status),
                                   .signal = ended_by,
                                   .said = said,
                                   .said_length = read_said(worker, said),
                                   .written = written,
                                   .written_length = written_length};

    worker->done(worker->owner, &end);
    free(written);
    release(worker);
}

/* --- its beginning ---------------------------------------------------------------------- */

/* In the child only what is async-signal-safe may be called: this and what follows. */
static void give_up(const char *why)
{
    const ssize_t length = write(STDERR_FILENO, why, strlen(why));

    (void)length; /* who cannot be told sees the exit code */
    _exit(127);
}

/* What is there of a limit that would be above our own. */
static rlim_t within(rlim_t own, uint64_t wanted)
{
    return own == RLIM_INFINITY || wanted < own ? (rlim_t)wanted : own;
}

/* What we have been given ourselves is not exceeded. At `most` there is a warning, which is a
 * signal that tells what is exceeded; `grace` behind that the end. */
static void limit(int resource, uint64_t most, uint64_t grace)
{
    struct rlimit limits;

    if (most == 0)
        return;
    if (getrlimit(resource, &limits) != 0)
        give_up("moongate: its limits cannot be read\n");
    limits.rlim_cur = within(limits.rlim_max, most);
    limits.rlim_max = within(limits.rlim_max, most + grace);
    if (setrlimit(resource, &limits) != 0)
        give_up("moongate: its memory, its time or what it writes cannot be limited\n");
}

/* A signal that comes before the new program is there is for the child: our handlers, which it
 * still has, would take it away. What is ignored stays so. */
static void listen_to_signals(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
    struct sigaction action;
    sigset_t none;

    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) {
        if (sigaction(caught[i], NULL, &action) != 0 || action.sa_handler == SIG_IGN)
            continue;
        action = (struct sigaction){.sa_handler = SIG_DFL};
        sigaction(caught[i], &action, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct worker_request *request, char *const *words, int said,
                   int written)
{
    static const struct rlimit no_core = {0, 0};

    listen_to_signals();
    if (!request->is_in_foreground) {
        setpgid(0, 0);
        dup2(written >= 0 ? written : open("/dev/null", O_WRONLY | O_CLOEXEC),
             STDOUT_FILENO);
        dup2(said, STDERR_FILENO);
    }
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    setrlimit(RLIMIT_CORE, &no_core); /* it would hold tokens */
    limit(RLIMIT_AS, request->max_memory_bytes, 0);
    limit(RLIMIT_CPU, (uint64_t)(request->max_cpu_ms + 999) / 1000, 1);
    limit(RLIMIT_FSIZE, request->keeps_stdout ? WORKER_WRITTEN_BYTES : 0, 0);
    if (request->folder != NULL && chdir(request->folder) != 0)
        give_up("moongate: its folder cannot be entered\n");
    execv(own_program, words);
    give_up("moongate: /proc/self/exe cannot be executed\n");
}

/* All signals wait until the child has left our handlers. Returns as fork() does. */
static pid_t fork_child(const struct worker_request *request, char *const *words,
                        int said, int written)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0)
        become(request, words, said, written);

    const int error = errno;

    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

/* A file without a name. Returns -1 with an errno. */
static int open_file(void)
{
    const char *folder = getenv("TMPDIR");
    char *path = memory_format("%s/moongate-XXXXXX",
                               folder != NULL && folder[0] == '/' ? folder : "/tmp");
    const int fd = mkstemp(path);

    if (fd >= 0) {
        unlink(path);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fcntl(fd, F_SETFL, O_APPEND);
    }
    free(path);
    return fd;
}

/* The words with the program's name in front, in one block that the caller frees. */
static char **complete_words(char *const *words)
{
    static char name[] = "moongate";
    size_t count = 0;
    char **all;

    while (words[count] != NULL)
        count++;
    all = memory_new((count + 2) * sizeof *all);
    all[0] = name;
    memcpy(&all[1], words, (count + 1) * sizeof *all);
    return all;
}

static char *check_folder(const struct worker_request *request)
{
    if (request->folder == NULL || access(request->folder, X_OK) == 0)
        return NULL;
    return memory_format("its folder '%s': %s", request->folder, strerror(errno));
}

static char *spawn(struct worker *worker, const struct worker_request *request)
{
    char *wrong = check_folder(request), **words;

    if (wrong != NULL)
        return wrong;
    if ((!request->is_in_foreground && (worker->said = open_file()) < 0) ||
        (request->keeps_stdout && (worker->written = open_file()) < 0))
        return memory_format("no file for what it says: %s", strerror(errno));
    words = complete_words(request->words);
    worker->pid = fork_child(request, words, worker->said, worker->written);
    if (worker->pid < 0)
        wrong = memory_format("no process: %s", strerror(errno));
    else if (!request->is_in_foreground)
        setpgid(worker->pid, worker->pid); /* whoever of us comes first */
    free(words);
    return wrong;
}

struct worker *worker_start(struct loop *loop, const struct worker_request *request,
                            void (*done)(void *owner, const struct worker_end *end),
                            void *owner, char **wrong)
{
    struct worker *worker = memory_new(sizeof *worker);

    *worker = (struct worker){.loop = loop,
                              .is_in_foreground = request->is_in_foreground,
                              .said = -1,
                              .written = -1,
                              .done = done,
                              .owner = owner};
    loop_hold(loop);
    worker->ended = evsignal_new(loop_event_base(loop), SIGCHLD, on_child, worker);
    event_add(worker->ended, NULL); /* before there is a child, so that none is missed */
    *wrong = spawn(worker, request);
    if (*wrong != NULL) {
        release(worker);
        return NULL;
    }
    if (worker->said >= 0)
        start_cutting(worker);
    return worker;
}

void worker_signal(struct worker *worker, int number)
{
    kill(worker->is_in_foreground ? worker->pid : -worker->pid, number);
}

int worker_pid(const struct worker *worker)
{
    return (int)worker->pid;
}

void worker_leave(struct worker *worker)
{
    release(worker);
}
