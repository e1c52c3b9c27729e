/* engine/arm/resource_phase.c - the operations that a verb is made of, one after another. */
#include "arm/resource_parts.h"

#include <stdlib.h>
#include <string.h>

#include "arm/client.h"
#include "arm/operation.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

/* When others write it in between: reads may lag behind, so the next look waits 1, 2, 4 .. s. */
enum { MOST_LOOKS = 5, LOOK_AGAIN_MS = 1000 };

void resource_note_written(struct resource_operation *own)
{
    char key[TEXT_KEY_SIZE];

    text_format_key(own->id, key);
    map_set(&own->client->written, key, (void *)++own->client->write_count);
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
        resource_note_written(own);
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

void resource_look(struct resource_operation *own)
{
    resource_start_phase(own, PHASE_LOOK, asks_head(own) ? "HEAD" : "GET", NULL);
}

void resource_look_again(struct timer *timer)
{
    resource_look(LIST_ENTRY(timer, struct resource_operation, again));
}

/* What an earlier attempt began is followed no longer: it is gone, or others have written it since.
 * What is there now says what is left to do. */
static bool gave_up_adopting(struct resource_operation *own)
{
    const struct failure *failure = operation_failure(own->operation);
    const bool is_over = own->is_adopting && own->verb != RESOURCE_DELETE &&
                         (operation_was_dropped(own->operation) ||
                          (failure != NULL && resource_is_missing(failure)));

    if (is_over) {
        own->is_adopting = false;
        own->is_unsure = true;
    }
    return is_over;
}

void resource_advance(struct deferred *deferred)
{
    struct resource_operation *own =
        LIST_ENTRY(deferred, struct resource_operation, advance);
    struct operation *over = own->operation;
    const struct failure *failure = operation_failure(over);

    if (gave_up_adopting(own))
        resource_look(own);
    else if (operation_was_dropped(
                 over)) /* somebody else was first: what is there now? */
        resource_look(own);
    else if (was_overtaken(own))
        timer_start(own->client->loop, &own->again,
                    (int64_t)LOOK_AGAIN_MS << (own->looks - 1));
    else if (failure != NULL && failure->status == 412 && own->if_match != NULL)
        resource_fail_changed(own);
    else if (own->phase == PHASE_REVEAL)
        resource_judge_revealed(own, failure);
    else if (failure != NULL && own->phase == PHASE_LOOK && resource_is_missing(failure))
        resource_judge_absent(own, failure);
    else if (failure != NULL && own->phase == PHASE_WRITE &&
             own->verb == RESOURCE_DELETE && resource_is_missing(failure))
        resource_end(own, RESOURCE_MISSING);
    else if (failure != NULL && own->verb == RESOURCE_ENSURE &&
             own->phase == PHASE_WRITE && own->kind->exists_code != NULL &&
             text_equal_nocase(own->kind->exists_code, failure->code))
        resource_end(own, RESOURCE_UNCHANGED); /* under another name; it says the same */
    else if (failure != NULL)
        resource_fail(own, resource_failure_of_phase(failure));
    else if (own->phase != PHASE_WRITE && !asks_head(own) && own->phase != PHASE_REVEAL &&
             !cJSON_IsObject(operation_body(over)))
        resource_fail(own,
                      failure_new("ProtocolError", "the answer is not a %s (HTTP %d)",
                                  own->kind->name, operation_status(over)));
    else if (own->phase == PHASE_LOOK)
        resource_judge_present(own);
    else if (own->phase == PHASE_WAIT)
        resource_judge_waited(own);
    else
        resource_judge_written(own);
    if (own->operation == over) /* no other step was started */
        own->operation = NULL;
    operation_release(over);
}

void resource_wake(struct waiter *waiter)
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
        resource_announce(own);
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

void resource_start_phase(struct resource_operation *own, enum phase phase,
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
        request.action = resource_action(own);
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
        resource_announce(own);
    if (operation_waitable(own->operation)->is_done)
        loop_defer(own->client->loop, &own->advance);
    else
        waitable_add(operation_waitable(own->operation), &own->waiter);
}
