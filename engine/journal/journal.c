/* engine/journal/journal.c - what a run did to the world: its steps, and the way of records
 * to the log.
 *
 * A journal may hold a million records, so a step is small: what is only told and never
 * decided by stays in the log. */
#include "journal/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/content.h"
#include "journal/format.h"

enum {
    MOST_PENDING_BYTES = 64 << 10, /* that nobody waits for */
    MOST_MESSAGE_BYTES = 400       /* of a failure */
};

const char *const step_state_names[] = {"new",  "intended", "answered",
                                        "done", "failed",   NULL};

/* What the first record of a step says, kept until that is written. */
struct fresh {
    char key[CONTENT_KEY_SIZE];
    char target[];
};

struct step {
    const char *verb, *kind, *action, *outcome; /* words of the journal, or NULL */
    char *name;                                 /* the end of its target, for people */
    uint64_t target;                            /* a hash of it */
    uint64_t number; /* of the line that it began with; 0: it has none yet */
    int64_t intended_ms;
    struct fresh *fresh;
    struct step_answer *answer;
    cJSON *value;
    struct step *next_alike;   /* the next with the same content */
    struct step *last, *begun; /* of the first alike: the end of the chain, and how far
                                  this attempt has come in it */
    unsigned nth;
    enum step_state state;
    bool is_loaded;   /* an earlier attempt knew it */
    bool is_begun;    /* this one does */
    bool is_intended; /* this one has written so */
};

struct journal {
    struct loop *loop;
    struct journal_output *output;
    char *run;
    struct map alike;    /* by content: the first of them */
    struct map words;    /* verbs, kinds, actions, outcomes: each once */
    struct map gone;     /* by target's key: the last step to delete it */
    struct step **steps; /* in the order they came */
    size_t step_count, step_capacity;
    struct step **by_number; /* of loaded ones, by the line they began with */
    size_t number_capacity;
    struct step *first_new; /* that no earlier attempt knew */
    struct journal_counts counts;

    struct buffer pending, writing;
    uint64_t added, safe; /* bytes */
    struct deferred flush;
    struct list waits;
    struct failure *failure;
    bool is_writing;
};

/* --- words, keys and chains ------------------------------------------------------------- */

static const char *intern(struct journal *journal, const char *word)
{
    char *kept;

    if (word == NULL)
        return NULL;
    kept = map_find(&journal->words, word);
    if (kept == NULL) {
        kept = memory_copy_string(word);
        map_set(&journal->words, word, kept);
    }
    return kept;
}

static uint64_t hash_target(const char *target)
{
    char key[TEXT_KEY_SIZE];

    text_format_key(target, key);
    return strtoull(key, NULL, 16);
}

static const char *end_of(const char *target)
{
    const char *slash = strrchr(target, '/');

    return slash != NULL && slash[1] != '\0' ? slash + 1 : target;
}

/* Puts a new step at the end of its chain. */
static struct step *add_step(struct journal *journal, const char *key, const char *verb,
                             const char *kind, const char *target)
{
    struct step *step = memory_new(sizeof *step);
    struct step *first = map_find(&journal->alike, key);

    step->verb = intern(journal, verb);
    step->kind = intern(journal, kind);
    step->name = memory_copy_string(end_of(target));
    step->target = hash_target(target);
    if (first == NULL) {
        map_set(&journal->alike, key, step);
        first = step;
    } else {
        first->last->next_alike = step;
    }
    step->nth = first->last != NULL ? first->last->nth + 1 : 1;
    first->last = step;
    if (journal->step_count == journal->step_capacity) {
        journal->step_capacity =
            journal->step_capacity > 0 ? journal->step_capacity * 2 : 64;
        journal->steps =
            memory_resize(journal->steps, journal->step_capacity * sizeof(struct step *));
    }
    journal->steps[journal->step_count++] = step;
    journal->counts.by_state[STEP_NEW]++;
    return step;
}

static bool is_deletion(const struct step *step)
{
    return step->action != NULL && text_equal_nocase(step->action, "delete");
}

