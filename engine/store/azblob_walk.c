/* engine/store/azblob_walk.c - finding the end of a log, which is in the last of its blobs.
 *
 * A blob has a next one only when it is full, and how full it is the service tells: so the
 * walk asks each blob for its count of blocks and goes on while that is the limit. Under a lease
 * the last blob is leased as well, by the same id. Whoever holds the first blob's lease may take
 * that of the last one from whoever had it: the first blob's is the one that counts. */
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "store/azblob_parts.h"

enum { MOST_ATTEMPTS = 4 };

char *azblob_part_name(const char *name, unsigned part)
{
    return part == 1 ? memory_copy_string(name)
                     : memory_format("%s%c%u", name, AZBLOB_PART_MARK, part);
}

void azblob_forget_end(struct azblob *own, const char *name)
{
    free(map_remove(&own->ends, name));
}

void azblob_keep_end(struct azblob *own, const char *name, const struct azblob_end *end)
{
    struct azblob_end *kept = map_find(&own->ends, name);

    if (kept == NULL) {
        kept = memory_new(sizeof *kept);
        map_set(&own->ends, name, kept);
    }
    *kept = *end;
}

static void look(struct azblob_walk *walk);

static struct azblob_request *new_request(struct azblob *own, const char *method,
                                          const char *log, unsigned part,
                                          const char *doing)
{
    char *name = azblob_part_name(log, part);
    struct azblob_request *request = azblob_request_new(own, method, name, "", doing);

    free(name);
    return request;
}

struct azblob_request *azblob_make_request(struct azblob *own, const char *name,
                                           unsigned part)
{
    struct azblob_request *request = new_request(own, "PUT", name, part, "making");

    azblob_request_add_header(request, "x-ms-blob-type: AppendBlob");
    azblob_request_add_header(request, "If-None-Match: *");
    return request;
}

bool azblob_is_made_already(const struct azblob_request *request)
{
    return azblob_request_has_code(request, "BlobAlreadyExists") ||
           azblob_request_has_code(request, "LeaseIdMissing");
}

/* --- leasing the last blob ------------------------------------------------------------ */

static void lease_it(struct azblob_walk *walk);

static void on_broken(struct azblob_job *job)
{
    lease_it((struct azblob_walk *)job); /* if it was not broken, that says why */
}

/* Looks again: what comes now is all there will be. */
static void on_covered(struct azblob_job *job)
{
    look((struct azblob_walk *)job);
}

/* The lease is of this blob now; the one that was the last before is full, and let go. */
static void cover(struct azblob_walk *walk)
{
    const unsigned before = walk->lease->part;
    struct azblob_job *job = &walk->job;
    struct azblob_request *request;

    walk->lease->part = walk->end.part;
    if (before == 1) {
        look(walk);
        return;
    }
    request = azblob_lease_request(job->own, job->name, before, "release");
    azblob_request_add_header(request, "x-ms-lease-id: %s", walk->lease->id);
    azblob_job_send(job, request, on_covered);
}

static void on_leased(struct azblob_job *job)
{
    struct azblob_walk *walk = (struct azblob_walk *)job;

    if (azblob_request_status(job->request) == 201) {
        cover(walk);
    } else if (azblob_request_status(job->request) == 409 &&
               ++walk->attempts < MOST_ATTEMPTS) {
        struct azblob_request *request =
            azblob_lease_request(job->own, job->name, walk->end.part, "break");

        azblob_request_add_header(request, "x-ms-lease-break-period: 0");
        azblob_job_send(job, request, on_broken);
    } else {
        azblob_job_refuse(job);
    }
}

static void on_still_ours(struct azblob_job *job)
{
    const struct azblob_walk *walk = (struct azblob_walk *)job;
    const struct azblob_lease *lease = walk->lease;
    struct azblob_request *request;

    if (azblob_request_lost_lease(job->request)) {
        azblob_job_end(job, azblob_lease_lost(job->own, job->name));
        return;
    }
    if (azblob_request_status(job->request) != 200) {
        azblob_job_refuse(job);
        return;
    }
    request = azblob_lease_request(job->own, job->name, walk->end.part, "acquire");
    azblob_request_add_header(request, "x-ms-lease-duration: %d",
                              (int)(lease->duration_ms / 1000));
    azblob_request_add_header(request, "x-ms-proposed-lease-id: %s", lease->id);
    azblob_job_send(job, request, on_leased);
}

