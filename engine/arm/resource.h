/* engine/arm/resource.h - the verbs of a resource: what scripts do to one.
 *
 * Each is a short sequence of operations: `ensure` reads, compares and writes only what
 * differs; it waits for a resource that somebody else is still making. It ends once, in a
 * body and an outcome or in a failure. It knows no Lua. */
#ifndef MOONGATE_ARM_RESOURCE_H
#define MOONGATE_ARM_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/waitable.h"
#include "model/kind.h"

struct client;
struct failure;
struct resource_operation;

enum resource_verb {
    RESOURCE_GET,    /* fails when absent */
    RESOURCE_FIND,   /* no body when absent */
    RESOURCE_EXISTS, /* the same, by HEAD where the service has it; never a body */
    RESOURCE_CREATE, /* fails when it exists */
    RESOURCE_ENSURE, /* creates, or changes what differs */
    RESOURCE_UPDATE, /* changes what differs; fails when absent */
    RESOURCE_DELETE, /* absent is fine */
    RESOURCE_VERB_COUNT
};

/* "get", "find", ... */
extern const char *const resource_verb_names[];

enum resource_outcome {
    RESOURCE_READ,
    RESOURCE_MISSING, /* found nothing, or there was nothing to delete */
    RESOURCE_CREATED,
    RESOURCE_CHANGED,
    RESOURCE_UNCHANGED,
    RESOURCE_DELETED,
    RESOURCE_OUTCOME_COUNT
};

/* "read", "absent", "created", "changed", "unchanged", "deleted". */
extern const char *const resource_outcome_names[];

/* `id` is copied; `if_match` (copied, or NULL) is the entity tag that the resource must have
 * when it is written: it fails with `PreconditionFailed` when it has another; `body` (taken, or NULL) holds what the script set, as the service says it;
 * `defaults` (taken, or NULL) what a new resource gets besides. */
struct resource_operation *resource_start(struct client *client, enum resource_verb verb,
                                          const struct kind *kind, const char *id,
                                          const char *if_match, cJSON *body,
                                          cJSON *defaults);

struct waitable *resource_waitable(struct resource_operation *operation);

/* Why it failed, or NULL. Borrowed. */
const struct failure *resource_failure(const struct resource_operation *operation);

/* Valid once it is over. */
enum resource_outcome resource_outcome(const struct resource_operation *operation);

/* The resource as the service says it, handed to the caller, or NULL. */
cJSON *resource_take_body(struct resource_operation *operation);

/* The entity tag that came with it, or NULL. Borrowed. */
const char *resource_etag(const struct resource_operation *operation);

/* For those who watch. Borrowed. */
enum resource_verb resource_verb(const struct resource_operation *operation);
const struct kind *resource_kind(const struct resource_operation *operation);
const char *resource_id(const struct resource_operation *operation);
const char *resource_name(const struct resource_operation *operation);
const char *resource_label(const struct resource_operation *operation); /* for people */
const char *resource_state(const struct resource_operation *operation);
double resource_percent(const struct resource_operation *operation);
int64_t resource_age_ms(const struct resource_operation *operation);
uint64_t
resource_number(const struct resource_operation *operation); /* 0: not reported */
bool resource_was_adopted(
    const struct resource_operation *operation); /* began elsewhere */

/* What says, besides kind and verb, how long its write may take: where it is made (as the service
 * says it, or NULL; borrowed), and of how many units (0: it has none). */
const char *resource_region(const struct resource_operation *operation);
int resource_units(const struct resource_operation *operation);

/* An earlier attempt of the run had done it, and the journal says so. */
bool resource_was_replayed(const struct resource_operation *operation);

/* Whether the service works on it, or may do so, whoever waits. */
bool resource_may_go_on(const struct resource_operation *operation);

/* Cancels it first if it still runs. Accepts NULL. */
void resource_release(struct resource_operation *operation);

/* The absolute URL of an id or a list of resources, `query` after the api-version ("&$top=5"
 * or ""). Owned by the caller. */
char *resource_url(const struct client *client, const char *id, const char *api_version,
                   const char *query);

#endif
