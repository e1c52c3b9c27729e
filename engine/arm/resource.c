/* engine/arm/resource.c - the verbs of a resource. */
#include "arm/resource_parts.h"

#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/compare.h"
#include "arm/operation.h"
#include "arm/steps.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "journal/journal.h"

const char *const resource_verb_names[] = {"get",    "find",   "exists", "create",
                                           "ensure", "update", "delete", NULL};

const char *const resource_outcome_names[] = {
    "read", "absent", "created", "changed", "unchanged", "deleted", NULL};

enum { MOST_UNITS = 1000000 }; /* beyond what any service has */

/* --- the end -------------------------------------------------------------------------- */

static void keep_size(struct resource_operation *own)
{
    const char *region = json_string_at(own->wanted, "location");
    const double units = json_number_at(own->wanted, "sku.capacity",
                                        json_number_at(own->body, "sku.capacity", 0.0));

    if (region == NULL)
        region = json_string_at(own->body, "location");
    own->region = memory_copy_string(region);
    own->units = units >= 0.0 && units <= MOST_UNITS ? (int)units : 0;
}

/* Tells the observer of a write or wait, the first time one is sent. */
void resource_announce(struct resource_operation *own)
{
    if (own->number != 0)
        return;
    keep_size(own);
    own->started_ms = clock_now_ms(loop_clock(own->client->loop));
    if (own->step != NULL && step_state(own->step) == STEP_ANSWERED &&
        step_is_replayed(own->step))
        own->started_ms -= step_age_ms(own->client->journal, own->step);
    own->number = ++own->client->last_number;
    if (own->client->observer != NULL)
        own->client->observer->started(own->client->observer, own);
}

static void finish(struct resource_operation *own)
{
    struct observer *observer = own->client->observer;

    if (own->body != NULL)
        compare_strip(own->kind, own->body, FIELD_WRITE_ONLY);

    if (own->failure != NULL && own->phase == PHASE_WRITE)
        resource_announce(own); /* it failed before it could be sent */
    steps_conclude(own->client, own->step, resource_outcome_names[own->outcome],
                   own->failure,
                   own->phase == PHASE_WRITE && own->operation != NULL &&
                       operation_is_refused(own->operation));

    const bool is_worth_telling = own->number != 0 || own->is_replayed ||
                                  (own->is_unsure && own->failure == NULL) ||
                                  own->outcome == RESOURCE_UNCHANGED ||
                                  (own->verb == RESOURCE_DELETE && own->failure == NULL);

    if (observer != NULL && is_worth_telling)
        observer->finished(observer, own);
    own->client->open_count--;
    waitable_finish(&own->waitable);
}

/* What an earlier attempt began has that as its outcome, although nothing is left to do. */
void resource_end(struct resource_operation *own, enum resource_outcome outcome)
{
    if (own->is_unsure && (outcome == RESOURCE_UNCHANGED || outcome == RESOURCE_MISSING))
        outcome = resource_planned(own);
    own->outcome = outcome;
    finish(own);
}

void resource_fail(struct resource_operation *own, struct failure *failure)
{
    own->failure = failure;
    if (failure->operation == NULL)
        failure->operation = memory_format("%s %s '%s'", resource_verb_names[own->verb],
                                           own->kind->name, resource_name(own));
    if (failure->target == NULL)
        failure->target = memory_copy_string(own->id);
    finish(own);
}

/* A step's failure, about the resource instead of the URL that was asked. */
struct failure *resource_failure_of_phase(const struct failure *failure)
{
    struct failure *own = failure_copy(failure);

    if (own->target != NULL && strstr(own->target, "://") != NULL) {
        free(own->target);
        own->target = NULL;
    }
    return own;
}

/* --- starting and the rest ------------------------------------------------------------ */

static void start(struct resource_operation *own)
{
    if (own->verb == RESOURCE_DELETE)
        own->outcome = RESOURCE_DELETED;
    if (own->is_adopting) { /* it is followed where it stands: nothing is looked at or sent */
        own->outcome = resource_planned(own);
        own->looked_at = own->client->write_count;
        resource_start_phase(own, PHASE_WRITE, resource_method_of_step(own), NULL);
    } else if (own->verb != RESOURCE_DELETE) {
        resource_look(own);
    } else if (own->is_replayed) {
        resource_end(own, resource_outcome_of_step(own));
    } else {
        resource_start_phase(own, PHASE_WRITE, "DELETE", NULL);
    }
}

