/* engine/run/session.c - everything a run works with. */
#include "run/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm/poll.h"
#include "arm/resource.h"
#include "auth/tokens.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/cloud.h"
#include "net/loop.h"
#include "net/transfer.h"
#include "pipeline/budget.h"
#include "pipeline/guard.h"
#include "run/depot.h"
#include "run/endpoints.h"
#include "run/event_json.h"
#include "run/history.h"
#include "run/past.h"
#include "run/record.h"
#include "run/signer.h"
#include "run/terminal.h"
#include "sim/sim.h"

enum { SIM_TIMEOUT_MS = 10000, FIRST_ASIDE = 1 << 30 /* number of an operation */ };

/* 2026-01-05T09:00:00Z, a Monday: when a virtual clock begins, unless the world says
 * otherwise, so that a run can be repeated to the letter. */
static const int64_t VIRTUAL_START_MS = 1767603600000;

struct session {
    const struct settings *settings;
    struct clock clock;
    struct loop *loop;
    struct face *face;
    struct history *history;
    struct sim *sim;
    int64_t machine_start_ms;
    unsigned outcomes[OUTCOME_COUNT];

    /* the way to the service, open when `client.pipeline` is not NULL */
    struct client client, aside;
    struct observer observer;
    struct transport *transport;
    struct stage *wire;
    struct tokens *tokens, *guest_tokens;
    struct signer signer;
    struct endpoints endpoints;
    struct scope scope;
    struct depot *depot;   /* or NULL */
    struct record *record; /* of the run, or NULL */
    struct past *past;     /* or NULL */
    struct run_facts facts;
    struct buffer line; /* of an event */
};

/* --- events --------------------------------------------------------------------------- */

void session_emit(struct session *session, struct event *event)
{
    event->wall_ms = clock_wall_ms(&session->clock);
    event->elapsed_ms = clock_now_ms(&session->clock);
    session->face->handle(session->face, event);
    if (session->record == NULL)
        return;
    buffer_clear(&session->line);
    event_format(&session->line, event);
    record_add_event(session->record, session->line.data, session->line.length);
}

void session_report(struct session *session, enum event_outcome outcome, const char *kind,
                    const char *name)
{
    static const char *const verbs[OUTCOME_COUNT] = {[OUTCOME_CREATED] = "create",
                                                     [OUTCOME_CHANGED] = "update",
                                                     [OUTCOME_DELETED] = "delete"};
    struct event event = {.type = EVENT_OPERATION_FINISHED,
                          .operation = ++session->client.last_number,
                          .verb = verbs[outcome] != NULL ? verbs[outcome] : "ensure",
                          .kind = kind,
                          .name = name,
                          .percent = -1.0,
                          .outcome = outcome};

    session->outcomes[outcome]++;
    session_emit(session, &event);
}

void session_print(struct session *session, const char *text)
{
    struct event event = {.type = EVENT_OUTPUT, .text = text};

    session_emit(session, &event);
}

/* The simulator inside the process has another port each time, which says nothing: its
 * URLs are told as http://sim. Owned by the caller. */
static char *name_sim(const struct session *session, const char *text)
{
    const char *endpoint = sim_profile(session->sim)->endpoint, *found;
    struct buffer named = {0};

    while ((found = strstr(text, endpoint)) != NULL) {
        buffer_append(&named, text, (size_t)(found - text));
        buffer_append_string(&named, "http://sim");
        text = found + strlen(endpoint);
    }
    buffer_append_string(&named, text);
    return buffer_take(&named);
}

static void take_log(void *context, enum log_level level, const char *text)
{
    struct session *session = context;
    char *named = session->sim != NULL ? name_sim(session, text) : NULL;
    struct event event = {
        .type = EVENT_LOG, .level = level, .text = named != NULL ? named : text};

    session_emit(session, &event);
    free(named);
}

static const char *verb_of(const struct resource_operation *operation)
{
    switch (resource_verb(operation)) {
    case RESOURCE_DELETE:
        return "delete";
    case RESOURCE_CREATE:
        return "create";
    default:
        break;
    }
    switch (resource_outcome(operation)) {
    case RESOURCE_CREATED:
        return "create";
    case RESOURCE_CHANGED:
        return "update";
    default:
        return resource_was_adopted(operation) ? "wait for" : "ensure";
    }
}

