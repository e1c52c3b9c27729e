/* engine/run/carry.c - carrying on a run that a store has. */
#include "run/carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/loop.h"
#include "run/depot.h"
#include "run/manifest.h"
#include "run/record.h"
#include "run/run.h"
#include "run/session.h"
#include "store/store.h"

/* Reads a JSON text of a run; `*tree` stays NULL when there is none, which is no failure. */
static struct failure *read_json(struct depot *depot, const char *id, const char *name,
                                 cJSON **tree)
{
    char *path = memory_format("runs/%s/%s", id, name), *text = NULL;
    size_t length = 0;
    struct failure *failure = depot_read(depot, path, &text, &length);

    if (failure == NULL) {
        *tree = json_parse(text, length, NULL);
        if (*tree == NULL)
            failure = failure_new("JournalDamaged", "'%s' is no JSON", path);
    } else if (strcmp(failure->code, "NotFound") == 0) {
        failure_free(failure);
        failure = NULL;
    }
    free(text);
    free(path);
    return failure;
}

static struct failure *read_texts(const struct settings *settings, const char *id,
                                  struct loop *loop, cJSON **manifest, cJSON **end)
{
    struct failure *failure = NULL;
    struct depot *depot = depot_open(settings, loop, &failure);

    if (depot == NULL)
        return failure;
    failure = read_json(depot, id, "run.json", manifest);
    if (failure == NULL && *manifest == NULL)
        failure =
            failure_set_cure(failure_new("RunNotFound", "there is no run '%s' in %s", id,
                                         depot_store(depot)->label),
                             "`moongate runs` lists them; --store names another place");
    if (failure == NULL)
        failure = manifest_check(*manifest);
    if (failure == NULL)
        failure = read_json(depot, id, "end.json", end);
    depot_close(depot);
    return failure;
}

/* What it was asked for, and how its last attempt ended: read before there is a session, because
 * the session's settings are in it. */
static struct failure *look_up(const struct settings *settings, const char *id,
                               cJSON **manifest, cJSON **end)
{
    struct clock clock;
    struct failure *failure;
    struct loop *loop;

    clock_init(&clock, CLOCK_REAL, 1.0);
    loop = loop_new(&clock);
    if (loop == NULL)
        return failure_new("IOError", "the system gives no event loop");
    failure = read_texts(settings, id, loop, manifest, end);
    loop_free(loop);
    return failure;
}

/* Files that the script names are beside what was then the working folder. */
static void enter_folder(const cJSON *manifest)
{
    const char *folder = json_string_at(manifest, "folder");

    if (folder != NULL && chdir(folder) != 0)
        log_line(LOG_INFO, "the folder '%s' that the run began in is not here", folder);
}

static int take_over(struct settings *settings, const struct carry_request *request,
                     struct session *session, cJSON *manifest, struct failure **failure)
{
    struct depot *depot = session_depot(session, failure);
    const char *script = json_string_at(manifest, "script");
    struct run_request run = {.script = request->script,
                              .keep = RUN_KEPT,
                              .max_wall_ms = request->max_wall_ms,
                              .has_new_script = request->script != NULL};

    if (depot == NULL)
        return EXIT_USAGE;
    if (run.script == NULL && strcmp(script, "-e") != 0)
        run.script = script;
    run.record =
        record_new(depot_store(depot), session_loop(session), request->id,
                   cJSON_Duplicate(manifest, true),
                   settings->lease_ms != 0 ? settings->lease_ms : RECORD_LEASE_MS);
    *failure = record_take_over(run.record, request->cuts_damaged);
    if (*failure != NULL) {
        record_free(run.record);
        return strcmp((*failure)->code, "RunHeld") == 0 ? EXIT_HELD : EXIT_SCRIPT_FAILED;
    }

    char **arguments = manifest_arguments(manifest, &run.argument_count);

    run.arguments = arguments;

    const int code = run_script(session, &run);

    free(arguments);
    return code;
}

static int open_and_carry(struct settings *settings, const struct carry_request *request,
                          cJSON *manifest, struct failure **failure)
{
    struct carry_request absolute = *request;
    char *script = request->script != NULL ? realpath(request->script, NULL) : NULL;
    struct session *session;
    int code = EXIT_SCRIPT_FAILED;

    if (script != NULL)
        absolute.script = script;
    enter_folder(manifest);
    manifest_fill_settings(manifest, settings);
    session = session_open(settings, failure);
    if (session != NULL)
        code = take_over(settings, &absolute, session, manifest, failure);
    session_close(session);
    free(script);
    return code;
}

int carry_on(struct settings *settings, const struct carry_request *request,
             struct failure **failure)
{
    cJSON *manifest = NULL, *end = NULL;
    const char *status;
    int code = EXIT_USAGE;

    *failure = look_up(settings, request->id, &manifest, &end);
    status = json_string_at(end, "status");
    if (*failure != NULL) {
        if (strcmp((*failure)->code, "RunNotFound") != 0)
            code = EXIT_SCRIPT_FAILED;
    } else if (status != NULL && strcmp(status, "succeeded") == 0) {
        fprintf(stderr, "run %s has succeeded already: nothing is left to do\n",
                request->id);
        code = EXIT_DONE;
    } else if (status != NULL && strcmp(status, "canceled") == 0) {
        *failure =
            failure_new("RunCanceled", "run %s was canceled, for good", request->id);
    } else {
        code = open_and_carry(settings, request, manifest, failure);
    }
    cJSON_Delete(manifest);
    cJSON_Delete(end);
    return code;
}
