/* engine/sim/shape.h - what a body must look like, by the row of its kind. */
#ifndef MOONGATE_SIM_SHAPE_H
#define MOONGATE_SIM_SHAPE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "sim/answer.h"

struct kind;

/* A body for the resource from what a client has sent: id, name and type first, without
 * what only the service may set, without nulls. `given` is emptied. Owned by the caller.
 */
cJSON *shape_body(const struct kind *kind, const char *id, const char *name,
                  cJSON *given);

/* Merges `patch` into `body` (RFC 7396). */
void shape_merge(cJSON *body, const cJSON *patch);

/* Drops from a body what only the service may set. */
void shape_drop_read_only(const struct kind *kind, cJSON *body);

/* Whether a GET of the kind holds something back. */
bool shape_hides(const struct kind *kind);

/* Drops from a body what a GET does not give back. */
void shape_hide(const struct kind *kind, cJSON *body);

/* Carries over from the old body what only the service sets, and what cannot change and
 * was not said again. */
void shape_keep(const struct kind *kind, const cJSON *old, cJSON *body);

/* Whether required fields are there and all are within their limits; has answered when
 * not. */
bool shape_check(const struct kind *kind, const cJSON *body, struct answer *answer);

/* Whether what cannot change has not; has answered with `refusal` when it has. */
bool shape_check_immutable(const struct kind *kind, const cJSON *old, const cJSON *body,
                           enum refusal refusal, struct answer *answer);

/* Whether both say the same, their etags aside. */
bool shape_is_equal(const cJSON *old, const cJSON *body);

/* Whether two names of a region mean the same: "West Europe" and "westeurope". */
bool shape_is_same_location(const char *a, const char *b);

#endif
