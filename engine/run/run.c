/* engine/run/run.c - one execution of a script, from its source to an exit code. */
#include "run/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/uuid.h"
#include "net/loop.h"
#include "run/face.h"
#include "run/interpreter.h"
#include "run/interrupt.h"
#include "run/session.h"
#include "run/source.h"
#include "task/task.h"

enum { LARGEST_SCRIPT = 16 << 20 };

struct run {
    struct session *session;
    struct scheduler *scheduler;
    lua_State *L;
    struct task *main;
    int main_reference; /* keeps its userdata */
    int interrupts;
};

/* --- what went wrong ------------------------------------------------------------------ */

/* The lines of a traceback that are in somebody's files, with the headings that have any. */
static void append_traceback(struct buffer *text, const char *traceback)
{
    const char *line = traceback, *heading = NULL;

    while (line != NULL && *line != '\0') {
        const int length = (int)strcspn(line, "\n");

        if (line[0] != '\t') {
            heading = line;
        } else if (strncmp(line, "\t[C]:", 5) != 0) {
            if (heading != NULL)
                buffer_printf(text, "\n%.*s", (int)strcspn(heading, "\n"), heading);
            heading = NULL;
            buffer_printf(text, "\n%.*s", length, line);
        }
        line = line[length] == '\n' ? line + length + 1 : NULL;
    }
}

static int tostring(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    return 1;
}

/* A failure's stable code, or NULL; borrowed from the thread's stack. */
static const char *code_of_failed(const struct task *task)
{
    lua_State *thread = task_thread(task);
    const char *code = NULL;

    if (lua_istable(thread, -1)) {
        lua_pushliteral(thread, "code");
        if (lua_rawget(thread, -2) == LUA_TSTRING)
            code = lua_tostring(thread, -1); /* the table keeps it */
        lua_pop(thread, 1);
    }
    return code;
}

/* What the command line or the environment says is wrong, so no line of the script is. */
static bool is_setting(const char *code)
{
    return code != NULL &&
           (strcmp(code, "NoTarget") == 0 || strcmp(code, "BadSetting") == 0);
}

char *run_describe_failed(lua_State *L, const struct task *task)
{
    lua_State *thread = task_thread(task);
    struct buffer text = {0};

    lua_pushcfunction(L, tostring);
    lua_pushvalue(thread, -(L == thread) - 1);
    lua_xmove(thread, L, 1);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) { /* a __tostring may be anything */
        lua_pop(L, 1);
        lua_pushliteral(L, "an error object that has no text");
    }
    buffer_append_string(&text, lua_tostring(L, -1));
    lua_pop(L, 1);
    if (!is_setting(code_of_failed(task)))
        append_traceback(&text, task_traceback(task));
    return buffer_take(&text);
}

static int exit_code_of(const struct task *task)
{
    static const struct {
        const char *code;
        int exit_code;
    } codes[] = {{"NoTarget", EXIT_USAGE},
                 {"BadSetting", EXIT_USAGE},
                 {"NoCredentials", EXIT_NO_RIGHTS},
                 {"AuthenticationFailed", EXIT_NO_RIGHTS},
                 {"AuthorizationFailed", EXIT_NO_RIGHTS},
                 {"LinkedAuthorizationFailed", EXIT_NO_RIGHTS},
                 {"InvalidAuthenticationToken", EXIT_NO_RIGHTS},
                 {"InvalidAuthenticationTokenAudience", EXIT_NO_RIGHTS},
                 {"InvalidAuthenticationTokenTenant", EXIT_NO_RIGHTS},
                 {"ExpiredAuthenticationToken", EXIT_NO_RIGHTS},
                 {"Unauthorized", EXIT_NO_RIGHTS},
                 {"Forbidden", EXIT_NO_RIGHTS},
                 {"Authorization_RequestDenied", EXIT_NO_RIGHTS},
                 {"GuardRefused", EXIT_GUARD_REFUSED}};
    const char *code = code_of_failed(task);

    for (size_t i = 0; code != NULL && i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i].code, code) == 0)
            return codes[i].exit_code;
    }
    return EXIT_SCRIPT_FAILED;
}

