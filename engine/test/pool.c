/* engine/test/pool.c - worker processes. */
#include "test/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "test/line.h"

enum { GRACE_MS = 2000, NEVER = -1 };

struct worker {
    pid_t pid; /* 0: there is none */
    int jobs, answers;
    struct buffer text; /* the answer as far as it has come */
    void *job;          /* or NULL */
    int64_t deadline_ms;
    bool is_asked, is_killed; /* to end */
};

struct pool {
    struct pool_options options;
    struct worker *workers;
};

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

enum { SIGNAL_COUNT = sizeof signals / sizeof signals[0] };

/* A handler has no argument for its context, so there is one pool in a process. */
static struct {
    int pipe[2];
    volatile sig_atomic_t came;
} interrupts = {.pipe = {-1, -1}};

/* --- signals -------------------------------------------------------------------------- */

static void on_signal(int number)
{
    const int error = errno;

    (void)number;
    interrupts.came = 1;
    if (write(interrupts.pipe[1], "", 1) < 0)
        errno = error; /* the pipe is full: the wait will end */
    errno = error;
}

static void handle_signals(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigaction(signals[i], &action, NULL);
}

/* --- processes ------------------------------------------------------------------------ */

static void close_pipes(struct worker *worker)
{
    close(worker->jobs);
    close(worker->answers);
    worker->jobs = worker->answers = -1;
}

/* The forked process: it holds no end of another's pipes, so that each of them sees when
 * the parent is gone. */
static void be_worker(struct pool *pool, int jobs_fd, int answers_fd)
{
    const int nothing = open("/dev/null", O_RDONLY);

    setpgid(0, 0); /* Ctrl-C is the parent's; it ends the workers */
    handle_signals(SIG_DFL);
    for (int i = 0; i < 2; i++)
        close(interrupts.pipe[i]);
    for (unsigned i = 0; i < pool->options.size; i++) {
        if (pool->workers[i].pid > 0)
            close_pipes(&pool->workers[i]);
        buffer_deinit(&pool->workers[i].text);
    }
    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO);
    if (nothing > STDIN_FILENO)
        close(nothing);
    pool->options.work(pool->options.context, jobs_fd, answers_fd);
    close(answers_fd);
    exit(EXIT_SUCCESS);
}

static bool make_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return true;
}

static bool launch(struct pool *pool, struct worker *worker)
{
    int jobs[2], answers[2];

    if (!make_pipe(jobs))
        return false;
    if (!make_pipe(answers)) {
        close(jobs[0]);
        close(jobs[1]);
        return false;
    }
    fflush(NULL); /* what is not written yet would be written twice */

    const pid_t pid = fork();

    if (pid == 0) {
        close(jobs[1]);
        close(answers[0]);
        be_worker(pool, jobs[0], answers[1]);
    }
    close(jobs[0]);
    close(answers[1]);
    worker->jobs = jobs[1];
    worker->answers = answers[0];
    if (pid < 0) {
        close_pipes(worker);
        return false;
    }
    worker->pid = pid;
    return true;
}

/* Waits for a worker that has closed its pipe or was killed. */
static int reap(struct worker *worker)
{
    int status = 0;

    close_pipes(worker);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    worker->pid = 0;
    worker->job = NULL;
    worker->is_asked = worker->is_killed = false;
    buffer_clear(&worker->text);
    return status;
}

/* --- jobs ----------------------------------------------------------------------------- */

static struct worker *find_free(const struct pool *pool)
{
    struct worker *unborn = NULL;

    for (unsigned i = 0; i < pool->options.size; i++) {
        struct worker *worker = &pool->workers[i];

        if (worker->pid > 0 && worker->job == NULL)
            return worker;
        if (worker->pid == 0 && unborn == NULL)
            unborn = worker;
    }
    return unborn;
}

bool pool_is_free(const struct pool *pool)
{
    return find_free(pool) != NULL;
}

bool pool_give(struct pool *pool, const cJSON *text, void *job, int64_t limit_ms)
{
    struct worker *worker = find_free(pool);

    if (worker->pid == 0 && !launch(pool, worker))
        return false;
    worker->job = job;
    worker->deadline_ms = clock_machine_ms() + limit_ms;
    line_write(worker->jobs, text); /* of one that is dead, reading will tell */
    return true;
}