static enum event_outcome outcome_of(const struct resource_operation *operation)
{
    const struct failure *failure = resource_failure(operation);

    if (failure != NULL)
        return strcmp(failure->code, "Canceled") != 0 || failure->status != 0
                   ? OUTCOME_FAILED
               : resource_may_go_on(operation) ? OUTCOME_CANCELED
                                               : OUTCOME_NOT_BEGUN;
    switch (resource_outcome(operation)) {
    case RESOURCE_CREATED:
        return OUTCOME_CREATED;
    case RESOURCE_CHANGED:
        return OUTCOME_CHANGED;
    case RESOURCE_DELETED:
        return OUTCOME_DELETED;
    case RESOURCE_MISSING:
        return OUTCOME_ABSENT;
    default:
        return OUTCOME_UNCHANGED;
    }
}

/* Whether all its time is its own. What somebody else began is older than we know. */
static bool has_known_age(const struct session *session,
                          const struct resource_operation *operation)
{
    return session->history != NULL && !resource_was_adopted(operation) &&
           !resource_was_replayed(operation);
}

static struct history_key key_of(const struct resource_operation *operation)
{
    return (struct history_key){.kind = resource_kind(operation)->name,
                                .verb = verb_of(operation),
                                .region = resource_region(operation),
                                .units = resource_units(operation)};
}

/* What is over at the service has no time left; only we have not heard the end yet. */
static bool goes_on(const struct resource_operation *operation)
{
    const char *state = resource_state(operation);

    return state == NULL || poll_judge_state(state) == POLL_RUNNING;
}

static bool foresee(const struct session *session,
                    const struct resource_operation *operation, struct forecast *forecast)
{
    const struct history_key key = key_of(operation);

    return has_known_age(session, operation) && goes_on(operation) &&
           history_forecast(session->history, &key, resource_age_ms(operation), forecast);
}

static void keep_duration(const struct session *session,
                          const struct resource_operation *operation,
                          enum event_outcome outcome)
{
    const struct history_key key = key_of(operation);

    if (has_known_age(session, operation) &&
        (outcome == OUTCOME_CREATED || outcome == OUTCOME_CHANGED ||
         outcome == OUTCOME_DELETED))
        history_add(session->history, &key, resource_age_ms(operation),
                    clock_wall_ms(&session->clock));
}

static void tell(struct observer *observer, enum event_type type,
                 const struct resource_operation *operation)
{
    struct session *session = LIST_ENTRY(observer, struct session, observer);
    struct event event = {.type = type,
                          .operation = resource_number(operation),
                          .verb = verb_of(operation),
                          .kind = resource_kind(operation)->name,
                          .name = resource_label(operation),
                          .target = resource_id(operation),
                          .state = resource_state(operation),
                          .percent = resource_percent(operation),
                          .age_ms = resource_age_ms(operation)};
    struct forecast forecast;

    if (type == EVENT_OPERATION_STATE && foresee(session, operation, &forecast))
        event.forecast = &forecast;
    if (type == EVENT_OPERATION_FINISHED) {
        event.outcome = outcome_of(operation);
        event.failure = resource_failure(operation);
        session->outcomes[event.outcome]++;
        keep_duration(session, operation, event.outcome);
    }
    session_emit(session, &event);
}

static void on_started(struct observer *observer,
                       const struct resource_operation *operation)
{
    tell(observer, EVENT_OPERATION_STARTED, operation);
}

static void on_changed(struct observer *observer,
                       const struct resource_operation *operation)
{
    tell(observer, EVENT_OPERATION_STATE, operation);
}

static void on_finished(struct observer *observer,
                        const struct resource_operation *operation)
{
    tell(observer, EVENT_OPERATION_FINISHED, operation);
}

/* --- the way to the service ------------------------------------------------------------ */

static void use_sim(struct session *session, struct credential_settings *credentials)
{
    const struct sim_profile *profile = sim_profile(session->sim);

    endpoints_set(&session->endpoints, profile->endpoint);
    *credentials = (struct credential_settings){.selection = "EnvironmentCredential",
                                                .tenant_id = profile->tenant_id,
                                                .client_id = profile->client_id,
                                                .client_secret = profile->client_secret};
}

