/* engine/test/runner.c - a whole `moongate test`. */
#include "test/runner.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "run/face_stream.h"
#include "run/run.h"
#include "test/plan.h"
#include "test/pool.h"
#include "test/report.h"
#include "test/worker.h"

struct runner {
    const struct test_request *request;
    struct test_plan plan;
    struct pool *pool;
    struct face_stream out;
    struct buffer text; /* to be written */
    struct test_summary summary;
    int64_t start_ms;
    char *trouble;
};

/* --- writing -------------------------------------------------------------------------- */

static void write_text(struct runner *runner)
{
    if (runner->text.length > 0)
        face_stream_write(&runner->out, runner->text.data, runner->text.length);
    buffer_clear(&runner->text);
}

static void note_trouble(struct runner *runner, char *text)
{
    if (runner->trouble == NULL)
        runner->trouble = text;
    else
        free(text);
}

/* --- jobs ----------------------------------------------------------------------------- */

static void work(const void *context, int jobs_fd, int answers_fd)
{
    worker_run(context, jobs_fd, answers_fd);
}

static cJSON *new_job(const struct runner *runner, const char *file,
                      const struct test_case *test, int64_t *limit_ms)
{
    const struct test_request *request = runner->request;
    const int64_t timeout_ms =
        test != NULL && test->timeout_ms > 0 ? test->timeout_ms : request->timeout_ms;
    cJSON *job = cJSON_CreateObject();

    *limit_ms = test != NULL && test->wall_limit_ms > 0 ? test->wall_limit_ms
                                                        : request->wall_limit_ms;
    cJSON_AddStringToObject(job, "file", file);
    if (test != NULL) {
        char *seed = memory_format("%" PRIu64, test->seed);

        cJSON_AddStringToObject(job, "name", test->name);
        cJSON_AddStringToObject(job, "seed", seed);
        free(seed);
    }
    cJSON_AddNumberToObject(job, "timeout_ms", (double)timeout_ms);
    cJSON_AddNumberToObject(job, "wall_ms", (double)*limit_ms);
    return job;
}

/* Gives a file or one of its tests to a free worker. */
static bool give(struct runner *runner, const char *file, struct test_case *test,
                 void *job)
{
    int64_t limit_ms;
    cJSON *text = new_job(runner, file, test, &limit_ms);
    const bool is_given = pool_give(runner->pool, text, job, limit_ms);

    cJSON_Delete(text);
    if (!is_given)
        note_trouble(runner,
                     memory_format("no process for a worker: %s", strerror(errno)));
    return is_given;
}

/* --- answers -------------------------------------------------------------------------- */

static char *describe_death(const struct pool_event *event)
{
    if (event->too_long)
        return memory_copy_string("no end in the machine's time that it may take; its "
                                  "process had to be killed");
    if (WIFSIGNALED(event->status))
        return memory_format("the process that ran it was ended by signal %d (%s)",
                             WTERMSIG(event->status), strsignal(WTERMSIG(event->status)));
    return memory_format("the process that ran it ended with exit code %d",
                         WEXITSTATUS(event->status));
}

static char *copy_at(const cJSON *answer, const char *name)
{
    return memory_copy_string(json_string_at(answer, name));
}

static void take_answer(struct test_case *test, const struct pool_event *event)
{
    const cJSON *answer = event->answer;
    const char *status = json_string_at(answer, "status");

    if (answer == NULL) {
        test->status = TEST_FAILED;
        test->message = describe_death(event);
        return;
    }
    test->status = TEST_FAILED;
    for (enum test_status i = TEST_PASSED; status != NULL && i < TEST_STATUS_COUNT; i++) {
        if (strcmp(test_status_names[i], status) == 0)
            test->status = i;
    }
    test->message = copy_at(answer, "message");
    test->where = copy_at(answer, "where");
    test->frames = copy_at(answer, "frames");
    test->output = copy_at(answer, "output");
    test->wall_us = (int64_t)json_number_at(answer, "wall_us", 0);
    test->virtual_ms = (int64_t)json_number_at(answer, "virtual_ms", 0);
}

static void report(struct runner *runner, const struct test_case *test)
{
    runner->summary.virtual_ms += test->virtual_ms;
    runner->request->report->result(&runner->text, test, &runner->summary);
    write_text(runner);
}

/* --- the two rounds ------------------------------------------------------------------- */

static void take_cases(const struct pool_event *event)
{
    struct test_file *file = event->job;
    const cJSON *cases = json_at(event->answer, "cases");

    if (cases != NULL)
        plan_add_cases(file, cases);
    else
        take_answer(plan_add_broken(file), event);
}

/* Asks each file which tests it has. */
static void collect(struct runner *runner)
{
    struct test_plan *plan = &runner->plan;
    struct pool_event event;
    size_t next = 0;

    do {
        while (next < plan->file_count && pool_is_free(runner->pool)) {
            struct test_file *file = &plan->files[next];

            if (!give(runner, file->path, NULL, file))
                return;
            next++;
        }
        if (!pool_wait(runner->pool, &event))
            break;
        take_cases(&event);
        cJSON_Delete(event.answer);
    } while (!pool_is_interrupted(runner->pool));
}

/* Whether the test is to be given to a worker. What is known already is told. */
static bool is_to_run(struct runner *runner, const struct test_case *test)
{
    if (test->status != TEST_NOT_RUN)
        report(runner, test);
    return test->status == TEST_NOT_RUN;
}

