/* engine/arm/compare.h - does a resource already say what a script asks for? */
#ifndef MOONGATE_ARM_COMPARE_H
#define MOONGATE_ARM_COMPARE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "model/kind.h"

/* The first field of `wanted` that `have` does not say, or NULL when it says them all.
 * Only fields that `wanted` sets count, so what the service adds is never a difference.
 * Ids, choices and regions compare as Azure compares them: without regard to case. */
const struct field *compare_bodies(const struct kind *kind, const cJSON *have,
                                   const cJSON *wanted);

/* Whether a body has fields with one of the flags. */
bool compare_has(const struct kind *kind, const cJSON *body, unsigned flags);

/* Removes the fields with one of the flags. */
void compare_strip(const struct kind *kind, cJSON *body, unsigned flags);

/* Adds to a body the secrets that the kind's action has revealed. */
void compare_reveal(const struct kind *kind, cJSON *body, const cJSON *answer);

/* What a PUT of the whole must say so that only `wanted` changes: `have` without what the
 * service sets itself, with `wanted` over it. Owned by the caller. */
cJSON *compare_merge(const struct kind *kind, const cJSON *have, const cJSON *wanted);

#endif