/* Shows what a person has to do to sign in, even if little else is shown. */
static void tell_person(void *context, const char *text)
{
    struct session *session = context;
    struct event event = {.type = EVENT_LOG,
                          .level = session->settings->quiet ? LOG_ERROR : LOG_WARNING,
                          .text = text};

    session_emit(session, &event);
}

/* Of a simulator it is asked for anew: it may have got another world. */
static void choose_scope(struct session *session)
{
    const struct settings *settings = session->settings;

    if (session->sim != NULL) {
        const struct sim_profile *profile = sim_profile(session->sim);

        session->scope = (struct scope){profile->subscription_id, profile->resource_group,
                                        profile->service};
    }
    if (settings->subscription != NULL)
        session->scope.subscription = settings->subscription;
    if (settings->resource_group != NULL)
        session->scope.resource_group = settings->resource_group;
    if (settings->service != NULL)
        session->scope.service = settings->service;
}

/* The simulator answers at once or, as a fault, never; real time would pass meanwhile, whatever
 * the run's clock is. */
static int64_t request_timeout_ms(const struct session *session)
{
    const int64_t asked_ms = session->settings->request_timeout_ms;

    return asked_ms == 0 && session->sim != NULL ? SIM_TIMEOUT_MS : asked_ms;
}

/* A process that was stopped for longer than its lease goes on in the middle of what it did. */
static bool is_fenced(void *context)
{
    const struct session *session = context;

    return session->record != NULL && record_has_expired(session->record);
}

/* Opens the pipeline; the guard is its to free from then on. */
static void open_pipeline(struct session *session, struct stage *guard,
                          const struct credential_settings *credentials)
{
    const struct settings *settings = session->settings;
    const struct transport_options options = {
        .ca_file = settings->ca_file,
        .connect_timeout_ms = settings->connect_timeout_ms,
        .total_timeout_ms = request_timeout_ms(session),
        .max_answer_bytes = settings->max_response_bytes,
        .concurrency = settings->concurrency};
    const struct budget_options budget = {
        .limits = session->endpoints.limits,
        .principal = credentials->client_id != NULL ? credentials->client_id : "-"};

    session->transport = transport_new(session->loop, &options);
    transport_set_brake(session->transport, is_fenced, session);
    session->wire = stage_new_transport(session->transport, session->loop);

    /* retry stands above the budget, which counts each attempt; and both above the
     * credential: who was told to wait an hour comes back with a token of then */
    struct stage *stages[9];
    size_t count = 0;

    stages[count++] = stage_new_redirect();
    stages[count++] = guard;
    if (session->record != NULL)
        stages[count++] = stage_new_journal(session->client.journal);
    stages[count++] = stage_new_retry(session->loop);
    stages[count++] = stage_new_budget(session->loop, &budget);
    stages[count++] =
        stage_new_credential(&session->client.origins, &session->signer.provider);
    stages[count++] = stage_new_cookies();
    if (session->record != NULL)
        stages[count++] = stage_new_fence(session->client.journal);
    stages[count++] = session->wire;
    session->client.pipeline = pipeline_new(stages, count);
    tokens_set_pipeline(session->tokens, session->client.pipeline);
}

/* Limits are the run's, however many attempts it takes. */
static void count_before(struct session *session, struct guard_settings *limits)
{
    struct journal_counts counts;

    journal_count(session->client.journal, &counts);
    limits->writes_before = counts.writes;
    limits->deletes_before = counts.deletes;
}

static struct failure *open_client(struct session *session)
{
    const struct settings *settings = session->settings;
    const struct endpoints *endpoints = &session->endpoints;
    struct credential_settings credentials = settings->credentials;
    struct failure *failure = NULL;

    if (session->sim != NULL)
        use_sim(session, &credentials);
    else
        failure = endpoints_choose(&session->endpoints, settings);
    if (failure != NULL)
        return failure;
    choose_scope(session);

    struct guard_settings limits = settings->guard;

    if (session->record != NULL)
        count_before(session, &limits);

    struct stage *guard = stage_new_guard(&limits, session->scope.subscription, &failure);

