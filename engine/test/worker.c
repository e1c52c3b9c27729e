/* engine/test/worker.c - what a worker process does: tests, each in an interpreter and on a
 * simulator of its own. */
#include "test/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

#include "base/buffer.h"
#include "base/duration.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "net/loop.h"
#include "run/interpreter.h"
#include "run/interrupt.h"
#include "run/run.h"
#include "run/session.h"
#include "run/source.h"
#include "run/terminal.h"
#include "sim/sim.h"
#include "task/task.h"
#include "test/line.h"

enum { LARGEST_FILE = 16 << 20, GRACE_S = 30 };

static const char collect_code[] = "return require('testing').collect(...)";
static const char run_code[] = "return require('testing').run(...)";

/* One load of a file, with or without running one of its tests. */
struct attempt {
    struct face face; /* first: the session's face is this */
    struct buffer output;
    const cJSON *job;
    struct session *session;
    struct scheduler *scheduler;
    lua_State *L;
    struct task *main;
    struct timer timeout;
    char *trouble;        /* what ended it from outside, or NULL */
    struct buffer frames; /* where it was then */
};

/* --- what it prints ------------------------------------------------------------------- */

static void take_event(struct face *face, const struct event *event)
{
    struct attempt *attempt = (struct attempt *)face;

    if (event->type == EVENT_OUTPUT)
        terminal_append_utf8(&attempt->output, event->text);
    if (event->type == EVENT_LOG) {
        buffer_printf(&attempt->output, "%s: ", log_level_names[event->level]);
        terminal_append_utf8(&attempt->output, event->text);
        buffer_append_char(&attempt->output, '\n');
    }
}

static void keep_face(struct face *face)
{
    (void)face; /* its memory is the attempt's */
}

/* --- what ends it from outside -------------------------------------------------------- */

static bool is_own_file(const char *line)
{
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        const size_t length = strlen(file->path);

        if (strncmp(line, file->path, length) == 0 && line[length] == ':')
            return true;
    }
    return false;
}

/* The lines of a traceback that are in the test's own files: not "[C]: in ?" nor "(...tail
 * calls...)". */
static void append_frames(struct buffer *frames, const char *traceback)
{
    for (const char *line = traceback; *line != '\0';) {
        const size_t length = strcspn(line, "\n");

        if (line[0] == '\t' && line[1] != '[' && line[1] != '(' && !is_own_file(line + 1))
            buffer_printf(frames, "%s%.*s", frames->length > 0 ? "\n" : "",
                          (int)length - 1, line + 1);
        line += length + (line[length] == '\n');
    }
}

static void note_frames(struct attempt *attempt, lua_State *thread)
{
    luaL_traceback(attempt->L, thread, NULL, 0);
    append_frames(&attempt->frames, lua_tostring(attempt->L, -1));
    lua_pop(attempt->L, 1);
}

static void note_trouble(struct attempt *attempt, const char *time_of, double limit_ms)
{
    const enum task_state state = task_state(attempt->main);
    const bool is_over = state == TASK_DONE || state == TASK_FAILED;
    char limit[DURATION_TEXT_SIZE];

    if (attempt->trouble != NULL)
        return;
    duration_format((int64_t)limit_ms, limit);
    attempt->trouble = memory_format(
        "%s in %s of %s", is_over ? "a task that it left behind has no end" : "no end",
        limit, time_of);
    if (state == TASK_WAITING)
        note_frames(attempt, task_thread(attempt->main));
}

static void on_timeout(struct timer *timer)
{
    struct attempt *attempt = LIST_ENTRY(timer, struct attempt, timeout);

    note_trouble(attempt, "simulated time",
                 json_number_at(attempt->job, "timeout_ms", 0));
    scheduler_cancel_all(attempt->scheduler);
}

static void note_stop(struct attempt *attempt)
{
    note_trouble(attempt, "the machine's time",
                 json_number_at(attempt->job, "wall_ms", 0));
}

/* The parent's signal. */
static void on_stop(void *context, int number, int times)
{
    struct attempt *attempt = context;

    (void)number, (void)times;
    note_stop(attempt);
    scheduler_cancel_all(attempt->scheduler);
}

