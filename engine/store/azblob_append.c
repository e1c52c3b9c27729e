/* engine/store/azblob_append.c - appending to logs.
 *
 * Each block says at which length of the blob it is to be appended, so the service refuses it
 * when somebody else was there first - or when it was appended already and only the answer was
 * lost: then the bytes that are there are compared. */
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "store/azblob_parts.h"

struct append {
    struct azblob_walk walk; /* its `end` is where the log ends now */
    uint64_t position;
    const char *bytes;
    size_t length, sent;
    size_t block;  /* bytes of the block that is under way */
    bool is_fresh; /* the end was asked for in this call */
};

static struct append *append_of(struct azblob_job *job)
{
    return (struct append *)job;
}

/* Nothing that was known of the log counts any more. */
static void fail(struct append *append, struct failure *failure)
{
    struct azblob_job *job = &append->walk.job;

    azblob_forget_end(job->own, job->name);
    azblob_job_end(job, failure);
}

static void refuse(struct append *append)
{
    fail(append, azblob_request_failure(append->walk.job.request));
}

static void refuse_lease(struct append *append)
{
    const struct azblob_job *job = &append->walk.job;

    fail(append, azblob_lease_lost(job->own, job->name));
}

static void refuse_position(struct append *append)
{
    const struct azblob_job *job = &append->walk.job;
    const struct azblob_end *end = &append->walk.end;
    const unsigned long long length = end->start + end->length;
    const unsigned long long wanted = append->position + append->sent;
    char *what = azblob_format_name(job->own, job->name);

    fail(append,
         length != wanted
             ? failure_new("StorePositionMismatch", "%s is %llu bytes long, not %llu",
                           what, length, wanted)
             : failure_new("StorePositionMismatch",
                           "%s is not %llu bytes long any more: somebody else has "
                           "written it",
                           what, wanted));
    free(what);
}

/* --- blocks --------------------------------------------------------------------------- */

static void send_block(struct append *append);

static void step_on(struct append *append, uint64_t blocks)
{
    struct azblob_end *end = &append->walk.end;

    end->length += append->block;
    end->blocks = blocks != 0 ? (unsigned)blocks : end->blocks + 1;
    append->sent += append->block;
    send_block(append);
}

static uint64_t count_blocks(const struct azblob_job *job)
{
    return azblob_request_number(job->request, "x-ms-blob-committed-block-count");
}

static void on_compared(struct azblob_job *job)
{
    struct append *append = append_of(job);
    const struct buffer *answer = &job->request->exchange->transfer.answer;
    const int status = azblob_request_status(job->request);

    if (status == 206 && answer->length == append->block &&
        memcmp(answer->data, append->bytes + append->sent, append->block) == 0)
        step_on(append, count_blocks(job));
    else if (status == 206 || azblob_request_has_code(job->request, "InvalidRange"))
        refuse_position(append);
    else
        refuse(append);
}

static void compare(struct append *append)
{
    struct azblob_job *job = &append->walk.job;
    const struct azblob_end *end = &append->walk.end;
    char *name = azblob_part_name(job->name, end->part);
    struct azblob_request *request =
        azblob_request_new(job->own, "GET", name, "", "reading");

    azblob_request_add_header(request, "Range: bytes=%llu-%llu",
                              (unsigned long long)end->length,
                              (unsigned long long)(end->length + append->block - 1));
    free(name);
    azblob_job_send(job, request, on_compared);
}

/* Whether what is in our place may be ours. Under a lease nobody else can write there; without
 * one it was sent more than once, or it is not. */
static bool may_be_ours(const struct append *append)
{
    const struct exchange *exchange = append->walk.job.request->exchange;

    return append->walk.lease != NULL || exchange->retry.attempts > 1 ||
           exchange->transfer.send_count > 1;
}

static void ask_for_end(struct append *append);

static void on_block(struct azblob_job *job)
{
    struct append *append = append_of(job);
    const struct azblob_request *request = job->request;
    const bool is_leased = append->walk.lease != NULL;

    if (azblob_request_status(request) == 201) {
        step_on(append, count_blocks(job));
    } else if (is_leased && azblob_request_lost_lease(request)) {
        refuse_lease(append);
    } else if (azblob_request_has_code(request, "AppendPositionConditionNotMet")) {
        if (may_be_ours(append))
            compare(append);
        else
            refuse_position(append);
    } else if (azblob_request_has_code(request, "BlockCountExceedsLimit")) {
        append->walk.end.blocks = job->own->most_blocks;
        send_block(append);
    } else if (azblob_request_found_none(request) && !append->is_fresh) {
        ask_for_end(append);
    } else {
        refuse(append);
    }
}

