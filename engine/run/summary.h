/* engine/run/summary.h - the words in which the text faces speak, up to the closing ones.
 *
 * All append to a buffer; what comes from outside is made fit to be shown. */
#ifndef MOONGATE_RUN_SUMMARY_H
#define MOONGATE_RUN_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/duration.h"
#include "run/event.h"
#include "run/face_tally.h"

/* "1 gateway", "12 policies". */
void summary_append_count(struct buffer *text, uint64_t count, const char *noun);

/* As duration_format(), with tenths where seconds are few: "1.2 s". */
void summary_append_duration(struct buffer *text, int64_t duration_ms);

/* Writes a time that goes on: as duration_format(), but without milliseconds, which would only
 * flicker, and from 0 on. */
void summary_format_running(int64_t span_ms, char text[DURATION_TEXT_SIZE]);

/* "84 created, 3 changed", or nothing. Returns whether there was something to say. */
bool summary_append_outcomes(struct buffer *text, const unsigned outcomes[OUTCOME_COUNT]);

/* "12:03:07 ", in the local time zone. */
void summary_append_time(struct buffer *text, int64_t wall_ms);

/* "gateway 'gw-a'". */
void summary_append_subject(struct buffer *text, const char *kind, const char *name);

/* How an operation ended: "gateway 'gw-a' created in 2:58:10", without a line end. */
void summary_append_finish(struct buffer *text, const struct event *event);

/* A log line or a failed task as lines with the time. */
void summary_append_note(struct buffer *text, const struct event *event);

/* The closing lines of EVENT_RUN_FINISHED. They begin with the word of the run's status.
 */
void summary_append(struct buffer *text, const struct event *event,
                    const struct tally *tally);

#endif
