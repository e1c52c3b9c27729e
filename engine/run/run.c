/* engine/run/run.c - one execution of a script, from its source to an exit code. */
#include "run/run.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "journal/journal.h"
#include "net/loop.h"
#include "net/machine_timer.h"
#include "run/face.h"
#include "run/interpreter.h"
#include "run/interrupt.h"
#include "run/keep.h"
#include "run/record.h"
#include "run/script.h"
#include "run/session.h"
#include "task/task.h"

/* Why a run is to stop before its script has come to its end; the later ones weigh more. */
enum stop {
    STOP_NOT,
    STOP_INTERRUPTED, /* somebody at the keyboard, or the system */
    STOP_HANDED_OVER, /* it has had its time */
    STOP_CANCELED,    /* for good */
    STOP_LOST         /* another process may carry it by now */
};

struct run {
    struct session *session;
    const struct run_request *request;
    struct record *record; /* or NULL: nothing is kept */
    char id[RUN_ID_SIZE];
    struct scheduler *scheduler;
    lua_State *L;
    struct task *main;
    int main_reference; /* keeps its userdata */
    enum stop stop;
    char *stop_text;       /* why it was lost */
    struct deferred leave; /* to stop outside of whatever runs now */
    struct machine_timer max_wall;
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

static int exit_code_of_code(const char *code)
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
                 {"GuardRefused", EXIT_GUARD_REFUSED},
                 {"RunHeld", EXIT_HELD},
                 {"RunExists", EXIT_HELD}, /* whoever made it carries it */
                 {"LeaseLost", EXIT_HELD}};

    for (size_t i = 0; code != NULL && i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i].code, code) == 0)
            return codes[i].exit_code;
    }
    return EXIT_SCRIPT_FAILED;
}