/* A script may end itself: run.exit(2). */
static bool asked_to_exit(const struct task *task, int *code)
{
    const int *asked = luaL_testudata(task_thread(task), -1, interpreter_exit_metatable);

    if (asked == NULL)
        return false;
    *code = *asked;
    return true;
}

/* --- events while it runs ------------------------------------------------------------- */

static void report_unjoined(void *host, const struct task *task)
{
    int code;

    if (asked_to_exit(task, &code))
        return;

    char *text = run_describe_failed(task_thread(task), task);
    struct event event = {.type = EVENT_TASK_FAILED, .text = text};

    session_emit(host, &event);
    free(text);
}

static void on_drained(void *context)
{
    struct run *run = context;

    scheduler_cancel_all(run->scheduler);
}

static void on_interrupt(void *context, int times)
{
    struct run *run = context;
    const char *text = times == 1
                           ? "interrupted: nothing new is sent; waiting for answers that "
                             "are on their way (again: stop at once)"
                           : "interrupted again: stopping at once";
    struct event event = {.type = EVENT_LOG, .level = LOG_WARNING, .text = text};

    run->interrupts = times;
    session_emit(run->session, &event);
    if (times == 1)
        session_drain(run->session, on_drained, run);
    else
        scheduler_cancel_all(run->scheduler);
}

/* --- loading -------------------------------------------------------------------------- */

/* The text of a script on the disk, or else of the ready script of that name; and the
 * folder that its own modules are in. */
static char *read_script(lua_State *L, const char *script, size_t *length,
                         char **chunk_name, struct failure **failure)
{
    char *text = source_read_file(script, LARGEST_SCRIPT, length, failure);
    const char *slash = strrchr(script, '/');

    if (text != NULL) {
        char *folder =
            slash != NULL ? memory_copy_text(script, (size_t)(slash - script)) : NULL;

        interpreter_set_folder(L,
                               folder != NULL ? (folder[0] != '\0' ? folder : "/") : ".");
        free(folder);
        *chunk_name = memory_format("@%s", script);
        return text;
    }

    const char *name = strncmp(script, "scripts/", 8) == 0 ? script + 8 : script;
    const char *suffix = strstr(name, ".lua") != NULL ? "" : ".lua";
    char *path = memory_format("scripts/%s%s", name, suffix);

    if (strchr(name, '/') == NULL)
        text = source_read_own(path, length, chunk_name);
    free(path);
    if (text != NULL) {
        failure_free(*failure);
        *failure = NULL;
    }
    return text;
}

/* Leaves the script's function on the stack. Returns an exit code. */
static int load(struct run *run, const struct run_request *request, char **error)
{
    struct failure *failure = NULL;
    char *text, *chunk_name = NULL;
    size_t length = 0;

    if (request->code != NULL) {
        interpreter_set_folder(run->L, ".");
        text = memory_copy_string(request->code);
        length = strlen(text);
        chunk_name = memory_copy_string("=command line");
    } else {
        text = read_script(run->L, request->script, &length, &chunk_name, &failure);
    }
    if (text == NULL) {
        *error = memory_copy_string(failure->message);
        failure_free(failure);
        return EXIT_USAGE;
    }

    const int status = luaL_loadbufferx(run->L, text, length, chunk_name, "t");

    free(text);
    free(chunk_name);
    if (status != LUA_OK) {
        *error = memory_copy_string(lua_tostring(run->L, -1));
        lua_pop(run->L, 1);
        return EXIT_SCRIPT_FAILED;
    }
    return EXIT_DONE;
}

