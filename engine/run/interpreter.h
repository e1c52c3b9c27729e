/* engine/run/interpreter.h - the Lua state that scripts run in, with what they may not do
 * taken out: no processes, no native libraries, no bytecode, no deleting or renaming. */
#ifndef MOONGATE_RUN_INTERPRETER_H
#define MOONGATE_RUN_INTERPRETER_H

#include <stdbool.h>

#include <lua.h>

struct scheduler;
struct session;

/* A state whose modules work with `session`, and its scheduler; `*scheduler` is freed after
 * the state (lua_close). */
lua_State *interpreter_new(struct session *session, struct scheduler **scheduler);

/* Where `require` looks for a script's own modules; copied. */
void interpreter_set_folder(lua_State *L, const char *folder);

/* From now on the library is compiled once and kept; or no more. For processes that make many
 * states in turn. */
void interpreter_keep_compiled(bool is_on);

/* The session of the state that L belongs to. */
struct session *interpreter_session(lua_State *L);

/* What `run.exit(code)` raises: a userdata with this metatable that holds the code, an int. */
extern const char interpreter_exit_metatable[];

#endif
