/* engine/arm/resource.c - the verbs of a resource. */
#include "arm/resource.h"

#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/compare.h"
#include "arm/operation.h"
#include "arm/poll.h"
#include "arm/steps.h"
#include "base/buffer.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/journal.h"

const char *const resource_verb_names[] = {"get",    "find",   "exists", "create",
                                           "ensure", "update", "delete", NULL};

const char *const resource_outcome_names[] = {
    "read", "absent", "created", "changed", "unchanged", "deleted", NULL};

/* What the operation under way is for. */
enum phase { PHASE_LOOK, PHASE_REVEAL, PHASE_WRITE, PHASE_WAIT };

/* When others write it in between: reads may lag behind, so the next look waits 1, 2, 4 .. s. */
enum { MOST_LOOKS = 5, LOOK_AGAIN_MS = 1000 };

enum { MOST_UNITS = 1000000 }; /* beyond what any service has */

struct resource_operation {
    struct waitable waitable;
    struct client *client;
    enum resource_verb verb;
    const struct kind *kind;
    char *id, *if_match;
    cJSON *wanted;
    int looks;
    char
        *defaults; /* JSON: a tenth of the tree, and only a new resource needs it again */
    enum phase phase;
    struct operation *operation;
    struct waiter waiter;
    struct deferred advance;
    struct timer again;
    int64_t started_ms;
    uint64_t number;
    bool was_adopted;
    char *region; /* as the next, kept when it was announced, for the trees go */
    int units;
    uintptr_t looked_at; /* how many writes there had been when it was read */

    struct step *step; /* of the journal, or NULL */
    bool is_replayed;  /* it is done, the journal says so; it is only read */
    bool is_adopting;  /* the service may still work on it: it is followed */
    bool is_unsure; /* an earlier attempt may have written it: its answer was lost, or it
                        * failed after it was accepted */

    enum resource_outcome outcome;
    cJSON *body;
    char *etag;
    struct failure *failure;
};

static void start_phase(struct resource_operation *own, enum phase phase,
                        const char *method, cJSON *body);

/* --- the journal ------------------------------------------------------------------------ */

static const char *const action_names[] = {[RESOURCE_CREATED] = "create",
                                           [RESOURCE_CHANGED] = "change",
                                           [RESOURCE_DELETED] = "delete"};

/* What the write of an earlier attempt was to do. */
static enum resource_outcome outcome_of_action(const struct resource_operation *own)
{
    const char *action = step_action(own->step);

    for (size_t i = 0; action != NULL && i < sizeof action_names / sizeof action_names[0];
         i++) {
        if (action_names[i] != NULL && strcmp(action_names[i], action) == 0)
            return (enum resource_outcome)i;
    }
    return own->verb == RESOURCE_DELETE ? RESOURCE_DELETED : RESOURCE_CHANGED;
}

/* What the journal says that it had come to. */
static enum resource_outcome outcome_of_step(const struct resource_operation *own)
{
    const char *outcome = step_outcome(own->step);

    for (size_t i = 0; outcome != NULL && i < RESOURCE_OUTCOME_COUNT; i++) {
        if (strcmp(resource_outcome_names[i], outcome) == 0)
            return (enum resource_outcome)i;
    }
    return outcome_of_action(own);
}

static const char *method_of_step(const struct resource_operation *own)
{
    return own->verb == RESOURCE_DELETE ? "DELETE" : "PUT";
}

static void begin_step(struct resource_operation *own)
{
    if (own->client->journal == NULL || own->verb < RESOURCE_CREATE)
        return;
    own->step =
        journal_begin(own->client->journal,
                      &(struct step_content){.verb = resource_verb_names[own->verb],
                                             .kind = own->kind->name,
                                             .target = own->id,
                                             .body = own->wanted});
    if (!step_is_replayed(own->step))
        return;
    own->is_replayed = steps_has_ended(own->step, method_of_step(own));
    own->is_adopting = !own->is_replayed && step_state(own->step) == STEP_ANSWERED;
    own->is_unsure =
        step_state(own->step) == STEP_INTENDED ||
        (step_state(own->step) == STEP_FAILED && step_answer(own->step) != NULL);
}

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
static void announce(struct resource_operation *own)
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
        announce(own); /* it failed before it could be sent */
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
    waitable_finish(&own->waitable);
}

