/* engine/run/carry.h - carrying on a run that a store has: moongate resume. */
#ifndef MOONGATE_RUN_CARRY_H
#define MOONGATE_RUN_CARRY_H

#include <stdbool.h>
#include <stdint.h>

struct failure;
struct settings;

struct carry_request {
    const char *id;
    const char *script;  /* goes on with this one instead of the run's own; or NULL */
    int64_t max_wall_ms; /* 0: no limit */
    bool cuts_damaged;   /* cut the journal where it is damaged */
};

/* Carries it on to its end, under the settings that it began with but for those that `settings`
 * says. Returns an exit code, and sets `*failure` (owned by the caller) when nothing was run. */
int carry_on(struct settings *settings, const struct carry_request *request,
             struct failure **failure);

#endif