struct resource_operation *resource_start(struct client *client, enum resource_verb verb,
                                          const struct kind *kind, const char *id,
                                          const char *if_match, cJSON *body,
                                          cJSON *defaults)
{
    struct resource_operation *own = memory_new(sizeof *own);

    waitable_init(&own->waitable);
    own->client = client;
    client->open_count++;
    own->verb = verb;
    own->kind = kind;
    own->id = memory_copy_string(id);
    own->if_match = memory_copy_string(if_match);
    own->wanted = body;
    own->defaults = defaults != NULL ? json_print(defaults) : NULL;
    cJSON_Delete(defaults);
    own->waiter.wake = resource_wake;
    own->advance.run = resource_advance;
    own->again.fire = resource_look_again;
    own->started_ms = clock_now_ms(loop_clock(client->loop));
    resource_begin_step(own);
    start(own);
    return own;
}

struct waitable *resource_waitable(struct resource_operation *operation)
{
    return &operation->waitable;
}

const struct failure *resource_failure(const struct resource_operation *operation)
{
    return operation->failure;
}

enum resource_outcome resource_outcome(const struct resource_operation *operation)
{
    return operation->outcome;
}

cJSON *resource_take_body(struct resource_operation *operation)
{
    cJSON *body = operation->body;

    operation->body = NULL;
    return body;
}

const char *resource_etag(const struct resource_operation *operation)
{
    return operation->etag;
}

enum resource_verb resource_verb(const struct resource_operation *operation)
{
    return operation->verb;
}

const struct kind *resource_kind(const struct resource_operation *operation)
{
    return operation->kind;
}

const char *resource_id(const struct resource_operation *operation)
{
    return operation->id;
}

const char *resource_name(const struct resource_operation *operation)
{
    return strrchr(operation->id, '/') + 1;
}

const char *resource_label(const struct resource_operation *operation)
{
    const cJSON *body = operation->body != NULL ? operation->body : operation->wanted;
    const char *label =
        operation->kind->label != NULL ? operation->kind->label(body) : NULL;

    return label != NULL ? label : resource_name(operation);
}

const char *resource_state(const struct resource_operation *operation)
{
    return operation->operation != NULL ? operation_state(operation->operation) : NULL;
}

double resource_percent(const struct resource_operation *operation)
{
    return operation->operation != NULL ? operation_percent(operation->operation) : -1.0;
}

int64_t resource_age_ms(const struct resource_operation *operation)
{
    return clock_now_ms(loop_clock(operation->client->loop)) - operation->started_ms;
}

uint64_t resource_number(const struct resource_operation *operation)
{
    return operation->number;
}

bool resource_was_adopted(const struct resource_operation *operation)
{
    return operation->was_adopted;
}

const char *resource_region(const struct resource_operation *operation)
{
    return operation->region;
}

int resource_units(const struct resource_operation *operation)
{
    return operation->units;
}

bool resource_was_replayed(const struct resource_operation *operation)
{
    return operation->is_replayed;
}

bool resource_may_go_on(const struct resource_operation *operation)
{
    return operation->operation != NULL &&
           (operation->phase == PHASE_WAIT || operation_may_go_on(operation->operation));
}

void resource_release(struct resource_operation *operation)
{
    if (operation == NULL)
        return;
    if (!operation->waitable.is_done)
        operation->client->open_count--;
    if (!operation->waitable.is_done && operation->client->observer != NULL &&
        (operation->number != 0 || operation->phase == PHASE_WRITE)) {
        if (operation->number == 0)
            operation->number = ++operation->client->last_number;
        operation->failure = failure_new("Canceled", "nobody waits for it any more");
        operation->client->observer->finished(operation->client->observer, operation);
    }
    waiter_remove(&operation->waiter);
    deferred_cancel(&operation->advance);
    timer_stop(operation->client->loop, &operation->again);
    operation_release(operation->operation);
    cJSON_Delete(operation->wanted);
    free(operation->defaults);
    cJSON_Delete(operation->body);
    failure_free(operation->failure);
    free(operation->region);
    free(operation->etag);
    free(operation->if_match);
    free(operation->id);
    free(operation);
}

char *resource_url(const struct client *client, const char *id, const char *api_version,
                   const char *query)
{
    static const char version[] = "?api-version=";
    const char *origin = client->origins.by_audience[AUDIENCE_ARM];
    struct buffer url = {0};

    buffer_reserve(&url, strlen(origin) + strlen(id) + sizeof version +
                             strlen(api_version) + strlen(query));
    buffer_append_string(&url, origin);
    buffer_append_escaped_path(&url, id);
    buffer_append_string(&url, version);
    buffer_append_string(&url, api_version);
    buffer_append_string(&url, query);
    return buffer_take(&url);
}
