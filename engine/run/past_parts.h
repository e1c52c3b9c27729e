/* engine/run/past_parts.h - what the files of a past share, and nobody else: past.c (what becomes
 * of writes, and what waits), past_load.c (what the store has) and past_world.c (the simulated
 * world). */
#ifndef MOONGATE_RUN_PAST_PARTS_H
#define MOONGATE_RUN_PAST_PARTS_H

#include "base/buffer.h"
#include "base/map.h"
#include "net/loop.h"
#include "run/past.h"

struct past {
    char *id, *store_label, *damage;
    const char *chosen_step, *chosen_script;
    cJSON *manifest;
    struct buffer lines; /* of the journal, those that are good */
    struct map files;    /* struct buffer, by name */
    struct past_step **steps;
    size_t step_count, step_capacity;
    struct past_step *latest; /* that the journal speaks of, or NULL */
    struct map alike;         /* the first of those with a key */
    unsigned attempts;
    int64_t began_ms; /* UTC on the run's clock; 0: the journal does not say */

    struct session *session;
    struct journal_output output;
    struct journal *journal; /* what is done, for operations to ask */
    struct deferred appended;
    const char **code_names;
    size_t code_count;

    uint64_t target, last_hold;
    bool stops_next;  /* at whatever comes next */
    bool has_stopped; /* since it began */
    struct list holds;
    struct waitable news;
    struct waiter watch; /* of a task */
    char *unput;
    unsigned unput_count;
};

/* --- past_load.c ------------------------------------------------------------------------- */

/* Fills it from the store. */
struct failure *past_load(struct past *past, const struct settings *settings);
void past_unload(struct past *past);

/* A journal that knows what is done and nothing else. */
void past_fill_journal(struct past *past);

/* --- past_world.c ------------------------------------------------------------------------ */

/* The world as it is at the beginning. */
struct failure *past_make_world(struct past *past);

/* Puts into it what a step has done. */
void past_put(struct past *past, const struct past_step *step,
              const struct past_write *write);

#endif
