/* engine/store/thread.c - one thread beside the event loop, for work that blocks. */
#include "store/thread.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/memory.h"
#include "net/loop.h"

struct thread {
    struct loop *loop;
    pthread_t id;
    bool is_running;
    int ends[2]; /* a pipe: a byte wakes the loop; valid while it is running */
    struct event *wakeup;
    unsigned under_way;

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t has_work;
    struct list queued, finished;
    bool is_over;
};

struct thread *thread_new(struct loop *loop)
{
    struct thread *thread = memory_new(sizeof *thread);

    thread->loop = loop;
    pthread_mutex_init(&thread->mutex, NULL);
    pthread_cond_init(&thread->has_work, NULL);
    list_init(&thread->queued);
    list_init(&thread->finished);
    return thread;
}

/* --- on the thread ------------------------------------------------------------------------ */

/* The next job, or NULL when there will be none. */
static struct job *wait_for_job(struct thread *thread)
{
    struct list *link;

    pthread_mutex_lock(&thread->mutex);
    while ((link = list_take_first(&thread->queued)) == NULL && !thread->is_over)
        pthread_cond_wait(&thread->has_work, &thread->mutex);
    pthread_mutex_unlock(&thread->mutex);
    return link != NULL ? LIST_ENTRY(link, struct job, link) : NULL;
}

/* One byte for all that is finished until the loop looks: the pipe never fills. */
static void hand_back(struct thread *thread, struct job *job)
{
    pthread_mutex_lock(&thread->mutex);

    const bool is_first = list_is_empty(&thread->finished);

    list_append(&thread->finished, &job->link);
    pthread_mutex_unlock(&thread->mutex);
    while (is_first && write(thread->ends[1], "", 1) < 0 && errno == EINTR)
        ;
}

static void *work(void *context)
{
    struct thread *thread = context;
    struct job *job;

    while ((job = wait_for_job(thread)) != NULL) {
        job->run(job);
        hand_back(thread, job);
    }
    return NULL;
}

/* --- on the loop --------------------------------------------------------------------------- */

static struct job *take_finished(struct thread *thread)
{
    pthread_mutex_lock(&thread->mutex);

    struct list *link = list_take_first(&thread->finished);

    pthread_mutex_unlock(&thread->mutex);
    return link != NULL ? LIST_ENTRY(link, struct job, link) : NULL;
}

static void on_wakeup(evutil_socket_t fd, short events, void *context)
{
    struct thread *thread = context;
    struct job *job;
    char byte;

    (void)events;
    while (read(fd, &byte, 1) < 0 && errno == EINTR)
        ;
    while ((job = take_finished(thread)) != NULL) {
        thread->under_way--;
        loop_release(thread->loop);
        job->done(job);
    }
}

static void close_pipe(struct thread *thread)
{
    if (thread->wakeup != NULL)
        event_free(thread->wakeup);
    thread->wakeup = NULL;
    close(thread->ends[0]);
    close(thread->ends[1]);
}

static int open_pipe(struct thread *thread)
{
    if (pipe(thread->ends) != 0)
        return errno;
    for (int i = 0; i < 2; i++)
        fcntl(thread->ends[i], F_SETFD, FD_CLOEXEC);
    /* Two bytes may be there for one look; the one that is too many must not block. */
    fcntl(thread->ends[0], F_SETFL, O_NONBLOCK);
    thread->wakeup = event_new(loop_event_base(thread->loop), thread->ends[0],
                               EV_READ | EV_PERSIST, on_wakeup, thread);
    if (thread->wakeup != NULL && event_add(thread->wakeup, NULL) == 0)
        return 0;
    close_pipe(thread);
    return ENOMEM;
}

/* Signals are the loop's: the thread is born with all of them blocked. */
static int start(struct thread *thread)
{
    sigset_t all, before;
    int reason = open_pipe(thread);

    if (reason == 0) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        reason = pthread_create(&thread->id, NULL, work, thread);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (reason != 0)
            close_pipe(thread);
    }
    thread->is_running = reason == 0;
    return reason;
}

int thread_queue(struct thread *thread, struct job *job)
{
    const int reason = thread->is_running ? 0 : start(thread);

    if (reason != 0)
        return reason;
    thread->under_way++;
    loop_hold(thread->loop);
    pthread_mutex_lock(&thread->mutex);
    list_append(&thread->queued, &job->link);
    pthread_cond_signal(&thread->has_work);
    pthread_mutex_unlock(&thread->mutex);
    return 0;
}

void thread_free(struct thread *thread)
{
    assert(thread->under_way == 0);
    if (thread->is_running) {
        pthread_mutex_lock(&thread->mutex);
        thread->is_over = true;
        pthread_cond_signal(&thread->has_work);
        pthread_mutex_unlock(&thread->mutex);
        pthread_join(thread->id, NULL);
        close_pipe(thread);
    }
    pthread_cond_destroy(&thread->has_work);
    pthread_mutex_destroy(&thread->mutex);
    free(thread);
}
