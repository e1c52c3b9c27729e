/* engine/store/azblob.c - the store in a container of Azure Blob Storage: texts, and the store
 * itself. */
#include "store/azblob.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "store/azblob_parts.h"

enum {
    MOST_BLOCKS = 50000,
    BLOCK_BYTES = 4 << 20,
    READ_BYTES = 16 << 20, /* in one request */
    RETRY_PAUSE_MS = 500
};

/* --- put ------------------------------------------------------------------------------ */

/* Metadata of a text: which call has written it. Whether the one that is there is the one we
 * have sent, after an answer was lost, only this tells. */
#define WRITER_FIELD "x-ms-meta-writer"

struct put {
    struct azblob_job job;
    char id[UUID_TEXT_SIZE];
};

static void on_writer(struct azblob_job *job)
{
    const struct put *put = (struct put *)job;
    const char *writer = azblob_request_field(job->request, WRITER_FIELD);

    if (azblob_request_status(job->request) != 200) {
        azblob_job_refuse(job);
        return;
    }
    job->call->is_there = writer == NULL || strcmp(writer, put->id) != 0;
    azblob_job_end(job, NULL);
}

static void on_put(struct azblob_job *job)
{
    if (azblob_request_status(job->request) == 201)
        azblob_job_end(job, NULL);
    else if (azblob_request_has_code(job->request, "BlobAlreadyExists"))
        azblob_job_send(job,
                        azblob_request_new(job->own, "HEAD", job->name, "", "looking at"),
                        on_writer);
    else
        azblob_job_refuse(job);
}

static void put(struct store *store, struct store_call *call, enum store_put how,
                const char *name, const char *bytes, size_t length)
{
    struct azblob *own = (struct azblob *)store;
    struct put *put = azblob_job_new(own, call, name, sizeof *put);
    struct azblob_request *request;

    if (!azblob_job_checks(&put->job, STORE_TEXT))
        return;
    request = azblob_request_new(own, "PUT", name, "", "writing");
    azblob_request_add_header(request, "x-ms-blob-type: BlockBlob");
    if (how == STORE_NEW) {
        uuid_random(put->id);
        azblob_request_add_header(request, "If-None-Match: *");
        azblob_request_add_header(request, WRITER_FIELD ": %s", put->id);
    }
    azblob_request_set_body(request, bytes, length);
    azblob_forget_end(own, name);
    azblob_job_send(&put->job, request, on_put);
}

/* --- get ------------------------------------------------------------------------------ */

struct get {
    struct azblob_walk walk;
    uint64_t offset;
    size_t most;
    struct buffer starts; /* of the blobs of a log: uint64_t */
};

static void read_on(struct azblob_walk *walk);

/* Of "bytes 0-99/1234" the length of all; of a whole answer its own. */
static uint64_t whole_length(const struct azblob_request *request)
{
    const char *range = azblob_request_field(request, "content-range");
    const char *slash = range != NULL ? strchr(range, '/') : NULL;

    return slash != NULL ? strtoull(slash + 1, NULL, 10)
                         : request->exchange->transfer.answer.length;
}

static void take_bytes(struct get *get)
{
    struct buffer *answer = &get->walk.job.request->exchange->transfer.answer;
    struct buffer *bytes = &get->walk.job.call->bytes;

    if (bytes->length == 0) {
        buffer_deinit(bytes);
        *bytes = *answer;
        *answer = (struct buffer){0};
    } else {
        buffer_append(bytes, answer->data, answer->length);
    }
}

static bool has_bytes(const struct azblob_job *job)
{
    const int status = azblob_request_status(job->request);

    return status == 200 || status == 206;
}

/* The first answer tells of the first blob, too, and mostly that is all there is. */
static void on_first_bytes(struct azblob_job *job)
{
    struct get *get = (struct get *)job;

    if (has_bytes(job)) {
        const bool is_last = azblob_walk_note(&get->walk, whole_length(job->request));

        take_bytes(get);
        if (is_last)
            read_on(&get->walk);
        else
            azblob_walk_start(&get->walk, read_on);
    } else if (azblob_request_has_code(job->request, "InvalidRange")) {
        azblob_walk_start(&get->walk, read_on); /* it is behind the first blob */
    } else if (azblob_request_found_none(job->request)) {
        job->call->is_absent = true;
        azblob_job_end(job, NULL);
    } else {
        azblob_job_refuse(job);
    }
}

static void on_bytes(struct azblob_job *job)
{
    struct get *get = (struct get *)job;

    if (!has_bytes(job)) {
        azblob_job_refuse(job);
        return;
    }
    take_bytes(get);
    read_on(&get->walk);
}

static bool is_of_text(const struct azblob_request *request)
{
    const char *type = azblob_request_field(request, "x-ms-blob-type");

    return type != NULL && strcmp(type, "BlockBlob") == 0 &&
           azblob_request_field(request, "etag") != NULL;
}