/* What an earlier attempt began has that as its outcome, although nothing is left to do. */
static void end(struct resource_operation *own, enum resource_outcome outcome)
{
    if (own->is_unsure && (outcome == RESOURCE_UNCHANGED || outcome == RESOURCE_MISSING))
        outcome = outcome_of_action(own);
    own->outcome = outcome;
    finish(own);
}

static void fail(struct resource_operation *own, struct failure *failure)
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
static struct failure *failure_of_phase(const struct failure *failure)
{
    struct failure *own = failure_copy(failure);

    if (own->target != NULL && strstr(own->target, "://") != NULL) {
        free(own->target);
        own->target = NULL;
    }
    return own;
}

/* --- reading -------------------------------------------------------------------------- */

/* A 404 that says: this resource is not there (and not: you asked in the wrong place). */
static bool is_missing(const struct failure *failure)
{
    static const char *const others[] = {
        "SubscriptionNotFound", "InvalidSubscriptionId", "InvalidResourceType",
        "InvalidResourceNamespace", "MissingSubscription"};

    if (failure->status != 404)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (text_equal_nocase(others[i], failure->code))
            return false;
    }
    return true;
}

static void keep_body(struct resource_operation *own)
{
    const char *etag = operation_field(own->operation, "etag");
    cJSON *body = operation_take_body(own->operation);

    if (body != NULL) {
        cJSON_Delete(own->body);
        own->body = body;
    }
    if (etag == NULL)
        etag = json_string_at(own->body, "etag");
    free(own->etag);
    own->etag = memory_copy_string(etag);
}

/* What a HEAD tells of a kind that has no GET. */
static void keep_head(struct resource_operation *own)
{
    const char *etag = operation_field(own->operation, "etag");

    own->body = cJSON_CreateObject();
    cJSON_AddStringToObject(own->body, "id", own->id);
    cJSON_AddStringToObject(own->body, "name", resource_name(own));
    own->etag = memory_copy_string(etag);
}

static bool is_being_made(const cJSON *body)
{
    return poll_judge_state(poll_resource_state(body)) == POLL_RUNNING;
}

static void refuse_immutable(struct resource_operation *own, const struct field *field)
{
    char *have = json_print(json_at(own->body, field->path));
    char *wanted = json_print(json_at(own->wanted, field->path));

    fail(own, failure_set_cure(
                  failure_new("ImmutableProperty",
                              "%s is %s and cannot be changed to %s after creation",
                              field->name, have, wanted),
                  "delete it and create it anew, or ask for what it is"));
    free(have);
    free(wanted);
}

/* Whether it may differ from what is wanted, as far as can be seen: what cannot be read is
 * written by an update, and left alone by an ensure. */
static bool may_differ(const struct resource_operation *own)
{
    if (compare_has(own->kind, own->wanted, FIELD_WRITE_ONLY)) {
        cJSON *readable = cJSON_Duplicate(own->wanted, true);
        bool differs = own->verb == RESOURCE_UPDATE;

        if (!compare_has(own->kind, own->body, FIELD_WRITE_ONLY)) {
            compare_strip(own->kind, readable, FIELD_WRITE_ONLY);
            differs = differs || own->kind->reveal != NULL;
        } else {
            differs = false;
        }
        differs = differs || compare_bodies(own->kind, own->body, readable) != NULL;
        cJSON_Delete(readable);
        return differs;
    }
    return compare_bodies(own->kind, own->body, own->wanted) != NULL;
}