/* The same while the script computes: where it does is lost after this. */
static void on_stopping(void *context, lua_State *L)
{
    struct attempt *attempt = context;

    luaL_traceback(L, L, NULL, 0);
    append_frames(&attempt->frames, lua_tostring(L, -1));
    lua_pop(L, 1);
    note_stop(attempt);
}

/* --- the answer ----------------------------------------------------------------------- */

static void add_text(cJSON *answer, const char *name, const char *text)
{
    struct buffer clean = {0};

    if (text == NULL)
        return;
    terminal_append_utf8(&clean, text);
    cJSON_AddStringToObject(answer, name, clean.data != NULL ? clean.data : "");
    buffer_deinit(&clean);
}

static void fail(cJSON *answer, const char *message)
{
    cJSON_AddStringToObject(answer, "status", "failed");
    add_text(answer, "message", message);
}

/* The verdict (see stdlib/testing.lua) that ended the main task. */
static bool read_verdict(cJSON *answer, const struct task *task)
{
    static const char *const names[] = {"status", "message", "where", "frames"};
    lua_State *thread = task_thread(task);

    if (!lua_istable(thread, -1))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        lua_pushstring(thread, names[i]);
        lua_rawget(thread, -2);
        add_text(answer, names[i], lua_tostring(thread, -1));
        lua_pop(thread, 1);
    }
    return true;
}

static void fail_by_task(cJSON *answer, lua_State *L, const char *format,
                         const struct task *task)
{
    const bool is_exit =
        luaL_testudata(task_thread(task), -1, interpreter_exit_metatable) != NULL;
    char *text = is_exit ? memory_copy_string("run.exit() ends a script, not a test")
                         : run_describe_failed(L, task);
    char *message = memory_format("%s%s", format, text);

    fail(answer, message);
    free(message);
    free(text);
}

static void conclude(struct attempt *attempt, bool everybody_ended, cJSON *answer)
{
    const struct task *main = attempt->main;
    const struct task *unjoined;

    task_mark_joined(attempt->main);
    unjoined = scheduler_first_unjoined(attempt->scheduler);
    if (attempt->trouble != NULL) {
        fail(answer, attempt->trouble);
        add_text(answer, "frames", attempt->frames.data);
    } else if (task_state(main) == TASK_FAILED) {
        if (!read_verdict(answer, main))
            fail_by_task(answer, attempt->L, "", main);
    } else if (task_state(main) != TASK_DONE) {
        fail(answer, "the test canceled itself");
    } else if (!everybody_ended) {
        fail(answer, "the tasks that are left wait for each other for ever");
    } else if (unjoined != NULL) {
        fail_by_task(answer, attempt->L,
                     "a task failed that nobody waited for: ", unjoined);
    } else if (json_string_at(attempt->job, "name") != NULL) {
        cJSON_AddStringToObject(answer, "status", "passed");
    } else {
        const char *cases = lua_tostring(task_thread(main), 1);

        cJSON_AddItemToObject(answer, "cases", json_parse(cases, strlen(cases), NULL));
    }
}

/* --- an attempt ----------------------------------------------------------------------- */

static void set_folder(lua_State *L, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash == NULL   ? memory_copy_string(".")
                   : slash == file ? memory_copy_string("/")
                                   : memory_copy_text(file, (size_t)(slash - file));

    interpreter_set_folder(L, folder);
    free(folder);
}

/* Leaves the file's function on the stack; false after an answer that says why not. */
static bool load_file(lua_State *L, const char *file, cJSON *answer)
{
    struct failure *failure = NULL;
    size_t length = 0;
    char *text = source_read_file(file, LARGEST_FILE, &length, &failure);

    if (text == NULL) {
        fail(answer, failure->message);
        failure_free(failure);
        return false;
    }

    char *chunk_name = memory_format("@%s", file);
    const int status = luaL_loadbufferx(L, text, length, chunk_name, "t");

    free(chunk_name);
    free(text);
    if (status != LUA_OK)
        fail(answer, lua_tostring(L, -1));
    return status == LUA_OK;
}