static void run_tests(struct runner *runner)
{
    struct test_plan *plan = &runner->plan;
    struct pool_event event;
    size_t next = 0;

    for (;;) {
        while (next < plan->count && pool_is_free(runner->pool) &&
               !runner->summary.has_stopped) {
            struct test_case *test = plan->order[next++];

            if (is_to_run(runner, test) && !give(runner, test->file, test, test))
                return;
            runner->summary.has_stopped =
                test->status == TEST_FAILED && runner->request->is_fail_fast;
        }
        if (!pool_wait(runner->pool, &event)) {
            if (next < plan->count && !runner->summary.has_stopped &&
                !pool_is_interrupted(runner->pool))
                continue; /* a worker died with nothing to do */
            return;
        }

        struct test_case *test = event.job;

        take_answer(test, &event);
        cJSON_Delete(event.answer);
        report(runner, test);
        if (test->status == TEST_FAILED && runner->request->is_fail_fast)
            runner->summary.has_stopped = true;
    }
}

/* --- the end -------------------------------------------------------------------------- */

static void write_junit(struct runner *runner)
{
    const char *path = runner->request->junit_file;
    struct buffer text = {0};
    FILE *file;

    if (path == NULL)
        return;
    report_junit.end(&text, &runner->plan, &runner->summary);
    file = fopen(path, "w");
    if (file == NULL || fwrite(text.data, 1, text.length, file) != text.length)
        note_trouble(runner, memory_format("%s: %s", path, strerror(errno)));
    if (file != NULL && fclose(file) != 0)
        note_trouble(runner, memory_format("%s: %s", path, strerror(errno)));
    buffer_deinit(&text);
}

static void print_list(struct runner *runner)
{
    for (size_t f = 0; f < runner->plan.file_count; f++) {
        const struct test_file *file = &runner->plan.files[f];

        for (size_t i = 0; i < file->count; i++) {
            const struct test_case *test = file->cases[i];

            if (test->is_chosen && test->status == TEST_FAILED)
                report(runner, test);
            else if (test->is_chosen)
                buffer_printf(&runner->text, "%s:%d: %s\n", test->file, test->line,
                              test->name);
        }
    }
    write_text(runner);
}

static int finish(struct runner *runner)
{
    struct test_summary *summary = &runner->summary;

    summary->is_interrupted = pool_is_interrupted(runner->pool);
    summary->wall_ms = clock_machine_ms() - runner->start_ms;

    const unsigned bad = pool_close(runner->pool);

    if (bad > 0)
        note_trouble(runner, memory_format("%u workers ended badly; see stderr", bad));
    write_junit(runner);
    summary->trouble = runner->trouble;
    if (!runner->request->is_list || summary->trouble != NULL)
        runner->request->report->end(&runner->text, &runner->plan, summary);
    write_text(runner);
    if (summary->is_interrupted)
        return EXIT_INTERRUPTED;
    return plan_count(&runner->plan, TEST_FAILED) == 0 && summary->trouble == NULL &&
                   runner->out.error == 0
               ? EXIT_DONE
               : EXIT_SCRIPT_FAILED;
}

/* Finds the files. Returns false after a message. */
static bool find_files(struct runner *runner)
{
    for (int i = 0; i < runner->request->path_count; i++) {
        char *wrong = plan_add_path(&runner->plan, runner->request->paths[i]);

        if (wrong != NULL) {
            fprintf(stderr, "moongate test: %s\n", wrong);
            free(wrong);
            return false;
        }
    }
    if (runner->plan.file_count == 0)
        fputs(
            "moongate test: no test files there: their names begin with test_ or spec_, "
            "or end with _test.lua or _spec.lua\n",
            stderr);
    return runner->plan.file_count > 0;
}

/* Chooses the tests and their order. Returns false after a message. */
static bool arrange(struct runner *runner)
{
    const char *filter = runner->request->filter;
    char *wrong = plan_arrange(&runner->plan, filter, runner->request->seed);
    const bool is_good =
        wrong == NULL && (runner->plan.count > 0 || pool_is_interrupted(runner->pool) ||
                          runner->trouble != NULL);

    if (wrong != NULL)
        fprintf(stderr, "moongate test: --filter: %s\n", wrong);
    else if (!is_good)
        fprintf(stderr, "moongate test: there is no test%s%s%s\n",
                filter != NULL ? " whose name matches '" : "",
                filter != NULL ? filter : "", filter != NULL ? "'" : "");
    free(wrong);
    return is_good;
}

static int run(struct runner *runner)
{
    collect(runner);
    if (!arrange(runner)) {
        pool_close(runner->pool);
        return EXIT_USAGE;
    }
    if (runner->request->is_list) {
        print_list(runner);
        return finish(runner);
    }
    runner->request->report->begin(&runner->text, &runner->plan);
    write_text(runner);
    if (!pool_is_interrupted(runner->pool) && runner->trouble == NULL)
        run_tests(runner);
    return finish(runner);
}

int runner_run(const struct test_request *request)
{
    struct runner runner = {.request = request,
                            .out = {.fd = STDOUT_FILENO},
                            .start_ms = clock_machine_ms(),
                            .summary = {.seed = request->seed,
                                        .again = request->again,
                                        .is_quiet = request->is_quiet,
                                        .is_verbose = request->is_verbose}};
    const struct pool_options options = {
        .size = request->jobs, .work = work, .context = request->settings};
    int code = EXIT_USAGE;

    if (find_files(&runner)) {
        runner.pool = pool_open(&options);
        code = run(&runner);
    }
    plan_deinit(&runner.plan);
    buffer_deinit(&runner.text);
    free(runner.trouble);
    return code;
}
