/* engine/run/record.c - what is kept of a run in a store, and the right to carry it on.
 *
 * Two chains of calls to the store: one makes the record and then appends to its journal, the
 * other appends events. What is to be kept first waits in a list of files. */
#include "run/record_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"

/* --- names and calls -------------------------------------------------------------------- */

static char *format_name(const struct record *record, const char *name)
{
    return memory_format("runs/%s/%s", record->id, name);
}

static void on_call(struct store_call *call)
{
    struct record *record = call->owner;

    record->is_busy = false;
    free(record->name);
    free(record->text);
    record->name = record->text = NULL;
    record->next(record);
}

/* Readies the chain's call about `name` (of the record's folder); `next` goes on. */
struct store_call *record_begin_call(struct record *record, const char *name,
                                     void (*next)(struct record *record))
{
    store_call_deinit(&record->call);
    record->call.done = on_call;
    record->call.owner = record;
    record->next = next;
    record->name = format_name(record, name);
    record->is_busy = true;
    return &record->call;
}

struct failure *record_take_failure(struct store_call *call)
{
    struct failure *failure = call->failure;

    call->failure = NULL;
    return failure;
}

static bool is_idle(void *context)
{
    const struct record *record = context;

    return !record->is_busy && record->pending == NULL;
}

/* Turns the loop until the chain of calls has come to its end. */
void record_settle(struct record *record)
{
    loop_run(record->loop, is_idle, record, true);
}

void record_do_nothing(struct record *record)
{
    (void)record;
}

bool record_is_quiet(void *context)
{
    const struct record *record = context;

    return is_idle(context) && !record->is_writing_events && !record->is_renewing &&
           (record->events.length == 0 || !record->is_made);
}

/* --- making it -------------------------------------------------------------------------- */

static void append_pending(struct record *record);

static void give_up(struct record *record, struct failure *failure)
{
    record->pending = NULL;
    journal_appended(record->journal, failure);
}

static struct file *next_unkept(const struct record *record)
{
    for (struct list *link = record->files.next; link != &record->files;
         link = link->next) {
        struct file *file = LIST_ENTRY(link, struct file, link);

        if (!file->is_kept)
            return file;
    }
    return NULL;
}

static void on_file_kept(struct record *record);

/* Puts what is not kept yet, then `append_pending` goes on. */
static void keep_files(struct record *record)
{
    struct file *file = next_unkept(record);

    if (file == NULL) {
        append_pending(record);
        return;
    }

    struct store_call *call = record_begin_call(record, file->name, on_file_kept);

    /* the file may get other bytes meanwhile, and is to be put again then */
    record->text = memory_copy_text(file->bytes.data, file->bytes.length);
    record->writing = file;
    file->is_kept = true;
    record->store->put(record->store, call, STORE_REPLACE, record->name, record->text,
                       file->bytes.length);
}

static void on_file_kept(struct record *record)
{
    if (record->call.failure != NULL) {
        record->writing->is_kept = false;
        give_up(record, record_take_failure(&record->call));
        return;
    }
    keep_files(record);
}

static void on_acquired(struct record *record)
{
    struct failure *failure = record_take_lease(record);

    if (failure != NULL) {
        give_up(record, failure);
        return;
    }
    record->is_made = true;
    loop_defer(record->loop, &record->flush_events);
    keep_files(record);
}

static void on_manifest_put(struct record *record)
{
    if (record->call.failure != NULL)
        give_up(record, record_take_failure(&record->call));
    else if (record->call.is_there)
        give_up(record,
                failure_new("RunExists", "there is a run %s already", record->id));
    else
        record_acquire(record, on_acquired);
}

static void put_manifest(struct record *record)
{
    struct store_call *call = record_begin_call(record, "run.json", on_manifest_put);

    record->text = json_print(record->manifest);
    record->store->put(record->store, call, STORE_NEW, record->name, record->text,
                       strlen(record->text));
}

static void on_appended(struct record *record)
{
    struct failure *failure = record_take_failure(&record->call);

    if (failure != NULL && strcmp(failure->code, "LeaseLost") == 0) {
        record->held_until_ms = 0;
        record_lose(record, failure->message);
    }
    if (failure == NULL)
        record->journal_bytes += record->pending_length;
    record->pending = NULL;
    journal_appended(record->journal, failure);
}

static void append_pending(struct record *record)
{
    struct store_call *call;

    if (record->pending == NULL)
        return;
    call = record_begin_call(record, "journal.jsonl", on_appended);
    record->store->append(record->store, call, record->name, record->lease,
                          record->journal_bytes, record->pending, record->pending_length,
                          true);
}

static void append(struct journal_output *output, const char *bytes, size_t length)
{
    struct record *record = LIST_ENTRY(output, struct record, output);

    record->pending = bytes;
    record->pending_length = length;
    if (record->is_made)
        keep_files(record);
    else
        put_manifest(record);
}

/* --- files ------------------------------------------------------------------------------- */

static struct file *find_file(const struct record *record, const char *name)
{
    for (struct list *link = record->files.next; link != &record->files;
         link = link->next) {
        struct file *file = LIST_ENTRY(link, struct file, link);

        if (strcmp(file->name, name) == 0)
            return file;
    }
    return NULL;
}