static void set_state(struct journal *journal, struct step *step, enum step_state state)
{
    journal->counts.by_state[step->state]--;
    journal->counts.by_state[state]++;
    step->state = state;
}

/* --- answers ------------------------------------------------------------------------------ */

void step_answer_deinit(struct step_answer *answer)
{
    free(answer->url);
    free(answer->location);
    free(answer->state);
    free(answer->told);
    free(answer->etag);
    free(answer->id);
    free(answer->request_id);
    *answer = (struct step_answer){0};
}

static void drop_answer(struct step *step)
{
    if (step->answer == NULL)
        return;
    step_answer_deinit(step->answer);
    free(step->answer);
    step->answer = NULL;
}

/* Of a step that is over only what was made may still be asked for. */
static void shrink_answer(struct step *step)
{
    struct step_answer *answer = step->answer;

    if (answer == NULL)
        return;
    free(answer->url);
    free(answer->state);
    free(answer->told);
    free(answer->etag);
    free(answer->request_id);
    answer->url = answer->state = answer->told = NULL;
    answer->etag = answer->request_id = NULL;
}

static void set_answer(struct step *step, const struct step_answer *from)
{
    drop_answer(step);
    step->answer = memory_new(sizeof *step->answer);
    *step->answer =
        (struct step_answer){.status = from->status,
                             .url = memory_copy_string(from->url),
                             .location = memory_copy_string(from->location),
                             .state = memory_copy_string(from->state),
                             .told = memory_copy_string(from->told),
                             .etag = memory_copy_string(from->etag),
                             .id = memory_copy_string(from->id),
                             .request_id = memory_copy_string(from->request_id)};
}

/* It is about to be sent, to do `action`. */
static void set_intended(struct journal *journal, struct step *step, const char *action)
{
    char key[TEXT_KEY_SIZE];

    step->action = intern(journal, action);
    drop_answer(step);
    set_state(journal, step, STEP_INTENDED);
    if (!is_deletion(step))
        return;
    snprintf(key, sizeof key, "%016" PRIx64, step->target);
    map_set(&journal->gone, key, step);
}

static void set_done(struct journal *journal, struct step *step, const char *outcome,
                     cJSON *value)
{
    set_state(journal, step, STEP_DONE);
    step->outcome = intern(journal, outcome);
    cJSON_Delete(step->value);
    step->value = value;
    shrink_answer(step);
}

static void set_failed(struct journal *journal, struct step *step)
{
    set_state(journal, step, STEP_FAILED);
    shrink_answer(step);
}

/* --- what earlier attempts did ---------------------------------------------------------- */

static struct step *find_loaded(const struct journal *journal, const cJSON *record)
{
    const double number = json_number_at(record, "step", 0);

    return number > 0 && number < (double)journal->number_capacity
               ? journal->by_number[(size_t)number]
               : NULL;
}

static void keep_number(struct journal *journal, struct step *step)
{
    const size_t number = (size_t)step->number;

    if (number >= journal->number_capacity) {
        const size_t capacity = (number + 1) * 2;

        journal->by_number =
            memory_resize(journal->by_number, capacity * sizeof(struct step *));
        memset(journal->by_number + journal->number_capacity, 0,
               (capacity - journal->number_capacity) * sizeof(struct step *));
        journal->number_capacity = capacity;
    }
    journal->by_number[number] = step;
}

static int64_t time_of(const cJSON *record)
{
    const char *at = json_string_at(record, "at");
    int64_t wall_ms = 0;

    if (at != NULL)
        clock_parse_utc(at, &wall_ms);
    return wall_ms;
}

static struct step *load_step(struct journal *journal, const cJSON *record)
{
    const char *key = json_string_at(record, "key");
    const char *target = json_string_at(record, "id");
    struct step *step =
        add_step(journal, key != NULL ? key : "", json_string_at(record, "verb"),
                 json_string_at(record, "kind"), target != NULL ? target : "");

    step->is_loaded = true;
    step->number = (uint64_t)json_number_at(record, "n", 0);
    step->intended_ms = time_of(record);
    keep_number(journal, step);
    return step;
}

