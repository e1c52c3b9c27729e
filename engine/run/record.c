/* engine/run/record.c - what is kept of a run in a store, and the right to carry it on.
 *
 * Two chains of calls to the store: one makes the record and then appends to its journal, the
 * other appends events. What is to be kept first waits in a list of files. */
#include "run/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/list.h"
#include "base/memory.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "net/loop.h"
#include "run/wakeup.h"
#include "store/store.h"

enum {
    MOST_EVENT_BYTES = 1 << 20, /* that wait for a record to be made */
    CHUNK_BYTES = 4 << 20,      /* of a journal that is read */
    LONGEST_FILE = 64 << 20
};

/* Code that is kept, or was. */
struct file {
    struct list link;
    char *name;
    struct buffer bytes;
    bool is_kept; /* it is in the store */
};

struct record {
    struct journal_output output;
    struct store *store;
    struct loop *loop;
    char *id;
    cJSON *manifest;
    struct list files;
    struct journal *journal;

    struct store_call call; /* of the chain that makes it and appends to the journal */
    void (*next)(struct record *record); /* what the chain does when its call is done */
    char *name, *text;                   /* of the call, for as long as it is under way */
    const char *pending; /* bytes of the journal that wait for the record */
    size_t pending_length;
    uint64_t journal_bytes, torn_bytes;
    struct file *writing;
    bool is_busy, is_made, is_over;

    struct store_lease *lease;
    int64_t lease_ms;
    int64_t held_until_ms;  /* on the machine's clock, with a margin */
    int64_t renewed_ms;     /* when the renewal under way was asked for */
    struct wakeup *renewal; /* on the machine's time */
    struct store_call renew_call;
    struct journal_wait told;
    bool is_renewing, is_lost;
    void (*hear)(void *context, enum record_news news, const char *text);
    void *context;