static struct file *make_file(struct record *record, const char *name)
{
    struct file *file = find_file(record, name);

    if (file == NULL) {
        file = memory_new(sizeof *file);
        file->name = memory_copy_string(name);
        list_append(&record->files, &file->link);
    }
    return file;
}

void record_keep_file(struct record *record, const char *name, const char *bytes,
                      size_t length)
{
    struct file *file = make_file(record, name);

    if (file->is_kept && file->bytes.length == length &&
        memcmp(file->bytes.data, bytes, length) == 0)
        return;
    buffer_clear(&file->bytes);
    buffer_append(&file->bytes, bytes, length);
    file->is_kept = false;
}

void record_extend_file(struct record *record, const char *name, size_t from,
                        const char *bytes, size_t length)
{
    struct file *file = make_file(record, name);

    assert(from <= file->bytes.length);
    file->bytes.length = from;
    buffer_append(&file->bytes, bytes, length);
    file->is_kept = false;
}

const char *record_find_file(const struct record *record, const char *name,
                             size_t *length)
{
    const struct file *file = find_file(record, name);

    if (file == NULL)
        return NULL;
    *length = file->bytes.length;
    return file->bytes.data != NULL ? file->bytes.data : "";
}

/* --- the whole --------------------------------------------------------------------------- */

struct record *record_new(struct store *store, struct loop *loop, const char *id,
                          cJSON *manifest, int64_t lease_ms)
{
    struct record *record = memory_new(sizeof *record);

    record->output =
        (struct journal_output){.append = append, .check_lease = record_check_lease};
    record->store = store;
    record->loop = loop;
    record->id = memory_copy_string(id);
    record->manifest = manifest;
    record->lease_ms = lease_ms;
    record->flush_events.run = record_flush_events;
    record->event_name = format_name(record, "events.jsonl");
    record->cancel_name = format_name(record, "cancel.json");
    list_init(&record->files);
    record->journal = journal_new(loop, id, &record->output);
    return record;
}

void record_free(struct record *record)
{
    struct list *link;

    if (record == NULL)
        return;
    machine_timer_stop(&record->renewal);
    machine_timer_stop(&record->guard);
    deferred_cancel(&record->flush_events);
    journal_free(record->journal);
    while ((link = list_take_first(&record->files)) != NULL) {
        struct file *file = LIST_ENTRY(link, struct file, link);

        free(file->name);
        buffer_deinit(&file->bytes);
        free(file);
    }
    store_call_deinit(&record->call);
    store_call_deinit(&record->renew_call);
    store_call_deinit(&record->event_call);
    buffer_deinit(&record->events);
    buffer_deinit(&record->writing_events);
    cJSON_Delete(record->manifest);
    free(record->event_name);
    free(record->cancel_name);
    free(record->id);
    free(record);
}

const char *record_id(const struct record *record)
{
    return record->id;
}

struct journal *record_journal(struct record *record)
{
    return record->journal;
}

unsigned record_attempt(const struct record *record)
{
    struct journal_counts counts;

    journal_count(record->journal, &counts);
    return counts.attempts;
}

bool record_is_kept(const struct record *record)
{
    return record->is_made;
}

void record_set_listener(struct record *record,
                         void (*hear)(void *context, enum record_news news,
                                      const char *text),
                         void *context)
{
    record->hear = hear;
    record->context = context;
}

/* A wait for all that was added to the journal. */
struct sync {
    struct journal_wait wait;
    struct failure *failure;
    bool is_over;
};

static void on_safe(struct journal_wait *wait, const struct failure *failure)
{
    struct sync *sync = LIST_ENTRY(wait, struct sync, wait);

    sync->is_over = true;
    sync->failure = failure != NULL ? failure_copy(failure) : NULL;
}

static bool is_synced(void *context)
{
    return ((const struct sync *)context)->is_over;
}

struct failure *record_make(struct record *record)
{
    struct sync sync = {.wait = {.safe = on_safe}};

    journal_sync(record->journal, &sync.wait);
    loop_run(record->loop, is_synced, &sync, true);
    return sync.failure;
}

static struct failure *put_end(struct record *record, const cJSON *end)
{
    struct store_call *call = record_begin_call(record, "end.json", record_do_nothing);

    record->text = json_print(end);
    record->store->put(record->store, call, STORE_REPLACE, record->name, record->text,
                       strlen(record->text));
    record_settle(record);
    return record_take_failure(&record->call);
}

struct failure *record_end(struct record *record, cJSON *end)
{
    struct failure *failure = NULL;

    if (record->is_made && !record->is_lost) {
        failure = record_make(record); /* what is left of the journal */
        cJSON_AddNumberToObject(end, "fence", (double)record->lease->fence);
    }
    loop_run(record->loop, record_is_quiet, record, true);
    record->is_over = true;
    if (record->is_made && !record->is_lost && failure == NULL && end != NULL)
        failure = put_end(record, end);
    cJSON_Delete(end);
    record_release_lease(record);
    return failure;
}
