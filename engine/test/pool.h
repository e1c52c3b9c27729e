/* engine/test/pool.h - worker processes: forked while nothing is open that two processes
 * cannot share, each with one job at a time, over pipes.
 *
 * A worker that dies takes its job with it; another is forked for the next one. Signals that
 * end programs (SIGINT, SIGTERM, SIGHUP) are noticed while a pool is open. */
#ifndef MOONGATE_TEST_POOL_H
#define MOONGATE_TEST_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct pool;

enum { POOL_MOST_WORKERS = 64 };

struct pool_options {
    unsigned size; /* 1 to POOL_MOST_WORKERS */
    /* What a worker does until there are no more jobs; see test/worker.h. */
    void (*work)(const void *context, int jobs_fd, int answers_fd);
    const void *context;
};

/* What became of a job. */
struct pool_event {
    void *job;
    cJSON *answer; /* owned by the caller; NULL: the worker died */
    int status;    /* of the worker that died, as waitpid() gives it */
    bool too_long; /* it was ended because it did not keep the limit */
};

struct pool *pool_open(const struct pool_options *options);

/* Whether a worker has nothing to do, or one may be forked. */
bool pool_is_free(const struct pool *pool);

/* Gives a job, one JSON object, to a free worker. After `limit_ms` of the machine's time the
 * worker is asked to end it, by SIGTERM, and a little later killed. Returns false when no
 * process can be had. */
bool pool_give(struct pool *pool, const cJSON *text, void *job, int64_t limit_ms);

/* Waits until a job is over. Returns false when none is under way, or a signal came. */
bool pool_wait(struct pool *pool, struct pool_event *event);

/* Whether a signal came that ends programs. */
bool pool_is_interrupted(const struct pool *pool);

/* Lets idle workers end by themselves and kills the others. Returns how many of the idle ones
 * ended badly. */
unsigned pool_close(struct pool *pool);

#endif
