/* engine/journal/journal.c - what a run did to the world, step by step.
 *
 * A journal may hold a million records, so a step is small: what is only told and never
 * decided by stays in the log. */
#include "journal/journal_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/content.h"

const char *const step_state_names[] = {"new",  "intended", "answered",
                                        "done", "failed",   NULL};

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
struct step *journal_add_step(struct journal *journal, const char *key, const char *verb,
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

bool step_is_deletion(const struct step *step)
{
    return step->action != NULL && text_equal_nocase(step->action, "delete");
}

void journal_set_state(struct journal *journal, struct step *step, enum step_state state)
{
    journal->counts.by_state[step->state]--;
    journal->counts.by_state[state]++;
    step->state = state;
}

/* --- answers ------------------------------------------------------------------------------ */

static void deinit_answer(struct step_answer *answer)
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

void step_drop_answer(struct step *step)
{
    if (step->answer == NULL)
        return;
    deinit_answer(step->answer);
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

void step_set_answer(struct step *step, const struct step_answer *from)
{
    step_drop_answer(step);
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
void journal_set_intended(struct journal *journal, struct step *step, const char *action)
{
    char key[TEXT_KEY_SIZE];

    step->action = intern(journal, action);
    step_drop_answer(step);
    journal_set_state(journal, step, STEP_INTENDED);
    if (!step_is_deletion(step))
        return;
    snprintf(key, sizeof key, "%016" PRIx64, step->target);
    map_set(&journal->gone, key, step);
}

void journal_set_done(struct journal *journal, struct step *step, const char *outcome,
                      cJSON *value)
{
    journal_set_state(journal, step, STEP_DONE);
    step->outcome = intern(journal, outcome);
    cJSON_Delete(step->value);
    step->value = value;
    shrink_answer(step);
}

void journal_set_failed(struct journal *journal, struct step *step)
{
    journal_set_state(journal, step, STEP_FAILED);
    shrink_answer(step);
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
        step =
            journal_add_step(journal, key, content->verb, content->kind, content->target);
        step->fresh = keep_fresh(key, content->target);
        if (journal->is_cut) { /* it may be in the lines that are lost */
            step->is_loaded = true;
            journal_set_state(journal, step, STEP_INTENDED);
        }
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
    journal->flush.run = journal_flush;
    list_init(&journal->waits);
    return journal;
}

static void free_step(struct step *step)
{
    step_drop_answer(step);
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