static void load_intent(struct journal *journal, const cJSON *record)
{
    struct step *step = find_loaded(journal, record); /* it is sent again */

    if (step == NULL)
        step = load_step(journal, record);
    set_intended(journal, step, json_string_at(record, "action"));
}

static void load_unchanged(struct journal *journal, const cJSON *record)
{
    struct step *step = find_loaded(journal, record);

    if (step == NULL)
        step = load_step(journal, record);
    set_done(journal, step, "unchanged", NULL);
}

static char *copy_at(const cJSON *record, const char *name)
{
    return memory_copy_string(json_string_at(record, name));
}

static void load_answer(struct journal *journal, const cJSON *record)
{
    struct step *step = find_loaded(journal, record);

    if (step == NULL)
        return;
    drop_answer(step);
    step->answer = memory_new(sizeof *step->answer);
    *step->answer =
        (struct step_answer){.status = (int)json_number_at(record, "status", 0),
                             .url = copy_at(record, "url"),
                             .location = copy_at(record, "location"),
                             .state = copy_at(record, "state"),
                             .etag = copy_at(record, "etag"),
                             .id = copy_at(record, "made"),
                             .request_id = copy_at(record, "request_id")};
    set_state(journal, step, STEP_ANSWERED);
    journal->counts.writes++;
    if (is_deletion(step))
        journal->counts.deletes++;
}

static void load_done(struct journal *journal, const cJSON *record)
{
    struct step *step = find_loaded(journal, record);
    const cJSON *value = json_at(record, "value");

    if (step != NULL)
        set_done(journal, step, json_string_at(record, "outcome"),
                 value != NULL ? cJSON_Duplicate(value, true) : NULL);
}

static void load_state(struct journal *journal, const cJSON *record)
{
    const struct step *step = find_loaded(journal, record);

    if (step == NULL || step->answer == NULL)
        return;
    free(step->answer->told);
    step->answer->told = copy_at(record, "state");
}

static void load_failed(struct journal *journal, const cJSON *record)
{
    struct step *step = find_loaded(journal, record);

    if (step != NULL)
        set_failed(journal, step);
}

static void load_begin(struct journal *journal, const cJSON *record)
{
    (void)record;
    journal->counts.attempts++;
}

void journal_load(struct journal *journal, const cJSON *record)
{
    static const struct {
        const char *what;
        void (*load)(struct journal *journal, const cJSON *record);
    } loaders[] = {{"intent", load_intent}, {"answer", load_answer},
                   {"done", load_done},     {"unchanged", load_unchanged},
                   {"failed", load_failed}, {"state", load_state},
                   {"begin", load_begin}};
    const char *what = json_string_at(record, "do");

    journal->counts.records++;
    for (size_t i = 0; what != NULL && i < sizeof loaders / sizeof loaders[0]; i++) {
        if (strcmp(loaders[i].what, what) == 0)
            loaders[i].load(journal, record);
    }
}

/* --- writing ------------------------------------------------------------------------------ */

static void wake_waits(struct journal *journal)
{
    while (!list_is_empty(&journal->waits)) {
        struct journal_wait *wait =
            LIST_ENTRY(journal->waits.next, struct journal_wait, link);

        if (journal->failure == NULL && wait->position > journal->safe)
            return;
        list_remove(&wait->link);
        wait->safe(wait, journal->failure);
    }
}

static void flush(struct journal *journal)
{
    if (journal->is_writing || journal->pending.length == 0 || journal->failure != NULL)
        return;

    const struct buffer next = journal->writing;

    journal->writing = journal->pending;
    journal->pending = next;
    buffer_clear(&journal->pending);
    journal->is_writing = true;
    journal->output->append(journal->output, journal->writing.data,
                            journal->writing.length);
}

/* At the end of the turn, so that all that became ready in it is written together. */
static void flush_deferred(struct deferred *deferred)
{
    flush(LIST_ENTRY(deferred, struct journal, flush));
}

