/* engine/store/folder.c - a store in a folder: its calls, and how they get to the thread. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/failure.h"
#include "base/memory.h"
#include "net/loop.h"
#include "store/folder_parts.h"
#include "store/thread.h"

struct folder {
    struct store store;
    struct loop *loop;
    struct thread *thread;
    char *path;
    unsigned leases; /* that are out */
};

/* A call under way. */
struct errand {
    struct job job;
    struct deferred deferred; /* of one that failed before it began */
    struct folder *folder;
    struct folder_request request;
    struct failure *(*work)(struct folder_request *request);
    struct event *alarm; /* for the next look at a lease that is watched */
};

/* --- how they go -------------------------------------------------------------------------------- */

static void finish(struct errand *errand)
{
    struct store_call *call = errand->request.call;

    if (call->lease != NULL)
        errand->folder->leases++;
    if (errand->alarm != NULL)
        event_free(errand->alarm);
    free(errand);
    call->done(call);
}

static void finish_deferred(struct deferred *deferred)
{
    finish(LIST_ENTRY(deferred, struct errand, deferred));
}

static void fail_later(struct errand *errand, struct failure *failure)
{
    errand->request.call->failure = failure;
    errand->deferred.run = finish_deferred;
    loop_defer(errand->folder->loop, &errand->deferred);
}

static void run_errand(struct job *job)
{
    struct errand *errand = LIST_ENTRY(job, struct errand, job);

    errand->request.call->failure = errand->work(&errand->request);
}

static void queue(struct errand *errand)
{
    const int reason = thread_queue(errand->folder->thread, &errand->job);

    if (reason != 0)
        fail_later(errand, failure_new("IOError", "%s: cannot start a thread: %s",
                                       errand->folder->store.label, strerror(reason)));
}

static void on_alarm(evutil_socket_t fd, short events, void *context)
{
    struct errand *errand = context;

    (void)fd, (void)events;
    loop_release(errand->folder->loop);
    queue(errand);
}

/* By the machine's time, as leases go, and with the loop held. */
static void queue_after(struct errand *errand, int64_t delay_ms)
{
    const struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                                  .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};

    if (errand->alarm == NULL)
        errand->alarm =
            evtimer_new(loop_event_base(errand->folder->loop), on_alarm, errand);
    if (errand->alarm == NULL || event_add(errand->alarm, &delay) != 0)
        fail_later(errand, failure_new("IOError", "%s: the system gives no timer",
                                       errand->folder->store.label));
    else
        loop_hold(errand->folder->loop);
}

static void errand_done(struct job *job)
{
    struct errand *errand = LIST_ENTRY(job, struct errand, job);

    if (errand->request.call->failure == NULL && errand->request.watch.for_ms > 0)
        queue_after(errand, errand->request.watch.for_ms);
    else
        finish(errand);
}

/* --- the calls ---------------------------------------------------------------------------------- */

/* `request` lacks what is the same for all; it has a name or a lease. */
static void start(struct store *store, struct store_call *call, unsigned wanted,
                  struct failure *(*work)(struct folder_request *request),
                  const struct folder_request *request)
{
    struct folder *folder = (struct folder *)store;
    struct errand *errand = memory_new(sizeof *errand);

    errand->job.run = run_errand;
    errand->job.done = errand_done;
    errand->folder = folder;
    errand->work = work;
    errand->request = *request;
    errand->request.root = folder->path;
    errand->request.call = call;

    struct failure *refusal =
        request->name != NULL ? store_check_name(request->name, wanted) : NULL;

    if (refusal != NULL)
        fail_later(errand, refusal);
    else
        queue(errand);
}

static void put(struct store *store, struct store_call *call, enum store_put how,
                const char *name, const char *bytes, size_t length)
{
    start(store, call, STORE_TEXT, folder_put,
          &(struct folder_request){
              .how = how, .name = name, .bytes = bytes, .length = length});
}

static void get(struct store *store, struct store_call *call, const char *name,
                uint64_t offset, size_t most)
{
    start(store, call, STORE_TEXT, folder_get,
          &(struct folder_request){.name = name, .position = offset, .length = most});
}

static void list(struct store *store, struct store_call *call, const char *folder)
{
    start(store, call, STORE_FOLDER | STORE_ROOT, folder_list,
          &(struct folder_request){.name = folder});
}

static void remove_name(struct store *store, struct store_call *call, const char *name)
{
    start(store, call, STORE_TEXT | STORE_FOLDER, folder_remove,
          &(struct folder_request){.name = name});
}

static void append(struct store *store, struct store_call *call, const char *name,
                   struct store_lease *lease, uint64_t position, const char *bytes,
                   size_t length, bool is_durable)
{
    start(store, call, STORE_TEXT, folder_append,
          &(struct folder_request){.name = name,
                                   .lease = (struct folder_lease *)lease,
                                   .position = position,
                                   .bytes = bytes,
                                   .length = length,
                                   .is_durable = is_durable});
}

static void cut(struct store *store, struct store_call *call, const char *name,
                struct store_lease *lease, uint64_t length)
{
    start(store, call, STORE_TEXT, folder_cut,
          &(struct folder_request){
              .name = name, .lease = (struct folder_lease *)lease, .position = length});
}

static void acquire(struct store *store, struct store_call *call, const char *name,
                    const char *holder, int64_t duration_ms)
{
    start(store, call, STORE_TEXT, folder_acquire,
          &(struct folder_request){
              .name = name, .bytes = holder, .duration_ms = duration_ms});
}

static void look(struct store *store, struct store_call *call, const char *name)
{
    start(store, call, STORE_TEXT, folder_look, &(struct folder_request){.name = name});
}

static void renew(struct store *store, struct store_call *call, struct store_lease *lease)
{
    start(store, call, STORE_TEXT, folder_renew,
          &(struct folder_request){.lease = (struct folder_lease *)lease});
}

static void release(struct store *store, struct store_call *call,
                    struct store_lease *lease)
{
    ((struct folder *)store)->leases--;
    start(store, call, STORE_TEXT, folder_release,
          &(struct folder_request){.lease = (struct folder_lease *)lease});
}

static void free_folder(struct store *store)
{
    struct folder *folder = (struct folder *)store;

    assert(folder->leases == 0);
    thread_free(folder->thread);
    free(folder->store.label);
    free(folder->path);
    free(folder);
}

struct store *store_new_folder(struct loop *loop, const char *path)
{
    struct folder *folder = memory_new(sizeof *folder);

    folder->store = (struct store){.label = memory_format("folder %s", path),
                                   .put = put,
                                   .get = get,
                                   .list = list,
                                   .remove = remove_name,
                                   .append = append,
                                   .cut = cut,
                                   .acquire = acquire,
                                   .look = look,
                                   .renew = renew,
                                   .release = release,
                                   .free = free_folder};
    folder->loop = loop;
    folder->thread = thread_new(loop);
    folder->path = memory_copy_string(path);
    return &folder->store;
}
