/* engine/store/azblob_job.c - a call of the store, one request after the other. */
#include <stdlib.h>

#include "base/memory.h"
#include "store/azblob_parts.h"

static void end(struct deferred *deferred)
{
    struct azblob_job *job = LIST_ENTRY(deferred, struct azblob_job, ending);
    struct store_call *call = job->call;

    loop_release(job->own->loop);
    if (job->release != NULL)
        job->release(job);
    azblob_request_free(job->request);
    free(job->name);
    free(job);
    call->done(call);
}

void *azblob_job_new(struct azblob *own, struct store_call *call, const char *name,
                     size_t size)
{
    struct azblob_job *job = memory_new(size);

    job->own = own;
    job->call = call;
    job->name = memory_copy_string(name);
    job->ending.run = end;
    loop_hold(own->loop);
    return job;
}

static void on_answer(struct azblob_request *request)
{
    struct azblob_job *job = request->owner;

    job->then(job);
}

void azblob_job_send(struct azblob_job *job, struct azblob_request *request,
                     void (*then)(struct azblob_job *job))
{
    azblob_request_free(job->request);
    job->request = request;
    job->then = then;
    azblob_request_start(request, on_answer, job);
}

void azblob_job_end(struct azblob_job *job, struct failure *failure)
{
    void (*undo)(struct azblob_job *, struct failure *) = job->undo;

    job->undo = NULL;
    if (failure != NULL && undo != NULL) {
        undo(job, failure);
        return;
    }
    job->call->failure = failure;
    loop_defer(job->own->loop, &job->ending);
}

void azblob_job_refuse(struct azblob_job *job)
{
    azblob_job_end(job, azblob_request_failure(job->request));
}

bool azblob_job_checks(struct azblob_job *job, unsigned wanted)
{
    struct failure *failure = store_check_name(job->name, wanted);

    if (failure != NULL)
        azblob_job_end(job, failure);
    return failure == NULL;
}
