/* engine/store/azblob_lease.c - the right to be the only one who appends to a log.
 *
 * It is a lease of the log's first blob, and of its last one where there are several. Who has it
 * and how many had it before is metadata of the first blob, written under the lease.
 * Rules: learn.microsoft.com, "Lease Blob". */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/failure.h"
#include "base/memory.h"
#include "store/azblob_parts.h"

enum { SHORTEST_S = 15, LONGEST_S = 60 };

#define FENCE_FIELD    "x-ms-meta-fence"
#define HOLDER_FIELD   "x-ms-meta-holder"   /* base64 */
#define DURATION_FIELD "x-ms-meta-duration" /* seconds */

struct azblob_request *azblob_lease_request(struct azblob *own, const char *name,
                                            unsigned part, const char *action)
{
    char *blob = azblob_part_name(name, part);
    struct azblob_request *request =
        azblob_request_new(own, "PUT", blob, "comp=lease", "leasing");

    request->makes_container = false;
    azblob_request_add_header(request, "x-ms-lease-action: %s", action);
    free(blob);
    return request;
}

bool azblob_request_lost_lease(const struct azblob_request *request)
{
    static const char *const codes[] = {
        "LeaseIdMismatchWithBlobOperation",  "LeaseIdMissing",
        "LeaseNotPresentWithBlobOperation",  "LeaseLost",
        "LeaseIdMismatchWithLeaseOperation", "LeaseIsBrokenAndCannotBeRenewed",
        "LeaseIsBreakingAndCannotBeChanged", "LeaseNotPresentWithLeaseOperation"};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (azblob_request_has_code(request, codes[i]))
            return true;
    }
    return azblob_request_found_none(request);
}

struct failure *azblob_lease_lost(const struct azblob *own, const char *name)
{
    char *what = azblob_format_name(own, name);
    struct failure *failure =
        failure_new("LeaseLost",
                    "the lease of %s has ended, or somebody else has taken it: nothing "
                    "more is written there",
                    what);

    free(what);
    return failure;
}

bool azblob_lease_is_valid(const struct azblob_lease *lease)
{
    return clock_machine_ms() <= lease->valid_until_ms;
}

static void free_lease(struct azblob_lease *lease)
{
    free(lease->name);
    free(lease);
}

/* --- who has it ----------------------------------------------------------------------- */

static struct azblob_request *properties_request(const struct azblob_job *job)
{
    return azblob_request_new(job->own, "HEAD", job->name, "", "looking at the lease of");
}

/* What the holder has said of itself. */
static void read_holder(struct store_call *call, const struct azblob_request *request)
{
    const char *holder = azblob_request_field(request, HOLDER_FIELD);
    const uint64_t duration_s = azblob_request_number(request, DURATION_FIELD);

    call->fence = azblob_request_number(request, FENCE_FIELD);
    if (holder != NULL)
        base64_decode(&call->bytes, holder, strlen(holder));
    /* how much of it has passed nobody is told */
    call->held_for_ms = (int64_t)(duration_s != 0 ? duration_s : LONGEST_S) * 1000;
}

static bool is_leased(const struct azblob_request *request)
{
    const char *state = azblob_request_field(request, "x-ms-lease-state");

    return state != NULL &&
           (strcmp(state, "leased") == 0 || strcmp(state, "breaking") == 0);
}

static void on_looked(struct azblob_job *job)
{
    struct store_call *call = job->call;

    if (azblob_request_found_none(job->request)) {
        azblob_job_end(job, NULL);
    } else if (azblob_request_status(job->request) == 200) {
        read_holder(call, job->request);
        call->is_held = is_leased(job->request);
        if (!call->is_held)
            call->held_for_ms = 0;
        azblob_job_end(job, NULL);
    } else {
        azblob_job_refuse(job);
    }
}

void azblob_look(struct store *store, struct store_call *call, const char *name)
{
    struct azblob_job *job =
        azblob_job_new((struct azblob *)store, call, name, sizeof *job);

    if (azblob_job_checks(job, STORE_TEXT))
        azblob_job_send(job, properties_request(job), on_looked);
}

/* --- acquire -------------------------------------------------------------------------- */

struct acquire {
    struct azblob_walk walk;
    char *holder; /* base64 */
    struct failure *failure;
};