    struct buffer events, writing_events;
    struct store_call event_call;
    struct deferred flush_events;
    uint64_t event_bytes;
    char *event_name, *cancel_name;
    bool is_writing_events, has_event_position;
};

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
static struct store_call *begin_call(struct record *record, const char *name,
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

static struct failure *take_failure(struct store_call *call)
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

/* --- the lease -------------------------------------------------------------------------- */

static void tell(struct record *record, enum record_news news, const char *text)
{
    if (record->hear != NULL)
        record->hear(record->context, news, text);
}

static void lose(struct record *record, const char *how)
{
    if (record->is_lost)
        return;
    record->is_lost = true;
    tell(record, RECORD_LOST, how);
}

/* A quarter of the time is left for what is on its way when nothing more is sent. */
static void hold_from(struct record *record, int64_t asked_ms)
{
    record->held_until_ms = asked_ms + record->lease_ms / 4 * 3;
}

static struct failure *check_lease(struct journal_output *output)
{
    struct record *record = LIST_ENTRY(output, struct record, output);

    if (!record->is_made && record->lease == NULL)
        return NULL; /* it is not there yet, and so nobody else's */
    if (!record->is_lost && clock_machine_ms() < record->held_until_ms)
        return NULL;
    lose(record, "its lease could not be renewed in time");
    return failure_set_cure(
        failure_new("LeaseLost",
                    "this process did not renew its lease of the run in time; "
                    "the run may be carried on elsewhere"),
        "`moongate runs show` tells who carries it");
}

static void on_canceled(struct store_call *call)
{
    struct record *record = call->owner;

    record->is_renewing = false;
    if (call->failure == NULL && !call->is_absent)
        tell(record, RECORD_CANCELED, "somebody asked for the end of the run");
}

/* Once in a while somebody may have asked for the end of the run. */
static void look_for_cancel(struct record *record)
{
    store_call_deinit(&record->renew_call);
    record->renew_call.done = on_canceled;
    record->renew_call.owner = record;
    record->is_renewing = true;
    record->store->get(record->store, &record->renew_call, record->cancel_name, 0, 1);
}

static void on_told(struct journal_wait *wait, const struct failure *failure)
{
    (void)wait, (void)failure; /* whoever builds on the journal hears of it */
}

/* What is only told, such as the states of what is waited for, is written now and then: others
 * look at it. */
static void write_what_is_told(struct record *record)
{
    record->told.safe = on_told;
    if (record->is_made && !list_is_linked(&record->told.link))
        journal_sync(record->journal, &record->told);
}

static void on_renewed(struct store_call *call)
{
    struct record *record = call->owner;

    record->is_renewing = false;
    if (call->failure == NULL) {
        hold_from(record, record->renewed_ms);
        write_what_is_told(record);
        look_for_cancel(record);
    } else if (strcmp(call->failure->code, "LeaseLost") == 0) {
        record->held_until_ms = 0;
        lose(record, call->failure->message);
    }
    /* else it is asked for again at the next beat; the time runs on */
}

static void renew(void *context)
{
    struct record *record = context;

    wakeup_start(record->renewal, record->lease_ms / 3);
    if (record->is_renewing || record->is_lost || record->lease == NULL)
        return;
    store_call_deinit(&record->renew_call);
    record->renew_call.done = on_renewed;
    record->renew_call.owner = record;
    record->is_renewing = true;
    record->renewed_ms = clock_machine_ms();
    record->store->renew(record->store, &record->renew_call, record->lease);
}

static void start_renewals(struct record *record)
{
    record->renewal = wakeup_new_timer(record->loop, renew, record);
    wakeup_start(record->renewal, record->lease_ms / 3);
}

char *record_describe_holder(void)
{
    cJSON *holder = cJSON_CreateObject();
    char host[256] = "", since[CLOCK_TEXT_SIZE], *text;

    gethostname(host, sizeof host - 1);
    clock_format_utc(clock_machine_wall_ms(), since);
    cJSON_AddStringToObject(holder, "host", host);
    cJSON_AddNumberToObject(holder, "pid", getpid());
    cJSON_AddStringToObject(holder, "since", since);
    text = json_print(holder);
    cJSON_Delete(holder);
    return text;
}

static void acquire(struct record *record, void (*next)(struct record *record))
{
    struct store_call *call = begin_call(record, "journal.jsonl", next);

    record->text = record_describe_holder();
    record->renewed_ms = clock_machine_ms();
    record->store->acquire(record->store, call, record->name, record->text,
                           record->lease_ms);
}

/* "process 4711 on host builder-3, since 2026-..": owned by the caller. */
static char *name_holder(const struct store_call *call)
{
    cJSON *holder = call->bytes.length > 0
                        ? json_parse(call->bytes.data, call->bytes.length, NULL)
                        : NULL;
    const char *host = json_string_at(holder, "host");
    char *name = memory_format(
        "process %.0f on host '%s', since %s", json_number_at(holder, "pid", 0),
        host != NULL ? host : "?", json_string_at(holder, "since"));

    cJSON_Delete(holder);
    return name;
}

static struct failure *fail_held(const struct record *record)
{
    char *holder = name_holder(&record->call);
    struct failure *failure =
        failure_new("RunHeld", "run %s is carried by %s", record->id, holder);
    char *cure = memory_format("`moongate runs attach %s` shows what it does; when that "
                               "process is gone, its lease ends within %.0f s",
                               record->id, (double)record->call.held_for_ms / 1000.0);

    failure_set_cure(failure, cure);
    free(holder);
    free(cure);
    return failure;
}

/* Takes the lease out of the call that asked for it. */
static struct failure *take_lease(struct record *record)
{
    if (record->call.failure != NULL)
        return take_failure(&record->call);
    if (record->call.is_held)
        return fail_held(record);
    record->lease = record->call.lease;
    record->call.lease = NULL;
    hold_from(record, record->renewed_ms);
    start_renewals(record);
    return NULL;
}

/* --- making it -------------------------------------------------------------------------- */

static void append_pending(struct record *record);
static void flush_events(struct deferred *deferred);

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

    struct store_call *call = begin_call(record, file->name, on_file_kept);

    record->writing = file;
    record->store->put(record->store, call, STORE_REPLACE, record->name, file->bytes.data,
                       file->bytes.length);
}

static void on_file_kept(struct record *record)
{
    if (record->call.failure != NULL) {
        give_up(record, take_failure(&record->call));
        return;
    }
    record->writing->is_kept = true;
    keep_files(record);
}

static void on_acquired(struct record *record)
{
    struct failure *failure = take_lease(record);

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
        give_up(record, take_failure(&record->call));
    else if (record->call.is_there)
        give_up(record,
                failure_new("RunExists", "there is a run %s already", record->id));
    else
        acquire(record, on_acquired);
}

static void put_manifest(struct record *record)
{
    struct store_call *call = begin_call(record, "run.json", on_manifest_put);

    record->text = json_print(record->manifest);
    record->store->put(record->store, call, STORE_NEW, record->name, record->text,
                       strlen(record->text));
}