/* Only who still has the first blob's lease may take that of another blob, from whoever has
 * it: so that is renewed first. */
static void lease_it(struct azblob_walk *walk)
{
    struct azblob_job *job = &walk->job;
    struct azblob_request *request =
        azblob_lease_request(job->own, job->name, 1, "renew");

    azblob_request_add_header(request, "x-ms-lease-id: %s", walk->lease->id);
    azblob_job_send(job, request, on_still_ours);
}

/* --- from blob to blob ---------------------------------------------------------------- */

bool azblob_walk_note(struct azblob_walk *walk, uint64_t length)
{
    const struct azblob_request *request = walk->job.request;
    const char *type = azblob_request_field(request, "x-ms-blob-type");
    struct azblob_end *end = &walk->end;
    const uint64_t blocks =
        azblob_request_number(request, "x-ms-blob-committed-block-count");

    if (walk->starts != NULL)
        buffer_append(walk->starts, &end->start, sizeof end->start);
    end->length = length;
    end->blocks = (unsigned)blocks;
    if (type == NULL || strcmp(type, "AppendBlob") != 0 ||
        blocks < walk->job.own->most_blocks)
        return true;
    end->part++;
    end->start += length;
    end->length = 0;
    end->blocks = 0;
    walk->attempts = 0;
    return false;
}

static void arrive(struct azblob_walk *walk)
{
    if (walk->lease != NULL && walk->end.part > 1 && walk->lease->part != walk->end.part)
        lease_it(walk);
    else
        walk->arrived(walk);
}

static void on_made(struct azblob_job *job)
{
    struct azblob_walk *walk = (struct azblob_walk *)job;
    const int status = azblob_request_status(job->request);

    if (status == 201) {
        walk->is_absent = false;
        arrive(walk);
    } else if (azblob_is_made_already(job->request)) {
        look(walk);
    } else {
        azblob_job_refuse(job);
    }
}

static void make(struct azblob_walk *walk)
{
    struct azblob_job *job = &walk->job;

    azblob_job_send(job, azblob_make_request(job->own, job->name, walk->end.part),
                    on_made);
}

static struct failure *no_log(const struct azblob_job *job)
{
    char *what = azblob_format_name(job->own, job->name);
    struct failure *failure =
        failure_new("InvalidBlobType", "%s is no log: it was put as a whole", what);

    free(what);
    return failure;
}

static void on_properties(struct azblob_job *job)
{
    struct azblob_walk *walk = (struct azblob_walk *)job;
    const char *type = azblob_request_field(job->request, "x-ms-blob-type");

    if (azblob_request_status(job->request) == 200) {
        if (walk->extends && (type == NULL || strcmp(type, "AppendBlob") != 0))
            azblob_job_end(job, no_log(job));
        else if (azblob_walk_note(walk,
                                  azblob_request_number(job->request, "content-length")))
            arrive(walk);
        else
            look(walk);
    } else if (azblob_request_found_none(job->request)) {
        if (walk->end.part == 1 ? walk->makes : walk->extends) {
            make(walk);
        } else {
            walk->is_absent = walk->end.part == 1;
            walk->arrived(walk);
        }
    } else {
        azblob_job_refuse(job);
    }
}

static void look(struct azblob_walk *walk)
{
    struct azblob_job *job = &walk->job;

    azblob_job_send(job,
                    new_request(job->own, "HEAD", job->name, walk->end.part,
                                "looking for the end of"),
                    on_properties);
}

void azblob_walk_start(struct azblob_walk *walk,
                       void (*arrived)(struct azblob_walk *walk))
{
    walk->arrived = arrived;
    walk->attempts = 0;
    look(walk);
}

void azblob_walk_make(struct azblob_walk *walk, void (*arrived)(struct azblob_walk *walk))
{
    walk->arrived = arrived;
    make(walk);
}
