/* engine/task/modules.h - the native modules that scripts can require.
 *
 * Declared here, defined by whoever builds the bindings (lua/modules.c; a test may link a
 * shorter list), so that the engine does not depend on them. */
#ifndef MOONGATE_TASK_MODULES_H
#define MOONGATE_TASK_MODULES_H

#include <lua.h>

struct native_module {
    const char *name;
    lua_CFunction open; /* pushes the module's table */
    const char *help;   /* one line */
};

/* Ended by a row without name. */
extern const struct native_module native_modules[];

/* Makes the metatables that the modules share, and lets waits pass through the coroutines
 * that scripts make themselves. Called once for a new state, before any script. */
void native_set_up(lua_State *L);

#endif