void journal_appended(struct journal *journal, struct failure *failure)
{
    assert(journal->is_writing);
    journal->is_writing = false;
    if (failure != NULL) {
        failure_free(journal->failure);
        journal->failure = failure;
    } else {
        journal->safe += journal->writing.length;
    }
    wake_waits(journal);
    if (!list_is_empty(&journal->waits))
        flush(journal);
}

void journal_sync(struct journal *journal, struct journal_wait *wait)
{
    if (journal->failure != NULL || journal->safe == journal->added) {
        wait->safe(wait, journal->failure);
        return;
    }
    wait->position = journal->added;
    list_append(&journal->waits, &wait->link);
    loop_defer(journal->loop, &journal->flush);
}

void journal_wait_cancel(struct journal_wait *wait)
{
    list_remove(&wait->link);
}

struct failure *journal_check(const struct journal *journal)
{
    if (journal->failure != NULL)
        return failure_copy(journal->failure);
    return journal->output->check_lease != NULL
               ? journal->output->check_lease(journal->output)
               : NULL;
}

static size_t begin_record(struct journal *journal, const char *what)
{
    return journal_begin_line(&journal->pending, ++journal->counts.records,
                              clock_wall_ms(loop_clock(journal->loop)), what);
}

static void end_record(struct journal *journal, size_t begin)
{
    journal_end_line(&journal->pending, begin);
    journal->added += journal->pending.length - begin;
    if (journal->pending.length >= MOST_PENDING_BYTES)
        loop_defer(journal->loop, &journal->flush);
}

/* The records of a step that was begun name the line that it began with. */
static size_t begin_step_record(struct journal *journal, const struct step *step,
                                const char *what)
{
    const size_t begin = begin_record(journal, what);

    journal_add_number(&journal->pending, "step", (int64_t)step->number);
    return begin;
}

/* --- steps ------------------------------------------------------------------------------- */

static struct fresh *keep_fresh(const char *key, const char *target)
{
    const size_t size = strlen(target) + 1;
    struct fresh *fresh = memory_new(sizeof *fresh + size);

    memcpy(fresh->key, key, CONTENT_KEY_SIZE);
    memcpy(fresh->target, target, size);
    return fresh;
}

/* Puts those that were refused behind the others, before the first is begun: a script that tried
 * again after a refusal is given at once what it came to. Returns which is the first now. */
static struct step *put_refused_last(struct journal *journal, const char *key,
                                     struct step *first)
{
    struct step *chains[2] = {NULL, NULL}, **ends[2] = {&chains[0], &chains[1]};
    struct step *next, *last = NULL;
    unsigned nth = 0;

    for (struct step *step = first; step != NULL; step = next) {
        struct step ***end = &ends[step->state == STEP_FAILED];

        next = step->next_alike;
        step->next_alike = NULL;
        **end = step;
        *end = &step->next_alike;
    }
    *ends[0] = chains[1];
    for (struct step *step = chains[0]; step != NULL; step = step->next_alike) {
        step->nth = ++nth;
        last = step;
    }
    chains[0]->last = last;
    map_set(&journal->alike, key, chains[0]);
    return chains[0];
}

/* The first of those with this key, or NULL. */
static struct step *find_first(struct journal *journal, const char *key)
{
    struct step *first = map_find(&journal->alike, key);

    return first != NULL && first->begun == NULL ? put_refused_last(journal, key, first)
                                                 : first;
}

/* The next of those alike, or NULL. */
static struct step *next_of(struct step *first, bool is_single)
{
    if (first == NULL || is_single || first->begun == NULL)
        return first;
    return first->begun->next_alike;
}

struct step *journal_peek(struct journal *journal, const struct step_content *content)
{
    char key[CONTENT_KEY_SIZE];

    content_hash(journal->run, content, key);
    return next_of(find_first(journal, key), content->is_single);
}

struct step *journal_begin(struct journal *journal, const struct step_content *content)
{
    char key[CONTENT_KEY_SIZE];
    struct step *first, *step;