/* Ends what has taken too long. Returns for how long nobody has to look again. */
static int enforce_limits(struct pool *pool)
{
    const int64_t now_ms = clock_machine_ms();
    int64_t next_ms = INT64_MAX;

    for (unsigned i = 0; i < pool->options.size; i++) {
        struct worker *worker = &pool->workers[i];

        if (worker->job == NULL || worker->is_killed)
            continue;
        if (now_ms >= worker->deadline_ms) {
            kill(worker->pid, worker->is_asked ? SIGKILL : SIGTERM);
            worker->is_killed = worker->is_asked;
            worker->is_asked = true;
            worker->deadline_ms = now_ms + GRACE_MS;
        }
        if (worker->deadline_ms < next_ms)
            next_ms = worker->deadline_ms;
    }
    if (next_ms == INT64_MAX)
        return NEVER;
    return next_ms - now_ms < INT_MAX ? (int)(next_ms - now_ms) : INT_MAX;
}

/* Reads what there is. Returns true when the job is over, one way or the other. */
static bool read_some(struct worker *worker, struct pool_event *event)
{
    char piece[65536];
    const ssize_t count = read(worker->answers, piece, sizeof piece);

    if (count < 0 && errno == EINTR)
        return false;
    *event = (struct pool_event){.job = worker->job, .too_long = worker->is_asked};
    if (count > 0) {
        buffer_append(&worker->text, piece, (size_t)count);
        if (piece[count - 1] != '\n')
            return false;
        event->answer = json_parse(worker->text.data, worker->text.length, NULL);
        buffer_clear(&worker->text);
        worker->job = NULL;
        worker->is_asked = false;
        return true;
    }
    event->status = reap(worker);
    return event->job != NULL; /* one that had nothing to do is not missed */
}

bool pool_wait(struct pool *pool, struct pool_event *event)
{
    struct pollfd fds[POOL_MOST_WORKERS + 1];
    struct worker *of[POOL_MOST_WORKERS];

    for (;;) {
        const int wait_ms = enforce_limits(pool);
        nfds_t count = 0;
        bool is_busy = false;

        for (unsigned i = 0; i < pool->options.size; i++) {
            struct worker *worker = &pool->workers[i];

            if (worker->pid == 0)
                continue;
            is_busy = is_busy || worker->job != NULL;
            of[count] = worker;
            fds[count++] = (struct pollfd){.fd = worker->answers, .events = POLLIN};
        }
        if (!is_busy || interrupts.came)
            return false;
        fds[count] = (struct pollfd){.fd = interrupts.pipe[0], .events = POLLIN};
        if (poll(fds, count + 1, wait_ms) < 0 && errno != EINTR)
            return false;
        for (nfds_t i = 0; i < count; i++) {
            if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
                read_some(of[i], event))
                return true;
        }
    }
}

/* --- opening and closing -------------------------------------------------------------- */

struct pool *pool_open(const struct pool_options *options)
{
    struct pool *pool = memory_new(sizeof *pool);

    pool->options = *options;
    pool->workers = memory_new(options->size * sizeof(struct worker));
    interrupts.came = 0;
    if (make_pipe(interrupts.pipe)) {
        for (int i = 0; i < 2; i++)
            fcntl(interrupts.pipe[i], F_SETFL, O_NONBLOCK);
        handle_signals(on_signal);
    } /* else signals keep their usual effect */
    return pool;
}

bool pool_is_interrupted(const struct pool *pool)
{
    (void)pool;
    return interrupts.came != 0;
}

unsigned pool_close(struct pool *pool)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < pool->options.size; i++) {
        struct worker *worker = &pool->workers[i];
        const bool is_idle = worker->job == NULL;

        if (worker->pid > 0 && !is_idle)
            kill(worker->pid, SIGKILL);
        if (worker->pid > 0)
            bad += reap(worker) != 0 && is_idle;
        buffer_deinit(&worker->text);
    }
    handle_signals(SIG_DFL);
    for (int i = 0; i < 2; i++) {
        if (interrupts.pipe[i] >= 0)
            close(interrupts.pipe[i]);
        interrupts.pipe[i] = -1;
    }
    free(pool->workers);
    free(pool);
    return bad;
}