    if (guard == NULL) {
        endpoints_deinit(&session->endpoints);
        return failure;
    }
    if (credentials.tell == NULL) {
        credentials.tell = tell_person;
        credentials.tell_context = session;
    }
    credentials.authority = endpoints->login;
    credentials.resources[AUDIENCE_ARM] = endpoints->arm_audience;
    credentials.resources[AUDIENCE_GRAPH] = endpoints->graph_audience;
    credentials.resources[AUDIENCE_STORAGE] = CLOUD_STORAGE_RESOURCE;
    session->client.origins.by_audience[AUDIENCE_NONE] = endpoints->login;
    session->client.origins.by_audience[AUDIENCE_ARM] = endpoints->arm;
    session->client.origins.by_audience[AUDIENCE_GRAPH] = endpoints->graph;
    session->client.may_register = settings->may_register_providers;
    session->client.repeats_lost = settings->repeats_lost;
    session->tokens = tokens_new(session->loop, &credentials);
    signer_init(&session->signer, session->tokens);
    open_pipeline(session, guard, &credentials);
    return NULL;
}

struct client *session_client(struct session *session, struct failure **failure)
{
    if (session->client.pipeline == NULL) {
        *failure = open_client(session);
        if (*failure != NULL)
            return NULL;
    } else if (session->sim != NULL) {
        choose_scope(session);
    }
    return &session->client;
}

struct client *session_client_aside(struct session *session, struct failure **failure)
{
    const struct client *client = session_client(session, failure);

    if (client == NULL)
        return NULL;
    if (session->aside.pipeline == NULL)
        session->aside = (struct client){.loop = client->loop,
                                         .pipeline = client->pipeline,
                                         .origins = client->origins,
                                         .observer = client->observer,
                                         .may_register = client->may_register,
                                         .last_number = FIRST_ASIDE};
    return &session->aside;
}

struct tokens *session_tokens(struct session *session)
{
    return session->tokens;
}

/* The settings of the run's credential, with the guest's id and secret instead. */
static struct tokens *new_guest_tokens(struct session *session)
{
    const struct sim_profile *profile = sim_profile(session->sim);
    const struct endpoints *endpoints = &session->endpoints;
    const struct credential_settings credentials = {
        .selection = "EnvironmentCredential",
        .tenant_id = profile->tenant_id,
        .client_id = profile->guest_id,
        .client_secret = profile->guest_secret,
        .authority = endpoints->login,
        .resources = {[AUDIENCE_ARM] = endpoints->arm_audience,
                      [AUDIENCE_GRAPH] = endpoints->graph_audience}};
    struct tokens *tokens = tokens_new(session->loop, &credentials);

    tokens_set_pipeline(tokens, session->client.pipeline);
    return tokens;
}

void session_set_guest(struct session *session, bool is_guest)
{
    if (is_guest && session->guest_tokens == NULL)
        session->guest_tokens = new_guest_tokens(session);
    session->signer.guest = session->guest_tokens;
    session->signer.is_guest = is_guest;
}

bool session_is_guest(const struct session *session)
{
    return session->signer.is_guest;
}

const struct scope *session_scope(const struct session *session)
{
    return &session->scope;
}

const struct endpoints *session_endpoints(const struct session *session)
{
    return &session->endpoints;
}

const char *session_tenant(const struct session *session)
{
    return session->sim != NULL ? sim_profile(session->sim)->tenant_id
                                : session->settings->credentials.tenant_id;
}

/* --- opening and closing --------------------------------------------------------------- */

static struct face *choose_face(struct session *session)
{
    const struct settings *settings = session->settings;

    if (settings->output == OUTPUT_JSON)
        return face_new_json();
    if (settings->quiet || !terminal_can_draw(STDERR_FILENO))
        return face_new_plain(session->loop, settings->quiet);
    return face_new_live(session->loop);
}

struct session *session_open(const struct settings *settings, struct failure **failure)
{
    struct session *session = memory_new(sizeof *session);

