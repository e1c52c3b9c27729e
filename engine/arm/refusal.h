/* engine/arm/refusal.h - from an error answer to a failure, whatever shape the answer has. */
#ifndef MOONGATE_ARM_REFUSAL_H
#define MOONGATE_ARM_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct failure;

/* The failure that an answer of 300 or more stands for; `body` is its JSON, or NULL when it
 * has none (HTML, XML, text, nothing; then `text` is looked at, which may be NULL). Owned by
 * the caller. */
struct failure *refusal_from_answer(int status, const cJSON *body, const char *text);

/* The failure in an `error` object of ARM (or of Graph, or of an operation's monitor). */
struct failure *refusal_from_error(const cJSON *error, const char *otherwise_code);

/* How a refusal that goes away by itself is waited out. */
struct healing {
    int64_t first_pause_ms, longest_pause_ms; /* pauses double from one to the other */
    int64_t longest_ms;                       /* to go on in all */
    /* Something else is going on there, maybe for hours: look at the resource meanwhile
     * instead of writing again and again. */
    bool is_busy;
};

/* How to wait this refusal out, or NULL when the same write would be refused again. Borrowed:
 * a constant. */
const struct healing *refusal_healing(const struct failure *failure);

/* The same for a write right below what this run has made itself: the new parent may not be
 * known everywhere. */
const struct healing *refusal_healing_below_new(const struct failure *failure);

/* How long to pause before repetition `attempt` (1 is the first). */
int64_t healing_pause_ms(const struct healing *healing, unsigned attempt);

#endif
