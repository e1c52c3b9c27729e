/* engine/run/past_load.c - what the store has of a run of the past. */
#include "run/past_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arm/steps.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "journal/reader.h"
#include "run/carry.h"
#include "run/depot.h"
#include "store/store.h"

enum { CHUNK_BYTES = 4 << 20 /* of a journal */ };

/* --- texts -------------------------------------------------------------------------- */

static char *format_name(const struct past *past, const char *name)
{
    return memory_format("runs/%s/%s", past->id, name);
}

static void free_file(void *file)
{
    buffer_deinit(file);
    free(file);
}

/* One that is not there is left out. */
static struct failure *load_file(struct past *past, struct depot *depot, const char *name)
{
    char *path = format_name(past, name), *bytes = NULL;
    size_t length = 0;
    struct failure *failure = depot_read(depot, path, &bytes, &length);
    struct buffer *file;

    free(path);
    if (failure != NULL && strcmp(failure->code, "NotFound") == 0) {
        failure_free(failure);
        return NULL;
    }
    if (failure != NULL)
        return failure;
    file = memory_new(sizeof *file);
    buffer_append(file, bytes, length);
    free(bytes);
    file = map_set(&past->files, name, file);
    if (file != NULL)
        free_file(file);
    return NULL;
}

static struct failure *load_modules(struct past *past, struct depot *depot)
{
    const size_t prefix = strlen("runs/") + strlen(past->id) + 1;
    char *folder = format_name(past, "modules/");
    struct store_call *call = depot_begin(depot);
    struct store_entry *entries;
    struct failure *failure;
    size_t count;

    depot_store(depot)->list(depot_store(depot), call, folder);
    depot_wait(depot);
    free(folder);
    entries = call->entries;
    count = call->entry_count;
    failure = call->failure;
    call->entries = NULL;
    call->entry_count = 0;
    call->failure = NULL;
    for (size_t i = 0; i < count; i++) {
        if (failure == NULL)
            failure = load_file(past, depot, entries[i].name + prefix);
        free(entries[i].name);
    }
    free(entries);
    return failure;
}

/* --- steps -------------------------------------------------------------------------- */

static void set_text(char **to, const cJSON *record, const char *name)
{
    free(*to);
    *to = memory_copy_string(json_string_at(record, name));
}

/* Steps come in the order of their lines. */
static struct past_step *find_step(const struct past *past, uint64_t line)
{
    size_t low = 0, high = past->step_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (past->steps[middle]->line < line)
            low = middle + 1;
        else
            high = middle;
    }
    return low < past->step_count && past->steps[low]->line == line ? past->steps[low]
                                                                    : NULL;
}

static void add_alike(struct past *past, const char *key, struct past_step *step)
{
    struct past_step *first = map_find(&past->alike, key);

    if (first == NULL) {
        map_set(&past->alike, key, step);
        first = step;
    } else {
        first->last_alike->next_alike = step;
    }
    first->last_alike = step;
}

static struct past_step *new_step(struct past *past, const cJSON *record)
{
    struct past_step *step = memory_new(sizeof *step);
    const char *key = json_string_at(record, "key");

    step->number = past->step_count + 1;
    step->line = (uint64_t)json_number_at(record, "n", 0);
    step->nth = (unsigned)json_number_at(record, "nth", 1);
    set_text(&step->verb, record, "verb");
    set_text(&step->kind, record, "kind");
    set_text(&step->target, record, "id");
    if (past->step_count == past->step_capacity) {
        past->step_capacity = past->step_capacity > 0 ? past->step_capacity * 2 : 64;
        past->steps =
            memory_resize(past->steps, past->step_capacity * sizeof(struct past_step *));
    }
    past->steps[past->step_count++] = step;
    add_alike(past, key != NULL ? key : "", step);
    return step;
}

static struct past_step *step_of(struct past *past, const cJSON *record, bool may_begin)
{
    const double line = json_number_at(record, "step", 0);

    if (line > 0)
        return find_step(past, (uint64_t)line);
    return may_begin ? new_step(past, record) : NULL;
}

static const char *method_of(const struct past_step *step)
{
    if (step->verb != NULL && step->kind != NULL)
        return strcmp(step->verb, "delete") == 0 ? "DELETE" : "PUT";
    return step->verb != NULL ? step->verb : "PUT";
}

/* An answer after which nothing goes on is as good as done. */
static void take_answer(struct past_step *step, const cJSON *record)
{
    /* borrowed for the call: nothing of it is changed */
    const struct step_answer answer = {
        .status = (int)json_number_at(record, "status", 0),
        .url = (char *)(uintptr_t)json_string_at(record, "url"),
        .location = (char *)(uintptr_t)json_string_at(record, "location"),
        .state = (char *)(uintptr_t)json_string_at(record, "state")};

    set_text(&step->made, record, "made");
    step->state =
        steps_answer_has_ended(&answer, method_of(step)) ? STEP_DONE : STEP_ANSWERED;
}