static void on_appended(struct record *record)
{
    struct failure *failure = take_failure(&record->call);

    if (failure != NULL && strcmp(failure->code, "LeaseLost") == 0) {
        record->held_until_ms = 0;
        lose(record, failure->message);
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
    call = begin_call(record, "journal.jsonl", on_appended);
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

/* --- events ------------------------------------------------------------------------------ */

static void on_events_appended(struct store_call *call)
{
    struct record *record = call->owner;

    record->is_writing_events = false;
    if (call->failure == NULL)
        record->event_bytes += record->writing_events.length;
    buffer_clear(
        &record->writing_events); /* nobody builds on them: what is lost is lost */
    if (record->events.length > 0)
        loop_defer(record->loop, &record->flush_events);
}

/* Reads at most `most` bytes of what earlier attempts have written there. */
static void read_events(struct record *record, uint64_t offset, size_t most,
                        void (*done)(struct store_call *call))
{
    store_call_deinit(&record->event_call);
    record->event_call.done = done;
    record->event_call.owner = record;
    record->is_writing_events = true;
    record->store->get(record->store, &record->event_call, record->event_name, offset,
                       most);
}

static void take_event_position(struct record *record)
{
    record->is_writing_events = false;
    record->has_event_position = true;
    loop_defer(record->loop, &record->flush_events);
}

/* A process that died while it wrote an event has left a line without its end. */
static void on_last_event_byte(struct store_call *call)
{
    struct record *record = call->owner;
    struct buffer events = {0};

    if (call->failure == NULL && call->bytes.length == 1 && call->bytes.data[0] != '\n') {
        buffer_append_char(&events, '\n');
        buffer_append(&events, record->events.data, record->events.length);
        buffer_deinit(&record->events);
        record->events = events;
    }
    take_event_position(record);
}

static void on_event_size(struct store_call *call)
{
    struct record *record = call->owner;

    record->event_bytes = call->size_bytes;
    if (record->event_bytes > 0)
        read_events(record, record->event_bytes - 1, 1, on_last_event_byte);
    else
        take_event_position(record);
}

static void flush_events(struct deferred *deferred)
{
    struct record *record = LIST_ENTRY(deferred, struct record, flush_events);
    const struct buffer next = record->writing_events;

    if (!record->is_made || record->is_writing_events || record->events.length == 0)
        return;
    if (!record->has_event_position) {
        read_events(record, 0, 0, on_event_size);
        return;
    }
    record->writing_events = record->events;
    record->events = next;
    store_call_deinit(&record->event_call);
    record->event_call.done = on_events_appended;
    record->event_call.owner = record;
    record->is_writing_events = true;
    record->store->append(record->store, &record->event_call, record->event_name, NULL,
                          record->event_bytes, record->writing_events.data,
                          record->writing_events.length, false);
}

void record_add_event(struct record *record, const char *line, size_t length)
{
    if (record->is_over || (!record->is_made && record->events.length > MOST_EVENT_BYTES))
        return;
    buffer_append(&record->events, line, length);
    if (record->is_made)
        loop_defer(record->loop, &record->flush_events);
}

/* --- taking over ------------------------------------------------------------------------- */

/* Turns the loop until the chain of calls has come to its end. */
static void settle(struct record *record)
{
    loop_run(record->loop, is_idle, record, true);
}

static void do_nothing(struct record *record)
{
    (void)record;
}

static bool is_quiet(void *context)
{
    const struct record *record = context;

    return is_idle(context) && !record->is_writing_events && !record->is_renewing &&
           (record->events.length == 0 || !record->is_made);
}

static void release_lease(struct record *record)
{
    struct store_call *call;

    if (record->lease == NULL)
        return;
    wakeup_free(record->renewal);
    record->renewal = NULL;
    loop_run(record->loop, is_quiet, record, true);
    call = begin_call(record, "journal.jsonl", do_nothing);
    record->store->release(record->store, call, record->lease);
    record->lease = NULL;
    settle(record);
}

static void load_record(void *context, const cJSON *line)
{
    journal_load(context, line);
}

static struct failure *read_chunk(struct record *record, uint64_t offset)
{
    struct store_call *call = begin_call(record, "journal.jsonl", do_nothing);

    record->store->get(record->store, call, record->name, offset, CHUNK_BYTES);
    settle(record);
    return take_failure(&record->call);
}

/* Takes in all lines. */
static struct failure *read_journal(struct record *record, struct journal_reader *reader)
{
    uint64_t offset = 0;

    do {
        struct failure *failure = read_chunk(record, offset);

        if (failure == NULL)
            failure =
                journal_read(reader, record->call.bytes.data, record->call.bytes.length);
        if (failure != NULL)
            return failure;
        offset += record->call.bytes.length;
    } while (record->call.bytes.length > 0 && offset < record->call.size_bytes);
    record->journal_bytes = offset;
    return NULL;
}

static struct failure *cut_to(struct record *record, uint64_t length)
{
    struct store_call *call = begin_call(record, "journal.jsonl", do_nothing);

    record->store->cut(record->store, call, record->name, record->lease, length);
    settle(record);
    if (record->call.failure == NULL)
        record->journal_bytes = length;
    return take_failure(&record->call);
}

static struct failure *load_journal(struct record *record, bool cuts_damaged)
{
    struct journal_reader reader = {.take = load_record, .context = record->journal};
    struct failure *failure = read_journal(record, &reader);

    if (failure == NULL)
        record->torn_bytes = journal_read_end(&reader);
    else if (cuts_damaged && strcmp(failure->code, "JournalDamaged") == 0)
        record->torn_bytes = record->call.size_bytes - reader.good_bytes;
    if (record->torn_bytes > 0) {
        failure_free(failure);
        failure = cut_to(record, reader.good_bytes);
    }
    journal_reader_deinit(&reader);
    return failure;
}

static struct failure *load_file(struct record *record, const char *name)
{
    struct store_call *call = begin_call(record, name, do_nothing);
    struct file *file;

    record->store->get(record->store, call, record->name, 0, LONGEST_FILE);
    settle(record);
    if (record->call.failure != NULL || record->call.is_absent)
        return take_failure(&record->call);
    file = memory_new(sizeof *file);
    file->name = memory_copy_string(name);
    file->bytes = record->call.bytes;
    file->is_kept = true;
    record->call.bytes = (struct buffer){0};
    list_append(&record->files, &file->link);
    return NULL;
}

static struct failure *load_files(struct record *record)
{
    struct failure *failure = load_file(record, "script.lua");
    struct store_call *call;
    struct store_entry *entries;
    const size_t prefix = strlen("runs/") + strlen(record->id) + 1;
    size_t count;

    if (failure != NULL)
        return failure;
    call = begin_call(record, "modules/", do_nothing);
    record->store->list(record->store, call, record->name);
    settle(record);
    entries = record->call.entries;
    count = record->call.entry_count;
    record->call.entries = NULL;
    record->call.entry_count = 0;
    failure = take_failure(&record->call);
    for (size_t i = 0; i < count; i++) {
        if (failure == NULL)
            failure = load_file(record, entries[i].name + prefix);
        free(entries[i].name);
    }
    free(entries);
    return failure;
}

/* To ask for the lease of a journal makes it: of a run that is not there nothing shall be made. */
static struct failure *find_manifest(struct record *record)
{
    struct store_call *call = begin_call(record, "run.json", do_nothing);

    record->store->get(record->store, call, record->name, 0, 0);
    settle(record);
    if (record->call.failure == NULL && record->call.is_absent)
        return failure_new("RunNotFound", "there is no run '%s' in %s", record->id,
                           record->store->label);
    return take_failure(&record->call);
}

struct failure *record_take_over(struct record *record, bool cuts_damaged)
{
    struct failure *failure = find_manifest(record);

    if (failure != NULL)
        return failure;
    acquire(record, do_nothing);
    settle(record);
    failure = take_lease(record);
    if (failure == NULL)
        failure = load_journal(record, cuts_damaged);
    if (failure == NULL)
        failure = load_files(record);
    record->is_made = failure == NULL;
    if (failure != NULL)
        release_lease(record);
    return failure;
}

uint64_t record_torn_bytes(const struct record *record)
{
    return record->torn_bytes;
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

void record_keep_file(struct record *record, const char *name, const char *bytes,
                      size_t length)
{
    struct file *file = find_file(record, name);

    if (file == NULL) {
        file = memory_new(sizeof *file);
        file->name = memory_copy_string(name);
        list_append(&record->files, &file->link);
    }
    if (file->is_kept && file->bytes.length == length &&
        memcmp(file->bytes.data, bytes, length) == 0)
        return;
    buffer_clear(&file->bytes);
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
        (struct journal_output){.append = append, .check_lease = check_lease};
    record->store = store;
    record->loop = loop;
    record->id = memory_copy_string(id);
    record->manifest = manifest;
    record->lease_ms = lease_ms;
    record->flush_events.run = flush_events;
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
    if (record->renewal != NULL)
        wakeup_free(record->renewal);
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

cJSON *record_manifest(struct record *record)
{
    return record->manifest;
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
    struct store_call *call = begin_call(record, "end.json", do_nothing);

    record->text = json_print(end);
    record->store->put(record->store, call, STORE_REPLACE, record->name, record->text,
                       strlen(record->text));
    settle(record);
    return take_failure(&record->call);
}

struct failure *record_end(struct record *record, cJSON *end)
{
    struct failure *failure = NULL;

    if (record->is_made && !record->is_lost) {
        failure = record_make(record); /* what is left of the journal */
        cJSON_AddNumberToObject(end, "fence", (double)record->lease->fence);
    }
    loop_run(record->loop, is_quiet, record, true);
    record->is_over = true;
    if (record->is_made && !record->is_lost && failure == NULL && end != NULL)
        failure = put_end(record, end);
    cJSON_Delete(end);
    release_lease(record);
    return failure;
}
