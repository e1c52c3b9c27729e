/* engine/arm/refusal.h - from an error answer to a failure, whatever shape the answer has. */
#ifndef MOONGATE_ARM_REFUSAL_H
#define MOONGATE_ARM_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct failure;
struct transfer;

/* The failure that an answer of 300 or more stands for; `body` is its JSON, or NULL when it
 * has none (HTML, text, nothing). Owned by the caller. */
struct failure *refusal_from_answer(int status, const cJSON *body, const char *text,
                                    const char *request_id);

/* The failure in an `error` object of ARM (or of Graph, or of an operation's monitor). */
struct failure *refusal_from_error(const cJSON *error, const char *otherwise_code);

/* Whether this refusal goes away by itself, so that the same write is worth repeating, and
 * then how long to pause before attempt `attempt` (1 is the first repetition) and how long
 * to go on in all. */
bool refusal_heals(const struct failure *failure, unsigned attempt, int64_t *pause_ms,
                   int64_t *longest_ms);

#endif
