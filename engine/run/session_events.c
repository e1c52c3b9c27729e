/* engine/run/session_events.c - what a session tells: of operations, the log, what is printed. */
#include <stdlib.h>
#include <string.h>

#include "arm/poll.h"
#include "arm/resource.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "base/log.h"
#include "run/event_json.h"
#include "run/history.h"
#include "run/record.h"
#include "run/session_parts.h"
#include "sim/sim.h"

const char session_sim_name[] = "http://sim";

static void show(struct session *session, struct event *event)
{
    event->wall_ms = clock_wall_ms(&session->clock);
    event->elapsed_ms = clock_now_ms(&session->clock);
    session->face->handle(session->face, event);
}

void session_emit(struct session *session, struct event *event)
{
    show(session, event);
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

void session_show(struct session *session, const char *text)
{
    struct event event = {.type = EVENT_OUTPUT, .text = text};

    show(session, &event);
}

/* The text with the simulator's URLs as they are told. Owned by the caller. */
static char *name_sim(const struct session *session, const char *text)
{
    const char *endpoint = sim_profile(session->sim)->endpoint, *found;
    struct buffer named = {0};

    while ((found = strstr(text, endpoint)) != NULL) {
        buffer_append(&named, text, (size_t)(found - text));
        buffer_append_string(&named, session_sim_name);
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

void session_begin_events(struct session *session)
{
    session->observer = (struct observer){
        .started = on_started, .changed = on_changed, .finished = on_finished};
    log_set_sink(take_log, session);
}