/* Whether it is to be made of what is never read again and is no secret, as an API of a
 * document: only a PUT takes that. */
static bool has_source(const struct resource_operation *own)
{
    for (const struct field *field = own->kind->fields; field->name != NULL; field++) {
        if ((field->flags & (FIELD_WRITE_ONLY | FIELD_SECRET)) == FIELD_WRITE_ONLY &&
            json_at(own->wanted, field->path) != NULL)
            return true;
    }
    return false;
}

static void write_difference(struct resource_operation *own)
{
    const enum poll_verdict state = poll_judge_state(poll_resource_state(own->body));

    if (!may_differ(own) && state == POLL_SUCCEEDED) {
        end(own, RESOURCE_UNCHANGED);
        return;
    }
    for (const struct field *field = own->kind->fields; field->name != NULL; field++) {
        cJSON *part;

        if ((field->flags & FIELD_IMMUTABLE) == 0 ||
            json_at(own->wanted, field->path) == NULL)
            continue;
        part = cJSON_CreateObject();
        json_set_at(part, field->path,
                    cJSON_Duplicate(json_at(own->wanted, field->path), true));

        const bool differs = compare_bodies(own->kind, own->body, part) != NULL;

        cJSON_Delete(part);
        if (differs) {
            refuse_immutable(own, field);
            return;
        }
    }
    own->outcome = own->verb == RESOURCE_CREATE ? RESOURCE_CREATED : RESOURCE_CHANGED;
    /* one that failed to become what it should is made again as a whole */
    if (kind_patches(own->kind) && state == POLL_SUCCEEDED && !has_source(own)) {
        cJSON *part = cJSON_Duplicate(own->wanted, true);

        compare_strip(own->kind, part, FIELD_IMMUTABLE);
        start_phase(own, PHASE_WRITE, "PATCH", part);
        cJSON_Delete(part);
    } else {
        cJSON *whole = compare_merge(own->kind, own->body, own->wanted);

        start_phase(own, PHASE_WRITE, "PUT", whole);
        cJSON_Delete(whole);
    }
}

static void fail_changed(struct resource_operation *own)
{
    fail(own, failure_set_cure(
                  failure_new("PreconditionFailed",
                              "it was changed since its etag %s was read, and now has %s",
                              own->if_match, own->etag != NULL ? own->etag : "another"),
                  "read it again, and decide again"));
    own->failure->status = 412;
}

/* What is there and settled: shall it be written? */
static void judge_settled(struct resource_operation *own)
{
    if (own->kind->reveal != NULL && compare_has(own->kind, own->wanted, FIELD_SECRET))
        start_phase(own, PHASE_REVEAL, "POST", NULL);
    else
        write_difference(own);
}

static void wait_for_it(struct resource_operation *own)
{
    own->was_adopted = true;
    start_phase(own, PHASE_WAIT, "GET", NULL);
}

static void note_written(struct resource_operation *own)
{
    char key[TEXT_KEY_SIZE];

    text_format_key(own->id, key);
    map_set(&own->client->written, key, (void *)++own->client->write_count);
}

/* What an earlier attempt has done: it is only read, to be given to the script. */
static void judge_replayed(struct resource_operation *own)
{
    if (is_being_made(own->body)) {
        wait_for_it(own);
        return;
    }
    note_written(own);
    end(own, outcome_of_step(own));
}

/* An earlier attempt sent the creation and did not hear what became of it: is this ours? */
static void judge_lost_creation(struct resource_operation *own)
{
    if (is_being_made(own->body))
        wait_for_it(own);
    else if (poll_judge_state(poll_resource_state(own->body)) != POLL_SUCCEEDED)
        write_difference(own);
    else if (may_differ(own))
        fail(own,
             failure_set_cure(
                 failure_new("AlreadyExists",
                             "it exists, and is not what this run asked for: an earlier "
                             "attempt sent the creation, and its answer was lost"),
                 "somebody else has made or changed it; use ensure to take it as it is"));
    else
        end(own, RESOURCE_CREATED);
}

