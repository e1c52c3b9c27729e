/* engine/run/script.h - the source of a run's script: a line, a file, a ready script, or the copy
 * that the run's record has kept. */
#ifndef MOONGATE_RUN_SCRIPT_H
#define MOONGATE_RUN_SCRIPT_H

#include <lua.h>

#include "run/run.h"

/* Leaves the script's function on the stack, and keeps its text in the session's record. Returns
 * EXIT_DONE, or another exit code with the reason in `*error` (owned by the caller). */
int script_load(lua_State *L, const struct run_request *request, char **error);

#endif
