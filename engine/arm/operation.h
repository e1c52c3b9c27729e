/* engine/arm/operation.h - one request to the service, followed until it is really over.
 *
 * It takes its turn where writes must not run side by side, sends, follows a long-running
 * operation to its end, and repeats a write that was refused for a passing reason. It ends
 * once, in an answer or a failure. It knows no Lua. */
#ifndef MOONGATE_ARM_OPERATION_H
#define MOONGATE_ARM_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/uuid.h"
#include "base/waitable.h"
#include "pipeline/exchange.h"

struct client;
struct failure;
struct operation;
struct step;

enum { OPERATION_HEADERS = 8 };

/* What to send. Strings marked (taken) are the operation's from then on. */
struct operation_request {
    const char *method; /* constant */
    char *url;          /* absolute (taken) */
    enum audience audience;
    char *body;         /* (taken), or NULL; JSON unless a header says otherwise */
    size_t body_length; /* 0: as long as the string */
    char
        *headers[OPERATION_HEADERS]; /* "Name: value" (taken); the first NULL ends them */
    char client_request_id[UUID_TEXT_SIZE]; /* "": a random one */
    const char *final_state_via;            /* constant, or NULL */
    char *serial_key; /* whose writes go one after another (taken), or NULL */
    /* Asked when its turn has come: is it still to be sent? NULL: yes. */
    bool (*is_still_wanted)(void *context);
    void *wanted_context;
    char *label; /* "PUT workspace 'x'", for failures (taken), or NULL */
    /* How long it may take in all from its first sending on; 0: a day. When it is over, the
     * waiting ends with Timeout; the service is not told. */
    int64_t time_limit_ms;
    struct step *step; /* that it belongs to, or NULL: a write is one of its own */
    bool
        adopts; /* what an earlier attempt of the run began of this step is followed where
                  * it stands, and nothing is sent */
    const char *action; /* what the write will have done, constant; NULL: its method */
    bool is_below_new;  /* this run has made its parent */
    bool waits;         /* follow a long-running operation to its end */
    bool watches;       /* a GET that goes on until the resource's state is final */
    bool is_repeatable; /* a POST that may be sent twice */
    bool is_text;       /* the answer is any text, whatever its type claims */
    bool registers;     /* a provider: none is registered for its sake */
};

/* Called when the request is first put on the wire, and whenever a poll brought a new state. */
typedef void operation_progress(void *context, const struct operation *operation);

/* Starts it; it may be over already. Owned by the caller until operation_release(). */
struct operation *operation_start(struct client *client,
                                  const struct operation_request *request);

/* Reports states to `progress` until it is over. */
void operation_watch(struct operation *operation, operation_progress *progress,
                     void *context);

/* For waiting. Borrowed. */
struct waitable *operation_waitable(struct operation *operation);

/* Why it failed, or NULL. Borrowed: valid until operation_release(). */
const struct failure *operation_failure(const struct operation *operation);

/* It was not sent, because it was no longer wanted when its turn came. */
bool operation_was_dropped(const struct operation *operation);

/* Of the answer, once it is over: status, header field (lower-case name) or NULL, text, and
 * the URL that gave it. Borrowed. */
int operation_status(const struct operation *operation);
const char *operation_field(const struct operation *operation, const char *name);
const struct buffer *operation_fields(const struct operation *operation);
const struct buffer *operation_text(const struct operation *operation);
const char *operation_url(const struct operation *operation);

/* The body as JSON, or NULL when it has none. Borrowed. */
const cJSON *operation_body(struct operation *operation);

/* The same, handed to the caller (cJSON_Delete). */
cJSON *operation_take_body(struct operation *operation);

/* While it goes on: the service's word for its state or NULL, percent or a negative number,
 * and whether the service has accepted it and goes on by itself. */
const char *operation_state(const struct operation *operation);
double operation_percent(const struct operation *operation);
bool operation_is_accepted(const struct operation *operation);

/* Whether its request was ever put on the wire: until then it waits for its turn. */
bool operation_was_sent(const struct operation *operation);

/* Whether the service works on it, or may do so: its request is on the wire, or the answer was
 * lost. */
bool operation_may_go_on(const struct operation *operation);

/* Of one that failed: the service said that it was not done, or it was never sent. */
bool operation_is_refused(const struct operation *operation);

/* Cancels it first if it still runs: nobody waits any more, the service may go on. Accepts
 * NULL. */
void operation_release(struct operation *operation);

#endif
