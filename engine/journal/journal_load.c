/* engine/journal/journal_load.c - what earlier attempts of the run did, as the log has it. */
#include "journal/journal_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"

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
        journal_add_step(journal, key != NULL ? key : "", json_string_at(record, "verb"),
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
    journal_set_intended(journal, step, json_string_at(record, "action"));
}

static void load_unchanged(struct journal *journal, const cJSON *record)
{
    struct step *step = find_loaded(journal, record);

    if (step == NULL)
        step = load_step(journal, record);
    journal_set_done(journal, step, "unchanged", NULL);
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
    step_drop_answer(step);
    step->answer = memory_new(sizeof *step->answer);
    *step->answer =
        (struct step_answer){.status = (int)json_number_at(record, "status", 0),
                             .url = copy_at(record, "url"),
                             .location = copy_at(record, "location"),
                             .state = copy_at(record, "state"),
                             .etag = copy_at(record, "etag"),
                             .id = copy_at(record, "made"),
                             .request_id = copy_at(record, "request_id")};
    journal_set_state(journal, step, STEP_ANSWERED);
    journal->counts.writes++;
    if (step_is_deletion(step))
        journal->counts.deletes++;
}

static void load_done(struct journal *journal, const cJSON *record)
{
    struct step *step = find_loaded(journal, record);
    const cJSON *value = json_at(record, "value");

    if (step != NULL)
        journal_set_done(journal, step, json_string_at(record, "outcome"),
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
        journal_set_failed(journal, step);
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
