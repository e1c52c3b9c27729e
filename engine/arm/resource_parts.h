/* engine/arm/resource_parts.h - what the files of a resource's verbs share, and nobody else:
 * resource.c (their life and their end), resource_phase.c (the operations that they are made of),
 * resource_judge.c (what an answer says) and resource_replay.c (what the journal knows). */
#ifndef MOONGATE_ARM_RESOURCE_PARTS_H
#define MOONGATE_ARM_RESOURCE_PARTS_H

#include "arm/resource.h"
#include "net/loop.h"

struct operation;
struct step;

/* What the operation under way is for. */
enum phase { PHASE_LOOK, PHASE_REVEAL, PHASE_WRITE, PHASE_WAIT };

struct resource_operation {
    struct waitable waitable;
    struct client *client;
    enum resource_verb verb;
    const struct kind *kind;
    char *id, *if_match;
    cJSON *wanted;
    int looks;
    char
        *defaults; /* JSON: a tenth of the tree, and only a new resource needs it again */
    enum phase phase;
    struct operation *operation;
    struct waiter waiter;
    struct deferred advance;
    struct timer again;
    int64_t started_ms;
    uint64_t number;
    bool was_adopted;
    char *region; /* as the next, kept when it was announced, for the trees go */
    int units;
    uintptr_t looked_at; /* how many writes there had been when it was read */

    struct step *step; /* of the journal, or NULL */
    bool is_replayed;  /* it is done, the journal says so; it is only read */
    bool is_adopting;  /* the service may still work on it: it is followed */
    bool is_unsure; /* an earlier attempt may have written it: its answer was lost, or it
                        * failed after it was accepted */

    enum resource_outcome outcome;
    cJSON *body;
    char *etag;
    struct failure *failure;
};

/* --- resource.c ----------------------------------------------------------------------- */

/* Tells the observer of a write or wait, the first time one is sent. */
void resource_announce(struct resource_operation *own);

/* It is over. What an earlier attempt began has that as its outcome, although nothing is left to
 * do. */
void resource_end(struct resource_operation *own, enum resource_outcome outcome);
void resource_fail(struct resource_operation *own, struct failure *failure); /* taken */

/* A phase's failure, about the resource instead of the URL that was asked. Owned by the caller. */
struct failure *resource_failure_of_phase(const struct failure *failure);

/* --- resource_phase.c ----------------------------------------------------------------- */

void resource_start_phase(struct resource_operation *own, enum phase phase,
                          const char *method, cJSON *body);
void resource_look(struct resource_operation *own);
void resource_look_again(struct timer *timer);
void resource_wake(struct waiter *waiter);
void resource_advance(struct deferred *deferred);

/* Keeps that this run has written it. */
void resource_note_written(struct resource_operation *own);

/* --- resource_judge.c ----------------------------------------------------------------- */

/* A 404 that says: this resource is not there (and not: you asked in the wrong place). */
bool resource_is_missing(const struct failure *failure);

/* Of the operation that is over: what it says, by its phase. */
void resource_judge_present(struct resource_operation *own);
void resource_judge_absent(struct resource_operation *own, const struct failure *failure);
void resource_judge_written(struct resource_operation *own);
void resource_judge_waited(struct resource_operation *own);
void resource_judge_revealed(struct resource_operation *own,
                             const struct failure *failure);
void resource_fail_changed(struct resource_operation *own);

bool resource_is_being_made(const cJSON *body);

/* Whether it may differ from what is wanted, as far as can be seen. */
bool resource_may_differ(const struct resource_operation *own);
void resource_write_difference(struct resource_operation *own);
void resource_wait_for_it(struct resource_operation *own);

/* --- resource_replay.c ---------------------------------------------------------------- */

/* Asks the journal what it knows of this verb. */
void resource_begin_step(struct resource_operation *own);

/* What the outcome's write does, as the journal has it, or NULL. */
const char *resource_action(const struct resource_operation *own);

/* What the write of an earlier attempt was to do. */
enum resource_outcome resource_planned(const struct resource_operation *own);

/* What the journal says that it had come to. */
enum resource_outcome resource_outcome_of_step(const struct resource_operation *own);
const char *resource_method_of_step(const struct resource_operation *own);

/* What an earlier attempt has done: it is only read, to be given to the script. */
void resource_judge_replayed(struct resource_operation *own);

/* An earlier attempt sent the creation and did not hear what became of it: is this ours? */
void resource_judge_lost_creation(struct resource_operation *own);

/* What the run had done is not there; its script may have deleted it later. False when it is to be
 * done again. */
bool resource_recall_deleted(struct resource_operation *own);

#endif