static void judge_present(struct resource_operation *own)
{
    if ((own->kind->operations & KIND_GET) != 0)
        keep_body(own);
    else if (own->body == NULL)
        keep_head(own);
    if (own->is_replayed) {
        judge_replayed(own);
        return;
    }
    if (own->if_match != NULL && strcmp(own->if_match, "*") != 0 && own->etag != NULL &&
        strcmp(own->if_match, own->etag) != 0 &&
        !(own->is_unsure && own->wanted != NULL && !may_differ(own))) {
        fail_changed(own);
        return;
    }
    switch (own->verb) {
    case RESOURCE_CREATE:
        if (own->is_unsure)
            judge_lost_creation(own);
        else
            fail(own, failure_set_cure(
                          failure_new("AlreadyExists", "it exists already"),
                          "use ensure to take it as it is and change what differs"));
        break;
    case RESOURCE_ENSURE:
    case RESOURCE_UPDATE:
        if (is_being_made(own->body))
            wait_for_it(own);
        else
            judge_settled(own);
        break;
    default:
        end(own, RESOURCE_READ);
        break;
    }
}

/* Fills in the defaults of a new resource. False, with the operation failed, when something
 * that it must have is still missing. */
static bool complete(struct resource_operation *own)
{
    cJSON *defaults = own->defaults != NULL
                          ? json_parse(own->defaults, strlen(own->defaults), NULL)
                          : NULL;
    const struct field *missing = NULL;

    for (const struct field *field = own->kind->fields; field->name != NULL; field++) {
        const cJSON *value = json_at(defaults, field->path);

        if (json_at(own->wanted, field->path) != NULL)
            continue;
        if (value != NULL)
            json_set_at(own->wanted, field->path, cJSON_Duplicate(value, true));
        else if (missing == NULL && (field->flags & FIELD_REQUIRED) != 0)
            missing = field;
    }
    cJSON_Delete(defaults);
    if (missing != NULL)
        fail(own,
             failure_new("MissingProperty", "it does not exist, and a new %s needs %s",
                         own->kind->name, missing->name));
    return missing == NULL;
}

/* What the run had done is not there. Its script may have deleted it later, and will come to
 * that again: until then it is as it was written. False when it is to be done again. */
static bool recall_deleted(struct resource_operation *own)
{
    if (!journal_deletes_later(own->client->journal, own->step, own->id)) {
        log_line(LOG_WARNING,
                 "%s '%s': the run had done it, and it is gone; doing it again",
                 own->kind->name, resource_name(own));
        own->is_replayed = false;
        return false;
    }
    own->body = cJSON_Duplicate(own->wanted, true);
    json_set_at(own->body, "id", cJSON_CreateString(own->id));
    json_set_at(own->body, "name", cJSON_CreateString(resource_name(own)));
    end(own, outcome_of_step(own));
    return true;
}

static void judge_absent(struct resource_operation *own, const struct failure *failure)
{
    if (own->is_replayed && recall_deleted(own))
        return;
    switch (own->verb) {
    case RESOURCE_FIND:
    case RESOURCE_EXISTS:
        end(own, RESOURCE_MISSING);
        break;
    case RESOURCE_CREATE:
    case RESOURCE_ENSURE:
        own->outcome = RESOURCE_CREATED;
        if (own->if_match != NULL)
            fail(own, failure_set_cure(
                          failure_new("PreconditionFailed", "it does not exist any more"),
                          "leave if_match out to create it"));
        else if (complete(own))
            start_phase(own, PHASE_WRITE, "PUT", own->wanted);
        break;
    default:
        fail(own, failure_of_phase(failure));
        break;
    }
}

/* --- writing -------------------------------------------------------------------------- */

