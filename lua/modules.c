/* lua/modules.c - the list of native modules. */
#include "lua/modules.h"

#include <stddef.h>

#include "lua/bind.h"
#include "lua/nested.h"
#include "lua/resource.h"
#include "task/modules.h"

const struct native_module native_modules[] = {
    {"clock", open_clock, "the time that the run goes by"},
    {"csv", open_csv, "tables of text with commas between"},
    {"env", open_env, "environment variables"},
    {"json", open_json, "JSON text and Lua values"},
    {"log", open_log, "lines for whoever runs the script"},
    {"run", open_run, "the run itself: its scope, its end"},
    {"core.access", open_access, "actions and the patterns of them in roles"},
    {"core.arm", open_arm, "requests to the service"},
    {"core.check", open_check, "errors that blame the script's line"},
    {"core.doctor", open_doctor, "what the program knows of its way to the service"},
    {"core.export", open_export, "the documents of APIs, as the service writes them"},
    {"core.external_editor", open_external_editor, "texts in another editor"},
    {"core.files", open_files, "files that are sent to the service"},
    {"core.folder", open_folder, "the files of an exported estate"},
    {"core.http_server", open_http_server, "requests to the program itself"},
    {"core.inspect", open_inspect, "what a value is, whoever made its metatable"},
    {"core.jobs", open_jobs, "the jobs that the configuration declares"},
    {"core.model", open_model, "the rows of the model"},
    {"core.page", open_page, "what the status page needs of the machine"},
    {"core.past", open_past, "a run of the past that is stepped into"},
    {"core.post", open_post, "what tells somebody of a job"},
    {"core.prompt", open_prompt, "the terminal of the prompt"},
    {"core.report", open_report, "what became of things without a row in the model"},
    {"core.resources", open_resources, "the verbs of every kind"},
    {"core.runs", open_runs, "the runs that the store has"},
    {"core.service", open_service, "what a program that runs for ever hears and says"},
    {"core.session", open_session, "by which profile, where and how freely one works"},
    {"core.sim", open_sim, "the controls of the simulator"},
    {"core.tasks", open_tasks, "tasks and groups of tasks"},
    {"core.terminal", open_terminal, "the terminal, and how text lies on it"},
    {"core.trail", open_trail, "the requests of the run"},
    {"core.worker", open_worker, "processes for the runs of jobs"},
    {NULL, NULL, NULL}};

void native_set_up(lua_State *L)
{
    bind_set_up(L);
    bind_set_up_coroutines(L);
    resource_set_up(L);
    nested_set_up(L);
    tasks_set_up(L);
}