static int exit_code_of(const struct task *task)
{
    return exit_code_of_code(code_of_failed(task));
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

/* --- stopping early -------------------------------------------------------------------- */

static void on_drained(void *context)
{
    struct run *run = context;

    scheduler_cancel_all(run->scheduler);
}

static void tell(struct run *run, const char *text)
{
    struct event event = {.type = EVENT_LOG, .level = LOG_WARNING, .text = text};

    session_emit(run->session, &event);
}

/* Sends nothing new, and leaves when what is on its way is answered. */
static void stop(struct run *run, enum stop why, const char *text)
{
    const bool is_first = run->stop == STOP_NOT;

    if (why <= run->stop)
        return;
    run->stop = why;
    tell(run, text);
    if (is_first)
        session_drain(run->session, on_drained, run);
}

/* Whether it was for what is done at the keyboard. What has stopped a line that computed has had
 * its effect, whatever was typed since. */
static bool is_for_keyboard(const struct run *run, int number)
{
    const struct run_keyboard *keyboard = run->request->keyboard;

    return keyboard != NULL && number == SIGINT &&
           (interrupt_has_stopped() || keyboard->interrupted(keyboard->context));
}

static void on_interrupt(void *context, int number, int times)
{
    struct run *run = context;

    if (run->stop == STOP_NOT && is_for_keyboard(run, number)) {
        interrupt_forget();
        return;
    }
    if (times == 1) {
        stop(
            run, STOP_INTERRUPTED,
            "interrupted: nothing new is sent; waiting for answers that are on their way "
            "(again: stop at once)");
        return;
    }
    tell(run, "interrupted again: stopping at once");
    if (run->stop == STOP_NOT)
        run->stop = STOP_INTERRUPTED;
    scheduler_cancel_all(run->scheduler);
}

static void on_max_wall(struct machine_timer *timer)
{
    stop(LIST_ENTRY(timer, struct run, max_wall), STOP_HANDED_OVER,
         "the time of this process is over: nothing new is sent, and the run is handed "
         "over");
}

/* It may be another's: whatever still waits is left at once. */
static void leave(struct deferred *deferred)
{
    struct run *run = LIST_ENTRY(deferred, struct run, leave);

    scheduler_cancel_all(run->scheduler);
}

static void on_news(void *context, enum record_news news, const char *text)
{
    struct run *run = context;

    if (news == RECORD_CANCELED) {
        stop(run, STOP_CANCELED, text);
        return;
    }
    run->stop = STOP_LOST;
    free(run->stop_text);
    run->stop_text = memory_copy_string(text);
    if (news == RECORD_EXPIRED)
        scheduler_cancel_all(run->scheduler);
    else
        loop_defer(session_loop(run->session), &run->leave);
}

static void start_max_wall(struct run *run)
{
    if (run->request->max_wall_ms == 0)
        return;
    run->max_wall.fire = on_max_wall;
    machine_timer_start(session_loop(run->session), &run->max_wall,
                        run->request->max_wall_ms);
}

/* --- the script's arguments ------------------------------------------------------------ */

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

void run_make_id(int64_t wall_ms, const char *name, char id[RUN_ID_SIZE])
{
    const time_t now = (time_t)(wall_ms / 1000);
    char uuid[UUID_TEXT_SIZE];
    struct tm parts;
    size_t length;

    gmtime_r(&now, &parts);
    length = strftime(id, RUN_ID_SIZE, "%Y%m%d-%H%M%S-", &parts);
    if (name != NULL)
        uuid_from_name(name, uuid);
    else
        uuid_random(uuid);
    snprintf(id + length, RUN_ID_SIZE - length, "%.4s", uuid);
}

/* On a virtual clock the same script with the same seed is the same run, unless both are kept. */
static void make_id(struct session *session, const struct run_request *request,
                    char id[RUN_ID_SIZE])
{
    const struct clock *clock = session_clock(session);
    char *name;

    if (clock->mode != CLOCK_VIRTUAL || keep_is_wanted(session, request)) {
        run_make_id(clock_machine_wall_ms(), NULL, id);
        return;
    }
    name = memory_format("run %" PRIu64 " %s", session_settings(session)->sim_seed,
                         request->script != NULL ? request->script : request->code);
    run_make_id(clock_wall_ms(clock), name, id);
    free(name);
}

static int judge(struct run *run, bool everybody_ended, char **error)
{
    const struct task *main = run->main;
    int code = EXIT_DONE;

    if (run->stop == STOP_LOST) {
        *error = memory_format("this process does not carry the run any more: %s",
                               run->stop_text);
        return EXIT_HELD;
    }
    if (run->stop == STOP_CANCELED) {
        *error = memory_copy_string("the run was canceled");
        return EXIT_SCRIPT_FAILED;
    }
    if (run->stop != STOP_NOT)
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

    if (run->request->keyboard != NULL)
        interrupt_set_dying(run->request->keyboard->dying);

    start_max_wall(run);

    const bool everybody_ended =
        scheduler_run(run->scheduler, run->request->keyboard != NULL);

    machine_timer_stop(&run->max_wall);
    deferred_cancel(&run->leave);
    if (interrupt_close() > 0 && run->stop == STOP_NOT && run->request->keyboard == NULL)
        run->stop = STOP_INTERRUPTED;
    task_mark_joined(run->main);
    return judge(run, everybody_ended, error);
}

static const char *status_word(const struct run *run, int code)
{
    return run->stop == STOP_CANCELED ? "canceled"
           : code == EXIT_DONE        ? "succeeded"
           : code == EXIT_INTERRUPTED ? "interrupted"
                                      : "failed";
}

static void summarize(struct run *run, int code, struct run_summary *summary)
{
    struct journal_counts counts = {0};

    if (run->record != NULL)
        journal_count(record_journal(run->record), &counts);
    *summary = (struct run_summary){.run = run->id,
                                    .status = code == EXIT_DONE          ? RUN_SUCCEEDED
                                              : code == EXIT_INTERRUPTED ? RUN_INTERRUPTED
                                                                         : RUN_FAILED,
                                    .replayed = counts.replayed};
    session_summarize(run->session, summary);
}

/* Loads the script and runs it. Returns an exit code. */
static int load_and_execute(struct run *run, char **error)
{
    const struct run_request *request = run->request;
    struct failure *failure = NULL;
    int code = script_load(run->L, request, error);

    if (code != EXIT_DONE)
        return code;
    if (run->record != NULL && request->keep == RUN_KEPT)
        failure = record_make(run->record);
    if (failure != NULL) {
        code = exit_code_of_code(failure->code);
        *error = failure_describe(failure);
        failure_free(failure);
        return code;
    }
    if (request->kept != NULL)
        request->kept(request->context, record_id(run->record));
    push_arguments(run->L, request);
    code = execute(run, error);
    if (run->record != NULL && run->stop == STOP_NOT)
        keep_tell_skipped(run->session, run->record);
    return code;
}

static void tell_script(struct run *run)
{
    const struct clock *clock = session_clock(run->session);
    const int64_t limit_ms = run->request->max_wall_ms;
    struct run_facts facts = {
        .id = run->id, .attempt = 1, .slot_ms = run->request->slot_ms};

    if (run->record != NULL)
        facts.attempt = record_attempt(run->record);
    if (limit_ms != 0 && clock->mode != CLOCK_VIRTUAL)
        facts.deadline_wall_ms =
            clock_wall_ms(clock) + (int64_t)((double)limit_ms * clock->factor);
    session_set_facts(run->session, &facts);
}

static int carry(struct run *run)
{
    struct event started = {.type = EVENT_RUN_STARTED,
                            .text = run->request->script != NULL ? run->request->script
                                                                 : "-e"};
    struct run_summary summary;
    char *error = NULL;

    tell_script(run);
    run->L = interpreter_new(run->session, &run->scheduler);
    scheduler_set_report(run->scheduler, report_unjoined);
    session_emit(run->session, &started);
    if (run->request->record != NULL)
        keep_tell_beginning(run->session, run->record);

    const int code = load_and_execute(run, &error);

    scheduler_cancel_all(run->scheduler);
    summarize(run, code, &summary);

    char *hint = keep_format_hint(run->session, run->record, code);
    struct event finished = {
        .type = EVENT_RUN_FINISHED, .summary = &summary, .text = error};

    summary.hint = hint;
    session_emit(run->session, &finished);
    if (run->record != NULL) /* no task is left that could be told: its end takes time */
        record_set_listener(run->record, NULL, NULL);
    lua_close(run->L);
    scheduler_free(run->scheduler);
    if (run->record != NULL)
        keep_end(run->session, run->record, &summary, status_word(run, code), code,
                 error);
    free(hint);
    free(error);
    return code;
}

int run_script(struct session *session, const struct run_request *request)
{
    struct run run = {.session = session, .request = request, .leave = {.run = leave}};
    struct failure *failure = NULL;

    if (request->record != NULL)
        snprintf(run.id, sizeof run.id, "%s", record_id(request->record));
    else if (request->id != NULL)
        snprintf(run.id, sizeof run.id, "%s", request->id);
    else
        make_id(session, request, run.id);
    run.record = keep_begin(session, request, run.id, &failure);
    if (failure != NULL) {
        char *text = failure_describe(failure);

        fprintf(stderr, "moongate: %s\n", text);
        free(text);
        failure_free(failure);
        return EXIT_USAGE;
    }
    if (run.record != NULL)
        record_set_listener(run.record, on_news, &run);

    session_set_run(session, &run);

    int code = carry(&run);

    session_set_run(session, NULL);
    free(run.stop_text);
    if (code == EXIT_DONE && face_output_failed(session_face(session)))
        code = EXIT_SCRIPT_FAILED;
    return code;
}

/* --- another run ------------------------------------------------------------------------ */

static void end_record(struct run *run)
{
    struct run_summary summary;

    if (run->record == NULL)
        return;
    summarize(run, EXIT_DONE, &summary);
    keep_end(run->session, run->record, &summary, "succeeded", EXIT_DONE, NULL);
    run->record = NULL;
}

/* The new record may be refused: then the run goes on without one, and says so. */
static void begin_record(struct run *run)
{
    struct failure *failure = NULL;

    make_id(run->session, run->request, run->id);
    run->record = keep_begin(run->session, run->request, run->id, &failure);
    if (run->record != NULL)
        record_set_listener(run->record, on_news, run);
    if (failure != NULL)
        tell(run, failure->message);
    failure_free(failure);
    tell_script(run);
}

static void renew(struct deferred *deferred)
{
    struct run_renewal *renewal = LIST_ENTRY(deferred, struct run_renewal, deferred);
    struct session *session = renewal->session;
    struct run *run = session_run(session);

    if (!session_is_busy(session, &renewal->failure)) {
        if (run != NULL)
            end_record(run);
        if (session_switch(session, renewal->settings, &renewal->failure) && run != NULL)
            begin_record(run);
    }
    waitable_finish(&renewal->waitable);
}

void run_renew(struct session *session, const struct settings *settings,
               struct run_renewal *renewal)
{
    *renewal = (struct run_renewal){
        .settings = settings, .session = session, .deferred = {.run = renew}};
    waitable_init(&renewal->waitable);
    loop_defer(session_loop(session), &renewal->deferred);
}

void run_cancel_renewal(struct run_renewal *renewal)
{
    deferred_cancel(&renewal->deferred);
}

bool run_id_is_valid(const char *id)
{
    return strlen(id) < RUN_ID_SIZE && text_matches(id, "^[A-Za-z0-9_-][A-Za-z0-9._-]*$");
}