static void judge_written(struct resource_operation *own)
{
    const int status = operation_status(own->operation);

    if (own->verb == RESOURCE_DELETE) {
        /* 204 to the DELETE itself: there was nothing; after a wait: it is done */
        end(own, status == 204 && !operation_is_accepted(own->operation)
                     ? RESOURCE_MISSING
                     : RESOURCE_DELETED);
        return;
    }
    keep_body(own);
    end(own, own->outcome);
}

static void judge_waited(struct resource_operation *own)
{
    keep_body(own);
    if (own->number != 0 && own->client->observer != NULL) {
        /* the wait is over; what comes now is a write of our own or nothing */
        own->client->observer->changed(own->client->observer, own);
    }
    if (own->is_replayed)
        judge_replayed(own);
    else if (own->verb == RESOURCE_CREATE)
        judge_lost_creation(own);
    else
        judge_settled(own);
}

/* The secrets as they are, or that they cannot be read: then they are written again. */
static void judge_revealed(struct resource_operation *own, const struct failure *failure)
{
    if (failure != NULL && failure->status != 403 && failure->status != 404) {
        fail(own, failure_of_phase(failure));
        return;
    }
    if (failure == NULL)
        compare_reveal(own->kind, own->body, operation_body(own->operation));
    write_difference(own);
}

/* Asked right before a write is sent. If something of this run has written the resource since
 * it was read, what was decided then may be wrong now. */
static bool claim_write(void *context)
{
    struct resource_operation *own = context;
    struct client *client = own->client;
    char key[TEXT_KEY_SIZE];

    text_format_key(own->id, key);

    const bool is_stale = own->verb != RESOURCE_DELETE &&
                          (uintptr_t)map_find(&client->written, key) > own->looked_at;

    if (!is_stale)
        note_written(own);
    return !is_stale;
}

static bool asks_head(const struct resource_operation *own)
{
    return (own->kind->operations & KIND_HEAD) != 0 &&
           (own->verb == RESOURCE_EXISTS || (own->kind->operations & KIND_GET) == 0);
}

/* Whether somebody has written it between our read and our write, and there is reason to
 * try again. */
static bool was_overtaken(struct resource_operation *own)
{
    const struct failure *failure = operation_failure(own->operation);

    return failure != NULL && failure->status == 412 && own->phase == PHASE_WRITE &&
           own->if_match == NULL && own->verb != RESOURCE_DELETE &&
           ++own->looks < MOST_LOOKS;
}

static void look(struct resource_operation *own)
{
    start_phase(own, PHASE_LOOK, asks_head(own) ? "HEAD" : "GET", NULL);
}

static void look_again(struct timer *timer)
{
    look(LIST_ENTRY(timer, struct resource_operation, again));
}

/* What an earlier attempt began is followed no longer: it is gone, or others have written it since.
 * What is there now says what is left to do. */
static bool gave_up_adopting(struct resource_operation *own)
{
    const struct failure *failure = operation_failure(own->operation);
    const bool is_over = own->is_adopting && own->verb != RESOURCE_DELETE &&
                         (operation_was_dropped(own->operation) ||
                          (failure != NULL && is_missing(failure)));

    if (is_over) {
        own->is_adopting = false;
        own->is_unsure = true;
    }
    return is_over;
}

