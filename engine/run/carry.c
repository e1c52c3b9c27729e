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
#include "run/config.h"
#include "run/depot.h"
#include "run/manifest.h"
#include "run/record.h"
#include "run/run.h"
#include "run/session.h"
#include "store/store.h"

enum { YOUNG_MS = 60000 }; /* by the clocks of two machines */

struct failure *carry_read_manifest(struct depot *depot, const char *id, cJSON **manifest)
{
    char *name = memory_format("runs/%s/run.json", id);
    struct failure *failure = depot_read_json(depot, name, manifest);

    free(name);
    if (failure == NULL && *manifest == NULL)
        failure =
            failure_set_cure(failure_new("RunNotFound", "there is no run '%s' in %s", id,
                                         depot_store(depot)->label),
                             "`moongate runs` lists them; --store names another place");
    return failure != NULL ? failure : manifest_check(*manifest);
}

/* What a run was asked for, and how its last attempt ended; NULL: it has not, or died. */
static struct failure *read_run(struct depot *depot, const char *id, cJSON **manifest,
                                cJSON **end)
{
    struct failure *failure = carry_read_manifest(depot, id, manifest);
    char *name = memory_format("runs/%s/end.json", id);

    if (failure == NULL)
        failure = depot_read_json(depot, name, end);
    free(name);
    return failure;
}

struct lookup {
    const char *id;
    cJSON *manifest, *end;
};

static struct failure *look_up(struct depot *depot, void *context)
{
    struct lookup *lookup = context;

    return read_run(depot, lookup->id, &lookup->manifest, &lookup->end);
}

void carry_enter_folder(const cJSON *manifest)
{
    const char *folder = json_string_at(manifest, "folder");

    if (folder != NULL && chdir(folder) != 0)
        log_line(LOG_INFO, "the folder '%s' that the run began in is not here", folder);
}

/* A line of Lua is nowhere but in the record. */
static struct failure *check_code(struct record *record)
{
    size_t length;

    if (record_find_file(record, "script.lua", &length) != NULL)
        return NULL;
    failure_free(record_end(record, NULL));
    return failure_set_cure(
        failure_new("RunNotFound",
                    "run %s died before its code was kept, and before it did "
                    "anything",
                    record_id(record)),
        "start it anew");
}

static int take_over(struct settings *settings, const struct carry_request *request,
                     struct session *session, cJSON *manifest, struct failure **failure)
{
    struct depot *depot = session_depot(session, failure);
    const char *script = json_string_at(manifest, "script");
    struct run_request run = {.script = request->script,
                              .keep = RUN_KEPT,
                              .max_wall_ms = request->max_wall_ms,
                              .slot_ms = manifest_slot(manifest),
                              .kept = request->kept,
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
    if (*failure == NULL && run.script == NULL)
        *failure = check_code(run.record);
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

/* A run that began elsewhere may have a profile that nobody has here. */
static void use_sign_in(struct settings *settings)
{
    struct failure *failure =
        config_use_sign_in(settings->config, settings->profile, settings);

    if (failure != NULL)
        log_line(LOG_INFO, "%s: one signs in as the environment says", failure->message);
    failure_free(failure);
}

/* The run's own settings, with its own profile, however that reads by now, or none. */
static void restore_settings(struct settings *settings, const cJSON *manifest)
{
    config_leave_profile(settings);
    manifest_fill_settings(manifest, settings);
    if (settings->profile != NULL)
        use_sign_in(settings);
}

/* Whoever says the job again may have meant another target. */
static struct failure *check_profile(const struct settings *settings,
                                     const struct carry_request *request,
                                     const cJSON *manifest)
{
    const char *began_with = json_string_at(json_at(manifest, "settings"), "profile");

    if (!request->is_same_job || !settings->profile_was_asked ||
        (began_with != NULL && strcmp(began_with, settings->profile) == 0))
        return NULL;
    return failure_new(
        "BadSetting", "run %s did not begin with profile '%s' but %s%s%s", request->id,
        settings->profile, began_with != NULL ? "with '" : "without any",
        began_with != NULL ? began_with : "", began_with != NULL ? "'" : "");
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
    carry_enter_folder(manifest);
    restore_settings(settings, manifest);
    session = session_open(settings, failure);
    if (session != NULL)
        code = take_over(settings, &absolute, session, manifest, failure);
    session_close(session);
    free(script);
    return code;
}

/* Whether an attempt has come to an end after which nothing is left to be carried on. */
static bool is_over(const cJSON *end, const char *status)
{
    const char *word = json_string_at(end, "status");

    return word != NULL && strcmp(word, status) == 0;
}

int carry_on(struct settings *settings, const struct carry_request *request,
             struct failure **failure)
{
    struct lookup lookup = {.id = request->id};
    int code = EXIT_USAGE;

    *failure = depot_use(settings, look_up, &lookup);
    if (*failure != NULL) {
        if (strcmp((*failure)->code, "RunNotFound") != 0)
            code = EXIT_SCRIPT_FAILED;
    } else if (is_over(lookup.end, "succeeded")) {
        fprintf(stderr, "run %s has succeeded already: nothing is left to do\n",
                request->id);
        code = EXIT_DONE;
    } else if (is_over(lookup.end, "canceled")) {
        *failure =
            failure_new("RunCanceled", "run %s was canceled, for good", request->id);
    } else if ((*failure = check_profile(settings, request, lookup.manifest)) == NULL) {
        code = open_and_carry(settings, request, lookup.manifest, failure);
    }
    cJSON_Delete(lookup.manifest);
    cJSON_Delete(lookup.end);
    return code;
}

/* --- the same job again ------------------------------------------------------------------ */

/* Of a job without a name the store has a note of its open run: "open/<fingerprint>.json". */
struct job {
    const struct settings *settings;
    struct run_request *request;
    char *note; /* its name, or NULL: the job has a name of its own */
    char id[RUN_ID_SIZE];
    bool is_begun; /* there is a run to be carried on: `id` */
};

static struct failure *put_note(struct depot *depot, const struct job *job,
                                enum store_put how, bool *is_there)
{
    struct store_call *call = depot_begin(depot);
    char at[CLOCK_TEXT_SIZE], *text;
    struct failure *failure;