/* Sets the global `arg`, as a run does. */
static void set_arguments(lua_State *L, const char *file)
{
    lua_createtable(L, 0, 1);
    lua_pushstring(L, file);
    lua_rawseti(L, -2, 0);
    lua_setglobal(L, "arg");
}

static void execute(struct attempt *attempt, cJSON *answer)
{
    lua_State *L = attempt->L;
    const char *file = json_string_at(attempt->job, "file");
    const char *name = json_string_at(attempt->job, "name");
    const char *code = name != NULL ? run_code : collect_code;

    set_folder(L, file);
    set_arguments(L, file);
    luaL_loadbufferx(L, code, strlen(code), "=moongate", "t");
    if (!load_file(L, file, answer))
        return;
    lua_pushstring(L, file);
    lua_pushstring(L, name);
    attempt->main = task_spawn(attempt->scheduler, L, 3, NULL);
    scheduler_set_main(attempt->scheduler, attempt->main);
    attempt->timeout.fire = on_timeout;
    timer_start(session_loop(attempt->session), &attempt->timeout,
                (int64_t)json_number_at(attempt->job, "timeout_ms", 0));
    interrupt_open(session_loop(attempt->session), attempt->scheduler, on_stop, attempt);
    interrupt_set_stopping(on_stopping);

    const bool everybody_ended = scheduler_run(attempt->scheduler, false);

    timer_stop(session_loop(attempt->session), &attempt->timeout);
    interrupt_close();
    conclude(attempt, everybody_ended, answer);
    scheduler_cancel_all(attempt->scheduler);
}

static int64_t machine_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The answer to a job, owned by the caller. */
static cJSON *do_job(const struct settings *settings, const cJSON *job)
{
    struct settings own = *settings;
    struct attempt attempt = {.face = {take_event, keep_face}, .job = job};
    const char *seed = json_string_at(job, "seed");
    const int64_t start_us = machine_us();
    struct failure *failure = NULL;
    cJSON *answer = cJSON_CreateObject();

    own.sim_seed = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    attempt.session = session_open(&own, &failure);
    if (attempt.session == NULL) {
        fail(answer, failure->message);
        failure_free(failure);
        return answer;
    }
    session_set_face(attempt.session, &attempt.face);
    attempt.L = interpreter_new(attempt.session, &attempt.scheduler);
    execute(&attempt, answer);
    cJSON_AddNumberToObject(answer, "virtual_ms",
                            (double)clock_now_ms(session_clock(attempt.session)));
    lua_close(attempt.L);
    scheduler_free(attempt.scheduler);
    session_close(attempt.session);
    if (attempt.output.length > 0)
        cJSON_AddStringToObject(answer, "output", attempt.output.data);
    cJSON_AddNumberToObject(answer, "wall_us", (double)(machine_us() - start_us));
    buffer_deinit(&attempt.output);
    buffer_deinit(&attempt.frames);
    free(attempt.trouble);
    return answer;
}

/* --- jobs ----------------------------------------------------------------------------- */

void worker_run(const struct settings *settings, int jobs_fd, int answers_fd)
{
    FILE *jobs = fdopen(jobs_fd, "r");
    bool goes_on = jobs != NULL;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    sim_keep_memory(true);
    interpreter_keep_compiled(true);
    while (goes_on && (length = getline(&line, &capacity, jobs)) > 0) {
        cJSON *job = json_parse(line, (size_t)length, NULL);

        /* who has lost its parent in a test without end shall end all the same */
        alarm((unsigned)(json_number_at(job, "wall_ms", 0) / 1000.0) + GRACE_S);

        cJSON *answer = do_job(settings, job);

        alarm(0);
        goes_on = line_write(answers_fd, answer);
        cJSON_Delete(answer);
        cJSON_Delete(job);
    }
    sim_keep_memory(false);
    interpreter_keep_compiled(false);
    free(line);
    if (jobs != NULL)
        fclose(jobs);
}
