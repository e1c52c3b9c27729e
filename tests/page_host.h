/* tests/page_host.h - runs a script in a session that may touch all runs, as `moongate jobs` has
 * one. */
#ifndef MOONGATE_TESTS_PAGE_HOST_H
#define MOONGATE_TESTS_PAGE_HOST_H

#include <stdio.h>

#include "base/failure.h"
#include "run/run.h"
#include "run/session.h"
#include "run/settings.h"

/* `store` is a folder. Returns an exit code. */
static inline int page_host_run(const char *store, const char *script, char **arguments,
                                int count)
{
    const struct settings settings = {
        .clock_mode = CLOCK_REAL, .store = store, .manages_runs = true, .quiet = true};
    const struct run_request request = {.script = script,
                                        .arguments = arguments,
                                        .argument_count = count,
                                        .keep = RUN_NOT_KEPT};
    struct failure *failure = NULL;
    struct session *session = session_open(&settings, &failure);
    int code = EXIT_SCRIPT_FAILED;

    if (session != NULL && session_depot(session, &failure) != NULL)
        code = run_script(session, &request);
    session_close(session);
    if (failure != NULL)
        fprintf(stderr, "%s\n", failure->message);
    failure_free(failure);
    return code;
}

#endif