static void advance(struct deferred *deferred)
{
    struct resource_operation *own =
        LIST_ENTRY(deferred, struct resource_operation, advance);
    struct operation *over = own->operation;
    const struct failure *failure = operation_failure(over);

    if (gave_up_adopting(own))
        look(own);
    else if (operation_was_dropped(
                 over)) /* somebody else was first: what is there now? */
        look(own);
    else if (was_overtaken(own))
        timer_start(own->client->loop, &own->again,
                    (int64_t)LOOK_AGAIN_MS << (own->looks - 1));
    else if (failure != NULL && failure->status == 412 && own->if_match != NULL)
        fail_changed(own);
    else if (own->phase == PHASE_REVEAL)
        judge_revealed(own, failure);
    else if (failure != NULL && own->phase == PHASE_LOOK && is_missing(failure))
        judge_absent(own, failure);
    else if (failure != NULL && own->phase == PHASE_WRITE &&
             own->verb == RESOURCE_DELETE && is_missing(failure))
        end(own, RESOURCE_MISSING);
    else if (failure != NULL && own->verb == RESOURCE_ENSURE &&
             own->phase == PHASE_WRITE && own->kind->exists_code != NULL &&
             text_equal_nocase(own->kind->exists_code, failure->code))
        end(own, RESOURCE_UNCHANGED); /* under another name; it says the same */
    else if (failure != NULL)
        fail(own, failure_of_phase(failure));
    else if (own->phase != PHASE_WRITE && !asks_head(own) && own->phase != PHASE_REVEAL &&
             !cJSON_IsObject(operation_body(over)))
        fail(own, failure_new("ProtocolError", "the answer is not a %s (HTTP %d)",
                              own->kind->name, operation_status(over)));
    else if (own->phase == PHASE_LOOK)
        judge_present(own);
    else if (own->phase == PHASE_WAIT)
        judge_waited(own);
    else
        judge_written(own);
    if (own->operation == over) /* no other step was started */
        own->operation = NULL;
    operation_release(over);
}

static void on_phase_over(struct waiter *waiter)
{
    struct resource_operation *own =
        LIST_ENTRY(waiter, struct resource_operation, waiter);

    loop_defer(own->client->loop, &own->advance);
}

/* Once the service has the write, only a kind that is labelled by its body has a use for the
 * tree; it may wait for hours. */
static void drop_wishes(struct resource_operation *own)
{
    free(own->defaults);
    own->defaults = NULL;
    if (own->kind->label == NULL) {
        cJSON_Delete(own->wanted);
        own->wanted = NULL;
    }
}

static void on_progress(void *context, const struct operation *operation)
{
    struct resource_operation *own = context;

    if (own->phase == PHASE_WRITE && operation_was_sent(operation))
        announce(own);
    if (own->phase == PHASE_WRITE && operation_is_accepted(operation))
        drop_wishes(own);
    if (own->client->observer != NULL && own->number != 0)
        own->client->observer->changed(own->client->observer, own);
}

/* Off with "/type/name", or with "/providers/namespace/type/name" of an extension. */
static void cut_to_parent(char *id)
{
    for (int i = 0; i < 2 && strrchr(id, '/') != NULL; i++)
        *strrchr(id, '/') = '\0';

    char *last = strrchr(id, '/');
    const size_t length = last != NULL ? (size_t)(last - id) : 0;
    static const char providers[] = "/providers";

    if (length >= sizeof providers - 1 &&
        text_has_prefix_nocase(id + length - (sizeof providers - 1), "/providers/"))
        id[length - (sizeof providers - 1)] = '\0';
}

/* The key under which writes to it take turns. */
static char *format_serial_key(const struct kind *kind, const char *id)
{
    char *whose = memory_copy_string(id), key[TEXT_KEY_SIZE];

    if (kind->serial == SERIAL_PARENT)
        cut_to_parent(whose);
    text_format_key(whose, key);
    free(whose);
    return memory_copy_string(key);
}

/* Whether this run has written the parent of `id`. */
static bool is_below_new(const struct client *client, const char *id)
{
    char *parent = memory_copy_string(id), key[TEXT_KEY_SIZE];

    cut_to_parent(parent);
    text_format_key(parent, key);
    free(parent);
    return map_find(&client->written, key) != NULL;
}

/* The If-Match of a write: what the script says, else the entity tag of what was read, so
 * that nobody's change in between is lost; "*" where a tag must be and none is known. */