static void take_failure(struct past_step *step, const cJSON *record)
{
    step->state = STEP_FAILED;
    step->status = (int)json_number_at(record, "status", 0);
    set_text(&step->code, record, "code");
    set_text(&step->message, record, "message");
    set_text(&step->cause_request_id, record, "request_id");
}

static void take_attempt(struct past *past, const cJSON *record)
{
    const char *at = json_string_at(record, "at");

    if (past->attempts++ == 0 && at != NULL)
        clock_parse_utc(at, &past->began_ms);
}

static void take_record(void *context, const cJSON *record)
{
    struct past *past = context;
    const char *what = json_string_at(record, "do");
    const bool begins =
        what != NULL && (strcmp(what, "intent") == 0 || strcmp(what, "unchanged") == 0);
    struct past_step *step = what != NULL ? step_of(past, record, begins) : NULL;

    if (what != NULL && strcmp(what, "begin") == 0)
        take_attempt(past, record);
    if (step == NULL)
        return;
    if (past->latest != NULL)
        past->latest->is_latest = false;
    step->is_latest = true;
    past->latest = step;
    if (strcmp(what, "intent") == 0) {
        step->state = STEP_INTENDED;
    } else if (strcmp(what, "answer") == 0) {
        take_answer(step, record);
    } else if (strcmp(what, "failed") == 0) {
        take_failure(step, record);
    } else if (strcmp(what, "done") == 0 || strcmp(what, "unchanged") == 0) {
        step->state = STEP_DONE;
        set_text(&step->outcome, record, "outcome");
    }
}

static void free_step(struct past_step *step)
{
    free(step->verb);
    free(step->kind);
    free(step->target);
    free(step->outcome);
    free(step->code);
    free(step->message);
    free(step->cause_request_id);
    free(step->made);
    free(step);
}

/* --- the journal -------------------------------------------------------------------- */

static struct failure *read_lines(struct past *past, struct depot *depot,
                                  struct journal_reader *reader)
{
    char *name = format_name(past, "journal.jsonl");
    struct store *store = depot_store(depot);
    struct failure *failure;
    struct store_call *call;
    uint64_t offset = 0;
    bool goes_on;

    do {
        call = depot_begin(depot);
        store->get(store, call, name, offset, CHUNK_BYTES);
        depot_wait(depot);
        failure = call->failure;
        call->failure = NULL;
        if (failure == NULL)
            failure = journal_read(reader, call->bytes.data, call->bytes.length);
        offset += call->bytes.length;
        buffer_append(&past->lines, call->bytes.data, call->bytes.length);
        goes_on = failure == NULL && call->bytes.length > 0 && offset < call->size_bytes;
    } while (goes_on);
    free(name);
    return failure;
}

/* What stands behind damage is not known; somebody may be writing the last line just now. */
static struct failure *load_journal(struct past *past, struct depot *depot)
{
    struct journal_reader reader = {.take = take_record, .context = past};
    struct failure *failure = read_lines(past, depot, &reader);

    if (failure != NULL && strcmp(failure->code, "JournalDamaged") == 0) {
        past->damage =
            memory_format("%s; what it says after line %" PRIu64 " is not known",
                          failure->message, reader.lines);
        failure_free(failure);
        failure = NULL;
    }
    past->lines.length = reader.good_bytes;
    journal_reader_deinit(&reader);
    return failure;
}

static void load_done(void *context, const cJSON *record)
{
    struct past *past = context;
    const double number = json_number_at(record, "step", json_number_at(record, "n", 0));
    const struct past_step *step = find_step(past, (uint64_t)number);

    if (step != NULL && step->state == STEP_DONE)
        journal_load(past->journal, record);
}

void past_fill_journal(struct past *past)
{
    struct journal_reader reader = {.take = load_done, .context = past};

    failure_free(journal_read(&reader, past->lines.data, past->lines.length));
    journal_reader_deinit(&reader); /* they were good when they came */
}

/* --- the whole ---------------------------------------------------------------------- */

static struct failure *load(struct depot *depot, void *context)
{
    struct past *past = context;
    struct failure *failure = carry_read_manifest(depot, past->id, &past->manifest);

    past->store_label = memory_copy_string(depot_store(depot)->label);
    if (failure == NULL)
        failure = load_file(past, depot, "script.lua");
    if (failure == NULL)
        failure = load_modules(past, depot);
    if (failure == NULL)
        failure = load_journal(past, depot);
    return failure;
}

struct failure *past_load(struct past *past, const struct settings *settings)
{
    return depot_use(settings, load, past);
}

void past_unload(struct past *past)
{
    for (size_t i = 0; i < past->step_count; i++)
        free_step(past->steps[i]);
    free(past->steps);
    map_deinit(&past->alike, NULL);
    map_deinit(&past->files, free_file);
    buffer_deinit(&past->lines);
    cJSON_Delete(past->manifest);
    free(past->store_label);
    free(past->damage);
}
