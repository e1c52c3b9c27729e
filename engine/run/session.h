/* engine/run/session.h - everything a run works with, opened in the order it is needed.
 *
 * A session has a clock, a loop and a face at once; the way to the service (credentials,
 * pipeline, client) is opened at the first call that needs it, so that a run that sends
 * nothing needs no configuration and starts at once. */
#ifndef MOONGATE_RUN_SESSION_H
#define MOONGATE_RUN_SESSION_H

#include <stdbool.h>

#include "arm/client.h"
#include "base/clock.h"
#include "run/endpoints.h"
#include "run/event.h"
#include "run/settings.h"

struct depot;
struct failure;
struct journal;
struct past;
struct record;
struct history;
struct session;
struct sim;
struct tokens;
struct trail;

/* What names in scripts stand for. Strings are borrowed from the session, or NULL. */
struct scope {
    const char *subscription, *resource_group, *service;
};

/* What scripts are told of their run. */
struct run_facts {
    const char *id;   /* borrowed, or NULL */
    unsigned attempt; /* from 1 on */
    int64_t
        deadline_wall_ms; /* UTC on the run's clock: when this attempt ends; 0: never */
    int64_t slot_ms;      /* UTC: the time that the run is for; 0: none */
};

/* `settings` is borrowed for the session's life. NULL on failure, with the reason in
 * `*failure` (owned by the caller). */
struct session *session_open(const struct settings *settings, struct failure **failure);

/* The face is closed, too. Accepts NULL. */
void session_close(struct session *session);

/* The run that this session works for is kept from now on: its journal is asked about each write,
 * and events go there, too. Borrowed, until session_set_record(session, NULL); before the first
 * request. */
void session_set_record(struct session *session, struct record *record);
struct record *session_record(const struct session *session);

/* The run of the past that this session steps into, or NULL: code comes from there. Borrowed, until
 * session_set_past(session, NULL). */
void session_set_past(struct session *session, struct past *past);
struct past *session_past(const struct session *session);

/* The journal that operations are asked of from now on without any record (borrowed), or NULL. */
void session_set_journal(struct session *session, struct journal *journal);
struct journal *session_journal(const struct session *session);

/* The run itself; borrowed, or NULL. */
struct run;
void session_set_run(struct session *session, struct run *run);
struct run *session_run(const struct session *session);

/* What scripts are told, to be set before they run. */
void session_set_facts(struct session *session, const struct run_facts *facts);
const struct run_facts *session_facts(const struct session *session);

/* The store of the settings, opened when first asked for; the session's. NULL on failure, with the
 * reason in `*failure` (owned by the caller). */
struct depot *session_depot(struct session *session, struct failure **failure);

/* Code of the run, "modules/teams.lua": as it was kept, or to be kept with it. No effect, and
 * NULL, when nothing is kept. */
const char *session_find_code(const struct session *session, const char *name,
                              size_t *length);
void session_keep_code(struct session *session, const char *name, const char *text,
                       size_t length);

/* The same for code that grows: what there is from byte `from` on becomes `text`. */
void session_extend_code(struct session *session, const char *name, size_t from,
                         const char *text, size_t length);

struct loop *session_loop(struct session *session);
struct clock *session_clock(struct session *session);
struct face *session_face(struct session *session);
const struct settings *session_settings(const struct session *session);

/* Shows events by another face from now on; takes it, and frees the one before. */
void session_set_face(struct session *session, struct face *face);

/* Where the durations of operations come from and go to; borrowed, or NULL: nothing is said. */
void session_set_history(struct session *session, struct history *history);
struct history *session_history(const struct session *session);

/* The simulator inside the process, or NULL. Borrowed. */
struct sim *session_sim(const struct session *session);

/* The way to the service. NULL when nothing says which side to use, or what was said makes
 * no sense; then the reason in `*failure` (owned by the caller). */
struct client *session_client(struct session *session, struct failure **failure);

/* The same way for what is no part of the run: no journal is asked. */
struct client *session_client_aside(struct session *session, struct failure **failure);

/* What requests are signed with; call session_client() first. Borrowed. */
struct tokens *session_tokens(struct session *session);

/* The requests of this session, kept once it is started (pipeline/trail.h); the session's. */
struct trail *session_trail(struct session *session);

/* From now on requests are signed by the simulator's guest, who has no right, or again by
 * the run's own credential. Only with a simulator, and after session_client(). */
void session_set_guest(struct session *session, bool is_guest);
bool session_is_guest(const struct session *session);

/* Where unqualified names are looked up. Nobody is asked. */
const struct scope *session_scope(struct session *session);

/* From now on these names count (copied) instead of those of the settings or the simulator;
 * where one is NULL, what counted goes on to count. What was sent goes on. */
void session_set_scope(struct session *session, const struct scope *scope);

/* From now on writes are refused, or not any more; what was sent goes on. At first it is as the
 * settings say. */
void session_set_read_only(struct session *session, bool is_read_only);
bool session_is_read_only(const struct session *session);

/* Closes the way to the service and works by other settings from now on, as if the session had
 * been opened with them; only the simulator, the clock and the face stay, so `settings` must
 * have a simulator when these had one. They are copied; their strings are borrowed for the
 * session's life. A record in use stays in its store, and who has asked for read-only mode keeps
 * that. False when operations are not over
 * (`Busy`, which session_is_busy() tells before): then nothing has changed, and the reason is in
 * `*failure` (owned by the caller). */
bool session_is_busy(const struct session *session, struct failure **failure);
bool session_switch(struct session *session, const struct settings *settings,
                    struct failure **failure);

/* Where the services are; call session_client() first. */
const struct endpoints *session_endpoints(const struct session *session);

/* The tenant to sign in to, or NULL when nothing says it. Borrowed. */
const char *session_tenant(const struct session *session);

/* Sends an event to the face, with the time filled in. */
void session_emit(struct session *session, struct event *event);

/* Counts and shows what became of something that is no resource of the model, such as a
 * group in the directory. */
void session_report(struct session *session, enum event_outcome outcome, const char *kind,
                    const char *name);

/* What the script prints. */
void session_print(struct session *session, const char *text);

/* The same for what is meant for the screen alone, and kept nowhere: a value may be a secret. */
void session_show(struct session *session, const char *text);

/* Nothing new is sent from now on; `drained` is called once the last answer is in. */
void session_drain(struct session *session, void (*drained)(void *context),
                   void *context);

/* The summary so far; `run` and `status` are the caller's to fill in. */
void session_summarize(const struct session *session, struct run_summary *summary);

#endif
