/* engine/run/keep.c - a run and its record. */
#include "run/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failure.h"
#include "base/memory.h"
#include "journal/journal.h"
#include "net/loop.h"
#include "run/depot.h"
#include "run/history.h"
#include "run/manifest.h"
#include "run/record.h"
#include "run/session.h"

/* A world that ends with the process leaves nothing to be carried on. */
static bool has_something_to_keep(const struct settings *settings)
{
    if (settings->store != NULL)
        return strcmp(settings->store, "none") != 0;
    return !settings->sim || settings->sim_file != NULL;
}

bool keep_is_wanted(const struct session *session, const struct run_request *request)
{
    return request->keep != RUN_NOT_KEPT &&
           has_something_to_keep(session_settings(session));
}

static cJSON *describe_attempt(const struct record *record)
{
    cJSON *members = cJSON_CreateObject();
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    cJSON_AddStringToObject(members, "run", record_id(record));
    cJSON_AddNumberToObject(members, "attempt", record_attempt(record) + 1);
    cJSON_AddStringToObject(members, "host", host);
    cJSON_AddNumberToObject(members, "pid", getpid());
    cJSON_AddStringToObject(members, "moongate", MOONGATE_VERSION);
    return members;
}

static struct record *make_record(struct session *session,
                                  const struct run_request *request, const char *id,
                                  struct failure **failure)
{
    const struct settings *settings = session_settings(session);
    struct depot *depot = session_depot(session, failure);

    if (depot == NULL)
        return NULL;
    return record_new(depot_store(depot), session_loop(session), id,
                      manifest_new(id, settings, request, clock_machine_wall_ms()),
                      settings->lease_ms != 0 ? settings->lease_ms : RECORD_LEASE_MS);
}

/* What the simulator takes says nothing of Azure. */
static void begin_history(struct session *session)
{
    const struct settings *settings = session_settings(session);
    const bool is_simulated = settings->sim || settings->endpoint != NULL;
    struct failure *failure = NULL;
    struct depot *depot = session_depot(session, &failure);

    failure_free(failure);
    if (depot != NULL)
        session_set_history(
            session,
            history_new(session_loop(session), depot_store(depot),
                        is_simulated ? "durations-simulated.jsonl" : "durations.jsonl"));
}

static void on_drained(void *context)
{
    *(bool *)context = true;
}

static bool is_drained(void *context)
{
    return *(const bool *)context;
}

static void end_history(struct session *session)
{
    struct history *history = session_history(session);
    bool is_over = false;

    if (history == NULL)
        return;
    history_drain(history, on_drained, &is_over);
    loop_run(session_loop(session), is_drained, &is_over, true);
    session_set_history(session, NULL);
    history_free(history);
}

struct record *keep_begin(struct session *session, const struct run_request *request,
                          const char *id, struct failure **failure)
{
    struct record *record = request->record;

    if (record == NULL && keep_is_wanted(session, request))
        record = make_record(session, request, id, failure);
    if (record == NULL)
        return NULL;
    session_set_record(session, record);
    begin_history(session);
    journal_note(record_journal(record), "begin", describe_attempt(record));
    return record;
}

static void tell(struct session *session, enum log_level level, char *text)
{
    struct event event = {.type = EVENT_LOG, .level = level, .text = text};

    session_emit(session, &event);
    free(text);
}

void keep_tell_beginning(struct session *session, struct record *record)
{
    struct journal_counts counts;

    if (record_torn_bytes(record) > 0)
        tell(session, LOG_WARNING,
             memory_format("the end of the journal, %" PRIu64
                           " bytes, was not whole and was cut off; what it was about is "
                           "looked up",
                           record_torn_bytes(record)));
    journal_count(record_journal(record), &counts);
    tell(session, LOG_INFO,
         memory_format("run %s, attempt %u: %" PRIu64 " writes are done, %" PRIu64
                       " under way, of %" PRIu64 " the answer was lost",
                       record_id(record), counts.attempts, counts.by_state[STEP_DONE],
                       counts.by_state[STEP_ANSWERED], counts.by_state[STEP_INTENDED]));
}

void keep_tell_skipped(struct session *session, struct record *record)
{
    uint64_t count = 0;
    char *first = journal_find_skipped(record_journal(record), &count);
    char *new = journal_find_new(record_journal(record));

    if (first != NULL)
        tell(session, LOG_WARNING,
             memory_format("%" PRIu64
                           " writes of earlier attempts were not come to again, the "
                           "first of them: %s%s%s; what they did stays",
                           count, first, new != NULL ? "; the first that is new: " : "",
                           new != NULL ? new : ""));
    free(first);
    free(new);
}

char *keep_format_hint(const struct session *session, const struct record *record,
                       int code)
{
    const char *store = session_settings(session)->store;

    if (record == NULL || !record_is_kept(record) || code == EXIT_DONE ||
        code == EXIT_HELD)
        return NULL;
    return memory_format("carry it on: moongate resume %s%s%s", record_id(record),
                         store != NULL ? " --store " : "", store != NULL ? store : "");
}

static cJSON *describe_end(const struct record *record, int64_t wall_ms,
                           const struct run_summary *summary, const char *status,
                           int code, const char *error)
{
    cJSON *end = cJSON_CreateObject(), *counts;
    char ended[CLOCK_TEXT_SIZE];

    clock_format_utc(wall_ms, ended);
    cJSON_AddNumberToObject(end, "version", 1);
    cJSON_AddNumberToObject(end, "attempt", record_attempt(record));
    cJSON_AddStringToObject(end, "status", status);
    cJSON_AddNumberToObject(end, "exit_code", code);
    cJSON_AddStringToObject(end, "ended", ended);
    if (error != NULL)
        cJSON_AddStringToObject(end, "error", error);
    counts = cJSON_AddObjectToObject(end, "summary");
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        cJSON_AddNumberToObject(counts, outcome_names[i], summary->outcomes[i]);
    cJSON_AddNumberToObject(counts, "requests", (double)summary->requests);
    cJSON_AddNumberToObject(counts, "writes", (double)summary->writes);
    return end;
}

void keep_end(struct session *session, struct record *record,
              const struct run_summary *summary, const char *status, int code,
              const char *error)
{
    cJSON *members = cJSON_CreateObject();
    struct failure *failure;

    cJSON_AddStringToObject(members, "status", status);
    cJSON_AddNumberToObject(members, "exit_code", code);
    journal_note(record_journal(record), "end", members);
    failure = record_end(record, describe_end(record, clock_machine_wall_ms(), summary,
                                              status, code, error));
    if (failure != NULL) {
        fprintf(stderr, "moongate: the end of run %s could not be written down: %s\n",
                record_id(record), failure->message);
        failure_free(failure);
    }
    end_history(session);
    session_set_record(session, NULL);
    record_free(record);
}
