/* engine/arm/operation_heal.c - waiting out refusals that go away by themselves.
 *
 * A resource that is busy is looked at instead of written to again and again, and so is one
 * whose write was accepted but whose answer was lost: the repetition is refused as long as
 * the first one goes on. */
#include "arm/operation_parts.h"

#include <stdlib.h>
#include <string.h>

#include "arm/refusal.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/url.h"

static void fire_send(struct timer *timer)
{
    struct operation *operation = operation_of_timer(timer);

    if (operation != NULL)
        operation_send(operation);
}

static void look(struct operation *operation);

static void fire_look(struct timer *timer)
{
    struct operation *operation = operation_of_timer(timer);

    if (operation != NULL)
        look(operation);
}

/* The resource was busy. While something goes on with it, nothing is written; a write whose
 * answer was lost is waited for like this, too. */
static void on_look(struct exchange *exchange)
{
    struct operation *operation = exchange->owner;
    struct failure *failure;
    const int64_t asked_ms = operation_end_exchange(operation, &failure);
    const int64_t age_ms = operation_now_ms(operation) - operation->refused_ms;
    const char *state;

    reply_parse(&operation->reply);
    state = poll_resource_state(operation->reply.body);
    if (failure != NULL && failure->retryable) {
        failure_free(failure);
        operation_pause(operation, LOST_POLL_PAUSE_MS, fire_look);
    } else if (failure != NULL) {
        operation_fail(operation, failure);
    } else if (operation->reply.status == 200 &&
               poll_judge_state(state) == POLL_RUNNING) {
        operation->polls++;
        operation_note_state(operation, operation_told_state(operation->reply.body));
        operation_pause(operation, poll_pause_ms(asked_ms, age_ms, operation->polls),
                        fire_look);
    } else {
        reply_drop(&operation->reply);
        operation_send(operation);
    }
}

static void look(struct operation *operation)
{
    operation_start_get(operation, operation->request.url, on_look);
}

static void on_registered(struct registration_wait *wait, const struct failure *failure)
{
    struct operation *operation = LIST_ENTRY(wait, struct operation, registration);

    if (failure != NULL) {
        operation_fail(operation, failure_copy(failure));
        return;
    }
    /* ARM remembers its refusal by the client request id */
    uuid_random(operation->client_request_id);
    operation_send(operation);
}

/* Registers the resource provider that is missing, once; takes the failure if so. */
static bool starts_registration(struct operation *operation, struct failure *failure)
{
    if (!operation->client->may_register || operation->was_registered ||
        operation->request.registers)
        return false;
    operation->registration.done = on_registered;
    if (!registration_join(operation->client, operation->request.url, failure,
                           &operation->registration))
        return false;
    operation->was_registered = true;
    operation_start_limit(operation);
    operation->method = POLL_NOTHING;
    operation_set_text(&operation->state, failure->code);
    failure_free(failure);
    operation_report(operation);
    return true;
}

static const struct healing *find_healing(const struct operation *operation,
                                          const struct failure *failure)
{
    const struct operation_request *request = &operation->request;
    const struct healing *healing;

    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0 ||
        operation->is_final_get || operation->is_adopted)
        return NULL;
    healing = refusal_healing(failure);
    return healing == NULL && request->is_below_new ? refusal_healing_below_new(failure)
                                                    : healing;
}

/* Sends the write again later when its refusal is of the passing kind; takes the failure. */
/* Counts a refusal. False when they have gone on for too long; one that comes long after the
 * last has nothing to do with those before. */
static bool note_refusal(struct operation *operation, const struct healing *healing)
{
    const int64_t now_ms = operation_now_ms(operation);

    if (operation->refusals == 0 ||
        now_ms - operation->last_refused_ms > healing->longest_ms) {
        operation->refusals = 0;
        operation->refused_ms = now_ms;
    }
    operation->last_refused_ms = now_ms;
    operation->refusals++;
    return now_ms - operation->refused_ms <= healing->longest_ms;
}

void operation_heal_or_fail(struct operation *operation, struct failure *failure)
{
    const struct healing *healing = find_healing(operation, failure);

    if (starts_registration(operation, failure))
        return;
    if (healing == NULL || !note_refusal(operation, healing)) {
        operation_fail(operation, failure);
        return;
    }

    const int64_t pause_ms = healing_pause_ms(healing, operation->refusals);
    const bool looks = healing->is_busy && strcmp(operation->request.method, "POST") != 0;

    log_line(LOG_INFO, "%s: %s; again in %.0f s", operation->request.label, failure->code,
             (double)pause_ms / 1000.0);
    operation_set_text(&operation->state, failure->code);
    failure_free(failure);
    operation_report(operation);
    operation->method = POLL_NOTHING;
    operation->polls = 0;
    operation_pause(operation, pause_ms, looks ? fire_look : fire_send);
}