static void finish_acquire(struct azblob_walk *walk)
{
    struct azblob_job *job = &walk->job;

    azblob_keep_end(job->own, job->name, &walk->end);
    job->call->lease = &walk->lease->lease;
    job->call->fence = walk->lease->lease.fence;
    walk->lease = NULL;
    azblob_job_end(job, NULL);
}

static void on_holder_written(struct azblob_job *job)
{
    struct acquire *acquire = (struct acquire *)job;
    struct azblob_walk *walk = &acquire->walk;

    if (azblob_request_status(job->request) != 200)
        azblob_job_refuse(job);
    else if (walk->end.part == 1)
        finish_acquire(walk);
    else
        azblob_walk_start(walk, finish_acquire);
}

/* Nobody else changes the number: that takes the lease. */
static void on_properties(struct azblob_job *job)
{
    struct acquire *acquire = (struct acquire *)job;
    struct azblob_walk *walk = &acquire->walk;
    struct azblob_lease *lease = walk->lease;
    struct azblob_request *request;

    if (azblob_request_status(job->request) != 200) {
        azblob_job_refuse(job);
        return;
    }
    lease->lease.fence = azblob_request_number(job->request, FENCE_FIELD) + 1;
    azblob_walk_note(walk, azblob_request_number(job->request, "content-length"));
    request = azblob_request_new(job->own, "PUT", job->name, "comp=metadata", "leasing");
    azblob_request_add_header(request, "x-ms-lease-id: %s", lease->id);
    azblob_request_add_header(request, FENCE_FIELD ": %llu",
                              (unsigned long long)lease->lease.fence);
    azblob_request_add_header(request, HOLDER_FIELD ": %s", acquire->holder);
    azblob_request_add_header(request, DURATION_FIELD ": %d",
                              (int)(lease->duration_ms / 1000));
    azblob_job_send(job, request, on_holder_written);
}

static void on_given_back(struct azblob_job *job)
{
    struct acquire *acquire = (struct acquire *)job;
    struct failure *failure = acquire->failure;

    acquire->failure = NULL;
    azblob_job_end(job, failure);
}

/* What came behind the lease has failed: others need not wait for its end. */
static void give_back(struct azblob_job *job, struct failure *failure)
{
    struct acquire *acquire = (struct acquire *)job;
    struct azblob_request *request =
        azblob_lease_request(job->own, job->name, 1, "release");

    acquire->failure = failure;
    azblob_request_add_header(request, "x-ms-lease-id: %s", acquire->walk.lease->id);
    azblob_job_send(job, request, on_given_back);
}

/* It may be free again meanwhile; whoever asks anew then finds it so. */
static void on_held(struct azblob_job *job)
{
    if (azblob_request_status(job->request) == 200) {
        read_holder(job->call, job->request);
        job->call->is_held = true;
        azblob_job_end(job, NULL);
    } else {
        azblob_job_refuse(job);
    }
}

static void on_acquired(struct azblob_job *job)
{
    if (azblob_request_status(job->request) == 201) {
        job->undo = give_back;
        azblob_job_send(job, properties_request(job), on_properties);
    } else if (azblob_request_has_code(job->request, "LeaseAlreadyPresent") ||
               azblob_request_has_code(job->request,
                                       "LeaseIsBreakingAndCannotBeAcquired")) {
        azblob_job_send(job, properties_request(job), on_held);
    } else {
        azblob_job_refuse(job);
    }
}

static void on_made(struct azblob_job *job)
{
    struct azblob_lease *lease = ((struct acquire *)job)->walk.lease;
    struct azblob_request *request;

    if (azblob_request_status(job->request) != 201 &&
        !azblob_is_made_already(job->request)) {
        azblob_job_refuse(job);
        return;
    }
    request = azblob_lease_request(job->own, job->name, 1, "acquire");
    azblob_request_add_header(request, "x-ms-lease-duration: %d",
                              (int)(lease->duration_ms / 1000));
    azblob_request_add_header(request, "x-ms-proposed-lease-id: %s", lease->id);
    lease->valid_until_ms = clock_machine_ms() + lease->duration_ms;
    azblob_job_send(job, request, on_acquired);
}

static void release_acquire(struct azblob_job *job)
{
    struct acquire *acquire = (struct acquire *)job;

    if (acquire->walk.lease != NULL)
        free_lease(acquire->walk.lease);
    free(acquire->holder);
}

