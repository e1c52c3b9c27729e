/* engine/run/face_forecast.h - what the text faces say of how much longer something takes. */
#ifndef MOONGATE_RUN_FACE_FORECAST_H
#define MOONGATE_RUN_FACE_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "run/face_tally.h"

enum forecast_form {
    FORECAST_NONE,   /* "" */
    FORECAST_SHORT,  /* "30:00-1:10:00 more" */
    FORECAST_MEDIUM, /* "usually done in 30:00-1:10:00 more" */
    FORECAST_LONG,   /* "usually done in 30:00-1:10:00 more (from 14 like it)" */
    FORECAST_FORM_COUNT
};

/* Whether the operation has a forecast that says more than "no history yet". */
bool face_forecast_is_known(const struct tally_operation *operation);

/* Appends what the operation's forecast, which must be there, says at `now_ms`, when some of its
 * time has passed. ASCII. */
void face_forecast_append(struct buffer *text, const struct tally_operation *operation,
                          int64_t now_ms, enum forecast_form form);

/* Appends a line when the event, which is of the operation, says for the first time that it lasts
 * longer than is usual. */
void face_forecast_warn(struct buffer *text, struct tally_operation *operation,
                        const struct event *event);

#endif
