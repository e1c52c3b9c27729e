/* engine/run/record_load.c - taking over a record that exists. */
#include "run/record_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/memory.h"
#include "journal/reader.h"

enum {
    CHUNK_BYTES = 4 << 20, /* of a journal that is read */
    LONGEST_FILE = 64 << 20
};

static void load_record(void *context, const cJSON *line)
{
    journal_load(context, line);
}

static struct failure *read_chunk(struct record *record, uint64_t offset)
{
    struct store_call *call =
        record_begin_call(record, "journal.jsonl", record_do_nothing);

    record->store->get(record->store, call, record->name, offset, CHUNK_BYTES);
    record_settle(record);
    return record_take_failure(&record->call);
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
    struct store_call *call =
        record_begin_call(record, "journal.jsonl", record_do_nothing);

    record->store->cut(record->store, call, record->name, record->lease, length);
    record_settle(record);
    if (record->call.failure == NULL)
        record->journal_bytes = length;
    return record_take_failure(&record->call);
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
    struct store_call *call = record_begin_call(record, name, record_do_nothing);
    struct file *file;

    record->store->get(record->store, call, record->name, 0, LONGEST_FILE);
    record_settle(record);
    if (record->call.failure != NULL || record->call.is_absent)
        return record_take_failure(&record->call);
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
    call = record_begin_call(record, "modules/", record_do_nothing);
    record->store->list(record->store, call, record->name);
    record_settle(record);
    entries = record->call.entries;
    count = record->call.entry_count;
    record->call.entries = NULL;
    record->call.entry_count = 0;
    failure = record_take_failure(&record->call);
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
    struct store_call *call = record_begin_call(record, "run.json", record_do_nothing);

    record->store->get(record->store, call, record->name, 0, 0);
    record_settle(record);
    if (record->call.failure == NULL && record->call.is_absent)
        return failure_new("RunNotFound", "there is no run '%s' in %s", record->id,
                           record->store->label);
    return record_take_failure(&record->call);
}

struct failure *record_take_over(struct record *record, bool cuts_damaged)
{
    struct failure *failure = find_manifest(record);

    if (failure != NULL)
        return failure;
    record_acquire(record, record_do_nothing);
    record_settle(record);
    failure = record_take_lease(record);
    if (failure == NULL)
        failure = load_journal(record, cuts_damaged);
    if (failure == NULL)
        failure = load_files(record);
    record->is_made = failure == NULL;
    if (failure != NULL)
        record_release_lease(record);
    return failure;
}

uint64_t record_torn_bytes(const struct record *record)
{
    return record->torn_bytes;
}
