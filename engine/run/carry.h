/* engine/run/carry.h - carrying on a run that a store has: moongate resume. */
#ifndef MOONGATE_RUN_CARRY_H
#define MOONGATE_RUN_CARRY_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct depot;
struct failure;
struct run_request;
struct settings;

struct carry_request {
    const char *id;
    const char *script;  /* goes on with this one instead of the run's own; or NULL */
    int64_t max_wall_ms; /* 0: no limit */
    void (*kept)(void *context, const char *id); /* as of struct run_request */
    bool cuts_damaged;                           /* cut the journal where it is damaged */
    bool
        is_same_job; /* it is refused when it began with another profile than is asked for */
};

/* What the run was asked for; owned by the caller. NULL, or the failure: RunNotFound,
 * JournalTooNew, JournalDamaged, IOError. Turns the loop. */
struct failure *carry_read_manifest(struct depot *depot, const char *id,
                                    cJSON **manifest);

/* Files that the script names are beside what was then the working folder: makes it that of this
 * process, when it is here. */
void carry_enter_folder(const cJSON *manifest);

/* Runs a script as the run `request->id`, which is carried on when it is there already; or, without
 * an id, carries on the same job (script, arguments and settings) that an earlier process left,
 * and begins a new run when there is none. Returns and sets as carry_on(). */
int carry_or_begin(struct settings *settings, struct run_request *request,
                   struct failure **failure);

/* Carries it on to its end, under the settings that it began with but for those that `settings`
 * says. Returns an exit code, and sets `*failure` (owned by the caller) when nothing was run. */
int carry_on(struct settings *settings, const struct carry_request *request,
             struct failure **failure);

#endif