static char *format_if_match(const struct resource_operation *own, const char *method)
{
    const unsigned operation = strcmp(method, "PATCH") == 0    ? KIND_PATCH
                               : strcmp(method, "DELETE") == 0 ? KIND_DELETE
                                                               : KIND_PUT;
    const bool must = (own->kind->if_match & operation) != 0;
    const bool may = must || (own->kind->may_match & operation) != 0;

    if (own->if_match != NULL)
        return memory_format("If-Match: %s", own->if_match);
    if (may && own->etag != NULL && operation != KIND_DELETE)
        return memory_format("If-Match: %s", own->etag);
    return must ? memory_copy_string("If-Match: *") : NULL;
}

static char *format_url(const struct resource_operation *own, enum phase phase,
                        const char *method)
{
    const struct kind *kind = own->kind;
    const bool is_read = strcmp(method, "GET") == 0 && kind->read_query != NULL;

    if (phase != PHASE_REVEAL)
        return resource_url(own->client, own->id, kind->api_version,
                            is_read ? kind->read_query : "");

    char *path = memory_format("%s/%s", own->id, kind->reveal);
    char *url = resource_url(own->client, path, kind->api_version, "");

    free(path);
    return url;
}

static void start_phase(struct resource_operation *own, enum phase phase,
                        const char *method, cJSON *body)
{
    const struct kind *kind = own->kind;
    struct operation_request request = {.method = method,
                                        .url = format_url(own, phase, method),
                                        .audience = AUDIENCE_ARM,
                                        .watches = phase == PHASE_WAIT};

    if (phase == PHASE_WRITE) {
        request.waits = true;
        request.is_below_new = is_below_new(own->client, own->id);
        request.body = body != NULL ? json_print(body) : NULL;
        request.serial_key = format_serial_key(kind, own->id);
        request.is_still_wanted = claim_write;
        request.wanted_context = own;
        request.final_state_via = kind->final_state_via;
        request.headers[0] = format_if_match(own, method);
        request.step = own->step;
        request.adopts = own->is_adopting;
        request.action = action_names[own->outcome];
    }
    if (phase != PHASE_LOOK) {
        request.label = memory_format("%s %s '%s'", resource_verb_names[own->verb],
                                      kind->name, resource_name(own));
    } else {
        own->looked_at = own->client->write_count;
    }
    own->phase = phase;
    own->operation = operation_start(own->client, &request);
    operation_watch(own->operation, on_progress, own);
    if (phase == PHASE_WAIT ||
        (phase == PHASE_WRITE && operation_was_sent(own->operation)))
        announce(own);
    if (operation_waitable(own->operation)->is_done)
        loop_defer(own->client->loop, &own->advance);
    else
        waitable_add(operation_waitable(own->operation), &own->waiter);
}

/* --- starting and the rest ------------------------------------------------------------ */

static void start(struct resource_operation *own)
{
    if (own->verb == RESOURCE_DELETE)
        own->outcome = RESOURCE_DELETED;
    if (own->is_adopting) { /* it is followed where it stands: nothing is looked at or sent */
        own->outcome = outcome_of_action(own);
        own->looked_at = own->client->write_count;
        start_phase(own, PHASE_WRITE, method_of_step(own), NULL);
    } else if (own->verb != RESOURCE_DELETE) {
        look(own);
    } else if (own->is_replayed) {
        end(own, outcome_of_step(own));
    } else {
        start_phase(own, PHASE_WRITE, "DELETE", NULL);
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
    own->verb = verb;
    own->kind = kind;
    own->id = memory_copy_string(id);
    own->if_match = memory_copy_string(if_match);
    own->wanted = body;
    own->defaults = defaults != NULL ? json_print(defaults) : NULL;
    cJSON_Delete(defaults);
    own->waiter.wake = on_phase_over;
    own->advance.run = advance;
    own->again.fire = look_again;
    own->started_ms = clock_now_ms(loop_clock(client->loop));
    begin_step(own);
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
