/* engine/run/keep.h - a run and its record: what the record is told at the run's beginning and at
 * its end. */
#ifndef MOONGATE_RUN_KEEP_H
#define MOONGATE_RUN_KEEP_H

#include "run/event.h"
#include "run/run.h"

struct failure;
struct record;
struct session;

/* Whether the request asks for a record, and the session's settings allow one. */
bool keep_is_wanted(const struct session *session, const struct run_request *request);

/* The record that the request asks for, in use by the session from now on; or NULL, when nothing is
 * to be kept. NULL with `*failure` set (owned by the caller) when it cannot be. */
struct record *keep_begin(struct session *session, const struct run_request *request,
                          const char *id, struct failure **failure);

/* Tells people where a run that is carried on stands. */
void keep_tell_beginning(struct session *session, struct record *record);

/* Tells them, at the end of a script that came to its end, what earlier attempts did and this one
 * did not come to. */
void keep_tell_skipped(struct session *session, struct record *record);

/* How to carry on what ends with this code: owned by the caller, or NULL. */
char *keep_format_hint(const struct session *session, const struct record *record,
                       int code);

/* The end of this attempt. Says on stderr what could not be kept; frees the record. */
void keep_end(struct session *session, struct record *record,
              const struct run_summary *summary, const char *status, int code,
              const char *error);

#endif