    content_hash(journal->run, content, key);
    first = find_first(journal, key);
    step = next_of(first, content->is_single);
    if (step == NULL) {
        step = add_step(journal, key, content->verb, content->kind, content->target);
        step->fresh = keep_fresh(key, content->target);
        if (journal->first_new == NULL)
            journal->first_new = step;
    } else if (step->state == STEP_DONE && !step->is_begun) {
        journal->counts.replayed++;
    }
    if (first == NULL)
        first = step;
    first->begun = step;
    step->is_begun = true;
    return step;
}

enum step_state step_state(const struct step *step)
{
    return step->state;
}

const struct step_answer *step_answer(const struct step *step)
{
    return step->answer;
}

const char *step_action(const struct step *step)
{
    return step->action;
}

const char *step_outcome(const struct step *step)
{
    return step->outcome;
}

const cJSON *step_value(const struct step *step)
{
    return step->value;
}

int64_t step_age_ms(const struct journal *journal, const struct step *step)
{
    const int64_t age_ms = clock_wall_ms(loop_clock(journal->loop)) - step->intended_ms;

    return step->intended_ms != 0 && age_ms > 0 ? age_ms : 0;
}

bool step_is_open(const struct step *step)
{
    return step->is_intended && step->state == STEP_INTENDED;
}

bool step_is_replayed(const struct step *step)
{
    return step->is_loaded;
}

bool journal_deletes_later(const struct journal *journal, const struct step *step,
                           const char *target)
{
    char *above = memory_copy_string(target), *slash, key[TEXT_KEY_SIZE];
    bool is_gone = false;

    do {
        const struct step *gone;

        text_format_key(above, key);
        gone = map_find(&journal->gone, key);
        is_gone =
            gone != NULL && gone->number > step->number && gone->state != STEP_FAILED;
        slash = strrchr(above, '/');
        if (slash != NULL)
            *slash = '\0';
    } while (!is_gone && slash != NULL);
    free(above);
    return is_gone;
}

/* The first record of a step says what it is, later ones refer to it. */
static size_t begin_intent(struct journal *journal, struct step *step, const char *what)
{
    struct buffer *text = &journal->pending;
    const size_t begin = begin_record(journal, what);

    if (step->number != 0) {
        journal_add_number(text, "step", (int64_t)step->number);
        return begin;
    }
    step->number = journal->counts.records;
    journal_add_text(text, "key", step->fresh->key);
    journal_add_number(text, "nth", step->nth);
    journal_add_text(text, "verb", step->verb);
    journal_add_text(text, "kind", step->kind);
    journal_add_text(text, "id", step->fresh->target);
    free(step->fresh);
    step->fresh = NULL;
    return begin;
}

void journal_intend(struct journal *journal, struct step *step, const char *action,
                    const char *method, const char *client_request_id)
{
    if (step->is_intended && step->state == STEP_INTENDED)
        return;

    const size_t begin = begin_intent(journal, step, "intent");

    step->is_intended = true;
    if (step->intended_ms == 0)
        step->intended_ms = clock_wall_ms(loop_clock(journal->loop));
    set_intended(journal, step, action);
    journal_add_text(&journal->pending, "action", action);
    journal_add_text(&journal->pending, "method", method);
    journal_add_text(&journal->pending, "request", client_request_id);
    end_record(journal, begin);
}

void journal_answer(struct journal *journal, struct step *step,
                    const struct step_answer *answer)
{
    struct buffer *text = &journal->pending;
    const size_t begin = begin_step_record(journal, step, "answer");

    journal_add_number(text, "status", answer->status);
    journal_add_text(text, "url", answer->url);
    journal_add_text(text, "location", answer->location);
    journal_add_text(text, "state", answer->state);
    journal_add_text(text, "etag", answer->etag);
    journal_add_text(text, "made", answer->id);
    journal_add_text(text, "request_id", answer->request_id);
    end_record(journal, begin);
    set_answer(step, answer);
    set_state(journal, step, STEP_ANSWERED);
}

