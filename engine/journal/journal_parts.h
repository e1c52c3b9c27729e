/* engine/journal/journal_parts.h - what the files of a journal share, and nobody else: journal.c
 * (its steps), journal_load.c (what the log says) and journal_write.c (what is added to it). */
#ifndef MOONGATE_JOURNAL_JOURNAL_PARTS_H
#define MOONGATE_JOURNAL_JOURNAL_PARTS_H

#include "base/buffer.h"
#include "base/map.h"
#include "journal/content.h"
#include "journal/journal.h"

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
    bool is_cut; /* lines of earlier attempts are lost */
};

/* --- journal.c -------------------------------------------------------------------------- */

/* A new step at the end of those alike. */
struct step *journal_add_step(struct journal *journal, const char *key, const char *verb,
                              const char *kind, const char *target);

/* What becomes of a step; `value` is taken. */
void journal_set_state(struct journal *journal, struct step *step, enum step_state state);
void journal_set_intended(struct journal *journal, struct step *step, const char *action);
void journal_set_done(struct journal *journal, struct step *step, const char *outcome,
                      cJSON *value);
void journal_set_failed(struct journal *journal, struct step *step);
void step_set_answer(struct step *step, const struct step_answer *from);
void step_drop_answer(struct step *step);
bool step_is_deletion(const struct step *step);

/* --- journal_write.c -------------------------------------------------------------------- */

/* At the end of the turn, so that all that became ready in it is written together. */
void journal_flush(struct deferred *deferred);

#endif