/* How much goes into the next block: all, or as many whole lines as fit, so that a log of lines
 * is cut between two of them if the next block is not written. */
static size_t choose_block(const struct append *append)
{
    const char *bytes = append->bytes + append->sent;
    const size_t most = append->walk.job.own->block_bytes;
    const size_t left = append->length - append->sent;
    size_t length = most;

    if (left <= most)
        return left;
    while (length > 0 && bytes[length - 1] != '\n')
        length--;
    return length > 0 ? length : most;
}

static void put_block(struct append *append)
{
    struct azblob_job *job = &append->walk.job;
    const struct azblob_lease *lease = append->walk.lease;
    char *name = azblob_part_name(job->name, append->walk.end.part);
    struct azblob_request *request =
        azblob_request_new(job->own, "PUT", name, "comp=appendblock", "appending to");

    request->makes_container = false; /* it had the blob */
    append->block = choose_block(append);
    azblob_request_add_header(request, "x-ms-blob-condition-appendpos: %llu",
                              (unsigned long long)append->walk.end.length);
    if (lease != NULL) {
        azblob_request_add_header(request, "x-ms-lease-id: %s", lease->id);
        request->exchange->deadline_ms = lease->valid_until_ms;
    }
    azblob_request_set_body(request, append->bytes + append->sent, append->block);
    free(name);
    azblob_job_send(job, request, on_block);
}

/* --- the next blob -------------------------------------------------------------------- */

static void check_end(struct azblob_walk *walk);

static void go_to_next(struct append *append)
{
    struct azblob_end *end = &append->walk.end;

    *end = (struct azblob_end){.part = end->part + 1, .start = end->start + end->length};
    append->is_fresh = true;
    azblob_walk_start(&append->walk, check_end);
}

static void send_block(struct append *append)
{
    struct azblob_job *job = &append->walk.job;
    const struct azblob_end *end = &append->walk.end;

    if (append->sent == append->length) {
        azblob_keep_end(job->own, job->name, end);
        job->call->size_bytes = end->start + end->length;
        azblob_job_end(job, NULL);
    } else if (append->walk.lease != NULL && !azblob_lease_is_valid(append->walk.lease)) {
        refuse_lease(append);
    } else if (end->blocks >= job->own->most_blocks) {
        go_to_next(append);
    } else {
        put_block(append);
    }
}

/* --- the end -------------------------------------------------------------------------- */

static void on_end(struct azblob_walk *walk)
{
    ((struct append *)walk)->is_fresh = true;
    check_end(walk);
}

static void ask_for_end(struct append *append)
{
    append->walk.end = (struct azblob_end){.part = 1};
    if (append->position == 0 && append->walk.lease == NULL)
        azblob_walk_make(&append->walk, on_end);
    else
        azblob_walk_start(&append->walk, on_end);
}

static void check_end(struct azblob_walk *walk)
{
    struct append *append = (struct append *)walk;
    const struct azblob_end *end = &walk->end;

    if (!walk->is_absent && end->start + end->length == append->position + append->sent)
        send_block(append);
    else if (append->is_fresh)
        refuse_position(append);
    else
        ask_for_end(append);
}

void azblob_append(struct store *store, struct store_call *call, const char *name,
                   struct store_lease *lease, uint64_t position, const char *bytes,
                   size_t length, bool is_durable)
{
    struct azblob *own = (struct azblob *)store;
    struct append *append = azblob_job_new(own, call, name, sizeof *append);
    const struct azblob_end *kept = map_find(&own->ends, name);

    (void)is_durable; /* what the service has taken is durable */
    if (!azblob_job_checks(&append->walk.job, STORE_TEXT))
        return;
    append->walk.lease = (struct azblob_lease *)lease;
    append->walk.makes = position == 0 && lease == NULL;
    append->walk.extends = true;
    append->position = position;
    append->bytes = bytes;
    append->length = length;
    if (kept == NULL) {
        ask_for_end(append);
        return;
    }
    append->walk.end = *kept;
    check_end(&append->walk);
}