/* Sets the global `arg` and pushes the arguments. */
static void push_arguments(lua_State *L, const struct run_request *request)
{
    lua_createtable(L, request->argument_count, 1);
    lua_pushstring(L, request->script != NULL ? request->script : "-e");
    lua_rawseti(L, -2, 0);
    for (int i = 0; i < request->argument_count; i++) {
        lua_pushstring(L, request->arguments[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setglobal(L, "arg");
    luaL_checkstack(L, request->argument_count, "too many arguments");
    for (int i = 0; i < request->argument_count; i++)
        lua_pushstring(L, request->arguments[i]);
}

/* --- the run -------------------------------------------------------------------------- */

/* "20260131-120000-1f3a": sorts by time, and two of one second differ; but on a virtual
 * clock the same script with the same seed is the same run. */
static void make_id(struct session *session, const struct run_request *request,
                    char id[32])
{
    const struct clock *clock = session_clock(session);
    const time_t now = (time_t)(clock_wall_ms(clock) / 1000);
    char uuid[UUID_TEXT_SIZE];
    struct tm parts;
    size_t length;

    gmtime_r(&now, &parts);
    length = strftime(id, 32, "%Y%m%d-%H%M%S-", &parts);
    if (clock->mode == CLOCK_VIRTUAL) {
        char *name =
            memory_format("run %" PRIu64 " %s", session_settings(session)->sim_seed,
                          request->script != NULL ? request->script : request->code);

        uuid_from_name(name, uuid);
        free(name);
    } else {
        uuid_random(uuid);
    }
    snprintf(id + length, 32 - length, "%.4s", uuid);
}

static int judge(struct run *run, bool everybody_ended, char **error)
{
    const struct task *main = run->main;
    int code = EXIT_DONE;

    if (run->interrupts > 0)
        return EXIT_INTERRUPTED;
    if (!everybody_ended) {
        *error =
            memory_copy_string("the tasks that are left wait for each other for ever");
        return EXIT_SCRIPT_FAILED;
    }
    if (task_state(main) == TASK_FAILED) {
        if (asked_to_exit(main, &code))
            return code;
        *error = run_describe_failed(run->L, main);
        return exit_code_of(main);
    }
    if (task_state(main) == TASK_CANCELED) {
        *error = memory_copy_string("the script canceled itself");
        return EXIT_SCRIPT_FAILED;
    }

    const struct task *unjoined = scheduler_first_unjoined(run->scheduler);

    if (unjoined != NULL && !asked_to_exit(unjoined, &code)) {
        *error = memory_copy_string("a task failed that nobody waited for, see above");
        return exit_code_of(unjoined);
    }
    return code;
}

static int execute(struct run *run, char **error)
{
    lua_State *L = run->L;
    const int arguments = lua_gettop(L) - 1;

    run->main = task_spawn(run->scheduler, L, arguments, NULL);
    run->main_reference = luaL_ref(L, LUA_REGISTRYINDEX);
    scheduler_set_main(run->scheduler, run->main);
    interrupt_open(session_loop(run->session), run->scheduler, on_interrupt, run);

    const bool everybody_ended = scheduler_run(run->scheduler);

    run->interrupts = interrupt_close();
    task_mark_joined(run->main);
    return judge(run, everybody_ended, error);
}

static void finish(struct run *run, const char *id, int code, const char *error)
{
    struct run_summary summary = {.run = id,
                                  .status = code == EXIT_DONE          ? RUN_SUCCEEDED
                                            : code == EXIT_INTERRUPTED ? RUN_INTERRUPTED
                                                                       : RUN_FAILED};
    struct event event = {.type = EVENT_RUN_FINISHED, .summary = &summary, .text = error};

    session_summarize(run->session, &summary);
    session_emit(run->session, &event);
}

int run_script(struct session *session, const struct run_request *request)
{
    struct run run = {.session = session};
    struct event started = {.type = EVENT_RUN_STARTED,
                            .text = request->script != NULL ? request->script : "-e"};
    char id[32], *error = NULL;

    make_id(session, request, id);
    run.L = interpreter_new(session, &run.scheduler);
    scheduler_set_report(run.scheduler, report_unjoined);
    session_emit(session, &started);

    int code = load(&run, request, &error);

    if (code == EXIT_DONE) {
        push_arguments(run.L, request);
        code = execute(&run, &error);
    }
    scheduler_cancel_all(run.scheduler);
    finish(&run, id, code, error);
    free(error);
    lua_close(run.L);
    scheduler_free(run.scheduler);
    if (code == EXIT_DONE && face_output_failed(session_face(session)))
        code = EXIT_SCRIPT_FAILED;
    return code;
}
