/* engine/store/thread.h - one thread beside the event loop, for work that blocks.
 *
 * It is started with the first job and does them one after the other. Everything here is called
 * from the loop's thread; only `run` is called from the other, and touches neither the loop nor
 * anything that somebody else may touch meanwhile. While a job is under way the loop is held. */
#ifndef MOONGATE_STORE_THREAD_H
#define MOONGATE_STORE_THREAD_H

#include "base/list.h"

struct loop;
struct thread;

/* Zero it before use; it is the owner's memory and stays until `done`. */
struct job {
    void (*run)(struct job *job);  /* on the thread */
    void (*done)(struct job *job); /* then on the loop; may queue it again or free it */
    struct list link;              /* the thread's own */
};

/* Cheap: nothing is opened or started yet. */
struct thread *thread_new(struct loop *loop);

/* Queues a job. Returns 0, or the errno of why there can be no thread; then `done` does not come. */
int thread_queue(struct thread *thread, struct job *job);

/* No job may be under way. */
void thread_free(struct thread *thread);

#endif
