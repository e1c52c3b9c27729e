/* engine/run/watch.h - seeing what a run says and said, from another process: moongate runs attach
 * and logs. */
#ifndef MOONGATE_RUN_WATCH_H
#define MOONGATE_RUN_WATCH_H

#include <stdbool.h>

struct failure;
struct session;

struct watch_request {
    const char *id;
    bool
        follows; /* until the run ends, or somebody interrupts, which leaves the run alone */
    bool is_plain;        /* lines, whatever stderr is */
    bool takes_exit_code; /* ends with the run's own, once that has ended */
};

/* Hands the events that the store has of the run to faces of the session, one for each attempt.
 * Returns an exit code: EXIT_DONE when it was interrupted, EXIT_SCRIPT_FAILED when stdout does not
 * take it. NULL in `*failure`, or why it could not be seen (owned by the caller). */
int watch_run(struct session *session, const struct watch_request *request,
              struct failure **failure);

#endif