static int64_t choose_duration_ms(int64_t asked_ms)
{
    const int64_t asked_s = asked_ms / 1000;

    return 1000 * (asked_s < SHORTEST_S  ? SHORTEST_S
                   : asked_s > LONGEST_S ? LONGEST_S
                                         : asked_s);
}

void azblob_acquire(struct store *store, struct store_call *call, const char *name,
                    const char *holder, int64_t duration_ms)
{
    struct azblob *own = (struct azblob *)store;
    struct acquire *acquire = azblob_job_new(own, call, name, sizeof *acquire);
    struct azblob_lease *lease;
    struct buffer text = {0};

    if (!azblob_job_checks(&acquire->walk.job, STORE_TEXT))
        return;
    lease = memory_new(sizeof *lease);
    lease->name = memory_copy_string(name);
    lease->duration_ms = choose_duration_ms(duration_ms);
    lease->part = 1;
    uuid_random(lease->id);
    base64_append(&text, holder, strlen(holder));
    acquire->holder = buffer_take(&text);
    acquire->walk.job.release = release_acquire;
    acquire->walk.lease = lease;
    acquire->walk.extends = true;
    acquire->walk.end.part = 1;
    azblob_job_send(&acquire->walk.job, azblob_make_request(own, name, 1), on_made);
}

/* --- renew and release ---------------------------------------------------------------- */

/* Something done with the leases of the last blob and then of the first. */
struct keeping {
    struct azblob_job job;
    struct azblob_lease *lease;
    unsigned part; /* that is asked about */
    int64_t started_ms;
};

static struct azblob_request *keeping_request(const struct keeping *keeping,
                                              const char *action)
{
    const struct azblob_lease *lease = keeping->lease;
    struct azblob_request *request =
        azblob_lease_request(keeping->job.own, lease->name, keeping->part, action);

    azblob_request_add_header(request, "x-ms-lease-id: %s", lease->id);
    /* an attempt that hangs must leave time for another one */
    request->exchange->transfer.timeout_ms = lease->duration_ms / 3;
    request->exchange->deadline_ms = keeping->started_ms + lease->duration_ms;
    return request;
}

static struct keeping *new_keeping(struct store *store, struct store_call *call,
                                   struct store_lease *lease)
{
    struct azblob_lease *own = (struct azblob_lease *)lease;
    struct keeping *keeping =
        azblob_job_new((struct azblob *)store, call, own->name, sizeof *keeping);

    keeping->lease = own;
    keeping->part = own->part;
    keeping->started_ms = clock_machine_ms();
    return keeping;
}

static void on_renewed(struct azblob_job *job)
{
    struct keeping *keeping = (struct keeping *)job;
    struct azblob_lease *lease = keeping->lease;

    if (azblob_request_lost_lease(job->request)) {
        lease->valid_until_ms = 0;
        azblob_job_end(job, azblob_lease_lost(job->own, job->name));
    } else if (azblob_request_status(job->request) != 200) {
        azblob_job_refuse(job);
    } else if (keeping->part > 1) {
        keeping->part = 1;
        azblob_job_send(job, keeping_request(keeping, "renew"), on_renewed);
    } else {
        lease->valid_until_ms = keeping->started_ms + lease->duration_ms;
        azblob_job_end(job, NULL);
    }
}

void azblob_renew(struct store *store, struct store_call *call, struct store_lease *lease)
{
    struct keeping *keeping = new_keeping(store, call, lease);

    azblob_job_send(&keeping->job, keeping_request(keeping, "renew"), on_renewed);
}

static void on_released(struct azblob_job *job)
{
    struct keeping *keeping = (struct keeping *)job;

    if (azblob_request_status(job->request) != 200 &&
        !azblob_request_lost_lease(job->request)) {
        azblob_job_refuse(job);
    } else if (keeping->part > 1) {
        keeping->part = 1;
        azblob_job_send(job, keeping_request(keeping, "release"), on_released);
    } else {
        azblob_job_end(job, NULL);
    }
}

static void release_released(struct azblob_job *job)
{
    free_lease(((struct keeping *)job)->lease);
}

void azblob_release(struct store *store, struct store_call *call,
                    struct store_lease *lease)
{
    struct keeping *keeping = new_keeping(store, call, lease);

    keeping->job.release = release_released;
    azblob_job_send(&keeping->job, keeping_request(keeping, "release"), on_released);
}
