/* engine/arm/resource_judge.c - what an answer says of a resource, and what follows from it. */
#include "arm/resource_parts.h"

#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/compare.h"
#include "arm/operation.h"
#include "arm/poll.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

/* A 404 that says: this resource is not there (and not: you asked in the wrong place). */
bool resource_is_missing(const struct failure *failure)
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

bool resource_is_being_made(const cJSON *body)
{
    return poll_judge_state(poll_resource_state(body)) == POLL_RUNNING;
}

static void refuse_immutable(struct resource_operation *own, const struct field *field)
{
    char *have = json_print(json_at(own->body, field->path));
    char *wanted = json_print(json_at(own->wanted, field->path));

    resource_fail(own,
                  failure_set_cure(
                      failure_new("ImmutableProperty",
                                  "%s is %s and cannot be changed to %s after creation",
                                  field->name, have, wanted),
                      "delete it and create it anew, or ask for what it is"));
    free(have);
    free(wanted);
}

/* Whether it may differ from what is wanted, as far as can be seen: what cannot be read is
 * written by an update, and left alone by an ensure. */
bool resource_may_differ(const struct resource_operation *own)
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

void resource_write_difference(struct resource_operation *own)
{
    const enum poll_verdict state = poll_judge_state(poll_resource_state(own->body));

    if (!resource_may_differ(own) && state == POLL_SUCCEEDED) {
        resource_end(own, RESOURCE_UNCHANGED);
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
        resource_start_phase(own, PHASE_WRITE, "PATCH", part);
        cJSON_Delete(part);
    } else {
        cJSON *whole = compare_merge(own->kind, own->body, own->wanted);

        resource_start_phase(own, PHASE_WRITE, "PUT", whole);
        cJSON_Delete(whole);
    }
}

void resource_fail_changed(struct resource_operation *own)
{
    resource_fail(
        own, failure_set_cure(
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
        resource_start_phase(own, PHASE_REVEAL, "POST", NULL);
    else
        resource_write_difference(own);
}

void resource_wait_for_it(struct resource_operation *own)
{
    own->was_adopted = true;
    resource_start_phase(own, PHASE_WAIT, "GET", NULL);
}

void resource_judge_present(struct resource_operation *own)
{
    if ((own->kind->operations & KIND_GET) != 0)
        keep_body(own);
    else if (own->body == NULL)
        keep_head(own);
    if (own->is_replayed) {
        resource_judge_replayed(own);
        return;
    }
    if (own->if_match != NULL && strcmp(own->if_match, "*") != 0 && own->etag != NULL &&
        strcmp(own->if_match, own->etag) != 0 &&
        !(own->is_unsure && own->wanted != NULL && !resource_may_differ(own))) {
        resource_fail_changed(own);
        return;
    }
    switch (own->verb) {
    case RESOURCE_CREATE:
        if (own->is_unsure)
            resource_judge_lost_creation(own);
        else
            resource_fail(own,
                          failure_set_cure(
                              failure_new("AlreadyExists", "it exists already"),
                              "use ensure to take it as it is and change what differs"));
        break;
    case RESOURCE_ENSURE:
    case RESOURCE_UPDATE:
        if (resource_is_being_made(own->body))
            resource_wait_for_it(own);
        else
            judge_settled(own);
        break;
    default:
        resource_end(own, RESOURCE_READ);
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
        resource_fail(own, failure_new("MissingProperty",
                                       "it does not exist, and a new %s needs %s",
                                       own->kind->name, missing->name));
    return missing == NULL;
}

void resource_judge_absent(struct resource_operation *own, const struct failure *failure)
{
    if (own->is_replayed && resource_recall_deleted(own))
        return;
    switch (own->verb) {
    case RESOURCE_FIND:
    case RESOURCE_EXISTS:
        resource_end(own, RESOURCE_MISSING);
        break;
    case RESOURCE_CREATE:
    case RESOURCE_ENSURE:
        own->outcome = RESOURCE_CREATED;
        if (own->if_match != NULL)
            resource_fail(own, failure_set_cure(failure_new("PreconditionFailed",
                                                            "it does not exist any more"),
                                                "leave if_match out to create it"));
        else if (complete(own))
            resource_start_phase(own, PHASE_WRITE, "PUT", own->wanted);
        break;
    default:
        resource_fail(own, resource_failure_of_phase(failure));
        break;
    }
}

void resource_judge_written(struct resource_operation *own)
{
    const int status = operation_status(own->operation);

    if (own->verb == RESOURCE_DELETE) {
        /* 204 to the DELETE itself: there was nothing; after a wait: it is done */
        resource_end(own, status == 204 && !operation_is_accepted(own->operation)
                              ? RESOURCE_MISSING
                              : RESOURCE_DELETED);
        return;
    }
    keep_body(own);
    resource_end(own, own->outcome);
}

void resource_judge_waited(struct resource_operation *own)
{
    keep_body(own);
    if (own->number != 0 && own->client->observer != NULL) {
        /* the wait is over; what comes now is a write of our own or nothing */
        own->client->observer->changed(own->client->observer, own);
    }
    if (own->is_replayed)
        resource_judge_replayed(own);
    else if (own->verb == RESOURCE_CREATE)
        resource_judge_lost_creation(own);
    else
        judge_settled(own);
}

/* The secrets as they are, or that they cannot be read: then they are written again. */
void resource_judge_revealed(struct resource_operation *own,
                             const struct failure *failure)
{
    if (failure != NULL && failure->status != 403 && failure->status != 404) {
        resource_fail(own, resource_failure_of_phase(failure));
        return;
    }
    if (failure == NULL)
        compare_reveal(own->kind, own->body, operation_body(own->operation));
    resource_write_difference(own);
}