void journal_note_state(struct journal *journal, struct step *step, const char *state,
                        double percent)
{
    const size_t begin = begin_step_record(journal, step, "state");

    journal_add_text(&journal->pending, "state", state);
    if (percent >= 0.0)
        journal_add_number(&journal->pending, "percent", (int64_t)percent);
    end_record(journal, begin);
}

void journal_done(struct journal *journal, struct step *step, const char *outcome,
                  const cJSON *value)
{
    struct buffer *text = &journal->pending;
    size_t begin;

    if (step->number != 0) {
        begin = begin_step_record(journal, step, "done");
        journal_add_text(text, "outcome", outcome);
    } else {
        begin = begin_intent(journal, step, "unchanged");
    }
    if (value != NULL) {
        char *printed = json_print(value);

        buffer_printf(text, ",\"value\":%s", printed);
        free(printed);
    }
    end_record(journal, begin);
    set_done(journal, step, outcome, value != NULL ? cJSON_Duplicate(value, true) : NULL);
}

void journal_failed(struct journal *journal, struct step *step,
                    const struct failure *failure)
{
    struct buffer *text = &journal->pending;
    const size_t length = strlen(failure->message);
    char *message = memory_copy_text(
        failure->message, length < MOST_MESSAGE_BYTES ? length : MOST_MESSAGE_BYTES);
    const size_t begin = begin_step_record(journal, step, "failed");

    journal_add_text(text, "code", failure->code);
    if (failure->status != 0)
        journal_add_number(text, "status", failure->status);
    journal_add_text(text, "message", message);
    journal_add_text(text, "request_id", failure->request_id);
    end_record(journal, begin);
    free(message);
    step->is_intended = false;
    set_failed(journal, step);
}

void journal_note(struct journal *journal, const char *what, cJSON *members)
{
    const size_t begin = begin_record(journal, what);
    const cJSON *member;

    cJSON_ArrayForEach (member, members) {
        char *printed = json_print(member);

        buffer_printf(&journal->pending, ",\"%s\":%s", member->string, printed);
        free(printed);
    }
    cJSON_Delete(members);
    end_record(journal, begin);
    if (strcmp(what, "begin") == 0)
        journal->counts.attempts++;
}

/* --- the whole ----------------------------------------------------------------------------- */

void journal_count(const struct journal *journal, struct journal_counts *counts)
{
    *counts = journal->counts;
}

/* "create workspace 'payments'" */
static char *describe(const struct step *step)
{
    return memory_format("%s%s%s '%s'", step->verb, step->kind != NULL ? " " : "",
                         step->kind != NULL ? step->kind : "", step->name);
}

char *journal_find_skipped(const struct journal *journal, uint64_t *count)
{
    const struct step *first = NULL;

    *count = 0;
    for (size_t i = 0; i < journal->step_count; i++) {
        const struct step *step = journal->steps[i];

        if (!step->is_loaded || step->is_begun || step->state == STEP_FAILED)
            continue;
        first = first != NULL ? first : step;
        ++*count;
    }
    return first != NULL ? describe(first) : NULL;
}

char *journal_find_new(const struct journal *journal)
{
    return journal->first_new != NULL ? describe(journal->first_new) : NULL;
}

struct journal *journal_new(struct loop *loop, const char *run,
                            struct journal_output *output)
{
    struct journal *journal = memory_new(sizeof *journal);

    journal->loop = loop;
    journal->run = memory_copy_string(run);
    journal->output = output;
    journal->flush.run = flush_deferred;
    list_init(&journal->waits);
    return journal;
}

static void free_step(struct step *step)
{
    drop_answer(step);
    cJSON_Delete(step->value);
    free(step->fresh);
    free(step->name);
    free(step);
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    deferred_cancel(&journal->flush);
    for (size_t i = 0; i < journal->step_count; i++)
        free_step(journal->steps[i]);
    free(journal->steps);
    free(journal->by_number);
    map_deinit(&journal->alike, NULL);
    map_deinit(&journal->words, free);
    map_deinit(&journal->gone, NULL);
    buffer_deinit(&journal->pending);
    buffer_deinit(&journal->writing);
    failure_free(journal->failure);
    free(journal->run);
    free(journal);
}