    session->settings = settings;
    session->facts.attempt = 1;
    session->machine_start_ms = clock_machine_ms();
    if (!settings->sim) /* pauses between attempts must differ between clients */
        srandom((unsigned)getpid() ^ (unsigned)session->machine_start_ms);
    clock_init(&session->clock, settings->sim ? settings->clock_mode : CLOCK_REAL,
               settings->clock_factor);
    session->observer = (struct observer){
        .started = on_started, .changed = on_changed, .finished = on_finished};
    session->loop = loop_new(&session->clock);
    if (session->loop == NULL) {
        *failure = failure_new("IOError", "the system gives no event loop");
        goto fail;
    }
    session->client.loop = session->loop;
    session->client.observer = &session->observer;
    if (settings->sim) {
        const struct sim_options options = {.state_file = settings->sim_file,
                                            .world_file = settings->sim_world,
                                            .faults = settings->sim_faults,
                                            .address = "127.0.0.1:0",
                                            .seed = settings->sim_seed,
                                            .sets_clock = true};

        if (session->clock.mode == CLOCK_VIRTUAL)
            clock_set_wall(&session->clock, VIRTUAL_START_MS);

        session->sim = sim_open(session->loop, &options, failure);
        if (session->sim == NULL)
            goto fail;
    }
    session->face = choose_face(session);
    log_set_sink(take_log, session);
    return session;

fail:
    session_close(session);
    return NULL;
}

void session_close(struct session *session)
{
    if (session == NULL)
        return;
    log_set_sink(NULL, NULL);
    client_deinit(&session->client);
    client_deinit(&session->aside);
    if (session->past != NULL)
        past_leave(session->past);
    tokens_free(session->tokens);
    tokens_free(session->guest_tokens);
    pipeline_free(session->client.pipeline);
    transport_free(session->transport);
    sim_close(session->sim);
    depot_close(session->depot);
    if (session->face != NULL)
        session->face->free(session->face);
    loop_free(session->loop);
    endpoints_deinit(&session->endpoints);
    buffer_deinit(&session->line);
    free(session);
}

struct loop *session_loop(struct session *session)
{
    return session->loop;
}

struct clock *session_clock(struct session *session)
{
    return &session->clock;
}

struct face *session_face(struct session *session)
{
    return session->face;
}

void session_set_face(struct session *session, struct face *face)
{
    session->face->free(session->face);
    session->face = face;
}

void session_set_record(struct session *session, struct record *record)
{
    session->record = record;
    session->client.journal = record != NULL ? record_journal(record) : NULL;
}

struct record *session_record(const struct session *session)
{
    return session->record;
}

void session_set_past(struct session *session, struct past *past)
{
    session->past = past;
}

struct past *session_past(const struct session *session)
{
    return session->past;
}

struct journal *session_journal(const struct session *session)
{
    return session->client.journal;
}

void session_set_journal(struct session *session, struct journal *journal)
{
    session->client.journal = journal;
}

void session_set_facts(struct session *session, const struct run_facts *facts)
{
    session->facts = *facts;
}

const struct run_facts *session_facts(const struct session *session)
{
    return &session->facts;
}

struct depot *session_depot(struct session *session, struct failure **failure)
{
    if (session->depot == NULL)
        session->depot = depot_open(session->settings, session->loop, failure);
    return session->depot;
}

const char *session_find_code(const struct session *session, const char *name,
                              size_t *length)
{
    if (session->past != NULL)
        return past_find_code(session->past, name, length);
    return session->record != NULL ? record_find_file(session->record, name, length)
                                   : NULL;
}

void session_keep_code(struct session *session, const char *name, const char *text,
                       size_t length)
{
    if (session->past != NULL)
        past_note_code(session->past, name);
    if (session->record != NULL)
        record_keep_file(session->record, name, text, length);
}

void session_set_history(struct session *session, struct history *history)
{
    session->history = history;
}

struct history *session_history(const struct session *session)
{
    return session->history;
}

struct sim *session_sim(const struct session *session)
{
    return session->sim;
}

const struct settings *session_settings(const struct session *session)
{
    return session->settings;
}

void session_drain(struct session *session, void (*drained)(void *context), void *context)
{
    if (session->wire != NULL)
        stage_drain(session->wire, drained, context);
    else
        drained(context);
}

void session_summarize(const struct session *session, struct run_summary *summary)
{
    memcpy(summary->outcomes, session->outcomes, sizeof summary->outcomes);
    if (session->wire != NULL) {
        const struct wire_counts counts = stage_wire_counts(session->wire);

        summary->requests = counts.requests;
        summary->writes = counts.writes;
    }
    summary->wall_seconds =
        (double)(clock_machine_ms() - session->machine_start_ms) / 1000.0;
    summary->virtual_seconds = (double)clock_now_ms(&session->clock) / 1000.0;
    summary->is_repeatable = session->clock.mode == CLOCK_VIRTUAL;
}
