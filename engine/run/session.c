/* engine/run/session.c - everything a run works with. */
#include "run/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/tokens.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/cloud.h"
#include "net/loop.h"
#include "net/transfer.h"
#include "pipeline/budget.h"
#include "pipeline/guard.h"
#include "pipeline/trail.h"
#include "run/depot.h"
#include "run/past.h"
#include "run/record.h"
#include "run/session_parts.h"
#include "run/terminal.h"
#include "sim/sim.h"

enum { SIM_TIMEOUT_MS = 10000, FIRST_ASIDE = 1 << 30 /* number of an operation */ };

/* 2026-01-05T09:00:00Z, a Monday: when a virtual clock begins, unless the world says
 * otherwise, so that a run can be repeated to the letter. */
static const int64_t VIRTUAL_START_MS = 1767603600000;

/* --- the way to the service --------------------------------------------------------- */

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

/* The first that says something. */
static const char *first_of(const char *asked, const char *set, const char *simulated)
{
    return asked != NULL ? asked : set != NULL ? set : simulated;
}

/* Of a simulator it is asked for anew: it may have got another world. */
static void choose_scope(struct session *session)
{
    static const struct sim_profile none = {0};
    const struct settings *settings = session->settings;
    const struct sim_profile *profile =
        session->sim != NULL ? sim_profile(session->sim) : &none;

    session->scope = (struct scope){
        .subscription = first_of(session->asked.subscription, settings->subscription,
                                 profile->subscription_id),
        .resource_group = first_of(session->asked.resource_group,
                                   settings->resource_group, profile->resource_group),
        .service = first_of(session->asked.service, settings->service, profile->service)};
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

/* Opens the pipeline, which the guard is a part of from then on. */
static void open_pipeline(struct session *session,
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
    struct stage *stages[10];
    size_t count = 0;

    stages[count++] = stage_new_redirect();
    stages[count++] = session->guard;
    if (session->record != NULL)
        stages[count++] = stage_new_journal(session->client.journal);
    stages[count++] = stage_new_retry(session->loop);
    stages[count++] = stage_new_budget(session->loop, &budget);
    stages[count++] =
        stage_new_credential(&session->client.origins, &session->signer.provider);
    stages[count++] = stage_new_cookies();
    if (session->record != NULL)
        stages[count++] = stage_new_fence(session->client.journal);
    stages[count++] = stage_new_trail(session->trail);
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

    struct guard_settings limits = settings->guard;

    limits.read_only = session->is_read_only;

    if (session->record != NULL)
        count_before(session, &limits);

    session->guard =
        stage_new_guard(&limits, session_scope(session)->subscription, &failure);
    if (session->guard == NULL) {
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
    open_pipeline(session, &credentials);
    return NULL;
}

struct client *session_client(struct session *session, struct failure **failure)
{
    if (session->client.pipeline == NULL) {
        *failure = open_client(session);
        if (*failure != NULL)
            return NULL;
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

struct trail *session_trail(struct session *session)
{
    return session->trail;
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

const struct scope *session_scope(struct session *session)
{
    choose_scope(session);
    return &session->scope;
}

static void replace(char **to, const char *text)
{
    if (text == NULL)
        return;

    char *copy = memory_copy_string(text); /* it may be the text that is replaced */

    free(*to);
    *to = copy;
}

void session_set_scope(struct session *session, const struct scope *scope)
{
    replace(&session->asked.subscription, scope->subscription);
    replace(&session->asked.resource_group, scope->resource_group);
    replace(&session->asked.service, scope->service);
}

void session_set_read_only(struct session *session, bool is_read_only)
{
    session->is_read_only = session->is_asked_read_only = is_read_only;
    if (session->guard != NULL)
        guard_set_read_only(session->guard, is_read_only);
}

bool session_is_read_only(const struct session *session)
{
    return session->is_read_only;
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

/* --- another way -------------------------------------------------------------------- */

static void forget_scope(struct session *session)
{
    free(session->asked.subscription);
    free(session->asked.resource_group);
    free(session->asked.service);
    memset(&session->asked, 0, sizeof session->asked);
}

/* What all ways to the service have sent. */
static struct wire_counts count_sent(const struct session *session)
{
    struct wire_counts counts = session->sent_before;

    if (session->wire != NULL) {
        const struct wire_counts now = stage_wire_counts(session->wire);

        counts.requests += now.requests;
        counts.writes += now.writes;
    }
    return counts;
}

/* Events go on to be numbered; all else of the client is new. */
static void reset_client(struct session *session)
{
    const struct client old = session->client;

    client_deinit(&session->aside);
    session->aside = (struct client){0};
    client_deinit(&session->client);
    session->client = (struct client){.loop = old.loop,
                                      .observer = old.observer,
                                      .journal = old.journal,
                                      .last_number = old.last_number};
}

static void close_way(struct session *session)
{
    struct pipeline *pipeline = session->client.pipeline;

    session->sent_before = count_sent(session);
    reset_client(session);
    tokens_free(session->tokens);
    tokens_free(session->guest_tokens);
    session->tokens = session->guest_tokens = NULL;
    session->signer = (struct signer){0};
    pipeline_free(pipeline);
    session->guard = session->wire = NULL;
    transport_free(session->transport);
    session->transport = NULL;
    endpoints_deinit(&session->endpoints);
}

bool session_is_busy(const struct session *session, struct failure **failure)
{
    const unsigned count = session->client.open_count + session->aside.open_count;

    if (count > 0)
        *failure = failure_new("Busy", "%u operation%s not over yet: wait, or cancel",
                               count, count == 1 ? " is" : "s are");
    return count > 0;
}

bool session_switch(struct session *session, const struct settings *settings,
                    struct failure **failure)
{
    assert(settings->sim == (session->sim != NULL));
    if (session_is_busy(session, failure))
        return false;
    close_way(session);
    if (session->record == NULL && session->history == NULL) {
        depot_close(session->depot); /* the next run may be kept elsewhere */
        session->depot = NULL;
    }
    session->switched = *settings;
    session->settings = &session->switched;
    session->is_read_only = settings->guard.read_only || session->is_asked_read_only;
    forget_scope(session);
    return true;
}

/* --- opening and closing ------------------------------------------------------------ */

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
    session->is_read_only = settings->guard.read_only;
    session->facts.attempt = 1;
    session->machine_start_ms = clock_machine_ms();
    if (!settings->sim) /* pauses between attempts must differ between clients */
        srandom((unsigned)getpid() ^ (unsigned)session->machine_start_ms);
    clock_init(&session->clock, settings->sim ? settings->clock_mode : CLOCK_REAL,
               settings->clock_factor);
    session->loop = loop_new(&session->clock);
    if (session->loop == NULL) {
        *failure = failure_new("IOError", "the system gives no event loop");
        goto fail;
    }
    session->trail = trail_new(&session->clock);
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
        trail_set_alias(session->trail, sim_profile(session->sim)->endpoint,
                        session_sim_name);
    }
    session->face = choose_face(session);
    session_begin_events(session);
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
    close_way(session);
    if (session->past != NULL)
        past_leave(session->past);
    trail_free(session->trail);
    sim_close(session->sim);
    depot_close(session->depot);
    if (session->face != NULL)
        session->face->free(session->face);
    loop_free(session->loop);
    forget_scope(session);
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

void session_set_run(struct session *session, struct run *run)
{
    session->run = run;
}

struct run *session_run(const struct session *session)
{
    return session->run;
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
    if (session->past != NULL) {
        past_note_code(session->past, name);
        return past_find_code(session->past, name, length);
    }
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

void session_extend_code(struct session *session, const char *name, size_t from,
                         const char *text, size_t length)
{
    if (session->record != NULL)
        record_extend_file(session->record, name, from, text, length);
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
    const struct wire_counts sent = count_sent(session);

    summary->requests = sent.requests;
    summary->writes = sent.writes;
    summary->wall_seconds =
        (double)(clock_machine_ms() - session->machine_start_ms) / 1000.0;
    summary->virtual_seconds = (double)clock_now_ms(&session->clock) / 1000.0;
    summary->is_repeatable = session->clock.mode == CLOCK_VIRTUAL;
}