/* Asks for bytes of a blob from `offset` of that blob on. */
static void ask(struct get *get, unsigned part, uint64_t offset,
                void (*then)(struct azblob_job *job))
{
    struct azblob_job *job = &get->walk.job;
    const size_t left = get->most - job->call->bytes.length;
    const uint64_t count = left < READ_BYTES ? left : READ_BYTES;
    char *name = azblob_part_name(job->name, part);
    struct azblob_request *request =
        azblob_request_new(job->own, "GET", name, "", "reading");

    /* a text may not be one thing here and another there */
    if (job->request != NULL && is_of_text(job->request))
        azblob_request_add_header(request, "If-Match: %s",
                                  azblob_request_field(job->request, "etag"));
    azblob_request_add_header(request, "Range: bytes=%llu-%llu",
                              (unsigned long long)offset,
                              (unsigned long long)(offset + count - 1));
    free(name);
    azblob_job_send(job, request, then);
}

/* Reads what is still wanted of a log whose blobs are known; or there is no more. */
static void read_on(struct azblob_walk *walk)
{
    struct get *get = (struct get *)walk;
    struct store_call *call = walk->job.call;
    const uint64_t *starts = (const uint64_t *)(const void *)get->starts.data;
    const uint64_t at = get->offset + call->bytes.length;
    size_t part = get->starts.length / sizeof *starts;

    call->is_absent = walk->is_absent;
    call->size_bytes = walk->end.start + walk->end.length;
    if (walk->is_absent || call->bytes.length == get->most || at >= call->size_bytes) {
        azblob_job_end(&walk->job, NULL);
        return;
    }
    while (starts[part - 1] > at)
        part--;
    ask(get, (unsigned)part, at - starts[part - 1], on_bytes);
}

static void release_get(struct azblob_job *job)
{
    buffer_deinit(&((struct get *)job)->starts);
}

static void get(struct store *store, struct store_call *call, const char *name,
                uint64_t offset, size_t most)
{
    struct azblob *own = (struct azblob *)store;
    struct get *get = azblob_job_new(own, call, name, sizeof *get);

    if (!azblob_job_checks(&get->walk.job, STORE_TEXT))
        return;
    get->walk.job.release = release_get;
    get->walk.starts = &get->starts;
    get->walk.end.part = 1;
    get->offset = offset;
    get->most = most;
    if (most > 0 && offset <= INT64_MAX - READ_BYTES)
        ask(get, 1, offset, on_first_bytes);
    else
        azblob_walk_start(&get->walk, read_on);
}

/* --- cut ------------------------------------------------------------------------------ */

/* An appended block is there whole or not at all: there never is a torn end to cut off. */
static void cut(struct store *store, struct store_call *call, const char *name,
                struct store_lease *lease, uint64_t length)
{
    struct azblob *own = (struct azblob *)store;
    struct azblob_job *job = azblob_job_new(own, call, name, sizeof *job);
    char *what;

    (void)lease;
    if (!azblob_job_checks(job, STORE_TEXT))
        return;
    what = azblob_format_name(own, name);
    azblob_job_end(job, failure_new("Unsupported",
                                    "%s cannot be cut to %llu bytes: an append blob only "
                                    "grows",
                                    what, (unsigned long long)length));
    free(what);
}

/* --- the store ------------------------------------------------------------------------ */

static void free_store(struct store *store)
{
    struct azblob *own = (struct azblob *)store;

    pipeline_free(own->pipeline);
    map_deinit(&own->ends, free);
    azblob_account_deinit(&own->account);
    free(own->store.label);
    free(own);
}

static void open_pipeline(struct azblob *own, const struct azblob_settings *settings)
{
    struct stage *stages[4];
    size_t count = 0;

    stages[count++] = stage_new_retry_on_machine_time(
        own->loop,
        settings->retry_pause_ms != 0 ? settings->retry_pause_ms : RETRY_PAUSE_MS);
    if (own->audience != AUDIENCE_NONE)
        stages[count++] = stage_new_credential(&own->origins, settings->provider);
    stages[count++] = azblob_stage_new_sign(&own->account);
    stages[count++] = stage_new_transport(settings->transport, own->loop);
    own->pipeline = pipeline_new(stages, count);
}

struct store *store_new_azblob(struct loop *loop, const struct azblob_settings *settings,
                               struct failure **failure)
{
    struct azblob *own = memory_new(sizeof *own);

    own->loop = loop;
    own->store = (struct store){.put = put,
                                .get = get,
                                .list = azblob_list,
                                .remove = azblob_remove,
                                .append = azblob_append,
                                .cut = cut,
                                .acquire = azblob_acquire,
                                .look = azblob_look,
                                .renew = azblob_renew,
                                .release = azblob_release,
                                .free = free_store};
    *failure = azblob_account_read(&own->account, settings);
    if (*failure != NULL) {
        azblob_account_deinit(&own->account);
        free(own);
        return NULL;
    }
    own->store.label = azblob_format_name(own, NULL);
    own->audience = own->account.key.length == 0 && own->account.sas == NULL
                        ? AUDIENCE_STORAGE
                        : AUDIENCE_NONE;
    own->origins.by_audience[AUDIENCE_STORAGE] = own->account.base;
    own->most_blocks = settings->most_blocks != 0 ? settings->most_blocks : MOST_BLOCKS;
    own->block_bytes = settings->block_bytes != 0 ? settings->block_bytes : BLOCK_BYTES;
    open_pipeline(own, settings);
    return &own->store;
}