    clock_format_utc(clock_machine_wall_ms(), at);
    text = memory_format("{\"run\":\"%s\",\"at\":\"%s\"}", job->id, at);

    depot_store(depot)->put(depot_store(depot), call, how, job->note, text, strlen(text));
    depot_wait(depot);
    free(text);
    failure = call->failure;
    call->failure = NULL;
    *is_there = call->is_there;
    return failure;
}

/* A note without a run is of a process that died, or that has only begun. */
static struct failure *check_young(const cJSON *note)
{
    const char *at = json_string_at(note, "at");
    int64_t at_ms = 0;

    if (at == NULL || clock_parse_utc(at, &at_ms) != 0 ||
        clock_machine_wall_ms() - at_ms > YOUNG_MS)
        return NULL;
    return failure_new("RunHeld", "another process has begun this job at %s", at);
}

/* The run that the note names, when it can be carried on. */
static struct failure *follow_note(struct depot *depot, struct job *job)
{
    char *text = NULL;
    size_t length = 0;
    struct failure *failure = depot_read(depot, job->note, &text, &length);
    cJSON *note = text != NULL ? json_parse(text, length, NULL) : NULL;
    const char *id = json_string_at(note, "run");
    struct lookup lookup = {.id = id};

    if (failure == NULL && id != NULL && run_id_is_valid(id))
        failure = look_up(depot, &lookup);
    if (failure == NULL && lookup.manifest != NULL && !is_over(lookup.end, "succeeded") &&
        !is_over(lookup.end, "canceled") && !is_over(lookup.end, "failed")) {
        job->is_begun = true;
        snprintf(job->id, sizeof job->id, "%s", id);
    }
    if (failure != NULL && (strcmp(failure->code, "NotFound") == 0 ||
                            strcmp(failure->code, "RunNotFound") == 0)) {
        failure_free(failure);
        failure = check_young(note);
    }
    cJSON_Delete(lookup.manifest);
    cJSON_Delete(lookup.end);
    cJSON_Delete(note);
    free(text);
    return failure;
}

static struct failure *claim_unnamed(struct depot *depot, struct job *job)
{
    bool is_there = false;
    struct failure *failure = put_note(depot, job, STORE_NEW, &is_there);

    if (failure == NULL && is_there)
        failure = follow_note(depot, job);
    if (failure == NULL && is_there && !job->is_begun)
        failure = put_note(depot, job, STORE_REPLACE, &is_there);
    return failure;
}

static struct failure *claim(struct depot *depot, void *context)
{
    struct job *job = context;
    struct lookup lookup = {.id = job->id};
    struct failure *failure;

    if (job->note != NULL)
        return claim_unnamed(depot, job);
    failure = look_up(depot, &lookup);
    if (failure != NULL && strcmp(failure->code, "RunNotFound") == 0) {
        failure_free(failure);
        failure = NULL;
    } else if (failure == NULL) {
        job->is_begun = true;
    }
    cJSON_Delete(lookup.manifest);
    cJSON_Delete(lookup.end);
    return failure;
}

static struct failure *remove_note(struct depot *depot, void *context)
{
    struct store_call *call = depot_begin(depot);
    struct failure *failure;

    depot_store(depot)->remove(depot_store(depot), call, ((struct job *)context)->note);
    depot_wait(depot);
    failure = call->failure;
    call->failure = NULL;
    return failure;
}

static int begin(struct settings *settings, struct job *job, struct failure **failure)
{
    struct session *session = session_open(settings, failure);
    int code = EXIT_SCRIPT_FAILED;

    job->request->id = job->id;
    job->request->keep = RUN_KEPT;
    if (session != NULL)
        code = run_script(session, job->request);
    session_close(session);
    return code;
}

static void name_job(struct job *job)
{
    if (job->request->id != NULL) {
        snprintf(job->id, sizeof job->id, "%s", job->request->id);
        return;
    }

    cJSON *manifest = manifest_new("", job->settings, job->request, 0);
    char *fingerprint = manifest_fingerprint(manifest);

    job->note = memory_format("open/%s.json", fingerprint);
    run_make_id(clock_machine_wall_ms(), NULL, job->id);
    free(fingerprint);
    cJSON_Delete(manifest);
}

int carry_or_begin(struct settings *settings, struct run_request *request,
                   struct failure **failure)
{
    struct job job = {.settings = settings, .request = request};
    int code = EXIT_SCRIPT_FAILED;

    name_job(&job);
    *failure = depot_use(settings, claim, &job);
    if (*failure != NULL && strcmp((*failure)->code, "RunHeld") == 0)
        code = EXIT_HELD;
    if (*failure == NULL && job.is_begun)
        code = carry_on(settings,
                        &(struct carry_request){.id = job.id,
                                                .max_wall_ms = request->max_wall_ms,
                                                .is_same_job = true},
                        failure);
    else if (*failure == NULL)
        code = begin(settings, &job, failure);
    if (*failure == NULL && job.note != NULL && code != EXIT_INTERRUPTED &&
        code != EXIT_HELD)
        *failure = depot_use(settings, remove_note, &job);
    free(job.note);
    return code;
}
