/* engine/test/worker.h - what a worker process does: it takes jobs, one JSON object a line,
 * and answers each with one line.
 *
 *   {"file"}                                             which tests does it have?
 *       -> {"cases": [..]}
 *   {"file", "name", "seed", "timeout_ms", "wall_ms"}    run this one
 *       -> {"status", "message", "where", "frames", "output", "wall_us", "virtual_ms"}
 *
 * A file that cannot be loaded is answered as a test that failed. */
#ifndef MOONGATE_TEST_WORKER_H
#define MOONGATE_TEST_WORKER_H

#include "run/settings.h"

/* Works until there are no more jobs. `settings` are those of each test's run. */
void worker_run(const struct settings *settings, int jobs_fd, int answers_fd);

#endif
