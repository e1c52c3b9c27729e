/* lua/modules.h - the functions that open the native modules, one a file. */
#ifndef MOONGATE_LUA_MODULES_H
#define MOONGATE_LUA_MODULES_H

#include <lua.h>

int open_access(lua_State *L);
int open_arm(lua_State *L);
int open_check(lua_State *L);
int open_clock(lua_State *L);
int open_csv(lua_State *L);
int open_doctor(lua_State *L);
int open_env(lua_State *L);
int open_export(lua_State *L);
int open_external_editor(lua_State *L);
int open_files(lua_State *L);
int open_folder(lua_State *L);
int open_http_server(lua_State *L);
int open_inspect(lua_State *L);
int open_jobs(lua_State *L);
int open_json(lua_State *L);
int open_log(lua_State *L);
int open_model(lua_State *L);
int open_page(lua_State *L);
int open_past(lua_State *L);
int open_post(lua_State *L);
int open_prompt(lua_State *L);
int open_report(lua_State *L);
int open_resources(lua_State *L);
int open_run(lua_State *L);
int open_runs(lua_State *L);
int open_service(lua_State *L);
int open_session(lua_State *L);
int open_sim(lua_State *L);
int open_tasks(lua_State *L);
int open_terminal(lua_State *L);
int open_trail(lua_State *L);
int open_worker(lua_State *L);

/* Makes the metatables of tasks and groups. */
void tasks_set_up(lua_State *L);

#endif
